//! The frames that wait to be sent, between the threads of their senders and the event loop.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, OnceLock};

use super::lane::{Amount, QueuedFrame};
use super::stats::StreamStats;
use super::StreamLimits;
use crate::clock::{self, Time};
use crate::logging::{log_warning, Logger};
use crate::net::DriverHandle;
use crate::process::{self, Generation};
use crate::stream::{warn_of_drop, Frame, Intake};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Payload of the largest frame in bytes, the limit of the receiving end.
const SENT_BYTES_MAX: usize = u32::MAX as usize;

#[derive(Default)]
struct OutboxState {
    frames: VecDeque<QueuedFrame>,
    /// Bytes of their payload.
    bytes: usize,
    /// The limit has been reached; senders wait until half of it is free. Without that margin each
    /// frame taken would wake a thread that adds one.
    is_full: bool,
    is_closed: bool,
    /// Number of threads that wait for room or a peer.
    waiting: usize,
    /// The ends that receive nothing until there is room.
    paused: Vec<Arc<Intake>>,
    /// The wait for a peer has been logged.
    is_wait_logged: bool,
    stats: StreamStats,
}

impl OutboxState {
    /// Whether another frame may be queued. Without a peer none is, as in Rogue.
    fn has_room(&self) -> bool {
        self.stats.peers > 0 && !self.is_full
    }

    /// Pauses an end whose frame is queued all the same, if the limit has been reached.
    fn pause(&mut self, intake: Arc<Intake>) -> bool {
        let is_known = self.paused.iter().any(|paused| Arc::ptr_eq(paused, &intake));
        if self.is_full && !self.is_closed && !is_known {
            intake.pause();
            self.paused.push(intake);
        }
        true
    }
}

/// Why a frame is not queued, after the wait; the frame of another end is not waited for.
fn obstacle(state: &OutboxState, frame: &QueuedFrame, is_passed_on: bool) -> Option<&'static str> {
    match () {
        () if state.is_closed => Some("it has been stopped"),
        () if frame.bytes() > SENT_BYTES_MAX => Some("it is larger than 4 GiB: send smaller ones"),
        () if is_passed_on || state.has_room() => None,
        () if frame.is_cancelled(clock::now()) => Some("its request was given up"),
        () if state.is_full => Some("its peer has not read earlier ones in time"),
        () => Some("no peer has connected in time"),
    }
}

/// The frames that wait to be sent by one end of a bridge.
pub(super) struct Outbox {
    generation: Generation,
    /// The end of the bridge, for texts.
    name: String,
    log: Logger,
    limits: StreamLimits,
    handle: OnceLock<DriverHandle>,
    state: Mutex<OutboxState>,
    /// Signals room, a peer, the end, and after the end that all is sent.
    changed: Condvar,
}

