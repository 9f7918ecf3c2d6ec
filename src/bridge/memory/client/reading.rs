//! The reading threads: a thread that waits for an answer, or the event loop, as the
//! [`ReadArbiter`](super::arbiter::ReadArbiter) decides; and the client's [`Tracker`].

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::core::ClientCore;
use super::receive::{ReadOutcome, ReceiveHalf};
use crate::bridge::link::channel::Failure;
use crate::bridge::link::dialer::ClientState;
use crate::clock::{self, Time};
use crate::logging::log_error;
use crate::memory::{Tracker, Transaction};
use crate::net::reading::{read_until_over, Reading};
use crate::net::Spinner;
use crate::process::Duty;
use crate::sync::MutexGuard;

/// Longest poll for an answer in a thread that the program's threads wait for. CPython lets a thread
/// compute for 5 ms before another one gets its lock, so these wait little longer; and twice the
/// time in which an answer comes from another process on the same machine.
const POLL_TIME_MAX: Duration = Duration::from_micros(20);

impl ClientCore {
    /// Runs `action` with the receiving half on the event loop, unless a waiting thread holds it,
    /// which then reads as well.
    pub(super) fn read_on_loop<T: Default>(
        &self,
        connection: &Arc<Connection>,
        action: impl FnOnce(&mut ReceiveHalf) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut state = self.state.lock();
        let Some(mut half) = connection.receive.try_lock() else { return Ok(T::default()) };
        if !state.uses(connection) || !state.arbiter.loop_begins() {
            return Ok(T::default());
        }
        drop(state);
        let outcome = action(&mut half);
        if self.is_inherited() {
            return outcome;
        }
        let mut state = self.state.lock();
        drop(half);
        if state.uses(connection) {
            let needs = state.needs();
            let action = state.arbiter.loop_ends(needs);
            self.carry_out(&mut state, action);
        }
        outcome
    }

    /// Allows only the event loop to read from now on. `None` while a waiting thread still reads: it
    /// wakes the event loop as soon as it has drained the socket.
    pub(super) fn reclaim<'a>(
        &self,
        connection: &'a Connection,
    ) -> Option<MutexGuard<'a, ReceiveHalf>> {
        let mut state = self.state.lock();
        self.is_reclaimed.store(true, Ordering::SeqCst);
        let action = state.arbiter.reclaim();
        self.carry_out(&mut state, action);
        // Under the state's lock, where a thread that may not read holds it as well.
        connection.receive.try_lock()
    }

    /// The server sends no more. A waiting thread that reads learns it from its sleeper.
    pub(super) fn note_read_closed(&self, connection: &Connection) {
        // As in `reclaim`.
        let _state = self.state.lock();
        if let Some(mut half) = connection.receive.try_lock() {
            half.channel.wire.is_read_closed = true;
        }
    }

    /// The event loop checks whether to watch.
    pub(super) fn tick(&self, now: Time) {
        let mut state = self.state.lock();
        let action = state.arbiter.tick(now);
        self.carry_out(&mut state, action);
    }

    /// Reads, if no other thread does, until `tran` has ended, or until `limit`.
    fn read_for(&self, tran: &Arc<Transaction>, limit: Time, may_sleep: bool) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.state.lock();
        if !state.requests.is_queue_empty() {
            // Requests left to the event loop, which may not have run yet.
            self.pump(state);
            state = self.state.lock();
        }
        let Some(connection) = state.connection.clone() else { return };
        let Some(mut half) = connection.receive.try_lock() else { return };
        let needs = state.needs();
        let Some(action) = state.arbiter.wait_begins(needs) else { return };
        self.carry_out(&mut state, action);
        drop(state);
        let outcome = {
            // Other threads wait for answers that this thread reads.
            let _duty = Duty::begin();
            let until = tran.own_deadline().min(limit);
            let half = &mut *half;
            read_until_over(&mut DirectRead { core: self, half, tran, until, limit, may_sleep })
        };
        if self.is_inherited() {
            return;
        }
        let mut state = self.state.lock();
        drop(half);
        if state.uses(&connection) {
            let needs = state.needs();
            let action = state.arbiter.wait_ends(needs);
            self.carry_out(&mut state, action);
            if let Err(failure) = outcome {
                state.broken = Some(failure);
                self.wake();
            }
        }
    }

    /// Reads once and delivers the responses.
    pub(super) fn read(&self, half: &mut ReceiveHalf) -> Result<ReadOutcome, Failure> {
        if self.is_inherited() {
            // A listener has forked, and this is the child.
            return Err(self.inherited_text().into());
        }
        half.read(self)
    }
}

