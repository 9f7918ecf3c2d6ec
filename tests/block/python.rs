//! What Python's `_set`, `_get` and `_getDumpValue` do with numbers and byte strings, as far as it
//! is the engine's: which Python types stand for a value is the binding's business.

use rogue_mem::memory::block::{Accessor, Model, Variable, VariableSpec};
use serde_json::{json, Value};

use crate::support::{
    bytes, defects, flag, hex, message, number, rows, spec, text, value, with_accessor, Bench, Json,
};

/// The variable of a line: one part, or a list from the first bit on.
pub fn variable_of(row: &Value) -> VariableSpec {
    let row = &row["variable"];
    let (bits, count) = (number(row, "bits") as u32, number(row, "num_values") as u32);
    let stride = row["stride"].as_u64().unwrap_or(bits.into()) as u32;
    let given = spec(row);
    let shape = match count {
        0 => VariableSpec::new("v", given.model, 0, bits),
        _ => VariableSpec::list("v", given.model, 0, (count, bits, stride)),
    };
    VariableSpec {
        bit_offset: shape.bit_offset,
        bit_size: shape.bit_size,
        value_bits: shape.value_bits,
        value_stride: shape.value_stride,
        ..given
    }
}

/// An integer as Python writes it: digits, or a power of two with another one added.
fn integer(python: &str) -> Option<i128> {
    let Some(power) = python.strip_prefix("2**") else { return python.parse().ok() };
    let end = power.find(['+', '-']).unwrap_or(power.len());
    let (power, added) = power.split_at(end);
    let power = 1i128.checked_shl(power.parse().ok()?).filter(|power| *power > 0)?;
    power.checked_add(if added.is_empty() { 0 } else { added.parse().ok()? })
}

/// A value as Python writes it, and whether it is in an array.
fn parse(python: &str) -> Option<(Value, bool)> {
    let python = python.trim();
    if let Some(inner) = python.strip_prefix("np.array([") {
        let (values, rest) = inner.split_once(']')?;
        let is_native = rest.starts_with(",dtype=np.");
        return is_native.then_some((parse(&format!("[{values}]"))?.0, true));
    }
    if let Some(inner) = python.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        let one = |item: &str| Some(parse(item)?.0).filter(|value| !value.is_array());
        let items = inner.split(',').filter(|item| !item.is_empty());
        return Some((items.map(one).collect::<Option<Vec<_>>>()?.into(), false));
    }
    if let Some((name, inner)) = python.strip_prefix("np.").and_then(|rest| rest.split_once('(')) {
        let is_scalar =
            name.starts_with(char::is_alphabetic) && name != "str_" && name != "longdouble";
        return is_scalar.then(|| parse(inner.strip_suffix(')')?)).flatten();
    }
    let number = match python {
        "True" => json!(true),
        "False" => json!(false),
        _ if python.contains(['.', 'e']) => json!(python.parse::<f64>().ok()?),
        _ if python.contains("**") => json!(u64::try_from(integer(python)?).ok()?),
        _ => match python.strip_prefix('-') {
            Some(_) => json!(python.parse::<i64>().ok()?),
            None => json!(python.parse::<u64>().ok()?),
        },
    };
    Some((number, false))
}

fn set_with<T: Json>(
    variable: &Variable,
    accessor: Accessor<T>,
    (value, is_array): &(Value, bool),
    index: i32,
) -> rogue_mem::error::Result<()> {
    let is_integer = matches!(variable.spec().model, Model::UInt | Model::Int);
    let what = if is_integer && !is_array { "list" } else { "array" };
    match value {
        Value::Array(all) => {
            variable.check_length(all.len(), index, what)?;
            let all: Vec<T> = all.iter().map(T::from_json).collect();
            variable.stage_all(accessor, &all, index)
        }
        one if index == -1 && variable.num_values() > 0 => {
            variable.stage_all(accessor, &[T::from_json(one)], -1)
        }
        one => variable.stage(accessor, T::from_json(one), index),
    }
}

/// What becomes of a line's value, if it is a number and that is the engine's business.
pub fn set_line(bench: &Bench, row: &Value) -> Option<rogue_mem::error::Result<()>> {
    let index = row["index"].as_i64().unwrap() as i32;
    let (variable, python) = (bench.only(), text(row, "python"));
    if is_number(variable.spec(), row) {
        return Some(set(variable, &parse(python)?, index));
    }
    let is_wide = matches!(variable.spec().model, Model::UInt | Model::Int);
    let value = integer(python).filter(|_| is_wide && row["variable"]["byte_reverse"].is_null())?;
    // As the model makes it, if it has room in its bytes.
    let (size, is_signed) = (variable.value_bytes(), variable.spec().model == Model::Int);
    let mut made = value.to_le_bytes().to_vec();
    made.resize(size.max(16), if value < 0 { 0xFF } else { 0 });
    let rest = made.split_off(size);
    let sign = u8::from(is_signed && made[size - 1] >> 7 == 1) * 0xFF;
    let has_room = rest.iter().all(|byte| *byte == sign) && (is_signed || value >= 0);
    has_room.then(|| variable.stage_raw(&made, if index == -1 { 0 } else { index }))
}

