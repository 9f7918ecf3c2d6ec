//! The road to a board in one object, over real sockets: registers through it, the text of each
//! layer that fails, a link that is cut and restored.

use std::net::UdpSocket;
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Master, TransactionType};
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{
    LinkChange, PacketizerVersion, SrpV3, SrpV3Emulation, SrpV3EmulationOptions, UdpRssiPack,
    UdpRssiPackOptions,
};
use rogue_mem::stream::{self, Frame, Node};
use rogue_mem::Status;
use testkit::bus::{failure, launch, master_of, text_of, zeros, Caller};
use testkit::process::threads_named;
use testkit::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);
const LOCALHOST: &str = "127.0.0.1";

fn with(version: PacketizerVersion, jumbo: bool) -> UdpRssiPackOptions {
    UdpRssiPackOptions { jumbo, version, ..UdpRssiPackOptions::default() }
}

/// A board: the server's end with an emulated device on destination 0.
fn board(port: u16, options: UdpRssiPackOptions) -> Arc<UdpRssiPack> {
    let server = UdpRssiPack::server(LOCALHOST, port, options).unwrap();
    let device = SrpV3Emulation::new().unwrap();
    stream::connect(&*device, &server.application(0)).unwrap();
    server
}

/// A client of the server at `port`, and a master that requests over its destination 0.
fn client(port: u16, options: UdpRssiPackOptions) -> (Arc<UdpRssiPack>, Master) {
    let client = UdpRssiPack::client(LOCALHOST, port, options).unwrap();
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.application(0)).unwrap();
    let master = master_of(srp);
    master.set_timeout(PATIENCE);
    (client, master)
}

#[test]
fn registers_and_blocks_cross_the_road_in_both_versions_and_sizes() {
    for version in [PacketizerVersion::V1, PacketizerVersion::V2] {
        for jumbo in [false, true] {
            let options = with(version, jumbo);
            let server = board(0, options.clone());
            let (client, master) = client(server.udp().port(), options);
            client.wait_open(PATIENCE).unwrap();
            for size in [4, 64, 1440, 4096] {
                let block: Vec<u8> = (0..size).map(|n| (n * 7 + size) as u8).collect();
                master.write(0x1000, &block).unwrap();
                assert_eq!(master.read(0x1000, size as u32).unwrap(), block);
            }
            assert!(server.is_open() && client.is_open());
            let stats = client.stats();
            assert_eq!((stats.open, stats.open_count, stats.down_count), (1, 1, 0));
            assert!(!stats.round_trip_p50.is_zero() && stats.frames_in >= 8, "{stats:?}");
            let segment_max = if jumbo { 8964 - 8 } else { 1464 - 8 };
            assert_eq!(client.rssi().payload_max(), segment_max);
            client.stop();
            server.stop();
        }
    }
}

#[test]
fn f39_a_request_over_a_road_that_was_stopped_fails_at_once() {
    let server = board(0, UdpRssiPackOptions::default());
    let (client, master) = client(server.udp().port(), UdpRssiPackOptions::default());
    client.wait_open(PATIENCE).unwrap();
    master.write(0x1000, &[1, 2, 3, 4]).unwrap();
    client.stop();
    let text = failure(&launch(&master, TransactionType::Read, 0x1000, vec![0; 4]));
    let port = server.udp().port();
    let expected = format!("UdpRssiPack to 127.0.0.1:{port} was stopped: make a new one");
    assert!(text.contains("0x1000") && text.contains(&expected), "{text}");
    let error = client.wait_open(PATIENCE).unwrap_err();
    assert_eq!((error.status(), error.text()), (Status::Stopped, &*expected));
    server.stop();
}

#[test]
fn f80_requests_between_two_versions_of_the_packetizer_say_so() {
    let versions = [(PacketizerVersion::V1, "version 1"), (PacketizerVersion::V2, "version 2")];
    for ((own, own_text), (other, other_text)) in
        [(versions[0], versions[1]), (versions[1], versions[0])]
    {
        let server = board(0, with(other, false));
        let (client, master) = client(server.udp().port(), with(own, false));
        client.wait_open(PATIENCE).unwrap();
        let read = || {
            master.set_timeout(Duration::from_millis(20));
            text_of(master.read(0x1000, 4))
        };
        let text = read();
        assert!(
            text.contains(&format!("which speaks {own_text}, has received no packet")),
            "{text}"
        );
        wait_until("the server sees it", || server.stats().dropped_version > 0);
        let frame = Arc::new(Frame::from(vec![1; 4]));
        server.application(1).stream_slave().accept_frame(frame);
        wait_until("the client sees it", || client.stats().dropped_version > 0);
        let text = read();
        let expected = format!("it is of {other_text}, and this end speaks {own_text}");
        assert!(text.contains(&expected), "{text}");
        let stats = client.stats();
        assert_eq!(stats.dropped_packets, stats.dropped_version);
        client.stop();
        server.stop();
    }
}

