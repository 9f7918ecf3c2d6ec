//! How many hubs one call has come through, so that hubs connected in a circle are an error and do
//! not use the stack up.
//!
//! Counted for each thread and not in the transaction, because a hub of the program's own may make
//! new requests for one that it is asked, and because queries have no transaction.

use std::cell::Cell;
use std::sync::Arc;

use super::slave::{Slave, SlaveBase, Unconnected};
use super::transaction::Transaction;
use crate::logging::{log_error, static_logger};

static_logger!(LOG, "memory.Hub");

/// Hubs that one request or query may come through, one calling the other. Those of a program's
/// own, called through the C interface, count twice: once as callbacks, and once for what they pass
/// on. A quarter of a megabyte of stack is enough for so many.
pub const HUBS_COUNT_MAX: u32 = 64;

/// The calls that a thread is in.
struct Calls {
    count: Cell<u32>,
    /// Those of them that are queries.
    query_count: Cell<u32>,
    /// Whether the query that the thread is in has found that there is no end.
    is_endless: Cell<bool>,
}

thread_local! {
    static CALLS: Calls = const {
        Calls { count: Cell::new(0), query_count: Cell::new(0), is_endless: Cell::new(false) }
    };
}

/// Puts a count back to what it was, also where the call panics.
struct Restore<'a>(&'a Cell<u32>, u32);

impl<'a> Restore<'a> {
    /// Counts one more.
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

/// Runs `call`, by which the hub of `base`, or slave of the program's own, hands `tran` on. Fails
/// `tran` instead where it has come through [`HUBS_COUNT_MAX`] already.
#[inline]
pub(crate) fn request(base: &SlaveBase, tran: &Arc<Transaction>, call: impl FnOnce()) {
    CALLS.with(|calls| {
        if calls.count.get() >= HUBS_COUNT_MAX {
            return refuse(base, tran);
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

/// Runs `call`, by which the hub of `base`, or slave of the program's own, asks the next one.
/// `None` where that leads through more than [`HUBS_COUNT_MAX`]: all who ask in this chain get
/// that, and the last of them says it in the log, the first time.
pub(crate) fn query<T>(base: &SlaveBase, call: impl FnOnce() -> T) -> Option<T> {
    CALLS.with(|calls| {
        if calls.count.get() >= HUBS_COUNT_MAX {
            calls.is_endless.set(calls.query_count.get() > 0);
            report(base);
            return None;
        }
        let answer = {
            let _restore = Restore::count(&calls.count);
            let _restore_queries = Restore::count(&calls.query_count);
            call()
        };
        let is_endless = match calls.query_count.get() {
            0 => calls.is_endless.replace(false),
            _ => calls.is_endless.get(),
        };
        (!is_endless).then_some(answer)
    })
}

#[cold]
fn report(base: &SlaveBase) {
    if base.is_endless_first_time() {
        log_error!(
            LOG,
            "A query has come through {HUBS_COUNT_MAX} hubs and is at hub {} now: the hubs are \
             connected in a circle, or there are too many in a row; it is answered as that of an \
             unconnected master",
            base.name()
        );
    }
}

/// Who answers in place of what has no end: as an unconnected master does.
pub(crate) fn no_slave() -> Arc<dyn Slave> {
    Unconnected::placeholder()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::READ;
    use std::time::Duration;

    /// Asks itself so often.
    fn descend(base: &SlaveBase, levels: u32) -> Option<u32> {
        let next = || if levels == 1 { Some(7) } else { descend(base, levels - 1) };
        query(base, next).flatten()
    }

    fn transaction() -> Arc<Transaction> {
        Transaction::new(0x10, vec![0; 4].into(), READ, Duration::from_secs(1))
    }

    /// Runs `action` within so many requests.
    fn within(base: &SlaveBase, levels: u32, action: &mut dyn FnMut()) {
        match levels {
            0 => action(),
            _ => request(base, &transaction(), || within(base, levels - 1, action)),
        }
    }

    #[test]
    fn a_query_that_has_no_end_is_told_to_all_who_ask() {
        let base = SlaveBase::new(4, 0);
        for _ in 0..3 {
            assert_eq!(descend(&base, HUBS_COUNT_MAX), Some(7));
            assert_eq!(descend(&base, HUBS_COUNT_MAX + 1), None);
        }
        assert!(!base.is_endless_first_time(), "it has been said");
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
    fn a_panic_counts_back() {
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
