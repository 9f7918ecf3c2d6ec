//! The connecting end of a stream bridge.

mod driver;
mod status;

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::link::connector::Destination;
use crate::bridge::link::dialer::{ClientState, Dialer, Target};
use crate::debug::impl_debug;
use crate::error::{Error, Result};
use crate::logging::{log_debug, Logger};
use crate::net::resolve::{self, Resolver};
use crate::net::server_address::ServerAddress;
use crate::net::socket::{Silence, HOST_SILENCE_MAX};
use crate::net::{DriverHandle, EventLoop, Spin};
use crate::proto::bridge::property::Announcement;
use crate::security::CurveClient;
use crate::stream::{Master, Node, Slave, SlaveBase};
use crate::sync::Mutex;

use super::delivery::Delivery;
use super::endpoint::Endpoint;
use super::outbox::Outbox;
use super::stats::LoopCounters;
use super::{StreamLimits, StreamStats};
use driver::ClientDriver;
use status::LinkStatus;

const SOURCE: &str = "stream::TcpCore::TcpCore";

/// Options of a stream client.
#[derive(Clone, Debug)]
pub struct StreamClientOptions {
    /// What holds for frames.
    pub limits: StreamLimits,
    /// The client's keys, and the server's public key: the connection is encrypted then, and both
    /// ends have proved their keys. `None`: it is in the clear.
    pub curve: Option<Arc<CurveClient>>,
    /// Whether the client polls for a while before it sleeps.
    pub spin: Spin,
    /// Bytes of the stack of the client's thread, on which slaves receive frames; 0 for the default
    /// of the process's threads (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// How long the server's host may be silent before the connection is given up, see
    /// [`ClientOptions`](crate::bridge::ClientOptions::host_silence_max).
    pub host_silence_max: Duration,
}

impl Default for StreamClientOptions {
    fn default() -> Self {
        StreamClientOptions {
            curve: None,
            limits: StreamLimits::default(),
            spin: Spin::default(),
            stack_bytes: 0,
            host_silence_max: HOST_SILENCE_MAX,
        }
    }
}

/// The connecting end of a stream bridge (Rogue's `interfaces::stream::TcpClient`).
///
/// Frames that its slave receives go to the server. If that is slow, and while there is none, the
/// senders wait. The server's frames are sent by its master, in the client's own thread. The client
/// connects again after each loss, until it is stopped.
///
/// It works while there is a handle, or a master connected to its slave.
pub struct StreamClient {
    endpoint: Arc<Endpoint>,
    master: Arc<Master>,
    counters: Arc<LoopCounters>,
    status: Arc<Mutex<LinkStatus>>,
    log: Logger,
    /// The address of the server.
    server: String,
}

impl StreamClient {
    /// Starts connecting to `port` (frames to the server) and `port + 1` (frames from the server)
    /// of `address`, an IPv4 or IPv6 address or a host name, or to a path of this host,
    /// `unix:/run/board.sock`, with port 0. Returns at once. Names and several addresses are tried as
    /// by [`TcpClient::new`](crate::bridge::TcpClient::new).
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for an invalid address or port.
    pub fn new(
        address: &str,
        port: u16,
        options: StreamClientOptions,
    ) -> Result<Arc<StreamClient>> {
        StreamClient::with_resolver(address, port, options, resolve::addresses_of)
    }

    fn with_resolver(
        address: &str,
        port: u16,
        options: StreamClientOptions,
        resolver: Resolver,
    ) -> Result<Arc<StreamClient>> {
        let failed = |error: Error| {
            let text = format!(
                "Failed to connect to remote port {port} at address {address}: {}",
                error.text()
            );
            Error::new(error.status(), SOURCE, text)
        };
        let server = ServerAddress::new(address, port).map_err(failed)?;
        let destination = Destination::new(&server).map_err(failed)?;
        let log = Logger::new(&format!("stream.TcpCore.{address}.Client.{port}"));
        let [push, pull] = server.endpoints();
        log_debug!(log, "Creating pull client port: {pull}");
        log_debug!(log, "Creating push client port: {push}");
        let server = server.to_string();
        let name = format!("The stream TcpClient of {server}");
        let outbox = Arc::new(Outbox::new(name, log.clone(), options.limits.clone()));
        let (base, master) = (Arc::new(SlaveBase::new()), Master::new());
        let (counters, status) = (Arc::<LoopCounters>::default(), Arc::default());
        let delivery = Delivery::new(
            master.clone(),
            base.clone(),
            counters.clone(),
            log.clone(),
            options.limits.frame_bytes_max,
        );
        // Either connection carries data in one direction already.
        let announcement = Announcement::client(false).untimed();
        // A server may pause for any time: its senders wait.
        let host_max = options.host_silence_max;
        let silence = Silence { host_max, unread_max: Duration::ZERO };
        let curve = options.curve.clone();
        let target = Target { destination, announcement, silence, resolver, curve };
        let make_driver = |handle: DriverHandle| {
            let waker = handle.clone();
            delivery.intake.set_wake(move || waker.wake());
            let dialer = Dialer::new(handle.clone(), log.clone(), target);
            let parts = (outbox.clone(), Arc::clone(&status), log.clone());
            ClientDriver::new(handle, dialer, delivery, parts)
        };
        let (stack_bytes, spin) = (options.stack_bytes, options.spin);
        let handle = EventLoop::spawn("StreamClient", stack_bytes, spin, make_driver);
        let handle = handle.map_err(failed)?;
        outbox.set_handle(handle.clone());
        let endpoint = Arc::new(Endpoint::new(outbox, base, handle));
        Ok(Arc::new(StreamClient { endpoint, master, counters, status, log, server }))
    }

    /// Closes the connection, and disconnects the slaves of the master. Senders that wait return;
    /// frames that the server does not take at once are dropped. Idempotent; callable from any
    /// thread, also from a slave. Returns within 100 ms, whatever the server does; if a slave blocks
    /// longer, the connection closes when it returns.
    pub fn stop(&self) {
        log_debug!(self.log, "Stopping client of {}", self.server);
        self.endpoint.stop();
    }

    /// The state of the connection.
    pub fn state(&self) -> ClientState {
        match self.endpoint.is_stopped() {
            true => ClientState::Stopped,
            false => self.status.lock().state,
        }
    }

    /// The state as text, with the obstacle if there is one.
    pub fn state_text(&self) -> String {
        let server = &self.server;
        let stopped = || format!("The stream TcpClient of {server} has been stopped");
        if self.endpoint.is_stopped() {
            return stopped();
        }
        let status = self.status.lock();
        match status.state {
            ClientState::Connected => format!("connected to {server}"),
            ClientState::Stopped => stopped(),
            ClientState::Connecting | ClientState::Handshake => {
                format!("not connected to {server}: {}", status.obstacle)
            }
        }
    }

    /// The counters of the client.
    pub fn stats(&self) -> StreamStats {
        self.counters.add_to(self.endpoint.outbox.stats())
    }
}

impl Node for StreamClient {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.endpoint.clone()
    }
}

impl_debug!(StreamClient, client => { server: client.server, state: client.state() });
