//! What is wrong with a message that is dropped.

use super::Header;
use std::fmt;

/// Why a message was dropped. `Display` gives the log line, in Rogue's words where Rogue has one.
///
/// A malformed message is never answered; the sender of a request sees its own time-out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Malformed {
    /// A number of parts that no message has. Rogue drops it without a word.
    PartCount {
        /// Parts of the message.
        parts: u64,
    },
    /// A request whose first four parts do not have 4, 8, 4 and 4 octets. Figures in octets.
    RequestSizes {
        /// Octets of the id.
        id: u64,
        /// Octets of the address.
        address: u64,
        /// Octets of the size.
        size: u64,
        /// Octets of the type.
        ty: u64,
    },
    /// A Write or Post without data, or with another amount than its size says.
    WriteData {
        /// Parts 0 to 3 of the request.
        header: Header,
        /// Octets of part 4; `None` without that part.
        data: Option<u64>,
    },
    /// A readiness probe with a size other than 0, or with a fifth part.
    Probe {
        /// Parts 0 to 3 of the probe.
        header: Header,
        /// Octets of part 4; `None` without that part.
        data: Option<u64>,
    },
    /// A response whose first four parts do not have 4, 8, 4 and 4 octets, or whose result has
    /// more than 999. Figures in octets.
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
    /// Whether Rogue logs a warning for this; it drops the others silently.
    pub fn is_worth_a_warning(&self) -> bool {
        !matches!(self, Malformed::PartCount { .. })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::PartCount { parts } => write!(f, "Bad message part count. parts={parts}"),
            Malformed::RequestSizes { id, address, size, ty } => {
                write!(f, "Bad message sizes. id={id} addr={address} size={size} type={ty}")
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
