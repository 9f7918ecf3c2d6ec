//! The order of a value's bits and bytes in a register.
//!
//! A little-endian number has its lowest bits first. A big-endian number has its highest byte
//! first; a width that is no multiple of 8 makes that byte narrower than the others, and the number
//! takes exactly its bits. Byte strings are reversed as a whole.

use super::numbers::mask;

/// How a variable orders its values.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Order {
    /// The highest byte comes first.
    pub(super) is_big_endian: bool,
    /// The highest bit comes first.
    pub(super) reverses_bits: bool,
}

impl Order {
    /// The bits of a register for a number of `bits` bits, at most 64.
    #[inline]
    pub(super) fn to_register(self, mut value: u64, bits: u32) -> u64 {
        if self.reverses_bits {
            value = reversed(value, bits);
        }
        match self.is_big_endian {
            true => to_big_endian(value, bits),
            false => value,
        }
    }

    /// The number of `bits` bits in a register.
    #[inline]
    pub(super) fn in_register(self, mut value: u64, bits: u32) -> u64 {
        if self.is_big_endian {
            value = from_big_endian(value, bits);
        }
        match self.reverses_bits {
            true => reversed(value, bits),
            false => value,
        }
    }

    /// As [`to_register`](Self::to_register), for a wide number: bytes, lowest first.
    pub(super) fn wide_to_register(self, value: &mut [u8], bits: u32) {
        if self.reverses_bits {
            reverse_bits(value, bits);
        }
        if self.is_big_endian {
            let number = value.to_vec();
            value.fill(0);
            for (at, from, count) in byte_places(bits) {
                move_bits(value, at, &number, from, count);
            }
        }
    }

    /// As [`in_register`](Self::in_register), for a wide number: bytes, lowest first.
    pub(super) fn wide_in_register(self, value: &mut [u8], bits: u32) {
        if self.is_big_endian {
            let register = value.to_vec();
            value.fill(0);
            for (from, at, count) in byte_places(bits) {
                move_bits(value, at, &register, from, count);
            }
        }
        if self.reverses_bits {
            reverse_bits(value, bits);
        }
    }

    /// Orders a byte string for a register, and back.
    pub(super) fn reorder_bytes(self, value: &mut [u8]) {
        if self.is_big_endian {
            value.reverse();
        }
    }
}

/// Places of the bytes of a big-endian number of `bits` bits: first bit in the register, first bit
/// in the number, and how many.
fn byte_places(bits: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let highest = (bits - 1) / 8 * 8;
    let mut at = 0;
    (0..=highest / 8).rev().map(move |byte| {
        let from = byte * 8;
        let count = (bits - from).min(8);
        at += count;
        (at - count, from, count)
    })
}

fn to_big_endian(value: u64, bits: u32) -> u64 {
    if bits % 8 == 0 {
        return value.swap_bytes() >> (64 - bits);
    }
    byte_places(bits)
        .map(|(at, from, count)| (value >> from & mask(count)) << at)
        .fold(0, |a, b| a | b)
}

fn from_big_endian(value: u64, bits: u32) -> u64 {
    if bits % 8 == 0 {
        return value.swap_bytes() >> (64 - bits);
    }
    byte_places(bits)
        .map(|(at, from, count)| (value >> at & mask(count)) << from)
        .fold(0, |a, b| a | b)
}

fn reversed(value: u64, bits: u32) -> u64 {
    value.reverse_bits() >> (64 - bits)
}

fn bit(bytes: &[u8], at: u32) -> bool {
    bytes[(at / 8) as usize] >> (at % 8) & 1 == 1
}

fn move_bits(to: &mut [u8], at: u32, from: &[u8], start: u32, count: u32) {
    for offset in 0..count {
        let place = at + offset;
        to[(place / 8) as usize] |= u8::from(bit(from, start + offset)) << (place % 8);
    }
}

fn reverse_bits(value: &mut [u8], bits: u32) {
    let number = value.to_vec();
    value.fill(0);
    (0..bits).for_each(|at| move_bits(value, at, &number, bits - 1 - at, 1));
}

/// Reverses the lowest `bits` bits of a wide number, and leaves the others.
pub(super) fn reverse_used_bits(value: &mut [u8], bits: u32) {
    let number = value.to_vec();
    reverse_bits(value, bits);
    let others = bits..value.len() as u32 * 8;
    others.for_each(|at| move_bits(value, at, &number, at, 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: Order = Order { is_big_endian: true, reverses_bits: false };
    const REVERSED: Order = Order { is_big_endian: false, reverses_bits: true };
    const BOTH: Order = Order { is_big_endian: true, reverses_bits: true };

    #[test]
    fn d67_a_big_endian_number_of_any_width_keeps_all_its_bits() {
        assert_eq!(BIG.to_register(0xABC, 12), 0xA | 0xBC << 4);
        assert_eq!(BIG.to_register(0x1234, 16), 0x3412);
        assert_eq!(BIG.to_register(5, 3), 5);
        for bits in 1..=64 {
            for value in [0, 1, 0x0123_4567_89AB_CDEF, 0xF0E1_D2C3_B4A5_9687, u64::MAX] {
                let value = value & mask(bits);
                for order in [BIG, REVERSED, BOTH, Order::default()] {
                    let register = order.to_register(value, bits);
                    assert_eq!(register & !mask(bits), 0);
                    assert_eq!(order.in_register(register, bits), value, "{order:?} {bits}");
                }
            }
        }
    }

    #[test]
    fn d68_reversed_bits_are_reversed() {
        assert_eq!(REVERSED.to_register(0b0011, 4), 0b1100);
        assert_eq!(BOTH.to_register(0x0001, 16), 0x0080);
    }

    #[test]
    fn wide_numbers_are_ordered_as_narrow_ones_are() {
        for bits in 1..=64 {
            let value = 0x9E37_79B9_7F4A_7C15 & mask(bits);
            for order in [BIG, REVERSED, BOTH, Order::default()] {
                let mut bytes = value.to_le_bytes();
                let used = bits.div_ceil(8) as usize;
                order.wide_to_register(&mut bytes[..used], bits);
                assert_eq!(u64::from_le_bytes(bytes), order.to_register(value, bits), "{bits}");
                order.wide_in_register(&mut bytes[..used], bits);
                assert_eq!(u64::from_le_bytes(bytes), value);
            }
        }
        let mut bytes: Vec<u8> = (1..=9).collect();
        BIG.wide_to_register(&mut bytes, 72);
        assert_eq!(bytes, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }
}
