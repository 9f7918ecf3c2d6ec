//! Masters: requests, waits, errors, ids, posted writes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rogue_mem::memory::{
    Emulate, Hub, Master, Slave, Transaction, TransactionType, Unconnected, UNCLAIMED_COUNT_MAX,
    UNCONNECTED_TEXT,
};
use rogue_mem::Status;

use testkit::bus::{master_of, text_of, zeros};
use testkit::log;
use testkit::slaves::{Acting, Keeper};

#[test]
fn each_kind_of_request_arrives_as_such() {
    let (sender, seen) = channel();
    let slave = Acting::new(4, 0, move |_, tran| {
        let bytes = tran.data().unwrap().to_vec();
        sender.send((tran.address(), tran.size(), tran.ty(), bytes)).unwrap();
        tran.data().unwrap().fill(7);
        tran.done();
    });
    let master = master_of(slave);
    assert_eq!(master.read(0x10, 3).unwrap(), [7; 3]);
    assert_eq!(master.verify(0x1_0000_0000, 2).unwrap(), [7; 2]);
    master.write(u64::MAX - 1, &[1, 2]).unwrap();
    master.post(0, &[3]).unwrap();
    let expected = [
        (0x10, 3, TransactionType::Read, vec![0; 3]),
        (0x1_0000_0000, 2, TransactionType::Verify, vec![0; 2]),
        (u64::MAX - 1, 2, TransactionType::Write, vec![1, 2]),
        (0, 1, TransactionType::Post, vec![3]),
    ];
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_has_succeeded_when_it_is_started_is_collected_and_nothing_else_is() {
    let keeping = Keeper::with_table(4, 0);
    let master = master_of(keeping.clone());
    let (id, is_collected) = master.start(0, zeros(4), TransactionType::Read).unwrap();
    assert!(!is_collected);
    keeping.next().done();
    assert_eq!(master.outstanding_count(), 1);
    master.wait(id).unwrap();

    master.set_slave(Emulate::new(4, 0));
    for ty in [
        TransactionType::Write,
        TransactionType::Read,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        let (id, is_collected) = master.start(0, zeros(4), ty).unwrap();
        assert!(id != 0 && is_collected);
        assert_eq!(master.outstanding_count(), 0);
        master.wait(id).unwrap();
    }

    master.set_slave(Acting::new(4, 0, |_, tran| tran.error("broken")));
    let (id, is_collected) = master.start(0, zeros(4), TransactionType::Read).unwrap();
    assert!(!is_collected);
    assert_eq!(text_of(master.wait(id)), "broken");
}

#[test]
fn a_start_does_not_take_the_data_from_a_slave_that_still_looks_at_it() {
    let (sender, kept) = channel();
    let (locked, proceed) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let slave = {
        let locked = locked.clone();
        Acting::new(4, 0, move |_, tran| {
            sender.send(tran.clone()).unwrap();
            locked.wait();
            tran.done();
        })
    };
    let master = master_of(slave);
    let looker = {
        let proceed = proceed.clone();
        std::thread::spawn(move || {
            let tran = kept.recv().unwrap();
            let mut data = tran.data().unwrap();
            locked.wait();
            proceed.wait();
            data.fill(9);
        })
    };
    let (id, is_collected) = master.start(0, zeros(4), TransactionType::Read).unwrap();
    assert!(!is_collected);
    proceed.wait();
    assert_eq!(master.wait_buffer(id).unwrap(), [9; 4]);
    looker.join().unwrap();
}

#[test]
fn the_last_error_stays_until_it_is_cleared_or_replaced() {
    let slave = Acting::new(4, 0, |_, tran| match tran.address() {
        0 => tran.done(),
        address => tran.error(format!("error at {address}")),
    });
    let master = master_of(slave);
    assert_eq!(master.last_error(), "");
    assert!(master.read(1, 4).is_err());
    assert_eq!(master.last_error(), "error at 1");
    master.read(0, 4).unwrap();
    assert_eq!(master.last_error(), "error at 1", "success does not clear it");
    assert!(master.read(2, 4).is_err());
    assert_eq!(master.last_error(), "error at 2");
    master.clear_error();
    assert_eq!(master.last_error(), "");
}

#[test]
fn d23_each_thread_has_the_result_of_its_own_transaction() {
    let slave = Acting::new(4, 0, |_, tran| match tran.address() % 3 {
        0 => tran.done(),
        _ => tran.error(format!("error at {}", tran.address())),
    });
    let master = master_of(slave);
    let barrier = Barrier::new(3);
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (master, barrier) = (&master, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for n in 0..2000 {
                    let address = 3 * n + thread;
                    // What others fail at, and their clearing, is nothing to this one.
                    master.clear_error();
                    match master.read(address, 4) {
                        Ok(_) => assert_eq!(thread, 0),
                        Err(error) => assert_eq!(error.text(), format!("error at {address}")),
                    }
                }
            });
        }
    });
}

