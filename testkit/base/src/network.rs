//! A network in virtual time, without sockets: octets travel in order and without loss, as TCP
//! delivers them, but cut anywhere and delayed by any time.
//!
//! The seed of the generator decides all of it, so that a failing run can be repeated.

use std::collections::VecDeque;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Longest delay of a piece, in ticks of virtual time.
pub const DELAY_TICKS_MAX: u64 = 40;
/// Longest pieces, in octets; each write is cut according to one of them.
const PIECE_OCTETS_MAX: [usize; 4] = [3, 20, 300, 100_000];

/// One direction of a TCP connection.
#[derive(Default)]
pub struct Pipe {
    /// Pieces under way with the tick of their arrival, which never decreases.
    pieces: VecDeque<(u64, Vec<u8>)>,
    octets_written: u64,
}

impl Pipe {
    /// Sends `octets` at the tick `now`.
    pub fn write(&mut self, now: u64, octets: &[u8], rng: &mut ChaCha8Rng) {
        self.octets_written += octets.len() as u64;
        let mut arrival = self.pieces.back().map_or(now, |piece| piece.0);
        let longest = PIECE_OCTETS_MAX[rng.random_range(0..PIECE_OCTETS_MAX.len())];
        for piece in cut(octets, longest, rng) {
            arrival = arrival.max(now + rng.random_range(0..DELAY_TICKS_MAX));
            self.pieces.push_back((arrival, piece.to_vec()));
        }
    }

    /// The next piece that has arrived by the tick `now`.
    pub fn read(&mut self, now: u64) -> Option<Vec<u8>> {
        if self.pieces.front()?.0 > now {
            return None;
        }
        self.pieces.pop_front().map(|piece| piece.1)
    }

    /// Octets written so far, whether or not they have arrived.
    pub fn octets_written(&self) -> u64 {
        self.octets_written
    }
}

/// `octets` in pieces of random lengths, of at most `longest` octets each.
pub fn cut<'a>(octets: &'a [u8], longest: usize, rng: &mut ChaCha8Rng) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.random_range(1..=longest.min(rest.len())));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
