//! What Rogue's endpoints do, as recorded in `tests/vectors/udp.jsonl`, and where these differ on
//! purpose.

use std::sync::Arc;

use rogue_mem::protocols::{UdpEndpoint, UdpOptions};
use rogue_mem::stream::{self, Node};
use serde_json::Value;
use testkit::frames::{Peer, Seen};
use testkit::vectors::{from_hex, lines};
use testkit::wait::wait_until;

use crate::peer::{address, client_of, is_silent, jumbo, receive, send, server, socket};

fn flag(row: &Value, key: &str) -> bool {
    row[key].as_bool().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"))
}

#[test]
fn every_recorded_behaviour_is_that_of_these_endpoints_or_better_on_purpose() {
    let rows = lines("udp");
    assert_eq!(rows.len(), 18);
    for line in rows {
        let row: Value = serde_json::from_str(&line).unwrap();
        let description = row["description"].as_str().unwrap().to_owned();
        let has = |words: &str| description.contains(words);
        match () {
            () if has("maxPayload") => sizes(&row),
            () if has("before any datagram") => no_peer(&row),
            () if has("to the last sender") => answers(&row),
            () if has("takes over as peer") => takeover(&row),
            () if has("zero length datagram produces") => assert!(!flag(&row, "frame") && !empty()),
            () if has("zero length datagram from a") => empty_from_another(&row),
            () if has("payload limit") => limit(&row),
            () if has("oversize datagram") => oversized_from_another(&row),
            () if has("error flag") => error_flag(&row),
            () if has("one datagram per buffer") => buffers(&row),
            () if has("metadata") => metadata(&row),
            () if has("very first datagram") => first_reply(&row),
            () if has("first datagram of a new peer") => reply_to_a_new_peer(&row),
            () if has("client transmit") => client_sends(&row),
            () if has("from any source") => stranger(&row),
            () if has("stop()") => stops(&row),
            () if has("stopped endpoint") => after_the_end(&row),
            () => panic!("nothing tests: {description}"),
        }
    }
}

fn sizes(row: &Value) {
    let options = UdpOptions { jumbo: flag(row, "jumbo"), ..UdpOptions::default() };
    let server = UdpEndpoint::server("*", 0, options).unwrap();
    assert_eq!(u64::from(server.payload_bytes_max()), number(row, "max_payload"));
    let slave = server.stream_slave();
    let pool = slave.base().pool();
    assert_eq!(u64::from(pool.fixed_size()), number(row, "fixed_size"));
    assert_eq!(u64::from(pool.pool_size()), number(row, "pool_size"));
    assert_eq!(server.port() != 0, flag(row, "dynamic_port"));
}

fn no_peer(row: &Value) {
    let (server, _) = server();
    send(&server, &[1]);
    let stats = server.stats();
    assert_eq!((stats.datagrams_out, stats.unsent), (0, 1));
    assert!(!flag(row, "delivered"));
    assert_eq!(server.peer(), None);
}

fn answers(row: &Value) {
    let ((server, peer), a) = (server(), socket());
    a.send_to(&[1], address(&server)).unwrap();
    peer.wait(1);
    let payload = from_hex(row["payload_hex"].as_str().unwrap());
    send(&server, &payload);
    assert!(flag(row, "delivered_to_a"));
    assert_eq!(receive(&a), (payload, address(&server)));
}

fn takeover(row: &Value) {
    let ((server, peer), a, b) = (server(), socket(), socket());
    for (count, one) in (1..).zip([&a, &b]) {
        one.send_to(&[1], address(&server)).unwrap();
        peer.wait(count);
    }
    assert_eq!(server.peer(), Some(b.local_addr().unwrap()));
    send(&server, &[2]);
    assert!(flag(row, "delivered_to_b") && !flag(row, "delivered_to_a"));
    assert_eq!(receive(&b).0, [2]);
    assert!(is_silent(&a));
}

/// Whether a datagram without content becomes a frame.
fn empty() -> bool {
    let ((server, peer), a) = (server(), socket());
    a.send_to(&[], address(&server)).unwrap();
    a.send_to(&[1], address(&server)).unwrap();
    peer.wait(1)[0].bytes.is_empty()
}

fn empty_from_another(row: &Value) {
    let ((server, peer), a, b) = (server(), socket(), socket());
    b.send_to(&[1], address(&server)).unwrap();
    a.send_to(&[], address(&server)).unwrap();
    b.send_to(&[2], address(&server)).unwrap();
    peer.wait(2);
    send(&server, &[3]);
    assert!(flag(row, "delivered_to_b") && !flag(row, "delivered_to_a"));
    assert_eq!(receive(&b).0, [3]);
    assert!(is_silent(&a));
}

fn limit(row: &Value) {
    assert!(flag(row, "accepted_1472") && !flag(row, "accepted_1473"));
    for (options, limit) in [(UdpOptions::default(), 1472), (jumbo(), 8972)] {
        let server = UdpEndpoint::server("127.0.0.1", 0, options).unwrap();
        let (server, peer) = crate::peer::observed(server);
        let a = socket();
        for bytes in [limit + 1, limit, 1] {
            a.send_to(&vec![7; bytes], address(&server)).unwrap();
        }
        let seen: Vec<usize> = peer.wait(2).iter().map(|seen| seen.bytes.len()).collect();
        assert_eq!(seen, [limit, 1]);
        assert_eq!(server.stats().oversized, 1);
    }
}

