//! ZMTP sessions on a virtual network: seeded, in virtual time, without sockets.
//!
//! Octets travel in order and without loss, as TCP delivers them, but cut anywhere and delayed by
//! any time. A failing case names its seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::bridge::{self, Announcement, Header, PeerInfo, ServerId, SessionId};
use rogue_mem::proto::bridge::{
    RequestDecoder, RequestEvent, ResponseDecoder, ResponseEvent, Timing,
};
use rogue_mem::proto::zmtp;
use rogue_mem::proto::zmtp::command::Ping;
use rogue_mem::proto::zmtp::{frame, Event, Limits, Mechanism, Null, Role, Sealer, SendError};
use rogue_mem::proto::zmtp::{Session, ZmtpError};
use std::collections::VecDeque;
use testkit::network::{Pipe, DELAY_TICKS_MAX};
use toy::Toy;

#[path = "sealing/toy.rs"]
mod toy;

/// Steps after which a run counts as hung.
const STEPS_MAX: u64 = 200_000;

/// One end of a connection with everything that it has seen.
struct End {
    session: Session,
    sealer: Option<Box<dyn Sealer>>,
    /// Octets that have been sent as they are, sealed or not.
    handshake_sent: u64,
    /// Octets sent when the peer's READY arrived.
    sent_at_ready: Option<u64>,
    pings_sent: u64,
    pongs_seen: u64,
    pings_seen: u64,
    message: Vec<Vec<u8>>,
    messages: Vec<Vec<Vec<u8>>>,
    part: Vec<u8>,
    part_more: bool,
}

impl End {
    fn new(role: Role) -> Self {
        End::with(role, Box::new(Null::new(role)))
    }

    fn with(role: Role, mechanism: Box<dyn Mechanism>) -> Self {
        let limits = Limits { frame_octets_max: 1 << 20 };
        End {
            session: Session::with_mechanism(role, limits, mechanism),
            sealer: None,
            handshake_sent: 0,
            sent_at_ready: None,
            pings_sent: 0,
            pongs_seen: 0,
            pings_seen: 0,
            message: Vec::new(),
            messages: Vec::new(),
            part: Vec::new(),
            part_more: false,
        }
    }

    fn receive(&mut self, wire: &[u8], sent: u64) {
        self.try_receive(wire, sent).unwrap();
    }

    /// Takes octets off the wire, when `sent` octets have been sent.
    fn try_receive(&mut self, mut wire: &[u8], sent: u64) -> Result<(), ZmtpError> {
        while !wire.is_empty() {
            let limit = self.session.read_limit(wire.len()).min(wire.len());
            let (now, later) = wire.split_at(limit);
            let mut octets = Vec::new();
            let unused = self.session.open(now, &mut octets)?;
            self.feed(&octets[unused..], sent)?;
            wire = later;
        }
        Ok(())
    }

    fn feed(&mut self, mut rest: &[u8], sent: u64) -> Result<(), ZmtpError> {
        loop {
            let (used, event) = self.session.receive(rest)?;
            rest = &rest[used..];
            match event {
                None => break,
                Some(Event::PeerReady) => assert!(self.sent_at_ready.replace(sent).is_none()),
                Some(Event::Ping { .. }) => self.pings_seen += 1,
                Some(Event::Pong) => self.pongs_seen += 1,
                Some(Event::PartStart { len, more }) => {
                    self.part_more = more;
                    if len == 0 {
                        self.end_part();
                    }
                }
                Some(Event::PartData { bytes, last }) => {
                    self.part.extend_from_slice(bytes);
                    if last {
                        self.end_part();
                    }
                }
            }
        }
        assert!(rest.is_empty());
        Ok(())
    }

    fn end_part(&mut self) {
        self.message.push(std::mem::take(&mut self.part));
        if !self.part_more {
            self.messages.push(std::mem::take(&mut self.message));
        }
    }

    /// What is to be written now.
    fn output(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let clear = self.session.take_output(&mut out);
        self.handshake_sent += clear as u64;
        let plain = out.split_off(clear);
        out.append(&mut self.sealed(plain));
        out
    }

