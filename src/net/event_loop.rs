//! One named thread per object, which waits for sockets, wake-ups and one deadline.
//!
//! The object implements [`Driver`]; [`EventLoop::spawn`] gives it its thread. Every method of a
//! driver but [`Driver::start`] runs on that thread, one at a time, so a driver needs no locks for
//! what only it touches. Other threads hold a [`LoopHandle`]: they put work where the driver finds
//! it and call [`LoopHandle::wake`].
//!
//! There is no polling: without a deadline the thread sleeps until a socket or a wake-up calls.
//! The loop thread takes no signals, so a program's signal handlers run on its own threads. A
//! process that user code starts from a callback with `fork` and `exec` inherits that mask.
//!
//! One turn of the loop:
//!
//! 1. wait for sockets, a wake-up or the deadline;
//! 2. [`Driver::woken`], if somebody called `wake` since the last turn;
//! 3. [`Driver::ready`] for each ready socket;
//! 4. [`Driver::timeout`], if the deadline has come;
//! 5. [`Driver::flush`].
//!
//! After `stop` no further step begins; [`Driver::stopped`] runs and the driver is dropped, both
//! on the loop thread.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::{Events, Poll, Registry, Token, Waker};

use super::spin::{Spin, Spinner};
use super::sys;
use crate::clock::{self, Time};
use crate::error::{panic_text, Error, Result, Status};
use crate::logging::{log_error, static_logger};
use crate::sync::{Condvar, Mutex};

/// How long [`LoopHandle::stop`] waits for the thread to end.
pub const STOP_WAIT_MAX: Duration = Duration::from_millis(100);

/// The token of the loop's own waker; a driver may use every other one.
pub const RESERVED_TOKEN: Token = Token(usize::MAX);

/// How many sockets one turn serves before timers and wake-ups have their turn again.
const EVENTS_PER_TURN_MAX: usize = 256;

/// The longest single wait: the system's call counts milliseconds in 31 bits.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

static_logger!(LOG, "EventLoop");

/// What a socket is ready for. Hints: the socket's own answer counts. Sockets are registered
/// edge-triggered, so read or write until `WouldBlock`, or the next event never comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// There may be bytes, a connection to accept, or the end of the stream.
    pub readable: bool,
    /// There may be room to send, or the connection attempt has ended.
    pub writable: bool,
    /// The peer sends no more.
    pub read_closed: bool,
    /// Nothing more can be sent.
    pub write_closed: bool,
    /// The socket has an error to report.
    pub error: bool,
}

/// What an event loop runs: the object's sockets and its protocol state.
pub trait Driver: Send + 'static {
    /// Registers the sockets that exist from the start. Runs on the thread that calls
    /// [`EventLoop::spawn`], before the loop's own thread exists; an error ends `spawn`.
    fn start(&mut self, registry: &Registry) -> io::Result<()>;

    /// The socket registered as `token` is ready. May also come for a token that has been
    /// deregistered earlier in the same turn: ignore a token that is not in use.
    fn ready(&mut self, registry: &Registry, token: Token, readiness: Readiness);

    /// Somebody has called [`LoopHandle::wake`], once or more often, since the last call.
    fn woken(&mut self, registry: &Registry);

    /// The deadline has come; never called before it. Must move [`Driver::deadline`] past `now`.
    fn timeout(&mut self, registry: &Registry, now: Time);

    /// When [`Driver::timeout`] is due; `None` for never. Asked in every turn, so keep it cheap.
    fn deadline(&self) -> Option<Time>;

    /// Whether the loop looks again for a while before it sleeps, after a turn in which sockets had
    /// something. Asked once.
    fn spin(&self) -> Spin {
        Spin::Never
    }

    /// All of this turn's events have been given: write out what they have produced.
    fn flush(&mut self, _registry: &Registry) {}

    /// The last call, also after a panic of another method: fail what is outstanding. The driver,
    /// and with it the sockets it owns, is dropped right after.
    fn stopped(&mut self, registry: &Registry);
}

