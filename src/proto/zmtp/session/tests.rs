use super::*;
use crate::proto::zmtp::command::CONTEXT_OCTETS_MAX;
use crate::proto::zmtp::frame;
use crate::proto::zmtp::greeting::MECHANISM_OCTETS;

const READY_PUSH: &[u8] = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";
const READY_PULL: &[u8] = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL";

fn session(role: Role) -> Session {
    Session::new(role, Limits { frame_octets_max: 1 << 20 })
}

fn taken(session: &mut Session) -> Vec<u8> {
    let mut out = Vec::new();
    session.take_output(&mut out);
    out
}

/// An event without a borrow; the data of a part is joined.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    PeerReady,
    Part(Vec<u8>, bool),
    Ping(u16),
    Pong,
}

/// Feeds everything in chunks of `chunk` octets and checks the contract of `receive` on the way.
fn feed(session: &mut Session, input: &[u8], chunk: usize) -> Result<Vec<Seen>, ZmtpError> {
    let mut seen = Vec::new();
    let mut part = None;
    for mut rest in input.chunks(chunk) {
        loop {
            let (used, event) = session.receive(rest)?;
            assert!(event.is_some() || used == rest.len());
            rest = &rest[used..];
            match event {
                None => break,
                Some(Event::PeerReady) => seen.push(Seen::PeerReady),
                Some(Event::Ping { ttl_ds }) => seen.push(Seen::Ping(ttl_ds)),
                Some(Event::Pong) => seen.push(Seen::Pong),
                Some(Event::PartStart { len: 0, more }) => seen.push(Seen::Part(vec![], more)),
                Some(Event::PartStart { len, more }) => part = Some((len, Vec::new(), more)),
                Some(Event::PartData { bytes, last }) => {
                    assert!(!bytes.is_empty());
                    let (len, mut data, more) = part.take().expect("data without a start");
                    data.extend_from_slice(bytes);
                    assert_eq!(last, data.len() as u64 == len);
                    if last {
                        seen.push(Seen::Part(data, more));
                    } else {
                        part = Some((len, data, more));
                    }
                }
            }
        }
    }
    Ok(seen)
}

fn hello(ready: &[u8]) -> Vec<u8> {
    [&Greeting::new("NULL").encode(), ready].concat()
}

/// A session whose handshake is complete and whose output has been taken.
fn established(role: Role) -> Session {
    let mut session = session(role);
    session.send_ready(&[]).unwrap();
    let ready = if role == Role::Push { READY_PULL } else { READY_PUSH };
    assert_eq!(feed(&mut session, &hello(ready), 1000), Ok(vec![Seen::PeerReady]));
    taken(&mut session);
    session
}

fn command_frame(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    FrameHeader { len: body.len() as u64, more: false, command: true }.encode(&mut out);
    [&out, body].concat()
}

fn message_frame(body: &[u8], more: bool) -> Vec<u8> {
    let mut out = Vec::new();
    frame::encode_frame_header(body.len() as u64, more, &mut out);
    [&out, body].concat()
}

// ---------------------------------------------------------------------- greeting and handshake

#[test]
fn greeting_and_ready_are_sent_without_waiting_and_ready_only_once() {
    let mut session = session(Role::Push);
    assert_eq!(taken(&mut session), Greeting::new("NULL").encode());
    session.send_ready(&[]).unwrap();
    assert_eq!(session.send_ready(&[]), Err(SendError::ReadySent));
    assert_eq!(taken(&mut session), READY_PUSH);
    assert_eq!(session.output_len(), 0);
}

#[test]
fn ready_has_the_socket_type_first_and_the_long_form_when_needed() {
    let mut session = session(Role::Pull);
    taken(&mut session);
    session.send_ready(&[("X-a", &[7; 300])]).unwrap();
    let out = taken(&mut session);
    assert_eq!(out[..9], [0x06, 0, 0, 0, 0, 0, 0, 1, 0x4e]);
    assert_eq!(out[9..35], READY_PULL[2..]);
    assert_eq!(out.len(), 9 + 0x14e);
}

#[test]
fn a_ready_that_cannot_be_sent_leaves_the_session_as_it_was() {
    let mut session = session(Role::Pull);
    taken(&mut session);
    assert!(session.send_ready(&[("bad name", b"")]).is_err());
    let big = vec![0; READY_OCTETS_MAX];
    assert!(session.send_ready(&[("X-a", b"1"), ("X-big", &big)]).is_err());
    assert_eq!(session.output_len(), 0);
    session.send_ready(&[]).unwrap();
    assert_eq!(taken(&mut session), READY_PULL);
}

