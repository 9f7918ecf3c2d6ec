//! A master makes transactions and waits for them. Any number may be outstanding. Any thread may
//! make them and wait for them.

use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use super::argument::Versioned;
use super::call::Call;
use super::callback::{c_text, Context};
use super::generated::{rogue_mem_gate_t, rogue_mem_master_t};
use super::guard::{status, value};
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::headroom;
use crate::memory::{Claimant, DataBuffer, TransactionType};

/// Starts a transaction. The slave may be called in this thread.
///
/// @param master the master.
/// @param address byte address.
/// @param size number of bytes.
/// @param data size bytes, which stay the caller's but must remain valid, and untouched by the
/// caller, until rogue_mem_master_wait has returned for this transaction or the master is gone.
/// They are only read if type is ROGUE_MEM_WRITE or ROGUE_MEM_POST. NULL is allowed if size is 0.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param id receives the transaction's id, for rogue_mem_master_wait. Untouched on failure.
/// @return ROGUE_MEM_OK, also if the transaction has already failed, which rogue_mem_master_wait
/// reports; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// A transaction of another type fails, and so does an access beyond the end of the address space,
/// also one caused by the offset of a hub. No slave sees it.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_request(
    master: *mut rogue_mem_master_t,
    address: u64,
    size: u32,
    data: *mut c_void,
    r#type: u32,
    id: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let data = call.start(data.cast::<u8>(), size as usize, "data")?;
        // SAFETY: null or valid, as the header demands.
        let id = unsafe { call.out(id, "id") }?;
        // SAFETY: valid until waited for, as the header demands.
        let buffer = unsafe { DataBuffer::from_raw(data, size as usize) };
        id.set(master.request(address, buffer, r#type.into())?);
        Ok(())
    })
}

/// The error of a wait whose time has passed.
pub(super) fn pending(call: Call) -> Error {
    call.error(Status::Timeout, "The transaction has not ended yet; wait for it again")
}

/// A copy of the data to be written.
pub(super) fn copied(call: Call, data: &[u8]) -> Result<Vec<u8>> {
    headroom::copied(data).map_err(|error| {
        let text = format!("No memory for a write of {} bytes: {error}", data.len());
        call.error(Status::OutOfResources, text)
    })
}

/// Starts several transactions of one type, in the given order, as one burst: a TCP client sends
/// them with one system call, and SRP over UDP with few, within windows and the room of the socket,
/// also through hubs.
///
/// @param master the master.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param count number of transactions.
/// @param addresses count byte addresses.
/// @param sizes count numbers of bytes.
/// @param data the bytes of all transactions, one after the other; otherwise as for
/// rogue_mem_master_request. NULL is allowed if there are none.
/// @param ids receives count ids, for the wait functions. On failure it is untouched, and nothing
/// has been started.
/// @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if the number of bytes is impossible;
/// ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_request_many(
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
        start_burst(call, master, r#type, count, addresses, sizes, data, ids, false)
    };
    status(start)
}

/// Starts a burst. `copies`: whether written data is copied.
///
/// # Safety
///
/// What the header demands of the caller of rogue_mem_master_request_many.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn start_burst(
    call: Call,
    master: *mut rogue_mem_master_t,
    ty: u32,
    count: usize,
    addresses: *const u64,
    sizes: *const u32,
    data: *mut c_void,
    ids: *mut u32,
    copies: bool,
) -> Result<()> {
    // SAFETY: null or live, as the header demands.
    let master = unsafe { call.handle(master) }?;
    // SAFETY: null or valid for count values, as the header demands.
    let addresses = unsafe { call.values(addresses, count, "addresses") }?;
    // SAFETY: null or valid for count values, as the header demands.
    let sizes = unsafe { call.values(sizes, count, "sizes") }?;
    let total = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size as usize));
    let start = call.start(data.cast::<u8>(), total, "data")?;
    // SAFETY: null or valid for count values, as the header demands.
    let ids = unsafe { call.values_out(ids, count, "ids") }?;
    let mut requests = Vec::new();
    requests.try_reserve_exact(count).map_err(|error| {
        let text = format!("No memory for {count} transactions: {error}");
        call.error(Status::OutOfResources, text)
    })?;
    let ty = TransactionType::from(ty);
    let mut offset = 0;
    for (address, size) in addresses.iter().zip(sizes) {
        let size = *size as usize;
        // SAFETY: a part of what the header demands; the sum of the sizes has been checked.
        let part = unsafe { start.add(offset) };
        let buffer = if copies && ty.is_write() {
            // SAFETY: valid, as the header demands.
            copied(call, unsafe { std::slice::from_raw_parts(part.as_ptr(), size) })?.into()
        } else {
            // SAFETY: valid until waited for, as the header demands.
            unsafe { DataBuffer::from_raw(part, size) }
        };
        requests.push((*address, buffer));
        offset += size;
    }
    let started = master.request_many(requests, ty)?;
    for (place, id) in ids.iter_mut().zip(started) {
        place.write(id);
    }
    Ok(())
}

/// Lists the ids of all outstanding transactions: requested, and not waited for.
///
/// @param master the master.
/// @param ids_or_null receives the first capacity ids, lowest first; may be NULL if capacity is 0.
/// @param capacity room of ids_or_null, as a number of ids.
/// @param count receives the total number of outstanding transactions.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
/// capacity is impossible.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_outstanding(
    master: *mut rogue_mem_master_t,
    ids_or_null: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid for capacity values, as the header demands.
        let room = unsafe { call.values_out(ids_or_null, capacity, "ids_or_null") }?;
        // SAFETY: null or valid, as the header demands.
        let count = unsafe { call.out(count, "count") }?;
        let ids = master.outstanding_ids();
        for (place, id) in room.iter_mut().zip(&ids) {
            place.write(*id);
        }
        count.set(ids.len());
        Ok(())
    })
}

