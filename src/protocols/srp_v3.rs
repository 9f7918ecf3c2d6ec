//! `SrpV3`: register transactions become SRP version 3 frames, and the frames that answer them
//! complete them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use crate::error::Result;
use crate::logging::{log_debug, log_warning, static_logger};
use crate::memory::{self, is_write, Transaction};
use crate::proto::srp::v3::{
    self, Header, Opcode, ResponseFault, Status, ACCESS_BYTES_MAX, ACCESS_BYTES_MIN, HEADER_BYTES,
    RESPONSE_BYTES_MIN, STATUS_BYTES, TIMEOUT_DEFAULT,
};
use crate::stream::{self, Buffers, Frame, Master, Node, Path};

static_logger!(LOG, "SrpV3");

const GIVEN_UP_TEXT: &str = "The transaction was given up before it was sent";

/// A memory slave that carries transactions out over a stream.
///
/// Accesses are multiples of 4 bytes, at most 4096. Any number may be outstanding; their answers
/// may come in any order and from any thread, also from within the call that sends the request. A
/// posted write is complete when it has been handed to the stream. A transaction fails at once
/// where no stream is connected, or where [`stop`](Self::stop) ends the wait for its answer.
///
/// No lock is held while a frame is sent. Dropping the last handle stops it.
pub struct SrpV3 {
    answers: Arc<Answers>,
    master: Arc<Master>,
    hardware_timeout: AtomicU8,
}

/// The stream slave of an [`SrpV3`]: what answers arrive at, and the transactions they are for.
/// It does not own the master that requests leave by, so that a peer which owns it to answer it
/// makes no circle.
struct Answers {
    memory: memory::SlaveBase,
    stream: stream::SlaveBase,
}

impl SrpV3 {
    /// A slave whose stream is not connected yet.
    pub fn new() -> Arc<SrpV3> {
        let answers = Answers {
            memory: memory::SlaveBase::new(ACCESS_BYTES_MIN, ACCESS_BYTES_MAX),
            stream: stream::SlaveBase::new(),
        };
        Arc::new(SrpV3 {
            answers: Arc::new(answers),
            master: Master::new(),
            hardware_timeout: AtomicU8::new(TIMEOUT_DEFAULT),
        })
    }

    /// How long the device is told to wait for its own bus, in its unit of 100 ms; 0 = for ever.
    pub fn hardware_timeout(&self) -> u8 {
        self.hardware_timeout.load(Ordering::Relaxed)
    }

    /// Sets how long the device is told to wait for its own bus, in its unit of 100 ms; 0 = for
    /// ever. For later requests: the answers to earlier ones stay good.
    pub fn set_hardware_timeout(&self, timeout: u8) {
        self.hardware_timeout.store(timeout, Ordering::Relaxed);
    }

    /// Lets go of the stream and fails all outstanding transactions. Later ones fail at once,
    /// until a stream is connected again. May be called from any thread and more than once.
    pub fn stop(&self) {
        self.master.stop();
        self.answers.memory.fail_all("SrpV3 was stopped before the answer to the request came");
    }

    /// The frame for `tran`; `None` where the transaction has been given up meanwhile.
    fn frame(
        &self,
        path: &mut Path,
        header: &Header,
        tran: &Transaction,
    ) -> Result<Option<Arc<Frame>>> {
        let carries_data = header.control.opcode().carries_data();
        let data_bytes = if carries_data { tran.size() } else { 0 };
        let frame_bytes = HEADER_BYTES as u32 + data_bytes;
        let mut frame = self.master.req_frame_by(path, frame_bytes, true)?;
        let filled = Frame::fill(&mut frame, |buffers| {
            buffers.set_payload(frame_bytes as usize)?;
            buffers.write_at(0, &header.encode())?;
            if carries_data {
                let Some(data) = tran.data() else { return Ok(false) };
                buffers.write_at(HEADER_BYTES, &data)?;
            }
            Ok(true)
        });
        filled.map(|filled| filled.then_some(frame))
    }

