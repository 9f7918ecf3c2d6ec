//! The part of `testkit` that needs no type of the library.
//!
//! A unit test of the library is compiled with the library's types, and `testkit` with those of
//! another copy of it; so unit tests use this crate, and every other test uses `testkit`, which
//! re-exports it.
//!
//! * [`wait`]: patience for what must happen, a gate for what must not happen yet.
//! * [`process`]: what the system says about this process, and programs that start themselves.
//! * [`players`]: test programs whose processes are the program itself.
//! * [`ports`]: free ports for a bridge.
//! * [`raw`]: peers that speak ZMTP octet by octet.
//! * [`network`]: a network in virtual time.
//! * [`datagrams`]: a network for datagrams in virtual time, which loses and exchanges them.
//! * [`relay`]: a relay of datagrams that loses, delays, duplicates and reorders them.
//! * [`tcp_relay`]: a relay of the connections of a bridge that disturbs them.
//! * [`terminal`]: a terminal for programs that draw.
//! * [`seeds`]: a test once for each of many seeds.
//! * [`directory`]: a directory for the files of one test.
//! * [`vectors`]: octets captured from real peers.

pub mod datagrams;
pub mod directory;
pub mod network;
pub mod players;
pub mod ports;
pub mod process;
pub mod raw;
pub mod relay;
pub mod seeds;
pub mod tcp_relay;
pub mod terminal;
pub mod vectors;
pub mod wait;
