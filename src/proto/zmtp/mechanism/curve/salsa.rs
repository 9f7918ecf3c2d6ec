//! The key stream of Salsa20, four or eight blocks at a time.
//!
//! The well-kept crates compute one block after the other, at a quarter of the speed of the
//! libsodium under libzmq, and a block of 1 MiB is all key stream. So the blocks stand beside each
//! other in the lanes of vectors: eight where the processor has AVX2, else four. The block of a
//! text that needs but one is a crate's. The tests compare every octet with a crate's. There is no
//! branch and no memory access that depends on a secret.

use cryptoxide::salsa20::Salsa20;
use wide::u32x4;
use zeroize::Zeroizing;

use super::block::{double_rounds, BLOCK_OCTETS, COUNTER, DOUBLE_ROUNDS, WORDS};
use super::sys;

/// Blocks that are computed together.
const LANES: usize = 4;
/// Octets of the blocks that are computed together.
pub const BATCH_OCTETS: usize = LANES * BLOCK_OCTETS;
/// "expand 32-byte k", which is on the diagonal of the state.
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The key stream for one key and one nonce.
pub struct KeyStream {
    state: [u32; WORDS],
    /// Number of the next block.
    block: u64,
    batch: [u8; BATCH_OCTETS],
    /// Octets of the batch that have been used.
    used: usize,
}

impl KeyStream {
    /// The stream from its beginning on, of which `len` octets will be used.
    pub fn new(key: &[u8; 32], nonce: &[u8; 8], len: usize) -> KeyStream {
        let word = |octets: &[u8], place: usize| {
            let at = 4 * place;
            u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
        };
        let mut state = [0; WORDS];
        for place in 0..4 {
            state[5 * place] = SIGMA[place];
            state[1 + place] = word(key, place);
            state[11 + place] = word(key, 4 + place);
        }
        (state[6], state[7]) = (word(nonce, 0), word(nonce, 1));
        let mut stream =
            KeyStream { state, block: 0, batch: [0; BATCH_OCTETS], used: BATCH_OCTETS };
        if len <= BLOCK_OCTETS {
            let at = BATCH_OCTETS - BLOCK_OCTETS;
            Salsa20::new(key, nonce).process_mut(&mut stream.batch[at..]);
            (stream.block, stream.used) = (1, at);
        }
        stream
    }

    /// The next `N` octets of the stream, as a key.
    pub fn next_key<const N: usize>(&mut self) -> Zeroizing<[u8; N]> {
        let mut key = Zeroizing::new([0; N]);
        self.apply(&mut key[..]);
        key
    }

    /// Encrypts or decrypts: combines `octets` with the next ones of the stream.
    pub fn apply(&mut self, octets: &mut [u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            if self.used == BATCH_OCTETS {
                let done = sys::combine_wide(&self.state, self.block, rest);
                self.block += (done / BLOCK_OCTETS) as u64;
                rest = &mut rest[done..];
                if rest.is_empty() {
                    break;
                }
                self.batch = self.next_batch();
                self.used = 0;
            }
            let count = rest.len().min(BATCH_OCTETS - self.used);
            let (now, later) = rest.split_at_mut(count);
            for (octet, key) in now.iter_mut().zip(&self.batch[self.used..]) {
                *octet ^= key;
            }
            self.used += count;
            rest = later;
        }
    }

    fn next_batch(&mut self) -> [u8; BATCH_OCTETS] {
        let blocks: [u64; LANES] = std::array::from_fn(|lane| self.block + lane as u64);
        self.block += LANES as u64;
        let mut start = self.state.map(u32x4::splat);
        start[COUNTER[0]] = u32x4::from(blocks.map(|block| block as u32));
        start[COUNTER[1]] = u32x4::from(blocks.map(|block| (block >> 32) as u32));
        let mut batch = [0; BATCH_OCTETS];
        for (place, (end, start)) in double_rounds(start).into_iter().zip(start).enumerate() {
            for (lane, word) in (end + start).to_array().into_iter().enumerate() {
                let at = lane * BLOCK_OCTETS + 4 * place;
                batch[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
        batch
    }
}

/// All rounds of the core function.
#[inline(always)]
fn double_rounds(state: [u32x4; WORDS]) -> [u32x4; WORDS] {
    macro_rules! quarter {
        ($a:ident, $b:ident, $c:ident, $d:ident) => {
            $b ^= rotated::<7>($a + $d);
            $c ^= rotated::<9>($b + $a);
            $d ^= rotated::<13>($c + $b);
            $a ^= rotated::<18>($d + $c);
        };
    }
    double_rounds!(quarter, state)
}

#[inline(always)]
fn rotated<const BITS: u32>(word: u32x4) -> u32x4 {
    (word << BITS) | (word >> (32 - BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoxide::salsa20::Salsa20;

    const KEY: [u8; 32] = *b"a key of thirty-two octets, long";

    fn of_crate(nonce: &[u8; 8], len: usize) -> Vec<u8> {
        let mut stream = vec![0; len];
        Salsa20::new(&KEY, nonce).process_mut(&mut stream);
        stream
    }

    #[test]
    fn the_stream_is_that_of_the_crate_at_every_length() {
        let expected = of_crate(b"nonce 01", 5 * BATCH_OCTETS + 1);
        for len in 0..expected.len() {
            // Whatever was announced.
            for announced in [0, len, usize::MAX] {
                let mut stream = vec![0; len];
                KeyStream::new(&KEY, b"nonce 01", announced).apply(&mut stream);
                assert_eq!(stream, expected[..len], "{len}, announced {announced}");
            }
        }
    }

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_cut() {
        let expected = of_crate(b"nonce 02", 4000);
        for step in [1, 3, 31, 32, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1000, 2100] {
            let mut stream = KeyStream::new(&KEY, b"nonce 02", expected.len());
            let first = stream.next_key::<32>();
            assert_eq!(first[..], expected[..32]);
            let mut octets = vec![0; expected.len() - 32];
            octets.chunks_mut(step).for_each(|chunk| stream.apply(chunk));
            assert_eq!(octets, expected[32..], "{step}");
        }
    }

    #[test]
    fn the_number_of_a_block_has_64_bits() {
        let mut stream = KeyStream::new(&KEY, b"nonce 03", 2 * BATCH_OCTETS);
        stream.block = u64::from(u32::MAX) - 1;
        let batch = stream.next_batch();
        // The crate cannot begin there: the same block, computed in a batch that begins with it.
        for lane in 0..LANES as u64 {
            let mut single = KeyStream::new(&KEY, b"nonce 03", 2 * BATCH_OCTETS);
            single.block = u64::from(u32::MAX) - 1 + lane;
            let at = lane as usize * BLOCK_OCTETS;
            assert_eq!(batch[at..at + BLOCK_OCTETS], single.next_batch()[..BLOCK_OCTETS]);
        }
        assert_ne!(batch[..BLOCK_OCTETS], batch[2 * BLOCK_OCTETS..3 * BLOCK_OCTETS]);
        // And eight at a time.
        stream.block = u64::from(u32::MAX) - 1;
        let mut wide = [0; 2 * BATCH_OCTETS];
        let done = sys::combine_wide(&stream.state, stream.block, &mut wide);
        if done != 0 {
            assert_eq!((done, &wide[..BATCH_OCTETS]), (wide.len(), &batch[..]));
        }
    }
}
