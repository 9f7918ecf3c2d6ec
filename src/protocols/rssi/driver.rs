//! The timers of a link, on an event loop.

use std::io;
use std::sync::Arc;

use mio::Token;

use super::link::{Alarms, Link};
use crate::clock::{self, Time};
use crate::net::{Driver, Readiness, Registry};
use crate::proto::rssi::Timer;

/// A link on its event loop.
pub(super) struct RssiDriver {
    link: Arc<Link>,
    /// As the link had them at the end of the last turn.
    alarms: Alarms,
}

impl RssiDriver {
    pub(super) fn new(link: Arc<Link>) -> RssiDriver {
        RssiDriver { link, alarms: Alarms::default() }
    }
}

impl Driver for RssiDriver {
    /// Those of the link; `None` only looks at it.
    type Timer = Option<Timer>;
    const TIMERS: &'static [Option<Timer>] = &[
        Some(Timer::Open),
        Some(Timer::Acknowledge),
        Some(Timer::Retransmit),
        Some(Timer::Null),
        None,
    ];

    fn start(&mut self, _registry: &Registry) -> io::Result<()> {
        Ok(())
    }

    fn ready(&mut self, _registry: &Registry, _token: Token, _readiness: Readiness) {}

    fn woken(&mut self, _registry: &Registry) {}

    fn deadline(&self, timer: Option<Timer>) -> Option<Time> {
        match timer {
            Some(timer) => self.alarms.deadlines[timer as usize],
            None => self.alarms.look,
        }
    }

    fn timeout(&mut self, _registry: &Registry, timer: Option<Timer>, now: Time) {
        match timer {
            Some(timer) => self.link.expire(timer, now),
            // `flush` follows.
            None => self.alarms.look = None,
        }
    }

    fn flush(&mut self, _registry: &Registry) {
        self.link.pump();
        self.alarms = self.link.arm();
        let news = self.link.news();
        if news.deadline().is_some() {
            news.timeout(clock::now());
            self.alarms.look = clock::earliest([self.alarms.look, news.deadline()]);
        }
    }

    fn stopped(&mut self, _registry: &Registry) {}
}
