use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use super::super::{ClientOptions, TcpClient};
use super::*;
use crate::bridge::{ServerOptions, TcpServer};
use crate::memory::{Master, Observer, Slave, SlaveBase, READ};

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
        let far = Arc::new(Far { base: SlaveBase::new(4, 4096), kept: Mutex::default() });
        let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
        server.master().set_slave(far.clone());
        server.master().set_timeout(60_000_000);
        let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
        let master = Master::new();
        master.set_slave(client.clone());
        master.set_timeout(60_000_000);
        client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        Bridge { far, _server: server, client, master }
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.client.shared.state.lock())
    }

    fn direct_waits(&self) -> u64 {
        self.look(|state| state.direct.waits)
    }

    fn told_count(&self) -> isize {
        self.look(|state| state.told_count)
    }

    /// Reads until this thread has read an answer itself, which the event loop may keep it from
    /// for a while.
    fn read_directly(&self) {
        let before = self.direct_waits();
        wait_until("an answer was read by who waits for it", || {
            self.master.read(0, 4).unwrap();
            self.direct_waits() > before
        });
    }

    fn kept_transaction(&self) -> Arc<Transaction> {
        self.master.prepare(KEPT, vec![0; 4].into(), READ).unwrap()
    }

    /// Asserts that the event loop reads, whoever waits.
    #[track_caller]
    fn assert_loop_reads(&self) {
        let before = self.direct_waits();
        for _ in 0..20 {
            self.master.read(0, 4).unwrap();
            assert!(self.look(|state| state.direct.is_watched), "what comes now is late");
        }
        assert_eq!(self.direct_waits(), before, "nobody else reads");
    }
}

struct Told(Mutex<Sender<()>>);

impl Told {
    fn new() -> (Arc<Told>, Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Told(Mutex::new(sender))), receiver)
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
            bridge.look(|state| !state.direct.is_watched && state.direct.pause_end.is_some())
        });
        wait_until("the event loop watches again, and has nothing more to look at", || {
            bridge.look(|state| state.direct.is_watched && state.direct.pause_end.is_none())
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
        assert_eq!(bridge.told_count(), 1);
        bridge.assert_loop_reads();
        bridge.far.next().done();
        ends.recv_timeout(LONG).unwrap();
        wait_until("nobody is to be told of anything", || bridge.told_count() == 0);
    }
    bridge.read_directly();
}

#[test]
fn nothing_is_late_that_a_second_thread_waits_for() {
    let bridge = Bridge::new();
    bridge.read_directly();
    let ids = [0, 1].map(|_| bridge.master.request(KEPT, vec![0; 4].into(), READ).unwrap());
    thread::scope(|scope| {
        let first = scope.spawn(|| bridge.master.wait(ids[0]).unwrap());
        wait_until("the first one reads", || {
            bridge.look(|state| state.direct.holder == Holder::Waiter)
        });
        let second = scope.spawn(|| bridge.master.wait(ids[1]).unwrap());
        wait_until("the second one waits to be told", || bridge.told_count() == 1);
        bridge.far.next().done();
        first.join().unwrap();
        bridge.assert_loop_reads();
        bridge.far.next().done();
        second.join().unwrap();
    });
    assert_eq!(bridge.told_count(), 0);
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
    master.set_timeout(60_000_000);
    let id = master.request(KEPT, vec![0; 4].into(), READ).unwrap();
    let tran = later.kept.lock().pop().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        wait_until("it waits", || tran.is_told());
        bridge.read_directly();
        bridge.client.do_transaction(&tran);
        assert_eq!(bridge.told_count(), 1);
        bridge.assert_loop_reads();
        bridge.far.next().done();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(bridge.told_count(), 0);
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
    master.set_timeout(60_000_000);
    let id = master.request(KEPT, vec![0; 8].into(), READ).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        for bridge in &bridges {
            wait_until("it is known that somebody waits", || bridge.told_count() == 1);
            bridge.assert_loop_reads();
        }
        bridges.iter().for_each(|bridge| bridge.far.next().done());
        waiter.join().unwrap().unwrap();
    });
    assert!(bridges.iter().all(|bridge| bridge.told_count() == 0));
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
    assert_eq!(bridge.told_count(), 0);
    launch();
    bridge.client.stop();
    assert_eq!(bridge.told_count(), 0);
    launch();
    assert_eq!(bridge.told_count(), 0);
    (0..5).for_each(|_| ends.recv_timeout(LONG).unwrap());
}
