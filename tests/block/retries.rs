//! What other threads do between the attempts of one.

use std::sync::{Arc, Mutex};
use std::thread;

use rogue_mem::memory::block::{write_all, Block, Mode, Model, Variable, VariableSpec, UINT};
use rogue_mem::memory::{Slave, Transaction, TransactionType};
use rogue_mem::Status;
use testkit::slaves::Keeper;

use crate::defects::{block_of, uint};

/// A block at each of `places`, with one further attempt: a word, and a status behind it.
fn words(keeper: &Arc<Keeper>, places: [u64; 2]) -> [(Arc<Block>, Arc<Variable>); 2] {
    places.map(|at| {
        let word = VariableSpec { retry_count: 1, ..uint(&format!("at{at}"), 0, 32) };
        let status = VariableSpec { mode: Mode::ReadOnly, ..uint("status", 32, 32) };
        let slave: Arc<dyn Slave> = keeper.clone();
        let (block, variables) = block_of(slave, (at, 8), vec![word, status]);
        (block, variables[0].clone())
    })
}

/// The next access, which is one of `ty` at `at`.
#[track_caller]
fn next(keeper: &Keeper, ty: TransactionType, at: u64) -> Arc<Transaction> {
    let tran = keeper.next();
    assert_eq!((tran.ty(), tran.address()), (ty, at));
    tran
}

/// Answers with `value`, or takes note of what is written.
fn answer(tran: &Arc<Transaction>, value: u32) {
    tran.data().unwrap()[..4].copy_from_slice(&value.to_le_bytes());
    tran.done();
}

#[track_caller]
fn written(tran: &Arc<Transaction>) -> u32 {
    let value = u32::from_le_bytes(tran.data().unwrap()[..4].try_into().unwrap());
    tran.done();
    value
}

/// Another thread reads `block`, in which the device has `value`.
fn read(keeper: &Keeper, block: &Block, at: u64, value: u32) {
    thread::scope(|scope| {
        let reader =
            scope.spawn(|| block.start_transaction(TransactionType::Read, false, true, None, -1));
        answer(&next(keeper, TransactionType::Read, at), value);
        reader.join().unwrap().unwrap();
    });
}

#[test]
fn f120_a_read_between_two_attempts_of_a_write_does_not_take_its_value() {
    testkit::log::capture();
    for is_forced in [false, true] {
        let keeper = Keeper::new();
        let [(first, one), (second, other)] = words(&keeper, [0, 8]);
        one.stage(UINT, 1, -1).unwrap();
        other.stage(UINT, 0x1234, -1).unwrap();
        if is_forced {
            // What is in the block already, and not stale: a device that has forgotten it gets it again.
            second.set_enable(false);
            second.start_transaction(TransactionType::Write, false, true, None, -1).unwrap();
            second.set_enable(true);
        }
        let blocks = [first, second.clone()];
        thread::scope(|scope| {
            let writer = scope.spawn(|| write_all(&blocks, is_forced));
            let held = next(&keeper, TransactionType::Write, 0);
            next(&keeper, TransactionType::Write, 8).error("not yet");
            read(&keeper, &second, 8, 0);
            held.done();
            assert_eq!(written(&next(&keeper, TransactionType::Write, 8)), 0x1234, "{is_forced}");
            answer(&next(&keeper, TransactionType::Verify, 0), 1);
            answer(&next(&keeper, TransactionType::Verify, 8), 0x1234);
            assert_eq!(writer.join().unwrap().failures, []);
        });
        assert_eq!(other.staged(UINT, -1).unwrap(), 0x1234);
        // It is not stale any more.
        read(&keeper, &second, 8, 7);
        assert_eq!(other.staged(UINT, -1).unwrap(), 7);
    }
}

