//! Threads that wait read the responses themselves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::memory::{Emulate, Master, Slave, Transaction, TransactionType};
use rogue_mem::net::Spin;
use rogue_mem::Status;

use testkit::bridge::{server, server_of, Client};
use testkit::bus::{launch, zeros, Caller, Telling};
use testkit::process::is_asleep;
use testkit::raw::{self, Raw, RawClient, RawServer};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::{let_pass, wait_until, LONG};

/// Both ways in which responses may come.
pub const BOTH: [bool; 2] = [true, false];
/// Time for what is to pass in vain.
const SHORT: Duration = Duration::from_millis(100);

pub fn client_of(port: u16, duplex: bool) -> Client {
    let client = Client::with(port, ClientOptions { duplex, ..ClientOptions::default() });
    client.wait_ready();
    client
}

/// Has nobody but those who wait read the answers to this client, for a while.
pub fn make_prompt(client: &Client) {
    (0..50).for_each(|_| drop(client.master.read(0, 4).unwrap()));
}

/// A slave that answers reads of address 0 and keeps the others.
pub fn keeper() -> (Arc<dyn Slave>, Arc<Keeper>) {
    let keeper = Keeper::new();
    let inner = keeper.clone();
    let slave = calling(move |tran| match tran.address() {
        0 => answer(tran),
        _ => inner.do_transaction(tran),
    });
    (slave, keeper)
}

/// A thread, and its number in the system.
struct Sleepy<'a, T> {
    thread: ScopedJoinHandle<'a, T>,
    id: i32,
}

impl<'a, T: Send + 'a> Sleepy<'a, T> {
    fn spawn<'b: 'a>(
        scope: &'a thread::Scope<'a, 'b>,
        action: impl FnOnce() -> T + Send + 'a,
    ) -> Sleepy<'a, T> {
        let (sender, receiver) = mpsc::channel();
        let thread = scope.spawn(move || {
            // SAFETY: it has no preconditions.
            sender.send(unsafe { libc::gettid() }).unwrap();
            action()
        });
        Sleepy { thread, id: receiver.recv_timeout(LONG).unwrap() }
    }

    /// Waits until the thread sleeps, for which it has nothing else than its answer.
    fn wait_asleep(&self) {
        wait_until("the thread sleeps", || is_asleep(self.id));
    }

    fn join(self) -> T {
        self.thread.join().unwrap()
    }
}

/// Requests a read and has `action` called at its end.
fn read_then(
    client: &Client,
    address: u64,
    action: impl FnMut(&Arc<Transaction>) + Send + 'static,
) -> Arc<Transaction> {
    let tran = launch(&client.master, TransactionType::Read, address, zeros(4));
    tran.observe(Telling::new(action));
    tran
}

fn ends() -> (Sender<bool>, Receiver<bool>) {
    mpsc::channel()
}

#[test]
fn what_nobody_waits_for_is_sent_and_taken_up_without_any_further_call() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        for _ in 0..10 {
            make_prompt(&client);
            let id = client.start_read(8, 4);
            answer(&keeper.next());
            // Counting reads nothing.
            wait_until("the answer is taken up", || client.tcp.stats().outstanding == 0);
            assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(8, 4));
        }
    }
}

#[test]
fn who_is_to_be_told_is_told_while_nobody_waits() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        for _ in 0..10 {
            make_prompt(&client);
            let (sender, receiver) = ends();
            read_then(&client, 8, move |tran| sender.send(tran.outcome() == Some(Ok(()))).unwrap());
            answer(&keeper.next());
            assert!(receiver.recv_timeout(LONG).unwrap());
        }
    }
}

