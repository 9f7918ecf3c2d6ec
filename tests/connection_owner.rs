//! Which process holds the other end of a connection: real sockets, real processes.
//!
//! A test program of its own, because a socket is also held by a program on its way from fork to
//! exec: tests that free ports must not share a process with these.
#![cfg(target_os = "linux")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rogue_mem::clock;
use rogue_mem::net::address;
use rogue_mem::net::owner::{owner, owners, Owner, Unknown};

/// Against hangs only.
const PATIENCE: Duration = Duration::from_secs(20);

type Pair = (SocketAddr, SocketAddr);

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A connection to `listener`: the connecting end, the accepted end, the accepted end's addresses.
fn connection(listener: &TcpListener) -> (TcpStream, TcpStream, Pair) {
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, peer) = listener.accept().unwrap();
    let local = accepted.local_addr().unwrap();
    (stream, accepted, (local, peer))
}

/// A running program that holds the given sockets; ended when dropped.
struct Holder(Child);

impl Holder {
    /// `cat` reads the first until its peer closes it, and never uses the second.
    fn of(first: TcpStream, second: TcpStream) -> Holder {
        let child = Command::new("cat")
            .stdin(Stdio::from(OwnedFd::from(first)))
            .stdout(Stdio::null())
            .stderr(Stdio::from(OwnedFd::from(second)))
            .spawn()
            .unwrap();
        Holder(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pid_of(owner: Owner) -> u32 {
    match owner {
        Owner::Process(process) => process.pid,
        other => panic!("no process but {other:?}"),
    }
}

#[test]
fn a_connection_of_this_process_is_its_own() {
    let listener = listener();
    let (_stream, _accepted, pair) = connection(&listener);
    let first = owner(pair.0, pair.1);
    assert_eq!(pid_of(first), std::process::id());
    assert_eq!(owner(pair.0, pair.1), first, "the start time is part of the answer and stays");
}

#[test]
fn connections_of_two_processes_are_told_apart_in_one_lookup() {
    let (requests, responses) = (listener(), listener());
    let mut pairs = Vec::new();
    let mut accepted = Vec::new();
    let mut holders = Vec::new();
    for _ in 0..2 {
        let (request, end, request_pair) = connection(&requests);
        accepted.push(end);
        let (response, end, response_pair) = connection(&responses);
        accepted.push(end);
        pairs.extend([request_pair, response_pair]);
        holders.push(Holder::of(request, response));
    }
    let found: Vec<u32> = owners(&pairs).into_iter().map(pid_of).collect();
    let [a, b] = [holders[0].0.id(), holders[1].0.id()];
    assert_eq!(found, [a, a, b, b]);
    // In another order, and asked twice.
    let found = owners(&[pairs[3], pairs[0], pairs[3]]);
    assert_eq!(found.into_iter().map(pid_of).collect::<Vec<_>>(), [b, a, b]);
}

#[test]
fn a_socket_held_by_parent_and_child_belongs_to_the_parent_while_it_holds_it() {
    let listener = listener();
    let (stream, _accepted, pair) = connection(&listener);
    let (other, _other_accepted, other_pair) = connection(&listener);
    let holder = Holder::of(stream.try_clone().unwrap(), other);
    let parent = std::process::id();
    assert_eq!(pid_of(owner(pair.0, pair.1)), parent);
    assert_eq!(pid_of(owner(other_pair.0, other_pair.1)), holder.0.id());
    drop(stream);
    assert_eq!(pid_of(owner(pair.0, pair.1)), holder.0.id());
}

#[test]
fn a_closed_peer_belongs_to_nobody() {
    let listener = listener();
    let (stream, _accepted, pair) = connection(&listener);
    drop(stream);
    let limit = clock::now() + PATIENCE;
    // Another test's program may hold the socket for the moment between fork and exec.
    while owner(pair.0, pair.1) != Owner::Unknown(Unknown::Closed) {
        assert!(clock::now() < limit, "{:?}", owner(pair.0, pair.1));
    }
}

#[test]
fn a_foreign_address_is_remote_and_an_unlisted_one_of_this_host_is_unknown() {
    let local = listener().local_addr().unwrap();
    let remote: SocketAddr = "192.0.2.1:4000".parse().unwrap();
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    assert_eq!(
        owners(&[(local, remote), (local, nobody)]),
        [Owner::Remote, Owner::Unknown(Unknown::NotListed)]
    );
    assert_eq!(owners(&[]), []);
}

#[test]
fn ipv6_and_embedded_ipv4_connections_are_found() {
    // A host may have IPv6 switched off; then there is nothing to look for.
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    for address in ["[::1]", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let Ok(_stream) = TcpStream::connect(format!("{address}:{port}")) else { continue };
        let (accepted, peer) = listener.accept().unwrap();
        let local = accepted.local_addr().unwrap();
        assert_eq!(pid_of(owner(local, peer)), std::process::id(), "{address}");
        // The caller may have unwrapped the embedded address already.
        let pair = (address::canonical(local), address::canonical(peer));
        assert_eq!(pid_of(owner(pair.0, pair.1)), std::process::id(), "{address}");
    }
}
