//! The emulated device against senders and receivers of every kind.

use std::collections::HashMap;
use std::sync::{mpsc, Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use rand::{Rng, RngCore, SeedableRng};
use rogue_mem::protocols::{SrpV3Emulation, SrpV3EmulationOptions, QUEUE_FRAMES_COUNT_MAX};
use rogue_mem::stream::{self, Fifo, Frame, Node};

use testkit::frames::Peer;
use testkit::wait::{wait_until_freed, LONG};

use crate::peer::{request, response, word};

const READ_4: u32 = 0x0A00_0003;
const WRITE_4: u32 = 0x0A00_0103;
const POST_4: u32 = 0x0A00_0203;
const NULL: u32 = 0x0A00_0303;
/// The status of a request that cannot be carried out.
const NOT_POSSIBLE: u32 = 0x1000;

fn emulation(peer: &Peer) -> Arc<SrpV3Emulation> {
    let emulation = SrpV3Emulation::new().unwrap();
    stream::connect(&*emulation, peer).unwrap();
    emulation
}

/// A peer whose receipt of each frame waits for a word from the test, and says that it waits.
fn gated() -> (Arc<Peer>, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, gate) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    let (gate, entered) = (Mutex::new(gate), Mutex::new(entered));
    let peer = Peer::new(move |_, _| {
        // The test may be over already.
        let _ = entered.lock().unwrap().send(());
        let _ = gate.lock().unwrap().recv();
    });
    (peer, open, inside)
}

#[test]
fn d55_what_was_never_written_reads_as_zero_twice() {
    let peer = Peer::silent();
    let emulation = emulation(&peer);
    for (count, address) in [0x0, 0x0, 0x1000, u64::MAX - 63].into_iter().enumerate() {
        let read = request(READ_4, 1, address, 64, &[]);
        peer.send(&read);
        assert_eq!(peer.wait(count + 1)[count].bytes, response(&read, &[0; 64], 0));
    }
    assert_eq!(emulation.allocated_bytes(), 0, "reading takes no memory");
}

/// One after the other they would take twice as long as the test waits.
#[test]
fn requests_that_wait_for_the_devices_latency_overlap_and_none_is_carried_out_early() {
    const COUNT: u32 = 1000;
    let latency = LONG / 500;
    let options = SrpV3EmulationOptions { latency, ..Default::default() };
    let device = SrpV3Emulation::with_options(options).unwrap();
    let peer = Peer::silent();
    stream::connect(&*device, &*peer).unwrap();
    let begin = Instant::now();
    for id in 0..COUNT {
        peer.send(&request(READ_4, id, 0, 4, &[]));
    }
    let seen = peer.wait(1);
    assert!(begin.elapsed() >= latency && !seen.is_empty());
    let seen = peer.wait(COUNT as usize);
    assert!(seen.iter().map(|seen| word(&seen.bytes, 1)).eq(0..COUNT), "in order of arrival");
    // One that comes while nothing waits, and one while another one does.
    for id in COUNT..COUNT + 2 {
        let begin = Instant::now();
        peer.send(&request(READ_4, id, 0, 4, &[]));
        peer.send(&request(READ_4, id, 0, 4, &[]));
        peer.wait((COUNT + 2 * (id - COUNT + 1)) as usize);
        assert!(begin.elapsed() >= latency);
    }
}

#[test]
fn stop_drops_the_requests_that_wait_for_the_devices_latency() {
    let options = SrpV3EmulationOptions { latency: Duration::MAX, ..Default::default() };
    let device = SrpV3Emulation::with_options(options).unwrap();
    let peer = Peer::silent();
    stream::connect(&*device, &*peer).unwrap();
    peer.send(&request(READ_4, 1, 0, 4, &[]));
    device.stop();
    assert!(peer.wait(0).is_empty());
}

