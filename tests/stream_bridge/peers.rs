//! Several peers, and raw ones that speak as Rogue's or misbehave.

use super::*;

use testkit::frames::Peer;
use testkit::raw::{message, ping, Item, Raw, RawClient, RawServer};

/// The parts of the next message.
#[track_caller]
fn parts(raw: &mut Raw) -> Vec<Vec<u8>> {
    match raw.item() {
        Item::Message(parts) => parts,
        Item::Command(body) => panic!("a command: {body:?}"),
    }
}

#[test]
fn frames_go_to_several_clients_in_turn_and_come_from_all_of_them() {
    let server = server();
    let clients: Vec<_> = (0..3).map(|_| client(server.port())).collect();
    let sinks: Vec<_> = clients.iter().map(|_| Peer::silent()).collect();
    for (client, sink) in clients.iter().zip(&sinks) {
        connect(&**client, &**sink).unwrap();
    }
    let merged = Peer::silent();
    connect(&*server, &*merged).unwrap();
    wait_connected(&server, 3);
    let slave = server.stream_slave();
    for n in 0..30_u8 {
        slave.accept_frame(frame(&[n]));
        // So that the turns do not depend on how fast each client reads.
        wait_until("it is sent", || server.stats().queued == 0);
    }
    let mut all: Vec<u8> = Vec::new();
    for sink in &sinks {
        let seen: Vec<u8> = sink.wait(10).iter().map(|frame| frame.bytes[0]).collect();
        assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 3), "every third: {seen:?}");
        all.extend(seen);
    }
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<u8>>());
    for (n, client) in clients.iter().enumerate() {
        (0..10).for_each(|k| client.stream_slave().accept_frame(frame(&[n as u8, k])));
    }
    let seen = merged.wait(30);
    for n in 0..3 {
        let own: Vec<u8> =
            seen.iter().filter(|one| one.bytes[0] == n).map(|one| one.bytes[1]).collect();
        assert_eq!(own, (0..10).collect::<Vec<u8>>(), "those of one client in their order");
    }
}

#[test]
fn a_legacy_client_and_a_legacy_server_exchange_the_messages_of_the_reference() {
    let server = server();
    let at_server = Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let mut raw = RawClient::legacy(server.port());
    raw.request.send(&message(&[&[0x34, 0x12], &[5], &[0x80], b"payload"]));
    assert_eq!(at_server.wait(1)[0], seen(b"payload", 0x1234, 5, 0x80));
    server.stream_slave().accept_frame(frame_of(&seen(b"answer", 0x0201, 7, 1)));
    assert_eq!(parts(&mut raw.response), [&[1, 2][..], &[7], &[1], b"answer"]);

    let raw = RawServer::new();
    let client = client(raw.port);
    let at_client = Peer::silent();
    connect(&*client, &*at_client).unwrap();
    let mut served = raw.serve(&[]);
    client.stream_slave().accept_frame(frame_of(&seen(b"ask", 0x8001, 255, 0)));
    assert_eq!(parts(&mut served.request), [&[1, 0x80][..], &[255], &[0], b"ask"]);
    served.response.send(&message(&[&[0xFF, 0], &[1], &[2], &[9; 300]]));
    assert_eq!(at_client.wait(1)[0], seen(&[9; 300], 0xFF, 1, 2));
}

#[test]
fn frames_that_come_together_with_the_handshake_are_not_lost() {
    let raw = RawServer::new();
    let client = client(raw.port);
    let at_client = Peer::silent();
    connect(&*client, &*at_client).unwrap();
    let mut served = raw.accept();
    for channel in [&mut served.response, &mut served.request] {
        channel.greet();
        channel.take_ready();
    }
    let ready = testkit::raw::ready;
    let early = [ready("PUSH", &[]), message(&[&[0; 2], &[0], &[0], b"early"])].concat();
    served.response.send(&early);
    served.request.send(&[ready("PULL", &[]), ping(b"now")].concat());
    assert_eq!(at_client.wait(1)[0].bytes, b"early");
    assert_eq!(served.request.item(), Item::Command(b"\x04PONGnow".to_vec()));
}

#[test]
fn a_legacy_peer_is_sent_no_frame_without_payload_because_it_would_lose_the_next_one() {
    let server = server();
    let mut raw = RawClient::legacy(server.port());
    server.stream_slave().accept_frame(frame(b""));
    server.stream_slave().accept_frame(frame(b"next"));
    assert_eq!(parts(&mut raw.response)[3], b"next");
    wait_until("it is counted as sent", || server.stats().queued == 0);
    let stats = server.stats();
    assert_eq!((stats.frames_out, stats.dropped_out), (1, 1));
}

