// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Options of a stream server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_server_options_t {
    /// sizeof(rogue_mem_stream_server_options_t).
    pub size: usize,
    /// The server's keys, and the clients that it accepts: all connections are encrypted, and both
    /// ends have proved their keys. The server takes a reference. NULL: all connections are in the
    /// clear.
    pub curve: *mut rogue_mem_curve_server_t,
    /// The peers that may connect, and, of a tcp_server, what each of them may do. The server takes
    /// a reference. NULL: every peer that reaches the server may do everything that its other
    /// options permit.
    pub access_list: *mut rogue_mem_access_list_t,
    /// Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
    /// until half of it is free. One frame is always allowed. 0 = 4 MiB.
    pub queue_bytes_max: u64,
    /// Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
    /// 0 = 256 MiB.
    pub frame_bytes_max: u64,
    /// Further addresses at which the server listens, at most 31, between commas:
    /// "192.168.1.5:9000, [fe80::1%eth0]:9000, unix:/run/board.sock". It listens at all of them, or
    /// at none.
    pub addresses: *const c_char,
    /// Stack size of its thread, in bytes; the receivers of its frames run on it. At least 2 MiB.
    /// 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
    /// Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is
    /// dropped, counted, and logged. 0 = as long as it takes, as in Rogue.
    /// ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.
    pub send_wait_ms_max: u32,
    /// Microseconds for which its thread polls before it sleeps, which keeps a processor busy.
    /// 0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
    pub legacy: u32,
    /// Milliseconds for which the connections of one address must have been unambiguous before they
    /// are paired, if ports and processes do not decide; 0 = 400.
    pub settle_ms: u32,
    /// Clients served at once, at most. When there are that many, the longest idle client of the
    /// address that has most of them makes room for another; none does to which frames are being
    /// sent, or that was used within the last second. 0 = 1024.
    pub clients_max: u32,
    /// Descriptors that the server leaves to the program, see rogue_mem_tcp_server_options_t.
    pub descriptors_reserved: u32,
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
    /// Clients of one address, or of one user by Unix-domain connections, served at once, at most:
    /// the longest idle one of them makes room for another. 0 = as many as clients_max.
    pub clients_per_address_max: u32,
    /// A client is disconnected that sends this many malformed messages in a second. 0 = 16, the
    /// largest number = never.
    pub malformed_per_second_max: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Bytes that the server holds for all of its clients together: requests and frames, complete
    /// or in part, and what clients have not read. A part of the budget of the process,
    /// rogue_mem_budget_set_max. Clients for which there is no room are not read until there is.
    /// One transaction or frame takes at most half of it. 0 = a quarter of what the process may
    /// have (control group, address space, memory of the host), at most 1 GiB.
    pub budget_bytes_max: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_server_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_stream_server_options_t {
    type Chosen = crate::bridge::StreamServerOptions;

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
        if self.queue_bytes_max != 0 {
            options.limits.queue_bytes_max = convert::bytes(self.queue_bytes_max);
        }
        if self.frame_bytes_max != 0 {
            options.limits.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
        }
        if !self.addresses.is_null() {
            // SAFETY: ending in NUL, as promised by the caller.
            let text = unsafe { call.text(self.addresses, "addresses") }?;
            options.addresses = convert::list(text);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        if self.send_wait_ms_max != 0 {
            options.limits.send_wait_max = convert::wait(self.send_wait_ms_max);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
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
        if self.descriptors_reserved != 0 {
            options.descriptors_reserved = convert::number(self.descriptors_reserved);
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

/// Counters of a stream server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_server_stats_t {
    /// sizeof(rogue_mem_stream_server_stats_t).
    pub size: usize,
    /// Peers connected now: the clients of a server; of a client, its server.
    pub peers: u64,
    /// Open connections of a server that belong to no client yet.
    pub held: u64,
    /// Connections that CURVE has refused at a server, as in rogue_mem_tcp_server_stats_t.
    pub refused_keys: u64,
    /// Peers that have connected.
    pub connects: u64,
    /// Peers that have disconnected.
    pub disconnects: u64,
    /// Frames received and passed on.
    pub frames_in: u64,
    /// Bytes of their payload.
    pub bytes_in: u64,
    /// Frames sent, which means: taken by the system.
    pub frames_out: u64,
    /// Bytes of their payload.
    pub bytes_out: u64,
    /// Frames accepted and not yet sent.
    pub queued: u64,
    /// Received frames that were dropped: too large, or without a receiver.
    pub dropped_in: u64,
    /// Frames to be sent that were dropped: the object was stopped, the sender's wait ended, a
    /// connection was lost before they were sent completely, or a request was given up before.
    pub dropped_out: u64,
    /// Messages received that are no frames.
    pub malformed: u64,
    /// Bytes that a server holds for its clients now: frames in part, unread ones.
    pub budget_used: u64,
    /// How often a client of a server had to wait for room in the budget.
    pub budget_waits: u64,
    /// Age of a server's oldest frame that has come in part, or is unread, in milliseconds;
    /// 0 = none.
    pub unfinished_ms: u64,
    /// Clients of a server disconnected because they were too slow with a frame they had begun.
    pub closed_slow: u64,
    /// Clients of a server disconnected because they were the slowest and others needed the room.
    pub closed_for_room: u64,
    /// Idle clients of a server that have made room for others.
    pub clients_evicted: u64,
    /// Clients that a server did not serve because all places were taken by clients that were not
    /// idle.
    pub clients_refused_full: u64,
    /// Clients that a server did not serve because all places of their address were taken by
    /// clients that were not idle.
    pub clients_refused_address: u64,
    /// Clients of a server disconnected because too many of their messages were malformed.
    pub closed_malformed: u64,
    /// Connections of a server without a client that have made room for others.
    pub connections_displaced: u64,
    /// Connections of a server closed because the access list does not let their peers in, or not
    /// any more.
    pub refused_peers: u64,
    /// Connections of a server closed because the system had no memory for what they needed.
    pub closed_no_memory: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_server_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the server has done so far.
///
/// @param server the server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_stats(
    server: *const rogue_mem_stream_server_t,
    stats: *mut rogue_mem_stream_server_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let server = unsafe { call.handle(server) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = server.stats();
        out.set(&rogue_mem_stream_server_stats_t {
            size: 0,
            peers: now.peers,
            held: now.held,
            refused_keys: now.refused_keys,
            connects: now.connects,
            disconnects: now.disconnects,
            frames_in: now.frames_in,
            bytes_in: now.bytes_in,
            frames_out: now.frames_out,
            bytes_out: now.bytes_out,
            queued: now.queued,
            dropped_in: now.dropped_in,
            dropped_out: now.dropped_out,
            malformed: now.malformed,
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
pub unsafe extern "C" fn rogue_mem_stream_server_retain(
    server: *mut rogue_mem_stream_server_t,
) -> *mut rogue_mem_stream_server_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(server) }))
}

/// Gives a reference back. The server runs as long as it or the slave of its stream port has a
/// reference, also that of a connected stream master.
///
/// @param server the server; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_server_release(server: *mut rogue_mem_stream_server_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(server) };
        Ok(())
    })
}
