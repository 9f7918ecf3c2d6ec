//! Messages of both bridges behind a handshake, and the properties by which peers recognise each
//! other.

use rogue_mem::proto::bridge::stream::{
    decode_whole_frame, encode_frame_head, BadFrame, StreamDecoder, StreamEvent, Tag,
};
use rogue_mem::proto::bridge::{
    decode_whole_request, decode_whole_response, encode_request, encode_response, error_result,
    evaluate_result, Announcement, Dialect, Header, Malformed, PeerInfo, RequestDecoder,
    RequestEvent, ResponseDecoder, ResponseEvent, ServerId, SessionId, Timing, WholeRequest,
    RESULT_OCTETS_MAX,
};
use rogue_mem::proto::zmtp::{Event, Limits, Metadata, Role, Session, ZmtpError};

use super::heap::bounded;
use super::input::{same_for_every_split, Cut, Pieces};
use super::zmtp::{assert_progress, established};

/// Heap of a session and its decoder beside the octets of the peer.
const DECODER_BYTES: usize = 8192;

/// What a decoder has reported, without borrows. The octets of a payload are joined.
#[derive(Clone, PartialEq, Debug)]
enum Seen {
    Request { header: Header, timing: Option<Timing> },
    Response { header: Header, octets: u64 },
    Frame { tag: Tag, octets: u64 },
    Payload { bytes: Vec<u8>, is_last: bool },
    End { result: Vec<u8> },
    Malformed(Malformed),
    BadFrame(BadFrame),
    Ping,
    Pong,
}

#[derive(PartialEq, Debug)]
struct Outcome {
    seen: Vec<Seen>,
    error: Option<ZmtpError>,
    is_at_boundary: bool,
    part_remaining: u64,
}

fn note_payload(seen: &mut Vec<Seen>, octets: &[u8], last: bool) {
    if let Some(Seen::Payload { bytes, is_last: is_last @ false }) = seen.last_mut() {
        bytes.extend_from_slice(octets);
        *is_last = last;
    } else if !octets.is_empty() {
        seen.push(Seen::Payload { bytes: octets.to_vec(), is_last: last });
    }
}

fn note_session(seen: &mut Vec<Seen>, event: Event<'_>) {
    seen.push(match event {
        Event::Ping { .. } => Seen::Ping,
        Event::Pong => Seen::Pong,
        other => panic!("{other:?} after the handshake"),
    });
}

/// A decoder of one kind of message.
trait Decoder {
    /// Takes octets up to the next event, notes it, and returns the octets taken.
    fn step(
        &mut self,
        session: &mut Session,
        input: &[u8],
        seen: &mut Vec<Seen>,
    ) -> Result<usize, ZmtpError>;

    /// Octets that may be taken past the decoder.
    fn direct_max(&self, session: &Session) -> u64;

    /// Takes these past the decoder; whether the payload is complete.
    fn take_direct(&mut self, session: &mut Session, octets: u64) -> bool;
}

fn run(decoder: &mut impl Decoder, session: &mut Session, mut pieces: Pieces<'_>) -> Outcome {
    let (mut seen, mut error) = (Vec::new(), None);
    'pieces: while let Some(mut rest) = pieces.next() {
        while !rest.is_empty() {
            if pieces.cut() == Cut::Mixed {
                let count = (pieces.next_random() % 20).min(rest.len() as u64);
                let count = count.min(decoder.direct_max(session));
                if count > 0 {
                    let (taken, after) = rest.split_at(count as usize);
                    let is_last = decoder.take_direct(session, count);
                    note_payload(&mut seen, taken, is_last);
                    rest = after;
                    continue;
                }
            }
            match decoder.step(session, rest, &mut seen) {
                Ok(used) => rest = &rest[used..],
                Err(found) => {
                    error = Some(found);
                    break 'pieces;
                }
            }
        }
    }
    let (is_at_boundary, part_remaining) =
        (session.at_message_boundary(), session.part_remaining());
    Outcome { seen, error, is_at_boundary, part_remaining }
}

struct Requests(RequestDecoder);

impl Decoder for Requests {
    fn step(
        &mut self,
        session: &mut Session,
        input: &[u8],
        seen: &mut Vec<Seen>,
    ) -> Result<usize, ZmtpError> {
        let (used, event) = self.0.receive(session, input)?;
        assert_progress(used, input, &event);
        match event {
            Some(RequestEvent::Complete(WholeRequest { header, timing, data })) => {
                assert_eq!(data.len() as u64, data_octets(&header), "{header:?}");
                seen.push(Seen::Request { header, timing });
                note_payload(seen, data, true);
            }
            Some(RequestEvent::Start { header, timing }) => {
                assert!(header.carries_data() && header.size > 0);
                seen.push(Seen::Request { header, timing });
            }
            Some(RequestEvent::Data { bytes, last }) => note_payload(seen, bytes, last),
            Some(RequestEvent::Malformed(malformed)) => seen.push(Seen::Malformed(malformed)),
            Some(RequestEvent::Session(event)) => note_session(seen, event),
            None => (),
        }
        Ok(used)
    }

