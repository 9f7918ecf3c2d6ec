//! The remains of transactions that ended without a wait: one bit for a success, the data of a read
//! into a buffer of its own, the error of a failure.
//!
//! Each of the three has its own bound, so that failures, mostly the fewest, are kept longest.
//! Beyond the bound the oldest are forgotten. A wait for an id that may have been forgotten is an
//! error.

use std::collections::BTreeMap;

use super::transaction::DataBuffer;
use crate::error::{Error, Result, Status};

/// Upper bound on the failures, on the reads, and on the groups of 64 successes of a master.
pub const UNCLAIMED_COUNT_MAX: usize = 1 << 17;

/// Ids in one group of successes.
const GROUP_IDS_COUNT: u64 = u64::BITS as u64;
/// Ids wrap to 1 after four billion; unrolled ids start here, so that earlier rounds fit below.
const FIRST_ROUND: u64 = 1 << u32::BITS;

/// Keyed by unrolled ids, which do not wrap.
#[derive(Default)]
pub(super) struct Unclaimed {
    /// By id / 64: a bit for each of the 64.
    successes: BTreeMap<u64, u64>,
    reads: BTreeMap<u64, DataBuffer>,
    failures: BTreeMap<u64, Error>,
    /// The latest assigned id.
    latest: u64,
    /// Ids up to this one may have been forgotten.
    forgotten_to: u64,
    forgotten_count: u64,
    /// The latest forgotten failure that no wait for all has returned.
    forgotten_failure: Option<Error>,
}

/// Values to drop and to report after the master's lock has been released.
#[derive(Default)]
pub(super) struct Leftover {
    pub(super) _data: Option<DataBuffer>,
    /// A failure that has been forgotten.
    pub(super) failure: Option<Box<Error>>,
}

impl Leftover {
    /// Whether it is empty.
    pub(super) fn is_nothing(&self) -> bool {
        self._data.is_none() && self.failure.is_none()
    }
}

/// Removes the oldest entry of a map that is beyond its bound.
fn pop_excess<V>(map: &mut BTreeMap<u64, V>) -> Option<(u64, V)> {
    (map.len() > UNCLAIMED_COUNT_MAX).then(|| map.pop_first()).flatten()
}

impl Unclaimed {
    /// Notes that `id` has been assigned.
    pub(super) fn note_request(&mut self, id: u32) {
        let round = self.latest.max(FIRST_ROUND) & !u64::from(u32::MAX);
        let latest = round | u64::from(id);
        self.latest = if latest < self.latest { latest + FIRST_ROUND } else { latest };
    }

    /// The unrolled form of `id`; `None` for one that has not been assigned.
    fn unrolled(&self, id: u32) -> Option<u64> {
        let age = (self.latest as u32).wrapping_sub(id);
        let unrolled = self.latest.checked_sub(age.into())?;
        (age <= u32::MAX / 2 && unrolled >= FIRST_ROUND).then_some(unrolled)
    }

    /// Keeps the remains of a transaction that has ended: for a success the `data`, if there is any
    /// to ask for.
    pub(super) fn keep(
        &mut self,
        id: u32,
        outcome: Result<()>,
        data: Option<DataBuffer>,
    ) -> Leftover {
        let mut leftover = Leftover::default();
        let Some(id) = self.unrolled(id) else { return leftover };
        match (outcome, data) {
            (Ok(()), None) => {
                let group = self.successes.entry(id / GROUP_IDS_COUNT).or_default();
                *group |= 1 << (id % GROUP_IDS_COUNT);
                if let Some((group, bits)) = pop_excess(&mut self.successes) {
                    let last = (group + 1) * GROUP_IDS_COUNT - 1;
                    self.note_forgotten(last, bits.count_ones().into());
                }
            }
            (Ok(()), Some(data)) => {
                self.reads.insert(id, data);
                if let Some((last, data)) = pop_excess(&mut self.reads) {
                    self.note_forgotten(last, 1);
                    leftover._data = Some(data);
                }
            }
            (Err(error), data) => {
                leftover._data = data;
                self.failures.insert(id, error);
                if let Some((last, error)) = pop_excess(&mut self.failures) {
                    self.note_forgotten(last, 1);
                    self.forgotten_failure = Some(error.clone());
                    leftover.failure = Some(Box::new(error));
                }
            }
        }
        leftover
    }

