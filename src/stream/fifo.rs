//! `Fifo`: a queue of frames with a thread that delivers them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::drops::{report_drop, warn_of_drop};
use super::frame::Frame;
use super::node::Node;
use super::ports::{Fanout, Master, Slave, SlaveBase};
use super::worker::Worker;
use crate::clock;
use crate::debug::impl_debug;
use crate::error::{caught, Error, Result, Status};
use crate::logging::{log_debug, log_error, log_warning, static_logger};
use crate::process::{self, Generation, STACK_OF_PROCESS};
use crate::sync::{Condvar, Mutex};

static_logger!(LOG, "stream.Fifo");

/// Parts the receivers of frames from their sender: a queue, and a thread that delivers from it.
///
/// A sender never waits for it. A frame that arrives while the queue is full is dropped and
/// counted. The frame being delivered is no longer in the queue. It works while there is a handle,
/// or a master connected to its slave.
pub struct Fifo {
    slave: Arc<FifoSlave>,
}

impl_debug!(Fifo);

/// The receiving end. It owns the thread, which owns the master.
struct FifoSlave {
    queue: Arc<FrameQueue>,
    worker: Worker,
}

/// What senders share with the thread.
struct FrameQueue {
    generation: Generation,
    base: SlaveBase,
    master: Arc<Master>,
    /// Upper bound on the queued frames; 0 = none.
    depth_max: usize,
    /// Bytes to which copies are cut; 0 = not cut.
    trim_bytes: usize,
    /// Frames are forwarded, not copied.
    no_copy: bool,
    dropped: AtomicU64,
    state: Mutex<QueueState>,
    /// Signals a frame, or the end.
    arrived: Condvar,
}

#[derive(Default)]
struct QueueState {
    frames: VecDeque<Arc<Frame>>,
    /// Places taken for frames that are being copied.
    reserved: usize,
    /// The thread waits for a frame, and has not been notified of one.
    worker_waits: bool,
    is_stopped: bool,
}

impl Fifo {
    /// A queue for at most `depth_max` frames, 0 = not limited, with its thread running.
    ///
    /// Frames are copied on arrival, with flags, channel and error, into a frame from the first
    /// slave, and cut to `trim_bytes` if that is not 0. With `no_copy` the frame itself is queued,
    /// whole: its sender and its other receivers must leave it alone then.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system refuses a thread.
    pub fn new(depth_max: u32, trim_bytes: u32, no_copy: bool) -> Result<Arc<Fifo>> {
        let queue = Arc::new(FrameQueue {
            generation: Generation::current(),
            base: SlaveBase::new(),
            master: Master::new(),
            depth_max: depth_max as usize,
            trim_bytes: trim_bytes as usize,
            no_copy,
            dropped: AtomicU64::new(0),
            state: Mutex::default(),
            arrived: Condvar::new(),
        });
        let own = queue.clone();
        let worker = Worker::start("Fifo", STACK_OF_PROCESS, move || {
            process::wait_for_receivers();
            own.deliver();
        });
        let worker = worker.map_err(|error| {
            let text = format!("The thread of the queue could not be started: {error}");
            Error::new(Status::OutOfResources, "stream::Fifo::Fifo", text)
        })?;
        Ok(Arc::new(Fifo { slave: Arc::new(FifoSlave { queue, worker }) }))
    }

    /// Number of queued frames; 0 in a child by `fork`, to which the queue is lost.
    pub fn size(&self) -> usize {
        match self.slave.worker.is_inherited() {
            true => 0,
            false => self.slave.queue.size(),
        }
    }

    /// Number of frames dropped since construction or [`clear_dropped`](Self::clear_dropped):
    /// because the queue was full or could not grow, because a copy could not be made, which the log
    /// says, or because a request was given up while it waited here.
    pub fn dropped(&self) -> u64 {
        self.slave.queue.dropped.load(Ordering::Relaxed)
    }

    /// Sets the number of dropped frames to 0.
    pub fn clear_dropped(&self) {
        self.slave.queue.dropped.store(0, Ordering::Relaxed);
    }

    /// Ends the thread, drops queued and later frames, and disconnects the slaves. Returns within
    /// 100 ms, whatever a receiver does; the thread, as its last act, frees what was queued. May be called more than once, from any thread, also in a
    /// delivery.
    pub fn stop(&self) {
        self.slave.stop();
    }
}

impl Node for Fifo {
    fn stream_master(&self) -> Arc<Master> {
        self.slave.queue.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.slave.clone()
    }
}

