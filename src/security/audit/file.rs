//! The files that records are written to.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::json::{append_lost, append_record};
use super::queue::{add, Batch, Counters};
use super::record::{AuditOptions, SOURCE, TEXT_BYTES_MAX};
use crate::clock;
use crate::error::{Error, Result, Status};
use crate::logging::{log_error, log_warning, static_logger};
use crate::net::make_descriptor;
use crate::net::socket::shortage_remedy;

static_logger!(LOG, "Audit");

/// Bytes of lines that are written together.
const WRITE_BYTES: usize = 64 * 1024;
/// Bytes of a line beside the data and the text of its record: names, numbers, addresses, a key.
const LINE_BYTES_AROUND: usize = 1024;
/// Bytes of a line for a byte of data, and for one of text that JSON cannot hold as it is.
const LINE_BYTES_OF_DATA: usize = 2;
const LINE_BYTES_OF_TEXT: usize = 6;

/// What a line says.
#[derive(Clone, Copy)]
enum Line {
    Record,
    /// The number of records that are missing.
    Lost(u64),
}

/// The present file, and those before it.
pub(super) struct FileSink {
    path: PathBuf,
    file: File,
    /// Bytes of the present file.
    size: u64,
    /// Size at which the next file begins, and what it is for a new file.
    next_at: u64,
    bytes_max: u64,
    files_max: u32,
    mode: u32,
    /// Devices are neither renamed nor cut.
    is_regular: bool,
    /// The file ends within a line.
    is_torn: bool,
    /// What is not written yet: lines, and where each ends.
    buffer: Vec<u8>,
    lines: Vec<(usize, Line)>,
    /// The line that is being made.
    line: String,
    /// Records that are missing in the file, and how many of them lines in the buffer tell of.
    lost: u64,
    lost_in_buffer: u64,
    /// The latest write has failed, and the log has said it.
    is_failing: bool,
    /// The latest attempt to begin the next file has failed, and the log has said it.
    is_stuck: bool,
    /// Why a write has failed since the last [`sync`](Self::sync).
    failure: Option<String>,
    counters: Arc<Counters>,
    /// Octets that a full disk takes of each buffer.
    #[cfg(test)]
    room: Option<usize>,
}

impl FileSink {
    /// Opens the file, or creates it.
    pub(super) fn open(
        path: &Path,
        options: &AuditOptions,
        counters: Arc<Counters>,
    ) -> Result<FileSink> {
        let failed = |cause: io::Error| {
            let (shown, remedy) = (path.display(), shortage_remedy(&cause));
            let text = format!("Cannot open the file of the audit, {shown}: {cause}{remedy}");
            Error::new(Status::File, SOURCE, text)
        };
        let file = open(path, options.file_mode).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let is_regular = about.is_file();
        // A process that was killed while it wrote leaves a part of a line.
        let is_torn = is_regular && ends_within_a_line(path).map_err(failed)?;
        let (buffer, line) = room_for_lines(options)?;
        Ok(FileSink {
            path: path.to_owned(),
            file,
            size: about.len(),
            next_at: options.file_bytes_max,
            bytes_max: options.file_bytes_max,
            files_max: options.files_max,
            mode: options.file_mode,
            is_regular,
            is_torn,
            buffer,
            lines: Vec::new(),
            line,
            lost: 0,
            lost_in_buffer: 0,
            is_failing: false,
            is_stuck: false,
            failure: None,
            counters,
            #[cfg(test)]
            room: None,
        })
    }

    /// Writes a batch.
    pub(super) fn write(&mut self, batch: &Batch) {
        for record in batch.records() {
            self.tell_lost();
            append_record(&mut self.line, &record);
            self.add_line(Line::Record);
        }
        self.lost += batch.lost;
        self.tell_lost();
        self.write_out();
    }

    /// Has what is written reach the disk. The error says that records are missing there: a write
    /// has failed since the last call.
    pub(super) fn sync(&mut self) -> std::result::Result<(), String> {
        self.tell_lost();
        self.write_out();
        if let Err(cause) = self.file.sync_data() {
            // A device without a disk says so each time.
            if self.is_regular {
                self.report(&cause);
            }
        }
        let Some(cause) = self.failure.take() else { return Ok(()) };
        Err(format!(
            "The audit could not write all records to {}: {cause}. Its statistics say how many are \
             lost; make room, or see to the disk",
            self.path.display()
        ))
    }

    /// Adds a line about missing records, if there are some that none tells of.
    fn tell_lost(&mut self) {
        let untold = self.lost - self.lost_in_buffer;
        if untold > 0 {
            append_lost(&mut self.line, clock::since_1970(), untold);
            self.lost_in_buffer += untold;
            self.add_line(Line::Lost(untold));
        }
    }

