//! Signals that end the program: caught here, so that commands can leave nothing behind.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use rogue_mem::Error;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, Kind, Outcome};
use crate::target::Target;

/// The signals that ask for the end.
pub const ENDS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Whether one of them has come.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    has_come: AtomicBool,
    pauses: Mutex<()>,
    came: Condvar,
}

impl Interrupt {
    /// From now on the first signal stops `target`, so that nothing waits for an access, be it under
    /// way or about to begin, and a second one ends the program at once.
    pub fn of(target: &Target) -> Outcome<Interrupt> {
        let client = target.client();
        Interrupt::calling(move || client.stop())
    }

    /// From now on the first signal calls `stop`, and a second one ends the program at once.
    pub fn calling(stop: impl Fn() + Send + 'static) -> Outcome<Interrupt> {
        Interrupt::with(stop, || ())
    }

    /// From now on the first signal calls `stop`, and a second one calls `leave` and ends the
    /// program.
    pub fn with(
        stop: impl Fn() + Send + 'static,
        leave: impl Fn() + Send + 'static,
    ) -> Outcome<Interrupt> {
        let mut signals = Signals::new(ENDS).map_err(no_signals)?;
        let interrupt = Interrupt::default();
        let state = interrupt.state.clone();
        let watch = move || {
            for _ in signals.forever() {
                if state.set() {
                    leave();
                    process::exit(Kind::Interrupted as i32);
                }
                stop();
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(no_signals)?;
        Ok(interrupt)
    }

    /// Whether a signal has come.
    pub fn has_come(&self) -> bool {
        self.state.has_come.load(Ordering::Relaxed)
    }

    /// Ends what looks for a signal, as if one had come.
    pub fn raise(&self) {
        self.state.set();
    }

    /// Waits until `end`, or for a signal.
    pub fn pause_until(&self, end: Instant) {
        let mut pause = self.state.pauses();
        while !self.has_come() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.state.came.wait_timeout(pause, left);
            pause = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Fails if a signal has come.
    pub fn check(&self) -> Outcome {
        match self.has_come() {
            true => Err(Failure::new(Kind::Interrupted, "Interrupted")),
            false => Ok(()),
        }
    }

    /// Why an access has failed: by a signal, or with `error`.
    pub fn or(&self, error: Error) -> Failure {
        self.check().err().unwrap_or_else(|| error.into())
    }
}

impl State {
    /// Notes a signal; returns whether it is not the first one.
    fn set(&self) -> bool {
        let _pauses = self.pauses();
        let is_second = self.has_come.swap(true, Ordering::Relaxed);
        self.came.notify_all();
        is_second
    }

    /// The lock protects no data: a panic elsewhere does not matter.
    fn pauses(&self) -> MutexGuard<'_, ()> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system delivers no signals.
pub fn no_signals(error: io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("The system refuses to deliver signals: {error}"))
}
