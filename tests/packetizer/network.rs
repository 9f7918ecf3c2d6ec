//! Packets on a network that loses, repeats and exchanges them, with nothing below that mends it:
//! what arrives is a frame that was sent, or nothing. (With RSSI below see the tests of that.)

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::packetizer::{
    v1, v2, Cutter, Depacketizer, FrameInfo, Received, Version, HEADER_BYTES,
};
use testkit::datagrams::{Conditions, Road};
use testkit::seeds::for_every_seed;

const FRAMES_COUNT: u16 = 100;
const DESTS_COUNT: u8 = 3;
const PIECE_BYTES: usize = 16;
const HELD_BYTES_MAX: usize = 8 * PIECE_BYTES;

fn depacketizer(version: Version) -> Depacketizer {
    let mut made = match version {
        Version::V1 => Depacketizer::V1(v1::Depacketizer::new(HELD_BYTES_MAX)),
        Version::V2 => Depacketizer::V2(v2::Depacketizer::new(true, HELD_BYTES_MAX)),
    };
    (0..DESTS_COUNT).for_each(|dest| made.open(dest));
    made
}

fn packets(version: Version, number: u16, info: FrameInfo, payload: &[u8]) -> Vec<Vec<u8>> {
    let mut cutter = match version {
        Version::V1 => Cutter::V1(v1::Cutter::new(info, number)),
        Version::V2 => Cutter::V2(v2::Cutter::new(info, true)),
    };
    let count = payload.len().div_ceil(PIECE_BYTES);
    let packet_of = |(index, piece): (usize, &[u8])| {
        let mut packet = vec![0; version.packet_bytes(piece.len())];
        packet[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
        cutter.write(&mut packet, piece.len(), index + 1 == count);
        packet
    };
    payload.chunks(PIECE_BYTES).enumerate().map(packet_of).collect()
}

#[test]
fn a_network_that_loses_and_exchanges_packets_makes_no_frame_of_the_parts_of_others() {
    for_every_seed(|seed| {
        for version in [Version::V1, Version::V2] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut road = Road::new(Conditions {
                loss_per_mille: [0, 10, 100, 300][rng.random_range(0..4)],
                duplicates_per_mille: [0, 10, 200][rng.random_range(0..3)],
                reorders_per_mille: [0, 10, 200][rng.random_range(0..3)],
                overtakers_max: rng.random_range(1..=8),
                jitter: rng.random_range(0..10),
                ..Conditions::perfect()
            });
            let mut receiver = depacketizer(version);
            let (mut sent, mut joined) = (Vec::new(), 0);
            let mut take = |packet: &[u8], sent: &[(FrameInfo, Vec<u8>)]| {
                let frame = match receiver.accept(packet) {
                    Ok(Received::Nothing) | Err(_) => None,
                    Ok(Received::Whole { info, payload }) => Some((info, packet[payload].to_vec())),
                    Ok(Received::Joined { info, payload }) => Some((info, payload)),
                };
                assert!(receiver.held_bytes() <= HELD_BYTES_MAX);
                let Some(frame) = frame else { return };
                assert!(sent.contains(&frame), "{version:?}: nobody has sent {frame:?}");
                joined += 1;
            };
            let mut now = 0;
            for number in 0..FRAMES_COUNT {
                let (dest, last_user) =
                    (rng.random_range(0..DESTS_COUNT), rng.random_range(0..128));
                let info = FrameInfo { dest, first_user: rng.random(), last_user };
                let bytes = rng.random_range(1..=6 * PIECE_BYTES);
                let payload: Vec<u8> = (0..bytes).map(|_| rng.random()).collect();
                let packets = packets(version, number, info, &payload);
                sent.push((info, payload));
                for packet in packets {
                    road.send(now, packet, &mut rng);
                    now += 1;
                    std::iter::from_fn(|| road.receive(now))
                        .for_each(|packet| take(&packet, &sent));
                }
            }
            std::iter::from_fn(|| road.receive(u64::MAX)).for_each(|packet| take(&packet, &sent));
            assert!(joined > 0, "{version:?}: none came");
        }
    });
}
