//! Streams: [`Frame`]s of bytes travel from a [`Master`] to the [`Slave`]s connected to it.
//!
//! Delivery is a call: [`Slave::accept_frame`] runs in the thread that sends, with no lock of this
//! room held. Nothing here knows a wire format.
//!
//! # Who keeps whom alive
//!
//! A master owns the slaves it is connected to, so that what may still be called still exists.
//! Most nodes are both: they receive from the side they send to, and two such nodes connected with
//! each other would own each other for ever. Therefore a [`Node`] is made of *two* objects, its
//! master and its slave, and its slave owns only what a frame that comes in can reach. What
//! receives the answers of a requester does not own the requester's master; what receives requests
//! does own the master that the answers leave by. The chain then ends at the requester's slave and
//! is no circle: dropping the last handle of the requester frees everything behind it. Where a
//! user's nodes do make a circle, [`Master::stop`] opens it.

mod buffer;
mod frame;
mod pool;
mod ports;

pub use buffer::Buffer;
pub use frame::{Buffers, Frame, FrameGuard};
pub use pool::{
    Pool, BUFFERS_COUNT_MAX, SPARE_BYTES_MAX, SPARE_FRAMES_COUNT_MAX, SPARE_FRAME_BYTES_MAX,
};
pub use ports::{connect, Master, Node, Path, Sink, Slave, SlaveBase, SLAVES_COUNT_MAX};
