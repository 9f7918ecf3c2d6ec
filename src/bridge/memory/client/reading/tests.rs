use std::collections::VecDeque;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::super::core::CoreState;
use super::super::requests::Requests;
use super::super::send::Batch;
use super::super::{ClientOptions, TcpClient};
use super::*;
use crate::bridge::{ServerOptions, TcpServer};
use crate::clock;
use crate::memory::{Hub, Kept, Master, Observer, Slave, SlaveBase, TransactionType};
use crate::net::{ByteStream, Spin};
use crate::sync::Mutex;

/// Nothing waits for it to pass.
const LONG: Duration = Duration::from_secs(60);
/// A read at an address from here on is kept by the slave until the test answers it.
const KEPT: u64 = 0x1000;

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < limit, "not in {LONG:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Answers at once or when it is told to.
struct Far {
    base: SlaveBase,
    kept: Mutex<VecDeque<Arc<Transaction>>>,
}

impl Far {
    fn next(&self) -> Arc<Transaction> {
        let mut found = None;
        wait_until("a transaction comes", || {
            found = self.kept.lock().pop_front();
            found.is_some()
        });
        found.expect("looked for until it was there")
    }
}

impl Slave for Far {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        match tran.address() >= KEPT {
            true => self.kept.lock().push_back(tran.clone()),
            false => tran.done(),
        }
    }
}

struct Bridge {
    far: Arc<Far>,
    _server: Arc<TcpServer>,
    client: Arc<TcpClient>,
    master: Master,
}

impl Bridge {
    fn new() -> Bridge {
        Bridge::with(ClientOptions::default())
    }

    fn with(options: ClientOptions) -> Bridge {
        let far = Arc::new(Far { base: SlaveBase::new(4, 4096), kept: Mutex::default() });
        let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
        server.master().set_slave(far.clone());
        server.master().set_timeout(Duration::from_secs(60));
        let client = TcpClient::new("127.0.0.1", server.port(), options).unwrap();
        let master = Master::new();
        master.set_slave(client.clone());
        master.set_timeout(Duration::from_secs(60));
        client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        Bridge { far, _server: server, client, master }
    }

    fn look<T>(&self, look: impl FnOnce(&CoreState) -> T) -> T {
        look(&self.client.core.state.lock())
    }

    fn direct_waits(&self) -> u64 {
        self.look(|state| state.arbiter.granted_count)
    }

    fn listeners(&self) -> isize {
        self.look(|state| state.arbiter.listeners())
    }

    /// Reads until this thread has read an answer itself, which the event loop may keep it from
    /// for a while.
    fn read_directly(&self) {
        let before = self.direct_waits();
        wait_until("a waiting thread has read its answer", || {
            self.master.read(0, 4).unwrap();
            self.direct_waits() > before
        });
    }

    fn kept_transaction(&self) -> Arc<Transaction> {
        self.master.prepare(KEPT, vec![0; 4].into(), TransactionType::Read).unwrap()
    }

    /// Asserts that the event loop reads while any thread waits.
    #[track_caller]
    fn assert_loop_reads(&self) {
        let before = self.direct_waits();
        for _ in 0..20 {
            self.master.read(0, 4).unwrap();
            assert!(self.look(|state| state.arbiter.is_watched()), "what comes now is late");
        }
        assert_eq!(self.direct_waits(), before, "nobody else reads");
    }
}

struct Told(Mutex<Sender<()>>);

impl Told {
    fn new() -> (Arc<Told>, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Told(Mutex::new(sender))), receiver)
    }
}

/// Reports a call, and returns when the other end of its channel is dropped.
struct Blocking(Told, Mutex<mpsc::Receiver<()>>);

impl Observer for Blocking {
    fn completed(&self, tran: &Arc<Transaction>) {
        self.0.completed(tran);
        let _ = self.1.lock().recv();
    }
}

