//! The thread of an event loop.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::{Events, Poll};

use super::driver::{AnyDriver, Readiness};
use super::handle::{
    enter, split, LoopShared, Place, Registry, ASLEEP, AWAKE, NOTIFIED, WAKER_TOKEN,
};
use crate::clock::{self, Time};
use crate::error::caught;
use crate::logging::{log_error, static_logger};
use crate::net::spin::{Spin, Spinner};
use crate::sync::Mutex;

/// Number of sockets that one turn serves before timers and wake-ups: at first, and at most, when
/// turns are full.
const EVENTS_PER_TURN_FIRST: usize = 16;
const EVENTS_PER_TURN_MAX: usize = 256;

/// The longest single wait: the system call counts milliseconds in 31 bits.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

static_logger!(LOG, "EventLoop");

/// A driver that its loop does not know yet.
pub(super) struct Arrival {
    pub(super) driver: Box<dyn AnyDriver>,
    pub(super) registry: Registry,
    pub(super) place: Place,
}

/// Drivers that their loop does not know yet.
pub(super) type Arrivals = Mutex<Vec<Arrival>>;

/// A driver on its loop.
struct Slot {
    driver: Box<dyn AnyDriver>,
    registry: Registry,
    /// Its earliest deadline, as in [`Runner::deadlines`].
    deadline: Option<Time>,
    /// It is listed in [`Runner::ran`].
    has_run: bool,
    place: Place,
}

/// State that only the loop's own thread uses.
pub(super) struct Runner {
    event_loop: Arc<LoopShared>,
    arrivals: Arc<Arrivals>,
    poll: Poll,
    /// By driver key.
    slots: BTreeMap<usize, Slot>,
    /// The earliest deadline of each driver that has one: the cost of a turn depends on the drivers
    /// that run in it, not on their total number.
    deadlines: BTreeSet<(Time, usize)>,
    /// Keys of the drivers that have run in this turn.
    ran: Vec<usize>,
    /// Empty memory for the list of woken drivers, exchanged with the next list.
    woken: Vec<usize>,
    is_over: bool,
}

impl Runner {
    pub(super) fn new(event_loop: Arc<LoopShared>, arrivals: Arc<Arrivals>, poll: Poll) -> Runner {
        Runner {
            event_loop,
            arrivals,
            poll,
            slots: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            ran: Vec::new(),
            woken: Vec::new(),
            is_over: false,
        }
    }

    /// The body of the thread.
    pub(super) fn run(mut self, spin: Spin) {
        enter(&self.event_loop);
        let name = self.event_loop.name.clone();
        contain(&name, "the event loop", || self.turn_until_over(spin));
        if self.event_loop.is_inherited() {
            // A callback has forked and returned in the child: all this is the parent's.
            mem::forget(self);
            return;
        }
        // Nothing is left, unless the loop itself has failed.
        self.event_loop.inbox.lock().is_over = true;
        self.take_arrivals().into_iter().for_each(|arrival| self.insert(arrival));
        while let Some((_, slot)) = self.slots.pop_first() {
            end(slot, &name);
        }
    }

