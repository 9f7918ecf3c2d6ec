//! The client of every version of SRP: sends register transactions as frames, and completes them by
//! the frames that answer.

use std::fmt;
use std::slice;
use std::sync::atomic::{fence, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};
use crate::logging::{log_debug, log_warning, StaticLogger};
use crate::memory::{self, AnswerSource, Transaction, TransactionType};
use crate::process::inherited_text;
use crate::proto::srp::AccessFault;
use crate::stream::{self, Buffers, Dispatch, Fanout, Frame, Master, Node, Waiter};

const GIVEN_UP_TEXT: &str = "The transaction was given up before it was sent";
/// Number of requests that are sent together: about as many as one system call takes.
const BURST_COUNT_MAX: usize = 64;
/// Size of the longest header.
pub const HEADER_BYTES_MAX: usize = 20;
/// Size of the status at the end of a response.
const STATUS_BYTES: usize = 4;

/// The start or the end of a frame, without a need for memory.
#[derive(Debug)]
pub struct Words {
    bytes: [u8; HEADER_BYTES_MAX],
    count: usize,
}

impl Words {
    /// No words.
    pub const NONE: Words = Words { bytes: [0; HEADER_BYTES_MAX], count: 0 };

    /// These words, at most [`HEADER_BYTES_MAX`] bytes.
    pub fn of(words: &[u8]) -> Words {
        let mut made = Words { count: words.len(), ..Words::NONE };
        made.bytes[..words.len()].copy_from_slice(words);
        made
    }
}

impl std::ops::Deref for Words {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// A version of the protocol, as its client speaks it.
pub trait Protocol: Default + Send + Sync + 'static {
    /// What a request says, as far as its response repeats it.
    type Request: Copy;
    /// Why a response does not complete its request.
    type Fault: fmt::Display;

    /// The client's name, for texts.
    const NAME: &'static str;
    /// Size of the largest access.
    const ACCESS_BYTES_MAX: u32;
    /// Size of what stands before the data, in the response and in a request that has some.
    const HEADER_BYTES: usize;

    /// The client's logger.
    fn log() -> &'static StaticLogger;

    /// What may be chosen about a request; kept with it until its response is judged.
    fn note(&self) -> u32;

    /// Whether an access is possible in this version.
    fn check_access(address: u64, size: u32) -> std::result::Result<(), AccessFault>;

    /// The request for `tran`, with `note`.
    fn request(tran: &Transaction, note: u32) -> Self::Request;

    /// What stands in a request frame before the data and after it.
    fn around_data(request: &Self::Request, tran: &Transaction) -> (Words, Words);

    /// The id in the start of a frame that may be too short for a response.
    fn id_of(start: &[u8]) -> Option<u32>;

    /// Checks a response of `frame_bytes` bytes, long enough for header and status.
    fn check(
        request: &Self::Request,
        size: u32,
        header: &[u8],
        frame_bytes: usize,
        status: [u8; STATUS_BYTES],
    ) -> std::result::Result<(), Self::Fault>;

    /// The fault of a frame that is no valid response: the stream has marked it with `error`, or it
    /// is too short.
    fn unusable(id: u32, size: u32, error: u8, frame_bytes: usize) -> Self::Fault;
}

/// A memory slave that carries out transactions over a stream.
///
/// Any number may be outstanding; answers may arrive in any order and in any thread, also within
/// the call that sends the request. A posted write completes when the stream has its frame. A
/// transaction fails at once if no stream is connected, or if [`stop`](Self::stop) ends the wait
/// for its answer.
///
/// No lock is held while a frame is sent. Dropping the last handle stops it.
pub struct SrpClient<P: Protocol> {
    answers: Arc<AnswerReceiver<P>>,
    master: Arc<Master>,
    pub(super) protocol: P,
}

impl<P: Protocol> std::fmt::Debug for SrpClient<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrpClient").finish_non_exhaustive()
    }
}

/// The stream slave of a client: receives the answers, and keeps their transactions. It does not
/// own the master that sends the requests, so that a peer that owns this slave forms no cycle.
struct AnswerReceiver<P> {
    memory: memory::SlaveBase,
    stream: stream::SlaveBase,
    protocol: std::marker::PhantomData<fn() -> P>,
}

