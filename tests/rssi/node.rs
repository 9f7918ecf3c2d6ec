//! Two endpoints back to back: connected directly, and through a wire that loses datagrams.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::memory::TransactionType;
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{
    LinkChange, RssiEndpoint, RssiOptions, RssiParameters, SrpV3, SrpV3Emulation,
};
use rogue_mem::stream::{
    self, Buffers, Dispatch, Fanout, Frame, Master, Node, Port, Slave, SlaveBase,
};
use rogue_mem::Status;
use testkit::bus::{master_of, text_of};
use testkit::frames::Peer;
use testkit::process::threads_named;
use testkit::wait::{let_pass, wait_until, Gate, LONG};

use crate::wire::{attach, direct_pair, message, pair, pair_with, sender_of, start, Wire};

#[test]
fn frames_arrive_in_order_in_both_directions() {
    let (client, server) = direct_pair();
    let peers = [Peer::silent(), Peer::silent()];
    attach(&client, &peers[0]);
    attach(&server, &peers[1]);
    for number in 0..200 {
        peers[0].send(&message(number));
        peers[1].send(&message(1000 + number));
    }
    for (peer, first) in [(&peers[1], 0), (&peers[0], 1000)] {
        let seen = peer.wait(200);
        for (number, frame) in (first..).zip(seen) {
            assert_eq!(frame.bytes, message(number));
            assert_eq!((frame.flags, frame.channel, frame.error), (0, 0, 0));
        }
    }
    for endpoint in [&client, &server] {
        let stats = endpoint.stats();
        assert_eq!((stats.open, stats.open_count, stats.frames_in), (1, 1, 200));
        // What is acknowledged late is sent again.
        let dropped = stats.drop_count - stats.dropped_duplicate;
        assert_eq!((stats.frames_out, dropped, stats.unsent), (200, 0, 0));
        assert!(!stats.round_trip_p50.is_zero() && stats.round_trip_p99 >= stats.round_trip_p50);
    }
    client.stop();
    wait_until("the server learns of the RST", || !server.is_open());
}

#[test]
fn frames_arrive_once_and_in_order_over_a_wire_that_loses_repeats_and_exchanges_them() {
    for seed in 0..3 {
        let parameters = RssiParameters { max_retran: 60, ..RssiParameters::default() };
        let (client, server) = pair_with(&RssiOptions { parameters, ..RssiOptions::default() });
        let _wire = Wire::between(&client, &server, seed, 100);
        let peers = [Peer::silent(), Peer::silent()];
        attach(&client, &peers[0]);
        attach(&server, &peers[1]);
        start(&client, &server);
        const COUNT: u32 = 500;
        std::thread::scope(|scope| {
            for peer in &peers {
                scope.spawn(move || (0..COUNT).for_each(|number| peer.send(&message(number))));
            }
        });
        for peer in &peers {
            let seen = peer.wait(COUNT as usize);
            assert!(
                (0..).zip(&seen).all(|(number, frame)| frame.bytes == message(number)),
                "{seed}"
            );
        }
        assert!(client.stats().retran_count > 0 && server.stats().drop_count > 0, "seed {seed}");
        assert_eq!((client.stats().open_count, server.stats().open_count), (1, 1), "seed {seed}");
    }
}

#[test]
fn a_receiver_that_sends_within_a_delivery_does_not_block_the_link() {
    let (client, server) = direct_pair();
    // Three frames for each one: far more than the window.
    let echo = Peer::new(|peer, bytes| (0..3).for_each(|_| peer.send(bytes)));
    let peer = Peer::silent();
    attach(&server, &echo);
    attach(&client, &peer);
    const COUNT: u32 = 500;
    (0..COUNT).for_each(|number| peer.send(&message(number)));
    let seen = peer.wait(3 * COUNT as usize);
    for (index, frame) in (0..).zip(seen) {
        assert_eq!(frame.bytes, message(index / 3));
    }
    assert_eq!(server.stats().unsent, 0);
}

