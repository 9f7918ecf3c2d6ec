//! The one place where the clock is read, and it is the monotonic one.
//!
//! Protocol code never calls this: it is handed a [`Time`].

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::process::{nothing, ForkHandlers};

/// Nanoseconds since an arbitrary moment of this process. 64 bits last 584 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// The time from `earlier` to `self`; zero where `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    /// Saturates: a timeout too long to express is a timeout that never comes.
    fn add(self, delay: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, delay: Duration) -> Time {
        Time(self.0.saturating_sub(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)))
    }
}

static EPOCH: OnceLock<Instant> = OnceLock::new();
static FORK_HANDLERS: ForkHandlers = ForkHandlers::new(settle_epoch, nothing, nothing);

/// So that no child finds it half made.
extern "C" fn settle_epoch() {
    EPOCH.get_or_init(Instant::now);
}

fn epoch() -> Instant {
    EPOCH.get().copied().unwrap_or_else(|| {
        FORK_HANDLERS.register();
        *EPOCH.get_or_init(Instant::now)
    })
}

/// The present moment. Never goes backward and does not follow the wall clock.
pub fn now() -> Time {
    // One nanosecond more than nothing, so that `Time::default()` precedes every reading.
    Time(epoch().elapsed().as_nanos() as u64 + 1)
}

/// `time` as the standard library's instant, for waiting until it; `None` where it lies beyond
/// what the platform can express.
pub fn instant(time: Time) -> Option<Instant> {
    epoch().checked_add(Duration::from_nanos(time.0))
}

/// The time that is left until `instant`; zero where it has passed.
pub fn until(instant: Instant) -> Duration {
    instant.saturating_duration_since(Instant::now())
}
