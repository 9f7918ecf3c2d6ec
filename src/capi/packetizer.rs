//! A packetizer carries the frames of up to 256 destinations over one packet transport, in the form
//! of SLAC's firmware. Connect its transport port to that of the transport, and the application
//! port of each destination to the object that sends and receives its frames.
//!
//! A frame is cut in the thread that sends it, and delivered in the thread that brings its last
//! packet, with no lock held. Frames of one destination leave in order and one at a time; with
//! version 1 the frames of all destinations do. A frame for a destination whose port was never
//! asked for is discarded.
//!
//! The ports work as long as they are connected, also without a handle of the object.

use std::sync::Arc;
use std::time::Duration;

use super::generated::{
    rogue_mem_packetizer_options_t, rogue_mem_packetizer_t, rogue_mem_stream_port_t,
};
use super::guard::{query, status};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::error::Status;
use crate::protocols::{Packetizer, PacketizerVersion};

/// Makes a packetizer that is not connected.
///
/// @param version 1 or 2, as that of the other end. Version 2 interleaves destinations and has a
/// CRC.
/// @param options_or_null the options, copied. NULL: the defaults.
/// @param out receives the packetizer, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// another version, or options with a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_new(
    version: u32,
    options_or_null: *const rogue_mem_packetizer_options_t,
    out: *mut *mut rogue_mem_packetizer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        let version = match version {
            1 => PacketizerVersion::V1,
            2 => PacketizerVersion::V2,
            other => {
                let text = format!("`version` is {other}; there are versions 1 and 2");
                return Err(call.error(Status::InvalidArgument, text));
            }
        };
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(Packetizer::new(version, options)));
        Ok(())
    })
}

/// The port through which packets go, one in each frame.
///
/// @param packetizer the packetizer.
/// @return the port, a new reference; NULL if packetizer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_transport_port(
    packetizer: *const rogue_mem_packetizer_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(packetizer, |packetizer| into_handle(Arc::new(packetizer.transport()))) }
}

/// The port through which the frames of a destination go.
///
/// @param packetizer the packetizer.
/// @param dest the destination.
/// @return the port, a new reference; NULL if packetizer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_application_port(
    packetizer: *const rogue_mem_packetizer_t,
    dest: u8,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(packetizer, |packetizer| into_handle(Arc::new(packetizer.application(dest)))) }
}

/// The number of received packets that were dropped: of an impossible form, of another version,
/// with a wrong CRC, or without those before them. With version 2 also the unfinished frames that
/// were dropped because another one began.
///
/// @param packetizer the packetizer.
/// @return packets, modulo 2^32; 0 if packetizer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_drop_count(
    packetizer: *const rogue_mem_packetizer_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(packetizer, |packetizer| packetizer.drop_count()) }
}

/// Sets how often a thread that waits for another one's frame says so in the log.
///
/// @param packetizer the packetizer; NULL is an error.
/// @param timeout_us the time between two messages, in microseconds, at least 1000; one second at
/// first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_set_timeout(
    packetizer: *mut rogue_mem_packetizer_t,
    timeout_us: u32,
) {
    let period = Duration::from_micros(timeout_us.into());
    // SAFETY: null or live, as the header demands.
    unsafe { query(packetizer, |packetizer| packetizer.set_timeout(period)) }
}

/// Disconnects everything that the packetizer sends to, on all of its ports, and fails the requests
/// that wait for an answer over it. Further calls do nothing, until something is connected again.
///
/// @param packetizer the packetizer; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_stop(packetizer: *mut rogue_mem_packetizer_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(packetizer, |packetizer| packetizer.stop()) }
}
