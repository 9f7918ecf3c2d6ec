//! Recycles transactions and caches the slave lookup, for a thread that requests in quick
//! succession.

use std::collections::VecDeque;
use std::sync::Arc;

use super::slave::{Slave, UNCONNECTED_TEXT};
use super::split;
use super::transaction::DataBuffer;
use super::transaction::Transaction;
use super::transaction_type::TransactionType;
use crate::clock::Time;
use crate::error::Result;
use crate::headroom;

/// Upper bound on the collected transactions kept for reuse.
const SPARE_COUNT_MAX: usize = 1024;
/// Upper bound on those with other references: the completing thread may be about to drop its own.
const REFERRED_COUNT_MAX: usize = 16;

/// Collected transactions without other references, for reuse: a request then allocates nothing.
/// Not synchronised.
#[derive(Default)]
pub struct TransactionPool {
    spare: Vec<Arc<Transaction>>,
    /// Collected, with other references at that time; the oldest first.
    referred: VecDeque<Arc<Transaction>>,
}

impl TransactionPool {
    /// Whether [`make`](Self::make) needs no memory, or the system has it, also for what slaves of
    /// this library note about the transaction.
    #[inline]
    pub(super) fn can_make(&self) -> bool {
        !self.spare.is_empty() || headroom::is_there()
    }

    /// A transaction of type `ty` over `buffer`; `times` are the slave's time in nanoseconds and
    /// the start of the clock.
    pub(super) fn make(
        &mut self,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        times: (u64, Time),
    ) -> Arc<Transaction> {
        match self.spare.pop().or_else(|| self.pop_referred()) {
            Some(mut tran) => match Transaction::renew(&mut tran, address, buffer, ty, times) {
                Ok(()) => tran,
                Err(buffer) => Transaction::new_at(address, buffer, ty, times),
            },
            None => Transaction::new_at(address, buffer, ty, times),
        }
    }

    /// Keeps a collected transaction for reuse, once this is the only reference.
    #[inline]
    pub(super) fn keep(&mut self, tran: Arc<Transaction>) {
        if is_last(&tran) {
            return self.keep_last(tran);
        }
        if self.referred.len() >= REFERRED_COUNT_MAX {
            self.referred.pop_front();
        }
        self.referred.push_back(tran);
    }

    /// The oldest of those that had other references, if it has none now.
    fn pop_referred(&mut self) -> Option<Arc<Transaction>> {
        self.referred.front().is_some_and(is_last).then(|| self.referred.pop_front()).flatten()
    }

    /// Keeps a collected transaction of which this is the last reference.
    #[inline]
    fn keep_last(&mut self, tran: Arc<Transaction>) {
        if self.spare.len() < SPARE_COUNT_MAX && self.spare.try_reserve(1).is_ok() {
            self.spare.push(tran);
        }
    }

    /// Collects `tran` as [`collect`](Self::collect) does if it has succeeded and this is the last
    /// reference; returns it otherwise. The fast path.
    #[inline]
    pub fn collect_success(
        &mut self,
        mut tran: Arc<Transaction>,
    ) -> std::result::Result<DataBuffer, Arc<Transaction>> {
        match Transaction::collect_last_success(&mut tran) {
            Some(buffer) => {
                self.keep_last(tran);
                Ok(buffer)
            }
            None => Err(tran),
        }
    }

    /// Collects `tran` as [`Transaction::collect`] does, and keeps it if this is the last
    /// reference; returns it if the data lock is held.
    ///
    /// # Panics
    ///
    /// If the transaction is pending and this is the only reference.
    pub fn collect(&mut self, mut tran: Arc<Transaction>) -> Collected {
        if let Some(collected) = Transaction::collect_last(&mut tran) {
            self.keep_last(tran);
            return Ok(collected);
        }
        match tran.try_collect() {
            Some((outcome, buffer)) => Ok(buffer.map(|buffer| (outcome, buffer))),
            None => Err(tran),
        }
    }
}

/// The result of [`TransactionPool::collect`].
pub type Collected = std::result::Result<Option<(Result<()>, DataBuffer)>, Arc<Transaction>>;

/// Whether this is the only reference to `tran`.
fn is_last(tran: &Arc<Transaction>) -> bool {
    Arc::strong_count(tran) == 1 && Arc::weak_count(tran) == 0
}

/// The slave of a master, as the last [`Master::update`](super::Master::update) found it; empty at
/// first. Keeps the slave alive: hold it for one series of requests only.
#[derive(Default)]
pub struct Route {
    pub(super) slave: Option<Arc<dyn Slave>>,
    /// Version of the master's connection; 0 = none.
    pub(super) version: u64,
}

impl Route {
    /// [`Slave::fills_reads`] of the slave.
    #[inline]
    pub fn fills_reads(&self) -> bool {
        self.slave.as_ref().is_some_and(|slave| slave.fills_reads())
    }