/// The way of one request.
#[derive(Default)]
struct Road {
    fanout: Fanout,
    /// The link that the first look has found.
    link: Option<u64>,
}

/// Requests that are sent together.
#[derive(Default)]
struct Burst<'a> {
    transactions: Vec<&'a Arc<Transaction>>,
    /// Of each of these.
    frames: Vec<Dispatch>,
}

impl<P: Protocol> SrpClient<P> {
    /// A slave without a stream.
    pub fn new() -> Arc<SrpClient<P>> {
        let min = crate::proto::srp::WORD_BYTES;
        let answers = AnswerReceiver {
            memory: memory::SlaveBase::new(min, P::ACCESS_BYTES_MAX),
            stream: stream::SlaveBase::new(),
            protocol: std::marker::PhantomData,
        };
        let (answers, master) = (Arc::new(answers), Master::new());
        let road = AnswerRoad { master: Arc::downgrade(&master), asleep: AtomicUsize::new(0) };
        answers.memory.set_answer_source(Box::new(road));
        Arc::new(SrpClient { answers, master, protocol: P::default() })
    }

    /// Disconnects the stream and fails all outstanding transactions. Later ones fail at once until
    /// a stream is connected again. May be called from any thread and more than once.
    pub fn stop(&self) {
        self.master.stop();
        let text = format!("{} was stopped before the answer to the request came", P::NAME);
        self.answers.memory.fail_all(&text);
    }

    /// Why a frame sent now would not arrive, or one sent since the first look may not have.
    fn obstacle(&self, road: &mut Road) -> Option<String> {
        self.master.obstacle_by(&mut road.fanout, &mut road.link)
    }

    /// The frame for `tran`; `None` if the transaction has been given up.
    fn frame(
        &self,
        fanout: &mut Fanout,
        request: &P::Request,
        tran: &Arc<Transaction>,
    ) -> Result<Option<Arc<Frame>>> {
        let (before, after) = P::around_data(request, tran);
        let carries_data = tran.ty().is_write();
        let data_bytes = if carries_data { tran.size() as usize } else { 0 };
        let frame_bytes = before.len() + data_bytes + after.len();
        let mut frame = self.master.req_frame_by(fanout, frame_bytes as u32, true)?;
        let filled = Frame::fill(&mut frame, |buffers| {
            let room = buffers.size();
            if room < frame_bytes {
                let text = format!(
                    "it takes {frame_bytes} bytes, and a frame of the stream has {room}; put a \
                     packetizer before the transport, or make smaller accesses"
                );
                return Err(Error::new(Status::Frame, P::NAME, text));
            }
            buffers.set_payload(frame_bytes)?;
            buffers.write_at(0, &before)?;
            if carries_data {
                let Some(data) = tran.data() else { return Ok(false) };
                buffers.write_at(before.len(), &data)?;
            }
            buffers.write_at(frame_bytes - after.len(), &after)?;
            Ok(true)
        });
        // It may be kept waiting on its way.
        frame.set_cancel_token(tran.clone());
        filled.map(|filled| filled.then_some(frame))
    }

    /// Makes the frame of a request, and keeps `tran` for the answer. `None` if the transaction has
    /// failed, or was given up.
    fn prepare(&self, road: &mut Road, tran: &Arc<Transaction>) -> Option<Arc<Frame>> {
        let address = tran.address();
        if let Err(fault) = P::check_access(address, tran.size()) {
            tran.error(fault.to_string());
            return None;
        }
        let note = self.protocol.note();
        let request = P::request(tran, note);
        let frame = match self.frame(&mut road.fanout, &request, tran) {
            // The copy of the data may have waited for the data lock.
            Ok(frame) => frame.filter(|_| !tran.is_too_late(clock::now())),
            Err(error) => {
                tran.error(format!(
                    "{} could not make the frame for a request of {} bytes at 0x{address:x}: {}",
                    P::NAME,
                    tran.size(),
                    error.text()
                ));
                return None;
            }
        };
        if frame.is_some() && tran.ty() != TransactionType::Post {
            // Before the frame is sent: the answer may arrive within the call that sends it.
            self.answers.memory.add_noted(tran, note);
        }
        if frame.is_none() || tran.expired() {
            // It was given up, or its id is in use. It fails with a text, for a transaction that it
            // may be a part of.
            tran.error(GIVEN_UP_TEXT);
            return None;
        }
        log_debug!(
            *P::log(),
            "Sending request id={}, addr=0x{address:x}, size={}, type={}",
            tran.id(),
            tran.size(),
            u32::from(tran.ty())
        );
        frame
    }

