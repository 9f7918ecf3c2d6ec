use std::sync::Weak;

use super::buffer::AT_ONCE;
use super::*;
use crate::memory::{Kept, Master, Slave, SlaveBase, Tracker, TransactionType};
use crate::sync::Mutex;

/// A transaction of the given id, deadline and size, which no requester could make.
fn raw(id: u32, start: Time, timeout_ns: u64, size: usize) -> Arc<Transaction> {
    let data = DataCell::new(vec![0; size].into());
    Arc::new(Transaction::raw(id, TransactionType::Read, 0, timeout_ns, start, data))
}

#[test]
fn a_transaction_is_small() {
    // With the map entries of its master and its slave it stays below 264 bytes, as measured in
    // `tests/bus_footprint.rs`.
    let size = size_of::<Transaction>();
    // In a debug build its mutex knows its process.
    let most = if cfg!(debug_assertions) { 168 } else { 160 };
    assert!(size <= most, "{size} bytes");
}

#[test]
fn d08_every_deadline_passes_whatever_its_digits() {
    const SECOND: u64 = 1_000_000_000;
    let now = clock::now().0;
    // A deadline without whole seconds, one without a fraction of a second, and time 0.
    for (start, timeout) in [(0, 1000), (0, now), (0, now / SECOND * SECOND), (0, 0)] {
        let tran = raw(1, Time(start), timeout, 4);
        assert_eq!(tran.deadline(), Time(start + timeout));
        tran.wait();
        let error = tran.outcome().expect("it has ended").expect_err("nobody answered");
        assert_eq!(error.status(), Status::TransactionTimeout);
        assert_eq!(
            error.text(),
            "Timeout waiting for register transaction 1 message response.",
            "{timeout}"
        );
    }
    // In the future, at a whole second.
    let tran = raw(1, Time(0), (now / SECOND + 1) * SECOND, 4);
    tran.wait();
    assert!(clock::now() >= tran.deadline());
}

#[test]
fn d94_an_id_in_use_at_a_slave_is_not_taken_over() {
    let base = SlaveBase::new(4, 0);
    let now = clock::now();
    let (first, second) = (raw(77, now, u64::MAX, 4), raw(77, now, u64::MAX, 4));
    base.add_transaction(&first);
    base.add_transaction(&first);
    base.add_transaction(&second);
    assert_eq!(base.pending_count(), 1);
    let error = second.outcome().expect("refused at once").unwrap_err();
    assert_eq!(error.text(), "Transaction id 77 is still in use by a pending transaction");
    assert!(!first.is_done());
    // Giving the second one up does not remove the first.
    second.give_up("");
    let found = base.take_transaction(77).expect("it is there");
    assert!(Arc::ptr_eq(&found, &first));
    assert_eq!(base.pending_count(), 0);
}

#[test]
fn d94_ids_are_never_zero_and_parts_have_their_own() {
    let counter = AtomicU32::new(u32::MAX);
    assert_eq!([next_id(&counter, 1), next_id(&counter, 1)], [u32::MAX, 1]);
    let whole = raw(1, clock::now(), u64::MAX, 8);
    let parts: Vec<u32> =
        (0..8).map(|n| whole.create_sub(n, 1, 0, TransactionType::Read).unwrap().id()).collect();
    assert!(parts.windows(2).all(|pair| pair[0] > pair[1]), "{parts:?}");
}

/// A table that checks that it is called with no lock of the transaction held.
#[derive(Default)]
struct Probe {
    tran: Mutex<Weak<Transaction>>,
    asked: AtomicU32,
    forgotten: Mutex<Vec<u32>>,
}

impl Probe {
    fn assert_free(&self) {
        if let Some(tran) = self.tran.lock().upgrade() {
            assert!(tran.state.try_lock().is_some(), "called under the state's lock");
            assert!(tran.data.locked_by(AT_ONCE, || ()).is_some(), "called under the data lock");
        }
    }
}

impl Tracker for Probe {
    fn forget(&self, tran: &Transaction) {
        self.assert_free();
        self.forgotten.lock().push(tran.id());
    }

