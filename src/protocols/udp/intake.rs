//! Selects the receiver: the event loop, or a thread that waits for an answer.
//!
//! The loop watches the socket whenever no thread waits. A thread that waits borrows the reception, and
//! ends the watch when it has found nothing yet, so that an answer wakes this thread only; it begins
//! the watch again when it returns the reception, and with it the readiness at that moment is
//! reported. So nothing that arrives waits for a timer. The two changes of the watch cost a microsecond
//! together, a wake-up of the loop's thread several.

use std::convert::Infallible;
use std::io;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::link::Link;
use super::reception::{Batch, Reception};
use crate::clock::{self, Time};
use crate::logging::{log_error, static_logger};
use crate::net::event_loop::STOP_WAIT_MAX;
use crate::net::reading::{read_until_over, Reading};
use crate::net::sleeper::Interrupter;
use crate::net::{DriverHandle, Registry, Spinner};
use crate::process::Duty;
use crate::stream::{Master, Waiter};
use crate::sync::{Condvar, Mutex, MutexGuard};

static_logger!(LOG, "udp");

const SOCKET: Token = Token(0);

/// Reads in a row that end in an error before a waiting thread sleeps: one that stays does not keep it
/// busy.
const ATTEMPTS_COUNT_MAX: usize = 4;

/// The receiving end of an endpoint, as its threads share it.
pub(super) struct Intake {
    handle: DriverHandle,
    link: Arc<Link>,
    /// Not owned, so that the port is free when the reception has ended.
    socket: Weak<UdpSocket>,
    /// Sends received frames.
    master: Arc<Master>,
    registry: OnceLock<Registry>,
    turns: Mutex<Turns>,
    /// Signals, after the end, that a waiting thread has returned the reception.
    returned: Condvar,
    /// Taken by the loop, and lent, under the lock of `turns` and without waiting.
    /// `None` after the end.
    reception: Mutex<Option<Reception>>,
    interrupter: Interrupter,
}

struct Turns {
    /// The waiting thread that receives.
    lent_to: Option<ThreadId>,
    /// The loop watches for datagrams.
    is_watched: bool,
    /// The loop has left an event to the thread that receives.
    has_missed: bool,
    /// The loop watches for room.
    watches_room: bool,
    /// The driver has ended.
    is_over: bool,
    /// Until when [`Intake::wait_returned`] waits, in all threads.
    stop_limit: Option<Time>,
}

impl Intake {
    pub(super) fn new(
        handle: DriverHandle,
        link: Arc<Link>,
        socket: &Arc<UdpSocket>,
        master: Arc<Master>,
        reception: Reception,
    ) -> Intake {
        let turns = Turns {
            lent_to: None,
            is_watched: true,
            has_missed: false,
            watches_room: false,
            is_over: false,
            stop_limit: None,
        };
        Intake {
            handle,
            link,
            socket: Arc::downgrade(socket),
            master,
            registry: OnceLock::new(),
            turns: Mutex::new(turns),
            returned: Condvar::new(),
            reception: Mutex::new(Some(reception)),
            interrupter: Interrupter::default(),
        }
    }

    /// The socket, until the end.
    pub(super) fn socket(&self) -> Option<Arc<UdpSocket>> {
        self.socket.upgrade()
    }

    /// Begins to watch.
    pub(super) fn start(&self, registry: &Registry) -> io::Result<()> {
        // The first call counts; there is only one.
        let _ = self.registry.set(registry.clone());
        let socket = self.socket().ok_or(io::ErrorKind::NotConnected)?;
        registry.register(&mut SourceFd(&socket.as_raw_fd()), SOCKET, Interest::READABLE)
    }

    /// The reception, for the event loop. `None` while a waiting thread has it, which then reports
    /// what is left.
    pub(super) fn loop_turn(&self) -> Option<MutexGuard<'_, Option<Reception>>> {
        let mut turns = self.turns.lock();
        if turns.lent_to.is_some() {
            turns.has_missed = true;
            return None;
        }
        self.reception.try_lock()
    }

    /// Whether to watch for room in the socket: only while it is needed, because room is announced
    /// after every datagram that leaves.
    pub(super) fn watch_room(&self, watches_room: bool) {
        let mut turns = self.turns.lock();
        if mem::replace(&mut turns.watches_room, watches_room) != watches_room {
            self.renew_watch(&turns);
        }
    }

    fn renew_watch(&self, turns: &Turns) {
        let ends = self.registry.get().zip(self.socket());
        let Some((registry, socket)) = ends.filter(|_| !turns.is_over) else { return };
        let descriptor = socket.as_raw_fd();
        let mut source = SourceFd(&descriptor);
        let interest = match (turns.is_watched, turns.watches_room) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        };
        let renewed = match interest {
            Some(interest) => registry.reregister(&mut source, SOCKET, interest),
            None => registry.mute(&mut source, SOCKET),
        };
        if let Err(error) = renewed {
            log_error!(LOG, "{}: the socket cannot be watched: {error}", self.link.name);
        }
    }

    /// The driver has ended: no thread begins to receive, and one that does returns.
    pub(super) fn end(&self) {
        let mut turns = self.turns.lock();
        turns.is_over = true;
        let ended = match turns.lent_to {
            Some(_) => None,
            None => self.reception.try_lock().and_then(|mut reception| reception.take()),
        };
        drop(turns);
        // Without a lock: it may run code of the program.
        drop(ended);
        self.interrupter.interrupt();
    }

    /// Waits after the [end](Self::end) until no other thread receives; 80 ms at most, over all calls.
    pub(super) fn wait_returned(&self) {
        let own = thread::current().id();
        let mut turns = self.turns.lock();
        while turns.lent_to.is_some_and(|thread| thread != own) {
            let now = clock::now();
            let limit = *turns.stop_limit.get_or_insert(now + STOP_WAIT_MAX);
            if now >= limit {
                return;
            }
            turns = self.returned.wait_until(turns, limit);
        }
    }

    /// See [`Slave::interrupt`](crate::stream::Slave::interrupt).
    pub(super) fn interrupt(&self) {
        self.interrupter.interrupt();
    }

    /// Receives in the calling thread, which waits, unless another one does.
    pub(super) fn drive(&self, waiter: &mut dyn Waiter) {
        let Some(mut loan) = self.lend() else { return };
        // Other threads wait for answers that this thread receives.
        let _duty = Duty::begin();
        // After a lone datagram the program asks for one thing at a time, and has just done so: the
        // answer is not here yet. If it is, it is found after a yield, or wakes the sleep at once.
        let may_have_more = loan.reception().brings_many();
        let mut direct = Direct { loan, waiter, may_have_more };
        let Ok(()) = read_until_over(&mut direct);
    }

    fn lend(&self) -> Option<Loan<'_>> {
        if !self.master.sends_only_answers() {
            return None;
        }
        let mut turns = self.turns.lock();
        if turns.is_over || turns.lent_to.is_some() {
            return None;
        }
        let reception = self.reception.try_lock().filter(|reception| reception.is_some())?;
        turns.lent_to = Some(thread::current().id());
        Some(Loan { intake: self, reception: Some(reception) })
    }
}

