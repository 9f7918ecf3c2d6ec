//! The sending threads: the requesting thread, a thread that is sending already, or the event loop.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::connection::Connection;
use super::core::{ClientCore, CoreState};
use super::send::{Batch, Flushed, SendHalf};
use crate::bridge::link::channel::Failure;
use crate::bridge::link::dialer::ClientState;
use crate::clock;
use crate::logging::log_debug;
use crate::memory::{Kept, Transaction};
use crate::net::socket::cause_text;
use crate::sync::MutexGuard;

/// Number of requests in flight at which a further one is left to the event loop. The loop is woken
/// at once, and sends all requests made meanwhile together: the request waits behind the others at
/// the server anyway, and a system call for each would be the largest cost of a stream of requests.
const LEFT_IN_FLIGHT_MIN: usize = 8;
/// Number of batches that a thread sends before it leaves the rest to the event loop. The limit
/// keeps a caller from sending other threads' requests for long, and lets the event loop read.
const BATCHES_PER_TURN_MAX: usize = 16;

type StateGuard<'a> = MutexGuard<'a, CoreState>;

impl ClientCore {
    /// Queues a transaction for the server, and sends it, or leaves that to the event loop.
    pub(super) fn submit(self: &Arc<Self>, tran: &Arc<Transaction>) {
        let Some(kept) = self.keep(tran) else { return };
        let mut state = self.state.lock();
        if let Err(refusal) = state.enqueue(self.wire_id(tran), kept) {
            drop(state);
            return self.refuse(tran, &refusal);
        }
        if !state.may_leave_to_loop() {
            return self.pump(state);
        }
        let is_news = !std::mem::replace(&mut state.is_loop_told, true);
        drop(state);
        if is_news {
            self.wake();
        }
    }

    /// Queues transactions that were requested together, and sends them together. One lock covers
    /// the whole: the event loop, or another thread that sends, may run at any time, and would send
    /// a part of them with a system call of its own.
    pub(super) fn submit_all(self: &Arc<Self>, all: &[Arc<Transaction>]) {
        let keep = |tran| Some((tran, self.keep(tran)?));
        let kept: Vec<(&Arc<Transaction>, Kept)> = all.iter().filter_map(keep).collect();
        if self.is_inherited() {
            return;
        }
        let mut refused = Vec::new();
        let mut state = self.state.lock();
        for (tran, kept) in kept {
            let outcome = state.enqueue(self.wire_id(tran), kept);
            refused.extend(outcome.err().map(|refusal| (tran, refusal)));
        }
        self.pump(state);
        refused.iter().for_each(|(tran, refusal)| self.refuse(tran, refusal));
    }

    /// Registers with a transaction. The caller then queues it. `None` if the transaction has
    /// ended.
    fn keep(self: &Arc<Self>, tran: &Arc<Transaction>) -> Option<Kept> {
        if self.is_inherited() {
            tran.error(self.inherited_text());
            return None;
        }
        if tran.size() > self.options.transaction_bytes_max {
            tran.error(format!(
                "Transaction of {} bytes exceeds the {} bytes allowed towards {}",
                tran.size(),
                self.options.transaction_bytes_max,
                self.name
            ));
            return None;
        }
        log_debug!(
            self.log,
            "Forwarding transaction id={}, addr=0x{:x}, size={}, type={}",
            self.wire_id(tran),
            tran.address(),
            tran.size(),
            u32::from(tran.ty())
        );
        // From here on the end of the transaction is reported to this client, or is seen under the
        // lock of the state, when the transaction is queued.
        let kept = Kept::new(tran);
        tran.set_tracker(self.clone()).then_some(kept)
    }

    /// Ends a transaction that was not queued.
    #[cold]
    fn refuse(&self, tran: &Arc<Transaction>, refusal: &Refusal) {
        match refusal {
            Refusal::Ended => {}
            Refusal::Stopped => tran.error(self.stopped_text()),
            Refusal::Queued => {
                tran.error(format!("Transaction {} is already on its way", tran.id()));
            }
        }
    }

