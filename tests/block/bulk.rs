//! Transactions of many blocks at once.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rogue_mem::memory::block::{
    check_all, read_all, start_all, write_all, Block, BulkOutcome, Model, Variable, VariableSpec,
    UINT,
};
use rogue_mem::memory::{Emulate, Hub, Slave, SlaveBase, Transaction, TransactionType};
use testkit::bridge::{server, server_of, Client};
use testkit::slaves::{calling, Keeper};
use testkit::wait::{wait_until, SHORT};

use crate::defects::{block_of, uint};

/// `count` blocks of a word each.
fn words(slave: &Arc<dyn Slave>, count: u64) -> (Vec<Arc<Block>>, Vec<Arc<Variable>>) {
    let word = |at: u64| {
        let (block, variables) =
            block_of(slave.clone(), (at * 4, 4), vec![uint(&format!("w{at}"), 0, 32)]);
        (block, variables[0].clone())
    };
    (0..count).map(word).unzip()
}

/// Memory that notes how many transactions come together, and of which type.
struct Bursts {
    base: SlaveBase,
    memory: Arc<Emulate>,
    seen: Mutex<Vec<(TransactionType, usize)>>,
}

impl Bursts {
    fn new() -> Arc<Bursts> {
        let base = SlaveBase::new(4, 0);
        Arc::new(Bursts { base, memory: Emulate::new(4, 0), seen: Mutex::default() })
    }

    fn take(&self) -> Vec<(TransactionType, usize)> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Slave for Bursts {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.seen.lock().unwrap().push((tran.ty(), 1));
        self.memory.do_transaction(tran);
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        self.seen.lock().unwrap().push((all[0].ty(), all.len()));
        all.iter().for_each(|tran| self.memory.do_transaction(tran));
    }

    fn takes_together(&self) -> bool {
        true
    }
}

#[test]
fn all_reads_are_requested_before_the_first_is_waited_for() {
    let keeper = Keeper::new();
    let slave: Arc<dyn Slave> = keeper.clone();
    let (blocks, variables) = words(&slave, 5000);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_all(&blocks).failures);
        // Nothing is answered until all have come.
        keeper.wait_seen(blocks.len());
        keeper.answer_all();
        assert_eq!(reader.join().unwrap(), []);
    });
    for (at, variable) in (0u64..).zip(&variables) {
        assert_eq!(variable.staged(UINT, -1).unwrap(), at * 4);
    }
}

#[test]
fn the_transactions_of_a_slave_are_handed_over_together() {
    let bursts = Bursts::new();
    let hub = Hub::new(0x1000, 0, 0);
    hub.master().set_slave(bursts.clone());
    for slave in [bursts.clone() as Arc<dyn Slave>, hub] {
        let (blocks, variables) = words(&slave, 100);
        for (at, variable) in (1..).zip(&variables) {
            variable.stage(UINT, at, -1).unwrap();
        }
        assert_eq!(write_all(&blocks, false).failures, []);
        assert_eq!(bursts.take(), [(TransactionType::Write, 100), (TransactionType::Verify, 100)]);
        assert_eq!(write_all(&blocks, false).failures, []);
        assert_eq!(bursts.take(), [], "nothing is staged, and nothing is left to verify");
        assert_eq!(read_all(&blocks).failures, []);
        assert_eq!(start_all(&blocks, TransactionType::Read, false).unwrap().failures, []);
        assert_eq!(bursts.take(), [(TransactionType::Read, 100), (TransactionType::Read, 100)]);
        assert_eq!(check_all(&blocks).failures, []);
        let values = variables.iter().map(|variable| variable.staged(UINT, -1).unwrap());
        assert!(values.eq(1..=100));
    }
    assert!(start_all(&[], 77.into(), false).is_err());
}

#[test]
fn the_blocks_whose_variables_are_notified_are_told() {
    let memory = Emulate::new(4, 0);
    let block = |at: u64| {
        let notified = VariableSpec { is_notified: at % 2 == 1, ..uint("v", 0, 32) };
        let (block, variables) = block_of(memory.clone(), (at * 4, 4), vec![notified]);
        variables[0].stage(UINT, at, -1).unwrap();
        block
    };
    let blocks: Vec<_> = (0..6).map(block).collect();
    assert_eq!(write_all(&blocks, false), BulkOutcome { failures: vec![], updated: vec![1, 3, 5] });
    assert_eq!(write_all(&blocks, false).updated, [0; 0], "nothing was staged");
    assert_eq!(read_all(&blocks).updated, [1, 3, 5]);
    assert_eq!(start_all(&blocks, TransactionType::Read, false).unwrap(), BulkOutcome::default());
    assert_eq!(check_all(&blocks).updated, [1, 3, 5]);
    assert_eq!(check_all(&blocks), BulkOutcome::default());
}