/// The loop thread is busy and will look for wake-ups before it waits.
const AWAKE: u8 = 0;
/// The loop thread waits, or is about to, and needs the waker to notice anything.
const ASLEEP: u8 = 1;
/// Somebody has called `wake`; the loop has not yet passed it on.
const NOTIFIED: u8 = 2;

struct Shared {
    name: String,
    waker: Waker,
    state: AtomicU8,
    stop: AtomicBool,
    panicked: AtomicBool,
    turns: AtomicUsize,
    #[cfg(test)]
    waker_writes: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
    finished: Mutex<bool>,
    finished_changed: Condvar,
}

thread_local! {
    /// The address of the `Shared` whose loop this thread runs. Without a destructor, so that
    /// other thread-local destructors may still ask.
    static CURRENT_LOOP: Cell<usize> = const { Cell::new(0) };
}

/// What other threads hold of an event loop. Cheap to clone; may outlive the loop, and then does
/// nothing.
#[derive(Clone)]
pub struct LoopHandle {
    shared: Arc<Shared>,
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl LoopHandle {
    /// Makes the loop call [`Driver::woken`] soon. Whatever the caller stored before, `woken`
    /// sees. Callable from any thread, a driver's method included; never blocks.
    ///
    /// Many calls cost one system call, and none at all while the loop is busy.
    pub fn wake(&self) {
        if self.shared.state.swap(NOTIFIED, Ordering::SeqCst) != ASLEEP {
            return;
        }
        #[cfg(test)]
        self.shared.waker_writes.fetch_add(1, Ordering::Relaxed);
        if let Err(cause) = self.shared.waker.wake() {
            log_error!(LOG, "{}: wake-up failed: {cause}", self.name());
        }
    }

    /// Whether the calling thread is the loop's own, which is to say: inside a callback.
    pub fn is_loop_thread(&self) -> bool {
        let address = Arc::as_ptr(&self.shared) as usize;
        CURRENT_LOOP.try_with(|current| current.get() == address).unwrap_or(false)
    }

    /// Ends the loop; see [`LoopHandle::stop_within`]. Waits for at most [`STOP_WAIT_MAX`].
    pub fn stop(&self) -> bool {
        self.stop_within(STOP_WAIT_MAX)
    }

    /// Ends the loop: no driver method begins after this but [`Driver::stopped`]. Idempotent, and
    /// callable from any thread.
    ///
    /// Returns whether the thread has ended. From another thread it waits for that, at most
    /// `wait_max`: user code that blocks inside a callback does not hold the caller up, and the
    /// thread ends by itself once that code returns. From the loop's own thread it returns `false`
    /// at once, and the loop ends when the callback has returned.
    pub fn stop_within(&self, wait_max: Duration) -> bool {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if self.is_loop_thread() {
            return false;
        }
        let limit = clock::instant(clock::now() + wait_max);
        let mut finished = self.shared.finished.lock();
        while !*finished {
            match limit {
                None => self.shared.finished_changed.wait(&mut finished),
                Some(limit) => {
                    let wait = self.shared.finished_changed.wait_until(&mut finished, limit);
                    if wait.timed_out() && !*finished {
                        return false;
                    }
                }
            }
        }
        drop(finished);
        // The thread has nothing left to do, so this does not wait for anything of ours.
        let thread = self.shared.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        true
    }

    /// Whether `stop` has been called or the driver has panicked.
    pub fn is_stopping(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }

    /// Whether a method of the driver has panicked, which ends the loop.
    pub fn has_panicked(&self) -> bool {
        self.shared.panicked.load(Ordering::SeqCst)
    }

    /// How often the loop has come back from waiting. Stands still while the loop is idle.
    pub fn turns(&self) -> usize {
        self.shared.turns.load(Ordering::Relaxed)
    }

    /// The name the loop was given.
    pub fn name(&self) -> &str {
        &self.shared.name
    }
}

/// An event loop and its thread. Dropping it is [`LoopHandle::stop`].
#[derive(Debug)]
pub struct EventLoop {
    handle: LoopHandle,
}

impl EventLoop {
    /// Makes a driver with `make_driver` and gives it a thread called `thread_name`. (Linux shows
    /// the first 15 bytes of the name.)
    ///
    /// `make_driver` and [`Driver::start`] run on the calling thread. The handle they are given
    /// may be used at once: a wake-up before the thread runs is not lost.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where the system refuses descriptors, memory or the thread.
    pub fn spawn<D, F>(thread_name: &str, make_driver: F) -> Result<EventLoop>
    where
        D: Driver,
        F: FnOnce(LoopHandle) -> D,
    {
        let refused = |what: &str, cause: io::Error| {
            let text = format!("Failed to start event loop {thread_name}: {what}: {cause}");
            Error::new(Status::OutOfResources, "net::EventLoop::spawn", text)
        };
        let poll = Poll::new().map_err(|cause| refused("no poll descriptor", cause))?;
        let waker = Waker::new(poll.registry(), RESERVED_TOKEN)
            .map_err(|cause| refused("no waker descriptor", cause))?;
        let handle = LoopHandle {
            shared: Arc::new(Shared {
                name: thread_name.to_owned(),
                waker,
                state: AtomicU8::new(AWAKE),
                stop: AtomicBool::new(false),
                panicked: AtomicBool::new(false),
                turns: AtomicUsize::new(0),
                #[cfg(test)]
                waker_writes: AtomicUsize::new(0),
                thread: Mutex::new(None),
                finished: Mutex::new(false),
                finished_changed: Condvar::new(),
            }),
        };
        let mut driver = make_driver(handle.clone());
        driver
            .start(poll.registry())
            .map_err(|cause| refused("a socket could not be registered", cause))?;
        let shared = handle.shared.clone();
        // Held over the spawn, so that nobody finds the place empty while the thread exists.
        let mut thread = handle.shared.thread.lock();
        *thread = Some(
            sys::spawn_without_signals(thread_name, move || shared.run(poll, driver))
                .map_err(|cause| refused("no thread", cause))?,
        );
        drop(thread);
        Ok(EventLoop { handle })
    }

