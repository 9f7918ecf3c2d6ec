//! Blocks and variables as the recorded lines describe them.

use std::sync::Arc;

use rogue_mem::error::Result;
use rogue_mem::memory::block::{Accessor, Block, Mode, Model, Scalar, Variable, VariableSpec};
use serde_json::{json, Value};
use testkit::vectors::{from_hex, lines};

/// The lines of a file.
pub fn rows(capture: &str) -> Vec<Value> {
    lines(capture).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text of a member.
#[track_caller]
pub fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}"))
}

pub fn bytes(row: &Value, key: &str) -> Vec<u8> {
    from_hex(text(row, key))
}

pub fn flag(row: &Value, key: &str, default: bool) -> bool {
    row[key].as_bool().unwrap_or(default)
}

pub fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or(0)
}

pub fn numbers(row: &Value, key: &str) -> Vec<u64> {
    match &row[key] {
        Value::Array(all) => all.iter().map(|one| one.as_u64().unwrap()).collect(),
        one => vec![one.as_u64().unwrap_or(0)],
    }
}

/// The defects that a line is marked with.
pub fn defects(row: &Value) -> Vec<u32> {
    let number = |mark: &Value| mark.as_str().unwrap().trim_start_matches("D-").parse().unwrap();
    match &row["defect"] {
        Value::Null => Vec::new(),
        Value::Array(marks) => marks.iter().map(number).collect(),
        mark => vec![number(mark)],
    }
}

pub fn model(name: &str) -> Model {
    match name {
        "Custom" => Model::Custom(128),
        _ => (0..16).map(Model::from_id).find(|model| model.to_string() == name).unwrap(),
    }
}

/// The variable that a line describes.
pub fn spec(row: &Value) -> VariableSpec {
    let limit = |key| row[key].as_f64().unwrap_or(0.0);
    let name = row["name"].as_str().unwrap_or("v");
    let model = model(row["model"].as_str().unwrap_or("UInt"));
    VariableSpec {
        mode: Mode::new(row["mode"].as_str().unwrap_or("RW")),
        range: VariableSpec::range_of(limit("min"), limit("max")),
        offset: number(row, "offset"),
        bit_offset: numbers(row, "bit_offset"),
        bit_size: numbers(row, "bit_size"),
        may_overlap: flag(row, "overlap_en", false),
        is_verified: flag(row, "verify", true),
        is_bulk: flag(row, "bulk_op_en", true),
        is_notified: flag(row, "update_notify", false),
        is_big_endian: flag(row, "byte_reverse", false),
        bin_point: number(row, "bin_point") as u32,
        num_values: number(row, "num_values") as u32,
        value_bits: number(row, "value_bits") as u32,
        value_stride: number(row, "value_stride") as u32,
        retry_count: number(row, "retry_count") as u32,
        ..VariableSpec::new(name, model, 0, 1)
    }
}

/// A block whose bytes a test sees and sets beside its variables.
pub struct Bench {
    pub block: Arc<Block>,
    pub variables: Vec<Arc<Variable>>,
    /// All bytes of the block.
    all: Arc<Variable>,
}

impl Bench {
    /// A block of `image` at 0x100, with variables that overlap the test's own.
    #[track_caller]
    pub fn new(image: &[u8], specs: Vec<VariableSpec>) -> Bench {
        let shared = |spec| VariableSpec { may_overlap: true, ..spec };
        let make = |spec| Variable::new(shared(spec)).unwrap();
        Bench::with(image, specs.into_iter().map(make).collect())
    }

    /// As [`new`](Self::new), with variables that overlap already.
    #[track_caller]
    pub fn with(image: &[u8], variables: Vec<Arc<Variable>>) -> Bench {
        let block = Block::new(0x100, image.len() as u32).unwrap();
        let whole = VariableSpec::new("all", Model::Bytes, 0, image.len() as u32 * 8);
        // Only read, so that the bytes do not count as staged.
        let whole = VariableSpec { may_overlap: true, mode: Mode::ReadOnly, ..whole };
        let all = Variable::new(whole).unwrap();
        let mut added = variables.clone();
        added.push(all.clone());
        block.add_variables(&added).unwrap();
        all.stage_bytes(image, -1).unwrap();
        Bench { block, variables, all }
    }

    pub fn only(&self) -> &Arc<Variable> {
        &self.variables[0]
    }

    pub fn image(&self) -> Vec<u8> {
        let image = self.all.staged_bytes(-1).unwrap();
        assert_eq!(self.block.staged(), image);
        image
    }
}

/// The numbers of a type, as JSON has them.
pub trait Json: Scalar {
    fn from_json(value: &Value) -> Self;
    fn to_json(self) -> Value;
}

impl Json for u64 {
    fn from_json(value: &Value) -> u64 {
        value.as_u64().or(value.as_bool().map(u64::from)).unwrap()
    }
    fn to_json(self) -> Value {
        json!(self)
    }
}

impl Json for i64 {
    fn from_json(value: &Value) -> i64 {
        value.as_i64().or(value.as_bool().map(i64::from)).unwrap()
    }
    fn to_json(self) -> Value {
        json!(self)
    }
}

