//! Beginning, ending, and everything that may be called in between, from wherever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{DataBuffer, Emulate, Master, Transaction, TransactionType};
use rogue_mem::Status;

use testkit::bridge::{assert_serves, memory, server, server_at, server_of, Client};
use testkit::bus::{blocking, Telling};
use testkit::raw::{self, RawClient, RawServer};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::{wait_until, Gate, LONG};

use crate::direct::{answers, played};

/// Far above what stopping may take, far below what a hang takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls `action` and asserts that it did not wait for anybody.
#[track_caller]
fn promptly<T>(action: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = action();
    assert!(start.elapsed() < PATIENCE, "it took {:?}", start.elapsed());
    outcome
}

/// Has `action` called in the client's own thread, by the answer to a read.
fn in_the_clients_thread(client: &Client, action: impl FnOnce() + Send + 'static) {
    let tran =
        client.master.prepare(0, DataBuffer::from(vec![0; 4]), TransactionType::Read).unwrap();
    let mut action = Some(action);
    tran.observe(Telling::new(move |_| action.take().expect("told once")()));
    client.master.launch(&tran);
}

#[test]
fn d41_stopping_a_client_fails_what_is_pending_and_what_comes_later_at_once() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let options = ClientOptions { window: Some(2), ..ClientOptions::default() };
    let client = Client::with(server.port(), options);
    client.wait_ready();
    let ids: Vec<u32> = (0..10).map(|n| client.start_read(n, 4)).collect();
    keeper.wait_seen(2);
    promptly(|| client.tcp.stop());
    for id in ids {
        assert!(client.error_of(id).contains("has been stopped"));
    }
    for ty in [TransactionType::Read, TransactionType::Write, TransactionType::Post] {
        let id = client.master.request(0, vec![0; 4].into(), ty).unwrap();
        assert!(client.error_of(id).contains("has been stopped"));
    }
    assert_eq!(client.tcp.state(), ClientState::Stopped);
    let error = client.tcp.wait_ready(LONG, LONG).unwrap_err();
    assert_eq!(error.status(), Status::Stopped);
    client.tcp.stop();
    assert_eq!(client.tcp.stats().outstanding, 0);
    wait_until("the server notices", || server.stats().clients == 0);
}

#[test]
fn d41_stopping_while_many_threads_use_a_client_leaves_nothing_pending() {
    let server = server();
    for _ in 0..20 {
        let client = Client::ready(server.port());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Every request ends, with an answer or by the stop.
                    while client.master.read(0, 4).is_ok() {
                        client.start_write(8, &[1; 64]);
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| client.tcp.stop());
            }
        });
        let _ = client.master.wait(0);
        assert_eq!(client.tcp.stats().outstanding, 0);
    }
}

#[test]
fn a_client_may_be_stopped_or_dropped_in_its_own_thread() {
    let server = server();
    let client = Client::ready(server.port());
    let tcp = client.tcp.clone();
    let (sender, done) = mpsc::channel();
    in_the_clients_thread(&client, move || {
        promptly(|| tcp.stop());
        sender.send(()).unwrap();
    });
    done.recv_timeout(LONG).unwrap();
    assert_eq!(client.tcp.state(), ClientState::Stopped);

    let client = Client::ready(server.port());
    let (release, released) = mpsc::channel::<Arc<TcpClient>>();
    let (sender, done) = mpsc::channel();
    in_the_clients_thread(&client, move || {
        // The last one: the thread ends the object that it belongs to.
        let last = released.recv_timeout(LONG).unwrap();
        sender.send(Arc::strong_count(&last)).unwrap();
        drop(last);
    });
    let Client { tcp, master } = client;
    master.set_slave(Emulate::new(4, 4));
    drop(master);
    release.send(tcp).unwrap();
    assert_eq!(done.recv_timeout(LONG).unwrap(), 1);
    wait_until("the server notices", || server.stats().clients == 0);
}

#[test]
fn waiting_for_the_server_in_the_clients_own_thread_is_refused() {
    let server = server();
    let client = Client::ready(server.port());
    let tcp = client.tcp.clone();
    let (sender, done) = mpsc::channel();
    in_the_clients_thread(&client, move || {
        sender.send(tcp.wait_ready(LONG, LONG).unwrap_err().status()).unwrap();
    });
    assert_eq!(done.recv_timeout(LONG).unwrap(), Status::InvalidArgument);
}