    /// Adds the line that has been made to the buffer, or to the next file if it has no room in this
    /// one.
    fn add_line(&mut self, line: Line) {
        if self.is_regular && self.is_full() {
            self.write_out();
            // It may be another file by now.
            if !self.is_failing && self.is_full() {
                self.begin_next_file();
            }
        }
        self.buffer.extend_from_slice(self.line.as_bytes());
        self.line.clear();
        self.lines.push((self.buffer.len(), line));
        if self.buffer.len() >= WRITE_BYTES {
            self.write_out();
        }
    }

    /// Whether the present file has no room for the line that has been made.
    fn is_full(&self) -> bool {
        let before = self.size + self.buffer.len() as u64;
        before > 0 && before + self.line.len() as u64 > self.next_at
    }

    /// Writes the buffer. What the system does not take is lost.
    fn write_out(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let followed = self.follow();
        let outcome = followed.and_then(|()| self.mend_line()).and_then(|()| self.write_octets());
        let (written, failure) = match outcome {
            Ok(written) => written,
            Err(cause) => (0, Some(cause)),
        };
        let whole = self.lines.partition_point(|(end, _)| *end <= written);
        let whole_end = whole.checked_sub(1).map_or(0, |last| self.lines[last].0);
        self.size += whole_end as u64;
        add(&self.counters.bytes_written, whole_end as u64);
        self.account(whole);
        if written > whole_end {
            self.cut((written - whole_end) as u64);
        }
        match failure {
            Some(cause) => self.report(&cause),
            None if std::mem::take(&mut self.is_failing) => {
                log_warning!(LOG, "The audit writes {} again", self.path.display());
            }
            None => {}
        }
    }

    /// Removes the last `excess` bytes: half a line would be taken for damage. They are counted from
    /// the file's end, because others may have emptied it meanwhile, and zeros would take the place
    /// of what they have removed.
    fn cut(&mut self, excess: u64) {
        let length = self.file.metadata().map_or(self.size + excess, |about| about.len());
        let rest = length.checked_sub(excess).filter(|_| self.is_regular);
        let is_cut = rest.is_some_and(|rest| self.file.set_len(rest).is_ok());
        (self.size, self.is_torn) = match (rest, is_cut) {
            (Some(rest), true) => (rest, false),
            _ => (length, length > 0),
        };
    }

