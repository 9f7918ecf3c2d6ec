// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a reader without a file.
///
/// @param options_or_null the options, copied. NULL: the defaults.
/// @param out receives the reader, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
/// options with a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_new(
    options_or_null: *const rogue_mem_file_reader_options_t,
    out: *mut *mut rogue_mem_file_reader_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let options_or_null = unsafe { call.options(options_or_null, "options_or_null") }?;
        out.set(into_handle(crate::files::FileReader::new(options_or_null)));
        Ok(())
    })
}

/// The stream master that sends the frames.
///
/// @param reader the reader.
/// @return the master, a new reference; NULL if reader is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stream_master(
    reader: *const rogue_mem_file_reader_t,
) -> *mut rogue_mem_stream_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| into_handle(reader.stream_master())) }
}

/// Opens a data file and starts to send its frames. A file that is being read is closed first.
///
/// @param reader the reader.
/// @param path a regular file. If it ends in ".1", those that end in ".2", ".3" and so on follow,
/// until one is missing.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a thread.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_open(
    reader: *mut rogue_mem_file_reader_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let reader = unsafe { call.handle(reader) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        reader.open(path)
    })
}

/// Stops after the frame that is being sent, and closes the file. Returns within 100 ms, also if
/// the receiver of that frame does not. Further calls do nothing.
///
/// @param reader the reader; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_close(reader: *mut rogue_mem_file_reader_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.close()) }
}

/// Whether a file is being read: not any more when the last of its frames has been sent.
///
/// @param reader the reader.
/// @return whether one is; false if reader is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_is_open(
    reader: *const rogue_mem_file_reader_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.is_open()) }
}

/// Waits until all frames have been sent, or the reader was closed.
///
/// @param reader the reader.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether that is so; true at once in a delivery by this reader, which would wait for
/// itself; false if reader is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_wait(
    reader: *const rogue_mem_file_reader_t,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.wait(convert::limit(timeout_us))) }
}

/// What was wrong with the file, in words: the first message since it was opened; empty if there is
/// none.
///
/// @param reader the reader.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_error(
    reader: *const rogue_mem_file_reader_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(reader, buffer, capacity, length, |reader| reader.error()) }
}

/// Closes the file, and disconnects the receivers. Further calls do nothing.
///
/// @param reader the reader; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stop(reader: *mut rogue_mem_file_reader_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(reader, |reader| reader.stop()) }
}

/// Options of a reader. Zero-initialise it, set size, and then other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_reader_options_t {
    /// sizeof(rogue_mem_file_reader_options_t).
    pub size: usize,
    /// Size limit of a frame, in bytes; larger records are left out, counted and logged. 0 = 256
    /// MiB.
    pub frame_bytes_max: u64,
    /// Stack size of the reader's thread, in bytes; the receivers of its frames run on it. At least
    /// 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
    pub stack_bytes: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_reader_options_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl Options for rogue_mem_file_reader_options_t {
    type Chosen = crate::files::FileReaderOptions;

    unsafe fn chosen(&self, _call: Call) -> Result<Self::Chosen> {
        let mut options = Self::Chosen::default();
        if self.frame_bytes_max != 0 {
            options.frame_bytes_max = convert::transaction_bytes(self.frame_bytes_max);
        }
        if self.stack_bytes != 0 {
            options.stack_bytes = convert::stack_bytes(self.stack_bytes);
        }
        Ok(options)
    }
}

/// Counters of a reader since its file was opened. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_reader_stats_t {
    /// sizeof(rogue_mem_file_reader_stats_t).
    pub size: usize,
    /// Frames sent.
    pub frames: u64,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Records without a payload, which are no frames.
    pub empty: u64,
    /// Records left out: too large, or without a frame from the receiver.
    pub left_out: u64,
    /// 1 if reading has ended before the end of the files.
    pub faults: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_reader_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the reader has done so far.
///
/// @param reader the reader.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_stats(
    reader: *const rogue_mem_file_reader_t,
    stats: *mut rogue_mem_file_reader_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let reader = unsafe { call.handle(reader) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = reader.stats();
        out.set(&rogue_mem_file_reader_stats_t {
            size: 0,
            frames: now.frames,
            bytes: now.bytes,
            files: now.files,
            empty: now.empty,
            left_out: now.left_out,
            faults: now.faults,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param reader the reader; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_retain(
    reader: *mut rogue_mem_file_reader_t,
) -> *mut rogue_mem_file_reader_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(reader) }))
}

/// Gives a reference back. Release of the last reference ends its thread.
///
/// @param reader the reader; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_reader_release(reader: *mut rogue_mem_file_reader_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(reader) };
        Ok(())
    })
}
