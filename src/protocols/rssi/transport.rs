//! The slave that takes datagrams.

use std::sync::Arc;

use super::link::Link;
use super::parcel::Parcel;
use crate::process::serve_others;
use crate::proto::rssi::SYN_BYTES;
use crate::stream::{Dispatch, Frame, Slave, SlaveBase};

/// Takes datagrams, each a frame, in the thread of the node that receives them. It owns the link
/// and no node behind it that sends: dropping the endpoint ends the circle.
pub(super) struct Transport {
    base: SlaveBase,
    link: Arc<Link>,
}

impl Transport {
    pub(super) fn new(link: Arc<Link>) -> Transport {
        Transport { base: SlaveBase::new(), link }
    }

    /// Gives a datagram to the link. [`Link::pump`] follows; before the next datagram if this returns
    /// true.
    fn receive(&self, frame: Arc<Frame>) -> bool {
        let error = frame.error();
        let (start, count, bytes) = start_of(&frame);
        self.base.count(bytes);
        if error != 0 {
            Frame::release(frame);
            self.link.report_errored(error);
            return false;
        }
        self.link.receive(&start[..count], Parcel { frame, bytes })
    }
}

impl Slave for Transport {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn takes_only_answers(&self) -> bool {
        !self.link.is_inherited() && self.link.application.sends_only_answers()
    }

    fn takes_together(&self) -> bool {
        true
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        if self.link.is_inherited() {
            return self.link.report_inherited();
        }
        // Threads that wait for room depend on it.
        serve_others(|| {
            self.receive(frame);
            self.link.pump();
        });
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        if self.link.is_inherited() {
            return self.link.report_inherited();
        }
        let frames = frames.iter_mut().filter_map(|dispatch| dispatch.frame.take());
        serve_others(|| {
            for frame in frames {
                if self.receive(frame) {
                    self.link.pump();
                }
            }
            // What follows from all the others goes together.
            self.link.pump();
        });
    }

    fn link_lost(&self, reason: &str) {
        if !self.link.is_inherited() {
            self.link.lose_transport(reason);
        }
    }

    fn admits(&self, frame: &Frame) -> bool {
        let (start, count, bytes) = start_of(frame);
        !self.link.is_inherited() && self.link.admits(&start[..count], bytes)
    }
}

/// The first bytes of a frame's payload, how many they are, and how many bytes it has.
fn start_of(frame: &Frame) -> ([u8; SYN_BYTES], usize, usize) {
    let mut start = [0; SYN_BYTES];
    let buffers = frame.lock();
    let bytes = buffers.payload();
    let count = bytes.min(start.len());
    // It lies within the payload.
    let _ = buffers.read_at(0, &mut start[..count]);
    (start, count, bytes)
}
