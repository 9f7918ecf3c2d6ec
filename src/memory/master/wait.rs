//! How the end of a transaction reaches its requester: waits, claimants, cancellation.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{Master, NAME, SOURCE};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::memory::claim::{Claim, Claimant};
use crate::memory::transaction::DataBuffer;
use crate::memory::transaction::Transaction;
use crate::memory::{deadlines, observers};
use crate::process;

/// The error text of a cancelled transaction.
const CANCELLED_TEXT: &str = "The transaction was cancelled by its requester";

/// The state of an id.
enum Found {
    Nothing,
    /// It has been collected.
    Ended(Result<()>, Option<DataBuffer>),
    /// It is pending, or has ended while a slave still holds the data lock.
    Pending(Arc<Transaction>),
}

/// All outstanding transactions of one moment.
#[derive(Default)]
struct OutstandingSet {
    /// In ascending order of their ids.
    transactions: Vec<Arc<Transaction>>,
    /// The latest id of that moment.
    latest: u64,
}

impl Master {
    /// Waits until transaction `id` has ended. 0 means all that are outstanding now; the error is
    /// then that of the failed one with the highest id. An unknown id, or one whose result has been
    /// waited for, is no error. Several threads may wait for the same one.
    ///
    /// # Errors
    ///
    /// The slave's error ([`Status::Transaction`]), the expiry of its time
    /// ([`Status::TransactionTimeout`]), or a result that has been [forgotten](Self::request)
    /// ([`Status::NotFound`]). The text also becomes the [`last_error`](Self::last_error).
    pub fn wait(&self, id: u32) -> Result<()> {
        if id == 0 {
            return self.wait_all();
        }
        self.wait_for_id(id).map_or(Ok(()), |(outcome, _)| outcome)
    }

    fn wait_all(&self) -> Result<()> {
        // References, not ids: a thread that collects one first cannot take it out of this result.
        self.collect_all(self.all_outstanding())
    }

    /// Waits for each of `all`; returns the error of the last one that failed.
    fn collect_all(&self, OutstandingSet { transactions, latest }: OutstandingSet) -> Result<()> {
        let Some(mut table) = self.own_table() else { return Err(inherited()) };
        let claimed = table.unclaimed.claim_all(latest);
        drop(table);
        let failure = claimed.into_failure();
        let mut sum = failure.map_or((0, Ok(())), |(id, error)| (id, Err(error)));
        self.keep_error(&sum.1);
        for tran in transactions {
            let id = tran.id();
            let (outcome, _) = self.wait_for(tran);
            if outcome.is_err() && id >= sum.0 {
                sum = (id, outcome);
            }
        }
        sum.1
    }

    /// Waits for `id` as [`wait`](Self::wait) does, but no longer than `time`. `None` if the
    /// transaction, or with 0 any of them, has not ended by then or a slave still holds its data
    /// lock; all of them stay as they are then.
    pub fn wait_at_most(&self, id: u32, time: Duration) -> Option<Result<()>> {
        self.wait_by(id, || clock::now() + time)
    }

    /// Waits for `ids`, in this order, until one has failed or `time` has passed in all. Returns
    /// the number of those that have ended, the failed one included, and the outcome as
    /// [`wait_at_most`](Self::wait_at_most) does.
    pub fn wait_many(&self, ids: &[u32], time: Duration) -> (usize, Option<Result<()>>) {
        let mut limit = None;
        for (index, id) in ids.iter().enumerate() {
            let limit = || *limit.get_or_insert_with(|| clock::now() + time);
            match self.wait_by(*id, limit) {
                Some(Ok(())) => {}
                Some(failed) => return (index + 1, Some(failed)),
                None => return (index, None),
            }
        }
        (ids.len(), Some(Ok(())))
    }

