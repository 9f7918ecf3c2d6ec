// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a frame of one piece, without payload.
///
/// @param capacity bytes that the payload can have.
/// @param out receives the frame, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_new(
    capacity: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(stream::Frame::new(capacity)?));
        Ok(())
    })
}

/// The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
///
/// @param frame the frame.
/// @return the flags, 0 in a new frame; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_flags(frame: *const rogue_mem_frame_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.flags()) }
}

/// Replaces the flags.
///
/// @param frame the frame; NULL is an error.
/// @param flags the new flags.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_flags(frame: *mut rogue_mem_frame_t, flags: u16) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_flags(flags)) }
}

/// The user bits of the first byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_first_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.first_user()) }
}

/// Replaces the first user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_first_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_first_user(user)) }
}

/// The user bits of the last byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_last_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.last_user()) }
}

/// Replaces the last user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_last_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_last_user(user)) }
}

/// The channel.
///
/// @param frame the frame.
/// @return the channel, 0 in a new frame; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_channel(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.channel()) }
}

/// Replaces the channel.
///
/// @param frame the frame; NULL is an error.
/// @param channel the new channel.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_channel(frame: *mut rogue_mem_frame_t, channel: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_channel(channel)) }
}

/// The error.
///
/// @param frame the frame.
/// @return the error, 0 if the frame is good; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_error(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.error()) }
}

/// Replaces the error.
///
/// @param frame the frame; NULL is an error.
/// @param error the new error; 0 means that the frame is good.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_error(frame: *mut rogue_mem_frame_t, error: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_error(error)) }
}

/// Adds a reference.
///
/// @param frame the frame; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_retain(
    frame: *mut rogue_mem_frame_t,
) -> *mut rogue_mem_frame_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(frame) }))
}

/// Gives a reference back.
///
/// @param frame the frame; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_release(frame: *mut rogue_mem_frame_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(frame) };
        Ok(())
    })
}
