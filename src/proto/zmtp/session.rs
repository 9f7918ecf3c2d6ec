//! One ZMTP connection: greeting, handshake, traffic.

mod held;

use super::command::{self, Ping, PING_TTL_MAX_DS};
use super::error::{self, SendError, ZmtpError};
use super::frame::{FrameHeader, BODY_OCTETS_MAX, HEADER_OCTETS_MAX, HEADER_OCTETS_MIN};
use super::greeting::{Greeting, GreetingExchange, GREETING_OCTETS};
use super::mechanism::curve::keys::PublicKey;
use super::mechanism::{Mechanism, SealedInput, Sealer, SEAL_OCTETS_MAX};
use super::metadata::Metadata;
use super::null::Null;
use super::Role;
use crate::proto::text::escape;

/// Octets of the longest READY command body, received or sent.
pub const READY_OCTETS_MAX: usize = 64 * 1024;

/// Octets of the longest command body that is accepted, during the handshake and after it.
pub const COMMAND_OCTETS_MAX: usize = READY_OCTETS_MAX;

/// Octets of PONGs and PINGs that a session queues. A peer that sends PINGs without reading the
/// answers loses further answers and does not fill our memory.
pub const CONTROL_OUTPUT_OCTETS_MAX: usize = 32 * 1024;

/// Octets of a command that are kept after the handshake: enough for every command that has a
/// meaning then, the longest being ERROR with a reason of 255 octets.
const COMMAND_KEPT_OCTETS_MAX: usize = 512;

/// The limits of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Largest body of a message frame in octets; a larger one is an error.
    pub frame_octets_max: u64,
}

impl Default for Limits {
    /// Only the protocol's own limit. A session allocates nothing for the size of a frame.
    fn default() -> Self {
        Limits { frame_octets_max: BODY_OCTETS_MAX }
    }
}

/// The result of [`Session::receive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// The peer's READY has arrived: [`Session::peer_metadata`] returns its properties.
    PeerReady,
    /// A part of a message begins. If `len` is 0 it is complete, otherwise [`Event::PartData`]
    /// follows until `last`.
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
        /// The peer's time to live in units of 100 ms, 0 for none: after that long a silence it
        /// wishes to be considered dead.
        ttl_ds: u16,
    },
    /// The peer answered a PING. Match answers by their order: libzmq 4.2 drops the context.
    Pong,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ParseState {
    Greeting,
    Header,
    Body { remaining: u64 },
    Command { remaining: u64 },
}

/// One end of one ZMTP connection. See [the module](super) for how to drive it.
///
/// Owns neither socket nor clock: the owner limits the time for greeting and handshake (libzmq:
/// 30 s) and the peer's silence. Not synchronised.
#[derive(Debug)]
pub struct Session {
    /// `None`: that which the peer's READY will need.
    role: Option<Role>,
    limits: Limits,
    state: ParseState,
    mechanism: Box<dyn Mechanism>,
    /// The mechanism's handshake is complete.
    is_complete: bool,
    /// Present if the mechanism seals.
    sealed_input: Option<SealedInput>,
    failure: Option<ZmtpError>,
    greeting: GreetingExchange,
    header: [u8; HEADER_OCTETS_MAX],
    header_len: usize,
    /// The last part had MORE.
    in_message: bool,
    peer_pinged: bool,
    /// Messages are received although this end is the PUSH.
    is_duplex: bool,
    /// The received part of the current command; empty otherwise.
    command: Vec<u8>,
    output: Vec<u8>,
    /// Octets of the greeting and the handshake at the start of `output`.
    clear_output_len: usize,
}

impl Session {
    /// Creates the session of an end with this role and the NULL mechanism. Its greeting is queued.
    /// Without a role the end takes the one that its peer needs, once that is
    /// [known](Event::PeerReady).
    pub fn new(role: impl Into<Option<Role>>, limits: Limits) -> Self {
        let role = role.into();
        Session::with_mechanism(role, limits, Box::new(Null::new(role)))
    }

