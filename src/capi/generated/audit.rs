// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes an audit that writes its records to a file, a line of JSON each, whose form is in
/// docs/security.md. An existing file is continued. A full one is renamed to path with ".1", that
/// one to path with ".2" and so on, and the oldest is removed. A failed write costs records, is
/// counted, and said once in the log; it is tried again with the next records, and the file says
/// then how many are missing. Only one audit may write a file at a time.
///
/// @param path the file: no pipe.
/// @param options_or_null the options; NULL: the defaults.
/// @param out receives the audit, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if an option is invalid; ROGUE_MEM_ERROR_FILE if the file
/// cannot be opened; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_to_file(
    path: *const c_char,
    options_or_null: *const rogue_mem_audit_options_t,
    out: *mut *mut rogue_mem_audit_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::security::Audit::to_file(path, options_or_null)?));
        Ok(())
    })
}

/// Options of an audit. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_audit_options_t {
    /// sizeof(rogue_mem_audit_options_t).
    pub size: usize,
    /// Bytes of the data of an access that are recorded, from its beginning. 0 = 64.
    /// ROGUE_MEM_AUDIT_NO_DATA = none.
    pub data_bytes_max: u32,
    /// A flag: whether reads are recorded too.
    pub reads: u32,
    /// Bytes of the data and texts of records that wait, at most; memory for twice as many is set
    /// aside. 0 = 1 MiB.
    pub queue_bytes_max: u64,
    /// Bytes of a file after which the next one begins. 0 = 64 MiB.
    pub file_bytes_max: u64,
    /// Records that wait, at most; memory for twice as many is set aside. 0 = 8192.
    pub records_max: u32,
    /// Number of files that are kept, the present one included. 0 = 8.
    pub files_max: u32,
    /// Permissions of a new file, at most 0777, which the umask may reduce. 0 = 0600, which lets
    /// only its owner read it.
    pub file_mode: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_audit_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();

    fn reserved(&self) -> u32 {
        self.reserved
    }
}

impl Options for rogue_mem_audit_options_t {
    type Chosen = crate::security::AuditOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.data_bytes_max != 0 {
            options.data_bytes_max = convert::audit_data(self.data_bytes_max);
        }
        if self.reads != 0 {
            options.reads = convert::is_set(self.reads);
        }
        if self.queue_bytes_max != 0 {
            options.queue_bytes_max = convert::bytes(self.queue_bytes_max);
        }
        if self.file_bytes_max != 0 {
            options.file_bytes_max = convert::number64(self.file_bytes_max);
        }
        if self.records_max != 0 {
            options.records_max = convert::count(self.records_max);
        }
        if self.files_max != 0 {
            options.files_max = convert::number(self.files_max);
        }
        if self.file_mode != 0 {
            options.file_mode = convert::number(self.file_mode);
        }
        Ok(options)
    }
}

/// Counters of an audit. records is the sum of delivered, lost and queued. Set size before the
/// call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_audit_stats_t {
    /// sizeof(rogue_mem_audit_stats_t).
    pub size: usize,
    /// Accesses of which a record was due.
    pub records: u64,
    /// Records that the callback has got, or that are in a file.
    pub delivered: u64,
    /// Records lost: the queue was full, or the file could not be written.
    pub lost: u64,
    /// Records that wait for the audit's thread now.
    pub queued: u64,
    /// Attempts to write the file that have failed.
    pub write_errors: u64,
    /// Bytes written to files.
    pub bytes_written: u64,
    /// Files begun after the first one.
    pub files_rotated: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_audit_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the audit has done so far.
///
/// @param audit the audit.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_stats(
    audit: *const rogue_mem_audit_t,
    stats: *mut rogue_mem_audit_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let audit = unsafe { call.handle(audit) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = audit.stats();
        out.set(&rogue_mem_audit_stats_t {
            size: 0,
            records: now.records,
            delivered: now.delivered,
            lost: now.lost,
            queued: now.queued,
            write_errors: now.write_errors,
            bytes_written: now.bytes_written,
            files_rotated: now.files_rotated,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param audit the audit; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_retain(
    audit: *mut rogue_mem_audit_t,
) -> *mut rogue_mem_audit_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(audit) }))
}

/// Gives a reference back. Servers that have it as their option audit keep it. With the last
/// reference its thread passes the remaining records and ends; the release waits for that 80 ms at
/// most.
///
/// @param audit the audit; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_audit_release(audit: *mut rogue_mem_audit_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(audit) };
        Ok(())
    })
}
