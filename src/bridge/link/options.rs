//! Options and counters of a server's connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, Time};
use crate::net::socket::Silence;
use crate::security::{AccessList, CurveServer};

/// How clients without a session (Rogue's own, plain libzmq programs) are distinguished.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
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

/// Octets in a second with which peers have to go on, by default: less than the slowest network that
/// anybody would run a bridge over, and enough that a message does not stay for hours.
pub const PROGRESS_PER_SECOND_MIN: u32 = 4096;

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
    /// Clients of one address, or of one user of this host, served at once.
    pub clients_per_address_max: Option<usize>,
    /// Whether answers are sent on the request connection, to clients that agree.
    pub duplex: bool,
    /// When the system gives a connection up that carries answers.
    pub silence: Silence,
    /// The keys of the server, and the clients that it accepts. `None`: connections are in the clear.
    pub curve: Option<Arc<CurveServer>>,
    /// The peers that are let in. `None`: all.
    pub access_list: Option<Arc<AccessList>>,
    /// Octets of the largest frame that is accepted with CURVE.
    pub sealed_octets_max: u64,
    /// Descriptors reserved for the program, see [`is_reserved`](crate::net::is_reserved).
    pub descriptors_reserved: Option<u32>,
    /// Bytes held for all peers together; 0 for the default.
    pub budget_bytes_max: u64,
    /// Octets in a second with which a peer has to go on with a message that it has begun, and to read
    /// what has been sent if that may not stay unread for ever; 0 for any.
    pub progress_per_second_min: u32,
}

/// The changes of keys and rules that have been carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revisions {
    keys: u64,
    rules: u64,
}

impl LinkOptions {
    /// The changes of keys and rules so far.
    pub fn revisions(&self) -> Revisions {
        Revisions {
            keys: self.curve.as_ref().map_or(0, |curve| curve.revision()),
            rules: self.access_list.as_ref().map_or(0, |list| list.revision()),
        }
    }
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
    /// Connections that the access list has not let in, or not any more.
    pub refused_peers: AtomicU64,
    /// Octets received.
    pub bytes_in: AtomicU64,
    /// Bytes held for peers now.
    pub budget_used: AtomicU64,
    /// How often a client had to wait for room in the budget.
    pub budget_waits: AtomicU64,
    /// When the oldest unfinished message or unread output has begun; 0 without any.
    pub unfinished_since: AtomicU64,
    /// Connections closed because their peers were too slow with what they had begun.
    pub closed_slow: AtomicU64,
    /// Connections closed because they were the slowest and others needed the room.
    pub closed_for_room: AtomicU64,
    /// Connections closed because the system had no memory for what they needed.
    pub closed_no_memory: AtomicU64,
    /// Idle clients that have made room for others.
    pub clients_evicted: AtomicU64,
    /// Clients not served because all places were taken.
    pub refused_full: AtomicU64,
    /// Clients not served because all places of their address were taken.
    pub refused_address: AtomicU64,
    /// Clients not served because the server drained.
    pub refused_draining: AtomicU64,
    /// Clients disconnected because too many of their messages were malformed.
    pub closed_malformed: AtomicU64,
    /// Connections without a client that have made room for others.
    pub connections_displaced: AtomicU64,
}

impl LinkCounters {
    /// Age of the oldest unfinished message or unread output, the begun millisecond included; zero
    /// without any.
    pub fn unfinished(&self) -> Duration {
        match self.unfinished_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => clock::now().since(Time(since)) + Duration::from_millis(1),
        }
    }
}

/// Adds to a counter on the event loop's thread. It has one writer, so no count is lost between
/// load and store; an atomic addition costs more than ten times as much.
#[inline]
pub fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}
