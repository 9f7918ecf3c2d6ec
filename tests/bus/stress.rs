//! Everything at once: slaves that answer early, late, twice or never, from several threads, while
//! requests time out and masters are dropped. Seeded; a few seconds.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::clock;
use rogue_mem::memory::{DataBuffer, Hub, Master, Slave, SlaveBase, Transaction, TransactionType};
use rogue_mem::Status;

use testkit::log;

const WORKERS_COUNT: usize = 3;
const REQUESTERS_COUNT: usize = 4;
const ROUNDS_COUNT: usize = 250;
const SIZE_MAX: usize = 64;
/// Against a deadlock: all is over long before.
const HANG: Duration = Duration::from_secs(120);
/// What fills a buffer that belongs to its requester again.
const POISON: u8 = 0xDD;

/// What memory holds at `address`.
fn content(address: u64) -> u8 {
    (address.wrapping_mul(0x9E37_79B9) >> 16) as u8
}

fn spin(microseconds: u64) {
    let until = clock::now() + Duration::from_micros(microseconds);
    while clock::now() < until {
        std::thread::yield_now();
    }
}

/// A slave that does anything a slave may do, and some things it should not.
struct Wild {
    base: SlaveBase,
    queue: Mutex<Option<Sender<Arc<Transaction>>>>,
    rng: Mutex<ChaCha8Rng>,
    /// Some of the transactions seen, to see that they go.
    seen: Mutex<Vec<Weak<Transaction>>>,
}

impl Wild {
    fn new(max: u32, seed: u64) -> (Arc<Wild>, Receiver<Arc<Transaction>>) {
        let (sender, receiver) = channel();
        let wild = Wild {
            base: SlaveBase::new(1, max),
            queue: Mutex::new(Some(sender)),
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            seen: Mutex::default(),
        };
        (Arc::new(wild), receiver)
    }

    /// Carries out one transaction, or one more time.
    fn act(&self, tran: &Arc<Transaction>, rng: &mut ChaCha8Rng) {
        if rng.random_ratio(1, 4) {
            spin(rng.random_range(0..2500));
        }
        match rng.random_range(0..8) {
            0 => tran.error(refusal()),
            // Taken and dropped: it is never answered.
            1 => return drop(self.base.take_transaction(tran.id())),
            2 => self.split(tran),
            3 => self.copy_as_c_does(tran),
            n => {
                let taken = if n < 6 { self.base.take_transaction(tran.id()) } else { None };
                self.copy(&taken.unwrap_or_else(|| tran.clone()));
            }
        }
        if rng.random_ratio(1, 4) {
            tran.done();
            tran.error("too late");
        }
    }

    fn copy(&self, tran: &Arc<Transaction>) {
        let Some(mut data) = tran.data() else { return };
        for (byte, address) in data.iter_mut().zip(tran.address()..) {
            match tran.ty().is_write() {
                true => assert_eq!(*byte, content(address), "what is written"),
                false => *byte = content(address),
            }
        }
        if tran.id() % 2 == 0 {
            drop(data);
        }
        tran.done();
    }

    /// With the lock and the pointer apart, and completion under the lock.
    fn copy_as_c_does(&self, tran: &Arc<Transaction>) {
        tran.lock_data();
        let start = tran.data_start();
        if !tran.expired() {
            for n in 0..tran.size() as usize {
                // SAFETY: the transaction has not expired, its data is locked, and `n` lies in it.
                let byte = unsafe { &mut *start.add(n) };
                if !tran.ty().is_write() {
                    *byte = content(tran.address() + n as u64);
                }
            }
            tran.done();
        }
        // SAFETY: locked above.
        unsafe { tran.unlock_data() };
    }

    fn split(&self, tran: &Arc<Transaction>) {
        let cut = tran.size() / 2;
        let halves = [(0, cut), (cut, tran.size() - cut)];
        for (offset, size) in halves {
            let address = tran.address() + u64::from(offset);
            if let Ok(half) = tran.create_sub(offset, size, address, tran.ty()) {
                self.base.add_transaction(&half);
                self.copy(&half);
            }
        }
        tran.done_subs();
    }
}

fn refusal() -> String {
    "refused".to_owned()
}

impl Slave for Wild {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let mut rng = {
            let mut shared = self.rng.lock().unwrap();
            ChaCha8Rng::seed_from_u64(shared.random())
        };
        if rng.random_ratio(1, 8) {
            self.seen.lock().unwrap().push(Arc::downgrade(tran));
        }
        if rng.random_ratio(1, 2) {
            self.base.add_transaction(tran);
        }
        match rng.random_range(0..5) {
            0 => self.act(tran, &mut rng),
            1 => {}
            n => {
                let queue = self.queue.lock().unwrap();
                let Some(queue) = queue.as_ref() else { return };
                // Twice, so that two threads complete it.
                (2..n).for_each(|_| queue.send(tran.clone()).unwrap());
            }
        }
    }
}

