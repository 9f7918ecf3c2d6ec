//! The other end of an endpoint: a plain socket.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use rogue_mem::protocols::{UdpEndpoint, UdpOptions};
use rogue_mem::stream::{self, Frame, Node};
use testkit::frames::Peer;
use testkit::wait::LONG;

/// A socket of this host with all the time it needs.
pub fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// The next datagram that `socket` receives, and its source.
#[track_caller]
pub fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut room = vec![0; 65_536];
    let (bytes, source) = socket.recv_from(&mut room).expect("a datagram comes");
    room.truncate(bytes);
    (room, source)
}

/// Whether nothing has arrived at `socket`.
pub fn is_silent(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    let outcome = socket.recv_from(&mut [0; 1]);
    socket.set_nonblocking(false).unwrap();
    outcome.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

pub fn jumbo() -> UdpOptions {
    UdpOptions { jumbo: true, ..UdpOptions::default() }
}

/// A client of `socket`, and what its slaves receive.
pub fn client_of(socket: &UdpSocket) -> (Arc<UdpEndpoint>, Arc<Peer>) {
    let port = socket.local_addr().unwrap().port();
    observed(UdpEndpoint::client("127.0.0.1", port, UdpOptions::default()).unwrap())
}

/// A server of this host, and what its slaves receive.
pub fn server() -> (Arc<UdpEndpoint>, Arc<Peer>) {
    observed(UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap())
}

/// `endpoint`, connected with a peer that keeps what it receives.
pub fn observed(endpoint: Arc<UdpEndpoint>) -> (Arc<UdpEndpoint>, Arc<Peer>) {
    let peer = Peer::silent();
    stream::connect(&*endpoint, &*peer).unwrap();
    (endpoint, peer)
}

/// Where `endpoint` receives.
pub fn address(endpoint: &UdpEndpoint) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, endpoint.port()))
}

/// Sends a frame by the endpoint's slave, in this thread.
pub fn send(endpoint: &UdpEndpoint, bytes: &[u8]) {
    endpoint.stream_slave().accept_frame(Arc::new(Frame::from(bytes.to_vec())));
}
