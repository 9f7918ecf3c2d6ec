//! What threads have started without waiting for it, and have not checked yet.

use super::transfer::this_thread;
use crate::error::Error;

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
}

/// Each thread is told how its own transactions went, whatever others check and start meanwhile.
#[derive(Default)]
pub(super) struct Unchecked(Vec<Record>);

impl Unchecked {
    /// This thread starts a transaction: anew, or to continue with what it has started before.
    /// Returns a failure that nothing has checked, and nothing can check any more.
    pub(super) fn start(&mut self, is_owned: bool, continues: bool) -> Option<Error> {
        let thread = this_thread();
        let former = self.0.iter().position(|record| record.thread == thread);
        if continues && (is_owned || former.is_some()) {
            return None;
        }
        let left = former.map(|index| self.0.swap_remove(index));
        let crowded = if is_owned { None } else { self.add(thread) };
        left.or(crowded).filter(|record| !record.is_told)?.failure.map(|failure| failure.error)
    }

    /// A transaction without an owner, of `thread`, has failed. The first failure counts.
    pub(super) fn fail(&mut self, thread: usize, failure: Failure) {
        if !self.0.iter().any(|record| record.thread == thread) {
            self.add(thread);
        }
        if let Some(record) = self.0.iter_mut().find(|record| record.thread == thread) {
            record.failure.get_or_insert(failure);
        }
    }

    /// Returns the thread's record that makes room for the new one.
    fn add(&mut self, thread: usize) -> Option<Record> {
        let is_full = self.0.len() >= THREAD_COUNT_MAX;
        let oldest = is_full.then(|| self.0.remove(0));
        self.0.push(Record { thread, failure: None, is_told: false });
        oldest
    }

    /// Whether a write that this thread has started has failed.
    pub(super) fn has_failed_write(&self) -> bool {
        let thread = this_thread();
        let mut own = self.0.iter().filter(|record| record.thread == thread);
        own.any(|record| record.failure.as_ref().is_some_and(|failure| failure.is_of_write))
    }

    /// What a check of this thread reports of transactions that it has started.
    pub(super) fn take_own(&mut self) -> Option<Error> {
        self.check_own()?.failure.map(|failure| failure.error)
    }

    /// What a check reports: how this thread's transactions went, or if there are none, a failure
    /// of others' that no check has reported.
    pub(super) fn take(&mut self) -> Option<Error> {
        if let Some(own) = self.check_own() {
            return own.failure.map(|failure| failure.error);
        }
        let mut others = self.0.iter_mut().filter(|record| !record.is_told);
        let record = others.find(|record| record.failure.is_some())?;
        record.is_told = true;
        record.failure.as_ref().map(|failure| failure.error.clone())
    }

    fn check_own(&mut self) -> Option<Record> {
        let thread = this_thread();
        let own = self.0.iter().position(|record| record.thread == thread)?;
        Some(self.0.swap_remove(own))
    }
}
