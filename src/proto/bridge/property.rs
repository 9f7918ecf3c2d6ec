//! READY properties by which peers of this library recognise each other. Older peers ignore them.
//!
//! They are known before the first request: a client sends nothing before it has received the
//! server's READY. Names are compared without regard to case. A property with a value of another
//! form than described here counts as absent.

use crate::proto::text::escape;
use crate::proto::zmtp::Metadata;
use std::fmt;

/// Property of a client, on both connections: their [`SessionId`], by which the server pairs them.
pub const X_ROGUE_SESSION: &str = "X-Rogue-Session";

/// Property of both ends, on both connections: the decimal protocol level, [`BRIDGE_LEVEL`].
pub const X_ROGUE_BRIDGE: &str = "X-Rogue-Bridge";

/// Property of a server, on both connections: its [`ServerId`].
pub const X_ROGUE_SERVER: &str = "X-Rogue-Server";

/// Property of both ends, on both connections: [`DUPLEX`] if the end supports responses on the
/// request connection. If both announce it, responses use that connection, which saves the system
/// one acknowledgement for every request and every response. The response connection stays open and
/// silent. Specific to this library; older peers and other users of libzmq do not announce it.
pub const X_ROGUE_DUPLEX: &str = "X-Rogue-Duplex";

/// The only meaningful value of [`X_ROGUE_DUPLEX`].
pub const DUPLEX: &str = "1";

/// Property of both ends, on both connections: the end's monotonic clock at the creation of this
/// READY, in nanoseconds, decimal. If both announce it and the client has a session, each request
/// carries its [`Timing`](super::Timing), so that the server carries out no late request. The
/// client's value is the server's first comparison of the two clocks. Specific to this library.
pub const X_ROGUE_DEADLINE: &str = "X-Rogue-Deadline";

/// Property of a server, on both connections, in a READY that it sends only to a peer with
/// [`X_ROGUE_BRIDGE`]: it does not serve this client, and ends the connection. The value is the
/// reason, for the client's user. Specific to this library; for other peers it is a connection that
/// ends.
pub const X_ROGUE_REFUSAL: &str = "X-Rogue-Refusal";

/// Octets of a refusal that are shown.
const REFUSAL_OCTETS_MAX: usize = 255;

/// The protocol level of this implementation.
pub const BRIDGE_LEVEL: u32 = 1;

/// Digits of the longest 64-bit number.
const CLOCK_DIGITS_MAX: usize = 20;

/// Digits of the longest supported protocol level.
const LEVEL_DIGITS_MAX: usize = 9;

/// Lower-case hexadecimal digits of an id.
const ID_DIGITS: usize = 32;

fn parse_id(value: &[u8]) -> Option<[u8; 16]> {
    let digits: &[u8; ID_DIGITS] = value.try_into().ok()?;
    let mut id = [0; 16];
    for (octet, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *octet = parse_digit(pair[0])? << 4 | parse_digit(pair[1])?;
    }
    Some(id)
}

fn parse_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 0xa),
        _ => None,
    }
}

fn write_id(id: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    id.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

/// Octets of a session that debug output shows.
const DEBUG_OCTETS: usize = 4;

/// 128 random bits, chosen by a client for each pair of connections.
///
/// A pairing token, neither a secret nor an authentication: a server keeps a pair of connections
/// apart from others that present its session, until the pair has gone. `Display` gives 32 lower-case
/// hexadecimal digits, which is also the property's value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// 128 random bits, chosen at each start of a server. A new value means that everything outstanding
/// is lost. `Display` gives 32 lower-case hexadecimal digits, the property's value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub [u8; 16]);

impl SessionId {
    /// From a property's value: exactly 32 lower-case hexadecimal digits.
    pub fn parse(value: &[u8]) -> Option<Self> {
        parse_id(value).map(SessionId)
    }
}

impl ServerId {
    /// From a property's value: exactly 32 lower-case hexadecimal digits.
    pub fn parse(value: &[u8]) -> Option<Self> {
        parse_id(value).map(ServerId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(&self.0, f)
    }
}

/// Shows enough to distinguish sessions, but not enough to join one: a session is all that a client
/// has to present.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(")?;
        write_id(&self.0[..DEBUG_OCTETS], f)?;
        f.write_str("...)")
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(&self.0, f)
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerId({self})")
    }
}

