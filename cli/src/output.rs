//! Standard output, and the library's messages.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use indicatif::{ProgressBar, ProgressStyle};
use rogue_mem::logging::{self, Level, LogSink, Record};

use crate::failure::{Failure, Kind, Outcome};

/// The last line of the terminal, which other lines go above.
static STATUS_LINE: OnceLock<ProgressBar> = OnceLock::new();

/// A line on standard error that renews, hidden if that is no terminal. There is one for the process.
pub fn status_line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("a template of this program");
    STATUS_LINE.get_or_init(|| ProgressBar::no_length().with_style(style)).clone()
}

/// Takes the status line off the terminal for good.
pub fn end_status_line() {
    if let Some(line) = STATUS_LINE.get() {
        line.finish_and_clear();
    }
}

/// Runs `write` while the status line is off the terminal.
fn above_status_line<T>(write: impl FnOnce() -> T) -> T {
    match STATUS_LINE.get() {
        Some(line) => line.suspend(write),
        None => write(),
    }
}

/// Writes to standard output.
pub fn write(bytes: &[u8]) -> Outcome {
    let written = above_status_line(|| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Kind::Unread, ""),
        _ => Failure::new(Kind::File, format!("Standard output: {error}")),
    })
}

/// Writes a line to standard output.
pub fn line(text: impl Display) -> Outcome {
    write(format!("{text}\n").as_bytes())
}

/// Writes a line to standard error. Where that is closed nothing is left to do.
pub fn error_line(text: impl Display) {
    above_status_line(|| {
        let _ = writeln!(io::stderr().lock(), "{text}");
    });
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

struct Stderr;

impl LogSink for Stderr {
    fn accept(&self, record: &Record<'_>) {
        error_line(format_args!("{}: {}", record.name, record.text));
    }
}

/// The library writes its messages to standard output by default, which belongs to the results.
pub fn send_log_to_stderr(level: Level) {
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(Stderr)));
    logging::set_level(level);
}
