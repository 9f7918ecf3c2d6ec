//! Super-frames of the batcher: several frames, the records, in one.
//!
//! Each record is described by a tail behind its data, so a super-frame is read from its end; there is
//! no count. Integers are little-endian. The layout is that of SLAC's firmware (`AxiStreamBatcher`).
//!
//! Version 1 has words of `H` = 2 << w bytes, those of the firmware's stream; w, 0 to 5, is the width
//! code. Data is padded to whole words.
//!
//! | part | offset | bytes | content |
//! |---|---:|---:|---|
//! | header, `H` bytes | 0 | 1 | bits 3:0 the version, 1; bits 7:4 the width code |
//! | | 1 | 1 | sequence number |
//! | | 2 | `H` - 2 | 0 |
//! | tail, max(8, `H`) bytes | 0 | 4 | bytes of data, without padding |
//! | | 4 | 1 | destination |
//! | | 5 | 1 | first user |
//! | | 6 | 1 | last user |
//! | | 7 | 1 | the width code |
//! | | 8 | `H` - 8 | 0 |
//!
//! Version 2 has a header of two bytes, 0x02 and the sequence number, no padding, and tails of seven
//! bytes: those of version 1 up to the last user.

mod pack;
mod parse;

pub use pack::{Packer, RecordInfo};
pub use parse::{invert, parse, Fault, Record, SuperFrame};

/// The largest width code of version 1.
pub const WIDTH_CODE_MAX: u8 = 5;

/// Bytes of a tail that have a meaning; version 1 has at least one more.
const TAIL_FIELDS_BYTES: usize = 7;

/// A version of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Padded to the words of a stream.
    V1,
    /// Without padding.
    V2,
}

impl Version {
    /// The number in the lower half of a super-frame's first byte.
    pub fn number(self) -> u8 {
        match self {
            Version::V1 => 1,
            Version::V2 => 2,
        }
    }
}

/// The sizes of the parts of a super-frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    version: Version,
    width_code: u8,
}

impl Layout {
    /// The layout of version 1 with words of `2 << width_code` bytes; `None` for a code above
    /// [`WIDTH_CODE_MAX`].
    pub fn v1(width_code: u8) -> Option<Layout> {
        (width_code <= WIDTH_CODE_MAX).then_some(Layout { version: Version::V1, width_code })
    }

    /// The layout of version 2.
    pub fn v2() -> Layout {
        Layout { version: Version::V2, width_code: 0 }
    }

    /// The version of the format.
    pub fn version(self) -> Version {
        self.version
    }

    /// Bytes of the header.
    pub fn header_bytes(self) -> usize {
        match self.version {
            Version::V1 => 2 << self.width_code,
            Version::V2 => 2,
        }
    }

    /// Bytes of each tail.
    pub fn tail_bytes(self) -> usize {
        match self.version {
            Version::V1 => self.header_bytes().max(8),
            Version::V2 => TAIL_FIELDS_BYTES,
        }
    }

    /// Data is padded to a multiple of this many bytes.
    fn word_bytes(self) -> u64 {
        match self.version {
            Version::V1 => self.header_bytes() as u64,
            Version::V2 => 1,
        }
    }

    /// `bytes` of data with their padding. In 64 bits: 32 would wrap near their end.
    fn padded(self, bytes: u64) -> u64 {
        bytes.next_multiple_of(self.word_bytes())
    }

    /// Bytes that a record with `payload` bytes of data takes, its tail included.
    pub fn record_bytes(self, payload: u64) -> u64 {
        self.padded(payload) + self.tail_bytes() as u64
    }
}

#[cfg(test)]
mod tests;
