//! `SrpV3Emulation`: an emulated device behind an SRP version 3 stream.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::clock::{self, Time};
use crate::debug::impl_debug;
use crate::error::{caught, Error, Result, Status};
use crate::headroom;
use crate::logging::{log_debug, log_error, log_warning, static_logger};
use crate::memory::{check_range, SparseMemory};
use crate::process::{self, Generation};
use crate::proto::srp::v3::{self, Header, Opcode, HEADER_BYTES};
use crate::stream::{Buffers, Dispatch, Fanout, Frame, Master, Node, Slave, SlaveBase, Worker};
use crate::sync::{Condvar, Mutex, MutexGuard};

static_logger!(LOG, "SrpV3Emulation");

/// Upper bound on the queued requests. With a full queue the sender waits for room.
pub const QUEUE_FRAMES_COUNT_MAX: usize = 8192;
/// Upper bound for a sender that cannot wait: the thread that delivers an answer.
const QUEUE_FRAMES_COUNT_HARD_MAX: usize = 2 * QUEUE_FRAMES_COUNT_MAX;
/// How long [`SrpV3Emulation::stop`] waits for a thread that answers in its own delivery.
const STOP_WAIT_MAX: Duration = Duration::from_millis(80);
/// How long a sender waits at most. Then its request is dropped, as by a device with a full queue:
/// the sender may hold what the worker is waiting for.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(1);

/// What may be chosen about an emulated device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SrpV3EmulationOptions {
    /// Bytes of the stack of the device's thread, on which the receivers of answers to the program's
    /// threads run; 0 for as many as other threads of the process have. 2 MiB at least.
    pub stack_bytes: usize,
    /// How long a request waits before it is carried out, at least; the system's timers may add
    /// some 100 µs. Waiting requests overlap, as in firmware that has several accesses under way:
    /// each is carried out, in order of arrival, so long after its own arrival.
    pub latency: Duration,
    /// Bytes that the memory may take, tables included; each written page takes 4 KiB. 0: a quarter
    /// of what the process may have, at most 1 GiB.
    pub memory_bytes_max: u64,
}

/// An emulated device that answers SRP version 3 requests from memory, for tests, examples and
/// simulations.
///
/// Memory is sparse and covers 64 bits of address; bytes that were never written read as zero.
/// Requests are carried out in order of arrival, one at a time. A thread of the library that brings
/// one, such as the event loop of a UDP server, answers it at once, if the device is idle. Otherwise
/// a thread of the device's own does: a thread of the program is never called back within its own
/// call, and an answer that leads to the next request grows no stack. Requests that a device cannot carry out are dropped with a message in
/// the log: errored frames, other versions, the null opcode, sizes that are not a multiple of 4 or
/// above 4096, writes without all of their data. A request beyond the address space gets the status
/// "not possible".
///
/// It works while there is a handle, or a master connected to its slave.
pub struct SrpV3Emulation {
    endpoint: Arc<Endpoint>,
}

impl_debug!(SrpV3Emulation);

/// The stream slave of the emulation. It owns the worker, which owns the master that sends the
/// answers.
struct Endpoint {
    device: Arc<Device>,
    worker: Worker,
}

/// The state that the worker shares with the threads that bring requests.
struct Device {
    generation: Generation,
    base: SlaveBase,
    master: Arc<Master>,
    memory: SparseMemory,
    stopped: AtomicBool,
    latency: Duration,
    queue: Mutex<RequestQueue>,
    /// Signals to the worker: a frame and an idle device, or the end.
    arrived: Condvar,
    /// Signals room in the queue, or the end; to `stop`: a thread has answered.
    room: Condvar,
}

#[derive(Default)]
struct RequestQueue {
    frames: VecDeque<Arc<Frame>>,
    /// With a latency, when each of them is carried out.
    due: VecDeque<Time>,
    /// The worker waits for a frame, and has not been notified of one.
    worker_waits: bool,
    /// The thread that carries requests out.
    busy: Option<ThreadId>,
    /// Working memory of that thread, while there is none.
    scratch: Vec<u8>,
}

impl RequestQueue {
    /// Whether a thread may carry out a request at once: none is before it.
    fn is_idle(&self) -> bool {
        self.busy.is_none() && self.frames.is_empty()
    }

    /// Whether there is something for the worker.
    fn has_work(&self) -> bool {
        self.busy.is_none() && !self.frames.is_empty()
    }

    /// Whether senders wait for room.
    fn is_full(&self) -> bool {
        self.frames.len() >= QUEUE_FRAMES_COUNT_MAX
    }
}