    /// Hands a transaction to the slave as [`Master::launch`](super::Master::launch) does, without
    /// the check of its deadline before, and without a restart of its clock afterwards.
    ///
    /// # Panics
    ///
    /// As `launch`.
    pub fn launch(&self, tran: &Arc<Transaction>) {
        if tran.is_done() {
            return;
        }
        match &self.slave {
            Some(slave) => split::forward(&**slave, tran),
            None => tran.error(UNCONNECTED_TEXT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Emulate, Master, TransactionType};

    fn read(master: &Master, pool: &mut TransactionPool, route: &mut Route) -> Arc<Transaction> {
        let start = crate::clock::now();
        let tran = master
            .prepare_from(pool, 0, vec![0xEE; 4].into(), TransactionType::Read, (start, None))
            .unwrap();
        master.update(route);
        route.launch(&tran);
        tran
    }

    #[test]
    fn a_transaction_with_other_references_is_not_reused() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut route) = (TransactionPool::default(), Route::default());
        let first = read(&master, &mut pool, &mut route);
        let (held, id) = (first.clone(), first.id());
        let (outcome, buffer) = pool.collect(first).unwrap().unwrap();
        assert_eq!((outcome.is_ok(), buffer.into_vec()), (true, vec![0; 4]));
        let second = read(&master, &mut pool, &mut route);
        assert_ne!(Arc::as_ptr(&second), Arc::as_ptr(&held));
        assert!(held.id() == id && held.is_done());
        let place = Arc::as_ptr(&second);
        pool.collect(second).unwrap().unwrap().0.unwrap();
        let third = read(&master, &mut pool, &mut route);
        assert_eq!(Arc::as_ptr(&third), place);
        let held = pool.collect_success(held).unwrap_err();
        assert!(pool.collect(held).unwrap().is_none(), "its buffer has been taken");
        pool.collect(third).unwrap().unwrap().0.unwrap();
    }

    #[test]
    fn a_transaction_is_reused_when_other_references_are_gone() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut route) = (TransactionPool::default(), Route::default());
        let mut held = VecDeque::new();
        for _ in 0..2 * REFERRED_COUNT_MAX {
            let tran = read(&master, &mut pool, &mut route);
            tran.collect().unwrap().0.unwrap();
            held.push_back(tran.clone());
            pool.keep(tran);
        }
        assert_eq!((pool.spare.len(), pool.referred.len()), (0, REFERRED_COUNT_MAX));
        let mut places: Vec<_> = held.iter().map(Arc::as_ptr).collect();
        assert!(held.iter().take(REFERRED_COUNT_MAX).all(is_last), "the oldest made room");
        let gone: Vec<_> = held.drain(..REFERRED_COUNT_MAX).collect();
        let fresh = read(&master, &mut pool, &mut route);
        assert!(!places.contains(&Arc::as_ptr(&fresh)), "all that are left are referred to");
        drop(gone);
        for place in places.drain(REFERRED_COUNT_MAX..) {
            held.pop_front();
            let tran = read(&master, &mut pool, &mut route);
            assert_eq!(Arc::as_ptr(&tran), place);
        }
    }

    #[test]
    fn a_transaction_is_kept_by_whichever_way_it_was_collected() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut route) = (TransactionPool::default(), Route::default());
        let first = read(&master, &mut pool, &mut route);
        let place = Arc::as_ptr(&first);
        assert!(pool.collect(first).unwrap().is_some());
        for _ in 0..3 {
            let tran = read(&master, &mut pool, &mut route);
            assert_eq!(Arc::as_ptr(&tran), place);
            let held = tran.clone();
            let tran = pool.collect_success(tran).unwrap_err();
            drop(held);
            assert!(pool.collect_success(tran).is_ok());
        }
        assert_eq!(pool.spare.len(), 1);
    }

    #[test]
    fn a_reused_transaction_keeps_nothing_of_a_failure() {
        let master = Master::new();
        let (mut pool, mut route) = (TransactionPool::default(), Route::default());
        let failed = read(&master, &mut pool, &mut route);
        let place = Arc::as_ptr(&failed);
        let failed = pool.collect_success(failed).unwrap_err();
        let (outcome, _) = pool.collect(failed).unwrap().unwrap();
        assert_eq!(outcome.unwrap_err().text(), UNCONNECTED_TEXT);
        master.set_slave(Emulate::new(4, 0));
        let again = read(&master, &mut pool, &mut route);
        assert_eq!(Arc::as_ptr(&again), place);
        assert_eq!(pool.collect_success(again).unwrap().into_vec(), [0; 4]);
    }

    #[test]
    fn a_route_leads_to_the_slave_connected_last_and_releases_the_one_before() {
        let master = Master::new();
        let (mut pool, mut route) = (TransactionPool::default(), Route::default());
        let [first, second] = [Emulate::new(4, 0), Emulate::new(4, 0)];
        for (slave, value) in [(&first, 1), (&second, 2)] {
            let writer = Master::new();
            writer.set_slave(slave.clone());
            writer.write(0, &[value; 4]).unwrap();
        }
        for (slave, value) in [(&first, 1), (&second, 2), (&first, 1)] {
            master.set_slave(slave.clone());
            for _ in 0..2 {
                let tran = read(&master, &mut pool, &mut route);
                let (_, buffer) = pool.collect(tran).unwrap().unwrap();
                assert_eq!(buffer.into_vec(), [value; 4]);
            }
        }
        assert_eq!(Arc::strong_count(&second), 1);
        assert_eq!(Arc::strong_count(&first), 3, "the master's and the route's");
    }
}
