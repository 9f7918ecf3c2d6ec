//! What runs already when descriptors or threads run out.

use std::fs;
use std::io::BufRead;
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::bridge::{
    ClientOptions, ClientState, ConnectionChange, ConnectionObserver, ServerOptions, StreamClient,
    StreamClientOptions, StreamServer, StreamServerOptions, TcpClient, TcpServer,
};
use rogue_mem::error::Result;
use rogue_mem::memory::{Claimant, DataBuffer, Master, TransactionType};
use rogue_mem::security::{Audit, AuditOptions};
use testkit::bridge::{assert_serves, memory, server_at, server_of, Client};
use testkit::bus::master_of;
use testkit::directory::Directory;
use testkit::log;
use testkit::players::Player;
use testkit::process::descriptor_count;
use testkit::raw::RawClient;
use testkit::slaves::Keeper;
use testkit::wait::{wait_until, LONG};

use crate::{descriptors, threads};

/// A timeout that passes while there is no connection.
const TIMEOUT: Duration = Duration::from_millis(100);

// ---------------------------------------------------------------------- peers

/// Roles: `server ADDRESS`, `stream server`: told `start` and `stop`; `client ADDRESS PORT`, `legacy
/// client PORT`: told `connect` and `end`.
pub fn play_peer(role: &str) {
    let mut peer: Option<Box<dyn Send>> = None;
    let mut port = 0;
    for line in std::io::stdin().lock().lines() {
        match &line.unwrap()[..] {
            "start" => {
                let (made, chosen) = start_server(role, port);
                (peer, port) = (Some(made), chosen);
                println!("{port}");
            }
            "connect" => {
                peer = Some(connected(role));
                println!("connected");
            }
            _ => {
                peer = None;
                println!("ended");
            }
        }
    }
    drop(peer);
}

fn start_server(role: &str, port: u16) -> (Box<dyn Send>, u16) {
    if role == "stream server" {
        let server = loop {
            let options = StreamServerOptions::default();
            if let Ok(server) = StreamServer::new("127.0.0.1", port, options) {
                break server;
            }
        };
        let port = server.port();
        return (Box::new(server), port);
    }
    let address = role.strip_prefix("server ").unwrap();
    if address == "127.0.0.1" {
        let server = server_at(port, memory(), ServerOptions::default());
        let port = server.port();
        return (Box::new(server), port);
    }
    let server = testkit::bridge::server_at_path(address, memory(), ServerOptions::default());
    (Box::new(server), 0)
}

fn connected(role: &str) -> Box<dyn Send> {
    if let Some(port) = role.strip_prefix("legacy client ") {
        let mut client = RawClient::legacy(port.parse().unwrap());
        client.read(1, 0x100);
        return Box::new(client);
    }
    let (address, port) = role.strip_prefix("client ").unwrap().split_once(' ').unwrap();
    let client = TcpClient::new(address, port.parse().unwrap(), ClientOptions::default()).unwrap();
    client.wait_ready(LONG, LONG).unwrap();
    let master = master_of(client);
    master.read(0, 4).unwrap();
    Box::new(master)
}

// ---------------------------------------------------------------------- clients

/// What is asked of a client.
trait Subject {
    fn is_connected(&self) -> bool;
    fn text(&self) -> String;
    /// A request, which fails without a connection; `None` for what has no requests.
    fn request(&self) -> Option<Result<()>>;
}

impl Subject for (Arc<TcpClient>, Master) {
    fn is_connected(&self) -> bool {
        self.0.state() == ClientState::Connected
    }

    fn text(&self) -> String {
        self.0.state_text()
    }

    fn request(&self) -> Option<Result<()>> {
        Some(self.1.read(0, 4).map(drop))
    }
}

impl Subject for Arc<StreamClient> {
    fn is_connected(&self) -> bool {
        self.state() == ClientState::Connected
    }

    fn text(&self) -> String {
        self.state_text()
    }

    fn request(&self) -> Option<Result<()>> {
        None
    }
}

fn memory_client(address: &str, port: u16, direct: bool) -> Box<dyn Subject> {
    let options = ClientOptions { direct, ..ClientOptions::default() };
    let client = TcpClient::new(address, port, options).unwrap();
    let master = master_of(client.clone());
    master.set_timeout(TIMEOUT);
    Box::new((client, master))
}

