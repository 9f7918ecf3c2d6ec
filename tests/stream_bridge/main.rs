//! The stream bridge over real sockets: with itself, and with raw peers that speak as Rogue's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use rogue_mem::bridge::{
    StreamClient, StreamClientOptions, StreamLimits, StreamServer, StreamServerOptions,
};
use rogue_mem::stream::{connect, Buffer, Buffers, Frame, Node, Slave, SlaveBase};

use testkit::frames::Seen;
use testkit::wait::{wait_until, Gate};

mod access;
mod backpressure;
mod boards;
mod curve;
mod life;
mod paths;
mod peers;

/// A server at free ports.
fn server() -> Arc<StreamServer> {
    server_with(StreamServerOptions::default())
}

fn server_with(options: StreamServerOptions) -> Arc<StreamServer> {
    StreamServer::new("127.0.0.1", 0, options).unwrap()
}

/// A server at the ports of a former one.
fn server_at(port: u16) -> Arc<StreamServer> {
    let mut server = None;
    wait_until("the ports are free", || {
        server = StreamServer::new("127.0.0.1", port, StreamServerOptions::default()).ok();
        server.is_some()
    });
    server.unwrap()
}

fn client(port: u16) -> Arc<StreamClient> {
    client_with(port, StreamClientOptions::default())
}

fn client_with(port: u16, options: StreamClientOptions) -> Arc<StreamClient> {
    StreamClient::new("127.0.0.1", port, options).unwrap()
}

/// Options with a queue that is full after few frames.
fn small_queue(bytes: usize) -> StreamLimits {
    StreamLimits { queue_bytes_max: bytes, ..StreamLimits::default() }
}

fn wait_connected(server: &StreamServer, count: u64) {
    wait_until("the clients are connected", || server.stats().peers == count);
}

/// What a frame of these fields is received as.
fn seen(bytes: &[u8], flags: u16, channel: u8, error: u8) -> Seen {
    Seen { bytes: bytes.to_vec(), flags, channel, error }
}

fn frame(bytes: &[u8]) -> Arc<Frame> {
    Arc::new(Frame::from(bytes.to_vec()))
}

/// A frame with these fields.
fn frame_of(seen: &Seen) -> Arc<Frame> {
    let frame = frame(&seen.bytes);
    frame.set_flags(seen.flags);
    frame.set_channel(seen.channel);
    frame.set_error(seen.error);
    frame
}

/// Bytes that differ with `n` and with their place.
fn pattern(n: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (n * 31 + at * 7 + at / 251) as u8).collect()
}

/// A slave that takes frames only after its gate has been opened, and checks their order: each
/// begins with its number.
struct Counter {
    base: SlaveBase,
    gate: Arc<Gate>,
    next: AtomicUsize,
    /// Frames that did not come in their order. A panic of a slave would fail no test.
    misplaced: AtomicUsize,
}

impl Counter {
    fn new() -> Arc<Counter> {
        let counter = Counter::behind(Gate::new());
        counter.gate.open();
        counter
    }

    fn behind(gate: Arc<Gate>) -> Arc<Counter> {
        Arc::new(Counter {
            base: SlaveBase::new(),
            gate,
            next: AtomicUsize::new(0),
            misplaced: AtomicUsize::new(0),
        })
    }

    fn count(&self) -> usize {
        self.next.load(Ordering::SeqCst)
    }

    fn wait(&self, count: usize) {
        wait_until("all frames have come", || self.count() == count);
        assert_eq!(self.misplaced.load(Ordering::SeqCst), 0, "frames come in their order");
    }
}

impl Slave for Counter {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.gate.pass();
        let mut number = [0; 8];
        frame.lock().read_at(0, &mut number).unwrap();
        if usize::from_le_bytes(number) != self.count() {
            self.misplaced.fetch_add(1, Ordering::SeqCst);
        }
        self.next.fetch_add(1, Ordering::SeqCst);
    }
}

/// A frame of `size` bytes for a [`Counter`].
fn numbered(n: usize, size: usize) -> Arc<Frame> {
    let mut bytes = pattern(n, size.max(8));
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    frame(&bytes)
}

/// Sends `count` numbered frames from a thread of its own.
fn sending(slave: Arc<dyn Slave>, count: usize, size: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || (0..count).for_each(|n| slave.accept_frame(numbered(n, size))))
}

