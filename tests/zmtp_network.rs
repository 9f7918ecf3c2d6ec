//! ZMTP sessions on a virtual network: seeded, in virtual time, without sockets.
//!
//! Octets travel in order and without loss, as TCP delivers them, but cut anywhere and delayed by
//! any time. A failing case names its seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::bridge::{self, Announcement, Header, PeerInfo, ServerId, SessionId};
use rogue_mem::proto::bridge::{RequestDecoder, RequestEvent, ResponseDecoder, ResponseEvent};
use rogue_mem::proto::zmtp::command::Ping;
use rogue_mem::proto::zmtp::frame;
use rogue_mem::proto::zmtp::{Event, Limits, Role, SendError, Session};
use std::collections::VecDeque;

/// Steps after which a run counts as hung.
const STEPS_MAX: u64 = 200_000;

/// Longest delay of a piece, in ticks of virtual time.
const DELAY_TICKS_MAX: u64 = 40;

/// One direction of a TCP connection.
#[derive(Default)]
struct Pipe {
    /// Pieces under way with the tick of their arrival, which never decreases.
    pieces: VecDeque<(u64, Vec<u8>)>,
    sent: u64,
}

impl Pipe {
    fn write(&mut self, now: u64, octets: &[u8], rng: &mut ChaCha8Rng) {
        self.sent += octets.len() as u64;
        let mut rest = octets;
        let mut arrival = self.pieces.back().map_or(now, |piece| piece.0);
        let longest = [3, 20, 300, 100_000][rng.random_range(0..4)];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rng.random_range(1..=longest.min(rest.len())));
            arrival = arrival.max(now + rng.random_range(0..DELAY_TICKS_MAX));
            self.pieces.push_back((arrival, piece.to_vec()));
            rest = after;
        }
    }

    fn read(&mut self, now: u64) -> Option<Vec<u8>> {
        if self.pieces.front()?.0 > now {
            return None;
        }
        self.pieces.pop_front().map(|piece| piece.1)
    }
}

/// One end of a connection with everything that it has seen.
struct End {
    session: Session,
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
        End {
            session: Session::new(role, Limits { frame_octets_max: 1 << 20 }),
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

    fn receive(&mut self, mut rest: &[u8], sent: u64) {
        loop {
            let (used, event) = self.session.receive(rest).unwrap();
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
        self.session.take_output(&mut out);
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
        run_pair(seed);
    }
}

fn run_pair(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut push, mut pull) = (End::new(Role::Push), End::new(Role::Pull));
    let (mut to_pull, mut to_push) = (Pipe::default(), Pipe::default());
    let mut unsent: VecDeque<_> = (0..30).map(|_| random_message(&mut rng)).collect();
    let expected: Vec<_> = unsent.iter().cloned().collect();
    let ready_tick = rng.random_range(0..500);
    let mut ready_sent = false;
    push.session.send_ready(&[("X-seed", b"push")]).unwrap();
    let hello_octets = push.session.output_len() as u64;
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
                let parts: Vec<&[u8]> = unsent[0].iter().map(Vec::as_slice).collect();
                let mut out = Vec::new();
                match push.session.send_message(&parts, &mut out) {
                    Ok(()) if rng.random_bool(0.5) => {
                        to_pull.write(now, &out, &mut rng);
                        unsent.pop_front();
                    }
                    Ok(()) => {
                        // The same message as a libzmq peer might send it.
                        let mut interleaved = out[..out.len() - encoded_len(&parts)].to_vec();
                        let message = unsent.pop_front().unwrap();
                        push.pings_sent += send_interleaved(&message, &mut rng, &mut interleaved);
                        to_pull.write(now, &interleaved, &mut rng);
                    }
                    Err(error) => assert!(error == SendError::NotReady && out.is_empty()),
                }
            }
            1 => push.try_ping(&mut rng),
            2 => pull.try_ping(&mut rng),
            3 => to_pull.write(now, &push.output(), &mut rng),
            4 => to_push.write(now, &pull.output(), &mut rng),
            _ => (),
        }
        while let Some(piece) = to_pull.read(now) {
            pull.receive(&piece, to_push.sent);
        }
        while let Some(piece) = to_push.read(now) {
            push.receive(&piece, to_pull.sent);
        }
        if pull.messages.len() == expected.len() && now > 2000 {
            break;
        }
    }
    drain(&mut push, &mut pull, &mut to_pull, &mut to_push, &mut rng);
    assert!(pull.messages == expected, "seed {seed}: messages differ");
    assert_eq!(push.sent_at_ready, Some(hello_octets), "seed {seed}: PUSH sent before READY");
    assert!(pull.sent_at_ready.is_some_and(|sent| sent <= 64), "seed {seed}: withheld READY");
    assert_eq!(push.pings_sent, push.pongs_seen, "seed {seed}");
    assert_eq!(pull.pings_sent, pull.pongs_seen, "seed {seed}");
    assert_eq!((push.pings_seen, pull.pings_seen), (pull.pings_sent, push.pings_sent));
    assert!(push.pings_sent > 0 && pull.pings_sent > 0, "seed {seed}: nothing was pinged");
    let property = pull.session.peer_metadata().unwrap().property("x-SEED");
    assert_eq!(property, Some(&b"push"[..]));
}

fn encoded_len(parts: &[&[u8]]) -> usize {
    let mut out = Vec::new();
    frame::encode_message(parts, &mut out);
    out.len()
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
            pull.receive(&piece, to_push.sent);
        }
        to_push.write(u64::MAX - DELAY_TICKS_MAX, &pull.output(), rng);
        while let Some(piece) = to_push.read(u64::MAX) {
            push.receive(&piece, to_pull.sent);
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
            push.session.send_message(&parts, &mut stream).unwrap();
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
                self.server_responses.send_ready(&announcement.properties()).unwrap();
                self.server_requests.send_ready(&announcement.properties()).unwrap();
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
                Some(RequestEvent::Complete { header, data }) => self.execute(header, data),
                Some(RequestEvent::Start(header)) => self.open = Some((header, Vec::new())),
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
    let client_says = Announcement::client(SessionId(rng.random()), true);
    let server_says = Announcement::server(ServerId(rng.random()), true);
    net.client_requests.send_ready(&client_says.properties()).unwrap();
    net.client_responses.send_ready(&client_says.properties()).unwrap();
    let asked: Vec<_> = (1..=40).map(|id| random_request(id, &mut rng)).collect();
    let (mut server, mut client) = (Server::default(), Client::default());
    let mut next = 0;
    let mut now = 0;
    while client.answered.len() < asked.len() {
        now += 1;
        assert!(now < STEPS_MAX, "seed {seed}: no progress");
        net.pair(&server_says);
        net.write_control(now, &mut rng);
        if next < asked.len() && net.client_requests.traffic_allowed() && rng.random_bool(0.5) {
            let mut out = Vec::new();
            bridge::encode_request(&asked[next].0, &asked[next].1, &mut out);
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
