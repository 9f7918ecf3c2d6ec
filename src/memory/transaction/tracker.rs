//! What keeps a transaction on its way, and the calls that it gets.

use std::ops::Deref;
use std::sync::Arc;

use super::Transaction;
use crate::clock::Time;

/// Keeps transactions to complete them later: a slave's table of pending requests.
///
/// All methods are called with no lock of the bus held, so they may lock the table. The owner of
/// the table therefore completes and gives up no transaction while it holds that lock.
pub trait Tracker: Send + Sync {
    /// `tran` ended while it was [kept](Kept) here, and the tracker did not end it: the requester
    /// gave it up, or other code completed it. Drop it. Several calls for one transaction are
    /// possible, and calls for a transaction that is no longer kept.
    fn forget(&self, tran: &Transaction);

    /// The requester waits for `tran` in this thread, until `limit` or the
    /// [deadline](Transaction::deadline) at most. A tracker with a socket of its own receives the
    /// answer here, which saves the wake-up by another thread. One that returns while `tran` is
    /// pending has another thread complete it.
    fn drive(&self, _tran: &Arc<Transaction>, _limit: Time) {}

    /// As [`drive`](Self::drive), without a sleep, and only as long as that mostly pays off: some
    /// microseconds. Threads of the program wait for this one.
    fn poll(&self, _tran: &Arc<Transaction>) {}

    /// A transaction that is or was [driven](Self::drive) has ended: a thread that drives it looks
    /// again.
    fn interrupt(&self) {}

    /// A listener needs the completion of a transaction that is kept here, and no thread
    /// [drives](Self::drive) it, or none does any more. Called once for each such transaction;
    /// [`listener_removed`](Self::listener_removed) follows.
    fn listener_added(&self) {}

    /// A transaction with a [listener](Self::listener_added) has ended, and its observer has
    /// returned. The two calls may come from two threads, and in reverse order.
    fn listener_removed(&self) {}

    /// When this tracker last saw a sign of life that refreshes `tran`, a root.
    fn last_activity(&self, tran: &Transaction) -> Option<Time>;

    /// The likely reason why `tran` is unanswered, for its timeout text. `None`: no answer came,
    /// and nothing else is known.
    fn explain(&self, _tran: &Transaction) -> Option<String> {
        None
    }
}

/// A transaction in a tracker's table. While it exists, the tracker is told of the end of the
/// transaction, unless it [releases](Self::release) it. Made before the tracker
/// [registers](Transaction::set_tracker) with the transaction.
#[derive(Debug)]
pub struct Kept(Option<Arc<Transaction>>);

impl Kept {
    /// Keeps `tran`.
    pub fn new(tran: &Arc<Transaction>) -> Kept {
        tran.note_kept();
        Kept(Some(tran.clone()))
    }

    /// Keeps the transaction no longer: the tracker is about to end it.
    pub fn release(mut self) -> Arc<Transaction> {
        let tran = self.0.take().expect("taken once");
        tran.note_released();
        tran
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(tran) = &self.0 {
            tran.note_released();
        }
    }
}

impl Deref for Kept {
    type Target = Arc<Transaction>;
    fn deref(&self) -> &Arc<Transaction> {
        self.0.as_ref().expect("taken where it is consumed")
    }
}

/// The trackers of a transaction and its descendants: nearly always one, so the first costs no
/// allocation.
#[derive(Clone, Default)]
pub(super) struct Trackers {
    first: Option<Arc<dyn Tracker>>,
    next: Option<Box<Trackers>>,
}

impl Trackers {
    /// Adds `tracker` unless it is there; returns whether it was added.
    pub(super) fn add(&mut self, tracker: Arc<dyn Tracker>) -> bool {
        let mut place = self;
        while let Some(known) = &place.first {
            if std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&tracker)) {
                return false;
            }
            place = place.next.get_or_insert_with(Box::default);
        }
        place.first = Some(tracker);
        true
    }

    /// Whether the list is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The only tracker, if there is exactly one.
    pub(super) fn only(&self) -> Option<&Arc<dyn Tracker>> {
        self.first.as_ref().filter(|_| self.next.is_none())
    }

    /// All trackers, in the order in which they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tracker>> {
        std::iter::successors(Some(self), |trackers| trackers.next.as_deref())
            .filter_map(|trackers| trackers.first.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Idle(#[allow(dead_code)] u8);
    impl Tracker for Idle {
        fn forget(&self, _: &Transaction) {}
        fn last_activity(&self, _: &Transaction) -> Option<Time> {
            None
        }
    }

    #[test]
    fn each_tracker_is_listed_once_in_order_of_addition() {
        let all: Vec<Arc<dyn Tracker>> = (0..4).map(|n| Arc::new(Idle(n)) as _).collect();
        let mut trackers = Trackers::default();
        assert_eq!(trackers.iter().count(), 0);
        for index in [2, 0, 2, 1, 0, 3, 3] {
            trackers.add(all[index].clone());
        }
        let found: Vec<_> = trackers.clone().iter().map(Arc::as_ptr).collect();
        let expected = [2, 0, 1, 3].map(|index: usize| Arc::as_ptr(&all[index]));
        assert!(found.iter().zip(expected).all(|(one, other)| std::ptr::addr_eq(*one, other)));
        assert_eq!(found.len(), 4);
    }
}
