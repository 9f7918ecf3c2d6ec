//! What a child by `fork` is told by the objects of its parent, also where a thread of the parent
//! held their locks. A debug build of the library panics where it would wait for any such lock,
//! whether it was held or not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{
    ClientOptions, ServerOptions, StreamClient, StreamClientOptions, StreamServer,
    StreamServerOptions, TcpClient, TcpServer,
};
use rogue_mem::error::{Error, Result, Status};
use rogue_mem::hardware::{MemMap, MemMapOptions};
use rogue_mem::logging::Level;
use rogue_mem::memory::block::{
    check_all, read_all, start_all, write_all, Block, Mode, Model, UpdateObserver, Variable,
    VariableSpec, UINT,
};
use rogue_mem::memory::{
    Claimant, DataBuffer, Emulate, Hub, Master, Observer, Slave, Transaction, TransactionType,
};
use rogue_mem::protocols::{
    BatchCombiner, BatchInverter, BatchSplitter, Packetizer, PacketizerOptions, PacketizerVersion,
    SrpV0,
};
use rogue_mem::stream::{self, Filter, Frame, Node, RateDrop, Sink};
use testkit::bus::zeros;

use super::{
    assert_ended_well, assert_inherited, status_of_child, Device, HANG, KEPT, LONG, MASTER,
};

const ROUNDS_COUNT: usize = 20;
/// Copied under a lock for longer than anything else takes.
const LARGE_BYTES: u32 = 8 << 20;

/// Sets a flag when it is dropped, also where an assertion fails.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Objects whose locks threads of the parent hold nearly all the time.
struct Busy {
    block: Arc<Block>,
    variable: Arc<Variable>,
    memory: Arc<Emulate>,
    master: Arc<Master>,
    keeper: Arc<Device>,
}

impl Busy {
    fn new() -> Busy {
        let block = Block::new(0, LARGE_BYTES).unwrap();
        let bits = (0..LARGE_BYTES / 8).map(|index| u64::from(index) * 8);
        let variable = Variable::new(VariableSpec {
            bit_size: bits.clone().map(|_| 1).collect(),
            bit_offset: bits.collect(),
            ..VariableSpec::new("large", Model::Bytes, 0, 1)
        });
        let variable = variable.unwrap();
        block.add_variables(std::slice::from_ref(&variable)).unwrap();
        block.set_enable(true);
        let keeper = Device::new();
        let master = Arc::new(Master::new());
        master.set_slave(keeper.clone());
        master.set_timeout(LONG);
        let requests = (0..100_000).map(|_| (KEPT, zeros(4))).collect();
        master.request_many(requests, TransactionType::Read).unwrap();
        Busy { block, variable, memory: Emulate::new(4, 0), master, keeper }
    }

    /// Holds a lock in each of its threads until `is_over`.
    fn hold<'a>(&'a self, scope: &'a thread::Scope<'a, '_>, is_over: &'a AtomicBool) {
        let works: [Box<dyn Fn() + Send + 'a>; 4] = [
            Box::new(|| drop(self.block.staged())),
            Box::new(|| drop(self.variable.bit_offset())),
            Box::new({
                let master = Master::new();
                master.set_slave(self.memory.clone());
                move || drop(master.read(0, LARGE_BYTES).unwrap())
            }),
            Box::new(|| drop(self.master.outstanding_ids())),
        ];
        for work in works {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
    }

    /// In a child whose parent has it.
    fn assert_lost(self) {
        let Busy { block, variable, memory, master, keeper } = self;
        // What does not fail does not wait either.
        assert!(!block.is_enabled() && variable.offset() == 0);
        assert_eq!((master.outstanding_count(), memory.allocated_bytes()), (0, 0));
        assert_block_lost(&block, &variable, "The block at 0x0", "Variable large");
        assert_master_lost(&master);
        let own = Master::new();
        own.set_slave(memory.clone());
        assert_inherited(own.read(0, 4).unwrap_err().text(), "The emulated memory");
        drop((block, variable, memory, master, keeper));
    }
}