    /// As [`new`](Self::new), with this mechanism, which has been made for the same role.
    pub fn with_mechanism(
        role: impl Into<Option<Role>>,
        limits: Limits,
        mut mechanism: Box<dyn Mechanism>,
    ) -> Self {
        let mut output = Vec::with_capacity(2 * GREETING_OCTETS);
        let as_server = mechanism.is_server();
        let greeting = Greeting { as_server, ..Greeting::new(mechanism.name()) };
        let greeting = GreetingExchange::new(greeting, &mut output);
        mechanism.start(&mut output);
        Session {
            role: role.into(),
            limits,
            state: ParseState::Greeting,
            is_complete: false,
            sealed_input: mechanism.seals().then(SealedInput::default),
            mechanism,
            failure: None,
            greeting,
            header: [0; HEADER_OCTETS_MAX],
            header_len: 0,
            in_message: false,
            peer_pinged: false,
            is_duplex: false,
            command: Vec::new(),
            clear_output_len: output.len(),
            output,
        }
    }

    /// Accepts messages from the peer of a [`Role::Push`], which RFC 30 excludes: only if both ends
    /// have agreed on it in their READY.
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
    /// After this the peer may send. Allowed once, at any time, also before the peer's greeting. An
    /// error leaves the session unchanged.
    pub fn send_ready(&mut self, properties: &[(&str, &[u8])]) -> Result<(), SendError> {
        if self.failure.is_some() {
            return Err(SendError::ReadySent);
        }
        self.mechanism.send_ready(properties, &mut self.output)?;
        self.note_handshake();
        Ok(())
    }

    fn note_handshake(&mut self) {
        // Until the handshake is complete, nothing else is queued.
        self.clear_output_len = self.output.len();
        self.is_complete = self.mechanism.ready_sent() && self.mechanism.peer().is_some();
    }

    /// Queues ERROR with this reason, of which at most 255 octets are said. The owner closes the
    /// connection when it has been sent. Only for a peer that is known to come again nevertheless: a
    /// libzmq connector does not.
    pub fn refuse(&mut self, reason: &str) {
        if self.failure.is_none() {
            command::encode_error(reason, &mut self.output);
            if !self.is_complete {
                self.clear_output_len = self.output.len();
            }
        }
    }

    /// Appends all queued output to `out`: greeting, READY, PINGs and PONGs. Returns the number of
    /// octets at its start that no mechanism seals.
    ///
    /// Write it before any message encoded later, and between two messages. A failed session has no
    /// more output but, where the mechanisms differ, the rest of its greeting.
    pub fn take_output(&mut self, out: &mut Vec<u8>) -> usize {
        let clear = std::mem::take(&mut self.clear_output_len).min(self.output.len());
        out.append(&mut self.output);
        clear
    }

    /// Octets that [`Session::take_output`] would append. Stays below
    /// [`CONTROL_OUTPUT_OCTETS_MAX`] plus our own greeting and READY.
    #[inline]
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Whether messages and PINGs may be sent: both READYs have been exchanged without an error. A
    /// peer treats earlier traffic as an attack.
    #[inline]
    pub fn traffic_allowed(&self) -> bool {
        self.is_complete && self.failure.is_none()
    }

    /// Whether the peer is known to answer a PING and not to take it for a message: it has
    /// announced ZMTP 3.1 or newer, or has sent a PING itself. The handshake must be complete.
    pub fn may_ping(&self) -> bool {
        let modern = self.greeting.peer().is_some_and(|peer| (peer.major, peer.minor) >= (3, 1));
        self.traffic_allowed() && (modern || self.peer_pinged)
    }

    /// Queues a PING with an empty context.
    ///
    /// `ttl_ds`: units of 100 ms after which the peer may close a connection that is otherwise
    /// silent; 0 for never, at most [`PING_TTL_MAX_DS`].
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

    // ------------------------------------------------------------------ sealing

    /// Whether the mechanism seals, so that octets on the wire differ from those of the session.
    /// Only if it does not may octets be read from the socket straight to their destination, or
    /// written to it without a copy.
    #[inline]
    pub fn seals(&self) -> bool {
        self.sealed_input.is_some()
    }

