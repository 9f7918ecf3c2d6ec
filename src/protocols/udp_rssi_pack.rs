//! The usual road to a board as one object: UDP, RSSI and a packetizer on one event loop.

use std::sync::Arc;
use std::time::Duration;

use super::packetizer::{Packetizer, PacketizerOptions};
#[cfg(doc)]
use super::rssi::RssiParameters;
use super::rssi::{milliseconds, LinkObserver, RssiEndpoint, RssiOptions};
use super::udp::{UdpEndpoint, UdpOptions, UdpStats};
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::net::{EventLoop, Spin};
use crate::proto::packetizer::Version;
use crate::proto::rssi::Parameter;
use crate::stream::{connect, Port};
use crate::sync::Mutex;

/// Bytes of a datagram that RSSI leaves unused, as in Rogue: a segment has at most 1464 bytes, or
/// 8964 with jumbo frames.
const RESERVED_BYTES: u32 = 8;

/// Options of a [`UdpRssiPack`].
#[derive(Clone, Debug)]
pub struct UdpRssiPackOptions {
    /// Whether a datagram carries up to 8972 bytes instead of 1472, for networks with frames of
    /// 9000 bytes.
    pub jumbo: bool,
    /// The version of the packetizer. Both ends must have the same: what the other end sends is
    /// dropped otherwise, and requests time out with a text that says so.
    pub version: Version,
    /// What the packetizer does. Unlike in Rogue, version 2 checks CRCs at first.
    pub packetizer: PacketizerOptions,
    /// What RSSI proposes to the peer as [`RssiParameters::max_buffers`]; 0 = RSSI's default, as for
    /// all of these. The segment size follows from `jumbo`.
    pub max_buffers: u32,
    /// [`RssiParameters::cum_ack_timeout`].
    pub cum_ack_timeout: Duration,
    /// [`RssiParameters::retran_timeout`].
    pub retran_timeout: Duration,
    /// [`RssiParameters::null_timeout`].
    pub null_timeout: Duration,
    /// [`RssiParameters::max_retran`].
    pub max_retran: u32,
    /// [`RssiParameters::max_cum_ack`].
    pub max_cum_ack: u32,
    /// [`RssiParameters::try_period`].
    pub try_period: Duration,
    /// Whether the event loop, and a thread that waits for an answer, poll for a while before they
    /// sleep.
    pub spin: Spin,
    /// Stack size of the event loop's thread, in bytes; the receivers of frames run on it, and an
    /// observer on one of the same size. 0 selects the size of other threads of the process
    /// (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// The event loop of all layers, together with other drivers: several boards may share one. A
    /// receiver of frames that blocks then stalls them all. `None` gives the road a loop, and a
    /// thread, of its own. With a loop `spin` has no effect.
    pub event_loop: Option<Arc<EventLoop>>,
}

impl Default for UdpRssiPackOptions {
    fn default() -> UdpRssiPackOptions {
        UdpRssiPackOptions {
            jumbo: false,
            version: Version::V1,
            packetizer: PacketizerOptions::default(),
            max_buffers: 0,
            cum_ack_timeout: Duration::ZERO,
            retran_timeout: Duration::ZERO,
            null_timeout: Duration::ZERO,
            max_retran: 0,
            max_cum_ack: 0,
            try_period: Duration::ZERO,
            spin: Spin::default(),
            stack_bytes: 0,
            event_loop: None,
        }
    }
}

impl UdpRssiPackOptions {
    fn parameters(&self) -> Result<[(Parameter, u32); 7]> {
        let timed = |parameter, time| Ok((parameter, milliseconds(parameter, time)?));
        Ok([
            (Parameter::MaxBuffers, self.max_buffers),
            timed(Parameter::CumAckTimeout, self.cum_ack_timeout)?,
            timed(Parameter::RetranTimeout, self.retran_timeout)?,
            timed(Parameter::NullTimeout, self.null_timeout)?,
            (Parameter::MaxRetran, self.max_retran),
            (Parameter::MaxCumAck, self.max_cum_ack),
            timed(Parameter::TryPeriod, self.try_period)?,
        ])
    }
}

