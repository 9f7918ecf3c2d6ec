//! The memory that all servers of the bridges hold for their clients, in this process together:
//! requests and frames, complete or in part, and what clients have not read. Each server has a limit
//! too, its option budget_bytes_max.

use super::guard::value;
use crate::bridge::{memory_budget, set_memory_budget};

/// Limits the memory that servers hold together. What is held already stays. Clients for which there
/// is no room are not read until there is.
///
/// @param bytes_max the most that servers may hold, in bytes. 0 = a quarter of what the process may
/// have (control group, address space, memory of the host), at most 1 GiB.
#[no_mangle]
pub extern "C" fn rogue_mem_budget_set_max(bytes_max: u64) {
    value(|_| {
        set_memory_budget(bytes_max);
        Ok(())
    })
}

/// The limit of the memory that servers hold together.
///
/// @return bytes.
#[no_mangle]
pub extern "C" fn rogue_mem_budget_max() -> u64 {
    value(|_| Ok(memory_budget().bytes_max))
}

/// The memory that servers hold now.
///
/// @return bytes, for each server rounded up by some 64 KiB.
#[no_mangle]
pub extern "C" fn rogue_mem_budget_used() -> u64 {
    value(|_| Ok(memory_budget().used))
}
