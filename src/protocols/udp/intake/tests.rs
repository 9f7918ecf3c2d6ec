use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use testkit_base::wait::{wait_until, wait_until_freed, Gate, LONG};

use super::*;
use crate::net::{EventLoop, Spin};
use crate::protocols::udp::{UdpEndpoint, UdpOptions};
use crate::stream::{Frame, Node, Slave, SlaveBase};

/// Keeps the first bytes of datagrams, each with its thread.
struct Keeper {
    base: SlaveBase,
    is_answers: bool,
    seen: Mutex<Vec<(u32, ThreadId)>>,
    count: AtomicUsize,
    /// What the receipt does.
    react: Box<dyn Fn(u32) + Send + Sync>,
}

impl Keeper {
    fn new(is_answers: bool, react: impl Fn(u32) + Send + Sync + 'static) -> Arc<Keeper> {
        let (base, seen, count) = (SlaveBase::new(), Mutex::default(), AtomicUsize::new(0));
        Arc::new(Keeper { base, is_answers, seen, count, react: Box::new(react) })
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn threads(&self) -> Vec<ThreadId> {
        self.seen.lock().iter().map(|&(_, thread)| thread).collect()
    }
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let mut number = [0; 4];
        frame.lock().read_at(0, &mut number).unwrap();
        let number = u32::from_le_bytes(number);
        self.seen.lock().push((number, thread::current().id()));
        self.count.fetch_add(1, Ordering::SeqCst);
        (self.react)(number);
    }

    fn takes_only_answers(&self) -> bool {
        self.is_answers
    }
}

/// A wait until `is_over`, of `looks_left` looks at the time; it ends in a test that fails, too.
struct Wait<F> {
    is_over: F,
    looks_left: usize,
    limit: Time,
}

impl<F> Wait<F> {
    fn until(is_over: F) -> Wait<F> {
        Wait { is_over, looks_left: usize::MAX, limit: clock::now() + LONG }
    }
}

impl<F: Fn() -> bool> Waiter for Wait<F> {
    fn is_over(&self) -> bool {
        (self.is_over)()
    }

    fn time_left(&mut self) -> Option<Duration> {
        self.looks_left = self.looks_left.checked_sub(1)?;
        let time = self.limit.since(clock::now());
        Some(time).filter(|time| !time.is_zero())
    }

    fn note_sleep(&mut self, _: bool) {}
}

/// An endpoint and its peer, a plain socket.
struct Road {
    peer: UdpSocket,
    endpoint: Arc<UdpEndpoint>,
    keeper: Arc<Keeper>,
}

impl Road {
    fn new(spin: Spin, keeper: Arc<Keeper>) -> Road {
        Road::with(UdpOptions { spin, ..UdpOptions::default() }, keeper)
    }

    fn with(options: UdpOptions, keeper: Arc<Keeper>) -> Road {
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        peer.set_read_timeout(Some(LONG)).unwrap();
        let port = peer.local_addr().unwrap().port();
        let endpoint = UdpEndpoint::client("127.0.0.1", port, options).unwrap();
        endpoint.stream_master().add_slave(keeper.clone()).unwrap();
        Road { peer, endpoint, keeper }
    }

    fn send(&self, number: u32) {
        let to = (Ipv4Addr::LOCALHOST, self.endpoint.port());
        self.peer.send_to(&number.to_le_bytes(), to).unwrap();
    }

    fn intake(&self) -> Arc<Intake> {
        self.endpoint.intake().unwrap()
    }

    fn drive(&self, is_over: impl Fn() -> bool) {
        let slave = self.endpoint.stream_slave();
        slave.drive(&mut Wait::until(is_over));
    }

    /// Drives until `count` datagrams have come.
    fn drive_until(&self, count: usize) {
        self.drive(|| self.keeper.count() >= count);
    }

    fn wait_unwatched(&self) {
        let intake = self.intake();
        wait_until("a thread receives itself", || !intake.turns.lock().is_watched);
    }
}

