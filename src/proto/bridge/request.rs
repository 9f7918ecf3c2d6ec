//! Requests: from a client's PUSH to the server's PULL.

use super::{Header, HeaderParts, Malformed, HEADER_FRAMES_OCTETS, HEADER_PARTS};
use crate::proto::zmtp::frame::{encode_frame_header, FrameHeader, FLAG_LONG};
use crate::proto::zmtp::{Event, Session, ZmtpError};

/// Appends the frames of a whole request to `out`.
///
/// `data` has exactly `header.size` octets for a Write or Post; it is ignored for other types.
pub fn encode_request(header: &Header, data: &[u8], out: &mut Vec<u8>) {
    let more = header.carries_data();
    out.extend_from_slice(&header.frames(more));
    if more {
        debug_assert_eq!(data.len() as u64, u64::from(header.size));
        encode_frame_header(data.len() as u64, false, out);
        out.extend_from_slice(data);
    }
}

/// Appends everything of a request that comes before its data to `out`.
///
/// For a Write or Post exactly `header.size` octets of data must be written next; for other types
/// the request is complete.
pub fn encode_request_head(header: &Header, out: &mut Vec<u8>) {
    let more = header.carries_data();
    out.extend_from_slice(&header.frames(more));
    if more {
        encode_frame_header(u64::from(header.size), false, out);
    }
}

/// The request at the start of `input`, its data and its length in octets on the wire, if it is
/// there wholly, well-formed, and encoded the usual way.
///
/// `None` says nothing: the same octets must then be given to a [`RequestDecoder`]. May only be
/// used where a message begins, see [`Session::at_message_boundary`].
#[inline]
pub fn decode_whole_request(input: &[u8]) -> Option<(Header, &[u8], usize)> {
    let (header, more) = Header::decode_frames(input)?;
    if more != header.carries_data() || (header.is_probe() && header.size != 0) {
        return None;
    }
    if !more {
        return Some((header, &[], HEADER_FRAMES_OCTETS));
    }
    let rest = &input[HEADER_FRAMES_OCTETS..];
    let (frame, octets) = FrameHeader::decode(rest)?;
    let is_last_part = rest[0] & !FLAG_LONG == 0;
    if !is_last_part || frame.len != u64::from(header.size) {
        return None;
    }
    let end = octets.checked_add(usize::try_from(frame.len).ok()?)?;
    let data = rest.get(octets..end)?;
    Some((header, data, HEADER_FRAMES_OCTETS + end))
}

/// What [`RequestDecoder::receive`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestEvent<'a> {
    /// A whole request. `data` has `header.size` octets for a Write or Post, otherwise none.
    Complete {
        /// Parts 0 to 3.
        header: Header,
        /// The data, a slice of the input.
        data: &'a [u8],
    },
    /// A Write or Post with at least one octet of data, whose data comes in
    /// [`RequestEvent::Data`]. It may be executed when the last of it has come, not before: a
    /// message is nothing until it is complete.
    Start(Header),
    /// The next octets of the data.
    Data {
        /// A slice of the input.
        bytes: &'a [u8],
        /// The request is complete with these.
        last: bool,
    },
    /// A message was dropped.
    Malformed(Malformed),
    /// Something of the session's own: [`Event::PeerReady`], [`Event::Ping`] or [`Event::Pong`].
    Session(Event<'a>),
}

/// Decodes the requests of one connection.
#[derive(Clone, Debug, Default)]
pub struct RequestDecoder {
    parts: HeaderParts,
    /// The current part is the last of its message.
    last_part: bool,
    /// The data of the current part is reported: [`RequestEvent::Start`] was given.
    reporting: bool,
}

impl RequestDecoder {
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
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<RequestEvent<'a>>), ZmtpError> {
        match self.receive_whole(session, input) {
            Some((octets, header, data)) => {
                Ok((octets, Some(RequestEvent::Complete { header, data })))
            }
            None => self.receive_in_parts(session, input),
        }
    }

    /// What [`RequestDecoder::receive`] would return if that is [`RequestEvent::Complete`] and
    /// the request lies at the start of `input` in its usual form: the octets consumed, header and
    /// data. `None` says nothing but that `receive` is to be called.
    #[inline]
    pub fn receive_whole<'a>(
        &self,
        session: &Session,
        input: &'a [u8],
    ) -> Option<(usize, Header, &'a [u8])> {
        if !session.at_message_boundary() {
            return None;
        }
        let (header, data, octets) = decode_whole_request(input)?;
        let is_allowed = (data.len() as u64).max(8) <= session.limits().frame_octets_max;
        is_allowed.then_some((octets, header, data))
    }

    fn receive_in_parts<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<RequestEvent<'a>>), ZmtpError> {
        let mut used = 0;
        loop {
            let (consumed, event) = session.receive(&input[used..])?;
            used += consumed;
            let found = match event {
                None => return Ok((used, None)),
                Some(Event::PartStart { len, more }) => self.part_start(len, more),
                Some(Event::PartData { bytes, last }) => self.part_data(bytes, last),
                Some(other) => Some(RequestEvent::Session(other)),
            };
            if found.is_some() {
                return Ok((used, found));
            }
        }
    }

    /// Whether data of a request is under way: `octets` of it can be read straight from the socket
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

    /// Takes [`Event::PartStart`] of the session.
    pub fn part_start<'a>(&mut self, len: u64, more: bool) -> Option<RequestEvent<'a>> {
        self.last_part = !more;
        self.parts.start(len);
        if self.parts.index() == HEADER_PARTS && !more && len > 0 && self.parts.sizes_fit() {
            let header = self.parts.header();
            if header.carries_data() && len == u64::from(header.size) {
                self.reporting = true;
                return Some(RequestEvent::Start(header));
            }
        }
        if len == 0 && !more {
            return Some(self.finish_message());
        }
        None
    }

    /// Takes [`Event::PartData`] of the session.
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
        self.parts = HeaderParts::default();
        self.reporting = false;
    }

    /// Judges a complete message whose data, if any, was not reported.
    fn finish_message<'a>(&mut self) -> RequestEvent<'a> {
        let judged = judge(&self.parts);
        self.next_message();
        match judged {
            Ok(header) => RequestEvent::Complete { header, data: &[] },
            Err(malformed) => RequestEvent::Malformed(malformed),
        }
    }
}

fn judge(parts: &HeaderParts) -> Result<Header, Malformed> {
    let count = parts.parts;
    if count != HEADER_PARTS && count != HEADER_PARTS + 1 {
        return Err(Malformed::PartCount { parts: count });
    }
    if !parts.sizes_fit() {
        let [id, address, size, ty, ..] = parts.sizes;
        return Err(Malformed::RequestSizes { id, address, size, ty });
    }
    let header = parts.header();
    let data = (count > HEADER_PARTS).then_some(parts.sizes[4]);
    if header.carries_data() && data != Some(u64::from(header.size)) {
        return Err(Malformed::WriteData { header, data });
    }
    if header.is_probe() && (header.size != 0 || data.is_some()) {
        return Err(Malformed::Probe { header, data });
    }
    Ok(header)
}
