//! The two ends of a stream: what sends frames and what receives them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::frame::Frame;
use super::pool::Pool;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;

/// Slaves one master may be connected to.
pub const SLAVES_COUNT_MAX: usize = 1024;

/// Something that receives frames. All methods may be called from any thread, several at once.
pub trait Slave: Send + Sync + 'static {
    /// The slave's pool and counters.
    fn base(&self) -> &SlaveBase;

    /// Receives `frame`, in the sender's thread with no lock of the stream held. The frame is
    /// shared with the master's other slaves, which may receive it later.
    fn accept_frame(&self, frame: Arc<Frame>);

    /// A frame with room for at least `size` bytes, for a master that will send it here.
    /// `zero_copy` allows memory that this slave can send without copying.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where there is no memory.
    fn accept_req(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        let _ = zero_copy;
        self.base().pool().request(size)
    }

    /// Ends the slave's activity, if it has any of its own.
    fn stop(&self) {}
}

/// What every slave has: a pool to serve requests from, and counters.
#[derive(Default)]
pub struct SlaveBase {
    pool: Pool,
    frame_count: AtomicU64,
    byte_count: AtomicU64,
}

impl SlaveBase {
    /// Counters at zero and a pool without a fixed size.
    pub fn new() -> SlaveBase {
        SlaveBase::default()
    }

    /// The pool that [`Slave::accept_req`] serves from.
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

    /// Counts a frame that was received, as [`count`](Self::count) does, where one thread alone
    /// counts.
    pub(crate) fn count_alone(&self, payload_bytes: usize) {
        self.frame_count.store(self.frame_count() + 1, Ordering::Relaxed);
        self.byte_count.store(self.byte_count() + payload_bytes as u64, Ordering::Relaxed);
    }

    /// Counts a frame that was received.
    pub fn count(&self, payload_bytes: usize) {
        self.frame_count.fetch_add(1, Ordering::Relaxed);
        self.byte_count.fetch_add(payload_bytes as u64, Ordering::Relaxed);
    }
}

/// A slave that only counts what it receives.
#[derive(Default)]
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
        let payload = frame.lock().payload();
        self.base.count(payload);
        Frame::release(frame);
    }
}

/// What a master is connected to, as it was found last; at first nothing. For who sends several
/// frames in quick succession from one thread. Keeps the slaves alive: hold it for a series of
/// frames and no longer.
#[derive(Default)]
pub struct Path {
    slaves: Option<Arc<[Arc<dyn Slave>]>>,
    /// [`Master::version`] of the slaves; 0 is none.
    version: u64,
}

impl Path {
    fn slaves(&self) -> &[Arc<dyn Slave>] {
        self.slaves.as_deref().unwrap_or_default()
    }
}

/// Something that sends frames to the slaves connected to it, which it keeps alive. Thread-safe.
pub struct Master {
    /// In order of addition. Replaced as a whole, so that a frame can be delivered without a lock.
    slaves: Mutex<Arc<[Arc<dyn Slave>]>>,
    /// Counts the changes of the slaves, from 1; written under their lock.
    version: AtomicU64,
    /// Serves requests while no slave is connected.
    pool: Pool,
}

impl Master {
    /// A master without slaves.
    pub fn new() -> Arc<Master> {
        let (slaves, version) = (Mutex::default(), AtomicU64::new(1));
        Arc::new(Master { slaves, version, pool: Pool::new() })
    }

