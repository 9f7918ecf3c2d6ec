//! Slow peers, and what their senders feel.

use std::time::Duration;

use super::*;

use testkit::raw::{properties_of, Item, RawClient};

/// More bytes than the queue and the socket buffers of both ends take.
const FLOOD_BYTES: usize = 64 << 20;
const FRAME_BYTES: usize = 10_000;
const FLOOD_COUNT: usize = FLOOD_BYTES / FRAME_BYTES;

/// Waits until nothing moves any more, and returns the number of frames that have been sent.
fn wait_until_stuck(sent: impl Fn() -> u64) -> u64 {
    let mut last = (0, 0);
    wait_until("nothing is taken any more", || {
        let now = sent();
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        // Looked at every millisecond.
        now > 0 && last.1 > 200
    });
    last.0
}

#[test]
fn a_slow_peer_makes_its_sender_wait_and_loses_nothing() {
    let (server, gate) = (server(), Gate::new());
    let slow = Counter::behind(gate.clone());
    server.stream_master().add_slave(slow.clone()).unwrap();
    let limits = small_queue(1 << 20);
    let client = client_with(server.port(), StreamClientOptions { limits, ..Default::default() });
    let sender = sending(client.stream_slave(), FLOOD_COUNT, FRAME_BYTES);
    gate.wait_arrived(1);
    let sent = wait_until_stuck(|| client.stats().frames_out);
    assert!(sent < FLOOD_COUNT as u64, "the sender has to wait");
    let queued = client.stats().queued as usize * FRAME_BYTES;
    assert!(queued <= (2 << 20), "{queued} bytes are queued");
    assert!(!sender.is_finished());
    gate.open();
    sender.join().unwrap();
    slow.wait(FLOOD_COUNT);
    assert_eq!(client.stats().dropped_out + server.stats().dropped_in, 0);
}

#[test]
fn a_stop_under_back_pressure_releases_the_sender_and_counts_what_is_lost() {
    for stops_server in [false, true] {
        let server = server();
        let client = client(server.port());
        let gate = Gate::new();
        let slow = Counter::behind(gate.clone());
        let (sender, receiver): (&dyn Node, &dyn Node) = match stops_server {
            true => (&*server, &*client),
            false => (&*client, &*server),
        };
        receiver.stream_master().add_slave(slow.clone()).unwrap();
        let stats = || if stops_server { server.stats() } else { client.stats() };
        let sending = sending(sender.stream_slave(), FLOOD_COUNT, FRAME_BYTES);
        gate.wait_arrived(1);
        wait_until_stuck(|| stats().frames_out);
        match stops_server {
            true => server.stop(),
            false => client.stop(),
        }
        sending.join().unwrap();
        let stats = stats();
        assert_eq!((stats.queued, stats.peers), (0, 0));
        assert_eq!(stats.frames_out + stats.dropped_out, FLOOD_COUNT as u64, "each is counted");
        gate.open();
        slow.wait(stats.frames_out as usize);
    }
}

#[test]
fn a_server_passes_over_a_client_that_does_not_read() {
    const COUNT: usize = FLOOD_COUNT / 4;
    let server = server();
    let mut stuck = RawClient::with_session(server.port(), 1);
    let client = client(server.port());
    let at_client = testkit::frames::Peer::silent();
    connect(&*client, &*at_client).unwrap();
    wait_connected(&server, 2);
    let slave = server.stream_slave();
    (0..COUNT).for_each(|n| slave.accept_frame(numbered(n, FRAME_BYTES)));
    // All have been accepted, so the rest lies in the buffers of the other client.
    let quick = wait_until_stuck(|| client.stats().frames_in) as usize;
    assert!(quick > COUNT / 2, "{quick} of {COUNT}");
    let number = |bytes: &[u8]| usize::from_le_bytes(bytes[..8].try_into().unwrap());
    let mut all: Vec<usize> =
        at_client.wait(quick).iter().map(|frame| number(&frame.bytes)).collect();
    for _ in quick..COUNT {
        let Item::Message(parts) = stuck.response.item() else { panic!("no message") };
        all.push(number(&parts[3]));
    }
    all.sort_unstable();
    assert_eq!(all, (0..COUNT).collect::<Vec<_>>(), "each frame went to one of them");
}

#[test]
fn a_slave_that_sends_each_frame_back_is_slowed_down_by_a_peer_that_does_not_read() {
    let limits = small_queue(1 << 20);
    let server = server_with(StreamServerOptions { limits, ..Default::default() });
    let echo = server.stream_slave();
    server.stream_master().add_slave(echo).unwrap();
    let mut peer = RawClient::connect(server.port(), &properties_of(&format!("{:032x}", 7)));
    let mut sender = peer.request.stream.try_clone().unwrap();
    let sending = thread::spawn(move || {
        for n in 0..FLOOD_COUNT {
            let bytes = numbered(n, FRAME_BYTES).lock().to_vec();
            let octets = testkit::raw::message(&[&[0; 2], &[0], &[0], &bytes]);
            std::io::Write::write_all(&mut sender, &octets).unwrap();
        }
    });
    let received = wait_until_stuck(|| server.stats().frames_in);
    assert!(received < FLOOD_COUNT as u64, "it has to wait");
    let queued = server.stats().queued as usize * FRAME_BYTES;
    assert!(queued <= (2 << 20), "{queued} bytes are queued");
    for n in 0..FLOOD_COUNT {
        let Item::Message(parts) = peer.response.item() else { panic!("no message") };
        assert_eq!(parts[3][..8], n.to_le_bytes());
    }
    sending.join().unwrap();
    assert_eq!(server.stats().dropped_out, 0);
}

#[test]
fn two_bridges_that_pass_on_each_others_frames_do_not_wait_for_each_other() {
    // Frames go from both ends through both bridges, whose queues are small.
    let limits = small_queue(100_000);
    let (left, right) = (server(), server());
    let options = StreamClientOptions { limits, ..Default::default() };
    let (inner_left, inner_right) =
        (client_with(left.port(), options.clone()), client_with(right.port(), options));
    connect(&*inner_left, &*inner_right).unwrap();
    let counters = [Counter::new(), Counter::new()];
    left.stream_master().add_slave(counters[0].clone()).unwrap();
    right.stream_master().add_slave(counters[1].clone()).unwrap();
    let senders = [&left, &right].map(|server| sending(server.stream_slave(), 5000, FRAME_BYTES));
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    counters.iter().for_each(|counter| counter.wait(5000));
    for client in [&inner_left, &inner_right] {
        assert_eq!(client.stats().dropped_out, 0);
    }
}

#[test]
fn a_sender_with_a_limited_wait_drops_its_frame_and_says_so() {
    let limits =
        StreamLimits { send_wait_max: Some(Duration::from_millis(1)), ..StreamLimits::default() };
    let server = server_with(StreamServerOptions { limits, ..Default::default() });
    server.stream_slave().accept_frame(frame(b"lost"));
    assert_eq!(server.stats().dropped_out, 1);
    let client = client(server.port());
    let at_client = testkit::frames::Peer::silent();
    connect(&*client, &*at_client).unwrap();
    wait_connected(&server, 1);
    server.stream_slave().accept_frame(frame(b"kept"));
    assert_eq!(at_client.wait(1)[0].bytes, b"kept");
}
