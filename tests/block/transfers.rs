//! Transactions of blocks: limits, failures, updates, and what a program does in between.

use std::sync::{Arc, Mutex};

use rogue_mem::memory::block::{
    Block, Model, Skip, UpdateObserver, Variable, VariableSpec, DOUBLE, FIXED, INT, UINT,
};
use rogue_mem::memory::{Emulate, Hub, Slave, TransactionType};
use rogue_mem::Status;
use testkit::bus::text_of;
use testkit::log;
use testkit::slaves::{calling, Acting, Keeper};
use testkit::wait::SHORT;

use crate::defects::{block_of, uint};

#[test]
fn values_of_every_kind_reach_the_device_and_come_back() {
    let memory = Emulate::new(4, 4096);
    let spec = |name: &str, model, bit, bits| VariableSpec::new(name, model, bit, bits);
    let specs = vec![
        spec("unsigned", Model::UInt, 0, 17),
        spec("signed", Model::Int, 17, 12),
        spec("double", Model::Double, 32, 64),
        VariableSpec { bin_point: 4, ..spec("fixed", Model::Fixed, 96, 16) },
        spec("text", Model::String, 128, 32),
        spec("wide", Model::UInt, 160, 96),
        VariableSpec::list("list", Model::UInt, 256, (4, 21, 24)),
    ];
    let (block, written) = block_of(memory.clone(), (0x100, 48), specs.clone());
    written[0].set(UINT, 0x1FFFF, -1).unwrap();
    written[1].set(INT, -5, -1).unwrap();
    written[2].set(DOUBLE, -0.125, -1).unwrap();
    written[3].set(FIXED, -3.5, -1).unwrap();
    written[4].set_string(b"four", -1).unwrap();
    written[5].set_bytes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], -1).unwrap();
    written[6].set_all(UINT, &[1, 2, 0x1FFFFF, 4], -1).unwrap();
    drop(block);
    let (_block, read) = block_of(memory, (0x100, 48), specs);
    assert_eq!(read[0].get(UINT, -1).unwrap(), 0x1FFFF);
    assert_eq!(read[1].get(INT, -1).unwrap(), -5);
    assert_eq!(read[2].get(DOUBLE, -1).unwrap(), -0.125);
    assert_eq!(read[3].get(FIXED, -1).unwrap(), -3.5);
    assert_eq!(read[4].get_string(-1).unwrap(), b"four");
    assert_eq!(read[5].get_bytes(-1).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let mut values = [0; 4];
    read[6].get_all(UINT, -1, &mut values).unwrap();
    assert_eq!(values, [1, 2, 0x1FFFFF, 4]);
    assert_eq!(read[6].dump(true).unwrap(), "list = 1 2 2097151 4\n");
    read[6].update_path("Top.list");
    assert_eq!(read[6].dump(false).unwrap(), "Top.list = 1 2 2097151 4\n");
}

#[test]
fn f56_each_thread_is_told_how_its_own_transactions_went() {
    let fails = |ty| {
        Acting::new(
            4,
            0,
            move |_, tran| if tran.ty() == ty { tran.error("x") } else { tran.done() },
        )
    };
    let (block, _variables) =
        block_of(fails(TransactionType::Write), (0, 4), vec![uint("register", 0, 32)]);
    let start = |ty| block.start_transaction(ty, true, false, None, -1).unwrap().skipped;
    let elsewhere = |run: &(dyn Fn() + Sync)| {
        std::thread::scope(|scope| {
            scope.spawn(run).join().unwrap();
        })
    };
    // A poller's read and check come between the parts of a write.
    assert_eq!(start(TransactionType::Write), None);
    elsewhere(&|| {
        assert_eq!(start(TransactionType::Read), None);
        assert!(block.check_transaction().unwrap(), "the read has not failed");
    });
    assert_eq!(start(TransactionType::Verify), Some(Skip::WriteFailed));
    elsewhere(&|| {
        let told = block.check_transaction().unwrap_err();
        assert_eq!(told.status(), Status::Transaction, "of a thread that starts nothing itself");
        assert!(!block.check_transaction().unwrap(), "once");
    });
    assert_eq!(block.check_transaction().unwrap_err().status(), Status::Transaction);
    assert!(!block.check_transaction().unwrap());

    // The failure of the read is not that of a write.
    block.master().set_slave(fails(TransactionType::Read));
    elsewhere(&|| {
        assert_eq!(start(TransactionType::Read), None);
        let written = std::thread::scope(|scope| {
            scope
                .spawn(|| block.start_transaction(TransactionType::Write, true, true, None, -1))
                .join()
                .unwrap()
        });
        assert!(written.unwrap().is_updated);
        assert_eq!(block.check_transaction().unwrap_err().status(), Status::Transaction);
    });
    // Threads that only start are forgotten in the end.
    for _ in 0..40 {
        elsewhere(&|| assert_eq!(start(TransactionType::Read), None));
    }
    let told = (0..40).filter(|_| block.check_transaction().is_err()).count();
    assert!((1..=16).contains(&told), "{told}");
}

