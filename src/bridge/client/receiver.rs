//! The receiving half of a client: the response connection, handed from thread to thread. Whoever
//! holds it reads; that is the event loop, or a thread that waits for an answer and fetches it
//! itself, which saves the change of threads in between.

use std::sync::Arc;

use mio::Waker;

use super::half::{Failure, Half};
use super::shared::{Payload, Shared};
use crate::bridge::wire::{Received, Wire, READ_OCTETS};
use crate::clock::{self, Time};
use crate::logging::log_warning;
use crate::memory::Transaction;
use crate::net::sleeper::Sleeper;
use crate::net::{Spin, Spinner};
use crate::proto::bridge::{Header, ResponseDecoder, ResponseEvent};
use crate::proto::zmtp::Event;

/// Responses that are delivered together.
pub(super) const RESPONSES_TOGETHER_MAX: usize = 16;
/// Octets read at a time into a transaction's buffer, whose data lock is held meanwhile.
const PLACED_OCTETS_MAX: usize = 4 << 20;

/// What reading once has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// Nothing: it has all been read.
    Nothing,
    /// Octets, and all that there were.
    All,
    /// Octets, and there may be more.
    Some,
}

/// A response as it was received.
#[derive(Clone, Copy, Default)]
pub(super) struct Response<'a> {
    pub(super) header: Header,
    pub(super) payload: &'a [u8],
    pub(super) result: &'a [u8],
}

/// A response whose payload has not all come yet.
struct Body {
    header: Header,
    octets: u64,
    place: Place,
}

/// Where a payload goes.
enum Place {
    /// Nobody wants it.
    Nowhere,
    /// Here, until it is known whether it is that of a success.
    Here(Vec<u8>),
    /// Into the transaction's buffer, which it fills; so many octets have come.
    Buffer(Arc<Transaction>, usize),
}

impl Place {
    /// For a payload of `octets` that `tran` waits for. A server that `is_announced` sends none
    /// with an error, so that a large one need not be kept and copied.
    fn of(tran: Option<Arc<Transaction>>, octets: u64, is_announced: bool) -> Place {
        match tran {
            None => Place::Nowhere,
            Some(tran) if is_announced && octets > READ_OCTETS as u64 => Place::Buffer(tran, 0),
            Some(_) => Place::Here(Vec::new()),
        }
    }

    /// Takes the next octets.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Place::Nowhere => {}
            Place::Here(payload) => {
                if payload.try_reserve(bytes.len()).is_err() {
                    return Err("out of memory for a response".to_owned().into());
                }
                payload.extend_from_slice(bytes);
            }
            Place::Buffer(tran, filled) => {
                let is_placed = with_room(tran, *filled, |room| {
                    let (room, _) = room.split_at_mut(bytes.len());
                    room.copy_from_slice(bytes);
                });
                *filled += bytes.len();
                if is_placed.is_none() {
                    *self = Place::Nowhere;
                }
            }
        }
        Ok(())
    }
}

/// What reading once has given.
struct Reading {
    received: Received,
    /// Octets of it that are where they belong, or gone if that is nowhere; the others are in the
    /// scratch buffer.
    placed: usize,
    /// Octets that could have come.
    room: usize,
}

/// Reads to what is left of a transaction's buffer, and behind it to `scratch`.
fn read_to_room(wire: &Wire, room: &mut [u8], scratch: &mut [u8]) -> Reading {
    let (room, scratch) = match room.len() > PLACED_OCTETS_MAX {
        true => (&mut room[..PLACED_OCTETS_MAX], &mut scratch[..0]),
        false => (room, scratch),
    };
    let received = wire.read_both(room, scratch);
    let placed = received.count().min(room.len());
    Reading { received, placed, room: room.len() + scratch.len() }
}

/// Does something with what is not `filled` of a transaction's buffer, unless it has been given
/// up. The data lock is held meanwhile.
fn with_room<T>(
    tran: &Transaction,
    filled: usize,
    action: impl FnOnce(&mut [u8]) -> T,
) -> Option<T> {
    let mut data = tran.data()?;
    data.get_mut(filled..).map(action)
}

/// Reads responses and has them delivered.
pub(super) struct Receiver {
    pub(super) half: Half,
    /// It is the request connection, on which other threads send.
    pub(super) carries_requests: bool,
    /// The server has said what it is: what it fails comes without payload.
    pub(super) is_announced: bool,
    decoder: ResponseDecoder,
    body: Option<Body>,
    scratch: Vec<u8>,
    pub(super) spinner: Spinner,
    /// Made when a waiting thread first sleeps.
    sleeper: Option<Sleeper>,
    /// There may be more to read of what the sleeper has told of.
    has_more: bool,
}

impl Receiver {
    pub(super) fn new(half: Half, spin: Spin) -> Receiver {
        Receiver {
            half,
            carries_requests: false,
            is_announced: false,
            decoder: ResponseDecoder::new(),
            body: None,
            scratch: Vec::new(),
            spinner: Spinner::new(spin),
            sleeper: None,
            has_more: false,
        }
    }

    /// Receives on the request connection from now on, where requests go out. Returns the
    /// response connection.
    pub(super) fn move_to(&mut self, mut request: Half) -> Half {
        request.wire.session.accept_messages();
        self.carries_requests = true;
        self.decoder = ResponseDecoder::new();
        self.body = None;
        std::mem::replace(&mut self.half, request)
    }

    /// Whether all has been read that was there when somebody looked last.
    pub(super) fn is_drained(&self) -> bool {
        !self.has_more && !self.half.wire.is_read_closed
    }

