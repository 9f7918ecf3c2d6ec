//! Defects of Rogue's blocks and variables that no recorded line shows well enough.

use std::sync::{Arc, Mutex};

use rogue_mem::logging::Level;
use rogue_mem::memory::block::{
    Block, Mode, Model, Skip, Variable, VariableSpec, FIXED, FLOAT16, UINT,
};
use rogue_mem::memory::{Hub, Slave, Transaction, TransactionType};
use rogue_mem::Status;
use testkit::bus::text_of;
use testkit::log;
use testkit::slaves::{Acting, Keeper};
use testkit::wait::LONG;

use crate::support::{hex, Bench};

/// A variable of `bits` bits at `bit`, verified and exclusive.
pub fn uint(name: &str, bit: u64, bits: u32) -> VariableSpec {
    VariableSpec::new(name, Model::UInt, bit, bits)
}

/// An enabled block of `size` bytes at `offset` of `slave`.
pub fn block_of(
    slave: Arc<dyn Slave>,
    (offset, size): (u64, u32),
    specs: Vec<VariableSpec>,
) -> (Arc<Block>, Vec<Arc<Variable>>) {
    let block = Block::new(offset, size).unwrap();
    block.master().set_slave(slave);
    block.master().set_timeout(LONG);
    let variables: Vec<_> = specs.into_iter().map(|spec| Variable::new(spec).unwrap()).collect();
    block.add_variables(&variables).unwrap();
    block.set_enable(true);
    (block, variables)
}

/// What a slave has been asked for: type, address, data of a write or the size of a read.
type Seen = Arc<Mutex<Vec<(TransactionType, u64, String)>>>;

/// A slave that answers with `answer`, after it has noted the request.
fn noting(
    min: u32,
    answer: impl Fn(&Arc<Transaction>) + Send + Sync + 'static,
) -> (Arc<dyn Slave>, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let slave = Acting::new(min, 0, move |_, tran| {
        let data = tran.data().unwrap();
        let is_write = [TransactionType::Write, TransactionType::Post].contains(&tran.ty());
        let shown = if is_write { hex(&data) } else { data.len().to_string() };
        noted.lock().unwrap().push((tran.ty(), tran.address(), shown));
        drop(data);
        answer(tran);
    });
    (slave, seen)
}

fn seen(ty: TransactionType, address: u64, shown: &str) -> (TransactionType, u64, String) {
    (ty, address, shown.to_owned())
}

fn take(seen: &Seen) -> Vec<(TransactionType, u64, String)> {
    std::mem::take(&mut seen.lock().unwrap())
}

#[test]
fn d56_a_failed_write_prevents_the_verify_and_is_reported_by_the_next_check() {
    let (slave, asked) = noting(4, |tran| match tran.ty() {
        TransactionType::Write => tran.error("bus fault"),
        _ => tran.done(),
    });
    let (block, variables) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    variables[0].stage(UINT, 7, -1).unwrap();
    block.start_transaction(TransactionType::Write, true, false, Some(&variables[0]), -1).unwrap();
    let started = block.start_transaction(TransactionType::Verify, false, false, None, -1).unwrap();
    assert_eq!(started.skipped, Some(Skip::WriteFailed));
    let text = text_of(block.check_transaction());
    assert_eq!(text, "Transaction error for block a with address 0x00000000. Error bus fault");
    assert!(!block.check_transaction().unwrap(), "it is reported once");
    assert_eq!(take(&asked), [seen(TransactionType::Write, 0, "07000000")]);
}

#[test]
fn d56_a_failure_that_nothing_checks_is_in_the_log() {
    log::capture();
    let (slave, _) = noting(4, |tran| match tran.ty() {
        TransactionType::Write => tran.error("lost for ever"),
        _ => tran.done(),
    });
    let (block, _) = block_of(slave, (0, 4), vec![uint("unchecked", 0, 32)]);
    block.start_transaction(TransactionType::Write, true, false, None, -1).unwrap();
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    let logged = log::texts_of("pyrogue.memory.block.unchecked");
    assert!(
        logged.iter().any(
            |text| text.contains("nothing has checked") && text.contains("Error lost for ever")
        ),
        "{logged:?}"
    );
}