/// The server of a bridge queues what the link cannot take yet. With so many requests neither end of
/// the link may wait for the other to take frames first.
#[test]
fn f58_a_bridge_passes_any_number_of_requests_to_a_board() {
    const REQUESTS_COUNT: usize = 6000;
    let server = board(0, UdpRssiPackOptions::default());
    let (board, registers) = client(server.udp().port(), UdpRssiPackOptions::default());
    board.wait_open(PATIENCE).unwrap();
    let options = ServerOptions { window: 2 * REQUESTS_COUNT, ..ServerOptions::default() };
    let bridge = TcpServer::new(LOCALHOST, 0, options).unwrap();
    bridge.master().set_slave(registers.slave());
    bridge.master().set_timeout(PATIENCE);

    let options = ClientOptions { window: Some(2 * REQUESTS_COUNT), ..ClientOptions::default() };
    let remote = Master::new();
    remote.set_timeout(PATIENCE);
    remote.set_slave(TcpClient::new(LOCALHOST, bridge.port(), options).unwrap());
    let requests = (0..REQUESTS_COUNT as u64).map(|number| (4 * number, zeros(4)));
    for id in remote.request_many(requests.collect(), TransactionType::Read).unwrap() {
        remote.wait(id).unwrap();
    }
    board.stop();
    server.stop();
}

/// The text of a client that does not get a link to `port`.
fn obstacle(port: u16) -> String {
    let options = UdpRssiPackOptions::default();
    let client = UdpRssiPack::client(LOCALHOST, port, options).unwrap();
    let error = client.wait_open(Duration::from_millis(600)).unwrap_err();
    assert_eq!(error.status(), Status::Timeout);
    client.stop();
    error.text().to_owned()
}

#[test]
fn a_link_that_does_not_open_says_which_layer_fails() {
    let silent = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let text = obstacle(port);
    assert!(text.contains(&format!("no datagram has come from {LOCALHOST}:{port}")), "{text}");
    drop(silent);
    let text = obstacle(port);
    assert!(text.contains(&format!("{LOCALHOST}:{port} takes no datagrams")), "{text}");
    let babbling = UdpSocket::bind((LOCALHOST, port)).unwrap();
    let babbler = thread::spawn(move || {
        let (_, client) = babbling.recv_from(&mut [0; 2000]).unwrap();
        babbling.send_to(b"no segment", client).unwrap();
        babbling
    });
    let text = obstacle(port);
    assert!(text.contains("UDP works: 1 datagrams have come"), "{text}");
    assert!(text.contains("speaks RSSI"), "{text}");
    drop(babbler.join().unwrap());
}

/// Programs that look for Ctrl-C wait in short pieces.
#[test]
fn f61_a_wait_of_any_length_tells_what_has_come_since_there_is_no_link() {
    let babbling = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let port = babbling.local_addr().unwrap().port();
    let client = UdpRssiPack::client(LOCALHOST, port, UdpRssiPackOptions::default()).unwrap();
    let (_, address) = babbling.recv_from(&mut [0; 2000]).unwrap();
    babbling.send_to(b"no segment", address).unwrap();
    wait_until("the datagram has come", || client.udp().stats().datagrams_in == 1);
    let error = client.wait_open(Duration::ZERO).unwrap_err();
    assert!(error.text().contains("UDP works: 1 datagrams have come"), "{error}");
    assert!(!error.text().contains("0 ms"), "{error}");
    client.stop();

    let server = board(0, UdpRssiPackOptions::default());
    let port = server.udp().port();
    let (client, _) = self::client(port, UdpRssiPackOptions::default());
    client.wait_open(PATIENCE).unwrap();
    server.stop();
    wait_until("the client knows", || !client.is_open());
    let tells_of_former =
        || client.wait_open(Duration::ZERO).unwrap_err().text().contains("UDP works");
    wait_until("it tells of the time without a link", || !tells_of_former());
    client.stop();
}

#[test]
fn a_server_without_a_client_says_so() {
    let server = UdpRssiPack::server(LOCALHOST, 0, UdpRssiPackOptions::default()).unwrap();
    let error = server.wait_open(Duration::from_millis(1)).unwrap_err();
    let wanted = format!("a client, which has to send to port {}", server.udp().port());
    assert!(error.text().contains(&wanted), "{}", error.text());
    server.stop();
    let error = server.wait_open(PATIENCE).unwrap_err();
    assert_eq!(error.status(), Status::Stopped);
}

