//! The counters of a server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use crate::bridge::link::options::LinkCounters;

/// Counters of a server. They never decrease, except `clients` and `held`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
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
    /// Requests refused with an error before they reached the slave.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Octets received.
    pub bytes_in: u64,
    /// Octets of responses queued for sending.
    pub bytes_out: u64,
}

/// The counters of [`ServerStats`], written only by the event loop.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) link: Arc<LinkCounters>,
    pub(super) requests: AtomicU64,
    pub(super) responses: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) dropped_responses: AtomicU64,
    pub(super) bytes_out: AtomicU64,
}

impl Counters {
    /// The current values.
    pub(super) fn stats(&self) -> ServerStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServerStats {
            clients: load(&self.link.clients),
            held: load(&self.link.held),
            accepted: load(&self.link.accepted),
            refused_keys: load(&self.link.refused_keys),
            requests: load(&self.requests),
            responses: load(&self.responses),
            malformed: load(&self.malformed),
            refused: load(&self.refused),
            dropped_responses: load(&self.dropped_responses),
            bytes_in: load(&self.link.bytes_in),
            bytes_out: load(&self.bytes_out),
        }
    }
}
