//! The requesting end of the bridge.

mod arbiter;
mod connection;
mod core;
mod delivery;
mod driver;
mod large;
mod news;
mod readiness;
mod reading;
mod receive;
mod requests;
mod send;
mod sending;

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::link::connector::Destination;
use crate::bridge::link::dialer::{ClientState, Dialer, Target};
use crate::bridge::link::wire::REQUESTS_UNREAD_TIME_MAX;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, Logger};
use crate::memory::{observers, Slave, SlaveBase, Transaction};
use crate::net::resolve::{self, Resolver};
use crate::net::server_address::ServerAddress;
use crate::net::socket::{Silence, HOST_SILENCE_MAX};
use crate::net::{DriverHandle, EventLoop, Spin};
use crate::proto::bridge::property::Announcement;
use crate::security::CurveClient;

use self::core::ClientCore;
use driver::ClientDriver;
use news::News;
pub use news::{ConnectionChange, ConnectionObserver};

const SOURCE: &str = "memory::TcpClient::TcpClient";
/// Access limits that the client reports: the bridge does not transmit those of the remote slave.
const ACCESS_MIN: u32 = 4;
const ACCESS_MAX: u32 = 0xFFFF_FFFF;
/// Timeout and probe period of [`TcpClient::start`].
const START_TIMEOUT: Duration = Duration::from_secs(10);
const START_PERIOD: Duration = Duration::from_millis(100);

/// Options of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Whether [`TcpClient::start`] waits for the server.
    pub wait_ready: bool,
    /// Whether readiness probes are also sent to servers that have not announced support for them.
    /// Probes crash a SURF simulation.
    pub probe_legacy: bool,
    /// Maximum number of requests in flight. `None` selects by the kind of server: 400 for legacy
    /// servers, 8192 for others. Further requests wait in the client.
    pub window: Option<usize>,
    /// Size limit of a transaction, in bytes.
    pub transaction_bytes_max: u32,
    /// Whether a thread that waits for a transaction reads the responses itself, which saves a
    /// wake-up by another thread.
    pub direct: bool,
    /// Whether responses may use the request connection, if the server agrees.
    pub duplex: bool,
    /// The client's keys, and the server's public key: the connection is encrypted then, and both
    /// ends have proved their keys. `None`: it is in the clear.
    pub curve: Option<Arc<CurveClient>>,
    /// Whether such a thread polls for a while before it sleeps.
    pub spin: Spin,
    /// Stack size of the client's thread, in bytes; observers run on it. 0 selects the size of
    /// other threads of the process (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// Whether the client shares one event loop, and its thread, with all other clients of the
    /// process that have this option: a crate of 1000 boards then costs two threads. The shared
    /// thread runs no user code. Observers of all these clients run on the second thread, one at a
    /// time: an observer that blocks delays the other observers, but no client.
    pub shared_loop: bool,
    /// How long the server's host may be silent, because it has lost its power or the network is
    /// cut, before the connection is given up: its system answers probes otherwise, also while the
    /// bridge is idle or the server busy. In whole seconds, at least four. Connections to a loopback
    /// address are not probed.
    pub host_silence_max: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            wait_ready: false,
            probe_legacy: false,
            window: None,
            transaction_bytes_max: u32::MAX,
            direct: true,
            duplex: true,
            curve: None,
            spin: Spin::default(),
            stack_bytes: 0,
            shared_loop: false,
            host_silence_max: HOST_SILENCE_MAX,
        }
    }
}

/// Counters of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ClientStats {
    /// Requests without an answer, unsent ones included.
    pub outstanding: u64,
    /// Requests not sent yet.
    pub queued: u64,
    /// Requests sent, probes included.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Responses without a waiting transaction.
    pub dropped_responses: u64,
    /// Octets received.
    pub bytes_in: u64,
    /// Octets sent.
    pub bytes_out: u64,
}

/// A memory slave whose transactions are carried out by a remote
/// [`TcpServer`](crate::bridge::TcpServer), or by a Rogue or SURF peer.
///
/// No request is lost silently. Without a connection, a request waits for one until its own
/// timeout. A request in flight when the connection breaks fails at once, because its execution is
/// unknown. No request is sent twice. The client reconnects until it is stopped. Dropping it stops
/// it. All methods may be called from any thread.
pub struct TcpClient {
    base: SlaveBase,
    core: Arc<ClientCore>,
    news: Arc<News>,
    handle: DriverHandle,
    wait_ready: bool,
}

impl TcpClient {
    /// Starts connecting to `port` (requests) and `port + 1` (responses) of `address`, an IPv4
    /// or IPv6 address or a host name, or to a path of this host, `unix:/run/board.sock`, with port
    /// 0. Returns at once.
    ///
    /// A name is looked up again for every attempt, in parallel: until the answer arrives the
    /// attempt uses the latest known addresses. Several addresses are tried in parallel: the next
    /// one 250 ms after the last, or at once when one has failed. The client uses the first
    /// address that answers, for both connections.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for an invalid address or port.
    pub fn new(address: &str, port: u16, options: ClientOptions) -> Result<Arc<TcpClient>> {
        TcpClient::with_resolver(address, port, options, resolve::addresses_of)
    }

