//! `SrpV3Emulation`: a device that exists only here, behind an SRP version 3 stream.

use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use crate::error::{panic_text, Error, Result, Status};
use crate::logging::{log_debug, log_warning, static_logger};
use crate::memory::SparseMemory;
use crate::proto::srp::v3::{self, Header, Opcode, HEADER_BYTES};
use crate::stream::{Buffers, Frame, Master, Node, Path, Slave, SlaveBase};
use crate::sync::{Condvar, Mutex, MutexGuard};

static_logger!(LOG, "SrpV3Emulation");

/// Requests that may wait to be carried out. A sender that comes when as many wait is held up
/// until there is room.
pub const QUEUE_FRAMES_COUNT_MAX: usize = 8192;
/// Requests that may wait where the sender cannot be held up: it is the worker itself, on its way
/// back from an answer.
const QUEUE_FRAMES_COUNT_HARD_MAX: usize = 2 * QUEUE_FRAMES_COUNT_MAX;
/// How long a sender is held up at most. Then its request is dropped, as a device with a full
/// queue does: the sender may hold what the worker is waiting for.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long `stop` waits for the worker, which may be in foreign code.
const STOP_WAIT_MAX: Duration = Duration::from_millis(80);

/// A software device that answers SRP version 3 requests from memory, for tests, examples and
/// simulations.
///
/// Memory is sparse and covers 64 bits of address; what was never written reads as zero. Requests
/// are carried out one after the other, in order of arrival, by a thread of its own, so that a
/// requester is never called back from within its own call. Requests that a device could not
/// carry out are dropped with a line in the log: errored frames, other versions, the null opcode,
/// sizes that are not a multiple of 4 or above 4096, writes without all of their data.
///
/// It works as long as there is a handle, or a master connected to its slave.
pub struct SrpV3Emulation {
    endpoint: Arc<Endpoint>,
}

/// The stream slave of the emulation. It owns the worker, which owns the master that answers leave
/// by.
struct Endpoint {
    device: Arc<Device>,
    worker: Mutex<Option<JoinHandle<()>>>,
    worker_id: ThreadId,
}

/// What the worker and those who use the emulation share.
struct Device {
    base: SlaveBase,
    master: Arc<Master>,
    memory: SparseMemory,
    stopped: AtomicBool,
    queue: Mutex<Queue>,
    /// A frame has come, or the end.
    arrived: Condvar,
    /// There is room in the queue, or the end has come.
    room: Condvar,
    /// The worker has ended.
    exited: Condvar,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Arc<Frame>>,
    worker_exited: bool,
}

impl SrpV3Emulation {
    /// A device with empty memory, at work.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] where the system refuses a thread.
    pub fn new() -> Result<Arc<SrpV3Emulation>> {
        let device = Arc::new(Device {
            base: SlaveBase::new(),
            master: Master::new(),
            memory: SparseMemory::new(),
            stopped: AtomicBool::new(false),
            queue: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
            exited: Condvar::new(),
        });
        let own = device.clone();
        let worker = thread::Builder::new().name("SrpV3Emulation".into()).spawn(move || own.run());
        let worker = worker.map_err(|error| {
            let text = format!("The worker thread could not be started: {error}");
            Error::new(Status::OutOfResources, "srp::SrpV3Emulation::SrpV3Emulation", text)
        })?;
        let worker_id = worker.thread().id();
        let endpoint = Endpoint { device, worker: Mutex::new(Some(worker)), worker_id };
        Ok(Arc::new(SrpV3Emulation { endpoint: Arc::new(endpoint) }))
    }

    /// Bytes of memory in use.
    pub fn allocated_bytes(&self) -> u64 {
        self.endpoint.device.memory.allocated_bytes()
    }

    /// Ends the device: requests that wait and those that come later are dropped, and the stream
    /// is let go of. Returns within 100 ms, whatever the receiver of an answer does. May be called
    /// from any thread, from within the receipt of an answer too, and more than once.
    pub fn stop(&self) {
        self.endpoint.stop();
    }
}

