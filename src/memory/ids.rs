//! Ids that this process assigns, and hash tables keyed by them.

use std::collections::{HashMap, TryReserveError};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

/// The next id of `counter`, which counts by `step`, and wraps. Never 0.
pub(super) fn next_id(counter: &AtomicU32, step: u32) -> u32 {
    loop {
        match counter.fetch_add(step, Ordering::Relaxed) {
            0 => {}
            id => return id,
        }
    }
}

/// A hash table keyed by ids of our own. Not for keys that a peer chooses, which could be chosen to
/// collide.
pub(crate) type IdMap<V, K = u32> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Makes room in `map` for one more entry. Entries that are then removed and inserted again need no
/// memory: a table that is half empty is put in order where it is.
pub(crate) fn try_reserve_one<V, K: Eq + Hash>(
    map: &mut IdMap<V, K>,
) -> Result<(), TryReserveError> {
    match map.capacity() > 2 * map.len() + 1 {
        true => Ok(()),
        false => map.try_reserve(map.len() + 2),
    }
}

/// Hashes consecutive ids by one multiplication.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(u32::from(byte)));
    }

    fn write_u32(&mut self, id: u32) {
        self.write_usize(id as usize);
    }

    fn write_usize(&mut self, id: usize) {
        // 2^64 divided by the golden ratio; the table uses the upper bits as well as the lower.
        self.0 = (self.0 ^ id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_count_up_spread_over_both_ends_of_the_hash() {
        let hash = |id: u32| {
            let mut hasher = IdHasher::default();
            hasher.write_u32(id);
            hasher.finish()
        };
        for shift in [0, 57] {
            let mut hits = [0; 128];
            (0..12_800).for_each(|id| hits[(hash(id) >> shift) as usize & 127] += 1);
            assert!(hits.iter().all(|&count| (20..500).contains(&count)), "{shift}: {hits:?}");
        }
    }
}
