//! The nesting depth of hubs in a call: hubs connected in a circle are an error and must not
//! exhaust the stack.
//!
//! Counted for each thread, not in the transaction: a hub of the program may answer one request
//! with new ones, and queries have no transaction.

use std::cell::Cell;
use std::sync::Arc;

use super::slave::{Slave, SlaveBase, Unconnected};
use super::transaction::Transaction;
use crate::logging::{log_error, static_logger};

static_logger!(LOG, "memory.Hub");

/// Hubs that one request or query may pass, each calling the next. A hub or slave of the program,
/// called through the C interface, counts twice: for the callback, and for its own call. A quarter
/// of a megabyte of stack suffices for this depth.
pub const HUBS_COUNT_MAX: u32 = 64;

/// The nested calls of a thread.
struct Calls {
    count: Cell<u32>,
    /// The queries among them.
    query_count: Cell<u32>,
    /// The running query has detected a cycle.
    cycle_detected: Cell<bool>,
}

thread_local! {
    static CALLS: Calls = const {
        Calls { count: Cell::new(0), query_count: Cell::new(0), cycle_detected: Cell::new(false) }
    };
}

/// Restores a count, also after a panic in the call.
struct Restore<'a>(&'a Cell<u32>, u32);

impl<'a> Restore<'a> {
    /// Increments the count.
    fn count(cell: &'a Cell<u32>) -> Restore<'a> {
        let before = cell.get();
        cell.set(before + 1);
        Restore(cell, before)
    }
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Runs `call`, in which the hub or slave of `base` hands `tran` on. Fails `tran` instead if it has
/// passed [`HUBS_COUNT_MAX`] hubs already.
#[inline]
pub(crate) fn request(base: &SlaveBase, tran: &Arc<Transaction>, call: impl FnOnce()) {
    request_all(base, std::slice::from_ref(tran), call);
}

/// As [`request`], for transactions that are handed on together.
#[inline]
pub(super) fn request_all(base: &SlaveBase, all: &[Arc<Transaction>], call: impl FnOnce()) {
    CALLS.with(|calls| {
        if calls.count.get() >= HUBS_COUNT_MAX {
            return all.iter().for_each(|tran| refuse(base, tran));
        }
        let _restore = Restore::count(&calls.count);
        call();
    });
}

#[cold]
fn refuse(base: &SlaveBase, tran: &Arc<Transaction>) {
    tran.error(format!(
        "The transaction has come through {HUBS_COUNT_MAX} hubs and is at hub {} now, at address \
         0x{:x}: the hubs are connected in a circle, or there are too many in a row; connect the \
         last one to a slave that does not lead back to it",
        base.name(),
        tran.address()
    ));
}

/// Runs `call`, in which the hub or slave of `base` queries the next one. `None` if that passes
/// more than [`HUBS_COUNT_MAX`] hubs: every query of the chain then returns it, and the innermost
/// one logs it, once for its hub.
pub(crate) fn query<T>(base: &SlaveBase, call: impl FnOnce() -> T) -> Option<T> {
    CALLS.with(|calls| {
        if calls.count.get() >= HUBS_COUNT_MAX {
            calls.cycle_detected.set(calls.query_count.get() > 0);
            report(base);
            return None;
        }
        let answer = {
            let _restore = Restore::count(&calls.count);
            let _restore_queries = Restore::count(&calls.query_count);
            call()
        };
        let cycle_detected = match calls.query_count.get() {
            0 => calls.cycle_detected.replace(false),
            _ => calls.cycle_detected.get(),
        };
        (!cycle_detected).then_some(answer)
    })
}

#[cold]
fn report(base: &SlaveBase) {
    if base.is_first_cycle_report() {
        log_error!(
            LOG,
            "A query has come through {HUBS_COUNT_MAX} hubs and is at hub {} now: the hubs are \
             connected in a circle, or there are too many in a row; it is answered as that of an \
             unconnected master",
            base.name()
        );
    }
}

/// The slave that answers queries in a cycle of hubs: that of an unconnected master.
pub(crate) fn no_slave() -> Arc<dyn Slave> {
    Unconnected::placeholder()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::TransactionType;
    use std::time::Duration;

    /// A query nested `levels` deep.
    fn descend(base: &SlaveBase, levels: u32) -> Option<u32> {
        let next = || if levels == 1 { Some(7) } else { descend(base, levels - 1) };
        query(base, next).flatten()
    }

    fn transaction() -> Arc<Transaction> {
        Transaction::new(0x10, vec![0; 4].into(), TransactionType::Read, Duration::from_secs(1))
    }

    /// Runs `action` inside `levels` nested requests.
    fn within(base: &SlaveBase, levels: u32, action: &mut dyn FnMut()) {
        match levels {
            0 => action(),
            _ => request(base, &transaction(), || within(base, levels - 1, action)),
        }
    }

    #[test]
    fn a_query_in_a_cycle_fails_at_every_level() {
        let base = SlaveBase::new(4, 0);
        for _ in 0..3 {
            assert_eq!(descend(&base, HUBS_COUNT_MAX), Some(7));
            assert_eq!(descend(&base, HUBS_COUNT_MAX + 1), None);
        }
        assert!(!base.is_first_cycle_report(), "it has been reported");
    }

    #[test]
    fn a_query_within_a_request_does_not_spoil_those_after_it() {
        let base = SlaveBase::new(4, 0);
        let mut runs_count = 0;
        within(&base, HUBS_COUNT_MAX - 1, &mut || {
            assert_eq!(descend(&base, 2), None);
            assert_eq!(descend(&base, 1), Some(7));
            runs_count += 1;
        });
        within(&base, HUBS_COUNT_MAX, &mut || {
            assert_eq!(descend(&base, 1), None);
            let tran = transaction();
            request(&base, &tran, || panic!("one too many"));
            assert!(tran.outcome().unwrap().unwrap_err().text().contains("0x10"));
            runs_count += 1;
        });
        assert_eq!((descend(&base, 1), runs_count), (Some(7), 2));
    }

    #[test]
    fn a_panic_restores_the_counts() {
        let base = SlaveBase::new(4, 0);
        let panic = || std::panic::resume_unwind(Box::new(()));
        for _ in 0..2 * HUBS_COUNT_MAX {
            let call = std::panic::AssertUnwindSafe(|| request(&base, &transaction(), panic));
            assert!(std::panic::catch_unwind(call).is_err());
            let call = std::panic::AssertUnwindSafe(|| query(&base, panic));
            assert!(std::panic::catch_unwind(call).is_err());
        }
        assert_eq!(descend(&base, HUBS_COUNT_MAX), Some(7));
    }
}
