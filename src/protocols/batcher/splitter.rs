//! `BatchSplitter`: the records of super-frames as frames.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::{core_log, log_errored, log_fault};
use crate::debug::impl_debug;
use crate::error::Result;
use crate::logging::log_error;
use crate::proto::batcher::{parse, Record, Version};
use crate::stream::{Frame, Master, Node, Slave, SlaveBase};

/// What `stats` returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct BatchSplitterStats {
    /// Super-frames split.
    pub super_frames: u64,
    /// Frames sent.
    pub frames: u64,
    /// Received frames that were dropped: with an error, or no super-frames.
    pub dropped: u64,
    /// Records that were dropped because the receiver gave no frame for them.
    pub lost: u64,
}

/// Splits super-frames: each record becomes a frame of its own, with the record's destination as its
/// channel, its users and no error, in the order of the super-frame and in the sender's thread.
///
/// What is no super-frame is dropped as a whole, counted and logged. A record without data becomes a
/// frame without payload. It works while there is a handle, or a master connected to its slave.
pub struct BatchSplitter {
    slave: Arc<Splitter>,
}

impl_debug!(BatchSplitter);

struct Splitter {
    base: SlaveBase,
    master: Arc<Master>,
    version: Version,
    super_frames: AtomicU64,
    frames: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
}

impl BatchSplitter {
    /// A splitter for super-frames of version 1.
    pub fn v1() -> Arc<BatchSplitter> {
        BatchSplitter::new(Version::V1)
    }

    /// A splitter for super-frames of version 2.
    pub fn v2() -> Arc<BatchSplitter> {
        BatchSplitter::new(Version::V2)
    }

    fn new(version: Version) -> Arc<BatchSplitter> {
        let slave = Arc::new(Splitter {
            base: SlaveBase::new(),
            master: Master::new(),
            version,
            super_frames: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        Arc::new(BatchSplitter { slave })
    }

    /// The counters.
    pub fn stats(&self) -> BatchSplitterStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BatchSplitterStats {
            super_frames: read(&self.slave.super_frames),
            frames: read(&self.slave.frames),
            dropped: read(&self.slave.dropped),
            lost: read(&self.slave.lost),
        }
    }
}

impl Node for BatchSplitter {
    fn stream_master(&self) -> Arc<Master> {
        self.slave.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.slave.clone()
    }
}

impl Splitter {
    fn split(&self, bytes: &[u8]) {
        let super_frame = match parse(self.version, bytes) {
            Ok(super_frame) => super_frame,
            Err(fault) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return log_fault(self.version, &fault);
            }
        };
        self.super_frames.fetch_add(1, Ordering::Relaxed);
        for record in super_frame.records() {
            match self.frame_of(&record) {
                Ok(frame) => {
                    self.frames.fetch_add(1, Ordering::Relaxed);
                    self.master.send_frame(frame);
                }
                Err(error) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    let log = core_log(self.version);
                    log_error!(*log, "A record could not be passed on: {}", error.text());
                }
            }
        }
    }

    fn frame_of(&self, record: &Record<'_>) -> Result<Arc<Frame>> {
        // Less than a super-frame, which has less than 2^32 bytes.
        let mut frame = self.master.req_frame(record.data.len() as u32, true)?;
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(record.data.len())?;
            buffers.write_at(0, record.data)
        })?;
        frame.set_channel(record.info.dest);
        frame.set_first_user(record.info.first_user);
        frame.set_last_user(record.info.last_user);
        Ok(frame)
    }
}

impl Slave for Splitter {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.receive(&frame);
        if frame.error() != 0 {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            log_errored(self.version, frame.error());
            return Frame::release(frame);
        }
        // The frame's lock must not be held while its records are delivered.
        let split = Frame::into_buffers(frame).and_then(|buffers| {
            match buffers.contiguous() {
                Some(bytes) => self.split(bytes),
                None => self.split(&buffers.try_to_vec()?),
            }
            Ok(())
        });
        if let Err(error) = split {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            let log = core_log(self.version);
            log_error!(*log, "Dropping a super-frame: {}", error.text());
        }
    }

    fn stop(&self) {
        self.master.stop();
    }
}
