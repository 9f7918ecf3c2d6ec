//! What nobody waits for: transactions that are forgotten, observed, or cancelled.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use rogue_mem::error::Result;
use rogue_mem::memory::{
    Claimant, DataBuffer, Emulate, Master, Slave, TransactionType, UNCLAIMED_COUNT_MAX,
};
use rogue_mem::Status;

use testkit::bus::{master_of, text_of, zeros};
use testkit::slaves::{Acting, Keeper};
use testkit::wait::{LONG, SHORT};

/// What an observer was told.
type End = (u32, Result<()>, Option<Vec<u8>>);

struct Told(Mutex<Sender<End>>);

impl Claimant for Told {
    fn ended(&self, id: u32, outcome: Result<()>, data: Option<DataBuffer>) {
        let end = (id, outcome, data.map(DataBuffer::into_vec));
        self.0.lock().unwrap().send(end).unwrap();
    }
}

fn told() -> (Arc<Told>, Receiver<End>) {
    let (sender, ends) = channel();
    (Arc::new(Told(Mutex::new(sender))), ends)
}

/// Fails what is at an odd address.
fn parity() -> Arc<dyn Slave> {
    Acting::new(4, 0, |_, tran| match tran.address() % 2 {
        0 => tran.done(),
        _ => tran.error(format!("error at {}", tran.address())),
    })
}

#[test]
fn f05_a_success_that_nobody_claims_shrinks_to_a_bit_and_a_wait_for_it_is_ok() {
    let master = master_of(parity());
    let ids: Vec<u32> = (0..100_000)
        .map(|n| master.request(2 * n, zeros(4), TransactionType::Write).unwrap())
        .collect();
    let kept = master.outstanding_count();
    assert!(kept < 2000, "{kept} are kept whole");
    for id in &ids {
        master.wait(*id).unwrap();
    }
    assert_eq!((master.outstanding_count(), master.forgotten_count()), (0, 0));
}

#[test]
fn f05_a_burst_that_is_waited_for_one_by_one_loses_nothing() {
    let memory = Emulate::new(4, 0);
    let master = master_of(memory);
    let writes: Vec<u32> = (0..100_000u32)
        .map(|n| {
            master
                .request(u64::from(4 * n), n.to_le_bytes().to_vec().into(), TransactionType::Write)
                .unwrap()
        })
        .collect();
    let reads: Vec<u32> = (0..100_000)
        .map(|n| master.request(4 * n, zeros(4), TransactionType::Read).unwrap())
        .collect();
    for (n, (write, read)) in writes.into_iter().zip(reads).enumerate() {
        master.wait(write).unwrap();
        assert_eq!(master.wait_buffer(read).unwrap(), (n as u32).to_le_bytes());
        assert_eq!(master.wait_buffer(read).unwrap_err().status(), Status::NotFound);
    }

    let master = master_of(parity());
    let ids: Vec<u32> = (0..100_000)
        .map(|n| master.request(n, zeros(4), TransactionType::Write).unwrap())
        .collect();
    for (n, id) in ids.into_iter().enumerate() {
        match n % 2 {
            0 => master.wait(id).unwrap(),
            _ => assert_eq!(text_of(master.wait(id)), format!("error at {n}")),
        }
    }
    assert_eq!(master.forgotten_count(), 0);
}

#[test]
fn f05_a_wait_for_a_forgotten_one_is_an_error_and_a_statistic_counts_it() {
    let master = master_of(Acting::new(4, 0, |_, tran| tran.error("broken")));
    let extra = 1000;
    let ids: Vec<u32> = (0..UNCLAIMED_COUNT_MAX + 1024 + extra)
        .map(|_| master.request(0, zeros(4), TransactionType::Write).unwrap())
        .collect();
    let forgotten = master.forgotten_count() as usize;
    assert!((extra - 8..=extra).contains(&forgotten), "{forgotten}");
    assert_eq!(master.last_error(), "broken", "one that is forgotten leaves its error");
    let outcome = master.wait(ids[0]);
    assert_eq!(outcome.clone().unwrap_err().status(), Status::NotFound);
    let text = text_of(outcome);
    assert!(text.starts_with(&format!("Transaction {} was forgotten", ids[0])), "{text}");
    assert_eq!(master.last_error(), text);
    assert_eq!(text_of(master.wait(ids[ids.len() - 1])), "broken");
    assert_eq!(text_of(master.wait(0)), "broken");
    master.wait(ids[0]).unwrap();
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn f05_failures_are_kept_longer_than_successes() {
    let master = master_of(parity());
    let failed = master.request(1, zeros(4), TransactionType::Write).unwrap();
    for _ in 0..3 * UNCLAIMED_COUNT_MAX {
        master.request(0, zeros(4), TransactionType::Write).unwrap();
    }
    assert_eq!(text_of(master.wait(failed)), "error at 1");
}

#[test]
fn f05_a_wait_for_all_tells_of_failures_that_have_shrunk() {
    let master = master_of(parity());
    for n in [2, 5, 7, 4] {
        master.request(n, zeros(4), TransactionType::Write).unwrap();
    }
    for _ in 0..3000 {
        master.request(0, zeros(4), TransactionType::Write).unwrap();
    }
    assert_eq!(text_of(master.wait(0)), "error at 7");
    master.wait(0).unwrap();
}

#[test]
fn f05_what_is_never_answered_ends_although_nobody_waits_for_it() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(Duration::from_micros(1));
    let late = master.request(0, zeros(4), TransactionType::Write).unwrap();
    let tran = slave.next();
    master.set_timeout(LONG);
    while !tran.is_done() {
        master.request(0, zeros(4), TransactionType::Post).unwrap();
        slave.next().done();
    }
    assert_eq!(slave.base().pending_count(), 0);
    assert_eq!(master.wait(late).unwrap_err().status(), Status::TransactionTimeout);
}

