//! Waits for a socket outside the event loop.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{fence, AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::descriptors::{new_poll, Waker};
use crate::sync::Mutex;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
/// The socket and the waker may be ready at once.
const EVENTS_COUNT_MAX: usize = 2;

/// Waits for one socket to become readable, or for a call of its [`Waker`].
///
/// An event between two waits is reported by the next one. Edge-triggered: read until `WouldBlock`
/// before a wait, or the next event is missed.
#[derive(Debug)]
pub(crate) struct Sleeper {
    poll: Poll,
    events: Events,
}

impl Sleeper {
    /// A sleeper for `socket`, which the event loop may watch as well.
    ///
    /// # Errors
    ///
    /// The system's, if it has no descriptors left.
    pub(crate) fn new(socket: &impl AsRawFd) -> io::Result<(Sleeper, Waker)> {
        let poll = new_poll()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let descriptor = socket.as_raw_fd();
        poll.registry().register(&mut SourceFd(&descriptor), SOCKET, Interest::READABLE)?;
        Ok((Sleeper { poll, events: Events::with_capacity(EVENTS_COUNT_MAX) }, waker))
    }

    /// Waits for at most `timeout`; a signal may end the wait early. Returns whether the peer has
    /// closed its sending side.
    pub(crate) fn sleep(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            Err(_) => Ok(false),
            Ok(()) => Ok(self.events.iter().any(|event| event.is_read_closed())),
        }
    }
}

/// The wake-up state of the thread that sleeps in a [`Sleeper`].
#[derive(Default)]
pub(crate) struct Interrupter {
    is_asleep: AtomicBool,
    waker: Mutex<Option<Arc<Waker>>>,
}

impl Interrupter {
    /// Sets the waker of the sleeper.
    pub(crate) fn set_waker(&self, waker: Waker) {
        *self.waker.lock() = Some(Arc::new(waker));
    }

    /// Wakes the thread if it sleeps. It sees the caller's earlier stores.
    pub(crate) fn interrupt(&self) {
        // The counterpart is in `sleep`: at least one of the two loads sees the other side's store.
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::SeqCst) {
            let waker = self.waker.lock().clone();
            // Fails when the system is out of memory; the thread then wakes at its deadline.
            let _ = waker.map(|waker| waker.wake());
        }
    }

    /// Calls `sleep`, unless this thread `is_wanted` already.
    pub(crate) fn sleep<T>(
        &self,
        is_wanted: impl FnOnce() -> bool,
        sleep: impl FnOnce() -> T,
    ) -> Option<T> {
        self.is_asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let outcome = if is_wanted() { None } else { Some(sleep()) };
        self.is_asleep.store(false, Ordering::SeqCst);
        outcome
    }
}