#[test]
fn d57_a_mismatch_is_written_and_verified_again_and_then_reported() {
    log::capture();
    for (good_after, attempts) in [(2, 2), (9, 3)] {
        let verifies = Mutex::new(0);
        let (slave, asked) = noting(4, move |tran| {
            if tran.ty() == TransactionType::Verify {
                *verifies.lock().unwrap() += 1;
                let is_good = *verifies.lock().unwrap() >= good_after;
                tran.data().unwrap().fill(if is_good { 0x55 } else { 0 });
            }
            tran.done();
        });
        let spec = VariableSpec { retry_count: 2, ..uint("stubborn", 0, 32) };
        let (_block, variables) = block_of(slave, (0, 4), vec![spec]);
        let outcome = variables[0].set(UINT, 0x5555_5555, -1);
        let once =
            [seen(TransactionType::Write, 0, "55555555"), seen(TransactionType::Verify, 0, "4")];
        assert_eq!(take(&asked), vec![once; attempts].concat());
        if good_after == 2 {
            outcome.unwrap();
            continue;
        }
        let expected =
            "Verify error for block stubborn with address 0x00000000. Byte: 0. Got: 0x00, \
                        Exp: 0x55, Mask: 0xff";
        assert_eq!(text_of(outcome), expected);
        let logged = log::texts_of("pyrogue.memory.block.stubborn");
        let last =
            format!("Error on try 3 out of 3: Block::checkTransaction: General Error: {expected}");
        assert!(logged.contains(&last), "{logged:?}");
    }
}

#[test]
fn d58_a_failed_verify_leaves_later_reads_alone() {
    let (slave, _) = noting(4, |tran| match tran.ty() {
        TransactionType::Verify => tran.error("no"),
        _ => tran.done(),
    });
    let (block, variables) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    variables[0].set(UINT, 7, -1).unwrap_err();
    for _ in 0..2 {
        block.read(&variables[0], -1).unwrap();
    }
}

#[test]
fn d59_a_bad_index_or_value_stages_nothing() {
    let (slave, asked) = noting(1, |tran| tran.done());
    let list = VariableSpec {
        range: Some((0.0, 9.0)),
        ..VariableSpec::list("l", Model::UInt, 0, (4, 8, 8))
    };
    let (block, variables) = block_of(slave, (0, 4), vec![list]);
    let variable = &variables[0];
    for index in [4, -1, i32::MIN, i32::MAX] {
        let text = text_of(variable.stage(UINT, 1, index));
        assert_eq!(text, format!("Index {} is out of range for l", index as u32));
        let text = text_of(variable.staged(UINT, index));
        assert_eq!(text, format!("Index {} is out of range for l", index as u32));
    }
    text_of(variable.stage(UINT, 10, 0));
    text_of(variable.stage_all(UINT, &[1, 2, 10], 0));
    text_of(variable.stage_all(UINT, &[1, 2], 3));
    text_of(variable.set(UINT, 10, 0));
    text_of(variable.get(UINT, 4));
    assert_eq!((block.staged(), take(&asked).len()), (vec![0; 4], 0));
    let started = block.start_transaction(TransactionType::Write, false, true, None, -1).unwrap();
    assert_eq!(started.skipped, Some(Skip::NothingStaged));
    block.read(variable, 2).unwrap();
    assert_eq!(take(&asked), [seen(TransactionType::Read, 2, "1")]);
}

#[test]
fn d60_every_transaction_is_aligned_by_its_address_at_the_device() {
    let (slave, asked) = noting(4, |tran| tran.done());
    // The block begins in the middle of a word: 0x102 at the device.
    let hub = Hub::new(0x101, 0, 0);
    hub.master().set_slave(slave);
    let unverified = |spec| VariableSpec { is_verified: false, ..spec };
    let specs = vec![unverified(uint("a", 24, 8)), unverified(uint("b", 64, 8))];
    let (block, variables) = block_of(hub, (1, 16), specs);
    block.read(&variables[0], -1).unwrap();
    variables[0].stage(UINT, 0x11, -1).unwrap();
    block.write(&variables[0], -1).unwrap();
    variables[0].stage(UINT, 0x12, -1).unwrap();
    variables[1].stage(UINT, 0x22, -1).unwrap();
    block.write(&variables[0], -1).unwrap();
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    let expected = [
        seen(TransactionType::Read, 0x104, "4"),
        seen(TransactionType::Write, 0x104, "00110000"),
        seen(TransactionType::Write, 0x104, "0012000000002200"),
        // Its ends are those of the block.
        seen(TransactionType::Read, 0x102, "16"),
    ];
    assert_eq!(take(&asked), expected);
}

