//! Requests: from a client's PUSH to the server's PULL.

use super::{timing, Header, HeaderParts, Malformed, Timing, HEADER_FRAMES_OCTETS};
use crate::proto::zmtp::frame::{encode_frame_header, FrameHeader, FLAG_LONG};
use crate::proto::zmtp::{Event, Session, ZmtpError};

/// Appends the frames of a whole request to `out`; with `timing` if both ends have announced it.
///
/// `data` has exactly `header.size` octets for a Write or Post; it is ignored for other types.
#[inline]
pub fn encode_request(header: &Header, timing: Option<&Timing>, data: &[u8], out: &mut Vec<u8>) {
    encode_request_head(header, timing, out);
    if header.carries_data() {
        debug_assert_eq!(data.len() as u64, u64::from(header.size));
        out.extend_from_slice(data);
    }
}

/// Appends the part of a request before its data to `out`.
///
/// For a Write or Post exactly `header.size` octets of data must be written next; for other types
/// the request is complete.
#[inline]
pub fn encode_request_head(header: &Header, timing: Option<&Timing>, out: &mut Vec<u8>) {
    let more = header.carries_data();
    out.extend_from_slice(&header.frames(more || timing.is_some()));
    if let Some(timing) = timing {
        out.extend_from_slice(&timing.frame(more));
    }
    if more {
        encode_frame_header(u64::from(header.size), false, out);
    }
}

/// A request whose octets lie in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WholeRequest<'a> {
    /// Parts 0 to 3.
    pub header: Header,
    /// The remaining time, if the requests carry it.
    pub timing: Option<Timing>,
    /// The data: `header.size` octets for a Write or Post, otherwise none.
    pub data: &'a [u8],
}

/// The request at the start of `input` and its length in octets on the wire, if it is complete,
/// well-formed, and in its usual form; with its timing if it `is_timed`.
///
/// `None` has no meaning of its own: pass the same octets to a [`RequestDecoder`]. Only for use
/// where a message begins, see [`Session::at_message_boundary`].
#[inline]
pub fn decode_whole_request(input: &[u8], is_timed: bool) -> Option<(WholeRequest<'_>, usize)> {
    let (header, mut more) = Header::decode_frames(input)?;
    let (mut head, mut timing) = (HEADER_FRAMES_OCTETS, None);
    if is_timed && more {
        let (found, is_followed) = Timing::decode_frame(&input[head..])?;
        (timing, more) = (Some(found), is_followed);
        head += timing::FRAME_OCTETS;
    }
    let is_right = more == header.carries_data() && is_timed == timing.is_some();
    if !is_right || (header.is_probe() && header.size != 0) {
        return None;
    }
    if !more {
        return Some((WholeRequest { header, timing, data: &[] }, head));
    }
    let rest = &input[head..];
    let (frame, octets) = FrameHeader::decode(rest)?;
    let is_last_part = rest[0] & !FLAG_LONG == 0;
    if !is_last_part || frame.len != u64::from(header.size) {
        return None;
    }
    let end = octets.checked_add(usize::try_from(frame.len).ok()?)?;
    let data = rest.get(octets..end)?;
    Some((WholeRequest { header, timing, data }, head + end))
}

