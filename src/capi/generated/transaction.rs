// Generated from table.rs by tests/header; do not edit.

use super::*;

/// The transaction's id, unique among the pending transactions of this process.
///
/// @param transaction the transaction.
/// @return the id, never 0; 0 if transaction is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_id(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.id()) }
}

/// The byte address, as adjusted by the hubs passed so far.
///
/// @param transaction the transaction.
/// @return the address; 0 if transaction is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_address(
    transaction: *const rogue_mem_transaction_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.address()) }
}

/// The number of bytes to read or write.
///
/// @param transaction the transaction.
/// @return size in bytes; 0 if transaction is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_size(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.size()) }
}

/// The transaction's type.
///
/// @param transaction the transaction.
/// @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; 0 if transaction is
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_type(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.ty().into()) }
}

/// Whether a result would be too late: the transaction, or the one that it is a part of, has ended
/// or has been given up. Its data must not be touched then. The answer stays valid while the
/// transaction's lock is held. A transaction of a server may expire meanwhile, which is harmless:
/// its data stays until the lock is released.
///
/// @param transaction the transaction.
/// @return true if it has expired; false if transaction is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_expired(
    transaction: *const rogue_mem_transaction_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.expired()) }
}

/// Whether the transaction has ended, successfully or not.
///
/// @param transaction the transaction.
/// @return true if it has ended; false if transaction is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_is_done(
    transaction: *const rogue_mem_transaction_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.is_done()) }
}

/// Takes the lock that guards the data, waiting if necessary. While it is held, the requester
/// neither times out nor takes its buffer back. A server, however, answers its client when the time
/// has passed, and keeps the data, which then has no reader, until the lock is released. All parts
/// of one request share one lock. It is not recursive: a second lock in one thread deadlocks.
///
/// @param transaction the transaction; NULL is an error and nothing is locked.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_lock(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.lock_data()) }
}

/// Completes the transaction successfully. The first completion counts, later ones are ignored. The
/// transaction's lock may be held or not.
///
/// @param transaction the transaction; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done()) }
}

/// Declares that all parts have been made. The transaction ends at once if all of them have ended.
///
/// @param transaction the whole; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done_subs(
    transaction: *mut rogue_mem_transaction_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done_subs()) }
}

/// Adds a reference. A slave that completes the transaction later keeps one.
///
/// @param transaction the transaction; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_retain(
    transaction: *mut rogue_mem_transaction_t,
) -> *mut rogue_mem_transaction_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(transaction) }))
}

/// Gives a reference back. A transaction that is released without completion ends with its timeout.
///
/// @param transaction the transaction; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_release(transaction: *mut rogue_mem_transaction_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(transaction) };
        Ok(())
    })
}
