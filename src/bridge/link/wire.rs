//! One connection of the bridge: its socket, its ZMTP session, and its queued output.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Token};

use super::buffers::{keep_spare, make_room, spare, SPARE_BYTES_MIN};
use super::opened::{receive, OpenedInput};
pub use super::opened::{Received, READ_OCTETS};
use crate::headroom;
use crate::net::socket::{self, Silence};
use crate::net::{ByteStream, Registry};
use crate::proto::zmtp::frame::FrameHeader;
use crate::proto::zmtp::{Limits, Mechanism, Role, Sealer, Session};

/// Pieces of a large payload that are read in a row.
const PAYLOAD_READS_MAX: usize = 64;
/// A larger output buffer is given away once it is empty.
const OUT_KEPT_OCTETS_MAX: usize = SPARE_BYTES_MIN;
/// Sent octets that may remain in front of unsent ones.
const SENT_KEPT_OCTETS_MAX: usize = 64 * 1024;
/// A block of at least this many octets is sent from its own memory.
const BLOCK_OCTETS_MIN: usize = 16 * 1024;
/// Buffers sent by one system call.
const SLICES_COUNT_MAX: usize = 16;
/// Upper bound on the octets of a message beside its payload and its text.
const HEADS_OCTETS_MAX: usize = 128;
/// Answers that fit into this are queued also while the system has no memory for other things.
const ANSWERS_OCTETS_MIN: usize = 4096;
/// No PONG is queued behind more octets than this: a peer that sends PINGs without reading cannot
/// fill our memory.
const CONTROL_BACKLOG_OCTETS_MAX: usize = 64 * 1024;
/// Time limit of greeting and handshake, the same as libzmq's.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long one connection of a pair may be silent after the other one has ended, where what was sent
/// before the end counts. An end that has closed both is read to the end long before that.
pub const LAST_OCTETS_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long requests may stay unread at a server: as long as its slave may block it. Outstanding
/// requests are given up much earlier, by their own timeouts.
pub const REQUESTS_UNREAD_TIME_MAX: Duration = Duration::from_secs(60);
/// How long responses may stay unread at a client, which has nothing else to do.
pub const RESPONSES_UNREAD_TIME_MAX: Duration = Duration::from_secs(11);

/// A queued buffer.
enum Block {
    /// Memory that is returned for reuse.
    Own(Vec<u8>),
    /// Memory that is dropped when it has been sent.
    Foreign(Box<dyn AsRef<[u8]> + Send>),
}

impl Block {
    fn octets(&self) -> &[u8] {
        match self {
            Block::Own(octets) => octets,
            Block::Foreign(octets) => (**octets).as_ref(),
        }
    }
}

/// Output of a socket: consecutive small messages in one buffer, large blocks each in its own, so
/// that they are not copied.
#[derive(Default)]
pub struct Outgoing {
    /// Queued buffers, in order, before `end`.
    blocks: VecDeque<Block>,
    /// Octets of all of them.
    blocks_octets: usize,
    /// The latest octets; more are appended here.
    end: Vec<u8>,
    /// Octets of the first buffer that have been sent.
    sent: usize,
    /// Octets sent so far.
    sent_ever: u64,
    /// Large blocks that have been sent, for reuse of their memory.
    spent: Vec<Vec<u8>>,
    /// Seals what is appended, if the connection's mechanism seals.
    sealer: Option<Box<dyn Sealer>>,
    /// Empty memory for octets that are to be sealed.
    plain: Vec<u8>,
    /// Number of octets of `end` in their final form: sealed, or of the handshake.
    final_len: usize,
    /// The system had no memory for some octets: the connection cannot go on.
    has_failed: bool,
}

impl Outgoing {
    /// The buffer to which a whole small message with `octets` octets of payload and text, or the
    /// octets around a block, are appended. An idle connection keeps it, so it has no more room than
    /// that. `None` if the system has no memory for them: the connection is closed with the next
    /// [`send`](Self::send).
    #[inline]
    pub fn end(&mut self, octets: usize) -> Option<&mut Vec<u8>> {
        if self.has_no_room(octets) {
            self.make_room(HEADS_OCTETS_MAX + octets);
        }
        (!self.has_failed).then_some(&mut self.end)
    }

    /// The same for answers to a peer, which may leave them unread: beyond a few they grow only while
    /// the system has memory. The reserve for refusals is not for refusals that nobody reads.
    #[inline]
    pub fn end_of_answers(&mut self, octets: usize) -> Option<&mut Vec<u8>> {
        let is_long = self.end.len() > ANSWERS_OCTETS_MIN;
        if is_long && self.has_no_room(octets) && !headroom::is_there() {
            self.fail();
        }
        self.end(octets)
    }

    #[inline]
    fn has_no_room(&self, octets: usize) -> bool {
        self.end.capacity() - self.end.len() < HEADS_OCTETS_MAX + octets
    }

