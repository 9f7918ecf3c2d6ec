//! The register bus: transactions travel from a [`Master`] through any number of [`Hub`]s to a
//! [`Slave`], which completes them.
//!
//! A slave is called in the requester's thread with no lock held. It may complete the transaction
//! at once or keep it and complete it later, from any thread. The first completion counts.
//! Nothing in this room knows a wire format. [`block`] has typed registers.
//!
//! # Locks
//!
//! Every lock of this room except one is a leaf: while it is held no other lock is taken and no
//! code from outside the room runs. The leaves are a transaction's state, a slave's table of
//! pending transactions, a master's slave and its error, a slave's name and the pages of a
//! [`SparseMemory`]. A master's table is a leaf with two exceptions: under it the state of a
//! transaction is read, and a free data lock is taken. Under a block's state a transaction is made,
//! begun or collected, and the pages of a `SparseMemory` are read.
//!
//! The exception is the *data lock* of a transaction and all its parts. It comes first. Its holder
//! (the slave that copies, in code of its own) may take any leaf, so it may keep and complete
//! transactions; a thread that holds a leaf never waits for a data lock. Giving a transaction up
//! and collecting its buffer wait for the data lock, so that no slave touches the buffer
//! afterwards; waiting for a transaction and dropping a master do both. A thread that serves
//! others never waits for a data lock. If the lock is held, a server's thread gives the
//! transaction up at once, leaves its buffer to it, and is notified of the unlock; answers are
//! kept beside the buffer until then.
//!
//! [`Tracker`]s and [`Observer`]s are called with no leaf held. An observer may be called under
//! the data lock, if the slave completes the transaction under it. A [`Claimant`] is called with
//! no lock at all: if the data lock is held, after its release. [`Tracker`] lists its own limits.

mod access;
mod activity;
pub mod bits;
pub mod block;
mod burst;
mod claim;
mod deadlines;
mod emulate;
mod hub;
pub(crate) mod hub_depth;
mod ids;
mod master;
pub(crate) mod observers;
mod pending;
mod pool;
mod signs;
mod slave;
mod sparse;
mod split;
mod table;
mod transaction;
mod transaction_type;
mod unclaimed;

pub(crate) use access::{check_access, check_range};
pub(crate) use activity::Activity;
pub use claim::Claimant;
pub use emulate::Emulate;
pub use hub::Hub;
pub use hub_depth::HUBS_COUNT_MAX;
pub(crate) use ids::{try_reserve_one, IdMap};
pub use master::Master;
pub use pending::AnswerSource;
pub(crate) use pool::{Route, TransactionPool};
pub(crate) use signs::Signs;
pub use slave::{Slave, SlaveBase, Unconnected, UNCONNECTED_TEXT};
pub use sparse::{NewPage, SparseMemory, PAGE_BYTES};
pub use split::{forward, SUB_TRANSACTIONS_COUNT_MAX};
pub use transaction::{DataBuffer, DataGuard, Kept, Observer, Tracker, Transaction, TIMEOUT_TEXT};
pub use transaction_type::TransactionType;
pub use unclaimed::UNCLAIMED_COUNT_MAX;
