//! The interface between a link and the bridge that handles the messages of its clients.

use std::fmt;
use std::io;
use std::time::Duration;

use super::budget::Holder;
use super::connection::{ActiveClient, ClientId};
use super::wire::Received;
use crate::clock::{self, Time};
use crate::peer::PeerAddress;
use crate::proto::bridge::PeerInfo;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;
use crate::proto::zmtp::ZmtpError;

/// Messages after which the clock is read, if they have not run user code.
const MESSAGES_PER_CLOCK: u32 = 32;

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

/// What a connection may be read in its turn.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Octets at a time.
    pub read_octets: usize,
    /// Octets of a large payload in a row.
    pub payload_octets: u64,
}

/// A time slice for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    end: Time,
    pub allowance: Allowance,
    /// Messages since the clock was read by [`Turn::message`].
    messages: u32,
    /// The time of the latest octets, or of the return of the latest call of user code. A service
    /// that makes such calls updates it, so that the clock is read once a message.
    pub now: Time,
}

impl Turn {
    pub(super) fn new(now: Time, time: Duration, allowance: Allowance) -> Turn {
        Turn { end: now + time, allowance, messages: 0, now }
    }

    /// A message has been handled, or a part of one. Most cost so little that the clock is read for
    /// some of them only.
    #[inline]
    pub(super) fn message(&mut self) {
        self.messages += 1;
        if self.messages == MESSAGES_PER_CLOCK {
            self.messages = 0;
            self.now = clock::now();
        }
    }

    /// Whether the time is up.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.now >= self.end
    }
}

/// Why a client is not served any longer.
pub enum Fault {
    /// It breaks the protocol, so that what follows means nothing.
    Violation(String),
    /// Too many of its messages are malformed: this many in a second.
    Malformed(u32),
}

impl From<ZmtpError> for Fault {
    fn from(error: ZmtpError) -> Fault {
        Fault::Violation(error.to_string())
    }
}

/// Handles the messages of clients. All calls come from the event loop's thread.
pub trait Service {
    /// State per client.
    type Client: Holder;

    /// A client has been paired, and is served from now on. Returns its state.
    fn joined(&mut self, peer: &Peer) -> Self::Client;

    /// What peers may do has changed: computes the rights of a client again.
    fn rights_changed(&mut self, client: &mut Self::Client, peer: &Peer) {
        let _ = (client, peer);
    }

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
    /// The link closes the connection.
    fn receive(
        &mut self,
        client: &mut ActiveClient<'_, Self::Client>,
        input: &[u8],
        turn: &mut Turn,
    ) -> Result<usize, Fault>;

    /// Reads a large payload from the socket straight into its buffer, and returns the outcome.
    /// `None` if no such payload is due; the link then reads, and calls [`receive`](Self::receive).
    /// About `octets_max` octets are read, no more.
    fn receive_payload(
        &mut self,
        client: &mut ActiveClient<'_, Self::Client>,
        octets_max: u64,
    ) -> Option<Received>;

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
