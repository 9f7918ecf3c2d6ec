//! A client with a name service and addresses that the test commands.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::bridge::memory::server::{ServerOptions, TcpServer};
use crate::memory::{Emulate, Master};
use crate::net::address::HostAddress;
use crate::net::socket;
use crate::sync::Mutex;
use testkit_base::wait::{wait_until, LONG};

const GREETING_OCTETS: usize = 64;

/// The answers of the name service for a name: one for each lookup.
type Answers = Arc<Mutex<Receiver<io::Result<Vec<HostAddress>>>>>;

static NAMES: Mutex<BTreeMap<String, Answers>> = Mutex::of_process(BTreeMap::new());

/// Waits until the test answers.
fn look_up(name: &str) -> io::Result<Vec<HostAddress>> {
    let answers = NAMES.lock().get(name).cloned().expect("the test has registered the name");
    let answer = answers.lock().recv();
    answer.unwrap_or_else(|_| Err(io::Error::other("the test is over")))
}

/// Registers a name. Each message to the returned sender is the answer to its next lookup.
fn name_service(name: &str) -> Sender<io::Result<Vec<HostAddress>>> {
    let (sender, answers) = channel();
    NAMES.lock().insert(name.to_owned(), Arc::new(Mutex::new(answers)));
    sender
}

fn loopback(last: u8) -> HostAddress {
    HostAddress::from(IpAddr::from([127, 0, 0, last]))
}

fn client_of(name: &str, port: u16) -> (Arc<TcpClient>, Master) {
    let options = ClientOptions::default();
    let client = TcpClient::with_resolver(name, port, options, look_up).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(LONG);
    (client, master)
}

fn server_at(port: u16) -> Arc<TcpServer> {
    let limit = Instant::now() + LONG;
    loop {
        match TcpServer::new("127.0.0.1", port, ServerOptions::default()) {
            Ok(server) => {
                server.master().set_slave(Emulate::new(4, 4096));
                return server;
            }
            Err(error) => assert!(Instant::now() < limit, "{error}"),
        }
        std::thread::yield_now();
    }
}

/// A server, and the objects that `make` returns for its two ports at another address.
fn server_beside<T>(make: impl Fn(HostAddress, u16) -> io::Result<T>) -> (Arc<TcpServer>, [T; 2]) {
    let limit = Instant::now() + LONG;
    loop {
        let server = server_at(0);
        let port = server.port();
        if let (Ok(a), Ok(b)) = (make(loopback(2), port), make(loopback(2), port + 1)) {
            return (server, [a, b]);
        }
        assert!(Instant::now() < limit, "no port is free at both addresses");
    }
}

