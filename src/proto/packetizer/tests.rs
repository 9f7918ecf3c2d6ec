use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HELD_BYTES_MAX: usize = 10_000;

fn depacketizer(version: Version, checks_crc: bool) -> Depacketizer {
    let mut made = match version {
        Version::V1 => Depacketizer::V1(v1::Depacketizer::new(HELD_BYTES_MAX)),
        Version::V2 => Depacketizer::V2(v2::Depacketizer::new(checks_crc, HELD_BYTES_MAX)),
    };
    (0..=255).filter(|dest| dest % 8 != 7).for_each(|dest| made.open(dest));
    made
}

fn cutter(version: Version, info: FrameInfo, frame: u16) -> Cutter {
    match version {
        Version::V1 => Cutter::V1(v1::Cutter::new(info, frame)),
        Version::V2 => Cutter::V2(v2::Cutter::new(info, true)),
    }
}

/// The packets of one frame, in pieces of at most `capacity` octets, written over old bytes.
fn cut(version: Version, mut cutter: Cutter, payload: &[u8], capacity: usize) -> Vec<Vec<u8>> {
    let pieces = payload.chunks(capacity);
    let count = pieces.len();
    let pieces = pieces.enumerate().map(|(index, piece)| {
        let mut packet = vec![0xA5; version.packet_bytes(piece.len())];
        packet[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
        cutter.write(&mut packet, piece.len(), index + 1 == count);
        packet
    });
    pieces.collect()
}

fn random_bytes(rng: &mut impl Rng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill_bytes(&mut bytes);
    bytes
}

#[test]
fn a_placeholder_of_version_1_is_discarded_and_disturbs_no_later_frame() {
    let info = FrameInfo { dest: 3, ..FrameInfo::default() };
    for frame in [0, 1, 2047, 2048, v1::FRAME_NUMBERS_COUNT - 1] {
        let placeholder = v1::placeholder(frame);
        let number = u16::from_le_bytes([placeholder[0], placeholder[1]]) >> 4;
        assert_ne!(number, frame);
        let mut receiver = depacketizer(Version::V1, true);
        let fault = receiver.accept(&placeholder).unwrap_err();
        assert_eq!(fault, PacketFault::NoStart { dest: 0 });
        let next = (frame + 1) % v1::FRAME_NUMBERS_COUNT;
        let packets = cut(Version::V1, cutter(Version::V1, info, next), &[7; 4], 24);
        let received = receiver.accept(&packets[0]).unwrap();
        assert_eq!(frame_of(received, &packets[0]), Some((info, vec![7; 4])));
    }
}

/// What a packet has completed, with the payload by value.
fn frame_of(received: Received, packet: &[u8]) -> Option<(FrameInfo, Vec<u8>)> {
    match received {
        Received::Nothing => None,
        Received::Whole { info, payload } => Some((info, packet[payload].to_vec())),
        Received::Joined { info, payload } => Some((info, payload)),
    }
}

#[test]
fn a_frame_of_every_small_size_comes_back_whole() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for version in [Version::V1, Version::V2] {
        let mut receiver = depacketizer(version, true);
        for size in 1..100 {
            let payload = random_bytes(&mut rng, size);
            let last_user = rng.random::<u8>() & 0x7F;
            let info = FrameInfo { dest: 3, first_user: rng.random(), last_user };
            let packets = cut(version, cutter(version, info, size as u16), &payload, 24);
            assert_eq!(packets.len(), size.div_ceil(24));
            for (index, packet) in packets.iter().enumerate() {
                let frame = frame_of(receiver.accept(packet).unwrap(), packet);
                let expected = (index + 1 == packets.len()).then(|| (info, payload.clone()));
                assert_eq!(frame, expected, "{version:?} {size}");
            }
            assert_eq!(receiver.held_bytes(), 0);
        }
        assert_eq!(receiver.counters(), Counters::default());
    }
}

#[test]
fn no_shorter_packet_is_taken_for_a_whole_one() {
    let info = FrameInfo { dest: 1, first_user: 2, last_user: 0 };
    for version in [Version::V1, Version::V2] {
        let packet = &cut(version, cutter(version, info, 0), &[0x55; 16], 16)[0];
        for length in 0..packet.len() {
            let mut receiver = depacketizer(version, true);
            let received = receiver.accept(&packet[..length]);
            // Version 1 has nothing but the bit in its last octet to tell.
            let may_pass = version == Version::V1 && length >= v1::PACKET_BYTES_MIN;
            assert!(may_pass || received.is_err(), "{version:?} {length}");
            assert!(!matches!(received, Ok(Received::Whole { .. })), "{version:?} {length}");
        }
    }
}