#[test]
fn d61_a_transaction_never_leaves_its_block() {
    let (slave, asked) = noting(4, |tran| tran.done());
    let (block, variables) =
        block_of(slave, (0x10, 2), vec![VariableSpec { is_verified: false, ..uint("a", 0, 8) }]);
    variables[0].set(UINT, 0x11, -1).unwrap();
    block.read(&variables[0], -1).unwrap();
    // Shifted to words, the variable covers more than the block has.
    assert_eq!(
        take(&asked),
        [seen(TransactionType::Write, 0x10, "1100"), seen(TransactionType::Read, 0x10, "2")]
    );
}

#[test]
fn d63_a_variable_without_a_block_says_so() {
    let variable = Variable::new(uint("lonely", 0, 8)).unwrap();
    let homeless = |variable: &Variable| {
        let errors = [
            variable.stage(UINT, 1, -1).unwrap_err(),
            variable.staged(UINT, -1).unwrap_err(),
            variable.set(UINT, 1, -1).unwrap_err(),
            variable.get(UINT, -1).unwrap_err(),
            variable.dump(false).unwrap_err(),
            variable.dump(true).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.status(), Status::NotFound);
            let expected = "Variable lonely is in no block, or that no longer exists: add it to a \
                            block first";
            assert_eq!(error.text(), expected);
        }
    };
    homeless(&variable);
    let block = Block::new(0, 4).unwrap();
    block.add_variables(std::slice::from_ref(&variable)).unwrap();
    variable.stage(UINT, 1, -1).unwrap();
    drop(block);
    homeless(&variable);
}

#[test]
fn d64_a_block_without_variables_is_transferred_as_a_whole() {
    let (slave, asked) = noting(4, |tran| {
        if tran.ty() == TransactionType::Read {
            tran.data().unwrap().fill(0x3C);
        }
        tran.done();
    });
    let block = Block::new(0x20, 4).unwrap();
    block.master().set_slave(slave);
    block.set_enable(true);
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    assert_eq!(block.staged(), [0x3C; 4]);
    block.start_transaction(TransactionType::Write, true, true, None, -1).unwrap();
    assert_eq!(
        take(&asked),
        [seen(TransactionType::Read, 0x20, "4"), seen(TransactionType::Write, 0x20, "3c3c3c3c")]
    );
    block.master().set_slave(Acting::new(4, 0, |_, tran| tran.error("x")));
    let text = text_of(block.start_transaction(TransactionType::Read, false, true, None, -1));
    assert_eq!(text, "Transaction error for block Undefined with address 0x00000020. Error x");
    assert_eq!(block.set_log_level(Level::DEBUG).unwrap_err().status(), Status::NotFound);
}

#[test]
fn d65_what_a_disabled_block_does_not_send_is_told() {
    let (slave, asked) = noting(4, |tran| tran.done());
    let (block, variables) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    assert!(!Block::new(0, 4).unwrap().is_enabled(), "a new block is disabled, as Rogue's");
    block.set_enable(false);
    variables[0].stage(UINT, 1, -1).unwrap();
    for (ty, is_forced) in [
        (TransactionType::Write, false),
        (TransactionType::Read, false),
        (TransactionType::Post, false),
        (TransactionType::Write, true),
    ] {
        let started = block.start_transaction(ty, is_forced, true, None, -1).unwrap();
        assert_eq!(started.skipped, Some(Skip::Disabled), "{ty}");
    }
    assert_eq!(take(&asked), []);
    assert_eq!(variables[0].staged(UINT, -1).unwrap(), 1);
}

