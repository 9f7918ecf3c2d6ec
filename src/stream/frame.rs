//! The frame: a payload and its metadata.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use super::buffer::Buffer;
use super::cancel::CancelToken;
use super::pool::Store;
use crate::clock::Time;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::headroom;

/// Shifts of the fields in the metadata word, which is read and replaced without the lock.
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
    cancel_token: OnceLock<Arc<dyn CancelToken>>,
}

impl_debug!(Frame, frame => { flags: frame.flags() });

/// A locked frame. Not recursive; must be released before the frame is sent on.
pub type FrameGuard<'a> = MutexGuard<'a, Buffers>;

impl Frame {
    /// A frame of one buffer with room for `capacity` bytes, without payload; 0 gives a frame
    /// without a buffer.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory.
    pub fn new(capacity: u32) -> Result<Arc<Frame>> {
        super::Pool::new().request(capacity)
    }

    /// A frame with these `buffers`.
    pub fn with_buffers(buffers: Buffers) -> Arc<Frame> {
        Arc::new(Frame::of(buffers))
    }

    fn of(buffers: Buffers) -> Frame {
        let (metadata, buffers) = (AtomicU32::new(0), Mutex::new(buffers));
        Frame { metadata, buffers, cancel_token: OnceLock::new() }
    }

    /// Drops a reference to a frame. If it was the last one, and the frame came from a
    /// [`Pool`](super::Pool), the pool may reuse the frame. A plain drop frees it instead.
    pub fn release(mut frame: Arc<Frame>) {
        // A frame with a forgotten guard could never be locked again.
        let left = Frame::unshared(&mut frame).and_then(Frame::leave_store);
        if let Some((store, size, room)) = left {
            store.recycle_frame(frame, size, room);
        }
    }

    /// Calls `read` with the buffers of a frame under its lock, and [releases](Self::release) it.
    /// Takes no lock if this is the only reference.
    pub fn consume<T>(mut frame: Arc<Frame>, read: impl FnOnce(&mut Buffers) -> T) -> T {
        let Some(unshared) = Frame::unshared(&mut frame) else {
            let result = read(&mut frame.lock());
            Frame::release(frame);
            return result;
        };
        let result = read(unshared.buffers.get_mut());
        if let Some((store, size, room)) = unshared.leave_store() {
            store.recycle_frame(frame, size, room);
        }
        result
    }

    /// The payload of a frame, for a slave that uses it after its return: the frame's own buffers if
    /// this is the only reference, a copy otherwise, because others may change a frame that they
    /// share.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory for a copy.
    pub fn into_buffers(mut frame: Arc<Frame>) -> Result<Buffers> {
        if let Some(unshared) = Frame::unshared(&mut frame) {
            return Ok(unshared.buffers.get_mut().take());
        }
        let mut copy = Buffers::default();
        copy.push(Buffer::from(frame.lock().try_to_vec()?));
        Ok(copy)
    }

    /// Calls `fill` with the buffers of a frame under its lock. Takes no lock if this is the only
    /// reference, as for a new frame.
    pub fn fill<T>(frame: &mut Arc<Frame>, fill: impl FnOnce(&mut Buffers) -> T) -> T {
        match Frame::unshared(frame) {
            Some(unshared) => fill(unshared.buffers.get_mut()),
            None => fill(&mut frame.lock()),
        }
    }

    /// The frame, if this is the only reference and no forgotten guard locks it.
    fn unshared(frame: &mut Arc<Frame>) -> Option<&mut Frame> {
        Arc::get_mut(frame).filter(|frame| !frame.buffers.is_locked())
    }

    /// Removes a frame of one buffer from its store; the store, the size and the capacity.
    #[inline]
    fn leave_store(&mut self) -> Option<(Arc<Store>, usize, usize)> {
        drop(self.cancel_token.take());
        let Buffers { first, more } = self.buffers.get_mut();
        if more.capacity() > 0 {
            return None;
        }
        first.as_mut()?.leave_store()
    }

    /// Turns a frame that has left its store into a new one of `store`.
    pub(super) fn renew(&mut self, size: usize, store: &Arc<Store>) -> Result<()> {
        *self.metadata.get_mut() = 0;
        let buffers = self.buffers.get_mut();
        buffers.first.as_mut().map_or(Ok(()), |buffer| buffer.renew(size, store))
    }

    /// Turns a frame that has left its store into one of `store` again, with the bytes that it has.
    pub(super) fn rejoin(&mut self, store: &Arc<Store>) {
        *self.metadata.get_mut() = 0;
        let buffers = self.buffers.get_mut();
        buffers.first.iter_mut().for_each(|buffer| buffer.rejoin(store));
    }

