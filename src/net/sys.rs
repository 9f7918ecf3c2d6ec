//! System calls that neither the standard library, `mio` nor `socket2` offers: with those of `udp/sys.rs` the
//! only `unsafe` code of this room.

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use socket2::SockRef;

use crate::peer::UnixPeer;

/// Sets an option of a socket whose value is a C `int`.
pub(super) fn set_option(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the descriptor is open for the life of the borrow, and the pointer and length
    // describe `value`, which outlives the call.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(&value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    };
    check(answer)
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Whether a descriptor has this number.
pub(super) fn is_open(number: RawFd) -> bool {
    // SAFETY: the call takes numbers only, and changes nothing.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// Receives at most `limit` bytes into the spare capacity of `bytes`, which is neither cleared nor
/// enlarged. Returns their number; 0 is the end of the stream, if there was capacity.
///
/// # Errors
///
/// The system's: `WouldBlock` if there are none, `Interrupted` to try again.
pub(crate) fn receive_behind(
    socket: &impl AsFd,
    bytes: &mut Vec<u8>,
    limit: usize,
) -> io::Result<usize> {
    let socket = socket.as_fd();
    let room = bytes.spare_capacity_mut();
    let count = room.len().min(limit);
    let received = SockRef::from(&socket).recv(&mut room[..count])?;
    // SAFETY: that many bytes after the former end are within the capacity, and the system has
    // written them.
    unsafe { bytes.set_len(bytes.len() + received) };
    Ok(received)
}

/// Octets in the send buffer of a stream socket that the peer has not acknowledged; `None` where the
/// system does not tell.
pub(super) fn unacknowledged(socket: BorrowedFd<'_>) -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut octets: libc::c_int = 0;
        // SAFETY: the descriptor is open for the life of the borrow, and the kernel writes one `int`.
        let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &mut octets) };
        check(answer).ok()?;
        u64::try_from(octets).ok()
    }
    #[cfg(target_vendor = "apple")]
    {
        let mut octets: libc::c_int = 0;
        let mut length = mem::size_of_val(&octets) as libc::socklen_t;
        // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `octets`.
        let answer = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_NWRITE,
                ptr::from_mut(&mut octets).cast(),
                &mut length,
            )
        };
        check(answer).ok()?;
        u64::try_from(octets).ok()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        let _ = socket;
        None
    }
}

/// Octets that a stream socket has received and that have not been read.
pub(super) fn unread(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut octets: libc::c_int = 0;
    // SAFETY: the descriptor is open for the life of the borrow, and the kernel writes one `int`.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, &mut octets) };
    check(answer).map(|()| octets.try_into().unwrap_or(0))
}

/// Whether a descriptor has something to be read, or a listener a connection to be accepted.
pub(super) fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut wanted = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call; the descriptor is open for the life of the
    // borrow.
    unsafe { libc::poll(&mut wanted, 1, 0) > 0 }
}

/// Makes `poll` watch a descriptor that is registered there for nothing but errors, which epoll
/// always reports. `mio` has no such interest, and another one would wake the thread that waits for
/// `poll` whenever the descriptor's state changes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn watch_nothing(poll: RawFd, descriptor: RawFd, token: usize) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLET as u32, u64: token as u64 };
    // SAFETY: the system reads `event`, which outlives the call; the others are numbers, and a wrong
    // one is an error.
    check(unsafe { libc::epoll_ctl(poll, libc::EPOLL_CTL_MOD, descriptor, &mut event) })
}

/// Another descriptor of the same open file, with the lowest free number from `least` on, closed in
/// programs that this process starts.
pub(super) fn duplicate_from(descriptor: &impl AsFd, least: RawFd) -> io::Result<OwnedFd> {
    duplicate_number(descriptor.as_fd().as_raw_fd(), least)
}

/// As [`duplicate_from`], of the descriptor with that number. Fails if there is none.
pub(super) fn duplicate_number(number: RawFd, least: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only, and reports one that is no descriptor.
    let duplicate = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, least) };
    check(duplicate)?;
    // SAFETY: the system has just created it, and it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

/// Limit of this process on descriptors (`ulimit -n`); `None` without a limit.
pub(super) fn descriptors_max() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the system writes to `limit`, which outlives the call.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    // As wide as `u64` on some systems only.
    #[allow(clippy::useless_conversion)]
    (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then(|| u64::from(limit.rlim_cur))
}

/// A counter that is readable once a number has been added to it (eventfd(2)).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn event_counter() -> io::Result<OwnedFd> {
    // SAFETY: the arguments are numbers.
    let counter = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    check(counter)?;
    // SAFETY: the system has just created it, and it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(counter) })
}

/// The process at the other end of a Unix-domain connection, as of its connect.
pub(super) fn unix_peer(socket: BorrowedFd<'_>) -> io::Result<UnixPeer> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut length = mem::size_of_val(&peer) as libc::socklen_t;
        // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `peer`.
        check(unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                ptr::from_mut(&mut peer).cast(),
                &mut length,
            )
        })?;
        Ok(UnixPeer { uid: peer.uid, pid: u32::try_from(peer.pid).unwrap_or(0) })
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let (mut uid, mut gid) = (0, 0);
        // SAFETY: the descriptor is open, and the system writes to both numbers.
        check(unsafe { libc::getpeereid(socket.as_raw_fd(), &mut uid, &mut gid) })?;
        Ok(UnixPeer { uid, pid: 0 })
    }
}

/// Locks an open file or directory (`flock`) until all of its descriptors are closed.
///
/// # Errors
///
/// `WouldBlock` if it is locked.
pub(super) fn try_lock_file(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open for the life of the borrow.
    check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) })
}

/// Unlocks a file, also for children of this process that have inherited the descriptor.
pub(super) fn unlock_file(file: BorrowedFd<'_>) {
    // SAFETY: the descriptor is open for the life of the borrow.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) };
}

/// The index of the interface `name`, which is the scope id of its link-local addresses.
pub(super) fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is a terminated string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => Some(index),
    }
}

#[cfg(test)]
pub(super) mod tests;
