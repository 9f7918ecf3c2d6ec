//! The C interface: every `extern "C"` function, and no logic.
//!
//! One file for each object of `include/rogue_mem.h`, which is generated from these files: their
//! module comments become its sections, their doc comments its comments, so both are written for
//! readers who know C and not Rust. The rules of the interface stand in `docs/abi.md`.
//!
//! Four files hold what all the others are made of:
//!
//! * `handle`: the handle types, and the only casts between them and Rust's objects.
//! * `guard`: the closure around every function's body, which no panic and no error leaves.
//! * `argument`: the checks of everything that comes from C.
//! * `callback`: what a set of callbacks from C has in common, and the gate before them.
//!
//! `status` holds the calling thread's last error as well.

// The conditions of each function stand in its comment, in words for C readers.
#![allow(clippy::missing_safety_doc)]
// Types are named as they appear in C.
#![allow(non_camel_case_types)]

mod argument;
mod callback;
mod guard;
mod handle;

pub mod bits;
pub mod emulate;
pub mod frame;
pub mod gate;
pub mod hub;
pub mod logging;
pub mod master;
pub mod slave;
pub mod srp_v3;
pub mod srp_v3_emulation;
pub mod status;
pub mod stream_master;
pub mod stream_slave;
pub mod tcp_client;
pub mod tcp_server;
pub mod transaction;

pub use handle::{
    rogue_mem_frame_t, rogue_mem_gate_t, rogue_mem_hub_t, rogue_mem_logger_t, rogue_mem_master_t,
    rogue_mem_slave_t, rogue_mem_srp_v3_emulation_t, rogue_mem_srp_v3_t, rogue_mem_stream_master_t,
    rogue_mem_stream_slave_t, rogue_mem_tcp_client_t, rogue_mem_tcp_server_t,
    rogue_mem_transaction_t,
};
