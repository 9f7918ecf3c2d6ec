// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Counters of a generator and checker. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_prbs_stats_t {
    /// sizeof(rogue_mem_prbs_stats_t).
    pub size: usize,
    /// Frames sent; modulo 2^32.
    pub tx_count: u64,
    /// Frames that could not be sent; modulo 2^32.
    pub tx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Good frames received; modulo 2^32.
    pub rx_count: u64,
    /// Bad frames received; modulo 2^32.
    pub rx_errors: u64,
    /// Bytes of good frames received.
    pub rx_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_prbs_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the object has done so far.
///
/// @param prbs the object.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_stats(
    prbs: *const rogue_mem_prbs_t,
    stats: *mut rogue_mem_prbs_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = prbs.stats();
        out.set(&rogue_mem_prbs_stats_t {
            size: 0,
            tx_count: now.tx_count,
            tx_errors: now.tx_errors,
            tx_bytes: now.tx_bytes,
            rx_count: now.rx_count,
            rx_errors: now.rx_errors,
            rx_bytes: now.rx_bytes,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param prbs the object; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_retain(
    prbs: *mut rogue_mem_prbs_t,
) -> *mut rogue_mem_prbs_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(prbs) }))
}

/// Gives a reference back. Release of the last reference ends its thread.
///
/// @param prbs the object; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_release(prbs: *mut rogue_mem_prbs_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(prbs) };
        Ok(())
    })
}
