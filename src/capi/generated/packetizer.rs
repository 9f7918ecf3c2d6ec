// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Options of a packetizer. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_packetizer_options_t {
    /// sizeof(rogue_mem_packetizer_options_t).
    pub size: usize,
    /// A flag: whether frames do not follow the SSI convention. Otherwise the start of a sent frame
    /// is marked in its first user byte (0x02), and a received frame whose last user byte has 0x01
    /// set, because it ended in an error, gets the error 0x80.
    pub no_ssi: u32,
    /// A flag: whether packets of version 2 are received without a look at their CRC. Otherwise
    /// those without a right one are dropped.
    pub no_crc_check: u32,
    /// A flag: whether packets of version 2 are sent without a CRC.
    pub no_crc: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_packetizer_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_packetizer_options_t {
    type Chosen = crate::protocols::PacketizerOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.no_ssi != 0 {
            options.ssi = convert::is_clear(self.no_ssi);
        }
        if self.no_crc_check != 0 {
            options.check_crc = convert::is_clear(self.no_crc_check);
        }
        if self.no_crc != 0 {
            options.send_crc = convert::is_clear(self.no_crc);
        }
        Ok(options)
    }
}

/// Counters of a packetizer. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_packetizer_stats_t {
    /// sizeof(rogue_mem_packetizer_stats_t).
    pub size: usize,
    /// Frames sent.
    pub frames_sent: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Frames not sent: marked as faulty, empty, without a transport, or of requests given up while
    /// they waited.
    pub frames_refused: u64,
    /// Packets received, dropped ones included.
    pub packets_received: u64,
    /// Frames delivered.
    pub frames_received: u64,
    /// Packets dropped, and, with version 2, unfinished frames that were; modulo 2^32.
    pub dropped: u64,
    /// Packets dropped for their CRC; modulo 2^32.
    pub crc_errors: u64,
    /// Unfinished frames dropped because another one began or the link was lost, or for their size;
    /// modulo 2^32.
    pub abandoned: u64,
    /// Packets dropped because they are of the other version, or of none; modulo 2^32.
    pub wrong_version: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_packetizer_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the packetizer has done so far.
///
/// @param packetizer the packetizer.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_stats(
    packetizer: *const rogue_mem_packetizer_t,
    stats: *mut rogue_mem_packetizer_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let packetizer = unsafe { call.handle(packetizer) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = packetizer.stats();
        out.set(&rogue_mem_packetizer_stats_t {
            size: 0,
            frames_sent: now.frames_sent,
            packets_sent: now.packets_sent,
            frames_refused: now.frames_refused,
            packets_received: now.packets_received,
            frames_received: now.frames_received,
            dropped: now.dropped,
            crc_errors: now.crc_errors,
            abandoned: now.abandoned,
            wrong_version: now.wrong_version,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param packetizer the packetizer; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_retain(
    packetizer: *mut rogue_mem_packetizer_t,
) -> *mut rogue_mem_packetizer_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(packetizer) }))
}

/// Gives a reference back. Its ports work as long as they are connected.
///
/// @param packetizer the packetizer; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_packetizer_release(packetizer: *mut rogue_mem_packetizer_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(packetizer) };
        Ok(())
    })
}
