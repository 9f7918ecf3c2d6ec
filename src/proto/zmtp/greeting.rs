//! The greeting: the first 64 octets of each end (RFC 23, RFC 37).

use super::error::ZmtpError;
use crate::proto::text::escape;

/// Octets of a greeting.
pub const GREETING_OCTETS: usize = 64;

/// Octets of the mechanism field, zero padded.
pub const MECHANISM_OCTETS: usize = 20;

/// Oldest supported major version; libzmq 4.0 and newer send 3.
pub const MAJOR_MIN: u8 = 3;

/// Octets before the version.
const SIGNATURE_OCTETS: usize = 10;
/// Where the major version is.
const MAJOR_OFFSET: usize = 10;
const MINOR_OFFSET: usize = 11;
/// Where the name of the mechanism begins.
const MECHANISM_OFFSET: usize = 12;
const AS_SERVER_OFFSET: usize = MECHANISM_OFFSET + MECHANISM_OCTETS;

const SIGNATURE_START: u8 = 0xff;
const SIGNATURE_END: u8 = 0x7f;

/// Version and security mechanism of one end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Greeting {
    /// Major version of ZMTP.
    pub major: u8,
    /// Minor version of ZMTP.
    pub minor: u8,
    /// Mechanism name, padded with zeros.
    pub mechanism: [u8; MECHANISM_OCTETS],
    /// The end is the server of the mechanism. Not compared: libzmq never says it.
    pub as_server: bool,
}

impl Greeting {
    /// The greeting of this implementation, ZMTP 3.1, for the mechanism `name`.
    ///
    /// `name` has at most 20 octets; excess octets are cut.
    pub fn new(name: &str) -> Self {
        let mut mechanism = [0; MECHANISM_OCTETS];
        for (to, from) in mechanism.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        Greeting { major: 3, minor: 1, mechanism, as_server: false }
    }

    /// The octets on the wire.
    ///
    /// The padding is what libzmq sends for PUSH and PULL: old peers that take it for a length
    /// (ZMTP 1.0) read the same.
    pub fn encode(&self) -> [u8; GREETING_OCTETS] {
        let mut octets = [0; GREETING_OCTETS];
        octets[0] = SIGNATURE_START;
        octets[8] = 1;
        octets[9] = SIGNATURE_END;
        octets[MAJOR_OFFSET] = self.major;
        octets[MINOR_OFFSET] = self.minor;
        octets[MECHANISM_OFFSET..MECHANISM_OFFSET + MECHANISM_OCTETS]
            .copy_from_slice(&self.mechanism);
        octets[AS_SERVER_OFFSET] = self.as_server.into();
        octets
    }

    /// Checks and decodes a complete greeting. Padding, as-server and filler are ignored.
    pub fn decode(octets: &[u8; GREETING_OCTETS]) -> Result<Self, ZmtpError> {
        check_prefix(octets)?;
        let mut mechanism = [0; MECHANISM_OCTETS];
        mechanism.copy_from_slice(&octets[MECHANISM_OFFSET..MECHANISM_OFFSET + MECHANISM_OCTETS]);
        let (major, minor) = (octets[MAJOR_OFFSET], octets[MINOR_OFFSET]);
        Ok(Greeting { major, minor, mechanism, as_server: octets[AS_SERVER_OFFSET] == 1 })
    }

    /// The mechanism's name for display, without padding, escaped.
    pub fn mechanism_text(&self) -> String {
        let end = self.mechanism.iter().rposition(|&octet| octet != 0).map_or(0, |at| at + 1);
        escape(&self.mechanism[..end])
    }
}

/// The exchange of greetings on one connection.
///
/// The server of a mechanism greets in steps. A libzmq connector that sees another mechanism than its
/// own never connects again, and one that sees the connection closed does. It says its own name only
/// after our major version. So a server says its name only if that is the peer's too, or if the peer
/// has spoken unasked, as libzmq does not: an end of this library then learns what is wrong.
#[derive(Debug)]
pub struct GreetingExchange {
    own: Greeting,
    /// Octets of ours that have been queued.
    queued: usize,
    received: [u8; GREETING_OCTETS],
    received_len: usize,
    peer: Option<Greeting>,
}

impl GreetingExchange {
    /// Appends our greeting to `out`, or its first step.
    pub fn new(own: Greeting, out: &mut Vec<u8>) -> GreetingExchange {
        let received = [0; GREETING_OCTETS];
        let mut exchange =
            GreetingExchange { own, queued: 0, received, received_len: 0, peer: None };
        let first = if own.as_server { SIGNATURE_OCTETS } else { GREETING_OCTETS };
        exchange.queue_until(first, out);
        exchange
    }

