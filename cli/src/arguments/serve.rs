//! What `serve` is told: on the command line, and by the same names in a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use toml::Spanned;

use super::values;
use crate::number;

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// A file with the options, in TOML; those of the command line come before those of the file
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Look at the options and their files, say whether they are right, and serve nothing
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub settings: Settings,
    /// The only region, of the command line
    #[command(flatten)]
    pub region: Region,
}

/// How the server works. Each is an option, and a key of the file.
#[derive(Args, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where it listens: HOST:PORT (PORT and the next one), *:PORT, or unix:PATH; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Vec<String>,
    /// Refuse every write
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true"
    )]
    pub read_only: Option<bool>,
    /// A file that says which peers may connect, and what each may read and write
    #[arg(long, value_name = "FILE")]
    pub access_list: Option<PathBuf>,
    /// Record every write in this file, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// A file with the server's key pair: all connections are encrypted
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// A file with the public keys of the clients that may connect, or `any`
    #[arg(long, value_name = "FILE")]
    pub clients: Option<PathBuf>,
    /// Permissions of the files of `unix:PATH`, in octal: users that may write to them may connect
    /// [default: 600]
    #[arg(long, value_name = "MODE", value_parser = number::mode)]
    #[serde(deserialize_with = "values::mode")]
    pub unix_mode: Option<u32>,
    /// Where Prometheus finds the server's counters, as http://ADDRESS/metrics: HOST:PORT, or PORT of
    /// this host
    #[arg(long, value_name = "ADDRESS")]
    #[serde(deserialize_with = "values::text")]
    pub metrics: Option<String>,
    /// Seconds between two states: on a terminal [default: 1], and as JSON, which has none without it
    #[arg(long, value_name = "SECONDS", value_parser = number::seconds)]
    #[serde(deserialize_with = "values::seconds")]
    pub interval: Option<Duration>,
    /// Seconds that the requests that the device has may take at the end [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = number::seconds)]
    #[serde(deserialize_with = "values::seconds")]
    pub drain: Option<Duration>,
    #[command(flatten)]
    pub limits: Limits,
    /// What is served, in a file.
    #[arg(skip)]
    pub region: Vec<Spanned<Region>>,
}

/// What clients may cost: the limits of docs/security.md.
#[derive(Args, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Bytes that the server holds for all clients together
    #[arg(long, value_name = "BYTES", value_parser = number::size)]
    #[serde(deserialize_with = "values::size")]
    pub budget_bytes_max: Option<u64>,
    /// Bytes of the largest access
    #[arg(long, value_name = "BYTES", value_parser = number::size)]
    #[serde(deserialize_with = "values::size")]
    pub transaction_bytes_max: Option<u64>,
    /// Clients at once
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(deserialize_with = "values::count")]
    pub clients_max: Option<u32>,
    /// Clients of one address, or of one user of this host, at once
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(deserialize_with = "values::count")]
    pub clients_per_address_max: Option<u32>,
    /// Requests of one client that the device may have at once
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(deserialize_with = "values::count")]
    pub window: Option<u32>,
    /// Bytes in a second with which clients go on with what they have begun; 0 for any number
    #[arg(long, value_name = "BYTES")]
    pub progress_per_second_min: Option<u32>,
    /// Malformed messages in a second for which a client is disconnected
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(deserialize_with = "values::count")]
    pub malformed_per_second_max: Option<u32>,
}

/// A range of addresses, and the memory, device or board behind it.
#[derive(Args, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Region {
    /// Its name in metrics and errors.
    #[arg(skip)]
    pub name: Option<String>,
    /// The first address that clients have for it.
    #[arg(skip)]
    #[serde(deserialize_with = "values::address")]
    pub at: Option<u64>,
    /// An emulated memory of so many bytes
    #[arg(long, value_parser = number::size, value_name = "SIZE", group = "device")]
    #[serde(deserialize_with = "values::size")]
    pub emulate: Option<u64>,
    /// A range of /dev/mem, of a UIO device or of a file
    #[arg(long, value_name = "PATH", requires = "size", group = "device")]
    pub mem: Option<PathBuf>,
    /// A board that speaks SRPv3 over UDP
    #[arg(long, value_name = "HOST:PORT", group = "device")]
    pub srp_udp: Option<String>,
    /// A board that speaks SRPv3 over packetizer, RSSI and UDP
    #[arg(long, value_name = "HOST:PORT", group = "device")]
    pub udp_rssi: Option<String>,
    /// The first address of the range, at the device [default: 0]
    #[arg(long, value_parser = number::address, value_name = "ADDRESS")]
    #[serde(deserialize_with = "values::address")]
    pub base: Option<u64>,
    /// Bytes of the range; a board has all addresses from BASE on without it
    #[arg(long, value_parser = number::size, value_name = "BYTES")]
    #[serde(deserialize_with = "values::size")]
    pub size: Option<u64>,
    /// Bytes of each access to the mapped range: 4 or 8 [default: 4]
    #[arg(long, value_name = "BYTES")]
    pub access: Option<u32>,
    /// Datagrams for networks with frames of 9000 bytes
    #[arg(long)]
    pub jumbo: bool,
    /// Version of the packetizer: 1 or 2 [default: 2]
    #[arg(long, value_name = "VERSION")]
    pub packetizer: Option<u8>,
    /// Destination of the registers in the packetizer [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub dest: Option<u8>,
}

impl Settings {
    /// These, and those of `file` where they say nothing. What they say of regions is in `file` only.
    pub fn over(self, file: Settings) -> Settings {
        Settings {
            bind: if self.bind.is_empty() { file.bind } else { self.bind },
            read_only: self.read_only.or(file.read_only),
            access_list: self.access_list.or(file.access_list),
            audit: self.audit.or(file.audit),
            keys: self.keys.or(file.keys),
            clients: self.clients.or(file.clients),
            unix_mode: self.unix_mode.or(file.unix_mode),
            metrics: self.metrics.or(file.metrics),
            interval: self.interval.or(file.interval),
            drain: self.drain.or(file.drain),
            limits: self.limits.over(file.limits),
            region: file.region,
        }
    }
}

impl Limits {
    fn over(self, file: Limits) -> Limits {
        Limits {
            budget_bytes_max: self.budget_bytes_max.or(file.budget_bytes_max),
            transaction_bytes_max: self.transaction_bytes_max.or(file.transaction_bytes_max),
            clients_max: self.clients_max.or(file.clients_max),
            clients_per_address_max: self.clients_per_address_max.or(file.clients_per_address_max),
            window: self.window.or(file.window),
            progress_per_second_min: self.progress_per_second_min.or(file.progress_per_second_min),
            malformed_per_second_max: self
                .malformed_per_second_max
                .or(file.malformed_per_second_max),
        }
    }
}
