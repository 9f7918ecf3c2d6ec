//! SRP version 3 carries register transactions over a stream, as SLAC's firmware understands it.
//! The object is a memory slave, whose accesses are multiples of 4 bytes and at most 4096, and a
//! stream master and slave, by which requests leave and answers come. Any number may be
//! outstanding.
//!
//! The stream slave and the stream master do not keep the object alive, so that two objects which
//! are connected with each other make no circle; its handle and its memory slave do.

use super::guard::{query, status, value};
use super::handle::{
    into_handle, release, retain, rogue_mem_slave_t, rogue_mem_srp_v3_t, rogue_mem_stream_master_t,
    rogue_mem_stream_slave_t, slave_handle, stream_slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::protocols::SrpV3;
use crate::stream::Node;

/// Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
///
/// @param out receives the object, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_new(
    out: *mut *mut rogue_mem_srp_v3_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(SrpV3::new()));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param srp the object; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_retain(
    srp: *mut rogue_mem_srp_v3_t,
) -> *mut rogue_mem_srp_v3_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(srp) }))
}

/// Gives a reference back. The last one stops the object.
///
/// @param srp the object; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_release(srp: *mut rogue_mem_srp_v3_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(srp) };
        Ok(())
    })
}

/// The object as a memory slave, to be given to masters.
///
/// @param srp the object.
/// @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_slave(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| slave_handle(srp.clone())) }
}

/// Where requests leave.
///
/// @param srp the object.
/// @return the stream master, a new reference; NULL if srp is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stream_master(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| into_handle(srp.stream_master())) }
}

/// Where answers come.
///
/// @param srp the object.
/// @return the stream slave, a new reference; NULL if srp is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stream_slave(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| stream_slave_handle(srp.stream_slave())) }
}

/// Sets how long the device is told to wait for its own bus, for later requests.
///
/// @param srp the object; NULL is an error.
/// @param timeout in units of 100 ms; 0 = for ever. It is 10 at first.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_set_hardware_timeout(
    srp: *mut rogue_mem_srp_v3_t,
    timeout: u8,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.set_hardware_timeout(timeout)) }
}

/// Lets go of the stream and fails all outstanding transactions. Later ones fail at once, until a
/// stream is connected again. Further calls do nothing.
///
/// @param srp the object; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stop(srp: *mut rogue_mem_srp_v3_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.stop()) }
}