impl Slave for FifoSlave {
    fn base(&self) -> &SlaveBase {
        &self.queue.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        if self.worker.is_inherited() {
            return log_error!(LOG, "{}", process::inherited_text("The Fifo"));
        }
        self.queue.base.receive(&frame);
        let Some(place) = self.queue.reserve() else { return Frame::release(frame) };
        if self.queue.no_copy {
            return place.fill(frame);
        }
        let copy = self.queue.copy_of(&frame);
        Frame::release(frame);
        match copy {
            Ok(copy) => place.fill(copy),
            Err(error) => {
                self.queue.dropped.fetch_add(1, Ordering::Relaxed);
                warn_of_drop!(LOG, "The Fifo drops a frame that it cannot copy: {}", error.text());
            }
        }
    }

    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        // A frame that is forwarded comes from where it goes to.
        match self.queue.no_copy {
            true => self.queue.master.req_frame(size, zero_copy),
            false => self.queue.base.pool().request(size),
        }
    }

    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        if self.worker.is_inherited() {
            return Some(process::inherited_text("The Fifo"));
        }
        if self.queue.is_stopped() {
            return Some("The Fifo has been stopped".to_owned());
        }
        self.queue.master.obstacle_by(&mut Fanout::default(), link)
    }

    fn explain_silence(&self) -> Option<String> {
        self.queue.master.explain_silence()
    }

    /// Before the frames in the queue: requesters need not wait for these.
    fn link_lost(&self, reason: &str) {
        if !self.worker.is_inherited() {
            self.queue.master.link_lost(reason);
        }
    }

    fn admits(&self, frame: &Frame) -> bool {
        self.worker.is_inherited() || self.queue.master.admits_by(&mut Fanout::default(), frame)
    }

    fn stop(&self) {
        if !self.worker.is_inherited() {
            self.queue.stop();
        }
        if !self.worker.join() {
            log_warning!(LOG, "The receiver of a frame does not return; the thread ends then");
        }
    }
}

impl Drop for FifoSlave {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A place in the queue for one frame; given back if it is not filled.
struct Place<'a>(&'a FrameQueue);

impl Place<'_> {
    fn fill(self, frame: Arc<Frame>) {
        let mut state = self.0.state.lock();
        if state.is_stopped {
            drop(state);
            return Frame::release(frame);
        }
        state.frames.push_back(frame);
        let worker_waits = std::mem::take(&mut state.worker_waits);
        drop(state);
        if worker_waits {
            self.0.arrived.notify_one();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state.lock().reserved -= 1;
    }
}

impl FrameQueue {
    /// A place in the queue, unless it is full or stopped, or the system has no memory for one.
    fn reserve(&self) -> Option<Place<'_>> {
        let mut state = self.state.lock();
        if state.is_stopped {
            drop(state);
            log_debug!(LOG, "Dropped a frame: the queue has been stopped");
            report_drop(|| "the Fifo drops a frame, because it has been stopped".into());
            return None;
        }
        if self.depth_max != 0 && state.frames.len() + state.reserved >= self.depth_max {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            report_drop(|| format!("the Fifo drops a frame: {} wait already", self.depth_max));
            return None;
        }
        let reserved = state.reserved + 1;
        if state.frames.try_reserve(reserved).is_err() {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            report_drop(|| {
                "the Fifo drops a frame: the system gives no memory for its place".into()
            });
            return None;
        }
        state.reserved = reserved;
        Some(Place(self))
    }

    /// A copy of a frame, cut to the chosen size, in a frame from the first slave.
    fn copy_of(&self, frame: &Frame) -> Result<Arc<Frame>> {
        let cut = |payload: usize| match self.trim_bytes {
            0 => payload,
            trim_bytes => payload.min(trim_bytes),
        };
        // Not under the frame's lock: the slave that is asked may be the program's.
        let count = cut(frame.lock().payload());
        let mut copy = self.master.req_frame(count as u32, true)?;
        if std::ptr::eq(&*copy, frame) {
            let text = "The slave gave the frame itself for its copy: make a new one in acceptReq";
            return Err(Error::new(Status::Frame, "stream::Fifo::acceptFrame", text));
        }
        Frame::fill(&mut copy, |into| {
            let from = frame.lock();
            into.copy_from(&from, count.min(from.payload()))
        })?;
        copy.set_flags(frame.flags());
        copy.set_channel(frame.channel());
        copy.set_error(frame.error());
        copy.share_cancel_token(frame);
        Ok(copy)
    }

    fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.arrived.notify_all();
        self.master.stop();
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().is_stopped
    }

    /// Number of frames that are still to be delivered.
    fn size(&self) -> usize {
        let state = self.state.lock();
        if state.is_stopped {
            0
        } else {
            state.frames.len()
        }
    }

    /// Delivers frames until the end; the body of the thread.
    fn deliver(&self) {
        while let Some(mut frame) = self.next() {
            if frame.cancel_if_late(clock::now()) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                let instead = frame.stand_in();
                Frame::release(frame);
                let Some(instead) = instead else { continue };
                frame = instead;
            }
            if let Err(text) = caught(|| self.master.send_frame(frame)) {
                log_warning!(LOG, "The receiver of a frame panicked: {text}");
            }
        }
    }

    /// Waits for a frame; `None` at the end, also in a child, if a receiver has forked.
    fn next(&self) -> Option<Arc<Frame>> {
        if self.generation.is_inherited() {
            return None;
        }
        let mut state = self.state.lock();
        loop {
            if state.is_stopped {
                // Here, not where it is stopped: there may be many, and their memory may be the
                // program's.
                let dropped = std::mem::take(&mut state.frames);
                drop(state);
                dropped.into_iter().for_each(Frame::release);
                return None;
            }
            if let Some(frame) = state.frames.pop_front() {
                return Some(frame);
            }
            state.worker_waits = true;
            state = self.arrived.wait(state);
        }
    }
}
