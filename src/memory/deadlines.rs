//! The deadline thread: ends claimed transactions, for which no thread waits, at their deadlines.
//! One thread serves all masters of the process, from the first claim on. It sleeps until the
//! earliest deadline, or until there is one.
//!
//! A deadline that a sign of life has moved is checked again at its new time. This thread calls the
//! claimants: while a call runs, further late transactions wait.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::observers;
use super::transaction::Transaction;
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::process::{self, process_state};
use crate::sync::Condvar;

/// The address of a transaction, which is unique while it is kept here.
type DeadlineKey = usize;

struct Watch {
    transactions: BTreeMap<DeadlineKey, (Time, Arc<Transaction>)>,
    /// The next check of each.
    times: BTreeSet<(Time, DeadlineKey)>,
    has_thread: bool,
}

static CHANGED: Condvar = Condvar::new();

process_state! {
    // Thread and transactions are the parent's. Locks of what these refer to may stay locked for
    // ever, so they are not dropped.
    fn lock() -> Watch = Watch::EMPTY,
    in child |watch| mem::forget(mem::replace(watch, Watch::EMPTY))
}

impl Watch {
    const EMPTY: Watch =
        Watch { transactions: BTreeMap::new(), times: BTreeSet::new(), has_thread: false };

    /// Adds or moves `tran`; returns whether its deadline is the earliest now.
    fn put(&mut self, tran: &Arc<Transaction>, deadline: Time) -> bool {
        let key = key_of(tran);
        if let Some((former, _)) = self.transactions.insert(key, (deadline, tran.clone())) {
            self.times.remove(&(former, key));
        }
        self.times.insert((deadline, key));
        self.times.first() == Some(&(deadline, key))
    }

    fn take(&mut self, key: DeadlineKey) -> Option<Arc<Transaction>> {
        let (deadline, tran) = self.transactions.remove(&key)?;
        self.times.remove(&(deadline, key));
        Some(tran)
    }
}

/// The argument of [`forget`] for `tran`.
pub(super) fn key_of(tran: &Arc<Transaction>) -> usize {
    Arc::as_ptr(tran) as usize
}

/// Starts the thread if there is none.
///
/// # Errors
///
/// [`Status::OutOfResources`] if the system refuses a thread.
pub(super) fn prepare() -> Result<()> {
    let mut watch = lock();
    if watch.has_thread {
        return Ok(());
    }
    let refused = |cause| {
        let text = format!("The deadline thread could not be started: {cause}");
        Error::new(Status::OutOfResources, "memory::Master::observe", text)
    };
    process::spawn("rogue_deadlines", process::STACK_OF_PROCESS, run).map_err(refused)?;
    watch.has_thread = true;
    Ok(())
}

/// Gives `tran` up at its deadline, wherever that moves to, unless it ends before or is
/// [forgotten](forget).
pub(super) fn watch(tran: &Arc<Transaction>) {
    let deadline = tran.deadline();
    if tran.is_done() {
        return;
    }
    let is_earliest = lock().put(tran, deadline);
    if is_earliest {
        CHANGED.notify_one();
    }
    if tran.is_done() {
        // Its `forget` may have come before.
        forget(key_of(tran));
    }
}

/// Drops the transaction of this [key](key_of), which has ended.
pub(super) fn forget(key: usize) {
    let tran = lock().take(key);
    // Outside the lock.
    drop(tran);
}

fn run() {
    loop {
        let late = next_late();
        // Calls trackers, which may be code of the program, as observers are.
        observers::call(move || end_late(&late));
    }
}

/// Waits for the next transaction whose deadline may have passed, and takes it.
fn next_late() -> Arc<Transaction> {
    let mut watch = lock();
    loop {
        let now = clock::now();
        let first = watch.times.first().copied();
        if let Some((_, key)) = first.filter(|(time, _)| *time <= now) {
            if let Some(tran) = watch.take(key) {
                return tran;
            }
        }
        let limit = first.map_or(Time(u64::MAX), |(time, _)| time);
        watch = CHANGED.wait_until(watch, limit);
    }
}

fn end_late(tran: &Arc<Transaction>) {
    // Asks its trackers, which have locks of their own.
    if tran.deadline() > clock::now() {
        watch(tran);
    } else {
        tran.time_out_at_once();
    }
}

#[cfg(test)]
mod tests;