    /// Makes room for `octets` octets at the end. If the system has no memory for them, nothing more
    /// is queued.
    fn make_room(&mut self, octets: usize) {
        if self.end.try_reserve(octets).is_ok() || self.end.try_reserve_exact(octets).is_ok() {
            return;
        }
        self.fail();
    }

    #[cold]
    fn fail(&mut self) {
        self.has_failed = true;
        self.end.clear();
        self.final_len = 0;
        self.sent = if self.blocks.is_empty() { 0 } else { self.sent };
    }

    /// Whether appended octets are sealed. If so, they cannot be sent from their own buffer.
    pub fn seals(&self) -> bool {
        self.sealer.is_some()
    }

    /// Seals the messages that have been appended. Returns the length of `end` on the wire, less
    /// `before`.
    #[inline]
    pub fn appended(&mut self, before: usize) -> usize {
        if self.sealer.is_some() {
            self.seal_end();
        }
        self.end.len().saturating_sub(before)
    }

    #[cold]
    fn seal_end(&mut self) {
        self.seal_before(&[]);
    }

    /// Seals the messages that have been appended, the last of which ends in the header of a frame
    /// whose body is `block`, or is whole if that is empty.
    fn seal_before(&mut self, block: &[u8]) {
        let Some(sealer) = &mut self.sealer else { return };
        let mut plain = std::mem::take(&mut self.plain);
        let fresh = self.end.len() - self.final_len;
        let sealed = sealer.sealed_len_max(&self.end[self.final_len..]) + block.len();
        let is_swapped = self.final_len == 0;
        if is_swapped && sealed > plain.capacity().max(OUT_KEPT_OCTETS_MAX) {
            plain = spare(sealed);
        }
        let has_room = match is_swapped {
            true => plain.try_reserve(sealed).is_ok(),
            false => plain.try_reserve(fresh).is_ok() && self.end.try_reserve(sealed).is_ok(),
        };
        if !has_room {
            return self.fail();
        }
        if is_swapped {
            std::mem::swap(&mut plain, &mut self.end);
        } else {
            plain.extend_from_slice(&self.end[self.final_len..]);
            self.end.truncate(self.final_len);
        }
        sealer.seal_all(&plain, block, &mut self.end);
        self.final_len = self.end.len();
        if plain.capacity() <= OUT_KEPT_OCTETS_MAX {
            plain.clear();
            self.plain = plain;
        } else {
            keep_spare(plain);
        }
    }

    /// Appends a block that is the body of the frame whose header has just been appended. A large one
    /// is sealed from where it is.
    pub fn append_body(&mut self, block: &[u8]) {
        if block.len() >= BLOCK_OCTETS_MIN && self.seals() && self.is_body(block) {
            self.seal_before(block);
        } else {
            self.append_copy(block);
        }
    }

    /// Whether the appended messages end in the header of a frame with as large a body.
    fn is_body(&self, block: &[u8]) -> bool {
        let mut rest = &self.end[self.final_len..];
        while let Some((header, octets)) = FrameHeader::decode(rest) {
            rest = &rest[octets..];
            if rest.is_empty() {
                return header.len == block.len() as u64;
            }
            let body = usize::try_from(header.len).unwrap_or(usize::MAX);
            let Some(after) = rest.get(body..) else { return false };
            rest = after;
        }
        false
    }

    /// Appends the output of `session`. From the end of its handshake on it is sealed.
    #[cold]
    fn append_control(&mut self, session: &mut Session) {
        self.make_room(session.output_len());
        if self.has_failed {
            return;
        }
        let before = self.end.len();
        let clear = session.take_output(&mut self.end);
        if session.seals() {
            if clear > 0 {
                self.final_len = before + clear;
            }
            if self.sealer.is_none() {
                self.sealer = session.take_sealer();
            }
        }
    }

    /// Appends a block. A large one is not copied. A small one, or one to be sealed, is copied and
    /// returned.
    pub fn append(&mut self, block: Vec<u8>) -> Option<Vec<u8>> {
        if block.len() < BLOCK_OCTETS_MIN || self.seals() {
            self.append_body(&block);
            return Some(block);
        }
        self.push(Block::Own(block));
        None
    }

    /// Appends a block of any type, as [`append`](Self::append). It is dropped when it has been
    /// copied or sent.
    pub fn append_foreign(&mut self, block: impl AsRef<[u8]> + Send + 'static) {
        let octets = block.as_ref();
        match octets.len() < BLOCK_OCTETS_MIN || self.seals() {
            true => self.append_body(octets),
            false => self.push(Block::Foreign(Box::new(block))),
        }
    }

    /// The octets that have been appended behind the first `start` ones of the end; none if the system
    /// had no memory for them.
    pub fn appended_behind(&self, start: usize) -> &[u8] {
        self.end.get(start..).unwrap_or_default()
    }

