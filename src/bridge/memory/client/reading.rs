//! The reading threads: a thread that waits for an answer, or the event loop, as the
//! [`ReadArbiter`](super::arbiter::ReadArbiter) decides; and the client's [`Tracker`].

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::connection::Connection;
use super::core::ClientCore;
use super::receive::{ReadOutcome, ReceiveHalf};
use crate::bridge::link::channel::Failure;
use crate::bridge::link::dialer::ClientState;
use crate::clock::{self, Time};
use crate::logging::log_error;
use crate::memory::{Tracker, Transaction};
use crate::process::Duty;
use crate::sync::MutexGuard;

/// Number of buffers that a waiting thread reads between checks of its deadline.
const READS_PER_LOOK_MAX: usize = 16;

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
        self.interrupter.set_reclaimed(true);
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

    /// Reads once and delivers the responses.
    pub(super) fn read(&self, half: &mut ReceiveHalf) -> Result<ReadOutcome, Failure> {
        if self.is_inherited() {
            // A listener has forked, and this is the child.
            return Err(self.inherited_text().into());
        }
        half.read(self)
    }

    fn read_until_ended(
        &self,
        half: &mut ReceiveHalf,
        tran: &Arc<Transaction>,
        limit: Time,
    ) -> Result<(), Failure> {
        let mut until = tran.own_deadline().min(limit);
        let is_over = || tran.is_done() || self.interrupter.is_reclaimed();
        loop {
            let mut reads = 0;
            while self.read(half)? != ReadOutcome::Nothing {
                if tran.is_done() {
                    return Ok(());
                }
                reads += 1;
                // Answers to other requests may never end.
                let is_time = reads % READS_PER_LOOK_MAX == 0;
                if is_time && (is_over() || time_left(tran, &mut until, limit).is_none()) {
                    return Ok(());
                }
            }
            let has_more = !is_over() && self.spin(half, until, is_over)?;
            if is_over() {
                return Ok(());
            }
            if has_more {
                continue;
            }
            let Some(time) = time_left(tran, &mut until, limit) else { return Ok(()) };
            if !self.sleep(half, time, is_over) {
                return Ok(());
            }
        }
    }

    /// Polls for a while, at most `until` then. Returns whether there is something new.
    fn spin(
        &self,
        half: &mut ReceiveHalf,
        until: Time,
        is_over: impl Fn() -> bool,
    ) -> Result<bool, Failure> {
        let Some(limit) = half.spinner.next_spin() else { return Ok(false) };
        let end = (clock::now() + limit).min(until);
        loop {
            thread::yield_now();
            if self.read(half)? != ReadOutcome::Nothing {
                half.spinner.hit();
                return Ok(true);
            }
            if is_over() {
                return Ok(true);
            }
            if clock::now() >= end {
                half.spinner.miss();
                return Ok(false);
            }
        }
    }

    /// Sleeps until octets arrive, or another thread reports that it `is_over`. False if the system
    /// provides no means to sleep.
    fn sleep(&self, half: &mut ReceiveHalf, time: Duration, is_over: impl Fn() -> bool) -> bool {
        let Some(sleeper) = half.sleeper(|waker| self.interrupter.set_waker(waker)) else {
            return false;
        };
        match self.interrupter.sleep(is_over, || sleeper.sleep(Some(time))) {
            None => {}
            Some(Ok(is_read_closed)) => half.channel.wire.is_read_closed |= is_read_closed,
            Some(Err(error)) => {
                log_error!(self.log, "Waiting for {} failed: {error}", self.name);
                return false;
            }
        }
        true
    }
}

impl Tracker for ClientCore {
    fn drive(&self, tran: &Arc<Transaction>, limit: Time) {
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
            self.read_until_ended(&mut half, tran, limit)
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

/// The remaining time of `tran`: to `until`, or to its renewed deadline, but at most to `limit`.
/// `None` if that has passed.
fn time_left(tran: &Arc<Transaction>, until: &mut Time, limit: Time) -> Option<Duration> {
    let now = clock::now();
    if now >= *until {
        *until = tran.renewed_deadline(now).min(limit);
    }
    (now < *until).then(|| until.since(now))
}

#[cfg(test)]
mod tests;
