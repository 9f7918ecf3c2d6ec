//! ZMTP: the elements of a connection, and a session as a whole.

use std::fmt::Debug;

use rogue_mem::proto::zmtp::frame::{FrameHeader, FLAG_LONG, SHORT_BODY_OCTETS_MAX};
use rogue_mem::proto::zmtp::greeting::{check_prefix, Greeting, GREETING_OCTETS};
use rogue_mem::proto::zmtp::metadata::encode_property;
use rogue_mem::proto::zmtp::{
    command, Event, Limits, Metadata, Role, Session, ZmtpError, CONTROL_OUTPUT_OCTETS_MAX,
};

use super::heap::bounded;
use super::input::{same_for_every_split, Cut, Input, Pieces};

/// Heap of one session beside the octets of its peer: our own READY, error texts, growth.
const SESSION_BYTES: usize = 4096;

/// Greeting, frame headers, commands and properties, each alone.
pub fn elements(data: &[u8]) {
    let (kind, rest) = data.split_first().unwrap_or((&0, &[]));
    match kind % 4 {
        0 => greeting(rest),
        1 => frame_header(rest),
        2 => commands(rest),
        _ => metadata(rest),
    }
}

fn greeting(octets: &[u8]) {
    let first_bad = (0..=octets.len()).find(|&count| check_prefix(&octets[..count]).is_err());
    let Some(whole) = octets.first_chunk::<GREETING_OCTETS>() else { return };
    match Greeting::decode(whole) {
        Err(error) => {
            assert!(first_bad.is_some_and(|count| count <= GREETING_OCTETS), "{error}");
            assert!(!error.to_string().is_empty());
        }
        Ok(greeting) => {
            assert!(first_bad.is_none_or(|count| count > GREETING_OCTETS));
            assert_eq!(Greeting::decode(&greeting.encode()), Ok(greeting));
            assert!(greeting.mechanism_text().chars().all(|c| !c.is_control()));
        }
    }
}

fn frame_header(octets: &[u8]) {
    let found = FrameHeader::decode(octets);
    let Some((header, used)) = found else {
        assert!(octets.len() < 9);
        return;
    };
    assert!((0..used).all(|count| FrameHeader::decode(&octets[..count]).is_none()));
    let mut again = Vec::new();
    header.encode(&mut again);
    assert_eq!(FrameHeader::decode(&again), Some((header, again.len())));
    // Flags without a meaning aside, the shortest form is the only one.
    let is_shortest = (octets[0] & FLAG_LONG == 0) == (header.len <= SHORT_BODY_OCTETS_MAX as u64);
    if is_shortest && octets[0] < 8 {
        assert_eq!(again, octets[..used]);
    }
}

fn commands(body: &[u8]) {
    let Some((name, data)) = command::split(body) else { return };
    let mut again = Vec::new();
    command::encode(name, &[data], &mut again);
    let (_, header) = FrameHeader::decode(&again).expect("a frame");
    assert_eq!(&again[header..], body);
    if let Some(ping) = command::Ping::decode(data) {
        let mut again = Vec::new();
        ping.encode(&mut again);
        let (_, header) = FrameHeader::decode(&again).expect("a frame");
        let (name, data) = command::split(&again[header..]).expect("a command");
        assert_eq!((name, command::Ping::decode(data)), (command::PING, Some(ping)));
    }
    if let Some(reason) = command::error_reason(data) {
        assert!(reason.len() < data.len());
    }
}

fn metadata(octets: &[u8]) {
    let decoded = bounded(4 * octets.len() + SESSION_BYTES, || Metadata::decode(octets));
    let metadata = match decoded {
        Ok(metadata) => metadata,
        Err(ZmtpError::Metadata { offset }) => {
            assert!(Metadata::decode(&octets[..offset]).is_ok(), "what was before it is right");
            return;
        }
        Err(other) => panic!("{other}"),
    };
    let mut again = Vec::new();
    let mut is_sendable = true;
    for (name, value) in metadata.iter() {
        let found = std::str::from_utf8(name).ok().map(|name| metadata.property(name));
        assert!(found.is_none_or(|value| value.is_some()), "a property is found by its name");
        is_sendable &= std::str::from_utf8(name)
            .is_ok_and(|name| encode_property(name, value, &mut again).is_ok());
    }
    if is_sendable {
        assert_eq!(again, octets);
    }
    assert!(!format!("{metadata:?}").is_empty());
}

