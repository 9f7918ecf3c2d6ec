//! Which pending transactions a slave's answers have refreshed, at a cost that does not depend on
//! how many there are.
//!
//! An answer proves that the link lives: it moves the deadline of every transaction that started
//! at the same time as the answered one or later. Instead of visiting those, the answer is noted
//! here as (start of the answered one, time of the answer), and whoever waits for a transaction
//! asks for the latest answer that concerns it. A note makes all notes with a later start
//! superfluous, so the list is sorted by start and by time at once.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Time;

/// Answers closer together than this share one note; a deadline is late by no more than this.
const COALESCE: Duration = Duration::from_micros(500);
/// Notes kept at most; the two oldest are merged beyond it, which can only lengthen a deadline.
const NOTES_COUNT_MAX: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Note {
    /// Earliest start this note refreshes.
    start: Time,
    /// When the first answer of this note came.
    first: Time,
    /// When its latest answer came.
    last: Time,
}

/// The answers of one slave, as far as they matter for deadlines.
#[derive(Debug, Default)]
pub struct Activity {
    notes: VecDeque<Note>,
}

impl Activity {
    /// Notes that a transaction started at `start` was answered at `now`.
    pub fn answered(&mut self, start: Time, now: Time) {
        while self.notes.back().is_some_and(|note| note.start >= start) {
            self.notes.pop_back();
        }
        if let Some(note) = self.notes.back_mut() {
            if now.since(note.first) < COALESCE {
                note.last = now;
                return;
            }
        }
        self.notes.push_back(Note { start, first: now, last: now });
        if self.notes.len() > NOTES_COUNT_MAX {
            let oldest = self.notes.pop_front().expect("more than one note");
            self.notes[0].start = oldest.start;
        }
    }

    /// When the latest answer came that refreshes a transaction started at `start`.
    pub fn latest(&self, start: Time) -> Option<Time> {
        let later = self.notes.partition_point(|note| note.start <= start);
        later.checked_sub(1).map(|index| self.notes[index].last)
    }

    /// Forgets the notes that can no longer matter: those before `horizon`, the present minus the
    /// longest timeout in use.
    pub fn prune(&mut self, horizon: Time) {
        while self.notes.front().is_some_and(|note| note.last < horizon) {
            self.notes.pop_front();
        }
    }

    /// Forgets everything; right when no transaction is pending.
    pub fn clear(&mut self) {
        self.notes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    fn ms(n: u64) -> Time {
        Time(n * 1_000_000)
    }

    #[test]
    fn an_answer_refreshes_what_started_with_it_or_later_and_nothing_earlier() {
        let mut activity = Activity::default();
        activity.answered(ms(10), ms(100));
        assert_eq!(activity.latest(ms(9)), None);
        assert_eq!(activity.latest(ms(10)), Some(ms(100)));
        assert_eq!(activity.latest(ms(90)), Some(ms(100)));
        activity.answered(ms(5), ms(200));
        assert_eq!(activity.latest(ms(7)), Some(ms(200)));
        assert_eq!(activity.notes.len(), 1, "the later start is covered by the newer answer");
    }

    #[test]
    fn agrees_with_visiting_every_transaction_to_within_the_coalescing_time() {
        for seed in 0..50 {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let mut activity = Activity::default();
            let mut all: Vec<(Time, Time)> = Vec::new();
            let mut now = Time(1_000_000_000);
            for _ in 0..400 {
                now = now + Duration::from_micros(rng.random_range(0..900));
                let start = now - Duration::from_micros(rng.random_range(0..20_000));
                activity.answered(start, now);
                all.push((start, now));
                let probe = now - Duration::from_micros(rng.random_range(0..25_000));
                let exact = all.iter().filter(|a| a.0 <= probe).map(|a| a.1).max();
                let noted = activity.latest(probe);
                assert_eq!(exact.is_some(), noted.is_some(), "seed {seed}");
                if let (Some(exact), Some(noted)) = (exact, noted) {
                    assert!(noted >= exact, "seed {seed}: a deadline came early");
                    assert!(noted.since(exact) <= COALESCE, "seed {seed}: {noted:?} {exact:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_life_in_order_keeps_a_bounded_number_of_notes() {
        let mut activity = Activity::default();
        for n in 0..3 * NOTES_COUNT_MAX as u64 {
            activity.answered(ms(n), ms(n + 1));
        }
        assert_eq!(activity.notes.len(), NOTES_COUNT_MAX);
        assert!(activity.latest(ms(0)).is_some(), "merging never takes a refresh away");
        activity.prune(ms(3 * NOTES_COUNT_MAX as u64 - 10));
        assert!(activity.notes.len() <= 11);
    }
}
