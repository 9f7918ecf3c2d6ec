//! A connection, its event loop and its requesters in virtual time, without a socket.

use std::collections::{BTreeSet, VecDeque};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

impl ReadArbiter {
    pub(in super::super) fn is_watched(&self) -> bool {
        self.is_watched
    }

    pub(in super::super) fn is_read_by_waiter(&self) -> bool {
        self.reader == Reader::Waiter
    }

    pub(in super::super) fn listeners(&self) -> isize {
        self.listeners
    }
}

fn ms(n: u64) -> Time {
    Time((n + 1) * 1_000_000)
}

const NONE: Needs = Needs { answers: false, socket: false };
const ANSWERS: Needs = Needs { answers: true, socket: false };
const SOCKET: Needs = Needs { answers: true, socket: true };

fn connected() -> ReadArbiter {
    let mut arbiter = ReadArbiter::new(true);
    arbiter.connected();
    arbiter
}

#[test]
fn the_first_wait_takes_the_connection_from_the_loop_and_the_next_ones_cost_nothing() {
    let mut arbiter = connected();
    assert_eq!(arbiter.wait_begins(NONE), Some(ReadAction::Unwatch));
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::WakeLoop);
    assert_eq!(arbiter.next_tick(), Some(Time::default()), "a pause is to begin at once");
    assert_eq!(arbiter.tick(ms(0)), ReadAction::Nothing);
    for _ in 0..100 {
        assert_eq!(arbiter.wait_begins(NONE), Some(ReadAction::Nothing));
        assert_eq!(arbiter.wait_ends(NONE), ReadAction::Nothing);
    }
    assert_eq!(arbiter.next_tick(), Some(ms(0) + PAUSE));
    assert_eq!(arbiter.tick(ms(0) + PAUSE), ReadAction::Nothing, "somebody has waited meanwhile");
    assert_eq!(arbiter.tick(ms(0) + PAUSE * 2), ReadAction::Watch);
    assert_eq!(arbiter.next_tick(), None, "nothing wakes an idle loop");
}

#[test]
fn a_long_wait_wakes_the_loop_once_and_ends_with_a_new_pause() {
    let mut arbiter = connected();
    assert!(arbiter.wait_begins(NONE).is_some());
    assert_eq!(arbiter.next_tick(), None, "the thread that reads sees everything");
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::WakeLoop);
    assert_eq!(arbiter.tick(ms(0)), ReadAction::Nothing);
    assert!(arbiter.wait_begins(NONE).is_some());
    assert_eq!(arbiter.tick(ms(0) + PAUSE), ReadAction::Nothing);
    assert_eq!(arbiter.tick(ms(0) + PAUSE * 2), ReadAction::Nothing);
    assert_eq!(arbiter.next_tick(), None);
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::WakeLoop);
}

#[test]
fn the_loop_reads_for_a_listener() {
    let mut arbiter = connected();
    assert!(arbiter.wait_begins(NONE).is_some());
    assert_eq!(arbiter.wait_begins(NONE), None);
    assert_eq!(arbiter.listener_added(), ReadAction::Nothing, "the other thread reads");
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::Watch);
    assert_eq!(arbiter.wait_begins(NONE), None, "the loop reads for the listener");
    assert!(arbiter.loop_begins() && arbiter.may_run_listener());
    arbiter.listener_removed();
    assert_eq!(arbiter.wait_begins(NONE), None, "the loop reads");
    assert_eq!(arbiter.loop_ends(NONE), ReadAction::Nothing);
    assert!(!arbiter.may_run_listener());
    assert_eq!(arbiter.wait_begins(NONE), Some(ReadAction::Unwatch));
}

