//! Recycled buffers: allocation is costly, and large buffers fault on first touch.

use std::time::Duration;

use crate::clock::Time;
use crate::headroom::{self, NoMemory};
use crate::sync::Mutex;

/// Capacity of the largest buffer among the small ones.
const SMALL_BYTES_MAX: usize = 4096;
const SMALL_COUNT_MAX: usize = 1024;
/// Upper bound on the capacity of all larger ones together.
const LARGE_BYTES_MAX: usize = 64 << 20;
const LARGE_COUNT_MAX: usize = 64;
/// Capacity of larger ones up to which an idle server does not wake up to free them.
const LARGE_BYTES_MIN: usize = 256 * 1024;
/// How long an unused capacity above that is kept.
const LARGE_KEPT_TIME: Duration = Duration::from_secs(2);
/// A larger buffer serves requests for at least this fraction of its capacity.
const LARGE_USED_PART_MIN: usize = 2;
/// Capacity for the data of a write before any of it has arrived.
const ARRIVING_FIRST_BYTES: usize = 64 * 1024;
/// Growth of the capacity when it is full, as a factor.
const ARRIVING_GROWTH: usize = 4;

/// Capacity of the smallest spare buffer.
pub const SPARE_BYTES_MIN: usize = 64 * 1024;
/// Capacity of the largest one.
const SPARE_BYTES_MAX: usize = 4 << 20;
/// Number of spare buffers for all connections of the process together.
const SPARE_COUNT_MAX: usize = 4;
/// A spare buffer serves for at least this fraction of its capacity.
const SPARE_USED_PART_MIN: usize = 4;

/// Buffers for what is sealed, which needs memory only from then until it has been sent, whichever
/// connection that is.
static SPARES: Mutex<Vec<Vec<u8>>> = Mutex::of_process(Vec::new());

/// An empty buffer for `size` bytes, if there is a spare one and no other thread is looking for one.
pub fn spare(size: usize) -> Vec<u8> {
    let Some(mut spares) = SPARES.try_lock() else { return Vec::new() };
    let fits = |buffer: &Vec<u8>| {
        buffer.capacity() >= size && buffer.capacity() / SPARE_USED_PART_MIN <= size
    };
    let found = spares.iter().rposition(fits).map(|index| spares.remove(index));
    found.unwrap_or_default()
}

/// Keeps a buffer for [`spare`], or frees it.
pub fn keep_spare(mut buffer: Vec<u8>) {
    buffer.clear();
    if !(SPARE_BYTES_MIN..=SPARE_BYTES_MAX).contains(&buffer.capacity()) {
        return;
    }
    let Some(mut spares) = SPARES.try_lock() else { return };
    spares.push(buffer);
    let unused = (spares.len() > SPARE_COUNT_MAX).then(|| spares.remove(0));
    drop(spares);
    drop(unused);
}

/// Frees all of them.
pub fn free_spares() {
    let spares = SPARES.try_lock().map(|mut spares| std::mem::take(&mut *spares));
    drop(spares);
}

/// The buffers.
pub struct BufferPool {
    small: Vec<Vec<u8>>,
    /// In order of their return.
    large: Vec<Vec<u8>>,
    large_bytes: usize,
    large_bytes_max: usize,
    /// When the latest of them was returned.
    large_since: Time,
}

impl Default for BufferPool {
    fn default() -> BufferPool {
        BufferPool::limited(LARGE_BYTES_MAX)
    }
}

impl BufferPool {
    /// Keeps larger buffers of at most that many bytes together, and never more than by default.
    pub fn limited(large_bytes_max: usize) -> BufferPool {
        BufferPool {
            small: Vec::new(),
            large: Vec::new(),
            large_bytes: 0,
            large_bytes_max: large_bytes_max.min(LARGE_BYTES_MAX),
            large_since: Time::default(),
        }
    }

    /// A buffer of `size` zeros.
    pub fn zeroed(&mut self, size: usize) -> Result<Vec<u8>, NoMemory> {
        let mut buffer = self.used(size);
        buffer.clear();
        headroom::reserve_exact(&mut buffer, size)?;
        buffer.resize(size, 0);
        Ok(buffer)
    }

    /// A buffer of `size` bytes with arbitrary content.
    pub fn dirty(&mut self, size: usize) -> Result<Vec<u8>, NoMemory> {
        let mut buffer = self.used(size);
        if buffer.capacity() < size {
            // Copying old content to a new place is not worth it.
            buffer.clear();
        }
        buffer.truncate(size);
        let more = size - buffer.len();
        headroom::reserve_exact(&mut buffer, more)?;
        buffer.resize(size, 0);
        Ok(buffer)
    }

    /// A buffer with these bytes.
    pub fn copied(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
        let mut buffer = self.used(bytes.len());
        buffer.clear();
        headroom::reserve_exact(&mut buffer, bytes.len())?;
        buffer.extend_from_slice(bytes);
        Ok(buffer)
    }