/// Waits for several transactions, in the given order, up to the first that failed.
///
/// @param master the master that made the transactions.
/// @param count number of ids.
/// @param ids count ids, none of them 0.
/// @param timeout_us the time limit for all together, in microseconds; 0 does not wait.
/// @param waited receives the number of ended transactions, counted from the first; if one failed,
/// it is the last of these. Set with every result except the errors of an argument.
/// @return ROGUE_MEM_OK if all have succeeded; ROGUE_MEM_ERROR_TRANSACTION or
/// ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if one failed, as for rogue_mem_master_wait;
/// ROGUE_MEM_ERROR_TIMEOUT if the time has passed first; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if count is impossible.
///
/// No lock of the transactions must be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait_many(
    master: *mut rogue_mem_master_t,
    count: usize,
    ids: *const u32,
    timeout_us: u64,
    waited: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid for count values, as the header demands.
        let ids = unsafe { call.values(ids, count, "ids") }?;
        // SAFETY: null or valid, as the header demands.
        let waited = unsafe { call.out(waited, "waited") }?;
        let (ended, outcome) = master.wait_many(ids, Duration::from_micros(timeout_us));
        waited.set(ended);
        outcome.unwrap_or_else(|| Err(pending(call)))
    })
}

/// Callbacks for the end of a transaction. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_observer_t {
    /// sizeof(rogue_mem_observer_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, on any thread, after the last call of ended. Not called if
    /// rogue_mem_master_observe fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Called at most once, with the transaction's id, when it has ended, successfully or not, and
    /// no slave touches its buffer any more, which may be freed or reused; must not be NULL. status
    /// is the result that rogue_mem_master_wait would return; text is that of the error, valid
    /// during the call, "" for ROGUE_MEM_OK. Runs with no lock of the library held, on the thread
    /// that ends the transaction or releases its lock after that, or on the library's thread for
    /// deadlines or observers, in which case it delays other calls on that thread. Not on a thread
    /// that waits for a transaction: it may take a lock that the program holds during a wait. May
    /// make the next request and observe it, in a chain of any length: of the calls within each
    /// other on one thread, the fifth runs after the fourth. Should not wait: what it waits for may
    /// have to be received by the thread that calls it, and then ends at its deadline.
    pub ended: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            id: u32,
            status: rogue_mem_status_t,
            text: *const c_char,
        ),
    >,
    /// The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
    /// NULL: none.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_observer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls a function of the program's at the end of a transaction.
struct Ended {
    ended: unsafe extern "C" fn(*mut c_void, u32, rogue_mem_status_t, *const c_char),
    context: Context,
}

impl Claimant for Ended {
    fn ended(&self, id: u32, outcome: Result<()>, _data: Option<DataBuffer>) {
        let Some(_inside) = self.context.enter() else { return };
        let error = outcome.err();
        let status = error.as_ref().map_or(0, |error| error.status() as rogue_mem_status_t);
        let text = c_text(error.as_ref().map_or("", Error::text));
        // SAFETY: a function of the program's with this signature, which may run on any thread.
        unsafe { (self.ended)(self.context.ctx(), id, status, text.as_ptr()) }
    }
}

/// Calls a function when a transaction has ended, for programs that do not block in a wait. A wait
/// for the transaction is allowed but not needed: the transaction ends at its deadline without one,
/// and the library forgets it after the function has returned.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id.
/// @param observer the callbacks, copied. If the transaction has ended already, they are called
/// within this call, or after the innermost of four ended callbacks that this call is in. It
/// replaces an observer set before, of which only drop is called, within this call.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its ended is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size; ROGUE_MEM_ERROR_NOT_FOUND if no such
/// transaction is outstanding, or it has been forgotten; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
/// system refuses the thread for deadlines. On failure drop is not called.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_observe(
    master: *mut rogue_mem_master_t,
    id: u32,
    observer: *const rogue_mem_observer_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned(observer, "observer") }?;
        let ended = given.ended.ok_or_else(|| call.null("ended"))?;
        let make = || -> Arc<dyn Claimant> {
            // From here on nothing can fail: `ctx` is ours. SAFETY: null or live, as the header
            // demands.
            let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
            Arc::new(Ended { ended, context })
        };
        master.observe_with(id, make)
    })
}

/// Cancels transactions. A cancelled transaction has failed: its waiters and its observer get an
/// error at once, no slave touches its buffer any more, and later waits do not find it. A request
/// that has been sent cannot be withdrawn: the device may carry it out.
///
/// @param master the master that made the transactions.
/// @param count number of ids.
/// @param ids_or_null count ids; NULL: all transactions that are outstanding, whatever count is.
/// @param timeout_us the time limit, in microseconds and for all together, to wait for slaves that
/// hold the lock of a transaction; 0 does not wait.
/// @return true if all have been cancelled or had ended; false if the lock of one is held: that one
/// stays pending, and its buffer in use. Also false, with the last error set, if master is NULL or
/// count is impossible.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_cancel(
    master: *mut rogue_mem_master_t,
    count: usize,
    ids_or_null: *const u32,
    timeout_us: u64,
) -> bool {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let ids = match ids_or_null.is_null() {
            true => None,
            // SAFETY: valid for count values, as the header demands.
            false => Some(unsafe { call.values(ids_or_null, count, "ids_or_null") }?),
        };
        Ok(master.cancel(ids, Duration::from_micros(timeout_us)))
    })
}