impl Outbox {
    pub(super) fn new(name: String, log: Logger, limits: StreamLimits) -> Outbox {
        Outbox {
            generation: Generation::current(),
            name,
            log,
            limits,
            handle: OnceLock::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Sets the driver that sends the frames.
    pub(super) fn set_handle(&self, handle: DriverHandle) {
        let _ = self.handle.set(handle);
    }

    pub(super) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    // ------------------------------------------------------------------ senders

    /// Queues a frame, after a wait for room and a peer. Drops it if the wait ends without.
    ///
    /// The event loop of a bridge, this one or another, does not wait: its frame is queued, and it
    /// [receives no further ones](Intake) until there is room. So what it passes on is slowed down
    /// as well, but two bridges that pass on each other's frames do not wait for each other. A loop
    /// that passes on datagrams without a link does not wait either: their frame is dropped.
    pub(super) fn send(&self, frame: Arc<Frame>) {
        if self.is_inherited() {
            return log_warning!(
                self.log,
                "A frame is dropped: {}",
                process::inherited_text(&self.name)
            );
        }
        let frame = match QueuedFrame::of(frame) {
            Ok(frame) => frame,
            Err(error) => {
                self.state.lock().stats.dropped_out += 1;
                return warn_of_drop!(self.log, "{} drops a frame: {}", self.name, error.text());
            }
        };
        let mut state = self.state.lock();
        let mut is_passed_on = false;
        if !state.has_room() {
            match Intake::of_this_thread() {
                Some(intake) if intake.is_lossy() => {}
                Some(intake) => is_passed_on = state.pause(intake),
                None => state = self.wait_for_room(state, &frame),
            }
        }
        let no_place = "the system gives this process no memory for its place";
        let has_place = state.frames.try_reserve(1).is_ok();
        let obstacle = obstacle(&state, &frame, is_passed_on).or((!has_place).then_some(no_place));
        if let Some(obstacle) = obstacle {
            state.stats.dropped_out += 1;
            drop(state);
            frame.cancel_if_late(clock::now());
            return warn_of_drop!(
                self.log,
                "{} drops a frame of {} bytes: {obstacle}",
                self.name,
                frame.bytes()
            );
        }
        state.bytes += frame.bytes();
        state.is_full |= state.bytes >= self.limits.queue_bytes_max;
        state.stats.queued += 1;
        state.frames.push_back(frame);
        drop(state);
        self.wake();
    }

    fn wake(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, OutboxState>,
        frame: &QueuedFrame,
    ) -> MutexGuard<'a, OutboxState> {
        let limit = self.limits.send_wait_max.map(|time| clock::now() + time);
        let is_news = state.stats.peers == 0 && !mem::replace(&mut state.is_wait_logged, true);
        if is_news && !state.is_closed && self.limits.send_wait_max.is_none() {
            drop(state);
            log_warning!(self.log, "{}: no peer is connected, frames wait for one", self.name);
            state = self.state.lock();
        }
        state.waiting += 1;
        if state.stats.peers == 0 {
            // A client that its server has sent away comes back for the frame.
            self.wake();
        }
        while !state.has_room() && !state.is_closed {
            let now = clock::now();
            if limit.is_some_and(|limit| now >= limit) || frame.is_cancelled(now) {
                break;
            }
            state = match limit.into_iter().chain(frame.deadline()).min() {
                None => self.changed.wait(state),
                Some(next) => self.changed.wait_until(state, next),
            };
        }
        state.waiting -= 1;
        state
    }

    // ------------------------------------------------------------------ event loop

    /// Whether frames, or their senders, wait for a peer.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.state.lock();
        state.waiting > 0 || state.stats.queued > 0
    }

    /// A peer has connected.
    pub(super) fn joined(&self) {
        let mut state = self.state.lock();
        state.stats.peers += 1;
        state.stats.connects += 1;
        state.is_wait_logged = false;
        self.notify(&state);
    }

    /// A peer, `name`, has disconnected before this number of frames was sent to it completely.
    pub(super) fn left(&self, name: &dyn std::fmt::Display, unsent: u64) {
        let mut state = self.state.lock();
        state.stats.peers -= 1;
        state.stats.disconnects += 1;
        state.stats.queued -= unsent;
        state.stats.dropped_out += unsent;
        drop(state);
        if unsent > 0 {
            log_warning!(
                self.log,
                "{}: {unsent} frames were not sent completely before {name} disconnected, and are \
                 dropped; frames sent just before may be lost as well",
                self.name
            );
        }
    }

    /// The next frame to send, from `batch`, which takes frames from here when it is empty: at least
    /// `bytes_min` bytes, if that much waits. Drops those whose request was given up.
    pub(super) fn next(
        &self,
        batch: &mut VecDeque<QueuedFrame>,
        bytes_min: usize,
    ) -> Option<QueuedFrame> {
        loop {
            if batch.is_empty() {
                self.take(batch, bytes_min);
            }
            let frame = batch.pop_front()?;
            if !frame.cancel_if_late(clock::now()) {
                return Some(frame);
            }
            if let Some(instead) = frame.stand_in() {
                self.state.lock().stats.dropped_out += 1;
                return Some(instead);
            }
            let mut state = self.state.lock();
            state.stats.queued -= 1;
            state.stats.dropped_out += 1;
        }
    }

