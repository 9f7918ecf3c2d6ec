//! Listeners, the pair of two consecutive ports, connections and their options.
//!
//! Every socket is non-blocking and is not inherited by programs that the process starts.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};

use super::address::{self, HostAddress};
use super::sys;
use crate::error::{Error, Result, Status};

/// How often [`bind_pair`] asks the system for a port before it gives up finding two in a row.
const EPHEMERAL_PAIR_ATTEMPTS_MAX: usize = 128;

/// Opens a listener at `address`, port 0 for one of the system's choice. The address can be bound
/// again at once after an earlier listener has closed (`SO_REUSEADDR`); 1024 connections may wait
/// to be accepted, or what the system allows.
///
/// # Errors
///
/// The system's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// Two listeners at consecutive ports of one address.
#[derive(Debug)]
pub struct ListenerPair {
    /// Listens at [`ListenerPair::port`].
    pub first: TcpListener,
    /// Listens at the port after it.
    pub second: TcpListener,
    /// The port of `first`, in host byte order; the chosen one where 0 was asked for.
    pub port: u16,
    /// The address both are bound to.
    pub address: HostAddress,
}

/// Opens listeners at `port` and `port + 1` (host byte order) of the address that `text` names
/// (see [`address::local_address`]); both or none. With port 0 the system picks a port whose
/// successor is free too. The second port is bound first, as Rogue's bridge does.
///
/// # Errors
///
/// [`Status::Bind`] where the system refuses one of the ports; [`Status::InvalidArgument`] for
/// port 65535, which has no successor; what [`address::local_address`] says of `text`. The text
/// names the port and the address, in Rogue's words, and then the cause.
pub fn bind_pair(text: &str, port: u16) -> Result<ListenerPair> {
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
    let second = bind_one(text, address, second_port)?;
    let first = bind_one(text, address, port)?;
    Ok(ListenerPair { first, second, port, address })
}

fn bind_one(text: &str, address: HostAddress, port: u16) -> Result<TcpListener> {
    listen(address.with_port(port))
        .map_err(|error| bind_error(Status::Bind, text, port, &bind_cause(&error)))
}

/// Ports come at random, so one whose successor is taken only means another try.
fn bind_ephemeral_pair(text: &str, address: HostAddress) -> Result<ListenerPair> {
    let mut last = String::from("no attempt was made");
    for _ in 0..EPHEMERAL_PAIR_ATTEMPTS_MAX {
        let first = match listen(address.with_port(0)) {
            Ok(first) => first,
            // The system may pick a port that another socket takes at this moment.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                last = bind_cause(&error);
                continue;
            }
            Err(error) => return Err(bind_error(Status::Bind, text, 0, &bind_cause(&error))),
        };
        let local = first.local_addr();
        let port = local.map_err(|e| bind_error(Status::Bind, text, 0, &cause_text(&e)))?.port();
        let Some(second_port) = port.checked_add(1) else { continue };
        match listen(address.with_port(second_port)) {
            Ok(second) => return Ok(ListenerPair { first, second, port, address }),
            Err(error) => last = bind_cause(&error),
        }
    }
    let cause = format!(
        "no two consecutive free ports in {EPHEMERAL_PAIR_ATTEMPTS_MAX} attempts, the last \
         failure being: {last}"
    );
    Err(bind_error(Status::Bind, text, 0, &cause))
}

fn bind_error(status: Status, text: &str, port: u16, cause: &str) -> Error {
    let text = format!(
        "Failed to bind server to port {port} at address {text}, another process may be using \
         this port: {cause}"
    );
    Error::new(status, "net::socket::bind_pair", text)
}

/// The cause of a refused bind, with what to do where the system's words do not tell.
fn bind_cause(error: &io::Error) -> String {
    let cause = cause_text(error);
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            format!("{cause}; no interface of this host has that address")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{cause}; ports below 1024 are commonly reserved, choose a higher one")
        }
        _ => cause,
    }
}

/// The system's words for `error`, without its number: `Connection refused`.
pub fn cause_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Takes the next waiting connection; `None` when there is none. A connection that its peer has
/// given up meanwhile is passed over.
///
/// # Errors
///
/// The system's. When it is out of descriptors (`EMFILE`, `ENFILE`) or memory the connection stays
/// in the queue, and no further readiness event announces it: try again after a while.
pub fn accept(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        match listener.accept() {
            Ok(connection) => return Ok(Some(connection)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                _ => return Err(error),
            },
        }
    }
}

