//! Frames of a board over the bridge: a reliable link in front of one of its ends.

use std::time::Duration;

use rogue_mem::memory::Master;
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerVersion, RssiEndpoint, RssiOptions, SrpV3,
    SrpV3Emulation, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};

use super::*;

use testkit::bus::master_of;
use testkit::wait::LONG;

const FRAME_BYTES: usize = 10_000;
/// More bytes than the queue and the socket buffers of both ends take.
const COUNT: usize = 1500;

/// A road whose link, the server's end of it too, lasts for 5 s without an acknowledge: on a busy
/// machine no thread of the other end may run for longer than the usual 300 ms. An end that is
/// stalled for good, as in f44, still stops everything.
fn road_to(port: u16) -> Arc<UdpRssiPack> {
    let options = UdpRssiPackOptions { max_retran: 255, ..UdpRssiPackOptions::default() };
    let road = UdpRssiPack::client("127.0.0.1", port, options).unwrap();
    road.wait_open(LONG).unwrap();
    road
}

/// Registers at the end of another road.
fn registers_over(board: &UdpRssiPack) -> (Arc<UdpRssiPack>, Master) {
    connect(&*SrpV3Emulation::new().unwrap(), &board.application(0)).unwrap();
    let (road, srp) = (road_to(board.udp().port()), SrpV3::new());
    connect(&*srp, &road.application(0)).unwrap();
    let master = master_of(srp);
    master.set_timeout(LONG);
    (road, master)
}

#[test]
fn f44_a_full_bridge_makes_the_link_before_it_busy_and_stalls_no_event_loop() {
    let event_loop = Some(Arc::new(EventLoop::start("boards", 0, Spin::Never).unwrap()));
    let options = UdpRssiPackOptions { event_loop, ..UdpRssiPackOptions::default() };
    let board = UdpRssiPack::server("127.0.0.1", 0, options.clone()).unwrap();
    let limits = small_queue(64 * 1024);
    let bridge = server_with(StreamServerOptions { limits, ..StreamServerOptions::default() });
    connect(&board.application(1), &*bridge).unwrap();
    let slow = Counter::behind(Gate::new());
    let reader = client(bridge.port());
    reader.stream_master().add_slave(slow.clone()).unwrap();
    let other = UdpRssiPack::server("127.0.0.1", 0, options).unwrap();
    let (other_road, master) = registers_over(&other);

    let road = road_to(board.udp().port());
    let sender = sending(road.application(1).stream_slave(), COUNT, FRAME_BYTES);
    slow.gate.wait_arrived(1);
    // A peer that says nothing is given up after 300 ms.
    let is_held_up = || board.rssi().stats().local_busy_time > Duration::from_secs(1);
    wait_until("the link is busy for long", is_held_up);
    master.write(0x10, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x10, 4).unwrap(), [1, 2, 3, 4], "the loop serves others");
    assert_eq!(road.rssi().stats().remote_busy, 1);
    let queued = bridge.stats().queued as usize * FRAME_BYTES;
    assert!(queued <= 1 << 20, "{queued} bytes are queued");
    slow.gate.open();
    sender.join().unwrap();
    slow.wait(COUNT);
    for end in [&board, &road, &other, &other_road] {
        assert_eq!(end.stats().down_count, 0);
    }
    assert_eq!((bridge.stats().dropped_out, road.stats().unsent), (0, 0));
    for end in [&board, &road, &other, &other_road] {
        end.stop();
    }
}

#[test]
fn f44_a_busy_link_makes_the_bridge_before_it_receive_no_more_and_nothing_is_lost() {
    // More than the queue of a link takes.
    const COUNT: usize = 20_000;
    // Timers on a loop of their own: a receiver that blocks keeps the link, and makes it busy.
    let udp = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let rssi = RssiEndpoint::server(RssiOptions::default()).unwrap();
    let packetizer = Packetizer::new(PacketizerVersion::V1, PacketizerOptions::default());
    connect(&rssi.transport(), &*udp).unwrap();
    connect(&packetizer.transport(), &rssi.application()).unwrap();
    let slow = Counter::behind(Gate::new());
    packetizer.application(1).stream_master().add_slave(slow.clone()).unwrap();
    rssi.start().unwrap();
    let road = road_to(udp.port());
    let bridge = server();
    connect(&*bridge, &road.application(1)).unwrap();
    let sender = client(bridge.port());
    wait_connected(&bridge, 1);
    let sending = sending(sender.stream_slave(), COUNT, 100);
    slow.gate.wait_arrived(1);
    wait_until("many frames wait in the link", || road.rssi().stats().queued >= 512);
    // A link whose queue is full drops what does not fit within a second.
    wait_until("the link is busy for long", || {
        rssi.stats().local_busy_time > Duration::from_millis(1500)
    });
    assert!(road.rssi().stats().queued < 1024, "{:?}", road.rssi().stats());
    slow.gate.open();
    sending.join().unwrap();
    slow.wait(COUNT);
    assert_eq!((road.stats().unsent, road.stats().down_count), (0, 0));
    road.stop();
    rssi.stop();
    udp.stop();
}

#[test]
fn f63_a_bridge_without_a_peer_stalls_no_endpoint_that_sends_it_datagrams() {
    let event_loop = Some(Arc::new(EventLoop::start("boards", 0, Spin::Never).unwrap()));
    let options = UdpOptions { event_loop, ..UdpOptions::default() };
    let board = UdpEndpoint::server("127.0.0.1", 0, options.clone()).unwrap();
    let bridge = server_with(StreamServerOptions::default());
    board.stream_master().add_slave(bridge.stream_slave()).unwrap();
    // Registers of another board on the same loop.
    let device = SrpV3Emulation::new().unwrap();
    let other = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    connect(&*device, &*other).unwrap();
    let road = UdpEndpoint::client("127.0.0.1", other.port(), options).unwrap();
    let srp = SrpV3::new();
    connect(&*srp, &*road).unwrap();

    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for count in 1..=10 {
        socket.send_to(&[7; 100], ("127.0.0.1", board.port())).unwrap();
        wait_until("it is dropped", || bridge.stats().dropped_out == count);
    }
    assert_eq!(master_of(srp).read(0, 4).unwrap().len(), 4, "the loop serves others");
    for end in [board, other, road] {
        end.stop();
    }
    device.stop();
}
