//! The frames on their way on one connection.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::bridge::link::wire::Outgoing;
use crate::clock::Time;
use crate::error::Result;
use crate::proto::bridge::stream::{encode_frame_head, Tag};
use crate::stream::{Buffers, CancelToken, Frame};

/// Unsent octets of a connection at which it gets no further frame. The rest of the frames stays
/// in the outbox, from which a lost connection takes none with it. Large enough for system calls
/// that send many frames.
const LANE_OCTETS_MAX: usize = 128 * 1024;

/// A frame that waits to be sent. Nothing else refers to its memory.
pub(super) struct QueuedFrame {
    tag: Tag,
    payload: Buffers,
    bytes: usize,
    cancel_token: Option<Arc<dyn CancelToken>>,
}

impl QueuedFrame {
    /// Takes the payload of a frame; a copy if others refer to the frame, for which there may be no memory.
    pub(super) fn of(frame: Arc<Frame>) -> Result<QueuedFrame> {
        let tag = Tag { flags: frame.flags(), channel: frame.channel(), error: frame.error() };
        let cancel_token = frame.cancel_token().cloned();
        let payload = Frame::into_buffers(frame)?;
        let bytes = payload.payload();
        Ok(QueuedFrame { tag, payload, bytes, cancel_token })
    }

    /// As [`Frame::cancel_if_late`].
    pub(super) fn cancel_if_late(&self, now: Time) -> bool {
        self.cancel_token.as_ref().is_some_and(|token| token.clone().cancel_if_late(now))
    }

    /// As [`Frame::stand_in`].
    pub(super) fn stand_in(&self) -> Option<QueuedFrame> {
        let frame = Frame::from(self.cancel_token.as_ref()?.placeholder()?.to_vec());
        let mut instead = QueuedFrame::of(Arc::new(frame)).ok()?;
        instead.tag = self.tag;
        Some(instead)
    }

    /// As [`Frame::is_cancelled`].
    pub(super) fn is_cancelled(&self, now: Time) -> bool {
        self.cancel_token.as_ref().is_some_and(|token| token.is_cancelled(now))
    }

    /// When a thread that waits with this frame looks whether to go on.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.cancel_token.as_ref().map(|token| token.deadline())
    }

    /// Bytes of payload.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The frames that one connection has queued. They are sent when the system has taken them.
pub(super) struct Lane {
    /// For each frame: the octets queued on the connection up to its end, and its payload.
    ends: VecDeque<(u64, usize)>,
    /// The peer takes frames without payload. In Rogue such a frame is lost with the one after it.
    takes_empty: bool,
}

/// Frames and bytes of their payload.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Amount {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

impl Lane {
    /// For a peer that takes frames without payload or not.
    pub(super) fn new(takes_empty: bool) -> Lane {
        Lane { ends: VecDeque::new(), takes_empty }
    }

    /// Whether a connection with this unsent output gets another frame.
    pub(super) fn has_room(backlog: usize) -> bool {
        backlog < LANE_OCTETS_MAX
    }

    /// Queues a frame. False if the peer cannot be sent it.
    #[must_use]
    pub(super) fn queue(&mut self, out: &mut Outgoing, frame: QueuedFrame) -> bool {
        let QueuedFrame { tag, payload, bytes, .. } = frame;
        if bytes == 0 && !self.takes_empty {
            return false;
        }
        // Without memory it is lost with the connection.
        if let Some(head) = out.end(0) {
            encode_frame_head(tag, bytes as u64, head);
            payload.into_each().for_each(|buffer| out.append_foreign(buffer));
        }
        self.ends.push_back((out.queued_octets(), bytes));
        true
    }

    /// The frames that have been sent since the last call, now that the system has taken this many
    /// octets of the connection.
    pub(super) fn take_sent(&mut self, sent_octets: u64) -> Amount {
        let mut sent = Amount::default();
        while let Some(&(end, bytes)) = self.ends.front() {
            if end > sent_octets {
                break;
            }
            self.ends.pop_front();
            sent.frames += 1;
            sent.bytes += bytes as u64;
        }
        sent
    }

    /// Number of frames that have not been sent.
    pub(super) fn unsent(&self) -> u64 {
        self.ends.len() as u64
    }
}
