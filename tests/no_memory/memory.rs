//! Peers of a memory server.

use std::sync::mpsc;
use std::sync::Arc;
use std::thread;

use rogue_mem::bridge::ServerOptions;
use rogue_mem::memory::{Slave, Transaction};
use testkit::bridge::{assert_serves, memory, server_of};
use testkit::raw::{self, properties_of, Raw, RawClient, READ, WRITE};
use testkit::slaves::{answer, calling};
use testkit::wait::wait_until;

use crate::allocator::exempt;
use crate::converse;

/// Bytes of a large access.
const LARGE: u32 = 300_000;
/// From this address on the slave answers later, from another thread.
const LATER: u64 = 1 << 40;

/// One server, and peers of all kinds while it is `arm`ed.
pub fn round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let server = server_of(slave(), ServerOptions::default());
    let port = server.port();
    arm();
    converse(|| strangers(port));
    let parts: [fn(u16); 3] = [client, waiting, crowd];
    for part in parts {
        // Not for a reason that is none.
        let before = server.stats().closed_no_memory;
        let is_served = converse(|| part(port));
        assert!(is_served || server.stats().closed_no_memory > before, "{:?}", server.stats());
    }
    disarm();
    assert_serves(&server);
}

/// The same for legacy clients, which are told apart by their process.
pub fn legacy_round(arm: &mut dyn FnMut(), disarm: &mut dyn FnMut()) {
    let server = server_of(memory(), ServerOptions::default());
    let port = server.port();
    arm();
    let is_served = converse(|| {
        let mut client = served(port, None);
        client.read(1, 0x100);
        client.request.send(&raw::request(2, 0, 30_000, READ, None));
        client.response.take_response();
    });
    disarm();
    // Not because its owner was taken for another one, and it waited in vain for a second connection.
    assert!(is_served || server.stats().closed_no_memory > 0);
    assert_serves(&server);
}

fn slave() -> Arc<dyn Slave> {
    let (sender, kept) = mpsc::channel::<Arc<Transaction>>();
    thread::spawn(move || {
        exempt();
        kept.into_iter().for_each(|tran| answer(&tran));
    });
    let memory = memory();
    calling(move |tran| match tran.address() {
        LATER.. => sender.send(tran.clone()).unwrap(),
        _ => memory.do_transaction(tran),
    })
}

/// A client that is served, unless the server closes one of its connections before.
pub fn served(port: u16, session: Option<u128>) -> RawClient {
    let session = session.map(|session| format!("{session:032x}"));
    let properties = session.as_deref().map(properties_of);
    let properties = properties.as_ref().map_or(&[][..], |properties| &properties[..]);
    let mut client = RawClient::announce(port, properties);
    let mut is_closed = false;
    wait_until("it is served, or closed", || {
        is_closed = client.request.is_closed() || client.response.is_closed();
        is_closed || client.is_served()
    });
    assert!(!is_closed);
    client.wait_served();
    client
}

fn strangers(port: u16) {
    let mut rude = Raw::connect(port);
    rude.try_send(&[0x16; 300]);
    rude.wait_closed();
    let mut early = Raw::connect(port + 1);
    early.try_send(&raw::greeting());
    early.try_send(&raw::ready("PULL", &[("X-Long", &"x".repeat(20_000))]));
    early.end();
    early.wait_closed();
}

fn client(port: u16) {
    let mut client = served(port, Some(1));
    client.read(1, 0x100);
    let data = vec![0x5A; LARGE as usize];
    client.request.send(&raw::request(2, 0, LARGE, WRITE, Some(&data)));
    client.response.take_response();
    client.request.send(&raw::request(3, 0, LARGE, READ, None));
    client.response.take_response();
    // In several turns.
    let reads = (0..1000).flat_map(|id| raw::read(id, u64::from(id) * 4));
    client.request.send(&reads.collect::<Vec<u8>>());
    (0..1000).for_each(|_| drop(client.response.take_response()));
    client.request.send(&raw::request(4, 0, u32::MAX, READ, None));
    client.response.take_response();
    client.request.send(&raw::message(&[b"xx"]));
    client.read(5, 0x100);
}

/// Answers that wait for the slave, and for their reader.
fn waiting(port: u16) {
    let mut client = served(port, Some(2));
    let later = (0..600).flat_map(|id| raw::read(id, LATER + u64::from(id) * 4));
    client.request.send(&later.collect::<Vec<u8>>());
    (0..600).for_each(|_| drop(client.response.take_response()));
    let large = (0..60).flat_map(|id| raw::request(id, 0, 60_000, READ, None));
    client.request.send(&large.collect::<Vec<u8>>());
    (0..60).for_each(|_| drop(client.response.take_response()));
}

fn crowd(port: u16) {
    let mut clients: Vec<RawClient> = (0..8).map(|n| served(port, Some(100 + n))).collect();
    clients.iter_mut().for_each(|client| drop(client.read(1, 0x100)));
    let _strangers: Vec<Raw> = (0..40).map(|_| Raw::connect(port)).collect();
    clients[0].read(2, 0x100);
}
