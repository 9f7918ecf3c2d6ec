//! What a server makes of peers that are broken or mean harm. After each of them it still serves
//! others.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;

use testkit::bridge::{assert_serves, memory, server, server_of, Client};
use testkit::raw::{self, Raw, RawClient, POST, PROBE, READ, VERIFY, WRITE};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::wait_until;

/// Largest transaction of the servers that are to refuse larger ones.
const SMALL_MAX: u32 = 1 << 20;

fn small_server() -> Arc<TcpServer> {
    let options = ServerOptions { transaction_bytes_max: SMALL_MAX, ..ServerOptions::default() };
    server_of(Emulate::new(4, 0xFFFF_FFFF), options)
}

/// Asserts that the server closes a connection on which it has said nothing but its greeting: a
/// libzmq client that is told of an error in words never connects again.
#[track_caller]
fn assert_closed_without_a_word(raw: Raw) {
    let said = raw.rest();
    assert!(raw::greeting().starts_with(&said), "{said:?}");
}

#[test]
fn a_bad_greeting_closes_the_connection_without_a_word() {
    let server = server();
    let changed = |at: usize, octet: u8| {
        let mut octets = raw::greeting();
        octets[at] = octet;
        octets
    };
    let mut cases = vec![changed(0, 0), changed(0, 0xFE), changed(9, 0x7E)];
    cases.extend([0, 1, 2].map(|major| changed(10, major)));
    let mechanisms: [&[u8]; 5] = [b"PLAIN", b"CURVE", b"null", b"NULL\0x", b""];
    cases.extend(mechanisms.map(raw::greeting_with));
    cases.push(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec());
    cases.push(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n".to_vec());
    for octets in cases {
        for port in [server.port(), server.port() + 1] {
            let mut peer = Raw::connect(port);
            peer.try_send(&octets);
            assert_closed_without_a_word(peer);
        }
    }
    assert_serves(&server);
}

#[test]
fn a_peer_of_the_wrong_kind_is_closed_without_a_word() {
    let server = server();
    let long = "x".repeat(70_000);
    let truncated = raw::command("READY", b"\x0bSocket-Type\0\0\0\x09PUSH");
    for octets in [
        raw::ready("PULL", &[]),
        raw::ready("REQ", &[]),
        raw::ready("push", &[]),
        raw::ready("PUSH\0", &[]),
        raw::ready("PUSH", &[("X-Long", &long)]),
        raw::command("READY", b""),
        raw::command("READY", b"\x0bSocket-Type\0\0\0\x04PUSH\x01"),
        truncated,
        raw::command("ERROR", b"\x03no!"),
        raw::command("ready", b"\x0bSocket-Type\0\0\0\x04PUSH"),
        raw::ping(b""),
        raw::read(1, 0),
        vec![4, 0],
        raw::frame_head(4, u64::MAX),
    ] {
        let mut peer = Raw::connect(server.port());
        peer.greet();
        peer.try_send(&octets);
        assert_closed_without_a_word(peer);
    }
    assert_serves(&server);
}

#[test]
fn a_request_before_the_servers_ready_is_not_executed() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut peer = Raw::connect(server.port());
    peer.greet();
    let properties = raw::properties_of("0123456789abcdef0123456789abcdef");
    peer.send(&[raw::ready("PUSH", &properties), raw::read(1, 0)].concat());
    assert_closed_without_a_word(peer);
    assert_eq!(keeper.seen(), 0);
    let mut client = RawClient::legacy(server.port());
    client.request.send(&raw::read(2, 0));
    answer(&keeper.next());
    assert_eq!(client.response.take_response().header.id, 2);
}