    /// Frames behind the handshake, as they are to be written.
    fn sealed(&mut self, plain: Vec<u8>) -> Vec<u8> {
        if plain.is_empty() || !self.session.seals() {
            return plain;
        }
        let mut out = Vec::new();
        let take = || self.session.take_sealer().expect("the handshake is complete");
        self.sealer.get_or_insert_with(take).seal_all(&plain, &[], &mut out);
        out
    }

    fn try_ping(&mut self, rng: &mut ChaCha8Rng) {
        match self.session.ping(rng.random_range(0..=655)) {
            Ok(()) => self.pings_sent += 1,
            Err(error) => assert_eq!(error, SendError::NotReady),
        }
    }
}

fn random_message(rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
    let sizes = [0, 1, 4, 8, 255, 256, 1000];
    let part = |rng: &mut ChaCha8Rng| {
        let mut part = vec![0; sizes[rng.random_range(0..sizes.len())]];
        rng.fill(&mut part[..]);
        part
    };
    (0..rng.random_range(1..8)).map(|_| part(rng)).collect()
}

/// Encodes a message as libzmq sends it when heartbeats fall into it: PINGs between the parts.
fn send_interleaved(message: &[Vec<u8>], rng: &mut ChaCha8Rng, out: &mut Vec<u8>) -> u64 {
    let mut pings = 0;
    for (at, part) in message.iter().enumerate() {
        frame::encode_frame_header(part.len() as u64, at + 1 < message.len(), out);
        out.extend_from_slice(part);
        if rng.random_bool(0.3) {
            Ping { ttl_ds: 0, context: b"mid" }.encode(out);
            pings += 1;
        }
    }
    pings
}

#[test]
fn messages_arrive_in_order_and_nothing_is_sent_before_the_peers_ready() {
    for seed in 0..150 {
        run_pair(seed, [End::new(Role::Push), End::new(Role::Pull)]);
    }
}

/// The two ends of a connection whose frames are sealed.
fn sealing_ends(seed: u64) -> [End; 2] {
    let end = |role, salt| End::with(role, Box::new(Toy::new(role, seed, salt)));
    [end(Role::Push, 2 * seed + 1), end(Role::Pull, 2 * seed + 2)]
}

#[test]
fn sealed_messages_arrive_in_order_and_nothing_is_sent_before_the_peers_ready() {
    for seed in 0..150 {
        run_pair(seed, sealing_ends(seed));
    }
}