#[test]
fn a_sender_waits_while_the_window_is_full_and_is_released_by_acknowledges_and_by_stop() {
    let (client, server) = pair();
    let wire = Wire::between(&client, &server, 1, 0);
    start(&client, &server);
    let peer = Peer::silent();
    attach(&server, &peer);
    wire.set_cut(true);
    let master = sender_of(&client);
    let sent = Arc::new(Mutex::new(0));
    let count = sent.clone();
    let thread = std::thread::spawn(move || {
        for number in 0..100u32 {
            master.send_frame(Arc::new(Frame::from(message(number))));
            *count.lock().unwrap() += 1;
        }
    });
    wait_until("the window is full", || client.stats().outstanding == 32);
    wire.set_cut(false);
    thread.join().unwrap();
    let seen = peer.wait(100);
    assert!((0..).zip(&seen).all(|(number, frame)| frame.bytes == message(number)));
    wait_until("all is acknowledged", || client.stats().outstanding == 0);
    wire.set_cut(true);
    let master = sender_of(&client);
    let thread = std::thread::spawn(move || {
        (0..100u32).for_each(|number| {
            master.send_frame(Arc::new(Frame::from(message(number))));
        });
    });
    wait_until("the window is full", || client.stats().outstanding == 32);
    client.stop();
    thread.join().unwrap();
    assert!(client.stats().unsent > 0 && *sent.lock().unwrap() == 100);
}

/// Hands the messages to `master` together.
fn send_together(master: &Master, numbers: std::ops::Range<u32>) {
    let mut frames: Vec<Dispatch> =
        numbers.map(|number| Arc::new(Frame::from(message(number))).into()).collect();
    master.send_frames_by(&mut Fanout::default(), &mut frames);
    let dropped: Vec<_> = frames.iter().filter_map(|dispatch| dispatch.dropped.as_ref()).collect();
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn a_burst_larger_than_window_and_queue_arrives_once_and_in_order_over_a_lossy_wire() {
    for seed in 0..2 {
        let parameters = RssiParameters { max_retran: 60, ..RssiParameters::default() };
        let (client, server) = pair_with(&RssiOptions { parameters, ..RssiOptions::default() });
        let _wire = Wire::between(&client, &server, seed, 50);
        let peer = Peer::silent();
        attach(&server, &peer);
        start(&client, &server);
        let master = sender_of(&client);
        (0..4).for_each(|burst| send_together(&master, 100 * burst..100 * (burst + 1)));
        let seen = peer.wait(400);
        assert!((0..).zip(&seen).all(|(number, frame)| frame.bytes == message(number)), "{seed}");
        assert_eq!((client.stats().frames_out, client.stats().unsent), (400, 0));
    }
}

#[test]
fn segments_that_may_leave_at_once_leave_together_and_a_window_of_frames_is_queued_behind_them() {
    let (client, server) = pair();
    let wire = Wire::between(&client, &server, 1, 0);
    start(&client, &server);
    let peer = Peer::silent();
    attach(&server, &peer);
    wire.set_cut(true);
    let master = sender_of(&client);
    // In this thread: it waits for nothing.
    send_together(&master, 0..64);
    assert_eq!((client.stats().outstanding, client.stats().queued), (32, 32));
    // If the event loop is just sending an acknowledge, it sends them, maybe in two parts.
    let together = || wire.directions[0].together.lock().unwrap().clone();
    wait_until("they have left", || together().iter().sum::<usize>() == 32);
    assert!(together().len() <= 2, "{:?}", together());
    wire.set_cut(false);
    let seen = peer.wait(64);
    assert!((0..).zip(&seen).all(|(number, frame)| frame.bytes == message(number)));
}

/// Keeps a copy of each datagram.
#[derive(Default)]
struct Copies {
    base: SlaveBase,
    datagrams: Mutex<Vec<Vec<u8>>>,
}

impl Slave for Copies {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let bytes = frame.lock().to_vec();
        self.datagrams.lock().unwrap().push(bytes);
    }
}

