//! The batcher's nodes: frames into super-frames, and back.

mod batch;
mod combiner;
mod inverter;
mod splitter;

pub use batch::{Batch, BatchRecord};
pub use combiner::{BatchCombiner, BatchCombinerStats};
pub use inverter::{BatchInverter, BatchInverterStats};
pub use splitter::{BatchSplitter, BatchSplitterStats};

use crate::logging::{log_error, log_warning, static_logger, StaticLogger};
use crate::proto::batcher::{Fault, Version};

static_logger!(CORE_V1_LOG, "batcher.CoreV1");
static_logger!(CORE_V2_LOG, "batcher.CoreV2");

/// The logger of what is wrong with super-frames, which is Rogue's.
fn core_log(version: Version) -> &'static StaticLogger {
    match version {
        Version::V1 => &CORE_V1_LOG,
        Version::V2 => &CORE_V2_LOG,
    }
}

/// Says that a frame is dropped because it came with an error.
fn log_errored(version: Version, error: u8) {
    log_warning!(*core_log(version), "Dropping frame due to error: 0x{error:x}");
}

/// Says why a super-frame is dropped.
fn log_fault(version: Version, fault: &Fault) {
    let log = core_log(version);
    match fault {
        Fault::Small { .. } => log_warning!(*log, "{fault}"),
        _ => log_error!(*log, "{fault}"),
    }
}
