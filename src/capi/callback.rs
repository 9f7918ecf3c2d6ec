//! The common part of a set of callbacks from C: the program's pointer, the function that the
//! library calls when it has finished with that pointer, and the gate, if there is one.

use std::ffi::{c_void, CString};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::handle::{borrow, Handle};
use crate::clock;
use crate::process::Generation;
use crate::sync::{Condvar, Mutex};

/// The flag of a closed gate. The bits above it count the callbacks that have passed.
const CLOSED: usize = 1;
const ONE_INSIDE: usize = 2;

/// Lets callbacks call the program until it is closed.
pub struct CallbackGate {
    generation: Generation,
    state: AtomicUsize,
    mutex: Mutex<()>,
    left: Condvar,
}

impl CallbackGate {
    pub(super) fn new() -> CallbackGate {
        let (generation, state) = (Generation::current(), AtomicUsize::new(0));
        CallbackGate { generation, state, mutex: Mutex::new(()), left: Condvar::new() }
    }

    /// Lets a callback pass; `None` once the gate is closed.
    fn enter(&self) -> Option<Inside<'_>> {
        let before = self.state.fetch_add(ONE_INSIDE, Ordering::AcqRel);
        let inside = Inside { gate: Some(self) };
        // If the gate is closed, the drop decrements the count again.
        (before & CLOSED == 0).then_some(inside)
    }

    /// Closes the gate, and waits at most `time` for running callbacks, but in a child by `fork` for
    /// none: they run in the parent. Returns whether none runs.
    pub(super) fn close(&self, time: Duration) -> bool {
        let is_idle = self.state.fetch_or(CLOSED, Ordering::AcqRel) <= CLOSED;
        if is_idle || time.is_zero() {
            return is_idle;
        }
        let limit = clock::now() + time;
        let Some(mut guard) = self.mutex.lock_own(self.generation) else { return false };
        while self.state.load(Ordering::Acquire) != CLOSED {
            if clock::now() >= limit {
                return false;
            }
            guard = self.left.wait_until(guard, limit);
        }
        true
    }
}

/// Guard of a running callback.
pub(super) struct Inside<'a> {
    gate: Option<&'a CallbackGate>,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Some(gate) = self.gate else { return };
        if gate.state.fetch_sub(ONE_INSIDE, Ordering::AcqRel) == CLOSED + ONE_INSIDE {
            // Under the lock, so that it cannot occur between the check and the wait.
            let Some(_guard) = gate.mutex.lock_own(gate.generation) else { return };
            gate.left.notify_all();
        }
    }
}

/// The `ctx` of a callback set, its `drop`, and its gate.
pub(super) struct Context {
    ctx: *mut c_void,
    drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    gate: Option<Arc<CallbackGate>>,
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
    pub(super) unsafe fn new<H: Handle<Object = CallbackGate>>(
        ctx: *mut c_void,
        drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
        gate: *const H,
    ) -> Context {
        // SAFETY: promised by the caller.
        let gate = unsafe { borrow(gate) }.map(|gate| Arc::clone(&gate));
        Context { ctx, drop, gate }
    }

    /// The program's pointer.
    pub(super) fn ctx(&self) -> *mut c_void {
        self.ctx
    }

    /// A guard for the time of a callback; `None` if it may not be called any more.
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

/// A text for a callback. A NUL within it, where C would end it, becomes a space.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text)
        .or_else(|_| CString::new(text.replace('\0', " ")))
        .expect("every NUL has been replaced")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_nul_in_it_is_not_cut_there() {
        assert_eq!(c_text("before\0after").as_c_str(), c"before after");
        assert_eq!(c_text("").as_c_str(), c"");
    }

    #[test]
    fn a_closed_gate_lets_no_callback_pass_and_tells_when_all_have_left() {
        let gate = CallbackGate::new();
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
        let gate = CallbackGate::new();
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
