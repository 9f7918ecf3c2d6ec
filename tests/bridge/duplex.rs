//! Responses on the request connection, where both ends have said that they can do with that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;

use testkit::bridge::{memory, server, server_at, server_of, Client};
use testkit::raw::{self, Item, Raw, RawClient, RawServer, READ, WRITE};
use testkit::slaves::{answer, Keeper};
use testkit::wait::{let_pass, wait_until, LONG};

const SESSION: &str = "0123456789abcdef0123456789abcdef";
const DUPLEX: (&str, &str) = ("X-Rogue-Duplex", "1");
/// Octets of a response that the system's buffers do not take.
const LARGE: u32 = 8 << 20;

fn server_with(duplex: bool) -> Arc<TcpServer> {
    let options = ServerOptions { duplex, ..ServerOptions::default() };
    server_of(Emulate::new(4, 0xFFFF_FFFF), options)
}

fn announcing(port: u16, value: &str) -> RawClient {
    let [session, bridge] = raw::properties_of(SESSION);
    RawClient::connect(port, &[session, bridge, ("x-rogue-duplex", value)])
}

#[test]
fn both_ends_announce_it_in_these_octets_on_both_connections() {
    for duplex in [true, false] {
        let server = server_with(duplex);
        let session = raw::properties_of(SESSION);
        let mut client = RawClient::announce(server.port(), &session);
        let ready = client.response.take_ready();
        let [_, (name, id), ..] = &ready[..] else { panic!("{ready:?}") };
        assert_eq!(name, "X-Rogue-Server");
        let mut properties = vec![("X-Rogue-Server", id.as_str()), ("X-Rogue-Bridge", "1")];
        properties.extend(duplex.then_some(DUPLEX));
        let clock = client.request.peek_clock();
        properties.push(("X-Rogue-Deadline", &clock));
        let expected = raw::ready("PULL", &properties);
        assert_eq!(client.request.take(expected.len()), expected);

        let played = RawServer::new();
        let _client =
            Client::with(played.port, ClientOptions { duplex, ..ClientOptions::default() });
        let mut peer = played.accept();
        peer.response.greet();
        peer.request.greet();
        let ready = peer.response.take_ready();
        let [_, (name, session), ..] = &ready[..] else { panic!("{ready:?}") };
        assert_eq!(name, "X-Rogue-Session");
        let mut properties = raw::properties_of(session).to_vec();
        properties.extend(duplex.then_some(DUPLEX));
        let clock = peer.request.peek_clock();
        properties.push(("X-Rogue-Deadline", &clock));
        let expected = raw::ready("PUSH", &properties);
        assert_eq!(peer.request.take(expected.len()), expected);
    }
}

#[test]
fn a_client_that_announces_it_gets_its_answers_on_the_request_connection_only() {
    let server = server();
    let mut client = announcing(server.port(), "1");
    for id in 0..10 {
        client.request.send(&raw::request(id, 0x100, 4, WRITE, Some(&[id as u8; 4])));
        assert_eq!(client.request.take_response().text(), "OK");
        client.request.send(&raw::read(id, 0x100));
        assert_eq!(client.request.take_response().payload, [id as u8; 4]);
    }
    assert!(client.response.is_quiet());
}

#[test]
fn nobody_else_gets_anything_on_the_request_connection() {
    let willing = server();
    let mut clients = vec![RawClient::legacy(willing.port())];
    clients.push(RawClient::with_session(willing.port(), 7));
    clients.push(announcing(willing.port(), "0"));
    // Without a session it is as any other peer that has none.
    let other = server();
    clients.push(RawClient::connect(other.port(), &[DUPLEX]));
    let unwilling = server_with(false);
    clients.push(announcing(unwilling.port(), "1"));
    for client in &mut clients {
        assert_eq!(client.read(1, 0).text(), "OK");
        assert!(client.request.is_quiet());
    }
}

#[test]
fn answers_that_the_slave_gives_later_come_on_the_request_connection_too() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut client = announcing(server.port(), "1");
    client.request.send(&(0..100).flat_map(|id| raw::read(id, 8)).collect::<Vec<u8>>());
    let mut kept: Vec<_> = (0..100).map(|_| keeper.next()).collect();
    kept.reverse();
    kept.iter().for_each(answer);
    let ids: BTreeSet<u32> = (0..100).map(|_| client.request.take_response().header.id).collect();
    assert_eq!(ids.len(), 100);
}

fn assert_pong(raw: &mut Raw, context: &[u8]) {
    assert_eq!(raw.item(), Item::Command([b"\x04PONG", context].concat()));
}

#[test]
fn pings_of_a_client_are_answered_where_they_came() {
    let server = server();
    let mut client = announcing(server.port(), "1");
    for round in 0..3 {
        client.response.send(&raw::ping(b"response"));
        assert_pong(&mut client.response, b"response");
        client.request.send(&[raw::ping(b"request"), raw::read(round, 0)].concat());
        assert_pong(&mut client.request, b"request");
        assert_eq!(client.request.take_response().header.id, round);
    }
}