#[test]
fn a_failure_is_told_with_its_block_and_concerns_no_other() {
    testkit::log::capture();
    let memory = Emulate::new(4, 0);
    let slave = calling(move |tran| match (tran.address() / 4) % 10 {
        3 => tran.error("number three"),
        7 if tran.ty() == TransactionType::Verify => {
            tran.data().unwrap().fill(0xFF);
            tran.done();
        }
        _ => memory.do_transaction(tran),
    });
    let (blocks, variables) = words(&slave, 30);
    variables.iter().for_each(|variable| variable.stage(UINT, 5, -1).unwrap());
    let failed = write_all(&blocks, false).failures;
    let told: Vec<_> = failed.iter().map(|(at, error)| (*at, &error.text()[..11])).collect();
    let expected: Vec<_> = [3, 7, 13, 17, 23, 27]
        .iter()
        .map(|at| (*at, if at % 10 == 3 { "Transaction" } else { "Verify erro" }))
        .collect();
    assert_eq!(told, expected);
    variables.iter().for_each(|variable| variable.stage(UINT, 6, -1).unwrap());
    start_all(&blocks, TransactionType::Write, true).unwrap();
    let failed: Vec<usize> = check_all(&blocks).failures.into_iter().map(|(at, _)| at).collect();
    assert_eq!(failed, [3, 13, 23]);
    let failed: Vec<usize> = read_all(&blocks).failures.into_iter().map(|(at, _)| at).collect();
    assert_eq!(failed, [3, 13, 23]);
    let staged = variables.iter().map(|variable| variable.staged(UINT, -1).unwrap());
    assert!(staged.eq([6; 30]), "the others have been read");
}

#[test]
fn a_block_with_retries_is_tried_again_on_its_own() {
    testkit::log::capture();
    let (attempts, memory) = (Mutex::new(0), Emulate::new(4, 0));
    let slave = calling(move |tran| {
        *attempts.lock().unwrap() += u32::from(tran.address() == 4);
        match *attempts.lock().unwrap() {
            1 | 2 if tran.address() == 4 => tran.error("not yet"),
            _ => memory.do_transaction(tran),
        }
    });
    let (mut blocks, _) = words(&slave, 1);
    let spec = VariableSpec { retry_count: 2, ..uint("again", 0, 32) };
    let (block, variables) = block_of(slave.clone(), (4, 4), vec![spec]);
    blocks.push(block);
    assert_eq!(read_all(&blocks).failures, []);
    assert_eq!(variables[0].staged(UINT, -1).unwrap(), 0);
}

#[test]
fn a_block_may_be_in_a_list_twice_and_in_the_lists_of_several_threads() {
    let bursts = Bursts::new();
    let slave: Arc<dyn Slave> = bursts.clone();
    let (blocks, variables) = words(&slave, 50);
    for (at, variable) in (0..).zip(&variables) {
        variable.set(UINT, at, -1).unwrap();
    }
    let twice: Vec<_> = blocks.iter().chain(&blocks).cloned().collect();
    assert_eq!(read_all(&twice).failures, []);
    thread::scope(|scope| {
        for thread in 0..8 {
            let mut mine = blocks.clone();
            if thread % 2 == 1 {
                mine.reverse();
            }
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(read_all(&mine).failures, []);
                }
            });
        }
    });
    let values = variables.iter().map(|variable| variable.staged(UINT, -1).unwrap());
    assert!(values.eq(0..50));
}

#[test]
fn ten_thousand_variables_are_read_over_a_bridge_with_one_call() {
    const BLOCKS: u64 = 500;
    const FIELDS: u64 = 20;
    let server = server();
    let client = Client::new(server.port());
    let slave: Arc<dyn Slave> = client.tcp.clone();
    let map = |is_written: bool| {
        let block = |at: u64| {
            let field = |index: u64| uint(&format!("b{at}.f{index}"), index * 16, 16);
            let specs = (0..FIELDS).map(field).collect();
            let (block, variables) = block_of(slave.clone(), (at * 64, 64), specs);
            for (index, variable) in (0..).zip(&variables) {
                if is_written {
                    variable.stage(UINT, (at * FIELDS + index) & 0xFFFF, -1).unwrap();
                }
            }
            (block, variables)
        };
        (0..BLOCKS).map(block).unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let (blocks, _) = map(true);
    assert_eq!(write_all(&blocks, false).failures, []);
    let (blocks, variables) = map(false);
    assert_eq!(read_all(&blocks).failures, []);
    let values = variables.iter().flatten().map(|variable| variable.staged(UINT, -1).unwrap());
    assert!(values.eq((0..BLOCKS * FIELDS).map(|value| value & 0xFFFF)));
    server.stop();
    blocks.iter().for_each(|block| block.master().set_timeout(SHORT));
    let failed = read_all(&blocks[..3]).failures;
    assert_eq!(failed.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_read_of_many_blocks_over_a_bridge_waits_for_none_before_all_are_there() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), Default::default());
    let client = Client::new(server.port());
    let slave: Arc<dyn Slave> = client.tcp.clone();
    let spec = |at| VariableSpec::new(&format!("v{at}"), Model::UInt, 0, 32);
    let blocks: Vec<_> =
        (0..64u64).map(|at| block_of(slave.clone(), (at * 4, 4), vec![spec(at)]).0).collect();
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_all(&blocks).failures);
        keeper.wait_seen(64);
        keeper.answer_all();
        assert_eq!(reader.join().unwrap(), []);
    });
    server.stop();
}

