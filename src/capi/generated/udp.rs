// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Options of a client or server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_udp_options_t {
    /// sizeof(rogue_mem_udp_options_t).
    pub size: usize,
    /// A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
    /// instead of 1472.
    pub jumbo: u32,
    /// Microseconds for which the object's thread polls for the next datagram before it sleeps,
    /// which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// The event loop in place of a thread of the object's own; the library takes a reference.
    /// spin_us and stack_bytes then have no effect. NULL: a thread of its own.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the object's thread, in bytes; the receivers of frames run on it. At least 2
    /// MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_udp_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_udp_options_t {
    type Chosen = crate::protocols::UdpOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.jumbo != 0 {
            options.jumbo = convert::is_set(self.jumbo);
        }
        if self.spin_us != 0 {
            options.spin = convert::spin(self.spin_us);
        }
        // SAFETY: null or live, as promised by the caller.
        if let Some(object) = unsafe { borrow(self.event_loop) } {
            options.event_loop = Some(Arc::clone(&object));
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Counters and sizes of a client or server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_udp_stats_t {
    /// sizeof(rogue_mem_udp_stats_t).
    pub size: usize,
    /// Datagrams received and delivered.
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// System calls that have sent them: datagrams that are sent together share one.
    pub send_calls: u64,
    /// Datagrams that wait for room in the socket now.
    pub queued: u64,
    /// Datagrams dropped because they exceed the largest payload.
    pub oversized: u64,
    /// Datagrams dropped because others than the peer sent them: to a client, or to a server whose
    /// receiver holds a link with the peer.
    pub strangers: u64,
    /// Frames and datagrams not sent: in error, without a peer, refused by the system, too many,
    /// after the end, or of requests given up before.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
    /// Datagrams that the system has dropped because the receive buffer was full; 0 where it does
    /// not say.
    pub overflows: u64,
    /// Bytes of the receive buffer; 0 after the end.
    pub receive_buffer_bytes: u64,
    /// Datagrams dropped because the system gave this process no memory for them.
    pub no_memory: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_udp_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client or server has done so far.
///
/// @param udp the client or server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_stats(
    udp: *const rogue_mem_udp_t,
    stats: *mut rogue_mem_udp_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let udp = unsafe { call.handle(udp) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = udp.stats();
        out.set(&rogue_mem_udp_stats_t {
            size: 0,
            datagrams_in: now.datagrams_in,
            bytes_in: now.bytes_in,
            datagrams_out: now.datagrams_out,
            bytes_out: now.bytes_out,
            send_calls: now.send_calls,
            queued: now.queued,
            oversized: now.oversized,
            strangers: now.strangers,
            unsent: now.unsent,
            network_errors: now.network_errors,
            overflows: now.overflows,
            receive_buffer_bytes: now.receive_buffer_bytes,
            no_memory: now.no_memory,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param udp the client or server; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_retain(udp: *mut rogue_mem_udp_t) -> *mut rogue_mem_udp_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(udp) }))
}

/// Gives a reference back. It exists as long as a stream master sends to its port.
///
/// @param udp the client or server; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_udp_release(udp: *mut rogue_mem_udp_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(udp) };
        Ok(())
    })
}
