//! `serve`: makes a memory, a device or a board reachable.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::hardware::{MemMap, MemMapOptions};
use rogue_mem::memory::{Emulate, Slave, SlaveBase, Transaction};
use rogue_mem::protocols::{
    PacketizerVersion, SrpV3, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::security::{AccessList, AllowedClients, Audit, AuditOptions, CurveServer};
use rogue_mem::stream;
use serde_json::json;

use crate::arguments::Serve;
use crate::failure::{Failure, Kind, Outcome};
use crate::interrupt;
use crate::output;
use crate::target::{load_keys, split};

/// In place of a file of keys: those of all clients.
const ANY: &str = "any";
/// Smallest and largest access of the emulated memory.
const EMULATED_ACCESS: (u32, u32) = (1, u32::MAX);
/// How long the link to a board may take to open before the server says that it is not there yet.
const LINK_TIME: Duration = Duration::from_secs(5);

/// How long the requests that the device has may take at the end.
const DRAIN_TIME: Duration = Duration::from_secs(1);

pub fn run(serve: &Serve, json: bool) -> Outcome {
    let device = Device::open(serve)?;
    let guards = Guards::of(serve)?;
    let (first, others) = serve.bind.split_first().expect("clap wants one");
    let (host, port) = split(first)?;
    let options = ServerOptions {
        addresses: others.to_vec(),
        read_only: serve.read_only,
        curve: guards.curve.clone(),
        access_list: guards.access_list.clone(),
        audit: guards.audit.clone(),
        ..ServerOptions::default()
    };
    let server = TcpServer::new(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
    server.master().set_slave(device.slave.clone());
    let addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    let outcome = tell(&addresses, &device.name, json)
        .and_then(|()| interrupt::wait(|| guards.reload(serve)));
    // A device that does not answer is no reason to stay.
    let _ = server.drain(DRAIN_TIME);
    server.stop();
    if let Some(audit) = &guards.audit {
        audit.flush(DRAIN_TIME)?;
    }
    outcome
}

/// Who may do what, and the record of it.
struct Guards {
    curve: Option<Arc<CurveServer>>,
    access_list: Option<Arc<AccessList>>,
    audit: Option<Arc<Audit>>,
}

impl Guards {
    fn of(serve: &Serve) -> Outcome<Guards> {
        let access_list = serve.access_list.as_ref().map(AccessList::load);
        let audit = serve.audit.as_ref().map(|path| Audit::to_file(path, AuditOptions::default()));
        Ok(Guards {
            curve: curve_of(serve)?,
            access_list: access_list.transpose().map_err(Failure::of(Kind::File))?,
            audit: audit.transpose().map_err(Failure::of(Kind::File))?,
        })
    }

    /// Reads the files again. What is wrong is told, and leaves the former content.
    fn reload(&self, serve: &Serve) {
        let list = self.access_list.as_ref().zip(serve.access_list.as_ref());
        let rules = list.map(|(list, path)| list.load_rules(path));
        let clients = serve.clients.as_ref().filter(|clients| *clients != ANY);
        let curve = self.curve.as_ref().zip(clients);
        let keys = curve.map(|(curve, path)| curve.load_clients(path));
        for error in [rules, keys].into_iter().flatten().filter_map(Result::err) {
            Failure::of(Kind::File)(error).tell(false);
        }
    }
}

fn tell(addresses: &[String], device: &str, json: bool) -> Outcome {
    match json {
        true => output::line(json!({ "listening": addresses, "device": device })),
        false => output::line(format!("{device} at {}", addresses.join(", "))),
    }
}

fn curve_of(serve: &Serve) -> Outcome<Option<Arc<CurveServer>>> {
    let (Some(keys), Some(clients)) = (&serve.keys, &serve.clients) else { return Ok(None) };
    let clients = match clients.as_str() {
        ANY => AllowedClients::Any,
        path => AllowedClients::load(path).map_err(Failure::of(Kind::File))?,
    };
    Ok(Some(CurveServer::new(load_keys(keys)?, clients)))
}

/// What is served, with what it needs.
struct Device {
    slave: Arc<dyn Slave>,
    /// What it is, for people.
    name: String,
    /// The road to a board, which lives as long as the server.
    _road: Option<Arc<UdpRssiPack>>,
}

impl Device {
    fn open(serve: &Serve) -> Outcome<Device> {
        let device = &serve.device;
        let alone = |slave: Arc<dyn Slave>, name: String| Device { slave, name, _road: None };
        if let Some(size) = device.emulate {
            let name = format!("an emulated memory of {size} bytes");
            return Ok(alone(Arc::new(Bounded::new(size)?), name));
        }
        if let Some(path) = &device.mem {
            let size = serve.size.expect("clap wants it");
            let name = format!("0x{size:x} bytes from 0x{:x} of {}", serve.base, path.display());
            return Ok(alone(map(serve, path, size)?, name));
        }
        if let Some(board) = &device.srp_udp {
            return Ok(alone(srp_over_udp(serve, board)?, format!("the board at {board} (SRPv3)")));
        }
        let board = device.udp_rssi.as_ref().expect("clap wants one of these");
        over_rssi(serve, board)
    }
}

fn map(serve: &Serve, path: &Path, size: u64) -> Outcome<Arc<dyn Slave>> {
    let path = path.to_str().ok_or_else(|| {
        Failure::new(Kind::Usage, format!("{}: the path is no UTF-8", path.display()))
    })?;
    let options = MemMapOptions { path: path.to_owned(), access_bytes: serve.access };
    let mapped = MemMap::new(serve.base, size, &options);
    mapped.map(|mapped| mapped as Arc<dyn Slave>).map_err(Failure::of(Kind::Unreachable))
}

fn srp_over_udp(serve: &Serve, board: &str) -> Outcome<Arc<dyn Slave>> {
    let (host, port) = split(board)?;
    let options = UdpOptions { jumbo: serve.jumbo, ..UdpOptions::default() };
    let endpoint =
        UdpEndpoint::client(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
    let srp = SrpV3::new();
    stream::connect(&*srp, &*endpoint).map_err(Failure::of(Kind::Usage))?;
    Ok(srp)
}

fn over_rssi(serve: &Serve, board: &str) -> Outcome<Device> {
    let (host, port) = split(board)?;
    let version = match serve.packetizer {
        1 => PacketizerVersion::V1,
        _ => PacketizerVersion::V2,
    };
    let options = UdpRssiPackOptions { jumbo: serve.jumbo, version, ..Default::default() };
    let road = UdpRssiPack::client(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
    let srp = SrpV3::new();
    stream::connect(&*srp, &road.application(serve.dest)).map_err(Failure::of(Kind::Usage))?;
    if let Err(error) = road.wait_open(LINK_TIME) {
        eprintln!("rogue-mem: {}; the attempts go on", error.text());
    }
    Ok(Device {
        slave: srp,
        name: format!("the board at {board} (SRPv3, packetizer, RSSI)"),
        _road: Some(road),
    })
}

/// Emulated memory with an end: what a device has.
struct Bounded {
    base: SlaveBase,
    memory: Arc<Emulate>,
    size: u64,
}

impl Bounded {
    fn new(size: u64) -> Outcome<Bounded> {
        if size == 0 {
            return Err(Failure::new(Kind::Usage, "A memory has at least one byte"));
        }
        let (min, max) = EMULATED_ACCESS;
        let (base, memory) = (SlaveBase::new(min, max), Emulate::new(min, max));
        Ok(Bounded { base, memory, size })
    }
}

impl Slave for Bounded {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let (address, size) = (tran.address(), u64::from(tran.size()));
        match address.checked_add(size) {
            Some(end) if end <= self.size => self.memory.do_transaction(tran),
            _ => tran.error(format!(
                "0x{size:x} bytes at 0x{address:x} lie outside of the memory of 0x{:x} bytes",
                self.size
            )),
        }
    }
}