#[test]
fn d55_an_answer_is_sent_with_the_memory_unlocked() {
    let slot: Arc<Mutex<Weak<SrpV3Emulation>>> = Arc::default();
    let inner = slot.clone();
    let (told, used) = mpsc::channel();
    let peer = Peer::new(move |_, _| {
        let emulation = inner.lock().unwrap().upgrade().unwrap();
        told.send(emulation.allocated_bytes()).unwrap();
    });
    let emulation = emulation(&peer);
    *slot.lock().unwrap() = Arc::downgrade(&emulation);
    peer.send(&request(WRITE_4, 1, 0xFFE, 4, &[1; 4]));
    assert_eq!(used.recv().unwrap(), 0x2000);
}

#[test]
fn d43_a_receiver_that_panics_does_not_end_the_device() {
    let peer = Peer::new(|_, answer| assert!(word(answer, 1) != 1, "panicking on purpose"));
    let _emulation = emulation(&peer);
    for id in 1..=3 {
        peer.send(&request(READ_4, id, 0, 4, &[]));
    }
    let seen = peer.wait(3);
    assert_eq!(seen.iter().map(|seen| word(&seen.bytes, 1)).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_request_of_two_bytes_and_other_malformed_ones_are_not_answered() {
    let peer = Peer::silent();
    let _emulation = emulation(&peer);
    let good = request(READ_4, 0x77, 0, 4, &[]);
    peer.send(&request(READ_4, 1, 0, 2, &[]));
    peer.send(&request(NULL, 2, 0, 4, &[]));
    peer.send(&request(0x0A00_0004, 3, 0, 4, &[]));
    peer.send(&request(READ_4, 4, 0, 4100, &[]));
    peer.send(&request(WRITE_4, 5, 0, 8, &[1; 7]));
    peer.send_marked(&good, 1);
    for count in 0..20 {
        peer.send(&good[..count]);
    }
    peer.send(&good);
    // In order: had one of the others been answered, its answer would stand here.
    assert_eq!(peer.wait(1)[0].bytes, response(&good, &[0; 4], 0));
}

#[test]
fn f03_a_request_beyond_the_address_space_is_answered_as_not_possible() {
    let peer = Peer::silent();
    let emulation = emulation(&peer);
    let all = [
        request(WRITE_4, 1, u64::MAX - 3, 8, &[1; 8]),
        request(POST_4, 2, u64::MAX - 3, 8, &[1; 8]),
        request(READ_4, 3, u64::MAX - 3, 8, &[]),
        request(READ_4, 4, u64::MAX, 4, &[]),
    ];
    all.iter().for_each(|one| peer.send(one));
    let last = request(READ_4, 5, u64::MAX - 3, 4, &[]);
    peer.send(&last);
    let mut expected: Vec<_> =
        [0, 2, 3].iter().map(|&n: &usize| response(&all[n], &[], NOT_POSSIBLE)).collect();
    expected.push(response(&last, &[0; 4], 0));
    let seen = peer.wait(expected.len());
    assert_eq!(seen.iter().map(|seen| seen.bytes.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(emulation.allocated_bytes(), 0);
}

#[test]
fn random_requests_are_answered_as_plain_memory_would() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let peer = Peer::silent();
    let _emulation = emulation(&peer);
    let mut memory: HashMap<u64, u8> = HashMap::new();
    let mut expected = Vec::new();
    for id in 0..4000 {
        let base = [0, 0xFFFF_FFF0, u64::MAX - 200, 0x1000][rng.random_range(0..4)];
        let address: u64 = base.wrapping_add(rng.random_range(0..128));
        let word_0 = match rng.random_range(0..20) {
            0 => rng.random(),
            _ => u32::from(rng.random::<u8>()) << 24 | rng.random_range(0..4) << 8 | 3,
        };
        let size = match rng.random_range(0..12) {
            0 => rng.random(),
            1 => rng.random_range(0..5000),
            _ => 4 * rng.random_range(1..16),
        };
        let opcode = (word_0 >> 8) & 3;
        let mut data = vec![0; if opcode == 0 { 0 } else { size.min(5000) as usize }];
        rng.fill_bytes(&mut data);
        if rng.random_range(0..8) == 0 {
            data.resize(rng.random_range(0..100), 0x5A);
        }
        let frame = request(word_0, id, address, size, &data);
        peer.send(&frame);
        let sizes = size % 4 == 0 && (4..=4096).contains(&size);
        if word_0 & 0xFF != 3 || opcode == 3 || !sizes {
            continue;
        }
        let Some(end) = address.checked_add(u64::from(size)) else {
            if opcode == 0 || opcode == 1 && data.len() >= size as usize {
                expected.push(response(&frame, &[], NOT_POSSIBLE));
            }
            continue;
        };
        let range = address..end;
        if opcode != 0 {
            if data.len() < size as usize {
                continue;
            }
            memory.extend(range.clone().zip(data.iter().copied()));
        }
        if opcode != 2 {
            let data: Vec<u8> =
                range.map(|at| memory.get(&at).copied().unwrap_or_default()).collect();
            expected.push(response(&frame, &data, 0));
        }
    }
    let last = request(READ_4, 0xFFFF_FFFF, 0, 4, &[]);
    peer.send(&last);
    let seen = peer.wait(expected.len() + 1);
    assert_eq!(seen.len(), expected.len() + 1);
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!(&seen.bytes, expected);
    }
    assert!(expected.len() > 1500);
}

#[test]
fn d55_a_frame_that_comes_after_the_end_is_not_kept() {
    let peer = Peer::silent();
    let emulation = emulation(&peer);
    let slave = emulation.stream_slave();
    emulation.stop();
    emulation.stop();
    let frame = Arc::new(Frame::from(request(READ_4, 1, 0, 4, &[])));
    let watch = Arc::downgrade(&frame);
    slave.accept_frame(frame);
    assert!(watch.upgrade().is_none());
    assert_eq!(emulation.stream_master().slave_count(), 0);
    assert!(peer.seen().is_empty());
}

#[test]
fn d55_a_full_queue_holds_a_sender_up_and_then_drops_its_frame() {
    let (peer, open, inside) = gated();
    let emulation = emulation(&peer);
    let read = request(READ_4, 1, 0, 4, &[]);
    peer.send(&read);
    inside.recv().unwrap();
    // The worker has taken what waited and is held up in the receipt of its answer.
    for _ in 0..QUEUE_FRAMES_COUNT_MAX {
        peer.send(&read);
    }
    let frame = Arc::new(Frame::from(read));
    let watch = Arc::downgrade(&frame);
    emulation.stream_slave().accept_frame(frame);
    assert!(watch.upgrade().is_none(), "it was not queued");
    drop(open);
    assert_eq!(peer.wait(1 + QUEUE_FRAMES_COUNT_MAX).len(), 1 + QUEUE_FRAMES_COUNT_MAX);
}

#[test]
fn a_sender_that_is_held_up_goes_on_when_there_is_room() {
    const MORE_COUNT: usize = 3;
    let (peer, open, inside) = gated();
    let _emulation = emulation(&peer);
    let read = request(READ_4, 1, 0, 4, &[]);
    peer.send(&read);
    inside.recv().unwrap();
    for _ in 0..QUEUE_FRAMES_COUNT_MAX - 1 {
        peer.send(&read);
    }
    std::thread::scope(|scope| {
        let (sent, first_of_them) = mpsc::channel();
        let peer = &peer;
        let read = &read;
        scope.spawn(move || {
            for _ in 0..1 + MORE_COUNT {
                peer.send(read);
                let _ = sent.send(());
            }
        });
        // The last one there is room for; whoever comes next waits.
        first_of_them.recv().unwrap();
        drop(open);
        peer.wait(1 + QUEUE_FRAMES_COUNT_MAX + MORE_COUNT);
    });
}

#[test]
fn a_receiver_that_sends_from_within_the_receipt_is_never_held_up() {
    let limit = 2 * QUEUE_FRAMES_COUNT_MAX;
    let peer = Peer::new(move |peer, answer| {
        if word(answer, 1) == 1 {
            let again = request(READ_4, 2, 0, 4, &[]);
            for _ in 0..limit + 10 {
                peer.send(&again);
            }
        }
    });
    let _emulation = emulation(&peer);
    peer.send(&request(READ_4, 1, 0, 4, &[]));
    peer.wait(1 + limit);
    let last = request(READ_4, 3, 0, 4, &[]);
    peer.send(&last);
    let seen = peer.wait(2 + limit);
    assert_eq!(seen.len(), 2 + limit, "those beyond the limit were dropped");
    assert_eq!(word(&seen[1 + limit].bytes, 1), 3);
}

#[test]
fn stop_returns_while_a_receiver_is_stuck_and_frees_a_sender_that_is_held_up() {
    let (peer, open, inside) = gated();
    let emulation = emulation(&peer);
    let read = request(READ_4, 1, 0, 4, &[]);
    peer.send(&read);
    inside.recv().unwrap();
    for _ in 0..QUEUE_FRAMES_COUNT_MAX {
        peer.send(&read);
    }
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| peer.send(&read));
        for _ in 0..3 {
            scope.spawn(|| emulation.stop());
        }
        emulation.stop();
        sender.join().unwrap();
    });
    assert_eq!(peer.seen().len(), 1, "what waited was dropped");
    let master = Arc::downgrade(&emulation.stream_master());
    drop(emulation);
    peer.stream_master().stop();
    assert!(master.upgrade().is_some(), "the worker is still in the receiver");
    drop(open);
    wait_until_freed(&master);
}

