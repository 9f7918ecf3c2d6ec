//! The transactions that the slave keeps, and their deadlines.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, TryReserveError, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::auditor::Begun;
use super::timing::Patience;
use crate::bridge::link::connection::ClientId;
use crate::clock::Time;
use crate::memory::{try_reserve_one, IdMap, Observer, Transaction};
use crate::net::DriverHandle;
use crate::proto::bridge::Header;
use crate::sync::Mutex;

/// Number of obsolete checks that are not worth removing.
const CHECKS_KEPT_MIN: usize = 64;
/// Late transactions that are ended in one turn, so that their list is small.
const LATE_TOGETHER_MAX: usize = 256;
/// Ended transactions that are answered in one step.
pub(super) const ENDED_TOGETHER_MAX: usize = 256;
/// Bytes that a request takes besides its data: its transaction, and its entries in the tables of
/// kept ones, which may be half empty.
pub(super) const REQUEST_BYTES: u64 =
    (size_of::<Transaction>() + 2 * size_of::<Outstanding>() + 64) as u64;

/// The time of a request.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    /// Start of its clock.
    pub(super) start: Time,
    /// Its timeout in nanoseconds; `None`: the master's.
    pub(super) timeout_ns: Option<u64>,
    /// How long the server waits beyond that: if the client's timeout is the shorter one, the
    /// client reports it to its user, and has certainly done so by then.
    pub(super) grace: Duration,
    /// The client's patience, if it sends it.
    pub(super) patience: Option<Patience>,
}

impl Allowance {
    /// Whether the time of `tran` has passed.
    pub(super) fn is_over(&self, tran: &Transaction, now: Time) -> bool {
        tran.deadline() + self.grace <= now
    }
}

/// A transaction that the slave keeps.
pub(super) struct Outstanding {
    pub(super) tran: Arc<Transaction>,
    pub(super) allowance: Allowance,
    pub(super) client: ClientId,
    pub(super) header: Header,
    /// Bytes held for it, its buffer included.
    pub(super) held_bytes: u64,
    /// The slave has completed it, and still holds the lock of its data.
    pub(super) is_locked: bool,
    /// For its record, if there will be one.
    pub(super) begun: Option<Box<Begun>>,
}

/// The list of ended transactions for the event loop.
struct Completions {
    handle: DriverHandle,
    ended: Mutex<VecDeque<Arc<Transaction>>>,
}

impl Observer for Completions {
    fn completed(&self, tran: &Arc<Transaction>) {
        if self.handle.is_inherited() {
            return;
        }
        self.ended.lock().push_back(tran.clone());
        self.handle.wake();
    }
}

/// The kept transactions, by id.
pub(super) struct OutstandingTable {
    kept: IdMap<Outstanding>,
    /// Checks for late transactions, the earliest first. Some may be of transactions that have
    /// ended.
    checks: BinaryHeap<Reverse<(Time, u32)>>,
    completions: Arc<Completions>,
    /// Number of ended transactions for which there is room.
    ended_room: usize,
}

impl OutstandingTable {
    /// Ended transactions wake the loop of `handle`.
    pub(super) fn new(handle: DriverHandle) -> OutstandingTable {
        let completions = Arc::new(Completions { handle, ended: Mutex::default() });
        let (kept, checks) = (IdMap::default(), BinaryHeap::new());
        OutstandingTable { kept, checks, completions, ended_room: 0 }
    }

    /// Makes room for one more.
    ///
    /// # Errors
    ///
    /// The system has no memory.
    #[inline]
    pub(super) fn try_reserve_one(&mut self) -> Result<(), TryReserveError> {
        try_reserve_one(&mut self.kept)?;
        self.checks.try_reserve(1)?;
        match self.kept.len() < self.ended_room {
            true => Ok(()),
            false => self.try_reserve_ended(),
        }
    }

