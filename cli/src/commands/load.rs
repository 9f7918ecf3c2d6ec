//! `load`: writes the content of a file into memory.

use std::time::Instant;

use serde_json::json;

use crate::arguments::Load;
use crate::failure::{Failure, Kind, Outcome};
use crate::images::{self, Segment};
use crate::interrupt::Interrupt;
use crate::output;
use crate::target::Target;
use crate::transfer::{progress_bar, rate, Stop, Transfer};

pub fn run(load: &Load, json: bool) -> Outcome {
    let format = load.format.unwrap_or_else(|| images::format_of(&load.file));
    let segments = images::read(&load.file, format)?;
    let total = bytes_of(&segments);
    let segments = without(segments, load.skip);
    let bytes = bytes_of(&segments);
    if bytes == 0 {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "{} has {total} bytes, and {} of them are left out: nothing is left to write",
                load.file.display(),
                load.skip
            ),
        ));
    }
    for segment in &segments {
        let last = segment.offset + (segment.bytes.len() as u64 - 1);
        if load.address.checked_add(last).is_none() {
            let text =
                format!("0x{last:x} from 0x{:x} on is beyond the last address", load.address);
            return Err(Failure::new(Kind::Usage, text));
        }
    }
    let target = Target::connect(&load.server)?;
    let interrupt = Interrupt::of(&target)?;
    let started = Instant::now();
    let all = bytes * if load.verify { 2 } else { 1 };
    let bar = progress_bar(all, "writing");
    let transfer =
        Transfer { master: &target.master, pieces: &load.pieces, interrupt: &interrupt, bar: &bar };
    let outcome = write(load, &transfer, &segments, total).and_then(|()| {
        if load.verify {
            verify(load, &transfer, &segments)
        } else {
            Ok(())
        }
    });
    bar.finish_and_clear();
    outcome?;
    match json {
        true => output::line(json!({
            "address": load.address, "length": total, "file": load.file, "written": bytes,
            "verified": load.verify, "seconds": started.elapsed().as_secs_f64()
        })),
        false => {
            let rate = rate(bytes, started);
            output::error_line(format_args!("{}: {rate}", load.file.display()));
            Ok(())
        }
    }
}

fn write(load: &Load, transfer: &Transfer, segments: &[Segment], total: u64) -> Outcome {
    let mut done = load.skip;
    for segment in segments {
        let outcome = transfer.write(load.address + segment.offset, &segment.bytes);
        outcome.map_err(|Stop { done: of_segment, failure }| {
            let written = done + of_segment;
            failure.with_remedy(&format!(
                "; {written} of {total} bytes are written: --skip {written} goes on from there"
            ))
        })?;
        done += segment.bytes.len() as u64;
    }
    Ok(())
}

fn verify(load: &Load, transfer: &Transfer, segments: &[Segment]) -> Outcome {
    transfer.bar.set_message("comparing");
    segments.iter().try_for_each(|segment| {
        let outcome = transfer.verify(load.address + segment.offset, &segment.bytes);
        outcome.map_err(|stop| stop.failure)
    })
}

fn bytes_of(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.bytes.len() as u64).sum()
}

/// The segments without their first `skip` bytes.
fn without(segments: Vec<Segment>, mut skip: u64) -> Vec<Segment> {
    let shortened = segments.into_iter().map(|mut segment| {
        let left_out = skip.min(segment.bytes.len() as u64);
        skip -= left_out;
        segment.bytes.drain(..left_out as usize);
        Segment { offset: segment.offset + left_out, ..segment }
    });
    shortened.filter(|segment| !segment.bytes.is_empty()).collect()
}
