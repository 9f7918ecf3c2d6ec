//! The last error of each thread.

use std::cell::RefCell;
use std::ffi::c_char;

use crate::error::Error;

/// Size of the text buffer that a thread keeps between failures; a larger one is freed.
const TEXT_KEPT_BYTES_MAX: usize = 4096;

struct LastError {
    status: i32,
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
    // A text from outside may contain a NUL, which would end it in C.
    place.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
    place.push(0);
}

/// Makes `error` the last one of this thread. A thread whose local storage is already gone, at
/// its very end, has none.
pub(super) fn set(error: &Error) {
    let _ = LAST_ERROR.try_with(|last| {
        let mut last = last.borrow_mut();
        last.status = error.status() as i32;
        store(&mut last.source, error.origin());
        store(&mut last.text, error.text());
    });
}

/// The status of this thread's last error; 0 if nothing has failed on it.
pub(super) fn status() -> i32 {
    LAST_ERROR.try_with(|last| last.borrow().status).unwrap_or(0)
}

/// The text of this thread's last error. It ends in NUL and is valid until the next one.
pub(super) fn text() -> *const c_char {
    part(|last| &last.text)
}

/// The source of this thread's last error. It ends in NUL and is valid until the next one.
pub(super) fn source() -> *const c_char {
    part(|last| &last.source)
}

fn part(part: impl FnOnce(&LastError) -> &Vec<u8>) -> *const c_char {
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

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::error::Status;

    fn read(from: *const c_char) -> &'static str {
        // SAFETY: what these tests ask for is valid until the next failure on this thread.
        unsafe { CStr::from_ptr(from) }.to_str().unwrap()
    }

    #[test]
    fn a_text_with_a_nul_in_it_is_not_cut_there() {
        set(&Error::new(Status::Transaction, "here", "before\0after"));
        assert_eq!(read(text()), "before after");
        assert_eq!(read(source()), "here");
        assert_eq!(status(), Status::Transaction as i32);
    }

    #[test]
    fn a_very_long_text_does_not_stay_allocated() {
        set(&Error::new(Status::Transaction, "here", "x".repeat(1 << 20)));
        assert_eq!(read(text()).len(), 1 << 20);
        set(&Error::new(Status::Transaction, "here", "short"));
        LAST_ERROR.with(|last| assert!(last.borrow().text.capacity() <= TEXT_KEPT_BYTES_MAX));
    }

    #[test]
    fn a_destructor_at_the_end_of_a_thread_may_still_fail() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                set(&Error::new(Status::Timeout, "here", "late"));
                assert!(["", "late"].contains(&read(text())));
            }
        }
        thread_local! { static LATE: Late = const { Late }; }
        let thread = std::thread::spawn(|| {
            LATE.with(|_| ());
            // Its destructor is registered after that of LATE, and so runs first.
            set(&Error::new(Status::Timeout, "here", "early"));
        });
        thread.join().unwrap();
    }
}
