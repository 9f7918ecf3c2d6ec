//! Both message kinds against the same sessions: golden octets, every malformation, and fast and
//! slow decoding compared.

use super::*;
use crate::proto::zmtp::frame::encode_message;
use crate::proto::zmtp::greeting::Greeting;
use crate::proto::zmtp::{Limits, Role, Session, ZmtpError};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use testkit_base::network::cut;

const FRAME_OCTETS_MAX: u64 = 2 << 20;

fn header(id: u32, address: u64, size: u32, ty: u32) -> Header {
    Header { id, address, size, ty }
}

/// A receiving session whose handshake is complete.
fn session() -> Session {
    session_with_limit(FRAME_OCTETS_MAX)
}

fn session_with_limit(frame_octets_max: u64) -> Session {
    let mut session = Session::new(Role::Pull, Limits { frame_octets_max });
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

/// A whole or a malformed message, from any decoder.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Request(Header, Vec<u8>),
    Timed(Header, Timing, Vec<u8>),
    Response(Header, Vec<u8>, Vec<u8>),
    Malformed(Malformed),
    Ping,
}

impl Seen {
    fn request(header: Header, timing: Option<Timing>, data: Vec<u8>) -> Seen {
        match timing {
            Some(timing) => Seen::Timed(header, timing, data),
            None => Seen::Request(header, data),
        }
    }
}

/// Decodes `chunks` as requests with `decoder`. `direct`: the data is taken out of the input, as by
/// an owner that reads it from the socket to its destination.
fn requests<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    direct: bool,
    mut decoder: RequestDecoder,
) -> (Vec<Seen>, Option<ZmtpError>) {
    let mut session = session();
    let mut seen = Vec::new();
    let mut open: Option<(Header, Option<Timing>, Vec<u8>)> = None;
    for mut rest in chunks {
        loop {
            let remaining = decoder.data_remaining(&session).min(rest.len() as u64) as usize;
            if direct && remaining > 0 {
                let (.., data) = open.as_mut().unwrap();
                data.extend_from_slice(&rest[..remaining]);
                rest = &rest[remaining..];
                if decoder.data_received(&mut session, remaining as u64) {
                    let (header, timing, data) = open.take().unwrap();
                    seen.push(Seen::request(header, timing, data));
                }
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
                Some(RequestEvent::Complete(WholeRequest { header, timing, data })) => {
                    assert!(open.is_none());
                    seen.push(Seen::request(header, timing, data.to_vec()));
                }
                Some(RequestEvent::Start { header, timing }) => {
                    assert!(header.carries_data() && header.size > 0);
                    assert!(open.replace((header, timing, Vec::new())).is_none());
                }
                Some(RequestEvent::Data { bytes, last }) => {
                    let (.., data) = open.as_mut().unwrap();
                    data.extend_from_slice(bytes);
                    if last {
                        let (header, timing, data) = open.take().unwrap();
                        seen.push(Seen::request(header, timing, data));
                    }
                }
                Some(RequestEvent::Malformed(malformed)) => {
                    assert!(open.is_none(), "the data of a malformed request was reported");
                    seen.push(Seen::Malformed(malformed));
                }
                Some(RequestEvent::Session(_)) => seen.push(Seen::Ping),
            }
        }
    }
    (seen, None)
}

/// Decodes `chunks` as responses, see [`requests`].
fn responses<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    direct: bool,
) -> (Vec<Seen>, Option<ZmtpError>) {
    let (mut session, mut decoder) = (session(), ResponseDecoder::new());
    let mut seen = Vec::new();
    let mut open: Option<(Header, u64, Vec<u8>)> = None;
    for mut rest in chunks {
        loop {
            let remaining = decoder.payload_remaining(&session).min(rest.len() as u64) as usize;
            if direct && remaining > 0 {
                open.as_mut().unwrap().2.extend_from_slice(&rest[..remaining]);
                rest = &rest[remaining..];
                decoder.payload_received(&mut session, remaining as u64);
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
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    assert!(open.is_none());
                    seen.push(Seen::Response(header, payload.to_vec(), result.to_vec()));
                }
                Some(ResponseEvent::Start { header, payload_octets }) => {
                    assert!(open.replace((header, payload_octets, Vec::new())).is_none());
                }
                Some(ResponseEvent::Payload { bytes, last }) => {
                    let (_, octets, payload) = open.as_mut().unwrap();
                    payload.extend_from_slice(bytes);
                    assert_eq!(last, payload.len() as u64 == *octets);
                }
                Some(ResponseEvent::End { result }) => {
                    let (header, octets, payload) = open.take().unwrap();
                    assert_eq!(payload.len() as u64, octets);
                    seen.push(Seen::Response(header, payload, result.to_vec()));
                }
                Some(ResponseEvent::Malformed(malformed)) => {
                    open = None;
                    seen.push(Seen::Malformed(malformed));
                }
                Some(ResponseEvent::Session(_)) => seen.push(Seen::Ping),
            }
        }
    }
    (seen, None)
}

