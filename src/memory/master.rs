//! The upstream end of the bus: makes transactions, waits for them, keeps their errors.

use std::collections::hash_map::Entry;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::buffer::Buffer;
use super::ids::IdMap;
use super::pool::{Path, TransactionPool};
use super::slave::{Slave, Unconnected};
use super::split;
use super::transaction::Transaction;
use super::{POST, READ, VERIFY, WRITE};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::logging::{log_warning, static_logger};
use crate::sync::Mutex;

/// The time a slave has to complete a transaction unless told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// Posted writes that nobody has waited for, looked after at each request: more than one, so that
/// their number goes down even if each request is one.
const POSTS_TENDED_COUNT: usize = 2;
/// Failed posted writes kept for somebody to wait for them.
pub const FAILED_POSTS_COUNT_MAX: usize = 1024;
const SOURCE: &str = "memory::Master::reqTransaction";

static_logger!(TRANSACTION_LOG, "memory.Transaction");

/// Makes transactions and waits for them. All methods may be called from any thread; any number
/// of transactions may be outstanding. Dropping a master gives up all that are pending, waiting
/// for slaves that are copying their data: it must not be dropped by who holds a data lock of one.
pub struct Master {
    /// Counts the connections, from 1; written under the lock of the table.
    slave_version: AtomicU64,
    timeout_us: AtomicU64,
    table: Mutex<Table>,
    error: Mutex<String>,
}

struct Table {
    slave: Arc<dyn Slave>,
    transactions: IdMap<Arc<Transaction>>,
    /// Transactions that have been collected, to be used again: requesting allocates nothing
    /// once there are as many as are outstanding together.
    spare: TransactionPool,
    /// Posted writes, looked after a few at a time because nobody need ever wait for them.
    posts: VecDeque<u32>,
    /// Those that were found to have failed, oldest first. They stay until waited for, or until
    /// there are too many.
    failed_posts: VecDeque<u32>,
}

impl Table {
    /// The next posted write to look after, if it is still there.
    fn next_post(&mut self) -> Option<Arc<Transaction>> {
        let id = self.posts.pop_front()?;
        self.transactions.get(&id).cloned()
    }

    /// Removes `tran`, and not a later one with its id.
    fn remove(&mut self, tran: &Arc<Transaction>) -> Option<Arc<Transaction>> {
        let known = self.transactions.get(&tran.id())?;
        if !Arc::ptr_eq(known, tran) {
            return None;
        }
        self.transactions.remove(&tran.id())
    }
}

/// What is there under an id.
enum Found {
    Nothing,
    /// And collected.
    Ended(Result<()>, Option<Buffer>),
    /// Or ended, while a slave still holds the data lock.
    Pending(Arc<Transaction>),
}

/// Ends a request unless it is forgotten: that of a slave which panics, because the buffer may be
/// gone once the panic has passed on.
struct EndOnPanic<'a> {
    master: &'a Master,
    tran: &'a Arc<Transaction>,
}

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        self.tran.give_up("The slave panicked when it was handed the transaction");
        self.tran.collect();
        self.master.table.lock().remove(self.tran);
    }
}

impl Default for Master {
    fn default() -> Self {
        Self::new()
    }
}

impl Master {
    /// A master that is not connected yet: every request fails at once, saying so.
    pub fn new() -> Master {
        Master {
            slave_version: AtomicU64::new(1),
            timeout_us: AtomicU64::new(DEFAULT_TIMEOUT.as_micros() as u64),
            table: Mutex::new(Table {
                slave: Unconnected::placeholder(),
                transactions: IdMap::default(),
                spare: TransactionPool::default(),
                posts: VecDeque::new(),
                failed_posts: VecDeque::new(),
            }),
            error: Mutex::default(),
        }
    }

    /// Connects the master to `slave`, in place of what it was connected to.
    pub fn set_slave(&self, slave: Arc<dyn Slave>) {
        let mut table = self.table.lock();
        let old = std::mem::replace(&mut table.slave, slave);
        self.slave_version.fetch_add(1, Ordering::Release);
        drop(table);
        // Its destruction may run foreign code: not under the lock.
        drop(old);
    }

    /// What the master is connected to.
    pub fn slave(&self) -> Arc<dyn Slave> {
        self.table.lock().slave.clone()
    }

    /// Id of the slave at the end of the path.
    pub fn req_slave_id(&self) -> u32 {
        self.slave().slave_id()
    }

    /// Name of the slave at the end of the path.
    pub fn req_slave_name(&self) -> String {
        self.slave().slave_name()
    }