/// A thread that waits for the answer to `tran`, with the receiving half.
struct DirectRead<'a> {
    core: &'a ClientCore,
    half: &'a mut ReceiveHalf,
    tran: &'a Arc<Transaction>,
    /// When to look whether the deadline has been renewed.
    until: Time,
    limit: Time,
    may_sleep: bool,
}

impl Reading for DirectRead<'_> {
    type Failure = Failure;

    fn read(&mut self) -> Result<bool, Failure> {
        Ok(self.core.read(self.half)? != ReadOutcome::Nothing)
    }

    fn is_over(&self) -> bool {
        self.tran.is_done() || self.core.is_reclaimed.load(Ordering::SeqCst)
    }

    fn time_left(&mut self) -> Option<Duration> {
        self.tran.time_left(&mut self.until, self.limit)
    }

    fn spinner(&mut self) -> &mut Spinner {
        match self.may_sleep {
            true => &mut self.half.spinner,
            false => &mut self.half.brief_spinner,
        }
    }

    fn sleep(&mut self, time: Duration) -> bool {
        if !self.may_sleep {
            return false;
        }
        let (core, tran) = (self.core, self.tran);
        let is_over = || tran.is_done() || core.is_reclaimed.load(Ordering::SeqCst);
        let Some(sleeper) = self.half.sleeper(|waker| core.interrupter.set_waker(waker)) else {
            return false;
        };
        match core.interrupter.sleep(is_over, || sleeper.sleep(Some(time))) {
            None => {}
            Some(Ok(is_read_closed)) => self.half.channel.wire.is_read_closed |= is_read_closed,
            Some(Err(error)) => {
                log_error!(core.log, "Waiting for {} failed: {error}", core.name);
                return false;
            }
        }
        true
    }
}

impl Tracker for ClientCore {
    fn drive(&self, tran: &Arc<Transaction>, limit: Time) {
        self.read_for(tran, limit, true);
    }

    fn poll(&self, tran: &Arc<Transaction>) {
        self.read_for(tran, clock::now() + POLL_TIME_MAX, false);
    }

    fn interrupt(&self) {
        if !self.is_inherited() {
            self.interrupter.interrupt();
        }
    }

    fn listener_added(&self) {
        if !self.is_inherited() {
            let mut state = self.state.lock();
            let action = state.arbiter.listener_added();
            self.carry_out(&mut state, action);
            if state.is_loop_told && state.arbiter.may_run_listener() {
                // Requests were left to the event loop when it read for no listener.
                self.pump(state);
            }
        }
    }

    fn listener_removed(&self) {
        if !self.is_inherited() {
            self.state.lock().arbiter.listener_removed();
        }
    }

    fn forget(&self, tran: &Transaction) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.state.lock();
        let wire_id = self.wire_id(tran);
        let Some(kept) = state.requests.remove(wire_id, tran) else { return };
        state.requests.purge();
        if let Some(progress) = state.requests.large_with(wire_id) {
            drop(state);
            progress.keep_rest(tran);
            state = self.state.lock();
        }
        self.use_room(state);
        drop(kept);
    }

    fn last_activity(&self, tran: &Transaction) -> Option<Time> {
        if self.is_inherited() || tran.is_foreign() {
            return None;
        }
        self.state.lock().requests.last_activity(tran)
    }

    fn explain(&self, tran: &Transaction) -> Option<String> {
        if self.is_inherited() {
            return Some(self.inherited_text());
        }
        let state = self.state.lock();
        if state.requests.is_sent(self.wire_id(tran))? {
            return None;
        }
        Some(match state.phase {
            ClientState::Connected => format!(
                "The request was never sent: {} others were on their way to {} and had to be \
                 answered first.",
                state.requests.in_flight, self.name
            ),
            _ => format!(
                "The request was never sent, because there was no connection to {}: {}.",
                self.name, state.obstacle
            ),
        })
    }
}

#[cfg(test)]
mod tests;
