// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes an inverter for super-frames of version 1 with width codes 2 to 5.
///
/// @param out receives the inverter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_new_v1(
    out: *mut *mut rogue_mem_batch_inverter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchInverter::v1()));
        Ok(())
    })
}

/// Makes an inverter for super-frames of version 2, of which it moves two bytes of each tail, as
/// Rogue does: the result is of use for one record at most.
///
/// @param out receives the inverter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_new_v2(
    out: *mut *mut rogue_mem_batch_inverter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchInverter::v2()));
        Ok(())
    })
}

/// The stream port of the inverter: receives super-frames, and sends them inverted.
///
/// @param inverter the inverter.
/// @return the port, a new reference, which keeps the inverter alive; NULL if inverter is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_stream_port(
    inverter: *const rogue_mem_batch_inverter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(inverter, |inverter| into_handle(Arc::new(stream::Port::of(&**inverter)))) }
}

/// Counters of an inverter. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_inverter_stats_t {
    /// sizeof(rogue_mem_batch_inverter_stats_t).
    pub size: usize,
    /// Super-frames inverted and sent.
    pub super_frames: u64,
    /// Received frames dropped: with an error, no super-frames, or not invertible.
    pub dropped: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_inverter_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the inverter has done so far.
///
/// @param inverter the inverter.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_stats(
    inverter: *const rogue_mem_batch_inverter_t,
    stats: *mut rogue_mem_batch_inverter_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let inverter = unsafe { call.handle(inverter) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = inverter.stats();
        out.set(&rogue_mem_batch_inverter_stats_t {
            size: 0,
            super_frames: now.super_frames,
            dropped: now.dropped,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param inverter the inverter; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_retain(
    inverter: *mut rogue_mem_batch_inverter_t,
) -> *mut rogue_mem_batch_inverter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(inverter) }))
}

/// Gives a reference back. The inverter exists as long as its stream port does.
///
/// @param inverter the inverter; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_inverter_release(
    inverter: *mut rogue_mem_batch_inverter_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(inverter) };
        Ok(())
    })
}
