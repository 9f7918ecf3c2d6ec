//! The device's side of SRP version 3, in software: sparse memory that answers requests, for tests,
//! examples and simulations. What was never written reads as zero. Requests are carried out one
//! after the other, in a thread of the object's own, which therefore calls what its answers are
//! sent to.

use super::guard::{query, status, value};
use super::handle::{
    into_handle, release, retain, rogue_mem_srp_v3_emulation_t, rogue_mem_stream_master_t,
    rogue_mem_stream_slave_t, stream_slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::protocols::SrpV3Emulation;
use crate::stream::Node;

/// Makes an SRPv3 device with empty memory, and starts its thread.
///
/// @param out receives the device, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_new(
    out: *mut *mut rogue_mem_srp_v3_emulation_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(SrpV3Emulation::new()?));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param device the device; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_retain(
    device: *mut rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_srp_v3_emulation_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(device) }))
}

/// Gives a reference back. The device lives on, with its thread, as long as its stream slave does.
///
/// @param device the device; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_release(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(device) };
        Ok(())
    })
}

/// Where answers leave.
///
/// @param device the device.
/// @return the stream master, a new reference; NULL if device is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stream_master(
    device: *const rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| into_handle(device.stream_master())) }
}

/// Where requests come.
///
/// @param device the device.
/// @return the stream slave, a new reference; NULL if device is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stream_slave(
    device: *const rogue_mem_srp_v3_emulation_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| stream_slave_handle(device.stream_slave())) }
}

/// Ends the device: its thread ends, requests that wait and those that come later are dropped.
/// Further calls do nothing.
///
/// @param device the device; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_emulation_stop(
    device: *mut rogue_mem_srp_v3_emulation_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(device, |device| device.stop()) }
}
