//! One register access on its way: what is asked, where the data lies, and how it ended.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::buffer::{Buffer, DataCell, DataGuard};
use super::holders::{Holder, Holders};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Beginning of the error text of a transaction that nobody completed in time.
pub const TIMEOUT_TEXT: &str = "Timeout waiting for register transaction";
/// What a transaction reports that was failed without a text.
const NO_TEXT: &str = "The slave reported an error without a text";

/// Parts of a split transaction that are looked at for the reason of its timeout.
const EXPLAINED_PARTS_COUNT_MAX: usize = 16;

const PENDING: u8 = 0;
const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;
const TIMED_OUT: u8 = 3;

/// It has been said that the link is slow.
const WARNED: u8 = 1;
/// Somebody waits for the transaction with the help of its holder.
const ATTENDED: u8 = 2;
/// Somebody is told of the end, and its holders know.
const TOLD: u8 = 4;

/// Somebody who is told of the end of a transaction instead of waiting for it.
pub trait Observer: Send + Sync {
    /// `tran` has ended, in whatever way. Runs in the thread that completed it, with no lock of
    /// the bus held; the data lock may be held by the completing slave, so this must not take it.
    /// That may be a thread that waits for something else of the same slave, with locks of its own
    /// held; and as long as this has not returned the slave may have nobody to bring it other
    /// answers, so that waiting for one here ends by its timeout.
    fn completed(&self, tran: &Arc<Transaction>);
}

/// Parts of a split transaction.
#[derive(Default)]
struct Subs {
    /// By their order of creation; one that has ended leaves an empty reference.
    children: Vec<Weak<Transaction>>,
    pending: u32,
    all_created: bool,
    first_error: Option<String>,
}

/// What most transactions do without.
#[derive(Default)]
struct Rare {
    error: Option<Box<str>>,
    subs: Option<Subs>,
}

#[derive(Default)]
struct State {
    observer: Option<Arc<dyn Observer>>,
    /// Who keeps this transaction; of a root, also who keeps parts of it.
    holders: Holders,
    rare: Option<Box<Rare>>,
}

impl State {
    /// Whether there is nobody to tell of the end, and it is as new.
    fn is_plain(&self) -> bool {
        let State { observer, holders, rare } = self;
        observer.is_none() && holders.is_empty() && rare.is_none()
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    fn error(&self) -> Option<&str> {
        self.rare.as_ref()?.error.as_deref()
    }

    /// The parts, if there are any, until all is over.
    fn subs(&mut self) -> Option<&mut Subs> {
        self.rare.as_mut()?.subs.as_mut()
    }
}

/// What a transaction leaves to be dealt with, once it has ended and no lock is held any more.
struct Ended {
    observer: Option<Arc<dyn Observer>>,
    holders: Holders,
    flags: u8,
    subs: Option<Subs>,
}

/// One register access. Slaves receive it from [`Slave::do_transaction`](super::Slave) and must
/// complete it exactly once, by [`done`](Self::done) or [`error`](Self::error); further
/// completions are ignored. All methods may be called from any thread.
pub struct Transaction {
    id: u32,
    ty: u32,
    size: u32,
    /// Where this transaction's bytes start in the root's buffer.
    offset: u32,
    /// Place among its parent's children.
    index: u32,
    /// How many tables of pending transactions it is in.
    kept: AtomicU16,
    status: AtomicU8,
    /// [`WARNED`], and under the state's lock [`ATTENDED`] and [`TOLD`].
    flags: AtomicU8,
    address: AtomicU64,
    timeout_ns: u64,
    start: Time,
    /// When the clock was last restarted by hand (handed over, refreshed); 0 = never.
    restarted: AtomicU64,
    parent: Option<Arc<Transaction>>,
    data: DataCell,
    state: Mutex<State>,
    ended: Condvar,
}

/// An id for a transaction a requester will see: they count up, from 1.
fn next_id() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    // 0 means "all" where an id is asked for, so it is never given out.
    std::iter::repeat_with(|| COUNTER.fetch_add(1, Ordering::Relaxed))
        .find(|&id| id != 0)
        .expect("an endless iterator")
}

