//! One connection of the bridge: its socket, its ZMTP session, and what waits to be sent.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::net::socket::{self, Liveness};
use crate::proto::zmtp::{Limits, Role, Session};

/// Octets read from a socket at a time.
pub(super) const READ_OCTETS: usize = 64 * 1024;
/// An output buffer larger than this is given back once it is empty.
const OUT_KEPT_OCTETS_MAX: usize = 256 * 1024;
/// Octets that have been sent and still lie in front of those that wait.
const SENT_KEPT_OCTETS_MAX: usize = 64 * 1024;
/// A block of at least this many octets is sent from where it is.
const BLOCK_OCTETS_MIN: usize = 16 * 1024;
/// Buffers that one system call sends.
const SLICES_COUNT_MAX: usize = 16;
/// No PONG is put behind more octets than this: a peer that sends PINGs and reads nothing fills
/// no memory of ours.
const CONTROL_BACKLOG_OCTETS_MAX: usize = 64 * 1024;
/// How long greeting and handshake may take, as libzmq has it.
pub(super) const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long requests may lie unread at a server: as long as its slave may block it. Answers of
/// the requests on their way are given up much earlier, by their own timeouts.
pub(super) const REQUESTS_UNREAD_TIME_MAX: Duration = Duration::from_secs(60);
/// How long responses may lie unread at a client, which has nothing else to do than to read them.
pub(super) const RESPONSES_UNREAD_TIME_MAX: Duration = Duration::from_secs(11);

/// A dead host is noticed after about eleven seconds where nothing is on its way to it, whatever
/// user code does meanwhile. The kernel's limit for what is on its way does not distinguish a dead
/// host from one that does not read.
const fn liveness(unread_time_max: Duration) -> Liveness {
    Liveness {
        keepalive_idle: Duration::from_secs(5),
        keepalive_interval: Duration::from_secs(2),
        keepalive_count: 3,
        unacknowledged_max: unread_time_max,
    }
}

/// What reading a socket gave.
pub(super) enum Received {
    /// This many octets.
    Octets(usize),
    /// Nothing for now.
    Nothing,
    /// The peer closed the connection.
    Closed,
    /// The connection failed.
    Failed(io::Error),
}

impl Received {
    /// Octets that have come.
    pub(super) fn count(&self) -> usize {
        match self {
            Received::Octets(count) => *count,
            Received::Nothing | Received::Closed | Received::Failed(_) => 0,
        }
    }
}

/// Octets on their way into a socket: small messages one after another in one buffer, large blocks
/// each in its own, so that they are not copied.
#[derive(Default)]
pub(super) struct Outgoing {
    /// What waits, in order, before `end`.
    blocks: VecDeque<Vec<u8>>,
    /// Octets of all of them.
    blocks_octets: usize,
    /// The latest octets, to which more are appended.
    end: Vec<u8>,
    /// Octets of the first buffer that have been sent.
    sent: usize,
    /// Large blocks that have been sent, for whoever wants to use their memory again.
    spent: Vec<Vec<u8>>,
}

