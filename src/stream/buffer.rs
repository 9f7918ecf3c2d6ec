//! A buffer: one contiguous piece of memory of a frame.

use std::any::Any;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use super::pool::Store;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};

/// Memory of the program's for a buffer, which gets it back by a drop. Like every drop of a buffer
/// that is the program's code: no lock may be held then.
pub trait ForeignMemory: Send {
    /// All of it.
    fn bytes(&self) -> &[u8];

    /// All of it, mutable.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// The object itself: its maker recognises it.
    fn as_any(&self) -> &dyn Any;
}

/// The memory of a buffer.
enum Memory {
    Own(Vec<u8>),
    Foreign(Box<dyn ForeignMemory>),
}

impl Deref for Memory {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Memory::Own(bytes) => bytes,
            Memory::Foreign(memory) => memory.bytes(),
        }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Memory::Own(bytes) => bytes,
            Memory::Foreign(memory) => memory.bytes_mut(),
        }
    }
}

/// One contiguous piece of a frame's memory.
///
/// Layout: `header | payload | free | tail`. Header and tail reservations let lower layers add
/// their bytes around the payload without moving it.
pub struct Buffer {
    memory: Memory,
    /// Bytes reserved at the start; the payload begins after them.
    header: usize,
    /// Bytes reserved at the end.
    tail: usize,
    /// End of the payload, from the start of the memory; never before `header`.
    end: usize,
    /// The store that recycles the memory, which is then our own; `None` for memory from elsewhere.
    store: Option<Arc<Store>>,
}

impl_debug!(Buffer, buffer => { header: buffer.header, tail: buffer.tail, end: buffer.end });

impl Buffer {
    /// A buffer over `memory`, which belongs to `store`; no payload, no reservations.
    pub(super) fn pooled(memory: Vec<u8>, store: Arc<Store>) -> Buffer {
        Buffer { memory: Memory::Own(memory), header: 0, tail: 0, end: 0, store: Some(store) }
    }

    /// A buffer over memory of the program's; no payload, no reservations.
    pub fn foreign(memory: Box<dyn ForeignMemory>) -> Buffer {
        Buffer { memory: Memory::Foreign(memory), header: 0, tail: 0, end: 0, store: None }
    }

    /// Removes the buffer from its store, if it has one that keeps frames, and returns the store with
    /// the buffer's size and capacity in bytes. The store no longer counts it and gets nothing back.
    #[inline]
    pub(super) fn leave_store(&mut self) -> Option<(Arc<Store>, usize, usize)> {
        let Memory::Own(memory) = &self.memory else { return None };
        let store = self.store.take()?;
        Some((store, memory.len(), memory.capacity()))
    }

    /// Turns a buffer of our own memory that has left its store into one of `size` zeros that
    /// belongs to `store`; no payload, no reservations. If there is no memory it stays as it is.
    pub(super) fn renew(&mut self, size: usize, store: &Arc<Store>) -> Result<()> {
        if let Memory::Own(memory) = &mut self.memory {
            super::pool::zero(memory, size)?;
            self.rejoin(store);
        }
        Ok(())
    }

    /// Turns a buffer of our own memory that has left its store into one of `store` again, with the
    /// bytes that it has; no payload, no reservations.
    pub(super) fn rejoin(&mut self, store: &Arc<Store>) {
        (self.header, self.tail, self.end) = (0, 0, 0);
        self.store = Some(store.clone());
    }

    /// Bytes of memory, including reservations.
    pub fn raw_size(&self) -> usize {
        self.memory.len()
    }

    /// Maximum bytes of payload: the memory without the reservations.
    #[inline]
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

    /// Sets the payload to `count` bytes. Gained bytes keep what is in memory: zeros in a fresh
    /// buffer, old bytes in a recycled one.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if that is more than [`size`](Self::size).
    pub fn set_payload(&mut self, count: usize) -> Result<()> {
        self.check("payload", count, self.size())?;
        self.end = self.header + count;
        Ok(())
    }

    /// Reserves `count` more bytes at the start. Bytes there, such as a header just parsed, leave
    /// the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if that is more than [`size`](Self::size).
    pub fn reserve_header(&mut self, count: usize) -> Result<()> {
        self.check("header reservation", count, self.size())?;
        self.header += count;
        self.end = self.end.max(self.header);
        Ok(())
    }

    /// Releases `count` bytes reserved at the start; they become the start of the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if fewer are reserved.
    pub fn release_header(&mut self, count: usize) -> Result<()> {
        self.check("header release", count, self.header)?;
        self.header -= count;
        Ok(())
    }

    /// Reserves `count` more bytes at the end. Bytes there leave the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if that is more than [`size`](Self::size).
    pub fn reserve_tail(&mut self, count: usize) -> Result<()> {
        self.check("tail reservation", count, self.size())?;
        self.tail += count;
        self.end = self.end.min(self.memory.len() - self.tail);
        Ok(())
    }

