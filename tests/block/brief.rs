//! Starts and checks that wait for nothing and run no code of the program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient};
use rogue_mem::memory::block::{Block, Mode, Skip, UpdateObserver, Variable, VariableSpec, UINT};
use rogue_mem::memory::{Emulate, Hub, Master, Slave, TransactionType, Unconnected};
use rogue_mem::Status;
use testkit::bridge::server_of;
use testkit::slaves::{Acting, Keeper};
use testkit::wait::LONG;

use crate::defects::{block_of, uint};

const UPDATED: Result<Option<bool>, Status> = Ok(Some(true));
const NOT_UPDATED: Result<Option<bool>, Status> = Ok(Some(false));
const WOULD_WAIT: Result<Option<bool>, Status> = Ok(None);

fn notified(name: &str, bits: u32) -> VariableSpec {
    VariableSpec { is_notified: true, ..uint(name, 0, bits) }
}

fn word(slave: Arc<dyn Slave>) -> (Arc<Block>, Arc<Variable>) {
    let (block, variables) = block_of(slave, (0x10, 4), vec![notified("word", 32)]);
    (block, variables[0].clone())
}

/// Whether a read was started, and why it was skipped.
fn start(block: &Block, ty: TransactionType, variable: Option<&Variable>) -> Option<Option<Skip>> {
    block.try_start(ty, false, variable, -1).unwrap().map(|started| started.skipped)
}

fn check(block: &Block) -> Result<Option<bool>, Status> {
    block.try_check().map_err(|error| error.status())
}

fn hub_over(slave: Arc<dyn Slave>) -> Arc<Hub> {
    let hub = Hub::new(0x1000, 0, 0);
    hub.master().set_slave(slave);
    hub
}

#[test]
fn memory_behind_hubs_is_written_verified_and_read_without_a_wait() {
    let (block, variable) = word(hub_over(hub_over(Emulate::new(4, 4096))));
    let values = [0x1234, 0xFFFF_FFFF];
    for value in values {
        variable.stage(UINT, value, -1).unwrap();
        assert_eq!(
            start(&block, TransactionType::Read, Some(&variable)),
            Some(Some(Skip::AllStaged))
        );
        assert_eq!(start(&block, TransactionType::Write, Some(&variable)), Some(None));
        assert_eq!(start(&block, TransactionType::Write, None), Some(Some(Skip::NothingStaged)));
        assert_eq!(start(&block, TransactionType::Verify, Some(&variable)), Some(None));
        assert_eq!((check(&block), check(&block)), (UPDATED, NOT_UPDATED));
        assert_eq!(start(&block, TransactionType::Read, None), Some(None));
        assert_eq!(check(&block), UPDATED);
        assert_eq!(variable.staged(UINT, -1).unwrap(), value);
    }
    block.set_enable(false);
    assert_eq!(start(&block, TransactionType::Read, None), Some(Some(Skip::Disabled)));
    assert_eq!(
        block.try_start(9.into(), false, None, -1).unwrap_err().status(),
        Status::InvalidArgument
    );
}

#[test]
fn a_failure_is_reported_once_by_the_check() {
    let (block, _) = word(Unconnected::new(4, 0));
    assert_eq!(start(&block, TransactionType::Read, None), Some(None));
    assert_eq!(check(&block), Err(Status::Transaction));
    assert_eq!(check(&block), NOT_UPDATED);
}

#[test]
fn a_slave_of_the_program_gets_nothing_also_behind_a_hub() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let slave = Acting::new(4, 0, move |_, tran| {
        counted.fetch_add(1, Ordering::Relaxed);
        tran.done();
    });
    for slave in [slave.clone() as Arc<dyn Slave>, hub_over(slave)] {
        let (block, variable) = word(slave);
        variable.stage(UINT, 5, -1).unwrap();
        for ty in [
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Verify,
        ] {
            assert_eq!(block.try_start(ty, true, None, -1).unwrap(), None);
        }
        assert_eq!((check(&block), calls.load(Ordering::Relaxed)), (NOT_UPDATED, 0));
        // What was staged still is.
        assert_eq!(
            block.start_transaction(TransactionType::Write, false, true, None, -1).unwrap().skipped,
            None
        );
        assert_eq!(calls.swap(0, Ordering::Relaxed), 1);
    }
}