#[test]
fn d66_a_staged_value_hides_only_itself_from_reads_and_every_skip_is_told() {
    let (slave, asked) = noting(1, |tran| {
        if tran.ty() != TransactionType::Write {
            tran.data().unwrap().fill(0xEE);
        }
        tran.done();
    });
    let list = VariableSpec::list("l", Model::UInt, 16, (2, 8, 8));
    let specs = vec![uint("a", 0, 8), uint("b", 8, 8), list];
    let (block, variables) = block_of(slave, (0, 4), specs);
    let start = |ty, variable: Option<&Arc<Variable>>, index| {
        let variable = variable.map(|variable| &**variable);
        block.start_transaction(ty, false, true, variable, index).unwrap().skipped
    };
    variables[0].stage(UINT, 1, -1).unwrap();
    variables[2].stage(UINT, 2, 1).unwrap();
    assert_eq!(start(TransactionType::Read, Some(&variables[0]), -1), Some(Skip::AllStaged));
    assert_eq!(start(TransactionType::Read, Some(&variables[2]), 1), Some(Skip::AllStaged));
    assert_eq!(start(TransactionType::Read, Some(&variables[1]), -1), None);
    assert_eq!(start(TransactionType::Read, Some(&variables[2]), -1), None);
    assert_eq!(start(TransactionType::Read, None, -1), None);
    assert_eq!(block.staged(), [1, 0xEE, 0xEE, 2]);
    variables[1].stage(UINT, 3, -1).unwrap();
    variables[2].stage(UINT, 4, 0).unwrap();
    assert_eq!(start(TransactionType::Read, None, -1), Some(Skip::AllStaged));
    assert_eq!(start(TransactionType::Write, Some(&variables[1]), -1), None);
    assert_eq!(start(TransactionType::Write, Some(&variables[1]), -1), Some(Skip::NothingStaged));
    let reads = [
        seen(TransactionType::Read, 1, "1"),
        seen(TransactionType::Read, 2, "2"),
        seen(TransactionType::Read, 0, "4"),
    ];
    assert_eq!(take(&asked), [&reads[..], &[seen(TransactionType::Write, 0, "01030402")]].concat());
    for (mode, ty, skip) in [
        (Mode::ReadOnly, TransactionType::Write, Skip::ReadOnly),
        (Mode::WriteOnly, TransactionType::Read, Skip::WriteOnly),
    ] {
        let (slave, _) = noting(1, |tran| tran.done());
        let (block, _) = block_of(slave, (0, 1), vec![VariableSpec { mode, ..uint("m", 0, 8) }]);
        let started = block.start_transaction(ty, true, true, None, -1).unwrap();
        assert_eq!(started.skipped, Some(skip));
    }
}

#[test]
fn d68_the_bits_of_a_number_are_reversed_and_those_of_byte_strings_are_not() {
    let reversed = |spec| VariableSpec { reverses_bits: true, ..spec };
    let number = reversed(uint("v", 2, 6));
    let bytes = reversed(VariableSpec::new("w", Model::PyFunc, 8, 16));
    let bench = Bench::new(&[0; 3], vec![number, bytes]);
    bench.variables[0].stage(UINT, 0b000101, -1).unwrap();
    bench.variables[1].stage_raw(&[1, 2], -1).unwrap();
    assert_eq!(bench.image(), [0b101000 << 2, 1, 2]);
    assert_eq!(bench.variables[0].staged(UINT, -1).unwrap(), 0b000101);
}

#[test]
fn d75_a_list_is_set_and_asked_for_as_a_whole() {
    let (slave, asked) = noting(4, |tran| tran.done());
    let spec =
        VariableSpec { is_verified: false, ..VariableSpec::list("l", Model::UInt, 0, (4, 16, 16)) };
    let (block, variables) = block_of(slave, (0, 8), vec![spec]);
    variables[0].set_all(UINT, &[1, 2, 3, 4], -1).unwrap();
    variables[0].set_all(UINT, &[9], 3).unwrap();
    variables[0].set_all(UINT, &[], 4).unwrap();
    block.start_transaction(TransactionType::Write, true, true, Some(&variables[0]), 3).unwrap();
    let mut values = [0; 4];
    variables[0].staged_all(UINT, -1, &mut values).unwrap();
    assert_eq!(values, [1, 2, 3, 9]);
    let mut two = [0; 2];
    variables[0].get_all(UINT, 1, &mut two).unwrap();
    let text = text_of(variables[0].get_all(UINT, 3, &mut two));
    assert_eq!(text, "Index 4 is out of range for l");
    let expected = [
        seen(TransactionType::Write, 0, "0100020003000400"),
        seen(TransactionType::Write, 4, "03000900"),
        // A forced write without stale values covers the whole list. That of no values is none.
        seen(TransactionType::Write, 0, "0100020003000900"),
        seen(TransactionType::Read, 0, "8"),
    ];
    assert_eq!(take(&asked), expected);
    let text = text_of(variables[0].set_all(UINT, &[1, 2], 3));
    let expected =
        "Overflow error for passed array with length 2 at index 3. Variable length = 4 for l";
    assert_eq!(text, expected);
}