#[test]
fn f75_segments_that_come_together_behind_a_missing_one_ask_for_it_one_by_one() {
    const HEADER_BYTES: usize = 8;
    /// The peer repeats a segment for which three acknowledges in a row ask.
    const ENOUGH: usize = 3;
    let (client, server) = pair();
    let wire = Wire::between(&client, &server, 0, 0);
    start(&client, &server);
    wire.set_cut(true);
    let [sent, answers] = [&client, &server].map(|endpoint| {
        let copies = Arc::new(Copies::default());
        endpoint.transport().stream_master().add_slave(copies.clone()).unwrap();
        copies
    });
    send_together(&sender_of(&client), 0..8);
    // The event loop may be at work on the link: it sends them then.
    let mut segments = Vec::new();
    wait_until("the segments leave", || {
        segments.append(&mut *sent.datagrams.lock().unwrap());
        segments.retain(|datagram| datagram.len() > HEADER_BYTES);
        segments.len() >= 8
    });
    segments.truncate(8);
    let mut late: Vec<Dispatch> =
        segments.drain(1..).map(|bytes| Arc::new(Frame::from(bytes)).into()).collect();
    server.transport().stream_slave().accept_frames(&mut late);
    // The event loop may be at work on the link: it takes them over then. Nothing else asks for any, because
    // the wire is cut.
    let is_bare = |datagram: &&Vec<u8>| datagram.len() == HEADER_BYTES;
    wait_until("acknowledges for all segments", || {
        answers.datagrams.lock().unwrap().iter().filter(is_bare).count() >= ENOUGH
    });
}

/// Senders sleep until a part of the window is free. A report of their wait would wake them too.
#[test]
fn a_sender_goes_on_with_every_window_and_every_number_of_segments_acknowledged_together() {
    for (window, together) in [(1, 1), (2, 2), (3, 1), (4, 4), (8, 3), (8, 8), (32, 2), (32, 30)] {
        let (client, server) = pair();
        let _wire = Wire::between(&client, &server, 1, 0);
        let parameters =
            RssiParameters { max_buffers: window, max_cum_ack: together, ..client.local() };
        client.set_local(parameters).unwrap();
        client.set_timeout(2 * LONG);
        start(&client, &server);
        let peer = Peer::silent();
        attach(&server, &peer);
        let master = sender_of(&client);
        let threads = [0, 1].map(|_| {
            let master = master.clone();
            std::thread::spawn(move || {
                (0..200u32).for_each(|number| {
                    master.send_frame(Arc::new(Frame::from(message(number))));
                });
            })
        });
        peer.wait(400);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        client.stop();
        server.stop();
    }
}

#[test]
fn stop_returns_while_a_receiver_blocks_and_the_link_can_be_started_again() {
    let (client, server) = pair();
    let _wire = Wire::between(&client, &server, 1, 0);
    let gate = Gate::new();
    let blocked = gate.clone();
    let blocking = Peer::new(move |_, _| blocked.pass());
    attach(&server, &blocking);
    start(&client, &server);
    let master = sender_of(&client);
    master.send_frame(Arc::new(Frame::from(vec![1])));
    gate.wait_arrived(1);
    server.stop();
    server.stop();
    assert!(!server.is_open());
    gate.open();
    wait_until("the client has noticed it", || !client.is_open());
    server.start().unwrap();
    client.wait_open(LONG).unwrap();
    server.wait_open(LONG).unwrap();
    master.send_frame(Arc::new(Frame::from(vec![2])));
    assert_eq!(blocking.wait(2)[1].bytes, [2]);
}

#[test]
fn f37_an_endpoint_that_is_started_again_knows_no_deadline_of_its_former_thread() {
    let client = RssiEndpoint::client(RssiOptions::default()).unwrap();
    let weak = Arc::downgrade(&client);
    let syns = AtomicU64::new(0);
    // The deadline of the first SYN has passed, and the thread has not looked for the next one.
    let restarting = Peer::new(move |_, bytes| {
        if bytes[0] & 0x80 != 0 && syns.fetch_add(1, Ordering::SeqCst) == 0 {
            let client = weak.upgrade().unwrap();
            client.stop();
            client.start().unwrap();
        }
    });
    stream::connect(&client.transport(), &*restarting).unwrap();
    client.start().unwrap();
    let flags: Vec<_> =
        restarting.wait(3).iter().take(3).map(|datagram| datagram.bytes[0]).collect();
    assert_eq!(flags, [0x80, 0x10, 0x80], "SYN, RST, and the next SYN");
    client.stop();
}

