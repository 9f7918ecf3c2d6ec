//! What the standard library and `mio` do not offer: the only `unsafe` code of this room.

use std::ffi::{CStr, CString};
use std::io::{self, IoSlice};
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::thread::{self, JoinHandle};

/// A bound on the list of interface addresses, so that the walk over it always ends.
const INTERFACE_ADDRESSES_MAX: usize = 65_536;

/// The number of slices one vectored send takes; POSIX promises 16, every system we know 1024.
const SLICES_MAX: usize = 1024;

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

/// Reads an option of a socket whose value is a C `int`.
#[cfg(test)]
pub(super) fn option(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `value`.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_mut(&mut value).cast(),
            &mut length,
        )
    };
    check(answer).map(|()| value)
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Sends from several slices at once; a closed connection is an error, never a signal.
pub(super) fn send_vectored(socket: BorrowedFd<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let slices = &slices[..slices.len().min(SLICES_MAX)];
    // SAFETY: all zeros is a valid `msghdr`: null pointers with zero lengths.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    // `IoSlice` is documented to have the layout of `iovec` on Unix; `sendmsg` only reads it.
    message.msg_iov = slices.as_ptr().cast::<libc::iovec>().cast_mut();
    message.msg_iovlen = slices.len() as _;
    #[cfg(not(target_vendor = "apple"))]
    let flags = libc::MSG_NOSIGNAL;
    // There the socket itself carries SO_NOSIGPIPE.
    #[cfg(target_vendor = "apple")]
    let flags = 0;
    // SAFETY: `message` points to `slices` and through them to memory that is borrowed, hence
    // alive and unchanged, until the call returns.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, flags) };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(sent as usize)
    }
}

/// Receives into the room behind `bytes`, at most `limit` bytes; returns their number.
pub(super) fn receive_behind(
    socket: BorrowedFd<'_>,
    bytes: &mut Vec<u8>,
    limit: usize,
) -> io::Result<usize> {
    let room = bytes.spare_capacity_mut();
    let count = room.len().min(limit);
    // SAFETY: the system writes at most `count` bytes, and so many are there.
    let received = unsafe { libc::recv(socket.as_raw_fd(), room.as_mut_ptr().cast(), count, 0) };
    // Negative for an error, and then no length.
    let Ok(received) = usize::try_from(received) else { return Err(io::Error::last_os_error()) };
    // SAFETY: so many bytes behind the former end are within the capacity, and the system has
    // written them.
    unsafe { bytes.set_len(bytes.len() + received) };
    Ok(received)
}

/// Takes at most `limit` bytes off what a stream has received, without looking at them.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn discard(socket: BorrowedFd<'_>, limit: usize) -> io::Result<usize> {
    let nowhere = ptr::null_mut();
    // SAFETY: with this flag the system writes nothing (tcp(7)); one that did not know it would
    // find that it cannot write there, and say so.
    let count = unsafe { libc::recv(socket.as_raw_fd(), nowhere, limit, libc::MSG_TRUNC) };
    // Negative for an error, and then no length.
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Other systems cannot.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn discard(_socket: BorrowedFd<'_>, _limit: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// One address of one network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct InterfaceAddress {
    pub(super) name: String,
    pub(super) ip: IpAddr,
}

/// The addresses of all interfaces, in the system's order.
pub(super) fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: on success the call stores a list that stays ours until `freeifaddrs`.
    check(unsafe { libc::getifaddrs(&mut list) })?;
    let mut addresses = Vec::new();
    let mut entry = list;
    while !entry.is_null() && addresses.len() < INTERFACE_ADDRESSES_MAX {
        // SAFETY: `entry` is a node of the list, which lives until it is freed below.
        let node = unsafe { &*entry };
        // SAFETY: each node names its interface by a terminated string.
        let name = unsafe { CStr::from_ptr(node.ifa_name) }.to_string_lossy().into_owned();
        // SAFETY: the address of a node is null or a socket address of the family it says.
        if let Some(ip) = unsafe { ip_of(node.ifa_addr) } {
            addresses.push(InterfaceAddress { name, ip });
        }
        entry = node.ifa_next;
    }
    // SAFETY: the list came from `getifaddrs` and nothing refers to it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(addresses)
}

