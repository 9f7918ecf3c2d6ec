//! System calls for UDP that the standard library does not offer: the only `unsafe` code of this
//! folder.

use std::alloc::{self, Layout};
use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use socket2::SockAddr;

use crate::net::sys::set_option;

/// Upper bound on the datagrams of one system call: beyond it the call's own cost is a few percent.
pub const BATCH_COUNT_MAX: usize = 32;

/// Bytes of the second part of a room, behind that of a datagram's usual size: what the system may
/// join is one IPv4 packet. 0 where it joins nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub const SPILL_BYTES: usize = 1 << 16;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub const SPILL_BYTES: usize = 0;

/// `bytes` zeros that the system gives memory to where they are used; `None` if it refuses them.
pub fn zeroed(bytes: usize) -> Option<Vec<u8>> {
    let layout = Layout::array::<u8>(bytes).ok().filter(|_| bytes > 0)?;
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc::alloc_zeroed(layout) };
    if start.is_null() {
        return None;
    }
    // SAFETY: the allocator of all vectors has given that many bytes of this layout, which are zeros.
    Some(unsafe { Vec::from_raw_parts(start, bytes, bytes) })
}

/// What has been received into one room: a datagram, or several from one source that the system has
/// joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Bytes in all.
    pub bytes: usize,
    /// Bytes of each datagram, but the last one, which may be shorter.
    pub datagram_bytes: usize,
    /// There was no room for all of it; the rest is lost.
    pub is_truncated: bool,
    /// Where it came from; `None` if the system does not say.
    pub source: Option<SocketAddr>,
}

impl Arrival {
    /// Where each datagram lies in the room.
    pub fn datagrams(&self) -> impl Iterator<Item = Range<usize>> {
        let Arrival { bytes, datagram_bytes, .. } = *self;
        // An empty datagram is one too.
        let count = bytes.div_ceil(datagram_bytes.max(1)).max(1);
        let bound = move |index: usize| (index * datagram_bytes).min(bytes);
        (0..count).map(move |index| bound(index)..bound(index + 1))
    }
}

/// An error that the network reports about an earlier datagram: an ICMP message, or a limit of this
/// host's own.
#[derive(Debug)]
pub struct NetworkError {
    /// Where the datagram was sent to.
    pub destination: Option<SocketAddr>,
    /// For example `ConnectionRefused`: no program listens at that port.
    pub cause: io::Error,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::mmsghdr as Message;

/// As on Linux, for [`send_several`] and [`receive_several`].
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[repr(C)]
struct Message {
    msg_hdr: libc::msghdr,
    msg_len: libc::c_uint,
}

/// The address of either family: that of IPv6 is the larger structure.
type AnyAddress = libc::sockaddr_in6;

/// The address that the system has written to `encoded`; `None` if it has written none.
fn decode(encoded: &AnyAddress) -> Option<SocketAddr> {
    match libc::c_int::from(encoded.sin6_family) {
        libc::AF_INET => {
            // SAFETY: the family determines the structure, which is the smaller one.
            let v4 =
                unsafe { ptr::read_unaligned(ptr::from_ref(encoded).cast::<libc::sockaddr_in>()) };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(encoded.sin6_addr.s6_addr);
            let port = u16::from_be(encoded.sin6_port);
            Some(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, encoded.sin6_scope_id)))
        }
        _ => None,
    }
}

/// Sends the first [`BATCH_COUNT_MAX`] of `datagrams`; returns the number sent.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    datagrams: &[&[u8]],
    to: SocketAddr,
) -> io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(count) = segmentable_count(datagrams) {
        match send_segmented(socket, &datagrams[..count], to) {
            // Refused for these datagrams or on this way, and not only now.
            Err(error) if is_refusal(&error) => {}
            outcome => return outcome.map(|()| count),
        }
    }
    send_batch(socket, datagrams, to)
}

/// Upper bound on the bytes of datagrams that the system cuts: it takes them as one IPv4 packet.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEGMENTED_BYTES_MAX: usize = 65_000;

