//! The memory that a server holds for its peers.
//!
//! Every connection is charged for what is held because of it. A client asks before it makes the
//! server hold more ([`Budget::grants`]); where the answer is no it is not read until there is room.

mod process;

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::options::LinkCounters;
use crate::net::DriverHandle;
use crate::process::{memory_share, Generation};
use process::{press, Process, Sign, BYTES_MIN, PROCESS};

pub use process::{memory_budget, note_failure, set_memory_budget, MemoryBudget};

/// What a client may always hold, whatever others do: one small request.
const SMALL_BYTES: u64 = 4096;
/// One part in this many of the budget is for the guaranteed shares, and the other for clients that
/// hold more.
const PARTS: u64 = 2;

/// The state of a client, for which memory is held.
pub trait Holder {
    /// Whether what is queued for it are answers to what it has asked for.
    const IS_ANSWERED: bool;

    /// Bytes held for it besides its connections' own: requests and messages begun.
    fn held_bytes(&self) -> u64;
}

/// What a connection has been charged with.
#[derive(Clone, Copy, Default, Debug)]
pub struct Charge {
    /// Bytes.
    pub bytes: u64,
    /// What its client has asked for is above the guaranteed share.
    is_above: bool,
}

impl Charge {
    /// That of two connections.
    pub fn with(self, other: Charge) -> Charge {
        Charge { bytes: self.bytes + other.bytes, is_above: self.is_above || other.is_above }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Bytes that it holds now: requests, messages begun, unread answers.
    pub own: u64,
    /// Further bytes that it asks for.
    pub more: u64,
    /// What its connections have been charged with so far, together.
    pub charged: Charge,
}

/// The budget of one server, a part of that of the process. Owned by the server's event loop.
pub struct Budget {
    generation: Generation,
    process: &'static Process,
    bytes_max: u64,
    /// The guaranteed share of each client.
    share: u64,
    /// Bytes charged.
    used: Cell<u64>,
    /// Bytes of the process's budget that this server has taken: at least those that are used.
    leased: Cell<u64>,
    /// Number of connections with more than a guaranteed share.
    above: Cell<u64>,
    /// Something has been let go of since the last [`take_freed`](Self::take_freed).
    is_freed: Cell<bool>,
    sign: Arc<Sign>,
    counters: Arc<LinkCounters>,
}

impl Budget {
    /// Of `bytes_max` bytes, 0 for the default, for at most `clients_max` clients. When the process
    /// has room again the loop of `handle` is woken.
    pub fn new(
        bytes_max: u64,
        clients_max: usize,
        handle: DriverHandle,
        counters: Arc<LinkCounters>,
    ) -> Budget {
        Budget::of(&PROCESS, bytes_max, clients_max, handle, counters)
    }

    fn of(
        process: &'static Process,
        bytes_max: u64,
        clients_max: usize,
        handle: DriverHandle,
        counters: Arc<LinkCounters>,
    ) -> Budget {
        let bytes_max = if bytes_max == 0 { memory_share() } else { bytes_max.max(BYTES_MIN) };
        Budget {
            generation: Generation::current(),
            process,
            bytes_max,
            share: bytes_max / PARTS / clients_max.max(1) as u64,
            used: Cell::default(),
            leased: Cell::default(),
            above: Cell::default(),
            is_freed: Cell::default(),
            sign: Sign::new(handle),
            counters,
        }
    }

    /// The most that one request or message may take.
    pub fn largest(&self) -> u64 {
        self.bytes_max.min(self.process.bytes_max()) / PARTS
    }

    /// What each client may hold at least.
    pub fn share(&self) -> u64 {
        self.share
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        self.used.get()
    }

