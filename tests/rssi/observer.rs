//! The program's observer of a link: what it may do, and what it is told.

use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Weak};

use rogue_mem::protocols::{LinkChange, RssiEndpoint, RssiOptions};
use rogue_mem::stream;
use testkit::frames::Peer;
use testkit::wait::{wait_until, wait_until_freed, Gate, LONG};

/// A client and a server that are connected directly; not started.
struct Pair {
    client: Arc<RssiEndpoint>,
    server: Arc<RssiEndpoint>,
}

impl Pair {
    fn new() -> Pair {
        let client = RssiEndpoint::client(RssiOptions::default()).unwrap();
        let server = RssiEndpoint::server(RssiOptions::default()).unwrap();
        stream::connect(&client.transport(), &server.transport()).unwrap();
        Pair { client, server }
    }

    fn start(&self) {
        self.server.start().unwrap();
        self.client.start().unwrap();
        self.client.wait_open(LONG).unwrap();
        self.server.wait_open(LONG).unwrap();
    }
}

/// Sets an observer that passes on what it is told.
fn observe(endpoint: &RssiEndpoint) -> Receiver<LinkChange> {
    let (told, changes) = channel();
    endpoint.observe(Some(Arc::new(move |change: &LinkChange| {
        let _ = told.send(change.clone());
    })));
    changes
}

fn next(changes: &Receiver<LinkChange>) -> LinkChange {
    changes.recv_timeout(LONG).unwrap()
}

#[test]
fn an_observer_that_blocks_stalls_neither_the_link_nor_its_end() {
    let pair = Pair::new();
    let peers = [Peer::silent(), Peer::silent()];
    stream::connect(&pair.client.application(), &*peers[0]).unwrap();
    stream::connect(&pair.server.application(), &*peers[1]).unwrap();
    let (gate, (told, changes)) = (Gate::new(), channel());
    let waits = gate.clone();
    pair.client.observe(Some(Arc::new(move |change: &LinkChange| {
        told.send(change.is_open).unwrap();
        waits.pass();
    })));
    pair.start();
    assert!(changes.recv_timeout(LONG).unwrap());
    peers[0].send(b"there");
    assert_eq!(peers[1].wait(1)[0].bytes, b"there");
    peers[1].send(b"and back");
    assert_eq!(peers[0].wait(1)[0].bytes, b"and back");
    pair.server.stop();
    wait_until("the link is closed", || !pair.client.is_open());
    pair.start();
    pair.client.stop();
    assert!(changes.try_recv().is_err(), "one call at a time");
    gate.open();
    let later: Vec<bool> = (0..3).map(|_| changes.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(later, [false, true, false], "in order, and none is left out");
}

#[test]
fn an_observer_may_stop_the_link_and_drop_the_endpoint() {
    let Pair { client, server } = Pair::new();
    let (told, changes) = channel();
    let known = Arc::downgrade(&client);
    let held = std::sync::Mutex::new(Some(client.clone()));
    client.observe(Some(Arc::new(move |change: &LinkChange| {
        if change.is_open {
            if let Some(client) = Weak::upgrade(&known) {
                client.stop();
            }
        } else {
            drop(held.lock().unwrap().take());
        }
        let _ = told.send(change.clone());
    })));
    server.start().unwrap();
    client.start().unwrap();
    let first = next(&changes);
    assert_eq!((first.is_open, first.text.as_str()), (true, "rssi::Client: the link is open"));
    let weak = Arc::downgrade(&client);
    drop(client);
    let last = changes.recv_timeout(LONG);
    // The end of the endpoint may have been before the notification.
    assert!(last.is_err() || last.unwrap().text.ends_with("this end was stopped"));
    server.stop();
    drop(server);
    wait_until_freed(&weak);
}

#[test]
fn a_late_observer_is_told_what_is_and_stays_for_the_next_start() {
    let pair = Pair::new();
    pair.start();
    let first = observe(&pair.client);
    assert!(next(&first).is_open);
    let second = observe(&pair.client);
    assert!(next(&second).is_open);
    assert!(first.recv().is_err(), "the former one has been dropped");
    pair.client.stop();
    let closing = next(&second);
    assert!(!closing.is_open);
    assert_eq!(Some(&closing.text), pair.client.last_closure().as_ref());
    pair.start();
    assert!(next(&second).is_open);
    pair.client.observe(None);
    assert!(second.recv().is_err(), "dropped");
}

#[test]
fn no_call_begins_after_the_end_of_the_endpoint() {
    let Pair { client, server } = Pair::new();
    let (gate, (told, changes)) = (Gate::new(), channel());
    let waits = gate.clone();
    client.observe(Some(Arc::new(move |change: &LinkChange| {
        told.send(change.is_open).unwrap();
        waits.pass();
    })));
    server.start().unwrap();
    client.start().unwrap();
    assert!(changes.recv_timeout(LONG).unwrap());
    client.stop();
    let weak = Arc::downgrade(&client);
    drop(client);
    wait_until_freed(&weak);
    gate.open();
    assert!(changes.recv().is_err(), "dropped after the call that ran");
    server.stop();
}