/// Waits until the server has answered as much as it may without being read.
fn wait_stalled(server: &TcpServer) {
    let mut before = 0;
    wait_until("the server waits to be read", || {
        let_pass(Duration::from_millis(50));
        let now = server.stats().bytes_out;
        std::mem::replace(&mut before, now) == now && now > 0
    });
}

#[test]
fn a_ping_is_not_answered_in_the_middle_of_a_response() {
    const COUNT: u32 = 400;
    const SIZE: u32 = 100_000;
    let server = server();
    let mut client = announcing(server.port(), "1");
    let pair = |id| [raw::request(id, 0, SIZE, READ, None), raw::ping(b"request")].concat();
    // One by one, so that some come when there is no room behind the answers that wait.
    (0..COUNT).for_each(|id| client.request.send(&pair(id)));
    wait_stalled(&server);
    client.response.send(&raw::ping(b"response"));
    assert_pong(&mut client.response, b"response");
    let (mut responses, mut pongs) = (0, 0);
    while responses < COUNT || pongs < COUNT {
        match client.request.item() {
            Item::Command(body) => {
                assert_eq!(body, b"\x04PONGrequest");
                pongs += 1;
            }
            Item::Message(parts) => {
                assert_eq!(parts[0], responses.to_le_bytes());
                assert_eq!((parts.len(), parts[4].len()), (6, SIZE as usize));
                responses += 1;
            }
        }
    }
    assert!(client.request.is_quiet());
}

#[test]
fn a_client_that_does_not_read_is_not_served_until_it_does() {
    let server = server();
    let mut client = announcing(server.port(), "1");
    let count = 20;
    let many = (0..count).flat_map(|id| raw::request(id, 0, LARGE, READ, None));
    client.request.send(&many.collect::<Vec<u8>>());
    for id in 0..count {
        let response = client.request.take_response();
        assert_eq!((response.header.id, response.payload.len()), (id, LARGE as usize));
    }
}

#[test]
fn either_connection_ends_both() {
    for ends_request in [true, false] {
        let server = server();
        let mut client = announcing(server.port(), "1");
        client.request.send(&raw::read(0, 0));
        client.request.take_response();
        let RawClient { request, response } = client;
        let (ended, mut other) =
            if ends_request { (request, response) } else { (response, request) };
        drop(ended);
        other.wait_closed();
        wait_until("it has gone", || server.stats().clients == 0);
    }
}

#[test]
fn a_server_that_answers_elsewhere_than_it_said_is_not_believed_and_does_no_harm() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let mut peer = server.serve(&[("X-Rogue-Bridge", "1"), DUPLEX]);
    client.wait_connected();
    client.master.set_timeout(Duration::from_millis(100));
    let id = client.start_read(8, 4);
    let request = peer.request.take_request();
    peer.response.send(&request.header.response(&[1, 2, 3, 4], b"OK"));
    assert!(client.error_of(id).starts_with("Timeout"));
    client.master.set_timeout(LONG);
    let id = client.start_read(8, 4);
    let request = peer.request.take_request();
    peer.request.send(&request.header.response(&[1, 2, 3, 4], b"OK"));
    assert_eq!(client.master.wait_buffer(id).unwrap(), [1, 2, 3, 4]);
    assert_eq!(client.tcp.stats().disconnects, 0);
}

#[test]
fn a_client_that_was_not_asked_is_not_answered_on_the_request_connection() {
    // The server says that it can; the client does not, and takes the answer for a violation.
    let server = RawServer::new();
    let client =
        Client::with(server.port, ClientOptions { duplex: false, ..ClientOptions::default() });
    let mut peer = server.serve(&[("X-Rogue-Bridge", "1"), DUPLEX]);
    client.wait_connected();
    let id = client.start_read(8, 4);
    let request = peer.request.take_request();
    peer.request.send(&request.header.response(&[1, 2, 3, 4], b"OK"));
    let text = client.error_of(id);
    assert!(text.contains("was lost"), "{text}");
}

#[test]
fn a_server_may_change_its_mind_with_every_connection() {
    let mut server = server_with(true);
    let port = server.port();
    let client = Client::ready(port);
    for duplex in [false, true, true, false] {
        client.master.write(0, &[1; 8]).unwrap();
        server.stop();
        let options = ServerOptions { duplex, ..ServerOptions::default() };
        server = server_at(port, memory(), options);
        wait_until("the client has seen the end", || {
            client.master.write(0, &[2; 8]).is_ok() && server.stats().requests > 0
        });
        assert_eq!(client.master.read(0, 8).unwrap(), [2; 8]);
    }
}
