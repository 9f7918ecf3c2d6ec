//! What our client makes of servers that are not ours: libzmq's ways, simulations, broken ones.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ClientOptions, ClientState, TcpClient};
use rogue_mem::memory::{DataBuffer, Master, Slave, TransactionType};
use rogue_mem::Status;

use testkit::bridge::Client;
use testkit::bus::blocking;
use testkit::raw::{self, Item, RawClient, RawServer, Request, POST, PROBE, READ, WRITE};
use testkit::wait::{wait_until, LONG};

/// For waits that are to fail.
const SHORT: Duration = Duration::from_millis(100);
const SERVER_ID: &str = "00112233445566778899aabbccddeeff";
const ANNOUNCED: [(&str, &str); 2] = [("X-Rogue-Bridge", "1"), ("X-Rogue-Server", SERVER_ID)];

/// A connected client and the connections that a legacy server has to it.
fn legacy_pair() -> (RawServer, Client, RawClient) {
    pair_with(&[], ClientOptions::default())
}

fn pair_with(
    properties: &[(&str, &str)],
    options: ClientOptions,
) -> (RawServer, Client, RawClient) {
    let server = RawServer::new();
    let client = Client::with(server.port, options);
    let peer = server.serve(properties);
    client.wait_connected();
    (server, client, peer)
}

#[test]
fn a_client_announces_one_session_on_both_connections_and_another_one_when_it_comes_back() {
    const TIMES: usize = 3;
    let server = RawServer::new();
    let client = Client::new(server.port);
    let mut sessions = HashSet::new();
    for _ in 0..TIMES {
        let mut peer = server.accept();
        let of_both = [(&mut peer.response, "PULL"), (&mut peer.request, "PUSH")];
        let [one, other] = of_both.map(|(raw, socket_type)| {
            raw.greet();
            let found = raw.take_ready();
            assert_eq!(found[0], ("Socket-Type".to_owned(), socket_type.to_owned()));
            assert_eq!(found[1].0, "X-Rogue-Session");
            assert_eq!(found[2], ("X-Rogue-Bridge".to_owned(), "1".to_owned()));
            found[1].1.clone()
        });
        assert_eq!(one, other);
        sessions.insert(one);
    }
    assert_eq!(sessions.len(), TIMES, "{sessions:?}");
    drop(client);
}

#[test]
fn nothing_is_sent_before_both_ports_have_said_that_they_are_ready() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let read = client.start_read(0x10, 4);
    let mut peer = server.accept();
    for raw in [&mut peer.request, &mut peer.response] {
        raw.greet();
        raw.take_ready();
    }
    wait_until("it shakes hands", || client.tcp.state() == ClientState::Handshake);
    assert!(peer.request.is_quiet() && peer.response.is_quiet());
    peer.request.send(&raw::ready("PULL", &[]));
    assert!(peer.request.is_quiet(), "the answer could not come back yet");
    peer.response.send(&raw::ready("PUSH", &[]));
    let request = peer.request.take_request();
    assert_eq!((request.header.address, request.header.ty), (0x10, READ));
    peer.response.send(&request.answer());
    client.master.wait(read).unwrap();
}

#[test]
fn requests_are_encoded_as_rogue_does_it() {
    let (_server, client, mut peer) = legacy_pair();
    let write = client.start_write(0x1122_3344_5566_7788, &[9, 8, 7]);
    let request = peer.request.take_request();
    assert_eq!(request.data, Some(vec![9, 8, 7]));
    assert_eq!((request.header.address, request.header.size), (0x1122_3344_5566_7788, 3));
    peer.response.send(&request.answer());
    client.master.wait(write).unwrap();
    for ty in [READ, raw::VERIFY] {
        let id = client.master.request(8, vec![0; 4].into(), ty.into()).unwrap();
        let request = peer.request.take_request();
        assert_eq!((request.data.as_ref(), request.header.ty), (None, ty));
        peer.response.send(&request.header.response(&[4, 3, 2, 1], b"OK"));
        assert_eq!(client.master.wait_buffer(id).unwrap(), [4, 3, 2, 1]);
    }
    client.master.post(16, &[1]).unwrap();
    let request = peer.request.take_request();
    assert_eq!((request.header.ty, request.data), (POST, Some(vec![1])));
}

