//! What tests of sockets need of the system.

use std::net::Ipv4Addr;

use super::*;

/// Whether `socket` is closed in programs that this process starts.
pub(in crate::net) fn is_close_on_exec(socket: BorrowedFd<'_>) -> bool {
    // SAFETY: the descriptor is open for the life of the borrow.
    let flags = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC != 0
}

static BROKEN_PIPE_SIGNALS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Counts SIGPIPE, which Rust's test programs otherwise ignore.
pub(in crate::net) fn count_broken_pipe_signals() {
    extern "C" fn count(_: libc::c_int) {
        BROKEN_PIPE_SIGNALS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    // SAFETY: the handler only changes an atomic, which a signal handler may do.
    let former = unsafe {
        libc::signal(libc::SIGPIPE, count as extern "C" fn(libc::c_int) as libc::sighandler_t)
    };
    assert_ne!(former, libc::SIG_ERR);
}

pub(in crate::net) fn broken_pipe_signals() -> usize {
    BROKEN_PIPE_SIGNALS.load(std::sync::atomic::Ordering::SeqCst)
}

/// A TCP socket connected to itself.
pub(in crate::net) fn self_connected() -> mio::net::TcpStream {
    // SAFETY: the answer is checked, and the new descriptor has no other owner.
    let socket = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        assert!(socket >= 0);
        OwnedFd::from_raw_fd(socket)
    };
    // SAFETY: all zeros is a valid address: family 0, port 0.
    let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
    let mut length = mem::size_of_val(&address) as libc::socklen_t;
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_addr.s_addr = u32::from(Ipv4Addr::LOCALHOST).to_be();
    let fd = socket.as_raw_fd();
    // SAFETY: pointer and length describe `address`, which outlives the calls.
    unsafe {
        check(libc::bind(fd, ptr::from_ref(&address).cast(), length)).unwrap();
        check(libc::getsockname(fd, ptr::from_mut(&mut address).cast(), &mut length)).unwrap();
        check(libc::connect(fd, ptr::from_ref(&address).cast(), length)).unwrap();
    }
    mio::net::TcpStream::from_std(std::net::TcpStream::from(socket))
}

#[test]
fn unknown_or_impossible_interface_names_have_no_index() {
    assert_eq!(interface_index("no-such-if"), None);
    assert_eq!(interface_index("l\0o"), None);
    let addresses = if_addrs::get_if_addrs().unwrap();
    let loopback = addresses.iter().find(|entry| entry.ip() == Ipv4Addr::LOCALHOST).unwrap();
    assert_eq!(interface_index(&loopback.name), loopback.index);
    assert!(loopback.index.is_some());
}
