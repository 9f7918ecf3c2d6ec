//! The memory TCP bridge, a register bus that crosses a TCP connection, and the stream TCP bridge,
//! which carries frames.
//!
//! [`TcpServer`] serves its slave; [`TcpClient`] is a slave whose other end is such a server.
//! [`StreamServer`] and [`StreamClient`] are nodes of streams. In this room the protocols of the
//! bridges ([`crate::proto::bridge`] over [`crate::proto::zmtp`]) connect sockets with the bus and
//! with streams.
//!
//! The path of an incoming request: `link::server` reads the socket and passes the octets to
//! `memory::server::requests`, which decodes them; `execute` creates the request's transaction and
//! hands it to the slave of the server's [`Master`](crate::memory::Master); `responder` encodes the
//! response, and the link sends it.

mod link;
pub mod memory;
pub mod stream;

pub use crate::net::listener::ListeningSockets;
pub use crate::net::server_address::{ServerAddress, ServerEnd};
pub use crate::net::unix::UnixPath;
pub use crate::net::Spin;
pub use link::budget::{memory_budget, set_memory_budget, MemoryBudget};
pub use link::dialer::ClientState;
pub use link::options::LegacyPolicy;
pub use memory::client::{
    ClientOptions, ClientStats, ConnectionChange, ConnectionObserver, TcpClient,
};
pub use memory::server::{ServerOptions, ServerStats, TcpServer};
pub use stream::client::{StreamClient, StreamClientOptions};
pub use stream::server::{StreamServer, StreamServerOptions};
pub use stream::{StreamLimits, StreamStats};
