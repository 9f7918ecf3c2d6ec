//! Claims to the results of transactions, instead of waits.

use std::sync::{Arc, Weak};

use super::table::Table;
use super::transaction::DataBuffer;
use super::transaction::{Observer, Transaction};
use super::{deadlines, observers};
use crate::error::Result;
use crate::sync::Mutex;

/// Gets the result of a transaction as a call, instead of a wait.
pub trait Claimant: Send + Sync {
    /// Transaction `id` has ended with `outcome`. `data` is its buffer, which no slave touches any
    /// more; absent if a thread that waited for the transaction has it. Called once; then the
    /// claimant is dropped.
    ///
    /// Runs with no lock of the bus held, in the thread that completed the transaction or then
    /// released its data lock, in the observer thread if that was a shared loop or a thread that waits
    /// for a transaction, or in the deadline thread. In the last two further claimants wait for the
    /// return of this call. So it may take a lock that the program holds during a wait.
    /// Until this returns, no thread may be receiving for the slave: a wait for another of its
    /// answers in here ends by timeout. A request made in here may end at once and call its claimant
    /// inside this one; the fifth inside each other runs after the fourth.
    fn ended(&self, id: u32, outcome: Result<()>, data: Option<DataBuffer>);
}

/// A claim to a transaction's result: the transaction needs no wait, and leaves the table after the
/// claimant's call.
pub(super) struct Claim {
    pub(super) table: Weak<Mutex<Table>>,
    pub(super) key: usize,
    pub(super) claimant: Arc<dyn Claimant>,
}

impl Observer for Claim {
    fn completed(&self, tran: &Arc<Transaction>) {
        deadlines::forget(self.key);
        tell_outside_waits(tran, &self.table, &self.claimant);
    }
}

/// [Tells](tell) in this thread, or in the observer thread if this one waits.
fn tell_outside_waits(
    tran: &Arc<Transaction>,
    table: &Weak<Mutex<Table>>,
    claimant: &Arc<dyn Claimant>,
) {
    if !observers::leaves_wait() {
        return tell(tran, table, claimant);
    }
    let (tran, table, claimant) = (tran.clone(), table.clone(), claimant.clone());
    observers::queue(move || tell(&tran, &table, &claimant));
}

/// Calls `claimant` for the end of `tran`, now or when the data lock is free.
fn tell(tran: &Arc<Transaction>, table: &Weak<Mutex<Table>>, claimant: &Arc<dyn Claimant>) {
    let Some((outcome, data)) = tran.try_collect() else {
        // Weak: a strong reference would leak if the lock is never released. The master has one.
        let (weak, table, claimant) = (Arc::downgrade(tran), table.clone(), claimant.clone());
        return tran.when_unlocked(move || {
            if let Some(tran) = weak.upgrade() {
                observers::run(move || tell_outside_waits(&tran, &table, &claimant));
            }
        });
    };
    claimant.ended(tran.id(), outcome, data);
    if tran.is_inherited() {
        // The claimant has forked, and this is the child.
        return;
    }
    let Some(table) = table.upgrade() else { return };
    let mut table = table.lock();
    // Unless a thread that waited for it was first.
    if let Some(known) = table.remove(tran) {
        table.spare.keep(known);
    }
}
