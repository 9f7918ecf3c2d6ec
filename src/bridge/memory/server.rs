//! The serving end of the bridge.

mod auditor;
mod batcher;
mod client;
mod drain;
mod driver;
mod execute;
mod outstanding;
mod refusal;
mod requests;
mod responder;
mod rights;
mod stats;
mod timing;

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::link::exposure::warn_if_open;
use crate::bridge::link::malformed::MALFORMED_PER_SECOND_MAX;
use crate::bridge::link::options::{LegacyPolicy, LinkOptions, PROGRESS_PER_SECOND_MIN};
use crate::bridge::link::server::Link;
use crate::bridge::link::wire::RESPONSES_UNREAD_TIME_MAX;
use crate::clock;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_info, Logger};
use crate::memory::Master;
use crate::net::listener::{adopt_all, listen_at_all, ListenerPair, ListeningSockets};
use crate::net::owner::{self, Finder};
use crate::net::server_address::ServerAddress;
use crate::net::socket::{Silence, HOST_SILENCE_MAX};
use crate::net::{unix, DriverHandle, EventLoop, Spin};
use crate::process::{inherited_text, memory_share};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::ServerId;
use crate::security::{AccessList, Audit, CurveServer};

use auditor::Auditor;
use drain::{Departure, Drain, WaitEnd};
use driver::{ServerDriver, Unconnected};
use execute::Executor;
use outstanding::{OutstandingTable, ENDED_TOGETHER_MAX};
use requests::Requests;
use responder::Responder;
use rights::RightsPolicy;
use stats::Counters;

pub use stats::ServerStats;

/// Buffers for reuse take at most one part in this many of the budget.
const SPARE_DIVISOR: u64 = 16;

/// How long a new server without a slave lets clients wait before it answers that it has none: as long
/// as a request waits by default. A program connects the slave right after it has made the server.
const SLAVE_WAIT_MAX: Duration = Duration::from_secs(1);

const SOURCE: &str = "memory::TcpServer::TcpServer";

/// Options of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Requests of one client that may be outstanding at the slave; 1 = one at a time.
    pub window: usize,
    /// How legacy clients are distinguished.
    pub legacy: LegacyPolicy,
    /// Whether the legacy clients of one process of this host, or of one ZeroMQ context of it, are
    /// served together, if [`legacy`](Self::legacy) distinguishes processes: each answer then goes
    /// to all of their response connections. That is correct if request ids are unique in a
    /// process, as those of Rogue's clients are; such a client drops an answer with an unknown id.
    /// It is the one exception to "an answer goes to the client that asked, or to nobody".
    pub legacy_shared_process: bool,
    /// How long connections of one address must have been unambiguous before they are paired.
    pub settle: Duration,
    /// Bytes of the largest transaction; larger requests are refused before anything is
    /// allocated for them.
    pub transaction_bytes_max: u32,
    /// Clients served at once. When there are that many, the longest idle client of the address
    /// that has most of them makes room for another; none does that has requests outstanding, or
    /// was used within the last second.
    pub clients_max: usize,
    /// Clients of one address, or of one user by Unix-domain connections, served at once: the
    /// longest idle one of them makes room for another. `None`: as many as `clients_max`.
    pub clients_per_address_max: Option<usize>,
    /// A client is disconnected that sends this many malformed messages in a second; those that an
    /// overloaded client of Rogue leaves count apart, up to 1024. [`u32::MAX`]: never.
    pub malformed_per_second_max: u32,
    /// Whether responses are sent on the request connection, to clients that agree.
    pub duplex: bool,
    /// The server's keys, and the clients that it accepts: all connections are encrypted then, and
    /// both ends have proved their keys. `None`: all connections are in the clear.
    pub curve: Option<Arc<CurveServer>>,
    /// The peers that may connect, and what each of them may do. `None`: every peer that reaches the
    /// server may do everything, as far as [`curve`](Self::curve) and [`read_only`](Self::read_only)
    /// permit.
    pub access_list: Option<Arc<AccessList>>,
    /// Whether the server polls for the next request for a while before it sleeps.
    pub spin: Spin,
    /// Bytes of the stack of the server's thread, on which the slave runs; 0 for the default of the
    /// process's threads (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// Descriptors reserved for the program: the server closes held connections, or accepts no new
    /// ones, if fewer are free below the process's soft limit (`ulimit -n`). `None`: a tenth of the
    /// limit, at least 32. Never more than half of the limit.
    pub descriptors_reserved: Option<u32>,
    /// Further addresses at which the server listens, each with its port or two, or a path:
    /// `192.168.1.5:9000`, `[fe80::1%eth0]:9000`, `unix:/run/board.sock`. At most 31.
    pub addresses: Vec<String>,
    /// Whether every client may read only, whatever the access list says: a write is answered with an
    /// error, and does not reach the slave.
    pub read_only: bool,
    /// Permissions of the files at a path (`unix:/run/board.sock`), at most 0o777: users that may
    /// write to them may connect.
    pub unix_mode: u32,
    /// How long a client's host may be silent, because it has lost its power or the network is cut,
    /// before its connections are given up: its system answers probes otherwise, also while the
    /// bridge is idle. In whole seconds, at least four. Connections from a loopback address are not
    /// probed.
    pub host_silence_max: Duration,
    /// Bytes that the server holds for all of its peers together: requests, writes that have begun,
    /// unread answers. 0: a quarter of the memory that the process may have (control group, address
    /// space, memory of the host), at most 1 GiB; less than 64 KiB counts as 64 KiB. It is a part of the
    /// [budget of the process](crate::bridge::set_memory_budget). Clients for which there is no room are not read
    /// until there is. No transaction may take more than half of it.
    pub budget_bytes_max: u64,
    /// Octets in a second with which a client has to go on with a message that it has begun, and to
    /// read its answers; 0 for any number. A client that falls behind that by ten seconds is
    /// disconnected.
    pub progress_per_second_min: u32,
    /// Gets a record of each write when it has ended, also of refused ones, and of reads if it is made
    /// so. `None`: nothing is recorded.
    pub audit: Option<Arc<Audit>>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            window: 1024,
            legacy: LegacyPolicy::Auto,
            legacy_shared_process: false,
            settle: Duration::from_millis(400),
            transaction_bytes_max: 64 << 20,
            clients_max: 1024,
            clients_per_address_max: None,
            malformed_per_second_max: MALFORMED_PER_SECOND_MAX,
            duplex: true,
            curve: None,
            access_list: None,
            spin: Spin::default(),
            stack_bytes: 0,
            descriptors_reserved: None,
            addresses: Vec::new(),
            read_only: false,
            unix_mode: unix::MODE_DEFAULT,
            host_silence_max: HOST_SILENCE_MAX,
            budget_bytes_max: 0,
            progress_per_second_min: PROGRESS_PER_SECOND_MIN,
            audit: None,
        }
    }
}