#[test]
fn every_one_of_many_that_wait_at_once_gets_its_own_answer() {
    for (duplex, count) in [(true, 2), (false, 2), (true, 8), (false, 8)] {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        for round in 0..20 {
            thread::scope(|scope| {
                for n in 1..=count {
                    let client = &client;
                    scope.spawn(move || {
                        let id = client.start_read(n * 16, 8);
                        assert_eq!(client.master.wait_buffer(id).unwrap(), answer_at(n * 16, 8));
                    });
                }
                let mut kept: Vec<_> = (0..count).map(|_| keeper.next()).collect();
                kept.rotate_left((round % count) as usize);
                kept.iter().for_each(answer);
            });
        }
    }
}

#[test]
fn threads_that_wait_again_and_again_get_right_answers() {
    for duplex in BOTH {
        let server = server();
        let client = client_of(server.port(), duplex);
        thread::scope(|scope| {
            for n in 0..8u64 {
                let client = &client;
                scope.spawn(move || {
                    for round in 0..500u64 {
                        let data = (n << 32 | round).to_le_bytes();
                        client.master.write(n * 64, &data).unwrap();
                        assert_eq!(client.master.read(n * 64, 8).unwrap(), data);
                    }
                });
            }
        });
    }
}

#[test]
fn f51_an_observer_is_not_called_in_a_thread_that_waits_for_another_answer() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        wait_until("the thread that waits reads", || {
            make_prompt(&client);
            let id = client.start_read(8, 4);
            let awaited = keeper.next();
            thread::scope(|scope| {
                let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(id).unwrap());
                waiter.wait_asleep();
                let (caller, callers) = Caller::new();
                client.master.observe(client.start_read(16, 4), caller).unwrap();
                answer(&keeper.next());
                let thread = callers.recv_timeout(LONG).unwrap();
                assert_ne!(thread.id(), waiter.thread.thread().id());
                answer(&awaited);
                waiter.join();
                thread.name() == Some("rogue_observers")
            })
        });
    }
}

#[test]
fn a_thread_that_waits_is_woken_when_the_client_is_stopped() {
    for duplex in BOTH {
        let (slave, _keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        make_prompt(&client);
        let id = client.start_read(8, 4);
        thread::scope(|scope| {
            let waiter = Sleepy::spawn(scope, || client.error_of(id));
            waiter.wait_asleep();
            client.tcp.stop();
            assert!(waiter.join().contains("has been stopped"));
        });
    }
}

#[test]
fn a_thread_that_waits_is_woken_when_another_one_gives_up_for_it() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        let passed = Arc::new(Mutex::new(Vec::new()));
        let (list, tcp) = (passed.clone(), client.tcp.clone());
        let master = Master::new();
        master.set_timeout(LONG);
        master.set_slave(calling(move |tran| {
            list.lock().unwrap().push(tran.clone());
            tcp.do_transaction(tran);
        }));
        make_prompt(&client);
        let id = master.request(8, vec![0; 4].into(), TransactionType::Read).unwrap();
        thread::scope(|scope| {
            let waiter = Sleepy::spawn(scope, || master.wait(id));
            waiter.wait_asleep();
            let tran = passed.lock().unwrap().pop().unwrap();
            tran.give_up("not wanted any more");
            assert_eq!(waiter.join().unwrap_err().text(), "not wanted any more");
        });
        // What comes for it is nobody's, and nobody else is disturbed.
        answer(&keeper.next());
        assert_eq!(client.master.read(0, 4).unwrap(), answer_at(0, 4));
    }
}

fn announced(duplex: bool) -> Vec<(&'static str, &'static str)> {
    let mut properties =
        vec![("X-Rogue-Server", "00112233445566778899aabbccddeeff"), ("X-Rogue-Bridge", "1")];
    if duplex {
        properties.push(("X-Rogue-Duplex", "1"));
    }
    properties
}

/// A client of a server that the test plays, which does not wait for it to be ready.
pub fn played(duplex: bool) -> (RawServer, Client, RawClient) {
    played_with(duplex, ClientOptions::default())
}

pub fn played_with(duplex: bool, options: ClientOptions) -> (RawServer, Client, RawClient) {
    let server = RawServer::new();
    let client = Client::with(server.port, options);
    let peer = server.serve(&announced(duplex));
    client.wait_connected();
    (server, client, peer)
}

