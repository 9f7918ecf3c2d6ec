//! A variable says where the bits of a value are in a block of registers, and what they mean. It
//! holds no data: that is in the block to which rogue_mem_block_add_variables adds it.
//!
//! Bit n of a block is bit n % 8, counted from the least significant, of byte n / 8. A scalar has
//! one or more parts, which take the bits of its value in their order, from the lowest on. A list
//! has elements of value_bits bits, one each value_stride bits.
//!
//! The functions below come in four forms. set_... stages a value and writes it, as
//! rogue_mem_block_write does; get_... reads first, as rogue_mem_block_read does. stage_... and
//! staged_... only touch the bytes of the block. A value that is refused is not staged. index
//! selects an element of a list.
//!
//! Errors of values: ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the variable
//! has another model ("Wrong set type"), for an index out of range, and for a value that the
//! variable cannot have, or that is outside of its limits; ROGUE_MEM_ERROR_NOT_FOUND if the variable
//! is in no block. Errors of transfers: those of rogue_mem_block_start with check.

use std::ffi::c_char;

use super::argument::Versioned;
use super::call::Call;
use super::convert::{is_clear, is_set};
use super::generated::{rogue_mem_block_t, rogue_mem_variable_t};
use super::guard::{status, value};
use super::handle::into_handle;
use super::status::rogue_mem_status_t;
use crate::error::Result;
use crate::memory::block::{Mode, Model, Variable, VariableSpec};

/// Model: bytes that the program itself converts. A big-endian value is reversed.
pub const ROGUE_MEM_MODEL_PYFUNC: u32 = 0;
/// Model: bytes, lowest address first.
pub const ROGUE_MEM_MODEL_BYTES: u32 = 1;
/// Model: an unsigned integer; one of more than 64 bits is bytes, lowest first.
pub const ROGUE_MEM_MODEL_UINT: u32 = 2;
/// Model: a signed integer in two's complement; one of more than 64 bits is bytes, lowest first.
pub const ROGUE_MEM_MODEL_INT: u32 = 3;
/// Model: a truth value.
pub const ROGUE_MEM_MODEL_BOOL: u32 = 4;
/// Model: text up to the first NUL.
pub const ROGUE_MEM_MODEL_STRING: u32 = 5;
/// Model: IEEE 754 single precision, 32 bits.
pub const ROGUE_MEM_MODEL_FLOAT: u32 = 6;
/// Model: IEEE 754 double precision, 64 bits.
pub const ROGUE_MEM_MODEL_DOUBLE: u32 = 7;
/// Model: a signed integer, divided by two to the power of bin_point.
pub const ROGUE_MEM_MODEL_FIXED: u32 = 8;
/// Model: an unsigned integer, divided by two to the power of bin_point.
pub const ROGUE_MEM_MODEL_UFIXED: u32 = 9;
/// Model: IEEE 754 half precision, 16 bits.
pub const ROGUE_MEM_MODEL_FLOAT16: u32 = 10;
/// Model: E4M3, 8 bits: largest value 448, no infinity.
pub const ROGUE_MEM_MODEL_FLOAT8: u32 = 11;
/// Model: the upper half of a single precision number, 16 bits.
pub const ROGUE_MEM_MODEL_BFLOAT16: u32 = 12;
/// Model: a single precision number whose lowest 13 bits are zero, 32 bits.
pub const ROGUE_MEM_MODEL_TENSOR_FLOAT32: u32 = 13;
/// Model: E3M2, 6 to 8 bits: largest value 28, neither infinity nor NaN.
pub const ROGUE_MEM_MODEL_FLOAT6: u32 = 14;
/// Model: E2M1, 4 to 8 bits: largest value 6, neither infinity nor NaN.
pub const ROGUE_MEM_MODEL_FLOAT4: u32 = 15;
/// The first id of models of the program's own, for which the library has no conversion.
pub const ROGUE_MEM_MODEL_CUSTOM: u32 = 128;