fn set(variable: &Variable, value: &(Value, bool), index: i32) -> rogue_mem::error::Result<()> {
    with_accessor!(
        variable.spec().model,
        |accessor| set_with(variable, accessor, value, index),
        unreachable!("a number")
    )
}

/// The value that Python shows as `shown`.
fn shown(shown: &Value) -> Value {
    let one = |shown: &Value| {
        let text = shown.as_str().unwrap();
        let number = parse(text).map_or(text.into(), |(value, _)| value);
        // Floats are compared as such.
        number.as_f64().filter(|_| text.contains(['.', 'e'])).map_or(number, |float| json!(float))
    };
    match shown {
        Value::Array(all) => all.iter().map(one).collect(),
        one_shown => one(one_shown),
    }
}

fn is_number(spec: &VariableSpec, row: &Value) -> bool {
    let is_other =
        matches!(spec.model, Model::PyFunc | Model::Bytes | Model::String | Model::Custom(_));
    !is_other && number(&row["variable"], "bits") <= 64
}

/// Whether a refusal is the engine's.
fn is_ours(text: &str) -> bool {
    ["Value range", "Overflow error", "is out of range", "ixed point", "ixed-point"]
        .iter()
        .any(|part| text.contains(part))
}

#[test]
fn numbers_are_set_as_from_python() {
    let (mut same, mut refused, mut unfit) = (0, 0, 0);
    for row in rows("block_python_values").iter().filter(|row| row["kind"] == "py_set") {
        let made = variable_of(row);
        let recorded = row["text"].as_str();
        let is_foreign = !row["error"].is_null() && !recorded.is_some_and(is_ours);
        let is_known = is_number(&made, row) && !is_foreign && !flag(row, "undefined", false);
        let Some(given) = parse(text(row, "python")).filter(|_| is_known) else { continue };
        let bench = Bench::new(&bytes(row, "image"), vec![made]);
        let index = row["index"].as_i64().unwrap() as i32;
        let outcome = set(bench.only(), &given, index);
        if let Some(recorded) = recorded {
            refused += 1;
            assert_eq!(message(&outcome).as_deref(), Some(recorded), "{row}");
            assert_eq!(hex(&bench.image()), text(row, "image"), "nothing is staged: {row}");
        } else if let Err(error) = outcome {
            // Rogue cuts off what does not fit.
            unfit += 1;
            assert!(error.text().contains("Value range error"), "{error} for {row}");
            assert_ne!(shown(&row["get"]["value"]), given.0, "{row}");
        } else {
            same += 1;
            assert_eq!(hex(&bench.image()), text(row, "staged"), "{row}");
            assert_eq!(value(bench.only(), index).unwrap(), shown(&row["get"]["value"]), "{row}");
        }
    }
    assert_eq!((same, refused, unfit), (482, 254, 5));
}

#[test]
fn numbers_and_byte_strings_are_as_python_gets_them() {
    let (mut count, mut refused) = (0, 0);
    for row in rows("block_python_values").iter().filter(|row| row["kind"] == "py_get") {
        let made = variable_of(row);
        let is_byte_string = matches!(made.model, Model::Bytes | Model::String);
        if flag(row, "undefined", false) || !is_byte_string && !is_number(&made, row) {
            continue;
        }
        let (got, index) = (&row["get"], row["index"].as_i64().unwrap() as i32);
        let bench = Bench::new(&bytes(row, "image"), vec![made]);
        let found = value(bench.only(), index);
        if let Some(recorded) = got["text"].as_str().filter(|text| is_ours(text)) {
            refused += 1;
            assert_eq!(message(&found).as_deref(), Some(recorded), "{row}");
        } else if got["error"].is_null() {
            count += 1;
            let wanted = match is_byte_string {
                true => json!(text(got, "value").trim_matches('\'')),
                false => shown(&got["value"]),
            };
            assert_eq!(found.unwrap(), wanted, "{row}");
        }
    }
    assert_eq!((count, refused), (315, 40));
}

#[test]
fn d79_dumps_are_as_python_shows_them() {
    let mut count = [0; 2];
    for row in rows("block_python_values").iter().filter(|row| row["kind"] == "py_dump") {
        let bench = Bench::new(&bytes(row, "image"), vec![variable_of(row)]);
        bench.only().update_path(text(row, "path"));
        let dump = bench.only().dump(false).unwrap();
        let is_marked = !defects(row).is_empty();
        count[usize::from(is_marked)] += 1;
        match (is_marked, bench.only().spec().model) {
            (false, _) | (true, Model::Bytes) => assert_eq!(dump, text(row, "text"), "{row}"),
            (true, _) => {
                let values = dump.strip_prefix("Top.v = ").unwrap().trim_end().split(' ');
                let recorded = text(row, "text").strip_prefix("Top.v = ").unwrap().trim_end();
                for (value, recorded) in values.zip(recorded.split(' ')) {
                    let swapped: Vec<&str> = (2..recorded.len())
                        .step_by(2)
                        .rev()
                        .filter_map(|at| recorded.get(at..at + 2))
                        .collect();
                    let is_swapped = value == format!("0x{}", swapped.concat());
                    assert!(is_swapped || value.parse::<f64>().is_ok(), "{dump} for {row}");
                }
            }
        }
    }
    assert_eq!(count, [26, 18]);
}