/// Number of datagrams from the first one on that the system can cut from one piece: of one size,
/// but for a smaller last one. `None` if that is not worth while.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn segmentable_count(datagrams: &[&[u8]]) -> Option<usize> {
    let size = datagrams.first()?.len();
    let (mut count, mut bytes) = (0, 0);
    for datagram in datagrams.iter().take(BATCH_COUNT_MAX) {
        let is_shorter = datagram.len() < size;
        bytes += datagram.len();
        if datagram.is_empty() || datagram.len() > size || bytes > SEGMENTED_BYTES_MAX {
            break;
        }
        count += 1;
        if is_shorter {
            break;
        }
    }
    (count > 1).then_some(count)
}

/// Whether the system cannot cut these datagrams: it is older than Linux 4.18, they are larger than
/// the network's packets, or the network has no checksums of its own.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_refusal(error: &io::Error) -> bool {
    let refusals = [libc::EINVAL, libc::EIO, libc::EMSGSIZE, libc::EOPNOTSUPP, libc::ENOPROTOOPT];
    error.raw_os_error().is_some_and(|number| refusals.contains(&number))
}

/// Sends datagrams of one size, but for a smaller last one, as one piece that the system cuts at the
/// end of its own way (udp(7), `UDP_SEGMENT`). Measured over loopback, 32 datagrams of 1472 bytes
/// cost a quarter of those that travel one by one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn send_segmented(socket: BorrowedFd<'_>, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<()> {
    let to = SockAddr::from(to);
    // SAFETY: all zeros are valid values of both: null pointers with zero lengths.
    let (mut slices, mut message): ([libc::iovec; BATCH_COUNT_MAX], libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    for (slice, datagram) in slices.iter_mut().zip(datagrams) {
        // The system only reads it.
        slice.iov_base = datagram.as_ptr().cast_mut().cast();
        slice.iov_len = datagram.len();
    }
    let size = datagrams[0].len() as u16;
    let mut control = ControlRoom([0; 256]);
    message.msg_name = to.as_ptr().cast_mut().cast();
    message.msg_namelen = to.len();
    message.msg_iov = slices.as_mut_ptr();
    message.msg_iovlen = datagrams.len() as _;
    message.msg_control = control.0.as_mut_ptr().cast();
    // SAFETY: the macro computes with numbers.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(mem::size_of_val(&size) as u32) } as _;
    // SAFETY: the control room is larger than one header with its number, and aligned for it.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(mem::size_of_val(&size) as u32) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast(), size);
    }
    // SAFETY: the message points to the address, the slices and through them to the datagrams, and
    // to the control room: all outlive the call.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map(drop).map_err(|_| io::Error::last_os_error())
}

