//! Blocks that there is no memory for.
//!
//! The limit of the address space is a process's. That process has one heap: each further one of
//! the C library reserves addresses beyond what it uses, which the limit would not count.
#![cfg(target_os = "linux")]

use std::hint::black_box;

use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec};
use rogue_mem::memory::{Emulate, TransactionType};
use rogue_mem::Status;
use testkit::process::{self, program_as};

const MIB: usize = 1 << 20;

/// Lets this process have `bytes` more of address space than it has now.
fn allow(bytes: usize) {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = sizes.split(' ').next().unwrap().parse().unwrap();
    // SAFETY: no memory is involved.
    let limit = pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64 + bytes as u64;
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limits are valid for reading.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[test]
fn f72_a_block_without_memory_is_an_error_and_not_the_end_of_the_process() {
    if process::role().is_some() {
        return use_blocks_with_a_limit();
    }
    let test = "f72_a_block_without_memory_is_an_error_and_not_the_end_of_the_process";
    let mut limited = program_as("limited");
    limited.args(["--exact", test, "--nocapture"]).env("MALLOC_ARENA_MAX", "1");
    let output = limited.output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{}: {}{}", output.status, printed[0], printed[1]);
    assert!(printed[0].contains("1 passed"), "{}", printed[0]);
}

fn use_blocks_with_a_limit() {
    // Three bytes for each one of a block, and four more while it gets its first variables.
    allow(46 * MIB);
    let error = Block::new(0, u32::MAX).expect_err("there is no memory");
    assert_eq!(error.status(), Status::OutOfResources);
    // For the half of it.
    let error = Block::new(0, 16 * MIB as u32).expect_err("there is no memory");
    assert_eq!(error.status(), Status::OutOfResources);
    let block = Block::new(0, 8 * MIB as u32).unwrap();
    block.master().set_slave(Emulate::new(4, 0));
    block.set_enable(true);
    let word = Variable::new(VariableSpec::new("word", Model::UInt, 0, 32)).unwrap();
    let error = block.add_variables(&[word]).unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources, "{error}");
    let rest = black_box(vec![1u8; 16 * MIB]);
    for ty in [TransactionType::Read, TransactionType::Write] {
        let error = block.start_transaction(ty, true, true, None, -1).unwrap_err();
        assert_eq!(error.status(), Status::OutOfResources, "{error}");
    }
    drop(rest);
    block.start_transaction(TransactionType::Read, true, true, None, -1).unwrap();
}
