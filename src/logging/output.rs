//! Lines for standard output.

use std::io::{self, Write};

use super::Record;

/// `1700000000.000123:pyrogue.memory.Emulate: text`.
pub(super) fn line(record: &Record<'_>) -> String {
    let Record { name, time, text, .. } = record;
    let (seconds, microseconds) = (time.as_secs(), time.subsec_micros());
    format!("{seconds}.{microseconds:06}:{name}: {text}\n")
}

/// Writes the line in one piece, as far as `out` takes it so.
pub(super) fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    out.write_all(line.as_bytes())
}
