// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a combiner of version 1, which pads the data of each record to whole words.
///
/// @param width the width code, 0 to 5: words of 2, 4, 8, 16, 32 or 64 bytes.
/// @param out receives the combiner, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// another width code.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_new_v1(
    width: u8,
    out: *mut *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchCombiner::v1(width)?));
        Ok(())
    })
}

/// Makes a combiner of version 2, without padding.
///
/// @param out receives the combiner, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_new_v2(
    out: *mut *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::BatchCombiner::v2()));
        Ok(())
    })
}

/// The stream port of the combiner: queues frames, and sends super-frames.
///
/// @param combiner the combiner.
/// @return the port, a new reference, which keeps the combiner alive; NULL if combiner is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_stream_port(
    combiner: *const rogue_mem_batch_combiner_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(combiner, |combiner| into_handle(Arc::new(stream::Port::of(&**combiner)))) }
}

/// The number of queued frames.
///
/// @param combiner the combiner.
/// @return frames; 0 if combiner is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_count(
    combiner: *const rogue_mem_batch_combiner_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(combiner, |combiner| combiner.count() as u64) }
}

/// Sends all queued frames as one super-frame, in this thread; nothing if there are none.
/// Super-frames leave in the order of their numbers: a thread waits for the one before it, unless
/// it is in a delivery; then that one sends the batch too.
///
/// @param combiner the combiner.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the error of the first receiver, which gave
/// no frame: the queued frames are lost then, and counted.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_send(
    combiner: *mut rogue_mem_batch_combiner_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let combiner = unsafe { call.handle(combiner) }?;
        combiner.send_batch()
    })
}

/// Counters of a combiner. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_batch_combiner_stats_t {
    /// sizeof(rogue_mem_batch_combiner_stats_t).
    pub size: usize,
    /// Frames queued now.
    pub queued: u64,
    /// Super-frames sent.
    pub super_frames: u64,
    /// Frames in them.
    pub frames: u64,
    /// Frames lost: the super-frame would have had more than 2^32 bytes, or its receiver gave no
    /// frame for it.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_batch_combiner_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the combiner has done so far.
///
/// @param combiner the combiner.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_stats(
    combiner: *const rogue_mem_batch_combiner_t,
    stats: *mut rogue_mem_batch_combiner_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let combiner = unsafe { call.handle(combiner) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = combiner.stats();
        out.set(&rogue_mem_batch_combiner_stats_t {
            size: 0,
            queued: now.queued,
            super_frames: now.super_frames,
            frames: now.frames,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param combiner the combiner; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_retain(
    combiner: *mut rogue_mem_batch_combiner_t,
) -> *mut rogue_mem_batch_combiner_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(combiner) }))
}

/// Gives a reference back. The combiner exists as long as its stream port does.
///
/// @param combiner the combiner; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_combiner_release(
    combiner: *mut rogue_mem_batch_combiner_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(combiner) };
        Ok(())
    })
}