/// An id for a part of a transaction: they count down, so that splitting leaves no gaps in the
/// ids that requesters see. Parts and whole transactions meet in slaves' tables, which check.
fn next_sub_id() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(u32::MAX);
    std::iter::repeat_with(|| COUNTER.fetch_sub(1, Ordering::Relaxed))
        .find(|&id| id != 0)
        .expect("an endless iterator")
}

impl Transaction {
    /// A transaction of type `ty` over `buffer`, which starts its clock now. The buffer is below
    /// 4 GiB.
    pub(super) fn new(address: u64, buffer: Buffer, ty: u32, timeout: Duration) -> Arc<Self> {
        let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        Self::new_at(address, buffer, ty, (timeout_ns, clock::now()))
    }

    /// As [`new`](Self::new), with the time the slave has in nanoseconds and the start of its
    /// clock.
    pub(super) fn new_at(
        address: u64,
        buffer: Buffer,
        ty: u32,
        (timeout_ns, start): (u64, Time),
    ) -> Arc<Self> {
        let size = buffer.len() as u32;
        let data = DataCell::new(buffer);
        Arc::new(Self::raw(next_id(), ty, address, size, timeout_ns, start, data))
    }

    /// Makes a new transaction out of one that has been collected. Gives the buffer back where
    /// somebody else still refers to the old one.
    pub(super) fn renew(
        used: &mut Arc<Self>,
        address: u64,
        buffer: Buffer,
        ty: u32,
        (timeout_ns, start): (u64, Time),
    ) -> std::result::Result<(), Buffer> {
        let Some(tran) = Arc::get_mut(used) else { return Err(buffer) };
        let size = buffer.len() as u32;
        if tran.parent.is_some() || !tran.state.get_mut().is_plain() {
            let data = DataCell::new(buffer);
            *tran = Self::raw(next_id(), ty, address, size, timeout_ns, start, data);
            return Ok(());
        }
        // What a root with a plain state has, field by field: that is less than to drop and build
        // the whole.
        tran.id = next_id();
        tran.ty = ty;
        tran.size = size;
        *tran.kept.get_mut() = 0;
        *tran.status.get_mut() = PENDING;
        *tran.flags.get_mut() = 0;
        *tran.address.get_mut() = address;
        tran.timeout_ns = timeout_ns;
        tran.start = start;
        *tran.restarted.get_mut() = 0;
        tran.data.refill(buffer);
        Ok(())
    }

    fn raw(
        id: u32,
        ty: u32,
        address: u64,
        size: u32,
        timeout_ns: u64,
        start: Time,
        data: DataCell,
    ) -> Self {
        Transaction {
            id,
            ty,
            size,
            offset: 0,
            index: 0,
            kept: AtomicU16::new(0),
            status: AtomicU8::new(PENDING),
            flags: AtomicU8::new(0),
            address: AtomicU64::new(address),
            timeout_ns,
            start,
            restarted: AtomicU64::new(0),
            parent: None,
            data,
            state: Mutex::new(State::default()),
            ended: Condvar::new(),
        }
    }

