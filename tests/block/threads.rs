//! Several threads on one block.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec, UINT};
use rogue_mem::memory::{Emulate, Slave, SlaveBase, Transaction, TransactionType};

use rogue_mem::Status;
use testkit::slaves::{answer, Keeper};

use crate::defects::{block_of, uint};

const THREADS: u64 = 8;
const ROUNDS: u64 = 200;

/// Memory whose accesses are carried out in another thread, after the call has returned.
struct Later {
    base: SlaveBase,
    requests: Mutex<Sender<Arc<Transaction>>>,
}

impl Later {
    fn new(bytes: usize) -> (Arc<Later>, thread::JoinHandle<Vec<u8>>) {
        Later::forgetting(bytes, None)
    }

    /// One that shows another byte in place of byte `forgotten` when it is verified.
    fn forgetting(
        bytes: usize,
        forgotten: Option<usize>,
    ) -> (Arc<Later>, thread::JoinHandle<Vec<u8>>) {
        let (sender, requests) = channel::<Arc<Transaction>>();
        let worker = thread::spawn(move || {
            let mut memory = vec![0; bytes];
            for tran in requests {
                let mut data = tran.data().expect("nothing is given up");
                let at = tran.address() as usize;
                let range = at..at + data.len();
                match tran.ty().is_write() {
                    true => memory[range.clone()].copy_from_slice(&data),
                    false => data.copy_from_slice(&memory[range.clone()]),
                }
                if let Some(byte) = forgotten.filter(|byte| range.contains(byte)) {
                    data[byte - at] ^= if tran.ty() == TransactionType::Verify { 0x80 } else { 0 };
                }
                drop(data);
                tran.done();
            }
            memory
        });
        let requests = Mutex::new(sender);
        (Arc::new(Later { base: SlaveBase::new(4, 0), requests }), worker)
    }
}

impl Slave for Later {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.requests.lock().unwrap().send(tran.clone()).unwrap();
    }
}

/// Fields of eleven bits: threads share bytes and words.
fn fields() -> Vec<VariableSpec> {
    (0..THREADS).map(|at| uint(&format!("v{at}"), at * 11, 11)).collect()
}

/// Sets, verifies and reads its own variable, in the midst of the others'.
fn use_own(block: &Block, variable: &Variable, at: u64) {
    for round in 0..ROUNDS {
        let value = (round * 7 + at * 131) % 2048;
        variable.set(UINT, value, -1).unwrap();
        assert_eq!(variable.get(UINT, -1).unwrap(), value, "thread {at} round {round}");
        if round % 16 == at {
            block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
            assert_eq!(variable.staged(UINT, -1).unwrap(), value);
        }
    }
}

#[test]
fn eight_threads_on_one_block_lose_no_value() {
    let (slave, worker) = Later::new(12);
    for slave in [slave as Arc<dyn Slave>, Emulate::new(4, 4096)] {
        let (block, variables) = block_of(slave, (0, 12), fields());
        thread::scope(|scope| {
            for (at, variable) in (0..).zip(&variables) {
                let block = &block;
                scope.spawn(move || use_own(block, variable, at));
            }
        });
        block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
        let staged = variables.iter().map(|one| one.staged(UINT, -1).unwrap());
        let last = (0..THREADS).map(|at| ((ROUNDS - 1) * 7 + at * 131) % 2048);
        assert!(staged.eq(last), "{:x?}", block.staged());
    }
    // The slave is gone, and the worker says what the memory was.
    let memory = worker.join().unwrap();
    assert_ne!(memory, [0; 12]);
}

#[test]
fn f45_a_difference_is_reported_to_the_thread_that_has_written_the_value() {
    testkit::log::capture();
    let specs = (0..THREADS).map(|at| uint(&format!("v{at}"), at * 32, 32)).collect();
    let (slave, _worker) = Later::forgetting(32, Some(3 * 4));
    let (_block, variables) = block_of(slave, (0, 32), specs);
    let sets = |variable: &Variable| {
        let failures = (0..ROUNDS).filter(|round| variable.set(UINT, *round, -1).is_err());
        failures.count() as u64
    };
    let failures = thread::scope(|scope| {
        let threads = variables.iter().map(|variable| scope.spawn(move || sets(variable)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(failures, [0, 0, 0, ROUNDS, 0, 0, 0, 0]);
}

#[test]
fn f64_every_thread_is_told_of_the_update_by_its_own_transaction() {
    let (slave, _worker) = Later::new(4);
    let (block, _variables) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    let reads = || {
        let reads = (0..ROUNDS)
            .map(|_| block.start_transaction(TransactionType::Read, false, true, None, -1));
        reads.filter(|started| !started.as_ref().unwrap().is_updated).count()
    };
    let missed: Vec<usize> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(reads)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(missed, [0; THREADS as usize]);
}

/// A block of one word that two threads read, each without a wait: first another thread, then this
/// one, which settles the read of the other. `answer` ends the reads. Returns what the checks say, in
/// the same order: that of the other thread settles the read of this one.
fn check_two_reads(answers: [fn(&Arc<Transaction>); 2]) -> [Result<bool, Status>; 2] {
    let keeper = Keeper::new();
    let (block, _variables) = block_of(keeper.clone(), (0, 4), vec![uint("a", 0, 32)]);
    let start = || block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let check = || block.check_transaction().map_err(|error| error.status());
    let (may_check, waits) = channel();
    let (start, check) = (&start, &check);
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            start();
            waits.recv().unwrap();
            check()
        });
        answers[0](&keeper.next());
        start();
        answers[1](&keeper.next());
        may_check.send(()).unwrap();
        [other.join().unwrap(), check()]
    })
}

