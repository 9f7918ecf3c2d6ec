//! How transactions end: once, and a split one with all its parts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

use rogue_mem::memory::{Emulate, Hub, Master, Slave, Transaction, TransactionType};
use rogue_mem::Status;

use testkit::bus::{master_of, post_in_a_chain, text_of, zeros, Ends, Telling};
use testkit::slaves::{Acting, Keeper};
use testkit::wait::LONG;

/// A hub over a slave that keeps parts of 4 bytes, and one read of `parts` of them on its way.
fn split_read(parts: usize) -> (Master, u32, Vec<Arc<Transaction>>) {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let id = master.request(0, zeros(4 * parts), TransactionType::Read).unwrap();
    let all = slave.drain();
    assert_eq!(all.len(), parts);
    (master, id, all)
}

#[test]
fn d01_a_failing_part_fails_the_whole_whichever_it_is() {
    for failing in 0..3 {
        let (master, id, parts) = split_read(3);
        for (index, part) in parts.iter().enumerate() {
            match index == failing {
                true => part.error("bus error"),
                false => part.done(),
            }
        }
        let error = master.wait(id).unwrap_err();
        assert_eq!(error.status(), Status::Transaction);
        let part = parts[failing].id();
        let expected =
            format!("Transaction error. Subtransaction {part} failed with error: bus error.\n");
        assert_eq!(error.text(), expected, "part {failing} of 3");
        assert_eq!(master.last_error(), expected);
    }
}

#[test]
fn the_first_failure_of_several_is_reported_when_all_parts_have_ended() {
    let (master, id, parts) = split_read(3);
    parts[1].error("first");
    parts[0].error("second");
    assert!(!parts[2].expired(), "the whole waits for all of its parts");
    parts[2].done();
    let text = text_of(master.wait(id));
    assert!(text.contains("failed with error: first."), "{text}");
    assert!(!text.contains("second"), "{text}");
}

#[test]
fn d02_parts_may_end_while_their_siblings_are_still_being_forwarded() {
    // Both in the forwarding thread and in another one.
    let memory = Emulate::new(4, 4);
    let (sender, receiver) = std::sync::mpsc::channel::<Arc<Transaction>>();
    let inner = memory.clone();
    let slave = Acting::new(4, 4, move |_, tran| match tran.address() % 8 {
        0 => inner.do_transaction(tran),
        _ => sender.send(tran.clone()).unwrap(),
    });
    let worker = std::thread::spawn(move || {
        receiver.iter().for_each(|tran| memory.do_transaction(&tran));
    });
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave);
    let master = master_of(hub.clone());
    let bytes: Vec<u8> = (0..40_000u32).map(|n| (n / 7) as u8).collect();
    for round in 0..4 {
        master.write(round * 0x10_0000, &bytes).unwrap();
        assert_eq!(master.read(round * 0x10_0000, bytes.len() as u32).unwrap(), bytes);
    }
    drop((master, hub));
    worker.join().unwrap();
}

#[test]
fn d24_a_whole_ends_even_if_its_parts_ended_before_the_last_was_announced() {
    let slave = Acting::new(4, 0, |_, tran| {
        let one = tran.create_sub(0, 4, 0, tran.ty()).unwrap();
        let other = tran.create_sub(4, 4, 4, tran.ty()).unwrap();
        one.done();
        other.error("no such register");
        assert!(!tran.is_done(), "more parts may come");
        tran.done_subs();
        assert!(tran.is_done());
    });
    let master = master_of(slave);
    assert!(text_of(master.read(0, 8)).contains("no such register"));
}

#[test]
fn a_whole_of_no_parts_succeeds() {
    let master = master_of(Acting::new(4, 0, |_, tran| tran.done_subs()));
    assert_eq!(master.read(0, 4).unwrap(), [0; 4]);
}

#[test]
fn d26_the_first_completion_counts_and_nothing_after_it() {
    let master = master_of(Acting::new(4, 0, |_, tran| match tran.address() {
        0 => {
            tran.error("one");
            tran.error("two");
            tran.done();
        }
        1 => {
            tran.done();
            tran.error("too late");
        }
        _ => tran.error(""),
    }));
    assert_eq!(text_of(master.read(0, 4)), "one");
    master.clear_error();
    master.read(1, 4).unwrap();
    assert_eq!(master.last_error(), "");
    let error = master.read(2, 4).unwrap_err();
    assert_eq!(error.status(), Status::Transaction, "a failure without a text is a failure");
    assert!(!error.text().is_empty());
}

