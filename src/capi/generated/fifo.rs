// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a fifo, and starts its thread.
///
/// @param depth_max maximum number of queued frames; 0 = not limited.
/// @param trim_bytes bytes to which copies are cut; 0 = not cut.
/// @param no_copy a flag: whether the frames themselves are queued, whole. Their sender and their
/// other receivers must leave them alone then. Otherwise each is copied on arrival, with flags,
/// channel and error, into a frame from the first receiver.
/// @param out receives the fifo, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
/// system refuses a thread.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_new(
    depth_max: u32,
    trim_bytes: u32,
    no_copy: u32,
    out: *mut *mut rogue_mem_fifo_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Fifo::new(depth_max, trim_bytes, convert::is_set(no_copy))?));
        Ok(())
    })
}

/// The stream port of the fifo: receives frames, and sends them on.
///
/// @param fifo the fifo.
/// @return the port, a new reference, which keeps the fifo alive; NULL if fifo is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_stream_port(
    fifo: *const rogue_mem_fifo_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| into_handle(Arc::new(stream::Port::of(&**fifo)))) }
}

/// The number of queued frames.
///
/// @param fifo the fifo.
/// @return frames; 0 if fifo is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_size(fifo: *const rogue_mem_fifo_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.size() as u64) }
}

/// The number of dropped frames: because the queue was full, because a copy could not be made,
/// which the log says, or because a request was given up while it waited here.
///
/// @param fifo the fifo.
/// @return frames; 0 if fifo is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_dropped(fifo: *const rogue_mem_fifo_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.dropped()) }
}

/// Sets the number of dropped frames to 0.
///
/// @param fifo the fifo; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_clear_dropped(fifo: *mut rogue_mem_fifo_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.clear_dropped()) }
}

/// Stops the fifo: ends its thread, drops queued and later frames, and disconnects its receivers.
/// Further calls do nothing.
///
/// @param fifo the fifo; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_stop(fifo: *mut rogue_mem_fifo_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(fifo, |fifo| fifo.stop()) }
}

/// Adds a reference.
///
/// @param fifo the fifo; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_retain(
    fifo: *mut rogue_mem_fifo_t,
) -> *mut rogue_mem_fifo_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(fifo) }))
}

/// Gives a reference back. The fifo and its thread exist as long as its stream port does.
///
/// @param fifo the fifo; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_fifo_release(fifo: *mut rogue_mem_fifo_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(fifo) };
        Ok(())
    })
}
