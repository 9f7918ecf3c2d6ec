//! Captures of real peers: every octet is decoded, in any split, and encoded again identically.
//!
//! `tests/vectors/zmtp_*.jsonl` were recorded between Rogue's bridge, libzmq 4.3.4, SURF's
//! simulation module and a few hand-written peers. One JSON object per line: connection, direction
//! (`c2l` from the connecting to the listening end, `l2c` back, `-` a remark), octets.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::bridge::{self, PeerInfo, RequestDecoder, RequestEvent};
use rogue_mem::proto::bridge::{ResponseDecoder, ResponseEvent};
use rogue_mem::proto::zmtp::command::{self, Ping};
use rogue_mem::proto::zmtp::frame::{self, FrameHeader};
use rogue_mem::proto::zmtp::greeting::{Greeting, GREETING_OCTETS};
use rogue_mem::proto::zmtp::metadata::SOCKET_TYPE;
use rogue_mem::proto::zmtp::{Event, Limits, Metadata, Role, Session, ZmtpError};
use std::collections::BTreeMap;
use testkit::network::cut;
use testkit::vectors::{from_hex, lines};

const CAPTURES: [&str; 8] = [
    "zmtp_bridge_session",
    "zmtp_push_connects_pull_binds",
    "zmtp_pull_connects_push_binds",
    "zmtp_reconnect",
    "zmtp_ping_pong",
    "zmtp_two_clients",
    "zmtp_surf_session",
    "zmtp_x_property",
];

/// Captures of the memory bridge, with the requests and responses in each.
const BRIDGE_CAPTURES: [(&str, usize, usize); 5] = [
    ("zmtp_bridge_session", 18, 18),
    ("zmtp_reconnect", 3, 2),
    ("zmtp_two_clients", 6, 6),
    ("zmtp_surf_session", 10, 10),
    ("zmtp_x_property", 5, 5),
];

/// What one end of one connection sent.
struct Stream {
    name: String,
    octets: Vec<u8>,
    /// What the other end sent.
    reverse: Vec<u8>,
}

fn rows(capture: &str) -> Vec<serde_json::Value> {
    lines(capture).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn streams(capture: &str) -> Vec<Stream> {
    let mut sent: BTreeMap<(String, bool), Vec<u8>> = BTreeMap::new();
    for row in rows(capture) {
        let name = row["conn"].as_str().unwrap().to_owned();
        let is_reverse = match row["dir"].as_str().unwrap() {
            "c2l" => false,
            "l2c" => true,
            _ => continue,
        };
        let octets = from_hex(row["hex"].as_str().unwrap());
        sent.entry((name, is_reverse)).or_default().extend(octets);
    }
    let both = sent.clone();
    let reverse = |name: &str, is: bool| both.get(&(name.to_owned(), !is)).cloned();
    sent.into_iter()
        .map(|((name, is_reverse), octets)| Stream {
            reverse: reverse(&name, is_reverse).unwrap_or_default(),
            name: format!("{capture} {name} {}", if is_reverse { "l2c" } else { "c2l" }),
            octets,
        })
        .collect()
}

/// One thing that a peer said, from a reading of the stream that knows frames but no session.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Ready(Vec<(Vec<u8>, Vec<u8>)>),
    Part(Vec<u8>, bool),
    Ping(u16, Vec<u8>),
    Pong(Vec<u8>),
}

fn items(octets: &[u8]) -> Vec<Item> {
    let mut rest = &octets[GREETING_OCTETS..];
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (header, start) = FrameHeader::decode(rest).unwrap();
        let (body, after) = rest[start..].split_at(header.len as usize);
        rest = after;
        if !header.command {
            items.push(Item::Part(body.to_vec(), header.more));
            continue;
        }
        items.push(match command::split(body).unwrap() {
            (b"READY", data) => {
                let metadata = Metadata::decode(data).unwrap();
                Item::Ready(metadata.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect())
            }
            (b"PING", data) => {
                let (ttl, context) = data.split_first_chunk::<2>().unwrap();
                Item::Ping(u16::from_be_bytes(*ttl), context.to_vec())
            }
            (b"PONG", context) => Item::Pong(context.to_vec()),
            (name, _) => panic!("command {name:?}"),
        });
    }
    items
}

