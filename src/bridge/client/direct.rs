//! Who reads the responses: the event loop, or a thread that waits for one.
//!
//! Being woken by another thread that has read one's answer costs two changes of threads; reading
//! it oneself costs one. So a waiting thread takes the receiver, if it is free, and the event loop
//! stops watching the response connection. It goes on not watching for a while afterwards, since
//! whoever has waited mostly waits again soon; and then it looks after the connection again, so
//! what comes while nobody waits is late by no more than two pauses, see [`PAUSE_MIN`].
//!
//! * As long as there is a transaction of which somebody is told
//!   ([`Holder::unattended`](crate::memory::Holder)), be it a callback or a second thread that
//!   waits, the event loop reads, or a thread that was already reading until its own answer has
//!   come: what somebody wants to know is never late.
//! * Two threads that wait at once would have to hand the receiver to and fro: after the second
//!   was seen, the event loop reads for both for [`SHARED_TIME`].
//! * A waiting thread is woken where its transaction ends in another thread, and when the event
//!   loop wants the receiver back, because the request connection has broken.

use std::os::fd::AsRawFd;
use std::sync::atomic::{fence, AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Interest, Token, Waker};

use super::half::Failure;
use super::receiver::{Receiver, Taken};
use super::shared::{Shared, State};
use crate::clock::{self, Time};
use crate::logging::log_error;
use crate::memory::Transaction;
use crate::sync::Mutex;

/// For how long after a wait the event loop leaves the response connection alone: in between, so
/// that there are about [`WAITS_PER_PAUSE`]. What nobody waits for nor is told of is late by no
/// more than two pauses.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(100);
const WAITS_PER_PAUSE: u32 = 16;
/// How often the event loop looks during one wait, before it leaves that to the waiting thread.
const LOOKS_IN_WAIT_MAX: u32 = 10;
/// Between a request and a wait by which it is sent.
const PROMPT_TIME_MAX: Duration = Duration::from_micros(20);
/// For how long the event loop reads after several threads have waited at once.
const SHARED_TIME: Duration = Duration::from_millis(20);
/// Buffers that a waiting thread reads before it looks whether its time is over.
const READS_PER_LOOK_MAX: usize = 16;

/// Who has the receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Holder {
    #[default]
    Nobody,
    EventLoop,
    /// A thread that waits for an answer.
    Waiter,
}

/// The connection on which responses come.
struct Channel {
    stream: Arc<TcpStream>,
    token: usize,
    /// Requests go out on it too.
    carries_requests: bool,
}

/// The receiver of a connection, and who reads. Without a connection there is none.
#[derive(Default)]
pub(super) struct Direct {
    channel: Option<Channel>,
    receiver: Option<Receiver>,
    holder: Holder,
    /// The event loop is told of what comes on the response connection.
    is_watched: bool,
    /// When the event loop looks whether it should watch again.
    pause_end: Option<Time>,
    /// How long it goes on not watching.
    pause: Duration,
    /// Waits in which the waiting thread has read.
    waits: u64,
    /// Of which the event loop knew when it last looked.
    waits_seen: u64,
    /// How often it has looked during the wait that goes on.
    looks_in_wait: u32,
    /// Somebody else was to read while a waiting thread had the receiver.
    is_contended: bool,
    /// Until then the event loop reads for all.
    shared_until: Option<Time>,
    /// When the latest request was made.
    last_request: Time,
    /// The last one who waited did so right after the latest request.
    is_prompt: bool,
}

impl Direct {
    /// For a new connection, which the event loop watches.
    pub(super) fn new(receiver: Receiver) -> Direct {
        let channel = Channel {
            stream: receiver.half.wire.stream.clone(),
            token: receiver.half.token,
            carries_requests: receiver.carries_requests,
        };
        let (channel, receiver) = (Some(channel), Some(receiver));
        Direct { channel, receiver, is_watched: true, ..Direct::default() }
    }

    /// Notes that a request was made at `now`. Returns whether somebody is going to wait right
    /// afterwards, as the last one who waited did, and thereby send it; if nobody does after all,
    /// the event loop finds it at the end of the pause.
    pub(super) fn note_request(&mut self, now: Time) -> bool {
        self.last_request = now;
        self.is_prompt && self.pause_end.is_some() && self.holder == Holder::Nobody
    }
}

