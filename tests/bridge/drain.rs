//! Servers that drain: what they have taken is answered, and nothing else is taken.

use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::TransactionType;
use rogue_mem::Status;

use testkit::bridge::{memory, server, server_at, server_of, Client};
use testkit::raw::{self, RawClient, PROBE, READ, WRITE};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::{wait_until, LONG};

const MIB: u32 = 1 << 20;

/// A server whose slave keeps what it gets.
fn keeping() -> (Arc<Keeper>, Arc<TcpServer>) {
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), ServerOptions::default());
    (keeper, server)
}

/// What is left when the server has counted.
fn begin(server: &TcpServer, left: u64) {
    wait_until("it has counted", || server.drain(Duration::from_millis(1)).unwrap() == left);
}

#[test]
fn a_server_without_requests_drains_at_once_and_again() {
    let server = server();
    let _client = Client::ready(server.port());
    assert_eq!(server.stats().draining, 0);
    assert_eq!(server.drain(LONG).unwrap(), 0);
    assert_eq!(server.drain(LONG).unwrap(), 0);
    assert_eq!(server.stats().draining, 1);
    server.stop();
    assert_eq!(server.drain(LONG).unwrap_err().status(), Status::Stopped);
}

#[test]
fn what_the_slave_has_is_answered_and_what_comes_later_is_refused_in_words() {
    let (keeper, server) = keeping();
    let client = Client::ready(server.port());
    let kept = [client.start_write(0, &[1; 4]), client.start_read(8, 4), client.start_read(16, 4)];
    let posted = client.master.request(24, vec![7; 4].into(), TransactionType::Post).unwrap();
    client.master.wait(posted).unwrap();
    keeper.wait_seen(4);
    begin(&server, 4);
    let refused = [client.start_read(0x40, 4), client.start_write(0x40, &[1; 200_000])];
    for id in refused {
        let text = client.error_of(id);
        let name = format!("at 0x40 refused: the server 127.0.0.1:{} drains", server.port());
        assert!(text.contains(&name), "{text}");
    }
    let waiting = server.clone();
    let drained = thread::spawn(move || waiting.drain(LONG).unwrap());
    keeper.answer_all();
    assert_eq!(drained.join().unwrap(), 0);
    server.stop();
    for id in kept {
        client.master.wait(id).unwrap();
    }
    assert_eq!(keeper.seen(), 4, "what was refused reached no slave");
    let stats = server.stats();
    assert_eq!((stats.refused, stats.refused_draining), (2, 2));
}

#[test]
fn legacy_clients_are_refused_in_words_and_probes_are_answered() {
    let server = server();
    let mut client = RawClient::legacy(server.port());
    client.read(1, 0);
    assert_eq!(server.drain(LONG).unwrap(), 0);
    client.request.send(&raw::request(2, 0x20, 4, WRITE, Some(&[1; 4])));
    assert!(client.response.take_response().text().contains("drains"));
    client.request.send(&raw::request(3, 0, 0, PROBE, None));
    assert_eq!(client.response.take_response().text(), "OK");
}

#[test]
fn a_time_limit_ends_the_wait_with_the_number_of_requests_and_a_further_call_waits_on() {
    let (keeper, server) = keeping();
    let client = Client::ready(server.port());
    let ids = [client.start_read(0, 4), client.start_read(4, 4)];
    keeper.wait_seen(2);
    begin(&server, 2);
    answer(&keeper.next());
    client.master.wait(ids[0]).unwrap();
    begin(&server, 1);
    keeper.answer_all();
    assert_eq!(server.drain(LONG).unwrap(), 0);
    client.master.wait(ids[1]).unwrap();
}

#[test]
fn a_request_of_a_client_that_has_gone_is_carried_out_before_the_server_has_drained() {
    let (keeper, server) = keeping();
    let client = Client::ready(server.port());
    client.start_write(0, &[1; 4]);
    keeper.wait_seen(1);
    client.tcp.stop();
    wait_until("it has left", || server.stats().clients == 0);
    begin(&server, 1);
    keeper.answer_all();
    assert_eq!(server.drain(LONG).unwrap(), 0);
    assert_eq!(server.stats().dropped_responses, 1);
}

#[test]
fn answers_that_a_client_has_not_got_count_until_it_has() {
    let server = server();
    let mut client = RawClient::with_session(server.port(), 7);
    let reads: Vec<u8> = (0..20).flat_map(|id| raw::request(id, 0, MIB, READ, None)).collect();
    client.request.send(&reads);
    // More than the system takes without a reader: further requests are not read either.
    wait_until("answers are queued", || server.stats().responses > 1);
    begin(&server, 1);
    let refused = (0..20)
        .filter(|_| {
            let response = client.response.take_response();
            assert!(response.text() == "OK" || response.text().contains("drains"));
            response.text() != "OK"
        })
        .count();
    assert_eq!(server.drain(LONG).unwrap(), 0);
    assert_eq!(server.stats().refused_draining, refused as u64);
}

