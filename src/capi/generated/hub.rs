// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a hub.
///
/// @param offset in bytes, added to the address of each transaction.
/// @param min smallest access in bytes.
/// @param max largest access in bytes. If min and max are both other than 0, the hub is the root of
/// an address space of its own: it reports its own id, name and limits, and address 0.
/// @param out receives the hub, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_new(
    offset: u64,
    min: u32,
    max: u32,
    out: *mut *mut rogue_mem_hub_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::memory::Hub::new(offset, min, max)));
        Ok(())
    })
}

/// The hub's master half, to be connected to a slave downstream. Requests made through it are
/// relative to the next layer: the hub's offset is not added.
///
/// @param hub the hub.
/// @return the master, a new reference; NULL if hub is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_master(
    hub: *const rogue_mem_hub_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| into_handle(hub.master().clone())) }
}

/// The hub's slave half, for masters upstream to connect to.
///
/// @param hub the hub.
/// @return the slave, a new reference, which keeps the whole hub alive; NULL if hub is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_slave(
    hub: *const rogue_mem_hub_t,
) -> *mut rogue_mem_slave_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| slave_handle(hub.clone())) }
}

/// The hub's own offset.
///
/// @param hub the hub.
/// @return bytes; 0 if hub is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_offset(hub: *const rogue_mem_hub_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| hub.offset()) }
}

/// The address at the end of the path that corresponds to the hub's own address 0; also for the
/// root of an address space.
///
/// @param hub the hub.
/// @return byte address; 0 if hub is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_address(hub: *const rogue_mem_hub_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(hub, |hub| hub.full_address()) }
}

/// Adds the hub's offset to a transaction's address and forwards it, in parts if necessary, in this
/// thread. The transaction's lock must not be held.
///
/// @param hub the hub; NULL is an error, and the transaction stays pending.
/// @param transaction the transaction, borrowed; NULL is an error.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_forward(
    hub: *mut rogue_mem_hub_t,
    transaction: *mut rogue_mem_transaction_t,
) {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let hub = unsafe { call.handle(hub) }?;
        // SAFETY: null or live, as the header demands.
        let transaction = unsafe { call.handle(transaction) }?;
        hub.forward(&transaction);
        Ok(())
    })
}

/// Adds a reference.
///
/// @param hub the hub; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_retain(hub: *mut rogue_mem_hub_t) -> *mut rogue_mem_hub_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(hub) }))
}

/// Gives a reference back. Its halves, and masters that it is connected to, keep it alive as
/// needed.
///
/// @param hub the hub; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_hub_release(hub: *mut rogue_mem_hub_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(hub) };
        Ok(())
    })
}
