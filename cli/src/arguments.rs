//! The command line.

mod measure;
mod serve;
mod spy;
mod values;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rogue_mem::logging::Level;

use crate::failure::CODES;
use crate::number::{self, Endian, Form, Register};

pub use measure::{Bench, Ping};
pub use serve::{Limits, Region, Serve, Settings};
pub use spy::Spy;
pub use watch::Watch;

/// Reads and writes the registers behind a memory bridge: those of rogue-mem, and of Rogue's
/// TcpServer. Makes a memory, a device or a board reachable by one.
#[derive(Parser, Debug)]
#[command(name = "rogue-mem", version, after_help = CODES, after_long_help = CODES)]
pub struct Arguments {
    /// Print results and errors as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Show the library's messages on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The lowest level of the messages that are shown. An access has its own error text; what
    /// happens to a server is told by messages only.
    pub fn log_level(&self) -> Level {
        match self.command {
            _ if self.verbose => Level::DEBUG,
            Command::Serve(_) => Level::WARNING,
            _ => Level::CRITICAL,
        }
    }
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Read registers
    Peek(Peek),
    /// Write registers
    Poke(Poke),
    /// Read a range of memory, to the terminal or into a file
    Dump(Dump),
    /// Write the content of a file into memory
    Load(Load),
    /// Show registers as they change: a table on a terminal, else lines with time stamps
    Watch(Watch),
    /// Measure round trips: read one address again and again
    Ping(Ping),
    /// Measure what a server can do: round trips, many reads outstanding, blocks
    Bench(Bench),
    /// Make a memory, a device or a board reachable by a server
    Serve(Box<Serve>),
    /// Sit between clients and a server, and print every transaction
    Spy(Spy),
    /// Make and show key pairs for encrypted connections (CURVE)
    Keys(Keys),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// The folder for them; it exists
        folder: PathBuf,
    },
}

/// The server, and how to reach it.
#[derive(Args, Debug)]
pub struct Server {
    /// The server: HOST:PORT, or unix:PATH
    #[arg(long, env = "ROGUE_MEM_ADDR", value_name = "SERVER")]
    pub addr: String,
    /// Seconds until the server must be there, and for each access
    #[arg(long, default_value = "2", value_name = "SECONDS", value_parser = number::seconds)]
    pub timeout: Duration,
    /// The server's public key, of 40 characters, or a file with it: the connection is encrypted
    #[arg(long, env = "ROGUE_MEM_SERVER_KEY", value_name = "KEY", allow_hyphen_values = true)]
    pub server_key: Option<String>,
    /// A file with the key pair of this client, for servers that accept certain clients only
    #[arg(long, env = "ROGUE_MEM_KEYS", value_name = "FILE", requires = "server_key")]
    pub keys: Option<PathBuf>,
}

/// The form of a register.
#[derive(Args, Debug)]
pub struct Word {
    /// Bytes of a register
    #[arg(short, long, default_value = "4", value_parser = width)]
    width: u32,
    /// Order of the bytes of a register
    #[arg(short, long, value_enum, default_value = "little")]
    endian: Endian,
}

impl Word {
    /// The register that is meant.
    pub fn register(&self) -> Register {
        Register { width: self.width, endian: self.endian }
    }
}

fn width(text: &str) -> Result<u32, String> {
    match text {
        "1" | "2" | "4" | "8" => Ok(text.parse().expect("one of these")),
        _ => Err("a register has 1, 2, 4 or 8 bytes".to_owned()),
    }
}

/// Arguments of `peek`.
#[derive(Args, Debug)]
pub struct Peek {
    #[command(flatten)]
    pub server: Server,
    /// Address of the first register
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// Registers to read, as one access; each is printed with its address then
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    #[command(flatten)]
    pub word: Word,
    /// How values are shown
    #[arg(short, long, value_enum, default_value = "hex")]
    pub format: Form,
}

/// Arguments of `poke`.
#[derive(Args, Debug)]
pub struct Poke {
    #[command(flatten)]
    pub server: Server,
    /// Address of the first register
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// Values for this register and those after it, as one access: 42, -1, 0x2a, 0b101010, 1.5
    #[arg(required = true, allow_negative_numbers = true)]
    pub values: Vec<String>,
    #[command(flatten)]
    pub word: Word,
    /// Read back what was written, and compare
    #[arg(long)]
    pub verify: bool,
    /// Do not wait for the device: a posted write
    #[arg(long, conflicts_with = "verify")]
    pub post: bool,
    /// Change only these bits: read, change, write. Another client may write between the read and
    /// the write, and its change is lost then
    #[arg(long, value_name = "BITS")]
    pub mask: Option<String>,
}