/// The properties of a peer beyond ZMTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PeerInfo {
    /// The client's session; `None` for a legacy client, and for a server.
    pub session: Option<SessionId>,
    /// The protocol level; `None` for a legacy peer.
    pub bridge_level: Option<u32>,
    /// The server's id; `None` for a legacy server, and for a client.
    pub server: Option<ServerId>,
    /// The peer supports responses on the request connection.
    pub duplex: bool,
    /// The peer's clock in nanoseconds at the creation of its READY: it supports requests with a
    /// [`Timing`](super::Timing).
    pub clock: Option<u64>,
}

impl PeerInfo {
    /// From the properties of the peer's READY.
    pub fn from_metadata(metadata: &Metadata) -> Self {
        PeerInfo {
            session: metadata.property(X_ROGUE_SESSION).and_then(SessionId::parse),
            bridge_level: metadata.property(X_ROGUE_BRIDGE).and_then(parse_level),
            server: metadata.property(X_ROGUE_SERVER).and_then(ServerId::parse),
            duplex: metadata.property(X_ROGUE_DUPLEX) == Some(DUPLEX.as_bytes()),
            clock: metadata.property(X_ROGUE_DEADLINE).and_then(parse_clock),
        }
    }

    /// The form of result texts for this peer.
    pub fn dialect(&self) -> super::Dialect {
        match self.bridge_level {
            Some(_) => super::Dialect::Announced,
            None => super::Dialect::Legacy,
        }
    }

    /// Whether this peer answers a readiness probe.
    pub fn answers_probes(&self) -> bool {
        self.bridge_level.is_some()
    }
}

/// A decimal number from 1, without leading zeros, of at most 9 digits.
fn parse_level(value: &[u8]) -> Option<u32> {
    parse_number(value, LEVEL_DIGITS_MAX)?.try_into().ok()
}

/// A decimal number from 1, without leading zeros, below 2^64.
fn parse_clock(value: &[u8]) -> Option<u64> {
    parse_number(value, CLOCK_DIGITS_MAX)
}

fn parse_number(value: &[u8], digits_max: usize) -> Option<u64> {
    if value.len() > digits_max || !matches!(value.first()?, b'1'..=b'9') {
        return None;
    }
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// The property values that one end announces. Built once, used for every connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    id_name: &'static str,
    id: String,
    level: String,
    duplex: bool,
    is_timed: bool,
}

impl Announcement {
    /// Without [`X_ROGUE_DEADLINE`]: frames of a stream have no deadline. By this an end of a stream
    /// bridge is told from one of a memory bridge.
    pub fn untimed(self) -> Self {
        Announcement { is_timed: false, ..self }
    }

    /// Whether a peer with these properties is an end of the other kind of bridge, as far as they
    /// show it.
    pub fn is_foreign(&self, peer: &PeerInfo) -> bool {
        !self.is_timed && peer.clock.is_some()
    }

    /// The announcement of a client, with or without [`X_ROGUE_DUPLEX`]. It becomes that of two
    /// connections by their [session](Self::with_session).
    pub fn client(duplex: bool) -> Self {
        Self::new(X_ROGUE_SESSION, String::new(), duplex)
    }

    /// The same announcement on both connections of a session.
    pub fn with_session(&self, session: SessionId) -> Self {
        Announcement { id: session.to_string(), ..self.clone() }
    }