#[test]
fn no_probe_is_sent_to_a_server_that_has_not_announced_that_it_knows_them() {
    let (_server, client, mut peer) = legacy_pair();
    client.tcp.wait_ready(LONG, Duration::from_millis(1)).unwrap();
    client.tcp.wait_ready(LONG, Duration::from_millis(1)).unwrap();
    client.start_read(0, 4);
    assert_eq!(peer.request.take_request().header.ty, READ, "the first thing that is sent");
}

#[test]
fn a_server_without_announcement_is_probed_where_an_option_asks_for_it() {
    let options = ClientOptions { probe_legacy: true, ..ClientOptions::default() };
    let (_server, client, mut peer) = pair_with(&[], options);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| client.tcp.wait_ready(LONG, Duration::from_millis(10)));
        let probe = peer.request.take_request();
        assert_eq!((probe.header.address, probe.header.size, probe.header.ty), (0, 0, PROBE));
        peer.response.send(&probe.header.response(b"", b"OK"));
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn d42_concurrent_waits_have_probes_of_their_own() {
    let (_server, client, mut peer) = pair_with(&ANNOUNCED, ClientOptions::default());
    std::thread::scope(|scope| {
        let wait = || client.tcp.wait_ready(LONG, LONG).unwrap();
        let (one, other) = (scope.spawn(wait), scope.spawn(wait));
        let first = peer.request.take_request().header;
        let second = peer.request.take_request().header;
        assert_ne!(first.id, second.id);
        peer.response.send(&first.response(b"", b"OK"));
        wait_until("one of them is ready", || one.is_finished() || other.is_finished());
        assert!(one.is_finished() != other.is_finished(), "each has its own answer");
        peer.response.send(&second.response(b"", b"OK"));
    });
}

#[test]
fn d42_a_server_that_says_no_is_not_probed_more_often_than_once_a_period() {
    const PERIOD: Duration = Duration::from_millis(50);
    const PERIOD_COUNT: u32 = 8;
    let (_server, client, mut peer) = pair_with(&ANNOUNCED, ClientOptions::default());
    let mut probes = 0;
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| client.tcp.wait_ready(PERIOD * PERIOD_COUNT, PERIOD));
        while !waiter.is_finished() {
            if peer.request.has_frame() {
                let probe = peer.request.take_request();
                probes += 1;
                peer.response.send(&probe.header.response(b"", b"Not ready"));
            }
        }
        let error = waiter.join().unwrap().unwrap_err();
        assert_eq!(error.status(), Status::Timeout);
        assert!(error.text().contains("the server does not answer"), "{error}");
    });
    assert!((1..=PERIOD_COUNT).contains(&probes), "{probes} probes");
}

#[test]
fn an_answer_to_an_earlier_probe_counts_and_one_to_anothers_does_not() {
    let (_server, client, mut peer) = pair_with(&ANNOUNCED, ClientOptions::default());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| client.tcp.wait_ready(LONG, Duration::from_millis(5)));
        let first = peer.request.take_request().header;
        let mut stranger = first;
        stranger.id = first.id.wrapping_sub(1);
        peer.response.send(&stranger.response(b"", b"OK"));
        let second = peer.request.take_request().header;
        let third = peer.request.take_request().header;
        assert!(first.id < second.id && second.id < third.id);
        assert!(!waiter.is_finished());
        peer.response.send(&first.response(b"", b"OK"));
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn d13_results_are_read_as_rogue_and_simulations_mean_them() {
    let (_server, client, mut peer) = legacy_pair();
    let mut outcome = |ty: u32, result: &[u8]| {
        let data = vec![0; 4];
        let id = client.master.request(0x40, data.into(), ty.into()).unwrap();
        let request = peer.request.take_request();
        peer.response.send(&request.header.response(&[1, 2, 3, 4], result));
        client.master.wait(id).map_err(|error| error.text().to_owned())
    };
    for ty in [READ, WRITE, raw::VERIFY] {
        for success in [&b"OK"[..], b"", b"\0", b"OK\0junk", &[0; 4], b"\0not this"] {
            assert_eq!(outcome(ty, success), Ok(()), "{success:?}");
        }
        let axi = |code: u8| [code, 0, 0, 0];
        assert!(outcome(ty, &axi(1)).unwrap_err().contains("EXOKAY"));
        assert!(outcome(ty, &axi(2)).unwrap_err().contains("SLVERR"));
        assert!(outcome(ty, &axi(3)).unwrap_err().contains("DECERR"));
        for text in ["Bus error at 0x10000040", "ok", "OK ", "50%% of %x %s%n%s%s%s"] {
            assert_eq!(outcome(ty, text.as_bytes()), Err(text.to_owned()));
        }
        assert_eq!(outcome(ty, b"two\nlines\x1b[31m").unwrap_err(), "two\\nlines\\x1b[31m");
    }
}

