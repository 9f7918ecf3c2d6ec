//! Streams over UDP: each buffer of a frame travels as one datagram, and each datagram that arrives
//! becomes a frame of one buffer. UDP is RFC 768; nothing is added to the payload.
//!
//! Datagrams are lost, duplicated and reordered as the network pleases; RSSI above makes a reliable
//! stream of them. Flags, channel and error of a frame are not transmitted.
//!
//! * [`UdpEndpoint`]: the node, as a client with one fixed peer or as a server that learns its peer.
//! * `link`: what senders, the event loop and the owner share: socket, peer, counters.
//! * `outbox`: datagrams for which the socket had no room.
//! * `sender`: the stream slave, which sends in the caller's thread.
//! * `receiver`: datagrams into frames, a batch at a time.
//! * `reception`: judges datagrams and sends them to the slaves.
//! * `intake`: selects the receiver: the event loop, or a thread that waits for an answer.
//! * `driver`: the event loop's part: receives, and sends what waits in the outbox.

mod driver;
mod endpoint;
mod intake;
mod link;
mod outbox;
mod receiver;
mod reception;
mod sender;

pub use endpoint::{UdpEndpoint, UdpOptions, UdpStats};
pub use link::{PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX_JUMBO};
pub use outbox::QUEUE_BYTES_MAX;