impl SrpV3Emulation {
    /// A device with empty memory, running, with the default options.
    ///
    /// # Errors
    ///
    /// As [`with_options`](Self::with_options).
    pub fn new() -> Result<Arc<SrpV3Emulation>> {
        SrpV3Emulation::with_options(SrpV3EmulationOptions::default())
    }

    /// A device with empty memory, running.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system refuses a thread.
    pub fn with_options(options: SrpV3EmulationOptions) -> Result<Arc<SrpV3Emulation>> {
        let device = Arc::new(Device {
            generation: Generation::current(),
            base: SlaveBase::new(),
            master: Master::new(),
            memory: SparseMemory::with_limit(options.memory_bytes_max),
            stopped: AtomicBool::new(false),
            latency: options.latency,
            queue: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
        });
        let own = device.clone();
        let worker = Worker::start("SrpV3Emulation", options.stack_bytes, move || own.run());
        let worker = worker.map_err(|error| {
            let text = format!("The worker thread could not be started: {error}");
            Error::new(Status::OutOfResources, "srp::SrpV3Emulation::SrpV3Emulation", text)
        })?;
        let endpoint = Endpoint { device, worker };
        Ok(Arc::new(SrpV3Emulation { endpoint: Arc::new(endpoint) }))
    }

    /// Bytes of memory in use.
    pub fn allocated_bytes(&self) -> u64 {
        self.endpoint.device.memory.allocated_bytes()
    }

    /// Ends the device: drops queued and later requests, and disconnects the stream. Returns within
    /// 100 ms, whatever the receiver of an answer does. May be called more than once, from any
    /// thread, also in the delivery of an answer.
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
        if !self.worker.is_inherited() {
            let dropped = {
                let mut queue = device.queue.lock();
                device.stopped.store(true, Ordering::Release);
                queue.due.clear();
                std::mem::take(&mut queue.frames)
            };
            drop(dropped);
            device.arrived.notify_all();
            device.room.notify_all();
            device.master.stop();
        }
        if !(self.wait_for_answer() && self.worker.join()) {
            log_warning!(
                LOG,
                "The receiver of an answer does not return; its thread goes on when it does"
            );
        }
    }

    /// Waits for a thread that answers in its own delivery; not for this one, and not for the
    /// worker, which [`Worker::join`] waits for. Returns whether there is none.
    fn wait_for_answer(&self) -> bool {
        if self.worker.is_inherited() {
            return true;
        }
        let limit = clock::now() + STOP_WAIT_MAX;
        let is_own = |id| id == thread::current().id() || self.worker.is(id);
        let mut queue = self.device.queue.lock();
        while queue.busy.is_some_and(|id| !is_own(id)) {
            if clock::now() >= limit {
                return false;
            }
            queue = self.device.room.wait_until(queue, limit);
        }
        true
    }

    /// Waits for room in a full queue; `None` if there is none.
    fn wait_for_room<'a>(
        &self,
        mut queue: MutexGuard<'a, RequestQueue>,
    ) -> Option<MutexGuard<'a, RequestQueue>> {
        if queue.busy == Some(thread::current().id()) {
            return (queue.frames.len() < QUEUE_FRAMES_COUNT_HARD_MAX).then_some(queue);
        }
        let limit = clock::now() + QUEUE_WAIT_MAX;
        while queue.is_full() && !self.device.stopped.load(Ordering::Acquire) {
            if clock::now() >= limit {
                return None;
            }
            queue = self.device.room.wait_until(queue, limit);
        }
        Some(queue)
    }

    /// Leaves a request to the worker.
    fn enqueue(&self, frame: Arc<Frame>) {
        let device = &self.device;
        let mut queue = device.queue.lock();
        if queue.is_full() {
            let Some(with_room) = self.wait_for_room(queue) else {
                let count = QUEUE_FRAMES_COUNT_MAX;
                return log_warning!(LOG, "Dropped a request: {count} are waiting already");
            };
            queue = with_room;
        }
        if device.stopped.load(Ordering::Acquire) {
            drop(queue);
            log_debug!(LOG, "Dropped a request: the emulation has been stopped");
            return;
        }
        if queue.frames.try_reserve(1).is_err() || queue.due.try_reserve(1).is_err() {
            drop(queue);
            return log_warning!(LOG, "No memory for a request that has to wait, which is dropped");
        }
        queue.frames.push_back(frame);
        if !device.latency.is_zero() {
            queue.due.push_back(clock::now() + device.latency);
        }
        device.rouse(queue);
    }
}

impl Slave for Endpoint {
    fn base(&self) -> &SlaveBase {
        &self.device.base
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        self.accept_frames(&mut [frame.into()]);
    }

