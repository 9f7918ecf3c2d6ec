//! Slaves that do what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use rogue_mem::memory::{is_write, Slave, SlaveBase, Transaction};

use super::LONG;

/// A slave made of a closure.
pub struct Call<F> {
    base: SlaveBase,
    action: F,
}

impl<F: Fn(&Arc<Transaction>) + Send + Sync + 'static> Call<F> {
    pub fn new(action: F) -> Arc<Self> {
        Arc::new(Call { base: SlaveBase::new(4, 0xFFFF_FFFF), action })
    }
}

impl<F: Fn(&Arc<Transaction>) + Send + Sync + 'static> Slave for Call<F> {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        (self.action)(tran);
    }
}

/// Fills a read with the octets of its address, and completes it.
pub fn answer(tran: &Arc<Transaction>) {
    if !is_write(tran.ty()) {
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
    for (byte, value) in data.iter_mut().zip(address.to_le_bytes().into_iter().cycle()) {
        *byte = value;
    }
}

/// Keeps every transaction until the test completes it.
pub struct Keeper {
    base: SlaveBase,
    kept: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Default)]
struct Kept {
    waiting: VecDeque<Arc<Transaction>>,
    seen: usize,
}

impl Keeper {
    pub fn new() -> Arc<Keeper> {
        let base = SlaveBase::new(4, 0xFFFF_FFFF);
        Arc::new(Keeper { base, kept: Mutex::default(), changed: Condvar::new() })
    }

    /// Transactions that have come so far.
    pub fn seen(&self) -> usize {
        self.kept.lock().unwrap().seen
    }

    /// Transactions kept now.
    pub fn kept(&self) -> usize {
        self.kept.lock().unwrap().waiting.len()
    }

    /// Waits until so many have come in all.
    #[track_caller]
    pub fn wait_seen(&self, count: usize) {
        let kept = self.kept.lock().unwrap();
        let until = |kept: &mut Kept| kept.seen < count;
        let (kept, outcome) = self.changed.wait_timeout_while(kept, LONG, until).unwrap();
        assert!(!outcome.timed_out(), "only {} of {count} have come", kept.seen);
    }

    /// Takes the oldest one, waiting for it if need be.
    #[track_caller]
    pub fn next(&self) -> Arc<Transaction> {
        let kept = self.kept.lock().unwrap();
        let until = |kept: &mut Kept| kept.waiting.is_empty();
        let (mut kept, _) = self.changed.wait_timeout_while(kept, LONG, until).unwrap();
        kept.waiting.pop_front().expect("a transaction comes")
    }

    /// Answers everything that is kept.
    pub fn answer_all(&self) {
        let all = std::mem::take(&mut self.kept.lock().unwrap().waiting);
        all.iter().for_each(answer);
    }
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let mut kept = self.kept.lock().unwrap();
        kept.seen += 1;
        kept.waiting.push_back(tran.clone());
        self.changed.notify_all();
    }
}

/// Something that is closed until the test opens it.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    passing: Mutex<usize>,
    changed: Condvar,
    arrived: Condvar,
}

impl Gate {
    pub fn new() -> Arc<Gate> {
        Arc::default()
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        *self.passing.lock().unwrap() += 1;
        self.arrived.notify_all();
        let open = self.open.lock().unwrap();
        let (open, _) = self.changed.wait_timeout_while(open, LONG, |open| !*open).unwrap();
        assert!(*open, "the gate was never opened");
    }

    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    /// Waits until so many have come to the gate.
    #[track_caller]
    pub fn wait_arrived(&self, count: usize) {
        let passing = self.passing.lock().unwrap();
        let few = |passing: &mut usize| *passing < count;
        let (passing, _) = self.arrived.wait_timeout_while(passing, LONG, few).unwrap();
        assert!(*passing >= count, "only {passing} of {count} came to the gate");
    }
}