type Decode = fn(&[&[u8]], bool) -> (Vec<Seen>, Option<ZmtpError>);

fn request_decode(chunks: &[&[u8]], direct: bool) -> (Vec<Seen>, Option<ZmtpError>) {
    requests(chunks.iter().copied(), direct, RequestDecoder::new())
}

fn timed_decode(chunks: &[&[u8]], direct: bool) -> (Vec<Seen>, Option<ZmtpError>) {
    requests(chunks.iter().copied(), direct, RequestDecoder::timed())
}

fn response_decode(chunks: &[&[u8]], direct: bool) -> (Vec<Seen>, Option<ZmtpError>) {
    responses(chunks.iter().copied(), direct)
}

/// The result of `decode` for `input` in one piece, after a check that the input octet by octet,
/// and with data read by the owner, gives the same.
fn decoded(decode: Decode, input: &[u8]) -> Vec<Seen> {
    let whole = decode(&[input], false);
    let octets: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(decode(&octets, false), whole);
    assert_eq!(decode(&[input], true), whole);
    assert_eq!(decode(&octets, true), whole);
    assert_eq!(whole.1, None);
    whole.0
}

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_message(parts, &mut out);
    out
}

const ID: &[u8] = &[7, 0, 0, 0];
const ADDRESS: &[u8] = &[0, 0x10, 0, 0, 0, 0, 0, 0];
const FOUR: &[u8] = &[4, 0, 0, 0];
const ZERO: &[u8] = &[0; 4];
const READ: &[u8] = &[1, 0, 0, 0];
const WRITE: &[u8] = &[2, 0, 0, 0];
const PROBE: &[u8] = &[0xfe, 0xff, 0xff, 0xff];

// ---------------------------------------------------------------------- golden octets

#[test]
fn d95_requests_have_the_documented_octets_on_every_host() {
    let mut out = Vec::new();
    encode_request(&header(1, 0x1000, 4, TYPE_READ), None, b"", &mut out);
    let read = b"\x01\x04\x01\0\0\0\x01\x08\0\x10\0\0\0\0\0\0\x01\x04\x04\0\0\0\0\x04\x01\0\0\0";
    assert_eq!(out, read);
    out.clear();
    encode_request(&header(2, 0x1000, 4, TYPE_WRITE), None, b"\0\x01\x02\x03", &mut out);
    let write = b"\x01\x04\x02\0\0\0\x01\x08\0\x10\0\0\0\0\0\0\x01\x04\x04\0\0\0\x01\x04\x02\0\0\0\
                  \0\x04\0\x01\x02\x03";
    assert_eq!(out, write);
}

#[test]
fn f02_a_timed_request_has_its_times_between_type_and_data() {
    let (timing, mut out) = (Timing { sent: 5, remaining: 6, timeout: 0x0708 }, Vec::new());
    encode_request(&header(1, 0x1000, 4, TYPE_READ), Some(&timing), b"", &mut out);
    let read = b"\x01\x04\x01\0\0\0\x01\x08\0\x10\0\0\0\0\0\0\x01\x04\x04\0\0\0\x01\x04\x01\0\0\0\
                 \0\x18\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0";
    assert_eq!(out, read);
    let mut out = Vec::new();
    encode_request(&header(2, 0x1000, 4, TYPE_WRITE), Some(&timing), b"\0\x01\x02\x03", &mut out);
    let write = b"\x01\x04\x02\0\0\0\x01\x08\0\x10\0\0\0\0\0\0\x01\x04\x04\0\0\0\x01\x04\x02\0\0\0\
                  \x01\x18\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\
                  \0\x04\0\x01\x02\x03";
    assert_eq!(out, write);
}

