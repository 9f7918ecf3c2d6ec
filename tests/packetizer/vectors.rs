//! Every recorded packet, through the nodes and through the codec.
//!
//! `tests/vectors/packetizer_*.jsonl` and `compose.jsonl` were recorded from Rogue.

use std::sync::Arc;

use rogue_mem::proto::packetizer::{
    v1, v2, Cutter, Depacketizer, FrameInfo, Received, Version, HEADER_BYTES,
};
use rogue_mem::proto::srp::v3::Header;
use rogue_mem::protocols::{Packetizer, PacketizerOptions};
use rogue_mem::stream::{self, Frame, Node};
use serde_json::Value;

use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};

const CAPTURES: [(&str, Version); 2] =
    [("packetizer_v1", Version::V1), ("packetizer_v2", Version::V2)];

fn rows(capture: &str, kind: &str) -> Vec<Value> {
    let rows = lines(capture).into_iter().map(|line| serde_json::from_str(&line).unwrap());
    rows.filter(|row: &Value| row["kind"] == kind).collect()
}

fn number(row: &Value, key: &str) -> usize {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}")) as usize
}

fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap())
}

/// A packetizer over a transport with packets of `size` bytes from recycled memory, so that every
/// byte has to be written.
fn over(size: usize, version: Version, options: PacketizerOptions) -> (Arc<Packetizer>, Arc<Peer>) {
    let (packetizer, transport) = (Packetizer::new(version, options), Peer::silent());
    stream::connect(&packetizer.transport(), &*transport).unwrap();
    transport.pool().set_fixed_size(size as u32);
    transport.pool().set_pool_size(4);
    let frames: Vec<_> = (0..4).map(|_| transport.pool().request(size as u32).unwrap()).collect();
    for frame in &frames {
        frame.lock().make_contiguous().unwrap().fill(0xA5);
    }
    (packetizer, transport)
}

fn send(packetizer: &Packetizer, dest: u8, flags: u16, payload: Vec<u8>) {
    let frame = Arc::new(Frame::from(payload));
    frame.set_flags(flags);
    packetizer.application(dest).stream_slave().accept_frame(frame);
}

fn options_of(row: &Value) -> PacketizerOptions {
    let flag = |key: &str| row[key].as_bool().unwrap_or(true);
    PacketizerOptions { ssi: flag("en_ssi"), check_crc: flag("ib_crc"), send_crc: flag("ob_crc") }
}

fn sent(transport: &Peer) -> Vec<Vec<u8>> {
    transport.seen().into_iter().map(|seen| seen.bytes).collect()
}

/// Whether the padding of a packet of version 2 is zero, as it is here.
fn is_padded_by_zeros(packet: &[u8]) -> bool {
    let tail = packet.len() - v2::TAIL_BYTES;
    let end = tail - 8 + usize::from(packet[tail + 2]);
    packet[end..tail].iter().all(|octet| *octet == 0)
}

/// A packet of version 2 without its padding and the CRC over that.
fn without_padding(packet: &[u8]) -> Vec<u8> {
    let tail = packet.len() - v2::TAIL_BYTES;
    let end = tail - 8 + usize::from(packet[tail + 2]);
    [&packet[..end], &packet[tail..tail + 4]].concat()
}

#[test]
fn frames_become_packets_as_recorded() {
    let (mut count, mut stale) = (0, 0);
    for (capture, version) in CAPTURES {
        for row in rows(capture, "tx") {
            let (packetizer, transport) =
                over(number(&row, "lower_buffer_size"), version, options_of(&row));
            for frame in row["frames"].as_array().unwrap() {
                let (dest, flags) = (number(frame, "dest") as u8, number(frame, "flags") as u16);
                send(&packetizer, dest, flags, hex(&frame["payload_hex"]));
            }
            let seen = transport.seen();
            assert!(seen.iter().all(|one| (one.flags, one.channel, one.error) == (0, 0, 0)));
            let expected: Vec<_> = row["packets"].as_array().unwrap().iter().map(hex).collect();
            match version == Version::V1 || expected.iter().all(|packet| is_padded_by_zeros(packet))
            {
                true => assert_eq!(sent(&transport), expected, "{row}"),
                false => {
                    let bare =
                        |all: &[Vec<u8>]| all.iter().map(|one| without_padding(one)).collect();
                    let (ours, theirs): (Vec<_>, Vec<_>) =
                        (bare(&sent(&transport)), bare(&expected));
                    assert_eq!(ours, theirs, "{row}");
                    stale += 1;
                }
            }
            count += 1;
        }
    }
    assert_eq!((count, stale), (32, 2), "two were recorded with old bytes in their padding");
}

