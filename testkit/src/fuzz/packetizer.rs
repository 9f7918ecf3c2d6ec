//! The packetizers: packets of any bytes between the packets of frames, some of which are lost,
//! repeated or damaged.

use rogue_mem::proto::packetizer::{
    v1, v2, Cutter, Depacketizer, FrameInfo, Received, Version, HEADER_BYTES,
};

use super::heap::bounded;
use super::input::Input;

/// The most octets of unfinished frames: little, so that the bound is met.
const HELD_BYTES_MAX: usize = 512;
/// The most operations of one run.
const OPERATIONS_MAX: usize = 64;
/// The heap of a depacketizer: the table of destinations, and the growth of vectors.
const DEPACKETIZER_BYTES: usize = 64 * 1024;

struct Setup {
    version: Version,
    sends_crc: bool,
    checks_crc: bool,
}

impl Setup {
    fn depacketizer(&self, open: u8) -> Depacketizer {
        let mut depacketizer = match self.version {
            Version::V1 => Depacketizer::V1(v1::Depacketizer::new(HELD_BYTES_MAX)),
            Version::V2 => Depacketizer::V2(v2::Depacketizer::new(self.checks_crc, HELD_BYTES_MAX)),
        };
        (0..8).filter(|dest| open >> dest & 1 == 1).for_each(|dest| depacketizer.open(dest));
        depacketizer
    }

    /// The packets of a frame, with `capacity` octets of payload in each.
    fn packets(
        &self,
        info: FrameInfo,
        frame: u16,
        payload: &[u8],
        capacity: usize,
    ) -> Vec<Vec<u8>> {
        let mut cutter = match self.version {
            Version::V1 => Cutter::V1(v1::Cutter::new(info, frame)),
            Version::V2 => Cutter::V2(v2::Cutter::new(info, self.sends_crc)),
        };
        let count = payload.len().div_ceil(capacity);
        let cut = |(index, part): (usize, &[u8])| {
            let mut packet = vec![0; self.version.packet_bytes(part.len())];
            packet[HEADER_BYTES..HEADER_BYTES + part.len()].copy_from_slice(part);
            cutter.write(&mut packet, part.len(), index + 1 == count);
            packet
        };
        payload.chunks(capacity).enumerate().map(cut).collect()
    }
}

/// Takes a packet; the frame that it completes.
fn accept(all: &mut Depacketizer, packet: &[u8]) -> Option<(FrameInfo, Vec<u8>)> {
    let before = all.counters();
    let result = all.accept(packet);
    let after = all.counters();
    match &result {
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            assert!(after.dropped > before.dropped);
        }
        Ok(_) => assert_eq!(after.crc_errors, before.crc_errors),
    }
    assert!(all.held_bytes() <= HELD_BYTES_MAX);
    match result {
        Ok(Received::Whole { info, payload }) => Some((info, packet[payload].to_vec())),
        Ok(Received::Joined { info, payload }) => Some((info, payload)),
        Ok(Received::Nothing) | Err(_) => None,
    }
}

/// Drives one depacketizer.
pub fn packetizer(data: &[u8]) {
    let mut input = Input(data);
    let (options, open) = (input.u8(), input.u8());
    let setup = Setup {
        version: if options & 1 == 0 { Version::V1 } else { Version::V2 },
        checks_crc: options & 2 != 0,
        sends_crc: options & 4 != 0,
    };
    bounded(DEPACKETIZER_BYTES + 64 * data.len(), || run(&setup, open, &mut input));
}

fn run(setup: &Setup, open: u8, input: &mut Input<'_>) {
    let mut all = setup.depacketizer(open);
    for frame in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        match input.below(4) {
            0 => {
                let packet = input.chunk();
                if let Some((_, payload)) = accept(&mut all, packet) {
                    assert!(payload.len() <= HELD_BYTES_MAX + packet.len());
                }
            }
            1 => whole_frame(setup, open, &mut all, frame as u16, input),
            2 => damaged_frame(setup, &mut all, frame as u16, input),
            _ => {
                all.abandon();
                assert_eq!(all.held_bytes(), 0);
            }
        }
    }
}

/// The packets of a frame that the input describes, and what has to come out.
fn frame_of(
    setup: &Setup,
    frame: u16,
    input: &mut Input<'_>,
) -> Option<(FrameInfo, Vec<u8>, Vec<Vec<u8>>)> {
    let (dest, last_user, capacity) = (input.u8() & 7, input.u8() & 0x7F, 8 * (1 + input.below(8)));
    let info = FrameInfo { dest, first_user: input.u8(), last_user };
    let payload = input.chunk().to_vec();
    // A frame without payload has no packet.
    (!payload.is_empty()).then(|| {
        let packets = setup.packets(info, frame, &payload, capacity);
        (info, payload, packets)
    })
}

/// Nothing disturbs it: it comes out, whatever was before, unless its destination is closed or the
/// checksum is missing.
fn whole_frame(setup: &Setup, open: u8, all: &mut Depacketizer, frame: u16, input: &mut Input<'_>) {
    let Some((info, payload, packets)) = frame_of(setup, frame, input) else { return };
    let is_open = open >> info.dest & 1 == 1;
    let is_readable = setup.version == Version::V1 || !setup.checks_crc || setup.sends_crc;
    let others = all.held_bytes();
    let (last, first) = packets.split_last().expect("a packet");
    for packet in first {
        assert_eq!(accept(all, packet), None, "it is not complete");
    }
    let found = accept(all, last);
    // Too much is held by all together: the largest goes, which may be this one.
    if others + payload.len() > HELD_BYTES_MAX && found.is_none() {
        return;
    }
    assert_eq!(found, (is_open && is_readable).then_some((info, payload)));
}

/// One of its packets is lost, comes twice, or has a wrong bit.
fn damaged_frame(setup: &Setup, all: &mut Depacketizer, frame: u16, input: &mut Input<'_>) {
    let (damage, at, bit) = (input.below(3), input.u8(), input.u16());
    let Some((info, payload, mut packets)) = frame_of(setup, frame, input) else { return };
    let at = usize::from(at) % packets.len();
    match damage {
        0 => drop(packets.remove(at)),
        1 => packets.insert(at, packets[at].clone()),
        _ => {
            let bit = usize::from(bit) % (8 * packets[at].len());
            packets[at][bit / 8] ^= 1 << (bit % 8);
        }
    }
    let is_guarded = setup.version == Version::V2 && setup.checks_crc && setup.sends_crc;
    for packet in &packets {
        let found = accept(all, packet);
        // A checksum finds every single bit; what comes out is the frame or nothing.
        if is_guarded {
            assert!(found.is_none_or(|found| found == (info, payload.clone())));
        }
    }
}
