//! Options and counters of a server's connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::net::socket::Silence;
use crate::security::CurveServer;

/// How clients without a session (Rogue's own, plain libzmq programs) are distinguished.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LegacyPolicy {
    /// On the same host by the owning process and its ZeroMQ context, or by the user if the process
    /// cannot be inspected; on other hosts one client per address.
    #[default]
    Auto,
    /// One client per source address.
    OnePerAddress,
    /// By the owning process; clients without a visible process are not served.
    LocalPid,
    /// They are not served.
    Refuse,
}

/// Limits on the connections and clients of a server.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// How legacy clients are distinguished.
    pub legacy: LegacyPolicy,
    /// The legacy clients of one process share their answers.
    pub legacy_shared_process: bool,
    /// How long connections of one address must have been unambiguous before they are paired.
    pub settle: Duration,
    /// Clients served at once; four times as many connections are open at once.
    pub clients_max: usize,
    /// Whether answers are sent on the request connection, to clients that agree.
    pub duplex: bool,
    /// When the system gives a connection up that carries answers.
    pub silence: Silence,
    /// The keys of the server, and the clients that it accepts. `None`: connections are in the clear.
    pub curve: Option<Arc<CurveServer>>,
    /// Octets of the largest frame that is accepted with CURVE.
    pub sealed_octets_max: u64,
    /// Descriptors reserved for the program, see [`is_reserved`](crate::net::is_reserved).
    pub descriptors_reserved: Option<u32>,
}

/// Counters of a server's connections, written only by its event loop.
#[derive(Debug, Default)]
pub struct LinkCounters {
    /// Clients being served now.
    pub clients: AtomicU64,
    /// Connections now open that belong to no served client.
    pub held: AtomicU64,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections closed because CURVE has refused them: without it, with a wrong key of the server,
    /// or with a client's key that is not allowed.
    pub refused_keys: AtomicU64,
    /// Octets received.
    pub bytes_in: AtomicU64,
}

/// Adds to a counter on the event loop's thread. It has one writer, so no count is lost between
/// load and store; an atomic addition costs more than ten times as much.
#[inline]
pub fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}