#[test]
fn a_parameter_of_the_link_out_of_its_range_is_an_error_and_another_is_proposed() {
    let options = UdpRssiPackOptions { max_buffers: 256, ..UdpRssiPackOptions::default() };
    let error = UdpRssiPack::server(LOCALHOST, 0, options).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().contains("256") && error.text().contains("locMaxBuffers"), "{error:?}");
    let options = UdpRssiPackOptions { max_buffers: 8, ..UdpRssiPackOptions::default() };
    let server = board(0, UdpRssiPackOptions::default());
    let (client, _master) = client(server.udp().port(), options);
    client.wait_open(PATIENCE).unwrap();
    assert_eq!(client.rssi().current().max_buffers, 8);
    client.stop();
    server.stop();
}

#[test]
fn requests_under_way_fail_with_the_layer_when_the_link_is_cut_and_later_ones_succeed() {
    let options = with(PacketizerVersion::V2, false);
    // It has no device: requests stay unanswered.
    let server = UdpRssiPack::server(LOCALHOST, 0, options.clone()).unwrap();
    let port = server.udp().port();
    let (client, master) = client(port, options.clone());
    client.wait_open(PATIENCE).unwrap();
    let waiting: Vec<_> = (0..16)
        .map(|n| {
            launch(
                &master,
                [TransactionType::Read, TransactionType::Write][n % 2],
                4 * n as u64,
                vec![0; 4],
            )
        })
        .collect();
    server.stop();
    wait_until("they have ended", || waiting.iter().all(|tran| tran.is_done()));
    for ends in &waiting {
        let text = failure(ends);
        assert!(text.contains("rssi::Client") && text.contains("link is closed"), "{text}");
    }
    let text = failure(&launch(&master, TransactionType::Read, 0x40, vec![0; 4]));
    assert!(text.contains("0x40") && text.contains("rssi::Client"), "{text}");
    drop(server);
    let server = board(port, options);
    client.wait_open(PATIENCE).unwrap();
    master.write(0x40, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x40, 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(client.stats().down_count, 1);
    server.stop();
    client.stop();
}

/// Tells the name of the thread that brings a frame.
struct ThreadOf {
    base: stream::SlaveBase,
    names: mpsc::Sender<Option<String>>,
}

impl stream::Slave for ThreadOf {
    fn base(&self) -> &stream::SlaveBase {
        &self.base
    }

    fn accept_frame(&self, _: Arc<Frame>) {
        self.names.send(thread::current().name().map(str::to_owned)).unwrap();
    }
}

#[test]
fn an_arriving_frame_is_carried_up_on_the_thread_of_the_one_event_loop() {
    let options = UdpRssiPackOptions::default();
    let server = UdpRssiPack::server(LOCALHOST, 0, options.clone()).unwrap();
    let (names, heard) = mpsc::channel();
    let slave = ThreadOf { base: stream::SlaveBase::new(), names };
    server.application(5).stream_master().add_slave(Arc::new(slave)).unwrap();
    let client = UdpRssiPack::client(LOCALHOST, server.udp().port(), options).unwrap();
    client.wait_open(PATIENCE).unwrap();
    let sender = stream::Master::new();
    sender.add_slave(client.application(5).stream_slave()).unwrap();
    let frame = sender.req_frame(10, true).unwrap();
    frame.lock().set_payload(10).unwrap();
    sender.send_frame(frame);
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().as_deref(), Some("UdpRssiPack"));
    client.stop();
    server.stop();
}

#[test]
fn the_road_works_as_long_as_a_master_is_connected_to_an_application() {
    let options = UdpRssiPackOptions::default();
    let server = board(0, options.clone());
    let (client, master) = client(server.udp().port(), options);
    client.wait_open(PATIENCE).unwrap();
    drop(client);
    master.write(0, &[9; 8]).unwrap();
    assert_eq!(master.read(0, 8).unwrap(), [9; 8]);
    drop(master);
    server.stop();
}