/// The result of [`RequestDecoder::receive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestEvent<'a> {
    /// A whole request; its data is a slice of the input.
    Complete(WholeRequest<'a>),
    /// A Write or Post with at least one octet of data, which follows in [`RequestEvent::Data`]. It
    /// may be executed when the last octet has arrived, not before: an incomplete message has no
    /// effect.
    Start {
        /// Parts 0 to 3.
        header: Header,
        /// The remaining time, if the requests carry it.
        timing: Option<Timing>,
    },
    /// The next octets of the data.
    Data {
        /// A slice of the input.
        bytes: &'a [u8],
        /// The request is complete with these.
        last: bool,
    },
    /// A message was dropped.
    Malformed(Malformed),
    /// An event of the session itself: [`Event::PeerReady`], [`Event::Ping`] or [`Event::Pong`].
    Session(Event<'a>),
}

/// Decodes the requests of one connection.
#[derive(Clone, Debug, Default)]
pub struct RequestDecoder {
    parts: HeaderParts,
    /// The current part is the last of its message.
    last_part: bool,
    /// The data of the current part is reported: [`RequestEvent::Start`] was returned.
    reporting: bool,
}

impl RequestDecoder {
    /// A decoder for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for a connection whose requests carry a [`Timing`].
    pub fn timed() -> Self {
        RequestDecoder { parts: HeaderParts::new(true), ..Self::default() }
    }

    /// Takes octets received from the peer, up to the next event, and passes them through
    /// `session`, always the same one.
    ///
    /// Returns how many octets of `input` were consumed, and the event. Without an event the whole
    /// input has been consumed. An error is final, see [`Session::receive`].
    #[inline]
    pub fn receive<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<RequestEvent<'a>>), ZmtpError> {
        match self.receive_whole(session, input) {
            Some((octets, request)) => Ok((octets, Some(RequestEvent::Complete(request)))),
            None => self.receive_in_parts(session, input),
        }
    }

    /// The result of [`RequestDecoder::receive`], if that is [`RequestEvent::Complete`] and the
    /// request lies at the start of `input` in its usual form: the octets consumed and the request.
    /// `None`: call `receive`.
    #[inline]
    pub fn receive_whole<'a>(
        &self,
        session: &Session,
        input: &'a [u8],
    ) -> Option<(usize, WholeRequest<'a>)> {
        if !session.at_message_boundary() {
            return None;
        }
        let (request, octets) = decode_whole_request(input, self.parts.is_timed())?;
        let head_part = if self.parts.is_timed() { timing::OCTETS } else { size_of::<u64>() };
        let longest_part = request.data.len().max(head_part) as u64;
        (longest_part <= session.limits().frame_octets_max).then_some((octets, request))
    }

    fn receive_in_parts<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<RequestEvent<'a>>), ZmtpError> {
        session.receive_until(input, |event| match event {
            Event::PartStart { len, more } => self.part_start(len, more),
            Event::PartData { bytes, last } => self.part_data(bytes, last),
            other => Some(RequestEvent::Session(other)),
        })
    }

    /// If data of a request is expected: how many octets of it can be read straight from the socket
    /// to their destination and reported with [`RequestDecoder::data_received`].
    #[inline]
    pub fn data_remaining(&self, session: &Session) -> u64 {
        if self.reporting {
            session.part_remaining()
        } else {
            0
        }
    }

    /// Reports that the next `octets` of the request's data, at most
    /// [`RequestDecoder::data_remaining`], were read by the owner. Returns whether the request is
    /// complete.
    pub fn data_received(&mut self, session: &mut Session, octets: u64) -> bool {
        debug_assert!(octets <= self.data_remaining(session));
        let last = session.part_received(octets);
        if last {
            self.next_message();
        }
        last
    }

    /// Handles [`Event::PartStart`] of the session.
    pub fn part_start<'a>(&mut self, len: u64, more: bool) -> Option<RequestEvent<'a>> {
        self.last_part = !more;
        self.parts.start(len);
        let is_data = self.parts.index() == self.parts.collected;
        if is_data && !more && len > 0 && self.parts.sizes_fit() {
            let header = self.parts.header();
            if header.carries_data() && len == u64::from(header.size) {
                self.reporting = true;
                return Some(RequestEvent::Start { header, timing: self.parts.timing() });
            }
        }
        if len == 0 && !more {
            return Some(self.finish_message());
        }
        None
    }

    /// Handles [`Event::PartData`] of the session.
    pub fn part_data<'a>(&mut self, bytes: &'a [u8], last: bool) -> Option<RequestEvent<'a>> {
        if self.reporting {
            if last {
                self.next_message();
            }
            return Some(RequestEvent::Data { bytes, last });
        }
        self.parts.data(bytes);
        (last && self.last_part).then(|| self.finish_message())
    }

    fn next_message(&mut self) {
        self.parts.clear();
        self.reporting = false;
    }

    /// Checks a complete message whose data, if any, was not reported.
    fn finish_message<'a>(&mut self) -> RequestEvent<'a> {
        let (judged, timing) = (judge(&self.parts), self.parts.timing());
        self.next_message();
        match judged {
            Ok(header) => RequestEvent::Complete(WholeRequest { header, timing, data: &[] }),
            Err(malformed) => RequestEvent::Malformed(malformed),
        }
    }
}

fn judge(parts: &HeaderParts) -> Result<Header, Malformed> {
    let (count, collected) = (parts.parts, parts.collected);
    if count != collected && count != collected + 1 {
        let is_end = match parts.sizes[..3] {
            [8, 4, 4] | [4, 4, _] => count == 3,
            _ => false,
        };
        return Err(Malformed::PartCount { parts: count, is_end });
    }
    if !parts.sizes_fit() {
        let [id, address, size, ty, ..] = parts.sizes;
        let timing = parts.is_timed().then_some(parts.sizes[4]);
        return Err(Malformed::RequestSizes { id, address, size, ty, timing });
    }
    let header = parts.header();
    let data = (count > collected).then_some(parts.sizes[collected as usize]);
    if header.carries_data() && data != Some(u64::from(header.size)) {
        return Err(Malformed::WriteData { header, data });
    }
    if header.is_probe() && (header.size != 0 || data.is_some()) {
        return Err(Malformed::Probe { header, data });
    }
    Ok(header)
}
