//! The key stream of Salsa20, eight blocks at a time. There is no branch and no memory access that
//! depends on a secret.

// Since Rust 1.87 most of these intrinsics are safe to call where the feature is on.
#![allow(unused_unsafe)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi32,
    _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32,
    _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use crate::proto::zmtp::mechanism::curve::block::{
    double_rounds, BLOCK_OCTETS, COUNTER, DOUBLE_ROUNDS, WORDS,
};

/// Blocks that are computed together, in the lanes of vectors.
pub const LANES: usize = 8;
/// Octets of the blocks that are computed together.
pub const BATCH_OCTETS: usize = LANES * BLOCK_OCTETS;
/// Octets of a vector.
const VECTOR_OCTETS: usize = 32;

/// Combines `octets` with the eight blocks from number `block` on.
///
/// # Safety
///
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn combine(state: &[u32; WORDS], block: u64, octets: &mut [u8; BATCH_OCTETS]) {
    // SAFETY: the processor has AVX2, as promised; these take and give values only.
    let mut start = state.map(|word| unsafe { _mm256_set1_epi32(word as i32) });
    let blocks: [u64; LANES] = std::array::from_fn(|lane| block.wrapping_add(lane as u64));
    for (place, shift) in COUNTER.into_iter().zip([0, 32]) {
        let words = blocks.map(|block| (block >> shift) as u32);
        // SAFETY: as above; `words` are as many octets as are read.
        start[place] = unsafe { _mm256_loadu_si256(words.as_ptr().cast::<__m256i>()) };
    }
    // SAFETY: as promised.
    let end = unsafe { double_rounds(start) };
    for (half, (end, start)) in end.chunks_exact(LANES).zip(start.chunks_exact(LANES)).enumerate() {
        // SAFETY: as above; these take and give values only.
        let words = std::array::from_fn(|at| unsafe { _mm256_add_epi32(end[at], start[at]) });
        // SAFETY: as promised.
        let rows = unsafe { transposed(words) };
        for (row, block) in rows.into_iter().zip(octets.chunks_exact_mut(BLOCK_OCTETS)) {
            let place = block[half * VECTOR_OCTETS..][..VECTOR_OCTETS].as_mut_ptr();
            let place = place.cast::<__m256i>();
            // SAFETY: as above; `place` is as many octets as are read and written.
            unsafe {
                _mm256_storeu_si256(place, _mm256_xor_si256(_mm256_loadu_si256(place), row));
            }
        }
    }
}

/// All rounds of the core function.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn double_rounds(state: [__m256i; WORDS]) -> [__m256i; WORDS] {
    macro_rules! step {
        ($into:ident, $one:ident, $other:ident, $bits:literal) => {
            // SAFETY: the processor has AVX2, as promised; these take and give values only.
            $into = unsafe {
                let sum = _mm256_add_epi32($one, $other);
                let (left, right) =
                    (_mm256_slli_epi32::<$bits>(sum), _mm256_srli_epi32::<{ 32 - $bits }>(sum));
                _mm256_xor_si256($into, _mm256_or_si256(left, right))
            };
        };
    }
    macro_rules! quarter {
        ($a:ident, $b:ident, $c:ident, $d:ident) => {
            step!($b, $a, $d, 7);
            step!($c, $b, $a, 9);
            step!($d, $c, $b, 13);
            step!($a, $d, $c, 18);
        };
    }
    double_rounds!(quarter, state)
}

/// Eight words of each of eight blocks: given word by word, returned block by block.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transposed(words: [__m256i; LANES]) -> [__m256i; LANES] {
    // SAFETY: the processor has AVX2, as promised; all of these take and give values only.
    unsafe {
        let mut pairs = [_mm256_setzero_si256(); LANES];
        for at in (0..LANES).step_by(2) {
            pairs[at] = _mm256_unpacklo_epi32(words[at], words[at + 1]);
            pairs[at + 1] = _mm256_unpackhi_epi32(words[at], words[at + 1]);
        }
        let mut fours = [_mm256_setzero_si256(); LANES];
        for at in [0, 1, 4, 5] {
            let to = at / 4 * 4 + at % 4 * 2;
            fours[to] = _mm256_unpacklo_epi64(pairs[at], pairs[at + 2]);
            fours[to + 1] = _mm256_unpackhi_epi64(pairs[at], pairs[at + 2]);
        }
        let mut rows = [_mm256_setzero_si256(); LANES];
        for at in 0..LANES / 2 {
            rows[at] = _mm256_permute2x128_si256::<0x20>(fours[at], fours[at + 4]);
            rows[at + 4] = _mm256_permute2x128_si256::<0x31>(fours[at], fours[at + 4]);
        }
        rows
    }
}
