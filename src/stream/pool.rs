//! Allocation and recycling of frames.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use super::buffer::Buffer;
use super::frame::{Buffers, Frame};
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::headroom;
use crate::process::Generation;
use crate::sync::{Mutex, MutexGuard};

/// Upper bound on the buffers of one frame; a request that needs more fails.
pub const BUFFERS_COUNT_MAX: u64 = 1 << 16;
/// Upper bound on the frames that a pool without a fixed size keeps for reuse.
pub const SPARE_FRAMES_COUNT_MAX: usize = 1024;
/// Upper bound on the capacity of these frames together.
pub const SPARE_BYTES_MAX: usize = 1 << 20;
/// Upper bound on the capacity of each of them.
pub const SPARE_FRAME_BYTES_MAX: usize = 8 * 1024;

/// Allocates frames, in buffers of a fixed size or of the requested size, and recycles them.
/// Thread-safe. Frames may outlive their pool.
///
/// The pool reuses whole [released](Frame::release) frames of one buffer; a reused frame equals a new
/// one. It keeps at most [`SPARE_FRAMES_COUNT_MAX`] of them with [`SPARE_BYTES_MAX`] in all, and with
/// a fixed size also those that have it, and buffers, see [`set_pool_size`](Self::set_pool_size).
#[derive(Default)]
pub struct Pool {
    store: Arc<Store>,
}

impl_debug!(Pool);

/// The memory of a pool; its buffers keep it alive. In a child by `fork` an inherited one neither
/// counts nor recycles: a thread of the parent may hold its lock for ever, and a frame is freed
/// wherever it happens to end.
#[derive(Default)]
pub(super) struct Store {
    generation: Generation,
    /// Bytes of each buffer; 0 = as requested.
    fixed_size: AtomicU32,
    /// Upper bound on the buffers kept for reuse.
    pool_size: AtomicU32,
    free_list: Mutex<FreeList>,
}

/// The accounts and the free memory of a store.
#[derive(Default)]
struct FreeList {
    /// Bytes of the buffers in use.
    alloc_bytes: u64,
    alloc_count: u64,
    /// Memory of freed buffers of the fixed size.
    free: Vec<Vec<u8>>,
    /// Frames of one buffer of the fixed size, without references.
    whole: Vec<Arc<Frame>>,
    /// Frames of other sizes without references.
    spare: Vec<Spare>,
    /// Capacity of these frames together.
    spare_bytes: usize,
}

/// A frame of one buffer, which belongs to no store while it is here.
struct Spare {
    frame: Arc<Frame>,
    /// Capacity of its buffer in bytes.
    room: usize,
}

impl FreeList {
    fn given(&mut self, size: u32) {
        self.alloc_bytes += u64::from(size);
        self.alloc_count += 1;
    }

    fn returned(&mut self, size: usize) {
        self.alloc_bytes -= size as u64;
        self.alloc_count -= 1;
    }

    fn pop_spare(&mut self) -> Option<Arc<Frame>> {
        let Spare { frame, room } = self.spare.pop()?;
        self.spare_bytes -= room;
        Some(frame)
    }

    /// Keeps a frame with this capacity; returns it if there is no place for it.
    fn push_spare(&mut self, frame: Arc<Frame>, room: usize) -> Option<Arc<Frame>> {
        let fits = room <= SPARE_FRAME_BYTES_MAX && self.spare_bytes + room <= SPARE_BYTES_MAX;
        if !fits || self.spare.len() >= SPARE_FRAMES_COUNT_MAX {
            return Some(frame);
        }
        self.spare_bytes += room;
        self.spare.push(Spare { frame, room });
        None
    }

    /// Number of buffers of the fixed size that are kept.
    fn kept(&self) -> usize {
        self.free.len() + self.whole.len()
    }

    /// Removes everything, to be dropped without the lock.
    fn clear(&mut self) -> FreeList {
        let (alloc_bytes, alloc_count) = (self.alloc_bytes, self.alloc_count);
        std::mem::replace(self, FreeList { alloc_bytes, alloc_count, ..FreeList::default() })
    }
}

impl Pool {
    /// A pool without a fixed size.
    pub fn new() -> Pool {
        Pool::default()
    }

