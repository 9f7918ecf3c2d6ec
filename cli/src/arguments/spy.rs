//! The command line of `spy`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `spy`.
#[derive(Args, Debug)]
pub struct Spy {
    /// Where clients connect: PORT (and the next one) of this host, for itself only, HOST:PORT,
    /// *:PORT, or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    pub listen: String,
    /// The server: HOST:PORT, or unix:PATH
    #[arg(long, value_name = "SERVER")]
    pub to: String,
    /// Print all bytes of data, instead of the first 32
    #[arg(long)]
    pub full: bool,
    /// Print nothing but the counts at the end
    #[arg(short, long)]
    pub quiet: bool,
    /// Write what passes into a capture for Wireshark (pcapng)
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}
