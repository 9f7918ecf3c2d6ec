//! The slave that takes frames to send.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::Owner;
use super::link::{Link, LinkGuard};
use super::parcel::{self, Parcel};
use crate::clock;
use crate::error::Result;
use crate::logging::log_warning;
use crate::process;
use crate::proto::rssi::Refusal;
use crate::stream::{warn_of_drop, Dispatch, Frame, Slave, SlaveBase, Waiter};

/// Upper bound on the frames that wait beyond the window, of threads that cannot wait themselves.
const QUEUE_FRAMES_COUNT_MAX: usize = 8192;

/// How long a thread of this library that serves others waits for room in that queue, before its
/// frame is dropped: what it serves may be what the queue waits for.
const SERVING_WAIT_MAX: Duration = Duration::from_secs(1);

/// How a thread may wait for room in the window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// A thread of the program: its frame is queued while there are few, and then it waits until
    /// there is room, or the link is closed.
    Any,
    /// A thread that serves others: its frame is queued, and only a full queue is waited for.
    Short,
    /// A thread without which there will be no room.
    None,
}

/// Takes frames to send, in their sender's thread, and keeps the endpoint running.
pub(super) struct Application {
    base: SlaveBase,
    owner: Arc<Owner>,
}

impl Application {
    pub(super) fn new(owner: Arc<Owner>) -> Application {
        Application { base: SlaveBase::new(), owner }
    }

    fn link(&self) -> &Arc<Link> {
        &self.owner.link
    }

    /// The frame with room for a header; `None` if it cannot be sent, which is counted and logged.
    fn parcel(&self, frame: Arc<Frame>) -> Option<Parcel> {
        let (link, error) = (self.link(), frame.error());
        let payload = frame.lock().payload();
        self.base.count(payload);
        let payload_max = link.payload_max();
        if error != 0 || payload == 0 || payload > payload_max {
            Frame::release(frame);
            link.count_unsent();
            let name = link.name;
            if error != 0 {
                warn_of_drop!(link.log, "{name}: a frame with error 0x{error:x} is not sent");
            } else if payload > 0 {
                warn_of_drop!(
                    link.log,
                    "{name}: a frame of {payload} bytes is not sent: a segment carries \
                     {payload_max}; put a packetizer above, or raise locMaxSegment at both ends"
                );
            }
            return None;
        }
        match parcel::with_header(&link.transport, frame, payload) {
            Ok(parcel) => Some(parcel),
            Err(error) => {
                link.count_unsent();
                warn_of_drop!(link.log, "{}: a frame is not sent: {}", link.name, error.text());
                None
            }
        }
    }

    /// Gives a frame to the link, for [`Link::pump`] to send; false if it is dropped.
    fn enter(&self, frame: Arc<Frame>) -> bool {
        let Some(parcel) = self.parcel(frame) else { return false };
        let Err(parcel) = self.submit(parcel) else { return true };
        self.link().count_unsent();
        Frame::release(parcel.frame);
        false
    }

