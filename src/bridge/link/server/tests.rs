//! A link with a service that is not the memory bridge: it echoes messages of any number of parts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::bridge::link::acceptor::FIRST_CONNECTION;
use crate::bridge::link::budget::Holder;
use crate::bridge::link::options::LegacyPolicy;
use crate::bridge::link::service::{Fault, Peer};
use crate::bridge::link::wire::Received;
use crate::net::listener::listen_at;
use crate::net::owner::owners;
use crate::net::server_address::ServerAddress;
use crate::net::socket::{Silence, HOST_SILENCE_MAX};
use crate::net::{Driver, EventLoop, Spin};
use crate::process::STACK_OF_PROCESS;
use crate::proto::bridge::ServerId;
use crate::proto::zmtp::frame::encode_message;
use crate::proto::zmtp::Event;

use testkit_base::raw::{message, properties_of, ready, Item, Raw, RawClient};
use testkit_base::wait::{wait_until, Gate};

/// Limit of the output that waits for a client; above it no message of the client is taken.
const BACKLOG_OCTETS_MAX: usize = 64 * 1024;

/// The message being received.
#[derive(Default)]
struct Coming {
    parts: Vec<Vec<u8>>,
    is_last: bool,
}

/// What the loop does after a message with [`WAIT`].
#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Message,
    Joined,
    TurnEnded,
}

/// Holds the loop up, and what it does from then on.
#[derive(Default)]
struct Record {
    gate: Arc<Gate>,
    /// `None` before.
    steps: Mutex<Option<Vec<Step>>>,
}

impl Record {
    /// Returns whether it is recorded.
    fn note(&self, step: Step) -> bool {
        self.steps.lock().unwrap().as_mut().map(|steps| steps.push(step)).is_some()
    }

    fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone().unwrap_or_default()
    }
}

/// Echoes messages, those that begin with [`LATER`] when one with [`NOW`] comes.
struct Echo {
    received: Arc<AtomicU64>,
    ending: Arc<AtomicU64>,
    left: Arc<AtomicU64>,
    later: Vec<(ClientId, Vec<u8>)>,
    is_now: bool,
    wraps: bool,
    record: Arc<Record>,
}

const LATER: &[u8] = b"later";
/// Echoes what has been left for later.
const NOW: &[u8] = b"now";
/// Gives the ids of connections from the first one again.
const WRAP: &[u8] = b"wrap";

/// Waits at the gate of the record. Clients that join from then on take all the time of a turn that
/// there is for them, as if their keys took so long.
const WAIT: &[u8] = b"wait";

impl Holder for Coming {
    const IS_ANSWERED: bool = true;

    fn held_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.capacity() as u64).sum()
    }
}

impl Service for Echo {
    type Client = Coming;

    fn joined(&mut self, _: &Peer) -> Coming {
        if self.record.note(Step::Joined) {
            let end = clock::now() + STRANGERS_TIME_MAX;
            while clock::now() < end {}
        }
        Coming::default()
    }

    fn left(&mut self, _: Coming) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    fn is_busy(&self, _: &Coming) -> bool {
        false
    }

    fn has_room(&self, client: &ActiveClient<'_, Coming>) -> bool {
        client.backlog() < BACKLOG_OCTETS_MAX
    }

    fn receive(
        &mut self,
        client: &mut ActiveClient<'_, Coming>,
        input: &[u8],
        _: &mut Turn,
    ) -> Result<usize, Fault> {
        let (used, event) = client.request.session.receive(input)?;
        let is_complete = match event {
            Some(Event::PartStart { len, more }) => {
                client.state.parts.push(Vec::new());
                client.state.is_last = !more;
                len == 0 && !more
            }
            Some(Event::PartData { bytes, last }) => {
                client.state.parts.last_mut().unwrap().extend_from_slice(bytes);
                last && client.state.is_last
            }
            _ => false,
        };
        if is_complete {
            let parts = std::mem::take(&mut client.state.parts);
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            match parts[0] {
                LATER => self.later.push((client.id, parts[1].to_vec())),
                _ => _ = client.queue(0, |out| encode_message(&parts, out)),
            }
            self.is_now |= parts[0] == NOW;
            self.wraps |= parts[0] == WRAP;
            self.received.fetch_add(1, Ordering::Relaxed);
            self.record.note(Step::Message);
            if parts[0] == WAIT {
                self.record.gate.pass();
                *self.record.steps.lock().unwrap() = Some(Vec::new());
            }
        }
        Ok(used)
    }

