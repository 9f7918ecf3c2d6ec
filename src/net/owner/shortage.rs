//! Whether a lookup has lacked descriptors or memory, so that what it has not found may be there all the
//! same.

use std::cell::Cell;
use std::io;

use crate::headroom;
use crate::net::socket::is_shortage;

thread_local! {
    static IS_SHORT: Cell<bool> = const { Cell::new(false) };
}

/// Passes the outcome of the opening or reading of a file on, and notes a lack of descriptors or memory.
pub(super) fn noted<T>(outcome: io::Result<T>) -> io::Result<T> {
    let lacks =
        |error: &io::Error| is_shortage(error) || error.kind() == io::ErrorKind::OutOfMemory;
    if outcome.as_ref().is_err_and(lacks) {
        IS_SHORT.set(true);
    }
    outcome
}

/// Whether the system gives memory for a step that may allocate `bytes` bytes. Notes it if not.
pub(super) fn has_memory(bytes: usize) -> bool {
    let has_memory = headroom::has(bytes);
    if !has_memory {
        IS_SHORT.set(true);
    }
    has_memory
}

/// Whether the calling thread has lacked one since the last call.
pub(super) fn take() -> bool {
    IS_SHORT.take()
}
