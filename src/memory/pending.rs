//! A slave's table of the transactions that wait for their answers.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustc_hash::FxBuildHasher;

use super::activity::Activity;
use super::transaction::Transaction;
use super::transaction::{Kept, Tracker};
use crate::clock::{self, Time};
use crate::process::{inherited_text, Generation};
use crate::sync::Mutex;

/// Receives the answers to a slave's transactions in the threads of requesters that wait; see
/// [`SlaveBase::set_answer_source`](super::SlaveBase::set_answer_source).
pub trait AnswerSource: Send + Sync {
    /// As [`Tracker::drive`].
    fn drive(&self, tran: &Arc<Transaction>, limit: Time);

    /// As [`Tracker::interrupt`].
    fn interrupt(&self);

    /// What is known to be wrong with the way to the answers, in a sentence; called with no lock
    /// held.
    fn explain(&self) -> Option<String> {
        None
    }
}

/// Transactions by id, and the slave's signs of life. In a child by `fork` an inherited one keeps
/// nothing, and knows of nothing: threads of the parent may have held its lock.
#[derive(Default)]
pub(super) struct Pending {
    generation: Generation,
    table: Mutex<PendingTable>,
    source: OnceLock<Box<dyn AnswerSource>>,
}

#[derive(Default)]
struct PendingTable {
    transactions: HashSet<PendingEntry, FxBuildHasher>,
    activity: Activity,
    /// Longest timeout of the transactions kept since the table was last empty.
    timeout_max: Duration,
}

/// A transaction in the table. A set member and not a map value, so that note and id share a word.
struct PendingEntry {
    id: u32,
    /// A value of the slave's own, returned with the transaction.
    note: u32,
    tran: Kept,
}

impl Borrow<u32> for PendingEntry {
    fn borrow(&self) -> &u32 {
        &self.id
    }
}

impl Hash for PendingEntry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl PartialEq for PendingEntry {
    fn eq(&self, other: &PendingEntry) -> bool {
        self.id == other.id
    }
}

impl Eq for PendingEntry {}

impl PendingTable {
    fn remove(&mut self, id: u32) -> Option<PendingEntry> {
        let entry = self.transactions.take(&id)?;
        if self.transactions.is_empty() {
            self.activity.clear();
            self.timeout_max = Duration::ZERO;
        }
        Some(entry)
    }
}

impl Pending {
    /// Keeps `tran` and `note` unless it has expired; fails it if its id is in use.
    pub(super) fn add(self: &Arc<Self>, tran: &Arc<Transaction>, note: u32) {
        if self.generation.is_inherited() {
            return tran.error(inherited_text("The memory slave"));
        }
        if !self.insert(tran, note) {
            tran.error(format!(
                "Transaction id {} is still in use by a pending transaction",
                tran.id()
            ));
            return;
        }
        let tracker: Arc<dyn Tracker> = self.clone();
        if !tran.set_tracker(tracker) {
            self.forget(tran);
        }
    }

    /// The process that made it.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// From now on waiting threads receive by `source`; the first one counts.
    pub(super) fn set_source(&self, source: Box<dyn AnswerSource>) {
        let _ = self.source.set(source);
    }

    /// False if another transaction has the id.
    fn insert(&self, tran: &Arc<Transaction>, note: u32) -> bool {
        let mut table = self.table.lock();
        if !table.transactions.insert(PendingEntry { id: tran.id(), note, tran: Kept::new(tran) }) {
            let known = table.transactions.get(&tran.id());
            return known.is_some_and(|known| Arc::ptr_eq(&known.tran, tran));
        }
        table.timeout_max = table.timeout_max.max(tran.timeout());
        true
    }

    /// Removes `id`, whose answer has arrived; refreshes transactions that started with it or
    /// later.
    pub(super) fn take(&self, id: u32) -> Option<(Arc<Transaction>, u32)> {
        let mut table = self.table.lock_own(self.generation)?;
        let PendingEntry { tran, note, .. } = table.remove(id)?;
        let tran = tran.release();
        let now = clock::now();
        if !table.transactions.is_empty() {
            let horizon = now - table.timeout_max;
            table.activity.prune(horizon);
            table.activity.answered(tran.start(), now);
        }
        drop(table);
        tran.restart_clock(now);
        Some((tran, note))
    }

    pub(super) fn len(&self) -> usize {
        self.table.lock_own(self.generation).map_or(0, |table| table.transactions.len())
    }

    /// Fails all transactions of the table, in ascending order of the ids.
    pub(super) fn fail_all(&self, text: &str) {
        let Some(table) = self.table.lock_own(self.generation) else { return };
        let mut ids: Vec<u32> = table.transactions.iter().map(|entry| entry.id).collect();
        drop(table);
        ids.sort_unstable();
        for id in ids {
            // Removed first: an end from elsewhere in the meantime is not ours.
            let removed = self.table.lock().remove(id);
            if let Some(entry) = removed {
                entry.tran.release().error(text);
            }
        }
    }
}

impl Tracker for Pending {
    fn forget(&self, tran: &Transaction) {
        let removed = {
            let Some(mut table) = self.table.lock_own(self.generation) else { return };
            let known = table.transactions.get(&tran.id());
            match known.is_some_and(|known| std::ptr::eq(&**known.tran, tran)) {
                true => table.remove(tran.id()),
                false => None,
            }
        };
        // Outside the lock: possibly the last reference.
        drop(removed);
    }

    fn drive(&self, tran: &Arc<Transaction>, limit: Time) {
        if let Some(source) = self.source.get() {
            source.drive(tran, limit);
        }
    }

    fn interrupt(&self) {
        if let Some(source) = self.source.get() {
            source.interrupt();
        }
    }

    fn last_activity(&self, tran: &Transaction) -> Option<Time> {
        self.table.lock_own(self.generation)?.activity.latest(tran.start())
    }

    fn explain(&self, tran: &Transaction) -> Option<String> {
        self.source.get().filter(|_| !tran.is_inherited())?.explain()
    }
}
