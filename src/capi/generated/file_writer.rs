// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a writer without a file, a limit or a buffer.
///
/// @param out receives the writer, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_new(
    out: *mut *mut rogue_mem_file_writer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::files::FileWriter::new()));
        Ok(())
    })
}

/// Creates a data file, or empties one that exists, and sets the counts of the writer and its
/// channels to 0. A file that is open is closed first.
///
/// @param writer the writer.
/// @param path the file; with a size limit, ".1" is appended for the first one, then ".2".
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for the buffer.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_open(
    writer: *mut rogue_mem_file_writer_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        writer.open(path)
    })
}

/// Writes out what is in the buffer and closes the file, if one is open. The counts stay.
///
/// @param writer the writer.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the first failure since the file was
/// opened, once: ROGUE_MEM_ERROR_FILE, or ROGUE_MEM_ERROR_FRAME for a frame that was larger than a
/// file may be. The file is closed all the same.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_close(
    writer: *mut rogue_mem_file_writer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        writer.close()
    })
}

/// Whether a file is open.
///
/// @param writer the writer.
/// @return whether one is; false if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_is_open(
    writer: *const rogue_mem_file_writer_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.is_open()) }
}

/// The first failure since the file was opened, in words; empty if there is none.
///
/// @param writer the writer.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_error(
    writer: *const rogue_mem_file_writer_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(writer, buffer, capacity, length, |writer| writer.error()) }
}

/// Chooses whether the payload of later frames is written alone. Nothing can tell then where one
/// ends.
///
/// @param writer the writer; NULL is an error.
/// @param raw a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_raw(
    writer: *mut rogue_mem_file_writer_t,
    raw: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_raw(convert::is_set(raw))) }
}

/// Whether payload is written alone.
///
/// @param writer the writer.
/// @return whether it is; false if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_raw(writer: *const rogue_mem_file_writer_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.is_raw()) }
}

/// Sets the size of the buffer, in which whole records are collected as long as they fit. What is
/// in it is written out first.
///
/// @param writer the writer.
/// @param bytes the size; 0 = each frame is written at once, as at first.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
/// ROGUE_MEM_ERROR_FILE.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_buffer_size(
    writer: *mut rogue_mem_file_writer_t,
    bytes: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        writer.set_buffer_bytes(bytes)
    })
}

/// Sets the size limit of each file. A record that would exceed it begins the next file. Set it
/// before the file is opened.
///
/// @param writer the writer; NULL is an error.
/// @param bytes the limit; 0 = none, as at first.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_max_size(
    writer: *mut rogue_mem_file_writer_t,
    bytes: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_file_bytes_max(bytes)) }
}

/// Chooses whether frames with an error are left out. They are not at first.
///
/// @param writer the writer; NULL is an error.
/// @param drop a flag.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_set_drop_errors(
    writer: *mut rogue_mem_file_writer_t,
    drop: u32,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.set_drop_errors(convert::is_set(drop))) }
}

/// The channel with a number, which is made once.
///
/// @param writer the writer.
/// @param number written as the channel of its frames; 0 = they keep their own.
/// @return the channel, a new reference, which keeps the file open; NULL if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_channel(
    writer: *const rogue_mem_file_writer_t,
    number: u8,
) -> *mut rogue_mem_file_channel_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| into_handle(writer.channel(number))) }
}

/// Bytes in all files since the file was opened, those in the buffer included.
///
/// @param writer the writer.
/// @return bytes; 0 if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_total_size(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.total_bytes()) }
}

/// Bytes in the present file, those in the buffer included.
///
/// @param writer the writer.
/// @return bytes; 0 if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_current_size(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.file_bytes()) }
}

/// Bytes written a second, over the last second.
///
/// @param writer the writer.
/// @return bytes a second; 0 while no file is open; 0 if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_bandwidth(
    writer: *const rogue_mem_file_writer_t,
) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.bandwidth()) }
}

/// Frames written since the file was opened, those in the buffer included.
///
/// @param writer the writer.
/// @return frames; 0 if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_frame_count(
    writer: *const rogue_mem_file_writer_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.frame_count()) }
}

/// Waits until a number of frames has been written.
///
/// @param writer the writer.
/// @param count the number.
/// @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
/// @return whether there are as many; false if writer is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_wait_frame_count(
    writer: *const rogue_mem_file_writer_t,
    count: u64,
    timeout_us: u64,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(writer, |writer| writer.wait_frame_count(count, convert::limit(timeout_us))) }
}

/// Counters of a writer since its file was opened. Set size before the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_file_writer_stats_t {
    /// sizeof(rogue_mem_file_writer_stats_t).
    pub size: usize,
    /// Frames written, those in the buffer included.
    pub frames: u64,
    /// Bytes of these in all files.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Frames left out, as they were to be: without payload, or with an error.
    pub skipped: u64,
    /// Frames that came while no file was open.
    pub unopened: u64,
    /// Frames that could not be written, also those that were in the buffer when that failed.
    pub lost: u64,
}

// SAFETY: integers and pointers, `size` first.
unsafe impl Versioned for rogue_mem_file_writer_stats_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// What the writer has done so far.
///
/// @param writer the writer.
/// @param stats receives the counters; its size must be set. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
/// has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_stats(
    writer: *const rogue_mem_file_writer_t,
    stats: *mut rogue_mem_file_writer_stats_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let writer = unsafe { call.handle(writer) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let out = unsafe { call.versioned_out(stats, "stats") }?;
        let now = writer.stats();
        out.set(&rogue_mem_file_writer_stats_t {
            size: 0,
            frames: now.frames,
            bytes: now.bytes,
            files: now.files,
            skipped: now.skipped,
            unopened: now.unopened,
            lost: now.lost,
        });
        Ok(())
    })
}

/// Adds a reference.
///
/// @param writer the writer; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_retain(
    writer: *mut rogue_mem_file_writer_t,
) -> *mut rogue_mem_file_writer_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(writer) }))
}

/// Gives a reference back. The file is closed, with what is in the buffer, when the writer and its
/// channels have no reference any more.
///
/// @param writer the writer; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_file_writer_release(writer: *mut rogue_mem_file_writer_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(writer) };
        Ok(())
    })
}
