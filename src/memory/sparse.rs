//! Byte memory over the whole 64-bit address space, allocated in pages.

use std::collections::hash_map::Entry;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use super::access::check_range;
use crate::debug::impl_debug;
use crate::process::{inherited_text, memory_share, Generation};
use crate::sync::{Mutex, MutexGuard};

/// Memory is allocated in pages of this many bytes.
pub const PAGE_BYTES: usize = 0x1000;
const PAGE_MASK: u64 = PAGE_BYTES as u64 - 1;

/// Neighbouring pages found by one lookup.
const GROUP_PAGES: usize = 64;
const GROUP_BYTES: u64 = (GROUP_PAGES * PAGE_BYTES) as u64;

type Page = Box<[u8; PAGE_BYTES]>;
/// Neighbouring pages; some may not be allocated.
type Group = [Option<Page>; GROUP_PAGES];

/// What a group costs besides its pages: its places, and its entry in the table, which may be half
/// empty.
const GROUP_COST_BYTES: u64 = (size_of::<Group>() + 64) as u64;

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
/// error, and so is a write that needs more memory than is allowed. Thread-safe: each access is
/// atomic. In a child by `fork` that of the parent is out of reach: an access is an error.
pub struct SparseMemory {
    generation: Generation,
    pages: Mutex<Pages>,
    bytes_max: u64,
}

impl_debug!(SparseMemory, memory => { bytes_max: memory.bytes_max });

impl Default for SparseMemory {
    fn default() -> SparseMemory {
        SparseMemory::new()
    }
}

#[derive(Default)]
struct Pages {
    /// By number: the address divided by the size of a group.
    groups: HashMap<u64, Box<Group>, GroupHash>,
    count: u64,
}

impl Pages {
    #[inline]
    fn group(&self, address: u64) -> Option<&Group> {
        self.groups.get(&(address / GROUP_BYTES)).map(|group| &**group)
    }

    /// Memory in use, with the tables that lead to it.
    fn held_bytes(&self) -> u64 {
        self.count * PAGE_BYTES as u64 + self.groups.len() as u64 * GROUP_COST_BYTES
    }

    /// What [`held_bytes`](Self::held_bytes) grows by if these are written.
    fn missing_bytes(&self, address: u64, count: usize) -> u64 {
        let (mut missing, mut absent) = (0, None);
        for (page, ..) in pieces(address, count) {
            let group = self.group(page);
            if group.is_some_and(|group| group[index_in_group(page)].is_some()) {
                continue;
            }
            missing += PAGE_BYTES as u64;
            if group.is_none() && absent.replace(page / GROUP_BYTES) != Some(page / GROUP_BYTES) {
                missing += GROUP_COST_BYTES;
            }
        }
        missing
    }

    /// Whether a write has room within `bytes_max`. Only near the limit are the missing pages
    /// counted.
    fn has_room(&self, address: u64, count: usize, bytes_max: u64) -> bool {
        let most = (count / PAGE_BYTES + 2) as u64 * (PAGE_BYTES as u64 + GROUP_COST_BYTES);
        let held = self.held_bytes();
        held.saturating_add(most) <= bytes_max
            || held.saturating_add(self.missing_bytes(address, count)) <= bytes_max
    }

    /// The page at `address`, allocated if necessary and then reported in `fresh`; `None` if there is
    /// no memory for it.
    fn make(&mut self, address: u64, fresh: &mut Vec<NewPage>) -> Option<&mut Page> {
        self.groups.try_reserve(1).ok()?;
        let group = match self.groups.entry(address / GROUP_BYTES) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(filled(|| None)?),
        };
        let place = &mut group[index_in_group(address)];
        if place.is_none() {
            fresh.try_reserve(1).ok()?;
            *place = Some(filled(|| 0)?);
            self.count += 1;
            fresh.push(NewPage { address, pages_count: self.count });
        }
        place.as_mut()
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
    /// Empty memory of at most the default size: a quarter of what the process may have, and 1 GiB.
    pub fn new() -> SparseMemory {
        SparseMemory::with_limit(0)
    }

    /// Empty memory that takes at most `bytes_max` bytes, tables included; 0 for the default.
    pub fn with_limit(bytes_max: u64) -> SparseMemory {
        let bytes_max = if bytes_max == 0 { memory_share() } else { bytes_max };
        SparseMemory { generation: Generation::current(), pages: Mutex::default(), bytes_max }
    }

