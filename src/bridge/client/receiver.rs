//! The receiving half of a client: the response connection, handed from thread to thread. Whoever
//! holds it reads; that is the event loop, or a thread that waits for an answer and fetches it
//! itself, which saves the change of threads in between.

use mio::Waker;

use super::half::{Failure, Half};
use super::shared::Shared;
use crate::bridge::wire::{Received, READ_OCTETS};
use crate::clock::{self, Time};
use crate::logging::log_warning;
use crate::net::sleeper::Sleeper;
use crate::net::{Spin, Spinner};
use crate::proto::bridge::{Header, ResponseDecoder, ResponseEvent};
use crate::proto::zmtp::Event;

/// Responses that are delivered together.
pub(super) const RESPONSES_TOGETHER_MAX: usize = 16;

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
    /// `None` if nobody wants it.
    payload: Option<Vec<u8>>,
}

/// Reads responses and has them delivered.
pub(super) struct Receiver {
    pub(super) half: Half,
    /// It is the request connection, on which other threads send.
    pub(super) carries_requests: bool,
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
        if let Some(received) = self.read_payload(shared) {
            match received {
                Received::Octets(_) => return Ok(Taken::Some),
                Received::Nothing => return Ok(Taken::Nothing),
                // The end of the connection shows again.
                Received::Closed | Received::Failed(_) => {}
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        let outcome = match self.half.wire.read(&mut scratch) {
            Received::Nothing => Ok(Taken::Nothing),
            Received::Closed => Err(self.half.closed()),
            Received::Failed(error) => Err(self.half.failed(&error)),
            Received::Octets(count) => {
                shared.count_received(count);
                let taken = match self.half.wire.may_have_more(count, scratch.len()) {
                    true => Taken::Some,
                    false => Taken::All,
                };
                self.feed(shared, &scratch[..count]).map(|()| taken)
            }
        };
        self.scratch = scratch;
        outcome
    }

    /// Reads what is left of a large payload to where it is collected, but for its last octet,
    /// with which the decoder completes it. `None` where there is none.
    fn read_payload(&mut self, shared: &Shared) -> Option<Received> {
        let wire = &mut self.half.wire;
        let payload = self.body.as_mut()?.payload.as_mut()?;
        let remaining = self.decoder.payload_remaining(&wire.session);
        if remaining <= READ_OCTETS as u64 {
            return None;
        }
        let received = wire.read_to(payload, remaining - 1);
        if let Received::Octets(count) = received {
            self.decoder.payload_received(&mut wire.session, count as u64);
            shared.count_received(count);
        }
        Some(received)
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
                    shared.deliver(&header, payload, payload.len() as u64, result, now);
                }
                Some(ResponseEvent::Start { header, payload_octets }) => {
                    let is_wanted = shared.wants_payload(&header, payload_octets);
                    let payload = is_wanted.then(Vec::new);
                    self.body = Some(Body { header, octets: payload_octets, payload });
                }
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    let payload = self.body.as_mut().and_then(|body| body.payload.as_mut());
                    let Some(payload) = payload else { continue };
                    if payload.try_reserve(bytes.len()).is_err() {
                        return Err("out of memory for a response".to_owned().into());
                    }
                    payload.extend_from_slice(bytes);
                }
                Some(ResponseEvent::End { result }) => {
                    if let Some(Body { header, octets, payload }) = self.body.take() {
                        let payload = payload.unwrap_or_default();
                        shared.deliver(&header, &payload, octets, result, now);
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
