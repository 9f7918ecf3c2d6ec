//! Received frames on their way to the slaves.

use std::sync::Arc;

use super::stats::LoopCounters;
use crate::bridge::link::budget::note_failure;
use crate::bridge::link::options::add;
use crate::error::{caught, Result};
use crate::headroom;
use crate::logging::{log_error, log_warning, Logger};
use crate::proto::bridge::stream::Tag;
use crate::stream::{Fanout, Frame, Intake, Master, Pool, SlaveBase};

/// Passes received frames on, and limits their size.
pub(super) struct Delivery {
    master: Arc<Master>,
    /// The slaves, during one turn of the event loop.
    fanout: Fanout,
    base: Arc<SlaveBase>,
    pub(super) intake: Arc<Intake>,
    counters: Arc<LoopCounters>,
    log: Logger,
    frame_bytes_max: u32,
}

impl Delivery {
    /// Sends with `master` frames from the pool of `base`.
    pub(super) fn new(
        master: Arc<Master>,
        base: Arc<SlaveBase>,
        counters: Arc<LoopCounters>,
        log: Logger,
        frame_bytes_max: u32,
    ) -> Delivery {
        let (fanout, intake) = (Fanout::default(), Arc::default());
        Delivery { master, fanout, base, intake, counters, log, frame_bytes_max }
    }

    /// Passes on a frame with a copy of `payload`.
    pub(super) fn pass_copy(&mut self, tag: Tag, payload: &[u8]) {
        let bytes = payload.len();
        if bytes as u64 > u64::from(self.frame_bytes_max) {
            return self.note_too_large(bytes as u64);
        }
        if !headroom::is_there() {
            return self.note_no_memory(bytes as u64);
        }
        let frame = copied(self.base.pool(), payload);
        self.pass(tag, frame, bytes);
    }

    /// Passes on a frame with `payload`.
    pub(super) fn pass_memory(&mut self, tag: Tag, payload: Vec<u8>) {
        let bytes = payload.len();
        if !headroom::is_there() {
            return self.note_no_memory(bytes as u64);
        }
        let frame = self.base.pool().adopt(payload);
        self.pass(tag, frame, bytes);
    }

    fn pass(&mut self, tag: Tag, frame: Result<Arc<Frame>>, bytes: usize) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                add(&self.counters.dropped_in, 1);
                return log_error!(self.log, "A received frame is dropped: {}", error.text());
            }
        };
        frame.set_flags(tag.flags);
        frame.set_channel(tag.channel);
        frame.set_error(tag.error);
        if self.master.update(&mut self.fanout) == 0 {
            add(&self.counters.dropped_in, 1);
            return log_warning!(
                self.log,
                "A received frame of {bytes} bytes is dropped: no slave is connected"
            );
        }
        add(&self.counters.frames_in, 1);
        add(&self.counters.bytes_in, bytes as u64);
        let (master, fanout) = (&self.master, &mut self.fanout);
        let send = || caught(|| master.send_frame_by(fanout, frame));
        if let Err(text) = self.intake.passing(send) {
            log_error!(self.log, "A slave panicked: {text}");
        }
    }

    /// Whether a frame of this many bytes may be received. If not, it is counted as dropped.
    pub(super) fn admits(&mut self, bytes: u64) -> bool {
        let is_admitted = bytes <= u64::from(self.frame_bytes_max);
        if !is_admitted {
            self.note_too_large(bytes);
        }
        is_admitted
    }

    /// A frame that is larger than the budget allows is dropped.
    #[cold]
    pub(super) fn note_beyond_budget(&self, bytes: u64, allowed: u64) {
        add(&self.counters.dropped_in, 1);
        log_warning!(
            self.log,
            "A received frame of {bytes} bytes is dropped: the memory budget allows {allowed} for one \
             frame: send smaller ones, or raise budget_bytes_max"
        );
    }

    /// A frame for which the system has no memory is dropped.
    #[cold]
    pub(super) fn note_no_memory(&self, bytes: u64) {
        note_failure();
        add(&self.counters.dropped_in, 1);
        log_warning!(
            self.log,
            "A received frame of {bytes} bytes is dropped: the system has no memory for it: send \
             smaller ones, or limit the memory budget"
        );
    }

    /// Counts a message that is no frame.
    #[cold]
    pub(super) fn note_malformed(&self, malformed: &dyn std::fmt::Display) {
        add(&self.counters.malformed, 1);
        log_warning!(self.log, "{malformed}");
    }

    #[cold]
    fn note_too_large(&self, bytes: u64) {
        add(&self.counters.dropped_in, 1);
        log_warning!(
            self.log,
            "A received frame of {bytes} bytes is dropped: at most {} are allowed, see the option \
             frame_bytes_max",
            self.frame_bytes_max
        );
    }

    /// The turn of the event loop is over.
    pub(super) fn end_turn(&mut self) {
        self.fanout = Fanout::default();
    }

    /// Disconnects the slaves: the bridge has been stopped.
    pub(super) fn stop(&mut self) {
        self.end_turn();
        self.master.stop();
    }
}

fn copied(pool: &Pool, payload: &[u8]) -> Result<Arc<Frame>> {
    // Its length fits, because larger frames are not admitted.
    let mut frame = pool.request(payload.len() as u32)?;
    Frame::fill(&mut frame, |buffers| {
        buffers.set_payload(payload.len())?;
        buffers.write_at(0, payload)
    })?;
    Ok(frame)
}
