//! A test once for each of many seeds.
//!
//! `ROGUE_MEM_SEEDS` sets the number of seeds, 200 by default; a long run has 10 000.
//! `ROGUE_MEM_SEED` selects one.

use std::panic::{catch_unwind, RefUnwindSafe};

const SEEDS_COUNT: u64 = 200;
/// Failing seeds after which a run ends.
const FAILURES_COUNT_MAX: usize = 20;

fn number_in(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Runs `body` for every seed, and names those that fail.
#[track_caller]
pub fn for_every_seed(body: impl Fn(u64) + RefUnwindSafe) {
    let all = 0..number_in("ROGUE_MEM_SEEDS").unwrap_or(SEEDS_COUNT);
    // One seed again, to look into it.
    let seeds = number_in("ROGUE_MEM_SEED").map_or(all, |seed| seed..seed + 1);
    let fails = |seed: &u64| catch_unwind(|| body(*seed)).is_err();
    let failed: Vec<u64> = seeds.filter(fails).take(FAILURES_COUNT_MAX).collect();
    assert!(failed.is_empty(), "these seeds fail: {failed:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "these seeds fail: [3, 5]"]
    fn every_failing_seed_is_named() {
        for_every_seed(|seed| assert!(![3, 5].contains(&seed)));
    }
}
