//! SRP version 0 carries register transactions over a stream, in the form of SLAC's firmware. The
//! object is a memory slave, with accesses of multiples of 4 bytes up to 2048 at 32 bits of
//! address, and a stream port, which sends requests and receives answers. Any number may be
//! outstanding.
//!
//! Handles of the object and of its memory slave keep the object alive. Its stream port does not,
//! so that two connected objects form no reference cycle.

use std::sync::Arc;

use super::generated::{rogue_mem_slave_t, rogue_mem_srp_v0_t, rogue_mem_stream_port_t};
use super::guard::{query, status};
use super::handle::{into_handle, slave_handle};
use super::status::rogue_mem_status_t;
use crate::protocols::SrpV0;
use crate::stream::Port;

/// Makes an SRPv0 object whose stream is not connected yet; until it is, transactions fail.
///
/// @param out receives the object, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_new(
    out: *mut *mut rogue_mem_srp_v0_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(SrpV0::new()));
        Ok(())
    })
}

/// The object as a memory slave, for masters to connect to.
///
/// @param srp the object.
/// @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_slave(
    srp: *const rogue_mem_srp_v0_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| slave_handle(srp.clone())) }
}

/// The stream port of the object: sends requests, and receives answers.
///
/// @param srp the object.
/// @return the port, a new reference, which does not keep the object alive; NULL if srp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_stream_port(
    srp: *const rogue_mem_srp_v0_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| into_handle(Arc::new(Port::of(&**srp)))) }
}

/// Disconnects the stream and fails all outstanding transactions. Later ones fail at once, until a
/// stream is connected again. Further calls do nothing.
///
/// @param srp the object; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v0_stop(srp: *mut rogue_mem_srp_v0_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.stop()) }
}
