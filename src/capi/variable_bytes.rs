//! Values that are bytes: those of ROGUE_MEM_MODEL_BYTES, integers of more than 64 bits, text, and
//! values that the program itself converts. Errors of values and of transfers are those of the
//! section on variables.

use std::ffi::c_char;

use super::call::Call;
use super::generated::rogue_mem_variable_t;
use super::guard::status;
use super::status::rogue_mem_status_t;
use crate::error::{Result, Status};
use crate::memory::block::Variable;

/// The place for a value of `variable`.
///
/// # Safety
///
/// `start` must be null or valid for writing `count` bytes during `'a`.
unsafe fn room_of<'a>(
    call: Call,
    variable: &Variable,
    start: *mut u8,
    count: usize,
) -> Result<&'a mut [u8]> {
    // SAFETY: promised by the caller.
    let room = unsafe { call.bytes_mut(start, count, "bytes") }?;
    room.get_mut(..variable.value_bytes()).ok_or_else(|| {
        let (name, bytes) = (variable.name(), variable.value_bytes());
        let text = format!("`count` is {count}, but a value of {name} has {bytes} bytes");
        call.error(Status::InvalidArgument, text)
    })
}

/// Sets bytes: those of a ROGUE_MEM_MODEL_BYTES, lowest address first, or an integer of more
/// than 64 bits in two's complement, lowest byte first.
///
/// @param variable the variable.
/// @param bytes count bytes; what a value does not have is ignored.
/// @param count number of bytes, at least rogue_mem_variable_value_bytes.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_bytes(
    variable: *mut rogue_mem_variable_t,
    bytes: *const u8,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let bytes = unsafe { call.values(bytes, count, "bytes") }?;
        variable.set_bytes(bytes, index)
    })
}

/// The bytes that rogue_mem_variable_set_bytes sets, as the device has them. The unused bits of
/// the last byte repeat the sign of a signed integer, and are 0 otherwise.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
/// @param count size of bytes; at least that many.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_bytes(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    bytes: *mut u8,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let room = unsafe { room_of(call, &variable, bytes, count) }?;
        room.copy_from_slice(&variable.get_bytes(index)?);
        Ok(())
    })
}

/// Stages bytes: those of a ROGUE_MEM_MODEL_BYTES, lowest address first, or an integer of more
/// than 64 bits in two's complement, lowest byte first.
///
/// @param variable the variable.
/// @param bytes count bytes; what a value does not have is ignored.
/// @param count number of bytes, at least rogue_mem_variable_value_bytes.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_bytes(
    variable: *mut rogue_mem_variable_t,
    bytes: *const u8,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let bytes = unsafe { call.values(bytes, count, "bytes") }?;
        variable.stage_bytes(bytes, index)
    })
}

/// Staged bytes, as rogue_mem_variable_stage_bytes takes them. The unused bits of
/// the last byte repeat the sign of a signed integer, and are 0 otherwise.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
/// @param count size of bytes; at least that many.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_bytes(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    bytes: *mut u8,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let room = unsafe { room_of(call, &variable, bytes, count) }?;
        room.copy_from_slice(&variable.staged_bytes(index)?);
        Ok(())
    })
}

/// Stages bytes that the program has made from a value: the first ones, in their order, or for a
/// big-endian variable in the opposite order. Of a ROGUE_MEM_MODEL_PYFUNC, a
/// ROGUE_MEM_MODEL_BYTES, or an integer of more than 64 bits, which has to fit: the unused bits of
/// its highest byte are 0, or repeat the sign.
///
/// @param variable the variable.
/// @param bytes count bytes; what a value does not have is ignored.
/// @param count number of bytes, at least rogue_mem_variable_value_bytes.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_raw(
    variable: *mut rogue_mem_variable_t,
    bytes: *const u8,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let bytes = unsafe { call.values(bytes, count, "bytes") }?;
        variable.stage_raw(bytes, index)
    })
}

/// Staged bytes, as rogue_mem_variable_stage_raw takes them.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
/// @param count size of bytes; at least that many.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_raw(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    bytes: *mut u8,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count bytes, as the header demands.
        let room = unsafe { room_of(call, &variable, bytes, count) }?;
        room.copy_from_slice(&variable.staged_raw(index)?);
        Ok(())
    })
}

/// Sets the text of a ROGUE_MEM_MODEL_STRING. It may fill the variable; the rest is set to zero.
///
/// @param variable the variable.
/// @param text the text, of any encoding: it ends at the first NUL.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
/// also if the text is too long.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_string(
    variable: *mut rogue_mem_variable_t,
    text: *const c_char,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let text = unsafe { call.c_string(text, "text") }?;
        variable.set_string(text.to_bytes(), index)
    })
}

/// Stages the text of a ROGUE_MEM_MODEL_STRING. It may fill the variable; the rest is set to zero.
///
/// @param variable the variable.
/// @param text the text, of any encoding: it ends at the first NUL.
/// @param index an element of a list; ignored for a scalar.
/// @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
/// the text is too long.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_string(
    variable: *mut rogue_mem_variable_t,
    text: *const c_char,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or ending in NUL, as the header demands.
        let text = unsafe { call.c_string(text, "text") }?;
        variable.stage_string(text.to_bytes(), index)
    })
}

/// The text of a ROGUE_MEM_MODEL_STRING, as the device has it, up to the first NUL.
/// It may be cut within a character, and need not be UTF-8: the bytes are those of the device.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_string(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.text_out(buffer, capacity, length) }?;
        out.set_bytes(&variable.get_string(index)?);
        Ok(())
    })
}

/// The staged text of a ROGUE_MEM_MODEL_STRING, up to the first NUL.
/// It may be cut within a character, and need not be UTF-8: the bytes are those of the device.
///
/// @param variable the variable.
/// @param index an element of a list; ignored for a scalar.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; the errors of values.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_string(
    variable: *mut rogue_mem_variable_t,
    index: i32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.text_out(buffer, capacity, length) }?;
        out.set_bytes(&variable.staged_string(index)?);
        Ok(())
    })
}
