//! `watch`: registers as they change, in a table on a terminal, or as lines.

mod history;
mod lines;
mod sampler;
mod screen;
mod session;
mod table;

use std::env;

use super::peek::size_of;
use crate::arguments::Watch;
use crate::failure::{Failure, Kind, Outcome};
use crate::interrupt::Interrupt;
use crate::output;
use crate::target::Target;

use lines::{Lines, Style};
use sampler::{Reading, Sampler};

pub fn run(watch: &Watch, json: bool) -> Outcome {
    for address in &watch.addresses {
        size_of(*address, 1, watch.word.register().width)?;
    }
    let form = watch.word.register().check(watch.format);
    form.map_err(|text| Failure::new(Kind::Usage, text))?;
    let target = Target::connect(&watch.server)?;
    let is_table = !watch.csv && !json && output::is_terminal() && can_draw();
    if is_table && !watch.every_sample {
        return screen::run(watch, &target);
    }
    let style = match (watch.csv, json) {
        (true, _) => Style::Csv,
        (_, true) => Style::Json,
        _ => Style::Text,
    };
    print(watch, &target, style)
}

/// Whether the terminal can place a cursor.
fn can_draw() -> bool {
    env::var_os("TERM").is_some_and(|name| name != "dumb")
}

fn print(watch: &Watch, target: &Target, style: Style) -> Outcome {
    let interrupt = Interrupt::of(target)?;
    let mut lines = Lines::new(watch, style);
    lines.header().map_or(Ok(()), output::line)?;
    let mut sampler = Sampler::new(watch, target.master.clone());
    let mut last = Vec::new();
    while let Some(sample) = sampler.next(&interrupt) {
        let text = lines.of(&sample);
        if !text.is_empty() {
            output::line(text.join("\n"))?;
        }
        last = sample.readings;
    }
    end(watch, interrupt.has_come(), &last)
}

/// How the command ends. Without a count only a signal ends it, which is no failure then.
fn end(watch: &Watch, is_interrupted: bool, last: &[Reading]) -> Outcome {
    if is_interrupted && watch.count.is_some() {
        return Err(Failure::new(Kind::Interrupted, "Interrupted"));
    }
    let mut failed = watch.addresses.iter().zip(last).filter_map(|(address, reading)| {
        reading.as_ref().err().map(|text| format!("0x{address:08x}: {text}"))
    });
    match failed.next() {
        Some(first) if !is_interrupted => Err(Failure::new(
            Kind::Access,
            format!("{} of the last reads failed; {first}", failed.count() + 1),
        )),
        _ => Ok(()),
    }
}
