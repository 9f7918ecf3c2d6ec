//! Lists have numbers of any type that holds them, and one call moves any number of elements. Errors
//! of values and of transfers are those of the section on variables.

use std::ffi::c_void;

use super::call::Call;
use super::generated::rogue_mem_variable_t;
use super::guard::status;
use super::handle::Borrowed;
use super::status::rogue_mem_status_t;
use crate::error::{Error, Result, Status};
use crate::memory::block::{Accessor, Model, Scalar, Variable, BOOL, INT, UINT};

/// Type of elements: uint8_t.
pub const ROGUE_MEM_ELEMENT_UINT8: u32 = 1;
/// Type of elements: uint16_t.
pub const ROGUE_MEM_ELEMENT_UINT16: u32 = 2;
/// Type of elements: uint32_t.
pub const ROGUE_MEM_ELEMENT_UINT32: u32 = 3;
/// Type of elements: uint64_t.
pub const ROGUE_MEM_ELEMENT_UINT64: u32 = 4;
/// Type of elements: int8_t.
pub const ROGUE_MEM_ELEMENT_INT8: u32 = 5;
/// Type of elements: int16_t.
pub const ROGUE_MEM_ELEMENT_INT16: u32 = 6;
/// Type of elements: int32_t.
pub const ROGUE_MEM_ELEMENT_INT32: u32 = 7;
/// Type of elements: int64_t.
pub const ROGUE_MEM_ELEMENT_INT64: u32 = 8;
/// Type of elements: a truth value in a uint8_t: 0 is false, every other one true.
pub const ROGUE_MEM_ELEMENT_BOOL: u32 = 9;
/// Type of elements: float.
pub const ROGUE_MEM_ELEMENT_FLOAT: u32 = 10;
/// Type of elements: double.
pub const ROGUE_MEM_ELEMENT_DOUBLE: u32 = 11;

/// Values as the library takes them.
enum Values {
    UInt(Vec<u64>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
    Float(Vec<f32>),
    Double(Vec<f64>),
}

impl Values {
    /// Copies of `count` values of `ty`.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for reading all of them.
    unsafe fn copied(call: Call, ty: u32, start: *const c_void, count: usize) -> Result<Values> {
        let from = (call, start, count);
        // SAFETY: promised by the caller.
        unsafe {
            Ok(match ty {
                ROGUE_MEM_ELEMENT_UINT8 => Values::UInt(copied::<u8, _>(from, u64::from)?),
                ROGUE_MEM_ELEMENT_UINT16 => Values::UInt(copied::<u16, _>(from, u64::from)?),
                ROGUE_MEM_ELEMENT_UINT32 => Values::UInt(copied::<u32, _>(from, u64::from)?),
                ROGUE_MEM_ELEMENT_UINT64 => Values::UInt(copied::<u64, _>(from, u64::from)?),
                ROGUE_MEM_ELEMENT_INT8 => Values::Int(copied::<i8, _>(from, i64::from)?),
                ROGUE_MEM_ELEMENT_INT16 => Values::Int(copied::<i16, _>(from, i64::from)?),
                ROGUE_MEM_ELEMENT_INT32 => Values::Int(copied::<i32, _>(from, i64::from)?),
                ROGUE_MEM_ELEMENT_INT64 => Values::Int(copied::<i64, _>(from, i64::from)?),
                ROGUE_MEM_ELEMENT_BOOL => Values::Bool(copied::<u8, _>(from, |byte| byte != 0)?),
                ROGUE_MEM_ELEMENT_FLOAT => Values::Float(copied::<f32, _>(from, f32::from)?),
                ROGUE_MEM_ELEMENT_DOUBLE => Values::Double(copied::<f64, _>(from, f64::from)?),
                _ => return Err(unknown(call, ty)),
            })
        }
    }