    fn note_forgotten(&mut self, last: u64, count: u64) {
        self.forgotten_to = self.forgotten_to.max(last);
        self.forgotten_count += count;
    }

    /// The outcome of transaction `id`, and the data of a read, if they are kept; removes them.
    pub(super) fn claim(&mut self, id: u32) -> Option<(Result<()>, DataBuffer)> {
        let id = self.unrolled(id)?;
        let none = || DataBuffer::from(Vec::new());
        let (group, bit) = (id / GROUP_IDS_COUNT, 1 << (id % GROUP_IDS_COUNT));
        if let Some(bits) = self.successes.get_mut(&group).filter(|bits| **bits & bit != 0) {
            *bits &= !bit;
            if *bits == 0 {
                self.successes.remove(&group);
            }
            return Some((Ok(()), none()));
        }
        if let Some(data) = self.reads.remove(&id) {
            return Some((Ok(()), data));
        }
        self.failures.remove(&id).map(|error| (Err(error), none()))
    }

    /// The error of a wait for `id` without remains, if they may have been forgotten.
    pub(super) fn forgotten(&self, id: u32) -> Option<Error> {
        let is_forgotten = self.unrolled(id).is_some_and(|id| id <= self.forgotten_to);
        is_forgotten.then(|| {
            let text = format!(
                "Transaction {id} was forgotten, or has been waited for already: more than \
                 {UNCLAIMED_COUNT_MAX} later results are unclaimed, so its outcome is not known; \
                 wait for transactions sooner, or register an observer"
            );
            Error::new(Status::NotFound, "memory::Master::waitTransaction", text)
        })
    }

    /// The latest assigned id, for [`claim_all`](Self::claim_all).
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// Removes all remains of ids up to `latest`, for a wait for all.
    pub(super) fn claim_all(&mut self, latest: u64) -> Claimed {
        let group = (latest + 1) / GROUP_IDS_COUNT;
        let mut later = self.successes.split_off(&group);
        if let Some(bits) = later.get_mut(&group) {
            *bits &= u64::MAX << ((latest + 1) % GROUP_IDS_COUNT);
            if *bits == 0 {
                later.remove(&group);
            }
        }
        let later_failures = self.failures.split_off(&(latest + 1));
        let later_reads = self.reads.split_off(&(latest + 1));
        let former = Unclaimed {
            successes: std::mem::replace(&mut self.successes, later),
            reads: std::mem::replace(&mut self.reads, later_reads),
            failures: std::mem::replace(&mut self.failures, later_failures),
            forgotten_failure: self.forgotten_failure.take(),
            ..Unclaimed::default()
        };
        if self.forgotten_to <= latest {
            self.forgotten_to = 0;
        }
        Claimed(former)
    }

    /// Ids of reads and failures.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.reads.keys().chain(self.failures.keys()).map(|id| *id as u32)
    }

    /// Number of these.
    pub(super) fn len(&self) -> usize {
        self.reads.len() + self.failures.len()
    }

    /// Number of transactions forgotten so far.
    pub(super) fn forgotten_count(&self) -> u64 {
        self.forgotten_count
    }
}

/// The remains [claimed](Unclaimed::claim_all) by a wait, to be dropped with no lock held.
pub(super) struct Claimed(Unclaimed);

