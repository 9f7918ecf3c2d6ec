//! The two ends of a stream: masters send frames, slaves receive them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::dispatch::Dispatch;
use super::drops::ignore_drops;
use super::dump::Dump;
use super::frame::Frame;
use super::pool::Pool;
use crate::debug::impl_debug;
use crate::error::{Error, Result, Status};
use crate::process::{inherited_text, Generation};
use crate::sync::Mutex;

/// Upper bound on the slaves of one master.
pub const SLAVES_COUNT_MAX: usize = 1024;

/// A thread that waits for an answer, in [`Slave::drive`].
pub trait Waiter {
    /// Whether it waits no longer. Cheap, and takes no lock.
    fn is_over(&self) -> bool;

    /// For how long it waits still, at most; `None` if not at all.
    fn time_left(&mut self) -> Option<Duration>;

    /// It is about to sleep, or has woken. While it sleeps, the end of its wait calls
    /// [`Slave::interrupt`]; an end before this call is seen by [`is_over`](Self::is_over) after it.
    fn note_sleep(&mut self, sleeps: bool);
}

/// Receives frames. All methods may be called from any thread, several at once.
pub trait Slave: Send + Sync + 'static {
    /// The slave's pool and counters.
    fn base(&self) -> &SlaveBase;

    /// Receives `frame`, in the sender's thread with no lock of the stream held. The frame is
    /// shared with the master's other slaves, which may receive it later. A node that drops it
    /// [says so](super::report_drop).
    fn accept_frame(&self, frame: Arc<Frame>);

    /// Receives frames that are sent together, in this order, each as
    /// [`accept_frame`](Self::accept_frame) does: takes them out of their places, and notes there why
    /// it drops one. A node with a transport sends them with fewer system calls, and a node that
    /// passes them on does so together.
    fn accept_frames(&self, frames: &mut [Dispatch]) {
        frames.iter_mut().for_each(|dispatch| dispatch.pass(|frame| self.accept_frame(frame)));
    }

    /// A frame with room for at least `size` bytes, for a master that will send it here.
    /// `zero_copy` allows memory that this slave can send without copying.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if there is no memory.
    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        let _ = zero_copy;
        self.base().pool().request(size)
    }

    /// Why a frame sent here now would not reach its peer, in words that name the layer; `None` if
    /// nothing is known against it. A requester asks, instead of waiting for its timeout. A node
    /// that passes frames on asks the next one.
    ///
    /// `link` is the number of the link over which frames leave, another one after each loss; the
    /// first question, with `None`, sets it. A requester asks again when it has sent its frame: if
    /// that link is no longer there, this is an obstacle even if there is another one by then. The
    /// frame may have been dropped in between, and [`link_lost`](Self::link_lost) may have come too
    /// early to find the request. A node without a link that can be lost leaves the number alone.
    fn obstacle(&self, link: &mut Option<u64>) -> Option<String> {
        let _ = link;
        None
    }

    /// What is known to be wrong with the peer, or the way to it, although there is no
    /// [obstacle](Self::obstacle): in a sentence that names the layer, for the text of a request that
    /// got no answer. A node that passes frames on, and knows of nothing, asks the next one.
    fn explain_silence(&self) -> Option<String> {
        None
    }

    /// The link that brings frames here is lost, for `reason`, which names the layer: requests sent
    /// over it are not answered any more. Called in the thread that has noticed it, with no lock of
    /// the stream held. A node that passes frames on tells the next one.
    fn link_lost(&self, reason: &str) {
        let _ = reason;
    }

    /// Whether a frame of another sender than the latest one is welcome here. A transport with one
    /// peer at a time, as a UDP server is, asks before it takes that sender for its peer; otherwise
    /// it drops the frame. A node that holds a link with the present peer says no; one that passes
    /// frames on asks the next one. Called as [`accept_frame`](Self::accept_frame) is, which follows
    /// where the answer is yes.
    fn admits(&self, frame: &Frame) -> bool {
        let _ = frame;
        true
    }

    /// The calling thread waits for an answer to a frame sent here. A node with a socket receives in
    /// this thread, as its event loop does otherwise, until the wait `is_over`: that saves the hand-over
    /// between the two. It does so only if nothing but
    /// [answers](Self::takes_only_answers) can arrive. A node that passes frames on asks the next one.
    /// One that returns before the end leaves the thread to wait by other means. Called with no lock
    /// held.
    fn drive(&self, waiter: &mut dyn Waiter) {
        let _ = waiter;
    }

    /// A thread that sleeps in [`drive`](Self::drive) looks whether its wait is over.
    fn interrupt(&self) {}

    /// Whether frames that arrive here do nothing but complete pending requests, and so may arrive in
    /// a thread that waits for one of them. Others may run code of the program that wants a lock which
    /// that thread holds.
    fn takes_only_answers(&self) -> bool {
        false
    }

    /// Whether frames that have arrived together are handed over together, by
    /// [`accept_frames`](Self::accept_frames). Otherwise they come one by one, so that after each of
    /// them the slave may stop where they come from, or pause it.
    fn takes_together(&self) -> bool {
        false
    }

    /// Ends the slave's own activity, if it has any.
    fn stop(&self) {}
}