/// Sends the first [`BATCH_COUNT_MAX`] of `datagrams` one by one with one system call.
fn send_batch(socket: BorrowedFd<'_>, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
    let to = SockAddr::from(to);
    let count = datagrams.len().min(BATCH_COUNT_MAX);
    // SAFETY: all zeros are valid values of both: null pointers with zero lengths.
    let (mut slices, mut messages): ([libc::iovec; BATCH_COUNT_MAX], [Message; BATCH_COUNT_MAX]) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    for (slice, datagram) in slices.iter_mut().zip(datagrams) {
        // The system only reads it.
        slice.iov_base = datagram.as_ptr().cast_mut().cast();
        slice.iov_len = datagram.len();
    }
    for (message, slice) in messages[..count].iter_mut().zip(&mut slices) {
        message.msg_hdr.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_hdr.msg_namelen = to.len();
        message.msg_hdr.msg_iov = slice;
        message.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: each message points to the address and to its slice, and through that to a datagram:
    // all outlive the call.
    let sent = unsafe { send_several(socket.as_raw_fd(), &mut messages[..count]) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Lets the system join datagrams of one size from one source on their way (udp(7), `UDP_GRO`). One
/// that is older than Linux 5.0 does not.
pub(super) fn join_datagrams(socket: BorrowedFd<'_>) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}

/// Room for what the system says about joined datagrams: a header and a number.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct JoinRoom([u8; 32]);

/// Receives into each of the first `COUNT_MAX` of `rooms`, each with the next [`SPILL_BYTES`] of
/// `spill` behind it, and describes what has arrived in `arrivals`.
pub(super) fn receive<'a, const COUNT_MAX: usize>(
    socket: BorrowedFd<'_>,
    rooms: impl Iterator<Item = &'a mut [u8]>,
    spill: &mut [u8],
    arrivals: &mut Vec<Arrival>,
) -> io::Result<()> {
    // SAFETY: all zeros are valid values of all three: null pointers with zero lengths, family 0.
    let (mut slices, mut sources, mut messages): (
        [[libc::iovec; 2]; COUNT_MAX],
        [AnyAddress; COUNT_MAX],
        [Message; COUNT_MAX],
    ) = unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
    let mut controls = [JoinRoom([0; 32]); COUNT_MAX];
    let mut spills = spill.chunks_exact_mut(SPILL_BYTES.max(1));
    let mut count = 0;
    for (pair, room) in slices.iter_mut().zip(rooms) {
        let spill = spills.next().unwrap_or_default();
        for (slice, part) in pair.iter_mut().zip([room, spill]) {
            slice.iov_base = part.as_mut_ptr().cast();
            slice.iov_len = part.len();
        }
        count += 1;
    }
    let places = slices.iter_mut().zip(&mut sources).zip(&mut controls);
    for (message, ((pair, source), control)) in messages[..count].iter_mut().zip(places) {
        message.msg_hdr.msg_name = ptr::from_mut(source).cast();
        message.msg_hdr.msg_namelen = mem::size_of::<AnyAddress>() as libc::socklen_t;
        message.msg_hdr.msg_iov = pair.as_mut_ptr();
        message.msg_hdr.msg_iovlen = pair.len() as _;
        message.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
        message.msg_hdr.msg_controllen = control.0.len() as _;
    }
    // SAFETY: each message points to its source, its control room and its slices, and through these
    // to a room, which is borrowed for 'a, and to a part of `spill` of its own: all outlive the
    // call, and nothing else refers to them meanwhile.
    let answer = unsafe { receive_several(socket.as_raw_fd(), &mut messages[..count]) };
    let Ok(arrived) = usize::try_from(answer) else { return Err(io::Error::last_os_error()) };
    arrivals.extend(messages[..arrived].iter().zip(&sources).map(|(message, source)| {
        let bytes = message.msg_len as usize;
        Arrival {
            bytes,
            datagram_bytes: joined_bytes(&message.msg_hdr).unwrap_or(bytes),
            is_truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            source: decode(source),
        }
    }));
    Ok(())
}

/// Size of the datagrams that the system has joined to a message; `None` for a single one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn joined_bytes(message: &libc::msghdr) -> Option<usize> {
    // SAFETY: the system has written a list of headers to the control room and its length to the
    // message.
    let header = unsafe { libc::CMSG_FIRSTHDR(message) };
    if header.is_null() {
        return None;
    }
    // SAFETY: a header of the list, which lies within the control room.
    let (level, kind) = unsafe { ((*header).cmsg_level, (*header).cmsg_type) };
    // SAFETY: a header of this kind is followed by this number (udp(7)).
    let bytes = ((level, kind) == (libc::SOL_UDP, libc::UDP_GRO))
        .then(|| unsafe { ptr::read_unaligned(libc::CMSG_DATA(header).cast::<libc::c_int>()) });
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).filter(|&bytes| bytes > 0)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn joined_bytes(_: &libc::msghdr) -> Option<usize> {
    None
}

/// # Safety
///
/// Each message points to an address and slices that outlive the call.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn send_several(socket: RawFd, messages: &mut [Message]) -> libc::c_int {
    let count = messages.len() as libc::c_uint;
    // SAFETY: promised by the caller; the number is that of the messages.
    unsafe { libc::sendmmsg(socket, messages.as_mut_ptr(), count, libc::MSG_NOSIGNAL as _) }
}

/// # Safety
///
/// Each message points to an address and slices that outlive the call, and that nothing else uses.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn receive_several(socket: RawFd, messages: &mut [Message]) -> libc::c_int {
    let count = messages.len() as libc::c_uint;
    // SAFETY: promised by the caller; the number is that of the messages. No timeout is given.
    unsafe { libc::recvmmsg(socket, messages.as_mut_ptr(), count, 0, ptr::null_mut()) }
}

/// # Safety
///
/// As on Linux.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn send_several(socket: RawFd, messages: &mut [Message]) -> libc::c_int {
    one_by_one(messages, |message| {
        // SAFETY: promised by the caller.
        unsafe { libc::sendmsg(socket, &message.msg_hdr, 0) }
    })
}

