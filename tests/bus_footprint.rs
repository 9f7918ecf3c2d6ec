//! What the bus costs in memory: a program of its own, because it counts every allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec, UINT};
use rogue_mem::memory::{Emulate, Hub, Slave, SlaveBase, Transaction, TransactionType};
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerVersion, SrpV3, SrpV3Emulation,
};
use rogue_mem::stream::{self, connect, Frame, Node, Port};
use testkit::bus::master_of;
use testkit::slaves::Acting;
use testkit::wait::LONG;

/// Bytes of an outstanding transaction beside its payload, its places in the tables of its master
/// and its slave included.
const OUTSTANDING_BYTES_MAX: usize = 264 + MUTEX_BYTES_OF_DEBUG;
/// The same for one part of a split transaction.
const PART_BYTES_MAX: usize = 256;
/// In a debug build the mutex of a transaction knows its process.
const MUTEX_BYTES_OF_DEBUG: usize = if cfg!(debug_assertions) { 8 } else { 0 };

/// The system's allocator, counting for each thread what it has in use.
struct Counting;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let in_use = IN_USE.get() + bytes;
    IN_USE.set(in_use);
    PEAK.set(PEAK.get().max(in_use));
}

// SAFETY: everything is passed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that `action` leaves allocated in this thread, and what it returns.
fn growth<T>(action: impl FnOnce() -> T) -> (isize, T) {
    let before = IN_USE.get();
    let result = action();
    (IN_USE.get() - before, result)
}

/// A slave that keeps everything in its table, and nowhere else.
fn keeping(max: u32) -> Arc<dyn Slave> {
    Acting::new(4, max, |base, tran| base.add_transaction(tran))
}

/// Answers everything that `slave` keeps of `ids`.
fn answer(slave: &dyn Slave, ids: impl Iterator<Item = u32>) {
    for id in ids {
        slave.base().take_transaction(id).expect("it is kept").done();
    }
}

#[test]
fn an_outstanding_transaction_costs_little_more_than_a_quarter_of_a_kilobyte() {
    const PAYLOAD: usize = 4;
    // Hash maps double: just after they have, a table is at its worst.
    for count in [1000, 8000, 14_336, 14_337, 100_000] {
        let slave = keeping(0);
        let master = master_of(slave.clone());
        let (bytes, ids) = growth(|| {
            let request =
                |_| master.request(0, vec![0; PAYLOAD].into(), TransactionType::Read).unwrap();
            let mut ids = Vec::with_capacity(count);
            ids.extend((0..count).map(request));
            ids
        });
        let each = (bytes as usize - 4 * count) / count - PAYLOAD;
        println!("{count} outstanding: {each} bytes each");
        assert!(each <= OUTSTANDING_BYTES_MAX, "{each} bytes each of {count}");
        answer(&*slave, ids.into_iter());
        master.wait(0).unwrap();
    }
}

#[test]
fn a_part_of_a_split_transaction_costs_no_more_than_a_transaction() {
    const COUNT: usize = 50_000;
    let slave = keeping(4);
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(slave.clone());
    let master = master_of(hub);
    let (bytes, _) =
        growth(|| master.request(0, vec![0; 4 * COUNT].into(), TransactionType::Read).unwrap());
    let each = bytes as usize / COUNT - 4;
    println!("{each} bytes for each part");
    assert!(each <= PART_BYTES_MAX, "{each} bytes each");
    assert_eq!(slave.base().pending_count(), COUNT);
    drop(master);
    assert_eq!(slave.base().pending_count(), 0);
}

#[test]
fn nothing_stays_allocated_after_many_transactions_of_all_kinds() {
    let memory = Emulate::new(4, 16);
    let hub = Hub::new(0x100, 0, 0);
    hub.master().set_slave(memory);
    let master = master_of(hub);
    let round = || {
        for n in 0..200 {
            master.write(8 * n, &[1; 40]).unwrap();
            master.read(8 * n, 40).unwrap();
            master.request(8 * n, vec![2; 8].into(), TransactionType::Post).unwrap();
        }
        master.wait(0).unwrap();
    };
    round();
    let (bytes, ()) = growth(|| (0..50).for_each(|_| round()));
    assert_eq!(bytes, 0, "left after 50 rounds");
}

