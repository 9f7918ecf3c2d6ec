//! A hub: adds an offset to transactions, splits those that are too large for the downstream slave,
//! and may be the root of an address space of its own.

use std::sync::Arc;

use super::burst;
use super::hub_depth;
use super::master::Master;
use super::slave::{Slave, SlaveBase};
use super::split;
use super::transaction::Transaction;
use crate::clock;
use crate::debug::impl_debug;
use crate::process::inherited_text;

/// A hub's largest access: unlimited, since it splits.
const ACCESS_MAX: u32 = 0xFFFF_FFFF;

/// A master and a slave in one. Requests from upstream go downstream with the hub's offset added.
///
/// Hubs connected in a circle: a request that has passed
/// [`HUBS_COUNT_MAX`](super::HUBS_COUNT_MAX) hubs fails, and a query gets the answer of an
/// unconnected master.
pub struct Hub {
    base: SlaveBase,
    master: Arc<Master>,
    offset: u64,
    virtual_root: bool,
}

impl_debug!(Hub, hub => { offset: hub.offset, is_virtual_root: hub.virtual_root });

impl Hub {
    /// A hub at `offset` bytes. With `min` and `max` (bytes) both other than 0 it is a *virtual
    /// root*: it reports its own id, name and limits, and address 0.
    pub fn new(offset: u64, min: u32, max: u32) -> Arc<Hub> {
        Arc::new(Hub {
            base: SlaveBase::new(min, max),
            master: Arc::new(Master::new()),
            offset,
            virtual_root: min != 0 && max != 0,
        })
    }

    /// The hub's downstream side. Its own requests are relative to the next layer, without the
    /// hub's offset.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// The hub's own offset in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Base address of the upstream side of this hub, as seen from the end of the path; also for a
    /// virtual root. The highest address if the offsets lead beyond it.
    pub fn full_address(&self) -> u64 {
        let below = self.ask(|slave| slave.address());
        below.map_or(0, |below| below.saturating_add(self.offset))
    }

    /// Adds the hub's offset to `tran` and hands it on, in parts if necessary. Fails it if the
    /// result lies beyond the address space, or if its deadline has passed, as it may have in a hub
    /// that keeps transactions.
    pub fn forward(&self, tran: &Arc<Transaction>) {
        if tran.is_too_late(clock::now()) {
            return;
        }
        if self.master.is_inherited() {
            return tran.error(inherited_text("The hub"));
        }
        hub_depth::request(&self.base, tran, || match tran.add_address(self.offset) {
            true => split::forward(&*self.master.slave(), tran),
            false => self.refuse(tran),
        });
    }

    #[cold]
    fn refuse(&self, tran: &Arc<Transaction>) {
        let (name, offset) = (self.base.name(), self.offset);
        let (address, size) = (tran.address(), tran.size());
        tran.error(format!(
            "Transaction of {size} bytes at 0x{address:x} reaches beyond the end of the address \
             space when hub {name} adds its offset of 0x{offset:x}"
        ));
    }

    /// Hands on `all`, which were requested together, each as [`forward`](Self::forward) does.
    fn forward_all(&self, all: &[Arc<Transaction>]) {
        if self.master.is_inherited() {
            return all.iter().for_each(|tran| tran.error(inherited_text("The hub")));
        }
        hub_depth::request_all(&self.base, all, || {
            let now = clock::now();
            for tran in all {
                if !tran.is_too_late(now) && !tran.add_address(self.offset) {
                    self.refuse(tran);
                }
            }
            burst::forward_all(&*self.master.slave(), all);
        });
    }

    /// Queries the downstream slave; `None` in a cycle of hubs.
    fn ask<T>(&self, question: impl FnOnce(&dyn Slave) -> T) -> Option<T> {
        hub_depth::query(&self.base, || question(&*self.master.slave()))
    }

    /// The answer to `question`: of a virtual root its `own`, otherwise that of the downstream
    /// slave, or in a cycle of hubs that of an unconnected master.
    fn answer<T>(&self, own: fn(&SlaveBase) -> T, question: fn(&dyn Slave) -> T) -> T {
        match self.virtual_root {
            true => own(&self.base),
            false => self.ask(question).unwrap_or_else(|| question(&*hub_depth::no_slave())),
        }
    }
}

impl Slave for Hub {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.forward(tran);
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        self.forward_all(all);
    }

    fn is_brief(&self) -> bool {
        self.ask(|slave| slave.is_brief()).unwrap_or(false)
    }

    fn passes_to(&self) -> Option<(Arc<dyn Slave>, u64)> {
        Some((self.master.slave(), self.offset))
    }

    fn takes_together(&self) -> bool {
        self.ask(|slave| slave.takes_together()).unwrap_or(false)
    }

    fn slave_id(&self) -> u32 {
        self.answer(SlaveBase::id, |slave| slave.slave_id())
    }

    fn slave_name(&self) -> String {
        self.answer(SlaveBase::name, |slave| slave.slave_name())
    }

    fn min_access(&self) -> u32 {
        self.answer(SlaveBase::min, |slave| slave.min_access())
    }

    fn max_access(&self) -> u32 {
        match self.virtual_root {
            true => self.base.max(),
            false => ACCESS_MAX,
        }
    }

    fn address(&self) -> u64 {
        match self.virtual_root {
            true => 0,
            false => self.full_address(),
        }
    }
}