    /// A frame with room for at least `size` bytes and no payload. Without a fixed size it has one
    /// buffer of `size` bytes. With one, a smaller request also gets one buffer of its size, and a
    /// larger one as many fixed buffers as it takes. 0 gives a frame without a buffer.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory, or if more than [`BUFFERS_COUNT_MAX`]
    /// buffers of the fixed size would be needed.
    pub fn request(&self, size: u32) -> Result<Arc<Frame>> {
        let fixed = self.fixed_size();
        let mut buffers = Buffers::default();
        match size {
            0 => return Ok(Frame::with_buffers(buffers)),
            _ if size == fixed => return self.store.whole_frame(fixed),
            _ if size < fixed || fixed == 0 => return self.store.frame(size),
            _ => {}
        }
        let count = u64::from(size).div_ceil(u64::from(fixed));
        if count > BUFFERS_COUNT_MAX {
            let text = format!(
                "A frame of {size} bytes would need {count} buffers of {fixed} bytes; at most \
                 {BUFFERS_COUNT_MAX} are given to one frame"
            );
            return Err(Error::new(Status::OutOfResources, "stream::Pool::acceptReq", text));
        }
        for _ in 0..count {
            buffers.push(self.store.buffer(fixed)?);
        }
        Ok(Frame::with_buffers(buffers))
    }

    /// A frame whose payload is `memory`, counted and recycled as one that was requested here.
    /// `memory` becomes its buffer, unless there is a fixed size that it exceeds: then it is copied
    /// to buffers of that size.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request), also for more than `u32::MAX` bytes.
    pub fn adopt(&self, memory: Vec<u8>) -> Result<Arc<Frame>> {
        let bytes = memory.len();
        let Ok(size) = u32::try_from(bytes) else {
            let text = format!("A frame of {bytes} bytes is more than {} bytes", u32::MAX);
            return Err(Error::new(Status::OutOfResources, "stream::Pool::acceptReq", text));
        };
        let fixed = self.fixed_size();
        if size == 0 || fixed > 0 && size > fixed {
            let mut frame = self.request(size)?;
            Frame::fill(&mut frame, |buffers| {
                buffers.set_payload(bytes)?;
                buffers.write_at(0, &memory)
            })?;
            return Ok(frame);
        }
        self.store.given(size);
        let mut buffer = Buffer::pooled(memory, self.store.clone());
        buffer.set_payload(bytes)?;
        let mut buffers = Buffers::default();
        buffers.push(buffer);
        Ok(Frame::with_buffers(buffers))
    }

    /// Bytes of each buffer; 0 = as requested.
    pub fn fixed_size(&self) -> u32 {
        self.store.fixed_size.load(Ordering::Relaxed)
    }

    /// Sets the bytes of each buffer; 0 = as requested.
    pub fn set_fixed_size(&self, bytes: u32) {
        self.store.fixed_size.store(bytes, Ordering::Relaxed);
        let kept = self.store.accounts().map(|mut free_list| free_list.clear());
        drop(kept);
    }

    /// Upper bound on the freed buffers of the fixed size kept for reuse.
    pub fn pool_size(&self) -> u32 {
        self.store.pool_size.load(Ordering::Relaxed)
    }

    /// Sets how many freed buffers of the fixed size are kept for reuse. They are not cleared:
    /// bytes of a frame that were never written may be those of an earlier frame.
    pub fn set_pool_size(&self, count: u32) {
        self.store.pool_size.store(count, Ordering::Relaxed);
        if let Some(mut free_list) = self.store.accounts() {
            free_list.free.truncate(count as usize);
            let rest = count as usize - free_list.free.len();
            free_list.whole.truncate(rest);
        }
    }

    /// The process that made it.
    pub(super) fn generation(&self) -> Generation {
        self.store.generation
    }

    /// Bytes of this pool's buffers that frames use now; 0 in a child by `fork`.
    pub fn alloc_bytes(&self) -> u64 {
        self.store.accounts().map_or(0, |free_list| free_list.alloc_bytes)
    }

    /// Number of this pool's buffers that frames use now; 0 in a child by `fork`.
    pub fn alloc_count(&self) -> u64 {
        self.store.accounts().map_or(0, |free_list| free_list.alloc_count)
    }
}