#[test]
fn d77_a_log_level_is_that_of_one_block() {
    log::capture();
    let slave = || Acting::new(4, 0, |_, tran: &Arc<Transaction>| tran.error("refused"));
    let (quiet, _) = block_of(slave(), (0, 4), vec![uint("quiet", 0, 32)]);
    let (loud, _) = block_of(slave(), (0, 4), vec![uint("loud", 0, 32)]);
    quiet.set_log_level(Level::CRITICAL).unwrap();
    for block in [&quiet, &loud] {
        block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap_err();
    }
    assert_eq!(log::texts_of("pyrogue.memory.block.quiet"), [""; 0]);
    assert_eq!(log::texts_of("pyrogue.memory.block.loud").len(), 1);
}

#[test]
fn d81_staged_values_are_free_while_a_transaction_is_under_way() {
    let keeper = Keeper::with_table(1, 0);
    let specs = vec![uint("a", 0, 8), uint("b", 8, 8)];
    let (block, variables) = block_of(keeper.clone(), (0, 2), specs);
    variables[0].stage(UINT, 1, -1).unwrap();
    block.start_transaction(TransactionType::Write, false, false, None, -1).unwrap();
    let write = keeper.next();
    // Neither is the write changed, nor does anything wait for it.
    variables[0].stage(UINT, 2, -1).unwrap();
    assert_eq!(variables[0].staged(UINT, -1).unwrap(), 2);
    assert_eq!(*write.data().unwrap(), [1, 0]);
    write.done();
    block.check_transaction().unwrap();
    block.start_transaction(TransactionType::Read, false, false, Some(&variables[1]), -1).unwrap();
    let read = keeper.next();
    read.data().unwrap().fill(9);
    assert_eq!(block.staged(), [2, 0], "it is taken over when it is collected");
    read.done();
    block.check_transaction().unwrap();
    assert_eq!(block.staged(), [2, 9]);
}

/// A slave that uses a block while it is handed one of its transactions.
#[test]
fn d81_a_slave_that_uses_its_own_block_is_told() {
    let used = Arc::new(Mutex::new(None::<Arc<Block>>));
    let texts = Arc::new(Mutex::new(Vec::new()));
    let (block_used, noted) = (used.clone(), texts.clone());
    let slave = Acting::new(4, 0, move |_, tran| {
        let block = block_used.lock().unwrap().clone().unwrap();
        // Staged bytes are free.
        noted.lock().unwrap().push(hex(&block.staged()));
        let nested = block.start_transaction(TransactionType::Read, false, true, None, -1);
        noted.lock().unwrap().push(text_of(nested));
        noted.lock().unwrap().push(text_of(block.check_transaction()));
        tran.done();
    });
    let (block, _) = block_of(slave, (0, 4), vec![uint("a", 0, 32)]);
    *used.lock().unwrap() = Some(block.clone());
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    let texts = std::mem::take(&mut *texts.lock().unwrap());
    let told =
        "Block a is used by the slave that it is handing a transaction to, in the same thread: \
                use it after that call";
    assert_eq!(texts, ["00000000", told, told]);
    used.lock().unwrap().take();
}