#[test]
fn nothing_stays_allocated_after_timeouts_failures_and_dropped_masters() {
    let slave = keeping(4);
    let round = || {
        let hub = Hub::new(0, 0, 0);
        hub.master().set_slave(slave.clone());
        let master = master_of(hub);
        for size in [0, 4, 40] {
            master.set_timeout(Duration::from_millis(1));
            assert!(master.read(0, size).is_err());
            // These are under way when the master goes, however busy the machine is.
            master.set_timeout(LONG);
            master.request(0, vec![0; size as usize].into(), TransactionType::Post).unwrap();
            master.request(0, vec![0; size as usize].into(), TransactionType::Read).unwrap();
        }
        assert!(slave.base().pending_count() > 0);
        drop(master);
        assert_eq!(slave.base().pending_count(), 0);
    };
    round();
    let (bytes, ()) = growth(|| (0..200).for_each(|_| round()));
    // The slave's table may have grown once; a round leaves less than a word.
    assert!(bytes < 200 * 8, "{bytes} bytes left after 200 rounds");
}

#[test]
fn a_split_into_parts_answered_at_once_holds_one_part_at_a_time() {
    const COUNT: usize = 50_000;
    let hub = Hub::new(0, 0, 0);
    hub.master().set_slave(Emulate::new(4, 4));
    let master = master_of(hub);
    let payload = vec![0; 4 * COUNT];
    PEAK.set(IN_USE.get());
    let before = IN_USE.get();
    let id = master.request(0, payload.into(), TransactionType::Read).unwrap();
    let peak = (PEAK.get() - before) as usize;
    master.wait(id).unwrap();
    // A word for each part, twice while their list grows; no parts.
    assert!(peak / COUNT < 32, "{} bytes for each part", peak / COUNT);
}

#[test]
fn reading_emulated_memory_allocates_nothing_however_far() {
    let memory = Emulate::new(4, 0);
    let master = master_of(memory.clone());
    master.read(0, 4).unwrap();
    let (bytes, ()) = growth(|| {
        for page in 0..1000 {
            master.read(page << 40, 4096).unwrap();
        }
    });
    assert_eq!(bytes, 0);
}

#[test]
fn reading_a_register_of_emulated_memory_allocates_nothing() {
    let hub = Hub::new(0x1000, 0, 0);
    hub.master().set_slave(Emulate::new(4, 0));
    let gain = Variable::new(VariableSpec::new("gain", Model::UInt, 4, 12)).unwrap();
    let block = Block::new(0x100, 4).unwrap();
    block.master().set_slave(hub);
    block.add_variables(std::slice::from_ref(&gain)).unwrap();
    block.set_enable(true);
    gain.set(UINT, 0xabc, -1).unwrap();
    assert_eq!(gain.get(UINT, -1).unwrap(), 0xabc);
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        assert_eq!(gain.get(UINT, -1).unwrap(), 0xabc);
    }
    assert_eq!(ALLOCATIONS.get(), before);
}

/// Upper bound on the allocations of one thread while more comes at once than ever before, which a
/// thread that the system holds back causes at any time: a frame, its memory and a transaction for
/// each request outstanding, and the places of each in queues that double.
const fn growth_allocations_max(outstanding: usize) -> usize {
    16 + 4 * outstanding
}

/// A memory that notes how often the thread that calls it has allocated so far.
struct Watching {
    memory: Arc<Emulate>,
    allocations: AtomicUsize,
}

impl Slave for Watching {
    fn base(&self) -> &SlaveBase {
        self.memory.base()
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.allocations.store(ALLOCATIONS.get(), Ordering::SeqCst);
        self.memory.do_transaction(tran);
    }
}

