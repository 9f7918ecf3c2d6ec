//! The server behind the spy: where its two ports or paths are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use mio::net::TcpStream;
use rogue_mem::net::server_address::ServerAddress;
use rogue_mem::net::unix::{self, UnixPath};
use rogue_mem::net::{socket, ByteStream};

use crate::failure::{Failure, Kind, Outcome};

/// A server.
#[derive(Debug)]
pub enum Server {
    /// At two ports.
    Tcp {
        /// As it was given.
        address: ServerAddress,
        /// The addresses of its host, with the first port.
        found: Vec<SocketAddr>,
    },
    /// At two paths.
    Unix(UnixPath),
}

impl Server {
    /// Looks up where it is, once.
    pub fn find(text: &str) -> Outcome<Server> {
        let address = ServerAddress::parse(text).map_err(|error| {
            let text = format!("{text:?} is no server: {}; HOST:PORT or unix:PATH", error.text());
            Failure::new(Kind::Usage, text)
        })?;
        let (host, port) = match &address {
            ServerAddress::Unix(path) => return Ok(Server::Unix(path.clone())),
            ServerAddress::Tcp { text, port } => (text.as_str(), *port),
        };
        if port == 0 || port == u16::MAX || host == "*" {
            let text = format!(
                "{text} is no server: it has a host, and a port from 1 to 65534, the next of which \
                 belongs to it too"
            );
            return Err(Failure::new(Kind::Usage, text));
        }
        let found: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
            Ok(found) => found.collect(),
            Err(error) => {
                let text = format!("{text}: the host name could not be resolved: {error}");
                return Err(Failure::new(Kind::Unreachable, text));
            }
        };
        Ok(Server::Tcp { address, found })
    }

    /// Whether it has one of the two ports of `address`, at an address of this host that a listener
    /// there has, or one of its two paths.
    pub fn is_at(&self, address: &ServerAddress) -> bool {
        match (self, address) {
            (Server::Tcp { found, .. }, ServerAddress::Tcp { text, port }) => {
                let mut near =
                    found.iter().filter(|one| one.port().abs_diff(*port) <= 1).peekable();
                if near.peek().is_none() {
                    return false;
                }
                let listens: Vec<IpAddr> = match text.as_str() {
                    "*" => vec![Ipv4Addr::UNSPECIFIED.into()],
                    // The name of an interface is no host.
                    host => (host, *port)
                        .to_socket_addrs()
                        .into_iter()
                        .flatten()
                        .map(|at| at.ip())
                        .collect(),
                };
                let is_any = listens.iter().any(IpAddr::is_unspecified);
                near.any(|one| listens.contains(&one.ip()) || is_any && is_own(one.ip()))
            }
            (Server::Unix(server), ServerAddress::Unix(path)) => {
                server == path || server.second() == *path || *server == path.second()
            }
            _ => false,
        }
    }

    /// Starts to connect to its first or its second port, at one address after the other; `None`
    /// behind the last one.
    pub fn connect(&self, is_second: bool, attempt: usize) -> Option<io::Result<ByteStream>> {
        match self {
            Server::Tcp { found, .. } => {
                let mut address = *found.get(attempt)?;
                address.set_port(address.port() + u16::from(is_second));
                Some(connect_tcp(address).map(ByteStream::from))
            }
            Server::Unix(path) if attempt == 0 => {
                let connect = if is_second { unix::connect_second } else { unix::connect };
                Some(connect(path).map(ByteStream::from))
            }
            Server::Unix(_) => None,
        }
    }

    /// Where its first or second connections go, for people.
    pub fn name(&self, is_second: bool) -> String {
        match self {
            Server::Tcp { address, .. } => port_of(address, is_second).to_string(),
            Server::Unix(path) if is_second => path.second().to_string(),
            Server::Unix(path) => path.to_string(),
        }
    }

    /// The cause of a failed attempt, for people.
    pub fn cause(&self, error: &io::Error) -> String {
        match self {
            Server::Tcp { .. } => socket::cause_text(error),
            Server::Unix(_) => unix::connect_cause(error),
        }
    }
}

fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether this host has an address.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// An address with its first port, or the next.
pub fn port_of(address: &ServerAddress, is_second: bool) -> ServerAddress {
    match address {
        ServerAddress::Tcp { text, port } => ServerAddress::Tcp {
            text: text.clone(),
            port: port.saturating_add(u16::from(is_second)),
        },
        ServerAddress::Unix(path) if is_second => ServerAddress::Unix(path.second()),
        ServerAddress::Unix(path) => ServerAddress::Unix(path.clone()),
    }
}
