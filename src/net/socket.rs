//! Listeners, the pair of two consecutive ports, connections and their options.
//!
//! Every socket is non-blocking and is not inherited by programs that the process starts.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use socket2::{SockRef, TcpKeepalive};

use super::address::{self, HostAddress};
pub use super::cause::{cause_text, is_shortage, shortage_remedy};
use super::descriptors::{above_standard, hold_standard};
use super::sys;
pub(crate) use super::sys::receive_behind;
use crate::error::{Error, Result, Status};

/// Connections that wait at a listener to be accepted, at most: the system's usual maximum. One that
/// finds no room gets no answer, and its peer tries again a second later. `mio` asks for 128, which
/// a burst of other connections fills.
pub(super) const WAITING_MAX: libc::c_int = 4096;
/// Slices of one vectored send; POSIX promises 16, every known system takes 1024.
const SLICES_MAX: usize = 1024;
/// How often [`bind_pair`] asks the system for a port in the search for two consecutive ones.
const EPHEMERAL_PAIR_ATTEMPTS_MAX: usize = 128;

/// Opens a listener at `address`; port 0 lets the system choose. The address can be bound again
/// at once after an earlier listener has closed (`SO_REUSEADDR`). Up to 4096 connections may wait
/// to be accepted, or as many as the system allows.
///
/// # Errors
///
/// The system's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let _held = hold_standard();
    let listener = above_standard(TcpListener::bind(address)?)?;
    SockRef::from(&listener).listen(WAITING_MAX)?;
    Ok(listener)
}

/// Two listeners at consecutive ports of one address.
#[derive(Debug)]
pub struct PortPair {
    /// Listens at [`PortPair::port`].
    pub first: TcpListener,
    /// Listens at the port after it.
    pub second: TcpListener,
    /// The port of `first`, in host byte order; the chosen one if 0 was requested.
    pub port: u16,
}

/// Opens listeners at `port` and `port + 1` (host byte order) of the address that `text` names
/// (see [`address::local_address`]); both or none. With port 0 the system picks a port whose
/// successor is free too. The second port is bound first, as by Rogue's bridge.
///
/// # Errors
///
/// [`Status::Bind`] if the system refuses one of the ports; [`Status::InvalidArgument`] for port
/// 65535, which has no successor; the errors of [`address::local_address`]. The text names the port
/// that failed, in Rogue's words, the address, the cause, the port that was asked for, and a remedy.
pub fn bind_pair(text: &str, port: u16) -> Result<PortPair> {
    let Some(second_port) = port.checked_add(1) else {
        let cause = "the bridge also needs the port after it, and there is none; choose 65534 or \
                     less";
        return Err(bind_error(Status::InvalidArgument, text, port, cause));
    };
    let address = address::local_address(text)
        .map_err(|cause| bind_error(cause.status(), text, port, cause.text()))?;
    if port == 0 {
        return bind_ephemeral_pair(text, address);
    }
    let bind = |at, asked: &str| {
        let address = address.with_port(at);
        listen(address).map_err(|error| refused(text, at, &error, asked, address))
    };
    let asked =
        format!("port {port} was asked for, and a server also needs {second_port}, the next one");
    let second = bind(second_port, &asked)?;
    Ok(PortPair { first: bind(port, "")?, second, port })
}

/// Chosen ports are random, so a taken successor only means another attempt.
fn bind_ephemeral_pair(text: &str, address: HostAddress) -> Result<PortPair> {
    let failed = |error: io::Error| refused(text, 0, &error, "", address.with_port(0));
    let mut last = String::from("no attempt was made");
    for _ in 0..EPHEMERAL_PAIR_ATTEMPTS_MAX {
        let first = match listen(address.with_port(0)) {
            Ok(first) => first,
            // Another socket may take the chosen port at this moment.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                last = cause_text(&error);
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        let port = first.local_addr().map_err(failed)?.port();
        let Some(second_port) = port.checked_add(1) else { continue };
        match listen(address.with_port(second_port)) {
            Ok(second) => return Ok(PortPair { first, second, port }),
            // Another port does not help.
            Err(error) if is_shortage(&error) => return Err(failed(error)),
            Err(error) => last = format!("port {second_port}: {}", cause_text(&error)),
        }
    }
    let cause = format!(
        "no two consecutive free ports in {EPHEMERAL_PAIR_ATTEMPTS_MAX} attempts, the last \
         failure being: {last}"
    );
    Err(bind_error(Status::Bind, text, 0, &cause))
}

/// `asked` says what `port` has to do with the port that was asked for, if it is another one.
fn refused(text: &str, port: u16, error: &io::Error, asked: &str, address: SocketAddr) -> Error {
    let mut cause = cause_text(error);
    let remedy = address::bind_remedy(error, address).unwrap_or_default();
    for words in [asked, &remedy].iter().filter(|words| !words.is_empty()) {
        cause.push_str("; ");
        cause.push_str(words);
    }
    let mut text = text.to_owned();
    // As Rogue says for any cause.
    if error.kind() == io::ErrorKind::AddrInUse {
        text.push_str(", another process may be using this port");
    }
    bind_error(Status::Bind, &text, port, &cause)
}

fn bind_error(status: Status, text: &str, port: u16, cause: &str) -> Error {
    let text = format!("Failed to bind server to port {port} at address {text}: {cause}");
    Error::new(status, "net::socket::bind_pair", text)
}

/// Accepts the next waiting connection; `None` if there is none. A connection that its peer has
/// aborted is skipped.
///
/// # Errors
///
/// The system's. If it is out of descriptors (`EMFILE`, `ENFILE`) or memory, the connection stays
/// in the queue, and no further readiness event announces it: try again after a while.
pub fn accept(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    let _held = hold_standard();
    loop {
        match listener.accept() {
            Ok((stream, peer)) => return Ok(Some((above_standard(stream)?, peer))),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                _ => return Err(error),
            },
        }
    }
}

