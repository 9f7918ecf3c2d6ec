use rogue_mem::proto::bridge::{TYPE_READ, TYPE_WRITE};
use serde_json::Value;
use testkit_base::raw::{self, greeting, properties_of, ready};
use testkit_base::vectors::{from_hex, lines};

use super::*;

const SHOWN_MAX: usize = 32;
const SESSION: &str = "0123456789abcdeffedcba9876543210";

/// What was captured of a connection, in its order.
fn captured(capture: &str, connection: &str) -> Vec<(Direction, Vec<u8>)> {
    let records = lines(capture).into_iter().map(|line| {
        let record: Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| record[key].as_str().unwrap().to_owned();
        (text("conn"), text("dir"), text("hex"))
    });
    let of_connection = records.filter(|(name, dir, _)| name == connection && dir != "-");
    of_connection
        .map(|(_, dir, hex)| match dir.as_str() {
            "c2l" => (Direction::ToServer, from_hex(&hex)),
            _ => (Direction::ToClient, from_hex(&hex)),
        })
        .collect()
}

/// What is seen in these octets, in pieces of at most so many.
fn seen_in(octets: &[(Direction, Vec<u8>)], piece: usize) -> Vec<(Direction, Seen)> {
    let mut observer = Observer::new(SHOWN_MAX);
    let mut all = Vec::new();
    for (direction, octets) in octets {
        for piece in octets.chunks(piece) {
            let mut seen = Vec::new();
            observer.observe(*direction, piece, &mut seen);
            all.extend(seen.into_iter().map(|one| (*direction, one)));
        }
    }
    all
}

fn requests(seen: &[(Direction, Seen)]) -> Vec<&Header> {
    let header = |(_, one): &'_ (Direction, Seen)| matches!(one, Seen::Request { .. });
    seen.iter()
        .filter(|one| header(one))
        .map(|(direction, one)| match one {
            Seen::Request { header, .. } => {
                assert_eq!(*direction, Direction::ToServer);
                header
            }
            _ => unreachable!(),
        })
        .collect()
}

