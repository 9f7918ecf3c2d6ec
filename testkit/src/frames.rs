//! A stream node that stands in for whatever is at the other end.

use std::sync::{Arc, Condvar, Mutex, Weak};

use rogue_mem::stream::{self, Frame, Master, Node, Pool, SlaveBase};

use crate::wait::LONG;

/// One frame as it was received.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Its payload.
    pub bytes: Vec<u8>,
    /// Its flags.
    pub flags: u16,
    /// Its channel.
    pub channel: u8,
    /// Its error.
    pub error: u8,
}

/// What a peer does with a frame, in the thread that sent it.
type Reaction = Box<dyn Fn(&Peer, &[u8]) + Send + Sync>;

/// A node that keeps every frame it receives, and reacts to each.
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

    /// A peer that calls `react` with itself and the payload of each frame.
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

    /// Sends a frame, in one buffer.
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
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Seen> {
        let few = |seen: &mut Vec<Seen>| seen.len() < count;
        let seen = self.seen.lock().unwrap();
        let (seen, outcome) = self.arrived.wait_timeout_while(seen, LONG, few).unwrap();
        assert!(!outcome.timed_out(), "{} of {count} frames came", seen.len());
        seen.clone()
    }

    /// The frames received so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The pool that gives frames to the senders of this peer.
    pub fn pool(&self) -> &Pool {
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
        self.seen.lock().unwrap().push(Seen { bytes: bytes.clone(), flags, channel, error });
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
