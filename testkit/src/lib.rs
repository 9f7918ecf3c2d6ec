//! What the tests of rogue-mem share. Never published.
//!
//! On the library's side:
//!
//! * [`slaves`]: slaves that do what a test wants.
//! * [`bus`]: masters with patience, and observers that tell a test.
//! * [`bridge`]: servers and clients of the memory bridge on this host.
//! * [`fuzz`]: the bodies of the fuzz targets.
//! * [`frames`]: a stream node that stands in for whatever is at the other end.
//! * [`registers`]: where the bits of typed registers go.
//! * [`srp_v0`]: a device that speaks SRP version 0.
//! * [`log`]: what the library logs.
//!
//! Outside of it, and without its types (crate `testkit_base`, which its unit tests can use too):
//!
//! * [`wait`]: patience for what must happen, a gate for what must not happen yet.
//! * [`process`]: what the system says about this process, and programs that start themselves.
//! * [`players`]: test programs whose processes are the program itself.
//! * [`ports`]: free ports for a bridge.
//! * [`raw`]: peers that speak ZMTP octet by octet, so that they can misbehave.
//! * [`network`]: a network in virtual time.
//! * [`datagrams`]: a network for datagrams in virtual time, which loses and exchanges them.
//! * [`relay`]: a relay of datagrams that loses, delays, duplicates and reorders them.
//! * [`tcp_relay`]: a relay of the connections of a bridge that disturbs them.
//! * [`seeds`]: a test once for each of many seeds.
//! * [`directory`]: a directory for the files of one test.
//! * [`vectors`]: octets captured from real peers.

pub mod bridge;
pub mod bus;
pub mod frames;
pub mod fuzz;
pub mod log;
pub mod registers;
pub mod slaves;
pub mod srp_v0;

pub use testkit_base::{
    datagrams, directory, network, players, ports, process, raw, relay, seeds, tcp_relay, vectors,
    wait,
};
