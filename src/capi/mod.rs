//! The C interface: every `extern "C"` function, and no logic.
//!
//! One file for each object of `include/rogue_mem.h`, which is generated from these files: their
//! module comments become its sections, their doc comments its comments, so both are written for C
//! programmers. `binding` is the same for `include/rogue_mem_binding.h`. The rules of the interface
//! stand in `docs/abi.md`.
//!
//! What is the same for every object comes from `table.rs`, which is data: the handle types with
//! their retain and release functions, the structures of options and statistics. The functions that
//! only pass a call on come from `functions/`, which is data too. `generated` is made from both.
//!
//! The files below hold what all the others are made of. Each uses those before it only:
//!
//! * `handle`: the only casts between handles and Rust's objects.
//! * `last_error`: the last error of each thread.
//! * `call`: the C function that is being executed.
//! * `argument`: the checks of everything that comes from C.
//! * `convert`: what numbers from C mean.
//! * `guard`: the closure around every function's body, which no panic and no error leaves.
//! * `callback`: what a set of callbacks from C has in common, and the gate before them.

// The conditions of each function stand in its comment, in words for C readers.
#![allow(clippy::missing_safety_doc)]
// Types are named as they appear in C, and are for C.
#![allow(non_camel_case_types, missing_debug_implementations)]

mod argument;
mod call;
mod callback;
mod convert;
mod guard;
mod handle;
mod last_error;

pub mod audit;
pub mod batch;
pub mod binding;
pub mod bits;
pub mod block;
pub mod board;
pub mod budget;
pub mod bulk;
pub mod cmd;
pub mod frame;
pub mod frame_buffers;
// The options of an object are set one by one.
#[allow(clippy::too_many_lines)]
pub mod generated;
pub mod hub;
pub mod link;
pub mod logging;
pub mod master;
pub mod mem_map;
pub mod packetizer;
pub mod prbs;
pub mod rssi;
pub mod slave;
pub mod srp_v0;
pub mod status;
pub mod stream_client;
pub mod stream_master;
pub mod stream_server;
pub mod stream_slave;
pub mod tcp_client;
pub mod tcp_server;
pub mod transaction;
pub mod udp;
pub mod variable;
pub mod variable_bytes;
pub mod variable_values;
