//! The event loop's part of an endpoint: receives unless a waiting thread does, and sends what waits in
//! the outbox.

use std::io;
use std::sync::Arc;

use mio::Token;

use super::intake::Intake;
use super::link::Link;
use super::reception::{report_network_errors, Batch};
use crate::clock::Time;
use crate::net::{Driver, DriverHandle, Readiness, Registry};

/// Batches that one turn of the loop receives: other drivers of the loop wait meanwhile.
const BATCHES_PER_TURN_MAX: usize = 4;

/// An endpoint on its event loop.
pub(super) struct UdpDriver {
    handle: DriverHandle,
    link: Arc<Link>,
    intake: Arc<Intake>,
    /// The turn has ended before the socket was drained.
    has_more: bool,
}

impl UdpDriver {
    /// The driver of an endpoint that receives by `intake`.
    pub(super) fn new(handle: DriverHandle, link: Arc<Link>, intake: Arc<Intake>) -> UdpDriver {
        UdpDriver { handle, link, intake, has_more: false }
    }

    /// Receives until the socket is drained, or others have waited long enough.
    fn receive(&mut self) {
        self.has_more = false;
        let Some(mut turn) = self.intake.loop_turn() else { return };
        let Some(reception) = turn.as_mut() else { return };
        let mut has_failed = false;
        for _ in 0..BATCHES_PER_TURN_MAX {
            match reception.receive() {
                Batch::Nothing | Batch::Last => return,
                _ if self.handle.is_stopping() => return,
                Batch::Some => has_failed = false,
                Batch::Failed => has_failed = true,
            }
        }
        // With nothing but errors the next datagram has to wake the loop, so that an error that
        // stays does not keep it busy.
        self.has_more = !has_failed;
        if self.has_more {
            self.handle.wake();
        }
    }

    /// Sends what waits, and watches for room as long as some is left.
    fn drain(&mut self) {
        let Some(socket) = self.intake.socket() else { return };
        let drained = self.link.outbox.drain(|queued| self.link.transmit_queued(&socket, queued));
        self.link.lose(drained.cancelled);
        self.intake.watch_room(!drained.is_empty);
    }
}

impl Driver for UdpDriver {
    /// An endpoint has no timers.
    type Timer = ();
    const TIMERS: &'static [()] = &[];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.intake.start(registry)
    }

    fn ready(&mut self, _registry: &Registry, _token: Token, readiness: Readiness) {
        if readiness.error {
            let socket = self.intake.socket();
            socket.into_iter().for_each(|socket| report_network_errors(&self.link, &socket));
        }
        self.receive();
        if readiness.writable && !self.handle.is_stopping() {
            self.drain();
        }
    }

    fn woken(&mut self, _registry: &Registry) {
        if self.has_more {
            self.receive();
        }
        if !self.handle.is_stopping() {
            self.drain();
        }
    }

    fn deadline(&self, (): ()) -> Option<Time> {
        None
    }

    fn timeout(&mut self, _registry: &Registry, (): (), _now: Time) {}

    fn stopped(&mut self, _registry: &Registry) {
        self.link.close();
        self.intake.end();
    }
}
