//! The server's driver on its event loop.

use std::io;
use std::sync::Arc;

use mio::Token;

use super::drain::{refusal_text, Departure, Drain};
use super::requests::Requests;
use crate::bridge::link::server::Link;
use crate::clock::{self, Time};
use crate::memory::{Master, Transaction};
use crate::net::{Driver, DriverHandle, Readiness, Registry};

/// Rounds of answering and resuming before other sockets have their turn.
const SETTLES_PER_TURN_MAX: usize = 16;

/// Drives the connections of a server, and its outstanding transactions.
pub(super) struct ServerDriver {
    pub(super) link: Link<Requests>,
    pub(super) requests: Requests,
    pub(super) handle: DriverHandle,
    /// Empty memory for ended transactions, as many as are taken from the list of new ones at once.
    pub(super) ended: Vec<Arc<Transaction>>,
    pub(super) drain: Arc<Drain>,
    pub(super) departure: Departure,
    /// As long as there has been no slave: no client is accepted then.
    pub(super) unconnected: Option<Unconnected>,
    /// Its first address.
    pub(super) name: String,
}

/// A server without a slave, whose loop wakes when it gets one.
pub(super) struct Unconnected {
    master: Arc<Master>,
    /// The master outlives the server where the program keeps it; the loop does not.
    _handle: Arc<DriverHandle>,
}

impl Unconnected {
    /// The server with this master, on the loop of `handle`.
    pub(super) fn new(master: Arc<Master>, handle: &DriverHandle) -> Unconnected {
        let handle = Arc::new(handle.clone());
        let waker = Arc::downgrade(&handle);
        master.when_connected(move || {
            if let Some(waker) = waker.upgrade() {
                waker.wake();
            }
        });
        Unconnected { master, _handle: handle }
    }
}

impl ServerDriver {
    /// Queues the answers of transactions that the slave has completed; returns whether there were
    /// any.
    fn answer_ended(&mut self) -> bool {
        let ServerDriver { link, requests, ended, .. } = self;
        if !requests.executor.outstanding.take_ended(ended) {
            return false;
        }
        let now = clock::now();
        let executor = &mut requests.executor;
        let mut ended = ended.drain(..);
        let mut next = executor.outstanding.next_of(&mut ended);
        while let Some(first) = next.take() {
            let (id, mut kept) = (first.client, Some(first));
            let answered = link.with_client(id, |client| {
                while let Some(this) = kept.take() {
                    executor.answer_kept(client, this, now);
                    next = executor.outstanding.next_of(&mut ended);
                    kept = next.take_if(|next| next.client == id);
                }
            });
            if answered.is_none() {
                kept.into_iter().for_each(|kept| executor.drop_answer(kept));
                next = executor.outstanding.next_of(&mut ended);
            }
        }
        true
    }

    /// Answers ended transactions, sends, and resumes clients that have room now.
    fn settle(&mut self) {
        for _ in 0..SETTLES_PER_TURN_MAX {
            let had_ended = self.answer_ended();
            if !self.link.flush_answered(&mut self.requests) && !had_ended {
                return;
            }
        }
        // There is more: let listeners and other clients have their turn.
        self.handle.wake();
    }

    /// Counts what the server has still to do before it has drained.
    #[cold]
    fn count_remainder(&mut self, now: Time) {
        let ServerDriver { link, requests, departure, .. } = self;
        link.refuse_newcomers(|| refusal_text(&self.name));
        let kept = requests.executor.outstanding.count() as u64;
        let check = |delivery: &mut _| link.undelivered(delivery, now);
        let remainder = departure.remainder(kept, || link.delivery(), check);
        self.drain.note(remainder);
    }
}

/// The timers of the server.
#[derive(Clone, Copy)]
pub(super) enum ServerTimer {
    /// What is due at its link.
    Link,
    /// Gives up late transactions that the slave keeps.
    Transactions,
    /// Frees unused buffers.
    Buffers,
    /// Looks what is left of a drain.
    Drain,
}

impl Driver for ServerDriver {
    type Timer = ServerTimer;
    const TIMERS: &'static [ServerTimer] =
        &[ServerTimer::Link, ServerTimer::Transactions, ServerTimer::Buffers, ServerTimer::Drain];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.link.start(registry)
    }

    fn ready(&mut self, _: &Registry, token: Token, readiness: Readiness) {
        self.link.ready(&mut self.requests, token, readiness);
    }

    fn woken(&mut self, _registry: &Registry) {
        self.link.woken(&mut self.requests);
    }

    fn deadline(&self, timer: ServerTimer) -> Option<Time> {
        match timer {
            ServerTimer::Link => self.link.deadline(),
            ServerTimer::Transactions => self.requests.executor.outstanding.deadline(),
            ServerTimer::Buffers => self.requests.executor.responder.buffers.deadline(),
            ServerTimer::Drain => self.departure.deadline(),
        }
    }

    fn timeout(&mut self, _: &Registry, timer: ServerTimer, now: Time) {
        let executor = &mut self.requests.executor;
        match timer {
            ServerTimer::Link => self.link.timeout(&mut self.requests, now),
            ServerTimer::Transactions => executor.outstanding.end_late(now),
            ServerTimer::Buffers => executor.responder.buffers.give_back(now),
            ServerTimer::Drain => self.count_remainder(now),
        }
    }

    fn flush(&mut self, registry: &Registry) {
        self.settle();
        if self.unconnected.take_if(|server| server.master.has_had_slave()).is_some() {
            self.link.open();
        }
        if self.link.end_turn(registry, &mut self.requests) {
            self.settle();
        }
        if self.drain.has_begun() {
            self.count_remainder(clock::now());
        }
    }

    fn stopped(&mut self, _registry: &Registry) {
        // Completed requests are still answered, as far as the sockets take it.
        self.answer_ended();
        self.link.stop(&mut self.requests);
        let text = "The server that requested the transaction was stopped";
        self.requests.executor.give_up(text);
        self.drain.stop();
    }
}
