//! Typed registers: any geometry, and values of any kind in it, against a naive model of where the
//! bits are.

use std::sync::Arc;

use rogue_mem::memory::block::{
    Block, Mode, Model, Variable, VariableSpec, BFLOAT16, BOOL, DOUBLE, FIXED, FLOAT, FLOAT16,
    FLOAT4, FLOAT6, FLOAT8, INT, TENSOR_FLOAT32, UINT,
};
use rogue_mem::memory::{Emulate, TransactionType};

use super::heap::bounded;
use super::input::Input;
use crate::registers::in_order;

/// The most operations of one run.
const OPERATIONS_MAX: usize = 32;
/// Heap of a block and three variables of any geometry, with its emulated memory.
const BLOCK_BYTES: usize = 256 * 1024;

fn bit(bytes: &[u8], at: u64) -> bool {
    bytes[(at / 8) as usize] >> (at % 8) & 1 == 1
}

fn set_bit(bytes: &mut [u8], at: u64, value: bool) {
    let byte = &mut bytes[(at / 8) as usize];
    *byte = *byte & !(1 << (at % 8)) | u8::from(value) << (at % 8);
}

/// A geometry; most of them are sound, or nothing else would be reached.
fn spec(input: &mut Input<'_>, index: usize) -> VariableSpec {
    let (kind, flags) = (input.u8(), input.u8());
    let model = Model::from_id(u32::from(kind % 18));
    let (start, size) = (u64::from(input.u8()), 1 + u32::from(input.u8()) % 96);
    let name = format!("v{index}");
    let mut spec = match flags & 3 {
        0 | 1 => VariableSpec::new(&name, model, start, size),
        2 => {
            let gap = u32::from(input.u8() % 16);
            VariableSpec::list(
                &name,
                model,
                start,
                (1 + u32::from(input.u8() % 8), size, size + gap),
            )
        }
        _ => {
            let mut spec = VariableSpec::new(&name, model, start, size);
            for _ in 0..input.below(4) {
                spec.bit_offset.push(input.u8().into());
                spec.bit_size.push(input.u8().into());
            }
            spec
        }
    };
    spec.may_overlap = flags & 4 == 0;
    spec.is_big_endian = flags & 8 != 0;
    spec.reverses_bits = flags & 16 != 0;
    spec.is_verified = flags & 32 != 0;
    spec.bin_point = u32::from(input.u8() % 80);
    match flags >> 6 {
        1 => spec.mode = Mode::new(["RO", "WO", "XX"][input.below(3)]),
        2 => spec.range = Some((f64::from_bits(input.u64()), f64::from_bits(input.u64()))),
        3 => extreme(&mut spec, input),
        _ => (),
    }
    spec
}

/// Numbers that no register has.
fn extreme(spec: &mut VariableSpec, input: &mut Input<'_>) {
    let choice = input.u8();
    let value = input.u64();
    match choice % 8 {
        0 => spec.bit_offset[0] = value,
        // A big-endian value needs memory for the order of its bytes.
        1 => spec.bit_size[0] = if value >> 33 == 0 { value & 0xF_FFFF } else { value },
        2 => spec.num_values = value as u32,
        3 => spec.value_bits = value as u32,
        4 => spec.value_stride = value as u32,
        5 => spec.bin_point = value as u32,
        6 => drop(spec.bit_offset.pop()),
        _ => spec.offset = value,
    }
}

/// Where the bits of element `index` are, lowest first; `None` where one place has two of them.
fn places(variable: &Variable, index: u64) -> Option<Vec<u64>> {
    let spec = variable.spec();
    let offsets = variable.bit_offset();
    let register: Vec<u64> = if spec.num_values > 0 {
        let first = offsets[0] + index * u64::from(variable.value_stride());
        (first..first + u64::from(variable.value_bits())).collect()
    } else {
        let parts = offsets.iter().zip(&spec.bit_size);
        parts.flat_map(|(start, size)| *start..start + size).collect()
    };
    let width = register.len();
    let mut sorted = register.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < width {
        return None;
    }
    Some(in_order(spec, register))
}

