//! Geometry: parts, lists, coverage, overlaps, and the addition of variables.

use std::sync::{Arc, Mutex};

use rogue_mem::memory::block::{Block, Model, Variable, VariableSpec};
use rogue_mem::memory::{Hub, Slave, TransactionType};
use serde_json::{json, Value};
use testkit::bus::text_of;
use testkit::slaves::Acting;

use crate::support::{
    bytes, defects, flag, hex, message, number, numbers, rows, set, spec, text, value, Bench,
};

/// Addresses and sizes.
type Accesses = Vec<(u64, u32)>;

/// A slave that notes the accesses to it.
fn noting(min: u32) -> (Arc<dyn Slave>, Arc<Mutex<Accesses>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let slave = Acting::new(min, 0, move |_, tran| {
        noted.lock().unwrap().push((tran.address(), tran.size()));
        tran.done();
    });
    (slave, seen)
}

/// The bytes of the block that a read with `index` covers: the first one, and how many.
fn read_range(bench: &Bench, index: i32) -> Value {
    let (slave, seen) = noting(1);
    bench.block.master().set_slave(slave);
    bench.block.set_enable(true);
    let variable = Some(&**bench.only());
    bench.block.start_transaction(TransactionType::Read, false, true, variable, index).unwrap();
    let (address, size) = seen.lock().unwrap()[0];
    json!([index, address - 0x100, size])
}

#[test]
fn d62_every_recorded_geometry_places_its_values() {
    let all = rows("block_geometry");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind") == "geometry") {
        count += 1;
        let made = VariableSpec { may_overlap: true, ..spec(&row["variable"]) };
        let variable = Variable::new(made).unwrap();
        if let Some(shift) = row["shift"].as_array() {
            let shift: Vec<u64> = shift.iter().map(|one| one.as_u64().unwrap()).collect();
            variable.shift_offset_down(shift[0], shift[1]).unwrap();
            assert_eq!(json!(variable.bit_offset()), row["bit_offset_after"], "{row}");
            assert_eq!(variable.offset(), number(row, "offset_after"), "{row}");
        }
        match defects(row).is_empty() {
            true => assert_eq!(variable.var_bytes(), number(row, "var_bytes"), "{row}"),
            false => {
                let ends = numbers(&row["variable"], "bit_offset").into_iter();
                let ends = ends.zip(numbers(&row["variable"], "bit_size"));
                let end = ends.map(|(start, size)| start + size).max().unwrap();
                assert_eq!(variable.var_bytes(), end.div_ceil(8), "{row}");
            }
        }
        assert_eq!(u64::from(variable.value_bits()), number(row, "value_bits"), "{row}");
        assert_eq!(u64::from(variable.value_stride()), number(row, "value_stride"), "{row}");
        assert_eq!(u64::from(variable.num_values()), number(row, "num_values"), "{row}");
        let bench = Bench::with(&bytes(row, "image"), vec![variable.clone()]);
        for step in row["steps"].as_array().unwrap() {
            let index = step["index"].as_i64().unwrap() as i32;
            let outcome = set(&variable, &step["set"], index);
            assert_eq!(message(&outcome).as_deref(), step["text"].as_str(), "{step} of {row}");
            if step["set"] == "abcd" {
                // Rogue cuts it off: text may fill the variable.
                assert_eq!(value(&variable, index).unwrap(), "abcd");
                continue;
            }
            assert_eq!(hex(&bench.image()), text(step, "staged"), "{step} of {row}");
            if outcome.is_ok() {
                assert_eq!(value(&variable, index).unwrap(), step["get"], "{step} of {row}");
            } else if text(step, "text").contains("setBytes") && index >= 0 {
                let shown = value(&variable, index).unwrap_err().to_string();
                assert_eq!(shown, text(step, "text").replace("setBytes", "getBytes"));
            }
        }
        drop(bench);
        let bench = Bench::with(&bytes(row, "image"), vec![variable]);
        for range in row["read_ranges"].as_array().into_iter().flatten() {
            assert_eq!(read_range(&bench, range[0].as_i64().unwrap() as i32), *range, "{row}");
        }
    }
    assert_eq!(count, 212);
}

