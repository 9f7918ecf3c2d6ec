//! What a server says to whom, and when, before it serves anybody.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

use rogue_mem::bridge::{LegacyPolicy, ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;

use testkit::bridge::{assert_serves, server, server_of};
use testkit::raw::{self, Item, Raw, RawClient};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::{wait_until, Gate, LONG};

/// Settling that no test lives to see.
const NEVER: Duration = Duration::from_secs(3600);

fn server_with(legacy: LegacyPolicy, settle: Duration) -> Arc<TcpServer> {
    let options = ServerOptions { legacy, settle, ..ServerOptions::default() };
    server_of(Emulate::new(4, 0xFFFF_FFFF), options)
}

/// Waits until the server has seen so many connections announce themselves and holds them.
fn wait_held(server: &TcpServer, count: u64) {
    wait_until("the connections are held", || server.stats().held == count);
}

/// Asserts that nothing but the greeting comes on a connection.
#[track_caller]
fn assert_held(raw: &mut Raw) {
    assert!(raw.is_quiet(), "a held connection was spoken to or closed");
}

#[test]
fn a_server_greets_at_once_and_without_being_spoken_to() {
    let server = server();
    for port in [server.port(), server.port() + 1] {
        let mut raw = Raw::connect(port);
        assert_eq!(raw.take(12), [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1]);
        assert_eq!(raw.take(20), *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(raw.take(32), [0; 32]);
    }
}

#[test]
fn ready_is_withheld_until_both_connections_of_a_session_are_there() {
    let server = server();
    let session = "0123456789abcdef0123456789abcdef";
    let properties = raw::properties_of(session);
    for first in [0, 1] {
        let mut early = Raw::connect(server.port() + first);
        early.greet();
        early.send(&raw::ready(["PUSH", "PULL"][usize::from(first)], &properties));
        wait_held(&server, 1);
        assert_held(&mut early);
        let mut late = Raw::connect(server.port() + 1 - first);
        late.greet();
        late.send(&raw::ready(["PULL", "PUSH"][usize::from(first)], &properties));
        for raw in [&mut early, &mut late] {
            let found = raw.take_ready();
            assert!(found.contains(&("X-Rogue-Bridge".to_owned(), "1".to_owned())), "{found:?}");
            let id = found.iter().find(|(name, _)| name == "X-Rogue-Server").unwrap();
            assert!(id.1.len() == 32 && id.1.bytes().all(|b| b.is_ascii_hexdigit()), "{id:?}");
            assert_eq!(found[0].0, "Socket-Type");
        }
        drop((early, late));
        wait_until("the client has left", || server.stats().clients == 0);
    }
}

#[test]
fn nothing_is_sent_before_the_peers_ready() {
    let server = server();
    let mut client = RawClient {
        response: Raw::connect(server.port() + 1),
        request: Raw::connect(server.port()),
    };
    client.response.greet();
    client.request.greet();
    wait_held(&server, 2);
    assert_held(&mut client.request);
    assert_held(&mut client.response);
    client.request.send(&raw::ready("PUSH", &[]));
    client.response.send(&raw::ready("PULL", &[]));
    client.wait_served();
    assert_eq!(client.read(1, 0).text(), "OK");
}

#[test]
fn different_sessions_are_never_paired() {
    let server = server();
    let (one, other) = ("0".repeat(32), "1".repeat(32));
    let mut request = Raw::connect(server.port());
    request.greet();
    request.send(&raw::ready("PUSH", &raw::properties_of(&one)));
    let mut response = Raw::connect(server.port() + 1);
    response.greet();
    response.send(&raw::ready("PULL", &raw::properties_of(&other)));
    assert_serves(&server);
    assert_eq!(server.stats().held, 2);
    assert_held(&mut request);
    assert_held(&mut response);
}

#[test]
fn greeting_and_ready_come_octet_by_octet_and_requests_cut_anywhere() {
    let server = server();
    let mut client = RawClient {
        response: Raw::connect(server.port() + 1),
        request: Raw::connect(server.port()),
    };
    let sides = [(&mut client.response, "PULL"), (&mut client.request, "PUSH")];
    for (raw, socket_type) in sides {
        for octet in raw::greeting().iter().chain(&raw::ready(socket_type, &[])) {
            raw.send(&[*octet]);
        }
        raw.take(64);
    }
    client.wait_served();
    for octet in raw::request(1, 0x10, 3, raw::WRITE, Some(b"abc")) {
        client.request.send(&[octet]);
    }
    assert_eq!(client.response.take_response().text(), "OK");
    let twice = [raw::request(2, 0x10, 3, raw::READ, None), raw::read(3, 0)].concat();
    let (head, tail) = twice.split_at(40);
    client.request.send(head);
    assert_eq!(client.response.take_response().payload, b"abc");
    client.request.send(tail);
    assert_eq!(client.response.take_response().header.id, 3);
}

#[test]
fn unusual_but_legal_announcements_are_accepted() {
    let server = server();
    let long = "x".repeat(300);
    let cases: [&[(&str, &str)]; 3] =
        [&[("X-Other", "a"), ("X-Long", &long)], &[("Identity", "")], &[("x-rogue-session", "no")]];
    for properties in cases {
        let mut client = RawClient::connect(server.port(), properties);
        assert_eq!(client.read(9, 0).payload, [0; 4]);
        drop(client);
        wait_until("the client has left", || server.stats().clients == 0);
    }
}

#[test]
fn a_ping_is_answered_also_between_the_parts_of_a_request() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    let pong = |context: &[u8]| Item::Command([b"\x04PONG", context].concat());
    client.request.send(&raw::ping(b"abc"));
    assert_eq!(client.request.item(), pong(b"abc"));
    client.response.send(&raw::ping(b""));
    assert_eq!(client.response.item(), pong(b""));
    let parts = raw::request(5, 0x20, 4, raw::WRITE, Some(&[1, 2, 3, 4]));
    // Behind the third part: 6 + 10 + 6 octets.
    client.request.send(&parts[..22]);
    client.request.send(&raw::ping(b"0123456789abcdef"));
    assert_eq!(client.request.item(), pong(b"0123456789abcdef"));
    client.request.send(&parts[22..]);
    assert_eq!(client.response.take_response().text(), "OK");
    assert_eq!(client.read(6, 0x20).payload, [1, 2, 3, 4]);
}

#[test]
fn commands_that_mean_nothing_after_the_handshake_are_ignored() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    for octets in [
        raw::command("PONG", b"unasked"),
        raw::command("SUBSCRIBE", b"topic"),
        raw::command("ping", &[0, 0]),
        raw::ready("PUSH", &[]),
        vec![4, 2, 200, b'x'],
        raw::command("X", &[7; 5000]),
    ] {
        client.request.send(&octets);
    }
    assert_eq!(client.read(1, 0).text(), "OK");
}

