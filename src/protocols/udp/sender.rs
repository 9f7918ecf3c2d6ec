//! The stream slave of an endpoint: sends in the caller's thread.

use std::sync::{Arc, Weak};

use super::intake::Intake;
use super::link::{Link, Route};
use super::outbox::Queued;
use crate::clock;
use crate::headroom::{self, NoMemory};
use crate::logging::{log_warning, static_logger};
use crate::net::udp::BATCH_COUNT_MAX;
use crate::net::DriverHandle;
use crate::process::{inherited_text, may_wait};
use crate::stream::{
    report_drop, warn_of_drop, Buffers, CancelToken, Dispatch, Frame, FrameGuard, Slave, SlaveBase,
    Waiter,
};

static_logger!(LOG, "udp");

type Token = Arc<dyn CancelToken>;

/// Most frames have few buffers; the slices of these need no allocation.
const SLICES_COUNT: usize = 8;
const SLOW_TEXT: &str = "the network takes them more slowly than they are sent";
const NO_MEMORY_TEXT: &str = "it takes them slowly, and there is no memory to let them wait";

/// Sends frames. The endpoint lasts as long as this exists: its owner, and masters that send to it,
/// keep it.
pub(super) struct Sender {
    link: Arc<Link>,
    handle: DriverHandle,
    /// Not owned: receivers that send back own this sender.
    intake: Weak<Intake>,
}

impl Sender {
    pub(super) fn new(link: Arc<Link>, handle: DriverHandle, intake: Weak<Intake>) -> Sender {
        Sender { link, handle, intake }
    }

    pub(super) fn handle(&self) -> &DriverHandle {
        &self.handle
    }