fn run_pair(seed: u64, [mut push, mut pull]: [End; 2]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut to_pull, mut to_push) = (Pipe::default(), Pipe::default());
    let mut unsent: VecDeque<_> = (0..30).map(|_| random_message(&mut rng)).collect();
    let expected: Vec<_> = unsent.iter().cloned().collect();
    let ready_tick = rng.random_range(0..500);
    let mut ready_sent = false;
    push.session.send_ready(&[("X-seed", b"push")]).unwrap();
    let greeting_octets = pull.session.output_len() as u64;
    for now in 0..STEPS_MAX {
        if !ready_sent && now >= ready_tick {
            // Withheld until the server knows whom it serves.
            ready_sent = pull.session.peer_metadata().is_some();
            if ready_sent {
                pull.session.send_ready(&[]).unwrap();
            }
        }
        match rng.random_range(0..6) {
            0 if !unsent.is_empty() => {
                to_pull.write(now, &push.output(), &mut rng);
                let parts: Vec<&[u8]> = unsent[0].iter().map(Vec::as_slice).collect();
                let mut out = Vec::new();
                if push.session.traffic_allowed() {
                    match rng.random_bool(0.5) {
                        true => frame::encode_message(&parts, &mut out),
                        // As a libzmq peer might send it.
                        false => {
                            push.pings_sent += send_interleaved(&unsent[0], &mut rng, &mut out)
                        }
                    }
                    unsent.pop_front();
                }
                to_pull.write(now, &push.sealed(out), &mut rng);
            }
            1 => push.try_ping(&mut rng),
            2 => pull.try_ping(&mut rng),
            3 => to_pull.write(now, &push.output(), &mut rng),
            4 => to_push.write(now, &pull.output(), &mut rng),
            _ => (),
        }
        while let Some(piece) = to_pull.read(now) {
            pull.receive(&piece, to_push.octets_written());
        }
        while let Some(piece) = to_push.read(now) {
            push.receive(&piece, to_pull.octets_written());
        }
        if pull.messages.len() == expected.len() && now > 2000 {
            break;
        }
    }
    drain(&mut push, &mut pull, &mut to_pull, &mut to_push, &mut rng);
    assert!(pull.messages == expected, "seed {seed}: messages differ");
    let handshake = push.handshake_sent;
    assert_eq!(push.sent_at_ready, Some(handshake), "seed {seed}: PUSH sent before READY");
    let greeted = pull.sent_at_ready.is_some_and(|sent| sent <= greeting_octets);
    assert!(greeted, "seed {seed}: withheld READY");
    assert_eq!(push.pings_sent, push.pongs_seen, "seed {seed}");
    assert_eq!(pull.pings_sent, pull.pongs_seen, "seed {seed}");
    assert_eq!((push.pings_seen, pull.pings_seen), (pull.pings_sent, push.pings_sent));
    assert!(push.pings_sent > 0 && pull.pings_sent > 0, "seed {seed}: nothing was pinged");
    let property = pull.session.peer_metadata().unwrap().property("x-SEED");
    assert_eq!(property, Some(&b"push"[..]));
}

/// Lets everything that is queued or under way arrive.
fn drain(
    push: &mut End,
    pull: &mut End,
    to_pull: &mut Pipe,
    to_push: &mut Pipe,
    rng: &mut ChaCha8Rng,
) {
    // Two rounds: a PING that is still queued, and its PONG.
    for _ in 0..2 {
        to_pull.write(u64::MAX - DELAY_TICKS_MAX, &push.output(), rng);
        while let Some(piece) = to_pull.read(u64::MAX) {
            pull.receive(&piece, to_push.octets_written());
        }
        to_push.write(u64::MAX - DELAY_TICKS_MAX, &pull.output(), rng);
        while let Some(piece) = to_push.read(u64::MAX) {
            push.receive(&piece, to_pull.octets_written());
        }
    }
}

#[test]
fn a_connection_that_breaks_delivers_whole_messages_or_nothing() {
    for seed in 0..150 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut push, mut pull) = (End::new(Role::Push), End::new(Role::Pull));
        push.session.send_ready(&[]).unwrap();
        pull.session.send_ready(&[]).unwrap();
        let mut stream = push.output();
        push.receive(&pull.output(), 0);
        let messages: Vec<_> = (0..10).map(|_| random_message(&mut rng)).collect();
        let mut ends = Vec::new();
        for message in &messages {
            let parts: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
            frame::encode_message(&parts, &mut stream);
            ends.push(stream.len());
        }
        let cut = rng.random_range(0..stream.len());
        let mut pipe = Pipe::default();
        pipe.write(0, &stream[..cut], &mut rng);
        while let Some(piece) = pipe.read(u64::MAX) {
            pull.receive(&piece, 0);
        }
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        assert!(pull.messages == messages[..whole], "seed {seed}, cut at {cut}");
    }
}

/// The parts of a message.
type Message = Vec<Vec<u8>>;

