//! What a record says.

use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::memory::TransactionType;

/// The origin of errors.
pub(super) const SOURCE: &str = "security::Audit";

/// Bytes of a failure's text that are recorded.
pub(super) const TEXT_BYTES_MAX: usize = 1024;

/// Options of an audit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditOptions {
    /// Octets of the data of an access that are recorded, from its beginning.
    pub data_bytes_max: u32,
    /// Whether reads are recorded too.
    pub reads: bool,
    /// Records that wait for the thread, at most. Memory for twice as many is set aside.
    pub records_max: usize,
    /// Bytes of the data and texts of these, at most. Memory for twice as many is set aside.
    pub queue_bytes_max: usize,
    /// Bytes of a file after which the next one begins.
    pub file_bytes_max: u64,
    /// Number of files that are kept, the present one included.
    pub files_max: u32,
    /// Permissions of a new file, which the process's umask may reduce.
    pub file_mode: u32,
}

impl Default for AuditOptions {
    fn default() -> AuditOptions {
        AuditOptions {
            data_bytes_max: 64,
            reads: false,
            records_max: 8192,
            queue_bytes_max: 1 << 20,
            file_bytes_max: 64 << 20,
            files_max: 8,
            file_mode: 0o600,
        }
    }
}

impl AuditOptions {
    /// Fails if an option is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        let bytes_min = (self.data_bytes_max as usize).saturating_add(TEXT_BYTES_MAX);
        if self.queue_bytes_max < bytes_min || self.records_max == 0 {
            let text = format!(
                "The queue of an audit has to have room for one record, with {bytes_min} bytes: raise \
                 queue_bytes_max, or lower data_bytes_max"
            );
            return Err(Error::new(Status::InvalidArgument, SOURCE, text));
        }
        if self.files_max == 0 || self.file_mode > 0o777 {
            let text = "files_max is at least 1, and file_mode at most 0777";
            return Err(Error::new(Status::InvalidArgument, SOURCE, text));
        }
        Ok(())
    }
}

/// A client of a server with an audit.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AuditClient {
    /// The server's first address.
    pub server: String,
    /// The remote end of the connection of its requests: `192.0.2.1:40123`, `user 1000 (process 4711)`.
    pub address: String,
    /// The client's number, counted from the start of the server.
    pub number: u64,
    /// The text form of the public key that it has proved to have; `None` without CURVE.
    pub key: Option<String>,
    /// Its user, by a Unix-domain connection.
    pub uid: Option<u32>,
    /// Its process, by a Unix-domain connection, if it is visible.
    pub pid: Option<u32>,
}

/// How an access has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuditResult {
    /// The slave has carried it out.
    Ok,
    /// The slave has failed it, or has not ended it in time: it may have been carried out.
    Error,
    /// The server has refused it: it has not reached the slave.
    Refused,
    /// Its time had passed when its turn came: it has not reached the slave.
    Late,
    /// The server was stopped before the slave had ended it: it may have been carried out.
    Abandoned,
}

impl AuditResult {
    /// All of them.
    pub const ALL: [AuditResult; 5] = [
        AuditResult::Ok,
        AuditResult::Error,
        AuditResult::Refused,
        AuditResult::Late,
        AuditResult::Abandoned,
    ];

    /// Its name in files: `ok`, `error`, `refused`, `late` or `abandoned`.
    pub fn name(self) -> &'static str {
        match self {
            AuditResult::Ok => "ok",
            AuditResult::Error => "error",
            AuditResult::Refused => "refused",
            AuditResult::Late => "late",
            AuditResult::Abandoned => "abandoned",
        }
    }
}

/// An access that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditRecord<'a> {
    /// When it ended, since 1970 (UTC) by the wall clock.
    pub time: Duration,
    /// From the moment when the server had read all of it to its end.
    pub latency: Duration,
    /// The client that asked.
    pub client: &'a AuditClient,
    /// The type of the transaction: of a refused one whatever the client asked for.
    pub ty: TransactionType,
    /// The address of the first byte.
    pub address: u64,
    /// Bytes of the access.
    pub size: u32,
    /// The first bytes of what the client sent to be written, or of what was read. Empty where the
    /// server has not kept it: what is too large or malformed, and what a failed read gave.
    pub data: &'a [u8],
    /// How it ended.
    pub result: AuditResult,
    /// The status of a failure.
    pub status: Status,
    /// What the client was told of a failure; the first 1024 bytes.
    pub text: &'a str,
    /// Whether the client was there to be answered.
    pub is_answered: bool,
}

/// Takes the records of an [`Audit`](super::Audit), on its thread, one call at a time and with no lock held. It may
/// block: only records wait, up to the limits of the options. A panic is logged, and goes no further.
pub trait AuditSink: Send {
    /// Takes a record.
    fn record(&mut self, record: &AuditRecord<'_>);

    /// `count` records are missing between those before and those after this call, because there was no
    /// room for them.
    fn lost(&mut self, count: u64) {
        let _ = count;
    }
}

/// Counters of an audit. `records` is the sum of `delivered`, `lost` and those that are queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct AuditStats {
    /// Accesses of which a record was due.
    pub records: u64,
    /// Records that the sink has got, or that are in a file.
    pub delivered: u64,
    /// Records lost: the queue was full, or the file could not be written.
    pub lost: u64,
    /// Records that wait for the thread now.
    pub queued: u64,
    /// Attempts to write the file that have failed.
    pub write_errors: u64,
    /// Bytes written to files.
    pub bytes_written: u64,
    /// Files begun after the first one.
    pub files_rotated: u64,
}
