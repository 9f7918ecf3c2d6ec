//! Timeouts: when they start, what moves them, and what a wait does meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::time::{Duration, Instant};

use rogue_mem::clock::{self, Time};
use rogue_mem::memory::{Hub, Slave, Transaction, TransactionType};
use rogue_mem::Status;

use testkit::bus::{master_of, staggered_reads, text_of, tick, zeros};
use testkit::slaves::{Acting, Keeper};
use testkit::wait::LONG;

/// Long enough that no test misses it by being slow, short enough to wait for a few of them.
const PERIOD: Duration = Duration::from_millis(400);
/// Time between two answers of a slave that is slow but alive.
const PACE: Duration = Duration::from_millis(10);

#[test]
fn d07_deadlines_are_moments_of_the_monotonic_clock() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let timeout = LONG;
    let before = Instant::now();
    master.request(0, zeros(4), TransactionType::Read).unwrap();
    let after = Instant::now();
    let deadline = clock::instant(slave.next().deadline()).unwrap();
    let slack = Duration::from_micros(1);
    assert!(deadline + slack >= before + timeout && deadline <= after + timeout + slack);
}

#[test]
fn a_timeout_does_not_come_before_its_time() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave);
    for milliseconds in [1, 2, 5, 30] {
        master.set_timeout(Duration::from_millis(milliseconds));
        let start = Instant::now();
        let error = master.read(0, 4).unwrap_err();
        assert_eq!(error.status(), Status::TransactionTimeout);
        assert!(start.elapsed() >= Duration::from_millis(milliseconds));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_waiting_thread_sleeps_until_the_deadline() {
    let switches = || -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
        line.split_whitespace().last().unwrap().parse().unwrap()
    };
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave);
    master.set_timeout(PERIOD);
    let before = switches();
    master.read(0, 4).unwrap_err();
    let count = switches() - before;
    assert!(count < 20, "{count} wake-ups in {PERIOD:?}");
}

#[test]
fn the_clock_starts_again_when_the_request_has_been_handed_over() {
    let slave = Acting::new(4, 0, |base, tran| {
        base.add_transaction(tran);
        let start = clock::now();
        while clock::now() < start + Duration::from_millis(5) {
            std::thread::yield_now();
        }
    });
    let master = master_of(slave.clone());
    let before = clock::now();
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    let tran = slave.base().take_transaction(id).unwrap();
    let timeout = LONG;
    assert!(tran.start() < before + Duration::from_millis(5));
    assert!(tran.deadline() >= before + Duration::from_millis(5) + timeout);
    tran.done();
    master.wait(id).unwrap();
}

#[test]
fn d17_timeouts_of_more_than_thirty_five_minutes_are_as_long_as_asked() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    for seconds in [2147, 2148, 3000, 4295, 100_000] {
        master.set_timeout(Duration::from_secs(seconds));
        let timeout = Duration::from_secs(seconds);
        assert_eq!(master.timeout(), timeout);
        let before = clock::now();
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let tran = slave.next();
        assert!(tran.deadline() >= before + timeout);
        assert!(tran.deadline() <= clock::now() + timeout);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| master.wait(id));
            while !tran.is_done() && clock::now() < before + Duration::from_millis(5) {
                std::thread::yield_now();
            }
            tran.done();
            waiter.join().unwrap().unwrap();
        });
    }
}

#[test]
fn a_timeout_too_long_to_express_never_comes() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(Duration::MAX);
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    let tran = slave.next();
    assert_eq!(tran.deadline(), Time(u64::MAX));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        std::thread::yield_now();
        tran.done();
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn an_answer_refreshes_what_started_with_it_or_later_and_nothing_earlier() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let trans = staggered_reads(&master, &slave, 4);
    let before: Vec<Time> = trans.iter().map(|tran| tran.deadline()).collect();
    tick();
    let answered = slave.take(&trans[1]).unwrap();
    let after: Vec<Time> = trans.iter().map(|tran| tran.deadline()).collect();
    assert_eq!(after[0], before[0], "started before the answered one");
    for n in 1..4 {
        assert!(after[n] > before[n], "transaction {n}");
    }
    assert!(slave.take(&trans[1]).is_none());
    tick();
    assert!(slave.base().take_transaction(0).is_none());
    let unchanged: Vec<Time> = trans.iter().map(|tran| tran.deadline()).collect();
    assert_eq!(unchanged, after, "an answer to nothing proves nothing");
    // By hand, as a slave with a table of its own does.
    tick();
    trans[0].refresh_timer(Some(&answered));
    assert_eq!(trans[0].deadline(), before[0]);
    trans[3].refresh_timer(Some(&answered));
    assert!(trans[3].deadline() > after[3]);
    trans[0].refresh_timer(None);
    assert!(trans[0].deadline() > before[0]);
}

