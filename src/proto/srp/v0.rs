//! SRP version 0.
//!
//! | word | read request | write request | response |
//! |---|---|---|---|
//! | 0 | id | id | id |
//! | 1 | 29:0 address bits 31:2; 31:30 opcode: 0 | the same, opcode 1 | the request's |
//! | 2… | number of words minus one | data | data read, or an echo of the data written |
//! | last | 0 | 0 | [`StatusWord`] |
//!
//! There is no posted write: the device answers every write.

use std::fmt;

use super::{word, AccessFault, WORD_BYTES};

/// Size of the words before the data.
pub const HEADER_BYTES: usize = 8;
/// Size of the last word of a frame.
pub const TRAILER_BYTES: usize = 4;
/// Size of the shortest response: header and status.
pub const RESPONSE_BYTES_MIN: usize = HEADER_BYTES + TRAILER_BYTES;
/// Size of the smallest access; addresses and sizes are multiples of it.
pub const ACCESS_BYTES_MIN: u32 = WORD_BYTES;
/// Size of the largest access: 512 words, which is as far as firmware counts.
pub const ACCESS_BYTES_MAX: u32 = 2048;

/// Number of addresses.
const ADDRESS_END: u64 = 1 << 32;
const WRITE_FLAG: u32 = 1 << 30;

/// The first words of a frame: those that a response repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Word 0: identifies the response.
    pub id: u32,
    /// Word 1: opcode and address.
    pub access: u32,
}

impl Header {
    /// The header of a read or a write at `address`, of which bits 31:2 count.
    pub fn request(id: u32, is_write: bool, address: u64) -> Header {
        let flag = if is_write { WRITE_FLAG } else { 0 };
        Header { id, access: flag | (address as u32) >> 2 }
    }

    /// The header at the start of a frame; `None` for a shorter one.
    pub fn decode(frame: &[u8]) -> Option<Header> {
        Some(Header { id: word(frame, 0)?, access: word(frame, 1)? })
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.id.to_le_bytes());
        bytes[4..].copy_from_slice(&self.access.to_le_bytes());
        bytes
    }

    /// Whether it is a write's.
    pub fn is_write(&self) -> bool {
        self.access & WRITE_FLAG != 0
    }

    /// The byte address.
    pub fn address(&self) -> u64 {
        u64::from(self.access << 2)
    }
}

/// Word 2 of a request to read `size` bytes, not 0.
pub fn count_word(size: u32) -> [u8; 4] {
    (size / WORD_BYTES).wrapping_sub(1).to_le_bytes()
}

/// The id in a frame that may be too short for a header; `None` if it ends before the id.
pub fn id_of(frame: &[u8]) -> Option<u32> {
    word(frame, 0)
}

/// The last word of a response: 0 is success. 16 the bus reports an error, or the request is
/// faulty; 17 timeout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusWord(pub u32);

impl StatusWord {
    const FAIL: u32 = 1 << 16;
    const TIMEOUT: u32 = 1 << 17;

    /// Decodes the status at the end of a response.
    pub fn decode(bytes: [u8; TRAILER_BYTES]) -> StatusWord {
        StatusWord(u32::from_le_bytes(bytes))
    }
}

/// Whether an access is possible in this version.
///
/// # Errors
///
/// See [`super::check_access`]; last the addresses beyond 32 bits.
pub fn check_access(address: u64, size: u32) -> Result<(), AccessFault> {
    super::check_access(address, size, ACCESS_BYTES_MIN, ACCESS_BYTES_MAX)?;
    match address.checked_add(size.into()) {
        Some(end) if end <= ADDRESS_END => Ok(()),
        _ => Err(AccessFault::TooFar { address, size }),
    }
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
    /// The frame's length is not that of the response.
    Size {
        /// Id of the request.
        id: u32,
        /// Bytes in the frame.
        frame_bytes: usize,
        /// Bytes requested.
        size: u32,
    },
    /// The header is not that of the request.
    Header {
        /// Id of the request.
        id: u32,
        /// The received word 1.
        access: u32,
    },
    /// The device reports an error.
    Status {
        /// The status.
        status: StatusWord,
        /// The requested address.
        address: u64,
        /// Bytes requested.
        size: u32,
    },
}

impl fmt::Display for ResponseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ResponseFault::FrameError { id, error, frame_bytes } => write!(
                f,
                "Received SRPV0 message was marked as faulty by the stream. id={id}, \
                 error=0x{error:x}, frameSize={frame_bytes}"
            ),
            ResponseFault::Size { id, frame_bytes, size } => write!(
                f,
                "Received SRPV0 message had a wrong length. id={id}, frameSize={frame_bytes}, \
                 expectedSize={}, tranSize={size}",
                response_bytes(size)
            ),
            ResponseFault::Header { id, access } => write!(
                f,
                "Received SRPV0 message did not match expected protocol. id={id}, \
                 word=0x{access:08x}"
            ),
            ResponseFault::Status { status: StatusWord(bits), address, size } => {
                let what = match bits {
                    bits if bits & StatusWord::TIMEOUT != 0 => {
                        "Axi bus timeout detected in hardware"
                    }
                    bits if bits & StatusWord::FAIL != 0 => {
                        "Axi bus returned fail status in hardware"
                    }
                    _ => "Non zero status message returned on axi bus in hardware",
                };
                write!(f, "{what}: 0x{bits:x}, {size} bytes at 0x{address:x}")
            }
        }
    }
}