/// Serves the slave of its [`master`](Self::master) to any number of clients.
///
/// Requests of one client reach the slave in the order of their arrival, in the server's own
/// thread, up to the window of them at once; each answer goes to the client that asked, or to
/// nobody. A slave that blocks stalls its own server only. Dropping the server stops it.
pub struct TcpServer {
    master: Arc<Master>,
    handle: DriverHandle,
    counters: Arc<Counters>,
    drain: Arc<Drain>,
    log: Arc<Logger>,
    address: String,
    addresses: Vec<ServerAddress>,
}

impl TcpServer {
    /// Listens on `port` (requests) and `port + 1` (responses) of `address`: `*`, an IPv4 or IPv6
    /// address, the name of an interface or of a host. Port 0 asks the system for a free pair. Or it
    /// listens at a path, `unix:/run/board.sock`, and the file beside it, with port 0. Connect its
    /// master to a slave: until then clients wait, for a second at most, and get errors after that.
    ///
    /// # Errors
    ///
    /// [`Status::Bind`] and related statuses, with the port and the address.
    pub fn new(address: &str, port: u16, options: ServerOptions) -> Result<Arc<TcpServer>> {
        TcpServer::with_parts(address, port, options, owner::owners)
    }

    /// Serves at sockets that listen already, those of a service manager (socket activation), and at the
    /// option's further addresses. Takes the place of [`new`](Self::new); connect its master to a
    /// slave.
    ///
    /// Sockets at TCP ports come as two, at P and P + 1; at a path, one is enough for clients of this
    /// library. Their permissions and queues are those that they have: `unix_mode` is for paths that the
    /// server opens itself. A stopped server closes its descriptors and leaves files at paths.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for sockets that do not listen, or do not belong together; the text
    /// has their addresses. [`Status::Bind`] and related statuses for further addresses.
    pub fn adopt(sockets: Vec<ListeningSockets>, options: ServerOptions) -> Result<Arc<TcpServer>> {
        let listeners = adopt_all(sockets, &options.addresses, options.unix_mode).map_err(named)?;
        let text = match &listeners[0].address {
            ServerAddress::Tcp { text, .. } => text.clone(),
            path @ ServerAddress::Unix(_) => path.to_string(),
        };
        TcpServer::serve(listeners, &text, options, owner::owners)
    }