#[test]
fn a_server_allocates_nothing_for_a_small_request_once_it_has_had_a_few() {
    const WARM_COUNT: usize = 2000;
    const COUNT: usize = 20_000;
    for outstanding in [1, 100] {
        let memory = Emulate::new(4, 0);
        let slave = Arc::new(Watching { memory, allocations: AtomicUsize::new(0) });
        let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
        server.master().set_slave(slave.clone());
        let options = ClientOptions::default();
        let client = TcpClient::new("127.0.0.1", server.port(), options).unwrap();
        client.wait_ready(Duration::from_secs(30), Duration::from_millis(10)).unwrap();
        let master = master_of(client);
        let run = |count: usize| {
            let mut ids = VecDeque::new();
            for n in 0..count {
                if ids.len() == outstanding {
                    master.wait(ids.pop_front().unwrap()).unwrap();
                }
                let ty = if n % 2 == 0 { TransactionType::Read } else { TransactionType::Write };
                ids.push_back(master.request(4 * (n as u64 % 64), vec![1; 4].into(), ty).unwrap());
            }
            ids.into_iter().for_each(|id| master.wait(id).unwrap());
            slave.allocations.load(Ordering::SeqCst)
        };
        let warm = run(WARM_COUNT);
        let allocations = run(COUNT) - warm;
        let bar = growth_allocations_max(outstanding);
        assert!(allocations <= bar, "{allocations} for {COUNT}, {outstanding} outstanding");
        server.stop();
    }
}

/// Passes answers on, and notes how often the thread that brings them has allocated so far.
struct WatchingAnswers {
    base: stream::SlaveBase,
    answers: Arc<dyn stream::Slave>,
    allocations: AtomicUsize,
}

impl stream::Slave for WatchingAnswers {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.allocations.store(ALLOCATIONS.get(), Ordering::SeqCst);
        self.answers.accept_frame(frame);
    }
}

#[test]
fn an_access_over_srp_and_its_emulation_allocates_nothing_once_there_have_been_a_few() {
    const WARM_COUNT: usize = 2000;
    const COUNT: usize = 20_000;
    let roads = [(1, 4), (100, 4), (100, 4096)].map(|road| [(road, false), (road, true)]);
    for ((outstanding, size), is_packed) in roads.concat() {
        let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        let watching = Arc::new(WatchingAnswers {
            base: stream::SlaveBase::new(),
            answers: srp.stream_slave(),
            allocations: AtomicUsize::new(0),
        });
        let answers = Port::new(srp.stream_master(), watching.clone());
        if is_packed {
            let ends = [(); 2]
                .map(|()| Packetizer::new(PacketizerVersion::V2, PacketizerOptions::default()));
            connect(&ends[0].transport(), &ends[1].transport()).unwrap();
            connect(&answers, &ends[0].application(0)).unwrap();
            connect(&ends[1].application(0), &*emulation).unwrap();
        } else {
            connect(&answers, &*emulation).unwrap();
        }
        let master = master_of(srp);
        let mut data = vec![vec![1; size]; outstanding];
        let mut ids = VecDeque::with_capacity(outstanding);
        let mut run = |count: usize| {
            for n in 0..count {
                if ids.len() == outstanding {
                    data.push(master.wait_buffer(ids.pop_front().unwrap()).unwrap());
                }
                let buffer = data.pop().expect("as many as may be outstanding");
                let ty = if n % 2 == 0 { TransactionType::Read } else { TransactionType::Write };
                let address = 4096 * (n as u64 % 8);
                ids.push_back(master.request(address, buffer.into(), ty).unwrap());
            }
            while let Some(id) = ids.pop_front() {
                data.push(master.wait_buffer(id).unwrap());
            }
            [ALLOCATIONS.get(), watching.allocations.load(Ordering::SeqCst)]
        };
        let warm = run(WARM_COUNT);
        for (after, before) in run(COUNT).into_iter().zip(warm) {
            let (allocations, bar) = (after - before, growth_allocations_max(outstanding));
            assert!(
                allocations <= bar,
                "{allocations}, {outstanding} of {size}, packed {is_packed}"
            );
        }
    }
}
