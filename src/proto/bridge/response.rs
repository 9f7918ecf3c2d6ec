//! Responses: from the server's PUSH to a client's PULL.

use super::{Header, HeaderParts, Malformed, HEADER_FRAMES_OCTETS, HEADER_PARTS};
use super::{RESULT_KEPT_OCTETS_MAX, RESULT_OCTETS_MAX, RESULT_OK};
use crate::proto::zmtp::frame::{encode_frame_header, FrameHeader, FLAG_LONG, FLAG_MORE};
use crate::proto::zmtp::{Event, Session, ZmtpError};

/// Octets of the longest payload of a response that is assembled before it is appended.
const PACKED_OCTETS_MAX: usize = 16;

/// Parts of every response.
const RESPONSE_PARTS: u64 = 6;

/// Appends the frames of a whole response to `out`.
///
/// `payload` has `header.size` octets (0 for a probe), also when `result` is an error. `result` is
/// [`RESULT_OK`] or comes from [`error_result`](super::error_result).
#[inline]
pub fn encode_response(header: &Header, payload: &[u8], result: &[u8], out: &mut Vec<u8>) {
    if payload.len() <= PACKED_OCTETS_MAX && result == RESULT_OK {
        return encode_small_success(header, payload, out);
    }
    encode_response_head(header, payload.len() as u64, out);
    out.extend_from_slice(payload);
    encode_response_tail(result, out);
}

/// Appends the most common response to `out`, in one piece.
fn encode_small_success(header: &Header, payload: &[u8], out: &mut Vec<u8>) {
    const HEAD_OCTETS: usize = HEADER_FRAMES_OCTETS + 2;
    const TAIL: [u8; 4] = [0, RESULT_OK.len() as u8, RESULT_OK[0], RESULT_OK[1]];
    let mut octets = [0; HEAD_OCTETS + PACKED_OCTETS_MAX + TAIL.len()];
    octets[..HEADER_FRAMES_OCTETS].copy_from_slice(&header.frames(true));
    octets[HEADER_FRAMES_OCTETS] = FLAG_MORE;
    octets[HEADER_FRAMES_OCTETS + 1] = payload.len() as u8;
    let payload_end = HEAD_OCTETS + payload.len();
    octets[HEAD_OCTETS..payload_end].copy_from_slice(payload);
    octets[payload_end..payload_end + TAIL.len()].copy_from_slice(&TAIL);
    out.extend_from_slice(&octets[..payload_end + TAIL.len()]);
}

/// Appends the part of a response before its payload to `out`. Exactly `payload_octets` must be
/// written next, then the tail.
#[inline]
pub fn encode_response_head(header: &Header, payload_octets: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&header.frames(true));
    encode_frame_header(payload_octets, true, out);
}

/// Appends the part of a response after its payload to `out`.
#[inline]
pub fn encode_response_tail(result: &[u8], out: &mut Vec<u8>) {
    debug_assert!(result.len() <= RESULT_OCTETS_MAX);
    encode_frame_header(result.len() as u64, false, out);
    out.extend_from_slice(result);
}

/// The response at the start of `input`, its payload, its result and its length in octets on the
/// wire, if it is complete, well-formed, and in its usual form.
///
/// `None` has no meaning of its own: pass the same octets to a [`ResponseDecoder`]. Only for use
/// where a message begins, see [`Session::at_message_boundary`].
#[inline]
pub fn decode_whole_response(input: &[u8]) -> Option<(Header, &[u8], &[u8], usize)> {
    let (header, true) = Header::decode_frames(input)? else { return None };
    let rest = &input[HEADER_FRAMES_OCTETS..];
    let (payload, payload_end) = whole_part(rest, FLAG_MORE)?;
    let rest = &rest[payload_end..];
    let (result, result_end) = whole_part(rest, 0)?;
    if result.len() > RESULT_KEPT_OCTETS_MAX {
        return None;
    }
    Some((header, payload, result, HEADER_FRAMES_OCTETS + payload_end + result_end))
}

