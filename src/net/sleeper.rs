//! How a thread other than the event loop waits for a socket.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
/// Both can be ready at once.
const EVENTS_COUNT_MAX: usize = 2;

/// Waits for one socket to become readable, or for a call of its [`Waker`].
///
/// What came while nobody waited is told by the next wait. Edge-triggered: read until
/// `WouldBlock` before waiting, or the next event never comes.
#[derive(Debug)]
pub(crate) struct Sleeper {
    poll: Poll,
    events: Events,
}

impl Sleeper {
    /// For `socket`, which the event loop may watch as well.
    ///
    /// # Errors
    ///
    /// Those of the system, when it has no descriptors left.
    pub(crate) fn new(socket: &impl AsRawFd) -> io::Result<(Sleeper, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let descriptor = socket.as_raw_fd();
        poll.registry().register(&mut SourceFd(&descriptor), SOCKET, Interest::READABLE)?;
        Ok((Sleeper { poll, events: Events::with_capacity(EVENTS_COUNT_MAX) }, waker))
    }

    /// Waits, at most `timeout`; also returns early for a signal. Returns whether the peer has
    /// been found to send no more.
    pub(crate) fn sleep(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            Err(_) => Ok(false),
            Ok(()) => Ok(self.events.iter().any(|event| event.is_read_closed())),
        }
    }
}
