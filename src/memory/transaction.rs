//! One register access on its way: what is asked, where the data lies, and how it ended.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::buffer::{Buffer, DataCell, DataGuard};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};

/// Beginning of the error text of a transaction that nobody completed in time.
pub const TIMEOUT_TEXT: &str = "Timeout waiting for register transaction";
/// What a transaction reports that was failed without a text.
const NO_TEXT: &str = "The slave reported an error without a text";

const PENDING: u8 = 0;
const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;
const TIMED_OUT: u8 = 3;

/// Somebody who keeps a transaction to complete it later: a slave's table of pending requests.
pub trait Holder: Send + Sync {
    /// The requester has given `tran` up: drop it.
    fn forget(&self, tran: &Transaction);

    /// When this holder last saw life that refreshes a transaction started at `start`.
    fn last_activity(&self, start: Time) -> Option<Time>;

    /// Why `tran` may not have been answered, for its timeout text; `None` where there is
    /// nothing more to say than that no answer came.
    fn explain(&self, _tran: &Transaction) -> Option<String> {
        None
    }
}

/// Somebody who is told of the end of a transaction instead of waiting for it.
pub trait Observer: Send + Sync {
    /// `tran` has ended, in whatever way. Runs in the thread that completed it, with no lock of
    /// the bus held; the data lock may be held by the completing slave, so this must not take it.
    fn completed(&self, tran: &Arc<Transaction>);
}

/// Children of a split transaction.
#[derive(Default)]
struct Subs {
    children: Vec<Weak<Transaction>>,
    pending: usize,
    all_created: bool,
    first_error: Option<String>,
}

#[derive(Default)]
struct State {
    error: Option<Box<str>>,
    observer: Option<Arc<dyn Observer>>,
    /// Who keeps this transaction or one of its descendants; set on roots.
    holder: Option<Arc<dyn Holder>>,
    /// Further holders, where descendants went to different slaves.
    more_holders: Vec<Arc<dyn Holder>>,
    subs: Option<Box<Subs>>,
}

/// One register access. Slaves receive it from [`Slave::do_transaction`](super::Slave) and must
/// complete it exactly once, by [`done`](Self::done) or [`error`](Self::error); further
/// completions are ignored. All methods may be called from any thread.
pub struct Transaction {
    id: u32,
    ty: u32,
    size: u32,
    status: AtomicU8,
    warned: AtomicBool,
    address: AtomicU64,
    timeout: Duration,
    start: Time,
    /// When the clock was last restarted by hand (handed over, refreshed); 0 = never.
    restarted: AtomicU64,
    parent: Option<Arc<Transaction>>,
    /// Where this transaction's bytes start in the root's buffer.
    offset: usize,
    data: DataCell,
    state: Mutex<State>,
    ended: Condvar,
}

fn next_id() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    loop {
        // 0 means "all" where an id is asked for, so it is never given out.
        let id = COUNTER.fetch_add(1, Ordering::Relaxed);
        if id != 0 {
            return id;
        }
    }
}

impl Transaction {
    /// A transaction of type `ty` over `buffer`, which starts its clock now.
    pub(super) fn new(address: u64, buffer: Buffer, ty: u32, timeout: Duration) -> Arc<Self> {
        let size = buffer.len() as u32;
        let data = DataCell::new(buffer);
        Arc::new(Self::raw(address, size, ty, timeout, clock::now(), data))
    }

    fn raw(
        address: u64,
        size: u32,
        ty: u32,
        timeout: Duration,
        start: Time,
        data: DataCell,
    ) -> Self {
        Transaction {
            id: next_id(),
            ty,
            size,
            status: AtomicU8::new(PENDING),
            warned: AtomicBool::new(false),
            address: AtomicU64::new(address),
            timeout,
            start,
            restarted: AtomicU64::new(0),
            parent: None,
            offset: 0,
            data,
            state: Mutex::new(State::default()),
            ended: Condvar::new(),
        }
    }

