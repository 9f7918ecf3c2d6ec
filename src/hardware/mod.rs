//! Hardware of this machine as memory slaves.
//!
//! The system calls, and every `unsafe` block, are in `mem_map/sys`.

mod mem_map;

pub use mem_map::{MemMap, MemMapOptions, DEVICE_PATH};
