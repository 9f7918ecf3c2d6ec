//! Ids that this process assigns, and hash tables keyed by them.

use std::collections::{HashMap, TryReserveError};
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::FxBuildHasher;

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
pub(crate) type IdMap<V, K = u32> = HashMap<K, V, FxBuildHasher>;

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

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn ids_that_count_up_spread_over_both_ends_of_the_hash() {
        let hash = |id: u32| FxBuildHasher.hash_one(id) as usize;
        // The bits that a table uses.
        for shift in [0, usize::BITS - 7] {
            let mut hits = [0; 128];
            (0..12_800).for_each(|id| hits[hash(id) >> shift & 127] += 1);
            assert!(hits.iter().all(|&count| (20..500).contains(&count)), "{shift}: {hits:?}");
        }
    }
}