/// The body of the message frame with these flags at the start of `input`, and its end.
#[inline]
fn whole_part(input: &[u8], flags: u8) -> Option<(&[u8], usize)> {
    let (frame, octets) = FrameHeader::decode(input)?;
    if input[0] & !FLAG_LONG != flags {
        return None;
    }
    let end = octets.checked_add(usize::try_from(frame.len).ok()?)?;
    Some((input.get(octets..end)?, end))
}

/// The result of [`ResponseDecoder::receive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseEvent<'a> {
    /// A whole response. The payload's length is the peer's choice: compare it with the size.
    Complete {
        /// Parts 0 to 3.
        header: Header,
        /// Part 4, a slice of the input.
        payload: &'a [u8],
        /// Part 5, for [`evaluate_result`](super::evaluate_result).
        result: &'a [u8],
    },
    /// The header of a response whose payload comes in [`ResponseEvent::Payload`] (not at all if
    /// it is empty) and whose result in [`ResponseEvent::End`].
    ///
    /// The result comes last: octets in their final place may turn out to be those of a failed
    /// read, and the message may still end in [`ResponseEvent::Malformed`].
    Start {
        /// Parts 0 to 3.
        header: Header,
        /// Octets of part 4, the peer's choice: compare it with the size.
        payload_octets: u64,
    },
    /// The next octets of the payload.
    Payload {
        /// A slice of the input.
        bytes: &'a [u8],
        /// The payload is complete with these; the response is not yet.
        last: bool,
    },
    /// The end of a started response.
    End {
        /// Part 5, for [`evaluate_result`](super::evaluate_result).
        result: &'a [u8],
    },
    /// A message was dropped, possibly a started one. That one counts as not received.
    Malformed(Malformed),
    /// An event of the session itself: [`Event::PeerReady`], [`Event::Ping`] or [`Event::Pong`].
    Session(Event<'a>),
}

/// The result of a decoding step; the result part is in the decoder's own buffer.
enum DecodeStep<'a> {
    Event(ResponseEvent<'a>),
    End,
}

/// Decodes the responses of one connection.
#[derive(Clone, Debug, Default)]
pub struct ResponseDecoder {
    parts: HeaderParts,
    /// The current part is the last of its message.
    last_part: bool,
    /// [`ResponseEvent::Start`] was returned for the current message.
    started: bool,
    /// The received part of the result, up to [`RESULT_KEPT_OCTETS_MAX`].
    result: Vec<u8>,
}

