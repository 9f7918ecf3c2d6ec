//! A hub: moves transactions by an offset, splits those too large for what lies downstream, and
//! can be the root of an address space of its own.

use std::sync::Arc;

use super::chain;
use super::master::Master;
use super::slave::{Slave, SlaveBase};
use super::split;
use super::transaction::Transaction;

/// What a hub reports as its largest access, since it splits: everything.
const ACCESS_MAX: u32 = 0xFFFF_FFFF;

/// A master and a slave in one. Requests from upstream go downstream with the hub's offset added.
///
/// Hubs connected in a circle lead nowhere: a request that has come through
/// [`HUBS_COUNT_MAX`](super::HUBS_COUNT_MAX) hubs fails, and a query is answered as an unconnected
/// master's is.
pub struct Hub {
    base: SlaveBase,
    master: Arc<Master>,
    offset: u64,
    virtual_root: bool,
}

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

    /// The hub's downstream side. Its own requests are relative to the next layer: the hub's
    /// offset is not added to them.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }

    /// The hub's own offset in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Address of what lies upstream of this hub, as seen from the end of the path; also for a
    /// virtual root.
    pub fn full_address(&self) -> u64 {
        let below = self.ask(|slave| slave.address());
        below.map_or(0, |below| below.wrapping_add(self.offset))
    }

    /// Adds the hub's offset to `tran` (modulo 2^64) and hands it on, in parts if need be.
    pub fn forward(&self, tran: &Arc<Transaction>) {
        chain::request(&self.base, tran, || {
            tran.add_address(self.offset);
            split::forward(&*self.master.slave(), tran);
        });
    }

    /// Asks the slave downstream; `None` where that has no end.
    fn ask<T>(&self, question: impl FnOnce(&dyn Slave) -> T) -> Option<T> {
        chain::query(&self.base, || question(&*self.master.slave()))
    }
}

impl Slave for Hub {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        self.forward(tran);
    }

    fn slave_id(&self) -> u32 {
        match self.virtual_root {
            true => self.base.id(),
            false => {
                self.ask(|slave| slave.slave_id()).unwrap_or_else(|| chain::no_slave().slave_id())
            }
        }
    }

    fn slave_name(&self) -> String {
        match self.virtual_root {
            true => self.base.name(),
            false => self
                .ask(|slave| slave.slave_name())
                .unwrap_or_else(|| chain::no_slave().slave_name()),
        }
    }

    fn min_access(&self) -> u32 {
        match self.virtual_root {
            true => self.base.min(),
            false => self
                .ask(|slave| slave.min_access())
                .unwrap_or_else(|| chain::no_slave().min_access()),
        }
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
