//! System calls about the process's memory.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The lowest descriptor that is no standard stream.
const FIRST: RawFd = 3;

/// The most address space that the process may have, in bytes (`ulimit -v`); `None` without a limit.
pub(super) fn address_space_max() -> Option<u64> {
    let mut limits = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the call initialises the structure when it succeeds.
    let limits = unsafe {
        match libc::getrlimit(libc::RLIMIT_AS, limits.as_mut_ptr()) {
            0 => limits.assume_init(),
            _ => return None,
        }
    };
    // The type differs between systems.
    #[allow(clippy::useless_conversion)]
    (limits.rlim_cur != libc::RLIM_INFINITY).then(|| u64::from(limits.rlim_cur))
}

/// The memory of the host in bytes; `None` where the system does not tell it.
pub(super) fn physical_bytes() -> Option<u64> {
    // SAFETY: takes a number, returns a number.
    let [pages, page_bytes] =
        [libc::_SC_PHYS_PAGES, libc::_SC_PAGESIZE].map(|name| unsafe { libc::sysconf(name) });
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(page_bytes).ok()?)
}

/// Whether the C library keeps freed memory for later, and can be told not to.
pub(super) const KEEPS_FREED_MEMORY: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// Gives freed memory back to the system.
pub(super) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes a number; may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// `file`, or the same one with a number above those of the standard streams.
pub(super) fn above_standard(file: File) -> io::Result<File> {
    if file.as_raw_fd() >= FIRST {
        return Ok(file);
    }
    // SAFETY: the descriptor is open as long as `file`; the command takes a number.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the system has just created it, and it has no other owner.
        other => Ok(unsafe { OwnedFd::from_raw_fd(other) }.into()),
    }
}
