//! The sending half of a client's connection. The thread that holds its lock encodes and sends.
//! Other threads only queue their requests.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::large::{is_large, Large, Progress, Sending, LARGE_OCTETS_MIN};
use crate::bridge::link::wire::Outgoing;
use crate::memory::{Transaction, TransactionType};
use crate::net::ByteStream;
use crate::proto::bridge::{encode_request, encode_request_head, Header, Timing};

/// Size of encoded requests at which they are sent before more are encoded, in octets.
const BATCH_OCTETS: usize = 64 * 1024;
/// Approximate overhead of a request beyond its data, in octets.
const HEADER_OCTETS: usize = 63;
// A large write ends its batch.
const _: () = assert!(LARGE_OCTETS_MIN >= BATCH_OCTETS);

/// A transaction to be encoded.
pub(super) struct QueuedRequest {
    pub(super) wire_id: u32,
    pub(super) tran: Arc<Transaction>,
    /// Its remaining time.
    timing: Timing,
    /// Present if its data is sent without a copy.
    progress: Option<Arc<Progress>>,
}

/// The requests that a sending thread takes from the queue at a time.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) requests: Vec<QueuedRequest>,
    /// Requests that have been sent or given up. Dropping one may run user code, so they are
    /// dropped when no lock is held and other threads can send.
    pub(super) spent: Vec<Arc<Transaction>>,
    /// Posted writes that have been sent. They are completed at the same point.
    pub(super) posts: Vec<Arc<Transaction>>,
    /// Requests whose time has passed. They are ended at the same point.
    pub(super) late: Vec<Arc<Transaction>>,
    /// Requests whose time seems to have passed, with their ids on the wire, in order.
    pub(super) maybe_late: Vec<(u32, Arc<Transaction>)>,
    octets: usize,
    /// A request whose data another thread has locked. It and all later ones wait.
    pub(super) locked: Option<Arc<Transaction>>,
}

impl Batch {
    /// Adds a transaction. Returns the progress of a large write.
    pub(super) fn add(
        &mut self,
        half: &mut SendHalf,
        wire_id: u32,
        tran: &Arc<Transaction>,
        timing: Timing,
    ) -> Option<Arc<Progress>> {
        // A read needs no data, which another thread could take away, so it is encoded here, unless
        // a write is queued before it.
        if !tran.ty().is_write() && self.requests.is_empty() {
            let (header, timing) = (header_of(wire_id, tran), half.is_timed.then_some(&timing));
            self.octets += half.append(0, |out| encode_request(&header, timing, &[], out));
            return None;
        }
        self.octets += tran.size() as usize + HEADER_OCTETS;
        // Sealed data has to be copied.
        let is_large = is_large(tran) && !half.out.seals();
        let progress = is_large.then(Arc::<Progress>::default);
        self.requests.push(QueuedRequest {
            wire_id,
            tran: tran.clone(),
            timing,
            progress: progress.clone(),
        });
        progress
    }

    /// Whether the batch has its full size.
    pub(super) fn is_full(&self) -> bool {
        self.octets >= BATCH_OCTETS
    }

    /// Encodes the requests into `half`, up to one that is [locked](Self::locked). That one and all
    /// later ones stay, and so do writes that have been given up.
    pub(super) fn encode(&mut self, half: &mut SendHalf) {
        self.octets = 0;
        self.locked = None;
        let mut left = Vec::new();
        for request in self.requests.drain(..) {
            if self.locked.is_some() {
                left.push(request);
            } else if let Err(request) = half.encode(request, &mut self.spent) {
                self.locked = (!request.tran.expired()).then(|| request.tran.clone());
                left.push(request);
            }
        }
        self.requests.append(&mut left);
    }
}

/// The header of a transaction's request.
pub(super) fn header_of(wire_id: u32, tran: &Transaction) -> Header {
    Header { id: wire_id, address: tran.address(), size: tran.size(), ty: tran.ty().into() }
}

/// Encodes and sends requests.
pub(super) struct SendHalf {
    stream: Arc<ByteStream>,
    /// Whether the server accepts requests with their timing.
    is_timed: bool,
    out: Outgoing,
    /// Sent after `out`. Nothing is encoded before it has been sent.
    large: Option<Large>,
    /// Octets encoded on this connection.
    encoded_total: u64,
    /// Posted writes that complete once the system has taken this many octets.
    posts: VecDeque<(u64, u32, Arc<Transaction>)>,
    /// Octets [counted](Self::newly_sent) so far.
    counted: u64,
    #[cfg(test)]
    pub(super) flushes: usize,
}

/// Outcome of a flush.
pub(super) enum Flushed {
    /// Everything has been sent.
    Wholly,
    /// The socket is full, and will become writable.
    Blocked,
    /// Another thread has locked the data of this large write.
    Locked(Arc<Transaction>),
}

