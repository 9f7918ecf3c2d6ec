//! The timers of a link, on an event loop.

use std::io;
use std::sync::Arc;

use mio::Token;

use super::link::Link;
use crate::clock::Time;
use crate::net::{Driver, Readiness, Registry};
use crate::proto::rssi::Timer;

/// A link on its event loop.
pub(super) struct RssiDriver {
    link: Arc<Link>,
    /// As the link had them at the end of the last turn, in the order of [`Timer::ALL`].
    deadlines: [Option<Time>; Timer::ALL.len()],
}

impl RssiDriver {
    pub(super) fn new(link: Arc<Link>) -> RssiDriver {
        RssiDriver { link, deadlines: Default::default() }
    }
}

impl Driver for RssiDriver {
    type Timer = Timer;
    const TIMERS: &'static [Timer] = &Timer::ALL;

    fn start(&mut self, _registry: &Registry) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _registry: &Registry, _token: Token, _readiness: Readiness) {}

    fn woken(&mut self, _registry: &Registry) {}

    fn deadline(&self, timer: Timer) -> Option<Time> {
        self.deadlines[timer as usize]
    }

    fn timeout(&mut self, _registry: &Registry, timer: Timer, now: Time) {
        self.link.expire(timer, now);
    }

    fn flush(&mut self, _registry: &Registry) {
        self.link.pump();
        self.deadlines = self.link.arm();
    }

    fn stopped(&mut self, _registry: &Registry) {}
}
