//! A frame is a number of bytes on their way through a stream, with what is said about them. Slaves
//! of one master share it. The bytes that it has room for come one after the other; the first of
//! them, as many as rogue_mem_frame_payload says, are its payload.
//!
//! The payload is guarded by the frame's lock. Functions that touch it take the lock by themselves,
//! unless the calling thread has taken it by rogue_mem_frame_lock. Flags, channel and error need no
//! lock.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::guard::{query, status, value, Call};
use super::handle::{into_handle, retain, rogue_mem_frame_t, take};
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::stream::{Buffers, Frame, FrameGuard};
use crate::sync::Mutex;

/// A frame that this thread has locked, and how many times.
struct Held {
    /// Keeps the frame, so that no other one can be taken for it.
    frame: Arc<Frame>,
    times: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: locked by this thread when this was made, and unlocked nowhere else.
        unsafe { self.frame.mutex().force_unlock() };
    }
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// Calls `found` with the place of `frame` among those that this thread has locked.
fn held<T>(
    frame: &Arc<Frame>,
    found: impl FnOnce(&mut Vec<Held>, Option<usize>) -> T,
) -> Option<T> {
    let with = |held: &RefCell<Vec<Held>>| {
        let mut held = held.borrow_mut();
        let place = held.iter().position(|one| Arc::ptr_eq(&one.frame, frame));
        found(&mut held, place)
    };
    // At the very end of a thread nothing is held any more.
    HELD.try_with(with).ok()
}

/// Whether the calling thread has locked `frame`.
pub(super) fn is_held(frame: &Arc<Frame>) -> bool {
    held(frame, |_, place| place.is_some()).unwrap_or(false)
}

/// Fails where the calling thread has locked `frame`, which others are to lock next.
pub(super) fn check_not_held(call: Call, frame: &Arc<Frame>) -> Result<()> {
    if is_held(frame) {
        let text = "This thread has the frame locked: unlock it before it is sent";
        return Err(call.error(Status::InvalidArgument, text));
    }
    Ok(())
}

/// Runs `body`, which must not call foreign code, with the buffers of `frame`, locked.
fn with_buffers<T>(frame: &Arc<Frame>, body: impl FnOnce(&mut Buffers) -> T) -> T {
    if is_held(frame) {
        // SAFETY: this thread has the lock, and nothing else in it refers to the buffers now.
        return body(unsafe { &mut *frame.mutex().data_ptr() });
    }
    body(&mut frame.lock())
}

/// A number of bytes as C gets it. No frame of more than 4 GiB can be asked for.
fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Makes a frame of one piece, without payload.
///
/// @param capacity bytes that the payload can have.
/// @param out receives the frame, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_new(
    capacity: u32,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Frame::new(capacity)?));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param frame the frame; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
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
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_release(frame: *mut rogue_mem_frame_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        if let Some(frame) = unsafe { take(frame) } {
            Frame::release(frame);
        }
        Ok(())
    })
}

/// Locks the frame's payload, waiting for whoever has it locked. A thread may lock it several
/// times, and must unlock it as often. It must not be sent meanwhile.
///
/// @param frame the frame, which is kept alive until it is unlocked; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_lock(frame: *mut rogue_mem_frame_t) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        hold(&frame, |mutex| Some(mutex.lock()));
        Ok(())
    })
}

/// Locks the frame's payload as rogue_mem_frame_lock does, unless that would take too long.
///
/// @param frame the frame, which is kept alive until it is unlocked.
/// @param microseconds how long to wait at most; 0 only tries.
/// @param held_or_null set to true together with the locking, for languages in which an exception
/// can come between any two steps, and see rogue_mem_frame_unlock_held. If it is true already
/// nothing is locked once more.
/// @return true if it is locked, to be unlocked by rogue_mem_frame_unlock or
/// rogue_mem_frame_unlock_held; false if it is not, and, with the last error set, if frame is NULL.
///
/// Thread safe, with a held_or_null of its own for each thread.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_lock_for(
    frame: *mut rogue_mem_frame_t,
    microseconds: u64,
    held_or_null: *mut bool,
) -> bool {
    let time = Duration::from_micros(microseconds);
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held_or_null) };
        let was_held = held.is_some_and(|held| held.load(Ordering::Acquire));
        let is_held = was_held || hold(&frame, |mutex| mutex.try_lock_for(time));
        held.into_iter().for_each(|held| held.store(is_held, Ordering::Release));
        Ok(is_held)
    })
}

/// Locks `frame` by `lock`, unless this thread has it locked already; whether it is locked then.
fn hold(frame: &Arc<Frame>, lock: impl FnOnce(&Mutex<Buffers>) -> Option<FrameGuard<'_>>) -> bool {
    let again = held(frame, |held, place| match place {
        Some(place) => {
            held[place].times += 1;
            true
        }
        None => false,
    });
    if again != Some(false) {
        return again.is_some();
    }
    // Not while the list is borrowed: this may wait.
    let Some(guard) = lock(frame.mutex()) else { return false };
    std::mem::forget(guard);
    held(frame, |held, _| held.push(Held { frame: frame.clone(), times: 1 }));
    true
}

/// Unlocks the frame's payload.
///
/// @param frame the frame; NULL, or one that this thread has not locked, is an error.
///
/// Thread safe; to be called by the thread that locked it.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_unlock(frame: *mut rogue_mem_frame_t) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        unhold(call, &frame)
    })
}

