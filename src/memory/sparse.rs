//! Bytes over the whole 64-bit address space, of which few are in use.

use std::collections::{HashMap, TryReserveError};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use parking_lot::Mutex;

/// Memory comes into being in pages of this many bytes.
pub const PAGE_BYTES: usize = 0x1000;
const PAGE_MASK: u64 = PAGE_BYTES as u64 - 1;

type Page = Box<[u8]>;

/// A page that came into being.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewPage {
    /// Its address.
    pub address: u64,
    /// Number of pages in use since.
    pub pages_count: u64,
}

impl fmt::Display for NewPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewPage { address, pages_count } = self;
        let size = pages_count * PAGE_BYTES as u64;
        write!(
            f,
            "Allocating block at 0x{address:x}. Total Blocks {pages_count}, Total Size = {size}"
        )
    }
}

/// Sparse byte memory. What was never written reads as zero; an access beyond 2^64 continues at 0.
/// Thread-safe: accesses follow one another, each as a whole.
#[derive(Default)]
pub struct SparseMemory {
    pages: Mutex<HashMap<u64, Page, PageHash>>,
}

/// Spreads the addresses of pages by a multiplication with an odd number that nobody knows, which
/// is random for each memory: whoever chooses the addresses cannot make them meet in one place.
struct PageHash {
    factor: u64,
}

impl Default for PageHash {
    fn default() -> PageHash {
        PageHash { factor: RandomState::new().hash_one(0_u64) | 1 }
    }
}

impl BuildHasher for PageHash {
    type Hasher = PageHasher;

    fn build_hasher(&self) -> PageHasher {
        PageHasher { factor: self.factor, hash: 0 }
    }
}

struct PageHasher {
    factor: u64,
    hash: u64,
}

impl Hasher for PageHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, page: u64) {
        // Both halves of the product: the table wants the upper bits and the lower ones spread.
        let product = u128::from(self.hash ^ page) * u128::from(self.factor);
        self.hash = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

impl SparseMemory {
    /// Empty memory.
    pub fn new() -> SparseMemory {
        SparseMemory::default()
    }

    /// Bytes of memory in use.
    pub fn allocated_bytes(&self) -> u64 {
        self.pages.lock().len() as u64 * PAGE_BYTES as u64
    }

    /// Reads `bytes.len()` bytes from `address` on. Allocates nothing.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        let pages = self.pages.lock();
        let within = (address & PAGE_MASK) as usize;
        if bytes.len() <= PAGE_BYTES - within {
            // By far the most accesses are to one page.
            return read_page(pages.get(&(address & !PAGE_MASK)), within, bytes);
        }
        for (page, within, range) in pieces(address, bytes.len()) {
            read_page(pages.get(&page), within, &mut bytes[range]);
        }
    }

    /// Writes `bytes` from `address` on and returns the pages that came into being for it.
    ///
    /// # Errors
    ///
    /// A text, where there is no memory for a new page. What lies before that page is written.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<Vec<NewPage>, String> {
        let mut fresh = Vec::new();
        let mut pages = self.pages.lock();
        for (page, within, range) in pieces(address, bytes.len()) {
            let part = &bytes[range];
            if let Some(memory) = pages.get_mut(&page) {
                memory[within..within + part.len()].copy_from_slice(part);
                continue;
            }
            let memory = zeroed_page().and_then(|memory| {
                pages.try_reserve(1)?;
                Ok(memory)
            });
            let mut memory = memory.map_err(|error| {
                format!("No memory for the emulated block at 0x{page:x}: {error}")
            })?;
            memory[within..within + part.len()].copy_from_slice(part);
            pages.insert(page, memory);
            fresh.push(NewPage { address: page, pages_count: pages.len() as u64 });
        }
        Ok(fresh)
    }
}

/// Reads from `within` a page, which may not have come into being.
fn read_page(page: Option<&Page>, within: usize, bytes: &mut [u8]) {
    match page {
        Some(page) => bytes.copy_from_slice(&page[within..within + bytes.len()]),
        None => bytes.fill(0),
    }
}

fn zeroed_page() -> Result<Page, TryReserveError> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(PAGE_BYTES)?;
    memory.resize(PAGE_BYTES, 0);
    Ok(memory.into_boxed_slice())
}

/// The (page address, offset in the page, range of the access) of each page that an access of
/// `len` bytes touches, in ascending order.
fn pieces(address: u64, len: usize) -> impl Iterator<Item = (u64, usize, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = address.wrapping_add(done as u64);
        let within = (at & PAGE_MASK) as usize;
        let start = done;
        done += (PAGE_BYTES - within).min(len - done);
        (start < len).then_some((at & !PAGE_MASK, within, start..done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, RngCore, SeedableRng};

    #[test]
    fn what_was_never_written_reads_as_zero_and_takes_no_memory() {
        let memory = SparseMemory::new();
        let mut bytes = [0xEE; 64];
        memory.read(0xFFFF_FFFF_FFFF_FFE0, &mut bytes);
        assert_eq!(bytes, [0; 64]);
        assert_eq!(memory.allocated_bytes(), 0);
    }

    #[test]
    fn pages_at_any_distance_from_each_other_spread_over_both_ends_of_the_hash() {
        for stride_bits in 12..57 {
            let hash = PageHash::default();
            for shift in [0, 57] {
                let mut hits = [0; 128];
                for n in 0..12_800_u64 {
                    let at = hash.hash_one(n.wrapping_mul(1 << stride_bits)) >> shift;
                    hits[at as usize & 127] += 1;
                }
                let worst = hits.iter().max();
                assert!(worst < Some(&2000), "2^{stride_bits} {shift} {hits:?}");
            }
        }
    }

    #[test]
    fn an_access_over_the_end_of_the_address_space_continues_at_zero() {
        let memory = SparseMemory::new();
        let fresh = memory.write(u64::MAX - 1, &[1, 2, 3, 4]).unwrap();
        let last = NewPage { address: u64::MAX - 0xFFF, pages_count: 1 };
        assert_eq!(fresh, [last, NewPage { address: 0, pages_count: 2 }]);
        let mut bytes = [0; 2];
        memory.read(0, &mut bytes);
        assert_eq!(bytes, [3, 4]);
        assert_eq!(memory.allocated_bytes(), 2 * PAGE_BYTES as u64);
    }

    #[test]
    fn agrees_with_plain_memory_whatever_the_addresses_and_sizes() {
        const BYTES: u64 = 5 * PAGE_BYTES as u64;
        const BASE: u64 = 0xFFFF_FFFF_FFFF_F000 - BYTES / 2;
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let memory = SparseMemory::new();
        let mut model = vec![0; BYTES as usize];
        for _ in 0..2000 {
            let offset = rng.random_range(0..BYTES) as usize;
            let count = rng.random_range(0..=(BYTES as usize - offset).min(6000));
            let address = BASE.wrapping_add(offset as u64);
            let mut bytes = vec![0; count];
            if rng.random() {
                rng.fill_bytes(&mut bytes);
                memory.write(address, &bytes).unwrap();
                model[offset..offset + count].copy_from_slice(&bytes);
            } else {
                memory.read(address, &mut bytes);
                assert_eq!(bytes, model[offset..offset + count], "{count} at {offset}");
            }
        }
    }
}