#[test]
fn a_receiver_that_blocks_makes_its_end_busy_and_loses_nothing() {
    let (client, server) = pair();
    let _wire = Wire::between(&client, &server, 1, 0);
    let gate = Gate::new();
    let blocked = gate.clone();
    let slow = Peer::new(move |_, _| blocked.pass());
    attach(&server, &slow);
    start(&client, &server);
    let master = sender_of(&client);
    for number in 0..10 {
        master.send_frame(Arc::new(Frame::from(message(number))));
    }
    gate.wait_arrived(1);
    wait_until("the client knows", || client.stats().remote_busy == 1);
    let text = client.application().stream_slave().explain_silence().unwrap();
    assert!(text.contains("rssi::Client: the peer is busy"), "{text}");
    // Longer than the 300 ms after which a peer that says nothing is given up.
    let_pass(Duration::from_millis(700));
    assert!(client.is_open() && server.is_open());
    gate.open();
    let seen = slow.wait(10);
    assert!((0..).zip(&seen).all(|(number, frame)| frame.bytes == message(number)));
    wait_until("it is free again", || client.stats().remote_busy == 0);
    assert!(
        !server.stats().local_busy_time.is_zero() && !client.stats().remote_busy_time.is_zero()
    );
    assert_eq!((client.stats().down_count, server.stats().down_count), (0, 0));
}

#[test]
fn observers_learn_of_a_lost_link_in_words_and_of_the_next_one() {
    let (client, server) = pair();
    let wire = Wire::between(&client, &server, 1, 0);
    let changes = Arc::new(Mutex::new(Vec::new()));
    let seen = changes.clone();
    client.observe(Some(Arc::new(move |change: &LinkChange| {
        seen.lock().unwrap().push(change.clone());
    })));
    start(&client, &server);
    let master = sender_of(&client);
    let peer = Peer::silent();
    attach(&server, &peer);
    wire.set_cut(true);
    master.send_frame(Arc::new(Frame::from(vec![1])));
    wait_until("it is closed", || !client.is_open() && !server.is_open());
    let error = client.wait_open(Duration::ZERO).unwrap_err();
    assert_eq!(error.status(), Status::Timeout);
    assert!(error.text().contains("did not acknowledge"), "{error}");
    master.send_frame(Arc::new(Frame::from(vec![2])));
    assert_eq!(client.stats().unsent, 1, "without a link a frame is dropped");
    wire.set_cut(false);
    client.wait_open(LONG).unwrap();
    server.wait_open(LONG).unwrap();
    master.send_frame(Arc::new(Frame::from(vec![3])));
    assert_eq!(peer.wait(1)[0].bytes, [3]);
    wait_until("the observer has been told", || changes.lock().unwrap().len() == 3);
    let changes = changes.lock().unwrap().clone();
    let opens: Vec<_> = changes.iter().map(|change| change.is_open).collect();
    assert_eq!(opens, [true, false, true]);
    assert!(changes[1].text.starts_with("rssi::Client: the link is closed: the peer did not"));
    assert_eq!(client.last_closure().as_ref(), Some(&changes[1].text));
}

#[test]
fn requests_over_a_lost_link_fail_at_once_with_the_name_of_the_layer() {
    let (client, server) = pair();
    let wire = Wire::between(&client, &server, 1, 0);
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.application()).unwrap();
    let device = SrpV3Emulation::new().unwrap();
    stream::connect(&server.application(), &*device).unwrap();
    let master = master_of(srp.clone());
    let write = || master.write(0x100, &[1, 2, 3, 4]);
    let text = text_of(write());
    assert!(text.contains("rssi::Client: the link is not started"), "{text}");
    start(&client, &server);
    write().unwrap();
    wire.set_cut(true);
    let text = text_of(write());
    assert!(text.contains("rssi::Client: the link is closed: the peer did not"), "{text}");
    wire.set_cut(false);
    client.wait_open(LONG).unwrap();
    server.wait_open(LONG).unwrap();
    write().unwrap();
    device.stop();
}

/// The way from a requester to `client`. It closes the link between the look whether it is open and
/// the frame, and opens it again behind the frame.
struct Flicker {
    base: SlaveBase,
    client: Arc<RssiEndpoint>,
    application: Arc<dyn Slave>,
    is_due: AtomicBool,
}

impl Slave for Flicker {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_req(&self, size: u32, zero_copy: bool) -> rogue_mem::error::Result<Arc<Frame>> {
        if self.is_due.load(Ordering::SeqCst) {
            self.client.stop();
        }
        self.application.accept_req(size, zero_copy)
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.application.accept_frame(frame);
        if self.is_due.swap(false, Ordering::SeqCst) {
            self.client.start().unwrap();
            self.client.wait_open(LONG).unwrap();
        }
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        self.application.obstacle(link)
    }
}

