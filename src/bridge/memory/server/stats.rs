//! The counters of a server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::refusal::Refusals;
use crate::bridge::link::options::LinkCounters;

/// Counters of a server. They never decrease, except `clients`, `held`, `budget_used` and
/// `unfinished`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ServerStats {
    /// Clients being served now.
    pub clients: u64,
    /// Open connections without a served client.
    pub held: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that CURVE has refused: without it, with a wrong key of the server, or with a
    /// client's key that is not allowed.
    pub refused_keys: u64,
    /// Requests received, probes included.
    pub requests: u64,
    /// Responses queued for sending.
    pub responses: u64,
    /// Messages dropped because they are not requests.
    pub malformed: u64,
    /// Requests refused with an error before they reached the slave, for any of the reasons below.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Octets received.
    pub bytes_in: u64,
    /// Octets of responses queued for sending.
    pub bytes_out: u64,
    /// Refused: no such access is possible, for its type or its address.
    pub refused_access: u64,
    /// Refused: larger than the server allows.
    pub refused_size: u64,
    /// Refused: a write of a client that may read only.
    pub refused_writes: u64,
    /// Refused: the time had passed when its turn came.
    pub refused_late: u64,
    /// Refused: the system had no memory for it.
    pub refused_memory: u64,
    /// Refused: the data did not match the header.
    pub refused_malformed: u64,
    /// Bytes that the server holds for its peers now.
    pub budget_used: u64,
    /// How often a client had to wait for room in the budget.
    pub budget_waits: u64,
    /// Age of the oldest message that has come in part, or answer that is unread; zero without any.
    pub unfinished: Duration,
    /// Clients disconnected because they were too slow with what they had begun.
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
    /// 1 since the server [drains](super::TcpServer::drain), else 0.
    pub draining: u64,
    /// Refused: the server drained.
    pub refused_draining: u64,
    /// Clients not served because the server drained.
    pub clients_refused_draining: u64,
    /// Refused: outside of the addresses that the access list lets the client read, or write.
    pub refused_windows: u64,
    /// Connections closed because the access list does not let their peers in, or not any more.
    pub refused_peers: u64,
}

/// The counters of [`ServerStats`], written only by the event loop.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) link: Arc<LinkCounters>,
    pub(super) requests: AtomicU64,
    pub(super) responses: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) refused: Refusals,
    pub(super) dropped_responses: AtomicU64,
    pub(super) bytes_out: AtomicU64,
}

impl Counters {
    /// The current values, of a server that drains or not.
    pub(super) fn stats(&self, is_draining: bool) -> ServerStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Refusals { access, size, writes, windows, late, memory, malformed, draining } =
            &self.refused;
        let causes = [access, size, writes, windows, late, memory, malformed, draining];
        ServerStats {
            clients: load(&self.link.clients),
            held: load(&self.link.held),
            accepted: load(&self.link.accepted),
            refused_keys: load(&self.link.refused_keys),
            requests: load(&self.requests),
            responses: load(&self.responses),
            malformed: load(&self.malformed),
            refused: causes.into_iter().map(load).sum(),
            dropped_responses: load(&self.dropped_responses),
            bytes_in: load(&self.link.bytes_in),
            bytes_out: load(&self.bytes_out),
            refused_access: load(access),
            refused_size: load(size),
            refused_writes: load(writes),
            refused_late: load(late),
            refused_memory: load(memory),
            refused_malformed: load(malformed),
            budget_used: load(&self.link.budget_used),
            budget_waits: load(&self.link.budget_waits),
            unfinished: self.link.unfinished(),
            closed_slow: load(&self.link.closed_slow),
            closed_for_room: load(&self.link.closed_for_room),
            closed_no_memory: load(&self.link.closed_no_memory),
            clients_evicted: load(&self.link.clients_evicted),
            clients_refused_full: load(&self.link.refused_full),
            clients_refused_address: load(&self.link.refused_address),
            closed_malformed: load(&self.link.closed_malformed),
            connections_displaced: load(&self.link.connections_displaced),
            draining: u64::from(is_draining),
            refused_draining: load(draining),
            clients_refused_draining: load(&self.link.refused_draining),
            refused_windows: load(windows),
            refused_peers: load(&self.link.refused_peers),
        }
    }
}
