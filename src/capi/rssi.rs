//! RSSI, SLAC's reliable protocol over datagrams: frames of the application arrive once and in
//! order, each in one datagram. Connect the transport port to an object that carries datagrams, such
//! as a rogue_mem_udp_t, and the application port to that which sends and receives data; then start.
//!
//! A client opens the link, and opens it again whenever it was lost. A server waits for a client.
//! Requests over a lost link fail with a text that names this layer.
//!
//! Received frames are delivered in the thread that brings the datagram. Frames to send go to the
//! transport in the caller's thread; if the peer has not acknowledged as many as agreed, a thread
//! of the program waits. Frames for a link that is not open are dropped and counted.
//!
//! The object runs as long as its handles, and the stream masters that its application port's slave
//! is connected to.

use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::generated::{rogue_mem_rssi_options_t, rogue_mem_rssi_t, rogue_mem_stream_port_t};
use super::guard::{query, status};
use super::handle::into_handle;
use super::link::rogue_mem_link_observer_t;
use super::status::rogue_mem_status_t;
use crate::error::{Result, Status};
use crate::proto::rssi::Parameter;
use crate::protocols::{RssiEndpoint, RssiOptions};

/// Parameter: period of a client's attempts to open the link, in ms; 100 at first.
pub const ROGUE_MEM_RSSI_TRY_PERIOD: u32 = 0;
/// Parameter: segments without an acknowledge, up to 255, of which 32 are used; 32 at first.
pub const ROGUE_MEM_RSSI_MAX_BUFFERS: u32 = 1;
/// Parameter: largest segment in bytes, its header of 8 bytes included.
pub const ROGUE_MEM_RSSI_MAX_SEGMENT: u32 = 2;
/// Parameter: how long an acknowledge waits, in ms; 5 at first.
pub const ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT: u32 = 3;
/// Parameter: time without an acknowledge after which a segment is sent again, in ms; 20 at first.
pub const ROGUE_MEM_RSSI_RETRAN_TIMEOUT: u32 = 4;
/// Parameter: silence after which firmware closes a link, in ms; 1000 at first.
pub const ROGUE_MEM_RSSI_NULL_TIMEOUT: u32 = 5;
/// Parameter: how often a segment is sent before the link counts as lost; 15 at first.
pub const ROGUE_MEM_RSSI_MAX_RETRAN: u32 = 6;
/// Parameter: segments after which an acknowledge does not wait; 2 at first.
pub const ROGUE_MEM_RSSI_MAX_CUM_ACK: u32 = 7;

/// Makes a client, which is not started.
///
/// @param segment_bytes the largest segment, its header of 8 bytes included; at least 9. Rogue's
/// choice is the largest payload of a datagram less 8: 1464, or 8964 for jumbo.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// size or an option is invalid; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_new_client(
    segment_bytes: u16,
    options_or_null: *const rogue_mem_rssi_options_t,
    out: *mut *mut rogue_mem_rssi_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(RssiEndpoint::client(sized(options, segment_bytes))?));
        Ok(())
    })
}

/// Makes a server, which is not started. It takes over the client's timeouts, and the smaller number
/// and size of segments.
///
/// @param segment_bytes as for rogue_mem_rssi_new_client.
/// @param options_or_null the options, copied; NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// size or an option is invalid; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_new_server(
    segment_bytes: u16,
    options_or_null: *const rogue_mem_rssi_options_t,
    out: *mut *mut rogue_mem_rssi_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(RssiEndpoint::server(sized(options, segment_bytes))?));
        Ok(())
    })
}

fn sized(mut options: RssiOptions, segment_bytes: u16) -> RssiOptions {
    options.parameters.max_segment = segment_bytes;
    options
}

/// The port for datagrams: each frame is one.
///
/// @param rssi the client or server.
/// @return the port, a new reference, which does not keep the object alive; NULL if rssi is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_transport_port(
    rssi: *const rogue_mem_rssi_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| into_handle(Arc::new(rssi.transport()))) }
}

/// The port for data. A frame requested from it has one buffer, of the requested size or of that
/// which rogue_mem_rssi_max_payload tells.
///
/// @param rssi the client or server.
/// @return the port, a new reference; its slave keeps the object alive. NULL if rssi is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_application_port(
    rssi: *const rogue_mem_rssi_t,
) -> *mut rogue_mem_stream_port_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| into_handle(Arc::new(rssi.application()))) }
}

/// Begins to open the link, or to wait for a client; also again after a stop. Returns at once.
///
/// @param rssi the client or server.
/// @return ROGUE_MEM_OK, also if it runs; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a
/// thread; ROGUE_MEM_ERROR_STOPPED in a child by fork; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_start(rssi: *mut rogue_mem_rssi_t) -> rogue_mem_status_t {
    // SAFETY: null or live, as the header demands.
    status(|call| unsafe { call.handle(rssi) }?.start())
}