/// Two ends whose handshake is complete, ten messages of the first one, and these as they are on
/// the wire, frame by frame.
fn sealed_stream(seed: u64, rng: &mut ChaCha8Rng) -> ([End; 2], Vec<Message>, Vec<Vec<u8>>) {
    let [mut push, mut pull] = sealing_ends(seed);
    push.session.send_ready(&[]).unwrap();
    pull.session.send_ready(&[]).unwrap();
    for _ in 0..2 {
        let (to_pull, to_push) = (push.output(), pull.output());
        pull.receive(&to_pull, 0);
        push.receive(&to_push, 0);
    }
    assert!(push.session.traffic_allowed() && pull.session.traffic_allowed());
    let messages: Vec<_> = (0..10).map(|_| random_message(rng)).collect();
    let mut frames = Vec::new();
    for message in &messages {
        for (at, part) in message.iter().enumerate() {
            let mut frame = Vec::new();
            frame::encode_frame_header(part.len() as u64, at + 1 < message.len(), &mut frame);
            frame.extend_from_slice(part);
            let sealed = push.sealed(frame);
            assert!(part.len() < 8 || !contains(&sealed, part), "it can be read on the way");
            frames.push(sealed);
        }
    }
    ([push, pull], messages, frames)
}

fn contains(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|window| window == part)
}

/// How the receiver takes `frames` that are not those that were sent: it delivers what came whole
/// before the first difference, and nothing after it.
fn assert_refused(pull: &mut End, frames: &[Vec<u8>], messages: &[Message], seed: u64) {
    // Octets of a frame that seems to be longer than it is may be awaited: more come.
    let stream = [frames.concat(), vec![0xa5; 1 << 21]].concat();
    let error = pull.try_receive(&stream, 0).unwrap_err();
    let expected = matches!(error, ZmtpError::NotGenuine | ZmtpError::FrameTooLarge { .. });
    assert!(expected, "seed {seed}: {error}");
    assert!(pull.messages.len() < messages.len(), "seed {seed}");
    assert!(pull.messages[..] == messages[..pull.messages.len()], "seed {seed}");
    assert_eq!(pull.try_receive(b"x", 0), Err(error), "seed {seed}: it is final");
}

#[test]
fn a_sealed_frame_that_is_altered_repeated_left_out_or_moved_ends_the_connection() {
    for seed in 0..400 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ([_, mut pull], messages, mut frames) = sealed_stream(seed, &mut rng);
        let at = rng.random_range(0..frames.len() - 1);
        match seed % 4 {
            0 => {
                let octet = rng.random_range(0..frames[at].len());
                // Of the flags around a sealed frame only the long size has a meaning.
                let bit = if octet == 0 { 1 } else { rng.random_range(0..8) };
                frames[at][octet] ^= 1 << bit;
            }
            1 => frames.insert(at + 1, frames[at].clone()),
            2 => drop(frames.remove(at)),
            _ => frames.swap(at, at + 1),
        }
        assert_refused(&mut pull, &frames, &messages, seed);
    }
}

#[test]
fn a_peer_with_another_secret_or_another_mechanism_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (_, messages, _) = sealed_stream(1, &mut rng);
    let mut push = End::with(Role::Push, Box::new(Toy::new(Role::Push, 1, 3)));
    let mut pull = End::with(Role::Pull, Box::new(Toy::new(Role::Pull, 2, 4)));
    push.session.send_ready(&[]).unwrap();
    pull.session.send_ready(&[]).unwrap();
    for _ in 0..2 {
        let (to_pull, to_push) = (push.output(), pull.output());
        pull.receive(&to_pull, 0);
        push.receive(&to_push, 0);
    }
    let frame = push.sealed(b"\x00\x01x".to_vec());
    assert_refused(&mut pull, &[frame], &messages[..1], 1);
    let mut null = End::new(Role::Pull);
    let error =
        null.try_receive(&End::with(Role::Push, Box::new(Toy::new(Role::Push, 1, 3))).output(), 0);
    assert!(matches!(error, Err(ZmtpError::Mechanism { own: "NULL", .. })), "{error:?}");
}

// ---------------------------------------------------------------------- the bridge on both

/// Client and server of the memory bridge with both connections between them.
struct Bridge {
    client_requests: Session,
    client_responses: Session,
    server_requests: Session,
    server_responses: Session,
    requests: Pipe,
    request_answers: Pipe,
    responses: Pipe,
    response_answers: Pipe,
}

