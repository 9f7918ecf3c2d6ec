//! What memory does at the end of any way. Addresses and sizes are in units of the way.

use std::sync::Barrier;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::memory::{Master, TransactionType};
use rogue_mem::Status;

use crate::ways::{hub_over, ToMemory};
use testkit::bus::{master_of, zeros};

/// `units` of the way, with content that differs from place to place and from one `mark` to
/// another.
fn pattern<W: ToMemory>(units: usize, mark: u64) -> Vec<u8> {
    let bytes = (0..(units * W::UNIT) as u64).map(|n| n.wrapping_add(mark));
    bytes.map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u8).collect()
}

/// The address of unit `index` at or after `base`.
fn at<W: ToMemory>(base: u64, index: usize) -> u64 {
    base + (index * W::UNIT) as u64
}

/// An address with those of its bits that reach the memory.
fn within<W: ToMemory>(address: u64) -> u64 {
    address & (u64::MAX >> (64 - W::ADDRESS_BITS))
}

pub fn what_is_written_is_read_and_verified<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    for (place, mark) in [(0, 1), (1, 2), (5, 3), (0, 4)] {
        let bytes = pattern::<W>(3, mark);
        let address = at::<W>(0x1000, place);
        master.write(address, &bytes).unwrap();
        assert_eq!(master.read(address, bytes.len() as u32).unwrap(), bytes);
        assert_eq!(master.verify(address, bytes.len() as u32).unwrap(), bytes);
        master.post(address, &pattern::<W>(3, !mark)).unwrap();
        assert_eq!(master.read(address, bytes.len() as u32).unwrap(), pattern::<W>(3, !mark));
    }
    assert_eq!(master.last_error(), "");
    assert_eq!(master.outstanding_count(), 0);
}

pub fn what_was_never_written_reads_as_zero<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    let addresses = [0, 0x1_0000, 0x7FFF_FFFF_FFFF_F000, 0xFFFF_FFFF_FFFF_F000];
    for address in addresses.map(within::<W>) {
        assert_eq!(master.read(address, 64).unwrap(), [0; 64], "{address:#x}");
    }
}

pub fn accesses_of_many_sizes_touch_their_bytes_only<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    let mut model = vec![0; 80 * W::UNIT];
    for units in 1..40 {
        let bytes = pattern::<W>(units, units as u64);
        let start = (40 - units) * W::UNIT;
        master.write(0x4000 + start as u64, &bytes).unwrap();
        model[start..start + bytes.len()].copy_from_slice(&bytes);
        assert_eq!(master.read(0x4000, model.len() as u32).unwrap(), model, "{units} units");
    }
}

pub fn offsets_of_hubs_add_up<W: ToMemory>() {
    let path = W::to_memory();
    let (lower, upper) = (within::<W>(0x2_2000_0000), 0x100);
    let near = master_of(hub_over(hub_over(path.near(), lower), upper));
    let bytes = pattern::<W>(4, 7);
    near.write(0x20, &bytes).unwrap();
    assert_eq!(near.read(0x20, bytes.len() as u32).unwrap(), bytes);
    let direct = path.master();
    assert_eq!(direct.read(lower + 0x120, bytes.len() as u32).unwrap(), bytes);
    assert_eq!(near.req_address(), direct.req_address() + lower + upper);
}

pub fn addresses_beyond_four_gigabytes_are_places_of_their_own<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    let places = [0x10, 0x1_0000_0010, 0xFFFF_FFFF_0000_0010, 0x8000_0000_0000_0010];
    for (mark, place) in places.into_iter().enumerate() {
        master.write(place, &pattern::<W>(2, mark as u64)).unwrap();
    }
    for (mark, place) in places.into_iter().enumerate() {
        let bytes = pattern::<W>(2, mark as u64);
        assert_eq!(master.read(place, bytes.len() as u32).unwrap(), bytes, "{place:#x}");
    }
}

pub fn f03_no_access_reaches_beyond_the_address_space<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    let unit = W::UNIT as u64;
    let last = 0u64.wrapping_sub(unit);
    let bytes = pattern::<W>(2, 1);
    for address in [last, last - (1 << 20) + unit] {
        let size = if address == last { 2 * unit } else { (1 << 20) + unit };
        for ty in [
            TransactionType::Write,
            TransactionType::Post,
            TransactionType::Read,
            TransactionType::Verify,
        ] {
            let id = master.request(address, zeros(size as usize), ty).unwrap();
            let error = master.wait(id).unwrap_err();
            assert_eq!(error.status(), Status::Transaction);
            let text = format!("Transaction of {size} bytes at 0x{address:x} reaches beyond");
            assert!(error.text().starts_with(&text), "{error}");
        }
    }
    master.write(last - unit, &bytes).unwrap();
    assert_eq!(master.read(last - unit, 2 * W::UNIT as u32).unwrap(), bytes, "its end is in it");
    assert_eq!(master.read(0, W::UNIT as u32).unwrap(), vec![0; W::UNIT]);
}

pub fn a_large_block_arrives_whole<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    // Neither a multiple of a page nor of an access, and from the middle of one.
    let bytes = pattern::<W>((3 << 20) / W::UNIT - 7, 3);
    let address = at::<W>(0x8000, 3);
    master.write(address, &bytes).unwrap();
    assert!(master.read(address, bytes.len() as u32).unwrap() == bytes);
    let end = address + bytes.len() as u64;
    assert_eq!(master.read(end, W::UNIT as u32).unwrap(), vec![0; W::UNIT]);
    assert_eq!(master.read(at::<W>(0x8000, 2), W::UNIT as u32).unwrap(), vec![0; W::UNIT]);
}

