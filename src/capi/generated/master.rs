// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
/// "Unsupported transaction using unconnected memory bus".
///
/// @param out receives the master, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_new(
    out: *mut *mut rogue_mem_master_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(Arc::new(crate::memory::Master::new())));
        Ok(())
    })
}

/// Connects the master to a slave, in place of a former one.
///
/// @param master the master.
/// @param slave the slave; the master takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
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

/// The slave that the master is connected to.
///
/// @param master the master.
/// @return the slave, a new reference, whose address may differ from that of the handle passed to
/// rogue_mem_master_set_slave; NULL if master is NULL.
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
/// @return the id; 0 if there is none; 0 if master is NULL.
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
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_min_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_min_access()) }
}

/// Asks for the largest access. A master does not split its requests, a hub does.
///
/// @param master the master.
/// @return bytes, 0 = not limited; 0 if master is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_max_access(master: *const rogue_mem_master_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_max_access()) }
}

/// Asks for the address at the end of the path that corresponds to address 0 of the master.
///
/// @param master the master.
/// @return byte address; 0 if master is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_req_address(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.req_address()) }
}

/// The text of the last error of a wait on this master, by any thread. Prefer the result of
/// rogue_mem_master_wait, which belongs to one transaction.
///
/// @param master the master.
/// @param buffer receives the text, "" if there was no error; see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
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
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_clear_error(master: *mut rogue_mem_master_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.clear_error()) }
}

/// Sets the timeout of later transactions, counted from their last sign of life. The default is one
/// second.
///
/// @param master the master; NULL is an error.
/// @param timeout_us the timeout, in microseconds; 0 leaves it unchanged.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_set_timeout(
    master: *mut rogue_mem_master_t,
    timeout_us: u64,
) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.set_timeout(convert::microseconds(timeout_us))) }
}

/// The timeout of transactions.
///
/// @param master the master.
/// @return microseconds; 0 if master is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_timeout(master: *const rogue_mem_master_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.timeout().as_micros() as u64) }
}

/// Waits until a transaction has ended, at most for its timeout. After this has returned, no slave
/// touches its buffer.
///
/// @param master the master that made the transaction.
/// @param id the transaction's id; 0 = all that are outstanding now; the result is then that of the
/// failed one with the highest id.
/// @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
/// ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error or the transaction was cancelled;
/// ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if it was not completed in time; ROGUE_MEM_ERROR_NOT_FOUND
/// if it has been forgotten, see rogue_mem_master_forgotten_count; ROGUE_MEM_ERROR_NULL_ARGUMENT.
/// The error's text is both that of rogue_mem_last_error and of rogue_mem_master_error.
///
/// A failed read over TCP leaves the buffer unchanged, with one exception: a read of more than 64
/// KiB may have filled it in part if the connection broke, or the time ran out, while its data was
/// arriving.
///
/// Several threads may wait for one transaction. Its lock must not be held.
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

/// Counts the transactions of this master that have ended and were forgotten because too many had
/// no waiter: the library keeps 131072 failures, and at least as many ids of successes. A wait for
/// a forgotten transaction is an error.
///
/// @param master the master.
/// @return the number since the master was made; 0 if master is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_forgotten_count(
    master: *const rogue_mem_master_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(master, |master| master.forgotten_count()) }
}

/// Adds a reference.
///
/// @param master the master; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_retain(
    master: *mut rogue_mem_master_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(master) }))
}

/// Gives a reference back. Release of the last reference gives up all pending transactions: after
/// it has returned, no slave touches their buffers.
///
/// @param master the master; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_master_release(master: *mut rogue_mem_master_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(master) };
        Ok(())
    })
}
