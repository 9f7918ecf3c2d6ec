//! What threads have started without waiting for it, and have not checked yet.

use super::transfer::this_thread;
use crate::error::{Error, Result};

/// Threads that are remembered: enough for those that start and check, however many only start.
const THREAD_COUNT_MAX: usize = 16;

/// The failure of a transaction without an owner.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) is_of_write: bool,
}

/// What one thread has started since its last check.
struct Record {
    thread: usize,
    failure: Option<Failure>,
    /// A thread that had started nothing has been told of the failure too.
    is_told: bool,
    /// A transaction has ended well, and variables are notified.
    is_updated: bool,
    /// Another thread has notified them.
    is_notified: bool,
}

/// Each thread is told how its own transactions went, whatever others check and start meanwhile.
#[derive(Default)]
pub(super) struct Unchecked {
    records: Vec<Record>,
    /// There was an update, of a thread that has no record any more.
    is_updated: bool,
}

impl Unchecked {
    /// This thread starts a transaction: anew, or to continue with what it has started before.
    /// Returns a failure that nothing has checked, and nothing can check any more.
    pub(super) fn start(&mut self, is_owned: bool, continues: bool) -> Option<Error> {
        let thread = this_thread();
        let former = self.records.iter().position(|record| record.thread == thread);
        if continues && (is_owned || former.is_some()) {
            return None;
        }
        let left = former.map(|index| self.records.swap_remove(index));
        let was_updated = left.as_ref().is_some_and(|record| record.is_updated);
        let crowded = match is_owned {
            true => {
                self.is_updated |= was_updated;
                None
            }
            false => self.add(thread, was_updated),
        };
        left.or(crowded).filter(|record| !record.is_told)?.failure.map(|failure| failure.error)
    }

    /// A transaction without an owner, of `thread`, has failed. The first failure counts.
    pub(super) fn fail(&mut self, thread: usize, failure: Failure) {
        if self.record_of(thread).is_none() {
            self.add(thread, false);
        }
        if let Some(record) = self.record_of(thread) {
            record.failure.get_or_insert(failure);
        }
    }

    /// A transaction without an owner, of `thread`, has ended well, and variables are notified.
    pub(super) fn update(&mut self, thread: usize) {
        match self.record_of(thread) {
            Some(record) => (record.is_updated, record.is_notified) = (true, false),
            None => self.is_updated = true,
        }
    }

    /// Whether a failure may have to be logged by [`start`](Self::start).
    pub(super) fn has_failures(&self) -> bool {
        self.records.iter().any(|record| record.failure.is_some())
    }

    fn record_of(&mut self, thread: usize) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.thread == thread)
    }

    /// Returns the thread's record that makes room for the new one.
    fn add(&mut self, thread: usize, is_updated: bool) -> Option<Record> {
        let is_full = self.records.len() >= THREAD_COUNT_MAX;
        let oldest = is_full.then(|| self.records.remove(0));
        let has_news = |record: &Record| record.is_updated && !record.is_notified;
        self.is_updated |= oldest.as_ref().is_some_and(has_news);
        let (is_told, is_notified) = (false, false);
        self.records.push(Record { thread, failure: None, is_told, is_updated, is_notified });
        oldest
    }

    /// Whether a write that this thread has started has failed.
    pub(super) fn has_failed_write(&self) -> bool {
        let thread = this_thread();
        let mut own = self.records.iter().filter(|record| record.thread == thread);
        own.any(|record| record.failure.as_ref().is_some_and(|failure| failure.is_of_write))
    }

    /// What a check of this thread reports of transactions that it has started: a failure, or
    /// whether there was an update.
    pub(super) fn take_own(&mut self) -> Result<bool> {
        match self.check_own() {
            None => Ok(false),
            Some(Record { failure: Some(failure), .. }) => Err(failure.error),
            Some(record) => Ok(record.is_updated),
        }
    }

    /// What a check reports: how this thread's transactions went, or if there are none, a failure
    /// of others' that no check has reported.
    pub(super) fn take(&mut self) -> Result<bool> {
        let thread = this_thread();
        if self.record_of(thread).is_some() {
            return self.take_own();
        }
        let mut others = self.records.iter_mut().filter(|record| !record.is_told);
        let Some(record) = others.find(|record| record.failure.is_some()) else {
            return Ok(false);
        };
        record.is_told = true;
        record.failure.as_ref().map_or(Ok(false), |failure| Err(failure.error.clone()))
    }

    /// Whether there was an update that no check has told of. The threads of these are told all the
    /// same: the one that tells now may do so later than they need it.
    pub(super) fn take_updates(&mut self) -> bool {
        let mut is_updated = std::mem::take(&mut self.is_updated);
        for record in &mut self.records {
            is_updated |= record.is_updated && !std::mem::replace(&mut record.is_notified, true);
        }
        is_updated
    }

    /// A check has failed: it tells of no update, neither now nor later, but for those of other
    /// threads, which their own checks tell of.
    pub(super) fn forget_updates(&mut self) {
        self.is_updated = false;
    }

    fn check_own(&mut self) -> Option<Record> {
        let thread = this_thread();
        let own = self.records.iter().position(|record| record.thread == thread)?;
        Some(self.records.swap_remove(own))
    }
}
