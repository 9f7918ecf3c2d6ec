//! Whether what has been queued has arrived at the hosts of the peers.

use std::time::Duration;

use super::connection::{Connection, Connections};
use super::pairing::ConnectionId;
use crate::clock::Time;
use crate::net::socket::unacknowledged;
use crate::net::ByteStream;

/// How often the system is asked for what peers have acknowledged, which is no event: often compared
/// with the delay of an acknowledgement, 40 ms.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// The output of served connections up to one moment. What is sent but not acknowledged counts: a
/// system drops it when a connection is closed that has unread input.
#[derive(Debug)]
pub struct Delivery {
    /// The connections, and up to which octet they have to deliver.
    pending: Vec<(ConnectionId, u64)>,
    check_at: Option<Time>,
}

impl Delivery {
    /// What has been queued until now.
    pub fn of<C>(connections: &Connections<C>) -> Delivery {
        // Others than those that are served have got no answers.
        let served = connections.iter().filter(|(_, one)| one.waits_until.is_none());
        let pending = served.map(|(&id, one)| (id, one.wire.out.queued_octets())).collect();
        Delivery { pending, check_at: None }
    }

    /// When to check it again.
    pub fn deadline(&self) -> Option<Time> {
        self.check_at
    }

    /// The number of connections that have not delivered all of it. One that has been closed has
    /// nobody to deliver to.
    pub fn check<C>(&mut self, connections: &Connections<C>, now: Time) -> u64 {
        self.pending.retain(|(id, end)| {
            connections.get(id).is_some_and(|connection| arrived_octets(connection) < *end)
        });
        self.check_at = (!self.pending.is_empty()).then(|| now + CHECK_INTERVAL);
        self.pending.len() as u64
    }
}

/// Octets that are at the peer's host.
fn arrived_octets<C>(connection: &Connection<C>) -> u64 {
    let wire = &connection.wire;
    let on_the_way = match &*wire.stream {
        ByteStream::Tcp(stream) => unacknowledged(stream).unwrap_or(0),
        // What has been sent is in the peer's queue.
        ByteStream::Unix(_) => 0,
    };
    wire.out.sent_octets().saturating_sub(on_the_way)
}
