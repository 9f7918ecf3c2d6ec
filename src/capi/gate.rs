//! A gate can be put before callbacks, and closed: for bindings to languages whose interpreter ends
//! before the process does, and must not be called then.
//!
//! Sets of callbacks name the gate in their member gate. While it is open they are called as if
//! there were none. Once it is closed none of them is called any more, but for their drop; what
//! would have been asked of them is answered as each set says of a member that is NULL.

use std::sync::Arc;
use std::time::Duration;

use super::callback::Gate;
use super::guard::{query, status, value};
use super::handle::{into_handle, release, retain, rogue_mem_gate_t};
use super::status::rogue_mem_status_t;

/// Makes a gate, which is open.
///
/// @param out receives the gate, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_new(out: *mut *mut rogue_mem_gate_t) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(Gate::new())));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param gate the gate; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
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
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_release(gate: *mut rogue_mem_gate_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(gate) };
        Ok(())
    })
}

/// Closes the gate for good, and waits for the callbacks that have passed it. Must not be called by
/// one of these, which would wait for itself.
///
/// @param gate the gate.
/// @param microseconds how long to wait at most; 0 only looks.
/// @return true if no callback runs, and so none ever will; false if one still runs, and, with the
/// last error set, if gate is NULL.
///
/// Thread safe; may be called again, to wait longer.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_close(
    gate: *mut rogue_mem_gate_t,
    microseconds: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(gate, |gate| gate.close(Duration::from_micros(microseconds))) }
}