/// A receiver that a thread has taken, and of which connection it is.
pub(super) struct Taking {
    pub(super) receiver: Receiver,
    generation: u64,
}

/// The waiting thread that reads, as other threads see it.
#[derive(Default)]
pub(super) struct Reader {
    is_asleep: AtomicBool,
    /// The event loop wants the receiver back, for good.
    is_recalled: AtomicBool,
    waker: Mutex<Option<Arc<Waker>>>,
}

impl Reader {
    /// For a new connection.
    pub(super) fn reset(&self) {
        self.is_recalled.store(false, Ordering::SeqCst);
    }

    /// Has the reader, if it sleeps, look again. What the caller has stored before is seen.
    pub(super) fn interrupt(&self) {
        // Its counterpart is in `sleep`: of the two stores one is seen by the other's load.
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::SeqCst) {
            let waker = self.waker.lock().clone();
            // It fails when the system is out of memory; the reader then wakes at its deadline.
            let _ = waker.map(|waker| waker.wake());
        }
    }

    fn is_recalled(&self) -> bool {
        self.is_recalled.load(Ordering::SeqCst)
    }
}

impl Shared {
    // ------------------------------------------------------------------ the event loop

    /// Takes the receiver for the event loop, if nobody has it.
    pub(super) fn take_receiver(&self) -> Option<Taking> {
        let mut state = self.state.lock();
        let receiver = state.direct.receiver.take()?;
        state.direct.holder = Holder::EventLoop;
        Some(Taking { receiver, generation: state.generation })
    }

    /// Gives back what the event loop has taken.
    pub(super) fn return_receiver(&self, taking: Taking) {
        let mut state = self.state.lock();
        let late = state.put_back(taking);
        drop(state);
        drop(late);
    }

    /// Takes the receiver from the connection for good. `Err` while a waiting thread has it; that
    /// one gives it back as soon as it has read what there is, and wakes the event loop.
    pub(super) fn recall_receiver(&self) -> Result<Option<Receiver>, Busy> {
        let mut state = self.state.lock();
        self.reader.is_recalled.store(true, Ordering::SeqCst);
        if state.direct.holder != Holder::Waiter {
            return Ok(state.direct.receiver.take());
        }
        drop(state);
        self.reader.interrupt();
        Err(Busy)
    }

    /// The system has said that the server sends no more on the connection `token`.
    pub(super) fn note_read_closed(&self, token: usize) {
        let mut state = self.state.lock();
        let receiver = state.direct.receiver.as_mut();
        if let Some(receiver) = receiver.filter(|receiver| receiver.half.token == token) {
            receiver.half.wire.is_read_closed = true;
        }
    }

    /// When the event loop is to [look](Self::end_pause) whether it should watch again.
    pub(super) fn pause_end(&self) -> Option<Time> {
        self.state.lock().direct.pause_end
    }

    /// Watches again, where nobody has read in the meantime.
    pub(super) fn end_pause(&self, now: Time) {
        let mut state = self.state.lock();
        let direct = &mut state.direct;
        if direct.pause_end.is_none_or(|end| now < end) {
            return;
        }
        direct.pause_end = None;
        let waits = direct.waits - std::mem::replace(&mut direct.waits_seen, direct.waits);
        if waits == 0 && direct.holder != Holder::Waiter {
            return self.watch(&mut state);
        }
        direct.looks_in_wait = if waits == 0 { direct.looks_in_wait + 1 } else { 0 };
        let waits = u32::try_from(waits).unwrap_or(u32::MAX);
        let pause = direct.pause * WAITS_PER_PAUSE / waits.max(1);
        direct.pause = pause.clamp(PAUSE_MIN, PAUSE_MAX);
        // A long wait ends with a new pause: so many wake-ups are not worth saving that.
        direct.pause_end = (direct.looks_in_wait < LOOKS_IN_WAIT_MAX).then(|| now + direct.pause);
    }