#[test]
fn a_connection_that_leaves_takes_its_partner_along_and_both_may_come_back() {
    let server = server();
    for leaving in [0, 1] {
        let RawClient { mut request, mut response } = RawClient::with_session(server.port(), 7);
        match leaving {
            0 => {
                drop(request);
                response.wait_closed();
            }
            _ => {
                drop(response);
                request.wait_closed();
            }
        }
        wait_until("nobody is left", || {
            let stats = server.stats();
            stats.clients == 0 && stats.held == 0
        });
    }
    let mut client = RawClient::with_session(server.port(), 7);
    assert_eq!(client.read(1, 0).text(), "OK");
}

/// Waits until the server asks for a sign of life on both connections.
#[track_caller]
fn wait_asked(client: &mut RawClient) {
    for raw in [&mut client.request, &mut client.response] {
        assert_eq!(raw.item(), Item::Command(b"\x04PING\0\0".to_vec()));
    }
}

#[test]
fn a_session_that_comes_back_waits_until_its_former_connections_fail_a_ping() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut old = RawClient::with_session(server.port(), 42);
    old.request.send(&raw::read(1, 0x100));
    let unanswered = keeper.next();
    let mut new = RawClient::with_session(server.port(), 42);
    wait_asked(&mut old);
    old.request.wait_closed();
    old.response.wait_closed();
    new.request.send(&raw::read(1, 0x100));
    let second = keeper.next();
    answer(&unanswered);
    wait_until("the old answer is thrown away", || server.stats().dropped_responses == 1);
    assert!(!new.response.has_frame(), "an answer to the former connection");
    answer(&second);
    assert_eq!(new.response.take_response().header.id, 1);
    assert_eq!(server.stats().clients, 1);
}

