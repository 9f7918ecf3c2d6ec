//! A master makes transactions and waits for them. Any number may be outstanding, made and waited
//! for by any threads.

use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use super::argument::Versioned;
use super::callback::Context;
use super::guard::{query, query_text, status, value, Call};
use super::handle::{
    into_handle, release, retain, rogue_mem_gate_t, rogue_mem_master_t, rogue_mem_slave_t,
    slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::memory::{Buffer, Master, Observer, Transaction, POST, WRITE};

/// Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
/// "Unsupported transaction using unconnected memory bus".
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_new(
    out: *mut *mut rogue_mem_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(Master::new())));
        Ok(())
    })
}

/// Adds a reference.
///
/// @param master the master; NULL is allowed and ignored.
/// @return its argument.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_retain(
    master: *mut rogue_mem_master_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(master) }))
}

/// Gives a reference back. When the last one goes, all transactions that are still pending are
/// given up: once this has returned, no slave touches their buffers.
///
/// @param master the master; NULL is allowed and ignored.
///
/// Thread safe. A transaction's lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_release(master: *mut rogue_mem_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}

/// Connects the master to a slave, in place of what it was connected to.
///
/// @param master the master.
/// @param slave the slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_set_slave(
    master: *mut rogue_mem_master_t,
    slave: *mut rogue_mem_slave_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        master.set_slave(slave.0.clone());
        Ok(())
    })
}

/// What the master is connected to.
///
/// @param master the master.
/// @return the slave, a new reference, whose address need not be that of the handle it was
/// connected with; NULL only if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_slave(
    master: *const rogue_mem_master_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| slave_handle(master.slave())) }
}

/// Asks for the id of the slave at the end of the path.
///
/// @param master the master.
/// @return the id; 0 if there is none, or master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_slave_id(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_slave_id()) }
}

/// Asks for the name of the slave at the end of the path.
///
/// @param master the master.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_slave_name(
    master: *const rogue_mem_master_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(master, buffer, capacity, length, |master| master.req_slave_name()) }
}

/// Asks for the smallest access.
///
/// @param master the master.
/// @return bytes; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_min_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_min_access()) }
}

/// Asks for the largest access. A master does not split its requests, a hub does.
///
/// @param master the master.
/// @return bytes, 0 = not limited; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_max_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_max_access()) }
}

/// Asks for the address of what the master sees at 0, as seen from the end of the path.
///
/// @param master the master.
/// @return byte address; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_address(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_address()) }
}

/// The text of the last error that a wait on this master has met, for all threads that use it. The
/// result of rogue_mem_master_wait is the better place to look, for it is of one transaction.
///
/// @param master the master.
/// @param buffer receives the text, "" if there was no error; see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_error(
    master: *const rogue_mem_master_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(master, buffer, capacity, length, |master| master.last_error()) }
}

/// Forgets the master's last error.
///
/// @param master the master; NULL is an error.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_clear_error(master: *mut rogue_mem_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.clear_error()) }
}

/// Sets the time that later transactions get from their last sign of life; it is one second at
/// first.
///
/// @param master the master; NULL is an error.
/// @param microseconds the time; 0 leaves it as it is.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_set_timeout(
    master: *mut rogue_mem_master_t,
    microseconds: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.set_timeout(microseconds)) }
}

/// The time that transactions get.
///
/// @param master the master.
/// @return microseconds; 0 if master is NULL.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_timeout(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.timeout().as_micros() as u64) }
}

/// Starts a transaction. The slave may be called in this thread.
///
/// @param master the master.
/// @param address byte address.
/// @param size number of bytes.
/// @param data size bytes, which stay the caller's but must remain valid, and untouched by the
/// caller, until rogue_mem_master_wait has returned for this transaction or the master is gone.
/// They are only read if type is ROGUE_MEM_WRITE or ROGUE_MEM_POST. NULL is allowed if size is 0.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param id receives the transaction's id, to be waited for. Untouched on failure.
/// @return ROGUE_MEM_OK, also if the transaction has already failed, which rogue_mem_master_wait
/// tells; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none.
///
/// Thread safe.
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
        let ty = call.transaction_type(r#type)?;
        // SAFETY: null or valid, as the header demands.
        let id = unsafe { call.out(id, "id") }?;
        // SAFETY: valid until waited for, as the header demands.
        let buffer = unsafe { Buffer::from_raw(data, size as usize) };
        id.set(master.request(address, buffer, ty)?);
        Ok(())
    })
}

/// Waits until a transaction has ended, at most for its timeout. Once this has returned, no slave
/// touches its buffer.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id; 0 = all that are outstanding now, the result then being that of
/// the failed one with the highest id.
/// @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
/// ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error; ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT
/// if nobody completed it in time; ROGUE_MEM_ERROR_NULL_ARGUMENT. The error's text is both that of
/// rogue_mem_last_error and of rogue_mem_master_error.
///
/// Of a read over TCP that fails, the buffer is as it was; but one of more than 64 KiB may have
/// been filled in part where the connection broke, or the time ran out, while its data was coming.
///
/// Thread safe; several threads may wait for one transaction. Its lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait(
    master: *mut rogue_mem_master_t,
    id: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        master.wait(id)
    })
}

