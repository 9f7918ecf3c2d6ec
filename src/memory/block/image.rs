//! The bytes of a block: those that the program has staged, and those that the device has, as far
//! as is known.

use super::layout::{Layout, Span, WITHIN};
use super::maps::{zeros, Maps};
use crate::headroom;
use crate::memory::bits;

/// A byte that differs from what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    pub(super) index: usize,
    pub(super) found: u8,
    pub(super) expected: u8,
    pub(super) mask: u8,
}

/// The bytes of a block, with a bit in each map for each bit of the block.
pub(super) struct Image {
    /// What the program sees.
    staged: Vec<u8>,
    /// What the device sent last, or was sent last.
    device: Vec<u8>,
    /// Staged and not written.
    stale: Vec<u8>,
    maps: Maps,
}

impl Image {
    /// `size` zeros; `None` if there is no memory for them.
    pub(super) fn new(size: usize) -> Option<Image> {
        let (staged, device) = (zeros(size)?, zeros(size)?);
        Some(Image { staged, device, stale: zeros(size)?, maps: Maps::default() })
    }

    /// Replaces the maps; nothing is stale or to be verified then.
    pub(super) fn set_maps(&mut self, maps: Maps) {
        self.maps = maps;
        self.stale.fill(0);
    }

    pub(super) fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The staged bytes.
    pub(super) fn staged(&self) -> &[u8] {
        &self.staged
    }

    /// The staged bytes, for a store.
    pub(super) fn staged_mut(&mut self) -> &mut [u8] {
        &mut self.staged
    }

    /// Marks elements as staged and not written.
    pub(super) fn mark_stale(&mut self, layout: &Layout, first: u32, last: u32) {
        for run in layout.runs(first, last) {
            bits::set_bits(&mut self.stale, run.start, run.bits).expect(WITHIN);
        }
    }

    /// Forgets what is stale within `span`.
    pub(super) fn clear_stale(&mut self, span: Span) {
        self.stale[span.range()].fill(0);
    }

    /// The bits of `span` that are stale. `None` without memory for a copy.
    pub(super) fn stale(&self, span: Span) -> Option<Vec<u8>> {
        headroom::copied(&self.stale[span.range()]).ok()
    }

    /// Marks bits of `span` as staged and not written.
    pub(super) fn add_stale(&mut self, span: Span, bits: &[u8]) {
        self.stale[span.range()].iter_mut().zip(bits).for_each(|(stale, bits)| *stale |= bits);
    }

    /// Whether all bits of some elements are stale.
    pub(super) fn is_all_stale(&self, layout: &Layout, first: u32, last: u32) -> bool {
        layout
            .runs(first, last)
            .all(|run| bits::all_bits(&self.stale, run.start, run.bits).expect(WITHIN))
    }

    /// The bytes of `span` for a write. Bits of variables that are only read are as last read,
    /// whatever has been staged for them. `None` without memory for a copy.
    pub(super) fn outgoing(&self, span: Span) -> Option<Vec<u8>> {
        let mut bytes = zeros(span.size() as usize)?;
        for (byte, index) in bytes.iter_mut().zip(span.range()) {
            let kept = self.maps.read_only.at(index);
            *byte = self.staged[index] & !kept | self.device[index] & kept;
        }
        Some(bytes)
    }

    /// The bytes of `span` as they were sent last. `None` without memory for a copy.
    pub(super) fn sent(&self, span: Span) -> Option<Vec<u8>> {
        let mut bytes = zeros(span.size() as usize)?;
        bytes.copy_from_slice(&self.device[span.range()]);
        Some(bytes)
    }

    /// Notes that `bytes` are being sent. They are to be verified where that is wanted, and if
    /// `is_write`.
    pub(super) fn note_sent(&mut self, span: Span, bytes: &[u8], is_write: bool) {
        self.device[span.range()].copy_from_slice(bytes);
        let Maps { verified, unverified, .. } = &mut self.maps;
        let marked = unverified.range_mut(span.range()).into_iter().flatten();
        for (byte, index) in marked.zip(span.range()) {
            match is_write {
                true => *byte |= verified.at(index),
                // The device may do with a posted write what it likes.
                false => *byte = 0,
            }
        }
    }

    /// Forgets what was to be verified within `span`.
    pub(super) fn clear_unverified(&mut self, span: Span) {
        if let Some(marked) = self.maps.unverified.range_mut(span.range()) {
            marked.fill(0);
        }
    }

    /// Whether a bit of `span` is to be verified.
    pub(super) fn is_unverified(&self, span: Span) -> bool {
        span.range().any(|index| self.maps.unverified.at(index) != 0)
    }

    /// Stages what is to be verified within `span` as it was written, in place of what has been read
    /// since; newer values stay. False if there is nothing.
    pub(super) fn show_unverified(&mut self, span: Span) -> bool {
        for index in span.range() {
            let kept = !self.maps.unverified.at(index) | self.stale[index];
            self.staged[index] = self.staged[index] & kept | self.device[index] & !kept;
        }
        self.is_unverified(span)
    }

    /// Takes over what a read of `span` has returned: all bits but those that are stale or that are
    /// only written.
    pub(super) fn absorb(&mut self, span: Span, bytes: &[u8]) {
        for (index, byte) in span.range().zip(bytes) {
            let own = self.maps.write_only.at(index);
            let kept = self.stale[index] | own;
            self.staged[index] = self.staged[index] & kept | byte & !kept;
            let kept = self.maps.unverified.at(index) | own;
            self.device[index] = self.device[index] & kept | byte & !kept;
        }
    }

    /// The first byte of `span` that `found` shows to differ from what was written.
    pub(super) fn difference(&self, span: Span, found: &[u8]) -> Option<Difference> {
        span.range().zip(found).find_map(|(index, &found)| {
            let (expected, mask) = (self.device[index], self.maps.unverified.at(index));
            let differs = (found ^ expected) & mask != 0;
            differs.then_some(Difference { index, found, expected, mask })
        })
    }
}