#[test]
fn waiting_succeeds_for_any_number_of_threads_at_once_and_again() {
    let server = server();
    let client = Client::new(server.port());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| client.wait_ready());
        }
    });
    client.wait_ready();
    assert_eq!(client.tcp.state_text(), format!("connected to 127.0.0.1:{}", server.port()));
}

#[test]
fn waiting_works_while_requests_are_outstanding_and_the_window_is_full() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let options = ClientOptions { window: Some(4), ..ClientOptions::default() };
    let client = Client::with(server.port(), options);
    let ids: Vec<u32> = (0..100).map(|n| client.start_read(n, 4)).collect();
    keeper.wait_seen(4);
    client.wait_ready();
    assert_eq!(keeper.seen(), 4);
    for _ in &ids {
        answer(&keeper.next());
    }
    ids.into_iter().for_each(|id| client.master.wait(id).unwrap());
}

#[test]
fn stopping_ends_every_wait() {
    let silent = RawServer::new();
    let client = Client::new(silent.port);
    std::thread::scope(|scope| {
        let wait = || client.tcp.wait_ready(LONG, LONG).unwrap_err().status();
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(wait)).collect();
        let peer = silent.accept();
        promptly(|| client.tcp.stop());
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Status::Stopped);
        }
        drop(peer);
    });
}

#[test]
fn waiting_no_time_asks_nothing() {
    let server = server();
    let client = Client::ready(server.port());
    let before = client.tcp.stats().requests;
    let error = client.tcp.wait_ready(Duration::ZERO, Duration::ZERO).unwrap_err();
    assert_eq!(error.status(), Status::Timeout);
    assert_eq!(client.tcp.stats().requests, before);
}

#[test]
fn starting_waits_for_the_server_only_where_that_was_asked_for() {
    let server = server();
    let port = server.port();
    let waiting = ClientOptions { wait_ready: true, ..ClientOptions::default() };
    let client = Client::with(port, waiting.clone());
    client.tcp.start().unwrap();
    client.tcp.start().unwrap();
    assert_eq!(client.tcp.state(), ClientState::Connected);
    client.tcp.stop();
    let error = client.tcp.start().unwrap_err();
    let text = "Timed out waiting for remote TcpServer readiness on tcp://127.0.0.1:";
    assert!(error.text().starts_with(text), "{error}");
    let lazy = Client::new(port);
    lazy.tcp.start().unwrap();
    lazy.tcp.stop();
    lazy.tcp.start().unwrap();
}

#[test]
fn a_client_stops_promptly_with_a_server_that_neither_reads_nor_closes() {
    let server = RawServer::new();
    let client = Client::new(server.port);
    let peer = server.serve(&[]);
    let ids: Vec<u32> = (0..400).map(|n| client.start_write(n, &[0; 100_000])).collect();
    wait_until("the buffers of the system are full", || {
        let stats = client.tcp.stats();
        stats.queued > 0 && stats.bytes_out > 0
    });
    promptly(|| client.tcp.stop());
    for id in ids {
        assert!(client.error_of(id).contains("has been stopped"));
    }
    drop(peer);
}

#[test]
fn d10_a_server_stops_promptly_with_clients_that_neither_read_nor_close() {
    let server = server_of(calling(answer), ServerOptions::default());
    let mut stuck = RawClient::legacy(server.port());
    let many = (0..1000).flat_map(|id| raw::request(id, 0, 65536, raw::READ, None));
    stuck.request.send(&many.collect::<Vec<u8>>());
    let other = Client::ready(server.port());
    assert_eq!(other.master.read(8, 4).unwrap(), answer_at(8, 4));
    let silent = raw::Raw::connect(server.port());
    promptly(|| server.stop());
    promptly(|| server.stop());
    stuck.request.wait_closed();
    drop(silent);
    server_at(server.port(), memory(), ServerOptions::default());
}

#[test]
fn d10_an_answer_for_a_client_that_is_gone_holds_nobody_up() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let mut client = RawClient::legacy(server.port());
    client.request.send(&[raw::read(1, 0), raw::read(2, 0)].concat());
    keeper.wait_seen(2);
    drop(client);
    wait_until("it is gone", || server.stats().clients == 0);
    keeper.answer_all();
    wait_until("nobody gets them", || server.stats().dropped_responses == 2);
    let client = Client::ready(server.port());
    let id = client.start_read(3, 4);
    answer(&keeper.next());
    assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(3, 4));
}