#[test]
fn a_waiting_thread_receives_all_and_the_loop_sleeps_meanwhile_and_receives_again_after_it() {
    const COUNT: u32 = 200;
    for spin in [Spin::Adaptive, Spin::Never, Spin::Always(LONG)] {
        let road = Road::new(spin, Keeper::new(true, |_| ()));
        let loop_turns = || road.intake().handle.loop_turns();
        road.send(0);
        wait_until("the loop has received it", || road.keeper.count() == 1);
        let (waiter, turns_before, turns_after) = thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                road.drive_until(COUNT as usize);
                thread::current().id()
            });
            road.wait_unwatched();
            let turns_before = loop_turns();
            for number in 1..COUNT - 1 {
                road.send(number);
                wait_until("it has come", || road.keeper.count() == number as usize + 1);
            }
            let turns_after = loop_turns();
            road.send(COUNT - 1);
            (waiter.join().unwrap(), turns_before, turns_after)
        });
        assert_eq!(turns_before, turns_after);
        assert!(road.intake().turns.lock().is_watched);
        road.send(COUNT);
        wait_until("the loop has received it", || road.keeper.count() == COUNT as usize + 1);
        let threads = road.keeper.threads();
        let (first, last) = (threads[0], threads[COUNT as usize]);
        assert!(threads[1..COUNT as usize].iter().all(|&thread| thread == waiter));
        assert!(first == last && first != waiter, "the loop's");
    }
}

#[test]
fn a_thread_does_not_receive_where_others_than_answers_may_come() {
    let road = Road::new(Spin::Adaptive, Keeper::new(true, |_| ()));
    let other = Keeper::new(false, |_| ());
    road.endpoint.stream_master().add_slave(other.clone()).unwrap();
    // It would not return.
    road.drive(|| false);
    road.send(1);
    wait_until("the loop has received it", || other.count() == 1 && road.keeper.count() == 1);
}

#[test]
fn a_second_waiting_thread_leaves_the_reception_to_the_first_one() {
    let road = Road::new(Spin::Never, Keeper::new(true, |_| ()));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| road.drive_until(1));
        road.wait_unwatched();
        // It would not return.
        road.drive(|| false);
        road.send(1);
        waiter.join().unwrap();
    });
}

#[test]
fn what_a_waiting_thread_leaves_is_received_by_the_loop() {
    const COUNT: usize = 2000;
    let road = Road::new(Spin::Adaptive, Keeper::new(true, |_| ()));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for waits_for in [0, 1] {
            let (road, is_over) = (&road, &is_over);
            scope.spawn(move || {
                // Waits that end at once, and after the next datagram.
                while !is_over.load(Ordering::SeqCst) {
                    road.drive_until((road.keeper.count() + waits_for).min(COUNT));
                }
            });
        }
        for number in 0..COUNT {
            road.send(number as u32);
            // Few enough for the socket's buffer.
            wait_until("most have come", || road.keeper.count() + 8 > number);
        }
        wait_until("all have come", || road.keeper.count() == COUNT);
        is_over.store(true, Ordering::SeqCst);
    });
    let numbers: Vec<u32> = road.keeper.seen.lock().iter().map(|&(number, _)| number).collect();
    assert!(numbers.into_iter().eq(0..COUNT as u32), "each once, and in order");
}

#[test]
fn an_interrupt_ends_the_sleep_of_a_wait_that_is_over() {
    let road = Road::new(Spin::Never, Keeper::new(true, |_| ()));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| road.drive(|| is_over.load(Ordering::SeqCst)));
        road.wait_unwatched();
        is_over.store(true, Ordering::SeqCst);
        road.endpoint.stream_slave().interrupt();
        waiter.join().unwrap();
    });
}

#[test]
fn f46_a_wait_ends_when_the_road_to_the_reception_is_disconnected() {
    let road = Road::new(Spin::Never, Keeper::new(true, |_| ()));
    let master = Master::new();
    master.add_slave(road.endpoint.stream_slave()).unwrap();
    thread::scope(|scope| {
        let (master, limit) = (&master, clock::now() + 2 * LONG);
        let waiter =
            scope.spawn(move || master.drive(&mut Wait { limit, ..Wait::until(|| false) }));
        road.wait_unwatched();
        master.stop();
        wait_until("the wait has ended", || waiter.is_finished());
    });
}

