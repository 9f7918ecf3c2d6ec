//! The server's connections and clients, and the client whose requests are being executed.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::bridge::pairing::Side;
use crate::bridge::wire::Wire;
use crate::clock::Time;
use crate::memory::{IdMap, Path, Transaction};
use crate::proto::bridge::{Dialect, Header, PeerInfo, RequestDecoder};

/// Whether a connection is being read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// It is.
    Reading,
    /// Not before its client has fewer requests outstanding, or has read more of its answers.
    Stalled,
    /// Not before others have had their turn.
    Over,
}

/// A connection of a client, or of somebody who may become one.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) side: Side,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    /// Its READY has come.
    pub(super) announced: bool,
    /// When it is closed if it is no client's by then; its key in `Driver::waiting`.
    pub(super) waits_until: Option<Time>,
    pub(super) dialect: Dialect,
    pub(super) decoder: RequestDecoder,
    /// A write whose data has not all come yet.
    pub(super) body: Option<Body>,
    /// Octets read but not decoded, from `leftover_start`, because it is not its turn.
    pub(super) leftover: Vec<u8>,
    pub(super) leftover_start: usize,
    pub(super) turn: Turn,
    /// It stands in `Driver::unread`.
    pub(super) is_unread: bool,
    /// Responses go out on this request connection, through the buffer of the other one.
    pub(super) is_duplex: bool,
}

impl Connection {
    /// What the peer has said about itself in its READY.
    pub(super) fn peer_info(&self) -> PeerInfo {
        self.wire.session.peer_metadata().map(PeerInfo::from_metadata).unwrap_or_default()
    }
}

/// A write whose data is coming.
pub(super) struct Body {
    pub(super) header: Header,
    pub(super) data: Vec<u8>,
    /// There was no room for the data: it is passed over, and the write refused at its end.
    pub(super) is_refused: bool,
}

/// A pair of connections that is served. Its key is the token of the request connection.
#[derive(Clone, Copy)]
pub(super) struct Client {
    pub(super) response: usize,
    pub(super) dialect: Dialect,
    pub(super) outstanding: usize,
    pub(super) outstanding_bytes: u64,
}

/// A transaction that the slave has kept.
pub(super) struct Outstanding {
    pub(super) tran: Arc<Transaction>,
    pub(super) client: usize,
    pub(super) header: Header,
}

/// The client that requests are being executed or answered for, looked up once for all of them.
/// Its response connection is out of the table meanwhile, and what the table of clients says of it
/// is out of date.
pub(super) struct Served {
    /// Of the request connection.
    pub(super) token: usize,
    pub(super) client: Client,
    pub(super) response: Box<Connection>,
    /// Where its requests go.
    pub(super) path: Path,
    /// Something has been put into the response connection's buffer.
    pub(super) has_answered: bool,
}

impl Served {
    /// Bytes asked for and not yet answered, and answers not yet read.
    pub(super) fn held_bytes(&self) -> u64 {
        self.client.outstanding_bytes + self.response.wire.backlog() as u64
    }
}

/// All connections, by their tokens. One may be taken out for a while, so that the rest of the
/// server stays usable; its place is kept.
#[derive(Default)]
pub(super) struct Connections {
    places: IdMap<Option<Box<Connection>>, usize>,
}

impl Connections {
    /// Their number, including those that are out.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, token: usize) -> Option<&Connection> {
        self.places.get(&token)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, token: usize) -> Option<&mut Connection> {
        self.places.get_mut(&token)?.as_deref_mut()
    }

    pub(super) fn insert(&mut self, token: usize, connection: Connection) {
        self.places.insert(token, Some(Box::new(connection)));
    }

    pub(super) fn remove(&mut self, token: usize) -> Option<Box<Connection>> {
        self.places.remove(&token)?
    }

    /// Takes a connection out, to be [put back](Self::put_back).
    pub(super) fn take_out(&mut self, token: usize) -> Option<Box<Connection>> {
        self.places.get_mut(&token)?.take()
    }

    pub(super) fn put_back(&mut self, token: usize, connection: Box<Connection>) {
        let place = self.places.get_mut(&token).expect("its place is kept");
        *place = Some(connection);
    }

    /// Those that are not out, with their tokens.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Connection)> {
        self.places.iter().filter_map(|(&token, place)| Some((token, place.as_deref()?)))
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
    }
}
