//! Typed registers: blocks and variables. The lines of `tests/vectors/block_*.jsonl` were recorded
//! from Rogue; where a line is marked with a defect, the better rule is expected instead.

mod better;
mod brief;
mod bulk;
mod defects;
mod geometry;
mod models;
mod oracle;
mod property;
mod python;
mod retries;
mod support;
mod threads;
mod traces;
mod transfers;
mod watches;
