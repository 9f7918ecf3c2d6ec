//! Version 2: destinations may interleave; packets of a frame are numbered and may carry a CRC.
//!
//! | octet | content |
//! |---|---|
//! | 0 | 3:0 version, 2; 7:4 CRC: 0 none, 1 of the data only, 2 of all |
//! | 1 | first user byte, in every packet |
//! | 2 | destination |
//! | 3 | TID, 0 |
//! | 4, 5 | number of the packet within the frame, little-endian, from 0, modulo 2^16 |
//! | 6 | 0 |
//! | 7 | 7 start of the frame, others 0 |
//! | 8… | payload, filled up to a multiple of 8 octets, at least 8 |
//!
//! | octet of the tail | content |
//! |---|---|
//! | 0 | last user byte |
//! | 1 | 0 end of the frame |
//! | 2 | octets of payload in the last word, 1 to 8 |
//! | 3 | 0 |
//! | 4 to 7 | CRC, **big-endian**; 0 without |
//!
//! The [CRC](super::crc) covers header, payload with its padding, and the first 4 octets of the
//! tail, of this packet and of all before it in the frame. A CRC of the data only is not supported:
//! firmware cores that stand alone have it by default, those of the RSSI wrapper have that of all.

use super::assembly::{Assembly, DestSet};
use super::crc::crc32;
use super::{
    v1, Counters, FrameInfo, OtherVersion, PacketFault, Received, Version, HEADER_BYTES, WORD_BYTES,
};

/// Version in bits 3:0 of octet 0.
pub const VERSION: u8 = 2;
/// Size of the tail.
pub const TAIL_BYTES: usize = 8;
/// Size of the smallest packet.
pub const PACKET_BYTES_MIN: usize = HEADER_BYTES + WORD_BYTES + TAIL_BYTES;

const CRC_OF_ALL: u8 = 2 << 4;
const CRC_BYTES: usize = 4;
const START_OF_FRAME: u8 = 0x80;
const END_OF_FRAME: u8 = 0x01;
const DESTS_COUNT: usize = 256;

/// Writes the packets of one frame.
pub struct Cutter {
    info: FrameInfo,
    packet: u16,
    is_first: bool,
    /// CRC of the packets so far; `None` for packets without.
    crc: Option<u32>,
}

impl Cutter {
    /// For the frame `info`, whose packets carry a CRC or not.
    pub fn new(info: FrameInfo, with_crc: bool) -> Cutter {
        Cutter { info, packet: 0, is_first: true, crc: with_crc.then_some(0) }
    }

    /// As [`super::Cutter::write`]. The padding is zero.
    pub(super) fn write(&mut self, packet: &mut [u8], payload: usize, is_last: bool) {
        let FrameInfo { dest, first_user, last_user } = self.info;
        let mode = if self.crc.is_some() { CRC_OF_ALL } else { 0 };
        let [low, high] = self.packet.to_le_bytes();
        let start = if self.is_first { START_OF_FRAME } else { 0 };
        let header = [VERSION | mode, first_user, dest, 0, low, high, 0, start];
        packet[..HEADER_BYTES].copy_from_slice(&header);
        let tail = packet.len() - TAIL_BYTES;
        packet[HEADER_BYTES + payload..tail].fill(0);
        let valid = (payload + WORD_BYTES - 1) % WORD_BYTES + 1;
        let end = if is_last { END_OF_FRAME } else { 0 };
        packet[tail..].copy_from_slice(&[last_user, end, valid as u8, 0, 0, 0, 0, 0]);
        if let Some(crc) = &mut self.crc {
            let (covered, field) = packet.split_at_mut(tail + TAIL_BYTES - CRC_BYTES);
            *crc = crc32(*crc, covered);
            field.copy_from_slice(&crc.to_be_bytes());
        }
        self.packet = self.packet.wrapping_add(1);
        self.is_first = false;
    }
}

/// Reads packets and joins the frames of each destination.
pub struct Depacketizer {
    pub(super) open: DestSet,
    pub(super) counters: Counters,
    /// Whether packets without a right CRC are dropped.
    checks_crc: bool,
    /// By destination; `None` where a frame has to begin.
    unfinished: Vec<Option<Unfinished>>,
    /// Octets of payload in `unfinished`.
    held_bytes: usize,
    held_bytes_max: usize,
}

/// A frame whose packets arrive.
struct Unfinished {
    first_user: u8,
    /// Number of the next packet.
    next: u16,
    /// CRC of the packets so far.
    crc: u32,
    assembly: Assembly,
}

/// The parts of a packet.
struct Packet<'a> {
    dest: u8,
    first_user: u8,
    last_user: u8,
    number: u16,
    is_first: bool,
    is_last: bool,
    payload: std::ops::Range<usize>,
    /// The octets that the CRC covers.
    covered: &'a [u8],
    crc: u32,
}