/// A client whose server goes and comes back while the client has no descriptors.
fn client_without_descriptors(server: &str, needed: u64, make: &dyn Fn(u16) -> Box<dyn Subject>) {
    let mut server = Player::new(server.to_owned());
    server.tell("start");
    let port = server.line().parse().unwrap();
    let client = make(port);
    wait_until("it is connected", || client.is_connected());
    let before = descriptor_count();
    for count in 0..needed {
        server.tell("end");
        server.line();
        wait_until("the connection has gone", || {
            !client.is_connected() && descriptor_count() < before
        });
        let shortage = descriptors::leave(count);
        server.tell("start");
        server.line();
        let says = |text: &str| text.contains("open files") && text.contains("ulimit -n");
        wait_until("it says why it does not connect", || says(&client.text()));
        if let Some(outcome) = client.request() {
            let error = outcome.unwrap_err();
            assert!(says(error.text()), "{error}");
        }
        drop(shortage);
        wait_until("it is connected again", || client.is_connected());
        assert!(client.request().is_none_or(|outcome| outcome.is_ok()));
        // A requester that reads itself has a descriptor more from its first wait on.
        wait_until("it has what it had", || descriptor_count() <= before + 1);
    }
    server.finish();
}

// ---------------------------------------------------------------------- descriptors

pub fn without_descriptors() {
    log::capture();
    let directory = Directory::new();
    let path = directory.address("server");
    client_without_descriptors("server 127.0.0.1", 2, &|port| {
        memory_client("127.0.0.1", port, false)
    });
    client_without_descriptors("server 127.0.0.1", 2, &|port| {
        memory_client("127.0.0.1", port, true)
    });
    client_without_descriptors("server 127.0.0.1", 2, &|port| {
        memory_client("localhost", port, false)
    });
    client_without_descriptors(&format!("server {path}"), 2, &|_| memory_client(&path, 0, false));
    client_without_descriptors("stream server", 2, &|port| {
        Box::new(StreamClient::new("127.0.0.1", port, StreamClientOptions::default()).unwrap())
    });
    for reserved in [None, Some(0)] {
        server_without_descriptors("127.0.0.1", reserved);
        server_without_descriptors(&directory.address("own"), reserved);
    }
    legacy_clients_without_descriptors();
    audit_without_descriptors(&directory);
}

/// A server to which a client connects that it has no descriptors for.
fn server_without_descriptors(address: &str, descriptors_reserved: Option<u32>) {
    let options = ServerOptions { descriptors_reserved, ..ServerOptions::default() };
    let server = TcpServer::new(address, 0, options).unwrap();
    server.master().set_slave(memory());
    let logger = format!("pyrogue.memory.TcpServer.{address}.{}", server.port());
    let mut client = Player::new(format!("client {address} {}", server.port()));
    let before = descriptor_count();
    for count in 0..2 {
        let said = |words: &str| {
            let texts = log::texts_of(&logger);
            texts.iter().filter(|text| text.contains(words) && text.contains("ulimit -n")).count()
        };
        // One that has no client yet makes room for the next: nobody waits then.
        let displaced = || server.stats().connections_displaced;
        let earlier = (said("Cannot accept connections"), displaced());
        let shortage = descriptors::leave(count);
        client.tell("connect");
        wait_until("it says that it cannot, or makes room", || {
            said("Cannot accept connections") > earlier.0 || displaced() > earlier.1
        });
        drop(shortage);
        assert_eq!(client.line(), "connected");
        client.tell("end");
        client.line();
        wait_until("nothing is left", || descriptor_count() == before);
    }
    client.finish();
    assert_eq!(server.stats().clients, 0);
}

