//! Clients that share one loop: how many threads they cost, and what one may do to the others.
//!
//! A test program of its own, because it counts the threads of its process.

#![cfg(any(target_os = "linux", target_os = "android"))]

use std::sync::{mpsc, Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{
    ClientOptions, ClientState, ConnectionChange, ConnectionObserver, ServerOptions, TcpClient,
};
use rogue_mem::memory::{
    Claimant, DataBuffer, Observer, Slave, SlaveBase, Transaction, TransactionType,
};
use rogue_mem::{Error, Status};

use testkit::bridge::{server, server_of, Client};
use testkit::bus::Telling;
use testkit::process::{context_switches, raise_descriptor_limit, threads_named};
use testkit::raw::RawServer;
use testkit::slaves::Keeper;
use testkit::wait::{let_pass, wait_until, LONG};

/// The names of the loop's thread and of that of its observers.
const LOOP: &str = "rogue_loop";
const OBSERVERS: &str = "rogue_observers";
/// A crate of boards, where the process may have as many descriptors.
const CLIENTS_MAX: usize = 1000;
/// More than the loop leaves a connection unwatched after a wait.
const IDLE: Duration = Duration::from_millis(500);
/// Of a connected client, its part of the server's included, and some more.
const DESCRIPTORS_PER_CLIENT: usize = 6;

/// One test at a time: they all use the same loop.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn options() -> ClientOptions {
    ClientOptions { shared_loop: true, ..ClientOptions::default() }
}

fn client(port: u16) -> Client {
    Client::with(port, options())
}

fn ready(port: u16) -> Client {
    let client = client(port);
    client.wait_ready();
    client
}

/// The names of the bridge's threads, in order; the test harness has others.
fn bridge_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let ours = ["Tcp", "rogue_", "resolver", "owners"];
    let mut names: Vec<String> = names
        .map(|name| name.trim_end().to_owned())
        .filter(|name| ours.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    names.sort();
    names
}

/// Raises the limit of descriptors as far as it may be; for how many clients that is enough.
fn clients_count() -> usize {
    let limit = usize::try_from(raise_descriptor_limit()).unwrap_or(usize::MAX);
    (limit / DESCRIPTORS_PER_CLIENT).min(CLIENTS_MAX)
}

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Reads a register, and has `observer` told of the end.
fn read_observed(client: &Client, address: u64, observer: Arc<dyn Observer>) {
    let tran = client
        .master
        .prepare(address, DataBuffer::from(vec![0; 4]), TransactionType::Read)
        .unwrap();
    tran.observe(observer);
    client.master.launch(&tran);
}

