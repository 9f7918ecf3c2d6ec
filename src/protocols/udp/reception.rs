//! Receives datagrams and sends them to the slaves, in whichever thread has the turn.

use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use super::link::{add, Link};
use super::receiver::{Datagram, Receiver};
use crate::error::caught;
use crate::logging::{log_error, log_warning, static_logger};
use crate::net::address::canonical;
use crate::net::sleeper::{Interrupter, Sleeper};
use crate::net::socket::cause_text;
use crate::net::udp;
use crate::net::{DriverHandle, Spin, Spinner};
use crate::stream::{Dispatch, Fanout, Frame, Intake, Master};

static_logger!(LOG, "udp");

/// What one batch has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Batch {
    /// Nothing had arrived.
    Nothing,
    /// Datagrams, and no more have arrived.
    Last,
    /// Datagrams, and more may have arrived.
    Some,
    /// An error, which has been reported.
    Failed,
}

/// The receiving end of an endpoint.
pub(super) struct Reception {
    handle: DriverHandle,
    link: Arc<Link>,
    socket: Arc<UdpSocket>,
    master: Arc<Master>,
    receiver: Receiver,
    /// Frames that have arrived together and are not delivered yet; empty between batches.
    arrived: Vec<Dispatch>,
    fixed_peer: Option<SocketAddr>,
    /// The latest source.
    last_source: Option<SocketAddr>,
    /// Frames are passed on as those of an end that does not wait.
    intake: Arc<Intake>,
    /// Decides about the spins of waiting threads.
    pub(super) spinner: Spinner,
    /// Created when a waiting thread first sleeps.
    sleeper: Option<Sleeper>,
}

impl Reception {
    /// Sends received frames by `master`. If the peer of `link` is known already it stays the only
    /// one; otherwise it is the latest source of a datagram.
    pub(super) fn new(
        handle: DriverHandle,
        link: Arc<Link>,
        socket: Arc<UdpSocket>,
        master: Arc<Master>,
        receiver: Receiver,
        spin: Spin,
    ) -> Reception {
        Reception {
            handle,
            fixed_peer: link.peer(),
            link,
            socket,
            master,
            receiver,
            arrived: Vec::new(),
            last_source: None,
            intake: Arc::new(Intake::lossy()),
            spinner: Spinner::new(spin),
            sleeper: None,
        }
    }

    /// The sleeper of waiting threads. When it is created, its waker goes to `interrupter`. `None` if
    /// the system refuses one.
    pub(super) fn sleeper(&mut self, interrupter: &Interrupter) -> Option<&mut Sleeper> {
        if self.sleeper.is_none() {
            let (sleeper, waker) = Sleeper::new(&*self.socket).ok()?;
            interrupter.set_waker(waker);
            self.sleeper = Some(sleeper);
        }
        self.sleeper.as_mut()
    }

    /// Whether the latest batch was of several datagrams.
    pub(super) fn brings_many(&self) -> bool {
        self.receiver.received().len() > 1
    }

    /// Receives a batch and delivers it.
    pub(super) fn receive(&mut self) -> Batch {
        match self.receiver.receive(&self.socket) {
            Ok(is_drained) => {
                self.intake.clone().passing(|| self.deliver_batch());
                if is_drained {
                    Batch::Last
                } else {
                    Batch::Some
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Batch::Nothing,
            Err(error) => {
                self.report_receive_error(&error);
                Batch::Failed
            }
        }
    }

    fn deliver_batch(&mut self) {
        let mut fanout = Fanout::default();
        for index in 0..self.receiver.received().len() {
            if self.handle.is_stopping() {
                break;
            }
            if let Some(frame) = self.accept(index, &mut fanout) {
                if self.master.takes_together(&mut fanout) {
                    self.arrived.push(frame.into());
                } else {
                    self.deliver(frame, &mut fanout);
                }
            }
        }
        self.deliver_arrived(&mut fanout);
    }

    /// Sends the frames that have arrived together to the slaves, in whose code anything may happen.
    fn deliver_arrived(&mut self, fanout: &mut Fanout) {
        let mut left = usize::MAX;
        loop {
            let before = mem::replace(&mut left, count_frames(&self.arrived));
            if left == 0 || left == before {
                break;
            }
            let send = || self.master.send_frames_by(fanout, &mut self.arrived);
            match caught(send) {
                Ok(_) => break,
                // Those behind the one at which a slave has panicked are still in their places.
                Err(text) => self.report_panic(&text),
            }
        }
        self.arrived.clear();
    }

    /// Judges a datagram; the frame, if it is for the slaves.
    fn accept(&mut self, index: usize, fanout: &mut Fanout) -> Option<Arc<Frame>> {
        let Datagram { bytes, is_oversized, source, .. } = self.receiver.received()[index];
        if bytes == 0 && !is_oversized {
            // Carries nothing, as in Rogue.
            return None;
        }
        let Some(frame) = self.receiver.take(index) else {
            self.report_no_memory(source);
            return None;
        };
        let is_known = source.is_some() && source == self.last_source;
        if !is_known {
            // Answers to these go to the peer that has sent them.
            self.deliver_arrived(fanout);
        }
        if !is_known && !self.admits(source, &frame, fanout) {
            Frame::release(frame);
            self.report_stranger(source);
            return None;
        }
        if is_oversized {
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
            self.report_panic(&text);
            false
        })
    }

    /// Sends a frame to the slaves, in whose code anything may happen.
    fn deliver(&self, frame: Arc<Frame>, fanout: &mut Fanout) {
        if let Err(text) = caught(|| self.master.send_frame_by(fanout, frame)) {
            self.report_panic(&text);
        }
    }

    fn report_panic(&self, text: &str) {
        log_error!(LOG, "{}: the receiver of a frame panicked: {text}", self.link.name);
    }

    /// An error in place of a datagram: of the network about a sent one, which is queued too where
    /// the system has such a queue.
    fn report_receive_error(&self, error: &io::Error) {
        if cfg!(any(target_os = "linux", target_os = "android")) {
            return report_network_errors(&self.link, &self.socket);
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

    fn report_no_memory(&self, source: Option<SocketAddr>) {
        add(&self.link.counters.no_memory, 1);
        let (name, source) = (&self.link.name, source.map(canonical));
        let Some(source) = source else {
            return log_warning!(LOG, "{name}: no memory for a datagram, which is dropped");
        };
        log_warning!(
            LOG,
            from source.ip();
            "{name}: no memory for a datagram from {source}, which is dropped"
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

fn count_frames(dispatches: &[Dispatch]) -> usize {
    dispatches.iter().filter(|dispatch| dispatch.frame.is_some()).count()
}

/// Tells of the errors that the network has reported.
pub(super) fn report_network_errors(link: &Link, socket: &UdpSocket) {
    while let Some(error) = udp::network_error(socket) {
        add(&link.counters.network_errors, 1);
        let name = &link.name;
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

/// Whether a datagram from `source` is from `peer`. A scope counts if both state one.
fn is_same(peer: SocketAddr, source: SocketAddr) -> bool {
    let scope = |address| match address {
        SocketAddr::V6(address) => Some(address.scope_id()).filter(|&scope| scope != 0),
        SocketAddr::V4(_) => None,
    };
    let scopes_differ = scope(peer).zip(scope(source)).is_some_and(|(peer, source)| peer != source);
    peer.ip() == source.ip() && peer.port() == source.port() && !scopes_differ
}