/// The owners of legacy connections are found in files.
fn legacy_clients_without_descriptors() {
    let options = ServerOptions { descriptors_reserved: Some(0), ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let mut client = Player::new(format!("legacy client {}", server.port()));
    // Enough for its connections, and for some of the files.
    for count in 2..5 {
        let shortage = descriptors::leave(count);
        client.tell("connect");
        wait_until("it has been accepted", || is_accepted(&server));
        // It may be served in another way, or wait.
        testkit::wait::let_pass(Duration::from_millis(300));
        drop(shortage);
        assert_eq!(client.line(), "connected");
        client.tell("end");
        client.line();
        wait_until("it has gone", || !is_accepted(&server));
    }
    client.finish();
}

fn is_accepted(server: &TcpServer) -> bool {
    let stats = server.stats();
    stats.held + stats.clients > 0
}

/// The next file of an audit cannot be opened.
fn audit_without_descriptors(directory: &Directory) {
    let path = directory.file("audit");
    let audit_options = AuditOptions { file_bytes_max: 1000, ..AuditOptions::default() };
    let audit = Audit::to_file(&path, audit_options).unwrap();
    let options = ServerOptions { audit: Some(audit.clone()), ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let client = Client::ready(server.port());
    let write = |count: u64| (0..count).for_each(|n| client.master.write(n * 4, &[0; 4]).unwrap());
    let shortage = descriptors::leave(0);
    write(20);
    audit.flush(LONG).unwrap();
    drop(shortage);
    write(1);
    audit.flush(LONG).unwrap();
    let stats = audit.stats();
    assert_eq!((stats.delivered, stats.lost, stats.write_errors), (21, 0, 0));
    let files = ["audit", "audit.1", "audit.2"].map(|name| directory.file(name));
    let lines = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    assert_eq!(lines.map(|text| text.lines().count()).sum::<usize>(), 21);
    assert!(path.exists());
}

// ---------------------------------------------------------------------- threads

struct Telling(Mutex<Sender<()>>);

impl ConnectionObserver for Telling {
    fn changed(&self, _: &ConnectionChange) {
        self.0.lock().unwrap().send(()).unwrap();
    }
}

impl Claimant for Telling {
    fn ended(&self, _: u32, _: Result<()>, _: Option<DataBuffer>) {
        self.0.lock().unwrap().send(()).unwrap();
    }
}

pub fn without_threads() {
    log::capture();
    names_are_looked_up_later();
    legacy_clients_wait_for_a_thread();
    observers_are_told_later();
    claims_are_refused();
}

fn names_are_looked_up_later() {
    let server = server_of(memory(), ServerOptions::default());
    let client = Client::at("127.0.0.1", server.port());
    client.wait_ready();
    drop(client);
    let named = Client::at("localhost", server.port());
    named.wait_ready();
    server.stop();
    let shortage = threads::leave(0);
    wait_until("it says why it does not connect", || named.tcp.state_text().contains("ulimit -u"));
    let server = server_after(&shortage, server.port());
    named.wait_ready();
    drop((named, server));
}

/// A server needs a thread itself.
fn server_after(_shortage: &threads::Shortage, port: u16) -> Arc<TcpServer> {
    let _enough = threads::leave(u64::from(u16::MAX));
    server_at(port, memory(), ServerOptions::default())
}

fn legacy_clients_wait_for_a_thread() {
    let server = server_of(memory(), ServerOptions::default());
    let logger = format!("pyrogue.memory.TcpServer.127.0.0.1.{}", server.port());
    let shortage = threads::leave(0);
    let mut client = RawClient::announce(server.port(), &[]);
    wait_until("a thread is refused", || threads::refused() > 0);
    drop(shortage);
    client.wait_served();
    client.read(1, 0x100);
    let says = |text: &String| text.contains("Legacy clients wait") && text.contains("ulimit -u");
    wait_until("it has been said", || log::texts_of(&logger).iter().any(says));
    assert_serves(&server);
}

fn observers_are_told_later() {
    let server = server_of(memory(), ServerOptions::default());
    let client = Client::new(server.port());
    client.wait_ready();
    let (told, news) = channel();
    let shortage = threads::leave(0);
    client.tcp.observe(Some(Arc::new(Telling(Mutex::new(told)))));
    wait_until("a thread is refused", || threads::refused() > 0);
    drop(shortage);
    news.recv_timeout(LONG).expect("an observer is told of a connection that is there");
}

fn claims_are_refused() {
    let keeper = Keeper::new();
    let master = master_of(keeper.clone());
    let id = master.request(0, vec![0; 4].into(), TransactionType::Read).unwrap();
    let (told, news) = channel();
    let shortage = threads::leave(0);
    let error = master.observe(id, Arc::new(Telling(Mutex::new(told.clone())))).unwrap_err();
    assert!(error.text().contains("ulimit -u"), "{error}");
    drop(shortage);
    master.observe(id, Arc::new(Telling(Mutex::new(told)))).unwrap();
    keeper.answer_all();
    news.recv_timeout(LONG).unwrap();
}