/// A requester's own memory, only ever touched through its pointer while a transaction has it.
struct Memory {
    start: NonNull<u8>,
}

impl Memory {
    fn new() -> Memory {
        let bytes = vec![POISON; SIZE_MAX].into_boxed_slice();
        let start = NonNull::new(Box::into_raw(bytes).cast()).expect("a box is never null");
        Memory { start }
    }

    fn bytes(&self) -> &[u8; SIZE_MAX] {
        // SAFETY: as long as it was allocated; called only while no transaction has it.
        unsafe { &*self.start.as_ptr().cast() }
    }

    fn bytes_mut(&mut self) -> &mut [u8; SIZE_MAX] {
        // SAFETY: as above.
        unsafe { &mut *self.start.as_ptr().cast() }
    }

    fn lend(&self, size: usize) -> DataBuffer {
        // SAFETY: it lives until the drop, which comes after the transaction's end.
        unsafe { DataBuffer::from_raw(self.start, size) }
    }

    /// Fills it with poison, once it is the requester's again.
    fn poison(&mut self) {
        self.bytes_mut().fill(POISON);
    }

    fn assert_untouched(&self) {
        let bytes = self.bytes();
        assert!(bytes.iter().all(|&byte| byte == POISON), "written after its return: {bytes:?}");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let bytes: *mut [u8; SIZE_MAX] = self.start.as_ptr().cast();
        // SAFETY: made by a box of this size, and no transaction has it any more.
        drop(unsafe { Box::from_raw(bytes) });
    }
}

/// One request on its way, with what is needed to judge its outcome.
struct Request {
    id: u32,
    address: u64,
    size: usize,
    ty: TransactionType,
    memory: Memory,
    started: clock::Time,
}

struct Requester {
    rng: ChaCha8Rng,
    slaves: Vec<Arc<dyn Slave>>,
    /// Memory that was given back a while ago, and may no longer change.
    returned: Vec<Memory>,
    outcomes: Arc<[AtomicUsize; 3]>,
}

impl Requester {
    fn request(&mut self, master: &Master) -> Request {
        let ty = [
            TransactionType::Read,
            TransactionType::Read,
            TransactionType::Write,
            TransactionType::Post,
        ][self.rng.random_range(0..4)];
        let (address, size) =
            (self.rng.random_range(0..1 << 40), self.rng.random_range(0..=SIZE_MAX));
        let mut memory = match self.returned.len() > 100 {
            true => self.returned.swap_remove(self.rng.random_range(0..100)),
            false => Memory::new(),
        };
        memory.assert_untouched();
        if ty.is_write() {
            for (byte, address) in memory.bytes_mut().iter_mut().zip(address..) {
                *byte = content(address);
            }
        }
        let started = clock::now();
        let id = master.request(address, memory.lend(size), ty).unwrap();
        Request { id, address, size, ty, memory, started }
    }

    /// Takes the memory back after a wait, with or without knowing how that ended.
    fn judge(&mut self, request: Request, outcome: Option<rogue_mem::error::Result<()>>, us: u64) {
        let Request { address, size, ty, mut memory, started, .. } = request;
        match outcome {
            None => {}
            Some(Ok(())) => {
                let bytes = &memory.bytes()[..size];
                let right = bytes.iter().zip(address..).all(|(byte, at)| *byte == content(at));
                assert!(right, "type {ty} at {address:#x}: {bytes:?}");
                self.outcomes[0].fetch_add(1, Ordering::Relaxed);
            }
            Some(Err(error)) if error.status() == Status::TransactionTimeout => {
                assert!(clock::now().since(started) >= Duration::from_micros(us), "{error}");
                self.outcomes[1].fetch_add(1, Ordering::Relaxed);
            }
            Some(Err(error)) => {
                assert!(error.text().contains(&refusal()), "{error}");
                self.outcomes[2].fetch_add(1, Ordering::Relaxed);
            }
        }
        memory.poison();
        self.returned.push(memory);
    }

    fn round(&mut self) {
        let master = Master::new();
        master.set_slave(self.slaves[self.rng.random_range(0..self.slaves.len())].clone());
        let us = self.rng.random_range(1..3000);
        master.set_timeout(Duration::from_micros(us));
        let count = self.rng.random_range(1..12);
        let requests: Vec<Request> = (0..count).map(|_| self.request(&master)).collect();
        match self.rng.random_range(0..4) {
            0 => {
                let any = master.wait(0);
                assert_eq!(master.outstanding_count(), 0);
                assert_eq!(any.is_err(), !master.last_error().is_empty());
                requests.into_iter().for_each(|request| self.judge(request, None, us));
            }
            1 => {
                drop(master);
                requests.into_iter().for_each(|request| self.judge(request, None, us));
            }
            2 => {
                for request in requests {
                    let id = request.id;
                    // Two threads for one: posted writes may be gone by then.
                    let (one, other) = std::thread::scope(|scope| {
                        let other = scope.spawn(|| master.wait(id));
                        (master.wait(id), other.join().unwrap())
                    });
                    if let (Err(one), Err(other)) = (&one, &other) {
                        assert_eq!(one, other);
                    }
                    self.judge(request, Some(one.and(other)), us);
                }
            }
            _ => {
                for request in requests {
                    let outcome = master.wait(request.id);
                    assert!(master.wait(request.id).is_ok(), "it has been waited for");
                    self.judge(request, Some(outcome), us);
                }
            }
        }
    }
}