#[test]
fn frames_of_any_size_arrive_with_all_their_fields_in_both_directions() {
    let server = server();
    let (at_server, at_client) = (testkit::frames::Peer::silent(), testkit::frames::Peer::silent());
    connect(&*server, &*at_server).unwrap();
    let client = client(server.port());
    connect(&*client, &*at_client).unwrap();
    let sizes = [0, 1, 255, 256, 10_000, 16_383, 16_384, 65_536, 200_000, 9_000_000, 3];
    let sent: Vec<Seen> = sizes
        .iter()
        .enumerate()
        .map(|(n, &size)| seen(&pattern(n, size), 0x1234 ^ n as u16, n as u8, 0x80 | n as u8))
        .collect();
    let to_server = client.stream_slave();
    let to_client = server.stream_slave();
    let own = sent.clone();
    let sender =
        thread::spawn(move || own.iter().for_each(|one| to_server.accept_frame(frame_of(one))));
    sent.iter().for_each(|one| to_client.accept_frame(frame_of(one)));
    sender.join().unwrap();
    assert!(at_server.wait(sizes.len()) == sent, "from the client");
    assert!(at_client.wait(sizes.len()) == sent, "from the server");
    let total: usize = sizes.iter().sum();
    wait_until("all is sent", || server.stats().queued + client.stats().queued == 0);
    for stats in [server.stats(), client.stats()] {
        assert_eq!((stats.frames_in, stats.bytes_in), (sizes.len() as u64, total as u64));
        assert_eq!((stats.frames_out, stats.bytes_out), (sizes.len() as u64, total as u64));
        assert_eq!((stats.dropped_in, stats.dropped_out, stats.malformed), (0, 0, 0));
    }
    assert_eq!(server.stream_slave().base().frame_count(), sizes.len() as u64);
}

#[test]
fn a_frame_of_many_buffers_is_one_payload_and_a_pool_of_a_fixed_size_cuts_it_again() {
    let server = server();
    let at_server = testkit::frames::Peer::silent();
    connect(&*server, &*at_server).unwrap();
    server.stream_slave().base().pool().set_fixed_size(1000);
    let client = client(server.port());
    for size in [1, 999, 1000, 1001, 70_000, 300_000] {
        let payload = pattern(size, size);
        let mut buffers = Buffers::default();
        payload.chunks(20_000).for_each(|part| buffers.push(Buffer::from(part.to_vec())));
        client.stream_slave().accept_frame(Frame::with_buffers(buffers));
    }
    let sizes: Vec<usize> = at_server.wait(6).iter().map(|frame| frame.bytes.len()).collect();
    assert_eq!(sizes, [1, 999, 1000, 1001, 70_000, 300_000]);
    for frame in at_server.seen() {
        assert!(frame.bytes == pattern(frame.bytes.len(), frame.bytes.len()));
    }
    // The frames are gone, and with them their buffers.
    wait_until("no buffer is in use", || server.stream_slave().base().pool().alloc_count() == 0);
}

#[test]
fn what_others_do_with_a_shared_frame_after_it_was_sent_changes_nothing() {
    let server = server();
    let at_server = testkit::frames::Peer::silent();
    connect(&*server, &*at_server).unwrap();
    let client = client(server.port());
    let slave = client.stream_slave();
    for n in 0..100 {
        let shared = frame(&pattern(n, 30_000));
        slave.accept_frame(shared.clone());
        shared.lock().slices_mut().for_each(|part| part.fill(0xEE));
    }
    for (n, received) in at_server.wait(100).iter().enumerate() {
        assert!(received.bytes == pattern(n, 30_000), "frame {n}");
    }
}

#[test]
fn a_slave_that_panics_harms_no_later_frame() {
    let server = server();
    let panicking = testkit::frames::Peer::new(|_, bytes| assert!(bytes != b"panic", "wanted"));
    connect(&*server, &*panicking).unwrap();
    let client = client(server.port());
    for bytes in [&b"panic"[..], b"fine"] {
        client.stream_slave().accept_frame(frame(bytes));
    }
    assert_eq!(panicking.wait(2)[1].bytes, b"fine");
}

#[test]
fn bad_addresses_and_ports_are_refused_in_words() {
    let refused = |address: &str, port| {
        StreamClient::new(address, port, StreamClientOptions::default()).unwrap_err()
    };
    for (address, port) in [("127.0.0.1", 0), ("127.0.0.1", 65535), ("*", 9000), ("", 9000)] {
        let error = refused(address, port);
        assert_eq!(error.origin(), "stream::TcpCore::TcpCore");
        let text = format!("Failed to connect to remote port {port} at address {address}: ");
        assert!(error.text().starts_with(&text), "{}", error.text());
    }
    let first = server();
    let taken = StreamServer::new("127.0.0.1", first.port(), StreamServerOptions::default());
    let error = taken.unwrap_err();
    assert_eq!(error.origin(), "stream::TcpCore::TcpCore");
    assert!(error.text().contains("another process may be using this port"), "{}", error.text());
    let asked = format!("port {} was asked for", first.port());
    assert!(error.text().contains(&asked), "{}", error.text());
    let unknown = StreamServer::new("fe80::1%no-such-if", 0, StreamServerOptions::default());
    let error = unknown.unwrap_err();
    assert!(error.text().contains("no interface \"no-such-if\""), "{}", error.text());
}