    /// The peer's greeting, once it is complete and its mechanism is ours.
    pub fn peer(&self) -> Option<&Greeting> {
        self.peer.as_ref()
    }

    /// Whether the peer has begun to greet.
    pub fn has_begun(&self) -> bool {
        self.received_len > 0
    }

    /// Octets of the peer's greeting that are still to come.
    pub fn missing(&self) -> usize {
        GREETING_OCTETS - self.received_len
    }

    /// Takes octets of the peer's greeting, and returns their number. Appends further steps of ours
    /// to `out`.
    ///
    /// # Errors
    ///
    /// It is none, or names another mechanism than `own`, the name of ours. In that case `out` may
    /// have got the rest of our greeting, which tells the peer.
    pub fn receive(
        &mut self,
        input: &[u8],
        own: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<usize, ZmtpError> {
        let consumed = input.len().min(self.missing());
        let end = self.received_len + consumed;
        self.received[self.received_len..end].copy_from_slice(&input[..consumed]);
        self.received_len = end;
        check_prefix(&self.received[..end])?;
        if self.queued == SIGNATURE_OCTETS && end >= SIGNATURE_OCTETS {
            let is_unasked = end > MECHANISM_OFFSET;
            let until = if is_unasked { GREETING_OCTETS } else { MAJOR_OFFSET + 1 };
            self.queue_until(until, out);
        }
        if end == GREETING_OCTETS {
            let peer = Greeting::decode(&self.received)?;
            if peer.mechanism != self.own.mechanism {
                return Err(ZmtpError::Mechanism { peer: peer.mechanism_text(), own });
            }
            self.queue_until(GREETING_OCTETS, out);
            self.peer = Some(peer);
        }
        Ok(consumed)
    }

    /// Appends our greeting up to this octet.
    fn queue_until(&mut self, end: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.own.encode()[self.queued.min(end)..end]);
        self.queued = self.queued.max(end);
    }
}

/// Checks the received part of a greeting, so that the first octet, and not a timeout, reveals a
/// peer that does not speak ZMTP.
pub fn check_prefix(octets: &[u8]) -> Result<(), ZmtpError> {
    let bad_start = octets.first().is_some_and(|&octet| octet != SIGNATURE_START);
    // Bit 0 only, like libzmq: the rest of this octet has no meaning in any version.
    let bad_end = octets.get(SIGNATURE_OCTETS - 1).is_some_and(|octet| octet & 1 == 0);
    if bad_start || bad_end {
        return Err(ZmtpError::NotZmtp {
            first_octets: octets[..octets.len().min(SIGNATURE_OCTETS)].to_vec(),
        });
    }
    match octets.get(MAJOR_OFFSET) {
        Some(&major) if major < MAJOR_MIN => Err(ZmtpError::Version { major }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_is_the_one_of_libzmq() {
        let mut expected = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
        expected.extend_from_slice(b"NULL");
        expected.resize(GREETING_OCTETS, 0);
        let greeting = Greeting::new("NULL");
        assert_eq!(greeting.encode().as_slice(), expected);
        assert_eq!(Greeting::decode(&greeting.encode()), Ok(greeting));
        assert_eq!(greeting.mechanism_text(), "NULL");
    }

    #[test]
    fn padding_as_server_and_filler_are_ignored() {
        let mut octets = Greeting::new("NULL").encode();
        octets[1..9].fill(0xaa);
        octets[9] = 0x01;
        octets[32..].fill(0x55);
        assert_eq!(Greeting::decode(&octets), Ok(Greeting::new("NULL")));
    }

    #[test]
    fn another_protocol_is_recognised_by_its_first_octet() {
        let error = check_prefix(b"GET / HTTP/1.1").unwrap_err();
        assert_eq!(error, ZmtpError::NotZmtp { first_octets: b"GET / HTTP".to_vec() });
        assert!(check_prefix(b"G").is_err());
        assert!(check_prefix(b"").is_ok());
        assert!(check_prefix(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7e]).is_err());
    }

    #[test]
    fn only_major_versions_below_three_are_refused() {
        for major in 0..=0xff {
            let mut octets = Greeting::new("NULL").encode();
            octets[MAJOR_OFFSET] = major;
            let expected = if major < 3 { Err(ZmtpError::Version { major }) } else { Ok(()) };
            assert_eq!(check_prefix(&octets), expected);
            assert_eq!(check_prefix(&octets[..11]), expected);
            assert_eq!(check_prefix(&octets[..10]), Ok(()));
        }
    }

    #[test]
    fn mechanism_text_keeps_inner_zeros_visible() {
        let mut greeting = Greeting::new("NULL");
        greeting.mechanism[5] = b'x';
        assert_eq!(greeting.mechanism_text(), "NULL\\x00x");
    }
}