impl Observer for Told {
    fn completed(&self, _tran: &Arc<Transaction>) {
        let _ = self.0.lock().send(());
    }
}

#[test]
fn the_event_loop_leaves_a_connection_alone_that_is_read_directly_and_comes_back_to_it() {
    let bridge = Bridge::new();
    for _ in 0..3 {
        wait_until("a pause has begun", || {
            bridge.read_directly();
            bridge.look(|state| !state.arbiter.is_watched() && state.arbiter.next_tick().is_some())
        });
        wait_until("the event loop watches again, and has nothing more to look at", || {
            bridge.look(|state| state.arbiter.is_watched() && state.arbiter.next_tick().is_none())
        });
    }
}

#[test]
fn nothing_is_late_that_somebody_is_told_of() {
    let bridge = Bridge::new();
    for observe_first in [false, true] {
        bridge.read_directly();
        let (told, ends) = Told::new();
        let tran = bridge.kept_transaction();
        if observe_first {
            tran.observe(told.clone());
        }
        bridge.master.launch(&tran);
        if !observe_first {
            tran.observe(told);
        }
        assert_eq!(bridge.listeners(), 1);
        bridge.assert_loop_reads();
        bridge.far.next().done();
        ends.recv_timeout(LONG).unwrap();
        wait_until("nobody is to be told of anything", || bridge.listeners() == 0);
    }
    bridge.read_directly();
}

#[test]
fn nothing_is_late_that_a_second_thread_waits_for() {
    let bridge = Bridge::new();
    bridge.read_directly();
    let ids = [0, 1]
        .map(|_| bridge.master.request(KEPT, vec![0; 4].into(), TransactionType::Read).unwrap());
    thread::scope(|scope| {
        let first = scope.spawn(|| bridge.master.wait(ids[0]).unwrap());
        wait_until("the first one reads", || {
            bridge.look(|state| state.arbiter.is_read_by_waiter())
        });
        let second = scope.spawn(|| bridge.master.wait(ids[1]).unwrap());
        wait_until("the second one waits to be told", || bridge.listeners() == 1);
        bridge.far.next().done();
        first.join().unwrap();
        bridge.assert_loop_reads();
        bridge.far.next().done();
        second.join().unwrap();
    });
    wait_until("nobody is to be told of anything", || bridge.listeners() == 0);
    bridge.read_directly();
}

/// Forwards in another thread, when the requester waits already.
struct Later {
    base: SlaveBase,
    kept: Mutex<Vec<Arc<Transaction>>>,
}

impl Slave for Later {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.kept.lock().push(tran.clone());
    }
}

#[test]
fn nothing_is_late_that_comes_to_the_client_when_somebody_waits_for_it_already() {
    let bridge = Bridge::new();
    let later = Arc::new(Later { base: SlaveBase::new(4, 4096), kept: Mutex::default() });
    let master = Master::new();
    master.set_slave(later.clone());
    master.set_timeout(Duration::from_secs(60));
    let id = master.request(KEPT, vec![0; 4].into(), TransactionType::Read).unwrap();
    let tran = later.kept.lock().pop().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        wait_until("it waits", || tran.has_listener());
        bridge.read_directly();
        bridge.client.do_transaction(&tran);
        assert_eq!(bridge.listeners(), 1);
        bridge.assert_loop_reads();
        bridge.far.next().done();
        waiter.join().unwrap().unwrap();
    });
    wait_until("nobody is to be told of anything", || bridge.listeners() == 0);
}

/// Has half of each transaction carried out by either of two slaves.
struct Halves {
    base: SlaveBase,
    slaves: [Arc<TcpClient>; 2],
}

impl Slave for Halves {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        for (offset, slave) in [(0, &self.slaves[0]), (4, &self.slaves[1])] {
            let part = tran.create_sub(offset, 4, tran.address(), tran.ty()).unwrap();
            slave.do_transaction(&part);
        }
        tran.done_subs();
    }
}