/// What a session has reported; the octets of a part are joined.
#[derive(PartialEq, Debug)]
enum Seen {
    PeerReady,
    Part { len: u64, more: bool },
    Data { bytes: Vec<u8>, is_last: bool },
    Ping { ttl_ds: u16 },
    Pong,
}

/// The end of a stream, with what can be asked of the session then.
#[derive(PartialEq, Debug)]
struct Outcome {
    seen: Vec<Seen>,
    error: Option<ZmtpError>,
    output: Vec<u8>,
    is_at_boundary: bool,
    part_remaining: u64,
    may_ping: bool,
}

/// The octets before the first message of a peer with this role: greeting and READY.
pub fn hello(role: Role) -> Vec<u8> {
    let mut octets = Greeting::new("NULL").encode().to_vec();
    let mut property = Vec::new();
    encode_property("Socket-Type", role.name().as_bytes(), &mut property).expect("a property");
    command::encode(command::READY, &[&property], &mut octets);
    octets
}

/// When this end sends its READY.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ready {
    AtOnce,
    AfterThePeers,
    Never,
}

struct Setup {
    role: Role,
    limits: Limits,
    ready: Ready,
    is_duplex: bool,
}

/// A session that gets any octets, from the greeting on or behind a handshake.
pub fn session(data: &[u8]) {
    let mut input = Input(data);
    let options = input.u8();
    let role = if options & 1 == 0 { Role::Pull } else { Role::Push };
    let mut limits = Limits::default();
    limits.frame_octets_max = [limits.frame_octets_max, 0, 16, 300][usize::from(options >> 2 & 3)];
    let ready = [Ready::AtOnce, Ready::AtOnce, Ready::AfterThePeers, Ready::Never];
    let ready = ready[usize::from(options >> 4 & 3)];
    let setup = Setup { role, limits, ready, is_duplex: options & 2 != 0 };
    let mut stream = if options & 0x40 != 0 { hello(role.peer()) } else { Vec::new() };
    stream.extend_from_slice(input.rest());
    let bytes_max = 6 * stream.len() + SESSION_BYTES + 64 * stream.len();
    let outcome =
        same_for_every_split(&stream, |pieces| bounded(bytes_max, || run(&setup, pieces)));
    check(&setup, &outcome);
}

fn check(setup: &Setup, outcome: &Outcome) {
    let readies = outcome.seen.iter().filter(|seen| **seen == Seen::PeerReady).count();
    assert!(readies <= 1);
    let is_traffic = |seen: &Seen| *seen != Seen::PeerReady;
    if let Some(first) = outcome.seen.iter().position(is_traffic) {
        assert!(outcome.seen[..first].contains(&Seen::PeerReady), "traffic before READY");
        assert!(setup.ready != Ready::Never, "traffic of a peer that has no READY of ours");
    }
    let has_messages = outcome.seen.iter().any(|seen| matches!(seen, Seen::Part { .. }));
    assert!(!has_messages || setup.role == Role::Pull || setup.is_duplex);
    assert!(outcome.output.len() <= CONTROL_OUTPUT_OCTETS_MAX + SESSION_BYTES);
    if let Some(error) = &outcome.error {
        // The peer may learn the mechanism that it needs.
        let is_greeting = matches!(error, ZmtpError::Mechanism { .. });
        assert!(outcome.output.is_empty() || is_greeting, "{error}");
        assert!(error.to_string().chars().all(|c| !c.is_control()), "{error}");
    }
}

