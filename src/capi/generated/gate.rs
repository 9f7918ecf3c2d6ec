// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Adds a reference.
///
/// @param gate the gate; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_retain(
    gate: *mut rogue_mem_gate_t,
) -> *mut rogue_mem_gate_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(gate) }))
}

/// Gives a reference back. Sets of callbacks keep their gate alive.
///
/// @param gate the gate; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_release(gate: *mut rogue_mem_gate_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(gate) };
        Ok(())
    })
}
