//! A transaction is passed to a slave's do_transaction callback, in the requester's thread and with
//! no lock held. The slave completes it exactly once, by rogue_mem_transaction_done or
//! rogue_mem_transaction_error: at once, or later and from any thread. For later completion it
//! keeps a reference (rogue_mem_transaction_retain, or rogue_mem_slave_add_transaction).
//!
//! The data belongs to the requester. It may be touched only under the transaction's lock, and only
//! while the transaction has not expired. rogue_mem_transaction_copy_from_requester and
//! rogue_mem_transaction_copy_to_requester ensure both.

use std::ffi::{c_char, CStr};
use std::time::Duration;

use super::call::Call;
use super::generated::rogue_mem_transaction_t;
use super::guard::{query, status, value};
use super::handle::{borrow, into_handle};
use super::status::rogue_mem_status_t;
use crate::clock;
use crate::error::{Error, Result, Status};
use crate::memory::{DataGuard, Transaction, TransactionType};

/// Transaction type: read into the requester's buffer.
pub const ROGUE_MEM_READ: u32 = 1;
/// Transaction type: write; completed when the device has answered.
pub const ROGUE_MEM_WRITE: u32 = 2;
/// Transaction type: posted write; may be completed as soon as the transport has taken it.
pub const ROGUE_MEM_POST: u32 = 3;
/// Transaction type: read that checks an earlier write; every transport treats it as a read.
pub const ROGUE_MEM_VERIFY: u32 = 4;

/// Releases the lock that rogue_mem_transaction_lock took. If the lock is not held, the behaviour
/// is undefined.
///
/// @param transaction the transaction; NULL is an error and nothing is unlocked.
///
/// Any thread may release the lock.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_unlock(transaction: *mut rogue_mem_transaction_t) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: locked before, as the header demands.
        unsafe { transaction.unlock_data() };
        Ok(())
    })
}

/// The data: rogue_mem_transaction_size bytes of the requester's buffer. Call this, and use its
/// result, only under the transaction's lock.
///
/// @param transaction the transaction.
/// @return the first byte; NULL once the requester has given the transaction up, or if transaction
/// is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_data(
    transaction: *mut rogue_mem_transaction_t,
) -> *mut u8 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.data_start()) }
}

/// Checks that `count` bytes at `offset` lie within the transaction's data.
fn check_range(call: Call, transaction: &Transaction, offset: u32, count: u32) -> Result<()> {
    let size = transaction.size();
    if u64::from(offset) + u64::from(count) > u64::from(size) {
        let text = format!(
            "{count} bytes at offset {offset} do not lie within transaction {} of {size} bytes",
            transaction.id()
        );
        return Err(call.error(Status::InvalidArgument, text));
    }
    Ok(())
}

/// Checks that the transaction's data may be changed.
fn check_not_write(call: Call, transaction: &Transaction) -> Result<()> {
    if transaction.ty().is_write() {
        let text = format!("Transaction {} is a write: its data is read", transaction.id());
        return Err(call.error(Status::InvalidArgument, text));
    }
    Ok(())
}

fn given_up(call: Call, transaction: &Transaction) -> Error {
    let text = format!(
        "Transaction {} has been given up by its requester: its data is gone",
        transaction.id()
    );
    call.error(Status::InvalidData, text)
}

/// How a copy gets the lock of the data.
pub(super) enum Right {
    /// It takes the lock.
    Lock,
    /// It takes the lock unless that would take longer, in microseconds.
    LockFor(u64),
    /// The caller of the function holds the lock, as the header demands.
    Held,
}

/// Start of the data, which stays where it is as long as the guard is kept, or the caller's lock.
fn reach(
    call: Call,
    transaction: &Transaction,
    right: Right,
) -> Result<(*mut u8, Option<DataGuard<'_>>)> {
    let data = match right {
        Right::Lock => transaction.data(),
        Right::LockFor(microseconds) => {
            let limit = clock::now() + Duration::from_micros(microseconds);
            transaction.data_by(limit).ok_or_else(|| {
                let text = format!("Transaction {} is still locked; try again", transaction.id());
                call.error(Status::Timeout, text)
            })?
        }
        Right::Held => {
            let start = transaction.data_start();
            let is_there = !start.is_null() && !transaction.expired();
            return is_there.then_some((start, None)).ok_or_else(|| given_up(call, transaction));
        }
    };
    let mut data = data.ok_or_else(|| given_up(call, transaction))?;
    Ok((data.as_mut_ptr(), Some(data)))
}