    /// Ends what need not wait for an answer, after a request was sent to `sent` slaves and `dropped`
    /// for that reason by one of them.
    fn conclude(
        &self,
        tran: &Arc<Transaction>,
        sent: usize,
        dropped: Option<String>,
        obstacle: Option<&str>,
    ) {
        let address = tran.address();
        if sent == 0 {
            tran.error(self.unconnected_text(address));
        } else if let Some(reason) = dropped {
            let name = P::NAME;
            tran.error(format!("{name}'s request for address 0x{address:x} is lost: {reason}"));
        } else if let Some(obstacle) = obstacle {
            // Lost after the look before: perhaps too early for the notice to find the transaction.
            tran.error(lost_text(obstacle));
        } else if tran.ty() == TransactionType::Post {
            tran.done();
        }
    }

    /// Why a request for `address` reaches no slave.
    fn unconnected_text(&self, address: u64) -> String {
        if self.master.is_inherited() {
            // There may be one that a thread of the parent was looking up.
            return inherited_text(P::NAME);
        }
        format!(
            "{} has no stream to send the request for address 0x{address:x} to: connect it to a \
             transport, or connect it again after it was stopped",
            P::NAME
        )
    }

    /// Whether requests can be sent by `road`; fails `all` otherwise.
    fn is_passable(&self, road: &mut Road, all: &[Arc<Transaction>]) -> bool {
        if self.master.update(&mut road.fanout) == 0 {
            all.iter().for_each(|tran| tran.error(self.unconnected_text(tran.address())));
            return false;
        }
        let Some(obstacle) = self.obstacle(road) else { return true };
        for tran in all {
            let address = tran.address();
            tran.error(format!(
                "{} has not sent the request for address 0x{address:x}: {obstacle}",
                P::NAME
            ));
        }
        false
    }

    /// Carries out transactions that were requested together, and sends them so.
    fn carry_out(&self, all: &[Arc<Transaction>]) {
        let mut road = Road::default();
        if !self.is_passable(&mut road, all) {
            return;
        }
        let mut burst = Burst::default();
        for tran in all {
            if tran.ty().is_write() && tran.try_data().is_none() {
                // The copy of its data waits for a lock. Those before it do not.
                self.send_together(&mut road, &mut burst);
            }
            if let Some(frame) = self.prepare(&mut road, tran) {
                burst.transactions.push(tran);
                burst.frames.push(frame.into());
            }
        }
        self.send_together(&mut road, &mut burst);
    }

    fn send_together(&self, road: &mut Road, burst: &mut Burst<'_>) {
        if burst.frames.is_empty() {
            return;
        }
        let slaves = self.master.send_frames_by(&mut road.fanout, &mut burst.frames);
        let obstacle = self.obstacle(road);
        for (tran, frame) in burst.transactions.drain(..).zip(burst.frames.drain(..)) {
            self.conclude(tran, slaves, frame.dropped, obstacle.as_deref());
        }
    }
}

impl<P: Protocol> memory::Slave for SrpClient<P> {
    fn base(&self) -> &memory::SlaveBase {
        &self.answers.memory
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        let mut road = Road::default();
        if !self.is_passable(&mut road, slice::from_ref(tran)) {
            return;
        }
        let Some(frame) = self.prepare(&mut road, tran) else { return };
        let (slaves, dropped) =
            stream::watch_drops(|| self.master.send_frame_by(&mut road.fanout, frame));
        let obstacle = self.obstacle(&mut road);
        self.conclude(tran, slaves, dropped, obstacle.as_deref());
    }