/// f79: a child waits for no lock that a thread of its parent held.
pub(super) fn fork_while_locks_are_held() {
    let busy = Busy::new();
    let is_over = AtomicBool::new(false);
    let mut inherited = Some(Busy {
        block: busy.block.clone(),
        variable: busy.variable.clone(),
        memory: busy.memory.clone(),
        master: busy.master.clone(),
        keeper: busy.keeper.clone(),
    });
    thread::scope(|scope| {
        let end = SetAtEnd(&is_over);
        busy.hold(scope, &is_over);
        for number in 0..ROUNDS_COUNT {
            let status = status_of_child(|| inherited.take().unwrap().assert_lost());
            assert_ended_well(status, number);
        }
        drop(end);
    });
}

fn assert_lost<T>(result: Result<T>, what: &str) {
    assert_inherited(result.err().expect("an error").text(), what);
}

/// As [`assert_lost`], with the status of an object that does nothing any more.
fn assert_stopped<T>(result: Result<T>, what: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.status(), Status::Stopped, "{error}");
    assert_inherited(error.text(), what);
}

/// A claimant and an observer that nothing calls.
struct Nobody;

impl Claimant for Nobody {
    fn ended(&self, _: u32, _: std::result::Result<(), Error>, _: Option<DataBuffer>) {
        panic!("nothing ends");
    }
}

impl Observer for Nobody {
    fn completed(&self, _: &Arc<Transaction>) {
        panic!("nothing ends");
    }
}

impl UpdateObserver for Nobody {
    fn updated(&self, _: &Arc<Variable>) {
        panic!("nothing is updated");
    }
}

fn assert_master_lost(master: &Arc<Master>) {
    let id = master.request(0, zeros(4), TransactionType::Read).unwrap();
    assert_lost(master.wait(id), MASTER);
    assert_lost(master.wait(0), MASTER);
    assert_lost(master.wait_at_most(0, HANG).unwrap(), MASTER);
    assert_lost(master.wait_at_most(id, HANG).unwrap(), MASTER);
    let (count, outcome) = master.wait_many(&[id, id], HANG);
    assert_eq!(count, 1);
    assert_lost(outcome.unwrap(), MASTER);
    assert_lost(master.wait_buffer(id), MASTER);
    assert_lost(master.observe(id, Arc::new(Nobody)), MASTER);
    let (id, has_succeeded) = master.start(0, zeros(4), TransactionType::Write).unwrap();
    assert!(!has_succeeded && master.cancel(Some(&[id]), HANG) && master.cancel(None, HANG));
    let ids =
        master.request_many(vec![(0, zeros(4)), (4, zeros(4))], TransactionType::Read).unwrap();
    assert_eq!(ids.len(), 2);
    assert_lost(master.post(0, &[1]), MASTER);
    assert_lost(master.verify(0, 4), MASTER);
    let prepared = master.prepare(0, zeros(4), TransactionType::Read).unwrap();
    master.launch(&prepared);
    assert_lost(prepared.outcome().unwrap(), MASTER);
    master.set_slave(Emulate::new(4, 0));
    assert_eq!((master.req_slave_id(), master.req_address()), (0, 0));
    assert_eq!((master.req_min_access(), master.req_max_access()), (4, 0));
    assert_eq!(master.req_slave_name(), "Unnamed_0");
    assert_eq!((master.outstanding_count(), master.outstanding_ids()), (0, vec![]));
    assert_eq!(master.forgotten_count(), 0);
    master.clear_error();
    master.set_timeout(Duration::from_millis(1));
    assert_inherited(&master.last_error(), MASTER);
}

