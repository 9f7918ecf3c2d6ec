//! What endpoints promise beyond Rogue's.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rogue_mem::error::Status;
use rogue_mem::memory::TransactionType;
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{SrpV3, UdpEndpoint, UdpOptions};
use rogue_mem::stream::{self, Buffers, Dispatch, Frame, Node, Slave, SlaveBase};
use testkit::bus::{failure, launch, master_of, text_of, zeros};
use testkit::frames::Peer;
use testkit::process::{context_switches, threads_named};
use testkit::wait::{let_pass, wait_until, wait_until_freed, Gate};

use crate::peer::{address, client_of, jumbo, observed, receive, send, server, socket};

#[test]
fn frames_go_both_ways_over_either_family_and_by_name() {
    for (local, remote) in
        [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("*", "localhost"), ("::", "127.0.0.1")]
    {
        let (server, at_server) =
            observed(UdpEndpoint::server(local, 0, UdpOptions::default()).unwrap());
        let client = UdpEndpoint::client(remote, server.port(), UdpOptions::default()).unwrap();
        let (client, at_client) = observed(client);
        at_client.send(b"there");
        assert_eq!(at_server.wait(1)[0].bytes, b"there", "{local} {remote}");
        at_server.send(b"back");
        assert_eq!(at_client.wait(1)[0].bytes, b"back", "{local} {remote}");
        let (there, back) = (client.stats(), server.stats());
        assert_eq!((there.datagrams_out, there.bytes_out), (1, 5));
        assert_eq!((there.datagrams_in, there.bytes_in), (1, 4));
        assert_eq!((back.datagrams_in, back.bytes_in, back.datagrams_out), (1, 5, 1));
    }
}

#[test]
fn a_burst_arrives_in_order_and_whole() {
    let (server, at_server) = observed(UdpEndpoint::server("127.0.0.1", 0, jumbo()).unwrap());
    let a = socket();
    // What fits into the receive buffer that every system gives.
    for n in 0..100_u8 {
        a.send_to(&vec![n; usize::from(n) + 1], address(&server)).unwrap();
    }
    for (n, seen) in (0..).zip(at_server.wait(100)) {
        assert_eq!(seen.bytes, vec![n; usize::from(n) + 1]);
    }
}

fn client_to(server: &UdpEndpoint) -> Arc<UdpEndpoint> {
    UdpEndpoint::client("127.0.0.1", server.port(), UdpOptions::default()).unwrap()
}

/// A frame whose buffers have these sizes: as many datagrams, which the system may join.
fn frame_of(sizes: &[usize]) -> (Arc<Frame>, Vec<Vec<u8>>) {
    let texts: Vec<Vec<u8>> = (1..).zip(sizes).map(|(n, &size)| vec![n; size]).collect();
    let mut buffers = Buffers::default();
    texts.iter().for_each(|text| buffers.push(text.clone().into()));
    (Frame::with_buffers(buffers), texts)
}

#[test]
fn datagrams_that_are_sent_together_arrive_one_by_one_whatever_their_sizes() {
    let sizes: [&[usize]; 6] =
        [&[1472; 30], &[48; 100], &[1400, 1400, 1400, 7], &[1, 1, 1], &[30, 40, 40, 9], &[8972; 9]];
    for jumbo_server in [false, true] {
        let options = UdpOptions { jumbo: jumbo_server, ..UdpOptions::default() };
        for sizes in sizes.into_iter().filter(|sizes| jumbo_server || sizes[0] <= 1472) {
            let endpoint = UdpEndpoint::server("127.0.0.1", 0, options.clone()).unwrap();
            let (server, at_server) = observed(endpoint);
            let client = client_to(&server);
            let (frame, texts) = frame_of(sizes);
            client.stream_slave().accept_frame(frame);
            let seen: Vec<_> =
                at_server.wait(sizes.len()).into_iter().map(|seen| seen.bytes).collect();
            assert_eq!(seen, texts, "{sizes:?}");
            assert_eq!(server.stats().datagrams_in, sizes.len() as u64);
            assert_eq!(server.stats().bytes_in, sizes.iter().sum::<usize>() as u64);
        }
    }
}

#[test]
fn joined_datagrams_that_are_too_long_are_dropped_and_counted_each() {
    let (server, at_server) = server();
    let client = client_to(&server);
    for sizes in [&[1473, 1473, 1473, 20][..], &[4]] {
        client.stream_slave().accept_frame(frame_of(sizes).0);
    }
    // A shorter last one is whole.
    let seen: Vec<_> = at_server.wait(2).into_iter().map(|seen| seen.bytes).collect();
    assert_eq!(seen, [vec![4; 20], vec![1; 4]]);
    assert_eq!((server.stats().oversized, server.stats().datagrams_in), (3, 2));
}

