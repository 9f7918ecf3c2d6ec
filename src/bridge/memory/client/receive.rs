//! The receiving half of a client's connection. The thread that holds its lock, the event loop or a
//! thread that waits for an answer, reads and decodes, and passes responses to a [`ResponseSink`].

use std::fmt;
use std::sync::Arc;

use crate::bridge::link::channel::{Channel, Failure};
use crate::bridge::link::scratch::{grow_if_filled, with_scratch};
use crate::bridge::link::wire::{Received, Wire, READ_OCTETS};
use crate::clock::{self, Time};
use crate::memory::Transaction;
use crate::net::sleeper::Sleeper;
use crate::net::{Spin, Spinner, Waker};
use crate::proto::bridge::{Header, ResponseDecoder, ResponseEvent};
use crate::proto::zmtp::Session;

/// Maximum number of responses delivered together.
pub(super) const RESPONSES_TOGETHER_MAX: usize = 16;
/// Maximum size of one read into a transaction's buffer, in octets. Its data lock is held
/// meanwhile.
const PLACED_OCTETS_MAX: usize = 4 << 20;

/// Outcome of one read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ReadOutcome {
    /// The socket was empty.
    Nothing,
    /// Octets, and the socket is empty now.
    All,
    /// Octets, and there may be more.
    Some,
}

/// The payload of a response.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    /// These octets.
    Here(&'a [u8]),
    /// The transaction's buffer holds this number of octets already; these octets follow.
    Placed(&'a Arc<Transaction>, usize, &'a [u8]),
    /// This number of octets, dropped because no transaction [wanted](ResponseSink::payload_wanted)
    /// them any more.
    Dropped(u64),
}

impl Payload<'_> {
    pub(super) fn octets(&self) -> u64 {
        match self {
            Payload::Here(octets) => octets.len() as u64,
            Payload::Placed(_, placed, rest) => (placed + rest.len()) as u64,
            Payload::Dropped(octets) => *octets,
        }
    }
}

impl Default for Payload<'_> {
    fn default() -> Self {
        Payload::Here(&[])
    }
}

/// A received response.
#[derive(Clone, Copy, Default)]
pub(super) struct Response<'a> {
    pub(super) header: Header,
    pub(super) payload: Payload<'a>,
    pub(super) result: &'a [u8],
}

/// The receiver of responses.
pub(super) trait ResponseSink {
    /// Counts received octets.
    fn count_received(&self, octets: usize);

    /// The transaction that waits for a payload of this size with this header. An unsolicited
    /// payload has none, and is not kept.
    fn payload_wanted(&self, header: &Header, octets: u64) -> Option<Arc<Transaction>>;

    /// Takes at most [`RESPONSES_TOGETHER_MAX`] responses, which arrived together at `now`.
    fn deliver(&self, responses: &[Response<'_>], now: Time);

    /// Sends the output of the session that requests are sent on.
    fn send_output(&self, session: &mut Session);

    /// Logs a message that is not a response.
    fn warn_malformed(&self, malformed: &dyn fmt::Display);
}

/// A response whose payload is still arriving.
struct ResponseBody {
    header: Header,
    octets: u64,
    target: PayloadTarget,
}

/// The destination of a payload.
enum PayloadTarget {
    /// The payload is dropped.
    Nowhere,
    /// The payload is collected here until the result is known.
    Here(Vec<u8>),
    /// The payload fills the transaction's buffer, which holds this number of octets so far. Once
    /// another thread has held the data lock, all further octets are collected in the vector.
    Buffer(Arc<Transaction>, usize, Vec<u8>),
}

impl PayloadTarget {
    /// The target of a payload of `octets` for `tran`. A server that `is_announced` sends no
    /// payload with an error, so that a large one need not be collected and copied.
    fn of(tran: Option<Arc<Transaction>>, octets: u64, is_announced: bool) -> PayloadTarget {
        match tran {
            None => PayloadTarget::Nowhere,
            Some(tran) if is_announced && octets > READ_OCTETS as u64 => {
                PayloadTarget::Buffer(tran, 0, Vec::new())
            }
            Some(_) => PayloadTarget::Here(Vec::new()),
        }
    }

    /// Takes the next octets.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            PayloadTarget::Nowhere => {}
            PayloadTarget::Here(payload) => return keep(payload, bytes),
            PayloadTarget::Buffer(tran, filled, rest) => {
                let placed = with_room(tran, *filled, rest, |room| {
                    let (room, _) = room.split_at_mut(bytes.len());
                    room.copy_from_slice(bytes);
                });
                match placed {
                    Room::Given(()) => *filled += bytes.len(),
                    Room::Locked => return keep(rest, bytes),
                    Room::Gone => *self = PayloadTarget::Nowhere,
                }
            }
        }
        Ok(())
    }
}

