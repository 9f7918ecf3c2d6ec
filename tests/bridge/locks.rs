//! Data locks that somebody holds for long: nobody but the one whose data it is has to wait.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpServer};
use rogue_mem::memory::{Transaction, TransactionType, TIMEOUT_TEXT};

use testkit::bridge::{server_of, Client};
use testkit::raw::{self, RawClient};
use testkit::slaves::{answer, answer_at, calling};
use testkit::wait::{let_pass, wait_until, LONG};

/// A time that is over soon, in microseconds.
const SHORT: Duration = Duration::from_millis(50);
/// Requests at this address are the test's to deal with.
const STUCK: u64 = 0x57;

/// A server whose slave answers at once, but for what is `STUCK`.
fn server() -> (Arc<TcpServer>, Receiver<Arc<Transaction>>) {
    let (sender, stuck) = channel();
    let slave = calling(move |tran| match tran.address() {
        STUCK => sender.send(tran.clone()).unwrap(),
        _ => answer(tran),
    });
    (server_of(slave, ServerOptions::default()), stuck)
}

/// Proves that `clients` are served, and not only one after the other.
#[track_caller]
fn assert_served(clients: &[&Client]) {
    for round in 0..3 {
        let ids: Vec<u32> =
            clients.iter().map(|client| client.start_read(0x10 * round, 8)).collect();
        for (client, id) in clients.iter().zip(ids) {
            assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(0x10 * round, 8));
        }
    }
}

#[test]
fn f08_who_holds_the_data_past_the_deadline_keeps_no_client_waiting() {
    let (server, stuck) = server();
    server.master().set_timeout(SHORT);
    let [one, other] = [Client::ready(server.port()), Client::ready(server.port())];
    let mut legacy = RawClient::legacy(server.port());
    for size in [4, 100_000] {
        let id = one.start_read(STUCK, size);
        let tran = stuck.recv_timeout(LONG).unwrap();
        let mut data = tran.data().unwrap();
        // The error comes, and others are served, while the data is locked.
        let text = one.error_of(id);
        assert!(text.starts_with(TIMEOUT_TEXT), "{text}");
        assert!(tran.is_done());
        assert_served(&[&one, &other]);
        // The buffer is still there for the one who holds it, and for nobody else.
        data.fill(0xEE);
        drop(data);
        assert!(tran.data().is_none());
        assert_served(&[&one, &other]);
    }
    let data = [7; 16];
    legacy.request.send(&raw::request(5, STUCK, 16, 2, Some(&data)));
    let tran = stuck.recv_timeout(LONG).unwrap();
    let guard = tran.data().unwrap();
    let response = legacy.response.take_response();
    assert!(response.text().starts_with(TIMEOUT_TEXT), "{}", response.text());
    assert_eq!(response.payload, [0; 16]);
    assert_eq!(*guard, data);
}

#[test]
fn f08_an_answer_is_sent_when_the_slave_lets_go_of_the_data_and_nobody_waits_for_that() {
    let (server, stuck) = server();
    let [one, other] = [Client::ready(server.port()), Client::ready(server.port())];
    for size in [4, 100_000] {
        let id = one.start_read(STUCK, size);
        let tran = stuck.recv_timeout(LONG).unwrap();
        let mut data = tran.data().unwrap();
        tran.done();
        // More than once, so that the server has looked at the one that is locked.
        assert_served(&[&one, &other]);
        assert_eq!(one.tcp.stats().outstanding, 1);
        data.fill(0x77);
        drop(data);
        assert_eq!(one.master.wait_buffer(id).unwrap(), vec![0x77; size]);
    }
    // Of an error no data is wanted.
    let id = one.start_read(STUCK, 4);
    let tran = stuck.recv_timeout(LONG).unwrap();
    let _data = tran.data().unwrap();
    tran.error("no such register");
    assert_eq!(one.error_of(id), "no such register");
}

/// Locks the data in a thread of its own until the test says so.
fn hold(tran: &Arc<Transaction>) -> Sender<()> {
    let (release, released) = channel();
    let (locked, is_locked) = channel();
    let tran = tran.clone();
    std::thread::spawn(move || {
        let data = tran.data();
        locked.send(()).unwrap();
        let _ = released.recv();
        drop(data);
    });
    is_locked.recv_timeout(LONG).unwrap();
    release
}

