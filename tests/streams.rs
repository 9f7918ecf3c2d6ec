//! The nodes of streams that need no protocol: `Fifo`, `Filter`, `RateDrop`, and what slaves log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rand::{Rng, SeedableRng};
use rogue_mem::error::{Error, Result};
use rogue_mem::memory::block::Block;
use rogue_mem::memory::{Emulate, Hub};
use rogue_mem::stream::{
    Buffer, Buffers, Fifo, Filter, Frame, Master, Node, Pool, RateDrop, Sink, Slave, SlaveBase,
};
use rogue_mem::Status;
use serde_json::Value;
use testkit::frames::{Peer, Seen};
use testkit::vectors;
use testkit::wait::{wait_until, wait_until_freed, Gate};

/// A slave that keeps the frames themselves, and counts what is requested from it.
#[derive(Default)]
struct Keeper {
    base: SlaveBase,
    frames: Mutex<Vec<Arc<Frame>>>,
    requests: AtomicUsize,
}

impl Keeper {
    fn kept(&self) -> Vec<Arc<Frame>> {
        self.frames.lock().unwrap().clone()
    }
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.frames.lock().unwrap().push(frame);
    }

    fn accept_req(&self, size: u32, _zero_copy: bool) -> Result<Arc<Frame>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.base.pool().request(size)
    }
}

/// The end of a road whose link is cut.
#[derive(Default)]
struct Cut {
    base: SlaveBase,
    reasons: Mutex<Vec<String>>,
}

impl Slave for Cut {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, _frame: Arc<Frame>) {}

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        link.get_or_insert(7);
        Some("the wire is cut".to_owned())
    }

    fn link_lost(&self, reason: &str) {
        self.reasons.lock().unwrap().push(reason.to_owned());
    }

    fn admits(&self, frame: &Frame) -> bool {
        frame.lock().payload() == 1
    }
}

#[test]
fn f39_a_requester_learns_of_the_link_beyond_the_nodes_that_pass_its_frames_on() {
    let fifo = Fifo::new(0, 0, true).unwrap();
    let (filter, rate_drop) = (Filter::new(false, 0), RateDrop::new(false, 0.0).unwrap());
    for node in [&*fifo as &dyn Node, &*filter, &*rate_drop] {
        let cut = Arc::new(Cut::default());
        node.stream_master().add_slave(cut.clone()).unwrap();
        let mut link = None;
        let obstacle = node.stream_slave().obstacle(&mut link);
        assert_eq!((obstacle.as_deref(), link), (Some("the wire is cut"), Some(7)));
        node.stream_slave().link_lost("cut off");
        assert_eq!(*cut.reasons.lock().unwrap(), ["cut off"]);
    }
    fifo.stop();
    let obstacle = fifo.stream_slave().obstacle(&mut None);
    assert_eq!(obstacle.as_deref(), Some("The Fifo has been stopped"));
}

#[test]
fn the_node_beyond_those_that_pass_frames_on_decides_about_another_sender() {
    let fifo = Fifo::new(0, 0, true).unwrap();
    let (filter, rate_drop) = (Filter::new(false, 0), RateDrop::new(false, 0.0).unwrap());
    for node in [&*fifo as &dyn Node, &*filter, &*rate_drop] {
        assert!(node.stream_slave().admits(&frame_of(&[1, 2])), "there is none");
        node.stream_master().add_slave(Arc::new(Cut::default())).unwrap();
        node.stream_master().add_slave(Arc::new(Keeper::default())).unwrap();
        assert!(node.stream_slave().admits(&frame_of(&[1])), "all say yes");
        assert!(!node.stream_slave().admits(&frame_of(&[1, 2])), "one says no");
    }
}

/// A master that sends to `node`.
fn master_of(node: &dyn Node) -> Arc<Master> {
    let master = Master::new();
    master.add_slave(node.stream_slave()).unwrap();
    master
}

fn frame_of(bytes: &[u8]) -> Arc<Frame> {
    Arc::new(Frame::from(bytes.to_vec()))
}

