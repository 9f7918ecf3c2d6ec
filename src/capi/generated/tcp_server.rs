// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Opens a server, which serves at once. Until its master is connected to a slave, requests are
/// answered with "Unsupported transaction using unconnected memory bus".
///
/// @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of an
/// interface or of a host; or a path of this host, "unix:/run/board.sock", for its own processes.
/// @param port port for requests; the port for responses is the next one. 0 = a free pair, see
/// rogue_mem_tcp_server_port. A path has port 0.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the server, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
/// option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port or
/// path is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Blocks while the system resolves addr, if that is a name.
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
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::bridge::TcpServer::new(addr, port, options_or_null)?));
        Ok(())
    })
}

/// The master through which requests reach the slave, to be connected to it. Its timeout is that of
/// the slave's answers.
///
/// @param server the server.
/// @return the master, a new reference; NULL if server is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_master(
    server: *const rogue_mem_tcp_server_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| into_handle(server.master().clone())) }
}

/// The port for requests; with port 0, that of the free pair found. 0 at a path.
///
/// @param server the server.
/// @return the port; 0 if server is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_port(server: *const rogue_mem_tcp_server_t) -> u16 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.port()) }
}

/// The addresses at which the server listens, each with its port or its path, one a line: first
/// that of rogue_mem_tcp_server_new, then those of the option addresses.
///
/// @param server the server.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_addresses(
    server: *const rogue_mem_tcp_server_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe {
        query_text(server, buffer, capacity, length, |server| convert::lines(server.addresses()))
    }
}

/// Does nothing, because a server serves from its creation. For programs that treat servers and
/// clients alike.
///
/// @param server the server.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_start(
    server: *mut rogue_mem_tcp_server_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        server.start();
        Ok(())
    })
}

/// Stops serving: closes both ports and all connections. Returns within 100 ms. No peer can delay
/// that. If the slave blocks for longer, the ports close when it returns. Further calls do nothing.
///
/// @param server the server; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_stop(server: *mut rogue_mem_tcp_server_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(server, |server| server.stop()) }
}

/// Legacy clients, which announce no session, are identified on the same host by their process and
/// its ZeroMQ context, or by their user if the server may not inspect the process; on other hosts
/// by their address. One client is served for each. A second one is held until the first has left,
/// with an error in the log.
pub const ROGUE_MEM_LEGACY_AUTO: u32 = 0;
/// One legacy client is served for each source address.
pub const ROGUE_MEM_LEGACY_ONE_PER_ADDRESS: u32 = 1;
/// Legacy clients are identified by their process; those with an invisible process are not served.
pub const ROGUE_MEM_LEGACY_LOCAL_PID: u32 = 2;
/// Legacy clients are not served.
pub const ROGUE_MEM_LEGACY_REFUSE: u32 = 3;

pub(super) fn legacy(call: Call, number: u32) -> Result<crate::bridge::LegacyPolicy> {
    match number {
        ROGUE_MEM_LEGACY_AUTO => Ok(crate::bridge::LegacyPolicy::Auto),
        ROGUE_MEM_LEGACY_ONE_PER_ADDRESS => Ok(crate::bridge::LegacyPolicy::OnePerAddress),
        ROGUE_MEM_LEGACY_LOCAL_PID => Ok(crate::bridge::LegacyPolicy::LocalPid),
        ROGUE_MEM_LEGACY_REFUSE => Ok(crate::bridge::LegacyPolicy::Refuse),
        _ => {
            let text = format!("option `legacy` is {number}; use ROGUE_MEM_LEGACY_...");
            Err(call.error(Status::InvalidArgument, text))
        }
    }
}

