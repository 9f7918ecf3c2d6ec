//! The packetizer on both ends of a link: frames of many destinations over a network that loses,
//! repeats and exchanges datagrams.

use std::collections::VecDeque;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::packetizer::{
    v1, v2, Counters, Cutter, Depacketizer, FrameInfo, Received, Version, HEADER_BYTES,
};
use rogue_mem::proto::rssi::Event;

use super::{for_every_seed, End, Pair};

const VERSIONS: [Version; 2] = [Version::V1, Version::V2];
/// A segment with room for a packet of one word, in either version.
const SEGMENT_BYTES_MIN: usize = 8 + 3 * 8;
/// Larger packets would only take longer.
const PACKET_BYTES_MAX: usize = 200;
const FRAMES_COUNT: usize = 40;
const DESTS_COUNT: u8 = 5;
/// A frame has this number of packets at most.
const PACKETS_COUNT_MAX: usize = 6;

type Frame = (FrameInfo, Vec<u8>);

/// Cuts the frames of one end, and joins those of the other.
struct Packets {
    version: Version,
    capacity: usize,
    next_frame: u16,
    depacketizer: Depacketizer,
    sent: Vec<Frame>,
    joined: Vec<Frame>,
}

impl Packets {
    fn new(version: Version, payload_max: usize) -> Packets {
        let capacity = version.capacity(payload_max.min(PACKET_BYTES_MAX));
        // No more than what can be unfinished at a time.
        let held_bytes_max = usize::from(DESTS_COUNT) * PACKETS_COUNT_MAX * capacity;
        let mut depacketizer = match version {
            Version::V1 => Depacketizer::V1(v1::Depacketizer::new(held_bytes_max)),
            Version::V2 => Depacketizer::V2(v2::Depacketizer::new(true, held_bytes_max)),
        };
        (0..DESTS_COUNT).for_each(|dest| depacketizer.open(dest));
        let (sent, joined) = Default::default();
        Packets { version, capacity, next_frame: 0, depacketizer, sent, joined }
    }

    fn cut(&mut self, info: FrameInfo, payload: &[u8]) -> VecDeque<Vec<u8>> {
        let mut cutter = match self.version {
            Version::V1 => Cutter::V1(v1::Cutter::new(info, self.next_frame)),
            Version::V2 => Cutter::V2(v2::Cutter::new(info, true)),
        };
        self.next_frame = (self.next_frame + 1) % v1::FRAME_NUMBERS_COUNT;
        let count = payload.len().div_ceil(self.capacity);
        let pieces = payload.chunks(self.capacity).enumerate();
        let packets = pieces.map(|(index, piece)| {
            let mut packet = vec![0; self.version.packet_bytes(piece.len())];
            packet[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
            cutter.write(&mut packet, piece.len(), index + 1 == count);
            packet
        });
        packets.collect()
    }

    /// The packets of random frames, in the order in which they are sent.
    fn make(&mut self, rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        // One frame of each destination is under way; of version 1 one of all.
        let mut begun: Vec<(VecDeque<Vec<u8>>, Frame)> = Vec::new();
        let mut left = FRAMES_COUNT;
        while left > 0 || !begun.is_empty() {
            let dest = rng.random_range(0..DESTS_COUNT);
            let may_begin = match self.version {
                Version::V1 => begun.is_empty(),
                Version::V2 => begun.iter().all(|(_, (info, _))| info.dest != dest),
            };
            if left > 0 && may_begin {
                let last_user = rng.random::<u8>() & 0x7F;
                let info = FrameInfo { dest, first_user: rng.random(), last_user };
                let bytes = rng.random_range(1..=PACKETS_COUNT_MAX * self.capacity);
                let mut payload = vec![0; bytes];
                rng.fill(&mut payload[..]);
                begun.push((self.cut(info, &payload), (info, payload)));
                left -= 1;
            }
            let index = rng.random_range(0..begun.len());
            packets.extend(begun[index].0.pop_front());
            if begun[index].0.is_empty() {
                self.sent.push(begun.swap_remove(index).1);
            }
        }
        packets
    }

    /// Takes what has been received since the last call; `is_lost`: the link has been, after it.
    fn take(&mut self, end: &mut End, is_lost: bool) {
        for packet in std::mem::take(&mut end.received) {
            match self.depacketizer.accept(&packet).expect("a packet in order") {
                Received::Nothing => {}
                Received::Whole { info, payload } => {
                    self.joined.push((info, packet[payload].to_vec()));
                }
                Received::Joined { info, payload } => self.joined.push((info, payload)),
            }
        }
        if is_lost {
            self.depacketizer.abandon();
        }
    }
}

fn load(pair: &mut Pair, packets: &mut [Packets; 2]) {
    for index in [0, 1] {
        let made = packets[index].make(&mut pair.rng);
        pair.ends[1 - index].expected.extend(made.iter().cloned());
        pair.ends[index].to_send.extend(made);
    }
}

fn start(seed: u64) -> (Version, Pair, [Packets; 2]) {
    let version = VERSIONS[seed as usize % VERSIONS.len()];
    let mut pair = Pair::with_segments(seed, SEGMENT_BYTES_MIN);
    let mut packets = [(); 2].map(|()| Packets::new(version, pair.payload_max()));
    load(&mut pair, &mut packets);
    (version, pair, packets)
}

#[test]
fn frames_of_many_destinations_arrive_once_whole_and_in_order_over_a_link() {
    for_every_seed(|seed| {
        let (version, mut pair, mut packets) = start(seed);
        pair.step_until(Pair::is_done);
        for index in [0, 1] {
            packets[index].take(&mut pair.ends[index], false);
            let (own, other) = (&packets[index], &packets[1 - index]);
            assert!(own.joined == other.sent, "{version:?}: the frames differ");
            assert_eq!(own.depacketizer.counters(), Counters::default());
            assert_eq!(own.depacketizer.held_bytes(), 0);
        }
    });
}

#[test]
fn a_frame_that_a_lost_link_has_cut_does_not_spoil_the_first_ones_of_the_next_link() {
    for_every_seed(|seed| {
        let (version, mut pair, mut packets) = start(seed);
        pair.pauses_per_mille = 0;
        pair.step_until(|pair| pair.ends.iter().any(|end| end.received.len() >= 20));
        pair.roads.iter_mut().for_each(|road| road.set_cut(true));
        let is_closed = |end: &End| matches!(end.events.last(), Some(Event::Closed(_)));
        pair.step_until(|pair| pair.ends.iter().all(is_closed));
        for (end, packets) in pair.ends.iter_mut().zip(&mut packets) {
            packets.take(end, true);
            assert_eq!(packets.depacketizer.held_bytes(), 0);
            (end.expected, end.events, end.to_send) = Default::default();
        }
        let before = packets.each_ref().map(|packets| packets.joined.len());
        for index in [0, 1] {
            let whole = &packets[1 - index].sent[..before[index]];
            assert!(packets[index].joined == whole, "{version:?}: the frames differ");
        }
        packets.iter_mut().for_each(|packets| packets.sent.clear());
        pair.roads.iter_mut().for_each(|road| road.set_cut(false));
        pair.step_until(|pair| pair.ends.iter().all(|end| end.connection.is_open()));
        load(&mut pair, &mut packets);
        pair.step_until(Pair::is_done);
        for index in [0, 1] {
            packets[index].take(&mut pair.ends[index], false);
            let later = &packets[index].joined[before[index]..];
            assert!(later == packets[1 - index].sent, "{version:?}: the frames differ");
        }
    });
}
