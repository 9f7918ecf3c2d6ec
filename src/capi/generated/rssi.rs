// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Options of a client or server. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_rssi_options_t {
    /// sizeof(rogue_mem_rssi_options_t).
    pub size: usize,
    /// The event loop that runs the link's timers, in place of a thread of the object's own; the
    /// library takes a reference. If it also brings the datagrams, a receiver of frames that blocks
    /// it for longer than max_retran times retran_timeout_ms, 300 ms by default, costs the link.
    /// NULL: a thread of its own, which tells the peer meanwhile that this end is busy.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the object's thread, and of that which calls its observer, in bytes. At least
    /// 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_rssi_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_rssi_options_t {
    type Chosen = crate::protocols::RssiOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
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

/// State and counters of a client or server. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_rssi_stats_t {
    /// sizeof(rogue_mem_rssi_stats_t).
    pub size: usize,
    /// 1 while the link is open.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost or stopped.
    pub down_count: u64,
    /// Received segments that were dropped, in all; by cause below.
    pub drop_count: u64,
    /// Dropped: shorter than a header, or with an impossible one.
    pub dropped_malformed: u64,
    /// Dropped: a wrong checksum.
    pub dropped_checksum: u64,
    /// Dropped: received before.
    pub dropped_duplicate: u64,
    /// Dropped: a number too far ahead, or an acknowledge of what was not sent.
    pub dropped_out_of_window: u64,
    /// Dropped: an RST with a number that the peer cannot have sent.
    pub dropped_forged_reset: u64,
    /// Dropped: a SYN that has no effect.
    pub dropped_syn: u64,
    /// Dropped: datagrams whose frame had an error. Not part of the sum.
    pub dropped_errored: u64,
    /// Frames not sent: in error, empty, too long, without a link, too many, or of requests given
    /// up while they waited.
    pub unsent: u64,
    /// Segments sent again.
    pub retran_count: u64,
    /// Acknowledges that were ignored because others were newer.
    pub stale_acks: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Segments that are not acknowledged now.
    pub outstanding: u64,
    /// Frames that wait for room now.
    pub queued: u64,
    /// 1 while this end is busy: its receiver takes nothing.
    pub local_busy: u64,
    /// How often it was.
    pub local_busy_count: u64,
    /// How long it was, in microseconds.
    pub local_busy_us: u64,
    /// 1 while the peer is busy.
    pub remote_busy: u64,
    /// How often it was.
    pub remote_busy_count: u64,
    /// How long it was, in microseconds.
    pub remote_busy_us: u64,
    /// Median of the latest 256 round trips, in nanoseconds; 0 = none.
    pub round_trip_p50_ns: u64,
    /// 99th percentile of these.
    pub round_trip_p99_ns: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_rssi_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the client or server has done so far.
///
/// @param rssi the client or server.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_stats(
    rssi: *const rogue_mem_rssi_t,
    stats: *mut rogue_mem_rssi_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let rssi = unsafe { call.handle(rssi) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = rssi.stats();
        out.set(&rogue_mem_rssi_stats_t {
            size: 0,
            open: now.open,
            open_count: now.open_count,
            down_count: now.down_count,
            drop_count: now.drop_count,
            dropped_malformed: now.dropped_malformed,
            dropped_checksum: now.dropped_checksum,
            dropped_duplicate: now.dropped_duplicate,
            dropped_out_of_window: now.dropped_out_of_window,
            dropped_forged_reset: now.dropped_forged_reset,
            dropped_syn: now.dropped_syn,
            dropped_errored: now.dropped_errored,
            unsent: now.unsent,
            retran_count: now.retran_count,
            stale_acks: now.stale_acks,
            frames_out: now.frames_out,
            frames_in: now.frames_in,
            outstanding: now.outstanding,
            queued: now.queued,
            local_busy: now.local_busy,
            local_busy_count: now.local_busy_count,
            local_busy_us: convert::as_microseconds(now.local_busy_time),
            remote_busy: now.remote_busy,
            remote_busy_count: now.remote_busy_count,
            remote_busy_us: convert::as_microseconds(now.remote_busy_time),
            round_trip_p50_ns: convert::as_nanoseconds(now.round_trip_p50),
            round_trip_p99_ns: convert::as_nanoseconds(now.round_trip_p99),
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param rssi the client or server; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_retain(
    rssi: *mut rogue_mem_rssi_t,
) -> *mut rogue_mem_rssi_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(rssi) }))
}

/// Gives a reference back. It runs as long as a stream master sends to its application port.
///
/// @param rssi the client or server; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_rssi_release(rssi: *mut rogue_mem_rssi_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(rssi) };
        Ok(())
    })
}
