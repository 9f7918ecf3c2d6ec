// Generated from table.rs by tests/header; do not edit.

use super::*;

/// The channel as a stream slave.
///
/// @param channel the channel.
/// @return the slave, a new reference; NULL if channel is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_slave(
    channel: *const rogue_mem_file_channel_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| stream_slave_handle(channel.clone())) }
}

/// Frames received since the file was opened: also those that were not written, and those that came
/// while no file was open.
///
/// @param channel the channel.
/// @return frames; 0 if channel is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_frame_count(
    channel: *const rogue_mem_file_channel_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.frame_count()) }
}

/// Sets the number of frames received.
///
/// @param channel the channel; NULL is an error.
/// @param count the number.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_set_frame_count(
    channel: *mut rogue_mem_file_channel_t,
    count: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.set_frame_count(count)) }
}

/// Waits until a number of frames has been received.
///
/// @param channel the channel.
/// @param count the number.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether there are as many; false if channel is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_wait_frame_count(
    channel: *const rogue_mem_file_channel_t,
    count: u64,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(channel, |channel| channel.wait_frame_count(count, convert::limit(timeout_us))) }
}

/// Adds a reference.
///
/// @param channel the channel; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_retain(
    channel: *mut rogue_mem_file_channel_t,
) -> *mut rogue_mem_file_channel_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(channel) }))
}

/// Gives a reference back. Stream masters that its slave is connected to, and its writer, keep it
/// alive.
///
/// @param channel the channel; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_channel_release(channel: *mut rogue_mem_file_channel_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(channel) };
        Ok(())
    })
}
