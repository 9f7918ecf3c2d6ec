//! Register transactions over TCP and SRPv3, wire compatible with SLAC Rogue.
//!
//! The rooms of this crate, and who may enter which:
//!
//! * [`error`]: status codes, names and texts, from one table.
//! * `process`: what becomes of the library in a child by `fork`, and standard output.
//! * [`clock`]: the one place where the (monotonic) clock is read.
//! * [`sync`]: locks and condition variables that a child by `fork` can use.
//! * [`logging`]: Rogue's logger names, filters and sinks, on top of the `log` crate.
//! * [`proto`]: sans-IO protocol code. Bytes and time in; bytes, events and deadlines out.
//! * [`memory`]: the register bus: transaction, master, slave, hub, emulated memory, bit helpers.
//! * [`stream`]: frames and the ports they travel between.
//! * [`net`]: sockets, the event loop, name resolution. Knows no protocol.
//! * [`bridge`]: `TcpServer` and `TcpClient`, where the bridge's protocol meets sockets and bus.
//! * [`protocols`]: `SrpV3` and its emulation, memory and stream nodes over [`proto`].
//! * [`capi`]: every `extern "C"` function, and no logic.

#![cfg_attr(not(test), warn(clippy::undocumented_unsafe_blocks))]

pub mod bridge;
pub mod capi;
pub mod clock;
pub mod error;
pub mod logging;
pub mod memory;
pub mod net;
mod process;
// `clippy.toml` names what protocol code may not touch; elsewhere it is allowed.
#[warn(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod proto;
pub mod protocols;
pub mod stream;
pub mod sync;

pub use error::{Error, Status};

/// The programs of the README, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmePrograms;
