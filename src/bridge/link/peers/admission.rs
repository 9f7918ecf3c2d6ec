//! Which connections and clients are let in, and which make room for them.

use super::{told_identity, Peers};
use crate::bridge::link::accepted::prepare;
use crate::bridge::link::acceptor::{Room, FIRST_CONNECTION};
use crate::bridge::link::connection::{Client, Connection, Connections, ReadState};
use crate::bridge::link::options::add;
use crate::bridge::link::pairing::{ConnectionId, Side};
use crate::bridge::link::places::{Idleness, Place};
use crate::bridge::link::service::Service;
use crate::bridge::link::wire::HANDSHAKE_TIME_MAX;
use crate::clock;
use crate::headroom;
use crate::logging::{log_debug, log_warning};
use crate::memory::try_reserve_one;
use crate::net::socket::{cause_text, has_ended, has_unread};
use crate::net::{event_loop, ByteStream, Registry};
use crate::peer::{Origin, PeerAddress};

/// Number of connections that make room together when descriptors are short.
const EVICTIONS_TOGETHER_MAX: usize = 8;
impl<S: Service> Peers<S> {
    // ------------------------------------------------------------------ connections

    /// Frees descriptors for a connection, of `newcomer` if that is known, unless it may not come in.
    pub fn room_for(&mut self, service: &mut S, newcomer: Option<PeerAddress>) -> Room {
        if let Some(peer) = newcomer.filter(|peer| self.is_unwelcome(peer.origin())) {
            self.note_unwelcome(peer);
            return Room::Unneeded;
        }
        match self.make_room(service, newcomer.map(|peer| peer.origin())) {
            true => Room::Made,
            false => Room::Full,
        }
    }

    /// Frees descriptors for a connection, of `newcomer` if that is known: those of connections without a client, or
    /// of an idle client. Returns whether there were any.
    fn make_room(&mut self, service: &mut S, newcomer: Option<Origin>) -> bool {
        let evicted = (0..EVICTIONS_TOGETHER_MAX).take_while(|_| self.evict(service)).count();
        if evicted > 0 {
            return true;
        }
        let idle = {
            let Peers { places, connections, .. } = self;
            let idleness = |id| idleness_of(connections, service, id);
            places.idlest(newcomer, clock::now(), idleness)
        };
        let why = "others wait to be accepted, and the process has no descriptors left (ulimit -n)";
        idle.map(|id| self.evict_client(service, id, why)).is_some()
    }

    /// Closes a connection without a client, if there is one: the oldest of the origin that has
    /// most. That of a client that [ends](Peers::end_later) has one, whose last messages count.
    fn evict(&mut self, service: &mut S) -> bool {
        let id = self.places.first_held().find(|&id| self.clients_of(id).is_empty());
        let Some(id) = id else { return false };
        add(&self.counters.connections_displaced, 1);
        self.close(service, id, "others wait to be accepted");
        true
    }

    /// Adds an accepted connection. Without a `side` the peer's READY tells it.
    pub fn admit(
        &mut self,
        registry: &Registry,
        service: &mut S,
        side: Option<Side>,
        (stream, peer): (ByteStream, PeerAddress),
    ) {
        if self.is_unwelcome(peer.origin()) {
            return self.note_unwelcome(peer);
        }
        if has_ended(&stream) {
            add(&self.counters.accepted, 1);
            // It has waited for longer than its peer: nobody makes room for it.
            return log_debug!(self.log, "Connection from {peer}: closed before it was accepted");
        }
        // Two connections per client, and as many again that may become clients.
        let full = self.connections.len() >= self.options.clients_max.saturating_mul(4);
        if full && !self.evict(service) {
            return log_debug!(self.log, "Closing a connection from {peer}: too many are open");
        }
        if !self.has_memory_for_one_more() {
            _ = self.note_no_memory(peer);
            return;
        }
        let id = self.next_id;
        self.next_id = self.id_after(id);
        let (wire, ends) = match prepare(registry, id, (stream, peer), side, &self.options) {
            Ok(prepared) => prepared,
            Err(error) => {
                let cause = cause_text(&error);
                return log_debug!(self.log, "Connection from {peer} is unusable: {cause}");
            }
        };
        let now = clock::now();
        match ends {
            Some((local, _)) => {
                log_debug!(self.log, "Connection from {peer} to port {}", local.port());
            }
            None => log_debug!(self.log, "Connection from {peer}"),
        }
        add(&self.counters.accepted, 1);
        self.pairing.opened(id, peer, now);
        if let Some(identity) = told_identity(peer) {
            self.pairing.owned(id, identity);
        }
        self.connections.insert(id, Box::new(Connection::new(wire, peer, ends, now)));
        self.wait_for(id, Some(now + HANDSHAKE_TIME_MAX));
        self.flush(service, id);
        self.count_connections();
    }

