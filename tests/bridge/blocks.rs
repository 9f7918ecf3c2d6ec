//! Large reads, which are received where they belong, and large writes, which are sent from where
//! they are.

use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions};
use rogue_mem::clock::Time;
use rogue_mem::memory::{DataBuffer, Emulate, Slave, Tracker, Transaction, TransactionType};

use testkit::bridge::{server_of, Client};
use testkit::raw::{self, Item, Raw, RawClient, RawServer, Request};
use testkit::wait::{wait_until, LONG};

const SERVER_ID: &str = "00112233445566778899aabbccddeeff";
const ANNOUNCED: [(&str, &str); 2] = [("X-Rogue-Bridge", "1"), ("X-Rogue-Server", SERVER_ID)];
/// Not a multiple of anything.
const LARGE: usize = 1_000_003;
/// More than the system takes of what nobody reads, as long as little has been read before on that
/// connection: then it may have been taught to take more.
const HUGE: usize = 16_000_001;

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

    /// Sends, and waits until the client has read it: who looks at the data meanwhile holds its
    /// lock, and then what comes is kept beside it.
    fn send_and_wait(&mut self, octets: &[u8]) {
        let end = self.client.tcp.stats().bytes_in + octets.len() as u64;
        self.send(octets);
        wait_until("it has been read", || self.client.tcp.stats().bytes_in >= end);
    }

    /// Has the client ask for `size` octets; nobody waits for them yet.
    fn ask(&mut self, ty: TransactionType, size: usize) -> (Arc<Transaction>, Request) {
        let tran = self.prepare(ty, vec![0xA5; size]);
        (tran, self.peer.request.take_request())
    }

    fn prepare(&self, ty: TransactionType, data: Vec<u8>) -> Arc<Transaction> {
        let tran = self.client.master.prepare(0x40, DataBuffer::from(data), ty).unwrap();
        self.client.master.launch(&tran);
        tran
    }

    /// Has the client write `HUGE` octets, which get stuck half-way.
    fn write_huge(&self, ty: TransactionType, seed: usize) -> Arc<Transaction> {
        let tran = self.client.master.prepare(0x40, pattern(HUGE, seed).into(), ty).unwrap();
        self.launch_huge(tran)
    }

    /// As `write_huge`, of data that is gone before the client is told of the end.
    fn write_huge_and_collect(&self, seed: usize) -> Arc<Transaction> {
        let tran = self
            .client
            .master
            .prepare(0x40, pattern(HUGE, seed).into(), TransactionType::Write)
            .unwrap();
        assert!(tran.set_tracker(Arc::new(Collector)));
        self.launch_huge(tran)
    }

    fn launch_huge(&self, tran: Arc<Transaction>) -> Arc<Transaction> {
        let before = self.client.tcp.stats().bytes_out;
        self.client.master.launch(&tran);
        wait_until("it is on its way", || self.client.tcp.stats().bytes_out > before + 100_000);
        assert!(self.client.tcp.stats().bytes_out < before + HUGE as u64);
        tran
    }

    /// Takes a request for `HUGE` octets.
    #[track_caller]
    fn take_huge(&mut self, ty: TransactionType, seed: usize) -> Request {
        let request = self.peer.request.take_request();
        assert_eq!((request.header.ty, request.header.size as usize), (ty.into(), HUGE));
        assert!(request.data.as_ref().unwrap() == &pattern(HUGE, seed));
        request
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

/// Collects a transaction as soon as it is told of its end, before those who keep it after it.
struct Collector;

impl Tracker for Collector {
    fn forget(&self, tran: &Transaction) {
        assert!(tran.collect().is_some());
    }

    fn last_activity(&self, _: &Transaction) -> Option<Time> {
        None
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
    // A prime, so that no power of two is a period.
    const PERIOD: usize = 8191;
    let period: Vec<u8> = (seed..seed + PERIOD.min(size)).map(|n| (n ^ (n >> 7)) as u8).collect();
    let mut octets = period.repeat(size / PERIOD + 1);
    octets.truncate(size);
    octets
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
        for ty in [TransactionType::Read, TransactionType::Verify] {
            let (tran, request) = pair.ask(ty, LARGE);
            let payload = pattern(LARGE, 1);
            let octets = request.header.response(&payload, b"OK");
            let head = octets.len() - LARGE - 4;
            let mut sent = 0;
            for count in [1, 20, head, head + 1, 70_000, 70_001, 500_000, octets.len() - 5] {
                pair.send_and_wait(&octets[sent..count]);
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
            let (tran, request) = pair.ask(TransactionType::Read, LARGE);
            let payload = pattern(LARGE, 3);
            let octets = request.header.response(&payload, b"OK");
            pair.send_and_wait(&octets[..400_000]);
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
fn f08_a_large_read_whose_data_somebody_holds_half_way_keeps_no_other_waiting() {
    for mut pair in pairs() {
        for later in [0, 1, 200_000] {
            let (tran, request) = pair.ask(TransactionType::Read, LARGE);
            let payload = pattern(LARGE, 3);
            let octets = request.header.response(&payload, b"OK");
            pair.send_and_wait(&octets[..400_000]);
            wait_until("half of it is there", || holds(&tran, 399_000, &payload));
            let received = pair.client.tcp.stats().bytes_in;
            let data = tran.data().unwrap();
            pair.send(&octets[400_000..400_000 + later]);
            let is_read = || pair.client.tcp.stats().bytes_in >= received + later as u64;
            wait_until("it is taken off the wire", is_read);
            if later == 1 {
                // What comes then goes behind what had to be kept.
                drop(data);
                pair.send(&octets[400_001..]);
            } else {
                pair.send(&octets[400_000 + later..]);
                pair.assert_in_order();
                assert!(!tran.is_done());
                drop(data);
            }
            let (outcome, data) = collected(&tran);
            assert_eq!(outcome, Ok(()));
            assert!(data == payload);
            pair.assert_in_order();
        }
    }
}

#[test]
fn a_large_read_fails_with_the_connection_that_breaks_half_way() {
    for mut pair in pairs() {
        let (tran, request) = pair.ask(TransactionType::Read, LARGE);
        let payload = pattern(LARGE, 5);
        let octets = request.header.response(&payload, b"OK");
        pair.send_and_wait(&octets[..400_000]);
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
            let (tran, request) = pair.ask(TransactionType::Read, LARGE);
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
    let tran =
        client.master.prepare(0x80, vec![0xA5; LARGE].into(), TransactionType::Read).unwrap();
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
        let (tran, Request { header, .. }) = pair.ask(TransactionType::Read, LARGE);
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
        let root = pair
            .client
            .master
            .prepare(0, vec![0xA5; 2 * LARGE].into(), TransactionType::Read)
            .unwrap();
        for n in [0, 1] {
            let part = root
                .create_sub(n * LARGE as u32, LARGE as u32, n.into(), TransactionType::Read)
                .unwrap();
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

/// Whether the first connection is the one in use.
fn is_connected_once(pair: &Pair) -> bool {
    pair.client.tcp.stats().connects == 1 && pair.client.tcp.state() == ClientState::Connected
}

#[test]
fn a_large_write_to_a_slow_server_keeps_its_place_between_small_ones() {
    for mut pair in pairs() {
        let before = pair.client.start_write(1, &[1; 4]);
        let huge = pair.write_huge(TransactionType::Write, 11);
        let read = pair.client.start_read(2, 4);
        let behind = pair.client.start_write(3, &pattern(LARGE, 12));
        let last = pair.client.start_write(4, &[4; 4]);
        // Answered between two requests and not within one.
        pair.peer.request.send(&raw::ping(b"now"));
        let mut order = Vec::new();
        let mut answers = Vec::new();
        let mut has_ponged = false;
        // The answer to the PING may also come behind all of them.
        while order.len() < 5 || !has_ponged {
            let request = match pair.peer.request.item() {
                Item::Command(body) => {
                    assert_eq!(body, b"\x04PONGnow");
                    assert!(!order.is_empty() && !has_ponged);
                    has_ponged = true;
                    continue;
                }
                Item::Message(parts) => Request::of(&parts),
            };
            order.push(request.header.address);
            answers.push(request.header.response(&[0; 4], b"OK"));
            match request.header.address {
                0x40 => assert!(request.data.unwrap() == pattern(HUGE, 11)),
                3 => assert!(request.data.unwrap() == pattern(LARGE, 12)),
                _ => {}
            }
        }
        assert_eq!(order, [1, 0x40, 2, 3, 4]);
        pair.send(&answers.concat());
        assert_eq!(collected(&huge).0, Ok(()));
        for id in [before, read, behind, last] {
            pair.client.master.wait(id).unwrap();
        }
        pair.assert_in_order();
    }
}

#[test]
fn a_large_write_given_up_half_way_is_sent_to_its_end() {
    end_half_way(|huge| huge.give_up("enough"));
}

#[test]
fn f07_a_large_write_that_another_completes_half_way_is_sent_to_its_end() {
    end_half_way(|huge| huge.error("enough"));
}

/// Has somebody else than the server `end` a large write, and then its data go.
fn end_half_way(end: impl Fn(&Arc<Transaction>)) {
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Write, 21);
        let behind = pair.client.start_write(3, &[3; 4]);
        end(&huge);
        let (outcome, mut data) = collected(&huge);
        assert_eq!(outcome, Err("enough".to_owned()));
        data.fill(0);
        drop(data);
        let late = pair.take_huge(TransactionType::Write, 21);
        let request = pair.peer.request.take_request();
        assert_eq!(request.header.address, 3);
        pair.send(&[late.answer(), request.answer()].concat());
        pair.client.master.wait(behind).unwrap();
        assert_eq!(pair.client.tcp.stats().dropped_responses, 1);
        pair.assert_in_order();
        assert!(is_connected_once(&pair));
    }
}

#[test]
fn f08_a_large_write_whose_data_somebody_holds_half_way_keeps_no_answer_waiting() {
    for mut pair in pairs() {
        let read = pair.client.start_read(4, 4);
        let asked = pair.peer.request.take_request();
        let before = pair.client.tcp.stats().bytes_out;
        let huge = pair.write_huge(TransactionType::Write, 81);
        let data = huge.data().unwrap();
        let behind = pair.client.start_write(3, &[3; 4]);
        let sent = pair.client.tcp.stats().bytes_out - before;
        // There is room for more now, and who finds that must not wait for the data.
        pair.peer.request.peek(sent as usize);
        pair.send(&asked.answer());
        pair.client.master.wait(read).unwrap();
        drop(data);
        let requests =
            [pair.take_huge(TransactionType::Write, 81), pair.peer.request.take_request()];
        assert_eq!(requests[1].header.address, 3);
        pair.send(&requests.map(|request| request.answer()).concat());
        pair.client.master.wait(behind).unwrap();
        assert_eq!(collected(&huge).0, Ok(()));
        pair.assert_in_order();
        assert!(is_connected_once(&pair));
    }
}

#[test]
fn a_large_write_given_up_before_it_is_begun_is_not_sent() {
    for mut pair in pairs() {
        let first = pair.write_huge(TransactionType::Write, 31);
        let second = pair.prepare(TransactionType::Write, pattern(LARGE, 32));
        let third = pair.client.start_write(3, &[3; 4]);
        second.give_up("not needed");
        collected(&second).0.unwrap_err();
        let answer = pair.take_huge(TransactionType::Write, 31).answer();
        let request = pair.peer.request.take_request();
        assert_eq!(request.header.address, 3);
        pair.send(&[answer, request.answer()].concat());
        assert_eq!(collected(&first).0, Ok(()));
        pair.client.master.wait(third).unwrap();
        pair.assert_in_order();
    }
}

#[test]
fn a_large_write_whose_time_runs_out_half_way_is_sent_to_its_end() {
    for mut pair in pairs() {
        pair.client.master.set_timeout(Duration::from_millis(50));
        let id = pair.client.start_write(0x40, &pattern(HUGE, 33));
        let text = pair.client.error_of(id);
        assert!(text.starts_with("Timeout waiting for register transaction"), "{text}");
        pair.client.master.set_timeout(LONG);
        pair.take_huge(TransactionType::Write, 33);
        pair.assert_in_order();
        assert!(is_connected_once(&pair));
    }
}

#[test]
fn a_large_write_that_is_completed_past_the_client_is_sent_to_its_end_if_its_data_is_there() {
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Write, 41);
        huge.done();
        pair.take_huge(TransactionType::Write, 41);
        let (outcome, data) = collected(&huge);
        assert_eq!(outcome, Ok(()));
        assert!(data == pattern(HUGE, 41));
        pair.assert_in_order();
        assert!(is_connected_once(&pair));
    }
}

#[test]
fn where_the_data_of_a_half_sent_write_is_gone_nothing_is_sent_behind_it() {
    for mut pair in pairs() {
        let huge = pair.write_huge_and_collect(42);
        let behind = pair.client.start_write(3, &[3; 4]);
        let other = pair.client.start_read(4, 4);
        huge.done();
        pair.peer.request.wait_closed();
        pair.peer = Pair::serve(&pair.server, pair.is_duplex);
        for (id, address) in [(behind, 3), (other, 4)] {
            let request = pair.peer.request.take_request();
            assert_eq!(request.header.address, address, "it had not been sent");
            pair.send(&request.answer());
            pair.client.master.wait(id).unwrap();
        }
        pair.assert_in_order();
    }
}

#[test]
fn what_is_on_its_way_when_the_data_of_a_write_is_gone_fails_with_a_plain_text() {
    let mut pair = Pair::new(false, ClientOptions::default());
    let read = pair.client.start_read(4, 4);
    let huge = pair.write_huge_and_collect(43);
    huge.done();
    pair.peer.request.wait_closed();
    let text = pair.client.error_of(read);
    assert!(text.contains("16000001 bytes was given up while it was being sent"), "{text}");
}

#[test]
fn a_large_write_that_is_answered_half_way_is_sent_to_its_end() {
    for (mut pair, result) in pairs().zip([b"too large".as_slice(), b"OK"].repeat(2)) {
        let huge = pair.write_huge(TransactionType::Write, 51);
        let behind = pair.client.start_read(0x99, 4);
        let header = raw::Header::of_octets(&pair.peer.request.peek(28));
        assert_eq!((header.size as usize, header.address), (HUGE, 0x40));
        pair.send(&header.response(&[], result));
        let (outcome, mut data) = collected(&huge);
        assert_eq!(outcome.is_ok(), result == b"OK");
        data.fill(0);
        drop(data);
        pair.take_huge(TransactionType::Write, 51);
        let request = pair.peer.request.take_request();
        pair.send(&request.answer());
        pair.client.master.wait(behind).unwrap();
        pair.assert_in_order();
        assert!(is_connected_once(&pair));
    }
}

#[test]
fn a_large_write_fails_with_the_connection_that_breaks_half_way() {
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Write, 61);
        let behind = pair.client.start_write(3, &[3; 4]);
        pair.reconnect();
        let text = collected(&huge).0.unwrap_err();
        assert!(text.contains("was lost"), "{text}");
        let request = pair.peer.request.take_request();
        assert_eq!(request.header.address, 3, "the next one, from its first octet on");
        pair.send(&request.answer());
        pair.client.master.wait(behind).unwrap();
        pair.assert_in_order();
    }
}

#[test]
fn d09_a_large_posted_write_is_complete_when_it_is_handed_over_and_not_before() {
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Post, 71);
        let small = pair.prepare(TransactionType::Post, vec![7; 4]);
        assert!(!huge.is_done() && !small.is_done());
        assert_eq!(pair.client.tcp.stats().outstanding, 2);
        pair.take_huge(TransactionType::Post, 71);
        assert_eq!(pair.peer.request.take_request().data, Some(vec![7; 4]));
        for tran in [huge, small] {
            assert_eq!(collected(&tran).0, Ok(()));
        }
        assert_eq!(pair.client.tcp.stats().outstanding, 0);
        pair.assert_in_order();
    }
    // Given up half-way it is sent all the same.
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Post, 72);
        huge.give_up("enough");
        drop(collected(&huge));
        pair.take_huge(TransactionType::Post, 72);
        pair.assert_in_order();
    }
}

