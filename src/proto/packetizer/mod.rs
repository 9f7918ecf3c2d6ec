//! The packetizer of SLAC's firmware: frames of up to 256 destinations over one packet transport.
//!
//! A frame travels as one or more packets, each with a header of 8 octets and a tail. Version 1
//! numbers the frames and sends the packets of one frame in a row. Version 2 numbers the packets of
//! each destination, so that frames of different destinations may interleave, and can carry a CRC.
//! The layouts are those of the `AxiStreamPacketizer` cores; [`v1`] and [`v2`] have them.
//!
//! A [`Cutter`] writes the packets of one frame; a [`Depacketizer`] reads packets and joins frames.
//! No input makes either panic.

mod assembly;
pub mod crc;
pub mod v1;
pub mod v2;

use std::fmt;
use std::ops::Range;

/// Size of the header, in both versions.
pub const HEADER_BYTES: usize = 8;
/// Packets are made of words of this size; a tail takes a whole word of a transport's packet.
pub const WORD_BYTES: usize = 8;
/// Bit of the first user byte that marks the start of a frame (SSI convention).
pub const START_OF_FRAME: u8 = 0x02;
/// Bit of the last user byte that marks a frame that ended in an error (EOFE, SSI convention).
pub const END_IN_ERROR: u8 = 0x01;

/// The version of the protocol. Both ends must have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Packets of one frame at a time, without a checksum.
    V1,
    /// Interleaved destinations, with or without CRC.
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1 => "version 1",
            Version::V2 => "version 2",
        })
    }
}

impl Version {
    /// Octets of payload for which a buffer of `bytes` octets has room, a multiple of 8; 0 if it is
    /// too small for any.
    pub fn capacity(self, bytes: usize) -> usize {
        // A tail of version 1 has one octet, and the word it stands in counts as full.
        let tail = match self {
            Version::V1 => 1,
            Version::V2 => v2::TAIL_BYTES,
        };
        bytes.saturating_sub(HEADER_BYTES + tail) / WORD_BYTES * WORD_BYTES
    }

    /// Octets of a buffer with room for `payload` octets.
    pub fn buffer_bytes(self, payload: usize) -> usize {
        HEADER_BYTES + payload.next_multiple_of(WORD_BYTES) + WORD_BYTES
    }

    /// Octets of the packet that carries `payload` octets.
    pub fn packet_bytes(self, payload: usize) -> usize {
        match self {
            Version::V1 => HEADER_BYTES + payload + 1,
            Version::V2 => self.buffer_bytes(payload),
        }
    }
}

/// What packets say about a frame besides its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameInfo {
    /// The destination (TDEST).
    pub dest: u8,
    /// The user bits of the first word (TUSER).
    pub first_user: u8,
    /// The user bits of the last word. Version 1 keeps the lower 7 bits.
    pub last_user: u8,
}

/// Writes the packets of one frame, one after the other.
pub enum Cutter {
    /// Of version 1.
    V1(v1::Cutter),
    /// Of version 2.
    V2(v2::Cutter),
}

impl Cutter {
    /// Writes the header, the padding and the tail of the next packet around its payload.
    ///
    /// `packet` is the whole packet, of [`Version::packet_bytes`] octets for `payload` octets of
    /// payload, which is there already, after the header. `payload` must not be 0.
    pub fn write(&mut self, packet: &mut [u8], payload: usize, is_last: bool) {
        match self {
            Cutter::V1(cutter) => cutter.write(packet, payload, is_last),
            Cutter::V2(cutter) => cutter.write(packet, payload, is_last),
        }
    }
}

/// What a packet has completed.
#[derive(PartialEq, Eq, Debug)]
pub enum Received {
    /// Nothing: more packets of its frame must follow, or the frame's destination is not open.
    Nothing,
    /// A frame that consists of this packet alone.
    Whole {
        /// Destination and user bytes.
        info: FrameInfo,
        /// Where the payload lies in the packet.
        payload: Range<usize>,
    },
    /// A frame of several packets.
    Joined {
        /// Destination and user bytes.
        info: FrameInfo,
        /// The payload.
        payload: Vec<u8>,
    },
}

/// Why a packet is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketFault {
    /// There is no memory for a copy of it.
    Memory(usize),
    /// It is too short, or no multiple of 8 octets long where it has to be.
    Length(usize),
    /// It is of another version, or of none.
    Version(OtherVersion),
    /// Its tail states an impossible number of octets in its last word.
    ValidBytes(u8),
    /// It continues a frame whose start is missing.
    NoStart {
        /// The frame's destination.
        dest: u8,
    },
    /// It is not the next packet of its frame.
    Sequence {
        /// The frame's destination.
        dest: u8,
        /// Number of the expected packet.
        expected: u32,
        /// Number of this packet.
        found: u32,
    },
    /// Its checksum is wrong, or it carries none.
    Crc {
        /// The frame's destination.
        dest: u8,
        /// Checksum of the received octets.
        computed: u32,
        /// Checksum in the packet.
        found: u32,
    },
    /// There is no memory for its frame, or the frame is larger than is allowed.
    TooLarge {
        /// The frame's destination.
        dest: u8,
        /// Octets of the frame, with this packet.
        frame_bytes: usize,
    },
}

