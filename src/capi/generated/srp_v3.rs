// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
///
/// @param out receives the object, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_new(
    out: *mut *mut rogue_mem_srp_v3_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::protocols::SrpV3::new()));
        Ok(())
    })
}

/// The object as a memory slave, for masters to connect to.
///
/// @param srp the object.
/// @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_slave(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| slave_handle(srp.clone())) }
}

/// The stream port of the object: sends requests, and receives answers.
///
/// @param srp the object.
/// @return the port, a new reference, which does not keep the object alive; NULL if srp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stream_port(
    srp: *const rogue_mem_srp_v3_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| into_handle(Arc::new(stream::Port::of(&**srp)))) }
}

/// Sets the time that later requests allow the device to wait for its own bus.
///
/// @param srp the object; NULL is an error.
/// @param timeout in units of 100 ms; 0 = no limit. The default is 10.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_set_hardware_timeout(
    srp: *mut rogue_mem_srp_v3_t,
    timeout: u8,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.set_hardware_timeout(timeout)) }
}

/// Disconnects the stream and fails all outstanding transactions. Later ones fail at once, until a
/// stream is connected again. Further calls do nothing.
///
/// @param srp the object; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_stop(srp: *mut rogue_mem_srp_v3_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(srp, |srp| srp.stop()) }
}

/// Adds a reference.
///
/// @param srp the object; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_retain(
    srp: *mut rogue_mem_srp_v3_t,
) -> *mut rogue_mem_srp_v3_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(srp) }))
}

/// Gives a reference back. Release of the last reference stops the object.
///
/// @param srp the object; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_srp_v3_release(srp: *mut rogue_mem_srp_v3_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(srp) };
        Ok(())
    })
}