#[test]
fn a_transaction_larger_than_the_path_allows_is_not_sent() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let slave: Arc<dyn Slave> = Acting::new(4, 8, move |_, tran| {
        noted.lock().unwrap().push(tran.size());
        tran.done();
    });
    let (block, variables) = block_of(slave.clone(), (0, 16), vec![uint("a", 0, 32)]);
    variables[0].stage(UINT, 5, -1).unwrap();
    let error = block.start_transaction(TransactionType::Write, true, true, None, -1).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    let expected =
        "Transaction of 16 bytes for block a with address 0x00000000 is larger than the \
                    largest access of 8 bytes: make the block smaller, or put a hub between";
    assert_eq!(error.text(), expected);
    block.write(&variables[0], -1).unwrap_err();
    assert_eq!(*asked.lock().unwrap(), [4, 4], "it is staged still, and written and verified now");
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave);
    block.master().set_slave(hub);
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    assert_eq!(*asked.lock().unwrap(), [4, 4, 8, 8]);
}

#[test]
fn f53_a_value_whose_transfer_the_path_does_not_allow_is_not_staged() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let slave = Acting::new(4, 8, move |_, tran| {
        noted.lock().unwrap().push(tran.size());
        tran.done();
    });
    let unverified = |spec| VariableSpec { is_verified: false, ..spec };
    let list = VariableSpec::list("list", Model::UInt, 0, (4, 32, 32));
    let specs = [list, VariableSpec::new("bytes", Model::Bytes, 128, 96), uint("a", 224, 32)];
    let (block, variables) = block_of(slave, (0, 32), specs.map(unverified).into());
    let text = text_of(variables[0].set_all(UINT, &[1, 2, 3], -1));
    assert!(text.contains("12 bytes for block list with address 0x00000000 is larger"), "{text}");
    assert!(text_of(variables[1].set_bytes(&[1; 12], -1)).contains("is larger"));
    assert_eq!(block.staged(), [0; 32]);
    let started = block.start_transaction(TransactionType::Write, false, true, None, -1).unwrap();
    assert_eq!(started.skipped, Some(Skip::NothingStaged));
    // With what is stale already, another value is too far away.
    variables[0].stage(UINT, 5, 0).unwrap();
    assert!(text_of(variables[2].set(UINT, 6, -1)).contains("is larger"));
    assert_eq!(block.staged()[28..], [0; 4]);
    variables[0].set(UINT, 7, 1).unwrap();
    variables[2].set(UINT, 6, -1).unwrap();
    assert_eq!(*asked.lock().unwrap(), [8, 4]);
}