#[test]
fn a_circle_of_hubs_is_no_way_to_a_memory() {
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(hub.clone());
    let (block, _) = word(hub.clone());
    assert_eq!(start(&block, TransactionType::Read, None), None);
    hub.master().set_slave(Unconnected::placeholder());
}

#[test]
fn what_takes_longer_or_needs_the_program_is_left_to_the_other_calls() {
    struct Observer;
    impl UpdateObserver for Observer {
        fn updated(&self, _: &Arc<Variable>) {}
    }
    let memory = Emulate::new(4, 0);
    // Further attempts.
    let retried = VariableSpec { retry_count: 1, ..notified("word", 32) };
    let (block, _) = block_of(memory.clone(), (0, 4), vec![retried]);
    assert_eq!(start(&block, TransactionType::Read, None), None);
    // A failure that nothing has checked: the log gets it.
    let (block, _) = word(Unconnected::new(4, 0));
    assert_eq!(
        (start(&block, TransactionType::Read, None), start(&block, TransactionType::Read, None)),
        (Some(None), None)
    );
    // Many bytes.
    for (size, is_started) in [(4096, true), (4100, false)] {
        let (block, variables) = block_of(memory.clone(), (0, size), vec![notified("word", 32)]);
        assert_eq!(start(&block, TransactionType::Read, None).is_some(), is_started);
        assert_eq!(start(&block, TransactionType::Read, Some(&variables[0])), Some(None));
        assert_eq!(check(&block), UPDATED);
    }
    // Code of the program that the check calls.
    let (block, _) = word(memory);
    block.observe(Some(Arc::new(Observer)));
    assert_eq!(start(&block, TransactionType::Read, None), Some(None));
    assert_eq!(check(&block), WOULD_WAIT);
    block.observe(None);
    assert_eq!(check(&block), UPDATED);
}

#[test]
fn a_transaction_under_way_is_waited_for_by_no_thread() {
    let keeper = Keeper::new();
    let (block, variable) = word(keeper.clone());
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    // A thread that has started nothing is told the same.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                assert_eq!(check(&block), WOULD_WAIT);
                block.master().set_slave(Emulate::new(4, 0));
                assert_eq!(start(&block, TransactionType::Read, None), None);
            });
        }
    });
    assert_eq!(check(&block), WOULD_WAIT);
    keeper.answer_all();
    assert_eq!(check(&block), UPDATED);
    assert_eq!(variable.staged(UINT, -1).unwrap(), 0x10);
    assert_eq!(start(&block, TransactionType::Read, None), Some(None));
}

#[test]
fn a_slave_that_still_looks_at_the_data_is_not_waited_for() {
    let keeper = Keeper::new();
    let (block, _) = word(keeper.clone());
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let tran = keeper.next();
    let data = tran.data().unwrap();
    tran.done();
    assert_eq!(check(&block), WOULD_WAIT);
    drop(data);
    assert_eq!(check(&block), UPDATED);
}

#[test]
fn a_client_of_the_bridge_sends_at_once_and_its_answer_is_polled_for() {
    let server = server_of(Emulate::new(4, 0), ServerOptions::default());
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    let (block, variable) = word(hub_over(client.clone()));
    for value in 0..100 {
        variable.stage(UINT, value, -1).unwrap();
        assert_eq!(start(&block, TransactionType::Write, None), Some(None));
        // Behind the write: nothing is sent if its answer takes longer.
        if start(&block, TransactionType::Verify, None).is_none() {
            block.start_transaction(TransactionType::Verify, false, false, None, -1).unwrap();
        }
        assert!(check(&block).unwrap().unwrap_or_else(|| block.check_transaction().unwrap()));
        assert_eq!(variable.staged(UINT, -1).unwrap(), value);
    }
    client.stop();
    assert_eq!(start(&block, TransactionType::Read, None), Some(None));
    assert_eq!(check(&block), Err(Status::Transaction));
}