/// The state and the counters of a [`UdpRssiPack`] at a glance; each layer has more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct UdpRssiPackStats {
    /// Whether the link is open: 1 or 0.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost.
    pub down_count: u64,
    /// Median of the latest round trips: from a segment to its acknowledgement, which the peer may
    /// delay.
    pub round_trip_p50: Duration,
    /// 99th percentile of these.
    pub round_trip_p99: Duration,
    /// Segments sent again.
    pub retransmits: u64,
    /// For how long this end could not take more.
    pub local_busy: Duration,
    /// For how long the peer could not.
    pub remote_busy: Duration,
    /// Frames handed to the applications.
    pub frames_in: u64,
    /// Frames of the applications sent.
    pub frames_out: u64,
    /// Bytes of datagrams received.
    pub bytes_in: u64,
    /// Bytes of datagrams sent.
    pub bytes_out: u64,
    /// Datagrams that the system has dropped because the receive buffer was full.
    pub dropped_overflow: u64,
    /// Datagrams dropped because they are too long, another address than the peer's sent them, or there
    /// was no memory for them.
    pub dropped_datagrams: u64,
    /// Segments dropped because their form or their checksum is wrong.
    pub dropped_corrupt: u64,
    /// Segments dropped because they had arrived before.
    pub dropped_duplicates: u64,
    /// Segments dropped because they do not belong to the link, forged ones among them.
    pub dropped_stray: u64,
    /// Packets dropped, and unfinished frames that were.
    pub dropped_packets: u64,
    /// Frames of the applications not sent: the link was closed, or they were refused.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
    /// Packets dropped because the peer's packetizer is of another version; `dropped_packets`
    /// contains them.
    pub dropped_version: u64,
}

/// The road to a board: frames of up to 256 destinations over a packetizer, RSSI and UDP, as
/// firmware has it by convention, and as pyrogue's class of this name builds it.
///
/// A *client* opens the link to a board, and opens it again whenever it was lost. A *server* waits
/// for a client, in the place of a board. All layers run on one event loop; a received frame reaches
/// the receivers of its destination in that thread, and a frame is sent in its sender's thread.
///
/// The road works as long as this object exists, or a master is connected to one of its
/// [applications](Self::application). All methods may be called from any thread.
pub struct UdpRssiPack {
    /// With the address, for texts.
    name: String,
    udp: Arc<UdpEndpoint>,
    rssi: Arc<RssiEndpoint>,
    packetizer: Arc<Packetizer>,
    /// The counters of UDP when the link was closed the last time.
    without_link: Arc<Mutex<UdpStats>>,
}

impl_debug!(UdpRssiPack, pack => { udp: pack.udp });

impl UdpRssiPack {
    /// A road to `port` of `host`, see [`UdpEndpoint::client`]. Begins to open the link and returns:
    /// [`wait_open`](Self::wait_open) waits.
    ///
    /// # Errors
    ///
    /// As [`UdpEndpoint::client`] and [`RssiEndpoint::client`].
    pub fn client(host: &str, port: u16, options: UdpRssiPackOptions) -> Result<Arc<UdpRssiPack>> {
        UdpRssiPack::start(options, RssiEndpoint::client, |options| {
            UdpEndpoint::client(host, port, options)
        })
    }

    /// A road that a client may open, at `port` of a local `address`, see [`UdpEndpoint::server`].
    ///
    /// # Errors
    ///
    /// As [`UdpEndpoint::server`] and [`RssiEndpoint::server`].
    pub fn server(
        address: &str,
        port: u16,
        options: UdpRssiPackOptions,
    ) -> Result<Arc<UdpRssiPack>> {
        UdpRssiPack::start(options, RssiEndpoint::server, |options| {
            UdpEndpoint::server(address, port, options)
        })
    }

    fn start(
        options: UdpRssiPackOptions,
        make_rssi: impl FnOnce(RssiOptions) -> Result<Arc<RssiEndpoint>>,
        make_udp: impl FnOnce(UdpOptions) -> Result<Arc<UdpEndpoint>>,
    ) -> Result<Arc<UdpRssiPack>> {
        let event_loop = match options.event_loop.clone() {
            Some(event_loop) => event_loop,
            None => Arc::new(EventLoop::start("UdpRssiPack", options.stack_bytes, options.spin)?),
        };
        let event_loop = Some(event_loop);
        let udp = make_udp(UdpOptions {
            jumbo: options.jumbo,
            spin: options.spin,
            event_loop: event_loop.clone(),
            ..UdpOptions::default()
        })?;
        let stack_bytes = options.stack_bytes;
        let rssi = make_rssi(RssiOptions { event_loop, stack_bytes, ..RssiOptions::default() })?;
        rssi.set_local_value(Parameter::MaxSegment, udp.payload_bytes_max() - RESERVED_BYTES)?;
        for (parameter, value) in options.parameters()?.into_iter().filter(|(_, value)| *value > 0)
        {
            rssi.set_local_value(parameter, value)?;
        }
        let packetizer = Packetizer::new(options.version, options.packetizer);
        let name = match udp.peer() {
            Some(peer) => format!("UdpRssiPack to {peer}"),
            None => format!("UdpRssiPack at port {}", udp.port()),
        };
        connect(&rssi.transport(), &*udp)?;
        connect(&packetizer.transport(), &rssi.application())?;
        let without_link = Arc::<Mutex<UdpStats>>::default();
        rssi.set_on_change(follow(&udp, &rssi, &without_link));
        rssi.start()?;
        Ok(Arc::new(UdpRssiPack { name, udp, rssi, packetizer, without_link }))
    }

    /// The port for the frames of destination `dest`; by convention 0 is that of registers
    /// ([`SrpV3`](super::SrpV3)). Frames for a destination that was never asked for are discarded.
    pub fn application(&self, dest: u8) -> Port {
        self.packetizer.application(dest)
    }