/// What a session with the fitting role makes of the chunks; contexts are not reported. Also the
/// octets it wants to send.
fn session_items(role: Role, chunks: &[&[u8]]) -> Result<(Vec<Item>, Vec<u8>), ZmtpError> {
    let mut session = Session::new(role, Limits::default());
    session.send_ready(&[]).unwrap();
    let mut output = Vec::new();
    session.take_output(&mut output);
    output.clear();
    let mut items = Vec::new();
    let mut part = Vec::new();
    let mut part_more = false;
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let (used, event) = session.receive(rest)?;
            rest = &rest[used..];
            match event {
                None => break,
                Some(Event::PeerReady) => {
                    let metadata = session.peer_metadata().unwrap();
                    let owned = |(n, v): (&[u8], &[u8])| (n.to_vec(), v.to_vec());
                    items.push(Item::Ready(metadata.iter().map(owned).collect()));
                }
                Some(Event::PartStart { len: 0, more }) => items.push(Item::Part(vec![], more)),
                Some(Event::PartStart { more, .. }) => part_more = more,
                Some(Event::PartData { bytes, last }) => {
                    part.extend_from_slice(bytes);
                    if last {
                        items.push(Item::Part(std::mem::take(&mut part), part_more));
                    }
                }
                Some(Event::Ping { ttl_ds }) => items.push(Item::Ping(ttl_ds, vec![])),
                Some(Event::Pong) => items.push(Item::Pong(vec![])),
            }
        }
        assert!(rest.is_empty());
    }
    assert!(part.is_empty() && session.at_message_boundary());
    session.take_output(&mut output);
    Ok((items, output))
}

/// Role of the end that sent this.
fn sender_role(items: &[Item]) -> Role {
    let Some(Item::Ready(properties)) = items.first() else { panic!("no READY: {items:?}") };
    match &properties[0] {
        (name, value) if name == SOCKET_TYPE.as_bytes() && value == b"PUSH" => Role::Push,
        (name, value) if name == SOCKET_TYPE.as_bytes() && value == b"PULL" => Role::Pull,
        other => panic!("{other:?}"),
    }
}

/// In whole, octet by octet, and cut at random.
fn splits(octets: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut rng = ChaCha8Rng::seed_from_u64(octets.len() as u64);
    let mut splits = vec![vec![octets], octets.chunks(1).collect()];
    splits.extend((0..20).map(|_| {
        let longest = rng.random_range(2..200);
        cut(octets, longest, &mut rng)
    }));
    splits
}

#[test]
fn every_octet_of_every_capture_is_understood_in_any_split() {
    let mut octets = 0;
    for stream in CAPTURES.into_iter().flat_map(streams) {
        let raw = items(&stream.octets);
        let expected: Vec<Item> = raw
            .iter()
            .map(|item| match item {
                Item::Ping(ttl, _) => Item::Ping(*ttl, vec![]),
                Item::Pong(_) => Item::Pong(vec![]),
                other => other.clone(),
            })
            .collect();
        for chunks in splits(&stream.octets) {
            let (seen, _) = session_items(sender_role(&raw).peer(), &chunks).unwrap();
            assert_eq!(seen, expected, "{}", stream.name);
        }
        octets += stream.octets.len();
    }
    // Of all eight files together: nothing was skipped.
    assert_eq!(octets, 33_865 + 8_941 + 8_941 + 902 + 1_712 + 1_132 + 2_659 + 1_616);
}

#[test]
fn a_socket_of_the_same_type_is_refused_as_the_captures_peer() {
    for stream in CAPTURES.into_iter().flat_map(streams) {
        let role = sender_role(&items(&stream.octets));
        let outcome = session_items(role, &[&stream.octets]);
        let expected =
            ZmtpError::SocketType { peer: role.name().to_owned(), expected: role.peer().name() };
        assert_eq!(outcome, Err(expected), "{}", stream.name);
    }
}

#[test]
fn every_capture_is_encoded_again_octet_by_octet() {
    for stream in CAPTURES.into_iter().flat_map(streams) {
        let raw = items(&stream.octets);
        let Some(Item::Ready(properties)) = raw.first() else { panic!("{}", stream.name) };
        let extra: Vec<(&str, &[u8])> = properties[1..]
            .iter()
            .map(|(name, value)| (std::str::from_utf8(name).unwrap(), value.as_slice()))
            .collect();
        let mut out = Vec::new();
        let mut session = Session::new(sender_role(&raw), Limits::default());
        session.send_ready(&extra).unwrap();
        session.take_output(&mut out);
        for item in &raw[1..] {
            match item {
                Item::Ready(_) => panic!("{}: a second READY", stream.name),
                Item::Part(body, more) => {
                    frame::encode_frame_header(body.len() as u64, *more, &mut out);
                    out.extend_from_slice(body);
                }
                Item::Ping(ttl_ds, context) => {
                    Ping { ttl_ds: *ttl_ds, context }.encode(&mut out);
                }
                Item::Pong(context) => command::encode_pong(context, &mut out),
            }
        }
        // The padding of the signature has no meaning; libzmq ends it with 1, some hand-written
        // peers with 0. Ours is libzmq's.
        let mut expected = stream.octets.clone();
        assert!(expected[8] <= 1);
        expected[8] = 1;
        assert_eq!(out, expected, "{}", stream.name);
        let greeting = Greeting::decode(out.first_chunk().unwrap()).unwrap();
        assert_eq!(greeting, Greeting::new("NULL"));
    }
}