#[test]
fn packets_are_as_large_as_recorded() {
    for (capture, version) in CAPTURES {
        for row in rows(capture, "capacity") {
            let options = PacketizerOptions::default();
            let (packetizer, transport) = over(number(&row, "lower_buffer_size"), version, options);
            send(&packetizer, 0, 0, vec![1; number(&row, "frame_size")]);
            let sizes: Vec<_> = sent(&transport).iter().map(Vec::len).collect();
            assert_eq!(serde_json::json!(sizes), row["packet_sizes"], "{row}");
        }
    }
}

#[test]
fn frames_are_numbered_as_recorded() {
    let (packetizer, transport) = over(1456, Version::V1, PacketizerOptions::default());
    let rows = rows("packetizer_v1", "frame_number");
    for index in 0..=rows.iter().map(|row| number(row, "frame_index")).max().unwrap() {
        // A frame that cannot be sent takes no number.
        send(&packetizer, 0, 0, Vec::new());
        let payload = (index..index + 4).map(|byte| byte as u8).collect();
        send(&packetizer, 0, 0, payload);
    }
    let seen = sent(&transport);
    for row in &rows {
        assert_eq!(seen[number(row, "frame_index")], hex(&row["packet_hex"]), "{row}");
    }
    assert_eq!(rows.len(), 9);
}

/// What becomes of recorded packets where the recording shows a defect of the reference: a count of
/// valid bytes outside of 1 to 8 reads beyond the payload there, and a packet that begins a frame is
/// lost where the one before it is unfinished. Frames and drop count.
fn corrected(row: &Value) -> Option<(usize, u32)> {
    let description = row["description"].as_str().unwrap();
    if description.contains("tail byte count") && !description.contains("count 3") {
        return Some((0, 1));
    }
    description.contains("new SOF before previous EOF").then_some((2, 1))
}

#[test]
fn packets_become_frames_as_recorded() {
    let (mut count, mut corrections) = (0, 0);
    for (capture, version) in CAPTURES {
        for row in rows(capture, "rx") {
            let packetizer = Packetizer::new(version, options_of(&row));
            let transport = Peer::silent();
            stream::connect(&packetizer.transport(), &*transport).unwrap();
            let description = row["description"].as_str().unwrap();
            let applications: Vec<_> = [2_u8, 5]
                .into_iter()
                .filter(|_| !description.contains("unopened"))
                .map(|dest| {
                    let application = Peer::silent();
                    stream::connect(&packetizer.application(dest), &*application).unwrap();
                    (usize::from(dest), application)
                })
                .collect();
            let error = u8::from(description.contains("transport frame with error"));
            for packet in row["packets"].as_array().unwrap() {
                transport.send_marked(&hex(packet), error);
            }
            let seen = |dest| applications.iter().find(|(one, _)| *one == dest);
            let seen = |dest| seen(dest).map(|(_, peer)| peer.seen()).unwrap_or_default();
            let expected: Vec<_> = row["frames"].as_array().unwrap().iter().map(frame_of).collect();
            let frames_count: usize = applications.iter().map(|(_, peer)| peer.seen().len()).sum();
            let correction = corrected(&row);
            corrections += usize::from(correction.is_some());
            let drop_count = number(&row, "drop_count") as u32;
            let outcome = correction.unwrap_or((expected.len(), drop_count));
            assert_eq!((frames_count, packetizer.drop_count()), outcome, "{row}");
            if correction.is_none() {
                for (dest, frame) in &expected {
                    assert_eq!(seen(*dest), std::slice::from_ref(frame), "{row}");
                }
            }
            count += 1;
        }
    }
    assert_eq!((count, corrections), (44, 4));
}