#[test]
fn the_device_can_be_stopped_and_dropped_from_within_the_receipt_of_its_answer() {
    let slot: Arc<Mutex<Option<Arc<SrpV3Emulation>>>> = Arc::default();
    let inner = slot.clone();
    let (told, stopped) = mpsc::channel();
    let peer = Peer::new(move |peer, _| {
        let emulation = inner.lock().unwrap().take().expect("one answer only");
        emulation.stop();
        peer.stream_master().stop();
        drop(emulation);
        told.send(()).unwrap();
    });
    let emulation = emulation(&peer);
    let master = Arc::downgrade(&emulation.stream_master());
    // Held while the request goes out, so that the receipt finds the handle.
    let mut slot = slot.lock().unwrap();
    peer.send(&request(READ_4, 1, 0, 4, &[]));
    *slot = Some(emulation);
    drop(slot);
    stopped.recv().unwrap();
    wait_until_freed(&master);
    assert_eq!(peer.seen().len(), 1);
}

#[test]
fn posted_writes_are_carried_out_in_order_and_not_answered() {
    let peer = Peer::silent();
    let emulation = emulation(&peer);
    for value in 0..=9 {
        peer.send(&request(POST_4, 1, 0x40, 4, &[value; 4]));
    }
    let read = request(READ_4, 2, 0x40, 4, &[]);
    peer.send(&read);
    assert_eq!(peer.wait(1)[0].bytes, response(&read, &[9; 4], 0));
    let slave = emulation.stream_slave();
    assert_eq!((slave.base().frame_count(), slave.base().byte_count()), (11, 10 * 24 + 20));
}

