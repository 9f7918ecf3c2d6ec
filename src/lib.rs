//! Register transactions over TCP and SRPv3, wire compatible with SLAC Rogue.
//!
//! The rooms of this crate:
//!
//! * [`error`]: status codes, names and texts, from one table.
//! * `process`: fork handlers, the start of threads, standard output, the memory of the process.
//! * `headroom`: memory for what cannot be tried.
//! * [`peer`]: the other end of a connection, for logs, limits and rights.
//! * [`clock`]: the only reader of the (monotonic) clock.
//! * `sync`: the standard library's mutex and condition variable, without poison.
//! * [`logging`]: Rogue's logger names, filters and sinks, on top of the `log` crate.
//! * [`proto`]: sans-IO protocol code. Bytes and time in; bytes, events and deadlines out.
//! * [`memory`]: the register bus: transaction, master, slave, hub, emulated memory, bit helpers,
//!   typed registers.
//! * [`stream`]: frames, and the masters and slaves between which they travel.
//! * [`net`]: sockets, the event loop, name resolution. Knows no protocol.
//! * [`security`]: keys and their files, and which clients a server accepts. Decides, and has no
//!   socket.
//! * [`bridge`]: `TcpServer` and `TcpClient`: the bridge's protocol between sockets and the bus.
//! * [`protocols`]: `SrpV3` and its emulation, memory and stream nodes over [`proto`]; streams over
//!   UDP.
//! * [`files`]: data files, to which the frames of a stream are written, and from which they are
//!   read.
//! * [`hardware`]: `MemMap`, registers in a mapped file, as memory slaves.
//! * [`capi`]: every `extern "C"` function, and no logic.

#![cfg_attr(not(test), warn(clippy::too_many_lines, clippy::undocumented_unsafe_blocks))]

pub mod bridge;
pub mod capi;
pub mod clock;
pub mod error;
pub mod files;
pub mod hardware;
mod headroom;
pub mod logging;
pub mod memory;
pub mod net;
pub mod peer;
mod process;
// `clippy.toml` lists what protocol code may not use; elsewhere it is allowed.
#[warn(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod proto;
pub mod protocols;
pub mod security;
pub mod stream;
mod sync;

pub use error::{Error, Status};

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
