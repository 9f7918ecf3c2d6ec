//! Protocol nodes: [`proto`](crate::proto) between the [stream](crate::stream) and the
//! [register bus](crate::memory), and [`udp`] under a stream.

mod batcher;
mod cmd;
mod lane;
mod packetizer;
mod prbs;
mod request_token;
mod rssi;
mod srp_client;
mod srp_v0;
mod srp_v3;
mod srp_v3_emulation;
pub mod udp;
mod udp_rssi_pack;

pub use crate::net::{EventLoop, EventLoopOptions, Spin};
pub use crate::proto::batcher::{RecordInfo as BatchRecordInfo, Version as BatcherVersion};
pub use crate::proto::packetizer::Version as PacketizerVersion;
pub use batcher::{
    Batch, BatchCombiner, BatchCombinerStats, BatchInverter, BatchInverterStats, BatchRecord,
    BatchSplitter, BatchSplitterStats,
};
pub use cmd::send_cmd;
pub use lane::QUEUE_JOBS_COUNT_MAX;
pub use packetizer::{Packetizer, PacketizerOptions, PacketizerStats, PACKETIZER_HELD_BYTES_MAX};
pub use prbs::{Prbs, PrbsCounters, PrbsStats};
pub use rssi::{LinkChange, LinkObserver, RssiEndpoint, RssiOptions, RssiParameters, RssiStats};
pub use srp_v0::SrpV0;
pub use srp_v3::SrpV3;
pub use srp_v3_emulation::{SrpV3Emulation, SrpV3EmulationOptions, QUEUE_FRAMES_COUNT_MAX};
pub use udp::{UdpEndpoint, UdpOptions, UdpStats};
pub use udp_rssi_pack::{UdpRssiPack, UdpRssiPackOptions, UdpRssiPackStats};
