//! A wait for a transaction of a block, in a function of a variable, of a block, or of many blocks,
//! has no form with a time limit: what has begun could not be continued by the next call. Instead a
//! thread has a watch, which is asked about ten times a second while the thread waits, so that an
//! interpreter can handle signals.

use std::ffi::c_void;
use std::sync::Arc;

use crate::capi::argument::Versioned;
use crate::capi::callback::Context;
use crate::capi::convert::is_set;
use crate::capi::generated::rogue_mem_gate_t;
use crate::capi::guard::status;
use crate::capi::status::rogue_mem_status_t;
use crate::memory::block::{watch_waits, WaitWatch};

/// Callbacks of the waits of a thread. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_watch_t {
    /// sizeof(rogue_mem_watch_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, after the last call of is_interrupted: when the thread gets another
    /// watch, or ends. Not called if rogue_mem_thread_watch fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Whether the present wait is to be given up: a flag; must not be NULL. Called in the thread
    /// that waits, with no lock held. A wait that is given up fails with
    /// ROGUE_MEM_ERROR_INTERRUPTED; a call for many blocks waits for no further one then. The
    /// transaction stays under way, and the next one of the block waits for it.
    pub is_interrupted: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u32>,
    /// The gate of all callbacks but drop; the library takes a reference. NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_watch_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Asks a function of the program's.
struct Watch {
    is_interrupted: unsafe extern "C" fn(*mut c_void) -> u32,
    context: Context,
}

impl WaitWatch for Watch {
    fn is_interrupted(&self) -> bool {
        let Some(_inside) = self.context.enter() else { return false };
        // SAFETY: a function of the program's with this signature.
        is_set(unsafe { (self.is_interrupted)(self.context.ctx()) })
    }
}

/// Gives the calling thread a watch, in place of the present one.
///
/// @param watch_or_null the callbacks, copied; NULL: none from now on.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT if is_interrupted is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size. On failure drop is not called.
///
/// Each thread has its own.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_thread_watch(
    watch_or_null: *const rogue_mem_watch_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(watch_or_null, "watch_or_null") }?;
        let Some(given) = given else {
            watch_waits(None);
            return Ok(());
        };
        let is_interrupted = given.is_interrupted.ok_or_else(|| call.null("is_interrupted"))?;
        // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header demands.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        watch_waits(Some(Arc::new(Watch { is_interrupted, context })));
        Ok(())
    })
}