    #[cold]
    fn try_reserve_ended(&mut self) -> Result<(), TryReserveError> {
        let mut ended = self.completions.ended.lock();
        let wanted = 2 * self.kept.len() + 1;
        let more = wanted.saturating_sub(ended.len());
        ended.try_reserve(more)?;
        self.ended_room = ended.capacity();
        Ok(())
    }

    /// Keeps a transaction until its slave completes it, or unlocks its data if it has completed it
    /// already.
    pub(super) fn keep(&mut self, kept: Outstanding) {
        // Obsolete checks are removed when they are the majority.
        if self.checks.len() > 2 * self.kept.len() + CHECKS_KEPT_MIN {
            let kept = &self.kept;
            self.checks.retain(|Reverse((_, id))| kept.contains_key(id));
        }
        let (tran, is_locked) = (kept.tran.clone(), kept.is_locked);
        self.checks.push(Reverse((tran.deadline() + kept.allowance.grace, tran.id())));
        self.kept.insert(tran.id(), kept);
        let completions = self.completions.clone();
        if !is_locked {
            return tran.observe(completions);
        }
        // Weak: a strong reference would leak if the lock is never released.
        let free = Arc::downgrade(&tran);
        tran.when_unlocked(move || {
            if let Some(tran) = free.upgrade() {
                completions.completed(&tran);
            }
        });
    }

    fn remove(&mut self, id: u32) -> Option<Outstanding> {
        let kept = self.kept.remove(&id)?;
        if self.kept.is_empty() {
            self.checks.clear();
        }
        Some(kept)
    }

    /// Moves ended ones into `ended`, which is empty, as many as it has room for. Returns whether
    /// there are any.
    pub(super) fn take_ended(&self, ended: &mut Vec<Arc<Transaction>>) -> bool {
        let mut coming = self.completions.ended.lock();
        let count = coming.len().min(ended.capacity());
        ended.extend(coming.drain(..count));
        !ended.is_empty()
    }

    /// Removes the next one of `ended` from the table.
    pub(super) fn next_of(
        &mut self,
        ended: &mut impl Iterator<Item = Arc<Transaction>>,
    ) -> Option<Outstanding> {
        // The reference of `ended` is dropped first: a last reference is reused.
        ended.find_map(|tran| self.remove(tran.id()))
    }

    /// Number of kept transactions, also of clients that are gone.
    pub(super) fn count(&self) -> usize {
        self.kept.len()
    }

    /// When to call [`end_late`](Self::end_late).
    pub(super) fn deadline(&self) -> Option<Time> {
        self.checks.peek().map(|&Reverse((time, _))| time)
    }

    /// Ends those that the slave has kept for too long.
    pub(super) fn end_late(&mut self, now: Time) {
        let mut late = Vec::new();
        // The others are due at once after these.
        while late.len() < LATE_TOGETHER_MAX
            && self.checks.peek().is_some_and(|&Reverse((time, _))| time <= now)
        {
            let Some(Reverse((_, id))) = self.checks.pop() else { break };
            let Some(kept) = self.kept.get(&id) else { continue };
            match kept.tran.deadline() + kept.allowance.grace {
                deadline if deadline <= now => late.push((kept.tran.clone(), kept.is_locked)),
                later => self.checks.push(Reverse((later, id))),
            }
        }
        for (tran, is_locked) in late {
            match is_locked {
                true => self.completions.completed(&tran),
                false => tran.time_out_at_once(),
            }
        }
    }

    /// Frees memory that is kept for later.
    pub(super) fn give_back(&mut self) {
        self.kept.shrink_to_fit();
        self.checks.shrink_to_fit();
        let mut ended = self.completions.ended.lock();
        ended.shrink_to(self.kept.len());
        self.ended_room = ended.capacity();
    }

    /// Gives all of them up, and returns them. The buffers are the server's own, freed with the last
    /// references.
    pub(super) fn give_up(&mut self, why: &str) -> Vec<Outstanding> {
        let given_up: Vec<_> = self.kept.drain().map(|(_, kept)| kept).collect();
        given_up.iter().for_each(|kept| kept.tran.give_up_at_once(why));
        given_up
    }
}
