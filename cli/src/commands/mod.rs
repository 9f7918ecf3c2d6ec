//! The commands.

mod bench;
mod dump;
mod keys;
mod load;
mod peek;
mod ping;
mod poke;
mod serve;
mod spy;
mod watch;

use std::path::Path;

use clap::CommandFactory;

use crate::arguments::{Arguments, Command};
use crate::failure::{Failure, Outcome};
use crate::output;

/// Carries a command line out.
pub fn run(arguments: &Arguments) -> Outcome {
    let json = arguments.json;
    match &arguments.command {
        Command::Peek(peek) => peek::run(peek, json),
        Command::Poke(poke) => poke::run(poke, json),
        Command::Dump(dump) => dump::run(dump, json),
        Command::Load(load) => load::run(load, json),
        Command::Watch(watch) => watch::run(watch, json),
        Command::Ping(ping) => ping::run(ping, json),
        Command::Bench(bench) => bench::run(bench, json),
        Command::Serve(serve) => serve::run(serve, json),
        Command::Spy(spy) => spy::run(spy, json),
        Command::Keys(keys) => keys::run(&keys.command, json),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            let (mut command, name) = (Arguments::command(), "rogue-mem");
            clap_complete::generate(*shell, &mut command, name, &mut text);
            output::write(&text)
        }
        Command::Man { folder } => write_pages(folder),
    }
}

/// Writes a manual page for the program, and one for each command.
fn write_pages(folder: &Path) -> Outcome {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    clap_mangen::generate_to(program, folder)
        .map_err(|error| Failure::of_file(folder, "writing the pages", &error))
}