    /// The most bytes that it takes, tables included.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Bytes of memory in use, in whole pages.
    pub fn allocated_bytes(&self) -> u64 {
        let pages = self.pages.lock_own(self.generation);
        pages.map_or(0, |pages| pages.count * PAGE_BYTES as u64)
    }

    #[inline]
    fn own_pages(&self) -> Result<MutexGuard<'_, Pages>, String> {
        let pages = self.pages.lock_own(self.generation);
        pages.ok_or_else(|| inherited_text("The emulated memory"))
    }

    /// Reads `bytes.len()` bytes from `address` on. Allocates nothing.
    ///
    /// # Errors
    ///
    /// A text, if they do not all lie within the address space, or the memory is the parent
    /// process's.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), String> {
        check_range(address, bytes.len() as u64)?;
        let pages = self.own_pages()?;
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
    /// A text: if they do not all lie within the address space, there is no room for new pages, or
    /// the memory is the parent process's, nothing is written; if the system has no memory for a
    /// page, the bytes before it are written.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<Vec<NewPage>, String> {
        check_range(address, bytes.len() as u64)?;
        let mut fresh = Vec::new();
        let mut pages = self.own_pages()?;
        if !pages.has_room(address, bytes.len(), self.bytes_max) {
            return Err(self.full_text(&pages, address, bytes.len()));
        }
        for (page, within, range) in pieces(address, bytes.len()) {
            let part = &bytes[range];
            let Some(memory) = pages.make(page, &mut fresh) else {
                return Err(format!(
                    "The system has no memory for the page at 0x{page:x} of the emulated memory, \
                     which holds {} bytes: write to fewer addresses, or limit memory_bytes_max",
                    pages.held_bytes()
                ));
            };
            memory[within..within + part.len()].copy_from_slice(part);
        }
        Ok(fresh)
    }

    #[cold]
    fn full_text(&self, pages: &Pages, address: u64, count: usize) -> String {
        format!(
            "The emulated memory has no room for {count} bytes at 0x{address:x}: it holds {} bytes, \
             and {} are allowed: write to fewer addresses, or raise memory_bytes_max",
            pages.held_bytes(),
            self.bytes_max
        )
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

/// An array, each value of it made by `make`; `None` if there is no memory for it.
fn filled<T, const COUNT: usize>(make: fn() -> T) -> Option<Box<[T; COUNT]>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(COUNT).ok()?;
    memory.resize_with(COUNT, make);
    memory.into_boxed_slice().try_into().ok()
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
    fn a_write_beyond_the_limit_is_refused_whole_and_says_what_to_do() {
        let page = PAGE_BYTES as u64;
        let memory = SparseMemory::with_limit(2 * page + GROUP_COST_BYTES);
        memory.write(0, &[1; PAGE_BYTES]).unwrap();
        let text = memory.write(2 * page - 1, &[2; PAGE_BYTES + 2]).unwrap_err();
        assert!(text.contains("no room for 4098 bytes at 0x1fff"), "{text}");
        assert!(text.contains("raise memory_bytes_max"), "{text}");
        assert_eq!(memory.allocated_bytes(), page, "nothing of it was written");
        memory.write(page, &[3; PAGE_BYTES]).unwrap();
        memory.write(0, &[4; 2 * PAGE_BYTES]).unwrap();
        assert!(memory.write(2 * page, &[5]).is_err());
        let mut bytes = [0; 2 * PAGE_BYTES + 1];
        memory.read(0, &mut bytes).unwrap();
        assert!(bytes[..2 * PAGE_BYTES] == [4; 2 * PAGE_BYTES] && bytes[2 * PAGE_BYTES] == 0);
    }

    #[test]
    fn scattered_writes_take_no_more_than_the_limit_tables_included() {
        const LIMIT: u64 = 1 << 20;
        for stride in [0x1_0000, 0x10_0000, 1 << 40] {
            let memory = SparseMemory::with_limit(LIMIT);
            let written = (0..1000).take_while(|n| memory.write(n * stride, &[1; 4]).is_ok());
            let pages = written.count() as u64;
            let groups = if stride < GROUP_BYTES { pages / 4 } else { pages };
            let held = pages * PAGE_BYTES as u64 + groups * GROUP_COST_BYTES;
            assert!((LIMIT - PAGE_BYTES as u64 - 2 * GROUP_COST_BYTES..=LIMIT).contains(&held));
            assert_eq!(memory.allocated_bytes(), pages * PAGE_BYTES as u64);
        }
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