#[test]
fn d11_messages_of_another_shape_are_dropped_and_counted() {
    // There are more of them than a client may usually send at once.
    let options = ServerOptions { malformed_per_second_max: u32::MAX, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let mut client = RawClient::legacy(server.port());
    let parts = |count: usize| raw::message(&vec![&[7u8, 0, 0, 0][..]; count]);
    let mut cases: Vec<Vec<u8>> = [1, 2, 3, 6, 7, 8, 11, 12, 20, 1000].map(parts).into();
    cases.push(parts(4));
    cases.push(parts(5));
    cases.push(raw::message(&[b"", b"", b"", b""]));
    // What a torn write of a libzmq client leaves behind.
    cases.push(raw::message(&[&[0; 8], &[0; 4], &[2, 0, 0, 0], b"data"]));
    cases.push(raw::message(&[&[1; 4], &[0; 8], &[4, 0, 0, 0], &[1, 0, 0, 0, 0]]));
    cases.push(raw::message(&[&[0; 4][..], &[0; 8], &[0; 4], &[0; 4], &vec![0; 300_000], b"x"]));
    cases.push(raw::request(1, 0, 4, PROBE, None));
    cases.push(raw::request(1, 0, 0, PROBE, Some(b"")));
    cases.push(raw::message(&[&vec![1; 100_000], &[0; 8], &[0; 4], &[1, 0, 0, 0]]));
    for (index, case) in cases.iter().enumerate() {
        client.request.send(case);
        let id = index as u32;
        assert_eq!(client.read(id, 0).header.id, id, "the answer to what follows case {index}");
    }
    assert_eq!(server.stats().malformed, cases.len() as u64);
    assert_eq!(server.stats().closed_malformed, 0);
    assert_serves(&server);
}

#[test]
fn d15_a_write_whose_size_lies_is_refused_in_words() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    let big = vec![9; 100_000];
    let cases: [(u32, Option<&[u8]>); 6] = [
        (4, Some(b"abc")),
        (4, Some(b"abcde")),
        (4, None),
        (0, Some(b"a")),
        (u32::MAX, Some(b"abcd")),
        (4, Some(&big)),
    ];
    for (index, (size, data)) in cases.into_iter().enumerate() {
        for ty in [WRITE, POST] {
            client.request.send(&raw::request(index as u32, 0x40, size, ty, data));
            let response = client.response.take_response();
            assert_eq!((response.header.id, response.header.size), (index as u32, size));
            assert!(response.text().contains("write data error"), "{}", response.text());
        }
    }
    assert_eq!(client.read(99, 0x40).payload, [0; 4], "nothing was written");
    assert_serves(&server);
}

#[test]
fn d15_a_read_beyond_the_limit_is_refused_in_words() {
    let server = server();
    let mut client = RawClient::with_session(server.port(), 1);
    for (id, size) in [(1, u32::MAX), (2, 0x8000_0000), (3, (64 << 20) + 1)] {
        for ty in [READ, VERIFY] {
            client.request.send(&raw::request(id, 0x1000, size, ty, None));
            let response = client.response.take_response();
            assert_eq!((response.header.id, response.header.size), (id, size));
            assert!(response.text().contains("exceeds the 67108864 bytes"), "{}", response.text());
            assert!(response.payload.is_empty());
        }
    }
    assert_eq!(server.stats().refused, 6);
    assert_serves(&server);
}

#[test]
fn d15_a_write_beyond_the_limit_is_passed_over_and_refused_in_words() {
    let server = small_server();
    let mut client = RawClient::with_session(server.port(), 1);
    let data = vec![0x5A; SMALL_MAX as usize + 1];
    client.request.send(&raw::request(1, 0, SMALL_MAX + 1, WRITE, Some(&data)));
    let response = client.response.take_response();
    assert!(response.text().contains("exceeds the 1048576 bytes"), "{}", response.text());
    client.request.send(&raw::request(2, 0, SMALL_MAX, WRITE, Some(&data[1..])));
    assert_eq!(client.response.take_response().text(), "OK");
    assert_eq!(client.read(3, 0).payload, [0x5A; 4]);
    let own = Client::ready(server.port());
    let error = own.master.write(0, &data).unwrap_err();
    assert!(error.text().contains("exceeds the 1048576 bytes"), "{error}");
    assert_eq!(own.master.read(0, SMALL_MAX).unwrap().len(), SMALL_MAX as usize);
}