/// Drives a block of up to three variables.
pub fn registers(data: &[u8]) {
    bounded(BLOCK_BYTES + 64 * data.len(), || run(&mut Input(data)));
}

fn run(input: &mut Input<'_>) {
    let (words, offset) = (1 + u32::from(input.u8() % 16), u64::from(input.u8()) * 4);
    let Ok(block) = Block::new(offset, 4 * words) else { panic!("a block of {words} words") };
    let mut variables = Vec::new();
    for index in 0..1 + input.below(3) {
        match Variable::new(spec(input, index)) {
            Ok(variable) => {
                if input.u8() & 7 == 7 {
                    let _ = variable.shift_offset_down(u64::from(input.u8()), 1 << input.below(4));
                }
                variables.push(variable);
            }
            Err(error) => assert!(!error.text().is_empty()),
        }
    }
    let is_added = block.add_variables(&variables).inspect_err(|error| {
        assert!(!error.text().is_empty());
    });
    let is_added = is_added.is_ok();
    let memory = Emulate::new(1 << input.below(4), 4096);
    block.master().set_slave(memory);
    block.set_enable(true);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() || variables.is_empty() {
            break;
        }
        let variable = &variables[input.below(variables.len())];
        if is_added {
            operate(&block, variable, input);
        } else {
            assert!(variable.stage(UINT, 1, -1).is_err(), "it belongs to no block");
            assert!(variable.staged_bytes(-1).is_err());
        }
    }
}

fn operate(block: &Arc<Block>, variable: &Variable, input: &mut Input<'_>) {
    let operation = input.u8();
    let count = variable.num_values().max(1);
    let index = i32::from(input.u8() as i8);
    // Of a scalar the index has no meaning.
    let element = if variable.num_values() == 0 { 0 } else { index.max(0) as u32 };
    let before = block.staged();
    let staged = match operation % 8 {
        0 | 1 => stage_word(variable, input.u64(), index),
        2 => stage_other(variable, input, index),
        3 => variable.stage_bytes(input.chunk(), index).is_ok(),
        4 => variable.stage_string(input.chunk(), index).is_ok(),
        5 => variable.stage_raw(input.chunk(), index).is_ok(),
        6 => {
            look(variable, index);
            false
        }
        _ => return transfer(block, variable, operation, index, input),
    };
    let after = block.staged();
    assert_eq!(after.len(), before.len());
    if !staged {
        assert_eq!(after, before, "a refusal changes nothing");
        return;
    }
    // All elements where the index is none.
    let touched: Vec<u64> = match element < count && index >= 0 || variable.num_values() == 0 {
        true => vec![element.into()],
        false => (0..count.into()).collect(),
    };
    let mut expected = after.clone();
    let mut is_known = true;
    for element in touched {
        match places(variable, element) {
            Some(places) => {
                places.iter().for_each(|at| set_bit(&mut expected, *at, bit(&before, *at)));
            }
            None => is_known = false,
        }
    }
    assert!(!is_known || expected == before, "bits of other variables have changed");
}

/// Stages a number of the variable's model, and compares its bits and what is read back.
fn stage_word(variable: &Variable, word: u64, index: i32) -> bool {
    let bits = variable.value_bits();
    let model = variable.spec().model;
    let word = if model == Model::Bool { word & 1 } else { word };
    let result = match model {
        Model::Int => variable.stage(INT, word as i64, index),
        Model::Bool => variable.stage(BOOL, word & 1 == 1, index),
        _ => variable.stage(UINT, word, index),
    };
    if result.is_err() {
        return false;
    }
    let element = index.max(0);
    // Parts that overlap each other hold no value of their own.
    let Some(places) = places(variable, element as u64) else { return true };
    match model {
        Model::Int => assert_eq!(variable.staged(INT, element).ok(), Some(word as i64)),
        Model::Bool => assert_eq!(variable.staged(BOOL, element).ok(), Some(word & 1 == 1)),
        _ => assert_eq!(variable.staged(UINT, element).ok(), Some(word)),
    }
    let image = variable.block().expect("it was added").staged();
    for (number, at) in places.iter().enumerate().take(bits.min(64) as usize) {
        assert_eq!(bit(&image, *at), word >> number & 1 == 1, "bit {number} of {word:#x}");
    }
    true
}

