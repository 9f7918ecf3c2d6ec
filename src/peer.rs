//! The other end of a connection, as the system names it: for logs, limits and rights.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The process at the other end of a Unix-domain connection, as of its connect: what the kernel
/// says (`SO_PEERCRED`), not the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnixPeer {
    /// Effective user id.
    pub uid: u32,
    /// Process id in this process's namespace; 0 if the process is not visible there.
    pub pid: u32,
}

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A TCP connection: address and port.
    Tcp(SocketAddr),
    /// A Unix-domain connection: user and process.
    Unix(UnixPeer),
}

/// Whose connections count together: the unit of quotas, of rate limits and of rights.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// A host, or what stands for it: all ports of one address.
    Ip(IpAddr),
    /// A user of this host, by Unix-domain connections: all of its processes.
    User(u32),
}

impl PeerAddress {
    /// Whose connection this is.
    pub fn origin(&self) -> Origin {
        match self {
            PeerAddress::Tcp(address) => Origin::Ip(address.ip()),
            PeerAddress::Unix(peer) => Origin::User(peer.uid),
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> PeerAddress {
        PeerAddress::Tcp(address)
    }
}

impl From<IpAddr> for Origin {
    fn from(ip: IpAddr) -> Origin {
        Origin::Ip(ip)
    }
}

/// `192.0.2.1:40123`, `user 1000 (process 4711)`.
impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Tcp(address) => address.fmt(f),
            PeerAddress::Unix(UnixPeer { uid, pid: 0 }) => write!(f, "user {uid}"),
            PeerAddress::Unix(UnixPeer { uid, pid }) => write!(f, "user {uid} (process {pid})"),
        }
    }
}

/// `192.0.2.1`, `user 1000`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Ip(ip) => ip.fmt(f),
            Origin::User(uid) => write!(f, "user {uid}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_have_texts_for_the_log_and_an_origin_without_port_or_process() {
        let tcp = PeerAddress::from(SocketAddr::from(([192, 0, 2, 1], 40_123)));
        assert_eq!(tcp.to_string(), "192.0.2.1:40123");
        assert_eq!(tcp.origin().to_string(), "192.0.2.1");
        let unix = PeerAddress::Unix(UnixPeer { uid: 1000, pid: 4711 });
        assert_eq!(unix.to_string(), "user 1000 (process 4711)");
        assert_eq!(unix.origin(), Origin::User(1000));
        assert_eq!(unix.origin().to_string(), "user 1000");
        let elsewhere = PeerAddress::Unix(UnixPeer { uid: 0, pid: 0 });
        assert_eq!(elsewhere.to_string(), "user 0");
    }
}
