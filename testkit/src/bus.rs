//! Masters with patience, and observers that tell a test.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, Thread};

use rogue_mem::clock;
use rogue_mem::error::Result;
use rogue_mem::memory::{
    Claimant, DataBuffer, Master, Observer, Slave, Transaction, TransactionType,
};

use crate::slaves::Keeper;
use crate::wait::LONG;

/// A master of `slave` whose transactions have all the time they need.
pub fn master_of(slave: Arc<dyn Slave>) -> Master {
    let master = Master::new();
    master.set_slave(slave);
    master.set_timeout(LONG);
    master
}

/// A buffer of `size` zeros.
pub fn zeros(size: usize) -> DataBuffer {
    vec![0; size].into()
}

/// The text of a failed result.
#[track_caller]
pub fn text_of<T: Debug>(outcome: Result<T>) -> String {
    outcome.expect_err("a failure").text().to_owned()
}

/// Lets the clock move on, so that what starts next starts later.
pub fn tick() {
    let now = clock::now();
    while clock::now() == now {
        std::thread::yield_now();
    }
}

/// Requests `count` reads of `keeper` in sequence, each with its own start time.
pub fn staggered_reads(master: &Master, keeper: &Keeper, count: usize) -> Vec<Arc<Transaction>> {
    let read = |_| {
        tick();
        master.request(0, zeros(4), TransactionType::Read).unwrap();
        keeper.next()
    };
    (0..count).map(read).collect()
}

/// A transaction on its way, which nothing waits for.
pub fn launch(
    master: &Master,
    ty: TransactionType,
    address: u64,
    bytes: impl Into<DataBuffer>,
) -> Arc<Transaction> {
    let tran = master.prepare(address, bytes.into(), ty).unwrap();
    master.launch(&tran);
    tran
}

/// How an ended transaction ended, and its bytes.
#[track_caller]
pub fn collect(tran: &Transaction) -> (Result<()>, Vec<u8>) {
    assert!(tran.is_done(), "{tran:?} is still pending");
    let (outcome, buffer) = tran.collect().expect("collected once");
    (outcome, buffer.into_vec())
}

/// The text that a transaction failed with.
#[track_caller]
pub fn failure(tran: &Transaction) -> String {
    text_of(collect(tran).0)
}

/// An observer that calls a closure, in the thread that ends the transaction.
pub struct Telling<F>(Mutex<F>);

impl<F: FnMut(&Arc<Transaction>) + Send + 'static> Telling<F> {
    /// Creates an observer that calls `action` at each end, one call at a time.
    pub fn new(action: F) -> Arc<Telling<F>> {
        Arc::new(Telling(Mutex::new(action)))
    }
}

impl<F: FnMut(&Arc<Transaction>) + Send> Observer for Telling<F> {
    fn completed(&self, tran: &Arc<Transaction>) {
        (self.0.lock().unwrap())(tran);
    }
}

/// An observer that says that it has been told, and returns when it may: when something is sent to
/// it, or the sender is dropped.
pub fn blocking() -> (Arc<dyn Observer>, Receiver<()>, Sender<()>) {
    let (told, is_told) = channel();
    let (release, may_return) = channel();
    let observer = Telling::new(move |_| {
        told.send(()).unwrap();
        // An error is the end of the test.
        let _ = may_return.recv_timeout(LONG);
    });
    (observer, is_told, release)
}

/// An observer that counts the ends it is told of.
#[derive(Default)]
pub struct Ends {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Ends {
    /// Ends so far.
    pub fn count(&self) -> usize {
        *self.count.lock().unwrap()
    }

    /// Waits for `count` ends in all.
    #[track_caller]
    pub fn wait(&self, count: usize) {
        let few = |ended: &mut usize| *ended < count;
        let ended = self.count.lock().unwrap();
        let (ended, outcome) = self.changed.wait_timeout_while(ended, LONG, few).unwrap();
        assert!(!outcome.timed_out(), "{ended} of {count} transactions ended");
    }
}

impl Observer for Ends {
    fn completed(&self, tran: &Arc<Transaction>) {
        assert!(tran.is_done(), "told before the end");
        *self.count.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

/// A stack that holds a few nested requests, and not many.
const SMALL_STACK_BYTES: usize = 256 * 1024;

/// Posted writes, each made by the observer of the one before.
struct PostChain {
    master: Master,
    left: AtomicU32,
    /// Whether the observer is set after the request is made.
    claims: bool,
    done: Sender<()>,
}

struct PostLink(Arc<PostChain>);

impl PostChain {
    fn next(self: &Arc<Self>) {
        let link = Arc::new(PostLink(self.clone()));
        if self.claims {
            let id = self.master.request(0, zeros(4), TransactionType::Post).unwrap();
            self.master.observe(id, link).unwrap();
        } else {
            let tran = self.master.prepare(0, zeros(4), TransactionType::Post).unwrap();
            tran.observe(link);
            self.master.launch(&tran);
        }
    }

    fn ended(self: &Arc<Self>, outcome: Result<()>) {
        outcome.unwrap();
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            1 => self.done.send(()).unwrap(),
            _ => self.next(),
        }
    }
}

impl Observer for PostLink {
    fn completed(&self, tran: &Arc<Transaction>) {
        self.0.ended(tran.outcome().unwrap());
    }
}

impl Claimant for PostLink {
    fn ended(&self, _: u32, outcome: Result<()>, _: Option<DataBuffer>) {
        self.0.ended(outcome);
    }
}

/// A claimant that passes on in which threads it is called. Each of its transactions has to succeed.
pub struct Caller(Mutex<Sender<Thread>>);

impl Caller {
    /// A claimant, and where its threads arrive.
    pub fn new() -> (Arc<Caller>, Receiver<Thread>) {
        let (sender, threads) = channel();
        (Arc::new(Caller(Mutex::new(sender))), threads)
    }
}

impl Claimant for Caller {
    fn ended(&self, _: u32, outcome: Result<()>, _: Option<DataBuffer>) {
        outcome.unwrap();
        // The test may be over already.
        let _ = self.0.lock().unwrap().send(thread::current());
    }
}

/// Posts `count` writes to `slave`, each in the observer of the one before, first in a thread with a
/// small stack. Waits for the last one.
pub fn post_in_a_chain(slave: &Arc<dyn Slave>, count: u32) {
    for claims in [false, true] {
        let (sender, done) = channel();
        let (master, left) = (master_of(slave.clone()), AtomicU32::new(count));
        let chain = Arc::new(PostChain { master, left, claims, done: sender });
        let body = move || chain.next();
        let poster = thread::Builder::new().stack_size(SMALL_STACK_BYTES).spawn(body).unwrap();
        done.recv_timeout(LONG).unwrap();
        poster.join().unwrap();
    }
}
