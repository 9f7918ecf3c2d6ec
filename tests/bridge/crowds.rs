//! Many clients at one server: who makes room for whom, and what those are told who do.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientState, ServerOptions, TcpServer};

use testkit::bridge::{assert_serves, memory, server_of, Client};
use testkit::raw::{self, Item, Raw, RawClient, RawServer};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::{wait_until, Gate};

const PLACES: usize = 4;

fn small_server() -> Arc<TcpServer> {
    server_of(memory(), ServerOptions { clients_max: PLACES, ..ServerOptions::default() })
}

/// The reason of an ERROR, which is what comes next on a connection.
#[track_caller]
fn dismissal(raw: &mut Raw) -> String {
    let Item::Command(body) = raw.item() else { panic!("no command") };
    let reason = body.strip_prefix(b"\x05ERROR").expect("an ERROR");
    assert_eq!(reason.len(), usize::from(reason[0]) + 1);
    String::from_utf8(reason[1..].to_vec()).unwrap()
}

#[test]
fn f83_idle_strangers_make_room_and_are_told_why() {
    let server = small_server();
    let mut strangers: Vec<RawClient> =
        (1..=PLACES as u128).map(|n| RawClient::with_session(server.port(), n)).collect();
    let newcomer = Client::new(server.port());
    newcomer.master.write(0, &[5; 4]).unwrap();
    // The first one has been idle for longest.
    let (first, others) = strangers.split_first_mut().unwrap();
    for raw in [&mut first.request, &mut first.response] {
        let reason = dismissal(raw);
        assert!(reason.starts_with("idle for ") && reason.contains("its place"), "{reason}");
        raw.wait_closed();
    }
    assert!(others.iter_mut().all(|one| !one.request.is_closed()));
    let stats = server.stats();
    assert_eq!((stats.clients, stats.clients_evicted), (PLACES as u64, 1));
}