    /// The handle for other threads; clone it to keep it.
    pub fn handle(&self) -> &LoopHandle {
        &self.handle
    }

    /// [`LoopHandle::stop`].
    pub fn stop(&self) -> bool {
        self.handle.stop()
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

impl Shared {
    fn run<D: Driver>(self: Arc<Self>, mut poll: Poll, mut driver: D) {
        CURRENT_LOOP.with(|current| current.set(Arc::as_ptr(&self) as usize));
        let _finish = FinishOnDrop(&self);
        self.contain("the event loop", || self.turn_until_stopped(&mut poll, &mut driver));
        self.stop.store(true, Ordering::SeqCst);
        self.contain("the end of the event loop", || driver.stopped(poll.registry()));
        self.contain("the release of the event loop's object", || drop(driver));
        drop(poll);
    }

    /// Runs `body`; a panic ends it, is logged, and goes no further.
    fn contain(&self, what: &str, body: impl FnOnce()) {
        let Err(payload) = panic::catch_unwind(AssertUnwindSafe(body)) else { return };
        self.panicked.store(true, Ordering::SeqCst);
        let name = &self.name;
        let text = panic_text(payload.as_ref());
        log_error!(LOG, "{name}: panic in {what}, which ends: {text}");
        // The payload is the panicking code's own value, and its destructor may panic too.
        std::mem::forget(payload);
    }

    fn turn_until_stopped<D: Driver>(&self, poll: &mut Poll, driver: &mut D) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN_MAX);
        let mut spinner = Spinner::new(driver.spin());
        while !self.stop.load(Ordering::SeqCst) {
            // Where the last turn had nothing to do, the next one will hardly come at once.
            let chance = if events.is_empty() { None } else { spinner.chance() };
            let answer = match chance {
                Some(limit) if self.spin(poll, &mut events, limit, driver.deadline()) => {
                    spinner.won();
                    Ok(())
                }
                Some(_) => {
                    spinner.lost();
                    self.wait(poll, &mut events, driver.deadline())
                }
                None => self.wait(poll, &mut events, driver.deadline()),
            };
            if let Err(cause) = answer {
                let name = &self.name;
                log_error!(LOG, "{name}: waiting failed: {cause}");
                return;
            }
            self.turn(poll.registry(), &events, driver);
        }
    }

