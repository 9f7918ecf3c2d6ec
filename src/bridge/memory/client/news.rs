//! Notification of connects and disconnects, with the reason of a disconnect.

use std::sync::Arc;

use crate::clock::Time;
use crate::memory::observers;
use crate::net::news::{self, Observer, Teller};
use crate::net::server_address::ServerEnd;

/// A connect or disconnect of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConnectionChange {
    /// The reason of a disconnect; `None` for a connect.
    pub reason: Option<String>,
    /// The server's end of the request connection.
    pub server: ServerEnd,
    /// The protocol level of the bridge that the server has announced; `None` from a legacy server.
    pub bridge_level: Option<u32>,
}

/// Observer of a client's connection, see [`TcpClient::observe`](super::TcpClient::observe).
pub trait ConnectionObserver: Send + Sync {
    /// The client has connected or disconnected. The two alternate.
    fn changed(&self, change: &ConnectionChange);
}

/// The notifications of one client.
pub(super) struct News(Arc<news::News<ConnectionChange>>);

impl News {
    /// `stack_bytes`: stack size of the notifying threads; `None`: the thread for [`observers`]
    /// notifies, as of all clients that share a loop.
    pub(super) fn new(stack_bytes: Option<usize>) -> Arc<News> {
        let teller = match stack_bytes {
            Some(stack_bytes) => Teller::Thread("TcpClient.news", stack_bytes),
            None => Teller::Queue(observers::queue),
        };
        Arc::new(News(news::News::new(teller)))
    }

    /// Sets the observer, and notifies it of the current connection. After [`stop`](Self::stop)
    /// `observer` is dropped.
    pub(super) fn observe(&self, observer: Option<Arc<dyn ConnectionObserver>>) {
        let function = |observer: Arc<dyn ConnectionObserver>| {
            Arc::new(move |change: &_| observer.changed(change)) as Observer<_>
        };
        self.0.observe(observer.map(function));
    }

    /// When to call [`timeout`](Self::timeout).
    pub(super) fn deadline(&self) -> Option<Time> {
        self.0.deadline()
    }

    /// Tries again what the system has refused a thread for.
    pub(super) fn timeout(&self, now: Time) {
        self.0.timeout(now);
    }

    /// The client has connected to `server`.
    pub(super) fn came(&self, server: ServerEnd, bridge_level: Option<u32>) {
        self.0.came(ConnectionChange { reason: None, server, bridge_level });
    }

    /// The client has disconnected.
    pub(super) fn went(&self, reason: &str) {
        self.0.went(|gone| ConnectionChange { reason: Some(reason.to_owned()), ..gone });
    }

    /// Begins no further notification. A running one continues.
    pub(super) fn stop(&self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests;
