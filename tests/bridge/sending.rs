//! When a request goes out: at once, whatever other threads and the user's code are doing.

use std::sync::Arc;
use std::thread;

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::memory::{Observer, Slave, TransactionType};

use testkit::bridge::{server, server_of, Client};
use testkit::bus::{blocking, post_in_a_chain};
use testkit::raw::{self, Header, RawClient};
use testkit::slaves::answer;
use testkit::wait::{wait_until, LONG};

use crate::direct::{answers, client_of, keeper, make_prompt, played, played_with, BOTH};

/// `queued` counts what has not been given to the system.
#[test]
fn f01_a_request_has_been_given_to_the_system_when_it_returns() {
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        for turn in 0..20 {
            let mut ids = Vec::new();
            // Fewer than the event loop would send, nobody has waited for any of them.
            for round in 0..2 {
                make_prompt(&client);
                for ty in [
                    TransactionType::Read,
                    TransactionType::Write,
                    TransactionType::Post,
                    TransactionType::Verify,
                ] {
                    let before = client.tcp.stats();
                    let address = 8 * (1 + ids.len() as u64);
                    ids.push(client.master.request(address, vec![0; 4].into(), ty).unwrap());
                    let after = client.tcp.stats();
                    let sent = (after.requests - before.requests, after.queued);
                    assert_eq!(sent, (1, 0), "turn {turn}, round {round}, type {ty}");
                    assert!(after.bytes_out >= before.bytes_out + 28);
                }
            }
            ids.iter().for_each(|_| answer(&keeper.next()));
            client.master.wait(0).unwrap();
        }
    }
}

/// Behind many a request may be left to the event loop, which is woken for it.
#[test]
fn f01_behind_many_all_requests_go_out_though_nobody_waits() {
    const COUNT: u64 = 1000;
    for duplex in BOTH {
        let (slave, keeper) = keeper();
        let server = server_of(slave, ServerOptions::default());
        let client = client_of(server.port(), duplex);
        make_prompt(&client);
        for n in 0..COUNT {
            client.start_write(8 * (n + 1), &[1; 4]);
        }
        let kept: Vec<_> = (0..COUNT).map(|_| keeper.next()).collect();
        assert!(kept.iter().zip(1..).all(|(tran, n)| tran.address() == 8 * n), "in order");
        kept.iter().for_each(answer);
        client.master.wait(0).unwrap();
    }
}

#[test]
fn f01_a_request_that_waits_for_room_goes_out_with_the_answer_that_makes_it() {
    for duplex in BOTH {
        let options = ClientOptions { window: Some(1), ..ClientOptions::default() };
        let (_server, client, mut peer) = played_with(duplex, options);
        for _ in 0..10 {
            let first = client.start_read(8, 4);
            let second = client.start_read(16, 4);
            for address in [8, 16] {
                let request = peer.request.take_request();
                assert_eq!(request.header.address, address);
                assert_eq!(client.tcp.stats().queued, u64::from(address == 8));
                answers(&mut peer, duplex).send(&request.answer());
            }
            [first, second].iter().for_each(|id| client.master.wait(*id).unwrap());
        }
    }
}

#[test]
fn f09_an_observer_of_a_posted_write_that_blocks_keeps_nobody_from_sending() {
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        let (blocking, is_told, release) = blocking();
        let post = client.master.prepare(8, vec![0; 4].into(), TransactionType::Post).unwrap();
        post.observe(blocking);
        thread::scope(|scope| {
            let poster = scope.spawn(|| client.master.launch(&post));
            is_told.recv_timeout(LONG).unwrap();
            assert_eq!(peer.request.take_request().header.ty, raw::POST);
            for address in [16, 24] {
                let id = client.start_write(address, &[1, 2, 3, 4]);
                let request = peer.request.take_request();
                assert_eq!(request.header.address, address, "sent while the observer blocks");
                answers(&mut peer, duplex).send(&request.answer());
                client.master.wait(id).unwrap();
            }
            assert!(!poster.is_finished());
            drop(release);
        });
    }
}

