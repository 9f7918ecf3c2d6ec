//! One contiguous piece of memory of a frame.

use std::ops::Range;
use std::sync::Arc;

use super::pool::Store;
use crate::error::{Error, Result, Status};

/// One contiguous piece of a frame's memory.
///
/// It is laid out as `header | payload | free | tail`: the header and tail reservations are room
/// for lower layers to put their bytes around the payload without moving it.
pub struct Buffer {
    memory: Vec<u8>,
    /// Bytes reserved at the start: where the payload begins.
    header: usize,
    /// Bytes reserved at the end.
    tail: usize,
    /// Where the payload ends, from the start of the memory; never before `header`.
    end: usize,
    /// Where the memory goes back to; `None` for memory from elsewhere.
    store: Option<Arc<Store>>,
}

impl Buffer {
    /// A buffer over `memory`, which belongs to `store`; no payload, no reservations.
    pub(super) fn pooled(memory: Vec<u8>, store: Arc<Store>) -> Buffer {
        Buffer { memory, header: 0, tail: 0, end: 0, store: Some(store) }
    }

    /// Takes the buffer out of the store that it belongs to, if it does to one, with its size and
    /// room in bytes. The store then no longer counts it, and gets nothing back.
    pub(super) fn leave_store(&mut self) -> Option<(Arc<Store>, usize, usize)> {
        let store = self.store.take()?;
        Some((store, self.memory.len(), self.memory.capacity()))
    }

    /// Makes a buffer of `size` zeros that belongs to `store` out of one that belongs to none; no
    /// payload, no reservations. It stays as it is where there is no memory.
    pub(super) fn renew(&mut self, size: usize, store: &Arc<Store>) -> Result<()> {
        super::pool::zero(&mut self.memory, size)?;
        (self.header, self.tail, self.end) = (0, 0, 0);
        self.store = Some(store.clone());
        Ok(())
    }

    /// Bytes of memory, reservations included.
    pub fn raw_size(&self) -> usize {
        self.memory.len()
    }

    /// Bytes the payload can have: the memory without the reservations.
    pub fn size(&self) -> usize {
        self.memory.len() - self.header - self.tail
    }

    /// Bytes of payload.
    pub fn payload(&self) -> usize {
        self.end - self.header
    }

    /// Bytes by which the payload can grow.
    pub fn available(&self) -> usize {
        self.size() - self.payload()
    }

    /// Makes the payload `count` bytes long. Bytes gained are those that lie in memory: zero in a
    /// fresh buffer, old ones in a recycled one.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where that is more than [`size`](Self::size).
    pub fn set_payload(&mut self, count: usize) -> Result<()> {
        self.check("payload", count, self.size())?;
        self.end = self.header + count;
        Ok(())
    }

    /// Reserves `count` more bytes at the start. The payload that lies there, such as a header
    /// just parsed, leaves the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where that is more than [`size`](Self::size).
    pub fn reserve_header(&mut self, count: usize) -> Result<()> {
        self.check("header reservation", count, self.size())?;
        self.header += count;
        self.end = self.end.max(self.header);
        Ok(())
    }

    /// Gives back `count` bytes reserved at the start; they become the start of the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where fewer are reserved.
    pub fn release_header(&mut self, count: usize) -> Result<()> {
        self.check("header release", count, self.header)?;
        self.header -= count;
        Ok(())
    }

    /// Reserves `count` more bytes at the end. The payload that lies there leaves the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where that is more than [`size`](Self::size).
    pub fn reserve_tail(&mut self, count: usize) -> Result<()> {
        self.check("tail reservation", count, self.size())?;
        self.tail += count;
        self.end = self.end.min(self.memory.len() - self.tail);
        Ok(())
    }

    /// Gives back `count` bytes reserved at the end; the payload does not change.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where fewer are reserved.
    pub fn release_tail(&mut self, count: usize) -> Result<()> {
        self.check("tail release", count, self.tail)?;
        self.tail -= count;
        Ok(())
    }

    /// The payload.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.header..self.end]
    }

    /// The payload, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.header..self.end]
    }

    /// All bytes the payload can have, beyond its present end too.
    pub fn space_mut(&mut self) -> &mut [u8] {
        let range = self.space();
        &mut self.memory[range]
    }

    fn space(&self) -> Range<usize> {
        self.header..self.memory.len() - self.tail
    }

    fn check(&self, what: &str, count: usize, limit: usize) -> Result<()> {
        if count > limit {
            let text = format!(
                "A {what} of {count} bytes was asked of a buffer of {} bytes, where at most \
                 {limit} are possible",
                self.memory.len()
            );
            return Err(Error::new(Status::Frame, "stream::Buffer", text));
        }
        Ok(())
    }
}

impl From<Vec<u8>> for Buffer {
    /// A buffer whose payload is all of `memory`.
    fn from(memory: Vec<u8>) -> Buffer {
        let end = memory.len();
        Buffer { memory, header: 0, tail: 0, end, store: None }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(store) = &self.store {
            store.take_back(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_move_the_payload_without_moving_its_bytes() {
        let mut buffer = Buffer::from((0..10).collect::<Vec<u8>>());
        buffer.reserve_header(3).unwrap();
        assert_eq!(buffer.bytes(), [3, 4, 5, 6, 7, 8, 9], "a parsed header leaves the payload");
        buffer.reserve_tail(2).unwrap();
        assert_eq!(buffer.bytes(), [3, 4, 5, 6, 7]);
        assert_eq!((buffer.raw_size(), buffer.size(), buffer.available()), (10, 5, 0));
        buffer.release_header(1).unwrap();
        assert_eq!(buffer.bytes(), [2, 3, 4, 5, 6, 7], "a header is put before the payload");
        buffer.release_tail(2).unwrap();
        assert_eq!((buffer.payload(), buffer.available()), (6, 2));
        buffer.set_payload(8).unwrap();
        assert_eq!(buffer.bytes(), [2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn more_than_there_is_is_refused_and_changes_nothing() {
        let mut buffer = Buffer::from(vec![1; 8]);
        buffer.reserve_header(2).unwrap();
        buffer.reserve_tail(2).unwrap();
        assert!(buffer.set_payload(5).is_err());
        assert!(buffer.reserve_header(5).is_err());
        assert!(buffer.release_header(3).is_err());
        assert!(buffer.reserve_tail(5).is_err());
        assert!(buffer.release_tail(3).is_err());
        assert!(buffer.set_payload(usize::MAX).is_err());
        assert_eq!((buffer.size(), buffer.payload()), (4, 4));
        let error = buffer.set_payload(9).unwrap_err();
        assert_eq!(error.status(), Status::Frame);
        assert!(error.text().contains("9 bytes") && error.text().contains("at most 4"));
    }

    #[test]
    fn a_header_reserved_beyond_the_payload_leaves_it_empty() {
        let mut buffer = Buffer::from(vec![1; 8]);
        buffer.set_payload(2).unwrap();
        buffer.reserve_header(5).unwrap();
        assert_eq!((buffer.payload(), buffer.available()), (0, 3));
        buffer.set_payload(3).unwrap();
        assert_eq!(buffer.bytes().len(), 3);
    }
}
