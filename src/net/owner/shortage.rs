//! Whether a lookup has lacked descriptors, so that what it has not found may be there all the same.

use std::cell::Cell;
use std::io;

use crate::net::socket::is_shortage;

thread_local! {
    static IS_SHORT: Cell<bool> = const { Cell::new(false) };
}

/// Passes the outcome of the opening of a file on, and notes a lack of descriptors.
pub(super) fn noted<T>(outcome: io::Result<T>) -> io::Result<T> {
    if outcome.as_ref().is_err_and(is_shortage) {
        IS_SHORT.set(true);
    }
    outcome
}

/// Whether the calling thread has lacked one since the last call.
pub(super) fn take() -> bool {
    IS_SHORT.take()
}
