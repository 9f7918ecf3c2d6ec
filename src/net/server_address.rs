//! Where a server listens, and where its clients connect: two ports of a host, or a path.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::unix::{self, UnixPath};
use crate::error::{Error, Result, Status};

/// The address of a server, as its operator or its clients have given it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerAddress {
    /// Two consecutive TCP ports of a host; `text` is not checked yet.
    Tcp {
        /// An address, the name of an interface or of a host, or `*`.
        text: String,
        /// The first port.
        port: u16,
    },
    /// A path, and the one beside it, of this host.
    Unix(UnixPath),
}

impl ServerAddress {
    /// From a text and a port. A Unix-domain address has port 0.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a bad path, or one with a port.
    pub fn new(text: &str, port: u16) -> Result<ServerAddress> {
        match UnixPath::parse(text)? {
            None => Ok(ServerAddress::Tcp { text: text.to_owned(), port }),
            Some(path) if port == 0 => Ok(ServerAddress::Unix(path)),
            Some(_) => {
                Err(bad_address(text, &format!("a path has no port; give 0 instead of {port}")))
            }
        }
    }

    /// From a text with its port: `192.168.1.5:9000`, `*:9000`, `[fe80::1%eth0]:9000`, `eth0:9000`;
    /// or from that of a path, `unix:/run/board.sock`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if it is neither.
    pub fn parse(text: &str) -> Result<ServerAddress> {
        if let Some(path) = UnixPath::parse(text)? {
            return Ok(ServerAddress::Unix(path));
        }
        let wrong = |why: &str| Err(bad_address(text, why));
        let Some((host, port)) = text.rsplit_once(':') else {
            return wrong("add the port, as in 192.168.1.5:9000");
        };
        let Ok(port) = port.parse() else {
            return wrong("what follows the last colon is no port from 0 to 65535");
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bare {
            None if host.contains(':') => {
                wrong("put an IPv6 address in brackets, as in [fe80::1%eth0]:9000")
            }
            _ => Ok(ServerAddress::Tcp { text: bare.unwrap_or(host).to_owned(), port }),
        }
    }

    /// Whether it stands for all interfaces of this host: `*`, `0.0.0.0`, `::`.
    pub fn is_every_interface(&self) -> bool {
        let ServerAddress::Tcp { text, .. } = self else { return false };
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ip = bare.unwrap_or(text).parse::<IpAddr>();
        text == "*" || ip.is_ok_and(|ip| ip.to_canonical().is_unspecified())
    }

    /// The two endpoints, as libzmq names them.
    pub fn endpoints(&self) -> [String; 2] {
        match self {
            ServerAddress::Tcp { text, port } => {
                [format!("tcp://{text}:{port}"), format!("tcp://{text}:{}", port.saturating_add(1))]
            }
            ServerAddress::Unix(path) => {
                [path.clone(), path.second()].map(|path| format!("ipc://{}", path.path().display()))
            }
        }
    }

    /// The port, or that of the first of two; 0 for a path.
    pub fn port(&self) -> u16 {
        match self {
            ServerAddress::Tcp { port, .. } => *port,
            ServerAddress::Unix(_) => 0,
        }
    }
}

/// `127.0.0.1:9000`, `[::1]:9000`, `unix:/run/board.sock`.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerAddress::Tcp { text, port } if text.contains(':') && !text.starts_with('[') => {
                write!(f, "[{text}]:{port}")
            }
            ServerAddress::Tcp { text, port } => write!(f, "{text}:{port}"),
            ServerAddress::Unix(path) => path.fmt(f),
        }
    }
}

fn bad_address(text: &str, why: &str) -> Error {
    let text = format!("Bad address {text:?}: {why}");
    Error::new(Status::InvalidArgument, "net::server_address", text)
}

/// One end of a server, to which a client has a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ServerEnd {
    /// Address and port.
    Tcp(SocketAddr),
    /// The path of the server.
    Unix(UnixPath),
}

impl ServerEnd {
    /// The port; 0 for a path.
    pub fn port(&self) -> u16 {
        match self {
            ServerEnd::Tcp(address) => address.port(),
            ServerEnd::Unix(_) => 0,
        }
    }

    /// The cause of a failed attempt to connect.
    pub fn connect_cause(&self, error: &std::io::Error) -> String {
        match self {
            ServerEnd::Tcp(_) => super::socket::cause_text(error),
            ServerEnd::Unix(_) => unix::connect_cause(error),
        }
    }
}

impl From<SocketAddr> for ServerEnd {
    fn from(address: SocketAddr) -> ServerEnd {
        ServerEnd::Tcp(address)
    }
}

/// `127.0.0.1:9000`, `unix:/run/board.sock`.
impl fmt::Display for ServerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerEnd::Tcp(address) => address.fmt(f),
            ServerEnd::Unix(path) => path.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str, port: u16) -> ServerAddress {
        ServerAddress::Tcp { text: text.to_owned(), port }
    }

    #[test]
    fn an_address_of_a_list_has_its_port_behind_the_last_colon() {
        for (text, expected) in [
            ("192.168.1.5:9000", tcp("192.168.1.5", 9000)),
            ("*:0", tcp("*", 0)),
            ("[::1]:9000", tcp("::1", 9000)),
            ("[fe80::1%eth0]:9000", tcp("fe80::1%eth0", 9000)),
            ("unix:/run/a.sock", ServerAddress::new("unix:/run/a.sock", 0).unwrap()),
        ] {
            let found = ServerAddress::parse(text).unwrap();
            assert_eq!((&found, found.to_string().as_str()), (&expected, text));
        }
        for (text, word) in [
            ("192.168.1.5", "add the port"),
            ("", "add the port"),
            ("host:", "no port"),
            ("host:70000", "no port"),
            ("::1:9000", "brackets"),
            ("unix:run/a.sock", "absolute"),
        ] {
            let error = ServerAddress::parse(text).unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(error.text().contains(word), "{error}");
        }
    }

    #[test]
    fn endpoints_are_those_of_libzmq() {
        assert_eq!(
            tcp("127.0.0.1", 9000).endpoints(),
            ["tcp://127.0.0.1:9000", "tcp://127.0.0.1:9001"]
        );
        let path = ServerAddress::new("unix:/run/a.sock", 0).unwrap();
        assert_eq!(path.endpoints(), ["ipc:///run/a.sock", "ipc:///run/a.sock.1"]);
    }

    #[test]
    fn every_interface_has_several_names() {
        for (text, is_every) in [
            ("*", true),
            ("0.0.0.0", true),
            ("::", true),
            ("[::]", true),
            ("::ffff:0.0.0.0", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("eth0", false),
            ("192.168.1.5", false),
        ] {
            let address = ServerAddress::new(text, 9000).unwrap();
            assert_eq!(address.is_every_interface(), is_every, "{text}");
        }
        assert!(!ServerAddress::new("unix:/run/board.sock", 0).unwrap().is_every_interface());
    }
}
