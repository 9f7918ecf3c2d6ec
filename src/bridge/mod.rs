//! The memory TCP bridge: a register bus that crosses a TCP connection.
//!
//! [`TcpServer`] serves the slave it is connected to; [`TcpClient`] is a slave whose other end is
//! such a server. This is the room where the bridge's protocol ([`crate::proto::bridge`] over
//! [`crate::proto::zmtp`]) meets sockets and the bus.
//!
//! The path of a request that arrives: [`server`]'s driver reads the socket, the connection's
//! decoder turns octets into a request, `Driver::execute` makes a transaction of it and hands it
//! to the server's [`Master`](crate::memory::Master), which calls the slave.

pub mod client;
pub mod pairing;
pub mod server;
mod wire;

pub use client::{ClientOptions, ClientState, ClientStats, TcpClient};
pub use server::{LegacyPolicy, ServerOptions, ServerStats, TcpServer};
