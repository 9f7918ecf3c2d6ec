//! One ZMTP connection: greeting, handshake, traffic.

use super::command::{self, Ping, PING_TTL_MAX_DS};
use super::error::{SendError, ZmtpError};
use super::frame::{self, FrameHeader, BODY_OCTETS_MAX, HEADER_OCTETS_MAX};
use super::greeting::{check_prefix, Greeting, GREETING_OCTETS};
use super::metadata::Metadata;
use super::null::Null;
use super::Role;
use crate::proto::text::escape;

/// Octets of the longest READY command body that is accepted or sent.
pub const READY_OCTETS_MAX: usize = 64 * 1024;

/// Octets of the longest command body that is accepted, in the handshake and after it.
pub const COMMAND_OCTETS_MAX: usize = READY_OCTETS_MAX;

/// Octets of PONGs and PINGs that may wait in a session. A peer that sends PINGs and does not read
/// the answers loses answers beyond it instead of filling our memory.
pub const CONTROL_OUTPUT_OCTETS_MAX: usize = 32 * 1024;

/// Octets of a command that are kept after the handshake: enough for every command that has a
/// meaning there, the longest being ERROR with a reason of 255 octets.
const COMMAND_KEPT_OCTETS_MAX: usize = 512;

/// What a session accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Largest body of a message frame in octets; a larger one is an error.
    pub frame_octets_max: u64,
}

impl Default for Limits {
    /// No limit but the protocol's own. Nothing is allocated by a session for a frame's size.
    fn default() -> Self {
        Limits { frame_octets_max: BODY_OCTETS_MAX }
    }
}

/// What [`Session::receive`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// The peer's READY has come: [`Session::peer_metadata`] tells what it announced.
    PeerReady,
    /// A part of a message begins. If `len` is 0 it is complete with this, otherwise
    /// [`Event::PartData`] follows until `last`.
    PartStart {
        /// Octets of the part.
        len: u64,
        /// Another part of the same message follows.
        more: bool,
    },
    /// The next octets of the current part; never empty.
    PartData {
        /// A slice of the input.
        bytes: &'a [u8],
        /// The part is complete with these.
        last: bool,
    },
    /// The peer sent a PING. Its PONG is queued.
    Ping {
        /// The peer's time to live in units of 100 ms, 0 for none: it wishes to be considered
        /// dead if it stays silent that long.
        ttl_ds: u16,
    },
    /// The peer answered a PING. Match answers by their order: libzmq 4.2 drops the context.
    Pong,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Greeting,
    Header,
    Body { remaining: u64 },
    Command { remaining: u64 },
}

/// One end of one ZMTP connection. See [the module](super) for how to drive it.
///
/// Owns no socket and no time: the owner limits how long greeting and handshake may take (libzmq:
/// 30 s) and how long the peer may be silent. Not synchronised.
#[derive(Debug)]
pub struct Session {
    role: Role,
    limits: Limits,
    state: State,
    mechanism: Null,
    failure: Option<ZmtpError>,
    greeting: [u8; GREETING_OCTETS],
    greeting_len: usize,
    peer_greeting: Option<Greeting>,
    header: [u8; HEADER_OCTETS_MAX],
    header_len: usize,
    /// The last part had MORE.
    in_message: bool,
    peer_pinged: bool,
    /// Messages come in although this end is the one that pushes.
    is_duplex: bool,
    /// What has come of a command that is under way; empty otherwise.
    command: Vec<u8>,
    output: Vec<u8>,
    pongs_dropped: u64,
}

impl Session {
    /// A new connection of an end with this role. Its greeting is queued.
    pub fn new(role: Role, limits: Limits) -> Self {
        let mut output = Vec::with_capacity(2 * GREETING_OCTETS);
        output.extend_from_slice(&Greeting::new(Null::NAME).encode());
        Session {
            role,
            limits,
            state: State::Greeting,
            mechanism: Null::new(role),
            failure: None,
            greeting: [0; GREETING_OCTETS],
            greeting_len: 0,
            peer_greeting: None,
            header: [0; HEADER_OCTETS_MAX],
            header_len: 0,
            in_message: false,
            peer_pinged: false,
            is_duplex: false,
            command: Vec::new(),
            output,
            pongs_dropped: 0,
        }
    }