/// A peer whose receipt of a frame takes until the gate is open.
fn gated() -> (Arc<Peer>, Arc<Gate>) {
    let gate = Gate::new();
    let own = gate.clone();
    (Peer::new(move |_, _| own.pass()), gate)
}

/// A queue whose thread delivers frame 0 to a receiver that waits for the gate.
fn busy_fifo(depth_max: u32, trim_bytes: u32, no_copy: bool) -> BusyFifo {
    let fifo = Fifo::new(depth_max, trim_bytes, no_copy).unwrap();
    let (peer, gate) = gated();
    fifo.stream_master().add_slave(peer.stream_slave()).unwrap();
    let master = master_of(&*fifo);
    master.send_frame(numbered(0));
    gate.wait_arrived(1);
    BusyFifo { fifo, master, peer, gate }
}

struct BusyFifo {
    fifo: Arc<Fifo>,
    master: Arc<Master>,
    peer: Arc<Peer>,
    gate: Arc<Gate>,
}

/// Frame `number` of the recordings.
fn numbered(number: u64) -> Arc<Frame> {
    let frame = frame_of(&number.to_le_bytes());
    frame.set_flags(0x1234);
    frame.set_channel(7);
    frame.set_error(9);
    frame
}

fn rows(start: &str) -> Vec<Value> {
    let rows = vectors::lines("stream_helpers").into_iter();
    let rows = rows.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    rows.filter(|row| row["description"].as_str().unwrap().starts_with(start)).collect()
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

#[test]
fn recorded_frames_pass_a_fifo_and_are_dropped_alike() {
    let rows = rows("Fifo: 8 byte frames 0..9");
    assert_eq!(rows.len(), 4);
    for row in rows {
        let number = |name: &str| row[name].as_u64().unwrap();
        let no_copy = row["no_copy"].as_bool().unwrap();
        let limits = (number("max_depth") as u32, number("trim_size") as u32);
        let BusyFifo { fifo, master, peer, gate } = busy_fifo(limits.0, limits.1, no_copy);
        for count in 1..10 {
            master.send_frame(numbered(count));
        }
        let expected = numbers(&row["passed"]);
        assert_eq!(fifo.size(), expected.len() - 1, "{row}");
        assert_eq!(fifo.dropped(), number("drop_count"), "{row}");
        gate.open();
        let seen = peer.wait(expected.len());
        let size = number("payload_size_out") as usize;
        let expected: Vec<Seen> = expected
            .iter()
            .map(|count| Seen {
                bytes: count.to_le_bytes()[..size].to_vec(),
                flags: number("flags_out") as u16,
                channel: number("channel_out") as u8,
                error: number("error_out") as u8,
            })
            .collect();
        assert_eq!(seen, expected, "{row}");
        assert_eq!(fifo.size(), 0);
        fifo.clear_dropped();
        assert_eq!(fifo.dropped(), 0);
        assert_eq!(fifo.stream_slave().base().frame_count(), 10);
        assert_eq!(fifo.stream_slave().base().byte_count(), 80);
        fifo.stop();
    }
}

#[test]
fn recorded_frames_pass_a_filter_and_are_dropped_alike() {
    let rows = rows("Filter(channel 3)");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let filter = Filter::new(row["drop_errors"].as_bool().unwrap(), 3);
        let peer = Peer::silent();
        filter.stream_master().add_slave(peer.stream_slave()).unwrap();
        let master = master_of(&*filter);
        for (number, (channel, error)) in (0..).zip([(0, 0), (3, 0), (3, 1), (3, 0x80), (4, 0)]) {
            let frame = frame_of(&[number]);
            frame.set_channel(channel);
            frame.set_error(error);
            master.send_frame(frame);
        }
        let passed: Vec<u64> = peer.seen().iter().map(|seen| seen.bytes[0].into()).collect();
        assert_eq!(passed, numbers(&row["passed"]), "{row}");
    }
}

