//! A stream master sends frames to the slaves that it is connected to, and keeps these alive.

use super::frame::check_not_held;
use super::guard::{query, status, value};
use super::handle::{
    into_handle, release, retain, rogue_mem_frame_t, rogue_mem_stream_master_t,
    rogue_mem_stream_slave_t,
};
use super::status::rogue_mem_status_t;
use crate::stream::Master;

/// Makes a stream master that is connected to nothing.
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_new(
    out: *mut *mut rogue_mem_stream_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Master::new()));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param master the stream master; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
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
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_release(master: *mut rogue_mem_stream_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}

/// Connects a slave, after those that are connected already. The one that was connected first is
/// asked for frames, and receives each frame last.
///
/// @param master the stream master.
/// @param slave the stream slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond
/// 1024 slaves.
///
/// Thread safe.
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

/// The number of slaves connected.
///
/// @param master the stream master.
/// @return slaves; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_slave_count(
    master: *const rogue_mem_stream_master_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.slave_count() as u32) }
}

/// Asks the slave that was connected first for a frame to fill and send; where there is none, the
/// master makes one itself.
///
/// @param master the stream master.
/// @param size bytes that it must have room for.
/// @param zero_copy whether it may lie in memory that the slave can send without copying.
/// @param out receives the frame, without payload, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_req_frame(
    master: *mut rogue_mem_stream_master_t,
    size: u32,
    zero_copy: bool,
    out: *mut *mut rogue_mem_frame_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(master.req_frame(size, zero_copy)?));
        Ok(())
    })
}

/// Hands a frame to every slave, in this thread. Where there is none, nothing happens.
///
/// @param master the stream master.
/// @param frame the frame, borrowed; this thread must not have it locked.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if this
/// thread has the frame locked.
///
/// Thread safe.
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
        check_not_held(call, &frame)?;
        master.send_frame((*frame).clone());
        Ok(())
    })
}

/// Lets go of all slaves: what is sent from now on reaches nobody.
///
/// @param master the stream master; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_master_stop(master: *mut rogue_mem_stream_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.stop()) }
}
