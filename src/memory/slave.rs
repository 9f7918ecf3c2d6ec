//! The downstream end of the bus: the slave interface and its common state.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::ids::next_id;
use super::pending::{AnswerSource, Pending};
use super::transaction::Transaction;
use crate::debug::impl_debug;
use crate::process::{at_fork, inherited_text, nothing};
use crate::sync::Mutex;

/// The error text of a transaction that reaches a slave without a behaviour of its own.
pub const UNCONNECTED_TEXT: &str = "Unsupported transaction using unconnected memory bus";

/// Carries out transactions.
///
/// Everything but [`do_transaction`](Slave::do_transaction) has a default that reads
/// [`base`](Slave::base). All methods may be called from any thread, several at once.
pub trait Slave: Send + Sync + 'static {
    /// The slave's identity, limits and table of pending transactions.
    fn base(&self) -> &SlaveBase;

    /// Carries out `tran`. Called in the requester's thread with no lock held. Either completes it,
    /// or keeps it ([`SlaveBase::add_transaction`]) and completes it later, from any thread.
    fn do_transaction(&self, tran: &Arc<Transaction>);

    /// Carries out `all`, which were requested together, in this order, each as
    /// [`do_transaction`](Slave::do_transaction) does. A slave with a transport sends them
    /// together.
    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        super::burst::one_by_one(all, |tran| self.do_transaction(tran));
    }

    /// Whether transactions of many blocks are handed over together, by
    /// [`do_transactions`](Slave::do_transactions). Otherwise they come one by one, so that the slave
    /// may use the blocks of those that it does not have yet.
    fn takes_together(&self) -> bool {
        false
    }

    /// Whether [`do_transaction`](Slave::do_transaction) always returns at once, so that its
    /// duration need not be added to a transaction's time.
    fn is_prompt(&self) -> bool {
        false
    }

    /// Whether [`do_transaction`](Slave::do_transaction) and the queries of limits and address run
    /// none of the program's code and wait for nothing but locks that are held for moments, if no
    /// other thread has the transaction. Threads that hold the lock of an interpreter hand
    /// transactions to such slaves.
    fn is_brief(&self) -> bool {
        false
    }

    /// The slave that gets all transactions of this one, and what is added to their addresses, if
    /// this one does nothing else with them: a hub's.
    fn passes_to(&self) -> Option<(Arc<dyn Slave>, u64)> {
        None
    }

    /// Reads `bytes` at `address` without a transaction. False where that takes one, which then says
    /// why it fails; nothing has happened then. A slave that does it takes one lock at most, its own
    /// memory's, and runs no code of the program: the caller may hold the lock of a block.
    fn read_at_once(&self, _address: u64, _bytes: &mut [u8]) -> bool {
        false
    }

    /// Id of the slave at the end of the path.
    fn slave_id(&self) -> u32 {
        self.base().id()
    }

    /// Name of the slave at the end of the path.
    fn slave_name(&self) -> String {
        self.base().name()
    }

    /// Smallest access in bytes, advertised only.
    fn min_access(&self) -> u32 {
        self.base().min()
    }

    /// Largest access in bytes; hubs split larger requests. 0 = not limited.
    fn max_access(&self) -> u32 {
        self.base().max()
    }

    /// Base address of this slave as seen from the end of the path.
    fn address(&self) -> u64 {
        0
    }

    /// Whether every successful read or verify writes every byte of its data. Only then may a
    /// requester pass a buffer with arbitrary content; otherwise it holds zeros.
    fn fills_reads(&self) -> bool {
        false
    }

    /// Ends the slave's own activity, if it has any.
    fn stop(&self) {}
}

/// Identity, access limits and pending transactions of a slave. Dropping it fails the transactions
/// that it still keeps. In a child by `fork` an inherited one keeps none.
pub struct SlaveBase {
    id: u32,
    min: u32,
    max: u32,
    name: Mutex<Option<String>>,
    /// A cycle of hubs has been reported for this slave.
    cycle_reported: AtomicBool,
    pending: Arc<Pending>,
}

impl_debug!(SlaveBase, base => { id: base.id, min: base.min, max: base.max });

impl SlaveBase {
    /// A slave with access limits in bytes, a fresh id (from 1) and the name `Unnamed_<id>`.
    pub fn new(min: u32, max: u32) -> SlaveBase {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        Self::with_id(next_id(&COUNTER, 1), min, max)
    }

    fn with_id(id: u32, min: u32, max: u32) -> SlaveBase {
        let (name, cycle_reported) = (Mutex::new(None), AtomicBool::new(false));
        SlaveBase { id, min, max, name, cycle_reported, pending: Arc::default() }
    }

    /// The slave's id, unique in the process.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Smallest access in bytes.
    pub fn min(&self) -> u32 {
        self.min
    }

