//! Whether a frame that has been kept waiting is still to be sent.

use std::sync::Arc;

use crate::clock::Time;

/// Says whether the frame of a request is still to be sent, see
/// [`Frame::set_cancel_token`](super::Frame::set_cancel_token).
///
/// A node that may keep a frame waiting asks right before the frame leaves, so that nothing is
/// carried out after its requester got a failure.
pub trait CancelToken: Send + Sync + 'static {
    /// Whether the frame, which has not left before, must not leave at the time `now`. A request
    /// whose deadline has passed ends here, as one that was never sent, which may run code of the
    /// program: asked with no lock held. The answer is final once it is yes.
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool;

    /// Whether a frame that may have left before must not leave again at the time `now`. Changes
    /// nothing about the request, and runs no code of the program.
    fn is_cancelled(&self, now: Time) -> bool;

    /// When to ask again, for a thread that waits.
    fn deadline(&self) -> Time;

    /// The payload that leaves instead of the frame's, where its receiver counts along: a node that
    /// withholds the frame sends this in its place, see [`Frame::stand_in`](super::Frame::stand_in).
    fn placeholder(&self) -> Option<&[u8]> {
        None
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// That of a request that was given up, with what leaves instead of its frame.
    #[derive(Default)]
    pub(crate) struct Cancelled(pub(crate) Option<&'static [u8]>);

    impl CancelToken for Cancelled {
        fn cancel_if_late(self: Arc<Self>, _now: Time) -> bool {
            true
        }

        fn is_cancelled(&self, _now: Time) -> bool {
            true
        }

        fn deadline(&self) -> Time {
            Time(0)
        }

        fn placeholder(&self) -> Option<&[u8]> {
            self.0
        }
    }
}
