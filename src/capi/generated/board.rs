// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Version 1, as in Rogue.
pub const ROGUE_MEM_PACK_VERSION_DEFAULT: u32 = 0;
/// The packetizer's version 1: one frame at a time, without a checksum.
pub const ROGUE_MEM_PACK_VERSION_1: u32 = 1;
/// The packetizer's version 2: destinations interleave, and packets have a CRC.
pub const ROGUE_MEM_PACK_VERSION_2: u32 = 2;

pub(super) fn pack_version(call: Call, number: u32) -> Result<crate::protocols::PacketizerVersion> {
    match number {
        ROGUE_MEM_PACK_VERSION_DEFAULT => Ok(crate::protocols::PacketizerVersion::V1),
        ROGUE_MEM_PACK_VERSION_1 => Ok(crate::protocols::PacketizerVersion::V1),
        ROGUE_MEM_PACK_VERSION_2 => Ok(crate::protocols::PacketizerVersion::V2),
        _ => {
            let text = format!("option `pack_version` is {number}; use ROGUE_MEM_PACK_VERSION_...");
            Err(call.error(Status::InvalidArgument, text))
        }
    }
}

/// Options of a road. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_board_options_t {
    /// sizeof(rogue_mem_board_options_t).
    pub size: usize,
    /// A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
    /// instead of 1472.
    pub jumbo: u32,
    /// ROGUE_MEM_PACK_VERSION_...: the packetizer's version, which both ends must have.
    pub pack_version: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_ssi: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_crc_check: u32,
    /// As in rogue_mem_packetizer_options_t.
    pub no_crc: u32,
    /// Segments that the peer may have under way, at most 255; 0 = RSSI's default, 32.
    pub max_buffers: u32,
    /// Milliseconds after which a segment is acknowledged at the latest; 0 = 5.
    pub cum_ack_timeout_ms: u32,
    /// Milliseconds after which a segment is sent again; 0 = 20.
    pub retran_timeout_ms: u32,
    /// Milliseconds without a segment after which the peer takes the link for lost; 0 = 1000.
    pub null_timeout_ms: u32,
    /// How often a segment is sent again before the link is taken for lost, at most 255; 0 = 15.
    pub max_retran: u32,
    /// Segments acknowledged together at most; 0 = 2.
    pub max_cum_ack: u32,
    /// Milliseconds between two attempts to open the link; 0 = 100.
    pub try_period_ms: u32,
    /// Microseconds for which the road's thread polls for the next datagram before it sleeps, which
    /// keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
    /// ROGUE_MEM_SPIN_NEVER = none.
    pub spin_us: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The event loop in place of a thread of the road's own, which several roads may share; the
    /// library takes a reference. A receiver of frames that blocks then stalls them all. spin_us
    /// then has no effect. NULL: a thread of its own.
    pub event_loop: *mut rogue_mem_event_loop_t,
    /// Stack size of the road's thread, in bytes; the receivers of frames run on it, and an
    /// observer on one of the same size. At least 2 MiB. 0 = the size of other threads of the
    /// process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_board_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_board_options_t {
    type Chosen = crate::protocols::UdpRssiPackOptions;

    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.jumbo != 0 {
            options.jumbo = convert::is_set(self.jumbo);
        }
        if self.pack_version != 0 {
            options.version = pack_version(call, self.pack_version)?;
        }
        if self.no_ssi != 0 {
            options.packetizer.ssi = convert::is_clear(self.no_ssi);
        }
        if self.no_crc_check != 0 {
            options.packetizer.check_crc = convert::is_clear(self.no_crc_check);
        }
        if self.no_crc != 0 {
            options.packetizer.send_crc = convert::is_clear(self.no_crc);
        }
        if self.max_buffers != 0 {
            options.max_buffers = convert::number(self.max_buffers);
        }
        if self.cum_ack_timeout_ms != 0 {
            options.cum_ack_timeout = convert::milliseconds(self.cum_ack_timeout_ms);
        }
        if self.retran_timeout_ms != 0 {
            options.retran_timeout = convert::milliseconds(self.retran_timeout_ms);
        }
        if self.null_timeout_ms != 0 {
            options.null_timeout = convert::milliseconds(self.null_timeout_ms);
        }
        if self.max_retran != 0 {
            options.max_retran = convert::number(self.max_retran);
        }
        if self.max_cum_ack != 0 {
            options.max_cum_ack = convert::number(self.max_cum_ack);
        }
        if self.try_period_ms != 0 {
            options.try_period = convert::milliseconds(self.try_period_ms);
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

/// State and counters of a road at a glance. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_board_stats_t {
    /// sizeof(rogue_mem_board_stats_t).
    pub size: usize,
    /// Whether the link is open: 1 or 0.
    pub open: u64,
    /// How often it has opened.
    pub open_count: u64,
    /// How often it was lost.
    pub down_count: u64,
    /// Median of the latest round trips, in nanoseconds: from a segment to its acknowledgement,
    /// which the peer may delay.
    pub round_trip_p50_ns: u64,
    /// 99th percentile of these.
    pub round_trip_p99_ns: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Microseconds for which this end could not take more.
    pub local_busy_us: u64,
    /// Microseconds for which the peer could not.
    pub remote_busy_us: u64,
    /// Frames delivered to the destinations.
    pub frames_in: u64,
    /// Frames of the destinations sent.
    pub frames_out: u64,
    /// Bytes of datagrams received.
    pub bytes_in: u64,
    /// Bytes of datagrams sent.
    pub bytes_out: u64,
    /// Datagrams that the system has dropped because the receive buffer was full.
    pub dropped_overflow: u64,
    /// Datagrams dropped because they are too long, others than the peer sent them, or there was no
    /// memory for them.
    pub dropped_datagrams: u64,
    /// Segments dropped because their form or their checksum is wrong.
    pub dropped_corrupt: u64,
    /// Segments dropped because they had arrived before.
    pub dropped_duplicates: u64,
    /// Segments dropped because they do not belong to the link, forged ones among them.
    pub dropped_stray: u64,
    /// Packets dropped, and unfinished frames that were.
    pub dropped_packets: u64,
    /// Frames not sent: the link was closed, or they were refused.
    pub unsent: u64,
    /// Errors that the network has reported about sent datagrams (ICMP).
    pub network_errors: u64,
    /// Packets dropped because the peer's packetizer is of another version; dropped_packets
    /// contains them.
    pub dropped_version: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_board_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the road to the board has done so far.
///
/// @param board the road to the board.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_stats(
    board: *const rogue_mem_board_t,
    stats: *mut rogue_mem_board_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let board = unsafe { call.handle(board) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = board.stats();
        out.set(&rogue_mem_board_stats_t {
            size: 0,
            open: now.open,
            open_count: now.open_count,
            down_count: now.down_count,
            round_trip_p50_ns: convert::as_nanoseconds(now.round_trip_p50),
            round_trip_p99_ns: convert::as_nanoseconds(now.round_trip_p99),
            retransmits: now.retransmits,
            local_busy_us: convert::as_microseconds(now.local_busy),
            remote_busy_us: convert::as_microseconds(now.remote_busy),
            frames_in: now.frames_in,
            frames_out: now.frames_out,
            bytes_in: now.bytes_in,
            bytes_out: now.bytes_out,
            dropped_overflow: now.dropped_overflow,
            dropped_datagrams: now.dropped_datagrams,
            dropped_corrupt: now.dropped_corrupt,
            dropped_duplicates: now.dropped_duplicates,
            dropped_stray: now.dropped_stray,
            dropped_packets: now.dropped_packets,
            unsent: now.unsent,
            network_errors: now.network_errors,
            dropped_version: now.dropped_version,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param board the road to the board; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_retain(
    board: *mut rogue_mem_board_t,
) -> *mut rogue_mem_board_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(board) }))
}

/// Gives a reference back. The road works as long as a stream master sends to one of its ports.
///
/// @param board the road to the board; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_board_release(board: *mut rogue_mem_board_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(board) };
        Ok(())
    })
}