#[test]
fn a_server_may_be_stopped_in_a_call_of_its_slave_and_calls_it_no_more() {
    let place: Arc<Mutex<Option<Arc<TcpServer>>>> = Arc::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let (inner, count) = (place.clone(), calls.clone());
    let slave = calling(move |tran| {
        count.fetch_add(1, Ordering::SeqCst);
        if tran.address() == 0xDEAD {
            promptly(|| inner.lock().unwrap().take().unwrap().stop());
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let port = server.port();
    *place.lock().unwrap() = Some(server);
    let mut client = RawClient::legacy(port);
    let burst = (1..10)
        .flat_map(|id| raw::read(id, 0))
        .chain(raw::read(10, 0xDEAD))
        .chain((11..500).flat_map(|id| raw::read(id, 0)));
    client.request.send(&burst.collect::<Vec<u8>>());
    for id in 1..=10 {
        assert_eq!(client.response.take_response().header.id, id, "what was done is answered");
    }
    client.response.wait_closed();
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    server_at(port, memory(), ServerOptions::default());
}

#[test]
fn clients_may_be_made_and_stopped_in_a_call_of_a_servers_slave() {
    let far = server();
    let port = far.port();
    let slave = calling(move |tran: &Arc<Transaction>| {
        let inner = Client::ready(port);
        inner.master.write(tran.address(), &tran.address().to_le_bytes()).unwrap();
        let pending = inner.start_read(0, 4);
        promptly(|| inner.tcp.stop());
        let _ = inner.master.wait(pending);
        answer(tran);
    });
    let near = server_of(slave, ServerOptions::default());
    let client = Client::ready(near.port());
    for address in 1..10 {
        assert_eq!(client.master.read(address * 8, 4).unwrap(), answer_at(address * 8, 4));
    }
    let direct = Client::ready(port);
    assert_eq!(direct.master.read(8, 8).unwrap(), 8u64.to_le_bytes());
}

#[test]
fn a_server_stops_promptly_while_its_slave_blocks_and_ends_when_that_returns() {
    let gate = Gate::new();
    let inner = gate.clone();
    let slave = calling(move |tran| {
        inner.pass();
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let client = Client::ready(server.port());
    client.start_read(0, 4);
    gate.wait_arrived(1);
    promptly(|| server.stop());
    gate.open();
    server_at(server.port(), memory(), ServerOptions::default());
}

#[test]
fn a_server_stops_promptly_while_a_slave_holds_the_data_of_a_transaction() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    client.start_read(0, 4);
    let tran = keeper.next();
    let mut data = tran.data().unwrap();
    promptly(|| server.stop());
    // The buffer is still there: the server waits with its end for this.
    data.fill(7);
    drop(data);
    server_at(server.port(), memory(), ServerOptions::default());
    wait_until("it has been given up", || tran.expired());
}

#[test]
fn stopping_a_server_fails_what_its_slave_has_kept() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let client = Client::ready(server.port());
    let ids: Vec<u32> = (0..10).map(|n| client.start_read(n, 4)).collect();
    keeper.wait_seen(10);
    server.stop();
    for id in ids {
        assert!(client.error_of(id).contains("was lost"));
    }
    let tran = keeper.next();
    wait_until("it has been given up", || tran.expired());
    assert!(tran.data().is_none());
    answer(&tran);
}

#[test]
fn stopping_a_server_from_many_threads_is_the_same_as_once() {
    for _ in 0..20 {
        let server = server();
        let client = Client::ready(server.port());
        let id = client.start_read(0, 4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| promptly(|| server.stop()));
            }
        });
        drop(server);
        client.tcp.stop();
        let _ = client.master.wait(id);
    }
}

#[test]
fn clients_come_back_to_a_server_that_was_started_anew() {
    let first = server();
    let port = first.port();
    let clients: Vec<Client> = (0..5).map(|_| Client::ready(port)).collect();
    for round in 0..3u8 {
        first.stop();
        let again = server_at(port, memory(), ServerOptions::default());
        again.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
        for (n, client) in (0..).zip(&clients) {
            wait_until("a write succeeds again", || {
                client.master.write(n * 4, &[round; 4]).is_ok()
            });
            assert_eq!(client.master.read(n * 4, 4).unwrap(), [round; 4]);
        }
        again.stop();
    }
}

