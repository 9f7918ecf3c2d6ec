//! Back-pressure between event loops: a loop never waits for room in an outbox, because another
//! loop, or it itself, may have to wait for it in turn. It stops receiving instead.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::net::DriverHandle;

thread_local! {
    /// The end of a bridge whose frames this thread passes on at the moment.
    static CURRENT: Cell<Option<Arc<Intake>>> = const { Cell::new(None) };
}

/// Whether one end of a bridge receives frames.
#[derive(Default)]
pub(super) struct Intake {
    /// Number of full outboxes that its frames go to.
    pauses: AtomicUsize,
    handle: OnceLock<DriverHandle>,
}

impl Intake {
    /// Sets the driver that is woken after a pause.
    pub(super) fn set_handle(&self, handle: DriverHandle) {
        let _ = self.handle.set(handle);
    }

    /// Whether no further frame is to be received for now. The driver is woken afterwards.
    pub(super) fn is_paused(&self) -> bool {
        self.pauses.load(Ordering::SeqCst) > 0
    }

    pub(super) fn pause(&self) {
        self.pauses.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn resume(&self) {
        if self.pauses.fetch_sub(1, Ordering::SeqCst) == 1 {
            let handle = self.handle.get();
            handle.into_iter().for_each(DriverHandle::wake);
        }
    }

    /// Runs `pass_on`, which passes on frames of this end, on its event loop's thread.
    pub(super) fn passing<T>(self: &Arc<Self>, pass_on: impl FnOnce() -> T) -> T {
        let former = CURRENT.replace(Some(self.clone()));
        let passed = pass_on();
        CURRENT.set(former);
        passed
    }

    /// The end whose frames this thread passes on.
    pub(super) fn of_this_thread() -> Option<Arc<Intake>> {
        let current = CURRENT.try_with(Cell::take).ok()?;
        CURRENT.set(current.clone());
        current
    }
}