    /// The sealer of all output after the handshake. Returned once, after the handshake, if the
    /// mechanism [seals](Self::seals).
    pub fn take_sealer(&mut self) -> Option<Box<dyn Sealer>> {
        match self.traffic_allowed() {
            true => self.mechanism.take_sealer(),
            false => None,
        }
    }

    /// Number of octets that the owner may read from the socket for the next [`open`](Self::open).
    /// The result of that call then fits into `room` octets, except for the rest of one frame. Not
    /// 0 unless `room` is 0.
    pub fn read_limit(&self, room: usize) -> usize {
        match &self.sealed_input {
            None => room,
            Some(sealed) if self.mechanism.peer().is_some() => sealed.read_limit(room),
            // The read ends with the last command of the handshake.
            Some(_) => room.min(self.handshake_octets()),
        }
    }

    /// Number of octets that complete the current greeting, frame header or command.
    fn handshake_octets(&self) -> usize {
        match self.state {
            ParseState::Greeting => self.greeting.missing(),
            ParseState::Command { remaining } | ParseState::Body { remaining } => {
                remaining as usize
            }
            ParseState::Header if self.header_len < HEADER_OCTETS_MIN => {
                HEADER_OCTETS_MIN - self.header_len
            }
            ParseState::Header => HEADER_OCTETS_MAX - self.header_len,
        }
    }