/// Closes the link, tells the peer, and releases senders that wait. Connected objects stay
/// connected. Returns within 100 ms. After that no frame is delivered, unless a receiver blocks in
/// a delivery. Further calls do nothing.
///
/// @param rssi the client or server; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_stop(rssi: *mut rogue_mem_rssi_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| rssi.stop()) }
}

/// Waits until the link is open. From a callback of the object it does not wait.
///
/// @param rssi the client or server.
/// @param timeout_us how long to wait at most, in microseconds.
/// @return ROGUE_MEM_OK if it is open; ROGUE_MEM_ERROR_TIMEOUT, whose text has the reason as far as
/// it is known; ROGUE_MEM_ERROR_STOPPED if the object is not started; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_wait_open(
    rssi: *const rogue_mem_rssi_t,
    timeout_us: u64,
) -> rogue_mem_status_t {
    let timeout = Duration::from_micros(timeout_us);
    // SAFETY: null or live, as the header demands.
    status(|call| unsafe { call.handle(rssi) }?.wait_open(timeout))
}

/// Sets a function that is called after each opening and each closing of the link, with the reason.
/// If the link is open already, the first call reports that. A set stays in effect over
/// rogue_mem_rssi_stop and rogue_mem_rssi_start.
///
/// @param rssi the client or server.
/// @param set_or_null the callbacks, copied; they replace former ones. NULL removes them.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_observe(
    rssi: *mut rogue_mem_rssi_t,
    set_or_null: *const rogue_mem_link_observer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        rssi.observe(unsafe { call.link_observer(set_or_null) }?);
        Ok(())
    })
}

/// Whether the link is open.
///
/// @param rssi the client or server.
/// @return whether it is; false if rssi is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_is_open(rssi: *const rogue_mem_rssi_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| rssi.is_open()) }
}

/// The largest payload of a frame, in bytes, as agreed with the peer.
///
/// @param rssi the client or server.
/// @return bytes; 0 if rssi is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_max_payload(rssi: *const rogue_mem_rssi_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| rssi.payload_max()) }
}

fn parameter(call: Call, number: u32) -> Result<Parameter> {
    Parameter::ALL.get(number as usize).copied().ok_or_else(|| {
        let text = format!("`parameter` is {number}; use ROGUE_MEM_RSSI_...");
        call.error(Status::InvalidArgument, text)
    })
}

/// Sets a parameter that this end proposes to its peer, or limits its peer's by; in use from the
/// next opening on.
///
/// @param rssi the client or server.
/// @param parameter ROGUE_MEM_RSSI_...
/// @param value the value; not 0.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter or a value out of
/// its range; ROGUE_MEM_ERROR_STOPPED in a child by fork; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_set_local(
    rssi: *mut rogue_mem_rssi_t,
    parameter: u32,
    value: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        rssi.set_local_value(self::parameter(call, parameter)?, value)
    })
}

/// The value of a parameter that this end proposes.
///
/// @param rssi the client or server.
/// @param parameter ROGUE_MEM_RSSI_...
/// @param out receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter;
/// ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_local(
    rssi: *const rogue_mem_rssi_t,
    parameter: u32,
    out: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(rssi.local_value(self::parameter(call, parameter)?));
        Ok(())
    })
}

/// The value of a parameter that both ends have agreed on: of the link, or of the last one; the one
/// that this end proposes, if there was none.
///
/// @param rssi the client or server.
/// @param parameter ROGUE_MEM_RSSI_...
/// @param out receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter;
/// ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_current(
    rssi: *const rogue_mem_rssi_t,
    parameter: u32,
    out: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(rssi.current_value(self::parameter(call, parameter)?));
        Ok(())
    })
}

/// Sets how often a sender that waits for the peer says so in the log.
///
/// @param rssi the client or server; NULL is an error.
/// @param timeout_us the time between two messages, in microseconds; one second at first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_set_timeout(rssi: *mut rogue_mem_rssi_t, timeout_us: u64) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| rssi.set_timeout(Duration::from_micros(timeout_us))) }
}

/// Sets the counters to 0.
///
/// @param rssi the client or server; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_reset_counters(rssi: *mut rogue_mem_rssi_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(rssi, |rssi| rssi.reset_counters()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_numbers_of_the_parameters() {
        let constants = [
            (ROGUE_MEM_RSSI_TRY_PERIOD, Parameter::TryPeriod),
            (ROGUE_MEM_RSSI_MAX_BUFFERS, Parameter::MaxBuffers),
            (ROGUE_MEM_RSSI_MAX_SEGMENT, Parameter::MaxSegment),
            (ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT, Parameter::CumAckTimeout),
            (ROGUE_MEM_RSSI_RETRAN_TIMEOUT, Parameter::RetranTimeout),
            (ROGUE_MEM_RSSI_NULL_TIMEOUT, Parameter::NullTimeout),
            (ROGUE_MEM_RSSI_MAX_RETRAN, Parameter::MaxRetran),
            (ROGUE_MEM_RSSI_MAX_CUM_ACK, Parameter::MaxCumAck),
        ];
        for (number, parameter) in constants {
            assert_eq!(Parameter::ALL[number as usize], parameter);
        }
    }
}
