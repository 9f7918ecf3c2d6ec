//! Version 1: the packets of one frame follow each other; frames are numbered.
//!
//! | octet | content |
//! |---|---|
//! | 0 | 3:0 version, 0; 7:4 frame number bits 3:0 |
//! | 1 | frame number bits 11:4 |
//! | 2 to 4 | number of the packet within the frame, little-endian, from 0 |
//! | 5 | destination |
//! | 6 | TID, 0 |
//! | 7 | first user byte, in every packet |
//! | 8… | payload, at least one octet |
//! | last | tail: 7 end of the frame, 6:0 last user byte |
//!
//! One counter numbers the frames of all destinations. Firmware checks that it has no gaps.

use super::assembly::{Assembly, DestSet};
use super::{Counters, FrameInfo, OtherVersion, PacketFault, Received, Version, HEADER_BYTES};

/// Version in bits 3:0 of octet 0.
pub const VERSION: u8 = 0;
/// Size of the smallest packet.
pub const PACKET_BYTES_MIN: usize = HEADER_BYTES + 2;
/// Number of frames after which their numbers repeat.
pub const FRAME_NUMBERS_COUNT: u16 = 1 << 12;
/// Upper bound on the packets of one frame.
pub const PACKETS_COUNT_MAX: usize = 1 << 24;

const END_OF_FRAME: u8 = 0x80;

/// A packet that every receiver discards, in place of the frame number `frame`, which is not sent.
///
/// It continues another frame, which has not begun. Firmware that misses a frame number discards a
/// packet, and takes the number after it as it comes: without this that would be the next frame.
pub fn placeholder(frame: u16) -> [u8; PACKET_BYTES_MIN] {
    let info = FrameInfo::default();
    let other = frame + FRAME_NUMBERS_COUNT / 2;
    let mut cutter = Cutter { packet: PACKETS_COUNT_MAX as u32 - 1, ..Cutter::new(info, other) };
    let mut packet = [0; PACKET_BYTES_MIN];
    cutter.write(&mut packet, 1, true);
    packet
}

/// Writes the packets of one frame.
pub struct Cutter {
    info: FrameInfo,
    frame: u16,
    packet: u32,
}

impl Cutter {
    /// For the frame `info` with a number that is the last frame's plus 1, below
    /// [`FRAME_NUMBERS_COUNT`].
    pub fn new(info: FrameInfo, frame: u16) -> Cutter {
        Cutter { info, frame: frame % FRAME_NUMBERS_COUNT, packet: 0 }
    }

    /// As [`super::Cutter::write`].
    pub(super) fn write(&mut self, packet: &mut [u8], payload: usize, is_last: bool) {
        let frame = self.frame << 4 | u16::from(VERSION);
        let [low, middle, high, _] = self.packet.to_le_bytes();
        let [first, second] = frame.to_le_bytes();
        let FrameInfo { dest, first_user, last_user } = self.info;
        let header = [first, second, low, middle, high, dest, 0, first_user];
        packet[..HEADER_BYTES].copy_from_slice(&header);
        let end = if is_last { END_OF_FRAME } else { 0 };
        packet[HEADER_BYTES + payload] = end | last_user & !END_OF_FRAME;
        self.packet += 1;
    }
}

/// Reads packets and joins frames.
pub struct Depacketizer {
    pub(super) open: DestSet,
    pub(super) counters: Counters,
    current: Option<Unfinished>,
    held_bytes_max: usize,
}

/// The frame whose packets arrive.
struct Unfinished {
    /// Destination and first user byte are those of the first packet.
    info: FrameInfo,
    frame: u16,
    /// Number of the next packet.
    next: u32,
    assembly: Assembly,
}

impl Depacketizer {
    /// A depacketizer of frames of up to `held_bytes_max` octets.
    pub fn new(held_bytes_max: usize) -> Depacketizer {
        let (open, counters) = (DestSet::default(), Counters::default());
        Depacketizer { open, counters, current: None, held_bytes_max }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.current.as_ref().map_or(0, |current| current.assembly.held_bytes())
    }

    pub(super) fn abandon(&mut self) {
        let is_abandoned = self.current.take().is_some();
        self.counters.abandoned = self.counters.abandoned.wrapping_add(is_abandoned.into());
    }

    /// Takes one packet. Packet 0 always begins a new frame; its number may be any.
    pub(super) fn accept(&mut self, packet: &[u8]) -> Result<Received, PacketFault> {
        if packet.len() < PACKET_BYTES_MIN {
            return Err(PacketFault::Length(packet.len()));
        }
        if packet[0] & 0x0F != VERSION {
            let version = OtherVersion { own: Version::V1, found: packet[0] & 0x0F };
            return Err(PacketFault::Version(version));
        }
        let frame = u16::from_le_bytes([packet[0], packet[1]]) >> 4;
        let number = u32::from_le_bytes([packet[2], packet[3], packet[4], 0]);
        let end = packet.len() - 1;
        let tail = packet[end];
        let (is_last, last_user) = (tail & END_OF_FRAME != 0, tail & !END_OF_FRAME);
        let payload = HEADER_BYTES..end;
        // Whatever it is, the unfinished frame goes on with it or ends here.
        let before = self.current.take();
        let mut current = if number == 0 {
            self.current = before;
            self.abandon();
            let info = FrameInfo { dest: packet[5], first_user: packet[7], last_user };
            let is_open = self.open.contains(info.dest);
            if is_last {
                return Ok(match is_open {
                    true => Received::Whole { info, payload },
                    false => Received::Nothing,
                });
            }
            Unfinished { info, frame, next: 0, assembly: Assembly::new(is_open) }
        } else {
            let dest = packet[5];
            let current = before.filter(|current| current.frame == frame);
            let current = current.ok_or(PacketFault::NoStart { dest })?;
            let (dest, expected) = (current.info.dest, current.next);
            if expected != number {
                return Err(PacketFault::Sequence { dest, expected, found: number });
            }
            current
        };
        current.assembly.append(current.info.dest, &packet[payload], self.held_bytes_max)?;
        current.next += 1;
        if !is_last {
            self.current = Some(current);
            return Ok(Received::Nothing);
        }
        let info = FrameInfo { last_user, ..current.info };
        Ok(match current.assembly.finish() {
            Some(payload) => Received::Joined { info, payload },
            None => Received::Nothing,
        })
    }
}
