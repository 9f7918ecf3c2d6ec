//! Peers that may not come in, or not stay, because of their keys or of the access list.

use std::fmt;
use std::mem;
use std::sync::atomic::AtomicU64;

use super::connection::{ClientId, Connection};
use super::identity::ConnectionId;
use super::options::{add, LinkCounters};
use super::peers::Peers;
use super::service::{Peer, Service};
use crate::logging::log_warning;
use crate::peer::{Origin, PeerAddress};
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

/// Why a peer may not come in.
pub(super) struct Refusal {
    counter: fn(&LinkCounters) -> &AtomicU64,
    why: String,
}

impl<S: Service> Peers<S> {
    /// Whether a peer may not come in, whatever key it will prove to have.
    pub(super) fn is_unwelcome(&self, origin: Origin) -> bool {
        let list = self.options.access_list.as_ref();
        list.is_some_and(|list| !list.may_admit(origin, self.options.curve.is_some()))
    }

    /// Counts and logs a connection that has been closed at once.
    #[cold]
    pub(super) fn note_unwelcome(&self, peer: PeerAddress) {
        add(&self.counters.refused_peers, 1);
        let why = not_listed(&peer.origin());
        log_warning!(self.log, from peer.origin(); "Closing the connection from {peer}: {why}");
    }

    /// The key that the peer of a connection has proved to have, if its server asks for one.
    pub(super) fn key_of(&self, id: ConnectionId) -> Option<PublicKey> {
        self.connections.get(&id)?.wire.session.peer_key().copied()
    }

    /// Why the peer of a connection may not come in, or not stay; `None` if it may.
    pub(super) fn refusal(&self, id: ConnectionId) -> Option<Refusal> {
        let connection = self.connections.get(&id)?;
        let origin = connection.peer.origin();
        let Some(key) = self.key_of(id) else {
            let counter: fn(&LinkCounters) -> &AtomicU64 = |counters| &counters.refused_peers;
            return self
                .is_unwelcome(origin)
                .then(|| Refusal { counter, why: not_listed(&origin) });
        };
        if self.options.curve.as_ref().is_some_and(|curve| !curve.allows(&key)) {
            let why = format!(
                "the server does not allow the client's key {key}: have it added to its list"
            );
            return Some(Refusal { counter: |counters| &counters.refused_keys, why });
        }
        let list = self.options.access_list.as_ref()?;
        list.rights_of(origin, Some(&key)).is_none().then(|| Refusal {
            counter: |counters| &counters.refused_peers,
            why: not_listed(&format!("{origin} with the key {key}")),
        })
    }

    /// Closes a connection that may not come in or stay. Its peer is told why if it is one of ours. A
    /// libzmq client that saw an error would never connect again.
    pub(super) fn refuse(&mut self, service: &mut S, id: ConnectionId, refusal: &Refusal) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (peer, why) = (connection.peer, &refusal.why);
        log_warning!(self.log, from peer.origin(); "Closing the connection from {peer}: {why}");
        add((refusal.counter)(&self.counters), 1);
        if connection.peer_info().bridge_level.is_some() {
            connection.wire.session.refuse(why);
            // As far as its socket takes it: a peer that does not read is told nothing.
            let _ = connection.wire.flush();
        }
        self.close(service, id, why);
    }

    /// If the allowed keys or the rules have changed, closes the connections that may not stay, and
    /// has the service look at the rights of the other clients again.
    pub(super) fn withdraw(&mut self, service: &mut S) {
        let now = self.options.revisions();
        let former = mem::replace(&mut self.revisions, now);
        if former == now {
            return;
        }
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in ids {
            if let Some(refusal) = self.refusal(id) {
                self.refuse(service, id, &refusal);
            } else if let Some(connection) = self.connections.get_mut(&id) {
                let peer = peer_of(id, connection);
                if let Some((client, peer)) = connection.client.as_mut().zip(peer) {
                    service.rights_changed(&mut client.state, &peer);
                }
            }
        }
    }
}

/// The client of a request connection, as it has been paired; `None` if there is none.
fn peer_of<C>(id: ConnectionId, connection: &Connection<C>) -> Option<Peer> {
    let serial = connection.client.as_ref()?.serial;
    Some(Peer {
        id: ClientId { connection: id, serial },
        address: connection.peer,
        info: connection.peer_info(),
        key: connection.wire.session.peer_key().copied(),
        announced: connection.announced.unwrap_or_default(),
    })
}

fn not_listed(peer: &dyn fmt::Display) -> String {
    format!("the server's access list does not let {peer} in: have a rule for it added")
}
