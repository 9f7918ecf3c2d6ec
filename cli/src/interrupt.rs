//! Signals that end the program: caught here, so that commands can leave nothing behind.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rogue_mem::memory::Master;
use rogue_mem::Error;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, Kind, Outcome};

/// The signals that ask for the end.
pub const ENDS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Whether one of them has come.
#[derive(Clone, Debug)]
pub struct Interrupt {
    has_come: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on the first signal cancels the accesses of `master`, so that nothing waits for
    /// them, and a second one ends the program at once.
    pub fn of(master: &Arc<Master>) -> Outcome<Interrupt> {
        let master = master.clone();
        Interrupt::calling(move || {
            master.cancel(None, Duration::ZERO);
        })
    }

    /// From now on the first signal calls `stop`, and a second one ends the program at once.
    pub fn calling(stop: impl Fn() + Send + 'static) -> Outcome<Interrupt> {
        let mut signals = Signals::new(ENDS).map_err(no_signals)?;
        let interrupt = Interrupt { has_come: Arc::default() };
        let has_come = interrupt.has_come.clone();
        let watch = move || {
            for _ in signals.forever() {
                if has_come.swap(true, Ordering::Relaxed) {
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
        self.has_come.load(Ordering::Relaxed)
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

/// The system delivers no signals.
pub fn no_signals(error: io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("The system refuses to deliver signals: {error}"))
}