#[test]
fn f121_a_read_before_a_difference_is_written_again_does_not_take_its_place() {
    testkit::log::capture();
    let keeper = Keeper::new();
    let [(first, one), (second, other)] = words(&keeper, [0, 8]);
    one.stage(UINT, 1, -1).unwrap();
    other.stage(UINT, 0x1234, -1).unwrap();
    let blocks = [first, second.clone()];
    thread::scope(|scope| {
        let writer = scope.spawn(|| write_all(&blocks, false));
        for at in [0, 8] {
            next(&keeper, TransactionType::Write, at).done();
        }
        let held = next(&keeper, TransactionType::Verify, 0);
        answer(&next(&keeper, TransactionType::Verify, 8), 0x34);
        read(&keeper, &second, 8, 0x34);
        answer(&held, 1);
        assert_eq!(written(&next(&keeper, TransactionType::Write, 8)), 0x1234);
        answer(&next(&keeper, TransactionType::Verify, 8), 0x1234);
        assert_eq!(writer.join().unwrap().failures, []);
    });
    assert_eq!(other.staged(UINT, -1).unwrap(), 0x1234);
}

#[test]
fn f122_a_block_that_is_disabled_between_two_attempts_makes_no_failure_good() {
    testkit::log::capture();
    for fails_verify in [false, true] {
        let keeper = Keeper::new();
        let [(first, one), (second, other)] = words(&keeper, [0, 8]);
        one.stage(UINT, 1, -1).unwrap();
        other.stage(UINT, 2, -1).unwrap();
        let blocks = [first, second.clone()];
        let failures = thread::scope(|scope| {
            let writer = scope.spawn(|| write_all(&blocks, false));
            let held = next(&keeper, TransactionType::Write, 0);
            let failing = next(&keeper, TransactionType::Write, 8);
            if fails_verify {
                failing.done();
                held.done();
                let held = next(&keeper, TransactionType::Verify, 0);
                answer(&next(&keeper, TransactionType::Verify, 8), 3);
                second.set_enable(false);
                answer(&held, 1);
            } else {
                failing.error("not yet");
                second.set_enable(false);
                held.done();
                answer(&next(&keeper, TransactionType::Verify, 0), 1);
            }
            writer.join().unwrap().failures
        });
        let status = if fails_verify { Status::Verify } else { Status::Transaction };
        let told: Vec<_> = failures.iter().map(|(at, error)| (*at, error.status())).collect();
        assert_eq!(told, [(1, status)], "{failures:?}");
    }
}

#[test]
fn f156_as_many_retries_as_can_be_said_are_no_overflow() {
    testkit::log::capture();
    let left = Mutex::new(3);
    let slave = testkit::slaves::calling(move |tran| {
        let mut left = left.lock().unwrap();
        *left -= 1;
        match *left {
            0 => tran.done(),
            _ => tran.error("not yet"),
        }
    });
    let spec =
        VariableSpec { retry_count: u32::MAX, is_verified: false, ..uint("stubborn", 0, 32) };
    let (_block, variables) = block_of(slave, (0, 4), vec![spec]);
    variables[0].set(UINT, 5, -1).unwrap();
}

#[test]
fn f158_text_that_would_lose_bits_is_refused() {
    for (bits, fits) in [(24, true), (20, false)] {
        let text = VariableSpec {
            is_big_endian: true,
            ..VariableSpec::new("text", Model::String, 0, bits)
        };
        let (_block, variables) = block_of(testkit::slaves::calling(|_| {}), (0, 4), vec![text]);
        assert_eq!(variables[0].stage_string(b"ab", -1).is_ok(), fits, "{bits}");
        let expected: &[u8] = if fits { b"ab" } else { b"" };
        assert_eq!(variables[0].staged_string(-1).unwrap(), expected);
    }
}

#[test]
fn f123_a_verify_that_is_too_large_for_the_path_is_told_once() {
    testkit::log::capture();
    let memory = testkit::slaves::Acting::new(4, 8, |_, tran| match tran.ty() {
        TransactionType::Verify => answer(tran, 5),
        _ => tran.done(),
    });
    let specs = [0, 3].map(|at| uint(&format!("w{at}"), at * 32, 32)).to_vec();
    let (block, variables) = block_of(memory, (0, 16), specs);
    for variable in &variables {
        variable.stage(UINT, 5, -1).unwrap();
        block.start_transaction(TransactionType::Write, false, true, Some(variable), -1).unwrap();
    }
    let verify = || block.start_transaction(TransactionType::Verify, false, true, None, -1);
    let error = verify().unwrap_err();
    assert!(error.text().contains("larger than the largest access"), "{error}");
    variables[0].set(UINT, 5, -1).unwrap();
}
