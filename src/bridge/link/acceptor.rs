//! The listeners of a server, and the descriptors of accepted connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Token};

use super::pairing::Side;
use crate::clock::{self, Time};
use crate::logging::{log_warning, Logger};
use crate::net::listener::{Listener, ListenerPair, ADDRESSES_MAX};
use crate::net::socket::{cause_text, is_shortage, Silence};
use crate::net::{is_reserved, ByteStream, Registry};
use crate::peer::PeerAddress;

/// The first token after those of the listeners.
pub const FIRST_CONNECTION: usize = 2 * ADDRESSES_MAX;
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

/// A listener.
struct Entrance {
    listener: Listener,
    /// The side of its connections; `None`: the peer's READY tells it.
    side: Option<Side>,
    /// Connections may wait there.
    is_ready: bool,
}

/// Descriptors for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Some are free now.
    Made,
    /// None are, and nobody gives any up.
    Full,
    /// The peer may not come in.
    Unneeded,
}

/// Accepts the connections of a server.
pub struct Acceptor {
    /// By their tokens.
    listeners: Vec<Entrance>,
    descriptors_reserved: Option<u32>,
    /// When to accept again, after a failure.
    again: Option<Time>,
    /// Nobody is accepted before that.
    opens_at: Option<Time>,
    /// The last attempt to accept has failed.
    has_failed: bool,
    log: Arc<Logger>,
}

impl Acceptor {
    /// Accepts at `listeners`, and reserves that many descriptors for the program.
    pub fn new(
        listeners: Vec<ListenerPair>,
        descriptors_reserved: Option<u32>,
        log: Arc<Logger>,
    ) -> Acceptor {
        let listeners = listeners.into_iter().flat_map(sided).collect();
        Acceptor {
            listeners,
            descriptors_reserved,
            again: None,
            opens_at: None,
            has_failed: false,
            log,
        }
    }

    /// Accepts nobody before `time`, unless it is [opened](Self::open): the system keeps those that
    /// connect.
    pub fn open_at(&mut self, time: Time) {
        self.opens_at = Some(time);
    }

    /// Accepts from now on.
    pub fn open(&mut self) {
        self.opens_at = None;
    }

    /// Registers the listeners. `silence` is for their connections.
    pub fn register(&mut self, registry: &Registry, silence: Silence) -> io::Result<()> {
        for (token, entrance) in self.listeners.iter_mut().enumerate() {
            entrance.listener.configure(silence)?;
            registry.register(&mut entrance.listener, Token(token), Interest::READABLE)?;
        }
        Ok(())
    }

    /// A listener is ready.
    pub fn note_ready(&mut self, token: usize) {
        if let Some(entrance) = self.listeners.get_mut(token) {
            entrance.is_ready = true;
        }
    }

    /// The tokens of the listeners that may have connections.
    pub fn ready(&self) -> Vec<usize> {
        let all = self.listeners.iter().enumerate().filter(|_| self.opens_at.is_none());
        all.filter(|(_, entrance)| entrance.is_ready).map(|(token, _)| token).collect()
    }

    /// Whether a listener may have connections.
    pub fn is_any_ready(&self) -> bool {
        self.opens_at.is_none() && self.listeners.iter().any(|entrance| entrance.is_ready)
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn deadline(&self) -> Option<Time> {
        self.opens_at.or(self.again)
    }

    /// After a failure no event says that connections wait: all listeners are tried again.
    pub fn timeout(&mut self, now: Time) {
        self.opens_at.take_if(|opens_at| *opens_at <= now);
        if self.again.take_if(|again| *again <= now).is_some() {
            self.listeners.iter_mut().for_each(|entrance| entrance.is_ready = true);
        }
    }

    /// The side of the connections of a listener, if it is the same for all of them.
    pub fn side(&self, token: usize) -> Option<Side> {
        self.listeners.get(token).and_then(|entrance| entrance.side)
    }

    /// Accepts the next connection of a listener, unless its descriptor is reserved for the program.
    /// If there are too few, `make_room` frees descriptors for the peer, if that is known.
    pub fn accept(
        &mut self,
        token: usize,
        mut make_room: impl FnMut(Option<PeerAddress>) -> Room,
    ) -> Accepted {
        let Some(entrance) = self.listeners.get_mut(token) else { return Accepted::Nobody };
        match entrance.listener.accept() {
            Ok(None) => {
                entrance.is_ready = false;
                Accepted::Nobody
            }
            Ok(Some((stream, peer))) if is_reserved(&stream, self.descriptors_reserved) => {
                match make_room(Some(peer)) {
                    Room::Made => match stream.renumbered() {
                        Ok(stream) => Accepted::Connection(stream, peer),
                        Err(_) => Accepted::Closed,
                    },
                    Room::Unneeded => Accepted::Closed,
                    Room::Full => {
                        drop(stream);
                        self.note_shortage(
                            "the other descriptors of this process are in use; raise the limit \
                             (ulimit -n)",
                        );
                        Accepted::Closed
                    }
                }
            }
            Ok(Some((stream, peer))) => {
                self.has_failed = false;
                Accepted::Connection(stream, peer)
            }
            Err(error) if is_shortage(&error) && !entrance.listener.has_waiting() => {
                // Nobody has to go.
                entrance.is_ready = false;
                Accepted::Nobody
            }
            Err(error) if is_shortage(&error) && make_room(None) == Room::Made => Accepted::Closed,
            Err(error) => {
                entrance.is_ready = false;
                self.note_shortage(&cause_text(&error));
                self.again = Some(clock::now() + ACCEPT_RETRY);
                Accepted::Nobody
            }
        }
    }

    fn note_shortage(&mut self, cause: &str) {
        if !std::mem::replace(&mut self.has_failed, true) {
            log_warning!(self.log, "Cannot accept connections for now: {cause}");
        }
    }
}

/// The listeners of an address, with the sides of their connections. At a path clients make both of
/// them, and the file beside it is for those that need one for each socket, as libzmq's do.
fn sided(pair: ListenerPair) -> impl Iterator<Item = Entrance> {
    let first = match pair.first {
        Listener::Tcp(_) => Some(Side::Request),
        Listener::Unix(_) => None,
    };
    let second = pair.second.map(|listener| (listener, Some(Side::Response)));
    let sides = std::iter::once((pair.first, first)).chain(second);
    sides.map(|(listener, side)| Entrance { listener, side, is_ready: false })
}
