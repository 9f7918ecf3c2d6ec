//! Results of calls, and the version of the library.

use std::ffi::{c_char, CStr};

use super::guard::value;
use super::last_error;
use crate::error::Status;
use crate::ROGUE_INTERFACE_VERSION;

/// Result of a call: ROGUE_MEM_OK or one of ROGUE_MEM_ERROR_... Values are never
/// renumbered; later releases may add some.
pub type rogue_mem_status_t = i32;

fn known(status: rogue_mem_status_t, text: impl FnOnce(Status) -> &'static CStr) -> *const c_char {
    Status::from_code(status).map_or(c"unknown status", text).as_ptr()
}

/// One constant sentence for a status, without details of the occurrence.
///
/// @param status what a function returned.
/// @return static text, never NULL; "unknown status" for a number that is none.
#[no_mangle]
pub extern "C" fn rogue_mem_status_text(status: rogue_mem_status_t) -> *const c_char {
    value(|_| Ok(known(status, Status::c_text)))
}

/// The name of a status in this header, for example "ROGUE_MEM_ERROR_TIMEOUT".
///
/// @param status what a function returned.
/// @return static text, never NULL; "unknown status" for a number that is none.
#[no_mangle]
pub extern "C" fn rogue_mem_status_name(status: rogue_mem_status_t) -> *const c_char {
    value(|_| Ok(known(status, Status::c_name)))
}

/// The status of the calling thread's last failure. Functions without a status, which return 0,
/// false or NULL on failure, set it too. Success does not change it.
///
/// @return ROGUE_MEM_OK if nothing has failed on this thread.
///
/// Each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error_status() -> rogue_mem_status_t {
    last_error::status()
}

/// A text that describes the calling thread's last failure.
///
/// @return text that is valid until the next failing call on this thread; "" if nothing has failed
/// on it. Never NULL.
///
/// Each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error() -> *const c_char {
    value(|_| Ok(last_error::text()))
}

/// The source of the calling thread's last failure, for example "memory::TcpServer::TcpServer", or
/// the name of the function that refused an argument.
///
/// @return text that is valid until the next failing call on this thread; "" if nothing has failed
/// on it. Never NULL.
///
/// Each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error_source() -> *const c_char {
    value(|_| Ok(last_error::source()))
}

/// The version of the loaded library, for example "0.1.0". ROGUE_MEM_VERSION is that of the header.
///
/// @return static text, never NULL.
#[no_mangle]
pub extern "C" fn rogue_mem_version() -> *const c_char {
    value(|_| Ok(concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast::<c_char>()))
}

/// The version of the loaded library as a number, for comparison with ROGUE_MEM_VERSION_NUMBER.
///
/// @return 0xMMmmpp: major, minor and patch in 8 bits each.
#[no_mangle]
pub extern "C" fn rogue_mem_version_number() -> u32 {
    const NUMBER: u32 = (part(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
        | (part(env!("CARGO_PKG_VERSION_MINOR")) << 8)
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    value(|_| Ok(NUMBER))
}

/// The release of Rogue whose interface this library implements, for example "6.1.0":
/// `rogue::Version` in C++ and Python returns it. The library's own version is rogue_mem_version().
///
/// @return static text, three numbers with dots; never NULL.
#[no_mangle]
pub extern "C" fn rogue_mem_interface_version() -> *const c_char {
    value(|_| Ok(ROGUE_INTERFACE_VERSION.as_ptr()))
}

/// A part of the version, which must fit into its 8 bits.
const fn part(digits: &str) -> u32 {
    let digits = digits.as_bytes();
    let mut number = 0;
    let mut index = 0;
    while index < digits.len() {
        number = number * 10 + (digits[index] - b'0') as u32;
        index += 1;
    }
    assert!(number <= 0xFF);
    number
}
