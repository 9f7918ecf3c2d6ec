//! What a server holds for its peers together: it never exceeds the budget, nobody is refused for it,
//! and those that do not go on make room.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::{Emulate, Slave};

use testkit::bridge::{server_of, Client};
use testkit::raw::{self, RawClient, READ, WRITE};
use testkit::slaves::{answer, answer_at, calling, Keeper};
use testkit::wait::wait_until;

const MIB: u32 = 1 << 20;
/// The budget of these servers; half of it is for those who hold more than their guaranteed share.
const BUDGET: u64 = 16 << 20;

fn small_server(slave: Arc<dyn Slave>) -> Arc<TcpServer> {
    server_of(slave, ServerOptions { budget_bytes_max: BUDGET, ..ServerOptions::default() })
}

fn memory() -> Arc<dyn Slave> {
    Emulate::new(4, 0xFFFF_FFFF)
}

fn clients(server: &TcpServer, count: usize) -> Vec<RawClient> {
    (0..count as u128).map(|n| RawClient::with_session(server.port(), n + 1)).collect()
}

#[track_caller]
fn assert_within(server: &TcpServer) {
    let used = server.stats().budget_used;
    assert!(used <= BUDGET, "{used} of {BUDGET}");
}

/// Waits until nothing but what is kept for reuse is held.
fn wait_released(server: &TcpServer) {
    wait_until("all is let go of", || server.stats().budget_used < u64::from(MIB));
}

#[test]
fn d15_writes_that_stop_before_their_end_keep_nobody_from_writing() {
    const ATTACKERS: usize = 12;
    let server = small_server(memory());
    let data = vec![0x5A; MIB as usize];
    let write = raw::request(1, 0, MIB, WRITE, Some(&data));
    // As much as the systems' buffers take of what the server does not read.
    let most = &write[..70_000];
    let mut attackers = clients(&server, ATTACKERS);
    attackers.iter_mut().for_each(|client| client.request.send(most));
    wait_until("some of them wait", || server.stats().budget_waits > 0);
    assert_within(&server);
    let polite = Client::ready(server.port());
    for size in [4, 1000, 100_000] {
        polite.master.write(0x100, &data[..size]).unwrap();
        assert_eq!(polite.master.read(0x100, size as u32).unwrap(), &data[..size]);
    }
    assert_eq!(server.stats().closed_for_room, 0, "these have room beside the attackers");
    polite.master.write(0, &data).unwrap();
    let stats = server.stats();
    assert!(stats.closed_for_room > 0 && stats.refused == 0, "{stats:?}");
    assert!(!stats.unfinished.is_zero(), "{stats:?}");
    assert_within(&server);
    assert_eq!(polite.tcp.stats().disconnects, 0);
    drop(attackers);
    wait_released(&server);
    wait_until("nothing is unfinished", || server.stats().unfinished.is_zero());
}

#[test]
fn f106_a_budget_below_one_small_request_serves_small_requests_all_the_same() {
    let options = ServerOptions { budget_bytes_max: 1, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let client = Client::ready(server.port());
    for size in [4, 3000, 4000, 4096, 1000] {
        let data = vec![0x5A; size];
        client.master.write(0x100, &data).unwrap();
        assert_eq!(client.master.read(0x100, size as u32).unwrap(), data, "{size}");
    }
}

#[test]
fn writes_of_many_clients_at_once_wait_for_each_other_and_are_all_done() {
    const CLIENTS: usize = 12;
    let server = small_server(memory());
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::ready(server.port())).collect();
    let data = vec![0x5A; 6 * MIB as usize];
    for _ in 0..3 {
        let ids: Vec<u32> = clients.iter().map(|client| client.start_write(0, &data)).collect();
        for (client, id) in clients.iter().zip(ids) {
            client.master.wait(id).unwrap();
        }
        assert_within(&server);
    }
    let stats = server.stats();
    assert_eq!((stats.refused, stats.closed_for_room, stats.closed_slow), (0, 0, 0), "{stats:?}");
    assert!(stats.budget_waits > 0, "{stats:?}");
}

