//! Sockets, the event loop and name resolution. Knows no protocol.
//!
//! * [`event_loop`]: a named thread that waits for the sockets, wake-ups and timers of drivers.
//! * [`address`]: texts that name a local address, an interface or a host.
//! * [`resolve`]: host names to addresses, off the event loop.
//! * [`socket`]: listeners (also the pair of two consecutive ports), connections, options.
//! * [`unix`]: Unix-domain sockets.
//! * [`listener`], [`server_address`]: either kind of listener, and where it listens.
//! * [`udp`]: datagrams in batches, errors that the network reports, sizes of buffers.
//! * `news`: calls of the program's observers, in order, on threads of their own.
//! * [`ByteStream`]: a connection, TCP or Unix-domain.
//! * [`Spin`]: polling for a short while before a blocking wait.
//! * `descriptors`: no descriptor of this library is 0, 1 or 2, or among the last of the process.
//! * `reading`: a thread that waits for an answer reads itself.
//! * [`owner`]: which process of this host owns the other end of a connection.
//! * [`random`]: the operating system's random numbers.
//!
//! Every `unsafe` block of this room is in `sys` or `udp/sys`.

pub mod address;
mod byte_stream;
mod cause;
mod descriptors;
pub mod event_loop;
pub mod listener;
pub(crate) mod news;
pub mod owner;
pub mod random;
pub(crate) mod reading;
pub mod resolve;
pub mod server_address;
pub(crate) mod sleeper;
pub mod socket;
mod spin;
mod sys;
pub mod udp;
pub mod unix;

pub use byte_stream::ByteStream;
pub(crate) use descriptors::{duplicate, is_reserved, make_descriptor, Waker};
pub use event_loop::{Driver, DriverHandle, EventLoop, EventLoopOptions, Readiness, Registry};
pub use spin::Spin;
pub(crate) use spin::Spinner;