    /// Appends a copy. Nothing more follows what has no room.
    pub fn append_copy(&mut self, octets: &[u8]) {
        self.make_room(octets.len());
        if !self.has_failed {
            self.end.extend_from_slice(octets);
        }
    }

    fn push(&mut self, block: Block) {
        if self.blocks.try_reserve(2).is_err() {
            return self.fail();
        }
        self.blocks_octets += self.end.len() + block.octets().len();
        self.blocks.push_back(Block::Own(std::mem::take(&mut self.end)));
        self.blocks.push_back(block);
    }

    /// The large blocks that have been sent since the last call.
    pub fn spent(&mut self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.spent.drain(..)
    }

    /// Bytes of memory for them.
    pub fn held_bytes(&self) -> u64 {
        (self.blocks_octets + self.end.capacity()) as u64
    }

    /// Frees the memory of sent octets.
    pub fn give_back(&mut self) {
        if self.backlog() == 0 {
            (self.end, self.sent, self.final_len) = (Vec::new(), 0, 0);
            (self.blocks, self.plain) = (VecDeque::new(), Vec::new());
        }
    }

    /// Octets not yet sent. What has failed counts as one, so that it is sent, and ends the connection.
    pub fn backlog(&self) -> usize {
        self.blocks_octets + self.end.len() - self.sent + usize::from(self.has_failed)
    }

    /// Whether the system had no memory for some octets: the connection cannot go on.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Octets sent so far.
    pub fn sent_octets(&self) -> u64 {
        self.sent_ever
    }

    /// Octets queued so far.
    pub fn queued_octets(&self) -> u64 {
        self.sent_ever + self.backlog() as u64
    }