/// Waits as rogue_mem_master_wait does, but no longer than is said here, so that a program can look
/// after something else now and then. A transaction that has not ended by then stays as it is.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id; 0 = all that are outstanding now.
/// @param microseconds how long to wait at most; 0 only looks.
/// @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_TRANSACTION, ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT and
/// ROGUE_MEM_ERROR_NULL_ARGUMENT as for rogue_mem_master_wait; ROGUE_MEM_ERROR_TIMEOUT if the
/// transaction, or with 0 one of them, has not ended yet, or its slave still holds its lock: it may
/// be waited for again. That is not the master's error.
///
/// Thread safe; several threads may wait for one transaction. Its lock must not be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait_for(
    master: *mut rogue_mem_master_t,
    id: u32,
    microseconds: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let time = Duration::from_micros(microseconds);
        master.wait_at_most(id, time).unwrap_or_else(|| Err(pending(call)))
    })
}

fn pending(call: Call) -> Error {
    call.error(Status::Timeout, "The transaction has not ended yet; wait for it again")
}

/// Set beside the id that rogue_mem_master_start returns: the transaction has succeeded, and need
/// not be waited for. It is 1 << 32.
pub const ROGUE_MEM_STARTED_DONE: u64 = 4_294_967_296;

/// Starts a transaction as rogue_mem_master_request does, for those to whom every call and every
/// pointer is dear, as to the bindings of other languages: what is written is copied, what is to be
/// known is returned, and a transaction that has succeeded by then, as it mostly has with a slave
/// that answers in this thread, is collected at once.
///
/// @param master the master.
/// @param address byte address.
/// @param size number of bytes.
/// @param data size bytes. If type is ROGUE_MEM_WRITE or ROGUE_MEM_POST they are copied before this
/// returns. Otherwise they must remain valid, and untouched by the caller, until
/// rogue_mem_master_wait has returned for this transaction or the master is gone, unless the result
/// says that it has succeeded. NULL is allowed if size is 0.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @return in bits 31 to 0 the transaction's id, which is never 0, and ROGUE_MEM_STARTED_DONE
/// beside it if it has succeeded already; a wait for it does no harm then. Without that bit it is
/// to be waited for, also if it has already failed; a posted write need not be. 0 if nothing was
/// started: rogue_mem_last_error_status is then ROGUE_MEM_ERROR_NULL_ARGUMENT,
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none, or ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
///
/// Thread safe.
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
        let ty = call.transaction_type(r#type)?;
        let buffer = if matches!(ty, WRITE | POST) {
            // SAFETY: null or valid, as the header demands.
            let data =
                unsafe { call.bytes(data.cast_const().cast::<u8>(), size as usize, "data") }?;
            copied(call, data)?.into()
        } else {
            let data = call.start(data.cast::<u8>(), size as usize, "data")?;
            // SAFETY: valid until waited for, as the header demands.
            unsafe { Buffer::from_raw(data, size as usize) }
        };
        let (id, is_done) = master.start(address, buffer, ty)?;
        Ok(u64::from(id) | if is_done { ROGUE_MEM_STARTED_DONE } else { 0 })
    })
}

fn copied(call: Call, data: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.len()).map_err(|error| {
        let text = format!("No memory for a write of {} bytes: {error}", data.len());
        call.error(Status::OutOfResources, text)
    })?;
    copy.extend_from_slice(data);
    Ok(copy)
}

/// Starts several transactions of one type, in the order given.
///
/// @param master the master.
/// @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
/// @param count number of transactions.
/// @param addresses count byte addresses.
/// @param sizes count numbers of bytes.
/// @param data the bytes of all transactions, one after the other; otherwise as for
/// rogue_mem_master_request. NULL is allowed if there are none.
/// @param ids receives count ids, to be waited for. Untouched on failure, when nothing has been
/// started.
/// @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none, or there cannot be as many bytes.
///
/// Thread safe.
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
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let ty = call.transaction_type(r#type)?;
        // SAFETY: null or valid for count values, as the header demands.
        let addresses = unsafe { call.values(addresses, count, "addresses") }?;
        // SAFETY: null or valid for count values, as the header demands.
        let sizes = unsafe { call.values(sizes, count, "sizes") }?;
        let total = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size as usize));
        let start = call.start(data.cast::<u8>(), total, "data")?;
        // SAFETY: null or valid for count values, as the header demands.
        let ids = unsafe { call.values_out(ids, count, "ids") }?;
        let mut offset = 0;
        for ((address, size), id) in addresses.iter().zip(sizes).zip(ids) {
            let size = *size as usize;
            // SAFETY: a part of what is valid until waited for, as the header demands; the sum of
            // the sizes has been checked.
            let buffer = unsafe { Buffer::from_raw(start.add(offset), size) };
            id.write(master.request(*address, buffer, ty)?);
            offset += size;
        }
        Ok(())
    })
}

