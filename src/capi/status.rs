//! What became of a call, and the version of the library.

use std::cell::RefCell;
use std::ffi::{c_char, CStr};

use super::guard::value;
use crate::error::{Error, Status};

/// What became of a call: ROGUE_MEM_OK or one of ROGUE_MEM_ERROR_... Values are never
/// renumbered; later releases may add some.
pub type rogue_mem_status_t = i32;

/// Room for a text that a thread keeps between its failures; a longer one is given back.
const TEXT_KEPT_BYTES_MAX: usize = 4096;

struct LastError {
    status: rogue_mem_status_t,
    /// Both end in NUL; empty where nothing has failed yet.
    source: Vec<u8>,
    text: Vec<u8>,
}

thread_local! {
    static LAST_ERROR: RefCell<LastError> = const {
        RefCell::new(LastError { status: 0, source: Vec::new(), text: Vec::new() })
    };
}

fn store(place: &mut Vec<u8>, text: &str) {
    place.clear();
    place.shrink_to(TEXT_KEPT_BYTES_MAX);
    // A text that came from elsewhere may have a NUL in it, where C would end it.
    place.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
    place.push(0);
}

/// Makes `error` the last one of this thread. A thread whose local storage is already gone, at
/// its very end, has none.
pub(super) fn set_last_error(error: &Error) {
    let _ = LAST_ERROR.try_with(|last| {
        let mut last = last.borrow_mut();
        last.status = error.status() as rogue_mem_status_t;
        store(&mut last.source, error.origin());
        store(&mut last.text, error.text());
    });
}

fn last_text(part: impl FnOnce(&LastError) -> &Vec<u8>) -> *const c_char {
    let pointer = LAST_ERROR.try_with(|last| {
        let last = last.borrow();
        let text = part(&last);
        if text.is_empty() {
            c"".as_ptr()
        } else {
            text.as_ptr().cast::<c_char>()
        }
    });
    pointer.unwrap_or(c"".as_ptr())
}

fn known(status: rogue_mem_status_t, text: impl FnOnce(Status) -> &'static CStr) -> *const c_char {
    Status::from_code(status).map_or(c"unknown status", text).as_ptr()
}

/// One constant sentence for a status, without details of the occurrence.
///
/// @param status what a function returned.
/// @return static text, never NULL; "unknown status" for a number that is none.
///
/// Thread safe.
#[no_mangle]
pub extern "C" fn rogue_mem_status_text(status: rogue_mem_status_t) -> *const c_char {
    value(|_| Ok(known(status, Status::c_text)))
}

/// The name of a status in this header, for example "ROGUE_MEM_ERROR_TIMEOUT".
///
/// @param status what a function returned.
/// @return static text, never NULL; "unknown status" for a number that is none.
///
/// Thread safe.
#[no_mangle]
pub extern "C" fn rogue_mem_status_name(status: rogue_mem_status_t) -> *const c_char {
    value(|_| Ok(known(status, Status::c_name)))
}

/// The status of the calling thread's last failure. Functions that return no status, but 0, false
/// or NULL where they fail, set it too. Success leaves it as it is.
///
/// @return ROGUE_MEM_OK if nothing has failed on this thread.
///
/// Thread safe; each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error_status() -> rogue_mem_status_t {
    LAST_ERROR.try_with(|last| last.borrow().status).unwrap_or(0)
}

/// What went wrong at the calling thread's last failure, in words.
///
/// @return text that is valid until the next failing call on this thread; "" if nothing has failed
/// on it. Never NULL.
///
/// Thread safe; each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error() -> *const c_char {
    value(|_| Ok(last_text(|last| &last.text)))
}

/// Where the calling thread's last failure was found, for example
/// "memory::TcpServer::TcpServer", or the name of the function that refused an argument.
///
/// @return text that is valid until the next failing call on this thread; "" if nothing has failed
/// on it. Never NULL.
///
/// Thread safe; each thread has its own.
#[no_mangle]
pub extern "C" fn rogue_mem_last_error_source() -> *const c_char {
    value(|_| Ok(last_text(|last| &last.source)))
}

/// The version of the library that is running, for example "0.1.0". ROGUE_MEM_VERSION is that of
/// the header.
///
/// @return static text, never NULL.
///
/// Thread safe.
#[no_mangle]
pub extern "C" fn rogue_mem_version() -> *const c_char {
    value(|_| Ok(concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast::<c_char>()))
}

/// The version of the library that is running as a number, to be compared with
/// ROGUE_MEM_VERSION_NUMBER.
///
/// @return 0xMMmmpp: major, minor and patch in 8 bits each.
///
/// Thread safe.
#[no_mangle]
pub extern "C" fn rogue_mem_version_number() -> u32 {
    const NUMBER: u32 = (part(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
        | (part(env!("CARGO_PKG_VERSION_MINOR")) << 8)
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    value(|_| Ok(NUMBER))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(from: *const c_char) -> &'static str {
        // SAFETY: what these tests ask for is valid until the next failure on this thread.
        unsafe { CStr::from_ptr(from) }.to_str().unwrap()
    }

    #[test]
    fn a_text_with_a_nul_in_it_is_not_cut_there() {
        set_last_error(&Error::new(Status::Transaction, "here", "before\0after"));
        assert_eq!(text(rogue_mem_last_error()), "before after");
        assert_eq!(text(rogue_mem_last_error_source()), "here");
        assert_eq!(rogue_mem_last_error_status(), Status::Transaction as i32);
    }

    #[test]
    fn a_very_long_text_does_not_stay_allocated() {
        set_last_error(&Error::new(Status::Transaction, "here", "x".repeat(1 << 20)));
        assert_eq!(text(rogue_mem_last_error()).len(), 1 << 20);
        set_last_error(&Error::new(Status::Transaction, "here", "short"));
        LAST_ERROR.with(|last| assert!(last.borrow().text.capacity() <= TEXT_KEPT_BYTES_MAX));
    }

    #[test]
    fn a_destructor_at_the_end_of_a_thread_may_still_fail() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                set_last_error(&Error::new(Status::Timeout, "here", "late"));
                assert!(["", "late"].contains(&text(rogue_mem_last_error())));
            }
        }
        thread_local! { static LATE: Late = const { Late }; }
        let thread = std::thread::spawn(|| {
            LATE.with(|_| ());
            // Its destructor is registered after that of LATE, and so runs first.
            set_last_error(&Error::new(Status::Timeout, "here", "early"));
        });
        thread.join().unwrap();
    }
}
