//! Messages of the memory TCP bridge, as Rogue's `TcpServer` and `TcpClient` exchange them over
//! ZMTP. Integers are little-endian.
//!
//! A request has 4 parts, or 5 with the data of a write; a response has always 6:
//!
//! | part | octets | request | response |
//! |---|---|---|---|
//! | 0 | 4 | id | copied from the request |
//! | 1 | 8 | address | copied |
//! | 2 | 4 | size of the data in octets | copied |
//! | 3 | 4 | type | copied |
//! | 4 | size | data, only for Write and Post | data read, or an echo of the data written |
//! | 5 | 0 to 999 | | result: `OK`, or an error text |
//!
//! Receiving: [`RequestDecoder::receive`] and [`ResponseDecoder::receive`] take the octets from the
//! socket and the connection's [`Session`](super::zmtp::Session), and give whole small messages or,
//! for large and split ones, the header as soon as it is known and the payload in slices of the
//! input. Nothing is allocated, whatever a peer announces; a malformed message is reported once,
//! and decoding goes on with the next one.
//!
//! Sending: [`encode_request`] and [`encode_response`] append the ZMTP frames of a message to a
//! buffer; the `_head` and `_tail` variants leave out the payload, for payloads that are written
//! from where they are.

mod malformed;
pub mod property;
mod request;
mod response;
mod result;

pub use malformed::Malformed;
pub use property::{Announcement, PeerInfo, ServerId, SessionId};
pub use request::{
    decode_whole_request, encode_request, encode_request_head, RequestDecoder, RequestEvent,
};
pub use response::{
    decode_whole_response, encode_response, encode_response_head, encode_response_tail,
    ResponseDecoder, ResponseEvent,
};
pub use result::{
    error_result, evaluate_result, Dialect, AXI_DECERR, AXI_EXOKAY, AXI_OKAY, AXI_SLVERR,
    RESULT_OCTETS_MAX, RESULT_OK,
};

/// Transaction type: read memory.
pub const TYPE_READ: u32 = 0x1;
/// Transaction type: write memory.
pub const TYPE_WRITE: u32 = 0x2;
/// Transaction type: write memory, completion not awaited by the client.
pub const TYPE_POST: u32 = 0x3;
/// Transaction type: read memory back after a write.
pub const TYPE_VERIFY: u32 = 0x4;
/// Type of a readiness probe, which the server answers without touching memory.
///
/// Never send it to a peer that is not known to answer it: the SURF simulation takes it for a
/// read of size 0 and crashes.
pub const TYPE_PROBE: u32 = 0xffff_fffe;

/// Octets of the four header frames of every message: 4 frame headers of 2 octets and 20 octets.
pub const HEADER_FRAMES_OCTETS: usize = 28;

/// Octets of the longest head, the header frames and the frame header of the payload.
pub const HEAD_OCTETS_MAX: usize = HEADER_FRAMES_OCTETS + super::zmtp::frame::HEADER_OCTETS_MAX;

/// Parts 0 to 3 of requests and responses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Header {
    /// Chosen by the client, copied by the server.
    pub id: u32,
    /// Address of the first octet.
    pub address: u64,
    /// Octets of data.
    pub size: u32,
    /// One of the `TYPE_` constants. Both sides treat any other value as a read.
    pub ty: u32,
}

/// Octets of parts 0 to 3.
const PART_OCTETS: [u64; 4] = [4, 8, 4, 4];

/// Number of parts of the header.
const HEADER_PARTS: u64 = 4;

/// Offset of each header part in the concatenated 20 octets.
const PART_OFFSETS: [usize; 4] = [0, 4, 12, 16];

/// Octets of parts 0 to 3 without their frame headers.
const HEADER_OCTETS: usize = 20;

impl Header {
    /// Whether a request of this type carries data: Write and Post do.
    #[inline]
    pub fn carries_data(&self) -> bool {
        matches!(self.ty, TYPE_WRITE | TYPE_POST)
    }

    /// Whether this is a readiness probe, or the answer to one.
    #[inline]
    pub fn is_probe(&self) -> bool {
        self.ty == TYPE_PROBE
    }

    /// From the concatenated parts.
    fn from_parts(octets: &[u8; HEADER_OCTETS]) -> Self {
        let word = |at: usize| {
            u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
        };
        let address = u64::from(word(4)) | u64::from(word(8)) << 32;
        Header { id: word(0), address, size: word(12), ty: word(16) }
    }

    /// The header frames; `more` after the fourth.
    #[inline]
    fn frames(&self, more: bool) -> [u8; HEADER_FRAMES_OCTETS] {
        let mut octets = [0; HEADER_FRAMES_OCTETS];
        octets[0..2].copy_from_slice(&[0x01, 4]);
        octets[2..6].copy_from_slice(&self.id.to_le_bytes());
        octets[6..8].copy_from_slice(&[0x01, 8]);
        octets[8..16].copy_from_slice(&self.address.to_le_bytes());
        octets[16..18].copy_from_slice(&[0x01, 4]);
        octets[18..22].copy_from_slice(&self.size.to_le_bytes());
        octets[22..24].copy_from_slice(&[u8::from(more), 4]);
        octets[24..28].copy_from_slice(&self.ty.to_le_bytes());
        octets
    }

    /// The header at the start of `input` and whether more parts follow, if all four frames are
    /// there in the form in which they are usually sent.
    #[inline]
    fn decode_frames(input: &[u8]) -> Option<(Header, bool)> {
        let octets: &[u8; HEADER_FRAMES_OCTETS] = input.first_chunk()?;
        let word = |at: usize| {
            u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
        };
        let half = |at: usize| u16::from_le_bytes([octets[at], octets[at + 1]]);
        // One comparison for the four frame headers; the fourth may have MORE or not.
        let last = half(22);
        let differs = (half(0) ^ 0x0401) | (half(6) ^ 0x0801) | (half(16) ^ 0x0401);
        if differs | ((last | 1) ^ 0x0401) != 0 {
            return None;
        }
        let address = u64::from(word(8)) | u64::from(word(12)) << 32;
        let header = Header { id: word(2), address, size: word(18), ty: word(24) };
        Some((header, last & 1 != 0))
    }
}

/// Collects parts 0 to 3 and counts all parts of one message.
#[derive(Clone, Debug, Default)]
struct HeaderParts {
    /// Parts begun so far.
    parts: u64,
    /// Octets of parts 0 to 5.
    sizes: [u64; 6],
    octets: [u8; HEADER_OCTETS],
    /// Octets of the current header part that have come.
    filled: usize,
}

impl HeaderParts {
    /// Begins the next part.
    fn start(&mut self, len: u64) {
        if self.parts < self.sizes.len() as u64 {
            self.sizes[self.parts as usize] = len;
        }
        self.parts += 1;
        self.filled = 0;
    }

    /// Index of the part that is under way.
    fn index(&self) -> u64 {
        self.parts - 1
    }

    /// Takes octets of the current part. They are kept only as far as the part has room for them.
    fn data(&mut self, bytes: &[u8]) {
        if self.parts > HEADER_PARTS {
            return;
        }
        let index = self.index() as usize;
        let kept = bytes.len().min(PART_OCTETS[index] as usize - self.filled);
        let at = PART_OFFSETS[index] + self.filled;
        self.octets[at..at + kept].copy_from_slice(&bytes[..kept]);
        self.filled += kept;
    }

    /// Whether the four header parts have their right sizes.
    fn sizes_fit(&self) -> bool {
        self.sizes[..4] == PART_OCTETS
    }

    fn header(&self) -> Header {
        Header::from_parts(&self.octets)
    }
}

#[cfg(test)]
mod tests;