    fn stage(&self, variable: &Variable, index: i32) -> Result<()> {
        match self {
            Values::UInt(values) => variable.stage_all(UINT, values, index),
            Values::Int(values) => variable.stage_all(INT, values, index),
            Values::Bool(values) => variable.stage_all(BOOL, values, index),
            Values::Float(values) => variable.stage_all(variable.float_accessor(), values, index),
            Values::Double(values) => variable.stage_all(variable.double_accessor(), values, index),
        }
    }

    fn set(&self, variable: &Variable, index: i32) -> Result<()> {
        match self {
            Values::UInt(values) => variable.set_all(UINT, values, index),
            Values::Int(values) => variable.set_all(INT, values, index),
            Values::Bool(values) => variable.set_all(BOOL, values, index),
            Values::Float(values) => variable.set_all(variable.float_accessor(), values, index),
            Values::Double(values) => variable.set_all(variable.double_accessor(), values, index),
        }
    }
}

fn unknown(call: Call, ty: u32) -> Error {
    let text = format!("Argument `type` is {ty}: pass one of ROGUE_MEM_ELEMENT_...");
    call.error(Status::InvalidArgument, text)
}

/// Copies values, which need not be aligned.
///
/// # Safety
///
/// `start` must be null or valid for reading `count` values of `T`.
unsafe fn copied<T: Copy, V>(
    (call, start, count): (Call, *const c_void, usize),
    convert: fn(T) -> V,
) -> Result<Vec<V>> {
    let bytes = count.saturating_mul(size_of::<T>());
    let start = call.start(start.cast::<u8>(), bytes, "values")?.cast::<T>();
    // SAFETY: promised by the caller, and just checked as far as it can be.
    Ok((0..count).map(|at| convert(unsafe { start.add(at).as_ptr().read_unaligned() })).collect())
}

/// Where values of a variable are wanted.
struct Wanted<'a> {
    call: Call,
    variable: Borrowed<'a, rogue_mem_variable_t>,
    index: i32,
    start: *mut c_void,
    count: usize,
    /// Whether to read them from the device first.
    reads: bool,
}

impl Wanted<'_> {
    /// Fills the place with elements of `T`.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for writing `count` values of `T`.
    unsafe fn fill<V: Scalar, T>(&self, accessor: Accessor<V>, convert: fn(V) -> T) -> Result<()> {
        let bytes = self.count.saturating_mul(size_of::<T>());
        let start = self.call.start(self.start.cast::<u8>(), bytes, "values")?.cast::<T>();
        let mut values = vec![V::default(); self.count];
        match self.reads {
            true => self.variable.get_all(accessor, self.index, &mut values)?,
            false => self.variable.staged_all(accessor, self.index, &mut values)?,
        }
        for (at, value) in values.into_iter().enumerate() {
            // SAFETY: promised by the caller, and checked above as far as it can be.
            unsafe { start.add(at).as_ptr().write_unaligned(convert(value)) };
        }
        Ok(())
    }

    /// As [`fill`](Self::fill), with integers, which have to have room for the variable's.
    ///
    /// # Safety
    ///
    /// As for `fill`.
    unsafe fn fill_integers<V: Scalar, T>(
        &self,
        model: Model,
        accessor: Accessor<V>,
        convert: fn(V) -> T,
    ) -> Result<()> {
        self.variable.expect_model(model, false)?;
        let (bits, room) = (self.variable.value_bits(), 8 * size_of::<T>());
        if bits as usize > room {
            let name = self.variable.name();
            let text = format!("Elements of {room} bits do not hold the {bits} bits of {name}");
            return Err(self.call.error(Status::InvalidArgument, text));
        }
        // SAFETY: promised by the caller.
        unsafe { self.fill(accessor, convert) }
    }

    /// Fills the place with elements of `ty`.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for writing `count` of these.
    unsafe fn fill_with(&self, ty: u32) -> Result<()> {
        // SAFETY: promised by the caller.
        unsafe {
            match ty {
                ROGUE_MEM_ELEMENT_UINT8 => self.fill_integers(Model::UInt, UINT, |v| v as u8),
                ROGUE_MEM_ELEMENT_UINT16 => self.fill_integers(Model::UInt, UINT, |v| v as u16),
                ROGUE_MEM_ELEMENT_UINT32 => self.fill_integers(Model::UInt, UINT, |v| v as u32),
                ROGUE_MEM_ELEMENT_UINT64 => self.fill_integers(Model::UInt, UINT, |v| v),
                ROGUE_MEM_ELEMENT_INT8 => self.fill_integers(Model::Int, INT, |v| v as i8),
                ROGUE_MEM_ELEMENT_INT16 => self.fill_integers(Model::Int, INT, |v| v as i16),
                ROGUE_MEM_ELEMENT_INT32 => self.fill_integers(Model::Int, INT, |v| v as i32),
                ROGUE_MEM_ELEMENT_INT64 => self.fill_integers(Model::Int, INT, |v| v),
                ROGUE_MEM_ELEMENT_BOOL => self.fill(BOOL, u8::from),
                ROGUE_MEM_ELEMENT_FLOAT => self.fill(self.variable.float_accessor(), |v| v),
                ROGUE_MEM_ELEMENT_DOUBLE => self.fill(self.variable.double_accessor(), |v| v),
                _ => Err(unknown(self.call, ty)),
            }
        }
    }
}