/// The reception in the hands of a waiting thread.
struct Loan<'a> {
    intake: &'a Intake,
    /// `None` once returned.
    reception: Option<MutexGuard<'a, Option<Reception>>>,
}

impl Loan<'_> {
    fn reception(&mut self) -> &mut Reception {
        let reception = self.reception.as_mut().and_then(|reception| reception.as_mut());
        reception.expect("it is returned at the end")
    }

    /// Ends the loop's watch, so that what arrives wakes this thread only.
    fn unwatch(&self) {
        let mut turns = self.intake.turns.lock();
        if mem::replace(&mut turns.is_watched, false) {
            self.intake.renew_watch(&turns);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let intake = self.intake;
        if intake.handle.is_inherited() {
            // An observer has forked, and this is the child.
            return;
        }
        let mut turns = intake.turns.lock();
        let mut reception = self.reception.take();
        if turns.is_over {
            let ended = reception.as_mut().and_then(|reception| reception.take());
            drop(turns);
            // Without a lock of others, as in `end`, and before `stop` goes on.
            drop((reception.take(), ended));
            turns = intake.turns.lock();
        }
        // Before the loop can be told to receive.
        drop(reception);
        turns.lent_to = None;
        if !turns.is_watched || turns.has_missed {
            (turns.is_watched, turns.has_missed) = (true, false);
            intake.renew_watch(&turns);
        }
        if turns.is_over {
            intake.returned.notify_all();
        }
    }
}

/// A waiting thread that receives.
struct Direct<'a> {
    loan: Loan<'a>,
    waiter: &'a mut dyn Waiter,
    /// Whether the next read may find something: unless the latest batch has shown that the socket is
    /// empty.
    may_have_more: bool,
}

impl Reading for Direct<'_> {
    type Failure = Infallible;

    fn read(&mut self) -> Result<bool, Infallible> {
        if !mem::replace(&mut self.may_have_more, true) {
            // The batch before has shown it.
            self.loan.unwatch();
            return Ok(false);
        }
        let mut batch = self.loan.reception().receive();
        for _ in 1..ATTEMPTS_COUNT_MAX {
            if batch != Batch::Failed {
                break;
            }
            // The wake-up that brought the error may have been a datagram's too.
            batch = self.loan.reception().receive();
        }
        match batch {
            Batch::Some => {}
            Batch::Last => self.may_have_more = false,
            Batch::Nothing | Batch::Failed => self.loan.unwatch(),
        }
        Ok(matches!(batch, Batch::Some | Batch::Last))
    }

    fn is_over(&self) -> bool {
        self.waiter.is_over() || self.loan.intake.handle.is_stopping()
    }

    fn time_left(&mut self) -> Option<Duration> {
        self.waiter.time_left()
    }

    fn spinner(&mut self) -> &mut Spinner {
        &mut self.loan.reception().spinner
    }

    fn sleep(&mut self, time: Duration) -> bool {
        let intake = self.loan.intake;
        let Some(sleeper) = self.loan.reception().sleeper(&intake.interrupter) else {
            return false;
        };
        self.waiter.note_sleep(true);
        let waiter = &*self.waiter;
        let is_over = || waiter.is_over() || intake.handle.is_stopping();
        let slept = intake.interrupter.sleep(is_over, || sleeper.sleep(Some(time)));
        self.waiter.note_sleep(false);
        if let Some(Err(error)) = slept {
            log_error!(LOG, "{}: waiting failed: {error}", intake.link.name);
            return false;
        }
        // Another receiver may have come during the sleep: what arrives for it is the loop's.
        intake.master.sends_only_answers()
    }
}

#[cfg(test)]
mod tests;
