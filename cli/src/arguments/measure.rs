//! The arguments of the commands that measure.

use std::time::Duration;

use clap::Args;

use super::{width, Server, Word};
use crate::number;

/// Arguments of `ping`.
#[derive(Args, Debug)]
pub struct Ping {
    #[command(flatten)]
    pub server: Server,
    /// The address that is read
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// Reads, one after the other
    #[arg(
        short, long, default_value = "1000", value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub count: u32,
    /// Seconds between two reads: none without it
    #[arg(short, long, value_parser = number::seconds)]
    pub interval: Option<Duration>,
    #[command(flatten)]
    pub word: Word,
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    #[command(flatten)]
    pub server: Server,
    /// The register that is read, one at a time, and with 64 and 128 reads outstanding
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// Bytes from ADDRESS on that may be read, for blocks; none are read without it
    #[arg(value_parser = number::size, value_name = "BYTES")]
    pub length: Option<u64>,
    /// Bytes of the register
    #[arg(short, long, default_value = "4", value_parser = width)]
    pub width: u32,
    /// Bytes of a block: at most the range, and 1M, without it
    #[arg(
        long, value_name = "BYTES", value_parser = number::size
    )]
    pub block: Option<u64>,
    /// Also write blocks to this range: the bytes that are there, again and again, so that it holds
    /// what it held. What another client writes there meanwhile is lost
    #[arg(long, num_args = 2, value_names = ["ADDRESS", "BYTES"], value_parser = number::size)]
    pub write: Option<Vec<u64>>,
    /// Seconds of each measurement
    #[arg(
        short, long, default_value = "1", value_name = "SECONDS", value_parser = number::seconds
    )]
    pub duration: Duration,
    /// Accesses of each measurement, in place of a duration
    #[arg(short, long, conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}
