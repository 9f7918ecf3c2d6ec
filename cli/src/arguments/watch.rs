//! The arguments of `watch`.

use std::time::Duration;

use clap::Args;

use super::{Server, Word};
use crate::clock::Zone;
use crate::number::{self, Form};

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub struct Watch {
    #[command(flatten)]
    pub server: Server,
    /// Addresses of the registers; those of one sample are requested together
    #[arg(required = true, value_parser = number::address, value_name = "ADDRESS")]
    pub addresses: Vec<u64>,
    #[command(flatten)]
    pub word: Word,
    /// How values are shown
    #[arg(short, long, value_enum, default_value = "hex")]
    pub format: Form,
    /// Seconds from one sample to the next
    #[arg(
        short, long, default_value = "0.5", value_name = "SECONDS", value_parser = number::seconds
    )]
    pub interval: Duration,
    /// Samples: it ends after them
    #[arg(short, long, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Show times in local time or in UTC: by default in local time in the table, and in UTC in lines
    #[arg(long, value_enum)]
    pub time: Option<Zone>,
    /// Print lines of comma-separated values, also on a terminal
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print a line for each sample, with all registers, in place of a line for each change; also on
    /// a terminal
    #[arg(long)]
    pub every_sample: bool,
}