    /// Looks for events again and again, up to `limit` but not beyond the deadline, and returns
    /// whether there are any, or a wake-up.
    fn spin(
        &self,
        poll: &mut Poll,
        events: &mut Events,
        limit: Duration,
        deadline: Option<Time>,
    ) -> bool {
        let end = (clock::now() + limit).min(deadline.unwrap_or(Time(u64::MAX)));
        loop {
            thread::yield_now();
            let answer = poll.poll(events, Some(Duration::ZERO));
            let is_over = answer.is_err() || self.state.load(Ordering::SeqCst) == NOTIFIED;
            if !events.is_empty() || is_over {
                self.turns.fetch_add(1, Ordering::Relaxed);
                return answer.is_ok();
            }
            if clock::now() >= end {
                return false;
            }
        }
    }

    /// Waits for events, a wake-up or the deadline. Afterwards the loop counts as awake, unless
    /// there is a notification to pass on.
    fn wait(&self, poll: &mut Poll, events: &mut Events, deadline: Option<Time>) -> io::Result<()> {
        let sleeps =
            self.state.compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        let timeout = if sleeps { wait_time(deadline) } else { Some(Duration::ZERO) };
        let answer = poll.poll(events, timeout);
        if sleeps {
            // Fails where a wake-up came meanwhile, which then stays noted.
            let _ = self.state.compare_exchange(ASLEEP, AWAKE, Ordering::SeqCst, Ordering::SeqCst);
        }
        self.turns.fetch_add(1, Ordering::Relaxed);
        match answer {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            answer => answer,
        }
    }

    fn turn<D: Driver>(&self, registry: &Registry, events: &Events, driver: &mut D) {
        let stopping = || self.stop.load(Ordering::SeqCst);
        // Reset before the driver looks at its queues: what comes later notifies anew.
        if self.state.swap(AWAKE, Ordering::SeqCst) == NOTIFIED && !stopping() {
            driver.woken(registry);
        }
        for event in events {
            if stopping() {
                return;
            }
            if event.token() != RESERVED_TOKEN {
                driver.ready(registry, event.token(), readiness_of(event));
            }
        }
        if stopping() {
            return;
        }
        if let Some(deadline) = driver.deadline() {
            let now = clock::now();
            if now >= deadline {
                driver.timeout(registry, now);
            }
        }
        if !stopping() {
            driver.flush(registry);
        }
    }
}

/// Releases those who wait in `stop`, however the thread ends.
struct FinishOnDrop<'a>(&'a Shared);

impl Drop for FinishOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.finished.lock() = true;
        self.0.finished_changed.notify_all();
    }
}

/// How long to wait for `deadline`; `None` without one. The system's call rounds up to whole
/// milliseconds, so the loop wakes at most one late and never spins before it.
fn wait_time(deadline: Option<Time>) -> Option<Duration> {
    let deadline = deadline.filter(|&deadline| deadline != Time(u64::MAX))?;
    Some(deadline.since(clock::now()).min(WAIT_MAX))
}

fn readiness_of(event: &mio::event::Event) -> Readiness {
    Readiness {
        readable: event.is_readable(),
        writable: event.is_writable(),
        read_closed: event.is_read_closed(),
        write_closed: event.is_write_closed(),
        error: event.is_error(),
    }
}

#[cfg(test)]
mod tests;
