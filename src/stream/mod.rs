//! Streams: [`Frame`]s of bytes travel from a [`Master`] to the [`Slave`]s connected to it.
//!
//! Delivery is a call: [`Slave::accept_frame`] runs in the thread that sends, with no lock of this
//! room held. A circle of nodes that pass frames on in that thread has no end; a [`Fifo`] parts it.
//! Nothing here knows a wire format.
//!
//! # Ownership
//!
//! A master owns the slaves that it is connected to, so that a callable object always exists. Most
//! nodes are master and slave in one: they receive from the side that they send to. Two such nodes
//! would own each other for ever. Therefore a [`Node`] consists of *two* objects, its master and
//! its slave, and its slave owns only what an incoming frame can reach. The slave that receives a
//! requester's answers does not own the requester's master; the slave that receives requests owns
//! the master that sends the answers. So the chain of owners ends at the requester's slave and is
//! no cycle: dropping the last handle of the requester frees everything behind it. If the nodes of
//! a program do form a cycle, [`Master::stop`] breaks it.

mod buffer;
pub(crate) mod cancel;
mod dispatch;
mod drops;
mod dump;
mod fifo;
mod filter;
mod frame;
mod intake;
mod node;
mod pool;
mod ports;
mod rate_drop;
mod relay;
mod worker;

pub use buffer::{Buffer, ForeignMemory};
pub use cancel::CancelToken;
pub use dispatch::Dispatch;
pub(crate) use drops::warn_of_drop;
pub use drops::{ignore_drops, report_drop, watch_drops};
pub use fifo::Fifo;
pub use filter::Filter;
pub use frame::{Buffers, Frame, FrameGuard};
pub(crate) use intake::Intake;
pub use node::{connect, Node, Port};
pub use pool::{
    Pool, BUFFERS_COUNT_MAX, SPARE_BYTES_MAX, SPARE_FRAMES_COUNT_MAX, SPARE_FRAME_BYTES_MAX,
};
pub use ports::{Fanout, Master, Sink, Slave, SlaveBase, Waiter, SLAVES_COUNT_MAX};
pub use rate_drop::RateDrop;
pub(crate) use worker::Worker;
