//! The receiving end of the transport: joins packets and hands frames to the applications.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::arrivals::Arrivals;
use super::{PacketizerOptions, LOG};
use crate::headroom;
use crate::logging::{log_debug, log_error, log_warning};
use crate::process::{inherited_text, Generation};
use crate::proto::packetizer::{
    v1, v2, Counters, Depacketizer, FrameInfo, PacketFault, Received, Version, END_IN_ERROR,
};
use crate::stream::{Buffers, Dispatch, Fanout, Frame, Master, Slave, SlaveBase};
use crate::sync::Mutex;

/// Upper bound on the bytes of unfinished frames: a frame announces neither its size nor that it
/// will never end. More than any detector's image; the largest of them goes first.
pub const HELD_BYTES_MAX: usize = 256 << 20;

/// The error of a received frame that ended in an error, as the reference has it.
const ERROR_AT_END: u8 = 0x80;
const DESTS_COUNT: usize = 256;

/// The stream slave of a packetizer's transport. It owns what a packet can reach: the masters of
/// the applications, and not the one that sends packets.
pub(super) struct PacketReceiver {
    generation: Generation,
    base: SlaveBase,
    ssi: bool,
    arrivals: Arc<Arrivals>,
    depacketizer: Mutex<Depacketizer>,
    /// By destination.
    applications: Vec<OnceLock<Arc<Master>>>,
    /// No destination from this one on is open: most packetizers have few, and are asked for them
    /// with each datagram.
    dests_end: AtomicUsize,
    pub(super) frames_received: AtomicU64,
}

/// What to do after a packet, with the transport's frame unlocked.
enum Delivery {
    Nothing,
    /// The packet's own frame, whose payload is that of the application's frame now.
    Same(FrameInfo),
    New(FrameInfo, Vec<u8>),
}

impl PacketReceiver {
    pub(super) fn new(
        version: Version,
        options: PacketizerOptions,
        arrivals: Arc<Arrivals>,
    ) -> Arc<PacketReceiver> {
        let depacketizer = match version {
            Version::V1 => Depacketizer::V1(v1::Depacketizer::new(HELD_BYTES_MAX)),
            Version::V2 => {
                Depacketizer::V2(v2::Depacketizer::new(options.check_crc, HELD_BYTES_MAX))
            }
        };
        Arc::new(PacketReceiver {
            generation: Generation::current(),
            base: SlaveBase::new(),
            ssi: options.ssi,
            arrivals,
            depacketizer: Mutex::new(depacketizer),
            applications: (0..DESTS_COUNT).map(|_| OnceLock::new()).collect(),
            dests_end: AtomicUsize::new(0),
            frames_received: AtomicU64::new(0),
        })
    }

    /// The master of the application `dest`, which is open from now on; in a child by `fork` one
    /// that brings nothing.
    pub(super) fn application(&self, dest: u8) -> Arc<Master> {
        if self.generation.is_inherited() {
            // Another thread of the parent may have been making it.
            return Master::new();
        }
        let master = self.applications[usize::from(dest)].get_or_init(Master::new).clone();
        self.dests_end.fetch_max(usize::from(dest) + 1, Ordering::Release);
        self.depacketizer.lock().open(dest);
        master
    }

    /// The masters of all open applications.
    pub(super) fn open_applications(&self) -> impl Iterator<Item = &Arc<Master>> {
        let known = &self.applications[..self.dests_end.load(Ordering::Acquire)];
        known.iter().filter_map(OnceLock::get)
    }

    pub(super) fn counters(&self) -> Counters {
        let depacketizer = self.depacketizer.lock_of(self.generation);
        depacketizer.map_or_else(Counters::default, |depacketizer| depacketizer.counters())
    }

    pub(super) fn packets_received(&self) -> u64 {
        self.base.frame_count()
    }