/// Takes frames that have arrived together, and answers each by `answer`, which may panic.
struct Together<A> {
    base: SlaveBase,
    /// The first bytes of the frames of each call.
    calls: Mutex<Vec<Vec<u8>>>,
    answer: A,
}

impl<A: Fn(u8) + Send + Sync + 'static> Together<A> {
    fn new(answer: A) -> Arc<Together<A>> {
        Arc::new(Together { base: SlaveBase::new(), calls: Mutex::default(), answer })
    }

    fn seen(&self) -> Vec<u8> {
        self.calls.lock().unwrap().concat()
    }
}

impl<A: Fn(u8) + Send + Sync + 'static> Slave for Together<A> {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.accept_frames(&mut [frame.into()]);
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        self.calls.lock().unwrap().push(Vec::new());
        for frame in frames.iter_mut().filter_map(|dispatch| dispatch.frame.take()) {
            let first = frame.lock().to_vec()[0];
            self.calls.lock().unwrap().last_mut().unwrap().push(first);
            (self.answer)(first);
        }
    }

    fn takes_together(&self) -> bool {
        true
    }
}

#[test]
fn datagrams_that_arrive_together_are_handed_over_together_and_a_panic_costs_one_of_them() {
    const COUNT: u8 = 40;
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let gate = Arc::new(Gate::default());
    let door = gate.clone();
    let slave = Together::new(move |first| {
        if first == 0 {
            door.pass();
        }
        assert_ne!(first % 10, 5, "a test's panic");
    });
    server.stream_master().add_slave(slave.clone()).unwrap();
    let a = socket();
    for n in 0..COUNT {
        a.send_to(&[n], address(&server)).unwrap();
    }
    gate.open();
    wait_until("all have come", || slave.seen().len() == usize::from(COUNT));
    assert_eq!(slave.seen(), (0..COUNT).collect::<Vec<u8>>());
    let calls = slave.calls.lock().unwrap();
    assert!(calls.len() < usize::from(COUNT), "{calls:?}");
}

#[test]
fn answers_to_datagrams_that_arrive_together_go_to_those_that_have_sent_them() {
    const COUNT: u8 = 30;
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let gate = Arc::new(Gate::default());
    let (door, sender) = (gate.clone(), server.stream_slave());
    let slave = Together::new(move |first| {
        if first == 0 {
            door.pass();
        }
        sender.accept_frame(Arc::new(Frame::from(vec![first])));
    });
    server.stream_master().add_slave(slave).unwrap();
    let askers = [socket(), socket()];
    let asker = |n: u8| &askers[usize::from(n / 3 % 2)];
    for n in 0..COUNT {
        asker(n).send_to(&[n], address(&server)).unwrap();
    }
    gate.open();
    for n in 0..COUNT {
        assert_eq!(receive(asker(n)).0, [n]);
    }
    server.stop();
}

#[test]
fn a_frame_of_many_buffers_is_as_many_datagrams() {
    let (server, at_server) = server();
    let (client, _) =
        observed(UdpEndpoint::client("127.0.0.1", server.port(), UdpOptions::default()).unwrap());
    let mut buffers = stream::Buffers::default();
    for n in 1..=40_u8 {
        buffers.push(vec![n; usize::from(n)].into());
        // Nothing to send.
        buffers.push(Vec::new().into());
    }
    client.stream_slave().accept_frame(Frame::with_buffers(buffers));
    for (n, seen) in (1..).zip(at_server.wait(40)) {
        assert_eq!(seen.bytes, vec![n; usize::from(n)]);
    }
    assert_eq!(client.stats().datagrams_out, 40);
}

/// Keeps the names of the threads in which frames arrive, and the frames themselves.
#[derive(Default)]
struct Keeper {
    base: SlaveBase,
    seen: Mutex<Vec<(String, Arc<Frame>)>>,
}

impl Slave for Keeper {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        self.seen.lock().unwrap().push((name, frame));
    }
}

#[test]
fn frames_are_delivered_on_the_loop_and_may_be_kept() {
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let keeper = Arc::new(Keeper::default());
    server.stream_master().add_slave(keeper.clone()).unwrap();
    let a = socket();
    for n in 0..50 {
        a.send_to(&[n; 3], address(&server)).unwrap();
    }
    wait_until("all arrive", || keeper.seen.lock().unwrap().len() == 50);
    for (n, (name, frame)) in (0..).zip(&*keeper.seen.lock().unwrap()) {
        assert_eq!((name.as_str(), frame.lock().to_vec()), ("udp::Server", vec![n; 3]));
    }
}

