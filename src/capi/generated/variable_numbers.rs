// Generated from table.rs by tests/header; do not edit.

use super::*;

/// Sets an unsigned integer of at most 64 bits (ROGUE_MEM_MODEL_UINT).
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_uint(
    variable: *mut rogue_mem_variable_t,
    value: u64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.set(UINT, value, index)
    })
}

/// The value of an unsigned integer of at most 64 bits, as the device has it.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_uint(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.get(UINT, index)?);
        Ok(())
    })
}

/// Stages an unsigned integer of at most 64 bits.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_uint(
    variable: *mut rogue_mem_variable_t,
    value: u64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.stage(UINT, value, index)
    })
}

/// The staged value of an unsigned integer of at most 64 bits.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_uint(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut u64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.staged(UINT, index)?);
        Ok(())
    })
}

/// Sets a signed integer of at most 64 bits (ROGUE_MEM_MODEL_INT).
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_int(
    variable: *mut rogue_mem_variable_t,
    value: i64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.set(INT, value, index)
    })
}

/// The value of a signed integer of at most 64 bits, as the device has it.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_int(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut i64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.get(INT, index)?);
        Ok(())
    })
}

/// Stages a signed integer of at most 64 bits.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_int(
    variable: *mut rogue_mem_variable_t,
    value: i64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.stage(INT, value, index)
    })
}

/// The staged value of a signed integer of at most 64 bits.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_int(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut i64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.staged(INT, index)?);
        Ok(())
    })
}

/// Sets a truth value (ROGUE_MEM_MODEL_BOOL).
///
/// @param variable the variable.
/// @param value a flag.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_bool(
    variable: *mut rogue_mem_variable_t,
    value: u32,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.set(BOOL, value != 0, index)
    })
}

/// A truth value, as the device has it.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives a flag. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_bool(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.get(BOOL, index).map(u32::from)?);
        Ok(())
    })
}

/// Stages a truth value.
///
/// @param variable the variable.
/// @param value a flag.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_bool(
    variable: *mut rogue_mem_variable_t,
    value: u32,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.stage(BOOL, value != 0, index)
    })
}

/// A staged truth value.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives a flag. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_bool(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut u32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.staged(BOOL, index).map(u32::from)?);
        Ok(())
    })
}

/// Sets a number that single precision holds: of ROGUE_MEM_MODEL_FLOAT, or one of the narrower
/// models, to which it is rounded.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_float(
    variable: *mut rogue_mem_variable_t,
    value: f32,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.set(variable.float_accessor(), value, index)
    })
}

/// A number that single precision holds, as the device has it.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_float(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut f32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.get(variable.float_accessor(), index)?);
        Ok(())
    })
}

/// Stages a number that single precision holds.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_float(
    variable: *mut rogue_mem_variable_t,
    value: f32,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.stage(variable.float_accessor(), value, index)
    })
}

/// A staged number that single precision holds.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_float(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut f32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.staged(variable.float_accessor(), index)?);
        Ok(())
    })
}

/// Sets a number of double precision (ROGUE_MEM_MODEL_DOUBLE), or one of fixed point
/// (ROGUE_MEM_MODEL_FIXED, ROGUE_MEM_MODEL_UFIXED), to which it is rounded.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_double(
    variable: *mut rogue_mem_variable_t,
    value: f64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.set(variable.double_accessor(), value, index)
    })
}

/// A number of double precision or fixed point, as the device has it.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_double(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut f64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.get(variable.double_accessor(), index)?);
        Ok(())
    })
}

/// Stages a number of double precision or fixed point.
///
/// @param variable the variable.
/// @param value the value.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_double(
    variable: *mut rogue_mem_variable_t,
    value: f64,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.stage(variable.double_accessor(), value, index)
    })
}

/// A staged number of double precision or fixed point.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param value receives the value. Untouched on failure.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_double(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    value: *mut f64,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let value = unsafe { call.out(value, "value") }?;
        value.set(variable.staged(variable.double_accessor(), index)?);
        Ok(())
    })
}
