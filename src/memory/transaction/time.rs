//! The deadline of a transaction, and its check before each hand-over.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::{Transaction, FOREIGN, TIMED_OUT, TIMEOUT_TEXT};
use crate::clock::{self, Time};

impl Transaction {
    /// Restarts the clock of this transaction if `reference` is absent or did not start later: an
    /// answer to `reference` proves that the link is alive.
    #[inline]
    pub fn refresh_timer(&self, reference: Option<&Transaction>) {
        if reference.is_none_or(|reference| self.start >= reference.start) {
            self.restart_clock(clock::now());
        }
    }

    /// Restarts the clock of this transaction's root for a sign of life at `now`.
    pub(in crate::memory) fn restart_clock(&self, now: Time) {
        self.root().restarted.fetch_max(now.0, Ordering::Relaxed);
    }

    /// When this transaction's root times out, as known now. May only move to later.
    pub fn deadline(&self) -> Time {
        let root = self.root();
        // Trackers have locks of their own: none of ours is held during the calls.
        let trackers = root.trackers();
        let signs = trackers.iter().filter_map(|tracker| tracker.last_activity(root));
        let latest = signs.max().map(|sign| sign + root.timeout());
        root.own_deadline().max(latest.unwrap_or_default())
    }

    /// When this transaction's root times out, if its trackers have seen no sign of life.
    pub(crate) fn own_deadline(&self) -> Time {
        let root = self.root();
        root.start.max(Time(root.restarted.load(Ordering::Relaxed))) + root.timeout()
    }

    /// Whether the requester is a remote client, and only answers to that client refresh it.
    pub(crate) fn is_foreign(&self) -> bool {
        self.root().flags.load(Ordering::Relaxed) & FOREIGN != 0
    }

    pub(in crate::memory) fn set_foreign(&self) {
        self.flags.fetch_or(FOREIGN, Ordering::Relaxed);
    }

    /// Whether the transaction must not be handed on any more: it has ended or been given up, or
    /// its deadline has passed by `now`, in which case it ends here. Checked before every hand-over
    /// that may follow a delay, so that nothing is carried out after its requester got a failure.
    #[inline]
    pub fn is_too_late(self: &Arc<Self>, now: Time) -> bool {
        if !self.is_overdue(now) {
            return self.expired();
        }
        self.end_unsent();
        true
    }

    /// Whether the deadline of the transaction has passed by `now`.
    pub(crate) fn is_overdue(&self, now: Time) -> bool {
        // Cheap, and mostly sufficient.
        if now < self.own_deadline() {
            return false;
        }
        let deadline = self.deadline();
        if now < deadline {
            // Caches the sign of life that a tracker has seen.
            self.restart_clock(deadline - self.timeout());
        }
        now >= deadline
    }

    /// Ends the transaction, whose deadline has passed before it was handed on.
    pub(crate) fn end_unsent(self: &Arc<Self>) {
        let text = format!(
            "{TIMEOUT_TEXT} {} message response. The request was never sent: its deadline \
             passed first.",
            self.id
        );
        // Without the data lock, which may be held for any time: data that has not been handed on
        // is not being copied.
        self.end_at_once(TIMED_OUT, &text);
    }

    /// Completes the transaction as [`error`](Self::error) does: a slave downstream reports with
    /// `text` that its time has passed.
    pub(crate) fn end_timed_out(self: &Arc<Self>, text: &str) {
        self.fail(TIMED_OUT, text);
    }
}
