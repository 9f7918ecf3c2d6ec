// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Adds a reference.
///
/// @param srp the object; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_retain(
    srp: *mut rogue_mem_srp_v0_t,
) -> *mut rogue_mem_srp_v0_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(srp) }))
}

/// Gives a reference back. Release of the last reference stops the object.
///
/// @param srp the object; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_release(srp: *mut rogue_mem_srp_v0_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(srp) };
        Ok(())
    })
}