    fn turn_until_over(&mut self, spin: Spin) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN_FIRST);
        let mut spinner = Spinner::new(spin);
        while !self.is_over && !self.event_loop.is_inherited() {
            // After a turn without work the next event is unlikely to come at once.
            let spin = if events.is_empty() { None } else { spinner.next_spin() };
            let answer = match spin {
                Some(limit) if self.spin(&mut events, limit) => {
                    spinner.hit();
                    Ok(())
                }
                Some(_) => {
                    spinner.miss();
                    self.wait(&mut events)
                }
                None => self.wait(&mut events),
            };
            if let Err(cause) = answer {
                let name = &self.event_loop.name;
                log_error!(LOG, "{name}: waiting failed: {cause}");
                return;
            }
            self.turn(&events);
            let room = events.capacity();
            if room < EVENTS_PER_TURN_MAX && events.iter().count() == room {
                events = Events::with_capacity(2 * room);
            }
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Polls for events, up to `limit` but not beyond the deadline, and returns whether there are
    /// any, or a wake-up.
    fn spin(&mut self, events: &mut Events, limit: Duration) -> bool {
        let end = (clock::now() + limit).min(self.next_deadline().unwrap_or(Time(u64::MAX)));
        loop {
            thread::yield_now();
            let answer = self.poll.poll(events, Some(Duration::ZERO));
            let is_over =
                answer.is_err() || self.event_loop.state.load(Ordering::SeqCst) == NOTIFIED;
            if !events.is_empty() || is_over {
                return answer.is_ok();
            }
            if clock::now() >= end {
                return false;
            }
        }
    }

    /// Waits for events, a wake-up or the deadline. Afterwards the loop counts as awake, unless
    /// there is a wake-up to handle.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let state = &self.event_loop.state;
        let sleeps =
            state.compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        let timeout = if sleeps { wait_time(self.next_deadline()) } else { Some(Duration::ZERO) };
        let answer = self.poll.poll(events, timeout);
        if sleeps {
            // Fails if a wake-up has come, which then stays recorded.
            let _ = state.compare_exchange(ASLEEP, AWAKE, Ordering::SeqCst, Ordering::SeqCst);
        }
        match answer {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            answer => answer,
        }
    }

    fn turn(&mut self, events: &Events) {
        #[cfg(test)]
        self.event_loop.turns.fetch_add(1, Ordering::Relaxed);
        // Reset before the inbox is read: a later wake-up notifies anew.
        if self.event_loop.state.swap(AWAKE, Ordering::SeqCst) == NOTIFIED {
            self.open_inbox();
        }
        for event in events.iter().filter(|event| event.token() != WAKER_TOKEN) {
            let (key, token) = split(event.token());
            let readiness = Readiness::of(event);
            self.call(key, |driver, registry| driver.ready(registry, token, readiness));
        }
        self.expire();
        self.end_turn();
    }

    fn open_inbox(&mut self) {
        let mut woken = mem::take(&mut self.woken);
        let mut inbox = self.event_loop.inbox.lock();
        mem::swap(&mut inbox.woken, &mut woken);
        self.is_over = inbox.is_over;
        drop(inbox);
        for arrival in self.take_arrivals() {
            // It may have been woken before it was added.
            woken.push(arrival.registry.driver.key);
            self.insert(arrival);
        }
        for key in woken.drain(..) {
            let slot = self.slots.get(&key);
            let driver = slot.map(|slot| &slot.registry.driver);
            if driver.is_some_and(|driver| driver.is_notified.swap(false, Ordering::SeqCst)) {
                self.call(key, |driver, registry| driver.woken(registry));
            }
        }
        self.woken = woken;
    }

    fn take_arrivals(&self) -> Vec<Arrival> {
        mem::take(&mut *self.arrivals.lock())
    }

    fn insert(&mut self, Arrival { driver, registry, place }: Arrival) {
        let key = registry.driver.key;
        self.slots.insert(key, Slot { driver, registry, deadline: None, has_run: false, place });
        self.note_deadline(key);
    }

    /// Runs a method of a driver, unless the driver has ended or been stopped. A panic ends only
    /// that driver.
    fn call(&mut self, key: usize, method: impl FnOnce(&mut dyn AnyDriver, &Registry)) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if !mem::replace(&mut slot.has_run, true) {
            self.ran.push(key);
        }
        if slot.registry.is_over() {
            return;
        }
        let Slot { driver, registry, .. } = slot;
        let is_done =
            contain(&self.event_loop.name, "a driver", || method(driver.as_mut(), registry));
        if !is_done {
            registry.driver.is_stopped.store(true, Ordering::SeqCst);
        }
    }

    /// Runs the timers that are due.
    fn expire(&mut self) {
        let Some(first) = self.next_deadline() else { return };
        let now = clock::now();
        if first > now {
            return;
        }
        let due = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now);
        let due: Vec<usize> = due.map(|&(_, key)| key).collect();
        for key in due {
            self.call(key, |driver, registry| driver.expire(registry, now));
        }
    }

    /// Lets the drivers that have run send their output, and ends those that have been stopped.
    fn end_turn(&mut self) {
        let mut ran = mem::take(&mut self.ran);
        for key in ran.drain(..) {
            // It is listed already, so this adds nothing.
            self.call(key, |driver, registry| driver.flush(registry));
            if self.event_loop.is_inherited() {
                return;
            }
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            slot.has_run = false;
            if !slot.registry.is_over() {
                self.note_deadline(key);
            } else if let Some(slot) = self.slots.remove(&key) {
                slot.deadline.map(|deadline| self.deadlines.remove(&(deadline, key)));
                end(slot, &self.event_loop.name);
            }
        }
        self.ran = ran;
    }

    /// Enters a driver's earliest deadline into the common list.
    fn note_deadline(&mut self, key: usize) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let deadline = slot.driver.next_deadline();
        let former = mem::replace(&mut slot.deadline, deadline);
        if deadline != former {
            former.map(|former| self.deadlines.remove(&(former, key)));
            self.deadlines.extend(deadline.map(|deadline| (deadline, key)));
        }
    }
}

/// Ends a driver.
fn end(slot: Slot, loop_name: &str) {
    let Slot { mut driver, registry, place, .. } = slot;
    registry.driver.is_stopped.store(true, Ordering::SeqCst);
    contain(loop_name, "the end of a driver", || driver.stopped(&registry));
    contain(loop_name, "the release of a driver", || drop(driver));
    // Before `stop` returns: it waits for the thread if this was the last driver.
    drop(place);
    registry.driver.finish();
}

/// Runs `body`, and returns whether it completed; a panic is logged and contained.
fn contain(loop_name: &str, what: &str, body: impl FnOnce()) -> bool {
    let Err(text) = caught(body) else { return true };
    log_error!(LOG, "{loop_name}: panic in {what}, which ends: {text}");
    false
}

/// The wait for `deadline`; `None` without one. The system call rounds up to whole milliseconds, so
/// the loop wakes at most one late and never spins before it.
pub(super) fn wait_time(deadline: Option<Time>) -> Option<Duration> {
    let deadline = deadline.filter(|&deadline| deadline != Time(u64::MAX))?;
    Some(deadline.since(clock::now()).min(WAIT_MAX))
}
