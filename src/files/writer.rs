//! `FileWriter`: writes the frames that its channels receive to a data file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::bandwidth::Bandwidth;
use super::count::FrameCount;
use super::output::{Item, Output, Refusal};
use crate::clock;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_error, log_warning, static_logger};
use crate::process::{inherited_text, Generation};
use crate::proto::data_file::{header, Metadata, PAYLOAD_BYTES_MAX};
use crate::stream::{Buffers, Frame, Slave, SlaveBase};
use crate::sync::{Mutex, MutexGuard};

static_logger!(LOG, "fileio.StreamWriter");

/// What `stats` returns, since the last [`FileWriter::open`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct FileWriterStats {
    /// Frames written, those in the buffer included.
    pub frames: u64,
    /// Bytes of these in all files.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Frames left out, as they were to be: without payload, or with an error.
    pub skipped: u64,
    /// Frames that came while no file was open.
    pub unopened: u64,
    /// Frames that could not be written, also those that were in the buffer when that failed.
    pub lost: u64,
}

#[derive(Default)]
struct Counters {
    bytes: AtomicU64,
    file_bytes: AtomicU64,
    files: AtomicU64,
    skipped: AtomicU64,
    unopened: AtomicU64,
    lost: AtomicU64,
}

impl Counters {
    fn reset(&self) {
        let all =
            [&self.bytes, &self.file_bytes, &self.files, &self.skipped, &self.unopened, &self.lost];
        all.into_iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}

/// What went wrong since the file was opened.
#[derive(Default)]
struct Failure {
    error: Option<Error>,
    /// `close` has returned it.
    is_told: bool,
}

/// What the writer and its channels share. Its end is that of the open file.
struct Core {
    generation: Generation,
    is_raw: AtomicBool,
    drops_errors: AtomicBool,
    file_bytes_max: AtomicU64,
    buffer_bytes: AtomicU32,
    output: Mutex<Option<Output>>,
    /// Whether there is an output, for those that must not wait for a disk.
    is_open: AtomicBool,
    frames: FrameCount,
    counters: Counters,
    bandwidth: Mutex<Bandwidth>,
    failure: Mutex<Failure>,
}

/// What became of a record.
enum Outcome {
    Written,
    Unopened,
    Refused(Error),
}

impl Core {
    fn check(&self) -> Result<()> {
        if self.generation.is_inherited() {
            // Another thread of the parent may have held the locks.
            let text = inherited_text("The StreamWriter");
            return Err(Error::new(Status::Stopped, "StreamWriter", text));
        }
        Ok(())
    }

    fn failed(&self, error: &Error, lost: u64) {
        self.counters.lost.fetch_add(lost, Ordering::Relaxed);
        let mut failure = self.failure.lock();
        if failure.error.is_none() {
            *failure = Failure { error: Some(error.clone()), is_told: false };
        }
    }

    /// Empties the buffer of `output`; the end of that if it fails.
    fn flushed(&self, mut output: Output) -> (Option<Output>, Result<()>) {
        match output.flush(0) {
            Ok(()) => (Some(output), Ok(())),
            Err(Refusal::Record(error)) => (Some(output), Err(error)),
            Err(Refusal::File(error, lost)) => {
                self.failed(&error, lost);
                (None, Err(error))
            }
        }
    }

    /// Writes out and closes the file in `place`.
    fn end(&self, mut place: MutexGuard<'_, Option<Output>>) -> Result<()> {
        let Some(output) = place.take() else { return Ok(()) };
        self.is_open.store(false, Ordering::Relaxed);
        let (output, outcome) = self.flushed(output);
        self.bandwidth.lock().clear();
        let stranger = output.and_then(|output| output.stranger());
        drop(place);
        if let Some(text) = stranger {
            log_warning!(LOG, "{text}");
        }
        outcome.inspect_err(|error| log_error!(LOG, "{}", error.text()))
    }

