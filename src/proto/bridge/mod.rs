//! Messages of the memory TCP bridge, as Rogue's `TcpServer` and `TcpClient` exchange them over
//! ZMTP; those of the stream TCP bridge are in [`stream`]. Integers are little-endian.
//!
//! A request has 4 parts, or 5 with the data of a write; a response always has 6:
//!
//! | part | octets | request | response |
//! |---|---|---|---|
//! | 0 | 4 | id | copied from the request |
//! | 1 | 8 | address | copied |
//! | 2 | 4 | size of the data in octets | copied |
//! | 3 | 4 | type | copied |
//! | 4 | size | data, only for Write and Post | data read, or an echo of the data written |
//! | 5 | any; servers send at most 999 | | result: `OK`, or an error text |
//!
//! Between two ends that both announce [`property::X_ROGUE_DEADLINE`] a request has one more part
//! between part 3 and the data: its [`Timing`], 24 octets.
//!
//! Receiving: [`RequestDecoder::receive`] and [`ResponseDecoder::receive`] take the octets from the
//! socket and the connection's [`Session`](super::zmtp::Session). They return small messages whole.
//! Of large and split messages they return the header as soon as it is complete, and the payload in
//! slices of the input. Nothing is allocated for announced sizes; of what a peer sends, only an
//! error text that arrives in pieces is copied. A malformed message is reported once, and decoding
//! continues with the next one.
//!
//! Sending: [`encode_request`] and [`encode_response`] append the ZMTP frames of a message to a
//! buffer. The `_head` and `_tail` variants leave out the payload, for payloads that are sent from
//! their own memory.

mod malformed;
pub mod property;
mod request;
mod response;
mod result;
pub mod stream;
mod timing;

pub use malformed::Malformed;
pub use property::{Announcement, PeerInfo, ServerId, SessionId};
pub use request::{
    decode_whole_request, encode_request, encode_request_head, RequestDecoder, RequestEvent,
    WholeRequest,
};
pub use response::{
    decode_whole_response, encode_response, encode_response_head, encode_response_tail,
    ResponseDecoder, ResponseEvent,
};
pub use result::{
    error_result, evaluate_result, Dialect, RESULT_KEPT_OCTETS_MAX, RESULT_OCTETS_MAX, RESULT_OK,
};
pub use timing::{PeerClock, Timing, LATE_TEXT};

/// Transaction type: read memory.
pub const TYPE_READ: u32 = 0x1;
/// Transaction type: write memory.
pub const TYPE_WRITE: u32 = 0x2;
/// Transaction type: write memory; the client does not await the completion.
pub const TYPE_POST: u32 = 0x3;
/// Transaction type: read memory back after a write.
pub const TYPE_VERIFY: u32 = 0x4;
/// Type of a readiness probe, which the server answers without a memory access.
///
/// Send it only to a peer that is known to answer it: the SURF simulation takes it for a read of
/// size 0 and crashes.
pub const TYPE_PROBE: u32 = 0xffff_fffe;

/// Octets of the four header frames of every message: 4 frame headers of 2 octets and 20 octets.
pub const HEADER_FRAMES_OCTETS: usize = 28;

/// Octets of the longest head: the header frames, the timing frame and the frame header of the
/// payload.
pub const HEAD_OCTETS_MAX: usize =
    HEADER_FRAMES_OCTETS + timing::FRAME_OCTETS + super::zmtp::frame::HEADER_OCTETS_MAX;

/// Parts 0 to 3 of requests and responses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Header {
    /// Chosen by the client, copied by the server.
    pub id: u32,
    /// Address of the first octet.
    pub address: u64,
    /// Octets of data.
    pub size: u32,
    /// One of the `TYPE_` constants. Both ends treat any other value as a read.
    pub ty: u32,
}

/// Octets of parts 0 to 3 and of the timing.
const PART_OCTETS: [u64; 5] = [4, 8, 4, 4, timing::OCTETS as u64];

/// Number of parts of the header, without the timing.
const HEADER_PARTS: u64 = 4;

/// Offset of each of these parts in the concatenated octets.
const PART_OFFSETS: [usize; 5] = [0, 4, 12, 16, 20];

/// Octets of parts 0 to 3 without their frame headers.
const HEADER_OCTETS: usize = 20;

impl Header {
    /// Whether a request of this type carries data: Write and Post do.
    #[inline]
    pub fn carries_data(&self) -> bool {
        matches!(self.ty, TYPE_WRITE | TYPE_POST)
    }

    /// Whether this is a readiness probe or its answer.
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

    /// The header at the start of `input`, and whether more parts follow, if all four frames are
    /// present in their usual form.
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

/// Collects parts 0 to 3, and the timing if the requests carry one, and counts all parts of a
/// message.
#[derive(Clone, Debug)]
struct HeaderParts {
    /// Number of parts to collect: 4, or 5 with the timing.
    collected: u64,
    /// Number of parts begun.
    parts: u64,
    /// Octets of the first parts.
    sizes: [u64; 6],
    octets: [u8; HEADER_OCTETS + timing::OCTETS],
    /// Received octets of the current collected part.
    filled: usize,
}

impl Default for HeaderParts {
    fn default() -> HeaderParts {
        HeaderParts::new(false)
    }
}

impl HeaderParts {
    fn new(is_timed: bool) -> HeaderParts {
        HeaderParts {
            collected: HEADER_PARTS + u64::from(is_timed),
            parts: 0,
            sizes: [0; 6],
            octets: [0; HEADER_OCTETS + timing::OCTETS],
            filled: 0,
        }
    }

    /// Whether a timing is collected.
    #[inline]
    fn is_timed(&self) -> bool {
        self.collected > HEADER_PARTS
    }

    /// Resets it for the next message of the same connection.
    fn clear(&mut self) {
        *self = HeaderParts::new(self.is_timed());
    }

    /// Begins the next part.
    fn start(&mut self, len: u64) {
        if self.parts < self.sizes.len() as u64 {
            self.sizes[self.parts as usize] = len;
        }
        self.parts += 1;
        self.filled = 0;
    }

    /// Index of the current part.
    fn index(&self) -> u64 {
        self.parts - 1
    }

    /// Takes octets of the current part, and keeps as many as the part may have.
    fn data(&mut self, bytes: &[u8]) {
        if self.parts > self.collected {
            return;
        }
        let index = self.index() as usize;
        let kept = bytes.len().min(PART_OCTETS[index] as usize - self.filled);
        let at = PART_OFFSETS[index] + self.filled;
        self.octets[at..at + kept].copy_from_slice(&bytes[..kept]);
        self.filled += kept;
    }

    /// Whether the collected parts have their right sizes.
    fn sizes_fit(&self) -> bool {
        let count = self.collected as usize;
        self.sizes[..count] == PART_OCTETS[..count]
    }

    fn header(&self) -> Header {
        let octets = self.octets.first_chunk().expect("the header's octets come first");
        Header::from_parts(octets)
    }

    fn timing(&self) -> Option<Timing> {
        let octets = self.octets.last_chunk().expect("the timing's octets come last");
        self.is_timed().then(|| Timing::from_octets(octets))
    }
}

#[cfg(test)]
mod tests;
