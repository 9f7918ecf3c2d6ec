//! The end of a transaction, and its notifications.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::buffer::NEVER;
use super::parts::Subs;
use super::tracker::{Tracker, Trackers};
use super::{
    Completion, Observer, Transaction, DRIVEN, FAILED, HAS_LISTENER, HAS_SLEEPER, NO_TEXT,
    SUCCEEDED, TIMED_OUT,
};
use crate::clock::Time;
use crate::memory::observers;
use crate::sync::MutexGuard;

/// The notifications of a transaction that has ended, to be sent with no lock held.
struct Notifications {
    observer: Option<Arc<dyn Observer>>,
    trackers: Trackers,
    flags: u8,
    subs: Option<Subs>,
}

impl Transaction {
    /// Completes the transaction successfully. Only the first completion counts.
    pub fn done(self: &Arc<Self>) {
        let Some(state) = self.state.lock_own(self.generation) else { return };
        if self.is_done() {
            return;
        }
        if self.parent.is_some() || !state.is_plain() {
            let ended = self.end_locked(state, SUCCEEDED);
            return self.announce(ended, None, false);
        }
        // Only waiting threads need it, as where a slave completes it at once.
        self.status.store(SUCCEEDED, Ordering::Release);
        let flags = self.flags.load(Ordering::Relaxed);
        drop(state);
        self.wake_sleepers(flags);
    }

    /// Wakes the threads that sleep until the end. `flags` were read under the state's lock at the
    /// end: a notification is a system call, also if no thread sleeps.
    #[inline]
    fn wake_sleepers(&self, flags: u8) {
        if flags & HAS_SLEEPER != 0 {
            self.ended.notify_all();
        }
    }

    /// Completes the transaction with an error text (one is supplied if it is empty). Only the
    /// first completion counts.
    pub fn error(self: &Arc<Self>, text: impl Into<String>) {
        self.fail(FAILED, &text.into());
    }

    pub(super) fn fail(self: &Arc<Self>, status: u8, text: &str) {
        if let Some(ended) = self.end(status, Some(text)) {
            self.announce(ended, Some(text), false);
        }
    }

    /// Ends the transaction unless it has ended; the caller then [announces](Self::announce) it.
    fn end(&self, status: u8, error: Option<&str>) -> Option<Notifications> {
        let mut state = self.state.lock_own(self.generation)?;
        if self.is_done() {
            return None;
        }
        if let Some(text) = error {
            let text = if text.is_empty() { NO_TEXT } else { text };
            state.rare().error = Some(text.into());
        }
        Some(self.end_locked(state, status))
    }

    /// Ends the transaction, which is pending.
    #[inline]
    fn end_locked(&self, mut state: MutexGuard<'_, Completion>, status: u8) -> Notifications {
        self.status.store(status, Ordering::Release);
        Notifications {
            observer: state.observer.take(),
            trackers: std::mem::take(&mut state.trackers),
            flags: self.flags.load(Ordering::Relaxed),
            subs: state.rare.as_mut().and_then(|rare| rare.subs.take()),
        }
    }

    /// Notifies waiting threads, the trackers of this transaction and its parts, its parent and its
    /// observer. No lock of the bus is held.
    fn announce(self: &Arc<Self>, ended: Notifications, error: Option<&str>, given_up: bool) {
        let Notifications { observer, mut trackers, flags, subs } = ended;
        if flags & DRIVEN != 0 {
            trackers.iter().for_each(|tracker| tracker.interrupt());
        }
        self.wake_sleepers(flags);
        if given_up || self.kept.load(Ordering::Acquire) > 0 {
            trackers.iter().for_each(|tracker| tracker.forget(self));
        }
        if let Some(subs) = subs.filter(|subs| subs.pending > 0) {
            forget_all(&subs.children);
        }
        let listened = match flags & HAS_LISTENER != 0 {
            true => std::mem::take(&mut trackers),
            false => Trackers::default(),
        };
        // Possibly the last reference to a slave's table.
        drop(trackers);
        if let Some(parent) = &self.parent {
            parent.child_ended(self, error);
        }
        if let Some(observer) = observer {
            let tran = self.clone();
            observers::run(move || observer.completed(&tran));
        }
        // Last: until here this thread may be in the observer's code and does nothing else.
        listened.iter().for_each(|tracker| tracker.listener_removed());
    }

    /// Gives the transaction up: it ends with `text` unless it has ended already, and its trackers
    /// drop it. Its buffer stays until it is [collected](Self::collect).
    ///
    /// Waits for the data lock, so its holder must not call this.
    pub fn give_up(self: &Arc<Self>, text: impl Into<String>) {
        self.end_early(FAILED, &text.into(), NEVER);
    }

    /// Gives the transaction up as [`give_up`](Self::give_up) does and drops its buffer; false if
    /// the data lock is held until `limit`.
    pub(in crate::memory) fn give_up_by(self: &Arc<Self>, text: &str, limit: Time) -> bool {
        self.end_early(FAILED, text, limit);
        self.is_done() && self.data_cell().take_by(limit).is_some()
    }

    /// As [`time_out_at_once`](Self::time_out_at_once), with another reason.
    pub(crate) fn give_up_at_once(self: &Arc<Self>, text: &str) {
        self.end_at_once(FAILED, text);
    }