    /// Waits as [`wait_at_most`](Self::wait_at_most) does, until `limit`, which is computed only if
    /// a wait is needed.
    fn wait_by(&self, id: u32, limit: impl FnOnce() -> Time) -> Option<Result<()>> {
        if id == 0 {
            let all = self.all_outstanding();
            let limit = limit();
            let is_over = |tran: &Arc<Transaction>| tran.is_lost() || tran.is_settled_by(limit);
            let is_settled = all.transactions.iter().all(is_over);
            return is_settled.then(|| self.collect_all(all));
        }
        match self.look_at(id) {
            Found::Nothing => Some(Ok(())),
            Found::Ended(outcome, _) => Some(outcome),
            Found::Pending(tran) => {
                let is_over = tran.is_lost() || tran.is_settled_by(limit());
                is_over.then(|| self.wait_for(tran).0)
            }
        }
    }

    /// Waits for `id` as [`wait`](Self::wait) does and returns its buffer: the bytes of a request
    /// with a vector. The bytes of an old write may be gone.
    ///
    /// # Errors
    ///
    /// As `wait`; [`Status::NotFound`] for an id that is not outstanding;
    /// [`Status::InvalidData`] if another thread that waited for it has the buffer.
    pub fn wait_buffer(&self, id: u32) -> Result<Vec<u8>> {
        let (outcome, buffer) = self.wait_for_id(id).ok_or_else(|| not_found(id))?;
        outcome?;
        buffer.map(DataBuffer::into_vec).ok_or_else(|| {
            let text = format!("Another thread has waited for transaction {id} and has its data");
            Error::new(Status::InvalidData, "memory::Master::waitTransaction", text)
        })
    }

    fn wait_for_id(&self, id: u32) -> Option<(Result<()>, Option<DataBuffer>)> {
        match self.look_at(id) {
            Found::Nothing => None,
            Found::Ended(outcome, buffer) => Some((outcome, buffer)),
            Found::Pending(tran) => Some(self.wait_for(tran)),
        }
    }

    /// Collects `id` if it has ended. False if a wait is needed.
    pub(super) fn collect_ended(&self, id: u32) -> bool {
        !matches!(self.look_at(id), Found::Pending(_))
    }

    /// Collects `id` if that needs no wait.
    fn look_at(&self, id: u32) -> Found {
        let Some(mut table) = self.own_table() else { return Found::Ended(Err(inherited()), None) };
        let Some(tran) = table.transactions.get(&id) else {
            let claimed = table.unclaimed.claim(id);
            let claimed = claimed.map(|(outcome, data)| (outcome, Some(data)));
            let found = claimed.or_else(|| Some((Err(table.unclaimed.forgotten(id)?), None)));
            drop(table);
            let Some((outcome, data)) = found else { return Found::Nothing };
            self.keep_error(&outcome);
            return Found::Ended(outcome, data);
        };
        let Some((outcome, buffer, is_due)) = tran.try_collect_quietly() else {
            return Found::Pending(tran.clone());
        };
        // It had ended: the common case with a slave that completes at once.
        let due = is_due.then(|| tran.clone());
        let tran = table.take(id).expect("found above");
        table.spare.keep(tran);
        drop(table);
        due.into_iter().for_each(|tran| tran.do_due());
        self.keep_error(&outcome);
        Found::Ended(outcome, buffer)
    }

    fn wait_for(&self, tran: Arc<Transaction>) -> (Result<()>, Option<DataBuffer>) {
        tran.wait();
        if tran.is_inherited() {
            return lose(tran);
        }
        let outcome = tran.outcome().expect("a wait ends with the transaction");
        // Also if another thread takes it: only after this does no slave touch the bytes.
        let buffer = tran.collect().map(|(_, buffer)| buffer);
        let mut table = self.table.lock();
        let known = table.remove(&tran);
        drop(tran);
        known.into_iter().for_each(|known| table.spare.keep(known));
        drop(table);
        self.keep_error(&outcome);
        (outcome, buffer)
    }

    fn all_outstanding(&self) -> OutstandingSet {
        let Some(table) = self.own_table() else { return OutstandingSet::default() };
        let mut transactions: Vec<_> = table.transactions.values().cloned().collect();
        let latest = table.unclaimed.latest();
        drop(table);
        transactions.sort_unstable_by_key(|tran| tran.id());
        OutstandingSet { transactions, latest }
    }

