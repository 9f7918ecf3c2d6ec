//! One register access: the request, its data, and its outcome.

mod buffer;
mod data;
mod end;
mod parts;
#[cfg(test)]
mod tests;
mod time;
mod tracker;
mod wait;

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::access::{check_access, check_range};
use super::ids::next_id;
use super::transaction_type::TransactionType;
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::process::Generation;
use crate::sync::{Condvar, Mutex};
use buffer::DataCell;
use parts::Subs;
use tracker::Trackers;

pub use buffer::{DataBuffer, DataGuard};
pub use tracker::{Kept, Tracker};

/// Start of the error text of a transaction that was not completed in time.
pub const TIMEOUT_TEXT: &str = "Timeout waiting for register transaction";
/// The error text of a transaction that failed without one.
const NO_TEXT: &str = "The slave reported an error without a text";

const PENDING: u8 = 0;
const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;
const TIMED_OUT: u8 = 3;

/// A warning about a slow link has been logged.
const WARNED: u8 = 1;
/// The tracker drives the transaction for a waiting thread.
const DRIVEN: u8 = 2;
/// A listener needs the completion, and the trackers know.
const HAS_LISTENER: u8 = 4;
/// A claimant gets the result.
const CLAIMED: u8 = 8;
/// See [`Transaction::is_foreign`].
const FOREIGN: u8 = 16;
/// A thread sleeps until the end.
const HAS_SLEEPER: u8 = 32;

/// Gets the end of a transaction as a call, instead of a wait.
pub trait Observer: Send + Sync {
    /// `tran` has ended, with any outcome. Runs in the thread that completed it, or in the observer
    /// thread if that was a shared loop, with no lock of the bus held. The completing slave may
    /// hold the data lock, so this must not take it. The thread may be waiting for another
    /// transaction of the same slave and may hold locks of the program. Until this returns, no
    /// thread may be receiving for the slave: a wait for another of its answers in here ends by
    /// timeout. A request made in here may end at once and call its observer inside this one; the
    /// fifth inside each other runs after the fourth. A panic is logged and goes no further.
    fn completed(&self, tran: &Arc<Transaction>);
}

/// Rarely used members; boxed.
#[derive(Default)]
struct Rare {
    error: Option<Box<str>>,
    subs: Option<Subs>,
}

#[derive(Default)]
struct Completion {
    observer: Option<Arc<dyn Observer>>,
    /// The trackers of this transaction; at a root, also those of its parts.
    trackers: Trackers,
    rare: Option<Box<Rare>>,
}

impl Completion {
    /// Whether no notification is needed, and all members are as in a new transaction.
    fn is_plain(&self) -> bool {
        let Completion { observer, trackers, rare } = self;
        observer.is_none() && trackers.is_empty() && rare.is_none()
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    fn error(&self) -> Option<&str> {
        self.rare.as_ref()?.error.as_deref()
    }

    /// The parts, if there are any, until the end.
    fn subs(&mut self) -> Option<&mut Subs> {
        self.rare.as_mut()?.subs.as_mut()
    }
}

/// One register access. Slaves receive it from [`Slave::do_transaction`](super::Slave) and must
/// complete it exactly once, by [`done`](Self::done) or [`error`](Self::error); further
/// completions are ignored. All methods may be called from any thread. In a child by `fork` one of
/// the parent has [expired](Self::expired), and what is done with it has no effect.
pub struct Transaction {
    id: u32,
    /// The number of its type.
    type_number: u32,
    /// Start of this transaction's bytes in the root's buffer.
    offset: u32,
    /// Index among its parent's children.
    index: u32,
    /// Number of tables of pending transactions that contain it.
    kept: AtomicU16,
    /// The process generation that requested it.
    generation: Generation,
    status: AtomicU8,
    /// [`WARNED`], [`FOREIGN`], and under the state's lock [`DRIVEN`], [`HAS_LISTENER`] and
    /// [`HAS_SLEEPER`].
    flags: AtomicU8,
    address: AtomicU64,
    timeout_ns: u64,
    start: Time,
    /// When the clock was last restarted explicitly (handed over, refreshed); 0 = never.
    restarted: AtomicU64,
    parent: Option<Arc<Transaction>>,
    data: DataCell,
    state: Mutex<Completion>,
    ended: Condvar,
}

/// An id for a transaction that a requester sees: counts up, from 1. 0 stands for "all" in calls
/// that take an id.
fn next_root_id() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    next_id(&COUNTER, 1)
}

impl Transaction {
    /// A transaction of type `ty` over `buffer`, whose clock starts now. The buffer is below 4 GiB.
    /// One that [`check_access`] refuses has failed already.
    pub(super) fn new(
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        timeout: Duration,
    ) -> Arc<Self> {
        Self::new_at(address, buffer, ty, (clock::nanoseconds(timeout), clock::now()))
    }

    /// As [`new`](Self::new), with the slave's time in nanoseconds and the start of the clock.
    pub(super) fn new_at(
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        (timeout_ns, start): (u64, Time),
    ) -> Arc<Self> {
        let data = DataCell::new(buffer);
        let tran = Arc::new(Self::raw(next_root_id(), ty, address, timeout_ns, start, data));
        tran.refuse_what_no_slave_sees();
        tran
    }

    /// Fails the new transaction if the bus does not carry such a request.
    fn refuse_what_no_slave_sees(self: &Arc<Self>) {
        if let Err(text) = check_access(self.ty(), self.address(), self.size()) {
            self.error(text);
        }
    }

