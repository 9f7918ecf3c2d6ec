//! The listening end of a stream bridge.

mod driver;
mod frames;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::bridge::link::exposure::warn_if_open;
use crate::bridge::link::malformed::MALFORMED_PER_SECOND_MAX;
use crate::bridge::link::options::{
    LegacyPolicy, LinkCounters, LinkOptions, PROGRESS_PER_SECOND_MIN,
};
use crate::bridge::link::server::Link;
use crate::debug::impl_debug;
use crate::error::{Error, Result};
use crate::logging::{log_debug, Logger};
use crate::net::listener::listen_at_all;
use crate::net::owner;
use crate::net::server_address::ServerAddress;
use crate::net::socket::{Silence, HOST_SILENCE_MAX};
use crate::net::{unix, EventLoop, Spin};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::ServerId;
use crate::security::{AccessList, CurveServer};
use crate::stream::{Master, Node, Slave, SlaveBase};

use super::delivery::Delivery;
use super::endpoint::Endpoint;
use super::outbox::Outbox;
use super::stats::LoopCounters;
use super::{StreamLimits, StreamStats};
use driver::ServerDriver;
use frames::Frames;

const SOURCE: &str = "stream::TcpCore::TcpCore";

/// Options of a stream server.
#[derive(Clone, Debug)]
pub struct StreamServerOptions {
    /// What holds for frames.
    pub limits: StreamLimits,
    /// How legacy clients are distinguished.
    pub legacy: LegacyPolicy,
    /// How long connections of one address must have been unambiguous before they are paired.
    pub settle: Duration,
    /// Clients served at once. When there are that many, the longest idle client of the address
    /// that has most of them makes room for another; none does to which frames are being sent, or
    /// that was used within the last second.
    pub clients_max: usize,
    /// The server's keys, and the clients that it accepts: all connections are encrypted then, and
    /// both ends have proved their keys. `None`: all connections are in the clear.
    pub curve: Option<Arc<CurveServer>>,
    /// The peers that may connect: those with any right. `None`: every peer that reaches the server,
    /// as far as [`curve`](Self::curve) permits.
    pub access_list: Option<Arc<AccessList>>,
    /// Clients of one address, see
    /// [`ServerOptions`](crate::bridge::ServerOptions::clients_per_address_max).
    pub clients_per_address_max: Option<usize>,
    /// A client is disconnected that sends this many malformed messages in a second;
    /// [`u32::MAX`]: never.
    pub malformed_per_second_max: u32,
    /// Whether the server polls for a while before it sleeps.
    pub spin: Spin,
    /// Bytes of the stack of the server's thread, on which slaves receive frames; 0 for the default
    /// of the process's threads (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// Descriptors reserved for the program, see
    /// [`ServerOptions`](crate::bridge::ServerOptions::descriptors_reserved).
    pub descriptors_reserved: Option<u32>,
    /// Further addresses at which the server listens, see
    /// [`ServerOptions`](crate::bridge::ServerOptions::addresses).
    pub addresses: Vec<String>,
    /// Permissions of the files at a path, see
    /// [`ServerOptions`](crate::bridge::ServerOptions::unix_mode).
    pub unix_mode: u32,
    /// How long a client's host may be silent before its connections are given up, see
    /// [`ServerOptions`](crate::bridge::ServerOptions::host_silence_max).
    pub host_silence_max: Duration,
    /// Bytes that the server holds for all of its peers together: frames that have begun to arrive, and
    /// those that peers do not read. 0 for the default; see
    /// [`ServerOptions`](crate::bridge::ServerOptions::budget_bytes_max). No received frame may take
    /// more than half of it.
    pub budget_bytes_max: u64,
    /// Octets in a second with which a client has to go on with a frame that it has begun; 0 for any
    /// number. A client that falls behind that by ten seconds is disconnected. It may take as long as
    /// it likes to read.
    pub progress_per_second_min: u32,
}

impl Default for StreamServerOptions {
    fn default() -> Self {
        StreamServerOptions {
            limits: StreamLimits::default(),
            legacy: LegacyPolicy::Auto,
            settle: Duration::from_millis(400),
            clients_max: 1024,
            curve: None,
            access_list: None,
            clients_per_address_max: None,
            malformed_per_second_max: MALFORMED_PER_SECOND_MAX,
            spin: Spin::default(),
            stack_bytes: 0,
            descriptors_reserved: None,
            addresses: Vec::new(),
            unix_mode: unix::MODE_DEFAULT,
            host_silence_max: HOST_SILENCE_MAX,
            budget_bytes_max: 0,
            progress_per_second_min: PROGRESS_PER_SECOND_MIN,
        }
    }
}

/// The listening end of a stream bridge (Rogue's `interfaces::stream::TcpServer`).
///
/// Frames that its slave receives go to its clients in turn, each frame to one of them; a client
/// that does not read is passed over. If all are slow, and while there is none, the senders wait.
/// Frames of all clients are sent by its master, in the server's own thread, those of one client in
/// their order. A slave that blocks there stalls its own server only.
///
/// It works while there is a handle, or a master connected to its slave.
pub struct StreamServer {
    endpoint: Arc<Endpoint>,
    master: Arc<Master>,
    counters: Arc<LoopCounters>,
    link_counters: Arc<LinkCounters>,
    log: Logger,
    address: String,
    addresses: Vec<ServerAddress>,
}

