//! The counters of one end of a stream bridge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one end of a stream bridge. They never decrease, except `peers`, `held`, `queued`,
/// `budget_used` and `unfinished`. The last ten are of servers only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct StreamStats {
    /// Peers connected now: clients of a server; of a client, its server.
    pub peers: u64,
    /// Connections now open that belong to no peer; always 0 for a client.
    pub held: u64,
    /// Connections that CURVE has refused, see [`ServerStats`](crate::bridge::ServerStats); always 0
    /// for a client.
    pub refused_keys: u64,
    /// Peers that have connected.
    pub connects: u64,
    /// Peers that have disconnected.
    pub disconnects: u64,
    /// Frames received and passed on.
    pub frames_in: u64,
    /// Bytes of their payload.
    pub bytes_in: u64,
    /// Frames sent, which means: taken by the system.
    pub frames_out: u64,
    /// Bytes of their payload.
    pub bytes_out: u64,
    /// Frames accepted and not yet sent.
    pub queued: u64,
    /// Received frames that were dropped: too large, or without a slave to receive them.
    pub dropped_in: u64,
    /// Frames to be sent that were dropped: the object was stopped, the sender's wait ended, a
    /// connection was lost before they were sent completely, or a request was given up before.
    pub dropped_out: u64,
    /// Messages received that are no frames.
    pub malformed: u64,
    /// Bytes that the server holds for its peers now.
    pub budget_used: u64,
    /// How often a client had to wait for room in the budget.
    pub budget_waits: u64,
    /// Age of the oldest frame that has come in part, or is unread; zero without any.
    pub unfinished: Duration,
    /// Clients disconnected because they were too slow with a frame that they had begun.
    pub closed_slow: u64,
    /// Clients disconnected because they were the slowest and others needed the room.
    pub closed_for_room: u64,
    /// Connections closed because the system had no memory for what they needed.
    pub closed_no_memory: u64,
    /// Idle clients that have made room for others.
    pub clients_evicted: u64,
    /// Clients not served because all places were taken by clients that were not idle.
    pub clients_refused_full: u64,
    /// Clients not served because all places of their address were taken by such clients.
    pub clients_refused_address: u64,
    /// Clients disconnected because too many of their messages were malformed.
    pub closed_malformed: u64,
    /// Connections without a client that have made room for others.
    pub connections_displaced: u64,
    /// Connections closed because the access list does not let their peers in, or not any more.
    pub refused_peers: u64,
}

/// The counters that only the event loop writes.
#[derive(Debug, Default)]
pub(super) struct LoopCounters {
    pub(super) frames_in: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) dropped_in: AtomicU64,
    pub(super) malformed: AtomicU64,
}

impl LoopCounters {
    /// Sets the fields of `stats` that are counted here.
    pub(super) fn add_to(&self, stats: StreamStats) -> StreamStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StreamStats {
            frames_in: load(&self.frames_in),
            bytes_in: load(&self.bytes_in),
            dropped_in: load(&self.dropped_in),
            malformed: load(&self.malformed),
            ..stats
        }
    }
}
