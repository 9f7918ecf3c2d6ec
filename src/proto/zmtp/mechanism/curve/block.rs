//! What a block of Salsa20 is.

/// Octets of a block.
pub const BLOCK_OCTETS: usize = 64;
/// Words of the state, and of a block.
pub const WORDS: usize = 16;
/// Column rounds and row rounds, in pairs.
pub const DOUBLE_ROUNDS: usize = 10;
/// Where the number of the block is in the state, its lower half first.
pub const COUNTER: [usize; 2] = [8, 9];