fn responses(seen: &[(Direction, Seen)]) -> Vec<(&Header, &Result<(), String>)> {
    seen.iter()
        .filter_map(|(_, one)| match one {
            Seen::Response { header, result, .. } => Some((header, result)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_libzmq_has_said_is_understood_however_it_is_cut() {
    for capture in ["zmtp_bridge_session", "zmtp_surf_session"] {
        let [request, response] = ["req#1", "resp#1"].map(|name| captured(capture, name));
        let (asked, answered) = (seen_in(&request, usize::MAX), seen_in(&response, usize::MAX));
        let headers: Vec<Header> = requests(&asked).into_iter().copied().collect();
        let of_answers: Vec<Header> = responses(&answered).iter().map(|one| *one.0).collect();
        assert!(headers.len() > 8, "{headers:?}");
        assert!(of_answers.iter().all(|header| headers.contains(header)), "{of_answers:?}");
        for piece in [1, 2, 9, 64] {
            for (octets, whole) in [(&request, &asked), (&response, &answered)] {
                assert_eq!(format!("{:?}", seen_in(octets, piece)), format!("{whole:?}"));
            }
        }
    }
}

#[test]
fn of_sealed_connections_the_sizes_of_the_frames_are_seen() {
    for name in ["curve_req#1", "curve_resp#1", "curve_hb#1"] {
        let octets = captured("zmtp_curve", name);
        for piece in [1, usize::MAX] {
            let seen = seen_in(&octets, piece);
            for direction in Direction::BOTH {
                let of_this = |other: &Direction| *other == direction;
                let all: usize = octets.iter().filter(|(d, _)| of_this(d)).map(|o| o.1.len()).sum();
                let frames = seen.iter().filter(|(d, _)| of_this(d)).map(|(_, one)| match one {
                    Seen::Mechanism(name) => {
                        assert_eq!(name, "CURVE");
                        GREETING_OCTETS
                    }
                    Seen::Frame { octets: size @ 0..=255, .. } => 2 + *size as usize,
                    Seen::Frame { octets: size, .. } => 9 + *size as usize,
                    other => panic!("{other:?}"),
                });
                assert_eq!(frames.sum::<usize>(), all, "{name}");
            }
        }
    }
}

/// A connection of two ends of this library, up to where requests come.
fn handshake() -> Vec<(Direction, Vec<u8>)> {
    let mut client = properties_of(SESSION).to_vec();
    client.extend([("X-Rogue-Deadline", "77"), ("X-Rogue-Duplex", "1")]);
    let server = [("X-Rogue-Bridge", "1"), ("X-Rogue-Deadline", "5"), ("X-Rogue-Duplex", "1")];
    vec![
        (Direction::ToServer, [greeting(), ready("PUSH", &client)].concat()),
        (Direction::ToClient, [greeting(), ready("PULL", &server)].concat()),
    ]
}

#[test]
fn timed_requests_and_responses_on_their_connection_are_understood() {
    let data = vec![7; 5000];
    let header = raw::Header { id: 3, address: 0x1000, size: 5000, ty: raw::WRITE };
    let times: Vec<u8> = [1_u64, 2, 3].iter().flat_map(|time| time.to_le_bytes()).collect();
    let words = [3_u32, 5000, raw::WRITE].map(u32::to_le_bytes);
    let address = 0x1000_u64.to_le_bytes();
    let request = raw::message(&[&words[0], &address, &words[1], &words[2], &times, &data]);
    let mut octets = handshake();
    octets.push((Direction::ToServer, request));
    octets.push((Direction::ToClient, header.response(&[], b"Bus error")));
    octets.push((Direction::ToClient, raw::ping(b"x")));
    for piece in [1, 100, usize::MAX] {
        let seen = seen_in(&octets, piece);
        let [_, _, (_, asked), (_, answered), (_, Seen::Heartbeat)] = &seen[..] else {
            panic!("{seen:?}")
        };
        let Seen::Request { header, timing: Some(timing), data: of_request } = asked else {
            panic!("{asked:?}")
        };
        assert_eq!((header.id, header.ty, timing.remaining), (3, TYPE_WRITE, 2));
        assert_eq!((&of_request.shown[..], of_request.octets), (&data[..SHOWN_MAX], 5000));
        let Seen::Response { header, result, .. } = answered else { panic!("{answered:?}") };
        assert_eq!((header.id, result), (3, &Err("Bus error".to_owned())));
    }
}

#[test]
fn a_malformed_message_is_told_and_the_next_one_understood() {
    let mut octets = handshake();
    octets.push((Direction::ToServer, raw::message(&[b"what", b"is", b"this"])));
    octets.push((Direction::ToServer, raw::timed(4, 8, raw::READ, [1, 2, 3], None)));
    octets.push((Direction::ToClient, raw::message(&[b"and this"])));
    let seen = seen_in(&octets, usize::MAX);
    assert!(matches!(seen[2].1, Seen::Malformed(_)), "{seen:?}");
    assert_eq!(requests(&seen)[0].ty, TYPE_READ);
    assert!(matches!(seen[4].1, Seen::Malformed(_)), "{seen:?}");
}

#[test]
fn what_is_no_zmtp_is_told_once() {
    for first in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0]] {
        let mut octets = vec![(Direction::ToServer, first.to_vec())];
        octets.push((Direction::ToServer, vec![0; 200]));
        octets.push((Direction::ToServer, vec![1; 200]));
        let seen = seen_in(&octets, usize::MAX);
        assert!(matches!(&seen[..], [(_, Seen::Undecodable(_))]), "{seen:?}");
    }
    let mut octets = handshake();
    // An end that sends an error has said its last word.
    octets.push((Direction::ToClient, raw::command("ERROR", b"\x04full")));
    octets.push((Direction::ToClient, raw::message(&[b"and this"])));
    let seen = seen_in(&octets, usize::MAX);
    let [_, _, (_, Seen::Undecodable(text))] = &seen[..] else { panic!("{seen:?}") };
    assert!(text.contains("full"), "{text}");
}
