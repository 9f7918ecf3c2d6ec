//! Functions of typed registers.

use super::{functions, Function, Group};

functions! {
    variable {
        /// The name.
        fn name(self) -> text { variable.name().to_owned() }

        /// The path, which errors and dumps show: the name until rogue_mem_variable_update_path.
        fn path(self) -> text { variable.path().to_string() }

        /// Sets the path. A block takes its own path from its first variable when that is added.
        /// @param path the path, UTF-8, copied.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
        fn update_path(self, path: text) -> status { variable.update_path(path) }

        /// The mode, as rogue_mem_variable_spec_t has it.
        fn mode(self) -> text { variable.spec().mode.text().to_owned() }

        /// The model.
        /// @return ROGUE_MEM_MODEL_..., or the id of a model of the program's own.
        fn model(self) -> u32 { variable.spec().model.id() }

        /// The smallest value that may be set.
        /// @return the limit; 0 if there is none.
        fn minimum(self) -> f64 { variable.spec().range.map_or(0.0, |(minimum, _)| minimum) }

        /// The largest value that may be set.
        /// @return the limit; 0 if there is none.
        fn maximum(self) -> f64 { variable.spec().range.map_or(0.0, |(_, maximum)| maximum) }

        /// Bits of the fraction of a fixed point number.
        /// @return bits.
        fn bin_point(self) -> u32 { variable.spec().bin_point }

        /// The sum of the widths of the parts; of a list, the width given for its only part.
        /// @return bits.
        fn bit_total(self) -> u64 { variable.bit_total() }

        /// rogue_mem_variable_bit_total in bytes, rounded up.
        /// @return bytes.
        fn byte_size(self) -> u64 { variable.byte_size() }

        /// Width of one value.
        /// @return bits.
        fn value_bits(self) -> u32 { variable.value_bits() }

        /// Width of one value in bytes, rounded up.
        /// @return bytes.
        fn value_bytes(self) -> u32 { variable.value_bytes() as u32 }

        /// Distance between elements; of a scalar its width.
        /// @return bits.
        fn value_stride(self) -> u32 { variable.value_stride() }

        /// Number of elements.
        /// @return the number; 0 for a scalar.
        fn num_values(self) -> u32 { variable.num_values() }

        /// Size of a block that ends with this variable, in multiples of the smallest access.
        /// @return bytes.
        fn var_bytes(self) -> u64 { variable.var_bytes() }

        /// The byte offset, as shifted so far.
        /// @return bytes.
        fn offset(self) -> u64 { variable.offset() }

        /// Whether it may share bits with other variables that may.
        /// @return true if it may.
        fn may_overlap(self) -> bool { variable.spec().may_overlap }

        /// Whether it is read back and compared after a write, if its mode is "RW".
        /// @return true if it is.
        fn is_verified(self) -> bool { variable.spec().is_verified }

        /// Whether it takes part in bulk operations of the program's.
        /// @return true if it does.
        fn is_bulk(self) -> bool { variable.spec().is_bulk }

        /// Whether the observer of its block is called for it.
        /// @return true if it is.
        fn is_notified(self) -> bool { variable.spec().is_notified }

        /// Whether its highest byte comes first.
        /// @return true if it does.
        fn is_big_endian(self) -> bool { variable.spec().is_big_endian }

        /// Whether the highest bit of a number comes first.
        /// @return true if it does.
        fn reverses_bits(self) -> bool { variable.spec().reverses_bits }

        /// Attempts after a failed one, for each transaction of its block.
        /// @return the number.
        fn retry_count(self) -> u32 { variable.spec().retry_count }

        /// Moves the origin of the bit positions down: the offset decreases, modulo 2^64, and all
        /// bit positions increase. From now on accesses cover multiples of min_size bytes.
        /// @param shift bytes.
        /// @param min_size bytes of the smallest access.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
        /// the variable is in a block, or would end beyond every block: nothing is changed then.
        fn shift_offset_down(self, shift: u64, min_size: u64) -> result {
            variable.shift_offset_down(shift, min_size)
        }

        /// Sets the threshold of the logger of its block, "pyrogue.memory.block." and the block's
        /// path.
        /// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is
        /// in no block.
        fn set_log_level(self, level: u32) -> result {
            variable.block()?.set_log_level(crate::logging::Level(level))
        }

        /// Checks that values of the variable are those of a model, for programs whose own
        /// functions name the model.
        /// @param model ROGUE_MEM_MODEL_...; ROGUE_MEM_MODEL_FIXED and ROGUE_MEM_MODEL_UFIXED both
        /// mean either.
        /// @param is_set a flag: whether a value is to be set; the error says so.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT,
        /// "Wrong set type for variable" and its path, if it has another model.
        fn expect_model(self, model: u32, is_set: u32) -> result {
            variable.expect_model(Model::from_id(model), is_set != 0)
        }

        /// Reads the variable, and waits.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is
        /// in no block; the errors of rogue_mem_block_start with check.
        fn read(self) -> result { variable.block()?.read(&variable, -1) }

        /// Writes the variable with everything that is staged in its block, verifies what is to be
        /// verified, and waits.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is
        /// in no block; the errors of rogue_mem_block_start with check.
        fn write(self) -> result { variable.block()?.write(&variable, -1) }
    }

    /// Numbers and truth values, one at a time: of a scalar, or of an element of a list. Errors of
    /// values and of transfers are those of the section on variables.
    variable_numbers of variable {
        /// Sets an unsigned integer of at most 64 bits (ROGUE_MEM_MODEL_UINT).
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn set_uint(self, value: u64, index: i32) -> result { variable.set(UINT, value, index) }

        /// The value of an unsigned integer of at most 64 bits, as the device has it.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn get_uint(self, index: i32) -> value u64 { variable.get(UINT, index) }

        /// Stages an unsigned integer of at most 64 bits.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn stage_uint(self, value: u64, index: i32) -> result { variable.stage(UINT, value, index) }

        /// The staged value of an unsigned integer of at most 64 bits.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn staged_uint(self, index: i32) -> value u64 { variable.staged(UINT, index) }

        /// Sets a signed integer of at most 64 bits (ROGUE_MEM_MODEL_INT).
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn set_int(self, value: i64, index: i32) -> result { variable.set(INT, value, index) }

        /// The value of a signed integer of at most 64 bits, as the device has it.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn get_int(self, index: i32) -> value i64 { variable.get(INT, index) }

        /// Stages a signed integer of at most 64 bits.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn stage_int(self, value: i64, index: i32) -> result { variable.stage(INT, value, index) }

        /// The staged value of a signed integer of at most 64 bits.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn staged_int(self, index: i32) -> value i64 { variable.staged(INT, index) }

        /// Sets a truth value (ROGUE_MEM_MODEL_BOOL).
        /// @param value a flag.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn set_bool(self, value: u32, index: i32) -> result {
            variable.set(BOOL, value != 0, index)
        }

        /// A truth value, as the device has it.
        /// @param index an element of a list; ignored for a scalar.
        /// @param value receives a flag. Untouched on failure.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn get_bool(self, index: i32) -> value u32 { variable.get(BOOL, index).map(u32::from) }

        /// Stages a truth value.
        /// @param value a flag.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn stage_bool(self, value: u32, index: i32) -> result {
            variable.stage(BOOL, value != 0, index)
        }

        /// A staged truth value.
        /// @param index an element of a list; ignored for a scalar.
        /// @param value receives a flag. Untouched on failure.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn staged_bool(self, index: i32) -> value u32 { variable.staged(BOOL, index).map(u32::from) }

        /// Sets a number that single precision holds: of ROGUE_MEM_MODEL_FLOAT, or one of the
        /// narrower models, to which it is rounded.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn set_float(self, value: f32, index: i32) -> result {
            variable.set(variable.float_accessor(), value, index)
        }

        /// A number that single precision holds, as the device has it.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn get_float(self, index: i32) -> value f32 {
            variable.get(variable.float_accessor(), index)
        }

        /// Stages a number that single precision holds.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn stage_float(self, value: f32, index: i32) -> result {
            variable.stage(variable.float_accessor(), value, index)
        }

        /// A staged number that single precision holds.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn staged_float(self, index: i32) -> value f32 {
            variable.staged(variable.float_accessor(), index)
        }

        /// Sets a number of double precision (ROGUE_MEM_MODEL_DOUBLE), or one of fixed point
        /// (ROGUE_MEM_MODEL_FIXED, ROGUE_MEM_MODEL_UFIXED), to which it is rounded.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn set_double(self, value: f64, index: i32) -> result {
            variable.set(variable.double_accessor(), value, index)
        }

        /// A number of double precision or fixed point, as the device has it.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values, and of transfers.
        fn get_double(self, index: i32) -> value f64 {
            variable.get(variable.double_accessor(), index)
        }

        /// Stages a number of double precision or fixed point.
        /// @param value the value.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn stage_double(self, value: f64, index: i32) -> result {
            variable.stage(variable.double_accessor(), value, index)
        }

        /// A staged number of double precision or fixed point.
        /// @param index an element of a list; ignored for a scalar.
        /// @return ROGUE_MEM_OK; the errors of values.
        fn staged_double(self, index: i32) -> value f64 {
            variable.staged(variable.double_accessor(), index)
        }
    }

    block {
        /// Makes a block. Its bytes are zero at first. It is disabled: until
        /// rogue_mem_block_set_enable its transactions are skipped.
        /// @param offset byte offset, relative to the slave that its master is connected to.
        /// @param size number of bytes.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
        /// no bytes, or an end beyond the address space; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
        fn new(offset: u64, size: u32) -> new block {
            crate::memory::block::Block::new(offset, size)?
        }

        /// The master whose slave has the registers: connect it with rogue_mem_master_set_slave.
        /// The transactions of the block have its timeout.
        /// @return the master, a new reference.
        fn master(self) -> master { block.master().clone() }

        /// The byte offset, relative to the slave of its master.
        /// @return bytes.
        fn offset(self) -> u64 { block.offset() }

        /// The number of bytes.
        /// @return bytes.
        fn size(self) -> u32 { block.size() }

        /// The address as seen from the end of the path.
        /// @return byte address.
        fn address(self) -> u64 { block.address() }

        /// "Undefined", or the path that the first variable had when it was added.
        fn path(self) -> text { block.path().to_string() }

        /// The mode that all variables have; "RW" if they differ, and without variables.
        fn mode(self) -> text { block.mode().text().to_owned() }

        /// Whether a variable takes part in bulk operations of the program's.
        /// @return true if one does.
        fn is_bulk(self) -> bool { block.is_bulk() }

        /// Whether transactions are sent.
        /// @return true if they are.
        fn is_enabled(self) -> bool { block.is_enabled() }

        /// Lets transactions be sent, or skips them. A write that is skipped is not made up for:
        /// what was staged for it is not stale any more.
        /// @param enable a flag.
        fn set_enable(self, enable: u32) -> status { block.set_enable(enable != 0) }

        /// Sets the threshold of the block's logger, "pyrogue.memory.block." and its path.
        /// @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND for a
        /// block without variables, which has no logger.
        fn set_log_level(self, level: u32) -> result {
            block.set_log_level(crate::logging::Level(level))
        }

        /// Reads a variable of the block, and waits.
        /// @param variable the variable.
        /// @param index the element to read; -1, or any other one that does not exist: all.
        /// @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
        fn read(self, variable: variable, index: i32) -> result { block.read(&variable, index) }

        /// Writes a variable of the block with everything that is staged, verifies what is to be
        /// verified, and waits. No transaction of another thread comes between, so this thread is
        /// told of a difference.
        /// @param variable the variable.
        /// @param index the element to write; -1, or any other one that does not exist: all.
        /// @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
        fn write(self, variable: variable, index: i32) -> result { block.write(&variable, index) }
    }
}
