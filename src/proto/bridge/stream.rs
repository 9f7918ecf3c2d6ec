//! Messages of the stream TCP bridge, as the `TcpServer` and `TcpClient` of Rogue's streams exchange
//! them over ZMTP: each frame is one message of four parts.
//!
//! | part | octets | content |
//! |---|---|---|
//! | 0 | 2 | flags, little-endian: first user in bits 7:0, last user in bits 15:8 |
//! | 1 | 1 | channel |
//! | 2 | 1 | error, 0 = good |
//! | 3 | any | payload |
//!
//! Other messages are malformed. Rogue does not count empty parts, and after one goes on with the
//! next message: a frame with an empty payload is lost there together with the one after it. This
//! decoder takes it for what it is. Large and split payloads arrive in slices of the input.

use std::fmt;

use crate::proto::zmtp::frame::{encode_frame_header, FrameHeader, FLAG_LONG};
use crate::proto::zmtp::{Event, Session, ZmtpError};

/// Octets of parts 0 to 2.
const PART_OCTETS: [u64; 3] = [2, 1, 1];
/// Offset of each of these parts in the concatenated octets.
const PART_OFFSETS: [usize; 3] = [0, 2, 3];
/// Octets of these parts together.
const TAG_OCTETS: usize = 4;
/// Octets of the frames of parts 0 to 2: 3 frame headers of 2 octets and the parts.
const TAG_FRAMES_OCTETS: usize = 10;
/// Number of parts of a message.
const PARTS_COUNT: u64 = 4;

/// What a message says about its payload: parts 0 to 2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tag {
    /// Bits 7:0 are the first user byte, bits 15:8 the last user byte.
    pub flags: u16,
    /// The channel.
    pub channel: u8,
    /// 0 = the frame is good.
    pub error: u8,
}

impl Tag {
    /// From the concatenated parts.
    fn from_parts([low, high, channel, error]: [u8; TAG_OCTETS]) -> Tag {
        Tag { flags: u16::from_le_bytes([low, high]), channel, error }
    }

    /// The frames of the three parts.
    #[inline]
    fn frames(self) -> [u8; TAG_FRAMES_OCTETS] {
        let [low, high] = self.flags.to_le_bytes();
        [0x01, 2, low, high, 0x01, 1, self.channel, 0x01, 1, self.error]
    }

    /// The tag at the start of `input`, if all three frames are present in their usual form.
    #[inline]
    fn decode_frames(input: &[u8]) -> Option<Tag> {
        match *input.first_chunk::<TAG_FRAMES_OCTETS>()? {
            [0x01, 2, low, high, 0x01, 1, channel, 0x01, 1, error] => {
                Some(Tag::from_parts([low, high, channel, error]))
            }
            _ => None,
        }
    }
}

/// Appends the part of a message before its payload to `out`. Exactly `payload_octets` octets of
/// payload must be written next.
#[inline]
pub fn encode_frame_head(tag: Tag, payload_octets: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&tag.frames());
    encode_frame_header(payload_octets, false, out);
}

/// The message at the start of `input`: its tag, its payload, and its length in octets on the wire,
/// if it is complete, well-formed, and in its usual form.
///
/// `None` has no meaning of its own: pass the same octets to a [`StreamDecoder`]. Only for use
/// where a message begins, see [`Session::at_message_boundary`].
#[inline]
pub fn decode_whole_frame(input: &[u8]) -> Option<(Tag, &[u8], usize)> {
    let tag = Tag::decode_frames(input)?;
    let rest = &input[TAG_FRAMES_OCTETS..];
    let (frame, octets) = FrameHeader::decode(rest)?;
    let is_last_part = rest[0] & !FLAG_LONG == 0;
    if !is_last_part {
        return None;
    }
    let end = octets.checked_add(usize::try_from(frame.len).ok()?)?;
    Some((tag, rest.get(octets..end)?, TAG_FRAMES_OCTETS + end))
}

/// Why a message was dropped. `Display` gives the log line, in Rogue's words where Rogue has some.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BadFrame {
    /// A number of parts other than four. Rogue drops it silently.
    PartCount {
        /// Parts of the message.
        parts: u64,
    },
    /// The first three parts do not have 2, 1 and 1 octets. Numbers in octets.
    Sizes {
        /// Octets of the flags.
        flags: u64,
        /// Octets of the channel.
        channel: u64,
        /// Octets of the error.
        error: u64,
    },
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BadFrame::PartCount { parts } => write!(f, "Bad message part count. parts={parts}"),
            BadFrame::Sizes { flags, channel, error } => {
                write!(f, "Bad message sizes. flags={flags} channel={channel} error={error}")
            }
        }
    }
}

