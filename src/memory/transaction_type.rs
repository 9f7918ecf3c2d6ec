//! What a transaction does.

use std::fmt;

/// What a transaction does. Slaves get the four that have names; a request of any other type fails
/// before it reaches one.
///
/// The numbers are those of the C interface and of the bridge's wire, where a peer may send others:
/// the conversion from a number therefore always succeeds, and gives [`Other`](Self::Other) for
/// these.
///
/// ```
/// use rogue_mem::memory::TransactionType;
///
/// assert_eq!(TransactionType::from(3), TransactionType::Post);
/// assert_eq!(u32::from(TransactionType::Post), 3);
/// assert!(TransactionType::Post.is_write() && !TransactionType::Verify.is_write());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum TransactionType {
    /// Read into the transaction's buffer; 1.
    Read,
    /// Write; completed when the device has answered; 2.
    Write,
    /// Posted write; may be completed as soon as the transport has it; 3.
    Post,
    /// Read used to check a write; every transport treats it as a read; 4.
    Verify,
    /// The number of none of these.
    Other(u32),
}

impl TransactionType {
    /// Whether such a transaction carries data towards the slave.
    #[inline]
    pub fn is_write(self) -> bool {
        matches!(self, TransactionType::Write | TransactionType::Post)
    }
}

impl From<u32> for TransactionType {
    #[inline]
    fn from(number: u32) -> TransactionType {
        match number {
            1 => TransactionType::Read,
            2 => TransactionType::Write,
            3 => TransactionType::Post,
            4 => TransactionType::Verify,
            other => TransactionType::Other(other),
        }
    }
}

impl From<TransactionType> for u32 {
    #[inline]
    fn from(ty: TransactionType) -> u32 {
        match ty {
            TransactionType::Read => 1,
            TransactionType::Write => 2,
            TransactionType::Post => 3,
            TransactionType::Verify => 4,
            TransactionType::Other(number) => number,
        }
    }
}

/// The name in records and texts: `read`, `write`, `post` or `verify`; of another type the number.
impl fmt::Display for TransactionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TransactionType::Read => "read",
            TransactionType::Write => "write",
            TransactionType::Post => "post",
            TransactionType::Verify => "verify",
            TransactionType::Other(number) => return number.fmt(f),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_type_and_has_it_back() {
        for number in (0..0x100).chain([0xFFFF_FFFE, u32::MAX]) {
            let ty = TransactionType::from(number);
            assert_eq!(u32::from(ty), number);
            assert_eq!(matches!(ty, TransactionType::Other(_)), !(1..=4).contains(&number));
            assert_eq!(ty.is_write(), [2, 3].contains(&number));
        }
    }

    #[test]
    fn a_type_has_a_name_or_a_number() {
        let texts: Vec<String> = (1..6).map(|n| TransactionType::from(n).to_string()).collect();
        assert_eq!(texts, ["read", "write", "post", "verify", "5"]);
    }
}