fn assert_block_lost(block: &Arc<Block>, variable: &Arc<Variable>, name: &str, v: &str) {
    for ty in [
        TransactionType::Read,
        TransactionType::Write,
        TransactionType::Post,
        TransactionType::Verify,
    ] {
        for check in [false, true] {
            assert_stopped(block.start_transaction(ty, true, check, None, -1), name);
            assert_stopped(block.start_transaction(ty, true, check, Some(variable), 0), v);
        }
    }
    assert_stopped(block.check_transaction(), name);
    assert_stopped(block.write(variable, -1), v);
    assert_stopped(block.read(variable, -1), v);
    assert_stopped(block.add_variables(std::slice::from_ref(variable)), v);
    let own = Variable::new(VariableSpec::new("own", Model::UInt, 0, 8)).unwrap();
    assert_stopped(block.add_variables(&[own]), name);
    assert_stopped(block.copy_staged(0, &mut [0; 4]), name);
    assert_stopped(block.set_log_level(Level::ERROR), name);
    let blocks = [block.clone(), block.clone()];
    let outcomes = [
        read_all(&blocks),
        write_all(&blocks, true),
        start_all(&blocks, TransactionType::Read, true).unwrap(),
        check_all(&blocks),
    ];
    for outcome in outcomes {
        assert_eq!((outcome.failures.len(), outcome.updated.len()), (2, 0));
        outcome.failures.into_iter().for_each(|(_, error)| assert_stopped::<()>(Err(error), name));
    }
    block.set_enable(true);
    block.observe(Some(Arc::new(Nobody)));
    assert!(!block.is_enabled() && !block.is_bulk() && block.variables().is_empty());
    assert_eq!((&*block.path(), block.mode()), ("Undefined", Mode::ReadWrite));
    assert!(block.staged().is_empty() && block.staged_start().is_null());
    assert_eq!(block.address(), block.offset());
    assert_master_lost(block.master());
    assert_variable_lost(variable, v);
}

fn assert_variable_lost(variable: &Arc<Variable>, name: &str) {
    match variable.spec().model {
        Model::Bytes => {
            assert_stopped(variable.stage_bytes(&vec![0; variable.value_bytes()], -1), name);
            assert_stopped(variable.staged_raw(-1), name);
            assert_stopped(variable.get_bytes(-1), name);
        }
        _ => {
            assert_stopped(variable.set(UINT, 5, 0), name);
            assert_stopped(variable.get(UINT, 0), name);
            assert_stopped(variable.stage(UINT, 5, 0), name);
            assert_stopped(variable.staged(UINT, 0), name);
            assert_stopped(variable.set_all(UINT, &[5], 0), name);
            assert_stopped(variable.get_all(UINT, 0, &mut [5]), name);
        }
    }
    assert_stopped(variable.dump(false), name);
    assert_stopped(variable.dump(true), name);
    assert_stopped(variable.block().map(drop), name);
    assert_stopped(variable.shift_offset_down(4, 4), name);
    let own = Block::new(0, 4).unwrap();
    assert_stopped(own.add_variables(std::slice::from_ref(variable)), name);
    variable.update_path("other");
    assert_eq!(&*variable.path(), variable.name());
    assert_eq!(variable.offset(), variable.spec().offset);
    assert_eq!(variable.bit_offset(), variable.spec().bit_offset);
    assert!(variable.var_bytes() > 0);
    variable.expect_model(Model::Custom(100), true).unwrap_err();
}

/// One that a slave keeps, and one of each outcome.
fn transactions_of(master: &Master, device: &Device) -> [Arc<Transaction>; 4] {
    let [done, failed, kept, whole] = [KEPT; 4].map(|address| {
        let tran = master.prepare(address, zeros(8), TransactionType::Read).unwrap();
        master.launch(&tran);
        assert!(Arc::ptr_eq(&device.kept.lock().unwrap().pop().unwrap(), &tran));
        tran
    });
    done.done();
    failed.error("the text");
    device.base.add_transaction(&kept);
    drop(whole.create_sub(0, 4, 0, TransactionType::Read).unwrap());
    [done, failed, kept, whole]
}

