//! Peers of a stream server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

use rogue_mem::bridge::{StreamServer, StreamServerOptions};
use rogue_mem::stream::{Fifo, Frame, Node, Slave, SlaveBase};
use testkit::raw;
use testkit::wait::wait_until;

use crate::converse;
use crate::memory::served;

/// Payload of a large frame.
const LARGE: usize = 300_000;
/// Payload of one that is copied into the output, and how many follow each other.
const SMALL: usize = 10_000;
const BURST: usize = 20;
/// Frames for a queue that nobody empties.
const QUEUED: u64 = 20_000;

/// Counts frames.
struct Counter {
    base: SlaveBase,
    count: AtomicU64,
}

impl Slave for Counter {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, _frame: Arc<Frame>) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

/// One server, and frames in both directions while it is `arm`ed. What a frame costs that is refused
/// is that frame, or its connection.
pub fn round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let server = StreamServer::new("127.0.0.1", 0, StreamServerOptions::default()).unwrap();
    let counter = Arc::new(Counter { base: SlaveBase::new(), count: AtomicU64::new(0) });
    server.stream_master().add_slave(counter.clone()).unwrap();
    arm();
    let is_served = converse(|| exchange(&server));
    disarm();
    assert!(is_served || server.stats().closed_no_memory > 0, "{:?}", server.stats());
    let mut last = served(server.port(), Some(2));
    let before = counter.count.load(Ordering::SeqCst);
    last.request.send(&message(b"last"));
    wait_until("a frame comes", || counter.count.load(Ordering::SeqCst) > before);
}

/// The queue of a `Fifo` whose receiver does not take anything, while it is `arm`ed.
pub fn queue_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let fifo = Fifo::new(0, 0, true).unwrap();
    let (blocker, gate) = channel::<()>();
    let counter = Arc::new(Counter { base: SlaveBase::new(), count: AtomicU64::new(0) });
    let held =
        Arc::new(Held { base: SlaveBase::new(), gate: Mutex::new(gate), then: counter.clone() });
    fifo.stream_master().add_slave(held).unwrap();
    let frames: Vec<Arc<Frame>> = (0..QUEUED).map(|_| Arc::new(Frame::from(vec![0x5A]))).collect();
    let slave = fifo.stream_slave();
    arm();
    // Not by this thread, to which nothing is refused.
    thread::spawn(move || frames.into_iter().for_each(|frame| slave.accept_frame(frame)))
        .join()
        .unwrap();
    disarm();
    drop(blocker);
    let expected = QUEUED - fifo.dropped();
    wait_until("the others arrive", || counter.count.load(Ordering::SeqCst) == expected);
}

/// Counts frames once its gate is open.
struct Held {
    base: SlaveBase,
    gate: Mutex<Receiver<()>>,
    then: Arc<Counter>,
}

impl Slave for Held {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        // Fails at once when the other end has gone.
        let _ = self.gate.lock().unwrap().recv();
        self.then.accept_frame(frame);
    }
}

fn exchange(server: &StreamServer) {
    let mut peer = served(server.port(), Some(1));
    let small = (0..500).flat_map(|_| message(&[0x5A; 100]));
    peer.request.send(&small.collect::<Vec<u8>>());
    for _ in 0..4 {
        peer.request.send(&message(&vec![0x5A; LARGE]));
    }
    // Its PONG says that all before it has been taken.
    peer.request.send(&raw::ping(b""));
    peer.request.item();
    for size in [100, 20_000, LARGE] {
        server.stream_slave().accept_frame(Arc::new(Frame::from(vec![0x5A; size])));
        peer.response.item();
    }
    // Together, so that they are copied behind each other.
    for _ in 0..BURST {
        server.stream_slave().accept_frame(Arc::new(Frame::from(vec![0x5A; SMALL])));
    }
    (0..BURST).for_each(|_| drop(peer.response.item()));
}

fn message(payload: &[u8]) -> Vec<u8> {
    raw::message(&[&[0; 2], &[0], &[0], payload])
}
