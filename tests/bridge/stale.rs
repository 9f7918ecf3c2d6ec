//! Requests whose time has passed: nothing is carried out that its requester has been told has
//! failed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::clock::Time;
use rogue_mem::memory::{Slave, Tracker, Transaction, TransactionType};

use testkit::bridge::{server_of, Client};
use testkit::raw::{self, Item, RawClient, RawServer, Request, POST, READ, VERIFY, WRITE};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::{let_pass, wait_until, Gate, LONG};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// What a raw client says its clock is when it makes its READY.
const CLOCK: u64 = 5000 * SECOND;
/// A timeout that passes while a test looks on.
const SHORT: Duration = Duration::from_millis(100);
/// Beyond that.
const LONGER: Duration = Duration::from_millis(150);

/// Adds what a client says that knows requests with their times.
fn properties() -> Vec<(&'static str, String)> {
    vec![
        ("X-Rogue-Session", "0123456789abcdef0123456789abcdef".to_owned()),
        ("X-Rogue-Bridge", "1".to_owned()),
        ("X-Rogue-Deadline", CLOCK.to_string()),
    ]
}

fn timed_client(port: u16) -> RawClient {
    let properties = properties();
    let properties: Vec<_> = properties.iter().map(|(name, value)| (*name, &**value)).collect();
    RawClient::connect(port, &properties)
}

/// A slave that answers at once, and the addresses that it was asked for.
fn recorder() -> (Arc<dyn Slave>, Arc<Mutex<Vec<u64>>>) {
    let seen = Arc::<Mutex<Vec<u64>>>::default();
    let slave = calling({
        let seen = seen.clone();
        move |tran| {
            seen.lock().unwrap().push(tran.address());
            answer(tran);
        }
    });
    (slave, seen)
}

#[test]
fn f02_a_late_request_is_refused_before_the_slave_is_called() {
    let (slave, seen) = recorder();
    let server = server_of(slave, ServerOptions::default());
    let mut client = timed_client(server.port());
    // By the client's clock these were sent ten seconds before its READY.
    let sent = CLOCK - 10 * SECOND;
    for (id, ty) in [(1, READ), (2, WRITE), (3, POST), (4, VERIFY)] {
        let data = matches!(ty, WRITE | POST).then_some(&[7; 4][..]);
        client.request.send(&raw::timed(id, 0x10, ty, [sent, SECOND, SECOND], data));
        let response = client.response.take_response();
        assert_eq!((response.header.id, response.header.ty), (id, ty));
        let text = response.text();
        assert!(text.contains("0x10") && text.contains("not carried out"), "{text}");
    }
    // Sent as late, but with more time.
    client.request.send(&raw::timed(5, 0x20, READ, [sent, 60 * SECOND, 60 * SECOND], None));
    assert_eq!(client.response.take_response().text(), "OK");
    // In time, but with nothing left of it.
    client.request.send(&raw::timed(6, 0x30, READ, [CLOCK, 0, SECOND], None));
    let _either = client.response.take_response();
    client.request.send(&raw::timed(7, 0x40, READ, [CLOCK, 60 * SECOND, 60 * SECOND], None));
    assert_eq!(client.response.take_response().text(), "OK");
    let seen = seen.lock().unwrap();
    assert!(!seen.contains(&0x10) && seen.contains(&0x20) && seen.contains(&0x40), "{seen:?}");
    assert!(server.stats().refused >= 4);
}

#[test]
fn f02_a_late_large_write_is_refused_when_its_data_has_come() {
    let (slave, seen) = recorder();
    let server = server_of(slave, ServerOptions::default());
    let mut client = timed_client(server.port());
    let data = vec![1; 300_000];
    let late = [CLOCK - 10 * SECOND, SECOND, SECOND];
    let times: Vec<u8> = late.iter().flat_map(|time| time.to_le_bytes()).collect();
    let size = (data.len() as u32).to_le_bytes();
    let (id, address, ty) = (9_u32.to_le_bytes(), 0x10_u64.to_le_bytes(), WRITE.to_le_bytes());
    client.request.send(&raw::message(&[&id, &address, &size, &ty, &times, &data]));
    assert!(client.response.take_response().text().contains("not carried out"));
    assert_eq!(*seen.lock().unwrap(), []);
}