fn assert_transactions_lost([done, failed, kept, whole]: &[Arc<Transaction>; 4]) {
    done.outcome().unwrap().unwrap();
    assert_eq!(failed.outcome().unwrap().unwrap_err().text(), "the text");
    for tran in [done, failed, kept, whole] {
        assert!(tran.expired() && tran.data().is_none());
        assert!(tran.data_by(rogue_mem::clock::now() + HANG).unwrap().is_none());
        tran.lock_data();
        assert!(tran.try_lock_data_for(HANG));
        // SAFETY: locked above.
        unsafe { tran.unlock_data() };
        assert_lost(
            tran.create_sub(0, 4, 0, TransactionType::Read).map(drop),
            &format!("Transaction {} ", tran.id()),
        );
        tran.observe(Arc::new(Nobody));
        tran.refresh_timer(None);
        tran.done_subs();
        tran.give_up("nothing");
        tran.time_out();
        tran.done();
        tran.error("nothing");
        tran.deadline();
    }
    assert!(!kept.is_done() && !whole.is_done());
}

/// What a child may ask of a slave, its own and its parent's.
fn ask_slave(slave: &Arc<dyn Slave>) {
    slave.slave_name();
    slave.slave_id();
    slave.min_access();
    slave.max_access();
    slave.address();
    slave.fills_reads();
    slave.is_prompt();
    slave.base().set_name("other");
    slave.base().name();
    assert_eq!(slave.base().pending_count(), 0);
    assert!(slave.base().take_transaction(1).is_none());
    slave.base().fail_all("nothing");
    let own = Master::new();
    own.set_timeout(LONG);
    own.set_slave(slave.clone());
    assert_lost(own.read(KEPT, 4), "");
    assert_lost(
        own.request_many(vec![(KEPT, zeros(4))], TransactionType::Read).and_then(|_| own.wait(0)),
        "",
    );
    slave.stop();
}

/// Asks a node for everything, as its neighbours and the program do.
fn ask_node(node: &dyn Node) {
    let (master, slave) = (node.stream_master(), node.stream_slave());
    let frame = || Arc::new(Frame::from(vec![0; 64]));
    slave.accept_frame(frame());
    slave.accept_frames(&mut [frame().into(), frame().into()]);
    let _ = slave.accept_req(64, true);
    slave.obstacle(&mut None);
    slave.link_lost("nothing");
    slave.admits(&frame());
    slave.interrupt();
    slave.takes_only_answers();
    slave.takes_together();
    slave.base().set_debug(8, "fork");
    slave.base().receive(&frame());
    let pool = slave.base().pool();
    pool.set_fixed_size(64);
    pool.set_pool_size(4);
    pool.request(8).unwrap();
    pool.alloc_bytes();
    pool.alloc_count();
    let _ = master.req_frame(8, false);
    master.send_frame(frame());
    master.slave_count();
    let _ = master.add_slave(Sink::new());
    master.takes_together(&mut stream::Fanout::default());
    slave.stop();
    master.stop();
}

/// A block of its parent with everything that it can have, and its variable.
fn registers(device: &Arc<Device>) -> (Arc<Block>, Arc<Variable>) {
    let block = Block::new(KEPT, 16).unwrap();
    let spec = VariableSpec::list("v", Model::UInt, 0, (4, 32, 32));
    let variable = Variable::new(VariableSpec { retry_count: 1, ..spec }).unwrap();
    block.add_variables(std::slice::from_ref(&variable)).unwrap();
    block.master().set_slave(device.clone());
    block.master().set_timeout(LONG);
    block.set_enable(true);
    block.observe(Some(Arc::new(Nobody)));
    variable.stage(UINT, 7, 1).unwrap();
    (block, variable)
}

