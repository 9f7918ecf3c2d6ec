//! A stream node that stands in for whatever is at the other end, and small helpers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rogue_mem::error::Result;
use rogue_mem::memory::{self, Buffer, Observer, Transaction};
use rogue_mem::protocols::SrpV3;
use rogue_mem::stream::{self, Frame, Master, Node, SlaveBase};
use rogue_mem::sync::{Condvar, Mutex};

/// Against hangs only: everything that is waited for is an event.
pub const HANG_BOUND: Duration = Duration::from_secs(60);

/// One frame as it was received.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    pub bytes: Vec<u8>,
    pub flags: u16,
    pub channel: u8,
    pub error: u8,
}

/// What a peer does with a frame, in the thread that sent it.
type Reaction = Box<dyn Fn(&Peer, &[u8]) + Send + Sync>;

/// Keeps every frame it receives, and reacts to each.
pub struct Peer {
    base: SlaveBase,
    master: Arc<Master>,
    seen: Mutex<Vec<Seen>>,
    arrived: Condvar,
    react: Reaction,
    own: Weak<Peer>,
}

impl Peer {
    /// A peer that only keeps what it receives.
    pub fn silent() -> Arc<Peer> {
        Peer::new(|_, _| {})
    }

    pub fn new(react: impl Fn(&Peer, &[u8]) + Send + Sync + 'static) -> Arc<Peer> {
        Arc::new_cyclic(|own| Peer {
            base: SlaveBase::new(),
            master: Master::new(),
            seen: Mutex::default(),
            arrived: Condvar::new(),
            react: Box::new(react),
            own: own.clone(),
        })
    }

    pub fn send(&self, bytes: &[u8]) {
        self.send_marked(bytes, 0);
    }

    /// Sends a frame with an error, in one buffer.
    pub fn send_marked(&self, bytes: &[u8], error: u8) {
        let frame = Arc::new(Frame::from(bytes.to_vec()));
        frame.set_error(error);
        self.master.send_frame(frame);
    }

    /// Waits for `count` frames in all and returns those there are.
    pub fn wait(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.lock();
        let few = |seen: &mut Vec<Seen>| seen.len() < count;
        let waited = self.arrived.wait_while_for(&mut seen, few, HANG_BOUND);
        assert!(!waited.timed_out(), "{} of {count} frames came", seen.len());
        seen.clone()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub fn pool(&self) -> &stream::Pool {
        self.base.pool()
    }
}

impl stream::Slave for Peer {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let bytes = frame.lock().to_vec();
        let (flags, channel, error) = (frame.flags(), frame.channel(), frame.error());
        drop(frame);
        self.seen.lock().push(Seen { bytes: bytes.clone(), flags, channel, error });
        self.arrived.notify_all();
        (self.react)(self, &bytes);
    }
}

impl Node for Peer {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn stream::Slave> {
        self.own.upgrade().expect("a borrowed peer is alive")
    }
}

/// An `SrpV3` connected with `peer`, and a master connected to it.
pub fn client(peer: &Peer) -> (Arc<SrpV3>, memory::Master) {
    let srp = SrpV3::new();
    stream::connect(&*srp, peer).unwrap();
    let master = memory::Master::new();
    master.set_slave(srp.clone());
    (srp, master)
}

/// Told of the end of transactions.
#[derive(Default)]
pub struct Ends {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Ends {
    pub fn wait(&self, count: usize) {
        let mut ended = self.count.lock();
        let few = |ended: &mut usize| *ended < count;
        let waited = self.changed.wait_while_for(&mut ended, few, HANG_BOUND);
        assert!(!waited.timed_out(), "{} of {count} transactions ended", *ended);
    }
}

impl Observer for Ends {
    fn completed(&self, _: &Arc<Transaction>) {
        *self.count.lock() += 1;
        self.changed.notify_all();
    }
}

/// A transaction on its way, which nobody waits for.
pub fn launch(
    master: &memory::Master,
    ty: u32,
    address: u64,
    bytes: impl Into<Buffer>,
) -> Arc<Transaction> {
    let tran = master.prepare(address, bytes.into(), ty).unwrap();
    master.launch(&tran);
    tran
}

/// How an ended transaction ended, and its bytes.
pub fn collect(tran: &Transaction) -> (Result<()>, Vec<u8>) {
    assert!(tran.is_done(), "{tran:?} is still pending");
    let (outcome, buffer) = tran.collect().expect("collected once");
    (outcome, buffer.into_vec())
}

/// The text a transaction failed with.
pub fn failure(tran: &Transaction) -> String {
    let (outcome, _) = collect(tran);
    outcome.expect_err("it should fail").text().to_owned()
}

/// A request frame. Its words, as the protocol has them.
pub fn request(word_0: u32, id: u32, address: u64, size: u32, data: &[u8]) -> Vec<u8> {
    let words = [word_0, id, address as u32, (address >> 32) as u32, size.wrapping_sub(1)];
    let mut frame: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    frame.extend_from_slice(data);
    frame
}

/// The response to a request: its header, `data` and `status`.
pub fn response(request: &[u8], data: &[u8], status: u32) -> Vec<u8> {
    [&request[..20], data, &status.to_le_bytes()].concat()
}

pub fn word(frame: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(frame[4 * index..4 * index + 4].try_into().unwrap())
}

/// Waits until nobody owns what `weak` points to. Only a thread that is about to let go of it may
/// still own it when this is called.
pub fn wait_until_freed<T: ?Sized>(weak: &Weak<T>) {
    let start = std::time::Instant::now();
    while weak.strong_count() > 0 {
        assert!(start.elapsed() < HANG_BOUND, "{} owners are left", weak.strong_count());
        std::thread::yield_now();
    }
}