/// The common state of slaves: a pool to serve requests from, and counters.
#[derive(Default)]
pub struct SlaveBase {
    pool: Pool,
    frame_count: AtomicU64,
    byte_count: AtomicU64,
    /// Whether there is a `dump`, so that a frame without one takes no lock.
    is_dumped: AtomicBool,
    dump: Mutex<Option<Arc<Dump>>>,
}

impl_debug!(SlaveBase, base => { frame_count: base.frame_count() });

impl SlaveBase {
    /// Counters at zero and a pool without a fixed size.
    pub fn new() -> SlaveBase {
        SlaveBase::default()
    }

    /// The pool that serves [`Slave::accept_req`].
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Number of frames counted.
    pub fn frame_count(&self) -> u64 {
        self.frame_count.load(Ordering::Relaxed)
    }

    /// Bytes of payload of the frames counted.
    pub fn byte_count(&self) -> u64 {
        self.byte_count.load(Ordering::Relaxed)
    }

    /// Counts a received frame as [`count`](Self::count) does, for a slave with one counting
    /// thread.
    pub(crate) fn count_alone(&self, payload_bytes: usize) {
        self.frame_count.store(self.frame_count() + 1, Ordering::Relaxed);
        self.byte_count.store(self.byte_count() + payload_bytes as u64, Ordering::Relaxed);
    }

    /// Counts a received frame.
    pub fn count(&self, payload_bytes: usize) {
        self.count_several(1, payload_bytes);
    }

    /// Counts received frames, with the sum of their payloads.
    pub(crate) fn count_several(&self, frames: usize, payload_bytes: usize) {
        self.frame_count.fetch_add(frames as u64, Ordering::Relaxed);
        self.byte_count.fetch_add(payload_bytes as u64, Ordering::Relaxed);
    }

    /// Counts a received frame, and logs the start of its payload as
    /// [`set_debug`](Self::set_debug) demands. Takes the frame's lock.
    pub fn receive(&self, frame: &Frame) {
        let is_dumped = self.is_dumped.load(Ordering::Relaxed);
        let dump = is_dumped.then(|| self.dump.lock_own(self.pool.generation())?.clone());
        let buffers = frame.lock();
        let payload_bytes = buffers.payload();
        let text = dump.flatten().map(|dump| (dump.text(&buffers, frame.error()), dump));
        drop(buffers);
        self.count(payload_bytes);
        if let Some((text, dump)) = text {
            dump.log(&text);
        }
    }

    /// Logs the first `bytes` of each later frame, at [`Level::CRITICAL`](crate::logging::Level) by
    /// the logger `name`; 0 = logs nothing. Nodes that count by [`count`](Self::count) log nothing, nor
    /// do those of the parent in a child by `fork`.
    pub fn set_debug(&self, bytes: u32, name: &str) {
        let dump = (bytes > 0).then(|| Arc::new(Dump::new(bytes, name)));
        let Some(mut place) = self.dump.lock_own(self.pool.generation()) else { return };
        self.is_dumped.store(dump.is_some(), Ordering::Relaxed);
        let former = std::mem::replace(&mut *place, dump);
        drop(place);
        drop(former);
    }
}

/// A slave that only counts what it receives.
#[derive(Default, Debug)]
pub struct Sink {
    base: SlaveBase,
}

impl Sink {
    /// A sink that has received nothing.
    pub fn new() -> Arc<Sink> {
        Arc::default()
    }
}

impl Slave for Sink {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.base.receive(&frame);
        Frame::release(frame);
    }
}

/// The slaves of a master, as the last [`Master::update`] found them; empty at first. For a thread
/// that sends several frames in quick succession. Keeps the slaves alive: hold it for one series
/// of frames only.
#[derive(Default)]
pub struct Fanout {
    slaves: Option<Arc<[Arc<dyn Slave>]>>,
    /// [`Master::version`] of the slaves; 0 = none.
    version: u64,
}

