// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Makes a block. Its bytes are zero at first. It is disabled: until rogue_mem_block_set_enable its
/// transactions are skipped.
///
/// @param offset byte offset, relative to the slave that its master is connected to.
/// @param size number of bytes.
/// @param out receives the block, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for no
/// bytes, or an end beyond the address space; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_new(
    offset: u64,
    size: u32,
    out: *mut *mut rogue_mem_block_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        out.set(into_handle(crate::memory::block::Block::new(offset, size)?));
        Ok(())
    })
}

/// The master whose slave has the registers: connect it with rogue_mem_master_set_slave. The
/// transactions of the block have its timeout.
///
/// @param block the block.
/// @return the master, a new reference; NULL if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_master(
    block: *const rogue_mem_block_t,
) -> *mut rogue_mem_master_t {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| into_handle(block.master().clone())) }
}

/// The byte offset, relative to the slave of its master.
///
/// @param block the block.
/// @return bytes; 0 if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_offset(block: *const rogue_mem_block_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| block.offset()) }
}

/// The number of bytes.
///
/// @param block the block.
/// @return bytes; 0 if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_size(block: *const rogue_mem_block_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| block.size()) }
}

/// The address as seen from the end of the path.
///
/// @param block the block.
/// @return byte address; 0 if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_address(block: *const rogue_mem_block_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| block.address()) }
}

/// "Undefined", or the path that the first variable had when it was added.
///
/// @param block the block.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_path(
    block: *const rogue_mem_block_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(block, buffer, capacity, length, |block| block.path().to_string()) }
}

/// The mode that all variables have; "RW" if they differ, and without variables.
///
/// @param block the block.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_mode(
    block: *const rogue_mem_block_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(block, buffer, capacity, length, |block| block.mode().text().to_owned()) }
}

/// Whether a variable takes part in bulk operations of the program's.
///
/// @param block the block.
/// @return true if one does; false if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_is_bulk(block: *const rogue_mem_block_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| block.is_bulk()) }
}

/// Whether transactions are sent.
///
/// @param block the block.
/// @return true if they are; false if block is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_is_enabled(block: *const rogue_mem_block_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(block, |block| block.is_enabled()) }
}

/// Lets transactions be sent, or skips them. A write that is skipped is not made up for: what was
/// staged for it is not stale any more.
///
/// @param block the block.
/// @param enable a flag.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_set_enable(
    block: *mut rogue_mem_block_t,
    enable: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        block.set_enable(enable != 0);
        Ok(())
    })
}

/// Sets the threshold of the block's logger, "pyrogue.memory.block." and its path.
///
/// @param block the block.
/// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND for a block
/// without variables, which has no logger.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_set_log_level(
    block: *mut rogue_mem_block_t,
    level: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        block.set_log_level(crate::logging::Level(level))
    })
}

/// Reads a variable of the block, and waits.
///
/// @param block the block.
/// @param variable the variable.
/// @param index the element to read; -1, or any other one that does not exist: all.
/// @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_read(
    block: *mut rogue_mem_block_t,
    variable: *mut rogue_mem_variable_t,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        block.read(&variable, index)
    })
}

/// Writes a variable of the block with everything that is staged, verifies what is to be verified,
/// and waits. No transaction of another thread comes between, so this thread is told of a
/// difference.
///
/// @param block the block.
/// @param variable the variable.
/// @param index the element to write; -1, or any other one that does not exist: all.
/// @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_write(
    block: *mut rogue_mem_block_t,
    variable: *mut rogue_mem_variable_t,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let block = unsafe { call.handle(block) }?;
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        block.write(&variable, index)
    })
}

/// Adds a reference.
///
/// @param block the block; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_retain(
    block: *mut rogue_mem_block_t,
) -> *mut rogue_mem_block_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(block) }))
}

/// Gives a reference back. Release of the last reference gives up its pending transaction; its
/// variables then have no block.
///
/// @param block the block; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_block_release(block: *mut rogue_mem_block_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(block) };
        Ok(())
    })
}