#[test]
fn f02_a_timed_request_without_its_times_is_malformed() {
    let times = [9; 24];
    let timing = Timing::from_octets(&times);
    for (ty, data) in [(READ, None), (WRITE, Some(FOUR))] {
        let number = u32::from(ty[0]);
        for octets in [0, 4, 8, 23, 25, 300] {
            let bad = vec![9; octets];
            let mut parts = vec![ID, ADDRESS, FOUR, ty, &bad];
            parts.extend(data);
            let sizes = Malformed::RequestSizes {
                id: 4,
                address: 8,
                size: 4,
                ty: 4,
                timing: Some(octets as u64),
            };
            assert_eq!(decoded(timed_decode, &message(&parts)), [Seen::Malformed(sizes)]);
            assert_eq!(
                sizes.to_string(),
                format!("Bad message sizes. id=4 addr=8 size=4 type=4 timing={octets}")
            );
        }
        let parts = decoded(timed_decode, &message(&[ID, ADDRESS, FOUR, ty]));
        assert_eq!(parts, [Seen::Malformed(Malformed::PartCount { parts: 4, is_end: false })]);
        let mut parts = vec![ID, ADDRESS, FOUR, ty, &times];
        parts.extend(data);
        let expected = header(7, 0x1000, 4, number);
        let data = data.unwrap_or_default().to_vec();
        assert_eq!(decoded(timed_decode, &message(&parts)), [Seen::Timed(expected, timing, data)]);
    }
    let write = header(7, 0x1000, 4, TYPE_WRITE);
    let seen = decoded(timed_decode, &message(&[ID, ADDRESS, FOUR, WRITE, &times, b"abc"]));
    let malformed = Malformed::WriteData { header: write, data: Some(3) };
    assert_eq!(seen, [Seen::Malformed(malformed)]);
}

#[test]
fn d95_responses_have_the_documented_octets_on_every_host() {
    let mut out = Vec::new();
    encode_response(&header(1, 0x1000, 4, TYPE_READ), &[0; 4], RESULT_OK, &mut out);
    let read = b"\x01\x04\x01\0\0\0\x01\x08\0\x10\0\0\0\0\0\0\x01\x04\x04\0\0\0\x01\x04\x01\0\0\0\
                 \x01\x04\0\0\0\0\0\x02OK";
    assert_eq!(out, read);
    out.clear();
    encode_response(&header(1, 0, 0, TYPE_PROBE), b"", RESULT_OK, &mut out);
    let probe =
        b"\x01\x04\x01\0\0\0\x01\x08\0\0\0\0\0\0\0\0\x01\x04\0\0\0\0\x01\x04\xfe\xff\xff\xff\
                  \x01\0\0\x02OK";
    assert_eq!(out, probe);
}

#[test]
fn head_and_tail_around_the_payload_are_the_whole_message() {
    for size in (0..40).chain([255, 256, 70_000]) {
        let payload = vec![0x5a; size];
        for ty in [TYPE_READ, TYPE_WRITE, TYPE_POST, TYPE_VERIFY, TYPE_PROBE, 9] {
            let header = header(0x0102_0304, 0x1122_3344_5566_7788, size as u32, ty);
            let (mut whole, mut parts) = (vec![0xee], vec![0xee]);
            for timing in [None, Some(&Timing { sent: 1, remaining: 2, timeout: 3 })] {
                let before = parts.len();
                encode_request(&header, timing, &payload, &mut whole);
                encode_request_head(&header, timing, &mut parts);
                assert!(parts.len() <= before + HEAD_OCTETS_MAX);
                if header.carries_data() {
                    parts.extend_from_slice(&payload);
                }
                assert_eq!(whole, parts);
            }
            for result in [RESULT_OK, b"bad", b"no"] {
                encode_response(&header, &payload, result, &mut whole);
                encode_response_head(&header, payload.len() as u64, &mut parts);
                parts.extend_from_slice(&payload);
                encode_response_tail(result, &mut parts);
                assert_eq!(whole, parts);
            }
        }
    }
}

