//! The interface between an event loop and its drivers.

use std::io;

use mio::Token;

use super::handle::Registry;
use crate::clock::{earliest, Time};

/// The readiness of a socket. Only hints: the result of a call on the socket counts. Sockets are
/// registered edge-triggered: read or write until `WouldBlock`, or the next event is missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// There may be bytes, a connection to accept, or the end of the stream.
    pub readable: bool,
    /// There may be room to send, or a connection attempt has ended.
    pub writable: bool,
    /// The peer sends no more.
    pub read_closed: bool,
    /// The socket has an error to report.
    pub error: bool,
}

impl Readiness {
    /// The readiness of a socket for which two events have come.
    pub fn with(self, other: Readiness) -> Readiness {
        Readiness {
            readable: self.readable | other.readable,
            writable: self.writable | other.writable,
            read_closed: self.read_closed | other.read_closed,
            error: self.error | other.error,
        }
    }

    pub(super) fn of(event: &mio::event::Event) -> Readiness {
        Readiness {
            readable: event.is_readable(),
            writable: event.is_writable(),
            read_closed: event.is_read_closed(),
            error: event.is_error(),
        }
    }
}

/// One object on an event loop: its sockets, its timers and its protocol state.
pub trait Driver: Send + 'static {
    /// The names of its timers, an enumeration.
    type Timer: Copy + 'static;

    /// All timers; several that are due at once run in this order.
    const TIMERS: &'static [Self::Timer];

    /// Registers the sockets that exist from the start. Runs on the thread that calls
    /// [`EventLoop::add`](super::EventLoop::add), before the loop knows the driver; an error ends
    /// `add`.
    fn start(&mut self, registry: &Registry) -> io::Result<()>;

    /// The socket registered as `token` is ready. A call for a token that was deregistered earlier
    /// in the same turn is possible: ignore a token that is not in use.
    fn ready(&mut self, registry: &Registry, token: Token, readiness: Readiness);

    /// A thread has called [`DriverHandle::wake`](super::DriverHandle::wake) since the last call, once
    /// or more often.
    fn woken(&mut self, registry: &Registry);

    /// When `timer` is due; `None` for never. Called after each turn in which the driver has run: a
    /// thread that moves a deadline forward from outside wakes the driver afterwards.
    fn deadline(&self, timer: Self::Timer) -> Option<Time>;

    /// `timer` is due; never called before its deadline. Must move that past `now`.
    fn timeout(&mut self, registry: &Registry, timer: Self::Timer, now: Time);

    /// The last call of a turn in which the driver has run: send queued output.
    fn flush(&mut self, _registry: &Registry) {}

    /// The last call, also after a panic of another method: fail outstanding work. The driver is
    /// dropped right after, and with it its sockets.
    fn stopped(&mut self, registry: &Registry);
}

/// A driver of any type.
pub(super) trait AnyDriver: Send {
    fn ready(&mut self, registry: &Registry, token: Token, readiness: Readiness);
    fn woken(&mut self, registry: &Registry);
    /// The earliest deadline of all timers.
    fn next_deadline(&self) -> Option<Time>;
    /// Runs the timers that are due at `now`.
    fn expire(&mut self, registry: &Registry, now: Time);
    fn flush(&mut self, registry: &Registry);
    fn stopped(&mut self, registry: &Registry);
}

impl<D: Driver> AnyDriver for D {
    fn ready(&mut self, registry: &Registry, token: Token, readiness: Readiness) {
        Driver::ready(self, registry, token, readiness);
    }

    fn woken(&mut self, registry: &Registry) {
        Driver::woken(self, registry);
    }

    fn next_deadline(&self) -> Option<Time> {
        earliest(D::TIMERS.iter().map(|&timer| self.deadline(timer)))
    }

    fn expire(&mut self, registry: &Registry, now: Time) {
        for &timer in D::TIMERS {
            let is_due = self.deadline(timer).is_some_and(|deadline| now >= deadline);
            if is_due && !registry.is_over() {
                self.timeout(registry, timer, now);
            }
        }
    }

    fn flush(&mut self, registry: &Registry) {
        Driver::flush(self, registry);
    }

    fn stopped(&mut self, registry: &Registry) {
        Driver::stopped(self, registry);
    }
}
