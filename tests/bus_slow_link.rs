//! What is said of slow links. In a program of its own, because what many tests say of as many
//! transactions is said together from the tenth on.

use std::time::Duration;

use rogue_mem::clock;
use testkit::bus::{master_of, staggered_reads};
use testkit::log;
use testkit::slaves::Keeper;

/// Long enough that no test misses it by being slow, short enough to wait for a few of them.
const PERIOD: Duration = Duration::from_millis(400);
/// Time between two answers of a slave that is slow but alive.
const PACE: Duration = Duration::from_millis(10);

/// What the bus has logged about the transaction `id` being slow.
fn slow_link_warnings(id: u32) -> usize {
    let about = format!(" id={id} ");
    let is_it = |text: &String| text.contains("Possible slow link") && text.contains(&about);
    log::texts_of("pyrogue.memory.Transaction").iter().filter(|text| is_it(text)).count()
}

#[test]
fn d19_a_healthy_link_is_not_called_slow() {
    log::capture();
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    let trans = staggered_reads(&master, &slave, 500);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(0));
        for tran in &trans {
            slave.take(tran).unwrap().done();
        }
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(trans.iter().map(|tran| slow_link_warnings(tran.id())).sum::<usize>(), 0);
}

#[test]
fn d19_what_outlives_its_first_timeout_is_called_slow_once() {
    log::capture();
    let slave = Keeper::with_table(4, 0);
    let master = master_of(slave.clone());
    master.set_timeout(PERIOD);
    let start = clock::now();
    let trans = staggered_reads(&master, &slave, 400);
    let (last, others) = trans.split_last().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| master.wait(last.id()));
        for tran in others {
            if clock::now() < start + 3 * PERIOD {
                std::thread::park_timeout(PACE);
            }
            slave.take(tran).unwrap().done();
        }
        slave.take(last).unwrap().done();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(slow_link_warnings(last.id()), 1);
    assert_eq!(slow_link_warnings(others[0].id()), 0);
}