/// A queue, whose thread is one of the library's, from `peer` to `emulation`; answers come back
/// without it.
fn by_a_library_thread(peer: &Arc<Peer>, emulation: &SrpV3Emulation) -> Arc<Fifo> {
    let fifo = Fifo::new(0, 0, false).unwrap();
    peer.stream_master().add_slave(fifo.stream_slave()).unwrap();
    fifo.stream_master().add_slave(emulation.stream_slave()).unwrap();
    emulation.stream_master().add_slave(peer.stream_slave()).unwrap();
    fifo
}

#[test]
fn a_thread_of_the_library_is_answered_in_its_delivery_and_one_of_the_program_is_not() {
    let (told, threads) = mpsc::channel();
    let peer = Peer::new(move |_, _| told.send(std::thread::current().id()).unwrap());
    let emulation = SrpV3Emulation::new().unwrap();
    let (seen, brings) = mpsc::channel();
    let witness = Peer::new(move |_, _| seen.send(std::thread::current().id()).unwrap());
    let fifo = by_a_library_thread(&peer, &emulation);
    fifo.stream_master().add_slave(witness.stream_slave()).unwrap();
    for id in 0..100 {
        peer.send(&request(READ_4, id, 0, 4, &[]));
        assert_eq!(threads.recv().unwrap(), brings.recv().unwrap());
    }
    let own = std::thread::current().id();
    emulation.stream_slave().accept_frame(Arc::new(Frame::from(request(READ_4, 100, 0, 4, &[]))));
    assert_ne!(threads.recv().unwrap(), own);
}

