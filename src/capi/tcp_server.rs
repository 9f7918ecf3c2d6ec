//! A bridge server listens on two consecutive ports, for requests and for responses, and serves the
//! slave of its master. Requests of one client reach the slave in the order of their arrival, in
//! the server's own thread, several outstanding at once; each answer goes to the client that asked.
//! A slave that blocks stalls only its own server.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::call::Call;
use super::convert::{PROGRESS_ANY, SPIN_NEVER};
use super::generated::{rogue_mem_tcp_server_options_t, rogue_mem_tcp_server_t};
use super::guard::status;
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::bridge::{ListeningSockets, TcpServer};
use crate::error::{Result, Status};
use crate::net::duplicate;

/// Value of spin_us: do not poll before a sleep.
pub const ROGUE_MEM_SPIN_NEVER: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_SPIN_NEVER == SPIN_NEVER);

/// Value of progress_per_second_min: clients may be as slow as they like.
pub const ROGUE_MEM_PROGRESS_ANY: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_PROGRESS_ANY == PROGRESS_ANY);

/// Opens a server, which serves at once, at sockets that listen already: those that a service
/// manager has opened for the program (socket activation). Takes the place of
/// rogue_mem_tcp_server_new.
///
/// At TCP ports each socket for requests, at port P, is followed by that for responses, at port
/// P + 1 of the same address. A socket at a path may be followed by that at the path with ".1"
/// appended; without that, peers on libzmq cannot connect there. The server uses duplicates: the
/// descriptors stay the caller's, and may be closed at once. While any process has a socket open,
/// connections wait in it also after rogue_mem_tcp_server_stop, for the next server. The sockets
/// become non-blocking. Files at their paths stay.
///
/// @param descriptors count descriptors, in the order in which the service manager gives them.
/// @param count number of descriptors.
/// @param options_or_null the options; NULL: the defaults. The server also listens at its
/// addresses.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option is invalid, or a descriptor is not open, does not listen at a TCP port or at a path, or
/// does not belong to the one before it, and if there is none; ROGUE_MEM_ERROR_INVALID_TEXT,
/// ROGUE_MEM_ERROR_BIND and ROGUE_MEM_ERROR_RESOLVE for the addresses of the options;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_adopt(
    descriptors: *const i32,
    count: usize,
    options_or_null: *const rogue_mem_tcp_server_options_t,
    out: *mut *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid for count values, as the header demands.
        let descriptors = unsafe { call.values(descriptors, count, "descriptors") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options = unsafe { call.options(options_or_null, "options_or_null") }?;
        let numbered = descriptors.iter().zip(0..);
        let sockets = numbered.map(|(number, place)| duplicate_of(call, *number, place));
        let sockets = ListeningSockets::in_order(sockets.collect::<Result<_>>()?)?;
        out.set(into_handle(TcpServer::adopt(sockets, options)?));
        Ok(())
    })
}

fn duplicate_of(call: Call, number: i32, place: usize) -> Result<OwnedFd> {
    duplicate(number).map_err(|error| {
        let text = format!("descriptors[{place}], {number}, cannot be used: {error}");
        let status = match error.raw_os_error() {
            Some(libc::EBADF) => Status::InvalidArgument,
            _ => Status::OutOfResources,
        };
        call.error(status, text)
    })
}

/// Takes no request any more, and waits until those that the slave has are answered and the answers
/// have arrived at the hosts of the clients. Then stop the server: no answer is lost by that.
///
/// Requests that come meanwhile, also those that have come in part, are answered with an error that
/// says so, and do not reach the slave. New clients are sent away: what those of this library have
/// to send waits for the next server at the address, until it times out.
///
/// There is no way back: a server that has begun to drain does so until it is stopped, also if this
/// returns before. Further calls wait on.
///
/// @param server the server.
/// @param timeout_us the time limit, in microseconds; 0 does not wait.
/// @param remaining receives what is left at the end of the time, 0 = nothing: requests that the
/// slave keeps, and clients that have not got all answers; 1 if the slave has not let the server's
/// thread count them. Untouched on failure.
/// @return ROGUE_MEM_OK, also if something is left; ROGUE_MEM_ERROR_STOPPED if the server is
/// stopped, before or meanwhile; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT in
/// a callback of the server, whose thread would wait for itself.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_drain(
    server: *mut rogue_mem_tcp_server_t,
    timeout_us: u64,
    remaining: *mut u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        // SAFETY: null or valid, as the header demands.
        let remaining = unsafe { call.out(remaining, "remaining") }?;
        remaining.set(server.drain(Duration::from_micros(timeout_us))?);
        Ok(())
    })
}