    /// Somebody is to be told of an answer: it is read at once when it comes.
    pub(super) fn leave_to_loop(&self) {
        let mut state = self.state.lock();
        state.told_count += 1;
        match state.direct.holder {
            Holder::Waiter => state.direct.is_contended = true,
            Holder::Nobody | Holder::EventLoop => self.watch(&mut state),
        }
        let is_news = state.has_put_off() && state.tell_loop();
        drop(state);
        if is_news {
            self.wake();
        }
    }

    /// Has the event loop say when requests can be sent again.
    pub(super) fn watch_for_room(&self, state: &mut State) {
        if state.direct.channel.as_ref().is_some_and(|channel| channel.carries_requests) {
            self.watch(state);
        }
    }

    /// Has the event loop watch the response connection, which it then reads if there is anything.
    fn watch(&self, state: &mut State) {
        let direct = &mut state.direct;
        let (Some(channel), false) = (&direct.channel, direct.is_watched) else { return };
        let Some(registry) = self.registry.get() else { return };
        let descriptor = channel.stream.as_raw_fd();
        let interest = Interest::READABLE | Interest::WRITABLE;
        match registry.register(&mut SourceFd(&descriptor), Token(channel.token), interest) {
            Ok(()) => {
                direct.is_watched = true;
                direct.pause_end = None;
            }
            Err(error) => {
                state.broken = Some(Failure::at(&self.name, &error));
                self.wake();
            }
        }
    }

    /// Has the event loop no longer watch the response connection; returns whether it does not.
    fn unwatch(&self, direct: &mut Direct) -> bool {
        let (Some(channel), true) = (&direct.channel, direct.is_watched) else { return true };
        let Some(registry) = self.registry.get() else { return false };
        let descriptor = channel.stream.as_raw_fd();
        let outcome = registry.deregister(&mut SourceFd(&descriptor));
        direct.is_watched = outcome.is_err();
        outcome.is_ok()
    }

    // ------------------------------------------------------------------ waiting threads

    /// Sends what has been put off, and reads responses until `tran` has ended or the time is
    /// `until`, which is true; false where somebody else reads.
    pub(super) fn fetch_answer(&self, tran: &Transaction, until: Time) -> bool {
        let mut state = self.state.lock();
        let idle = clock::now().since(state.direct.last_request);
        state.direct.is_prompt = idle <= PROMPT_TIME_MAX;
        if !state.queue.is_empty() {
            self.pump(state);
            state = self.state.lock();
        }
        let is_only_one = state.in_flight == 1;
        let Some(mut taking) = self.take_receiver_to_wait(&mut state) else { return false };
        drop(state);
        let outcome = self.read_until_ended(&mut taking.receiver, tran, until, is_only_one);
        self.return_receiver_of_wait(taking, outcome)
    }

    fn take_receiver_to_wait(&self, state: &mut State) -> Option<Taking> {
        let generation = state.generation;
        let is_blocked = state.is_blocked();
        let is_told = state.told_count > 0;
        let direct = &mut state.direct;
        if !self.options.direct || self.reader.is_recalled() {
            return None;
        }
        if direct.holder == Holder::Waiter {
            direct.is_contended = true;
            return None;
        }
        if is_told || direct.shared_until.is_some_and(|end| clock::now() < end) {
            return None;
        }
        direct.shared_until = None;
        // Who waits for room needs the event loop to say when there is some.
        let needs_loop = is_blocked && direct.channel.as_ref()?.carries_requests;
        if needs_loop || direct.receiver.is_none() || !self.unwatch(direct) {
            return None;
        }
        direct.holder = Holder::Waiter;
        direct.waits += 1;
        direct.receiver.take().map(|receiver| Taking { receiver, generation })
    }