fn run(setup: &Setup, mut pieces: Pieces<'_>) -> Outcome {
    let mut session = Session::new(setup.role, setup.limits);
    if setup.is_duplex {
        session.accept_messages();
    }
    if setup.ready == Ready::AtOnce {
        session.send_ready(&[]).expect("the first READY");
    }
    let (mut seen, mut error) = (Vec::new(), None);
    'pieces: while let Some(mut rest) = pieces.next() {
        while !rest.is_empty() {
            if pieces.cut() == Cut::Mixed && session.part_remaining() > 0 {
                let count = (pieces.next_random() % 20).min(rest.len() as u64);
                let count = count.min(session.part_remaining());
                let (taken, after) = rest.split_at(count as usize);
                let is_last = session.part_received(count);
                note_data(&mut seen, taken, is_last && count > 0);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            match session.receive(rest) {
                Ok((used, event)) => {
                    assert!(used > 0 && (event.is_some() || used == rest.len()));
                    rest = &rest[used..];
                    if let Some(event) = event {
                        note(&mut seen, event);
                        answer(setup, &mut session, event);
                    }
                }
                Err(found) => {
                    assert_eq!(session.receive(rest).as_ref(), Err(&found), "errors are final");
                    assert!(!session.traffic_allowed() && !session.at_message_boundary());
                    error = Some(match found {
                        // For a person to see; as much of it as had come.
                        ZmtpError::NotZmtp { .. } => ZmtpError::NotZmtp { first_octets: vec![] },
                        found => found,
                    });
                    break 'pieces;
                }
            }
        }
    }
    let is_at_boundary = session.at_message_boundary();
    let (part_remaining, may_ping) = (session.part_remaining(), session.may_ping());
    let announced = session.output_len();
    let mut output = Vec::new();
    session.take_output(&mut output);
    assert_eq!((output.len(), session.output_len()), (announced, 0));
    Outcome { seen, error, output, is_at_boundary, part_remaining, may_ping }
}

fn answer(setup: &Setup, session: &mut Session, event: Event<'_>) {
    if event == Event::PeerReady {
        assert!(session.peer_metadata().is_some());
        if setup.ready == Ready::AfterThePeers {
            session.send_ready(&[]).expect("the first READY");
        }
    }
}

fn note(seen: &mut Vec<Seen>, event: Event<'_>) {
    seen.push(match event {
        Event::PeerReady => Seen::PeerReady,
        Event::PartStart { len, more } => Seen::Part { len, more },
        Event::PartData { bytes, last } => {
            assert!(!bytes.is_empty());
            return note_data(seen, bytes, last);
        }
        Event::Ping { ttl_ds } => Seen::Ping { ttl_ds },
        Event::Pong => Seen::Pong,
    });
}

fn note_data(seen: &mut Vec<Seen>, octets: &[u8], last: bool) {
    if octets.is_empty() {
        return;
    }
    if let Some(Seen::Data { bytes, is_last: is_last @ false }) = seen.last_mut() {
        bytes.extend_from_slice(octets);
        *is_last = last;
    } else {
        seen.push(Seen::Data { bytes: octets.to_vec(), is_last: last });
    }
}

/// A session that has its peer's READY and has sent its own; nothing of its output is left.
pub fn established(role: Role, limits: Limits) -> Session {
    let mut session = Session::new(role, limits);
    session.send_ready(&[]).expect("the first READY");
    let hello = hello(role.peer());
    let (mut rest, mut is_ready) = (&hello[..], false);
    while !rest.is_empty() {
        let (used, event) = session.receive(rest).expect("a right hello");
        is_ready |= event == Some(Event::PeerReady);
        rest = &rest[used..];
    }
    assert!(is_ready && session.at_message_boundary());
    session.take_output(&mut Vec::new());
    session
}

/// Asserts what every decoder of messages promises: `receive` makes progress.
pub fn assert_progress<E: Debug>(used: usize, rest: &[u8], event: &Option<E>) {
    assert!(used <= rest.len() && (used > 0 || rest.is_empty()), "{event:?}");
    assert!(event.is_some() || used == rest.len());
}
