//! What a peer may do.

use std::fmt;

use super::windows::Windows;

/// What a peer may do: the addresses that it may read, and those that it may write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rights {
    reads: Windows,
    /// A part of the former.
    writes: Windows,
}

impl Rights {
    /// Nothing: such a peer is not let in.
    pub fn none() -> Rights {
        Rights { reads: Windows::default(), writes: Windows::default() }
    }

    /// To read and write everything.
    pub fn all() -> Rights {
        Rights { reads: Windows::all(), writes: Windows::all() }
    }

    /// To read some addresses, and to read and write others.
    pub(super) fn of(only_reads: &Windows, writes: Windows) -> Rights {
        Rights { reads: only_reads.union(&writes), writes }
    }

    /// The same without writes.
    pub fn to_read(self) -> Rights {
        Rights { writes: Windows::default(), ..self }
    }

    /// Whether the peer may do nothing.
    pub fn is_none(&self) -> bool {
        self.reads.is_empty()
    }

    /// Whether there is an address that the peer may write.
    pub fn may_write(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Whether the peer may read, or write, `size` bytes from `address` on. An access without bytes
    /// counts as one of a single byte.
    #[inline]
    pub fn allow(&self, is_write: bool, address: u64, size: u32) -> bool {
        let windows = if is_write { &self.writes } else { &self.reads };
        windows.contain(address, size)
    }
}

/// What follows "lets the peer": `read and write`, `read only 0x0..0xffff`, `do nothing`.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rights { reads, writes } = self;
        match (reads.is_all(), writes.is_empty()) {
            _ if self.is_none() => f.write_str("do nothing"),
            (true, true) => f.write_str("read only"),
            (false, true) => write!(f, "read only {reads}"),
            (true, false) if writes.is_all() => f.write_str("read and write"),
            (false, false) if reads == writes => write!(f, "read and write only {writes}"),
            (true, false) => write!(f, "read everything, and write only {writes}"),
            (false, false) => write!(f, "read only {reads}, and write only {writes}"),
        }
    }
}
