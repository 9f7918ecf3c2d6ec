//! The rules of the house, as tests: who may import what, where `unsafe` and the clock may be, how
//! long things may be, and that what is written in prose is true.
//!
//! A rule reports every offence with its file and line, not only the first.

mod circles;
mod crate_files;
mod dependencies;
mod files;
mod prose;
mod rooms;
mod sizes;
mod source;
mod words;

/// Fails with the whole list, and with the rule that it offends.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}
