//! Ranges of bits. Bit n of a byte string is bit n % 8, counted from the least significant, of byte
//! n / 8.

use super::guard::status;
use super::status::rogue_mem_status_t;
use crate::memory::bits;

/// Copies a range of bits; other bits of the destination keep their value. Source and destination
/// may overlap; the source is then copied aside first.
///
/// @param dst bytes to copy to.
/// @param dst_size number of bytes at dst.
/// @param dst_lsb first bit to copy to.
/// @param src bytes to copy from.
/// @param src_size number of bytes at src.
/// @param src_lsb first bit to copy from.
/// @param bits number of bits.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if a range
/// does not lie within its bytes, and then nothing is changed.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_copy_bits(
    dst: *mut u8,
    dst_size: usize,
    dst_lsb: u64,
    src: *const u8,
    src_size: usize,
    src_lsb: u64,
    bits: u64,
) -> rogue_mem_status_t {
    status(|call| {
        let (to, from) = (dst as usize, src as usize);
        let overlap = to < from.saturating_add(src_size) && from < to.saturating_add(dst_size);
        // SAFETY: null or valid for reading, as the header demands.
        let src = unsafe { call.values(src, src_size, "src") }?;
        if !overlap {
            // SAFETY: null or valid for writing, as the header demands, and apart from `src`.
            let dst = unsafe { call.bytes_mut(dst, dst_size, "dst") }?;
            return bits::copy_bits(dst, dst_lsb, src, src_lsb, bits);
        }
        let aside = src.to_vec();
        // SAFETY: as above; `src` is not used any more.
        let dst = unsafe { call.bytes_mut(dst, dst_size, "dst") }?;
        bits::copy_bits(dst, dst_lsb, &aside, src_lsb, bits)
    })
}

/// Sets a range of bits to one.
///
/// @param dst bytes to change.
/// @param dst_size number of bytes at dst.
/// @param lsb first bit.
/// @param bits number of bits.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the bytes, and then nothing is changed.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_set_bits(
    dst: *mut u8,
    dst_size: usize,
    lsb: u64,
    bits: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid for writing, as the header demands.
        let dst = unsafe { call.bytes_mut(dst, dst_size, "dst") }?;
        bits::set_bits(dst, lsb, bits)
    })
}

/// Asks whether any bit of a range is one.
///
/// @param src bytes to look at.
/// @param src_size number of bytes at src.
/// @param lsb first bit.
/// @param bits number of bits.
/// @param any receives 1 if one is, 0 if none is, as in a range of no bits. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the bytes.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_any_bits(
    src: *const u8,
    src_size: usize,
    lsb: u64,
    bits: u64,
    any: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid for reading, as the header demands.
        let src = unsafe { call.values(src, src_size, "src") }?;
        // SAFETY: null or valid, as the header demands.
        let any = unsafe { call.out(any, "any") }?;
        any.set(bits::any_bits(src, lsb, bits)?.into());
        Ok(())
    })
}
