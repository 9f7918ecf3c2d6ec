//! Which pending transactions a slave's answers have refreshed, at a cost independent of their
//! number.
//!
//! An answer proves that the link is alive: it moves the deadline of every transaction that started
//! at the same time as the answered one or later. The answer is noted here as (start of the
//! answered one, time of the answer), instead of a visit to each of those. A thread that waits for
//! a transaction asks for the latest answer that applies to it. A note makes all notes with a later
//! start superfluous, so the list is sorted by start and by time at once.
//!
//! Notes that lie close together are merged, which makes a deadline late: by [`COALESCE`] while
//! they are young, by one part in [`PRECISION`] of their age later. A note decides about a
//! transaction when it is as old as that one's timeout. So a deadline is late by at most half a
//! millisecond or a thousandth of its timeout, whatever other timeouts are in use.

use std::collections::VecDeque;
use std::time::Duration;

use super::signs::Signs;
use crate::clock::Time;

/// Answers closer together than this share one note; a deadline is late by at most this.
const COALESCE: Duration = Duration::from_micros(500);
/// Notes of age `a` may be merged if they lie within `a / PRECISION`.
const PRECISION: u32 = 1024;
/// Notes are first thinned at this number, then whenever it has doubled. Thinning leaves about
/// `2 * PRECISION` at most for each growth of their age by a factor of e.
const NOTES_COUNT_THIN_MIN: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Note {
    /// Earliest start this note refreshes.
    start: Time,
    /// When the first answer of this note arrived.
    first: Time,
    /// When its latest answer arrived.
    last: Time,
}

/// The answers of one slave, as far as deadlines depend on them.
#[derive(Debug)]
pub struct Activity {
    signs: Signs,
    notes: VecDeque<Note>,
    /// Number of notes at the next thinning.
    thin_at: usize,
}

impl Default for Activity {
    fn default() -> Activity {
        let (signs, notes) = (Signs::default(), VecDeque::new());
        Activity { signs, notes, thin_at: NOTES_COUNT_THIN_MIN }
    }
}

impl Activity {
    /// Notes an answer at `now` to a transaction started at `start`. `now` does not decrease from
    /// call to call.
    pub fn answered(&mut self, start: Time, now: Time) {
        self.signs.note(now);
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
        if self.notes.len() >= self.thin_at {
            self.thin(now);
        }
    }

    /// Merges each note into the one before it where the precision allows.
    fn thin(&mut self, now: Time) {
        let mut kept: VecDeque<Note> = VecDeque::new();
        for &note in &self.notes {
            if let Some(before) = kept.back_mut() {
                let span = COALESCE.max(now.since(before.first) / PRECISION);
                if note.last.since(before.first) <= span {
                    before.last = note.last;
                    continue;
                }
            }
            kept.push_back(note);
        }
        self.thin_at = NOTES_COUNT_THIN_MIN.max(2 * kept.len());
        self.notes = kept;
    }

    /// When the latest answer arrived that refreshes a transaction started at `start`.
    pub fn latest(&self, start: Time) -> Option<Time> {
        let later = self.notes.partition_point(|note| note.start <= start);
        later.checked_sub(1).map(|index| self.notes[index].last)
    }

    /// As [`latest`](Self::latest), unless there was a silence of `timeout` or more since `since`:
    /// a transaction that waited through it has timed out.
    pub fn latest_unbroken(&self, start: Time, since: Time, timeout: Duration) -> Option<Time> {
        self.latest(start).filter(|_| self.signs.silence_since(since) < timeout)
    }

    /// Drops the notes that no longer matter: those before `horizon`, the present minus the longest
    /// timeout in use.
    pub fn prune(&mut self, horizon: Time) {
        while self.notes.front().is_some_and(|note| note.last < horizon) {
            self.notes.pop_front();
        }
    }

    /// Drops all notes, when no transaction is pending.
    pub fn clear(&mut self) {
        self.signs.clear();
        self.notes.clear();
        self.thin_at = NOTES_COUNT_THIN_MIN;
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
    fn one_lost_among_many_answered_still_times_out() {
        // Requests go out and are answered in order, one each millisecond; the one started at
        // 500 ms is not answered. Only the answers to those before it refresh it. The last of these
        // came at 600 ms, so it is overdue when that answer is older than its timeout.
        let (timeout, delay) = (Duration::from_secs(60), Duration::from_millis(100));
        let mut activity = Activity::default();
        for n in 0..61_000 {
            let now = ms(n) + delay;
            activity.prune(now - Duration::from_secs(3600));
            if n != 500 {
                activity.answered(ms(n), now);
            }
        }
        let latest = activity.latest(ms(500)).expect("those before it were answered");
        let late = latest.since(ms(599));
        assert!(late <= timeout / PRECISION, "{late:?} late");
        assert!(ms(61_100) > latest + timeout);
    }

    #[test]
    fn a_long_life_keeps_few_notes_each_true_to_a_thousandth_of_its_age() {
        let mut activity = Activity::default();
        let mut all: Vec<Time> = Vec::new();
        let mut now = Time(1);
        let mut longest = 0;
        for n in 0..400_000_u64 {
            now = now + Duration::from_micros(501 + n / 4);
            activity.answered(now, now);
            all.push(now);
            longest = longest.max(activity.notes.len());
        }
        assert!(longest < 32_768, "{longest} notes");
        for exact in all.iter().step_by(97) {
            let noted = activity.latest(*exact).expect("thinning removes no refresh");
            assert!(noted >= *exact, "thinning only extends deadlines");
            let late = noted.since(*exact);
            assert!(late <= COALESCE.max(now.since(*exact) / (PRECISION - 1)), "{late:?}");
        }
        activity.prune(now);
        assert_eq!(activity.notes.len(), 1);
        activity.clear();
        assert_eq!(activity.latest(now), None);
    }
}