    /// Sends queued requests, on the event loop. The posted writes that end meanwhile may block it.
    pub(super) fn pump_on_loop<'a>(&'a self, mut state: StateGuard<'a>) {
        state.is_loop_told = false;
        state.is_loop_sending = true;
        self.pump(state);
        if !self.is_inherited() {
            self.state.lock().is_loop_sending = false;
        }
    }

    /// The socket for requests has become writable.
    pub(super) fn writable(&self) {
        let mut state = self.state.lock();
        state.is_writable = true;
        state.is_blocked = false;
        self.pump_on_loop(state);
    }

    /// Encodes and sends queued requests, unless nothing can be sent, or another thread sends
    /// already, which then sends these too. May run on any thread.
    pub(super) fn pump<'a>(&'a self, mut state: StateGuard<'a>) {
        if state.is_blocked || self.is_inherited() {
            return;
        }
        let Some(connection) = state.connection.clone() else {
            if state.requests.queued_count() > 0 {
                self.call_back(&mut state);
            }
            return;
        };
        let Some(mut half) = connection.send.try_lock() else { return };
        let mut batch = Batch::default();
        let (mut state, outcome) = self.send_batches(state, &connection, &mut half, &mut batch);
        drop(half);
        if state.uses(&connection) {
            match outcome {
                Ok(is_all) => {
                    let needs = state.needs();
                    let action = state.arbiter.sent(needs);
                    self.carry_out(&mut state, action);
                    if !is_all {
                        self.wake();
                    }
                }
                Err(error) => {
                    // The event loop closes the connection.
                    state.broken = Some(cause_text(&error).into());
                    self.wake();
                }
            }
        }
        drop(state);
        if let Some(tran) = batch.locked.take() {
            self.go_on_when_unlocked(&tran, &connection);
        }
        // Only now, because these run user code, which may block, and other threads can send now.
        batch.posts.drain(..).for_each(|tran| tran.done());
        batch.late.drain(..).for_each(|tran| tran.end_unsent());
    }

    /// Sends until nothing more can be sent (true), or this thread's turn is over (false). An error
    /// means that the connection is broken. Ends early if the connection is lost.
    fn send_batches<'a>(
        &'a self,
        mut state: StateGuard<'a>,
        connection: &Arc<Connection>,
        half: &mut SendHalf,
        batch: &mut Batch,
    ) -> (StateGuard<'a>, io::Result<bool>) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            if half.has_room() {
                state = self.fill_in_time(state, connection, half, batch);
            }
            if !state.uses(connection) || (batch.requests.is_empty() && half.is_flushed()) {
                return (state, Ok(true));
            }
            state.is_writable = false;
            drop(state);
            batch.encode(half);
            let outcome = half.flush(&mut batch.spent);
            state = self.state.lock();
            state.requests.stats.bytes_out += half.newly_sent();
            if !state.uses(connection) {
                return (state, Ok(true));
            }
            state.requests.end_posts(half, batch);
            state.requests.put_back(batch);
            match outcome {
                Ok(Flushed::Blocked) if !state.is_writable => {
                    state.is_blocked = true;
                    batch.locked = None;
                    return (state, Ok(true));
                }
                // Writable again meanwhile; no further event reports that.
                Ok(Flushed::Blocked) => {}
                Ok(Flushed::Locked(tran)) => {
                    batch.locked = Some(tran);
                    return (state, Ok(true));
                }
                Ok(Flushed::Wholly) if batch.locked.is_some() => return (state, Ok(true)),
                Ok(Flushed::Wholly) => {}
                Err(error) => return (state, Err(error)),
            }
        }
        (state, Ok(false))
    }

    /// Moves requests that may be sent now from the queue into `batch`, or encodes them at once,
    /// and sets late ones aside. Ends early if the connection is lost meanwhile.
    fn fill_in_time<'a>(
        &'a self,
        mut state: StateGuard<'a>,
        connection: &Arc<Connection>,
        half: &mut SendHalf,
        batch: &mut Batch,
    ) -> StateGuard<'a> {
        let now = clock::now();
        loop {
            state.requests.fill(batch, half, now);
            if batch.maybe_late.is_empty() {
                return state;
            }
            drop(state);
            let seems_late = batch.maybe_late.drain(..);
            let (late, renewed): (Vec<_>, Vec<_>) =
                seems_late.partition(|(_, tran)| tran.is_overdue(now));
            state = self.state.lock();
            // Another slave, unknown here, has renewed them. They return to the front of the queue,
            // and are not late at the same `now`.
            state.requests.requeue(renewed.iter().map(|(wire_id, _)| *wire_id));
            batch.late.extend(late.into_iter().map(|(_, tran)| tran));
            batch.spent.extend(renewed.into_iter().map(|(_, tran)| tran));
            if !state.uses(connection) {
                return state;
            }
        }
    }

    /// Makes the event loop continue sending when the data of `tran`, the next request, is
    /// unlocked.
    #[cold]
    fn go_on_when_unlocked(&self, tran: &Transaction, connection: &Connection) {
        // Requested once at a time, and after the half has been released, so that an unlock before
        // that is seen here.
        let (awaited, id) = (connection.awaited_data.clone(), tran.id());
        if awaited.swap(id, Ordering::AcqRel) == id {
            return;
        }
        let handle = self.handle.get().cloned();
        tran.when_unlocked(move || {
            // Fails if that one has been given up, and another one is the next.
            let _ = awaited.compare_exchange(id, 0, Ordering::AcqRel, Ordering::Relaxed);
            handle.into_iter().for_each(|handle| handle.wake());
        });
    }

    /// Closes the connection if the server has refused `tran` as late although half of its time is
    /// left by the local clock. The local clock has been suspended, with this host or its virtual
    /// machine, so that all requests on this connection look late. The next connection compares the
    /// clocks anew.
    pub(super) fn compare_clocks(&self, tran: &Transaction) {
        if clock::now() + tran.timeout() / 2 >= tran.own_deadline() {
            return;
        }
        let text = "it takes requests for late that are not: this host or its virtual machine has \
                    been suspended";
        self.state.lock().broken.get_or_insert(Failure::from(text.to_owned()));
        self.wake();
    }
}

/// Why a transaction is not queued.
enum Refusal {
    /// It has ended.
    Ended,
    /// The client has been stopped.
    Stopped,
    /// It is here already.
    Queued,
}

impl CoreState {
    /// Queues a transaction that the client is registered with. The caller then has to pump, and
    /// holds another reference, so that none is dropped here for good.
    fn enqueue(&mut self, wire_id: u32, kept: Kept) -> Result<(), Refusal> {
        if self.phase == ClientState::Stopped {
            return Err(Refusal::Stopped);
        }
        // It has ended meanwhile, and the report found nothing to remove.
        if kept.expired() {
            return Err(Refusal::Ended);
        }
        match self.requests.insert(wire_id, kept) {
            true => Ok(()),
            false => Err(Refusal::Queued),
        }
    }

    /// Whether the latest request may be left to the event loop. Not while the loop completes
    /// posted writes or notifies listeners, because user code may block it then.
    fn may_leave_to_loop(&self) -> bool {
        let in_flight = self.requests.in_flight;
        (LEFT_IN_FLIGHT_MIN..self.requests.window).contains(&in_flight)
            && !self.is_blocked
            && !self.is_loop_sending
            && !self.arbiter.may_run_listener()
    }
}
