//! A stream master sends frames to its connected slaves, and keeps them alive.

use super::frame::lend_lock;
use super::generated::{rogue_mem_frame_t, rogue_mem_stream_master_t};
use super::guard::status;
use super::status::rogue_mem_status_t;

/// Passes a frame to every slave, in this thread. Without slaves it does nothing.
///
/// @param master the stream master.
/// @param frame the frame, borrowed. If this thread has it locked, it is unlocked for the slaves,
/// and locked again before this returns.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_send_frame(
    master: *mut rogue_mem_stream_master_t,
    frame: *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let frame = unsafe { call.handle(frame) }?;
        lend_lock(&frame, || master.send_frame((*frame).clone()));
        Ok(())
    })
}
