//! Copying, setting and testing ranges of bits. Bit `n` of a byte string is bit `n % 8`, counted
//! from the least significant, of byte `n / 8`.

use crate::error::{Error, Result, Status};

/// Refuses a range outside `len` bytes; the text says that it cannot `verb` bits `place` array.
fn check(
    (source, verb, place): (&'static str, &str, &str),
    lsb: u64,
    bits: u64,
    len: usize,
) -> Result<()> {
    // In 128 bits neither sum nor product overflows.
    let size = len as u128 * 8;
    if u128::from(lsb) + u128::from(bits) <= size {
        return Ok(());
    }
    let text = format!(
        "Attempt to {verb} {bits} bits starting from bit {lsb} {place} array with bitSize {size}"
    );
    Err(Error::new(Status::InvalidArgument, source, text))
}

/// Copies `bits` bits from bit `src_lsb` of `src` to bit `dst_lsb` of `dst`; other bits of `dst`
/// keep their value.
///
/// # Errors
///
/// [`Status::InvalidArgument`] where a range does not lie within its bytes; nothing is changed.
pub fn copy_bits(dst: &mut [u8], dst_lsb: u64, src: &[u8], src_lsb: u64, bits: u64) -> Result<()> {
    check(("Master::copyBits", "copy", "from dest"), dst_lsb, bits, dst.len())?;
    check(("Master::copyBits", "copy", "from source"), src_lsb, bits, src.len())?;
    let mut done = 0;
    if dst_lsb % 8 == src_lsb % 8 {
        // Equal positions within a byte: all bytes between the first and the last are copied whole.
        let head = ((8 - dst_lsb % 8) % 8).min(bits);
        copy_bit_by_bit(dst, dst_lsb, src, src_lsb, head);
        let whole = (bits - head) / 8;
        let to = ((dst_lsb + head) / 8) as usize;
        let from = ((src_lsb + head) / 8) as usize;
        let count = whole as usize;
        if count > 0 {
            dst[to..to + count].copy_from_slice(&src[from..from + count]);
        }
        done = head + whole * 8;
    }
    copy_bit_by_bit(dst, dst_lsb + done, src, src_lsb + done, bits - done);
    Ok(())
}

/// Copies at a time the bits that lie in one byte on both sides.
fn copy_bit_by_bit(dst: &mut [u8], dst_lsb: u64, src: &[u8], src_lsb: u64, bits: u64) {
    let mut done = 0;
    while done < bits {
        let (to, from) = (dst_lsb + done, src_lsb + done);
        let count = (8 - to % 8).min(8 - from % 8).min(bits - done);
        let mask = (((1u16 << count) - 1) << (to % 8)) as u8;
        let value = ((u16::from(src[(from / 8) as usize]) >> (from % 8)) << (to % 8)) as u8;
        let byte = &mut dst[(to / 8) as usize];
        *byte = (*byte & !mask) | (value & mask);
        done += count;
    }
}

/// Sets `bits` bits of `dst` from bit `lsb` to one.
///
/// # Errors
///
/// [`Status::InvalidArgument`] where the range does not lie within the bytes.
pub fn set_bits(dst: &mut [u8], lsb: u64, bits: u64) -> Result<()> {
    check(("Master::setBits", "set", "in"), lsb, bits, dst.len())?;
    visit(lsb, bits, |index, mask| {
        dst[index] |= mask;
        true
    });
    Ok(())
}

/// Whether all of `bits` bits of `src` from bit `lsb` are one.
///
/// # Errors
///
/// [`Status::InvalidArgument`] where the range does not lie within the bytes.
pub(super) fn all_bits(src: &[u8], lsb: u64, bits: u64) -> Result<bool> {
    check(("Master::allBits", "access", "from"), lsb, bits, src.len())?;
    let mut all = true;
    visit(lsb, bits, |index, mask| {
        all &= src[index] & mask == mask;
        all
    });
    Ok(all)
}

/// Whether any of `bits` bits of `src` from bit `lsb` is one.
///
/// # Errors
///
/// [`Status::InvalidArgument`] where the range does not lie within the bytes.
pub fn any_bits(src: &[u8], lsb: u64, bits: u64) -> Result<bool> {
    check(("Master::anyBits", "access", "from"), lsb, bits, src.len())?;
    let mut any = false;
    visit(lsb, bits, |index, mask| {
        any |= src[index] & mask != 0;
        !any
    });
    Ok(any)
}

/// Calls `each` with byte index and mask over a range of bits until it returns false.
fn visit(lsb: u64, bits: u64, mut each: impl FnMut(usize, u8) -> bool) {
    let mut done = 0;
    while done < bits {
        let at = lsb + done;
        let count = (8 - at % 8).min(bits - done);
        let mask = (((1u16 << count) - 1) << (at % 8)) as u8;
        if !each((at / 8) as usize, mask) {
            return;
        }
        done += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    fn bit(bytes: &[u8], n: u64) -> bool {
        bytes[(n / 8) as usize] >> (n % 8) & 1 == 1
    }

    #[test]
    fn every_helper_agrees_with_one_bit_at_a_time() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for round in 0..2000 {
            let (mut dst, mut src) = ([0u8; 24], [0u8; 24]);
            rng.fill(&mut dst);
            rng.fill(&mut src);
            let bits = rng.random_range(0..=150);
            let to = rng.random_range(0..=192 - bits);
            let from = rng.random_range(0..=192 - bits);
            let before = dst;
            copy_bits(&mut dst, to, &src, from, bits).unwrap();
            for n in 0..192 {
                let expected = match (to..to + bits).contains(&n) {
                    true => bit(&src, n - to + from),
                    false => bit(&before, n),
                };
                assert_eq!(bit(&dst, n), expected, "round {round} bit {n}");
            }
            let any = (from..from + bits).any(|n| bit(&src, n));
            assert_eq!(any_bits(&src, from, bits).unwrap(), any);
            set_bits(&mut src, from, bits).unwrap();
            assert!((from..from + bits).all(|n| bit(&src, n)));
        }
    }

    #[test]
    fn a_range_outside_is_refused_in_words_that_say_which() {
        let mut dst = [0; 4];
        let texts = [
            copy_bits(&mut dst, 30, &[0; 8], 0, 3),
            copy_bits(&mut dst, 0, &[0; 2], 7, 10),
            set_bits(&mut dst, 32, 1),
            any_bits(&dst, 1, 32).map(drop),
        ]
        .map(|outcome| outcome.unwrap_err().text().to_owned());
        let expected = [
            "Attempt to copy 3 bits starting from bit 30 from dest array with bitSize 32",
            "Attempt to copy 10 bits starting from bit 7 from source array with bitSize 16",
            "Attempt to set 1 bits starting from bit 32 in array with bitSize 32",
            "Attempt to access 32 bits starting from bit 1 from array with bitSize 32",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn nothing_is_copied_set_or_found_in_a_range_of_no_bits() {
        let mut dst = [0x5A; 2];
        copy_bits(&mut dst, 16, &[0xFF], 3, 0).unwrap();
        set_bits(&mut dst, 16, 0).unwrap();
        assert_eq!(dst, [0x5A; 2]);
        assert!(!any_bits(&[0xFF], 8, 0).unwrap());
    }

    #[test]
    fn d39_a_range_whose_end_would_wrap_is_refused() {
        let mut dst = [0; 4];
        for (lsb, bits) in [(33, 0), (0, 33), (u64::MAX, 2), (1 << 32, 1), (31, u64::MAX)] {
            assert!(set_bits(&mut dst, lsb, bits).is_err(), "{lsb}+{bits}");
            assert!(any_bits(&dst, lsb, bits).is_err());
            assert!(copy_bits(&mut dst, lsb, &[0xFF; 4], 0, bits).is_err());
            assert!(copy_bits(&mut dst, 0, &[0xFF; 4], lsb, bits).is_err());
        }
        assert_eq!(dst, [0; 4]);
    }
}
