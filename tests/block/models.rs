//! Every recorded conversion.

use rogue_mem::memory::block::{
    Accessor, Model, Variable, VariableSpec, BFLOAT16, BOOL, DOUBLE, FIXED, FLOAT, FLOAT16, FLOAT4,
    FLOAT6, FLOAT8, INT, TENSOR_FLOAT32, UINT,
};
use rogue_mem::Error;
use serde_json::Value;

use crate::support::{
    bit, bytes, defects, flag, hex, message, number, put_bit, rows, spec, text, with_accessor,
    Bench,
};

/// A value as a line has it.
trait Recorded: Copy {
    fn parse(row: &Value) -> Self;
    fn is_value_of(self, row: &Value) -> bool;
}

impl Recorded for u64 {
    fn parse(row: &Value) -> u64 {
        text(row, "value").parse().unwrap()
    }
    fn is_value_of(self, row: &Value) -> bool {
        self.to_string() == text(row, "value")
    }
}

impl Recorded for i64 {
    fn parse(row: &Value) -> i64 {
        text(row, "value").parse().unwrap()
    }
    fn is_value_of(self, row: &Value) -> bool {
        self.to_string() == text(row, "value")
    }
}

impl Recorded for bool {
    fn parse(row: &Value) -> bool {
        text(row, "value") != "0"
    }
    fn is_value_of(self, row: &Value) -> bool {
        u8::from(self).to_string() == text(row, "value")
    }
}

impl Recorded for f32 {
    fn parse(row: &Value) -> f32 {
        f32::from_bits(u32::from_str_radix(text(row, "value_bits"), 16).unwrap())
    }
    fn is_value_of(self, row: &Value) -> bool {
        // NaNs of Float8 have no payload.
        let is_nan = self.is_nan() && text(row, "value") == "nan" && text(row, "model") == "Float8";
        is_nan || format!("{:08x}", self.to_bits()) == text(row, "value_bits")
    }
}

impl Recorded for f64 {
    fn parse(row: &Value) -> f64 {
        f64::from_bits(u64::from_str_radix(text(row, "value_bits"), 16).unwrap())
    }
    fn is_value_of(self, row: &Value) -> bool {
        format!("{:016x}", self.to_bits()) == text(row, "value_bits")
    }
}

/// Stages the value of a line.
pub fn stage(variable: &Variable, row: &Value) -> Result<(), Error> {
    with_accessor!(
        variable.spec().model,
        |accessor| variable.stage(accessor, Recorded::parse(row), -1),
        match variable.spec().model {
            Model::String => variable.stage_string(&bytes(row, "value_hex"), -1),
            _ => variable.stage_bytes(&bytes(row, "value_hex"), -1),
        }
    )
}

/// Whether the staged value is that of a line.
pub fn has_value(variable: &Variable, row: &Value) -> bool {
    with_accessor!(
        variable.spec().model,
        |accessor| variable.staged(accessor, -1).unwrap().is_value_of(row),
        match variable.spec().model {
            Model::String => hex(&variable.staged_string(-1).unwrap()) == text(row, "value_hex"),
            _ => hex(&variable.staged_bytes(-1).unwrap()) == text(row, "value_hex"),
        }
    )
}

/// The bits of a number of `width` bits in big-endian order: its bytes from the highest on, of
/// which the first may be narrow, each with its lowest bit first.
fn big_endian(value: i128, width: u64) -> Vec<bool> {
    let bit = |at| value >> at & 1 == 1;
    let starts = (0..width.div_ceil(8)).rev().map(|byte| byte * 8);
    starts.flat_map(|start| (start..width.min(start + 8)).map(bit)).collect()
}

/// The field of `image` that a line is about.
fn field(image: &[u8], row: &Value) -> Vec<bool> {
    let (start, width) = (number(row, "bit_offset"), number(row, "bit_size"));
    (start..start + width).map(|at| bit(image, at)).collect()
}

/// What a line that is marked with a defect has to look like instead: the staged bytes, or `None`
/// for a refusal.
fn better(row: &Value) -> Option<Vec<u8>> {
    let mut image = bytes(row, "image");
    let staged = bytes(row, "staged");
    let start = number(row, "bit_offset");
    match defects(row)[..] {
        // A value that does not fit is refused.
        [69] | [70] => return None,
        [67] if ["Bytes", "PyFunc"].contains(&text(row, "model")) => return Some(staged),
        [67] => {
            let value = text(row, "value").parse::<i128>().unwrap();
            let bits = big_endian(value, number(row, "bit_size"));
            (start..).zip(bits).for_each(|(at, value)| put_bit(&mut image, at, value));
        }
        [71] => image[0] = staged[0] & 0x80 | 0x7E,
        // Cut off by Rogue: the nearest value is the next one.
        [72] => {
            let width = number(row, "bit_size");
            let places: Vec<u64> = match flag(row, "byte_reverse", false) {
                true => (0..width).map(|at| start + width - 8 - at / 8 * 8 + at % 8).collect(),
                false => (start..start + width).collect(),
            };
            let lowest = if text(row, "model") == "TensorFloat32" { 13 } else { 0 };
            image = staged;
            for at in &places[lowest..] {
                let carry = bit(&image, *at);
                put_bit(&mut image, *at, !carry);
                if !carry {
                    break;
                }
            }
        }
        [74] => {
            let value = bytes(row, "value_hex");
            let value = value.split(|byte| *byte == 0).next().unwrap();
            let width = number(row, "bit_size") as usize;
            if value.len() > width / 8 {
                return None;
            }
            let mut all = value.to_vec();
            all.resize(width.div_ceil(8), 0);
            if flag(row, "byte_reverse", false) {
                all.reverse();
            }
            (0..width as u64).for_each(|at| put_bit(&mut image, start + at, bit(&all, at)));
        }
        ref other => panic!("{other:?} in {row}"),
    }
    Some(image)
}

