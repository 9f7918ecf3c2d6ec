//! The register bus: transactions travel from a [`Master`] through any number of [`Hub`]s to a
//! [`Slave`], which completes them.
//!
//! A slave is called in the requester's thread with no lock held. It may complete the transaction
//! at once or keep it and complete it later, from any thread. The first completion counts.
//! Nothing in this room knows a wire format.
//!
//! # Locks
//!
//! All locks of this room but one are leaves: while one is held no other is taken and no code
//! from outside the room runs. They are a transaction's state, a slave's table of pending
//! transactions, a master's slave and its error, a slave's name and the pages of a
//! [`SparseMemory`]. A master's table is one too, but that a transaction's state is looked at under
//! it, and its data lock taken where it is free.
//!
//! The one is the *data lock* of a transaction and all its parts. It comes first: whoever holds
//! it (the slave that copies, in code of its own) may take any of the leaves, so it may keep and
//! complete transactions, but nobody who holds a leaf waits for a data lock. Giving a transaction
//! up and collecting its buffer wait for the data lock, so that no slave touches the buffer
//! afterwards; waiting for a transaction and dropping a master do both.
//!
//! [`Holder`]s and [`Observer`]s are called with no leaf held; an observer possibly under the
//! data lock, where the slave completes the transaction under it. What a holder may not do is
//! said there.

mod activity;
pub mod bits;
mod buffer;
pub(crate) mod chain;
mod emulate;
mod holders;
mod hub;
mod ids;
mod master;
mod pending;
mod pool;
mod slave;
mod sparse;
mod split;
mod transaction;

pub use activity::Activity;
pub use buffer::{Buffer, DataGuard};
pub use chain::HUBS_COUNT_MAX;
pub use emulate::Emulate;
pub use holders::Holder;
pub use hub::Hub;
pub(crate) use ids::IdMap;
pub use master::{Master, FAILED_POSTS_COUNT_MAX};
pub use pool::{Path, TransactionPool};
pub use slave::{Slave, SlaveBase, Unconnected, UNCONNECTED_TEXT};
pub use sparse::{NewPage, SparseMemory, PAGE_BYTES};
pub use split::{forward, SUB_TRANSACTIONS_COUNT_MAX};
pub use transaction::{Observer, Transaction, TIMEOUT_TEXT};

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
