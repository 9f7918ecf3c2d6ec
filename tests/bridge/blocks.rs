//! Large reads, which are received where they belong, and large writes, which are sent from where
//! they are.

use std::net::Shutdown;
use std::sync::Arc;

use rogue_mem::bridge::ClientOptions;
use rogue_mem::memory::{Buffer, Slave, Transaction, READ, VERIFY};

use crate::support::raw::{self, Raw, RawClient, RawServer, Request};
use crate::support::{wait_until, Client};

const SERVER_ID: &str = "00112233445566778899aabbccddeeff";
const ANNOUNCED: [(&str, &str); 2] = [("X-Rogue-Bridge", "1"), ("X-Rogue-Server", SERVER_ID)];
/// Not a multiple of anything.
const LARGE: usize = 1_000_003;

/// A connected client and a server of our kind that the test plays.
struct Pair {
    server: RawServer,
    client: Client,
    peer: RawClient,
    is_duplex: bool,
}

impl Pair {
    fn new(is_duplex: bool, options: ClientOptions) -> Pair {
        let server = RawServer::new();
        let client = Client::with(server.port, options);
        let peer = Pair::serve(&server, is_duplex);
        client.wait_connected();
        Pair { server, client, peer, is_duplex }
    }

    fn serve(server: &RawServer, is_duplex: bool) -> RawClient {
        match is_duplex {
            true => server.serve(&[&ANNOUNCED[..], &[("X-Rogue-Duplex", "1")]].concat()),
            false => server.serve(&ANNOUNCED),
        }
    }

    /// Ends the connection and serves the next one.
    fn reconnect(&mut self) {
        for raw in [&self.peer.request, &self.peer.response] {
            raw.stream.shutdown(Shutdown::Both).unwrap();
        }
        self.peer = Pair::serve(&self.server, self.is_duplex);
        self.client.wait_connected();
    }

    /// The connection on which the client takes responses.
    fn responses(&mut self) -> &mut Raw {
        match self.is_duplex {
            true => &mut self.peer.request,
            false => &mut self.peer.response,
        }
    }

    fn send(&mut self, octets: &[u8]) {
        self.responses().send(octets);
    }

    /// Has the client ask for `size` octets; nobody waits for them yet.
    fn ask(&mut self, ty: u32, size: usize) -> (Arc<Transaction>, Request) {
        let tran = self.prepare(ty, vec![0xA5; size]);
        (tran, self.peer.request.take_request())
    }

    fn prepare(&self, ty: u32, data: Vec<u8>) -> Arc<Transaction> {
        let tran = self.client.master.prepare(0x40, Buffer::from(data), ty).unwrap();
        self.client.master.launch(&tran);
        tran
    }

    /// Proves that the connection is as it should be.
    #[track_caller]
    fn assert_in_order(&mut self) {
        for size in [4, 100_000] {
            let id = self.client.start_read(0x80, size);
            let request = self.peer.request.take_request();
            assert_eq!(request.header.address, 0x80);
            let payload = pattern(size, 0x77);
            self.send(&request.header.response(&payload, b"OK"));
            assert!(self.client.master.wait_buffer(id).unwrap() == payload);
        }
    }
}

/// Every way in which responses are received: on either connection, by either thread.
fn pairs() -> impl Iterator<Item = Pair> {
    [(false, false), (false, true), (true, false), (true, true)].into_iter().map(
        |(is_duplex, direct)| {
            Pair::new(is_duplex, ClientOptions { direct, ..ClientOptions::default() })
        },
    )
}

/// Octets that differ from their neighbours, and from those of another seed.
fn pattern(size: usize, seed: usize) -> Vec<u8> {
    (seed..seed + size).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect()
}

fn holds(tran: &Transaction, count: usize, expected: &[u8]) -> bool {
    tran.data().is_some_and(|data| data[..count] == expected[..count])
}

#[track_caller]
fn collected(tran: &Transaction) -> (Result<(), String>, Vec<u8>) {
    wait_until("it ends", || tran.is_done());
    let (outcome, buffer) = tran.collect().unwrap();
    (outcome.map_err(|error| error.text().to_owned()), buffer.into_vec())
}

#[test]
fn a_large_read_is_received_into_the_buffer_as_it_comes() {
    for mut pair in pairs() {
        for ty in [READ, VERIFY] {
            let (tran, request) = pair.ask(ty, LARGE);
            let payload = pattern(LARGE, 1);
            let octets = request.header.response(&payload, b"OK");
            let head = octets.len() - LARGE - 4;
            let mut sent = 0;
            for count in [1, 20, head, head + 1, 70_000, 70_001, 500_000, octets.len() - 5] {
                pair.send(&octets[sent..count]);
                sent = count;
                let come = count.saturating_sub(head);
                wait_until("it is in the buffer", || holds(&tran, come, &payload));
            }
            for count in octets.len() - 4..octets.len() {
                pair.send(&octets[sent..count]);
                sent = count;
            }
            assert!(!tran.is_done(), "its result is not known");
            pair.send(&octets[sent..]);
            let (outcome, data) = collected(&tran);
            assert_eq!(outcome, Ok(()));
            assert!(data == payload);
        }
        pair.assert_in_order();
    }
}

