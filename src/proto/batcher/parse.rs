//! The reading of super-frames.

use std::fmt;

use super::{Layout, RecordInfo, Version, TAIL_FIELDS_BYTES};

/// Why a super-frame is refused, as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It has no room for a header and one tail.
    Small {
        /// Its bytes.
        bytes: usize,
        /// Bytes of the smallest one.
        least: usize,
    },
    /// It has more than 2^32 - 1 bytes.
    Large {
        /// Its bytes.
        bytes: usize,
    },
    /// There is no memory for the list of its records.
    Memory {
        /// Its bytes.
        bytes: usize,
    },
    /// It is of another version.
    Version {
        /// The number that it says.
        found: u8,
        /// That of the version wanted.
        wanted: u8,
    },
    /// Its width code is none.
    Width {
        /// The code.
        found: u8,
    },
    /// There are bytes left, but fewer than a tail has.
    NoRoomForTail {
        /// Bytes between the header and the record behind.
        room: usize,
        /// Bytes of a tail.
        tail: usize,
    },
    /// A tail names more data than there is before it.
    NoRoomForData {
        /// Bytes between the header and the tail.
        room: usize,
        /// Bytes of data with their padding.
        data: u64,
        /// Offset of the tail.
        tail: usize,
    },
    /// Header and tails differ in size, so no tail fits where a header was.
    NotInvertible {
        /// Bytes of the header.
        header: usize,
        /// Bytes of each tail.
        tail: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::Small { bytes, least } => {
                write!(f, "Dropping small frame size = {bytes}; the smallest has {least} bytes")
            }
            Fault::Large { bytes } => {
                write!(f, "Dropping large frame size = {bytes}; the largest has {} bytes", u32::MAX)
            }
            Fault::Memory { bytes } => {
                write!(f, "Dropping a frame of {bytes} bytes: no memory for the list of its records")
            }
            Fault::Version { found, wanted } => write!(
                f,
                "Version mismatch. Got {found}, this is for version {wanted}; is it a super-frame?"
            ),
            Fault::Width { found } => {
                write!(f, "Invalid AXIS Type Detected. Got {found}, which is no width code")
            }
            Fault::NoRoomForTail { room, tail } => write!(
                f,
                "Not enough space ({room}) for tail ({tail}) behind the header: the super-frame is \
                 cut or damaged"
            ),
            Fault::NoRoomForData { room, data, tail } => write!(
                f,
                "Not enough space ({room}) for frame ({data}) named by the tail at byte {tail}: the \
                 super-frame is cut or damaged"
            ),
            Fault::NotInvertible { header, tail } => write!(
                f,
                "A super-frame with a header of {header} bytes and tails of {tail} cannot be \
                 inverted; use width codes 2 to 5"
            ),
        }
    }
}

/// A record of a super-frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Its data, without padding.
    pub data: &'a [u8],
    /// Offset of the data in the super-frame.
    pub start: usize,
    /// Offset of the tail in the super-frame.
    pub tail: usize,
    /// What the tail says.
    pub info: RecordInfo,
}

/// A super-frame that has been found to be whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuperFrame<'a> {
    bytes: &'a [u8],
    layout: Layout,
    /// Offsets of the tails, in order. Four bytes for each: the smallest record has seven, so a
    /// hostile super-frame costs less than its own size.
    tails: Vec<u32>,
}

impl<'a> SuperFrame<'a> {
    /// The sizes of its parts.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Its number.
    pub fn sequence(&self) -> u8 {
        self.bytes[1]
    }

    /// Number of records; at least one.
    pub fn count(&self) -> usize {
        self.tails.len()
    }

    /// Record `index`, in the order in which they were packed.
    pub fn record(&self, index: usize) -> Option<Record<'a>> {
        let tail = *self.tails.get(index)? as usize;
        let fields = &self.bytes[tail..tail + TAIL_FIELDS_BYTES];
        let (size, padded) = sizes(self.layout, fields);
        let start = tail - padded as usize;
        let info = RecordInfo { dest: fields[4], first_user: fields[5], last_user: fields[6] };
        Some(Record { data: &self.bytes[start..start + size as usize], start, tail, info })
    }

    /// The records, in the order in which they were packed.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        (0..self.count()).filter_map(|index| self.record(index))
    }
}

/// Bytes of data that a tail names, without and with their padding.
fn sizes(layout: Layout, tail: &[u8]) -> (u32, u64) {
    let size = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    (size, layout.padded(size.into()))
}

/// The layout that the first byte of a super-frame says.
fn layout_of(version: Version, first: u8) -> Result<Layout, Fault> {
    let (found, wanted) = (first & 0x0F, version.number());
    if found != wanted {
        return Err(Fault::Version { found, wanted });
    }
    match version {
        Version::V1 => Layout::v1(first >> 4).ok_or(Fault::Width { found: first >> 4 }),
        Version::V2 => Ok(Layout::v2()),
    }
}

/// Reads a super-frame, from its end to its header.
///
/// # Errors
///
/// Why it is none of this version. Nothing but `bytes` is needed to tell, whatever they claim.
pub fn parse(version: Version, bytes: &[u8]) -> Result<SuperFrame<'_>, Fault> {
    let least = match version {
        Version::V1 => Layout { version, width_code: 0 },
        Version::V2 => Layout::v2(),
    };
    let least = least.header_bytes() + least.tail_bytes();
    if bytes.len() < least {
        return Err(Fault::Small { bytes: bytes.len(), least });
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(Fault::Large { bytes: bytes.len() });
    }
    let layout = layout_of(version, bytes[0])?;
    let (header, tail) = (layout.header_bytes(), layout.tail_bytes());
    let mut end = bytes.len();
    let mut tails = Vec::new();
    while tails.is_empty() || end != header {
        let room = end.saturating_sub(header);
        if room < tail {
            return Err(Fault::NoRoomForTail { room, tail });
        }
        let at = end - tail;
        let (_, data) = sizes(layout, &bytes[at..]);
        let room = at - header;
        if data > room as u64 {
            return Err(Fault::NoRoomForData { room, data, tail: at });
        }
        if tails.try_reserve(1).is_err() {
            return Err(Fault::Memory { bytes: bytes.len() });
        }
        tails.push(at as u32);
        end = at - data as usize;
    }
    tails.reverse();
    Ok(SuperFrame { bytes, layout, tails })
}

/// Turns the tails of a super-frame into headers, in place: the first `n` bytes of each tail move to
/// where those of the tail before it were, those of the first tail to the header. The last `n` bytes
/// are superfluous then; the result is the number of bytes that remain.
///
/// `n` is the size of the header. With version 1 that is a whole tail, so each record follows its
/// own description. With version 2 it is two of its seven bytes: the result is what Rogue makes of
/// it, and of use for a single record at most.
///
/// # Errors
///
/// As [`parse`]; and [`Fault::NotInvertible`]. Nothing is changed then.
pub fn invert(version: Version, bytes: &mut [u8]) -> Result<usize, Fault> {
    let super_frame = parse(version, bytes)?;
    let (header, tail) = (super_frame.layout.header_bytes(), super_frame.layout.tail_bytes());
    if version == Version::V1 && header != tail {
        return Err(Fault::NotInvertible { header, tail });
    }
    let mut into = 0;
    for at in super_frame.tails {
        let at = at as usize;
        bytes.copy_within(at..at + header, into);
        into = at;
    }
    Ok(bytes.len() - header)
}
