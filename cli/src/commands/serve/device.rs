//! Opens what is behind the regions.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::hardware::{MemMap, MemMapOptions};
use rogue_mem::memory::{Emulate, Slave};
use rogue_mem::protocols::{
    PacketizerVersion, SrpV3, UdpEndpoint, UdpOptions, UdpRssiPack, UdpRssiPackOptions,
};
use rogue_mem::stream;

use super::plan::{Device, Planned};
use super::regions::{Limited, Region};
use crate::failure::{Failure, Kind, Outcome};
use crate::output;
use crate::target::split;

/// Smallest and largest access of the emulated memory.
const EMULATED_ACCESS: (u32, u32) = (1, u32::MAX);
/// Bytes of an access to mapped memory, by default.
const MAPPED_ACCESS: u32 = 4;
/// Bytes of an answer of SRPv3 beside its data: five words before it, and one behind it.
const SRP_BYTES: u32 = 24;
/// Data of SRPv3 is in words.
const SRP_WORD_BYTES: u32 = 4;
/// How long the link to a board may take to open before the server says that it is not there yet.
const LINK_TIME: Duration = Duration::from_secs(5);

/// A region that is open.
pub struct Opened {
    /// It, for the server.
    pub region: Region,
    /// What it is, for people.
    pub description: String,
    /// The road to a board, which lives as long as the server.
    pub road: Option<Arc<UdpRssiPack>>,
}

impl Opened {
    /// Opens a region.
    pub fn new(planned: &Planned) -> Outcome<Opened> {
        let mut road = None;
        let base = planned.base();
        // A map counts from its own begin.
        let (device, base, description): (Arc<dyn Slave>, _, _) = match planned.device() {
            Device::Emulated(size) => {
                let (min, max) = EMULATED_ACCESS;
                (Emulate::new(min, max), 0, format!("an emulated memory of {size} bytes"))
            }
            Device::Mapped(path, size) => {
                let what = format!("0x{size:x} bytes from 0x{base:x} of {}", path.display());
                (map(planned, path, size)?, 0, what)
            }
            Device::SrpUdp(board) => {
                (srp_over_udp(planned, board)?, base, format!("the board at {board} (SRPv3)"))
            }
            Device::UdpRssi(board) => {
                let (srp, link) = over_rssi(planned, board)?;
                road = Some(link);
                (srp, base, format!("the board at {board} (SRPv3, packetizer, RSSI)"))
            }
        };
        let region = Region::new(planned.name.clone(), planned.range, base, device);
        Ok(Opened { region, description, road })
    }
}

fn map(planned: &Planned, path: &Path, size: u64) -> Outcome<Arc<dyn Slave>> {
    let path = path.to_str().ok_or_else(|| {
        Failure::new(Kind::Usage, format!("{}: the path is no UTF-8", path.display()))
    })?;
    let access_bytes = planned.region.access.unwrap_or(MAPPED_ACCESS);
    let options = MemMapOptions { path: path.to_owned(), access_bytes };
    let mapped = MemMap::new(planned.base(), size, &options);
    mapped.map(|mapped| mapped as Arc<dyn Slave>).map_err(Failure::of(Kind::Unreachable))
}

fn srp_over_udp(planned: &Planned, board: &str) -> Outcome<Arc<dyn Slave>> {
    let (host, port) = split(board)?;
    let options = UdpOptions { jumbo: planned.region.jumbo, ..UdpOptions::default() };
    let endpoint =
        UdpEndpoint::client(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
    let srp = SrpV3::new();
    stream::connect(&*srp, &*endpoint).map_err(Failure::of(Kind::Usage))?;
    // A message is one datagram; a longer one never arrives.
    let bytes_max = endpoint.payload_bytes_max().saturating_sub(SRP_BYTES);
    Ok(Arc::new(Limited::new(srp, bytes_max - bytes_max % SRP_WORD_BYTES)))
}

fn over_rssi(planned: &Planned, board: &str) -> Outcome<(Arc<dyn Slave>, Arc<UdpRssiPack>)> {
    let (host, port) = split(board)?;
    let version = match planned.region.packetizer {
        Some(1) => PacketizerVersion::V1,
        _ => PacketizerVersion::V2,
    };
    let options = UdpRssiPackOptions { jumbo: planned.region.jumbo, version, ..Default::default() };
    let road = UdpRssiPack::client(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
    let srp = SrpV3::new();
    let dest = planned.region.dest.unwrap_or(0);
    stream::connect(&*srp, &road.application(dest)).map_err(Failure::of(Kind::Usage))?;
    if let Err(error) = road.wait_open(LINK_TIME) {
        output::error_line(format!("rogue-mem: {}; the attempts go on", error.text()));
    }
    Ok((srp, road))
}
