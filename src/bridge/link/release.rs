//! When freed memory is given back to the system.

use std::time::Duration;

use crate::clock::Time;

/// Less memory than this is not worth the work.
const BYTES_MIN: u64 = 4 << 20;
/// For at least this long little has been held; at most twice as long.
const QUIET_TIME: Duration = Duration::from_secs(2);

/// Decides from the bytes held when what has been freed is given back to the system: when for a while
/// no more than half of the most was held. Under a load that comes and goes the memory would be
/// needed again at once.
#[derive(Debug, Default)]
pub struct Release {
    /// The most that was held since the last time, or in the last interval.
    most: u64,
    /// The most in this interval.
    recent: u64,
    due: Option<Time>,
}

impl Release {
    /// `used` bytes are held.
    #[inline]
    pub fn note(&mut self, used: u64, now: impl FnOnce() -> Time) {
        self.recent = self.recent.max(used);
        self.most = self.most.max(used);
        if self.due.is_none() && self.most - used >= BYTES_MIN {
            self.begin(used, now());
        }
    }

    fn begin(&mut self, used: u64, now: Time) {
        self.recent = used;
        self.due = (self.most - used >= BYTES_MIN).then(|| now + QUIET_TIME);
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// Whether to give memory back, at `now`, when `used` bytes are held.
    pub fn timeout(&mut self, used: u64, now: Time) -> bool {
        if self.due.is_none_or(|due| now < due) {
            return false;
        }
        let is_quiet = self.recent <= self.most / 2;
        self.most = self.recent.max(used);
        self.begin(used, now);
        is_quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn ms(n: u64) -> Time {
        Time(n * 1_000_000)
    }

    #[test]
    fn what_was_needed_once_is_given_back_soon_after() {
        let mut release = Release::default();
        release.note(3 * MIB, || ms(0));
        release.note(0, || ms(1));
        assert_eq!(release.deadline(), None, "so little is not worth it");
        release.note(100 * MIB, || ms(2));
        release.note(MIB, || ms(1000));
        assert_eq!(release.deadline(), Some(ms(3000)));
        assert!(!release.timeout(MIB, ms(2999)));
        assert!(release.timeout(MIB, ms(3000)));
        assert_eq!(release.deadline(), None, "once");
    }

    #[test]
    fn what_is_needed_now_and_then_is_kept() {
        let mut release = Release::default();
        for second in 0..20 {
            release.note(100 * MIB, || ms(1000 * second));
            release.note(0, || ms(1000 * second + 1));
            assert!(!release.timeout(0, ms(1000 * second + 500)));
        }
        // The last load was at 19 s; the interval after that is quiet.
        let mut given = Vec::new();
        while let Some(due) = release.deadline() {
            if release.timeout(0, due) {
                given.push(due);
            }
        }
        assert!(given.len() == 1 && given[0] <= ms(19_001 + 4000), "{given:?}");
    }

    #[test]
    fn what_is_still_held_is_no_reason() {
        let mut release = Release::default();
        release.note(100 * MIB, || ms(0));
        release.note(60 * MIB, || ms(1));
        assert!(!release.timeout(60 * MIB, ms(2001)), "most of it is in use");
        assert_eq!(release.deadline(), None);
        release.note(20 * MIB, || ms(3000));
        assert!(release.timeout(20 * MIB, ms(5000)));
    }
}
