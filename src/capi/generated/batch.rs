// Generated from table.rs by tests/header; do not edit.

use super::*;

/// The number of records; at least 1.
///
/// @param batch the batch.
/// @return records; 0 if batch is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_count(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.records().len() as u32) }
}

/// The size of what stands before the first record.
///
/// @param batch the batch.
/// @return bytes; 0 if batch is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_header_bytes(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.header_bytes()) }
}

/// The size of the tail behind the data and the padding of each record.
///
/// @param batch the batch.
/// @return bytes; 0 if batch is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_tail_bytes(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.tail_bytes()) }
}

/// The number of the super-frame.
///
/// @param batch the batch.
/// @return the number, modulo 256; 0 if batch is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_sequence(batch: *const rogue_mem_batch_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(batch, |batch| batch.sequence().into()) }
}

/// Adds a reference.
///
/// @param batch the batch; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_retain(
    batch: *mut rogue_mem_batch_t,
) -> *mut rogue_mem_batch_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(batch) }))
}

/// Gives a reference back.
///
/// @param batch the batch; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_batch_release(batch: *mut rogue_mem_batch_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(batch) };
        Ok(())
    })
}
