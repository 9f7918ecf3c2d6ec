//! The interface between a link and the bridge that handles the messages of its clients.

use std::fmt;
use std::io;
use std::time::Duration;

use super::budget::Holder;
use super::connection::{ActiveClient, ClientId};
use super::wire::Received;
use crate::clock::Time;
use crate::peer::PeerAddress;
use crate::proto::bridge::PeerInfo;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

/// Time limit of one connection's turn.
const TURN_TIME_MAX: Duration = Duration::from_millis(5);

/// A client that has been paired.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its id, for [`Link::with_client`](super::server::Link::with_client).
    pub id: ClientId,
    /// The remote end of its request connection.
    pub address: PeerAddress,
    /// The properties that it announced.
    pub info: PeerInfo,
    /// The key that it has proved to have, on both of its connections; `None` without CURVE.
    pub key: Option<PublicKey>,
    /// The time of that connection's READY.
    pub announced: Time,
}

/// The address, and the key if there is one.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Some(key) => write!(f, "{} with the key {key}", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// A time slice for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    end: Time,
    /// The time of the latest octets, or of the return of the latest call of user code. A service
    /// that makes such calls updates it, so that the clock is read once a message.
    pub now: Time,
}

impl Turn {
    pub(super) fn new(now: Time) -> Turn {
        Turn { end: now + TURN_TIME_MAX, now }
    }

    /// Whether the time is up.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.now >= self.end
    }
}

/// Handles the messages of clients. All calls come from the event loop's thread.
pub trait Service {
    /// State per client.
    type Client: Holder;

    /// A client has been paired, and is served from now on. Returns its state.
    fn joined(&mut self, peer: &Peer) -> Self::Client;

    /// A client has disconnected.
    fn left(&mut self, client: Self::Client);

    /// Whether something of a client's is under way, so that it is not idle, however long nothing has
    /// come from it.
    fn is_busy(&self, client: &Self::Client) -> bool;

    /// Whether the next message of a client may be taken. If not, the link asks again when the
    /// client has read more, and when something has been queued for it.
    fn has_room(&self, client: &ActiveClient<'_, Self::Client>) -> bool;

    /// Continues what had no room in the [budget](ActiveClient::may_take) before. Called first in each
    /// turn of a client.
    fn resume(&mut self, client: &mut ActiveClient<'_, Self::Client>, turn: &mut Turn) {
        let _ = (client, turn);
    }

    /// Takes octets, up to the end of a message or of `input`, and returns their number. The
    /// session of [`ActiveClient::request`] decodes them. It may take none of them, if the client
    /// [may not take](ActiveClient::may_take) what they ask for.
    ///
    /// # Errors
    ///
    /// The violation of the protocol; the link closes the connection.
    fn receive(
        &mut self,
        client: &mut ActiveClient<'_, Self::Client>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, String>;

    /// Reads a large payload from the socket straight into its buffer, and returns the outcome.
    /// `None` if no such payload is due; the link then reads, and calls [`receive`](Self::receive).
    fn receive_payload(&mut self, client: &mut ActiveClient<'_, Self::Client>) -> Option<Received>;

    /// Sends what is queued, with [`ActiveClient::flush`]. Called when the turn of a client ends,
    /// or its connections can take octets again.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    fn flush(&mut self, client: &mut ActiveClient<'_, Self::Client>, now: Time) -> io::Result<()>;

    /// Bytes that are held for nobody in particular: for reuse, or for clients that have gone.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// Frees what is kept for reuse.
    fn give_back(&mut self) {}

    /// A client has closed the connection for its answers. Returns whether what it has sent before
    /// counts nevertheless: then the link reads its requests until their connection ends as well,
    /// or nothing more comes.
    fn answers_ended(&mut self, client: &mut ActiveClient<'_, Self::Client>) -> bool {
        let _ = client;
        false
    }
}
