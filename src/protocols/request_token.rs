//! A register transaction as what cancels the frame of its request.

use std::sync::Arc;

use crate::clock::Time;
use crate::memory::Transaction;
use crate::stream::CancelToken;

impl CancelToken for Transaction {
    /// A posted write that has succeeded goes on: it ended when the stream had its frame.
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool {
        !self.has_succeeded() && self.is_too_late(now)
    }

    fn is_cancelled(&self, now: Time) -> bool {
        !self.has_succeeded() && (self.expired() || self.is_overdue(now))
    }

    fn deadline(&self) -> Time {
        Transaction::deadline(self)
    }
}