impl Claimed {
    /// The highest failed id and its error; the error of a forgotten one comes with id 0.
    pub(super) fn into_failure(mut self) -> Option<(u32, Error)> {
        let last = self.0.failures.pop_last().map(|(id, error)| (id as u32, error));
        last.or_else(|| self.0.forgotten_failure.take().map(|error| (0, error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(id: u32) -> Error {
        Error::new(Status::Transaction, "test", format!("error of {id}"))
    }

    fn keep_successes(unclaimed: &mut Unclaimed, ids: impl Iterator<Item = u32>) {
        for id in ids {
            unclaimed.note_request(id);
            unclaimed.keep(id, Ok(()), None);
        }
    }

    #[test]
    fn f05_each_success_is_claimed_once_and_a_stranger_never() {
        let mut unclaimed = Unclaimed::default();
        keep_successes(&mut unclaimed, (1..1000).filter(|id| id % 3 != 0));
        for id in 1..1000 {
            assert_eq!(unclaimed.claim(id).is_some(), id % 3 != 0, "{id}");
            assert!(unclaimed.claim(id).is_none());
            assert!(unclaimed.forgotten(id).is_none(), "nothing has been forgotten");
        }
        assert!(unclaimed.successes.is_empty() && unclaimed.claim(1 << 30).is_none());
    }

    #[test]
    fn f05_what_goes_beyond_is_forgotten_and_counted_and_failures_stay() {
        let mut unclaimed = Unclaimed::default();
        unclaimed.note_request(1);
        unclaimed.keep(1, Err(failure(1)), None);
        // Each in a group of its own, as where many masters draw ids by turns.
        let ids = (0..UNCLAIMED_COUNT_MAX as u32 + 2).map(|n| 2 + 64 * n);
        keep_successes(&mut unclaimed, ids.clone());
        assert_eq!(unclaimed.forgotten_count(), 2);
        assert_eq!(unclaimed.claim(1).unwrap().0.unwrap_err().text(), "error of 1");
        for (n, id) in ids.enumerate() {
            assert_eq!(unclaimed.claim(id).is_some(), n >= 2);
            assert_eq!(unclaimed.forgotten(id).is_some(), n < 2, "{n}");
        }
        assert_eq!(unclaimed.forgotten(2).unwrap().status(), Status::NotFound);
        assert!(unclaimed.forgotten(u32::MAX).is_none(), "it was never given out");
    }

    #[test]
    fn f05_a_forgotten_failure_is_the_result_of_the_next_wait_for_all() {
        let mut unclaimed = Unclaimed::default();
        for id in 1..=UNCLAIMED_COUNT_MAX as u32 + 1 {
            unclaimed.note_request(id);
            let leftover = unclaimed.keep(id, Err(failure(id)), None);
            assert_eq!(leftover.failure.is_some(), id as usize > UNCLAIMED_COUNT_MAX);
        }
        let latest = unclaimed.latest();
        let (last, _) = unclaimed.claim_all(latest).into_failure().unwrap();
        assert_eq!((last as usize, unclaimed.len()), (UNCLAIMED_COUNT_MAX + 1, 0));
        assert!(unclaimed.forgotten(1).is_none(), "it has been waited for");
        unclaimed.forgotten_failure = Some(failure(1));
        assert_eq!(unclaimed.claim_all(latest).into_failure().unwrap(), (0, failure(1)));
        assert!(unclaimed.claim_all(latest).into_failure().is_none());
    }

    #[test]
    fn f05_a_wait_for_all_leaves_what_came_later() {
        for latest in [1, 62, 63, 64, 100, 127] {
            let mut unclaimed = Unclaimed::default();
            for id in 1..200 {
                unclaimed.note_request(id);
                match id % 3 {
                    0 => unclaimed.keep(id, Err(failure(id)), None),
                    1 => unclaimed.keep(id, Ok(()), Some(vec![id as u8].into())),
                    _ => unclaimed.keep(id, Ok(()), None),
                };
            }
            let unrolled = unclaimed.unrolled(latest).unwrap();
            let failure = unclaimed.claim_all(unrolled).into_failure();
            assert_eq!(failure.map(|(id, _)| id), (latest >= 3).then_some(latest / 3 * 3));
            for id in 1..200 {
                let claimed = unclaimed.claim(id);
                assert_eq!(claimed.is_some(), id > latest, "{id} after {latest}");
                let data = claimed.map(|(_, data)| data.into_vec()).unwrap_or_default();
                assert_eq!(data, if id > latest && id % 3 == 1 { vec![id as u8] } else { vec![] });
            }
        }
    }

    #[test]
    fn f05_ids_that_come_round_stay_in_their_order() {
        let mut unclaimed = Unclaimed::default();
        let ids = || (u32::MAX - 100..=u32::MAX).chain(1..100);
        keep_successes(&mut unclaimed, ids());
        let (first, _) = unclaimed.successes.first_key_value().unwrap();
        assert_eq!(*first as u32, (u32::MAX - 100) / 64 + (FIRST_ROUND / 64) as u32);
        for id in ids() {
            assert!(unclaimed.claim(id).is_some(), "{id}");
        }
        assert!(unclaimed.successes.is_empty());
    }
}