    /// Connects `slave`, after those already connected. The first one connected serves
    /// [`req_frame`](Self::req_frame); one connected twice receives each frame twice.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] beyond [`SLAVES_COUNT_MAX`].
    pub fn add_slave(&self, slave: Arc<dyn Slave>) -> Result<()> {
        let mut slaves = self.slaves.lock();
        if slaves.len() == SLAVES_COUNT_MAX {
            let text = format!("A stream master has at most {SLAVES_COUNT_MAX} slaves");
            return Err(Error::new(Status::OutOfResources, "stream::Master::addSlave", text));
        }
        *slaves = slaves.iter().cloned().chain([slave]).collect();
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Number of slaves connected.
    pub fn slave_count(&self) -> usize {
        self.slaves.lock().len()
    }

    /// A frame to fill and send, with room for at least `size` bytes and no payload: from the
    /// slave that was connected first, or from this master's own pool where there is none.
    ///
    /// # Errors
    ///
    /// What the slave answers; [`Status::OutOfResources`] where there is no memory.
    pub fn req_frame(&self, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        self.req_frame_by(&mut Path::default(), size, zero_copy)
    }

    /// As [`req_frame`](Self::req_frame), by a `path` of this master's.
    ///
    /// # Errors
    ///
    /// As `req_frame`.
    pub fn req_frame_by(&self, path: &mut Path, size: u32, zero_copy: bool) -> Result<Arc<Frame>> {
        self.update(path);
        match path.slaves().first() {
            Some(slave) => slave.accept_req(size, zero_copy),
            None => self.pool.request(size),
        }
    }

    /// Hands `frame` to every slave, in this thread, the one connected first last. Returns to how
    /// many: 0 means that nobody is connected and the frame is gone.
    pub fn send_frame(&self, frame: Arc<Frame>) -> usize {
        self.send_frame_by(&mut Path::default(), frame)
    }

    /// As [`send_frame`](Self::send_frame), by a `path` of this master's.
    pub fn send_frame_by(&self, path: &mut Path, frame: Arc<Frame>) -> usize {
        self.update(path);
        let slaves = path.slaves();
        if let Some((first, later)) = slaves.split_first() {
            for slave in later.iter().rev() {
                slave.accept_frame(frame.clone());
            }
            first.accept_frame(frame);
        } else {
            Frame::release(frame);
        }
        slaves.len()
    }

    /// Brings `path`, which belongs to this master, up to date, and says to how many slaves it
    /// leads. It then tells of every change that was complete before.
    pub fn update(&self, path: &mut Path) -> usize {
        if self.version.load(Ordering::Acquire) != path.version {
            self.renew(path);
        }
        path.slaves().len()
    }

    fn renew(&self, path: &mut Path) {
        let place = self.slaves.lock();
        let version = self.version.load(Ordering::Acquire);
        let slaves = Some(place.clone());
        drop(place);
        let former = std::mem::replace(path, Path { slaves, version });
        // Its destruction may run foreign code: not under the lock.
        drop(former);
    }

    /// Lets go of all slaves: frames sent from now on are discarded.
    pub fn stop(&self) {
        let mut place = self.slaves.lock();
        let slaves = std::mem::take(&mut *place);
        self.version.fetch_add(1, Ordering::Release);
        drop(place);
        // Their destruction may run foreign code: not under the lock.
        drop(slaves);
    }
}

/// Something that sends and receives: a master and a slave, see [the module](super) about what
/// the slave may own.
pub trait Node {
    /// What the node sends by.
    fn stream_master(&self) -> Arc<Master>;

