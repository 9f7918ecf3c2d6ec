//! The frames of a stream against a session: captured octets, every malformation, every shorter
//! length, and any cut of the octets.

use super::*;
use crate::proto::zmtp::frame::encode_message;
use crate::proto::zmtp::greeting::Greeting;
use crate::proto::zmtp::{Limits, Role};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use testkit_base::network::cut;
use testkit_base::vectors::{from_hex, lines};

const FRAME_OCTETS_MAX: u64 = 1 << 20;

/// A receiving session whose handshake is complete.
fn session() -> Session {
    let mut session = Session::new(Role::Pull, Limits { frame_octets_max: FRAME_OCTETS_MAX });
    session.send_ready(&[]).unwrap();
    let ready = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";
    let hello = [&Greeting::new("NULL").encode(), &ready[..]].concat();
    let mut rest = &hello[..];
    while !rest.is_empty() {
        let (used, _) = session.receive(rest).unwrap();
        rest = &rest[used..];
    }
    assert!(session.at_message_boundary());
    session
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Frame(Tag, Vec<u8>),
    Malformed(BadFrame),
    Ping,
}

/// Decodes `chunks`. `direct`: payload is taken out of the input, as by an owner that reads it from
/// the socket to its destination.
fn decoded<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    direct: bool,
) -> (Vec<Seen>, Option<ZmtpError>) {
    let (mut session, mut decoder) = (session(), StreamDecoder::new());
    let mut seen = Vec::new();
    let mut open: Option<(Tag, u64, Vec<u8>)> = None;
    for mut rest in chunks {
        loop {
            let remaining = decoder.payload_remaining(&session).saturating_sub(1);
            let count = remaining.min(rest.len() as u64) as usize;
            if direct && count > 0 {
                open.as_mut().unwrap().2.extend_from_slice(&rest[..count]);
                decoder.payload_received(&mut session, count as u64);
                rest = &rest[count..];
                continue;
            }
            let (used, event) = match decoder.receive(&mut session, rest) {
                Ok(step) => step,
                Err(error) => return (seen, Some(error)),
            };
            assert!(event.is_some() || used == rest.len());
            rest = &rest[used..];
            match event {
                None => break,
                Some(StreamEvent::Complete { tag, payload }) => {
                    assert!(open.is_none());
                    seen.push(Seen::Frame(tag, payload.to_vec()));
                }
                Some(StreamEvent::Start { tag, octets }) => {
                    assert!(octets > 0 && open.replace((tag, octets, Vec::new())).is_none());
                }
                Some(StreamEvent::Data { bytes, last }) => {
                    open.as_mut().unwrap().2.extend_from_slice(bytes);
                    if last {
                        let (tag, octets, payload) = open.take().unwrap();
                        assert_eq!(payload.len() as u64, octets);
                        seen.push(Seen::Frame(tag, payload));
                    }
                }
                Some(StreamEvent::Malformed(bad)) => {
                    assert!(open.is_none(), "the payload of a malformed message was reported");
                    seen.push(Seen::Malformed(bad));
                }
                Some(StreamEvent::Session(_)) => seen.push(Seen::Ping),
            }
        }
    }
    (seen, None)
}

/// Decodes `input` in one piece and octet by octet, with equal results.
#[track_caller]
fn all_ways(input: &[u8]) -> Vec<Seen> {
    let (seen, error) = decoded([input], false);
    assert_eq!(error, None);
    for direct in [false, true] {
        assert_eq!(decoded(input.chunks(1), direct), (seen.clone(), None));
        assert_eq!(decoded(input.chunks(7), direct), (seen.clone(), None));
    }
    seen
}

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut octets = Vec::new();
    encode_message(parts, &mut octets);
    octets
}

fn encoded(tag: Tag, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xEE];
    encode_frame_head(tag, payload.len() as u64, &mut octets);
    octets.extend_from_slice(payload);
    octets.split_off(1)
}