/// Runs `work` in a thread that reports how it has ended.
fn spawn(name: String, ends: &Sender<Result<(), String>>, work: impl FnOnce() + Send + 'static) {
    let ends = ends.clone();
    let thread = std::thread::Builder::new().name(name.clone());
    let report = move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        ends.send(outcome.map_err(|_| name)).unwrap();
    };
    thread.spawn(report).unwrap();
}

/// Waits until `count` threads have ended.
fn await_ends(ends: &Receiver<Result<(), String>>, count: usize) {
    for _ in 0..count {
        let end = ends.recv_timeout(HANG).expect("no thread hangs");
        end.unwrap_or_else(|name| panic!("{name} has panicked"));
    }
}

fn spawn_workers(
    wild: &Arc<Wild>,
    queue: Receiver<Arc<Transaction>>,
    seed: u64,
    ends: &Sender<Result<(), String>>,
) {
    let queue = Arc::new(Mutex::new(queue));
    for worker in 0..WORKERS_COUNT as u64 {
        let (wild, queue) = (wild.clone(), queue.clone());
        let mut rng = ChaCha8Rng::seed_from_u64(seed + worker);
        spawn(format!("worker {worker} of seed {seed}"), ends, move || loop {
            let received = queue.lock().unwrap().recv();
            let Ok(tran) = received else { return };
            wild.act(&tran, &mut rng);
        });
    }
}

fn run(seed: u64) {
    let (sender, ends) = channel();
    let outcomes: Arc<[AtomicUsize; 3]> = Arc::default();
    let mut wilds = Vec::new();
    let mut slaves: Vec<Arc<dyn Slave>> = Vec::new();
    for max in [0, 8] {
        let (wild, queue) = Wild::new(max, seed + u64::from(max));
        spawn_workers(&wild, queue, seed + 1000, &sender);
        let (outer, inner) = (Hub::new(0, 0, 0), Hub::new(0, 0, 0));
        outer.master().set_slave(inner.clone());
        inner.master().set_slave(wild.clone());
        slaves.extend([outer as Arc<dyn Slave>, wild.clone()]);
        wilds.push(wild);
    }
    for number in 0..REQUESTERS_COUNT as u64 {
        let rng = ChaCha8Rng::seed_from_u64(seed + 2000 + number);
        let (slaves, outcomes) = (slaves.clone(), outcomes.clone());
        spawn(format!("requester {number} of seed {seed}"), &sender, move || {
            let mut requester = Requester { rng, slaves, returned: Vec::new(), outcomes };
            (0..ROUNDS_COUNT).for_each(|_| requester.round());
            // Late answers had their time: nothing may have come of them.
            spin(3000);
            requester.returned.iter().for_each(Memory::assert_untouched);
        });
    }
    drop(sender);
    await_ends(&ends, REQUESTERS_COUNT);
    wilds.iter().for_each(|wild| drop(wild.queue.lock().unwrap().take()));
    await_ends(&ends, 2 * WORKERS_COUNT);
    assert!(ends.recv_timeout(HANG).is_err(), "all have let go");
    let slaves: Vec<Weak<dyn Slave>> =
        slaves.into_iter().map(|slave| Arc::downgrade(&slave)).collect();
    for wild in wilds {
        assert_eq!(wild.base.pending_count(), 0, "seed {seed}: nobody wants them");
        let seen = std::mem::take(&mut *wild.seen.lock().unwrap());
        assert!(seen.len() > 100);
        let left = seen.iter().filter(|tran| tran.strong_count() > 0).count();
        assert_eq!(left, 0, "seed {seed}: transactions of {} are left", seen.len());
    }
    assert!(slaves.iter().all(|slave| slave.strong_count() == 0), "seed {seed}: slaves are left");
    for (outcome, count) in ["success", "timeout", "refusal"].iter().zip(outcomes.iter()) {
        let count = count.load(Ordering::Relaxed);
        assert!(count > 50, "seed {seed}: {count} times {outcome} is no test");
    }
}

#[test]
fn every_request_ends_once_and_rightly_whatever_slaves_and_masters_do() {
    log::capture();
    (1..=3).for_each(run);
}