/// The result of [`StreamDecoder::receive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent<'a> {
    /// A whole frame; its payload is a slice of the input.
    Complete {
        /// Parts 0 to 2.
        tag: Tag,
        /// Part 3.
        payload: &'a [u8],
    },
    /// A frame with at least one octet of payload, which follows in [`StreamEvent::Data`]. It
    /// counts when the last octet has arrived, not before.
    Start {
        /// Parts 0 to 2.
        tag: Tag,
        /// Octets of the payload.
        octets: u64,
    },
    /// The next octets of the payload.
    Data {
        /// A slice of the input.
        bytes: &'a [u8],
        /// The frame is complete with these.
        last: bool,
    },
    /// A message was dropped.
    Malformed(BadFrame),
    /// An event of the session itself: [`Event::PeerReady`], [`Event::Ping`] or [`Event::Pong`].
    Session(Event<'a>),
}

/// Decodes the frames of one connection.
#[derive(Clone, Debug, Default)]
pub struct StreamDecoder {
    /// Number of parts of the message begun.
    parts: u64,
    /// Octets of the first three.
    sizes: [u64; 3],
    /// The contents of the first three.
    octets: [u8; TAG_OCTETS],
    /// Received octets of the current one of them.
    filled: usize,
    /// The current part is the last of its message.
    last_part: bool,
    /// The payload is reported: [`StreamEvent::Start`] was returned.
    reporting: bool,
}

impl StreamDecoder {
    /// A decoder for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes octets received from the peer, up to the next event, and passes them through
    /// `session`, always the same one.
    ///
    /// Returns how many octets of `input` were consumed, and the event. Without an event the whole
    /// input has been consumed. An error is final, see [`Session::receive`].
    #[inline]
    pub fn receive<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<StreamEvent<'a>>), ZmtpError> {
        if session.at_message_boundary() {
            if let Some((tag, payload, octets)) = decode_whole_frame(input) {
                let largest = payload.len().max(PART_OCTETS[0] as usize) as u64;
                if largest <= session.limits().frame_octets_max {
                    return Ok((octets, Some(StreamEvent::Complete { tag, payload })));
                }
            }
        }
        self.receive_in_parts(session, input)
    }

    fn receive_in_parts<'a>(
        &mut self,
        session: &mut Session,
        input: &'a [u8],
    ) -> Result<(usize, Option<StreamEvent<'a>>), ZmtpError> {
        session.receive_until(input, |event| match event {
            Event::PartStart { len, more } => self.part_start(len, more),
            Event::PartData { bytes, last } => self.part_data(bytes, last),
            other => Some(StreamEvent::Session(other)),
        })
    }

    /// If payload is expected: how many octets of it can be read straight from the socket to their
    /// destination and reported with [`StreamDecoder::payload_received`].
    #[inline]
    pub fn payload_remaining(&self, session: &Session) -> u64 {
        match self.reporting {
            true => session.part_remaining(),
            false => 0,
        }
    }

    /// Reports that the next `octets` of the payload, fewer than
    /// [`StreamDecoder::payload_remaining`], were read by the owner.
    pub fn payload_received(&mut self, session: &mut Session, octets: u64) {
        debug_assert!(octets < self.payload_remaining(session));
        session.part_received(octets);
    }

    fn part_start<'a>(&mut self, len: u64, more: bool) -> Option<StreamEvent<'a>> {
        if let Some(size) = self.sizes.get_mut(usize::try_from(self.parts).unwrap_or(usize::MAX)) {
            *size = len;
        }
        self.parts += 1;
        self.filled = 0;
        self.last_part = !more;
        if self.last_part && self.parts == PARTS_COUNT && len > 0 && self.sizes == PART_OCTETS {
            self.reporting = true;
            return Some(StreamEvent::Start { tag: Tag::from_parts(self.octets), octets: len });
        }
        (self.last_part && len == 0).then(|| self.finish_message())
    }

    fn part_data<'a>(&mut self, bytes: &'a [u8], last: bool) -> Option<StreamEvent<'a>> {
        if self.reporting {
            if last {
                *self = StreamDecoder::default();
            }
            return Some(StreamEvent::Data { bytes, last });
        }
        let index = self.parts as usize - 1;
        if let (Some(&size), Some(&start)) = (PART_OCTETS.get(index), PART_OFFSETS.get(index)) {
            let kept = bytes.len().min(size as usize - self.filled);
            let at = start + self.filled;
            self.octets[at..at + kept].copy_from_slice(&bytes[..kept]);
            self.filled += kept;
        }
        (last && self.last_part).then(|| self.finish_message())
    }

    /// Checks a complete message whose payload was not reported.
    fn finish_message<'a>(&mut self) -> StreamEvent<'a> {
        let StreamDecoder { parts, sizes, octets, .. } = std::mem::take(self);
        if parts != PARTS_COUNT {
            return StreamEvent::Malformed(BadFrame::PartCount { parts });
        }
        if sizes != PART_OCTETS {
            let [flags, channel, error] = sizes;
            return StreamEvent::Malformed(BadFrame::Sizes { flags, channel, error });
        }
        StreamEvent::Complete { tag: Tag::from_parts(octets), payload: &[] }
    }
}

#[cfg(test)]
mod tests;