    /// Hands a request to the stream, and `tran` to the answer that will come.
    fn send(&self, path: &mut Path, header: &Header, tran: &Arc<Transaction>, frame: Arc<Frame>) {
        let posted = header.control.opcode() == Opcode::Post;
        if !posted {
            // Before the frame goes: the answer may come from within the call that sends it.
            self.answers.memory.add_noted(tran, header.control.timeout().into());
            if tran.expired() {
                // Another one has its id, or it was given up. It is told so, for the transaction
                // that it may be a part of.
                return tran.error(GIVEN_UP_TEXT);
            }
        }
        log_debug!(
            LOG,
            "Sending request id={}, addr=0x{:x}, size={}, type={}",
            header.id,
            header.address,
            header.size(),
            tran.ty()
        );
        if self.master.send_frame_by(path, frame) == 0 {
            tran.error(unconnected_text(header.address));
        } else if posted {
            tran.done();
        }
    }
}

impl memory::Slave for SrpV3 {
    fn base(&self) -> &memory::SlaveBase {
        &self.answers.memory
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        if let Err(fault) = v3::check_access(tran.address(), tran.size()) {
            tran.error(fault.to_string());
            return;
        }
        let mut path = Path::default();
        if self.master.update(&mut path) == 0 {
            tran.error(unconnected_text(tran.address()));
            return;
        }
        let header = request_header(tran, self.hardware_timeout());
        match self.frame(&mut path, &header, tran) {
            Ok(Some(frame)) => self.send(&mut path, &header, tran, frame),
            Ok(None) => tran.error(GIVEN_UP_TEXT),
            Err(error) => tran.error(format!(
                "SrpV3 could not make the frame for a request of {} bytes at 0x{:x}: {}",
                tran.size(),
                tran.address(),
                error.text()
            )),
        }
    }

    fn stop(&self) {
        SrpV3::stop(self);
    }
}

impl Node for SrpV3 {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn stream::Slave> {
        self.answers.clone()
    }
}

impl Drop for SrpV3 {
    fn drop(&mut self) {
        self.stop();
    }
}

fn unconnected_text(address: u64) -> String {
    format!(
        "SrpV3 has no stream to send the request for address 0x{address:x} to: connect it to a \
         transport, or connect it again after it was stopped"
    )
}

fn request_header(tran: &Transaction, timeout: u8) -> Header {
    let opcode = match tran.ty() {
        memory::WRITE => Opcode::Write,
        memory::POST => Opcode::Post,
        _ => Opcode::Read,
    };
    Header::request(opcode, tran.id(), tran.address(), tran.size(), timeout)
}

/// What there is to know of a frame before it is known whose answer it is.
struct Received {
    frame_bytes: usize,
    header: [u8; HEADER_BYTES],
    status: [u8; STATUS_BYTES],
}

impl Received {
    fn of(buffers: &Buffers) -> Result<Received> {
        let frame_bytes = buffers.payload();
        let (mut header, mut status) = ([0; HEADER_BYTES], [0; STATUS_BYTES]);
        buffers.read_at(0, &mut header[..frame_bytes.min(HEADER_BYTES)])?;
        if let Some(offset) = frame_bytes.checked_sub(STATUS_BYTES) {
            buffers.read_at(offset, &mut status)?;
        }
        Ok(Received { frame_bytes, header, status })
    }

    /// As much of the header as there is.
    fn start(&self) -> &[u8] {
        &self.header[..self.frame_bytes.min(HEADER_BYTES)]
    }

    /// The header, where the frame is long enough for a response.
    fn header(&self) -> Option<Header> {
        Header::decode(self.start()).filter(|_| self.frame_bytes >= RESPONSE_BYTES_MIN)
    }
}

/// A transaction that an answer has come for, with its data, and what the answer says.
struct Answered {
    tran: Arc<Transaction>,
    status: Status,
    judgement: std::result::Result<(), ResponseFault>,
    /// Whether what was read could be copied to the transaction.
    copied: Result<()>,
}