#[test]
fn octets_of_large_writes_are_counted_as_they_are_sent() {
    let mut pair = Pair::new(false, ClientOptions::default());
    let before = pair.client.tcp.stats();
    let id = pair.client.start_write(0x40, &pattern(LARGE, 81));
    let request = pair.peer.request.take_request();
    pair.send(&request.answer());
    pair.client.master.wait(id).unwrap();
    let after = pair.client.tcp.stats();
    assert_eq!(after.bytes_out - before.bytes_out, (LARGE + 28 + 9) as u64);
    assert_eq!(after.bytes_in - before.bytes_in, (LARGE + 28 + 9 + 4) as u64);
    assert_eq!(after.requests, 1);
}

#[test]
fn a_client_may_be_stopped_or_dropped_while_it_sends_a_large_write() {
    for mut pair in pairs() {
        let huge = pair.write_huge(TransactionType::Write, 91);
        pair.client.tcp.stop();
        let text = collected(&huge).0.unwrap_err();
        assert!(text.contains("has been stopped"), "{text}");
        pair.peer.request.wait_closed();
    }
    for mut pair in pairs() {
        let id = pair.client.start_write(0x40, &pattern(HUGE, 92));
        let Client { tcp, master } = pair.client;
        drop(master);
        // The master gave it up, which the client outlives.
        pair.client = Client { tcp, master: Default::default() };
        pair.client.master.set_slave(pair.client.tcp.clone());
        pair.client.master.set_timeout(LONG);
        pair.client.master.wait(id).unwrap();
        pair.take_huge(TransactionType::Write, 92);
        pair.assert_in_order();
    }
}

