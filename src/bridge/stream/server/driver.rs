//! The server's driver on its event loop.

use std::io;

use mio::Token;

use super::frames::Frames;
use crate::bridge::link::server::Link;
use crate::clock::Time;
use crate::net::{Driver, DriverHandle, Readiness, Registry};

/// Rounds of sending and resuming before other sockets have their turn.
const ROUNDS_PER_TURN_MAX: usize = 16;

/// Drives the connections of a server.
pub(super) struct ServerDriver {
    link: Link<Frames>,
    frames: Frames,
    handle: DriverHandle,
}

impl ServerDriver {
    pub(super) fn new(link: Link<Frames>, frames: Frames, handle: DriverHandle) -> ServerDriver {
        ServerDriver { link, frames, handle }
    }

    /// Sends waiting frames, and resumes clients that may be read again.
    fn pump(&mut self) {
        for _ in 0..ROUNDS_PER_TURN_MAX {
            self.frames.resume(&mut self.link);
            let has_given = self.frames.distribute(&mut self.link);
            let has_flushed = self.link.flush_answered(&mut self.frames);
            if !has_given && !has_flushed {
                return;
            }
        }
        // There is more: let listeners and other clients have their turn.
        self.handle.wake();
    }
}

/// The timers of a server.
#[derive(Clone, Copy)]
pub(super) enum ServerTimer {
    /// That of its link.
    Link,
}

impl Driver for ServerDriver {
    type Timer = ServerTimer;
    const TIMERS: &'static [ServerTimer] = &[ServerTimer::Link];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.link.start(registry)
    }

    fn ready(&mut self, _: &Registry, token: Token, readiness: Readiness) {
        self.link.ready(&mut self.frames, token, readiness);
    }

    fn woken(&mut self, _: &Registry) {
        self.link.woken(&mut self.frames);
    }

    fn deadline(&self, ServerTimer::Link: ServerTimer) -> Option<Time> {
        self.link.deadline()
    }

    fn timeout(&mut self, _: &Registry, ServerTimer::Link: ServerTimer, now: Time) {
        self.link.timeout(&mut self.frames, now);
    }

    fn flush(&mut self, registry: &Registry) {
        self.pump();
        if self.link.end_turn(registry, &mut self.frames) {
            self.pump();
        }
        self.frames.delivery.end_turn();
    }

    fn stopped(&mut self, _: &Registry) {
        // Frames are still sent, as far as the sockets take them.
        self.frames.outbox.close();
        self.frames.distribute(&mut self.link);
        self.link.stop(&mut self.frames);
        self.frames.outbox.abandon();
        self.frames.delivery.stop();
    }
}