#[test]
fn d74_every_recorded_value_is_staged_or_refused_as_it_should() {
    let mut count = [0; 2];
    let all = rows("block_models");
    for row in all.iter().filter(|row| text(row, "kind") == "set" && row["path"].is_null()) {
        let bench = Bench::new(&bytes(row, "image"), vec![spec(row)]);
        let outcome = stage(bench.only(), row);
        let is_marked = !defects(row).is_empty();
        count[usize::from(is_marked)] += 1;
        match is_marked {
            true => match better(row) {
                Some(image) => {
                    outcome.unwrap_or_else(|error| panic!("{error} for {row}"));
                    assert_eq!(hex(&bench.image()), hex(&image), "{row}");
                }
                None => {
                    assert!(outcome.is_err(), "{row}");
                    assert_eq!(hex(&bench.image()), text(row, "image"), "{row}");
                }
            },
            false => {
                assert_eq!(message(&outcome).as_deref(), row["text"].as_str(), "{row}");
                assert_eq!(hex(&bench.image()), text(row, "staged"), "{row}");
            }
        }
    }
    assert_eq!(count, [2863, 648], "lines without and with a defect");
}

#[test]
fn every_recorded_field_has_its_value() {
    let mut count = 0;
    let all = rows("block_models");
    for row in all.iter().filter(|row| text(row, "kind") == "get" && row["path"].is_null()) {
        count += 1;
        let image = bytes(row, "image");
        let bench = Bench::new(&image, vec![spec(row)]);
        match defects(row)[..] {
            [] => assert!(has_value(bench.only(), row), "{row}"),
            [67] => {
                let value = match bench.only().spec().model {
                    Model::UInt => bench.only().staged(UINT, -1).unwrap().into(),
                    Model::Int => bench.only().staged(INT, -1).unwrap().into(),
                    _ => {
                        let is_set = field(&image, row).contains(&true);
                        assert_eq!(bench.only().staged(BOOL, -1).unwrap(), is_set, "{row}");
                        continue;
                    }
                };
                let expected = field(&image, row);
                assert_eq!(big_endian(value, number(row, "bit_size")), expected, "{row}");
            }
            ref other => panic!("{other:?} in {row}"),
        }
    }
    assert_eq!(count, 1730);
}

/// A decimal number in two's complement, lowest byte first.
pub fn from_decimal(text: &str, len: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; len];
    let multiply_add = |bytes: &mut Vec<u8>, factor: u16, digit: u16| {
        let mut carry = digit;
        for byte in bytes {
            carry += u16::from(*byte) * factor;
            *byte = carry as u8;
            carry >>= 8;
        }
    };
    for digit in text.trim_start_matches('-').bytes() {
        multiply_add(&mut bytes, 10, u16::from(digit - b'0'));
    }
    if text.starts_with('-') {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
        multiply_add(&mut bytes, 1, 1);
    }
    bytes
}

#[test]
fn d96_bytes_of_a_programs_model_are_stored_as_rogue_stores_them() {
    let mut count = [0; 3];
    let all = rows("block_models");
    for row in all.iter().filter(|row| !row["path"].is_null() && row["error"].is_null()) {
        let image = bytes(row, "image");
        let bench = Bench::new(&image, vec![spec(row)]);
        let raw = bytes(row, "model_bytes");
        if text(row, "kind") == "get" {
            count[0] += 1;
            assert_eq!(hex(&bench.only().staged_raw(-1).unwrap()), hex(&raw), "{row}");
            continue;
        }
        let (value, width) = (from_decimal(text(row, "value"), raw.len()), number(row, "bit_size"));
        let is_signed = text(row, "model") == "Int";
        // All recorded values with a range are beyond it, which Rogue ignores for such integers.
        let fits = |value: &[u8]| {
            let above: Vec<bool> =
                (width..8 * value.len() as u64).map(|at| bit(value, at)).collect();
            let is_negative = is_signed && bit(value, width - 1);
            let is_whole = !above.contains(&true) || is_negative && !above.contains(&false);
            is_whole && row["min"].is_null()
        };
        let mut number = raw.clone();
        if flag(row, "byte_reverse", false) {
            number.reverse();
        }
        let outcome = bench.only().stage_raw(&raw, -1);
        let staged = if fits(&number) { text(row, "staged").to_owned() } else { hex(&image) };
        assert_eq!(outcome.is_ok(), fits(&number), "{outcome:?} for {row}");
        assert_eq!(hex(&bench.image()), staged, "{row}");
        count[if outcome.is_ok() { 1 } else { 2 }] += 1;
        // The integer itself is stored without the help of a model.
        if !fits(&value) {
            let text = message(&bench.only().stage_bytes(&value, -1)).unwrap();
            assert!(text.contains("Value range error for v. Value=0x"), "{text} for {row}");
            assert_eq!(hex(&bench.image()), staged, "{row}");
            continue;
        }
        bench.only().stage_bytes(&value, -1).unwrap_or_else(|error| panic!("{error} for {row}"));
        let staged = bench.only().staged_bytes(-1).unwrap();
        let bits = |bytes: &[u8]| (0..width).map(|at| bit(bytes, at)).collect::<Vec<_>>();
        assert_eq!(bits(&staged), bits(&value), "{row}");
        let sign = text(row, "model") == "Int" && bit(&staged, width - 1);
        assert!((width..8 * staged.len() as u64).all(|at| bit(&staged, at) == sign), "{row}");
        if !flag(row, "byte_reverse", false) {
            assert_eq!(hex(&bench.image()), text(row, "staged"), "{row}");
        }
    }
    assert_eq!(count, [300, 293, 7]);
}