fn number(line: &Value, name: &str) -> u64 {
    line[name].as_u64().unwrap_or_else(|| panic!("{name} in {line}"))
}

/// The frame that a captured line describes.
fn frame_of(line: &Value) -> (Tag, Vec<u8>) {
    let tag = Tag {
        flags: number(line, "flags") as u16,
        channel: number(line, "channel") as u8,
        error: number(line, "error") as u8,
    };
    (tag, from_hex(line["payload_hex"].as_str().unwrap()))
}

fn parts_of(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(|part| from_hex(part.as_str().unwrap())).collect()
}

fn message_of(value: &Value) -> Vec<u8> {
    let parts = parts_of(value);
    message(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn captured(name: &str, kind: &str) -> Vec<Value> {
    let all = lines(name).into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    all.filter(|line| line["kind"] == kind).collect()
}

#[test]
fn captured_frames_of_both_ends_are_encoded_octet_for_octet_and_decoded_again() {
    let lines = captured("stream_tcp", "tx");
    assert_eq!(lines.len(), 12);
    for line in lines {
        let (tag, payload) = frame_of(&line);
        let octets = encoded(tag, &payload);
        assert_eq!(octets, message_of(&line["parts"]), "{line}");
        assert_eq!(all_ways(&octets), [Seen::Frame(tag, payload)], "{line}");
    }
}

#[test]
fn captured_messages_are_taken_and_dropped_as_by_the_reference_unless_it_loses_a_good_one() {
    let lines = captured("stream_tcp", "rx");
    assert_eq!(lines.len(), 18);
    let mut rescued = 0;
    for line in lines {
        let messages = line["messages"].as_array().unwrap();
        let input: Vec<u8> = messages.iter().flat_map(message_of).collect();
        let taken: Vec<(Tag, Vec<u8>)> = all_ways(&input)
            .into_iter()
            .filter_map(|seen| match seen {
                Seen::Frame(tag, payload) => Some((tag, payload)),
                _ => None,
            })
            .collect();
        if line["description"].as_str().unwrap().contains("empty payload part") {
            // The reference loses this one and the next.
            let payloads: Vec<Vec<u8>> =
                messages.iter().map(|message| parts_of(message).remove(3)).collect();
            assert_eq!(taken.iter().map(|frame| frame.1.clone()).collect::<Vec<_>>(), payloads);
            rescued += 1;
            continue;
        }
        let expected: Vec<_> = line["frames"].as_array().unwrap().iter().map(frame_of).collect();
        assert_eq!(taken, expected, "{line}");
    }
    assert_eq!(rescued, 2);
}

#[test]
fn captured_frames_of_a_simulation_are_decoded() {
    let lines = captured("sim_tcp_stream", "sim_tx");
    assert_eq!(lines.len(), 8);
    let received = captured("sim_tcp_stream", "sim_to_client");
    let mut compared = 0;
    for line in lines {
        let seen = all_ways(&message_of(&line["parts"]));
        let [Seen::Frame(tag, payload)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(payload.len() as u64, number(&line, "bytes"));
        assert_eq!(tag.channel, 0);
        for expected in received.iter().filter(|one| one["ssi"] == line["ssi"]) {
            if line["bytes"] == 13 {
                assert_eq!((*tag, payload.clone()), frame_of(expected));
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 2);
}

#[test]
fn every_shorter_length_is_no_frame_yet() {
    let tag = Tag { flags: 0x1234, channel: 5, error: 0x80 };
    for size in [0, 1, 4, 255, 256, 300] {
        let payload: Vec<u8> = (0..size).map(|n| n as u8).collect();
        let octets = encoded(tag, &payload);
        for end in 0..octets.len() {
            assert_eq!(decode_whole_frame(&octets[..end]), None);
            let (seen, error) = decoded([&octets[..end]], false);
            assert_eq!((seen, error), (vec![], None), "{end} of {}", octets.len());
        }
        let followed = [&octets[..], b"\x01\x02"].concat();
        assert_eq!(decode_whole_frame(&followed), Some((tag, &payload[..], octets.len())));
    }
}

#[test]
fn messages_of_any_other_number_of_parts_are_counted_and_do_no_harm() {
    let good = encoded(Tag::default(), b"good");
    for count in (1..4).chain(5..20).chain([1000]) {
        let mut parts: Vec<&[u8]> = vec![&[0; 2], &[0], &[0], b"payload"];
        parts.resize(count, &[1; 300]);
        let seen = all_ways(&[message(&parts), good.clone()].concat());
        let bad = BadFrame::PartCount { parts: count as u64 };
        assert_eq!(seen, [Seen::Malformed(bad), Seen::Frame(Tag::default(), b"good".to_vec())]);
    }
}

#[test]
fn parts_of_wrong_sizes_are_reported_in_the_references_words() {
    let wrong: [&[u8]; 4] = [b"", &[0; 3], &[0; 4], &[0; 300]];
    for at in 0..3 {
        for bad in wrong {
            for payload in [&b""[..], b"payload"] {
                let mut parts: Vec<&[u8]> = vec![&[0; 2], &[0], &[0], payload];
                parts[at] = bad;
                let seen = all_ways(&message(&parts));
                let [Seen::Malformed(malformed)] = seen[..] else { panic!("{seen:?}") };
                let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                let text = format!(
                    "Bad message sizes. flags={} channel={} error={}",
                    sizes[0], sizes[1], sizes[2]
                );
                assert_eq!(malformed.to_string(), text);
            }
        }
    }
}

#[test]
fn a_payload_beyond_the_limit_of_the_session_is_an_error_in_one_piece_too() {
    for (size, is_good) in [(FRAME_OCTETS_MAX, true), (FRAME_OCTETS_MAX + 1, false)] {
        let octets = encoded(Tag::default(), &vec![0; size as usize]);
        let (seen, error) = decoded([&octets[..]], false);
        assert_eq!((seen.len(), error.is_none()), (usize::from(is_good), is_good));
    }
}

#[test]
fn frames_and_commands_survive_any_cut() {
    for seed in 0..100 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut octets, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..rng.random_range(1..30) {
            let tag = Tag { flags: rng.random(), channel: rng.random(), error: rng.random() };
            let size = [0, 1, 255, 256, 5000][rng.random_range(0..5)];
            let payload: Vec<u8> = (0..size).map(|_| rng.random()).collect();
            match rng.random_range(0..4) {
                0 => {
                    octets.extend_from_slice(b"\x04\x07\x04PING\x00\x00");
                    expected.push(Seen::Ping);
                }
                1 => {
                    octets.extend(message(&[&payload, b"x"]));
                    expected.push(Seen::Malformed(BadFrame::PartCount { parts: 2 }));
                }
                2 => {
                    // libzmq puts commands between parts; the sizes are in the long form.
                    octets.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 2]);
                    octets.extend_from_slice(&tag.flags.to_le_bytes());
                    octets.extend_from_slice(b"\x04\x07\x04PING\x00\x00");
                    octets.extend_from_slice(&[1, 1, tag.channel, 1, 1, tag.error]);
                    encode_frame_header(payload.len() as u64, false, &mut octets);
                    octets.extend_from_slice(&payload);
                    expected.extend([Seen::Ping, Seen::Frame(tag, payload)]);
                }
                _ => {
                    octets.extend(encoded(tag, &payload));
                    expected.push(Seen::Frame(tag, payload));
                }
            }
        }
        for direct in [false, true] {
            let longest = [3, 20, 300, 100_000][rng.random_range(0..4)];
            let pieces = cut(&octets, longest, &mut rng);
            assert_eq!(decoded(pieces, direct), (expected.clone(), None), "seed {seed}");
        }
    }
}
