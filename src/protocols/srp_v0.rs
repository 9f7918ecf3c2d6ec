//! `SrpV0`: the client of SRP version 0.

use super::srp_client::{Protocol, SrpClient, Words};
use crate::logging::{static_logger, StaticLogger};
use crate::memory::Transaction;
use crate::proto::srp::v0::{
    self, Header, ResponseFault, StatusWord, ACCESS_BYTES_MAX, HEADER_BYTES, TRAILER_BYTES,
};
use crate::proto::srp::AccessFault;

static_logger!(LOG, "SrpV0");

/// Carries out transactions by SRP version 0: accesses are multiples of 4 bytes, at most 2048, at
/// addresses of 32 bits.
///
/// The device answers posted writes too; nothing waits for these answers.
pub type SrpV0 = SrpClient<V0>;

/// SRP version 0.
#[derive(Default, Debug)]
pub struct V0;

impl Protocol for V0 {
    type Request = Header;
    type Fault = ResponseFault;

    const NAME: &'static str = "SrpV0";
    const ACCESS_BYTES_MAX: u32 = ACCESS_BYTES_MAX;
    const HEADER_BYTES: usize = HEADER_BYTES;

    fn log() -> &'static StaticLogger {
        &LOG
    }

    fn note(&self) -> u32 {
        0
    }

    fn check_access(address: u64, size: u32) -> Result<(), AccessFault> {
        v0::check_access(address, size)
    }

    fn request(tran: &Transaction, _: u32) -> Header {
        Header::request(tran.id(), tran.ty().is_write(), tran.address())
    }

    fn around_data(request: &Header, tran: &Transaction) -> (Words, Words) {
        let (header, trailer) = (request.encode(), Words::of(&[0; TRAILER_BYTES]));
        if request.is_write() {
            return (Words::of(&header), trailer);
        }
        let mut words = [0; HEADER_BYTES + 4];
        words[..HEADER_BYTES].copy_from_slice(&header);
        words[HEADER_BYTES..].copy_from_slice(&v0::count_word(tran.size()));
        (Words::of(&words), trailer)
    }

    fn id_of(start: &[u8]) -> Option<u32> {
        v0::id_of(start)
    }

    fn check(
        request: &Header,
        size: u32,
        header: &[u8],
        frame_bytes: usize,
        status: [u8; TRAILER_BYTES],
    ) -> Result<(), ResponseFault> {
        let response = Header::decode(header).ok_or(ResponseFault::Size {
            id: request.id,
            frame_bytes,
            size,
        })?;
        v0::check_response(request, size, &response, frame_bytes, StatusWord::decode(status))
    }

    fn unusable(id: u32, size: u32, error: u8, frame_bytes: usize) -> ResponseFault {
        match error {
            0 => ResponseFault::Size { id, frame_bytes, size },
            _ => ResponseFault::FrameError { id, error, frame_bytes },
        }
    }
}
