//! Standard output, and the library's messages.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use rogue_mem::logging::{self, Level, LogSink, Record};

use crate::failure::{Failure, Kind, Outcome};

/// Writes to standard output.
pub fn write(bytes: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Kind::Unread, ""),
        _ => Failure::new(Kind::File, format!("Standard output: {error}")),
    })
}

/// Writes a line to standard output.
pub fn line(text: impl Display) -> Outcome {
    write(format!("{text}\n").as_bytes())
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

struct Stderr;

impl LogSink for Stderr {
    fn accept(&self, record: &Record<'_>) {
        // Nothing is left to do where standard error is closed.
        let _ = writeln!(io::stderr().lock(), "{}: {}", record.name, record.text);
    }
}

/// The library writes its messages to standard output by default, which belongs to the results.
pub fn send_log_to_stderr(level: Level) {
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(Stderr)));
    logging::set_level(level);
}
