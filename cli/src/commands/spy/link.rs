//! A connection of a client and the one to the server, and what passes between them.
//!
//! What one end sends is written to the other one at once. What that does not take waits here, at
//! most one piece in each direction, and nothing more is read until it is gone: the system's
//! buffers fill up, and the sender waits as it would without a spy.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use rogue_mem::net::ByteStream;
use socket2::SockRef;

use super::direction::Direction;

/// Octets that are read at once.
pub const PIECE_OCTETS: usize = 64 * 1024;
/// Pieces of one direction that are passed on before it is the turn of other connections.
const PIECES_AT_ONCE: usize = 16;

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    /// What the receiver has not taken yet.
    waiting: Vec<u8>,
    /// Octets of it that it has taken.
    taken: usize,
    /// The sender has sent everything.
    has_ended: bool,
    /// The receiver knows that.
    is_shut: bool,
}

/// What the relay learns from a link.
#[derive(Debug)]
pub enum News<'a> {
    /// These octets have come.
    Passed(Direction, &'a [u8]),
    /// The sender has sent everything.
    Ended(Direction),
}

/// An end that has reset its connection, or is gone.
#[derive(Debug)]
pub struct Break {
    /// The end that sends in this direction.
    pub of: Direction,
    /// The system's error.
    pub error: io::Error,
}

/// How a link is after it has passed on what there was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It waits for one of the ends.
    Waiting,
    /// There may be more at once.
    Busy,
    /// Both ends have closed it; the sender of this direction was the first.
    Over(Direction),
}

/// The two connections.
#[derive(Debug)]
pub struct Link {
    client: ByteStream,
    server: ByteStream,
    flows: [Flow; 2],
    first_ended: Direction,
}

impl Link {
    /// Two connections of which nothing has been read yet.
    pub fn new(client: ByteStream, server: ByteStream) -> Link {
        let flows = [Flow::default(), Flow::default()];
        Link { client, server, flows, first_ended: Direction::ToServer }
    }

    /// Passes on what there is, in both directions.
    pub fn pump(
        &mut self,
        piece: &mut [u8],
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<State, Break> {
        let mut is_busy = false;
        for direction in Direction::BOTH {
            let (from, to) = match direction {
                Direction::ToServer => (&self.client, &self.server),
                Direction::ToClient => (&self.server, &self.client),
            };
            let other_has_ended = self.flows[direction.reversed().index()].has_ended;
            let flow = &mut self.flows[direction.index()];
            is_busy |= flow.pump(direction, from, to, piece, tell)?;
            if flow.has_ended && !other_has_ended {
                self.first_ended = direction;
            }
        }
        Ok(match self.flows.iter().all(|flow| flow.is_shut) {
            true => State::Over(self.first_ended),
            false if is_busy => State::Busy,
            false => State::Waiting,
        })
    }

    /// Both connections, to take their descriptors out of a set.
    pub fn streams(&mut self) -> [&mut ByteStream; 2] {
        [&mut self.client, &mut self.server]
    }

    /// Ends both connections by a reset.
    pub fn reset(self) {
        reset(&self.client);
        reset(&self.server);
    }
}

/// Has the end of this connection be a reset, once it is dropped.
pub fn reset(stream: &ByteStream) {
    // A connection that is gone already needs none.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl Flow {
    /// Passes octets on; `true` if there may be more at once.
    fn pump(
        &mut self,
        direction: Direction,
        mut from: &ByteStream,
        to: &ByteStream,
        piece: &mut [u8],
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<bool, Break> {
        let receiver_broke = |error| Break { of: direction.reversed(), error };
        for _ in 0..PIECES_AT_ONCE {
            if !self.deliver(to).map_err(receiver_broke)? {
                return Ok(false);
            }
            if self.has_ended {
                self.shut(to);
                return Ok(false);
            }
            match from.read(piece) {
                Ok(0) => {
                    self.has_ended = true;
                    tell(News::Ended(direction));
                }
                Ok(count) => {
                    let octets = &piece[..count];
                    // First to its destination, then to whoever looks on.
                    let taken = take(to, octets);
                    tell(News::Passed(direction, octets));
                    let taken = taken.map_err(receiver_broke)?;
                    self.waiting.extend_from_slice(&octets[taken..]);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(Break { of: direction, error }),
                },
            }
        }
        Ok(true)
    }

    /// Hands over what waits; `true` if nothing is left.
    fn deliver(&mut self, to: &ByteStream) -> io::Result<bool> {
        if self.waiting.is_empty() {
            return Ok(true);
        }
        self.taken += take(to, &self.waiting[self.taken..])?;
        if self.taken < self.waiting.len() {
            return Ok(false);
        }
        // Most connections need this memory never again.
        (self.waiting, self.taken) = (Vec::new(), 0);
        Ok(true)
    }

    fn shut(&mut self, to: &ByteStream) {
        if !self.is_shut {
            // A connection that is gone already says so to whoever reads it.
            let _ = to.shutdown(Shutdown::Write);
            self.is_shut = true;
        }
    }
}

/// Writes as many octets as the connection takes now.
fn take(mut to: &ByteStream, octets: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < octets.len() {
        match to.write(&octets[taken..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => taken += count,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => break,
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
    Ok(taken)
}