    /// Locks the frame's payload; waits for its present holder.
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

    /// The user bits of the first byte (AXI-Stream TUSER).
    pub fn first_user(&self) -> u8 {
        self.metadata.load(Ordering::Relaxed) as u8
    }

    /// Replaces the first user byte. (The reference ORs the new bits into the old ones, so that
    /// none can ever be cleared.)
    pub fn set_first_user(&self, user: u8) {
        self.replace(0xFF, u32::from(user));
    }

    /// The user bits of the last byte (AXI-Stream TUSER).
    pub fn last_user(&self) -> u8 {
        (self.metadata.load(Ordering::Relaxed) >> LAST_USER_SHIFT) as u8
    }

    /// Replaces the last user byte. (The reference ORs the new bits into the old ones, so that none
    /// can ever be cleared.)
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

    /// What the sender of a frame has given along with it, see
    /// [`set_cancel_token`](Self::set_cancel_token).
    pub fn cancel_token(&self) -> Option<&Arc<dyn CancelToken>> {
        self.cancel_token.get()
    }

    /// Lets the nodes that keep the frame waiting ask whether it is still to be sent. They do not
    /// change what the frame has; a copy that is sent in its place gets the same. Without effect on
    /// a frame that has one.
    #[inline]
    pub fn set_cancel_token(&self, token: Arc<dyn CancelToken>) {
        // A second one comes back, and is dropped here.
        let _ = self.cancel_token.set(token);
    }

    /// Gives the frame, which is to be sent in place of `other`, the token of that one.
    pub fn share_cancel_token(&self, other: &Frame) {
        other.cancel_token().into_iter().for_each(|token| self.set_cancel_token(token.clone()));
    }

    /// Replaces the token of a frame that only the caller has; nothing happens with others.
    pub(crate) fn replace_cancel_token(frame: &mut Arc<Frame>, token: Arc<dyn CancelToken>) {
        if let Some(unshared) = Arc::get_mut(frame) {
            unshared.cancel_token = OnceLock::from(token);
        }
    }

    /// Whether the frame, which has not left yet, must not leave: [`CancelToken::cancel_if_late`].
    pub fn cancel_if_late(&self, now: Time) -> bool {
        self.cancel_token().is_some_and(|token| token.clone().cancel_if_late(now))
    }

    /// Whether the frame, which may have left before, must not leave again:
    /// [`CancelToken::is_cancelled`].
    pub fn is_cancelled(&self, now: Time) -> bool {
        self.cancel_token().is_some_and(|token| token.is_cancelled(now))
    }

    /// The frame that leaves in place of this one, which is cancelled: see
    /// [`CancelToken::placeholder`].
    pub fn stand_in(&self) -> Option<Arc<Frame>> {
        let payload = self.cancel_token()?.placeholder()?.to_vec();
        let frame = Frame::from(payload);
        frame.set_flags(self.flags());
        frame.set_channel(self.channel());
        Some(Arc::new(frame))
    }

    fn replace(&self, mask: u32, value: u32) {
        let change = |old: u32| Some(old & !mask | value);
        // Never `Err`: `change` always returns a value.
        let _ = self.metadata.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

impl From<Vec<u8>> for Frame {
    /// A frame whose payload is `bytes`, in one buffer.
    fn from(bytes: Vec<u8>) -> Frame {
        let mut buffers = Buffers::default();
        buffers.push(Buffer::from(bytes));
        Frame::of(buffers)
    }
}

/// The buffers of a frame, in order; their payloads in sequence are the frame's payload.
#[derive(Default, Debug)]
pub struct Buffers {
    /// The first buffer, outside the list: most frames have one buffer and need no list.
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

    /// Moves the buffers of `other` behind these, with their payloads.
    pub fn append(&mut self, other: Buffers) {
        if self.first.is_none() {
            *self = other;
        } else {
            self.more.extend(other.first);
            self.more.extend(other.more);
        }
    }

    /// Buffer `index`, counted from 0.
    pub fn at(&self, index: usize) -> Option<&Buffer> {
        match index {
            0 => self.first.as_ref(),
            _ => self.more.get(index - 1),
        }
    }

    /// Buffer `index`, counted from 0, mutable.
    pub fn at_mut(&mut self, index: usize) -> Option<&mut Buffer> {
        match index {
            0 => self.first.as_mut(),
            _ => self.more.get_mut(index - 1),
        }
    }

    /// Removes and returns all buffers.
    pub fn take(&mut self) -> Buffers {
        std::mem::take(self)
    }

    /// The buffers, in order, by value.
    pub fn into_each(self) -> impl Iterator<Item = Buffer> {
        self.first.into_iter().chain(self.more)
    }

    /// Number of buffers.
    pub fn count(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// The buffers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Buffer> {
        self.first.iter().chain(&self.more)
    }

    /// The buffers, in order, mutable.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.first.iter_mut().chain(&mut self.more)
    }

    /// Maximum bytes of payload.
    #[inline]
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
        // The common case; walking an empty list is not free.
        if self.more.is_empty() {
            return first;
        }
        self.more.iter().map(part).fold(first, |sum, part| sum + part)
    }