impl Node for SrpV3Emulation {
    fn stream_master(&self) -> Arc<Master> {
        self.endpoint.device.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.endpoint.clone()
    }
}

impl Endpoint {
    fn stop(&self) {
        let device = &self.device;
        let dropped = {
            let mut queue = device.queue.lock();
            device.stopped.store(true, Ordering::Release);
            std::mem::take(&mut queue.frames)
        };
        drop(dropped);
        device.arrived.notify_all();
        device.room.notify_all();
        device.master.stop();
        if thread::current().id() == self.worker_id {
            // It ends by itself when it returns from here.
            return;
        }
        let exited = {
            let mut queue = device.queue.lock();
            let running = |queue: &mut Queue| !queue.worker_exited;
            device.exited.wait_while_for(&mut queue, running, STOP_WAIT_MAX);
            queue.worker_exited
        };
        let worker = self.worker.lock().take();
        match worker {
            Some(worker) if exited => drop(worker.join()),
            Some(_) => log_warning!(
                LOG,
                "The receiver of an answer does not return; the worker ends when it does"
            ),
            None => {}
        }
    }

    /// Waits for room in a full queue; returns false where none has come.
    fn wait_for_room(&self, queue: &mut MutexGuard<'_, Queue>) -> bool {
        if thread::current().id() == self.worker_id {
            return queue.frames.len() < QUEUE_FRAMES_COUNT_HARD_MAX;
        }
        let stopped = &self.device.stopped;
        let full = |queue: &mut Queue| {
            queue.frames.len() >= QUEUE_FRAMES_COUNT_MAX && !stopped.load(Ordering::Acquire)
        };
        !self.device.room.wait_while_for(queue, full, QUEUE_WAIT_MAX).timed_out()
    }
}

impl Slave for Endpoint {
    fn base(&self) -> &SlaveBase {
        &self.device.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let device = &self.device;
        let mut queue = device.queue.lock();
        if queue.frames.len() >= QUEUE_FRAMES_COUNT_MAX && !self.wait_for_room(&mut queue) {
            drop(queue);
            log_warning!(LOG, "Dropped a request: {QUEUE_FRAMES_COUNT_MAX} are waiting already");
            return;
        }
        if device.stopped.load(Ordering::Acquire) {
            drop(queue);
            log_debug!(LOG, "Dropped a request: the emulation has been stopped");
            return;
        }
        queue.frames.push_back(frame);
        drop(queue);
        device.arrived.notify_one();
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

/// Says that the worker has ended, however it does.
struct Exit<'a>(&'a Device);

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().worker_exited = true;
        self.0.exited.notify_all();
    }
}

impl Device {
    fn run(&self) {
        let _exit = Exit(self);
        let mut batch = VecDeque::new();
        let mut scratch = Vec::new();
        while self.next_batch(&mut batch) {
            let mut path = Path::default();
            for frame in batch.drain(..) {
                if self.stopped.load(Ordering::Acquire) {
                    break;
                }
                let work = AssertUnwindSafe(|| self.process(frame, &mut path, &mut scratch));
                if let Err(payload) = catch_unwind(work) {
                    let text = panic_text(&*payload);
                    log_warning!(LOG, "The receiver of an answer panicked: {text}");
                    // The destructor of a type nobody knows could panic once more.
                    std::mem::forget(payload);
                }
            }
        }
    }

    /// Waits for frames and takes all that wait into the empty `batch`; returns false at the end.
    fn next_batch(&self, batch: &mut VecDeque<Arc<Frame>>) -> bool {
        let mut queue = self.queue.lock();
        while queue.frames.is_empty() && !self.stopped.load(Ordering::Acquire) {
            self.arrived.wait(&mut queue);
        }
        std::mem::swap(&mut queue.frames, batch);
        drop(queue);
        self.room.notify_all();
        !self.stopped.load(Ordering::Acquire)
    }

