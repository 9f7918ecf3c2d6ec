//! Sans-IO protocol code: bytes and time in; bytes, events and a deadline out.
//!
//! Nothing below this module opens a socket, reads a clock, starts a thread or takes a lock.

pub mod axi;
pub mod batcher;
pub mod bridge;
pub mod data_file;
pub mod packetizer;
pub mod prbs;
pub mod rssi;
pub mod srp;
pub mod text;
#[cfg(test)]
#[path = "../../tests/sealing/toy.rs"]
pub(crate) mod toy;
pub mod zmtp;