#[test]
fn pings_are_answered_exactly_as_libzmq_answers_them() {
    let mut answers = 0;
    for stream in streams("zmtp_ping_pong") {
        let raw = items(&stream.octets);
        let (_, output) = session_items(sender_role(&raw).peer(), &[&stream.octets]).unwrap();
        let mut expected = Vec::new();
        for item in items(&stream.reverse) {
            if let Item::Pong(context) = item {
                command::encode_pong(&context, &mut expected);
                answers += 1;
            }
        }
        assert_eq!(output, expected, "{}", stream.name);
    }
    assert_eq!(answers, 18);
}

// ---------------------------------------------------------------------- the bridge

type Response = (bridge::Header, Vec<u8>, Vec<u8>);

fn receiver() -> Session {
    let mut session = Session::new(Role::Pull, Limits::default());
    session.send_ready(&[]).unwrap();
    session
}

fn requests(chunks: &[&[u8]]) -> Vec<(bridge::Header, Vec<u8>)> {
    let (mut session, mut decoder) = (receiver(), RequestDecoder::new());
    let mut found = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let (used, event) = decoder.receive(&mut session, rest).unwrap();
            rest = &rest[used..];
            match event {
                None => break,
                Some(RequestEvent::Complete(one)) => found.push((one.header, one.data.into())),
                Some(RequestEvent::Start { header, .. }) => found.push((header, vec![])),
                Some(RequestEvent::Data { bytes, last }) => {
                    let (header, data) = found.last_mut().unwrap();
                    data.extend_from_slice(bytes);
                    assert_eq!(last, data.len() == header.size as usize);
                }
                Some(RequestEvent::Malformed(malformed)) => panic!("{malformed}"),
                Some(RequestEvent::Session(_)) => (),
            }
        }
    }
    assert!(session.at_message_boundary());
    found
}

fn responses(chunks: &[&[u8]]) -> Vec<Response> {
    let (mut session, mut decoder) = (receiver(), ResponseDecoder::new());
    let mut found: Vec<Response> = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let (used, event) = decoder.receive(&mut session, rest).unwrap();
            rest = &rest[used..];
            match event {
                None => break,
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    found.push((header, payload.into(), result.into()));
                }
                Some(ResponseEvent::Start { header, payload_octets }) => {
                    assert_eq!(payload_octets, u64::from(header.size));
                    found.push((header, vec![], vec![]));
                }
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    found.last_mut().unwrap().1.extend_from_slice(bytes);
                }
                Some(ResponseEvent::End { result }) => found.last_mut().unwrap().2 = result.into(),
                Some(ResponseEvent::Malformed(malformed)) => panic!("{malformed}"),
                Some(ResponseEvent::Session(_)) => (),
            }
        }
    }
    assert!(session.at_message_boundary());
    found
}

/// The octets after greeting and READY.
fn traffic(octets: &[u8]) -> &[u8] {
    let (ready, start) = FrameHeader::decode(&octets[GREETING_OCTETS..]).unwrap();
    &octets[GREETING_OCTETS + start + ready.len as usize..]
}

#[test]
fn bridge_messages_of_every_capture_are_decoded_and_encoded_again() {
    for (capture, request_count, response_count) in BRIDGE_CAPTURES {
        let (mut seen_requests, mut seen_responses) = (0, 0);
        for stream in streams(capture) {
            if sender_role(&items(&stream.octets)) != Role::Push {
                assert_eq!(traffic(&stream.octets), b"", "{}", stream.name);
                continue;
            }
            let mut out = Vec::new();
            if stream.name.ends_with("c2l") {
                let found = requests(&[&stream.octets]);
                for chunks in splits(&stream.octets) {
                    assert_eq!(requests(&chunks), found, "{}", stream.name);
                }
                for (header, data) in &found {
                    bridge::encode_request(header, None, data, &mut out);
                }
                seen_requests += found.len();
            } else {
                let found = responses(&[&stream.octets]);
                for chunks in splits(&stream.octets) {
                    assert_eq!(responses(&chunks), found, "{}", stream.name);
                }
                for (header, payload, result) in &found {
                    bridge::encode_response(header, payload, result, &mut out);
                }
                seen_responses += found.len();
            }
            assert_eq!(out, traffic(&stream.octets), "{}", stream.name);
        }
        assert_eq!((seen_requests, seen_responses), (request_count, response_count), "{capture}");
    }
}