#[test]
fn f81_a_failed_check_leaves_the_update_of_another_thread_to_that_thread() {
    let fail = |tran: &Arc<Transaction>| tran.error("gone");
    assert_eq!(check_two_reads([fail, answer]), [Err(Status::Transaction), Ok(true)]);
    assert_eq!(check_two_reads([answer, fail]), [Ok(true), Err(Status::Transaction)]);
}

#[test]
fn f81_a_thread_is_told_of_its_update_also_if_another_one_was_first() {
    assert_eq!(check_two_reads([answer, answer]), [Ok(true), Ok(true)]);
}

#[test]
fn a_read_that_ends_at_once_tells_of_no_failure_of_another_thread() {
    let keeper = Keeper::new();
    let (block, _variables) = block_of(keeper.clone(), (0, 4), vec![uint("a", 0, 32)]);
    let read = |waits| block.start_transaction(TransactionType::Read, false, waits, None, -1);
    let (may_check, waits) = channel();
    let (read, block) = (&read, &block);
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            read(false).unwrap();
            waits.recv().unwrap();
            block.check_transaction().map_err(|error| error.status())
        });
        keeper.next().error("gone");
        block.master().set_slave(Emulate::new(4, 0));
        let started = read(true);
        may_check.send(()).unwrap();
        assert_eq!(started.unwrap().skipped, None);
        assert_eq!(other.join().unwrap(), Err(Status::Transaction));
    });
}

/// A slave whose limits are asked for before each transfer, and which replaces the variables of a
/// block then.
struct Replacing {
    base: SlaveBase,
    block: Mutex<Option<Arc<Block>>>,
}

impl Slave for Replacing {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn min_access(&self) -> u32 {
        if let Some(block) = self.block.lock().unwrap().take() {
            // Few elements far apart.
            let list = VariableSpec::list("new", Model::UInt, 0, (2, 8, 512));
            block.add_variables(&[Variable::new(list).unwrap()]).unwrap();
        }
        4
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        tran.done();
    }
}

#[test]
fn f65_variables_that_are_replaced_under_a_transfer_are_no_place_for_it() {
    let list = || VariableSpec::list("list", Model::UInt, 0, (100, 8, 8));
    type Transfer<'a> = &'a dyn Fn(&Block, &Variable) -> rogue_mem::error::Result<()>;
    let transfers: [Transfer<'_>; 5] = [
        &|_, list| list.get(UINT, 99).map(drop),
        &|_, list| list.set(UINT, 1, 99),
        &|block, list| block.read(list, 99),
        &|block, list| block.write(list, 99),
        &|block, list| {
            block.start_transaction(TransactionType::Read, false, true, Some(list), 99).map(drop)
        },
    ];
    for transfer in transfers {
        let slave = Arc::new(Replacing { base: SlaveBase::new(4, 0), block: Mutex::default() });
        let (block, variables) = block_of(slave.clone(), (0, 100), vec![list()]);
        *slave.block.lock().unwrap() = Some(block.clone());
        let error = transfer(&block, &variables[0]).unwrap_err();
        assert_eq!(error.status(), Status::NotFound, "{error}");
    }
}

#[test]
fn a_verify_compares_what_was_written_whatever_is_staged_meanwhile() {
    let (slave, _worker) = Later::new(8);
    let (block, variables) = block_of(slave, (0, 8), vec![uint("a", 0, 32), uint("b", 32, 32)]);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut value = 0;
            while !is_over.load(Ordering::Relaxed) {
                value = (value + 1) % 1_000_000;
                variables[1].stage(UINT, value, -1).unwrap();
            }
        });
        for value in 0..50 {
            variables[0].stage(UINT, value, -1).unwrap();
            block
                .start_transaction(TransactionType::Write, true, false, Some(&variables[0]), -1)
                .unwrap();
            block
                .start_transaction(TransactionType::Verify, false, false, Some(&variables[0]), -1)
                .unwrap();
            block.check_transaction().unwrap();
            assert_eq!(variables[0].staged(UINT, -1).unwrap(), value);
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn staged_values_of_two_threads_never_mix() {
    let (_block, variables) = block_of(
        Emulate::new(4, 4096),
        (0, 16),
        vec![
            uint("scalar", 3, 37),
            VariableSpec {
                is_big_endian: true,
                ..VariableSpec::list("list", Model::UInt, 43, (2, 16, 24))
            },
        ],
    );
    thread::scope(|scope| {
        for (variable, values) in
            variables.iter().zip([[0x15_5555_5555, 0x0A_AAAA_AAAA], [0x1234, 0xFEDC]])
        {
            scope.spawn(move || {
                for round in 0..20_000 {
                    let value = values[round % 2];
                    variable.stage(UINT, value, 1).unwrap();
                    assert_eq!(variable.staged(UINT, 1).unwrap(), value);
                }
            });
        }
    });
}

#[test]
fn a_write_arrives_as_it_was_when_it_was_started() {
    let (slave, _worker) = Later::new(4);
    let (block, variables) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    for value in [1, 0, 1, 0] {
        variables[0].set(UINT, value, -1).unwrap();
        block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
        assert_eq!(variables[0].staged(UINT, -1).unwrap(), value);
    }
}