/// An `SrpV3` over a link that is lost, and opens again, while its first request is sent.
fn flickering() -> (Arc<RssiEndpoint>, Arc<RssiEndpoint>, Arc<SrpV3>) {
    let (client, server) = direct_pair();
    let port = client.application();
    let flicker = Arc::new(Flicker {
        base: SlaveBase::new(),
        client: client.clone(),
        application: port.stream_slave(),
        is_due: AtomicBool::new(true),
    });
    let srp = SrpV3::new();
    stream::connect(&*srp, &Port::new(port.stream_master(), flicker)).unwrap();
    (client, server, srp)
}

#[test]
fn f38_a_request_that_was_dropped_fails_at_once_although_the_link_is_open_again() {
    let (client, _server, srp) = flickering();
    let text = text_of(master_of(srp.clone()).write(0x100, &[1, 2, 3, 4]));
    assert!(text.contains("rssi::Client: the link is closed: this end was stopped"), "{text}");
    assert!(text.contains("Whether the request was carried out is not known"), "{text}");
    assert_eq!((client.stats().unsent, client.is_open()), (1, true));
    srp.stop();
}

#[test]
fn f38_requests_made_together_fail_at_once_with_the_link_that_was_lost_while_they_were_sent() {
    let (client, _server, srp) = flickering();
    let master = master_of(srp.clone());
    let burst = |address| (address, vec![1, 2, 3, 4].into());
    let ids = master
        .request_many([0x100, 0x104, 0x108].map(burst).into(), TransactionType::Write)
        .unwrap();
    for id in ids {
        let text = text_of(master.wait(id));
        assert!(text.contains("rssi::Client: the link is closed: this end was stopped"), "{text}");
        assert!(text.contains("Whether the request was carried out is not known"), "{text}");
    }
    // Those that have failed by the time that they would leave do not leave either.
    assert!((1..=3).contains(&client.stats().unsent) && client.is_open());
    srp.stop();
}

#[test]
fn a_client_without_a_server_says_what_to_check() {
    let client = RssiEndpoint::client(RssiOptions::default()).unwrap();
    let error = client.wait_open(Duration::ZERO).unwrap_err();
    assert_eq!(error.status(), Status::Stopped);
    client.start().unwrap();
    let error = client.wait_open(Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.status(), Status::Timeout);
    assert!(error.text().contains("no peer has opened the link yet"), "{error}");
    client.stop();
}

#[test]
fn frames_that_do_not_fit_are_refused_and_those_in_pieces_are_joined() {
    let parameters = RssiParameters { max_segment: 108, ..RssiParameters::default() };
    let (client, server) = pair_with(&RssiOptions { parameters, ..RssiOptions::default() });
    stream::connect(&client.transport(), &server.transport()).unwrap();
    start(&client, &server);
    let peer = Peer::silent();
    attach(&server, &peer);
    let master = sender_of(&client);
    assert_eq!(client.payload_max(), 100);
    let frame = master.req_frame(2000, true).unwrap();
    let buffers = frame.lock();
    assert_eq!((buffers.count(), buffers.size()), (1, 100));
    drop(buffers);
    let errored = Arc::new(Frame::from(vec![1]));
    errored.set_error(1);
    for frame in [Frame::from(vec![1; 101]), Frame::from(Vec::new())] {
        master.send_frame(Arc::new(frame));
    }
    master.send_frame(errored);
    let mut pieces = Buffers::default();
    pieces.push(vec![1, 2].into());
    pieces.push(vec![3; 98].into());
    master.send_frame(Frame::with_buffers(pieces));
    let seen = peer.wait(1);
    assert_eq!(seen[0].bytes, [&[1, 2][..], &[3; 98]].concat());
    assert_eq!((client.stats().unsent, client.stats().frames_out), (3, 1));
}

