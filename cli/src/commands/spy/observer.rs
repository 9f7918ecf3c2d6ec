//! What the octets of one connection mean: the library's own decoders, as an onlooker uses them.
//!
//! An onlooker takes octets, and sends none. For each direction a [`Session`] stands for the end
//! that receives; what it would answer is dropped.

use rogue_mem::proto::bridge::{
    evaluate_result, Header, PeerInfo, RequestDecoder, RequestEvent, ResponseDecoder,
    ResponseEvent, Timing,
};
use rogue_mem::proto::zmtp::frame::FrameHeader;
use rogue_mem::proto::zmtp::greeting::{Greeting, GREETING_OCTETS};
use rogue_mem::proto::zmtp::metadata::SOCKET_TYPE;
use rogue_mem::proto::zmtp::{Event, Limits, Metadata, Null, Role, Session, ZmtpError};

use super::direction::Direction;

/// First octet of every greeting of ZMTP 2 and later.
const GREETING_START: u8 = 0xff;

/// The beginning of some data, and how much there is of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Data {
    /// As many octets of it as are shown.
    pub shown: Vec<u8>,
    /// All of its octets.
    pub octets: u64,
}

impl Data {
    /// Adds octets, and keeps up to `shown_max` in all.
    fn add(&mut self, bytes: &[u8], shown_max: usize) {
        let kept = bytes.len().min(shown_max.saturating_sub(self.shown.len()));
        self.shown.extend_from_slice(&bytes[..kept]);
        self.octets += bytes.len() as u64;
    }

    fn of(bytes: &[u8], shown_max: usize) -> Data {
        let mut data = Data::default();
        data.add(bytes, shown_max);
        data
    }
}

/// What was in the octets.
#[derive(Debug)]
pub enum Seen {
    /// An end that seals its frames by this mechanism has greeted.
    Mechanism(String),
    /// READY of the end that sends.
    Ready(Box<Announced>),
    /// A whole request.
    Request {
        /// Its header.
        header: Header,
        /// Its times, where requests carry them.
        timing: Option<Timing>,
        /// What it writes.
        data: Data,
    },
    /// A whole response.
    Response {
        /// Its header.
        header: Header,
        /// What was read, or an echo of what was written.
        data: Data,
        /// Success, or the error text.
        result: Result<(), String>,
    },
    /// The header of a sealed frame.
    Frame {
        /// Octets behind the header.
        octets: u64,
        /// It is a command, in the clear: the handshake.
        is_command: bool,
    },
    /// PING or PONG.
    Heartbeat,
    /// A message that is neither a request nor a response.
    Malformed(String),
    /// From here on nothing of this direction can be understood.
    Undecodable(String),
}

/// What an end says of itself in its READY.
#[derive(Debug)]
pub struct Announced {
    /// The type of its socket.
    pub role: Option<Role>,
    /// What the library makes of its properties.
    pub info: PeerInfo,
    /// All properties.
    pub properties: Metadata,
}

/// Both directions of a connection.
#[derive(Debug)]
pub struct Observer {
    decoders: [Decoder; 2],
    /// Octets of data that are kept of a message.
    shown_max: usize,
}

impl Observer {
    /// For a new connection.
    pub fn new(shown_max: usize) -> Observer {
        Observer { decoders: Direction::BOTH.map(Decoder::new), shown_max }
    }

    /// Takes octets that pass, and appends what is in them to `seen`.
    pub fn observe(&mut self, direction: Direction, bytes: &[u8], seen: &mut Vec<Seen>) {
        let [client, server] = self.decoders.each_ref().map(|decoder| decoder.info);
        // A client sends no request before it has seen the server's READY.
        let is_timed = client.session.is_some() && client.clock.is_some() && server.clock.is_some();
        let context = Context { is_timed, shown_max: self.shown_max };
        self.decoders[direction.index()].take(bytes, context, seen);
    }
}

/// What a decoder has to know.
#[derive(Clone, Copy)]
struct Context {
    /// Requests carry their times.
    is_timed: bool,
    shown_max: usize,
}

/// One direction of a connection.
#[derive(Debug)]
struct Decoder {
    direction: Direction,
    stage: Stage,
    /// What the sender has announced.
    info: PeerInfo,
}

#[derive(Debug)]
enum Stage {
    /// The greeting's octets so far.
    Greeting(Vec<u8>),
    /// Messages in the clear.
    Clear(Box<Clear>),
    /// Frames that another mechanism may seal.
    Sealed(Frames),
    /// Nothing more is understood.
    Lost,
}