impl Answered {
    /// Ends the transaction.
    fn end(self, header: &Header) {
        report(header, self.status, &self.judgement);
        match (self.judgement, self.copied) {
            (Ok(()), Ok(())) => self.tran.done(),
            (Ok(()), Err(error)) => self.tran.error(error.text()),
            (Err(fault), _) => self.tran.error(fault.to_string()),
        }
    }
}

impl Answers {
    /// Takes the transaction that a frame answers, if there is one, and gives it its data.
    fn take(&self, header: &Header, received: &Received, buffers: &Buffers) -> Option<Answered> {
        let (tran, timeout) = self.memory.take_noted(header.id)?;
        let request = request_header(&tran, timeout as u8);
        let status = Status::decode(received.status);
        let judgement = v3::check_response(&request, header, received.frame_bytes, status);
        let copied = match judgement {
            Ok(()) => copy_data(&tran, buffers),
            Err(_) => Ok(()),
        };
        Some(Answered { tran, status, judgement, copied })
    }

    /// Fails the transaction whose id stands in a frame that cannot be a response, if it does: it
    /// need not wait for its timeout. `error` is the frame's.
    fn unusable(&self, received: &Received, error: u8) {
        let frame_bytes = received.frame_bytes;
        match error {
            0 => log_warning!(LOG, "Got undersized frame size = {frame_bytes}"),
            _ => log_warning!(LOG, "Got errored frame = 0x{error:x}"),
        }
        let id = v3::id_of(received.start());
        let Some((tran, _)) = id.and_then(|id| self.memory.take_noted(id)) else { return };
        let (id, size) = (tran.id(), tran.size().into());
        let fault = match error {
            0 => ResponseFault::Undersized { id, frame_bytes, size },
            _ => ResponseFault::FrameError { id, error, frame_bytes },
        };
        tran.error(fault.to_string());
    }
}

/// Copies what was read from an answer to its transaction, unless nobody wants it any more.
fn copy_data(tran: &Transaction, buffers: &Buffers) -> Result<()> {
    if is_write(tran.ty()) {
        return Ok(());
    }
    match tran.data() {
        Some(mut data) => buffers.read_at(HEADER_BYTES, &mut data),
        None => Ok(()),
    }
}

/// Tells the log what an answer says.
fn report(header: &Header, status: Status, judgement: &std::result::Result<(), ResponseFault>) {
    let id = header.id;
    match judgement {
        Ok(()) => log_debug!(LOG, "Got response id={id}, addr=0x{:x}", header.address),
        Err(ResponseFault::Header { .. }) => log_warning!(LOG, "Bad header for {id}"),
        Err(ResponseFault::Status(_)) => {
            log_warning!(LOG, "Error detected for ID id={id}, tail=0x{:x}", status.0);
        }
        Err(fault) => log_warning!(LOG, "{fault}"),
    }
}

impl stream::Slave for Answers {
    fn base(&self) -> &stream::SlaveBase {
        &self.stream
    }

    fn accept_frame(&self, frame: Arc<Frame>) {
        let error = frame.error();
        // Nothing is logged or completed with the frame locked: whoever is told may do anything.
        let read: Result<_> = Frame::consume(frame, |buffers| {
            let received = Received::of(buffers)?;
            let header = received.header().filter(|_| error == 0);
            let answer = header.map(|header| (header, self.take(&header, &received, buffers)));
            Ok((received, answer))
        });
        let (received, answer) = match read {
            Ok(read) => read,
            Err(error) => return log_warning!(LOG, "Got unreadable frame: {}", error.text()),
        };
        self.stream.count(received.frame_bytes);
        match answer {
            Some((header, Some(answered))) => answered.end(&header),
            Some((header, None)) => log_warning!(
                LOG,
                "Failed to find transaction id={}. ver={}, type={}",
                header.id,
                header.control.version(),
                header.control.opcode() as u32
            ),
            None => self.unusable(&received, error),
        }
    }
}
