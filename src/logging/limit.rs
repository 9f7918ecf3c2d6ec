//! Rate limits for messages that peers can cause: a misbehaving peer must not fill a disk.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::time::Duration;

use super::Level;
use crate::clock::Time;
use crate::peer::Origin;
use crate::sync::{Mutex, MutexGuard};

/// Messages from one place in the code, about one peer, that pass in a [`PERIOD`]; the rest is
/// counted.
pub(super) const MESSAGES_PASSED_MAX: u32 = 10;
pub(super) const PERIOD: Duration = Duration::from_secs(10);
/// Places and peers with a window of their own; all others share one.
const KEYS_COUNT_MAX: usize = 1024;

/// The place in the code and the name of the logger, both as numbers, and the peer.
pub(super) type LimitKey = (usize, u64, Option<Origin>);
const OTHERS: LimitKey = (0, 0, None);

/// The recent messages of one key.
struct Window {
    since: Time,
    passed: u32,
    suppressed: u64,
    name: String,
    level: Level,
    /// The latest text that passed.
    text: String,
}

/// A summary of suppressed messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) level: Level,
    pub(super) text: String,
}

/// The decision about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It passes, after the summary of earlier suppressed messages.
    Pass(Option<Summary>),
    /// It is counted. The first one after a summary schedules the next summary.
    Suppress { is_first: bool },
}

/// The open windows.
pub(super) struct RateLimits(BTreeMap<LimitKey, Window>);

static LIMITS: Mutex<RateLimits> = Mutex::of_process(RateLimits(BTreeMap::new()));

/// The lock that a fork takes.
pub(super) fn lock() -> MutexGuard<'static, RateLimits> {
    LIMITS.lock()
}

/// The key of a message logged at `place` under `name` about `peer`.
pub(super) fn key(place: &'static Location<'static>, name: &str, peer: Option<Origin>) -> LimitKey {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    (std::ptr::from_ref(place) as usize, hasher.finish(), peer)
}

/// Judges a message at `now`.
pub(super) fn judge(key: LimitKey, name: &str, level: Level, now: Time) -> Verdict {
    lock().judge(key, name, level, now)
}

/// Keeps the text of a message that passes, for the next summary.
pub(super) fn keep_text(key: LimitKey, text: &str) {
    lock().keep_text(key, text);
}

/// Takes the summaries that are due by `now`, and returns when the next one is due.
pub(super) fn summaries(now: Time) -> (Vec<Summary>, Option<Time>) {
    lock().summaries(now)
}

impl Window {
    fn is_over(&self, now: Time) -> bool {
        now >= self.since + PERIOD
    }

    fn summary(&self) -> Option<Summary> {
        let Window { suppressed, text, .. } = self;
        (*suppressed > 0).then(|| Summary {
            name: self.name.clone(),
            level: self.level,
            text: format!("{text} ... and {suppressed} more like this in {} s", PERIOD.as_secs()),
        })
    }
}