    fn direct_max(&self, session: &Session) -> u64 {
        self.0.data_remaining(session)
    }

    fn take_direct(&mut self, session: &mut Session, octets: u64) -> bool {
        self.0.data_received(session, octets)
    }
}

/// Each fault has a text.
fn check_texts(seen: &[Seen]) {
    for event in seen {
        match event {
            Seen::Malformed(malformed) => assert!(!malformed.to_string().is_empty()),
            Seen::BadFrame(bad) => assert!(!bad.to_string().is_empty()),
            _ => (),
        }
    }
}

fn data_octets(header: &Header) -> u64 {
    if header.carries_data() {
        header.size.into()
    } else {
        0
    }
}

fn limits_of(options: u8) -> Limits {
    let mut limits = Limits::default();
    limits.frame_octets_max = [limits.frame_octets_max, 0, 8, 64][usize::from(options >> 2 & 3)];
    limits
}

/// Requests, with and without a timing.
pub fn request(data: &[u8]) {
    let (&options, stream) = data.split_first().unwrap_or((&0, &[]));
    let (is_timed, limits) = (options & 1 != 0, limits_of(options));
    let outcome = same_for_every_split(stream, |pieces| {
        bounded(72 * stream.len() + DECODER_BYTES, || {
            let decoder = if is_timed { RequestDecoder::timed() } else { RequestDecoder::new() };
            run(&mut Requests(decoder), &mut established(Role::Pull, limits), pieces)
        })
    });
    check_texts(&outcome.seen);
    let mut seen = outcome.seen.iter().peekable();
    while let Some(event) = seen.next() {
        let &Seen::Request { header, timing } = event else { continue };
        assert_eq!(timing.is_some(), is_timed);
        let data = match seen.peek() {
            Some(Seen::Payload { bytes, is_last: true }) => bytes,
            _ if data_octets(&header) == 0 => &Vec::new(),
            _ => continue,
        };
        let mut again = Vec::new();
        encode_request(&header, timing.as_ref(), data, &mut again);
        let whole = WholeRequest { header, timing, data };
        assert_eq!(decode_whole_request(&again, is_timed), Some((whole, again.len())));
    }
}

struct Responses(ResponseDecoder);

impl Decoder for Responses {
    fn step(
        &mut self,
        session: &mut Session,
        input: &[u8],
        seen: &mut Vec<Seen>,
    ) -> Result<usize, ZmtpError> {
        let (used, event) = self.0.receive(session, input)?;
        assert_progress(used, input, &event);
        match event {
            Some(ResponseEvent::Complete { header, payload, result }) => {
                seen.push(Seen::Response { header, octets: payload.len() as u64 });
                note_payload(seen, payload, true);
                seen.push(Seen::End { result: result.to_vec() });
            }
            Some(ResponseEvent::Start { header, payload_octets: octets }) => {
                seen.push(Seen::Response { header, octets });
            }
            Some(ResponseEvent::Payload { bytes, last }) => note_payload(seen, bytes, last),
            Some(ResponseEvent::End { result }) => {
                seen.push(Seen::End { result: result.to_vec() });
            }
            Some(ResponseEvent::Malformed(malformed)) => seen.push(Seen::Malformed(malformed)),
            Some(ResponseEvent::Session(event)) => note_session(seen, event),
            None => (),
        }
        Ok(used)
    }

    fn direct_max(&self, session: &Session) -> u64 {
        self.0.payload_remaining(session)
    }

    fn take_direct(&mut self, session: &mut Session, octets: u64) -> bool {
        self.0.payload_received(session, octets)
    }
}

/// Responses, their results, and results that a server makes of any text.
pub fn response(data: &[u8]) {
    let (&options, stream) = data.split_first().unwrap_or((&0, &[]));
    let outcome = same_for_every_split(stream, |pieces| {
        bounded(72 * stream.len() + DECODER_BYTES, || {
            let mut session = established(Role::Pull, limits_of(options));
            run(&mut Responses(ResponseDecoder::new()), &mut session, pieces)
        })
    });
    let mut current: Option<(Header, &[u8])> = None;
    for event in &outcome.seen {
        match event {
            Seen::Response { header, .. } => current = Some((*header, &[])),
            Seen::Payload { bytes, .. } => {
                current.as_mut().expect("a response has begun").1 = bytes;
            }
            Seen::End { result } => {
                let (header, payload) = current.take().expect("a response has begun");
                check_result(result);
                if result.len() <= RESULT_OCTETS_MAX {
                    let mut again = Vec::new();
                    encode_response(&header, payload, result, &mut again);
                    let whole = Some((header, payload, &result[..], again.len()));
                    assert_eq!(decode_whole_response(&again), whole);
                }
            }
            _ => (),
        }
    }
}

