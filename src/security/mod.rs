//! Keys and their files, which clients a server accepts, and what each may do. Decides; the sockets are
//! elsewhere.

mod access;
mod changes;
mod curve;
mod files;
pub mod keys;
mod text_file;

pub use access::{AccessList, Rights};
pub use changes::Subscription;
pub use curve::{AllowedClients, CurveClient, CurveServer};