impl Bridge {
    fn new() -> Self {
        let session = |role| Session::new(role, Limits::default());
        Bridge {
            client_requests: session(Role::Push),
            client_responses: session(Role::Pull),
            server_requests: session(Role::Pull),
            server_responses: session(Role::Push),
            requests: Pipe::default(),
            request_answers: Pipe::default(),
            responses: Pipe::default(),
            response_answers: Pipe::default(),
        }
    }

    fn write_control(&mut self, now: u64, rng: &mut ChaCha8Rng) {
        for (session, pipe) in [
            (&mut self.client_requests, &mut self.requests),
            (&mut self.client_responses, &mut self.response_answers),
            (&mut self.server_requests, &mut self.request_answers),
            (&mut self.server_responses, &mut self.responses),
        ] {
            let mut out = Vec::new();
            session.take_output(&mut out);
            pipe.write(now, &out, rng);
        }
    }

    /// The sending ends hear nothing but READY and PONG.
    fn read_control(&mut self, now: u64) {
        for (session, pipe) in [
            (&mut self.client_requests, &mut self.request_answers),
            (&mut self.server_responses, &mut self.response_answers),
        ] {
            while let Some(piece) = pipe.read(now) {
                let mut rest = &piece[..];
                while let (used, Some(event)) = session.receive(rest).unwrap() {
                    assert!(matches!(event, Event::PeerReady | Event::Pong));
                    rest = &rest[used..];
                }
            }
        }
    }

    /// The server pairs both connections by the client's session and then sends both READYs.
    fn pair(&mut self, announcement: &Announcement) {
        let session = |session: &Session| PeerInfo::from_metadata(session.peer_metadata()?).session;
        let pair = (session(&self.server_requests), session(&self.server_responses));
        if let (Some(one), Some(other)) = pair {
            if one == other && !self.server_requests.traffic_allowed() {
                self.server_responses.send_ready(&announcement.properties("1")).unwrap();
                self.server_requests.send_ready(&announcement.properties("1")).unwrap();
            }
        }
    }
}

fn random_request(id: u32, rng: &mut ChaCha8Rng) -> (Header, Vec<u8>) {
    let types = [1, 2, 3, 4, bridge::TYPE_PROBE, 77];
    let ty = types[rng.random_range(0..types.len())];
    let sizes = [0, 4, 8, 255, 256, 3000];
    let size = if ty == bridge::TYPE_PROBE { 0 } else { sizes[rng.random_range(0..sizes.len())] };
    let header = Header { id, address: rng.random(), size, ty };
    let mut data = vec![0; if header.carries_data() { size as usize } else { 0 }];
    rng.fill(&mut data[..]);
    (header, data)
}

/// What the simulated memory answers: data derived from the address, or an error.
fn answer(header: &Header, data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    if header.address % 5 == 0 {
        let text = format!("no device at {:#x}", header.address);
        let result = bridge::error_result(&text, bridge::Dialect::Announced).into_owned();
        return (vec![0; header.size as usize], result);
    }
    let payload = match header.carries_data() {
        true => data.to_vec(),
        false => (0..header.size).map(|at| (header.address as u32 ^ at) as u8).collect(),
    };
    (payload, bridge::RESULT_OK.to_vec())
}

#[derive(Default)]
struct Server {
    decoder: RequestDecoder,
    open: Option<(Header, Vec<u8>)>,
    answers: Vec<u8>,
    executed: Vec<(Header, Vec<u8>)>,
}

impl Server {
    fn execute(&mut self, header: Header, data: &[u8]) {
        let (payload, result) = answer(&header, data);
        bridge::encode_response(&header, &payload, &result, &mut self.answers);
        self.executed.push((header, data.to_vec()));
    }

    fn receive(&mut self, session: &mut Session, mut rest: &[u8]) {
        loop {
            let (used, event) = self.decoder.receive(session, rest).unwrap();
            rest = &rest[used..];
            match event {
                None => return,
                Some(RequestEvent::Complete(one)) => self.execute(one.header, one.data),
                Some(RequestEvent::Start { header, .. }) => self.open = Some((header, Vec::new())),
                Some(RequestEvent::Data { bytes, last }) => {
                    self.open.as_mut().unwrap().1.extend_from_slice(bytes);
                    if last {
                        let (header, data) = self.open.take().unwrap();
                        self.execute(header, &data);
                    }
                }
                Some(RequestEvent::Malformed(malformed)) => panic!("{malformed}"),
                Some(RequestEvent::Session(_)) => (),
            }
        }
    }
}