impl StreamServer {
    /// Listens on `port` (frames from clients) and `port + 1` (frames to clients) of `address`:
    /// `*`, an IPv4 or IPv6 address, the name of an interface or of a host. Port 0 asks the system
    /// for a free pair. Or it listens at a path, `unix:/run/board.sock`, and the file beside it, with
    /// port 0.
    ///
    /// # Errors
    ///
    /// [`Status::Bind`](crate::Status::Bind) and related statuses, with the port and the address.
    pub fn new(
        address: &str,
        port: u16,
        options: StreamServerOptions,
    ) -> Result<Arc<StreamServer>> {
        let named = |error: Error| Error::new(error.status(), SOURCE, error.text().to_owned());
        let at = ServerAddress::new(address, port).map_err(named)?;
        let listeners = listen_at_all(at, &options.addresses, options.unix_mode).map_err(named)?;
        let addresses: Vec<_> = listeners.iter().map(|pair| pair.address.clone()).collect();
        let port = addresses[0].port();
        let log = Logger::new(&format!("stream.TcpCore.{address}.Server.{port}"));
        for [pull, push] in addresses.iter().map(ServerAddress::endpoints) {
            log_debug!(log, "Creating pull server port: {pull}");
            log_debug!(log, "Creating push server port: {push}");
        }
        let is_guarded = options.curve.is_some() || options.access_list.is_some();
        warn_if_open(&log, &addresses, is_guarded, "exchange frames with it");
        let name = format!("The stream TcpServer at {}", addresses[0]);
        let outbox = Arc::new(Outbox::new(name, log.clone(), options.limits.clone()));
        let (base, master) = (Arc::new(SlaveBase::new()), Master::new());
        let (counters, link_counters) = (Arc::default(), Arc::<LinkCounters>::default());
        let server_id = crate::net::random::random_128().map_err(named)?;
        let announcement = Announcement::server(ServerId(server_id), false).untimed();
        let of_link = (link_counters.clone(), Arc::new(log.clone()));
        let frame_bytes_max = options.limits.frame_bytes_max;
        let delivery = Delivery::new(
            master.clone(),
            base.clone(),
            Arc::clone(&counters),
            log.clone(),
            frame_bytes_max,
        );
        let intake = delivery.intake.clone();
        let frames = Frames::new(delivery, outbox.clone(), options.malformed_per_second_max);
        let (stack_bytes, spin) = (options.stack_bytes, options.spin);
        let handle = EventLoop::spawn("StreamServer", stack_bytes, spin, |handle| {
            let options = link_options(&options);
            let link =
                Link::new(handle.clone(), listeners, options, announcement, owner::owners, of_link);
            let waker = handle.clone();
            intake.set_wake(move || waker.wake());
            ServerDriver::new(link, frames, handle)
        })
        .map_err(named)?;
        outbox.set_handle(handle.clone());
        let endpoint = Arc::new(Endpoint::new(outbox, base, handle));
        let address = address.to_owned();
        Ok(Arc::new(StreamServer {
            endpoint,
            master,
            counters,
            link_counters,
            log,
            address,
            addresses,
        }))
    }

    /// The port for frames from clients; that for frames to clients is the next. 0 at a path.
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

    /// Closes both ports and all connections, and disconnects the slaves of the master. Senders
    /// that wait return; frames that clients do not take at once are dropped. Idempotent; callable
    /// from any thread, also from a slave. Returns within 100 ms, whatever the peers do; if a slave
    /// blocks longer, the ports close when it returns.
    pub fn stop(&self) {
        log_debug!(self.log, "Stopping server at {}", self.addresses[0]);
        self.endpoint.stop();
    }

    /// The server's counters.
    pub fn stats(&self) -> StreamStats {
        let (link, load) = (&self.link_counters, |one: &AtomicU64| one.load(Ordering::Relaxed));
        StreamStats {
            held: load(&link.held),
            refused_keys: load(&link.refused_keys),
            budget_used: load(&link.budget_used),
            budget_waits: load(&link.budget_waits),
            unfinished: link.unfinished(),
            closed_slow: load(&link.closed_slow),
            closed_for_room: load(&link.closed_for_room),
            closed_no_memory: load(&link.closed_no_memory),
            clients_evicted: load(&link.clients_evicted),
            clients_refused_full: load(&link.refused_full),
            clients_refused_address: load(&link.refused_address),
            closed_malformed: load(&link.closed_malformed),
            connections_displaced: load(&link.connections_displaced),
            refused_peers: load(&link.refused_peers),
            ..self.counters.add_to(self.endpoint.outbox.stats())
        }
    }
}

impl Node for StreamServer {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.endpoint.clone()
    }
}

/// The options of the connections.
fn link_options(options: &StreamServerOptions) -> LinkOptions {
    LinkOptions {
        legacy: options.legacy,
        // Each frame goes to one client.
        legacy_shared_process: false,
        settle: options.settle,
        clients_max: options.clients_max,
        clients_per_address_max: options.clients_per_address_max,
        // Either connection carries data in one direction already.
        duplex: false,
        curve: options.curve.clone(),
        access_list: options.access_list.clone(),
        sealed_octets_max: options.limits.frame_bytes_max.into(),
        // A client may pause for any time: its senders wait.
        silence: Silence { host_max: options.host_silence_max, unread_max: Duration::ZERO },
        descriptors_reserved: options.descriptors_reserved,
        budget_bytes_max: options.budget_bytes_max,
        progress_per_second_min: options.progress_per_second_min,
    }
}

impl_debug!(StreamServer, server => { addresses: server.addresses });
