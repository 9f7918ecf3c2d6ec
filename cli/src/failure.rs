//! What can go wrong, with the exit codes.

use std::io;
use std::path::Path;

use rogue_mem::{Error, Status};

use crate::output::error_line;

/// The outcome of a command.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What has failed: each kind has its exit code; the texts are in [`CODES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nobody reads the output any more, which is no failure.
    Unread = 0,
    /// The access: the device, or what lies before it, has answered with an error, or not in time.
    Access = 1,
    /// The command line cannot be carried out.
    Usage = 2,
    /// There is no connection to the server, or it could not be opened.
    Unreachable = 3,
    /// What was read back differs from what was written.
    Differs = 4,
    /// A file of this machine could not be read or written.
    File = 5,
    /// A signal has ended the command before its end.
    Interrupted = 130,
}

/// Why a command has failed.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    text: String,
}

/// The exit codes, for `--help`.
pub const CODES: &str = "\
Exit codes:
  0    done
  1    the access failed: the device or a hub before it has answered with an error, or not in time
  2    the command line, or the file of options of `serve`, is wrong
  3    no connection to the server; with `serve`, the server or its device could not be opened
  4    what was read back differs from what was written
  5    a file of this machine could not be read or written
  130  ended by Ctrl-C or another signal before its end";

impl Failure {
    /// A failure of a kind, with its text.
    pub fn new(kind: Kind, text: impl Into<String>) -> Failure {
        Failure { kind, text: text.into() }
    }

    /// An error of the library, as a failure of a kind.
    pub fn of(kind: Kind) -> impl Fn(Error) -> Failure {
        move |error| Failure::new(kind, error.text())
    }

    /// A file that could not be read or written.
    pub fn of_file(path: &Path, what: &str, error: &io::Error) -> Failure {
        Failure::new(Kind::File, format!("{}: {what}: {error}", path.display()))
    }

    /// The failure with what can be done at the end of its text.
    pub fn with_remedy(self, remedy: &str) -> Failure {
        Failure { text: self.text + remedy, ..self }
    }

    /// What has gone wrong.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.kind as u8
    }

    /// Says on standard error what has gone wrong, as text or as a line of JSON.
    pub fn tell(&self, as_json: bool) {
        let Failure { kind, text } = self;
        match as_json {
            _ if *kind == Kind::Unread => {}
            true => error_line(serde_json::json!({ "error": text, "code": self.code() })),
            false => error_line(format_args!("rogue-mem: {text}")),
        }
    }
}

/// An error of an access.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error.status() {
            Status::InvalidArgument => Failure::new(Kind::Usage, error.text()),
            _ => Failure::new(Kind::Access, error.text()),
        }
    }
}