    fn do_transactions(&self, all: &[Arc<Transaction>]) {
        for (index, burst) in all.chunks(BURST_COUNT_MAX).enumerate() {
            if index > 0 {
                // Their clocks start when they are handed over.
                burst.iter().for_each(|tran| tran.refresh_timer(None));
            }
            self.carry_out(burst);
        }
    }

    fn takes_together(&self) -> bool {
        true
    }

    fn stop(&self) {
        SrpClient::stop(self);
    }
}

impl<P: Protocol> Node for SrpClient<P> {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn stream::Slave> {
        self.answers.clone()
    }
}

impl<P: Protocol> Drop for SrpClient<P> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets a thread that waits for an answer receive it from the stream itself.
struct AnswerRoad {
    /// Not owned: the table of pending transactions has this, and the peer may own the table.
    master: Weak<Master>,
    /// Number of threads that sleep in [`stream::Slave::drive`].
    asleep: AtomicUsize,
}

impl AnswerSource for AnswerRoad {
    fn drive(&self, tran: &Arc<Transaction>, limit: Time) {
        if let Some(master) = self.master.upgrade() {
            let until = tran.own_deadline().min(limit);
            master.drive(&mut Waiting { tran, until, limit, asleep: &self.asleep });
        }
    }

    fn interrupt(&self) {
        // The counterpart is in `note_sleep`: either that thread sees the end, or it is seen here.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) > 0 {
            self.master.upgrade().into_iter().for_each(|master| master.interrupt());
        }
    }

    fn explain(&self) -> Option<String> {
        self.master.upgrade()?.explain_silence()
    }
}

/// A thread that waits for a transaction.
struct Waiting<'a> {
    tran: &'a Arc<Transaction>,
    /// When to look whether the deadline has been renewed.
    until: Time,
    limit: Time,
    asleep: &'a AtomicUsize,
}

impl Waiter for Waiting<'_> {
    fn is_over(&self) -> bool {
        self.tran.is_done()
    }

    fn time_left(&mut self) -> Option<Duration> {
        self.tran.time_left(&mut self.until, self.limit)
    }

    fn note_sleep(&mut self, sleeps: bool) {
        match sleeps {
            true => self.asleep.fetch_add(1, Ordering::SeqCst),
            false => self.asleep.fetch_sub(1, Ordering::SeqCst),
        };
        fence(Ordering::SeqCst);
    }
}

fn lost_text(reason: &str) -> String {
    format!("{reason}. Whether the request was carried out is not known")
}

/// The contents of a received frame, before it is matched with a transaction.
struct AnswerFrame {
    frame_bytes: usize,
    header: [u8; HEADER_BYTES_MAX],
    status: [u8; STATUS_BYTES],
}

impl AnswerFrame {
    fn of(buffers: &Buffers) -> Result<AnswerFrame> {
        let frame_bytes = buffers.payload();
        let (mut header, mut status) = ([0; HEADER_BYTES_MAX], [0; STATUS_BYTES]);
        buffers.read_at(0, &mut header[..frame_bytes.min(HEADER_BYTES_MAX)])?;
        if let Some(offset) = frame_bytes.checked_sub(STATUS_BYTES) {
            buffers.read_at(offset, &mut status)?;
        }
        Ok(AnswerFrame { frame_bytes, header, status })
    }

    /// The available part of a header of `bytes`.
    fn start(&self, bytes: usize) -> &[u8] {
        &self.header[..self.frame_bytes.min(bytes)]
    }
}

/// An answered transaction, its data, and the status of the answer.
struct Answered<F> {
    tran: Arc<Transaction>,
    judgement: std::result::Result<(), F>,
    /// The result of copying the read data into the transaction; the data itself if the data lock
    /// is held.
    copied: Result<Option<Vec<u8>>>,
}

/// What a frame from the stream is.
enum Arrival<F> {
    Answer(Answered<F>),
    /// A response to no pending request.
    Unknown(u32),
    /// No valid response.
    Unusable,
}

