//! A transaction is handed to a slave's do_transaction callback, in the requester's thread and
//! with no lock held. The slave completes it exactly once, by rogue_mem_transaction_done or
//! rogue_mem_transaction_error: at once, or later and from any thread, in which case it keeps a
//! reference (rogue_mem_transaction_retain, or rogue_mem_slave_add_transaction).
//!
//! The data belongs to the requester and may be touched only under the transaction's lock and only
//! while it has not expired. rogue_mem_transaction_read_data and rogue_mem_transaction_write_data
//! see to both.

use std::ffi::{c_char, CStr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::guard::{query, status, value, Call};
use super::handle::{borrow, into_handle, release, retain, rogue_mem_transaction_t};
use super::status::rogue_mem_status_t;
use crate::clock;
use crate::error::{Error, Result, Status};
use crate::memory;
use crate::memory::{DataGuard, Transaction};

/// Transaction type: read into the requester's buffer.
pub const ROGUE_MEM_READ: u32 = 1;
/// Transaction type: write; completed when the device has answered.
pub const ROGUE_MEM_WRITE: u32 = 2;
/// Transaction type: posted write; may be completed as soon as it has been handed to the transport.
pub const ROGUE_MEM_POST: u32 = 3;
/// Transaction type: read that checks an earlier write; every transport treats it as a read.
pub const ROGUE_MEM_VERIFY: u32 = 4;

const _: () = assert!(
    ROGUE_MEM_READ == memory::READ
        && ROGUE_MEM_WRITE == memory::WRITE
        && ROGUE_MEM_POST == memory::POST
        && ROGUE_MEM_VERIFY == memory::VERIFY
);

/// Adds a reference, for a slave that completes the transaction later.
///
/// @param transaction the transaction; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_retain(
    transaction: *mut rogue_mem_transaction_t,
) -> *mut rogue_mem_transaction_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(transaction) }))
}

/// Gives a reference back. A transaction that is released without having been completed is left to
/// its timeout.
///
/// @param transaction the transaction; NULL is allowed and ignored.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_release(transaction: *mut rogue_mem_transaction_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(transaction) };
        Ok(())
    })
}

/// The transaction's id, unique among those that are pending in this process.
///
/// @param transaction the transaction.
/// @return the id, never 0; 0 if transaction is NULL.
///
/// Thread safe.
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
///
/// Thread safe.
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
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_size(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.size()) }
}

/// What is asked for.
///
/// @param transaction the transaction.
/// @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; 0 if transaction is
/// NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_type(
    transaction: *const rogue_mem_transaction_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.ty()) }
}

/// Whether nobody will take a result any more: the transaction, or one that it is a part of, has
/// ended or been given up. Its data must not be touched then. The answer holds for as long as the
/// transaction's lock is held.
///
/// @param transaction the transaction.
/// @return true if it has expired; false if transaction is NULL.
///
/// Thread safe.
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
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_is_done(
    transaction: *const rogue_mem_transaction_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.is_done()) }
}

/// Takes the lock that guards the data, waiting for it if need be. While it is held, the requester
/// neither times out nor takes its buffer back. All parts of one request share one lock, and it is
/// not recursive: taking it twice in one thread blocks for ever.
///
/// @param transaction the transaction; NULL is an error and nothing is locked.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_lock(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.lock_data()) }
}

/// Takes the lock as rogue_mem_transaction_lock does, unless that would take too long.
///
/// @param transaction the transaction.
/// @param microseconds how long to wait at most; 0 only tries.
/// @param held_or_null set to true together with the taking of the lock, for languages in which an
/// exception can come between any two steps, and see rogue_mem_transaction_unlock_held. If it is
/// true already the lock is the caller's, and nothing is taken.
/// @return true if the lock is the caller's, to be given back by rogue_mem_transaction_unlock or
/// rogue_mem_transaction_unlock_held; false if it is not, and, with the last error set, if
/// transaction is NULL.
///
/// Thread safe, with a held_or_null of its own for each thread.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_lock_for(
    transaction: *mut rogue_mem_transaction_t,
    microseconds: u64,
    held_or_null: *mut bool,
) -> bool {
    let time = Duration::from_micros(microseconds);
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held_or_null) };
        let was_held = held.is_some_and(|held| held.load(Ordering::Acquire));
        let is_held = was_held || transaction.try_lock_data_for(time);
        held.into_iter().for_each(|held| held.store(is_held, Ordering::Release));
        Ok(is_held)
    })
}

/// Gives back the lock if rogue_mem_transaction_lock_for has said that it is held.
///
/// @param transaction the transaction; NULL is an error and nothing is unlocked.
/// @param held what rogue_mem_transaction_lock_for has set; set to false together with the giving
/// back. NULL is an error.
///
/// Thread safe; another thread than the one that took the lock may give it back.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_unlock_held(
    transaction: *mut rogue_mem_transaction_t,
    held: *mut bool,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        // SAFETY: null or valid, as the header demands.
        let held = unsafe { call.flag(held) }.ok_or_else(|| call.null("held"))?;
        if held.swap(false, Ordering::AcqRel) {
            // SAFETY: locked before, as `held` says.
            unsafe { transaction.unlock_data() };
        }
        Ok(())
    })
}