    /// Makes a new transaction in the memory of a collected one. Returns the buffer where another
    /// reference to the old one exists.
    pub(super) fn renew(
        used: &mut Arc<Self>,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        (timeout_ns, start): (u64, Time),
    ) -> std::result::Result<(), DataBuffer> {
        let Some(tran) = Arc::get_mut(used) else { return Err(buffer) };
        if tran.parent.is_some() || tran.is_inherited() || !tran.state.get_mut().is_plain() {
            let data = DataCell::new(buffer);
            *tran = Self::raw(next_root_id(), ty, address, timeout_ns, start, data);
            used.refuse_what_no_slave_sees();
            return Ok(());
        }
        // The members of a plain root, one by one: cheaper than to drop and rebuild it.
        tran.id = next_root_id();
        tran.type_number = ty.into();
        tran.generation = Generation::current();
        *tran.kept.get_mut() = 0;
        *tran.status.get_mut() = PENDING;
        *tran.flags.get_mut() = 0;
        *tran.address.get_mut() = address;
        tran.timeout_ns = timeout_ns;
        tran.start = start;
        *tran.restarted.get_mut() = 0;
        tran.data.refill(buffer);
        used.refuse_what_no_slave_sees();
        Ok(())
    }

    fn raw(
        id: u32,
        ty: TransactionType,
        address: u64,
        timeout_ns: u64,
        start: Time,
        data: DataCell,
    ) -> Self {
        Transaction {
            id,
            type_number: ty.into(),
            offset: 0,
            index: 0,
            kept: AtomicU16::new(0),
            generation: Generation::current(),
            status: AtomicU8::new(PENDING),
            flags: AtomicU8::new(0),
            address: AtomicU64::new(address),
            timeout_ns,
            start,
            restarted: AtomicU64::new(0),
            parent: None,
            data,
            state: Mutex::new(Completion::default()),
            ended: Condvar::new(),
        }
    }

    /// The transaction's id: unique among the pending ones of its master and of the slave that
    /// keeps it, never 0.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it does. A request with [another](TransactionType::Other) type fails before any slave
    /// sees it.
    #[inline]
    pub fn ty(&self) -> TransactionType {
        self.type_number.into()
    }

    /// Number of bytes.
    pub fn size(&self) -> u32 {
        self.data.len()
    }

    /// Byte address, as adjusted by the hubs so far. All bytes of the transaction lie within the
    /// address space.
    pub fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    /// Moves the transaction by a hub's offset; false where that leads beyond the address space.
    #[inline]
    pub(super) fn add_address(&self, offset: u64) -> bool {
        let moved = self.address().checked_add(offset);
        let Some(address) =
            moved.filter(|&address| check_range(address, self.size().into()).is_ok())
        else {
            return false;
        };
        self.address.store(address, Ordering::Relaxed);
        true
    }

    /// The slave's time, counted from the last sign of life.
    pub fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns)
    }

    /// As [`timeout`](Self::timeout), in nanoseconds.
    pub(crate) fn timeout_ns(&self) -> u64 {
        self.timeout_ns
    }

    /// When the root transaction was created.
    pub fn start(&self) -> Time {
        self.start
    }

    /// The transaction that this one is a part of, through all levels; itself if it is no part.
    pub fn root(&self) -> &Transaction {
        let mut tran = self;
        while let Some(parent) = &tran.parent {
            tran = parent;
        }
        tran
    }

    /// Whether this transaction has ended, successfully or not.
    pub fn is_done(&self) -> bool {
        self.status.load(Ordering::Acquire) != PENDING
    }

    /// Whether the result is no longer wanted: this transaction, or one that it is a part of, has
    /// ended or been given up, or was requested before this process was forked. The data must not be
    /// touched then.
    pub fn expired(&self) -> bool {
        if self.is_inherited() {
            return true;
        }
        let mut tran = self;
        loop {
            if tran.is_done() {
                return true;
            }
            match &tran.parent {
                Some(parent) => tran = parent,
                None => return false,
            }
        }
    }

    /// How the transaction ended; `None` while it is pending.
    #[inline]
    pub fn outcome(&self) -> Option<Result<()>> {
        let status = match self.status.load(Ordering::Acquire) {
            PENDING => return None,
            SUCCEEDED => return Some(Ok(())),
            TIMED_OUT => Status::TransactionTimeout,
            _ => Status::Transaction,
        };
        Some(Err(self.failure(status)))
    }

    #[cold]
    fn failure(&self, status: Status) -> Error {
        let text = match self.state.lock_of(self.generation) {
            Some(state) => state.error().unwrap_or(NO_TEXT).to_owned(),
            None => self.inherited_text(),
        };
        Error::new(status, "memory::Master::waitTransaction", text)
    }

    /// Whether the transaction has ended without an error.
    pub(crate) fn has_succeeded(&self) -> bool {
        self.status.load(Ordering::Acquire) == SUCCEEDED
    }

    /// Notes that a claimant collects the result; the master's table leaves it alone.
    pub(super) fn note_claimed(&self) {
        self.flags.fetch_or(CLAIMED, Ordering::Relaxed);
    }

    /// Whether a claimant [collects](Self::note_claimed) the result.
    pub(super) fn is_claimed(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & CLAIMED != 0
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("id", &self.id)
            .field("type", &self.ty())
            .field("address", &format_args!("{:#x}", self.address()))
            .field("size", &self.size())
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}
