//! The listeners of a server: two at each of its addresses.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net as unix_net;

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Interest, Registry, Token};

use super::address::canonical;
use super::descriptors::{hold_standard, renumbered};
use super::server_address::ServerAddress;
use super::socket::{cause_text, Silence};
use super::unix::{self, UnixPath, UnixServer};
use super::{socket, sys, ByteStream};
use crate::error::{Error, Result, Status};
use crate::peer::PeerAddress;

/// A listener of either kind.
#[derive(Debug)]
pub enum Listener {
    /// At a TCP port.
    Tcp(TcpListener),
    /// At a path.
    Unix(UnixServer),
}

impl Listener {
    /// Accepts the next waiting connection; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`socket::accept`].
    pub fn accept(&self) -> io::Result<Option<(ByteStream, PeerAddress)>> {
        Ok(match self {
            Listener::Tcp(listener) => socket::accept(listener)?
                .map(|(stream, peer)| (stream.into(), canonical(peer).into())),
            Listener::Unix(server) => {
                server.accept()?.map(|(stream, peer)| (stream.into(), PeerAddress::Unix(peer)))
            }
        })
    }

    /// Whether a connection waits to be accepted. [`accept`](Self::accept) does not tell where no
    /// descriptors are left: the system looks for one first.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        match self {
            Listener::Tcp(listener) => sys::is_readable(listener.as_fd()),
            Listener::Unix(server) => sys::is_readable(server.listener.as_fd()),
        }
    }

    /// Configures the connections that will be accepted, where [`socket::LISTENERS_PASS_ON`].
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn configure(&self, silence: Silence) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) if socket::LISTENERS_PASS_ON => {
                socket::configure(listener, silence)
            }
            Listener::Tcp(_) | Listener::Unix(_) => Ok(()),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Listener::Tcp(listener) => listener,
            Listener::Unix(server) => &mut server.listener,
        }
    }
}

impl Source for Listener {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().register(to, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().reregister(to, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        self.source().deregister(from)
    }
}

/// The two listeners at one address of a server.
#[derive(Debug)]
pub struct ListenerPair {
    /// At the port, for requests; at the path, for both kinds of connections.
    pub first: Listener,
    /// At the port after it, or the file beside the path: for responses. Only an adopted path may have
    /// none.
    pub second: Option<Listener>,
    /// Where they listen, with the port that the system has chosen.
    pub address: ServerAddress,
}

/// Addresses of one server, at most.
pub const ADDRESSES_MAX: usize = 32;

/// Opens the listeners of a server at `first` and at each of `further`, which have the form of
/// [`ServerAddress::parse`]; all or none.
///
/// # Errors
///
/// Those of [`listen_at`]; [`Status::InvalidArgument`] for a malformed address, or more than
/// [`ADDRESSES_MAX`].
pub fn listen_at_all(
    first: ServerAddress,
    further: &[String],
    unix_mode: u32,
) -> Result<Vec<ListenerPair>> {
    check_count(1 + further.len())?;
    let further = further.iter().map(|text| ServerAddress::parse(text));
    let addresses: Vec<_> = std::iter::once(Ok(first)).chain(further).collect::<Result<_>>()?;
    addresses.iter().map(|address| listen_at(address, unix_mode)).collect()
}

fn check_count(count: usize) -> Result<()> {
    match count {
        0 => refuse("A server listens at one address at least; give it sockets".to_owned()),
        1..=ADDRESSES_MAX => Ok(()),
        _ => {
            refuse(format!("A server listens at {ADDRESSES_MAX} addresses at most, not at {count}"))
        }
    }
}

fn refuse<T>(text: String) -> Result<T> {
    Err(Error::new(Status::InvalidArgument, "net::listener", text))
}

/// Opens the listeners at `address`, both or none: at two consecutive ports, see
/// [`socket::bind_pair`], or at a path, see [`unix::listen_pair`], with the mode `unix_mode`.
///
/// # Errors
///
/// Those of these functions.
pub fn listen_at(address: &ServerAddress, unix_mode: u32) -> Result<ListenerPair> {
    match address {
        ServerAddress::Tcp { text, port } => {
            let socket::PortPair { first, second, port } = socket::bind_pair(text, *port)?;
            Ok(ListenerPair {
                first: Listener::Tcp(first),
                second: Some(Listener::Tcp(second)),
                address: ServerAddress::Tcp { text: text.clone(), port },
            })
        }
        ServerAddress::Unix(path) => {
            let [first, second] = unix::listen_pair(path, unix_mode)?.map(Listener::Unix);
            Ok(ListenerPair { first, second: Some(second), address: address.clone() })
        }
    }
}

/// Sockets of one address that listen already: a service manager has opened them and has handed them
/// to the program (socket activation). The server closes its descriptors when it stops; the service
/// manager keeps its own, so that clients that come meanwhile wait there for the next server.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListeningSockets {
    /// At two consecutive ports of one address: clients find the second by the number of the first.
    Tcp {
        /// At port P: what clients send.
        requests: std::net::TcpListener,
        /// At port P + 1: what they receive.
        responses: std::net::TcpListener,
    },
    /// At a path. The server leaves the files there when it stops.
    Unix {
        /// At the path itself: clients of this library make both of their connections there.
        first: unix_net::UnixListener,
        /// At the path with `.1` appended, at which the PULL sockets of libzmq connect. `None`:
        /// such clients find no server there.
        second: Option<unix_net::UnixListener>,
    },
}