#[test]
fn handshake_completes_with_any_split_of_the_stream() {
    for chunk in 1..100 {
        let mut session = session(Role::Pull);
        session.send_ready(&[]).unwrap();
        let input = [hello(READY_PUSH), message_frame(b"abc", false)].concat();
        let seen = feed(&mut session, &input, chunk).unwrap();
        assert_eq!(seen, [Seen::PeerReady, Seen::Part(b"abc".to_vec(), false)]);
        assert_eq!(session.peer_version(), Some((3, 1)));
        assert!(session.at_message_boundary());
    }
}

/// Rule 1: nothing but READY before the peer's READY.
#[test]
fn nothing_can_be_sent_before_both_readies() {
    let mut session = session(Role::Push);
    let refused = |session: &mut Session| {
        assert!(!session.traffic_allowed() && !session.may_ping());
        assert_eq!(session.ping(0), Err(SendError::NotReady));
    };
    refused(&mut session);
    session.send_ready(&[]).unwrap();
    refused(&mut session);
    let hello = hello(READY_PULL);
    feed(&mut session, &hello[..hello.len() - 1], 7).unwrap();
    refused(&mut session);
    feed(&mut session, &hello[hello.len() - 1..], 7).unwrap();
    assert!(session.traffic_allowed());
    let expected = [&Greeting::new("NULL").encode(), READY_PUSH].concat();
    assert_eq!(taken(&mut session), expected);
}

#[test]
fn a_withheld_ready_still_shows_the_peers_properties() {
    let mut session = session(Role::Pull);
    assert_eq!(feed(&mut session, &hello(READY_PUSH), 5), Ok(vec![Seen::PeerReady]));
    let metadata = session.peer_metadata().unwrap();
    assert_eq!(metadata.property("socket-type"), Some(&b"PUSH"[..]));
    assert!(!session.traffic_allowed() && !session.at_message_boundary());
    session.send_ready(&[]).unwrap();
    assert!(session.traffic_allowed() && session.at_message_boundary());
}

#[test]
fn a_peer_that_sends_while_our_ready_is_withheld_is_refused() {
    for early in [message_frame(b"x", false), command_frame(b"\x04PING\0\0")] {
        let mut session = session(Role::Pull);
        feed(&mut session, &hello(READY_PUSH), 1000).unwrap();
        assert_eq!(feed(&mut session, &early, 1000), Err(ZmtpError::EarlyTraffic));
    }
}

/// Rule 2: whatever the peer does, no protocol error is sent to it.
#[test]
fn a_failed_session_stays_silent_and_repeats_its_error() {
    let mut session = session(Role::Pull);
    let error = feed(&mut session, b"SSH-2.0", 1000).unwrap_err();
    assert_eq!(taken(&mut session), b"");
    assert_eq!(session.receive(b"x"), Err(error.clone()));
    assert_eq!(session.receive(b""), Err(error));
    assert_eq!(session.send_ready(&[]), Err(SendError::ReadySent));
    assert!(!session.traffic_allowed());
}

/// Rule 3: the mechanism must be equal in all 20 octets.
#[test]
fn another_mechanism_is_refused_in_any_octet() {
    for at in 0..MECHANISM_OCTETS {
        let mut greeting = Greeting::new("NULL");
        greeting.mechanism[at] ^= 0x20;
        let mut session = session(Role::Pull);
        let error = feed(&mut session, &greeting.encode(), 9).unwrap_err();
        assert!(matches!(error, ZmtpError::Mechanism { own: "NULL", .. }), "{error}");
    }
}

/// Rule 3: PUSH against PULL, upper case.
#[test]
fn only_the_fitting_socket_type_is_accepted() {
    let ready = |ty: &[u8]| {
        let mut data = Vec::new();
        crate::proto::zmtp::metadata::encode_property("Socket-Type", ty, &mut data).unwrap();
        hello(&command_frame(&[b"\x05READY", &data[..]].concat()))
    };
    for bad in ["PULL", "push", "PUSH\0", "SUB", "REP", ""] {
        let error = feed(&mut session(Role::Pull), &ready(bad.as_bytes()), 1000).unwrap_err();
        assert!(matches!(error, ZmtpError::SocketType { expected: "PUSH", .. }), "{error}");
    }
    assert!(feed(&mut session(Role::Pull), &ready(b"PUSH"), 1000).is_ok());
    let none = hello(b"\x04\x06\x05READY");
    assert_eq!(feed(&mut session(Role::Pull), &none, 1000), Err(ZmtpError::NoSocketType));
}

