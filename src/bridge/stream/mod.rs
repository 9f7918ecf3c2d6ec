//! The two ends of the stream bridge. Each sends the frames that its slave receives, and passes on
//! the frames of its peers through its master.
//!
//! The path of a frame: its sender's thread puts it into the `outbox`, which makes the sender
//! wait while it is full; the event loop takes it out, and a `lane` queues it on a connection.
//! At the other end a `receiver` decodes it, and `delivery` sends it to the slaves.

pub mod client;
mod delivery;
mod endpoint;
mod lane;
mod outbox;
mod receiver;
pub mod server;
mod stats;

use std::time::Duration;

pub use stats::StreamStats;

/// Bytes of queued frames at which their senders wait, by default.
const QUEUE_BYTES_MAX: usize = 4 << 20;
/// Bytes of the largest received frame, by default.
const FRAME_BYTES_MAX: u32 = 256 << 20;

/// What both ends of a stream bridge may be told about frames.
#[derive(Clone, Debug)]
pub struct StreamLimits {
    /// Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
    /// until half of it is free. One frame is always allowed.
    pub queue_bytes_max: usize,
    /// How long a sender waits for room in the queue, and for a peer, at most; then its frame is
    /// dropped. `None`: as long as it takes, as in Rogue.
    pub send_wait_max: Option<Duration>,
    /// Bytes of the largest frame that is received; larger ones are dropped.
    pub frame_bytes_max: u32,
}

impl Default for StreamLimits {
    fn default() -> Self {
        StreamLimits {
            queue_bytes_max: QUEUE_BYTES_MAX,
            send_wait_max: None,
            frame_bytes_max: FRAME_BYTES_MAX,
        }
    }
}