    fn receive_payload(&mut self, _: &mut ActiveClient<'_, Coming>, _: u64) -> Option<Received> {
        None
    }

    fn flush(&mut self, client: &mut ActiveClient<'_, Coming>, _: Time) -> io::Result<()> {
        client.flush()
    }

    fn answers_ended(&mut self, _: &mut ActiveClient<'_, Coming>) -> bool {
        self.ending.fetch_add(1, Ordering::Relaxed);
        true
    }
}

struct EchoDriver {
    link: Link<Echo>,
    echo: Echo,
}

impl Driver for EchoDriver {
    type Timer = ();
    const TIMERS: &'static [()] = &[()];

    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.link.start(registry)
    }

    fn ready(&mut self, _: &Registry, token: Token, readiness: Readiness) {
        self.link.ready(&mut self.echo, token, readiness);
    }

    fn woken(&mut self, _: &Registry) {
        self.link.woken(&mut self.echo);
    }

    fn deadline(&self, (): ()) -> Option<Time> {
        self.link.deadline()
    }

    fn timeout(&mut self, _: &Registry, (): (), now: Time) {
        self.link.timeout(&mut self.echo, now);
    }

    fn flush(&mut self, registry: &Registry) {
        self.link.end_turn(registry, &mut self.echo);
        self.echo.record.note(Step::TurnEnded);
        if std::mem::take(&mut self.echo.wraps) {
            self.link.peers.next_id = FIRST_CONNECTION;
        }
        if std::mem::take(&mut self.echo.is_now) {
            for (id, part) in std::mem::take(&mut self.echo.later) {
                self.link.with_client(id, |client| {
                    client.queue(part.len(), |out| encode_message(&[&part], out));
                });
            }
            self.link.flush_answered(&mut self.echo);
        }
    }

    fn stopped(&mut self, _: &Registry) {
        self.link.stop(&mut self.echo);
    }
}

/// An echo server, its port, and its counts: of connections, of messages, of clients that read no
/// more, and of disconnected ones.
struct Echoing {
    handle: DriverHandle,
    port: u16,
    counters: Arc<LinkCounters>,
    received: Arc<AtomicU64>,
    ending: Arc<AtomicU64>,
    left: Arc<AtomicU64>,
    record: Arc<Record>,
}

impl Echoing {
    fn new() -> Echoing {
        let at = ServerAddress::new("127.0.0.1", 0).unwrap();
        let listeners = listen_at(&at, 0o600).unwrap();
        let port = listeners.address.port();
        let options = LinkOptions {
            curve: None,
            access_list: None,
            sealed_octets_max: 0,
            legacy: LegacyPolicy::OnePerAddress,
            legacy_shared_process: false,
            settle: Duration::from_millis(1),
            clients_max: 16,
            clients_per_address_max: None,
            duplex: true,
            silence: Silence { host_max: HOST_SILENCE_MAX, unread_max: Duration::ZERO },
            descriptors_reserved: None,
            budget_bytes_max: 0,
            progress_per_second_min: 0,
        };
        let announcement = Announcement::server(ServerId([7; 16]), true);
        let counters = Arc::<LinkCounters>::default();
        let parts = (counters.clone(), Arc::new(Logger::new("link")));
        let [received, ending, left] = [(); 3].map(|()| Arc::<AtomicU64>::default());
        let record = Arc::<Record>::default();
        let echo = Echo {
            received: received.clone(),
            ending: ending.clone(),
            left: left.clone(),
            later: Vec::new(),
            is_now: false,
            wraps: false,
            record: record.clone(),
        };
        let handle = EventLoop::spawn("echo", STACK_OF_PROCESS, Spin::Never, move |handle| {
            let link = Link::new(handle, vec![listeners], options, announcement, owners, parts);
            EchoDriver { link, echo }
        })
        .unwrap();
        Echoing { handle, port, counters, received, ending, left, record }
    }
}

