//! What a block of Salsa20 is.

/// Octets of a block.
pub const BLOCK_OCTETS: usize = 64;
/// Words of the state, and of a block.
pub const WORDS: usize = 16;
/// Column rounds and row rounds, in pairs.
pub const DOUBLE_ROUNDS: usize = 10;
/// Where the number of the block is in the state, its lower half first.
pub const COUNTER: [usize; 2] = [8, 9];

/// All rounds of the core function on a state of vectors; `$quarter` is the macro of a quarter round. The words are variables, so that they stay in registers.
macro_rules! double_rounds {
    ($quarter:ident, $state:expr) => {{
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h, mut i, mut j, mut k, mut l, mut m, mut n, mut o, mut p] =
            $state;
        for _ in 0..DOUBLE_ROUNDS {
            $quarter!(a, e, i, m);
            $quarter!(f, j, n, b);
            $quarter!(k, o, c, g);
            $quarter!(p, d, h, l);
            $quarter!(a, b, c, d);
            $quarter!(f, g, h, e);
            $quarter!(k, l, i, j);
            $quarter!(p, m, n, o);
        }
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }};
}

pub(crate) use double_rounds;
