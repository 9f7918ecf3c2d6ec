// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a slave with sparse byte memory in the whole 64-bit address space. Memory that was never
/// written reads as zero. Transactions complete at once.
///
/// @param min smallest access in bytes, advertised only.
/// @param max largest access in bytes, advertised only; 0 = not limited.
/// @param out receives the slave, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_emulate_new(
    min: u32,
    max: u32,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(slave_handle(crate::memory::Emulate::new(min, max)));
        Ok(())
    })
}

/// As rogue_mem_emulate_new, with a limit of the memory. A write that needs more fails, and writes
/// nothing.
///
/// @param min smallest access in bytes, advertised only.
/// @param max largest access in bytes, advertised only; 0 = not limited.
/// @param memory_bytes_max bytes that the memory may take, with the tables that lead to it; each
/// written page takes 4 KiB. 0 = as rogue_mem_emulate_new: a quarter of what the process may have
/// (control group, address space, memory of the host), at most 1 GiB.
/// @param out receives the slave, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_emulate_new_limited(
    min: u32,
    max: u32,
    memory_bytes_max: u64,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(slave_handle(crate::memory::Emulate::with_limit(min, max, memory_bytes_max)));
        Ok(())
    })
}
