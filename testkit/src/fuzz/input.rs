//! Bytes as a source of choices, and streams that are cut in every way.

use std::fmt::Debug;

/// The rest of the input of a target. Beyond its end everything is 0.
#[derive(Clone, Debug)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most `count` of the next bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn number<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.take(N);
        std::array::from_fn(|at| taken.get(at).copied().unwrap_or(0))
    }

    /// The next byte.
    pub fn u8(&mut self) -> u8 {
        self.number::<1>()[0]
    }

    /// The next two bytes, little-endian.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.number())
    }

    /// The next four bytes, little-endian.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.number())
    }

    /// The next eight bytes, little-endian.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.number())
    }

    /// A byte's choice among `count` things, at most 256.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.u8()) % count
    }

    /// A length byte, and that many bytes.
    pub fn chunk(&mut self) -> &'a [u8] {
        let count = self.u8();
        self.take(count.into())
    }
}

/// One way to cut a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Byte by byte.
    Bytes,
    /// Into pieces whose lengths depend on all bytes; the reader may take part of a payload past the
    /// decoder, where the decoder allows it.
    Mixed,
}

/// The pieces of a stream, in their order.
pub struct Pieces<'a> {
    rest: &'a [u8],
    cut: Cut,
    state: u64,
}

impl<'a> Pieces<'a> {
    fn new(stream: &'a [u8], cut: Cut) -> Pieces<'a> {
        let state = match cut {
            Cut::Mixed => stream.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            }),
            _ => 0,
        };
        Pieces { rest: stream, cut, state }
    }

    /// The stream in pieces of any lengths.
    pub fn mixed(stream: &'a [u8]) -> Pieces<'a> {
        Pieces::new(stream, Cut::Mixed)
    }

    /// How it is cut.
    pub fn cut(&self) -> Cut {
        self.cut
    }

    /// A number that depends on the stream, and is another one each time.
    pub fn next_random(&mut self) -> u64 {
        // Knuth's linear congruential generator; the upper bits are the good ones.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let count = match self.cut {
            Cut::Whole => self.rest.len(),
            Cut::Bytes => 1,
            Cut::Mixed => {
                let random = self.next_random() as usize;
                1 + (random >> 2) % [3, 12, 40, 400][random & 3]
            }
        };
        let (piece, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

/// The longest stream that is decoded byte by byte: it costs more than all the rest.
const BYTEWISE_BYTES_MAX: usize = 96;

/// Decodes `stream` uncut, and then byte by byte or in pieces of any lengths; which of them depends on
/// the bytes. Panics if these differ; returns the result.
pub fn same_for_every_split<T: PartialEq + Debug>(
    stream: &[u8],
    decode: impl Fn(Pieces<'_>) -> T,
) -> T {
    let whole = decode(Pieces::new(stream, Cut::Whole));
    let mixed = Pieces::mixed(stream);
    let is_bytewise = stream.len() <= BYTEWISE_BYTES_MAX && mixed.state >> 40 & 3 == 0;
    let cut = if is_bytewise { Pieces::new(stream, Cut::Bytes) } else { mixed };
    let split = decode(cut);
    assert_eq!(split, whole, "the stream decodes differently if it is cut");
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_has_all_bytes_in_their_order() {
        let stream: Vec<u8> = (0..=255).collect();
        for cut in [Cut::Whole, Cut::Bytes, Cut::Mixed] {
            assert_eq!(Pieces::new(&stream, cut).collect::<Vec<_>>().concat(), stream);
        }
        let counts = [Cut::Whole, Cut::Bytes].map(|cut| Pieces::new(&stream, cut).count());
        assert_eq!(counts, [1, 256]);
        assert!((2..256).contains(&Pieces::new(&stream, Cut::Mixed).count()));
    }

    #[test]
    #[should_panic = "decodes differently"]
    fn a_decoder_that_depends_on_the_cut_is_found() {
        same_for_every_split(&[7; 500], |pieces| pieces.map(<[u8]>::len).max());
    }

    #[test]
    fn beyond_its_end_an_input_is_zero() {
        let mut input = Input(&[1, 2, 3]);
        assert_eq!((input.u16(), input.u16(), input.u64()), (0x0201, 3, 0));
        assert_eq!(Input(&[2, 7, 8, 9]).chunk(), [7, 8]);
        assert_eq!(Input(&[9, 7]).chunk(), [7]);
    }
}
