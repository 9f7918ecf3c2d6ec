// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a port from its two ends.
///
/// @param master the sending end; the port takes a reference of its own.
/// @param slave the receiving end; the port takes a reference of its own.
/// @param out receives the port, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_new(
    master: *mut rogue_mem_stream_master_t,
    slave: *mut rogue_mem_stream_slave_t,
    out: *mut *mut rogue_mem_stream_port_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(stream::Port::new((*master).clone(), slave.0.clone()))));
        Ok(())
    })
}

/// The sending end of a port.
///
/// @param port the port.
/// @return the stream master, a new reference; NULL if port is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_master(
    port: *const rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(port, |port| into_handle(port.stream_master())) }
}

/// The receiving end of a port.
///
/// @param port the port.
/// @return the stream slave, a new reference; NULL if port is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_slave(
    port: *const rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(port, |port| stream_slave_handle(port.stream_slave())) }
}

/// Connects two ports in both directions: each receives the frames that the other one sends. A port
/// connected with itself receives its own frames.
///
/// @param port one port. Both may be released afterwards: the connection lasts until the masters
/// are stopped, or gone.
/// @param other the other port.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if a
/// master has 1024 slaves already; one direction may then be connected.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_connect(
    port: *mut rogue_mem_stream_port_t,
    other: *mut rogue_mem_stream_port_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let port = unsafe { call.handle(port) }?;
        // SAFETY: null or live, as the header demands.
        let other = unsafe { call.handle(other) }?;
        stream::connect(&**port, &**other)
    })
}

/// Adds a reference.
///
/// @param port the port; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_retain(
    port: *mut rogue_mem_stream_port_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(port) }))
}

/// Gives a reference back. Its connections remain.
///
/// @param port the port; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_port_release(port: *mut rogue_mem_stream_port_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(port) };
        Ok(())
    })
}
