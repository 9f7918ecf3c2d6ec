//! Keys and their files, which clients a server accepts, what each may do, and the record of what they
//! did. Decides and writes files; the sockets are elsewhere.

mod access;
mod audit;
mod changes;
mod curve;
mod files;
pub mod keys;
mod text_file;

pub use access::{AccessList, Rights};
pub(crate) use audit::Entry as AuditEntry;
pub use audit::{
    Audit, AuditClient, AuditOptions, AuditRecord, AuditResult, AuditSink, AuditStats,
};
pub use changes::Subscription;
pub use curve::{AllowedClients, CurveClient, CurveServer};