/// The reference's server sends texts of up to 9999 octets, and its client drops those above 999.
#[test]
fn f10_a_long_error_text_fails_the_request_with_its_words_at_once() {
    let (_server, client, mut peer) = legacy_pair();
    for ty in [READ, WRITE, raw::VERIFY] {
        for octets in [999, 1000, 1200, 9999, 200_000] {
            let id = client.master.request(0x40, vec![0; 4].into(), ty.into()).unwrap();
            let request = peer.request.take_request();
            let text = "x".repeat(octets);
            peer.response.send(&request.header.response(&[1, 2, 3, 4], text.as_bytes()));
            let error = client.master.wait(id).unwrap_err();
            assert_eq!(error.status(), Status::Transaction);
            assert!(error.text() == text, "{} octets of {octets}", error.text().len());
        }
    }
    assert_eq!(client.tcp.stats().disconnects, 0);
}

#[test]
fn answers_that_do_not_fit_their_request_fail_it() {
    let (_server, client, mut peer) = legacy_pair();
    let mut answered = |ty: u32, mangle: &dyn Fn(&mut Request) -> Vec<u8>| {
        let id = client.master.request(0x40, vec![0; 4].into(), ty.into()).unwrap();
        let mut request = peer.request.take_request();
        let octets = mangle(&mut request);
        peer.response.send(&octets);
        client.master.wait(id).map_err(|error| error.text().to_owned())
    };
    let mismatch = Err("Transaction data mismatch in TcpClient".to_owned());
    let size = Err("Received transaction response did not match header size".to_owned());
    let plain = |request: &mut Request| request.header.response(&[0; 4], b"OK");
    for ty in [READ, WRITE] {
        let wrong: [&dyn Fn(&mut Request); 3] = [
            &|request| request.header.address += 1,
            &|request| request.header.size += 1,
            &|request| request.header.ty = 0,
        ];
        for change in wrong {
            let mangle = |request: &mut Request| {
                change(request);
                plain(request)
            };
            assert_eq!(answered(ty, &mangle), mismatch);
        }
    }
    for payload in [&[][..], &[1; 3], &[1; 5], &[1; 100_000]] {
        assert_eq!(answered(READ, &|request| request.header.response(payload, b"OK")), size);
        assert_eq!(answered(WRITE, &|request| request.header.response(payload, b"OK")), Ok(()));
        let failed = answered(READ, &|request| request.header.response(payload, b"no device"));
        assert_eq!(failed, Err("no device".to_owned()), "the error, not the length");
    }
    assert_eq!(answered(READ, &|request| plain(request)), Ok(()));
}

#[test]
fn d11_answers_that_are_none_are_dropped_and_the_right_one_still_counts() {
    let (_server, client, mut peer) = legacy_pair();
    let id = client.start_read(0x40, 4);
    let header = peer.request.take_request().header;
    let good = header.response(&[1, 2, 3, 4], b"OK");
    let mut stranger = header;
    stranger.id = header.id.wrapping_add(1);
    let four = [0; 4];
    for octets in [
        raw::message(&[&header.id.to_le_bytes()]),
        raw::message(&[&four, &[0; 8], &four, &four, &four]),
        raw::message(&[&four, &[0; 8], &four, &four, &four, b"OK", b"OK"]),
        raw::message(&[&[0; 5], &[0; 8], &four, &four, &four, b"OK"]),
        raw::message(&[&four, &four, &four, &four, &four, b"OK"]),
        stranger.response(&[9; 4], b"OK"),
        raw::message(&vec![&four[..]; 1000]),
        raw::ping(b"ping"),
    ] {
        peer.response.send(&octets);
    }
    assert_eq!(peer.response.item(), Item::Command(b"\x04PONGping".to_vec()));
    peer.response.send(&good);
    peer.response.send(&good);
    assert_eq!(client.master.wait_buffer(id).unwrap(), [1, 2, 3, 4]);
    wait_until("the second one is dropped", || client.tcp.stats().dropped_responses == 2);
}

