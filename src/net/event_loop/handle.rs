//! Handles of an event loop and its drivers, for other threads.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
#[cfg(test)]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Token};

use crate::clock::{self, Time};
use crate::debug::impl_debug;
use crate::logging::{self, log_error, static_logger};
use crate::net::descriptors::Waker;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::net::sys::watch_nothing;
use crate::process::Generation;
use crate::sync::{Condvar, Mutex};

/// How long [`DriverHandle::stop`] waits for the end of the driver, over all its calls. The promise
/// is 100 ms; the rest is for a busy machine to schedule the caller.
pub const STOP_WAIT_MAX: Duration = Duration::from_millis(80);

/// Bits of the system's token that are the driver's own; the bits above are the driver's key.
const TOKEN_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };

/// Number of tokens of each driver, from 0 on.
pub const TOKENS_COUNT: usize = 1 << TOKEN_BITS;

/// Number of driver keys. The last one is that of the loop's own waker.
pub(super) const KEYS_COUNT: usize = usize::MAX >> TOKEN_BITS;

/// The token of the loop's own waker.
pub(super) const WAKER_TOKEN: Token = Token(usize::MAX);

/// The loop thread is busy and will look for wake-ups before it waits.
pub(super) const AWAKE: u8 = 0;
/// The loop thread waits, or is about to, and only the waker can wake it.
pub(super) const ASLEEP: u8 = 1;
/// A wake-up has come; the loop has not yet handled it.
pub(super) const NOTIFIED: u8 = 2;

static_logger!(LOG, "EventLoop");

/// The inbox of the loop.
#[derive(Default)]
pub(super) struct Inbox {
    /// Number of drivers, and of threads that may still add one. Without any the loop is over.
    keys: BTreeSet<usize>,
    pub(super) next_key: usize,
    /// The thread ends, and accepts no further driver.
    pub(super) is_over: bool,
    /// Keys of the drivers that have been woken.
    pub(super) woken: Vec<usize>,
}

/// The state of a loop that all threads share.
pub(super) struct LoopShared {
    pub(super) name: String,
    pub(super) generation: Generation,
    registry: mio::Registry,
    waker: Waker,
    pub(super) state: AtomicU8,
    /// Number of returns from waits.
    #[cfg(test)]
    pub(super) turns: AtomicUsize,
    #[cfg(test)]
    pub(super) waker_writes: AtomicUsize,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
}

impl LoopShared {
    pub(super) fn new(name: &str, registry: mio::Registry, waker: Waker) -> LoopShared {
        LoopShared {
            name: name.to_owned(),
            generation: Generation::current(),
            registry,
            waker,
            state: AtomicU8::new(AWAKE),
            #[cfg(test)]
            turns: AtomicUsize::new(0),
            #[cfg(test)]
            waker_writes: AtomicUsize::new(0),
            inbox: Mutex::default(),
            thread: Mutex::new(None),
        }
    }

    /// Makes the loop check its inbox.
    pub(super) fn notify(&self) {
        if self.state.swap(NOTIFIED, Ordering::SeqCst) != ASLEEP {
            return;
        }
        #[cfg(test)]
        self.waker_writes.fetch_add(1, Ordering::Relaxed);
        if let Err(cause) = self.waker.wake() {
            log_error!(LOG, "{}: wake-up failed: {cause}", self.name);
        }
    }

    pub(super) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }
}

/// Keeps a loop alive, for a driver or for one that may still be added.
pub(super) struct Place {
    pub(super) event_loop: Arc<LoopShared>,
    pub(super) key: usize,
}