/// Has `count` reads reach the peer, the first of them observed; returns its header.
fn observed_before_others(
    client: &Client,
    peer: &mut RawClient,
    observer: Arc<dyn Observer>,
    count: u64,
) -> Header {
    let first = client.master.prepare(0, vec![0; 4].into(), TransactionType::Read).unwrap();
    client.master.launch(&first);
    first.observe(observer);
    for n in 1..count {
        client.start_read(8 * n, 4);
    }
    let header = peer.request.take_request().header;
    (1..count).for_each(|_| drop(peer.request.take_request()));
    header
}

#[test]
fn f09_an_observer_that_blocks_the_reading_thread_keeps_nobody_from_sending() {
    const IN_FLIGHT: u64 = 8;
    for duplex in BOTH {
        let options =
            ClientOptions { window: Some(IN_FLIGHT as usize), ..ClientOptions::default() };
        let (_server, client, mut peer) = played_with(duplex, options);
        let (blocking, is_told, release) = blocking();
        let header = observed_before_others(&client, &mut peer, blocking, IN_FLIGHT - 1);
        // The one has room, and the other has it as soon as the answer has come.
        client.start_read(0x1000, 4);
        client.start_read(0x2000, 4);
        assert_eq!(client.tcp.stats().queued, 1);
        answers(&mut peer, duplex).send(&header.response(&[0; 4], b"OK"));
        is_told.recv_timeout(LONG).unwrap();
        for address in [0x1000, 0x2000] {
            assert_eq!(peer.request.take_request().header.address, address);
        }
        drop(release);
        client.tcp.stop();
        wait_until("all have ended", || client.tcp.stats().outstanding == 0);
    }
}

#[test]
fn f09_nor_behind_as_many_as_the_event_loop_would_send() {
    const IN_FLIGHT: u64 = 100;
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        let (blocking, is_told, release) = blocking();
        let header = observed_before_others(&client, &mut peer, blocking, IN_FLIGHT);
        answers(&mut peer, duplex).send(&header.response(&[0; 4], b"OK"));
        is_told.recv_timeout(LONG).unwrap();
        for address in [0x1000, 0x2000] {
            client.start_read(address, 4);
            assert_eq!(peer.request.take_request().header.address, address);
        }
        drop(release);
        client.tcp.stop();
        wait_until("all have ended", || client.tcp.stats().outstanding == 0);
    }
}

/// The event loop completes a posted write that the socket had no room for before.
#[test]
fn f09_nor_does_an_observer_that_blocks_the_loop_when_the_socket_has_room_again() {
    const IN_FLIGHT: u64 = 100;
    const LARGE: u64 = 40;
    for duplex in BOTH {
        let (_server, client, mut peer) = played(duplex);
        let (blocking, is_told, release) = blocking();
        for n in 0..IN_FLIGHT {
            client.start_read(8 * n, 4);
        }
        // More than the buffers of the system take.
        let block = vec![3; 1 << 20];
        for n in 0..LARGE {
            client.start_write(n << 20, &block);
        }
        let post = client.master.prepare(8, vec![0; 4].into(), TransactionType::Post).unwrap();
        post.observe(blocking);
        client.master.launch(&post);
        assert!(!post.is_done(), "the socket takes everything");
        (0..IN_FLIGHT + LARGE).for_each(|_| drop(peer.request.take_request()));
        assert_eq!(peer.request.take_request().header.ty, raw::POST);
        is_told.recv_timeout(LONG).unwrap();
        for address in [0x1000, 0x2000] {
            client.start_read(address, 4);
            assert_eq!(peer.request.take_request().header.address, address);
        }
        drop(release);
        client.tcp.stop();
        wait_until("all have ended", || client.tcp.stats().outstanding == 0);
    }
}

#[test]
fn f32_a_chain_of_posted_writes_of_any_length_needs_little_stack() {
    for shared_loop in [false, true] {
        let server = server();
        let options = ClientOptions { shared_loop, ..ClientOptions::default() };
        let client = Client::with(server.port(), options);
        client.wait_ready();
        let slave: Arc<dyn Slave> = client.tcp.clone();
        post_in_a_chain(&slave, 20_000);
    }
}
