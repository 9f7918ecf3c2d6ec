//! A frame is a message of a stream: bytes with flags, a channel and an error. All slaves of a
//! master get the same frame. It has room for rogue_mem_frame_size bytes, of which the first
//! rogue_mem_frame_payload are its payload.
//!
//! The payload is guarded by the frame's lock. Functions that touch it take the lock by themselves,
//! unless the calling thread has taken it by rogue_mem_frame_lock. Flags, channel and error need no
//! lock.

use std::cell::RefCell;
use std::sync::Arc;

use parking_lot::Mutex;

use super::call::Call;
use super::generated::rogue_mem_frame_t;
use super::guard::{query, status, value};
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::stream::{Buffers, Frame, FrameGuard};

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

/// Locks a frame again when it is dropped, as often as it was locked before.
struct LockAgain<'a> {
    frame: &'a Arc<Frame>,
    times: u32,
}

impl Drop for LockAgain<'_> {
    fn drop(&mut self) {
        hold(self.frame, self.times, |mutex| Some(mutex.lock()));
    }
}

/// Calls `deliver`, which hands `frame` to code that may lock it, in this thread or in one that
/// this thread waits for. The locks of this thread are unlocked meanwhile.
pub(super) fn lend_lock<T>(frame: &Arc<Frame>, deliver: impl FnOnce() -> T) -> T {
    let unlocked = held(frame, |held, place| Some(held.swap_remove(place?))).flatten();
    let _again = unlocked.map(|held| LockAgain { frame, times: held.times });
    deliver()
}

/// Runs `body`, which must not call foreign code, with the buffers of `frame`, locked.
pub(super) fn with_buffers<T>(frame: &Arc<Frame>, body: impl FnOnce(&mut Buffers) -> T) -> T {
    if is_held(frame) {
        // SAFETY: this thread has the lock, and nothing else in it refers to the buffers now.
        return body(unsafe { &mut *frame.mutex().data_ptr() });
    }
    body(&mut frame.lock())
}

/// A number of bytes as C gets it. No frame of more than 4 GiB can be asked for.
pub(super) fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Locks the frame's payload, and waits while another thread holds the lock. A thread may lock it
/// several times, and must unlock it as often. While the thread sends the frame, the frame is
/// unlocked, until its receivers have returned.
///
/// @param frame the frame, which is kept alive until it is unlocked; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_lock(frame: *mut rogue_mem_frame_t) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        hold(&frame, 1, |mutex| Some(mutex.lock()));
        Ok(())
    })
}

/// Locks `frame` by `lock`, unless this thread has it locked already, to be unlocked as many
/// `times`; whether it is locked then.
pub(super) fn hold(
    frame: &Arc<Frame>,
    times: u32,
    lock: impl FnOnce(&Mutex<Buffers>) -> Option<FrameGuard<'_>>,
) -> bool {
    let again = held(frame, |held, place| match place {
        Some(place) => {
            held[place].times += times;
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
    held(frame, |held, _| held.push(Held { frame: frame.clone(), times }));
    true
}

/// Unlocks the frame's payload.
///
/// @param frame the frame; NULL, or one that this thread has not locked, is an error.
///
/// To be called by the thread that locked it.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_unlock(frame: *mut rogue_mem_frame_t) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        unhold(call, &frame)
    })
}

/// Takes back one of this thread's locks of `frame`.
pub(super) fn unhold(call: Call, frame: &Arc<Frame>) -> Result<()> {
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

/// The maximum size of the payload.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_size(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.size()))) }
}

/// The room for a larger payload.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_available(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.available()))) }
}

/// The size of the payload.
///
/// @param frame the frame.
/// @return bytes; 0 if frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_payload(frame: *const rogue_mem_frame_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(frame, |frame| count(with_buffers(frame, |buffers| buffers.payload()))) }
}

/// Sets the size of the payload. Added bytes have the values left in the frame's memory.
///
/// @param frame the frame.
/// @param payload its new length in bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the frame has too
/// little room.
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

/// The bytes of the frame: rogue_mem_frame_size of them, in one piece, the payload first. The first
/// call joins the buffers of a frame, and with that copies its payload once; see
/// rogue_mem_frame_buffer for access without a copy. If other threads may have the frame, use the
/// result under its lock.
///
/// @param frame the frame.
/// @return the first byte, valid as long as the frame; NULL if it has no room, there is no memory
/// to join its pieces, or frame is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_frame_data(frame: *mut rogue_mem_frame_t) -> *mut u8 {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        let mut former = Buffers::default();
        with_buffers(&frame, |buffers| {
            former = buffers.join()?;
            let bytes = buffers.space_mut();
            Ok(if bytes.is_empty() { std::ptr::null_mut() } else { bytes.as_mut_ptr() })
        })
    })
}

/// Copies bytes from the payload.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload.
/// @param into the destination, outside of the frame; may be NULL if count is 0. Untouched on
/// failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
/// lie within the payload.
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

/// Copies bytes into the payload, whose size stays.
///
/// @param frame the frame.
/// @param offset first byte, counted from the start of the payload.
/// @param from the source, outside of the frame; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
/// lie within the payload; the payload is then unchanged.
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
        let from = unsafe { call.values(from, count as usize, "from") }?;
        with_buffers(&frame, |buffers| buffers.write_at(offset as usize, from))
    })
}
