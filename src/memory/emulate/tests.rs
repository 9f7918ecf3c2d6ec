use std::collections::HashMap;

use rand::{Rng, SeedableRng};

use super::*;
use crate::memory::{Master, TransactionType};

fn memory() -> (Arc<Emulate>, Master) {
    let memory = Emulate::new(4, 0x1000);
    let master = Master::new();
    master.set_slave(memory.clone());
    (memory, master)
}

#[test]
fn d27_bytes_never_written_read_as_zero_and_take_no_memory() {
    let (memory, master) = memory();
    for address in [0, 0xFFF, 0x1_0000_0000, u64::MAX - 7, 0x8000_0000_0000_0000] {
        for _ in 0..2 {
            assert_eq!(master.read(address, 8).unwrap(), [0; 8], "{address:#x}");
        }
    }
    assert_eq!(master.read(0x10, 1 << 20).unwrap(), vec![0; 1 << 20]);
    assert_eq!(memory.allocated_bytes(), 0);
    // A page with one written byte is zero elsewhere.
    master.write(0x2001, &[9]).unwrap();
    let page = master.read(0x2000, 0x1000).unwrap();
    assert_eq!((page[0], page[1]), (0, 9));
    assert!(page[2..].iter().all(|&byte| byte == 0));
    assert_eq!(memory.allocated_bytes(), 0x1000);
    assert_eq!(master.read(0x1FF0, 0x2000).unwrap()[0x11], 9);
    assert_eq!(memory.allocated_bytes(), 0x1000, "reads around it allocate nothing either");
}

#[test]
fn d27_a_transaction_given_up_before_is_not_touched() {
    let (memory, master) = memory();
    let tran = master.prepare(0, vec![1; 4].into(), TransactionType::Write).unwrap();
    tran.give_up("not wanted any more");
    tran.collect();
    memory.do_transaction(&tran);
    assert_eq!(memory.allocated_bytes(), 0);
    assert_eq!(tran.outcome().unwrap().unwrap_err().text(), "not wanted any more");
}

#[test]
fn f03_the_whole_address_space_exists_and_has_an_end() {
    let (memory, master) = memory();
    let bytes: Vec<u8> = (1..=16).collect();
    assert!(master.write(u64::MAX - 7, &bytes).is_err());
    assert!(master.read(u64::MAX - 7, 9).is_err());
    assert_eq!(memory.allocated_bytes(), 0, "nothing was written");
    master.write(u64::MAX - 15, &bytes).unwrap();
    assert_eq!(master.read(u64::MAX - 7, 8).unwrap(), bytes[8..]);
    master.write(0x1_0000_0FFE, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x1_0000_1000, 2).unwrap(), [3, 4]);
    assert_eq!(master.read(0x1000, 2).unwrap(), [0, 0], "4 GiB lower is another address");
    assert_eq!(memory.allocated_bytes(), 3 * 0x1000);
}

#[test]
fn writes_write_and_reads_read() {
    let (_, master) = memory();
    for (ty, value) in [(TransactionType::Write, 1u8), (TransactionType::Post, 2)] {
        master.wait(master.request(0, vec![value].into(), ty).unwrap()).unwrap();
        for ty in [TransactionType::Read, TransactionType::Verify] {
            let id = master.request(0, vec![0xEE].into(), ty).unwrap();
            assert_eq!(master.wait_buffer(id).unwrap(), [value], "{ty}");
        }
    }
}

#[test]
fn limits_are_advertised_and_not_enforced() {
    let (_, master) = memory();
    assert_eq!((master.req_min_access(), master.req_max_access()), (4, 0x1000));
    let bytes: Vec<u8> = (0..0x2345u32).map(|n| n as u8).collect();
    master.write(3, &bytes).unwrap();
    assert_eq!(master.read(3, 0x2345).unwrap(), bytes);
    assert_eq!(master.read(4, 1).unwrap(), [1]);
    master.write(0, &[]).unwrap();
    assert!(master.read(0, 0).unwrap().is_empty());
}

#[test]
fn agrees_with_a_map_of_single_bytes() {
    let (_, master) = memory();
    let mut model: HashMap<u64, u8> = HashMap::new();
    for seed in 0..3 {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        // Around page borders, the 4 GiB border and up to the end of the address space.
        let places = [0x1000, 0x3000, 0x1_0000_0000, 0u64.wrapping_sub(0xC00)];
        for _ in 0..150 {
            let place = places[rng.random_range(0..places.len())];
            let address = place.wrapping_add(rng.random_range(0..0x1800)).wrapping_sub(0xC00);
            let size = rng.random_range(0..0x1800u64).min(address.wrapping_neg());
            if rng.random() {
                let mut bytes = vec![0; size as usize];
                rng.fill(&mut bytes[..]);
                master.write(address, &bytes).unwrap();
                let at = |n: usize| address.wrapping_add(n as u64);
                model.extend(bytes.iter().enumerate().map(|(n, byte)| (at(n), *byte)));
            } else {
                let bytes = master.read(address, size as u32).unwrap();
                for (n, byte) in bytes.iter().enumerate() {
                    let at = address.wrapping_add(n as u64);
                    let expected = model.get(&at).copied().unwrap_or(0);
                    assert_eq!(*byte, expected, "seed {seed} at {at:#x}");
                }
            }
        }
    }
}
