//! What a server says to whom, and when, before it serves anybody.

use std::time::Duration;

use rogue_mem::bridge::{LegacyPolicy, ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;

use crate::support::raw::{self, Item, Raw, RawClient};
use crate::support::slaves::Keeper;
use crate::support::{assert_serves, server, server_of, wait_until};

/// Settling that no test lives to see.
const NEVER: Duration = Duration::from_secs(3600);

fn server_with(legacy: LegacyPolicy, settle: Duration) -> std::sync::Arc<TcpServer> {
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
fn a_connection_that_leaves_takes_its_twin_along_and_both_may_come_back() {
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

#[test]
fn a_session_that_comes_back_replaces_connections_that_still_linger() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut old = RawClient::with_session(server.port(), 42);
    old.request.send(&raw::read(1, 0x100));
    let unanswered = keeper.next();
    let mut new = RawClient::with_session(server.port(), 42);
    old.request.wait_closed();
    old.response.wait_closed();
    new.request.send(&raw::read(1, 0x100));
    let second = keeper.next();
    crate::support::slaves::answer(&unanswered);
    wait_until("the old answer is thrown away", || server.stats().dropped_responses == 1);
    assert!(!new.response.has_frame(), "an answer to the former connection");
    crate::support::slaves::answer(&second);
    assert_eq!(new.response.take_response().header.id, 1);
    assert_eq!(server.stats().clients, 1);
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