    /// An empty buffer for `size` bytes that are still to arrive, see [`make_room`].
    pub fn arriving(&mut self, size: usize) -> Vec<u8> {
        let mut buffer = self.used(size);
        buffer.clear();
        buffer
    }

    /// A recycled buffer for `size` bytes, possibly too small, with its old content.
    fn used(&mut self, size: usize) -> Vec<u8> {
        if size <= SMALL_BYTES_MAX {
            return if size == 0 { Vec::new() } else { self.small.pop().unwrap_or_default() };
        }
        let fits = |buffer: &Vec<u8>| {
            buffer.capacity() >= size && buffer.capacity() / LARGE_USED_PART_MIN <= size
        };
        let Some(index) = self.large.iter().rposition(fits) else { return Vec::new() };
        let buffer = self.large.remove(index);
        self.large_bytes -= buffer.capacity();
        buffer
    }

    /// Takes a buffer back.
    #[inline]
    pub fn keep(&mut self, buffer: Vec<u8>, now: Time) {
        match buffer.capacity() {
            0 => {}
            1..=SMALL_BYTES_MAX if self.small.len() < SMALL_COUNT_MAX => {
                push_if_room(&mut self.small, buffer);
            }
            1..=SMALL_BYTES_MAX => drop(buffer),
            _ => self.keep_large(buffer, now),
        }
    }

    #[inline(never)]
    fn keep_large(&mut self, buffer: Vec<u8>, now: Time) {
        let room = buffer.capacity();
        if room > self.large_bytes_max {
            return;
        }
        // The oldest make room.
        while self.large.len() >= LARGE_COUNT_MAX || self.large_bytes + room > self.large_bytes_max
        {
            self.large_bytes -= self.large.remove(0).capacity();
        }
        if push_if_room(&mut self.large, buffer) {
            self.large_bytes += room;
            self.large_since = now;
        }
    }

    /// Bytes of the larger ones. The small ones are few.
    pub fn held_bytes(&self) -> u64 {
        self.large_bytes as u64
    }

    /// Frees all of them.
    pub fn give_all_back(&mut self) {
        *self = BufferPool::limited(self.large_bytes_max);
    }

    /// When to call [`give_back`](Self::give_back).
    pub fn deadline(&self) -> Option<Time> {
        (self.large_bytes > LARGE_BYTES_MIN).then(|| self.large_since + LARGE_KEPT_TIME)
    }

    /// Frees the large buffers if none has been used for some time.
    pub fn give_back(&mut self, now: Time) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.large = Vec::new();
            self.large_bytes = 0;
        }
    }
}

/// Keeps a buffer, unless the system has no memory for the list. Returns whether it is kept.
fn push_if_room(list: &mut Vec<Vec<u8>>, buffer: Vec<u8>) -> bool {
    let has_room = list.try_reserve(1).is_ok();
    if has_room {
        list.push(buffer);
    }
    has_room
}

/// Reserves capacity in `buffer`, for which `size` bytes are announced, for `more` of them, or with
/// 0 for some of them. The capacity grows with the received bytes: an announced size alone costs
/// next to nothing.
pub fn make_room(buffer: &mut Vec<u8>, size: usize, more: usize) -> Result<(), NoMemory> {
    let needed = buffer.len().saturating_add(more.max(1));
    if buffer.capacity() >= needed {
        return Ok(());
    }
    let more = next_capacity(buffer.capacity(), needed, size) - buffer.len();
    headroom::reserve_exact(buffer, more)
}