#[test]
fn whole_messages_survive_at_every_size_and_shorter_input_is_not_whole() {
    for size in [0, 1, 3, 255, 256, 300] {
        for result_octets in [0, 2, 255, 256, RESULT_OCTETS_MAX] {
            let payload = vec![0x5a; size];
            let result = vec![b'r'; result_octets];
            let header = header(u32::MAX, u64::MAX, size as u32, TYPE_POST);
            for timing in [None, Some(Timing { sent: 1, remaining: 2, timeout: 3 })] {
                let mut request = Vec::new();
                encode_request(&header, timing.as_ref(), &payload, &mut request);
                for cut in 0..request.len() {
                    assert_eq!(decode_whole_request(&request[..cut], timing.is_some()), None);
                }
                let request_len = request.len();
                request.extend_from_slice(b"\x01\x04");
                let expected = WholeRequest { header, timing, data: &payload };
                let found = decode_whole_request(&request, timing.is_some());
                assert_eq!(found, Some((expected, request_len)));
                assert_eq!(decode_whole_request(&request, timing.is_none()), None);
            }
            let mut response = Vec::new();
            encode_response(&header, &payload, &result, &mut response);
            for cut in 0..response.len() {
                assert_eq!(decode_whole_response(&response[..cut]), None);
            }
            let response_len = response.len();
            response.extend_from_slice(b"\x01\x04");
            let expected = Some((header, &payload[..], &result[..], response_len));
            assert_eq!(decode_whole_response(&response), expected);
        }
    }
}

// ---------------------------------------------------------------------- malformed requests

#[test]
fn d11_requests_of_any_part_count_are_counted_and_do_no_harm() {
    let good = message(&[ID, ADDRESS, FOUR, READ]);
    for parts in (1..4).chain(6..20).chain([100, 1000]) {
        let mut all: Vec<&[u8]> = vec![ID, ADDRESS, FOUR, WRITE, FOUR, FOUR];
        all.resize(parts, &[1; 300]);
        let input = [message(&all), good.clone()].concat();
        let seen = decoded(request_decode, &input);
        let malformed = Malformed::PartCount { parts: parts as u64, is_end: false };
        let read = Seen::Request(header(7, 0x1000, 4, TYPE_READ), vec![]);
        assert_eq!(seen, [Seen::Malformed(malformed), read]);
        assert!(!malformed.is_worth_a_warning());
    }
}

#[test]
fn requests_with_wrong_part_sizes_are_reported_in_the_references_words() {
    let wrong: [&[u8]; 4] = [b"", &[0; 3], &[0; 5], &[0; 300]];
    for at in 0..4 {
        for bad in wrong {
            for data in [false, true] {
                let mut parts = vec![ID, ADDRESS, FOUR, WRITE];
                parts[at] = bad;
                if data {
                    parts.push(FOUR);
                }
                let seen = decoded(request_decode, &message(&parts));
                let [Seen::Malformed(malformed)] = seen[..] else { panic!("{seen:?}") };
                assert!(malformed.is_worth_a_warning());
                let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                let expected = format!(
                    "Bad message sizes. id={} addr={} size={} type={}",
                    sizes[0], sizes[1], sizes[2], sizes[3]
                );
                assert_eq!(malformed.to_string(), expected);
            }
        }
    }
}

#[test]
fn writes_without_data_or_with_another_amount_are_dropped() {
    let malformed = |parts: &[&[u8]]| match decoded(request_decode, &message(parts))[..] {
        [Seen::Malformed(malformed)] => malformed,
        ref seen => panic!("{seen:?}"),
    };
    let write = header(7, 0x1000, 4, TYPE_WRITE);
    let expected = |data| Malformed::WriteData { header: write, data };
    assert_eq!(malformed(&[ID, ADDRESS, FOUR, WRITE]), expected(None));
    for octets in [0, 1, 3, 5, 300] {
        let found = malformed(&[ID, ADDRESS, FOUR, WRITE, &vec![9; octets]]);
        assert_eq!(found, expected(Some(octets as u64)));
        assert_eq!(found.to_string(), "Transaction write data error. Id=7");
    }
    let none = malformed(&[ID, ADDRESS, ZERO, WRITE]);
    let write = header(7, 0x1000, 0, TYPE_WRITE);
    assert_eq!(none, Malformed::WriteData { header: write, data: None });
}

