//! For who requests in quick succession, from one thread: used transactions to be used again, and
//! the slave looked up once for many requests.

use std::collections::VecDeque;
use std::sync::Arc;

use super::buffer::Buffer;
use super::master::Master;
use super::slave::{Slave, UNCONNECTED_TEXT};
use super::split;
use super::transaction::Transaction;
use crate::clock::Time;
use crate::error::Result;

/// Collected transactions kept to be used again.
const SPARE_COUNT_MAX: usize = 1024;
/// Of those that somebody still refers to: who completed one may be about to let go of it.
const REFERRED_COUNT_MAX: usize = 16;

/// Transactions that have been collected and nobody else refers to, to be used again: so that a
/// request allocates nothing. Not synchronised.
#[derive(Default)]
pub struct TransactionPool {
    spare: Vec<Arc<Transaction>>,
    /// Collected, and somebody else referred to them then; the oldest first.
    referred: VecDeque<Arc<Transaction>>,
}

impl TransactionPool {
    /// A transaction of type `ty` over `buffer`; `times` are the nanoseconds that the slave has,
    /// and the start of its clock.
    pub(super) fn make(
        &mut self,
        address: u64,
        buffer: Buffer,
        ty: u32,
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

    /// Keeps a collected transaction to be used again, once nobody else refers to it any more.
    #[inline]
    pub(super) fn keep(&mut self, tran: Arc<Transaction>) {
        match is_last(&tran) {
            true => self.keep_last(tran),
            false => self.keep_referred(tran),
        }
    }

    fn keep_referred(&mut self, tran: Arc<Transaction>) {
        if self.referred.len() >= REFERRED_COUNT_MAX {
            self.referred.pop_front();
        }
        self.referred.push_back(tran);
    }

    /// The oldest of those that somebody referred to, unless somebody still does.
    fn pop_referred(&mut self) -> Option<Arc<Transaction>> {
        self.referred.front().is_some_and(is_last).then(|| self.referred.pop_front()).flatten()
    }

    /// Keeps a collected transaction of which this is the last reference.
    #[inline]
    fn keep_last(&mut self, tran: Arc<Transaction>) {
        if self.spare.len() < SPARE_COUNT_MAX {
            self.spare.push(tran);
        }
    }

    /// Collects `tran` as [`collect`](Self::collect) does if it has succeeded and the caller's was
    /// the last reference; gives it back otherwise. The short way for what is usual.
    #[inline]
    pub fn collect_success(
        &mut self,
        mut tran: Arc<Transaction>,
    ) -> std::result::Result<Buffer, Arc<Transaction>> {
        match Transaction::collect_last_success(&mut tran) {
            Some(buffer) => {
                self.keep_last(tran);
                Ok(buffer)
            }
            None => Err(tran),
        }
    }

    /// Collects `tran` as [`Transaction::collect`] does, and keeps it where the caller's was the
    /// last reference.
    ///
    /// # Panics
    ///
    /// If the transaction is still pending.
    pub fn collect(&mut self, mut tran: Arc<Transaction>) -> Option<(Result<()>, Buffer)> {
        let (collected, was_last) = Transaction::collect_last(&mut tran);
        if was_last {
            self.keep_last(tran);
        }
        collected
    }
}

/// Whether nobody else refers to `tran`.
fn is_last(tran: &Arc<Transaction>) -> bool {
    Arc::strong_count(tran) == 1 && Arc::weak_count(tran) == 0
}

/// What a master is connected to, as [`Master::update`] found it last; at first nothing. Keeps the
/// slave alive: hold it for a series of requests and no longer.
#[derive(Default)]
pub struct Path {
    pub(super) slave: Option<Arc<dyn Slave>>,
    /// Of the master's connection; 0 is none.
    pub(super) version: u64,
}

impl Path {
    /// [`Slave::fills_reads`] of the slave.
    #[inline]
    pub fn fills_reads(&self) -> bool {
        self.slave.as_ref().is_some_and(|slave| slave.fills_reads())
    }

    /// Hands a transaction to the slave as [`Master::launch`] does.
    ///
    /// # Panics
    ///
    /// As `launch`.
    pub fn launch(&self, tran: &Arc<Transaction>) {
        match &self.slave {
            Some(slave) => split::forward(&**slave, tran),
            None => tran.error(UNCONNECTED_TEXT),
        }
        Master::handed_over(tran);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Emulate, READ};

    fn read(master: &Master, pool: &mut TransactionPool, path: &mut Path) -> Arc<Transaction> {
        let start = crate::clock::now();
        let tran = master.prepare_from(pool, 0, vec![0xEE; 4].into(), READ, start).unwrap();
        master.update(path);
        path.launch(&tran);
        tran
    }

