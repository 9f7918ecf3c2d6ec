//! `bench`: measures what a server can do, in a few seconds.

mod blocks;
mod load;

use serde_json::{json, Map, Value};

use super::peek::size_of;
use crate::arguments::Bench;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::output;
use crate::round_trips::RoundTrips;
use crate::target::Target;

use blocks::{Range, Saved};
use load::{Limit, Load, Rate};

/// Reads outstanding: one at a time is measured too.
const WINDOWS: [usize; 2] = [64, 128];

pub fn run(bench: &Bench, json: bool) -> Outcome {
    let size = size_of(bench.address, 1, bench.width)?;
    let read = bench.length.map(|length| Range::of(bench.address, length, bench.block));
    let write = bench.write.as_deref().map(|range| Range::of(range[0], range[1], bench.block));
    let (read, write) = (read.transpose()?, write.transpose()?);
    write.map_or(Ok(()), Saved::check)?;
    let target = Target::connect(&bench.server)?;
    let interrupt = Interrupt::of(&target)?;
    let limit = Limit { count: bench.count, duration: bench.duration };
    let load = Load { master: &target.master, interrupt: &interrupt, limit };
    let mut report = Report { json, fields: Map::new() };
    report.fields.extend([
        ("address".to_owned(), json!(bench.address)),
        ("width".to_owned(), json!(bench.width)),
    ]);
    let outcome = measure_registers(&load, bench.address, size, &mut report)
        .and_then(|()| read.map_or(Ok(()), |range| measure_read(&load, range, &mut report)))
        .and_then(|()| write.map_or(Ok(()), |range| measure_write(&load, range, &mut report)));
    // What was measured before a failure is told too.
    report.end().and(outcome)
}

/// What has been measured: told at once as text, and at the end as JSON.
struct Report {
    json: bool,
    fields: Map<String, Value>,
}

impl Report {
    fn add(&mut self, name: &str, value: Value, text: &str) -> Outcome {
        self.fields.insert(name.to_owned(), value);
        if self.json {
            return Ok(());
        }
        output::line(text)
    }

    fn end(self) -> Outcome {
        if self.json {
            return output::line(Value::Object(self.fields));
        }
        Ok(())
    }
}

fn measure_registers(load: &Load<'_>, address: u64, size: u32, report: &mut Report) -> Outcome {
    let mut round_trips = RoundTrips::new();
    let rate = load.run(1, |_| load.read(address, size), |time| round_trips.add(time))?;
    let title = format!("{size}-byte reads, one at a time: {}", rate.per_second());
    let lines: Vec<String> = [title].into_iter().chain(round_trips.lines()).collect();
    let mut fields = round_trips.json();
    fields.extend(rate.json("reads"));
    report.add("one_at_a_time", Value::Object(fields), &lines.join("\n"))?;
    let mut all = Vec::new();
    for window in WINDOWS {
        let rate = load.run(window, |_| load.read(address, size), |_| ())?;
        let mut fields = rate.json("reads");
        fields.insert("window".to_owned(), json!(window));
        all.push(Value::Object(fields));
        let text = format!("{size}-byte reads, {window} outstanding: {}", rate.per_second());
        report.add("outstanding", json!(all), &text)?;
    }
    Ok(())
}

fn measure_read(load: &Load<'_>, range: Range, report: &mut Report) -> Outcome {
    let start = |index| {
        let (address, size) = range.block(index);
        load.read(address, size)
    };
    let rate = load.run(1, start, |_| ())?;
    tell_blocks(report, "block_read", (range, rate), "")
}

fn measure_write(load: &Load<'_>, range: Range, report: &mut Report) -> Outcome {
    let saved = Saved::read(load, range)?;
    let rate = load.run(1, |index| saved.write(load, index), |_| ()).map_err(|failure| {
        failure.with_remedy(&format!("; only the bytes that were there have been written: {range}"))
    })?;
    saved.compare(load)?;
    let note = format!("\n{range}: the bytes that were there have been written, and are there now");
    tell_blocks(report, "block_write", (range, rate), &note)
}

fn tell_blocks(
    report: &mut Report,
    name: &str,
    (range, rate): (Range, Rate),
    note: &str,
) -> Outcome {
    let bytes = rate.accesses * u64::from(range.block_bytes);
    let per_second = bytes as f64 / rate.seconds();
    let mut fields = rate.json("blocks");
    fields.extend([
        ("address".to_owned(), json!(range.address)),
        ("length".to_owned(), json!(range.length)),
        ("block_bytes".to_owned(), json!(range.block_bytes)),
        ("bytes_per_second".to_owned(), json!(per_second)),
    ]);
    let text = format!(
        "{}s of {} bytes, one at a time: {:.1} MB/s{note}",
        name.replace('_', " "),
        range.block_bytes,
        per_second / 1e6
    );
    report.add(name, Value::Object(fields), &text)
}
