//! Where frames come from.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::buffer::Buffer;
use super::frame::{Buffers, Frame};
use crate::error::{Error, Result, Status};

/// Buffers one frame may be made of; a request that would need more fails.
pub const BUFFERS_COUNT_MAX: u64 = 1 << 16;

/// Allocates frames, in buffers of one size or as large as asked for, and recycles buffers.
/// Thread-safe. Frames may outlive their pool.
#[derive(Default)]
pub struct Pool {
    store: Arc<Store>,
}

/// The memory of a pool; kept alive by the buffers that came from it.
#[derive(Default)]
pub(super) struct Store {
    /// Bytes of each buffer; 0 = as large as asked for.
    fixed_size: AtomicU32,
    /// Buffers to keep for reuse at most.
    pool_size: AtomicU32,
    alloc_bytes: AtomicU64,
    alloc_count: AtomicU64,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// A pool without a fixed size, which recycles nothing.
    pub fn new() -> Pool {
        Pool::default()
    }

    /// A frame with room for at least `size` bytes and no payload: one buffer of that size, or,
    /// with a fixed size, as many of the smaller of the two as it takes. 0 gives a frame without
    /// a buffer.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where there is no memory, or where the fixed size would make
    /// that more than [`BUFFERS_COUNT_MAX`] buffers.
    pub fn request(&self, size: u32) -> Result<Arc<Frame>> {
        let mut buffers = Buffers::default();
        let fixed = self.fixed_size();
        if fixed == 0 || size <= fixed {
            if size > 0 {
                buffers.push(self.store.buffer(size)?);
            }
            return Ok(Frame::with_buffers(buffers));
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

    /// Bytes of each buffer; 0 = as large as asked for.
    pub fn fixed_size(&self) -> u32 {
        self.store.fixed_size.load(Ordering::Relaxed)
    }

    /// Sets the bytes of each buffer; 0 = as large as asked for.
    pub fn set_fixed_size(&self, bytes: u32) {
        self.store.fixed_size.store(bytes, Ordering::Relaxed);
        self.store.free.lock().clear();
    }

    /// Number of freed buffers of the fixed size that are kept for reuse at most.
    pub fn pool_size(&self) -> u32 {
        self.store.pool_size.load(Ordering::Relaxed)
    }

    /// Sets how many freed buffers of the fixed size are kept for reuse. They are not cleared:
    /// bytes of a frame that were never written may be those of an earlier one.
    pub fn set_pool_size(&self, count: u32) {
        self.store.pool_size.store(count, Ordering::Relaxed);
        let mut free = self.store.free.lock();
        free.truncate(count as usize);
    }

    /// Bytes of this pool's buffers that are in use by frames now.
    pub fn alloc_bytes(&self) -> u64 {
        self.store.alloc_bytes.load(Ordering::Relaxed)
    }

    /// Number of this pool's buffers that are in use by frames now.
    pub fn alloc_count(&self) -> u64 {
        self.store.alloc_count.load(Ordering::Relaxed)
    }
}

impl Store {
    fn buffer(self: &Arc<Self>, size: u32) -> Result<Buffer> {
        let memory = match self.recycled(size as usize) {
            Some(memory) => memory,
            None => fresh(size as usize)?,
        };
        self.alloc_bytes.fetch_add(u64::from(size), Ordering::Relaxed);
        self.alloc_count.fetch_add(1, Ordering::Relaxed);
        Ok(Buffer::pooled(memory, self.clone()))
    }

    fn recycled(&self, size: usize) -> Option<Vec<u8>> {
        if self.pool_size.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut free = self.free.lock();
        match free.last() {
            Some(memory) if memory.len() == size => free.pop(),
            _ => None,
        }
    }

    /// Takes the memory of a freed buffer back.
    pub(super) fn take_back(&self, memory: Vec<u8>) {
        self.alloc_bytes.fetch_sub(memory.len() as u64, Ordering::Relaxed);
        self.alloc_count.fetch_sub(1, Ordering::Relaxed);
        let keep = self.pool_size.load(Ordering::Relaxed) as usize;
        if keep == 0 || memory.len() != self.fixed_size.load(Ordering::Relaxed) as usize {
            return;
        }
        let mut free = self.free.lock();
        if free.len() < keep {
            free.push(memory);
        }
    }
}

fn fresh(size: usize) -> Result<Vec<u8>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(size).map_err(|error| {
        let text = format!("No memory for a frame buffer of {size} bytes: {error}");
        Error::new(Status::OutOfResources, "stream::Pool::acceptReq", text)
    })?;
    memory.resize(size, 0);
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_without_a_fixed_size_is_one_buffer_of_what_was_asked_for() {
        let pool = Pool::new();
        let frame = pool.request(10).unwrap();
        let buffers = frame.lock();
        assert_eq!((buffers.size(), buffers.payload(), buffers.available()), (10, 0, 10));
        assert_eq!(buffers.count(), 1);
    }

    #[test]
    fn a_request_for_nothing_is_a_frame_without_a_buffer() {
        let frame = Pool::new().request(0).unwrap();
        let buffers = frame.lock();
        assert_eq!((buffers.count(), buffers.size(), buffers.payload()), (0, 0, 0));
        assert_eq!(buffers.contiguous(), Some(&[][..]));
        assert_eq!(buffers.slices().count(), 0);
    }

    #[test]
    fn buffers_of_a_fixed_size_are_added_until_there_is_room_enough() {
        let pool = Pool::new();
        pool.set_fixed_size(64);
        let frame = pool.request(100).unwrap();
        {
            let buffers = frame.lock();
            assert_eq!((buffers.count(), buffers.size()), (2, 128));
        }
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (128, 2));
        let small = pool.request(10).unwrap();
        assert_eq!(small.lock().size(), 10, "a smaller request gets what it asked for");
        drop((frame, small));
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (0, 0));
    }

    #[test]
    fn a_freed_buffer_of_the_fixed_size_is_used_again_uncleared() {
        let pool = Pool::new();
        pool.set_fixed_size(4);
        pool.set_pool_size(1);
        let frames = [pool.request(4).unwrap(), pool.request(4).unwrap()];
        for frame in &frames {
            let mut buffers = frame.lock();
            buffers.set_payload(4).unwrap();
            buffers.write_at(0, &[7; 4]).unwrap();
        }
        drop(frames);
        let old = pool.request(4).unwrap();
        let new = pool.request(4).unwrap();
        for (frame, bytes) in [(old, [7; 4]), (new, [0; 4])] {
            let mut buffers = frame.lock();
            buffers.set_payload(4).unwrap();
            assert_eq!(buffers.to_vec(), bytes);
        }
    }

    #[test]
    fn a_changed_fixed_size_is_not_served_from_buffers_of_the_old_one() {
        let pool = Pool::new();
        pool.set_fixed_size(4);
        pool.set_pool_size(8);
        drop(pool.request(4).unwrap());
        pool.set_fixed_size(8);
        assert_eq!(pool.request(8).unwrap().lock().size(), 8);
        assert_eq!(pool.request(4).unwrap().lock().size(), 4);
    }

    #[test]
    fn a_frame_of_too_many_buffers_is_refused() {
        let pool = Pool::new();
        pool.set_fixed_size(1);
        let error = pool.request(u32::MAX).err().expect("four billion buffers");
        assert_eq!(error.status(), Status::OutOfResources);
        assert_eq!(pool.alloc_count(), 0);
    }

    #[test]
    fn a_frame_outlives_its_pool() {
        let pool = Pool::new();
        let frame = pool.request(4).unwrap();
        drop(pool);
        frame.lock().set_payload(4).unwrap();
        assert_eq!(frame.lock().to_vec(), [0; 4]);
    }
}