impl ListeningSockets {
    /// Puts the sockets together that belong to one address each, of a list in the order in which a
    /// service manager hands them over: at TCP ports each socket for requests is followed by that
    /// for responses; one at a path may be followed by that at the path with `.1` appended.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for what is no socket at a TCP port or a path, and for one at a
    /// port without a second one. Whether the ports follow each other is checked where the sockets
    /// are adopted.
    pub fn in_order(sockets: Vec<OwnedFd>) -> Result<Vec<ListeningSockets>> {
        let count = sockets.len();
        let known = sockets.into_iter().zip(1..).map(|(socket, place)| {
            let address = socket2::SockRef::from(&socket).local_addr();
            match address {
                Ok(address) if address.as_socket().is_some() => Ok(Socket::Tcp(socket.into())),
                Ok(address) if address.is_unix() => Ok(Socket::Unix(socket.into())),
                _ => refuse(format!(
                    "Socket {place} of {count} is neither at a TCP port nor at a path"
                )),
            }
        });
        let mut rest = known.collect::<Result<Vec<_>>>()?.into_iter().peekable();
        let mut all = Vec::new();
        while let Some(first) = rest.next() {
            let second = rest.next_if(|second| is_second(&first, second));
            all.push(match (first, second) {
                (Socket::Tcp(requests), Some(Socket::Tcp(responses))) => {
                    ListeningSockets::Tcp { requests, responses }
                }
                (Socket::Tcp(first), _) => return refuse(alone_text(&first)),
                (Socket::Unix(first), Some(Socket::Unix(second))) => {
                    ListeningSockets::Unix { first, second: Some(second) }
                }
                (Socket::Unix(first), _) => ListeningSockets::Unix { first, second: None },
            });
        }
        Ok(all)
    }
}

/// A socket of a list.
enum Socket {
    Tcp(std::net::TcpListener),
    Unix(unix_net::UnixListener),
}

/// Whether a socket follows another one for the same address. Two paths are one only by their names.
fn is_second(first: &Socket, second: &Socket) -> bool {
    match (first, second) {
        (Socket::Tcp(_), Socket::Tcp(_)) => true,
        (Socket::Unix(first), Socket::Unix(second)) => {
            let path = |socket: &unix_net::UnixListener| {
                let address = socket.local_addr().ok()?;
                Some(address.as_pathname()?.as_os_str().to_owned())
            };
            let expected = path(first).map(|mut path| {
                path.push(".1");
                path
            });
            expected.is_some() && expected == path(second)
        }
        _ => false,
    }
}

fn alone_text(first: &std::net::TcpListener) -> String {
    let at = first.local_addr().map_or_else(|_| "?".to_owned(), |at| at.to_string());
    format!(
        "The socket at {at} is followed by none at the port after it, which clients need for the \
         answers: hand over a second one (a second ListenStream= in a unit of systemd)"
    )
}

