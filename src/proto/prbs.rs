//! Frames of pseudo-random bits that prove a link: SURF's `SsiPrbsTx` and `SsiPrbsRx` are the same
//! in firmware.
//!
//! A frame is a sequence of little-endian words of a chosen width, a multiple of 32 bits:
//!
//! | word | content |
//! |---|---|
//! | 0 | sequence number, 32 bits; the rest zero |
//! | 1 | number of words minus one, 32 bits; the rest zero |
//! | 2… | payload: each word is one step of a shift register beyond the one before it; word 2 is one beyond word 0 |
//!
//! A step shifts the register left by one bit. The new lowest bit is the sum, modulo 2, of the old
//! bits at the taps. So a frame can be checked without any other. A counter payload holds in each
//! word its own index.

/// Widths of a word in bits: multiples of this number…
pub const WIDTH_UNIT_BITS: u32 = 32;
/// …up to this one.
pub const WIDTH_BITS_MAX: u32 = 512;
/// The width that firmware has by default.
pub const WIDTH_BITS_DEFAULT: u32 = 32;
/// The taps that firmware has by default, for every width.
pub const TAPS_DEFAULT: [u8; 4] = [1, 2, 6, 31];
/// Words of the shortest frame.
pub const FRAME_WORDS_MIN: usize = 3;

const UNITS_COUNT_MAX: usize = (WIDTH_BITS_MAX / WIDTH_UNIT_BITS) as usize;
const UNIT_BYTES: usize = (WIDTH_UNIT_BITS / 8) as usize;

/// What follows the two words of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload {
    /// The shift register's sequence.
    Random,
    /// The index of each word.
    Count,
    /// Zeros.
    None,
}

/// A shift register: its width and its taps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShiftRegister {
    /// Units of 32 bits in a word.
    units: usize,
    /// A 1 at each tap.
    mask: [u32; UNITS_COUNT_MAX],
}

/// The state of a register, lowest bits first.
type State = [u32; UNITS_COUNT_MAX];

impl ShiftRegister {
    /// A register of `width_bits` bits with taps at these bits. A tap listed twice cancels itself;
    /// one beyond the width has no effect. `None` for a width that is no multiple of 32, 0, or more
    /// than 512.
    pub fn new(width_bits: u32, taps: &[u8]) -> Option<ShiftRegister> {
        if width_bits == 0 || width_bits % WIDTH_UNIT_BITS != 0 || width_bits > WIDTH_BITS_MAX {
            return None;
        }
        let mut mask = [0; UNITS_COUNT_MAX];
        for tap in taps.iter().map(|tap| u32::from(*tap)).filter(|tap| *tap < width_bits) {
            mask[(tap / WIDTH_UNIT_BITS) as usize] ^= 1 << (tap % WIDTH_UNIT_BITS);
        }
        Some(ShiftRegister { units: (width_bits / WIDTH_UNIT_BITS) as usize, mask })
    }

    /// Size of a word.
    pub fn word_bytes(&self) -> usize {
        self.units * UNIT_BYTES
    }

    /// Whether a frame can have `size` bytes.
    pub fn fits(&self, size: usize) -> bool {
        size % self.word_bytes() == 0 && size >= FRAME_WORDS_MIN * self.word_bytes()
    }

    #[inline]
    fn step(&self, state: &mut State) {
        let (state, mask) = (&mut state[..self.units], &self.mask[..self.units]);
        let tapped = state.iter().zip(mask).fold(0, |sum, (state, mask)| sum ^ (state & mask));
        let mut carry = tapped.count_ones() & 1;
        for unit in state {
            let high = *unit >> (WIDTH_UNIT_BITS - 1);
            *unit = *unit << 1 | carry;
            carry = high;
        }
    }

    /// Fills a frame; its size must [fit](Self::fits).
    pub fn fill(&self, frame: &mut [u8], sequence: u32, payload: Payload) {
        if self.units == 1 && payload == Payload::Random {
            return self.fill_narrow(frame, sequence);
        }
        let word_bytes = self.word_bytes();
        let words = frame.len() / word_bytes;
        let mut state = [0; UNITS_COUNT_MAX];
        state[0] = sequence;
        for (index, word) in (0_u32..).zip(frame.chunks_exact_mut(word_bytes)) {
            match (index, payload) {
                (0, _) => self.put(&state, word),
                (1, _) => self.put_number(words as u32 - 1, word),
                (_, Payload::Random) => {
                    self.step(&mut state);
                    self.put(&state, word);
                }
                (_, Payload::Count) => self.put_number(index, word),
                (_, Payload::None) => word.fill(0),
            }
        }
    }

    /// [`fill`](Self::fill) for the usual width of 32 bits, for which the loops over the units of a
    /// word take several times as long as a step.
    fn fill_narrow(&self, frame: &mut [u8], sequence: u32) {
        let words_minus_one = (frame.len() / UNIT_BYTES) as u32 - 1;
        let mut state = sequence;
        let (header, payload) = frame.split_at_mut(2 * UNIT_BYTES);
        header[..UNIT_BYTES].copy_from_slice(&sequence.to_le_bytes());
        header[UNIT_BYTES..].copy_from_slice(&words_minus_one.to_le_bytes());
        for word in payload.chunks_exact_mut(UNIT_BYTES) {
            state = self.step_narrow(state);
            word.copy_from_slice(&state.to_le_bytes());
        }
    }