    /// Takes the packet in a frame, which nothing else refers to if `is_unshared`.
    fn take(&self, buffers: &mut Buffers, is_unshared: bool) -> Result<Delivery, PacketFault> {
        let joined;
        let packet = match buffers.contiguous() {
            Some(packet) => packet,
            None => {
                let copy = buffers.try_to_vec();
                joined = copy.map_err(|_| PacketFault::Memory(buffers.payload()))?;
                &joined[..]
            }
        };
        let accepted = self.depacketizer.lock().accept(packet);
        match accepted {
            Err(PacketFault::Version(version)) => self.arrivals.note_other(version),
            _ => self.arrivals.note_heard(),
        }
        let received = accepted?;
        let (info, payload) = match received {
            Received::Nothing => return Ok(Delivery::Nothing),
            Received::Joined { info, payload } => return Ok(Delivery::New(info, payload)),
            Received::Whole { info, payload } => (info, payload),
        };
        if !is_unshared || buffers.count() != 1 {
            let size = payload.len();
            let copy = headroom::copied(&packet[payload]);
            return Ok(Delivery::New(info, copy.map_err(|_| PacketFault::Memory(size))?));
        }
        // The header and the tail leave the payload, and nothing moves.
        let (start, count) = (payload.start, payload.len());
        let buffer = buffers.iter_mut().next().expect("its count is 1");
        let cut = buffer.reserve_header(start).and_then(|()| buffer.set_payload(count));
        cut.expect("the packet lies in the buffer");
        Ok(Delivery::Same(info))
    }

    /// Takes a packet; the frame that is complete with it, and its destination.
    fn receive(&self, mut packet: Arc<Frame>) -> Option<(u8, Arc<Frame>)> {
        let error = packet.error();
        let is_unshared = Arc::get_mut(&mut packet).is_some();
        let taken = Frame::fill(&mut packet, |buffers| {
            self.base.count(buffers.payload());
            (error == 0).then(|| self.take(buffers, is_unshared))
        });
        let Some(taken) = taken else {
            self.depacketizer.lock().count_dropped();
            Frame::release(packet);
            log_warning!(LOG, "Dropped a packet that the transport marked: error 0x{error:x}");
            return None;
        };
        let (frame, info) = match taken {
            Ok(Delivery::Same(info)) => (packet, info),
            Ok(Delivery::New(info, payload)) => {
                // Its memory is the transport's again before the application needs some.
                Frame::release(packet);
                (Arc::new(Frame::from(payload)), info)
            }
            Ok(Delivery::Nothing) => {
                Frame::release(packet);
                return None;
            }
            Err(fault) => {
                Frame::release(packet);
                log_warning!(LOG, "Dropped a packet: {fault}");
                return None;
            }
        };
        let FrameInfo { dest, first_user, last_user } = info;
        frame.set_flags(u16::from_le_bytes([first_user, last_user]));
        frame.set_channel(0);
        let ends_in_error = self.ssi && last_user & END_IN_ERROR != 0;
        frame.set_error(if ends_in_error { ERROR_AT_END } else { 0 });
        self.frames_received.fetch_add(1, Ordering::Relaxed);
        log_debug!(LOG, "Received a frame for destination {dest}");
        Some((dest, frame))
    }

    /// Hands on the frames that are still in their places, together.
    fn deliver(&self, dest: u8, frames: &mut [Dispatch]) {
        if let Some(master) = self.master(dest).filter(|_| !frames.is_empty()) {
            master.send_frames_by(&mut Fanout::default(), frames);
        }
    }

    /// The master of the application `dest`, if it is open.
    fn master(&self, dest: u8) -> Option<&Arc<Master>> {
        self.applications[usize::from(dest)].get()
    }
}

impl Slave for PacketReceiver {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        if self.generation.is_inherited() {
            return log_error!(LOG, "{}", inherited_text("The packetizer"));
        }
        if let Some((dest, frame)) = self.receive(frame) {
            if let Some(master) = self.master(dest) {
                master.send_frame(frame);
            }
        }
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        if self.generation.is_inherited() {
            return log_error!(LOG, "{}", inherited_text("The packetizer"));
        }
        let (mut start, mut dest) = (0, 0);
        for index in 0..frames.len() {
            let packet = frames[index].frame.take();
            let Some((next, frame)) = packet.and_then(|packet| self.receive(packet)) else {
                continue;
            };
            if next != dest {
                self.deliver(dest, &mut frames[start..index]);
                (start, dest) = (index, next);
            }
            frames[index].frame = Some(frame);
        }
        self.deliver(dest, &mut frames[start..]);
    }

    fn takes_only_answers(&self) -> bool {
        self.open_applications().all(|master| master.sends_only_answers())
    }

    fn takes_together(&self) -> bool {
        self.open_applications().all(|master| master.takes_together(&mut Fanout::default()))
    }

    fn link_lost(&self, reason: &str) {
        if self.generation.is_inherited() {
            return;
        }
        self.depacketizer.lock().abandon();
        self.arrivals.forget();
        self.open_applications().for_each(|master| master.link_lost(reason));
    }
}