#[test]
fn frames_of_different_destinations_interleave_in_version_2() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut receiver = depacketizer(Version::V2, true);
    let frames: Vec<_> = (0..20_u8)
        .map(|dest| {
            let size = rng.random_range(1..300);
            let payload = random_bytes(&mut rng, size);
            (FrameInfo { dest, first_user: dest, last_user: !dest }, payload)
        })
        .collect();
    let mut queues: Vec<_> = frames
        .iter()
        .map(|(info, payload)| cut(Version::V2, cutter(Version::V2, *info, 0), payload, 16))
        .map(std::collections::VecDeque::from)
        .collect();
    let mut got = Vec::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let queue = rng.random_range(0..queues.len());
        let Some(packet) = queues[queue].pop_front() else { continue };
        got.extend(frame_of(receiver.accept(&packet).unwrap(), &packet));
    }
    got.sort_by_key(|(info, _)| info.dest);
    let is_open = |(info, _): &(FrameInfo, Vec<u8>)| info.dest % 8 != 7;
    assert_eq!(got, frames.into_iter().filter(is_open).collect::<Vec<_>>());
    assert_eq!((receiver.held_bytes(), receiver.counters()), (0, Counters::default()));
}

#[test]
fn padding_is_zero() {
    let info = FrameInfo::default();
    for size in 1..=16 {
        let packet = &cut(Version::V2, cutter(Version::V2, info, 0), &vec![0xFF; size], 16)[0];
        let (end, tail) = (HEADER_BYTES + size, packet.len() - v2::TAIL_BYTES);
        assert!(packet[end..tail].iter().all(|octet| *octet == 0));
        assert_eq!(usize::from(packet[tail + 2]), (size - 1) % 8 + 1);
    }
}

#[test]
fn every_flipped_bit_of_a_packet_with_crc_is_noticed() {
    let info = FrameInfo { dest: 1, first_user: 2, last_user: 0 };
    let packets = cut(Version::V2, cutter(Version::V2, info, 0), &[0x5A; 20], 16);
    for bit in 0..packets[1].len() * 8 {
        let mut receiver = depacketizer(Version::V2, true);
        assert_eq!(receiver.accept(&packets[0]), Ok(Received::Nothing));
        let mut changed = packets[1].clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(receiver.accept(&changed).is_err(), "bit {bit}");
        assert_eq!(receiver.counters().dropped, 1);
    }
}

#[test]
fn an_unfinished_frame_that_gets_too_large_is_dropped_and_counted() {
    for version in [Version::V1, Version::V2] {
        let mut receiver = depacketizer(version, false);
        let info = FrameInfo { dest: 1, ..FrameInfo::default() };
        let packets = cut(version, cutter(version, info, 9), &vec![7; HELD_BYTES_MAX + 1], 1000);
        let (last, first) = packets.split_last().unwrap();
        for packet in first {
            assert_eq!(receiver.accept(packet), Ok(Received::Nothing));
        }
        assert_eq!(receiver.held_bytes(), HELD_BYTES_MAX);
        let frame_bytes = HELD_BYTES_MAX + 1;
        assert_eq!(receiver.accept(last), Err(PacketFault::TooLarge { dest: 1, frame_bytes }));
        assert_eq!((receiver.held_bytes(), receiver.counters().dropped), (0, 1));
    }
}

#[test]
fn unfinished_frames_of_all_destinations_share_a_limit_and_the_largest_goes_first() {
    let mut receiver = depacketizer(Version::V2, true);
    let start = |dest: u8, size: usize| {
        let info = FrameInfo { dest, ..FrameInfo::default() };
        cut(Version::V2, cutter(Version::V2, info, 0), &vec![dest; size + 8], size)
    };
    let sizes = [(1, 3000), (2, 4000), (3, 2000), (4, 1600)];
    for (dest, size) in sizes {
        assert_eq!(receiver.accept(&start(dest, size)[0]), Ok(Received::Nothing));
    }
    assert_eq!(receiver.held_bytes(), 3000 + 2000 + 1600, "that of destination 2 had to go");
    assert_eq!((receiver.counters().dropped, receiver.counters().abandoned), (1, 1));
    for (dest, size) in sizes {
        let packet = &start(dest, size)[1];
        let received = receiver.accept(packet);
        match dest {
            2 => assert!(matches!(
                received,
                Err(PacketFault::NoStart { dest: 2 } | PacketFault::Crc { .. })
            )),
            _ => assert_eq!(frame_of(received.unwrap(), packet).unwrap().1, vec![dest; size + 8]),
        }
    }
    assert_eq!(receiver.held_bytes(), 0);
}

