//! SRP version 3.
//!
//! | word | request | response |
//! |---|---|---|
//! | 0 | [`Control`] | the request's, with capabilities in bits 13:10 |
//! | 1 | id | id |
//! | 2 | address bits 31:0 | address bits 31:0 |
//! | 3 | address bits 63:32 | address bits 63:32 |
//! | 4 | size in bytes minus one | size in bytes minus one |
//! | 5… | data, of writes and posted writes only | data read, or an echo of the data written |
//! | last | | [`StatusWord`] |
//!
//! A posted write has no response. A response that reports an error may hold less data, or none.

use std::fmt;

use super::{word, AccessFault, WORD_BYTES};
use crate::proto::axi;

/// Version in bits 7:0 of word 0.
pub const VERSION: u8 = 0x03;
/// Size of the header, and of a request without data.
pub const HEADER_BYTES: usize = 20;
/// Size of the status at the end of a response.
pub const STATUS_BYTES: usize = 4;
/// Size of the shortest response: header and status.
pub const RESPONSE_BYTES_MIN: usize = HEADER_BYTES + STATUS_BYTES;
/// Size of the smallest access; addresses and sizes are multiples of it.
pub const ACCESS_BYTES_MIN: u32 = WORD_BYTES;
/// Size of the largest access.
pub const ACCESS_BYTES_MAX: u32 = 4096;
/// The default timeout of the device for its own bus, in units of 100 ms.
pub const TIMEOUT_DEFAULT: u8 = 0x0A;

const VERSION_MASK: u32 = 0x0000_00FF;
const OPCODE_SHIFT: u32 = 8;
const OPCODE_MASK: u32 = 0x0000_0300;
/// Bits that a device sets to announce its capabilities: the only ones of a response's word 0 that
/// may differ from the request's.
const CAPABILITIES_MASK: u32 = 0x0000_3C00;
const TIMEOUT_SHIFT: u32 = 24;
/// Bits of a status that hold the response of the AXI bus.
const AXI_MASK: u32 = 0x3;

/// The kind of a request: bits 9:8 of word 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opcode {
    /// Read.
    Read = 0,
    /// Write with a response.
    Write = 1,
    /// Posted write, without a response.
    Post = 2,
    /// No access; the response is a status.
    Null = 3,
}

impl Opcode {
    /// Whether requests with this opcode carry data.
    pub fn carries_data(self) -> bool {
        matches!(self, Opcode::Write | Opcode::Post)
    }
}

/// Word 0 of a header.
///
/// 7:0 version, 9:8 opcode, 13:10 capabilities of the device, 14 ignore the memory's response,
/// 20:15 reserved, 23:21 bus protection bits, 31:24 timeout in units of 100 ms (0 = none).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Control(pub u32);

impl Control {
    /// The word of a request: this version, and 0 in bits 23:10.
    pub fn request(opcode: Opcode, timeout: u8) -> Control {
        let opcode = (opcode as u32) << OPCODE_SHIFT;
        Control(u32::from(VERSION) | opcode | u32::from(timeout) << TIMEOUT_SHIFT)
    }

    /// The protocol's version.
    pub fn version(self) -> u8 {
        (self.0 & VERSION_MASK) as u8
    }

    /// The kind of the request.
    pub fn opcode(self) -> Opcode {
        match (self.0 & OPCODE_MASK) >> OPCODE_SHIFT {
            0 => Opcode::Read,
            1 => Opcode::Write,
            2 => Opcode::Post,
            _ => Opcode::Null,
        }
    }

    /// The timeout of the device for its own bus, in units of 100 ms; 0 = none.
    pub fn timeout(self) -> u8 {
        (self.0 >> TIMEOUT_SHIFT) as u8
    }
}

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Word 0.
    pub control: Control,
    /// Word 1: identifies the response.
    pub id: u32,
    /// Words 2 and 3: byte address.
    pub address: u64,
    /// Word 4: size in bytes minus one.
    pub size_minus_one: u32,
}

