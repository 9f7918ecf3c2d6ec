//! The ways to reach a slave.

use std::any::Any;
use std::sync::Arc;

use rogue_mem::bridge::{ClientOptions, ServerOptions};
use rogue_mem::memory::{Emulate, Hub, Master, Slave};
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerVersion, RssiEndpoint, RssiOptions, SrpV0, SrpV3,
    SrpV3Emulation, UdpEndpoint, UdpOptions,
};
use rogue_mem::stream::{self, Fifo, Filter, Node, RateDrop};

use testkit::bridge::{server_at_path, server_of, Client};
use testkit::bus::master_of;
use testkit::directory::Directory;
use testkit::srp_v0;
use testkit::wait::LONG;

/// A way that has been laid: what masters connect to, and what must live as long.
pub struct Path {
    near: Arc<dyn Slave>,
    _stations: Vec<Box<dyn Any>>,
}

impl Path {
    /// The way that ends at `near` and needs `station`.
    pub fn new(near: Arc<dyn Slave>, station: impl Any) -> Path {
        Path { near, _stations: vec![Box::new(station)] }
    }

    /// The end that masters connect to.
    pub fn near(&self) -> Arc<dyn Slave> {
        self.near.clone()
    }

    /// A new master at this end, with all the time it needs.
    pub fn master(&self) -> Master {
        master_of(self.near())
    }
}

/// A way to some memory, which is empty at first.
pub trait ToMemory {
    /// Addresses and sizes are multiples of this many bytes.
    const UNIT: usize;
    /// Bits of address that reach the memory.
    const ADDRESS_BITS: u32 = 64;

    fn to_memory() -> Path;
}

/// A way to any slave.
pub trait ToSlave: ToMemory {
    fn to_slave(slave: Arc<dyn Slave>) -> Path;
}

/// Ways to any slave lead to emulated memory.
macro_rules! to_memory_by_slave {
    ($($way:ty),*) => {
        $(
            impl ToMemory for $way {
                const UNIT: usize = 1;

                fn to_memory() -> Path {
                    Self::to_slave(Emulate::new(1, 0xFFFF_FFFF))
                }
            }
        )*
    };
}

to_memory_by_slave!(InProcess, Hubs, Bridge, BridgeAtPath, TwoBridges, BridgesOnOneLoop);

/// No way at all: the master is connected to the slave.
pub struct InProcess;

impl ToSlave for InProcess {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        Path { near: slave, _stations: Vec::new() }
    }
}

/// A chain of hubs without offsets, so that the whole address space is within reach.
pub struct Hubs;

impl ToSlave for Hubs {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        Path { near: hub_over(hub_over(slave, 0), 0), _stations: Vec::new() }
    }
}

/// A hub at `offset` over `slave`.
pub fn hub_over(slave: Arc<dyn Slave>, offset: u64) -> Arc<Hub> {
    let hub = Hub::new(offset, 0, 0);
    hub.master().set_slave(slave);
    hub
}

/// Client and server of the memory bridge, over TCP.
pub struct Bridge;

impl ToSlave for Bridge {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        bridge(slave, ServerOptions::default())
    }
}

/// The same at a path, over Unix-domain sockets.
pub struct BridgeAtPath;

impl ToSlave for BridgeAtPath {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        let directory = Directory::new();
        let address = directory.address("bridge");
        let server = server_at_path(&address, slave, ServerOptions::default());
        let client = Client::at(&address, 0);
        client.wait_ready();
        Path { near: client.tcp, _stations: vec![Box::new(server), Box::new(directory)] }
    }
}

/// A bridge to `slave`; the server gives it all the time it needs.
fn bridge(slave: Arc<dyn Slave>, options: ServerOptions) -> Path {
    bridge_with(slave, options, ClientOptions::default())
}

fn bridge_with(slave: Arc<dyn Slave>, options: ServerOptions, client: ClientOptions) -> Path {
    let server = server_of(slave, options);
    let client = Client::with(server.port(), client);
    client.wait_ready();
    Path { near: client.tcp, _stations: vec![Box::new(server)] }
}

/// A bridge whose server's slave is the client of another.
pub struct TwoBridges;

impl ToSlave for TwoBridges {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        let far = bridge(slave, ServerOptions::default());
        let near = bridge(far.near(), ServerOptions::default());
        Path { near: near.near(), _stations: vec![Box::new(near), Box::new(far)] }
    }
}

/// The same with clients that share their loop with each other, and with all of this program.
pub struct BridgesOnOneLoop;

impl ToSlave for BridgesOnOneLoop {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        let shared = || ClientOptions { shared_loop: true, ..ClientOptions::default() };
        let far = bridge_with(slave, ServerOptions::default(), shared());
        let near = bridge_with(far.near(), ServerOptions::default(), shared());
        Path { near: near.near(), _stations: vec![Box::new(near), Box::new(far)] }
    }
}

/// A bridge whose server passes one request at a time to the slave.
pub struct OneAtATime;

impl ToMemory for OneAtATime {
    const UNIT: usize = 1;

