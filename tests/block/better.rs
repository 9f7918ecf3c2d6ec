//! `tests/vectors/block_better.jsonl` says for the bindings' tests what holds in place of a recorded
//! line that shows a defect: the members that differ, which replace those of line `line` (from 1)
//! of file `file`; null stands for a member that is not there. Members of `steps` replace those of
//! the step of that index, from 0.
//!
//! It is made from what the engine and the naive model of `oracle.rs` do, which the other tests
//! compare with the recorded lines and with each other. `ROGUE_MEM_UPDATE_VECTORS=1 cargo test
//! --test block better` writes it anew.

use std::fmt::Write;
use std::path::Path;

use rogue_mem::error::Result;
use rogue_mem::memory::block::{Block, Variable, VariableSpec};
use serde_json::{json, Map, Value};

use crate::models::{from_decimal, has_value, stage};
use crate::oracle::Seen;
use crate::python::{set_line, variable_of};
use crate::support::{
    bytes, defects, flag, hex, message, number, numbers, rows, set, spec, text, value, Bench,
};
use crate::traces::{expected, recorded, ALL};

/// The members of a line, or of a step of it, that hold in place of the recorded ones.
#[derive(Default)]
struct Better(Map<String, Value>);

impl Better {
    /// Notes `shown` if `recorded` has another member of this name.
    fn compare(&mut self, recorded: &Value, name: &str, shown: Value) {
        if recorded[name] != shown {
            self.0.insert(name.to_owned(), shown);
        }
    }

    /// A member that no recorded line has.
    fn add(&mut self, name: &str, shown: impl Into<Value>) {
        self.0.insert(name.to_owned(), shown.into());
    }

    /// Notes a failure, or that there is none.
    fn compare_outcome<T>(&mut self, recorded: &Value, outcome: &Result<T>) {
        self.compare(recorded, "text", json!(message(outcome)));
        let error = outcome.is_err().then_some("GeneralError");
        self.compare(recorded, "error", json!(error));
    }

    fn add_steps(&mut self, steps: impl Iterator<Item = Better>) {
        let steps = steps.enumerate().filter(|(_, step)| !step.0.is_empty());
        let steps: Map<_, _> = steps.map(|(at, step)| (at.to_string(), step.0.into())).collect();
        if !steps.is_empty() {
            self.add("steps", steps);
        }
    }
}

/// A number as a line of `block_models` has it.
fn decimal(value: Value) -> String {
    value.as_bool().map_or_else(|| value.to_string(), |value| u8::from(value).to_string())
}

fn model_line(row: &Value) -> Better {
    let mut better = Better::default();
    let bench = || Bench::new(&bytes(row, "image"), vec![spec(row)]);
    match (text(row, "kind"), row["path"].is_null()) {
        ("set", true) => {
            let bench = bench();
            better.compare_outcome(row, &stage(bench.only(), row));
            better.compare(row, "staged", hex(&bench.image()).into());
        }
        ("get", true) => {
            let bench = bench();
            if !has_value(bench.only(), row) {
                better.add("value", decimal(value(bench.only(), -1).unwrap()));
            }
        }
        // An integer without the help of a program's model.
        ("set", false) if row["error"].is_null() => {
            let bench = bench();
            let value = from_decimal(text(row, "value"), bytes(row, "model_bytes").len());
            let outcome = bench.only().stage_bytes(&value, -1);
            better.add("value_hex", hex(&value));
            better.compare_outcome(row, &outcome);
            better.compare(row, "staged", hex(&bench.image()).into());
        }
        ("get", false) => {
            better.add("value_hex", hex(&bench().only().staged_bytes(-1).unwrap()));
        }
        ("dump", _) => {
            let dump = bench().only().dump(false).unwrap();
            better.compare(row, "text", dump.trim_end_matches('\n').into());
        }
        _ => {}
    }
    better
}