#[test]
fn reads_that_a_slave_keeps_wait_where_they_are_and_are_all_answered() {
    const CLIENTS: usize = 20;
    const READS: u32 = 64;
    const SIZE: u32 = 64 * 1024;
    const QUICK: u64 = 1 << 40;
    let keeper = Keeper::new();
    let keeping = keeper.clone();
    let server = small_server(calling(move |tran| match tran.address() {
        QUICK => answer(tran),
        _ => keeping.do_transaction(tran),
    }));
    let mut clients = clients(&server, CLIENTS);
    for client in &mut clients {
        let reads = (0..READS).flat_map(|id| raw::request(id, id.into(), SIZE, READ, None));
        client.request.send(&reads.collect::<Vec<u8>>());
    }
    wait_until("all that have more than they get wait", || {
        server.stats().budget_waits >= CLIENTS as u64
    });
    assert_within(&server);
    let polite = Client::ready(server.port());
    for size in [4, 4000] {
        assert_eq!(polite.master.read(QUICK, size).unwrap(), answer_at(QUICK, size as usize));
    }
    std::thread::scope(|scope| {
        let readers: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(|| {
                    let mut left: BTreeSet<u32> = (0..READS).collect();
                    while !left.is_empty() {
                        let response = client.response.take_response();
                        let id = response.header.id;
                        assert!(response.text() == "OK" && left.remove(&id), "{id}");
                        assert!(response.payload == answer_at(id.into(), SIZE as usize));
                    }
                })
            })
            .collect();
        wait_until("all are answered", || {
            keeper.answer_all();
            assert_within(&server);
            readers.iter().all(|reader| reader.is_finished())
        });
    });
    let stats = server.stats();
    assert_eq!((stats.refused, stats.closed_for_room), (0, 0), "{stats:?}");
    wait_released(&server);
}

#[test]
fn a_transaction_of_half_the_budget_has_room_and_a_larger_one_is_refused_in_words() {
    let server = small_server(memory());
    let client = Client::ready(server.port());
    let most = BUDGET as u32 / 2 - 4096;
    assert_eq!(client.master.read(0, most).unwrap().len(), most as usize);
    let error = client.master.read(0x40, BUDGET as u32 / 2).unwrap_err();
    assert!(error.text().contains("at 0x40 exceeds the "), "{error}");
    assert!(error.text().contains("raise the server's memory budget"), "{error}");
    let stats = server.stats();
    assert_eq!((stats.refused, stats.refused_size), (1, 1));
    client.master.write(0, &vec![1; most as usize]).unwrap();
}

#[test]
fn what_fails_or_is_left_half_done_costs_no_room_afterwards() {
    const ROUNDS: u128 = 16;
    const FAILS: u64 = 0x1000_0000;
    const PANICS: u64 = 0x2000_0000;
    const KEPT: u64 = 0x3000_0000;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeping = kept.clone();
    let slave = calling(move |tran| match tran.address() {
        FAILS => tran.error("it fails".to_owned()),
        PANICS => panic!("as the test wants it"),
        KEPT => keeping.lock().unwrap().push(tran.clone()),
        _ => answer(tran),
    });
    let options = ServerOptions {
        budget_bytes_max: BUDGET,
        transaction_bytes_max: MIB,
        ..ServerOptions::default()
    };
    let server = server_of(slave, options);
    let data = vec![7; MIB as usize];
    let write = |address| raw::request(1, address, MIB, WRITE, Some(&data));
    let read = |address| raw::request(2, address, MIB, READ, None);
    let wait_kept = |count| wait_until("they are kept", || kept.lock().unwrap().len() == count);
    let end_all = || kept.lock().unwrap().drain(..).for_each(|tran| answer(&tran));
    for round in 0..ROUNDS {
        let mut client = RawClient::with_session(server.port(), round);
        for address in [FAILS, PANICS] {
            for octets in [write(address), read(address)] {
                client.request.send(&octets);
                assert_ne!(client.response.take_response().text(), "OK");
            }
        }
        // Its size is a lie, its type is unknown, it is too large.
        for octets in [
            raw::request(3, 0, MIB - 1, WRITE, Some(&data)),
            raw::request(4, 0, MIB, 99, None),
            raw::request(5, 0, 2 * MIB, WRITE, Some(&data.repeat(2))),
        ] {
            client.request.send(&octets);
            assert_ne!(client.response.take_response().text(), "OK");
        }
        // The client leaves a transaction with the slave, an answer unread, and half a write.
        client.request.send(&[read(KEPT), read(0), read(0)].concat());
        let half = write(0);
        client.request.send(&half[..half.len() / 2]);
        wait_kept(1);
        match round % 3 {
            0 => drop(client),
            1 => drop(client.response),
            _ => drop(client.request),
        }
        wait_until("it has left", || server.stats().clients == 0);
        end_all();
        wait_until("it is dropped", || server.stats().dropped_responses == round as u64 + 1);
    }
    wait_released(&server);
    let client = Client::ready(server.port());
    client.master.write(0, &data).unwrap();
    assert_eq!(server.stats().budget_waits, 0, "there was always room");
}