/// Unlocks the frame's payload if rogue_mem_frame_lock_for has said that it is locked.
///
/// @param frame the frame; NULL, or one that this thread has not locked although held says so, is
/// an error.
/// @param held what rogue_mem_frame_lock_for has set; set to false together with the unlocking.
/// NULL is an error.
///
/// Thread safe; to be called by the thread that locked it.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_unlock_held(
    frame: *mut rogue_mem_frame_t,
    held: *mut bool,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held) }.ok_or_else(|| call.null("held"))?;
        if held.load(Ordering::Acquire) {
            unhold(call, &frame)?;
            held.store(false, Ordering::Release);
        }
        Ok(())
    })
}

/// Takes back one of this thread's locks of `frame`.
fn unhold(call: Call, frame: &Arc<Frame>) -> Result<()> {
    let unlock = |held: &mut Vec<Held>, place: Option<usize>| {
        let place = place?;
        held[place].times -= 1;
        Some((held[place].times == 0).then(|| held.swap_remove(place)))
    };
    // What has been removed is dropped here, when the list is no longer borrowed.
    match held(frame, unlock).flatten() {
        Some(_unlocked) => Ok(()),
        None => Err(not_locked(call)),
    }
}

fn not_locked(call: Call) -> Error {
    call.error(Status::InvalidArgument, "This thread has not locked the frame")
}

/// The bytes that the payload can have.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_size(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.size()))) }
}

/// The bytes by which the payload can grow.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_available(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.available()))) }
}

/// The bytes of the payload.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_payload(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.payload()))) }
}

/// Makes the payload longer or shorter. Bytes that it gains are those that lie in memory.
///
/// @param frame the frame.
/// @param payload its new length in bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the frame has not
/// so much room.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_payload(
    frame: *mut rogue_mem_frame_t,
    payload: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        with_buffers(&frame, |buffers| buffers.set_payload(payload as usize))
    })
}

/// The bytes of the frame: rogue_mem_frame_size of them, in one piece, the payload first. A frame
/// of several pieces is put together for it, which happens once. Use the result under the frame's
/// lock where others may have the frame.
///
/// @param frame the frame.
/// @return the first byte, valid as long as the frame; NULL if it has no room at all, there is no
/// memory to put it together, or frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_data(frame: *mut rogue_mem_frame_t) -> *mut u8 {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        with_buffers(&frame, |buffers| {
            let bytes = buffers.make_contiguous()?;
            Ok(if bytes.is_empty() { std::ptr::null_mut() } else { bytes.as_mut_ptr() })
        })
    })
}

/// Copies bytes of the payload out.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload.
/// @param into where to copy to, outside of the frame; may be NULL if count is 0. Untouched on
/// failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
/// lie within the payload.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_read_data(
    frame: *const rogue_mem_frame_t,
    offset: u32,
    into: *mut u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid for writing, as the header demands.
        let into = unsafe { call.bytes_mut(into, count as usize, "into") }?;
        with_buffers(&frame, |buffers| buffers.read_at(offset as usize, into))
    })
}

/// Copies bytes into the payload, which does not grow by it.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload.
/// @param from where to copy from, outside of the frame; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
/// lie within the payload, and then nothing is changed.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_write_data(
    frame: *mut rogue_mem_frame_t,
    offset: u32,
    from: *const u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        // SAFETY: null or valid for reading, as the header demands.
        let from = unsafe { call.bytes(from, count as usize, "from") }?;
        with_buffers(&frame, |buffers| buffers.write_at(offset as usize, from))
    })
}

/// The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
///
/// @param frame the frame.
/// @return the flags, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_flags(frame: *const rogue_mem_frame_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.flags()) }
}

/// Replaces the flags.
///
/// @param frame the frame; NULL is an error.
/// @param flags the new flags.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_flags(frame: *mut rogue_mem_frame_t, flags: u16) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_flags(flags)) }
}

/// The user bits that go with the first byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_first_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.first_user()) }
}

/// Replaces the first user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_first_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_first_user(user)) }
}

/// The user bits that go with the last byte (AXI-Stream TUSER).
///
/// @param frame the frame.
/// @return the bits, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_last_user(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.last_user()) }
}

/// Replaces the last user byte.
///
/// @param frame the frame; NULL is an error.
/// @param user the new bits.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_last_user(frame: *mut rogue_mem_frame_t, user: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_last_user(user)) }
}

/// The channel.
///
/// @param frame the frame.
/// @return the channel, 0 in a new frame; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_channel(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.channel()) }
}

/// Replaces the channel.
///
/// @param frame the frame; NULL is an error.
/// @param channel the new channel.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_channel(frame: *mut rogue_mem_frame_t, channel: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_channel(channel)) }
}

/// The error.
///
/// @param frame the frame.
/// @return the error, 0 if the frame is good; 0 if frame is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_error(frame: *const rogue_mem_frame_t) -> u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.error()) }
}

/// Replaces the error.
///
/// @param frame the frame; NULL is an error.
/// @param error the new error; 0 says that the frame is good.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_set_error(frame: *mut rogue_mem_frame_t, error: u8) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| frame.set_error(error)) }
}
