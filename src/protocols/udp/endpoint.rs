//! The node: a client or a server of a stream over UDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::driver::UdpDriver;
use super::intake::Intake;
use super::link::{Link, SendFunction, PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX_JUMBO, STOPPED_TEXT};
use super::receiver::Receiver;
use super::reception::Reception;
use super::sender::Sender;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_warning, static_logger};
use crate::net::address::{self, HostAddress, RemoteHost};
use crate::net::socket::cause_text;
use crate::net::{resolve, udp, EventLoop, Spin};
use crate::process::inherited_text;
use crate::stream::{Master, Node, Slave};

static_logger!(LOG, "udp");

/// Freed buffers of full size that the slave's pool keeps for requesters of frames; as in Rogue.
const POOL_BUFFERS_COUNT: u32 = 10_000;
/// Bytes of an Ethernet frame, by which the receive buffer is measured; as in Rogue.
const FRAME_BYTES: usize = 1500;
const FRAME_BYTES_JUMBO: usize = 9000;

/// Options of an endpoint.
#[derive(Clone, Debug, Default)]
pub struct UdpOptions {
    /// Whether a datagram carries up to [`PAYLOAD_BYTES_MAX_JUMBO`] bytes instead of
    /// [`PAYLOAD_BYTES_MAX`], for networks with frames of 9000 bytes.
    pub jumbo: bool,
    /// Whether the endpoint's thread, and a thread that waits for an answer to a frame sent here,
    /// poll for a while before they sleep.
    pub spin: Spin,
    /// Stack size of the endpoint's thread, in bytes; the receivers of frames run on it. 0 selects
    /// the size of other threads of the process (`ulimit -s`). At least 2 MiB.
    pub stack_bytes: usize,
    /// The event loop that carries the endpoint, together with other drivers; `None` gives it a
    /// loop, and a thread, of its own. Otherwise the loop has its own `spin` and `stack_bytes`.
    pub event_loop: Option<Arc<EventLoop>>,
}

/// Counters and sizes of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct UdpStats {
    /// Datagrams received and sent to the slaves.
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// System calls that have sent them: datagrams that are sent together share one.
    pub send_calls: u64,
    /// Datagrams that wait for room in the socket now.
    pub queued: u64,
    /// Datagrams dropped because they are longer than the maximum payload.
    pub oversized: u64,
    /// Datagrams dropped because another address than the peer's has sent them: by a client, and by a
    /// server whose slave holds a link with its peer.
    pub strangers: u64,
    /// Frames and datagrams not sent: in error, without a peer, refused by the system, too many,
    /// after the end, or of requests that were given up before.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
    /// Datagrams that the system has dropped because the receive buffer was full; 0 where it does
    /// not say.
    pub overflows: u64,
    /// Bytes of the receive buffer; 0 after the end.
    pub receive_buffer_bytes: u64,
    /// Datagrams dropped because the system gave this process no memory for them.
    pub no_memory: u64,
}

/// A stream over UDP: a stream master that sends each received datagram as a frame, and a stream
/// slave that sends each buffer of a frame as a datagram.
///
/// A *client* exchanges datagrams with one peer, whose address it is given; datagrams from other
/// addresses are dropped and counted. A *server* has a port of its own, and answers the source of
/// the latest datagram that was not empty. Where a slave holds a link with that peer, as RSSI does,
/// other sources are dropped and counted as well, until they may open another one
/// ([`Slave::admits`]).
///
/// Received frames reach the slaves in the thread of the endpoint's event loop, without a copy and
/// with no lock held. Frames to send are sent in the caller's thread. If the socket has no room,
/// up to [`QUEUE_BYTES_MAX`](super::QUEUE_BYTES_MAX) bytes wait and are sent by the event loop;
/// beyond that a thread of the program waits for room, up to a
/// [timeout](Self::set_timeout), and then, as a thread of the library at once, drops the datagram.
///
/// Errors of the network, as from a host where no program receives, are logged and counted. They do
/// not end the endpoint: it sends and receives on.
///
/// The endpoint exists as long as this object, or a master that its slave is connected to. If
/// receivers of its frames send back to it, as an emulated device does, these form a cycle that
/// [`stop`](Self::stop) ends. All methods may be called from any thread.
pub struct UdpEndpoint {
    sender: Arc<Sender>,
    master: Arc<Master>,
    local: SocketAddr,
    /// Overflows of the socket until the end.
    last_overflows: AtomicU64,
    frame_bytes: usize,
}