    #[test]
    fn a_transaction_that_somebody_still_refers_to_is_not_used_again() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut path) = (TransactionPool::default(), Path::default());
        let first = read(&master, &mut pool, &mut path);
        let (held, id) = (first.clone(), first.id());
        let (outcome, buffer) = pool.collect(first).unwrap();
        assert_eq!((outcome.is_ok(), buffer.into_vec()), (true, vec![0; 4]));
        let second = read(&master, &mut pool, &mut path);
        assert_ne!(Arc::as_ptr(&second), Arc::as_ptr(&held));
        assert!(held.id() == id && held.is_done());
        let place = Arc::as_ptr(&second);
        pool.collect(second).unwrap().0.unwrap();
        let third = read(&master, &mut pool, &mut path);
        assert_eq!(Arc::as_ptr(&third), place);
        let held = pool.collect_success(held).unwrap_err();
        assert!(pool.collect(held).is_none(), "its buffer has been taken");
        pool.collect(third).unwrap().0.unwrap();
    }

    #[test]
    fn a_transaction_is_used_again_when_who_referred_to_it_has_let_go() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut path) = (TransactionPool::default(), Path::default());
        let mut held = VecDeque::new();
        for _ in 0..2 * REFERRED_COUNT_MAX {
            let tran = read(&master, &mut pool, &mut path);
            tran.collect().unwrap().0.unwrap();
            held.push_back(tran.clone());
            pool.keep(tran);
        }
        assert_eq!((pool.spare.len(), pool.referred.len()), (0, REFERRED_COUNT_MAX));
        let mut places: Vec<_> = held.iter().map(Arc::as_ptr).collect();
        assert!(held.iter().take(REFERRED_COUNT_MAX).all(is_last), "the oldest made room");
        let gone: Vec<_> = held.drain(..REFERRED_COUNT_MAX).collect();
        let fresh = read(&master, &mut pool, &mut path);
        assert!(!places.contains(&Arc::as_ptr(&fresh)), "all that are left are referred to");
        drop(gone);
        for place in places.drain(REFERRED_COUNT_MAX..) {
            held.pop_front();
            let tran = read(&master, &mut pool, &mut path);
            assert_eq!(Arc::as_ptr(&tran), place);
        }
    }

    #[test]
    fn a_transaction_is_kept_by_whichever_way_it_was_collected() {
        let master = Master::new();
        master.set_slave(Emulate::new(4, 0));
        let (mut pool, mut path) = (TransactionPool::default(), Path::default());
        let first = read(&master, &mut pool, &mut path);
        let place = Arc::as_ptr(&first);
        assert!(pool.collect(first).is_some());
        for _ in 0..3 {
            let tran = read(&master, &mut pool, &mut path);
            assert_eq!(Arc::as_ptr(&tran), place);
            let held = tran.clone();
            let tran = pool.collect_success(tran).unwrap_err();
            drop(held);
            assert!(pool.collect_success(tran).is_ok());
        }
        assert_eq!(pool.spare.len(), 1);
    }

    #[test]
    fn what_a_failed_transaction_leaves_behind_is_gone_when_it_is_used_again() {
        let master = Master::new();
        let (mut pool, mut path) = (TransactionPool::default(), Path::default());
        let failed = read(&master, &mut pool, &mut path);
        let place = Arc::as_ptr(&failed);
        let failed = pool.collect_success(failed).unwrap_err();
        let (outcome, _) = pool.collect(failed).unwrap();
        assert_eq!(outcome.unwrap_err().text(), UNCONNECTED_TEXT);
        master.set_slave(Emulate::new(4, 0));
        let again = read(&master, &mut pool, &mut path);
        assert_eq!(Arc::as_ptr(&again), place);
        assert_eq!(pool.collect_success(again).unwrap().into_vec(), [0; 4]);
    }

    #[test]
    fn a_path_leads_to_the_slave_connected_last_and_lets_go_of_the_one_before() {
        let master = Master::new();
        let (mut pool, mut path) = (TransactionPool::default(), Path::default());
        let [first, second] = [Emulate::new(4, 0), Emulate::new(4, 0)];
        for (slave, value) in [(&first, 1), (&second, 2)] {
            let writer = Master::new();
            writer.set_slave(slave.clone());
            writer.write(0, &[value; 4]).unwrap();
        }
        for (slave, value) in [(&first, 1), (&second, 2), (&first, 1)] {
            master.set_slave(slave.clone());
            for _ in 0..2 {
                let tran = read(&master, &mut pool, &mut path);
                let (_, buffer) = pool.collect(tran).unwrap();
                assert_eq!(buffer.into_vec(), [value; 4]);
            }
        }
        assert_eq!(Arc::strong_count(&second), 1);
        assert_eq!(Arc::strong_count(&first), 3, "the master's and the path's");
    }
}