    /// The transaction's id: unique among the pending ones of the process, never 0.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// [`READ`](super::READ), [`WRITE`](super::WRITE), [`POST`](super::POST) or
    /// [`VERIFY`](super::VERIFY); other values are passed on as they are.
    pub fn ty(&self) -> u32 {
        self.ty
    }

    /// Number of bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Byte address, as adjusted by the hubs passed so far.
    pub fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    /// Moves the transaction by a hub's offset, modulo 2^64.
    pub(super) fn add_address(&self, offset: u64) {
        self.address.fetch_add(offset, Ordering::Relaxed);
    }

    /// The time the slave has, from the last sign of life.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When the root transaction was created.
    pub fn start(&self) -> Time {
        self.start
    }

    /// The transaction this one is part of, through all levels; itself if it is not a part.
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

    /// Whether nobody will take a result any more: this transaction or one it is a part of has
    /// ended or been given up. The data must not be touched then.
    pub fn expired(&self) -> bool {
        let mut tran = self;
        loop {
            if tran.is_done() {
                return true;
            }
            match &tran.parent {
                Some(parent) => tran = parent,
                None => return tran.data.start().is_null(),
            }
        }
    }

    /// How the transaction ended; `None` while it is pending.
    pub fn outcome(&self) -> Option<Result<()>> {
        let status = match self.status.load(Ordering::Acquire) {
            PENDING => return None,
            SUCCEEDED => return Some(Ok(())),
            TIMED_OUT => Status::TransactionTimeout,
            _ => Status::Transaction,
        };
        let text = self.state.lock().error.as_deref().unwrap_or(NO_TEXT).to_owned();
        Some(Err(Error::new(status, "memory::Master::waitTransaction", text)))
    }

