//! The bounded queue between servers and the audit's thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::record::{AuditClient, AuditRecord, AuditResult, AuditStats, SOURCE, TEXT_BYTES_MAX};
use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::sync::{Condvar, Mutex};

/// A record without its data and text.
pub(crate) struct Entry {
    /// The client that asked.
    pub(crate) client: Arc<AuditClient>,
    /// From the moment when the server had read all of it to its end.
    pub(crate) latency: Duration,
    /// The number of the transaction's type.
    pub(crate) ty: u32,
    pub(crate) address: u64,
    pub(crate) size: u32,
    pub(crate) result: AuditResult,
    pub(crate) status: Status,
    /// Whether the client was there to be answered.
    pub(crate) is_answered: bool,
}

/// An entry with its time, and where its data and text end in the bytes of the batch.
struct Queued {
    entry: Entry,
    time: Duration,
    data_end: usize,
    text_end: usize,
}

/// Records in order.
#[derive(Default)]
pub(super) struct Batch {
    queued: Vec<Queued>,
    bytes: Vec<u8>,
    /// Records for which there was no room since this batch began. They came after its first ones.
    pub(super) lost: u64,
}

impl Batch {
    /// Empty, with room for that many records and bytes.
    fn with_room(records: usize, bytes: usize) -> Result<Batch> {
        let mut batch = Batch::default();
        let reserved = batch
            .queued
            .try_reserve_exact(records)
            .and_then(|()| batch.bytes.try_reserve_exact(bytes));
        reserved.map(|()| batch).map_err(|cause| {
            let text = format!("No memory for {records} records and {bytes} bytes: {cause}");
            Error::new(Status::OutOfResources, SOURCE, text)
        })
    }

    /// Appends a record, if there is room.
    fn push(&mut self, entry: Entry, data: &[u8], text: &str) -> bool {
        let has_room = self.queued.len() < self.queued.capacity()
            && data.len() + text.len() <= self.bytes.capacity() - self.bytes.len();
        if has_room {
            self.bytes.extend_from_slice(data);
            let data_end = self.bytes.len();
            self.bytes.extend_from_slice(text.as_bytes());
            let (time, text_end) = (clock::since_1970(), self.bytes.len());
            self.queued.push(Queued { entry, time, data_end, text_end });
        }
        has_room
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    /// The records.
    pub(super) fn records(&self) -> impl Iterator<Item = AuditRecord<'_>> {
        let mut start = 0;
        self.queued.iter().map(move |one| {
            let Queued { entry, time, data_end, text_end } = one;
            let data = &self.bytes[start..*data_end];
            // Cut at the boundary of a character by `push`, so nothing is lost here.
            let text = std::str::from_utf8(&self.bytes[*data_end..*text_end]).unwrap_or_default();
            start = *text_end;
            AuditRecord {
                time: *time,
                latency: entry.latency,
                client: &entry.client,
                ty: entry.ty.into(),
                address: entry.address,
                size: entry.size,
                data,
                result: entry.result,
                status: entry.status,
                text,
                is_answered: entry.is_answered,
            }
        })
    }

    /// Removes all records, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.queued.clear();
        self.bytes.clear();
        self.lost = 0;
    }
}

/// The counters of [`AuditStats`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) records: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) queued: AtomicU64,
    pub(super) write_errors: AtomicU64,
    pub(super) bytes_written: AtomicU64,
    pub(super) files_rotated: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self) -> AuditStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AuditStats {
            records: load(&self.records),
            delivered: load(&self.delivered),
            lost: load(&self.lost),
            queued: load(&self.queued),
            write_errors: load(&self.write_errors),
            bytes_written: load(&self.bytes_written),
            files_rotated: load(&self.files_rotated),
        }
    }
}

/// Counts, from any thread.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// What servers and the thread share.
pub(super) struct Queue {
    pub(super) counters: Arc<Counters>,
    state: Mutex<State>,
    /// There is work for the thread.
    changed: Condvar,
    /// The thread has done what was asked for.
    done: Condvar,
}

struct State {
    batch: Batch,
    /// Empty, for the thread; `None` while it has it.
    spare: Option<Batch>,
    /// The thread waits for work.
    is_idle: bool,
    /// No audit has a reference any more.
    is_over: bool,
    has_ended: bool,
    /// Number of calls of `flush`, and how many of them have been served.
    flushes: u64,
    flushed: u64,
    /// The latest of these for which records could not be written, and why; and whether a call has
    /// returned that, which an earlier one may have been too late for.
    failed: (u64, String),
    is_failure_told: bool,
    thread: Option<ThreadId>,
}

