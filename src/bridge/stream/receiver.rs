//! Decodes the frames of one connection.

use super::delivery::Delivery;
use crate::bridge::link::buffers::make_room;
use crate::bridge::link::wire::{Received, Wire, READ_OCTETS};
use crate::proto::bridge::stream::{StreamDecoder, StreamEvent, Tag};
use crate::proto::zmtp::Session;

/// A frame whose payload is still arriving.
struct Body {
    tag: Tag,
    /// Announced size.
    octets: usize,
    memory: Vec<u8>,
    /// The payload is skipped, because there was no room for it.
    is_dropped: bool,
}

/// Decodes the frames of one connection and passes them on.
#[derive(Default)]
pub(super) struct Receiver {
    decoder: StreamDecoder,
    body: Option<Body>,
}

impl Receiver {
    /// Takes octets, up to the end of a message or of `input`, and returns their number.
    ///
    /// # Errors
    ///
    /// The violation of the protocol.
    pub(super) fn receive(
        &mut self,
        session: &mut Session,
        input: &[u8],
        delivery: &mut Delivery,
    ) -> Result<usize, String> {
        let received = self.decoder.receive(session, input);
        let (used, event) = received.map_err(|error| error.to_string())?;
        match event {
            None | Some(StreamEvent::Session(_)) => {}
            Some(StreamEvent::Complete { tag, payload }) => delivery.pass_copy(tag, payload),
            Some(StreamEvent::Start { tag, octets }) => {
                let is_dropped = !delivery.admits(octets);
                let octets = usize::try_from(octets).unwrap_or(usize::MAX);
                self.body = Some(Body { tag, octets, memory: Vec::new(), is_dropped });
            }
            Some(StreamEvent::Data { bytes, last }) => self.receive_data(bytes, last, delivery)?,
            Some(StreamEvent::Malformed(malformed)) => delivery.note_malformed(&malformed),
        }
        Ok(used)
    }

    fn receive_data(
        &mut self,
        bytes: &[u8],
        last: bool,
        delivery: &mut Delivery,
    ) -> Result<(), String> {
        let Some(body) = &mut self.body else { return Ok(()) };
        if !body.is_dropped {
            let room = make_room(&mut body.memory, body.octets, bytes.len());
            room.map_err(|_| "out of memory".to_owned())?;
            body.memory.extend_from_slice(bytes);
            body.hold(bytes.len(), delivery);
        }
        if last {
            let whole = self.take_body(delivery).filter(|body| !body.is_dropped);
            whole.into_iter().for_each(|body| delivery.pass_memory(body.tag, body.memory));
        }
        Ok(())
    }

    /// Reads payload of a large frame from the socket to its memory, except its last octet, with
    /// which the decoder completes the frame. `None` if no such payload is due.
    pub(super) fn receive_payload(
        &mut self,
        wire: &mut Wire,
        delivery: &mut Delivery,
    ) -> Option<Received> {
        let remaining = self.decoder.payload_remaining(&wire.session);
        if remaining <= READ_OCTETS as u64 {
            return None;
        }
        let body = self.body.as_mut().filter(|body| !body.is_dropped)?;
        let received = wire.read_payload(&mut body.memory, remaining);
        if let Received::Octets(count) = received {
            self.decoder.payload_received(&mut wire.session, count as u64);
            body.hold(count, delivery);
        }
        Some(received)
    }

    /// Drops an incomplete frame, which counts for nothing: the connection is lost.
    pub(super) fn close(&mut self, delivery: &mut Delivery) {
        self.take_body(delivery);
    }

    fn take_body(&mut self, delivery: &mut Delivery) -> Option<Body> {
        let body = self.body.take()?;
        delivery.let_go(body.memory.len() as u64);
        Some(body)
    }
}

impl Body {
    /// Counts `added` bytes; without room for them the payload is dropped.
    fn hold(&mut self, added: usize, delivery: &mut Delivery) {
        if !delivery.hold(added as u64) {
            delivery.let_go(self.memory.len() as u64);
            self.memory = Vec::new();
            self.is_dropped = true;
        }
    }
}
