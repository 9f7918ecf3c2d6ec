//! What the bits of a block are, after the variables that cover them. Each map has a bit for each
//! bit of the block.

use std::ops::Range;

use super::layout::{Layout, WITHIN};
use super::model::Mode;
use crate::memory::bits;

/// A variable as its block sees it.
pub(super) struct Covering<'a> {
    pub(super) layout: &'a Layout,
    pub(super) mode: &'a Mode,
    pub(super) may_overlap: bool,
    pub(super) is_verified: bool,
}

/// A fault of a list of variables.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Conflict {
    /// The variable of this index ends beyond the block.
    Outside(usize),
    /// The variable of this index covers bits of an earlier one, or its own, exclusively.
    Overlap(usize),
    /// Bits belong to an exclusive variable and to another one that may overlap.
    Mixed,
    /// There is no memory for the maps.
    NoMemory,
}

/// `size` zeros; `None` if there is no memory for them.
pub(super) fn zeros(size: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).ok()?;
    bytes.resize(size, 0);
    Some(bytes)
}

/// A bit for each bit of a block. One without any bit that is set takes no memory.
#[derive(Default)]
pub(super) struct Map(Vec<u8>);

impl Map {
    /// `bytes`, or nothing if no bit of them is set.
    fn of(bytes: Vec<u8>) -> Map {
        Map(if bytes.iter().all(|byte| *byte == 0) { Vec::new() } else { bytes })
    }

    /// The bits of a byte of the block.
    pub(super) fn at(&self, index: usize) -> u8 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// Those of a range; `None` if none is set in the whole map.
    pub(super) fn range_mut(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        self.0.get_mut(range)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The maps of a block.
#[derive(Default)]
pub(super) struct Maps {
    /// Compared after a write.
    pub(super) verified: Map,
    /// Written and not compared yet; part of `verified`.
    pub(super) unverified: Map,
    /// Of variables that are only read, and of no other one.
    pub(super) read_only: Map,
    /// Of variables that are only written, and of no other one.
    pub(super) write_only: Map,
    /// Whether any variable is verified.
    pub(super) has_verified: bool,
}

fn set(map: &mut [u8], layout: &Layout) {
    for run in layout.runs(0, layout.count() - 1) {
        bits::set_bits(map, run.start, run.bits).expect(WITHIN);
    }
}

/// Clears the bits of `map` that are set in `other`.
fn subtract(map: &mut [u8], other: &[u8]) {
    map.iter_mut().zip(other).for_each(|(byte, other)| *byte &= !other);
}

impl Maps {
    /// The maps of a block of `size` bytes with these variables.
    pub(super) fn new(variables: &[Covering<'_>], size: usize) -> Result<Maps, Conflict> {
        check_overlaps(variables, size)?;
        let map = || zeros(size).ok_or(Conflict::NoMemory);
        let (mut verified, mut unverified) = (map()?, map()?);
        let (mut readable, mut writable) = (map()?, map()?);
        let mut maps = Maps::default();
        for Covering { layout, mode, is_verified, .. } in variables {
            if **mode == Mode::ReadWrite && *is_verified {
                set(&mut verified, layout);
                maps.has_verified = true;
            }
            if matches!(mode, Mode::ReadOnly | Mode::WriteOnly) || !is_verified {
                set(&mut unverified, layout);
            }
            if **mode != Mode::WriteOnly {
                set(&mut readable, layout);
            }
            if **mode != Mode::ReadOnly {
                set(&mut writable, layout);
            }
        }
        subtract(&mut verified, &unverified);
        // Those that are not needed any more become the other ones.
        let mut read_only = unverified;
        read_only.copy_from_slice(&readable);
        subtract(&mut read_only, &writable);
        let mut write_only = writable;
        subtract(&mut write_only, &readable);
        maps.verified = Map::of(verified);
        if !maps.verified.is_empty() {
            readable.fill(0);
            maps.unverified = Map(readable);
        }
        Ok(Maps { read_only: Map::of(read_only), write_only: Map::of(write_only), ..maps })
    }
}

fn check_overlaps(variables: &[Covering<'_>], size: usize) -> Result<(), Conflict> {
    let map = || zeros(size).ok_or(Conflict::NoMemory);
    let (mut exclusive, mut shared) = (map()?, map()?);
    for (index, Covering { layout, may_overlap, .. }) in variables.iter().enumerate() {
        if layout.end() > size as u64 * 8 {
            return Err(Conflict::Outside(index));
        }
        if *may_overlap {
            set(&mut shared, layout);
            continue;
        }
        for run in layout.runs(0, layout.count() - 1) {
            if bits::any_bits(&exclusive, run.start, run.bits).expect(WITHIN) {
                return Err(Conflict::Overlap(index));
            }
            bits::set_bits(&mut exclusive, run.start, run.bits).expect(WITHIN);
        }
    }
    match exclusive.iter().zip(&shared).any(|(one, other)| one & other != 0) {
        true => Err(Conflict::Mixed),
        false => Ok(()),
    }
}
