//! The receiving ends of the applications: cut frames into packets and send these.

use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::super::lane::Lane;
use super::arrivals::Arrivals;
use super::cancel::{NumberedFrame, WholeFrame};
use super::{PacketizerOptions, LOG};
use crate::clock;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_error, log_warning};
use crate::process::{self, Generation};
use crate::proto::packetizer::{v1, v2, Cutter, FrameInfo, Version, HEADER_BYTES, START_OF_FRAME};
use crate::stream::{
    warn_of_drop, Buffer, Buffers, CancelToken, Dispatch, Fanout, Frame, Master, Slave, SlaveBase,
    Waiter,
};

/// Upper bound on the room for packets that is requested at once: enough for some packets of every
/// transport, and little beside a large frame.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
const REPORT_PERIOD: Duration = Duration::from_secs(1);
const UNCONNECTED_TEXT: &str = "packetizer::Application: the packetizer has no transport: connect \
                                one, or connect it again after it was stopped";

/// Sends packets.
pub(super) struct PacketSender {
    generation: Generation,
    version: Version,
    options: PacketizerOptions,
    arrivals: Arc<Arrivals>,
    /// Why there is no transport any more.
    end: OnceLock<String>,
    master: Arc<Master>,
    /// Version 1: number of the next frame. Changed by the owner of the lane only.
    frame_number: AtomicU16,
    /// Size of the largest packet that the transport is known to take; 0 = none is known.
    packet_bytes_known: AtomicUsize,
    /// Size of the largest packet that it may take.
    packet_bytes_max: AtomicUsize,
    pub(super) report_us: AtomicU64,
    pub(super) frames_sent: AtomicU64,
    pub(super) packets_sent: AtomicU64,
    pub(super) frames_refused: AtomicU64,
}

impl PacketSender {
    pub(super) fn new(
        version: Version,
        options: PacketizerOptions,
        arrivals: Arc<Arrivals>,
    ) -> Arc<PacketSender> {
        Arc::new(PacketSender {
            arrivals,
            end: OnceLock::new(),
            generation: Generation::current(),
            version,
            options,
            master: Master::new(),
            frame_number: AtomicU16::new(0),
            packet_bytes_known: AtomicUsize::new(0),
            packet_bytes_max: AtomicUsize::new(REQUEST_BYTES_MAX),
            report_us: AtomicU64::new(REPORT_PERIOD.as_micros() as u64),
            frames_sent: AtomicU64::new(0),
            packets_sent: AtomicU64::new(0),
            frames_refused: AtomicU64::new(0),
        })
    }

    /// The process that the packetizer belongs to.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// The master of the transport.
    pub(super) fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// Where there is no transport any more, there will be none again, for `reason`.
    pub(super) fn note_end(&self, reason: String) {
        let _ = self.end.set(reason);
    }

    pub(super) fn has_end(&self) -> bool {
        self.end.get().is_some()
    }

    /// Why no frame can be sent without a transport.
    fn unconnected_text(&self) -> &str {
        self.end.get().map_or(UNCONNECTED_TEXT, String::as_str)
    }

    fn refuse(&self, dest: u8, why: impl std::fmt::Display) {
        self.frames_refused.fetch_add(1, Ordering::Relaxed);
        warn_of_drop!(LOG, "The packetizer drops a frame for destination {dest}: {why}");
    }

    /// Learns from the buffers that the transport has given for `wanted` bytes: less than that in
    /// the first is all that a packet can have.
    fn note_packet_bytes(&self, buffers: &Buffers, wanted: usize) {
        let bytes = buffers.iter().next().map_or(0, Buffer::size);
        if bytes < wanted {
            self.packet_bytes_known.store(bytes, Ordering::Relaxed);
            self.packet_bytes_max.store(bytes, Ordering::Relaxed);
            return;
        }
        self.packet_bytes_known.fetch_max(bytes, Ordering::Relaxed);
        if bytes > self.packet_bytes_max.load(Ordering::Relaxed) {
            // The transport's packets have grown.
            self.packet_bytes_max.store(REQUEST_BYTES_MAX, Ordering::Relaxed);
        }
    }

    fn cutter(&self, dest: u8, frame: &Frame) -> Cutter {
        let start = if self.options.ssi { START_OF_FRAME } else { 0 };
        let (first_user, last_user) = (frame.first_user() | start, frame.last_user());
        let info = FrameInfo { dest, first_user, last_user };
        match self.version {
            Version::V1 => {
                Cutter::V1(v1::Cutter::new(info, self.frame_number.load(Ordering::Relaxed)))
            }
            Version::V2 => Cutter::V2(v2::Cutter::new(info, self.options.send_crc)),
        }
    }