    /// Gives the transaction up because its deadline has passed, with the reason that its trackers
    /// know.
    ///
    /// Waits for the data lock, so its holder must not call this.
    pub fn time_out(self: &Arc<Self>) {
        self.end_early(TIMED_OUT, &self.timeout_text(), NEVER);
    }

    /// Gives the transaction up as [`time_out`](Self::time_out) does, without the data lock. Its
    /// holder may go on using the buffer, which stays until it unlocks.
    pub(crate) fn time_out_at_once(self: &Arc<Self>) {
        self.end_at_once(TIMED_OUT, &self.timeout_text());
    }

    pub(super) fn end_at_once(self: &Arc<Self>, status: u8, text: &str) {
        if let Some(ended) = self.end(status, Some(text)) {
            self.announce(ended, Some(text), true);
        }
    }

    /// Ends it unless the data lock is held until `limit`.
    pub(super) fn end_early(self: &Arc<Self>, status: u8, text: &str, limit: Time) {
        if self.is_inherited() {
            return;
        }
        // Under the data lock: a slave that copies finishes first, and its completion counts.
        let ended = self.data_cell().locked_by(limit, || self.end(status, Some(text)));
        if let Some(ended) = ended.flatten() {
            self.announce(ended, Some(text), true);
        }
    }

    pub(super) fn trackers(&self) -> Trackers {
        let state = self.state.lock_own(self.generation);
        state.map(|state| state.trackers.clone()).unwrap_or_default()
    }

    /// Whether a listener needs the completion, and the trackers know.
    #[cfg(test)]
    pub(crate) fn has_listener(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & HAS_LISTENER != 0
    }

    /// Registers `tracker`: it is notified of the end, and asked for signs of life. A slave with a
    /// table of pending requests calls this after it has made a [`Kept`](crate::memory::Kept) of
    /// the transaction. Returns false if the transaction has expired: it must not stay in the
    /// table.
    pub fn set_tracker(&self, tracker: Arc<dyn Tracker>) -> bool {
        let Some(state) = self.state.lock_own(self.generation) else { return false };
        // The thread that ends an ancestor reads this list under its lock after the end: either it
        // finds the tracker, or the end is seen here.
        if self.expired() {
            return false;
        }
        if self.parent.is_none() {
            self.add_tracker(state, tracker);
            return true;
        }
        self.add_tracker(state, tracker.clone());
        let root = self.root();
        let state = root.state.lock();
        if !root.is_done() {
            root.add_tracker(state, tracker);
        }
        true
    }

    fn add_tracker(&self, mut state: MutexGuard<'_, Completion>, tracker: Arc<dyn Tracker>) {
        let has_listener = self.flags.load(Ordering::Relaxed) & HAS_LISTENER != 0;
        let told = has_listener.then(|| tracker.clone());
        let is_new = state.trackers.add(tracker);
        drop(state);
        if let (Some(tracker), true) = (told, is_new) {
            tracker.listener_added();
        }
    }

    /// Tells the present and the future trackers that a listener needs the completion, which no
    /// thread drives. The transaction is pending.
    pub(super) fn add_listener(&self, state: MutexGuard<'_, Completion>) {
        let is_news = self.flags.fetch_or(HAS_LISTENER, Ordering::Relaxed) & HAS_LISTENER == 0;
        let trackers = if is_news { state.trackers.clone() } else { Trackers::default() };
        drop(state);
        trackers.iter().for_each(|tracker| tracker.listener_added());
    }

    /// Counts a table that [keeps](crate::memory::Kept) this transaction.
    pub(in crate::memory) fn note_kept(&self) {
        self.kept.fetch_add(1, Ordering::AcqRel);
    }

    /// Undoes one [`note_kept`](Self::note_kept).
    pub(in crate::memory) fn note_released(&self) {
        self.kept.fetch_sub(1, Ordering::AcqRel);
    }

    /// Calls `observer` at the end; at once, in this thread, if the transaction has ended (inside
    /// several other observers: after the innermost). Replaces an earlier observer, which is dropped
    /// without a call, as is one of a transaction that was requested before this process was forked.
    pub fn observe(self: &Arc<Self>, observer: Arc<dyn Observer>) {
        let Some(mut state) = self.state.lock_own(self.generation) else { return };
        if !self.is_done() {
            let former = state.observer.replace(observer);
            self.add_listener(state);
            // Outside the lock: dropping it may run the program's code.
            return drop(former);
        }
        drop(state);
        let tran = self.clone();
        observers::call(move || observer.completed(&tran));
    }
}

/// Makes the trackers of those of `orphans`, and of their parts, that are pending drop them.
fn forget_all(orphans: &[Weak<Transaction>]) {
    for orphan in orphans.iter().filter_map(Weak::upgrade) {
        let (trackers, has_listener, parts) = {
            let mut state = orphan.state.lock();
            let parts = state.subs().map(|subs| subs.children.clone());
            let has_listener = orphan.flags.load(Ordering::Relaxed) & HAS_LISTENER != 0;
            (std::mem::take(&mut state.trackers), has_listener, parts)
        };
        // One that has ended has notified its trackers itself.
        for tracker in trackers.iter() {
            tracker.forget(&orphan);
            if has_listener {
                tracker.listener_removed();
            }
        }
        forget_all(&parts.unwrap_or_default());
    }
}