    /// Smallest access in bytes.
    pub fn req_min_access(&self) -> u32 {
        self.slave().min_access()
    }

    /// Largest access in bytes.
    pub fn req_max_access(&self) -> u32 {
        self.slave().max_access()
    }

    /// Address of this master's view, as seen from the end of the path.
    pub fn req_address(&self) -> u64 {
        self.slave().address()
    }

    /// Text of the last error a wait has met; empty if none since the last
    /// [`clear_error`](Self::clear_error). Shared by all threads that use this master: take the
    /// result of [`wait`](Self::wait) where that matters.
    pub fn last_error(&self) -> String {
        self.error.lock().clone()
    }

    /// Forgets the last error.
    pub fn clear_error(&self) {
        self.error.lock().clear();
    }

    /// Time, in microseconds, that later transactions get from their last sign of life; 0 leaves
    /// it as it is.
    pub fn set_timeout(&self, microseconds: u64) {
        if microseconds != 0 {
            self.timeout_us.store(microseconds, Ordering::Relaxed);
        }
    }

    fn timeout_ns(&self) -> u64 {
        self.timeout_us.load(Ordering::Relaxed).saturating_mul(1000)
    }

    /// The time transactions get.
    pub fn timeout(&self) -> Duration {
        Duration::from_micros(self.timeout_us.load(Ordering::Relaxed))
    }

    /// Starts a transaction of `ty` over `buffer` at `address` and returns its id, to be waited
    /// for. The slave may be called in this thread.
    ///
    /// A posted write need not be waited for: it is dropped some time after it has succeeded, and
    /// of those that fail the latest [`FAILED_POSTS_COUNT_MAX`] are kept to be waited for; an
    /// older one leaves its error with the master, as if it had been.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a buffer above 4 GiB - 1, the most one transaction can ask.
    ///
    /// # Panics
    ///
    /// If the slave does; the transaction has then been given up.
    pub fn request(&self, address: u64, buffer: Buffer, ty: u32) -> Result<u32> {
        Ok(self.make_request(address, buffer, ty)?.id())
    }

    /// Starts a transaction as [`request`](Self::request) does, and collects it if it has succeeded
    /// by then, as it mostly has with a slave that answers in this thread: its id, and whether
    /// there is nothing left to wait for. A wait for it does no harm then.
    ///
    /// # Errors
    ///
    /// As `request`.
    ///
    /// # Panics
    ///
    /// As `request`.
    pub fn start(&self, address: u64, buffer: Buffer, ty: u32) -> Result<(u32, bool)> {
        let tran = self.make_request(address, buffer, ty)?;
        let id = tran.id();
        if !tran.has_succeeded() {
            return Ok((id, false));
        }
        let mut table = self.table.lock();
        // A slave that still looks at the data keeps it until it is waited for.
        let is_collected = tran.try_collect().is_some();
        if is_collected {
            let known = table.remove(&tran);
            drop(tran);
            known.into_iter().for_each(|known| table.spare.keep(known));
        }
        Ok((id, is_collected))
    }