    fn with_resolver(
        address: &str,
        port: u16,
        options: ClientOptions,
        resolver: Resolver,
    ) -> Result<Arc<TcpClient>> {
        let failed = |error: Error| {
            let text = format!(
                "Failed to connect to remote port {port} at address {address}: {}",
                error.text()
            );
            Error::new(error.status(), SOURCE, text)
        };
        let server = ServerAddress::new(address, port).map_err(failed)?;
        let destination = Destination::new(&server).map_err(failed)?;
        let random = crate::net::random::random_128().map_err(failed)?;
        let wait_ready = options.wait_ready;
        let log = Logger::new(&format!("memory.TcpClient.{address}.{port}"));
        let core = Arc::new(ClientCore::new(&server, log, options, random));
        let [requests, responses] = server.endpoints();
        log_debug!(core.log, "Creating response client port: {responses}");
        log_debug!(core.log, "Creating request client port: {requests}");
        let stack_bytes = Some(core.options.stack_bytes).filter(|_| !core.options.shared_loop);
        let news = News::new(stack_bytes);
        let event_loop = match stack_bytes {
            Some(stack_bytes) => EventLoop::start("TcpClient", stack_bytes, Spin::Never),
            None => observers::prepare().and_then(|()| EventLoop::shared()),
        };
        let announcement = Announcement::client(core.options.duplex);
        let host_max = core.options.host_silence_max;
        let silence = Silence { host_max, unread_max: REQUESTS_UNREAD_TIME_MAX };
        let curve = core.options.curve.clone();
        let target = Target { destination, announcement, silence, resolver, curve };
        let make_driver = |handle: DriverHandle| {
            let _ = core.handle.set(handle.clone());
            let dialer = Dialer::new(handle.clone(), core.log.clone(), target);
            ClientDriver::new(handle, core.clone(), dialer, news.clone())
        };
        let handle = event_loop.and_then(|event_loop| event_loop.add(make_driver));
        let handle = handle.map_err(failed)?;
        let base = SlaveBase::new(ACCESS_MIN, ACCESS_MAX);
        Ok(Arc::new(TcpClient { base, core, news, handle, wait_ready }))
    }

    /// Waits until the server is ready, for at most `timeout`.
    ///
    /// A server that has announced readiness probes is probed every `period` until it answers. Any
    /// other server is ready when both connections have completed their handshake. A `timeout` of
    /// zero sends no probe.
    ///
    /// # Errors
    ///
    /// [`Status::Timeout`], with the obstacle; [`Status::Stopped`].
    pub fn wait_ready(&self, timeout: Duration, period: Duration) -> Result<()> {
        if self.handle.is_loop_thread() {
            let text = "Cannot wait for the server in the client's own thread";
            return Err(Error::new(Status::InvalidArgument, "memory::TcpClient::waitReady", text));
        }
        self.core.wait_ready(timeout, period)
    }

    /// Waits 10 seconds for the server, if the client was created with
    /// [`wait_ready`](ClientOptions::wait_ready); otherwise does nothing.
    ///
    /// # Errors
    ///
    /// As [`wait_ready`](Self::wait_ready).
    pub fn start(&self) -> Result<()> {
        if !self.wait_ready {
            return Ok(());
        }
        self.wait_ready(START_TIMEOUT, START_PERIOD).map_err(|error| {
            let text = format!(
                "Timed out waiting for remote TcpServer readiness on {}: {}",
                self.core.endpoint,
                error.text()
            );
            Error::new(error.status(), "memory::TcpClient::start", text)
        })
    }

    /// Closes the connections, and fails all outstanding and later transactions at once.
    /// Idempotent; callable from any thread.
    pub fn stop(&self) {
        if self.core.is_inherited() {
            return;
        }
        self.news.stop();
        self.core.stop();
        self.handle.stop();
    }

    /// Sets the observer of connects and disconnects, in place of a former one; `None` removes it.
    /// If there is a connection already, `observer` is notified of it first.
    ///
    /// Calls come from a thread of their own, one at a time and in order, with no lock held. The
    /// observer may call everything, [`stop`](Self::stop) included. It may block: only further
    /// notifications of this client wait for it, of which the latest 64 are kept. After this
    /// returns no call of a former observer begins. After `stop` has returned no call begins at
    /// all, not even for the disconnect. A running call continues, and so does one that a thread is
    /// just about to make; an observer is dropped when its last call has returned. An observer that
    /// owns the client keeps it alive until the client is stopped.
    pub fn observe(&self, observer: Option<Arc<dyn ConnectionObserver>>) {
        if !self.core.is_inherited() {
            self.news.observe(observer);
            if self.news.deadline().is_some() {
                // The loop tries again.
                self.handle.wake();
            }
        }
    }

    /// The state of the connection.
    pub fn state(&self) -> ClientState {
        self.core.state_now()
    }

    /// The state as text, with the obstacle if there is one.
    pub fn state_text(&self) -> String {
        self.core.state_text()
    }

    /// The counters of the client.
    pub fn stats(&self) -> ClientStats {
        self.core.stats()
    }
}

impl Slave for TcpClient {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.core.submit(tran);
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        self.core.submit_all(all);
    }

    fn takes_together(&self) -> bool {
        true
    }

    fn is_prompt(&self) -> bool {
        true
    }

    fn is_brief(&self) -> bool {
        true
    }

    fn stop(&self) {
        TcpClient::stop(self);
    }
}

impl Drop for TcpClient {
    fn drop(&mut self) {
        TcpClient::stop(self);
    }
}

impl_debug!(TcpClient, client => { server: client.core.name, state: client.state() });

#[cfg(test)]
mod tests;
