//! The only reader of the clock, which is the monotonic one; but for time stamps.
//!
//! Protocol code never reads it: it gets a [`Time`].

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::process::{at_fork, nothing};

/// The first value of [`now`] in nanoseconds: 36 years, so that a moment before the start of this
/// process (that of a client's request that waited for its server) is representable.
const FIRST_NS: u64 = 1 << 60;

/// Nanoseconds since an arbitrary moment long before this process; 64 bits last 584 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// `time` in nanoseconds; one above 584 years is the largest number.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The earliest of the present `times`. The value of an absent one is not read: memory checkers
/// would report a use of uninitialised memory.
pub(crate) fn earliest(times: impl IntoIterator<Item = Option<Time>>) -> Option<Time> {
    const NEVER: Time = Time(u64::MAX);
    let times = times.into_iter().map(|time| time.unwrap_or(NEVER));
    times.min().filter(|time| *time != NEVER)
}

impl Add<Duration> for Time {
    type Output = Time;
    /// Saturates: a timeout too long to express never passes.
    fn add(self, delay: Duration) -> Time {
        Time(self.0.saturating_add(nanoseconds(delay)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, delay: Duration) -> Time {
        Time(self.0.saturating_sub(nanoseconds(delay)))
    }
}

static EPOCH: OnceLock<Instant> = OnceLock::new();
at_fork!(settle_epoch, nothing, nothing);

/// Initialises it before a fork, so that no child finds it half made.
extern "C" fn settle_epoch() {
    EPOCH.get_or_init(Instant::now);
}

fn epoch() -> Instant {
    *EPOCH.get_or_init(Instant::now)
}

/// The present time. Never goes backward and does not follow the wall clock.
pub fn now() -> Time {
    Time(epoch().elapsed().as_nanos() as u64 + FIRST_NS)
}

/// The time since 1970 (UTC) by the wall clock, which may be set back or forward: for time stamps only.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `time` as the standard library's instant, for a wait until it; `None` if the platform cannot
/// express it.
pub fn instant(time: Time) -> Option<Instant> {
    epoch().checked_add(Duration::from_nanos(time.0.saturating_sub(FIRST_NS)))
}

/// The time left until `instant`; zero if it has passed.
pub fn until(instant: Instant) -> Duration {
    instant.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f02_what_began_years_before_the_process_is_a_time_too() {
        let now = now();
        let year = Duration::from_secs(365 * 86_400);
        assert_eq!(now.since(now - 30 * year), 30 * year);
        assert!(instant(now - year).is_some_and(|past| past <= Instant::now()));
    }
}