    /// Moves waiting frames to `batch`.
    fn take(&self, batch: &mut VecDeque<QueuedFrame>, bytes_min: usize) {
        let mut state = self.state.lock();
        let mut taken = 0;
        while taken < bytes_min {
            // One has a place at least: nothing wakes the loop again for what is left.
            if batch.try_reserve(1).is_err() && !batch.is_empty() {
                break;
            }
            let Some(frame) = state.frames.pop_front() else { break };
            // A frame without payload counts too, so that this ends.
            taken += frame.bytes().max(1);
            state.bytes -= frame.bytes();
            batch.push_back(frame);
        }
        if state.bytes <= self.limits.queue_bytes_max / 2 && mem::take(&mut state.is_full) {
            self.notify(&state);
            resume(mem::take(&mut state.paused), state);
        }
    }

    fn notify(&self, state: &OutboxState) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Frames have been sent.
    pub(super) fn sent(&self, Amount { frames, bytes }: Amount) {
        if frames == 0 {
            return;
        }
        let mut state = self.state.lock();
        state.stats.frames_out += frames;
        state.stats.bytes_out += bytes;
        state.stats.queued -= frames;
        if state.is_closed && state.stats.queued == 0 {
            self.changed.notify_all();
        }
    }

    /// A frame without payload cannot be sent to a peer.
    pub(super) fn refused_empty(&self, name: &dyn std::fmt::Display) {
        let mut state = self.state.lock();
        state.stats.queued -= 1;
        state.stats.dropped_out += 1;
        drop(state);
        log_warning!(
            self.log,
            "A frame without payload is not sent to {name}: Rogue would lose it, and the frame \
             after it"
        );
    }

    // ------------------------------------------------------------------ the end

    /// Accepts no further frames, and ends the waits of their senders.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.changed.notify_all();
        resume(mem::take(&mut state.paused), state);
    }

    /// Why no frame will ever be sent again, if that is so.
    pub(super) fn end_text(&self) -> Option<String> {
        if self.is_inherited() {
            return Some(process::inherited_text(&self.name));
        }
        let is_closed = self.state.lock().is_closed;
        is_closed.then(|| format!("{} has been stopped", self.name))
    }

    /// Waits until the frames have been sent, at most until `limit`, and not without a peer.
    pub(super) fn drain(&self, limit: Time) {
        let mut state = self.state.lock();
        while state.stats.queued > 0 && state.stats.peers > 0 && clock::now() < limit {
            state = self.changed.wait_until(state, limit);
        }
    }

    /// Drops the frames that have not been sent. The event loop has ended.
    pub(super) fn abandon(&self) {
        self.close();
        let mut state = self.state.lock();
        let dropped = mem::take(&mut state.stats.queued);
        state.stats.dropped_out += dropped;
        state.stats.disconnects += mem::take(&mut state.stats.peers);
        let frames = mem::take(&mut state.frames);
        self.changed.notify_all();
        drop(state);
        drop(frames);
        if dropped > 0 {
            log_warning!(
                self.log,
                "{} was stopped before {dropped} frames were sent, which are dropped",
                self.name
            );
        }
    }

    /// The counters of senders and peers.
    pub(super) fn stats(&self) -> StreamStats {
        match self.is_inherited() {
            true => StreamStats::default(),
            false => self.state.lock().stats,
        }
    }
}

/// Resumes ends that receive nothing, after the release of the lock.
fn resume(paused: Vec<Arc<Intake>>, state: MutexGuard<'_, OutboxState>) {
    drop(state);
    paused.into_iter().for_each(|intake| intake.resume());
}

#[cfg(test)]
mod tests;