/// Where the responses go.
pub fn answers(peer: &mut RawClient, duplex: bool) -> &mut Raw {
    match duplex {
        true => &mut peer.request,
        false => &mut peer.response,
    }
}

/// Closes one of the connections, and returns the other one.
fn lose(peer: RawClient, loses_request: bool) -> Raw {
    let RawClient { request, response } = peer;
    let (lost, kept) = if loses_request { (request, response) } else { (response, request) };
    drop(lost);
    kept
}

#[test]
fn a_thread_that_waits_is_woken_by_the_loss_of_either_connection() {
    for (duplex, loses_request) in [(true, true), (true, false), (false, true), (false, false)] {
        let (_server, client, mut peer) = played(duplex);
        let id = client.start_read(8, 4);
        thread::scope(|scope| {
            let waiter = Sleepy::spawn(scope, || client.error_of(id));
            peer.request.take_request();
            waiter.wait_asleep();
            let mut kept = lose(peer, loses_request);
            let text = waiter.join();
            assert!(text.contains("was lost"), "{text}");
            kept.wait_closed();
        });
    }
}

#[test]
fn an_answer_counts_that_came_before_the_connection_was_lost() {
    for (duplex, loses_request) in [(true, true), (true, false), (false, true), (false, false)] {
        for _ in 0..10 {
            let (_server, client, mut peer) = played(duplex);
            let id = client.start_read(8, 4);
            let lost = client.start_read(16, 4);
            thread::scope(|scope| {
                let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(id));
                let request = peer.request.take_request();
                peer.request.take_request();
                let octets = request.header.response(&[1, 2, 3, 4], b"OK");
                answers(&mut peer, duplex).send(&octets);
                let _kept = lose(peer, loses_request);
                assert_eq!(waiter.join().unwrap(), [1, 2, 3, 4]);
            });
            assert!(client.error_of(lost).contains("was lost"));
        }
    }
}

#[test]
fn a_response_may_be_read_by_several_threads_in_turn() {
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        for _ in 0..5 {
            client.master.set_timeout(SHORT);
            let first = client.start_read(8, 100_000);
            let request = peer.request.take_request();
            let response = request.header.response(&[7; 100_000], b"OK");
            let (start, end) = response.split_at(60_000);
            answers(&mut peer, duplex).send(start);
            assert!(client.error_of(first).starts_with("Timeout"));
            client.master.set_timeout(LONG);
            let second = client.start_read(16, 4);
            thread::scope(|scope| {
                let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(second));
                let request = peer.request.take_request();
                waiter.wait_asleep();
                answers(&mut peer, duplex).send(end);
                answers(&mut peer, duplex).send(&request.header.response(&[1, 2, 3, 4], b"OK"));
                assert_eq!(waiter.join().unwrap(), [1, 2, 3, 4]);
            });
        }
        assert_eq!(client.tcp.stats().disconnects, 0);
    }
}

#[test]
fn a_flood_of_responses_for_others_keeps_nobody_beyond_its_time() {
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        client.master.set_timeout(SHORT);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let id = client.start_read(8, 4);
            let header = peer.request.take_request().header;
            // Of posted writes, which are passed over in silence.
            let stray = raw::Header { ty: raw::POST, id: header.id ^ 0x8000_0000, ..header };
            let stray = stray.response(&[], b"OK").repeat(1000);
            let stream = answers(&mut peer, duplex);
            let is_over = &is_over;
            scope
                .spawn(move || while !is_over.load(Ordering::SeqCst) && stream.try_send(&stray) {});
            let text = client.error_of(id);
            is_over.store(true, Ordering::SeqCst);
            assert!(text.starts_with("Timeout"), "{text}");
        });
    }
}

