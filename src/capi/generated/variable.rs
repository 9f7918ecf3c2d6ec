// Generated from table.rs by tests/header; do not edit.

use super::*;

/// The name.
///
/// @param variable the variable.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_name(
    variable: *const rogue_mem_variable_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe { query_text(variable, buffer, capacity, length, |variable| variable.name().to_owned()) }
}

/// The path, which errors and dumps show: the name until rogue_mem_variable_update_path.
///
/// @param variable the variable.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_path(
    variable: *const rogue_mem_variable_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe {
        query_text(variable, buffer, capacity, length, |variable| variable.path().to_string())
    }
}

/// Sets the path. A block takes its own path from its first variable when that is added.
///
/// @param variable the variable.
/// @param path the path, UTF-8, copied.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_update_path(
    variable: *mut rogue_mem_variable_t,
    path: *const c_char,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let path = unsafe { call.text(path, "path") }?;
        variable.update_path(path);
        Ok(())
    })
}

/// The mode, as rogue_mem_variable_spec_t has it.
///
/// @param variable the variable.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_mode(
    variable: *const rogue_mem_variable_t,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    // SAFETY: null or live and valid, as the header demands.
    unsafe {
        query_text(variable, buffer, capacity, length, |variable| {
            variable.spec().mode.text().to_owned()
        })
    }
}

/// The model.
///
/// @param variable the variable.
/// @return ROGUE_MEM_MODEL_..., or the id of a model of the program's own; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_model(variable: *const rogue_mem_variable_t) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().model.id()) }
}

/// The smallest value that may be set.
///
/// @param variable the variable.
/// @return the limit; 0 if there is none; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_minimum(variable: *const rogue_mem_variable_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().range.map_or(0.0, |(minimum, _)| minimum)) }
}

/// The largest value that may be set.
///
/// @param variable the variable.
/// @return the limit; 0 if there is none; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_maximum(variable: *const rogue_mem_variable_t) -> f64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().range.map_or(0.0, |(_, maximum)| maximum)) }
}

/// Bits of the fraction of a fixed point number.
///
/// @param variable the variable.
/// @return bits; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_bin_point(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().bin_point) }
}

/// The sum of the widths of the parts; of a list, the width given for its only part.
///
/// @param variable the variable.
/// @return bits; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_bit_total(
    variable: *const rogue_mem_variable_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.bit_total()) }
}

/// rogue_mem_variable_bit_total in bytes, rounded up.
///
/// @param variable the variable.
/// @return bytes; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_byte_size(
    variable: *const rogue_mem_variable_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.byte_size()) }
}

/// Width of one value.
///
/// @param variable the variable.
/// @return bits; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_value_bits(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.value_bits()) }
}

/// Width of one value in bytes, rounded up.
///
/// @param variable the variable.
/// @return bytes; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_value_bytes(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.value_bytes() as u32) }
}

/// Distance between elements; of a scalar its width.
///
/// @param variable the variable.
/// @return bits; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_value_stride(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.value_stride()) }
}

/// Number of elements.
///
/// @param variable the variable.
/// @return the number; 0 for a scalar; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_num_values(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.num_values()) }
}

/// Size of a block that ends with this variable, in multiples of the smallest access.
///
/// @param variable the variable.
/// @return bytes; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_var_bytes(
    variable: *const rogue_mem_variable_t,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.var_bytes()) }
}

/// The byte offset, as shifted so far.
///
/// @param variable the variable.
/// @return bytes; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_offset(variable: *const rogue_mem_variable_t) -> u64 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.offset()) }
}

/// Whether it may share bits with other variables that may.
///
/// @param variable the variable.
/// @return true if it may; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_may_overlap(
    variable: *const rogue_mem_variable_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().may_overlap) }
}

/// Whether it is read back and compared after a write, if its mode is "RW".
///
/// @param variable the variable.
/// @return true if it is; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_is_verified(
    variable: *const rogue_mem_variable_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().is_verified) }
}

/// Whether it takes part in bulk operations of the program's.
///
/// @param variable the variable.
/// @return true if it does; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_is_bulk(variable: *const rogue_mem_variable_t) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().is_bulk) }
}

/// Whether the observer of its block is called for it.
///
/// @param variable the variable.
/// @return true if it is; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_is_notified(
    variable: *const rogue_mem_variable_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().is_notified) }
}

/// Whether its highest byte comes first.
///
/// @param variable the variable.
/// @return true if it does; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_is_big_endian(
    variable: *const rogue_mem_variable_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().is_big_endian) }
}

/// Whether the highest bit of a number comes first.
///
/// @param variable the variable.
/// @return true if it does; false if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_reverses_bits(
    variable: *const rogue_mem_variable_t,
) -> bool {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().reverses_bits) }
}

/// Attempts after a failed one, for each transaction of its block.
///
/// @param variable the variable.
/// @return the number; 0 if variable is NULL.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_retry_count(
    variable: *const rogue_mem_variable_t,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    unsafe { query(variable, |variable| variable.spec().retry_count) }
}

/// Moves the origin of the bit positions down: the offset decreases, modulo 2^64, and all bit
/// positions increase. From now on accesses cover multiples of min_size bytes.
///
/// @param variable the variable.
/// @param shift bytes.
/// @param min_size bytes of the smallest access.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
/// variable is in a block, or would end beyond every block: nothing is changed then.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_shift_offset_down(
    variable: *mut rogue_mem_variable_t,
    shift: u64,
    min_size: u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.shift_offset_down(shift, min_size)
    })
}

/// Sets the threshold of the logger of its block, "pyrogue.memory.block." and the block's path.
///
/// @param variable the variable.
/// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
/// block.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_log_level(
    variable: *mut rogue_mem_variable_t,
    level: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.block()?.set_log_level(crate::logging::Level(level))
    })
}

/// Checks that values of the variable are those of a model, for programs whose own functions name
/// the model.
///
/// @param variable the variable.
/// @param model ROGUE_MEM_MODEL_...; ROGUE_MEM_MODEL_FIXED and ROGUE_MEM_MODEL_UFIXED both mean
/// either.
/// @param is_set a flag: whether a value is to be set; the error says so.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT, "Wrong
/// set type for variable" and its path, if it has another model.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_expect_model(
    variable: *mut rogue_mem_variable_t,
    model: u32,
    is_set: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.expect_model(Model::from_id(model), is_set != 0)
    })
}

/// Reads the variable, and waits.
///
/// @param variable the variable.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
/// block; the errors of rogue_mem_block_start with check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_read(
    variable: *mut rogue_mem_variable_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.block()?.read(&variable, -1)
    })
}

/// Writes the variable with everything that is staged in its block, verifies what is to be
/// verified, and waits.
///
/// @param variable the variable.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
/// block; the errors of rogue_mem_block_start with check.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_write(
    variable: *mut rogue_mem_variable_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.block()?.write(&variable, -1)
    })
}

/// Adds a reference.
///
/// @param variable the variable; NULL is allowed and ignored.
/// @return its argument.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_retain(
    variable: *mut rogue_mem_variable_t,
) -> *mut rogue_mem_variable_t {
    // SAFETY: null or live, as the header demands.
    value(|_| Ok(unsafe { retain(variable) }))
}

/// Gives a reference back. Its block keeps it alive.
///
/// @param variable the variable; NULL is allowed and ignored.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_release(variable: *mut rogue_mem_variable_t) {
    value(|_| {
        // SAFETY: null or a reference of the caller's, as the header demands.
        unsafe { release(variable) };
        Ok(())
    })
}