#[test]
fn waiting_for_all_returns_the_error_of_the_highest_id() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let ids: Vec<u32> =
        (0..4).map(|_| master.request(0, zeros(4), TransactionType::Read).unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    let trans = slave.drain();
    trans[2].error("third");
    trans[0].error("first");
    trans[1].done();
    trans[3].done();
    assert_eq!(master.outstanding_count(), 4);
    assert_eq!(text_of(master.wait(0)), "third");
    assert_eq!(master.last_error(), "third");
    assert_eq!(master.outstanding_count(), 0);
    master.wait(0).unwrap();
    for id in ids {
        master.wait(id).unwrap();
    }
    master.wait(0xFFFF_FFFF).unwrap();
}

#[test]
fn waiting_for_all_is_for_those_that_are_outstanding_then() {
    let slave = Keeper::with_table(4, 0);
    let master = Arc::new(master_of(slave.clone()));
    master.request(0, zeros(4), TransactionType::Read).unwrap();
    let first = slave.next();
    let (sender, results) = channel();
    let other = master.clone();
    let waiter = std::thread::spawn(move || sender.send(other.wait(0)).unwrap());
    // In time or not, the second one does not end before the first has been waited for.
    while Arc::strong_count(&first) < 4 {
        std::thread::yield_now();
    }
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    first.done();
    results.recv().unwrap().unwrap();
    waiter.join().unwrap();
    assert_eq!(master.outstanding_count(), 1);
    slave.next().done();
    master.wait(id).unwrap();
}

#[test]
fn a_buffer_goes_to_one_waiter_only() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    assert_eq!(master.wait_buffer(1 << 30).unwrap_err().status(), Status::NotFound);
    let id = master.request(0, vec![1, 2, 3].into(), TransactionType::Write).unwrap();
    let tran = slave.next();
    let (sender, results) = channel();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (master, sender) = (&master, sender.clone());
            scope.spawn(move || sender.send(master.wait_buffer(id)).unwrap());
        }
        // Both hold a reference once they wait.
        while Arc::strong_count(&tran) < 5 {
            std::thread::yield_now();
        }
        tran.done();
    });
    drop(sender);
    let (good, bad): (Vec<_>, Vec<_>) = results.iter().partition(Result::is_ok);
    assert_eq!(good, [Ok(vec![1, 2, 3])]);
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].as_ref().unwrap_err().status(), Status::InvalidData);
}

#[test]
fn a_timeout_of_zero_leaves_the_timeout_as_it_is() {
    let master = Master::new();
    assert_eq!(master.timeout().as_micros(), 1_000_000);
    master.set_timeout(Duration::from_micros(1234));
    master.set_timeout(Duration::ZERO);
    assert_eq!(master.timeout().as_micros(), 1234);
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_buffer_of_four_gigabytes_is_refused() {
    let master = master_of(Unconnected::new(4, 0));
    // Never touched, so never more than an entry in the page table.
    let error = master.request(0, zeros(0x1_0000_0000), TransactionType::Read).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().contains("4294967296 bytes"), "{error}");
    let id = master.request(0, zeros(0xFFFF_FFFF), TransactionType::Read).unwrap();
    assert_eq!(text_of(master.wait(id)), UNCONNECTED_TEXT);
}

