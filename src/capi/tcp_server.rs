//! A bridge server listens on two consecutive ports, for requests and for responses, and serves the
//! slave that its master is connected to. Requests of one client reach the slave in the order of
//! their arrival, in the server's own thread, several outstanding at once; each answer goes to the
//! client that asked. A slave that blocks stalls its own server only.

use std::ffi::c_char;
use std::time::Duration;

use super::argument::{spin_of, Versioned};
use super::guard::{query, status, value, Call};
use super::handle::{into_handle, release, retain, rogue_mem_master_t, rogue_mem_tcp_server_t};
use super::status::rogue_mem_status_t;
use crate::bridge::{LegacyPolicy, ServerOptions, TcpServer};
use crate::error::{Result, Status};

/// Legacy clients, which announce no session, are told apart by the process that owns them on the
/// same host, and by their address elsewhere: one client for each.
pub const ROGUE_MEM_LEGACY_AUTO: u32 = 0;
/// One legacy client is served for each source address.
pub const ROGUE_MEM_LEGACY_ONE_PER_ADDRESS: u32 = 1;
/// Legacy clients are told apart by the process that owns them; those whose process cannot be seen
/// are not served.
pub const ROGUE_MEM_LEGACY_LOCAL_PID: u32 = 2;
/// Legacy clients are not served.
pub const ROGUE_MEM_LEGACY_REFUSE: u32 = 3;

/// In place of the time for which a server or a client looks again before it sleeps: none.
pub const ROGUE_MEM_SPIN_NEVER: u32 = u32::MAX;

/// What may be chosen about a server. Zero-initialise it, set size, and then what is wanted.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct rogue_mem_tcp_server_options_t {
    /// sizeof(rogue_mem_tcp_server_options_t).
    pub size: usize,
    /// Requests of one client that may be outstanding at the slave; 1 = strictly one at a time,
    /// 0 = 1024.
    pub window: u32,
    /// ROGUE_MEM_LEGACY_...: how clients that announce no session are told apart.
    pub legacy: u32,
    /// Milliseconds for which the connections of one address must have been unambiguous before they
    /// are paired, where ports or processes do not tell; 0 = 400.
    pub settle_ms: u32,
    /// Clients served at once; 0 = 1024.
    pub clients_max: u32,
    /// Bytes of the largest transaction; larger requests are refused. 0 = 64 MiB.
    pub transaction_bytes_max: u64,
    /// Microseconds for which the server looks for the next request before it sleeps, which keeps
    /// a processor busy. 0 = adaptive: up to 50, where that has been worth it lately.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Whether answers go out on a connection of their own to every client, as Rogue's do.
    /// Otherwise they go back on that of the requests where the client agrees, which saves both
    /// systems acknowledgements.
    pub no_duplex: bool,
}

// SAFETY: integers and a truth value, for which zero is false; `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What a server has done so far. Set size before it is filled.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct rogue_mem_tcp_server_stats_t {
    /// sizeof(rogue_mem_tcp_server_stats_t).
    pub size: usize,
    /// Clients being served now.
    pub clients: u64,
    /// Connections now open that belong to no served client yet.
    pub held: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Requests received, readiness probes included.
    pub requests: u64,
    /// Responses queued for sending.
    pub responses: u64,
    /// Messages dropped because they are no requests.
    pub malformed: u64,
    /// Requests answered with an error without reaching the slave.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes of responses queued for sending.
    pub bytes_out: u64,
}