/// A listener for both connections of a client learns from the READY which one it has accepted.
#[test]
fn an_end_without_a_role_takes_the_one_that_its_peer_needs() {
    let ready = |ty: &[u8]| {
        let mut data = Vec::new();
        crate::proto::zmtp::metadata::encode_property("Socket-Type", ty, &mut data).unwrap();
        hello(&command_frame(&[b"\x05READY", &data[..]].concat()))
    };
    let message = b"\x00\x01x";
    for (peer, role) in [(Role::Push, Role::Pull), (Role::Pull, Role::Push)] {
        let mut session = Session::new(None, Limits::default());
        assert_eq!(session.role(), None);
        assert_eq!(session.send_ready(&[]), Err(SendError::NotReady));
        feed(&mut session, &ready(peer.name().as_bytes()), 1000).unwrap();
        assert_eq!(session.role(), Some(role));
        session.send_ready(&[]).unwrap();
        let mut output = Vec::new();
        session.take_output(&mut output);
        assert!(output.windows(4).any(|octets| octets == role.name().as_bytes()));
        assert_eq!(feed(&mut session, message, 1000).is_ok(), role == Role::Pull);
    }
    let mut session = Session::new(None, Limits::default());
    let error = feed(&mut session, &ready(b"SUB"), 1000).unwrap_err();
    assert!(matches!(error, ZmtpError::SocketType { expected: "PUSH or PULL", .. }), "{error}");
}

/// Rule 4: unknown properties in any order, up to the limit.
#[test]
fn unknown_properties_before_and_after_the_socket_type_are_accepted() {
    let mut body = b"\x05READY".to_vec();
    let property = crate::proto::zmtp::metadata::encode_property;
    property("X-first", &[0; 16], &mut body).unwrap();
    property("sOCKET-tYPE", b"PUSH", &mut body).unwrap();
    let room = READY_OCTETS_MAX - body.len() - 1 - 6 - 4;
    property("X-last", &vec![9; room], &mut body).unwrap();
    assert_eq!(body.len(), READY_OCTETS_MAX);
    for chunk in [1, 100, 1 << 20] {
        let mut session = session(Role::Pull);
        let seen = feed(&mut session, &hello(&command_frame(&body)), chunk);
        assert_eq!(seen, Ok(vec![Seen::PeerReady]));
        assert_eq!(session.peer_metadata().unwrap().property("x-LAST").unwrap().len(), room);
    }
    body.push(0);
    let error = feed(&mut session(Role::Pull), &hello(&command_frame(&body)), 9).unwrap_err();
    let len = READY_OCTETS_MAX as u64 + 1;
    assert_eq!(error, ZmtpError::CommandTooLarge { len, limit: len - 1 });
}

#[test]
fn a_ready_in_the_long_form_is_accepted_although_it_is_short() {
    let long = [b"\x06\0\0\0\0\0\0\0\x1a", &READY_PUSH[2..]].concat();
    for chunk in [1, 1000] {
        let seen = feed(&mut session(Role::Pull), &hello(&long), chunk);
        assert_eq!(seen, Ok(vec![Seen::PeerReady]));
    }
}

#[test]
fn anything_but_a_ready_in_the_handshake_is_refused() {
    let refused = |frame: &[u8]| {
        let error = feed(&mut session(Role::Pull), &hello(frame), 1000).unwrap_err();
        assert!(matches!(error, ZmtpError::Handshake { .. }), "{error}");
    };
    refused(&message_frame(b"x", false));
    refused(&message_frame(b"", false));
    refused(&command_frame(b""));
    refused(&command_frame(b"\x04PING\0\0"));
    refused(&command_frame(b"\x05ready"));
    refused(&command_frame(b"\x06READYX"));
    refused(&command_frame(b"\x09READY"));
    refused(&command_frame(b"\x05HELLO"));
    // Without the COMMAND bit.
    refused(&[b"\x00", &READY_PUSH[1..]].concat());
}