/// Starts to connect to `address` and returns at once. Register the stream for writing; when it is
/// writable or has an error, call [`connect_outcome`].
///
/// # Errors
///
/// The system's, if known at once, for example that there is no route.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let _held = hold_standard();
    above_standard(TcpStream::connect(address)?)
}

/// The state of a connection attempt: `Ok(true)` when connected, `Ok(false)` while it runs.
///
/// # Errors
///
/// The cause of the failure. A socket connected to itself counts as refused: an attempt to reach an
/// unused port of this host succeeds without a peer if the system assigns that very port to it, and
/// would keep the awaited server from binding the port.
pub fn connect_outcome(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    let peer = match stream.peer_addr() {
        Ok(peer) => peer,
        Err(error) if is_unconnected(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    if stream.local_addr()? == peer {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(true)
}

fn is_unconnected(error: &io::Error) -> bool {
    // macOS reports EINVAL while the attempt runs.
    matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::InvalidInput)
}

/// How long a connection's other host may be silent, see [`Silence`].
pub const HOST_SILENCE_MAX: Duration = Duration::from_secs(10);
/// Unanswered keep-alive probes after which the kernel gives a silent connection up.
const KEEPALIVE_COUNT: u32 = 3;
/// The probes, with the pauses after each, take at most this part of the time.
const KEEPALIVE_PART: u64 = 2;

/// When the kernel gives a connection up by itself, also while the program's code blocks the loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Silence {
    /// How long the other host may be silent if nothing has been sent to it: an idle connection
    /// exchanges keep-alive probes in the kernel. In whole seconds, at least four. Not to a loopback
    /// address: no cable is there to be cut, and the kernel itself ends the connections of a process.
    pub host_max: Duration,
    /// How long sent bytes may stay unacknowledged, in whole milliseconds: the kernel does not
    /// distinguish a dead host from one that does not read. This limit then replaces the other one.
    /// Zero, and anywhere but on Linux: the system's own limit applies, which a living peer never
    /// reaches.
    pub unread_max: Duration,
}

impl Silence {
    /// Seconds without anything received before the first keep-alive probe, and between two.
    fn keepalive_seconds(self) -> (u64, u64) {
        // What the kernel's options hold.
        const SECONDS_MAX: u64 = 32_767;
        let count = u64::from(KEEPALIVE_COUNT);
        let seconds = self.host_max.as_secs().clamp(count + 1, SECONDS_MAX);
        let interval = (seconds / KEEPALIVE_PART / count).max(1);
        (seconds - count * interval, interval)
    }
}

/// Whether accepted connections have what their listener has been [configured](configure) with. Six
/// system calls for each would be a third of what a connection costs that never says a word.
pub const LISTENERS_PASS_ON: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Sets a connection up for short messages: no coalescing delay (`TCP_NODELAY`), an early end if
/// the peer's host is dead, and no signal when the peer has closed. May be called again.
///
/// # Errors
///
/// The system's.
pub fn configure(socket: &impl AsFd, silence: Silence) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_vendor = "apple")]
    socket.set_nosigpipe(true)?;
    if is_looped_back(&socket) {
        // The probes of thousands of idle connections that were made together are due together, and
        // the loopback device drops what exceeds its queue: living connections would be given up.
        socket.set_keepalive(false)?;
    } else {
        let (idle, interval) = silence.keepalive_seconds();
        let probes = TcpKeepalive::new()
            .with_time(Duration::from_secs(idle))
            .with_interval(Duration::from_secs(interval))
            .with_retries(KEEPALIVE_COUNT);
        socket.set_tcp_keepalive(&probes)?;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(silence.unread_max))?;
    Ok(())
}

/// Whether the peer is at a loopback address; false for a socket without a peer.
fn is_looped_back(socket: &SockRef<'_>) -> bool {
    let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

/// Sends from several slices with one system call; returns the number of bytes sent, possibly fewer
/// than all. A connection closed by the peer is an error and never a `SIGPIPE`, which
/// `TcpStream::write_vectored` of the standard library does not promise in a C program.
///
/// # Errors
///
/// The system's: `WouldBlock` if there is no room, `Interrupted` to try again.
pub(crate) fn send_vectored(socket: &impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(not(target_vendor = "apple"))]
    let flags = libc::MSG_NOSIGNAL;
    // On these systems the socket itself has SO_NOSIGPIPE.
    #[cfg(target_vendor = "apple")]
    let flags = 0;
    let slices = &slices[..slices.len().min(SLICES_MAX)];
    SockRef::from(socket).send_vectored_with_flags(slices, flags)
}

/// Octets that have been sent and that the peer has not acknowledged; `None` where the system does not
/// tell.
pub fn unacknowledged(stream: &impl AsFd) -> Option<u64> {
    sys::unacknowledged(stream.as_fd())
}

/// Whether octets have come that have not been read.
pub fn has_unread(stream: &impl AsFd) -> bool {
    sys::unread(stream.as_fd()).is_ok_and(|octets| octets > 0)
}

/// Whether the peer has closed its end, and left nothing to be read.
pub fn has_ended(stream: &impl AsFd) -> bool {
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    match SockRef::from(stream).recv_with_flags(&mut [MaybeUninit::uninit()], flags) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

#[cfg(test)]
pub(crate) mod tests;
