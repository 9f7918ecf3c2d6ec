//! A slave's table of the transactions it keeps until their answers come.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::activity::Activity;
use super::holders::Holder;
use super::ids::IdHasher;
use super::transaction::Transaction;
use crate::clock::{self, Time};
use crate::sync::Mutex;

/// Transactions by their ids, and the signs of life of who answers them.
#[derive(Default)]
pub(super) struct Pending {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    transactions: HashSet<Kept, BuildHasherDefault<IdHasher>>,
    activity: Activity,
    /// Of the transactions kept since the table was last empty.
    timeout_max: Duration,
}

/// A transaction in the table. Set member and not map value, so that note and id share a word.
struct Kept {
    id: u32,
    /// What the slave wants to know again when the answer comes.
    note: u32,
    tran: Arc<Transaction>,
}

impl Borrow<u32> for Kept {
    fn borrow(&self) -> &u32 {
        &self.id
    }
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Kept) -> bool {
        self.id == other.id
    }
}

impl Eq for Kept {}

impl Inner {
    fn remove(&mut self, id: u32) -> Option<Kept> {
        let kept = self.transactions.take(&id)?;
        kept.tran.note_released();
        if self.transactions.is_empty() {
            self.activity.clear();
            self.timeout_max = Duration::ZERO;
        }
        Some(kept)
    }
}

impl Pending {
    /// Keeps `tran` and `note` unless it has expired; fails it where another one with its id is
    /// kept.
    pub(super) fn add(self: &Arc<Self>, tran: &Arc<Transaction>, note: u32) {
        if !self.insert(tran, note) {
            tran.error(format!(
                "Transaction id {} is still in use by a pending transaction",
                tran.id()
            ));
            return;
        }
        let holder: Arc<dyn Holder> = self.clone();
        if !tran.set_holder(holder) {
            self.forget(tran);
        }
    }

    /// Returns false where another transaction has the id.
    fn insert(&self, tran: &Arc<Transaction>, note: u32) -> bool {
        let mut inner = self.inner.lock();
        if !inner.transactions.insert(Kept { id: tran.id(), note, tran: tran.clone() }) {
            let known = inner.transactions.get(&tran.id());
            return known.is_some_and(|known| Arc::ptr_eq(&known.tran, tran));
        }
        inner.timeout_max = inner.timeout_max.max(tran.timeout());
        tran.note_kept();
        true
    }

    /// Removes `id`, which an answer has just come for; what started with it or later lives on.
    pub(super) fn take(&self, id: u32) -> Option<(Arc<Transaction>, u32)> {
        let mut inner = self.inner.lock();
        let Kept { tran, note, .. } = inner.remove(id)?;
        let now = clock::now();
        if !inner.transactions.is_empty() {
            let horizon = now - inner.timeout_max;
            inner.activity.prune(horizon);
            inner.activity.answered(tran.start(), now);
        }
        drop(inner);
        tran.restart_clock(now);
        Some((tran, note))
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().transactions.len()
    }

    /// Fails everything that is kept, in order of the ids.
    pub(super) fn fail_all(&self, text: &str) {
        let mut ids: Vec<u32> = self.inner.lock().transactions.iter().map(|kept| kept.id).collect();
        ids.sort_unstable();
        for id in ids {
            // Removed first: an end that comes from elsewhere meanwhile is none of ours.
            let removed = self.inner.lock().remove(id);
            if let Some(kept) = removed {
                kept.tran.error(text);
            }
        }
    }
}

impl Holder for Pending {
    fn forget(&self, tran: &Transaction) {
        let removed = {
            let mut inner = self.inner.lock();
            let known = inner.transactions.get(&tran.id());
            match known.is_some_and(|known| std::ptr::eq(known.tran.as_ref(), tran)) {
                true => inner.remove(tran.id()),
                false => None,
            }
        };
        // Not under the lock: it may be the last reference.
        drop(removed);
    }

    fn last_activity(&self, start: Time) -> Option<Time> {
        self.inner.lock().activity.latest(start)
    }
}
