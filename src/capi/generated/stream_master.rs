// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a stream master without slaves.
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_new(
    out: *mut *mut rogue_mem_stream_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Master::new()));
        Ok(())
    })
}

/// Connects a further slave. The first one connected supplies requested frames, and receives each
/// frame last.
///
/// @param master the stream master.
/// @param slave the stream slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond
/// 1024 slaves.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_add_slave(
    master: *mut rogue_mem_stream_master_t,
    slave: *mut rogue_mem_stream_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        master.add_slave(slave.0.clone())
    })
}

/// The number of connected slaves.
///
/// @param master the stream master.
/// @return slaves; 0 if master is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_slave_count(
    master: *const rogue_mem_stream_master_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.slave_count() as u32) }
}

/// Requests a frame, to be filled and sent, from the slave that was connected first. Without a
/// slave the master makes the frame itself.
///
/// @param master the stream master.
/// @param size bytes that it must have room for.
/// @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_req_frame(
    master: *mut rogue_mem_stream_master_t,
    size: u32,
    zero_copy: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(master.req_frame(size, convert::is_set(zero_copy))?));
        Ok(())
    })
}

/// Disconnects all slaves. Frames sent from then on are discarded.
///
/// @param master the stream master; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_stop(master: *mut rogue_mem_stream_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.stop()) }
}

/// Adds a reference.
///
/// @param master the stream master; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_retain(
    master: *mut rogue_mem_stream_master_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(master) }))
}

/// Gives a reference back.
///
/// @param master the stream master; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_release(master: *mut rogue_mem_stream_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}
