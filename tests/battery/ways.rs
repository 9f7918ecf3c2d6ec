//! The ways to reach a slave.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Hub, Master, Slave};
use rogue_mem::protocols::{SrpV3, SrpV3Emulation};
use rogue_mem::stream;

use crate::support::LONG_US;

/// For a connection to be made; it takes milliseconds.
const CONNECT: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(20);

/// A way that has been laid: what masters connect to, and what must live as long.
pub struct Path {
    near: Arc<dyn Slave>,
    #[allow(dead_code)]
    stations: Vec<Box<dyn Any>>,
}

impl Path {
    /// The end that masters connect to.
    pub fn near(&self) -> Arc<dyn Slave> {
        self.near.clone()
    }

    /// A new master at this end, with all the time it needs.
    pub fn master(&self) -> Master {
        crate::support::master_of(self.near())
    }
}

/// A way to some memory, which is empty at first.
pub trait ToMemory {
    /// Addresses and sizes are multiples of this many bytes.
    const UNIT: usize;

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

to_memory_by_slave!(InProcess, Hubs, Bridge, TwoBridges);

/// No way at all: the master is connected to the slave.
pub struct InProcess;

impl ToSlave for InProcess {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        Path { near: slave, stations: Vec::new() }
    }
}

/// A chain of hubs whose offsets cancel out.
pub struct Hubs;

impl ToSlave for Hubs {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        let far = hub_over(slave, 0x1_0000_0010);
        Path { near: hub_over(far, 0xFFFF_FFFE_FFFF_FFF0), stations: Vec::new() }
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

/// A bridge to `slave`; the server gives it all the time it needs.
fn bridge(slave: Arc<dyn Slave>, options: ServerOptions) -> Path {
    let server = TcpServer::new("127.0.0.1", 0, options).unwrap();
    server.master().set_timeout(LONG_US);
    server.master().set_slave(slave);
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    client.wait_ready(CONNECT, PERIOD).unwrap();
    Path { near: client, stations: vec![Box::new(server)] }
}

/// A bridge whose server's slave is the client of another.
pub struct TwoBridges;

impl ToSlave for TwoBridges {
    fn to_slave(slave: Arc<dyn Slave>) -> Path {
        let far = bridge(slave, ServerOptions::default());
        let near = bridge(far.near(), ServerOptions::default());
        Path { near: near.near(), stations: vec![Box::new(near), Box::new(far)] }
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
        Path { near: hub_over(srp, 0), stations: vec![Box::new(device)] }
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
        Path { near: path.near(), stations: vec![Box::new(path), Box::new(device)] }
    }
}
