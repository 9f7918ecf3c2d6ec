//! The file that a writer writes, or the series of them.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::part_of;
use crate::error::{Error, Result, Status};
use crate::net::make_descriptor;
use crate::net::socket::shortage_remedy;
use crate::proto::data_file::{whole_records, HEADER_BYTES};
use crate::stream::Buffers;

/// Where `FileWriter` says that it failed, as Rogue does.
const OPEN: &str = "StreamWriter::open";
const CHECK_SIZE: &str = "StreamWriter::checkSize";
const WRITE: &str = "StreamWriter::writeFile";
const SET_BUFFER_SIZE: &str = "StreamWriter::setBufferSize";

/// A record to be written.
pub(super) struct Item<'a> {
    /// What comes before the payload; `None` for the payload alone.
    pub(super) header: Option<[u8; HEADER_BYTES]>,
    pub(super) payload: &'a Buffers,
    /// Bytes in all.
    pub(super) bytes: u64,
}

/// What a record could not be written for.
pub(super) enum Refusal {
    /// This record alone.
    Record(Error),
    /// The file: it takes no others either. With the number of records lost, this one included.
    File(Error, u64),
}

/// An open data file. Its buffer is written by [`flush`](Self::flush) only.
pub(super) struct Output {
    /// The path that was asked for.
    base: String,
    /// The path of the present file.
    path: String,
    /// The number of the present file.
    number: u32,
    /// Whether the present file has its number behind the path.
    is_numbered: bool,
    file: File,
    /// Whole records that are not written yet, all of them with or all without headers.
    buffer: Vec<u8>,
    /// Bytes that the buffer has room for; 0 = every record is written at once.
    buffer_bytes: usize,
    buffer_is_raw: bool,
    /// Number of records in the buffer.
    buffered: u64,
    /// Bytes of the present file, those in the buffer included.
    size: u64,
    /// Bytes given to the system, and how many of them are whole records.
    written: u64,
    whole: u64,
}