/// Options of a server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_server_options_t {
    /// sizeof(rogue_mem_tcp_server_options_t).
    pub size: usize,
    /// The server's keys, and the clients that it accepts: all connections are encrypted, and both
    /// ends have proved their keys. The server takes a reference. NULL: all connections are in the
    /// clear.
    pub curve: *mut rogue_mem_curve_server_t,
    /// The peers that may connect, and, of a tcp_server, what each of them may do. The server takes
    /// a reference. NULL: every peer that reaches the server may do everything that its other
    /// options permit.
    pub access_list: *mut rogue_mem_access_list_t,
    /// Gets a record of each write when it has ended, also of refused ones, and of reads if it was
    /// made so. The server takes a reference. NULL: nothing is recorded.
    pub audit: *mut rogue_mem_audit_t,
    /// Maximum number of requests of one client outstanding at the slave; 1 = strictly one at a
    /// time, 0 = 1024.
    pub window: u32,
    /// ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
    pub legacy: u32,
    /// Milliseconds for which the connections of one address must have been unambiguous before they
    /// are paired, if ports and processes do not decide; 0 = 400.
    pub settle_ms: u32,
    /// Clients served at once, at most. When there are that many, the longest idle client of the
    /// address that has most of them makes room for another; none does that has requests
    /// outstanding, or was used within the last second. 0 = 1024.
    pub clients_max: u32,
    /// Size limit of a transaction, in bytes; larger requests are refused. 0 = 64 MiB.
    pub transaction_bytes_max: u64,
    /// Microseconds for which the server polls for the next request before it sleeps, which keeps a
    /// processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// A flag: whether every client gets its answers on a separate connection, as in Rogue.
    /// Otherwise answers use the connection of the requests if the client agrees, which saves both
    /// systems acknowledgements.
    pub no_duplex: u32,
    /// Further addresses at which the server listens, at most 31, between commas:
    /// "192.168.1.5:9000, [fe80::1%eth0]:9000, unix:/run/board.sock". It listens at all of them, or
    /// at none.
    pub addresses: *const c_char,
    /// Stack size of the server's thread, in bytes; the slave runs on it. At least 2 MiB. 0 = the
    /// size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Descriptors that the server leaves to the program. If fewer are free below the process's
    /// soft limit ("ulimit -n"), it closes connections that belong to no client, or accepts none.
    /// 0 = a tenth of the limit, at least 32. At most half of the limit.
    pub descriptors_reserved: u32,
    /// A flag: whether the legacy clients of one process of this host, or of one ZeroMQ context of
    /// it, are served together, where legacy is ROGUE_MEM_LEGACY_AUTO or
    /// ROGUE_MEM_LEGACY_LOCAL_PID. Each answer then goes to all of their response connections, the
    /// one exception to "to the client that asked, or to nobody". This is correct if request ids
    /// are unique in a process, as those of Rogue's clients are, which drop an answer with an
    /// unknown id. Without the flag the second of them is held until the first has left.
    pub legacy_shared_process: u32,
    /// Permissions of the files at a path ("unix:/run/board.sock"), at most 0777: users that may
    /// write to them may connect. 0 = 0600, which lets in this user only.
    pub unix_mode: u32,
    /// Milliseconds for which the other host may be silent, because it has lost its power or the
    /// network is cut, before the connection is given up; its system answers probes otherwise, also
    /// while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
    pub host_silence_ms_max: u32,
    /// Bytes per second with which a client has to go on with a message that it has begun, and, of
    /// a tcp_server, to read its answers. A client that falls behind by 10 s is disconnected.
    /// 0 = 4096. ROGUE_MEM_PROGRESS_ANY = no limit.
    pub progress_per_second_min: u32,
    /// A flag: whether every client may read only, whatever access_list says. A write is answered
    /// with an error, and does not reach the slave.
    pub read_only: u32,
    /// Clients of one address, or of one user by Unix-domain connections, served at once, at most:
    /// the longest idle one of them makes room for another. 0 = as many as clients_max.
    pub clients_per_address_max: u32,
    /// A client is disconnected that sends this many malformed messages in a second. 0 = 16, the
    /// largest number = never.
    pub malformed_per_second_max: u32,
    /// Bytes that the server holds for all of its clients together: requests and frames, complete
    /// or in part, and what clients have not read. A part of the budget of the process,
    /// rogue_mem_budget_set_max. Clients for which there is no room are not read until there is.
    /// One transaction or frame takes at most half of it. 0 = a quarter of what the process may
    /// have (control group, address space, memory of the host), at most 1 GiB.
    pub budget_bytes_max: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_tcp_server_options_t {
    type Chosen = crate::bridge::ServerOptions;

    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.curve) } {
            options.curve = Some(Arc::clone(&object));
        }
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.access_list) } {
            options.access_list = Some(Arc::clone(&object));
        }
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.audit) } {
            options.audit = Some(Arc::clone(&object));
        }
        if self.window != 0 {
            options.window = convert::count(self.window);
        }
        if self.legacy != 0 {
            options.legacy = legacy(call, self.legacy)?;
        }
        if self.settle_ms != 0 {
            options.settle = convert::milliseconds(self.settle_ms);
        }
        if self.clients_max != 0 {
            options.clients_max = convert::count(self.clients_max);
        }
        if self.transaction_bytes_max != 0 {
            options.transaction_bytes_max = convert::transaction_bytes(self.transaction_bytes_max);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        if self.no_duplex != 0 {
            options.duplex = convert::is_clear(self.no_duplex);
        }
        if !self.addresses.is_null() {
            // SAFETY: ending in NUL, as promised by the caller.
            let text = unsafe { call.text(self.addresses, "addresses") }?;
            options.addresses = convert::list(text);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.descriptors_reserved != 0 {
            options.descriptors_reserved = convert::number(self.descriptors_reserved);
        }
        if self.legacy_shared_process != 0 {
            options.legacy_shared_process = convert::is_set(self.legacy_shared_process);
        }
        if self.unix_mode != 0 {
            options.unix_mode = convert::number(self.unix_mode);
        }
        if self.host_silence_ms_max != 0 {
            options.host_silence_max = convert::milliseconds(self.host_silence_ms_max);
        }
        if self.progress_per_second_min != 0 {
            options.progress_per_second_min = convert::progress(self.progress_per_second_min);
        }
        if self.read_only != 0 {
            options.read_only = convert::is_set(self.read_only);
        }
        if self.clients_per_address_max != 0 {
            options.clients_per_address_max = convert::count(self.clients_per_address_max);
        }
        if self.malformed_per_second_max != 0 {
            options.malformed_per_second_max = convert::number(self.malformed_per_second_max);
        }
        if self.budget_bytes_max != 0 {
            options.budget_bytes_max = convert::number64(self.budget_bytes_max);
        }
        Ok(options)
    }
}

