//! A gate switches callbacks off. It is for bindings to languages whose interpreter ends before the
//! process does, and must not be called after that.
//!
//! Sets of callbacks name their gate in the member gate. While it is open, callbacks are called as
//! if there were none. After it is closed, only drop is still called; in place of another callback
//! the library behaves as documented for a member that is NULL.

use std::sync::Arc;
use std::time::Duration;

use crate::capi::callback::CallbackGate;
use crate::capi::generated::rogue_mem_gate_t;
use crate::capi::guard::{query, status};
use crate::capi::handle::into_handle;
use crate::capi::status::rogue_mem_status_t;

/// Makes an open gate.
///
/// @param out receives the gate, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_new(out: *mut *mut rogue_mem_gate_t) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(CallbackGate::new())));
        Ok(())
    })
}

/// Closes the gate for good, and waits for running callbacks. A callback behind the gate must not
/// call this, because it would wait for itself.
///
/// @param gate the gate.
/// @param timeout_us the time limit, in microseconds; 0 does not wait.
/// @return true if no callback runs, so that none ever will; false if one still runs, and, with the
/// last error set, if gate is NULL.
///
/// May be called again, to wait longer.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_gate_close(
    gate: *mut rogue_mem_gate_t,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(gate, |gate| gate.close(Duration::from_micros(timeout_us))) }
}
