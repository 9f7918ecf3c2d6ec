//! The connections of any bridge, whatever messages they carry.
//!
//! A client has a [`dialer::Dialer`], which asks [`connector`] for the next address to try, and
//! completes the handshake of both its [`channel`]s. A server is a [`server::Link`]: it
//! accepts connections, finds out which belong to one client ([`pairing`], [`owners`]), exchanges
//! greetings and READYs, reads in turns, and passes the octets of clients to a
//! [`service::Service`], which queues answers. What is held for peers
//! is charged to a [`budget::Budget`]. Both ends send and receive by [`wire`].

mod accepted;
pub mod acceptor;
pub mod budget;
pub mod buffers;
pub mod census;
pub mod channel;
pub mod checks;
pub mod connection;
pub mod connector;
pub mod delivery;
pub mod dialer;
pub mod exposure;
pub mod identity;
pub mod malformed;
pub mod mechanism;
mod opened;
pub mod options;
pub mod owners;
pub mod pairing;
pub mod peers;
pub mod places;
pub mod progress;
mod reading;
mod refusal;
pub mod release;
pub mod scratch;
pub mod server;
pub mod service;
pub mod sessions;
pub mod starved;
pub mod turns;
pub mod wire;
