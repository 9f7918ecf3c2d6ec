//! Staged values in the result of a call, without a place for them: an interpreter pays for each
//! argument. A failure, which sets the last error, gives a value that is a rare one otherwise;
//! rogue_mem_variable_staged_uint and its like tell which it was. Also lists of values that the
//! program converts.

use crate::capi::convert::is_set;
use crate::capi::generated::rogue_mem_variable_t;
use crate::capi::guard::{status, value_or};
use crate::capi::status::rogue_mem_status_t;
use crate::error::Status;
use crate::memory::block::{BOOL, INT, UINT};

/// The staged value of an unsigned integer of at most 64 bits.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @return the value; 2^63 on failure.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_peek_uint(
    variable: *const rogue_mem_variable_t,
    index: i32,
) -> u64 {
    // SAFETY: null or live, as the header demands.
    value_or(1 << 63, |call| unsafe { call.handle(variable) }?.staged(UINT, index))
}

/// The staged value of a signed integer of at most 64 bits.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @return the value; INT64_MIN on failure.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_peek_int(
    variable: *const rogue_mem_variable_t,
    index: i32,
) -> i64 {
    // SAFETY: null or live, as the header demands.
    value_or(i64::MIN, |call| unsafe { call.handle(variable) }?.staged(INT, index))
}

/// A staged truth value.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @return a flag; 2 on failure.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_peek_bool(
    variable: *const rogue_mem_variable_t,
    index: i32,
) -> u32 {
    // SAFETY: null or live, as the header demands.
    value_or(2, |call| unsafe { call.handle(variable) }?.staged(BOOL, index).map(u32::from))
}

/// A staged number that single precision holds.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @return the value; -DBL_MAX on failure.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_peek_float(
    variable: *const rogue_mem_variable_t,
    index: i32,
) -> f64 {
    value_or(f64::MIN, |call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.staged(variable.float_accessor(), index).map(f64::from)
    })
}

/// A staged number of double precision or fixed point.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @return the value; -DBL_MAX on failure.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_peek_double(
    variable: *const rogue_mem_variable_t,
    index: i32,
) -> f64 {
    value_or(f64::MIN, |call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.staged(variable.double_accessor(), index)
    })
}

/// Checks that a variable has room for values, as rogue_mem_variable_stage_values does first, for
/// interpreters whose values are to be converted.
///
/// @param variable the variable.
/// @param count number of values.
/// @param index the first element; -1 means 0.
/// @param is_list a flag: whether the error calls the values a list, otherwise an array.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if there
/// are more values than elements.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_check_count(
    variable: *const rogue_mem_variable_t,
    count: usize,
    index: i32,
    is_list: u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        let what = if is_set(is_list) { "list" } else { "array" };
        variable.check_length(count, index, what).map(drop)
    })
}

/// Stages what the program has made of values of a list, each as rogue_mem_variable_stage_raw does.
/// All are checked before the first is staged.
///
/// @param variable the variable.
/// @param bytes the bytes of all values, one after the other. NULL is allowed if there are none.
/// @param sizes count numbers of bytes.
/// @param count number of values.
/// @param index the first element; -1 means 0.
/// @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_raw_values(
    variable: *mut rogue_mem_variable_t,
    bytes: *const u8,
    sizes: *const usize,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count values, as the header demands.
        let sizes = unsafe { call.values(sizes, count, "sizes") }?;
        let total = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size));
        // SAFETY: null or valid for all of them, as the header demands.
        let mut rest = unsafe { call.values(bytes, total, "bytes") }?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|error| {
            let text = format!("No memory for {count} values: {error}");
            call.error(Status::OutOfResources, text)
        })?;
        for size in sizes {
            let (value, others) = rest.split_at(*size);
            values.push(value);
            rest = others;
        }
        variable.stage_raw_all(&values, index)
    })
}