#[test]
fn large_and_small_responses_that_come_together_go_where_they_belong() {
    for mut pair in pairs() {
        let sizes = [4, 65_536, 65_537, 8, LARGE, 0, 131_072, 4, 70_000, 70_000, 12];
        let ids: Vec<u32> = sizes.iter().map(|&size| pair.client.start_read(8, size)).collect();
        let mut octets = Vec::new();
        for (seed, _) in sizes.iter().enumerate() {
            let header = pair.peer.request.take_request().header;
            octets.extend(header.response(&pattern(header.size as usize, seed), b"OK"));
        }
        let mut raw = Raw::new(pair.responses().stream.try_clone().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(move || raw.send(&octets));
            for ((seed, &size), id) in sizes.iter().enumerate().zip(ids) {
                let data = pair.client.master.wait_buffer(id).unwrap();
                assert!(data == pattern(size, seed), "{size}");
            }
        });
    }
}

#[test]
fn a_large_read_given_up_half_way_is_touched_no_more_and_disturbs_no_other() {
    for mut pair in pairs() {
        for later in [0, 1, 200_000] {
            let (tran, request) = pair.ask(READ, LARGE);
            let payload = pattern(LARGE, 3);
            let octets = request.header.response(&payload, b"OK");
            pair.send(&octets[..400_000]);
            wait_until("half of it is there", || holds(&tran, 399_000, &payload));
            tran.give_up("enough");
            pair.send(&octets[400_000..400_000 + later]);
            let (outcome, mut data) = collected(&tran);
            assert_eq!(outcome, Err("enough".to_owned()));
            data.fill(0x11);
            let dropped = pair.client.tcp.stats().dropped_responses;
            pair.send(&octets[400_000 + later..]);
            pair.assert_in_order();
            assert_eq!(pair.client.tcp.stats().dropped_responses, dropped + 1);
            assert!(data.iter().all(|&octet| octet == 0x11));
        }
    }
}

#[test]
fn a_large_read_fails_with_the_connection_that_breaks_half_way() {
    for mut pair in pairs() {
        let (tran, request) = pair.ask(READ, LARGE);
        let payload = pattern(LARGE, 5);
        let octets = request.header.response(&payload, b"OK");
        pair.send(&octets[..400_000]);
        wait_until("half of it is there", || holds(&tran, 399_000, &payload));
        pair.reconnect();
        let (outcome, data) = collected(&tran);
        assert!(outcome.as_ref().unwrap_err().contains("was lost"), "{outcome:?}");
        assert!(data[500_000..].iter().all(|&octet| octet == 0xA5));
        pair.assert_in_order();
    }
}

#[test]
fn d12_a_large_read_that_fails_leaves_the_buffer_as_it_was() {
    for mut pair in pairs() {
        for (payload, result) in
            [(vec![], &b"no device"[..]), (vec![9; LARGE - 1], b"OK"), (vec![9; LARGE + 1], b"OK")]
        {
            let (tran, request) = pair.ask(READ, LARGE);
            pair.send(&request.header.response(&payload, result));
            let (outcome, data) = collected(&tran);
            outcome.unwrap_err();
            assert!(data == vec![0xA5; LARGE]);
        }
        pair.assert_in_order();
    }
    // A legacy server sends as many octets as were asked for whatever becomes of it.
    let server = RawServer::new();
    let client = Client::new(server.port);
    let mut peer = server.serve(&[]);
    let tran = client.master.prepare(0x80, vec![0xA5; LARGE].into(), READ).unwrap();
    client.master.launch(&tran);
    let request = peer.request.take_request();
    peer.response.send(&request.header.response(&vec![9; LARGE], b"no device"));
    let (outcome, data) = collected(&tran);
    assert_eq!(outcome, Err("no device".to_owned()));
    assert!(data == vec![0xA5; LARGE]);
}

#[test]
fn d11_a_large_response_that_turns_out_to_be_none_is_dropped_and_the_right_one_counts() {
    for mut pair in pairs() {
        let (tran, Request { header, .. }) = pair.ask(READ, LARGE);
        let (id, address) = (header.id.to_le_bytes(), header.address.to_le_bytes());
        let (size, ty) = (header.size.to_le_bytes(), header.ty.to_le_bytes());
        let wrong = vec![9; LARGE];
        pair.send(&raw::message(&[&id, &address, &size, &ty, &wrong, b"OK", b"more"]));
        pair.assert_in_order();
        assert!(!tran.is_done());
        pair.send(&header.response(&pattern(LARGE, 7), b"OK"));
        let (outcome, data) = collected(&tran);
        assert_eq!(outcome, Ok(()));
        assert!(data == pattern(LARGE, 7));
    }
}

#[test]
fn large_parts_of_one_transaction_are_received_into_its_buffer() {
    for mut pair in pairs() {
        let root = pair.client.master.prepare(0, vec![0xA5; 2 * LARGE].into(), READ).unwrap();
        for n in [0, 1] {
            let part = root.create_sub(n * LARGE as u32, LARGE as u32, n.into(), READ).unwrap();
            pair.client.tcp.do_transaction(&part);
        }
        root.done_subs();
        for seed in [0, 1] {
            let request = pair.peer.request.take_request();
            pair.send(&request.header.response(&pattern(LARGE, seed), b"OK"));
        }
        let (outcome, data) = collected(&root);
        assert_eq!(outcome, Ok(()));
        assert!(data[..LARGE] == pattern(LARGE, 0) && data[LARGE..] == pattern(LARGE, 1));
    }
}
