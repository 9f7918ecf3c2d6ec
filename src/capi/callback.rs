//! What a set of callbacks from C has in common: a pointer of the program's, a function that is
//! called when the library needs it no more, and the gate before it, if there is one.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::handle::{borrow, rogue_mem_gate_t};
use crate::clock;
use crate::sync::{Condvar, Mutex};

/// The flag of a closed gate. The bits above it count the callbacks that have passed.
const CLOSED: usize = 1;
const ONE_INSIDE: usize = 2;

/// What callbacks pass on their way to the program, until it is closed.
pub struct Gate {
    state: AtomicUsize,
    mutex: Mutex<()>,
    left: Condvar,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate { state: AtomicUsize::new(0), mutex: Mutex::new(()), left: Condvar::new() }
    }

    /// Lets a callback pass; `None` once the gate is closed.
    fn enter(&self) -> Option<Inside<'_>> {
        let before = self.state.fetch_add(ONE_INSIDE, Ordering::AcqRel);
        let inside = Inside { gate: Some(self) };
        // Dropping it where the gate is closed takes the count back.
        (before & CLOSED == 0).then_some(inside)
    }

    /// Closes the gate, and waits for who has passed it, no longer than `time`; whether nobody is
    /// inside.
    pub(super) fn close(&self, time: Duration) -> bool {
        let nobody_inside = self.state.fetch_or(CLOSED, Ordering::AcqRel) <= CLOSED;
        if nobody_inside || time.is_zero() {
            return nobody_inside;
        }
        let limit = clock::instant(clock::now() + time);
        let mut guard = self.mutex.lock();
        while self.state.load(Ordering::Acquire) != CLOSED {
            match limit {
                Some(limit) => {
                    if self.left.wait_until(&mut guard, limit).timed_out() {
                        return self.state.load(Ordering::Acquire) == CLOSED;
                    }
                }
                None => self.left.wait(&mut guard),
            }
        }
        true
    }
}

/// That a callback runs.
pub(super) struct Inside<'a> {
    gate: Option<&'a Gate>,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Some(gate) = self.gate else { return };
        if gate.state.fetch_sub(ONE_INSIDE, Ordering::AcqRel) == CLOSED + ONE_INSIDE {
            // Under the lock, so that it cannot slip in between the look and the wait.
            let _guard = gate.mutex.lock();
            gate.left.notify_all();
        }
    }
}

/// The `ctx` of a callback set, its `drop`, and its gate.
pub(super) struct Context {
    ctx: *mut c_void,
    drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    gate: Option<Arc<Gate>>,
}

// SAFETY: the header says that callbacks run on any thread, several at once, so the program has
// promised that what `ctx` points to can take it.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// Takes `ctx` over: `drop` is called once, when this is dropped.
    ///
    /// # Safety
    ///
    /// `gate` must be null or live.
    pub(super) unsafe fn new(
        ctx: *mut c_void,
        drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
        gate: *const rogue_mem_gate_t,
    ) -> Context {
        // SAFETY: promised by the caller.
        let gate = unsafe { borrow(gate) }.map(|gate| Arc::clone(&gate));
        Context { ctx, drop, gate }
    }

    /// The program's pointer.
    pub(super) fn ctx(&self) -> *mut c_void {
        self.ctx
    }

    /// To be kept while a callback runs; `None` if it may not be called any more.
    #[inline]
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        match &self.gate {
            None => Some(Inside { gate: None }),
            Some(gate) => gate.enter(),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: a function of the program's with this signature, called once.
            unsafe { drop(self.ctx) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_pass_and_tells_when_all_have_left() {
        let gate = Gate::new();
        let (one, two) = (gate.enter().unwrap(), gate.enter().unwrap());
        assert!(!gate.close(Duration::ZERO));
        assert!(gate.enter().is_none());
        drop(one);
        assert!(!gate.close(Duration::from_millis(1)));
        drop(two);
        assert!(gate.close(Duration::ZERO));
        assert!(gate.enter().is_none());
        assert!(gate.close(Duration::MAX));
    }

    #[test]
    fn the_one_who_closes_waits_for_the_last() {
        let gate = Gate::new();
        let inside = gate.enter().unwrap();
        std::thread::scope(|scope| {
            let closed = scope.spawn(|| gate.close(Duration::MAX));
            while gate.enter().is_some() {
                std::thread::yield_now();
            }
            drop(inside);
            assert!(closed.join().unwrap());
        });
    }
}
