//! Why a request is refused before it reaches the slave.

use std::sync::atomic::AtomicU64;

/// The kinds of reasons, each with a counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// No such access is possible: its type or its address.
    Access,
    /// It is larger than the server allows.
    Size,
    /// It is a write, and the client may read only.
    Writes,
    /// The client may not do that at these addresses.
    Windows,
    /// Its time had passed when its turn came.
    Late,
    /// The system has no memory for it.
    Memory,
    /// Its data does not match its header.
    Malformed,
    /// The server drains.
    Draining,
}

/// A reason in words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    pub(super) text: String,
}

impl Cause {
    /// A refusal for this cause.
    pub(super) fn with(self, text: String) -> Refusal {
        Refusal { cause: self, text }
    }
}

/// Number of refusals for each cause.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) access: AtomicU64,
    pub(super) size: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) windows: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) memory: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) draining: AtomicU64,
}

impl Refusals {
    /// The counter of a cause.
    pub(super) fn of(&self, cause: Cause) -> &AtomicU64 {
        match cause {
            Cause::Access => &self.access,
            Cause::Size => &self.size,
            Cause::Writes => &self.writes,
            Cause::Windows => &self.windows,
            Cause::Late => &self.late,
            Cause::Memory => &self.memory,
            Cause::Malformed => &self.malformed,
            Cause::Draining => &self.draining,
        }
    }
}