impl Outgoing {
    /// Where whole messages, or the octets around a block, are appended.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.end
    }

    /// Puts a block behind what is there. A large one is not copied; a small one is, and given
    /// back.
    pub(super) fn append(&mut self, block: Vec<u8>) -> Option<Vec<u8>> {
        if block.len() < BLOCK_OCTETS_MIN {
            self.end.extend_from_slice(&block);
            return Some(block);
        }
        self.blocks_octets += self.end.len() + block.len();
        self.blocks.push_back(std::mem::take(&mut self.end));
        self.blocks.push_back(block);
        None
    }

    /// The large blocks that have been sent since the last call.
    pub(super) fn spent(&mut self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.spent.drain(..)
    }

    /// Octets that wait to be sent.
    pub(super) fn backlog(&self) -> usize {
        self.blocks_octets + self.end.len() - self.sent
    }

    /// Sends as much as the socket takes. Returns whether everything is out; if not, the socket
    /// will become writable.
    pub(super) fn send(&mut self, stream: &TcpStream) -> io::Result<bool> {
        loop {
            self.drop_sent();
            if self.blocks.is_empty() && self.sent == self.end.len() {
                break;
            }
            match self.send_some(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.discard_sent();
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sent = 0;
        if self.end.capacity() > OUT_KEPT_OCTETS_MAX {
            self.end = Vec::new();
        } else {
            self.end.clear();
        }
        Ok(true)
    }

    /// One system call.
    fn send_some(&self, mut stream: &TcpStream) -> io::Result<usize> {
        if self.blocks.is_empty() {
            return stream.write(&self.end[self.sent..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_COUNT_MAX];
        let buffers = self.blocks.iter().chain([&self.end]);
        let mut count = 0;
        for (slice, buffer) in slices.iter_mut().zip(buffers) {
            let start = if count == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&buffer[start..]);
            count += 1;
        }
        socket::send_vectored(stream, &slices[..count])
    }

    /// Drops the buffers that have been sent wholly.
    fn drop_sent(&mut self) {
        while self.blocks.front().is_some_and(|block| block.len() <= self.sent) {
            let Some(block) = self.blocks.pop_front() else { return };
            self.sent -= block.len();
            self.blocks_octets -= block.len();
            if block.len() >= BLOCK_OCTETS_MIN {
                self.spent.push(block);
            }
        }
    }

    /// Makes room at the front, where that is worth it: a buffer that is never quite empty must
    /// not grow for ever.
    fn discard_sent(&mut self) {
        self.drop_sent();
        let is_worth_it = self.sent > SENT_KEPT_OCTETS_MAX && self.sent >= self.backlog();
        if self.blocks.is_empty() && is_worth_it {
            self.end.drain(..self.sent);
            self.sent = 0;
        }
    }
}

/// A socket with its session and its output buffer.
pub(super) struct Wire {
    /// Shared where another thread sends on it; closed when the last owner drops it.
    pub(super) stream: Arc<TcpStream>,
    pub(super) session: Session,
    /// The system has said that the peer sends no more.
    pub(super) is_read_closed: bool,
    out: Outgoing,
    /// The system took less than all when it was last asked: it will say when it takes more.
    is_full: bool,
    /// Where `out` goes, if not to `stream`.
    detour: Option<Box<Detour>>,
    /// Another wire sends on `stream`.
    is_lent: bool,
}

/// Messages go out on one connection, and what the session has to say on its own.
struct Detour {
    stream: Arc<TcpStream>,
    control: Outgoing,
    /// There was no room for what the session of the other wire has to say.
    owes_control: bool,
}

impl Wire {
    /// Takes over a connection that is up, or about to be, and registers it as `token`.
    pub(super) fn new(
        registry: &Registry,
        token: usize,
        mut stream: TcpStream,
        role: Role,
        limits: Limits,
    ) -> io::Result<Wire> {
        registry.register(&mut stream, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        let session = Session::new(role, limits);
        Ok(Wire {
            stream: Arc::new(stream),
            session,
            is_read_closed: false,
            out: Outgoing::default(),
            is_full: false,
            detour: None,
            is_lent: false,
        })
    }

    /// Sets the options that every connection of the bridge has.
    pub(super) fn configure(&self, unread_time_max: Duration) -> io::Result<()> {
        socket::configure(&self.stream, &liveness(unread_time_max))
    }

    /// Reads what has come, up to the size of `buffer`.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Received {
        receive(|| (&*self.stream).read(buffer))
    }

    /// Reads what has come, up to the sizes of both buffers, with one system call. There is
    /// nothing in the second one before the first is full.
    pub(super) fn read_both(&self, first: &mut [u8], second: &mut [u8]) -> Received {
        let mut buffers = [IoSliceMut::new(first), IoSliceMut::new(second)];
        receive(|| (&*self.stream).read_vectored(&mut buffers))
    }

    /// Throws away what has come, at most `limit` octets. Fails where the system cannot do that.
    pub(super) fn discard(&self, limit: usize) -> Received {
        receive(|| socket::discard(&self.stream, limit))
    }

    /// Reads what has come into the room behind `bytes`, at most `limit` octets. There must be
    /// room.
    pub(super) fn read_behind(&self, bytes: &mut Vec<u8>, limit: usize) -> Received {
        loop {
            return match socket::receive_behind(&self.stream, bytes, limit) {
                Ok(0) => Received::Closed,
                Ok(count) => Received::Octets(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Received::Failed(error),
            };
        }
    }

    /// Reads what has come, at most `limit` octets, to the end of `bytes`, which grows with it.
    pub(super) fn read_to(&self, bytes: &mut Vec<u8>, limit: u64) -> Received {
        let before = bytes.len();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        loop {
            let left = limit - (bytes.len() - before);
            if bytes.capacity() == bytes.len() {
                bytes.reserve(left.min(bytes.len().max(READ_OCTETS)));
            }
            let room = left.min(bytes.capacity() - bytes.len());
            let received = self.read_behind(bytes, room);
            // What was read before an error, or the end, stays; that shows again.
            let is_over = !matches!(received, Received::Octets(count) if count == room);
            let total = bytes.len() - before;
            if total > 0 && (is_over || total == limit) {
                return Received::Octets(total);
            }
            if is_over {
                return received;
            }
        }
    }

    /// Puts a block behind what waits to be sent; see [`Outgoing::append`].
    pub(super) fn append(&mut self, block: Vec<u8>) -> Option<Vec<u8>> {
        self.out.append(block)
    }

    /// The large blocks that have been sent since the last call, to be used again.
    pub(super) fn spent(&mut self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.out.spent()
    }

    /// Whether there may be more to read, after `count` octets came into a buffer of `room`. What
    /// comes later is announced by an event of its own; the end of the stream, if it was announced
    /// together with these octets, is not.
    pub(super) fn may_have_more(&self, count: usize, room: usize) -> bool {
        count == room || self.is_read_closed
    }

    /// Where messages are appended, always whole ones.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        self.out.end()
    }

    /// Octets of messages that wait to be sent.
    pub(super) fn backlog(&self) -> usize {
        self.out.backlog()
    }

    /// Whether anything waits to be sent.
    pub(super) fn has_output(&self) -> bool {
        let control = self.detour.as_ref().map_or(0, |detour| detour.control.backlog());
        self.out.backlog() + control > 0
    }

    /// Queues what the session has to say (greeting, READY, PONG) behind the whole messages that
    /// wait already, unless those are too many.
    pub(super) fn queue_control(&mut self) {
        if self.is_lent {
            return;
        }
        let out = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.control);
        if self.session.output_len() > 0 && out.backlog() < CONTROL_BACKLOG_OCTETS_MAX {
            self.session.take_output(out.end());
        }
    }

    /// Sends messages on the socket of `other` from now on, which then sends nothing itself, or it
    /// would do so in the middle of a message: what its session has to say is to be
    /// [passed on](Self::pass_control).
    pub(super) fn send_on(&mut self, other: &mut Wire) {
        let stream = other.stream.clone();
        let control = Outgoing::default();
        self.detour = Some(Box::new(Detour { stream, control, owes_control: false }));
        other.is_lent = true;
    }

    /// Queues what the session of the wire has to say on whose socket this one sends, under the
    /// rules of [`queue_control`](Self::queue_control). Returns whether anything was queued.
    pub(super) fn pass_control(&mut self, other: &mut Session) -> bool {
        let is_news = other.output_len() > 0;
        let has_room = self.out.backlog() < CONTROL_BACKLOG_OCTETS_MAX;
        if is_news && has_room {
            other.take_output(self.out.end());
        }
        if let Some(detour) = &mut self.detour {
            detour.owes_control = is_news && !has_room;
        }
        is_news && has_room
    }

    /// Whether something can be [passed on](Self::pass_control) for which there was no room.
    pub(super) fn owes_control(&self) -> bool {
        let owes = self.detour.as_ref().is_some_and(|detour| detour.owes_control);
        owes && self.out.backlog() < CONTROL_BACKLOG_OCTETS_MAX
    }

    /// Sends as much as the socket takes, the session's own output included; see
    /// [`Outgoing::send`].
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        if !self.has_output() && self.session.output_len() == 0 {
            return Ok(true);
        }
        let flushed = self.flush_all();
        self.is_full = matches!(flushed, Ok(false));
        flushed
    }

    fn flush_all(&mut self) -> io::Result<bool> {
        loop {
            self.queue_control();
            let is_out = match &mut self.detour {
                None => self.out.send(&self.stream)?,
                Some(detour) => {
                    let is_out = self.out.send(&detour.stream)?;
                    detour.control.send(&self.stream)? && is_out
                }
            };
            if !is_out || self.is_lent || self.session.output_len() == 0 {
                return Ok(is_out);
            }
        }
    }

    /// Whether the last [`flush`](Self::flush) has left something, so that the socket becoming
    /// writable is of interest.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Hands over what waits to be sent, to somebody else who sends on this socket.
    pub(super) fn take_outgoing(&mut self) -> Outgoing {
        self.queue_control();
        std::mem::take(&mut self.out)
    }
}