impl_debug!(Fanout, fanout => { version: fanout.version });

impl Fanout {
    fn slaves(&self) -> &[Arc<dyn Slave>] {
        self.slaves.as_deref().unwrap_or_default()
    }
}

/// Sends frames to its slaves, which it keeps alive. Thread-safe. In a child by `fork` an inherited
/// one may have no slaves: where another thread of the parent was about to change or read them.
pub struct Master {
    generation: Generation,
    /// In order of addition. Replaced as a whole, so that delivery needs no lock.
    slaves: Mutex<Arc<[Arc<dyn Slave>]>>,
    /// Counts the changes of the slaves, from 1; written under their lock.
    version: AtomicU64,
    /// Serves requests while no slave is connected.
    pool: Pool,
}

impl_debug!(Master);

impl Master {
    /// A master without slaves.
    pub fn new() -> Arc<Master> {
        let (slaves, version) = (Mutex::default(), AtomicU64::new(1));
        let generation = Generation::current();
        Arc::new(Master { generation, slaves, version, pool: Pool::new() })
    }

    /// Connects `slave`, after those already connected. The first one serves
    /// [`req_frame`](Self::req_frame); one connected twice receives each frame twice.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] beyond [`SLAVES_COUNT_MAX`]; [`Status::Stopped`] in a child by
    /// `fork`, where it is not possible.
    pub fn add_slave(&self, slave: Arc<dyn Slave>) -> Result<()> {
        const SOURCE: &str = "stream::Master::addSlave";
        let Some(mut slaves) = self.slaves.lock_of(self.generation) else {
            return Err(Error::new(Status::Stopped, SOURCE, inherited_text("The stream master")));
        };
        if slaves.len() == SLAVES_COUNT_MAX {
            let text = format!("A stream master has at most {SLAVES_COUNT_MAX} slaves");
            return Err(Error::new(Status::OutOfResources, SOURCE, text));
        }
        *slaves = slaves.iter().cloned().chain([slave]).collect();
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether the process that made it was forked since: its slaves may be out of reach then.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation.is_inherited()
    }

    /// Number of slaves connected.
    pub fn slave_count(&self) -> usize {
        self.slaves.lock_of(self.generation).map_or(0, |slaves| slaves.len())
    }

    /// A frame to fill and send, with room for at least `size` bytes and no payload: from the first
    /// slave, or from this master's own pool if there is none.
    ///
    /// # Errors
    ///
    /// The slave's error; [`Status::OutOfResources`] if there is no memory.
    pub fn req_frame(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        self.req_frame_by(&mut Fanout::default(), size, zero_copy)
    }

    /// As [`req_frame`](Self::req_frame), with a `fanout` of this master.
    ///
    /// # Errors
    ///
    /// As `req_frame`.
    #[inline]
    pub fn req_frame_by(
        &self,
        fanout: &mut Fanout,
        size: u32,
        zero_copy: bool,
    ) -> Result<Arc<Frame>> {
        self.update(fanout);
        match fanout.slaves().first() {
            Some(slave) => slave.accept_req(size, zero_copy),
            None => self.pool.request(size),
        }
    }

    /// Hands `frame` to every slave in this thread, to the first one last. Returns the number of
    /// slaves; with 0 the frame is dropped.
    pub fn send_frame(&self, frame: Arc<Frame>) -> usize {
        self.send_frame_by(&mut Fanout::default(), frame)
    }

    /// As [`send_frame`](Self::send_frame), with a `fanout` of this master.
    pub fn send_frame_by(&self, fanout: &mut Fanout, frame: Arc<Frame>) -> usize {
        self.update(fanout);
        let slaves = fanout.slaves();
        if let Some((first, later)) = slaves.split_first() {
            for slave in later.iter().rev() {
                ignore_drops(|| slave.accept_frame(frame.clone()));
            }
            // The other end lies on this one's way.
            first.accept_frame(frame);
        } else {
            Frame::release(frame);
        }
        slaves.len()
    }

    /// Hands all of `frames` to every slave in this thread, as [`send_frame_by`](Self::send_frame_by)
    /// does with each, together if there is one slave only. Returns the number of slaves; with 0 the
    /// frames are dropped.
    pub fn send_frames_by(&self, fanout: &mut Fanout, frames: &mut [Dispatch]) -> usize {
        let count = self.update(fanout);
        match fanout.slaves() {
            [slave] => slave.accept_frames(frames),
            _ => frames.iter_mut().for_each(|dispatch| {
                dispatch.pass(|frame| {
                    self.send_frame_by(fanout, frame);
                });
            }),
        }
        count
    }