impl<P: Protocol> AnswerReceiver<P> {
    /// Takes the transaction that a frame answers, if there is one, and copies its data.
    fn take(&self, received: &AnswerFrame, error: u8, buffers: &Buffers) -> Arrival<P::Fault> {
        let header = received.start(P::HEADER_BYTES);
        let is_long_enough = received.frame_bytes >= P::HEADER_BYTES + STATUS_BYTES;
        let id = P::id_of(header).filter(|_| is_long_enough && error == 0);
        let Some(id) = id else { return Arrival::Unusable };
        let Some((tran, note)) = self.memory.take_noted(id) else { return Arrival::Unknown(id) };
        let (request, frame_bytes) = (P::request(&tran, note), received.frame_bytes);
        let judgement = P::check(&request, tran.size(), header, frame_bytes, received.status);
        let copied = match judgement {
            Ok(()) => copy_data(&tran, buffers, P::HEADER_BYTES),
            Err(_) => Ok(None),
        };
        Arrival::Answer(Answered { tran, judgement, copied })
    }

    /// Ends an answered transaction.
    fn end(answered: Answered<P::Fault>) {
        let Answered { tran, judgement, copied } = answered;
        let (id, address) = (tran.id(), tran.address());
        match (judgement, copied) {
            (Ok(()), Ok(data)) => {
                log_debug!(*P::log(), "Got response id={id}, addr=0x{address:x}");
                match data {
                    None => tran.done(),
                    Some(data) => tran.done_later(0, data),
                }
            }
            (Ok(()), Err(error)) => tran.error(error.text()),
            (Err(fault), _) => {
                log_warning!(*P::log(), "Error of the request id={id}: {fault}");
                tran.error(fault.to_string());
            }
        }
    }

    /// Fails the transaction whose id is in a frame that is no valid response, so that it need not
    /// wait for its timeout. `error` is the frame's.
    fn fail(&self, received: &AnswerFrame, error: u8) {
        let frame_bytes = received.frame_bytes;
        match error {
            0 => log_warning!(*P::log(), "Got undersized frame size = {frame_bytes}"),
            _ => log_warning!(*P::log(), "Got errored frame = 0x{error:x}"),
        }
        let id = P::id_of(received.start(P::HEADER_BYTES));
        let Some((tran, _)) = id.and_then(|id| self.memory.take_noted(id)) else { return };
        tran.error(P::unusable(tran.id(), tran.size(), error, frame_bytes).to_string());
    }
}

/// Copies the data of an answer, from `offset` on, to its transaction; out of the frame if the data
/// lock is held, so that other answers do not wait for it.
fn copy_data(tran: &Transaction, buffers: &Buffers, offset: usize) -> Result<Option<Vec<u8>>> {
    if tran.ty().is_write() {
        return Ok(None);
    }
    match tran.try_data() {
        Some(Some(mut data)) => buffers.read_at(offset, &mut data).map(|()| None),
        Some(None) => Ok(None),
        None => {
            let mut data = vec![0; tran.size() as usize];
            buffers.read_at(offset, &mut data).map(|()| Some(data))
        }
    }
}

impl<P: Protocol> stream::Slave for AnswerReceiver<P> {
    fn base(&self) -> &stream::SlaveBase {
        &self.stream
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let error = frame.error();
        // Nothing is logged or completed with the frame locked: observers may do anything.
        let read: Result<_> = Frame::consume(frame, |buffers| {
            let received = AnswerFrame::of(buffers)?;
            let arrival = self.take(&received, error, buffers);
            Ok((received, arrival))
        });
        let (received, arrival) = match read {
            Ok(read) => read,
            Err(error) => return log_warning!(*P::log(), "Got unreadable frame: {}", error.text()),
        };
        self.stream.count(received.frame_bytes);
        match arrival {
            Arrival::Answer(answered) => Self::end(answered),
            Arrival::Unknown(id) => log_warning!(*P::log(), "Failed to find transaction id={id}"),
            Arrival::Unusable => self.fail(&received, error),
        }
    }

    fn link_lost(&self, reason: &str) {
        self.memory.fail_all(&lost_text(reason));
    }

    fn takes_only_answers(&self) -> bool {
        true
    }
}