#[test]
fn d28_completions_from_many_threads_agree_on_one_outcome() {
    for round in 0..200 {
        let slave = Keeper::with_table(4, 0);
        let master = master_of(slave.clone());
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let tran = slave.next();
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (tran, barrier) = (&tran, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    match thread {
                        0 => tran.done(),
                        _ => tran.error(format!("thread {thread}")),
                    }
                });
            }
            barrier.wait();
            let outcome = master.wait(id);
            assert_eq!(Some(outcome.clone()), tran.outcome(), "round {round}");
            if let Err(error) = outcome {
                assert!(["thread 1", "thread 2"].contains(&error.text()), "{error}");
            }
        });
    }
}

#[test]
fn d48_a_slave_of_the_users_may_split_a_transaction_as_it_likes() {
    let memory = Emulate::new(1, 0);
    let inner = memory.clone();
    // Every second byte lies in another bank.
    let slave = Acting::new(1, 0, move |_, tran| {
        for n in 0..tran.size() {
            let address = tran.address() / 2 + u64::from(n / 2) + 0x1000 * u64::from(n % 2);
            let part = tran.create_sub(n, 1, address, tran.ty()).unwrap();
            assert_eq!((part.size(), part.ty(), part.address()), (1, tran.ty(), address));
            inner.do_transaction(&part);
        }
        tran.done_subs();
    });
    let master = master_of(slave);
    master.write(0, &[1, 2, 3, 4, 5]).unwrap();
    assert_eq!(master_of(memory.clone()).read(0, 3).unwrap(), [1, 3, 5]);
    assert_eq!(master_of(memory).read(0x1000, 2).unwrap(), [2, 4]);
    assert_eq!(master.read(0, 5).unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_part_that_does_not_lie_within_its_whole_is_refused() {
    let slave = Acting::new(4, 0, |_, tran| {
        for (offset, size) in [(0, 9), (8, 1), (9, 0), (u32::MAX, 1), (1, u32::MAX)] {
            let error = tran.create_sub(offset, size, 0, TransactionType::Read).unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument, "{offset}+{size}");
            assert!(error.text().contains("of 8 bytes"), "{error}");
        }
        let part = tran.create_sub(4, 4, 0, TransactionType::Read).unwrap();
        assert_eq!(
            part.create_sub(2, 3, 0, TransactionType::Read).unwrap_err().status(),
            Status::InvalidArgument
        );
        let empty = tran.create_sub(8, 0, 0, TransactionType::Read).unwrap();
        empty.done();
        part.error("enough");
        tran.done_subs();
        assert!(tran
            .create_sub(0, 4, 0, TransactionType::Read)
            .is_err_and(|e| e.status() == Status::InvalidData));
        assert!(part
            .create_sub(0, 1, 0, TransactionType::Read)
            .is_err_and(|e| e.status() == Status::InvalidData));
    });
    assert!(text_of(master_of(slave).read(0, 8)).contains("enough"));
}

#[test]
fn parts_of_parts_reach_their_bytes_and_pass_their_errors_upward() {
    let fails = Arc::new(AtomicUsize::new(0));
    let flag = fails.clone();
    let slave = Acting::new(4, 0, move |_, tran| {
        let outer = tran.create_sub(2, 5, 0x100, TransactionType::Read).unwrap();
        let inner = outer.create_sub(1, 3, 0x200, TransactionType::Read).unwrap();
        tran.done_subs();
        outer.done_subs();
        assert!(std::ptr::eq(inner.root(), &**tran));
        inner.data().unwrap().copy_from_slice(&[7, 8, 9]);
        match flag.load(Ordering::Relaxed) {
            0 => inner.done(),
            _ => inner.error("deep"),
        }
        assert!(outer.is_done());
    });
    let master = master_of(slave);
    assert_eq!(master.read(0, 8).unwrap(), [0, 0, 0, 7, 8, 9, 0, 0]);
    fails.store(1, Ordering::Relaxed);
    let text = text_of(master.read(0, 8));
    assert_eq!(text.matches("Transaction error. Subtransaction").count(), 2, "{text}");
    assert!(text.contains("deep"), "{text}");
}

#[test]
fn completing_the_whole_directly_expires_the_parts_that_are_out() {
    let slave = Keeper::with_table(4, 0);
    let inner = slave.clone();
    let outer = master_of(Acting::new(4, 0, move |_, tran| {
        for n in 0..2 {
            inner.do_transaction(&tran.create_sub(4 * n, 4, 0, TransactionType::Write).unwrap());
        }
        tran.done_subs();
        assert_eq!(inner.base().pending_count(), 2);
        tran.error("changed my mind");
        assert_eq!(inner.base().pending_count(), 0, "nobody wants the parts any more");
    }));
    assert_eq!(text_of(outer.write(0, &[0; 8])), "changed my mind");
    for part in slave.drain() {
        assert!(part.expired() && !part.is_done());
        assert!(part.data().is_none());
        part.done();
    }
}

#[test]
fn an_observer_is_told_once_however_the_transaction_ends() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let ends: [fn(&Arc<Transaction>); 4] = [
        |tran| tran.done(),
        |tran| tran.error("no"),
        |tran| tran.time_out(),
        |tran| tran.give_up("not wanted"),
    ];
    for end in ends {
        let observer = Arc::new(Ends::default());
        let tran = master.prepare(0, zeros(4), TransactionType::Read).unwrap();
        tran.observe(observer.clone());
        master.launch(&tran);
        assert_eq!(slave.next().id(), tran.id());
        assert_eq!(observer.count(), 0);
        end(&tran);
        tran.done();
        tran.give_up("again");
        assert_eq!(observer.count(), 1);
        assert_eq!(Arc::strong_count(&observer), 1, "it is let go afterwards");
        tran.observe(observer.clone());
        assert_eq!(observer.count(), 2, "told at once of what was before");
        assert_eq!(slave.base().pending_count(), 0);
        assert!(tran.collect().is_some());
        assert!(tran.collect().is_none());
    }
    assert_eq!(master.outstanding_count(), 0, "prepared transactions are the caller's");
}

