//! What a connection counts.

use super::header::Malformed;

/// How many of the latest round trips are kept.
const ROUND_TRIPS_COUNT: usize = 256;

/// Segments that were received and dropped, by cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drops {
    /// Shorter than their header, or with an impossible header.
    pub malformed: u64,
    /// With a wrong checksum.
    pub checksum: u64,
    /// Received before.
    pub duplicate: u64,
    /// With a number that is too far ahead, or an acknowledge of what was not sent on this link.
    pub out_of_window: u64,
    /// RST with a number that the peer cannot have sent.
    pub forged_reset: u64,
    /// SYN that an open link, or an end of this role, has no use for.
    pub unexpected_syn: u64,
}

impl Drops {
    /// All of them: Rogue's `getDropCount`.
    pub fn total(&self) -> u64 {
        self.malformed
            + self.checksum
            + self.duplicate
            + self.out_of_window
            + self.forged_reset
            + self.unexpected_syn
    }

    pub(super) fn count(&mut self, malformed: &Malformed) {
        match malformed {
            Malformed::Checksum { .. } => self.checksum += 1,
            Malformed::Short { .. } | Malformed::HeaderLength { .. } => self.malformed += 1,
        }
    }
}

/// Counters of a connection, since its creation or the last reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// How often the link has opened.
    pub open_count: u64,
    /// How often it was lost or stopped: Rogue's `getDownCount`.
    pub down_count: u64,
    /// Segments sent again: Rogue's `getRetranCount`.
    pub retran_count: u64,
    /// Received segments that were dropped.
    pub drops: Drops,
    /// Acknowledges that were older than others. They are ignored; the rest of their segments is not.
    pub stale_acks: u64,
    /// How often this end was busy: Rogue's `getLocBusyCnt`.
    pub local_busy_count: u64,
    /// How often the peer was: Rogue's `getRemBusyCnt`.
    pub remote_busy_count: u64,
    /// How long this end was busy, in nanoseconds.
    pub local_busy_ns: u64,
    /// How long the peer was, in nanoseconds.
    pub remote_busy_ns: u64,
    /// Segments with payload that were sent, repeated ones not included.
    pub sent_count: u64,
    /// Segments with payload that were received and handed on.
    pub received_count: u64,
    /// Smoothed round trip in nanoseconds, acknowledge delay included; 0 = none measured.
    pub round_trip_ns: u64,
    /// Median of the latest round trips in nanoseconds; 0 = none measured.
    pub round_trip_p50_ns: u64,
    /// 99th percentile of these.
    pub round_trip_p99_ns: u64,
}

/// The latest round trips.
pub(super) struct RoundTrips {
    latest: [u64; ROUND_TRIPS_COUNT],
    /// Number of round trips measured, also of those no longer kept.
    count: usize,
    smoothed: u64,
    deviation: u64,
}

impl RoundTrips {
    pub(super) fn new() -> RoundTrips {
        RoundTrips { latest: [0; ROUND_TRIPS_COUNT], count: 0, smoothed: 0, deviation: 0 }
    }

    /// Takes one more; the smoothed value and its deviation are those of RFC 6298.
    pub(super) fn add(&mut self, round_trip: u64) {
        if self.smoothed == 0 {
            (self.smoothed, self.deviation) = (round_trip, round_trip / 2);
        } else {
            let distance = self.smoothed.abs_diff(round_trip);
            self.deviation = self.deviation - self.deviation / 4 + distance / 4;
            self.smoothed = self.smoothed - self.smoothed / 8 + round_trip / 8;
        }
        self.latest[self.count % ROUND_TRIPS_COUNT] = round_trip;
        self.count += 1;
    }

    /// Forgets the latest ones, and keeps the smoothed value.
    pub(super) fn forget_latest(&mut self) {
        self.count = 0;
    }

    /// The smoothed round trip; 0 = none measured.
    pub(super) fn smoothed(&self) -> u64 {
        self.smoothed
    }

    /// A time after which an acknowledge is overdue, as RFC 6298 computes it.
    pub(super) fn timeout(&self) -> u64 {
        self.smoothed.saturating_add(self.deviation.saturating_mul(4))
    }

    /// Median and 99th percentile of the latest ones; 0 without any.
    pub(super) fn percentiles(&self) -> (u64, u64) {
        let mut sorted = self.latest;
        let sorted = &mut sorted[..self.count.min(ROUND_TRIPS_COUNT)];
        sorted.sort_unstable();
        let at = |percent: usize| {
            let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(index).copied().unwrap_or(0)
        };
        (at(50), at(99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_latest_round_trips() {
        let mut round_trips = RoundTrips::new();
        assert_eq!(round_trips.percentiles(), (0, 0));
        round_trips.add(7);
        assert_eq!(round_trips.percentiles(), (7, 7));
        assert_eq!((round_trips.smoothed(), round_trips.timeout()), (7, 19));
        for _ in 0..3 {
            (1..=ROUND_TRIPS_COUNT as u64).for_each(|round_trip| round_trips.add(round_trip));
        }
        assert_eq!(round_trips.percentiles(), (128, 254));
    }

    #[test]
    fn the_timeout_follows_a_road_that_has_become_longer() {
        let mut round_trips = RoundTrips::new();
        round_trips.add(100);
        (0..100).for_each(|_| round_trips.add(1000));
        assert!((950..=1000).contains(&round_trips.smoothed()), "{}", round_trips.smoothed());
        assert!(round_trips.timeout() >= 1000);
        round_trips.add(u64::MAX / 2);
        assert!(round_trips.timeout() > 1000, "no overflow");
    }
}