/// Bytes in the successful response to a request for `size` bytes.
pub fn response_bytes(size: u32) -> usize {
    RESPONSE_BYTES_MIN + size as usize
}

/// Checks a response of `frame_bytes` bytes to `request`, for `size` bytes.
///
/// The length of a frame decides where its last word may be no status: if it is too long, or no
/// multiple of 4. The status of a shorter one does, because the response of a failed access may
/// hold no data.
///
/// # Errors
///
/// The first of: header, too long or no multiple of 4, status, too short.
pub fn check_response(
    request: &Header,
    size: u32,
    response: &Header,
    frame_bytes: usize,
    status: StatusWord,
) -> Result<(), ResponseFault> {
    let id = request.id;
    if response != request {
        return Err(ResponseFault::Header { id: response.id, access: response.access });
    }
    let expected = response_bytes(size);
    let wrong_size = ResponseFault::Size { id, frame_bytes, size };
    if frame_bytes > expected || frame_bytes % WORD_BYTES as usize != 0 {
        return Err(wrong_size);
    }
    if status.0 != 0 {
        return Err(ResponseFault::Status { status, address: request.address(), size });
    }
    if frame_bytes != expected {
        return Err(wrong_size);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn a_header_decodes_to_what_was_encoded() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        for _ in 0..1000 {
            let bytes: [u8; HEADER_BYTES] = rng.random();
            let header = Header::decode(&bytes).unwrap();
            assert_eq!(header.encode(), bytes, "every bit is kept");
            let (is_write, address) = (rng.random(), rng.random::<u32>() & !3);
            let header = Header::request(rng.random(), is_write, address.into());
            assert_eq!((header.is_write(), header.address()), (is_write, address.into()));
        }
        for count in 0..HEADER_BYTES {
            let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
            assert_eq!(Header::decode(&bytes[..count]), None);
            assert_eq!(id_of(&bytes[..count]), (count >= 4).then_some(0x0403_0201));
        }
    }

    #[test]
    fn d49_addresses_beyond_32_bits_are_refused() {
        assert_eq!(check_access(0xFFFF_FFFC, 4), Ok(()));
        assert_eq!(check_access(0xFFFF_F800, 2048), Ok(()));
        for (address, size) in [(1 << 32, 4), (0xFFFF_FFFC, 8), (u64::MAX - 3, 4)] {
            let fault = check_access(address, size).unwrap_err();
            assert_eq!(fault, AccessFault::TooFar { address, size });
            assert!(fault.to_string().contains(&format!("0x{address:x}")), "{fault}");
        }
        assert!(matches!(check_access(0, 2052), Err(AccessFault::TooLarge { max: 2048, .. })));
        assert!(matches!(check_access(2, 4), Err(AccessFault::Address { .. })));
        assert!(matches!(check_access(0, 0), Err(AccessFault::Size { .. })));
    }

    #[test]
    fn d49_a_status_decides_before_a_short_length_and_not_before_a_wrong_one() {
        let request = Header::request(1, false, 0x40);
        let check = |frame_bytes, status| {
            check_response(&request, 8, &request, frame_bytes, StatusWord(status))
        };
        assert_eq!(check(20, 0), Ok(()));
        for frame_bytes in [12, 16, 20] {
            let failed = check(frame_bytes, 0x10000).unwrap_err();
            assert!(matches!(failed, ResponseFault::Status { address: 0x40, .. }));
        }
        for frame_bytes in [8, 12, 13, 15, 16, 19, 21, 24, usize::MAX] {
            let failed = check(frame_bytes, 0).unwrap_err();
            assert_eq!(failed, ResponseFault::Size { id: 1, frame_bytes, size: 8 });
        }
        for frame_bytes in [15, 24] {
            assert!(matches!(check(frame_bytes, 0x10000), Err(ResponseFault::Size { .. })));
        }
        let other = Header { access: request.access ^ 1, ..request };
        let mixed = check_response(&request, 8, &other, 20, StatusWord(0x10000));
        assert!(matches!(mixed, Err(ResponseFault::Header { id: 1, .. })));
    }

    #[test]
    fn a_status_is_told_in_words_with_the_address() {
        let text = |bits| {
            let status = StatusWord(bits);
            ResponseFault::Status { status, address: 0x1234, size: 4 }.to_string()
        };
        assert_eq!(
            text(0x30000),
            "Axi bus timeout detected in hardware: 0x30000, 4 bytes at 0x1234"
        );
        assert!(text(0x10000).starts_with("Axi bus returned fail status in hardware: 0x10000"));
        let other = "Non zero status message returned on axi bus in hardware: 0x2a, ";
        assert!(text(0x2A).starts_with(other));
    }
}