#[test]
fn f19_a_client_comes_back_by_the_last_addresses_while_the_name_service_is_dead() {
    let answers = name_service("comes-back.test");
    let server = server_at(0);
    let port = server.port();
    let (client, master) = client_of("comes-back.test", port);
    answers.send(Ok(vec![loopback(1)])).unwrap();
    client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    // From here on no lookup is answered.
    server.stop();
    drop(server);
    let _server = server_at(port);
    // Requests sent before that are lost.
    wait_until("the end is seen", || client.stats().disconnects == 1);
    master.write(0x10, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x10, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(client.stats().connects, 2);
}

/// A server at a port of another address, which may be taken.
fn server_elsewhere(port: u16) -> Option<Arc<TcpServer>> {
    let server = TcpServer::new("127.0.0.2", port, ServerOptions::default()).ok()?;
    server.master().set_slave(Emulate::new(4, 4096));
    Some(server)
}

#[test]
fn f19_a_client_leaves_an_address_that_its_host_turns_out_to_have_left() {
    let (there, here) = loop {
        let there = server_at(0);
        if let Some(here) = server_elsewhere(there.port()) {
            break (there, here);
        }
    };
    let port = there.port();
    let answers = name_service("moves.test");
    let (client, _master) = client_of("moves.test", port);
    answers.send(Ok(vec![loopback(2)])).unwrap();
    client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    here.stop();
    drop(here);
    // Somebody else is at the former address when the client comes back to it.
    let mut other = None;
    wait_until("the port is free", || {
        other = server_elsewhere(port);
        other.is_some()
    });
    wait_until("it is back", || client.stats().connects == 2);
    answers.send(Ok(vec![loopback(1)])).unwrap();
    wait_until("it is with its host", || there.stats().clients == 1);
    wait_until("the client knows it", || client.stats().connects == 3);
    assert!(client.stats().disconnects == 2 && other.is_some_and(|server| server.port() == port));
}

#[test]
fn f19_a_client_whose_name_hangs_says_so_and_stops_at_once() {
    let _answers = name_service("hangs-for-ever.test");
    let (client, master) = client_of("hangs-for-ever.test", 9000);
    let words = "the host name is being looked up, no answer yet for ";
    wait_until("it says so", || client.state_text().contains(words));
    master.set_timeout(Duration::from_millis(10));
    let error = master.read(0, 4).unwrap_err();
    assert!(error.text().contains("never sent") && error.text().contains(words), "{error}");
    client.stop();
    assert!(client.handle.stop(), "the thread has ended");
}

#[cfg(target_os = "linux")]
#[test]
fn f20_an_address_that_swallows_packets_does_not_keep_the_next_one_waiting() {
    let (server, _swallowing) =
        server_beside(|address, port| socket::tests::swallow(address.with_port(port)));
    let answers = name_service("swallows.test");
    let (client, master) = client_of("swallows.test", server.port());
    answers.send(Ok(vec![loopback(2), loopback(1)])).unwrap();
    master.write(0x10, &[1, 2, 3, 4]).unwrap();
    // A second lookup, or a second round, begins only after a failed attempt.
    answers.send(Err(io::Error::other("never asked for"))).unwrap();
    assert!(NAMES.lock()["swallows.test"].lock().try_recv().is_ok(), "the name was looked up once");
    assert_eq!(client.stats().connects, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn f20_while_no_answer_comes_the_text_says_from_where_and_for_how_long() {
    let (server, _swallowing) =
        server_beside(|address, port| socket::tests::swallow(address.with_port(port)));
    let port = server.port();
    let answers = name_service("only-swallows.test");
    let (client, master) = client_of("only-swallows.test", port);
    answers.send(Ok(vec![loopback(2)])).unwrap();
    let words = format!("connecting to 127.0.0.2:{port}, no answer yet for ");
    wait_until("it says so", || client.state_text().contains(&words));
    master.set_timeout(Duration::from_millis(10));
    let error = master.read(0, 4).unwrap_err();
    assert!(error.text().contains("never sent") && error.text().contains(&words), "{error}");
    let error = client.wait_ready(Duration::from_millis(1), Duration::ZERO).unwrap_err();
    assert!(error.text().contains(&words), "{error}");
}

#[test]
fn f20_a_silent_server_does_not_learn_the_identity_of_the_client() {
    let (server, [requests, responses]) =
        server_beside(|address, port| TcpListener::bind(address.with_port(port)));
    let answers = name_service("says-nothing.test");
    let (client, master) = client_of("says-nothing.test", server.port());
    answers.send(Ok(vec![loopback(2), loopback(1)])).unwrap();
    master.write(0x10, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.stats().connects, 1);
    for listener in [requests, responses] {
        let (mut silent, _): (TcpStream, _) = listener.accept().unwrap();
        let mut octets = Vec::new();
        // Ends with an error after a reset; the octets read before count.
        let _ = silent.read_to_end(&mut octets);
        assert!(octets.len() <= GREETING_OCTETS, "a greeting and nothing else");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn f20_the_port_that_does_not_answer_is_the_one_that_is_named() {
    let (server, _listeners) = server_beside(|address, port| {
        // Only the first port has been opened in a firewall.
        let open = (port % 2 == 0).then(|| TcpListener::bind(address.with_port(port)));
        open.map_or_else(
            || socket::tests::swallow(address.with_port(port)).map(|both| (Some(both), None)),
            |listener| Ok((None, Some(listener?))),
        )
    });
    let port = server.port();
    let answers = name_service("second-port.test");
    let (client, _master) = client_of("second-port.test", port);
    answers.send(Ok(vec![loopback(2)])).unwrap();
    let closed = if port % 2 == 0 { port + 1 } else { port };
    let words = format!("connecting to 127.0.0.2:{closed}, no answer yet for ");
    wait_until("it says so", || client.state_text().contains(&words));
}
