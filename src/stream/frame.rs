//! The frame: bytes on their way, with what is said about them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use super::buffer::Buffer;
use super::pool::Store;
use crate::error::{Error, Result, Status};
use crate::sync::{Mutex, MutexGuard};

/// Where the bytes of [`Frame::flags`], the channel and the error lie in one word, so that they
/// can be read and replaced without the lock.
const LAST_USER_SHIFT: u32 = 8;
const CHANNEL_SHIFT: u32 = 16;
const ERROR_SHIFT: u32 = 24;

/// A frame: a payload in one or more buffers, and its metadata.
///
/// Frames are shared: every slave of a master receives the same one. The payload is behind the
/// frame's lock; the metadata can be read and set without it, from any thread.
pub struct Frame {
    /// flags (7:0 first user, 15:8 last user), channel (23:16), error (31:24)
    metadata: AtomicU32,
    buffers: Mutex<Buffers>,
}

/// A frame, locked. Not recursive; must be let go before the frame is sent on.
pub type FrameGuard<'a> = MutexGuard<'a, Buffers>;

impl Frame {
    /// A frame of one buffer with room for `capacity` bytes, without payload; 0 gives a frame
    /// without a buffer.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where there is no memory.
    pub fn new(capacity: u32) -> Result<Arc<Frame>> {
        super::Pool::new().request(capacity)
    }

    /// A frame made of `buffers`.
    pub fn with_buffers(buffers: Buffers) -> Arc<Frame> {
        Arc::new(Frame { metadata: AtomicU32::new(0), buffers: Mutex::new(buffers) })
    }

    /// Lets go of a frame. Where this was the last reference to one that came from a
    /// [`Pool`](super::Pool), the pool may use the frame again, which is what it has over dropping
    /// it: a frame that is dropped is freed.
    pub fn release(mut frame: Arc<Frame>) {
        // One whose guard has been forgotten could not be locked any more.
        let left = Frame::unshared(&mut frame).and_then(Frame::leave_store);
        if let Some((store, size, room)) = left {
            store.take_back_frame(frame, size, room);
        }
    }

    /// Calls `read` with the buffers of a frame, which nobody else can lock meanwhile, and then
    /// [releases](Self::release) it. The short way for who receives frames that nobody shares.
    pub fn consume<T>(mut frame: Arc<Frame>, read: impl FnOnce(&mut Buffers) -> T) -> T {
        let Some(unshared) = Frame::unshared(&mut frame) else {
            let result = read(&mut frame.lock());
            Frame::release(frame);
            return result;
        };
        let result = read(unshared.buffers.get_mut());
        if let Some((store, size, room)) = unshared.leave_store() {
            store.take_back_frame(frame, size, room);
        }
        result
    }

    /// Calls `fill` with the buffers of a frame, which nobody else can lock meanwhile. The short
    /// way for who has just got a frame that nobody shares.
    pub fn fill<T>(frame: &mut Arc<Frame>, fill: impl FnOnce(&mut Buffers) -> T) -> T {
        match Frame::unshared(frame) {
            Some(unshared) => fill(unshared.buffers.get_mut()),
            None => fill(&mut frame.lock()),
        }
    }

    /// The frame, where nobody else refers to it and it is not locked by a forgotten guard.
    fn unshared(frame: &mut Arc<Frame>) -> Option<&mut Frame> {
        Arc::get_mut(frame).filter(|frame| !frame.buffers.is_locked())
    }

    /// Takes a frame of one buffer out of the store that this belongs to, with its size and room.
    fn leave_store(&mut self) -> Option<(Arc<Store>, usize, usize)> {
        let Buffers { first, more } = self.buffers.get_mut();
        if more.capacity() > 0 {
            return None;
        }
        first.as_mut()?.leave_store()
    }

    /// Makes a new frame of `store` out of one that has left its own.
    pub(super) fn renew(&mut self, size: usize, store: &Arc<Store>) -> Result<()> {
        *self.metadata.get_mut() = 0;
        let buffers = self.buffers.get_mut();
        buffers.first.as_mut().map_or(Ok(()), |buffer| buffer.renew(size, store))
    }

