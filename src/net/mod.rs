//! Sockets, the event loop and name resolution. Knows no protocol.
//!
//! * [`event_loop`]: one named thread per object, which waits for sockets, wake-ups and a deadline.
//! * [`address`]: the texts that name a local address, an interface or a host.
//! * [`resolve`]: host names to addresses, off the event loop.
//! * [`socket`]: listeners (also the pair of two consecutive ports), connections, options.
//! * [`Spin`]: looking again for a while before going to sleep.
//! * [`owner`]: which process of this host holds the other end of a connection.
//! * [`random`]: the operating system's random numbers.
//!
//! Every `unsafe` block of this room is in `sys`.

pub mod address;
pub mod event_loop;
pub mod owner;
pub mod random;
pub mod resolve;
pub(crate) mod sleeper;
pub mod socket;
mod spin;
mod sys;

pub use event_loop::{Driver, EventLoop, LoopHandle, Readiness};
pub use spin::Spin;
pub(crate) use spin::Spinner;
