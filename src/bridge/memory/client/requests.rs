//! The unanswered requests of a client. No socket, no lock, no clock.

use std::collections::{hash_map, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::large::Progress;
use super::send::{Batch, QueuedRequest, SendHalf};
use super::ClientStats;
use crate::clock::Time;
use crate::memory::{Activity, IdMap, Kept, Transaction};
use crate::proto::bridge::{Header, Timing};

/// Maximum number of requests in flight: for peers with libzmq's queues, and for others.
const LEGACY_WINDOW: usize = 400;
const WINDOW: usize = 8192;
/// Limit of unread responses, in octets: they fit into the receive buffer of a socket, so that no
/// server blocks on them.
const UNREAD_OCTETS_MAX: u64 = 64 * 1024;
/// Framing overhead of a response, in octets.
const RESPONSE_FRAMES_OCTETS: u64 = 41;

/// A request in the table. A posted write ends when it has been sent.
struct RequestEntry {
    tran: Kept,
    /// A connection has taken it.
    is_sent: bool,
}

/// The requests of a client.
#[derive(Default)]
pub(super) struct Requests {
    /// Encoded output that goes ahead of all requests: PONGs and probes.
    pub(super) urgent: Vec<u8>,
    /// Wire ids of unsent requests, in order. An id that is no longer in the table, or has been
    /// sent, belongs to a request that has been given up.
    queue: VecDeque<u32>,
    /// Sent and queued requests, by wire id.
    table: IdMap<RequestEntry>,
    /// Number of sent entries of the table.
    pub(super) in_flight: usize,
    pub(super) window: usize,
    /// Octets of responses that are still due.
    pub(super) unread_octets: u64,
    /// The latest large write that a connection has taken, with its wire id.
    large: Option<(u32, Arc<Progress>)>,
    activity: Activity,
    timeout_max: Duration,
    pub(super) stats: ClientStats,
}

/// Octets of the response to a request for `size` octets.
fn response_octets(size: u32) -> u64 {
    u64::from(size) + RESPONSE_FRAMES_OCTETS
}

impl Requests {
    /// Adds a request. False if there is one with this id already.
    pub(super) fn insert(&mut self, wire_id: u32, tran: Kept) -> bool {
        let hash_map::Entry::Vacant(place) = self.table.entry(wire_id) else { return false };
        self.timeout_max = self.timeout_max.max(tran.timeout());
        place.insert(RequestEntry { tran, is_sent: false });
        self.queue.push_back(wire_id);
        true
    }

    /// Prepares for a new connection. `window` is the user's choice.
    pub(super) fn connected(&mut self, window: Option<usize>, is_legacy: bool) {
        let usual = if is_legacy { LEGACY_WINDOW } else { WINDOW };
        self.window = window.unwrap_or(usual).max(1);
    }

    /// The connection has gone. Returns the transactions in flight on it.
    pub(super) fn disconnected(&mut self) -> Vec<Arc<Transaction>> {
        self.in_flight = 0;
        self.unread_octets = 0;
        self.urgent.clear();
        self.large = None;
        let sent = self.table.iter().filter(|(_, entry)| entry.is_sent);
        let ids: Vec<u32> = sent.map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| Some(self.table.remove(id)?.tran.release())).collect()
    }

    /// Gives up all unsent requests.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<Transaction>> + '_ {
        self.queue.clear();
        self.table.drain().map(|(_, entry)| entry.tran.release())
    }

    /// Number of unanswered requests, queued ones included.
    pub(super) fn outstanding_count(&self) -> usize {
        self.table.len()
    }

    /// Number of queued requests that have not been given up.
    pub(super) fn queued_count(&self) -> usize {
        self.table.len() - self.in_flight
    }

    /// Whether the queue is empty.
    pub(super) fn is_queue_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether unread answers block further requests, or the server.
    pub(super) fn is_held_up(&self) -> bool {
        let needs_room = self.in_flight >= self.window && !self.queue.is_empty();
        needs_room || self.unread_octets > UNREAD_OCTETS_MAX
    }

    /// Whether the request with this id has been sent. `None` if there is none.
    pub(super) fn is_sent(&self, wire_id: u32) -> Option<bool> {
        self.table.get(&wire_id).map(|entry| entry.is_sent)
    }

    /// Moves the requests that may be sent at `now` into `batch`, or encodes them into `half` at
    /// once. Stops behind requests that seem to be too late.
    pub(super) fn fill(&mut self, batch: &mut Batch, half: &mut SendHalf, now: Time) {
        half.append(self.urgent.len(), |out| out.append(&mut self.urgent));
        while !batch.is_full() {
            let Some(&wire_id) = self.queue.front() else { return };
            match self.table.get_mut(&wire_id).filter(|entry| !entry.is_sent) {
                Some(entry) if entry.tran.expired() => {
                    let entry = self.table.remove(&wire_id);
                    batch.spent.extend(entry.map(|entry| entry.tran.release()));
                }
                Some(entry) if now >= send_limit(&entry.tran, &self.activity) => {
                    batch.maybe_late.push((wire_id, entry.tran.clone()));
                }
                // Requests that may have been renewed have to go first.
                Some(_) if !batch.maybe_late.is_empty() => return,
                Some(_) if self.in_flight >= self.window => return,
                Some(entry) => {
                    entry.is_sent = true;
                    self.in_flight += 1;
                    self.stats.requests += 1;
                    self.unread_octets += response_octets(entry.tran.size());
                    let tran: &Arc<Transaction> = &entry.tran;
                    let timing = Timing {
                        sent: now.0,
                        remaining: send_limit(tran, &self.activity).0 - now.0,
                        timeout: tran.timeout_ns(),
                    };
                    let large = batch.add(half, wire_id, tran, timing);
                    if let Some(progress) = large {
                        self.large = Some((wire_id, progress));
                    }
                }
                None => {}
            }
            self.queue.pop_front();
        }
    }

    /// Puts requests back at the front of the queue.
    pub(super) fn requeue(&mut self, wire_ids: impl DoubleEndedIterator<Item = u32>) {
        wire_ids.rev().for_each(|wire_id| self.queue.push_front(wire_id));
    }

    /// Puts back requests that were not encoded: writes that have been given up, and those from one
    /// on whose data another thread has locked.
    pub(super) fn put_back(&mut self, batch: &mut Batch) {
        while let Some(QueuedRequest { wire_id, tran, .. }) = batch.requests.pop() {
            self.stats.requests -= 1;
            self.unread_octets = self.unread_octets.saturating_sub(response_octets(tran.size()));
            let entry = self.table.get_mut(&wire_id);
            // A request that has been given up has no entry any more.
            if let Some(entry) = entry.filter(|entry| Arc::ptr_eq(&entry.tran, &tran)) {
                entry.is_sent = false;
                self.in_flight -= 1;
                self.queue.push_front(wire_id);
            }
            // Dropping it may run user code.
            batch.spent.push(tran);
        }
    }

    /// Removes the posted writes that the system has taken, for completion.
    pub(super) fn end_posts(&mut self, half: &mut SendHalf, batch: &mut Batch) {
        while let Some((wire_id, tran)) = half.next_sent_post() {
            batch.spent.extend(self.remove(wire_id, &tran));
            batch.posts.push(tran);
        }
    }

    /// The progress of the write with this wire id, if it is large and may still be in
    /// transmission.
    pub(super) fn large_with(&self, wire_id: u32) -> Option<Arc<Progress>> {
        let (_, progress) = self.large.as_ref().filter(|(id, _)| *id == wire_id)?;
        Some(progress.clone())
    }

    /// The transaction that was sent with this id and waits for an answer.
    pub(super) fn sent_with(&self, wire_id: u32) -> Option<&Arc<Transaction>> {
        self.table.get(&wire_id).filter(|entry| entry.is_sent).map(|entry| &*entry.tran)
    }

    /// Removes and returns the transaction of the response with this header. A response to an
    /// unsent request is not its answer.
    pub(super) fn take_answered(&mut self, header: &Header) -> Option<Arc<Transaction>> {
        self.unread_octets = self.unread_octets.saturating_sub(response_octets(header.size));
        let hash_map::Entry::Occupied(place) = self.table.entry(header.id) else { return None };
        if !place.get().is_sent {
            return None;
        }
        self.in_flight -= 1;
        Some(place.remove().tran.release())
    }

    /// Whether `tran` is answered in time. A late answer is no sign of life for other transactions:
    /// the silence before it may have exceeded their timeouts.
    pub(super) fn is_in_time(&self, tran: &Transaction, now: Time) -> bool {
        now < deadline_of(tran, &self.activity)
    }

    /// Notes that answers arrived in time, at `now`. The earliest of their requests started at
    /// `earliest`.
    pub(super) fn note_answer(&mut self, earliest: Time, now: Time) {
        if self.table.is_empty() {
            self.activity.clear();
        } else {
            self.activity.prune(now - self.timeout_max);
            self.activity.answered(earliest, now);
        }
    }

    /// The time of the latest answer that renews `tran`.
    pub(super) fn last_activity(&self, tran: &Transaction) -> Option<Time> {
        let (timeout, since) = (tran.timeout(), tran.own_deadline() - tran.timeout());
        self.activity.latest_unbroken(tran.start(), since, timeout)
    }

    /// Removes exactly this transaction, if it is here.
    pub(super) fn remove(&mut self, wire_id: u32, tran: &Transaction) -> Option<Arc<Transaction>> {
        let known = self.table.get(&wire_id)?;
        if !std::ptr::eq(&**known.tran, tran) {
            return None;
        }
        let entry = self.table.remove(&wire_id)?;
        self.in_flight -= usize::from(entry.is_sent);
        Some(entry.tran.release())
    }

    /// Removes requests that have been given up from the queue, once they outnumber the others.
    pub(super) fn purge(&mut self) {
        if self.queue.len() > 2 * self.queued_count() {
            let table = &self.table;
            self.queue.retain(|wire_id| table.get(wire_id).is_some_and(|entry| !entry.is_sent));
        }
    }
}

/// The deadline of `tran`, as far as is known without its other trackers.
fn deadline_of(tran: &Transaction, activity: &Activity) -> Time {
    let (own, timeout) = (tran.own_deadline(), tran.timeout());
    let latest = activity.latest_unbroken(tran.root().start(), own - timeout, timeout);
    own.max(latest.map_or(Time::default(), |latest| latest + timeout))
}

/// The time until which `tran` may be sent, as far as is known without its other trackers.
fn send_limit(tran: &Transaction, activity: &Activity) -> Time {
    match tran.is_foreign() {
        true => tran.own_deadline(),
        false => deadline_of(tran, activity),
    }
}
