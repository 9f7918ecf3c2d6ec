//! A bridge client is a slave whose transactions are carried out by a remote server: of this
//! library, of Rogue, or of a simulation. It connects by itself, and reconnects until it is
//! stopped. Without a connection, a request waits for one until its own timeout. A request in
//! flight when the connection breaks fails at once. No request is sent twice.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use super::argument::Versioned;
use super::callback::{c_text, Context};
use super::generated::{rogue_mem_gate_t, rogue_mem_tcp_client_t};
use super::guard::{query, status};
use super::status::rogue_mem_status_t;
use crate::bridge::{ClientState, ConnectionChange, ConnectionObserver};

/// State of a client: not connected; connection attempts continue.
pub const ROGUE_MEM_CLIENT_CONNECTING: u32 = 0;
/// State of a client: connected over TCP, but the server has not accepted it yet.
pub const ROGUE_MEM_CLIENT_HANDSHAKE: u32 = 1;
/// State of a client: requests are sent.
pub const ROGUE_MEM_CLIENT_CONNECTED: u32 = 2;
/// State of a client: stopped for good.
pub const ROGUE_MEM_CLIENT_STOPPED: u32 = 3;

/// The constant of a client's state.
pub(super) fn client_state_number(state: ClientState) -> u32 {
    match state {
        ClientState::Connecting => ROGUE_MEM_CLIENT_CONNECTING,
        ClientState::Handshake => ROGUE_MEM_CLIENT_HANDSHAKE,
        ClientState::Connected => ROGUE_MEM_CLIENT_CONNECTED,
        ClientState::Stopped => ROGUE_MEM_CLIENT_STOPPED,
    }
}

/// Waits until the server is ready. A server that supports readiness probes is probed every period
/// until it answers. Any other server is ready when the client is connected.
///
/// @param client the client.
/// @param timeout_us the time limit, in microseconds; 0 does not wait.
/// @param period_us the time between probes, in microseconds, at least 1000.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT, with the obstacle in the last error;
/// ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT in a
/// callback of the client.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_wait_ready(
    client: *mut rogue_mem_tcp_client_t,
    timeout_us: u64,
    period_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        client.wait_ready(Duration::from_micros(timeout_us), Duration::from_micros(period_us))
    })
}

/// A connect or disconnect of a client.
#[repr(C)]
pub struct rogue_mem_connection_t {
    /// sizeof(rogue_mem_connection_t), as the library knows it.
    pub size: usize,
    /// 1: connected; 0: disconnected.
    pub connected: u32,
    /// The protocol level of the bridge that the server has announced; 0: none, as with Rogue.
    pub bridge_level: u32,
    /// The server's address and port of requests, as `192.0.2.1:9000` or `[2001:db8::1]:9000`, or
    /// its path, as `unix:/run/board.sock`.
    pub server: *const c_char,
    /// The reason of a disconnect; empty for a connect.
    pub reason: *const c_char,
}

/// Callbacks for connects and disconnects of a client. Zero-initialise it, set size, and then the
/// rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_connection_observer_t {
    /// sizeof(rogue_mem_connection_observer_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of changed has returned. Not called
    /// if rogue_mem_tcp_client_observe fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Called after each connect and each disconnect, which alternate; must not be NULL. The
    /// structure and its texts are valid during the call. Runs on a thread of its own, one call at
    /// a time and in order, and may call every function. It may block: only further calls for this
    /// client wait for it, of which the latest 64 are kept.
    pub changed:
        Option<unsafe extern "C" fn(ctx: *mut c_void, connection: *const rogue_mem_connection_t)>,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_connection_observer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls a function of the program's.
struct Changed {
    changed: unsafe extern "C" fn(ctx: *mut c_void, connection: *const rogue_mem_connection_t),
    context: Context,
}

impl ConnectionObserver for Changed {
    fn changed(&self, change: &ConnectionChange) {
        let reason = change.reason.as_deref().unwrap_or_default();
        let server = c_text(&change.server.to_string());
        let reason = c_text(reason);
        let connection = rogue_mem_connection_t {
            size: size_of::<rogue_mem_connection_t>(),
            connected: change.reason.is_none().into(),
            bridge_level: change.bridge_level.unwrap_or(0),
            server: server.as_ptr(),
            reason: reason.as_ptr(),
        };
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature, which may run on any thread.
        unsafe { (self.changed)(self.context.ctx(), &connection) }
    }
}

/// Sets a function that is called after each connect and disconnect of the client, with the reason.
/// If the client is connected already, the first call reports that.
///
/// After this has returned, no call of a former observer begins. After rogue_mem_tcp_client_stop
/// has returned, or the last reference has been released, no call begins at all, not even for the
/// disconnect. A running call continues, and so does one that a thread is just about to make: ctx is
/// in use until drop is called.
///
/// @param client the client.
/// @param set_or_null the callbacks, copied; they replace former ones. NULL removes them. If the
/// client has been stopped, only drop is called, at once.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_observe(
    client: *mut rogue_mem_tcp_client_t,
    set_or_null: *const rogue_mem_connection_observer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(set_or_null, "set_or_null") }?;
        let Some(given) = given else {
            client.observe(None);
            return Ok(());
        };
        let changed = given.changed.ok_or_else(|| call.null("changed"))?;
        // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header
        // demands.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        client.observe(Some(Arc::new(Changed { changed, context })));
        Ok(())
    })
}

/// The state of the client.
///
/// @param client the client.
/// @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_state(client: *const rogue_mem_tcp_client_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client_state_number(client.state())) }
}
