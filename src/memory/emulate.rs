//! Memory that exists only here: for tests, examples and simulations.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::slave::{Slave, SlaveBase};
use super::transaction::Transaction;
use crate::logging::{log_debug, static_logger};

/// Memory comes into being in blocks of this many bytes.
const PAGE_BYTES: usize = 0x1000;
const PAGE_MASK: u64 = PAGE_BYTES as u64 - 1;

static_logger!(LOG, "memory.Emulate");

/// Sparse byte memory over the whole 64-bit address space. What was never written reads as zero.
/// Limits are advertised, not enforced. An access beyond 2^64 continues at 0.
pub struct Emulate {
    base: SlaveBase,
    pages: Mutex<HashMap<u64, Box<[u8]>>>,
}

impl Emulate {
    /// Empty memory with access limits in bytes.
    pub fn new(min: u32, max: u32) -> Arc<Emulate> {
        Arc::new(Emulate { base: SlaveBase::new(min, max), pages: Mutex::default() })
    }

    /// Bytes of memory in use.
    pub fn allocated_bytes(&self) -> u64 {
        self.pages.lock().len() as u64 * PAGE_BYTES as u64
    }

    fn read(&self, address: u64, bytes: &mut [u8]) {
        let pages = self.pages.lock();
        walk(address, bytes.len(), |page, within, range| {
            let part = &mut bytes[range];
            match pages.get(&page) {
                Some(memory) => part.copy_from_slice(&memory[within..within + part.len()]),
                None => part.fill(0),
            }
            Ok(())
        })
        .expect("reading allocates nothing");
    }

    /// Writes, and returns the pages that came into being, each with their number so far.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<Vec<(u64, usize)>, String> {
        let mut pages = self.pages.lock();
        let mut added = Vec::new();
        walk(address, bytes.len(), |page, within, range| {
            let part = &bytes[range];
            let count = pages.len();
            let memory = page_for_writing(&mut pages, page)?;
            memory[within..within + part.len()].copy_from_slice(part);
            if pages.len() > count {
                added.push((page, pages.len()));
            }
            Ok(())
        })?;
        Ok(added)
    }
}

fn page_for_writing(
    pages: &mut HashMap<u64, Box<[u8]>>,
    page: u64,
) -> Result<&mut Box<[u8]>, String> {
    if !pages.contains_key(&page) {
        let mut memory = Vec::new();
        let room = memory.try_reserve_exact(PAGE_BYTES).and_then(|()| pages.try_reserve(1));
        room.map_err(|error| format!("No memory for the emulated block at 0x{page:x}: {error}"))?;
        memory.resize(PAGE_BYTES, 0);
        pages.insert(page, memory.into_boxed_slice());
    }
    Ok(pages.get_mut(&page).expect("inserted above"))
}

/// Calls `visit` with (page address, offset in the page, range of the access) for each page of
/// an access, in ascending order.
fn walk(
    address: u64,
    len: usize,
    mut visit: impl FnMut(u64, usize, std::ops::Range<usize>) -> Result<(), String>,
) -> Result<(), String> {
    let mut done = 0;
    while done < len {
        let at = address.wrapping_add(done as u64);
        let within = (at & PAGE_MASK) as usize;
        let count = (PAGE_BYTES - within).min(len - done);
        visit(at & !PAGE_MASK, within, done..done + count)?;
        done += count;
    }
    Ok(())
}

impl Slave for Emulate {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let outcome = match tran.data() {
            Some(data) if super::is_write(tran.ty()) => self.write(tran.address(), &data),
            Some(mut data) => {
                self.read(tran.address(), &mut data);
                Ok(Vec::new())
            }
            // Given up already: nobody would see a result.
            None => return,
        };
        match outcome {
            Ok(added) => {
                // Not under a lock: whoever receives the record may use the bus.
                for (page, count) in added {
                    let size = count as u64 * PAGE_BYTES as u64;
                    log_debug!(
                        LOG,
                        "Allocating block at 0x{page:x}. Total Blocks {count}, Total Size = {size}"
                    );
                }
                tran.done();
            }
            Err(text) => tran.error(text),
        }
    }
}

#[cfg(test)]
mod tests;