fn stage_other(variable: &Variable, input: &mut Input<'_>, index: i32) -> bool {
    let value = f64::from_bits(input.u64());
    let narrow = value as f32;
    let result = match variable.spec().model {
        Model::Double => variable.stage(DOUBLE, value, index),
        Model::Float => variable.stage(FLOAT, narrow, index),
        Model::Float16 => variable.stage(FLOAT16, narrow, index),
        Model::Float8 => variable.stage(FLOAT8, narrow, index),
        Model::Float6 => variable.stage(FLOAT6, narrow, index),
        Model::Float4 => variable.stage(FLOAT4, narrow, index),
        Model::BFloat16 => variable.stage(BFLOAT16, narrow, index),
        Model::TensorFloat32 => variable.stage(TENSOR_FLOAT32, narrow, index),
        _ => variable.stage(FIXED, value, index),
    };
    if result.is_err() {
        return false;
    }
    let element = index.max(0);
    if places(variable, element as u64).is_none() {
        return true;
    }
    // What a number of few bits is rounded to is staged as itself.
    let again = match variable.spec().model {
        Model::Double => variable.staged(DOUBLE, element).map(f64::to_bits),
        Model::Float => variable.staged(FLOAT, element).map(|found| found.to_bits().into()),
        _ => return true,
    };
    let expected = match variable.spec().model {
        Model::Double => value.to_bits(),
        _ => narrow.to_bits().into(),
    };
    assert!(value.is_nan() || again.ok() == Some(expected));
    true
}

/// Reads in every way, whatever the model is.
fn look(variable: &Variable, index: i32) {
    let _ = (variable.staged(UINT, index), variable.staged(INT, index));
    let _ = (variable.staged(BOOL, index), variable.staged(FIXED, index));
    let _ = (variable.staged(FLOAT8, index), variable.staged(FLOAT16, index));
    let _ = (variable.staged_string(index), variable.staged_raw(index));
    if let Ok(bytes) = variable.staged_bytes(index) {
        assert_eq!(bytes.len() % variable.value_bytes().max(1), 0);
    }
    if let Ok(text) = variable.dump(false) {
        assert!(!text.is_empty());
    }
    assert!(variable.byte_size() <= 1 << 32 || variable.bit_total() > 1 << 34);
}

/// Over the bus: what is written is in the memory, and is read back.
fn transfer(
    block: &Arc<Block>,
    variable: &Variable,
    operation: u8,
    index: i32,
    input: &mut Input<'_>,
) {
    match operation >> 3 & 3 {
        0 => {
            if block.write(variable, index).is_ok() {
                let before = block.staged();
                assert!(block
                    .start_transaction(TransactionType::Read, false, true, None, -1)
                    .is_ok());
                // What is staged in a register that is only read is never written.
                let is_read_only = |other: &Arc<Variable>| other.spec().mode == Mode::ReadOnly;
                if !block.variables().iter().any(is_read_only) {
                    assert_eq!(block.staged(), before, "what was written is read back");
                }
            }
        }
        1 => drop(block.read(variable, index)),
        2 => {
            let ty =
                [TransactionType::Read, TransactionType::Write, TransactionType::Verify, 9.into()]
                    [input.below(4)];
            let target = (input.u8() & 1 == 0).then_some(variable);
            let _ = block.start_transaction(ty, input.u8() & 1 == 0, true, target, index);
        }
        _ => drop(variable.set_bytes(input.chunk(), index)),
    }
    let _ = block.check_transaction();
}