/// Gives back the lock that rogue_mem_transaction_lock took. Without that having been called
/// before, the behaviour is undefined.
///
/// @param transaction the transaction; NULL is an error and nothing is unlocked.
///
/// Thread safe; another thread than the one that took the lock may give it back.
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

/// The data: rogue_mem_transaction_size bytes of the requester's buffer. To be called, and its
/// result to be used, only under the transaction's lock.
///
/// @param transaction the transaction.
/// @return the first byte; NULL once the requester has given the transaction up, or if transaction
/// is NULL.
///
/// Thread safe.
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
    if memory::is_write(transaction.ty()) {
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

/// By what right a copy touches the data.
enum Right {
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
fn copy_out(
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
fn copy_in(
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

/// Copies bytes of the data out, for example what is to be written. Takes the transaction's lock,
/// so the caller must not hold it.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the data; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the
/// transaction up.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_read_data(
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

/// Copies bytes of the data out as rogue_mem_transaction_read_data does, unless somebody holds the
/// transaction's lock for too long.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @param microseconds how long to wait for the lock at most; 0 only tries.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_read_data; ROGUE_MEM_ERROR_TIMEOUT if the
/// lock has not come free in time.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_read_data_for(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    into: *mut u8,
    count: u32,
    microseconds: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_out(call, &transaction, offset, into, count, Right::LockFor(microseconds))
    })
}

/// Copies bytes of the data out as rogue_mem_transaction_read_data does, for a caller that holds
/// the transaction's lock. Without it the behaviour is undefined.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param into where to copy to; may be NULL if count is 0. Untouched on failure.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_read_data.
///
/// Thread safe, through the lock.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_read_locked(
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

/// Copies bytes into the data, for example what has been read. Takes the transaction's lock, so the
/// caller must not hold it.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the data, or the transaction is a write, whose data is the requester's
/// to keep; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the transaction up.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_write_data(
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

/// Copies bytes into the data as rogue_mem_transaction_write_data does, unless somebody holds the
/// transaction's lock for too long.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @param microseconds how long to wait for the lock at most; 0 only tries.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_write_data; ROGUE_MEM_ERROR_TIMEOUT if the
/// lock has not come free in time.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_write_data_for(
    transaction: *mut rogue_mem_transaction_t,
    offset: u32,
    from: *const u8,
    count: u32,
    microseconds: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        copy_in(call, &transaction, offset, from, count, Right::LockFor(microseconds))
    })
}

/// Copies bytes into the data as rogue_mem_transaction_write_data does, for a caller that holds the
/// transaction's lock. Without it the behaviour is undefined.
///
/// @param transaction the transaction.
/// @param offset first byte, counted from the start of the data.
/// @param from where to copy from; may be NULL if count is 0.
/// @param count number of bytes.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
/// ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_write_data.
///
/// Thread safe, through the lock.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_write_locked(
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

/// Completes the transaction successfully. The first completion counts, later ones are ignored. The
/// transaction's lock may be held or not.
///
/// @param transaction the transaction; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done(transaction: *mut rogue_mem_transaction_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done()) }
}

/// Completes the transaction with an error. The first completion counts, later ones are ignored.
/// The transaction's lock may be held or not.
///
/// @param transaction the transaction; NULL is an error.
/// @param text what the requester is told, copied; what is not UTF-8 in it is replaced. NULL or ""
/// says that there was an error without a text.
///
/// Thread safe.
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

/// Makes a transaction that is a part of another one, to be handed to a slave by
/// rogue_mem_slave_do_transaction. The whole ends when all its parts have and
/// rogue_mem_transaction_done_subs has been called; it fails if one of them failed.
///
/// @param transaction the whole.
/// @param offset first byte of the part, counted from the start of the whole's data.
/// @param size bytes of the part.
/// @param address byte address that the part is for.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param out receives the part, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// range does not lie within the whole, type is none, or it is a read where the whole is a write;
/// ROGUE_MEM_ERROR_INVALID_DATA if the whole has already ended.
///
/// Thread safe.
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
        let ty = call.transaction_type(r#type)?;
        if memory::is_write(transaction.ty()) && !memory::is_write(ty) {
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

/// Says that no more parts will be made. The transaction ends at once if all of them have.
///
/// @param transaction the whole; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_transaction_done_subs(
    transaction: *mut rogue_mem_transaction_t,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(transaction, |transaction| transaction.done_subs()) }
}

/// Restarts the transaction's clock: it times out one timeout from now at the earliest.
///
/// @param transaction the transaction; NULL is an error.
/// @param reference_or_null a transaction that has just been answered, which proves that the link
/// lives: the clock is then restarted only if transaction did not start before it. NULL: restarted
/// in any case.
///
/// Thread safe.
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
