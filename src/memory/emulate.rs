//! Emulated memory, for tests, examples and simulations.

use std::sync::Arc;

use super::slave::{Slave, SlaveBase};
use super::sparse::SparseMemory;
use super::transaction::Transaction;
use crate::logging::{log_debug, static_logger};

static_logger!(LOG, "memory.Emulate");

/// Sparse byte memory over the whole 64-bit address space. Bytes that were never written read as
/// zero. Limits are advertised, not enforced.
pub struct Emulate {
    base: SlaveBase,
    memory: SparseMemory,
}

impl Emulate {
    /// Empty memory with access limits in bytes.
    pub fn new(min: u32, max: u32) -> Arc<Emulate> {
        Arc::new(Emulate { base: SlaveBase::new(min, max), memory: SparseMemory::new() })
    }

    /// Bytes of memory in use.
    pub fn allocated_bytes(&self) -> u64 {
        self.memory.allocated_bytes()
    }
}

impl Slave for Emulate {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn fills_reads(&self) -> bool {
        true
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let outcome = match tran.data() {
            Some(data) if super::is_write(tran.ty()) => self.memory.write(tran.address(), &data),
            Some(mut data) => self.memory.read(tran.address(), &mut data).map(|()| Vec::new()),
            // Given up already: the result would be discarded.
            None => return,
        };
        match outcome {
            Ok(fresh) => {
                // Outside any lock: a sink of the log may use the bus.
                fresh.iter().for_each(|page| log_debug!(LOG, "{page}"));
                tran.done();
            }
            Err(text) => tran.error(text),
        }
    }
}

#[cfg(test)]
mod tests;
