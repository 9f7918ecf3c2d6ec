//! `ping`: measures round trips.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::peek::size_of;
use crate::arguments::Ping;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::output;
use crate::target::Target;

/// Characters of the longest bar.
const BAR_LENGTH: usize = 50;
/// Bars for each doubling of the time.
const BARS_PER_DOUBLING: f64 = 2.0;
/// How often a pause looks for a signal.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

pub fn run(ping: &Ping, json: bool) -> Outcome {
    let size = size_of(ping.address, 1, ping.word.register().width)?;
    let target = Target::connect(&ping.server)?;
    let interrupt = Interrupt::of(&target.master)?;
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for index in 0..ping.count {
        if index > 0 {
            pause(ping.interval, &interrupt);
        }
        outcome = interrupt.check().and_then(|()| {
            let start = Instant::now();
            target.master.read(ping.address, size).map_err(|error| interrupt.or(error))?;
            times.push(start.elapsed());
            Ok(())
        });
        if outcome.is_err() {
            break;
        }
    }
    times.sort_unstable();
    if !times.is_empty() {
        tell(&times, json)?;
    }
    outcome
}

fn pause(interval: Option<Duration>, interrupt: &Interrupt) {
    let Some(interval) = interval else { return };
    let end = Instant::now() + interval;
    while !interrupt.has_come() {
        match end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => thread::sleep(left.min(LOOK_PERIOD)),
            _ => break,
        }
    }
}

fn tell(times: &[Duration], json: bool) -> Outcome {
    let us = |time: &Duration| time.as_secs_f64() * 1e6;
    let part = |part: f64| us(&times[((times.len() - 1) as f64 * part).round() as usize]);
    if json {
        let all: Vec<f64> = times.iter().map(us).collect();
        return output::line(json!({
            "reads": times.len(), "min_us": part(0.0), "p50_us": part(0.5), "p90_us": part(0.9),
            "p99_us": part(0.99), "max_us": part(1.0), "mean_us": all.iter().sum::<f64>() / all.len() as f64
        }));
    }
    let reads = times.len();
    output::line(histogram(times))?;
    output::line(format!(
        "{reads} reads: min {:.1} µs, p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
        part(0.0),
        part(0.5),
        part(0.9),
        part(0.99),
        part(1.0)
    ))
}

/// Bars of how many reads took how long, with two for each doubling of the time.
fn histogram(sorted: &[Duration]) -> String {
    let class = |time: &Duration| {
        let us = (time.as_secs_f64() * 1e6).max(0.1);
        (us.log2() * BARS_PER_DOUBLING).floor() as i32
    };
    let (first, last) = (class(&sorted[0]), class(&sorted[sorted.len() - 1]));
    let counts: Vec<usize> =
        (first..=last).map(|bar| sorted.iter().filter(|time| class(time) == bar).count()).collect();
    let most = counts.iter().copied().max().unwrap_or(1);
    let lines = (first..=last).zip(&counts).map(|(bar, count)| {
        let from = 2f64.powf(f64::from(bar) / BARS_PER_DOUBLING);
        let length = (count * BAR_LENGTH).div_ceil(most);
        format!(
            "{from:>10.1} µs {:length$}{:>space$} {count}",
            "█".repeat(length),
            "",
            length = length,
            space = BAR_LENGTH - length
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