/// The capacity after `capacity`, of a buffer for `size` bytes of which `needed` are to have room.
fn next_capacity(capacity: usize, needed: usize, size: usize) -> usize {
    let grown = capacity.saturating_mul(ARRIVING_GROWTH);
    needed.max(ARRIVING_FIRST_BYTES).max(grown).min(size).max(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Time {
        Time(n * 1_000_000)
    }

    #[test]
    fn a_used_buffer_comes_back_in_the_same_place_with_what_was_asked_for_in_it() {
        for size in [16, 100_000] {
            let mut pool = BufferPool::default();
            let mut first = pool.zeroed(size).unwrap();
            first.fill(0xEE);
            let place = first.as_ptr();
            pool.keep(first, ms(0));
            let second = pool.zeroed(size - 4).unwrap();
            assert_eq!(second.as_ptr(), place);
            assert_eq!(second, vec![0; size - 4]);
            pool.keep(second, ms(0));
            let third = pool.copied(&vec![3; size]).unwrap();
            assert_eq!(third.as_ptr(), place);
            assert_eq!(third, vec![3; size]);
            pool.keep(third, ms(0));
            let fourth = pool.dirty(size - 5).unwrap();
            assert_eq!((fourth.as_ptr(), fourth.len()), (place, size - 5));
            let fifth = pool.zeroed(size).unwrap();
            assert_ne!(fifth.as_ptr(), place, "it is in use");
            pool.keep(fourth, ms(0));
            let sixth = pool.arriving(size);
            assert_eq!((sixth.as_ptr(), sixth.len()), (place, 0));
        }
    }

    #[test]
    fn a_dirty_buffer_has_its_size_whatever_was_there_before() {
        for before in [1, 8, 4000, 5000, 9000] {
            for size in [0, 1, 9, 4096, 4097, 8000] {
                let mut pool = BufferPool::default();
                pool.keep(vec![0xEE; before], ms(0));
                assert_eq!(pool.dirty(size).unwrap().len(), size, "{before}");
            }
        }
    }

    #[test]
    fn few_small_buffers_are_kept_and_a_limited_size_of_large_ones() {
        let mut pool = BufferPool::default();
        for _ in 0..2 * SMALL_COUNT_MAX {
            pool.keep(vec![0; 8], ms(0));
            pool.keep(vec![0; SMALL_BYTES_MAX + 1], ms(0));
            pool.keep(Vec::new(), ms(0));
        }
        assert_eq!(pool.small.len(), SMALL_COUNT_MAX);
        assert!(pool.small.iter().all(|buffer| buffer.capacity() == 8));
        assert_eq!(pool.large.len(), LARGE_COUNT_MAX);
        for n in 0..5 {
            pool.keep(Vec::with_capacity(LARGE_BYTES_MAX / 3 + n), ms(0));
        }
        pool.keep(Vec::with_capacity(LARGE_BYTES_MAX + 1), ms(0));
        let kept: Vec<usize> = pool.large.iter().map(Vec::capacity).collect();
        assert_eq!(kept, [3, 4].map(|n| LARGE_BYTES_MAX / 3 + n));
        assert_eq!(pool.large_bytes, kept.iter().sum::<usize>());
    }

    #[test]
    fn a_large_buffer_is_not_given_for_little() {
        let mut pool = BufferPool::default();
        pool.keep(Vec::with_capacity(100_000), ms(0));
        assert!(pool.zeroed(49_999).unwrap().capacity() < 100_000);
        assert!(pool.zeroed(100_001).unwrap().capacity() > 100_000);
        assert_eq!(pool.zeroed(50_000).unwrap().capacity(), 100_000);
        assert!(pool.large.is_empty() && pool.large_bytes == 0);
    }

    #[test]
    fn large_buffers_are_given_back_after_a_while_without_use() {
        let mut pool = BufferPool::default();
        assert_eq!(pool.deadline(), None);
        pool.keep(vec![0; 8], ms(0));
        assert_eq!(pool.deadline(), None, "small ones stay");
        pool.keep(vec![0; 100_000], ms(1));
        assert_eq!(pool.deadline(), None, "so little is not worth a wake-up");
        pool.keep(vec![0; 200_000], ms(500));
        let deadline = ms(500) + LARGE_KEPT_TIME;
        assert_eq!(pool.deadline(), Some(deadline));
        pool.give_back(deadline - Duration::from_nanos(1));
        assert_eq!(pool.large.len(), 2);
        pool.give_back(deadline);
        assert_eq!((pool.large.len(), pool.large_bytes, pool.deadline()), (0, 0, None));
        assert_eq!(pool.small.len(), 1);
    }

    #[test]
    fn f111_a_quarter_of_all_addresses_grows_to_what_is_announced() {
        // On 32 bits that is a gibibyte.
        let quarter = usize::MAX / ARRIVING_GROWTH + 1;
        for size in [usize::MAX / 2, usize::MAX] {
            assert_eq!(next_capacity(quarter, quarter + 1, size), size);
        }
        assert_eq!(next_capacity(0, 1, 100), 100);
        assert_eq!(next_capacity(0, 1, usize::MAX), ARRIVING_FIRST_BYTES);
    }

    #[test]
    fn room_for_what_is_announced_grows_with_what_has_come() {
        let size = 64 << 20;
        let (mut buffer, mut steps) = (Vec::new(), 0);
        while buffer.len() < size {
            let (len, place) = (buffer.len(), buffer.capacity());
            make_room(&mut buffer, size, 0).unwrap();
            steps += usize::from(buffer.capacity() != place);
            assert!(buffer.capacity() <= (len * ARRIVING_GROWTH).max(ARRIVING_FIRST_BYTES));
            buffer.resize(buffer.capacity(), 1);
        }
        assert_eq!((buffer.capacity(), steps), (size, 6));
        let mut small = Vec::new();
        make_room(&mut small, 100, 30).unwrap();
        assert_eq!(small.capacity(), 100);
        make_room(&mut small, 100, 100).unwrap();
        assert_eq!(small.capacity(), 100);
    }
}