#[test]
fn malformed_metadata_are_refused_at_every_length() {
    let body = &READY_PUSH[2..];
    for cut in 7..body.len() {
        let error = feed(&mut session(Role::Pull), &hello(&command_frame(&body[..cut])), 1000);
        assert_eq!(error, Err(ZmtpError::Metadata { offset: 0 }), "cut at {cut}");
    }
}

#[test]
fn a_huge_command_is_refused_by_its_header() {
    for len in [COMMAND_OCTETS_MAX as u64 + 1, 1 << 40, 1 << 63, u64::MAX] {
        let frame = [&[0x06][..], &len.to_be_bytes()].concat();
        let limit = COMMAND_OCTETS_MAX as u64;
        let expected = Err(ZmtpError::CommandTooLarge { len, limit });
        assert_eq!(feed(&mut session(Role::Pull), &hello(&frame), 3), expected);
        assert_eq!(feed(&mut established(Role::Pull), &frame, 3), expected);
    }
}

#[test]
fn error_of_the_peer_carries_its_reason_escaped() {
    let refused = |reason: &str| Err(ZmtpError::Refused { reason: reason.to_owned() });
    let dismissed = Err(ZmtpError::Dismissed { reason: "no\\n\\x1b.".to_owned() });
    let frame = command_frame(b"\x05ERROR\x05no\n\x1b.");
    assert_eq!(feed(&mut session(Role::Pull), &hello(&frame), 2), refused("no\\n\\x1b."));
    assert_eq!(feed(&mut established(Role::Pull), &frame, 2), dismissed);
    let short = command_frame(b"\x05ERROR\x05no");
    assert_eq!(feed(&mut session(Role::Pull), &hello(&short), 1000), refused(""));
}

// ---------------------------------------------------------------------- traffic

/// Rule 5: commands between the parts of one message.
#[test]
fn commands_between_parts_do_not_disturb_the_message() {
    let input = [
        message_frame(b"one", true),
        command_frame(b"\x04PING\x00\x01ctx"),
        message_frame(b"", true),
        command_frame(b"\x04PONG"),
        command_frame(b"\x09SUBSCRIBEtopic"),
        command_frame(b""),
        message_frame(&[3; 300], false),
    ]
    .concat();
    for chunk in [1, 2, 3, 5, 16, 1000] {
        let mut session = established(Role::Pull);
        let seen = feed(&mut session, &input, chunk).unwrap();
        assert_eq!(
            seen,
            [
                Seen::Part(b"one".to_vec(), true),
                Seen::Ping(1),
                Seen::Part(vec![], true),
                Seen::Pong,
                Seen::Part(vec![3; 300], false),
            ]
        );
        assert_eq!(taken(&mut session), b"\x04\x08\x04PONGctx");
    }
}

#[test]
fn message_boundary_is_known_octet_by_octet() {
    let mut session = established(Role::Pull);
    let input = [message_frame(b"ab", true), message_frame(b"c", false)].concat();
    for (at, octet) in input.iter().enumerate() {
        assert_eq!(session.at_message_boundary(), at == 0, "before octet {at}");
        session.receive(&[*octet]).unwrap();
    }
    assert!(session.at_message_boundary());
    session.receive(b"\x04").unwrap();
    assert!(!session.at_message_boundary(), "inside the header of a command");
}

/// Rule 6: no application data with the COMMAND bit, and nothing like SUBSCRIBE reaches the owner.
#[test]
fn unknown_and_malformed_commands_are_ignored_after_the_handshake() {
    let mut session = established(Role::Pull);
    let bodies: [&[u8]; 9] = [
        b"",
        b"\x00",
        b"\x09READY",
        b"\x04ping\0\0",
        b"\x06CANCELx",
        b"\x09SUBSCRIBE",
        b"\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL",
        b"\x05ERROR",
        &[0xff; 4000],
    ];
    for body in bodies {
        assert_eq!(feed(&mut session, &command_frame(body), 100), Ok(vec![]));
        assert!(session.at_message_boundary());
    }
    assert_eq!(session.output_len(), 0);
    let metadata = session.peer_metadata().unwrap();
    assert_eq!(metadata.property("Socket-Type"), Some(&b"PUSH"[..]));
}

#[test]
fn ignored_commands_are_not_kept() {
    let mut session = established(Role::Pull);
    let large = command_frame(&[b"\x03ABC", &[0; 60_000][..]].concat());
    feed(&mut session, &large[..60_000], 300).unwrap();
    assert_eq!(session.command.len(), COMMAND_KEPT_OCTETS_MAX);
    feed(&mut session, &large[60_000..], 300).unwrap();
    assert!(session.command.is_empty() && session.at_message_boundary());
}