#[test]
fn f05_large_buffers_of_writes_that_nobody_claims_are_given_back() {
    let master = master_of(parity());
    for _ in 0..200 {
        master.request(0, zeros(4 << 20), TransactionType::Write).unwrap();
        // Of 64 MiB, and one that was made before the next looked.
        assert!(master.outstanding_count() < 20, "{}", master.outstanding_count());
    }
}

#[test]
fn f05_an_observed_transaction_is_gone_when_its_observer_has_returned() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let (observer, ends) = told();
    for round in 0..4 {
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let tran = slave.next();
        let end = || {
            tran.data().unwrap().fill(7);
            if round % 2 == 0 {
                tran.done();
            } else {
                tran.error("broken");
            }
        };
        if round < 2 {
            end();
        }
        master.observe(id, observer.clone()).unwrap();
        if round >= 2 {
            assert!(ends.try_recv().is_err());
            end();
        }
        let (told_id, outcome, data) = ends.try_recv().expect("told at once");
        assert_eq!((told_id, outcome.is_ok(), data), (id, round % 2 == 0, Some(vec![7; 4])));
        assert_eq!(master.outstanding_count(), 0);
        assert!(Arc::strong_count(&tran) <= 2, "but for the master's spare ones nobody keeps it");
        assert_eq!(master.observe(id, observer.clone()).unwrap_err().status(), Status::NotFound);
        assert!(ends.try_recv().is_err(), "told once");
    }
    assert_eq!(Arc::strong_count(&observer), 1);
}

#[test]
fn f05_an_observed_transaction_is_told_at_its_deadline_although_nobody_waits() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let (observer, ends) = told();
    let long = master.request(0, zeros(4), TransactionType::Read).unwrap();
    master.observe(long, observer.clone()).unwrap();
    master.set_timeout(SHORT);
    let short = master.request(0, zeros(4), TransactionType::Read).unwrap();
    master.observe(short, observer).unwrap();
    let (id, outcome, data) = ends.recv().unwrap();
    assert_eq!((id, data), (short, Some(vec![0; 4])));
    assert_eq!(outcome.unwrap_err().status(), Status::TransactionTimeout);
    let [first, second] = [slave.next(), slave.next()];
    assert!(second.expired() && !first.is_done());
    assert_eq!(slave.base().pending_count(), 1);
    first.done();
    assert_eq!(ends.recv().unwrap().0, long);
}

#[test]
fn f05_a_deadline_that_passes_while_the_data_is_locked_is_told_when_it_is_not() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let (observer, ends) = told();
    let [(locked, first), (free, _)] = [0, 1].map(|_| {
        master.set_timeout(SHORT);
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        (id, slave.next())
    });
    let mut data = first.data().unwrap();
    master.observe(locked, observer.clone()).unwrap();
    master.observe(free, observer).unwrap();
    // The lock of one holds nobody else up.
    assert_eq!(ends.recv().unwrap().0, free);
    data.fill(3);
    drop(data);
    let (id, outcome, data) = ends.recv().unwrap();
    assert_eq!((id, data), (locked, Some(vec![3; 4])));
    assert!(outcome.is_err());
}

#[test]
fn f05_a_wait_and_an_observer_of_one_transaction_are_both_told() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    for _ in 0..200 {
        let (observer, ends) = told();
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let tran = slave.next();
        master.observe(id, observer).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| master.wait(id));
            // The waiter holds a reference from when it begins.
            while Arc::strong_count(&tran) < 5 {
                std::thread::yield_now();
            }
            tran.error("broken");
            assert_eq!(text_of(waiter.join().unwrap()), "broken");
        });
        assert_eq!(text_of(ends.recv().unwrap().1), "broken");
        assert!(ends.recv().is_err(), "told once, and let go of");
        assert_eq!(master.outstanding_count(), 0);
    }
}