/// All that a program says about a variable. Zero-initialise it, set size, name, model, and then
/// other members as needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rogue_mem_variable_spec_t {
    /// sizeof(rogue_mem_variable_spec_t).
    pub size: usize,
    /// The name, UTF-8, copied; the path at first. Must not be NULL.
    pub name: *const c_char,
    /// "RW": read and written; "RO": only read; "WO": only written. Another text, which Rogue
    /// accepts: read and written, never verified. NULL: "RW".
    pub mode: *const c_char,
    /// First bits of part_count parts, relative to the start of the block.
    pub bit_offsets: *const u64,
    /// Widths of part_count parts, in bits; see has_parts.
    pub bit_sizes: *const u64,
    /// The first bit, if part_count is 0: there is one part then.
    pub bit_offset: u64,
    /// The width in bits, if part_count is 0. 0 for a list: num_values times value_stride.
    pub bit_size: u64,
    /// Byte offset; only rogue_mem_variable_shift_offset_down uses it.
    pub offset: u64,
    /// The smallest value that may be set.
    pub minimum: f64,
    /// The largest value that may be set. If both are 0, all that the width holds may be set; see
    /// has_range.
    pub maximum: f64,
    /// Number of parts in bit_offsets and bit_sizes; 0: one part, of bit_offset and bit_size.
    pub part_count: u32,
    /// ROGUE_MEM_MODEL_..., or the id of a model of the program's own.
    pub model: u32,
    /// Bits of the fraction of a fixed point number.
    pub bin_point: u32,
    /// Number of elements of a list; 0: a scalar.
    pub num_values: u32,
    /// Width of an element of a list, in bits.
    pub value_bits: u32,
    /// Distance between elements of a list, in bits; 0 = value_bits.
    pub value_stride: u32,
    /// Attempts after a failed one, for each transaction of its block.
    pub retry_count: u32,
    /// A flag: whether minimum and maximum limit the value even if both are 0.
    pub has_range: u32,
    /// A flag: whether the highest byte of a value comes first.
    pub big_endian: u32,
    /// A flag: whether the highest bit of a number comes first.
    pub reverse_bits: u32,
    /// A flag: whether it may share bits with other variables that may.
    pub may_overlap: u32,
    /// A flag: whether it is not read back and compared after a write.
    pub no_verify: u32,
    /// A flag: whether it takes no part in bulk operations; for the program's own use.
    pub no_bulk: u32,
    /// A flag: whether the observer of its block is not called for it.
    pub no_notify: u32,
    /// A flag, for callers that have not compared the numbers of bit_offsets and bit_sizes:
    /// part_count is that of bit_offsets, also if it is 0, and size_count that of bit_sizes. A
    /// variable with unequal numbers, or none, is refused.
    pub has_parts: u32,
    /// Number of values in bit_sizes, with has_parts; otherwise ignored.
    pub size_count: u32,
}

// SAFETY: an integer first, then pointers that may be null, and numbers.
unsafe impl Versioned for rogue_mem_variable_spec_t {
    const SIZE_FIRST_BYTES: usize = size_of::<Self>();
}

impl rogue_mem_variable_spec_t {
    /// What the library makes a variable from.
    ///
    /// # Safety
    ///
    /// What the header demands of the members.
    unsafe fn spec(&self, call: Call) -> Result<VariableSpec> {
        // SAFETY: null or ending in NUL, as promised.
        let name = unsafe { call.text(self.name, "name") }?.to_owned();
        let mode = match self.mode.is_null() {
            true => Mode::ReadWrite,
            // SAFETY: ending in NUL, as promised.
            false => Mode::new(unsafe { call.text(self.mode, "mode") }?),
        };
        let value_stride = match self.value_stride {
            0 if self.num_values > 0 => self.value_bits,
            stride => stride,
        };
        let (count, has_parts) = (self.part_count as usize, is_set(self.has_parts));
        let size_count = if has_parts { self.size_count as usize } else { count };
        // SAFETY: null or valid for part_count values, as promised.
        let mut bit_offset =
            unsafe { call.values(self.bit_offsets, count, "bit_offsets") }?.to_vec();
        // SAFETY: as above.
        let mut bit_size =
            unsafe { call.values(self.bit_sizes, size_count, "bit_sizes") }?.to_vec();
        if count == 0 && !has_parts {
            bit_offset.push(self.bit_offset);
            bit_size.push(match self.bit_size {
                0 => u64::from(self.num_values) * u64::from(value_stride),
                size => size,
            });
        }
        let range = match is_set(self.has_range) {
            true => Some((self.minimum, self.maximum)),
            false => VariableSpec::range_of(self.minimum, self.maximum),
        };
        Ok(VariableSpec {
            name,
            mode,
            range,
            offset: self.offset,
            bit_offset,
            bit_size,
            may_overlap: is_set(self.may_overlap),
            is_verified: is_clear(self.no_verify),
            is_bulk: is_clear(self.no_bulk),
            is_notified: is_clear(self.no_notify),
            model: Model::from_id(self.model),
            is_big_endian: is_set(self.big_endian),
            reverses_bits: is_set(self.reverse_bits),
            bin_point: self.bin_point,
            num_values: self.num_values,
            value_bits: self.value_bits,
            value_stride,
            retry_count: self.retry_count,
        })
    }
}