impl Packet<'_> {
    fn decode(packet: &[u8]) -> Result<Packet<'_>, PacketFault> {
        let (length, found) = (packet.len(), packet.first().map_or(0, |first| first & 0x0F));
        // First: packets of version 1 may have any length.
        if length >= v1::PACKET_BYTES_MIN && found != VERSION {
            return Err(PacketFault::Version(OtherVersion { own: Version::V2, found }));
        }
        if length < PACKET_BYTES_MIN || length % WORD_BYTES != 0 {
            return Err(PacketFault::Length(length));
        }
        let (covered, field) = packet.split_at(length - CRC_BYTES);
        let tail = &covered[length - TAIL_BYTES..];
        let valid = tail[2];
        if !(1..=WORD_BYTES as u8).contains(&valid) {
            return Err(PacketFault::ValidBytes(valid));
        }
        let end = length - TAIL_BYTES - WORD_BYTES + usize::from(valid);
        Ok(Packet {
            dest: packet[2],
            first_user: packet[1],
            last_user: tail[0],
            number: u16::from_le_bytes([packet[4], packet[5]]),
            is_first: packet[7] & START_OF_FRAME != 0,
            is_last: tail[1] & END_OF_FRAME != 0,
            payload: HEADER_BYTES..end,
            covered,
            crc: u32::from_be_bytes([field[0], field[1], field[2], field[3]]),
        })
    }
}

impl Depacketizer {
    /// A depacketizer that drops packets without a right CRC, or does not look at CRCs, with memory
    /// for `held_bytes_max` octets of unfinished frames of all destinations.
    pub fn new(checks_crc: bool, held_bytes_max: usize) -> Depacketizer {
        Depacketizer {
            open: DestSet::default(),
            counters: Counters::default(),
            checks_crc,
            unfinished: (0..DESTS_COUNT).map(|_| None).collect(),
            held_bytes: 0,
            held_bytes_max,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Takes one packet. One that begins a frame is good also where an unfinished frame of its
    /// destination waits for more: that frame is dropped and counted. (The reference drops both,
    /// and so loses the first frame after a lost connection.)
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Result<Received, PacketFault> {
        let packet = Packet::decode(bytes)?;
        let dest = packet.dest;
        // Whatever it is, the unfinished frame goes on with it or ends here.
        let before = self.take(dest);
        let crc = self.check_crc(&packet, before.as_ref())?;
        let mut frame = match packet.is_first {
            true => {
                if before.is_some() {
                    self.count_abandoned();
                }
                let assembly = Assembly::new(self.open.contains(dest));
                Unfinished { first_user: packet.first_user, next: 0, crc, assembly }
            }
            false => before.ok_or(PacketFault::NoStart { dest })?,
        };
        if frame.next != packet.number {
            let (expected, found) = (frame.next.into(), packet.number.into());
            return Err(PacketFault::Sequence { dest, expected, found });
        }
        let info = FrameInfo { dest, first_user: frame.first_user, last_user: packet.last_user };
        if packet.is_first && packet.is_last {
            return Ok(match self.open.contains(dest) {
                true => Received::Whole { info, payload: packet.payload },
                false => Received::Nothing,
            });
        }
        frame.assembly.append(dest, &bytes[packet.payload], self.held_bytes_max)?;
        if packet.is_last {
            return Ok(match frame.assembly.finish() {
                Some(payload) => Received::Joined { info, payload },
                None => Received::Nothing,
            });
        }
        (frame.next, frame.crc) = (frame.next.wrapping_add(1), crc);
        self.keep(dest, frame);
        Ok(Received::Nothing)
    }

    /// The CRC of a frame up to this packet.
    fn check_crc(
        &self,
        packet: &Packet<'_>,
        before: Option<&Unfinished>,
    ) -> Result<u32, PacketFault> {
        if !self.checks_crc {
            return Ok(0);
        }
        let so_far = before.filter(|_| !packet.is_first).map_or(0, |frame| frame.crc);
        let computed = crc32(so_far, packet.covered);
        if computed != packet.crc {
            return Err(PacketFault::Crc { dest: packet.dest, computed, found: packet.crc });
        }
        Ok(computed)
    }

    fn take(&mut self, dest: u8) -> Option<Unfinished> {
        let frame = self.unfinished[usize::from(dest)].take()?;
        self.held_bytes -= frame.assembly.held_bytes();
        Some(frame)
    }

    /// Keeps an unfinished frame. If all of them together are too large then, the largest is
    /// dropped.
    fn keep(&mut self, dest: u8, frame: Unfinished) {
        self.held_bytes += frame.assembly.held_bytes();
        self.unfinished[usize::from(dest)] = Some(frame);
        if self.held_bytes <= self.held_bytes_max {
            return;
        }
        let size = |frame: &Option<Unfinished>| frame.as_ref().map(|one| one.assembly.held_bytes());
        let largest = (0..DESTS_COUNT).max_by_key(|dest| size(&self.unfinished[*dest]));
        if let Some(largest) = largest {
            self.take(largest as u8);
            self.count_abandoned();
        }
    }

    pub(super) fn abandon(&mut self) {
        for dest in 0..=u8::MAX {
            if self.take(dest).is_some() {
                self.count_abandoned();
            }
        }
    }

    fn count_abandoned(&mut self) {
        self.counters.abandoned = self.counters.abandoned.wrapping_add(1);
        self.counters.dropped = self.counters.dropped.wrapping_add(1);
    }
}
