//! Servers and clients of the memory bridge on this host.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Master, Slave, TransactionType};

use crate::bus::master_of;
use crate::wait::{wait_until, LONG};

/// Memory of any size.
pub fn memory() -> Arc<dyn Slave> {
    Emulate::new(4, 0xFFFF_FFFF)
}

/// A server that serves emulated memory, at ports that are free.
pub fn server() -> Arc<TcpServer> {
    server_of(memory(), ServerOptions::default())
}

/// A server that serves `slave`, at ports that are free.
pub fn server_of(slave: Arc<dyn Slave>, options: ServerOptions) -> Arc<TcpServer> {
    server_at(0, slave, options)
}

/// A server at the port that a former one has had. Waits until that one has left it.
pub fn server_at(port: u16, slave: Arc<dyn Slave>, options: ServerOptions) -> Arc<TcpServer> {
    let mut server = None;
    wait_until("the ports are free", || {
        server = TcpServer::new("127.0.0.1", port, options.clone()).ok();
        server.is_some()
    });
    let server = server.expect("waited for");
    server.master().set_slave(slave);
    server.master().set_timeout(LONG);
    server
}

/// A server at a path, which serves `slave`.
pub fn server_at_path(
    address: &str,
    slave: Arc<dyn Slave>,
    options: ServerOptions,
) -> Arc<TcpServer> {
    let server = TcpServer::new(address, 0, options).unwrap();
    server.master().set_slave(slave);
    server.master().set_timeout(LONG);
    server
}

/// A client and its master, with a timeout that does not matter.
pub struct Client {
    /// The client, which is the master's slave.
    pub tcp: Arc<TcpClient>,
    /// Its only master.
    pub master: Master,
}

impl Client {
    /// A client of a server on this host, connected or not.
    pub fn new(port: u16) -> Client {
        Client::with(port, ClientOptions::default())
    }

    /// The same with options.
    pub fn with(port: u16, options: ClientOptions) -> Client {
        let tcp = TcpClient::new("127.0.0.1", port, options).unwrap();
        Client { master: master_of(tcp.clone()), tcp }
    }

    /// A client of a server at an address of any kind, connected or not.
    pub fn at(address: &str, port: u16) -> Client {
        let tcp = TcpClient::new(address, port, ClientOptions::default()).unwrap();
        Client { master: master_of(tcp.clone()), tcp }
    }

    /// One that is ready.
    pub fn ready(port: u16) -> Client {
        let client = Client::new(port);
        client.wait_ready();
        client
    }

    /// Waits until the server answers.
    pub fn wait_ready(&self) {
        self.tcp.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    }

    /// Waits until both connections are there.
    pub fn wait_connected(&self) {
        wait_until("connected", || self.tcp.state() == ClientState::Connected);
    }

    /// Starts a read and returns its id.
    pub fn start_read(&self, address: u64, size: usize) -> u32 {
        self.master.request(address, vec![0xAA; size].into(), TransactionType::Read).unwrap()
    }

    /// Starts a write and returns its id.
    pub fn start_write(&self, address: u64, data: &[u8]) -> u32 {
        self.master.request(address, data.to_vec().into(), TransactionType::Write).unwrap()
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