impl ResponseDecoder {
    /// A decoder for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes octets received from the peer, up to the next event, and passes them through
    /// `session`, always the same one.
    ///
    /// Returns how many octets of `input` were consumed, and the event. Without an event the whole
    /// input has been consumed. An error is final, see [`Session::receive`].
    #[inline]
    pub fn receive<'a>(
        &'a mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<ResponseEvent<'a>>), ZmtpError> {
        if let Some((octets, header, payload, result)) = self.receive_whole(session, input) {
            return Ok((octets, Some(ResponseEvent::Complete { header, payload, result })));
        }
        let (used, step) = self.receive_in_parts(session, input)?;
        let event = step.map(|step| match step {
            DecodeStep::Event(event) => event,
            DecodeStep::End => ResponseEvent::End { result: &self.result },
        });
        Ok((used, event))
    }

    /// The result of [`ResponseDecoder::receive`], if that is [`ResponseEvent::Complete`] and the
    /// response lies at the start of `input` in its usual form: the octets consumed, header,
    /// payload and result. `None`: call `receive`.
    #[inline]
    pub fn receive_whole<'a>(
        &self,
        session: &Session,
        input: &'a [u8],
    ) -> Option<(usize, Header, &'a [u8], &'a [u8])> {
        if !session.at_message_boundary() {
            return None;
        }
        let (header, payload, result, octets) = decode_whole_response(input)?;
        let longest = payload.len().max(result.len()).max(8) as u64;
        (longest <= session.limits().frame_octets_max).then_some((octets, header, payload, result))
    }

    fn receive_in_parts<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<DecodeStep<'a>>), ZmtpError> {
        session.receive_until(input, |event| match event {
            Event::PartStart { len, more } => self.start_step(len, more),
            Event::PartData { bytes, last } => self.data_step(bytes, last),
            other => Some(DecodeStep::Event(ResponseEvent::Session(other))),
        })
    }

    /// Octets of the current payload that can be read straight from the socket to their destination
    /// and reported with [`ResponseDecoder::payload_received`].
    #[inline]
    pub fn payload_remaining(&self, session: &Session) -> u64 {
        if self.started && self.parts.index() == HEADER_PARTS {
            session.part_remaining()
        } else {
            0
        }
    }

    /// Reports that the next `octets` of the payload, at most
    /// [`ResponseDecoder::payload_remaining`], were read by the owner. Returns whether the payload
    /// is complete; the result follows.
    pub fn payload_received(&mut self, session: &mut Session, octets: u64) -> bool {
        debug_assert!(octets <= self.payload_remaining(session));
        session.part_received(octets)
    }

    /// Handles [`Event::PartStart`] of the session.
    pub fn part_start(&mut self, len: u64, more: bool) -> Option<ResponseEvent<'_>> {
        let step = self.start_step(len, more)?;
        Some(self.event(step))
    }

    /// Handles [`Event::PartData`] of the session.
    pub fn part_data<'a>(&'a mut self, bytes: &'a [u8], last: bool) -> Option<ResponseEvent<'a>> {
        let step = self.data_step(bytes, last)?;
        Some(self.event(step))
    }

    fn event<'a>(&'a self, step: DecodeStep<'a>) -> ResponseEvent<'a> {
        match step {
            DecodeStep::Event(event) => event,
            DecodeStep::End => ResponseEvent::End { result: &self.result },
        }
    }

    fn start_step<'a>(&mut self, len: u64, more: bool) -> Option<DecodeStep<'a>> {
        self.last_part = !more;
        self.parts.start(len);
        self.result.clear();
        self.result.shrink_to(RESULT_OCTETS_MAX);
        if self.parts.index() == HEADER_PARTS && more && self.parts.sizes_fit() {
            self.started = true;
            let header = self.parts.header();
            return Some(DecodeStep::Event(ResponseEvent::Start { header, payload_octets: len }));
        }
        (len == 0 && !more).then(|| self.finish_message())
    }

    fn data_step<'a>(&mut self, bytes: &'a [u8], last: bool) -> Option<DecodeStep<'a>> {
        match self.parts.index() {
            HEADER_PARTS if self.started => {
                return Some(DecodeStep::Event(ResponseEvent::Payload { bytes, last }));
            }
            5 => {
                let kept = bytes.len().min(RESULT_KEPT_OCTETS_MAX - self.result.len());
                // Without memory the text ends here.
                if self.result.try_reserve(kept).is_ok() {
                    self.result.extend_from_slice(&bytes[..kept]);
                }
            }
            _ => self.parts.data(bytes),
        }
        (last && self.last_part).then(|| self.finish_message())
    }

    fn finish_message<'a>(&mut self) -> DecodeStep<'a> {
        let judged = judge(&self.parts);
        self.parts = HeaderParts::default();
        self.started = false;
        match judged {
            Ok(()) => DecodeStep::End,
            Err(malformed) => DecodeStep::Event(ResponseEvent::Malformed(malformed)),
        }
    }
}

fn judge(parts: &HeaderParts) -> Result<(), Malformed> {
    if parts.parts != RESPONSE_PARTS {
        return Err(Malformed::PartCount { parts: parts.parts, is_end: false });
    }
    let [id, address, size, ty, _, result] = parts.sizes;
    if !parts.sizes_fit() {
        return Err(Malformed::ResponseSizes { id, address, size, ty, result });
    }
    Ok(())
}

const _: () = assert!(RESULT_OK.len() <= RESULT_OCTETS_MAX);
