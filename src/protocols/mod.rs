//! Nodes that speak a protocol: where [`proto`](crate::proto) meets the [stream](crate::stream)
//! and the [register bus](crate::memory).

mod srp_v3;
mod srp_v3_emulation;

pub use srp_v3::SrpV3;
pub use srp_v3_emulation::{SrpV3Emulation, QUEUE_FRAMES_COUNT_MAX};