#[test]
fn a_read_with_a_fifth_part_is_executed_as_a_read() {
    for ty in [1_u32, 4, 0, 5, 0xffff_ffff, 0xffff_fffd] {
        for octets in [0, 4, 300] {
            let parts: [&[u8]; 5] = [ID, ADDRESS, FOUR, &ty.to_le_bytes(), &vec![1; octets]];
            let seen = decoded(request_decode, &message(&parts));
            assert_eq!(seen, [Seen::Request(header(7, 0x1000, 4, ty), vec![])]);
        }
    }
}

#[test]
fn probes_with_a_size_or_a_fifth_part_are_dropped() {
    let probe = header(7, 0x1000, 0, TYPE_PROBE);
    let seen = decoded(request_decode, &message(&[ID, ADDRESS, ZERO, PROBE]));
    assert_eq!(seen, [Seen::Request(probe, vec![])]);
    for (parts, size, data) in [
        (vec![ID, ADDRESS, FOUR, PROBE], 4, None),
        (vec![ID, ADDRESS, FOUR, PROBE, FOUR], 4, Some(4)),
        (vec![ID, ADDRESS, ZERO, PROBE, b""], 0, Some(0)),
        (vec![ID, ADDRESS, ZERO, PROBE, FOUR], 0, Some(4)),
    ] {
        let seen = decoded(request_decode, &message(&parts));
        let header = header(7, 0x1000, size, TYPE_PROBE);
        assert_eq!(seen, [Seen::Malformed(Malformed::Probe { header, data })]);
    }
}

#[test]
fn torn_messages_of_an_overloaded_client_do_not_hide_the_next_request() {
    let write = message(&[ID, ADDRESS, FOUR, WRITE, b"abcd"]);
    let input = [
        message(&[ADDRESS, FOUR, WRITE, b"abcd"]),
        write.clone(),
        message(&[FOUR, READ]),
        message(&[b""]),
        write.clone(),
    ]
    .concat();
    let sizes = Malformed::RequestSizes { id: 8, address: 4, size: 4, ty: 4, timing: None };
    let good = Seen::Request(header(7, 0x1000, 4, TYPE_WRITE), b"abcd".to_vec());
    assert_eq!(
        decoded(request_decode, &input),
        [
            Seen::Malformed(sizes),
            good.clone(),
            Seen::Malformed(Malformed::PartCount { parts: 2, is_end: false }),
            Seen::Malformed(Malformed::PartCount { parts: 1, is_end: false }),
            good,
        ]
    );
}

#[test]
fn a_write_of_nothing_needs_an_empty_fifth_part() {
    let seen = decoded(request_decode, &message(&[ID, ADDRESS, ZERO, WRITE, b""]));
    assert_eq!(seen, [Seen::Request(header(7, 0x1000, 0, TYPE_WRITE), vec![])]);
}

#[test]
fn an_incomplete_write_is_never_reported_complete() {
    let input = message(&[ID, ADDRESS, FOUR, WRITE, b"abcd"]);
    for cut in 0..input.len() {
        assert_eq!(decoded(request_decode, &input[..cut]), []);
    }
}

#[test]
fn a_huge_announced_write_costs_nothing_and_a_too_large_one_ends_the_connection() {
    let mut input = message(&[ID, ADDRESS, &u32::MAX.to_le_bytes(), WRITE, b""]);
    input.truncate(HEADER_FRAMES_OCTETS);
    input.extend_from_slice(b"\x02\x00\x00\x00\x00\xff\xff\xff\xff");
    let (seen, error) = request_decode(&[&input[..]], false);
    let limit = FRAME_OCTETS_MAX;
    assert_eq!(seen, []);
    assert_eq!(error, Some(ZmtpError::FrameTooLarge { len: u64::from(u32::MAX), limit }));
}