#[test]
fn what_is_held_up_has_the_loop_watch_at_once() {
    let mut arbiter = connected();
    let wait = |arbiter: &mut ReadArbiter| assert!(arbiter.wait_begins(NONE).is_some());
    wait(&mut arbiter);
    assert_eq!(arbiter.sent(ANSWERS), ReadAction::Nothing, "the thread that reads makes room");
    assert_eq!(arbiter.wait_ends(ANSWERS), ReadAction::Watch);
    wait(&mut arbiter);
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::WakeLoop);
    assert_eq!(arbiter.sent(ANSWERS), ReadAction::Watch);
    assert_eq!(arbiter.next_tick(), None);
    wait(&mut arbiter);
    assert_eq!(arbiter.sent(SOCKET), ReadAction::Watch, "only the loop is told that there is room");
    assert_eq!(arbiter.wait_ends(SOCKET), ReadAction::WatchAgain);
    assert_eq!(arbiter.wait_begins(SOCKET), None);
}

#[test]
fn a_broken_connection_is_given_back_and_taken_by_nobody_else() {
    let mut arbiter = connected();
    assert!(arbiter.wait_begins(NONE).is_some());
    assert_eq!(arbiter.reclaim(), ReadAction::Interrupt);
    assert!(!arbiter.loop_begins());
    assert_eq!(arbiter.wait_ends(NONE), ReadAction::WakeLoop);
    assert_eq!(arbiter.wait_begins(NONE), None);
    assert_eq!(arbiter.reclaim(), ReadAction::Nothing);
    arbiter.disconnected();
    assert_eq!(arbiter.listener_added(), ReadAction::Nothing);
    assert!(!arbiter.loop_begins());
    arbiter.connected();
    assert_eq!(arbiter.wait_begins(NONE), None, "somebody still listens");
    arbiter.listener_removed();
    assert_eq!(arbiter.wait_begins(NONE), Some(ReadAction::Unwatch));
}

#[test]
fn nobody_but_the_loop_reads_where_that_is_wished() {
    let mut arbiter = ReadArbiter::new(false);
    arbiter.connected();
    assert_eq!(arbiter.wait_begins(NONE), None);
    assert_eq!(arbiter.listener_added(), ReadAction::Nothing, "it watches from the start");
}

