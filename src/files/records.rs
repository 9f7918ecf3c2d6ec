//! The records of a data file, or of a series of them, as frames.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use super::part_of;
use crate::error::{Error, Result, Status};
use crate::net::make_descriptor;
use crate::net::socket::shortage_remedy;
use crate::proto::data_file::{payload_bytes, Metadata, METADATA_BYTES, SIZE_BYTES};
use crate::stream::{Buffers, Frame, Master};

const OPEN: &str = "StreamReader::open";

/// Bytes that are read ahead.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// What comes next.
pub(super) enum Step {
    /// A frame to be sent.
    Frame(Arc<Frame>),
    /// A record without a payload, which is no frame.
    Empty,
    /// A record that is left out, and the reason.
    LeftOut(String),
    /// The end of the last file.
    End,
    /// The end of what can be read, the reason, and a frame with what was read of a record.
    Fault(String, Option<Arc<Frame>>),
}

/// Reads records in sequence. Holds one at a time, and never asks for more memory than the file has
/// bytes left, whatever a record claims.
pub(super) struct Records {
    path: String,
    /// What the parts of a series are called, and the number of the present one.
    series: Option<(String, u32)>,
    file: BufReader<File>,
    /// Bytes of the file before the next one to be read, and in all.
    position: u64,
    length: u64,
    /// Upper bound on the payload of a record.
    record_bytes_max: u32,
    /// Number of files.
    pub(super) files: u64,
}

fn open(path: &str) -> io::Result<(BufReader<File>, u64)> {
    // Without O_NONBLOCK a pipe would block here, for as long as nothing writes to it.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = make_descriptor(|| options.open(path))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let text = "it is not a regular file, which a data file has to be";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok((BufReader::with_capacity(READ_AHEAD_BYTES, file), metadata.len()))
}

impl Records {
    /// Opens `path`; if that ends in `.1`, it is the first one of a series.
    pub(super) fn open(path: &str, record_bytes_max: u32) -> Result<Records> {
        let (file, length) = open(path).map_err(|error| {
            let remedy = shortage_remedy(&error);
            let text = format!("Failed to open data file: {path}: {error}{remedy}");
            Error::new(Status::File, OPEN, text)
        })?;
        let series = path.strip_suffix(".1").map(|base| (base.to_owned(), 1));
        let path = path.to_owned();
        Ok(Records { path, series, file, position: 0, length, record_bytes_max, files: 1 })
    }

    /// Goes on with the next file of the series; false if there is none.
    fn next_file(&mut self) -> std::result::Result<bool, String> {
        let Some((base, number)) = &mut self.series else { return Ok(false) };
        let Some(next) = number.checked_add(1) else { return Ok(false) };
        let path = part_of(base, next);
        match open(&path) {
            Ok((file, length)) => {
                *number = next;
                (self.path, self.file, self.position, self.length) = (path, file, 0, length);
                self.files += 1;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                let remedy = shortage_remedy(&error);
                Err(format!("Failed to open file {path}: {error}{remedy}"))
            }
        }
    }

    /// Reads the next record into a frame that is requested from the first slave of `master`.
    pub(super) fn next(&mut self, master: &Master) -> Step {
        self.read_next(master).unwrap_or_else(|text| Step::Fault(text, None))
    }

    fn read_next(&mut self, master: &Master) -> std::result::Result<Step, String> {
        let mut word = [0; SIZE_BYTES];
        loop {
            match self.read_some(&mut word)? {
                SIZE_BYTES => break,
                0 if self.next_file()? => continue,
                0 => return Ok(Step::End),
                count => {
                    let start = self.position - count as u64;
                    return Err(self.at(start, "The file ends within the size of this record"));
                }
            }
        }
        let start = self.position - SIZE_BYTES as u64;
        let Some(payload) = payload_bytes(word) else {
            let text = "Bad size read 0: no record has it; is it a data file, and undamaged?";
            return Err(self.at(start, text));
        };
        let mut word = [0; METADATA_BYTES];
        if self.read_some(&mut word)? < METADATA_BYTES {
            return Err(self.at(start, "Failed to read flags: the file ends within this record"));
        }
        if payload == 0 {
            return Ok(Step::Empty);
        }
        let metadata = Metadata::decode(word);
        if self.left(payload)? < u64::from(payload) {
            return self.short(start, payload, metadata, master);
        }
        if payload > self.record_bytes_max {
            self.skip(payload)?;
            let text = format!(
                "A record of {payload} bytes is left out, because the limit is {} bytes; raise it \
                 to read such records",
                self.record_bytes_max
            );
            return Ok(Step::LeftOut(self.at(start, &text)));
        }
        self.whole(start, payload, metadata, master)
    }