#[test]
fn f82_who_replays_a_session_takes_nothing_from_the_client_that_has_it() {
    let server = server();
    let replay = |session: u128| {
        RawClient::announce(server.port(), &raw::properties_of(&format!("{session:032x}")))
    };
    let mut client = RawClient::with_session(server.port(), 42);
    let mut replays = [replay(42), replay(42)];
    wait_asked(&mut client);
    client.response.send(&raw::command("PONG", b""));
    client.request.send(&raw::command("PONG", b""));
    // The next one is asked later, and gives no answer: when it is given up, the first has passed.
    let _dead = RawClient::with_session(server.port(), 43);
    replay(43).wait_served();
    assert_eq!(client.read(1, 0).text(), "OK");
    for raw in replays.iter_mut().flat_map(|one| [&mut one.request, &mut one.response]) {
        assert_held(raw);
    }
    let [first, mut second] = replays;
    drop(first);
    wait_until("it has left", || server.stats().held == 2);
    drop(client);
    second.wait_served();
    assert_eq!(second.read(1, 0).text(), "OK");
}

#[test]
fn a_legacy_client_of_this_host_is_served_by_its_process_without_settling() {
    let server = server_with(LegacyPolicy::Auto, NEVER);
    let mut client = RawClient::legacy(server.port());
    assert_eq!(client.read(1, 0).text(), "OK");
    let server = server_with(LegacyPolicy::LocalPid, NEVER);
    let mut client = RawClient::legacy(server.port());
    assert_eq!(client.read(1, 0).text(), "OK");
}

#[test]
fn d14_two_legacy_clients_of_one_process_are_held_until_one_leaves() {
    let server = server_with(LegacyPolicy::Auto, NEVER);
    let mut first = RawClient::legacy(server.port());
    let mut second = RawClient::announce(server.port(), &[]);
    wait_held(&server, 2);
    assert_eq!(first.read(1, 0).text(), "OK", "the first one is not disturbed");
    assert_held(&mut second.request);
    assert_held(&mut second.response);
    drop(first);
    second.wait_served();
    assert_eq!(second.read(1, 0).text(), "OK");
}

#[test]
fn d14_one_legacy_client_per_address_is_served_after_settling_and_a_second_waits() {
    let server = server_with(LegacyPolicy::OnePerAddress, Duration::from_millis(50));
    let mut first = RawClient::legacy(server.port());
    let mut second = RawClient::announce(server.port(), &[]);
    wait_held(&server, 2);
    assert_eq!(first.read(1, 0).text(), "OK");
    assert_held(&mut second.request);
    drop(first);
    second.wait_served();
    assert_eq!(second.read(1, 0).text(), "OK");
}

fn sharing_server() -> Arc<TcpServer> {
    let options = ServerOptions { legacy_shared_process: true, ..ServerOptions::default() };
    server_of(Emulate::new(4, 0xFFFF_FFFF), options)
}

