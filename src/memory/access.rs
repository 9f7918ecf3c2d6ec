//! Requests that the bus carries: the four types, within the address space. Checked when a
//! transaction is created and when a hub moves it, so that no slave gets any other request.

use super::TransactionType;

/// Whether slaves accept an access of type `ty` to `size` bytes at `address`. It may end with the
/// last byte of the address space, but does not wrap to 0.
///
/// # Errors
///
/// The requester's error text.
#[inline]
pub fn check_access(ty: TransactionType, address: u64, size: u32) -> Result<(), String> {
    check_type(ty, address)?;
    check_range(address, size.into())
}

#[inline]
fn check_type(ty: TransactionType, address: u64) -> Result<(), String> {
    match ty {
        TransactionType::Other(number) => Err(unknown_type_text(number, address)),
        _ => Ok(()),
    }
}

/// Whether `size` bytes at `address` lie within the address space.
///
/// # Errors
///
/// The requester's error text.
#[inline]
pub fn check_range(address: u64, size: u64) -> Result<(), String> {
    // For an empty range only the address counts.
    match address.checked_add(size.saturating_sub(1)) {
        Some(_) => Ok(()),
        None => Err(beyond_text(address, size)),
    }
}

#[cold]
fn unknown_type_text(number: u32, address: u64) -> String {
    format!(
        "Unknown transaction type 0x{number:x} at 0x{address:x}: ask for a read ({}), a write ({}), a \
         posted write ({}) or a verify ({})",
        u32::from(TransactionType::Read),
        u32::from(TransactionType::Write),
        u32::from(TransactionType::Post),
        u32::from(TransactionType::Verify)
    )
}

#[cold]
fn beyond_text(address: u64, size: u64) -> String {
    let room = address.wrapping_neg();
    format!(
        "Transaction of {size} bytes at 0x{address:x} reaches beyond the end of the address space: \
         there are {room} bytes from there on"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f03_an_access_may_end_with_the_last_byte_and_not_beyond_it() {
        for (address, size, room) in [
            (u64::MAX, 0, None),
            (u64::MAX, 1, None),
            (u64::MAX, 2, Some(1)),
            (u64::MAX - 7, 8, None),
            (u64::MAX - 7, 9, Some(8)),
            (u64::MAX - 7, 16, Some(8)),
            (u64::MAX - 0xFFFF_FFFE, u32::MAX, None),
            (u64::MAX - 0xFFFF_FFFD, u32::MAX, Some(0xFFFF_FFFE_u32)),
            (0, u32::MAX, None),
        ] {
            let text = check_access(TransactionType::Read, address, size).err();
            assert_eq!(text.is_some(), room.is_some(), "{size} at {address:#x}: {text:?}");
            if let (Some(text), Some(room)) = (text, room) {
                assert!(text.ends_with(&format!("{room} bytes from there on")), "{text}");
            }
        }
    }

    #[test]
    fn f04_there_are_four_types_of_transactions() {
        let is_carried = |&number: &u32| check_access(number.into(), 0, 4).is_ok();
        let known: Vec<u32> = (0..0x100).filter(is_carried).collect();
        assert_eq!(known, [1, 2, 3, 4]);
        let text = check_access(u32::MAX.into(), 0, 4).unwrap_err();
        assert!(text.contains("type 0xffffffff at 0x0"), "{text}");
        // The probe of the bridge.
        assert!(check_access(0xFFFF_FFFE.into(), 0, 0).is_err());
    }
}