    /// The transaction's id: unique among the pending ones of its master and of the slave that
    /// keeps it, never 0.
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
        Duration::from_nanos(self.timeout_ns)
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
        let text = self.state.lock().error().unwrap_or(NO_TEXT).to_owned();
        Error::new(status, "memory::Master::waitTransaction", text)
    }

    /// Whether the transaction has ended without an error.
    pub(super) fn has_succeeded(&self) -> bool {
        self.status.load(Ordering::Acquire) == SUCCEEDED
    }

    /// Locks the transaction's data. `None` once the transaction has [expired](Self::expired):
    /// ended, been given up or collected. The lock is the root's: parts of one transaction share
    /// it, and it is not recursive.
    pub fn data(&self) -> Option<DataGuard<'_>> {
        let guard = self.data_cell().lock(self.offset as usize, self.size as usize)?;
        // Under the lock, so that what is given up afterwards waits for this guard.
        (!self.expired()).then_some(guard)
    }

    /// Locks the data as [`data`](Self::data) does, unless somebody holds it until `limit`, which
    /// is `None`.
    pub fn data_by(&self, limit: Time) -> Option<Option<DataGuard<'_>>> {
        let guard = self.data_cell().lock_by(limit, self.offset as usize, self.size as usize)?;
        // As in `data`.
        Some(guard.filter(|_| !self.expired()))
    }

    /// Locks the data as [`data`](Self::data) does, but also where the transaction has expired and
    /// its buffer has not been collected: for a holder that has begun to send it. The bytes are
    /// only to be read.
    pub(crate) fn data_until_collected(&self) -> Option<DataGuard<'_>> {
        self.data_cell().lock(self.offset as usize, self.size as usize)
    }

    /// As [`data_until_collected`](Self::data_until_collected), but `None` also where somebody
    /// holds the lock.
    pub(crate) fn try_data_until_collected(&self) -> Option<DataGuard<'_>> {
        self.data_cell().try_lock(self.offset as usize, self.size as usize)
    }

    /// The lock and the bytes of this transaction and all its relatives.
    pub(super) fn data_cell(&self) -> &DataCell {
        &self.root().data
    }

    /// Start of this transaction's bytes; null once collected. Valid only under the data lock.
    pub fn data_start(&self) -> *mut u8 {
        let start = self.data_cell().start();
        if start.is_null() {
            start
        } else {
            start.wrapping_add(self.offset as usize)
        }
    }

    /// Completes the transaction successfully. Only the first completion counts.
    pub fn done(self: &Arc<Self>) {
        let state = self.state.lock();
        if self.is_done() {
            return;
        }
        if self.parent.is_some() || !state.is_plain() {
            let ended = self.end_locked(state, SUCCEEDED);
            return self.announce(ended, None, false);
        }
        // Nobody is to be told but those who wait for it, as where a slave completes it at once.
        self.status.store(SUCCEEDED, Ordering::Release);
        drop(state);
        self.ended.notify_all();
    }

    /// Completes the transaction with an error text (one is supplied if it is empty). Only the
    /// first completion counts.
    pub fn error(self: &Arc<Self>, text: impl Into<String>) {
        let text = text.into();
        if let Some(ended) = self.end(FAILED, Some(&text)) {
            self.announce(ended, Some(&text), false);
        }
    }

    /// Ends the transaction unless it has ended; the caller then [announces](Self::announce) it.
    fn end(&self, status: u8, error: Option<&str>) -> Option<Ended> {
        let mut state = self.state.lock();
        if self.is_done() {
            return None;
        }
        if let Some(text) = error {
            let text = if text.is_empty() { NO_TEXT } else { text };
            state.rare().error = Some(text.into());
        }
        Some(self.end_locked(state, status))
    }

    /// Ends the transaction, which has not ended.
    fn end_locked(&self, mut state: MutexGuard<'_, State>, status: u8) -> Ended {
        self.status.store(status, Ordering::Release);
        Ended {
            observer: state.observer.take(),
            holders: std::mem::take(&mut state.holders),
            flags: self.flags.load(Ordering::Relaxed),
            subs: state.rare.as_mut().and_then(|rare| rare.subs.take()),
        }
    }

    /// Tells everybody that this transaction has ended: those who wait for it, those who keep it
    /// or parts of it, the one it is a part of, and its observer. No lock of the bus is held.
    fn announce(self: &Arc<Self>, ended: Ended, error: Option<&str>, given_up: bool) {
        let Ended { observer, holders, flags, subs } = ended;
        if flags & ATTENDED != 0 {
            holders.iter().for_each(|holder| holder.interrupt());
        }
        if flags & TOLD != 0 {
            holders.iter().for_each(|holder| holder.relieved());
        }
        self.ended.notify_all();
        if given_up || self.kept.load(Ordering::Acquire) > 0 {
            holders.iter().for_each(|holder| holder.forget(self));
        }
        if let Some(subs) = subs.filter(|subs| subs.pending > 0) {
            forget_all(&subs.children);
        }
        // The last reference to a slave's table may go here.
        drop(holders);
        if let Some(parent) = &self.parent {
            parent.child_ended(self, error);
        }
        if let Some(observer) = observer {
            observer.completed(self);
        }
    }

    fn child_ended(self: &Arc<Self>, child: &Transaction, error: Option<&str>) {
        self.restart_clock(clock::now());
        let outcome = {
            let mut state = self.state.lock();
            // Without parts to wait for, this transaction has ended before.
            let Some(subs) = state.subs() else { return };
            subs.pending -= 1;
            // So that its memory is free while its siblings are still out.
            subs.children[child.index as usize] = Weak::new();
            if let Some(text) = error {
                let text = if text.is_empty() { NO_TEXT } else { text };
                subs.first_error.get_or_insert_with(|| {
                    let id = child.id;
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
    /// Who makes parts completes this transaction through them only. Completing it directly
    /// expires the parts that are still out.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] where the range does not lie within this transaction;
    /// [`Status::InvalidData`] where this transaction has already ended or expired.
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
        let mut state = self.state.lock();
        if self.expired() {
            let text = format!("Transaction {} has already ended", self.id);
            return Err(Error::new(Status::InvalidData, source, text));
        }
        let subs = state.rare().subs.get_or_insert_with(Subs::default);
        let (id, start, data) = (next_sub_id(), self.start, DataCell::none());
        let mut sub = Self::raw(id, ty, address, size, self.timeout_ns, start, data);
        sub.parent = Some(self.clone());
        // Both fit: the sum is no more than the size of the root.
        sub.offset = self.offset + offset;
        sub.index = subs.children.len() as u32;
        let sub = Arc::new(sub);
        subs.children.push(Arc::downgrade(&sub));
        subs.pending += 1;
        Ok(sub)
    }

    /// Says that no more parts will be made; completes this transaction at once where all of
    /// them have ended already, or where there are none.
    pub fn done_subs(self: &Arc<Self>) {
        let outcome = {
            let mut state = self.state.lock();
            if self.is_done() {
                return;
            }
            let subs = state.rare().subs.get_or_insert_with(Subs::default);
            subs.all_created = true;
            Self::subs_outcome(subs)
        };
        self.end_by_children(outcome);
    }

    /// Restarts the clock of this transaction, where `reference` is absent or did not start
    /// later than it: an answer to `reference` proves that the link lives.
    pub fn refresh_timer(&self, reference: Option<&Transaction>) {
        if reference.is_none_or(|reference| self.start >= reference.start) {
            self.restart_clock(clock::now());
        }
    }

    /// Restarts the clock of this transaction's root because of a sign of life at `now`.
    pub(super) fn restart_clock(&self, now: Time) {
        self.root().restarted.fetch_max(now.0, Ordering::Relaxed);
    }

    /// When this transaction's root times out, as far as is known now. It may move to later.
    pub fn deadline(&self) -> Time {
        let root = self.root();
        // Holders have locks of their own: they are asked while none of ours is held.
        let holders = root.holders();
        let signs = holders.iter().filter_map(|holder| holder.last_activity(root.start));
        let latest = signs.max().map(|sign| sign + root.timeout());
        root.own_deadline().max(latest.unwrap_or_default())
    }

    /// When this transaction's root times out, if its holders have seen no sign of life.
    fn own_deadline(&self) -> Time {
        let root = self.root();
        root.start.max(Time(root.restarted.load(Ordering::Relaxed))) + root.timeout()
    }

    fn holders(&self) -> Holders {
        self.state.lock().holders.clone()
    }

    /// Whether somebody is told of the end, and its holders know.
    #[cfg(test)]
    pub(crate) fn is_told(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & TOLD != 0
    }

    /// Notes that `holder` keeps this transaction, so that it is told when the requester gives
    /// up, and asked for signs of life. A slave with a table of pending requests calls this
    /// after putting the transaction there. Returns false where the transaction has expired:
    /// then it must be taken out of the table again.
    pub fn set_holder(&self, holder: Arc<dyn Holder>) -> bool {
        let state = self.state.lock();
        // Who ends an ancestor looks at this list, under its lock, after the end: either it finds
        // the holder there, or the end is seen here.
        if self.expired() {
            return false;
        }
        if self.parent.is_none() {
            self.add_holder(state, holder);
            return true;
        }
        self.add_holder(state, holder.clone());
        let root = self.root();
        let state = root.state.lock();
        if !root.is_done() {
            root.add_holder(state, holder);
        }
        true
    }

    fn add_holder(&self, mut state: MutexGuard<'_, State>, holder: Arc<dyn Holder>) {
        let is_told = self.flags.load(Ordering::Relaxed) & TOLD != 0;
        let told = is_told.then(|| holder.clone());
        let is_new = state.holders.add(holder);
        drop(state);
        if let (Some(holder), true) = (told, is_new) {
            holder.unattended();
        }
    }

    /// Tells those who keep this transaction, and those who will, that nobody brings about its
    /// end by looking for it. It has not ended.
    fn leave_to_holders(&self, state: MutexGuard<'_, State>) {
        let is_news = self.flags.fetch_or(TOLD, Ordering::Relaxed) & TOLD == 0;
        let holders = if is_news { state.holders.clone() } else { Holders::default() };
        drop(state);
        holders.iter().for_each(|holder| holder.unattended());
    }

    /// Counts a table of the bus that keeps this transaction, in case it is completed past it.
    pub(super) fn note_kept(&self) {
        self.kept.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes back one [`note_kept`](Self::note_kept).
    pub(super) fn note_released(&self) {
        self.kept.fetch_sub(1, Ordering::AcqRel);
    }

    /// Has `observer` told of the end, in place of the one named before; at once, in this thread,
    /// if the end was before.
    pub fn observe(self: &Arc<Self>, observer: Arc<dyn Observer>) {
        let mut state = self.state.lock();
        if !self.is_done() {
            state.observer = Some(observer);
            return self.leave_to_holders(state);
        }
        drop(state);
        observer.completed(self);
    }

    /// Waits until the transaction has ended or its deadline has passed; in the second case it
    /// is given up. The caller still has to [`collect`](Self::collect) it.
    pub(super) fn wait(self: &Arc<Self>) {
        self.wait_until(Time(u64::MAX));
    }

    /// Waits as [`wait`](Self::wait) does, but no longer than until `limit`, when the transaction
    /// stays as it is.
    pub(super) fn wait_until(self: &Arc<Self>, limit: Time) {
        if self.is_done() {
            return;
        }
        let holders = self.holders();
        match holders.only() {
            Some(holder) => self.attend(&**holder, limit),
            None => holders.iter().for_each(|holder| holder.urge()),
        }
        drop(holders);
        while !self.is_done() {
            let deadline = self.deadline();
            let now = clock::now();
            if now >= deadline {
                let text = self.timeout_text();
                self.end_early_by(TIMED_OUT, &text, limit);
                return;
            }
            if now >= limit {
                // It goes on while nobody looks for its end.
                let state = self.state.lock();
                if !self.is_done() {
                    self.leave_to_holders(state);
                }
                return;
            }
            self.warn_if_slow(now);
            let mut state = self.state.lock();
            // The end is written under this lock, so it cannot slip in before the wait.
            if self.is_done() {
                return;
            }
            if self.flags.load(Ordering::Relaxed) & TOLD == 0 {
                self.leave_to_holders(state);
                continue;
            }
            match clock::instant(deadline.min(limit)) {
                Some(instant) => drop(self.ended.wait_until(&mut state, instant)),
                None => self.ended.wait(&mut state),
            }
        }
    }

    /// Waits with the help of `holder`, for as long as it helps, and no longer than until `limit`.
    fn attend(self: &Arc<Self>, holder: &dyn Holder, limit: Time) {
        let mut until = self.own_deadline().min(limit);
        loop {
            let state = self.state.lock();
            // Seen by whoever ends it, or the end is seen here.
            self.flags.fetch_or(ATTENDED, Ordering::Relaxed);
            drop(state);
            if self.is_done() || !holder.attend(self, until) || self.is_done() {
                return;
            }
            // Answers to others may have given it more time, which the holder knows.
            until = self.deadline().min(limit);
            let now = clock::now();
            if now >= until {
                return;
            }
            self.warn_if_slow(now);
        }
    }

    fn warn_if_slow(self: &Arc<Self>, now: Time) {
        let is_slow = now.since(self.start) > self.timeout();
        if is_slow && self.flags.fetch_or(WARNED, Ordering::Relaxed) & WARNED == 0 {
            super::master::warn_slow_link(self);
        }
    }

    /// Gives the transaction up because its time has passed, saying why as far as its holders
    /// know.
    ///
    /// Waits for the data lock, so it must not be called by who holds it.
    pub fn time_out(self: &Arc<Self>) {
        self.end_early(TIMED_OUT, &self.timeout_text());
    }

    /// Gives the transaction up as [`time_out`](Self::time_out) does, unless somebody holds the
    /// data lock.
    pub(super) fn try_time_out(self: &Arc<Self>) {
        let text = self.timeout_text();
        let ended = self.data_cell().try_locked(|| self.end(TIMED_OUT, Some(&text)));
        if let Some(ended) = ended.flatten() {
            self.announce(ended, Some(&text), true);
        }
    }

    /// Waits as [`wait_until`](Self::wait_until) does, and then for whoever still holds the data
    /// lock; whether it has ended by `limit` and the lock was free then, so that it can be
    /// [collected](Self::collect) without much waiting.
    pub(super) fn is_settled_by(self: &Arc<Self>, limit: Time) -> bool {
        self.wait_until(limit);
        self.is_done() && self.data_cell().locked_by(limit, || ()).is_some()
    }

    fn timeout_text(&self) -> String {
        let text = format!("{TIMEOUT_TEXT} {} message response.", self.id);
        let reason = self.explanations().or_else(|| {
            // Of a split one it is the parts that are kept; they mostly have the same reason.
            let children = self.state.lock().subs().map(|subs| subs.children.clone())?;
            let pending = children.iter().filter_map(Weak::upgrade).filter(|part| !part.is_done());
            pending.take(EXPLAINED_PARTS_COUNT_MAX).find_map(|part| part.explanations())
        });
        text + &reason.unwrap_or_default()
    }

    /// What its holders say about why this transaction is unanswered, each after a space.
    fn explanations(&self) -> Option<String> {
        let holders = self.holders();
        let reasons = holders.iter().filter_map(|holder| holder.explain(self));
        reasons.map(|reason| format!(" {reason}")).reduce(|all, one| all + &one)
    }

    /// Gives the transaction up: it ends with `text` unless it has ended already, and whoever
    /// keeps it drops it. Its buffer stays until it is [collected](Self::collect).
    ///
    /// Waits for the data lock, so it must not be called by who holds it.
    pub fn give_up(self: &Arc<Self>, text: impl Into<String>) {
        self.end_early(FAILED, &text.into());
    }

    /// Gives the transaction up as [`give_up`](Self::give_up) does and takes its buffer from under
    /// it, unless somebody holds the data lock until `limit`; whether it did.
    pub(super) fn give_up_by(self: &Arc<Self>, text: &str, limit: Time) -> bool {
        self.end_early_by(FAILED, text, limit);
        self.is_done() && self.data_cell().take_by(limit)
    }

    fn end_early(self: &Arc<Self>, status: u8, text: &str) {
        self.end_early_by(status, text, Time(u64::MAX));
    }

    /// Ends it unless somebody holds the data lock until `limit`.
    fn end_early_by(self: &Arc<Self>, status: u8, text: &str, limit: Time) {
        // Under the data lock: a slave that is copying finishes first, and what it then reports
        // still counts.
        let ended = self.data_cell().locked_by(limit, || self.end(status, Some(text)));
        if let Some(ended) = ended.flatten() {
            self.announce(ended, Some(text), true);
        }
    }

    /// Takes the buffer back and says how the transaction ended; `None` the second time. From
    /// here on no slave can touch the buffer.
    ///
    /// Waits for the data lock, so it must not be called by who holds it.
    ///
    /// # Panics
    ///
    /// If the transaction is still pending: give it up first.
    pub fn collect(&self) -> Option<(Result<()>, Buffer)> {
        let outcome = self.outcome().expect("only an ended transaction is collected");
        self.data.take().map(|buffer| (outcome, buffer))
    }

    /// Collects as [`collect`](Self::collect) does, without a lock where nobody else refers to the
    /// transaction any more; says whether that was so, and it may be renewed.
    pub(super) fn collect_last(used: &mut Arc<Self>) -> (Option<(Result<()>, Buffer)>, bool) {
        match Arc::get_mut(used) {
            Some(tran) => {
                let outcome = tran.outcome().expect("only an ended transaction is collected");
                (tran.data.take_unshared().map(|buffer| (outcome, buffer)), true)
            }
            None => (used.collect(), false),
        }
    }

    /// Takes the buffer of a transaction that has succeeded and that nobody else refers to; `None`
    /// for any other.
    #[inline]
    pub(super) fn collect_last_success(used: &mut Arc<Self>) -> Option<Buffer> {
        let tran = Arc::get_mut(used)?;
        if *tran.status.get_mut() != SUCCEEDED {
            return None;
        }
        tran.data.take_unshared()
    }

    /// Collects an ended transaction as [`collect`](Self::collect) does, unless a slave holds the
    /// data lock or it has not ended.
    pub(super) fn try_collect(&self) -> Option<(Result<()>, Option<Buffer>)> {
        if !self.is_done() {
            return None;
        }
        let buffer = self.data.try_take()?;
        Some((self.outcome()?, buffer))
    }

    /// Drops the buffer of an ended transaction that nobody will ask for, unless a slave holds
    /// the data lock; returns whether it is gone.
    pub(super) fn try_discard(&self) -> bool {
        self.is_done() && self.data.try_discard().is_some()
    }
}

/// Has those of `orphans`, and of their parts, that are still pending dropped by who keeps them.
fn forget_all(orphans: &[Weak<Transaction>]) {
    for orphan in orphans.iter().filter_map(Weak::upgrade) {
        let (holders, is_told, parts) = {
            let mut state = orphan.state.lock();
            let parts = state.subs().map(|subs| subs.children.clone());
            let is_told = orphan.flags.load(Ordering::Relaxed) & TOLD != 0;
            (std::mem::take(&mut state.holders), is_told, parts)
        };
        // Those of one that has ended were its own to tell.
        for holder in holders.iter() {
            holder.forget(&orphan);
            if is_told {
                holder.relieved();
            }
        }
        forget_all(&parts.unwrap_or_default());
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

#[cfg(test)]
mod tests;
