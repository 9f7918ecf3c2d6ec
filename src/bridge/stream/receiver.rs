//! Decodes the frames of one connection.

use std::io;

use super::delivery::Delivery;
use crate::bridge::link::buffers::make_room;
use crate::bridge::link::wire::{Received, Wire, READ_OCTETS};
use crate::proto::bridge::stream::{StreamDecoder, StreamEvent, Tag};
use crate::proto::zmtp::{Session, ZmtpError};

/// A frame whose payload is still arriving.
struct Body {
    tag: Tag,
    /// Announced size.
    octets: usize,
    memory: Vec<u8>,
    state: BodyState,
}

/// What becomes of the payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BodyState {
    /// It waits for room in the budget. It is read on only when there is some.
    Waiting,
    /// It is kept.
    Kept,
    /// It is skipped.
    Dropped,
}

/// Decodes the frames of one connection and passes them on.
#[derive(Default)]
pub(super) struct Receiver {
    decoder: StreamDecoder,
    body: Option<Body>,
    /// Messages so far that were no frames.
    pub(super) malformed_count: u64,
}

impl Receiver {
    /// Takes octets, up to the end of a message or of `input`, and returns their number.
    ///
    /// # Errors
    ///
    /// The peer breaks the protocol, or has ended the connection.
    pub(super) fn receive(
        &mut self,
        session: &mut Session,
        input: &[u8],
        delivery: &mut Delivery,
    ) -> Result<usize, ZmtpError> {
        let (used, event) = self.decoder.receive(session, input)?;
        match event {
            None | Some(StreamEvent::Session(_)) => {}
            Some(StreamEvent::Complete { tag, payload }) => delivery.pass_copy(tag, payload),
            Some(StreamEvent::Start { tag, octets }) => {
                let state = match delivery.admits(octets) {
                    true => BodyState::Waiting,
                    false => BodyState::Dropped,
                };
                let octets = usize::try_from(octets).unwrap_or(usize::MAX);
                self.body = Some(Body { tag, octets, memory: Vec::new(), state });
            }
            Some(StreamEvent::Data { bytes, last }) => self.receive_data(bytes, last, delivery),
            Some(StreamEvent::Malformed(malformed)) => {
                self.malformed_count += 1;
                delivery.note_malformed(&malformed);
            }
        }
        Ok(used)
    }

    /// Size of a frame that has just begun, and waits for room.
    pub(super) fn wanted(&self) -> Option<u64> {
        let body = self.body.as_ref().filter(|body| body.state == BodyState::Waiting)?;
        Some(body.octets as u64)
    }

    /// There is room for the frame that has begun.
    pub(super) fn begin(&mut self) {
        self.body.iter_mut().for_each(Body::begin);
    }

    /// There will never be room for the frame that has begun.
    pub(super) fn skip(&mut self) {
        self.body.iter_mut().for_each(|body| body.state = BodyState::Dropped);
    }

    /// Bytes held for an incomplete frame.
    pub(super) fn held_bytes(&self) -> u64 {
        let body = self.body.as_ref().filter(|body| body.state == BodyState::Kept);
        body.map_or(0, |body| body.octets as u64)
    }

    fn receive_data(&mut self, bytes: &[u8], last: bool, delivery: &mut Delivery) {
        let Some(body) = &mut self.body else { return };
        body.begin();
        if body.state == BodyState::Kept {
            match make_room(&mut body.memory, body.octets, bytes.len()) {
                Ok(()) => body.memory.extend_from_slice(bytes),
                Err(_) => body.drop_payload(delivery),
            }
        }
        if last {
            let whole = self.body.take().filter(|body| body.state == BodyState::Kept);
            whole.into_iter().for_each(|body| delivery.pass_memory(body.tag, body.memory));
        }
    }

    /// Reads payload of a large frame from the socket to its memory, except its last octet, with
    /// which the decoder completes the frame; about `octets_max` octets, no more. `None` if no such
    /// payload is due.
    pub(super) fn receive_payload(
        &mut self,
        wire: &mut Wire,
        octets_max: u64,
        delivery: &mut Delivery,
    ) -> Option<Received> {
        let remaining = self.decoder.payload_remaining(&wire.session);
        if remaining <= READ_OCTETS as u64 {
            return None;
        }
        let body = self.body.as_mut()?;
        body.begin();
        if body.state != BodyState::Kept {
            return None;
        }
        let received = wire.read_payload(&mut body.memory, remaining, octets_max);
        match &received {
            Received::Octets(count) => {
                self.decoder.payload_received(&mut wire.session, *count as u64);
            }
            Received::Failed(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                body.drop_payload(delivery);
                return None;
            }
            _ => {}
        }
        Some(received)
    }
}

impl Body {
    fn begin(&mut self) {
        if self.state == BodyState::Waiting {
            self.state = BodyState::Kept;
        }
    }

    /// There is no memory for the payload.
    fn drop_payload(&mut self, delivery: &Delivery) {
        delivery.note_no_memory(self.octets as u64);
        self.memory = Vec::new();
        self.state = BodyState::Dropped;
    }
}