    /// Locks the transaction's data. `None` once the transaction has been given up or collected.
    /// The lock is the root's: siblings of one split share it, and it is not recursive.
    pub fn data(&self) -> Option<DataGuard<'_>> {
        self.root().data.lock(self.offset, self.size as usize)
    }

    /// The lock and the bytes of this transaction and all its relatives.
    pub(super) fn data_cell(&self) -> &DataCell {
        &self.root().data
    }

    /// Start of this transaction's bytes; null once given up. Valid only under the data lock.
    pub fn data_start(&self) -> *mut u8 {
        let start = self.root().data.start();
        if start.is_null() {
            start
        } else {
            start.wrapping_add(self.offset)
        }
    }

    /// Completes the transaction successfully. Only the first completion counts.
    pub fn done(self: &Arc<Self>) {
        self.complete(SUCCEEDED, None);
    }

    /// Completes the transaction with an error text (one is supplied if it is empty). Only the
    /// first completion counts.
    pub fn error(self: &Arc<Self>, text: impl Into<String>) {
        self.complete(FAILED, Some(text.into()));
    }

    fn complete(self: &Arc<Self>, status: u8, error: Option<String>) -> bool {
        let (observer, holders) = {
            let mut state = self.state.lock();
            if self.status.load(Ordering::Relaxed) != PENDING {
                return false;
            }
            if let Some(text) = &error {
                let text = if text.is_empty() { NO_TEXT } else { text };
                state.error = Some(text.into());
            }
            self.status.store(status, Ordering::Release);
            let holders = (state.holder.take(), std::mem::take(&mut state.more_holders));
            (state.observer.take(), holders)
        };
        self.ended.notify_all();
        // The last reference to a slave may go here: not while a lock is held.
        drop(holders);
        if let Some(parent) = &self.parent {
            parent.child_ended(self.id, error);
        }
        if let Some(observer) = observer {
            observer.completed(self);
        }
        true
    }

    fn child_ended(self: &Arc<Self>, id: u32, error: Option<String>) {
        self.root().restart_clock(clock::now());
        let outcome = {
            let mut state = self.state.lock();
            let Some(subs) = state.subs.as_mut() else { return };
            subs.pending -= 1;
            if let Some(text) = error {
                let text = if text.is_empty() { NO_TEXT } else { &text };
                subs.first_error.get_or_insert_with(|| {
                    format!("Transaction error. Subtransaction {id} failed with error: {text}.\n")
                });
            }
            Self::subs_outcome(subs)
        };
        self.end_by_children(outcome);
    }

    /// `Some` once every child has ended and no more will be made.
    fn subs_outcome(subs: &mut Subs) -> Option<Option<String>> {
        (subs.all_created && subs.pending == 0).then(|| subs.first_error.take())
    }

    fn end_by_children(self: &Arc<Self>, outcome: Option<Option<String>>) {
        match outcome {
            Some(None) => self.done(),
            Some(Some(text)) => self.error(text),
            None => {}
        }
    }

    /// Makes a transaction that is a part of this one: `size` bytes at `offset` of its buffer,
    /// to be sent to `address`. This transaction ends when all its parts have and
    /// [`done_subs`](Self::done_subs) has been called; it fails if one of them failed.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] where the range does not lie within this transaction;
    /// [`Status::InvalidData`] where this transaction has already ended.
    pub fn create_sub(
        self: &Arc<Self>,
        offset: u32,
        size: u32,
        address: u64,
        ty: u32,
    ) -> Result<Arc<Transaction>> {
        let source = "Transaction::createSubTransaction";
        if u64::from(offset) + u64::from(size) > u64::from(self.size) {
            let text = format!(
                "{size} bytes at offset {offset} do not lie within transaction {} of {} bytes",
                self.id, self.size
            );
            return Err(Error::new(Status::InvalidArgument, source, text));
        }
        let mut sub = Self::raw(address, size, ty, self.timeout, self.start, DataCell::none());
        sub.parent = Some(self.clone());
        sub.offset = self.offset + offset as usize;
        let sub = Arc::new(sub);
        let mut state = self.state.lock();
        if self.is_done() {
            drop(state);
            // Nobody waits for it; leaving it pending would be a lie to whoever asks.
            sub.status.store(FAILED, Ordering::Release);
            let text = format!("Transaction {} has already ended", self.id);
            return Err(Error::new(Status::InvalidData, source, text));
        }
        let subs = state.subs.get_or_insert_with(Box::default);
        subs.children.push(Arc::downgrade(&sub));
        subs.pending += 1;
        drop(state);
        Ok(sub)
    }

    /// Says that no more parts will be made; completes this transaction at once where all of
    /// them have ended already.
    pub fn done_subs(self: &Arc<Self>) {
        let outcome = {
            let mut state = self.state.lock();
            let subs = state.subs.get_or_insert_with(Box::default);
            subs.all_created = true;
            Self::subs_outcome(subs)
        };
        self.end_by_children(outcome);
    }

    /// Restarts the clock of this transaction, where `reference` is absent or did not start
    /// later than it: an answer to `reference` proves that the link lives.
    pub fn refresh_timer(&self, reference: Option<&Transaction>) {
        if reference.is_none_or(|reference| self.start >= reference.start) {
            self.root().restart_clock(clock::now());
        }
    }

    fn restart_clock(&self, now: Time) {
        self.restarted.fetch_max(now.0, Ordering::Relaxed);
    }

    /// When this (root) transaction times out, as far as is known now.
    pub fn deadline(&self) -> Time {
        self.deadline_of(&self.state.lock())
    }

    fn deadline_of(&self, state: &State) -> Time {
        let mut from = self.start.max(Time(self.restarted.load(Ordering::Relaxed)));
        for holder in state.holder.iter().chain(&state.more_holders) {
            from = from.max(holder.last_activity(self.start).unwrap_or_default());
        }
        from + self.timeout
    }

    /// Notes that `holder` keeps this transaction, so that it is told when the requester gives
    /// up, and asked for signs of life. A slave with a table of pending requests calls this
    /// after putting the transaction there. Returns false where the transaction has expired.
    pub fn set_holder(&self, holder: &Arc<dyn Holder>) -> bool {
        let root = self.root();
        let mut state = root.state.lock();
        if self.expired() {
            return false;
        }
        match &state.holder {
            None => state.holder = Some(holder.clone()),
            Some(known) if Arc::ptr_eq(known, holder) => {}
            Some(_) => {
                if !state.more_holders.iter().any(|known| Arc::ptr_eq(known, holder)) {
                    state.more_holders.push(holder.clone());
                }
            }
        }
        true
    }

    /// Has `observer` told of the end; at once, if that was before.
    pub fn observe(self: &Arc<Self>, observer: Arc<dyn Observer>) {
        let mut state = self.state.lock();
        if !self.is_done() {
            state.observer = Some(observer);
            return;
        }
        drop(state);
        observer.completed(self);
    }

    /// Waits until the transaction has ended or its deadline has passed; in the second case it
    /// is given up. The caller still has to [`collect`](Self::collect) it.
    pub(super) fn wait(self: &Arc<Self>) {
        let mut state = self.state.lock();
        while !self.is_done() {
            let deadline = self.deadline_of(&state);
            let now = clock::now();
            if now >= deadline {
                drop(state);
                self.time_out();
                return;
            }
            if now.since(self.start) > self.timeout && !self.warned.swap(true, Ordering::Relaxed) {
                super::master::warn_slow_link(self);
            }
            match clock::instant(deadline) {
                Some(instant) => {
                    self.ended.wait_until(&mut state, instant);
                }
                None => self.ended.wait(&mut state),
            }
        }
    }

    /// Gives the transaction up because its time has passed, saying why as far as its holders
    /// know.
    pub fn time_out(self: &Arc<Self>) {
        let holders = self.holders();
        let mut text = format!("{TIMEOUT_TEXT} {} message response.", self.id);
        for why in holders.iter().filter_map(|holder| holder.explain(self)) {
            text.push(' ');
            text.push_str(&why);
        }
        self.end_early(TIMED_OUT, text, holders);
    }

    /// Gives the transaction up: it ends with `text` unless it has ended already, its buffer
    /// goes back to the requester, and whoever keeps it drops it.
    pub fn give_up(self: &Arc<Self>, text: impl Into<String>) {
        let holders = self.holders();
        self.end_early(FAILED, text.into(), holders);
    }

    fn holders(&self) -> Vec<Arc<dyn Holder>> {
        let state = self.state.lock();
        state.holder.iter().chain(&state.more_holders).cloned().collect()
    }

    fn end_early(self: &Arc<Self>, status: u8, text: String, holders: Vec<Arc<dyn Holder>>) {
        // Under the data lock: a slave that is copying finishes first, and what it then reports
        // still counts. The buffer itself stays for `collect`.
        let ended = self.data.locked(|| self.complete(status, Some(text)));
        if ended {
            self.forget_by(&holders);
        }
    }

    fn forget_by(&self, holders: &[Arc<dyn Holder>]) {
        for holder in holders {
            holder.forget(self);
        }
        let children = match &self.state.lock().subs {
            Some(subs) => subs.children.clone(),
            None => return,
        };
        for child in children.iter().filter_map(Weak::upgrade) {
            child.forget_by(holders);
        }
    }

    /// Takes the buffer back and says how the transaction ended; `None` the second time. From
    /// here on no slave can touch the buffer.
    ///
    /// # Panics
    ///
    /// If the transaction is still pending: give it up first.
    pub fn collect(&self) -> Option<(Result<()>, Buffer)> {
        let outcome = self.outcome().expect("only an ended transaction is collected");
        self.data.take().map(|buffer| (outcome, buffer))
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("id", &self.id)
            .field("type", &self.ty)
            .field("address", &format_args!("{:#x}", self.address()))
            .field("size", &self.size)
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}
