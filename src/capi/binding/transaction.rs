//! Variants of a transaction's lock, and of the copies of its data, with a time limit, and with a
//! record that the lock is held.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::capi::convert::is_set;
use crate::capi::generated::rogue_mem_transaction_t;
use crate::capi::guard::{status, value};
use crate::capi::status::rogue_mem_status_t;
use crate::capi::transaction::{copy_in, copy_out, Right};

/// Takes the lock like rogue_mem_transaction_lock, within a time limit.
///
/// @param transaction the transaction.
/// @param timeout_us the time limit, in microseconds; 0 only tries.
/// @param held_or_null set to 1 together with the lock, for languages in which an exception can
/// occur between any two steps; see rogue_mem_transaction_unlock_held. If it is not 0 already, the
/// caller has the lock, and nothing is locked.
/// @return true if the caller has the lock, which it releases with rogue_mem_transaction_unlock or
/// rogue_mem_transaction_unlock_held; false if not, and, with the last error set, if transaction is
/// NULL.
///
/// Each thread needs a held_or_null of its own.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_lock_for(
    transaction: *mut rogue_mem_transaction_t,
    timeout_us: u64,
    held_or_null: *mut u32,
) -> bool {
    let time = Duration::from_micros(timeout_us);
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held_or_null) };
        let was_held = held.is_some_and(|held| is_set(held.load(Ordering::Acquire)));
        let is_held = was_held || transaction.try_lock_data_for(time);
        held.into_iter().for_each(|held| held.store(is_held.into(), Ordering::Release));
        Ok(is_held)
    })
}

/// Releases the lock if rogue_mem_transaction_lock_for has recorded that it is held.
///
/// @param transaction the transaction; NULL is an error and nothing is unlocked.
/// @param held the record of rogue_mem_transaction_lock_for; set to 0 together with the release.
/// NULL is an error.
///
/// Any thread may release the lock.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_unlock_held(
    transaction: *mut rogue_mem_transaction_t,
    held: *mut u32,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held) }.ok_or_else(|| call.null("held"))?;
        if is_set(held.swap(0, Ordering::AcqRel)) {
            // SAFETY: locked before, as `held` says.
            unsafe { transaction.unlock_data() };
        }
        Ok(())
    })
}

/// Copies bytes as rogue_mem_transaction_copy_from_requester does, within a time limit for the
/// lock.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_from_requester;
/// ROGUE_MEM_ERROR_TIMEOUT if the lock has not come free in time.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_from_requester_for(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    into: *mut u8,
    count: u32,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_out(call, &transaction, offset, into, count, Right::LockFor(timeout_us))
    })
}

/// Copies bytes as rogue_mem_transaction_copy_to_requester does, within a time limit for the lock.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_to_requester; ROGUE_MEM_ERROR_TIMEOUT
/// if the lock has not come free in time.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_to_requester_for(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    from: *const u8,
    count: u32,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_in(call, &transaction, offset, from, count, Right::LockFor(timeout_us))
    })
}
