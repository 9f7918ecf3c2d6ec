//! Client and emulated device, connected with each other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rogue_mem::memory::{self, Hub, Observer, Transaction, TransactionType};
use rogue_mem::protocols::{SrpV3, SrpV3Emulation};
use rogue_mem::stream::{self, Node};

use testkit::bus::Ends;
use testkit::wait::wait_until_freed;

/// Long enough for a busy machine; every wait here ends with an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

fn pair() -> (Arc<SrpV3>, Arc<SrpV3Emulation>, memory::Master) {
    let (srp, emulation) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
    stream::connect(&*srp, &*emulation).unwrap();
    let master = memory::Master::new();
    master.set_timeout(TIMEOUT);
    master.set_slave(srp.clone());
    (srp, emulation, master)
}

/// A master of a device at `offset`.
fn device(srp: &Arc<SrpV3>, offset: u64) -> memory::Master {
    let hub = Hub::new(offset, 0, 0);
    hub.master().set_slave(srp.clone());
    let master = memory::Master::new();
    master.set_timeout(TIMEOUT);
    master.set_slave(hub);
    master
}

#[test]
fn registers_read_back_what_was_written() {
    let (_srp, _emulation, master) = pair();
    assert_eq!(master.read(0x100, 8).unwrap(), master.read(0x100, 8).unwrap());
    for (address, value) in [(0x0, 0x1234_5678_u32), (0x4, 0xDEAD_BEEF), (0x8, 0), (0x0, 1)] {
        master.write(address, &value.to_le_bytes()).unwrap();
        assert_eq!(master.read(address, 4).unwrap(), value.to_le_bytes());
        assert_eq!(master.verify(address, 4).unwrap(), value.to_le_bytes());
    }
    assert_eq!(master.read(0, 12).unwrap()[..8], [1, 0, 0, 0, 0xEF, 0xBE, 0xAD, 0xDE]);
    let wide = 0x0123_4567_89AB_CDEF_u64;
    master.write(0xFFFF_FFFF_0000_0010, &wide.to_le_bytes()).unwrap();
    assert_eq!(master.read(0xFFFF_FFFF_0000_0010, 8).unwrap(), wide.to_le_bytes());
    master.post(0x20, &[7; 4]).unwrap();
    assert_eq!(master.read(0x20, 4).unwrap(), [7; 4]);
}

#[test]
fn devices_at_different_offsets_do_not_meet() {
    let (srp, _emulation, master) = pair();
    let devices: Vec<_> = (0..4).map(|index| device(&srp, index * 0x1_0000)).collect();
    for (index, device) in devices.iter().enumerate() {
        // 64 KiB in one request: split into 16 accesses.
        device.write(0, &vec![index as u8 + 1; 0x1_0000]).unwrap();
    }
    for (index, device) in devices.iter().enumerate() {
        let data = device.read(0, 0x1_0000).unwrap();
        assert!(data.iter().all(|&byte| byte == index as u8 + 1));
        let seen = master.read(index as u64 * 0x1_0000 + 0xFFFC, 4).unwrap();
        assert_eq!(seen, [index as u8 + 1; 4]);
    }
}

#[test]
fn four_devices_read_at_once_show_no_cross_talk() {
    const ROUNDS_COUNT: usize = 100;
    const REGISTERS_COUNT: u64 = 8;
    let (srp, _emulation, _master) = pair();
    let value = |device: u64, register: u64| (device << 16 | register).to_le_bytes();
    std::thread::scope(|scope| {
        for index in 0..4 {
            let master = device(&srp, index * 0x1000);
            scope.spawn(move || {
                for register in 0..REGISTERS_COUNT {
                    master.write(register * 8, &value(index, register)).unwrap();
                }
                for _ in 0..ROUNDS_COUNT {
                    for register in 0..REGISTERS_COUNT {
                        let read = master.read(register * 8, 8).unwrap();
                        assert_eq!(read, value(index, register), "device {index}");
                    }
                }
            });
        }
    });
}

#[test]
fn writers_and_readers_at_once_raise_no_error_and_see_whole_words() {
    const ROUNDS_COUNT: u32 = 50;
    let (_srp, _emulation, master) = pair();
    std::thread::scope(|scope| {
        for writer in 0..4_u32 {
            let master = &master;
            scope.spawn(move || {
                for round in 0..ROUNDS_COUNT {
                    let value = (writer << 8 | round).wrapping_mul(0x0101_0101);
                    master
                        .write(0x40, &[value.to_le_bytes(), value.to_le_bytes()].concat())
                        .unwrap();
                }
            });
            scope.spawn(move || {
                for _ in 0..ROUNDS_COUNT {
                    let read = master.read(0x40, 8).unwrap();
                    assert_eq!(read[..4], read[4..], "an access is carried out as a whole");
                }
            });
        }
    });
    assert_eq!(master.outstanding_count(), 0);
}