impl Place {
    /// `None` if the loop is over, belongs to the parent process, or has no key left.
    pub(super) fn on(event_loop: &Arc<LoopShared>) -> Option<Place> {
        if event_loop.is_inherited() {
            return None;
        }
        let mut inbox = event_loop.inbox.lock();
        if inbox.is_over || inbox.keys.len() == KEYS_COUNT {
            return None;
        }
        // Keys are not reused soon: late events of an ended driver find nothing.
        while inbox.keys.contains(&inbox.next_key) {
            inbox.next_key = (inbox.next_key + 1) % KEYS_COUNT;
        }
        let key = inbox.next_key;
        inbox.keys.insert(key);
        inbox.next_key = (key + 1) % KEYS_COUNT;
        drop(inbox);
        Some(Place { event_loop: event_loop.clone(), key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.event_loop.is_inherited() {
            return;
        }
        let mut inbox = self.event_loop.inbox.lock();
        inbox.keys.remove(&self.key);
        let is_last = inbox.keys.is_empty();
        inbox.is_over |= is_last;
        drop(inbox);
        if is_last {
            self.event_loop.notify();
        }
    }
}

/// The state of a driver's place on its loop that all threads share.
pub(super) struct DriverShared {
    pub(super) event_loop: Arc<LoopShared>,
    pub(super) key: usize,
    /// A wake-up has come; the loop has not yet handled it.
    pub(super) is_notified: AtomicBool,
    pub(super) is_stopped: AtomicBool,
    end: Mutex<End>,
    end_changed: Condvar,
}

/// The progress of a driver's end.
#[derive(Default)]
pub(super) struct End {
    /// The driver has been dropped.
    is_finished: bool,
    /// Until when [`DriverHandle::stop`] waits for that, on all threads.
    stop_limit: Option<Time>,
}

impl End {
    pub(super) fn stop_limit(&mut self, now: Time) -> Time {
        *self.stop_limit.get_or_insert(now + STOP_WAIT_MAX)
    }
}

impl DriverShared {
    pub(super) fn new(place: &Place) -> DriverShared {
        DriverShared {
            event_loop: place.event_loop.clone(),
            key: place.key,
            is_notified: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            end: Mutex::default(),
            end_changed: Condvar::new(),
        }
    }

    /// No method of the driver begins any more, except the last one.
    fn is_over(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst) || self.event_loop.is_inherited()
    }

    /// The driver has been dropped: releases the threads that wait in `stop`.
    pub(super) fn finish(&self) {
        self.end.lock().is_finished = true;
        self.end_changed.notify_all();
    }
}

/// Registers a driver's sockets, each with a token of the driver's own token space
/// (0 to [`TOKENS_COUNT`] - 1). Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Registry {
    pub(super) driver: Arc<DriverShared>,
}

impl_debug!(Registry);

impl Registry {
    /// Calls [`Driver::ready`](super::Driver::ready) with `token` when `source` is ready for
    /// `interest`, edge-triggered.
    ///
    /// # Errors
    ///
    /// The system's: `source` is registered already, or memory is short.
    pub fn register<S: Source + ?Sized>(
        &self,
        source: &mut S,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let token = self.system_token(token);
        self.driver.event_loop.registry.register(source, token, interest)
    }

    /// Reports the present readiness of `source`, which is registered, again.
    ///
    /// # Errors
    ///
    /// The system's: `source` is not registered.
    pub fn reregister<S: Source + ?Sized>(
        &self,
        source: &mut S,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let token = self.system_token(token);
        self.driver.event_loop.registry.reregister(source, token, interest)
    }

    /// Reports nothing about `source`, which is registered, but its errors, until it is registered
    /// [again](Self::reregister).
    ///
    /// # Errors
    ///
    /// The system's: `source` is not registered.
    pub fn mute(&self, source: &mut SourceFd<'_>, token: Token) -> io::Result<()> {
        let registry = &self.driver.event_loop.registry;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return watch_nothing(registry.as_raw_fd(), *source.0, self.system_token(token).0);
        // Room in a socket is reported once; what arrives is not.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        registry.reregister(source, self.system_token(token), Interest::WRITABLE)
    }

    pub(super) fn system_token(&self, Token(token): Token) -> Token {
        debug_assert!(token < TOKENS_COUNT, "{token} is beyond the driver's tokens");
        Token(self.driver.key << TOKEN_BITS | token)
    }

    /// Ends the registration of `source`.
    ///
    /// # Errors
    ///
    /// The system's: `source` is not registered.
    pub fn deregister<S: Source + ?Sized>(&self, source: &mut S) -> io::Result<()> {
        self.driver.event_loop.registry.deregister(source)
    }

    pub(super) fn is_over(&self) -> bool {
        self.driver.is_over()
    }
}