/// Tells the ids of all transactions that are outstanding now: requested, and not waited for.
///
/// @param master the master.
/// @param ids_or_null receives the first capacity ids, lowest first; may be NULL if capacity is 0.
/// @param capacity number of ids that there is room for.
/// @param count receives the number of all of them.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if there
/// cannot be as much room.
///
/// Thread safe.
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

/// Waits for several transactions, in the order given, until the first of them that failed.
///
/// @param master the master that made the transactions.
/// @param count number of ids.
/// @param ids count ids, none of them 0.
/// @param microseconds how long to wait at most, for all together; 0 only looks.
/// @param waited receives how many of them have ended, from the first on; the last of these is the
/// one that failed, if one did. Set whatever is returned but for the errors of an argument.
/// @return ROGUE_MEM_OK if all have ended well; ROGUE_MEM_ERROR_TRANSACTION or
/// ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if one failed, as for rogue_mem_master_wait;
/// ROGUE_MEM_ERROR_TIMEOUT if the time has passed first; ROGUE_MEM_ERROR_NULL_ARGUMENT;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if there cannot be as many ids.
///
/// Thread safe. No lock of the transactions must be held.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_wait_many(
    master: *mut rogue_mem_master_t,
    count: usize,
    ids: *const u32,
    microseconds: u64,
    waited: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        // SAFETY: null or valid for count values, as the header demands.
        let ids = unsafe { call.values(ids, count, "ids") }?;
        // SAFETY: null or valid, as the header demands.
        let waited = unsafe { call.out(waited, "waited") }?;
        let (ended, outcome) = master.wait_many(ids, Duration::from_micros(microseconds));
        waited.set(ended);
        outcome.unwrap_or_else(|| Err(pending(call)))
    })
}

/// What is to happen when a transaction has ended. Zero-initialise it, set size, and then the rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_observer_t {
    /// sizeof(rogue_mem_observer_t).
    pub size: usize,
    /// Passed to every callback.
    pub ctx: *mut c_void,
    /// Called exactly once, when ended will be called no more; on any thread. Not called if
    /// rogue_mem_master_observe fails. NULL: nothing is called.
    pub drop: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Called at most once, with the transaction's id, when it has ended in whatever way; must not
    /// be NULL. Runs on the thread that ends it, which may have its data locked: it must neither
    /// wait for the transaction nor take its lock.
    pub ended: Option<unsafe extern "C" fn(ctx: *mut c_void, id: u32)>,
    /// What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
    pub gate: *mut rogue_mem_gate_t,
}

// SAFETY: an integer first, then pointers that may be null.
unsafe impl Versioned for rogue_mem_observer_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

/// Calls a function of the program's at the end of a transaction.
struct Ended {
    ended: unsafe extern "C" fn(ctx: *mut c_void, id: u32),
    context: Context,
}

impl Observer for Ended {
    fn completed(&self, tran: &Arc<Transaction>) {
        let Some(_inside) = self.context.enter() else { return };
        // SAFETY: a function of the program's with this signature, which may run on any thread.
        unsafe { (self.ended)(self.context.ctx(), tran.id()) }
    }
}

/// Has a function called when a transaction has ended, for programs that do not block in a wait.
/// The transaction must be waited for nevertheless, which then does not block; and only a wait, as
/// rogue_mem_master_wait_for with 0 is one, looks whether its time has passed.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id.
/// @param observer what is to happen, copied; in this call if the transaction has ended already.
/// Takes the place of one that was set before, which is called no more.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its ended is NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size; ROGUE_MEM_ERROR_NOT_FOUND if no such
/// transaction is outstanding.
///
/// Thread safe.
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
        let tran = master.outstanding(id)?;
        // From here on nothing can fail: `ctx` is ours.
        // SAFETY: null or live, as the header demands.
        let context = unsafe { Context::new(given.ctx, given.drop, given.gate) };
        tran.observe(Arc::new(Ended { ended, context }));
        Ok(())
    })
}

/// Gives transactions up: once one has been, no slave touches its buffer, and it is not there to be
/// waited for any more.
///
/// @param master the master that made the transactions.
/// @param count number of ids.
/// @param ids_or_null count ids; NULL: all transactions that are outstanding, whatever count is.
/// @param microseconds how long to wait at most, for all together, for slaves that hold the lock of
/// a transaction; 0 does not wait.
/// @return true if all have been given up or had ended and been collected; false if one has not
/// because its lock is held: it stays as it is, and with it its buffer is in use. Also false, with
/// the last error set, if master is NULL or there cannot be as many ids.
///
/// Thread safe.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_give_up_for(
    master: *mut rogue_mem_master_t,
    count: usize,
    ids_or_null: *const u32,
    microseconds: u64,
) -> bool {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let master = unsafe { call.handle(master) }?;
        let ids = match ids_or_null.is_null() {
            true => None,
            // SAFETY: valid for count values, as the header demands.
            false => Some(unsafe { call.values(ids_or_null, count, "ids_or_null") }?),
        };
        Ok(master.give_up_by(ids, Duration::from_micros(microseconds)))
    })
}