#[test]
fn several_roads_share_one_event_loop() {
    let event_loop = EventLoop::start("shared_road", 0, Spin::Never).unwrap();
    let event_loop = Some(Arc::new(event_loop));
    let options = UdpRssiPackOptions { event_loop, ..UdpRssiPackOptions::default() };
    let roads: Vec<_> = (0..3)
        .map(|_| {
            let server = board(0, options.clone());
            let (client, master) = client(server.udp().port(), options.clone());
            (server, client, master)
        })
        .collect();
    for (number, (server, client, master)) in roads.iter().enumerate() {
        client.wait_open(PATIENCE).unwrap();
        server.wait_open(PATIENCE).unwrap();
        master.write(0x100, &[number as u8; 8]).unwrap();
        assert_eq!(master.read(0x100, 8).unwrap(), [number as u8; 8]);
    }
    assert_eq!(threads_named("shared_road").len(), 1);
    for (server, client, _) in &roads {
        client.stop();
        server.stop();
    }
    // It runs as long as it has an owner.
    board(0, options.clone()).stop();
    drop((roads, options));
    wait_until("its thread ends with the last of them", || threads_named("shared_road").is_empty());
}

#[test]
fn an_observer_is_told_of_the_stop_and_of_nothing_after_it() {
    let server = board(0, UdpRssiPackOptions::default());
    let (client, _master) = client(server.udp().port(), UdpRssiPackOptions::default());
    let (told, changes) = mpsc::channel();
    client.observe(Some(Arc::new(move |change: &LinkChange| {
        told.send(change.clone()).unwrap();
    })));
    assert!(changes.recv_timeout(PATIENCE).unwrap().is_open);
    client.stop();
    let last = changes.recv_timeout(PATIENCE).unwrap();
    assert_eq!(last.text, "rssi::Client: the link is closed: this end was stopped");
    assert!(changes.recv().is_err(), "the observer is dropped");
    let (told, changes) = mpsc::channel();
    client.observe(Some(Arc::new(move |_: &LinkChange| told.send(()).unwrap())));
    assert!(changes.recv().is_err(), "and so is a later one");
    server.stop();
}

/// Reads a register and claims the result while this thread waits for another answer; whether it was
/// this thread that received it, and left the claimant to the observer thread.
fn receives_itself(master: &Master) -> bool {
    let (caller, callers) = Caller::new();
    let claimed = master.request(0, zeros(4), TransactionType::Read).unwrap();
    let awaited = master.request(4, zeros(4), TransactionType::Read).unwrap();
    master.observe(claimed, caller).unwrap();
    master.wait(awaited).unwrap();
    callers.recv().unwrap().name() == Some("rogue_observers")
}

#[test]
fn a_waiting_thread_receives_through_all_layers_unless_other_frames_may_come() {
    // So that it waits before the answer comes.
    let slow = SrpV3EmulationOptions { latency: Duration::from_millis(5), ..Default::default() };
    let options = with(PacketizerVersion::V2, true);
    let server = UdpRssiPack::server(LOCALHOST, 0, options.clone()).unwrap();
    let device = SrpV3Emulation::with_options(slow).unwrap();
    stream::connect(&*device, &server.application(0)).unwrap();
    let (client, master) = client(server.udp().port(), options);
    client.wait_open(PATIENCE).unwrap();
    wait_until("the waiting thread receives", || receives_itself(&master));
    client.application(1).stream_master().add_slave(stream::Sink::new()).unwrap();
    assert!((0..20).all(|_| !receives_itself(&master)));
    client.stop();
    server.stop();
    device.stop();
}

#[test]
fn many_threads_that_wait_over_a_link_get_their_own_answers_while_it_idles_and_works() {
    for spin in [Spin::Adaptive, Spin::Never] {
        let options = UdpRssiPackOptions { spin, ..with(PacketizerVersion::V2, true) };
        let server = board(0, options.clone());
        let client = UdpRssiPack::client(LOCALHOST, server.udp().port(), options).unwrap();
        let srp = SrpV3::new();
        stream::connect(&*srp, &client.application(0)).unwrap();
        client.wait_open(PATIENCE).unwrap();
        thread::scope(|scope| {
            for thread in 0..4_u64 {
                let srp = srp.clone();
                scope.spawn(move || {
                    let master = master_of(srp);
                    master.set_timeout(PATIENCE);
                    for round in 0..200_u32 {
                        let address = 0x1000 * thread + 4 * u64::from(round % 64);
                        master.write(address, &round.to_le_bytes()).unwrap();
                        assert_eq!(master.read(address, 4).unwrap(), round.to_le_bytes());
                        if round % 50 == 0 {
                            // Longer than an acknowledge waits, so that timers run in between.
                            testkit::wait::let_pass(Duration::from_millis(10));
                        }
                    }
                });
            }
        });
        let stats = client.stats();
        assert_eq!((stats.open, stats.down_count, stats.frames_in), (1, 0, 4 * 200 * 2));
        client.stop();
        server.stop();
    }
}
