//! The bytes before the payload of a segment. All fields are big-endian.
//!
//! | byte | every segment | with SYN |
//! |---|---|---|
//! | 0 | flags | flags |
//! | 1 | length of the header: 8 | 24 |
//! | 2 | sequence number | sequence number |
//! | 3 | acknowledge number | acknowledge number |
//! | 4 | 0 | bits 7:4 version, 3 one, 2 checksum enabled, 1:0 zero |
//! | 5 | 0 | segments that the sender of it can hold |
//! | 6–7 | checksum | largest segment in bytes |
//! | 8–9 | payload… | retransmission timeout |
//! | 10–11 | | cumulative acknowledge timeout |
//! | 12–13 | | null timeout |
//! | 14 | | largest number of transmissions |
//! | 15 | | largest number of segments per acknowledge |
//! | 16 | | largest number of acknowledges out of sequence: 0 |
//! | 17 | | unit of the timeouts: value t is t × 10^-unit seconds |
//! | 18–21 | | connection id |
//! | 22–23 | | checksum |
//!
//! The checksum covers the header and not the payload: the complement of the sum of its other
//! 16-bit words, with the carries added (the RSSI document). SLAC's software adds them once and its
//! firmware until none is left; both are accepted. A header whose sum tells them apart is not
//! sent, see [`Header::is_unambiguous`].

use std::fmt;

use super::sequence::Sequence;

/// Size of a header without SYN.
pub const HEADER_BYTES: usize = 8;
/// Size of a header with SYN; no payload follows.
pub const SYN_BYTES: usize = 24;

/// Opens a link.
pub const SYN: u8 = 0x80;
/// The acknowledge number is valid.
pub const ACK: u8 = 0x40;
/// Extended acknowledge: never sent; ignored where it is received.
pub const EACK: u8 = 0x20;
/// Closes a link.
pub const RST: u8 = 0x10;
/// Keeps a link alive: has a sequence number and no payload.
pub const NUL: u8 = 0x08;
/// The sender takes no more data at present.
pub const BUSY: u8 = 0x01;

/// The version of the protocol in a SYN.
pub const VERSION: u8 = 1;
/// The unit of timeouts in a SYN: milliseconds.
pub const UNIT_MS: u8 = 3;
/// The connection id that SLAC's software sends; no end evaluates it.
pub const CONNECTION_ID: u32 = 0x7800_0000;

/// Byte 4 of a SYN without the version: bit 3 is always 1, bit 2 says that checksums are in use.
const SYN_BITS: u8 = 0x0C;

/// What a SYN proposes or agrees to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Syn {
    /// Version of the protocol.
    pub version: u8,
    /// Whether checksums are in use.
    pub has_checksum: bool,
    /// Segments that its sender can hold.
    pub max_buffers: u8,
    /// Largest segment in bytes.
    pub max_segment: u16,
    /// Retransmission timeout.
    pub retran_timeout: u16,
    /// Cumulative acknowledge timeout.
    pub cum_ack_timeout: u16,
    /// Null timeout.
    pub null_timeout: u16,
    /// Largest number of transmissions.
    pub max_retran: u8,
    /// Largest number of segments per acknowledge.
    pub max_cum_ack: u8,
    /// Largest number of acknowledges out of sequence.
    pub max_out_of_sequence: u8,
    /// Unit of the timeouts: value t is t × 10^-unit seconds.
    pub unit: u8,
    /// Connection id.
    pub connection_id: u32,
}

/// The header of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// [`SYN`], [`ACK`], [`RST`], [`NUL`], [`BUSY`].
    pub flags: u8,
    /// The number of this segment, or the next one where it needs none.
    pub sequence: Sequence,
    /// The last segment that was received and handed on; valid with [`ACK`].
    pub acknowledge: Sequence,
    /// Present if and only if `flags` has [`SYN`].
    pub syn: Option<Syn>,
}

/// Why a datagram is no segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// It is shorter than its header.
    Short {
        /// Its bytes.
        bytes: usize,
        /// Bytes of the header.
        header: usize,
    },
    /// Byte 1 is not the length of a header with these flags.
    HeaderLength {
        /// Byte 0.
        flags: u8,
        /// Byte 1.
        length: u8,
    },
    /// The checksum is wrong.
    Checksum {
        /// As received.
        received: u16,
        /// As computed, all carries added.
        computed: u16,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Short { bytes, header } => {
                write!(f, "{bytes} bytes are less than a header of {header}")
            }
            Malformed::HeaderLength { flags, length } => {
                write!(f, "a header with flags 0x{flags:02x} has not {length} bytes")
            }
            Malformed::Checksum { received, computed } => {
                write!(f, "the header's checksum is 0x{received:04x} instead of 0x{computed:04x}")
            }
        }
    }
}

impl Header {
    /// A header without SYN.
    pub fn plain(flags: u8, sequence: Sequence, acknowledge: Sequence) -> Header {
        Header { flags: flags & !(SYN | EACK), sequence, acknowledge, syn: None }
    }

