//! The sending half of a `Prbs`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::super::lane::Lane;
use super::meter::Meter;
use super::{Settings, REPORT_PERIOD, TX_LOG};
use crate::error::Result;
use crate::logging::{log_error, log_warning};
use crate::process;
use crate::stream::{Frame, Master};

/// Makes frames and sends them.
pub(super) struct Generator {
    settings: Arc<Settings>,
    pub(super) master: Arc<Master>,
    pub(super) meter: Meter,
    /// Number of the next frame; changed by the owner of the lane only.
    sequence: AtomicU32,
    /// The sizes of frames to be sent.
    lane: Lane<u32>,
}

impl Generator {
    pub(super) fn new(settings: Arc<Settings>) -> Generator {
        Generator {
            settings,
            master: Master::new(),
            meter: Meter::new(),
            sequence: AtomicU32::new(0),
            lane: Lane::default(),
        }
    }

    /// The pause after each frame of the thread.
    pub(super) fn period(&self) -> Duration {
        Duration::from_nanos(self.settings.period_ns.load(Ordering::Relaxed))
    }

    /// Whether a frame can have `size` bytes at the present width.
    pub(super) fn fits(&self, size: u32) -> bool {
        self.settings.register().fits(size as usize)
    }

    /// Sends a frame of `size` bytes.
    pub(super) fn send(&self, size: u32) {
        if self.settings.is_inherited() {
            return log_error!(TX_LOG, "{}", process::inherited_text("The Prbs"));
        }
        let report = || log_warning!(TX_LOG, "A frame waits: the one before it is not taken");
        let refused = self.lane.run(size, REPORT_PERIOD, report, |size| self.send_now(size));
        if refused.is_err() {
            self.fail("too many frames wait already, and this thread cannot");
        }
    }

    fn fail(&self, why: &str) {
        self.meter.count_error();
        log_error!(TX_LOG, "A frame could not be sent: {why}");
    }

    fn send_now(&self, size: u32) {
        match self.frame(size as usize) {
            Ok(frame) => {
                self.master.send_frame(frame);
                self.sequence.fetch_add(1, Ordering::Relaxed);
                self.meter.count(size as usize);
            }
            Err(error) => self.fail(error.text()),
        }
    }

    fn frame(&self, size: usize) -> Result<Arc<Frame>> {
        let (register, payload) = (self.settings.register(), self.settings.payload());
        let sequence = self.sequence.load(Ordering::Relaxed);
        let mut frame = self.master.req_frame(size as u32, true)?;
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(size)?;
            if buffers.count() == 1 {
                buffers.slices_mut().for_each(|part| register.fill(part, sequence, payload));
                return Ok(());
            }
            let mut bytes = vec![0; size];
            register.fill(&mut bytes, sequence, payload);
            buffers.write_at(0, &bytes)
        })?;
        Ok(frame)
    }
}