/// What goes on at one client.
struct World {
    rng: ChaCha8Rng,
    arbiter: ReadArbiter,
    now: Time,
    /// Percentage of requests made while another thread reads, and of requests with an observer.
    crowded: u32,
    observed: u32,
    /// Requests on their way, and the answers that lie in the socket.
    outstanding: Vec<u32>,
    socket: VecDeque<u32>,
    next_id: u32,
    is_connected: bool,
    is_reclaimed: bool,
    /// The event loop: receives events; has a pending event; has been woken; has left octets
    /// unread.
    is_registered: bool,
    has_event: bool,
    is_woken: bool,
    has_left: bool,
    is_loop_reading: bool,
    /// The thread that reads, by what it waits for.
    waiter: Option<u32>,
    listeners: BTreeSet<u32>,
    needs: Needs,
    last_wait: Time,
    granted: u32,
    ticks: u32,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let [crowded, observed] = [0; 2].map(|_| [0, 0, 1, 30][rng.random_range(0..4)]);
        World {
            rng,
            crowded,
            observed,
            arbiter: connected(),
            now: ms(0),
            outstanding: Vec::new(),
            socket: VecDeque::new(),
            next_id: 0,
            is_connected: true,
            is_reclaimed: false,
            is_registered: true,
            has_event: false,
            is_woken: false,
            has_left: false,
            is_loop_reading: false,
            waiter: None,
            listeners: BTreeSet::new(),
            needs: NONE,
            last_wait: ms(0),
            granted: 0,
            ticks: 0,
        }
    }

    fn carry_out(&mut self, action: ReadAction) {
        match action {
            ReadAction::Nothing => {}
            ReadAction::Watch | ReadAction::WatchAgain => {
                assert_eq!(self.is_registered, action == ReadAction::WatchAgain);
                assert!(self.is_connected);
                self.is_registered = true;
                self.has_event |= !self.socket.is_empty();
            }
            ReadAction::Unwatch => {
                assert!(std::mem::take(&mut self.is_registered));
            }
            ReadAction::WakeLoop => self.is_woken = true,
            ReadAction::Interrupt => {
                assert!(self.waiter.is_some() && self.is_reclaimed);
                self.end_wait();
            }
        }
    }

    fn request(&mut self) -> u32 {
        self.next_id += 1;
        self.outstanding.push(self.next_id);
        self.next_id
    }

    fn wait(&mut self, id: u32) {
        match self.arbiter.wait_begins(self.needs) {
            Some(action) => {
                assert!(self.waiter.is_none() && !self.is_loop_reading, "two readers");
                assert!(self.is_connected && !self.is_reclaimed);
                self.waiter = Some(id);
                self.granted += 1;
                self.carry_out(action);
            }
            None => self.listen(id),
        }
        self.last_wait = self.now;
    }

    fn listen(&mut self, id: u32) {
        self.listeners.insert(id);
        let action = self.arbiter.listener_added();
        self.carry_out(action);
    }

    fn end_wait(&mut self) {
        assert!(self.waiter.take().is_some());
        self.last_wait = self.now;
        let action = self.arbiter.wait_ends(self.needs);
        self.carry_out(action);
    }

    fn deliver(&mut self, id: u32) {
        self.needs.answers = self.needs.socket;
        if self.listeners.remove(&id) {
            self.arbiter.listener_removed();
        }
    }

    /// The waiting thread reads up to its own answer.
    fn step_waiter(&mut self) {
        let Some(own) = self.waiter else { return };
        while let Some(id) = self.socket.pop_front() {
            self.deliver(id);
            if id == own {
                return self.end_wait();
            }
        }
    }

    fn step_loop(&mut self) {
        if std::mem::take(&mut self.is_woken) && self.is_reclaimed && self.waiter.is_none() {
            return self.lose();
        }
        if self.is_loop_reading {
            return self.loop_reads();
        }
        let has_event = std::mem::take(&mut self.has_event) | std::mem::take(&mut self.has_left);
        if has_event && self.arbiter.loop_begins() {
            assert!(self.waiter.is_none(), "two readers");
            self.is_loop_reading = true;
        }
        if self.arbiter.next_tick().is_some_and(|due| due <= self.now) {
            let action = self.arbiter.tick(self.now);
            self.carry_out(action);
            self.ticks += 1;
        }
    }

    fn loop_reads(&mut self) {
        // The limit of a turn.
        for _ in 0..4 {
            let Some(id) = self.socket.pop_front() else { break };
            self.deliver(id);
        }
        self.has_left |= !self.socket.is_empty();
        self.is_loop_reading = false;
        let action = self.arbiter.loop_ends(self.needs);
        self.carry_out(action);
    }

    fn breaks(&mut self) {
        if !self.is_connected || self.is_loop_reading {
            return;
        }
        self.is_reclaimed = true;
        match self.arbiter.reclaim() {
            ReadAction::Nothing => {
                assert!(self.waiter.is_none());
                self.lose();
            }
            action => {
                self.carry_out(action);
                assert!(self.is_woken, "the loop is told that it can go on");
            }
        }
    }

    /// Everything outstanding fails, which listeners are told.
    fn lose(&mut self) {
        self.arbiter.disconnected();
        self.is_connected = false;
        (self.is_registered, self.has_event, self.has_left) = (false, false, false);
        self.socket.clear();
        self.outstanding.clear();
        self.needs = NONE;
        for _ in std::mem::take(&mut self.listeners) {
            self.arbiter.listener_removed();
        }
    }

    fn connect(&mut self) {
        if !self.is_connected {
            (self.is_connected, self.is_reclaimed, self.is_registered) = (true, false, true);
            self.arbiter.connected();
        }
    }

    fn answer_comes(&mut self) {
        if self.is_connected && !self.outstanding.is_empty() {
            let index = self.rng.random_range(0..self.outstanding.len());
            self.socket.push_back(self.outstanding.swap_remove(index));
            self.has_event |= self.is_registered;
        }
    }

    fn socket_changes(&mut self) {
        if self.is_connected && !self.needs.socket {
            self.needs = SOCKET;
        } else {
            // The loop is told that there is room again, as it watches.
            self.needs.socket = false;
        }
        let action = self.arbiter.sent(self.needs);
        self.carry_out(action);
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..=14 => {
                let id = self.request();
                if self.rng.random_range(0..100) < self.observed {
                    self.listen(id);
                } else if self.waiter.is_none() || self.rng.random_range(0..100) < self.crowded {
                    self.wait(id);
                }
            }
            28..=29 => {
                self.needs.answers = self.is_connected;
                let action = self.arbiter.sent(self.needs);
                self.carry_out(action);
            }
            30 => self.socket_changes(),
            31..=54 | 15..=27 => self.answer_comes(),
            55..=69 => self.step_waiter(),
            70..=84 => self.step_loop(),
            85..=86 if self.waiter.is_some() => self.end_wait(),
            87 if self.rng.random_range(0..4) == 0 => self.breaks(),
            88..=94 => self.connect(),
            95..=96 => self.now = self.now + Duration::from_micros(self.rng.random_range(0..5000)),
            97 => self.settle(),
            _ => {}
        }
        if self.is_connected && self.needs.socket {
            assert!(self.is_registered, "nobody is told when the socket takes octets again");
        }
    }

    /// Lets everybody do what they have been told to, without letting time pass.
    fn settle(&mut self) {
        for _ in 0..1000 {
            let due = self.arbiter.next_tick().is_some_and(|due| due <= self.now);
            let is_loop_busy =
                self.is_loop_reading || self.has_event || self.has_left || self.is_woken || due;
            match (is_loop_busy, self.waiter.is_some() && !self.socket.is_empty()) {
                (false, false) => return self.check(),
                (true, _) => self.step_loop(),
                (false, true) => self.step_waiter(),
            }
        }
        panic!("it does not come to rest");
    }

    /// Nobody has anything to do.
    fn check(&self) {
        let is_listened_to = self.socket.iter().any(|id| self.listeners.contains(id));
        assert!(!is_listened_to, "a listener's answer lies unread");
        assert!(self.socket.is_empty() || !self.needs.answers, "it holds something up");
        assert!(self.waiter.is_none() || self.socket.is_empty());
        if self.now.since(self.last_wait) > PAUSE * 2 {
            assert!(self.socket.is_empty(), "an answer that nobody needs lies unread for too long");
            assert_eq!(self.arbiter.next_tick(), None, "an idle loop is woken");
        }
    }

    /// Lets time pass in which nobody does anything but the event loop when it is due.
    fn idle(&mut self) {
        self.settle();
        if self.waiter.is_some() {
            self.end_wait();
        }
        let (end, ticks) = (self.now + PAUSE * 10, self.ticks);
        while self.now < end {
            self.settle();
            let next = self.arbiter.next_tick().map_or(end, |next| next.min(end));
            self.now = self.now.max(next);
        }
        self.settle();
        assert!(self.ticks <= ticks + 3, "{} ticks when idle", self.ticks - ticks);
        assert!(self.socket.is_empty() && self.arbiter.next_tick().is_none());
    }
}

#[test]
fn every_answer_that_is_needed_is_read_by_one_and_an_idle_loop_sleeps() {
    let (mut granted, mut listened, mut ticks) = (0, 0, 0);
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..5 {
            for _ in 0..300 {
                world.step();
            }
            world.idle();
        }
        granted += world.granted;
        listened += world.next_id - world.granted;
        ticks += world.ticks;
    }
    // All of it has happened.
    assert!(granted > 10_000 && listened > 10_000 && ticks > 1000, "{granted} {listened} {ticks}");
}