#[test]
fn messages_that_are_no_frames_are_counted_and_do_no_harm() {
    let server = server();
    let at_server = Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let mut raw = RawClient::with_session(server.port(), 1);
    let (two, one) = (&[0; 2][..], &[0][..]);
    let bad: [&[&[u8]]; 7] = [
        &[b"one part"],
        &[two, one, one],
        &[two, one, one, b"4", b"5"],
        &[&[0; 4], one, one, b"flags"],
        &[two, two, one, b"channel"],
        &[two, one, two, b"error"],
        &[two, b"", one, b"no channel"],
    ];
    for (n, parts) in bad.iter().enumerate() {
        raw.request.send(&message(parts));
        raw.request.send(&message(&[two, one, one, &[n as u8]]));
    }
    let seen: Vec<u8> = at_server.wait(bad.len()).iter().map(|frame| frame.bytes[0]).collect();
    assert_eq!(seen, (0..bad.len() as u8).collect::<Vec<u8>>());
    assert_eq!(server.stats().malformed, bad.len() as u64);
    // A frame that ends with the connection counts for nothing.
    let mut cut = message(&[two, one, one, &[1; 100_000]]);
    cut.truncate(90_000);
    raw.request.send(&cut);
    drop(raw);
    wait_until("it is gone", || server.stats().peers == 0);
    assert_eq!(at_server.seen().len(), bad.len());
    assert_eq!(server.stats().dropped_in, 0);
}

#[test]
fn frames_above_the_limit_are_dropped_and_counted_and_cost_no_memory() {
    let limits = StreamLimits { frame_bytes_max: 100_000, ..StreamLimits::default() };
    let server = server_with(StreamServerOptions { limits, ..Default::default() });
    let at_server = Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let client = client(server.port());
    for size in [100_001, 100_000, 5_000_000, 7] {
        client.stream_slave().accept_frame(frame(&pattern(size, size)));
    }
    let sizes: Vec<usize> = at_server.wait(2).iter().map(|frame| frame.bytes.len()).collect();
    assert_eq!((sizes, server.stats().dropped_in), (vec![100_000, 7], 2));
}

#[test]
fn incomplete_frames_of_all_clients_have_one_budget_and_the_slow_ones_make_room() {
    const BUDGET: u64 = 8 << 20;
    const FRAME: usize = 1 << 20;
    let options = StreamServerOptions { budget_bytes_max: BUDGET, ..Default::default() };
    let server = server_with(options);
    let at_server = Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let octets = message(&[&[0; 2], &[0], &[0], &vec![1; FRAME]]);
    // As much as the systems' buffers take of what the server does not read.
    let most = &octets[..70_000];
    let mut attackers: Vec<RawClient> =
        (0..10).map(|n| RawClient::with_session(server.port(), n)).collect();
    attackers.iter_mut().for_each(|raw| raw.request.send(most));
    wait_until("some wait", || server.stats().budget_waits > 0);
    let used = server.stats().budget_used;
    assert!((1..=BUDGET).contains(&used), "{used}");
    let polite = client(server.port());
    wait_connected(&server, 11);
    for (count, size) in [(1, 1000), (2, 100_000), (3, FRAME)] {
        polite.stream_slave().accept_frame(frame(&pattern(size, size)));
        assert_eq!(at_server.wait(count).last().unwrap().bytes.len(), size);
    }
    let stats = server.stats();
    assert!(stats.closed_for_room > 0 && stats.dropped_in == 0, "{stats:?}");
    assert!(polite.stats().disconnects == 0 && !stats.unfinished.is_zero());
    drop(attackers);
    wait_until("all is let go of", || server.stats().budget_used < 100_000);
    let large = BUDGET as usize / 2 + 1;
    polite.stream_slave().accept_frame(frame(&pattern(large, large)));
    wait_until("no budget has room for it", || server.stats().dropped_in == 1);
}

#[test]
fn f83_an_idle_client_makes_room_for_another_one_and_comes_back_for_its_frames() {
    let options = StreamServerOptions { clients_max: 1, ..Default::default() };
    let server = server_with(options);
    let at_server = Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let first = client(server.port());
    wait_connected(&server, 1);
    let second = client(server.port());
    second.stream_slave().accept_frame(frame(b"second"));
    at_server.wait(1);
    wait_until("it is told", || first.state_text().contains("another client needs its place"));
    // The second one is no longer idle, so that this waits for a second.
    first.stream_slave().accept_frame(frame(b"first"));
    at_server.wait(2);
    assert!(server.stats().clients_evicted >= 2);
}

#[test]
fn ends_of_a_memory_bridge_are_told_that_they_are_at_the_wrong_port() {
    let server = server();
    let lost = testkit::bridge::Client::new(server.port());
    let client = client(server.port());
    wait_connected(&server, 1);
    let text = "the client is one of the memory bridge";
    wait_until("it is turned away", || lost.tcp.state_text().contains(text));
    let memory = testkit::bridge::server();
    let stream = StreamClient::new("127.0.0.1", memory.port(), StreamClientOptions::default());
    let stream = stream.unwrap();
    wait_until("it says so", || stream.state_text().contains("a server of the memory bridge"));
    assert_eq!(server.stats().connects, 1);
    drop(client);
}
