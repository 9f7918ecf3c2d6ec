//! The connections of a server, and a client during its turn.

use std::net::SocketAddr;

use super::budget::{Budget, Charge, Demand, Holder};
use super::pairing::ConnectionId;
use super::progress::Progress;
use super::wire::{Outgoing, Wire};
use crate::clock::Time;
use crate::headroom;
use crate::memory::IdMap;
use crate::net::Readiness;
use crate::peer::PeerAddress;
use crate::proto::bridge::PeerInfo;

/// Whether a ready connection is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadState {
    /// It is read.
    #[default]
    Reading,
    /// The client has to make room first: to read answers, or to wait for its requests.
    Stalled,
    /// Other connections have their turn first.
    Yielded,
}

/// The input of a connection.
#[derive(Default)]
pub struct Input {
    pub state: ReadState,
    /// Number of octets received so far.
    pub received: u64,
    /// The time of the latest octets, or of the latest answer outside of the client's turn.
    pub latest: Time,
    /// Received octets, not decoded from `start` on.
    octets: Vec<u8>,
    start: usize,
}

impl Input {
    /// Keeps `octets` from `start` on until the connection continues.
    pub fn keep(&mut self, octets: Vec<u8>, start: usize) {
        (self.octets, self.start) = (octets, start);
    }

    /// Keeps a copy of `octets`. Returns whether the system has the memory.
    #[must_use]
    pub fn keep_copy(&mut self, octets: &[u8]) -> bool {
        let Ok(kept) = headroom::copied(octets) else { return false };
        self.keep(kept, 0);
        true
    }

    /// The kept octets, and their start.
    pub fn take(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.octets), std::mem::take(&mut self.start))
    }

    /// Bytes of memory for the kept octets.
    pub fn held_bytes(&self) -> u64 {
        self.octets.capacity() as u64
    }
}

/// The two ends of a TCP connection: ours and the peer's.
pub type Ends = (SocketAddr, SocketAddr);

/// An open connection: one of a client's two, or of a peer that may become a client.
pub struct Connection<C> {
    pub wire: Wire,
    pub peer: PeerAddress,
    /// Our and the peer's address, by which the owner of the other end is looked up; `None` if the
    /// system has told it.
    pub ends: Option<Ends>,
    /// When it was accepted.
    pub opened: Time,
    /// When its READY arrived.
    pub announced: Option<Time>,
    /// When it is closed, unless our READY has been sent.
    pub waits_until: Option<Time>,
    /// Events that have come while it was not served, and have not been handled.
    pub events: Option<Readiness>,
    pub input: Input,
    /// The client of a served request connection.
    pub client: Option<Client<C>>,
    /// What the server's budget has been charged with.
    pub charged: Charge,
    /// What is unfinished on it: a message of the peer's, and output.
    pub progress: [Option<Progress>; 2],
}

impl<C> Connection<C> {
    /// A newly accepted connection.
    pub fn new(wire: Wire, peer: PeerAddress, ends: Option<Ends>, opened: Time) -> Connection<C> {
        Connection {
            wire,
            peer,
            ends,
            opened,
            announced: None,
            waits_until: None,
            events: None,
            input: Input::default(),
            client: None,
            charged: Charge::default(),
            progress: [None; 2],
        }
    }

    /// Charges `budget` with what is held for the connection now.
    #[inline]
    pub fn charge(&mut self, budget: &Budget)
    where
        C: Holder,
    {
        let requests = self.client.as_ref().map_or(0, |client| client.state.held_bytes());
        let held = requests + self.wire.held_bytes() + self.input.held_bytes();
        let answers = if C::IS_ANSWERED { self.wire.out.backlog() as u64 } else { 0 };
        budget.charge(&mut self.charged, held, requests + answers);
    }

    /// The peer's properties in its READY.
    pub fn peer_info(&self) -> PeerInfo {
        self.wire.session.peer_metadata().map(PeerInfo::from_metadata).unwrap_or_default()
    }
}

/// Identifies a client for good, unlike the ids of its connections, which are given again after very
/// many others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientId {
    /// Id of the request connection.
    pub connection: ConnectionId,
    /// Number of the client, counted from the start of the server.
    pub serial: u64,
}

/// A served client.
pub struct Client<C> {
    pub serial: u64,
    /// The connection for its answers, the representative one if several share them. `None`: they
    /// are sent on the request connection.
    pub response: Option<ConnectionId>,
    /// All response connections of its process get its answers.
    pub is_shared: bool,
    /// It has closed the connection for its answers: when it ends, also if it still sends.
    pub ends_by: Option<Time>,
    /// Bytes that its next request or message needs and that the budget did not grant.
    pub wanted: u64,
    /// It is among those that wait for that.
    pub is_starved: bool,
    /// Since when it is served.
    pub since: Time,
    /// The service's state for it.
    pub state: C,
}

/// All connections by id, without those of the [`ActiveClient`].
pub type Connections<C> = IdMap<Box<Connection<C>>, ConnectionId>;

