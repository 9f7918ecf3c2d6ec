//! `Batch`: where the records of a super-frame lie.

use std::sync::Arc;

use crate::error::{Error, Result, Status};
use crate::headroom;
use crate::proto::batcher::{parse, RecordInfo, Version};
use crate::stream::Buffers;

/// A record of a [`Batch`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchRecord {
    /// Offset of its data in the super-frame.
    pub start: u32,
    /// Bytes of data, without padding.
    pub bytes: u32,
    /// Offset of its tail in the super-frame.
    pub tail: u32,
    /// What the tail says.
    pub info: RecordInfo,
}

/// Where the records of a super-frame lie, for code that reads them in place. Keeps nothing of the
/// super-frame.
#[derive(Debug)]
pub struct Batch {
    header_bytes: u32,
    tail_bytes: u32,
    sequence: u8,
    records: Vec<BatchRecord>,
}

impl Batch {
    /// Reads the payload of a super-frame of `version`.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] with the reason if it is none, or not whole.
    pub fn new(version: Version, buffers: &Buffers) -> Result<Arc<Batch>> {
        match buffers.contiguous() {
            Some(bytes) => Batch::of(version, bytes),
            None => Batch::of(version, &buffers.try_to_vec()?),
        }
    }

    fn of(version: Version, bytes: &[u8]) -> Result<Arc<Batch>> {
        let source = match version {
            Version::V1 => "batcher::CoreV1::processFrame",
            Version::V2 => "batcher::CoreV2::processFrame",
        };
        let found = parse(version, bytes)
            .map_err(|fault| Error::new(Status::Frame, source, fault.to_string()))?;
        let mut records = Vec::new();
        headroom::reserve_exact(&mut records, found.count()).map_err(|cause| {
            let text = format!("No memory for the records of a super-frame: {cause}");
            Error::new(Status::OutOfResources, source, text)
        })?;
        // No super-frame has more than 2^32 - 1 bytes.
        records.extend(found.records().map(|record| BatchRecord {
            start: record.start as u32,
            bytes: record.data.len() as u32,
            tail: record.tail as u32,
            info: record.info,
        }));
        Ok(Arc::new(Batch {
            header_bytes: found.layout().header_bytes() as u32,
            tail_bytes: found.layout().tail_bytes() as u32,
            sequence: found.sequence(),
            records,
        }))
    }

    /// Bytes of the header.
    pub fn header_bytes(&self) -> u32 {
        self.header_bytes
    }

    /// Bytes of each tail.
    pub fn tail_bytes(&self) -> u32 {
        self.tail_bytes
    }

    /// The number of the super-frame.
    pub fn sequence(&self) -> u8 {
        self.sequence
    }

    /// The records, in the order in which they were packed.
    pub fn records(&self) -> &[BatchRecord] {
        &self.records
    }
}