    /// What the node receives by.
    fn stream_slave(&self) -> Arc<dyn Slave>;
}

/// Connects two nodes in both directions.
///
/// # Errors
///
/// As [`Master::add_slave`]; one direction may be connected then.
pub fn connect(a: &(impl Node + ?Sized), b: &(impl Node + ?Sized)) -> Result<()> {
    a.stream_master().add_slave(b.stream_slave())?;
    b.stream_master().add_slave(a.stream_slave())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Mutex;

    struct Recorder {
        base: SlaveBase,
        name: u8,
        log: Arc<Mutex<Vec<u8>>>,
    }

    impl Recorder {
        fn new(name: u8, log: &Arc<Mutex<Vec<u8>>>) -> Arc<Recorder> {
            Arc::new(Recorder { base: SlaveBase::new(), name, log: log.clone() })
        }
    }

    impl Slave for Recorder {
        fn base(&self) -> &SlaveBase {
            &self.base
        }

        fn accept_frame(&self, frame: Arc<Frame>) {
            self.base.count(frame.lock().payload());
            self.log.lock().push(self.name);
        }
    }

    #[test]
    fn the_slave_connected_first_allocates_frames_and_receives_them_last() {
        let log = Arc::default();
        let slaves: Vec<_> = (1..=3).map(|name| Recorder::new(name, &log)).collect();
        let master = Master::new();
        for slave in &slaves {
            master.add_slave(slave.clone()).unwrap();
        }
        let frame = master.req_frame(16, true).unwrap();
        assert_eq!(slaves[0].base.pool().alloc_bytes(), 16);
        frame.lock().set_payload(5).unwrap();
        assert_eq!(master.send_frame(frame), 3);
        assert_eq!(*log.lock(), [3, 2, 1]);
        for slave in &slaves {
            assert_eq!((slave.base.frame_count(), slave.base.byte_count()), (1, 5));
        }
        assert_eq!(slaves[0].base.pool().alloc_bytes(), 0, "nobody keeps the frame");
    }

    #[test]
    fn a_master_without_slaves_gives_frames_and_discards_them() {
        let master = Master::new();
        let frame = master.req_frame(8, false).unwrap();
        let watch = Arc::downgrade(&frame);
        assert_eq!(frame.lock().size(), 8);
        assert_eq!(master.send_frame(frame), 0);
        assert!(watch.upgrade().is_none());
    }

    #[test]
    fn stop_lets_go_of_the_slaves() {
        let master = Master::new();
        let sink = Sink::new();
        master.add_slave(sink.clone()).unwrap();
        assert_eq!((master.slave_count(), Arc::strong_count(&sink)), (1, 2));
        master.stop();
        master.stop();
        assert_eq!((master.slave_count(), Arc::strong_count(&sink)), (0, 1));
        master.send_frame(Frame::new(4).unwrap());
        assert_eq!(sink.base.frame_count(), 0);
    }

    #[test]
    fn a_slave_may_change_the_connections_while_it_receives() {
        struct Leaver {
            base: SlaveBase,
            master: Arc<Master>,
        }
        impl Slave for Leaver {
            fn base(&self) -> &SlaveBase {
                &self.base
            }
            fn accept_frame(&self, frame: Arc<Frame>) {
                self.master.stop();
                self.master.add_slave(Sink::new()).unwrap();
                self.master.send_frame(frame);
            }
        }
        let master = Master::new();
        let leaver = Leaver { base: SlaveBase::new(), master: master.clone() };
        master.add_slave(Arc::new(leaver)).unwrap();
        assert_eq!(master.send_frame(Frame::new(4).unwrap()), 1);
        assert_eq!(master.slave_count(), 1);
    }

    #[test]
    fn a_path_leads_to_the_slaves_that_are_connected_now_and_keeps_no_others() {
        let (master, mut path) = (Master::new(), Path::default());
        assert_eq!(master.update(&mut path), 0);
        assert_eq!(master.req_frame_by(&mut path, 8, false).unwrap().lock().size(), 8);
        let sinks = [Sink::new(), Sink::new()];
        for (count, sink) in (1..).zip(&sinks) {
            master.add_slave(sink.clone()).unwrap();
            let frame = master.req_frame_by(&mut path, 4, false).unwrap();
            assert_eq!(sinks[0].base.pool().alloc_count(), 1, "the first one is asked");
            assert_eq!(master.send_frame_by(&mut path, frame), count);
        }
        assert_eq!(sinks.each_ref().map(|sink| sink.base.frame_count()), [2, 1]);
        master.stop();
        assert_eq!(master.send_frame_by(&mut path, Frame::new(4).unwrap()), 0);
        assert_eq!(sinks.each_ref().map(Arc::strong_count), [1, 1]);
        assert_eq!(sinks.each_ref().map(|sink| sink.base.frame_count()), [2, 1]);
    }

    #[test]
    fn no_more_slaves_than_the_limit_are_connected() {
        let master = Master::new();
        let sink = Sink::new();
        for _ in 0..SLAVES_COUNT_MAX {
            master.add_slave(sink.clone()).unwrap();
        }
        let error = master.add_slave(sink.clone()).unwrap_err();
        assert_eq!(error.status(), Status::OutOfResources);
        assert_eq!(master.slave_count(), SLAVES_COUNT_MAX);
    }
}