#[test]
fn f03_a_request_beyond_the_address_space_is_refused_in_words() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    for ty in 1..=4 {
        let data = matches!(ty, 2 | 3).then_some(&[1; 16][..]);
        client.request.send(&raw::request(ty, u64::MAX - 7, 16, ty, data));
        let response = client.response.take_response();
        assert_eq!((response.header.id, response.header.ty), (ty, ty));
        let text = "16 bytes at 0xfffffffffffffff8 reaches beyond the end of the address space";
        assert!(response.text().contains(text), "{}", response.text());
    }
    assert_eq!((keeper.seen(), server.stats().refused), (0, 4));
}

#[test]
fn d15_an_unknown_type_is_refused_in_words() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    for ty in [0, 5, 9, 0xFFFF_FFFD, 0xFFFF_FFFF] {
        client.request.send(&raw::request(ty, 0, 4, ty, None));
        let response = client.response.take_response();
        assert_eq!((response.header.id, response.header.ty), (ty, ty));
        assert!(response.text().contains("Unknown transaction type"), "{}", response.text());
        assert_eq!(
            response.payload, [0; 4],
            "a legacy client discards a text with a short payload"
        );
    }
    assert_eq!(keeper.seen(), 0);
}

#[test]
fn writes_at_a_stride_fill_no_more_than_the_emulated_memory_may_take() {
    const WRITES: u32 = 2000;
    const MEMORY: u64 = 1 << 20;
    let memory = Emulate::with_limit(4, 0xFFFF_FFFF, MEMORY);
    let server = server_of(memory.clone(), ServerOptions::default());
    let mut attacker = RawClient::with_session(server.port(), 1);
    let writes: Vec<u8> = (0..WRITES)
        .flat_map(|n| raw::request(n, u64::from(n) << 16, 4, WRITE, Some(b"abcd")))
        .collect();
    attacker.request.send(&writes);
    let texts = (0..WRITES).map(|_| attacker.response.take_response().text());
    let done = texts.filter(|text| text == "OK").count() as u64;
    assert!(done > 0 && done * 4096 <= MEMORY, "{done}");
    assert!(memory.allocated_bytes() <= MEMORY);
    attacker.request.send(&raw::request(1, 1 << 50, 4, WRITE, Some(b"abcd")));
    let text = attacker.response.take_response().text();
    assert!(text.contains("no room for 4 bytes at 0x4000000000000"), "{text}");
    let polite = Client::ready(server.port());
    polite.master.write(0, &[7; 4]).unwrap();
    assert_eq!(polite.master.read(0, 4).unwrap(), [7; 4], "what exists still works");
}

#[test]
fn a_frame_longer_than_anything_closes_the_connection() {
    let server = server();
    for len in [1 << 32, 1 << 40, 1 << 63, u64::MAX] {
        let mut client = RawClient::legacy(server.port());
        client.request.send(&raw::frame_head(0, len));
        client.request.wait_closed();
        client.response.wait_closed();
        wait_until("the client has left", || server.stats().clients == 0);
    }
    assert_serves(&server);
}

#[test]
fn a_response_connection_that_sends_messages_is_closed() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    client.response.send(&raw::read(1, 0));
    client.response.wait_closed();
    client.request.wait_closed();
    assert_serves(&server);
}

#[test]
fn half_a_message_is_nothing() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let small = raw::request(1, 0x10, 4, WRITE, Some(b"abcd"));
    let large = raw::request(2, 0x10, 100_000, WRITE, Some(&vec![1; 100_000]));
    for whole in [small, large] {
        for cut in [1, 2, 5, 27, whole.len() / 2, whole.len() - 1] {
            let mut client = RawClient::with_session(server.port(), cut as u128);
            client.request.send(&whole[..cut]);
            client.request.end();
            client.request.wait_closed();
            client.response.wait_closed();
        }
    }
    assert_eq!(keeper.seen(), 0);
    wait_until("all have left", || server.stats().clients == 0);
}