    /// Our own role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Accepts messages from the peer of a [`Role::Push`], which RFC 30 has none for: only where
    /// both ends have agreed on it in their READY.
    pub fn accept_messages(&mut self) {
        self.is_duplex = true;
    }

    /// The limits given to [`Session::new`].
    #[inline]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    // ------------------------------------------------------------------ output

    /// Queues our READY: `Socket-Type` first, then these properties.
    ///
    /// From then on the peer may send. Allowed once, at any time, also before the peer's greeting.
    /// An error leaves the session as it was.
    pub fn send_ready(&mut self, properties: &[(&str, &[u8])]) -> Result<(), SendError> {
        if self.failure.is_some() {
            return Err(SendError::ReadySent);
        }
        self.mechanism.send_ready(properties, &mut self.output)
    }

    /// Appends everything that is queued to `out`: greeting, READY, PINGs and PONGs.
    ///
    /// What is taken must be written before any message encoded later, and between two messages.
    /// A failed session has nothing more to say.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.output);
    }

    /// Octets that [`Session::take_output`] would append. Stays below
    /// [`CONTROL_OUTPUT_OCTETS_MAX`] plus our own greeting and READY.
    #[inline]
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Whether messages and PINGs may be sent: both READYs have been exchanged and nothing has
    /// failed. A peer takes anything sent earlier for an attack.
    #[inline]
    pub fn traffic_allowed(&self) -> bool {
        self.mechanism.is_complete() && self.failure.is_none()
    }

    /// Appends the queued output and then one whole message of these parts to `out`.
    ///
    /// Only for a [`Role::Push`] with a complete handshake; nothing is appended otherwise.
    pub fn send_message(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), SendError> {
        if self.role != Role::Push {
            return Err(SendError::NotASender);
        }
        if !self.traffic_allowed() {
            return Err(SendError::NotReady);
        }
        self.take_output(out);
        frame::encode_message(parts, out);
        Ok(())
    }

    /// Whether the peer is known to answer a PING and not to take it for a message: it announced
    /// ZMTP 3.1 or newer, or has sent a PING itself. The handshake must be complete.
    pub fn may_ping(&self) -> bool {
        let modern = self.peer_greeting.is_some_and(|peer| (peer.major, peer.minor) >= (3, 1));
        self.traffic_allowed() && (modern || self.peer_pinged)
    }

    /// Queues a PING with an empty context.
    ///
    /// `ttl_ds`: units of 100 ms after which the peer may close the connection if nothing else
    /// comes; 0 for never, at most [`PING_TTL_MAX_DS`].
    pub fn ping(&mut self, ttl_ds: u16) -> Result<(), SendError> {
        if ttl_ds > PING_TTL_MAX_DS {
            return Err(SendError::PingTtl);
        }
        if !self.traffic_allowed() {
            return Err(SendError::NotReady);
        }
        if !self.may_ping() {
            return Err(SendError::PingNotSupported);
        }
        if self.output.len() >= CONTROL_OUTPUT_OCTETS_MAX {
            return Err(SendError::OutputFull);
        }
        Ping { ttl_ds, context: b"" }.encode(&mut self.output);
        Ok(())
    }

    // ------------------------------------------------------------------ the peer

    /// Major and minor version of ZMTP that the peer announced, once its greeting is complete.
    pub fn peer_version(&self) -> Option<(u8, u8)> {
        self.peer_greeting.map(|greeting| (greeting.major, greeting.minor))
    }

    /// What the peer announced in its READY; `None` before [`Event::PeerReady`].
    pub fn peer_metadata(&self) -> Option<&Metadata> {
        self.mechanism.peer()
    }

    /// PONGs that were not queued because the peer did not read the earlier ones.
    pub fn pongs_dropped(&self) -> u64 {
        self.pongs_dropped
    }

    // ------------------------------------------------------------------ input

    /// Takes octets received from the peer, up to the next event.
    ///
    /// Returns how many octets of `input` were consumed, and the event. Without an event the whole
    /// input has been consumed. Any split of the stream gives the same events, except that the
    /// octets of a part come in more or fewer [`Event::PartData`].
    ///
    /// An error is final and is returned again by every later call.
    pub fn receive<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<Event<'a>>), ZmtpError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.advance(input).inspect_err(|error| {
            self.failure = Some(error.clone());
            self.output.clear();
        })
    }

    /// Whether a message may start with the next octet: the handshake is complete and neither a
    /// message nor a frame is under way. The owner may then decode whole messages from its buffer
    /// by other means and pass by the session.
    #[inline]
    pub fn at_message_boundary(&self) -> bool {
        self.state == State::Header
            && self.header_len == 0
            && !self.in_message
            && self.mechanism.is_complete()
            && self.failure.is_none()
    }

    /// Octets of the current message part that have not come yet; 0 outside of a part.
    #[inline]
    pub fn part_remaining(&self) -> u64 {
        match self.state {
            State::Body { remaining } => remaining,
            _ => 0,
        }
    }

    /// Tells the session that the next `octets` of the current part were read from the socket by
    /// the owner, straight to their destination. At most [`Session::part_remaining`]; no event
    /// reports them. Returns whether the part is complete.
    pub fn part_received(&mut self, octets: u64) -> bool {
        debug_assert!(octets <= self.part_remaining());
        self.set_body(self.part_remaining().saturating_sub(octets));
        self.state == State::Header
    }

    fn set_body(&mut self, remaining: u64) {
        self.state = if remaining == 0 { State::Header } else { State::Body { remaining } };
    }

    fn advance<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), ZmtpError> {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            let (consumed, event) = match self.state {
                State::Header => self.receive_header(rest)?,
                State::Body { remaining } => self.receive_body(remaining, rest),
                State::Command { remaining } => self.receive_command(remaining, rest)?,
                State::Greeting => (self.receive_greeting(rest)?, None),
            };
            used += consumed;
            if event.is_some() {
                return Ok((used, event));
            }
        }
        Ok((used, None))
    }

    fn receive_greeting(&mut self, input: &[u8]) -> Result<usize, ZmtpError> {
        let consumed = input.len().min(GREETING_OCTETS - self.greeting_len);
        let end = self.greeting_len + consumed;
        self.greeting[self.greeting_len..end].copy_from_slice(&input[..consumed]);
        self.greeting_len = end;
        check_prefix(&self.greeting[..end])?;
        if end == GREETING_OCTETS {
            let peer = Greeting::decode(&self.greeting)?;
            if peer.mechanism != Greeting::new(Null::NAME).mechanism {
                return Err(ZmtpError::Mechanism { peer: peer.mechanism_text(), own: Null::NAME });
            }
            self.peer_greeting = Some(peer);
            self.state = State::Header;
        }
        Ok(consumed)
    }

    #[inline]
    fn receive_header<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<Event<'a>>), ZmtpError> {
        if self.header_len == 0 {
            if let Some((header, octets)) = FrameHeader::decode(input) {
                return Ok((octets, self.start_frame(header)?));
            }
        }
        let consumed = input.len().min(HEADER_OCTETS_MAX - self.header_len);
        let kept = self.header_len;
        self.header[kept..kept + consumed].copy_from_slice(&input[..consumed]);
        match FrameHeader::decode(&self.header[..kept + consumed]) {
            Some((header, octets)) => {
                self.header_len = 0;
                Ok((octets - kept, self.start_frame(header)?))
            }
            None => {
                self.header_len = kept + consumed;
                Ok((consumed, None))
            }
        }
    }

    #[inline]
    fn start_frame<'a>(&mut self, header: FrameHeader) -> Result<Option<Event<'a>>, ZmtpError> {
        let FrameHeader { len, more, command } = header;
        if command || !self.mechanism.is_complete() {
            return self.start_command(header);
        }
        if self.role == Role::Push && !self.is_duplex {
            return Err(ZmtpError::UnexpectedMessage);
        }
        let limit = self.limits.frame_octets_max.min(BODY_OCTETS_MAX);
        if len > limit {
            return Err(ZmtpError::FrameTooLarge { len, limit });
        }
        self.in_message = more;
        self.set_body(len);
        Ok(Some(Event::PartStart { len, more }))
    }

    fn start_command<'a>(&mut self, header: FrameHeader) -> Result<Option<Event<'a>>, ZmtpError> {
        if self.mechanism.peer().is_some() && !self.mechanism.ready_sent() {
            return Err(ZmtpError::EarlyTraffic);
        }
        if !header.command {
            return Err(ZmtpError::Handshake { found: "a message frame".to_owned() });
        }
        let limit = COMMAND_OCTETS_MAX as u64;
        if header.len > limit {
            return Err(ZmtpError::CommandTooLarge { len: header.len, limit });
        }
        if header.len == 0 {
            return self.finish_command(b"");
        }
        self.state = State::Command { remaining: header.len };
        Ok(None)
    }

    #[inline]
    fn receive_body<'a>(&mut self, remaining: u64, input: &'a [u8]) -> (usize, Option<Event<'a>>) {
        let available = input.len() as u64;
        let last = available >= remaining;
        let consumed = if last { remaining as usize } else { input.len() };
        self.set_body(remaining - consumed as u64);
        (consumed, Some(Event::PartData { bytes: &input[..consumed], last }))
    }

    fn receive_command<'a>(
        &mut self,
        remaining: u64,
        input: &'a [u8],
    ) -> Result<(usize, Option<Event<'a>>), ZmtpError> {
        let complete = input.len() as u64 >= remaining;
        let consumed = if complete { remaining as usize } else { input.len() };
        let chunk = &input[..consumed];
        if complete {
            self.state = State::Header;
            if self.command.is_empty() {
                return Ok((consumed, self.finish_command(chunk)?));
            }
        } else {
            self.state = State::Command { remaining: remaining - consumed as u64 };
        }
        let kept_max = match self.mechanism.is_complete() {
            true => COMMAND_KEPT_OCTETS_MAX,
            false => COMMAND_OCTETS_MAX,
        };
        let kept = chunk.len().min(kept_max.saturating_sub(self.command.len()));
        self.command.extend_from_slice(&chunk[..kept]);
        if !complete {
            return Ok((consumed, None));
        }
        let body = std::mem::take(&mut self.command);
        let event = self.finish_command(&body)?;
        if body.capacity() <= COMMAND_KEPT_OCTETS_MAX {
            self.command = body;
            self.command.clear();
        }
        Ok((consumed, event))
    }

    fn finish_command<'a>(&mut self, body: &[u8]) -> Result<Option<Event<'a>>, ZmtpError> {
        if self.mechanism.peer().is_none() {
            self.mechanism.receive(body)?;
            return Ok(Some(Event::PeerReady));
        }
        // Anything that is unknown or malformed after the handshake is ignored, as by libzmq.
        match command::split(body) {
            Some((command::PING, data)) => match Ping::decode(data) {
                Some(ping) => {
                    self.answer(ping);
                    Ok(Some(Event::Ping { ttl_ds: ping.ttl_ds }))
                }
                None => Ok(None),
            },
            Some((command::PONG, _)) => Ok(Some(Event::Pong)),
            Some((command::ERROR, data)) => match command::error_reason(data) {
                Some(reason) => Err(ZmtpError::Refused { reason: escape(reason) }),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn answer(&mut self, ping: Ping<'_>) {
        self.peer_pinged = true;
        if self.output.len() < CONTROL_OUTPUT_OCTETS_MAX {
            command::encode_pong(ping.context, &mut self.output);
        } else {
            self.pongs_dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests;
