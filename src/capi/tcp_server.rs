//! A bridge server listens on two consecutive ports, for requests and for responses, and serves the
//! slave of its master. Requests of one client reach the slave in the order of their arrival, in
//! the server's own thread, several outstanding at once; each answer goes to the client that asked.
//! A slave that blocks stalls only its own server.

use std::time::Duration;

use super::convert::{PROGRESS_ANY, SPIN_NEVER};
use super::generated::rogue_mem_tcp_server_t;
use super::guard::status;
use super::status::rogue_mem_status_t;

/// Value of spin_us: do not poll before a sleep.
pub const ROGUE_MEM_SPIN_NEVER: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_SPIN_NEVER == SPIN_NEVER);

/// Value of progress_per_second_min: clients may be as slow as they like.
pub const ROGUE_MEM_PROGRESS_ANY: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_PROGRESS_ANY == PROGRESS_ANY);

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
