//! `FileReader`: sends the records of a data file as frames.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::records::{Records, Step};
use crate::clock;
use crate::debug::impl_debug;
use crate::error::{caught, Error, Result, Status};
use crate::logging::{log_warning, static_logger};
use crate::process::{inherited_text, wait_for_receivers, Generation};
use crate::stream::{Master, Worker};
use crate::sync::{Condvar, Mutex};

static_logger!(LOG, "streamReader");

/// Default limit of the payload of a record, in bytes.
pub const RECORD_BYTES_MAX: u32 = 256 << 20;

/// What may be chosen about a reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileReaderOptions {
    /// Size limit of a frame; larger records are left out, counted and logged.
    pub frame_bytes_max: u32,
    /// Bytes of the stack of the reader's thread, on which the receivers of its frames run; 0 for as
    /// many as other threads of the process have. 2 MiB at least.
    pub stack_bytes: usize,
}

impl Default for FileReaderOptions {
    fn default() -> FileReaderOptions {
        FileReaderOptions { frame_bytes_max: RECORD_BYTES_MAX, stack_bytes: 0 }
    }
}

/// What `stats` returns, since the last [`FileReader::open`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct FileReaderStats {
    /// Frames sent.
    pub frames: u64,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Records without a payload, which are no frames.
    pub empty: u64,
    /// Records left out: larger than the limit, or without a frame from the receiver.
    pub left_out: u64,
    /// 1 if reading has ended before the end of the files.
    pub faults: u64,
}

#[derive(Default)]
struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
    empty: AtomicU64,
    left_out: AtomicU64,
    faults: AtomicU64,
    error: Mutex<String>,
}

/// One reading of a file, or of a series. Its thread keeps it.
struct Reading {
    generation: Generation,
    master: Arc<Master>,
    is_stopped: AtomicBool,
    counters: Counters,
    is_over: Mutex<bool>,
    over: Condvar,
}

/// Signals the end of a reading, also after a panic.
struct End<'a>(&'a Reading);

impl Drop for End<'_> {
    fn drop(&mut self) {
        // In a child by a fork in a delivery no thread waits, and the lock may be locked for ever.
        if !self.0.generation.is_inherited() {
            *self.0.is_over.lock() = true;
            self.0.over.notify_all();
        }
    }
}

impl Reading {
    fn run(&self, mut records: Records) {
        let _end = End(self);
        while !self.is_stopped.load(Ordering::Relaxed) && !self.generation.is_inherited() {
            let step = records.next(&self.master);
            self.counters.files.store(records.files, Ordering::Relaxed);
            if !self.take(step) {
                break;
            }
        }
    }

    /// Takes what has been read; whether to go on.
    fn take(&self, step: Step) -> bool {
        let count = |counter: &AtomicU64, more| counter.fetch_add(more, Ordering::Relaxed);
        match step {
            Step::End => return false,
            Step::Frame(frame) => self.send(frame),
            Step::Empty => {
                count(&self.counters.empty, 1);
            }
            Step::LeftOut(text) => {
                count(&self.counters.left_out, 1);
                self.note(text);
            }
            Step::Fault(text, frame) => {
                frame.into_iter().for_each(|frame| self.send(frame));
                count(&self.counters.faults, 1);
                self.note(text);
                return false;
            }
        }
        true
    }

    fn send(&self, frame: Arc<crate::stream::Frame>) {
        let bytes = frame.lock().payload() as u64;
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Err(text) = caught(|| self.master.send_frame(frame)) {
            log_warning!(LOG, "The receiver of a frame panicked: {text}");
        }
    }

    /// Keeps the first text, and logs each.
    fn note(&self, text: String) {
        log_warning!(LOG, "{text}");
        let mut error = self.counters.error.lock();
        if error.is_empty() {
            *error = text;
        }
    }

    fn is_over(&self) -> bool {
        self.generation.is_inherited() || *self.is_over.lock()
    }
}

/// A reading with its thread.
struct Session {
    reading: Arc<Reading>,
    worker: Worker,
}

impl Session {
    /// Ends the reading after the record that is being sent. Does not wait for longer than 80 ms.
    fn stop(&self) {
        self.reading.is_stopped.store(true, Ordering::Relaxed);
        if !self.worker.join() {
            log_warning!(LOG, "The receiver of a frame does not return; the thread ends then");
        }
    }
}

/// Sends the records of a data file as frames, in the file's order, from a thread of its own and as
/// fast as the receivers take them.
///
/// It holds one record at a time, in a frame from the first receiver. Whatever a file claims, no more
/// memory is asked for than the file has bytes, or than
/// [`frame_bytes_max`](FileReaderOptions::frame_bytes_max). A file that is cut or damaged is read up
/// to there; the log and [`error`](Self::error) say where and why. Of a record whose payload ends
/// too early a frame with error 1 is sent, as by Rogue: with as many of its buffers as could be
/// filled, if it has several, and else without payload. Dropping the last handle ends the thread.
pub struct FileReader {
    generation: Generation,
    options: FileReaderOptions,
    master: Arc<Master>,
    session: Mutex<Option<Arc<Session>>>,
}

