//! Connections that come and go.

use std::time::Duration;

use super::*;

use rogue_mem::bridge::ClientState;
use rogue_mem::memory::TransactionType;
use rogue_mem::protocols::SrpV3;
use testkit::bus::{failure, launch, master_of, text_of};
use testkit::frames::Peer;
use testkit::raw::{Item, RawClient, RawServer};

#[test]
fn a_frame_waits_for_the_first_peer_of_either_end() {
    let server = server();
    let early = sending(server.stream_slave(), 1, 8);
    let mut peer = RawClient::legacy(server.port());
    early.join().unwrap();
    assert_eq!(peer.response.item(), one_frame());

    let port = RawServer::new().port;
    let client = client(port);
    let early = sending(client.stream_slave(), 1, 8);
    let mut peer = RawServer::at(port).serve(&[]);
    early.join().unwrap();
    assert_eq!(peer.request.item(), one_frame());
}

/// The first frame of a sender.
fn one_frame() -> Item {
    Item::Message(vec![vec![0; 2], vec![0], vec![0], vec![0; 8]])
}

#[test]
fn a_stop_releases_a_sender_that_waits_for_a_peer() {
    let server = server();
    let sender = sending(server.stream_slave(), 3, 8);
    server.stop();
    sender.join().unwrap();
    assert_eq!(server.stats().dropped_out, 3);
    server.stop();
    let nobody = RawServer::new();
    let client = client(nobody.port);
    let sender = sending(client.stream_slave(), 3, 8);
    client.stop();
    sender.join().unwrap();
    assert_eq!(client.stats().dropped_out, 3);
    assert_eq!(client.state(), ClientState::Stopped);
    assert!(client.state_text().ends_with("has been stopped"), "{}", client.state_text());
}

#[test]
fn f132_a_stopped_client_says_so_while_its_slave_blocks() {
    let server = server();
    let client = client(server.port());
    let gate = Gate::new();
    let inner = gate.clone();
    let blocking = Peer::new(move |_, _| inner.pass());
    connect(&*client, &*blocking).unwrap();
    server.stream_slave().accept_frame(frame(b"block"));
    gate.wait_arrived(1);
    client.stop();
    assert_eq!(client.state(), ClientState::Stopped);
    assert!(client.state_text().ends_with("has been stopped"), "{}", client.state_text());
    gate.open();
}

#[test]
fn f39_a_request_over_a_stopped_end_fails_at_once() {
    let (server, srp) = (server(), SrpV3::new());
    connect(&*srp, &*server).unwrap();
    server.stop();
    let text = failure(&launch(&master_of(srp), TransactionType::Read, 0x40, vec![0; 4]));
    assert!(text.contains("stream TcpServer") && text.contains("has been stopped"), "{text}");
    assert_eq!(server.stats().dropped_out, 0);
}

#[test]
fn f78_a_request_that_waits_for_a_peer_fails_in_time_and_is_not_sent_to_a_later_one() {
    let (server, srp) = (server(), SrpV3::new());
    connect(&*srp, &*server).unwrap();
    let master = master_of(srp);
    master.set_timeout(Duration::from_millis(10));
    let text = text_of(master.write(0x40, &[0; 4]));
    assert!(text.contains("never sent"), "{text}");
    let (client, peer) = (client(server.port()), Peer::silent());
    connect(&*peer, &*client).unwrap();
    wait_connected(&server, 1);
    master.request(0x80, vec![0; 4].into(), TransactionType::Post).unwrap();
    let seen = peer.wait(1);
    assert_eq!((seen.len(), seen[0].bytes[8]), (1, 0x80), "the address");
    assert_eq!(server.stats().dropped_out, 1);
}

#[test]
fn frames_that_wait_survive_a_cut_and_are_sent_on_the_next_connection() {
    let server = server();
    let port = server.port();
    let client = client(port);
    wait_until("it is connected", || client.state() == ClientState::Connected);
    server.stop();
    wait_until("it is cut", || client.stats().disconnects == 1);
    assert!(client.state_text().contains("not connected"), "{}", client.state_text());
    let later = server_at(port);
    let at_server = Counter::new();
    later.stream_master().add_slave(at_server.clone()).unwrap();
    sending(client.stream_slave(), 1000, 1000).join().unwrap();
    at_server.wait(1000);
    let stats = client.stats();
    assert_eq!((stats.connects, stats.disconnects, stats.dropped_out), (2, 1, 0));
    assert_eq!(client.state_text(), format!("connected to 127.0.0.1:{port}"));
}

#[test]
fn every_frame_is_counted_where_connections_are_cut_under_load() {
    let server = server();
    let port = server.port();
    let client = client(port);
    let sender = sending(client.stream_slave(), 20_000, 1000);
    let mut servers = vec![server];
    for cuts in 1..4 {
        let server = servers.last().unwrap();
        let connects = cuts;
        wait_until("frames flow", || {
            client.stats().connects == connects && server.stats().dropped_in > 0
        });
        server.stop();
        servers.push(server_at(port));
    }
    sender.join().unwrap();
    wait_until("all is sent", || client.stats().queued == 0);
    let stats = client.stats();
    assert_eq!(stats.frames_out + stats.dropped_out, 20_000);
    assert_eq!(stats.connects, 4);
    // No slave is there: each frame that has come is counted as dropped.
    let came: u64 = servers.iter().map(|server| server.stats().dropped_in).sum();
    assert!(came <= stats.frames_out, "none has come twice");
}

#[test]
fn a_bridge_lives_as_long_as_a_master_is_connected_to_its_slave() {
    let server = server();
    let at_server = Counter::new();
    server.stream_master().add_slave(at_server.clone()).unwrap();
    let source = rogue_mem::stream::Master::new();
    let client = client(server.port());
    source.add_slave(client.stream_slave()).unwrap();
    drop(client);
    (0..10).for_each(|n| _ = source.send_frame(numbered(n, 100)));
    at_server.wait(10);
    drop(source);
    wait_until("the client is gone", || server.stats().peers == 0);
    drop(server);
    wait_until("the master of the server is gone", || Arc::strong_count(&at_server) == 1);
}

#[test]
fn a_slave_may_stop_the_bridge_that_it_receives_from() {
    let server = server();
    let own = Arc::downgrade(&server);
    let stopping = testkit::frames::Peer::new(move |_, _| {
        own.upgrade().into_iter().for_each(|server| server.stop());
    });
    connect(&*server, &*stopping).unwrap();
    let client = client(server.port());
    client.stream_slave().accept_frame(frame(b"stop"));
    stopping.wait(1);
    wait_until("it is gone", || client.stats().disconnects == 1);
    server.stop();
}