    /// The announcement of a server on both connections, with or without [`X_ROGUE_DUPLEX`].
    pub fn server(server: ServerId, duplex: bool) -> Self {
        Self::new(X_ROGUE_SERVER, server.to_string(), duplex)
    }

    fn new(id_name: &'static str, id: String, duplex: bool) -> Self {
        let level = BRIDGE_LEVEL.to_string();
        Announcement { id_name, id, level, duplex, is_timed: true }
    }

    /// Those of a READY by which a server refuses a client, which has to have announced a
    /// [level](PeerInfo::bridge_level): others would take it for the usual one.
    pub fn refusal<'a>(&'a self, clock: &'a str, why: &'a str) -> Vec<(&'a str, &'a [u8])> {
        let mut properties = self.properties(clock);
        properties.push((X_ROGUE_REFUSAL, why.as_bytes()));
        properties
    }

    /// Why the server whose READY has these properties does not serve the client, if that is so.
    pub fn refusal_in(metadata: &Metadata) -> Option<String> {
        let why = metadata.property(X_ROGUE_REFUSAL)?;
        Some(escape(&why[..why.len().min(REFUSAL_OCTETS_MAX)]))
    }

    /// The properties of a new READY, for
    /// [`Session::send_ready`](crate::proto::zmtp::Session::send_ready). `clock` is the value of
    /// [`X_ROGUE_DEADLINE`]: this end's monotonic clock in nanoseconds, from 1, in digits.
    pub fn properties<'a>(&'a self, clock: &'a str) -> Vec<(&'a str, &'a [u8])> {
        let mut properties =
            vec![(self.id_name, self.id.as_bytes()), (X_ROGUE_BRIDGE, self.level.as_bytes())];
        if self.duplex {
            properties.push((X_ROGUE_DUPLEX, DUPLEX.as_bytes()));
        }
        if self.is_timed {
            properties.push((X_ROGUE_DEADLINE, clock.as_bytes()));
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::zmtp::metadata::encode_property;

    const DIGITS: &str = "0123456789abcdeffedcba9876543210";

    fn peer(properties: &[(&str, &[u8])]) -> PeerInfo {
        let mut octets = Vec::new();
        for (name, value) in properties {
            encode_property(name, value, &mut octets).unwrap();
        }
        PeerInfo::from_metadata(&Metadata::decode(&octets).unwrap())
    }

    #[test]
    fn ids_are_32_lower_case_digits_and_nothing_else() {
        let id = SessionId::parse(DIGITS.as_bytes()).unwrap();
        assert_eq!(id.0[..3], [0x01, 0x23, 0x45]);
        assert_eq!(id.to_string(), DIGITS);
        assert_eq!(format!("{id:?}"), format!("SessionId({}...)", &DIGITS[..8]));
        let upper = DIGITS.to_uppercase();
        let long = format!("{DIGITS}0");
        for bad in ["", &DIGITS[1..], &long, &upper, &DIGITS.replace('0', "g"), " 0x"] {
            assert_eq!(SessionId::parse(bad.as_bytes()), None, "{bad:?}");
            assert_eq!(ServerId::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_client_is_known_by_its_session_in_any_case_of_the_name() {
        let session = SessionId::parse(DIGITS.as_bytes()).unwrap();
        let announcement = Announcement::client(false).with_session(session);
        let mut properties = announcement.properties("77");
        properties[0].0 = "x-rogue-SESSION";
        let info = peer(&properties);
        assert!(!info.duplex);
        assert_eq!(info.clock, Some(77));
        assert_eq!(info.session.map(|id| id.to_string()).as_deref(), Some(DIGITS));
        assert_eq!(info.bridge_level, Some(1));
        assert_eq!(info.server, None);
        assert_eq!(info.dialect(), crate::proto::bridge::Dialect::Announced);
        assert!(info.answers_probes());
    }

    #[test]
    fn a_refusal_is_shown_without_control_characters() {
        let server = Announcement::server(ServerId([1; 16]), true);
        let shown = |properties: &[(&str, &[u8])]| {
            let mut octets = Vec::new();
            properties
                .iter()
                .for_each(|(name, value)| encode_property(name, value, &mut octets).unwrap());
            Announcement::refusal_in(&Metadata::decode(&octets).unwrap())
        };
        assert_eq!(shown(&server.refusal("5", "full\n")).as_deref(), Some("full\\n"));
        let long = "x".repeat(300);
        let cut = shown(&server.refusal("5", &long)).map(|text| text.len());
        assert_eq!(cut, Some(REFUSAL_OCTETS_MAX));
        assert_eq!(shown(&server.properties("5")), None);
    }

    #[test]
    fn a_server_is_known_by_its_id() {
        let id = ServerId([0xab; 16]);
        for duplex in [false, true] {
            let info = peer(&Announcement::server(id, duplex).properties("18446744073709551615"));
            let expected = PeerInfo {
                session: None,
                bridge_level: Some(1),
                server: Some(id),
                duplex,
                clock: Some(u64::MAX),
            };
            assert_eq!(info, expected);
        }
    }

    #[test]
    fn the_ends_of_a_stream_bridge_tell_those_of_a_memory_bridge() {
        let timed = Announcement::server(ServerId([1; 16]), false);
        let untimed = timed.clone().untimed();
        let [memory, stream] = [&timed, &untimed].map(|one| peer(&one.properties("5")));
        assert_eq!((memory.clock, stream.clock), (Some(5), None));
        assert!(untimed.is_foreign(&memory) && !untimed.is_foreign(&stream));
        assert!(!timed.is_foreign(&memory) && !timed.is_foreign(&stream));
        assert!(!untimed.is_foreign(&PeerInfo::default()), "a legacy peer may be of either kind");
    }

    #[test]
    fn responses_come_on_the_request_connection_only_where_exactly_that_is_announced() {
        let duplex = |value: &[u8]| peer(&[(X_ROGUE_DUPLEX, value)]).duplex;
        assert!(duplex(b"1"));
        for other in [&b""[..], b"0", b"2", b"11", b"1 ", b"yes"] {
            assert!(!duplex(other), "{other:?}");
        }
    }

    #[test]
    fn a_peer_without_properties_or_with_bad_ones_is_legacy() {
        let legacy = PeerInfo::default();
        assert!(!legacy.answers_probes());
        assert_eq!(legacy.dialect(), crate::proto::bridge::Dialect::Legacy);
        assert_eq!(peer(&[]), legacy);
        let upper = DIGITS.to_uppercase();
        let bad: [(&str, &[u8]); 3] = [
            (X_ROGUE_SESSION, upper.as_bytes()),
            (X_ROGUE_SERVER, &[7; 16]),
            (X_ROGUE_BRIDGE, b"one"),
        ];
        assert_eq!(peer(&bad), legacy);
    }

    #[test]
    fn levels_are_decimal_numbers_from_one() {
        let level = |value: &[u8]| peer(&[(X_ROGUE_BRIDGE, value)]).bridge_level;
        assert_eq!(level(b"1"), Some(1));
        assert_eq!(level(b"12"), Some(12));
        assert_eq!(level(b"999999999"), Some(999_999_999));
        for bad in [&b""[..], b"0", b"01", b"+1", b"1 ", b"1\0", b"-1", b"1234567890", b"\xb2"] {
            assert_eq!(level(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn clocks_are_decimal_numbers_from_one_of_64_bits() {
        let clock = |value: &[u8]| peer(&[(X_ROGUE_DEADLINE, value)]).clock;
        assert_eq!(clock(b"1"), Some(1));
        assert_eq!(clock(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b""[..], b"0", b"01", b"18446744073709551616", b"-1", b"1.5", b"true"] {
            assert_eq!(clock(bad), None, "{bad:?}");
        }
    }
}