/// Splits the system's token into the driver's key and its own token.
pub(super) fn split(Token(token): Token) -> (usize, Token) {
    (token >> TOKEN_BITS, Token(token & (TOKENS_COUNT - 1)))
}

thread_local! {
    /// The address of the `LoopShared` whose loop this thread runs. Without a destructor, so that
    /// other thread-local destructors may read it.
    static CURRENT_LOOP: Cell<usize> = const { Cell::new(0) };
}

/// Records that the calling thread runs `event_loop`.
pub(super) fn enter(event_loop: &Arc<LoopShared>) {
    CURRENT_LOOP.with(|current| current.set(Arc::as_ptr(event_loop) as usize));
}

/// A driver's handle for other threads. Cheap to clone; may outlive the driver, and then does
/// nothing.
#[derive(Clone)]
pub struct DriverHandle {
    pub(super) driver: Arc<DriverShared>,
}

impl_debug!(DriverHandle, handle => { name: handle.driver.event_loop.name });

impl DriverHandle {
    /// Makes the loop call [`Driver::woken`](super::Driver::woken) soon, which sees everything that
    /// the caller stored before. Callable from any thread, also in a method of a driver; never
    /// blocks.
    ///
    /// Many calls cost one system call, and none at all while the loop is busy.
    pub fn wake(&self) {
        // The descriptor would wake the parent's thread.
        if self.is_inherited() || self.driver.is_notified.swap(true, Ordering::SeqCst) {
            return;
        }
        let event_loop = &self.driver.event_loop;
        event_loop.inbox.lock().woken.push(self.driver.key);
        event_loop.notify();
    }

    /// Whether the loop belongs to the process that this one was forked from. There is no thread
    /// then, and its descriptors must not be used: the parent's thread uses them.
    pub fn is_inherited(&self) -> bool {
        self.driver.event_loop.is_inherited()
    }

    /// Whether the calling thread is the loop's own, that is, inside a callback.
    pub fn is_loop_thread(&self) -> bool {
        let address = Arc::as_ptr(&self.driver.event_loop) as usize;
        CURRENT_LOOP.try_with(|current| current.get() == address).unwrap_or(false)
    }

    /// Ends the driver: no method of it begins after this but
    /// [`Driver::stopped`](super::Driver::stopped). Other drivers of the loop go on; with the last
    /// one the thread ends. Idempotent, and callable from any thread.
    ///
    /// Returns whether the driver has ended, and its thread if it was the last one. Another
    /// thread waits for that, at most [`STOP_WAIT_MAX`] over all calls: the program's code that
    /// blocks inside a callback does not delay the caller further, and the driver ends by itself
    /// once that code returns. On the loop's own thread it returns `false` at once, and the driver
    /// ends after the callback.
    pub fn stop(&self) -> bool {
        if self.is_inherited() {
            return true;
        }
        let limit = self.driver.end.lock().stop_limit(clock::now());
        self.stop_until(limit)
    }

    pub(super) fn stop_until(&self, limit: Time) -> bool {
        self.driver.is_stopped.store(true, Ordering::SeqCst);
        self.wake();
        if self.is_loop_thread() || !self.wait_for_end(limit) {
            return false;
        }
        let event_loop = &self.driver.event_loop;
        let is_last = event_loop.inbox.lock().keys.is_empty();
        if is_last {
            // The thread has nothing left to do, so this waits for nothing of ours.
            let thread = event_loop.thread.lock().take();
            let _ = thread.map(JoinHandle::join);
        }
        // Its messages precede the caller's next ones.
        logging::flush_until(limit);
        true
    }

    fn wait_for_end(&self, limit: Time) -> bool {
        let mut end = self.driver.end.lock();
        while !end.is_finished {
            if clock::now() >= limit {
                return false;
            }
            end = self.driver.end_changed.wait_until(end, limit);
        }
        true
    }

    /// Number of turns of the loop.
    #[cfg(test)]
    pub(crate) fn loop_turns(&self) -> usize {
        self.driver.event_loop.turns.load(Ordering::SeqCst)
    }

    /// Whether `stop` has been called, the driver has panicked, or the loop is
    /// [inherited](Self::is_inherited).
    pub fn is_stopping(&self) -> bool {
        self.driver.is_over()
    }
}