#[test]
fn f21_clients_of_a_process_that_shares_its_answers_are_all_served_and_get_every_answer() {
    let server = sharing_server();
    let mut clients = [(); 3].map(|()| RawClient::announce(server.port(), &[]));
    clients.iter_mut().for_each(RawClient::wait_served);
    let large = vec![0x5A; 40_000];
    // Ids are unique in the process.
    for id in 1..=9_u32 {
        let address = 0x10_000 * u64::from(id);
        let asking = &mut clients[id as usize % 3];
        asking.request.send(&raw::request(2 * id, address, 40_000, raw::WRITE, Some(&large)));
        asking.request.send(&raw::request(2 * id + 1, address, 4, 99, None));
        for client in &mut clients {
            let response = client.response.take_response();
            assert_eq!((response.header.id, response.text().as_str()), (2 * id, "OK"));
            assert_eq!(response.payload, large);
            let refused = client.response.take_response();
            assert_eq!(refused.header.id, 2 * id + 1);
            assert!(refused.text().contains("Unknown transaction type"));
        }
    }
    // Whoever leaves takes nobody along.
    let [mut first, second, mut third] = clients;
    drop(second);
    wait_until("it has left", || server.stats().clients == 2);
    assert_eq!(first.read(101, 0x10_000).payload, [0x5A; 4]);
    assert_eq!(third.response.take_response().header.id, 101);
    assert_eq!(third.read(102, 0x10_000).payload, [0x5A; 4]);
    assert_eq!(server.stats().held, 0);
}

#[test]
fn f21_a_sharer_that_does_not_read_holds_its_process_back_and_no_other_client() {
    let server = sharing_server();
    let mut deaf = RawClient::legacy(server.port());
    let mut asking = RawClient::legacy(server.port());
    let count = 64;
    for id in 1..=count {
        asking.request.send(&raw::request(id, 0, 1 << 20, raw::READ, None));
    }
    assert_eq!(asking.response.take_response().header.id, 1);
    assert_serves(&server);
    // Those of `assert_serves` are few.
    assert!(server.stats().responses < u64::from(count), "its backlog has a limit");
    // What it has not read is there for it, whoever asked, and all of it comes.
    for id in 1..=count {
        assert_eq!(deaf.response.take_response().header.id, id);
        if id > 1 {
            assert_eq!(asking.response.take_response().header.id, id);
        }
    }
}

#[test]
fn a_process_goes_on_when_the_sharer_leaves_that_did_not_read() {
    const COUNT: u32 = 64;
    let server = sharing_server();
    let deaf = RawClient::legacy(server.port());
    let mut asking = RawClient::legacy(server.port());
    let read = |id| raw::request(id, 0, 1 << 20, raw::READ, None);
    asking.request.send(&(1..=COUNT).flat_map(read).collect::<Vec<u8>>());
    // It has read everything that has been sent to it when it waits for more.
    let mut reader = asking.response.stream.try_clone().unwrap();
    asking.response.set_patience(Duration::from_millis(200));
    io::copy(&mut reader, &mut io::sink()).unwrap_err();
    let sent = server.stats().responses;
    assert!(sent < u64::from(COUNT), "its backlog has a limit");
    assert_serves(&server);
    let all = u64::from(COUNT) + server.stats().responses - sent;
    asking.response.set_patience(LONG);
    thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    drop(deaf);
    wait_until("everything is answered", || server.stats().responses == all);
}