#[derive(Default)]
struct Client {
    decoder: ResponseDecoder,
    open: Option<(Header, Vec<u8>)>,
    answered: Vec<(Header, Vec<u8>, Vec<u8>)>,
}

impl Client {
    fn receive(&mut self, session: &mut Session, mut rest: &[u8]) {
        loop {
            let (used, event) = self.decoder.receive(session, rest).unwrap();
            rest = &rest[used..];
            match event {
                None => return,
                Some(ResponseEvent::Complete { header, payload, result }) => {
                    self.answered.push((header, payload.to_vec(), result.to_vec()));
                }
                Some(ResponseEvent::Start { header, .. }) => self.open = Some((header, vec![])),
                Some(ResponseEvent::Payload { bytes, .. }) => {
                    self.open.as_mut().unwrap().1.extend_from_slice(bytes);
                }
                Some(ResponseEvent::End { result }) => {
                    let (header, payload) = self.open.take().unwrap();
                    self.answered.push((header, payload, result.to_vec()));
                }
                Some(ResponseEvent::Malformed(malformed)) => panic!("{malformed}"),
                Some(ResponseEvent::Session(_)) => (),
            }
        }
    }
}

#[test]
fn every_request_of_a_paired_client_is_executed_once_and_answered() {
    for seed in 0..60 {
        run_bridge(seed);
    }
}

fn run_bridge(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut net = Bridge::new();
    let client_says = Announcement::client(true).with_session(SessionId(rng.random()));
    let server_says = Announcement::server(ServerId(rng.random()), true);
    net.client_requests.send_ready(&client_says.properties("1")).unwrap();
    net.client_responses.send_ready(&client_says.properties("1")).unwrap();
    let asked: Vec<_> = (1..=40).map(|id| random_request(id, &mut rng)).collect();
    let server = Server { decoder: RequestDecoder::timed(), ..Server::default() };
    let (mut server, mut client) = (server, Client::default());
    let mut next = 0;
    let mut now = 0;
    while client.answered.len() < asked.len() {
        now += 1;
        assert!(now < STEPS_MAX, "seed {seed}: no progress");
        net.pair(&server_says);
        net.write_control(now, &mut rng);
        if next < asked.len() && net.client_requests.traffic_allowed() && rng.random_bool(0.5) {
            let mut out = Vec::new();
            let timing = Timing { sent: now, remaining: 10, timeout: 20 };
            bridge::encode_request(&asked[next].0, Some(&timing), &asked[next].1, &mut out);
            net.requests.write(now, &out, &mut rng);
            next += 1;
        }
        if rng.random_bool(0.1) && net.server_responses.may_ping() {
            net.server_responses.ping(0).unwrap();
        }
        net.read_control(now);
        while let Some(piece) = net.requests.read(now) {
            server.receive(&mut net.server_requests, &piece);
        }
        if net.server_responses.traffic_allowed() {
            net.responses.write(now, &std::mem::take(&mut server.answers), &mut rng);
        }
        while let Some(piece) = net.responses.read(now) {
            client.receive(&mut net.client_responses, &piece);
        }
    }
    assert!(server.executed == asked, "seed {seed}: executed differs from asked");
    for ((header, data), (echo, payload, result)) in asked.iter().zip(&client.answered) {
        let expected = answer(header, data);
        assert_eq!(header, echo, "seed {seed}");
        assert!((payload, result) == (&expected.0, &expected.1), "seed {seed}, {header:?}");
    }
    let server_seen = PeerInfo::from_metadata(net.client_requests.peer_metadata().unwrap());
    assert!(server_seen.answers_probes());
}
