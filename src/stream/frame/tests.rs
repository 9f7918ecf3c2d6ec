use super::*;
use rand::{Rng, RngCore, SeedableRng};

/// Buffers of the given sizes, without payload.
fn buffers(sizes: &[usize]) -> Buffers {
    let mut buffers = Buffers::default();
    for &size in sizes {
        let mut buffer = Buffer::from(vec![0; size]);
        buffer.set_payload(0).unwrap();
        buffers.push(buffer);
    }
    buffers
}

#[test]
fn setting_a_user_byte_replaces_it_and_leaves_the_rest() {
    let frame = Frame::new(0).unwrap();
    frame.set_channel(0x7F);
    frame.set_error(0x80);
    frame.set_first_user(0x55);
    frame.set_first_user(0x0A);
    frame.set_last_user(0x01);
    frame.set_last_user(0x80);
    // The reference ends with 0x5F and 0x81, the bits of both calls.
    assert_eq!((frame.first_user(), frame.last_user(), frame.flags()), (0x0A, 0x80, 0x800A));
    assert_eq!((frame.channel(), frame.error()), (0x7F, 0x80));
    frame.set_flags(0x1234);
    assert_eq!((frame.first_user(), frame.last_user()), (0x34, 0x12));
    assert_eq!((frame.channel(), frame.error()), (0x7F, 0x80));
}

#[test]
fn a_new_frame_has_zero_metadata() {
    let frame = Frame::new(4).unwrap();
    assert_eq!((frame.flags(), frame.channel(), frame.error()), (0, 0, 0));
    assert_eq!(frame.lock().payload(), 0);
}

#[test]
fn a_payload_beyond_the_frame_is_refused_and_changes_nothing() {
    let frame = Frame::new(10).unwrap();
    let mut buffers = frame.lock();
    buffers.set_payload(7).unwrap();
    assert_eq!(buffers.set_payload(11).unwrap_err().status(), Status::Frame);
    assert_eq!((buffers.payload(), buffers.available()), (7, 3));
}

#[test]
fn reads_and_writes_beyond_the_payload_are_refused() {
    let mut buffers = buffers(&[4, 4]);
    buffers.set_payload(6).unwrap();
    for (offset, count) in [(0, 7), (6, 1), (7, 0), (usize::MAX, 2)] {
        assert!(buffers.write_at(offset, &vec![1; count]).is_err(), "{offset}+{count}");
        assert!(buffers.read_at(offset, &mut vec![1; count]).is_err(), "{offset}+{count}");
    }
    assert_eq!(buffers.to_vec(), [0; 6]);
    assert!(buffers.write_at(6, &[]).is_ok());
}

#[test]
fn a_payload_in_several_buffers_reads_and_writes_like_one() {
    for seed in 0..200 {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let sizes: Vec<usize> =
            (0..rng.random_range(0..6)).map(|_| rng.random_range(0..9)).collect();
        let total: usize = sizes.iter().sum();
        let mut buffers = buffers(&sizes);
        let count = rng.random_range(0..=total);
        buffers.set_payload(count).unwrap();
        assert_eq!((buffers.payload(), buffers.available()), (count, total - count));
        let mut model = vec![0; count];
        for _ in 0..20 {
            let offset = rng.random_range(0..=count);
            let mut bytes = vec![0; rng.random_range(0..=count - offset)];
            rng.fill_bytes(&mut bytes);
            buffers.write_at(offset, &bytes).unwrap();
            model[offset..offset + bytes.len()].copy_from_slice(&bytes);
            let offset = rng.random_range(0..=count);
            let mut read = vec![0xEE; rng.random_range(0..=count - offset)];
            buffers.read_at(offset, &mut read).unwrap();
            assert_eq!(read, model[offset..offset + read.len()], "seed {seed} sizes {sizes:?}");
        }
        assert_eq!(buffers.to_vec(), model);
        if let Some(bytes) = buffers.contiguous() {
            assert_eq!(bytes, model);
        }
        let former = buffers.join().unwrap();
        assert_eq!(former.count(), if sizes.len() > 1 { sizes.len() } else { 0 });
        let joined = buffers.space_mut();
        assert_eq!((joined.len(), &joined[..count]), (total, &model[..]), "seed {seed}");
        assert_eq!(buffers.to_vec(), model);
    }
}

#[test]
fn a_payload_that_ends_in_the_first_of_two_buffers_is_contiguous() {
    let mut buffers = buffers(&[4, 4]);
    buffers.set_payload(4).unwrap();
    assert_eq!(buffers.contiguous(), Some(&[0; 4][..]));
    buffers.set_payload(5).unwrap();
    assert_eq!(buffers.contiguous(), None);
}

#[test]
fn taking_the_buffers_leaves_an_empty_frame() {
    let frame = Arc::new(Frame::from(vec![1, 2, 3]));
    let taken = frame.lock().take();
    assert_eq!(taken.to_vec(), [1, 2, 3]);
    let left = frame.lock();
    assert_eq!((left.count(), left.payload()), (0, 0));
}

