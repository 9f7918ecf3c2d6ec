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
        let is_cancelled = self.is_cancelled(now);
        if is_cancelled {
            // The verdict is first: no request ends as unsent that another thread is sending.
            self.token.clone().cancel_if_late(now);
        }
        is_cancelled
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
