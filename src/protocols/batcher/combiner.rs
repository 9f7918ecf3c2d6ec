//! `BatchCombiner`: frames into super-frames.

use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::super::lane::Lane;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::logging::{log_error, log_warning, static_logger, StaticLogger};
use crate::process::{inherited_text, Generation};
use crate::proto::batcher::{Layout, Packer, RecordInfo, Version, WIDTH_CODE_MAX};
use crate::stream::{Buffers, Frame, Master, Node, Slave, SlaveBase};
use crate::sync::Mutex;

static_logger!(V1_LOG, "batcher.CombinerV1");
static_logger!(V2_LOG, "batcher.CombinerV2");

/// How often a thread that waits for its turn to send says so.
const REPORT_PERIOD: Duration = Duration::from_secs(1);

/// What `stats` returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct BatchCombinerStats {
    /// Frames queued now.
    pub queued: u64,
    /// Super-frames sent.
    pub super_frames: u64,
    /// Frames in them.
    pub frames: u64,
    /// Frames lost: the queue was full, or the receiver gave no frame for the super-frame.
    pub lost: u64,
}

/// Packs frames into super-frames: queues those that it receives, and sends all of them as one by
/// [`send_batch`](Self::send_batch).
///
/// The channel of a frame becomes the record's destination; its error is not transported. The bytes
/// are those that the frame has when it arrives. It works while there is a handle, or a master
/// connected to its slave.
pub struct BatchCombiner {
    slave: Arc<Combiner>,
}

impl_debug!(BatchCombiner);

struct Combiner {
    generation: Generation,
    base: SlaveBase,
    master: Arc<Master>,
    layout: Layout,
    queue: Mutex<Queue>,
    /// One super-frame is made and sent at a time, so that they leave in the order of their numbers.
    lane: Lane<()>,
    /// Number of the next super-frame; changed by the owner of the lane only.
    sequence: AtomicU8,
    super_frames: AtomicU64,
    frames: AtomicU64,
    lost: AtomicU64,
}

/// Frames that wait to be sent.
#[derive(Default)]
struct Queue {
    records: Vec<Queued>,
    /// Bytes that they take in a super-frame.
    bytes: u64,
}

struct Queued {
    payload: Buffers,
    bytes: u32,
    info: RecordInfo,
}

impl BatchCombiner {
    /// A combiner of version 1 with words of `2 << width_code` bytes.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] for a width code above [`WIDTH_CODE_MAX`].
    pub fn v1(width_code: u8) -> Result<Arc<BatchCombiner>> {
        let layout = Layout::v1(width_code).ok_or_else(|| {
            let text = format!("Invalid width {width_code}: there are 0 to {WIDTH_CODE_MAX}");
            Error::new(Status::InvalidArgument, "batcher::CombinerV1::CombinerV1", text)
        })?;
        Ok(BatchCombiner::with_layout(layout))
    }

    /// A combiner of version 2.
    pub fn v2() -> Arc<BatchCombiner> {
        BatchCombiner::with_layout(Layout::v2())
    }

    fn with_layout(layout: Layout) -> Arc<BatchCombiner> {
        let slave = Arc::new(Combiner {
            generation: Generation::current(),
            base: SlaveBase::new(),
            master: Master::new(),
            layout,
            queue: Mutex::default(),
            lane: Lane::default(),
            sequence: AtomicU8::new(0),
            super_frames: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        Arc::new(BatchCombiner { slave })
    }

    /// Number of queued frames.
    pub fn count(&self) -> usize {
        match self.slave.generation.is_inherited() {
            true => 0,
            false => self.slave.queue.lock().records.len(),
        }
    }

    /// Sends all queued frames as one super-frame, in this thread; nothing if there are none. Where
    /// threads contend, one waits for the other; a thread that cannot, such as one in the delivery
    /// of a super-frame, leaves it to the one that is at it.
    ///
    /// # Errors
    ///
    /// That of the first receiver, which gave no frame; the queued frames are lost then, and counted.
    pub fn send_batch(&self) -> Result<()> {
        let combiner = &*self.slave;
        if combiner.generation.is_inherited() {
            let text = inherited_text("The combiner");
            return Err(Error::new(Status::Stopped, combiner.source(), text));
        }
        let failure = Mutex::new(None);
        let log = combiner.log();
        let report = || log_warning!(*log, "A batch waits: the one before it is not taken");
        let refused = combiner.lane.run((), REPORT_PERIOD, report, |()| {
            if let Err(error) = combiner.send_queued() {
                log_error!(*log, "A batch could not be sent: {}", error.text());
                failure.lock().get_or_insert(error);
            }
        });
        if refused.is_err() {
            let text =
                "Too many batches wait already, and this thread cannot; send fewer at a time";
            return Err(Error::new(Status::OutOfResources, combiner.source(), text));
        }
        let failure = failure.lock().take();
        failure.map_or(Ok(()), Err)
    }

    /// The counters.
    pub fn stats(&self) -> BatchCombinerStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BatchCombinerStats {
            queued: self.count() as u64,
            super_frames: read(&self.slave.super_frames),
            frames: read(&self.slave.frames),
            lost: read(&self.slave.lost),
        }
    }
}

impl Node for BatchCombiner {
    fn stream_master(&self) -> Arc<Master> {
        self.slave.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.slave.clone()
    }
}

impl Combiner {
    fn log(&self) -> &'static StaticLogger {
        match self.layout.version() {
            Version::V1 => &V1_LOG,
            Version::V2 => &V2_LOG,
        }
    }

