//! The memory bridge under CURVE: who comes in, who does not, and what each is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpServer};
use rogue_mem::memory::Emulate;
use rogue_mem::security::keys::{KeyPair, PublicKey};
use rogue_mem::security::{AllowedClients, CurveClient, CurveServer};

use testkit::bridge::{assert_serves, server, server_of, Client};
use testkit::ports::listener_pair;
use testkit::raw::{self, Raw};
use testkit::wait::wait_until;

fn keys() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn only(clients: &[&KeyPair]) -> AllowedClients {
    AllowedClients::These(clients.iter().map(|keys| *keys.public()).collect())
}

/// A server with new keys that accepts these clients, and its keys.
fn secured(clients: AllowedClients) -> (Arc<TcpServer>, Arc<CurveServer>) {
    let curve = CurveServer::new(keys(), clients);
    let options = ServerOptions { curve: Some(curve.clone()), ..ServerOptions::default() };
    (server_of(Emulate::new(4, 0xFFFF_FFFF), options), curve)
}

fn options(server: PublicKey, own: &KeyPair) -> ClientOptions {
    let curve = Some(CurveClient::new(server, Some(own.clone())).unwrap());
    ClientOptions { curve, ..ClientOptions::default() }
}

fn client(server: &TcpServer, curve: &CurveServer, own: &KeyPair) -> Client {
    Client::with(server.port(), options(curve.public_key(), own))
}

/// Waits until the state of a client contains all of these.
#[track_caller]
fn wait_told(client: &Client, words: &[&str]) -> String {
    let mut text = String::new();
    let last = words.join("\", \"");
    wait_until(&format!("the client says \"{last}\""), || {
        text = client.tcp.state_text();
        words.iter().all(|word| text.contains(word))
    });
    assert_ne!(client.tcp.state(), ClientState::Connected);
    text
}

/// Accesses of several sizes, by a client that has come in.
fn assert_reads_and_writes(client: &Client) {
    assert_accesses(client, &[4, 64, 255, 256, 4096]);
}

fn assert_accesses(client: &Client, sizes: &[u32]) {
    client.wait_ready();
    for &size in sizes {
        let data: Vec<u8> = (0..size).map(|at| (at * 7 + size) as u8).collect();
        client.master.write(0x1000, &data).unwrap();
        assert_eq!(client.master.read(0x1000, size).unwrap(), data);
    }
}

#[test]
fn a_client_with_the_keys_reads_and_writes_in_every_mode() {
    let own = keys();
    let (server, curve) = secured(only(&[&own]));
    for (duplex, direct) in [(true, true), (true, false), (false, true), (false, false)] {
        let options = ClientOptions { duplex, direct, ..options(curve.public_key(), &own) };
        let client = Client::with(server.port(), options);
        assert_reads_and_writes(&client);
        assert_accesses(&client, &[70_000, 300_000]);
    }
    assert_eq!(server.stats().refused_keys, 0);
}