/// Errors of the responses of one capture, in order, `None` for successes.
fn outcomes(capture: &str) -> Vec<Option<String>> {
    let is_response =
        |stream: &Stream| stream.name.ends_with("l2c") && !traffic(&stream.octets).is_empty();
    let all = streams(capture).into_iter().filter(is_response);
    all.flat_map(|stream| responses(&[&stream.octets]))
        .map(|(_, _, result)| bridge::evaluate_result(&result).err())
        .collect()
}

#[test]
fn results_of_the_reference_server_are_told_apart() {
    let errors: Vec<String> = outcomes("zmtp_bridge_session").into_iter().flatten().collect();
    assert_eq!(
        errors,
        [
            "Bus error at 0x10000040",
            "Bus error at 0x10000044",
            "Bus error at 0x10000048",
            "100%% sure %s"
        ]
    );
    for capture in ["zmtp_reconnect", "zmtp_two_clients", "zmtp_x_property"] {
        assert!(outcomes(capture).iter().all(Option::is_none), "{capture}");
    }
}

#[test]
fn results_of_the_simulation_are_bus_responses() {
    let outcomes = outcomes("zmtp_surf_session");
    let errors: Vec<&str> = outcomes.iter().flatten().map(String::as_str).collect();
    assert_eq!(outcomes.len(), 10);
    assert!(errors[0].starts_with("AXI bus error SLVERR (2)"), "{errors:?}");
    assert!(errors[1].starts_with("AXI bus error DECERR (3)"), "{errors:?}");
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_failed_read_of_the_reference_carries_a_payload_nobody_may_use() {
    let stream = streams("zmtp_bridge_session")
        .into_iter()
        .find(|stream| stream.name.contains("resp") && stream.name.ends_with("l2c"))
        .unwrap();
    let failed: Vec<Response> = responses(&[&stream.octets])
        .into_iter()
        .filter(|(header, _, result)| !header.carries_data() && result != bridge::RESULT_OK)
        .collect();
    assert_eq!(failed.len(), 3);
    for (header, payload, _) in failed {
        assert_eq!(payload.len(), header.size as usize);
    }
}

#[test]
fn properties_of_new_peers_are_understood() {
    let mut found = BTreeMap::new();
    for stream in streams("zmtp_x_property") {
        let (command, start) = FrameHeader::decode(&stream.octets[GREETING_OCTETS..]).unwrap();
        let body = &stream.octets[GREETING_OCTETS + start..][..command.len as usize];
        let metadata = Metadata::decode(&body[b"\x05READY".len()..]).unwrap();
        found.insert(stream.name, PeerInfo::from_metadata(&metadata));
    }
    let client = found["zmtp_x_property newclient_req#1 c2l"];
    assert_eq!(client, found["zmtp_x_property newclient_resp#1 c2l"]);
    let session = client.session.unwrap().to_string();
    assert_eq!(session, "0123456789abcdeffedcba9876543210");
    assert_eq!(client.bridge_level, Some(2));
    let server = found["zmtp_x_property newserver_req#1 l2c"];
    assert_eq!(server.server.unwrap().to_string(), "00112233445566778899aabbccddeeff");
    assert!(server.answers_probes());
    assert_eq!(found["zmtp_x_property newclient_req#1 l2c"], PeerInfo::default());
}

#[test]
fn parts_of_the_simulation_survive_as_messages() {
    let parts = |value: &serde_json::Value| -> Option<Vec<Vec<u8>>> {
        let parts = value.as_array()?;
        Some(parts.iter().map(|part| from_hex(part.as_str().unwrap())).collect())
    };
    let encoded = |parts: &[Vec<u8>]| {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut out = Vec::new();
        frame::encode_message(&parts, &mut out);
        out
    };
    let mut errors = Vec::new();
    for row in rows("sim_tcp_memory").iter().filter(|row| row["kind"] == "sim_reply") {
        let sent = encoded(&parts(&row["request_parts"]).unwrap());
        let (request, used) = bridge::decode_whole_request(&sent, false).unwrap();
        let mut again = Vec::new();
        bridge::encode_request(&request.header, None, request.data, &mut again);
        assert_eq!((used, &again), (sent.len(), &sent), "{row}");
        // One row has no answer: a size that the simulation cannot execute.
        let Some(reply) = parts(&row["reply_parts"]) else { continue };
        let reply = encoded(&reply);
        let (response, payload, result, used) = bridge::decode_whole_response(&reply).unwrap();
        assert_eq!(response, request.header, "{row}");
        errors.push(bridge::evaluate_result(result).err());
        let mut again = Vec::new();
        bridge::encode_response(&response, payload, result, &mut again);
        assert_eq!((used, again), (reply.len(), reply), "{row}");
    }
    assert_eq!((errors.len(), errors.iter().flatten().count()), (14, 6));
}