    fn to_memory() -> Path {
        let options = ServerOptions { window: 1, ..ServerOptions::default() };
        bridge(Emulate::new(1, 0xFFFF_FFFF), options)
    }
}

/// SRP version 3 to its emulated device; a hub cuts what is larger than one access.
pub struct SrpInProcess;

impl ToMemory for SrpInProcess {
    const UNIT: usize = 4;

    fn to_memory() -> Path {
        let (srp, device) = srp_device();
        Path { near: hub_over(srp, 0), _stations: vec![Box::new(device)] }
    }
}

fn srp_device() -> (Arc<SrpV3>, Arc<SrpV3Emulation>) {
    let (srp, device) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
    stream::connect(&*srp, &*device).unwrap();
    (srp, device)
}

/// The bridge in front of SRP version 3: the road to most hardware. The server cuts what is larger
/// than one access.
pub struct BridgeToSrp;

impl ToMemory for BridgeToSrp {
    const UNIT: usize = 4;

    fn to_memory() -> Path {
        let (srp, device) = srp_device();
        let path = bridge(srp, ServerOptions::default());
        Path { near: path.near(), _stations: vec![Box::new(path), Box::new(device)] }
    }
}

/// SRP version 0 to a device; a hub cuts what is larger than one access.
pub struct SrpV0InProcess;

impl ToMemory for SrpV0InProcess {
    const UNIT: usize = 4;
    const ADDRESS_BITS: u32 = 32;

    fn to_memory() -> Path {
        let (srp, device) = (SrpV0::new(), srp_v0::device());
        stream::connect(&*srp, &*device).unwrap();
        Path { near: hub_over(srp, 0), _stations: vec![Box::new(device)] }
    }
}

/// SRP version 3 through two packetizers of version 2.
pub struct SrpThroughPacketizers;

impl ToMemory for SrpThroughPacketizers {
    const UNIT: usize = 4;

    fn to_memory() -> Path {
        let options = PacketizerOptions::default();
        let ends = [(); 2].map(|()| Packetizer::new(PacketizerVersion::V2, options));
        stream::connect(&ends[0].transport(), &ends[1].transport()).unwrap();
        let (srp, device) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        stream::connect(&*srp, &ends[0].application(0)).unwrap();
        stream::connect(&ends[1].application(0), &*device).unwrap();
        Path { near: hub_over(srp, 0), _stations: vec![Box::new(ends), Box::new(device)] }
    }
}

/// SRP version 3 through the nodes of streams: there in a queue without copies, back in one with.
pub struct SrpThroughStreamNodes;

impl ToMemory for SrpThroughStreamNodes {
    const UNIT: usize = 4;

    fn to_memory() -> Path {
        let (srp, device) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        let (filter, drop) = (Filter::new(true, 0), RateDrop::new(false, 0.0).unwrap());
        let fifos = [true, false].map(|no_copy| Fifo::new(0, 0, no_copy).unwrap());
        let there: [&dyn Node; 4] = [&*srp, &*filter, &*fifos[0], &*device];
        let back: [&dyn Node; 4] = [&*device, &*fifos[1], &*drop, &*srp];
        for chain in [there, back] {
            for pair in chain.windows(2) {
                pair[0].stream_master().add_slave(pair[1].stream_slave()).unwrap();
            }
        }
        Path { near: hub_over(srp.clone(), 0), _stations: vec![Box::new(device)] }
    }
}

/// The road to a board, on sockets of this host: SRP version 3, packetizer, RSSI, UDP, and back up.
pub struct BoardRoad;

impl ToMemory for BoardRoad {
    const UNIT: usize = 4;

    fn to_memory() -> Path {
        let udp_server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
        let port = udp_server.port();
        let udp_client = UdpEndpoint::client("127.0.0.1", port, UdpOptions::default()).unwrap();
        let server = RssiEndpoint::server(RssiOptions::default()).unwrap();
        let client = RssiEndpoint::client(RssiOptions::default()).unwrap();
        let options = PacketizerOptions::default();
        let ends = [(); 2].map(|()| Packetizer::new(PacketizerVersion::V2, options));
        let (srp, device) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        stream::connect(&*srp, &ends[0].application(0)).unwrap();
        stream::connect(&ends[0].transport(), &client.application()).unwrap();
        stream::connect(&client.transport(), &*udp_client).unwrap();
        stream::connect(&server.transport(), &*udp_server).unwrap();
        stream::connect(&ends[1].transport(), &server.application()).unwrap();
        stream::connect(&ends[1].application(0), &*device).unwrap();
        server.start().unwrap();
        client.start().unwrap();
        client.wait_open(LONG).unwrap();
        let near = hub_over(srp, 0);
        let board = Board { links: [client, server], _sockets: [udp_client, udp_server] };
        Path { near, _stations: vec![Box::new(board), Box::new(device)] }
    }
}

/// Ends the links before the sockets.
struct Board {
    links: [Arc<RssiEndpoint>; 2],
    _sockets: [Arc<UdpEndpoint>; 2],
}

impl Drop for Board {
    fn drop(&mut self) {
        self.links.iter().for_each(|link| link.stop());
    }
}