#[test]
fn d67_a_wide_big_endian_integer_has_its_highest_byte_first() {
    let spec = VariableSpec { is_big_endian: true, ..VariableSpec::new("v", Model::UInt, 0, 68) };
    let bench = Bench::new(&[0; 9], vec![spec]);
    bench.only().stage_bytes(&[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x9], -1).unwrap();
    // Four bits, and eight bytes behind them.
    let expected = [0x89, 0x78, 0x67, 0x56, 0x45, 0x34, 0x23, 0x12, 0x01];
    assert_eq!(bench.image(), expected);
}

#[test]
fn d79_every_model_has_a_text_form_that_can_be_read() {
    let all = rows("block_models");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind") == "dump") {
        count += 1;
        let bench = Bench::new(&bytes(row, "image"), vec![spec(row)]);
        let recorded = text(row, "text");
        let expected = match (defects(row).is_empty(), text(row, "model")) {
            (true, _) | (false, "Bytes") => recorded.to_owned(),
            (false, "UInt" | "Int") => {
                let digits: Vec<char> = recorded.trim_start_matches("v = 0x").chars().collect();
                let swapped: String = digits.chunks(2).rev().flatten().collect();
                format!("v = 0x{swapped}")
            }
            // The bits of one.
            _ => "v = 1".to_owned(),
        };
        assert_eq!(bench.only().dump(false).unwrap(), expected + "\n", "{row}");
    }
    assert_eq!(count, 38);
}

fn refusal<T: rogue_mem::memory::block::Scalar>(
    variable: &Variable,
    accessor: Accessor<T>,
    is_set: bool,
) -> Option<String> {
    match is_set {
        true => message(&variable.set(accessor, T::default(), -1)),
        false => message(&variable.get(accessor, -1)),
    }
}

#[test]
fn every_model_has_its_accessors_and_no_other() {
    let all = rows("block_models");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind").starts_with("accessor")) {
        let is_set = text(row, "kind") == "accessor_set";
        let bench = Bench::new(&[0; 16], vec![spec(row)]);
        let variable = bench.only();
        let found = |name: &str| match &name[3..] {
            "UInt" => refusal(variable, UINT, is_set),
            "Int" => refusal(variable, INT, is_set),
            "Bool" => refusal(variable, BOOL, is_set),
            "Float" => refusal(variable, FLOAT, is_set),
            "Double" => refusal(variable, DOUBLE, is_set),
            "Fixed" => refusal(variable, FIXED, is_set),
            "Float16" => refusal(variable, FLOAT16, is_set),
            "Float8" => refusal(variable, FLOAT8, is_set),
            "BFloat16" => refusal(variable, BFLOAT16, is_set),
            "TensorFloat32" => refusal(variable, TENSOR_FLOAT32, is_set),
            "Float6" => refusal(variable, FLOAT6, is_set),
            "Float4" => refusal(variable, FLOAT4, is_set),
            "ByteArray" if is_set => message(&variable.set_bytes(&[0; 16], -1)),
            "ByteArray" => message(&variable.get_bytes(-1)),
            "String" if is_set => message(&variable.set_string(b"", -1)),
            "String" => message(&variable.get_string(-1)),
            other => panic!("{other}"),
        };
        // Overloads of C++ are not told apart here.
        for name in row["allowed"].as_array().unwrap().iter().filter_map(Value::as_str) {
            assert!(name.contains('&') || found(name).is_none(), "{name} of {row}");
        }
        for (name, error) in row["errors"].as_object().unwrap() {
            if !name.contains('&') {
                assert_eq!(found(name).as_deref(), error.as_str(), "{name} of {row}");
            }
        }
        count += 1;
    }
    assert_eq!(count, 42);
}
