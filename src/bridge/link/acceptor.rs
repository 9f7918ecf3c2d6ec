//! The two listeners of a server, and the descriptors of accepted connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Interest, Token};

use super::pairing::Side;
use crate::clock::{self, Time};
use crate::logging::{log_warning, Logger};
use crate::net::address::canonical;
use crate::net::socket::{self, cause_text, is_shortage, ListenerPair};
use crate::net::{is_reserved, ByteStream, Registry};
use crate::peer::PeerAddress;

/// The first token after those of the listeners.
pub const FIRST_CONNECTION: usize = 2;
/// Delay before the next attempt to accept when the system has no descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The result of an attempt to accept.
pub enum Accepted {
    /// A connection, and its other end.
    Connection(ByteStream, PeerAddress),
    /// A connection that was closed again; its peer will reconnect.
    Closed,
    /// No connection waits, or none can be accepted for now.
    Nobody,
}

/// Accepts the connections of a server.
pub struct Acceptor {
    /// For [`Side::Request`] and [`Side::Response`].
    listeners: [TcpListener; 2],
    descriptors_reserved: Option<u32>,
    /// When to accept again, after a failure or a full turn.
    pub again: Option<Time>,
    /// The last attempt to accept has failed.
    has_failed: bool,
    log: Arc<Logger>,
}

impl Acceptor {
    /// Accepts at `listeners`, and reserves that many descriptors for the program.
    pub fn new(
        listeners: ListenerPair,
        descriptors_reserved: Option<u32>,
        log: Arc<Logger>,
    ) -> Acceptor {
        let listeners = [listeners.first, listeners.second];
        Acceptor { listeners, descriptors_reserved, again: None, has_failed: false, log }
    }

    pub fn register(&mut self, registry: &Registry) -> io::Result<()> {
        for (token, listener) in self.listeners.iter_mut().enumerate() {
            registry.register(listener, Token(token), Interest::READABLE)?;
        }
        Ok(())
    }

    /// The side of the connections at the listener with this token.
    pub fn side(token: usize) -> Option<Side> {
        [Side::Request, Side::Response].get(token).copied()
    }

    /// Accepts the next connection, unless its descriptor is reserved for the program. If there are
    /// too few, `make_room` frees descriptors, and returns whether it freed any.
    pub fn accept(&mut self, side: Side, mut make_room: impl FnMut() -> bool) -> Accepted {
        let listener = &self.listeners[usize::from(side == Side::Response)];
        match socket::accept(listener) {
            Ok(None) => Accepted::Nobody,
            Ok(Some((stream, peer))) if is_reserved(&stream, self.descriptors_reserved) => {
                if !make_room() {
                    drop(stream);
                    self.note_shortage("the other descriptors of this process are in use");
                    return Accepted::Closed;
                }
                match ByteStream::from(stream).renumbered() {
                    Ok(stream) => Accepted::Connection(stream, canonical(peer).into()),
                    Err(_) => Accepted::Closed,
                }
            }
            Ok(Some((stream, peer))) => {
                self.has_failed = false;
                Accepted::Connection(stream.into(), canonical(peer).into())
            }
            Err(error) if is_shortage(&error) && make_room() => Accepted::Closed,
            Err(error) => {
                self.note_shortage(&cause_text(&error));
                self.again = Some(clock::now() + ACCEPT_RETRY);
                Accepted::Nobody
            }
        }
    }

    fn note_shortage(&mut self, cause: &str) {
        if !std::mem::replace(&mut self.has_failed, true) {
            log_warning!(
                self.log,
                "Cannot accept connections for now: {cause}; raise the limit (`ulimit -n`)"
            );
        }
    }
}
