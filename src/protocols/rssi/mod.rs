//! A reliable stream over datagrams: RSSI between two stream nodes.
//!
//! * [`RssiEndpoint`]: a client or a server, with a port for datagrams and one for the application.
//! * `link`: what threads share, and the work that follows from a change of it.
//! * `state`: what of it is behind its lock.
//! * `transport`: takes datagrams.
//! * `application`: takes frames to send; waits for room in the window and in a queue.
//! * `parameters`: the parameters of a link, with times.
//! * `parcel`: frames with a header in front of their payload.
//! * `driver`: the timers, on an event loop.

mod application;
mod driver;
mod endpoint;
mod link;
mod parameters;
mod parcel;
mod state;
mod transport;

pub use endpoint::{RssiEndpoint, RssiOptions, RssiStats};
pub use link::{LinkChange, LinkObserver};
pub(in crate::protocols) use parameters::milliseconds;
pub use parameters::RssiParameters;
