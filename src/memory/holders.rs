//! Who keeps a transaction on its way, and what it is asked and told.

use std::sync::Arc;

use super::transaction::Transaction;
use crate::clock::Time;

/// Somebody who keeps a transaction to complete it later: a slave's table of pending requests.
///
/// All methods are called with no lock of the bus held. So that they may lock the table, the
/// table's owner does not complete or give up transactions while it holds that lock.
pub trait Holder: Send + Sync {
    /// The requester has given `tran` up, or it has been completed past the holder: drop it.
    /// May come more than once, and for a transaction that is no longer kept.
    fn forget(&self, tran: &Transaction);

    /// The requester is about to wait for a transaction kept here: what has been put off for the
    /// sake of others is to be done now.
    fn urge(&self) {}

    /// The requester waits for `tran` in this thread, until `until` at most. A holder that can
    /// brings the answer here instead of having another thread do it and wake this one: it returns
    /// true once `tran` has ended, or `until` has passed. False: the requester is to sleep until it
    /// is told.
    fn attend(&self, _tran: &Transaction, _until: Time) -> bool {
        false
    }

    /// A transaction that is, or was, [attended](Self::attend) has ended: whoever does so in
    /// another thread is to look.
    fn interrupt(&self) {}

    /// The end of a transaction kept here is not looked for by the help of
    /// [`attend`](Self::attend), or not any more: somebody sleeps until told, or does other things
    /// meanwhile. Once for each such transaction, and followed by [`relieved`](Self::relieved).
    fn unattended(&self) {}

    /// A transaction that was [unattended](Self::unattended) has ended. Another thread may say so
    /// before the first has come to say the other.
    fn relieved(&self) {}

    /// When this holder last saw life that refreshes a transaction started at `start`.
    fn last_activity(&self, start: Time) -> Option<Time>;

    /// Why `tran` may not have been answered, for its timeout text; `None` where there is
    /// nothing more to say than that no answer came.
    fn explain(&self, _tran: &Transaction) -> Option<String> {
        None
    }
}

/// Those who keep a transaction or its descendants: nearly always one, so the first costs no
/// allocation.
#[derive(Clone, Default)]
pub(super) struct Holders {
    first: Option<Arc<dyn Holder>>,
    next: Option<Box<Holders>>,
}

impl Holders {
    /// Adds `holder` unless it is there; returns whether it was not.
    pub(super) fn add(&mut self, holder: Arc<dyn Holder>) -> bool {
        let mut place = self;
        while let Some(known) = &place.first {
            if std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&holder)) {
                return false;
            }
            place = place.next.get_or_insert_with(Box::default);
        }
        place.first = Some(holder);
        true
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The only one, if there is just one.
    pub(super) fn only(&self) -> Option<&Arc<dyn Holder>> {
        self.first.as_ref().filter(|_| self.next.is_none())
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Holder>> {
        std::iter::successors(Some(self), |holders| holders.next.as_deref())
            .filter_map(|holders| holders.first.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf(#[allow(dead_code)] u8);
    impl Holder for Deaf {
        fn forget(&self, _: &Transaction) {}
        fn last_activity(&self, _: Time) -> Option<Time> {
            None
        }
    }

    #[test]
    fn each_holder_is_listed_once_in_order_of_its_coming() {
        let all: Vec<Arc<dyn Holder>> = (0..4).map(|n| Arc::new(Deaf(n)) as _).collect();
        let mut holders = Holders::default();
        assert_eq!(holders.iter().count(), 0);
        for index in [2, 0, 2, 1, 0, 3, 3] {
            holders.add(all[index].clone());
        }
        let found: Vec<_> = holders.clone().iter().map(Arc::as_ptr).collect();
        let expected = [2, 0, 1, 3].map(|index: usize| Arc::as_ptr(&all[index]));
        assert!(found.iter().zip(expected).all(|(one, other)| std::ptr::addr_eq(*one, other)));
        assert_eq!(found.len(), 4);
    }
}