    /// Sets the payload to `count` bytes, filling the buffers in order.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if that is more than [`size`](Self::size).
    pub fn set_payload(&mut self, count: usize) -> Result<()> {
        let size = self.size();
        if count > size {
            let text = format!(
                "Attempt to set payload to size {count} in frame with size {size}: request a \
                 larger frame"
            );
            return Err(Error::new(Status::Frame, "Frame::setPayload", text));
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

    /// The payload, buffer by buffer.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(Buffer::bytes)
    }

    /// The payload, buffer by buffer, mutable.
    pub fn slices_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.iter_mut().map(Buffer::bytes_mut)
    }

    /// The payload in one piece, if it lies in one buffer (or there is none).
    pub fn contiguous(&self) -> Option<&[u8]> {
        match &self.first {
            None => Some(&[]),
            Some(first) if self.more.iter().all(|buffer| buffer.payload() == 0) => {
                Some(first.bytes())
            }
            Some(_) => None,
        }
    }

    /// Joins several buffers into one without reservations; the payload stays. Returns the former
    /// buffers, to be dropped without the frame's lock: their memory may be the program's.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory for that.
    pub fn join(&mut self) -> Result<Buffers> {
        if self.more.is_empty() {
            return Ok(Buffers::default());
        }
        let (size, payload) = (self.size(), self.payload());
        let mut memory = Vec::new();
        headroom::reserve_exact(&mut memory, size).map_err(|error| {
            let text = format!("No memory to join a frame of {size} bytes: {error}");
            Error::new(Status::OutOfResources, "stream::Frame", text)
        })?;
        self.slices().for_each(|part| memory.extend_from_slice(part));
        memory.resize(size, 0);
        let mut joined = Buffer::from(memory);
        joined.set_payload(payload)?;
        Ok(std::mem::replace(self, Buffers { first: Some(joined), more: Vec::new() }))
    }

    /// The maximum payload in one piece, including the bytes after its present end; as
    /// [`join`](Self::join), for frames whose memory is known not to be the program's.
    ///
    /// # Errors
    ///
    /// As `join`.
    pub fn make_contiguous(&mut self) -> Result<&mut [u8]> {
        self.join()?;
        Ok(self.space_mut())
    }

    /// The maximum payload of the first buffer, including the bytes after its present end; after
    /// [`join`](Self::join) that of the frame.
    pub fn space_mut(&mut self) -> &mut [u8] {
        self.first.as_mut().map(Buffer::space_mut).unwrap_or_default()
    }

    /// Copies `into.len()` bytes of the payload from `offset` on.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if they do not lie within the payload; nothing is copied then.
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
    /// [`Status::Frame`] if they do not fit into the payload; nothing is copied then.
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

    /// Replaces the payload by the first `count` bytes of that of `source`.
    ///
    /// # Errors
    ///
    /// [`Status::Frame`] if `source` has fewer, or if that is more than [`size`](Self::size);
    /// nothing is changed then.
    pub fn copy_from(&mut self, source: &Buffers, count: usize) -> Result<()> {
        source.check(0, count)?;
        self.set_payload(count)?;
        let mut parts = source.slices();
        let mut part: &[u8] = &[];
        for mut into in self.slices_mut() {
            while !into.is_empty() {
                if part.is_empty() {
                    // There is one: `source` has `count` bytes.
                    let Some(next) = parts.next() else { return Ok(()) };
                    part = next;
                }
                let step = part.len().min(into.len());
                let (now, later) = into.split_at_mut(step);
                now.copy_from_slice(&part[..step]);
                (part, into) = (&part[step..], later);
            }
        }
        Ok(())
    }

    /// A copy of the payload, of whatever size a peer has given it.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory for that.
    pub(crate) fn try_to_vec(&self) -> Result<Vec<u8>> {
        let (mut bytes, size) = (Vec::new(), self.payload());
        headroom::reserve_exact(&mut bytes, size).map_err(|error| {
            let text = format!("No memory to join a frame of {size} bytes: {error}");
            Error::new(Status::OutOfResources, "stream::Frame", text)
        })?;
        self.slices().for_each(|part| bytes.extend_from_slice(part));
        Ok(bytes)
    }

    /// A copy of the payload.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload());
        self.slices().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }

    #[inline]
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