/// How a wait for the thread has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum WaitEnd {
    Done,
    /// Records could not be written; the text says why.
    Failed(String),
    Late,
    OwnThread,
}

/// Work for the thread.
pub(super) struct Work {
    pub(super) batch: Batch,
    /// What [`Queue::finish`] gets back, if a flush is asked for.
    pub(super) flush: Option<u64>,
    /// There is nothing more to come.
    pub(super) is_last: bool,
}

impl Queue {
    pub(super) fn new(records: usize, bytes: usize, counters: Arc<Counters>) -> Result<Queue> {
        let state = State {
            batch: Batch::with_room(records, bytes)?,
            spare: Some(Batch::with_room(records, bytes)?),
            is_idle: false,
            is_over: false,
            has_ended: false,
            flushes: 0,
            flushed: 0,
            failed: (0, String::new()),
            is_failure_told: true,
            thread: None,
        };
        let (changed, done) = (Condvar::new(), Condvar::new());
        Ok(Queue { counters, state: Mutex::new(state), changed, done })
    }

    /// Appends a record, or counts it as lost.
    pub(super) fn push(&self, entry: Entry, data: &[u8], text: &str) {
        let text = cut(text, TEXT_BYTES_MAX);
        let mut state = self.state.lock();
        add(&self.counters.records, 1);
        if state.batch.push(entry, data, text) {
            add(&self.counters.queued, 1);
        } else {
            state.batch.lost += 1;
            add(&self.counters.lost, 1);
        }
        let is_idle = std::mem::take(&mut state.is_idle);
        drop(state);
        if is_idle {
            self.changed.notify_one();
        }
    }

    /// Waits for work; called by the thread only.
    pub(super) fn next(&self) -> Work {
        let mut state = self.state.lock();
        state.thread.get_or_insert_with(|| thread::current().id());
        while state.batch.len() == 0
            && state.batch.lost == 0
            && state.flushes == state.flushed
            && !state.is_over
        {
            state.is_idle = true;
            state = self.changed.wait(state);
        }
        state.is_idle = false;
        let spare = state.spare.take().unwrap_or_default();
        let batch = std::mem::replace(&mut state.batch, spare);
        let flush = (state.flushes != state.flushed).then_some(state.flushes);
        Work { batch, flush, is_last: state.is_over }
    }

    /// Takes back a batch that has been passed on. `outcome` is for the flushes that it serves.
    pub(super) fn finish(&self, work: Work, outcome: std::result::Result<(), String>) {
        let Work { mut batch, flush, .. } = work;
        batch.clear();
        let mut state = self.state.lock();
        state.spare = Some(batch);
        if let Some(flushes) = flush {
            state.flushed = flushes;
            if let Err(why) = outcome {
                state.failed = (flushes, why);
                state.is_failure_told = false;
            }
            drop(state);
            self.done.notify_all();
        }
    }

    /// The thread ends.
    pub(super) fn has_ended(&self) {
        self.state.lock().has_ended = true;
        self.done.notify_all();
    }

    /// Waits until all records so far have been passed on.
    pub(super) fn flush(&self, limit: Time) -> WaitEnd {
        let mut state = self.state.lock();
        if state.thread == Some(thread::current().id()) {
            return WaitEnd::OwnThread;
        }
        state.flushes += 1;
        let own = state.flushes;
        state.is_idle = false;
        self.changed.notify_one();
        while state.flushed < own && !state.has_ended {
            if clock::now() >= limit {
                return WaitEnd::Late;
            }
            state = self.done.wait_until(state, limit);
        }
        let is_told = std::mem::replace(&mut state.is_failure_told, true);
        match state.failed.0 >= own || !is_told {
            true => WaitEnd::Failed(state.failed.1.clone()),
            false => WaitEnd::Done,
        }
    }

    /// Lets the thread end after what is queued, and waits for that.
    pub(super) fn end(&self, limit: Time) {
        let mut state = self.state.lock();
        (state.is_over, state.is_idle) = (true, false);
        self.changed.notify_one();
        let is_own = state.thread == Some(thread::current().id());
        while !is_own && !state.has_ended && clock::now() < limit {
            state = self.done.wait_until(state, limit);
        }
    }
}

/// The beginning of a text, cut at the boundary of a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = text.len().min(bytes_max);
    let end = (0..=end).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}