impl Header {
    /// The header of a request for `size` bytes, which must not be 0.
    pub fn request(opcode: Opcode, id: u32, address: u64, size: u32, timeout: u8) -> Header {
        let control = Control::request(opcode, timeout);
        Header { control, id, address, size_minus_one: size.wrapping_sub(1) }
    }

    /// The header at the start of a frame; `None` for a shorter one.
    pub fn decode(frame: &[u8]) -> Option<Header> {
        let address = u64::from(word(frame, 2)?) | u64::from(word(frame, 3)?) << 32;
        Some(Header {
            control: Control(word(frame, 0)?),
            id: word(frame, 1)?,
            address,
            size_minus_one: word(frame, 4)?,
        })
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let words = [
            self.control.0,
            self.id,
            self.address as u32,
            (self.address >> 32) as u32,
            self.size_minus_one,
        ];
        let mut bytes = [0; HEADER_BYTES];
        for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Number of bytes to be read or written: 1 to 2^32.
    pub fn size(&self) -> u64 {
        u64::from(self.size_minus_one) + 1
    }

    /// Whether this header of a response belongs to `request`: both are equal except for the
    /// capability bits.
    pub fn answers(&self, request: &Header) -> bool {
        let same_control = (self.control.0 ^ request.control.0) & !CAPABILITIES_MASK == 0;
        same_control && Header { control: request.control, ..*self } == *request
    }
}

/// The id in a frame that may be too short for a header; `None` if it ends before the id.
pub fn id_of(frame: &[u8]) -> Option<u32> {
    word(frame, 1)
}

/// The last word of a response: 0 is success.
///
/// 7:0 response of the memory bus, 8 timeout, 9 request marked as faulty by the stream, 10 length
/// inconsistent, 11 wrong version, 12 request not possible, 13 bus locked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusWord(pub u32);

impl StatusWord {
    /// The access was carried out.
    pub const SUCCESS: StatusWord = StatusWord(0);
    /// The addressed memory refused (AXI response SLVERR).
    pub const SLAVE_ERROR: StatusWord = StatusWord(0x2);
    /// The request is not possible.
    pub const IMPOSSIBLE: StatusWord = StatusWord(0x1000);
    const TIMEOUT: u32 = 0x0100;
    const LOCKUP: u32 = 0x2000;

    /// Decodes the status at the end of a response.
    pub fn decode(bytes: [u8; STATUS_BYTES]) -> StatusWord {
        StatusWord(u32::from_le_bytes(bytes))
    }

    /// Encodes the status.
    pub fn encode(self) -> [u8; STATUS_BYTES] {
        self.0.to_le_bytes()
    }

    /// The device's report.
    ///
    /// # Errors
    ///
    /// Everything but 0. Devices set the bits for lock-up and timeout together; lock-up wins.
    pub fn check(self) -> Result<(), StatusFault> {
        match self.0 {
            0 => Ok(()),
            bits if bits & Self::LOCKUP != 0 => Err(StatusFault::Lockup),
            bits if bits & Self::TIMEOUT != 0 => Err(StatusFault::Timeout),
            bits => Err(StatusFault::Other(bits)),
        }
    }
}

/// An error reported by a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusFault {
    /// The device's bus no longer reacts.
    Lockup,
    /// The device's bus did not react in time.
    Timeout,
    /// Any other status.
    Other(u32),
}

/// What the bits of a status mean, lowest first, beside the response of the AXI bus in bits 1:0 and
/// the bits for timeout and lock-up.
const STATUS_WORDS: &[(u32, &str)] = &[
    (1 << 2, "the device's memory engine reports an error"),
    (1 << 3, "the device's memory engine got more data than it asked for"),
    (1 << 5, "the size is not a multiple of 4"),
    (1 << 6, "the address is not a multiple of 4"),
    (1 << 7, "the address is beyond those of the device's bus"),
    (1 << 9, "the request arrived marked as faulty"),
    (1 << 10, "the request arrived with another length than it states"),
    (1 << 11, "the device speaks another version of SRP"),
    (1 << 12, "the device does not carry out such a request: too large, misaligned, or disabled"),
];

