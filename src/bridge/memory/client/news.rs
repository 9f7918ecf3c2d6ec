//! Notification of connects and disconnects, with the reason of a disconnect.
//!
//! An observer may block, so it is called on a thread of its own, which exists only while there are
//! notifications. Each client has at most one such thread, so the order is kept, and only further
//! notifications of that client wait. Clients that share a loop share the thread for observers too.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::error::caught;
use crate::logging::{log_error, static_logger};
use crate::memory::observers;
use crate::process;
use crate::sync::{Mutex, MutexGuard};

/// Limit of waiting notifications. An observer that blocks misses the oldest ones, two at a time.
const CHANGES_WAITING_MAX: usize = 64;

static_logger!(LOG, "memory.TcpClient.connection");

/// A connect or disconnect of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionChange {
    /// The reason of a disconnect; `None` for a connect.
    pub reason: Option<String>,
    /// The remote address of the request connection.
    pub server: SocketAddr,
    /// The protocol level of the bridge that the server has announced; `None` from a legacy server.
    pub bridge_level: Option<u32>,
}

/// Observer of a client's connection, see [`TcpClient::observe`](super::TcpClient::observe).
pub trait ConnectionObserver: Send + Sync {
    /// The client has connected or disconnected. The two alternate.
    fn changed(&self, change: &ConnectionChange);
}

#[derive(Default)]
struct NewsState {
    observer: Option<Arc<dyn ConnectionObserver>>,
    /// The current connection.
    current: Option<ConnectionChange>,
    /// Pending notifications.
    changes: VecDeque<ConnectionChange>,
    /// A thread calls the observer.
    is_telling: bool,
    is_stopped: bool,
}

/// The notifications of one client.
pub(super) struct News {
    state: Mutex<NewsState>,
    /// Stack size of the notifying threads; `None`: the thread for observers notifies.
    stack_bytes: Option<usize>,
}

impl News {
    /// `stack_bytes`: stack size of the notifying threads, see [`process::spawn`]; `None`: the
    /// thread for [`observers`] notifies.
    pub(super) fn new(stack_bytes: Option<usize>) -> Arc<News> {
        Arc::new(News { state: Mutex::new(NewsState::default()), stack_bytes })
    }

    /// Sets the observer, and notifies it of the current connection. After [`stop`](Self::stop)
    /// `observer` is dropped.
    pub(super) fn observe(self: &Arc<Self>, observer: Option<Arc<dyn ConnectionObserver>>) {
        let mut state = self.state.lock();
        if state.is_stopped {
            // No lock is held while user code runs, here and below.
            drop(state);
            return drop(observer);
        }
        let former = std::mem::replace(&mut state.observer, observer);
        state.changes.clear();
        let current = state.current.clone();
        self.tell(state, current);
        drop(former);
    }

    /// The client has connected to `server`.
    pub(super) fn came(self: &Arc<Self>, server: SocketAddr, bridge_level: Option<u32>) {
        let change = ConnectionChange { reason: None, server, bridge_level };
        let mut state = self.state.lock();
        state.current = Some(change.clone());
        self.tell(state, Some(change));
    }

    /// The client has disconnected.
    pub(super) fn went(self: &Arc<Self>, reason: &str) {
        let mut state = self.state.lock();
        let reason = Some(reason.to_owned());
        let change = state.current.take().map(|gone| ConnectionChange { reason, ..gone });
        self.tell(state, change);
    }

    /// Begins no further notification. A running one continues.
    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopped = true;
        state.changes.clear();
        let observer = state.observer.take();
        drop(state);
        drop(observer);
    }

    fn tell(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, NewsState>,
        change: Option<ConnectionChange>,
    ) {
        if state.observer.is_none() {
            return;
        }
        if state.changes.len() >= CHANGES_WAITING_MAX {
            // A connect and a disconnect, so that the others still alternate.
            state.changes.drain(..2);
        }
        state.changes.extend(change);
        if state.is_telling || state.changes.is_empty() {
            return;
        }
        let news = self.clone();
        let body = move || while news.tell_next() {};
        let started = match self.stack_bytes {
            Some(stack_bytes) => process::spawn("TcpClient.news", stack_bytes, body).map(drop),
            None => {
                observers::queue(body);
                Ok(())
            }
        };
        state.is_telling = started.is_ok();
        drop(state);
        if let Err(cause) = started {
            // The next change tries again.
            log_error!(LOG, "The system refused a thread: {cause}");
        }
    }

    /// Notifies of the oldest change. Returns whether there was one.
    fn tell_next(&self) -> bool {
        let mut state = self.state.lock();
        let change = state.changes.pop_front();
        let (Some(change), Some(observer)) = (change, state.observer.clone()) else {
            state.is_telling = false;
            return false;
        };
        drop(state);
        // This thread may be its last owner, and the observer's drop may panic as well.
        if let Err(text) = caught(move || observer.changed(&change)) {
            log_error!(LOG, "An observer of a connection panicked: {text}");
        }
        true
    }
}

#[cfg(test)]
mod tests;
