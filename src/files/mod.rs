//! Data files: [`FileWriter`] records frames, [`FileReader`] sends them again. The format is
//! [`proto::data_file`](crate::proto::data_file)'s.
//!
//! A frame is written in the thread that sends it, before the send returns: the disk holds up the
//! sender, and no frame waits in memory beyond the writer's own buffer. A thread that others depend
//! on, such as an event loop, must not wait for a disk: put a [`Fifo`](crate::stream::Fifo) between.
//! A reader has one thread.
//!
//! # Locks
//!
//! A writer locks its output for each record, below the lock of the frame, and makes nothing but
//! system calls under it. Counters have locks of their own, so that asking for one never waits for a
//! disk.

mod bandwidth;
mod count;
mod output;
mod reader;
mod records;
mod writer;

pub use reader::{FileReader, FileReaderOptions, FileReaderStats, RECORD_BYTES_MAX};
pub use writer::{FileChannel, FileWriter, FileWriterStats};

/// The name of part `number` of a recording in several files.
fn part_of(path: &str, number: u32) -> String {
    format!("{path}.{number}")
}