/// A status that is an error, with the access that it is about, in words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailedAccess {
    /// The status.
    pub status: StatusWord,
    /// The requested address.
    pub address: u64,
    /// Bytes requested.
    pub size: u64,
}

impl FailedAccess {
    /// The address, and the size of an access of more than one word.
    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.address)?;
        match self.size > u64::from(WORD_BYTES) {
            true => write!(f, " ({} bytes)", self.size),
            false => Ok(()),
        }
    }

    fn write_causes(&self, f: &mut fmt::Formatter<'_>, bits: u32) -> fmt::Result {
        let mut separator = "";
        if let Some((name, _)) = axi::error_words(bits & AXI_MASK) {
            write!(f, "AXI bus error {name} at ")?;
            self.write_place(f)?;
            separator = "; ";
        }
        for (_, words) in STATUS_WORDS.iter().filter(|(bit, _)| bits & bit != 0) {
            write!(f, "{separator}{words}")?;
            if separator.is_empty() {
                f.write_str(", at ")?;
                self.write_place(f)?;
            }
            separator = "; ";
        }
        if separator.is_empty() {
            f.write_str("Unknown error of the device at ")?;
            self.write_place(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for FailedAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.status.0;
        match self.status.check() {
            Err(StatusFault::Lockup) => {
                f.write_str("FPGA register bus lockup detected in hardware at ")?;
                self.write_place(f)?;
                write!(
                    f,
                    ": its bus has not answered, and until the firmware is reset it answers no \
                     request (status 0x{bits:x})"
                )
            }
            Err(StatusFault::Timeout) => {
                f.write_str("FPGA register bus timeout detected in hardware at ")?;
                self.write_place(f)?;
                write!(f, " (status 0x{bits:x})")
            }
            _ => {
                self.write_causes(f, bits)?;
                write!(
                    f,
                    ". Non zero status message returned on fpga register bus in hardware: \
                     0x{bits:x}"
                )
            }
        }
    }
}

/// Whether an access is possible in this version.
///
/// # Errors
///
/// See [`super::check_access`].
pub fn check_access(address: u64, size: u32) -> Result<(), AccessFault> {
    super::check_access(address, size, ACCESS_BYTES_MIN, ACCESS_BYTES_MAX)
}

/// Why a response does not complete the request with its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseFault {
    /// The stream marked the frame as faulty.
    FrameError {
        /// Id of the request.
        id: u32,
        /// The frame's error.
        error: u8,
        /// Bytes in the frame.
        frame_bytes: usize,
    },
    /// The frame is too short for a response.
    Undersized {
        /// Id of the request.
        id: u32,
        /// Bytes in the frame.
        frame_bytes: usize,
        /// Bytes requested.
        size: u64,
    },
    /// The header is not that of the request.
    Header {
        /// Id of the request.
        id: u32,
        /// The received address.
        address: u64,
    },
    /// The header is right, but the frame's length is not.
    Size {
        /// Id of the request.
        id: u32,
        /// Bytes in the frame.
        frame_bytes: usize,
        /// Bytes requested, which the header states too.
        size: u64,
    },
    /// The device reports an error.
    Status(FailedAccess),
}