    fn with_parts(
        address: &str,
        port: u16,
        options: ServerOptions,
        find_owners: Finder,
    ) -> Result<Arc<TcpServer>> {
        let at = ServerAddress::new(address, port).map_err(named)?;
        let listeners = listen_at_all(at, &options.addresses, options.unix_mode).map_err(named)?;
        TcpServer::serve(listeners, address, options, find_owners)
    }

    fn serve(
        listeners: Vec<ListenerPair>,
        address: &str,
        options: ServerOptions,
        find_owners: Finder,
    ) -> Result<Arc<TcpServer>> {
        options.audit.as_ref().map_or(Ok(()), |audit| audit.check()).map_err(named)?;
        let addresses: Vec<_> = listeners.iter().map(|pair| pair.address.clone()).collect();
        let port = addresses[0].port();
        let log = Arc::new(Logger::new(&format!("memory.TcpServer.{address}.{port}")));
        for [requests, responses] in addresses.iter().map(ServerAddress::endpoints) {
            log_debug!(log, "Creating response server port: {responses}");
            log_debug!(log, "Creating request server port: {requests}");
        }
        let may = if options.read_only { "read its memory" } else { "read and write its memory" };
        warn_if_open(&log, &addresses, is_guarded(&options), may);
        let master = Arc::new(Master::new());
        let counters = Arc::new(Counters::default());
        let server_id = crate::net::random::random_128().map_err(named)?;
        let announcement = Announcement::server(ServerId(server_id), options.duplex);
        let responder = Responder::new(counters.clone(), log.clone(), spare_bytes(&options));
        let of_link = (counters.link.clone(), log.clone());
        let slave_master = master.clone();
        let drain = Arc::new(Drain::default());
        let (departing, name) = (drain.clone(), addresses[0].to_string());
        let (stack_bytes, spin) = (options.stack_bytes, options.spin);
        let handle = EventLoop::spawn("TcpServer", stack_bytes, spin, move |handle| {
            let outstanding = OutstandingTable::new(handle.clone());
            let bytes_max = options.transaction_bytes_max;
            let auditor = Auditor::new(options.audit.clone(), name.clone());
            let executor = Executor::new(
                slave_master.clone(),
                outstanding,
                responder,
                auditor,
                bytes_max,
                (departing.clone(), name.clone()),
            );
            let link_options = link_options(&options);
            let (window, policy) = (options.window, policy_of(&options, name.clone()));
            let mut link = Link::new(
                handle.clone(),
                listeners,
                link_options,
                announcement,
                find_owners,
                of_link,
            );
            link.open_at(clock::now() + SLAVE_WAIT_MAX);
            let unconnected = Some(Unconnected::new(slave_master.clone(), &handle));
            ServerDriver {
                link,
                requests: Requests::new(executor, window, options.malformed_per_second_max, policy),
                handle,
                ended: Vec::with_capacity(ENDED_TOGETHER_MAX),
                drain: departing,
                departure: Departure::default(),
                unconnected,
                name,
            }
        })
        .map_err(named)?;
        let address = address.to_owned();
        Ok(Arc::new(TcpServer { master, handle, counters, drain, log, address, addresses }))
    }

    /// The master of the slave: connect it with [`Master::set_slave`]. The slave's time is the
    /// client's timeout for clients of this library, one second for others;
    /// [`Master::set_timeout`] limits it for both.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// The request port; the response port is the one after it. 0 at a path.
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    /// The address given to [`new`](Self::new).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All addresses at which it listens, with the ports that the system has chosen; first that of
    /// [`new`](Self::new).
    pub fn addresses(&self) -> &[ServerAddress] {
        &self.addresses
    }

    /// Does nothing: a server runs from its creation. For compatibility with Rogue.
    pub fn start(&self) {}

