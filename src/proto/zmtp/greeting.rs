//! The greeting: the first 64 octets of each end (RFC 23, RFC 37).

use super::error::ZmtpError;
use crate::proto::text::escape;

/// Octets of a greeting.
pub const GREETING_OCTETS: usize = 64;

/// Octets of the mechanism field, zero padded.
pub const MECHANISM_OCTETS: usize = 20;

/// Oldest supported major version; libzmq 4.0 and newer send 3.
pub const MAJOR_MIN: u8 = 3;

const SIGNATURE_OCTETS: usize = 10;
const MAJOR_OFFSET: usize = 10;
const MINOR_OFFSET: usize = 11;
const MECHANISM_OFFSET: usize = 12;

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
        Greeting { major: 3, minor: 1, mechanism }
    }

    /// The octets on the wire.
    ///
    /// The padding is what libzmq sends for PUSH and PULL: old peers that take it for a length
    /// (ZMTP 1.0) read the same. The as-server octet is 0, as NULL requires.
    pub fn encode(&self) -> [u8; GREETING_OCTETS] {
        let mut octets = [0; GREETING_OCTETS];
        octets[0] = SIGNATURE_START;
        octets[8] = 1;
        octets[9] = SIGNATURE_END;
        octets[MAJOR_OFFSET] = self.major;
        octets[MINOR_OFFSET] = self.minor;
        octets[MECHANISM_OFFSET..MECHANISM_OFFSET + MECHANISM_OCTETS]
            .copy_from_slice(&self.mechanism);
        octets
    }

    /// Checks and decodes a complete greeting. Padding, as-server and filler are ignored.
    pub fn decode(octets: &[u8; GREETING_OCTETS]) -> Result<Self, ZmtpError> {
        check_prefix(octets)?;
        let mut mechanism = [0; MECHANISM_OCTETS];
        mechanism.copy_from_slice(&octets[MECHANISM_OFFSET..MECHANISM_OFFSET + MECHANISM_OCTETS]);
        Ok(Greeting { major: octets[MAJOR_OFFSET], minor: octets[MINOR_OFFSET], mechanism })
    }

    /// The mechanism's name for display, without padding, escaped.
    pub fn mechanism_text(&self) -> String {
        let end = self.mechanism.iter().rposition(|&octet| octet != 0).map_or(0, |at| at + 1);
        escape(&self.mechanism[..end])
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