/// A server whose slave waits at the gate in each access to `address`, and notes the addresses of
/// all accesses.
fn server_held_at(address: u64) -> (Arc<Gate>, Arc<Mutex<Vec<u64>>>, Arc<TcpServer>) {
    let gate = Gate::new();
    let seen = Arc::<Mutex<Vec<u64>>>::default();
    let slave = calling({
        let (gate, seen) = (gate.clone(), seen.clone());
        move |tran| {
            seen.lock().unwrap().push(tran.address());
            if tran.address() == address {
                gate.pass();
            }
            answer(tran);
        }
    });
    let server = server_of(slave, ServerOptions::default());
    (gate, seen, server)
}

#[test]
fn f02_what_waits_behind_a_slow_access_of_another_is_not_carried_out_beyond_its_time() {
    let (gate, seen, server) = server_held_at(0);
    let slow = Client::ready(server.port());
    let quick = Client::ready(server.port());
    quick.master.set_timeout(SHORT);
    let first = slow.start_read(0, 4);
    gate.wait_arrived(1);
    let posted = quick.master.request(8, vec![1; 4].into(), TransactionType::Post).unwrap();
    let written = quick.start_write(16, &[1; 4]);
    wait_until("they are on their way", || quick.tcp.stats().queued == 0);
    let_pass(LONGER);
    gate.open();
    slow.master.wait(first).unwrap();
    assert!(quick.master.wait(written).is_err());
    quick.master.wait(posted).unwrap();
    quick.master.set_timeout(LONG);
    quick.master.read(24, 4).unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 24]);
}

/// Three requests that come together: the first is answered at once, and that answer waits for
/// others while the second is carried out. Returns the addresses that were carried out, or `None`
/// where the first answer was sent before.
fn behind_an_answer_that_waits() -> Option<Vec<u64>> {
    const TIME: u64 = SECOND;
    let (gate, seen, server) = server_held_at(8);
    let connecting = Instant::now();
    let mut client = timed_client(server.port());
    // Of the time of the second and the third one half is left.
    let requests = [(0, TIME), (8, TIME / 2), (16, TIME / 2)];
    let sent = CLOCK + connecting.elapsed().as_nanos() as u64;
    let octets = requests.map(|(address, left)| {
        raw::timed(address as u32, address, WRITE, [sent, left, TIME], Some(&[1; 4]))
    });
    client.request.send(&octets.concat());
    gate.wait_arrived(1);
    let is_sent = client.response.has_frame();
    let_pass(Duration::from_nanos(TIME * 3 / 4));
    gate.open();
    let results: Vec<String> =
        requests.iter().map(|_| client.response.take_response().text()).collect();
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.contains(&16), results[2] == "OK", "{results:?}");
    (!is_sent).then_some(seen)
}

#[test]
fn f02_an_answer_that_has_not_been_sent_renews_nothing() {
    // Half of the time of the third one passes without a word to the client.
    let seen = std::iter::repeat_with(behind_an_answer_that_waits).find_map(|seen| seen);
    assert_eq!(seen.unwrap(), [0, 8]);
}

#[test]
fn f02_what_nobody_waits_for_is_not_sent_after_its_time() {
    // The port is taken by nobody who would answer.
    let absent = RawServer::new();
    let port = absent.port;
    let client = Client::new(port);
    client.master.set_timeout(SHORT);
    let written = client.start_write(8, &[1; 4]);
    let posted = client.master.request(16, vec![1; 4].into(), TransactionType::Post).unwrap();
    let large = client.master.request(32, vec![1; 100_000].into(), TransactionType::Write).unwrap();
    let_pass(LONGER);
    client.master.set_timeout(LONG);
    let fresh = client.start_write(24, &[2; 4]);
    let mut peer = absent.serve(&[("X-Rogue-Bridge", "1")]);
    let request = peer.request.take_request();
    assert_eq!(request.header.address, 24, "the others are too late");
    peer.response.send(&request.answer());
    client.master.wait(fresh).unwrap();
    for id in [written, posted, large] {
        let text = client.error_of(id);
        assert!(text.starts_with("Timeout") && text.contains("never sent"), "{text}");
    }
    assert!(peer.request.is_quiet());
}