#[test]
fn d12_a_failed_read_leaves_the_buffer_as_it_was() {
    let (_server, client, mut peer) = legacy_pair();
    for (payload, result) in [(vec![9; 256], &b"no device"[..]), (vec![9; 255], b"OK")] {
        let buffer = DataBuffer::from(vec![0xA5; 256]);
        let tran = client.master.prepare(0x80, buffer, TransactionType::Read).unwrap();
        client.master.launch(&tran);
        let request = peer.request.take_request();
        peer.response.send(&request.header.response(&payload, result));
        wait_until("it ends", || tran.is_done());
        let (outcome, buffer) = tran.collect().unwrap();
        outcome.unwrap_err();
        assert_eq!(buffer.into_vec(), vec![0xA5; 256]);
    }
}

#[test]
fn an_answer_to_a_request_that_waits_to_be_sent_is_somebody_elses() {
    let options = ClientOptions { window: Some(1), ..ClientOptions::default() };
    let (_server, client, mut peer) = pair_with(&[], options);
    let first = client.start_read(0, 4);
    let sent = peer.request.take_request();
    let second = client.start_read(4, 4);
    let mut guess = sent.header;
    guess.id = sent.header.id.wrapping_add(second - first);
    guess.address = 4;
    peer.response.send(&guess.response(&[6; 4], b"OK"));
    wait_until("it is dropped", || client.tcp.stats().dropped_responses == 1);
    peer.response.send(&sent.answer());
    client.master.wait(first).unwrap();
    let sent = peer.request.take_request();
    assert_eq!(sent.header.address, 4);
    peer.response.send(&sent.header.response(&[7; 4], b"OK"));
    assert_eq!(client.master.wait_buffer(second).unwrap(), [7; 4]);
}

#[test]
fn a_late_answer_is_dropped() {
    let (_server, client, mut peer) = legacy_pair();
    client.master.set_timeout(SHORT);
    let text = client.error_of(client.start_read(0, 4));
    assert!(text.starts_with("Timeout waiting for register transaction"), "{text}");
    let late = peer.request.take_request();
    peer.response.send(&late.answer());
    wait_until("it is dropped", || client.tcp.stats().dropped_responses == 1);
    assert_eq!(client.tcp.stats().outstanding, 0);
}

#[test]
fn towards_a_legacy_server_four_hundred_requests_are_on_their_way_at_once() {
    let (_server, client, mut peer) = legacy_pair();
    let ids: Vec<u32> = (0..1000).map(|n| client.start_read(n * 4, 4)).collect();
    let mut sent: Vec<Request> = (0..400).map(|_| peer.request.take_request()).collect();
    assert!(peer.request.is_quiet());
    let stats = client.tcp.stats();
    assert_eq!((stats.outstanding, stats.queued), (1000, 600));
    for next in 400..1000 {
        peer.response.send(&sent[next - 400].answer());
        sent.push(peer.request.take_request());
    }
    for request in &sent[600..] {
        peer.response.send(&request.answer());
    }
    for id in ids {
        client.master.wait(id).unwrap();
    }
    let order: Vec<u64> = sent.iter().map(|request| request.header.address).collect();
    assert!(order.is_sorted());
}

#[test]
fn a_ping_from_the_server_is_answered_on_both_connections() {
    let (_server, client, mut peer) = legacy_pair();
    for count in 0..3 {
        for raw in [&mut peer.request, &mut peer.response] {
            raw.send(&raw::ping(b"abc"));
            assert_eq!(raw.item(), Item::Command(b"\x04PONGabc".to_vec()), "{count}");
        }
    }
    let id = client.start_read(0, 4);
    let request = peer.request.take_request();
    let answer = request.answer();
    peer.response.send(&answer[..10]);
    peer.response.send(&[&answer[10..22], &raw::ping(b"in"), &answer[22..]].concat());
    client.master.wait(id).unwrap();
    assert_eq!(peer.response.item(), Item::Command(b"\x04PONGin".to_vec()));
}

