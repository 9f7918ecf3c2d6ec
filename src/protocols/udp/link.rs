//! What the senders, the event loop and the owner of an endpoint share.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::outbox::{Outbox, Queued};
use crate::clock;
use crate::headroom::{self, NoMemory};
use crate::logging::{log_warning, static_logger};
use crate::net::address::canonical;
use crate::net::socket::cause_text;
use crate::stream::{CancelToken, SlaveBase};
use crate::sync::Mutex;

static_logger!(LOG, "udp");

/// Payload of a datagram: an Ethernet frame of 1500 bytes less 20 bytes of IPv4 header (RFC 791)
/// and 8 bytes of UDP header (RFC 768). The value of Rogue, over IPv6 too.
pub const PAYLOAD_BYTES_MAX: u32 = 1472;
/// The same for jumbo frames of 9000 bytes.
pub const PAYLOAD_BYTES_MAX_JUMBO: u32 = 8972;

/// How long a sender waits for room, unless it is told otherwise; as in Rogue.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

pub(super) const STOPPED_TEXT: &str = "it has been stopped; make a new one";
const NO_PEER_TEXT: &str =
    "its peer is unknown until a datagram has arrived; let the other end send first";

/// How often a datagram is sent: the first error may concern an earlier one, see
/// [`send`](crate::net::udp::send).
const ATTEMPTS_COUNT: usize = 2;

/// Sends datagrams: [`send`](crate::net::udp::send), or a test's.
pub(super) type SendFunction = fn(&UdpSocket, &[&[u8]], SocketAddr) -> io::Result<usize>;

/// Counters; all only grow.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) datagrams_in: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) datagrams_out: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) send_calls: AtomicU64,
    pub(super) oversized: AtomicU64,
    pub(super) strangers: AtomicU64,
    pub(super) unsent: AtomicU64,
    pub(super) network_errors: AtomicU64,
    pub(super) no_memory: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

/// Where datagrams go to.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) socket: Arc<UdpSocket>,
    pub(super) peer: SocketAddr,
}

impl Route {
    /// A copy of a datagram that waits for room on this route.
    pub(super) fn queued(
        &self,
        bytes: &[u8],
        cancel_token: Option<Arc<dyn CancelToken>>,
    ) -> Result<Queued, NoMemory> {
        Ok(Queued { bytes: headroom::copied(bytes)?, to: self.peer, cancel_token })
    }
}

/// The socket, until the endpoint is stopped, and the peer, once it is known.
struct Ends {
    socket: Option<Arc<UdpSocket>>,
    peer: Option<SocketAddr>,
}

/// The state of an endpoint that its threads share.
pub(super) struct Link {
    /// Of the endpoint, for messages: `udp::Client to 192.0.2.1:8192`.
    pub(super) name: String,
    /// Pool and counters of the stream slave.
    pub(super) base: SlaveBase,
    pub(super) payload_bytes_max: u32,
    pub(super) counters: Counters,
    pub(super) outbox: Outbox,
    ends: Mutex<Ends>,
    timeout_ns: AtomicU64,
    send: SendFunction,
}

impl Link {
    pub(super) fn new(
        name: String,
        socket: Arc<UdpSocket>,
        peer: Option<SocketAddr>,
        payload_bytes_max: u32,
        send: SendFunction,
    ) -> Link {
        let link = Link {
            name,
            base: SlaveBase::new(),
            payload_bytes_max,
            counters: Counters::default(),
            outbox: Outbox::default(),
            ends: Mutex::new(Ends { socket: Some(socket), peer }),
            timeout_ns: AtomicU64::new(0),
            send,
        };
        link.set_timeout(TIMEOUT_DEFAULT);
        link
    }