    fn source(&self) -> &'static str {
        match self.layout.version() {
            Version::V1 => "batcher::CombinerV1::sendBatch",
            Version::V2 => "batcher::CombinerV2::sendBatch",
        }
    }

    /// Bytes of a super-frame of these records; `None` if they are more than a frame can have.
    fn bytes(&self, records: u64) -> Option<u32> {
        u32::try_from(self.layout.header_bytes() as u64 + records).ok()
    }

    fn send_queued(&self) -> Result<()> {
        let queue = std::mem::take(&mut *self.queue.lock());
        let count = queue.records.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let frame = self.packed(&queue).inspect_err(|_| {
            self.lost.fetch_add(count, Ordering::Relaxed);
        })?;
        self.sequence.fetch_add(1, Ordering::Relaxed);
        self.super_frames.fetch_add(1, Ordering::Relaxed);
        self.frames.fetch_add(count, Ordering::Relaxed);
        drop(queue);
        self.master.send_frame(frame);
        Ok(())
    }

    fn packed(&self, queue: &Queue) -> Result<Arc<Frame>> {
        let bytes = self.bytes(queue.bytes).expect("the queue takes no more");
        let mut frame = self.master.req_frame(bytes, true)?;
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(bytes as usize)?;
            if buffers.count() == 1 {
                buffers.slices_mut().for_each(|part| self.pack(queue, part));
                return Ok(());
            }
            let mut whole = vec![0; bytes as usize];
            self.pack(queue, &mut whole);
            buffers.write_at(0, &whole)
        })?;
        Ok(frame)
    }

    fn pack(&self, queue: &Queue, into: &mut [u8]) {
        let mut packer = Packer::new(self.layout, self.sequence.load(Ordering::Relaxed), into);
        for Queued { payload, bytes, info } in &queue.records {
            packer.record(payload.slices(), *bytes, *info);
        }
    }

    /// Queues a record; what does not fit into a super-frame any more comes back.
    fn queue(&self, record: Queued) -> std::result::Result<(), Queued> {
        let mut queue = self.queue.lock();
        let bytes = queue.bytes + self.layout.record_bytes(record.bytes.into());
        if self.bytes(bytes).is_none() {
            return Err(record);
        }
        queue.bytes = bytes;
        queue.records.push(record);
        Ok(())
    }
}

impl Slave for Combiner {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let log = self.log();
        if self.generation.is_inherited() {
            return log_error!(*log, "{}", inherited_text("The combiner"));
        }
        self.base.receive(&frame);
        let info = RecordInfo {
            dest: frame.channel(),
            first_user: frame.first_user(),
            last_user: frame.last_user(),
        };
        let payload = match Frame::into_buffers(frame) {
            Ok(payload) => payload,
            Err(error) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return log_error!(*log, "A frame is dropped: {}", error.text());
            }
        };
        let queued = match u32::try_from(payload.payload()) {
            Ok(bytes) => self.queue(Queued { payload, bytes, info }).is_ok(),
            Err(_) => false,
        };
        if !queued {
            self.lost.fetch_add(1, Ordering::Relaxed);
            log_error!(
                *log,
                "A frame is dropped: with it the super-frame would have more than {} bytes; send \
                 the batch before",
                u32::MAX
            );
        }
    }

    fn stop(&self) {
        self.master.stop();
    }
}