#[test]
fn a_hundred_thousand_outstanding_requests_are_all_answered() {
    const COUNT: u32 = 100_000;
    let (srp, _emulation, master) = pair();
    let ids: Vec<u32> = (0..COUNT)
        .map(|n| {
            let data = n.to_le_bytes().to_vec();
            let ty = if n % 2 == 0 { TransactionType::Write } else { TransactionType::Post };
            master.request(u64::from(n) * 4, data.into(), ty).unwrap()
        })
        .collect();
    let reads: Vec<u32> = (0..COUNT)
        .map(|n| {
            master.request(u64::from(n) * 4, vec![0; 4].into(), TransactionType::Read).unwrap()
        })
        .collect();
    for id in ids {
        master.wait(id).unwrap();
    }
    for (n, id) in (0..COUNT).zip(reads) {
        assert_eq!(master.wait_buffer(id).unwrap(), n.to_le_bytes());
    }
    assert_eq!(memory::Slave::base(&*srp).pending_count(), 0);
}

/// Starts the next request where the one before is completed: in the worker of the device.
struct Chain {
    master: memory::Master,
    left: AtomicU32,
    ends: Ends,
}

impl Chain {
    fn next(self: &Arc<Self>) {
        let tran = self.master.prepare(0x10, vec![0; 4].into(), TransactionType::Read).unwrap();
        tran.observe(Arc::new(Link(self.clone())));
        self.master.launch(&tran);
    }
}

struct Link(Arc<Chain>);

impl Observer for Link {
    fn completed(&self, tran: &Arc<Transaction>) {
        tran.outcome().unwrap().unwrap();
        self.0.ends.completed(tran);
        if self.0.left.fetch_sub(1, Ordering::Relaxed) > 1 {
            self.0.next();
        }
    }
}

#[test]
fn a_request_may_be_made_from_within_the_completion_of_another() {
    const COUNT: u32 = 10_000;
    let (_srp, _emulation, master) = pair();
    let chain = Arc::new(Chain { master, left: AtomicU32::new(COUNT), ends: Ends::default() });
    chain.next();
    chain.ends.wait(COUNT as usize);
}

#[test]
fn the_emulation_works_on_while_a_client_is_connected_and_the_client_while_a_master_is() {
    let (srp, emulation, master) = pair();
    drop((srp, emulation));
    master.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0, 4).unwrap(), [1, 2, 3, 4]);
}

/// What must not outlive its handles: both stream slaves and both stream masters. The emulation's
/// master is also its worker's, so that its end is the worker's end.
fn watch(srp: &SrpV3, emulation: &SrpV3Emulation) -> impl Fn() {
    fn weak<T: ?Sized>(all: [Arc<T>; 2]) -> [Weak<T>; 2] {
        all.each_ref().map(Arc::downgrade)
    }
    let slaves = weak([srp.stream_slave(), emulation.stream_slave()]);
    let masters = weak([srp.stream_master(), emulation.stream_master()]);
    move || {
        masters.iter().for_each(wait_until_freed);
        slaves.iter().for_each(wait_until_freed);
    }
}

#[test]
fn both_ends_are_freed_with_their_last_handles_although_they_are_connected_both_ways() {
    for order in 0..3 {
        let (srp, emulation, master) = pair();
        master.write(0, &[1; 4]).unwrap();
        let freed = watch(&srp, &emulation);
        match order {
            0 => drop((srp, emulation, master)),
            1 => drop((emulation, master, srp)),
            _ => drop((master, srp, emulation)),
        }
        freed();
    }
}

#[test]
fn stop_at_either_end_frees_the_other() {
    let (srp, emulation, master) = pair();
    let freed = watch(&srp, &emulation);
    emulation.stop();
    srp.stop();
    assert_eq!(srp.stream_master().slave_count(), 0);
    assert_eq!(emulation.stream_master().slave_count(), 0);
    let text = master.read(0, 4).unwrap_err().text().to_owned();
    assert!(text.contains("no stream"), "{text}");
    drop((srp, emulation, master));
    freed();
}

#[test]
fn a_hundred_pairs_leave_no_thread_behind() {
    let mut last = None;
    for _ in 0..100 {
        let (srp, emulation, master) = pair();
        assert_eq!(master.read(0, 4).unwrap(), [0; 4]);
        last = Some(watch(&srp, &emulation));
    }
    last.expect("a hundred pairs")();
}
