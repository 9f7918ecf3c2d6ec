//! Transactions that nobody completes, or too late: who may touch what, and that nothing is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

use rogue_mem::clock;
use rogue_mem::memory::{Hub, Slave, TransactionType};
use rogue_mem::Status;

use testkit::bus::{master_of, text_of, zeros};
use testkit::slaves::{Acting, Keeper};
use testkit::wait::SHORT;

#[test]
fn d03_a_slave_that_panics_leaves_nothing_to_wait_for() {
    let (sender, arrivals) = channel();
    let slave = Acting::new(4, 0, move |base, tran| {
        base.add_transaction(tran);
        sender.send(tran.clone()).unwrap();
        panic!("the slave's own fault");
    });
    let master = master_of(slave.clone());
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = master.request(0, zeros(4), TransactionType::Read);
    }));
    let panic = outcome.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the slave's own fault"));
    assert_eq!(master.outstanding_count(), 0);
    assert_eq!(slave.base().pending_count(), 0);
    master.wait(0).unwrap();
    let tran = arrivals.recv().unwrap();
    assert!(tran.expired());
    assert!(tran.data().is_none() && tran.data_start().is_null(), "the buffer has gone back");
}

#[test]
fn d03_the_deadline_is_set_before_the_slave_is_called() {
    let (started, release) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (at_start, at_release) = (started.clone(), release.clone());
    let slave = Acting::new(4, 0, move |_, _| {
        at_start.wait();
        at_release.wait();
    });
    let master = master_of(slave);
    master.set_timeout(SHORT);
    std::thread::scope(|scope| {
        let requester = scope.spawn(|| master.request(0, zeros(4), TransactionType::Read));
        started.wait();
        // The requester is in the slave and does not know the id yet.
        let error = master.wait(0).unwrap_err();
        assert_eq!(error.status(), Status::TransactionTimeout);
        release.wait();
        let id = requester.join().unwrap().unwrap();
        assert!(master.wait(id).is_ok(), "it has been waited for");
    });
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn d05_a_part_expires_with_its_whole() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    master.set_timeout(SHORT);
    let id = master.request(0, zeros(8), TransactionType::Read).unwrap();
    let parts = slave.drain();
    // A reference to the whole is held, as a lock object of the reference's does.
    let whole = parts[0].root();
    assert!(!parts[0].expired());
    let error = master.wait(id).unwrap_err();
    assert_eq!(error.status(), Status::TransactionTimeout);
    assert!(whole.expired());
    for part in &parts {
        assert!(part.expired());
        part.lock_data();
        assert!(part.data_start().is_null());
        // SAFETY: locked two lines above.
        unsafe { part.unlock_data() };
        assert!(part.data().is_none());
        part.done();
    }
    assert_eq!(slave.base().pending_count(), 0, "both have left the table");
}

#[test]
fn a_slave_cannot_lock_the_data_of_what_has_ended() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let id = master.request(0, zeros(8), TransactionType::Read).unwrap();
    let parts = slave.drain();
    parts[0].done();
    assert!(parts[0].data().is_none(), "its own part is over");
    parts[1].data().expect("the other one is not").fill(7);
    parts[1].error("no");
    // Over, but not waited for yet: the buffer is still there.
    assert!(parts.iter().all(|part| part.data().is_none() && !part.data_start().is_null()));
    assert!(master.wait(id).is_err());
    assert!(parts.iter().all(|part| part.data_start().is_null()));
}

#[test]
fn d06_dropping_a_master_expires_what_is_pending() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    for _ in 0..3 {
        master.request(0, zeros(4), TransactionType::Read).unwrap();
    }
    drop(master);
    for tran in slave.drain() {
        assert!(tran.expired());
        assert!(tran.data().is_none() && tran.data_start().is_null());
        let text = text_of(tran.outcome().unwrap());
        assert_eq!(text, "The master that requested the transaction no longer exists");
        tran.done();
    }
    assert_eq!(slave.base().pending_count(), 0);
}

#[test]
fn d06_dropping_a_master_waits_for_who_is_copying() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.request(0, zeros(0x1000), TransactionType::Read).unwrap();
    let tran = slave.next();
    let copied = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut data = tran.data().unwrap();
        let dropper = scope.spawn(|| {
            drop(master);
            assert!(copied.load(Ordering::SeqCst), "dropped while the data was in use");
        });
        for byte in data.iter_mut() {
            *byte = 0xA5;
            std::thread::yield_now();
        }
        copied.store(true, Ordering::SeqCst);
        drop(data);
        dropper.join().unwrap();
    });
}

#[test]
fn a_late_answer_changes_neither_result_nor_buffer() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(SHORT);
    let before = clock::now();
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    let error = master.wait(id).unwrap_err();
    assert!(clock::now().since(before) >= SHORT, "not before its time");
    let expected = format!("Timeout waiting for register transaction {id} message response.");
    assert_eq!((error.status(), error.text()), (Status::TransactionTimeout, &*expected));
    assert_eq!(master.last_error(), expected);
    let tran = slave.next();
    assert!(slave.take(&tran).is_none(), "it has left the table without an answer");
    assert!(tran.data().is_none());
    tran.done();
    assert_eq!(tran.outcome(), Some(Err(error)));
}