impl fmt::Display for PacketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            PacketFault::Memory(bytes) => write!(f, "no memory for a copy of {bytes} bytes"),
            PacketFault::Length(bytes) => write!(f, "a packet of {bytes} bytes is impossible"),
            PacketFault::Version(version) => version.fmt(f),
            PacketFault::ValidBytes(count) => {
                write!(f, "the tail states {count} valid bytes in the last word")
            }
            PacketFault::NoStart { dest } => {
                write!(f, "the start of the frame for destination {dest} is missing")
            }
            PacketFault::Sequence { dest, expected, found } => write!(
                f,
                "packet {expected} of the frame for destination {dest} is missing, packet {found} \
                 came"
            ),
            PacketFault::Crc { dest, computed, found } => write!(
                f,
                "the CRC of the packet for destination {dest} is 0x{found:08x}, that of its bytes \
                 0x{computed:08x}"
            ),
            PacketFault::TooLarge { dest, frame_bytes } => write!(
                f,
                "no memory for the frame for destination {dest}, {frame_bytes} bytes so far"
            ),
        }
    }
}

/// The version of a packet whose receiver speaks another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherVersion {
    /// The receiver's.
    pub own: Version,
    /// What stands for the version in the packet.
    pub found: u8,
}

impl fmt::Display for OtherVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.found {
            v1::VERSION => "version 1",
            v2::VERSION => "version 2",
            _ => "an unknown version",
        };
        let own = self.own;
        write!(f, "it is of {found}, and this end speaks {own}: give both ends the same version")
    }
}

/// Counts of a depacketizer; each wraps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Packets that were dropped, and, in version 2, unfinished frames that were.
    pub dropped: u32,
    /// Those of them with a wrong CRC.
    pub crc_errors: u32,
    /// Those of them of another version, or of none.
    pub wrong_version: u32,
    /// Unfinished frames that were dropped because another one began or the link was lost, or for
    /// their size.
    pub abandoned: u32,
}

/// Reads packets and joins frames. The memory of unfinished frames is bounded: a frame announces
/// neither its size nor that it will never end.
pub enum Depacketizer {
    /// Of version 1.
    V1(v1::Depacketizer),
    /// Of version 2.
    V2(v2::Depacketizer),
}

impl Depacketizer {
    /// Takes one packet. The payload of a frame for a destination that is not open is not kept.
    ///
    /// # Errors
    ///
    /// The reason why the packet is dropped; it has been counted.
    pub fn accept(&mut self, packet: &[u8]) -> Result<Received, PacketFault> {
        let (result, counters) = match self {
            Depacketizer::V1(all) => (all.accept(packet), &mut all.counters),
            Depacketizer::V2(all) => (all.accept(packet), &mut all.counters),
        };
        if let Err(fault) = &result {
            counters.dropped = counters.dropped.wrapping_add(1);
            let is_crc = matches!(fault, PacketFault::Crc { .. });
            counters.crc_errors = counters.crc_errors.wrapping_add(is_crc.into());
            let is_version = matches!(fault, PacketFault::Version(_));
            counters.wrong_version = counters.wrong_version.wrapping_add(is_version.into());
        }
        result
    }

    /// Counts a packet that was dropped before it came here, because the transport marked it as
    /// faulty.
    pub fn count_dropped(&mut self) {
        let counters = match self {
            Depacketizer::V1(all) => &mut all.counters,
            Depacketizer::V2(all) => &mut all.counters,
        };
        counters.dropped = counters.dropped.wrapping_add(1);
    }

    /// Keeps frames for `dest` from the next frame on.
    pub fn open(&mut self, dest: u8) {
        match self {
            Depacketizer::V1(all) => all.open.insert(dest),
            Depacketizer::V2(all) => all.open.insert(dest),
        }
    }

    /// Drops the unfinished frames and counts them: the link that brought their packets is lost, and
    /// the next one begins with new frames.
    pub fn abandon(&mut self) {
        match self {
            Depacketizer::V1(all) => all.abandon(),
            Depacketizer::V2(all) => all.abandon(),
        }
    }

    /// The counts so far.
    pub fn counters(&self) -> Counters {
        match self {
            Depacketizer::V1(all) => all.counters,
            Depacketizer::V2(all) => all.counters,
        }
    }

    /// Octets of payload of unfinished frames.
    pub fn held_bytes(&self) -> usize {
        match self {
            Depacketizer::V1(all) => all.held_bytes(),
            Depacketizer::V2(all) => all.held_bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
