//! The downstream end of the bus: what every slave is and has.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::pending::Pending;
use super::transaction::Transaction;
use crate::process::{nothing, ForkHandlers};
use crate::sync::Mutex;

/// What a transaction reports that reaches a slave without a behaviour of its own.
pub const UNCONNECTED_TEXT: &str = "Unsupported transaction using unconnected memory bus";

/// Something that carries out transactions.
///
/// Everything but [`do_transaction`](Slave::do_transaction) has a default that reads
/// [`base`](Slave::base). All methods may be called from any thread, several at once.
pub trait Slave: Send + Sync + 'static {
    /// The slave's identity, limits and table of pending transactions.
    fn base(&self) -> &SlaveBase;

    /// Carries out `tran`: called in the requester's thread with no lock held. Either completes
    /// it or keeps it ([`SlaveBase::add_transaction`]) and completes it later, from any thread.
    fn do_transaction(&self, tran: &Arc<Transaction>);

    /// Whether [`do_transaction`](Slave::do_transaction) always returns at once, and the time it
    /// takes need not be added to a transaction's.
    fn is_prompt(&self) -> bool {
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

    /// Whether each read or verify that succeeds has had every byte of its data written. Only then
    /// may who requests hand over a buffer with something else in it; otherwise it holds zeros.
    fn fills_reads(&self) -> bool {
        false
    }

    /// Ends the slave's activity, if it has any of its own.
    fn stop(&self) {}
}

/// Identity, access limits and pending transactions of a slave. Dropping it fails the
/// transactions it still keeps.
pub struct SlaveBase {
    id: u32,
    min: u32,
    max: u32,
    name: Mutex<Option<String>>,
    /// It has been said that a query that has come here has no end.
    is_endless: AtomicBool,
    pending: Arc<Pending>,
}

impl SlaveBase {
    /// A slave with access limits in bytes, a fresh id (from 1) and the name `Unnamed_<id>`.
    pub fn new(min: u32, max: u32) -> SlaveBase {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let mut id = COUNTER.fetch_add(1, Ordering::Relaxed);
        while id == 0 {
            id = COUNTER.fetch_add(1, Ordering::Relaxed);
        }
        Self::with_id(id, min, max)
    }

    fn with_id(id: u32, min: u32, max: u32) -> SlaveBase {
        let (name, is_endless) = (Mutex::new(None), AtomicBool::new(false));
        SlaveBase { id, min, max, name, is_endless, pending: Arc::default() }
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
        self.name.lock().clone().unwrap_or_else(|| format!("Unnamed_{}", self.id))
    }

    /// Names the slave.
    pub fn set_name(&self, name: impl Into<String>) {
        *self.name.lock() = Some(name.into());
    }

    /// Whether this is asked for the first time, by who has found that a query has no end.
    pub(super) fn is_endless_first_time(&self) -> bool {
        !self.is_endless.swap(true, Ordering::Relaxed)
    }

    /// Keeps `tran` until [`take_transaction`](Self::take_transaction) fetches it or its
    /// requester gives it up or it is completed otherwise. An expired transaction is not kept;
    /// one whose id is already that of another pending transaction fails. May be called with or
    /// without the transaction's data lock.
    pub fn add_transaction(&self, tran: &Arc<Transaction>) {
        self.pending.add(tran, 0);
    }

    /// As [`add_transaction`](Self::add_transaction), with a note of the slave's own, which
    /// [`take_noted`](Self::take_noted) hands back.
    pub fn add_noted(&self, tran: &Arc<Transaction>, note: u32) {
        self.pending.add(tran, note);
    }

    /// Looks up and removes the pending transaction `id`, which an answer has just come for: the
    /// clocks of all that started with it or later are restarted.
    pub fn take_transaction(&self, id: u32) -> Option<Arc<Transaction>> {
        self.take_noted(id).map(|(tran, _)| tran)
    }

    /// As [`take_transaction`](Self::take_transaction), with the note it was added with; 0 where
    /// it was added without one.
    pub fn take_noted(&self, id: u32) -> Option<(Arc<Transaction>, u32)> {
        self.pending.take(id)
    }

    /// Fails all pending transactions with `text`: no answer will come any more.
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
        // Nobody can take them any more: their requesters need not wait for the timeout.
        self.pending.fail_all("The slave that kept the transaction no longer exists");
    }
}

/// No other slave has it.
const PLACEHOLDER_ID: u32 = 0;

/// What a master without a slave is connected to: fails every transaction.
pub struct Unconnected {
    base: SlaveBase,
}

impl Unconnected {
    /// A slave without a behaviour, but with limits and an id of its own.
    pub fn new(min: u32, max: u32) -> Arc<Unconnected> {
        Arc::new(Unconnected { base: SlaveBase::new(min, max) })
    }

    /// The one placeholder of all unconnected masters: limits 4 and 0, id 0, so that creating a
    /// master uses no slave id up.
    pub fn placeholder() -> Arc<dyn Slave> {
        let made = PLACEHOLDER.get().unwrap_or_else(|| {
            FORK_HANDLERS.register();
            PLACEHOLDER.get_or_init(Unconnected::make_placeholder)
        });
        made.clone()
    }

    fn make_placeholder() -> Arc<Unconnected> {
        Arc::new(Unconnected { base: SlaveBase::with_id(PLACEHOLDER_ID, 4, 0) })
    }
}

static PLACEHOLDER: OnceLock<Arc<Unconnected>> = OnceLock::new();
static FORK_HANDLERS: ForkHandlers = ForkHandlers::new(settle_placeholder, nothing, nothing);

/// So that no child finds it half made.
extern "C" fn settle_placeholder() {
    PLACEHOLDER.get_or_init(Unconnected::make_placeholder);
}

impl Slave for Unconnected {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        tran.error(UNCONNECTED_TEXT);
    }

    fn slave_name(&self) -> String {
        match self.base.id() {
            // The placeholder is one for all masters of the process: its name is nobody's to
            // change, and takes no lock that a child by `fork` might find held.
            PLACEHOLDER_ID => format!("Unnamed_{PLACEHOLDER_ID}"),
            _ => self.base.name(),
        }
    }
}
