//! Streams under CURVE.

use rogue_mem::security::keys::KeyPair;
use rogue_mem::security::{AllowedClients, CurveClient, CurveServer};

use super::*;

fn keys() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn options(curve: &CurveServer, own: &KeyPair) -> StreamClientOptions {
    let curve = CurveClient::new(curve.public_key(), Some(own.clone())).unwrap();
    StreamClientOptions { curve: Some(curve), ..StreamClientOptions::default() }
}

#[test]
fn frames_of_any_size_arrive_encrypted_in_both_directions() {
    let own = keys();
    let curve = CurveServer::new(keys(), AllowedClients::These([*own.public()].into()));
    let server = server_with(StreamServerOptions {
        curve: Some(curve.clone()),
        ..StreamServerOptions::default()
    });
    let (at_server, at_client) = (testkit::frames::Peer::silent(), testkit::frames::Peer::silent());
    connect(&*server, &*at_server).unwrap();
    let client = client_with(server.port(), options(&curve, &own));
    connect(&*client, &*at_client).unwrap();
    wait_connected(&server, 1);
    let sizes = [0, 1, 255, 256, 16_383, 16_384, 65_536, 200_000, 3_000_000, 3];
    for (n, size) in sizes.into_iter().enumerate() {
        let bytes = pattern(n, size);
        at_client.send(&bytes);
        at_server.send(&bytes);
        assert_eq!(at_server.wait(n + 1)[n].bytes, bytes);
        assert_eq!(at_client.wait(n + 1)[n].bytes, bytes);
    }
    // A withdrawn key ends it, and frames wait for its return.
    curve.set_clients(AllowedClients::These([*keys().public()].into()));
    wait_connected(&server, 0);
    wait_until("the client knows why", || client.state_text().contains("does not allow"));
    let sender = at_client.clone();
    let waiting = thread::spawn(move || sender.send(b"waits"));
    curve.set_clients(AllowedClients::Any);
    assert_eq!(at_server.wait(sizes.len() + 1)[sizes.len()].bytes, b"waits");
    waiting.join().unwrap();
    assert!(server.stats().refused_keys > 0);
}

#[test]
fn a_client_in_the_clear_is_told_what_the_server_requires() {
    let curve = CurveServer::new(keys(), AllowedClients::Any);
    let server = server_with(StreamServerOptions {
        curve: Some(curve.clone()),
        ..StreamServerOptions::default()
    });
    let clear = client(server.port());
    wait_until("told", || clear.state_text().contains("requires CURVE"));
    let plain = super::server();
    let sealing = client_with(plain.port(), options(&curve, &keys()));
    wait_until("told", || sealing.state_text().contains("CURVE only"));
}
