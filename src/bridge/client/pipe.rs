//! The sending half of a client's request connection, handed from thread to thread: whoever holds
//! it encodes and sends, everybody else leaves work in the queue and goes on.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use mio::net::TcpStream;

use super::large::{Large, Progress, Sending, LARGE_OCTETS_MIN};
use crate::bridge::wire::Outgoing;
use crate::memory::{is_write, Transaction, POST};
use crate::proto::bridge::{encode_request, Header, TYPE_PROBE};

/// Octets of encoded requests after which they are sent before more are encoded.
const BATCH_OCTETS: usize = 64 * 1024;
// A large write ends its batch.
const _: () = assert!(LARGE_OCTETS_MIN >= BATCH_OCTETS);

/// What is to be sent.
pub(super) enum Item {
    /// A request, with its id on the wire.
    Request(u32, Arc<Transaction>),
    /// A write whose data is sent from where it is, with its id on the wire.
    Large(u32, Arc<Transaction>, Arc<Progress>),
    /// A readiness probe with this id.
    Probe(u32),
    /// Octets of the session's own (a PONG).
    Control(Vec<u8>),
}

/// What a sending thread takes from the queues at a time.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    /// Requests that nobody waits for any more. Dropping one may run foreign code, so it happens
    /// where no lock is held.
    pub(super) given_up: Vec<Arc<Transaction>>,
    pub(super) octets: usize,
}

impl Batch {
    pub(super) fn push(&mut self, item: Item) {
        self.octets += item.octets();
        self.items.push(item);
    }

    /// Whether it is time to send.
    pub(super) fn is_full(&self) -> bool {
        self.octets >= BATCH_OCTETS
    }

    /// Encodes everything into `pipe` and drops what has been given up.
    pub(super) fn encode(&mut self, pipe: &mut Pipe) {
        self.octets = 0;
        self.given_up.clear();
        self.items.drain(..).for_each(|item| pipe.encode(item));
    }
}

impl Item {
    /// About how many octets this is on the wire.
    fn octets(&self) -> usize {
        const HEADER_OCTETS: usize = 37;
        match self {
            Item::Request(_, tran) | Item::Large(_, tran, _) if is_write(tran.ty()) => {
                tran.size() as usize + HEADER_OCTETS
            }
            Item::Request(..) | Item::Large(..) | Item::Probe(_) => HEADER_OCTETS,
            Item::Control(octets) => octets.len(),
        }
    }
}

/// The header of a transaction's request.
pub(super) fn header_of(wire_id: u32, tran: &Transaction) -> Header {
    Header { id: wire_id, address: tran.address(), size: tran.size(), ty: tran.ty() }
}

/// Encodes and sends requests.
pub(super) struct Pipe {
    stream: Arc<TcpStream>,
    out: Outgoing,
    /// What comes behind `out`; nothing is encoded until it has been sent.
    large: Option<Large>,
    /// Octets of this connection that have been encoded.
    encoded_total: u64,
    /// Posted writes that complete once the system has taken this many octets.
    posts: VecDeque<(u64, u32, Arc<Transaction>)>,
    /// The socket takes nothing for now.
    pub(super) blocked: bool,
}

impl Pipe {
    /// Sends on `stream`, what is left of the handshake (`out`) first.
    pub(super) fn new(stream: Arc<TcpStream>, out: Outgoing) -> Pipe {
        Pipe {
            stream,
            encoded_total: out.backlog() as u64,
            out,
            large: None,
            posts: VecDeque::new(),
            blocked: false,
        }
    }

    /// Encodes a read, and returns how many octets that took.
    pub(super) fn encode_read(&mut self, wire_id: u32, tran: &Transaction) -> usize {
        let out = self.out.end();
        let before = out.len();
        encode_request(&header_of(wire_id, tran), &[], out);
        let octets = out.len() - before;
        self.encoded_total += octets as u64;
        octets
    }

    /// Encodes one item. A write whose requester has taken its buffer back is left out. Nothing may
    /// follow a large one.
    fn encode(&mut self, item: Item) {
        debug_assert!(self.large.is_none());
        let out = self.out.end();
        let before = out.len();
        match item {
            Item::Large(wire_id, tran, progress) => {
                self.large = Large::begin(&header_of(wire_id, &tran), tran.clone(), progress);
                self.encoded_total += self.large_backlog() as u64;
                return self.note_post(wire_id, tran);
            }
            Item::Request(wire_id, tran) => {
                let header = header_of(wire_id, &tran);
                if !is_write(tran.ty()) {
                    encode_request(&header, &[], out);
                } else if let Some(data) = tran.data() {
                    encode_request(&header, &data, out);
                }
                self.encoded_total += (out.len() - before) as u64;
                return self.note_post(wire_id, tran);
            }
            Item::Probe(id) => {
                let header = Header { id, address: 0, size: 0, ty: TYPE_PROBE };
                encode_request(&header, &[], out);
            }
            Item::Control(octets) => out.extend_from_slice(&octets),
        }
        self.encoded_total += (out.len() - before) as u64;
    }

    /// A posted write ends with what has been encoded.
    fn note_post(&mut self, wire_id: u32, tran: Arc<Transaction>) {
        if tran.ty() == POST {
            self.posts.push_back((self.encoded_total, wire_id, tran));
        }
    }

    /// Sends what is encoded. Returns whether all of it is out; if not, the socket will become
    /// writable.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        loop {
            let is_out = self.out.send(&self.stream)?;
            self.out.spent().for_each(drop);
            let (true, Some(large)) = (is_out, &mut self.large) else { return Ok(is_out) };
            match large.send(&self.stream)? {
                Sending::Blocked => return Ok(false),
                Sending::Sent => {}
                Sending::Ended(rest) => drop(self.out.append(rest)),
            }
            self.large = None;
        }
    }

    fn large_backlog(&self) -> usize {
        self.large.as_ref().map_or(0, Large::backlog)
    }

    /// Octets that wait to be sent.
    fn backlog(&self) -> usize {
        self.out.backlog() + self.large_backlog()
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.backlog() == 0
    }

    /// Whether more may be encoded before some of it has been sent.
    pub(super) fn has_room(&self) -> bool {
        self.large.is_none() && self.out.backlog() < BATCH_OCTETS
    }

    /// Octets the system has taken.
    pub(super) fn sent_total(&self) -> u64 {
        self.encoded_total - self.backlog() as u64
    }

    /// The next posted write that the system has taken wholly.
    pub(super) fn next_sent_post(&mut self) -> Option<(u32, Arc<Transaction>)> {
        let &(end, ..) = self.posts.front()?;
        if end > self.sent_total() {
            return None;
        }
        self.posts.pop_front().map(|(_, wire_id, tran)| (wire_id, tran))
    }
}