    #[inline]
    fn step_narrow(&self, state: u32) -> u32 {
        state << 1 | (state & self.mask[0]).count_ones() & 1
    }

    fn put(&self, state: &State, word: &mut [u8]) {
        for (bytes, unit) in word.chunks_exact_mut(UNIT_BYTES).zip(state) {
            bytes.copy_from_slice(&unit.to_le_bytes());
        }
    }

    fn put_number(&self, number: u32, word: &mut [u8]) {
        word.fill(0);
        word[..UNIT_BYTES].copy_from_slice(&number.to_le_bytes());
    }

    fn state_of(&self, word: &[u8]) -> State {
        let mut state = [0; UNITS_COUNT_MAX];
        for (unit, bytes) in state.iter_mut().zip(word.chunks_exact(UNIT_BYTES)) {
            *unit = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        state
    }

    /// The first word of the payload that is not what follows from word 0: its index, and its right
    /// value.
    fn first_wrong(&self, frame: &[u8]) -> Option<(usize, Vec<u8>)> {
        if self.units == 1 {
            return self.first_wrong_narrow(frame);
        }
        let word_bytes = self.word_bytes();
        let mut words = frame.chunks_exact(word_bytes);
        let mut state = self.state_of(words.next()?);
        for (index, word) in words.skip(1).enumerate() {
            self.step(&mut state);
            if self.state_of(word) != state {
                let mut expected = vec![0; word_bytes];
                self.put(&state, &mut expected);
                return Some((index, expected));
            }
        }
        None
    }

    /// [`first_wrong`](Self::first_wrong) for a width of 32 bits.
    fn first_wrong_narrow(&self, frame: &[u8]) -> Option<(usize, Vec<u8>)> {
        let number = |word: &[u8]| u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        let mut words = frame.chunks_exact(UNIT_BYTES).map(number);
        let mut state = words.next()?;
        for (index, word) in words.skip(1).enumerate() {
            state = self.step_narrow(state);
            if word != state {
                return Some((index, state.to_le_bytes().to_vec()));
            }
        }
        None
    }
}

/// What is wrong with a received frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FrameFault {
    /// The stream marked it as faulty.
    Marked(u8),
    /// No frame has that size.
    Size(usize),
    /// Its length or its sequence number is not the expected one.
    Header {
        /// Size in bytes by the length word.
        stated_bytes: u64,
        /// Size in bytes.
        frame_bytes: usize,
        /// The expected sequence number.
        expected: u32,
        /// The received sequence number.
        found: u32,
    },
    /// A word of the payload is wrong.
    Payload {
        /// Index of the word within the payload.
        index: usize,
        /// Number of words of the frame, minus one.
        words_minus_one: usize,
        /// The word.
        found: Vec<u8>,
        /// The right one.
        expected: Vec<u8>,
    },
}

impl FrameFault {
    /// The fault in words, as the reference has them; `count` is the number of good frames so far.
    pub fn text(&self, count: u32) -> String {
        match self {
            FrameFault::Marked(error) => format!("Frame error field is set: 0x{error:x}"),
            FrameFault::Size(size) => format!("Size violation size={size}, count={count}"),
            FrameFault::Header { stated_bytes, frame_bytes, expected, found } => format!(
                "Bad header. expSize={stated_bytes} gotSize={frame_bytes} expSeq={expected} \
                 gotSeq={found} nxtSeq={} count={count}",
                found.wrapping_add(1)
            ),
            FrameFault::Payload { index, words_minus_one, found, expected } => {
                let mut text =
                    format!("Bad value at index {index}. count={count}, size={words_minus_one}");
                for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                    text.push_str(&format!("\n   {index}:{at} Got=0x{found:x} Exp=0x{expected:x}"));
                }
                text
            }
        }
    }
}

/// Checks received frames in sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checker {
    /// The next frame's number; 0 = any.
    expected: u32,
}