#[test]
fn nothing_is_late_of_which_other_clients_carry_out_a_part() {
    let bridges = [Bridge::new(), Bridge::new()];
    bridges.iter().for_each(Bridge::read_directly);
    let slaves = bridges.each_ref().map(|bridge| bridge.client.clone());
    let master = Master::new();
    master.set_slave(Arc::new(Halves { base: SlaveBase::new(4, 4096), slaves }));
    master.set_timeout(Duration::from_secs(60));
    let id = master.request(KEPT, vec![0; 8].into(), TransactionType::Read).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        for bridge in &bridges {
            wait_until("it is known that somebody waits", || bridge.listeners() == 1);
            bridge.assert_loop_reads();
        }
        bridges.iter().for_each(|bridge| bridge.far.next().done());
        waiter.join().unwrap().unwrap();
    });
    wait_until("nobody is to be told of anything", || {
        bridges.iter().all(|bridge| bridge.listeners() == 0)
    });
}

#[test]
fn nobody_is_to_be_told_of_what_has_failed() {
    let bridge = Bridge::new();
    let (told, ends) = Told::new();
    let launch = || {
        let tran = bridge.kept_transaction();
        tran.observe(told.clone());
        bridge.master.launch(&tran);
        tran
    };
    launch().time_out();
    launch().give_up("enough");
    launch().error("completed past the client");
    assert_eq!(bridge.listeners(), 0);
    launch();
    bridge.client.stop();
    assert_eq!(bridge.listeners(), 0);
    launch();
    assert_eq!(bridge.listeners(), 0);
    (0..5).for_each(|_| ends.recv_timeout(LONG).unwrap());
}

#[test]
fn f01_the_event_loop_reads_where_unread_answers_hold_requests_up() {
    // The window is used; or the server may have stopped because its answers are not read.
    for (window, size, count) in [(Some(1), 4, 2), (None, 4096, 17)] {
        let bridge = Bridge::with(ClientOptions { window, ..ClientOptions::default() });
        for _ in 0..3 {
            bridge.read_directly();
            let request = |_| {
                bridge.master.request(KEPT, vec![0; size].into(), TransactionType::Read).unwrap()
            };
            let ids: Vec<u32> = (0..count).map(request).collect();
            // The loop sends the last ones.
            wait_until("somebody reads", || bridge.look(|state| state.arbiter.is_watched()));
            for _ in &ids {
                bridge.far.next().done();
            }
            ids.iter().for_each(|id| bridge.master.wait(*id).unwrap());
            assert_eq!(bridge.look(|state| state.requests.unread_octets), 0);
        }
    }
}

#[test]
fn f01_a_late_wait_reads_an_answer_that_was_there_in_time() {
    let spin = Spin::Never;
    let bridge = Bridge::with(ClientOptions { spin, ..ClientOptions::default() });
    bridge.read_directly();
    let tran = bridge.master.prepare(0, vec![0; 4].into(), TransactionType::Read).unwrap();
    bridge.master.launch(&tran);
    wait_until("the answer is there", || {
        let connection = bridge.look(|state| state.connection.clone()).expect("it is connected");
        let half = connection.receive.try_lock();
        let is_there = |half: &ReceiveHalf| match &*half.channel.wire.stream {
            ByteStream::Tcp(stream) => stream.peek(&mut [0]).is_ok(),
            ByteStream::Unix(_) => false,
        };
        half.is_some_and(|half| is_there(&half)) || tran.is_done()
    });
    bridge.client.core.drive(&tran, Time::default());
    wait_until("it has ended", || tran.is_done());
}

