//! The receiving half of a `Prbs`.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::meter::Meter;
use super::{Settings, RX_LOG};
use crate::error::Result;
use crate::logging::{log_error, log_warning};
use crate::process;
use crate::proto::prbs::Checker;
use crate::stream::{Frame, Slave, SlaveBase};
use crate::sync::{Condvar, Mutex};

/// Checks received frames.
pub(super) struct FrameChecker {
    base: SlaveBase,
    settings: Arc<Settings>,
    pub(super) meter: Meter,
    checker: Mutex<Checker>,
    gate: Mutex<Gate>,
    /// Signals that frames are received, or released.
    opened: Condvar,
}

/// Whether frames are received.
struct Gate {
    is_enabled: bool,
    /// Nothing waits any more.
    is_released: bool,
}

impl FrameChecker {
    pub(super) fn new(settings: Arc<Settings>) -> FrameChecker {
        FrameChecker {
            base: SlaveBase::new(),
            settings,
            meter: Meter::new(),
            checker: Mutex::default(),
            gate: Mutex::new(Gate { is_enabled: true, is_released: false }),
            opened: Condvar::new(),
        }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.gate.lock().is_enabled
    }

    pub(super) fn set_enabled(&self, is_enabled: bool) {
        let mut gate = self.gate.lock();
        (gate.is_enabled, gate.is_released) = (is_enabled, false);
        drop(gate);
        if is_enabled {
            self.opened.notify_all();
        }
    }

    /// Lets waiting threads go, without their frames.
    pub(super) fn release(&self) {
        self.gate.lock().is_released = true;
        self.opened.notify_all();
    }

    /// Waits until frames are received; false if they are dropped instead.
    fn wait_enabled(&self) -> bool {
        let mut gate = self.gate.lock();
        while !gate.is_enabled && !gate.is_released {
            gate = self.opened.wait(gate);
        }
        gate.is_enabled
    }
}

impl Slave for FrameChecker {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        if self.settings.is_inherited() {
            return log_error!(RX_LOG, "{}", process::inherited_text("The Prbs"));
        }
        if !self.wait_enabled() {
            return Frame::release(frame);
        }
        let (error, register) = (frame.error(), self.settings.register());
        let checks_payload = self.settings.check_payload.load(Ordering::Relaxed);
        let checked: Result<_> = Frame::consume(frame, |buffers| {
            let joined;
            let bytes = match buffers.contiguous() {
                Some(bytes) => bytes,
                None => {
                    joined = buffers.try_to_vec()?;
                    &joined[..]
                }
            };
            let judgement = self.checker.lock().check(&register, bytes, error, checks_payload);
            Ok((bytes.len(), judgement))
        });
        let (size, judgement) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                let count = self.meter.count_error();
                return log_warning!(
                    RX_LOG,
                    "Error {count}, a frame that is not checked: {}",
                    error.text()
                );
            }
        };
        self.base.count(size);
        match judgement {
            Ok(()) => self.meter.count(size),
            Err(fault) => {
                let count = self.meter.count_error();
                log_warning!(RX_LOG, "{}", fault.text(count));
            }
        }
    }
}