/// Makes listeners of sockets that listen already, and opens those at each of `further`; all or none.
///
/// # Errors
///
/// [`Status::InvalidArgument`] for a socket that does not listen, two that do not belong together, none
/// at all, and as [`listen_at_all`]; [`Status::OutOfResources`] if the system gives no descriptors.
pub fn adopt_all(
    sockets: Vec<ListeningSockets>,
    further: &[String],
    unix_mode: u32,
) -> Result<Vec<ListenerPair>> {
    check_count(sockets.len() + further.len())?;
    let further: Vec<_> =
        further.iter().map(|text| ServerAddress::parse(text)).collect::<Result<_>>()?;
    let adopted = sockets.into_iter().map(adopt);
    let opened = further.iter().map(|address| listen_at(address, unix_mode));
    adopted.chain(opened).collect()
}

fn adopt(sockets: ListeningSockets) -> Result<ListenerPair> {
    match sockets {
        ListeningSockets::Tcp { requests, responses } => {
            let [at, behind] = [tcp_address(&requests)?, tcp_address(&responses)?];
            if at.ip() != behind.ip() || at.port().checked_add(1) != Some(behind.port()) {
                return refuse(format!(
                    "The sockets at {at} and {behind} are no server: clients look for the second one \
                     at the port after that of the first, of the same address"
                ));
            }
            let [first, second] = [requests, responses].map(|socket| {
                own(socket.into()).map(|socket| Listener::Tcp(TcpListener::from(socket)))
            });
            let address = ServerAddress::Tcp { text: host_text(at), port: at.port() };
            Ok(ListenerPair { first: first?, second: Some(second?), address })
        }
        ListeningSockets::Unix { first, second } => {
            let path = unix_path(&first)?;
            if let Some(second) = &second {
                let (found, expected) = (unix_path(second)?, path.second());
                if found != expected {
                    return refuse(format!(
                        "The socket at {found} does not belong to that at {path}, but one at \
                         {expected} would"
                    ));
                }
            }
            let adopted = |socket: unix_net::UnixListener, path: UnixPath| {
                own(socket.into()).map(|socket| Listener::Unix(UnixServer::adopt(socket, path)))
            };
            let second = second.map(|socket| adopted(socket, path.second())).transpose()?;
            let first = adopted(first, path.clone())?;
            Ok(ListenerPair { first, second, address: ServerAddress::Unix(path) })
        }
    }
}

/// The address without its port, with the zone that a link-local one needs.
fn host_text(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(address) if address.scope_id() != 0 => {
            format!("{}%{}", address.ip(), address.scope_id())
        }
        _ => address.ip().to_string(),
    }
}

/// A descriptor of this process alone, non-blocking, not inherited by programs that it starts.
fn own(socket: OwnedFd) -> Result<OwnedFd> {
    let failed = |error: io::Error| {
        let text = format!("A listening socket cannot be taken over: {}", cause_text(&error));
        Error::new(Status::OutOfResources, "net::listener", text)
    };
    let _held = hold_standard();
    let socket = renumbered(std::net::TcpListener::from(socket)).map_err(failed)?;
    // The same call for a socket of either kind.
    socket.set_nonblocking(true).map_err(failed)?;
    Ok(socket.into())
}

fn tcp_address(socket: &std::net::TcpListener) -> Result<SocketAddr> {
    let address = socket.local_addr().or_else(|error| {
        refuse(format!("A socket for a server has no TCP address: {}", cause_text(&error)))
    })?;
    check_listening(socket, || address.to_string())?;
    Ok(address)
}

fn unix_path(socket: &unix_net::UnixListener) -> Result<UnixPath> {
    let address = socket.local_addr().ok();
    let path = address.as_ref().and_then(|address| address.as_pathname()?.to_str());
    let Some(path) = path else {
        return refuse("A socket for a server has no path in the file system".to_owned());
    };
    let path = format!("unix:{path}");
    check_listening(socket, || path.clone())?;
    let parsed = UnixPath::parse(&path)?;
    Ok(parsed.expect("it has the form of one"))
}

fn check_listening(socket: &impl AsFd, address: impl FnOnce() -> String) -> Result<()> {
    // Where the system does not tell, the first attempt to accept does.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if matches!(socket2::SockRef::from(socket).is_listener(), Ok(false)) {
        return refuse(format!("The socket at {} does not listen", address()));
    }
    let _ = (socket, address);
    Ok(())
}

#[cfg(test)]
mod tests;