#[test]
fn writes_given_up_at_any_time_come_wholly_or_not_at_all() {
    const COUNT: usize = 150;
    for (round, mut pair) in pairs().enumerate() {
        let mut random = ChaCha8Rng::seed_from_u64(0xB10C + round as u64);
        let Pair { client, peer, .. } = &mut pair;
        let mut raw = Raw::new(peer.request.stream.try_clone().unwrap());
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let mut seen = Vec::new();
                loop {
                    let request = raw.take_request();
                    let (n, size) = (request.header.address as usize, request.header.size);
                    if size == 0 {
                        return seen;
                    }
                    assert!(request.data.unwrap() == pattern(size as usize, n), "{n}");
                    seen.push(n);
                }
            });
            for n in 0..COUNT {
                let size = random.random_range(1..3_000_000);
                let ty =
                    if random.random() { TransactionType::Write } else { TransactionType::Post };
                let tran = client.master.prepare(n as u64, pattern(size, n).into(), ty).unwrap();
                client.master.launch(&tran);
                for _ in 0..random.random_range(0..300) {
                    std::thread::yield_now();
                }
                tran.give_up("enough");
                tran.collect().unwrap().1.into_vec().fill(0);
            }
            client.start_write(COUNT as u64, &[]);
            let seen = reader.join().unwrap();
            assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
        });
        assert!(is_connected_once(&pair));
        pair.assert_in_order();
    }
}

