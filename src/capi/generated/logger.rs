// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a logger.
///
/// @param name its name; "pyrogue." is put before it unless it is there.
/// @param out receives the logger, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_new(
    name: *const c_char,
    out: *mut *mut rogue_mem_logger_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::logging::Logger::new(name))));
        Ok(())
    })
}

/// The logger's full name.
///
/// @param logger the logger.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_name(
    logger: *const rogue_mem_logger_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(logger, buffer, capacity, length, |logger| logger.name().to_owned()) }
}

/// Whether a message of this logger has an output. If not, the caller can skip its construction.
/// Cheap.
///
/// @param logger the logger.
/// @param level level of the message.
/// @return true if it does; false if logger is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_enabled(
    logger: *const rogue_mem_logger_t,
    level: u32,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(logger, |logger| logger.enabled(crate::logging::Level(level))) }
}

/// Adds a reference.
///
/// @param logger the logger; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_retain(
    logger: *mut rogue_mem_logger_t,
) -> *mut rogue_mem_logger_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(logger) }))
}

/// Gives a reference back.
///
/// @param logger the logger; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_release(logger: *mut rogue_mem_logger_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(logger) };
        Ok(())
    })
}