#[test]
fn every_recorded_shift_moves_the_variable() {
    let all = rows("block_geometry");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind") == "shift") {
        count += 1;
        let variable = Variable::new(VariableSpec { may_overlap: true, ..spec(row) }).unwrap();
        if let Some(before) = row["before"]["var_bytes"].as_u64() {
            assert_eq!(variable.var_bytes(), before, "{row}");
        }
        let shift = numbers(row, "shift");
        variable.shift_offset_down(shift[0], shift[1]).unwrap();
        assert_eq!(variable.var_bytes(), number(row, "var_bytes"), "{row}");
        assert_eq!(variable.offset(), number(row, "offset_after"), "{row}");
        assert_eq!(variable.bit_offset(), numbers(row, "bit_offset_after"), "{row}");
        let image = vec![0; number(row, "block_size") as usize];
        let bench = Bench::with(&image, vec![variable.clone()]);
        for range in row["read_ranges"].as_array().into_iter().flatten() {
            assert_eq!(read_range(&bench, range[0].as_i64().unwrap() as i32), *range, "{row}");
        }
        if let Some(range) = row["read_range"].as_array() {
            assert_eq!(read_range(&bench, -1), json!([-1, range[0], range[1]]), "{row}");
        }
        if row["var_bytes_after_shift_0_1"].is_null() {
            continue;
        }
        // In a block it stays where it is.
        variable.shift_offset_down(0, 1).unwrap_err();
        drop(bench);
        variable.shift_offset_down(0, 1).unwrap();
        assert_eq!(variable.var_bytes(), number(row, "var_bytes_after_shift_0_1"), "{row}");
        let range = &row["read_range_after_shift_0_1"];
        let bench = Bench::with(&image, vec![variable]);
        assert_eq!(read_range(&bench, -1), json!([-1, range[0], range[1]]), "{row}");
    }
    assert_eq!(count, 28);
}

fn names(block: &Block) -> Value {
    block.variables().iter().map(|variable| json!(variable.name())).collect()
}

#[test]
fn d64_every_recorded_list_of_variables_is_accepted_or_refused_as_a_whole() {
    let all = rows("block_geometry");
    let mut count = [0; 2];
    for row in all.iter().filter(|row| text(row, "kind") == "add_variables") {
        let block =
            Block::new(number(row, "block_offset"), number(row, "block_size") as u32).unwrap();
        let specs = row["variables"].as_array().unwrap().iter();
        let variables: Vec<_> = specs.map(|row| Variable::new(spec(row)).unwrap()).collect();
        let outcome = block.add_variables(&variables);
        assert_eq!(message(&outcome).as_deref(), row["text"].as_str(), "{row}");
        let is_refused = outcome.is_err();
        count[usize::from(is_refused)] += 1;
        assert_eq!(is_refused, !defects(row).is_empty(), "{row}");
        let shown = if is_refused { &row["before"] } else { row };
        assert_eq!(&*block.path(), text(shown, "path"), "{row}");
        assert_eq!(block.mode().text(), text(shown, "mode"), "{row}");
        assert_eq!(block.is_bulk(), flag(shown, "bulk_op_en", true), "{row}");
        match is_refused {
            true => assert!(block.variables().is_empty()),
            false => assert_eq!(names(&block), row["variables_after"], "{row}"),
        }
    }
    assert_eq!(count, [31, 18]);
}

#[test]
fn d73_positions_are_exact_up_to_the_largest() {
    let all = rows("block_geometry");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind") == "large_position") {
        count += 1;
        let mut made = spec(row);
        let end = match made.num_values {
            0 => made.bit_offset[0] + made.bit_size[0],
            count => {
                made.value_bits = number(row, "value_bits_in") as u32;
                made.value_stride = number(row, "value_stride_in") as u32;
                made.bit_size = vec![u64::from(count) * u64::from(made.value_stride)];
                made.bit_size[0]
            }
        };
        let variable = Variable::new(made).unwrap();
        assert_eq!(variable.var_bytes(), end.div_ceil(8), "{row}");
        if defects(row).is_empty() {
            assert_eq!(variable.var_bytes(), number(row, "var_bytes"), "{row}");
        }
    }
    assert_eq!(count, 10);
}

#[test]
fn fields_of_one_block_leave_each_other_alone() {
    let all = rows("block_geometry");
    let mut count = 0;
    for row in all.iter().filter(|row| text(row, "kind") == "fields") {
        count += 1;
        let specs = row["variables"].as_array().unwrap();
        let bench = Bench::new(&bytes(row, "image"), specs.iter().map(spec).collect());
        let variable =
            |name: &str| bench.variables.iter().find(|one| one.name() == name).unwrap().clone();
        for step in row["steps"].as_array().unwrap() {
            set(&variable(text(step, "variable")), &step["set"], -1).unwrap();
            assert_eq!(hex(&bench.image()), text(step, "staged"), "{step} of {row}");
        }
        for (name, expected) in row["get"].as_object().unwrap() {
            assert_eq!(value(&variable(name), -1).unwrap(), *expected, "{name} of {row}");
        }
    }
    assert_eq!(count, 25);
}

