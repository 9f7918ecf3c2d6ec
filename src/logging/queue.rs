//! The queue of messages that the log's own thread delivers.
//!
//! Standard output may be a pipe without a reader, and a sink is the program's code: neither may
//! block a thread that others depend on. Messages of such a thread are queued. The log's thread
//! delivers them; it exists while there is work. A thread of the program delivers its messages
//! itself where that does not block and the queue is empty. Otherwise it queues them, and waits
//! for room unless the queue is stalled.

use std::collections::VecDeque;
use std::time::Duration;

use super::limit::{self, Summary};
use super::{emit, output, Level, Record};
use crate::clock::{self, Time};
use crate::error::caught;
use crate::process::{self, StandardOutput};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Limits of the queue, in messages and in bytes; messages beyond them are only counted.
const MESSAGES_COUNT_MAX: usize = 4096;
const MESSAGES_BYTES_MAX: usize = 1 << 20;
/// How long the log's thread waits for more work before it ends.
const IDLE_TIME_MAX: Duration = Duration::from_secs(1);
/// At the end of the process: the stall after which the remaining messages are given up.
const STALL_TIME_MAX: Duration = Duration::from_millis(200);
/// The stall after which threads of the program no longer wait for room. One such wait serves all
/// messages, so the limit suits a busy machine.
const ROOM_TIME_MAX: Duration = Duration::from_secs(2);

/// The outputs of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outputs {
    pub(super) stdout: bool,
    pub(super) sink: bool,
    pub(super) foreign: bool,
}

/// A [`Record`] that outlives its call.
pub(super) struct Message {
    pub(super) name: String,
    pub(super) level: Level,
    pub(super) time: Duration,
    pub(super) text: String,
    pub(super) thread_id: u64,
    pub(super) outputs: Outputs,
}

impl Message {
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            name: &self.name,
            level: self.level,
            time: self.time,
            text: &self.text,
            thread_id: self.thread_id,
            process_id: std::process::id(),
        }
    }

    fn bytes(&self) -> usize {
        self.name.len() + self.text.len()
    }
}

/// The queued messages and the state of their delivery.
pub(super) struct LogQueue {
    messages: VecDeque<Message>,
    bytes: usize,
    /// Messages that were dropped for lack of room.
    dropped: u64,
    /// Messages delivered so far.
    delivered: u64,
    /// A thread is delivering a message. A flag and not a lock: the reader of standard output
    /// decides how long that takes, and a fork does not wait for it.
    is_busy: bool,
    has_thread: bool,
    /// The log's thread has to look for work.
    is_called: bool,
    /// The queue has stalled: no thread waits for room.
    is_stalled: bool,
    is_ending: bool,
}

static QUEUE: Mutex<LogQueue> = Mutex::of_process(LogQueue::EMPTY);
/// Signals work for the log's thread.
static WORK: Condvar = Condvar::new();
/// Signals a delivered message, or the end of the log's thread.
static PROGRESS: Condvar = Condvar::new();

/// The lock that a fork takes.
pub(super) fn lock() -> MutexGuard<'static, LogQueue> {
    QUEUE.lock()
}

/// Queues a message.
pub(super) fn push(message: Message) {
    lock().push(message);
}

/// Writes the line of a message to standard output, at once if that does not block.
pub(super) fn print(record: &Record<'_>) {
    let line = output::line(record);
    let mut queue = lock();
    let may_write = queue.messages.is_empty() && !queue.is_busy && !process::is_on_duty();
    if may_write && line.len() <= process::PIPE_BYTES_AT_ONCE {
        queue.is_busy = true;
        drop(queue);
        let is_ready = StandardOutput::is_ready();
        if is_ready {
            let _ = output::write_line(&mut StandardOutput, &line);
        }
        queue = lock();
        if is_ready {
            return queue.done();
        }
        queue.is_busy = false;
        // Messages queued in the meantime stay behind this one.
        let message = message_of(record);
        if queue.messages.try_reserve(1).is_ok() {
            queue.bytes += message.bytes();
            queue.messages.push_front(message);
        } else {
            queue.dropped += 1;
        }
        return queue.call_thread();
    }
    let message = message_of(record);
    if !process::is_on_duty() {
        queue = wait_for_room(queue, &message);
    }
    queue.push(message);
}

/// Waits for room for `message`, as a write to standard output would, unless the queue is stalled.
fn wait_for_room<'a>(
    mut queue: MutexGuard<'a, LogQueue>,
    message: &Message,
) -> MutexGuard<'a, LogQueue> {
    while !queue.has_room(message) && !queue.is_stalled {
        let before = queue.delivered;
        queue.call_thread();
        let limit = clock::now() + ROOM_TIME_MAX;
        queue = PROGRESS.wait_until(queue, limit);
        queue.is_stalled = clock::now() >= limit && queue.delivered == before;
    }
    queue
}