/// # Safety
///
/// As on Linux.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn receive_several(socket: RawFd, messages: &mut [Message]) -> libc::c_int {
    one_by_one(messages, |message| {
        // SAFETY: promised by the caller.
        unsafe { libc::recvmsg(socket, &mut message.msg_hdr, 0) }
    })
}

/// Calls `transfer` for each message until one fails; -1 if that is the first, else their number.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn one_by_one(
    messages: &mut [Message],
    mut transfer: impl FnMut(&mut Message) -> libc::ssize_t,
) -> libc::c_int {
    for (n, message) in messages.iter_mut().enumerate() {
        match libc::c_uint::try_from(transfer(message)) {
            Ok(bytes) => message.msg_len = bytes,
            Err(_) if n == 0 => return -1,
            Err(_) => return n as libc::c_int,
        }
    }
    messages.len() as libc::c_int
}

/// Makes the system keep the errors that the network reports (ip(7), `IP_RECVERR`), for sockets
/// that are not connected too.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn report_network_errors(socket: BorrowedFd<'_>, is_ipv6: bool) -> io::Result<()> {
    if is_ipv6 {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
    }
    // Also for an IPv6 socket, which may exchange IPv4 datagrams.
    set_option(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn report_network_errors(_: BorrowedFd<'_>, _: bool) -> io::Result<()> {
    Ok(())
}

/// Room for one error in the system's form, with the addresses that follow it: about 80 bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[repr(align(8))]
struct ControlRoom([u8; 256]);

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn network_error(socket: BorrowedFd<'_>) -> Option<NetworkError> {
    // SAFETY: all zeros are valid values of both: family 0; null pointers with zero lengths.
    let (mut to, mut message): (AnyAddress, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut control = ControlRoom([0; 256]);
    message.msg_name = ptr::from_mut(&mut to).cast();
    message.msg_namelen = mem::size_of_val(&to) as libc::socklen_t;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: the message points to `to` and `control`, which outlive the call. The datagram that
    // failed is cut to nothing: no room is given for it.
    let answer = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_ERRQUEUE) };
    if answer < 0 {
        return None;
    }
    // SAFETY: the system has written a list of headers to `control` and its length to the message.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(&message) };
    while !header.is_null() {
        // SAFETY: a header of the list, which lies within `control`.
        let (level, kind) = unsafe { ((*header).cmsg_level, (*header).cmsg_type) };
        let reports =
            [(libc::IPPROTO_IP, libc::IP_RECVERR), (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)];
        if reports.contains(&(level, kind)) {
            // SAFETY: headers of this kind are followed by this structure (ip(7)).
            let error = unsafe {
                ptr::read_unaligned(libc::CMSG_DATA(header).cast::<libc::sock_extended_err>())
            };
            let number = i32::try_from(error.ee_errno).unwrap_or(libc::EIO);
            let cause = io::Error::from_raw_os_error(number);
            return Some(NetworkError { destination: decode(&to), cause });
        }
        // SAFETY: as for the first header.
        header = unsafe { libc::CMSG_NXTHDR(&message, header) };
    }
    let cause = io::Error::other("the system gives no reason");
    Some(NetworkError { destination: decode(&to), cause })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn network_error(_: BorrowedFd<'_>) -> Option<NetworkError> {
    None
}

/// Numbers of `SO_MEMINFO` that are read here: up to that of drops, `SK_MEMINFO_DROPS` of
/// linux/sock_diag.h.
#[cfg(target_os = "linux")]
const MEMORY_NUMBERS_COUNT: usize = libc::SK_MEMINFO_DROPS as usize + 1;

#[cfg(target_os = "linux")]
pub(super) fn overflow_count(socket: BorrowedFd<'_>) -> u64 {
    let mut numbers = [0_u32; MEMORY_NUMBERS_COUNT];
    let mut length = mem::size_of_val(&numbers) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `numbers`.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            numbers.as_mut_ptr().cast(),
            &mut length,
        )
    };
    // Kernels before 4.12 do not know the option.
    if answer < 0 {
        return 0;
    }
    numbers[libc::SK_MEMINFO_DROPS as usize].into()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn overflow_count(_: BorrowedFd<'_>) -> u64 {
    0
}
