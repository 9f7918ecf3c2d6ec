//! `rogue-mem`: the registers behind a memory bridge from the command line.

mod arguments;
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::send_log_to_stderr(arguments.log_level());
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(arguments.json);
            ExitCode::from(failure.code())
        }
    }
}
