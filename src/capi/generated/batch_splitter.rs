// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a splitter for super-frames of version 1.
///
/// @param out receives the splitter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_new_v1(
    out: *mut *mut rogue_mem_batch_splitter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchSplitter::v1()));
        Ok(())
    })
}

/// Makes a splitter for super-frames of version 2.
///
/// @param out receives the splitter, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_new_v2(
    out: *mut *mut rogue_mem_batch_splitter_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchSplitter::v2()));
        Ok(())
    })
}

/// The stream port of the splitter: receives super-frames, and sends frames.
///
/// @param splitter the splitter.
/// @return the port, a new reference, which keeps the splitter alive; NULL if splitter is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_stream_port(
    splitter: *const rogue_mem_batch_splitter_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(splitter, |splitter| into_handle(Arc::new(stream::Port::of(&**splitter)))) }
}

/// Counters of a splitter. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_splitter_stats_t {
    /// sizeof(rogue_mem_batch_splitter_stats_t).
    pub size: usize,
    /// Super-frames split.
    pub super_frames: u64,
    /// Frames sent.
    pub frames: u64,
    /// Received frames dropped: with an error, or no super-frames.
    pub dropped: u64,
    /// Records dropped because the receiver gave no frame for them.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_splitter_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the splitter has done so far.
///
/// @param splitter the splitter.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_stats(
    splitter: *const rogue_mem_batch_splitter_t,
    stats: *mut rogue_mem_batch_splitter_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let splitter = unsafe { call.handle(splitter) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = splitter.stats();
        out.set(&rogue_mem_batch_splitter_stats_t {
            size: 0,
            super_frames: now.super_frames,
            frames: now.frames,
            dropped: now.dropped,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param splitter the splitter; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_retain(
    splitter: *mut rogue_mem_batch_splitter_t,
) -> *mut rogue_mem_batch_splitter_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(splitter) }))
}

/// Gives a reference back. The splitter exists as long as its stream port does.
///
/// @param splitter the splitter; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_splitter_release(
    splitter: *mut rogue_mem_batch_splitter_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(splitter) };
        Ok(())
    })
}