#[test]
fn parameters_are_set_checked_and_agreed_on() {
    let (client, server) = pair();
    let null_timeout = Duration::from_secs(3);
    let own = RssiParameters { max_segment: 1000, null_timeout, ..client.local() };
    client.set_local(RssiParameters { max_buffers: 16, ..own }).unwrap();
    server.set_local(RssiParameters { max_segment: 500, ..server.local() }).unwrap();
    for (name, wrong) in [
        ("locMaxBuffers", RssiParameters { max_buffers: 0, ..own }),
        ("locMaxSegment", RssiParameters { max_segment: 8, ..own }),
        ("locNullTout", RssiParameters { null_timeout: Duration::from_secs(66), ..own }),
        ("locTryPeriod", RssiParameters { try_period: Duration::from_micros(1), ..own }),
    ] {
        let error = client.set_local(wrong).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(error.text().contains(name), "{error}");
    }
    assert_eq!(client.current().max_buffers, 16, "the local one before the first link");
    stream::connect(&client.transport(), &server.transport()).unwrap();
    start(&client, &server);
    for endpoint in [&client, &server] {
        let current = endpoint.current();
        assert_eq!((current.max_buffers, current.max_segment), (16, 500));
        assert_eq!(current.null_timeout, null_timeout);
        assert_eq!(endpoint.payload_max(), 492);
    }
    client.set_local(RssiParameters { max_buffers: 4, ..own }).unwrap();
    assert_eq!((client.local().max_buffers, client.current().max_buffers), (4, 16));
    let parameters = RssiParameters { max_segment: 8, ..RssiParameters::default() };
    let options = RssiOptions { parameters, ..RssiOptions::default() };
    assert_eq!(RssiEndpoint::server(options).unwrap_err().status(), Status::InvalidArgument);
}

/// How often a thread has gone to sleep by itself.
fn sleeps(thread: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn an_idle_link_on_one_loop_wakes_for_its_null_segments_only() {
    let event_loop = Arc::new(EventLoop::start("idle_link", 0, Spin::Never).unwrap());
    let options = RssiOptions { event_loop: Some(event_loop), ..RssiOptions::default() };
    let (client, server) = pair_with(&options);
    let nulls = Arc::new(AtomicU64::new(0));
    let count = nulls.clone();
    let tap = Peer::new(move |_, bytes| {
        count.fetch_add(u64::from(bytes[0] & 0x08 != 0), Ordering::SeqCst);
    });
    stream::connect(&client.transport(), &server.transport()).unwrap();
    for endpoint in [&client, &server] {
        endpoint.transport().stream_master().add_slave(tap.stream_slave()).unwrap();
    }
    start(&client, &server);
    let thread = threads_named("idle_link")[0];
    let nulls_now = || nulls.load(Ordering::SeqCst);
    wait_until("the link is idle", || nulls_now() > 0);
    let (slept, before) = (sleeps(thread), nulls_now());
    wait_until("some null segments", || nulls_now() >= before + 6);
    let (slept, nulls) = (sleeps(thread) - slept, nulls_now() - before);
    // Each may also have waited for the lock of the frames that this test keeps.
    assert!(slept <= nulls + 3, "{slept} wake-ups for {nulls} null segments");
}

#[test]
fn datagrams_of_strangers_are_counted_and_harmless() {
    let (client, server) = direct_pair();
    let stranger = Master::new();
    stranger.add_slave(server.transport().stream_slave()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for _ in 0..1000 {
        let bytes = rng.random_range(0..40);
        let mut datagram: Vec<u8> = (0..bytes).map(|_| rng.random()).collect();
        datagram.iter_mut().take(1).for_each(|flags| *flags &= 0x7F);
        stranger.send_frame(Arc::new(Frame::from(datagram)));
    }
    let errored = Arc::new(Frame::from(vec![0; 8]));
    errored.set_error(1);
    stranger.send_frame(errored);
    assert!(client.is_open() && server.is_open());
    let stats = server.stats();
    assert!(stats.drop_count >= 990, "{stats:?}");
    assert_eq!(stats.dropped_errored, 1);
    server.reset_counters();
    assert_eq!((server.stats().drop_count, server.stats().dropped_errored), (0, 0));
    let peer = Peer::silent();
    attach(&server, &peer);
    sender_of(&client).send_frame(Arc::new(Frame::from(vec![5])));
    assert_eq!(peer.wait(1)[0].bytes, [5]);
}

#[test]
fn an_endpoint_ends_with_its_last_owner() {
    let (client, server) = direct_pair();
    let application = client.application();
    let master = sender_of(&client);
    let peer = Peer::silent();
    attach(&server, &peer);
    drop((client, application));
    master.send_frame(Arc::new(Frame::from(vec![5])));
    assert_eq!(peer.wait(1)[0].bytes, [5], "a master that sends to it keeps it");
    drop(master);
    wait_until("the server learns of its end", || !server.is_open());
}