/// # Safety
///
/// `address` is null or points to a socket address of the family it states.
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller promises a readable address; every address starts with its family.
    match libc::c_int::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says which structure it is; it may lie at any alignment.
            let v4 = unsafe { ptr::read_unaligned(address.cast::<libc::sockaddr_in>()) };
            Some(IpAddr::V4(Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes())))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { ptr::read_unaligned(address.cast::<libc::sockaddr_in6>()) };
            Some(IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

/// The index of the interface of that name, which is the scope id of its link-local addresses.
pub(super) fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is a terminated string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => Some(index),
    }
}

/// Signals that report a fault of the running instruction. Blocked, they would end the process
/// without the handler that a crash reporter has installed.
const FAULT_SIGNALS: [libc::c_int; 5] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];

/// Starts a thread that takes no signals, so that a program's signal handlers run on its own
/// threads. Characters that a thread name cannot hold are left out.
pub(super) fn spawn_without_signals<F>(name: &str, body: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    let name = name.replace('\0', "");
    // A new thread inherits the mask: setting it here leaves no moment in which a signal could
    // reach the new thread.
    let former = block_signals()?;
    let spawned = thread::Builder::new().name(name).spawn(body);
    // SAFETY: `former` is the mask this thread had; the second pointer may be null.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &former, ptr::null_mut()) };
    spawned
}

/// Blocks the calling thread's signals and returns the mask it had.
fn block_signals() -> io::Result<libc::sigset_t> {
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    let mut former = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set before it is changed and used, and
    // `pthread_sigmask` initialises `former` when it succeeds.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in FAULT_SIGNALS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        match libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), former.as_mut_ptr()) {
            0 => Ok(former.assume_init()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// Whether programs started by this process do not inherit `socket`.
#[cfg(test)]
pub(super) fn is_close_on_exec(socket: BorrowedFd<'_>) -> bool {
    // SAFETY: the descriptor is open for the life of the borrow.
    let flags = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC != 0
}

#[cfg(test)]
static BROKEN_PIPE_SIGNALS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Makes SIGPIPE count instead of being ignored, as it is in Rust's own test programs.
#[cfg(test)]
pub(super) fn count_broken_pipe_signals() {
    extern "C" fn count(_: libc::c_int) {
        BROKEN_PIPE_SIGNALS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    // SAFETY: the handler only touches an atomic, which is allowed in a signal handler.
    let former = unsafe {
        libc::signal(libc::SIGPIPE, count as extern "C" fn(libc::c_int) as libc::sighandler_t)
    };
    assert_ne!(former, libc::SIG_ERR);
}

#[cfg(test)]
pub(super) fn broken_pipe_signals() -> usize {
    BROKEN_PIPE_SIGNALS.load(std::sync::atomic::Ordering::SeqCst)
}

/// A TCP socket that has connected to itself.
#[cfg(test)]
pub(super) fn self_connected() -> mio::net::TcpStream {
    use std::os::fd::{FromRawFd, OwnedFd};

    // SAFETY: the answer is checked, and nobody else owns the new descriptor.
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

/// Whether the calling thread has blocked `signal`.
#[cfg(test)]
pub(super) fn signal_is_blocked(signal: libc::c_int) -> bool {
    let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: with a null new set the call only stores the present mask.
    unsafe {
        assert_eq!(libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), mask.as_mut_ptr()), 0);
        libc::sigismember(mask.as_ptr(), signal) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_among_the_interface_addresses() {
        let addresses = interface_addresses().unwrap();
        assert!(addresses.iter().any(|entry| entry.ip == IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn unknown_or_impossible_interface_names_have_no_index() {
        assert_eq!(interface_index("no-such-if"), None);
        assert_eq!(interface_index("l\0o"), None);
        let loopback = interface_addresses().unwrap();
        let loopback = loopback.iter().find(|entry| entry.ip.is_loopback()).unwrap();
        assert!(interface_index(&loopback.name).is_some());
    }

    #[test]
    fn spawned_thread_takes_no_signal_but_faults_and_the_spawner_keeps_its_mask() {
        let before = signal_is_blocked(libc::SIGTERM);
        let thread = spawn_without_signals("a\0b", || {
            assert_eq!(thread::current().name(), Some("ab"));
            assert!(signal_is_blocked(libc::SIGTERM));
            assert!(signal_is_blocked(libc::SIGINT));
            assert!(!signal_is_blocked(libc::SIGSEGV));
        });
        thread.unwrap().join().unwrap();
        assert_eq!(signal_is_blocked(libc::SIGTERM), before);
    }
}