impl SendHalf {
    /// Sends on `stream`, beginning with the rest of the handshake (`out`). Requests include their
    /// timing if it `is_timed`.
    pub(super) fn new(stream: Arc<ByteStream>, out: Outgoing, is_timed: bool) -> SendHalf {
        SendHalf {
            stream,
            is_timed,
            encoded_total: out.backlog() as u64,
            out,
            large: None,
            posts: VecDeque::new(),
            counted: 0,
            #[cfg(test)]
            flushes: 0,
        }
    }

    /// Appends the output of `encode`, with `body` octets of data, and returns its size.
    pub(super) fn append(&mut self, body: usize, encode: impl FnOnce(&mut Vec<u8>)) -> usize {
        let Some(out) = self.out.end(body) else { return 0 };
        let before = out.len();
        encode(out);
        let octets = self.out.appended(before);
        self.encoded_total += octets as u64;
        octets
    }

    /// Appends a write with its data, which is sealed from where it is if it is large.
    fn append_write(&mut self, header: &Header, timing: Option<&Timing>, data: &[u8]) {
        let Some(out) = self.out.end(0) else { return };
        let before = out.len();
        encode_request_head(header, timing, out);
        self.out.append_body(data);
        self.encoded_total += self.out.appended(before) as u64;
    }

    /// Encodes a request. Nothing may be encoded after a large write. The transaction goes to
    /// `spent`, that of a posted write to `posts` until it has been sent. `Err` returns a write that
    /// has been given up, or whose data another thread has locked: this thread must not wait,
    /// because others may wait for it.
    fn encode(
        &mut self,
        request: QueuedRequest,
        spent: &mut Vec<Arc<Transaction>>,
    ) -> Result<(), QueuedRequest> {
        debug_assert!(self.large.is_none());
        let QueuedRequest { wire_id, tran, timing, progress } = &request;
        let (header, timing) = (header_of(*wire_id, tran), self.is_timed.then_some(timing));
        if let Some(progress) = progress {
            let Some(large) = Large::begin(&header, timing, tran, progress) else {
                return Err(request);
            };
            self.large = Some(large);
            self.encoded_total += self.large_backlog() as u64;
        } else if tran.ty().is_write() {
            let Some(data) = tran.try_data().flatten() else { return Err(request) };
            self.append_write(&header, timing, &data);
        } else {
            self.append(0, |out| encode_request(&header, timing, &[], out));
        }
        match request.tran.ty() {
            TransactionType::Post => {
                self.posts.push_back((self.encoded_total, request.wire_id, request.tran))
            }
            _ => spent.push(request.tran),
        }
        Ok(())
    }

    /// Sends encoded requests. A large write that has been sent goes to `spent`.
    pub(super) fn flush(&mut self, spent: &mut Vec<Arc<Transaction>>) -> io::Result<Flushed> {
        #[cfg(test)]
        {
            self.flushes += 1;
        }
        loop {
            let is_out = self.out.send(&self.stream)?;
            self.out.spent().for_each(drop);
            let large = match &mut self.large {
                _ if !is_out => return Ok(Flushed::Blocked),
                None => return Ok(Flushed::Wholly),
                Some(large) => large,
            };
            match large.send(&self.stream)? {
                Sending::Blocked => return Ok(Flushed::Blocked),
                Sending::Locked => return Ok(Flushed::Locked(large.tran.clone())),
                Sending::Sent => {}
                Sending::Ended(rest) => drop(self.out.append(rest)),
            }
            spent.extend(self.large.take().map(|large| large.tran));
        }
    }

    fn large_backlog(&self) -> usize {
        self.large.as_ref().map_or(0, Large::backlog)
    }

    /// Number of unsent octets.
    fn backlog(&self) -> usize {
        self.out.backlog() + self.large_backlog()
    }

    /// Whether everything has been sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.backlog() == 0
    }

    /// Whether more may be encoded before a flush.
    pub(super) fn has_room(&self) -> bool {
        self.large.is_none() && self.out.backlog() < BATCH_OCTETS
    }

    /// Octets that the system has taken.
    fn sent_total(&self) -> u64 {
        self.encoded_total.saturating_sub(self.backlog() as u64)
    }

    /// Octets that the system has taken since the last call.
    pub(super) fn newly_sent(&mut self) -> u64 {
        let total = self.sent_total();
        total - std::mem::replace(&mut self.counted, total)
    }

    /// The next posted write that the system has taken entirely.
    pub(super) fn next_sent_post(&mut self) -> Option<(u32, Arc<Transaction>)> {
        let &(end, ..) = self.posts.front()?;
        if end > self.sent_total() {
            return None;
        }
        self.posts.pop_front().map(|(_, wire_id, tran)| (wire_id, tran))
    }
}
