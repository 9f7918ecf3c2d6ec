//! The listeners of a server: two at each of its addresses.

use std::io;

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Interest, Registry, Token};

use super::address::canonical;
use super::server_address::ServerAddress;
use super::socket::Silence;
use super::unix::{self, UnixServer};
use super::{socket, ByteStream};
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
    /// At the port after it, or the file beside the path: for responses.
    pub second: Listener,
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
    if further.len() >= ADDRESSES_MAX {
        let count = further.len() + 1;
        let text = format!("A server listens at {ADDRESSES_MAX} addresses at most, not at {count}");
        return Err(Error::new(Status::InvalidArgument, "net::listener", text));
    }
    let further = further.iter().map(|text| ServerAddress::parse(text));
    let addresses: Vec<_> = std::iter::once(Ok(first)).chain(further).collect::<Result<_>>()?;
    addresses.iter().map(|address| listen_at(address, unix_mode)).collect()
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
                second: Listener::Tcp(second),
                address: ServerAddress::Tcp { text: text.clone(), port },
            })
        }
        ServerAddress::Unix(path) => {
            let [first, second] = unix::listen_pair(path, unix_mode)?.map(Listener::Unix);
            Ok(ListenerPair { first, second, address: address.clone() })
        }
    }
}
