//! The faults of dropped messages.

use super::Header;
use std::fmt;

/// Why a message was dropped. `Display` gives the log line, in Rogue's words where Rogue has some.
///
/// A malformed message is never answered; the sender of a request sees its own time-out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Malformed {
    /// A number of parts that no message has. Rogue drops it silently.
    PartCount {
        /// Parts of the message.
        parts: u64,
        /// Its three parts have the sizes of the last ones of a request.
        is_end: bool,
    },
    /// A request whose first four parts do not have 4, 8, 4 and 4 octets, or whose timing does not
    /// have 24 where the ends have agreed on a timing. Numbers in octets.
    RequestSizes {
        /// Octets of the id.
        id: u64,
        /// Octets of the address.
        address: u64,
        /// Octets of the size.
        size: u64,
        /// Octets of the type.
        ty: u64,
        /// Octets of the timing, if the requests carry one.
        timing: Option<u64>,
    },
    /// A Write or Post without data, or with a different amount than its size states.
    WriteData {
        /// Parts 0 to 3 of the request.
        header: Header,
        /// Octets of the data's part; `None` without that part.
        data: Option<u64>,
    },
    /// A readiness probe with a size other than 0, or with data.
    Probe {
        /// Parts 0 to 3 of the probe.
        header: Header,
        /// Octets of the data's part; `None` without that part.
        data: Option<u64>,
    },
    /// A response whose first four parts do not have 4, 8, 4 and 4 octets. Numbers in octets.
    ResponseSizes {
        /// Octets of the id.
        id: u64,
        /// Octets of the address.
        address: u64,
        /// Octets of the size.
        size: u64,
        /// Octets of the type.
        ty: u64,
        /// Octets of the result.
        result: u64,
    },
}

impl Malformed {
    /// Whether this may be the last three or four parts of a request. An overloaded client of Rogue
    /// leaves such pieces: libzmq refuses the first parts while its queue is full, and takes the
    /// rest.
    pub fn may_be_piece(&self) -> bool {
        match *self {
            Malformed::PartCount { is_end, .. } => is_end,
            Malformed::RequestSizes { id: 8, address: 4, size: 4, .. } => true,
            _ => false,
        }
    }

    /// Whether Rogue logs a warning for this; it drops the others silently.
    pub fn is_worth_a_warning(&self) -> bool {
        !matches!(self, Malformed::PartCount { .. })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::PartCount { parts, .. } => {
                write!(f, "Bad message part count. parts={parts}")
            }
            Malformed::RequestSizes { id, address, size, ty, timing } => {
                write!(f, "Bad message sizes. id={id} addr={address} size={size} type={ty}")?;
                timing.map_or(Ok(()), |octets| write!(f, " timing={octets}"))
            }
            Malformed::WriteData { header, .. } => {
                write!(f, "Transaction write data error. Id={}", header.id)
            }
            Malformed::Probe { header, data } => {
                let Header { id, size, .. } = header;
                write!(f, "Bad readiness probe. Id={id} size={size} data={}", data.unwrap_or(0))
            }
            Malformed::ResponseSizes { id, address, size, ty, result } => write!(
                f,
                "Bad message sizes. id={id} addr={address} size={size} type={ty} result={result}"
            ),
        }
    }
}
