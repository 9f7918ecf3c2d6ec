//! Properties of a READY command (RFC 23): name length, name, 4-octet value length, value.

use super::error::{self, SendError, ZmtpError};
use super::Role;
use crate::proto::text::escape;
use std::fmt;

/// Name of the property that carries the socket type.
pub const SOCKET_TYPE: &str = "Socket-Type";

/// The properties that a peer announced, owned.
///
/// Names are compared without regard to case (RFC 23). If a name occurs twice the first value
/// counts, as in libzmq. Names and values are what the peer sent: a name may be empty or contain
/// any octet, because libzmq accepts that too.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    octets: Vec<u8>,
}

impl Metadata {
    /// Checks that `octets` is a sequence of complete properties and keeps a copy.
    pub fn decode(octets: &[u8]) -> Result<Self, ZmtpError> {
        let mut rest = octets;
        while !rest.is_empty() {
            let offset = octets.len() - rest.len();
            let (_, _, after) = split_property(rest).ok_or(ZmtpError::Metadata { offset })?;
            rest = after;
        }
        let mut kept = Vec::new();
        error::reserve(&mut kept, octets.len())?;
        kept.extend_from_slice(octets);
        Ok(Metadata { octets: kept })
    }

    /// Octets of memory that they take.
    pub fn held_octets(&self) -> usize {
        self.octets.capacity()
    }

    /// The value of the first property of this name, in any case; `None` if there is none.
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        let name = name.as_bytes();
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All properties, name and value, in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.octets[..];
        std::iter::from_fn(move || {
            let (name, value, after) = split_property(rest)?;
            rest = after;
            Some((name, value))
        })
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (escape(name), escape(value))))
            .finish()
    }
}

fn split_property(octets: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_len, rest) = octets.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((name, value, rest))
}

/// Appends one property to `out`.
///
/// The name has 1 to 255 letters, digits, `-`, `_`, `.` or `+`; the value at most 2^31 - 1 octets.
/// Nothing is appended otherwise.
pub fn encode_property(name: &str, value: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.+".contains(&octet);
    let invalid = || SendError::Property { name: escape(name.as_bytes()) };
    if !(1..=0xff).contains(&name.len()) || !name.bytes().all(legal) {
        return Err(invalid());
    }
    let value_len = i32::try_from(value.len()).map_err(|_| invalid())?;
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&value_len.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// The properties of a READY: `Socket-Type` first, then these. At most `octets_max` octets: a peer
/// with the same limits must be able to read it.
pub fn encode_ready(
    role: Role,
    properties: &[(&str, &[u8])],
    octets_max: usize,
) -> Result<Vec<u8>, SendError> {
    let mut metadata = Vec::new();
    encode_property(SOCKET_TYPE, role.name().as_bytes(), &mut metadata)?;
    for (name, value) in properties {
        encode_property(name, value, &mut metadata)?;
        if metadata.len() > octets_max {
            return Err(SendError::Property { name: escape(name.as_bytes()) });
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(properties: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in properties {
            encode_property(name, value, &mut out).unwrap();
        }
        out
    }

    #[test]
    fn socket_type_is_encoded_as_on_the_wire() {
        assert_eq!(encoded(&[("Socket-Type", b"PUSH")]), b"\x0bSocket-Type\x00\x00\x00\x04PUSH");
    }

    #[test]
    fn names_are_found_in_any_case_and_the_first_of_two_counts() {
        let octets = encoded(&[("X-a", b"1"), ("Socket-Type", b"PULL"), ("x-A", b"2")]);
        let metadata = Metadata::decode(&octets).unwrap();
        assert_eq!(metadata.property("socket-TYPE"), Some(&b"PULL"[..]));
        assert_eq!(metadata.property("X-A"), Some(&b"1"[..]));
        assert_eq!(metadata.property("X-"), None);
        assert_eq!(metadata.iter().count(), 3);
        assert_eq!(format!("{metadata:?}"), r#"{"X-a": "1", "Socket-Type": "PULL", "x-A": "2"}"#);
    }

    #[test]
    fn raw_empty_and_long_values_and_empty_names_are_accepted() {
        let mut octets = encoded(&[("X-raw", &[0; 16]), ("X-e", b""), ("X-long", &[7; 300])]);
        octets.extend_from_slice(b"\x00\x00\x00\x00\x01z");
        let metadata = Metadata::decode(&octets).unwrap();
        assert_eq!(metadata.property("x-raw"), Some(&[0; 16][..]));
        assert_eq!(metadata.property("x-e"), Some(&b""[..]));
        assert_eq!(metadata.property("x-long"), Some(&[7; 300][..]));
        assert_eq!(metadata.iter().last(), Some((&b""[..], &b"z"[..])));
    }

    #[test]
    fn every_truncation_inside_a_property_is_malformed() {
        let first = encoded(&[("Socket-Type", b"PUSH")]);
        let octets = encoded(&[("Socket-Type", b"PUSH"), ("X-b", b"12")]);
        for cut in 0..=octets.len() {
            let complete = [0, first.len(), octets.len()].contains(&cut);
            assert_eq!(Metadata::decode(&octets[..cut]).is_ok(), complete, "cut at {cut}");
        }
        let stray = [&octets[..], b"\x01"].concat();
        assert_eq!(Metadata::decode(&stray), Err(ZmtpError::Metadata { offset: octets.len() }));
    }

    #[test]
    fn a_value_length_beyond_the_octets_is_malformed_and_allocates_nothing() {
        for len in [[0xff; 4], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 3]] {
            let octets = [&b"\x01a"[..], &len, b"xx"].concat();
            assert_eq!(Metadata::decode(&octets), Err(ZmtpError::Metadata { offset: 0 }));
        }
    }

    #[test]
    fn illegal_names_are_not_sent() {
        for name in ["", "a b", "a\0", "ä", &"x".repeat(256)] {
            let mut out = Vec::new();
            assert!(encode_property(name, b"", &mut out).is_err(), "{name:?}");
            assert!(out.is_empty());
        }
        assert!(encode_property(&"x".repeat(255), b"", &mut Vec::new()).is_ok());
    }
}