#[test]
fn an_answer_that_is_being_copied_when_the_time_passes_still_counts() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(SHORT);
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    let tran = slave.next();
    let deadline = tran.deadline();
    std::thread::scope(|scope| {
        let mut data = tran.data().unwrap();
        let waiter = scope.spawn(|| master.wait_buffer(id));
        // Until well after the waiter has seen the deadline pass.
        while clock::now() < deadline + 2 * SHORT {
            std::thread::yield_now();
        }
        assert!(!tran.is_done());
        data.copy_from_slice(&[1, 2, 3, 4]);
        tran.done();
        drop(data);
        assert_eq!(waiter.join().unwrap().unwrap(), [1, 2, 3, 4]);
    });
}

#[test]
fn a_slave_may_complete_under_the_data_lock_and_let_go_later() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let id = master.request(0, zeros(2), TransactionType::Read).unwrap();
    let tran = slave.next();
    std::thread::scope(|scope| {
        let mut data = tran.data().unwrap();
        let waiter = scope.spawn(|| master.wait_buffer(id));
        tran.done();
        // The waiter may be awake by now, but must not have its buffer yet.
        data[1] = 9;
        drop(data);
        assert_eq!(waiter.join().unwrap().unwrap(), [0, 9]);
    });
}

#[test]
fn d25_a_table_keeps_nothing_that_nobody_waits_for() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    master.set_timeout(SHORT);
    for size in [4, 400] {
        let id = master.request(0, zeros(size), TransactionType::Write).unwrap();
        assert_eq!(slave.base().pending_count(), size / 4);
        assert!(master.wait(id).is_err());
        assert_eq!(slave.base().pending_count(), 0, "{size} bytes");
    }
    let tran = slave.drain().into_iter().last().unwrap();
    slave.base().add_transaction(&tran);
    assert_eq!(slave.base().pending_count(), 0, "what has expired is not kept");
}

#[test]
fn d25_a_transaction_completed_past_the_table_leaves_it() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    for (size, fail) in [(4, false), (4, true), (12, false), (12, true)] {
        let id = master.request(0, zeros(size), TransactionType::Write).unwrap();
        let parts = slave.drain();
        for (index, part) in parts.iter().enumerate() {
            match fail && index == 1 {
                true => part.error("no"),
                false => part.done(),
            }
            assert_eq!(slave.base().pending_count(), parts.len() - index - 1);
        }
        assert_eq!(master.wait(id).is_err(), fail && size > 4);
    }
}

#[test]
fn a_transaction_kept_by_two_tables_leaves_both() {
    let inner = Keeper::with_table(4, 0);
    let next = inner.clone();
    let outer = Acting::new(4, 0, move |base, tran| {
        base.add_transaction(tran);
        base.add_transaction(tran);
        next.do_transaction(tran);
    });
    let master = master_of(outer.clone());
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    assert_eq!((outer.base().pending_count(), inner.base().pending_count()), (1, 1));
    inner.take(&inner.next()).unwrap().done();
    assert_eq!((outer.base().pending_count(), inner.base().pending_count()), (0, 0));
    master.wait(id).unwrap();
}

#[test]
fn a_note_comes_back_with_its_transaction() {
    let master = master_of(Acting::new(4, 0, |base, tran| {
        match tran.address() {
            0 => base.add_transaction(tran),
            address => base.add_noted(tran, address as u32),
        }
        let (found, note) = base.take_noted(tran.id()).unwrap();
        assert!(Arc::ptr_eq(&found, tran));
        assert_eq!(u64::from(note), tran.address());
        assert!(base.take_noted(tran.id()).is_none());
        found.done();
    }));
    master.read(0, 4).unwrap();
    master.read(0xFFFF_FFFF, 4).unwrap();
}

#[test]
fn a_slave_may_fail_all_that_it_keeps() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let ids: Vec<u32> =
        (1..4).map(|n| master.request(0, zeros(4 * n), TransactionType::Read).unwrap()).collect();
    slave.take(&slave.next()).unwrap().done();
    slave.base().fail_all("the link is gone");
    assert_eq!(slave.base().pending_count(), 0);
    master.wait(ids[0]).unwrap();
    for id in &ids[1..] {
        let text = text_of(master.wait(*id));
        assert!(text.ends_with("failed with error: the link is gone.\n"), "{text}");
    }
}

#[test]
fn a_slave_that_goes_fails_what_it_kept() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    master.set_slave(Hub::new(0, 0, 0));
    let alive = Arc::downgrade(&slave);
    let kept = slave.drain();
    drop(slave);
    assert!(alive.upgrade().is_none(), "a pending transaction keeps no slave alive");
    assert_eq!(text_of(master.wait(id)), "The slave that kept the transaction no longer exists");
    drop(kept);
}

#[test]
fn nothing_is_left_of_transactions_and_slaves_once_all_have_let_go() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub.clone());
    let ids: Vec<u32> =
        (0..4).map(|n| master.request(0, zeros(4 * n), TransactionType::Read).unwrap()).collect();
    let mut weak = Vec::new();
    for (n, tran) in slave.drain().into_iter().enumerate() {
        weak.push(Arc::downgrade(&tran));
        match n % 3 {
            0 => slave.take(&tran).unwrap().done(),
            1 => drop(slave.take(&tran)),
            _ => {}
        }
    }
    master.wait(ids[0]).unwrap();
    let slaves = (Arc::downgrade(&slave), Arc::downgrade(&hub));
    drop((slave, hub, master));
    assert!(weak.iter().all(|tran| tran.strong_count() == 0));
    assert!(slaves.0.strong_count() == 0 && slaves.1.strong_count() == 0);
}