#[test]
fn f01_a_burst_is_sent_together_also_through_hubs() {
    // One system call takes 64 KiB.
    const COUNT: u64 = 500;
    let bridge = Bridge::new();
    let (outer, inner) = (Hub::new(0x100, 0, 0), Hub::new(0x200, 0, 0));
    outer.master().set_slave(inner.clone());
    inner.master().set_slave(bridge.client.clone());
    bridge.master.set_slave(outer);
    let flushes = || {
        let mut count = None;
        wait_until("nobody sends", || {
            count = bridge.look(|state| {
                let connection = state.connection.as_ref().expect("it is connected");
                connection.send.try_lock().map(|half| half.flushes)
            });
            count.is_some()
        });
        count
    };
    let (client, far) = (&bridge.client, &bridge.far);
    thread::scope(|scope| {
        // The event loop turns all the time, and sends what it finds queued.
        let (_turning, is_over) = mpsc::channel::<()>();
        scope.spawn(move || {
            while is_over.try_recv() == Err(mpsc::TryRecvError::Empty) {
                client.core.wake();
            }
        });
        for ty in [TransactionType::Read, TransactionType::Write, TransactionType::Post] {
            let requests = (0..COUNT).map(|n| (KEPT + 4 * n, vec![0; 4].into())).collect();
            let before = (flushes(), client.stats().requests);
            let ids = bridge.master.request_many(requests, ty).unwrap();
            let after = (flushes(), client.stats().requests);
            assert_eq!(after.0, before.0.map(|count| count + 1));
            assert_eq!(after.1, before.1 + COUNT);
            for n in 0..COUNT {
                let tran = far.next();
                assert_eq!(tran.address(), KEPT + 0x300 + 4 * n, "in order");
                tran.done();
            }
            ids.iter().for_each(|id| bridge.master.wait(*id).unwrap());
        }
    });
}

#[test]
fn f09_a_request_left_to_the_event_loop_is_sent_when_a_listener_may_block_the_loop() {
    let bridge = Bridge::new();
    let (told, is_told) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let first = bridge.kept_transaction();
    first.observe(Arc::new(Blocking(Told(Mutex::new(told)), Mutex::new(released))));
    bridge.master.launch(&first);
    bridge.far.next().done();
    is_told.recv_timeout(LONG).unwrap();
    // Left to the event loop before it ran an observer.
    bridge.client.core.state.lock().is_blocked = true;
    let left = bridge.kept_transaction();
    bridge.master.launch(&left);
    {
        let mut state = bridge.client.core.state.lock();
        state.is_blocked = false;
        state.is_loop_told = true;
    }
    assert_eq!(bridge.client.stats().queued, 1);
    let (other, ends) = Told::new();
    left.observe(other);
    assert_eq!(bridge.client.stats().queued, 0);
    bridge.far.next().done();
    drop(release);
    ends.recv_timeout(LONG).unwrap();
}

#[test]
fn a_write_given_up_before_it_is_encoded_counts_nowhere() {
    let bridge = Bridge::new();
    let connection = bridge.look(|state| state.connection.clone()).expect("it is connected");
    let mut half = connection.send.try_lock().expect("no thread sends");
    for size in [4, 100_000] {
        for is_forgotten in [true, false] {
            let (mut requests, mut batch) = (Requests::default(), Batch::default());
            requests.connected(None, false);
            let tran =
                bridge.master.prepare(KEPT, vec![0; size].into(), TransactionType::Write).unwrap();
            assert!(requests.insert(1, Kept::new(&tran)));
            requests.fill(&mut batch, &mut half, clock::now());
            assert_eq!((requests.stats.requests, requests.in_flight), (1, 1));
            tran.give_up("enough");
            if is_forgotten {
                drop(requests.remove(1, &tran));
            }
            batch.encode(&mut half);
            requests.put_back(&mut batch);
            requests.fill(&mut batch, &mut half, clock::now());
            assert!(half.is_flushed() && batch.requests.is_empty() && batch.locked.is_none());
            assert_eq!((requests.stats.requests, requests.in_flight), (0, 0));
            assert_eq!((requests.unread_octets, requests.outstanding_count()), (0, 0));
        }
    }
}