fn frame_of(row: &Value) -> (usize, Seen) {
    let seen = Seen {
        bytes: hex(&row["payload_hex"]),
        flags: number(row, "flags") as u16,
        channel: number(row, "channel") as u8,
        error: number(row, "error") as u8,
    };
    (number(row, "dest"), seen)
}

/// The packets in the recorded datagrams of one direction: the payloads of RSSI data segments.
fn packets_in(rows: &[Value], direction: &str) -> Vec<Vec<u8>> {
    const DATA_SEGMENT: u8 = 0x40;
    const RSSI_HEADER_BYTES: usize = 8;
    let datagrams = rows.iter().flat_map(|row| row["datagrams"].as_array().unwrap());
    let bytes = datagrams.filter(|one| one["dir"] == direction).map(|one| hex(&one["hex"]));
    let data = bytes.filter(|one| one[0] == DATA_SEGMENT && one.len() > RSSI_HEADER_BYTES);
    data.map(|one| one[RSSI_HEADER_BYTES..].to_vec()).collect()
}

#[test]
fn packets_of_a_whole_stack_carry_register_accesses_and_are_cut_again_as_recorded() {
    let all: Vec<Value> =
        lines("compose").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut sessions = 0;
    for session in all.split(|row| row["kind"] == "close").filter(|rows| !rows.is_empty()) {
        let (config, transactions) = session.split_first().unwrap();
        assert_eq!(config["kind"], "config");
        let version = match number(config, "packetizer_version") {
            1 => Version::V1,
            _ => Version::V2,
        };
        let packet_bytes_max = number(config, "curMaxSegment") - 8;
        for direction in ["c2s", "s2c"] {
            let packets = packets_in(transactions, direction);
            let frames = joined(version, &packets);
            let answered = transactions.iter().filter(|row| row["type"] != "post").count();
            let expected = if direction == "c2s" { transactions.len() } else { answered };
            assert_eq!(frames.len(), expected, "{config}");
            assert_eq!(cut_again(version, packet_bytes_max, frames).len(), packets.len());
            let frames = joined(version, &packets);
            let again = cut_again(version, packet_bytes_max, frames);
            for (again, packet) in again.iter().zip(&packets) {
                match version {
                    Version::V1 => assert_eq!(again, packet),
                    Version::V2 => assert_eq!(without_padding(again), without_padding(packet)),
                }
            }
        }
        sessions += 1;
    }
    assert_eq!(sessions, 6);
}

/// The frames in `packets`, each of which is an SRP version 3 request or response.
fn joined(version: Version, packets: &[Vec<u8>]) -> Vec<(FrameInfo, Vec<u8>)> {
    let mut receiver = match version {
        Version::V1 => Depacketizer::V1(v1::Depacketizer::new(1 << 20)),
        Version::V2 => Depacketizer::V2(v2::Depacketizer::new(true, 1 << 20)),
    };
    receiver.open(0);
    let frames = packets.iter().filter_map(|packet| match receiver.accept(packet).unwrap() {
        Received::Nothing => None,
        Received::Whole { info, payload } => Some((info, packet[payload].to_vec())),
        Received::Joined { info, payload } => Some((info, payload)),
    });
    let frames: Vec<_> = frames.collect();
    assert!(frames.iter().all(|(_, frame)| Header::decode(frame).unwrap().control.version() == 3));
    frames
}

fn cut_again(
    version: Version,
    packet_bytes_max: usize,
    frames: Vec<(FrameInfo, Vec<u8>)>,
) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for (number, (info, frame)) in frames.into_iter().enumerate() {
        let mut cutter = match version {
            Version::V1 => Cutter::V1(v1::Cutter::new(info, number as u16)),
            Version::V2 => Cutter::V2(v2::Cutter::new(info, true)),
        };
        let pieces = frame.chunks(version.capacity(packet_bytes_max));
        let count = pieces.len();
        for (index, piece) in pieces.enumerate() {
            let mut packet = vec![0; version.packet_bytes(piece.len())];
            packet[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
            cutter.write(&mut packet, piece.len(), index + 1 == count);
            packets.push(packet);
        }
    }
    packets
}