/// What `read` gives, which is done again where a signal came.
fn receive(mut read: impl FnMut() -> io::Result<usize>) -> Received {
    loop {
        return match read() {
            Ok(0) => Received::Closed,
            Ok(count) => Received::Octets(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Received::Failed(error),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_sent_does_not_pile_up_in_front_of_what_waits() {
        const CHUNK_OCTETS: usize = 200_000;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (sender, _) = listener.accept().unwrap();
        sender.set_nonblocking(true).unwrap();
        let sender = TcpStream::from_std(sender);
        let mut outgoing = Outgoing::default();
        // More than the buffers of the system take, so that something always waits.
        while outgoing.backlog() < 4 * CHUNK_OCTETS {
            outgoing.end().extend_from_slice(&[7; CHUNK_OCTETS]);
            outgoing.send(&sender).unwrap();
        }
        let mut chunk = vec![0; CHUNK_OCTETS];
        for _ in 0..500 {
            reader.read_exact(&mut chunk).unwrap();
            outgoing.end().extend_from_slice(&chunk);
            outgoing.send(&sender).unwrap();
            let kept = outgoing.backlog() + outgoing.sent;
            assert!(kept <= 2 * outgoing.backlog() + SENT_KEPT_OCTETS_MAX, "{kept}");
        }
        assert!(chunk.iter().all(|&octet| octet == 7));
    }
}