    fn make_request(&self, address: u64, buffer: Buffer, ty: u32) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        let times = (self.timeout_ns(), clock::now());
        let (tran, slave, posts) = {
            let mut table = self.table.lock();
            let mut tran = table.spare.make(address, buffer, ty, times);
            loop {
                match table.transactions.entry(tran.id()) {
                    Entry::Vacant(place) => {
                        place.insert(tran.clone());
                        break;
                    }
                    // After four billion transactions ids repeat: skip those still pending here.
                    Entry::Occupied(_) => tran = self.with_another_id(&tran),
                }
            }
            let posts = std::array::from_fn(|_| table.next_post());
            if ty == POST {
                table.posts.push_back(tran.id());
            }
            (tran, table.slave.clone(), posts)
        };
        self.tend_posts(posts, tran.start());
        let end_on_panic = EndOnPanic { master: self, tran: &tran };
        slave.do_transaction(&tran);
        std::mem::forget(end_on_panic);
        if !slave.is_prompt() {
            Self::handed_over(&tran);
        }
        Ok(tran)
    }

    fn with_another_id(&self, tran: &Arc<Transaction>) -> Arc<Transaction> {
        tran.error("The transaction's id is in use");
        let (_, buffer) = tran.collect().expect("nobody else has seen it");
        Transaction::new(tran.address(), buffer, tran.ty(), tran.timeout())
    }

    /// Drops those posted writes that have succeeded, gives up the overdue, and keeps the errors
    /// of the failed.
    fn tend_posts(&self, posts: [Option<Arc<Transaction>>; POSTS_TENDED_COUNT], now: Time) {
        if posts.iter().all(Option::is_none) {
            return;
        }
        for tran in posts.into_iter().flatten() {
            if now.since(tran.start()) >= tran.timeout() && now >= tran.deadline() {
                tran.try_time_out();
            }
            // A buffer that a slave still looks at is not given back: its turn comes again.
            let settled = tran.has_succeeded() && tran.try_discard();
            let failed = tran.is_done() && !tran.has_succeeded();
            let mut table = self.table.lock();
            if settled {
                table.remove(&tran);
            } else if failed {
                table.failed_posts.push_back(tran.id());
            } else {
                table.posts.push_back(tran.id());
            }
            drop(table);
        }
        self.drop_oldest_failed_posts();
    }

    fn drop_oldest_failed_posts(&self) {
        let mut table = self.table.lock();
        while table.failed_posts.len() > FAILED_POSTS_COUNT_MAX {
            let id = table.failed_posts.pop_front().expect("there are too many");
            let Some(tran) = table.transactions.get(&id).cloned() else { continue };
            drop(table);
            // Ended long ago: only a slave that never lets go of the data keeps it here.
            if tran.try_discard() {
                self.keep_error(&tran.outcome().unwrap_or(Ok(())));
                self.table.lock().remove(&tran);
            } else {
                self.table.lock().posts.push_back(id);
            }
            table = self.table.lock();
        }
    }

    /// A transaction as [`request`](Self::request) makes them, but not yet handed to the slave
    /// and not kept to be waited for. The caller [launches](Self::launch) it, times it out once
    /// its deadline has passed, and collects it; it may [observe](Transaction::observe) its end.
    ///
    /// # Errors
    ///
    /// As `request`.
    pub fn prepare(&self, address: u64, buffer: Buffer, ty: u32) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        Ok(Transaction::new(address, buffer, ty, self.timeout()))
    }

    /// Hands a [prepared](Self::prepare) transaction to the slave, in parts where it is larger
    /// than the slave's largest access. The slave may be called in this thread.
    ///
    /// # Panics
    ///
    /// If the slave does; the transaction is then as the slave left it.
    pub fn launch(&self, tran: &Arc<Transaction>) {
        split::forward(&*self.slave(), tran);
        Self::handed_over(tran);
    }

    /// As [`prepare`](Self::prepare), out of a used transaction of `pool` if there is one. The
    /// transaction's clock starts at `start`, a reading of the clock a moment ago: one serves
    /// several requests.
    ///
    /// # Errors
    ///
    /// As `request`.
    pub fn prepare_from(
        &self,
        pool: &mut TransactionPool,
        address: u64,
        buffer: Buffer,
        ty: u32,
        start: Time,
    ) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        Ok(pool.make(address, buffer, ty, (self.timeout_ns(), start)))
    }

    /// Brings `path`, which belongs to this master, up to date: looks up the slave where it is
    /// another one than before. What is [launched](Path::launch) on a path that has been brought up
    /// to date after [`set_slave`](Self::set_slave) has returned goes to the new slave.
    #[inline]
    pub fn update(&self, path: &mut Path) {
        if self.slave_version.load(Ordering::Acquire) != path.version {
            self.renew(path);
        }
    }

    #[cold]
    fn renew(&self, path: &mut Path) {
        let table = self.table.lock();
        let version = self.slave_version.load(Ordering::Acquire);
        let slave = Some(table.slave.clone());
        drop(table);
        let former = std::mem::replace(path, Path { slave, version });
        // Its destruction may run foreign code: not under the lock.
        drop(former);
    }

    pub(super) fn handed_over(tran: &Arc<Transaction>) {
        if !tran.is_done() {
            // The time the slave's own code took to send the request does not count.
            tran.refresh_timer(None);
        }
    }

    /// Waits until transaction `id` has ended. 0 means all that are outstanding now, and the
    /// error is then that of the one with the highest id. An unknown id, or one that has been
    /// waited for, is no error. Several threads may wait for the same one.
    ///
    /// # Errors
    ///
    /// What the slave said ([`Status::Transaction`]), or that nobody completed it in time
    /// ([`Status::TransactionTimeout`]). The text also becomes the
    /// [`last_error`](Self::last_error).
    pub fn wait(&self, id: u32) -> Result<()> {
        if id == 0 {
            return self.wait_all();
        }
        self.wait_for_id(id).map_or(Ok(()), |(outcome, _)| outcome)
    }

    fn wait_all(&self) -> Result<()> {
        // Held, not looked up one by one: another thread that collects one first takes nothing
        // from this result.
        self.collect_all(self.all_outstanding())
    }

    /// Waits for each of `all`; the error of the last one that failed.
    fn collect_all(&self, all: Vec<Arc<Transaction>>) -> Result<()> {
        let mut sum = Ok(());
        for tran in all {
            let (outcome, _) = self.wait_for(tran);
            if outcome.is_err() {
                sum = outcome;
            }
        }
        sum
    }

    /// Waits for `id` as [`wait`](Self::wait) does, but no longer than `time`: `None` if the
    /// transaction, or with 0 any of them, has not ended by then, or a slave still holds its data
    /// lock, and then all are as before.
    pub fn wait_at_most(&self, id: u32, time: Duration) -> Option<Result<()>> {
        self.wait_by(id, || clock::now() + time)
    }

    /// Waits for `ids`, in this order, until one has failed or `time` has passed in all. The
    /// number of those that have ended, the failed one included; and the outcome as of
    /// [`wait_at_most`](Self::wait_at_most).
    pub fn wait_many(&self, ids: &[u32], time: Duration) -> (usize, Option<Result<()>>) {
        let mut limit = None;
        for (index, id) in ids.iter().enumerate() {
            let limit = || *limit.get_or_insert_with(|| clock::now() + time);
            match self.wait_by(*id, limit) {
                Some(Ok(())) => {}
                Some(failed) => return (index + 1, Some(failed)),
                None => return (index, None),
            }
        }
        (ids.len(), Some(Ok(())))
    }

    /// Waits as [`wait_at_most`](Self::wait_at_most) does, until `limit`, which is asked for only
    /// where there is something to wait for.
    fn wait_by(&self, id: u32, limit: impl FnOnce() -> Time) -> Option<Result<()>> {
        if id == 0 {
            let all = self.all_outstanding();
            let limit = limit();
            let is_settled = all.iter().all(|tran| tran.is_settled_by(limit));
            return is_settled.then(|| self.collect_all(all));
        }
        match self.look_at(id) {
            Found::Nothing => Some(Ok(())),
            Found::Ended(outcome, _) => Some(outcome),
            Found::Pending(tran) => tran.is_settled_by(limit()).then(|| self.wait_for(tran).0),
        }
    }

    fn all_outstanding(&self) -> Vec<Arc<Transaction>> {
        let mut all: Vec<_> = self.table.lock().transactions.values().cloned().collect();
        all.sort_unstable_by_key(|tran| tran.id());
        all
    }

    /// Transaction `id`, to be [observed](Transaction::observe), say. It must still be waited for:
    /// only a wait looks at its deadline.
    ///
    /// # Errors
    ///
    /// [`Status::NotFound`] for an id that is not outstanding.
    pub fn outstanding(&self, id: u32) -> Result<Arc<Transaction>> {
        self.table.lock().transactions.get(&id).cloned().ok_or_else(|| not_found(id))
    }

    /// Gives up `ids`, or with `None` all transactions that are outstanding, as far as nobody holds
    /// their data locks for longer than `time` in all: no slave touches the buffers of these any
    /// more, and they are gone from here. Whether that is so of all of them.
    pub fn give_up_by(&self, ids: Option<&[u32]>, time: Duration) -> bool {
        let limit = clock::now() + time;
        let transactions: Vec<_> = match ids {
            None => self.all_outstanding(),
            Some(ids) => {
                let table = self.table.lock();
                ids.iter().filter_map(|id| table.transactions.get(id).cloned()).collect()
            }
        };
        let mut all = true;
        for tran in transactions {
            match tran.give_up_by("The requester has given the transaction up", limit) {
                true => drop(self.table.lock().remove(&tran)),
                false => all = false,
            }
        }
        all
    }

    /// Waits for `id` as [`wait`](Self::wait) does and returns its buffer: the bytes of one that
    /// was requested with a vector.
    ///
    /// # Errors
    ///
    /// As `wait`; [`Status::NotFound`] for an id that is not outstanding;
    /// [`Status::InvalidData`] where another thread that waited for it too has the buffer.
    pub fn wait_buffer(&self, id: u32) -> Result<Vec<u8>> {
        let (outcome, buffer) = self.wait_for_id(id).ok_or_else(|| not_found(id))?;
        outcome?;
        buffer.map(Buffer::into_vec).ok_or_else(|| {
            let text = format!("Another thread has waited for transaction {id} and has its data");
            Error::new(Status::InvalidData, "memory::Master::waitTransaction", text)
        })
    }

    fn wait_for_id(&self, id: u32) -> Option<(Result<()>, Option<Buffer>)> {
        match self.look_at(id) {
            Found::Nothing => None,
            Found::Ended(outcome, buffer) => Some((outcome, buffer)),
            Found::Pending(tran) => Some(self.wait_for(tran)),
        }
    }

    /// Collects `id` where that takes no waiting.
    fn look_at(&self, id: u32) -> Found {
        let mut table = self.table.lock();
        let Some(tran) = table.transactions.get(&id) else { return Found::Nothing };
        let Some((outcome, buffer)) = tran.try_collect() else {
            return Found::Pending(tran.clone());
        };
        // It had ended: the common case of a slave that completes at once.
        let tran = table.transactions.remove(&id).expect("found above");
        table.spare.keep(tran);
        drop(table);
        self.keep_error(&outcome);
        Found::Ended(outcome, buffer)
    }

    fn wait_for(&self, tran: Arc<Transaction>) -> (Result<()>, Option<Buffer>) {
        tran.wait();
        let outcome = tran.outcome().expect("a wait ends with the transaction");
        // Also where another thread has it: only after this can no slave touch the bytes.
        let buffer = tran.collect().map(|(_, buffer)| buffer);
        let mut table = self.table.lock();
        let known = table.remove(&tran);
        drop(tran);
        known.into_iter().for_each(|known| table.spare.keep(known));
        drop(table);
        self.keep_error(&outcome);
        (outcome, buffer)
    }

    fn keep_error(&self, outcome: &Result<()>) {
        if let Err(error) = outcome {
            *self.error.lock() = error.text().to_owned();
        }
    }

    /// Reads `size` bytes at `address` and waits for them.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn read(&self, address: u64, size: u32) -> Result<Vec<u8>> {
        self.wait_buffer(self.request(address, zeroed(size)?, READ)?)
    }

    /// Reads as [`read`](Self::read) does, marked as the check of a write.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn verify(&self, address: u64, size: u32) -> Result<Vec<u8>> {
        self.wait_buffer(self.request(address, zeroed(size)?, VERIFY)?)
    }

    /// Writes `bytes` at `address` and waits until the device has answered.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.wait(self.request(address, bytes.to_vec().into(), WRITE)?)
    }

    /// Writes `bytes` at `address` and waits until they have been handed to the transport.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn post(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.wait(self.request(address, bytes.to_vec().into(), POST)?)
    }

    /// Has `tran` stand under all of `ids` in the table, as if it were outstanding under them.
    #[cfg(test)]
    pub(super) fn keep_under_ids(&self, ids: std::ops::Range<u32>, tran: &Arc<Transaction>) {
        self.table.lock().transactions.extend(ids.map(|id| (id, tran.clone())));
    }

    /// Ids of the transactions that have been requested and not waited for, the lowest first.
    pub fn outstanding_ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.table.lock().transactions.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Number of transactions that have been requested and not waited for.
    pub fn outstanding_count(&self) -> usize {
        self.table.lock().transactions.len()
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let transactions = std::mem::take(&mut self.table.get_mut().transactions);
        for tran in transactions.into_values() {
            tran.give_up("The master that requested the transaction no longer exists");
            tran.collect();
        }
    }
}