    /// Bytes of the file that are not read yet; asks anew if a record claims more than were known.
    fn left(&mut self, wanted: u32) -> std::result::Result<u64, String> {
        if self.length.saturating_sub(self.position) < u64::from(wanted) {
            let metadata = self.file.get_ref().metadata();
            self.length = metadata.map_err(|error| self.unreadable(&error))?.len();
        }
        Ok(self.length.saturating_sub(self.position))
    }

    fn whole(
        &mut self,
        start: u64,
        payload: u32,
        metadata: Metadata,
        master: &Master,
    ) -> std::result::Result<Step, String> {
        let mut frame = match frame_of(payload, payload as usize, metadata, master) {
            Ok(frame) => frame,
            Err(error) => {
                self.skip(payload)?;
                let text = format!("A record of {payload} bytes is left out: {}", error.text());
                return Ok(Step::LeftOut(self.at(start, &text)));
            }
        };
        match Frame::fill(&mut frame, |buffers| self.fill(buffers))? {
            true => Ok(Step::Frame(frame)),
            // It has been cut since its length was asked for.
            false => Err(self.at(start, "Short read: the file has been cut meanwhile")),
        }
    }

    /// A record that ends after its file: the frame gets the buffers that can be filled.
    fn short(
        &mut self,
        start: u64,
        payload: u32,
        metadata: Metadata,
        master: &Master,
    ) -> std::result::Result<Step, String> {
        let left = self.length.saturating_sub(self.position);
        let size = left.min(self.record_bytes_max.into()) as u32;
        let metadata = Metadata { error: 1, ..metadata };
        let text = format!(
            "Short read: the file ends after {left} of the {payload} bytes of payload that this \
             record claims"
        );
        let text = self.at(start, &text);
        let Ok(mut frame) = frame_of(size, 0, metadata, master) else {
            return Ok(Step::Fault(text, None));
        };
        let filled = Frame::fill(&mut frame, |buffers| {
            let mut whole = 0;
            if buffers.count() > 1 {
                let sizes = buffers.iter().map(|buffer| buffer.size());
                let fitting = |sum: &mut usize, size| {
                    *sum += size;
                    (*sum <= size_of_left(left)).then_some(*sum)
                };
                whole = sizes.scan(0, fitting).last().unwrap_or(0);
            }
            let fits = buffers.set_payload(whole).is_ok();
            Ok::<_, String>(fits && self.fill(buffers)?)
        })?;
        Ok(Step::Fault(text, filled.then_some(frame)))
    }

    /// Fills the payload; false if the file has ended before.
    fn fill(&mut self, buffers: &mut Buffers) -> std::result::Result<bool, String> {
        for part in buffers.slices_mut() {
            let wanted = part.len();
            if self.read_some(part)? < wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads as much of `into` as the file has; the number of bytes.
    fn read_some(&mut self, into: &mut [u8]) -> std::result::Result<usize, String> {
        let mut count = 0;
        while count < into.len() {
            match self.file.read(&mut into[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        self.position += count as u64;
        Ok(count)
    }

    fn skip(&mut self, payload: u32) -> std::result::Result<(), String> {
        let moved = self.file.seek_relative(payload.into());
        moved.map_err(|error| self.unreadable(&error))?;
        self.position += u64::from(payload);
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> String {
        format!("{} cannot be read at byte {}: {error}", self.path, self.position)
    }

    fn at(&self, start: u64, text: &str) -> String {
        format!("{}, record at byte {start}: {text}", self.path)
    }
}

fn size_of_left(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// A frame with room for `size` bytes, `payload` of them in use.
fn frame_of(size: u32, payload: usize, data: Metadata, master: &Master) -> Result<Arc<Frame>> {
    let mut frame = master.req_frame(size, true)?;
    Frame::fill(&mut frame, |buffers| buffers.set_payload(payload))?;
    frame.set_flags(data.flags);
    frame.set_error(data.error);
    frame.set_channel(data.channel);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f57_the_file_with_the_last_number_is_the_last_one() {
        let folder = std::env::temp_dir();
        let base = folder.join(format!("rogue-mem-last-{}", std::process::id()));
        let base = base.to_str().unwrap().to_owned();
        let path = part_of(&base, u32::MAX);
        std::fs::write(&path, []).unwrap();
        let mut records = Records::open(&path, u32::MAX).unwrap();
        records.series = Some((base, u32::MAX));
        assert_eq!(records.next_file(), Ok(false));
        std::fs::remove_file(path).unwrap();
    }
}
