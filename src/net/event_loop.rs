//! A named thread that waits for the sockets, wake-ups and timers of any number of drivers.
//!
//! An object implements [`Driver`]; [`EventLoop::spawn`] gives it a thread of its own,
//! [`EventLoop::add`] a place on a shared one. Drivers come and go while the loop
//! runs. Each has tokens and timers of its own; an end, an error or a panic of one
//! affects no other. Every method of a driver but [`Driver::start`] runs on the loop's thread, one
//! at a time, so a driver needs no locks for its own state. Other threads hold a
//! [`DriverHandle`]: they store work for the driver and call [`DriverHandle::wake`].
//!
//! There is no polling: without a deadline the thread sleeps until a socket or a wake-up.
//! The loop thread blocks signals, so a program's signal handlers run on its own threads. A
//! process that the program starts from a callback with `fork` and `exec` inherits that mask.
//!
//! One turn of the loop:
//!
//! 1. wait for sockets, a wake-up or the earliest deadline;
//! 2. [`Driver::woken`] of each driver that was woken since the last turn;
//! 3. [`Driver::ready`] for each ready socket;
//! 4. [`Driver::timeout`] for each timer that is due;
//! 5. [`Driver::flush`] of each driver that has run in this turn; stopped ones end.
//!
//! The cost of a turn depends only on the drivers that run in it. After `stop`
//! no further step of a driver begins; [`Driver::stopped`] runs and the driver is dropped, both on
//! the loop thread. The thread ends with its last driver.

mod driver;
mod handle;
mod runner;
mod shared;

use std::io;
use std::sync::Arc;

use super::cause::cause_text;
use super::descriptors::{new_poll, Waker};
use super::spin::Spin;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::process;

pub use driver::{Driver, Readiness};
pub use handle::{DriverHandle, Registry, STOP_WAIT_MAX, TOKENS_COUNT};

use handle::{DriverShared, LoopShared, Place, WAKER_TOKEN};
use runner::{Arrival, Arrivals, Runner};

/// An event loop and its thread, which ends when this has been dropped and all drivers have ended.
pub struct EventLoop {
    place: Place,
    arrivals: Arc<Arrivals>,
}

impl_debug!(EventLoop, event_loop => { name: event_loop.place.event_loop.name });

/// Options of a loop that a program makes for several objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventLoopOptions {
    /// Whether the loop polls for a while before it sleeps.
    pub spin: Spin,
    /// Stack size of its thread, in bytes; 0 = the size of other threads of the process. At least
    /// 2 MiB.
    pub stack_bytes: usize,
}

fn refused(loop_name: &str, what: &str, cause: io::Error) -> Error {
    let cause = cause_text(&cause);
    let text = format!("Failed to start event loop {loop_name}: {what}: {cause}");
    Error::new(Status::OutOfResources, "net::EventLoop", text)
}

impl EventLoop {
    /// Starts a loop without drivers, whose thread is called `name` (Linux shows the first 15
    /// bytes) and has a stack of `stack_bytes`: at least 2 MiB; 0 = the default of the process's
    /// threads. With `spin` it polls for a while before it sleeps, after a turn with socket events.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system refuses descriptors, memory or the thread.
    pub fn start(name: &str, stack_bytes: usize, spin: Spin) -> Result<EventLoop> {
        EventLoop::launch(name, stack_bytes, move |runner| runner.run(spin))
    }

    /// As [`start`](Self::start), for objects to share.
    ///
    /// # Errors
    ///
    /// As `start`.
    pub fn with_options(name: &str, options: EventLoopOptions) -> Result<Arc<EventLoop>> {
        EventLoop::start(name, options.stack_bytes, options.spin).map(Arc::new)
    }

    fn launch(
        name: &str,
        stack_bytes: usize,
        body: impl FnOnce(Runner) + Send + 'static,
    ) -> Result<EventLoop> {
        let refused = |what: &str, cause: io::Error| refused(name, what, cause);
        let poll = new_poll().map_err(|cause| refused("no poll descriptor", cause))?;
        let registry = poll.registry().try_clone();
        let registry = registry.map_err(|cause| refused("no poll descriptor", cause))?;
        let waker = Waker::new(poll.registry(), WAKER_TOKEN)
            .map_err(|cause| refused("no waker descriptor", cause))?;
        let event_loop = Arc::new(LoopShared::new(name, registry, waker));
        let place = Place::on(&event_loop).expect("a new loop has room");
        let arrivals = Arc::<Arrivals>::default();
        let runner = Runner::new(event_loop.clone(), arrivals.clone(), poll);
        // Held during the spawn, so that no thread finds the place empty while this one exists.
        let mut thread = event_loop.thread.lock();
        let started = process::spawn(name, stack_bytes, move || body(runner));
        *thread = Some(started.map_err(|cause| {
            let text = format!("Failed to start event loop {name}: {cause}");
            Error::new(Status::OutOfResources, "net::EventLoop", text)
        })?);
        drop(thread);
        Ok(EventLoop { place, arrivals })
    }

    /// Makes a driver with `make_driver` and adds it to the loop.
    ///
    /// `make_driver` and [`Driver::start`] run on the calling thread. Their handle may be used at
    /// once: a wake-up before the loop knows the driver is not lost.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system refuses to register a socket, or the loop has
    /// failed or has no room for another driver; [`Status::Stopped`] if it belongs to the parent
    /// process.
    pub fn add<D, F>(&self, make_driver: F) -> Result<DriverHandle>
    where
        D: Driver,
        F: FnOnce(DriverHandle) -> D,
    {
        let event_loop = &self.place.event_loop;
        if event_loop.is_inherited() {
            let text = process::inherited_text("net::EventLoop");
            return Err(Error::new(Status::Stopped, "net::EventLoop", text));
        }
        let refused = |what: &str, cause: io::Error| refused(&event_loop.name, what, cause);
        let full = || refused("no further driver", io::Error::other("the loop takes none"));
        let place = Place::on(event_loop).ok_or_else(full)?;
        let driver = Arc::new(DriverShared::new(&place));
        let handle = DriverHandle { driver: driver.clone() };
        let registry = Registry { driver };
        let mut driver = Box::new(make_driver(handle.clone()));
        driver
            .start(&registry)
            .map_err(|cause| refused("a socket could not be registered", cause))?;
        let arrival = Arrival { driver, registry, place };
        // Under the lock: a loop that fails either finds it, or is seen to have failed.
        let inbox = event_loop.inbox.lock();
        if inbox.is_over {
            drop(inbox);
            return Err(full());
        }
        self.arrivals.lock().push(arrival);
        drop(inbox);
        event_loop.notify();
        Ok(handle)
    }

    /// Gives a driver a loop of its own, see [`start`](Self::start) and [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// As `start` and `add`.
    pub fn spawn<D, F>(
        name: &str,
        stack_bytes: usize,
        spin: Spin,
        make_driver: F,
    ) -> Result<DriverHandle>
    where
        D: Driver,
        F: FnOnce(DriverHandle) -> D,
    {
        EventLoop::start(name, stack_bytes, spin)?.add(make_driver)
    }
}

#[cfg(test)]
pub(super) mod tests;
