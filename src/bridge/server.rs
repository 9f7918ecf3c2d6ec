//! The serving end of the bridge.

mod buffers;
mod connections;
mod driver;
mod execute;
mod peers;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::logging::{log_debug, Logger};
use crate::memory::Master;
use crate::net::event_loop::EventLoop;
use crate::net::socket;
use crate::net::Spin;

use driver::Driver;

const SOURCE: &str = "memory::TcpServer::TcpServer";

/// How clients that announce no session (Rogue's own, plain libzmq programs) are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LegacyPolicy {
    /// By the owning process on the same host, one client per address elsewhere.
    #[default]
    Auto,
    /// One client per source address.
    OnePerAddress,
    /// By the owning process; clients whose process cannot be seen are not served.
    LocalPid,
    /// They are not served.
    Refuse,
}

/// What may be chosen about a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Requests of one client that may be outstanding at the slave; 1 is one at a time.
    pub window: usize,
    /// How legacy clients are told apart.
    pub legacy: LegacyPolicy,
    /// How long connections of one address must have been unambiguous before they are paired.
    pub settle: Duration,
    /// Bytes of the largest transaction; larger requests are refused before anything is
    /// allocated for them.
    pub transaction_bytes_max: u32,
    /// Clients served at once; further connections are closed.
    pub clients_max: usize,
    /// Whether responses go out on the request connection, to clients that agree.
    pub duplex: bool,
    /// Whether the server looks for the next request for a while before it sleeps.
    pub spin: Spin,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            window: 1024,
            legacy: LegacyPolicy::Auto,
            settle: Duration::from_millis(400),
            transaction_bytes_max: 64 << 20,
            clients_max: 1024,
            duplex: true,
            spin: Spin::default(),
        }
    }
}

/// What a server has done so far. Counters never go back but for `clients` and `held`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ServerStats {
    /// Clients being served now.
    pub clients: u64,
    /// Connections now open that belong to no served client yet.
    pub held: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Requests received, probes included.
    pub requests: u64,
    /// Responses queued for sending.
    pub responses: u64,
    /// Messages dropped because they are no requests.
    pub malformed: u64,
    /// Requests answered with an error without reaching the slave.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Octets received.
    pub bytes_in: u64,
    /// Octets of responses queued for sending.
    pub bytes_out: u64,
}

/// The counters of [`ServerStats`], written by the event loop alone.
#[derive(Debug, Default)]
struct Counters {
    clients: AtomicU64,
    held: AtomicU64,
    accepted: AtomicU64,
    requests: AtomicU64,
    responses: AtomicU64,
    malformed: AtomicU64,
    refused: AtomicU64,
    dropped_responses: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// Counts, on the event loop's thread. With one writer no count is lost between load and store,
/// and an indivisible addition costs more than ten times as much.
#[inline]
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

/// Serves the slave that its [`master`](Self::master) is connected to, to any number of clients.
///
/// Requests of one client reach the slave in the order of their arrival, in the server's own
/// thread, and up to the window of them at once; each answer goes to the client that asked, or to
/// nobody. A slave that blocks stalls its own server only. Dropping the server stops it.
pub struct TcpServer {
    master: Arc<Master>,
    event_loop: EventLoop,
    counters: Arc<Counters>,
    log: Arc<Logger>,
    port: u16,
    address: String,
}

impl TcpServer {
    /// Listens on `port` (requests) and `port + 1` (responses) of `address`: `*`, an IPv4 or IPv6
    /// address, the name of an interface or of a host. Port 0 asks the system for a free pair.
    /// Clients are served from here on; connect the master to a slave to give them one.
    ///
    /// # Errors
    ///
    /// [`Status::Bind`](crate::Status::Bind) and its relatives, naming the port and the address.
    pub fn new(address: &str, port: u16, options: ServerOptions) -> Result<Arc<TcpServer>> {
        let named = |error: Error| Error::new(error.status(), SOURCE, error.text().to_owned());
        let listeners = socket::bind_pair(address, port).map_err(named)?;
        let port = listeners.port;
        let log = Arc::new(Logger::new(&format!("memory.TcpServer.{address}.{port}")));
        log_debug!(log, "Creating response server port: tcp://{address}:{}", port + 1);
        log_debug!(log, "Creating request server port: tcp://{address}:{port}");
        let master = Arc::new(Master::new());
        let counters = Arc::new(Counters::default());
        let parts = (master.clone(), counters.clone(), log.clone());
        let server_id = crate::net::random::random_128().map_err(named)?;
        let event_loop = EventLoop::spawn("TcpServer", move |handle| {
            Driver::new(handle, listeners, parts, options, server_id)
        })
        .map_err(named)?;
        let address = address.to_owned();
        Ok(Arc::new(TcpServer { master, event_loop, counters, log, port, address }))
    }

    /// The master through which requests reach the slave: connect it with
    /// [`Master::set_slave`], and set with [`Master::set_timeout`] how long the slave has.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// The request port; the response port is the one after it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address given to [`new`](Self::new).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Does nothing: a server runs from its creation. Exists because Rogue has it.
    pub fn start(&self) {}

    /// Stops serving: closes both ports and all connections. Idempotent; callable from any
    /// thread, a slave's callback included. Returns within 100 ms, whatever the peers do; where
    /// a slave blocks longer, the ports close when it returns.
    pub fn stop(&self) {
        if !self.event_loop.handle().is_stopping() {
            log_debug!(self.log, "Stopping server at {}:{}", self.address, self.port);
        }
        self.event_loop.stop();
    }

    /// What the server has done so far.
    pub fn stats(&self) -> ServerStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let c = &self.counters;
        ServerStats {
            clients: load(&c.clients),
            held: load(&c.held),
            accepted: load(&c.accepted),
            requests: load(&c.requests),
            responses: load(&c.responses),
            malformed: load(&c.malformed),
            refused: load(&c.refused),
            dropped_responses: load(&c.dropped_responses),
            bytes_in: load(&c.bytes_in),
            bytes_out: load(&c.bytes_out),
        }
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for TcpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpServer")
            .field("address", &self.address)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