    /// Locks the frame's payload, waiting for whoever has it locked.
    pub fn lock(&self) -> FrameGuard<'_> {
        self.buffers.lock()
    }

    /// The lock itself, for callers that cannot hold a guard: a foreign language locks, forgets
    /// the guard, reaches the buffers by `data_ptr` and unlocks by `force_unlock`.
    pub fn mutex(&self) -> &Mutex<Buffers> {
        &self.buffers
    }

    /// The flags: bits 7:0 are the first user byte, bits 15:8 the last user byte. 0 in a new
    /// frame.
    pub fn flags(&self) -> u16 {
        self.metadata.load(Ordering::Relaxed) as u16
    }

    /// Replaces the flags.
    pub fn set_flags(&self, flags: u16) {
        self.replace(0xFFFF, u32::from(flags));
    }

    /// The user bits that go with the first byte (AXI-Stream TUSER).
    pub fn first_user(&self) -> u8 {
        self.metadata.load(Ordering::Relaxed) as u8
    }

    /// Replaces the first user byte. (The reference adds the new bits to the old ones, so that
    /// none can ever be cleared.)
    pub fn set_first_user(&self, user: u8) {
        self.replace(0xFF, u32::from(user));
    }

    /// The user bits that go with the last byte (AXI-Stream TUSER).
    pub fn last_user(&self) -> u8 {
        (self.metadata.load(Ordering::Relaxed) >> LAST_USER_SHIFT) as u8
    }

    /// Replaces the last user byte. (The reference adds the new bits to the old ones, so that
    /// none can ever be cleared.)
    pub fn set_last_user(&self, user: u8) {
        self.replace(0xFF << LAST_USER_SHIFT, u32::from(user) << LAST_USER_SHIFT);
    }

    /// The channel; 0 in a new frame.
    pub fn channel(&self) -> u8 {
        (self.metadata.load(Ordering::Relaxed) >> CHANNEL_SHIFT) as u8
    }

    /// Replaces the channel.
    pub fn set_channel(&self, channel: u8) {
        self.replace(0xFF << CHANNEL_SHIFT, u32::from(channel) << CHANNEL_SHIFT);
    }

    /// The error; 0 = the frame is good.
    pub fn error(&self) -> u8 {
        (self.metadata.load(Ordering::Relaxed) >> ERROR_SHIFT) as u8
    }

    /// Replaces the error.
    pub fn set_error(&self, error: u8) {
        self.replace(0xFF << ERROR_SHIFT, u32::from(error) << ERROR_SHIFT);
    }

    fn replace(&self, mask: u32, value: u32) {
        let change = |old: u32| Some(old & !mask | value);
        // Never `Err`: `change` always has a new value.
        let _ = self.metadata.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

impl From<Vec<u8>> for Frame {
    /// A frame whose payload is `bytes`, in one buffer.
    fn from(bytes: Vec<u8>) -> Frame {
        let mut buffers = Buffers::default();
        buffers.push(Buffer::from(bytes));
        Frame { metadata: AtomicU32::new(0), buffers: Mutex::new(buffers) }
    }
}

/// The buffers of a frame, in order; the frame's payload is that of one after the other.
#[derive(Default)]
pub struct Buffers {
    /// The first buffer by itself: nearly every frame has one, and needs no list then.
    first: Option<Buffer>,
    more: Vec<Buffer>,
}

impl Buffers {
    /// Appends a buffer with its payload.
    pub fn push(&mut self, buffer: Buffer) {
        match &self.first {
            None => self.first = Some(buffer),
            Some(_) => self.more.push(buffer),
        }
    }

    /// Takes all buffers out; the frame is empty then.
    pub fn take(&mut self) -> Buffers {
        std::mem::take(self)
    }

    /// Number of buffers.
    pub fn count(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// The buffers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Buffer> {
        self.first.iter().chain(&self.more)
    }

    /// The buffers, in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.first.iter_mut().chain(&mut self.more)
    }

    /// Bytes the payload can have.
    pub fn size(&self) -> usize {
        self.sum(Buffer::size)
    }

    /// Bytes of payload.
    pub fn payload(&self) -> usize {
        self.sum(Buffer::payload)
    }

    /// Bytes by which the payload can grow.
    pub fn available(&self) -> usize {
        self.sum(Buffer::available)
    }

    #[inline]
    fn sum(&self, part: impl Fn(&Buffer) -> usize) -> usize {
        let first = self.first.as_ref().map_or(0, &part);
        // Nearly always, and a walk over nothing is not for nothing.
        if self.more.is_empty() {
            return first;
        }
        self.more.iter().map(part).fold(first, |sum, part| sum + part)
    }

    /// Makes the payload `count` bytes long, filling the buffers in order.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where that is more than [`size`](Self::size).
    pub fn set_payload(&mut self, count: usize) -> Result<()> {
        let size = self.size();
        if count > size {
            let text = format!(
                "A payload of {count} bytes was asked of a frame with room for {size}: request a \
                 larger frame"
            );
            return Err(Error::new(Status::Frame, "stream::Frame::setPayload", text));
        }
        if let (Some(first), true) = (&mut self.first, self.more.is_empty()) {
            return first.set_payload(count);
        }
        let mut rest = count;
        for buffer in self.iter_mut() {
            let part = rest.min(buffer.size());
            buffer.set_payload(part)?;
            rest -= part;
        }
        Ok(())
    }

    /// The payload, piece by piece.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(Buffer::bytes)
    }

    /// The payload, piece by piece, to be changed.
    pub fn slices_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.iter_mut().map(Buffer::bytes_mut)
    }

    /// The payload in one piece, where it lies in one buffer (or there is none).
    pub fn contiguous(&self) -> Option<&[u8]> {
        match &self.first {
            None => Some(&[]),
            Some(first) if self.more.iter().all(|buffer| buffer.payload() == 0) => {
                Some(first.bytes())
            }
            Some(_) => None,
        }
    }

    /// All bytes the payload can have, in one piece, beyond its present end too. A frame of
    /// several buffers is put into one first, without reservations; its payload stays.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where there is no memory to do so.
    pub fn make_contiguous(&mut self) -> Result<&mut [u8]> {
        if !self.more.is_empty() {
            let (size, payload) = (self.size(), self.payload());
            let mut memory = Vec::new();
            memory.try_reserve_exact(size).map_err(|error| {
                let text = format!("No memory to join a frame of {size} bytes: {error}");
                Error::new(Status::OutOfResources, "stream::Frame", text)
            })?;
            self.slices().for_each(|part| memory.extend_from_slice(part));
            memory.resize(size, 0);
            let mut joined = Buffer::from(memory);
            joined.set_payload(payload)?;
            *self = Buffers { first: Some(joined), more: Vec::new() };
        }
        Ok(self.first.as_mut().map(Buffer::space_mut).unwrap_or_default())
    }

    /// Copies `into.len()` bytes of the payload from `offset` on.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where they do not lie within the payload; nothing is copied then.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<()> {
        self.check(offset, into.len())?;
        if let (Some(first), true) = (&self.first, self.more.is_empty()) {
            into.copy_from_slice(&first.bytes()[offset..offset + into.len()]);
            return Ok(());
        }
        let (mut skip, mut done) = (offset, 0);
        for part in self.slices() {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            let count = (part.len() - skip).min(into.len() - done);
            into[done..done + count].copy_from_slice(&part[skip..skip + count]);
            (skip, done) = (0, done + count);
            if done == into.len() {
                break;
            }
        }
        Ok(())
    }

    /// Copies `bytes` into the payload from `offset` on.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] where they do not fit into the payload; nothing is copied then.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.check(offset, bytes.len())?;
        if let (Some(first), true) = (&mut self.first, self.more.is_empty()) {
            first.bytes_mut()[offset..offset + bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        let (mut skip, mut done) = (offset, 0);
        for part in self.slices_mut() {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            let count = (part.len() - skip).min(bytes.len() - done);
            part[skip..skip + count].copy_from_slice(&bytes[done..done + count]);
            (skip, done) = (0, done + count);
            if done == bytes.len() {
                break;
            }
        }
        Ok(())
    }

    /// A copy of the payload.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload());
        self.slices().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }

    fn check(&self, offset: usize, count: usize) -> Result<()> {
        let payload = self.payload();
        if offset.checked_add(count).is_none_or(|end| end > payload) {
            let text = format!(
                "{count} bytes at offset {offset} do not lie within a payload of {payload} bytes"
            );
            return Err(Error::new(Status::Frame, "stream::Frame", text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