    /// Calls `claimant` at the end of transaction `id`; at once if it has ended. A wait is optional
    /// then: the transaction also ends at its deadline, and leaves the table after the call.
    /// Replaces an earlier claimant, which is dropped without a call.
    ///
    /// # Errors
    ///
    /// [`Status::NotFound`] for an id that is not outstanding, or has been forgotten;
    /// [`Status::OutOfResources`] if the system refuses the deadline thread.
    pub fn observe(&self, id: u32, claimant: Arc<dyn Claimant>) -> Result<()> {
        self.observe_with(id, || claimant)
    }

    /// As [`observe`](Self::observe), with the claimant that `make` creates once no error is
    /// possible.
    pub(crate) fn observe_with(
        &self,
        id: u32,
        make: impl FnOnce() -> Arc<dyn Claimant>,
    ) -> Result<()> {
        if self.is_inherited() {
            return Err(inherited());
        }
        deadlines::prepare()?;
        let mut table = self.table.lock();
        let Some(tran) = table.transactions.get(&id).cloned() else {
            let claimed = table.unclaimed.claim(id);
            let forgotten = table.unclaimed.forgotten(id);
            drop(table);
            let Some((outcome, data)) = claimed else {
                return Err(forgotten.unwrap_or_else(|| not_found(id)));
            };
            let claimant = make();
            observers::call(move || claimant.ended(id, outcome, Some(data)));
            return Ok(());
        };
        tran.note_claimed();
        drop(table);
        let key = deadlines::key_of(&tran);
        let (table, claimant) = (Arc::downgrade(&self.table), make());
        tran.observe(Arc::new(Claim { table, key, claimant }));
        deadlines::watch(&tran);
        Ok(())
    }

    /// Cancels `ids`, or with `None` all outstanding transactions. Waits for their data locks for
    /// at most `time` in all; returns whether all of them were cancelled. A cancelled one has
    /// failed: waiting threads and its claimant are notified at once, no slave touches its buffer
    /// any more, and it has left the table. A request that has been sent cannot be recalled: the
    /// device may carry it out. One that had ended only leaves the table.
    pub fn cancel(&self, ids: Option<&[u32]>, time: Duration) -> bool {
        if self.is_inherited() {
            // No thread of this process touches their buffers.
            return true;
        }
        let limit = clock::now() + time;
        let transactions = match ids {
            None => {
                let OutstandingSet { transactions, latest } = self.all_outstanding();
                let claimed = self.table.lock().unclaimed.claim_all(latest);
                drop(claimed);
                transactions
            }
            Some(ids) => {
                let mut table = self.table.lock();
                ids.iter().for_each(|id| drop(table.unclaimed.claim(*id)));
                ids.iter().filter_map(|id| table.transactions.get(id).cloned()).collect()
            }
        };
        let mut all = true;
        for tran in transactions {
            match tran.give_up_by(CANCELLED_TEXT, limit) {
                true => drop(self.table.lock().remove(&tran)),
                false => all = false,
            }
        }
        all
    }
}

/// Abandons a transaction of the parent process, in a child by `fork`: of a thread that forked while
/// it was waiting, or after it had looked. Threads that do not exist here may hold its locks, and
/// those of the objects that it refers to.
#[cold]
fn lose(tran: Arc<Transaction>) -> (Result<()>, Option<DataBuffer>) {
    let lost = || Err(Error::new(Status::Transaction, SOURCE, tran.inherited_text()));
    let outcome = tran.outcome().unwrap_or_else(lost);
    let buffer = tran.is_done().then(|| tran.collect()).flatten().map(|(_, buffer)| buffer);
    mem::forget(tran);
    (outcome, buffer)
}

/// The error of a wait in a child by `fork`.
#[cold]
fn inherited() -> Error {
    Error::new(Status::Transaction, SOURCE, process::inherited_text(NAME))
}

fn not_found(id: u32) -> Error {
    let text = format!("Transaction {id} is not outstanding at this master");
    Error::new(Status::NotFound, "memory::Master::waitTransaction", text)
}