    /// Whether a client may hold more, which has then been set aside for it until it is charged.
    ///
    /// * It may always hold its guaranteed share. Those of all clients are half of the budget.
    /// * It may hold more as long as it holds no more than what is then left of half of the budget:
    ///   each further client gets a smaller part, and none everything.
    /// * One client that holds no more than its share may take one thing of any size, if all others
    ///   hold no more than theirs.
    ///
    /// All that within the process's budget too. One small request is always possible: that is what
    /// exceeds the budget, by [`SMALL_BYTES`] for each client at most.
    #[inline]
    pub fn grants(&self, demand: &Demand) -> bool {
        let own = demand.own + demand.more;
        let used = self.used.get().saturating_sub(demand.charged.bytes) + own;
        if own <= self.share && used <= self.leased.get() {
            return true;
        }
        self.grants_more(demand, own, used)
    }

    #[inline(never)]
    fn grants_more(&self, demand: &Demand, own: u64, used: u64) -> bool {
        if own <= SMALL_BYTES {
            self.lease(used, true);
            return true;
        }
        if used > self.bytes_max {
            return false;
        }
        let is_in_share = own <= self.share;
        let by_all = self.process.used().saturating_sub(self.leased.get()) + used;
        let leaves_as_much = own + used <= self.bytes_max / PARTS
            && own + by_all <= self.process.bytes_max() / PARTS;
        let is_alone = || {
            let mine = u64::from(demand.charged.is_above);
            demand.own <= self.share && self.above.get() == mine && self.process.above() == mine
        };
        (is_in_share || leaves_as_much || is_alone()) && self.lease(used, false)
    }

    /// Takes as much of the process's budget as is needed for `used` bytes; without `is_forced` only
    /// if it is there.
    fn lease(&self, used: u64, is_forced: bool) -> bool {
        let leased = self.leased.get();
        let Some(more) = used.checked_sub(leased).filter(|&more| more > 0) else { return true };
        let taken = self.process.take(more, is_forced);
        self.leased.set(leased + taken);
        taken > 0
    }

    /// Charges a connection that holds `held` bytes now. Those are for `own` bytes that its client has
    /// asked for; octets that wait to be decoded are not, for example.
    #[inline]
    pub fn charge(&self, charged: &mut Charge, held: u64, own: u64) {
        let is_above = own > self.share;
        if charged.is_above != is_above {
            charged.is_above = is_above;
            let count = self.above.get();
            self.above.set(if is_above { count + 1 } else { count - 1 });
            self.process.add_above(is_above);
        }
        if charged.bytes != held {
            self.use_instead(std::mem::replace(&mut charged.bytes, held), held);
        }
    }

    fn use_instead(&self, former: u64, held: u64) {
        self.is_freed.set(self.is_freed.get() | (held < former));
        let used = self.used.get() + held - former;
        self.used.set(used);
        self.counters.budget_used.store(used, Ordering::Relaxed);
        self.lease(used, true);
        let unused = self.leased.get() - used;
        if let Some(given) = self.process.give(unused, used == 0) {
            self.leased.set(self.leased.get() - given);
        }
    }

    /// As [`charge`](Self::charge), for what is held for nobody in particular.
    #[inline]
    pub fn charge_common(&self, charged: &mut u64, held: u64) {
        if *charged != held {
            self.use_instead(std::mem::replace(charged, held), held);
        }
    }

    /// Whether something has been let go of since the last call.
    pub fn take_freed(&self) -> bool {
        self.is_freed.take() | self.sign.take_news()
    }

    /// Says whether clients of this server wait for room; if so, the loop is woken when others let
    /// go of something, and at first for what they have let go of meanwhile.
    pub fn set_starved(&self, is_starved: bool) {
        self.sign.set_starved(is_starved);
    }

    /// Asks the other servers of the process to close what [hinders](Self::is_pressed) this one.
    pub fn press_others(&self) {
        press(&self.sign);
    }

    /// Whether another server wants room, since the last call.
    pub fn is_pressed(&self) -> bool {
        self.sign.take_pressed()
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        if self.generation.is_inherited() {
            return;
        }
        for _ in 0..self.above.get() {
            self.process.add_above(false);
        }
        self.process.give(self.leased.get(), true);
        self.sign.end();
        self.counters.budget_used.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