    /// Sends a frame; only the owner of its lane may.
    fn send(&self, Outgoing { dest, mut frame }: Outgoing) {
        // It may have waited for another one.
        if frame.cancel_if_late(clock::now()) {
            Frame::release(frame);
            self.frames_refused.fetch_add(1, Ordering::Relaxed);
            return log_debug!(LOG, "A frame is not sent: its request was given up");
        }
        let mut fanout = Fanout::default();
        if self.master.update(&mut fanout) == 0 {
            Frame::release(frame);
            return self.refuse(dest, self.unconnected_text());
        }
        let mut cutter = self.cutter(dest, &frame);
        if self.seal(&mut frame, &mut cutter) {
            self.send_packet(&mut fanout, frame);
            return self.count_sent(dest, 1);
        }
        let before = self.packets_sent.load(Ordering::Relaxed);
        let sent = self.cut(&mut fanout, &frame, &mut cutter);
        Frame::release(frame);
        if self.packets_sent.load(Ordering::Relaxed) != before {
            self.use_frame_number();
        }
        match sent {
            Ok(()) => self.count_sent(dest, 1),
            Err(error) => self.refuse(dest, error.text()),
        }
    }

    /// Sends frames together; only the owner of their lane may. Those of several packets go one by
    /// one.
    fn send_together(&self, dest: u8, frames: &mut [Dispatch]) {
        let mut fanout = Fanout::default();
        let is_connected = self.master.update(&mut fanout) > 0;
        let mut start = 0;
        for index in 0..frames.len() {
            let Some(frame) = frames[index].frame.as_mut() else { continue };
            let mut cutter = self.cutter(dest, frame);
            if !is_connected || !self.seal(frame, &mut cutter) {
                self.send_packets(&mut fanout, dest, &mut frames[start..index]);
                frames[index].pass(|frame| self.send(Outgoing { dest, frame }));
                start = index + 1;
            }
        }
        self.send_packets(&mut fanout, dest, &mut frames[start..]);
    }

    /// Keeps the number of the next frame for the packet that begins it, in case this is cancelled.
    fn note_number(&self, packet: &mut Arc<Frame>) {
        if self.version == Version::V1 {
            if let Some(token) = packet.cancel_token().cloned() {
                let number = self.frame_number.load(Ordering::Relaxed);
                Frame::replace_cancel_token(packet, NumberedFrame::new(token, number));
            }
        }
    }

    /// Sends frames that are their only packets.
    fn send_packets(&self, fanout: &mut Fanout, dest: u8, packets: &mut [Dispatch]) {
        if !packets.is_empty() {
            self.packets_sent.fetch_add(packets.len() as u64, Ordering::Relaxed);
            self.master.send_frames_by(fanout, packets);
            self.count_sent(dest, packets.len());
        }
    }

    fn count_sent(&self, dest: u8, frames: usize) {
        self.frames_sent.fetch_add(frames as u64, Ordering::Relaxed);
        log_debug!(LOG, "Sent {frames} frames for destination {dest}");
    }

    /// Version 1: the next frame has the next number. One that nothing was sent with is not used up:
    /// firmware counts along.
    fn use_frame_number(&self) {
        if self.version == Version::V1 {
            let next = self.frame_number.load(Ordering::Relaxed).wrapping_add(1);
            self.frame_number.store(next % v1::FRAME_NUMBERS_COUNT, Ordering::Relaxed);
        }
    }

    /// Turns a frame into its only packet, if it can be.
    fn seal(&self, frame: &mut Arc<Frame>, cutter: &mut Cutter) -> bool {
        let is_unshared = Arc::get_mut(frame).is_some();
        if !is_unshared || !self.seal_in_place(frame, cutter) {
            return false;
        }
        frame.set_flags(0);
        frame.set_channel(0);
        self.note_number(frame);
        self.use_frame_number();
        true
    }

    fn send_packet(&self, fanout: &mut Fanout, packet: Arc<Frame>) {
        self.packets_sent.fetch_add(1, Ordering::Relaxed);
        self.master.send_frame_by(fanout, packet);
    }