#[test]
fn a_flood_of_pings_from_a_server_that_does_not_read_harms_no_request() {
    let (_server, client, mut peer) = legacy_pair();
    peer.request.send(&raw::ping(b"0123456789abcdef").repeat(50_000));
    let id = client.start_read(0, 4);
    while matches!(peer.request.item(), Item::Command(_)) {}
    // The request has been consumed: it is the only one, so its header is known.
    assert_eq!(client.tcp.stats().requests, 1);
    drop(peer);
    assert!(client.error_of(id).contains("was lost"));
}

#[test]
fn a_response_that_nobody_asked_for_is_not_kept() {
    let (_server, client, mut peer) = legacy_pair();
    let id = client.start_read(0, 4);
    let header = peer.request.take_request().header;
    let mut stranger = header;
    stranger.id = header.id.wrapping_add(7);
    stranger.size = 50 << 20;
    peer.response.send(&stranger.response(&vec![1; 50 << 20], b"OK"));
    peer.response.send(&header.response(&[1; 4], b"OK"));
    client.master.wait(id).unwrap();
    assert_eq!(client.tcp.stats().dropped_responses, 1);
}

#[test]
fn a_server_that_breaks_the_protocol_is_left_and_tried_again() {
    for octets in [
        raw::frame_head(0, u64::MAX),
        raw::frame_head(1, 1 << 40),
        raw::frame_head(4, 1 << 20),
        raw::command("ERROR", b"\x03400"),
    ] {
        let (server, client, mut peer) = legacy_pair();
        let id = client.start_read(0, 4);
        peer.request.take_request();
        peer.response.send(&octets);
        let text = client.error_of(id);
        assert!(text.contains("was lost"), "{text}");
        peer.request.wait_closed();
        peer.response.wait_closed();
        drop((server.accept(), client));
    }
}

#[test]
fn two_ports_of_different_servers_are_not_used_together() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let id = client.start_read(0, 4);
    let mut peer = server.accept();
    for raw in [&mut peer.request, &mut peer.response] {
        raw.greet();
        raw.take_ready();
    }
    let other = "f".repeat(32);
    peer.request.send(&raw::ready("PULL", &ANNOUNCED));
    peer.response.send(&raw::ready("PUSH", &[ANNOUNCED[0], ("X-Rogue-Server", &other)]));
    assert!(peer.request.rest().is_empty(), "a request has been sent");
    let mut peer = server.serve(&ANNOUNCED);
    peer.response.send(&peer.request.take_request().answer());
    client.master.wait(id).unwrap();
}

/// What a server does instead of completing the handshake, and what the client says of it.
#[test]
fn d09_the_timeout_text_names_what_stands_in_the_way() {
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = if refused == u16::MAX { refused - 1 } else { refused };
    let client = Client::new(refused);
    client.master.set_timeout(SHORT);
    let text = client.error_of(client.start_read(0, 4));
    assert!(text.starts_with("Timeout waiting for register transaction"), "{text}");
    for words in ["never sent", "no connection to 127.0.0.1", "Connection refused"] {
        assert!(text.contains(words), "{text}");
    }
    let unknown = named_client("no-such-host.invalid");
    unknown.master.set_timeout(SHORT);
    wait_until("the name is not found", || unknown.tcp.state_text().contains("not be resolved"));
    let text = unknown.error_of(unknown.start_read(0, 4));
    assert!(text.contains("no-such-host.invalid could not be resolved"), "{text}");
    let mute = RawServer::new();
    let client = Client::new(mute.port);
    let peer = mute.accept();
    client.master.set_timeout(SHORT);
    wait_until("the connections stand", || client.tcp.state() == ClientState::Handshake);
    let text = client.error_of(client.start_read(0, 4));
    assert!(text.contains("has not completed the handshake"), "{text}");
    let error = client.tcp.wait_ready(Duration::from_millis(20), LONG).unwrap_err();
    assert!(error.text().contains("has not completed the handshake"), "{error}");
    drop(peer);
}

