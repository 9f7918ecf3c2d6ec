//! What a processor can do beyond its architecture's minimum.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::block::WORDS;

/// Whether the processor has AVX2: it is asked once in a process.
#[cfg(target_arch = "x86_64")]
pub fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// Combines `octets` with the key stream from block number `block` on, as far as there are octets
/// for as many blocks as are computed together. Returns how many were combined: 0 where the
/// processor has no AVX2.
pub fn combine_wide(state: &[u32; WORDS], block: u64, octets: &mut [u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        let mut done = 0;
        for (batch, octets) in octets.chunks_exact_mut(avx2::BATCH_OCTETS).enumerate() {
            let block = block + (batch * avx2::LANES) as u64;
            let octets = octets.try_into().expect("chunks of this size");
            // SAFETY: the processor has AVX2.
            unsafe { avx2::combine(state, block, octets) };
            done += avx2::BATCH_OCTETS;
        }
        return done;
    }
    let _ = (state, block, octets);
    0
}