#[test]
fn garbage_harms_nobody() {
    let server = server();
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut octets = vec![0; rng.random_range(1..5000)];
        rng.fill(&mut octets[..]);
        let mut peer = Raw::connect(server.port() + rng.random_range(0..2));
        if rng.random_bool(0.5) {
            peer.greet();
        }
        peer.try_send(&octets);
    }
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
        let mut client = RawClient::with_session(server.port(), 1000 + u128::from(seed));
        let mut octets: Vec<u8> = (0..50)
            .flat_map(|id| raw::request(id, 0x100, 8, WRITE, Some(&[id as u8; 8])))
            .chain((50..99).flat_map(|id| raw::read(id, 0x100)))
            .collect();
        for _ in 0..rng.random_range(1..10) {
            let at = rng.random_range(0..octets.len());
            match rng.random_range(0..3) {
                0 => octets[at] ^= 1 << rng.random_range(0..8),
                1 => drop(octets.remove(at)),
                _ => octets.insert(at, rng.random()),
            }
        }
        client.request.try_send(&octets);
    }
    assert_serves(&server);
    wait_until("all have left", || server.stats().clients == 0);
}

#[test]
fn a_client_that_reads_no_answers_is_not_read_and_loses_none() {
    const COUNT: u32 = 5000;
    const SIZE: u32 = 16 * 1024;
    let server = server_of(calling(answer), ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    let requests: Vec<u8> =
        (0..COUNT).flat_map(|id| raw::request(id, id.into(), SIZE, READ, None)).collect();
    client.request.send(&requests);
    let other = Client::ready(server.port());
    for address in 0..200 {
        assert_eq!(other.master.read(address, 8).unwrap(), answer_at(address, 8));
    }
    // What fills the backlog and the buffers of the system is far from everything.
    let stats = server.stats();
    assert!(stats.requests < u64::from(COUNT), "{stats:?}");
    assert!(stats.bytes_out < 40 << 20, "{stats:?}");
    for id in 0..COUNT {
        let response = client.response.take_response();
        assert_eq!(response.header.id, id);
        assert_eq!(response.text(), "OK");
        assert!(response.payload == answer_at(id.into(), SIZE as usize));
    }
}

#[test]
fn a_flood_of_pings_harms_nobody() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    let pings = raw::ping(b"0123456789abcdef").repeat(20_000);
    for raw in [&mut client.request, &mut client.response] {
        raw.send(&pings);
    }
    assert_serves(&server);
    // Not read so far; answers are lost where too many wait, requests are not.
    client.request.send(&raw::read(1, 0));
    while !matches!(client.response.item(), raw::Item::Message(_)) {}
}

#[test]
fn as_many_pings_as_a_peer_reads_are_answered_in_order() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    for round in 0..100u32 {
        let contexts: Vec<[u8; 4]> = (0..100).map(|n| (round * 100 + n).to_be_bytes()).collect();
        client.request.send(&contexts.iter().flat_map(|c| raw::ping(c)).collect::<Vec<u8>>());
        for context in contexts {
            let pong = raw::Item::Command([b"\x04PONG", &context[..]].concat());
            assert_eq!(client.request.item(), pong);
        }
    }
}

#[test]
fn connections_that_never_greet_make_room_for_those_that_do() {
    const CLIENTS_MAX: usize = 16;
    let options = ServerOptions { clients_max: CLIENTS_MAX, ..ServerOptions::default() };
    let server = server_of(Emulate::new(4, 0xFFFF_FFFF), options);
    let honest = Client::ready(server.port());
    let mut silent = std::collections::VecDeque::new();
    for count in 0..2000u16 {
        silent.push_back(Raw::connect(server.port() + count % 2));
        if silent.len() > 200 {
            // The oldest has been closed by now or will be; the test needs its descriptor.
            silent.pop_front();
        }
        if count % 100 == 0 {
            assert_serves(&server);
            honest.master.write(0, &[1; 4]).unwrap();
        }
    }
    wait_until("those that were too many have been closed", || {
        let open = silent.iter_mut().filter_map(|raw| (!raw.is_closed()).then_some(()));
        open.count() <= 4 * CLIENTS_MAX
    });
    assert_serves(&server);
    assert_eq!(honest.tcp.stats().disconnects, 0);
}
