//! What the tests of the bridge share: waiting for conditions, slaves that misbehave on request,
//! peers that speak ZMTP octet by octet, and what the system says about this process.
//!
//! Every test program compiles this for itself and uses a part of it.
#![allow(dead_code)]

pub mod process;
pub mod raw;
pub mod slaves;

use std::sync::{mpsc, Arc};
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Master, Slave};

/// A generous limit for everything that must happen; nothing waits for it to pass.
pub const LONG: Duration = Duration::from_secs(60);
/// [`LONG`] for [`Master::set_timeout`].
pub const LONG_US: u64 = 60_000_000;
/// How often a condition is looked at that nobody announces.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Waits until `condition` holds; fails with `what` when it never does.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < limit, "not in {LONG:?}: {what}");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Lets time pass in which nothing is to happen, or which is part of what a test does.
pub fn let_pass(time: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    nothing.recv_timeout(time).unwrap_err();
}

/// A server on this host that serves `slave`.
pub fn server_of(slave: Arc<dyn Slave>, options: ServerOptions) -> Arc<TcpServer> {
    let server = TcpServer::new("127.0.0.1", 0, options).unwrap();
    server.master().set_slave(slave);
    server.master().set_timeout(LONG_US);
    server
}

/// A server on this host that serves emulated memory.
pub fn server() -> Arc<TcpServer> {
    server_of(Emulate::new(4, 0xFFFF_FFFF), ServerOptions::default())
}

/// A server that serves emulated memory at a port that a former one has left.
pub fn server_at(port: u16) -> Arc<TcpServer> {
    let server = TcpServer::new("127.0.0.1", port, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
    server
}

/// A client and its master, with a timeout that does not matter.
pub struct Client {
    pub tcp: Arc<TcpClient>,
    pub master: Master,
}

impl Client {
    pub fn new(port: u16) -> Client {
        Client::with(port, ClientOptions::default())
    }

    pub fn with(port: u16, options: ClientOptions) -> Client {
        let tcp = TcpClient::new("127.0.0.1", port, options).unwrap();
        let master = Master::new();
        master.set_slave(tcp.clone());
        master.set_timeout(LONG_US);
        Client { tcp, master }
    }

    /// One that is ready.
    pub fn ready(port: u16) -> Client {
        let client = Client::new(port);
        client.wait_ready();
        client
    }

    pub fn wait_ready(&self) {
        self.tcp.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    }

    pub fn wait_connected(&self) {
        wait_until("connected", || self.tcp.state() == ClientState::Connected);
    }

    /// Starts a read and returns its id.
    pub fn start_read(&self, address: u64, size: usize) -> u32 {
        self.master.request(address, vec![0xAA; size].into(), 1).unwrap()
    }

    /// Starts a write and returns its id.
    pub fn start_write(&self, address: u64, data: &[u8]) -> u32 {
        self.master.request(address, data.to_vec().into(), 2).unwrap()
    }

    /// Waits for a transaction that must fail and returns its text.
    #[track_caller]
    pub fn error_of(&self, id: u32) -> String {
        self.master.wait(id).unwrap_err().text().to_owned()
    }
}

/// Proves that the server serves a client like any other.
#[track_caller]
pub fn assert_serves(server: &TcpServer) {
    let client = Client::ready(server.port());
    client.master.write(0x5EE0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.master.read(0x5EE0, 4).unwrap(), [1, 2, 3, 4]);
}