/// Sets elements of a list from one element on, with one transfer; none without values. All are
/// checked before the first is staged.
///
/// @param variable the variable.
/// @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs: unsigned or signed
/// integers, truth values, float, or double.
/// @param values count values; may be NULL if count is 0.
/// @param count number of values.
/// @param index the first element; -1 means 0.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
/// also if there are more values than elements, or for an unknown type.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_set_values(
    variable: *mut rogue_mem_variable_t,
    r#type: u32,
    values: *const c_void,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count values, as the header demands.
        unsafe { Values::copied(call, r#type, values, count) }?.set(&variable, index)
    })
}

/// Stages elements of a list from one element on. All are checked before the
/// first is staged.
///
/// @param variable the variable.
/// @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs: unsigned or signed
/// integers, truth values, float, or double.
/// @param values count values; may be NULL if count is 0.
/// @param count number of values.
/// @param index the first element; -1 means 0.
/// @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
/// there are more values than elements, or for an unknown type.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_stage_values(
    variable: *mut rogue_mem_variable_t,
    r#type: u32,
    values: *const c_void,
    count: usize,
    index: i32,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid for count values, as the header demands.
        unsafe { Values::copied(call, r#type, values, count) }?.stage(&variable, index)
    })
}

/// Elements of a list from one element on, as the device has them, with one transfer.
///
/// @param variable the variable.
/// @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs; integers at least
/// as wide as the elements.
/// @param index the first element; -1 means 0.
/// @param values receives count values; may be NULL if count is 0. Untouched on failure.
/// @param count number of values.
/// @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
/// also if there are fewer elements, or for an unknown or too narrow type.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_get_values(
    variable: *mut rogue_mem_variable_t,
    r#type: u32,
    index: i32,
    values: *mut c_void,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        let wanted = Wanted { call, variable, index, start: values, count, reads: true };
        // SAFETY: null or valid for count values, as the header demands.
        unsafe { wanted.fill_with(r#type) }
    })
}

/// Staged elements of a list from one element on.
///
/// @param variable the variable.
/// @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs; integers at least
/// as wide as the elements.
/// @param index the first element; -1 means 0.
/// @param values receives count values; may be NULL if count is 0. Untouched on failure.
/// @param count number of values.
/// @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
/// there are fewer elements, or for an unknown or too narrow type.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_staged_values(
    variable: *mut rogue_mem_variable_t,
    r#type: u32,
    index: i32,
    values: *mut c_void,
    count: usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        let wanted = Wanted { call, variable, index, start: values, count, reads: false };
        // SAFETY: null or valid for count values, as the header demands.
        unsafe { wanted.fill_with(r#type) }
    })
}
