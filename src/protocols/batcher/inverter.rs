//! `BatchInverter`: the tails of super-frames as headers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::{core_log, log_errored, log_fault};
use crate::debug::impl_debug;
use crate::error::Result;
use crate::logging::log_error;
use crate::proto::batcher::{invert, Fault, Version};
use crate::stream::{Buffers, Frame, Master, Node, Slave, SlaveBase};

/// What `stats` returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct BatchInverterStats {
    /// Super-frames inverted and sent.
    pub super_frames: u64,
    /// Received frames that were dropped: with an error, no super-frames, or not invertible.
    pub dropped: u64,
}

/// Inverts super-frames: each tail becomes a header before its record, and the header of the
/// super-frame goes away, so that the result can be read from its start. See
/// [`proto::batcher::invert`](crate::proto::batcher::invert), also for what version 2 makes of it.
///
/// The frame itself is changed and sent on, in the sender's thread; if others have it too, a copy
/// of it. What is no super-frame is dropped, counted and logged. It works while there is a handle,
/// or a master connected to its slave.
pub struct BatchInverter {
    slave: Arc<Inverter>,
}

impl_debug!(BatchInverter);

struct Inverter {
    base: SlaveBase,
    master: Arc<Master>,
    version: Version,
    super_frames: AtomicU64,
    dropped: AtomicU64,
}

impl BatchInverter {
    /// An inverter for super-frames of version 1 with width codes 2 to 5.
    pub fn v1() -> Arc<BatchInverter> {
        BatchInverter::new(Version::V1)
    }

    /// An inverter for super-frames of version 2.
    pub fn v2() -> Arc<BatchInverter> {
        BatchInverter::new(Version::V2)
    }

    fn new(version: Version) -> Arc<BatchInverter> {
        let slave = Arc::new(Inverter {
            base: SlaveBase::new(),
            master: Master::new(),
            version,
            super_frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        Arc::new(BatchInverter { slave })
    }

    /// The counters.
    pub fn stats(&self) -> BatchInverterStats {
        BatchInverterStats {
            super_frames: self.slave.super_frames.load(Ordering::Relaxed),
            dropped: self.slave.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Node for BatchInverter {
    fn stream_master(&self) -> Arc<Master> {
        self.slave.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.slave.clone()
    }
}

impl Inverter {
    /// The frame itself, or a copy if others have it too.
    fn own(&self, frame: Arc<Frame>) -> Result<Arc<Frame>> {
        if Arc::strong_count(&frame) == 1 {
            return Ok(frame);
        }
        let count = frame.lock().payload();
        // A copy of more than 2^32 bytes is refused by its codec anyway.
        let mut copy = self.master.req_frame(u32::try_from(count).unwrap_or(u32::MAX), true)?;
        let taken = Frame::fill(&mut copy, |copy| copy.copy_from(&frame.lock(), count));
        copy.set_flags(frame.flags());
        copy.set_channel(frame.channel());
        taken.map(|()| copy)
    }

    fn drop_frame(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Inverts a payload in one piece. Also returns buffers to be dropped without the frame's lock.
fn inverted(
    version: Version,
    buffers: &mut Buffers,
) -> Result<(std::result::Result<(), Fault>, Buffers)> {
    let former = buffers.join()?;
    let payload = buffers.payload();
    let outcome = match invert(version, &mut buffers.space_mut()[..payload]) {
        Ok(count) => Ok(buffers.set_payload(count)?),
        Err(fault) => Err(fault),
    };
    Ok((outcome, former))
}

impl Slave for Inverter {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.receive(&frame);
        if frame.error() != 0 {
            self.drop_frame();
            log_errored(self.version, frame.error());
            return Frame::release(frame);
        }
        let outcome = self.own(frame).and_then(|mut frame| {
            let (outcome, former) =
                Frame::fill(&mut frame, |buffers| inverted(self.version, buffers))?;
            drop(former);
            Ok((frame, outcome))
        });
        match outcome {
            Ok((frame, Ok(()))) => {
                self.super_frames.fetch_add(1, Ordering::Relaxed);
                self.master.send_frame(frame);
            }
            Ok((frame, Err(fault))) => {
                self.drop_frame();
                log_fault(self.version, &fault);
                Frame::release(frame);
            }
            Err(error) => {
                self.drop_frame();
                let log = core_log(self.version);
                log_error!(*log, "A super-frame could not be inverted: {}", error.text());
            }
        }
    }

    fn stop(&self) {
        self.master.stop();
    }
}
