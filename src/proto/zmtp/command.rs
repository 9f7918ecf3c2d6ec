//! Command bodies: name length, name, data (RFC 23), and PING and PONG (RFC 37).

use super::error::ZmtpError;
use super::frame::FrameHeader;
use super::NAME_SHOWN_OCTETS_MAX;
use crate::proto::text::escape;

/// Name of the NULL mechanism's only success command.
pub const READY: &[u8] = b"READY";
/// Name of the command that refuses a handshake.
pub const ERROR: &[u8] = b"ERROR";
/// Name of the heartbeat request.
pub const PING: &[u8] = b"PING";
/// Name of the heartbeat answer.
pub const PONG: &[u8] = b"PONG";

/// Octets of a PING's context that are echoed (RFC 37); libzmq truncates longer ones as well.
pub const CONTEXT_OCTETS_MAX: usize = 16;

/// Largest time to live of a PING in units of 100 ms. libzmq computes it in milliseconds in
/// 16 bits: 656 would cut the connection after 64 ms.
pub const PING_TTL_MAX_DS: u16 = 655;

/// Splits a command body into name and data; `None` if the name is empty or longer than the body.
pub fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = body.split_first()?;
    if len == 0 {
        return None;
    }
    rest.split_at_checked(usize::from(len))
}

/// A heartbeat request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ping<'a> {
    /// Time to live in units of 100 ms; 0 for none.
    pub ttl_ds: u16,
    /// The context that the PONG echoes, at most [`CONTEXT_OCTETS_MAX`] octets.
    pub context: &'a [u8],
}

impl<'a> Ping<'a> {
    /// Decodes the data after the name; `None` if the time to live is incomplete. A longer context
    /// is truncated.
    pub fn decode(data: &'a [u8]) -> Option<Self> {
        let (ttl, context) = data.split_first_chunk::<2>()?;
        let context = &context[..context.len().min(CONTEXT_OCTETS_MAX)];
        Some(Ping { ttl_ds: u16::from_be_bytes(*ttl), context })
    }

    /// Appends the whole command frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(PING, &[&self.ttl_ds.to_be_bytes(), self.context], out);
    }
}

/// Appends a PONG command frame with this context to `out`.
pub fn encode_pong(context: &[u8], out: &mut Vec<u8>) {
    encode(PONG, &[context], out);
}

/// Reason of an ERROR command, from its data; `None` without a reason length, or if the reason is
/// shorter than its length states.
pub fn error_reason(data: &[u8]) -> Option<&[u8]> {
    let (&len, reason) = data.split_first()?;
    reason.get(..usize::from(len))
}

/// Appends an ERROR command frame with this reason, cut to 255 octets, to `out`.
pub fn encode_error(reason: &str, out: &mut Vec<u8>) {
    let mut len = reason.len().min(0xff);
    while !reason.is_char_boundary(len) {
        len -= 1;
    }
    encode(ERROR, &[&[len as u8], &reason.as_bytes()[..len]], out);
}

/// The error for the body of a command that is not the expected one.
pub fn unexpected(body: &[u8]) -> ZmtpError {
    match split(body) {
        Some((ERROR, data)) => {
            let reason = error_reason(data).unwrap_or_default();
            ZmtpError::Refused { reason: escape(reason) }
        }
        Some((name, _)) => {
            let shown = escape(&name[..name.len().min(NAME_SHOWN_OCTETS_MAX)]);
            ZmtpError::Handshake { found: format!("the command \"{shown}\"") }
        }
        None => ZmtpError::Handshake { found: "a malformed command".to_owned() },
    }
}

/// Appends a command frame of this name, 1 to 255 octets, and of the concatenated data to `out`.
pub fn encode(name: &[u8], data: &[&[u8]], out: &mut Vec<u8>) {
    debug_assert!((1..=0xff).contains(&name.len()));
    let len = 1 + name.len() + data.iter().map(|part| part.len()).sum::<usize>();
    FrameHeader { len: len as u64, more: false, command: true }.encode(out);
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    for part in data {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ping_and_pong_are_those_of_the_wire() {
        let mut out = Vec::new();
        Ping { ttl_ds: 0x000a, context: b"" }.encode(&mut out);
        encode_pong(b"", &mut out);
        assert_eq!(out, b"\x04\x07\x04PING\x00\x0a\x04\x05\x04PONG");
    }

    #[test]
    fn context_is_cut_to_16_octets() {
        let ping = Ping::decode(b"\x02\x0101234567890123456789").unwrap();
        assert_eq!(ping, Ping { ttl_ds: 0x0201, context: b"0123456789012345" });
    }

    #[test]
    fn ping_without_a_complete_ttl_is_malformed() {
        assert_eq!(Ping::decode(b""), None);
        assert_eq!(Ping::decode(b"\x00"), None);
        assert_eq!(Ping::decode(b"\x00\x00"), Some(Ping { ttl_ds: 0, context: b"" }));
    }

    #[test]
    fn name_must_fit_into_the_body() {
        let body = b"\x04PINGxy";
        assert_eq!(split(body), Some((&b"PING"[..], &b"xy"[..])));
        for cut in 0..5 {
            assert_eq!(split(&body[..cut]), None);
        }
        assert_eq!(split(b"\x00abc"), None);
    }

    #[test]
    fn the_reason_of_an_error_is_cut_between_characters() {
        for (reason, kept) in [("no", "no"), (&*"x".repeat(300), &*"x".repeat(255))] {
            let mut out = Vec::new();
            encode_error(reason, &mut out);
            let (_, start) = FrameHeader::decode(&out).unwrap();
            let (name, data) = split(&out[start..]).unwrap();
            assert_eq!((name, error_reason(data)), (ERROR, Some(kept.as_bytes())));
        }
        let mut out = Vec::new();
        encode_error(&"ä".repeat(200), &mut out);
        assert!(out.ends_with("ä".as_bytes()) && out.len() == 9 + 6 + 1 + 254);
    }

    #[test]
    fn error_reason_must_be_complete() {
        assert_eq!(error_reason(b"\x03400"), Some(&b"400"[..]));
        assert_eq!(error_reason(b"\x00"), Some(&b""[..]));
        assert_eq!(error_reason(b"\x0340"), None);
        assert_eq!(error_reason(b""), None);
    }
}