#[test]
fn a_long_ready_leaves_no_memory_behind() {
    let mut body = READY_PUSH[2..].to_vec();
    let property = crate::proto::zmtp::metadata::encode_property;
    property("X-long", &[7; 60_000], &mut body).unwrap();
    let mut session = session(Role::Pull);
    feed(&mut session, &hello(&command_frame(&body)), 1000).unwrap();
    assert!(session.command.capacity() <= COMMAND_KEPT_OCTETS_MAX);
}

/// Rule 7: PING only to peers that are known to understand it.
#[test]
fn ping_is_sent_to_peers_of_3_1_or_to_those_that_pinged() {
    let with_version = |major: u8, minor: u8| {
        let mut session = session(Role::Pull);
        session.send_ready(&[]).unwrap();
        let greeting = Greeting { major, minor, ..Greeting::new("NULL") };
        feed(&mut session, &[&greeting.encode(), READY_PUSH].concat(), 1000).unwrap();
        taken(&mut session);
        session
    };
    for (major, minor) in [(3, 1), (3, 9), (4, 0)] {
        let mut session = with_version(major, minor);
        assert!(session.may_ping());
        session.ping(0).unwrap();
        assert_eq!(taken(&mut session), b"\x04\x07\x04PING\x00\x00");
    }
    let mut old = with_version(3, 0);
    assert!(!old.may_ping());
    assert_eq!(old.ping(0), Err(SendError::PingNotSupported));
    assert_eq!(old.output_len(), 0);
    feed(&mut old, &command_frame(b"\x04PING\0\0"), 1000).unwrap();
    assert!(old.may_ping());
    old.ping(0x0102).unwrap();
    assert_eq!(taken(&mut old), b"\x04\x05\x04PONG\x04\x07\x04PING\x01\x02");
}

/// Rule 8: the time to live is at most 65.5 s.
#[test]
fn ping_ttl_is_limited() {
    let mut session = established(Role::Push);
    assert_eq!(session.ping(656), Err(SendError::PingTtl));
    assert_eq!(session.output_len(), 0);
    session.ping(655).unwrap();
}

/// Rule 9: a PING shorter than 7 octets is not read beyond its end.
#[test]
fn short_pings_are_ignored() {
    for body in [&b"\x04PING"[..], b"\x04PING\x00"] {
        for chunk in [1, 1000] {
            let mut session = established(Role::Pull);
            assert_eq!(feed(&mut session, &command_frame(body), chunk), Ok(vec![]));
            assert!(!session.peer_pinged);
        }
    }
}

#[test]
fn pongs_echo_at_most_16_octets_of_context() {
    for len in [0, 5, 16, 17, 100, 10_000] {
        for chunk in [1, 7, 1 << 20] {
            let mut session = established(Role::Push);
            let body = [b"\x04PING\x00\x00", &vec![0x5a; len][..]].concat();
            assert_eq!(feed(&mut session, &command_frame(&body), chunk), Ok(vec![Seen::Ping(0)]));
            let context = vec![0x5a; len.min(CONTEXT_OCTETS_MAX)];
            let expected = command_frame(&[b"\x04PONG", &context[..]].concat());
            assert_eq!(taken(&mut session), expected);
        }
    }
}

#[test]
fn a_flood_of_pings_does_not_fill_memory() {
    let mut session = established(Role::Pull);
    let pings = command_frame(&[b"\x04PING\x00\x00", &[1; 16][..]].concat()).repeat(10_000);
    feed(&mut session, &pings, 4096).unwrap();
    assert!(session.output_len() < CONTROL_OUTPUT_OCTETS_MAX + 32);
    assert_eq!(session.ping(0), Err(SendError::OutputFull));
    taken(&mut session);
    feed(&mut session, &pings[..25], 4096).unwrap();
    assert_eq!(session.output_len(), 23);
}

#[test]
fn a_thousand_pings_at_once_are_all_answered() {
    let mut session = established(Role::Pull);
    feed(&mut session, &command_frame(b"\x04PING\x00\x00").repeat(1000), 9000).unwrap();
    assert_eq!(taken(&mut session), b"\x04\x05\x04PONG".repeat(1000));
}