fn named_client(host: &str) -> Client {
    let tcp = TcpClient::new(host, 9000, ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(tcp.clone() as Arc<dyn Slave>);
    Client { tcp, master }
}

#[test]
fn a_handshake_that_fails_is_told_and_tried_again() {
    let plain = raw::greeting_with(b"PLAIN");
    let wrong = [raw::greeting(), raw::ready("PUB", &[])].concat();
    let refused = [raw::greeting(), raw::command("ERROR", b"\x09not today")].concat();
    let cases: [(&[u8], &[&str]); 6] = [
        (&plain, &["mechanism"]),
        (&wrong, &["PUB"]),
        (&refused, &["not today"]),
        (b"220 ftp.example.org FTP server ready\r\n", &["handshake failed"]),
        // The second where the client's greeting had come and was not read.
        (b"", &["closed by the server", "reset by peer"]),
        (&raw::greeting(), &["closed by the server", "reset by peer"]),
    ];
    for (octets, words) in cases {
        let server = RawServer::new();
        let client = Client::new(server.port);
        let mut peer = server.accept();
        peer.response.try_send(octets);
        if words[0].starts_with("closed") {
            // An end, and not the reset that closing before the client's greeting is read gives.
            peer.response.end();
        }
        let mut said = String::new();
        wait_until("the client says why", || {
            said = client.tcp.state_text();
            words.iter().any(|words| said.contains(words))
        });
        assert!(said.starts_with("not connected to 127.0.0.1"), "{said}");
        drop(server.accept());
    }
}

#[test]
fn connections_that_fail_are_tried_less_and_less_often() {
    for complete_handshake in [false, true] {
        let server = RawServer::new();
        let client = Client::new(server.port);
        let mut times = Vec::new();
        for count in 1..=6 {
            if complete_handshake {
                let peer = server.serve(&[]);
                wait_until("connected", || client.tcp.stats().connects == count);
                drop(peer);
            } else {
                drop(server.accept());
            }
            times.push(Instant::now());
        }
        // 50, 100, 200 and 400 ms at least; measured after the event, so a little less is seen.
        let gap = times[5] - times[4];
        assert!(gap > Duration::from_millis(300), "{gap:?} before the sixth attempt");
        drop(client);
    }
}

#[test]
fn d09_requests_on_their_way_fail_at_once_and_those_that_wait_are_sent_when_the_server_is_back() {
    let options = ClientOptions { window: Some(1), ..ClientOptions::default() };
    let (server, client, mut peer) = pair_with(&[], options);
    let first = client.start_read(0x10, 4);
    let second = client.start_write(0x20, &[1; 4]);
    assert_eq!(peer.request.take_request().header.address, 0x10);
    drop(peer);
    let text = client.error_of(first);
    assert!(text.contains(&format!("The connection to 127.0.0.1:{} was lost", server.port)));
    assert!(text.contains("whether it was carried out is not known"), "{text}");
    let mut peer = server.serve(&[]);
    let request = peer.request.take_request();
    assert_eq!(request.header.address, 0x20, "the first one is not sent again");
    peer.response.send(&request.answer());
    client.master.wait(second).unwrap();
    let stats = client.tcp.stats();
    assert_eq!((stats.connects, stats.disconnects, stats.requests), (2, 1, 2));
}

#[test]
fn losing_either_connection_loses_both() {
    for response_first in [true, false] {
        let (server, client, mut peer) = legacy_pair();
        let id = client.start_read(0, 4);
        peer.request.take_request();
        if response_first {
            drop(peer.response);
            peer.request.wait_closed();
        } else {
            drop(peer.request);
            peer.response.wait_closed();
        }
        assert!(client.error_of(id).contains("was lost"));
        server.serve(&[]);
    }
}

#[test]
fn nothing_is_ever_sent_twice() {
    let options = ClientOptions { window: Some(20), ..ClientOptions::default() };
    let (server, client, mut peer) = pair_with(&[], options);
    let ids: Vec<u32> =
        (0..300u64).map(|n| client.start_write(n, &(n as u32).to_le_bytes())).collect();
    let mut seen = HashSet::new();
    let mut answered = HashSet::new();
    for round in 0..10 {
        for _ in 0..round * 3 {
            let request = peer.request.take_request();
            assert!(seen.insert(request.header.address), "sent twice: {request:?}");
            if request.header.address % 3 != 0 {
                peer.response.send(&request.answer());
                answered.insert(request.header.address);
            }
        }
        // Octets that come on the old connection after this are not looked at any more, so what
        // they carried may be missing in `seen`; it must not come again either.
        for item in peer.request.items_to_come() {
            assert!(seen.insert(item.header.address), "sent twice: {item:?}");
        }
        drop(peer);
        peer = server.serve(&[]);
    }
    wait_until("nothing is left to be sent", || {
        for request in peer.request.items_to_come() {
            assert!(seen.insert(request.header.address), "sent twice: {request:?}");
            peer.response.send(&request.answer());
            answered.insert(request.header.address);
        }
        client.tcp.stats().outstanding == 0
    });
    for (address, id) in (0..300u64).zip(ids) {
        let outcome = client.master.wait(id);
        assert_eq!(outcome.is_ok(), answered.contains(&address), "{address}: {outcome:?}");
    }
}

#[test]
fn an_answer_that_came_before_the_end_counts() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let read = client.start_read(4, 4);
    let post =
        client.master.prepare(0, DataBuffer::from(vec![0; 4]), TransactionType::Post).unwrap();
    let (observer, held, go_on) = blocking();
    post.observe(observer);
    client.master.launch(&post);
    // The client's thread ends the post while it takes up the READY of the request connection.
    let mut peer = server.accept();
    for (raw, socket_type) in [(&mut peer.response, "PUSH"), (&mut peer.request, "PULL")] {
        raw.greet();
        raw.take_ready();
        raw.send(&raw::ready(socket_type, &[]));
        wait_until("it is read", || client.tcp.state() != ClientState::Connecting);
    }
    held.recv_timeout(LONG).unwrap();
    let request = peer.request.take_request();
    drop(peer.request);
    peer.response.send(&request.answer());
    drop(peer.response);
    // Now it sees the end of the request connection first.
    go_on.send(()).unwrap();
    client.master.wait(read).unwrap();
}

