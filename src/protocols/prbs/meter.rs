//! Counters and rates of one half of a `Prbs`.

use std::time::Duration;

use super::PrbsCounters;
use crate::clock::{self, Time};
use crate::sync::Mutex;

/// Rates are averages over at least this long.
const RATE_PERIOD: Duration = Duration::from_secs(1);

/// Counts frames and measures their rate.
pub(super) struct Meter(Mutex<MeterState>);

struct MeterState {
    counters: PrbsCounters,
    /// Count and bytes at the start of the running period.
    base: (u32, u64),
    since: Time,
}

impl MeterState {
    fn new(now: Time) -> MeterState {
        MeterState { counters: PrbsCounters::default(), base: (0, 0), since: now }
    }

    /// Counts a frame; the end of a period gives new rates.
    fn count(&mut self, bytes: usize, now: Time) {
        let counters = &mut self.counters;
        counters.count = counters.count.wrapping_add(1);
        counters.bytes += bytes as u64;
        let elapsed = now.since(self.since);
        if elapsed > RATE_PERIOD {
            let (count, bytes) = self.base;
            let seconds = elapsed.as_secs_f64();
            counters.rate = f64::from(counters.count.wrapping_sub(count)) / seconds;
            counters.bandwidth = (counters.bytes - bytes) as f64 / seconds;
            (self.base, self.since) = ((counters.count, counters.bytes), now);
        }
    }
}

impl Meter {
    pub(super) fn new() -> Meter {
        Meter(Mutex::new(MeterState::new(clock::now())))
    }

    pub(super) fn count(&self, bytes: usize) {
        let now = clock::now();
        self.0.lock().count(bytes, now);
    }

    /// Counts a frame that is none; the number of good ones.
    pub(super) fn count_error(&self) -> u32 {
        let counters = &mut self.0.lock().counters;
        counters.errors = counters.errors.wrapping_add(1);
        counters.count
    }

    pub(super) fn read(&self) -> PrbsCounters {
        self.0.lock().counters
    }

    /// Begins again. (The reference keeps the start of the period, and shows a rate of 4 thousand
    /// million frames a second afterwards.)
    pub(super) fn reset(&self) {
        let now = clock::now();
        *self.0.lock() = MeterState::new(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_periods_of_more_than_a_second() {
        let start = Time(7_000_000_000);
        let mut state = MeterState::new(start);
        for n in 1..=100_u64 {
            state.count(50, start + Duration::from_millis(10 * n));
            assert_eq!((state.counters.rate, state.counters.bandwidth), (0.0, 0.0));
        }
        state.count(50, start + Duration::from_millis(1010));
        assert_eq!((state.counters.count, state.counters.bytes), (101, 5050));
        assert_eq!((state.counters.rate, state.counters.bandwidth), (100.0, 5000.0));
        state.count(50, start + Duration::from_millis(2010));
        assert_eq!(state.counters.rate, 100.0, "the next period has not ended");
        state.count(50, start + Duration::from_millis(3010));
        assert_eq!((state.counters.rate, state.counters.bandwidth), (1.0, 50.0));
    }

    #[test]
    fn a_reset_begins_a_new_period() {
        let meter = Meter::new();
        meter.count(10);
        assert_eq!(meter.count_error(), 1);
        meter.reset();
        assert_eq!(meter.read(), PrbsCounters::default());
        let mut state = meter.0.lock();
        assert_eq!(state.base, (0, 0));
        let later = state.since + Duration::from_secs(2);
        state.count(10, later);
        assert_eq!((state.counters.rate, state.counters.bandwidth), (0.5, 5.0));
    }
}
