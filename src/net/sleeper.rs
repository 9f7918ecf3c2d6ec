//! Waits for a socket outside the event loop.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::descriptors::{new_poll, Waker};

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
