//! Sans-IO protocol code: bytes and time in; bytes, events and a deadline out.
//!
//! Nothing below this module opens a socket, reads a clock, starts a thread or takes a lock.

pub mod bridge;
pub mod srp;
pub mod text;
pub mod zmtp;
