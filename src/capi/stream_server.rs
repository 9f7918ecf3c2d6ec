//! A stream server listens on two consecutive ports and exchanges frames with its clients through
//! its stream port. Frames for clients go to them in turn, each frame to one of them; a client that
//! does not read is passed over. A sender waits while all are slow, and while there is none.
//! Received frames are passed on in the server's own thread, those of one client in their order.
//!
//! A sender that waits may be the thread of another object, for example of a fifo. If it must go
//! on, put a fifo before the server that drops what it has no room for, or set send_wait_ms_max.
//! Objects that receive from a network do not wait here: servers and clients of this kind, and
//! links (RSSI), stop receiving instead. A frame of a UDP client or server without a link is
//! dropped.

use std::ffi::c_char;
use std::sync::Arc;

use super::convert::{lines, SEND_WAIT_NEVER};
use super::generated::{
    rogue_mem_stream_port_t, rogue_mem_stream_server_options_t, rogue_mem_stream_server_t,
};
use super::guard::{query, query_text, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::bridge::StreamServer;
use crate::stream::Port;

/// Value of send_wait_ms_max: a frame without room or a peer is dropped at once.
pub const ROGUE_MEM_SEND_WAIT_NEVER: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_SEND_WAIT_NEVER == SEND_WAIT_NEVER);

/// Opens a stream server. Received frames are dropped, counted and logged until a slave is connected
/// to its stream port's master.
///
/// @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of an
/// interface or of a host; or a path of this host, "unix:/run/board.sock", for its own processes.
/// @param port port for frames from clients; the port for frames to clients is the next one. 0 = a
/// free pair, see rogue_mem_stream_server_port. A path has port 0.
/// @param options the options; may be NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port
/// or path is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Blocks while the system resolves addr, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_new(
    addr: *const c_char,
    port: u16,
    options: *const rogue_mem_stream_server_options_t,
    out: *mut *mut rogue_mem_stream_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options, "options") }?;
        out.set(into_handle(StreamServer::new(addr, port, options)?));
        Ok(())
    })
}

/// The stream port of the server: receives frames for clients, and sends those of clients.
///
/// @param server the server.
/// @return the port, a new reference, which keeps the server running; NULL if server is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_stream_port(
    server: *const rogue_mem_stream_server_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| into_handle(Arc::new(Port::of(&**server)))) }
}

/// The port for frames from clients; with port 0, that of the free pair found.
///
/// @param server the server.
/// @return the port; 0 if server is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_port(
    server: *const rogue_mem_stream_server_t,
) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.port()) }
}

/// The addresses at which the server listens, each with its port or its path, one a line: first that
/// of rogue_mem_stream_server_new, then those of the option addresses.
///
/// @param server the server.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_addresses(
    server: *const rogue_mem_stream_server_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(server, buffer, capacity, length, |server| lines(server.addresses())) }
}

/// Stops the server: closes both ports and all connections, and disconnects its slaves. Senders that
/// wait return. Frames that clients do not take at once are dropped, counted, and logged. Returns
/// within 100 ms. No peer can delay that. If a slave blocks for longer, the ports close when it
/// returns. Further calls do nothing.
///
/// @param server the server; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_stop(server: *mut rogue_mem_stream_server_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.stop()) }
}
