//! A wait with a time limit, and requests that copy written data and return their result in one
//! number.

use std::ffi::c_void;
use std::time::Duration;

use crate::capi::generated::rogue_mem_master_t;
use crate::capi::guard::{status, value};
use crate::capi::master::{copied, pending, start_burst};
use crate::capi::status::rogue_mem_status_t;
use crate::memory::{DataBuffer, TransactionType};

/// Flag in the result of rogue_mem_master_start: the transaction has succeeded, and needs no wait.
/// It is 1 << 32.
pub const ROGUE_MEM_STARTED_DONE: u64 = 4_294_967_296;

/// Waits like rogue_mem_master_wait, but with a time limit, so that an interpreter can handle
/// signals in between. A transaction that has not ended by then remains outstanding.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id; 0 = all that are outstanding now.
/// @param timeout_us the time limit, in microseconds; 0 does not wait.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_TRANSACTION, ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT and
/// ROGUE_MEM_ERROR_NULL_ARGUMENT as for rogue_mem_master_wait; ROGUE_MEM_ERROR_TIMEOUT if the
/// transaction, or with 0 one of them, has not ended yet, or its slave still holds its lock: wait
/// for it again. ROGUE_MEM_ERROR_TIMEOUT does not set the master's error.
///
/// Several threads may wait for one transaction. Its lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait_for(
    master: *mut rogue_mem_master_t,
    id: u32,
    timeout_us: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let time = Duration::from_micros(timeout_us);
        master.wait_at_most(id, time).unwrap_or_else(|| Err(pending(call)))
    })
}

/// Starts a transaction: the single-call variant of rogue_mem_master_request. It copies written
/// data and returns the result. A transaction that has succeeded by then is collected at once,
/// which is usual for a slave that answers in this thread.
///
/// @param master the master.
/// @param address byte address.
/// @param size number of bytes.
/// @param data size bytes. If type is ROGUE_MEM_WRITE or ROGUE_MEM_POST they are copied before this
/// returns. Otherwise they must remain valid, and untouched by the caller, until
/// rogue_mem_master_wait has returned for this transaction or the master is gone, unless the result
/// has ROGUE_MEM_STARTED_DONE. NULL is allowed if size is 0.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @return bits 31 to 0: the transaction's id, which is never 0; bit 32, ROGUE_MEM_STARTED_DONE: it
/// has succeeded already, and a wait for it is harmless. Without that bit the caller has to wait
/// for it, even if it has already failed; for a posted write the wait is optional. 0 if nothing was
/// started: rogue_mem_last_error_status is then ROGUE_MEM_ERROR_NULL_ARGUMENT or
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_start(
    master: *mut rogue_mem_master_t,
    address: u64,
    size: u32,
    data: *mut c_void,
    r#type: u32,
) -> u64 {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let ty = TransactionType::from(r#type);
        let buffer = if ty.is_write() {
            // SAFETY: null or valid, as the header demands.
            let data =
                unsafe { call.values(data.cast_const().cast::<u8>(), size as usize, "data") }?;
            copied(call, data)?.into()
        } else {
            let data = call.start(data.cast::<u8>(), size as usize, "data")?;
            // SAFETY: valid until waited for, as the header demands.
            unsafe { DataBuffer::from_raw(data, size as usize) }
        };
        let (id, is_done) = master.start(address, buffer, ty)?;
        Ok(u64::from(id) | if is_done { ROGUE_MEM_STARTED_DONE } else { 0 })
    })
}

/// Starts a burst like rogue_mem_master_request_many, but copies written data, like
/// rogue_mem_master_start.
///
/// @param master the master.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param count number of transactions.
/// @param addresses count byte addresses.
/// @param sizes count numbers of bytes.
/// @param data the bytes of all transactions, one after the other. If type is ROGUE_MEM_WRITE or
/// ROGUE_MEM_POST they are copied before this returns; otherwise as for rogue_mem_master_request.
/// NULL is allowed if there are none.
/// @param ids receives count ids, for the wait functions; for posted writes the wait is optional.
/// On failure it is untouched, and nothing has been started.
/// @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if the number of bytes is impossible;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_start_many(
    master: *mut rogue_mem_master_t,
    r#type: u32,
    count: usize,
    addresses: *const u64,
    sizes: *const u32,
    data: *mut c_void,
    ids: *mut u32,
) -> rogue_mem_status_t {
    // SAFETY: what the header demands of the caller.
    let start = |call| unsafe {
        start_burst(call, master, r#type, count, addresses, sizes, data, ids, true)
    };
    status(start)
}