#[test]
fn a_thousand_clients_cost_two_threads_and_the_loop_ends_with_the_last() {
    let _turn = turn();
    let count = clients_count();
    let server = server();
    let clients: Vec<Client> = (0..count).map(|_| client(server.port())).collect();
    clients.iter().for_each(Client::wait_ready);
    assert_eq!(bridge_threads(), ["TcpServer", LOOP, OBSERVERS], "{count} clients");
    let register = |index: usize| 4 * index as u64;
    let words: Vec<[u8; 4]> = (0..count as u32).map(u32::to_le_bytes).collect();
    for (index, client) in clients.iter().enumerate() {
        client.master.write(register(index), &words[index]).unwrap();
    }
    // One burst for each, all of them before the first wait.
    let ids: Vec<u32> =
        clients.iter().enumerate().map(|(index, one)| one.start_read(register(index), 4)).collect();
    for ((client, id), word) in clients.iter().zip(ids).zip(&words) {
        assert_eq!(client.master.wait_buffer(id).unwrap(), word);
    }
    assert_eq!(bridge_threads(), ["TcpServer", LOOP, OBSERVERS], "after use");
    // Nor any wake-up, once the loop watches all connections again.
    let [thread_id] = threads_named(LOOP)[..] else { panic!("one thread") };
    let mut switches = context_switches(thread_id);
    wait_until("the loop sleeps for half a second", || {
        let_pass(IDLE);
        std::mem::replace(&mut switches, context_switches(thread_id)) == switches
    });
    let mut clients = clients;
    let last = clients.pop().unwrap();
    drop(clients);
    assert_eq!(threads_named(LOOP).len(), 1, "the last client needs it");
    assert_eq!(last.tcp.stats().disconnects, 0);
    last.master.write(0, &[1, 2, 3, 4]).unwrap();
    last.tcp.stop();
    assert!(threads_named(LOOP).is_empty(), "stop has waited for the thread");
    let again = ready(server.port());
    assert_eq!(again.master.read(0, 4).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn observers_are_told_on_their_own_thread_in_the_order_of_the_ends() {
    let _turn = turn();
    let server = RawServer::new();
    let client = client(server.port);
    let mut peer = server.serve(&[]);
    let (sender, ends) = mpsc::channel();
    let numbers = 0..50_u32;
    for number in numbers.clone() {
        let sender = sender.clone();
        let report = Telling::new(move |tran: &Arc<Transaction>| {
            assert!(tran.is_done());
            sender.send((number, thread_name())).unwrap();
        });
        read_observed(&client, u64::from(number), report);
    }
    let requests: Vec<_> = numbers.clone().map(|_| peer.request.take_request()).collect();
    for request in requests.iter().rev() {
        peer.response.send(&request.answer());
    }
    for number in numbers.rev() {
        assert_eq!(ends.recv_timeout(LONG).unwrap(), (number, OBSERVERS.to_owned()));
    }
}

/// Sends on what it is told, and from which thread.
struct Reporter(Mutex<mpsc::Sender<(bool, String)>>);

impl ConnectionObserver for Reporter {
    fn changed(&self, change: &ConnectionChange) {
        let _ = self.0.lock().unwrap().send((change.reason.is_none(), thread_name()));
    }
}

#[test]
fn connections_are_told_of_on_that_thread_too() {
    let _turn = turn();
    let server = RawServer::new();
    let client = client(server.port);
    let (sender, changes) = mpsc::channel();
    client.tcp.observe(Some(Arc::new(Reporter(Mutex::new(sender)))));
    for _ in 0..3 {
        let peer = server.serve(&[]);
        assert_eq!(changes.recv_timeout(LONG).unwrap(), (true, OBSERVERS.to_owned()));
        drop(peer);
        assert_eq!(changes.recv_timeout(LONG).unwrap(), (false, OBSERVERS.to_owned()));
    }
    assert!(threads_named("TcpClient.news").is_empty());
}

/// Passes on the result of a transaction.
struct Word(Mutex<mpsc::Sender<(Option<Vec<u8>>, String)>>);

impl Claimant for Word {
    fn ended(&self, _: u32, outcome: Result<(), Error>, data: Option<DataBuffer>) {
        outcome.unwrap();
        let data = data.map(DataBuffer::into_vec);
        let _ = self.0.lock().unwrap().send((data, thread_name()));
    }
}

/// Passes transactions on to a client, and keeps the latest.
struct Tap {
    base: SlaveBase,
    client: Arc<TcpClient>,
    latest: Mutex<Option<Arc<Transaction>>>,
}

impl Slave for Tap {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        *self.latest.lock().unwrap() = Some(tran.clone());
        self.client.do_transaction(tran);
    }
}

#[test]
fn results_are_claimed_there_too_or_by_who_held_the_data_lock() {
    let _turn = turn();
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = ready(server.port());
    let tap =
        Tap { base: SlaveBase::new(4, 4096), client: client.tcp.clone(), latest: Mutex::default() };
    let tap = Arc::new(tap);
    client.master.set_slave(tap.clone());
    let (sender, results) = mpsc::channel();
    for round in 0..20 {
        let id = client.start_read(0, 4);
        let claimant = Word(Mutex::new(sender.clone()));
        client.master.observe(id, Arc::new(claimant)).unwrap();
        let tran = tap.latest.lock().unwrap().take().unwrap();
        let lock = (round % 2 == 0).then(|| tran.data().unwrap());
        let responses = client.tcp.stats().responses;
        keeper.wait_seen(round + 1);
        keeper.answer_all();
        wait_until("answered", || client.tcp.stats().responses > responses);
        let expected = match lock {
            Some(lock) => {
                // The loop does not wait for the lock: it serves others.
                let other = ready(server.port());
                assert!(results.try_recv().is_err(), "the buffer may still be in use");
                drop((lock, other));
                thread_name()
            }
            None => OBSERVERS.to_owned(),
        };
        let (data, thread) = results.recv_timeout(LONG).unwrap();
        assert_eq!((data.map(|data| data.len()), thread), (Some(4), expected));
    }
}

#[test]
fn an_observer_that_blocks_holds_up_no_client_and_may_itself_connect_and_read() {
    let _turn = turn();
    let server = server();
    let port = server.port();
    let (blocked, other) = (ready(port), ready(port));
    other.master.write(8, &[1, 2, 3, 4]).unwrap();
    let ((entered, calls), (permit, go_on)) = (mpsc::channel(), mpsc::channel::<()>());
    let action = move |_: &Arc<Transaction>| {
        entered.send(None).unwrap();
        let _ = go_on.recv_timeout(LONG);
        // It waits, on the thread for observers, for what the loop brings.
        let new = ready(port);
        entered.send(Some(new.master.read(8, 4).unwrap())).unwrap();
    };
    read_observed(&blocked, 0, Telling::new(action));
    assert_eq!(calls.recv_timeout(LONG).unwrap(), None);
    assert_eq!(other.master.read(8, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(blocked.master.read(8, 4).unwrap(), [1, 2, 3, 4]);
    let new = ready(port);
    assert_eq!(new.master.read(8, 4).unwrap(), [1, 2, 3, 4]);
    new.tcp.stop();
    blocked.tcp.stop();
    assert_eq!(other.tcp.state(), ClientState::Connected);
    permit.send(()).unwrap();
    assert_eq!(calls.recv_timeout(LONG).unwrap(), Some(vec![1, 2, 3, 4]));
}

#[test]
fn an_observer_may_stop_and_drop_clients_and_a_panic_in_one_concerns_nobody() {
    let _turn = turn();
    let server = server();
    let (first, second) = (ready(server.port()), ready(server.port()));
    let panics = |_: &Arc<Transaction>| panic!("a panic that this test wants");
    read_observed(&first, 0, Telling::new(panics));
    let (done, ended) = mpsc::channel();
    let mut tcp = Some(first.tcp.clone());
    let action = move |_: &Arc<Transaction>| {
        tcp.take().unwrap().stop();
        done.send(()).unwrap();
    };
    read_observed(&first, 0, Telling::new(action));
    ended.recv_timeout(LONG).unwrap();
    assert_eq!(first.tcp.state(), ClientState::Stopped);
    assert_eq!(first.tcp.wait_ready(LONG, LONG).unwrap_err().status(), Status::Stopped);
    second.master.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(second.tcp.stats().disconnects, 0);
}

#[test]
fn clients_whose_servers_come_and_go_do_not_disturb_one_whose_server_stays() {
    let _turn = turn();
    let steady_server = server();
    let steady = ready(steady_server.port());
    for _ in 0..10 {
        let other_server = server();
        let others: Vec<Client> = (0..8).map(|_| ready(other_server.port())).collect();
        let nowhere = Client::with(1, options());
        let unknown = TcpClient::new("no-such-host.invalid", 9000, options());
        thread::scope(|scope| {
            scope.spawn(|| other_server.stop());
            scope.spawn(|| others.iter().for_each(|client| client.tcp.stop()));
            for value in 0..100 {
                steady.master.write(0, &[value; 4]).unwrap();
                assert_eq!(steady.master.read(0, 4).unwrap(), [value; 4]);
            }
        });
        drop((nowhere, unknown));
    }
    let stats = steady.tcp.stats();
    assert_eq!((stats.connects, stats.disconnects, stats.dropped_responses), (1, 0, 0));
    assert_eq!(threads_named(LOOP).len(), 1);
}

#[test]
fn a_client_of_its_own_loop_has_a_thread_beside_the_shared_one() {
    let _turn = turn();
    let server = server();
    let (own, shared) = (Client::ready(server.port()), ready(server.port()));
    assert_eq!((threads_named("TcpClient").len(), threads_named(LOOP).len()), (1, 1));
    own.tcp.stop();
    assert!(threads_named("TcpClient").is_empty());
    shared.master.write(0, &[1, 2, 3, 4]).unwrap();
}