fn not_found(id: u32) -> Error {
    let text = format!("Transaction {id} is not outstanding at this master");
    Error::new(Status::NotFound, "memory::Master::waitTransaction", text)
}

fn check_size(buffer: &Buffer) -> Result<()> {
    if buffer.len() > u32::MAX as usize {
        let text = format!(
            "A transaction of {} bytes was asked for; one transaction carries at most {}: split it",
            buffer.len(),
            u32::MAX
        );
        return Err(Error::new(Status::InvalidArgument, SOURCE, text));
    }
    Ok(())
}

fn zeroed(size: u32) -> Result<Buffer> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize).map_err(|error| {
        let text = format!("No memory for a read of {size} bytes: {error}");
        Error::new(Status::OutOfResources, SOURCE, text)
    })?;
    bytes.resize(size as usize, 0);
    Ok(bytes.into())
}

/// Says that a transaction lives on beyond its first timeout because others are being answered.
pub(super) fn warn_slow_link(tran: &Transaction) {
    log_warning!(
        TRANSACTION_LOG,
        "Transaction timer refresh! Possible slow link! type={} id={} address=0x{:x} size={}: \
         unanswered for more than {} us, but others are being answered",
        tran.ty(),
        tran.id(),
        tran.address(),
        tran.size(),
        tran.timeout().as_micros()
    );
}
