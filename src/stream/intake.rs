//! Back-pressure between event loops: a loop never waits for room in the outbox of a bridge, because
//! another loop, or it itself, may have to wait for it in turn. It stops receiving instead; or, where
//! nobody sends again what is lost, as for datagrams without a link, it goes on, and the frame is
//! dropped.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

thread_local! {
    /// The intake whose frames this thread passes on at the moment.
    static CURRENT: Cell<Option<Arc<Intake>>> = const { Cell::new(None) };
}

/// Whether one end of a bridge, or of a link, receives frames.
#[derive(Default)]
pub(crate) struct Intake {
    is_lossy: bool,
    /// Number of full outboxes that its frames go to.
    pauses: AtomicUsize,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Intake {
    /// That of an end which receives on whatever becomes of its frames.
    pub(crate) fn lossy() -> Intake {
        Intake { is_lossy: true, ..Intake::default() }
    }

    /// Whether frames without room are to be dropped.
    pub(crate) fn is_lossy(&self) -> bool {
        self.is_lossy
    }

    /// Sets what makes the end receive again after a pause. It is called with no lock of an outbox
    /// held, and must not wait.
    pub(crate) fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.set(Box::new(wake));
    }

    /// Whether no further frame is to be passed on for now. The end is woken afterwards.
    pub(crate) fn is_paused(&self) -> bool {
        self.pauses.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn pause(&self) {
        self.pauses.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        if self.pauses.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.wake.get().into_iter().for_each(|wake| wake());
        }
    }

    /// Runs `pass_on`, which passes on frames of this end, in the calling thread.
    pub(crate) fn passing<T>(self: &Arc<Self>, pass_on: impl FnOnce() -> T) -> T {
        let former = CURRENT.replace(Some(self.clone()));
        let passed = pass_on();
        CURRENT.set(former);
        passed
    }

    /// The one whose frames this thread passes on.
    pub(crate) fn of_this_thread() -> Option<Arc<Intake>> {
        let current = CURRENT.try_with(Cell::take).ok()?;
        CURRENT.set(current.clone());
        current
    }
}