    /// The route of a datagram that is sent now; the reason if there is none.
    pub(super) fn route(&self) -> Result<Route, &'static str> {
        let ends = self.ends.lock();
        let socket = ends.socket.clone().ok_or(STOPPED_TEXT)?;
        let peer = ends.peer.ok_or(NO_PEER_TEXT)?;
        Ok(Route { socket, peer })
    }

    /// Why there is no [`route`](Self::route); `None` if there is one.
    pub(super) fn missing_end(&self) -> Option<&'static str> {
        let ends = self.ends.lock();
        match (&ends.socket, ends.peer) {
            (None, _) => Some(STOPPED_TEXT),
            (_, None) => Some(NO_PEER_TEXT),
            _ => None,
        }
    }

    /// What is wrong with a peer that is not heard, in a sentence; `None` if one datagram has come.
    pub(super) fn explain_silence(&self) -> Option<String> {
        let (name, read) = (&self.name, |counter: &AtomicU64| counter.load(Ordering::Relaxed));
        match (read(&self.counters.datagrams_in), read(&self.counters.network_errors)) {
            (0, _) if read(&self.counters.no_memory) > 0 => Some(format!(
                "{name} has dropped all datagrams, because the system gives this process no memory."
            )),
            (0, 0) => Some(format!(
                "{name} has received no datagram yet: check address and port, and that the peer is \
                 on."
            )),
            (0, errors) => Some(format!(
                "{name} has received no datagram yet, and the network reports ({errors} times) that \
                 none is taken there: check address and port, and that the peer's program runs."
            )),
            _ => None,
        }
    }

    pub(super) fn socket(&self) -> Option<Arc<UdpSocket>> {
        self.ends.lock().socket.clone()
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.ends.lock().peer
    }

    pub(super) fn set_peer(&self, peer: SocketAddr) {
        self.ends.lock().peer = Some(peer);
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns.load(Ordering::Relaxed))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) {
        self.timeout_ns.store(clock::nanoseconds(timeout), Ordering::Relaxed);
    }

    /// Ends sending: datagrams that wait are dropped, and later ones have no route. The socket is
    /// closed when the last thread that uses it lets go of it.
    pub(super) fn close(&self) {
        let socket = self.ends.lock().socket.take();
        drop(socket);
        self.lose(self.outbox.close());
    }

    /// Counts datagrams that are not sent.
    pub(super) fn lose(&self, count: usize) {
        add(&self.counters.unsent, count);
    }

    /// Sends `datagrams` in order. Returns the number of those that have been dealt with: sent, or
    /// dropped because of an error, of which `dropped` is told with their index. The socket has no
    /// room for the rest.
    pub(super) fn transmit(
        &self,
        route: &Route,
        datagrams: &[&[u8]],
        mut dropped: impl FnMut(usize, String),
    ) -> usize {
        let mut done = 0;
        while done < datagrams.len() {
            match self.attempt(route, &datagrams[done..]) {
                Ok(count) => {
                    let sent = &datagrams[done..done + count];
                    let bytes = sent.iter().map(|datagram| datagram.len()).sum();
                    add(&self.counters.datagrams_out, count);
                    add(&self.counters.bytes_out, bytes);
                    add(&self.counters.send_calls, 1);
                    done += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return done,
                Err(error) => {
                    let text = self.report_unsent(route.peer, datagrams[done].len(), &error);
                    dropped(done, text);
                    done += 1;
                }
            }
        }
        done
    }

    /// Sends datagrams with one system call, unless an error of an earlier one is reported instead.
    fn attempt(&self, route: &Route, datagrams: &[&[u8]]) -> io::Result<usize> {
        let mut outcome = Ok(0);
        for _ in 0..ATTEMPTS_COUNT {
            outcome = (self.send)(&route.socket, datagrams, route.peer);
            match &outcome {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        outcome
    }

    /// Sends a datagram that has waited in the outbox.
    pub(super) fn transmit_queued(
        &self,
        socket: &Arc<UdpSocket>,
        queued: &Queued,
    ) -> io::Result<()> {
        let route = Route { socket: socket.clone(), peer: queued.to };
        match self.transmit(&route, &[&queued.bytes], |_, _| {}) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }

    /// Counts and logs a datagram that is not sent, and says why in words.
    fn report_unsent(&self, peer: SocketAddr, bytes: usize, error: &io::Error) -> String {
        self.lose(1);
        let peer = canonical(peer);
        let remedy = match error.raw_os_error() {
            Some(libc::EMSGSIZE) => "; send smaller frames",
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH) => "; check the address and the route",
            Some(libc::EACCES | libc::EPERM) => "; a firewall or a broadcast address forbids it",
            _ => "",
        };
        let (name, cause) = (&self.name, cause_text(error));
        let text =
            format!("{name}: a datagram of {bytes} bytes to {peer} was not sent: {cause}{remedy}");
        log_warning!(LOG, from peer.ip(); "{text}");
        text
    }
}
