//! Frames: flags, size, body (RFC 23, RFC 37). Sizes are big-endian.

/// Flag bit: another part of the same message follows.
pub const FLAG_MORE: u8 = 0x01;
/// Flag bit: the size has 8 octets instead of 1.
pub const FLAG_LONG: u8 = 0x02;
/// Flag bit: the body is a command, not application data.
pub const FLAG_COMMAND: u8 = 0x04;

/// Octets of the shortest frame header.
pub const HEADER_OCTETS_MIN: usize = 2;
/// Octets of the longest frame header.
pub const HEADER_OCTETS_MAX: usize = 9;

/// Octets of the longest body that is sent with a 1-octet size. Longer ones need 8 octets.
pub const SHORT_BODY_OCTETS_MAX: usize = 0xff;

/// Largest size a frame may announce (RFC 23): 63 bits.
pub const BODY_OCTETS_MAX: u64 = (1 << 63) - 1;

/// A decoded frame header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Octets of the body.
    pub len: u64,
    /// Another part of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
}

impl FrameHeader {
    /// Decodes the header at the start of `input` and its length in octets; `None` if it is
    /// incomplete. Reserved flag bits are ignored, as by libzmq.
    #[inline]
    pub fn decode(input: &[u8]) -> Option<(FrameHeader, usize)> {
        let &[flags, short, ..] = input else { return None };
        let (len, octets) = if flags & FLAG_LONG == 0 {
            (u64::from(short), 2)
        } else {
            let size = input.get(1..HEADER_OCTETS_MAX)?;
            (u64::from_be_bytes(size.try_into().ok()?), HEADER_OCTETS_MAX)
        };
        let header =
            FrameHeader { len, more: flags & FLAG_MORE != 0, command: flags & FLAG_COMMAND != 0 };
        Some((header, octets))
    }

    /// Appends the header to `out`: the short form for bodies of up to 255 octets, as in libzmq.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        // Not from `octets`: the two lengths are two constants for the compiler.
        if self.len <= SHORT_BODY_OCTETS_MAX as u64 {
            out.extend_from_slice(&[self.flags(), self.len as u8]);
        } else {
            out.extend_from_slice(&self.octets().0);
        }
    }

    /// The header, and the number of its octets, as [`encode`](Self::encode) appends it.
    #[inline]
    pub fn octets(&self) -> ([u8; HEADER_OCTETS_MAX], usize) {
        let mut octets = [self.flags(); HEADER_OCTETS_MAX];
        if self.len <= SHORT_BODY_OCTETS_MAX as u64 {
            octets[1] = self.len as u8;
            return (octets, HEADER_OCTETS_MIN);
        }
        octets[0] |= FLAG_LONG;
        octets[1..].copy_from_slice(&self.len.to_be_bytes());
        (octets, HEADER_OCTETS_MAX)
    }

    #[inline]
    fn flags(&self) -> u8 {
        (u8::from(self.more) * FLAG_MORE) | (u8::from(self.command) * FLAG_COMMAND)
    }
}

/// Appends the header of a message frame with a body of `len` octets to `out`; `more` if another
/// part of the same message follows. The caller writes exactly `len` octets after it.
#[inline]
pub fn encode_frame_header(len: u64, more: bool, out: &mut Vec<u8>) {
    FrameHeader { len, more, command: false }.encode(out);
}

/// Appends one whole message with these parts to `out`; nothing without parts.
pub fn encode_message(parts: &[&[u8]], out: &mut Vec<u8>) {
    let mut left = parts.len();
    for part in parts {
        left -= 1;
        encode_frame_header(part.len() as u64, left > 0, out);
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(header: FrameHeader) -> Vec<u8> {
        let mut out = vec![0xee; 3];
        header.encode(&mut out);
        assert_eq!(out[..3], [0xee; 3]);
        out.split_off(3)
    }

    #[test]
    fn the_short_form_ends_at_255_octets() {
        let header = |len| FrameHeader { len, more: true, command: false };
        assert_eq!(encoded(header(0)), [0x01, 0x00]);
        assert_eq!(encoded(header(255)), [0x01, 0xff]);
        assert_eq!(encoded(header(256)), [0x03, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(
            encoded(FrameHeader { len: 300, more: false, command: true }),
            [0x06, 0, 0, 0, 0, 0, 0, 1, 0x2c]
        );
    }

    #[test]
    fn every_header_survives_and_every_shorter_length_is_incomplete() {
        for len in [0, 1, 0xff, 0x100, 0xffff, u64::from(u32::MAX), BODY_OCTETS_MAX, u64::MAX] {
            for (more, command) in [(false, false), (true, false), (false, true), (true, true)] {
                let header = FrameHeader { len, more, command };
                let mut octets = encoded(header);
                let size = octets.len();
                for cut in 0..size {
                    assert_eq!(FrameHeader::decode(&octets[..cut]), None);
                }
                octets.push(0xee);
                assert_eq!(FrameHeader::decode(&octets), Some((header, size)));
            }
        }
    }

    #[test]
    fn long_form_of_a_small_size_and_reserved_bits_are_accepted() {
        let octets = [0xfa, 0, 0, 0, 0, 0, 0, 0, 5];
        let header = FrameHeader { len: 5, more: false, command: false };
        assert_eq!(FrameHeader::decode(&octets), Some((header, 9)));
    }

    #[test]
    fn message_of_three_parts_has_more_on_all_but_the_last() {
        let mut out = Vec::new();
        encode_message(&[b"one", b"", b"three"], &mut out);
        assert_eq!(out, b"\x01\x03one\x01\x00\x00\x05three");
        encode_message(&[], &mut out);
        assert_eq!(out.len(), 14);
    }
}