#[test]
fn one_thread_at_a_time_locks_the_payload() {
    const THREADS_COUNT: usize = 4;
    const ROUNDS_COUNT: usize = 2000;
    let frame = Arc::new(Frame::from(vec![0; 8]));
    std::thread::scope(|scope| {
        for _ in 0..THREADS_COUNT {
            scope.spawn(|| {
                for _ in 0..ROUNDS_COUNT {
                    let mut buffers = frame.lock();
                    let mut count = [0; 8];
                    buffers.read_at(0, &mut count).unwrap();
                    let next = u64::from_le_bytes(count) + 1;
                    buffers.write_at(0, &next.to_le_bytes()).unwrap();
                }
            });
        }
    });
    let count = u64::from_le_bytes(frame.lock().to_vec().try_into().unwrap());
    assert_eq!(count, (THREADS_COUNT * ROUNDS_COUNT) as u64);
}

#[test]
fn a_shared_frame_is_filled_and_consumed_under_its_lock() {
    let mut frame = Frame::new(4).unwrap();
    let other = frame.clone();
    let is_locked = || other.mutex().is_locked();
    let filled = Frame::fill(&mut frame, |buffers| {
        buffers.set_payload(4).unwrap();
        buffers.write_at(0, &[1, 2, 3, 4]).unwrap();
        is_locked()
    });
    let consumed = Frame::consume(frame, |buffers| (buffers.to_vec(), is_locked()));
    assert!(filled && !is_locked());
    assert_eq!(consumed, (vec![1, 2, 3, 4], true));
    assert_eq!(Arc::strong_count(&other), 1);
    let alone = Frame::consume(other, |buffers| buffers.to_vec());
    assert_eq!(alone, [1, 2, 3, 4]);
}

#[test]
fn a_payload_is_copied_between_frames_of_different_pieces() {
    for seed in 0..200 {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut sizes = || -> Vec<usize> {
            (0..rng.random_range(0..6)).map(|_| rng.random_range(0..9)).collect()
        };
        let (sizes_from, sizes_into) = (sizes(), sizes());
        let (mut from, mut into) = (buffers(&sizes_from), buffers(&sizes_into));
        from.set_payload(from.size()).unwrap();
        let bytes: Vec<u8> = (1..).take(from.size()).collect();
        from.write_at(0, &bytes).unwrap();
        into.set_payload(into.size() / 2).unwrap();
        let before = into.to_vec();
        let context = format!("seed {seed}: {sizes_from:?} {sizes_into:?}");
        let most = bytes.len().min(into.size());
        for count in [bytes.len() + 1, into.size() + 1].into_iter().filter(|count| *count > most) {
            assert!(into.copy_from(&from, count).is_err(), "{context}");
            assert_eq!(into.to_vec(), before, "{context}");
        }
        for count in [most, most / 2, 0] {
            into.copy_from(&from, count).unwrap();
            assert_eq!(into.to_vec(), bytes[..count], "{context}");
        }
    }
}

#[test]
fn buffers_are_appended_in_order_and_found_by_their_number() {
    let mut all = Buffers::default();
    all.append(Buffers::default());
    all.append(buffers(&[1]));
    all.append(buffers(&[2, 3]));
    all.append(Buffers::default());
    let sizes = |all: &Buffers| all.iter().map(Buffer::size).collect::<Vec<_>>();
    assert_eq!(sizes(&all), [1, 2, 3]);
    let found = (0..4).map(|index| all.at(index).map(Buffer::size)).collect::<Vec<_>>();
    assert_eq!(found, [Some(1), Some(2), Some(3), None]);
    all.at_mut(2).unwrap().reserve_tail(1).unwrap();
    all.at_mut(0).unwrap().reserve_header(1).unwrap();
    assert_eq!(sizes(&all), [0, 2, 2]);
    assert!(all.at_mut(3).is_none());
}

#[test]
fn the_buffers_of_a_frame_are_taken_from_a_sole_owner_and_copied_from_a_shared_frame() {
    let frame = Arc::new(Frame::from(vec![1, 2, 3]));
    let place = frame.lock().contiguous().unwrap().as_ptr();
    let other = frame.clone();
    let copy = Frame::into_buffers(frame).unwrap();
    assert_ne!(copy.contiguous().unwrap().as_ptr(), place);
    other.lock().write_at(0, &[9]).unwrap();
    assert_eq!(copy.to_vec(), [1, 2, 3]);
    let own = Frame::into_buffers(other).unwrap();
    assert_eq!(own.contiguous().unwrap().as_ptr(), place);
    assert_eq!(
        own.into_each().map(|buffer| buffer.as_ref().to_vec()).collect::<Vec<_>>(),
        [[9, 2, 3]]
    );
}