    /// Whether the system has the memory for the state of another connection.
    fn has_memory_for_one_more(&mut self) -> bool {
        headroom::is_there()
            && try_reserve_one(&mut self.connections).is_ok()
            && self.places.try_reserve_one().is_ok()
    }

    /// The next free id after `id`.
    fn id_after(&self, id: ConnectionId) -> ConnectionId {
        let mut following = (id + 1..event_loop::TOKENS_COUNT).chain(FIRST_CONNECTION..id);
        following.find(|id| !self.connections.contains_key(id)).unwrap_or(id)
    }

    // ------------------------------------------------------------------ clients

    /// Whether the client of these connections gets a place. If another one's, that one is sent
    /// away; if none, the client is.
    pub(super) fn find_place(
        &mut self,
        service: &mut S,
        request: ConnectionId,
        response: ConnectionId,
    ) -> bool {
        if let Some(why) = self.newcomers_refused.clone() {
            add(&self.counters.refused_draining, 1);
            self.turn_away(service, &[request, response], &why);
            return false;
        }
        loop {
            let Some(address) = self.connections.get(&request).map(|one| one.peer) else {
                return false;
            };
            let Peers { places, connections, options, counters, .. } = self;
            let idleness = |id| idleness_of(connections, service, id);
            let (clients_max, own_max) = (options.clients_max, options.clients_per_address_max);
            match places.find(address.origin(), clock::now(), idleness) {
                Place::Free => return true,
                Place::Of(idle) => {
                    let why = "another client needs its place";
                    self.evict_client(service, idle, why);
                }
                Place::Full => {
                    add(&counters.refused_full, 1);
                    let why = format!(
                        "all {clients_max} places are taken, none of them by an idle client that \
                         would make room (the server's option clients_max)"
                    );
                    self.turn_away(service, &[request, response], &why);
                }
                Place::OriginFull => {
                    add(&counters.refused_address, 1);
                    let why = format!(
                        "all {} places of {} are taken by busy clients (the server's option \
                         clients_per_address_max)",
                        own_max.unwrap_or_default(),
                        address.origin()
                    );
                    self.turn_away(service, &[request, response], &why);
                }
            }
        }
    }

    /// Closes the connections of a client that is not served, paired ones together.
    pub(super) fn turn_away(&mut self, service: &mut S, ids: &[ConnectionId], why: &str) {
        let clock = clock::now().0.to_string();
        for &id in ids {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            // Others would take it for a server's usual READY.
            if connection.peer_info().bridge_level.is_some() {
                // It is closed anyhow.
                let refusal = self.announcement.refusal(&clock, why);
                let _ = connection.wire.session.send_ready(&refusal);
                let _ = connection.wire.flush();
            }
        }
        let Some(peer) = self.connections.get(&ids[0]).map(|one| one.peer) else { return };
        log_warning!(self.log, from peer.origin(); "Not serving the client at {peer}: {why}");
        self.close(service, ids[0], why);
    }

    /// Closes the connections of an idle client.
    fn evict_client(&mut self, service: &mut S, request: ConnectionId, why: &str) {
        let Some((_, since)) = idleness_of(&self.connections, service, request) else { return };
        let idle = clock::now().since(since).as_secs_f64();
        let Some(peer) = self.connections.get(&request).map(|one| one.peer) else { return };
        let why = format!("idle for {idle:.1} s, and {why}");
        add(&self.counters.clients_evicted, 1);
        log_warning!(self.log, from peer.origin(); "Closing the client at {peer}: {why}");
        self.tell(request, &why);
        self.close(service, request, &why);
    }

    /// Tells a client why its connections are about to be closed, if it is one of ours: libzmq shows
    /// nothing to its user. `id` is one of its connections.
    pub fn tell(&mut self, id: ConnectionId, why: &str) {
        for id in [Some(id), self.pairing.partner(id)].into_iter().flatten() {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let is_ours = connection.peer_info().bridge_level.is_some();
            if is_ours && connection.wire.session.traffic_allowed() {
                connection.wire.session.refuse(why);
                // As far as its socket takes it: a peer that does not read is told nothing.
                let _ = connection.wire.flush();
            }
        }
    }
}

/// How idle the client with this request connection is; `None` if it is busy: something of it is under
/// way, or has come and has not been read yet.
fn idleness_of<S: Service>(
    connections: &Connections<S::Client>,
    service: &S,
    id: ConnectionId,
) -> Option<Idleness> {
    let connection = connections.get(&id)?;
    let is_busy = |one: &&Client<S::Client>| one.is_starved || service.is_busy(&one.state);
    let client = connection.client.as_ref().filter(|client| !is_busy(client))?;
    // What stalls does not count: a client that reads no answers may go.
    let Connection { input, wire, .. } = &**connection;
    let is_unread = match input.state {
        ReadState::Yielded => true,
        ReadState::Reading => has_unread(&*wire.stream),
        ReadState::Stalled => false,
    };
    if is_unread {
        return None;
    }
    let latest = input.latest;
    Some((latest > client.since, latest.max(client.since)))
}