/// A child of a process with one object of each kind asks all of them for everything.
pub(super) fn fork_with_each_kind() {
    let device = Device::new();
    let hubs = [Hub::new(KEPT, 0, 0), Hub::new(KEPT, 4, 64)];
    hubs.iter().for_each(|hub| hub.master().set_slave(device.clone()));
    let master = Arc::new(Master::new());
    master.set_slave(device.clone());
    master.set_timeout(LONG);
    let transactions = transactions_of(&master, &device);
    let (block, variable) = registers(&device);
    let path = std::env::temp_dir().join(format!("rogue-mem-fork-map-{}", std::process::id()));
    std::fs::write(&path, [0; 0x1000]).unwrap();
    let options =
        MemMapOptions { path: path.to_str().unwrap().to_owned(), ..MemMapOptions::default() };
    let map = MemMap::new(0, 0x1000, &options).unwrap();
    std::fs::remove_file(&path).unwrap();
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(device.clone());
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    client.wait_ready(2 * HANG, Duration::from_millis(100)).unwrap();
    let stream_server = StreamServer::new("127.0.0.1", 0, StreamServerOptions::default()).unwrap();
    let port = stream_server.port();
    let stream_client =
        StreamClient::new("127.0.0.1", port, StreamClientOptions::default()).unwrap();
    let packetizer = Packetizer::new(PacketizerVersion::V1, PacketizerOptions::default());
    let (srp, combiner) = (SrpV0::new(), BatchCombiner::v2());
    let slaves: Vec<Arc<dyn Slave>> = vec![
        Emulate::new(4, 0),
        hubs[0].clone(),
        hubs[1].clone(),
        map.clone(),
        client.clone(),
        srp.clone(),
    ];
    let nodes: Vec<Box<dyn Node>> = vec![
        Box::new(stream::Port::of(&*Filter::new(true, 0))),
        Box::new(stream::Port::of(&*RateDrop::new(true, 1.0).unwrap())),
        Box::new(stream::Port::of(&*RateDrop::new(false, 1.0).unwrap())),
        Box::new(stream::Port::of(&*BatchSplitter::v1())),
        Box::new(stream::Port::of(&*BatchInverter::v2())),
        Box::new(stream::Port::of(&*combiner)),
        Box::new(stream::Port::of(&*stream_server)),
        Box::new(stream::Port::of(&*stream_client)),
        Box::new(stream::Port::of(&*srp)),
        Box::new(packetizer.transport()),
        Box::new(packetizer.application(3)),
    ];
    let all = (device, hubs, master, transactions, block, variable, server, client);
    let streams = (stream_server, stream_client, packetizer, combiner);
    let mut objects = Some((all, streams, slaves, nodes));
    let status = status_of_child(|| {
        let (all, streams, slaves, nodes) = objects.take().unwrap();
        let (device, hubs, master, transactions, block, variable, server, client) = all;
        slaves.iter().for_each(ask_slave);
        for hub in &hubs {
            hub.full_address();
            assert_master_lost(hub.master());
        }
        assert_master_lost(&master);
        assert_transactions_lost(&transactions);
        assert!(device.base.take_transaction(transactions[2].id()).is_none());
        let own = master.prepare(0, zeros(4), TransactionType::Read).unwrap();
        device.base.add_transaction(&own);
        assert_lost(own.outcome().unwrap(), "The memory slave");
        assert_block_lost(&block, &variable, "The block at 0x1000", "Variable v");
        assert_master_lost(server.master());
        server.stats();
        server.start();
        client.stats();
        client.observe(None);
        client.stop();
        server.stop();
        nodes.iter().for_each(|node| ask_node(&**node));
        let (stream_server, stream_client, packetizer, combiner) = streams;
        stream_server.stats();
        stream_server.stop();
        stream_client.stats();
        stream_client.state_text();
        stream_client.stop();
        packetizer.stats();
        packetizer.set_timeout(HANG);
        packetizer.drop_count();
        packetizer.stop();
        assert_stopped(combiner.send_batch(), "The combiner");
        combiner.stats();
        drop((slaves, nodes, device, hubs, master, transactions, block, variable));
        drop((server, client, stream_server, stream_client, packetizer, combiner));
    });
    assert_ended_well(status, 0);
    // What the child has done is nothing to the parent.
    let ((device, _, _, [_, _, kept, _], ..), ..) = objects.as_ref().unwrap();
    assert!(Arc::ptr_eq(&device.base.take_transaction(kept.id()).unwrap(), kept));
    kept.done();
    kept.outcome().unwrap().unwrap();
}