impl RateLimits {
    /// In a child by `fork`: the parent reports its suppressed messages.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn judge(&mut self, key: LimitKey, name: &str, level: Level, now: Time) -> Verdict {
        let key = if self.0.contains_key(&key) || self.has_room(now) { key } else { OTHERS };
        let window = self.0.entry(key).or_insert_with(|| Window {
            since: now,
            passed: 0,
            suppressed: 0,
            name: name.to_owned(),
            level,
            text: String::new(),
        });
        let mut summary = None;
        if window.is_over(now) {
            summary = window.summary();
            (window.since, window.passed, window.suppressed) = (now, 0, 0);
        }
        if window.passed < MESSAGES_PASSED_MAX {
            window.passed += 1;
            return Verdict::Pass(summary);
        }
        window.suppressed += 1;
        Verdict::Suppress { is_first: window.suppressed == 1 }
    }

    fn keep_text(&mut self, key: LimitKey, text: &str) {
        let key = if self.0.contains_key(&key) { key } else { OTHERS };
        if let Some(window) = self.0.get_mut(&key) {
            text.clone_into(&mut window.text);
        }
    }

    fn has_room(&mut self, now: Time) -> bool {
        if self.0.len() >= KEYS_COUNT_MAX {
            self.0.retain(|_, window| window.suppressed > 0 || !window.is_over(now));
        }
        self.0.len() < KEYS_COUNT_MAX
    }

    fn summaries(&mut self, now: Time) -> (Vec<Summary>, Option<Time>) {
        let mut found = Vec::new();
        self.0.retain(|_, window| {
            let is_over = window.is_over(now);
            if is_over {
                found.extend(window.summary());
            }
            !is_over
        });
        let waiting = self.0.values().filter(|window| window.suppressed > 0);
        (found, waiting.map(|window| window.since + PERIOD).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::default() + Duration::from_secs(seconds)
    }

    fn about(place: usize, peer: u8) -> LimitKey {
        (place, 0, Some(Origin::Ip([10, 0, 0, peer].into())))
    }

    #[test]
    fn f16_repeated_messages_are_counted_for_each_place_and_peer() {
        let mut limits = RateLimits(BTreeMap::new());
        let mut judge = |key, now| limits.judge(key, "name", Level::WARNING, now);
        for _ in 0..MESSAGES_PASSED_MAX {
            assert_eq!(judge(about(1, 1), at(0)), Verdict::Pass(None));
        }
        assert_eq!(judge(about(1, 1), at(1)), Verdict::Suppress { is_first: true });
        for _ in 0..1233 {
            assert_eq!(judge(about(1, 1), at(2)), Verdict::Suppress { is_first: false });
        }
        assert_eq!(judge(about(2, 1), at(2)), Verdict::Pass(None), "another message");
        assert_eq!(judge(about(1, 2), at(2)), Verdict::Pass(None), "another peer");
        assert_eq!(limits.summaries(at(9)), (vec![], Some(at(10))));
        let (summaries, due) = limits.summaries(at(10));
        assert_eq!((summaries.len(), due), (1, None));
        assert!(summaries[0].text.ends_with("... and 1234 more like this in 10 s"));
        assert_eq!(limits.judge(about(1, 1), "name", Level::WARNING, at(10)), Verdict::Pass(None));
    }

    #[test]
    fn f16_a_summary_comes_before_the_message_that_begins_the_next_window() {
        let mut limits = RateLimits(BTreeMap::new());
        for _ in 0..=MESSAGES_PASSED_MAX {
            limits.judge(about(1, 1), "name", Level::ERROR, at(0));
        }
        let Verdict::Pass(Some(summary)) = limits.judge(about(1, 1), "name", Level::ERROR, at(11))
        else {
            panic!("no summary");
        };
        assert!(summary.text.ends_with("... and 1 more like this in 10 s"), "{summary:?}");
        assert_eq!(limits.summaries(at(12)), (vec![], None));
    }

    #[test]
    fn f16_places_and_peers_beyond_the_limit_share_one_window() {
        let mut limits = RateLimits(BTreeMap::new());
        let asked = 8 * KEYS_COUNT_MAX;
        let suppressed = (1..=asked)
            .filter(|&place| {
                let verdict = limits.judge((place, 0, None), "name", Level::ERROR, at(0));
                matches!(verdict, Verdict::Suppress { .. })
            })
            .count();
        assert!(limits.0.len() <= KEYS_COUNT_MAX + 1, "{} windows", limits.0.len());
        assert_eq!(suppressed, asked - KEYS_COUNT_MAX - MESSAGES_PASSED_MAX as usize);
        limits.keep_text((asked + 1, 0, None), "one of them");
        let (summaries, _) = limits.summaries(at(10));
        let texts: Vec<_> = summaries.iter().map(|summary| summary.text.as_str()).collect();
        assert_eq!(texts.len(), 1);
        assert!(texts[0].starts_with(&format!("one of them ... and {suppressed} ")), "{texts:?}");
    }
}
