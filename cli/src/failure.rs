//! What can go wrong, with the exit codes.

use std::fmt;
use std::io;
use std::path::Path;

use rogue_mem::{Error, Status};

/// The outcome of a command.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command has failed. Each kind has its exit code; the texts are in [`CODES`].
#[derive(Debug)]
pub enum Failure {
    /// The access failed: the device, or what lies before it, has answered with an error, or not in
    /// time.
    Access(String),
    /// The command line cannot be carried out.
    Usage(String),
    /// There is no connection to the server, or it could not be opened.
    Unreachable(String),
    /// What was read back differs from what was written.
    Differs(String),
    /// A file of this machine could not be read or written.
    File(String),
    /// A signal has ended the command before its end.
    Interrupted(String),
    /// Nobody reads the output any more.
    Unread,
}

/// The exit code of a command that a signal has ended.
pub const INTERRUPTED_CODE: u8 = 130;

/// The exit codes, for `--help`.
pub const CODES: &str = "\
Exit codes:
  0    done
  1    the access failed: the device or a hub before it has answered with an error, or not in time
  2    the command line is wrong
  3    no connection to the server; with `serve`, the server or its device could not be opened
  4    what was read back differs from what was written
  5    a file of this machine could not be read or written
  130  ended by Ctrl-C or another signal before its end";

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Unread => 0,
            Failure::Access(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Unreachable(_) => 3,
            Failure::Differs(_) => 4,
            Failure::File(_) => 5,
            Failure::Interrupted(_) => INTERRUPTED_CODE,
        }
    }

    /// The failure with what can be done at the end of its text.
    pub fn with_remedy(self, remedy: &str) -> Failure {
        let add = |text: String| text + remedy;
        match self {
            Failure::Access(text) => Failure::Access(add(text)),
            Failure::Usage(text) => Failure::Usage(add(text)),
            Failure::Unreachable(text) => Failure::Unreachable(add(text)),
            Failure::Differs(text) => Failure::Differs(add(text)),
            Failure::File(text) => Failure::File(add(text)),
            Failure::Interrupted(text) => Failure::Interrupted(add(text)),
            Failure::Unread => Failure::Unread,
        }
    }

    /// A file that could not be read or written.
    pub fn of_file(path: &Path, what: &str, error: &io::Error) -> Failure {
        Failure::File(format!("{}: {what}: {error}", path.display()))
    }

    /// Says on standard error what has gone wrong, as text or as a line of JSON.
    pub fn tell(&self, as_json: bool) {
        if matches!(self, Failure::Unread) {
            return;
        }
        if as_json {
            let line = serde_json::json!({ "error": self.to_string(), "code": self.code() });
            eprintln!("{line}");
        } else {
            eprintln!("rogue-mem: {self}");
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Access(text)
            | Failure::Usage(text)
            | Failure::Unreachable(text)
            | Failure::Differs(text)
            | Failure::File(text)
            | Failure::Interrupted(text) => f.write_str(text),
            Failure::Unread => f.write_str("nobody reads the output"),
        }
    }
}

/// An error of an access.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error.status() {
            Status::InvalidArgument => Failure::Usage(error.text().to_owned()),
            _ => Failure::Access(error.text().to_owned()),
        }
    }
}
