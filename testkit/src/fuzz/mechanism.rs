//! The mechanism for tests of the library's unit tests.

/// Where the mechanism looks for the library's types.
pub use rogue_mem::proto::zmtp;

#[path = "../../../tests/sealing/toy.rs"]
pub mod toy;