#[test]
fn f02_a_late_answer_renews_nothing_that_has_waited_as_long() {
    let played = RawServer::new();
    let client = Client::with(
        played.port,
        rogue_mem::bridge::ClientOptions { window: Some(1), ..Default::default() },
    );
    let mut peer = played.serve(&[("X-Rogue-Bridge", "1")]);
    client.wait_connected();
    client.master.set_timeout(SHORT);
    let first = client.start_write(0, &[1; 4]);
    let stale = client.start_write(8, &[1; 4]);
    let request = peer.request.take_request();
    let_pass(LONGER);
    peer.response.send(&request.answer());
    wait_until("it has come", || client.tcp.stats().responses == 1);
    client.master.set_timeout(LONG);
    let fresh = client.start_write(16, &[1; 4]);
    let request = peer.request.take_request();
    assert_eq!(request.header.address, 16);
    peer.response.send(&request.answer());
    client.master.wait(fresh).unwrap();
    assert!(client.error_of(stale).contains("never sent"));
    client.master.wait(first).unwrap();
}

#[test]
fn f02_a_server_waits_for_its_slave_as_long_as_the_client_does() {
    // Longer than the second that a server waits by itself.
    let keeper = Keeper::new();
    let server =
        rogue_mem::bridge::TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(keeper.clone());
    let client = Client::ready(server.port());
    let id = client.start_read(0x10, 4);
    let kept = keeper.next();
    assert_eq!(kept.timeout(), LONG);
    let_pass(Duration::from_millis(1100));
    answer(&kept);
    client.master.wait(id).unwrap();
}

#[test]
fn f02_times_are_told_only_where_both_ends_announce_them() {
    for is_announced in [false, true] {
        let played = RawServer::new();
        let client = Client::new(played.port);
        client.master.set_timeout(Duration::from_secs(2));
        let id = client.start_write(0x10, &[1, 2, 3, 4]);
        let mut properties = vec![("X-Rogue-Bridge", "1")];
        properties.extend(is_announced.then_some(("X-Rogue-Deadline", "1")));
        let mut peer = played.serve(&properties);
        let Item::Message(parts) = peer.request.item() else { panic!("a command") };
        let request = match is_announced {
            false => Request::of(&parts),
            true => {
                let (request, [sent, remaining, timeout]) = Request::of_timed(&parts);
                assert_eq!(timeout, 2 * SECOND);
                assert!(sent > 0 && remaining > 0 && remaining <= timeout, "{remaining}");
                request
            }
        };
        assert_eq!(request.data.as_deref(), Some(&[1, 2, 3, 4][..]));
        peer.response.send(&request.answer());
        client.master.wait(id).unwrap();
    }
    // As a client of before says nothing of it, its requests have four or five parts.
    let (slave, _) = recorder();
    let server = server_of(slave, ServerOptions::default());
    let mut client = RawClient::with_session(server.port(), 7);
    assert_eq!(client.read(1, 0x10).text(), "OK");
    // One without a session is a legacy client, whatever else it says.
    let clock = CLOCK.to_string();
    let mut client = RawClient::connect(server.port(), &[("X-Rogue-Deadline", &clock)]);
    assert_eq!(client.read(1, 0x10).text(), "OK");
}