#[test]
fn d43_a_slave_that_panics_fails_its_transaction_only() {
    let slave = calling(|tran: &Arc<Transaction>| {
        assert!(tran.address() != 0xBAD, "a bad address");
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let client = Client::ready(server.port());
    let ids: Vec<u32> = [0, 0xBAD, 8].map(|address| client.start_read(address, 4)).into();
    assert_eq!(client.master.wait_buffer(ids[0]).unwrap(), answer_at(0, 4));
    assert_eq!(client.error_of(ids[1]), "The slave panicked: a bad address");
    assert_eq!(client.master.wait_buffer(ids[2]).unwrap(), answer_at(8, 4));
}

/// A value that panics once more when it is dropped.
struct Relapse;

impl Drop for Relapse {
    fn drop(&mut self) {
        panic!("once more");
    }
}

#[test]
fn d43_so_does_one_that_panics_with_a_value_that_panics_when_it_is_dropped() {
    let slave = calling(|tran: &Arc<Transaction>| {
        if tran.address() == 0xBAD {
            std::panic::panic_any(Relapse);
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let client = Client::ready(server.port());
    let ids: Vec<u32> = [0xBAD, 8].map(|address| client.start_read(address, 4)).into();
    assert_eq!(client.error_of(ids[0]), "The slave panicked: (no text)");
    assert_eq!(client.master.wait_buffer(ids[1]).unwrap(), answer_at(8, 4));
}

#[test]
fn f130_what_comes_before_the_slave_is_set_waits_for_it() {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    let client = Client::new(server.port());
    let id = client.start_read(8, 4);
    wait_until("it has reached the host", || client.tcp.state() == ClientState::Handshake);
    server.master().set_slave(calling(answer));
    assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(8, 4));
    assert_eq!(server.stats().refused, 0);
    // The master may outlive its server.
    let master = server.master().clone();
    drop((client, server));
    master.set_slave(calling(answer));
}

#[test]
fn d44_a_server_runs_before_it_has_a_slave_and_while_that_is_changed() {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.start();
    let client = Client::ready(server.port());
    let text = client.error_of(client.start_read(0, 4));
    assert_eq!(text, "Unsupported transaction using unconnected memory bus");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..500 {
                let _ = client.master.read(0x10, 4);
            }
        });
        while !reader.is_finished() {
            server.master().set_slave(calling(answer));
            server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
        }
    });
    assert_serves(&server);
}

#[test]
fn masters_that_go_away_take_their_requests_along() {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    let options = ClientOptions { window: Some(1), ..ClientOptions::default() };
    let Client { tcp, master } = Client::with(server.port(), options);
    for n in 0..50 {
        master.request(n, vec![0; 4].into(), TransactionType::Read).unwrap();
    }
    keeper.wait_seen(1);
    drop(master);
    assert_eq!(tcp.stats().outstanding, 0);
    let other = Master::new();
    other.set_slave(tcp.clone());
    other.set_timeout(LONG);
    let id = other.request(0x50, vec![0; 4].into(), TransactionType::Read).unwrap();
    // Some may have been sent in the place of others that were given up before them.
    let last = loop {
        let tran = keeper.next();
        answer(&tran);
        if tran.address() == 0x50 {
            break tran;
        }
    };
    assert_eq!(last.size(), 4);
    assert_eq!(other.wait_buffer(id).unwrap(), answer_at(0x50, 4));
    assert_eq!(tcp.stats().outstanding, 0);
}

#[test]
fn stop_closes_the_connections_while_an_observer_blocks_the_thread_that_uses_them() {
    for (duplex, ty) in [
        (true, TransactionType::Post),
        (true, TransactionType::Read),
        (false, TransactionType::Post),
        (false, TransactionType::Read),
    ] {
        let (_server, client, mut peer) = played(duplex);
        let (blocking, is_told, release) = blocking();
        let tran = client.master.prepare(8, vec![0; 4].into(), ty).unwrap();
        tran.observe(blocking);
        std::thread::scope(|scope| {
            // The observer runs in the thread that posts, or in the client's own.
            scope.spawn(|| client.master.launch(&tran));
            let request = peer.request.take_request();
            if ty == TransactionType::Read {
                answers(&mut peer, duplex).send(&request.answer());
            }
            is_told.recv_timeout(LONG).unwrap();
            client.tcp.stop();
            wait_until("both are closed", || peer.request.is_closed() && peer.response.is_closed());
            release.send(()).expect("the observer blocks");
        });
    }
}