#[test]
fn fast_and_slow_decoding_obey_the_same_frame_limit() {
    let request = message(&[ID, ADDRESS, &[9, 0, 0, 0], WRITE, &[1; 9]]);
    let long_payload = message(&[ID, ADDRESS, FOUR, READ, &[1; 9], b"OK"]);
    let long_result = message(&[ID, ADDRESS, FOUR, READ, b"data", b"not found"]);
    for limit in 0..12 {
        let fits = limit >= 9;
        let mut receiver = session_with_limit(limit);
        let outcome = RequestDecoder::new().receive(&mut receiver, &request);
        assert_eq!(outcome.is_ok(), fits, "limit {limit}");
        let mut receiver = session_with_limit(limit);
        let mut decoder = ResponseDecoder::new();
        let outcome = decoder.receive(&mut receiver, &long_payload);
        assert_eq!(outcome.is_ok(), fits, "limit {limit}");
        let whole = |event: Option<ResponseEvent<'_>>| {
            matches!(event, Some(ResponseEvent::Complete { .. }))
        };
        let mut receiver = session_with_limit(limit);
        let mut decoder = ResponseDecoder::new();
        let outcome = decoder.receive(&mut receiver, &long_result);
        assert_eq!(outcome.is_ok_and(|(_, event)| whole(event)), fits, "limit {limit}");
    }
}

// ---------------------------------------------------------------------- malformed responses

#[test]
fn d11_responses_of_any_part_count_are_counted_and_do_no_harm() {
    let good = message(&[ID, ADDRESS, FOUR, READ, b"data", b"OK"]);
    for parts in (1..6).chain(7..20).chain([100, 1000]) {
        let mut all: Vec<&[u8]> = vec![ID, ADDRESS, FOUR, READ, FOUR, b"OK"];
        all.resize(parts, &[1; 300]);
        let input = [message(&all), good.clone()].concat();
        let seen = decoded(response_decode, &input);
        let malformed = Malformed::PartCount { parts: parts as u64, is_end: false };
        let read = header(7, 0x1000, 4, TYPE_READ);
        let read = Seen::Response(read, b"data".to_vec(), b"OK".to_vec());
        assert_eq!(seen, [Seen::Malformed(malformed), read]);
    }
}

#[test]
fn responses_with_wrong_part_sizes_are_reported_in_the_references_words() {
    let wrong: [&[u8]; 4] = [b"", &[0; 3], &[0; 5], &[0; 300]];
    let check = |parts: &[&[u8]]| {
        let seen = decoded(response_decode, &message(parts));
        let [Seen::Malformed(malformed)] = seen[..] else { panic!("{seen:?}") };
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let expected = format!(
            "Bad message sizes. id={} addr={} size={} type={} result={}",
            sizes[0], sizes[1], sizes[2], sizes[3], sizes[5]
        );
        assert_eq!(malformed.to_string(), expected);
    };
    for at in 0..4 {
        for bad in wrong {
            let mut parts = [ID, ADDRESS, FOUR, READ, b"data", b"OK"];
            parts[at] = bad;
            check(&parts);
        }
    }
}

#[test]
fn f10_a_result_of_any_length_is_taken_and_a_very_long_one_cut() {
    let good = message(&[ID, ADDRESS, FOUR, READ, b"data", b"OK"]);
    let read = header(7, 0x1000, 4, TYPE_READ);
    let of = |result: &[u8]| Seen::Response(read, b"data".to_vec(), result.to_vec());
    for octets in [999, 1000, 9999, 65_536] {
        let text = vec![b'x'; octets];
        let input = message(&[ID, ADDRESS, FOUR, READ, b"data", &text]);
        assert_eq!(
            decoded(response_decode, &[input, good.clone()].concat()),
            [of(&text), of(b"OK")]
        );
    }
    for octets in [RESULT_KEPT_OCTETS_MAX, RESULT_KEPT_OCTETS_MAX + 100_000] {
        let text = vec![b'x'; octets];
        let input = [message(&[ID, ADDRESS, FOUR, READ, b"data", &text]), good.clone()].concat();
        let pieces: Vec<&[u8]> = input.chunks(65_536).collect();
        let expected = vec![of(&text[..RESULT_KEPT_OCTETS_MAX]), of(b"OK")];
        assert_eq!(response_decode(&pieces, false), (expected.clone(), None));
        assert_eq!(response_decode(&[&input], true), (expected, None));
    }
}

