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
        let mut current = current();
        let running = current.as_ref().and_then(|(event_loop, arrivals)| {
            let place = Place::on(&event_loop.upgrade()?)?;
            Some(EventLoop { place, arrivals: arrivals.clone() })
        });
        if let Some(running) = running {
            return Ok(running);
        }
        let started = EventLoop::launch("rogue_loop", STACK_BYTES_MIN, |runner| {
            process::run_no_user_code();
            runner.run(Spin::Never);
        })?;
        *current = Some((Arc::downgrade(&started.place.event_loop), started.arrivals.clone()));
        Ok(started)
    }
}
