// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Requests a frame from the slave, to be filled and sent to it.
///
/// @param slave the stream slave.
/// @param size bytes that it must have room for.
/// @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_req_frame(
    slave: *mut rogue_mem_stream_slave_t,
    size: u32,
    zero_copy: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(slave.accept_req(size, convert::is_set(zero_copy))?));
        Ok(())
    })
}

/// Makes a frame from the slave's own pool, even if the slave has an accept_req, which may call
/// this.
///
/// @param slave the stream slave.
/// @param size bytes that it must have room for.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_req_local_frame(
    slave: *mut rogue_mem_stream_slave_t,
    size: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(slave.base().pool().request(size)?));
        Ok(())
    })
}

/// The number of frames received.
///
/// @param slave the stream slave.
/// @return frames; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_frame_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().frame_count()) }
}

/// The payload of the frames received.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_byte_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().byte_count()) }
}

/// Logs the start of each later frame that arrives, at ROGUE_MEM_LOG_CRITICAL: its size, its error
/// and its first bytes in hexadecimal digits. Slaves that are a part of a transport log nothing.
///
/// @param slave the stream slave.
/// @param bytes number of bytes at most; 0 = nothing is logged, as at first.
/// @param name name of the logger, copied; see rogue_mem_logger_new.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_debug(
    slave: *mut rogue_mem_stream_slave_t,
    bytes: u32,
    name: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        slave.base().set_debug(bytes, name);
        Ok(())
    })
}

/// Counts the slave's buffers that are in use by frames now. A frame has one, or with a fixed size
/// as many as its room takes.
///
/// @param slave the stream slave.
/// @return number of buffers; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_count(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_count()) }
}

/// Counts the bytes of the slave's buffers that are in use by frames now.
///
/// @param slave the stream slave.
/// @return bytes; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_alloc_bytes(
    slave: *const rogue_mem_stream_slave_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().alloc_bytes()) }
}

/// The size of the slave's buffers.
///
/// @param slave the stream slave.
/// @return bytes, 0 = as large as asked for; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_fixed_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().fixed_size()) }
}

/// Sets the size of the slave's buffers: later frames have as many as their room takes.
///
/// @param slave the stream slave; NULL is an error.
/// @param bytes size of each; 0 = as large as asked for, as it is at first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_fixed_size(
    slave: *mut rogue_mem_stream_slave_t,
    bytes: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_fixed_size(bytes)) }
}

/// How many buffers of the fixed size are kept to be used again.
///
/// @param slave the stream slave.
/// @return number of buffers at most; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_pool_size(
    slave: *const rogue_mem_stream_slave_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().pool_size()) }
}

/// Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that were
/// never written may then be those of an earlier one.
///
/// @param slave the stream slave; NULL is an error.
/// @param count number of buffers at most; it is 0 at first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_set_pool_size(
    slave: *mut rogue_mem_stream_slave_t,
    count: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().pool().set_pool_size(count)) }
}

/// Adds a reference.
///
/// @param slave the stream slave; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_retain(
    slave: *mut rogue_mem_stream_slave_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Stream masters that the slave is connected to keep it alive.
///
/// @param slave the stream slave; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_slave_release(slave: *mut rogue_mem_stream_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}
