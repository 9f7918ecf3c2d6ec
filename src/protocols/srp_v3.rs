//! `SrpV3`: the client of SRP version 3.

use std::sync::atomic::{AtomicU8, Ordering};

use super::srp_client::{Protocol, SrpClient, Words};
use crate::logging::{static_logger, StaticLogger};
use crate::memory::{Transaction, TransactionType};
use crate::proto::srp::v3::{
    self, Header, Opcode, ResponseFault, StatusWord, ACCESS_BYTES_MAX, HEADER_BYTES, STATUS_BYTES,
    TIMEOUT_DEFAULT,
};
use crate::proto::srp::AccessFault;

static_logger!(LOG, "SrpV3");

/// Carries out transactions by SRP version 3: accesses are multiples of 4 bytes, at most 4096.
pub type SrpV3 = SrpClient<V3>;

/// SRP version 3.
#[derive(Debug)]
pub struct V3 {
    hardware_timeout: AtomicU8,
}

impl Default for V3 {
    fn default() -> V3 {
        V3 { hardware_timeout: AtomicU8::new(TIMEOUT_DEFAULT) }
    }
}

impl SrpClient<V3> {
    /// The device's timeout for its own bus, in units of 100 ms; 0 = none.
    pub fn hardware_timeout(&self) -> u8 {
        self.protocol.hardware_timeout.load(Ordering::Relaxed)
    }

    /// Sets the device's timeout for its own bus, in units of 100 ms; 0 = none. For later requests:
    /// each request keeps its own, so the answers to earlier ones stay valid.
    pub fn set_hardware_timeout(&self, timeout: u8) {
        self.protocol.hardware_timeout.store(timeout, Ordering::Relaxed);
    }
}

impl Protocol for V3 {
    type Request = Header;
    type Fault = ResponseFault;

    const NAME: &'static str = "SrpV3";
    const ACCESS_BYTES_MAX: u32 = ACCESS_BYTES_MAX;
    const HEADER_BYTES: usize = HEADER_BYTES;

    fn log() -> &'static StaticLogger {
        &LOG
    }

    fn note(&self) -> u32 {
        self.hardware_timeout.load(Ordering::Relaxed).into()
    }

    fn check_access(address: u64, size: u32) -> Result<(), AccessFault> {
        v3::check_access(address, size)
    }

    fn request(tran: &Transaction, note: u32) -> Header {
        let opcode = match tran.ty() {
            TransactionType::Write => Opcode::Write,
            TransactionType::Post => Opcode::Post,
            _ => Opcode::Read,
        };
        Header::request(opcode, tran.id(), tran.address(), tran.size(), note as u8)
    }

    fn around_data(request: &Header, _: &Transaction) -> (Words, Words) {
        (Words::of(&request.encode()), Words::NONE)
    }

    fn id_of(start: &[u8]) -> Option<u32> {
        v3::id_of(start)
    }

    fn check(
        request: &Header,
        size: u32,
        header: &[u8],
        frame_bytes: usize,
        status: [u8; STATUS_BYTES],
    ) -> Result<(), ResponseFault> {
        let response = Header::decode(header).ok_or(ResponseFault::Undersized {
            id: request.id,
            frame_bytes,
            size: size.into(),
        })?;
        v3::check_response(request, &response, frame_bytes, StatusWord::decode(status))
    }

    fn unusable(id: u32, size: u32, error: u8, frame_bytes: usize) -> ResponseFault {
        match error {
            0 => ResponseFault::Undersized { id, frame_bytes, size: size.into() },
            _ => ResponseFault::FrameError { id, error, frame_bytes },
        }
    }
}