    /// Takes octets from the wire, at most [`read_limit`](Self::read_limit). Appends the opened
    /// ones to `octets`, all of which the caller has to pass to [`receive`](Self::receive) before
    /// the next call, but for as many at the beginning as are returned, which are not 0 only if
    /// `octets` was empty.
    ///
    /// # Errors
    ///
    /// Every error is final, like those of `receive`.
    pub fn open(&mut self, input: &[u8], octets: &mut Vec<u8>) -> Result<usize, ZmtpError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let is_sealed = self.mechanism.peer().is_some();
        let Some(sealed) = self.sealed_input.as_mut().filter(|_| is_sealed) else {
            error::reserve(octets, input.len())?;
            octets.extend_from_slice(input);
            return Ok(0);
        };
        let limit = self.limits.frame_octets_max.max(COMMAND_OCTETS_MAX as u64);
        let limit = limit.saturating_add(SEAL_OCTETS_MAX).min(BODY_OCTETS_MAX);
        sealed.open(input, limit, &mut *self.mechanism, octets).inspect_err(|error| {
            self.failure = Some(error.clone());
            self.output.clear();
        })
    }

    /// Takes octets received from the peer, up to the first event from which `decode` makes
    /// something. Returns as [`receive`](Self::receive) does, with that in place of the event.
    pub fn receive_until<'a, T>(
        &mut self,
        input: &'a [u8],
        mut decode: impl FnMut(Event<'a>) -> Option<T>,
    ) -> Result<(usize, Option<T>), ZmtpError> {
        let mut used = 0;
        loop {
            let (consumed, event) = self.receive(&input[used..])?;
            used += consumed;
            let Some(event) = event else { return Ok((used, None)) };
            let decoded = decode(event);
            if decoded.is_some() {
                return Ok((used, decoded));
            }
        }
    }

    // ------------------------------------------------------------------ the peer

    /// The role of this end; `None` while the peer decides it.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Major and minor version of ZMTP that the peer announced, once its greeting is complete.
    pub fn peer_version(&self) -> Option<(u8, u8)> {
        self.greeting.peer().map(|greeting| (greeting.major, greeting.minor))
    }

    /// The properties in the peer's READY; `None` before [`Event::PeerReady`].
    pub fn peer_metadata(&self) -> Option<&Metadata> {
        self.mechanism.peer()
    }

    /// The long-term public key that the peer has proved to own, from [`Event::PeerReady`] on;
    /// `None` if the mechanism has no keys.
    pub fn peer_key(&self) -> Option<&PublicKey> {
        self.mechanism.peer_key()
    }

    /// What it means if the peer closes the connection now, and the remedy; `None` if that is not
    /// known.
    pub fn if_closed(&self) -> Option<String> {
        if self.greeting.peer().is_some() {
            return self.mechanism.if_closed();
        }
        let (has_begun, name) = (self.greeting.has_begun(), self.mechanism.name());
        Some(error::closed_early_text(name, has_begun, self.seals()))
    }

    // ------------------------------------------------------------------ input

    /// Takes octets received from the peer, up to the next event.
    ///
    /// Returns the number of consumed octets of `input` and the event. Without an event the whole
    /// input has been consumed. Any split of the stream gives the same events, except that the
    /// octets of a part arrive in more or fewer [`Event::PartData`].
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
            // The peer may still learn from our greeting which mechanism it needs.
            if !matches!(error, ZmtpError::Mechanism { .. }) {
                self.output.clear();
            }
        })
    }

    /// Whether a message may start with the next octet: the handshake is complete, and neither a
    /// message nor a frame is incomplete. The owner may then decode whole messages from its buffer
    /// without the session.
    #[inline]
    pub fn at_message_boundary(&self) -> bool {
        self.state == ParseState::Header
            && self.header_len == 0
            && !self.in_message
            && self.is_complete
            && self.failure.is_none()
    }

    /// Octets of the current message part that are still to come; 0 outside of a part.
    #[inline]
    pub fn part_remaining(&self) -> u64 {
        match self.state {
            ParseState::Body { remaining } => remaining,
            _ => 0,
        }
    }

    /// Tells the session that the owner has read the next `octets` of the current part from the
    /// socket straight to their destination. At most [`Session::part_remaining`]; no event reports
    /// them. Returns whether the part is complete.
    pub fn part_received(&mut self, octets: u64) -> bool {
        debug_assert!(octets <= self.part_remaining());
        self.set_body(self.part_remaining().saturating_sub(octets));
        self.state == ParseState::Header
    }

    fn set_body(&mut self, remaining: u64) {
        self.state =
            if remaining == 0 { ParseState::Header } else { ParseState::Body { remaining } };
    }

    fn advance<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), ZmtpError> {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            let (consumed, event) = match self.state {
                ParseState::Header => self.receive_header(rest)?,
                ParseState::Body { remaining } => self.receive_body(remaining, rest),
                ParseState::Command { remaining } => self.receive_command(remaining, rest)?,
                ParseState::Greeting => (self.receive_greeting(rest)?, None),
            };
            used += consumed;
            if event.is_some() {
                return Ok((used, event));
            }
        }
        Ok((used, None))
    }

    fn receive_greeting(&mut self, input: &[u8]) -> Result<usize, ZmtpError> {
        let received = self.greeting.receive(input, self.mechanism.name(), &mut self.output);
        self.clear_output_len = self.output.len();
        if self.greeting.peer().is_some() {
            self.state = ParseState::Header;
        }
        received
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
        if command || !self.is_complete {
            return self.start_command(header);
        }
        if self.role == Some(Role::Push) && !self.is_duplex {
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
        self.state = ParseState::Command { remaining: header.len };
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
            self.state = ParseState::Header;
            if self.command.is_empty() {
                return Ok((consumed, self.finish_command(chunk)?));
            }
        } else {
            self.state = ParseState::Command { remaining: remaining - consumed as u64 };
        }
        let kept_max = if self.is_complete { COMMAND_KEPT_OCTETS_MAX } else { COMMAND_OCTETS_MAX };
        let kept = chunk.len().min(kept_max.saturating_sub(self.command.len()));
        error::reserve(&mut self.command, kept)?;
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
            self.mechanism.receive(body, &mut self.output)?;
            self.note_handshake();
            let Some(peer) = self.mechanism.peer() else { return Ok(None) };
            self.role = Some(Role::matching(self.role, peer)?);
            return Ok(Some(Event::PeerReady));
        }
        // Unknown and malformed commands after the handshake are ignored, as by libzmq.
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
                Some(reason) => Err(ZmtpError::Dismissed { reason: escape(reason) }),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn answer(&mut self, ping: Ping<'_>) {
        self.peer_pinged = true;
        if self.has_room_for_pong() {
            command::encode_pong(ping.context, &mut self.output);
        }
    }
}

#[cfg(test)]
mod tests;