#[test]
fn a_rate_drop_passes_every_third_frame() {
    let (drop, peer) = (RateDrop::new(false, 2.9).unwrap(), Peer::silent());
    drop.stream_master().add_slave(peer.stream_slave()).unwrap();
    let master = master_of(&*drop);
    (0..7).for_each(|number| drop_frame(&master, number));
    let passed: Vec<u8> = peer.seen().iter().map(|seen| seen.bytes[0]).collect();
    assert_eq!(passed, [0, 3, 6]);
}

fn drop_frame(master: &Master, number: u8) {
    master.send_frame(frame_of(&[number]));
}

#[test]
fn a_frame_that_crosses_a_node_unchanged_is_not_copied_and_comes_from_where_it_goes() {
    let nodes: [Arc<dyn Node>; 3] =
        [Filter::new(true, 0), RateDrop::new(false, 0.0).unwrap(), Fifo::new(0, 4, true).unwrap()];
    for node in nodes {
        let keeper = Arc::new(Keeper::default());
        node.stream_master().add_slave(keeper.clone()).unwrap();
        let master = master_of(&*node);
        let frame = master.req_frame(16, true).unwrap();
        assert_eq!(keeper.requests.load(Ordering::Relaxed), 1);
        frame.lock().set_payload(16).unwrap();
        master.send_frame(frame.clone());
        wait_until("the frame comes", || !keeper.kept().is_empty());
        assert!(Arc::ptr_eq(&keeper.kept()[0], &frame));
        assert_eq!(frame.lock().payload(), 16);
    }
}

#[test]
fn a_copy_is_a_frame_of_the_first_slave_and_the_original_stays_the_senders() {
    let fifo = Fifo::new(0, 10, false).unwrap();
    let keeper = Arc::new(Keeper::default());
    keeper.base.pool().set_fixed_size(3);
    fifo.stream_master().add_slave(keeper.clone()).unwrap();
    let master = master_of(&*fifo);
    // Pieces in the source, other pieces in the copy.
    let mut buffers = Buffers::default();
    for bytes in [&b"ab"[..], b"", b"cdefg", b"hijklmn"] {
        buffers.push(Buffer::from(bytes.to_vec()));
    }
    let frame = Frame::with_buffers(buffers);
    master.send_frame(frame.clone());
    // Changed before the thread has delivered the copy, or after: that makes no difference.
    frame.lock().take();
    master.send_frame(Frame::new(0).unwrap());
    wait_until("both frames come", || keeper.kept().len() == 2);
    let kept = keeper.kept();
    assert_eq!(kept[0].lock().to_vec(), b"abcdefghij");
    assert_eq!(kept[0].lock().count(), 4);
    assert_eq!(kept[1].lock().count(), 0, "a frame without a buffer is one");
    assert_eq!(keeper.requests.load(Ordering::Relaxed), 2);
}

#[test]
fn a_copy_that_cannot_be_made_is_counted_as_dropped_and_takes_no_place() {
    /// Refuses the first requests.
    struct Poor {
        base: SlaveBase,
        refusals: AtomicUsize,
        got: AtomicUsize,
        sent: Mutex<Option<Arc<Frame>>>,
    }
    impl Slave for Poor {
        fn base(&self) -> &SlaveBase {
            &self.base
        }
        fn accept_frame(&self, _frame: Arc<Frame>) {
            self.got.fetch_add(1, Ordering::Relaxed);
        }
        fn accept_req(&self, size: u32, _zero_copy: bool) -> Result<Arc<Frame>> {
            match self.refusals.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::new(Status::OutOfResources, "test", "no memory today")),
                1 => self.base.pool().request(size - 1),
                2 => Ok(self.sent.lock().unwrap().take().unwrap()),
                3 => panic!("a panic that this test wants"),
                _ => self.base.pool().request(size),
            }
        }
    }
    let fifo = Fifo::new(1, 0, false).unwrap();
    let poor = Arc::new(Poor {
        base: SlaveBase::new(),
        refusals: AtomicUsize::new(0),
        got: AtomicUsize::new(0),
        sent: Mutex::default(),
    });
    fifo.stream_master().add_slave(poor.clone()).unwrap();
    let master = master_of(&*fifo);
    for dropped in [1, 2, 3] {
        let frame = frame_of(b"1234");
        *poor.sent.lock().unwrap() = Some(frame.clone());
        master.send_frame(frame);
        assert_eq!((fifo.dropped(), fifo.size()), (dropped, 0));
    }
    let panicking = master.clone();
    let panicked = std::thread::spawn(move || panicking.send_frame(frame_of(b"1234"))).join();
    assert!(panicked.is_err());
    master.send_frame(frame_of(b"1234"));
    wait_until("the place is free again", || poor.got.load(Ordering::Relaxed) == 1);
    assert_eq!(fifo.dropped(), 3);
}