#[test]
fn another_slave_may_be_connected_at_any_time() {
    let old = Keeper::with_table(4, 0);
    let master = master_of(old.clone());
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    master.set_slave(Emulate::new(4, 0));
    master.write(0, &[1]).unwrap();
    assert_eq!(master.outstanding_count(), 1);
    assert_eq!(old.base().pending_count(), 1, "what it was asked before is still its to do");
    old.next().done();
    master.wait(id).unwrap();
    std::thread::scope(|scope| {
        let (master, memory) = (&master, Emulate::new(4, 0));
        scope.spawn(move || {
            (0..2000).for_each(|_| master.set_slave(memory.clone()));
        });
        (0..2000).for_each(|_| drop(master.read(0, 4).unwrap()));
    });
}

#[test]
fn d25_posted_writes_that_nobody_waits_for_do_not_pile_up() {
    let executed = Arc::new(AtomicUsize::new(0));
    let count = executed.clone();
    let master = master_of(Acting::new(4, 0, move |_, tran| {
        count.fetch_add(1, Ordering::Relaxed);
        tran.done();
    }));
    let mut most = 0;
    for n in 0..10_000 {
        master.request(n, zeros(4), TransactionType::Post).unwrap();
        most = most.max(master.outstanding_count());
    }
    assert_eq!(executed.load(Ordering::Relaxed), 10_000);
    assert!(most < 8, "{most} kept");
}

#[test]
fn d25_one_posted_write_on_its_way_keeps_none_of_the_later_ones() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let first = master.request(0, zeros(4), TransactionType::Post).unwrap();
    let pending = slave.next();
    for _ in 0..1000 {
        master.request(0, zeros(4), TransactionType::Post).unwrap();
        slave.next().done();
        assert!(master.outstanding_count() < 8, "{}", master.outstanding_count());
    }
    pending.error("late, but heard");
    assert_eq!(text_of(master.wait(first)), "late, but heard");
}

#[test]
fn d25_overdue_posted_writes_end_without_being_waited_for() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(Duration::from_micros(1));
    let requests = 4000;
    for _ in 0..requests {
        master.request(0, zeros(4), TransactionType::Post).unwrap();
    }
    drop(slave.drain());
    // Each request looks after two: as many again look after all.
    for _ in 0..requests {
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        assert!(master.wait(id).is_err());
    }
    assert!(slave.base().pending_count() == 0, "{} are kept", slave.base().pending_count());
}

#[test]
fn the_errors_of_the_latest_posted_writes_are_kept_for_who_asks() {
    let number = AtomicU32::new(0);
    let master = master_of(Acting::new(4, 0, move |_, tran| {
        tran.error(format!("error {}", number.fetch_add(1, Ordering::Relaxed)));
    }));
    let extra = 100;
    let ids: Vec<u32> = (0..UNCLAIMED_COUNT_MAX + extra)
        .map(|_| master.request(0, zeros(4), TransactionType::Post).unwrap())
        .collect();
    assert!(master.outstanding_count() <= UNCLAIMED_COUNT_MAX + 8);
    let text = master.last_error();
    assert!(text.starts_with("error "), "the older ones have left a trace: {text:?}");
    let latest = ids.len() - 1;
    assert_eq!(text_of(master.wait(ids[latest])), format!("error {latest}"));
    assert_eq!(text_of(master.wait(ids[latest - 1000])), format!("error {}", latest - 1000));
    assert_eq!(master.wait(ids[0]).unwrap_err().status(), Status::NotFound);
}

