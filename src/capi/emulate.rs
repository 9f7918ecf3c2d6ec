//! Memory that exists only in this process, for tests, examples and simulations.

use super::guard::status;
use super::handle::{rogue_mem_slave_t, slave_handle};
use super::status::rogue_mem_status_t;
use crate::memory::Emulate;

/// Makes a slave that is sparse byte memory over the whole 64-bit address space. What was never
/// written reads as zero. Transactions complete at once.
///
/// @param min smallest access in bytes, advertised only.
/// @param max largest access in bytes, advertised only; 0 = not limited.
/// @param out receives the slave, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_emulate_new(
    min: u32,
    max: u32,
    out: *mut *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(slave_handle(Emulate::new(min, max)));
        Ok(())
    })
}
