//! Emulated memory, for tests, examples and simulations.

use std::sync::Arc;

use super::slave::{Slave, SlaveBase};
use super::sparse::SparseMemory;
use super::transaction::Transaction;
use crate::logging::{log_debug, static_logger, Level};

static_logger!(LOG, "memory.Emulate");

/// Sparse byte memory over the whole 64-bit address space. Bytes that were never written read as
/// zero. The limits of an access are advertised, not enforced; that of the memory is: a write that
/// needs more fails.
#[derive(Debug)]
pub struct Emulate {
    base: SlaveBase,
    memory: SparseMemory,
}

impl Emulate {
    /// Empty memory with access limits in bytes. It takes at most a quarter of the memory that the
    /// process may have, and 1 GiB.
    pub fn new(min: u32, max: u32) -> Arc<Emulate> {
        Emulate::with_limit(min, max, 0)
    }

    /// As [`new`](Self::new). It takes at most `memory_bytes_max` bytes, tables included; 0 for the
    /// default. A write that needs more fails, and writes nothing. Each written page takes 4 KiB.
    pub fn with_limit(min: u32, max: u32, memory_bytes_max: u64) -> Arc<Emulate> {
        let memory = SparseMemory::with_limit(memory_bytes_max);
        Arc::new(Emulate { base: SlaveBase::new(min, max), memory })
    }

    /// The most bytes of memory that it takes.
    pub fn memory_bytes_max(&self) -> u64 {
        self.memory.bytes_max()
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

    fn takes_together(&self) -> bool {
        true
    }

    fn fills_reads(&self) -> bool {
        true
    }

    // Its messages reach the program's sink in the thread that has caused them, before its access ends.
    fn is_brief(&self) -> bool {
        !LOG.enabled(Level::DEBUG)
    }

    fn read_at_once(&self, address: u64, bytes: &mut [u8]) -> bool {
        self.memory.read(address, bytes).is_ok()
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let outcome = match tran.data() {
            Some(data) if tran.ty().is_write() => self.memory.write(tran.address(), &data),
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