    /// Writes one frame.
    fn write(&self, payload: &Buffers, metadata: Metadata) {
        let count = payload.payload() as u64;
        if count == 0 || metadata.error != 0 && self.drops_errors.load(Ordering::Relaxed) {
            self.counters.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut place = self.output.lock();
        let outcome = match &mut *place {
            None => Outcome::Unopened,
            Some(output) => self.put(output, payload, count, metadata),
        };
        if let Outcome::Refused(error) = &outcome {
            if error.status() == Status::File {
                *place = None;
                self.is_open.store(false, Ordering::Relaxed);
                self.bandwidth.lock().clear();
            }
        }
        drop(place);
        match outcome {
            Outcome::Written => (),
            Outcome::Unopened => {
                self.counters.unopened.fetch_add(1, Ordering::Relaxed);
                log_debug!(LOG, "A frame is not written: no file is open");
            }
            Outcome::Refused(error) => log_error!(LOG, "{}", error.text()),
        }
    }

    fn put(&self, output: &mut Output, payload: &Buffers, count: u64, data: Metadata) -> Outcome {
        let is_raw = self.is_raw.load(Ordering::Relaxed);
        let header = if is_raw { None } else { header(count, data) };
        if !is_raw && header.is_none() {
            let text = format!(
                "A frame of {count} bytes is not written: a record has at most {PAYLOAD_BYTES_MAX}"
            );
            let error = Error::new(Status::Frame, "StreamWriter::checkSize", text);
            self.failed(&error, 1);
            return Outcome::Refused(error);
        }
        let bytes = count + header.map_or(0, |header| header.len() as u64);
        let item = Item { header, payload, bytes };
        match output.record(&item, self.file_bytes_max.load(Ordering::Relaxed)) {
            Ok(()) => {
                self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
                self.counters.file_bytes.store(output.size(), Ordering::Relaxed);
                self.counters.files.store(output.number().into(), Ordering::Relaxed);
                self.bandwidth.lock().add(bytes, clock::now());
                // Before the output is unlocked, so that no frame of a former file is counted.
                self.frames.add_one();
                Outcome::Written
            }
            Err(Refusal::Record(error)) => {
                self.failed(&error, 1);
                Outcome::Refused(error)
            }
            Err(Refusal::File(error, lost)) => {
                self.failed(&error, lost);
                Outcome::Refused(error)
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if self.generation.is_inherited() {
            // The file, and what is in the buffer for it, are the parent's.
            if let Some(output) = self.output.get_mut().take() {
                output.forget();
            }
            return;
        }
        let place = self.output.lock();
        // The log says what failed.
        let _ = self.end(place);
    }
}

/// Writes the frames that its [channels](Self::channel) receive to a data file, or to a series of
/// them.
///
/// A frame is written in the thread that sends it, with the frame locked, and a sender waits while
/// the disk does. Frames without a payload are not written, nor are any while no file is open. A
/// failed write closes the file, cut to whole records where the system lets it; the log says so,
/// [`error`](Self::error) and the next [`close`](Self::close) too. The file is closed with what is
/// in the buffer when the last of the writer and its channels is dropped, at the latest.
pub struct FileWriter {
    core: Arc<Core>,
    channels: Mutex<BTreeMap<u8, Arc<FileChannel>>>,
}

impl_debug!(FileWriter);

impl FileWriter {
    /// A writer without a file, limit or buffer, which writes frames with an error too.
    pub fn new() -> Arc<FileWriter> {
        let core = Arc::new(Core {
            generation: Generation::current(),
            is_raw: AtomicBool::new(false),
            drops_errors: AtomicBool::new(false),
            file_bytes_max: AtomicU64::new(0),
            buffer_bytes: AtomicU32::new(0),
            output: Mutex::new(None),
            is_open: AtomicBool::new(false),
            frames: FrameCount::default(),
            counters: Counters::default(),
            bandwidth: Mutex::default(),
            failure: Mutex::default(),
        });
        Arc::new(FileWriter { core, channels: Mutex::default() })
    }

    /// Creates a data file, or empties one that exists, and sets the counts of the writer and of all
    /// channels to 0. With a [size limit](Self::set_file_bytes_max) the file is `path` with `.1`, the
    /// next one `.2`. A file that is open is closed first; the log says if that fails.
    ///
    /// # Errors
    ///
    /// [`Status::File`] with the system's reason, [`Status::OutOfResources`] if there is no memory for
    /// the buffer; no file is open then.
    pub fn open(&self, path: &str) -> Result<()> {
        self.core.check()?;
        let _ = self.core.end(self.core.output.lock());
        let channels: Vec<_> = self.channels.lock().values().cloned().collect();
        let is_numbered = self.core.file_bytes_max.load(Ordering::Relaxed) > 0;
        let buffer_bytes = self.core.buffer_bytes.load(Ordering::Relaxed) as usize;
        // Without the lock: the system may take long, and senders need not wait for it.
        let output = Output::create(path, is_numbered, buffer_bytes)?;
        let mut place = self.core.output.lock();
        self.core.counters.reset();
        self.core.counters.files.store(1, Ordering::Relaxed);
        self.core.bandwidth.lock().clear();
        self.core.frames.set(0);
        channels.iter().for_each(|channel| channel.count.set(0));
        *self.core.failure.lock() = Failure::default();
        let former = place.replace(output);
        self.core.is_open.store(true, Ordering::Relaxed);
        // One that another thread has opened in between.
        let outcome = former.map_or(Ok(()), |former| self.core.flushed(former).1);
        drop(place);
        outcome
    }

    /// Writes out what is in the buffer and closes the file, if one is open. May be called from any
    /// thread and more than once. The counts stay.
    ///
    /// # Errors
    ///
    /// The first failure since the file was opened, once: [`Status::File`], or [`Status::Frame`] for
    /// a frame that is larger than a file may be. The file is closed all the same.
    pub fn close(&self) -> Result<()> {
        self.core.check()?;
        let ended = self.core.end(self.core.output.lock());
        let mut failure = self.core.failure.lock();
        if std::mem::replace(&mut failure.is_told, true) {
            return Ok(());
        }
        failure.error.clone().map_or(ended, Err)
    }

    /// Whether a file is open.
    pub fn is_open(&self) -> bool {
        !self.core.generation.is_inherited() && self.core.is_open.load(Ordering::Relaxed)
    }

    /// The first failure since the file was opened, in words; empty if there is none.
    pub fn error(&self) -> String {
        if let Err(error) = self.core.check() {
            return error.text().to_owned();
        }
        let failure = self.core.failure.lock();
        failure.error.as_ref().map(|error| error.text().to_owned()).unwrap_or_default()
    }

    /// Chooses whether the payload of later frames is written alone. No reader can tell where one
    /// ends then.
    pub fn set_raw(&self, is_raw: bool) {
        self.core.is_raw.store(is_raw, Ordering::Relaxed);
    }

    /// Whether payload is written alone.
    pub fn is_raw(&self) -> bool {
        self.core.is_raw.load(Ordering::Relaxed)
    }

    /// Sets the size of the buffer, in which frames are collected as long as they fit; 0 = each is
    /// written at once. What is in it is written out first.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory for it, and the old one stays;
    /// [`Status::File`] if what was in it could not be written, and the file is closed.
    pub fn set_buffer_bytes(&self, bytes: u32) -> Result<()> {
        self.core.check()?;
        let mut place = self.core.output.lock();
        if let Some(output) = place.take() {
            let (output, outcome) = self.core.flushed(output);
            *place = output;
            self.core.is_open.store(place.is_some(), Ordering::Relaxed);
            outcome?;
        }
        if let Some(output) = &mut *place {
            output.set_buffer_bytes(bytes as usize)?;
        }
        self.core.buffer_bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Sets the limit of each file, in bytes; 0 = none. A record that would exceed it begins the next
    /// file. Set it before [`open`](Self::open), which names the first file.
    pub fn set_file_bytes_max(&self, bytes: u64) {
        self.core.file_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Chooses whether frames with an error are left out.
    pub fn set_drop_errors(&self, drops: bool) {
        self.core.drops_errors.store(drops, Ordering::Relaxed);
    }

    /// The channel with this number, which is made once.
    pub fn channel(&self, number: u8) -> Arc<FileChannel> {
        let made = || FileChannel {
            base: SlaveBase::new(),
            number,
            core: self.core.clone(),
            count: FrameCount::default(),
        };
        if self.core.generation.is_inherited() {
            return Arc::new(made());
        }
        self.channels.lock().entry(number).or_insert_with(|| Arc::new(made())).clone()
    }

    /// Bytes in all files since the file was opened, those in the buffer included.
    pub fn total_bytes(&self) -> u64 {
        self.core.counters.bytes.load(Ordering::Relaxed)
    }

    /// Bytes in the present file, those in the buffer included.
    pub fn file_bytes(&self) -> u64 {
        self.core.counters.file_bytes.load(Ordering::Relaxed)
    }

    /// Bytes a second over the last second; 0 if there were none, or if no file is open.
    pub fn bandwidth(&self) -> f64 {
        match self.is_open() {
            true => self.core.bandwidth.lock().rate(clock::now()),
            false => 0.0,
        }
    }

    /// Frames written since the file was opened, those in the buffer included.
    pub fn frame_count(&self) -> u64 {
        match self.core.generation.is_inherited() {
            true => 0,
            false => self.core.frames.get(),
        }
    }

    /// Waits until `count` frames have been written, for `timeout` at most; `None` = as long as it
    /// takes. Returns whether there are as many.
    pub fn wait_frame_count(&self, count: u64, timeout: Option<Duration>) -> bool {
        !self.core.generation.is_inherited() && self.core.frames.wait(count, timeout)
    }

    /// The counters.
    pub fn stats(&self) -> FileWriterStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.core.counters;
        FileWriterStats {
            frames: self.frame_count(),
            bytes: read(&counters.bytes),
            files: read(&counters.files),
            skipped: read(&counters.skipped),
            unopened: read(&counters.unopened),
            lost: read(&counters.lost),
        }
    }
}

/// Receives the frames of one channel for a [`FileWriter`], whose file it keeps open.
pub struct FileChannel {
    base: SlaveBase,
    number: u8,
    core: Arc<Core>,
    count: FrameCount,
}

impl_debug!(FileChannel, channel => { number: channel.number });

impl FileChannel {
    /// Frames received since the file was opened, or [`set_frame_count`](Self::set_frame_count):
    /// also those that were not written, and those that came while no file was open.
    pub fn frame_count(&self) -> u64 {
        match self.core.generation.is_inherited() {
            true => 0,
            false => self.count.get(),
        }
    }

    /// Sets the number of frames received.
    pub fn set_frame_count(&self, count: u64) {
        if !self.core.generation.is_inherited() {
            self.count.set(count);
        }
    }

    /// As [`FileWriter::wait_frame_count`], for the frames of this channel.
    pub fn wait_frame_count(&self, count: u64, timeout: Option<Duration>) -> bool {
        !self.core.generation.is_inherited() && self.count.wait(count, timeout)
    }
}

impl Slave for FileChannel {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    /// Writes the frame: with the number of this channel, or, if that is 0, with its own.
    fn accept_frame(&self, frame: Arc<Frame>) {
        if self.core.generation.is_inherited() {
            return log_error!(LOG, "{}", inherited_text("The StreamWriter"));
        }
        self.base.receive(&frame);
        let channel = if self.number == 0 { frame.channel() } else { self.number };
        let metadata = Metadata { flags: frame.flags(), error: frame.error(), channel };
        Frame::consume(frame, |buffers| self.core.write(buffers, metadata));
        self.count.add_one();
    }
}