/// Counters of a server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_tcp_server_stats_t {
    /// sizeof(rogue_mem_tcp_server_stats_t).
    pub size: usize,
    /// Clients being served now.
    pub clients: u64,
    /// Open connections without a served client.
    pub held: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that CURVE has refused: without it, with a wrong key of the server, or with a
    /// client's key that is not allowed.
    pub refused_keys: u64,
    /// Requests received, readiness probes included.
    pub requests: u64,
    /// Responses queued for sending.
    pub responses: u64,
    /// Messages dropped because they are not requests.
    pub malformed: u64,
    /// Requests refused with an error before they reached the slave, for any of the causes below.
    pub refused: u64,
    /// Responses dropped because their client had gone.
    pub dropped_responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes of responses queued for sending.
    pub bytes_out: u64,
    /// Refused: no such access is possible, for its type or its address.
    pub refused_access: u64,
    /// Refused: larger than the server allows.
    pub refused_size: u64,
    /// Refused: a write of a client that may read only.
    pub refused_writes: u64,
    /// Refused: the time had passed when its turn came.
    pub refused_late: u64,
    /// Refused: the system had no memory for it.
    pub refused_memory: u64,
    /// Refused: the data did not match the header.
    pub refused_malformed: u64,
    /// Bytes that the server holds for its clients now.
    pub budget_used: u64,
    /// How often a client had to wait for room in the budget.
    pub budget_waits: u64,
    /// Age of the oldest message that has come in part, or answer that is unread, in milliseconds;
    /// 0 = none.
    pub unfinished_ms: u64,
    /// Clients disconnected because they were too slow with what they had begun.
    pub closed_slow: u64,
    /// Clients disconnected because they were the slowest and others needed the room.
    pub closed_for_room: u64,
    /// Idle clients that have made room for others.
    pub clients_evicted: u64,
    /// Clients not served because all places were taken by clients that were not idle.
    pub clients_refused_full: u64,
    /// Clients not served because all places of their address were taken by clients that were not
    /// idle.
    pub clients_refused_address: u64,
    /// Clients disconnected because too many of their messages were malformed.
    pub closed_malformed: u64,
    /// Connections without a client that have made room for others.
    pub connections_displaced: u64,
    /// 1 since the server drains, see rogue_mem_tcp_server_drain.
    pub draining: u64,
    /// Refused: the server drained.
    pub refused_draining: u64,
    /// Clients not served because the server drained.
    pub clients_refused_draining: u64,
    /// Refused: outside of the addresses that the access list lets the client read, or write.
    pub refused_windows: u64,
    /// Connections closed because the access list does not let their peers in, or not any more.
    pub refused_peers: u64,
    /// Connections closed because the system had no memory for what they needed.
    pub closed_no_memory: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_tcp_server_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the server has done so far.
///
/// @param server the server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
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
            refused_keys: now.refused_keys,
            requests: now.requests,
            responses: now.responses,
            malformed: now.malformed,
            refused: now.refused,
            dropped_responses: now.dropped_responses,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
            refused_access: now.refused_access,
            refused_size: now.refused_size,
            refused_writes: now.refused_writes,
            refused_late: now.refused_late,
            refused_memory: now.refused_memory,
            refused_malformed: now.refused_malformed,
            budget_used: now.budget_used,
            budget_waits: now.budget_waits,
            unfinished_ms: convert::as_milliseconds(now.unfinished),
            closed_slow: now.closed_slow,
            closed_for_room: now.closed_for_room,
            clients_evicted: now.clients_evicted,
            clients_refused_full: now.clients_refused_full,
            clients_refused_address: now.clients_refused_address,
            closed_malformed: now.closed_malformed,
            connections_displaced: now.connections_displaced,
            draining: now.draining,
            refused_draining: now.refused_draining,
            clients_refused_draining: now.clients_refused_draining,
            refused_windows: now.refused_windows,
            refused_peers: now.refused_peers,
            closed_no_memory: now.closed_no_memory,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param server the server; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_retain(
    server: *mut rogue_mem_tcp_server_t,
) -> *mut rogue_mem_tcp_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(server) }))
}

/// Gives a reference back. Release of the last reference stops the server.
///
/// @param server the server; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_tcp_server_release(server: *mut rogue_mem_tcp_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(server) };
        Ok(())
    })
}