    /// Waits until the link is open, for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`Status::Timeout`] with a text that names the layer that fails;
    /// [`Status::Stopped`] after [`stop`](Self::stop), and in a child by
    /// `fork`.
    pub fn wait_open(&self, timeout: Duration) -> Result<()> {
        self.rssi.wait_open(timeout).map_err(|error| {
            let text = match error.status() {
                Status::Timeout => format!("{} ({})", error.text(), self.udp_situation()),
                _ if self.packetizer.has_end() => self.stopped_text(),
                _ => return error,
            };
            Error::new(error.status(), "UdpRssiPack::wait_open", text)
        })
    }

    fn stopped_text(&self) -> String {
        format!("{} was stopped: make a new one", self.name)
    }

    /// What UDP has seen since there is no link, which tells a silent board from one that does not
    /// speak RSSI.
    fn udp_situation(&self) -> String {
        let (before, now) = (*self.without_link.lock(), self.udp.stats());
        let arrived = now.datagrams_in - before.datagrams_in;
        let peer = match self.udp.peer() {
            Some(peer) => peer.to_string(),
            None => format!("a client, which has to send to port {}", self.udp.port()),
        };
        match (arrived, now.network_errors - before.network_errors) {
            (0, 0) => format!("UDP: no datagram has come from {peer}"),
            (0, _) => format!("UDP: the network reports that {peer} takes no datagrams"),
            _ => format!("UDP works: {arrived} datagrams have come from {peer}"),
        }
    }

    /// Sets the observer of the link, in place of a former one, as
    /// [`RssiEndpoint::observe`]. [`stop`](Self::stop) is the last change that it is told of.
    pub fn observe(&self, observer: Option<Arc<dyn LinkObserver>>) {
        self.rssi.observe(observer);
    }

    /// Whether the link is open.
    pub fn is_open(&self) -> bool {
        self.rssi.is_open()
    }

    /// The layer of datagrams.
    pub fn udp(&self) -> &Arc<UdpEndpoint> {
        &self.udp
    }

    /// The layer of the link.
    pub fn rssi(&self) -> &Arc<RssiEndpoint> {
        &self.rssi
    }

    /// The layer of destinations.
    pub fn packetizer(&self) -> &Arc<Packetizer> {
        &self.packetizer
    }

    /// State and counters at a glance.
    pub fn stats(&self) -> UdpRssiPackStats {
        let (udp, rssi, packetizer) =
            (self.udp.stats(), self.rssi.stats(), self.packetizer.stats());
        UdpRssiPackStats {
            open: rssi.open,
            open_count: rssi.open_count,
            down_count: rssi.down_count,
            round_trip_p50: rssi.round_trip_p50,
            round_trip_p99: rssi.round_trip_p99,
            retransmits: rssi.retran_count,
            local_busy: rssi.local_busy_time,
            remote_busy: rssi.remote_busy_time,
            frames_in: packetizer.frames_received,
            frames_out: packetizer.frames_sent,
            bytes_in: udp.bytes_in,
            bytes_out: udp.bytes_out,
            dropped_overflow: udp.overflows,
            dropped_datagrams: udp.oversized + udp.strangers + udp.no_memory,
            dropped_corrupt: rssi.dropped_malformed + rssi.dropped_checksum + rssi.dropped_errored,
            dropped_duplicates: rssi.dropped_duplicate,
            dropped_stray: rssi.dropped_out_of_window
                + rssi.dropped_forged_reset
                + rssi.dropped_syn,
            dropped_packets: packetizer.dropped,
            unsent: udp.unsent + rssi.unsent + packetizer.frames_refused,
            network_errors: udp.network_errors,
            dropped_version: packetizer.wrong_version,
        }
    }

    /// Closes the link, tells the peer, closes the port and disconnects all applications. Returns
    /// within 100 ms if no receiver of a frame blocks; further calls do nothing.
    pub fn stop(&self) {
        self.packetizer.note_end(self.stopped_text());
        self.rssi.stop();
        self.rssi.finish_observation();
        self.udp.stop();
        self.packetizer.stop();
    }
}

/// Gives the socket room for a whole window of the link when it has opened, and notes in
/// `without_link` what UDP has seen when it is closed.
fn follow(
    udp: &Arc<UdpEndpoint>,
    rssi: &Arc<RssiEndpoint>,
    without_link: &Arc<Mutex<UdpStats>>,
) -> impl Fn(bool) {
    let (udp, rssi) = (Arc::downgrade(udp), Arc::downgrade(rssi));
    let without_link = without_link.clone();
    move |is_open| {
        let (Some(udp), Some(rssi)) = (udp.upgrade(), rssi.upgrade()) else { return };
        if is_open {
            // A refusal is in the log; the link works with less.
            let _ = udp.set_receive_buffers(rssi.current().max_buffers.into());
        } else {
            *without_link.lock() = udp.stats();
        }
    }
}