#[test]
fn blocks_of_any_size_written_and_read_by_several_threads_are_those_of_a_model() {
    const REGION: u64 = 1 << 24;
    for (round, direct) in [true, false].into_iter().enumerate() {
        let server = server_of(Emulate::new(4, 0xFFFF_FFFF), ServerOptions::default());
        let client = Client::with(server.port(), ClientOptions { direct, ..Default::default() });
        client.wait_ready();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let client = &client;
                let mut random = ChaCha8Rng::seed_from_u64(round as u64 * 100 + thread);
                scope.spawn(move || work_on_a_model(client, thread * REGION, &mut random));
            }
        });
        assert_eq!(client.tcp.stats().outstanding, 0);
        assert_eq!(client.tcp.stats().connects, 1);
    }
}

/// Writes and reads at `base`, several at once.
fn work_on_a_model(client: &Client, base: u64, random: &mut ChaCha8Rng) {
    const REGION_OCTETS: usize = 1_000_000;
    const TURN_COUNT: usize = 60;
    const SIZES: [usize; 7] = [4, 16_384, 65_499, 65_536, 65_537, 131_072, 400_000];
    let mut model = vec![0; REGION_OCTETS];
    for turn in 0..TURN_COUNT {
        let mut waiting = Vec::new();
        for _ in 0..random.random_range(1..8) {
            let near = SIZES[random.random_range(0..SIZES.len())];
            let size = (near + random.random_range(0..80)).saturating_sub(40).max(1);
            let at = random.random_range(0..REGION_OCTETS - size);
            let range = at..at + size;
            if random.random() {
                let data = pattern(size, turn * 1000 + size);
                model[range].copy_from_slice(&data);
                let ty =
                    if random.random() { TransactionType::Write } else { TransactionType::Post };
                let id = client.master.request(base + at as u64, data.into(), ty).unwrap();
                waiting.push((id, None));
            } else {
                let id = client.start_read(base + at as u64, size);
                waiting.push((id, Some(model[range].to_vec())));
            }
        }
        for (id, expected) in waiting {
            match expected {
                Some(expected) => {
                    assert!(client.master.wait_buffer(id).unwrap() == expected, "turn {turn}");
                }
                None => client.master.wait(id).unwrap(),
            }
        }
    }
}
