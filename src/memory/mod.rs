//! The register bus: transactions travel from a [`Master`] through any number of [`Hub`]s to a
//! [`Slave`], which completes them.
//!
//! A slave is called in the requester's thread with no lock held. It may complete the transaction
//! at once or keep it and complete it later, from any thread. The first completion counts.
//! Nothing in this room knows a wire format.

mod activity;
pub mod bits;
mod buffer;
mod emulate;
mod hub;
mod master;
mod slave;
mod split;
mod transaction;

pub use activity::Activity;
pub use buffer::{Buffer, DataGuard};
pub use emulate::Emulate;
pub use hub::Hub;
pub use master::Master;
pub use slave::{Pending, Slave, SlaveBase, Unconnected, UNCONNECTED_TEXT};
pub use split::{forward, SUB_TRANSACTIONS_COUNT_MAX};
pub use transaction::{Holder, Observer, Transaction, TIMEOUT_TEXT};

/// Read into the transaction's buffer.
pub const READ: u32 = 0x1;
/// Write; completed when the device has answered.
pub const WRITE: u32 = 0x2;
/// Posted write; may be completed as soon as it has been handed to the transport.
pub const POST: u32 = 0x3;
/// Read used to check a write; every transport treats it as a read.
pub const VERIFY: u32 = 0x4;
/// Readiness probe between bridge peers; never reaches a slave.
pub const TCP_BRIDGE_PROBE: u32 = 0xFFFF_FFFE;

/// Whether a transaction of type `ty` carries data towards the slave.
pub fn is_write(ty: u32) -> bool {
    ty == WRITE || ty == POST
}