fn oversized_from_another(row: &Value) {
    let ((server, peer), a, b) = (server(), socket(), socket());
    a.send_to(&[1], address(&server)).unwrap();
    peer.wait(1);
    b.send_to(&[0; 1473], address(&server)).unwrap();
    wait_until("it is dropped", || server.stats().oversized == 1);
    send(&server, &[3]);
    assert!(flag(row, "delivered_to_b") && !flag(row, "delivered_to_a"));
    assert_eq!(receive(&b).0, [3]);
    assert!(is_silent(&a));
}

fn error_flag(row: &Value) {
    let a = socket();
    let (client, peer) = client_of(&a);
    peer.send_marked(&[1], 1);
    peer.send(&[2]);
    assert!(!flag(row, "delivered"));
    assert_eq!(receive(&a).0, [2]);
    assert_eq!((client.stats().unsent, client.stats().datagrams_out), (1, 1));
}

fn buffers(row: &Value) {
    let a = socket();
    let (client, _) = client_of(&a);
    let frame = client.stream_slave().accept_req(3000, true).unwrap();
    let bytes: Vec<u8> = (0..3000_u32).map(|n| n as u8).collect();
    {
        let mut buffers = frame.lock();
        buffers.set_payload(3000).unwrap();
        buffers.write_at(0, &bytes).unwrap();
    }
    client.stream_slave().accept_frame(frame);
    let expected = row["datagram_sizes"].as_array().unwrap();
    let mut all = Vec::new();
    for size in expected {
        let (datagram, _) = receive(&a);
        assert_eq!(datagram.len() as u64, size.as_u64().unwrap());
        all.extend(datagram);
    }
    assert_eq!(all, bytes);
}

fn metadata(row: &Value) {
    let ((server, peer), a) = (server(), socket());
    a.send_to(&[1, 2], address(&server)).unwrap();
    let seen = Seen { bytes: vec![1, 2], ..Seen::default() };
    assert_eq!(peer.wait(1), [seen]);
    assert_eq!(["flags", "channel", "error"].map(|key| number(row, key)), [0; 3]);
}

/// A server whose slave answers each frame within its delivery, with the same bytes.
fn echo() -> Arc<UdpEndpoint> {
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let echo = Peer::new(Peer::send);
    stream::connect(&*server, &*echo).unwrap();
    server
}

/// Rogue loses the first reply. Here an answer goes to the asker, also within the delivery.
fn first_reply(row: &Value) {
    let (server, a) = (echo(), socket());
    for n in [1, 2] {
        a.send_to(&[n], address(&server)).unwrap();
        assert_eq!(receive(&a).0, [n]);
    }
    assert_eq!((flag(row, "first_reply"), flag(row, "second_reply")), (false, true));
    server.stop();
}

/// Rogue answers the previous peer.
fn reply_to_a_new_peer(row: &Value) {
    let (server, a, b) = (echo(), socket(), socket());
    for (n, one) in [(1, &a), (2, &b)] {
        one.send_to(&[n], address(&server)).unwrap();
        assert_eq!(receive(one).0, [n]);
    }
    assert!(is_silent(&a));
    assert_eq!((flag(row, "delivered_to_a"), flag(row, "delivered_to_b")), (true, false));
    server.stop();
}

fn client_sends(row: &Value) {
    let a = socket();
    let (client, _) = client_of(&a);
    let payload = from_hex(row["payload_hex"].as_str().unwrap());
    send(&client, &payload);
    assert!(flag(row, "delivered"));
    let (bytes, source) = receive(&a);
    assert_eq!((bytes, source.port()), (payload, client.port()));
}

/// Rogue accepts datagrams from any address. Here a forged one is dropped and counted.
fn stranger(row: &Value) {
    assert!(flag(row, "accepted_from_stranger"));
    let (a, b) = (socket(), socket());
    let (client, peer) = client_of(&a);
    b.send_to(&[1], address(&client)).unwrap();
    a.send_to(&[2], address(&client)).unwrap();
    assert_eq!(peer.wait(1)[0].bytes, [2]);
    assert_eq!(client.stats().strangers, 1);
}

/// Rogue waits for a datagram that may never come.
fn stops(row: &Value) {
    assert!(!flag(row, "returned_within_1500ms"));
    let (server, _) = server();
    server.stop();
    server.stop();
    assert_eq!(server.stats().receive_buffer_bytes, 0, "the socket is closed");
}

/// Rogue never returns.
fn after_the_end(row: &Value) {
    assert!(!flag(row, "call_returned_within_500ms"));
    let a = socket();
    let (client, _) = client_of(&a);
    client.stop();
    send(&client, &[1]);
    assert_eq!((client.stats().unsent, client.stats().datagrams_out), (1, 0));
}
