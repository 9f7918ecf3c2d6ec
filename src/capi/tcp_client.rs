//! A bridge client is a slave whose transactions are carried out by a remote server: this
//! library's, Rogue's, or a simulation's. It connects by itself, and again for ever until it is
//! stopped. While there is no connection a request waits for one until its own timeout; one that is
//! on its way when the connection breaks fails at once; none is sent twice.

use std::ffi::c_char;
use std::time::Duration;

use super::argument::{spin_of, Versioned};
use super::guard::{query, query_text, status, value, Call};
use super::handle::{
    into_handle, release, retain, rogue_mem_slave_t, rogue_mem_tcp_client_t, slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::bridge::{ClientOptions, ClientState, TcpClient};
use crate::error::{Result, Status};

/// State of a client: not connected; attempts go on.
pub const ROGUE_MEM_CLIENT_CONNECTING: u32 = 0;
/// State of a client: connected over TCP, but the server has not accepted it yet.
pub const ROGUE_MEM_CLIENT_HANDSHAKE: u32 = 1;
/// State of a client: requests are sent.
pub const ROGUE_MEM_CLIENT_CONNECTED: u32 = 2;
/// State of a client: stopped for good.
pub const ROGUE_MEM_CLIENT_STOPPED: u32 = 3;

/// What may be chosen about a client. Zero-initialise it, set size, and then what is wanted.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct rogue_mem_tcp_client_options_t {
    /// sizeof(rogue_mem_tcp_client_options_t).
    pub size: usize,
    /// Whether rogue_mem_tcp_client_start waits for the server.
    pub wait_ready: bool,
    /// Whether readiness probes are also sent to servers that have not said that they know them.
    /// They crash a running SURF simulation.
    pub probe_legacy: bool,
    /// Requests that may be on their way at once, further ones wait; 0 = 400 towards servers that
    /// announce no session, 8192 towards others.
    pub window: u32,
    /// Bytes of the largest transaction; 0 = not limited.
    pub transaction_bytes_max: u64,
    /// Microseconds for which a thread that waits for an answer looks again and again before it
    /// sleeps, which keeps a processor busy. 0 = adaptive: up to 50, where that has been worth it
    /// lately. ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Whether all answers are read by the client's own thread. Otherwise a thread that waits
    /// for one reads them itself meanwhile, which saves a change of threads.
    pub no_direct: bool,
    /// Whether answers come on a connection of their own from every server, as Rogue's do.
    /// Otherwise they come back on that of the requests where the server agrees, which saves both
    /// systems acknowledgements.
    pub no_duplex: bool,
}

// SAFETY: integers and truth values, for which zero is false; `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What a client has done so far. Set size before it is filled.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct rogue_mem_tcp_client_stats_t {
    /// sizeof(rogue_mem_tcp_client_stats_t).
    pub size: usize,
    /// Requests not answered yet, those not sent yet included.
    pub outstanding: u64,
    /// Requests not sent yet.
    pub queued: u64,
    /// Requests sent, readiness probes included.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Responses that nobody waited for any more.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

// SAFETY: integers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// The options as the client takes them; what is zero is left at its default.
fn options_of(given: &rogue_mem_tcp_client_options_t) -> ClientOptions {
    let mut options = ClientOptions {
        wait_ready: given.wait_ready,
        probe_legacy: given.probe_legacy,
        direct: !given.no_direct,
        duplex: !given.no_duplex,
        spin: spin_of(given.spin_us),
        ..ClientOptions::default()
    };
    if given.window != 0 {
        options.window = Some(given.window as usize);
    }
    if given.transaction_bytes_max != 0 {
        // No transaction is larger, whatever is allowed.
        let most = given.transaction_bytes_max.min(u64::from(u32::MAX));
        options.transaction_bytes_max = most as u32;
    }
    options
}