#[test]
fn a_callback_that_asks_and_waits_itself_comes_to_an_end() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = Arc::new(client_of(server.port(), duplex));
        let nested = Arc::new(Master::new());
        nested.set_slave(client.tcp.clone());
        nested.set_timeout(SHORT);
        // Once in the event loop, and once in a thread that waits for something else.
        for waits in BOTH {
            make_prompt(&client);
            let other = client.start_read(16, 4);
            let kept = keeper.next();
            thread::scope(|scope| {
                let waiter = waits.then(|| {
                    let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(other));
                    waiter.wait_asleep();
                    waiter
                });
                let (sender, receiver) = mpsc::channel();
                let inner = nested.clone();
                read_then(&client, 8, move |_| sender.send(inner.read(0, 4)).unwrap());
                answer(&keeper.next());
                match receiver.recv_timeout(LONG).unwrap() {
                    Ok(bytes) => assert_eq!(bytes, answer_at(0, 4)),
                    Err(error) => assert!(error.text().starts_with("Timeout"), "{error}"),
                }
                answer(&kept);
                let found = match waiter {
                    Some(waiter) => waiter.join(),
                    None => client.master.wait_buffer(other),
                };
                assert_eq!(found.unwrap(), answer_at(16, 4));
            });
        }
    }
}

#[test]
fn a_callback_that_panics_harms_neither_the_thread_that_runs_it_nor_the_client() {
    for (duplex, waits) in [(true, true), (true, false), (false, true), (false, false)] {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        make_prompt(&client);
        let other = client.start_read(16, 4);
        let kept = keeper.next();
        thread::scope(|scope| {
            let waiter = waits.then(|| {
                let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(other));
                waiter.wait_asleep();
                waiter
            });
            let (sender, receiver) = ends();
            read_then(&client, 8, move |_| {
                sender.send(true).unwrap();
                panic!("a panic that this test wants");
            });
            answer(&keeper.next());
            receiver.recv_timeout(LONG).unwrap();
            answer(&kept);
            let wait = || client.master.wait_buffer(other);
            assert_eq!(waiter.map_or_else(wait, Sleepy::join).unwrap(), answer_at(16, 4));
            assert_eq!(client.master.read(0, 4).unwrap(), answer_at(0, 4));
        });
    }
}

#[test]
fn a_callback_may_stop_the_client() {
    for (duplex, waits) in [(true, true), (true, false), (false, true), (false, false)] {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        make_prompt(&client);
        let other = client.start_read(16, 4);
        thread::scope(|scope| {
            let waiter = waits.then(|| {
                let waiter = Sleepy::spawn(scope, || client.error_of(other));
                waiter.wait_asleep();
                waiter
            });
            let tcp = client.tcp.clone();
            let (sender, receiver) = ends();
            read_then(&client, 8, move |_| {
                tcp.stop();
                sender.send(true).unwrap();
            });
            keeper.wait_seen(2);
            let [_, tran] = [keeper.next(), keeper.next()];
            answer(&tran);
            receiver.recv_timeout(LONG).unwrap();
            let text = waiter.map_or_else(|| client.error_of(other), Sleepy::join);
            assert!(text.contains("has been stopped"), "{text}");
        });
    }
}

#[test]
fn a_client_that_cannot_send_still_reads_and_goes_on_later() {
    const COUNT: u64 = 40;
    for (duplex, reader_first) in [(true, true), (true, false), (false, true), (false, false)] {
        let (_server, client, mut peer) = played(duplex);
        let early = client.start_read(8, 4);
        let request = peer.request.take_request();
        thread::scope(|scope| {
            let wait = || client.master.wait_buffer(early);
            let sleepy = reader_first.then(|| {
                let waiter = Sleepy::spawn(scope, wait);
                waiter.wait_asleep();
                waiter
            });
            // More than the buffers of the system take.
            let block = vec![3; 1 << 20];
            let ids: Vec<u32> = (0..COUNT).map(|n| client.start_write(n << 20, &block)).collect();
            assert!(client.tcp.stats().bytes_out < COUNT << 20, "it can send everything");
            let waiter = sleepy.unwrap_or_else(|| Sleepy::spawn(scope, wait));
            answers(&mut peer, duplex).send(&request.header.response(&[1, 2, 3, 4], b"OK"));
            assert_eq!(waiter.join().unwrap(), [1, 2, 3, 4], "while the server reads nothing");
            let (id, master) = (ids[ids.len() - 1], &client.master);
            let last = Sleepy::spawn(scope, move || master.wait(id));
            for n in 0..COUNT {
                let request = peer.request.take_request();
                assert_eq!((request.header.address, request.header.ty), (n << 20, raw::WRITE));
                answers(&mut peer, duplex).send(&request.header.response(&[], b"OK"));
            }
            last.join().unwrap();
            client.master.wait(0).unwrap();
        });
    }
}