#[test]
fn a_block_tells_its_properties_and_its_address_behind_hubs() {
    let all = rows("block_geometry");
    let kind = |kind: &'static str| all.iter().filter(move |row| text(row, "kind") == kind);
    for row in kind("block_properties") {
        let block = Block::new(number(row, "offset"), number(row, "size") as u32).unwrap();
        if let Some(path) = row["path"].as_str() {
            assert_eq!((&*block.path(), block.mode().text()), (path, text(row, "mode")));
            assert!(!block.is_bulk() && block.variables().is_empty());
        } else {
            block.master().set_slave(Hub::new(0x1000, 0, 0));
        }
        assert_eq!(block.offset(), number(row, "offset"));
        assert_eq!(block.address(), number(row, "address"));
    }
    for row in kind("address_text") {
        let block = Block::new(number(row, "block_offset"), 8).unwrap();
        let hub = Hub::new(number(row, "hub_offset"), 0, 0);
        hub.master().set_slave(Acting::new(1, 0, |_, tran| tran.error("x")));
        block.master().set_slave(hub);
        let variable = |name| Variable::new(VariableSpec::new(name, Model::UInt, 0, 8)).unwrap();
        let outcome = block.add_variables(&[variable("v"), variable("w")]);
        assert_eq!(message(&outcome).unwrap(), text(row, "overlap_text"));
        block.add_variables(&[variable("v")]).unwrap();
        block.set_enable(true);
        let outcome = block.start_transaction(TransactionType::Read, false, true, None, -1);
        assert_eq!(message(&outcome).unwrap(), text(row, "read_text"));
        assert_eq!(block.address(), number(row, "address"));
    }
}

#[test]
fn d62_a_geometry_that_no_block_can_have_is_refused() {
    let scalar = |parts: &[(u64, u64)]| VariableSpec {
        bit_offset: parts.iter().map(|part| part.0).collect(),
        bit_size: parts.iter().map(|part| part.1).collect(),
        ..VariableSpec::new("v", Model::UInt, 0, 1)
    };
    let unequal = VariableSpec { bit_size: vec![8, 8], ..scalar(&[(0, 8)]) };
    let with = |model, bits| VariableSpec::new("v", model, 0, bits);
    let list = VariableSpec {
        bit_size: vec![8, 8],
        bit_offset: vec![0, 8],
        ..VariableSpec::list("v", Model::UInt, 0, (2, 8, 8))
    };
    let refused = [
        (scalar(&[]), "it has 0 bit offsets and 0 bit sizes"),
        (unequal, "it has 1 bit offsets and 2 bit sizes"),
        (scalar(&[(0, 8), (8, 0)]), "has no bits"),
        (VariableSpec::list("v", Model::UInt, 0, (2, 0, 8)), "has no bits"),
        (list, "a list has one part"),
        (with(Model::Bool, 128), "128 bits are no Bool value, which has 1 to 64"),
        (with(Model::Float, 31), "31 bits are no Float value, which has 32 to 32"),
        (with(Model::Double, 65), "no Double value"),
        (with(Model::Fixed, 65), "no Fixed value"),
        (with(Model::UFixed, 65), "no UFixed value"),
        (with(Model::Float16, 17), "no Float16 value"),
        (with(Model::Float8, 7), "no Float8 value"),
        (with(Model::Float6, 9), "no Float6 value"),
        (scalar(&[(u64::MAX, 8)]), "end beyond every block"),
        (scalar(&[(0, u64::MAX), (0, 2)]), "bits are no UInt value"),
        (VariableSpec::list("v", Model::UInt, 0, (u32::MAX, 64, u32::MAX)), "beyond every block"),
    ];
    for (spec, reason) in refused {
        let error = Variable::new(spec).err().unwrap();
        assert_eq!(error.origin(), "Variable::Variable");
        assert!(error.text().contains(reason), "{error} instead of {reason}");
    }
    let block = Block::new(0x40, 4).unwrap();
    for spec in [
        VariableSpec::new("v", Model::UInt, 25, 8),
        VariableSpec::new("v", Model::UInt, 1 << 40, 8),
        VariableSpec::list("v", Model::UInt, 0, (5, 8, 8)),
    ] {
        let spec = Variable::new(spec).unwrap();
        let text = text_of(block.add_variables(&[spec]));
        assert!(text.contains("of block v with address 0x00000040, which has 4 bytes"), "{text}");
    }
    for (offset, size) in [(0, 0), (u64::MAX, 2)] {
        assert!(Block::new(offset, size).is_err());
    }
    assert!(Block::new(u64::MAX, 1).is_ok());
}

#[test]
fn d64_a_second_list_of_variables_replaces_the_first_and_its_maps() {
    let block = Block::new(0, 8).unwrap();
    let variable = |name, bit| Variable::new(VariableSpec::new(name, Model::UInt, bit, 8)).unwrap();
    let (first, second) = (variable("a", 0), variable("b", 0));
    block.add_variables(std::slice::from_ref(&first)).unwrap();
    text_of(block.add_variables(&[]));
    block.add_variables(std::slice::from_ref(&second)).unwrap();
    assert_eq!((&*block.path(), names(&block)), ("b", json!(["b"])));
    let text = text_of(first.stage(rogue_mem::memory::block::UINT, 1, -1));
    assert!(text.contains("Variable a is in no block"), "{text}");
    second.stage(rogue_mem::memory::block::UINT, 1, -1).unwrap();
    // A variable is in one block at a time.
    let other = Block::new(0, 8).unwrap();
    let text = text_of(other.add_variables(std::slice::from_ref(&second)));
    assert!(text.contains("b is in another block"), "{text}");
    drop(block);
    other.add_variables(&[first, variable("c", 8), second]).unwrap_err();
    assert_eq!(&*other.path(), "Undefined");
}
