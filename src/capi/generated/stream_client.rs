// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Options of a stream client. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_client_options_t {
    /// sizeof(rogue_mem_stream_client_options_t).
    pub size: usize,
    /// The client's keys, and the server's public key: the connection is encrypted, and both ends
    /// have proved their keys. The client takes a reference. NULL: it is in the clear.
    pub curve: *mut rogue_mem_curve_client_t,
    /// Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
    /// until half of it is free. One frame is always allowed. 0 = 4 MiB.
    pub queue_bytes_max: u64,
    /// Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
    /// 0 = 256 MiB.
    pub frame_bytes_max: u64,
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
    /// Milliseconds for which the other host may be silent, because it has lost its power or the
    /// network is cut, before the connection is given up; its system answers probes otherwise, also
    /// while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
    pub host_silence_ms_max: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_stream_client_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_stream_client_options_t {
    type Chosen = crate::bridge::StreamClientOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.curve) } {
            options.curve = Some(Arc::clone(&object));
        }
        if self.queue_bytes_max != 0 {
            options.limits.queue_bytes_max = convert::bytes(self.queue_bytes_max);
        }
        if self.frame_bytes_max != 0 {
            options.limits.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
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
        if self.host_silence_ms_max != 0 {
            options.host_silence_max = convert::milliseconds(self.host_silence_ms_max);
        }
        Ok(options)
    }
}

/// Counters of a stream client. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_stream_client_stats_t {
    /// sizeof(rogue_mem_stream_client_stats_t).
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
unsafe impl Versioned for rogue_mem_stream_client_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client has done so far.
///
/// @param client the client.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_stats(
    client: *const rogue_mem_stream_client_t,
    stats: *mut rogue_mem_stream_client_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let client = unsafe { call.handle(client) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = client.stats();
        out.set(&rogue_mem_stream_client_stats_t {
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
/// @param client the client; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_retain(
    client: *mut rogue_mem_stream_client_t,
) -> *mut rogue_mem_stream_client_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(client) }))
}

/// Gives a reference back. The client runs as long as it or the slave of its stream port has a
/// reference, also that of a connected stream master.
///
/// @param client the client; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_stream_client_release(client: *mut rogue_mem_stream_client_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(client) };
        Ok(())
    })
}
