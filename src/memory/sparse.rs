//! Byte memory over the whole 64-bit address space, allocated in pages.

use std::collections::{HashMap, TryReserveError};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use super::access::check_range;
use crate::sync::Mutex;

/// Memory is allocated in pages of this many bytes.
pub const PAGE_BYTES: usize = 0x1000;
const PAGE_MASK: u64 = PAGE_BYTES as u64 - 1;

/// Neighbouring pages found by one lookup.
const GROUP_PAGES: usize = 64;
const GROUP_BYTES: u64 = (GROUP_PAGES * PAGE_BYTES) as u64;

type Page = Box<[u8; PAGE_BYTES]>;
/// Neighbouring pages; some may not be allocated.
type Group = [Option<Page>; GROUP_PAGES];

/// A newly allocated page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewPage {
    /// Its address.
    pub address: u64,
    /// Number of pages allocated now.
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

/// Sparse byte memory. Bytes that were never written read as zero; an access beyond 2^64 is an
/// error. Thread-safe: each access is atomic.
#[derive(Default)]
pub struct SparseMemory {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    /// By number: the address divided by the size of a group.
    groups: HashMap<u64, Box<Group>, GroupHash>,
    count: u64,
}

impl Pages {
    fn group(&self, address: u64) -> Option<&Group> {
        self.groups.get(&(address / GROUP_BYTES)).map(|group| &**group)
    }

    /// The page at `address`, allocated if necessary and then reported in `fresh`.
    fn make(&mut self, address: u64, fresh: &mut Vec<NewPage>) -> Result<&mut Page, String> {
        let failed = |error: TryReserveError| {
            format!("No memory for the emulated block at 0x{address:x}: {error}")
        };
        let number = address / GROUP_BYTES;
        self.groups.try_reserve(1).map_err(failed)?;
        let make_group = || Box::new([const { None }; GROUP_PAGES]);
        let group = self.groups.entry(number).or_insert_with(make_group);
        let place = &mut group[index_in_group(address)];
        if place.is_none() {
            *place = Some(zeroed_page().map_err(failed)?);
            self.count += 1;
            fresh.push(NewPage { address, pages_count: self.count });
        }
        Ok(place.as_mut().expect("allocated above"))
    }
}

fn index_in_group(address: u64) -> usize {
    (address % GROUP_BYTES) as usize / PAGE_BYTES
}

/// Hashes group numbers by a multiplication with a random odd factor, which differs between
/// memories: a peer that chooses the addresses cannot make them collide.
struct GroupHash {
    factor: u64,
}

impl Default for GroupHash {
    fn default() -> GroupHash {
        GroupHash { factor: RandomState::new().hash_one(0_u64) | 1 }
    }
}

impl BuildHasher for GroupHash {
    type Hasher = GroupHasher;

    fn build_hasher(&self) -> GroupHasher {
        GroupHasher { factor: self.factor, hash: 0 }
    }
}

struct GroupHasher {
    factor: u64,
    hash: u64,
}

impl Hasher for GroupHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // Both halves of the product: the table needs the upper and the lower bits spread.
        let product = u128::from(self.hash ^ number) * u128::from(self.factor);
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
        self.pages.lock().count * PAGE_BYTES as u64
    }

    /// Reads `bytes.len()` bytes from `address` on. Allocates nothing.
    ///
    /// # Errors
    ///
    /// A text, if they do not all lie within the address space.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), String> {
        check_range(address, bytes.len() as u64)?;
        let pages = self.pages.lock();
        if bytes.len() <= PAGE_BYTES - (address & PAGE_MASK) as usize {
            // Most accesses are to one page.
            let group = pages.group(address);
            let page = group.and_then(|group| group[index_in_group(address)].as_ref());
            read_page(page, (address & PAGE_MASK) as usize, bytes);
            return Ok(());
        }
        let mut rest = bytes;
        let mut address = address;
        while !rest.is_empty() {
            let group = pages.group(address);
            // Up to the end of the group without another lookup.
            let count = rest.len().min((GROUP_BYTES - address % GROUP_BYTES) as usize);
            let (now, later) = rest.split_at_mut(count);
            read_group(group, address, now);
            // After the last piece this may be 2^64.
            address = address.wrapping_add(count as u64);
            rest = later;
        }
        Ok(())
    }

    /// Writes `bytes` from `address` on and returns the newly allocated pages.
    ///
    /// # Errors
    ///
    /// A text: if they do not all lie within the address space, nothing is written; if there is no
    /// memory for a new page, the bytes before that page are written.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<Vec<NewPage>, String> {
        check_range(address, bytes.len() as u64)?;
        let mut fresh = Vec::new();
        let mut pages = self.pages.lock();
        for (page, within, range) in pieces(address, bytes.len()) {
            let part = &bytes[range];
            let memory = pages.make(page, &mut fresh)?;
            memory[within..within + part.len()].copy_from_slice(part);
        }
        Ok(fresh)
    }
}