    /// Bytes of the header.
    pub fn bytes(&self) -> usize {
        self.syn.map_or(HEADER_BYTES, |_| SYN_BYTES)
    }

    /// Whether all bits of `flags` are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Whether it is a client's SYN.
    pub fn is_opening(&self) -> bool {
        self.flags & (SYN | ACK | RST | NUL) == SYN
    }

    /// The header at the start of a datagram. `start` holds its first [`SYN_BYTES`] bytes, or all
    /// of a shorter one; `datagram_bytes` is its length.
    ///
    /// # Errors
    ///
    /// The datagram is not a segment.
    pub fn decode(start: &[u8], datagram_bytes: usize) -> Result<Header, Malformed> {
        let short = |header| Malformed::Short { bytes: datagram_bytes, header };
        let start = &start[..datagram_bytes.min(start.len())];
        let &[flags, length, sequence, acknowledge, _, _, _, _, ..] = start else {
            return Err(short(HEADER_BYTES));
        };
        let expected = if flags & SYN == 0 { HEADER_BYTES } else { SYN_BYTES };
        if usize::from(length) != expected {
            return Err(Malformed::HeaderLength { flags, length });
        }
        let header = start.get(..expected).ok_or(short(expected))?;
        let received = word(header, expected - 2);
        let sum = sum(&header[..expected - 2]);
        if received != fold_once(sum) && received != fold(sum) {
            return Err(Malformed::Checksum { received, computed: fold(sum) });
        }
        let syn = (flags & SYN != 0).then(|| Syn::decode(header));
        let (sequence, acknowledge) = (Sequence(sequence), Sequence(acknowledge));
        Ok(Header { flags, sequence, acknowledge, syn })
    }

    /// Writes the header into `bytes`, and returns how many bytes it has.
    pub fn encode(&self, bytes: &mut [u8; SYN_BYTES]) -> usize {
        *bytes = [0; SYN_BYTES];
        let count = self.bytes();
        bytes[0] = self.flags;
        bytes[1] = count as u8;
        bytes[2] = self.sequence.0;
        bytes[3] = self.acknowledge.0;
        if let Some(syn) = &self.syn {
            syn.encode(bytes);
        }
        let checksum = fold(sum(&bytes[..count - 2]));
        bytes[count - 2..count].copy_from_slice(&checksum.to_be_bytes());
        count
    }

    /// Whether SLAC's software and its firmware compute the same checksum for this header. Always
    /// so without SYN. An end that gets `false` takes another sequence number.
    pub fn is_unambiguous(&self) -> bool {
        let mut bytes = [0; SYN_BYTES];
        let count = self.encode(&mut bytes);
        let sum = sum(&bytes[..count - 2]);
        fold(sum) == fold_once(sum)
    }
}

impl Syn {
    /// The fields of a whole SYN header.
    fn decode(header: &[u8]) -> Syn {
        let connection_id = u32::from(word(header, 18)) << 16 | u32::from(word(header, 20));
        Syn {
            version: header[4] >> 4,
            has_checksum: header[4] & 0x04 != 0,
            max_buffers: header[5],
            max_segment: word(header, 6),
            retran_timeout: word(header, 8),
            cum_ack_timeout: word(header, 10),
            null_timeout: word(header, 12),
            max_retran: header[14],
            max_cum_ack: header[15],
            max_out_of_sequence: header[16],
            unit: header[17],
            connection_id,
        }
    }

    fn encode(&self, bytes: &mut [u8; SYN_BYTES]) {
        let checksum_bit = if self.has_checksum { 0 } else { 0x04 };
        bytes[4] = self.version << 4 | SYN_BITS & !checksum_bit;
        bytes[5] = self.max_buffers;
        bytes[6..8].copy_from_slice(&self.max_segment.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.retran_timeout.to_be_bytes());
        bytes[10..12].copy_from_slice(&self.cum_ack_timeout.to_be_bytes());
        bytes[12..14].copy_from_slice(&self.null_timeout.to_be_bytes());
        bytes[14] = self.max_retran;
        bytes[15] = self.max_cum_ack;
        bytes[16] = self.max_out_of_sequence;
        bytes[17] = self.unit;
        bytes[18..22].copy_from_slice(&self.connection_id.to_be_bytes());
    }
}

/// The word at byte `at` of a header that is long enough.
fn word(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

/// The sum of the words of an even number of bytes, at most 22.
fn sum(words: &[u8]) -> u32 {
    words.chunks_exact(2).map(|pair| u32::from(word(pair, 0))).sum()
}

/// The checksum with all carries added.
fn fold(sum: u32) -> u16 {
    let once = (sum & 0xFFFF) + (sum >> 16);
    !((once & 0xFFFF) + (once >> 16)) as u16
}

/// The checksum with the carries added once.
fn fold_once(sum: u32) -> u16 {
    !((sum & 0xFFFF) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests;
