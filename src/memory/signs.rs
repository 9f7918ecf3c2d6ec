//! The silences between signs of life.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Time;

/// Silences that are kept, each shorter than the one before: the longest that matter.
const SILENCES_COUNT_MAX: usize = 64;

/// The signs of life of one peer.
#[derive(Debug, Default)]
pub struct Signs {
    /// The latest one.
    pub latest: Time,
    /// The silences between two signs, by their ends. One followed by a longer one is dropped: a
    /// transaction that waited through it waited through the longer one too.
    silences: VecDeque<(Time, Duration)>,
}

impl Signs {
    /// Notes a sign at `now`, which does not decrease from call to call.
    pub fn note(&mut self, now: Time) {
        if now == self.latest {
            return;
        }
        let silence = now.since(self.latest);
        while self.silences.back().is_some_and(|&(_, length)| length <= silence) {
            self.silences.pop_back();
        }
        if self.silences.len() >= SILENCES_COUNT_MAX {
            self.silences.pop_front();
        }
        self.silences.push_back((now, silence));
        self.latest = now;
    }

    /// Drops all of them, and keeps the memory.
    pub fn clear(&mut self) {
        self.latest = Time::default();
        self.silences.clear();
    }

    /// The longest silence that ended after `start`, counted from `start` at the earliest.
    pub fn silence_since(&self, start: Time) -> Duration {
        let first = self.silences.partition_point(|&(end, _)| end <= start);
        let mut later =
            self.silences.range(first..).map(|&(end, length)| length.min(end.since(start)));
        // Only the first can have begun before `start`; later ones are shorter.
        later.next().max(later.next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn the_longest_silence_since_any_time_is_what_all_signs_say() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        for _ in 0..50 {
            let (mut signs, mut all) = (Signs::default(), vec![Time(0)]);
            for _ in 0..60 {
                let now = *all.last().unwrap() + Duration::from_nanos(rng.random_range(1..100));
                signs.note(now);
                all.push(now);
                let start = Time(rng.random_range(0..=now.0));
                let gaps = all.windows(2).filter(|pair| pair[1] > start);
                let exact = gaps.map(|pair| pair[1].since(pair[0].max(start))).max();
                assert_eq!(signs.silence_since(start), exact.unwrap_or_default(), "{all:?}");
            }
        }
    }
}
