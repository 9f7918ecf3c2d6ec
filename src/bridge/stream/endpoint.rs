//! The slave of one end of a bridge.

use std::sync::Arc;
use std::time::Duration;

use super::outbox::Outbox;
use crate::clock;
use crate::net::DriverHandle;
use crate::stream::{Frame, Slave, SlaveBase};

/// How long `stop` lets the event loop send queued frames, which a peer that reads takes in less
/// time. With the wait for the end of the event loop `stop` returns within 100 ms.
const LINGER_TIME_MAX: Duration = Duration::from_millis(10);

/// Receives the frames to be sent. Stops its end of the bridge when it is dropped. Does not own the
/// master of that end, see [the module of streams](crate::stream).
pub(super) struct Endpoint {
    pub(super) outbox: Arc<Outbox>,
    base: Arc<SlaveBase>,
    handle: DriverHandle,
}

impl Endpoint {
    /// `base` has the pool of received frames.
    pub(super) fn new(outbox: Arc<Outbox>, base: Arc<SlaveBase>, handle: DriverHandle) -> Endpoint {
        Endpoint { outbox, base, handle }
    }

    /// Ends the waits of senders, sends what a peer takes at once, and ends the event loop.
    /// Idempotent; callable from any thread.
    pub(super) fn stop(&self) {
        if self.outbox.is_inherited() {
            return;
        }
        self.outbox.close();
        if !self.handle.is_stopping() && !self.handle.is_loop_thread() {
            self.outbox.drain(clock::now() + LINGER_TIME_MAX);
        }
        self.handle.stop();
    }

    /// Whether `stop` has been called, here or in the parent of a fork. The event loop may end later, when
    /// a slave that blocks returns.
    pub(super) fn is_stopped(&self) -> bool {
        self.outbox.is_inherited() || self.handle.is_stopping()
    }
}

impl Slave for Endpoint {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.count(frame.lock().payload());
        self.outbox.send(frame);
    }

    /// Only the end counts: without a peer frames wait for one.
    fn obstacle(&self, _link: &mut Option<u64>) -> Option<String> {
        self.outbox.end_text()
    }

    fn stop(&self) {
        Endpoint::stop(self);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop();
    }
}