/// Makes a variable.
///
/// @param spec what it is, copied.
/// @param out receives the variable, a new reference. Untouched on failure.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a name of NULL;
/// ROGUE_MEM_ERROR_INVALID_ARGUMENT for a wrong size of spec, a geometry that no block can have, or
/// a width that the model cannot have; ROGUE_MEM_ERROR_INVALID_TEXT.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_new(
    spec: *const rogue_mem_variable_spec_t,
    out: *mut *mut rogue_mem_variable_t,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.out(out, "out") }?;
        // SAFETY: null or as long as its `size` says, as the header demands.
        let given = unsafe { call.versioned(spec, "spec") }?;
        // SAFETY: what the header demands.
        out.set(into_handle(Variable::new(unsafe { given.spec(call) }?)?));
        Ok(())
    })
}

/// The block that has the variable.
///
/// @param variable the variable.
/// @return the block, a new reference; NULL, with the last error set, if variable is NULL or in no
/// block (ROGUE_MEM_ERROR_NOT_FOUND).
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_block(
    variable: *const rogue_mem_variable_t,
) -> *mut rogue_mem_block_t {
    value(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        variable.block().map(into_handle)
    })
}

/// Lists the parts: where they begin, as shifted so far, and how wide they are.
///
/// @param variable the variable.
/// @param bit_offsets_or_null receives the first bits of the first capacity parts; may be NULL.
/// @param bit_sizes_or_null receives the widths of these, in bits; may be NULL.
/// @param capacity room of both, as a number of parts.
/// @param count receives the number of parts.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if capacity
/// is impossible.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_parts(
    variable: *const rogue_mem_variable_t,
    bit_offsets_or_null: *mut u64,
    bit_sizes_or_null: *mut u64,
    capacity: usize,
    count: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let count = unsafe { call.out(count, "count") }?;
        let offsets = variable.bit_offset();
        let lists = [
            (bit_offsets_or_null, &offsets, "bit_offsets_or_null"),
            (bit_sizes_or_null, &variable.spec().bit_size, "bit_sizes_or_null"),
        ];
        for (place, numbers, name) in lists {
            let room = if place.is_null() { 0 } else { capacity };
            // SAFETY: null or valid for capacity values, as the header demands.
            let room = unsafe { call.values_out(place, room, name) }?;
            for (place, number) in room.iter_mut().zip(numbers) {
                place.write(*number);
            }
        }
        count.set(offsets.len());
        Ok(())
    })
}

/// Prints the values: the path, "=", each value after a space, and a newline. Integers are decimal,
/// those of more than 64 bits hexadecimal with the highest digit first; bytes hexadecimal with the
/// lowest address first; floating point numbers have six digits. Values that the program converts
/// are "UNDEFINED".
///
/// @param variable the variable.
/// @param read a flag: whether to read the variable first. The text of one call with it may differ
/// from that of the next: give enough room, or ask for the length with a second call without it.
/// @param buffer receives the text, see "Texts" above.
/// @param capacity size of buffer in bytes.
/// @param length receives the length of the text; may be NULL.
/// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if the variable is
/// in no block; with read the errors of transfers.
#[no_mangle]
pub unsafe extern "C" fn rogue_mem_variable_dump(
    variable: *mut rogue_mem_variable_t,
    read: u32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> rogue_mem_status_t {
    status(|call| {
        // SAFETY: null or live, as the header demands.
        let variable = unsafe { call.handle(variable) }?;
        // SAFETY: null or valid, as the header demands.
        let out = unsafe { call.text_out(buffer, capacity, length) }?;
        out.set(&variable.dump(is_set(read))?);
        Ok(())
    })
}