fn create(path: &str, source: &'static str, what: &str) -> Result<File> {
    // Opening a pipe waits for a reader, and writing to one that nobody reads any more ends a program
    // that does not ignore SIGPIPE.
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    let created = match is_pipe {
        true => {
            let text = "it is a pipe, which a data file cannot be; write to a file";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
        false => make_descriptor(|| File::create(path)),
    };
    created.map_err(|error| {
        let remedy = shortage_remedy(&error);
        Error::new(Status::File, source, format!("{what} {path}: {error}{remedy}"))
    })
}

impl Output {
    /// Creates a data file, or empties one that exists. With `is_numbered` it is `path` with `.1`.
    pub(super) fn create(path: &str, is_numbered: bool, buffer_bytes: usize) -> Result<Output> {
        let first = if is_numbered { part_of(path, 1) } else { path.to_owned() };
        let mut output = Output {
            file: create(&first, OPEN, "Failed to open data file:")?,
            base: path.to_owned(),
            path: first,
            number: 1,
            is_numbered,
            buffer: Vec::new(),
            buffer_bytes: 0,
            buffer_is_raw: false,
            buffered: 0,
            size: 0,
            written: 0,
            whole: 0,
        };
        output.set_buffer_bytes(buffer_bytes).map(|()| output)
    }

    /// Sets the size of the buffer, which must be empty.
    pub(super) fn set_buffer_bytes(&mut self, bytes: usize) -> Result<()> {
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(bytes).map_err(|error| {
            let text = format!("Failed to allocate buffer with size = {bytes}: {error}");
            Error::new(Status::OutOfResources, SET_BUFFER_SIZE, text)
        })?;
        (self.buffer, self.buffer_bytes) = (buffer, bytes);
        Ok(())
    }

    /// Bytes of the present file, those in the buffer included.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The number of the present file, from 1 on.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Writes a record, or puts it into the buffer. One that would exceed `file_bytes_max` (0 = no
    /// limit) begins the next file.
    pub(super) fn record(
        &mut self,
        item: &Item<'_>,
        file_bytes_max: u64,
    ) -> std::result::Result<(), Refusal> {
        if file_bytes_max > 0 && item.bytes > file_bytes_max {
            let text = format!(
                "Frame size is larger than file size limit: the record has {} bytes, and a file of \
                 {} at most {file_bytes_max}; raise the limit",
                item.bytes, self.base
            );
            return Err(Refusal::Record(Error::new(Status::Frame, CHECK_SIZE, text)));
        }
        let is_full = file_bytes_max > 0 && self.size.saturating_add(item.bytes) > file_bytes_max;
        if is_full {
            self.flush(1)?;
            self.begin_next()?;
        }
        self.put(item)
    }

    fn begin_next(&mut self) -> std::result::Result<(), Refusal> {
        let Some(number) = self.number.checked_add(1) else {
            let text = format!("{} is the last file that a recording can have", self.path);
            return Err(Refusal::File(Error::new(Status::File, CHECK_SIZE, text), 1));
        };
        let path = part_of(&self.base, number);
        let file = create(&path, CHECK_SIZE, "Failed to open file");
        self.file = file.map_err(|error| Refusal::File(error, 1))?;
        (self.number, self.is_numbered, self.path) = (number, true, path);
        (self.size, self.written, self.whole) = (0, 0, 0);
        Ok(())
    }

    fn put(&mut self, item: &Item<'_>) -> std::result::Result<(), Refusal> {
        let (room, is_raw) = (self.buffer_bytes - self.buffer.len(), item.header.is_none());
        let is_other = self.buffered > 0 && self.buffer_is_raw != is_raw;
        if item.bytes > room as u64 || is_other {
            self.flush(1)?;
        }
        let header = item.header.as_ref().map_or(&[][..], |header| &header[..]);
        if item.bytes > self.buffer_bytes as u64 {
            self.write(std::iter::once(header).chain(item.payload.slices()))
                .map_err(|error| self.broken(&error, is_raw, 1))?;
            self.whole = self.written;
        } else {
            self.buffer.extend_from_slice(header);
            item.payload.slices().for_each(|part| self.buffer.extend_from_slice(part));
            (self.buffered, self.buffer_is_raw) = (self.buffered + 1, is_raw);
        }
        self.size += item.bytes;
        Ok(())
    }

    /// Writes what is in the buffer. If that fails, `more` records are lost beside those in it.
    pub(super) fn flush(&mut self, more: u64) -> std::result::Result<(), Refusal> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.write(std::iter::once(&buffer[..]));
        self.buffer = buffer;
        if let Err(error) = written {
            let done = (self.written - self.whole) as usize;
            let (count, bytes) = match self.buffer_is_raw {
                true => (0, done),
                false => whole_records(&self.buffer[..done.min(self.buffer.len())]),
            };
            self.whole += bytes as u64;
            let lost = self.buffered - (count as u64).min(self.buffered) + more;
            return Err(self.broken(&error, self.buffer_is_raw, lost));
        }
        self.buffer.clear();
        (self.buffered, self.whole) = (0, self.written);
        Ok(())
    }

    /// Writes `parts` by as few calls as the system allows, counting what it takes.
    fn write<'p>(&mut self, parts: impl Iterator<Item = &'p [u8]>) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> =
            parts.filter(|part| !part.is_empty()).map(IoSlice::new).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count as u64;
                    IoSlice::advance_slices(&mut rest, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is to be said of a failed write. A part of a record that has been written is cut off, so
    /// that the file ends with a whole one.
    fn broken(&mut self, error: &io::Error, is_raw: bool, lost: u64) -> Refusal {
        let is_cut = is_raw || self.written == self.whole || self.file.set_len(self.whole).is_ok();
        let kept = if is_cut && !is_raw { self.whole } else { self.written };
        let text = format!(
            "Write failed, closing file! {}: {error}; the file keeps {kept} bytes{}, {lost} frames \
             are lost; open another file where there is room",
            self.path,
            if is_cut { "" } else { ", of which the last record is cut" },
        );
        Refusal::File(Error::new(Status::File, WRITE, text), lost)
    }

    /// A warning about a file that a reader of this recording would take for a part of it.
    pub(super) fn stranger(&self) -> Option<String> {
        let next = part_of(&self.base, self.number.checked_add(1)?);
        (self.is_numbered && Path::new(&next).exists()).then(|| {
            format!(
                "{next} is there from an earlier recording, and a reader would go on with it after \
                 {}: remove it",
                self.path
            )
        })
    }

    /// Gives the file up without touching it: it is that of the process that this one was forked
    /// from.
    pub(super) fn forget(self) {
        std::mem::forget(self.file);
    }
}