#[test]
fn f47_an_error_of_the_network_hides_no_datagram_from_a_waiting_thread() {
    let event_loop = Some(Arc::new(EventLoop::start("test", 0, Spin::Never).unwrap()));
    let options = UdpOptions { spin: Spin::Never, event_loop, ..UdpOptions::default() };
    // The loop would report the error first: it is busy with this.
    let gate = Gate::new();
    let inside = gate.clone();
    let blocker = Road::with(options.clone(), Keeper::new(true, move |_| inside.pass()));
    let Road { peer, endpoint, keeper } = Road::with(options, Keeper::new(true, |_| ()));
    let (peer, slave) = (Mutex::new(Some(peer)), endpoint.stream_slave());
    slave.drive(&mut Wait::until(|| {
        let Some(peer) = peer.lock().take() else { return keeper.count() > 0 };
        blocker.send(0);
        gate.wait_arrived(1);
        let address = peer.local_addr().unwrap();
        drop(peer);
        let mut frame = slave.accept_req(4, true).unwrap();
        Frame::fill(&mut frame, |buffers| buffers.set_payload(4)).unwrap();
        slave.accept_frame(frame);
        let peer = UdpSocket::bind(address).unwrap();
        peer.send_to(&[0; 4], (Ipv4Addr::LOCALHOST, endpoint.port())).unwrap();
        false
    }));
    gate.open();
    assert_eq!(keeper.count(), 1);
}

#[test]
fn f48_a_waiting_thread_leaves_frames_for_a_receiver_that_came_later_to_the_loop() {
    let road = Road::new(Spin::Never, Keeper::new(true, |_| ()));
    let other = Keeper::new(false, |_| ());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            road.drive_until(1);
            thread::current().id()
        });
        road.wait_unwatched();
        road.endpoint.stream_master().add_slave(other.clone()).unwrap();
        road.send(1);
        let waiter = waiter.join().unwrap();
        wait_until("it has come", || other.count() == 1);
        assert!(!other.threads().contains(&waiter));
    });
}

#[test]
fn a_wait_whose_time_has_passed_returns_the_reception() {
    let road = Road::new(Spin::Always(Duration::from_micros(10)), Keeper::new(true, |_| ()));
    for looks_left in 0..2 {
        let slave = road.endpoint.stream_slave();
        slave.drive(&mut Wait { looks_left, ..Wait::until(|| false) });
        assert!(road.intake().turns.lock().lent_to.is_none());
    }
    road.send(1);
    wait_until("the loop has received it", || road.keeper.count() == 1);
}

#[test]
fn stop_ends_a_wait_and_frees_the_port_and_the_slaves() {
    let road = Road::new(Spin::Never, Keeper::new(true, |_| ()));
    let keeper = Arc::downgrade(&road.keeper);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| road.drive(|| false));
        road.wait_unwatched();
        road.endpoint.stop();
        let port = road.endpoint.port();
        wait_until("the port is free", || UdpSocket::bind(("0.0.0.0", port)).is_ok());
        waiter.join().unwrap();
    });
    road.drive(|| false);
    drop(road);
    wait_until_freed(&keeper);
}

#[test]
fn stop_may_be_called_in_a_delivery_of_a_waiting_thread() {
    let endpoint = Arc::new(OnceLock::<Arc<UdpEndpoint>>::new());
    let own = endpoint.clone();
    let road = Road::new(Spin::Never, Keeper::new(true, move |_| own.get().unwrap().stop()));
    endpoint.set(road.endpoint.clone()).unwrap_or_else(|_| unreachable!());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| road.drive(|| false));
        road.wait_unwatched();
        road.send(1);
        waiter.join().unwrap();
    });
    assert_eq!(road.keeper.count(), 1);
}

#[test]
fn stop_returns_while_a_waiting_thread_is_stuck_in_a_delivery() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let road = Road::new(Spin::Never, Keeper::new(true, move |_| gate.lock().recv().unwrap_or(())));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| road.drive(|| false));
        road.wait_unwatched();
        road.send(1);
        road.send(2);
        wait_until("it is inside", || road.keeper.count() == 1);
        for _ in 0..2 {
            road.endpoint.stop();
        }
        drop(open);
        waiter.join().unwrap();
    });
    assert_eq!(road.keeper.count(), 1, "nothing is delivered after the end");
}
