//! Notification of what comes and goes, such as a connection, with the reason why it goes.
//!
//! An observer is the program's code and may block, so it is called on a thread of its own, which
//! exists only while there are notifications. Each object has at most one such thread, so the order
//! is kept, and only further notifications of that object wait. Objects may also share one for
//! all.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, Time};
use crate::error::caught;
use crate::logging::{log_error, static_logger};
use crate::process;
use crate::sync::{Mutex, MutexGuard};

/// Limit of waiting notifications. An observer that blocks misses the oldest ones, two at a time.
pub(crate) const CHANGES_WAITING_MAX: usize = 64;

/// Delay before the next attempt when the system has no thread for notifications.
const THREAD_RETRY: Duration = Duration::from_millis(100);

static_logger!(LOG, "observers");

/// The program's function for changes of type `C`.
pub(crate) type Observer<C> = Arc<dyn Fn(&C) + Send + Sync>;

/// Where observers are called.
pub(crate) enum Teller {
    /// On a thread of this name and stack size, see [`process::spawn`].
    Thread(&'static str, usize),
    /// On a thread that exists already, which this function passes work to.
    Queue(fn(Box<dyn FnOnce() + Send>)),
}

struct NewsState<C> {
    observer: Option<Observer<C>>,
    /// The coming of what is there now.
    current: Option<C>,
    /// Pending notifications.
    changes: VecDeque<C>,
    /// A thread calls the observer.
    is_telling: bool,
    /// When to try again, after the system has refused a thread.
    again: Option<Time>,
    is_stopped: bool,
}

/// The notifications of one object. Comings and goings alternate.
pub(crate) struct News<C> {
    state: Mutex<NewsState<C>>,
    teller: Teller,
}

impl<C: Clone + Send + 'static> News<C> {
    pub(crate) fn new(teller: Teller) -> Arc<News<C>> {
        let state = NewsState {
            observer: None,
            current: None,
            changes: VecDeque::new(),
            is_telling: false,
            again: None,
            is_stopped: false,
        };
        Arc::new(News { state: Mutex::new(state), teller })
    }

    /// Sets the observer, and notifies it of what is there. After [`stop`](Self::stop) and
    /// [`finish`](Self::finish) `observer` is dropped, and a former one all the same.
    pub(crate) fn observe(self: &Arc<Self>, observer: Option<Observer<C>>) {
        let mut state = self.state.lock();
        state.changes.clear();
        if state.is_stopped {
            let former = state.observer.take();
            // No lock is held while user code runs, here and below.
            drop(state);
            return drop((former, observer));
        }
        let former = std::mem::replace(&mut state.observer, observer);
        let current = state.current.clone();
        self.tell(state, current);
        drop(former);
    }

    /// What this object observes has come.
    pub(crate) fn came(self: &Arc<Self>, change: C) {
        let mut state = self.state.lock();
        state.current = Some(change.clone());
        self.tell(state, Some(change));
    }

    /// What has come is gone: `change` makes the notification of that from the one of its coming.
    pub(crate) fn went(self: &Arc<Self>, change: impl FnOnce(C) -> C) {
        let mut state = self.state.lock();
        let gone = state.current.take().map(change);
        self.tell(state, gone);
    }

    /// Begins no further notification. A running one continues, and so does one that has been taken
    /// out of the queue: to exclude that, this would have to wait for the program's code.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopped = true;
        state.changes.clear();
        let observer = state.observer.take();
        drop(state);
        drop(observer);
    }

    /// Lets the pending notifications take place, and begins no other one.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock();
        state.is_stopped = true;
        // The thread that calls the observer drops it after the last call.
        let observer = if state.is_telling { None } else { state.observer.take() };
        drop(state);
        drop(observer);
    }

    /// When to call [`timeout`](Self::timeout).
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.state.lock().again
    }

    /// Tries again to notify, if that is due.
    pub(crate) fn timeout(self: &Arc<Self>, now: Time) {
        let mut state = self.state.lock();
        if state.again.take_if(|again| *again <= now).is_some() {
            self.tell(state, None);
        }
    }

    fn tell(self: &Arc<Self>, mut state: MutexGuard<'_, NewsState<C>>, change: Option<C>) {
        if state.observer.is_none() || state.is_stopped {
            return;
        }
        if state.changes.len() >= CHANGES_WAITING_MAX {
            // A coming and a going, so that the others still alternate.
            state.changes.drain(..2);
        }
        state.changes.extend(change);
        if state.is_telling || state.changes.is_empty() {
            return;
        }
        let started = self.start_telling();
        state.is_telling = started.is_ok();
        state.again = started.as_ref().err().map(|_| clock::now() + THREAD_RETRY);
        drop(state);
        if let Err(cause) = started {
            log_error!(LOG, "A notification waits for a thread: {cause}");
        }
    }

    fn start_telling(self: &Arc<Self>) -> io::Result<()> {
        let news = self.clone();
        let body = move || while news.tell_next() {};
        match self.teller {
            Teller::Thread(name, stack_bytes) => process::spawn(name, stack_bytes, body).map(drop),
            Teller::Queue(queue) => {
                queue(Box::new(body));
                Ok(())
            }
        }
    }

    /// Notifies of the oldest change. Returns whether there was one.
    fn tell_next(&self) -> bool {
        let mut state = self.state.lock();
        let change = state.changes.pop_front();
        let (Some(change), Some(observer)) = (change, state.observer.clone()) else {
            state.is_telling = false;
            let observer = if state.is_stopped { state.observer.take() } else { None };
            drop(state);
            if let Err(text) = caught(move || drop(observer)) {
                log_error!(LOG, "An observer panicked: {text}");
            }
            return false;
        };
        drop(state);
        // This thread may be its last owner, and the observer's drop may panic as well.
        if let Err(text) = caught(move || observer(&change)) {
            log_error!(LOG, "An observer panicked: {text}");
        }
        true
    }
}