// SAFETY: integers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// The options as the server takes them; what is zero is left at its default.
fn options_of(call: Call, given: &rogue_mem_tcp_server_options_t) -> Result<ServerOptions> {
    let legacy = match given.legacy {
        ROGUE_MEM_LEGACY_AUTO => LegacyPolicy::Auto,
        ROGUE_MEM_LEGACY_ONE_PER_ADDRESS => LegacyPolicy::OnePerAddress,
        ROGUE_MEM_LEGACY_LOCAL_PID => LegacyPolicy::LocalPid,
        ROGUE_MEM_LEGACY_REFUSE => LegacyPolicy::Refuse,
        other => {
            let text = format!("`options_or_null`->legacy is {other}; use ROGUE_MEM_LEGACY_...");
            return Err(call.error(Status::InvalidArgument, text));
        }
    };
    let spin = spin_of(given.spin_us);
    let duplex = !given.no_duplex;
    let mut options = ServerOptions { legacy, spin, duplex, ..ServerOptions::default() };
    if given.window != 0 {
        options.window = given.window as usize;
    }
    if given.settle_ms != 0 {
        options.settle = Duration::from_millis(u64::from(given.settle_ms));
    }
    if given.clients_max != 0 {
        options.clients_max = given.clients_max as usize;
    }
    if given.transaction_bytes_max != 0 {
        // No transaction is larger, whatever is allowed.
        let most = given.transaction_bytes_max.min(u64::from(u32::MAX));
        options.transaction_bytes_max = most as u32;
    }
    Ok(options)
}

/// Opens a server, which serves from here on. Until its master is connected to a slave, requests
/// are answered with "Unsupported transaction using unconnected memory bus".
///
/// @param addr where to listen: "*" for everywhere, an IPv4 or IPv6 address, the name of an
/// interface or of a host.
/// @param port port of requests; that of responses is the next one. 0 = a free pair, see
/// rogue_mem_tcp_server_port.
/// @param options_or_null what may be chosen; NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option or the port cannot be meant; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port
/// is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe. Blocks while the system resolves addr, if that is a name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_new(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_tcp_server_options_t,
    out: *mut *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(options_or_null, "options_or_null") }?;
        let options = match given {
            Some(given) => options_of(call, &given)?,
            None => ServerOptions::default(),
        };
        out.set(into_handle(TcpServer::new(addr, port, options)?));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param server the server; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_retain(
    server: *mut rogue_mem_tcp_server_t,
) -> *mut rogue_mem_tcp_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(server) }))
}

/// Gives a reference back. The last one stops the server.
///
/// @param server the server; NULL is allowed and ignored.
///
/// Thread safe; also from a callback that the server makes.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_release(server: *mut rogue_mem_tcp_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(server) };
        Ok(())
    })
}

/// The master through which requests reach the slave, to be connected to it; its timeout is the
/// time that the slave has.
///
/// @param server the server.
/// @return the master, a new reference; NULL if server is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_master(
    server: *const rogue_mem_tcp_server_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| into_handle(server.master().clone())) }
}

/// The port of requests, also where port 0 asked for a free pair.
///
/// @param server the server.
/// @return the port; 0 if server is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_port(server: *const rogue_mem_tcp_server_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.port()) }
}

/// Does nothing, for a server serves from its creation; for programs that treat servers and clients
/// alike.
///
/// @param server the server.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_start(
    server: *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        unsafe { call.handle(server) }?.start();
        Ok(())
    })
}

/// Stops serving: closes both ports and all connections. Returns within 100 ms, whatever the peers
/// do; where the slave blocks for longer, the ports close when it returns. Further calls do
/// nothing.
///
/// @param server the server; NULL is an error.
///
/// Thread safe; also from a callback that the server makes.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_stop(server: *mut rogue_mem_tcp_server_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.stop()) }
}

/// What the server has done so far.
///
/// @param server the server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_stats(
    server: *const rogue_mem_tcp_server_t,
    stats: *mut rogue_mem_tcp_server_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = server.stats();
        out.set(&rogue_mem_tcp_server_stats_t {
            size: 0,
            clients: now.clients,
            held: now.held,
            accepted: now.accepted,
            requests: now.requests,
            responses: now.responses,
            malformed: now.malformed,
            refused: now.refused,
            dropped_responses: now.dropped_responses,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
        });
        Ok(())
    })
}