fn message_of(record: &Record<'_>) -> Message {
    Message {
        name: record.name.to_owned(),
        level: record.level,
        time: record.time,
        text: record.text.to_owned(),
        thread_id: record.thread_id,
        outputs: Outputs { stdout: true, ..Outputs::default() },
    }
}

/// Makes the log's thread compute when the next summary is due.
pub(super) fn note_suppression() {
    lock().call_thread();
}

/// Waits until every message logged so far has been delivered, until `limit` at most. Returns at
/// once on a thread that must not block.
pub(crate) fn flush_until(limit: Time) {
    if process::is_on_duty() {
        return;
    }
    let mut queue = lock();
    let target = queue.delivered + queue.messages.len() as u64 + u64::from(queue.is_busy);
    while queue.delivered < target && (queue.is_busy || !queue.messages.is_empty()) {
        if clock::now() >= limit {
            return;
        }
        queue = PROGRESS.wait_until(queue, limit);
    }
}

/// At the end of the process: delivers the remaining messages, unless the outputs stall.
extern "C" fn finish() {
    let mut queue = lock();
    queue.is_ending = true;
    WORK.notify_all();
    while queue.has_thread {
        let before = queue.delivered;
        queue = PROGRESS.wait_until(queue, clock::now() + STALL_TIME_MAX);
        if queue.has_thread && queue.delivered == before {
            return;
        }
    }
}

impl LogQueue {
    const EMPTY: LogQueue = LogQueue {
        messages: VecDeque::new(),
        bytes: 0,
        dropped: 0,
        delivered: 0,
        is_busy: false,
        has_thread: false,
        is_called: false,
        is_stalled: false,
        is_ending: false,
    };

    /// Resets the queue in a child by `fork`. The log's thread and the writing threads exist in the
    /// parent only, and so do the queued messages.
    pub(super) fn forget(&mut self) {
        *self = LogQueue::EMPTY;
    }

    /// An empty queue takes one message of any size.
    fn has_room(&self, message: &Message) -> bool {
        let has_bytes = self.bytes + message.bytes() <= MESSAGES_BYTES_MAX;
        self.messages.is_empty() || self.messages.len() < MESSAGES_COUNT_MAX && has_bytes
    }

    fn push(&mut self, message: Message) {
        if self.has_room(&message) && self.messages.try_reserve(1).is_ok() {
            self.bytes += message.bytes();
            self.messages.push_back(message);
        } else {
            self.dropped += 1;
        }
        self.call_thread();
    }

    fn call_thread(&mut self) {
        self.is_called = true;
        if self.has_thread {
            return WORK.notify_one();
        }
        process::at_exit(finish);
        // If the system refuses a thread, the next message tries again.
        self.has_thread = process::spawn("log", process::STACK_OF_PROCESS, work).is_ok();
    }

    /// Ends a delivery.
    fn done(&mut self) {
        self.is_busy = false;
        self.is_stalled = false;
        self.delivered += 1;
        PROGRESS.notify_all();
        WORK.notify_one();
    }

    /// The next message to deliver; after the last one, a warning about those that were dropped.
    fn take(&mut self) -> Option<Message> {
        if self.is_busy {
            return None;
        }
        let message = if self.dropped > 0 && self.messages.is_empty() {
            let dropped = std::mem::take(&mut self.dropped);
            Some(emit::dropped_message(dropped))
        } else {
            self.messages.pop_front()
        }?;
        self.bytes = self.bytes.saturating_sub(message.bytes());
        self.is_busy = true;
        Some(message)
    }
}

/// The log's thread.
fn work() {
    let mut queue = lock();
    loop {
        if let Some(message) = queue.take() {
            drop(queue);
            let _ = caught(|| emit::deliver(&message));
            drop(message);
            queue = lock();
            queue.done();
            continue;
        }
        let is_ending = queue.is_ending;
        queue.is_called = false;
        drop(queue);
        let now = clock::now();
        let (summaries, due) = limit::summaries(if is_ending { Time(u64::MAX) } else { now });
        queue = lock();
        summaries.into_iter().for_each(|summary| queue.push(message_of_summary(summary)));
        if queue.is_called || queue.is_busy && is_ending {
            if queue.is_busy {
                queue = WORK.wait_until(queue, clock::now() + STALL_TIME_MAX);
            }
            continue;
        }
        if is_ending {
            break;
        }
        queue = WORK.wait_until(queue, due.unwrap_or(now + IDLE_TIME_MAX));
        let has_more = queue.is_called || queue.is_ending || queue.is_busy || queue.has_work();
        if due.is_none() && !has_more {
            break;
        }
    }
    queue.has_thread = false;
    PROGRESS.notify_all();
}

impl LogQueue {
    fn has_work(&self) -> bool {
        !self.is_busy && (self.dropped > 0 || !self.messages.is_empty())
    }
}

fn message_of_summary(summary: Summary) -> Message {
    emit::message(&summary.name, summary.level, summary.text)
}