#[test]
fn f08_what_is_answered_at_once_while_another_thread_holds_the_data_waits_for_it_alone() {
    let (sender, holds) = channel();
    let sender = Mutex::new(sender);
    let slave = calling(move |tran| {
        if tran.address() == STUCK {
            tran.data().unwrap().fill(0x55);
            sender.lock().unwrap().send(hold(tran)).unwrap();
            return tran.done();
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let [one, other] = [Client::ready(server.port()), Client::ready(server.port())];
    let id = one.start_read(STUCK, 4);
    let release = holds.recv_timeout(LONG).unwrap();
    assert_served(&[&one, &other]);
    release.send(()).unwrap();
    assert_eq!(one.master.wait_buffer(id).unwrap(), [0x55; 4]);
    // With a time limit, and a lock that is not given back before it.
    server.master().set_timeout(SHORT);
    let id = one.start_read(STUCK, 4);
    let text = one.error_of(id);
    assert!(text.starts_with(TIMEOUT_TEXT) && text.contains("still holds the lock"), "{text}");
    assert_served(&[&one, &other]);
    drop(holds);
}

#[test]
fn f08_a_server_stops_while_a_slave_holds_the_data() {
    let (server, stuck) = server();
    let client = Client::ready(server.port());
    let ids = [client.start_read(STUCK, 4), client.start_read(STUCK, 4)];
    let [pending, ended] = [(); 2].map(|()| stuck.recv_timeout(LONG).unwrap());
    let _data = [pending.data().unwrap(), ended.data().unwrap()];
    ended.done();
    server.stop();
    // By the server's own thread, which thus is past everything that it could have waited for.
    wait_until("it is given up", || pending.is_done());
    let error = pending.outcome().unwrap().unwrap_err();
    assert!(error.text().contains("was stopped"), "{error}");
    drop(server);
    for id in ids {
        assert!(client.error_of(id).contains("lost"));
    }
}

#[test]
fn f08_a_client_whose_user_holds_the_data_of_one_answer_delivers_the_others() {
    let (server, _stuck) = server();
    for (duplex, direct) in [(true, true), (true, false), (false, true), (false, false)] {
        let client =
            Client::with(server.port(), ClientOptions { duplex, direct, ..Default::default() });
        client.wait_ready();
        for size in [0, 4, 1000, 60_000, 200_000] {
            let buffer = vec![0xAA; size].into();
            let tran = client.master.prepare(0x4321, buffer, TransactionType::Read).unwrap();
            let data = tran.data().unwrap();
            client.master.launch(&tran);
            // Their answers come behind that one.
            assert_served(&[&client, &client]);
            assert!(!tran.is_done() && *data == vec![0xAA; size]);
            drop(data);
            assert!(tran.is_done(), "by the one who let go of the data");
            let (outcome, buffer) = tran.collect().unwrap();
            outcome.unwrap();
            assert_eq!(buffer.into_vec(), answer_at(0x4321, size));
        }
    }
}

#[test]
fn f08_an_answer_that_waits_for_the_data_is_dropped_with_its_transaction() {
    let (server, _stuck) = server();
    let client = Client::ready(server.port());
    let tran = client.master.prepare(0x4321, vec![0xAA; 8].into(), TransactionType::Read).unwrap();
    let data = tran.data().unwrap();
    client.master.launch(&tran);
    assert_served(&[&client]);
    tran.error("the requester has lost interest");
    drop(data);
    let (outcome, buffer) = tran.collect().unwrap();
    assert_eq!(outcome.unwrap_err().text(), "the requester has lost interest");
    assert_eq!(buffer.into_vec(), [0xAA; 8]);
    assert_served(&[&client]);
}

#[test]
fn f08_a_write_whose_data_somebody_holds_keeps_its_place_and_no_thread_waiting() {
    for (duplex, direct) in [(true, true), (true, false), (false, true), (false, false)] {
        let (sender, stuck) = channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = seen.clone();
        let slave = calling(move |tran| {
            list.lock().unwrap().push((tran.address(), tran.size() as usize));
            match tran.address() {
                STUCK => sender.send(tran.clone()).unwrap(),
                _ => answer(tran),
            }
        });
        let server = server_of(slave, ServerOptions::default());
        let options = ClientOptions { duplex, direct, ..Default::default() };
        let client = Client::with(server.port(), options);
        client.wait_ready();
        for size in [4, 200_000] {
            let before = client.start_read(STUCK, 4);
            let asked = stuck.recv_timeout(LONG).unwrap();
            let write =
                client.master.prepare(1, vec![7; size].into(), TransactionType::Write).unwrap();
            let data = write.data().unwrap();
            // Neither this thread, which holds the data, nor another one waits for it.
            client.master.launch(&write);
            let behind = [client.start_write(2, &[1; 4]), client.start_read(3, 4)];
            answer(&asked);
            assert_eq!(client.master.wait_buffer(before).unwrap(), answer_at(STUCK, 4));
            assert!(client.master.wait_at_most(behind[1], SHORT).is_none());
            assert_eq!(*seen.lock().unwrap(), [(STUCK, 4)], "nothing overtakes the write");
            drop(data);
            for id in behind {
                client.master.wait(id).unwrap();
            }
            let order = [(STUCK, 4), (1, size), (2, 4), (3, 4)];
            assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), order);
            wait_until("the write is answered", || write.is_done());
            write.outcome().unwrap().unwrap();
        }
    }
}

#[test]
fn f08_a_write_goes_out_when_its_data_is_free_though_an_older_one_is_still_held() {
    for size in [4, 200_000] {
        let (server, _stuck) = server();
        let client = Client::ready(server.port());
        client.master.set_timeout(SHORT);
        let late = client.master.prepare(1, vec![7; size].into(), TransactionType::Write).unwrap();
        client.master.set_timeout(LONG);
        let next = client.master.prepare(2, vec![7; size].into(), TransactionType::Write).unwrap();
        let held = late.data().unwrap();
        client.master.launch(&late);
        let data = next.data().unwrap();
        let_pass(SHORT);
        // The first one has timed out unsent, so that the next one is the first in the queue.
        client.master.launch(&next);
        assert!(late.is_done() && !next.is_done());
        drop(data);
        wait_until("the write is answered", || next.is_done());
        next.outcome().unwrap().unwrap();
        drop(held);
    }
}