impl Drop for Echoing {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

fn parts_of(item: Item) -> Vec<Vec<u8>> {
    match item {
        Item::Message(parts) => parts,
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn messages_of_any_kind_go_back_to_their_client_alone() {
    let server = Echoing::new();
    let mut clients: Vec<RawClient> =
        (0..4).map(|session| RawClient::with_session(server.port, session)).collect();
    for round in 0..20_u8 {
        for (n, client) in clients.iter_mut().enumerate() {
            let part = vec![round; usize::from(round) * 1000 + n];
            let parts: [&[u8]; 3] = [&part, b"x", b""];
            client.request.send(&message(&parts[..1 + usize::from(round) % 3]));
        }
        for (n, client) in clients.iter_mut().enumerate() {
            let parts = parts_of(client.response.item());
            assert_eq!(parts.len(), 1 + usize::from(round) % 3);
            assert_eq!(parts[0], vec![round; usize::from(round) * 1000 + n]);
        }
    }
    drop(clients);
    wait_until("all have left", || server.left.load(Ordering::Relaxed) == 4);
}

#[test]
fn a_client_that_does_not_read_is_read_no_more_and_holds_up_nobody() {
    const COUNT: u64 = 4000;
    let server = Echoing::new();
    let mut slow = RawClient::with_session(server.port, 1);
    let mut quick = RawClient::with_session(server.port, 2);
    let mut sender = slow.request.stream.try_clone().unwrap();
    // More than fits into the socket buffers of both ends and the backlog.
    let sending = std::thread::spawn(move || {
        let octets = message(&[&[5; 10_000]]);
        (0..COUNT).for_each(|_| io::Write::write_all(&mut sender, &octets).unwrap());
    });
    let mut seen = 0;
    wait_until("nothing more is taken", || {
        quick.request.send(&message(&[b"still there?"]));
        assert_eq!(parts_of(quick.response.item()), [b"still there?"]);
        let before = std::mem::replace(&mut seen, server.received.load(Ordering::Relaxed));
        // Each round adds one message itself.
        seen > 100 && seen == before + 1
    });
    assert!(seen < COUNT, "it has read without end");
    for _ in 0..COUNT {
        assert_eq!(parts_of(slow.response.item()), [[5; 10_000]]);
    }
    sending.join().unwrap();
}

/// A client whose response connection is accepted before its request connection.
fn client_in_order(port: u16, session: u128) -> RawClient {
    let [mut response, mut request] = [port + 1, port].map(|port| {
        let mut raw = Raw::connect(port);
        raw.greet();
        raw
    });
    let session = format!("{session:032x}");
    response.send(&ready("PULL", &properties_of(&session)));
    request.send(&ready("PUSH", &properties_of(&session)));
    let mut client = RawClient { request, response };
    client.wait_served();
    client
}

#[test]
fn an_answer_to_a_client_that_has_left_does_not_reach_one_with_the_ids_of_its_connections() {
    let server = Echoing::new();
    let mut leaving = client_in_order(server.port, 1);
    let mut staying = client_in_order(server.port, 2);
    leaving.request.send(&message(&[LATER, b"of the one that has left"]));
    wait_until("it has come", || server.received.load(Ordering::Relaxed) == 1);
    drop(leaving);
    wait_until("it has left", || server.left.load(Ordering::Relaxed) == 1);
    let mut echo = |part: &[u8]| {
        staying.request.send(&message(&[part]));
        assert_eq!(parts_of(staying.response.item()), [part]);
    };
    echo(WRAP);
    let mut newcomer = client_in_order(server.port, 3);
    newcomer.request.send(&message(&[LATER, b"its own"]));
    newcomer.request.send(&message(&[b"done"]));
    assert_eq!(parts_of(newcomer.response.item()), [b"done"]);
    echo(NOW);
    assert_eq!(parts_of(newcomer.response.item()), [b"its own"]);
}

#[test]
fn a_client_that_reads_no_more_is_one_client_and_its_connections_are_not_held() {
    let server = Echoing::new();
    let RawClient { mut request, response } = RawClient::with_session(server.port, 1);
    drop(response);
    wait_until("the end is seen", || server.ending.load(Ordering::Relaxed) >= 1);
    request.send(&message(&[b"the last"]));
    let other = RawClient::with_session(server.port, 2);
    let counts = || {
        let LinkCounters { clients, held, .. } = &*server.counters;
        [clients, held, &server.received].map(|count| count.load(Ordering::Relaxed))
    };
    wait_until("both are counted", || counts() == [2, 0, 1]);
    drop((request, other));
    wait_until("both have left", || server.left.load(Ordering::Relaxed) == 2);
    wait_until("nothing is counted", || counts() == [0, 0, 1]);
}

#[test]
fn f34_connections_without_a_client_make_room_before_a_client_whose_last_messages_count() {
    const SILENT_COUNT: u64 = 80;
    let server = Echoing::new();
    let RawClient { mut request, response } = client_in_order(server.port, 1);
    drop(response);
    wait_until("the end is seen", || server.ending.load(Ordering::Relaxed) >= 1);
    // More than may be open.
    let silent: Vec<Raw> = (0..SILENT_COUNT).map(|_| Raw::connect(server.port)).collect();
    let accepted = || server.counters.accepted.load(Ordering::Relaxed);
    wait_until("all are accepted", || accepted() == 2 + SILENT_COUNT);
    assert_eq!(server.left.load(Ordering::Relaxed), 0);
    request.send(&message(&[b"the last"]));
    wait_until("it has come", || server.received.load(Ordering::Relaxed) == 1);
    drop(silent);
}

#[test]
fn handshakes_come_after_clients_and_take_a_limited_part_of_each_turn() {
    const STRANGERS: u128 = 4;
    let server = Echoing::new();
    let [mut first, mut second] =
        [1, 2].map(|session| RawClient::with_session(server.port, session));
    let mut strangers: Vec<(Raw, Vec<u8>)> = (0..2 * STRANGERS)
        .map(|n| {
            let (kind, port) = [("PUSH", 0), ("PULL", 1)][n as usize % 2];
            let mut raw = Raw::connect(server.port + port);
            raw.greet();
            (raw, ready(kind, &properties_of(&format!("{:032x}", 3 + n / 2))))
        })
        .collect();
    first.request.send(&message(&[WAIT]));
    server.record.gate.wait_arrived(1);
    strangers.iter_mut().for_each(|(raw, ready)| raw.send(ready));
    second.request.send(&message(&[b"x"]));
    server.record.gate.open();
    second.response.item();
    let count = |steps: &[Step], step| steps.iter().filter(|&&one| one == step).count();
    let all = STRANGERS as usize;
    wait_until("all have joined", || count(&server.record.steps(), Step::Joined) == all);
    let steps = server.record.steps();
    let came = steps.iter().find(|&&step| step != Step::TurnEnded);
    assert_eq!(came, Some(&Step::Message), "clients first: {steps:?}");
    let mut turns = steps.split(|&step| step == Step::TurnEnded);
    assert!(turns.all(|turn| count(turn, Step::Joined) <= 1), "one in a turn: {steps:?}");
}