impl Json for bool {
    fn from_json(value: &Value) -> bool {
        value.as_bool().unwrap_or_else(|| value.as_i64() != Some(0))
    }
    fn to_json(self) -> Value {
        json!(self)
    }
}

impl Json for f32 {
    fn from_json(value: &Value) -> f32 {
        f64::from_json(value) as f32
    }
    fn to_json(self) -> Value {
        f64::from(self).to_json()
    }
}

impl Json for f64 {
    fn from_json(value: &Value) -> f64 {
        value.as_f64().or(value.as_bool().map(|value| u8::from(value).into())).unwrap()
    }
    fn to_json(self) -> Value {
        match self.is_finite() {
            true => json!(self),
            false => json!(self.to_string().replace("NaN", "nan")),
        }
    }
}

/// Calls `$action!(accessor)` with the accessor of `$model`, or evaluates `$other`.
macro_rules! with_accessor {
    ($model:expr, |$accessor:ident| $action:expr, $other:expr) => {{
        use rogue_mem::memory::block;
        match $model {
            Model::UInt => (|$accessor: block::Accessor<u64>| $action)(block::UINT),
            Model::Int => (|$accessor: block::Accessor<i64>| $action)(block::INT),
            Model::Bool => (|$accessor: block::Accessor<bool>| $action)(block::BOOL),
            Model::Float => (|$accessor: block::Accessor<f32>| $action)(block::FLOAT),
            Model::Double => (|$accessor: block::Accessor<f64>| $action)(block::DOUBLE),
            Model::Fixed | Model::UFixed => {
                (|$accessor: block::Accessor<f64>| $action)(block::FIXED)
            }
            Model::Float16 => (|$accessor: block::Accessor<f32>| $action)(block::FLOAT16),
            Model::Float8 => (|$accessor: block::Accessor<f32>| $action)(block::FLOAT8),
            Model::BFloat16 => (|$accessor: block::Accessor<f32>| $action)(block::BFLOAT16),
            Model::TensorFloat32 => {
                (|$accessor: block::Accessor<f32>| $action)(block::TENSOR_FLOAT32)
            }
            Model::Float6 => (|$accessor: block::Accessor<f32>| $action)(block::FLOAT6),
            Model::Float4 => (|$accessor: block::Accessor<f32>| $action)(block::FLOAT4),
            _ => $other,
        }
    }};
}
pub(crate) use with_accessor;

fn set_with<T: Json>(
    variable: &Variable,
    accessor: Accessor<T>,
    value: &Value,
    index: i32,
) -> Result<()> {
    match value {
        Value::Array(all) => {
            let is_integer = matches!(variable.spec().model, Model::UInt | Model::Int);
            let what = if is_integer { "list" } else { "array" };
            variable.check_length(all.len(), index, what)?;
            let all: Vec<T> = all.iter().map(T::from_json).collect();
            variable.stage_all(accessor, &all, index)
        }
        // A value for a list without an index is one for its first element.
        one if variable.num_values() > 0 && index == -1 => {
            variable.stage_all(accessor, &[T::from_json(one)], index)
        }
        one => variable.stage(accessor, T::from_json(one), index),
    }
}

/// Stages `value` as Python's `_set` does.
pub fn set(variable: &Variable, value: &Value, index: i32) -> Result<()> {
    with_accessor!(
        variable.spec().model,
        |accessor| set_with(variable, accessor, value, index),
        match variable.spec().model {
            Model::String => variable.stage_string(value.as_str().unwrap().as_bytes(), index),
            _ => variable.stage_bytes(&from_hex(value.as_str().unwrap()), index),
        }
    )
}

fn value_with<T: Json>(variable: &Variable, accessor: Accessor<T>, index: i32) -> Result<Value> {
    if variable.num_values() == 0 || index >= 0 {
        return Ok(variable.staged(accessor, index)?.to_json());
    }
    let mut all = vec![T::default(); variable.num_values() as usize];
    variable.staged_all(accessor, -1, &mut all)?;
    Ok(all.into_iter().map(T::to_json).collect())
}

/// The staged value as Python's `_get` returns it.
pub fn value(variable: &Variable, index: i32) -> Result<Value> {
    with_accessor!(
        variable.spec().model,
        |accessor| value_with(variable, accessor, index),
        Ok(match variable.spec().model {
            Model::String => json!(String::from_utf8(variable.staged_string(index)?).unwrap()),
            _ => json!(hex(&variable.staged_bytes(index)?)),
        })
    )
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message of a failure, as Python sees it.
pub fn message<T>(outcome: &Result<T>) -> Option<String> {
    outcome.as_ref().err().map(|error| error.to_string())
}

/// Bit `at` of `bytes`.
pub fn bit(bytes: &[u8], at: u64) -> bool {
    bytes[(at / 8) as usize] >> (at % 8) & 1 == 1
}

/// Sets bit `at` of `bytes` to `value`.
pub fn put_bit(bytes: &mut [u8], at: u64, value: bool) {
    let byte = &mut bytes[(at / 8) as usize];
    *byte = *byte & !(1 << (at % 8)) | u8::from(value) << (at % 8);
}
