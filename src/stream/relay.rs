//! What nodes that pass frames on in the sender's thread have in common.

use std::sync::Arc;

use super::frame::Frame;
use super::ports::{Fanout, Master, Slave, SlaveBase};
use crate::error::Result;

/// Decides about each frame.
pub(super) trait Rule: Send + Sync + 'static {
    /// Whether `frame` goes on.
    fn passes(&self, frame: &Frame) -> bool;
}

/// A slave that hands the frames that its rule lets pass to its master, itself and not copies.
///
/// Frames are requested from where they go to, so that a sender gets the buffers that the last node
/// of the chain can send without a copy.
pub(super) struct Relay<R> {
    base: SlaveBase,
    pub(super) master: Arc<Master>,
    pub(super) rule: R,
}

impl<R: Rule> Relay<R> {
    pub(super) fn new(rule: R) -> Arc<Relay<R>> {
        Arc::new(Relay { base: SlaveBase::new(), master: Master::new(), rule })
    }
}

impl<R: Rule> Slave for Relay<R> {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.receive(&frame);
        if self.rule.passes(&frame) {
            self.master.send_frame(frame);
        } else {
            Frame::release(frame);
        }
    }

    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        self.master.req_frame(size, zero_copy)
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        self.master.obstacle_by(&mut Fanout::default(), link)
    }

    fn explain_silence(&self) -> Option<String> {
        self.master.explain_silence()
    }

    fn link_lost(&self, reason: &str) {
        self.master.link_lost(reason);
    }

    fn admits(&self, frame: &Frame) -> bool {
        self.master.admits_by(&mut Fanout::default(), frame)
    }

    fn stop(&self) {
        self.master.stop();
    }
}
