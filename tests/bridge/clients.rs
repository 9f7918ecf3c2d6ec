//! Many clients of one server, the addresses by which they reach it, and what their answers say.

use std::sync::Arc;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Hub, Master, Transaction, TransactionType};
use rogue_mem::Status;

use testkit::bridge::{server, server_of, Client};
use testkit::raw::{self, RawClient, READ, WRITE};
use testkit::slaves::{answer, answer_at, calling};
use testkit::wait::LONG;

#[test]
fn d14_many_clients_at_once_get_their_own_answers() {
    let server = server();
    let clients: Vec<Client> = (0..16).map(|_| Client::ready(server.port())).collect();
    assert_eq!(server.stats().clients, 16);
    std::thread::scope(|scope| {
        for (n, client) in (0u64..).zip(&clients) {
            scope.spawn(move || {
                let base = n * 0x1_0000;
                for round in 0..100u64 {
                    let value = (n << 32 | round).to_le_bytes();
                    client.master.write(base + round * 8, &value).unwrap();
                    let ids = [0, 1].map(|_| client.start_read(base + round * 8, 8));
                    for id in ids {
                        assert_eq!(client.master.wait_buffer(id).unwrap(), value);
                    }
                }
            });
        }
    });
}

#[test]
fn d14_clients_that_use_the_same_ids_get_their_own_answers() {
    let server = server_of(calling(answer), ServerOptions::default());
    let mut clients: Vec<RawClient> =
        (1..=10).map(|session| RawClient::with_session(server.port(), session)).collect();
    for round in 0..100 {
        for (n, client) in (0..).zip(&mut clients) {
            client.request.send(&raw::request(round, n << 8, 8, READ, None));
        }
        for (n, client) in (0..).zip(&mut clients) {
            let response = client.response.take_response();
            assert_eq!((response.header.id, response.header.address), (round, n << 8));
            assert_eq!(response.payload, answer_at(n << 8, 8));
        }
    }
    for client in &mut clients {
        assert!(!client.response.has_frame(), "an answer too many");
    }
}

