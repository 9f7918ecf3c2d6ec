//! Data files: every recorded one, written and read; files that are cut, damaged or lie; disks that
//! are full; and threads that wait.

mod reader;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use rogue_mem::files::{FileReader, FileReaderOptions, FileWriter};
use rogue_mem::stream::{Buffer, Buffers, Frame, Node as _, Slave as _};
use serde_json::Value;

use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};
use testkit::wait::LONG;

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rogue-mem-files-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A file with these bytes.
    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bytes_of(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn rows(kind: &str) -> Vec<Value> {
    let rows = lines("fileio").into_iter().map(|line| serde_json::from_str(&line).unwrap());
    rows.filter(|row: &Value| row["kind"] == kind).collect()
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap())
}

/// A record as it stands in a file.
fn record(payload: &[u8], channel: u8) -> Vec<u8> {
    let size = payload.len() as u32 + 4;
    [&size.to_le_bytes()[..], &[0, 0, 0, channel], payload].concat()
}

/// Sends a frame to a channel of a writer.
fn write(writer: &FileWriter, channel: u8, payload: &[u8]) {
    writer.channel(channel).accept_frame(Arc::new(Frame::from(payload.to_vec())));
}

/// A frame in buffers of `size` bytes.
fn frame_in_pieces(bytes: &[u8], size: usize) -> Arc<Frame> {
    let mut buffers = Buffers::default();
    bytes.chunks(size).for_each(|part| buffers.push(Buffer::from(part.to_vec())));
    Frame::with_buffers(buffers)
}

/// A reader with its receiver.
struct Reading {
    reader: Arc<FileReader>,
    peer: Arc<Peer>,
}

impl Reading {
    fn new(options: FileReaderOptions) -> Reading {
        let reading = Reading { reader: FileReader::new(options), peer: Peer::silent() };
        reading.reader.stream_master().add_slave(reading.peer.stream_slave()).unwrap();
        reading
    }

    /// Everything in `path`.
    fn all(path: &str) -> (Reading, Vec<Seen>) {
        let reading = Reading::new(FileReaderOptions::default());
        reading.reader.open(path).unwrap();
        let seen = reading.rest();
        (reading, seen)
    }

    fn rest(&self) -> Vec<Seen> {
        assert!(self.reader.wait(Some(LONG)), "the reader does not end");
        assert!(!self.reader.is_open());
        self.peer.seen()
    }
}

fn payloads(seen: &[Seen]) -> Vec<&[u8]> {
    seen.iter().map(|seen| seen.bytes.as_slice()).collect()
}