#[test]
fn a_read_without_a_transaction_ends_as_one_with_it() {
    let at = |offset, limits: (u32, u32), slave: Arc<dyn Slave>| -> Arc<dyn Slave> {
        let hub = Hub::new(offset, limits.0, limits.1);
        hub.master().set_slave(slave);
        hub
    };
    let memory = Emulate::new(4, 0);
    let ways = [
        memory.clone() as Arc<dyn Slave>,
        at(0x2000, (0, 0), at(0x1000, (0, 0), memory.clone())),
        // A virtual root has addresses and limits of its own.
        at(0x1000, (8, 64), memory.clone()),
        at(0x1000, (0, 0), at(0, (2, 4), memory.clone())),
        // Beyond the end of the address space, in the block's second half.
        at(u64::MAX - 0x17, (0, 0), memory.clone()),
        at(u64::MAX - 8, (0, 0), at(0x1000, (0, 0), memory.clone())),
    ];
    for (number, slave) in ways.into_iter().enumerate() {
        let writer = Master::new();
        writer.set_slave(slave.clone());
        writer.write(0x10, &[0xA0 + number as u8; 16]).ok();
        let outcomes = [true, false].map(|is_brief| {
            let only = |name: &str, first: u64, mode| VariableSpec {
                mode,
                is_notified: true,
                ..uint(name, first, 16)
            };
            let specs = vec![
                only("both", 0, Mode::ReadWrite),
                only("written", 16, Mode::WriteOnly),
                only("staged", 32, Mode::ReadWrite),
                only("read", 64, Mode::ReadOnly),
            ];
            let (block, variables) = block_of(slave.clone(), (0x10, 12), specs);
            variables[1].stage(UINT, 0x1111, -1).unwrap();
            block.start_transaction(TransactionType::Write, false, true, None, -1).ok();
            variables[2].stage(UINT, 0x2222, -1).unwrap();
            let ends: Vec<_> = [None, Some(&*variables[0]), Some(&*variables[3])]
                .into_iter()
                .map(|variable| match is_brief {
                    true => {
                        assert_eq!(start(&block, TransactionType::Read, variable), Some(None));
                        check(&block).map(Option::unwrap)
                    }
                    false => {
                        let started = block.start_transaction(
                            TransactionType::Read,
                            false,
                            true,
                            variable,
                            -1,
                        );
                        started.map(|one| one.is_updated).map_err(|error| error.status())
                    }
                })
                .collect();
            (ends, block.staged())
        });
        assert_eq!(outcomes[0], outcomes[1], "way {number}");
        assert_eq!(outcomes[0].0[2].is_ok(), number < 4, "way {number}");
    }
}

/// A call of another thread may have the last reference to the block, and the lock of an interpreter
/// that the slave needs.
#[test]
fn f90_the_end_of_a_block_waits_for_no_slave_that_looks_at_the_data() {
    let keeper = Keeper::new();
    let (block, variable) = word(keeper.clone());
    block.start_transaction(TransactionType::Read, false, false, None, -1).unwrap();
    let tran = keeper.next();
    let mut data = tran.data().unwrap();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        drop(block);
        ended.send(()).unwrap();
    });
    end.recv_timeout(LONG).expect("the block ends");
    // The slave goes on with memory that is still there.
    data.fill(7);
    drop(data);
    tran.done();
    assert!(tran.is_done() && tran.data().is_none());
    assert_eq!(variable.staged(UINT, -1).unwrap_err().status(), Status::NotFound);
}
