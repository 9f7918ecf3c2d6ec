//! Bytes a second, over the last second.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Time;

/// The time that is looked back at.
const WINDOW: Duration = Duration::from_secs(1);
/// What was written within this time is one entry, which bounds their number.
const SLOT: Duration = Duration::from_millis(50);

/// What was written when.
#[derive(Default)]
pub(super) struct Bandwidth {
    /// The start of each slot and the bytes in it, oldest first.
    slots: VecDeque<(Time, u64)>,
}

impl Bandwidth {
    pub(super) fn add(&mut self, bytes: u64, now: Time) {
        match self.slots.back_mut() {
            Some((start, sum)) if now.since(*start) < SLOT => *sum += bytes,
            _ => {
                self.slots.push_back((now, bytes));
                self.forget_before(now);
            }
        }
    }

    fn forget_before(&mut self, now: Time) {
        while self.slots.front().is_some_and(|(start, _)| now.since(*start) > WINDOW) {
            self.slots.pop_front();
        }
    }

    /// Bytes a second, since the oldest entry of the window.
    pub(super) fn rate(&mut self, now: Time) -> f64 {
        self.forget_before(now);
        let Some((oldest, _)) = self.slots.front() else { return 0.0 };
        let time = now.since(*oldest).max(SLOT);
        self.slots.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() / time.as_secs_f64()
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let (mut bandwidth, start) = (Bandwidth::default(), Time(1 << 60));
        assert_eq!(bandwidth.rate(start), 0.0);
        for n in 0..=1000 {
            bandwidth.add(100, start + Duration::from_millis(n));
        }
        let end = start + Duration::from_secs(1);
        assert_eq!(bandwidth.rate(end), 100_100.0);
        assert!(bandwidth.slots.len() <= 21, "{} slots", bandwidth.slots.len());
        assert_eq!(bandwidth.rate(end + Duration::from_secs(2)), 0.0, "idle");
        bandwidth.add(500, end + Duration::from_secs(3));
        assert_eq!(bandwidth.rate(end + Duration::from_secs(3)), 10_000.0, "a slot at least");
        bandwidth.clear();
        assert_eq!(bandwidth.rate(end), 0.0);
    }
}
