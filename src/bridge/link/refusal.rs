//! Peers that may not come in, or not stay, because of their keys.

use std::mem;

use super::identity::ConnectionId;
use super::options::add;
use super::peers::Peers;
use super::service::Service;
use crate::logging::log_warning;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

impl<S: Service> Peers<S> {
    /// The key that the peer of a connection has proved to have, if its server asks for one.
    pub(super) fn key_of(&self, id: ConnectionId) -> Option<PublicKey> {
        self.connections.get(&id)?.wire.session.peer_key().copied()
    }

    /// Why the peer of a connection that has announced itself may not come in; `None` if it may.
    pub(super) fn key_refusal(&self, id: ConnectionId) -> Option<String> {
        let curve = self.options.curve.as_ref()?;
        let key = self.key_of(id)?;
        (!curve.allows(&key)).then(|| {
            format!("the server does not allow the client's key {key}: have it added to its list")
        })
    }

    /// Closes a connection that may not come in or stay. Its peer is told why if it is one of ours. A
    /// libzmq client that saw an error would never connect again.
    pub(super) fn refuse(&mut self, service: &mut S, id: ConnectionId, why: &str) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let peer = connection.peer;
        log_warning!(self.log, from peer.origin(); "Closing the connection from {peer}: {why}");
        add(&self.counters.refused_keys, 1);
        if connection.peer_info().bridge_level.is_some() {
            connection.wire.session.refuse(why);
            // As far as its socket takes it: a peer that does not read is told nothing.
            let _ = connection.wire.flush();
        }
        self.close(service, id, why);
    }

    /// Closes the connections whose keys are not allowed any more, if the list has changed.
    pub(super) fn withdraw_keys(&mut self, service: &mut S) {
        let Some(revision) = self.options.curve.as_ref().map(|curve| curve.revision()) else {
            return;
        };
        if mem::replace(&mut self.keys_revision, revision) == revision {
            return;
        }
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in ids {
            if let Some(why) = self.key_refusal(id) {
                self.refuse(service, id, &why);
            }
        }
    }
}
