//! Waits for the end of a transaction, up to its deadline.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::buffer::NEVER;
use super::tracker::Tracker;
use super::{Transaction, DRIVEN, HAS_LISTENER, HAS_SLEEPER, TIMED_OUT, TIMEOUT_TEXT, WARNED};
use crate::clock::{self, Time};
use crate::memory::observers;
use crate::process;

/// Parts of a split transaction that are asked for the reason of its timeout.
const EXPLAINED_PARTS_COUNT_MAX: usize = 16;

impl Transaction {
    /// Whether this process was forked since it was requested.
    pub(in crate::memory) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    /// Whether it was pending when this process was forked, so that it never ends here.
    pub(in crate::memory) fn is_lost(&self) -> bool {
        self.is_inherited() && !self.is_done()
    }

    /// The error text of one that was requested before this process was forked.
    pub(in crate::memory) fn inherited_text(&self) -> String {
        process::inherited_text(&format!("Transaction {}", self.id))
    }

    /// Waits until the transaction has ended or its deadline has passed; at the deadline it is
    /// given up. The caller then [collects](Self::collect) it.
    pub(in crate::memory) fn wait(self: &Arc<Self>) {
        self.wait_until(NEVER);
    }

    /// Waits as [`wait`](Self::wait) does, but no longer than until `limit`; a transaction that is
    /// pending then stays so.
    pub(in crate::memory) fn wait_until(self: &Arc<Self>, limit: Time) {
        if !self.is_done() && !self.is_lost() {
            observers::while_waiting(|| self.wait_pending(limit));
        }
    }

    fn wait_pending(self: &Arc<Self>, limit: Time) {
        let trackers = self.trackers();
        if let Some(tracker) = trackers.only() {
            self.drive(&**tracker, limit);
        }
        drop(trackers);
        while !self.is_done() && !self.is_lost() {
            let now = clock::now();
            let deadline = self.renewed_deadline(now);
            if now >= deadline {
                let text = self.timeout_text();
                self.end_early(TIMED_OUT, &text, limit);
                return;
            }
            if now >= limit {
                // It goes on without a thread that drives it.
                let state = self.state.lock();
                if !self.is_done() {
                    self.add_listener(state);
                }
                return;
            }
            let state = self.state.lock();
            // The end is written under this lock, so it cannot happen between check and wait.
            if self.is_done() {
                return;
            }
            if self.flags.load(Ordering::Relaxed) & HAS_LISTENER == 0 {
                self.add_listener(state);
                continue;
            }
            self.flags.fetch_or(HAS_SLEEPER, Ordering::Relaxed);
            drop(self.ended.wait_until(state, deadline.min(limit)));
        }
    }

    /// Waits while `tracker` drives the transaction, no longer than until `limit`.
    fn drive(self: &Arc<Self>, tracker: &dyn Tracker, limit: Time) {
        if self.begin_drive() {
            tracker.drive(self, limit);
        }
    }

    /// Lets a tracker [poll](Tracker::poll) for the answer. Returns whether the transaction has
    /// ended. No code of the program runs here, if the calling thread runs none.
    pub(in crate::memory) fn poll(self: &Arc<Self>) -> bool {
        let trackers = self.trackers();
        if let Some(tracker) = trackers.only().filter(|_| !self.is_lost() && self.begin_drive()) {
            tracker.poll(self);
        }
        self.is_done()
    }

    /// Notes that a thread drives the transaction; false if it has ended.
    fn begin_drive(&self) -> bool {
        let state = self.state.lock();
        // Either the thread that ends it sees the flag, or the end is seen here.
        self.flags.fetch_or(DRIVEN, Ordering::Relaxed);
        drop(state);
        !self.is_done()
    }

    /// The deadline, for a thread that waited until an earlier one: other answers may have refreshed
    /// it.
    pub(crate) fn renewed_deadline(self: &Arc<Self>, now: Time) -> Time {
        let deadline = self.deadline();
        if now < deadline {
            self.warn_if_slow(now);
        }
        deadline
    }

    /// The remaining time of a wait: to `until`, or to the renewed deadline, but at most to `limit`.
    /// `None` if that has passed. `until` is [`own_deadline`](Self::own_deadline) at first, and what
    /// this function has made of it later.
    pub(crate) fn time_left(self: &Arc<Self>, until: &mut Time, limit: Time) -> Option<Duration> {
        let now = clock::now();
        if now >= *until {
            *until = self.renewed_deadline(now).min(limit);
        }
        (now < *until).then(|| until.since(now))
    }

    fn warn_if_slow(self: &Arc<Self>, now: Time) {
        let is_slow = now.since(self.start) > self.timeout();
        if is_slow && self.flags.fetch_or(WARNED, Ordering::Relaxed) & WARNED == 0 {
            crate::memory::master::warn_slow_link(self);
        }
    }

    /// Waits as [`wait_until`](Self::wait_until) does, then for the data lock. True if it has ended
    /// and the lock was free by `limit`, so that it can be [collected](Self::collect) with little
    /// waiting.
    pub(in crate::memory) fn is_settled_by(self: &Arc<Self>, limit: Time) -> bool {
        self.wait_until(limit);
        self.is_done() && self.data_cell().locked_by(limit, || ()).is_some()
    }

    pub(super) fn timeout_text(&self) -> String {
        let text = format!("{TIMEOUT_TEXT} {} message response.", self.id);
        let reason = self.explanations().or_else(|| {
            // The parts of a split one are tracked; mostly they share the reason.
            let mut state = self.state.lock_own(self.generation)?;
            let children = state.subs().map(|subs| subs.children.clone())?;
            drop(state);
            let pending = children.iter().filter_map(Weak::upgrade).filter(|part| !part.is_done());
            pending.take(EXPLAINED_PARTS_COUNT_MAX).find_map(|part| part.explanations())
        });
        text + &reason.unwrap_or_default()
    }

    /// The trackers' reasons why this transaction is unanswered, each after a space.
    fn explanations(&self) -> Option<String> {
        let trackers = self.trackers();
        let reasons = trackers.iter().filter_map(|tracker| tracker.explain(self));
        reasons.map(|reason| format!(" {reason}")).reduce(|all, one| all + &one)
    }
}
