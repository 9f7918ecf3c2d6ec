//! SRP, SLAC's register protocol: register access in frames of little-endian 32-bit words.
//!
//! A module for each version of the protocol says what its frames are, and judges them. What all
//! versions have in common is here. None of it can panic, whatever the bytes.

pub mod v3;

use std::fmt;

/// Size of the word that frames are made of, and of a register.
pub const WORD_BYTES: u32 = 4;

/// Why a request cannot be put into a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessFault {
    /// The address is not a multiple of the smallest access.
    Address {
        /// The address asked for.
        address: u64,
        /// The smallest access in bytes.
        min: u32,
    },
    /// The size is not a multiple of the smallest access, or 0.
    Size {
        /// The size asked for in bytes.
        size: u32,
        /// The smallest access in bytes.
        min: u32,
    },
    /// The size is larger than the largest access.
    TooLarge {
        /// The size asked for in bytes.
        size: u32,
        /// The largest access in bytes.
        max: u32,
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
        }
    }
}

/// Whether an access of `size` bytes at `address` can be asked for, where accesses are multiples
/// of `min` (not 0) and at most `max` bytes.
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

/// The word at `index` of `bytes`, counted in words; `None` where the bytes end before it does.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let bytes = bytes.get(index.checked_mul(4)?..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
