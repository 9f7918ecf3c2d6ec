//! The event loop's part of an endpoint: receives, and sends what waits in the outbox.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::link::{add, Link};
use super::receiver::Receiver;
use crate::clock::Time;
use crate::error::caught;
use crate::logging::{log_error, log_warning, static_logger};
use crate::net::address::canonical;
use crate::net::socket::cause_text;
use crate::net::udp::{self, Datagram};
use crate::net::{Driver, DriverHandle, Readiness, Registry};
use crate::stream::{Fanout, Frame, Master};

static_logger!(LOG, "udp");

const SOCKET: Token = Token(0);

/// Batches that one turn of the loop receives: other drivers of the loop wait meanwhile.
const BATCHES_PER_TURN_MAX: usize = 4;

/// An endpoint on its event loop.
pub(super) struct UdpDriver {
    handle: DriverHandle,
    link: Arc<Link>,
    socket: Arc<UdpSocket>,
    master: Arc<Master>,
    receiver: Receiver,
    fixed_peer: Option<SocketAddr>,
    /// The latest source.
    last_source: Option<SocketAddr>,
    /// The turn has ended before the socket was drained.
    has_more: bool,
    watches_room: bool,
}

impl UdpDriver {
    /// The driver of an endpoint, which sends received frames by `master`. If the peer of `link` is
    /// known already it stays the only one; otherwise it is the latest source of a datagram.
    pub(super) fn new(
        handle: DriverHandle,
        link: Arc<Link>,
        socket: Arc<UdpSocket>,
        master: Arc<Master>,
        receiver: Receiver,
    ) -> UdpDriver {
        UdpDriver {
            handle,
            fixed_peer: link.peer(),
            link,
            socket,
            master,
            receiver,
            last_source: None,
            has_more: false,
            watches_room: false,
        }
    }

    /// Receives until the socket is drained, or others have waited long enough.
    fn receive(&mut self) {
        self.has_more = false;
        let mut has_failed = false;
        for _ in 0..BATCHES_PER_TURN_MAX {
            match self.receiver.receive(&self.socket) {
                Ok(is_drained) => {
                    self.deliver_batch();
                    if is_drained || self.handle.is_stopping() {
                        return;
                    }
                    has_failed = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.report_receive_error(&error);
                    has_failed = true;
                }
            }
        }
        // With nothing but errors the next datagram has to wake the loop, so that an error that
        // stays does not keep it busy.
        self.has_more = !has_failed;
        if self.has_more {
            self.handle.wake();
        }
    }

    fn deliver_batch(&mut self) {
        let mut fanout = Fanout::default();
        for index in 0..self.receiver.received().len() {
            if self.handle.is_stopping() {
                return;
            }
            if let Some(frame) = self.accept(index, &mut fanout) {
                self.deliver(frame, &mut fanout);
            }
        }
    }

    /// Judges a datagram; the frame, if it is for the slaves.
    fn accept(&mut self, index: usize, fanout: &mut Fanout) -> Option<Arc<Frame>> {
        let Datagram { bytes, is_truncated, source } = self.receiver.received()[index];
        if bytes == 0 && !is_truncated {
            // Carries nothing, as in Rogue.
            return None;
        }
        let Some(frame) = self.receiver.take(index) else {
            log_error!(LOG, "{}: no memory for a datagram, which is dropped", self.link.name);
            return None;
        };
        let is_known = source.is_some() && source == self.last_source;
        if !is_known && !self.admits(source, &frame, fanout) {
            Frame::release(frame);
            self.report_stranger(source);
            return None;
        }
        if is_truncated {
            Frame::release(frame);
            self.report_oversized(source);
            return None;
        }
        add(&self.link.counters.datagrams_in, 1);
        add(&self.link.counters.bytes_in, bytes);
        Some(frame)
    }

    /// Whether a frame from `source`, which is not the latest one, is accepted. It is a server's peer
    /// from now on, unless a slave holds a link with the present one: before its datagram is
    /// delivered, so that an answer made within the delivery goes to the asker.
    fn admits(&mut self, source: Option<SocketAddr>, frame: &Frame, fanout: &mut Fanout) -> bool {
        let admits = match (self.fixed_peer, source) {
            (Some(peer), source) => source.is_some_and(|source| is_same(peer, source)),
            (None, None) => true,
            (None, Some(source)) => {
                let admits = self.last_source.is_none() || self.is_welcome(frame, fanout);
                if admits {
                    self.link.set_peer(source);
                }
                admits
            }
        };
        if admits {
            self.last_source = source;
        }
        admits
    }

    /// Asks the slaves, in whose code anything may happen.
    fn is_welcome(&self, frame: &Frame, fanout: &mut Fanout) -> bool {
        caught(|| self.master.admits_by(fanout, frame)).unwrap_or_else(|text| {
            log_error!(LOG, "{}: the receiver of a frame panicked: {text}", self.link.name);
            false
        })
    }