    /// Releases `count` bytes reserved at the end; the payload does not change.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if fewer are reserved.
    pub fn release_tail(&mut self, count: usize) -> Result<()> {
        self.check("tail release", count, self.tail)?;
        self.tail -= count;
        Ok(())
    }

    /// Bytes reserved at the start.
    pub fn header(&self) -> usize {
        self.header
    }

    /// Bytes reserved at the end.
    pub fn tail(&self) -> usize {
        self.tail
    }

    /// Sets both reservations and the payload, which lies between them. The bytes stay where they
    /// are: those at the start that are no longer reserved become the start of the payload.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if that is more than [`raw_size`](Self::raw_size) together; nothing is
    /// changed then.
    pub fn lay_out(&mut self, header: usize, tail: usize, payload: usize) -> Result<()> {
        let all = header.saturating_add(tail).saturating_add(payload);
        self.check("header, tail and payload", all, self.memory.len())?;
        (self.header, self.tail, self.end) = (header, tail, header + payload);
        Ok(())
    }

    /// The memory, if it is the program's.
    pub fn foreign_memory(&self) -> Option<&dyn ForeignMemory> {
        match &self.memory {
            Memory::Own(_) => None,
            Memory::Foreign(memory) => Some(&**memory),
        }
    }

    /// All of the memory, including reservations.
    pub fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// The payload.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.header..self.end]
    }

    /// The payload, mutable.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.header..self.end]
    }

    /// The maximum payload: the bytes after its present end too.
    pub fn space_mut(&mut self) -> &mut [u8] {
        let range = self.space();
        &mut self.memory[range]
    }

    fn space(&self) -> Range<usize> {
        self.header..self.memory.len() - self.tail
    }

    #[inline]
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

impl AsRef<[u8]> for Buffer {
    /// The payload.
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl From<Vec<u8>> for Buffer {
    /// A buffer whose payload is the whole of `memory`.
    fn from(memory: Vec<u8>) -> Buffer {
        let end = memory.len();
        Buffer { memory: Memory::Own(memory), header: 0, tail: 0, end, store: None }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let (Some(store), Memory::Own(memory)) = (&self.store, &mut self.memory) {
            store.recycle(std::mem::take(memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Buffers, Frame};
    use super::*;
    use crate::sync::Mutex;

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
    fn a_layout_is_set_as_a_whole_or_not_at_all() {
        let mut buffer = Buffer::from((0..10).collect::<Vec<u8>>());
        buffer.lay_out(3, 2, 4).unwrap();
        assert_eq!(buffer.bytes(), [3, 4, 5, 6]);
        assert_eq!((buffer.header(), buffer.tail(), buffer.available()), (3, 2, 1));
        for (header, tail, payload) in [(11, 0, 0), (3, 2, 6), (usize::MAX, 2, 4), (0, 10, 1)] {
            assert!(buffer.lay_out(header, tail, payload).is_err());
            assert_eq!((buffer.header(), buffer.tail(), buffer.payload()), (3, 2, 4));
        }
        buffer.lay_out(0, 0, 10).unwrap();
        assert_eq!(buffer.memory_mut().to_vec(), buffer.bytes());
    }

    #[test]
    fn memory_of_the_program_is_used_in_place_and_given_back_once() {
        struct Lent(Vec<u8>, Arc<Mutex<Vec<Vec<u8>>>>);
        impl ForeignMemory for Lent {
            fn bytes(&self) -> &[u8] {
                &self.0
            }
            fn bytes_mut(&mut self) -> &mut [u8] {
                &mut self.0
            }
            fn as_any(&self) -> &dyn Any {
                self
            }
        }
        impl Drop for Lent {
            fn drop(&mut self) {
                self.1.lock().push(std::mem::take(&mut self.0));
            }
        }
        let returned = Arc::default();
        let memory = vec![7; 8];
        let place = memory.as_ptr();
        let mut buffer = Buffer::foreign(Box::new(Lent(memory, Arc::clone(&returned))));
        assert_eq!((buffer.raw_size(), buffer.payload()), (8, 0));
        buffer.set_payload(3).unwrap();
        buffer.bytes_mut().copy_from_slice(&[1, 2, 3]);
        assert_eq!(buffer.bytes().as_ptr(), place);
        assert!(buffer.leave_store().is_none());
        assert!(buffer.foreign_memory().unwrap().as_any().is::<Lent>());
        let mut buffers = Buffers::default();
        buffers.push(buffer);
        Frame::release(Frame::with_buffers(buffers));
        assert_eq!(*returned.lock(), [[1, 2, 3, 7, 7, 7, 7, 7]]);
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