    #[cfg(test)]
    pub(super) fn intake(&self) -> Option<Arc<Intake>> {
        self.intake.upgrade()
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Ends the endpoint; see [`UdpEndpoint::stop`](super::UdpEndpoint::stop).
    pub(super) fn stop(&self) {
        if self.handle.is_inherited() {
            return;
        }
        self.link.close();
        if self.handle.stop() {
            // A thread that waits for an answer may be delivering one.
            self.intake.upgrade().into_iter().for_each(|intake| intake.wait_returned());
        }
    }

    /// Sends the buffers of a frame with this token, each as a datagram; copies of those for which
    /// the socket has no room.
    fn send(
        &self,
        route: &Route,
        buffers: &Buffers,
        token: Option<&Token>,
    ) -> Vec<Result<Queued, NoMemory>> {
        let filled = || buffers.slices().filter(|slice| !slice.is_empty());
        let mut few = [&[][..]; SLICES_COUNT];
        let many: Vec<&[u8]>;
        let datagrams = match buffers.count() {
            count if count <= SLICES_COUNT => {
                let mut used = 0;
                for (place, slice) in few.iter_mut().zip(filled()) {
                    *place = slice;
                    used += 1;
                }
                &few[..used]
            }
            _ => {
                many = filled().collect();
                &many[..]
            }
        };
        // What waits already goes first.
        let done = match self.link.outbox.is_used() {
            true => 0,
            false => self.link.transmit(route, datagrams, |_, text| report_drop(|| text)),
        };
        let rest = datagrams[done..].iter();
        rest.map(|bytes| route.queued(bytes, token.cloned())).collect()
    }

    /// Sends frames of one buffer each, as one datagram each, with as few system calls as they need.
    fn send_together(&self, route: &Route, frames: &mut [Dispatch]) {
        let (mut bytes, mut rest) = (0, Vec::new());
        let taken: Vec<Arc<Frame>> = frames.iter_mut().filter_map(|it| it.frame.take()).collect();
        let mut guards: [Option<FrameGuard<'_>>; BATCH_COUNT_MAX] =
            [const { None }; BATCH_COUNT_MAX];
        let mut datagrams = [&[][..]; BATCH_COUNT_MAX];
        for (place, frame) in guards.iter_mut().zip(&taken) {
            *place = Some(frame.lock());
        }
        for (datagram, guard) in datagrams.iter_mut().zip(guards.iter().flatten()) {
            *datagram = guard.slices().next().unwrap_or_default();
            bytes += datagram.len();
        }
        let datagrams = &datagrams[..taken.len()];
        let done = match self.link.outbox.is_used() {
            true => 0,
            false => self.link.transmit(route, datagrams, |index, text| {
                frames[index].dropped = Some(text);
            }),
        };
        let waiting = datagrams[done..].iter().zip(&taken[done..]);
        rest.extend(waiting.map(|(bytes, frame)| {
            let token = frame.cancel_token().cloned();
            route.queued(bytes, token)
        }));
        drop(guards);
        self.link.base.count_several(taken.len(), bytes);
        taken.into_iter().for_each(Frame::release);
        if !rest.is_empty() {
            self.queue(rest, |index, text| frames[done + index].dropped = Some(text.to_owned()));
        }
    }

    /// Leaves datagrams to the event loop. A thread of the program waits for room; one of the
    /// library does not, because others depend on it. `dropped` is told of each one without room, by
    /// its index.
    fn queue(
        &self,
        datagrams: Vec<Result<Queued, NoMemory>>,
        mut dropped: impl FnMut(usize, &str),
    ) {
        let limit = may_wait().then(|| clock::now() + self.link.timeout());
        let name = &self.link.name;
        let (mut lost, mut why) = (0, SLOW_TEXT);
        for (index, datagram) in datagrams.into_iter().enumerate() {
            if !datagram.is_ok_and(|datagram| self.link.outbox.push(datagram, limit)) {
                lost += 1;
                if !headroom::is_there() {
                    why = NO_MEMORY_TEXT;
                }
                dropped(index, &format!("{name}: a datagram was dropped, because {why}"));
            }
            // At once: room comes only when the loop sends.
            self.handle.wake();
        }
        if lost > 0 {
            self.link.lose(lost);
            log_warning!(LOG, "{name}: {lost} datagrams were dropped, because {why}");
        }
    }
}

/// Whether the request of a frame was given up before the frame came here.
fn is_cancelled(frame: &Frame) -> bool {
    frame.cancel_token().is_some_and(|token| token.is_cancelled(clock::now()))
}

/// Whether a frame is one datagram that can be sent together with others.
fn is_plain(dispatch: &mut Dispatch) -> bool {
    let sound = dispatch.frame.as_mut().filter(|frame| frame.error() == 0 && !is_cancelled(frame));
    sound.is_some_and(|frame| {
        Frame::fill(frame, |buffers| buffers.count() == 1 && buffers.payload() > 0)
    })
}

impl Slave for Sender {
    fn base(&self) -> &SlaveBase {
        &self.link.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let error = frame.error();
        if self.handle.is_inherited() || error != 0 {
            let bytes = Frame::consume(frame, |buffers| buffers.payload());
            self.link.lose(1);
            let name = &self.link.name;
            return match error {
                0 => {
                    log_warning!(LOG, "{name}: it belongs to the parent process and sends nothing")
                }
                _ => warn_of_drop!(
                    LOG,
                    "{name}: a frame of {bytes} bytes with error 0x{error:x} is not sent"
                ),
            };
        }
        let is_cancelled = is_cancelled(&frame);
        let instead = if is_cancelled { frame.stand_in() } else { None };
        let is_withheld = is_cancelled && instead.is_none();
        let frame = match instead {
            Some(instead) => {
                self.link.lose(1);
                Frame::release(frame);
                instead
            }
            None => frame,
        };
        let unsent = match self.link.route() {
            Ok(_) if is_withheld => Err("its request was given up before"),
            route => route,
        };
        let route = match unsent {
            Ok(route) => route,
            Err(why) => {
                let bytes = Frame::consume(frame, |buffers| buffers.payload());
                self.link.lose(1);
                let name = &self.link.name;
                return warn_of_drop!(LOG, "{name}: a frame of {bytes} bytes is not sent: {why}");
            }
        };
        let token = frame.cancel_token().cloned();
        let (bytes, rest) = Frame::consume(frame, |buffers| {
            (buffers.payload(), self.send(&route, buffers, token.as_ref()))
        });
        self.link.base.count(bytes);
        if !rest.is_empty() {
            self.queue(rest, |_, text| report_drop(|| text.to_owned()));
        }
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let other =
                rest.iter_mut().take(BATCH_COUNT_MAX).position(|dispatch| !is_plain(dispatch));
            let plain = other.unwrap_or(rest.len().min(BATCH_COUNT_MAX));
            let route = self.link.route().ok().filter(|_| plain > 1 && !self.handle.is_inherited());
            match route {
                Some(route) => self.send_together(&route, &mut rest[..plain]),
                None => rest[..plain.max(1)]
                    .iter_mut()
                    .for_each(|dispatch| dispatch.pass(|frame| self.accept_frame(frame))),
            }
            rest = &mut rest[plain.max(1)..];
        }
    }

    fn obstacle(&self, _link: &mut Option<u64>) -> Option<String> {
        if self.handle.is_inherited() {
            return Some(inherited_text(&self.link.name));
        }
        self.link.missing_end().map(|why| format!("{}: {why}", self.link.name))
    }

    fn explain_silence(&self) -> Option<String> {
        match self.handle.is_inherited() {
            true => None,
            false => self.link.explain_silence(),
        }
    }

    fn drive(&self, waiter: &mut dyn Waiter) {
        if !self.handle.is_inherited() {
            self.intake.upgrade().into_iter().for_each(|intake| intake.drive(waiter));
        }
    }

    fn interrupt(&self) {
        if !self.handle.is_inherited() {
            self.intake.upgrade().into_iter().for_each(|intake| intake.interrupt());
        }
    }

    fn stop(&self) {
        Sender::stop(self);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        Sender::stop(self);
    }
}
