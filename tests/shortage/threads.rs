//! A system that refuses threads: `pthread_create` of this program fails as the C library's does then.

use std::ffi::c_void;
use std::mem;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// Threads that may still be made; negative for any number.
static LEFT: AtomicI64 = AtomicI64::new(-1);
/// Threads refused.
static REFUSED: AtomicI64 = AtomicI64::new(0);

type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    extern "C" fn(*mut c_void) -> *mut c_void,
    *mut c_void,
) -> libc::c_int;

/// Takes the place of the C library's function for the whole program.
///
/// # Safety
///
/// As of that.
#[no_mangle]
pub unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: extern "C" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> libc::c_int {
    if LEFT.load(SeqCst) == 0 {
        REFUSED.fetch_add(1, SeqCst);
        return libc::EAGAIN;
    }
    if LEFT.load(SeqCst) > 0 {
        LEFT.fetch_sub(1, SeqCst);
    }
    // SAFETY: the C library has a function of that name and type, which gets what the caller promises.
    unsafe {
        let create = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr());
        assert!(!create.is_null());
        mem::transmute::<*mut c_void, Create>(create)(thread, attributes, start, argument)
    }
}

/// A process that gets no further threads, until it is dropped.
pub struct Shortage(());

/// Lets this process make `count` more threads.
pub fn leave(count: u64) -> Shortage {
    REFUSED.store(0, SeqCst);
    LEFT.store(count as i64, SeqCst);
    Shortage(())
}

/// How many have been refused since the latest [`leave`].
pub fn refused() -> i64 {
    REFUSED.load(SeqCst)
}

impl Drop for Shortage {
    fn drop(&mut self) {
        LEFT.store(-1, SeqCst);
    }
}
