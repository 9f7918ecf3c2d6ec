// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Starts an event loop.
///
/// @param name the name of its thread, of which the system may show the first 15 bytes.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the event loop, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system
/// refuses descriptors, memory or the thread.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_new(
    name: *const c_char,
    options_or_null: *const rogue_mem_event_loop_options_t,
    out: *mut *mut rogue_mem_event_loop_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::net::EventLoop::with_options(name, options_or_null)?));
        Ok(())
    })
}

/// Options of an event loop. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_event_loop_options_t {
    /// sizeof(rogue_mem_event_loop_options_t).
    pub size: usize,
    /// Microseconds for which the thread polls for the next event before it sleeps, which keeps a
    /// processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Stack size of the thread, in bytes; the receivers of frames run on it. At least 2 MiB.
    /// 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_event_loop_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_event_loop_options_t {
    type Chosen = crate::net::EventLoopOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Adds a reference.
///
/// @param event_loop the event loop; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_retain(
    event_loop: *mut rogue_mem_event_loop_t,
) -> *mut rogue_mem_event_loop_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(event_loop) }))
}

/// Gives a reference back. The thread ends with the last reference and the last object that uses
/// it.
///
/// @param event_loop the event loop; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_event_loop_release(event_loop: *mut rogue_mem_event_loop_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(event_loop) };
        Ok(())
    })
}