    fn last_activity(&self, _: &Transaction) -> Option<Time> {
        self.assert_free();
        self.asked.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn explain(&self, _: &Transaction) -> Option<String> {
        self.assert_free();
        Some("The cable is unplugged.".into())
    }
}

impl Observer for Probe {
    fn completed(&self, _: &Arc<Transaction>) {
        self.assert_free();
    }
}

#[test]
fn trackers_and_observers_are_called_with_no_lock_held() {
    let probe = Arc::new(Probe::default());
    let tracker: Arc<dyn Tracker> = probe.clone();
    let tran = raw(5, clock::now(), 1000, 4);
    *probe.tran.lock() = Arc::downgrade(&tran);
    assert!(tran.set_tracker(tracker.clone()));
    tran.observe(probe.clone());
    let part = tran.create_sub(0, 4, 0, TransactionType::Read).unwrap();
    assert!(part.set_tracker(tracker.clone()));
    tran.wait();
    assert!(probe.asked.load(Ordering::Relaxed) >= 1);
    let text = tran.outcome().unwrap().unwrap_err().text().to_owned();
    assert!(text.ends_with("message response. The cable is unplugged."), "{text}");
    assert_eq!(*probe.forgotten.lock(), [5, part.id()]);
    assert!(!part.set_tracker(tracker.clone()) && !tran.set_tracker(tracker.clone()), "too late");
    drop((tran, part));
    assert_eq!(Arc::strong_count(&probe), 2, "an ended transaction lets its tracker go");
}

/// An observer that records, when it is dropped, whether the state's lock was free.
struct Parting {
    tran: Weak<Transaction>,
    was_free: Arc<Mutex<Vec<bool>>>,
}

impl Observer for Parting {
    fn completed(&self, _: &Arc<Transaction>) {}
}

impl Drop for Parting {
    fn drop(&mut self) {
        let tran = self.tran.upgrade().expect("the test has it");
        self.was_free.lock().push(tran.state.try_lock().is_some());
    }
}

#[test]
fn f06_dropping_an_observer_holds_no_lock_whether_it_is_replaced_or_told() {
    let tran = raw(5, clock::now(), u64::MAX, 4);
    let was_free = Arc::default();
    let observer = || Parting { tran: Arc::downgrade(&tran), was_free: Arc::clone(&was_free) };
    for count in 0..3 {
        tran.observe(Arc::new(observer()));
        assert_eq!(*was_free.lock(), vec![true; count], "the one before is dropped at once");
    }
    tran.done();
    assert_eq!(*was_free.lock(), [true; 3]);
    tran.observe(Arc::new(observer()));
    assert_eq!(*was_free.lock(), [true; 4]);
}

#[test]
fn the_timeout_of_a_split_transaction_has_the_reason_of_its_parts() {
    let tracker: Arc<dyn Tracker> = Arc::new(Probe::default());
    let whole = raw(5, clock::now(), 1000, 8);
    let parts: Vec<_> =
        (0..8).map(|n| whole.create_sub(n, 1, 0, TransactionType::Read).unwrap()).collect();
    assert!(parts[1..].iter().all(|part| part.set_tracker(tracker.clone())));
    parts[1].done();
    whole.wait();
    let text = whole.outcome().unwrap().unwrap_err().text().to_owned();
    assert_eq!(text.matches("The cable is unplugged.").count(), 1, "{text}");
}

#[test]
fn f07_a_tracker_is_told_of_the_end_as_long_as_it_keeps_the_transaction() {
    let probe = Arc::new(Probe::default());
    let tracker: Arc<dyn Tracker> = probe.clone();
    for (id, is_kept) in [(5, true), (6, false)] {
        let tran = raw(id, clock::now(), u64::MAX, 4);
        let kept = Kept::new(&tran);
        assert!(tran.set_tracker(tracker.clone()));
        // A tracker that has released it to complete it is not called.
        let kept = if is_kept {
            Some(kept)
        } else {
            drop(kept.release());
            None
        };
        tran.done();
        drop(kept);
    }
    assert_eq!(*probe.forgotten.lock(), [5]);
}

#[test]
fn a_part_that_has_ended_costs_no_memory_while_its_siblings_are_out() {
    let whole = raw(1, clock::now(), u64::MAX, 8);
    let parts: Vec<_> =
        (0..8).map(|n| whole.create_sub(n, 1, 0, TransactionType::Read).unwrap()).collect();
    let weak: Vec<_> = parts.iter().map(Arc::downgrade).collect();
    for part in parts.into_iter().skip(1) {
        part.done();
    }
    let mut state = whole.state.lock();
    let subs = state.subs().unwrap();
    assert_eq!(subs.pending, 1);
    // Only the parent's reference could keep the memory as well.
    assert!(weak[1..].iter().all(|part| part.weak_count() == 0));
    assert!(subs.children[1..].iter().all(|child| child.ptr_eq(&Weak::new())));
}

#[test]
fn an_error_without_a_text_has_one_for_the_whole_too() {
    let whole = raw(1, clock::now(), u64::MAX, 8);
    let part = whole.create_sub(0, 8, 0, TransactionType::Read).unwrap();
    whole.done_subs();
    part.error("");
    let text = whole.outcome().unwrap().unwrap_err().text().to_owned();
    let id = part.id();
    let expected =
        format!("Transaction error. Subtransaction {id} failed with error: {NO_TEXT}.\n");
    assert_eq!(text, expected);
}

/// Completes at once.
struct Echo(SlaveBase);

impl Slave for Echo {
    fn base(&self) -> &SlaveBase {
        &self.0
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        tran.done();
    }
}

#[test]
fn d94_a_master_skips_ids_that_are_still_outstanding() {
    let master = Master::new();
    master.set_slave(Arc::new(Echo(SlaveBase::new(4, 0))));
    let old = raw(0, clock::now(), u64::MAX, 0);
    let next = next_root_id() + 1;
    // Tests beside this one draw ids too, but not this many meanwhile.
    let taken = next..next + 200_000;
    master.keep_under_ids(taken.clone(), &old);
    let id = master.request(0x10, vec![1, 2, 3].into(), TransactionType::Read).unwrap();
    assert!(!taken.contains(&id), "{id} is in use");
    assert_eq!(master.wait_buffer(id).unwrap(), [1, 2, 3], "the bytes go with the new one");
}
