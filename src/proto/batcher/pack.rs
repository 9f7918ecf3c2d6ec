//! The making of super-frames.

use super::{Layout, Version};

/// What a tail says of its record, beside the size.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordInfo {
    /// The destination: the channel of the frame.
    pub dest: u8,
    /// The first user byte of the frame.
    pub first_user: u8,
    /// The last user byte of the frame.
    pub last_user: u8,
}

/// Writes a super-frame into memory that is as large as it: a header and, by
/// [`Layout::record_bytes`], its records. Every byte is written.
pub struct Packer<'a> {
    layout: Layout,
    rest: &'a mut [u8],
}

impl<'a> Packer<'a> {
    /// Writes the header of super-frame number `sequence`.
    ///
    /// # Panics
    ///
    /// If `into` has no room for it; so does [`record`](Self::record).
    pub fn new(layout: Layout, sequence: u8, into: &'a mut [u8]) -> Packer<'a> {
        let (header, rest) = into.split_at_mut(layout.header_bytes());
        header.fill(0);
        header[0] = layout.version.number() | layout.width_code << 4;
        header[1] = sequence;
        Packer { layout, rest }
    }

    /// Writes a record whose data lies in `parts`, `bytes` in all.
    pub fn record<'p>(
        &mut self,
        parts: impl IntoIterator<Item = &'p [u8]>,
        bytes: u32,
        info: RecordInfo,
    ) {
        let layout = self.layout;
        let (data_bytes, padded) = (bytes as usize, layout.padded(bytes.into()) as usize);
        let (record, rest) =
            std::mem::take(&mut self.rest).split_at_mut(padded + layout.tail_bytes());
        self.rest = rest;
        let (data, tail) = record.split_at_mut(padded);
        let mut at = 0;
        for part in parts {
            data[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        assert_eq!(at, data_bytes, "the parts are all of the data");
        data[at..].fill(0);
        tail.fill(0);
        tail[..4].copy_from_slice(&bytes.to_le_bytes());
        tail[4..7].copy_from_slice(&[info.dest, info.first_user, info.last_user]);
        if layout.version == Version::V1 {
            tail[7] = layout.width_code;
        }
    }
}
