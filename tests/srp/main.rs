//! SRP: the clients and the emulated device against recorded frames, against each other,
//! and against peers that do not keep to the protocol.

mod client;
mod emulation;
mod pair;
mod peer;
mod v0;
mod vectors;
