//! The thread that sends frames until it is stopped.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::generator::Generator;
use super::TX_LOG;
use crate::clock;
use crate::error::{caught, Error, Result, Status};
use crate::logging::{log_error, log_warning};
use crate::process::{self, Generation};
use crate::sync::{Condvar, Mutex};

/// How long `stop` waits for the thread, which may be in the program's code.
const STOP_WAIT_MAX: Duration = Duration::from_millis(80);

/// A thread that sends frames.
pub(super) struct Background {
    generation: Generation,
    state: Mutex<BackgroundState>,
    /// Signals a change of the state.
    changed: Condvar,
    /// Not a part of the state, whose lock a child by `fork` may find locked by the thread.
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct BackgroundState {
    is_stopped: bool,
    has_exited: bool,
}

/// Signals the end of the thread, also after a panic.
struct Exit<'a>(&'a Background);

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.0.state.lock().has_exited = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.generation.is_inherited() {
            // The thread is the parent's; its handle is invalid here.
            std::mem::forget(self.thread.get_mut().take());
        }
    }
}

impl Background {
    /// Starts to send frames of `size` bytes by `generator`.
    pub(super) fn start(generator: &Arc<Generator>, size: u32) -> Result<Arc<Background>> {
        let generation = Generation::current();
        let background = Arc::new(Background {
            generation,
            state: Mutex::default(),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        });
        let (own, generator) = (background.clone(), generator.clone());
        let thread = process::spawn("PrbsTx", process::STACK_OF_PROCESS, move || {
            process::wait_for_receivers();
            own.run(&generator, size);
        });
        let thread = thread.map_err(|error| {
            let text = format!("The thread that sends frames could not be started: {error}");
            Error::new(Status::OutOfResources, "Prbs::enable", text)
        })?;
        *background.thread.lock() = Some(thread);
        Ok(background)
    }

    /// Whether it sends frames.
    pub(super) fn is_running(&self) -> bool {
        !self.generation.is_inherited() && !self.state.lock().has_exited
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        let Some(mut handle) = self.thread.lock_own(self.generation) else { return };
        let thread = handle.take();
        drop(handle);
        let mut state = self.state.lock();
        state.is_stopped = true;
        self.changed.notify_all();
        let Some(thread) = thread else { return };
        if thread.thread().id() == thread::current().id() {
            // It ends by itself after its return from here.
            return;
        }
        let limit = clock::now() + STOP_WAIT_MAX;
        while !state.has_exited && clock::now() < limit {
            state = self.changed.wait_until(state, limit);
        }
        let has_exited = state.has_exited;
        drop(state);
        match has_exited {
            true => drop(thread.join()),
            false => log_warning!(
                TX_LOG,
                "The receiver of a frame does not return; the thread ends when it does"
            ),
        }
    }

    /// Also true in a child, if the receiver of a frame has forked.
    fn is_over(&self) -> bool {
        self.generation.is_inherited() || self.state.lock().is_stopped
    }

    /// Waits for `period`, or until the thread is stopped.
    fn pause(&self, period: Duration) {
        if period.is_zero() || self.generation.is_inherited() {
            return;
        }
        let limit = clock::now() + period;
        let mut state = self.state.lock();
        while !state.is_stopped && clock::now() < limit {
            state = self.changed.wait_until(state, limit);
        }
    }

    fn run(&self, generator: &Generator, size: u32) {
        let exit = Exit(self);
        while !self.is_over() {
            if !generator.fits(size) {
                generator.meter.count_error();
                log_error!(
                    TX_LOG,
                    "No more frames are sent: the width was changed, and frames of {size} bytes do \
                     not fit it"
                );
                break;
            }
            if let Err(text) = caught(|| generator.send(size)) {
                log_warning!(TX_LOG, "The receiver of a frame panicked: {text}");
            }
            self.pause(generator.period());
        }
        if self.generation.is_inherited() {
            // The receiver of a frame has forked, and this is the child: no thread waits here.
            std::mem::forget(exit);
        }
    }
}