#[test]
fn d09_a_post_is_complete_when_it_is_handed_over_and_not_before() {
    const COUNT: usize = 400;
    const SIZE: usize = 100_000;
    let (_server, client, mut peer) = legacy_pair();
    let trans: Vec<_> = (0..COUNT)
        .map(|n| {
            let buffer = DataBuffer::from(vec![n as u8; SIZE]);
            let tran = client.master.prepare(n as u64, buffer, TransactionType::Post).unwrap();
            client.master.launch(&tran);
            tran
        })
        .collect();
    wait_until("the first are handed over", || trans[0].is_done());
    assert!(!trans[COUNT - 1].is_done(), "40 MB have been taken by nobody");
    for n in 0..COUNT {
        let request = peer.request.take_request();
        assert_eq!((request.header.address, request.header.ty), (n as u64, POST));
        peer.response.send(&request.header.response(b"", b"no such register"));
    }
    for tran in &trans {
        wait_until("handed over", || tran.is_done());
        assert_eq!(tran.outcome(), Some(Ok(())));
    }
    assert_eq!(client.tcp.stats().outstanding, 0);
}

#[test]
fn posts_in_the_pipe_fail_with_the_connection_and_those_in_the_queue_survive_it() {
    const COUNT: u64 = 400;
    let (server, client, peer) = legacy_pair();
    let post =
        |n: u64| client.master.request(n, vec![1; 100_000].into(), TransactionType::Post).unwrap();
    let ids: Vec<u32> = (0..COUNT).map(post).collect();
    drop(peer);
    let mut peer = server.serve(&[]);
    let mut seen = 1;
    while peer.request.take_request().header.address < COUNT - 1 {
        seen += 1;
    }
    let outcomes: Vec<_> = ids.iter().map(|&id| client.master.wait(id)).collect();
    let lost = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let lost: Vec<_> = lost.map(|error| error.text()).collect();
    assert!(!lost.is_empty() && lost.iter().all(|text| text.contains("was lost")), "{lost:?}");
    assert!(outcomes[usize::try_from(COUNT).unwrap() - 1].is_ok());
    assert!(seen + lost.len() <= outcomes.len(), "{seen} came again, {} failed", lost.len());
}

#[test]
fn d15_the_answer_to_a_posted_write_is_no_stranger() {
    let (_server, client, mut peer) = legacy_pair();
    for n in 0..10_000u64 {
        client.master.post(n, &[1]).unwrap();
    }
    for _ in 0..10_000 {
        let request = peer.request.take_request();
        peer.response.send(&request.answer());
    }
    wait_until("all have come", || client.tcp.stats().responses == 10_000);
    assert_eq!(client.tcp.stats().dropped_responses, 0);
}
