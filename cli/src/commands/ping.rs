//! `ping`: measures round trips.

use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::peek::size_of;
use crate::arguments::Ping;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::output;
use crate::round_trips::RoundTrips;
use crate::target::Target;

pub fn run(ping: &Ping, json: bool) -> Outcome {
    let size = size_of(ping.address, 1, ping.word.register().width)?;
    let target = Target::connect(&ping.server)?;
    let interrupt = Interrupt::of(&target)?;
    let mut round_trips = RoundTrips::new();
    let start = Instant::now();
    let outcome = read_all(ping, size, (&target, &interrupt), &mut round_trips);
    let time = start.elapsed();
    if round_trips.count() > 0 {
        tell(ping, &round_trips, time, json)?;
    }
    outcome
}

fn read_all(
    ping: &Ping,
    size: u32,
    (target, interrupt): (&Target, &Interrupt),
    round_trips: &mut RoundTrips,
) -> Outcome {
    for index in 0..ping.count {
        if let Some(interval) = ping.interval.filter(|_| index > 0) {
            interrupt.pause_until(Instant::now() + interval);
        }
        interrupt.check()?;
        let start = Instant::now();
        target.master.read(ping.address, size).map_err(|error| interrupt.or(error))?;
        round_trips.add(start.elapsed());
    }
    Ok(())
}

fn tell(ping: &Ping, round_trips: &RoundTrips, time: Duration, json: bool) -> Outcome {
    if json {
        let mut fields = round_trips.json();
        fields.extend([
            ("address".to_owned(), json!(ping.address)),
            ("width".to_owned(), json!(ping.word.register().width)),
            ("seconds".to_owned(), json!(time.as_secs_f64())),
        ]);
        return output::line(Value::Object(fields));
    }
    let mut lines = round_trips.lines();
    let sum = lines.last_mut().expect("there are round trips");
    *sum = format!("{} reads: {sum}", round_trips.count());
    output::line(lines.join("\n"))
}