#[test]
fn payload_and_result_of_any_length_are_handed_over_for_the_owner_to_judge() {
    for payload in [&b""[..], b"abc", &[3; 300]] {
        for result in [&b""[..], b"OK", &[0; 4], &[b'e'; 256]] {
            let parts = [ID, ADDRESS, FOUR, WRITE, payload, result];
            let write = header(7, 0x1000, 4, TYPE_WRITE);
            let expected = [Seen::Response(write, payload.to_vec(), result.to_vec())];
            assert_eq!(decoded(response_decode, &message(&parts)), expected);
        }
    }
}

// ---------------------------------------------------------------------- fast against slow

/// Random messages, some of them damaged, some commands, some garbage.
fn random_stream(rng: &mut ChaCha8Rng, parts_min: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..rng.random_range(1..8) {
        let size = *[0_u32, 1, 4, 8, 255, 256, 600].choose(rng).unwrap();
        let ty = *[1, 2, 3, 4, TYPE_PROBE, 9].choose(rng).unwrap();
        let sent = header(rng.random(), rng.random(), size, ty);
        let payload: Vec<u8> = (0..size).map(|_| rng.random()).collect();
        match rng.random_range(0..10) {
            0 => out.extend_from_slice(b"\x04\x07\x04PING\0\0"),
            1 => {
                let count = rng.random_range(1..8);
                let sizes = [0, 4, 4, 4, 8, 8, 300];
                let parts: Vec<Vec<u8>> =
                    (0..count).map(|_| vec![1; *sizes.choose(rng).unwrap()]).collect();
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                encode_message(&parts, &mut out);
            }
            _ if parts_min == 6 => {
                let result = vec![b'r'; *[0, 2, 4, 255, 999, 1000].choose(rng).unwrap()];
                encode_message(&[ID, ADDRESS, FOUR, READ, &payload, &result], &mut out);
            }
            _ => {
                let timing = Timing { sent: rng.random(), remaining: rng.random(), timeout: 0 };
                let timing = rng.random_bool(0.5).then_some(timing);
                encode_request(&sent, timing.as_ref(), &payload, &mut out);
            }
        }
    }
    if rng.random_bool(0.5) {
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..out.len());
            out[at] = *[0, 1, 2, 4, 8, 0xff, rng.random()].choose(rng).unwrap();
        }
    }
    out
}

/// Cuts `input` at random places.
fn random_chunks<'a>(rng: &mut ChaCha8Rng, input: &'a [u8]) -> Vec<&'a [u8]> {
    let longest = *[2, 10, 100, 5000].choose(rng).unwrap();
    cut(input, longest, rng)
}

#[test]
fn any_split_of_any_stream_decodes_to_the_same_messages() {
    let decoders = [(request_decode as Decode, 4), (timed_decode, 4), (response_decode, 6)];
    for (decode, parts_min) in decoders {
        for seed in 0..300 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let input = random_stream(&mut rng, parts_min);
            let whole = decode(&[&input], false);
            let octets: Vec<&[u8]> = input.chunks(1).collect();
            assert_eq!(decode(&octets, false), whole, "seed {seed}");
            for direct in [false, true] {
                let chunks = random_chunks(&mut rng, &input);
                assert_eq!(decode(&chunks, direct), whole, "seed {seed}, direct {direct}");
            }
        }
    }
}

#[test]
fn garbage_never_panics_and_splits_alike() {
    for seed in 0..1000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let len = rng.random_range(1..400);
        let input: Vec<u8> = (0..len)
            .map(|_| rng.random::<u8>() & *[0x07, 0xff].choose(&mut rng).unwrap())
            .collect();
        for decode in [request_decode as Decode, timed_decode, response_decode] {
            let whole = decode(&[&input], false);
            let chunks = random_chunks(&mut rng, &input);
            assert_eq!(decode(&chunks, true), whole, "seed {seed}");
        }
    }
}