fn check_result(result: &[u8]) {
    let text = match evaluate_result(result) {
        Ok(()) => String::from_utf8_lossy(result).into_owned(),
        Err(text) => {
            assert!(!text.is_empty() && text.chars().all(|c| !c.is_control()), "{text:?}");
            text
        }
    };
    for dialect in [Dialect::Legacy, Dialect::Announced] {
        let sent = error_result(&text, dialect);
        assert!(sent.len() <= RESULT_OCTETS_MAX && std::str::from_utf8(&sent).is_ok());
        assert!(evaluate_result(&sent).is_err(), "{text:?} is taken for a success");
        assert!(dialect == Dialect::Announced || !sent.contains(&b'%'));
    }
}

struct Frames(StreamDecoder);

impl Decoder for Frames {
    fn step(
        &mut self,
        session: &mut Session,
        input: &[u8],
        seen: &mut Vec<Seen>,
    ) -> Result<usize, ZmtpError> {
        let (used, event) = self.0.receive(session, input)?;
        assert_progress(used, input, &event);
        match event {
            Some(StreamEvent::Complete { tag, payload }) => {
                seen.push(Seen::Frame { tag, octets: payload.len() as u64 });
                note_payload(seen, payload, true);
            }
            Some(StreamEvent::Start { tag, octets }) => seen.push(Seen::Frame { tag, octets }),
            Some(StreamEvent::Data { bytes, last }) => note_payload(seen, bytes, last),
            Some(StreamEvent::Malformed(bad)) => seen.push(Seen::BadFrame(bad)),
            Some(StreamEvent::Session(event)) => note_session(seen, event),
            None => (),
        }
        Ok(used)
    }

    /// One octet has to be left for the decoder.
    fn direct_max(&self, session: &Session) -> u64 {
        self.0.payload_remaining(session).saturating_sub(1)
    }

    fn take_direct(&mut self, session: &mut Session, octets: u64) -> bool {
        self.0.payload_received(session, octets);
        false
    }
}

/// Frames of the stream bridge.
pub fn frame(data: &[u8]) {
    let (&options, stream) = data.split_first().unwrap_or((&0, &[]));
    let outcome = same_for_every_split(stream, |pieces| {
        bounded(72 * stream.len() + DECODER_BYTES, || {
            let mut session = established(Role::Pull, limits_of(options));
            run(&mut Frames(StreamDecoder::new()), &mut session, pieces)
        })
    });
    check_texts(&outcome.seen);
    let mut seen = outcome.seen.iter().peekable();
    while let Some(event) = seen.next() {
        let &Seen::Frame { tag, octets } = event else { continue };
        let payload = match seen.peek() {
            Some(Seen::Payload { bytes, is_last: true }) => &bytes[..],
            _ if octets == 0 => &[],
            _ => continue,
        };
        assert_eq!(payload.len() as u64, octets);
        let mut again = Vec::new();
        encode_frame_head(tag, octets, &mut again);
        again.extend_from_slice(payload);
        assert_eq!(decode_whole_frame(&again), Some((tag, payload, again.len())));
    }
}

/// The properties of a peer's READY, and those that are announced to it.
pub fn properties(data: &[u8]) {
    let Ok(metadata) = Metadata::decode(data) else { return };
    let info = PeerInfo::from_metadata(&metadata);
    let value = |name: &str| metadata.property(name).map(<[u8]>::to_vec);
    // Each has one form only.
    if let Some(session) = info.session {
        assert_eq!(value("x-rogue-session"), Some(session.to_string().into_bytes()));
        assert_eq!(SessionId::parse(session.to_string().as_bytes()), Some(session));
    }
    if let Some(server) = info.server {
        assert_eq!(value("X-ROGUE-SERVER"), Some(server.to_string().into_bytes()));
        assert_eq!(ServerId::parse(server.to_string().as_bytes()), Some(server));
    }
    if let Some(level) = info.bridge_level {
        assert!(level > 0);
        assert_eq!(value("X-Rogue-Bridge"), Some(level.to_string().into_bytes()));
    }
    if let Some(clock) = info.clock {
        assert_eq!(value("X-Rogue-Deadline"), Some(clock.to_string().into_bytes()));
    }
    assert_eq!(info.answers_probes(), info.dialect() == Dialect::Announced);
    if let Some(session) = info.session {
        let announced = Announcement::client(info.duplex).with_session(session);
        assert!(announced.clone().untimed().is_foreign(&PeerInfo { clock: Some(1), ..info }));
        assert_eq!(announced.properties("1").len(), 3 + usize::from(info.duplex));
    }
}
