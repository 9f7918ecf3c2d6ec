//! Ranges of memory by blocks, and what such a range has held.

use std::fmt;

use super::load::Load;
use crate::failure::{Failure, Kind, Outcome};

/// Bytes of the largest block without an option.
const BLOCK_BYTES: u64 = 1 << 20;
/// Bytes of the largest block, and of the largest range that is written: it is kept in memory.
const BYTES_MAX: u64 = 64 << 20;

/// A range of memory. Blocks follow each other to its end, and then begin again; a rest that is
/// smaller than a block is left out.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Its first byte.
    pub address: u64,
    /// Its bytes.
    pub length: u64,
    /// Bytes of a block.
    pub block_bytes: u32,
}

impl Range {
    /// A range, with blocks of `block` bytes.
    pub fn of(address: u64, length: u64, block: Option<u64>) -> Outcome<Range> {
        let wrong = |text: String| Err(Failure::new(Kind::Usage, text));
        if length == 0 || address.checked_add(length - 1).is_none() {
            return wrong(format!("{length} bytes from 0x{address:x} on are no range of memory"));
        }
        let bytes = block.unwrap_or(length.min(BLOCK_BYTES));
        if bytes == 0 || bytes > length || bytes > BYTES_MAX {
            return wrong(format!(
                "A block has 1 to {} bytes here, and not {bytes}",
                length.min(BYTES_MAX)
            ));
        }
        Ok(Range { address, length, block_bytes: bytes as u32 })
    }

    /// Address and bytes of a block.
    pub fn block(self, index: u64) -> (u64, u32) {
        let bytes = u64::from(self.block_bytes);
        (self.address + index % (self.length / bytes) * bytes, self.block_bytes)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "0x{:x}..0x{:x}", self.address, self.address + (self.length - 1))
    }
}

/// What a range has held before it is written.
pub struct Saved {
    range: Range,
    blocks: Vec<Vec<u8>>,
}

impl Saved {
    /// Fails for a range that is too large to be kept.
    pub fn check(range: Range) -> Outcome {
        match range.length <= BYTES_MAX {
            true => Ok(()),
            false => Err(Failure::new(
                Kind::Usage,
                format!("A range that is written has at most {BYTES_MAX} bytes here"),
            )),
        }
    }

    /// Reads it.
    pub fn read(load: &Load<'_>, range: Range) -> Outcome<Saved> {
        let blocks = read_all(load, range)?;
        Ok(Saved { range, blocks })
    }

    /// Starts to write a block as it was.
    pub fn write(&self, load: &Load<'_>, index: u64) -> Outcome<u32> {
        let (address, _) = self.range.block(index);
        load.write(address, &self.blocks[(index % self.blocks.len() as u64) as usize])
    }

    /// Fails if the range does not hold what it has held.
    pub fn compare(&self, load: &Load<'_>) -> Outcome {
        let found = read_all(load, self.range)?;
        let (before, now) = (self.blocks.concat(), found.concat());
        match before.iter().zip(&now).position(|(one, other)| one != other) {
            None => Ok(()),
            Some(at) => Err(Failure::new(
                Kind::Differs,
                format!(
                    "0x{:x}: 0x{:02x} was there, was written, and 0x{:02x} is there now: another \
                     client has written, or the device has",
                    self.range.address + at as u64,
                    before[at],
                    now[at]
                ),
            )),
        }
    }
}

fn read_all(load: &Load<'_>, range: Range) -> Outcome<Vec<Vec<u8>>> {
    let count = range.length / u64::from(range.block_bytes);
    let read = |index| {
        load.interrupt.check()?;
        let (address, size) = range.block(index);
        load.master.read(address, size).map_err(|error| load.interrupt.or(error))
    };
    (0..count).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fill_a_range_and_begin_again() {
        let range = Range::of(0x100, 10, Some(4)).ok().unwrap();
        let blocks: Vec<_> = (0..3).map(|index| range.block(index)).collect();
        assert_eq!(blocks, [(0x100, 4), (0x104, 4), (0x100, 4)]);
        assert_eq!(range.to_string(), "0x100..0x109");
        assert_eq!(Range::of(0, 3 << 20, None).ok().unwrap().block(1), (1 << 20, 1 << 20));
    }

    #[test]
    fn ranges_and_blocks_that_cannot_be_are_refused() {
        let last = u64::MAX;
        assert_eq!(Range::of(last, 1, None).ok().unwrap().block(7), (last, 1));
        for (address, length, block) in [
            (0, 0, None),
            (last, 2, None),
            (0, 4, Some(5)),
            (0, 4, Some(0)),
            (0, 1 << 32, Some(1 << 31)),
        ] {
            let failure = Range::of(address, length, block).unwrap_err();
            assert_eq!(failure.code(), 2, "{address} {length} {block:?}");
        }
    }
}