#[test]
fn a_sharer_goes_on_when_the_answer_to_another_one_has_taken_its_backlog_along() {
    const COUNT: u64 = 300;
    const KEPT: u64 = 0xE000_0000;
    const HELD: u64 = 0xF000_0000;
    let (gate, kept) = (Gate::new(), Arc::new(Mutex::new(None)));
    let (passing, keeping) = (gate.clone(), kept.clone());
    let slave = calling(move |tran| match tran.address() {
        KEPT => *keeping.lock().unwrap() = Some(tran.clone()),
        HELD => {
            passing.pass();
            answer(tran);
        }
        _ => answer(tran),
    });
    let options = ServerOptions { legacy_shared_process: true, ..ServerOptions::default() };
    let server = server_of(slave, options);
    let [mut stalled, mut other] = [(); 2].map(|()| RawClient::legacy(server.port()));
    let mut bystander = RawClient::with_session(server.port(), 1);
    other.request.send(&raw::read(1000, KEPT));
    wait_until("the slave keeps it", || kept.lock().unwrap().is_some());
    let read = |id| raw::request(id as u32, 0, 64 * 1024, raw::READ, None);
    stalled.request.send(&(1..=COUNT).flat_map(read).collect::<Vec<u8>>());
    let (mut seen, mut count) = (0, COUNT);
    wait_until("its backlog is full", || {
        bystander.read(1, 0);
        count += 1;
        let before = std::mem::replace(&mut seen, server.stats().responses);
        seen == before + 1
    });
    assert!(seen < count, "there is no backlog");
    // The slave holds the server up until the clients have read everything that has been sent.
    bystander.request.send(&raw::read(2, HELD));
    gate.wait_arrived(1);
    let drain = |mut stream: &TcpStream| io::copy(&mut stream, &mut io::sink());
    for client in [&stalled, &other] {
        client.response.set_patience(Duration::from_millis(200));
        drain(&client.response.stream).unwrap_err();
        client.response.set_patience(LONG);
    }
    answer(&kept.lock().unwrap().take().unwrap());
    gate.open();
    for client in [&stalled, &other] {
        let stream = client.response.stream.try_clone().unwrap();
        thread::spawn(move || drain(&stream));
    }
    wait_until("everything is answered", || server.stats().responses == count + 2);
}

#[test]
fn a_sharer_that_leaves_takes_nobody_along_whose_answers_it_represents() {
    const HELD: u64 = 0xF000_0000;
    let gate = Gate::new();
    let passing = gate.clone();
    let slave = calling(move |tran| {
        if tran.address() == HELD {
            passing.pass();
        }
        answer(tran);
    });
    let options = ServerOptions { legacy_shared_process: true, ..ServerOptions::default() };
    let server = server_of(slave, options);
    let served = |port, kind| {
        let mut raw = Raw::connect(port);
        raw.greet();
        raw.send(&raw::ready(kind, &[]));
        raw.take_ready();
        raw
    };
    let (requests, responses) = (server.port(), server.port() + 1);
    // The first response connection represents the first request connection, of the other client.
    let leaving = served(responses, "PULL");
    let mut staying =
        RawClient { response: served(responses, "PULL"), request: served(requests, "PUSH") };
    let leaving = RawClient { response: leaving, request: served(requests, "PUSH") };
    staying.read(1, 0);
    leaving.response.stream.peek(&mut [0]).unwrap();
    staying.request.send(&raw::read(2, HELD));
    gate.wait_arrived(1);
    // With an answer unread, the system resets the connection.
    drop(leaving);
    gate.open();
    assert_eq!(staying.response.take_response().header.id, 2);
    assert_eq!(staying.read(3, 0).header.id, 3);
    wait_until("one is left", || server.stats().clients == 1);
}

#[test]
fn an_address_is_not_served_before_it_has_settled() {
    let server = server_with(LegacyPolicy::OnePerAddress, NEVER);
    let mut client = RawClient::announce(server.port(), &[]);
    assert_serves(&server);
    assert_eq!(server.stats().held, 2);
    assert_held(&mut client.request);
    assert_held(&mut client.response);
}

#[test]
fn legacy_clients_are_held_for_ever_where_they_are_refused() {
    let server = server_with(LegacyPolicy::Refuse, Duration::ZERO);
    let mut client = RawClient::announce(server.port(), &[]);
    wait_held(&server, 2);
    assert_serves(&server);
    assert_held(&mut client.request);
    assert_held(&mut client.response);
}

#[test]
fn a_half_client_is_not_in_the_way_of_others() {
    let server = server();
    let mut half = Raw::connect(server.port());
    half.greet();
    half.send(&raw::ready("PUSH", &raw::properties_of(&"a".repeat(32))));
    let silent: Vec<Raw> = (0..10).map(|_| Raw::connect(server.port() + 1)).collect();
    assert_serves(&server);
    assert_held(&mut half);
    drop(silent);
}