    fn accept_frames(&self, frames: &mut [Dispatch]) {
        let device = &self.device;
        if device.generation.is_inherited() {
            return log_error!(LOG, "{}", process::inherited_text("The SrpV3Emulation"));
        }
        let mut queue = device.queue.lock();
        if queue.is_idle() && device.answers_at_once() {
            queue.busy = Some(thread::current().id());
            let scratch = std::mem::take(&mut queue.scratch);
            drop(queue);
            return Answering { device, scratch }.answer(frames);
        }
        drop(queue);
        frames.iter_mut().filter_map(|dispatch| dispatch.frame.take()).for_each(|frame| {
            self.enqueue(frame);
        });
    }

    fn takes_together(&self) -> bool {
        true
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

/// A thread that carries out the request that it has brought; until its end the device is busy.
struct Answering<'a> {
    device: &'a Device,
    scratch: Vec<u8>,
}

impl Answering<'_> {
    /// Carries requests out, and sends the answers together.
    fn answer(mut self, requests: &mut [Dispatch]) {
        let (device, mut fanout) = (self.device, Fanout::default());
        let mut count = 0;
        for index in 0..requests.len() {
            let request = requests[index].frame.take().filter(|_| !device.is_over());
            let answer = request
                .and_then(|request| device.carry_out(request, &mut fanout, &mut self.scratch));
            if answer.is_some() {
                requests[count].frame = answer;
                count += 1;
            }
        }
        // Posted writes have none.
        if count > 0 {
            device.send(&mut fanout, &mut requests[..count]);
        }
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let device = self.device;
        if device.generation.is_inherited() {
            // The receiver of the answer has forked, and this is the child.
            return;
        }
        let mut queue = device.queue.lock();
        queue.busy = None;
        queue.scratch = std::mem::take(&mut self.scratch);
        if device.stopped.load(Ordering::Acquire) {
            device.room.notify_all();
        }
        // Requests that came meanwhile.
        device.rouse(queue);
    }
}

impl Device {
    fn run(&self) {
        let mut batch = VecDeque::new();
        let mut scratch = Vec::new();
        while self.next_batch(&mut batch) {
            let mut fanout = Fanout::default();
            for frame in batch.drain(..) {
                if self.is_over() {
                    break;
                }
                if headroom::is_short() {
                    log_warning!(LOG, "No memory to answer a request, which is dropped");
                    continue;
                }
                if let Some(answer) = self.carry_out(frame, &mut fanout, &mut scratch) {
                    self.send(&mut fanout, &mut [answer.into()]);
                }
            }
        }
    }

    /// Whether the calling thread may carry out what it brings: not one of the program, see
    /// [`SrpV3Emulation`].
    fn answers_at_once(&self) -> bool {
        process::is_on_duty() && self.latency.is_zero() && !self.is_over()
    }

    /// Wakes the worker if there is work for it.
    fn rouse(&self, mut queue: MutexGuard<'_, RequestQueue>) {
        let wakes = queue.has_work() && std::mem::take(&mut queue.worker_waits);
        drop(queue);
        if wakes {
            self.arrived.notify_one();
        }
    }

    /// Waits for frames while no other thread carries one out, and moves all that are due
    /// into the empty `batch`; false at the end. The device is busy until the next call.
    fn next_batch(&self, batch: &mut VecDeque<Arc<Frame>>) -> bool {
        if self.is_over() {
            return false;
        }
        let mut queue = self.queue.lock();
        let own = thread::current().id();
        queue.busy = queue.busy.filter(|&busy| busy != own);
        let count = loop {
            if self.stopped.load(Ordering::Acquire) {
                return false;
            }
            let count = self.due_count(&queue);
            if count > 0 {
                break count;
            }
            queue = match queue.due.front().copied() {
                // A later frame is due later.
                Some(due) => self.arrived.wait_until(queue, due),
                None => {
                    queue.worker_waits = true;
                    self.arrived.wait(queue)
                }
            };
        };
        queue.worker_waits = false;
        queue.busy = Some(own);
        let was_full = queue.is_full();
        if count == queue.frames.len() {
            std::mem::swap(&mut queue.frames, batch);
            queue.due.clear();
        } else {
            batch.extend(queue.frames.drain(..count));
            queue.due.drain(..count);
        }
        drop(queue);
        if was_full {
            self.room.notify_all();
        }
        !self.is_over()
    }

    /// How many of the frames, from the first one on, are carried out now.
    fn due_count(&self, queue: &RequestQueue) -> usize {
        if !queue.has_work() {
            return 0;
        }
        if self.latency.is_zero() {
            return queue.frames.len();
        }
        let now = clock::now();
        queue.due.partition_point(|due| *due <= now)
    }

