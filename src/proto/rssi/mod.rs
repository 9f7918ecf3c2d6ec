//! RSSI, SLAC's reliable protocol over datagrams: segments of one datagram each, in order, once.
//!
//! * [`header`]: the bytes before the payload of a segment.
//! * [`parameters`]: what an end may choose, and what both ends have agreed on.
//! * [`sequence`]: numbers of segments, modulo 256.
//! * [`connection`]: both ends of a link: opening, acknowledgement, retransmission, flow control.
//! * [`statistics`]: what a connection counts.
//!
//! Times are nanoseconds of any monotonic clock. A payload is opaque: a [`Connection`] keeps and
//! returns handles of it and never sees its bytes. No input makes it panic.
//!
//! [`Connection`]: connection::Connection

pub mod connection;
pub mod header;
pub mod parameters;
mod receive_window;
mod send_window;
pub mod sequence;
pub mod statistics;

pub use connection::{Closure, Connection, Event, Refusal, Role, Timer, Transmit};
pub use header::{Header, Malformed, HEADER_BYTES, NUL, SYN_BYTES};
pub use parameters::{OutOfRange, Parameter, Parameters};
pub use sequence::Sequence;
pub use statistics::{Drops, Statistics};

/// Upper bound on the segments that one end has outstanding, whatever is agreed: Rogue's default, and
/// an eighth of the numbers. Segments and acknowledges that are up to seven windows old are then
/// known as old. With a quarter, a road that exchanges datagrams faster than it delivers some of
/// them has made an end take an old one for a new one.
pub const WINDOW_SEGMENTS_MAX: usize = 32;