#[test]
fn f94_a_stranger_is_as_idle_whichever_of_its_connections_comes_first() {
    let options = ServerOptions { clients_max: 2, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let mut strangers = [[0, 1], [1, 0]].map(|order| {
        let session = format!("{:032x}", order[0] + 1);
        let ends = [("PUSH", 0), ("PULL", 1)];
        let mut both = ends.map(|(_, port)| Raw::connect(server.port() + port));
        both.iter_mut().for_each(Raw::greet);
        for end in order {
            let ready = raw::ready(ends[end].0, &raw::properties_of(&session));
            // The greetings have come: their answers have.
            let received = server.stats().bytes_in + ready.len() as u64;
            both[end].send(&ready);
            wait_until("READY has come", || server.stats().bytes_in >= received);
        }
        both.iter_mut().for_each(|raw| drop(raw.take_ready()));
        both
    });
    assert_serves(&server);
    strangers[0].iter_mut().for_each(|raw| assert!(dismissal(raw).contains("its place")));
    assert!(!strangers[1][0].is_closed());
}

#[test]
fn f92_a_client_whose_request_waits_in_its_socket_makes_no_room() {
    const FIRST: u64 = 0x100;
    const SECOND: u64 = 0x200;
    /// A client that has been used makes room after a second.
    const IDLE_TIME: Duration = Duration::from_millis(1100);
    let (first, second) = (Gate::new(), Gate::new());
    let gates = [(FIRST, first.clone()), (SECOND, second.clone())];
    let slave = calling(move |tran| {
        let gate = gates.iter().find(|(address, _)| *address == tran.address());
        gate.into_iter().for_each(|(_, gate)| gate.pass());
        answer(tran);
    });
    let options = ServerOptions { clients_max: 3, ..ServerOptions::default() };
    let server = server_of(slave, options);
    let [mut one, mut other, mut idle] =
        [1, 2, 3].map(|session| RawClient::with_session(server.port(), session));
    testkit::wait::let_pass(IDLE_TIME);
    let session = format!("{:032x}", 4);
    let mut newcomer = [("PUSH", 0), ("PULL", 1)].map(|(kind, port)| {
        let mut raw = Raw::connect(server.port() + port);
        raw.greet();
        (raw, raw::ready(kind, &raw::properties_of(&session)))
    });
    one.request.send(&raw::read(1, FIRST));
    first.wait_arrived(1);
    // These come together, clients first: meanwhile the idle one asks for something.
    newcomer.iter_mut().for_each(|(raw, ready)| raw.send(ready));
    other.request.send(&raw::read(2, SECOND));
    first.open();
    second.wait_arrived(1);
    idle.request.send(&raw::read(3, 0));
    second.open();
    assert_eq!(idle.response.take_response().header.id, 3);
    newcomer[0].0.wait_closed();
    let stats = server.stats();
    assert_eq!((stats.clients_evicted, stats.clients_refused_full), (0, 1));
}

#[test]
fn a_client_that_uses_its_place_keeps_it_while_strangers_come_and_go() {
    let server = small_server();
    let polite = Client::ready(server.port());
    let mut strangers = Vec::new();
    for n in 1..=10 * PLACES as u128 {
        strangers.push(RawClient::with_session(server.port(), n));
        polite.master.write(0, &[n as u8; 4]).unwrap();
    }
    assert_eq!(polite.tcp.stats().disconnects, 0);
}

#[test]
fn a_legacy_client_that_makes_room_sees_a_closed_connection_and_no_error() {
    let options = ServerOptions { clients_max: 1, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let RawClient { request, response } = RawClient::legacy(server.port());
    assert_serves(&server);
    assert_eq!((request.rest(), response.rest()), (Vec::new(), Vec::new()));
}

#[test]
fn clients_with_requests_outstanding_make_no_room_and_the_newcomer_is_told_why() {
    let keeper = Keeper::new();
    let options = ServerOptions { clients_max: PLACES, ..ServerOptions::default() };
    let server = server_of(keeper.clone(), options);
    let clients: Vec<Client> = (0..PLACES).map(|_| Client::ready(server.port())).collect();
    let reads: Vec<u32> = clients.iter().map(|client| client.start_read(0, 4)).collect();
    keeper.wait_seen(PLACES);
    let newcomer = Client::new(server.port());
    wait_until("it is refused", || newcomer.tcp.state_text().contains("the server refuses"));
    let text = newcomer.tcp.state_text();
    assert!(text.contains("all 4 places are taken") && text.contains("clients_max"), "{text}");
    assert!(server.stats().clients_refused_full > 0);
    let legacy = RawClient::announce(server.port(), &[]);
    for raw in [legacy.request, legacy.response] {
        assert!(raw.rest().is_empty(), "a legacy client is told nothing but an end");
    }
    assert_eq!(server.stats().clients_evicted, 0);
    // Its request waits, and so does it, for one that leaves or is idle.
    let waiting = newcomer.start_read(4, 4);
    keeper.answer_all();
    for (client, read) in clients.iter().zip(reads) {
        client.master.wait(read).unwrap();
    }
    answer(&keeper.next());
    newcomer.master.wait(waiting).unwrap();
    assert_eq!(server.stats().clients_evicted, 1);
}

#[test]
fn an_address_with_a_quota_has_no_more_clients_than_that() {
    let options = ServerOptions { clients_per_address_max: Some(2), ..ServerOptions::default() };
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), options);
    let busy: Vec<Client> = (0..2).map(|_| Client::ready(server.port())).collect();
    busy.iter().for_each(|client| _ = client.start_read(0, 4));
    keeper.wait_seen(2);
    let newcomer = Client::new(server.port());
    wait_until("it is refused", || newcomer.tcp.state_text().contains("clients_per_address_max"));
    assert!(newcomer.tcp.state_text().contains("all 2 places of 127.0.0.1 are taken"));
    assert!(server.stats().clients_refused_address > 0);
    keeper.answer_all();
    newcomer.wait_connected();
    wait_until("one has made room", || server.stats().clients_evicted == 1);
    assert_eq!(server.stats().clients, 2);
}

#[test]
fn a_client_that_is_sent_away_stays_away_until_it_is_needed() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let mut peer = server.serve(&[("X-Rogue-Bridge", "1")]);
    client.wait_connected();
    peer.request.send(&raw::command("ERROR", b"\x04idle"));
    drop(peer);
    wait_until("it has gone", || client.tcp.state() == ClientState::Connecting);
    assert!(client.tcp.state_text().contains("the peer ended the connection: idle"));
    // Without a need for it, it would be there within a tenth of a second.
    server.request.set_nonblocking(true).unwrap();
    testkit::wait::let_pass(Duration::from_millis(300));
    assert!(server.request.accept().is_err());
    server.request.set_nonblocking(false).unwrap();
    let read = client.start_read(0, 4);
    let mut peer = server.serve(&[("X-Rogue-Bridge", "1")]);
    let request = peer.request.take_request();
    peer.response.send(&request.answer());
    client.master.wait(read).unwrap();
}

