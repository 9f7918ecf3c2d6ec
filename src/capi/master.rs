//! A master makes transactions and waits for them. Any number may be outstanding, made and waited
//! for by any threads.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::guard::{query, query_text, status, value};
use super::handle::{
    into_handle, release, retain, rogue_mem_master_t, rogue_mem_slave_t, slave_handle,
};
use super::status::rogue_mem_status_t;
use crate::memory::{Buffer, Master};

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
