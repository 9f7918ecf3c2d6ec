//! `MemMap` over the bus: registers in an ordinary file, as which it needs no rights.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rogue_mem::hardware::{MemMap, MemMapOptions, DEVICE_PATH};
use rogue_mem::memory::{Slave, TransactionType};
use testkit::bus::{collect, launch, master_of, text_of, zeros};

const SIZE: u64 = 0x1_0000;

/// A map of a file of its own.
struct Map {
    path: PathBuf,
    map: Arc<MemMap>,
}

impl Map {
    fn new(name: &str, access_bytes: u32) -> Map {
        let path = std::env::temp_dir().join(format!("rogue-mem-{}-{name}", std::process::id()));
        File::create(&path).unwrap().set_len(SIZE).unwrap();
        let options = MemMapOptions { path: path.to_str().unwrap().to_owned(), access_bytes };
        Map { map: MemMap::new(0, SIZE, &options).unwrap(), path }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn what_is_written_stands_in_the_file_in_the_processors_byte_order() {
    let file = Map::new("bytes", 4);
    let master = master_of(file.map.clone());
    let bytes: Vec<u8> = (1..=16).collect();
    master.write(0x10, &bytes).unwrap();
    assert_eq!(master.read(0x10, 16).unwrap(), bytes);
    assert_eq!(master.verify(0x10, 16).unwrap(), bytes);
    assert_eq!(std::fs::read(&file.path).unwrap()[0x10..0x20], bytes);
    master.post(0x14, &[9; 4]).unwrap();
    assert_eq!(master.read(0x10, 8).unwrap(), [1, 2, 3, 4, 9, 9, 9, 9]);
}

#[test]
fn the_default_is_the_physical_memory_by_words_of_four_bytes() {
    let options = MemMapOptions::default();
    assert_eq!((options.path.as_str(), options.access_bytes), (DEVICE_PATH, 4));
    assert_eq!(DEVICE_PATH, "/dev/mem");
}

#[test]
fn limits_are_those_of_an_access() {
    for access_bytes in [4, 8] {
        let file = Map::new(&format!("limits{access_bytes}"), access_bytes);
        assert_eq!((file.map.min_access(), file.map.max_access()), (access_bytes, u32::MAX));
        assert_eq!(file.map.address(), 0);
    }
}

#[test]
fn what_is_not_whole_words_within_the_map_fails_and_touches_nothing() {
    let file = Map::new("bounds", 4);
    let master = master_of(file.map.clone());
    for (address, size, words) in [
        (0, 6, "must be an integer number of 4 bytes"),
        (0x12, 4, "must be a multiple of 4"),
        (SIZE, 4, "is out of bounds"),
        (SIZE - 4, 8, "is out of bounds"),
        (0xFFFF_FFFF_FFFF_FFF8, 4, "is out of bounds"),
        (1 << 32, 4, "is out of bounds"),
    ] {
        let text = text_of(master.write(address, &vec![7; size]));
        assert!(text.contains(words), "{text}");
        assert!(text_of(master.read(address, size as u32)).contains(words));
    }
    // Beyond the address space: it reaches no slave.
    assert!(master.write(0xFFFF_FFFF_FFFF_FFFC, &[7; 8]).is_err());
    assert!(std::fs::read(&file.path).unwrap().iter().all(|&byte| byte == 0));
    master.write(SIZE - 4, &[7; 4]).unwrap();
    let nothing = launch(&master, TransactionType::Write, 0, zeros(0));
    collect(&nothing).0.unwrap();
}

#[test]
fn eight_bytes_at_a_time_need_an_address_and_a_size_of_eight() {
    let file = Map::new("eight", 8);
    let master = master_of(file.map.clone());
    let bytes: Vec<u8> = (0..64).collect();
    master.write(8, &bytes).unwrap();
    assert_eq!(master.read(8, 64).unwrap(), bytes);
    assert!(text_of(master.read(4, 8)).contains("multiple of 8"));
    assert!(text_of(master.read(8, 4)).contains("integer number of 8 bytes"));
}

#[test]
fn after_the_end_requests_fail_at_once_in_words() {
    let file = Map::new("end", 4);
    let master = master_of(file.map.clone());
    master.write(0, &[1; 4]).unwrap();
    file.map.stop();
    file.map.stop();
    assert!(text_of(master.read(0, 4)).contains("was stopped"));
    assert!(text_of(master.post(0, &[1; 4])).contains("was stopped"));
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn the_end_may_come_while_others_use_the_map() {
    let file = Map::new("race", 4);
    let bytes = vec![5; SIZE as usize];
    thread::scope(|scope| {
        for _ in 0..3 {
            let master = master_of(file.map.clone());
            let bytes = &bytes;
            // A block is carried out whole or not at all.
            scope.spawn(move || while master.write(0, bytes).is_ok() {});
        }
        while std::fs::read(&file.path).unwrap() != bytes {
            thread::yield_now();
        }
        file.map.stop();
    });
    assert_eq!(std::fs::read(&file.path).unwrap(), bytes);
}

#[test]
fn blocks_of_several_threads_do_not_mix() {
    let file = Map::new("mix", 4);
    thread::scope(|scope| {
        for mark in 1..=4 {
            let master = master_of(file.map.clone());
            scope.spawn(move || {
                for _ in 0..200 {
                    master.write(0, &[mark; 4096]).unwrap();
                    let seen = master.read(0, 4096).unwrap();
                    assert!(seen.iter().all(|&byte| byte == seen[0]), "two blocks are mixed");
                }
            });
        }
    });
}

#[test]
fn posted_writes_are_carried_out() {
    let file = Map::new("post", 4);
    let master = master_of(file.map.clone());
    let tran = launch(&master, TransactionType::Post, 8, vec![3; 4]);
    collect(&tran).0.unwrap();
    assert_eq!(master.read(8, 4).unwrap(), [3; 4]);
}
