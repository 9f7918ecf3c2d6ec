//! SRP, SLAC's register protocol: register access in frames of little-endian 32-bit words.
//!
//! Each version of the protocol has a module that defines and checks its frames. Common parts are
//! here. No input makes it panic.

pub mod cmd;
pub mod v0;
pub mod v3;

use std::fmt;

/// Size of a register, and of the words that frames consist of.
pub const WORD_BYTES: u32 = 4;

/// Why a request does not fit into a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessFault {
    /// The address is not a multiple of the smallest access.
    Address {
        /// The requested address.
        address: u64,
        /// The smallest access in bytes.
        min: u32,
    },
    /// The size is not a multiple of the smallest access, or 0.
    Size {
        /// The requested size in bytes.
        size: u32,
        /// The smallest access in bytes.
        min: u32,
    },
    /// The size is larger than the largest access.
    TooLarge {
        /// The requested size in bytes.
        size: u32,
        /// The largest access in bytes.
        max: u32,
    },
    /// The access reaches beyond the addresses of this version.
    TooFar {
        /// The requested address.
        address: u64,
        /// The requested size in bytes.
        size: u32,
    },
}

impl fmt::Display for AccessFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessFault::Address { address, min } => {
                write!(f, "Transaction address 0x{address:x} is not aligned to min size {min}")
            }
            AccessFault::Size { size, min } => {
                write!(f, "Transaction size 0x{size:x} is not aligned to min size {min}")
            }
            AccessFault::TooLarge { size, max } => {
                write!(f, "Transaction size {size} exceeds max size {max}")
            }
            AccessFault::TooFar { address, size } => write!(
                f,
                "Transaction of {size} bytes at address 0x{address:x} reaches beyond 32 bits of \
                 address, which are all that SRPv0 carries"
            ),
        }
    }
}

/// Whether an access of `size` bytes at `address` is possible, where accesses are multiples of
/// `min` (not 0) and at most `max` bytes.
///
/// # Errors
///
/// The first of: the address, the size, the largest access.
pub fn check_access(address: u64, size: u32, min: u32, max: u32) -> Result<(), AccessFault> {
    if address % u64::from(min) != 0 {
        return Err(AccessFault::Address { address, min });
    }
    if size % min != 0 || size < min {
        return Err(AccessFault::Size { size, min });
    }
    if size > max {
        return Err(AccessFault::TooLarge { size, max });
    }
    Ok(())
}

/// The word at `index` of `bytes`, counted in words; `None` beyond the end.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let bytes = bytes.get(index.checked_mul(4)?..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
