//! The way to a memory map.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rogue_mem::hardware::{MemMap, MemMapOptions};
use rogue_mem::memory::{Master, Slave, SlaveBase, Transaction, TransactionType};

use crate::ways::{Path, ToMemory};
use testkit::bus::master_of;

/// Bytes of a region of the address space, and number of regions that a test may use.
const REGION_BYTES: u64 = 1 << 26;
const REGIONS_COUNT: u64 = 16;

/// A memory map of a file, with accesses of `WIDTH` bytes. The file is smaller than the address
/// space, so each region of it that is used has a part of the file.
pub struct MemoryMap<const WIDTH: u32>;

impl<const WIDTH: u32> ToMemory for MemoryMap<WIDTH> {
    const UNIT: usize = WIDTH as usize;

    fn to_memory() -> Path {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("rogue-mem-battery-{}-{number}", std::process::id());
        let file = Scratch(std::env::temp_dir().join(name));
        let size = REGION_BYTES * REGIONS_COUNT;
        File::create(&file.0).unwrap().set_len(size).unwrap();
        let path = file.0.to_str().unwrap().to_owned();
        let map = MemMap::new(0, size, &MemMapOptions { path, access_bytes: WIDTH }).unwrap();
        let base = SlaveBase::new(WIDTH, u32::MAX);
        let near = Regions { base, map: master_of(map), starts: Mutex::default() };
        Path::new(Arc::new(near), file)
    }
}

/// A file that is removed at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Gives each region of the address space a part of a map, in the order of their first use.
struct Regions {
    base: SlaveBase,
    map: Master,
    starts: Mutex<Vec<u64>>,
}

impl Regions {
    /// The place of `address` in the map.
    fn place(&self, address: u64) -> u64 {
        let (start, offset) = (address - address % REGION_BYTES, address % REGION_BYTES);
        let mut starts = self.starts.lock().unwrap();
        let known = starts.iter().position(|&known| known == start);
        let index = known.unwrap_or_else(|| {
            starts.push(start);
            starts.len() - 1
        });
        index as u64 * REGION_BYTES + offset
    }

    fn carry_out(&self, tran: &Transaction, data: &mut [u8]) -> rogue_mem::error::Result<()> {
        let (mut address, mut rest) = (tran.address(), data);
        while !rest.is_empty() {
            let bytes = (REGION_BYTES - address % REGION_BYTES).min(rest.len() as u64);
            let (part, after) = rest.split_at_mut(bytes as usize);
            let place = self.place(address);
            match tran.ty() {
                TransactionType::Write | TransactionType::Post => self.map.write(place, part)?,
                _ => part.copy_from_slice(&self.map.read(place, bytes as u32)?),
            }
            (address, rest) = (address.wrapping_add(bytes), after);
        }
        Ok(())
    }
}

impl Slave for Regions {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let Some(outcome) = tran.data().map(|mut data| self.carry_out(tran, &mut data)) else {
            return;
        };
        match outcome {
            Ok(()) => tran.done(),
            Err(error) => tran.error(error.text()),
        }
    }
}