impl_debug!(FileReader);

impl FileReader {
    /// A reader without a file.
    pub fn new(options: FileReaderOptions) -> Arc<FileReader> {
        Arc::new(FileReader {
            generation: Generation::current(),
            options,
            master: Master::new(),
            session: Mutex::new(None),
        })
    }

    /// The master that sends the frames.
    pub fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    /// Opens a data file and starts to send its frames. If `path` ends in `.1`, those of `.2`, `.3` …
    /// follow, until one is missing. A file that is being read is [closed](Self::close) first.
    ///
    /// # Errors
    ///
    /// [`Status::File`] with the system's reason, also for anything but a regular file;
    /// [`Status::OutOfResources`] if the system refuses a thread.
    pub fn open(&self, path: &str) -> Result<()> {
        if self.generation.is_inherited() {
            let text = inherited_text("The StreamReader");
            return Err(Error::new(Status::Stopped, "StreamReader::open", text));
        }
        self.close();
        let records = Records::open(path, self.options.frame_bytes_max)?;
        let reading = Arc::new(Reading {
            generation: self.generation,
            master: self.master.clone(),
            is_stopped: AtomicBool::new(false),
            counters: Counters::default(),
            is_over: Mutex::new(false),
            over: Condvar::new(),
        });
        let own = reading.clone();
        let stack_bytes = self.options.stack_bytes;
        // With the place locked: a receiver that asks finds the reading that calls it.
        let mut place = self.session.lock();
        let worker = Worker::start("StreamReader", stack_bytes, move || {
            wait_for_receivers();
            own.run(records);
        });
        let worker = worker.map_err(|error| {
            let text = format!("The thread that reads {path} could not be started: {error}");
            Error::new(Status::OutOfResources, "StreamReader::open", text)
        })?;
        let former = place.replace(Arc::new(Session { reading, worker }));
        drop(place);
        // Also one that another thread has opened in between.
        if let Some(former) = former {
            former.stop();
        }
        Ok(())
    }

    /// Stops after the record that is being sent, and closes the file. Returns within 100 ms, also if
    /// the receiver of that record does not. May be called from any thread, also in a delivery, and
    /// more than once. The counters stay.
    pub fn close(&self) {
        if let Some(session) = self.session() {
            session.stop();
        }
    }

    /// Whether a file is being read: not any more when the last of its frames has been sent.
    pub fn is_open(&self) -> bool {
        let is_running = |session: Arc<Session>| {
            !session.reading.is_stopped.load(Ordering::Relaxed) && !session.reading.is_over()
        };
        self.session().is_some_and(is_running)
    }

    /// Waits until the thread has ended, because all frames have been sent or the reader was closed,
    /// for `timeout` at most; `None` = as long as it takes. Returns whether it has; in a delivery by
    /// this reader, which would wait for itself, true at once.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let Some(session) = self.session() else { return true };
        if session.worker.is_current() {
            return true;
        }
        let limit = timeout.map(|timeout| clock::now() + timeout);
        let reading = &session.reading;
        let mut is_over = reading.is_over.lock();
        while !*is_over && limit.is_none_or(|limit| clock::now() < limit) {
            is_over = match limit {
                Some(limit) => reading.over.wait_until(is_over, limit),
                None => reading.over.wait(is_over),
            };
        }
        *is_over
    }

    /// What was wrong with the file, in words: the first of all messages since it was opened; empty
    /// if there is none.
    pub fn error(&self) -> String {
        self.session()
            .map(|session| session.reading.counters.error.lock().clone())
            .unwrap_or_default()
    }

    /// The counters.
    pub fn stats(&self) -> FileReaderStats {
        let Some(session) = self.session() else { return FileReaderStats::default() };
        let counters = &session.reading.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FileReaderStats {
            frames: read(&counters.frames),
            bytes: read(&counters.bytes),
            files: read(&counters.files),
            empty: read(&counters.empty),
            left_out: read(&counters.left_out),
            faults: read(&counters.faults),
        }
    }

    /// Closes the file, and disconnects the receivers.
    pub fn stop(&self) {
        self.close();
        if !self.generation.is_inherited() {
            self.master.stop();
        }
    }

    /// The latest reading; none in a child by `fork`, to which it is lost.
    fn session(&self) -> Option<Arc<Session>> {
        match self.generation.is_inherited() {
            true => None,
            false => self.session.lock().clone(),
        }
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        self.close();
        if self.generation.is_inherited() {
            if let Some(session) = self.session.get_mut().take() {
                // The thread is the parent's, and its handle invalid here.
                session.worker.join();
            }
        }
    }
}
