use super::*;
use crate::clock::Time;
use crate::stream::cancel::tests::Cancelled;

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
        assert_eq!(pool.store.free_list.lock().kept(), 1);
        assert_eq!(pool.alloc_count(), 0);
    }
    let frame = pool.request(4).unwrap();
    assert_eq!(Frame::consume(frame, |buffers| buffers.size()), 4);
    assert_eq!(pool.store.free_list.lock().kept(), 1);
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
    let error = pool.request(u32::MAX).expect_err("four billion buffers");
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
fn a_frame_that_is_used_again_has_lost_its_cancel_token() {
    for fixed in [0, 8] {
        let pool = Pool::new();
        pool.set_fixed_size(fixed);
        pool.set_pool_size(1);
        let (frame, token) = (pool.request(8).unwrap(), Arc::new(Cancelled::default()));
        let place = Arc::as_ptr(&frame);
        frame.set_cancel_token(token.clone());
        assert!(frame.is_cancelled(Time(0)) && frame.cancel_if_late(Time(0)));
        Frame::release(frame);
        assert_eq!(Arc::strong_count(&token), 1, "{fixed}");
        let frame = pool.request(8).unwrap();
        assert_eq!((Arc::as_ptr(&frame), frame.is_cancelled(Time(0))), (place, false));
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

#[test]
fn with_a_fixed_size_whole_frames_are_used_again_those_of_it_uncleared() {
    let pool = Pool::new();
    pool.set_fixed_size(64);
    pool.set_pool_size(1);
    for size in [64, 20] {
        let mut frame = pool.request(size).unwrap();
        Frame::fill(&mut frame, |buffers| {
            buffers.space_mut().fill(7);
            buffers.set_payload(9).unwrap();
            buffers.iter_mut().for_each(|buffer| buffer.reserve_header(3).unwrap());
        });
        frame.set_flags(0x1234);
        let place = Arc::as_ptr(&frame);
        Frame::release(frame);
        assert_eq!(pool.alloc_count(), 0);
        let mut again = pool.request(size).unwrap();
        assert_eq!((Arc::as_ptr(&again), again.flags()), (place, 0));
        assert_eq!((pool.alloc_bytes(), pool.alloc_count()), (size.into(), 1));
        Frame::fill(&mut again, |buffers| {
            assert_eq!((buffers.size(), buffers.payload()), (size as usize, 0));
            assert!(buffers.space_mut().iter().all(|byte| *byte == 7 * u8::from(size == 64)));
        });
    }
    // A plain drop gives the memory back, and no more is kept than the limit.
    let frames = [pool.request(64).unwrap(), pool.request(64).unwrap()];
    frames.into_iter().for_each(Frame::release);
    assert_eq!(pool.store.free_list.lock().kept(), 1);
    pool.set_pool_size(0);
    assert_eq!(pool.store.free_list.lock().kept(), 0);
}