#[test]
fn answers_go_back_in_the_order_of_requests_where_the_slave_keeps_it() {
    let server = server_of(calling(answer), ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    let many = (0..3000).flat_map(|id| raw::request(id, id.into(), id % 50, READ, None));
    client.request.send(&many.collect::<Vec<u8>>());
    for id in 0..3000 {
        let response = client.response.take_response();
        assert_eq!(response.header.id, id);
        assert_eq!(response.payload, answer_at(id.into(), (id % 50) as usize));
    }
}

/// A slave that puts something into its data and then fails with this text.
fn failing(text: &'static str) -> Arc<TcpServer> {
    let slave = calling(move |tran: &Arc<Transaction>| {
        tran.data().unwrap().fill(0x5A);
        tran.error(text);
    });
    server_of(slave, ServerOptions::default())
}

#[test]
fn d12_a_failed_access_tells_nothing_of_the_servers_memory() {
    let server = failing("no device");
    let mut legacy = RawClient::legacy(server.port());
    let mut ours = RawClient::with_session(server.port(), 1);
    for (ty, data) in [(READ, None), (WRITE, Some(&[1u8; 64][..])), (raw::VERIFY, None)] {
        let request = raw::request(1, 0, 64, ty, data);
        legacy.request.send(&request);
        let response = legacy.response.take_response();
        assert_eq!(response.text(), "no device");
        assert_eq!(response.payload, [0; 64], "as long as it should be, and zero");
        ours.request.send(&request);
        let response = ours.response.take_response();
        assert_eq!((response.text(), response.payload.len()), ("no device".to_owned(), 0));
    }
}

#[test]
fn a_write_is_answered_with_its_data_where_the_client_compares_lengths_only() {
    const ADDRESS: u64 = 0x100;
    let server = server();
    let mut peers = [
        (RawClient::legacy(server.port()), true),
        (RawClient::with_session(server.port(), 1), false),
    ];
    for (id, size) in (1..).zip([4_u32, 100_000]) {
        for (peer, is_echoed) in &mut peers {
            let data: Vec<u8> = (0..size).map(|n| (n % 251) as u8 ^ id as u8).collect();
            peer.request.send(&raw::request(id, ADDRESS, size, WRITE, Some(&data)));
            let answer = peer.response.take_response();
            assert_eq!(answer.header, raw::Header { id, address: ADDRESS, size, ty: WRITE });
            assert_eq!(answer.result, b"OK");
            let echo: &[u8] = if *is_echoed { &data } else { &[] };
            assert!(answer.payload == echo, "{} octets for {size}", answer.payload.len());
            peer.request.send(&raw::request(id, ADDRESS, size, READ, None));
            assert!(peer.response.take_response().payload == data, "{size} octets are there");
        }
    }
}

#[test]
fn d12_a_read_that_its_slave_does_not_fill_shows_nothing_of_what_others_wrote_or_read() {
    // Fills reads of even addresses only, and of a memory that fills all there has been something
    // in the same buffers before.
    let careless = calling(|tran| match tran.address() % 2 {
        0 => answer(tran),
        _ => tran.done(),
    });
    const EVEN: u64 = 0x1112_1314_1516_1718;
    for size in [4, 4000, 20_000, 300_000] {
        let server = server();
        let (first, second) = (Client::ready(server.port()), Client::ready(server.port()));
        for connect in [false, true] {
            if connect {
                server.master().set_slave(careless.clone());
            }
            first.master.write(EVEN, &vec![0xEE; size]).unwrap();
            first.master.read(EVEN, size as u32).unwrap();
        }
        let read = second.master.read(EVEN + 1, size as u32).unwrap();
        assert!(read == vec![0; size], "{size} bytes");
    }
}

#[test]
fn d13_percent_signs_reach_only_clients_that_do_not_take_them_for_a_format() {
    let server = failing("50% of %s%n");
    let mut legacy = RawClient::legacy(server.port());
    assert_eq!(legacy.read(1, 0).text(), "50percent of percentspercentn");
    let client = Client::ready(server.port());
    assert_eq!(client.error_of(client.start_read(0, 4)), "50% of %s%n");
}

#[test]
fn d15_no_failure_is_taken_for_a_success_and_long_texts_are_cut() {
    for text in ["", "OK", "\0", "\0\0\0\0"] {
        let server = failing(text);
        let mut legacy = RawClient::legacy(server.port());
        let result = legacy.read(1, 0).result;
        assert!(result != b"OK" && !result.is_empty() && result[0] != 0, "{text:?}: {result:?}");
        let client = Client::ready(server.port());
        client.error_of(client.start_read(0, 4));
    }
    let server = failing(Box::leak("äöü".repeat(400).into_boxed_str()));
    let mut legacy = RawClient::legacy(server.port());
    let text = legacy.read(1, 0).text();
    assert!((990..=999).contains(&text.len()) && text.starts_with("äöü"), "{}", text.len());
    let client = Client::ready(server.port());
    let error = client.error_of(client.start_read(0, 4));
    assert!(error.starts_with("äöüäöü"), "{error}");
}

#[test]
fn every_request_is_answered_posted_writes_too() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    client.request.send(&raw::request(1, 0x40, 4, raw::POST, Some(&[1, 2, 3, 4])));
    let response = client.response.take_response();
    assert_eq!((response.text(), response.payload), ("OK".to_owned(), vec![1, 2, 3, 4]));
    client.request.send(&raw::request(2, 0x40, 4, WRITE, Some(&[5, 6, 7, 8])));
    let response = client.response.take_response();
    assert_eq!(response.payload, [5, 6, 7, 8], "an echo");
    for (id, size, expected) in [(3, 0, &[][..]), (4, 3, &[5, 6, 7]), (5, 4, &[5, 6, 7, 8])] {
        client.request.send(&raw::request(id, 0x40, size, READ, None));
        assert_eq!(client.response.take_response().payload, expected);
    }
    client.request.send(&raw::request(6, 0x40, 0, WRITE, Some(b"")));
    assert_eq!(client.response.take_response().text(), "OK");
    client.request.send(&raw::request(7, 0x99, 0, raw::PROBE, None));
    let response = client.response.take_response();
    assert_eq!((response.text(), response.header.address), ("OK".to_owned(), 0x99));
    assert!(response.payload.is_empty());
    // A payload that a read has no use for is ignored, as Rogue does it.
    client.request.send(&raw::request(8, 0x40, 2, READ, Some(b"ignored")));
    assert_eq!(client.response.take_response().payload, [5, 6]);
}

#[test]
fn the_largest_transactions_pass() {
    let server = server();
    let client = Client::ready(server.port());
    let block: Vec<u8> = (0..32u32 << 20).map(|n| (n >> 3) as u8).collect();
    client.master.write(0xFFFF_FFFF_0000_0000, &block).unwrap();
    let back = client.master.read(0xFFFF_FFFF_0000_0000, 32 << 20).unwrap();
    assert!(back == block);
}

#[test]
fn a_client_refuses_what_is_larger_than_its_own_limit() {
    let server = server();
    let options = ClientOptions { transaction_bytes_max: 100, ..ClientOptions::default() };
    let client = Client::with(server.port(), options);
    let text = client.error_of(client.start_read(0, 101));
    assert!(text.contains("101 bytes exceeds the 100 bytes allowed"), "{text}");
    assert_eq!(client.master.read(0, 100).unwrap().len(), 100);
}

