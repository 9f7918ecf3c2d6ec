//! Changes of an object that servers share, and the servers that are notified of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::debug::impl_debug;
use crate::sync::Mutex;

/// A function that wakes the event loop of a server.
type Wake = Box<dyn Fn() + Send + Sync>;

/// The changes of an object that servers share.
#[derive(Default)]
pub(super) struct Changes {
    /// How many there have been.
    revision: AtomicU64,
    subscribers: Mutex<Subscribers>,
}

#[derive(Default)]
struct Subscribers {
    /// Each with its number.
    servers: Vec<(u64, Arc<Wake>)>,
    latest: u64,
}

impl Changes {
    /// The object has changed: notifies all subscribers.
    pub(super) fn announce(&self) {
        self.revision.fetch_add(1, Ordering::Release);
        let wakes: Vec<Arc<Wake>> = {
            let subscribers = self.subscribers.lock();
            subscribers.servers.iter().map(|(_, wake)| wake.clone()).collect()
        };
        wakes.iter().for_each(|wake| wake());
    }

    /// A number that is another one after each change.
    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Has `wake` called after each change, until the subscription is dropped.
    pub(super) fn subscribe(
        self: &Arc<Changes>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Subscription {
        let mut subscribers = self.subscribers.lock();
        subscribers.latest += 1;
        let number = subscribers.latest;
        subscribers.servers.push((number, Arc::new(Box::new(wake))));
        Subscription { changes: Arc::downgrade(self), number }
    }
}

/// A server's interest in the changes of an object, as long as it lives.
pub struct Subscription {
    changes: Weak<Changes>,
    number: u64,
}

impl_debug!(Subscription, subscription => { number: subscription.number });

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(changes) = self.changes.upgrade() else { return };
        let mut subscribers = changes.subscribers.lock();
        let place = subscribers.servers.iter().position(|(number, _)| *number == self.number);
        let wake = place.map(|place| subscribers.servers.swap_remove(place));
        drop(subscribers);
        // It may own what calls this object when it ends.
        drop(wake);
    }
}