    /// Turns a frame into its only packet, around its payload; false, with nothing changed, if
    /// there is no room for that.
    fn seal_in_place(&self, frame: &mut Arc<Frame>, cutter: &mut Cutter) -> bool {
        let packet_bytes_known = self.packet_bytes_known.load(Ordering::Relaxed);
        Frame::fill(frame, |buffers| {
            let (count, payload) = (buffers.count(), buffers.payload());
            let Some(buffer) = buffers.iter_mut().next().filter(|_| count == 1) else {
                return false;
            };
            if self.version.buffer_bytes(payload) > packet_bytes_known
                || buffer.release_header(HEADER_BYTES).is_err()
            {
                return false;
            }
            let packet = self.version.packet_bytes(payload);
            let lacking = (packet - HEADER_BYTES - payload).saturating_sub(buffer.available());
            let sealed = buffer.release_tail(lacking).and_then(|()| buffer.set_payload(packet));
            if sealed.is_err() {
                buffer.reserve_header(HEADER_BYTES).expect("it was reserved before");
                return false;
            }
            cutter.write(buffer.bytes_mut(), payload, true);
            true
        })
    }

    /// Copies a frame into packets and sends them.
    fn cut(&self, fanout: &mut Fanout, frame: &Arc<Frame>, cutter: &mut Cutter) -> Result<()> {
        let total = frame.lock().payload();
        let mut offset = 0;
        let mut token = frame.cancel_token().cloned();
        while offset < total {
            let start = offset;
            let wanted = self.version.buffer_bytes(total - offset).min(REQUEST_BYTES_MAX);
            let mut packet = self.master.req_frame_by(fanout, wanted as u32, true)?;
            let several = Frame::fill(&mut packet, |buffers| {
                self.note_packet_bytes(buffers, wanted);
                (buffers.count() != 1).then(|| buffers.take())
            });
            let Some(mut several) = several else {
                offset += Frame::fill(&mut packet, |buffers| {
                    self.fill_packet(buffers.iter_mut().next(), frame, offset..total, cutter)
                })?;
                self.send_part(fanout, packet, &mut token, start..offset, total);
                continue;
            };
            if several.count() == 0 {
                self.fill_packet(None, frame, offset..total, cutter)?;
            }
            for buffer in several.iter_mut() {
                if offset == total {
                    break;
                }
                let start = offset;
                offset += self.fill_packet(Some(&mut *buffer), frame, offset..total, cutter)?;
                let mut packet = Buffers::default();
                packet.push(std::mem::replace(buffer, Buffer::from(Vec::new())));
                let packet = Frame::with_buffers(packet);
                self.send_part(fanout, packet, &mut token, start..offset, total);
            }
        }
        Ok(())
    }

    /// Sends the packet that carries `part` of the `total` bytes of a frame with `token`, if it has
    /// one: that of the whole frame from the first of several packets on.
    fn send_part(
        &self,
        fanout: &mut Fanout,
        mut packet: Arc<Frame>,
        token: &mut Option<Arc<dyn CancelToken>>,
        part: std::ops::Range<usize>,
        total: usize,
    ) {
        let is_first = part.start == 0;
        if is_first && part.end < total {
            *token = token.take().map(|token| WholeFrame::new(token) as _);
        }
        token.iter().for_each(|token| packet.set_cancel_token(token.clone()));
        if is_first {
            self.note_number(&mut packet);
        }
        self.send_packet(fanout, packet);
    }

    /// Makes `packet` the next one of `frame`, of whose payload `rest` is not sent yet; the bytes
    /// of payload that it carries.
    fn fill_packet(
        &self,
        packet: Option<&mut Buffer>,
        frame: &Frame,
        rest: std::ops::Range<usize>,
        cutter: &mut Cutter,
    ) -> Result<usize> {
        let capacity = packet.as_ref().map_or(0, |packet| self.version.capacity(packet.size()));
        let Some(packet) = packet.filter(|_| capacity > 0) else {
            let text = "the transport's packets have no room for any payload";
            return Err(Error::new(Status::Frame, "packetizer::Transport", text));
        };
        if self.version == Version::V1 && rest.len().div_ceil(capacity) > v1::PACKETS_COUNT_MAX {
            let text = format!("it has too many packets of {capacity} bytes");
            return Err(Error::new(Status::Frame, "packetizer::Transport", text));
        }
        let count = capacity.min(rest.len());
        packet.set_payload(self.version.packet_bytes(count))?;
        let bytes = packet.bytes_mut();
        frame.lock().read_at(rest.start, &mut bytes[HEADER_BYTES..HEADER_BYTES + count])?;
        cutter.write(bytes, count, count == rest.len());
        Ok(count)
    }

