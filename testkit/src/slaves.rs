//! Slaves that do what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use rogue_mem::memory::{Slave, SlaveBase, Transaction};

use crate::wait::LONG;

/// Smallest access of slaves that are made without limits, in bytes.
const MIN: u32 = 4;
/// Largest access of slaves that are made without limits: whatever a transaction may have.
const MAX: u32 = 0xFFFF_FFFF;

/// A slave that does what a closure says.
pub struct Acting<F> {
    base: SlaveBase,
    act: F,
}

impl<F: Fn(&SlaveBase, &Arc<Transaction>) + Send + Sync + 'static> Acting<F> {
    /// One whose accesses have `min` to `max` bytes; a `max` of 0 stands for no limit.
    pub fn new(min: u32, max: u32, act: F) -> Arc<Acting<F>> {
        Arc::new(Acting { base: SlaveBase::new(min, max), act })
    }
}

impl<F: Fn(&SlaveBase, &Arc<Transaction>) + Send + Sync + 'static> Slave for Acting<F> {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        (self.act)(&self.base, tran);
    }
}

/// A slave that calls `action` with every transaction, of any size.
pub fn calling(action: impl Fn(&Arc<Transaction>) + Send + Sync + 'static) -> Arc<dyn Slave> {
    Acting::new(MIN, MAX, move |_, tran| action(tran))
}

/// Fills a read with the octets of its address, and completes it.
pub fn answer(tran: &Arc<Transaction>) {
    if !tran.ty().is_write() {
        if let Some(mut data) = tran.data() {
            fill(&mut data, tran.address());
        }
    }
    tran.done();
}

/// What [`answer`] puts into a read at `address`.
pub fn answer_at(address: u64, size: usize) -> Vec<u8> {
    let mut data = vec![0; size];
    fill(&mut data, address);
    data
}

fn fill(data: &mut [u8], address: u64) {
    const PERIOD: usize = size_of::<u64>();
    let mut filled = data.len().min(PERIOD);
    data[..filled].copy_from_slice(&address.to_le_bytes()[..filled]);
    // Twice as much with each copy: a large block octet by octet takes long.
    while filled < data.len() {
        let count = filled.min(data.len() - filled);
        data.copy_within(..count, filled);
        filled += count;
    }
}

/// A slave that keeps every transaction until the test completes it.
pub struct Keeper {
    base: SlaveBase,
    has_table: bool,
    arrivals: Mutex<Arrivals>,
    changed: Condvar,
}

#[derive(Default)]
struct Arrivals {
    waiting: VecDeque<Arc<Transaction>>,
    count: usize,
}

impl Keeper {
    /// One that knows of its transactions nothing but that they have come.
    pub fn new() -> Arc<Keeper> {
        Keeper::made(MIN, MAX, false)
    }

    /// One with limits that keeps its transactions in its table as well, as slaves do that wait for
    /// answers ([`SlaveBase::add_transaction`]).
    pub fn with_table(min: u32, max: u32) -> Arc<Keeper> {
        Keeper::made(min, max, true)
    }

    fn made(min: u32, max: u32, has_table: bool) -> Arc<Keeper> {
        let base = SlaveBase::new(min, max);
        Arc::new(Keeper { base, has_table, arrivals: Mutex::default(), changed: Condvar::new() })
    }

    /// Transactions that have come so far.
    pub fn seen(&self) -> usize {
        self.arrivals.lock().unwrap().count
    }

    /// Transactions that have come and that the test has not taken.
    pub fn kept(&self) -> usize {
        self.arrivals.lock().unwrap().waiting.len()
    }

    /// Waits until `count` transactions have come in all.
    #[track_caller]
    pub fn wait_seen(&self, count: usize) {
        let arrivals = self.arrivals.lock().unwrap();
        let few = |arrivals: &mut Arrivals| arrivals.count < count;
        let (arrivals, outcome) = self.changed.wait_timeout_while(arrivals, LONG, few).unwrap();
        assert!(!outcome.timed_out(), "only {} of {count} have come", arrivals.count);
    }

    /// The oldest one, waited for if need be. It stays in the table.
    #[track_caller]
    pub fn next(&self) -> Arc<Transaction> {
        let arrivals = self.arrivals.lock().unwrap();
        let none = |arrivals: &mut Arrivals| arrivals.waiting.is_empty();
        let (mut arrivals, _) = self.changed.wait_timeout_while(arrivals, LONG, none).unwrap();
        arrivals.waiting.pop_front().expect("a transaction comes")
    }

    /// All that have come, without waiting for more. They stay in the table.
    pub fn drain(&self) -> Vec<Arc<Transaction>> {
        std::mem::take(&mut self.arrivals.lock().unwrap().waiting).into()
    }

    /// Takes a transaction from the table, as a slave does when its answer has come.
    pub fn take(&self, tran: &Transaction) -> Option<Arc<Transaction>> {
        self.base.take_transaction(tran.id())
    }

    /// Answers everything that is kept.
    pub fn answer_all(&self) {
        self.drain().iter().for_each(answer);
    }
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        if self.has_table {
            self.base.add_transaction(tran);
        }
        let mut arrivals = self.arrivals.lock().unwrap();
        arrivals.count += 1;
        arrivals.waiting.push_back(tran.clone());
        self.changed.notify_all();
    }
}