    /// Largest access in bytes.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// The slave's name.
    pub fn name(&self) -> String {
        let name = self.name.lock_of(self.pending.generation()).and_then(|name| name.clone());
        name.unwrap_or_else(|| format!("Unnamed_{}", self.id))
    }

    /// Names the slave.
    pub fn set_name(&self, name: impl Into<String>) {
        if let Some(mut place) = self.name.lock_own(self.pending.generation()) {
            *place = Some(name.into());
        }
    }

    /// Whether this is the first report of a cycle of hubs for this slave.
    pub(super) fn is_first_cycle_report(&self) -> bool {
        !self.cycle_reported.swap(true, Ordering::Relaxed)
    }

    /// Keeps `tran` until [`take_transaction`](Self::take_transaction) removes it or it ends
    /// otherwise. An expired transaction is not kept; one whose id is in use by another pending
    /// transaction fails. May be called with or without the transaction's data lock.
    pub fn add_transaction(&self, tran: &Arc<Transaction>) {
        self.pending.add(tran, 0);
    }

    /// As [`add_transaction`](Self::add_transaction), with a value that
    /// [`take_noted`](Self::take_noted) returns.
    pub fn add_noted(&self, tran: &Arc<Transaction>, note: u32) {
        self.pending.add(tran, note);
    }

    /// Removes and returns the pending transaction `id`, whose answer has arrived. Restarts the
    /// clocks of all that started with it or later.
    pub fn take_transaction(&self, id: u32) -> Option<Arc<Transaction>> {
        self.take_noted(id).map(|(tran, _)| tran)
    }

    /// As [`take_transaction`](Self::take_transaction), with the value that it was added with, or
    /// 0.
    pub fn take_noted(&self, id: u32) -> Option<(Arc<Transaction>, u32)> {
        self.pending.take(id)
    }

    /// Lets threads that wait for a transaction kept here receive its answer themselves, by `source`.
    /// Called once; no effect after that.
    pub fn set_answer_source(&self, source: Box<dyn AnswerSource>) {
        self.pending.set_source(source);
    }

    /// Fails all pending transactions with `text`: no more answers will arrive.
    pub fn fail_all(&self, text: &str) {
        self.pending.fail_all(text);
    }

    /// Number of transactions kept.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }
}

impl Drop for SlaveBase {
    fn drop(&mut self) {
        // Nothing can complete them any more: their requesters need not wait for the timeout.
        self.pending.fail_all("The slave that kept the transaction no longer exists");
    }
}

/// The id of no other slave.
const PLACEHOLDER_ID: u32 = 0;

/// The slave of an unconnected master: fails every transaction.
#[derive(Debug)]
pub struct Unconnected {
    base: SlaveBase,
    /// The master is the parent process's.
    is_inherited: bool,
}

impl Unconnected {
    /// A slave without a behaviour, with limits and an id of its own.
    pub fn new(min: u32, max: u32) -> Arc<Unconnected> {
        Arc::new(Unconnected { base: SlaveBase::new(min, max), is_inherited: false })
    }

    /// The placeholder that all unconnected masters share: limits 4 and 0, id 0. Creating a master
    /// consumes no slave id.
    pub fn placeholder() -> Arc<dyn Slave> {
        PLACEHOLDER.get_or_init(Unconnected::make_placeholder).clone()
    }

    /// The slave that a master of the parent process has in a child by `fork`.
    pub(super) fn of_parent() -> Arc<dyn Slave> {
        Arc::new(Unconnected::with_placeholder_id(true))
    }

    fn make_placeholder() -> Arc<Unconnected> {
        Arc::new(Unconnected::with_placeholder_id(false))
    }

    fn with_placeholder_id(is_inherited: bool) -> Unconnected {
        Unconnected { base: SlaveBase::with_id(PLACEHOLDER_ID, 4, 0), is_inherited }
    }
}

static PLACEHOLDER: OnceLock<Arc<Unconnected>> = OnceLock::new();
at_fork!(settle_placeholder, nothing, nothing);

/// Initialises the placeholder before a fork, so that no child finds it half made.
extern "C" fn settle_placeholder() {
    PLACEHOLDER.get_or_init(Unconnected::make_placeholder);
}

impl Slave for Unconnected {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        match self.is_inherited {
            true => tran.error(inherited_text("The memory master")),
            false => tran.error(UNCONNECTED_TEXT),
        }
    }

    fn is_brief(&self) -> bool {
        true
    }

    fn slave_name(&self) -> String {
        match self.base.id() {
            // All masters of the process share the placeholder: its name is fixed, and needs no
            // lock that a child by `fork` might find locked.
            PLACEHOLDER_ID => format!("Unnamed_{PLACEHOLDER_ID}"),
            _ => self.base.name(),
        }
    }
}