/// Reads from `address` on, up to the end of its group at most.
fn read_group(group: Option<&Group>, address: u64, bytes: &mut [u8]) {
    let Some(group) = group else { return bytes.fill(0) };
    for (page, within, range) in pieces(address, bytes.len()) {
        read_page(group[index_in_group(page)].as_ref(), within, &mut bytes[range]);
    }
}

/// Reads from offset `within` of a page, which may not be allocated.
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
    Ok(memory.into_boxed_slice().try_into().expect("it has the size of a page"))
}

/// The (page address, offset in the page, range of the access) of each page of an access of `len`
/// bytes, in ascending order.
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
    fn bytes_never_written_read_as_zero_and_take_no_memory() {
        let memory = SparseMemory::new();
        let mut bytes = [0xEE; 64];
        memory.read(0xFFFF_FFFF_FFFF_FFC0, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 64]);
        assert_eq!(memory.allocated_bytes(), 0);
    }

    #[test]
    fn groups_at_any_distance_from_each_other_spread_over_both_ends_of_the_hash() {
        // The factors are random, but the same each time: some few of all there are would not do.
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for stride_bits in 0..46 {
            let hash = GroupHash { factor: rng.random::<u64>() | 1 };
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
    fn f03_an_access_over_the_end_of_the_address_space_does_nothing() {
        let memory = SparseMemory::new();
        for size in [3, 4, 2 * PAGE_BYTES, GROUP_BYTES as usize + 1] {
            let text = memory.write(u64::MAX - 1, &vec![1; size]).unwrap_err();
            assert!(text.ends_with("there are 2 bytes from there on"), "{text}");
            let mut bytes = vec![7; size];
            assert!(memory.read(u64::MAX - 1, &mut bytes).is_err());
            assert_eq!(bytes, vec![7; size]);
        }
        assert_eq!(memory.allocated_bytes(), 0);
        let fresh = memory.write(u64::MAX - 1, &[1, 2]).unwrap();
        assert_eq!(fresh, [NewPage { address: u64::MAX - 0xFFF, pages_count: 1 }]);
        let mut bytes = [0; PAGE_BYTES + 2];
        memory.read(u64::MAX - 1 - PAGE_BYTES as u64, &mut bytes).unwrap();
        assert_eq!(bytes[PAGE_BYTES..], [1, 2]);
    }

    #[test]
    fn agrees_with_plain_memory_whatever_the_addresses_and_sizes() {
        const BYTES: u64 = 5 * PAGE_BYTES as u64;
        const BASE: u64 = 0u64.wrapping_sub(BYTES);
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let memory = SparseMemory::new();
        let mut model = vec![0; BYTES as usize];
        for _ in 0..2000 {
            let offset = rng.random_range(0..BYTES) as usize;
            let count = rng.random_range(0..=(BYTES as usize - offset).min(6000));
            let address = BASE + offset as u64;
            let mut bytes = vec![0; count];
            if rng.random() {
                rng.fill_bytes(&mut bytes);
                memory.write(address, &bytes).unwrap();
                model[offset..offset + count].copy_from_slice(&bytes);
            } else {
                memory.read(address, &mut bytes).unwrap();
                assert_eq!(bytes, model[offset..offset + count], "{count} at {offset}");
            }
        }
    }
}