fn assert_pong(raw: &mut Raw, context: &[u8]) {
    let expected = [b"\x04PONG", context].concat();
    assert_eq!(raw.item(), raw::Item::Command(expected));
}

#[test]
fn pings_are_answered_whoever_reads() {
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        let ping_both = |peer: &mut RawClient, context: &[u8]| {
            for raw in [&mut peer.request, &mut peer.response] {
                raw.send(&raw::ping(context));
                assert_pong(raw, context);
            }
        };
        ping_both(&mut peer, b"idle at first");
        let id = client.start_read(8, 4);
        let request = peer.request.take_request();
        thread::scope(|scope| {
            let waiter = Sleepy::spawn(scope, || client.master.wait_buffer(id));
            waiter.wait_asleep();
            ping_both(&mut peer, b"one waits");
            answers(&mut peer, duplex).send(&request.header.response(&[1, 2, 3, 4], b"OK"));
            assert_eq!(waiter.join().unwrap(), [1, 2, 3, 4]);
        });
        ping_both(&mut peer, b"idle again");
        assert_eq!(client.tcp.stats().disconnects, 0);
    }
}

#[test]
fn a_server_that_spins_keeps_the_time_of_its_slave() {
    let keeper = Keeper::new();
    let spin = Spin::Always(10 * LONG);
    let server = server_of(keeper, ServerOptions { spin, ..ServerOptions::default() });
    server.master().set_timeout(SHORT);
    let client = Client::new(server.port());
    let error = client.master.read(8, 4).unwrap_err();
    assert_eq!(error.status(), Status::TransactionTimeout, "the server says it: {error}");
    assert!(error.text().starts_with("Timeout waiting for register transaction"), "{error}");
}

#[test]
fn a_client_that_spins_for_long_keeps_its_timeouts_and_is_woken() {
    let (slave, _keeper) = keeper();
    let server = server_of(slave, ServerOptions::default());
    let spin = Spin::Always(10 * LONG);
    let client = Client::with(server.port(), ClientOptions { spin, ..ClientOptions::default() });
    client.wait_ready();
    make_prompt(&client);
    client.master.set_timeout(SHORT);
    let error = client.master.read(8, 4).unwrap_err();
    assert_eq!(error.status(), Status::TransactionTimeout, "the client says it: {error}");
    client.master.set_timeout(LONG);
    make_prompt(&client);
    let id = client.start_read(8, 4);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| client.error_of(id));
        wait_until("it is on its way", || client.tcp.stats().queued == 0);
        client.tcp.stop();
        assert!(waiter.join().unwrap().contains("has been stopped"));
    });
}

#[test]
fn long_pauses_between_waits_change_nothing() {
    let server = server_of(Emulate::new(4, 0xFFFF_FFFF), ServerOptions::default());
    let client = client_of(server.port(), true);
    // Around the end of the time for which the event loop leaves the connection alone.
    for ms in 0..30u64 {
        let_pass(Duration::from_millis(ms));
        client.master.write(ms * 8, &ms.to_le_bytes()).unwrap();
        assert_eq!(client.master.read(ms * 8, 8).unwrap(), ms.to_le_bytes());
    }
}
