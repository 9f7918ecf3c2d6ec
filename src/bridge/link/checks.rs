//! Whether the peers of served connections are still there, asked by PING where another connection
//! waits for their end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::{Connection, Connections, ReadState};
use super::identity::ConnectionId;
use crate::clock::Time;

/// How long a peer has to answer a PING: its process may have to share the machine, or the server's
/// slave may be at work. A client that waits gives up after 30 seconds.
const PONG_TIME_MAX: Duration = Duration::from_secs(3);

/// A pair that has been asked.
#[derive(Clone, Copy, Debug)]
struct Check {
    response: ConnectionId,
    until: Time,
    /// Octets received on both connections before.
    received: [u64; 2],
}

/// The pairs that have been asked, by their request connections.
#[derive(Debug, Default)]
pub struct Checks {
    asked: BTreeMap<ConnectionId, Check>,
}

impl Checks {
    /// When [`end`](Self::end) is due.
    pub fn deadline(&self) -> Option<Time> {
        self.asked.values().map(|check| check.until).min()
    }

    /// Asks both peers of a pair at `now`, unless that has been done within the time for an answer.
    /// Returns whether it has: one that has not announced itself as one of ours is never asked.
    pub fn start<C>(
        &mut self,
        connections: &mut Connections<C>,
        (request, response): (ConnectionId, ConnectionId),
        now: Time,
    ) -> bool {
        if self.asked.contains_key(&request) {
            return false;
        }
        let ids = [request, response];
        let may_be_asked =
            |id| connections.get(&id).is_some_and(|connection| may_be_asked(connection));
        if !ids.into_iter().all(may_be_asked) {
            return false;
        }
        let received = ids.map(|id| {
            let Some(connection) = connections.get_mut(&id) else { return 0 };
            // Fails if it has much to send: then the peer does not read, which is no sign of death.
            let _ = connection.wire.session.ping(0);
            connection.input.received
        });
        self.asked.insert(request, Check { response, until: now + PONG_TIME_MAX, received });
        true
    }

    /// The connections of the checks that end at `now`. What has come on them and has not been read
    /// counts.
    pub fn ending(&self, now: Time) -> Vec<ConnectionId> {
        let ending = self.asked.iter().filter(|(_, check)| check.until <= now);
        ending.flat_map(|(&request, check)| [request, check.response]).collect()
    }

    /// Ends checks at `now`. Returns the request connections of the pairs whose peer has given no
    /// sign of life on one of the two.
    pub fn end<C>(&mut self, connections: &Connections<C>, now: Time) -> Vec<ConnectionId> {
        let mut dead = Vec::new();
        self.asked.retain(|&request, check| {
            if check.until > now {
                return true;
            }
            let mut ids = [request, check.response].into_iter().zip(check.received);
            let is_dead = |(id, before)| connections.get(&id).is_some_and(|c| is_dead(c, before));
            dead.extend(ids.any(is_dead).then_some(request));
            false
        });
        dead
    }
}

fn may_be_asked<C>(connection: &Connection<C>) -> bool {
    connection.peer_info().bridge_level.is_some() && connection.wire.session.may_ping()
}

/// Whether a peer that has been asked gives no sign of life. One that is not read, or does not read,
/// may not have seen the PING, or has answered behind other octets.
fn is_dead<C>(connection: &Connection<C>, received_before: u64) -> bool {
    let Connection { wire, input, .. } = connection;
    let is_free = input.state == ReadState::Reading && wire.out.backlog() == 0;
    is_free && input.received == received_before
}
