//! Register transactions over TCP and SRPv3, wire compatible with SLAC Rogue.
//!
//! The rooms of this crate:
//!
//! * [`error`]: status codes, names and texts, from one table.
//! * [`memory`]: the register bus: transaction, master, slave, hub, emulated memory, bit helpers,
//!   typed registers.
//! * [`stream`]: frames, and the masters and slaves between which they travel.
//! * [`bridge`]: `TcpServer` and `TcpClient`: the bridge's protocol between sockets and the bus.
//! * [`protocols`]: `SrpV3` and its emulation, memory and stream nodes; streams over UDP.
//! * [`files`]: data files, to which the frames of a stream are written, and from which they are
//!   read.
//! * [`hardware`]: `MemMap`, registers in a mapped file, as memory slaves.
//! * [`security`]: keys and their files, and which clients a server accepts. Decides, and has no
//!   socket.
//! * [`peer`]: the other end of a connection, for logs, limits and rights.
//! * [`logging`]: Rogue's logger names, filters and sinks, on top of the `log` crate.
//! * [`time`]: the moments in the results of the others.
//!
//! Not public, but by the feature `internals`, which makes no promise:
//!
//! * `capi`: every `extern "C"` function, and no logic; with the feature `capi` only.
//! * `clock`: the only reader of the (monotonic) clock.
//! * `debug`: `Debug` of types with locks inside.
//! * `headroom`: memory for what cannot be tried.
//! * `net`: sockets, the event loop, name resolution. Knows no protocol.
//! * `process`: fork handlers, the start of threads, standard output, the memory of the process.
//! * `proto`: sans-IO protocol code. Bytes and time in; bytes, events and deadlines out.
//! * `sync`: the standard library's mutex and condition variable, without poison.

#![cfg_attr(not(test), warn(clippy::too_many_lines, clippy::undocumented_unsafe_blocks))]
// What only the C interface and tests use; `make lint` sees the crate with both features.
#![cfg_attr(
    not(all(feature = "capi", feature = "internals")),
    allow(dead_code, unused_imports, unused_macros)
)]
// Pages of public rooms name the others; without the feature the names are no links.
#![cfg_attr(not(feature = "internals"), allow(rustdoc::private_intra_doc_links))]
// Of the public rooms: programs derive `Debug` for what holds their types.
#![cfg_attr(not(feature = "internals"), warn(missing_debug_implementations))]

pub mod bridge;
#[cfg(all(feature = "capi", not(feature = "internals")))]
mod capi;
#[cfg(all(feature = "capi", feature = "internals"))]
pub mod capi;
#[cfg(not(feature = "internals"))]
mod clock;
#[cfg(feature = "internals")]
pub mod clock;
mod debug;
pub mod error;
pub mod files;
pub mod hardware;
mod headroom;
pub mod logging;
pub mod memory;
#[cfg(not(feature = "internals"))]
mod net;
#[cfg(feature = "internals")]
pub mod net;
pub mod peer;
mod process;
// `clippy.toml` lists what protocol code may not use; elsewhere it is allowed.
#[cfg(not(feature = "internals"))]
#[warn(clippy::disallowed_methods, clippy::disallowed_types)]
mod proto;
#[cfg(feature = "internals")]
#[warn(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod proto;
pub mod protocols;
pub mod security;
pub mod stream;
mod sync;

pub use error::{Error, Status};

/// Moments of the monotonic clock, as deadlines of transactions have them.
pub mod time {
    pub use crate::clock::{instant, now, Time};
}

/// The release of Rogue whose interface this library implements. `rogue::Version` (`minVersion`)
/// and `find_package(Rogue)` compare with this version. The library's own version is the crate's.
pub const ROGUE_INTERFACE_VERSION: &std::ffi::CStr = c"6.1.0";

/// The programs of the README, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmePrograms;

/// Those of the tutorial that has one.
#[cfg(doctest)]
#[doc = include_str!("../docs/tutorials/first-register.md")]
pub struct TutorialPrograms;
