//! The upstream end of the bus: creates transactions, waits for them, keeps the last error.

mod wait;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::pool::{Route, TransactionPool};
use super::slave::{Slave, Unconnected};
use super::split;
use super::table::{Swept, Table, SWEPT_TOGETHER_COUNT};
use super::transaction::DataBuffer;
use super::transaction::Transaction;
use super::TransactionType;
use crate::clock::{self, Time};
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::headroom;
use crate::logging::{log_warning, static_logger};
use crate::process::{inherited_text, Generation};
use crate::sync::{Mutex, MutexGuard};

/// The default time for a slave to complete a transaction.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
const SOURCE: &str = "memory::Master::reqTransaction";
/// The number of the connection that a master does not have yet.
const FIRST_VERSION: u64 = 1;
/// What an error calls it.
const NAME: &str = "The memory master";

static_logger!(TRANSACTION_LOG, "memory.Transaction");

/// Creates transactions and waits for them. All methods may be called from any thread; any number
/// of transactions may be outstanding. Dropping a master gives up all that are pending and waits
/// for slaves that are copying their data: the holder of such a data lock must not drop it.
///
/// In a child by `fork` a master of the parent is out of reach, with its slave: its requests fail,
/// waits and observers are refused with words, and nothing else has an effect.
pub struct Master {
    generation: Generation,
    /// Counts the connections, from 1; written under the lock of the table.
    slave_version: AtomicU64,
    /// Nanoseconds; 0 = the default.
    timeout_ns: AtomicU64,
    table: Arc<Mutex<Table>>,
    error: Mutex<String>,
    /// What its owner does when it has been connected.
    connected: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl_debug!(Master, master => { timeout: master.timeout() });

/// Gives requests up unless it is forgotten: for a slave that panics. The buffers may be gone once
/// the panic has propagated.
pub(super) struct EndOnPanic<'a> {
    pub(super) master: &'a Master,
    pub(super) all: &'a [Arc<Transaction>],
}

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        for tran in self.all.iter().filter(|tran| !tran.is_inherited()) {
            tran.give_up("The slave panicked when it received the transaction");
            tran.collect();
            self.master.table.lock().remove(tran);
        }
    }
}

impl Default for Master {
    fn default() -> Self {
        Self::new()
    }
}

impl Master {
    /// A master without a connection: every request fails at once with an error that says so.
    pub fn new() -> Master {
        Master {
            generation: Generation::current(),
            slave_version: AtomicU64::new(FIRST_VERSION),
            timeout_ns: AtomicU64::new(0),
            table: Arc::new(Mutex::new(Table::new())),
            error: Mutex::default(),
            connected: OnceLock::new(),
        }
    }