    /// Carries one request out and answers it by `path`. `scratch` is memory to work in.
    fn process(&self, frame: Arc<Frame>, path: &mut Path, scratch: &mut Vec<u8>) {
        let error = frame.error();
        // Its memory is free before the answer asks for some.
        let request = Frame::consume(frame, |buffers| self.read_request(buffers, error, scratch));
        let header = match request {
            Ok(header) => header,
            Err(why) => return log_warning!(LOG, "{why}"),
        };
        let opcode = header.control.opcode();
        let mut status = v3::Status::SUCCESS;
        if opcode.carries_data() {
            status = self.store(header.address, scratch);
        }
        if opcode == Opcode::Post {
            return;
        }
        compose(&header, status, &self.memory, scratch);
        if let Err(error) = self.reply(path, scratch) {
            log_warning!(LOG, "No answer for id={}: {}", header.id, error.text());
        }
    }

    /// The header of a request, and the data of a write in `data`; why it is dropped otherwise.
    fn read_request(
        &self,
        buffers: &Buffers,
        error: u8,
        data: &mut Vec<u8>,
    ) -> std::result::Result<Header, String> {
        let frame_bytes = buffers.payload();
        self.base.count_alone(frame_bytes);
        if error != 0 {
            return Err(format!("Got errored frame = 0x{error:x}"));
        }
        let mut header = [0; HEADER_BYTES];
        let header = buffers.read_at(0, &mut header).ok().and_then(|()| Header::decode(&header));
        let header = header.ok_or_else(|| format!("Got undersized frame size = {frame_bytes}"))?;
        v3::check_request(&header, frame_bytes).map_err(|fault| fault.to_string())?;
        if header.control.opcode().carries_data() {
            data.clear();
            data.resize(header.size() as usize, 0);
            buffers.read_at(HEADER_BYTES, data).map_err(|error| error.text().to_owned())?;
        }
        Ok(header)
    }

    fn store(&self, address: u64, data: &[u8]) -> v3::Status {
        match self.memory.write(address, data) {
            Ok(fresh) => {
                fresh.iter().for_each(|page| log_debug!(LOG, "{page}"));
                v3::Status::SUCCESS
            }
            Err(text) => {
                log_warning!(LOG, "{text}");
                v3::Status::SLAVE_ERROR
            }
        }
    }

    fn reply(&self, path: &mut Path, answer: &[u8]) -> Result<()> {
        let mut frame = self.master.req_frame_by(path, answer.len() as u32, true)?;
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(answer.len())?;
            buffers.write_at(0, answer)
        })?;
        if self.master.send_frame_by(path, frame) == 0 {
            log_debug!(LOG, "Nobody is connected to receive an answer");
        }
        Ok(())
    }
}

/// Puts an answer together: the header as it came, what the memory holds now, and the status;
/// without data where there is an error.
fn compose(header: &Header, status: v3::Status, memory: &SparseMemory, answer: &mut Vec<u8>) {
    answer.clear();
    answer.extend_from_slice(&header.encode());
    if status == v3::Status::SUCCESS {
        answer.resize(HEADER_BYTES + header.size() as usize, 0);
        memory.read(header.address, &mut answer[HEADER_BYTES..]);
    }
    answer.extend_from_slice(&status.encode());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d55_a_write_that_the_memory_had_no_room_for_is_answered_with_an_error_and_no_data() {
        let header = Header::request(Opcode::Write, 7, 0x100, 8, 0);
        let mut answer = vec![0xA5; 99];
        compose(&header, v3::Status::SLAVE_ERROR, &SparseMemory::new(), &mut answer);
        assert_eq!(answer, [&header.encode()[..], &[2, 0, 0, 0]].concat());
        let refused = v3::check_response(&header, &header, answer.len(), v3::Status::SLAVE_ERROR);
        assert!(refused.unwrap_err().to_string().contains("in hardware: 0x2"));
    }
}
