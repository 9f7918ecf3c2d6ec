//! The packetizer: a transport end, through which packets go, and an application end for each
//! destination, through which frames go.

mod arrivals;
mod cancel;
mod receive;
mod send;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

pub use receive::HELD_BYTES_MAX as PACKETIZER_HELD_BYTES_MAX;

use self::arrivals::Arrivals;
use self::receive::PacketReceiver;
use self::send::{ApplicationSlave, Outgoing, PacketSender};
use super::lane::Lane;
use crate::debug::impl_debug;
use crate::logging::static_logger;
use crate::proto::packetizer::Version;
use crate::stream::{Master, Port, Slave};
use crate::sync::Mutex;

static_logger!(LOG, "packetizer");

/// What may be chosen about a packetizer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketizerOptions {
    /// Frames follow the SSI convention: the start of a sent one is marked in its first user byte
    /// (bit 1), and a received one that ended in an error (last user byte, bit 0) has error 0x80.
    pub ssi: bool,
    /// Version 2: drops packets without a right CRC.
    pub check_crc: bool,
    /// Version 2: sends packets with a CRC.
    pub send_crc: bool,
}

impl Default for PacketizerOptions {
    /// All of it, as firmware has it.
    fn default() -> PacketizerOptions {
        PacketizerOptions { ssi: true, check_crc: true, send_crc: true }
    }
}

/// What a packetizer has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct PacketizerStats {
    /// Frames sent.
    pub frames_sent: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Frames not sent: marked as faulty, empty, without a transport, or of requests that were given
    /// up while they waited for another frame.
    pub frames_refused: u64,
    /// Packets received, dropped ones included.
    pub packets_received: u64,
    /// Frames handed to the applications.
    pub frames_received: u64,
    /// Packets dropped, and, in version 2, unfinished frames that were.
    pub dropped: u64,
    /// Packets dropped for their CRC.
    pub crc_errors: u64,
    /// Unfinished frames dropped, because another one began or the link was lost, or for their size.
    pub abandoned: u64,
    /// Packets dropped because they are of the other version, or of none.
    pub wrong_version: u64,
}

/// Carries the frames of up to 256 destinations over one packet transport, such as RSSI.
///
/// A frame is cut into packets in the thread that sends it, and a packet's frame is handed to its
/// application in the thread that brings the packet; nothing runs in between, and no lock is held
/// while another node runs. Frames of one destination leave in order and do not interleave; with
/// version 1 the frames of all destinations do not. Where threads contend, one waits until the other
/// has sent its frame. A thread that others depend on, such as an event loop, does not: its frame is
/// queued, and the thread that is sending sends it.
///
/// A frame that fits one packet is not copied if nothing else refers to it and its buffer has room
/// for header and tail, as that of a frame requested here (`zero_copy`) has. A transport may
/// deliver packets from several threads, but their order is then its own affair.
///
/// The ends work as long as they are connected, with or without this object.
pub struct Packetizer {
    receiver: Arc<PacketReceiver>,
    sender: Arc<PacketSender>,
    applications: Mutex<BTreeMap<u8, Arc<ApplicationSlave>>>,
    /// Version 1 has one lane for all destinations.
    shared_lane: Option<Arc<Lane<Outgoing>>>,
}

impl_debug!(Packetizer);

impl Packetizer {
    /// A packetizer that is not connected.
    pub fn new(version: Version, options: PacketizerOptions) -> Arc<Packetizer> {
        let arrivals = Arc::new(Arrivals::new(version));
        Arc::new(Packetizer {
            receiver: PacketReceiver::new(version, options, arrivals.clone()),
            sender: PacketSender::new(version, options, arrivals),
            applications: Mutex::default(),
            shared_lane: (version == Version::V1).then(Arc::default),
        })
    }

    /// The end through which packets go, in frames of one buffer.
    pub fn transport(&self) -> Port {
        Port::new(self.sender.master().clone(), self.receiver.clone())
    }

    /// The end through which the frames of destination `dest` go; always the same one. Frames for a
    /// destination whose end was never asked for are discarded.
    pub fn application(&self, dest: u8) -> Port {
        let made = || {
            let lane = self.shared_lane.clone().unwrap_or_default();
            Arc::new(ApplicationSlave::new(dest, self.sender.clone(), lane))
        };
        let slave = match self.applications.lock_of(self.sender.generation()) {
            Some(mut applications) => applications.entry(dest).or_insert_with(made).clone(),
            None => made(),
        };
        Port::new(self.receiver.application(dest), slave)
    }

    /// Packets dropped so far, and, with version 2, unfinished frames that were; wraps.
    pub fn drop_count(&self) -> u32 {
        self.receiver.counters().dropped
    }

    /// Sets how often a sender that waits for another one says so in the log. The default is one
    /// second, the least a millisecond.
    pub fn set_timeout(&self, period: Duration) {
        let period = period.max(Duration::from_millis(1)).as_micros();
        self.sender.report_us.store(period.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The counters.
    pub fn stats(&self) -> PacketizerStats {
        let counters = self.receiver.counters();
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        PacketizerStats {
            frames_sent: read(&self.sender.frames_sent),
            packets_sent: read(&self.sender.packets_sent),
            frames_refused: read(&self.sender.frames_refused),
            packets_received: self.receiver.packets_received(),
            frames_received: read(&self.receiver.frames_received),
            dropped: counters.dropped.into(),
            crc_errors: counters.crc_errors.into(),
            wrong_version: counters.wrong_version.into(),
            abandoned: counters.abandoned.into(),
        }
    }

    /// Once there is no transport any more, there will be none again, for `reason`, which names the
    /// object that the packetizer is a part of.
    pub(super) fn note_end(&self, reason: String) {
        self.sender.note_end(reason);
    }

    /// Whether its [end](Self::note_end) has been noted.
    pub(super) fn has_end(&self) -> bool {
        self.sender.has_end()
    }

    /// Disconnects the transport and the applications: neither packets nor frames leave any more
    /// until others are connected. The applications are told that the road is
    /// [lost](crate::stream::Slave::link_lost). May be called from any thread and more than once.
    pub fn stop(&self) {
        self.sender.master().stop();
        self.receiver.link_lost("the packetizer was stopped");
        let open: Vec<Arc<Master>> = self.receiver.open_applications().cloned().collect();
        open.iter().for_each(|master| master.stop());
    }
}
