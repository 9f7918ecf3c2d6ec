//! UDP sockets: datagrams in batches, errors that the network reports, sizes of buffers.
//!
//! Every socket is non-blocking and is not inherited by programs that the process starts. A socket
//! is not connected: each datagram states its destination, and its source when it arrives.

mod sys;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use socket2::SockRef;

use super::descriptors::make_descriptor;

/// The kernel states twice the size that was granted, to account for its own needs (socket(7)).
#[cfg(any(target_os = "linux", target_os = "android"))]
const STATED_FACTOR: usize = 2;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STATED_FACTOR: usize = 1;

pub use sys::{zeroed, Arrival, NetworkError, BATCH_COUNT_MAX, SPILL_BYTES};

/// Opens a socket at `address`; port 0 lets the system choose. The address must be free: no second
/// socket can be bound to it. `[::]` receives IPv4 datagrams too, unless the system is configured
/// otherwise. Linux also reports errors of the network ([`network_error`]), and joins datagrams of
/// one size from one source, which then cost about as much as one.
///
/// # Errors
///
/// The system's.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = make_descriptor(|| UdpSocket::bind(address))?;
    socket.set_nonblocking(true)?;
    sys::report_network_errors(socket.as_fd(), address.is_ipv6())?;
    sys::join_datagrams(socket.as_fd());
    Ok(socket)
}

/// Sends `datagrams` to `to`, in order; several with one system call where the system can. Returns
/// the number sent, which may be smaller than that of all. Callable from several threads at once.
///
/// # Errors
///
/// The system's, if none was sent: `WouldBlock` if there is no room. An error of the network about
/// an earlier datagram may be reported here too, once; then this one has not been sent.
pub fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
    match datagrams {
        [] => Ok(0),
        [datagram] => socket.send_to(datagram, to).map(|_| 1),
        _ => sys::send(socket.as_fd(), datagrams, to),
    }
}

/// Receives into each of `rooms`, at most `COUNT_MAX` of them, each continued by the next
/// [`SPILL_BYTES`] of `spill`, and describes what has arrived in `arrivals`, which is cleared first.
/// With fewer arrivals than rooms the socket has been drained. The call costs what `COUNT_MAX` rooms
/// cost to describe. A room without its part of `spill` may lose joined datagrams.
///
/// # Errors
///
/// The system's, if none was received: `WouldBlock` if there is none. An error of the network about
/// a sent datagram may be reported here too, once.
pub fn receive<'a, const COUNT_MAX: usize>(
    socket: &UdpSocket,
    rooms: impl Iterator<Item = &'a mut [u8]>,
    spill: &mut [u8],
    arrivals: &mut Vec<Arrival>,
) -> io::Result<()> {
    arrivals.clear();
    sys::receive::<COUNT_MAX>(socket.as_fd(), rooms, spill, arrivals)
}

/// The next error that the network has reported; `None` if there is none. Linux only; elsewhere
/// always `None`.
pub fn network_error(socket: &UdpSocket) -> Option<NetworkError> {
    sys::network_error(socket.as_fd())
}

/// Asks the system for a receive buffer of `bytes`, and returns the bytes granted, which may be
/// fewer or more.
///
/// # Errors
///
/// The system's.
pub fn set_receive_buffer(socket: &UdpSocket, bytes: usize) -> io::Result<usize> {
    SockRef::from(socket).set_recv_buffer_size(bytes.min(libc::c_int::MAX as usize))?;
    receive_buffer(socket)
}

/// Bytes of the receive buffer.
///
/// # Errors
///
/// The system's.
pub fn receive_buffer(socket: &UdpSocket) -> io::Result<usize> {
    Ok(SockRef::from(socket).recv_buffer_size()? / STATED_FACTOR)
}

/// Number of datagrams that the system has dropped because the receive buffer was full. Linux only;
/// elsewhere 0.
pub fn overflow_count(socket: &UdpSocket) -> u64 {
    sys::overflow_count(socket.as_fd())
}

#[cfg(test)]
mod tests;