#[test]
fn many_senders_never_fill_a_fifo_beyond_its_depth() {
    const SENDERS_COUNT: u64 = 4;
    const FRAMES_COUNT: u64 = 500;
    const DEPTH: u32 = 5;
    let BusyFifo { fifo, master, peer, gate } = busy_fifo(DEPTH, 0, false);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS_COUNT {
            let (fifo, master) = (&fifo, &master);
            scope.spawn(move || {
                for count in 1..=FRAMES_COUNT {
                    master.send_frame(numbered(sender << 32 | count));
                    assert!(fifo.size() <= DEPTH as usize);
                }
            });
        }
    });
    assert_eq!(fifo.size(), DEPTH as usize);
    assert_eq!(fifo.dropped(), SENDERS_COUNT * FRAMES_COUNT - u64::from(DEPTH));
    gate.open();
    let seen = peer.wait(1 + DEPTH as usize);
    let distinct: BTreeSet<_> = seen.iter().map(|seen| seen.bytes.clone()).collect();
    assert_eq!(distinct.len(), seen.len());
}

#[test]
fn frames_of_one_sender_keep_their_order() {
    const FRAMES_COUNT: u64 = 20_000;
    for no_copy in [false, true] {
        let (fifo, peer) = (Fifo::new(0, 0, no_copy).unwrap(), Peer::silent());
        fifo.stream_master().add_slave(peer.stream_slave()).unwrap();
        let master = master_of(&*fifo);
        (0..FRAMES_COUNT).for_each(|count| {
            master.send_frame(numbered(count));
        });
        let seen = peer.wait(FRAMES_COUNT as usize);
        let in_order =
            seen.iter().zip(0..).all(|(seen, count): (_, u64)| seen.bytes == count.to_le_bytes());
        assert!(in_order);
    }
}

#[test]
fn a_stop_waits_for_no_receiver_and_ends_the_delivery() {
    let BusyFifo { fifo, master, peer, gate } = busy_fifo(0, 0, true);
    let queued = numbered(1);
    master.send_frame(queued.clone());
    fifo.stop();
    fifo.stop();
    assert_eq!(fifo.size(), 0);
    master.send_frame(numbered(2));
    assert_eq!((fifo.size(), fifo.stream_master().slave_count()), (0, 0));
    gate.open();
    wait_until("what was queued is free", || Arc::strong_count(&queued) == 1);
    assert_eq!(peer.seen().len(), 1, "no later frame is delivered");
    drop((fifo, master));
    let watch = Arc::downgrade(&peer);
    drop(peer);
    wait_until_freed(&watch);
}

#[test]
fn a_receiver_may_stop_the_fifo_that_calls_it() {
    let fifo = Fifo::new(0, 0, false).unwrap();
    let inner = Arc::downgrade(&fifo);
    let peer = Peer::new(move |_, _| inner.upgrade().expect("the test keeps it").stop());
    fifo.stream_master().add_slave(peer.stream_slave()).unwrap();
    let master = master_of(&*fifo);
    master.send_frame(numbered(0));
    wait_until("it has stopped", || fifo.stream_master().slave_count() == 0);
    master.send_frame(numbered(1));
    assert_eq!((fifo.size(), peer.seen().len()), (0, 1));
}

