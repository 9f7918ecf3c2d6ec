// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a rate drop.
///
/// @param is_period a flag: the meaning of value.
/// @param value with is_period, seconds: at most one frame passes in that time, and none in the
/// first one after this call. Without, a number, whose fraction is ignored: as many frames are
/// dropped after each one that passes; the first one passes. 0 passes all frames, either way.
/// @param out receives the rate drop, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if value
/// is negative or not a number.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_new(
    is_period: u32,
    value: f64,
    out: *mut *mut rogue_mem_rate_drop_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::RateDrop::new(convert::is_set(is_period), value)?));
        Ok(())
    })
}

/// The stream port of the rate drop: receives frames, and sends on those that pass.
///
/// @param rate_drop the rate drop.
/// @return the port, a new reference, which keeps the rate drop alive; NULL if rate_drop is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_stream_port(
    rate_drop: *const rogue_mem_rate_drop_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rate_drop, |rate_drop| into_handle(Arc::new(stream::Port::of(&**rate_drop)))) }
}

/// Adds a reference.
///
/// @param rate_drop the rate drop; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_retain(
    rate_drop: *mut rogue_mem_rate_drop_t,
) -> *mut rogue_mem_rate_drop_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(rate_drop) }))
}

/// Gives a reference back. The rate drop exists as long as its stream port does.
///
/// @param rate_drop the rate drop; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rate_drop_release(rate_drop: *mut rogue_mem_rate_drop_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(rate_drop) };
        Ok(())
    })
}