/// Makes a client, which begins to connect. Returns at once, whether there is a server or not.
///
/// @param addr the server: an IPv4 or IPv6 address or the name of a host, which is resolved at
/// every attempt.
/// @param port the server's port of requests; that of responses is the next one.
/// @param options_or_null what may be chosen; NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
/// the port or an option cannot be meant; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_new(
    addr: *const c_char,
    port: u16,
    options_or_null: *const rogue_mem_tcp_client_options_t,
    out: *mut *mut rogue_mem_tcp_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let addr = unsafe { call.text(addr, "addr") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(options_or_null, "options_or_null") }?;
        let options = given.map_or_else(ClientOptions::default, |given| options_of(&given));
        out.set(into_handle(TcpClient::new(addr, port, options)?));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param client the client; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_retain(
    client: *mut rogue_mem_tcp_client_t,
) -> *mut rogue_mem_tcp_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(client) }))
}

/// Gives a reference back. The last one stops the client; its slave, and masters that this is
/// connected to, hold one each.
///
/// @param client the client; NULL is allowed and ignored.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_release(client: *mut rogue_mem_tcp_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(client) };
        Ok(())
    })
}

/// The client as a slave, to be given to masters.
///
/// @param client the client.
/// @return the slave, a new reference, which keeps the client alive; NULL if client is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_slave(
    client: *const rogue_mem_tcp_client_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| slave_handle(client.clone())) }
}

/// A number of seconds as a duration: nothing below zero, as long as can be beyond all bounds.
fn seconds(call: Call, seconds: f64, name: &str) -> Result<Duration> {
    if seconds.is_nan() {
        let text = format!("Argument `{name}` is not a number");
        return Err(call.error(Status::InvalidArgument, text));
    }
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// Waits until the server is ready. A server that knows readiness probes is asked every period
/// until it answers; towards any other, ready means that the client is connected.
///
/// @param client the client.
/// @param timeout_seconds how long to wait; 0 or less only looks.
/// @param period_seconds how often to ask, at most every millisecond.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT, the last error telling the obstacle;
/// ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if a
/// time is not a number, or in a callback that the client makes.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_wait_ready(
    client: *mut rogue_mem_tcp_client_t,
    timeout_seconds: f64,
    period_seconds: f64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        let timeout = seconds(call, timeout_seconds, "timeout_seconds")?;
        client.wait_ready(timeout, seconds(call, period_seconds, "period_seconds")?)
    })
}

/// Waits 10 seconds for the server, if the client was made with wait_ready; else does nothing.
///
/// @param client the client.
/// @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
/// ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_start(
    client: *mut rogue_mem_tcp_client_t,
) -> rogue_mem_status_t {
    // SAFETY: null or live, as the header demands.
    status(|call| unsafe { call.handle(client) }?.start())
}

/// Closes the connections and fails every transaction that is outstanding or comes later, at once.
/// Returns within 100 ms; further calls do nothing.
///
/// @param client the client; NULL is an error.
///
/// Thread safe; also from a callback.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_stop(client: *mut rogue_mem_tcp_client_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client.stop()) }
}

/// How far the client has come with its server.
///
/// @param client the client.
/// @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
/// NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_state(client: *const rogue_mem_tcp_client_t) -> u32 {
    let number = |client: &std::sync::Arc<TcpClient>| match client.state() {
        ClientState::Connecting => ROGUE_MEM_CLIENT_CONNECTING,
        ClientState::Handshake => ROGUE_MEM_CLIENT_HANDSHAKE,
        ClientState::Connected => ROGUE_MEM_CLIENT_CONNECTED,
        ClientState::Stopped => ROGUE_MEM_CLIENT_STOPPED,
    };
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, number) }
}

/// The state in words, with the obstacle where there is one.
///
/// @param client the client.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_state_text(
    client: *const rogue_mem_tcp_client_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(client, buffer, capacity, length, |client| client.state_text()) }
}

/// What the client has done so far.
///
/// @param client the client.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_stats(
    client: *const rogue_mem_tcp_client_t,
    stats: *mut rogue_mem_tcp_client_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = client.stats();
        out.set(&rogue_mem_tcp_client_stats_t {
            size: 0,
            outstanding: now.outstanding,
            queued: now.queued,
            requests: now.requests,
            responses: now.responses,
            connects: now.connects,
            disconnects: now.disconnects,
            dropped_responses: now.dropped_responses,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
        });
        Ok(())
    })
}