impl Checker {
    /// Checks a frame that the stream marked with `error` (0 = good), and its payload only if
    /// `checks_payload`.
    ///
    /// Sequence number 0 is always taken, as that of a sender that has begun again. Of a frame with
    /// a possible size the next number is expected to be one more, whatever else is wrong with it,
    /// so that a gap is one fault.
    ///
    /// # Errors
    ///
    /// The first of: error, size, header, payload.
    pub fn check(
        &mut self,
        register: &ShiftRegister,
        frame: &[u8],
        error: u8,
        checks_payload: bool,
    ) -> Result<(), FrameFault> {
        if error != 0 {
            return Err(FrameFault::Marked(error));
        }
        let (frame_bytes, word_bytes) = (frame.len(), register.word_bytes());
        if !register.fits(frame_bytes) {
            return Err(FrameFault::Size(frame_bytes));
        }
        let found = register.state_of(&frame[..word_bytes])[0];
        let words_minus_one = register.state_of(&frame[word_bytes..2 * word_bytes])[0];
        // (The reference computes modulo 2^32, and takes some wrong lengths for right.)
        let stated_bytes = (u64::from(words_minus_one) + 1) * word_bytes as u64;
        let expected = std::mem::replace(&mut self.expected, found.wrapping_add(1));
        let is_in_sequence = found == expected || found == 0 || expected == 0;
        if stated_bytes != frame_bytes as u64 || !is_in_sequence {
            return Err(FrameFault::Header { stated_bytes, frame_bytes, expected, found });
        }
        match register.first_wrong(frame).filter(|_| checks_payload) {
            None => Ok(()),
            Some((index, expected)) => {
                let at = (index + 2) * word_bytes;
                let found = frame[at..at + word_bytes].to_vec();
                let words_minus_one = words_minus_one as usize;
                Err(FrameFault::Payload { index, words_minus_one, found, expected })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    /// One step from the definition, bit by bit.
    fn step_by_bits(state: &[u8], taps: &[u8]) -> Vec<u8> {
        let bit = |at: usize| state[at / 8] >> (at % 8) & 1;
        let feedback = taps.iter().fold(0, |sum, tap| sum ^ bit((*tap).into()));
        let next = |at: usize| if at == 0 { feedback } else { bit(at - 1) };
        let byte = |byte: usize| (0..8).fold(0, |sum, at| sum | next(byte * 8 + at) << at);
        (0..state.len()).map(byte).collect()
    }

    #[test]
    fn steps_of_every_width_are_those_of_the_definition() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for width in (32..=512).step_by(32) {
            let highest = (width - 1).min(255) as u8;
            let taps: Vec<u8> = (0..5).map(|_| rng.random_range(0..=highest)).collect();
            let register = ShiftRegister::new(width, &taps).unwrap();
            let mut frame = vec![0xEE; register.word_bytes() * 40];
            register.fill(&mut frame, rng.random(), Payload::Random);
            let words: Vec<_> = frame.chunks(register.word_bytes()).collect();
            let mut state = words[0].to_vec();
            for word in &words[2..] {
                state = step_by_bits(&state, &taps);
                assert_eq!(*word, state, "width {width}, taps {taps:?}");
            }
        }
    }

    #[test]
    fn impossible_widths_are_refused_and_taps_beyond_a_width_have_no_effect() {
        for width in [0, 1, 16, 33, 48, 544, u32::MAX] {
            assert_eq!(ShiftRegister::new(width, &[]), None, "{width}");
        }
        assert_eq!(ShiftRegister::new(32, &[1, 40, 255]), ShiftRegister::new(32, &[1]));
        assert_eq!(ShiftRegister::new(32, &[1, 5, 5]), ShiftRegister::new(32, &[1]));
    }

    #[test]
    fn every_flipped_bit_of_a_payload_is_noticed() {
        let register = ShiftRegister::new(64, &TAPS_DEFAULT).unwrap();
        let mut frame = vec![0; 64];
        register.fill(&mut frame, 0x1234, Payload::Random);
        for bit in 0..frame.len() * 8 {
            let mut changed = frame.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut checker = Checker::default();
            // The upper half of word 1 says nothing; the highest bit of word 0 is no tap, and leaves
            // the register with the first step.
            let is_free = bit == 63 || (64 + 32..128).contains(&bit);
            let judgement = checker.check(&register, &changed, 0, true);
            assert_eq!(judgement.is_ok(), is_free, "bit {bit}");
        }
    }

    #[test]
    fn no_frame_makes_a_check_panic() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        let mut checker = Checker::default();
        for _ in 0..20_000 {
            let register = ShiftRegister::new(rng.random_range(1..=16) * 32, &[3, 31]).unwrap();
            let size = rng.random_range(0..400);
            let frame: Vec<u8> = (0..size).map(|_| rng.random_range(0..3)).collect();
            if let Err(fault) = checker.check(&register, &frame, 0, true) {
                assert!(!fault.text(7).is_empty());
            }
        }
    }

    #[test]
    fn faults_have_the_texts_that_users_search_for() {
        let found = vec![1, 0xA, 0, 0];
        let payload =
            FrameFault::Payload { index: 2, words_minus_one: 7, found, expected: vec![1, 2, 0, 0] };
        let header =
            FrameFault::Header { stated_bytes: 16, frame_bytes: 32, expected: 5, found: 9 };
        for (fault, text) in [
            (FrameFault::Marked(0x80), "Frame error field is set: 0x80"),
            (FrameFault::Size(6), "Size violation size=6, count=3"),
            (header, "Bad header. expSize=16 gotSize=32 expSeq=5 gotSeq=9 nxtSeq=10 count=3"),
            (
                payload,
                "Bad value at index 2. count=3, size=7\n   2:0 Got=0x1 Exp=0x1\n   2:1 Got=0xa \
                 Exp=0x2\n   2:2 Got=0x0 Exp=0x0\n   2:3 Got=0x0 Exp=0x0",
            ),
        ] {
            assert_eq!(fault.text(3), text);
        }
    }
}