#[test]
fn a_write_of_which_a_part_has_come_is_refused_at_its_end() {
    let server = server();
    let mut client = RawClient::with_session(server.port(), 7);
    client.read(1, 0);
    let write = raw::request(2, 0, MIB, WRITE, Some(&vec![3; MIB as usize]));
    let (first, second) = write.split_at(write.len() / 2);
    client.request.send(first);
    wait_until("it has come", || server.stats().bytes_in > u64::from(MIB) / 2);
    assert_eq!(server.drain(LONG).unwrap(), 0, "it has not been taken");
    client.request.send(second);
    assert!(client.response.take_response().text().contains("drains"));
}

#[test]
fn clients_that_go_on_asking_do_not_delay_the_end() {
    let (keeper, server) = keeping();
    let client = Client::ready(server.port());
    let kept = client.start_read(0, 4);
    keeper.wait_seen(1);
    begin(&server, 1);
    let (is_over, over) = mpsc::channel::<()>();
    let asking = Client::with(server.port(), Default::default());
    thread::scope(|scope| {
        let master = &client.master;
        scope.spawn(move || {
            while over.try_recv() == Err(mpsc::TryRecvError::Empty) {
                assert!(master.read(0x40, 4).unwrap_err().text().contains("drains"));
            }
        });
        wait_until("it asks", || server.stats().refused_draining > 100);
        keeper.answer_all();
        assert_eq!(server.drain(LONG).unwrap(), 0);
        client.master.wait(kept).unwrap();
        drop(is_over);
    });
    drop(asking);
}

#[test]
fn what_new_clients_send_waits_for_the_next_server_at_the_address() {
    let (keeper, server) = keeping();
    let port = server.port();
    let old = Client::ready(port);
    let kept = old.start_read(0, 4);
    keeper.wait_seen(1);
    begin(&server, 1);
    let new = Client::new(port);
    let waiting = new.start_write(0x80, &[1, 2, 3, 4]);
    wait_until("it is told why", || new.tcp.state_text().contains("drains"));
    assert!(server.stats().clients_refused_draining >= 1);
    assert_eq!(server.stats().clients, 1);
    keeper.answer_all();
    assert_eq!(server.drain(LONG).unwrap(), 0);
    server.stop();
    old.master.wait(kept).unwrap();
    let _next = server_at(port, memory(), ServerOptions::default());
    new.master.wait(waiting).unwrap();
    assert_eq!(new.master.read(0x80, 4).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn stopping_the_server_ends_the_wait() {
    let (keeper, server) = keeping();
    let client = Client::ready(server.port());
    let id = client.start_read(0, 4);
    keeper.wait_seen(1);
    begin(&server, 1);
    let waiting = server.clone();
    let drained = thread::spawn(move || waiting.drain(LONG).unwrap_err());
    server.stop();
    let error = drained.join().unwrap();
    assert_eq!(error.status(), Status::Stopped);
    assert!(error.text().contains(&format!("127.0.0.1:{}", server.port())), "{error}");
    client.error_of(id);
}

#[test]
fn stopping_ends_the_wait_also_while_the_slave_blocks() {
    let (arrived, arrives) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let slave = calling(move |tran| {
        arrived.send(()).unwrap();
        let _ = released.lock().unwrap().recv_timeout(LONG);
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    let client = Client::ready(server.port());
    client.start_read(0, 4);
    arrives.recv_timeout(LONG).unwrap();
    assert_eq!(server.drain(Duration::ZERO).unwrap(), 1, "it has one at least");
    let waiting = server.clone();
    let drained = thread::spawn(move || waiting.drain(LONG).unwrap_err());
    server.stop();
    assert_eq!(drained.join().unwrap().status(), Status::Stopped);
    release.send(()).unwrap();
}

#[test]
fn waiting_in_the_servers_own_thread_is_refused_and_begins_nothing() {
    let (sender, done) = mpsc::channel();
    let (give, given) = mpsc::channel::<Arc<TcpServer>>();
    let given = std::sync::Mutex::new(given);
    let slave = calling(move |tran| {
        if let Ok(server) = given.lock().unwrap().try_recv() {
            sender.send(server.drain(LONG).unwrap_err().status()).unwrap();
        }
        answer(tran);
    });
    let server = server_of(slave, ServerOptions::default());
    give.send(server.clone()).unwrap();
    let client = Client::ready(server.port());
    client.master.read(0, 4).unwrap();
    assert_eq!(done.recv_timeout(LONG).unwrap(), Status::InvalidArgument);
    client.master.read(0, 4).unwrap();
    assert_eq!(server.stats().draining, 0);
}
