//! The frames of requests that are given up between the packetizer and the wire.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use crate::clock::Time;
use crate::proto::packetizer::v1;
use crate::stream::CancelToken;

const UNDECIDED: u8 = 0;
const LEAVES: u8 = 1;
const CANCELLED: u8 = 2;

/// The token of all packets of one frame: they leave all or none. A receiver that has the first one
/// gets the others.
pub(super) struct WholeFrame {
    token: Arc<dyn CancelToken>,
    /// Decided when the first packet is about to leave, or one of the others waits for too long
    /// before that.
    verdict: AtomicU8,
}

impl WholeFrame {
    /// For the frame with `token`.
    pub(super) fn new(token: Arc<dyn CancelToken>) -> Arc<WholeFrame> {
        Arc::new(WholeFrame { token, verdict: AtomicU8::new(UNDECIDED) })
    }
}

impl CancelToken for WholeFrame {
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool {
        // The verdict is first: no request ends as unsent that another thread is sending.
        if !self.is_cancelled(now) {
            return false;
        }
        // A posted write may have succeeded since: its word is the last one.
        let is_final = self.token.clone().cancel_if_late(now);
        if !is_final {
            self.verdict.store(LEAVES, Ordering::Release);
        }
        is_final
    }

    fn is_cancelled(&self, now: Time) -> bool {
        let known = self.verdict.load(Ordering::Acquire);
        if known != UNDECIDED {
            return known == CANCELLED;
        }
        let verdict = if self.token.is_cancelled(now) { CANCELLED } else { LEAVES };
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self.verdict.compare_exchange(UNDECIDED, verdict, success, failure) {
            Ok(_) => verdict == CANCELLED,
            Err(other) => other == CANCELLED,
        }
    }

    fn deadline(&self) -> Time {
        match self.verdict.load(Ordering::Acquire) {
            LEAVES => Time(u64::MAX),
            _ => self.token.deadline(),
        }
    }
}

/// The token of a packet of version 1 that begins a frame. Firmware counts the frames along: in place
/// of one that does not leave it gets a packet that it discards.
pub(super) struct NumberedFrame {
    token: Arc<dyn CancelToken>,
    placeholder: [u8; v1::PACKET_BYTES_MIN],
}

impl NumberedFrame {
    /// For the frame with `token` and the number `frame`.
    pub(super) fn new(token: Arc<dyn CancelToken>, frame: u16) -> Arc<NumberedFrame> {
        Arc::new(NumberedFrame { token, placeholder: v1::placeholder(frame) })
    }
}

impl CancelToken for NumberedFrame {
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool {
        self.token.clone().cancel_if_late(now)
    }

    fn is_cancelled(&self, now: Time) -> bool {
        self.token.is_cancelled(now)
    }

    fn deadline(&self) -> Time {
        self.token.deadline()
    }

    fn placeholder(&self) -> Option<&[u8]> {
        Some(&self.placeholder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That of a posted write which succeeds between two questions.
    struct JustInTime;

    impl CancelToken for JustInTime {
        fn cancel_if_late(self: Arc<Self>, _now: Time) -> bool {
            false
        }

        fn is_cancelled(&self, _now: Time) -> bool {
            true
        }

        fn deadline(&self) -> Time {
            Time(0)
        }
    }

    #[test]
    fn f96_a_posted_write_that_succeeds_at_this_moment_leaves_in_all_its_packets() {
        let frame = WholeFrame::new(Arc::new(JustInTime));
        assert!(!frame.clone().cancel_if_late(Time(1)), "the first packet");
        assert!(!frame.is_cancelled(Time(2)), "another packet, sent again");
        assert!(!frame.cancel_if_late(Time(3)), "another packet");
    }
}
