//! The packetizer, as codec and as nodes: against recorded packets, against itself, and against
//! transports and applications of every kind.

mod network;
mod nodes;
mod vectors;
