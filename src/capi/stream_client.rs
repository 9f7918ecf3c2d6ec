//! A stream client exchanges frames with a stream server through its stream port. It connects, and
//! reconnects until it is stopped. A sender waits while the server is slow, and while there is no
//! connection. Received frames are passed on in the client's own thread.

use std::ffi::c_char;
use std::sync::Arc;

use super::generated::{
    rogue_mem_stream_client_options_t, rogue_mem_stream_client_t, rogue_mem_stream_port_t,
};
use super::guard::{query, query_text, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use super::tcp_client::client_state_number;
use crate::bridge::StreamClient;
use crate::stream::Port;

/// Makes a stream client, which begins to connect at once. Received frames are dropped, counted and
/// logged until a slave is connected to its stream port's master.
///
/// @param addr the server's IPv4 or IPv6 address, host name or path, see rogue_mem_tcp_client_new.
/// @param port the server's port for frames from clients; the one for frames to clients is the
/// next. A path has port 0.
/// @param options the options; may be NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
/// the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_new(
    addr: *const c_char,
    port: u16,
    options: *const rogue_mem_stream_client_options_t,
    out: *mut *mut rogue_mem_stream_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options, "options") }?;
        out.set(into_handle(StreamClient::new(addr, port, options)?));
        Ok(())
    })
}

/// The stream port of the client: receives frames for the server, and sends those of the server.
///
/// @param client the client.
/// @return the port, a new reference, which keeps the client running; NULL if client is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_stream_port(
    client: *const rogue_mem_stream_client_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| into_handle(Arc::new(Port::of(&**client)))) }
}

/// The state of the client.
///
/// @param client the client.
/// @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_state(
    client: *const rogue_mem_stream_client_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client_state_number(client.state())) }
}

/// The state as text, with the obstacle if there is one.
///
/// @param client the client.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_state_text(
    client: *const rogue_mem_stream_client_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(client, buffer, capacity, length, |client| client.state_text()) }
}

/// Stops the client: closes the connection, and disconnects its slaves. Senders that wait return.
/// Frames that the server does not take at once are dropped, counted, and logged. Returns within
/// 100 ms. Further calls do nothing.
///
/// @param client the client; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_stop(client: *mut rogue_mem_stream_client_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client.stop()) }
}
