//! The counters of a connection, and the frames after its handshake: each one in a MESSAGE.

use std::ops::Range;

use zeroize::Zeroizing;

use super::secretbox::{BoxKey, NonceKey, TAG_OCTETS};
use crate::proto::zmtp::frame::FrameHeader;
use crate::proto::zmtp::mechanism::{Opener, Sealer};

/// What a MESSAGE begins with: the length of its name, and the name.
const MESSAGE: &[u8; 8] = b"\x07MESSAGE";
/// Octets of a MESSAGE around the body of the frame in it: name, counter, tag, flags.
const MESSAGE_OVERHEAD_OCTETS: usize = MESSAGE.len() + 8 + TAG_OCTETS + 1;

/// Beginnings of the nonces of MESSAGE, by direction.
const CLIENT_NONCE: &[u8; 16] = b"CurveZMQMESSAGEC";
const SERVER_NONCE: &[u8; 16] = b"CurveZMQMESSAGES";

/// The flags inside of a MESSAGE, which are not those of a frame.
const INNER_MORE: u8 = 0x01;
const INNER_COMMAND: u8 = 0x02;

/// An end of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Client,
    Server,
}

impl End {
    fn own_nonce(self) -> &'static [u8; 16] {
        match self {
            End::Client => CLIENT_NONCE,
            End::Server => SERVER_NONCE,
        }
    }

    fn peer_nonce(self) -> &'static [u8; 16] {
        match self {
            End::Client => SERVER_NONCE,
            End::Server => CLIENT_NONCE,
        }
    }
}

/// A counter of boxes in one direction. Each box has a greater one than all before it.
#[derive(Clone, Copy, Debug, Default)]
struct Counter(u64);

impl Counter {
    /// The next one to be sent. A connection cannot reach the last one: that takes centuries.
    fn next(&mut self) -> [u8; 8] {
        self.0 = self.0.checked_add(1).expect("2^64 boxes of one connection");
        self.0.to_be_bytes()
    }

    /// Whether one that was received may follow the last one.
    fn admits(self, received: [u8; 8]) -> bool {
        u64::from_be_bytes(received) > self.0
    }

    /// Notes one that was received with a genuine box.
    fn note(&mut self, received: [u8; 8]) {
        self.0 = u64::from_be_bytes(received);
    }
}

/// Both directions of a connection.
pub struct Traffic {
    end: End,
    sent: Counter,
    received: Counter,
    /// Of all boxes from INITIATE on.
    key: Option<BoxKey>,
    /// What the owner has not taken.
    sealer: Option<NonceKey>,
    opener: Option<NonceKey>,
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Traffic { end, sent, received, .. } = self;
        write!(f, "Traffic({end:?}, {} sent, {} received)", sent.0, received.0)
    }
}

impl Traffic {
    pub fn new(end: End) -> Traffic {
        let (sent, received) = (Counter::default(), Counter::default());
        Traffic { end, sent, received, key: None, sealer: None, opener: None }
    }

    /// The counter of the next box to be sent.
    pub fn next_counter(&mut self) -> [u8; 8] {
        self.sent.next()
    }

    /// Takes the counter of a genuine box. False if it is not greater than that of the one before.
    pub fn take_counter(&mut self, received: [u8; 8]) -> bool {
        let is_admitted = self.received.admits(received);
        if is_admitted {
            self.received.note(received);
        }
        is_admitted
    }

    /// The key of this connection is known.
    pub fn set_key(&mut self, key: BoxKey) {
        self.sealer = Some(key.with_prefix(self.end.own_nonce()));
        self.opener = Some(key.with_prefix(self.end.peer_nonce()));
        self.key = Some(key);
    }

    /// The counter and the box of READY.
    pub fn seal_ready(&mut self, prefix: &[u8; 16], metadata: &[u8]) -> ([u8; 8], Vec<u8>) {
        let counter = self.sent.next();
        let mut sealed = Vec::new();
        if let Some(key) = self.key.take() {
            key.with_prefix(prefix).seal(counter, &[metadata], &mut sealed);
        }
        (counter, sealed)
    }

    /// The metadata of the peer's READY, given its data.
    pub fn open_ready(&mut self, prefix: &[u8; 16], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (counter, sealed) = data.split_first_chunk::<8>()?;
        let metadata = self.key.take()?.with_prefix(prefix).opened(*counter, sealed)?;
        self.take_counter(*counter).then_some(metadata)
    }

    pub fn take_sealer(&mut self) -> Option<Box<dyn Sealer>> {
        let key = self.sealer.take()?;
        Some(Box::new(MessageSealer { key, sent: self.sent }))
    }

    pub fn take_opener(&mut self) -> Option<Box<dyn Opener>> {
        let key = self.opener.take()?;
        Some(Box::new(MessageOpener { key, received: self.received }))
    }
}

/// Seals the frames of this end.
struct MessageSealer {
    key: NonceKey,
    sent: Counter,
}

impl std::fmt::Debug for MessageSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageSealer({} sent)", self.sent.0)
    }
}

impl Sealer for MessageSealer {
    fn seal(
        &mut self,
        FrameHeader { more, command, .. }: FrameHeader,
        body: &[u8],
        out: &mut Vec<u8>,
    ) {
        let flags = (u8::from(more) * INNER_MORE) | (u8::from(command) * INNER_COMMAND);
        let len = (MESSAGE_OVERHEAD_OCTETS + body.len()) as u64;
        // No command, although it has a name: libzmq drops a MESSAGE that says it is one.
        FrameHeader { len, more: false, command: false }.encode(out);
        let counter = self.sent.next();
        out.extend_from_slice(MESSAGE);
        out.extend_from_slice(&counter);
        self.key.seal(counter, &[&[flags], body], out);
    }
}

/// Opens the frames of the peer.
struct MessageOpener {
    key: NonceKey,
    received: Counter,
}

impl std::fmt::Debug for MessageOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageOpener({} received)", self.received.0)
    }
}

impl Opener for MessageOpener {
    fn open(&mut self, body: &mut [u8]) -> Option<Range<usize>> {
        let len = body.len().checked_sub(MESSAGE_OVERHEAD_OCTETS)?;
        let sealed = body.strip_prefix(MESSAGE)?;
        let (counter, sealed) = sealed.split_first_chunk::<8>()?;
        let (counter, tag) = (*counter, *sealed.first_chunk::<TAG_OCTETS>()?);
        let text = MESSAGE_OVERHEAD_OCTETS - 1;
        if !self.received.admits(counter) || !self.key.decrypt(counter, tag, &mut body[text..]) {
            return None;
        }
        self.received.note(counter);
        // The body of the frame follows the flags. There is room for its header in front of it.
        let flags = body[text];
        let (more, command) = (flags & INNER_MORE != 0, flags & INNER_COMMAND != 0);
        let (header, octets) = FrameHeader { len: len as u64, more, command }.octets();
        let start = MESSAGE_OVERHEAD_OCTETS - octets;
        body[start..MESSAGE_OVERHEAD_OCTETS].copy_from_slice(&header[..octets]);
        Some(start..body.len())
    }
}
