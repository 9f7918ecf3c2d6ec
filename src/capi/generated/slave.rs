// Generated from table.rs by tests/header; do not edit.

use super::*;

/// The slave's own id, unique in this process.
///
/// @param slave the slave.
/// @return the id; 0 for the slave of an unconnected master; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().id()) }
}

/// The smallest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_min(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().min()) }
}

/// The largest access that the slave was made with.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_max(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.base().max()) }
}

/// The slave's own name: "Unnamed_" and its id, unless rogue_mem_slave_set_name has changed it.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.base().name()) }
}

/// Names the slave.
///
/// @param slave the slave.
/// @param name its name, UTF-8, copied.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_set_name(
    slave: *mut rogue_mem_slave_t,
    name: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let name = unsafe { call.text(name, "name") }?;
        slave.base().set_name(name);
        Ok(())
    })
}

/// Asks for the id of the slave at the end of the path, through the slave_id callback if it has
/// one.
///
/// @param slave the slave.
/// @return the id; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_id(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.slave_id()) }
}

/// Asks for the name of the slave at the end of the path, through the slave_name callback if it has
/// one.
///
/// @param slave the slave.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_slave_name(
    slave: *const rogue_mem_slave_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(slave, buffer, capacity, length, |slave| slave.slave_name()) }
}

/// Asks for the smallest access, through the min_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_min_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.min_access()) }
}

/// Asks for the largest access, through the max_access callback if the slave has one.
///
/// @param slave the slave.
/// @return bytes, 0 = not limited; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_max_access(slave: *const rogue_mem_slave_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.max_access()) }
}

/// Asks for the base address, through the address callback if the slave has one.
///
/// @param slave the slave.
/// @return byte address as seen from the end of the path; 0 if slave is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_address(slave: *const rogue_mem_slave_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.address()) }
}

/// Passes a transaction to the slave unchanged, in this thread. The transaction's lock must not be
/// held.
///
/// @param slave the slave; NULL is an error, and the transaction stays pending.
/// @param transaction the transaction, borrowed; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_do_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.do_transaction(&transaction);
        Ok(())
    })
}

/// Keeps a transaction, by its id, until rogue_mem_slave_take_transaction removes it or its
/// requester gives it up. An expired transaction is not kept.
///
/// @param slave the slave.
/// @param transaction the transaction; the slave takes a reference of its own.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
///
/// The transaction's lock may be held or not.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_add_transaction(
    slave: *mut rogue_mem_slave_t,
    transaction: *mut rogue_mem_transaction_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let slave = unsafe { call.handle(slave) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        slave.base().add_transaction(&transaction);
        Ok(())
    })
}

/// Ends the slave's own activity, if it has any: a bridge client closes its connection and fails
/// all outstanding requests. Returns without waiting for a peer. Further calls do nothing.
///
/// @param slave the slave; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_stop(slave: *mut rogue_mem_slave_t) {
    // SAFETY: null or live, as the header demands.
    unsafe { query(slave, |slave| slave.stop()) }
}

/// Adds a reference.
///
/// @param slave the slave; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_retain(
    slave: *mut rogue_mem_slave_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(slave) }))
}

/// Gives a reference back. Masters that the slave is connected to keep it alive.
///
/// @param slave the slave; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_slave_release(slave: *mut rogue_mem_slave_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(slave) };
        Ok(())
    })
}