    /// Whether it belongs to a process that this one was forked from.
    pub(super) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    /// The lock of the table; `None` in a child by `fork`, where a thread of the parent may hold it
    /// for ever.
    #[inline]
    fn own_table(&self) -> Option<MutexGuard<'_, Table>> {
        self.table.lock_own(self.generation)
    }

    /// Connects the master to `slave`, in place of the present one.
    pub fn set_slave(&self, slave: Arc<dyn Slave>) {
        let Some(mut table) = self.own_table() else { return };
        let old = std::mem::replace(&mut table.slave, slave);
        self.slave_version.fetch_add(1, Ordering::Release);
        drop(table);
        // Outside the lock: dropping it may run the program's code.
        drop(old);
        if let Some(connected) = self.connected.get() {
            connected();
        }
    }

    /// Sets what is done whenever a slave has been connected, once. It runs in the thread that does
    /// so, and must not wait.
    pub(crate) fn when_connected(&self, connected: impl Fn() + Send + Sync + 'static) {
        let _ = self.connected.set(Box::new(connected));
    }

    /// Whether a slave has ever been connected.
    pub(crate) fn has_had_slave(&self) -> bool {
        self.slave_version.load(Ordering::Acquire) > FIRST_VERSION
    }

    /// The slave that the master is connected to.
    pub fn slave(&self) -> Arc<dyn Slave> {
        self.own_table().map_or_else(Unconnected::of_parent, |table| table.slave.clone())
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

    /// Base address of this master, as seen from the end of the path.
    pub fn req_address(&self) -> u64 {
        self.slave().address()
    }

    /// Text of the last error of a wait; empty if there was none since the last
    /// [`clear_error`](Self::clear_error). All threads that use this master share it: use the
    /// result of [`wait`](Self::wait) where that matters.
    pub fn last_error(&self) -> String {
        let error = self.error.lock_own(self.generation);
        error.map_or_else(|| inherited_text(NAME), |error| error.clone())
    }

    /// Clears the last error.
    pub fn clear_error(&self) {
        if let Some(mut error) = self.error.lock_own(self.generation) {
            error.clear();
        }
    }

    /// Sets the timeout of later transactions, counted from their last sign of life. One of zero
    /// changes nothing; one above 584 years becomes that.
    pub fn set_timeout(&self, timeout: Duration) {
        if !timeout.is_zero() {
            self.timeout_ns.store(clock::nanoseconds(timeout), Ordering::Relaxed);
        }
    }

    #[inline]
    fn timeout_ns(&self) -> u64 {
        self.chosen_timeout_ns().unwrap_or(DEFAULT_TIMEOUT.as_nanos() as u64)
    }

    /// The timeout in nanoseconds, if [`set_timeout`](Self::set_timeout) has set one; `None` for
    /// the default.
    #[inline]
    pub(crate) fn chosen_timeout_ns(&self) -> Option<u64> {
        let timeout_ns = self.timeout_ns.load(Ordering::Relaxed);
        (timeout_ns != 0).then_some(timeout_ns)
    }

    /// The timeout of new transactions.
    pub fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns())
    }

    /// Starts a transaction of `ty` over `buffer` at `address` and returns its id, for a wait. The
    /// slave may be called in this thread. A request of an unknown type, or one beyond the end of
    /// the address space, reaches no slave: it has failed when this returns.
    ///
    /// A wait is optional. Later requests reduce old results that were not waited for: a success
    /// to one bit, a read with a vector of its own to the data, a failure to the error. At most
    /// [`UNCLAIMED_COUNT_MAX`](super::UNCLAIMED_COUNT_MAX) of each are kept; successes are counted
    /// in groups of 64. Older ones are [forgotten](Self::forgotten_count), and a wait for one of
    /// them fails. The error of a forgotten one becomes the master's last error, as after a wait.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a buffer above 4 GiB - 1, the largest transaction.
    ///
    /// # Panics
    ///
    /// If the slave does; the transaction has been given up then.
    pub fn request(&self, address: u64, buffer: DataBuffer, ty: TransactionType) -> Result<u32> {
        Ok(self.make_request(address, buffer, ty)?.id())
    }

    /// Starts a transaction as [`request`](Self::request) does, and collects it if it has succeeded
    /// by then, which is common for a slave that answers in this thread. Returns its id, and
    /// whether it has been collected. A wait for a collected one is harmless.
    ///
    /// # Errors
    ///
    /// As `request`.
    ///
    /// # Panics
    ///
    /// As `request`.
    pub fn start(
        &self,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
    ) -> Result<(u32, bool)> {
        let tran = self.make_request(address, buffer, ty)?;
        let (id, has_succeeded) = (tran.id(), tran.has_succeeded());
        drop(tran);
        // While a slave holds the data lock, a wait has to collect it.
        Ok((id, has_succeeded && self.collect_ended(id)))
    }

    fn make_request(
        &self,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
    ) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        let times = (self.timeout_ns(), clock::now());
        let (tran, slave, swept) = {
            let Some(mut table) = self.own_table() else {
                // What its slave would say, for a request that is in no table.
                let tran = self.prepare(address, buffer, ty)?;
                tran.error(inherited_text(NAME));
                return Ok(tran);
            };
            let swept = table.sweep(times.1);
            (table.enter(address, buffer, ty, times), table.slave.clone(), swept)
        };
        self.finish(swept, tran.start());
        if tran.is_done() {
            // Refused: no slave gets it.
            return Ok(tran);
        }
        let all = std::slice::from_ref(&tran);
        let end_on_panic = EndOnPanic { master: self, all };
        slave.do_transaction(&tran);
        std::mem::forget(end_on_panic);
        if !slave.is_prompt() {
            Self::handed_over(&tran);
        }
        Ok(tran)
    }

    /// Creates transactions for `requests`, whose clocks start at `start`, and appends them to
    /// `all`. Sweeps as many old ones as single requests would.
    pub(super) fn enter_many(
        &self,
        requests: impl Iterator<Item = (u64, DataBuffer)>,
        ty: TransactionType,
        start: Time,
        all: &mut Vec<Arc<Transaction>>,
    ) {
        let times = (self.timeout_ns(), start);
        let first = all.len();
        let Some(mut table) = self.own_table() else {
            let requests = requests.map(|(address, buffer)| {
                let tran = Transaction::new_at(address, buffer, ty, times);
                tran.error(inherited_text(NAME));
                tran
            });
            return all.extend(requests);
        };
        all.extend(requests.map(|(address, buffer)| table.enter(address, buffer, ty, times)));
        for _ in first..all.len() {
            let swept = table.sweep(start);
            if swept.iter().all(Swept::is_nothing) {
                continue;
            }
            drop(table);
            self.finish(swept, start);
            table = self.table.lock();
        }
    }

    /// Finishes swept transactions, with no lock held.
    fn finish(&self, swept: [Swept; SWEPT_TOGETHER_COUNT], now: Time) {
        for failure in swept.into_iter().filter_map(|swept| swept.finish(now)) {
            self.keep_error(&Err(*failure));
        }
    }

    /// A transaction as [`request`](Self::request) creates it, neither handed to the slave nor kept
    /// for a wait. The caller [launches](Self::launch) it, times it out after its deadline, and
    /// collects it; it may [observe](Transaction::observe) its end.
    ///
    /// # Errors
    ///
    /// As `request`.
    pub fn prepare(
        &self,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
    ) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        Ok(Transaction::new(address, buffer, ty, self.timeout()))
    }

    /// Hands a [prepared](Self::prepare) transaction to the slave, in parts if it is larger than
    /// the slave's largest access. The slave may be called in this thread. One that has ended stays
    /// as it is.
    ///
    /// # Panics
    ///
    /// If the slave does; the transaction is then as the slave left it.
    pub fn launch(&self, tran: &Arc<Transaction>) {
        if tran.is_too_late(clock::now()) {
            return;
        }
        split::forward(&*self.slave(), tran);
        Self::handed_over(tran);
    }

    /// As [`prepare`](Self::prepare), in the memory of a used transaction of `pool` if there is
    /// one. The transaction's clock starts at `start`, which is not in the future. `timeout_ns` is
    /// the slave's time in nanoseconds, from a remote requester: answers to others of the slave do
    /// not refresh the transaction then. `None`: this master's timeout.
    ///
    /// # Errors
    ///
    /// As `request`.
    pub(crate) fn prepare_from(
        &self,
        pool: &mut TransactionPool,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        (start, timeout_ns): (Time, Option<u64>),
    ) -> Result<Arc<Transaction>> {
        check_size(&buffer)?;
        let times = (timeout_ns.unwrap_or_else(|| self.timeout_ns()), start);
        if !pool.can_make() {
            return Err(Error::new(
                Status::OutOfResources,
                NAME,
                "The system gives this process no memory for another transaction: ask again later",
            ));
        }
        let tran = pool.make(address, buffer, ty, times);
        if timeout_ns.is_some() {
            tran.set_foreign();
        }
        Ok(tran)
    }

    /// Brings `route`, which belongs to this master, up to date: looks the slave up again if it has
    /// changed. A [launch](Route::launch) on a route that was brought up to date after the return
    /// of [`set_slave`](Self::set_slave) goes to the new slave.
    #[inline]
    pub(crate) fn update(&self, route: &mut Route) {
        if self.slave_version.load(Ordering::Acquire) != route.version {
            self.renew(route);
        }
    }

    #[cold]
    fn renew(&self, route: &mut Route) {
        let table = self.own_table();
        let version = self.slave_version.load(Ordering::Acquire);
        let slave = table.as_ref().map_or_else(Unconnected::of_parent, |table| table.slave.clone());
        drop(table);
        let slave = Some(slave);
        let former = std::mem::replace(route, Route { slave, version });
        // Outside the lock: dropping it may run the program's code.
        drop(former);
    }

    pub(super) fn handed_over(tran: &Arc<Transaction>) {
        if !tran.is_done() {
            // The time that the slave's own code took to send the request does not count.
            tran.refresh_timer(None);
        }
    }

    /// Number of ended transactions whose results were discarded, because too many were unclaimed.
    pub fn forgotten_count(&self) -> u64 {
        self.own_table().map_or(0, |table| table.unclaimed.forgotten_count())
    }

    fn keep_error(&self, outcome: &Result<()>) {
        let Err(error) = outcome else { return };
        if let Some(mut place) = self.error.lock_own(self.generation) {
            *place = error.text().to_owned();
        }
    }

    /// Reads `size` bytes at `address` and waits for them.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn read(&self, address: u64, size: u32) -> Result<Vec<u8>> {
        self.wait_buffer(self.request(address, zeroed(size)?, TransactionType::Read)?)
    }

    /// Reads as [`read`](Self::read) does, marked as the check of a write.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn verify(&self, address: u64, size: u32) -> Result<Vec<u8>> {
        self.wait_buffer(self.request(address, zeroed(size)?, TransactionType::Verify)?)
    }

    /// Writes `bytes` at `address` and waits until the device has answered.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.wait(self.request(address, copied(bytes)?, TransactionType::Write)?)
    }

    /// Writes `bytes` at `address` and waits until the transport has them.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn post(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.wait(self.request(address, copied(bytes)?, TransactionType::Post)?)
    }

    /// Enters `tran` into the table under all of `ids`, as if it were outstanding under them.
    #[cfg(test)]
    pub(super) fn keep_under_ids(&self, ids: std::ops::Range<u32>, tran: &Arc<Transaction>) {
        self.table.lock().transactions.extend(ids.map(|id| (id, tran.clone())));
    }

    /// Ids of the requested transactions without a wait, in ascending order; not those of which
    /// only a success is recorded.
    pub fn outstanding_ids(&self) -> Vec<u32> {
        let Some(table) = self.own_table() else { return Vec::new() };
        let mut ids: Vec<u32> =
            table.transactions.keys().copied().chain(table.unclaimed.ids()).collect();
        drop(table);
        ids.sort_unstable();
        ids
    }

    /// Number of the [`outstanding_ids`](Self::outstanding_ids).
    pub fn outstanding_count(&self) -> usize {
        self.own_table().map_or(0, |table| table.transactions.len() + table.unclaimed.len())
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let Some(mut table) = self.own_table() else {
            // Threads of the parent may hold its locks, and those of what it refers to.
            return std::mem::forget(self.table.clone());
        };
        let transactions = std::mem::take(&mut table.transactions);
        drop(table);
        for tran in transactions.into_values() {
            tran.give_up("The master that requested the transaction no longer exists");
            tran.collect();
        }
    }
}

#[inline]
pub(super) fn check_size(buffer: &DataBuffer) -> Result<()> {
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

fn zeroed(size: u32) -> Result<DataBuffer> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize).map_err(|error| {
        let text = format!("No memory for a read of {size} bytes: {error}");
        Error::new(Status::OutOfResources, SOURCE, text)
    })?;
    bytes.resize(size as usize, 0);
    Ok(bytes.into())
}

fn copied(bytes: &[u8]) -> Result<DataBuffer> {
    headroom::copied(bytes).map(DataBuffer::from).map_err(|error| {
        let text = format!("No memory for a write of {} bytes: {error}", bytes.len());
        Error::new(Status::OutOfResources, SOURCE, text)
    })
}

/// Warns that a transaction has outlived its first timeout because others are answered.
pub(super) fn warn_slow_link(tran: &Transaction) {
    log_warning!(
        TRANSACTION_LOG,
        "Transaction timer refresh! Possible slow link! type={} id={} address=0x{:x} size={}: \
         unanswered for more than {} us, but others are being answered",
        u32::from(tran.ty()),
        tran.id(),
        tran.address(),
        tran.size(),
        tran.timeout().as_micros()
    );
}