/// A client during its turn. Its connections are taken out of the table, so that they are looked up
/// once for all its requests or answers.
pub struct ActiveClient<'a, C> {
    pub id: ClientId,
    pub peer: PeerAddress,
    /// The service's state for the client.
    pub state: &'a mut C,
    /// The connection of its requests.
    pub request: &'a mut Wire,
    /// The input of that connection.
    pub(super) input: &'a mut Input,
    /// The connection of its answers, if that is another one.
    pub(super) response: Option<&'a mut Wire>,
    /// Other clients get its answers too, and it gets theirs.
    pub(super) is_shared: bool,
    /// Further connections that get all of its answers.
    pub(super) sharers: &'a mut [(ConnectionId, Box<Connection<C>>)],
    pub(super) budget: &'a Budget,
    /// What the budget has been charged with for its connections.
    pub(super) charged: Charge,
    /// See [`Client::wanted`].
    pub(super) wanted: &'a mut u64,
}

impl<C: Holder> ActiveClient<'_, C> {
    /// Whether the server may hold `more` bytes for the client. If not, the client is not read until
    /// it may, and [`Service::receive`](super::service::Service::receive) is called again then.
    #[inline]
    pub fn may_take(&mut self, more: u64) -> bool {
        let mut own = self.state.held_bytes();
        if C::IS_ANSWERED {
            let apart = self.response.as_ref().map_or(0, |response| response.out.backlog());
            own += (self.request.out.backlog() + apart) as u64;
        }
        let demand = Demand { own, more, charged: self.charged };
        let is_granted = self.budget.grants(&demand);
        *self.wanted = if is_granted { 0 } else { more };
        is_granted
    }

    /// Whether it has what it has asked for. A request that can never be granted is refused by the
    /// service.
    #[inline]
    pub(super) fn is_fed(&mut self) -> bool {
        if *self.wanted > self.budget.largest() {
            *self.wanted = 0;
        }
        let wanted = *self.wanted;
        wanted == 0 || self.may_take(wanted)
    }

    /// The budget of the server.
    pub fn budget(&self) -> &Budget {
        self.budget
    }
}

impl<C> ActiveClient<'_, C> {
    /// The output that contains its answers.
    #[inline]
    pub fn answers(&mut self) -> &mut Outgoing {
        self.answers_and_state().0
    }

    /// That output, and the service's state.
    #[inline]
    pub fn answers_and_state(&mut self) -> (&mut Outgoing, &mut C) {
        let out = match &mut self.response {
            Some(response) => &mut response.out,
            None => &mut self.request.out,
        };
        (out, self.state)
    }

    /// Queues one whole message that `encode` appends to a buffer, with `body` octets of payload and
    /// text. Returns the number of queued octets, on all connections together.
    #[inline]
    pub fn queue(&mut self, body: usize, encode: impl FnOnce(&mut Vec<u8>)) -> usize {
        let Some(out) = self.answers().end_of_answers(body) else { return 0 };
        let before = out.len();
        encode(out);
        let octets = out.len() - before;
        match self.sharers.is_empty() {
            true => octets,
            false => self.copy_to_sharers(before),
        }
    }

    #[cold]
    fn copy_to_sharers(&mut self, start: usize) -> usize {
        let Some(response) = &mut self.response else { return 0 };
        let message = response.out.appended_behind(start);
        for (_, sharer) in self.sharers.iter_mut() {
            sharer.wire.out.append_copy(message);
        }
        message.len() * (1 + self.sharers.len())
    }

    /// As [`queue`](Self::queue), for a message with `block` between two encoded parts, the latter with
    /// a text of `text_octets` octets. A large block is not copied; a copied one is returned.
    pub fn queue_block(
        &mut self,
        block: Vec<u8>,
        encode_head: impl FnOnce(&mut Vec<u8>),
        (text_octets, encode_tail): (usize, impl FnOnce(&mut Vec<u8>)),
    ) -> (usize, Option<Vec<u8>>) {
        if !self.sharers.is_empty() {
            let octets = self.queue(block.len() + text_octets, |out| {
                encode_head(out);
                out.extend_from_slice(&block);
                encode_tail(out);
            });
            return (octets, Some(block));
        }
        let answers = self.answers();
        let before = answers.backlog();
        let Some(out) = answers.end_of_answers(0) else { return (0, Some(block)) };
        encode_head(out);
        let copied = answers.append(block);
        if let Some(out) = answers.end(text_octets) {
            encode_tail(out);
        }
        (answers.backlog().saturating_sub(before), copied)
    }

    /// Sends queued output, as far as the sockets take it.
    ///
    /// # Errors
    ///
    /// The system's: the connection is lost. The loss of a connection that shares the answers shows
    /// at that connection, or is [noted](super::peers::Peers::close_failed_answers), and costs no other
    /// client anything.
    pub fn flush(&mut self) -> std::io::Result<()> {
        for (_, sharer) in self.sharers.iter_mut() {
            let _ = sharer.wire.flush();
        }
        self.request.flush()?;
        match self.response.as_mut().map(|response| response.flush()) {
            Some(flushed) if !self.is_shared => flushed,
            _ => Ok(()),
        }
    }

    /// Octets that the client has not read: the maximum over its connections.
    #[inline]
    pub fn backlog(&self) -> usize {
        let sharers = self.sharers.iter().map(|(_, one)| one.wire.out.backlog());
        let answers = match &self.response {
            Some(response) => &response.out,
            None => &self.request.out,
        };
        sharers.fold(answers.backlog(), usize::max)
    }
}