#[test]
fn f05_an_observer_may_ask_for_more() {
    struct Chain {
        master: Master,
        left: AtomicU32,
        done: Mutex<Sender<()>>,
    }
    struct Link(Arc<Chain>);
    impl Chain {
        fn next(self: &Arc<Self>) {
            let id = self.master.request(0, zeros(4), TransactionType::Write).unwrap();
            self.master.observe(id, Arc::new(Link(self.clone()))).unwrap();
        }
    }
    impl Claimant for Link {
        fn ended(&self, id: u32, outcome: Result<()>, _: Option<DataBuffer>) {
            outcome.unwrap();
            self.0.master.wait(id).unwrap();
            match self.0.left.fetch_sub(1, Ordering::Relaxed) {
                1 => self.0.done.lock().unwrap().send(()).unwrap(),
                _ => self.0.next(),
            }
        }
    }
    let (sender, done) = channel();
    let slave = Keeper::with_table(4, 0);
    let (left, done_sender) = (AtomicU32::new(1000), Mutex::new(sender));
    let chain = Arc::new(Chain { master: master_of(slave.clone()), left, done: done_sender });
    chain.next();
    for _ in 0..1000 {
        slave.next().done();
    }
    done.recv().unwrap();
    assert_eq!(chain.master.outstanding_count(), 0);
}

#[test]
fn f05_dropping_a_master_tells_the_observers_of_what_is_under_way() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let (observer, ends) = told();
    let ids: Vec<u32> = (0..10)
        .map(|_| {
            let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
            master.observe(id, observer.clone()).unwrap();
            id
        })
        .collect();
    drop((master, observer));
    let mut seen: Vec<u32> = ends
        .iter()
        .map(|(id, outcome, _)| {
            assert!(text_of(outcome).contains("no longer exists"));
            id
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, ids);
    assert!(slave.drain().into_iter().all(|tran| tran.expired()));
}

#[test]
fn f05_a_cancelled_transaction_ends_at_once_for_all_who_care() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let (observer, ends) = told();
    let id = master.request(0, vec![1; 4].into(), TransactionType::Write).unwrap();
    let tran = slave.next();
    master.observe(id, observer).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        while Arc::strong_count(&tran) < 5 {
            std::thread::yield_now();
        }
        assert!(master.cancel(Some(&[id]), Duration::ZERO));
        assert!(text_of(waiter.join().unwrap()).contains("cancelled"));
    });
    let (_, outcome, data) = ends.recv().unwrap();
    // Whoever waits may have taken its buffer first.
    assert!(data.is_none_or(|data| data == [1; 4]));
    assert!(text_of(outcome).contains("cancelled"));
    assert!(tran.expired() && tran.data_start().is_null());
    assert_eq!((slave.base().pending_count(), master.outstanding_count()), (0, 0));
    master.wait(id).unwrap();
    tran.done();
    assert!(ends.try_recv().is_err());
    assert!(master.cancel(Some(&[id]), Duration::ZERO), "there is nothing left to cancel");
}

#[test]
fn f05_threads_that_observe_wait_and_forget_at_once_lose_nothing() {
    let (sender, queue) = channel();
    let queue_in = Mutex::new(sender);
    let slave = Acting::new(4, 0, move |base, tran| {
        base.add_transaction(tran);
        queue_in.lock().unwrap().send(tran.clone()).unwrap();
    });
    let base = slave.clone();
    let master = Arc::new(master_of(slave));
    let worker = std::thread::spawn(move || {
        for tran in queue.iter().take(4 * 2000) {
            let guard = tran.data();
            if let Some(tran) = base.base().take_transaction(tran.id()) {
                tran.done();
            }
            drop(guard);
        }
    });
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let (master, barrier) = (&master, &barrier);
            scope.spawn(move || {
                let (observer, ends) = told();
                let mut observed = 0;
                barrier.wait();
                for n in 0..2000 {
                    let id = master.request(0, zeros(4), TransactionType::Write).unwrap();
                    match (n + thread) % 4 {
                        0 => master.wait(id).unwrap(),
                        1 | 2 => {
                            master.observe(id, observer.clone()).unwrap();
                            observed += 1;
                        }
                        _ => {}
                    }
                }
                for _ in 0..observed {
                    ends.recv().unwrap().1.unwrap();
                }
            });
        }
    });
    master.wait(0).unwrap();
    assert_eq!(master.outstanding_count(), 0);
    worker.join().unwrap();
}
