//! The usual road to a board in one object: the frames of up to 256 destinations over a packetizer,
//! RSSI and UDP, as SLAC's firmware has it by convention. Connect the application port of
//! destination 0 to rogue_mem_srp_v3_stream_port for registers.
//!
//! A client opens the link to a board, and opens it again whenever it was lost: transactions under
//! way then fail at once, with a text that names the layer, and later ones succeed when the link is
//! open again. A server waits for a client, in the place of a board. All layers run on one thread,
//! in which received frames are delivered. Frames are sent in the caller's thread.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use super::generated::{rogue_mem_board_options_t, rogue_mem_board_t, rogue_mem_stream_port_t};
use super::guard::{query, status};
use super::handle::into_handle;
use super::link::rogue_mem_link_observer_t;
use super::status::rogue_mem_status_t;
use crate::protocols::UdpRssiPack;

/// Makes a road to a board and begins to open its link: see rogue_mem_board_wait_open.
///
/// @param host the board: an IPv4 or IPv6 address, or a host name, which is resolved once.
/// @param port the board's port; firmware has 8192 by convention.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the road, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if host,
/// the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
/// ROGUE_MEM_ERROR_BIND if the system gives no socket; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
///
/// Blocks while the system resolves host, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_new_client(
    host: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_board_options_t,
    out: *mut *mut rogue_mem_board_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let host = unsafe { call.text(host, "host") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(UdpRssiPack::client(host, port, options)?));
        Ok(())
    })
}

/// Makes a road that one client at a time may open.
///
/// @param addr the local address: "*" for all of IPv4, "::" for all, an IPv4 or IPv6 address, the
/// name of an interface or of a host.
/// @param port the local port, which must be free; 0 = the system's choice, see
/// rogue_mem_board_port.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the road, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr or
/// an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
/// ROGUE_MEM_ERROR_BIND if the port is taken or not allowed; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
///
/// Blocks while the system resolves addr, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_new_server(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_board_options_t,
    out: *mut *mut rogue_mem_board_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(UdpRssiPack::server(addr, port, options)?));
        Ok(())
    })
}

/// The port for the frames of a destination.
///
/// @param board the road.
/// @param dest the destination; 0 is that of registers by convention. Frames that arrive for a
/// destination whose port was never asked for are discarded.
/// @return the port, a new reference; NULL if board is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_application_port(
    board: *const rogue_mem_board_t,
    dest: u8,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(board, |board| into_handle(Arc::new(board.application(dest)))) }
}

/// Waits until the link is open.
///
/// @param board the road; NULL is an error.
/// @param timeout_us how long at most, in microseconds.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TIMEOUT, with a text that
/// names the layer that fails: UDP (nothing comes from the board, or the network refuses) or RSSI;
/// ROGUE_MEM_ERROR_STOPPED.
///
/// Does not wait in the delivery of a frame.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_wait_open(
    board: *mut rogue_mem_board_t,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let board = unsafe { call.handle(board) }?;
        board.wait_open(Duration::from_micros(timeout_us))
    })
}

/// Sets a function that is called after each opening and each closing of the link, with the reason.
/// If the link is open already, the first call reports that. A call that reports
/// rogue_mem_board_stop is the last one, and drop follows.
///
/// @param board the road.
/// @param set_or_null the callbacks, copied; they replace former ones. NULL removes them. After
/// rogue_mem_board_stop only drop is called, at once.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_observe(
    board: *mut rogue_mem_board_t,
    set_or_null: *const rogue_mem_link_observer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let board = unsafe { call.handle(board) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        board.observe(unsafe { call.link_observer(set_or_null) }?);
        Ok(())
    })
}

/// Whether the link is open.
///
/// @param board the road.
/// @return whether it is; false if board is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_is_open(board: *const rogue_mem_board_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(board, |board| board.is_open()) }
}

/// The local port.
///
/// @param board the road.
/// @return the UDP port, in host byte order; 0 if board is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_port(board: *const rogue_mem_board_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(board, |board| board.udp().port()) }
}

/// Closes the link, tells the peer, closes the port and disconnects all destinations. Transactions
/// under way fail. Returns within 100 ms if no receiver of a frame blocks. Further calls do nothing.
///
/// @param board the road; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_stop(board: *mut rogue_mem_board_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(board, |board| board.stop()) }
}
