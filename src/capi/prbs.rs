//! A generator and checker of frames of pseudo-random bits: a link test whose twin is in SLAC's
//! firmware. Its stream port sends the generated frames and checks received ones. Width and taps
//! must be equal at both ends. Received frames are checked in the thread that brings them.
//!
//! The receiving end of its port does not keep the object alive.

use std::sync::Arc;

use super::convert::{self, is_set};
use super::generated::{rogue_mem_prbs_t, rogue_mem_stream_port_t};
use super::guard::{query, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::protocols::Prbs;
use crate::stream::Port;

/// Makes a generator and checker with words of 32 bits and taps 1, 2, 6 and 31, as firmware has
/// them by default.
///
/// @param out receives the object, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_new(out: *mut *mut rogue_mem_prbs_t) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Prbs::new()));
        Ok(())
    })
}

/// The stream port of the object: sends generated frames, and checks received ones.
///
/// @param prbs the object.
/// @return the port, a new reference, which does not keep the object alive; NULL if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_stream_port(
    prbs: *const rogue_mem_prbs_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| into_handle(Arc::new(Port::of(&**prbs)))) }
}

/// Sets the width of a word, for later frames.
///
/// @param prbs the object.
/// @param bits a multiple of 32, at most 512.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// another width; ROGUE_MEM_ERROR_STOPPED in a child by fork.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_set_width(
    prbs: *mut rogue_mem_prbs_t,
    bits: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        prbs.set_width(bits)
    })
}

/// Sets the taps of the shift register, for later frames: numbers of bits. One listed twice
/// cancels itself; those beyond the width have no effect.
///
/// @param prbs the object.
/// @param taps the taps, copied; may be NULL if there are none.
/// @param count number of taps.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_set_taps(
    prbs: *mut rogue_mem_prbs_t,
    taps: *const u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        // SAFETY: null or valid for `count` bytes, as the header demands.
        prbs.set_taps(unsafe { call.values(taps, count as usize, "taps") }?);
        Ok(())
    })
}

/// Chooses whether the payload of later frames counts its words instead of being random. A checker
/// has to leave such a payload unchecked.
///
/// @param prbs the object; NULL is an error.
/// @param state a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_send_count(prbs: *mut rogue_mem_prbs_t, state: u32) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.send_count(is_set(state))) }
}

/// Chooses whether later frames have a payload; otherwise it is zeros. They have one at first.
///
/// @param prbs the object; NULL is an error.
/// @param state a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_gen_payload(prbs: *mut rogue_mem_prbs_t, state: u32) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.gen_payload(is_set(state))) }
}

/// Chooses whether the payload of received frames is checked, besides their size and sequence
/// number. It is at first.
///
/// @param prbs the object; NULL is an error.
/// @param state a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_check_payload(prbs: *mut rogue_mem_prbs_t, state: u32) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.check_payload(is_set(state))) }
}

/// Chooses whether frames are received, as they are at first. While they are not, a thread that
/// brings one waits: its sender is held up, and nothing is lost.
///
/// @param prbs the object; NULL is an error.
/// @param state a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_set_rx_enable(prbs: *mut rogue_mem_prbs_t, state: u32) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.set_rx_enable(is_set(state))) }
}

/// Whether frames are received.
///
/// @param prbs the object.
/// @return whether they are; false if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_rx_enable(prbs: *const rogue_mem_prbs_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.rx_enable()) }
}

/// Sets the pause after each frame of the thread; also while it runs.
///
/// @param prbs the object; NULL is an error.
/// @param period_us the pause, in microseconds; 0 at first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_set_tx_period(prbs: *mut rogue_mem_prbs_t, period_us: u32) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.set_tx_period(convert::microseconds(period_us))) }
}

/// The pause after each frame of the thread.
///
/// @param prbs the object.
/// @return microseconds; 0 if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_tx_period(prbs: *const rogue_mem_prbs_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| convert::as_microseconds(prbs.tx_period()) as u32) }
}

/// Sends one frame, in this thread. A frame that cannot be made counts as an error, and the log
/// says why.
///
/// @param prbs the object.
/// @param size bytes of the frame: a multiple of the width, and at least three words.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// another size; ROGUE_MEM_ERROR_STOPPED in a child by fork.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_gen_frame(
    prbs: *mut rogue_mem_prbs_t,
    size: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        prbs.gen_frame(size)
    })
}

/// Starts a thread that sends frames until rogue_mem_prbs_disable. Does nothing if it runs
/// already.
///
/// @param prbs the object.
/// @param size bytes of each frame, as for rogue_mem_prbs_gen_frame.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for a
/// size that no frame has; ROGUE_MEM_ERROR_OUT_OF_RESOURCES; ROGUE_MEM_ERROR_STOPPED in a child by
/// fork.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_enable(
    prbs: *mut rogue_mem_prbs_t,
    size: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let prbs = unsafe { call.handle(prbs) }?;
        prbs.enable(size)
    })
}

/// Ends the thread, after the frame that it is sending. Returns within 100 ms, also if the
/// receiver of that frame does not. Further calls do nothing.
///
/// @param prbs the object; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_disable(prbs: *mut rogue_mem_prbs_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.disable()) }
}

/// Sets all counters and rates to zero. The sequence of frames goes on.
///
/// @param prbs the object; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_reset_count(prbs: *mut rogue_mem_prbs_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.reset_count()) }
}

/// Ends the thread, disconnects the receivers of frames, and releases threads that wait because
/// frames are not received; their frames are dropped.
///
/// @param prbs the object; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_stop(prbs: *mut rogue_mem_prbs_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.stop()) }
}

/// Frames sent a second, over the last second or more at whose end there was a frame.
///
/// @param prbs the object.
/// @return frames a second; 0 if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_tx_rate(prbs: *const rogue_mem_prbs_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.tx().rate) }
}

/// Bytes sent a second, in the same time as the rate.
///
/// @param prbs the object.
/// @return bytes a second; 0 if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_tx_bandwidth(prbs: *const rogue_mem_prbs_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.tx().bandwidth) }
}

/// Frames received a second, over the last second or more at whose end there was a frame.
///
/// @param prbs the object.
/// @return frames a second; 0 if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_rx_rate(prbs: *const rogue_mem_prbs_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.rx().rate) }
}

/// Bytes received a second, in the same time as the rate.
///
/// @param prbs the object.
/// @return bytes a second; 0 if prbs is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_prbs_rx_bandwidth(prbs: *const rogue_mem_prbs_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(prbs, |prbs| prbs.rx().bandwidth) }
}
