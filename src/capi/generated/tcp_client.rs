// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a client, which begins to connect. Returns at once, even without a server.
///
/// @param addr the server: an IPv4 or IPv6 address, or a host name; or its path on this host,
/// "unix:/run/board.sock". A name is looked up again in parallel with every attempt; the attempt
/// uses the latest known addresses until the answer arrives. If an address has not answered after
/// 250 ms, the next one is tried in parallel. The client uses the first address that answers.
/// @param port the server's port for requests; the port for responses is the next one. A path has
/// port 0.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the client, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
/// the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
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
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::bridge::TcpClient::new(addr, port, options_or_null)?));
        Ok(())
    })
}

/// The client as a slave, for masters to connect to.
///
/// @param client the client.
/// @return the slave, a new reference, which keeps the client alive; NULL if client is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_slave(
    client: *const rogue_mem_tcp_client_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| slave_handle(client.clone())) }
}

/// Waits 10 seconds for the server, if the client was made with wait_ready; else does nothing.
///
/// @param client the client.
/// @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
/// ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_start(
    client: *mut rogue_mem_tcp_client_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        client.start()
    })
}

/// Closes the connections, and fails all outstanding and later transactions at once. Returns within
/// 100 ms; further calls do nothing.
///
/// @param client the client; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_stop(client: *mut rogue_mem_tcp_client_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(client, |client| client.stop()) }
}

/// The state as text, with the obstacle if there is one.
///
/// @param client the client.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
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

/// Options of a client. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_client_options_t {
    /// sizeof(rogue_mem_tcp_client_options_t).
    pub size: usize,
    /// The client's keys, and the server's public key: the connection is encrypted, and both ends
    /// have proved their keys. The client takes a reference. NULL: it is in the clear.
    pub curve: *mut rogue_mem_curve_client_t,
    /// A flag: whether rogue_mem_tcp_client_start waits for the server.
    pub wait_ready: u32,
    /// A flag: whether readiness probes are also sent to servers that have not announced them.
    /// Probes crash a running SURF simulation.
    pub probe_legacy: u32,
    /// Maximum number of requests in flight; further ones wait. 0 = 400 for servers that announce
    /// no session, 8192 for others.
    pub window: u32,
    /// Microseconds for which a thread that waits for an answer polls before it sleeps, which keeps
    /// a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Size limit of a transaction, in bytes; 0 = not limited.
    pub transaction_bytes_max: u64,
    /// A flag: whether the client's own thread reads all answers. Otherwise a thread that waits for
    /// an answer reads them itself, which saves a thread switch.
    pub no_direct: u32,
    /// A flag: whether every server sends answers on a separate connection, as in Rogue. Otherwise
    /// answers use the connection of the requests if the server agrees, which saves both systems
    /// acknowledgements.
    pub no_duplex: u32,
    /// Stack size of the client's thread, in bytes; observers run on it. At least 2 MiB. 0 = the
    /// size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// A flag: whether the client shares one thread with all other clients of the process that have
    /// this flag: 1000 of them then cost two threads. Observers of all these clients, and of their
    /// transactions, run on the second thread, one at a time: an observer that blocks delays the
    /// other observers, but no client. stack_bytes then has no effect.
    pub shared_loop: u32,
    /// Milliseconds for which the other host may be silent, because it has lost its power or the
    /// network is cut, before the connection is given up; its system answers probes otherwise, also
    /// while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
    pub host_silence_ms_max: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_tcp_client_options_t {
    type Chosen = crate::bridge::ClientOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.curve) } {
            options.curve = Some(Arc::clone(&object));
        }
        if self.wait_ready != 0 {
            options.wait_ready = convert::is_set(self.wait_ready);
        }
        if self.probe_legacy != 0 {
            options.probe_legacy = convert::is_set(self.probe_legacy);
        }
        if self.window != 0 {
            options.window = convert::count(self.window);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.transaction_bytes_max != 0 {
            options.transaction_bytes_max = convert::transaction_bytes(self.transaction_bytes_max);
        }
        if self.no_direct != 0 {
            options.direct = convert::is_clear(self.no_direct);
        }
        if self.no_duplex != 0 {
            options.duplex = convert::is_clear(self.no_duplex);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.shared_loop != 0 {
            options.shared_loop = convert::is_set(self.shared_loop);
        }
        if self.host_silence_ms_max != 0 {
            options.host_silence_max = convert::milliseconds(self.host_silence_ms_max);
        }
        Ok(options)
    }
}

/// Counters of a client. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_client_stats_t {
    /// sizeof(rogue_mem_tcp_client_stats_t).
    pub size: usize,
    /// Requests without an answer, unsent ones included.
    pub outstanding: u64,
    /// Unsent requests.
    pub queued: u64,
    /// Requests sent, readiness probes included.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Responses to requests that had been given up.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_client_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client has done so far.
///
/// @param client the client.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
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

/// Adds a reference.
///
/// @param client the client; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_retain(
    client: *mut rogue_mem_tcp_client_t,
) -> *mut rogue_mem_tcp_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(client) }))
}

/// Gives a reference back. Release of the last reference stops the client. Its slave, and masters
/// that the slave is connected to, hold one each.
///
/// @param client the client; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_client_release(client: *mut rogue_mem_tcp_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(client) };
        Ok(())
    })
}