pub fn a_later_write_wins<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    for round in 0..20 {
        let marks: Vec<u64> = (0..20).map(|n| 100 * round + n).collect();
        for mark in &marks {
            let ty = if mark % 3 == 0 { TransactionType::Post } else { TransactionType::Write };
            master.request(0, pattern::<W>(2, *mark).into(), ty).unwrap();
        }
        let last = pattern::<W>(2, marks[marks.len() - 1]);
        assert_eq!(master.read(0, last.len() as u32).unwrap(), last, "asked in this order");
        master.wait(0).unwrap();
    }
}

pub fn many_requests_may_be_outstanding<W: ToMemory>() {
    const COUNT: usize = 5000;
    let path = W::to_memory();
    let master = path.master();
    for index in 0..COUNT {
        let bytes = pattern::<W>(1, index as u64);
        master.request(at::<W>(0, index), bytes.into(), TransactionType::Write).unwrap();
    }
    master.wait(0).unwrap();
    let ids: Vec<u32> = (0..COUNT)
        .map(|index| {
            master.request(at::<W>(0, index), zeros(W::UNIT), TransactionType::Read).unwrap()
        })
        .collect();
    // Waited for in another order than they were asked in.
    for (index, id) in ids.into_iter().enumerate().rev() {
        assert_eq!(master.wait_buffer(id).unwrap(), pattern::<W>(1, index as u64));
    }
    assert_eq!(master.outstanding_count(), 0);
}

pub fn posted_writes_need_no_waiting<W: ToMemory>() {
    const COUNT: usize = 5000;
    let path = W::to_memory();
    let master = path.master();
    for index in 0..COUNT {
        let bytes = pattern::<W>(1, index as u64);
        master.request(at::<W>(0, index % 100), bytes.into(), TransactionType::Post).unwrap();
    }
    let bytes = master.read(0, (100 * W::UNIT) as u32).unwrap();
    for (index, part) in bytes.chunks(W::UNIT).enumerate() {
        assert_eq!(part, pattern::<W>(1, (COUNT - 100 + index) as u64));
    }
    master.wait(0).unwrap();
}

/// Random accesses within `units` from `base`, each compared with a model of the memory.
fn play<W: ToMemory>(master: &Master, base: u64, units: usize, seed: u64, count: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = vec![0; units * W::UNIT];
    for n in 0..count {
        let start = rng.random_range(0..units);
        let size = rng.random_range(1..=(units - start).min(300));
        let range = start * W::UNIT..(start + size) * W::UNIT;
        let address = at::<W>(base, start);
        match rng.random_range(0..4) {
            0 => {
                let bytes = pattern::<W>(size, rng.random());
                master.write(address, &bytes).unwrap();
                model[range].copy_from_slice(&bytes);
            }
            1 => {
                let bytes = pattern::<W>(size, rng.random());
                master.post(address, &bytes).unwrap();
                model[range].copy_from_slice(&bytes);
            }
            kind => {
                let bytes = range.len() as u32;
                let read = match kind {
                    2 => master.read(address, bytes).unwrap(),
                    _ => master.verify(address, bytes).unwrap(),
                };
                assert!(read == model[range], "seed {seed}, access {n}, at {address:#x}");
            }
        }
    }
}

pub fn random_accesses_agree_with_a_model<W: ToMemory>() {
    let path = W::to_memory();
    // Across the end of 32 bits, where there are more.
    let base = 0xFFFF_F000 & (u64::MAX >> (65 - W::ADDRESS_BITS));
    play::<W>(&path.master(), base, 3000, 1, 600);
}

/// Several threads at once, each in a window of its own.
fn play_in_threads<W: ToMemory>(master_of_thread: impl Fn(u64) -> Master + Sync) {
    const THREADS_COUNT: u64 = 4;
    let barrier = Barrier::new(THREADS_COUNT as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            let (barrier, master_of_thread) = (&barrier, &master_of_thread);
            scope.spawn(move || {
                let master = master_of_thread(thread);
                barrier.wait();
                play::<W>(&master, 0, 500, 10 + thread, 150);
            });
        }
    });
}

pub fn threads_with_masters_of_their_own_do_not_meet<W: ToMemory>() {
    let path = W::to_memory();
    let near = (0..4).map(|thread| hub_over(path.near(), thread * 0x1_0000)).collect::<Vec<_>>();
    play_in_threads::<W>(|thread| master_of(near[thread as usize].clone()));
}

pub fn threads_share_a_master_without_cross_talk<W: ToMemory>() {
    let path = W::to_memory();
    let master = path.master();
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (master, barrier) = (&master, &barrier);
            scope.spawn(move || {
                barrier.wait();
                play::<W>(master, thread * 0x1_0000, 500, 20 + thread, 150);
            });
        }
    });
    assert_eq!(master.outstanding_count(), 0);
}

pub fn dropping_a_master_with_requests_on_their_way_harms_nobody<W: ToMemory>() {
    let path = W::to_memory();
    let steady = path.master();
    for round in 0..50 {
        let hasty = path.master();
        for index in 0..20 {
            hasty
                .request(at::<W>(0x10_0000, index), zeros(W::UNIT), TransactionType::Read)
                .unwrap();
        }
        drop(hasty);
        let bytes = pattern::<W>(5, round);
        steady.write(0, &bytes).unwrap();
        assert_eq!(steady.read(0, bytes.len() as u32).unwrap(), bytes);
    }
}