#[test]
fn f84_connections_that_have_announced_themselves_are_no_younger_than_newcomers() {
    const PLACES: usize = 2;
    let server =
        server_of(memory(), ServerOptions { clients_max: PLACES, ..ServerOptions::default() });
    // They are held, and closed later than one that has just been accepted.
    let mut held: Vec<Raw> = (0..4 * PLACES)
        .map(|n| {
            let mut raw = Raw::connect(server.port());
            raw.greet();
            raw.send(&raw::ready("PUSH", &raw::properties_of(&format!("{n:032x}"))));
            raw
        })
        .collect();
    wait_until("all are held", || server.stats().held == held.len() as u64);
    let mut newcomer = Raw::connect(server.port());
    newcomer.greet();
    wait_until("the oldest is closed", || held[0].is_closed());
    assert!(!newcomer.is_closed());
    assert_eq!(server.stats().connections_displaced, 1);
    assert_serves(&server);
}

#[test]
fn f93_connections_that_are_closed_before_they_are_accepted_displace_nobody() {
    const MANY: u64 = 8;
    let gate = Gate::new();
    let slave = {
        let gate = gate.clone();
        calling(move |tran| {
            gate.pass();
            answer(tran);
        })
    };
    let options = ServerOptions { clients_max: 1, ..ServerOptions::default() };
    let server = server_of(slave, options);
    let mut client = RawClient::with_session(server.port(), 1);
    let mut newcomer = Raw::connect(server.port());
    newcomer.greet();
    client.request.send(&raw::read(1, 0));
    gate.wait_arrived(1);
    (0..MANY).for_each(|_| drop(Raw::connect(server.port())));
    gate.open();
    wait_until("all are accepted", || server.stats().accepted == 3 + MANY);
    assert_eq!(client.response.take_response().header.id, 1);
    assert!(!newcomer.is_closed());
    assert_eq!(server.stats().connections_displaced, 0);
}

/// Sends messages until the server closes the connection, and returns how many it took.
fn flood(raw: &mut Raw, octets: &[u8], server: &TcpServer) -> u64 {
    while raw.try_send(octets) {}
    wait_until("it is closed", || server.stats().closed_malformed > 0);
    server.stats().malformed
}

#[test]
fn f87_a_client_that_floods_is_disconnected_at_its_sixteenth_malformed_message_and_told_why() {
    let server = server_of(memory(), ServerOptions::default());
    let polite = Client::ready(server.port());
    let mut flooder = RawClient::with_session(server.port(), 1);
    let malformed = flood(&mut flooder.request, &raw::message(&[b"ab"]).repeat(1000), &server);
    assert_eq!(malformed, 16);
    let reason = dismissal(&mut flooder.response);
    assert!(reason.contains("16 malformed messages in a second"), "{reason}");
    polite.master.read(0, 4).unwrap();
    assert_eq!((server.stats().closed_malformed, polite.tcp.stats().disconnects), (1, 0));
}

#[test]
fn pieces_of_requests_that_an_overloaded_client_of_rogue_leaves_are_tolerated() {
    const PIECES: u32 = 300;
    let server = server_of(memory(), ServerOptions::default());
    let pieces = [
        // Of a read, and of a write, without the id.
        raw::message(&[&[0; 8], &[4, 0, 0, 0], &[1, 0, 0, 0]]),
        raw::message(&[&[0; 8], &[4, 0, 0, 0], &[2, 0, 0, 0], b"data"]),
        // Of a write without id and address.
        raw::message(&[&[2, 0, 0, 0], &[2, 0, 0, 0], b"ab"]),
    ];
    let mut legacy = RawClient::legacy(server.port());
    for id in 0..PIECES {
        legacy.request.send(&[&pieces.concat()[..], &raw::read(id, 0)].concat());
        assert_eq!(legacy.response.take_response().header.id, id);
    }
    assert_eq!(server.stats().malformed, u64::from(3 * PIECES));
    // Ours sends no such thing.
    let mut ours = RawClient::with_session(server.port(), 1);
    flood(&mut ours.request, &pieces[0].repeat(1000), &server);
    assert_eq!(server.stats().malformed, u64::from(3 * PIECES) + 16);
    // And there is an end to it.
    flood(&mut legacy.request, &pieces[1].repeat(1000), &server);
    wait_until("it is closed too", || server.stats().closed_malformed == 2);
}