/// Copies `count` bytes at `offset` of the data to `into`.
pub(super) fn copy_out(
    call: Call,
    transaction: &Transaction,
    offset: u32,
    into: *mut u8,
    count: u32,
    right: Right,
) -> Result<()> {
    let into = call.start(into, count as usize, "into")?;
    check_range(call, transaction, offset, count)?;
    let (from, _guard) = reach(call, transaction, right)?;
    // SAFETY: both are `count` bytes long, as checked and as the header demands. They may be the
    // same ones, so no slice is made.
    unsafe { std::ptr::copy(from.add(offset as usize), into.as_ptr(), count as usize) };
    Ok(())
}

/// Copies `count` bytes at `from` to `offset` of the data.
pub(super) fn copy_in(
    call: Call,
    transaction: &Transaction,
    offset: u32,
    from: *const u8,
    count: u32,
    right: Right,
) -> Result<()> {
    let from = call.start(from, count as usize, "from")?;
    check_not_write(call, transaction)?;
    check_range(call, transaction, offset, count)?;
    let (into, _guard) = reach(call, transaction, right)?;
    // SAFETY: as in `copy_out`.
    unsafe { std::ptr::copy(from.as_ptr(), into.add(offset as usize), count as usize) };
    Ok(())
}

/// Copies bytes from the requester: the data that it writes. Takes the transaction's lock, so the
/// caller must not hold it.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the data; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the
/// transaction up.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_from_requester(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    into: *mut u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_out(call, &transaction, offset, into, count, Right::Lock)
    })
}

/// Copies bytes as rogue_mem_transaction_copy_from_requester does, for a caller that holds the
/// transaction's lock. Without it the behaviour is undefined.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_from_requester.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_from_requester_locked(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    into: *mut u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_out(call, &transaction, offset, into, count, Right::Held)
    })
}

/// Copies bytes to the requester: the data that it reads. Takes the transaction's lock, so the
/// caller must not hold it.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the data, or the transaction is a write, whose data must not change;
/// ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the transaction up.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_to_requester(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    from: *const u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_in(call, &transaction, offset, from, count, Right::Lock)
    })
}

/// Copies bytes as rogue_mem_transaction_copy_to_requester does, for a caller that holds the
/// transaction's lock. Without it the behaviour is undefined.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_to_requester.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_copy_to_requester_locked(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    from: *const u8,
    count: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_in(call, &transaction, offset, from, count, Right::Held)
    })
}

/// Completes the transaction with an error. The first completion counts, later ones are ignored.
/// The transaction's lock may be held or not.
///
/// @param transaction the transaction; NULL is an error.
/// @param text the error text for the requester, copied; invalid UTF-8 in it is replaced. NULL or
/// "": an error without a text.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_error(
    transaction: *mut rogue_mem_transaction_t,
    text: *const c_char,
) {
    let text = match text.is_null() {
        true => c"",
        // SAFETY: ends in NUL, as the header demands.
        false => unsafe { CStr::from_ptr(text) },
    };
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.error(text.to_string_lossy())) }
}

/// Makes a transaction that is a part of another one, for rogue_mem_slave_do_transaction. The whole
/// ends when all its parts have ended and rogue_mem_transaction_done_subs has been called. It fails
/// if a part failed.
///
/// @param transaction the whole.
/// @param offset first byte of the part, counted from the start of the whole's data.
/// @param size bytes of the part.
/// @param address byte address of the part.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param out receives the part, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the whole, the part reaches beyond the address space, type is invalid,
/// or it is a read while the whole is a write; ROGUE_MEM_ERROR_INVALID_DATA if the whole has
/// already ended.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_create_sub(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    size: u32,
    address: u64,
    r#type: u32,
    out: *mut *mut rogue_mem_transaction_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        let ty = TransactionType::from(r#type);
        if transaction.ty().is_write()
            && matches!(ty, TransactionType::Read | TransactionType::Verify)
        {
            let text = format!(
                "Transaction {} is a write: a read may not overwrite its data",
                transaction.id()
            );
            return Err(call.error(Status::InvalidArgument, text));
        }
        out.set(into_handle(transaction.create_sub(offset, size, address, ty)?));
        Ok(())
    })
}

/// Renews the transaction's deadline: it times out one timeout from now at the earliest.
///
/// @param transaction the transaction; NULL is an error.
/// @param reference_or_null a transaction that has just been answered, which proves that the link
/// works: the deadline is renewed only if transaction did not start before it. NULL: renewed in any
/// case.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_refresh_timer(
    transaction: *mut rogue_mem_transaction_t,
    reference_or_null: *const rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or live, as the header demands.
        let reference = unsafe { borrow(reference_or_null) };
        transaction.refresh_timer(reference.as_deref().map(|reference| &**reference));
        Ok(())
    })
}