    /// Sends as much as the socket takes. Returns whether everything has been sent; if not, the
    /// socket will become writable.
    pub fn send(&mut self, stream: &ByteStream) -> io::Result<bool> {
        self.appended(0);
        if self.has_failed {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        loop {
            self.drop_sent();
            if self.blocks.is_empty() && self.sent == self.end.len() {
                break;
            }
            match self.send_some(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.sent += count;
                    self.sent_ever += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.discard_sent();
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (self.sent, self.final_len) = (0, 0);
        if self.end.capacity() > OUT_KEPT_OCTETS_MAX {
            // Where nothing is sealed, large blocks have their own buffers.
            let end = std::mem::take(&mut self.end);
            if self.seals() {
                keep_spare(end);
            }
        } else {
            self.end.clear();
        }
        Ok(true)
    }

    /// One system call.
    fn send_some(&self, mut stream: &ByteStream) -> io::Result<usize> {
        if self.blocks.is_empty() {
            return stream.write(&self.end[self.sent..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_COUNT_MAX];
        let buffers = self.blocks.iter().map(Block::octets).chain([&self.end[..]]);
        let mut count = 0;
        for (slice, buffer) in slices.iter_mut().zip(buffers) {
            let start = if count == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&buffer[start..]);
            count += 1;
        }
        socket::send_vectored(stream, &slices[..count])
    }

    /// Drops the buffers that have been sent completely.
    fn drop_sent(&mut self) {
        while self.blocks.front().is_some_and(|block| block.octets().len() <= self.sent) {
            let Some(block) = self.blocks.pop_front() else { return };
            self.sent -= block.octets().len();
            self.blocks_octets -= block.octets().len();
            match block {
                Block::Own(octets) if octets.len() >= BLOCK_OCTETS_MIN => {
                    if self.spent.try_reserve(1).is_ok() {
                        self.spent.push(octets);
                    }
                }
                Block::Own(_) | Block::Foreign(_) => {}
            }
        }
    }

    /// Removes sent octets at the front, if that is worth it: a buffer that is never quite empty
    /// must not grow for ever.
    fn discard_sent(&mut self) {
        self.drop_sent();
        let is_worth_it = self.sent > SENT_KEPT_OCTETS_MAX && self.sent >= self.backlog();
        if self.blocks.is_empty() && is_worth_it {
            self.end.drain(..self.sent);
            self.final_len = self.final_len.saturating_sub(self.sent);
            self.sent = 0;
        }
    }
}

/// A socket with its session and its output buffer.
pub struct Wire {
    /// Shared if another thread sends on it; closed when the last owner drops it.
    pub stream: Arc<ByteStream>,
    pub session: Session,
    /// The system has reported that the peer sends no more.
    pub is_read_closed: bool,
    pub out: Outgoing,
    /// Present if the session's mechanism seals.
    opened: Option<Box<OpenedInput>>,
}

impl Wire {
    /// Takes over a connection that is up, or about to be, and registers it as `token`. Without a role
    /// this end takes the one that its peer needs; the mechanism is for the same role.
    pub fn new(
        registry: &Registry,
        token: usize,
        mut stream: ByteStream,
        (role, mechanism): (Option<Role>, Box<dyn Mechanism>),
        limits: Limits,
    ) -> io::Result<Wire> {
        registry.register(&mut stream, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        let session = Session::with_mechanism(role, limits, mechanism);
        Ok(Wire {
            opened: session.seals().then(Box::default),
            stream: Arc::new(stream),
            session,
            is_read_closed: false,
            out: Outgoing::default(),
        })
    }

    /// Sets the options that every connection of the bridge has.
    pub fn configure(&self, silence: Silence) -> io::Result<()> {
        self.stream.configure(silence)
    }

    /// Bytes of memory that it holds.
    #[inline]
    pub fn held_bytes(&self) -> u64 {
        let opened = self.opened.as_ref().map_or(0, |opened| opened.held_bytes());
        self.out.held_bytes() + self.session.held_octets() as u64 + opened
    }

    /// Frees memory that holds nothing.
    pub fn give_back(&mut self) {
        self.out.give_back();
        self.session.give_back();
        if let Some(opened) = self.opened.as_mut().filter(|opened| opened.is_read()) {
            **opened = OpenedInput::default();
        }
    }

    /// Reads received octets, up to the size of `buffer`.
    pub fn read(&mut self, buffer: &mut [u8]) -> Received {
        match &mut self.opened {
            None => receive(|| (&*self.stream).read(buffer)),
            Some(opened) => opened.read(&self.stream, &mut self.session, buffer),
        }
    }

    /// Reads received octets, up to the sizes of both buffers, with one system call. The second one
    /// is used when the first is full.
    pub fn read_both(&mut self, first: &mut [u8], second: &mut [u8]) -> Received {
        if self.opened.is_some() {
            return self.read(if first.is_empty() { second } else { first });
        }
        let mut buffers = [IoSliceMut::new(first), IoSliceMut::new(second)];
        receive(|| (&*self.stream).read_vectored(&mut buffers))
    }

    /// Reads at most `limit` received octets into the spare capacity of `bytes`, which must not be
    /// 0.
    fn read_behind(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Received {
        if self.opened.is_some() {
            let before = bytes.len();
            bytes.resize(before + limit.min(READ_OCTETS), 0);
            let received = self.read(&mut bytes[before..]);
            bytes.truncate(before + received.count());
            return received;
        }
        receive(|| socket::receive_behind(&*self.stream, bytes, limit))
    }

    /// Reads a large payload, of which `remaining` octets are missing, to the end of `payload`, which
    /// grows. Leaves its last octet, with which a decoder completes the message. The sender is often
    /// still sending: another read at once is cheaper than a sleep after each piece. None begins after
    /// `octets_max` octets.
    pub fn read_payload(
        &mut self,
        payload: &mut Vec<u8>,
        remaining: u64,
        octets_max: u64,
    ) -> Received {
        let before = payload.len();
        let size = before.saturating_add(usize::try_from(remaining).unwrap_or(usize::MAX));
        let mut received = Received::Nothing;
        for _ in 0..PAYLOAD_READS_MAX {
            if payload.len() + 1 >= size || (payload.len() - before) as u64 >= octets_max {
                break;
            }
            if make_room(payload, size, 0).is_err() {
                received = Received::Failed(io::ErrorKind::OutOfMemory.into());
                break;
            }
            let room = payload.capacity().min(size - 1) - payload.len();
            received = self.read_behind(payload, room);
            if !matches!(received, Received::Octets(_)) {
                break;
            }
        }
        // Octets read before an error or the end count; the error shows again.
        match payload.len() - before {
            0 => received,
            count => Received::Octets(count),
        }
    }

    /// Whether there may be more to read after `count` octets came into a buffer of `room`. Later
    /// octets have an event of their own; the end of the stream, if it was announced together with
    /// these octets, has none.
    pub fn may_have_more(&self, count: usize, room: usize) -> bool {
        count == room || self.is_read_closed || self.opened.is_some()
    }

    /// Queues session output (greeting, READY, PONG) behind the queued whole messages, unless those
    /// are too many.
    #[inline]
    pub fn queue_control(&mut self) {
        let has_news = self.session.output_len() > 0 || self.session.seals();
        if has_news && self.out.backlog() < CONTROL_BACKLOG_OCTETS_MAX {
            self.out.append_control(&mut self.session);
        }
    }

    /// Sends as much as the socket takes, the session's own output included. If that is not
    /// everything, the socket will become writable.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.out.backlog() > 0 || self.session.output_len() > 0 {
            self.queue_control();
            if !self.out.send(&self.stream)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Hands the queued output over to another sender on this socket.
    pub fn take_outgoing(&mut self) -> Outgoing {
        self.queue_control();
        std::mem::take(&mut self.out)
    }
}

#[cfg(test)]
mod tests;