#[test]
fn an_answer_to_another_request_refreshes_a_split_one_too() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let earlier = staggered_reads(&master, &slave, 1);
    tick();
    let id = master.request(0, zeros(8), TransactionType::Read).unwrap();
    let parts = slave.drain();
    let whole = parts[0].root();
    let before = whole.deadline();
    tick();
    slave.take(&earlier[0]).unwrap();
    assert!(whole.deadline() > before);
    assert_eq!(parts[1].deadline(), whole.deadline());
    parts.iter().chain(&earlier).for_each(|tran| tran.done());
    master.wait(id).unwrap();
}

#[test]
fn an_answer_of_one_slave_refreshes_nothing_at_another() {
    let one = Keeper::with_table(4, 0);
    let other = Keeper::with_table(4, 0);
    let master = master_of(one.clone());
    let first = staggered_reads(&master, &one, 2);
    master.set_slave(other.clone());
    let second = staggered_reads(&master, &other, 1);
    let before = second[0].deadline();
    tick();
    one.take(&first[0]).unwrap();
    assert_eq!(second[0].deadline(), before);
    assert!(first[1].deadline() > before);
    assert_eq!(other.base().pending_count(), 1);
}

#[test]
fn d20_progress_of_one_part_keeps_the_whole_alive() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    master.set_timeout(PERIOD);
    let start = clock::now();
    let id = master.request(0, zeros(4 * 400), TransactionType::Read).unwrap();
    let parts = slave.drain();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(id));
        for part in &parts {
            // For three timeouts one answer after the other, then the rest.
            if clock::now() < start + 3 * PERIOD {
                std::thread::park_timeout(PACE);
            }
            slave.take(part).unwrap().done();
        }
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn d20_a_part_completed_past_the_table_is_progress_too() {
    let slave = Acting::new(4, 0, |_, tran| {
        let one = tran.create_sub(0, 4, 0, TransactionType::Read).unwrap();
        let other = tran.create_sub(4, 4, 0, TransactionType::Read).unwrap();
        tran.done_subs();
        let before = (tran.deadline(), other.deadline());
        tick();
        one.done();
        assert!(tran.deadline() > before.0 && other.deadline() > before.1);
        other.done();
    });
    master_of(slave).read(0, 8).unwrap();
}

#[test]
fn d20_a_part_that_is_answered_refreshes_the_whole_before_it_is_completed() {
    let slave = Keeper::with_table(4, 4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let id = master.request(0, zeros(12), TransactionType::Read).unwrap();
    let parts = slave.drain();
    let refreshes: [fn(&Keeper, &Transaction); 2] = [
        |slave, part| drop(slave.take(part).expect("it is kept")),
        |_, part| part.refresh_timer(None),
    ];
    for (part, refresh) in parts.iter().zip(refreshes) {
        let before = part.root().deadline();
        tick();
        refresh(&slave, part);
        assert!(part.root().deadline() > before);
    }
    parts.iter().for_each(|part| part.done());
    master.wait(id).unwrap();
}

#[test]
fn d21_the_table_is_free_while_a_kept_transaction_is_locked() {
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let trans = staggered_reads(&master, &slave, 3);
    // As a slave does that sends under the lock, while answers come in.
    let data = trans[0].data().unwrap();
    let (sender, results) = channel();
    let (table, tran) = (slave.clone(), trans[1].clone());
    let other = std::thread::spawn(move || {
        let taken = table.take(&tran).is_some();
        sender.send(taken).unwrap();
    });
    let limit = LONG;
    assert_eq!(results.recv_timeout(limit), Ok(true), "taking waits for nobody's data");
    slave.base().add_transaction(&trans[0]);
    slave.base().add_transaction(&trans[1]);
    assert_eq!(slave.base().pending_count(), 3);
    drop(data);
    other.join().unwrap();
}

#[test]
fn d21_an_answer_costs_the_same_however_many_are_outstanding() {
    const COUNT: usize = 100_000;
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    for _ in 0..COUNT {
        master.request(0, zeros(4), TransactionType::Write).unwrap();
    }
    assert_eq!(slave.base().pending_count(), COUNT);
    // Visiting all of the others for each answer would be five billion visits.
    for tran in slave.drain() {
        slave.take(&tran).unwrap().done();
    }
    master.wait(0).unwrap();
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn d22_two_threads_may_wait_for_the_same_transaction() {
    for (one, other) in [(false, false), (false, true), (true, true)] {
        let slave = Keeper::with_table(4, 0);
        let master = master_of(slave.clone());
        let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
        let tran = slave.next();
        let completed = AtomicBool::new(false);
        let (sender, results) = channel();
        std::thread::scope(|scope| {
            for all in [one, other] {
                let (master, completed, sender) = (&master, &completed, sender.clone());
                scope.spawn(move || {
                    let outcome = master.wait(if all { 0 } else { id });
                    sender.send((completed.load(Ordering::SeqCst), outcome)).unwrap();
                });
            }
            let early = results.recv_timeout(Duration::from_millis(50));
            assert_eq!(early, Err(RecvTimeoutError::Timeout), "one returned at once");
            completed.store(true, Ordering::SeqCst);
            tran.error("both hear this");
            for (was_completed, outcome) in results.iter().take(2) {
                assert!(was_completed);
                assert_eq!(text_of(outcome), "both hear this");
            }
        });
    }
}