#[test]
fn f74_a_slave_may_use_a_block_of_another_one_in_the_same_call() {
    let (direct, values) = words(&(Emulate::new(4, 0) as Arc<dyn Slave>), 2);
    values[1].set(UINT, 7, -1).unwrap();
    let used = values.clone();
    // Registers behind registers, as of a sensor that is reached through a controller.
    let indirect = calling(move |tran| {
        used[0].set(UINT, 5, -1).unwrap();
        let value = used[1].get(UINT, -1).unwrap() as u8;
        tran.data().unwrap().fill(value);
        tran.done();
    });
    let (behind, seen) = words(&indirect, 3);
    let blocks: Vec<_> = behind.iter().chain(&direct).cloned().collect();
    assert_eq!(read_all(&blocks).failures, []);
    assert_eq!(seen[2].staged(UINT, -1).unwrap(), 0x0707_0707);
    assert_eq!(values[0].staged(UINT, -1).unwrap(), 5);
}

#[test]
fn f86_a_slave_may_use_a_block_of_its_own_in_the_same_call() {
    let memory = Emulate::new(4, 0);
    let used: Arc<Mutex<Vec<Arc<Variable>>>> = Arc::default();
    let (own, of_device) = (used.clone(), memory.clone());
    // A device whose register 0 selects what the others show.
    let paged = calling(move |tran| {
        if tran.address() == 0 {
            return of_device.do_transaction(tran);
        }
        let select = own.lock().unwrap()[0].clone();
        let page = select.get(UINT, -1).unwrap();
        select.set(UINT, page + 1, -1).unwrap();
        tran.data().unwrap().fill(page as u8);
        tran.done();
    });
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(paged.clone());
    for slave in [paged, hub as Arc<dyn Slave>] {
        let (blocks, variables) = words(&slave, 4);
        variables[0].set(UINT, 1, -1).unwrap();
        *used.lock().unwrap() = variables.clone();
        // The one that is used comes before the others, behind them and between them.
        for (at, count) in [(0, 1), (3, 4), (1, 7)] {
            let mut all = blocks.clone();
            all[..=at].rotate_left(1);
            assert_eq!(read_all(&all).failures, []);
            let shown = variables[1..].iter().map(|one| one.staged(UINT, -1).unwrap() & 0xFF);
            assert!(shown.eq(count..count + 3), "{at}");
        }
        assert_eq!(variables[0].get(UINT, -1).unwrap(), 10);
    }
    // Its own block, which it is asked for, it cannot use.
    let own = used.clone();
    let asking = calling(move |tran| {
        let asked = own.lock().unwrap()[0].clone();
        tran.error(asked.get(UINT, -1).unwrap_err().text().to_owned());
    });
    let (blocks, variables) = words(&asking, 1);
    *used.lock().unwrap() = variables;
    let failures = read_all(&blocks).failures;
    assert!(failures[0].1.text().contains("is used by the slave"), "{failures:?}");
    used.lock().unwrap().clear();
}

#[test]
fn f85_the_time_of_a_transaction_begins_when_its_slave_gets_it() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    let slow = calling(|tran| {
        let start = Instant::now();
        wait_until("the time of the others has passed", || start.elapsed() > 2 * TIMEOUT);
        tran.done();
    });
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(Emulate::new(4, 0));
    let (mut blocks, _) = words(&slow, 2);
    // The hub fails what is overdue.
    let (behind, _) = words(&(hub as Arc<dyn Slave>), 2);
    behind.iter().for_each(|block| block.master().set_timeout(TIMEOUT));
    blocks.extend(behind);
    assert_eq!(read_all(&blocks).failures, []);
}

/// A slave that panics at its turn, once when it is asked for its limits or gets a transaction.
struct Panicking {
    base: SlaveBase,
    panics: Mutex<Option<&'static str>>,
}

impl Panicking {
    fn at(&self, place: &'static str) {
        if self.panics.lock().unwrap().take_if(|at| *at == place).is_some() {
            panic!("a panic that this test wants");
        }
    }
}

impl Slave for Panicking {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn min_access(&self) -> u32 {
        self.at("limits");
        4
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.at("transaction");
        tran.done();
    }
}

#[test]
fn f73_a_slave_that_panics_leaves_no_block_of_another_one_under_way() {
    for place in ["limits", "transaction"] {
        let panics = Mutex::new(Some(place));
        let broken = Arc::new(Panicking { base: SlaveBase::new(4, 0), panics });
        let slaves: [Arc<dyn Slave>; 3] = [Emulate::new(4, 0), broken, Emulate::new(4, 0)];
        let all: Vec<_> = slaves.iter().map(|slave| words(slave, 1)).collect();
        let blocks: Vec<_> = all.iter().map(|(blocks, _)| blocks[0].clone()).collect();
        let run = || read_all(&blocks);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(read_all(&blocks).failures, [], "{place}");
    }
}
