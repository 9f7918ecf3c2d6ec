//! The geometry of a variable: which bits of a block hold its values, and which bytes an access to
//! it covers. Bit `n` of a block is bit `n % 8`, counted from the least significant, of byte `n /
//! 8`.

use super::numbers::mask;
use crate::memory::bits;

/// Contiguous bits of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// First bit.
    pub start: u64,
    /// Number of bits.
    pub bits: u64,
}

/// Bytes `low..high` of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First byte.
    pub low: u64,
    /// The byte after the last one.
    pub high: u64,
}

impl Span {
    /// Number of bytes.
    pub fn size(self) -> u64 {
        self.high.saturating_sub(self.low)
    }

    /// The smallest span that contains both.
    pub(super) fn union(self, other: Span) -> Span {
        Span { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// `union` with another span, if there is one.
    pub(super) fn and(self, other: Option<Span>) -> Span {
        other.map_or(self, |other| self.union(other))
    }

    /// The span widened to multiples of `access` bytes from `base`, within `size` bytes.
    pub(super) fn aligned(self, access: u64, base: u64, size: u64) -> Span {
        let access = access.max(1);
        let over = |at: u64| (base % access + at % access) % access;
        let low = self.low - over(self.low).min(self.low);
        let high = self.high.saturating_add((access - over(self.high)) % access);
        Span { low, high: high.min(size) }
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.low as usize..self.high as usize
    }
}

/// Where a variable's values are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The parts of a scalar, in the order in which they take its bits; the first element of a
    /// list.
    pub(super) parts: Box<[Part]>,
    /// Number of elements; 0 for a scalar.
    pub(super) num_values: u32,
    /// Distance of elements, in bits.
    pub(super) stride: u64,
    /// Accesses cover multiples of this number of bytes.
    pub(super) granularity: u64,
}

impl Layout {
    /// Moves the variable up by `bytes`; accesses cover multiples of `granularity` bytes from now
    /// on. False, and nothing is changed, where a position would exceed 64 bits.
    pub(super) fn shift(&mut self, bytes: u64, granularity: u64) -> bool {
        let by = u128::from(bytes) * 8;
        // The end of the block's address space is far below.
        let fits = self.end() as u128 + by < u128::from(u64::MAX / 2);
        if fits {
            self.parts.iter_mut().for_each(|part| part.start += by as u64);
            self.granularity = granularity.max(1);
        }
        fits
    }

    /// Number of elements, 1 for a scalar.
    pub(super) fn count(&self) -> u32 {
        self.num_values.max(1)
    }

    /// The parts of element `index`, in the order in which they take its bits.
    pub(super) fn element(&self, index: u32) -> impl Iterator<Item = Part> + '_ {
        let by = self.stride * u64::from(index);
        self.parts.iter().map(move |part| Part { start: part.start + by, bits: part.bits })
    }

    /// The bit after the last one.
    pub(super) fn end(&self) -> u64 {
        let last = self.stride.saturating_mul(u64::from(self.count() - 1));
        let ends = self.parts.iter().map(|part| part.start.saturating_add(part.bits));
        ends.max().unwrap_or(0).saturating_add(last)
    }

    /// The bytes that an access to elements `first..=last` covers.
    pub(super) fn span(&self, first: u32, last: u32) -> Span {
        let unit = 8 * self.granularity;
        let start = self.element(first).map(|part| part.start).min().unwrap_or(0);
        let end = self.element(last).map(|part| part.start + part.bits).max().unwrap_or(0);
        Span { low: start / unit * self.granularity, high: end.div_ceil(unit) * self.granularity }
    }

    /// The bytes that an access to the whole variable covers.
    pub(super) fn whole(&self) -> Span {
        self.span(0, self.count() - 1)
    }