    /// The [obstacle](Slave::obstacle) of the first slave, on the way to which the other end lies.
    pub fn obstacle_by(&self, fanout: &mut Fanout, link: &mut Option<u64>) -> Option<String> {
        self.update(fanout);
        fanout.slaves().first().and_then(|slave| slave.obstacle(link))
    }

    /// What the first slave [knows](Slave::explain_silence) about the peer's silence.
    pub fn explain_silence(&self) -> Option<String> {
        let mut fanout = Fanout::default();
        self.update(&mut fanout);
        fanout.slaves().first().and_then(|slave| slave.explain_silence())
    }

    /// Whether every slave [admits](Slave::admits) a sender with this frame.
    pub fn admits_by(&self, fanout: &mut Fanout, frame: &Frame) -> bool {
        self.update(fanout);
        fanout.slaves().iter().all(|slave| slave.admits(frame))
    }

    /// Tells every slave in this thread that the link that brings frames is [lost](Slave::link_lost),
    /// in the order of [`send_frame`](Self::send_frame).
    pub fn link_lost(&self, reason: &str) {
        let mut fanout = Fanout::default();
        self.update(&mut fanout);
        fanout.slaves().iter().rev().for_each(|slave| slave.link_lost(reason));
    }

    /// [Drives](Slave::drive) the first slave, on the way to which the other end lies, until the
    /// slaves change: a later end of the wait would not reach it.
    pub fn drive(&self, waiter: &mut dyn Waiter) {
        let mut fanout = Fanout::default();
        self.update(&mut fanout);
        let Some(slave) = fanout.slaves().first() else { return };
        slave.drive(&mut WaiterHere { waiter, master: self, version: fanout.version });
    }

    /// [Interrupts](Slave::interrupt) the first slave.
    pub fn interrupt(&self) {
        let mut fanout = Fanout::default();
        self.update(&mut fanout);
        fanout.slaves().first().into_iter().for_each(|slave| slave.interrupt());
    }

    /// Whether all slaves take [only answers](Slave::takes_only_answers).
    pub fn sends_only_answers(&self) -> bool {
        let mut fanout = Fanout::default();
        self.update(&mut fanout);
        fanout.slaves().iter().all(|slave| slave.takes_only_answers())
    }

    /// Whether all slaves [take frames together](Slave::takes_together).
    pub fn takes_together(&self, fanout: &mut Fanout) -> bool {
        self.update(fanout);
        fanout.slaves().iter().all(|slave| slave.takes_together())
    }

    /// Brings `fanout`, which belongs to this master, up to date with every change completed before
    /// the call, and returns its number of slaves.
    pub fn update(&self, fanout: &mut Fanout) -> usize {
        if self.version.load(Ordering::Acquire) != fanout.version {
            self.renew(fanout);
        }
        fanout.slaves().len()
    }

    fn renew(&self, fanout: &mut Fanout) {
        let place = self.slaves.lock_of(self.generation);
        let version = self.version.load(Ordering::Acquire);
        let slaves = place.as_deref().cloned();
        drop(place);
        let former = std::mem::replace(fanout, Fanout { slaves, version });
        // Outside the lock: dropping it may run the program's code.
        drop(former);
    }

    /// Disconnects all slaves: frames sent from now on are dropped.
    pub fn stop(&self) {
        let Some(mut place) = self.slaves.lock_of(self.generation) else { return };
        let slaves = std::mem::take(&mut *place);
        self.version.fetch_add(1, Ordering::Release);
        drop(place);
        // A thread that drives it sleeps on otherwise: it is out of reach from now on.
        slaves.first().into_iter().for_each(|slave| slave.interrupt());
        // Outside the lock: dropping them may run the program's code.
        drop(slaves);
    }
}

/// A thread that waits by the slaves of a master, as long as these stay the same.
struct WaiterHere<'a> {
    waiter: &'a mut dyn Waiter,
    master: &'a Master,
    version: u64,
}

impl Waiter for WaiterHere<'_> {
    fn is_over(&self) -> bool {
        self.waiter.is_over() || self.master.version.load(Ordering::Acquire) != self.version
    }

    fn time_left(&mut self) -> Option<Duration> {
        self.waiter.time_left()
    }

    fn note_sleep(&mut self, sleeps: bool) {
        self.waiter.note_sleep(sleeps);
    }
}

#[cfg(test)]
mod tests;
