//! Two endpoints over real sockets, each with its UDP endpoint on one event loop.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::memory::TransactionType;
use rogue_mem::net::{EventLoop, Spin};
use rogue_mem::protocols::{
    RssiEndpoint, RssiOptions, RssiParameters, SrpV3, SrpV3Emulation, UdpEndpoint, UdpOptions,
};
use rogue_mem::stream::{self, Port};
use testkit::bus::{failure, launch, master_of, text_of, zeros};
use testkit::relay::{Faults, Relay};
use testkit::wait::LONG;

/// What a relay does to a link that is to work nevertheless.
const FAULTS: Faults = Faults {
    drop_percent: 5,
    duplicate_percent: 5,
    reorder_percent: 5,
    delay: Duration::from_millis(2),
};

/// An RSSI endpoint over a UDP endpoint, on one loop.
pub struct Road {
    pub udp: Arc<UdpEndpoint>,
    pub rssi: Arc<RssiEndpoint>,
}

impl Road {
    /// To the server at `port` of this host; without it a server.
    pub fn new(port: Option<u16>) -> Road {
        let event_loop = Arc::new(EventLoop::start("road", 0, Spin::Never).unwrap());
        let udp_options =
            UdpOptions { event_loop: Some(event_loop.clone()), ..UdpOptions::default() };
        let options = RssiOptions { event_loop: Some(event_loop), ..RssiOptions::default() };
        let (udp, rssi) = match port {
            Some(port) => {
                (UdpEndpoint::client("127.0.0.1", port, udp_options), RssiEndpoint::client(options))
            }
            None => {
                (UdpEndpoint::server("127.0.0.1", 0, udp_options), RssiEndpoint::server(options))
            }
        };
        let road = Road { udp: udp.unwrap(), rssi: rssi.unwrap() };
        stream::connect(&Port::of(&*road.udp), &road.rssi.transport()).unwrap();
        road
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.rssi.stop();
        self.udp.stop();
    }
}

#[test]
fn registers_are_read_and_written_over_a_network_that_loses_datagrams() {
    let server = Road::new(None);
    let relay = Relay::start(([127, 0, 0, 1], server.udp.port()).into(), FAULTS, 7);
    let client = Road::new(Some(relay.address().port()));
    let device = SrpV3Emulation::new().unwrap();
    stream::connect(&server.rssi.application(), &*device).unwrap();
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.rssi.application()).unwrap();
    server.rssi.start().unwrap();
    client.rssi.start().unwrap();
    client.rssi.wait_open(LONG).unwrap();
    let master = master_of(srp);
    for round in 0..200u64 {
        let bytes: Vec<u8> = (0..round % 300 + 1).flat_map(|n| (n as u32).to_le_bytes()).collect();
        let address = 0x1000 + 4 * round;
        master.write(address, &bytes).unwrap();
        assert_eq!(master.read(address, bytes.len() as u32).unwrap(), bytes);
    }
    let counts = relay.counts();
    assert!(counts.dropped > 0 && counts.duplicated > 0 && counts.reordered > 0, "{counts:?}");
    let (ours, theirs) = (client.rssi.stats(), server.rssi.stats());
    assert!(ours.retran_count + theirs.retran_count > 0);
    assert_eq!((ours.open_count, ours.down_count, theirs.down_count), (1, 0, 0));
    // Cut and mended.
    relay.set_faults(Faults { drop_percent: 100, ..Faults::default() });
    let text = text_of(master.read(0x1000, 4));
    assert!(text.contains("rssi::Client: the link is closed"), "{text}");
    relay.set_faults(Faults::default());
    client.rssi.wait_open(LONG).unwrap();
    server.rssi.wait_open(LONG).unwrap();
    assert_eq!(master.read(0x1000, 4).unwrap().len(), 4);
    device.stop();
}

#[test]
fn f55_a_link_over_an_endpoint_that_is_stopped_is_closed_at_once_in_its_words() {
    for stops_client in [true, false] {
        let server = Road::new(None);
        let client = Road::new(Some(server.udp.port()));
        // The first repetition would come after a minute.
        for road in [&client, &server] {
            let (retran_timeout, null_timeout) = (LONG, LONG);
            let own = road.rssi.local();
            road.rssi.set_local(RssiParameters { retran_timeout, null_timeout, ..own }).unwrap();
        }
        let srp = SrpV3::new();
        stream::connect(&*srp, &client.rssi.application()).unwrap();
        server.rssi.start().unwrap();
        client.rssi.start().unwrap();
        client.rssi.wait_open(LONG).unwrap();
        server.rssi.wait_open(LONG).unwrap();
        let (road, name) = match stops_client {
            true => (&client, "rssi::Client: the link is closed: udp::Client to 127.0.0.1:"),
            false => (&server, "rssi::Server: the link is closed: udp::Server at "),
        };
        // The server's end has nobody who answers.
        let master = master_of(srp);
        let waiting = launch(&master, TransactionType::Read, 0, zeros(4));
        road.udp.stop();
        assert!(!road.rssi.is_open());
        let text = road.rssi.last_closure().unwrap();
        assert!(text.starts_with(name) && text.contains("stopped"), "{text}");
        if stops_client {
            assert!(failure(&waiting).starts_with(name), "{}", failure(&waiting));
        }
    }
}

#[test]
fn a_request_that_is_longer_than_a_segment_fails_with_the_remedy() {
    let server = Road::new(None);
    let client = Road::new(Some(server.udp.port()));
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.rssi.application()).unwrap();
    server.rssi.start().unwrap();
    client.rssi.start().unwrap();
    client.rssi.wait_open(LONG).unwrap();
    let bytes = vec![0; client.rssi.payload_max() as usize / 4 * 4];
    let text = text_of(master_of(srp).write(0x80, &bytes));
    assert!(text.contains("at 0x80: it takes") && text.contains("put a packetizer"), "{text}");
}