    /// The bits of elements `first..=last`, in runs that are as long as possible.
    pub(super) fn runs(&self, first: u32, last: u32) -> impl Iterator<Item = Part> + '_ {
        let is_dense = self.num_values > 0 && self.parts[0].bits == self.stride;
        let (count, merged) = match is_dense {
            true => (1, u64::from(last - first) + 1),
            false => (last - first + 1, 1),
        };
        (0..count).flat_map(move |offset| {
            self.element(first + offset)
                .map(move |part| Part { start: part.start, bits: part.bits * merged })
        })
    }

    /// The bits of element `index`, of at most 64.
    pub(super) fn load(&self, image: &[u8], index: u32) -> u64 {
        let mut value = 0;
        let mut done = 0;
        for part in self.element(index) {
            value |= load_word(image, part) << done;
            done += part.bits as u32;
        }
        value
    }

    /// Stores the lowest bits of `value` into element `index`, of at most 64 bits.
    pub(super) fn store(&self, image: &mut [u8], index: u32, value: u64) {
        let mut rest = value;
        for part in self.element(index) {
            store_word(image, part, rest);
            // A part of 64 bits is the only one.
            rest = rest.checked_shr(part.bits as u32).unwrap_or(0);
        }
    }

    /// Copies the bits of element `index` to the beginning of `value`.
    pub(super) fn load_bytes(&self, image: &[u8], index: u32, value: &mut [u8]) {
        let mut done = 0;
        for part in self.element(index) {
            bits::copy_bits(value, done, image, part.start, part.bits).expect(WITHIN);
            done += part.bits;
        }
    }

    /// Copies the first bits of `value` to element `index`.
    pub(super) fn store_bytes(&self, image: &mut [u8], index: u32, value: &[u8]) {
        let mut done = 0;
        for part in self.element(index) {
            bits::copy_bits(image, part.start, value, done, part.bits).expect(WITHIN);
            done += part.bits;
        }
    }
}

/// A block checks its variables when they are added.
pub(super) const WITHIN: &str = "a variable lies within its block, and a value has its width";

/// The bytes of a part of at most 64 bits, at most nine, as an integer.
fn window(image: &[u8], part: Part) -> (std::ops::Range<usize>, u32, u128) {
    let (first, shift) = ((part.start / 8) as usize, (part.start % 8) as u32);
    let count = (shift as u64 + part.bits).div_ceil(8) as usize;
    let mut bytes = [0; 16];
    bytes[..count].copy_from_slice(&image[first..first + count]);
    (first..first + count, shift, u128::from_le_bytes(bytes))
}

fn load_word(image: &[u8], part: Part) -> u64 {
    let (_, shift, bytes) = window(image, part);
    (bytes >> shift) as u64 & mask(part.bits as u32)
}

fn store_word(image: &mut [u8], part: Part, value: u64) {
    let (range, shift, bytes) = window(image, part);
    let mask = mask(part.bits as u32);
    let kept = bytes & !(u128::from(mask) << shift);
    let bytes = (kept | u128::from(value & mask) << shift).to_le_bytes();
    let count = range.len();
    image[range].copy_from_slice(&bytes[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(parts: &[(u64, u64)]) -> Layout {
        let parts = parts.iter().map(|&(start, bits)| Part { start, bits }).collect();
        Layout { parts, num_values: 0, stride: 0, granularity: 1 }
    }

    fn span(low: u64, high: u64) -> Span {
        Span { low, high }
    }

    #[test]
    fn d62_the_bytes_of_unordered_parts_are_those_from_the_lowest_to_the_highest() {
        assert_eq!(scalar(&[(8, 8), (0, 8)]).whole(), span(0, 2));
        assert_eq!(scalar(&[(20, 4), (0, 3), (8, 8)]).whole(), span(0, 3));
    }

    #[test]
    fn d73_bytes_beyond_the_precision_of_single_floats_are_counted_exactly() {
        assert_eq!(scalar(&[(16777217, 8)]).whole().high, 2097154);
        assert_eq!(scalar(&[(2147483655, 8)]).whole().high, 268435458);
        let parts = Box::new([Part { start: 0, bits: 9 }]);
        let list = Layout { parts, num_values: 3000001, stride: 9, granularity: 1 };
        assert_eq!(list.whole().high, 3375002);
    }

    #[test]
    fn d60_a_span_is_aligned_by_its_absolute_address_within_its_block() {
        assert_eq!(span(3, 5).aligned(4, 0x200, 16), span(0, 8));
        assert_eq!(span(3, 5).aligned(4, 0x203, 16), span(1, 5));
        assert_eq!(span(0, 1).aligned(4, 0x202, 16), span(0, 2));
        assert_eq!(span(0, 1).aligned(4, u64::MAX - 3, 2), span(0, 2));
        assert_eq!(span(4, 8).aligned(4, 0, 8), span(4, 8));
        assert_eq!(span(1, 2).aligned(0, 7, 8), span(1, 2));
    }

    #[test]
    fn a_layout_that_would_leave_the_positions_stays() {
        let mut layout = scalar(&[(8, 8)]);
        assert!(!layout.shift(u64::MAX, 4));
        assert_eq!(layout.whole(), span(1, 2));
        assert!(layout.shift(1, 4));
        assert_eq!((layout.parts[0].start, layout.whole()), (16, span(0, 4)));
    }
}