    fn return_receiver_of_wait(&self, taking: Taking, outcome: Result<bool, Failure>) -> bool {
        let mut state = self.state.lock();
        let mut is_loop_wanted = self.reader.is_recalled();
        let late = state.put_back(taking);
        if late.is_none() {
            let is_contended = std::mem::take(&mut state.direct.is_contended);
            if is_contended {
                state.direct.shared_until = Some(clock::now() + SHARED_TIME);
            }
            if is_contended || state.told_count > 0 || state.direct.is_watched {
                // If it has been watched meanwhile, what this thread has left is told again.
                self.unwatch(&mut state.direct);
                self.watch(&mut state);
            } else if state.direct.pause_end.is_none() {
                state.direct.pause = PAUSE_MIN;
                state.direct.pause_end = Some(clock::now() + PAUSE_MIN);
                is_loop_wanted = true;
            }
        }
        let outcome = outcome.unwrap_or_else(|failure| {
            if late.is_none() {
                state.broken = Some(failure);
                is_loop_wanted = true;
            }
            false
        });
        // What has been read may have made room.
        match late.is_none() && !state.queue.is_empty() {
            true => self.pump(state),
            false => drop(state),
        }
        drop(late);
        if is_loop_wanted {
            self.wake();
        }
        outcome
    }

    fn read_until_ended(
        &self,
        receiver: &mut Receiver,
        tran: &Transaction,
        until: Time,
        is_only_one: bool,
    ) -> Result<bool, Failure> {
        // An answer to what has been sent just now is not there yet.
        let mut is_drained = is_only_one && receiver.is_drained();
        loop {
            let mut reads = 0;
            while !is_drained {
                is_drained = receiver.read(self)? == Taken::Nothing;
                if tran.is_done() {
                    return Ok(true);
                }
                self.pump_queue();
                reads += 1;
                // What comes for others may never end.
                if reads % READS_PER_LOOK_MAX == 0 {
                    if self.reader.is_recalled() {
                        return Ok(false);
                    }
                    if clock::now() >= until {
                        return Ok(true);
                    }
                }
            }
            if self.reader.is_recalled() {
                return Ok(false);
            }
            is_drained = false;
            if self.spin(receiver, tran, until)? {
                if tran.is_done() {
                    return Ok(true);
                }
                continue;
            }
            let now = clock::now();
            if now >= until {
                return Ok(true);
            }
            if !self.sleep(receiver, tran, until.since(now)) {
                return Ok(false);
            }
        }
    }

    /// Looks again for a while, `until` then at most; returns whether there is something new.
    fn spin(
        &self,
        receiver: &mut Receiver,
        tran: &Transaction,
        until: Time,
    ) -> Result<bool, Failure> {
        let Some(limit) = receiver.spinner.chance() else { return Ok(false) };
        let end = (clock::now() + limit).min(until);
        loop {
            thread::yield_now();
            if receiver.read(self)? != Taken::Nothing {
                receiver.spinner.won();
                if !tran.is_done() {
                    self.pump_queue();
                }
                return Ok(true);
            }
            if tran.is_done() || self.reader.is_recalled() {
                return Ok(true);
            }
            if clock::now() >= end {
                receiver.spinner.lost();
                return Ok(false);
            }
        }
    }

    /// Sleeps until something comes or `tran` has ended elsewhere. Returns whether that is
    /// possible.
    fn sleep(&self, receiver: &mut Receiver, tran: &Transaction, timeout: Duration) -> bool {
        let Some(sleeper) = receiver.sleeper(|waker| {
            *self.reader.waker.lock() = Some(Arc::new(waker));
        }) else {
            return false;
        };
        self.reader.is_asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let is_wanted = tran.is_done() || self.reader.is_recalled();
        let outcome = if is_wanted { Ok(false) } else { sleeper.sleep(Some(timeout)) };
        self.reader.is_asleep.store(false, Ordering::SeqCst);
        match outcome {
            Ok(is_read_closed) => receiver.half.wire.is_read_closed |= is_read_closed,
            Err(error) => {
                log_error!(self.log, "Waiting for {} failed: {error}", self.name);
                return false;
            }
        }
        true
    }
}

/// A waiting thread has the receiver.
pub(super) struct Busy;

impl State {
    /// Puts the receiver back for the next one who reads; returns it if its connection has gone.
    fn put_back(&mut self, taking: Taking) -> Option<Receiver> {
        if self.generation != taking.generation {
            return Some(taking.receiver);
        }
        self.direct.holder = Holder::Nobody;
        self.direct.receiver = Some(taking.receiver);
        None
    }
}

#[cfg(test)]
mod tests;