    /// Sends a frame to the slaves, in whose code anything may happen.
    fn deliver(&self, frame: Arc<Frame>, fanout: &mut Fanout) {
        if let Err(text) = caught(|| self.master.send_frame_by(fanout, frame)) {
            log_error!(LOG, "{}: the receiver of a frame panicked: {text}", self.link.name);
        }
    }

    /// Sends what waits, and watches for room as long as some is left.
    fn drain(&mut self, registry: &Registry) {
        let is_empty =
            self.link.outbox.drain(|queued| self.link.transmit_queued(&self.socket, queued));
        if self.watches_room != is_empty {
            return;
        }
        // Only while it is needed: room is announced after every datagram that leaves.
        self.watches_room = !is_empty;
        let interest = match self.watches_room {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        let descriptor = self.socket.as_raw_fd();
        if let Err(error) = registry.reregister(&mut SourceFd(&descriptor), SOCKET, interest) {
            log_error!(LOG, "{}: the socket cannot be watched: {error}", self.link.name);
        }
    }

    fn report_network_errors(&self) {
        while let Some(error) = udp::network_error(&self.socket) {
            add(&self.link.counters.network_errors, 1);
            let name = &self.link.name;
            let cause = cause_text(&error.cause);
            let remedy = match error.cause.kind() {
                io::ErrorKind::ConnectionRefused => {
                    ": no program receives at that port; start it, or correct the port"
                }
                _ => "; check the address, the route and the size of the frames",
            };
            match error.destination.map(canonical) {
                Some(to) => log_warning!(
                    LOG,
                    from to.ip();
                    "{name}: the network could not deliver a datagram to {to}: {cause}{remedy}"
                ),
                None => log_warning!(LOG, "{name}: the network reports: {cause}{remedy}"),
            }
        }
    }

    /// An error in place of a datagram: of the network about a sent one, which is queued too where
    /// the system has such a queue.
    fn report_receive_error(&self, error: &io::Error) {
        if cfg!(any(target_os = "linux", target_os = "android")) {
            return self.report_network_errors();
        }
        add(&self.link.counters.network_errors, 1);
        log_warning!(LOG, "{}: the network reports: {}", self.link.name, cause_text(error));
    }

    fn report_oversized(&self, source: Option<SocketAddr>) {
        add(&self.link.counters.oversized, 1);
        let (name, limit) = (&self.link.name, self.link.payload_bytes_max);
        let source = source.map(canonical);
        let from = source.map_or_else(String::new, |source| format!(" from {source}"));
        log_warning!(
            LOG,
            "{name}: a datagram of more than {limit} bytes{from} is dropped; use jumbo frames at \
             both ends, or smaller frames"
        );
    }

    fn report_stranger(&self, source: Option<SocketAddr>) {
        add(&self.link.counters.strangers, 1);
        let name = &self.link.name;
        let Some(source) = source.map(canonical) else {
            return log_warning!(LOG, "{name}: a datagram without a source is dropped");
        };
        let why = match self.fixed_peer {
            Some(_) => "it is not the peer; if the peer answers from that address, connect to it",
            None => "it does not open a link, or the peer's is open",
        };
        log_warning!(
            LOG,
            from source.ip();
            "{name}: a datagram from {source} is dropped, because {why}"
        );
    }
}

/// Whether a datagram from `source` is from `peer`. A scope counts if both state one.
fn is_same(peer: SocketAddr, source: SocketAddr) -> bool {
    let scope = |address| match address {
        SocketAddr::V6(address) => Some(address.scope_id()).filter(|&scope| scope != 0),
        SocketAddr::V4(_) => None,
    };
    let scopes_differ = scope(peer).zip(scope(source)).is_some_and(|(peer, source)| peer != source);
    peer.ip() == source.ip() && peer.port() == source.port() && !scopes_differ
}

impl Driver for UdpDriver {
    /// An endpoint has no timers.
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        let descriptor = self.socket.as_raw_fd();
        registry.register(&mut SourceFd(&descriptor), SOCKET, Interest::READABLE)
    }

    fn ready(&mut self, registry: &Registry, _token: Token, readiness: Readiness) {
        if readiness.error {
            self.report_network_errors();
        }
        self.receive();
        if readiness.writable && !self.handle.is_stopping() {
            self.drain(registry);
        }
    }

    fn woken(&mut self, registry: &Registry) {
        if self.has_more {
            self.receive();
        }
        if !self.handle.is_stopping() {
            self.drain(registry);
        }
    }

    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }

    fn timeout(&mut self, _registry: &Registry, (): (), _now: Time) {}

    fn stopped(&mut self, _registry: &Registry) {
        self.link.close();
    }
}