#[test]
fn clients_with_keys_of_their_own_work_side_by_side() {
    let (server, curve) = secured(AllowedClients::Any);
    let threads: Vec<_> = (0..4u64)
        .map(|place| {
            let client = client(&server, &curve, &keys());
            thread::spawn(move || {
                client.wait_ready();
                for n in 0..200u32 {
                    let address = place * 0x10000 + u64::from(n % 16) * 4;
                    client.master.write(address, &n.to_le_bytes()).unwrap();
                    assert_eq!(client.master.read(address, 4).unwrap(), n.to_le_bytes());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|one| one.join().unwrap());
}

#[test]
fn a_client_whose_key_is_not_allowed_is_told_so_and_comes_in_once_it_is() {
    let (own, other) = (keys(), keys());
    let (server, curve) = secured(only(&[&other]));
    let client = client(&server, &curve, &own);
    let id = client.start_read(0, 4);
    let port = server.port().to_string();
    let key = own.public().to_string();
    wait_told(&client, &["127.0.0.1", &port, "refused", &key, "added to its list"]);
    assert_eq!(server.stats().clients, 0);
    assert!(server.stats().refused_keys > 0);
    curve.set_clients(only(&[&other, &own]));
    // The request has waited for the connection.
    client.master.wait(id).unwrap();
}

#[test]
fn a_client_whose_key_is_withdrawn_is_disconnected_and_others_stay() {
    let (own, other) = (keys(), keys());
    let (server, curve) = secured(only(&[&own, &other]));
    let clients = [&own, &other].map(|keys| client(&server, &curve, keys));
    clients.iter().for_each(assert_reads_and_writes);
    curve.set_clients(only(&[&other]));
    wait_told(&clients[0], &["refused", &own.public().to_string()]);
    assert_eq!(clients[1].master.read(0x1000, 4).unwrap().len(), 4);
    assert_eq!(clients[1].tcp.stats().disconnects, 0);
    assert_eq!(server.stats().clients, 1);
    curve.set_clients(AllowedClients::Any);
    assert_reads_and_writes(&clients[0]);
}

#[test]
fn new_keys_of_the_server_hold_for_new_connections() {
    let own = keys();
    let (server, curve) = secured(AllowedClients::Any);
    let (before, after) = (curve.public_key(), keys());
    let old = client(&server, &curve, &own);
    assert_reads_and_writes(&old);
    curve.set_keys(after.clone());
    assert_reads_and_writes(&old);
    assert_reads_and_writes(&Client::with(server.port(), options(*after.public(), &own)));
    let late = Client::with(server.port(), options(before, &own));
    wait_told(&late, &["could not open", &before.to_string(), "server's own"]);
}

#[test]
fn ends_that_do_not_fit_say_what_is_missing() {
    // A client in the clear at a server with CURVE, and the other way round.
    let (secured, curve) = secured(AllowedClients::Any);
    let clear = Client::new(secured.port());
    wait_told(&clear, &[&secured.port().to_string(), "requires CURVE", "public key of the server"]);
    assert!(secured.stats().refused_keys > 0);
    let plain = server();
    let sealing = client(&plain, &curve, &keys());
    wait_told(&sealing, &[&plain.port().to_string(), "\"NULL\"", "CURVE only"]);
    // Not one of its own server: no request has been read on either side.
    assert_eq!(plain.stats().requests + secured.stats().requests, 0);
    assert_serves(&plain);
    // The key of another server.
    let wrong = Client::with(secured.port(), options(*keys().public(), &keys()));
    wait_told(&wrong, &["could not open the client's HELLO"]);
}

/// A libzmq connector that saw another mechanism, or an ERROR, would never connect again. One that
/// sees its connection closed does.
#[test]
fn a_connector_that_greets_step_by_step_sees_no_fault() {
    let (server, _curve) = secured(AllowedClients::Any);
    for port in [server.port(), server.port() + 1] {
        let mut raw = Raw::connect(port);
        let greeting = raw::greeting();
        assert_eq!(raw.take(10), greeting[..10]);
        raw.send(&greeting[..10]);
        assert_eq!(raw.take(1), [3]);
        raw.send(&greeting[10..]);
        raw.wait_closed();
    }
    // One that does not wait is told.
    let mut raw = Raw::connect(server.port());
    raw.send(&raw::greeting());
    assert_eq!(raw.take(64)[12..17], *b"CURVE");
    raw.wait_closed();
}

/// Two ports in front of a server's, whose octets pass through this process.
struct Relay {
    port: u16,
    /// Whether the next octets are altered: those from the client, those from the server.
    alters: Arc<[AtomicBool; 2]>,
}

impl Relay {
    fn to(server: u16) -> Relay {
        let (first, second, port) = listener_pair();
        let alters: Arc<[AtomicBool; 2]> = Arc::default();
        for (listener, server) in [first, second].into_iter().zip([server, server + 1]) {
            let alters = alters.clone();
            thread::spawn(move || {
                for near in listener.incoming() {
                    let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", server)));
                    let Ok(far) = far else { continue };
                    for from_client in [true, false] {
                        let (near, far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                        let (from, to) = if from_client { (near, far) } else { (far, near) };
                        let alters = alters.clone();
                        thread::spawn(move || {
                            pass_on(from, to, &alters[usize::from(!from_client)])
                        });
                    }
                }
            });
        }
        Relay { port, alters }
    }

    fn alter_next(&self, from_client: bool) {
        self.alters[usize::from(!from_client)].store(true, Ordering::SeqCst);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, alters: &AtomicBool) {
    let mut octets = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut octets) {
        if alters.swap(false, Ordering::SeqCst) {
            octets[count - 1] ^= 0x10;
        }
        if to.write_all(&octets[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Octets that are altered on their way end the connection: nothing is carried out, nothing wrong is
/// read, and the client goes on with a new connection.
#[test]
fn nothing_that_is_altered_on_its_way_is_believed() {
    let (server, curve) = secured(AllowedClients::Any);
    let relay = Relay::to(server.port());
    let client = Client::with(relay.port, options(curve.public_key(), &keys()));
    assert_reads_and_writes(&client);
    for from_client in [true, false] {
        let connects = client.tcp.stats().connects;
        relay.alter_next(from_client);
        let outcome = client.master.read(0x1000, 4);
        let text = outcome.unwrap_err().text().to_owned();
        assert!(text.contains("lost") && text.contains("is not known"), "{text}");
        assert_reads_and_writes(&client);
        assert!(client.tcp.stats().connects > connects);
    }
}
