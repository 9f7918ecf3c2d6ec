//! A log message has the dotted name of its logger, below "pyrogue", and a level. It passes if its
//! level is at least that of the filter with the longest matching name, or, without such a filter,
//! the global level, which is ROGUE_MEM_LOG_ERROR initially. A message that passes is written to
//! standard output, as one line, and given to the program's own sink. Lines bypass the buffer of
//! stdio: text in that buffer appears later. Changes act at once, also on existing loggers.

use std::ffi::{c_char, c_void, CStr};
use std::sync::Arc;

use super::argument::Versioned;
use super::callback::{c_text, Context};
use super::convert::is_set;
use super::generated::{rogue_mem_gate_t, rogue_mem_logger_t};
use super::guard::{query, status, value};
use super::status::rogue_mem_status_t;
use crate::error::Status;
use crate::logging::{self, Level, LogSink, Record};

/// Log level: the program cannot continue.
pub const ROGUE_MEM_LOG_CRITICAL: u32 = 50;
/// Log level: something has failed.
pub const ROGUE_MEM_LOG_ERROR: u32 = 40;
/// Log level: which thread does what.
pub const ROGUE_MEM_LOG_THREAD: u32 = 35;
/// Log level: something unexpected, which has been handled.
pub const ROGUE_MEM_LOG_WARNING: u32 = 30;
/// Log level: normal events.
pub const ROGUE_MEM_LOG_INFO: u32 = 20;
/// Log level: details for debugging.
pub const ROGUE_MEM_LOG_DEBUG: u32 = 10;

const _: () = assert!(
    ROGUE_MEM_LOG_CRITICAL == Level::CRITICAL.0
        && ROGUE_MEM_LOG_ERROR == Level::ERROR.0
        && ROGUE_MEM_LOG_THREAD == Level::THREAD.0
        && ROGUE_MEM_LOG_WARNING == Level::WARNING.0
        && ROGUE_MEM_LOG_INFO == Level::INFO.0
        && ROGUE_MEM_LOG_DEBUG == Level::DEBUG.0
);

/// Callbacks for log messages. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_log_sink_t {
    /// sizeof(rogue_mem_log_sink_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of log. Not called if
    /// rogue_mem_log_set_sink fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Takes one message; must not be NULL. level is that of the message, name the logger's full
    /// name, text the message; both are valid until the call returns. seconds and microseconds are
    /// the wall clock since 1970. thread_id is the kernel's, 0 if unknown. Runs on the logging
    /// thread, several at once; messages of the library's threads come on the log's own thread, so
    /// that a sink that blocks stops no server and no client. Messages that it logs itself are not
    /// passed to it.
    pub log: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            level: u32,
            name: *const c_char,
            text: *const c_char,
            seconds: u64,
            microseconds: u32,
            thread_id: u64,
            process_id: u32,
        ),
    >,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_log_sink_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// A sink that is a callback.
struct CallbackSink {
    log: unsafe extern "C" fn(*mut c_void, u32, *const c_char, *const c_char, u64, u32, u64, u32),
    context: Context,
}

impl LogSink for CallbackSink {
    fn accept(&self, record: &Record<'_>) {
        let Some(_inside) = self.context.enter() else { return };
        let (name, text) = (c_text(record.name), c_text(record.text));
        // SAFETY: a function of the program's; the texts outlive the call.
        unsafe {
            (self.log)(
                self.context.ctx(),
                record.level.0,
                name.as_ptr(),
                text.as_ptr(),
                record.time.as_secs(),
                record.time.subsec_micros(),
                record.thread_id,
                record.process_id,
            );
        }
    }
}

/// Sets the level of every logger that no filter matches.
///
/// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
#[no_mangle]
pub extern "C" fn rogue_mem_log_set_level(level: u32) {
    value(|_| {
        logging::set_level(Level(level));
        Ok(())
    })
}

/// Sets the level of the logger called name, and of all loggers whose name continues it after a
/// dot, except those that a longer filter matches. Replaces a filter of the same name.
///
/// @param name name of the filter; a leading "pyrogue." may be left out.
/// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_log_set_filter(
    name: *const c_char,
    level: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        logging::set_filter(name, Level(level));
        Ok(())
    })
}

/// Removes a filter.
///
/// @param name name of the filter; a leading "pyrogue." may be left out.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
/// ROGUE_MEM_ERROR_NOT_FOUND if there is no filter of exactly that name.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_log_remove_filter(name: *const c_char) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        if logging::remove_filter(name) {
            return Ok(());
        }
        Err(call.error(Status::NotFound, format!("There is no log filter called {name}")))
    })
}

/// Switches the output of log messages to standard output on or off. The default is on.
///
/// @param emit whether to write, a flag.
#[no_mangle]
pub extern "C" fn rogue_mem_log_set_emit_stdout(emit: u32) {
    value(|_| {
        logging::set_emit_stdout(is_set(emit));
        Ok(())
    })
}

/// Whether log messages are written to standard output.
///
/// @return true if they are.
#[no_mangle]
pub extern "C" fn rogue_mem_log_emit_stdout() -> bool {
    value(|_| Ok(logging::emit_stdout()))
}

/// Sets or replaces the program's own sink. A running call of the former sink completes; its drop
/// is called after that.
///
/// @param sink_or_null the new sink, copied. NULL removes the sink.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT if its log is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_log_set_sink(
    sink_or_null: *const rogue_mem_log_sink_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned_or_none(sink_or_null, "sink_or_null") }?;
        let Some(sink) = given else {
            logging::set_sink(None);
            return Ok(());
        };
        let log = sink.log.ok_or_else(|| call.null("sink_or_null->log"))?;
        // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header
        // demands.
        let context = unsafe { Context::new(sink.ctx, sink.drop, sink.gate) };
        logging::set_sink(Some(Arc::new(CallbackSink { log, context })));
        Ok(())
    })
}

/// The full name for a logger's name: unchanged if it is "pyrogue" or begins with "pyrogue.", else
/// with "pyrogue." before it.
///
/// @param name a name.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_log_normalize_name(
    name: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.text_out(buffer, capacity, length) }?;
        out.set(&logging::normalize_name(name));
        Ok(())
    })
}

/// Logs a message, if its level is enabled.
///
/// @param logger the logger; NULL is an error.
/// @param level level of the message.
/// @param text the message; invalid UTF-8 in it is replaced. NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_log(
    logger: *const rogue_mem_logger_t,
    level: u32,
    text: *const c_char,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let logger = unsafe { call.handle(logger) }?;
        if text.is_null() {
            return Err(call.null("text"));
        }
        if logger.enabled(Level(level)) {
            // SAFETY: ends in NUL, as the header demands.
            let text = unsafe { CStr::from_ptr(text) };
            logger.log(Level(level), format_args!("{}", text.to_string_lossy()));
        }
        Ok(())
    })
}

/// Logs the ids of this thread and process, at level ROGUE_MEM_LOG_THREAD.
///
/// @param logger the logger; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_logger_log_thread_id(logger: *const rogue_mem_logger_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(logger, |logger| logger.log_thread_id()) }
}
