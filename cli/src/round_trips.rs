//! The times of round trips: percentiles, and a histogram for people and for programs.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{json, Map, Value};

/// Decimal digits of a recorded time.
const DIGITS: u8 = 3;
/// The longest recorded time in nanoseconds, a day: longer ones count as one.
const LONGEST_NS: u64 = 86_400_000_000_000;
/// What is shorter is drawn with it.
const SHORTEST_NS: u64 = 100;
/// Bars for each doubling of the time.
const BARS_PER_DOUBLING: f64 = 2.0;
/// Characters of the longest bar.
const BAR_LENGTH: usize = 50;
/// The parts of the round trips that are shown, with their names.
const PERCENTILES: [(f64, &str); 4] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")];

/// The times of round trips. They take the same memory however many there are.
#[derive(Debug)]
pub struct RoundTrips {
    times: Histogram<u64>,
    min: Duration,
    max: Duration,
    sum: Duration,
}

/// Round trips that took about as long.
struct Bar {
    from_us: f64,
    to_us: f64,
    count: u64,
}

impl RoundTrips {
    /// None yet.
    pub fn new() -> RoundTrips {
        let times = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).expect("valid bounds");
        RoundTrips { times, min: Duration::MAX, max: Duration::ZERO, sum: Duration::ZERO }
    }

    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.times.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS));
        self.min = self.min.min(time);
        self.max = self.max.max(time);
        self.sum += time;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The time in microseconds that this part of them took at most.
    pub fn part_us(&self, part: f64) -> f64 {
        let time = Duration::from_nanos(self.times.value_at_quantile(part));
        us(time.clamp(self.min, self.max))
    }

    /// The bars from the shortest to the longest time, empty ones between them included.
    fn bars(&self) -> Vec<Bar> {
        let class = |ns: u64| {
            ((ns.max(SHORTEST_NS) as f64 / 1e3).log2() * BARS_PER_DOUBLING).floor() as i32
        };
        let edge = |class: i32| 2f64.powf(f64::from(class) / BARS_PER_DOUBLING);
        let mut bars: Vec<(i32, u64)> = Vec::new();
        for recorded in self.times.iter_recorded() {
            let class = class(recorded.value_iterated_to());
            let next = bars.last().map_or(class, |(last, _)| last + 1);
            bars.extend((next..=class).map(|class| (class, 0)));
            bars.last_mut().expect("just added").1 += recorded.count_since_last_iteration();
        }
        let bar = |(class, count)| Bar { from_us: edge(class), to_us: edge(class + 1), count };
        bars.into_iter().map(bar).collect()
    }

    /// The histogram, and a line with the percentiles; nothing if there are no round trips.
    pub fn lines(&self) -> Vec<String> {
        let bars = self.bars();
        let Some(most) = bars.iter().map(|bar| bar.count).max() else { return Vec::new() };
        let draw = |bar: &Bar| {
            // No bar of a round trip is empty.
            let drawn = "█".repeat((bar.count * BAR_LENGTH as u64).div_ceil(most) as usize);
            format!("{:>10.1} µs {drawn:<BAR_LENGTH$} {}", bar.from_us, bar.count)
        };
        let percentiles =
            PERCENTILES.map(|(part, name)| format!("{name} {:.1}", self.part_us(part)));
        let (min, max) = (us(self.min), us(self.max));
        let sum = format!("min {min:.1}, {}, max {max:.1} µs", percentiles.join(", "));
        bars.iter().map(draw).chain([sum]).collect()
    }

    /// Percentiles in microseconds and the histogram, as the fields of an object; without round
    /// trips only their count.
    pub fn json(&self) -> Map<String, Value> {
        let mut fields = Map::from_iter([("reads".to_owned(), json!(self.count()))]);
        if self.count() == 0 {
            return fields;
        }
        let mut us_of = |name: &str, us: f64| fields.insert(format!("{name}_us"), json!(us));
        us_of("min", us(self.min));
        PERCENTILES.iter().for_each(|(part, name)| {
            us_of(&name.replace('.', ""), self.part_us(*part));
        });
        us_of("max", us(self.max));
        us_of("mean", us(self.sum) / self.count() as f64);
        let bar =
            |bar: Bar| json!({ "from_us": bar.from_us, "to_us": bar.to_us, "reads": bar.count });
        fields.insert("histogram".to_owned(), self.bars().into_iter().map(bar).collect());
        fields
    }
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trips(times_us: &[u64]) -> RoundTrips {
        let mut round_trips = RoundTrips::new();
        times_us.iter().for_each(|time| round_trips.add(Duration::from_micros(*time)));
        round_trips
    }

    #[test]
    fn percentiles_are_times_that_so_many_did_not_exceed() {
        let all: Vec<u64> = (1..=1000).collect();
        let found = round_trips(&all).json();
        assert_eq!((&found["reads"], &found["min_us"]), (&json!(1000), &json!(1.0)));
        assert_eq!(found["max_us"], 1000.0);
        for (name, expected) in
            [("mean", 500.5), ("p50", 500.0), ("p90", 900.0), ("p99", 990.0), ("p999", 999.0)]
        {
            let found = found[&format!("{name}_us")].as_f64().unwrap();
            assert!((found / expected - 1.0).abs() < 2e-3, "{name}: {found}");
        }
    }

    #[test]
    fn every_round_trip_is_in_one_bar_and_the_longest_bar_fills_the_line() {
        let found = round_trips(&[10, 10, 10, 11, 80, 1_000_000]);
        let lines = found.lines();
        let (sum, bars) = lines.split_last().unwrap();
        let counts = bars.iter().map(|bar| bar.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
        assert_eq!(counts.sum::<u64>(), 6);
        assert!(bars[0].starts_with("       8.0 µs ███") && bars[0].ends_with("█ 4"), "{bars:?}");
        assert_eq!(bars[0].chars().count(), bars[1].chars().count());
        assert!(sum.starts_with("min 10.0, p50 10") && sum.ends_with("max 1000000.0 µs"), "{sum}");
        let json = found.json();
        let bars = json["histogram"].as_array().unwrap();
        assert_eq!(bars.iter().map(|bar| bar["reads"].as_u64().unwrap()).sum::<u64>(), 6);
        for pair in bars.windows(2) {
            assert_eq!(pair[0]["to_us"], pair[1]["from_us"]);
        }
    }

    #[test]
    fn none_and_endless_ones_are_told_too() {
        assert_eq!(round_trips(&[]).lines(), Vec::<String>::new());
        assert_eq!(round_trips(&[]).json(), Map::from_iter([("reads".to_owned(), json!(0))]));
        let mut endless = round_trips(&[0]);
        endless.add(Duration::MAX);
        assert_eq!(endless.json()["reads"], 2);
    }
}
