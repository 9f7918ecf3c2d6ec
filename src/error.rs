//! Status codes with their names and texts, from one table, and the error type that carries them.
//!
//! The numbers are part of the ABI: they are never changed. A retired number stays here as a
//! comment so that it is not reused.

use std::any::Any;
use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::mem;
use std::panic::{catch_unwind, AssertUnwindSafe};

macro_rules! status_table {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $c_name:literal, $text:literal;)*) => {
        /// The outcome of a call. `0` is success; the values never change.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum Status {
            $($(#[$doc])* $name = $value,)*
        }

        impl Status {
            /// Every status, in numeric order.
            pub const ALL: &'static [Status] = &[$(Status::$name,)*];

            /// The status with this number, if there is one.
            pub fn from_code(code: i32) -> Option<Status> {
                match code { $($value => Some(Status::$name),)* _ => None }
            }

            /// One constant sentence for this status, without details of the occurrence.
            pub fn text(self) -> &'static str {
                without_nul(self.c_text())
            }

            /// The name of this status in C, for example `ROGUE_MEM_ERROR_TIMEOUT`.
            pub fn name(self) -> &'static str {
                without_nul(self.c_name())
            }

            /// [`text`](Self::text) as a C string.
            pub(crate) fn c_text(self) -> &'static CStr {
                match self { $(Status::$name => c_literal(concat!($text, "\0")),)* }
            }

            /// [`name`](Self::name) as a C string.
            pub(crate) fn c_name(self) -> &'static CStr {
                match self {
                    $(Status::$name => c_literal(concat!("ROGUE_MEM_", $c_name, "\0")),)*
                }
            }
        }
    };
}

status_table! {
    /// Success.
    Ok = 0, "OK", "success";
    // 1..=99: the call itself.
    /// A pointer argument that must not be null was null.
    NullArgument = 1, "ERROR_NULL_ARGUMENT", "a required pointer argument is null";
    /// An argument is out of its range or malformed.
    InvalidArgument = 2, "ERROR_INVALID_ARGUMENT", "an argument is out of range or malformed";
    /// A text argument is not valid UTF-8.
    InvalidText = 3, "ERROR_INVALID_TEXT", "a text argument is not valid UTF-8";
    /// The operating system refused memory, a thread or a descriptor.
    OutOfResources = 4, "ERROR_OUT_OF_RESOURCES",
        "the system refused memory, a thread or a descriptor";
    /// A fault of the library; please report it.
    Internal = 5, "ERROR_INTERNAL", "internal error of the library";
    /// The object has been stopped.
    Stopped = 6, "ERROR_STOPPED", "the object has been stopped";
    /// A wait ended before the awaited event.
    Timeout = 7, "ERROR_TIMEOUT", "timed out";
    /// The transaction has been given up: its data must not be touched any more.
    InvalidData = 8, "ERROR_INVALID_DATA", "the transaction's data is no longer available";
    /// No object has that id.
    NotFound = 9, "ERROR_NOT_FOUND", "no such object";
    /// The program has given a wait up.
    Interrupted = 10, "ERROR_INTERRUPTED", "the program has given the wait up";
    // 100..=199: transactions.
    /// The transaction completed with an error; the text is the slave's.
    Transaction = 100, "ERROR_TRANSACTION", "the transaction failed";
    /// The transaction was not completed within its timeout.
    TransactionTimeout = 101, "ERROR_TRANSACTION_TIMEOUT", "the transaction timed out";
    /// A verify found other bits than those that were written.
    Verify = 102, "ERROR_VERIFY", "what was read back differs from what was written";
    // 200..=299: the network.
    /// A listening socket could not be opened.
    Bind = 200, "ERROR_BIND", "a port could not be bound";
    /// A host or interface name could not be resolved.
    Resolve = 201, "ERROR_RESOLVE", "a name could not be resolved";
    /// A connection could not be made.
    Connect = 202, "ERROR_CONNECT", "a connection could not be made";
    // 300..=399: streams and SRP.
    /// A frame is too small, too large or otherwise unusable.
    Frame = 300, "ERROR_FRAME", "a frame is unusable";
    // 400..=499: files.
    /// A file could not be opened, read or written; the text has the system's reason.
    File = 400, "ERROR_FILE", "a file could not be opened, read or written";
}

/// A literal of the table above: it ends in NUL and contains no other.
fn c_literal(text: &'static str) -> &'static CStr {
    CStr::from_bytes_with_nul(text.as_bytes()).expect("the table appends the only NUL")
}

fn without_nul(text: &'static CStr) -> &'static str {
    text.to_str().expect("the table is written in UTF-8")
}

/// An error with its origin and its text, as Rogue's `GeneralError` carries them.
///
/// `Display` gives Rogue's form, `<source>: General Error: <text>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    status: Status,
    source: Cow<'static, str>,
    text: Cow<'static, str>,
}

impl Error {
    /// An error raised by `source` (Rogue's form, for example `memory::TcpServer::TcpServer`).
    pub fn new(
        status: Status,
        source: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Error::made(status, source.into(), text.into())
    }

    // Cold, so that the compiler keeps the texts of errors away from what it makes fast, and small.
    #[cold]
    #[inline(never)]
    fn made(status: Status, source: Cow<'static, str>, text: Cow<'static, str>) -> Self {
        Error { status, source, text }
    }

    /// The status code of this error; never [`Status::Ok`].
    pub fn status(&self) -> Status {
        self.status
    }

    /// Where the error was raised.
    pub fn origin(&self) -> &str {
        &self.source
    }

    /// The description of the error.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: General Error: {}", self.source, self.text)
    }
}

impl std::error::Error for Error {}

/// Calls `body`; its panic ends here, with its text as the error.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(text_of)
}

/// The text of a panic that was caught. One for all bodies: there are hundreds of them.
#[cold]
#[inline(never)]
fn text_of(payload: Box<dyn Any + Send>) -> String {
    let text = panic_text(&*payload).to_owned();
    // The destructor of a value of an unknown type could panic again.
    mem::forget(payload);
    text
}

/// The text of a caught panic.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_code_and_has_a_text_of_its_own() {
        let mut texts = std::collections::HashSet::new();
        for &status in Status::ALL {
            assert_eq!(Status::from_code(status as i32), Some(status));
            assert!(texts.insert(status.text()), "{status:?} repeats a text");
            assert!(texts.insert(status.name()), "{status:?} repeats a name");
        }
        assert_eq!(Status::from_code(-1), None);
    }

    #[test]
    fn a_name_in_c_is_the_rust_name_with_words_parted() {
        for &status in Status::ALL {
            let mut expected = String::from("ROGUE_MEM");
            if status != Status::Ok {
                expected.push_str("_ERROR");
            }
            for letter in format!("{status:?}").chars() {
                if letter.is_ascii_uppercase() {
                    expected.push('_');
                }
                expected.push(letter.to_ascii_uppercase());
            }
            assert_eq!(status.name(), expected);
        }
    }

    #[test]
    fn error_prints_in_the_form_of_a_general_error() {
        let error = Error::new(Status::Bind, "memory::TcpServer::TcpServer", "no");
        assert_eq!(error.to_string(), "memory::TcpServer::TcpServer: General Error: no");
    }
}