#[test]
fn a_fifo_works_while_a_master_is_connected_and_ends_with_it() {
    let (fifo, peer) = (Fifo::new(0, 0, false).unwrap(), Peer::silent());
    fifo.stream_master().add_slave(peer.stream_slave()).unwrap();
    let master = master_of(&*fifo);
    drop(fifo);
    master.send_frame(numbered(0));
    peer.wait(1);
    let watch = Arc::downgrade(&peer);
    drop((master, peer));
    wait_until_freed(&watch);
}

#[test]
fn fifos_that_stop_and_vanish_under_load_keep_no_frame() {
    for seed in 0..60 {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let (pool, sink) = (Pool::new(), Sink::new());
        let no_copy = random.random();
        let fifo = Fifo::new(random.random_range(0..4), 0, no_copy).unwrap();
        fifo.stream_master().add_slave(sink.clone()).unwrap();
        let (stops, frames_count) = (random.random::<bool>(), random.random_range(1..300));
        let master = master_of(&*fifo);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..frames_count {
                        let frame = pool.request(16).unwrap();
                        frame.lock().set_payload(16).unwrap();
                        master.send_frame(frame);
                    }
                });
            }
            let received_count = random.random_range(0..frames_count.min(10));
            scope.spawn(move || {
                wait_until("some frames come", || {
                    fifo.stream_slave().base().frame_count() > received_count
                });
                if stops {
                    fifo.stop();
                }
            });
        });
        drop(master);
        let left = || pool.alloc_count() + sink.base().pool().alloc_count();
        wait_until(&format!("all frames are gone, seed {seed}"), || left() == 0);
    }
}

#[test]
fn a_receiver_that_panics_costs_one_frame() {
    let (fifo, base) = (Fifo::new(0, 0, false).unwrap(), Sink::new());
    let peer = Peer::new(|_, bytes| assert_ne!(bytes, 1u64.to_le_bytes(), "one this test wants"));
    let to = fifo.stream_master();
    to.add_slave(base.clone()).unwrap();
    to.add_slave(peer.stream_slave()).unwrap();
    let master = master_of(&*fifo);
    (0..3).for_each(|count| {
        master.send_frame(numbered(count));
    });
    wait_until("the frame after it comes", || base.base().frame_count() == 2);
    assert_eq!(peer.seen().len(), 3);
}

#[test]
fn what_slaves_receive_is_logged_where_that_is_asked_for() {
    testkit::log::capture();
    let texts = || testkit::log::texts_of("pyrogue.stream.shown");
    let (sink, filter) = (Sink::new(), Filter::new(false, 0));
    filter.stream_master().add_slave(sink.clone()).unwrap();
    let master = master_of(&*filter);
    master.send_frame(frame_of(b"before"));
    sink.base().set_debug(3, "stream.shown");
    let frame = frame_of(&[1, 2, 0xFF, 4]);
    frame.set_error(2);
    master.send_frame(frame);
    let first = "Got Size=4, Error=2, Data:\n      0x01 0x02 0xff";
    wait_until("it is logged", || texts() == [first]);
    filter.stream_slave().base().set_debug(1, "stream.shown");
    sink.base().set_debug(0, "");
    master.send_frame(frame_of(b"\x07"));
    wait_until("the filter logs", || texts().len() == 2);
    assert_eq!(texts()[1], "Got Size=1, Error=0, Data:\n      0x07");
}

#[test]
fn whatever_has_a_lock_is_printed_while_it_is_held() {
    let frame = frame_of(b"abc");
    let guard = frame.lock();
    assert!(format!("{frame:?}").starts_with("Frame { flags: 0"), "{frame:?}");
    drop(guard);
    let memory = Emulate::new(4, 0);
    let hub = Hub::new(0x1000, 0, 0);
    hub.master().set_slave(memory);
    let block = Block::new(0x20, 4).unwrap();
    block.master().set_slave(hub.clone());
    let printed = format!("{block:?} {hub:?} {:?}", block.master());
    for part in ["Block { offset: 32, size: 4", "Hub { offset: 4096", "Master { timeout: 1s"] {
        assert!(printed.contains(part), "{printed}");
    }
}