/// The format of an image of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// The bytes as they are
    Bin,
    /// Lines of text: an address, and 16 bytes
    Hex,
    /// Intel HEX, with addresses that count from ADDRESS
    Ihex,
}

/// Arguments of `dump`.
#[derive(Args, Debug)]
pub struct Dump {
    #[command(flatten)]
    pub server: Server,
    /// Address of the first byte
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// Bytes to read; 4k, 16M, 1G are powers of 1024
    #[arg(value_parser = number::size)]
    pub length: u64,
    /// The file; standard output without it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The format: by default that of the file's name (.hex, .ihex: Intel HEX; else the bytes), and
    /// text on standard output
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,
    /// Go on where an interrupted dump into the same file has stopped: what it has is in FILE.part
    #[arg(long, requires = "output")]
    pub resume: bool,
    #[command(flatten)]
    pub pieces: Pieces,
}

/// Arguments of `load`.
#[derive(Args, Debug)]
pub struct Load {
    #[command(flatten)]
    pub server: Server,
    /// Address of the first byte
    #[arg(value_parser = number::address)]
    pub address: u64,
    /// The file
    pub file: PathBuf,
    /// The format: by default that of the file's name (.hex, .ihex: Intel HEX; else the bytes)
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,
    /// Read back what was written, and compare
    #[arg(long)]
    pub verify: bool,
    /// Leave out this many bytes of the file: what an interrupted load has written
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = number::size)]
    pub skip: u64,
    #[command(flatten)]
    pub pieces: Pieces,
}

/// The accesses that a long range is read or written by.
#[derive(Args, Debug)]
pub struct Pieces {
    /// Bytes of an access
    #[arg(
        long = "chunk", value_name = "BYTES", default_value = "4096",
        value_parser = clap::value_parser!(u32).range(1..=1 << 20)
    )]
    pub bytes: u32,
    /// Accesses under way at once
    #[arg(
        long, value_name = "COUNT", default_value = "16",
        value_parser = clap::value_parser!(u32).range(1..=1024)
    )]
    pub window: u32,
}

/// Arguments of `keys`.
#[derive(Args, Debug)]
pub struct Keys {
    /// What to do with keys
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// The commands of `keys`.
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a key pair: FILE, for its owner only, and FILE.pub, for the other end
    New {
        /// The new file
        file: PathBuf,
    },
    /// Print the public key of a key pair
    Show {
        /// The file of the key pair
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use clap::error::ErrorKind;

    use super::*;

    /// The pages that show commands.
    fn pages() -> Vec<PathBuf> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders = ["", "docs", "docs/tutorials"].map(|folder| top.join(folder));
        let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let paths = files.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
    }

    /// The command lines of a page: those in blocks, up to what the shell does with them.
    fn command_lines(page: &str) -> Vec<&str> {
        let mut is_block = false;
        let mut found = Vec::new();
        for line in page.lines() {
            is_block ^= line.starts_with("```");
            let text = line.trim_start().trim_start_matches("$ ");
            if (is_block || line.starts_with("    ")) && text.starts_with("rogue-mem ") {
                let ends = [" #", " >", " 2>", " |", " &", ";"];
                let end = ends.iter().filter_map(|end| text.find(end)).min();
                found.push(&text[..end.unwrap_or(text.len())]);
            }
        }
        found
    }

    #[test]
    fn every_command_line_of_the_pages_is_one_of_this_program() {
        let mut count = 0;
        for path in pages() {
            let page = fs::read_to_string(&path).unwrap();
            for line in command_lines(&page) {
                let words: Vec<&str> =
                    line.split_whitespace().map(|word| word.trim_matches('\'')).collect();
                let parsed =
                    Arguments::try_parse_from(&words).or_else(|error| match error.kind() {
                        // Where the page has set ROGUE_MEM_ADDR.
                        ErrorKind::MissingRequiredArgument => Arguments::try_parse_from(
                            [&words[..], &["--addr", "board:9000"]].concat(),
                        ),
                        _ => Err(error),
                    });
                if let Err(error) = parsed {
                    panic!("{}: {line}\n{error}", path.display());
                }
                count += 1;
            }
        }
        assert!(count > 40, "{count}");
    }
}