#[test]
fn a_prepared_transaction_is_split_for_a_slave_with_a_limit() {
    let slave = Keeper::with_table(4, 8);
    let master = master_of(slave.clone());
    let tran = master.prepare(0x10, zeros(20), TransactionType::Read).unwrap();
    master.launch(&tran);
    let parts = slave.drain();
    let shapes: Vec<_> = parts.iter().map(|part| (part.address(), part.size())).collect();
    assert_eq!(shapes, [(0x10, 8), (0x18, 8), (0x20, 4)]);
    parts.iter().for_each(|part| part.done());
    assert_eq!(tran.outcome(), Some(Ok(())));
}

#[test]
fn f32_a_chain_of_posted_writes_of_any_length_needs_little_stack() {
    let memory: Arc<dyn Slave> = Emulate::new(4, 0);
    post_in_a_chain(&memory, 100_000);
    let hub = Hub::new(0x100, 0, 0);
    hub.master().set_slave(memory);
    let hub: Arc<dyn Slave> = hub;
    post_in_a_chain(&hub, 20_000);
}

/// Posts a write, and calls `action` in its observer.
fn post_then(master: &Arc<Master>, action: impl FnOnce() + Send + 'static) {
    let tran = master.prepare(0, zeros(4), TransactionType::Post).unwrap();
    let mut action = Some(action);
    tran.observe(Telling::new(move |_| action.take().expect("told once")()));
    master.launch(&tran);
}

/// Runs `action` in an observer, which `outer_count` others have posted one inside the other.
fn in_observers(master: Arc<Master>, outer_count: u32, action: Box<dyn FnOnce() + Send>) {
    let inner = master.clone();
    post_then(&master, move || match outer_count {
        0 => action(),
        _ => in_observers(inner, outer_count - 1, action),
    });
}

/// The observer that it waits for runs in the same thread.
#[test]
fn f32_a_wait_in_an_observer_sees_what_another_observer_completes() {
    for outer_count in 0..10 {
        let posts = Arc::new(master_of(Emulate::new(4, 0)));
        let keeper = Keeper::new();
        let reads = master_of(keeper.clone());
        let (sender, outcome) = channel();
        let inner = posts.clone();
        let action = move || {
            let read = reads.request(0, zeros(4), TransactionType::Read).unwrap();
            let tran = keeper.next();
            post_then(&inner, move || tran.done());
            sender.send(reads.wait(read)).unwrap();
        };
        in_observers(posts, outer_count, Box::new(action));
        assert_eq!(outcome.recv_timeout(LONG).unwrap(), Ok(()), "inside {outer_count} others");
    }
}