#[test]
fn f02_requests_in_the_queue_are_renewed_by_answers_in_time() {
    let played = RawServer::new();
    let client = Client::with(
        played.port,
        rogue_mem::bridge::ClientOptions { window: Some(1), ..Default::default() },
    );
    let mut peer = played.serve(&[("X-Rogue-Bridge", "1"), ("X-Rogue-Deadline", "1")]);
    client.wait_connected();
    client.master.set_timeout(Duration::from_secs(2));
    let ids: Vec<u32> = (0..4).map(|n| client.start_read(n * 8, 4)).collect();
    let mut last = 0;
    for (index, id) in ids.into_iter().enumerate() {
        let Item::Message(parts) = peer.request.item() else { panic!("a command") };
        let (request, [sent, remaining, timeout]) = Request::of_timed(&parts);
        assert_eq!((request.header.address, timeout), (index as u64 * 8, 2 * SECOND));
        // What is left is left since the latest answer, and not since the request was made.
        assert!(index == 0 || sent + remaining > last + timeout, "{sent} {remaining} {last}");
        last = sent;
        let_pass(Duration::from_millis(1));
        peer.response.send(&request.answer());
        client.master.wait(id).unwrap();
    }
}

#[test]
fn f02_an_answer_to_one_with_more_time_revives_nothing_whose_time_has_passed() {
    let played = RawServer::new();
    let client = Client::with(
        played.port,
        rogue_mem::bridge::ClientOptions { window: Some(1), ..Default::default() },
    );
    let mut peer = played.serve(&[("X-Rogue-Bridge", "1")]);
    client.wait_connected();
    let first = client.start_read(0, 4);
    client.master.set_timeout(SHORT);
    let stale = client.start_write(8, &[1; 4]);
    let posted = client.master.request(32, vec![1; 4].into(), TransactionType::Post).unwrap();
    client.master.set_timeout(LONG);
    let fresh = client.start_write(16, &[1; 4]);
    let request = peer.request.take_request();
    let_pass(LONGER);
    // In time, but the others have heard nothing for longer than they wait.
    peer.response.send(&request.answer());
    let request = peer.request.take_request();
    assert_eq!(request.header.address, 16);
    peer.response.send(&request.answer());
    client.master.wait(fresh).unwrap();
    client.master.wait(first).unwrap();
    for id in [stale, posted] {
        assert!(client.error_of(id).contains("never sent"));
    }
}

/// Has always just seen a sign of life.
struct Lively;

impl Tracker for Lively {
    fn forget(&self, _: &Transaction) {}
    fn last_activity(&self, tran: &Transaction) -> Option<Time> {
        Some(tran.start() + 2 * LONG)
    }
}

#[test]
fn f02_what_another_slave_has_renewed_keeps_its_place() {
    let absent = RawServer::new();
    let client = Client::new(absent.port);
    client.master.set_timeout(SHORT);
    let renewed: Vec<_> = (0..2)
        .map(|n| {
            let tran =
                client.master.prepare(8 * n, vec![1; 4].into(), TransactionType::Write).unwrap();
            assert!(tran.set_tracker(Arc::new(Lively)));
            client.master.launch(&tran);
            tran
        })
        .collect();
    let stale = client.start_write(0x80, &[1; 4]);
    client.master.set_timeout(LONG);
    let behind = client.start_write(16, &[1; 4]);
    let_pass(LONGER);
    let mut peer = absent.serve(&[("X-Rogue-Bridge", "1")]);
    for address in [0, 8, 16] {
        let request = peer.request.take_request();
        assert_eq!(request.header.address, address);
        peer.response.send(&request.answer());
    }
    client.master.wait(behind).unwrap();
    assert!(client.error_of(stale).contains("never sent"));
    assert!(renewed.iter().all(|tran| tran.outcome().unwrap().is_ok()));
}

