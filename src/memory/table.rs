//! The transactions of a master: the outstanding ones, in sweep order, and the remains of those
//! that ended without a wait.

use std::collections::hash_map::Entry;
use std::collections::VecDeque;
use std::sync::Arc;

use super::ids::IdMap;
use super::pool::TransactionPool;
use super::slave::{Slave, Unconnected};
use super::transaction::DataBuffer;
use super::transaction::Transaction;
use super::unclaimed::{Leftover, Unclaimed};
use super::TransactionType;
use crate::clock::Time;
use crate::error::Error;

/// Transactions swept at each request: more than one, so that the number of ended ones falls even
/// if each request adds one.
pub(super) const SWEPT_TOGETHER_COUNT: usize = 2;
/// Limits, in transactions and in owned bytes, up to which ended transactions are kept whole for a
/// wait.
const KEPT_WHOLE_COUNT_MAX: usize = 1024;
const KEPT_WHOLE_BYTES_MAX: u64 = 64 << 20;

/// The transactions of a master, under its lock.
pub(super) struct Table {
    pub(super) slave: Arc<dyn Slave>,
    pub(super) transactions: IdMap<Arc<Transaction>>,
    /// Collected transactions for reuse: a request allocates nothing once there are as many as are
    /// outstanding together.
    pub(super) spare: TransactionPool,
    /// Ids in sweep order, which are in the table or were: a program need not wait for any of them.
    pub(super) turns: VecDeque<u32>,
    /// Bytes that the transactions in the table own.
    pub(super) owned_bytes: u64,
    /// The remains of transactions without a wait.
    pub(super) unclaimed: Unclaimed,
}

impl Table {
    /// The table of an unconnected master.
    pub(super) fn new() -> Table {
        Table {
            slave: Unconnected::placeholder(),
            transactions: IdMap::default(),
            spare: TransactionPool::default(),
            turns: VecDeque::new(),
            owned_bytes: 0,
            unclaimed: Unclaimed::default(),
        }
    }

    /// Creates a transaction and keeps it for a wait.
    pub(super) fn enter(
        &mut self,
        address: u64,
        buffer: DataBuffer,
        ty: TransactionType,
        times: (u64, Time),
    ) -> Arc<Transaction> {
        let mut tran = self.spare.make(address, buffer, ty, times);
        loop {
            match self.transactions.entry(tran.id()) {
                Entry::Vacant(place) => {
                    place.insert(tran.clone());
                    break;
                }
                // After four billion transactions ids repeat: skip those still in use here.
                Entry::Occupied(_) => tran = with_another_id(&tran),
            }
        }
        self.owned_bytes += tran.owned_bytes();
        self.turns.push_back(tran.id());
        self.unclaimed.note_request(tran.id());
        tran
    }

    /// Removes `tran`, but not a later transaction with its id.
    pub(super) fn remove(&mut self, tran: &Arc<Transaction>) -> Option<Arc<Transaction>> {
        let known = self.transactions.get(&tran.id())?;
        if !Arc::ptr_eq(known, tran) {
            return None;
        }
        self.take(tran.id())
    }

    #[inline]
    pub(super) fn take(&mut self, id: u32) -> Option<Arc<Transaction>> {
        let tran = self.transactions.remove(&id)?;
        self.owned_bytes -= tran.owned_bytes();
        Some(tran)
    }

    /// Whether ended transactions have to make room.
    fn is_full(&self) -> bool {
        self.transactions.len() > KEPT_WHOLE_COUNT_MAX || self.owned_bytes > KEPT_WHOLE_BYTES_MAX
    }

    /// Sweeps the next transactions: reduces ended ones to their remains where the table is full.
    /// The caller [finishes](Swept::finish) the rest without the lock.
    pub(super) fn sweep(&mut self, now: Time) -> [Swept; SWEPT_TOGETHER_COUNT] {
        std::array::from_fn(|_| match self.turns.pop_front() {
            Some(id) => self.sweep_one(id, now),
            None => Swept::default(),
        })
    }

    fn sweep_one(&mut self, id: u32, now: Time) -> Swept {
        let mut swept = Swept::default();
        let Some(tran) = self.transactions.get(&id) else { return swept };
        // The deadline thread handles claimed ones.
        let is_late = now.since(tran.start()) >= tran.timeout();
        if is_late && !tran.is_done() && !tran.is_claimed() {
            swept.tran = Some(tran.clone());
        }
        // A wait for a posted write is optional. The claimant's call removes a claimed one.
        let may_go = tran.ty() == TransactionType::Post || self.is_full();
        let collected = match may_go && !tran.is_claimed() {
            true => tran.try_collect_quietly(),
            false => None,
        };
        let Some((outcome, buffer, is_due)) = collected else {
            self.turns.push_back(id);
            return swept;
        };
        if is_due {
            swept.tran = Some(tran.clone());
        }
        // The data of a write is the requester's own; borrowed bytes are in place already.
        let (data, written) = match buffer {
            Some(data) if data.is_owned() && !tran.ty().is_write() => (Some(data), None),
            other => (None, other),
        };
        swept.leftover = self.unclaimed.keep(id, outcome, data);
        if written.is_some() {
            swept.leftover._data = written;
        }
        let tran = self.take(id).expect("found above");
        self.spare.keep(tran);
        swept
    }
}

/// The rest of the work for a swept transaction.
#[derive(Default)]
pub(super) struct Swept {
    /// Its deadline may have passed; or it has ended, and actions wait for its data lock.
    tran: Option<Arc<Transaction>>,
    leftover: Leftover,
}

impl Swept {
    pub(super) fn is_nothing(&self) -> bool {
        self.tran.is_none() && self.leftover.is_nothing()
    }

    /// Does the rest, with no lock held. Returns a failure that has been forgotten.
    pub(super) fn finish(self, now: Time) -> Option<Box<Error>> {
        if let Some(tran) = self.tran {
            if tran.is_done() {
                tran.do_due();
            } else if now >= tran.deadline() {
                tran.time_out_at_once();
            }
        }
        self.leftover.failure
    }
}

fn with_another_id(tran: &Arc<Transaction>) -> Arc<Transaction> {
    tran.error("The transaction's id is in use");
    let (_, buffer) = tran.collect().expect("it has not been shared yet");
    Transaction::new(tran.address(), buffer, tran.ty(), tran.timeout())
}
