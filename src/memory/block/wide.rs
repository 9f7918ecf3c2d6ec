//! Integers of more than 64 bits: in two's complement, bytes with the lowest first.

use std::cmp::Ordering;

use super::numbers::{mask, scaled};
use super::text;

/// Bits that a double holds exactly.
const EXACT_BITS: usize = 53;

/// An integer of `bits` bits. The last of its bytes may have unused ones.
#[derive(Clone, Copy)]
pub(super) struct Wide<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) bits: u32,
    pub(super) is_signed: bool,
}

impl Wide<'_> {
    /// Whether the unused bits are 0 or, of a negative number, repeat the sign: both forms are in use.
    pub(super) fn fits(self) -> bool {
        let unused = !(mask((self.bits - 1) % 8 + 1) as u8);
        let found = self.bytes.last().copied().unwrap_or_default() & unused;
        found == 0 || self.is_negative() && found == unused
    }

    fn bit(self, at: usize) -> bool {
        self.bytes[at / 8] >> (at % 8) & 1 == 1
    }

    fn is_negative(self) -> bool {
        self.is_signed && self.bit(self.bits as usize - 1)
    }

    /// Which is larger, the integer or `limit`; `None` if that is no number.
    pub(super) fn compare(self, limit: f64) -> Option<Ordering> {
        let is_negative = self.is_negative();
        let magnitude = self.magnitude(is_negative);
        let magnitude = Wide { bytes: &magnitude, is_signed: false, ..self };
        let top = (0..self.bits as usize).rev().find(|at| magnitude.bit(*at)).unwrap_or(0);
        // The highest bits, and whether there are others.
        let low = (top + 1).saturating_sub(EXACT_BITS);
        let head =
            (low..=top).rev().fold(0u64, |head, at| head << 1 | u64::from(magnitude.bit(at)));
        let has_rest = (0..low).any(|at| magnitude.bit(at));
        // Cut off, so at most one step of a double away from the integer. It may be infinite.
        let head = scaled(head as f64, low as i64);
        let (head, beyond) = match is_negative {
            true => (-head, Ordering::Less),
            false => (head, Ordering::Greater),
        };
        match head.partial_cmp(&limit)? {
            Ordering::Equal if has_rest && limit.is_finite() => Some(beyond),
            found => Some(found),
        }
    }

    /// Its magnitude in as many bytes, unused bits 0.
    fn magnitude(self, is_negative: bool) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        if is_negative {
            let mut carry = true;
            for byte in &mut bytes {
                let (negated, has_carry) = (!*byte).overflowing_add(carry.into());
                (*byte, carry) = (negated, has_carry);
            }
        }
        if let Some(last) = bytes.last_mut() {
            *last &= mask((self.bits - 1) % 8 + 1) as u8;
        }
        bytes
    }

    /// The digits of all bytes, highest first.
    pub(super) fn hexadecimal(self) -> String {
        text::hexadecimal(self.bytes.iter().rev())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(bytes: &[u8], bits: u32, is_signed: bool) -> Wide<'_> {
        Wide { bytes, bits, is_signed }
    }

    #[test]
    fn a_wide_integer_fits_if_its_unused_bits_say_nothing_else() {
        for (last, is_unsigned, is_signed) in [
            (0b0000_0000, true, true),
            (0b0000_1111, true, true),
            (0b0000_0111, true, true),
            (0b1111_1000, false, true),
            (0b1111_0111, false, false),
            (0b0001_0000, false, false),
            (0b0111_1111, false, false),
        ] {
            let bytes = [[0x5A; 12].as_slice(), &[last]].concat();
            assert_eq!(wide(&bytes, 100, false).fits(), is_unsigned, "{last:08b}");
            assert_eq!(wide(&bytes, 100, true).fits(), is_signed, "{last:08b}");
        }
        assert!(wide(&[0xFF; 9], 72, false).fits() && wide(&[0xFF; 9], 72, true).fits());
    }

    #[test]
    fn a_wide_integer_is_compared_exactly() {
        use Ordering::{Equal, Greater, Less};
        // Both are exact: values of at most 118 bits, and doubles.
        let values = [0i128, 1, -1, 5, -200, 1 << 53, (1 << 53) + 1, 1 << 70, (1 << 70) + 1];
        let values = values.into_iter().chain([-(1 << 70), -(1 << 70) - 1, (1 << 117) - 1]);
        let limits = [0.0, -0.0, 4.5, -200.5, -200.0, 9007199254740992.0, 2f64.powi(70)];
        let limits: Vec<f64> =
            limits.into_iter().chain([-(2f64.powi(70)), 2f64.powi(117)]).collect();
        for value in values {
            let bytes = value.to_le_bytes();
            for limit in &limits {
                let whole = limit.floor();
                let expected = match value.cmp(&(whole as i128)) {
                    Equal if *limit > whole => Less,
                    found => found,
                };
                let found = wide(&bytes[..15], 118, true).compare(*limit);
                assert_eq!(found, Some(expected), "{value} and {limit}");
            }
            assert_eq!(wide(&bytes[..15], 118, true).compare(f64::INFINITY), Some(Less));
            assert_eq!(wide(&bytes[..15], 118, true).compare(f64::NEG_INFINITY), Some(Greater));
            assert_eq!(wide(&bytes[..15], 118, true).compare(f64::NAN), None);
        }
        let most = wide(&[0xFF; 200], 1600, false);
        assert_eq!(most.compare(f64::MAX), Some(Greater));
        assert_ne!(most.compare(f64::INFINITY), Some(Greater));
    }
}
