//! Poly1305: one implementation for short texts, and on processors with AVX2 another one for long
//! texts, which is twice as fast there, but needs a microsecond before it begins.

use cryptoxide::poly1305::{Poly1305, Tag};

#[cfg(target_arch = "x86_64")]
use super::sys;

/// Octets of a tag.
pub const TAG_OCTETS: usize = 16;
/// Octets of a block.
pub const BLOCK_OCTETS: usize = 16;
/// A text of as many octets is long: from about 5500 on the other implementation is faster.
#[cfg(any(test, target_arch = "x86_64"))]
const LONG_OCTETS: usize = 6000;

/// The authentication of one text.
pub enum Authenticator {
    Short(Poly1305),
    #[cfg(target_arch = "x86_64")]
    Long(Box<poly1305::Poly1305>),
}

impl Authenticator {
    /// For a text of that many octets. The key is for this text alone.
    pub fn new(key: &[u8; 32], len: usize) -> Authenticator {
        #[cfg(target_arch = "x86_64")]
        if len >= LONG_OCTETS && sys::has_avx2() {
            use poly1305::universal_hash::KeyInit;
            return Authenticator::Long(Box::new(poly1305::Poly1305::new(key.into())));
        }
        let _ = len;
        Authenticator::Short(Poly1305::new(key))
    }

    /// Takes the next octets: whole blocks.
    pub fn update(&mut self, octets: &[u8]) {
        debug_assert_eq!(octets.len() % BLOCK_OCTETS, 0);
        match self {
            Authenticator::Short(state) => state.update_mut(octets),
            #[cfg(target_arch = "x86_64")]
            Authenticator::Long(state) => {
                use poly1305::universal_hash::UniversalHash;
                state.update(poly1305::Block::slice_as_chunks(octets).0);
            }
        }
    }

    /// Takes the last octets, of which any number may be left. Tags are compared in the same time
    /// wherever they differ.
    pub fn finish(mut self, octets: &[u8]) -> Tag {
        let (whole, rest) = octets.split_at(octets.len() / BLOCK_OCTETS * BLOCK_OCTETS);
        self.update(whole);
        match self {
            Authenticator::Short(mut state) => {
                state.update_mut(rest);
                state.finalize()
            }
            #[cfg(target_arch = "x86_64")]
            Authenticator::Long(state) => Tag((*state).compute_unpadded(rest).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_implementations_give_the_same_tag_at_every_length() {
        let key: [u8; 32] = std::array::from_fn(|at| (at * 37 + 5) as u8);
        let text: Vec<u8> = (0..1200_usize).map(|at| (at * 31 + at / 7) as u8).collect();
        for len in (0..600).chain([1023, 1024, 1025, 1200]) {
            let tag = |announced: usize, step: usize| {
                let mut state = Authenticator::new(&key, announced);
                let (mut rest, step) = (&text[..len], step * BLOCK_OCTETS);
                while rest.len() > step {
                    state.update(&rest[..step]);
                    rest = &rest[step..];
                }
                state.finish(rest)
            };
            let expected = tag(0, 1000);
            for step in [1, 2, 5, 16, 1000] {
                assert!(
                    tag(LONG_OCTETS, step) == expected,
                    "{len} octets, {step} blocks at a time"
                );
            }
        }
    }
}