    /// Goes on with the file that is at the path, as it is: others, `logrotate` for one, may have
    /// renamed, removed or emptied the present one.
    fn follow(&mut self) -> io::Result<()> {
        if !self.is_regular {
            return Ok(());
        }
        let present = self.file.metadata()?;
        let identity = |about: &fs::Metadata| (about.dev(), about.ino());
        let at_path = fs::metadata(&self.path).ok();
        if at_path.is_some_and(|about| identity(&about) == identity(&present)) {
            if present.len() < self.size {
                self.next_at = self.bytes_max;
                self.is_torn &= present.len() > 0;
            }
            self.size = present.len();
            return Ok(());
        }
        let next = open(&self.path, self.mode).and_then(|next| self.go_on_with(next));
        match next {
            // What is written to a removed file is lost with it.
            Err(cause) if present.nlink() == 0 => Err(cause),
            Err(cause) => {
                self.note_stuck(&cause);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Goes on with a file that has been opened at the path.
    fn go_on_with(&mut self, next: File) -> io::Result<()> {
        let about = next.metadata()?;
        let is_torn = about.is_file() && ends_within_a_line(&self.path)?;
        self.file = next;
        (self.size, self.next_at) = (about.len(), self.bytes_max);
        (self.is_regular, self.is_torn, self.is_stuck) = (about.is_file(), is_torn, false);
        add(&self.counters.files_rotated, 1);
        Ok(())
    }

    /// Ends a line that was begun and not finished.
    fn mend_line(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.size += 1;
            self.is_torn = false;
        }
        Ok(())
    }

    /// Writes as much of the buffer as the system takes. Returns the number of octets, and why that was
    /// not all.
    fn write_octets(&mut self) -> io::Result<(usize, Option<io::Error>)> {
        let mut written = 0;
        while written < self.buffer.len() {
            match self.write_some(written) {
                Ok(0) => return Ok((written, Some(ErrorKind::WriteZero.into()))),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Ok((written, Some(error))),
            }
        }
        Ok((written, None))
    }

    fn write_some(&mut self, start: usize) -> io::Result<usize> {
        #[cfg(test)]
        if let Some(room) = self.room {
            return match self.buffer.get(start..room) {
                Some(octets @ [_, ..]) => self.file.write(octets),
                _ => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            };
        }
        self.file.write(&self.buffer[start..])
    }

    /// Lets the disk take no more than `room` octets of each buffer.
    #[cfg(test)]
    pub(super) fn fill_disk(&mut self, room: Option<usize>) {
        self.room = room;
    }

    /// Empties the buffer, of which the first `written` lines have been written.
    fn account(&mut self, written: usize) {
        for (index, (_, line)) in self.lines.drain(..).enumerate() {
            match (line, index < written) {
                (Line::Record, true) => add(&self.counters.delivered, 1),
                (Line::Record, false) => {
                    self.lost += 1;
                    add(&self.counters.lost, 1);
                }
                (Line::Lost(count), true) => {
                    self.lost -= count;
                    self.lost_in_buffer -= count;
                }
                (Line::Lost(count), false) => self.lost_in_buffer -= count,
            }
        }
        self.buffer.clear();
    }

    /// A write has failed: says it once, until one succeeds.
    fn report(&mut self, cause: &io::Error) {
        add(&self.counters.write_errors, 1);
        self.failure.get_or_insert_with(|| cause.to_string());
        if !std::mem::replace(&mut self.is_failing, true) {
            log_error!(
                LOG,
                "The audit cannot write {}: {cause}. Records are lost until it can: make room, or \
                 see to the disk",
                self.path.display()
            );
        }
    }

    /// Begins the next file. If that is not possible, goes on with the present one.
    fn begin_next_file(&mut self) {
        let begun = match self.files_max {
            // Emptied in place: the system may refuse another one when this one has gone.
            1 => self.file.set_len(0),
            _ => self.rename_and_open().map(|file| self.file = file),
        };
        match begun {
            Ok(()) => {
                (self.size, self.next_at) = (0, self.bytes_max);
                (self.is_stuck, self.is_torn) = (false, false);
                add(&self.counters.files_rotated, 1);
            }
            Err(cause) => {
                self.next_at = self.size.saturating_add(self.bytes_max);
                self.note_stuck(&cause);
            }
        }
    }

    /// The next file cannot be begun: says it once, until one is.
    fn note_stuck(&mut self, cause: &io::Error) {
        if !std::mem::replace(&mut self.is_stuck, true) {
            log_error!(
                LOG,
                "The audit cannot begin the next file at {} and goes on with the present one: {cause}{}",
                self.path.display(),
                shortage_remedy(cause)
            );
        }
    }

    fn rename_and_open(&self) -> io::Result<File> {
        let renamed = |outcome: io::Result<()>| match outcome {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        // If the last attempt could open none, the present file has its number already; another one
        // would push it out.
        if fs::symlink_metadata(&self.path).is_ok() {
            for number in (1..self.files_max.saturating_sub(1)).rev() {
                renamed(fs::rename(self.numbered(number), self.numbered(number + 1)))?;
            }
            renamed(fs::rename(&self.path, self.numbered(1)))?;
        }
        open(&self.path, self.mode)
    }

    /// The path of an earlier file.
    fn numbered(&self, number: u32) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(format!(".{number}"));
        path.into()
    }
}

/// Empty memory for the lines that are written together, and for one: all that will be needed, so that
/// no record is too large for the memory that there is then.
fn room_for_lines(options: &AuditOptions) -> Result<(Vec<u8>, String)> {
    let of_data = (options.data_bytes_max as usize).saturating_mul(LINE_BYTES_OF_DATA);
    let line_bytes =
        of_data.saturating_add(LINE_BYTES_OF_TEXT * TEXT_BYTES_MAX + LINE_BYTES_AROUND);
    let (mut buffer, mut line) = (Vec::new(), String::new());
    let reserved = buffer.try_reserve_exact(line_bytes.saturating_add(WRITE_BYTES));
    reserved.and_then(|()| line.try_reserve_exact(line_bytes)).map_err(|cause| {
        let text = format!(
            "No memory for the lines of an audit's file, of {line_bytes} bytes: {cause}; lower \
             data_bytes_max"
        );
        Error::new(Status::OutOfResources, SOURCE, text)
    })?;
    Ok((buffer, line))
}

/// Opens a file to append to it, or creates it.
fn open(path: &Path, mode: u32) -> io::Result<File> {
    // Opening a pipe waits for a reader, and writing to one without a reader ends a program that does
    // not ignore SIGPIPE.
    if fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo()) {
        let text = "it is a pipe, which cannot be one; write to a file";
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(mode);
    make_descriptor(|| options.open(path))
}

/// Whether the last line of a file has no end.
fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let mut file = make_descriptor(|| File::open(path))?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
