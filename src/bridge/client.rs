//! The requesting end of the bridge.

mod direct;
mod driver;
mod half;
mod large;
mod pipe;
mod receiver;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::logging::log_debug;
use crate::memory::{Slave, SlaveBase, Transaction};
use crate::net::address;
use crate::net::event_loop::EventLoop;
use crate::net::Spin;
use crate::proto::bridge::SessionId;

use driver::Driver;
use shared::Shared;

const SOURCE: &str = "memory::TcpClient::TcpClient";
/// What the client reports as its access limits: the bridge does not tell those of the far slave.
const ACCESS_MIN: u32 = 4;
const ACCESS_MAX: u32 = 0xFFFF_FFFF;
/// How long and how often [`TcpClient::start`] asks whether the server is ready.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const START_PERIOD: Duration = Duration::from_millis(100);

/// What may be chosen about a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Whether [`TcpClient::start`] waits for the server.
    pub wait_ready: bool,
    /// Whether readiness probes are also sent to servers that have not said that they know them.
    /// They crash a SURF simulation.
    pub probe_legacy: bool,
    /// Requests that may be on their way at once; `None` leaves it to the kind of server: 400
    /// towards legacy servers, 8192 towards others. Further requests wait here.
    pub window: Option<usize>,
    /// Bytes of the largest transaction.
    pub transaction_bytes_max: u32,
    /// Whether a thread that waits for a transaction reads the responses itself meanwhile, which
    /// saves it being woken by another thread that does.
    pub direct: bool,
    /// Whether responses may come back on the request connection, where the server agrees.
    pub duplex: bool,
    /// Whether such a thread looks again for a while before it sleeps.
    pub spin: Spin,
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
            spin: Spin::default(),
        }
    }
}

/// How far a client has come with its server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientState {
    /// Not connected; attempts go on.
    Connecting,
    /// Connected over TCP, but the server has not accepted the client yet.
    Handshake,
    /// Requests are sent.
    Connected,
    /// Stopped for good.
    Stopped,
}

/// What a client has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientStats {
    /// Requests not answered yet, those not sent yet included.
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
    /// Responses that nobody waited for any more.
    pub dropped_responses: u64,
    /// Octets received.
    pub bytes_in: u64,
    /// Octets sent.
    pub bytes_out: u64,
}

/// A memory slave whose transactions are carried out by a remote [`TcpServer`](super::TcpServer),
/// or by a Rogue or SURF peer.
///
/// No request is lost silently. While there is no connection a request waits for one until its
/// own timeout; a request on its way when the connection breaks fails at once, since nobody knows
/// whether it was carried out; none is sent twice. The client connects again for ever until it is
/// stopped. Dropping it stops it. All methods may be called from any thread.
pub struct TcpClient {
    base: SlaveBase,
    shared: Arc<Shared>,
    event_loop: EventLoop,
    wait_ready: bool,
}

impl TcpClient {
    /// Starts connecting to `port` (requests) and `port + 1` (responses) of `address`, an IPv4
    /// or IPv6 address or a host name, which is resolved at every attempt. Returns at once.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for an address or port that cannot be meant.
    pub fn new(address: &str, port: u16, options: ClientOptions) -> Result<Arc<TcpClient>> {
        let failed = |error: Error| {
            let text = format!(
                "Failed to connect to remote port {port} at address {address}: {}",
                error.text()
            );
            Error::new(error.status(), SOURCE, text)
        };
        if port == 0 || port == u16::MAX {
            let text = "the bridge needs this port and the one after it: choose 1 to 65534";
            return Err(failed(Error::new(Status::InvalidArgument, SOURCE, text)));
        }
        let host = address::remote_host(address).map_err(failed)?;
        let session = SessionId(crate::net::random::random_128().map_err(failed)?);
        let wait_ready = options.wait_ready;
        let shared = Arc::new(Shared::new(address, port, options, &session));
        log_debug!(shared.log, "Creating response client port: tcp://{address}:{}", port + 1);
        log_debug!(shared.log, "Creating request client port: tcp://{address}:{port}");
        let event_loop = EventLoop::spawn("TcpClient", |handle| {
            shared.set_handle(handle.clone());
            Driver::new(handle, shared.clone(), host, port, session)
        })
        .map_err(failed)?;
        let base = SlaveBase::new(ACCESS_MIN, ACCESS_MAX);
        Ok(Arc::new(TcpClient { base, shared, event_loop, wait_ready }))
    }

    /// Waits until the server is ready, for at most `timeout`.
    ///
    /// A server that has announced that it knows readiness probes is asked every `period` until
    /// it answers. Towards any other, ready means that both connections have completed their
    /// handshake. With a `timeout` of zero nothing is asked.
    ///
    /// # Errors
    ///
    /// [`Status::Timeout`], saying what the obstacle was; [`Status::Stopped`].
    pub fn wait_ready(&self, timeout: Duration, period: Duration) -> Result<()> {
        if self.event_loop.handle().is_loop_thread() {
            let text = "Cannot wait for the server in the client's own thread";
            return Err(Error::new(Status::InvalidArgument, "memory::TcpClient::waitReady", text));
        }
        self.shared.wait_ready(timeout, period)
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
                "Timed out waiting for remote TcpServer readiness on tcp://{}: {}",
                self.shared.name,
                error.text()
            );
            Error::new(error.status(), "memory::TcpClient::start", text)
        })
    }

    /// Closes the connections and fails every transaction that is outstanding or comes later, at
    /// once. Idempotent; callable from any thread.
    pub fn stop(&self) {
        self.shared.stop();
        self.event_loop.stop();
    }

    /// How far the client has come.
    pub fn state(&self) -> ClientState {
        self.shared.state_now()
    }

    /// The state in words, with the obstacle where there is one.
    pub fn state_text(&self) -> String {
        self.shared.state_text()
    }

    /// What the client has done so far.
    pub fn stats(&self) -> ClientStats {
        self.shared.stats()
    }
}

impl Slave for TcpClient {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.shared.submit(tran);
    }

    fn is_prompt(&self) -> bool {
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

impl std::fmt::Debug for TcpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpClient")
            .field("server", &self.shared.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