    /// A frame for `size` bytes in memory of the transport, with header and tail reserved; `None`
    /// if it does not fit one packet.
    fn packet_frame(&self, size: usize) -> Result<Option<Arc<Frame>>> {
        let wanted = self.version.buffer_bytes(size);
        if size == 0 || wanted > self.packet_bytes_max.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut frame = self.master.req_frame(wanted as u32, true)?;
        let has_room = Frame::fill(&mut frame, |buffers| {
            self.note_packet_bytes(buffers, wanted);
            let count = buffers.count();
            let Some(buffer) = buffers.iter_mut().next() else { return false };
            let tail = buffer.size().checked_sub(HEADER_BYTES + size);
            let Some(tail) = tail.filter(|_| count == 1 && buffer.size() >= wanted) else {
                return false;
            };
            // Room for exactly what was asked for: users fill frames to their size.
            buffer.reserve_header(HEADER_BYTES).and_then(|()| buffer.reserve_tail(tail)).is_ok()
        });
        Ok(has_room.then_some(frame))
    }
}

/// A frame with its destination: the lane of version 1 has frames for all of them.
pub(super) struct Outgoing {
    dest: u8,
    frame: Arc<Frame>,
}

/// The stream slave of an application. It owns what a frame can reach: the transport's master, and
/// not the one that hands out received frames.
pub(super) struct ApplicationSlave {
    base: SlaveBase,
    dest: u8,
    sender: Arc<PacketSender>,
    lane: Arc<Lane<Outgoing>>,
}

impl ApplicationSlave {
    pub(super) fn new(
        dest: u8,
        sender: Arc<PacketSender>,
        lane: Arc<Lane<Outgoing>>,
    ) -> ApplicationSlave {
        ApplicationSlave { base: SlaveBase::new(), dest, sender, lane }
    }
}

impl Slave for ApplicationSlave {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        if zero_copy {
            if let Some(frame) = self.sender.packet_frame(size as usize)? {
                return Ok(frame);
            }
        }
        self.base.pool().request(size)
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        if self.sender.generation.is_inherited() {
            return Some(process::inherited_text("The packetizer"));
        }
        let (master, mut fanout) = (self.sender.master(), Fanout::default());
        match master.update(&mut fanout) {
            0 => Some(self.sender.unconnected_text().to_owned()),
            _ => master.obstacle_by(&mut fanout, link),
        }
    }

    fn explain_silence(&self) -> Option<String> {
        let sender = &self.sender;
        if sender.generation.is_inherited() {
            return None;
        }
        // The layers below know more, where they are silent too.
        let below = sender.master().explain_silence();
        below.or_else(|| sender.arrivals.explain_silence(self.dest))
    }

    fn drive(&self, waiter: &mut dyn Waiter) {
        if !self.sender.generation.is_inherited() {
            self.sender.master().drive(waiter);
        }
    }

    fn interrupt(&self) {
        if !self.sender.generation.is_inherited() {
            self.sender.master().interrupt();
        }
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        let (sender, dest) = (&self.sender, self.dest);
        let mut bytes = 0;
        let is_sound = |dispatch: &mut Dispatch| {
            dispatch.frame.as_mut().is_some_and(|frame| {
                let payload = Frame::fill(frame, |buffers| buffers.payload());
                bytes += payload;
                payload > 0 && frame.error() == 0
            })
        };
        let is_ready = !sender.generation.is_inherited() && frames.iter_mut().all(is_sound);
        let together = || {
            self.base.count_several(frames.len(), bytes);
            sender.send_together(dest, frames);
        };
        let is_sent = is_ready && self.lane.run_if_free(together, |queued| sender.send(queued));
        if !is_sent {
            frames.iter_mut().for_each(|dispatch| dispatch.pass(|frame| self.accept_frame(frame)));
        }
    }

    fn accept_frame(&self, mut frame: Arc<Frame>) {
        let (sender, dest) = (&self.sender, self.dest);
        if sender.generation.is_inherited() {
            // Another thread of the parent may have been at it for ever.
            return log_error!(LOG, "{}", process::inherited_text("The packetizer"));
        }
        let payload = Frame::fill(&mut frame, |buffers| buffers.payload());
        self.base.count(payload);
        let error = frame.error();
        if error != 0 || payload == 0 {
            Frame::release(frame);
            return match error {
                0 => sender.refuse(dest, "it is empty"),
                _ => sender.refuse(dest, format_args!("its error is 0x{error:x}")),
            };
        }
        let period = Duration::from_micros(sender.report_us.load(Ordering::Relaxed));
        let report = || {
            log_warning!(
                LOG,
                "A frame for destination {dest} has waited for {} ms: the transport has not taken \
                 the frame before it",
                period.as_millis()
            );
        };
        let outgoing = Outgoing { dest, frame };
        let passed = self.lane.run(outgoing, period, report, |queued| sender.send(queued));
        if let Err(Outgoing { frame, .. }) = passed {
            Frame::release(frame);
            sender.refuse(dest, "too many wait already, and this thread cannot");
        }
    }
}
