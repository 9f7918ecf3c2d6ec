//! Keys and their files, and which clients a server accepts. Decides; the sockets are elsewhere.

mod curve;
mod files;
pub mod keys;

pub use curve::{AllowedClients, CurveClient, CurveServer, Subscription};
