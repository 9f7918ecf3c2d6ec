//! `rogue-mem`: the registers behind a memory bridge from the command line.

mod arguments;
mod clock;
mod commands;
mod failure;
mod images;
mod interrupt;
mod number;
mod output;
mod round_trips;
mod target;
mod transfer;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use failure::{Failure, Kind};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    output::send_log_to_stderr(arguments.log_level());
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(arguments.json);
            ExitCode::from(failure.code())
        }
    }
}

/// Says what is wrong with a command line, or shows the help or the version that it asks for.
fn refuse(error: &clap::Error) -> ExitCode {
    let wants_json = || std::env::args_os().any(|word| word == "--json");
    if !error.use_stderr() || !wants_json() {
        error.exit();
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    let failure = Failure::new(Kind::Usage, text);
    failure.tell(true);
    ExitCode::from(failure.code())
}