fn geometry_line(row: &Value) -> Better {
    let mut better = Better::default();
    match text(row, "kind") {
        "geometry" => {
            let made = VariableSpec { may_overlap: true, ..spec(&row["variable"]) };
            let variable = Variable::new(made).unwrap();
            if !row["shift"].is_null() {
                let shift = numbers(row, "shift");
                variable.shift_offset_down(shift[0], shift[1]).unwrap();
            }
            better.compare(row, "var_bytes", variable.var_bytes().into());
            let bench = Bench::with(&bytes(row, "image"), vec![variable.clone()]);
            better.add_steps(row["steps"].as_array().unwrap().iter().map(|step| {
                let mut better = Better::default();
                let index = step["index"].as_i64().unwrap() as i32;
                let outcome = set(&variable, &step["set"], index);
                better.compare_outcome(step, &outcome);
                better.compare(step, "staged", hex(&bench.image()).into());
                if outcome.is_ok() {
                    better.compare(step, "get", value(&variable, index).unwrap());
                }
                better
            }));
        }
        "large_position" => {
            let mut made = spec(row);
            if made.num_values > 0 {
                let count = u64::from(made.num_values);
                made.value_bits = number(row, "value_bits_in") as u32;
                made.value_stride = number(row, "value_stride_in") as u32;
                made.bit_size = vec![count * u64::from(made.value_stride)];
            }
            let variable = Variable::new(made).unwrap();
            better.compare(row, "var_bytes", variable.var_bytes().into());
        }
        "add_variables" => {
            let size = number(row, "block_size") as u32;
            let block = Block::new(number(row, "block_offset"), size).unwrap();
            let specs = row["variables"].as_array().unwrap().iter();
            let variables: Vec<_> = specs.map(|row| Variable::new(spec(row)).unwrap()).collect();
            better.compare_outcome(row, &block.add_variables(&variables));
            better.compare(row, "path", (*block.path()).into());
            better.compare(row, "mode", block.mode().text().into());
            better.compare(row, "bulk_op_en", block.is_bulk().into());
            let names: Vec<_> = block.variables().iter().map(|one| one.name().to_owned()).collect();
            better.compare(row, "variables_after", names.into());
        }
        _ => {}
    }
    better
}

fn python_line(row: &Value) -> Better {
    let mut better = Better::default();
    let is_plain = row["kind"] == "py_set" && defects(row).is_empty() && row["error"].is_null();
    if !is_plain || flag(row, "undefined", false) {
        return better;
    }
    let bench = Bench::new(&bytes(row, "image"), vec![variable_of(row)]);
    if let Some(outcome @ Err(_)) = set_line(&bench, row) {
        better.compare_outcome(row, &outcome);
        better.compare(row, "staged", hex(&bench.image()).into());
        better.compare(row, "get", Value::Null);
        better.add("reason", "a value that does not fit, or that the program does not allow");
    }
    better
}

/// An event of a naive block as a line has it.
fn event(event: &str) -> Value {
    if let Some(name) = event.strip_prefix("update ") {
        return json!(["queue_update", name]);
    }
    let parts: Vec<&str> = event.split(' ').collect();
    let number = |at: usize| parts[at].parse::<u64>().unwrap();
    let data = Some(parts[3]).filter(|data| *data != "null");
    let mut event = vec![json!("transaction"), parts[0].into(), number(1).into()];
    event.extend([number(2).into(), json!(data)]);
    event.extend(Some(parts[4]).filter(|fault| !fault.is_empty()).map(Value::from));
    event.into()
}

fn transaction_line(row: &Value) -> Better {
    let mut better = Better::default();
    let steps = row["steps"].as_array().unwrap();
    better.add_steps(steps.iter().zip(expected(row, ALL)).map(|(step, shown)| {
        let Seen { message, result, events } = recorded(step);
        let mut better = Better::default();
        if message != shown.message {
            let error = shown.message.is_some().then_some("GeneralError");
            better.add("text", json!(shown.message));
            better.compare(step, "error", json!(error));
        }
        if result != shown.result {
            let name = match step["op"].as_str() {
                Some("memory") => "data",
                Some(_) => "value",
                None => "result",
            };
            better.add(name, json!(shown.result));
        }
        if events != shown.events {
            let events: Vec<Value> = shown.events.iter().map(|one| event(one)).collect();
            better.add("events", events);
        }
        better
    }));
    better
}

#[test]
fn the_list_of_better_lines_is_what_the_engine_does() {
    let mut found = String::new();
    let mut count = Vec::new();
    type Line = fn(&Value) -> Better;
    let files: [(&str, Line); 4] = [
        ("block_models", model_line),
        ("block_python_values", python_line),
        ("block_geometry", geometry_line),
        ("block_transactions", transaction_line),
    ];
    for (file, better_of) in files {
        count.push(0);
        for (at, row) in rows(file).iter().enumerate() {
            let mut better = better_of(row);
            if better.0.is_empty() {
                continue;
            }
            *count.last_mut().unwrap() += 1;
            better.add("file", file);
            better.add("line", at + 1);
            writeln!(found, "{}", Value::from(better.0)).unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/block_better.jsonl");
    if std::env::var_os("ROGUE_MEM_UPDATE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &found).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == found,
        "{} is out of date. Run ROGUE_MEM_UPDATE_VECTORS=1 cargo test --test block better",
        path.display()
    );
    assert_eq!(count, [1225, 7, 27, 225]);
}
