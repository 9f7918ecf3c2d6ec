//! The end of a server that answers what it has taken.

use std::sync::atomic::{AtomicBool, Ordering};

use super::refusal::{Cause, Refusal};
use crate::bridge::link::delivery::Delivery;
use crate::clock::Time;
use crate::proto::bridge::Header;
use crate::sync::{Condvar, Mutex};

/// What a server that drains has still to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Remainder {
    /// Requests that the slave keeps.
    pub(super) requests: u64,
    /// Clients whose hosts have not got all answers.
    pub(super) clients: u64,
}

impl Remainder {
    /// The number of things to do.
    pub(super) fn count(self) -> u64 {
        self.requests + self.clients
    }
}

/// The part that all threads share.
#[derive(Debug, Default)]
pub(super) struct Drain {
    has_begun: AtomicBool,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// `None`: the loop has not counted yet.
    remainder: Option<Remainder>,
    is_stopped: bool,
}

/// How a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WaitEnd {
    /// Everything has been answered.
    Drained,
    /// The time is up. `None`: the slave has kept the server's thread all the time.
    Late(Option<Remainder>),
    /// The server has been stopped.
    Stopped,
}

impl Drain {
    /// No request is taken from now on; returns whether none was before.
    pub(super) fn begin(&self) -> bool {
        self.has_begun.swap(true, Ordering::SeqCst)
    }

    /// Whether requests are refused.
    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// What is left at the end of a turn.
    pub(super) fn note(&self, remainder: Remainder) {
        let mut progress = self.progress.lock();
        progress.remainder = Some(remainder);
        drop(progress);
        if remainder.count() == 0 {
            self.changed.notify_all();
        }
    }

    /// The server has been stopped.
    pub(super) fn stop(&self) {
        self.progress.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Waits until nothing is left, but not beyond `limit`.
    pub(super) fn wait(&self, limit: Time, now: impl Fn() -> Time) -> WaitEnd {
        let mut progress = self.progress.lock();
        loop {
            match *progress {
                Progress { is_stopped: true, .. } => return WaitEnd::Stopped,
                Progress { remainder: Some(left), .. } if left.count() == 0 => {
                    return WaitEnd::Drained;
                }
                Progress { remainder, .. } if now() >= limit => return WaitEnd::Late(remainder),
                _ => progress = self.changed.wait_until(progress, limit),
            }
        }
    }
}

/// What the server's thread knows of its drain.
#[derive(Default)]
pub(super) struct Departure {
    /// The answers to be delivered, once the last one has been queued.
    delivery: Option<Delivery>,
}

impl Departure {
    /// When to look again.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.delivery.as_ref().and_then(Delivery::deadline)
    }

    /// What is left while the slave keeps `requests`. `begin` lists the answers to be delivered,
    /// `check` counts the clients that wait for some.
    pub(super) fn remainder(
        &mut self,
        requests: u64,
        begin: impl FnOnce() -> Delivery,
        check: impl FnOnce(&mut Delivery) -> u64,
    ) -> Remainder {
        let clients = match requests {
            0 => check(self.delivery.get_or_insert_with(begin)),
            _ => 0,
        };
        Remainder { requests, clients }
    }
}

/// The refusal of a request by a server that drains.
#[cold]
pub(super) fn refusal(header: &Header, server: &str) -> Refusal {
    Cause::Draining.with(format!(
        "Request for {} bytes at 0x{:x} refused: {}",
        header.size,
        header.address,
        refusal_text(server)
    ))
}

/// Why `server` takes nothing more.
pub(super) fn refusal_text(server: &str) -> String {
    format!(
        "the server {server} drains: it answers what it has, and takes nothing more before it is \
         started again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(requests: u64, clients: u64) -> Remainder {
        Remainder { requests, clients }
    }

    #[test]
    fn a_wait_ends_when_nothing_is_left_or_the_time_is_up_or_the_server_stopped() {
        let drain = Drain::default();
        assert!(!drain.has_begun());
        assert!(!drain.begin() && drain.begin());
        let now = || Time(5);
        assert_eq!(drain.wait(Time(5), now), WaitEnd::Late(None));
        drain.note(left(2, 0));
        assert_eq!(drain.wait(Time(5), now), WaitEnd::Late(Some(left(2, 0))));
        drain.note(left(0, 1));
        assert_eq!(drain.wait(Time(5), now), WaitEnd::Late(Some(left(0, 1))));
        drain.note(left(0, 0));
        assert_eq!(drain.wait(Time(5), now), WaitEnd::Drained, "also after the time");
        drain.stop();
        assert_eq!(drain.wait(Time(9), now), WaitEnd::Stopped);
    }
}