    /// Takes no request any more, and waits until those that the slave has are answered and the
    /// answers have arrived at the hosts of the clients. Returns what is left at the end of
    /// `timeout`, 0 if nothing: requests that the slave keeps, and clients that have not got all
    /// answers; 1 if the slave has not let the server's thread count them. Then [`stop`](Self::stop) the server: no answer is lost by that.
    ///
    /// Requests that come meanwhile, also those that have come in part, are answered with an error that
    /// says so; they do not reach the slave, and our client sends nothing twice. New clients are sent
    /// away: what ours have to send waits for the next server at the address, until it times out.
    ///
    /// There is no way back: a server that has begun to drain does so until it is stopped, also
    /// if this returns before. Further calls wait on. Callable from any thread but the server's own.
    ///
    /// # Errors
    ///
    /// [`Status::Stopped`]: the server is stopped, before or meanwhile. [`Status::InvalidArgument`] in
    /// a callback of the server, which its thread would wait for. Nothing has begun then.
    pub fn drain(&self, timeout: Duration) -> Result<u64> {
        const SOURCE: &str = "memory::TcpServer::drain";
        let server = &self.addresses[0];
        if self.handle.is_inherited() {
            return Err(Error::new(Status::Stopped, SOURCE, inherited_text("The TcpServer")));
        }
        if self.handle.is_loop_thread() {
            let text = format!(
                "The server at {server} cannot wait in its own thread until its slave has answered: \
                 call drain in another one"
            );
            return Err(Error::new(Status::InvalidArgument, SOURCE, text));
        }
        let limit = clock::now() + timeout;
        if !self.handle.is_stopping() && !self.drain.begin() {
            log_info!(self.log, "The server at {server} drains");
        }
        self.handle.wake();
        match self.drain.wait(limit, clock::now) {
            WaitEnd::Drained => Ok(0),
            WaitEnd::Late(left) => {
                // Until the thread has counted, it may be with the slave.
                let (requests, clients) = left.map_or((1, 0), |left| (left.requests, left.clients));
                log_debug!(
                    self.log,
                    "The server at {server} has not drained in {timeout:?}: the slave keeps \
                     {requests} requests, and {clients} clients have not got all answers"
                );
                Ok(requests + clients)
            }
            WaitEnd::Stopped => {
                let text =
                    format!("The server at {server} is stopped, and has given up its requests");
                Err(Error::new(Status::Stopped, SOURCE, text))
            }
        }
    }

    /// Stops serving: closes both ports and all connections. Idempotent; callable from any
    /// thread, also from a callback of the slave. Returns within 100 ms, whatever the peers do; if
    /// a slave blocks longer, the ports close when it returns.
    pub fn stop(&self) {
        if !self.handle.is_stopping() {
            log_debug!(self.log, "Stopping server at {}", self.addresses[0]);
        }
        if !self.handle.is_inherited() {
            self.drain.stop();
        }
        self.handle.stop();
    }

    /// The server's counters.
    pub fn stats(&self) -> ServerStats {
        self.counters.stats(self.drain.has_begun())
    }
}

/// An error of the making of a server.
fn named(error: Error) -> Error {
    Error::new(error.status(), SOURCE, error.text().to_owned())
}

/// Whether peers have to be known.
fn is_guarded(options: &ServerOptions) -> bool {
    options.curve.is_some() || options.access_list.is_some()
}

/// What the server with this address lets its clients do.
fn policy_of(options: &ServerOptions, server: String) -> RightsPolicy {
    let ServerOptions { read_only, access_list, .. } = options;
    RightsPolicy { server, read_only: *read_only, access_list: access_list.clone() }
}

/// Bytes of buffers that are kept for reuse.
fn spare_bytes(options: &ServerOptions) -> usize {
    let budget = match options.budget_bytes_max {
        0 => memory_share(),
        chosen => chosen,
    };
    usize::try_from(budget / SPARE_DIVISOR).unwrap_or(usize::MAX)
}

/// The options of the connections.
fn link_options(options: &ServerOptions) -> LinkOptions {
    LinkOptions {
        legacy: options.legacy,
        legacy_shared_process: options.legacy_shared_process,
        settle: options.settle,
        clients_max: options.clients_max,
        clients_per_address_max: options.clients_per_address_max,
        duplex: options.duplex,
        silence: Silence {
            host_max: options.host_silence_max,
            unread_max: RESPONSES_UNREAD_TIME_MAX,
        },
        curve: options.curve.clone(),
        access_list: options.access_list.clone(),
        sealed_octets_max: options.transaction_bytes_max.into(),
        descriptors_reserved: options.descriptors_reserved,
        budget_bytes_max: options.budget_bytes_max,
        progress_per_second_min: options.progress_per_second_min,
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl_debug!(TcpServer, server => { addresses: server.addresses });

#[cfg(test)]
mod tests;