#[test]
fn frames_for_closed_destinations_take_no_memory() {
    for version in [Version::V1, Version::V2] {
        let mut receiver = depacketizer(version, true);
        let info = FrameInfo { dest: 7, ..FrameInfo::default() };
        for packet in cut(version, cutter(version, info, 0), &[1; 500], 16) {
            assert_eq!(receiver.accept(&packet), Ok(Received::Nothing));
            assert_eq!(receiver.held_bytes(), 0);
        }
        assert_eq!(receiver.counters(), Counters::default());
    }
}

#[test]
fn a_destination_that_opens_within_a_frame_gets_the_next_one() {
    for version in [Version::V1, Version::V2] {
        let mut receiver = depacketizer(version, true);
        let info = FrameInfo { dest: 7, ..FrameInfo::default() };
        let packets = |frame| cut(version, cutter(version, info, frame), &[frame as u8; 40], 16);
        let first = packets(1);
        receiver.accept(&first[0]).unwrap();
        receiver.open(7);
        for packet in &first[1..] {
            assert_eq!(receiver.accept(packet), Ok(Received::Nothing), "half a frame is none");
        }
        let second = packets(2);
        let frames = second.iter().filter_map(|one| frame_of(receiver.accept(one).unwrap(), one));
        assert_eq!(frames.collect::<Vec<_>>(), [(info, vec![2; 40])]);
    }
}

#[test]
fn a_lost_link_ends_unfinished_frames_and_the_next_one_begins_with_new_ones() {
    for version in [Version::V1, Version::V2] {
        let mut receiver = depacketizer(version, true);
        let info = FrameInfo { dest: 1, ..FrameInfo::default() };
        let packets = cut(version, cutter(version, info, 4), &[9; 40], 16);
        for packet in &packets[..2] {
            receiver.accept(packet).unwrap();
        }
        receiver.abandon();
        receiver.abandon();
        assert_eq!((receiver.held_bytes(), receiver.counters().abandoned), (0, 1));
        assert!(receiver.accept(&packets[2]).is_err(), "its start is gone");
        let frames = packets.iter().filter_map(|one| frame_of(receiver.accept(one).unwrap(), one));
        assert_eq!(frames.collect::<Vec<_>>(), [(info, vec![9; 40])]);
    }
}

#[test]
fn packets_of_one_frame_number_on_beyond_the_range_of_the_counter() {
    let info = FrameInfo { dest: 1, ..FrameInfo::default() };
    let mut receiver = Depacketizer::V2(v2::Depacketizer::new(false, 1 << 20));
    receiver.open(1);
    let mut cutter = Cutter::V2(v2::Cutter::new(info, false));
    const PACKETS_COUNT: u32 = (1 << 16) + 3;
    for index in 1..=PACKETS_COUNT {
        let mut packet = [0; v2::PACKET_BYTES_MIN];
        packet[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&index.to_le_bytes());
        cutter.write(&mut packet, 4, index == PACKETS_COUNT);
        let Some((_, payload)) = frame_of(receiver.accept(&packet).unwrap(), &packet) else {
            assert!(index < PACKETS_COUNT);
            continue;
        };
        let expected: Vec<u8> = (1..=PACKETS_COUNT).flat_map(u32::to_le_bytes).collect();
        assert_eq!((index, payload == expected), (PACKETS_COUNT, true));
    }
}

/// What a network without guarantees does to packets: loses, repeats and exchanges them.
fn disturb(rng: &mut impl Rng, packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    for packet in packets {
        match rng.random_range(0..20) {
            0 => {}
            1 => out.extend([packet.clone(), packet]),
            2 if !out.is_empty() => {
                let place = rng.random_range(0..out.len());
                out.insert(place.max(out.len().saturating_sub(4)), packet);
            }
            _ => out.push(packet),
        }
    }
    out
}

