//! Patience for what must happen, and a gate for what must not happen yet.

use std::sync::{mpsc, Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

/// A generous limit for everything that must happen; nothing waits for it to pass.
pub const LONG: Duration = Duration::from_secs(60);
/// A timeout for a test in which one must pass.
pub const SHORT: Duration = Duration::from_millis(20);
/// How often a condition is looked at that nobody announces.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Waits until `condition` holds.
///
/// # Panics
///
/// With `what` when it does not hold within [`LONG`].
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < limit, "not in {LONG:?}: {what}");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Waits until nothing owns what `weak` points to.
#[track_caller]
pub fn wait_until_freed<T: ?Sized>(weak: &Weak<T>) {
    wait_until("its last owner lets go of it", || weak.strong_count() == 0);
}

/// Lets time pass in which nothing is to happen, or which is part of what a test does.
pub fn let_pass(time: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    nothing.recv_timeout(time).unwrap_err();
}

/// Something that is closed until the test opens it.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    passing: Mutex<usize>,
    changed: Condvar,
    arrived: Condvar,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Arc<Gate> {
        Arc::default()
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        *self.passing.lock().unwrap() += 1;
        self.arrived.notify_all();
        let open = self.open.lock().unwrap();
        let (open, _) = self.changed.wait_timeout_while(open, LONG, |open| !*open).unwrap();
        assert!(*open, "the gate was never opened");
    }

    /// Opens the gate for good.
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    /// Waits until `count` threads have come to the gate.
    #[track_caller]
    pub fn wait_arrived(&self, count: usize) {
        let passing = self.passing.lock().unwrap();
        let few = |passing: &mut usize| *passing < count;
        let (passing, _) = self.arrived.wait_timeout_while(passing, LONG, few).unwrap();
        assert!(*passing >= count, "only {passing} of {count} came to the gate");
    }
}