impl Decoder {
    fn new(direction: Direction) -> Decoder {
        let info = PeerInfo::default();
        Decoder { direction, stage: Stage::Greeting(Vec::new()), info }
    }

    fn take(&mut self, bytes: &[u8], context: Context, seen: &mut Vec<Seen>) {
        let rest = match &mut self.stage {
            Stage::Greeting(held) => {
                let (more, rest) = bytes.split_at(bytes.len().min(GREETING_OCTETS - held.len()));
                held.extend_from_slice(more);
                let is_greeting = held.first().is_none_or(|octet| *octet == GREETING_START);
                if is_greeting && held.len() < GREETING_OCTETS {
                    return;
                }
                self.stage = greeted(held, self.direction, seen);
                rest
            }
            _ => bytes,
        };
        match &mut self.stage {
            Stage::Clear(clear) => {
                let first = seen.len();
                if let Err(error) = clear.take(rest, context, seen) {
                    seen.push(Seen::Undecodable(error.to_string()));
                    self.stage = Stage::Lost;
                }
                for one in &seen[first..] {
                    if let Seen::Ready(announced) = one {
                        self.info = announced.info;
                    }
                }
            }
            Stage::Sealed(frames) => frames.take(rest, seen),
            Stage::Greeting(_) | Stage::Lost => {}
        }
    }
}

/// What follows these octets of a greeting.
fn greeted(held: &[u8], direction: Direction, seen: &mut Vec<Seen>) -> Stage {
    let Some(octets) = held.first_chunk() else {
        seen.push(Seen::Undecodable("it does not begin with a greeting of ZMTP".to_owned()));
        return Stage::Lost;
    };
    match Greeting::decode(octets) {
        Ok(greeting) if greeting.mechanism_text() == Null::NAME => {
            Stage::Clear(Box::new(Clear::new(octets, direction)))
        }
        Ok(greeting) if is_mechanism(&greeting.mechanism_text()) => {
            seen.push(Seen::Mechanism(greeting.mechanism_text()));
            Stage::Sealed(Frames::default())
        }
        Ok(_) => {
            seen.push(Seen::Undecodable("its greeting names no mechanism".to_owned()));
            Stage::Lost
        }
        Err(error) => {
            seen.push(Seen::Undecodable(error.to_string()));
            Stage::Lost
        }
    }
}

/// Whether this can be the name of a mechanism (RFC 23).
fn is_mechanism(name: &str) -> bool {
    let is_legal =
        |octet: u8| matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+');
    !name.is_empty() && name.bytes().all(is_legal)
}

/// The messages of a direction without a mechanism that seals.
#[derive(Debug)]
struct Clear {
    session: Session,
    /// Of the sender.
    direction: Direction,
    messages: Messages,
    partial: Partial,
}

/// What the messages are.
#[derive(Debug)]
enum Messages {
    /// There are none yet.
    None,
    Requests(RequestDecoder),
    Responses(ResponseDecoder),
}

/// A message whose data comes in pieces.
#[derive(Debug, Default)]
struct Partial {
    header: Header,
    timing: Option<Timing>,
    data: Data,
}

impl Clear {
    fn new(greeting: &[u8; GREETING_OCTETS], direction: Direction) -> Clear {
        let mut session = Session::new(None::<Role>, Limits::default());
        if direction == Direction::ToClient {
            // Where both ends agree on it, responses come on the connection of the requests.
            session.accept_messages();
        }
        // It has been decoded already, and an error would come again with the next octets.
        let _ = session.receive(greeting);
        Clear { session, direction, messages: Messages::None, partial: Partial::default() }
    }

    fn take(
        &mut self,
        mut input: &[u8],
        context: Context,
        seen: &mut Vec<Seen>,
    ) -> Result<(), ZmtpError> {
        while !input.is_empty() {
            if self.session.traffic_allowed() && matches!(self.messages, Messages::None) {
                self.messages = match self.direction {
                    Direction::ToServer if context.is_timed => {
                        Messages::Requests(RequestDecoder::timed())
                    }
                    Direction::ToServer => Messages::Requests(RequestDecoder::new()),
                    Direction::ToClient => Messages::Responses(ResponseDecoder::new()),
                };
            }
            let used = self.step(input, context.shown_max, seen)?;
            input = &input[used..];
        }
        // What an end would answer.
        self.session.take_output(&mut Vec::new());
        Ok(())
    }