fn keep(payload: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Failure> {
    if payload.try_reserve(bytes.len()).is_err() {
        return Err("out of memory for a response".to_owned().into());
    }
    payload.extend_from_slice(bytes);
    Ok(())
}

/// Outcome of one read with a payload target.
struct Reading {
    received: Received,
    /// Octets in the target; the others are in the scratch buffer.
    placed: usize,
    /// Capacity of the read, in octets.
    room: usize,
}

/// Reads to `room`, the rest of a transaction's buffer, and further octets to `scratch`.
fn read_to_room(wire: &mut Wire, room: &mut [u8], scratch: &mut [u8]) -> Reading {
    let (room, scratch) = match room.len() > PLACED_OCTETS_MAX {
        true => (&mut room[..PLACED_OCTETS_MAX], &mut scratch[..0]),
        false => (room, scratch),
    };
    let received = wire.read_both(room, scratch);
    let placed = received.count().min(room.len());
    Reading { received, placed, room: room.len() + scratch.len() }
}

/// Outcome of an attempt to fill a transaction's buffer.
enum Room<T> {
    Given(T),
    /// Another thread holds the data lock, or held it when earlier octets arrived.
    Locked,
    /// The transaction has been given up.
    Gone,
}

/// Runs `action` with the part of a transaction's buffer that is not `filled`, unless `rest` holds
/// octets that belong before it. The data lock is held meanwhile; it is tried, not waited for.
fn with_room<T>(
    tran: &Transaction,
    filled: usize,
    rest: &[u8],
    action: impl FnOnce(&mut [u8]) -> T,
) -> Room<T> {
    if !rest.is_empty() {
        return Room::Locked;
    }
    let Some(data) = tran.try_data() else { return Room::Locked };
    let Some(mut data) = data else { return Room::Gone };
    data.get_mut(filled..).map_or(Room::Gone, |room| Room::Given(action(room)))
}

/// Reads and decodes responses.
pub(super) struct ReceiveHalf {
    pub(super) channel: Channel,
    /// Whether this is the request connection, on which other threads send.
    carries_requests: bool,
    /// Whether the server has announced itself: its errors come without payload.
    is_announced: bool,
    decoder: ResponseDecoder,
    body: Option<ResponseBody>,
    pub(super) spinner: Spinner,
    /// That of threads that must not sleep.
    pub(super) brief_spinner: Spinner,
    /// Created when a waiting thread first sleeps.
    sleeper: Option<Sleeper>,
}

impl ReceiveHalf {
    /// Receives on `channel`. Requests are sent on it too if it `carries_requests`.
    pub(super) fn new(
        mut channel: Channel,
        carries_requests: bool,
        is_announced: bool,
        spin: Spin,
    ) -> ReceiveHalf {
        if carries_requests {
            channel.wire.session.accept_messages();
        }
        ReceiveHalf {
            channel,
            carries_requests,
            is_announced,
            decoder: ResponseDecoder::new(),
            body: None,
            spinner: Spinner::new(spin),
            brief_spinner: Spinner::new(spin),
            sleeper: None,
        }
    }

    /// The sleeper of waiting threads. When it is created, its waker goes to `place`. `None` if the
    /// system refuses one.
    pub(super) fn sleeper(&mut self, place: impl FnOnce(Waker)) -> Option<&mut Sleeper> {
        if self.sleeper.is_none() {
            let (sleeper, waker) = Sleeper::new(&*self.channel.wire.stream).ok()?;
            place(waker);
            self.sleeper = Some(sleeper);
        }
        self.sleeper.as_mut()
    }

    /// Reads once and delivers the responses.
    pub(super) fn read(&mut self, sink: &impl ResponseSink) -> Result<ReadOutcome, Failure> {
        with_scratch(|scratch| self.read_once(sink, scratch))
    }

    fn read_once(
        &mut self,
        sink: &impl ResponseSink,
        scratch: &mut Vec<u8>,
    ) -> Result<ReadOutcome, Failure> {
        let reading = match self.read_payload(scratch) {
            // The next read reports the end of the connection again.
            None | Some(Reading { received: Received::Closed | Received::Failed(_), .. }) => {
                let received = self.channel.wire.read(scratch);
                Reading { received, placed: 0, room: scratch.len() }
            }
            Some(reading) => reading,
        };
        match reading.received {
            Received::Nothing => Ok(ReadOutcome::Nothing),
            Received::Closed => Err(self.channel.closed()),
            Received::Failed(error) => Err(self.channel.failed(&error)),
            Received::Octets(count) => {
                sink.count_received(count);
                let outcome = match self.channel.wire.may_have_more(count, reading.room) {
                    true => ReadOutcome::Some,
                    false => ReadOutcome::All,
                };
                let octets = count - reading.placed;
                self.feed(sink, &scratch[..octets])?;
                grow_if_filled(scratch, octets);
                Ok(outcome)
            }
        }
    }

    /// Reads the rest of a large payload to its target, and the octets behind it to `scratch`.
    /// `None` if no such payload is due.
    fn read_payload(&mut self, scratch: &mut [u8]) -> Option<Reading> {
        let wire = &mut self.channel.wire;
        let body = self.body.as_mut()?;
        let remaining = self.decoder.payload_remaining(&wire.session);
        let reading = match &mut body.target {
            // Usually the echo of a write: the decoder drops it.
            PayloadTarget::Nowhere => None,
            PayloadTarget::Here(payload) if remaining > READ_OCTETS as u64 => {
                let received = wire.read_payload(payload, remaining, u64::MAX);
                let count = received.count();
                Some(Reading { received, placed: count, room: count })
            }
            PayloadTarget::Here(_) => None,
            PayloadTarget::Buffer(..) if remaining == 0 => None,
            PayloadTarget::Buffer(tran, filled, rest) => {
                let room = with_room(tran, *filled, rest, |room| read_to_room(wire, room, scratch));
                match room {
                    Room::Given(reading) => {
                        *filled += reading.placed;
                        Some(reading)
                    }
                    // The octets are read to the scratch buffer.
                    Room::Locked => None,
                    Room::Gone => {
                        body.target = PayloadTarget::Nowhere;
                        None
                    }
                }
            }
        }?;
        if reading.placed > 0 {
            self.decoder.payload_received(&mut wire.session, reading.placed as u64);
        }
        Some(reading)
    }

    /// Delivers the responses that lie whole at the start of `input`, and returns the rest.
    fn feed_whole<'a>(&self, sink: &impl ResponseSink, mut input: &'a [u8], now: Time) -> &'a [u8] {
        loop {
            let mut responses = [Response::default(); RESPONSES_TOGETHER_MAX];
            let mut count = 0;
            while count < RESPONSES_TOGETHER_MAX {
                let session = &self.channel.wire.session;
                let Some((octets, header, payload, result)) =
                    self.decoder.receive_whole(session, input)
                else {
                    break;
                };
                responses[count] = Response { header, payload: Payload::Here(payload), result };
                count += 1;
                input = &input[octets..];
            }
            sink.deliver(&responses[..count], now);
            if count < RESPONSES_TOGETHER_MAX {
                return input;
            }
        }
    }

    fn feed(&mut self, sink: &impl ResponseSink, mut input: &[u8]) -> Result<(), Failure> {
        // Read once for all responses that arrived together.
        let now = clock::now();
        loop {
            input = self.feed_whole(sink, input, now);
            let received = self.decoder.receive(&mut self.channel.wire.session, input);
            let (used, event) = received.map_err(|error| self.channel.protocol_failure(&error))?;
            input = &input[used..];
            match event {
                None if self.carries_requests => {
                    sink.send_output(&mut self.channel.wire.session);
                    return Ok(());
                }
                None => return self.channel.flush(),
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    let payload = Payload::Here(payload);
                    sink.deliver(&[Response { header, payload, result }], now);
                }
                Some(ResponseEvent::Start { header, payload_octets: octets }) => {
                    let tran = sink.payload_wanted(&header, octets);
                    let target = PayloadTarget::of(tran, octets, self.is_announced);
                    self.body = Some(ResponseBody { header, octets, target });
                }
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    self.body.as_mut().map_or(Ok(()), |body| body.target.take(bytes))?;
                }
                Some(ResponseEvent::End { result }) => {
                    if let Some(ResponseBody { header, octets, target }) = self.body.take() {
                        let payload = match &target {
                            PayloadTarget::Nowhere => Payload::Dropped(octets),
                            PayloadTarget::Here(payload) => Payload::Here(payload),
                            PayloadTarget::Buffer(tran, filled, rest) => {
                                Payload::Placed(tran, *filled, rest)
                            }
                        };
                        sink.deliver(&[Response { header, payload, result }], now);
                    }
                }
                Some(ResponseEvent::Malformed(malformed)) => {
                    self.body = None;
                    sink.warn_malformed(&malformed);
                }
                Some(ResponseEvent::Session(_)) => {}
            }
        }
    }
}