#[test]
fn f02_what_others_are_answered_renews_nothing_of_a_client_behind_two_bridges() {
    let played = RawServer::new();
    let options = rogue_mem::bridge::ClientOptions { window: Some(1), ..Default::default() };
    let bridge = Client::with(played.port, options);
    let mut peer = played.serve(&[("X-Rogue-Bridge", "1")]);
    bridge.wait_connected();
    let server = server_of(bridge.tcp.clone(), ServerOptions::default());
    let [one, other] = [Client::ready(server.port()), Client::ready(server.port())];
    let others: Vec<u32> = (1..=2).map(|n| other.start_read(8 * n, 4)).collect();
    let request = peer.request.take_request();
    wait_until("they are there", || bridge.tcp.stats().queued == 1);
    one.master.set_timeout(2 * SHORT);
    let stale = one.start_write(0x80, &[1; 4]);
    wait_until("it is there", || bridge.tcp.stats().queued == 2);
    let fresh = other.start_read(0x18, 4);
    wait_until("it is there", || bridge.tcp.stats().queued == 3);
    // Each of them comes before the first would have waited too long for any answer.
    let_pass(LONGER);
    peer.response.send(&request.answer());
    let request = peer.request.take_request();
    let_pass(LONGER);
    peer.response.send(&request.answer());
    let request = peer.request.take_request();
    assert_eq!(request.header.address, 0x18, "nothing was answered to that client");
    peer.response.send(&request.answer());
    for id in others.into_iter().chain([fresh]) {
        other.master.wait(id).unwrap();
    }
    assert!(one.error_of(stale).starts_with("Timeout"));
}

#[test]
fn f02_what_is_in_time_among_many_that_are_not_is_sent_in_order() {
    const COUNT: u64 = 100;
    let absent = RawServer::new();
    let client = Client::new(absent.port);
    let ids: Vec<[u32; 2]> = (0..COUNT)
        .map(|n| {
            client.master.set_timeout(SHORT);
            let stale = client.start_write(0x1000 + 8 * n, &[1; 4]);
            client.master.set_timeout(LONG);
            [stale, client.start_write(8 * n, &[2; 4])]
        })
        .collect();
    let_pass(LONGER);
    let mut peer = absent.serve(&[("X-Rogue-Bridge", "1")]);
    for n in 0..COUNT {
        let request = peer.request.take_request();
        assert_eq!(request.header.address, 8 * n);
        peer.response.send(&request.answer());
    }
    for [stale, fresh] in ids {
        client.master.wait(fresh).unwrap();
        assert!(client.error_of(stale).contains("never sent"));
    }
}

/// Where the clock of the client has stood still, the server takes all that comes for late.
#[test]
fn f02_a_client_whose_clock_has_stood_still_connects_anew() {
    const LATE: &[u8] = b"Timeout waiting for register transaction of 4 bytes at 0x10: it was not \
        carried out, because its time of 60s had passed when its turn came, 70s after it was sent";
    let played = RawServer::new();
    let client = Client::new(played.port);
    let announced = [("X-Rogue-Bridge", "1"), ("X-Rogue-Deadline", "1")];
    let mut peer = played.serve(&announced);
    let refuse = |peer: &mut RawClient| {
        let Item::Message(parts) = peer.request.item() else { panic!("a command") };
        let (request, _) = Request::of_timed(&parts);
        peer.response.send(&request.header.response(b"", LATE));
    };
    // That may be: more than half of the time has passed.
    client.master.set_timeout(SHORT);
    let id = client.start_write(0x10, &[1; 4]);
    let_pass(SHORT / 2);
    refuse(&mut peer);
    assert!(client.error_of(id).starts_with("Timeout"));
    client.master.set_timeout(LONG);
    let id = client.start_write(0x10, &[1; 4]);
    refuse(&mut peer);
    assert!(client.error_of(id).contains("not carried out"));
    peer.request.wait_closed();
    let id = client.start_write(0x10, &[1; 4]);
    let mut peer = played.serve(&announced);
    let Item::Message(parts) = peer.request.item() else { panic!("a command") };
    peer.response.send(&Request::of_timed(&parts).0.answer());
    client.master.wait(id).unwrap();
    assert_eq!(client.tcp.stats().connects, 2);
}
