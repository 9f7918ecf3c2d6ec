//! Bursts: several requests of one master, handed over together, so that a slave with a transport
//! can send them with one system call.

use std::sync::Arc;

use super::master::{check_size, EndOnPanic, Master};
use super::slave::Slave;
use super::transaction::DataBuffer;
use super::transaction::Transaction;
use super::transaction_type::TransactionType;
use crate::clock;
use crate::error::Result;

/// Requests created before a hand-over: about as many as one system call takes, few enough that the
/// first does not wait long for the last.
const HANDED_OVER_COUNT_MAX: usize = 2048;

impl Master {
    /// Starts several transactions of `ty`, in this order, as [`request`](Self::request) does, and
    /// hands them over together: a bridge, or SRP over UDP, sends them with few system calls, as far
    /// as windows and sockets allow. Returns their ids, for waits.
    ///
    /// # Errors
    ///
    /// As `request`; nothing has been started then.
    ///
    /// # Panics
    ///
    /// If the slave does; the transactions have been given up then.
    pub fn request_many(
        &self,
        requests: Vec<(u64, DataBuffer)>,
        ty: TransactionType,
    ) -> Result<Vec<u32>> {
        for (_, buffer) in &requests {
            check_size(buffer)?;
        }
        let mut all: Vec<Arc<Transaction>> = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter();
        let slave = self.slave();
        while requests.len() > 0 {
            let first = all.len();
            let start = clock::now();
            self.enter_many(requests.by_ref().take(HANDED_OVER_COUNT_MAX), ty, start, &mut all);
            let end_on_panic = EndOnPanic { master: self, all: &all };
            runs(&all[first..]).for_each(|run| slave.do_transactions(run));
            std::mem::forget(end_on_panic);
            if !slave.is_prompt() {
                all[first..].iter().for_each(Self::handed_over);
            }
        }
        Ok(all.iter().map(|tran| tran.id()).collect())
    }
}

/// Hands `all` to `slave` together, but in parts those that are larger than its largest access.
pub(super) fn forward_all(slave: &dyn Slave, all: &[Arc<Transaction>]) {
    let max = slave.max_access();
    for run in runs(all) {
        match run.iter().all(|tran| max == 0 || tran.size() <= max) {
            true => slave.do_transactions(run),
            false => one_by_one(run, |tran| super::split::forward(slave, tran)),
        }
    }
}

/// Hands `all` on with `hand_on`, one by one. The clock of each starts at its hand-over, as if it
/// had been requested then.
pub(super) fn one_by_one(all: &[Arc<Transaction>], hand_on: impl Fn(&Arc<Transaction>)) {
    for (index, tran) in all.iter().enumerate() {
        if index > 0 {
            tran.refresh_timer(None);
        }
        hand_on(tran);
    }
}

/// The pending ones of `all`, in contiguous runs: no slave gets the others.
fn runs(all: &[Arc<Transaction>]) -> impl Iterator<Item = &[Arc<Transaction>]> {
    all.split(|tran| tran.is_done()).filter(|run| !run.is_empty())
}
