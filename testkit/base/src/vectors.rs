//! Octets captured from real peers: the files of `tests/vectors/`, one JSON object a line.

use std::path::Path;

/// The lines of `tests/vectors/<capture>.jsonl`.
#[track_caller]
pub fn lines(capture: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let path = folder.join(capture).with_extension("jsonl");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

/// The octets that `text` spells in hexadecimal digits.
#[track_caller]
pub fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len() % 2 == 0, "an odd number of digits: {text}");
    let octet = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(octet).collect()
}