impl fmt::Display for ResponseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseFault::FrameError { id, error, frame_bytes } => write!(
                f,
                "Received SRPV3 message was marked as faulty by the stream. id={id}, \
                 error=0x{error:x}, frameSize={frame_bytes}"
            ),
            ResponseFault::Undersized { id, frame_bytes, size } => write!(
                f,
                "Received SRPV3 message was undersized. id={id}, frameSize={frame_bytes}, \
                 expectedSize={}, tranSize={size}",
                response_bytes(*size)
            ),
            ResponseFault::Header { id, address } => write!(
                f,
                "Received SRPV3 message did not match expected protocol. id={id}, \
                 addr=0x{address:016x}"
            ),
            ResponseFault::Size { id, frame_bytes, size } => write!(
                f,
                "Received SRPV3 message had a header size mismatch. id={id}, \
                 frameSize={frame_bytes}, expectedSize={}, tranSize={size}, headerSize={size}",
                response_bytes(*size)
            ),
            ResponseFault::Status(failed) => failed.fmt(f),
        }
    }
}

/// Bytes in the successful response to a request for `size` bytes.
pub fn response_bytes(size: u64) -> u64 {
    RESPONSE_BYTES_MIN as u64 + size
}

/// Checks a response of `frame_bytes` bytes, at least [`RESPONSE_BYTES_MIN`], to `request`.
///
/// For a frame that is too long the length decides, because its last word may be anything; for one
/// that is too short the status does, because the response of a failed access may hold less data.
///
/// # Errors
///
/// The first of: header, too long, status, too short.
pub fn check_response(
    request: &Header,
    response: &Header,
    frame_bytes: usize,
    status: StatusWord,
) -> Result<(), ResponseFault> {
    let (id, size) = (request.id, request.size());
    if !response.answers(request) {
        return Err(ResponseFault::Header { id: response.id, address: response.address });
    }
    let expected = response_bytes(size);
    if frame_bytes as u64 > expected {
        return Err(ResponseFault::Size { id, frame_bytes, size });
    }
    let failed = FailedAccess { status, address: request.address, size };
    status.check().map_err(|_| ResponseFault::Status(failed))?;
    if frame_bytes as u64 != expected {
        return Err(ResponseFault::Size { id, frame_bytes, size });
    }
    Ok(())
}

/// Why an endpoint drops a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// It is not of this version.
    Version(u8),
    /// Its opcode is [`Opcode::Null`].
    Null {
        /// Id of the request.
        id: u32,
    },
    /// Its size is not a multiple of the smallest access, or is larger than the largest.
    Size {
        /// Id of the request.
        id: u32,
        /// The requested size.
        size: u64,
    },
    /// It is a write without all of its data.
    Truncated {
        /// Bytes in the frame.
        frame_bytes: usize,
        /// Bytes required.
        needed: u64,
    },
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestFault::Version(version) => {
                write!(f, "Got non-SRPv3 frame, version = 0x{version:x}")
            }
            RequestFault::Null { id } => write!(f, "Got invalid SRPv3 opcode 0x3 for id={id}"),
            RequestFault::Size { id, size } => {
                write!(f, "Got invalid SRPv3 request size={size} for id={id}")
            }
            RequestFault::Truncated { frame_bytes, needed } => {
                write!(f, "Write frame too small: got {frame_bytes}, need {needed}")
            }
        }
    }
}

/// Checks a request of `frame_bytes` bytes as a software endpoint does, which accepts any address
/// and ignores excess bytes.
///
/// # Errors
///
/// The first of: version, opcode, size, missing data.
pub fn check_request(request: &Header, frame_bytes: usize) -> Result<(), RequestFault> {
    let (id, size) = (request.id, request.size());
    if request.control.version() != VERSION {
        return Err(RequestFault::Version(request.control.version()));
    }
    let opcode = request.control.opcode();
    if opcode == Opcode::Null {
        return Err(RequestFault::Null { id });
    }
    if size % u64::from(ACCESS_BYTES_MIN) != 0 || size > u64::from(ACCESS_BYTES_MAX) {
        return Err(RequestFault::Size { id, size });
    }
    let needed = HEADER_BYTES as u64 + size;
    if opcode.carries_data() && (frame_bytes as u64) < needed {
        return Err(RequestFault::Truncated { frame_bytes, needed });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