#[test]
fn d84_each_bit_is_treated_as_its_own_variables_say() {
    let (slave, asked) = noting(1, |tran| {
        if tran.ty() == TransactionType::Read {
            tran.data().unwrap().fill(0xEE);
        }
        tran.done();
    });
    let spec = |name, bit, mode| VariableSpec { mode, is_verified: false, ..uint(name, bit, 4) };
    let specs = vec![
        spec("read", 0, Mode::ReadOnly),
        spec("written", 4, Mode::WriteOnly),
        spec("both", 8, Mode::ReadWrite),
    ];
    let (block, variables) = block_of(slave, (0, 2), specs);
    variables[1].set(UINT, 5, -1).unwrap();
    block.start_transaction(TransactionType::Read, false, true, None, -1).unwrap();
    assert_eq!(block.staged(), [0x5E, 0xEE], "what is only written is the program's");
    // A value of what is only read is seen by the program alone.
    variables[0].stage(UINT, 1, -1).unwrap();
    assert_eq!(block.staged(), [0x51, 0xEE]);
    block.start_transaction(TransactionType::Write, true, true, None, -1).unwrap();
    let start = |ty, variable: &Arc<Variable>| {
        block.start_transaction(ty, true, true, Some(variable), -1).unwrap().skipped
    };
    assert_eq!(start(TransactionType::Write, &variables[0]), Some(Skip::ReadOnly));
    assert_eq!(start(TransactionType::Post, &variables[0]), Some(Skip::ReadOnly));
    assert_eq!(start(TransactionType::Read, &variables[1]), Some(Skip::WriteOnly));
    let expected = [
        seen(TransactionType::Write, 0, "50"),
        seen(TransactionType::Read, 0, "2"),
        seen(TransactionType::Write, 0, "5eee"),
    ];
    assert_eq!(take(&asked), expected);
}

#[test]
fn d85_a_verify_covers_all_that_was_written() {
    let (slave, asked) = noting(1, |tran| tran.done());
    let specs = vec![uint("a", 0, 8), uint("b", 24, 8)];
    let (block, variables) = block_of(slave, (0, 4), specs);
    for (variable, value) in variables.iter().zip([1, 2]) {
        variable.stage(UINT, value, -1).unwrap();
        block.start_transaction(TransactionType::Write, false, true, Some(variable), -1).unwrap();
    }
    let text = text_of(block.start_transaction(
        TransactionType::Verify,
        false,
        true,
        Some(&variables[1]),
        -1,
    ));
    assert!(text.contains("Byte: 0. Got: 0x00, Exp: 0x01, Mask: 0xff"), "{text}");
    let verify = seen(TransactionType::Verify, 0, "4");
    assert_eq!(
        take(&asked),
        [seen(TransactionType::Write, 0, "01"), seen(TransactionType::Write, 3, "02"), verify]
    );
}

#[test]
fn d97_too_few_bytes_are_refused() {
    let model = |model| VariableSpec::new("v", model, 0, 72);
    for model in [model(Model::Bytes), model(Model::PyFunc), model(Model::UInt)] {
        let bench = Bench::new(&[0; 9], vec![model]);
        let text = text_of(bench.only().stage_raw(&[1; 8], -1));
        assert_eq!(text, "8 bytes are too few for v, which has 9");
        assert_eq!(bench.image(), [0; 9]);
        bench.only().stage_raw(&[1; 12], -1).unwrap();
        assert_eq!(bench.image(), [1; 9]);
    }
    let bench = Bench::new(&[0; 9], vec![model(Model::UInt)]);
    text_of(bench.only().stage_bytes(&[1; 8], -1));
}

#[test]
fn d98_a_model_of_the_programs_own_has_no_conversion() {
    for id in [128, 16, u32::MAX] {
        let spec = VariableSpec::new("v", Model::from_id(id), 0, 32);
        let bench = Bench::new(&[0; 4], vec![spec]);
        let variable = bench.only();
        let texts = [
            text_of(variable.stage(UINT, 1, -1)),
            text_of(variable.stage(FLOAT16, 1.0, -1)),
            text_of(variable.stage_raw(&[0; 4], -1)),
            text_of(variable.stage_string(b"", -1)),
        ];
        assert_eq!(texts, ["Wrong set type for variable v"; 4]);
        let texts = [
            text_of(variable.staged(FIXED, -1)),
            text_of(variable.staged_bytes(-1)),
            text_of(variable.staged_raw(-1)),
        ];
        assert_eq!(texts, ["Wrong get type for variable v"; 3]);
    }
}
