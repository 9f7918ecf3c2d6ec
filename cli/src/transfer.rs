//! Long ranges, by several accesses at once.

use std::collections::VecDeque;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use rogue_mem::memory::{Master, TransactionType};

use crate::arguments::Pieces;
use crate::failure::{Failure, Kind, Outcome};
use crate::interrupt::Interrupt;

/// A range of memory, read or written in pieces. The outcomes are taken in the order of the
/// addresses, so that all before the first failure is known to be done.
pub struct Transfer<'a> {
    /// Creates the accesses.
    pub master: &'a Master,
    /// The size of the pieces, and how many are under way.
    pub pieces: &'a Pieces,
    /// Ends the transfer: it cancels the accesses.
    pub interrupt: &'a Interrupt,
    /// The progress of all transfers of the command.
    pub bar: &'a ProgressBar,
}

/// Why a transfer has ended early.
pub struct Stop {
    /// Bytes from the start that are done.
    pub done: u64,
    /// The reason.
    pub failure: Failure,
}

/// A progress bar on standard error, if that is a terminal.
pub fn progress_bar(bytes: u64, verb: &'static str) -> ProgressBar {
    let style = "{msg} {bar:32} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("a template of this program");
    ProgressBar::new(bytes).with_style(style).with_message(verb)
}

/// The rate of a transfer, for people.
pub fn rate(bytes: u64, since: Instant) -> String {
    let seconds = since.elapsed().as_secs_f64();
    let text = indicatif::BinaryBytes((bytes as f64 / seconds.max(1e-9)) as u64);
    format!("{bytes} bytes in {seconds:.2} s, {text}/s")
}

impl Transfer<'_> {
    /// Reads `length` bytes, and hands them to `take` in order.
    pub fn read(
        &self,
        address: u64,
        length: u64,
        mut take: impl FnMut(u64, &[u8]) -> Outcome,
    ) -> Result<(), Stop> {
        self.run(
            length,
            TransactionType::Read,
            |offset, size| self.start(TransactionType::Read, address, offset, vec![0; size]),
            |offset, bytes: &[u8]| take(offset, bytes),
        )
    }

    /// Writes `data`.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), Stop> {
        let start = |offset: u64, size: usize| {
            let bytes = data[offset as usize..][..size].to_vec();
            self.start(TransactionType::Write, address, offset, bytes)
        };
        self.run(data.len() as u64, TransactionType::Write, start, |_, _| Ok(()))
    }

    /// Reads back what `data` was written as, and compares.
    pub fn verify(&self, address: u64, data: &[u8]) -> Result<(), Stop> {
        let start = |offset: u64, size: usize| {
            self.start(TransactionType::Verify, address, offset, vec![0; size])
        };
        self.run(data.len() as u64, TransactionType::Verify, start, |offset, found| {
            let written = &data[offset as usize..][..found.len()];
            match written.iter().zip(found).position(|(one, other)| one != other) {
                None => Ok(()),
                Some(at) => Err(Failure::new(
                    Kind::Differs,
                    format!(
                        "0x{:x}: 0x{:02x} was written, and 0x{:02x} read back",
                        address + offset + at as u64,
                        written[at],
                        found[at]
                    ),
                )),
            }
        })
    }

    fn start(
        &self,
        ty: TransactionType,
        address: u64,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Outcome<u32> {
        Ok(self.master.request(address + offset, bytes.into(), ty)?)
    }

    fn run(
        &self,
        length: u64,
        ty: TransactionType,
        mut start: impl FnMut(u64, usize) -> Outcome<u32>,
        mut take: impl FnMut(u64, &[u8]) -> Outcome,
    ) -> Result<(), Stop> {
        let (mut started, mut done) = (0, 0);
        let mut under_way = VecDeque::new();
        while done < length {
            let stop = |failure| Stop { done, failure };
            self.interrupt.check().map_err(stop)?;
            while started < length && under_way.len() < self.pieces.window as usize {
                let size = (length - started).min(self.pieces.bytes.into());
                under_way.push_back(start(started, size as usize).map_err(stop)?);
                started += size;
            }
            let id = under_way.pop_front().expect("more was started than is done");
            let size = (length - done).min(self.pieces.bytes.into());
            if ty == TransactionType::Write {
                self.master.wait(id).map_err(|error| stop(self.interrupt.or(error)))?;
            } else {
                let bytes = self.master.wait_buffer(id);
                let bytes = bytes.map_err(|error| stop(self.interrupt.or(error)))?;
                take(done, &bytes).map_err(stop)?;
            }
            done += size;
            self.bar.inc(size);
        }
        Ok(())
    }
}
