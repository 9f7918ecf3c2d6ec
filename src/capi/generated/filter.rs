// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a filter.
///
/// @param drop_errors a flag: whether frames with an error are dropped too.
/// @param channel the channel whose frames pass.
/// @param out receives the filter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_new(
    drop_errors: u32,
    channel: u8,
    out: *mut *mut rogue_mem_filter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Filter::new(convert::is_set(drop_errors), channel)));
        Ok(())
    })
}

/// The stream port of the filter: receives frames, and sends on those that pass.
///
/// @param filter the filter.
/// @return the port, a new reference, which keeps the filter alive; NULL if filter is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_stream_port(
    filter: *const rogue_mem_filter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(filter, |filter| into_handle(Arc::new(stream::Port::of(&**filter)))) }
}

/// Adds a reference.
///
/// @param filter the filter; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_retain(
    filter: *mut rogue_mem_filter_t,
) -> *mut rogue_mem_filter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(filter) }))
}

/// Gives a reference back. The filter exists as long as its stream port does.
///
/// @param filter the filter; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_filter_release(filter: *mut rogue_mem_filter_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(filter) };
        Ok(())
    })
}
