//! The record of what clients did: which one wrote what, where, when, and with which result.
//!
//! Servers push records into a bounded queue and never wait; a thread of the audit's own passes them
//! to the program, or writes them to a file. What the queue has no room for is counted and said.

mod file;
mod json;
mod queue;
mod record;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::error::{Error, Result, Status};
use crate::process::{self, inherited_text, Generation};

use file::FileSink;
use queue::{Counters, Queue, WaitEnd};
use record::SOURCE;
use worker::Sink;

pub(crate) use queue::Entry;
pub use record::{AuditClient, AuditOptions, AuditRecord, AuditResult, AuditSink, AuditStats};

/// How long the release of an audit waits for its thread to pass the last records: less than the
/// 100 ms of every end.
const END_WAIT_MAX: Duration = Duration::from_millis(80);

/// Records what the clients of the servers do that have it as their option
/// [`audit`](crate::bridge::ServerOptions::audit). Servers may share one. Its thread ends, after it has
/// passed the records that there are, when the last reference is dropped, those of servers included.
/// The last drop waits for that 80 ms at most: [`flush`](Self::flush) before.
pub struct Audit {
    generation: Generation,
    queue: Arc<Queue>,
    options: AuditOptions,
}

impl Audit {
    /// Passes records to `sink`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if the queue has no room for one record;
    /// [`Status::OutOfResources`] if the system refuses memory or a thread.
    pub fn new(sink: Box<dyn AuditSink>, options: AuditOptions) -> Result<Arc<Audit>> {
        Audit::start(options, |_| Ok(Sink::Program(sink)))
    }

    /// Writes records to the file at `path`, a line of JSON each (`docs/security.md`). An existing one
    /// is continued. A file that has [`file_bytes_max`](AuditOptions::file_bytes_max) bytes is renamed
    /// to `path.1`, that one to `path.2` and so on, and the oldest is removed. Only one audit may write
    /// a file at a time.
    ///
    /// A failed write costs records, is counted, said once in the log, and to the next
    /// [`flush`](Self::flush); it is tried again with the next records, and the number of those that are
    /// missing is in the file then. If another program renames, removes or empties the file, the audit
    /// goes on with the file that is at the path.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Status::File`] if the file cannot be opened, or is a pipe.
    pub fn to_file(path: impl AsRef<Path>, options: AuditOptions) -> Result<Arc<Audit>> {
        let path = path.as_ref();
        let own = options.clone();
        Audit::start(options, |counters| FileSink::open(path, &own, counters).map(Sink::File))
    }

    fn start(
        options: AuditOptions,
        sink: impl FnOnce(Arc<Counters>) -> Result<Sink>,
    ) -> Result<Arc<Audit>> {
        options.check()?;
        let counters = Arc::new(Counters::default());
        let queue = Queue::new(options.records_max, options.queue_bytes_max, counters.clone())?;
        let queue = Arc::new(queue);
        let (sink, own) = (sink(counters)?, queue.clone());
        process::spawn("audit", process::STACK_OF_PROCESS, move || worker::run(&own, sink))
            .map_err(|cause| {
                let text = format!("The thread of the audit could not be started: {cause}");
                Error::new(Status::OutOfResources, SOURCE, text)
            })?;
        Ok(Arc::new(Audit { generation: Generation::current(), queue, options }))
    }

    /// Waits until all records so far have been passed to the sink, or are on the disk, at most
    /// `timeout`.
    ///
    /// # Errors
    ///
    /// [`Status::Timeout`]; [`Status::File`] if records could not be written since the last flush, with
    /// the reason; [`Status::InvalidArgument`] in the sink itself, which would wait for its own end;
    /// [`Status::Stopped`] in a child by `fork`.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.check()?;
        match self.queue.flush(clock::now() + timeout) {
            WaitEnd::Done => Ok(()),
            WaitEnd::Failed(why) => Err(Error::new(Status::File, SOURCE, why)),
            WaitEnd::OwnThread => {
                let text = "An audit cannot wait for its own thread: call flush in another one";
                Err(Error::new(Status::InvalidArgument, SOURCE, text))
            }
            WaitEnd::Late => {
                let text = format!(
                    "The audit's sink has not taken all records in {timeout:?}: it is slow, or blocks"
                );
                Err(Error::new(Status::Timeout, SOURCE, text))
            }
        }
    }

    /// The counters.
    pub fn stats(&self) -> AuditStats {
        self.queue.counters.stats()
    }

    /// Fails in a child by `fork`, where it has no thread.
    pub(crate) fn check(&self) -> Result<()> {
        match self.generation.is_inherited() {
            true => Err(Error::new(Status::Stopped, SOURCE, inherited_text("The audit"))),
            false => Ok(()),
        }
    }

    /// Whether accesses that carry no data are recorded.
    pub(crate) fn records_reads(&self) -> bool {
        self.options.reads
    }

    /// The part of `data` that is recorded.
    pub(crate) fn sample<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        &data[..data.len().min(self.options.data_bytes_max as usize)]
    }

    /// Records an access that has just ended. Never waits: without room the record is lost.
    pub(crate) fn push(&self, entry: Entry, data: &[u8], text: &str) {
        // A slave may fork, and its child goes on with the request.
        if !self.generation.is_inherited() {
            self.queue.push(entry, self.sample(data), text);
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        if !self.generation.is_inherited() {
            self.queue.end(clock::now() + END_WAIT_MAX);
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