    /// With what a waiting thread sleeps; its waker is handed to `place` when it is made. `None`
    /// where the system does not give one.
    pub(super) fn sleeper(&mut self, place: impl FnOnce(Waker)) -> Option<&mut Sleeper> {
        if self.sleeper.is_none() {
            let (sleeper, waker) = Sleeper::new(&*self.half.wire.stream).ok()?;
            place(waker);
            self.sleeper = Some(sleeper);
        }
        self.sleeper.as_mut()
    }

    /// Reads once and delivers what has come.
    pub(super) fn read(&mut self, shared: &Shared) -> Result<Taken, Failure> {
        self.has_more = true;
        let taken = self.take_up(shared)?;
        self.has_more = taken == Taken::Some;
        Ok(taken)
    }

    fn take_up(&mut self, shared: &Shared) -> Result<Taken, Failure> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        let outcome = self.read_once(shared, &mut scratch);
        self.scratch = scratch;
        outcome
    }

    fn read_once(&mut self, shared: &Shared, scratch: &mut [u8]) -> Result<Taken, Failure> {
        let reading = match self.read_payload(scratch) {
            // The end of the connection shows again; what cannot be thrown away is read.
            None | Some(Reading { received: Received::Closed | Received::Failed(_), .. }) => {
                let received = self.half.wire.read(scratch);
                Reading { received, placed: 0, room: scratch.len() }
            }
            Some(reading) => reading,
        };
        match reading.received {
            Received::Nothing => Ok(Taken::Nothing),
            Received::Closed => Err(self.half.closed()),
            Received::Failed(error) => Err(self.half.failed(&error)),
            Received::Octets(count) => {
                shared.count_received(count);
                let taken = match self.half.wire.may_have_more(count, reading.room) {
                    true => Taken::Some,
                    false => Taken::All,
                };
                self.feed(shared, &scratch[..count - reading.placed]).map(|()| taken)
            }
        }
    }

    /// Reads what is left of a large payload to where it belongs (maybe nowhere), and then what is
    /// behind it to `scratch`. `None` where there is none.
    fn read_payload(&mut self, scratch: &mut [u8]) -> Option<Reading> {
        let wire = &mut self.half.wire;
        let body = self.body.as_mut()?;
        let remaining = self.decoder.payload_remaining(&wire.session);
        let reading = match &mut body.place {
            // The echo of a write, mostly.
            Place::Nowhere if remaining > READ_OCTETS as u64 => {
                let room = remaining.min(PLACED_OCTETS_MAX as u64) as usize;
                let received = wire.discard(room);
                let placed = received.count();
                Some(Reading { received, placed, room })
            }
            Place::Nowhere => None,
            // Up to its last octet, with which the decoder completes it.
            Place::Here(payload) if remaining > READ_OCTETS as u64 => {
                let received = wire.read_to(payload, remaining - 1);
                let count = received.count();
                Some(Reading { received, placed: count, room: count })
            }
            Place::Here(_) => None,
            Place::Buffer(..) if remaining == 0 => None,
            Place::Buffer(tran, filled) => {
                let reading = with_room(tran, *filled, |room| read_to_room(wire, room, scratch));
                match &reading {
                    Some(reading) => *filled += reading.placed,
                    None => body.place = Place::Nowhere,
                }
                reading
            }
        }?;
        if reading.placed > 0 {
            self.decoder.payload_received(&mut wire.session, reading.placed as u64);
        }
        Some(reading)
    }

    /// Delivers the responses that lie in one piece at the start of `input`, and returns the rest.
    fn feed_whole<'a>(&self, shared: &Shared, mut input: &'a [u8], now: Time) -> &'a [u8] {
        loop {
            let mut responses = [Response::default(); RESPONSES_TOGETHER_MAX];
            let mut count = 0;
            while count < RESPONSES_TOGETHER_MAX {
                let session = &self.half.wire.session;
                let Some((octets, header, payload, result)) =
                    self.decoder.receive_whole(session, input)
                else {
                    break;
                };
                responses[count] = Response { header, payload, result };
                count += 1;
                input = &input[octets..];
            }
            shared.deliver_all(&responses[..count], now);
            if count < RESPONSES_TOGETHER_MAX {
                return input;
            }
        }
    }

    fn feed(&mut self, shared: &Shared, mut input: &[u8]) -> Result<(), Failure> {
        // Once for all responses that came together.
        let now = clock::now();
        loop {
            input = self.feed_whole(shared, input, now);
            let received = self.decoder.receive(&mut self.half.wire.session, input);
            let (used, event) = received.map_err(|error| self.half.protocol_failure(&error))?;
            input = &input[used..];
            match event {
                None if self.carries_requests => {
                    shared.send_output(&mut self.half.wire.session);
                    return Ok(());
                }
                None => return self.half.flush(),
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    shared.deliver(&header, Payload::Here(payload), result, now);
                }
                Some(ResponseEvent::Start { header, payload_octets: octets }) => {
                    let tran = shared.payload_wanted(&header, octets);
                    let place = Place::of(tran, octets, self.is_announced);
                    self.body = Some(Body { header, octets, place });
                }
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    self.body.as_mut().map_or(Ok(()), |body| body.place.take(bytes))?;
                }
                Some(ResponseEvent::End { result }) => {
                    if let Some(Body { header, octets, place }) = self.body.take() {
                        let payload = match &place {
                            Place::Nowhere => Payload::Dropped(octets),
                            Place::Here(payload) => Payload::Here(payload),
                            Place::Buffer(tran, _) => Payload::Placed(tran),
                        };
                        shared.deliver(&header, payload, result, now);
                    }
                }
                Some(ResponseEvent::Malformed(malformed)) => {
                    self.body = None;
                    log_warning!(shared.log, "{malformed}");
                }
                Some(ResponseEvent::Session(Event::PeerReady)) => self.half.note_ready(),
                Some(ResponseEvent::Session(_)) => {}
            }
        }
    }
}
