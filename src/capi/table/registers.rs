//! Typed registers: variables and blocks.

use super::{Object, PLAIN};

pub const VARIABLE: Object = Object {
    name: "variable",
    rust: "crate::memory::block::Variable",
    is: "A named field of a block of registers: where its bits are, and what they mean.",
    argument: ("variable", "the variable"),
    release: "Its block keeps it alive.",
    ..PLAIN
};

pub const BLOCK: Object = Object {
    name: "block",
    rust: "crate::memory::block::Block",
    is: "The registers of a contiguous region: their staged bytes, and the transactions that move \
         them.",
    argument: ("block", "the block"),
    release: "Release of the last reference gives up its pending transaction; its variables then \
              have no block.",
    ..PLAIN
};