#[test]
fn endpoints_share_a_loop_if_they_are_given_one() {
    let event_loop = Arc::new(EventLoop::start("one_board", 0, Spin::default()).unwrap());
    let options = || UdpOptions { event_loop: Some(event_loop.clone()), ..UdpOptions::default() };
    let server = UdpEndpoint::server("127.0.0.1", 0, options()).unwrap();
    let client = UdpEndpoint::client("127.0.0.1", server.port(), options()).unwrap();
    let keeper = Arc::new(Keeper::default());
    server.stream_master().add_slave(keeper.clone()).unwrap();
    client.stream_master().add_slave(keeper.clone()).unwrap();
    send(&client, &[1]);
    wait_until("it arrives", || keeper.seen.lock().unwrap().len() == 1);
    send(&server, &[2]);
    wait_until("it arrives", || keeper.seen.lock().unwrap().len() == 2);
    assert!(keeper.seen.lock().unwrap().iter().all(|(name, _)| name == "one_board"));
    // The end of one does not concern the other.
    client.stop();
    let a = socket();
    a.send_to(&[3], address(&server)).unwrap();
    wait_until("it arrives", || keeper.seen.lock().unwrap().len() == 3);
    server.stop();
    drop(event_loop);
    wait_until("the loop ends with its last user", || threads_named("one_board").is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn sending_wakes_no_event_loop() {
    const QUIET: Duration = Duration::from_millis(100);
    let event_loop = Arc::new(EventLoop::start("udp_quiet", 0, Spin::default()).unwrap());
    let options = UdpOptions { event_loop: Some(event_loop), ..UdpOptions::default() };
    let a = socket();
    let client = UdpEndpoint::client("127.0.0.1", a.local_addr().unwrap().port(), options).unwrap();
    // A thread gives itself its name when it begins.
    wait_until("the loop runs", || threads_named("udp_quiet").len() == 1);
    send(&client, &[1]);
    receive(&a);
    let [thread] = threads_named("udp_quiet")[..] else { panic!("one thread") };
    let mut switches = context_switches(thread);
    wait_until("the loop sleeps", || {
        let_pass(QUIET);
        std::mem::replace(&mut switches, context_switches(thread)) == switches
    });
    for n in 0..100 {
        send(&client, &[n]);
        assert_eq!(receive(&a).0, [n]);
    }
    assert_eq!(context_switches(thread), switches);
}

#[test]
fn a_stopped_endpoint_gives_its_port_back_and_delivers_nothing() {
    let (server, peer) = server();
    let (port, at) = (server.port(), address(&server));
    server.stop();
    let successor = UdpEndpoint::server("127.0.0.1", port, UdpOptions::default()).unwrap();
    let (_successor, after) = observed(successor);
    socket().send_to(&[1], at).unwrap();
    after.wait(1);
    assert!(peer.seen().is_empty());
}

#[test]
fn f39_a_request_for_which_there_is_no_way_fails_at_once() {
    let (server, _) = server();
    let srp = SrpV3::new();
    stream::connect(&*srp, &*server).unwrap();
    let master = master_of(srp);
    let read = || failure(&launch(&master, TransactionType::Read, 0x40, vec![0; 4]));
    let text = read();
    assert!(text.contains("udp::Server at") && text.contains("peer is unknown"), "{text}");
    server.stop();
    let text = read();
    assert!(text.contains("udp::Server at") && text.contains("has been stopped"), "{text}");
    let burst = [0x40, 0x44].map(|address| (address, zeros(4)));
    for id in master.request_many(burst.into(), TransactionType::Read).unwrap() {
        let text = text_of(master.wait(id));
        assert!(text.contains("udp::Server at") && text.contains("has been stopped"), "{text}");
    }
    assert_eq!(server.stats().unsent, 0);
}

#[test]
fn an_endpoint_may_be_stopped_within_a_delivery() {
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let own = Arc::downgrade(&server);
    let peer = Peer::new(move |_, _| own.upgrade().unwrap().stop());
    server.stream_master().add_slave(peer.stream_slave()).unwrap();
    let a = socket();
    for n in 0..20 {
        // Fails when the port is closed already.
        let _ = a.send_to(&[n], address(&server));
    }
    peer.wait(1);
    wait_until("the socket is closed", || server.stats().receive_buffer_bytes == 0);
    assert_eq!(peer.seen().len(), 1, "nothing is delivered after the end");
}

#[test]
fn an_endpoint_lives_as_long_as_a_master_sends_to_it() {
    let a = socket();
    let (client, peer) = client_of(&a);
    let watch = Arc::downgrade(&client.stream_slave());
    drop(client);
    peer.send(&[1]);
    assert_eq!(receive(&a).0, [1]);
    peer.stream_master().stop();
    wait_until_freed(&watch);
}

#[test]
fn a_receiver_that_panics_harms_only_its_frame() {
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let peer = Peer::new(|_, bytes| assert_ne!(bytes, [1], "a test's panic"));
    server.stream_master().add_slave(peer.stream_slave()).unwrap();
    let a = socket();
    for n in [1, 2] {
        a.send_to(&[n], address(&server)).unwrap();
    }
    assert_eq!(peer.wait(2)[1].bytes, [2]);
}

#[test]
fn a_receive_buffer_is_granted_or_refused_in_words() {
    let (server, _) = server();
    let granted = server.set_receive_buffers(32).unwrap();
    assert!(granted >= 32 * 1500);
    assert_eq!(server.stats().receive_buffer_bytes, granted);
    let error = server.set_receive_buffers(u32::MAX).unwrap_err();
    assert_eq!(error.status(), Status::OutOfResources);
    assert!(error.text().contains("rmem_max"), "{error}");
    assert!(server.stats().receive_buffer_bytes > 0);
    assert_eq!(server.set_receive_buffers(0).unwrap_err().status(), Status::InvalidArgument);
    server.stop();
    assert_eq!(server.set_receive_buffers(1).unwrap_err().status(), Status::Stopped);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let (server, _) = server();
    let port = server.port();
    let options = UdpOptions::default;
    let error = UdpEndpoint::server("127.0.0.1", port, options()).unwrap_err();
    assert_eq!(error.status(), Status::Bind);
    assert!(error.text().contains(&format!("port {port}")), "{error}");
    let words = "another process may be using this port: Address already in use; choose another";
    assert!(error.text().contains(words), "{error}");
    let error = UdpEndpoint::server("192.0.2.1", 0, options()).unwrap_err();
    assert_eq!(error.status(), Status::Bind);
    // f62: no other process is to blame.
    assert!(error.text().contains("no interface of this host has that address"), "{error}");
    assert!(!error.text().contains("another process"), "{error}");
    for (address, status, words) in [
        ("fe80::1%no-such-if", Status::InvalidArgument, "no interface \"no-such-if\", but "),
        ("no-such-if.invalid", Status::Resolve, "neither an interface of this host, which has "),
    ] {
        let error = UdpEndpoint::server(address, port, options()).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        let begin = format!("Failed to bind to local port {port} at address {address}: ");
        assert!(error.text().starts_with(&begin), "{error}");
        assert!(error.text().contains(words), "{error}");
    }
    let error = UdpEndpoint::client("fe80::1%no-such-if", port, options()).unwrap_err();
    assert!(error.text().contains("no interface \"no-such-if\", but "), "{error}");
    let error = UdpEndpoint::client("127.0.0.1", 0, options()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    let error = UdpEndpoint::client("two words", 1, options()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    let error = UdpEndpoint::client("no-such-host.invalid", 1, options()).unwrap_err();
    assert_eq!(error.status(), Status::Resolve);
    assert!(error.text().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn threads_send_at_once_and_no_datagram_is_lost_or_torn() {
    const THREADS: u8 = 4;
    const FRAMES: u8 = 25;
    let (server, at_server) = server();
    let client = UdpEndpoint::client("127.0.0.1", server.port(), UdpOptions::default()).unwrap();
    thread::scope(|scope| {
        for t in 0..THREADS {
            let client = &client;
            scope.spawn(move || (0..FRAMES).for_each(|n| send(client, &[t, n, t, n])));
        }
    });
    let seen = at_server.wait(usize::from(THREADS * FRAMES));
    for t in 0..THREADS {
        let own = seen.iter().filter(|seen| seen.bytes[0] == t);
        let numbers: Vec<u8> = own.map(|seen| seen.bytes[1]).collect();
        assert_eq!(numbers, (0..FRAMES).collect::<Vec<_>>(), "each thread's in its order");
    }
    assert!(seen.iter().all(|seen| seen.bytes[..2] == seen.bytes[2..]));
}
