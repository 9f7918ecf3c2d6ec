//! The server during lookups of connection owners, and the rights of clients.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::*;
use crate::bridge::{ClientOptions, TcpClient};
use crate::memory::{Emulate, Slave, TransactionType};
use crate::net::owner::{owners, Owner, Process};

use testkit_base::raw::{self, Raw, RawClient};
use testkit_base::wait::{wait_until, LONG};

/// The questions of lookup passes, which wait here.
struct Gate {
    asked: Mutex<Vec<usize>>,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    const fn new() -> Gate {
        Gate { asked: Mutex::new(Vec::new()), is_open: Mutex::new(false), opened: Condvar::new() }
    }

    /// Records a pass with that many connections, and holds it until the gate is open.
    fn pass(&self, count: usize) {
        self.asked.lock().unwrap().push(count);
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }
}

fn server(find_owners: Finder) -> Arc<TcpServer> {
    let options = ServerOptions::default();
    let server = TcpServer::with_parts("127.0.0.1", 0, options, find_owners).unwrap();
    server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
    server
}

fn client_of(server: &TcpServer) -> Arc<Master> {
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    let master = Arc::new(Master::new());
    master.set_slave(client);
    master
}

#[test]
fn a_client_without_the_right_to_write_is_told_so_and_its_writes_reach_no_slave() {
    let options = ServerOptions { read_only: true, ..ServerOptions::default() };
    let server = TcpServer::with_parts("127.0.0.1", 0, options, owners).unwrap();
    let memory = Emulate::new(4, 0xFFFF_FFFF);
    server.master().set_slave(memory.clone());
    let owner = Master::new();
    owner.set_slave(memory as Arc<dyn Slave>);
    owner.write(0x100, &[1, 2, 3, 4]).unwrap();
    let client = client_of(&server);
    let small = client.write(0x100, &[9; 4]).unwrap_err();
    assert!(small.text().contains("0x100") && small.text().contains("read only"), "{small}");
    // One with data in pieces, and one without an awaited answer.
    let large = client.write(0x2000, &[9; 200_000]).unwrap_err();
    assert!(large.text().contains("0x2000") && large.text().contains("read only"), "{large}");
    let posted = client.request(0x100, vec![9; 4].into(), TransactionType::Post).unwrap();
    client.wait(posted).unwrap();
    let mut legacy = RawClient::legacy(server.port());
    legacy.request.send(&raw::request(5, 0x100, 4, raw::WRITE, Some(&[9; 4])));
    let refused = legacy.response.take_response();
    assert!(refused.text().contains("read only"), "{}", refused.text());
    assert_eq!(client.read(0x100, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(client.verify(0x2000, 4).unwrap(), [0; 4]);
    assert_eq!(owner.read(0x100, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(server.stats().refused, 4);
}

#[test]
fn f09_a_look_up_that_hangs_holds_up_nobody_else() {
    static GATE: Gate = Gate::new();
    let server = server(|connections| {
        GATE.pass(connections.len());
        owners(connections)
    });
    let mut legacy = RawClient::announce(server.port(), &[]);
    wait_until("the look-up has begun", || !GATE.asked().is_empty());
    let master = client_of(&server);
    master.write(0x100, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x100, 4).unwrap(), [1, 2, 3, 4]);
    assert!(!legacy.is_served(), "nobody knows yet whose it is");
    GATE.open();
    legacy.wait_served();
    assert_eq!(legacy.read(1, 0x100).payload, [1, 2, 3, 4]);
}

#[test]
fn f09_one_pass_answers_all_that_came_during_the_last_one() {
    const COUNT: usize = 50;
    static GATE: Gate = Gate::new();
    let server = server(|connections| {
        GATE.pass(connections.len());
        let of_its_own = |&(_, peer): &(SocketAddr, SocketAddr)| {
            Owner::Process(Process { start_ticks: 1, pid: u32::from(peer.port()) })
        };
        connections.iter().map(of_its_own).collect()
    });
    let announce = || {
        let mut half = Raw::connect(server.port());
        half.greet();
        half.send(&raw::ready("PUSH", &[]));
        half
    };
    let _first = announce();
    wait_until("the look-up has begun", || !GATE.asked().is_empty());
    let before = server.stats().bytes_in;
    let octets = raw::greeting().len() + raw::ready("PUSH", &[]).len();
    let _halves: Vec<Raw> = (0..COUNT).map(|_| announce()).collect();
    let all = before + (COUNT * octets) as u64;
    wait_until("every READY has come", || server.stats().bytes_in == all);
    assert_eq!(GATE.asked(), [1], "one pass at a time");
    GATE.open();
    wait_until("the next pass has begun", || GATE.asked().len() == 2);
    assert_eq!(GATE.asked(), [1, COUNT]);
}

#[test]
fn f09_an_answer_that_comes_after_its_connection_has_gone_finds_nobody() {
    static GATE: Gate = Gate::new();
    let server = server(|connections| {
        GATE.pass(connections.len());
        owners(connections)
    });
    let gone = RawClient::announce(server.port(), &[]);
    wait_until("the look-up has begun", || !GATE.asked().is_empty());
    drop(gone);
    wait_until("it has gone", || server.stats().held == 0);
    let mut next = RawClient::announce(server.port(), &[]);
    GATE.open();
    next.wait_served();
    wait_until("one client is counted", || server.stats().clients == 1);
}

#[test]
fn f09_a_server_stops_while_a_look_up_hangs() {
    static GATE: Gate = Gate::new();
    static ENDED: Mutex<Option<Sender<()>>> = Mutex::new(None);
    let (ended, has_ended): (Sender<()>, Receiver<()>) = mpsc::channel();
    *ENDED.lock().unwrap() = Some(ended);
    let server = server(|connections| {
        GATE.pass(connections.len());
        let _ = ENDED.lock().unwrap().take().map(|ended| ended.send(()));
        owners(connections)
    });
    let mut legacy = RawClient::announce(server.port(), &[]);
    wait_until("the look-up has begun", || !GATE.asked().is_empty());
    server.stop();
    drop(server);
    legacy.request.wait_closed();
    GATE.open();
    has_ended.recv_timeout(LONG).unwrap();
}
