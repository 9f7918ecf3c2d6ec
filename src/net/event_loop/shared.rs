//! The event loop that objects of this process share.

use std::mem;
use std::sync::{Arc, Weak};

use super::handle::{LoopShared, Place};
use super::runner::Arrivals;
use super::EventLoop;
use crate::error::Result;
use crate::net::spin::Spin;
use crate::process::{self, process_state, STACK_BYTES_MIN};

/// The loop that runs, or has run.
type Current = Option<(Weak<LoopShared>, Arc<Arrivals>)>;

process_state! {
    // The loop is the parent's.
    fn current() -> Current = None, in child |current| mem::forget(current.take())
}

impl EventLoop {
    /// The shared loop of this process, on a thread called `rogue_loop`. It runs no code of the
    /// program, ends with its last driver, and is created again for the next one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn shared() -> Result<EventLoop> {
        if let Some(running) = running(&current()) {
            return Ok(running);
        }
        // Without the lock, which a fork takes together with those that this needs.
        let started = EventLoop::launch("rogue_loop", STACK_BYTES_MIN, |runner| {
            process::run_no_user_code();
            runner.run(Spin::Never);
        })?;
        let mut current = current();
        if let Some(running) = running(&current) {
            // Of another thread, meanwhile. Without a driver the one here ends.
            return Ok(running);
        }
        *current = Some((Arc::downgrade(&started.place.event_loop), started.arrivals.clone()));
        Ok(started)
    }
}

fn running(current: &Current) -> Option<EventLoop> {
    let (event_loop, arrivals) = current.as_ref()?;
    let place = Place::on(&event_loop.upgrade()?)?;
    Some(EventLoop { place, arrivals: arrivals.clone() })
}