    /// Hands `parcel` to the link, waiting for room as the thread may. It comes back if it is
    /// dropped.
    fn submit(&self, mut parcel: Parcel) -> std::result::Result<(), Parcel> {
        let link = self.link();
        let mut state = link.lock();
        let (mut limit, mut has_pumped) = (None, false);
        loop {
            parcel = match state.connection.send(parcel) {
                Ok(()) => return Ok(()),
                Err((Refusal::Closed, parcel)) => return Err(parcel),
                Err((Refusal::Full, parcel)) => parcel,
            };
            let patience = patience(&state);
            let queue_max = match patience {
                Patience::Any => state.connection.current().window(),
                Patience::Short | Patience::None => QUEUE_FRAMES_COUNT_MAX,
            };
            if state.connection.queued() < queue_max {
                state.queue(parcel, patience == Patience::None)?;
                state.pause_intake();
                return Ok(());
            }
            if !mem::replace(&mut has_pumped, true) {
                // Those before it, which may be all that others can make room for.
                drop(state);
                link.pump();
                state = link.lock();
                continue;
            }
            if patience == Patience::Any {
                let is_wanted;
                (state, is_wanted) = self.wait_while_wanted(state, &parcel.frame);
                let has_room = state.connection.queued() < QUEUE_FRAMES_COUNT_MAX;
                match is_wanted {
                    true => continue,
                    // What leaves instead keeps its place.
                    false if has_room && parcel.has_placeholder() => {
                        return state.queue(parcel, false);
                    }
                    false => return Err(parcel),
                }
            }
            let limit = *limit.get_or_insert_with(|| clock::now() + SERVING_WAIT_MAX);
            if patience == Patience::None || clock::now() >= limit {
                drop(state);
                warn_of_drop!(
                    link.log,
                    "{}: a frame is dropped, because {QUEUE_FRAMES_COUNT_MAX} wait already: the \
                     peer takes them more slowly than they are sent",
                    link.name
                );
                return Err(parcel);
            }
            state = link.wait_for_room(state, limit);
        }
    }

    /// Waits until there may be room for `frame`; false if the frame is not to be sent any more.
    fn wait_while_wanted<'a>(
        &'a self,
        state: LinkGuard<'a>,
        frame: &Frame,
    ) -> (LinkGuard<'a>, bool) {
        let link = self.link();
        let report_at = clock::now() + link.timeout();
        let limit = frame.cancel_token().map_or(report_at, |token| token.deadline().min(report_at));
        let state = link.wait_for_room(state, limit);
        let now = clock::now();
        if now < limit || state.has_room_for_senders() {
            return (state, true);
        }
        let outstanding = state.connection.outstanding();
        drop(state);
        if now >= report_at {
            log_warning!(
                link.log,
                "{}: a sender waits: the peer has not acknowledged {outstanding} segments",
                link.name
            );
        }
        let is_wanted = !frame.cancel_if_late(now);
        (link.lock(), is_wanted)
    }
}

/// How the calling thread may wait.
fn patience(state: &LinkGuard<'_>) -> Patience {
    if state.is_inside() {
        Patience::None
    } else if !process::may_wait() {
        Patience::Short
    } else {
        Patience::Any
    }
}

impl Slave for Application {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let link = self.link();
        if link.is_inherited() {
            return link.report_inherited();
        }
        if self.enter(frame) {
            link.pump();
        }
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        let link = self.link();
        if link.is_inherited() {
            return link.report_inherited();
        }
        for dispatch in frames {
            dispatch.pass(|frame| {
                self.enter(frame);
            });
        }
        link.pump();
    }

    /// One buffer with room for the header in front, of `size` bytes or of the largest payload of a
    /// segment: an application splits longer frames itself, as a packetizer does.
    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        let link = self.link();
        let size = match link.is_inherited() {
            true => size,
            false => size.min(link.payload_max() as u32),
        };
        parcel::request(&link.transport, size, zero_copy)
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        match self.link().is_inherited() {
            true => Some(process::inherited_text(self.link().name)),
            false => self.link().obstacle(link),
        }
    }

    fn explain_silence(&self) -> Option<String> {
        let link = self.link();
        if link.is_inherited() {
            return None;
        }
        if link.lock().connection.is_remote_busy() {
            let name = link.name;
            return Some(format!(
                "{name}: the peer is busy: a receiver there takes nothing more at present."
            ));
        }
        link.transport.explain_silence()
    }

    fn drive(&self, waiter: &mut dyn Waiter) {
        if !self.link().is_inherited() {
            self.link().transport.drive(waiter);
        }
    }

    fn interrupt(&self) {
        if !self.link().is_inherited() {
            self.link().transport.interrupt();
        }
    }

    fn stop(&self) {
        self.owner.stop();
    }
}