/// Whether this machine has IPv6 at all; containers often have not.
fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn addresses_of_every_form_are_served_and_reached() {
    let four = [("*", "127.0.0.1"), ("127.0.0.1", "localhost"), ("lo", "127.0.0.1")];
    let six = [("::1", "[::1]"), ("::1", "::1")];
    for (listen, connect) in four.into_iter().chain(six.into_iter().filter(|_| has_ipv6())) {
        let server = TcpServer::new(listen, 0, ServerOptions::default()).unwrap();
        server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
        assert!(server.port() > 0);
        assert_eq!(server.address(), listen);
        let tcp = TcpClient::new(connect, server.port(), ClientOptions::default()).unwrap();
        tcp.wait_ready(LONG, LONG / 100).unwrap();
        let master = Master::new();
        master.set_slave(tcp);
        master.set_timeout(LONG);
        master.write(4, &[9; 4]).unwrap();
        assert_eq!(master.read(4, 4).unwrap(), [9; 4], "{listen} {connect}");
    }
}

#[test]
fn a_legacy_client_of_ipv6_is_served_by_its_process() {
    let address = if has_ipv6() { "::1" } else { "127.0.0.1" };
    let server = TcpServer::new(address, 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
    let mut client = RawClient::legacy_at(address, server.port());
    assert_eq!(client.read(1, 0).text(), "OK");
}

#[test]
fn d95_ports_that_have_no_successor_are_refused_and_port_0_is_any_pair() {
    let error = TcpServer::new("127.0.0.1", 65535, ServerOptions::default()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().contains("Failed to bind server to port 65535 at address 127.0.0.1"));
    assert_eq!(error.origin(), "memory::TcpServer::TcpServer");
    for port in [0, 65535] {
        let error = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        let text = format!("Failed to connect to remote port {port} at address 127.0.0.1");
        assert!(error.text().starts_with(&text), "{error}");
        assert_eq!(error.origin(), "memory::TcpClient::TcpClient");
    }
    let (one, other) = (server(), server());
    assert!(one.port().abs_diff(other.port()) >= 2);
    for address in ["", "*", "two words", "1.2.3", "tcp://127.0.0.1"] {
        let error = TcpClient::new(address, 9000, ClientOptions::default()).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument, "{address}");
    }
}

#[test]
fn contract_19_overlapping_registers_of_several_devices_are_right() {
    let server = server();
    let client = Client::ready(server.port());
    let devices: Vec<Master> = (0..4u64)
        .map(|n| {
            let hub = Hub::new(n * 0x1_0000, 0, 0);
            hub.master().set_slave(client.tcp.clone());
            let master = Master::new();
            master.set_slave(hub);
            master.set_timeout(LONG);
            master
        })
        .collect();
    // Bytes in words, written one by one without waiting in between; then words over them.
    for (n, device) in (0u8..).zip(&devices) {
        let write = |at: u64| {
            let value = (at as u8).wrapping_mul(3).wrapping_add(n);
            device.request(at, vec![value].into(), TransactionType::Write).unwrap()
        };
        let ids: Vec<u32> = (0..2048).map(write).collect();
        ids.into_iter().for_each(|id| device.wait(id).unwrap());
    }
    for (n, device) in (0u8..).zip(&devices) {
        for word in 0..512u64 {
            let expected: Vec<u8> = (0..4)
                .map(|byte| ((word * 4 + byte) as u8).wrapping_mul(3).wrapping_add(n))
                .collect();
            assert_eq!(device.read(word * 4, 4).unwrap(), expected);
        }
    }
    // 16 and 8 bits sharing words at another base.
    let base = 0x8_0000;
    for n in 0..256u64 {
        client.master.write(base + n * 4, &(n as u16 * 257).to_le_bytes()).unwrap();
        client.master.write(base + n * 4 + 2, &[n as u8]).unwrap();
        client.master.write(base + n * 4 + 3, &[!n as u8]).unwrap();
    }
    for n in 0..256u64 {
        let n8 = n as u8;
        assert_eq!(client.master.read(base + n * 4, 4).unwrap(), [n8, n8, n8, !n8]);
    }
}

#[test]
fn contract_22_a_client_is_a_slave_and_a_server_a_master_like_any_other() {
    let server = server();
    assert_eq!(server.master().req_max_access(), 0xFFFF_FFFF);
    let client = Client::new(server.port());
    assert_eq!((client.master.req_min_access(), client.master.req_max_access()), (4, 0xFFFF_FFFF));
    let hub = Hub::new(0x100, 0, 0);
    hub.master().set_slave(client.tcp.clone());
    let master = Master::new();
    master.set_slave(hub);
    master.set_timeout(LONG);
    master.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.master.read(0x100, 4).unwrap(), [1, 2, 3, 4]);
}
