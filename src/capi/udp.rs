//! A stream over UDP: each buffer of a frame is sent as one datagram, and each datagram that
//! arrives becomes a frame of one buffer. Flags, channel and error of a frame are not transmitted;
//! frames with an error are not sent. Datagrams are lost, duplicated and reordered as the network
//! pleases.
//!
//! A client has one peer, whose address it is given; datagrams from other addresses are dropped and
//! counted. A server answers the source of the latest datagram that was not empty; while an RSSI
//! link over it is open, it too drops and counts datagrams from other addresses than the peer's.
//! Errors of the network are logged and counted, and end nothing.
//!
//! Received frames are delivered in the object's own thread. Frames to send are sent in the
//! caller's thread. The object exists as long as its handles, and the stream masters that its
//! port's slave is connected to.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use super::generated::{rogue_mem_stream_port_t, rogue_mem_udp_options_t, rogue_mem_udp_t};
use super::guard::{query, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::protocols::UdpEndpoint;
use crate::stream::Port;

/// Makes a client, which exchanges datagrams with one peer. Its local port is the system's choice.
///
/// @param host the peer: an IPv4 or IPv6 address, or a host name, which is resolved once.
/// @param port the peer's port.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if host,
/// the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
/// ROGUE_MEM_ERROR_BIND if the system gives no socket; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
///
/// Blocks while the system resolves host, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_new_client(
    host: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_udp_options_t,
    out: *mut *mut rogue_mem_udp_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let host = unsafe { call.text(host, "host") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(UdpEndpoint::client(host, port, options)?));
        Ok(())
    })
}

/// Makes a server, which answers the source of the latest datagram. Until one has arrived, it has
/// no peer, and frames are dropped.
///
/// @param addr the local address: "*" for all of IPv4, "::" for all, an IPv4 or IPv6 address, the
/// name of an interface or of a host.
/// @param port the local port, which must be free; 0 = the system's choice, see rogue_mem_udp_port.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr or
/// an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
/// ROGUE_MEM_ERROR_BIND if the port is taken or not allowed; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
///
/// Blocks while the system resolves addr, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_new_server(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_udp_options_t,
    out: *mut *mut rogue_mem_udp_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(UdpEndpoint::server(addr, port, options)?));
        Ok(())
    })
}

/// The stream port: sends frames as datagrams, and delivers datagrams as frames.
///
/// @param udp the client or server.
/// @return the port, a new reference; its slave keeps the object alive. NULL if udp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_stream_port(
    udp: *const rogue_mem_udp_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(udp, |udp| into_handle(Arc::new(Port::of(&**udp)))) }
}

/// The local port, in host byte order.
///
/// @param udp the client or server.
/// @return the port; 0 if udp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_port(udp: *const rogue_mem_udp_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(udp, |udp| udp.port()) }
}

/// The largest payload of a datagram, in bytes. Longer ones are dropped when they arrive. Frames
/// requested from the port have buffers of this size; longer buffers are sent as they are.
///
/// @param udp the client or server.
/// @return 1472, or 8972 for jumbo; 0 if udp is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_max_payload(udp: *const rogue_mem_udp_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(udp, |udp| udp.payload_bytes_max()) }
}

/// Asks the system for a receive buffer for this number of datagrams of 1500 bytes, or 9000 for
/// jumbo.
///
/// @param udp the client or server.
/// @param count number of datagrams; not 0.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system grants less, which then
/// stays in effect; ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_set_receive_buffers(
    udp: *mut rogue_mem_udp_t,
    count: u32,
) -> rogue_mem_status_t {
    // SAFETY: null or live, as the header demands.
    status(|call| unsafe { call.handle(udp) }?.set_receive_buffers(count).map(drop))
}

/// Sets how long a thread of the program waits at most, if the network takes datagrams more slowly
/// than they are sent, before a datagram is dropped.
///
/// @param udp the client or server; NULL is an error.
/// @param timeout_us in microseconds. The default is 1000000.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_set_timeout(udp: *mut rogue_mem_udp_t, timeout_us: u64) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(udp, |udp| udp.set_timeout(Duration::from_micros(timeout_us))) }
}

/// Closes the port, drops waiting and later frames, fails the requests that wait for an answer over
/// it, and disconnects the receivers. Returns within 100 ms. After that no frame is delivered,
/// unless a receiver blocks in a delivery. Further calls do nothing.
///
/// @param udp the client or server; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_stop(udp: *mut rogue_mem_udp_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(udp, |udp| udp.stop()) }
}