    /// Takes octets up to the next event, and returns their number.
    fn step(
        &mut self,
        input: &[u8],
        shown_max: usize,
        seen: &mut Vec<Seen>,
    ) -> Result<usize, ZmtpError> {
        let partial = &mut self.partial;
        let (used, event) = match &mut self.messages {
            Messages::None => self.session.receive(input)?,
            Messages::Requests(decoder) => {
                let (used, event) = decoder.receive(&mut self.session, input)?;
                (used, event.and_then(|event| partial.request(event, shown_max, seen)))
            }
            Messages::Responses(decoder) => {
                let (used, event) = decoder.receive(&mut self.session, input)?;
                (used, event.and_then(|event| partial.response(event, shown_max, seen)))
            }
        };
        match event {
            Some(Event::PeerReady) => self.ready(seen),
            Some(Event::Ping { .. } | Event::Pong) => seen.push(Seen::Heartbeat),
            // Before the handshake is complete there is no message.
            Some(Event::PartStart { .. } | Event::PartData { .. }) | None => {}
        }
        Ok(used)
    }

    /// The sender's READY is in. From here on the session takes messages, as if it had sent its own.
    fn ready(&mut self, seen: &mut Vec<Seen>) {
        let Some(properties) = self.session.peer_metadata().cloned() else { return };
        // It fails where it has been sent already, which it has not.
        let _ = self.session.send_ready(&[]);
        let info = PeerInfo::from_metadata(&properties);
        let role = role_of(&properties);
        seen.push(Seen::Ready(Box::new(Announced { role, info, properties })));
    }
}

fn role_of(properties: &Metadata) -> Option<Role> {
    let name = properties.property(SOCKET_TYPE)?;
    [Role::Push, Role::Pull].into_iter().find(|role| role.name().as_bytes() == name)
}

impl Partial {
    /// Takes an event of a decoder of requests; returns those of the session.
    fn request<'a>(
        &mut self,
        event: RequestEvent<'a>,
        shown_max: usize,
        seen: &mut Vec<Seen>,
    ) -> Option<Event<'a>> {
        match event {
            RequestEvent::Complete(whole) => seen.push(Seen::Request {
                header: whole.header,
                timing: whole.timing,
                data: Data::of(whole.data, shown_max),
            }),
            RequestEvent::Start { header, timing } => {
                *self = Partial { header, timing, data: Data::default() };
            }
            RequestEvent::Data { bytes, last } => {
                self.data.add(bytes, shown_max);
                if last {
                    let Partial { header, timing, data } = std::mem::take(self);
                    seen.push(Seen::Request { header, timing, data });
                }
            }
            RequestEvent::Malformed(malformed) => {
                seen.push(Seen::Malformed(malformed.to_string()));
            }
            RequestEvent::Session(event) => return Some(event),
        }
        None
    }

    /// The same for responses.
    fn response<'a>(
        &mut self,
        event: ResponseEvent<'a>,
        shown_max: usize,
        seen: &mut Vec<Seen>,
    ) -> Option<Event<'a>> {
        match event {
            ResponseEvent::Complete { header, payload, result } => seen.push(Seen::Response {
                header,
                data: Data::of(payload, shown_max),
                result: evaluate_result(result),
            }),
            ResponseEvent::Start { header, .. } => {
                *self = Partial { header, timing: None, data: Data::default() };
            }
            ResponseEvent::Payload { bytes, .. } => self.data.add(bytes, shown_max),
            ResponseEvent::End { result } => {
                let Partial { header, data, .. } = std::mem::take(self);
                seen.push(Seen::Response { header, data, result: evaluate_result(result) });
            }
            ResponseEvent::Malformed(malformed) => {
                *self = Partial::default();
                seen.push(Seen::Malformed(malformed.to_string()));
            }
            ResponseEvent::Session(event) => return Some(event),
        }
        None
    }
}

/// The headers of frames, and nothing of what is in them.
#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a header.
    header: Vec<u8>,
    /// Octets of the current frame that are still to come.
    remaining: u64,
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8], seen: &mut Vec<Seen>) {
        while !bytes.is_empty() {
            if self.remaining > 0 {
                let skipped = usize::try_from(self.remaining).unwrap_or(usize::MAX);
                let skipped = skipped.min(bytes.len());
                self.remaining -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some((frame, _)) = FrameHeader::decode(&self.header) {
                seen.push(Seen::Frame { octets: frame.len, is_command: frame.command });
                self.remaining = frame.len;
                self.header.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests;