#[test]
fn reserved_flag_bits_are_ignored() {
    let mut session = established(Role::Pull);
    let seen = feed(&mut session, b"\xf9\x01a\xf8\x01b", 1);
    assert_eq!(seen, Ok(vec![Seen::Part(b"a".to_vec(), true), Seen::Part(b"b".to_vec(), false)]));
}

#[test]
fn a_frame_above_the_limit_is_refused_by_its_header() {
    let header = |len: u64| [&[0x02][..], &len.to_be_bytes()].concat();
    for len in [(1 << 20) + 1, 1 << 40, BODY_OCTETS_MAX, 1 << 63, u64::MAX] {
        let expected = ZmtpError::FrameTooLarge { len, limit: 1 << 20 };
        assert_eq!(feed(&mut established(Role::Pull), &header(len), 4), Err(expected));
    }
    let mut session = established(Role::Pull);
    let start = Some(Event::PartStart { len: 1 << 20, more: false });
    assert_eq!(session.receive(&header(1 << 20)), Ok((9, start)));
    assert_eq!(session.part_remaining(), 1 << 20);
}

#[test]
fn without_a_limit_the_largest_legal_frame_costs_nothing() {
    let mut session = Session::new(Role::Pull, Limits::default());
    session.send_ready(&[]).unwrap();
    let header = [&[0x02][..], &BODY_OCTETS_MAX.to_be_bytes()].concat();
    let input = [hello(READY_PUSH), header].concat();
    feed(&mut session, &input, 1000).unwrap();
    assert_eq!(session.part_remaining(), BODY_OCTETS_MAX);
    assert!(!session.part_received(BODY_OCTETS_MAX - 1));
    let last = Some(Event::PartData { bytes: b"z", last: true });
    assert_eq!(session.receive(b"zz"), Ok((1, last)));
}

#[test]
fn a_size_of_64_bits_is_refused_whatever_the_limit() {
    let mut session = Session::new(Role::Pull, Limits { frame_octets_max: u64::MAX });
    session.send_ready(&[]).unwrap();
    let input = [&hello(READY_PUSH)[..], b"\x02\x80\0\0\0\0\0\0\0"].concat();
    let expected = ZmtpError::FrameTooLarge { len: 1 << 63, limit: BODY_OCTETS_MAX };
    assert_eq!(feed(&mut session, &input, 1000), Err(expected));
}

#[test]
fn octets_read_by_the_owner_are_accounted_for() {
    let mut session = established(Role::Pull);
    let input = [&message_frame(&[1; 10], true)[..5], &message_frame(b"e", false)].concat();
    let (used, _) = session.receive(&input).unwrap();
    let (more, _) = session.receive(&input[used..5]).unwrap();
    assert_eq!((used, more, session.part_remaining()), (2, 3, 7));
    assert!(!session.part_received(3));
    assert!(session.part_received(4));
    assert_eq!(feed(&mut session, &input[5..], 9), Ok(vec![Seen::Part(b"e".to_vec(), false)]));
}

#[test]
fn a_push_that_is_sent_a_message_refuses_it() {
    let error = feed(&mut established(Role::Push), b"\x00\x01a", 1000);
    assert_eq!(error, Err(ZmtpError::UnexpectedMessage));
}

#[test]
fn every_error_tells_its_cause_in_words() {
    let errors = [
        ZmtpError::NotZmtp { first_octets: b"GET /\n".to_vec() },
        ZmtpError::Version { major: 2 },
        ZmtpError::Mechanism { peer: "PLAIN".into(), own: "NULL" },
        ZmtpError::Handshake { found: "a message frame".into() },
        ZmtpError::EarlyTraffic,
        ZmtpError::Metadata { offset: 20 },
        ZmtpError::NoSocketType,
        ZmtpError::SocketType { peer: "PULL".into(), expected: "PUSH" },
        ZmtpError::UnexpectedMessage,
        ZmtpError::FrameTooLarge { len: 10, limit: 9 },
        ZmtpError::CommandTooLarge { len: 10, limit: 9 },
        ZmtpError::Refused { reason: String::new() },
        ZmtpError::Refused { reason: "400".into() },
        ZmtpError::Dismissed { reason: String::new() },
        ZmtpError::Dismissed { reason: "idle".into() },
    ];
    let mut texts = std::collections::HashSet::new();
    for error in errors {
        let text = error.to_string();
        assert!(text.contains("peer") && !text.contains('\n'), "{text}");
        assert!(texts.insert(text));
    }
}