#[test]
fn over_a_network_without_guarantees_every_delivered_frame_is_one_that_was_sent() {
    for seed in 0..200 {
        let version = if seed % 2 == 0 { Version::V1 } else { Version::V2 };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut sent, mut packets) = (Vec::new(), Vec::new());
        for frame in 0..200_u16 {
            let size = rng.random_range(4..200);
            let mut payload = random_bytes(&mut rng, size);
            payload[..2].copy_from_slice(&frame.to_le_bytes());
            let info = FrameInfo { dest: rng.random_range(0..4), first_user: 2, last_user: 0 };
            packets.extend(cut(version, cutter(version, info, frame), &payload, 40));
            sent.push((info, payload));
        }
        let mut receiver = depacketizer(version, true);
        let mut delivered = 0;
        for packet in disturb(&mut rng, packets) {
            let Ok(received) = receiver.accept(&packet) else { continue };
            let Some(frame) = frame_of(received, &packet) else { continue };
            assert!(sent.contains(&frame), "seed {seed}: no such frame was sent");
            delivered += 1;
        }
        assert!(delivered > 50, "seed {seed}: {delivered} of {} frames arrived", sent.len());
        assert!(receiver.counters().dropped > 0, "seed {seed}");
        assert!(receiver.held_bytes() <= 4 * 200, "seed {seed}");
    }
}

#[test]
fn no_packet_makes_a_depacketizer_panic_or_hold_more_than_it_may() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for version in [Version::V1, Version::V2] {
        for checks_crc in [false, true] {
            let mut receiver = depacketizer(version, checks_crc);
            for _ in 0..50_000 {
                let words = rng.random_range(0..10);
                let odd = if rng.random_bool(0.2) { rng.random_range(0..8) } else { 0 };
                let mut packet = random_bytes(&mut rng, words * 8 + odd);
                if packet.len() >= 24 && rng.random_bool(0.9) {
                    let tail = packet.len() - 8;
                    packet[0] = if version == Version::V1 { 0 } else { 2 };
                    (packet[1], packet[3], packet[4]) = (0, 0, 0);
                    packet[2] = rng.random_range(0..3);
                    packet[5] = 0;
                    packet[tail + 2] = rng.random_range(0..10);
                }
                if let Err(fault) = receiver.accept(&packet) {
                    assert!(!fault.to_string().is_empty());
                }
                assert!(receiver.held_bytes() <= HELD_BYTES_MAX);
            }
            assert!(receiver.counters().dropped > 1000);
        }
    }
}

#[test]
fn packets_of_the_other_version_are_known_as_such_whatever_their_length() {
    for (own, other) in [(Version::V1, Version::V2), (Version::V2, Version::V1)] {
        let mut receiver = depacketizer(own, true);
        for size in 1..100 {
            let packets = cut(other, cutter(other, FrameInfo::default(), 7), &vec![1; size], 200);
            let found = packets[0][0] & 0x0F;
            let fault = receiver.accept(&packets[0]).unwrap_err();
            assert_eq!(fault, PacketFault::Version(OtherVersion { own, found }));
        }
        assert_eq!((receiver.counters().wrong_version, receiver.counters().dropped), (99, 99));
    }
}

#[test]
fn a_fault_says_what_is_wrong_with_which_destination() {
    let crc = PacketFault::Crc { dest: 5, computed: 0x12, found: 0x34 };
    let sequence = PacketFault::Sequence { dest: 5, expected: 1, found: 2 };
    for (fault, parts) in [
        (PacketFault::Length(9), ["9 bytes", "impossible"]),
        (
            PacketFault::Version(OtherVersion { own: Version::V1, found: 2 }),
            ["of version 2", "speaks version 1"],
        ),
        (
            PacketFault::Version(OtherVersion { own: Version::V2, found: 0 }),
            ["of version 1", "speaks version 2"],
        ),
        (PacketFault::ValidBytes(9), ["9 valid", "last word"]),
        (PacketFault::NoStart { dest: 5 }, ["destination 5", "missing"]),
        (sequence, ["packet 1", "packet 2 came"]),
        (crc, ["0x00000034", "0x00000012"]),
        (PacketFault::TooLarge { dest: 5, frame_bytes: 77 }, ["destination 5", "77 bytes"]),
    ] {
        let text = fault.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}
