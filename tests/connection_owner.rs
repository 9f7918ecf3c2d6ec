//! Which process holds the other end of a connection: real sockets, real processes.
//!
//! A test program of its own, because a socket is also held by a program on its way from fork to
//! exec: tests that free ports must not share a process with these.
#![cfg(target_os = "linux")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use mio::{Interest, Poll, Token};
use rogue_mem::clock;
use rogue_mem::net::address;
use rogue_mem::net::owner::{owners, Owner};
use testkit::wait::LONG;

type Pair = (SocketAddr, SocketAddr);

fn owner(pair: Pair) -> Owner {
    owners(&[pair])[0]
}

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
    let first = owner(pair);
    assert_eq!(pid_of(first), std::process::id());
    assert_eq!(owner(pair), first, "the start time is part of the answer and stays");
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

/// Two clients of this process, each with what libzmq has: a thread of that name, and an epoll
/// descriptor that lists its sockets.
#[test]
fn f21_connections_of_two_contexts_of_a_process_are_told_apart() {
    let (requests, responses) = (listener(), listener());
    let (has_begun, begins) = mpsc::channel();
    let mut pairs = Vec::new();
    let (mut kept, mut polls) = (Vec::new(), Vec::new());
    let mut threads = Vec::new();
    for _ in 0..2 {
        let poll = Poll::new().unwrap();
        for listener in [&requests, &responses] {
            let (stream, accepted, pair) = connection(listener);
            stream.set_nonblocking(true).unwrap();
            let mut stream = mio::net::TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(0), Interest::READABLE).unwrap();
            pairs.push(pair);
            kept.push((stream, accepted));
        }
        let (end, ends) = mpsc::channel::<()>();
        let has_begun = has_begun.clone();
        let io_thread = thread::Builder::new().name("ZMQbg/IO/0".to_owned());
        let thread = io_thread.spawn(move || {
            has_begun.send(()).unwrap();
            let _ = ends.recv();
        });
        begins.recv().unwrap();
        threads.push((thread.unwrap(), end));
        polls.push(poll);
    }
    let found = owners(&pairs);
    let [Owner::Context(a, first), Owner::Context(b, second)] = [found[0], found[2]] else {
        panic!("{found:?}");
    };
    assert_eq!((a.pid, b), (std::process::id(), a));
    assert_ne!(first, second);
    assert_eq!(found[1], found[0]);
    assert_eq!(found[3], found[2]);
    for (thread, end) in threads {
        drop(end);
        thread.join().unwrap();
    }
    // Without the threads nothing says that the descriptors are libzmq's. One that has been joined
    // may still be listed for a moment.
    let limit = clock::now() + LONG;
    while owners(&pairs) != [Owner::Process(a); 4] {
        assert!(clock::now() < limit, "{:?}", owners(&pairs));
    }
    drop((kept, polls));
}

#[test]
fn a_socket_held_by_parent_and_child_belongs_to_the_parent_while_it_holds_it() {
    let listener = listener();
    let (stream, _accepted, pair) = connection(&listener);
    let (other, _other_accepted, other_pair) = connection(&listener);
    let holder = Holder::of(stream.try_clone().unwrap(), other);
    let parent = std::process::id();
    assert_eq!(pid_of(owner(pair)), parent);
    assert_eq!(pid_of(owner(other_pair)), holder.0.id());
    drop(stream);
    assert_eq!(pid_of(owner(pair)), holder.0.id());
}

#[test]
fn a_closed_peer_belongs_to_nobody() {
    let listener = listener();
    let (stream, _accepted, pair) = connection(&listener);
    drop(stream);
    let limit = clock::now() + LONG;
    // Another test's program may hold the socket for the moment between fork and exec.
    while owner(pair) != Owner::Unknown {
        assert!(clock::now() < limit, "{:?}", owner(pair));
    }
}

#[test]
fn connections_of_other_hosts_and_unlisted_ones_of_this_host_have_no_known_owner() {
    let local = listener().local_addr().unwrap();
    let remote: SocketAddr = "192.0.2.1:4000".parse().unwrap();
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    assert_eq!(owners(&[(local, remote), (local, nobody)]), [Owner::Unknown; 2]);
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
        assert_eq!(pid_of(owner((local, peer))), std::process::id(), "{address}");
        // The caller may have unwrapped the embedded address already.
        let pair = (address::canonical(local), address::canonical(peer));
        assert_eq!(pid_of(owner(pair)), std::process::id(), "{address}");
    }
}