impl Store {
    /// `None` in a child by `fork`.
    #[inline]
    fn accounts(&self) -> Option<MutexGuard<'_, FreeList>> {
        self.free_list.lock_own(self.generation)
    }

    fn given(&self, size: u32) {
        if let Some(mut free_list) = self.accounts() {
            free_list.given(size);
        }
    }

    fn returned(&self, size: usize) {
        if let Some(mut free_list) = self.accounts() {
            free_list.returned(size);
        }
    }

    /// A frame of one buffer of the fixed size, uncleared.
    fn whole_frame(self: &Arc<Self>, fixed: u32) -> Result<Arc<Frame>> {
        let whole = self.accounts().and_then(|mut free_list| {
            let frame = free_list.whole.pop()?;
            free_list.given(fixed);
            Some(frame)
        });
        if let Some(mut frame) = whole {
            let unshared = Arc::get_mut(&mut frame).expect("a kept frame has one reference");
            unshared.rejoin(self);
            return Ok(frame);
        }
        let mut buffers = Buffers::default();
        buffers.push(self.buffer(fixed)?);
        Ok(Frame::with_buffers(buffers))
    }

    /// A frame of one buffer of `size` zeros; `size` is not 0.
    fn frame(self: &Arc<Self>, size: u32) -> Result<Arc<Frame>> {
        let spare = self.accounts().and_then(|mut free_list| {
            free_list.given(size);
            let may_be_kept = size as usize <= SPARE_FRAME_BYTES_MAX;
            may_be_kept.then(|| free_list.pop_spare()).flatten()
        });
        let made = match spare {
            Some(frame) => self.renewed(frame, size),
            None => fresh(size as usize).map(|memory| {
                let mut buffers = Buffers::default();
                buffers.push(Buffer::pooled(memory, self.clone()));
                Frame::with_buffers(buffers)
            }),
        };
        made.inspect_err(|_| self.returned(size as usize))
    }

    fn renewed(self: &Arc<Self>, mut frame: Arc<Frame>, size: u32) -> Result<Arc<Frame>> {
        let renewed = Arc::get_mut(&mut frame).map(|frame| frame.renew(size as usize, self));
        renewed.expect("a spare frame has one reference").map(|()| frame)
    }

    /// Recycles a frame from here whose only reference this is, with a buffer of `size` bytes and a
    /// capacity of `room`.
    pub(super) fn recycle_frame(&self, frame: Arc<Frame>, size: usize, room: usize) {
        let Some(mut free_list) = self.accounts() else { return drop(frame) };
        free_list.returned(size);
        let left = if size == self.fixed_size.load(Ordering::Relaxed) as usize {
            let is_kept = free_list.kept() < self.pool_size.load(Ordering::Relaxed) as usize;
            match is_kept {
                true => {
                    free_list.whole.push(frame);
                    None
                }
                false => Some(frame),
            }
        } else {
            free_list.push_spare(frame, room)
        };
        drop(free_list);
        drop(left);
    }

    fn buffer(self: &Arc<Self>, size: u32) -> Result<Buffer> {
        let memory = match self.pop_free(size as usize) {
            Some(memory) => memory,
            None => fresh(size as usize)?,
        };
        self.given(size);
        Ok(Buffer::pooled(memory, self.clone()))
    }

    fn pop_free(&self, size: usize) -> Option<Vec<u8>> {
        if self.pool_size.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut free_list = self.accounts()?;
        match free_list.free.last() {
            Some(memory) if memory.len() == size => free_list.free.pop(),
            _ => None,
        }
    }

    /// Recycles the memory of a freed buffer.
    pub(super) fn recycle(&self, memory: Vec<u8>) {
        let keep = self.pool_size.load(Ordering::Relaxed) as usize;
        let Some(mut free_list) = self.accounts() else { return };
        free_list.returned(memory.len());
        let is_fixed = memory.len() == self.fixed_size.load(Ordering::Relaxed) as usize;
        if is_fixed && free_list.kept() < keep {
            free_list.free.push(memory);
        }
    }
}

fn fresh(size: usize) -> Result<Vec<u8>> {
    let mut memory = Vec::new();
    zero(&mut memory, size)?;
    Ok(memory)
}

/// Resizes `memory` to `size` zeros.
#[inline]
pub(super) fn zero(memory: &mut Vec<u8>, size: usize) -> Result<()> {
    memory.clear();
    headroom::reserve_exact(memory, size).map_err(|error| {
        let text = format!("No memory for a frame buffer of {size} bytes: {error}");
        Error::new(Status::OutOfResources, "stream::Pool::acceptReq", text)
    })?;
    memory.resize(size, 0);
    Ok(())
}

#[cfg(test)]
mod tests;