#[test]
fn a_chain_of_requests_from_within_the_answers_does_not_nest() {
    const REQUESTS_COUNT: u32 = 20_000;
    thread_local! {
        static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let slot: Arc<Mutex<Weak<SrpV3Emulation>>> = Arc::default();
    let inner = slot.clone();
    let peer = Peer::new(move |_, answer| {
        assert_eq!(DEPTH.replace(1), 0, "inside of another receipt");
        let id = word(answer, 1);
        if id < REQUESTS_COUNT {
            let next = Frame::from(request(READ_4, id + 1, 0, 4, &[]));
            let emulation = inner.lock().unwrap().upgrade().unwrap();
            emulation.stream_slave().accept_frame(Arc::new(next));
        }
        DEPTH.set(0);
    });
    let emulation = SrpV3Emulation::new().unwrap();
    *slot.lock().unwrap() = Arc::downgrade(&emulation);
    let _fifo = by_a_library_thread(&peer, &emulation);
    peer.send(&request(READ_4, 1, 0, 4, &[]));
    let seen = peer.wait(REQUESTS_COUNT as usize);
    assert!(seen.iter().map(|seen| word(&seen.bytes, 1)).eq(1..=REQUESTS_COUNT));
}

#[test]
fn requests_of_all_kinds_of_threads_are_answered_in_the_order_of_each() {
    const REQUESTS_COUNT: u32 = 3000;
    const FIRST_OF_OTHERS: u32 = 1_000_000;
    let peer = Peer::silent();
    let emulation = SrpV3Emulation::new().unwrap();
    let _fifo = by_a_library_thread(&peer, &emulation);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in FIRST_OF_OTHERS..FIRST_OF_OTHERS + REQUESTS_COUNT {
                let frame = Frame::from(request(WRITE_4, id, 0, 4, &id.to_le_bytes()));
                emulation.stream_slave().accept_frame(Arc::new(frame));
            }
        });
        for id in 0..REQUESTS_COUNT {
            peer.send(&request(WRITE_4, id, 4, 4, &id.to_le_bytes()));
        }
    });
    let seen = peer.wait(2 * REQUESTS_COUNT as usize);
    let ids = || seen.iter().map(|seen| word(&seen.bytes, 1));
    assert!(ids().filter(|&id| id < FIRST_OF_OTHERS).eq(0..REQUESTS_COUNT));
    let others = FIRST_OF_OTHERS..FIRST_OF_OTHERS + REQUESTS_COUNT;
    assert!(ids().filter(|&id| id >= FIRST_OF_OTHERS).eq(others));
}

#[test]
fn stop_returns_while_the_thread_that_brought_a_request_is_stuck_in_the_answer() {
    let (peer, open, inside) = gated();
    let emulation = SrpV3Emulation::new().unwrap();
    let _fifo = by_a_library_thread(&peer, &emulation);
    peer.send(&request(READ_4, 1, 0, 4, &[]));
    inside.recv().unwrap();
    emulation.stream_slave().accept_frame(Arc::new(Frame::from(request(READ_4, 2, 0, 4, &[]))));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| emulation.stop());
        }
        emulation.stop();
    });
    assert_eq!(peer.seen().len(), 1, "what waited was dropped");
    let master = Arc::downgrade(&emulation.stream_master());
    drop((emulation, _fifo));
    peer.stream_master().stop();
    drop(open);
    wait_until_freed(&master);
}
