//! Variants of a frame's lock, and of the copies of its payload, with a time limit, and with a
//! record that the lock is held.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::capi::call::Call;
use crate::capi::convert::is_set;
use crate::capi::frame::{count, hold, is_held, unhold, with_buffers};
use crate::capi::generated::rogue_mem_frame_t;
use crate::capi::guard::{status, value};
use crate::capi::status::rogue_mem_status_t;
use crate::error::{Result, Status};
use crate::stream::{Buffers, Frame};

/// Locks the frame's payload like rogue_mem_frame_lock, within a time limit.
///
/// @param frame the frame, which is kept alive until it is unlocked.
/// @param timeout_us the time limit, in microseconds; 0 only tries.
/// @param held_or_null set to 1 together with the lock, for languages in which an exception can
/// occur between any two steps; see rogue_mem_frame_unlock_held. If it is not 0 already, nothing is
/// locked again.
/// @return true if this thread has the lock, which it releases with rogue_mem_frame_unlock or
/// rogue_mem_frame_unlock_held; false if not, and, with the last error set, if frame is NULL.
///
/// Each thread needs a held_or_null of its own.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_lock_for(
    frame: *mut rogue_mem_frame_t,
    timeout_us: u64,
    held_or_null: *mut u32,
) -> bool {
    let time = Duration::from_micros(timeout_us);
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held_or_null) };
        let was_held = held.is_some_and(|held| is_set(held.load(Ordering::Acquire)));
        let is_held = was_held || hold(&frame, 1, |mutex| mutex.try_lock_for(time));
        held.into_iter().for_each(|held| held.store(is_held.into(), Ordering::Release));
        Ok(is_held)
    })
}

/// Unlocks the frame's payload if rogue_mem_frame_lock_for has recorded that it is locked.
///
/// @param frame the frame; NULL is an error, and so is a frame that held records as locked but this
/// thread has not locked.
/// @param held the record of rogue_mem_frame_lock_for; set to 0 together with the unlock. NULL is
/// an error.
///
/// To be called by the thread that locked it.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_unlock_held(
    frame: *mut rogue_mem_frame_t,
    held: *mut u32,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held) }.ok_or_else(|| call.null("held"))?;
        if is_set(held.load(Ordering::Acquire)) {
            unhold(call, &frame)?;
            held.store(0, Ordering::Release);
        }
        Ok(())
    })
}

/// Runs `body`, which must not call foreign code, with the buffers of `frame`, locked. Fails if the
/// lock does not come free within the time.
fn with_buffers_for<T>(
    call: Call,
    frame: &Arc<Frame>,
    timeout_us: u64,
    body: impl FnOnce(&mut Buffers) -> Result<T>,
) -> Result<T> {
    if is_held(frame) {
        return with_buffers(frame, body);
    }
    let guard = frame.mutex().try_lock_for(Duration::from_micros(timeout_us));
    let Some(mut buffers) = guard else {
        return Err(call.error(Status::Timeout, "The frame's lock has not come free in time"));
    };
    body(&mut buffers)
}

/// The sizes of the frame, like rogue_mem_frame_size and rogue_mem_frame_payload, within a time
/// limit for the lock.
///
/// @param frame the frame.
/// @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
/// @param size receives the maximum size of the payload in bytes. Untouched on failure.
/// @param payload receives the size of the payload in bytes. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TIMEOUT if the lock has not
/// come free in time.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_measure_for(
    frame: *const rogue_mem_frame_t,
    timeout_us: u64,
    size: *mut u32,
    payload: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let (size, payload) = unsafe { (call.out(size, "size")?, call.out(payload, "payload")?) };
        let sizes = with_buffers_for(call, &frame, timeout_us, |buffers| {
            Ok((count(buffers.size()), count(buffers.payload())))
        })?;
        size.set(sizes.0);
        payload.set(sizes.1);
        Ok(())
    })
}

/// Copies bytes from the payload like rogue_mem_frame_read_data, within a time limit for the lock.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload.
/// @param into the destination, outside of the frame; may be NULL if count is 0. Untouched on
/// failure.
/// @param count number of bytes.
/// @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT and ROGUE_MEM_ERROR_FRAME as
/// rogue_mem_frame_read_data; ROGUE_MEM_ERROR_TIMEOUT if the lock has not come free in time.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_read_data_for(
    frame: *const rogue_mem_frame_t,
    offset: u32,
    into: *mut u8,
    count: u32,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid for writing, as the header demands.
        let into = unsafe { call.bytes_mut(into, count as usize, "into") }?;
        with_buffers_for(call, &frame, timeout_us, |buffers| buffers.read_at(offset as usize, into))
    })
}

/// Copies bytes into the frame, whose payload grows to their end if it is smaller, within a time
/// limit for the lock.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload. Bytes between the former
/// payload and this one have the values left in the frame's memory.
/// @param from the source, outside of the frame; may be NULL if count is 0.
/// @param count number of bytes.
/// @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
/// lie within the frame, which is then unchanged; ROGUE_MEM_ERROR_TIMEOUT if the lock has not come
/// free in time.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_put_data_for(
    frame: *mut rogue_mem_frame_t,
    offset: u32,
    from: *const u8,
    count: u32,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid for reading, as the header demands.
        let from = unsafe { call.values(from, count as usize, "from") }?;
        with_buffers_for(call, &frame, timeout_us, |buffers| {
            let end = (offset as usize).saturating_add(from.len());
            if end > buffers.payload() {
                buffers.set_payload(end)?;
            }
            buffers.write_at(offset as usize, from)
        })
    })
}