#[test]
fn a_posted_write_whose_data_is_in_use_is_kept_until_it_is_not() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let id = master.request(0, vec![5; 4].into(), TransactionType::Post).unwrap();
    let tran = slave.next();
    let data = tran.data().unwrap();
    tran.done();
    for _ in 0..10 {
        let read = master.request(0, zeros(4), TransactionType::Read).unwrap();
        slave.next().done();
        master.wait(read).unwrap();
    }
    assert_eq!(&*data, &[5; 4]);
    assert_eq!(master.outstanding_count(), 1);
    std::thread::scope(|scope| {
        // It can still be waited for, and that takes as long as the data is in use.
        let waiter = scope.spawn(|| master.wait(id));
        drop(data);
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn d94_ids_that_requesters_see_are_their_own() {
    // Parts count from the other end, and masters take no ids of slaves.
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let mut seen = HashSet::new();
    for _ in 0..10 {
        let id = master.request(0, zeros(40), TransactionType::Read).unwrap();
        assert!(id != 0 && id < 1 << 31, "{id}");
        assert!(seen.insert(id));
        for part in slave.drain() {
            assert!(part.id() >= 1 << 31, "{}", part.id());
            assert!(seen.insert(part.id()));
            part.done();
        }
    }
    master.wait(0).unwrap();
    let placeholders: Vec<u32> = (0..3).map(|_| Master::new().req_slave_id()).collect();
    assert_eq!(placeholders, [0, 0, 0]);
    assert_eq!(Hub::new(0, 0, 0).master().req_slave_id(), 0);
}

#[test]
fn slaves_have_ids_and_names_until_they_are_named() {
    let ids: HashSet<u32> = (0..100).map(|_| Emulate::new(4, 8).base().id()).collect();
    assert_eq!(ids.len(), 100);
    assert!(!ids.contains(&0));
    let slave = Emulate::new(4, 8);
    let master = master_of(slave.clone());
    assert_eq!(master.req_slave_name(), format!("Unnamed_{}", slave.base().id()));
    assert_eq!(master.req_slave_id(), slave.base().id());
    slave.base().set_name("memory of the board");
    assert_eq!(master.req_slave_name(), "memory of the board");
    assert_eq!((master.req_min_access(), master.req_max_access()), (4, 8));
    assert_eq!(master.req_address(), 0);
}

#[test]
fn many_outstanding_requests_are_each_answered_with_their_own_bytes() {
    let memory = Emulate::new(1, 0);
    let (sender, receiver) = channel::<Arc<Transaction>>();
    let queue = std::sync::Mutex::new(sender);
    let slave = Acting::new(1, 0, move |_, tran| queue.lock().unwrap().send(tran.clone()).unwrap());
    let inner = memory.clone();
    let worker = std::thread::spawn(move || {
        // In groups, and each group backwards.
        let all: Vec<_> = receiver.iter().collect();
        for group in all.chunks(7) {
            group.iter().rev().for_each(|tran| inner.do_transaction(tran));
        }
    });
    let content: Vec<u8> = (0..4096u32).map(|n| (n * 7 / 3) as u8).collect();
    master_of(memory).write(0, &content).unwrap();
    let master = master_of(slave);
    let ids: Vec<u32> = (0..1000)
        .map(|n| master.request(n, zeros(n as usize % 9), TransactionType::Read).unwrap())
        .collect();
    master.set_slave(Unconnected::placeholder());
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(master.wait_buffer(id).unwrap(), &content[n..n + n % 9]);
    }
    worker.join().unwrap();
}

#[test]
fn d27_a_new_block_of_emulated_memory_is_logged_with_its_whole_address() {
    log::capture();
    let master = master_of(Emulate::new(4, 0));
    master.read(0x1234_5678_9ABC_D000, 4).unwrap();
    let about = |texts: Vec<String>| {
        texts.into_iter().filter(|text| text.contains("56789abc")).collect::<Vec<_>>()
    };
    assert!(about(log::texts_of("pyrogue.memory.Emulate")).is_empty(), "reading makes no block");
    master.write(0x1234_5678_9ABC_DFFE, &[1; 0x1004]).unwrap();
    master.write(0x1234_5678_9ABC_D000, &[1; 4]).unwrap();
    let expected = [
        "Allocating block at 0x123456789abcd000. Total Blocks 1, Total Size = 4096",
        "Allocating block at 0x123456789abce000. Total Blocks 2, Total Size = 8192",
        "Allocating block at 0x123456789abcf000. Total Blocks 3, Total Size = 12288",
    ];
    assert_eq!(about(log::texts_of("pyrogue.memory.Emulate")), expected);
}