    /// Also true in a child, if the receiver of an answer has forked.
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.generation.is_inherited()
    }

    /// Carries out one request; the answer, in whose making anything may happen, as it needs a frame
    /// of the receiver. `scratch` is working memory.
    fn carry_out(
        &self,
        frame: Arc<Frame>,
        fanout: &mut Fanout,
        scratch: &mut Vec<u8>,
    ) -> Option<Arc<Frame>> {
        caught(|| self.process(frame, fanout, scratch)).unwrap_or_else(|text| {
            log_warning!(LOG, "The receiver of an answer panicked: {text}");
            None
        })
    }

    /// Sends answers, in whose receiver anything may happen.
    fn send(&self, fanout: &mut Fanout, answers: &mut [Dispatch]) {
        match caught(|| self.master.send_frames_by(fanout, answers)) {
            Ok(0) => log_debug!(LOG, "No receiver is connected for the answer"),
            Ok(_) => {}
            Err(text) => log_warning!(LOG, "The receiver of an answer panicked: {text}"),
        }
    }

    /// Carries out one request; the answer, if there is to be one.
    fn process(
        &self,
        frame: Arc<Frame>,
        fanout: &mut Fanout,
        scratch: &mut Vec<u8>,
    ) -> Option<Arc<Frame>> {
        let error = frame.error();
        // Its memory is recycled before the answer needs some.
        let request = Frame::consume(frame, |buffers| self.read_request(buffers, error, scratch));
        let header = match request {
            Ok(header) => header,
            Err(why) => {
                log_warning!(LOG, "{why}");
                return None;
            }
        };
        let opcode = header.control.opcode();
        let status = match check_range(header.address, header.size()) {
            Ok(()) if opcode.carries_data() => self.store(header.address, scratch),
            Ok(()) => v3::StatusWord::SUCCESS,
            Err(text) => {
                log_warning!(LOG, "{text}");
                v3::StatusWord::IMPOSSIBLE
            }
        };
        if opcode == Opcode::Post {
            return None;
        }
        compose(&header, status, &self.memory, scratch);
        let answer = self.answer(fanout, scratch);
        if let Err(error) = &answer {
            log_warning!(LOG, "No answer for id={}: {}", header.id, error.text());
        }
        answer.ok()
    }

    /// The header of a request, and the data of a write in `data`; else the reason to drop it.
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
            let size = header.size() as usize;
            data.clear();
            headroom::reserve_exact(data, size)
                .map_err(|cause| format!("Got {size} bytes without memory for them: {cause}"))?;
            data.resize(size, 0);
            buffers.read_at(HEADER_BYTES, data).map_err(|error| error.text().to_owned())?;
        }
        Ok(header)
    }

    fn store(&self, address: u64, data: &[u8]) -> v3::StatusWord {
        match self.memory.write(address, data) {
            Ok(fresh) => {
                fresh.iter().for_each(|page| log_debug!(LOG, "{page}"));
                v3::StatusWord::SUCCESS
            }
            Err(text) => {
                log_warning!(LOG, "{text}");
                v3::StatusWord::SLAVE_ERROR
            }
        }
    }

    /// The frame of an answer.
    fn answer(&self, fanout: &mut Fanout, bytes: &[u8]) -> Result<Arc<Frame>> {
        let mut frame = self.master.req_frame_by(fanout, bytes.len() as u32, true)?;
        Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(bytes.len())?;
            buffers.write_at(0, bytes)
        })?;
        Ok(frame)
    }
}

/// Builds an answer: the header of the request, the present content of the memory, and the status;
/// without data if there is an error, or no memory for them.
fn compose(
    header: &Header,
    mut status: v3::StatusWord,
    memory: &SparseMemory,
    answer: &mut Vec<u8>,
) {
    answer.clear();
    let size = HEADER_BYTES + header.size() as usize + v3::STATUS_BYTES;
    if status == v3::StatusWord::SUCCESS && headroom::reserve_exact(answer, size).is_err() {
        status = v3::StatusWord::SLAVE_ERROR;
    }
    answer.extend_from_slice(&header.encode());
    if status == v3::StatusWord::SUCCESS {
        answer.resize(HEADER_BYTES + header.size() as usize, 0);
        let read = memory.read(header.address, &mut answer[HEADER_BYTES..]);
        read.expect("it lies within the address space, or the status says otherwise");
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
        compose(&header, v3::StatusWord::SLAVE_ERROR, &SparseMemory::new(), &mut answer);
        assert_eq!(answer, [&header.encode()[..], &[2, 0, 0, 0]].concat());
        let refused =
            v3::check_response(&header, &header, answer.len(), v3::StatusWord::SLAVE_ERROR);
        assert!(refused.unwrap_err().to_string().contains("in hardware: 0x2"));
    }
}