/// Begins to connect to `address` and returns at once. Register the stream for writing; when it is
/// writable or has an error, ask [`connect_outcome`].
///
/// # Errors
///
/// The system's, where it knows at once, for example that there is no route.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address)
}

/// What became of a connection attempt: `Ok(true)` when connected, `Ok(false)` while it runs.
///
/// # Errors
///
/// Why it failed. A socket that has met itself counts as refused: an attempt to reach an unused
/// port of this host, if the system gives it that very port as its own, succeeds with nobody at
/// the other end, and would keep the awaited server from binding the port.
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
    // macOS says EINVAL where the attempt is still under way.
    matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::InvalidInput)
}

/// When the kernel gives up a silent connection. Works while user code blocks the event loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Liveness {
    /// Silence after which the kernel begins to ask whether the peer is there; whole seconds,
    /// rounded up.
    pub keepalive_idle: Duration,
    /// Time between two such questions; whole seconds, rounded up.
    pub keepalive_interval: Duration,
    /// How many questions may go unanswered before the connection counts as lost.
    pub keepalive_count: u32,
    /// How long sent bytes may stay unacknowledged before the connection counts as lost; whole
    /// milliseconds. Linux only, elsewhere the system's own limit applies.
    pub unacknowledged_max: Duration,
}

/// Prepares a connection for short messages: no delay for coalescing (`TCP_NODELAY`), the given
/// liveness, and no signal when the peer has gone.
///
/// # Errors
///
/// The system's.
pub fn configure(stream: &TcpStream, liveness: &Liveness) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = stream.as_fd();
    #[cfg(target_vendor = "apple")]
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1)?;
    set_liveness(socket, liveness)
}

#[cfg(target_vendor = "apple")]
const KEEPALIVE_IDLE: libc::c_int = libc::TCP_KEEPALIVE;
#[cfg(not(target_vendor = "apple"))]
const KEEPALIVE_IDLE: libc::c_int = libc::TCP_KEEPIDLE;

fn set_liveness(socket: BorrowedFd<'_>, liveness: &Liveness) -> io::Result<()> {
    let tcp = libc::IPPROTO_TCP;
    let count = libc::c_int::try_from(liveness.keepalive_count).unwrap_or(libc::c_int::MAX);
    sys::set_option(socket, tcp, KEEPALIVE_IDLE, seconds(liveness.keepalive_idle))?;
    sys::set_option(socket, tcp, libc::TCP_KEEPINTVL, seconds(liveness.keepalive_interval))?;
    sys::set_option(socket, tcp, libc::TCP_KEEPCNT, count)?;
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let milliseconds = liveness.unacknowledged_max.as_millis();
        let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        sys::set_option(socket, tcp, libc::TCP_USER_TIMEOUT, milliseconds)?;
    }
    Ok(())
}

/// Whole seconds for an option that takes nothing less than one, and on Linux nothing above 32767.
fn seconds(duration: Duration) -> libc::c_int {
    let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    whole.clamp(1, 32_767) as libc::c_int
}

/// Sends from several slices with one system call; returns how many bytes the system took, which
/// may be fewer than all. A connection closed by the peer is an error and never a `SIGPIPE`, which
/// `TcpStream::write_vectored` of the standard library does not promise in a C program.
///
/// # Errors
///
/// The system's: `WouldBlock` when there is no room, `Interrupted` to try again.
pub fn send_vectored(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    sys::send_vectored(stream.as_fd(), slices)
}

/// Receives into the room behind `bytes`, which need not be cleared for it and is not made larger;
/// at most `limit` bytes. Returns their number; 0 is the end of the stream, where there was room.
///
/// # Errors
///
/// The system's: `WouldBlock` when there is nothing, `Interrupted` to try again.
pub fn receive_behind(stream: &TcpStream, bytes: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    sys::receive_behind(stream.as_fd(), bytes, limit)
}

/// Throws away what has come, at most `limit` bytes, without copying it out of the system. Returns
/// their number; 0 is the end of the stream.
///
/// # Errors
///
/// The system's: `WouldBlock` when there is nothing, `Interrupted` to try again; one of another
/// kind also where the system cannot do this, so that the bytes are to be received.
pub fn discard(stream: &TcpStream, limit: usize) -> io::Result<usize> {
    sys::discard(stream.as_fd(), limit)
}

#[cfg(test)]
mod tests;