#[test]
fn a_value_of_another_type_is_refused_before_the_variable_has_a_block() {
    let text = Variable::new(VariableSpec::new("text", Model::String, 0, 32)).unwrap();
    assert_eq!(text_of(text.set(UINT, 1, -1)), "Wrong set type for variable text");
    assert_eq!(text_of(text.get(UINT, -1)), "Wrong get type for variable text");
    assert_eq!(text_of(text.set_bytes(&[0; 4], -1)), "Wrong set type for variable text");
    assert!(text_of(text.set_string(b"a", -1)).contains("is in no block"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let (block, variables) =
        block_of(calling(|_| panic!("it is sent")), (0, 4), vec![uint("a", 0, 8)]);
    let (other, others) = block_of(Emulate::new(4, 0), (0, 4), vec![uint("b", 0, 8)]);
    for ty in [0, 5, u32::MAX] {
        let text = text_of(block.start_transaction(ty.into(), true, true, None, -1));
        assert!(text.starts_with("Unknown transaction type"), "{text}");
    }
    let text =
        text_of(block.start_transaction(TransactionType::Read, false, true, Some(&others[0]), -1));
    assert_eq!(text, "Variable b is in block b, not in a");
    text_of(other.read(&variables[0], -1));
    text_of(other.write(&variables[0], -1));
}

#[test]
fn an_answer_that_does_not_come_is_told_and_the_block_goes_on() {
    let keeper = Keeper::new();
    let (block, variables) = block_of(keeper.clone(), (0, 4), vec![uint("a", 0, 32)]);
    block.master().set_timeout(SHORT);
    let error = variables[0].get(UINT, -1).unwrap_err();
    assert_eq!(error.status(), Status::TransactionTimeout);
    let start = "Transaction error for block a with address 0x00000000. Error Timeout waiting for";
    assert!(error.text().starts_with(start), "{error}");
    assert!(keeper.next().expired());
    block.master().set_slave(Emulate::new(4, 0));
    assert_eq!(variables[0].get(UINT, -1).unwrap(), 0);
}

#[test]
fn a_block_that_is_dropped_gives_its_transaction_up() {
    let keeper = Keeper::new();
    let (block, _) = block_of(keeper.clone(), (0, 4), vec![uint("a", 0, 32)]);
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let tran = keeper.next();
    assert!(tran.data().is_some());
    drop(block);
    assert!(tran.expired() && tran.data().is_none());
}

#[test]
fn a_slave_that_panics_leaves_the_block_usable() {
    let (block, variables) = block_of(
        calling(|_| panic!("a panic that this test wants")),
        (0, 4),
        vec![uint("a", 0, 32)],
    );
    let read = || block.start_transaction(TransactionType::Read, false, false, None, -1);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_err();
    let text = text_of(block.check_transaction());
    assert!(text.ends_with("The slave panicked when it received the transaction"), "{text}");
    block.master().set_slave(Emulate::new(4, 0));
    assert_eq!(variables[0].get(UINT, -1).unwrap(), 0);
}

struct Noting<F>(Mutex<Vec<String>>, F);

impl<F: Fn(&Variable) + Send + Sync> UpdateObserver for Noting<F> {
    fn updated(&self, variable: &Arc<Variable>) {
        self.0.lock().unwrap().push(variable.name().to_owned());
        (self.1)(variable);
    }
}

#[test]
fn updates_are_told_in_the_checking_thread_with_no_lock_held() {
    log::capture();
    let silent = VariableSpec { is_notified: false, ..uint("silent", 32, 8) };
    let specs = vec![uint("first", 0, 8), silent, uint("last", 8, 8)];
    let (block, variables) = block_of(Emulate::new(1, 0), (0, 8), specs);
    let here = std::thread::current().id();
    let depth = Mutex::new(0);
    let observer = Arc::new(Noting(Mutex::default(), move |variable: &Variable| {
        assert_eq!(std::thread::current().id(), here);
        // Everything is free: staged values, and transactions, whose updates are told inside.
        variable.stage(UINT, 3, -1).unwrap();
        let is_first = std::mem::replace(&mut *depth.lock().unwrap(), 1) == 0;
        if is_first {
            variable.set(UINT, 4, -1).unwrap();
        }
        if variable.name() == "last" {
            panic!("a panic that this test wants");
        }
    }));
    block.observe(Some(observer.clone()));
    let take = || std::mem::take(&mut *observer.0.lock().unwrap());
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    assert_eq!(take(), [""; 0], "nothing has checked it");
    assert!(block.check_transaction().unwrap());
    assert_eq!(take(), ["first", "first", "last", "last"]);
    assert!(!block.check_transaction().unwrap());
    assert_eq!(take(), [""; 0]);
    variables[0].set(UINT, 9, -1).unwrap();
    assert_eq!(take(), ["first", "last"], "once for a write and its verify");
    let started = block.start_transaction(TransactionType::Post, true, true, None, -1).unwrap();
    assert!(started.is_updated && started.skipped.is_none());
    assert_eq!(take(), ["first", "last"]);
    block.master().set_slave(Acting::new(1, 0, |_, tran| tran.error("x")));
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    text_of(block.check_transaction());
    assert!(!block.check_transaction().unwrap());
    assert_eq!(take(), [""; 0]);
    let logged = log::texts_of("pyrogue.memory.block.first");
    let told = "The update observer of last panicked: a panic that this test wants";
    assert!(logged.iter().any(|text| text == told), "{logged:?}");
    block.observe(None);
    assert_eq!(Arc::strong_count(&observer), 1);
}

#[test]
fn the_staged_bytes_stay_where_they_are() {
    let (block, variables) = block_of(Emulate::new(4, 0), (0, 8), vec![uint("a", 8, 8)]);
    let start = block.staged_start();
    variables[0].set(UINT, 7, -1).unwrap();
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    assert_eq!(block.staged_start(), start);
    block.add_variables(&[Variable::new(uint("b", 0, 8)).unwrap()]).unwrap();
    assert_eq!((block.staged_start(), block.staged()), (start, vec![0, 7, 0, 0, 0, 0, 0, 0]));
}

#[test]
fn a_verify_follows_an_unchecked_failure_of_a_read_and_the_next_check_tells_it() {
    let slave = Acting::new(4, 0, |_, tran| match tran.ty() {
        TransactionType::Read => tran.error("unreadable"),
        _ => tran.done(),
    });
    let spec = VariableSpec { is_big_endian: true, ..uint("a", 0, 32) };
    let (block, _) = block_of(slave, (0, 4), vec![spec]);
    block.start_transaction(TransactionType::Write, true, false, None, -1).unwrap();
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let outcome = block.start_transaction(TransactionType::Verify, false, true, None, -1);
    assert!(text_of(outcome).ends_with("Error unreadable"));
    block.check_transaction().unwrap();
}

#[test]
fn blocks_are_where_the_program_puts_them() {
    let block = Block::new(0x1234_5678_9ABC, 16).unwrap();
    assert_eq!(
        (block.offset(), block.size(), block.address()),
        (0x1234_5678_9ABC, 16, 0x1234_5678_9ABC)
    );
}
