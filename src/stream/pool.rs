//! Allocation and recycling of frames.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use super::buffer::Buffer;
use super::frame::{Buffers, Frame};
use crate::error::{Error, Result, Status};
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
/// Without a fixed size the pool reuses whole [released](Frame::release) frames of one buffer; a
/// reused frame equals a new one. It keeps at most [`SPARE_FRAMES_COUNT_MAX`] of them with
/// [`SPARE_BYTES_MAX`] in all. With a fixed size it reuses buffers, see
/// [`set_pool_size`](Self::set_pool_size).
#[derive(Default)]
pub struct Pool {
    store: Arc<Store>,
}

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
    /// Frames without references; only without a fixed size.
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

    /// Removes everything.
    fn clear(&mut self) -> (Vec<Vec<u8>>, Vec<Spare>) {
        self.spare_bytes = 0;
        (std::mem::take(&mut self.free), std::mem::take(&mut self.spare))
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
        if fixed == 0 && size > 0 {
            return self.store.frame(size);
        }
        let mut buffers = Buffers::default();
        if size == 0 {
            return Ok(Frame::with_buffers(buffers));
        }
        if size <= fixed {
            buffers.push(self.store.buffer(size)?);
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
        }
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
    fn accounts(&self) -> Option<MutexGuard<'_, FreeList>> {
        (!self.generation.is_inherited()).then(|| self.free_list.lock())
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
        let left = match self.fixed_size.load(Ordering::Relaxed) {
            0 => free_list.push_spare(frame, room),
            _ => Some(frame),
        };
        drop(free_list);
        drop(left);
    }

    pub(super) fn has_fixed_size(&self) -> bool {
        self.fixed_size.load(Ordering::Relaxed) != 0
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
        if is_fixed && free_list.free.len() < keep {
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
pub(super) fn zero(memory: &mut Vec<u8>, size: usize) -> Result<()> {
    memory.clear();
    memory.try_reserve_exact(size).map_err(|error| {
        let text = format!("No memory for a frame buffer of {size} bytes: {error}");
        Error::new(Status::OutOfResources, "stream::Pool::acceptReq", text)
    })?;
    memory.resize(size, 0);
    Ok(())
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
    fn a_released_frame_gives_its_buffers_of_the_fixed_size_back_as_a_dropped_one_does() {
        let pool = Pool::new();
        pool.set_fixed_size(4);
        pool.set_pool_size(8);
        for _ in 0..2 {
            Frame::release(pool.request(4).unwrap());
            assert_eq!(pool.store.free_list.lock().free.len(), 1);
            assert_eq!(pool.alloc_count(), 0);
        }
        let frame = pool.request(4).unwrap();
        assert_eq!(Frame::consume(frame, |buffers| buffers.size()), 4);
        assert_eq!(pool.store.free_list.lock().free.len(), 1);
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

    /// A frame with every member changed.
    fn used(pool: &Pool, size: u32) -> Arc<Frame> {
        let frame = pool.request(size).unwrap();
        frame.set_flags(0x1234);
        frame.set_channel(5);
        frame.set_error(6);
        let mut buffers = frame.lock();
        buffers.space_mut().fill(0xEE);
        buffers.set_payload(size as usize).unwrap();
        for buffer in buffers.iter_mut() {
            buffer.reserve_header(2).unwrap();
            buffer.reserve_tail(1).unwrap();
        }
        drop(buffers);
        frame
    }

    #[test]
    fn a_released_frame_is_used_again_and_is_as_a_new_one() {
        let pool = Pool::new();
        for size in [20, 20, 24, 8, 4120, 20] {
            let before = used(&pool, 16);
            let place = Arc::as_ptr(&before);
            assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (16, 1));
            Frame::release(before);
            assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (0, 0));
            let frame = pool.request(size).unwrap();
            assert_eq!(Arc::as_ptr(&frame), place);
            assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (size.into(), 1));
            assert_eq!((frame.flags(), frame.channel(), frame.error()), (0, 0, 0));
            let mut buffers = frame.lock();
            let size = size as usize;
            assert_eq!((buffers.size(), buffers.payload(), buffers.available()), (size, 0, size));
            assert_eq!((buffers.count(), buffers.iter().next().unwrap().raw_size()), (1, size));
            assert_eq!(buffers.space_mut(), vec![0; size]);
            drop(buffers);
            Frame::release(frame);
        }
    }

    #[test]
    fn a_frame_that_is_shared_or_locked_for_ever_is_not_reused() {
        let pool = Pool::new();
        let kept = used(&pool, 8);
        Frame::release(kept.clone());
        let watched = used(&pool, 8);
        let watch = Arc::downgrade(&watched);
        Frame::release(watched);
        assert!(watch.upgrade().is_none());
        let locked = used(&pool, 8);
        std::mem::forget(locked.lock());
        Frame::release(locked);
        assert_eq!(pool.store.free_list.lock().spare.len(), 0);
        let next = pool.request(8).unwrap();
        assert_ne!(Arc::as_ptr(&next), Arc::as_ptr(&kept));
        assert_eq!((kept.flags(), kept.lock().to_vec()), (0x1234, vec![0xEE; 5]));
        assert_eq!(pool.alloc_count(), 2);
        Frame::release(kept);
        assert_eq!(pool.store.free_list.lock().spare.len(), 1, "this was the last reference");
    }

    #[test]
    fn frames_are_kept_up_to_a_number_and_a_size() {
        let pool = Pool::new();
        let release = |count: usize, size: usize| {
            let frames: Vec<_> = (0..count).map(|_| pool.request(size as u32).unwrap()).collect();
            frames.into_iter().for_each(Frame::release);
            let free_list = pool.store.free_list.lock();
            let room: usize = free_list.spare.iter().map(|spare| spare.room).sum();
            assert_eq!((free_list.spare_bytes, free_list.alloc_bytes), (room, 0));
            assert!(room <= SPARE_BYTES_MAX, "{room}");
            free_list.spare.len()
        };
        assert_eq!(release(1, SPARE_FRAME_BYTES_MAX + 1), 0);
        assert_eq!(release(2 * SPARE_FRAMES_COUNT_MAX, 8), SPARE_FRAMES_COUNT_MAX);
        // Each of them grows, so that not all fit.
        let count = SPARE_BYTES_MAX / SPARE_FRAME_BYTES_MAX;
        assert_eq!(release(SPARE_FRAMES_COUNT_MAX, SPARE_FRAME_BYTES_MAX), count);
        assert_eq!(release(2 * count, SPARE_FRAME_BYTES_MAX), count);
        pool.set_fixed_size(8);
        assert_eq!(release(10, 8), 0, "no frames are kept where the size is fixed");
    }

    #[test]
    fn only_what_is_left_of_a_frame_from_the_pool_is_kept() {
        let (pool, other) = (Pool::new(), Pool::new());
        let emptied = used(&pool, 8);
        let taken = emptied.lock().take();
        Frame::release(emptied);
        assert_eq!((pool.alloc_count(), pool.store.free_list.lock().spare.len()), (1, 0));
        let mut several = taken;
        several.push(other.store.buffer(4).unwrap());
        Frame::release(Frame::with_buffers(several));
        for pool in [&pool, &other] {
            assert_eq!((pool.alloc_count(), pool.store.free_list.lock().spare.len()), (0, 0));
        }
        Frame::release(Arc::new(Frame::from(vec![1; 4])));
        Frame::release(pool.request(0).unwrap());
        assert_eq!(pool.store.free_list.lock().spare.len(), 0);
    }

    #[test]
    fn a_pool_and_the_frames_it_keeps_are_gone_with_its_last_frame() {
        let pool = Pool::new();
        let store = Arc::downgrade(&pool.store);
        let frames = [pool.request(4).unwrap(), pool.request(4).unwrap()];
        Frame::release(pool.request(4).unwrap());
        drop(pool);
        frames.into_iter().for_each(Frame::release);
        assert!(store.upgrade().is_none());
    }

    #[test]
    fn threads_that_pass_frames_on_never_have_the_same_one() {
        const FRAMES_COUNT: u32 = 20_000;
        let pool = Pool::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (sender, receiver) = std::sync::mpsc::sync_channel::<(u32, Arc<Frame>)>(8);
                scope.spawn(move || {
                    for (n, frame) in receiver {
                        let read = Frame::consume(frame, |buffers| buffers.to_vec());
                        assert_eq!(read, n.to_le_bytes());
                    }
                });
                let pool = &pool;
                scope.spawn(move || {
                    for n in 0..FRAMES_COUNT {
                        let mut frame = pool.request(4).unwrap();
                        Frame::fill(&mut frame, |buffers| {
                            assert_eq!(buffers.payload(), 0);
                            buffers.set_payload(4).unwrap();
                            assert_eq!(buffers.to_vec(), [0; 4]);
                            buffers.write_at(0, &n.to_le_bytes()).unwrap();
                        });
                        sender.send((n, frame)).unwrap();
                    }
                });
            }
        });
        assert_eq!((pool.alloc_count(), pool.alloc_bytes()), (0, 0));
    }

    #[test]
    fn adopted_memory_is_the_buffer_of_a_frame_and_counted_until_it_is_dropped() {
        let pool = Pool::new();
        let memory: Vec<u8> = (0..100).collect();
        let place = memory.as_ptr();
        let frame = pool.adopt(memory).unwrap();
        assert_eq!(frame.lock().contiguous().unwrap().as_ptr(), place, "no copy is made");
        assert_eq!(frame.lock().to_vec(), (0..100).collect::<Vec<u8>>());
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (100, 1));
        Frame::release(frame);
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (0, 0));
        assert_eq!(pool.adopt(Vec::new()).unwrap().lock().count(), 0);
        pool.set_fixed_size(64);
        let frame = pool.adopt((0..100).collect()).unwrap();
        let buffers = frame.lock();
        assert_eq!((buffers.count(), buffers.payload()), (2, 100));
        assert_eq!(buffers.to_vec(), (0..100).collect::<Vec<u8>>());
    }

    #[test]
    fn f42_an_inherited_pool_takes_no_lock() {
        let store = Store { generation: Generation::of_parent(), ..Store::default() };
        let pool = Pool { store: Arc::new(store) };
        let held = pool.store.free_list.lock();
        for fixed in [0, 8] {
            pool.set_fixed_size(fixed);
            pool.set_pool_size(3);
            for frame in [pool.request(20).unwrap(), pool.adopt(vec![7; 20]).unwrap()] {
                assert_eq!(frame.lock().size(), if fixed == 0 { 20 } else { 24 });
                Frame::release(frame);
            }
            drop(pool.request(5).unwrap());
        }
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (0, 0));
        drop(held);
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