impl UdpEndpoint {
    /// An endpoint whose peer is `port` (host byte order) at `host`: an IPv4 or IPv6 address, or a
    /// name. A name is resolved once, IPv4 first; the calling thread blocks for as long as the
    /// system's resolver does. The local port is the system's choice.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for an invalid address or port; [`Status::Resolve`];
    /// [`Status::Bind`] if the system gives no socket; [`Status::OutOfResources`].
    pub fn client(host: &str, port: u16, options: UdpOptions) -> Result<Arc<UdpEndpoint>> {
        UdpEndpoint::client_with(host, port, options, udp::send)
    }

    fn client_with(
        host: &str,
        port: u16,
        options: UdpOptions,
        send: SendFunction,
    ) -> Result<Arc<UdpEndpoint>> {
        const SOURCE: &str = "udp::Client::Client";
        let failed = |error: Error| {
            let text = format!("Failed to reach port {port} of {host}: {}", error.text());
            Error::new(error.status(), SOURCE, text)
        };
        if port == 0 {
            let text = "0 is no port to send to; choose 1 to 65535";
            return Err(failed(Error::new(Status::InvalidArgument, SOURCE, text)));
        }
        let peer = reachable(host_address(host).map_err(failed)?).with_port(port);
        let any = match peer {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let refused = |error| failed(bind_error(SOURCE, "the system gives no socket", &error));
        let socket = udp::bind(SocketAddr::new(any, 0)).map_err(refused)?;
        let name = format!("udp::Client to {peer}");
        UdpEndpoint::start("udp::Client", name, socket, Some(peer), options, send).map_err(failed)
    }

    /// An endpoint with the given `port` (host byte order) of a local `address`; port 0 lets the
    /// system choose, see [`port`](Self::port). The forms of `address` are those of
    /// [`net::address`](crate::net::address): `*` is every IPv4 interface, as in Rogue, and `::`
    /// is every interface. The port must be free.
    ///
    /// # Errors
    ///
    /// [`Status::Bind`] if the port is taken or not allowed; [`Status::InvalidArgument`];
    /// [`Status::Resolve`]; [`Status::OutOfResources`].
    pub fn server(address: &str, port: u16, options: UdpOptions) -> Result<Arc<UdpEndpoint>> {
        const SOURCE: &str = "udp::Server::Server";
        let failed = |error: Error| {
            let text = format!(
                "Failed to bind to local port {port} at address {address}: {}",
                error.text()
            );
            Error::new(error.status(), SOURCE, text)
        };
        let local = address::local_address(address).map_err(failed)?.with_port(port);
        let refused = |error: io::Error| {
            let mut cause = cause_text(&error);
            if error.kind() == io::ErrorKind::AddrInUse {
                cause = format!("another process may be using this port: {cause}");
            }
            if let Some(remedy) = address::bind_remedy(&error, local) {
                cause = format!("{cause}; {remedy}");
            }
            failed(Error::new(Status::Bind, SOURCE, cause))
        };
        let socket = udp::bind(local).map_err(refused)?;
        let local = socket.local_addr().map_err(refused)?;
        let name = format!("udp::Server at {local}");
        UdpEndpoint::start("udp::Server", name, socket, None, options, udp::send).map_err(failed)
    }

    fn start(
        kind: &str,
        name: String,
        socket: UdpSocket,
        peer: Option<SocketAddr>,
        options: UdpOptions,
        send: SendFunction,
    ) -> Result<Arc<UdpEndpoint>> {
        let (payload_bytes_max, frame_bytes) = match options.jumbo {
            false => (PAYLOAD_BYTES_MAX, FRAME_BYTES),
            true => (PAYLOAD_BYTES_MAX_JUMBO, FRAME_BYTES_JUMBO),
        };
        let local = socket.local_addr().map_err(|error| bind_error(kind, "no address", &error))?;
        let socket = Arc::new(socket);
        let link = Arc::new(Link::new(name, socket.clone(), peer, payload_bytes_max, send));
        link.base.pool().set_fixed_size(payload_bytes_max);
        link.base.pool().set_pool_size(POOL_BUFFERS_COUNT);
        let master = Master::new();
        let receiver = Receiver::new(payload_bytes_max)?;
        let event_loop = match options.event_loop {
            Some(event_loop) => event_loop,
            None => Arc::new(EventLoop::start(kind, options.stack_bytes, options.spin)?),
        };
        let (spin, mut shared) = (options.spin, Weak::new());
        let handle = event_loop.add(|handle| {
            let (own, link, master) = (handle.clone(), link.clone(), master.clone());
            let reception =
                Reception::new(own, link.clone(), socket.clone(), master.clone(), receiver, spin);
            let intake =
                Arc::new(Intake::new(handle.clone(), link.clone(), &socket, master, reception));
            shared = Arc::downgrade(&intake);
            UdpDriver::new(handle, link, intake)
        })?;
        drop(socket);
        log_debug!(LOG, "{} receives at {local}", link.name);
        Ok(Arc::new(UdpEndpoint {
            sender: Arc::new(Sender::new(link, handle, shared)),
            master,
            local,
            last_overflows: AtomicU64::new(0),
            frame_bytes,
        }))
    }

    fn link(&self) -> &Arc<Link> {
        self.sender.link()
    }

    #[cfg(test)]
    pub(super) fn intake(&self) -> Option<Arc<Intake>> {
        self.sender.intake()
    }

    /// Whether the endpoint belongs to the process that this one was forked from: its locks may stay
    /// locked for ever, and its descriptors are the parent's.
    fn is_inherited(&self) -> bool {
        self.sender.handle().is_inherited()
    }

    /// The socket, until the end.
    fn socket(&self) -> Option<Arc<UdpSocket>> {
        if self.is_inherited() {
            return None;
        }
        self.link().socket()
    }

    /// The local port, in host byte order.
    pub fn port(&self) -> u16 {
        self.local.port()
    }

    /// Where frames are sent to: a client's peer, or a server's latest one; `None` before a server
    /// has received a datagram.
    pub fn peer(&self) -> Option<SocketAddr> {
        if self.is_inherited() {
            return None;
        }
        self.link().peer()
    }

    /// The largest payload of a datagram, in bytes: [`PAYLOAD_BYTES_MAX`] or
    /// [`PAYLOAD_BYTES_MAX_JUMBO`]. Longer ones are dropped when they arrive. Frames requested here
    /// have buffers of this size; longer buffers from elsewhere are sent as they are.
    pub fn payload_bytes_max(&self) -> u32 {
        self.link().payload_bytes_max
    }

    /// Asks the system for a receive buffer for `count` datagrams of 1500 bytes, or 9000 for
    /// jumbo. Returns the bytes granted.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system grants less, which then stays in effect;
    /// [`Status::Stopped`]; [`Status::InvalidArgument`] if `count` is 0.
    pub fn set_receive_buffers(&self, count: u32) -> Result<u64> {
        const SOURCE: &str = "udp::Core::setRxBufferCount";
        let name = &self.link().name;
        if count == 0 {
            let text = format!("{name}: a receive buffer for 0 datagrams was asked for");
            return Err(Error::new(Status::InvalidArgument, SOURCE, text));
        }
        let Some(socket) = self.socket() else {
            let text = match self.is_inherited() {
                true => inherited_text(name),
                false => format!("{name} has been stopped and has no receive buffer"),
            };
            return Err(Error::new(Status::Stopped, SOURCE, text));
        };
        let wanted = (count as usize).saturating_mul(self.frame_bytes);
        let granted = udp::set_receive_buffer(&socket, wanted);
        let why = match granted {
            Ok(granted) if granted >= wanted => return Ok(granted as u64),
            Ok(granted) => format!("the system grants {granted}"),
            Err(error) => cause_text(&error),
        };
        let text = format!(
            "{name}: a receive buffer of {wanted} bytes for {count} datagrams was asked for, and \
             {why}; raise its limit (on Linux: sysctl net.core.rmem_max)"
        );
        log_warning!(LOG, "{text}");
        Err(Error::new(Status::OutOfResources, SOURCE, text))
    }

    /// Sets how long a thread of the program waits for room before a datagram is dropped; 1 s at
    /// first.
    pub fn set_timeout(&self, timeout: Duration) {
        self.link().set_timeout(timeout);
    }

    /// The counters of the endpoint.
    pub fn stats(&self) -> UdpStats {
        let (link, counters) = (self.link(), &self.link().counters);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let socket = self.socket();
        if let Some(socket) = &socket {
            self.last_overflows.fetch_max(udp::overflow_count(socket), Ordering::Relaxed);
        }
        let receive_buffer = socket.and_then(|socket| udp::receive_buffer(&socket).ok());
        UdpStats {
            datagrams_in: load(&counters.datagrams_in),
            bytes_in: load(&counters.bytes_in),
            datagrams_out: load(&counters.datagrams_out),
            bytes_out: load(&counters.bytes_out),
            send_calls: load(&counters.send_calls),
            queued: if self.is_inherited() { 0 } else { link.outbox.count() as u64 },
            oversized: load(&counters.oversized),
            strangers: load(&counters.strangers),
            unsent: load(&counters.unsent),
            network_errors: load(&counters.network_errors),
            overflows: load(&self.last_overflows),
            receive_buffer_bytes: receive_buffer.unwrap_or(0) as u64,
            no_memory: load(&counters.no_memory),
        }
    }

    /// Closes the port, drops the datagrams that wait, tells the slaves that the road is
    /// [lost](Slave::link_lost), and disconnects them. Later frames are dropped and counted. After
    /// this has returned no frame is delivered, unless it is called in a delivery, or a slave blocks
    /// in one. Returns within 100 ms; further calls do nothing.
    pub fn stop(&self) {
        if self.is_inherited() {
            return;
        }
        // Before the socket, and with it its count, is gone.
        let _ = self.stats();
        self.sender.stop();
        self.master.link_lost(&format!("{}: {STOPPED_TEXT}", self.link().name));
        self.master.stop();
    }
}

impl Node for UdpEndpoint {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.sender.clone()
    }
}

impl_debug!(UdpEndpoint, endpoint => { name: endpoint.link().name });

fn bind_error(origin: &str, what: &str, error: &io::Error) -> Error {
    let text = format!("{what}: {}", cause_text(error));
    Error::new(Status::Bind, origin.to_owned(), text)
}

/// The address of `host`. Blocks while a name is resolved.
fn host_address(host: &str) -> Result<HostAddress> {
    let name = match address::remote_host(host)? {
        RemoteHost::Address(address) => return Ok(address),
        RemoteHost::Name(name) => name,
    };
    let addresses = resolve::addresses_of(&name).map_err(|cause| {
        let text = format!(
            "Failed to resolve the host name: {}; check its spelling and the name service, or give \
             an IP address",
            cause_text(&cause)
        );
        Error::new(Status::Resolve, "udp::Client::Client", text)
    })?;
    Ok(addresses[0])
}

/// The address that answers come from: datagrams to an unspecified address reach this host.
fn reachable(address: HostAddress) -> HostAddress {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests;
