//! Every recorded sequence of operations on a block. Rogue's defects are absent: the naive model of
//! `oracle.rs` first proves, with all of them, that it knows the rules, and then says without them
//! what is expected.

use std::sync::{Arc, Mutex};

use rogue_mem::error::Result;
use rogue_mem::memory::block::{Block, UpdateObserver, Variable, INT, UINT};
use rogue_mem::memory::TransactionType;
use serde_json::Value;
use testkit::slaves::Acting;
use testkit::vectors::from_hex;
use testkit::wait::{LONG, SHORT};

use crate::oracle::{Fault, Memory, Oracle, Seen};
use crate::support::{defects, flag, hex, message, number, numbers, rows, set, spec, text, value};

/// The defects of blocks that a sequence of operations can show.
pub const ALL: &[u32] = &[56, 57, 58, 59, 60, 65, 66, 75, 84, 85, 86];

/// A block over a memory, with all that happens to it.
struct Rig {
    block: Arc<Block>,
    variables: Vec<Arc<Variable>>,
    shared: Arc<Mutex<(Memory, Vec<String>)>>,
}

struct Updates(Arc<Mutex<(Memory, Vec<String>)>>);

impl UpdateObserver for Updates {
    fn updated(&self, variable: &Arc<Variable>) {
        self.0.lock().unwrap().1.push(format!("update {}", variable.name()));
    }
}

fn name_of(ty: TransactionType) -> &'static str {
    [
        (TransactionType::Read, "Read"),
        (TransactionType::Write, "Write"),
        (TransactionType::Post, "Post"),
        (TransactionType::Verify, "Verify"),
    ]
    .into_iter()
    .find(|(number, _)| *number == ty)
    .unwrap()
    .1
}

fn type_of(name: &str) -> TransactionType {
    [TransactionType::Read, TransactionType::Write, TransactionType::Post, TransactionType::Verify]
        .into_iter()
        .find(|ty| name_of(*ty) == name)
        .unwrap()
}

impl Rig {
    fn new(row: &Value) -> Rig {
        let base = number(row, "block_offset");
        let block = Block::new(base, number(row, "block_size") as u32).unwrap();
        let memory = Memory { bytes: from_hex(text(row, "memory")), faults: Vec::new() };
        let shared = Arc::new(Mutex::new((memory, Vec::new())));
        let behind = shared.clone();
        let slave = Acting::new(number(row, "min_access") as u32, 0, move |_, tran| {
            let mut data = tran.data().unwrap();
            let (ty, at) = (tran.ty(), tran.address());
            let mut behind = behind.lock().unwrap();
            let (fault, shown) = behind.0.access(ty.is_write(), (at - base) as usize, &mut data);
            let access = (name_of(ty), at, data.len());
            behind.1.push(Fault::event(fault.as_ref(), access, shown.as_deref()));
            drop((data, behind));
            match fault {
                Some(Fault::Error(text)) => tran.error(text),
                Some(Fault::Drop) => {}
                _ => tran.done(),
            }
        });
        block.master().set_slave(slave);
        // Whoever waits for an answer that never comes waits for this time.
        let drops = row.to_string().contains("drop");
        block.master().set_timeout(if drops { SHORT } else { LONG });
        let variables: Vec<Arc<Variable>> = row["variables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let variable = Variable::new(spec(row)).unwrap();
                if !row["shift"].is_null() {
                    let shift = numbers(row, "shift");
                    variable.shift_offset_down(shift[0], shift[1]).unwrap();
                }
                variable
            })
            .collect();
        block.add_variables(&variables).unwrap();
        block.set_enable(flag(row, "enabled", true));
        Rig { block, variables, shared }
    }

    fn variable(&self, name: &str) -> &Arc<Variable> {
        self.variables.iter().find(|one| one.name() == name).unwrap()
    }

    fn step(&self, step: &Value) -> Result<Option<Value>> {
        let index = step["index"].as_i64().unwrap_or(-1) as i32;
        let variable = step["variable"].as_str().map(|name| self.variable(name));
        match text(step, "op") {
            "set" => set(variable.unwrap(), &step["value"], index)?,
            "get" => return value(variable.unwrap(), index).map(Some),
            "start" => {
                let (ty, is_forced) =
                    (type_of(text(step, "type")), flag(step, "force_write", false));
                let check = flag(step, "check", false);
                let variable = variable.map(|one| &**one);
                self.block.start_transaction(ty, is_forced, check, variable, index)?;
            }
            "check" => drop(self.block.check_transaction()?),
            "enable" => self.block.set_enable(flag(step, "value", true)),
            "get_error" => return Ok(Some(self.block.master().last_error().into())),
            _ => return Ok(behind(&mut self.shared.lock().unwrap().0, step)),
        }
        Ok(None)
    }

    fn seen(&self, outcome: Result<Option<Value>>) -> Seen {
        let message = message(&outcome).map(|text| without_id(&text));
        let events = std::mem::take(&mut self.shared.lock().unwrap().1);
        Seen { message, result: outcome.ok().flatten(), events }
    }
}

/// What happens behind the block's back.
fn behind(memory: &mut Memory, step: &Value) -> Option<Value> {
    match text(step, "op") {
        "faults" => {
            memory.faults =
                step["next_transactions"].as_array().unwrap().iter().map(Fault::parse).collect();
        }
        "poke" => {
            let (at, data) = (number(step, "offset") as usize, from_hex(text(step, "data")));
            memory.bytes[at..at + data.len()].copy_from_slice(&data);
        }
        "memory" => return Some(hex(&memory.bytes).into()),
        other => panic!("{other}"),
    }
    None
}

/// The text with the id of a transaction replaced as in the recorded lines.
fn without_id(text: &str) -> String {
    const BEFORE: &str = "register transaction ";
    let Some(at) = text.find(BEFORE).map(|at| at + BEFORE.len()) else { return text.to_owned() };
    let rest = text[at..].trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{}<id>{rest}", &text[..at])
}

fn expected_step(
    oracle: &mut Oracle<'_>,
    step: &Value,
) -> std::result::Result<Option<Value>, String> {
    let index = step["index"].as_i64().unwrap_or(-1);
    let at = step["variable"].as_str().map(|name| oracle.index_of(name));
    match text(step, "op") {
        "set" => oracle.set(at.unwrap(), &step["value"], index)?,
        "get" => return oracle.get(at.unwrap(), index).map(Some),
        "start" => {
            let is_forced = flag(step, "force_write", false);
            let target = at.map(|at| (at, index));
            oracle.start(text(step, "type"), is_forced, flag(step, "check", false), target)?;
        }
        "check" => oracle.checked()?,
        "enable" => oracle.is_enabled = flag(step, "value", true),
        "get_error" => return Ok(Some("".into())),
        _ => return Ok(behind(&mut oracle.memory, step)),
    }
    Ok(None)
}

fn seen(oracle: &mut Oracle<'_>, outcome: std::result::Result<Option<Value>, String>) -> Seen {
    let events = std::mem::take(&mut oracle.events);
    Seen { message: outcome.clone().err(), result: outcome.ok().flatten(), events }
}

pub fn expected(row: &Value, mended: &[u32]) -> Vec<Seen> {
    let mut oracle = Oracle::new(row, mended);
    if let Some(mode) = row["block_mode"].as_str() {
        assert_eq!(oracle.mode, mode, "{row}");
    }
    let mut seen_steps = Vec::new();
    for step in row["steps"].as_array().unwrap() {
        let outcome = match row["kind"] == "trace" {
            true => expected_step(&mut oracle, step),
            false => expected_call(&mut oracle, &Call::parse(step, row)),
        };
        seen_steps.push(seen(&mut oracle, outcome));
    }
    seen_steps
}

/// What a block shows in the steps of a line.
pub fn carried_out(row: &Value) -> Vec<Seen> {
    testkit::log::capture();
    let rig = Rig::new(row);
    rig.block.observe(Some(Arc::new(Updates(rig.shared.clone()))));
    let steps = row["steps"].as_array().unwrap();
    steps.iter().map(|step| rig.seen(rig.step(step))).collect()
}

/// What a line says of a step.
pub fn recorded(step: &Value) -> Seen {
    let event = |event: &Value| match event[0].as_str().unwrap() {
        "queue_update" => format!("update {}", event[1].as_str().unwrap()),
        _ => {
            let data = event[4].as_str().unwrap_or("null");
            let fault = event[5].as_str().unwrap_or("");
            format!("{} {} {} {data} {fault}", event[1].as_str().unwrap(), event[2], event[3])
        }
    };
    let result = match step["op"].as_str() {
        Some("get" | "get_error") => step.get("value"),
        Some("memory") => step.get("data"),
        Some(_) => None,
        None => step.get("result"),
    };
    Seen {
        message: step["text"].as_str().map(str::to_owned),
        result: result.cloned(),
        events: step["events"].as_array().into_iter().flatten().map(event).collect(),
    }
}

/// Compares a line with the naive model, with and without defects, and what `run` shows with the
/// latter. Returns the defects that the line shows without being marked with them.
fn judge(row: &Value, run: impl FnOnce() -> Vec<Seen>) -> Vec<u32> {
    let steps = row["steps"].as_array().unwrap();
    let recorded: Vec<Seen> = steps.iter().map(recorded).collect();
    let compare = |shown: &[Seen], wanted: &[Seen], what: &str| {
        for ((shown, wanted), step) in shown.iter().zip(wanted).zip(steps) {
            let line = format!("{} (min {})", row["description"], row["min_access"]);
            assert_eq!(shown, wanted, "{what} at {step} of {line}:\n{row}");
        }
        assert_eq!(shown.len(), wanted.len());
    };
    compare(&expected(row, &[]), &recorded, "the naive model does not know Rogue");
    let wanted = expected(row, ALL);
    compare(&run(), &wanted, "the block");
    let marked = defects(row);
    let shows = |defect: &&u32| {
        let others: Vec<u32> = ALL.iter().copied().filter(|one| one != *defect).collect();
        !marked.contains(defect) && expected(row, &others) != wanted
    };
    ALL.iter().filter(shows).copied().collect()
}

/// How many times each defect is in `found`.
fn tally(found: &[u32]) -> Vec<(u32, usize)> {
    let times = |defect: &u32| found.iter().filter(|one| *one == defect).count();
    let all = ALL.iter().map(|defect| (*defect, times(defect)));
    all.filter(|(_, times)| *times > 0).collect()
}

#[test]
fn d86_every_recorded_sequence_is_carried_out_without_its_defects() {
    let all = rows("block_transactions");
    let (mut count, mut unmarked) = (0, Vec::new());
    for row in all.iter().filter(|row| row["kind"] == "trace") {
        count += 1;
        unmarked.extend(judge(row, || carried_out(row)));
    }
    assert_eq!(count, 334);
    // Lines that show a defect beside the one they are marked with, or without a mark.
    assert_eq!(tally(&unmarked), [(58, 3), (60, 6), (75, 3), (84, 19), (86, 12)]);
}

/// A call of an accessor of a C++ variable.
struct Call {
    name: String,
    value: Option<u64>,
    index: i64,
    faults: Vec<Option<Fault>>,
}

impl Call {
    fn parse(step: &Value, row: &Value) -> Call {
        let call = text(step, "call");
        let bus_fault = || vec![Some(Fault::Error("bus fault".to_owned()))];
        let faults = match call.split(' ').next().unwrap() {
            "next" => bus_fault(),
            "second" => vec![None, Some(Fault::Corrupt(0, 255))],
            _ => Vec::new(),
        };
        let call = call.rsplit(": ").next().unwrap();
        let own = if number(&row["variables"][0], "num_values") > 0 { 2 } else { -1 };
        let (name, rest) = call.split_once('(').unwrap_or((call, ""));
        let arguments: Vec<&str> =
            rest.split(')').next().unwrap().split(", ").filter(|one| !one.is_empty()).collect();
        let is_set = name.starts_with("set");
        let index = match arguments.get(usize::from(is_set || name == "getValue")) {
            Some(&"index") => own,
            Some(index) => index.parse().unwrap_or(-1),
            // Calls in words have the element of their test.
            None if call == "setUInt(90)" || call == "getUInt()" => -1,
            None => own,
        };
        let value = arguments.first().and_then(|value| value.parse().ok());
        let name = match name {
            "getDumpValue" => call.split(')').next().unwrap(),
            name => name,
        };
        Call { name: name.to_owned(), value: value.filter(|_| is_set), index, faults }
    }
}

fn expected_call(
    oracle: &mut Oracle<'_>,
    call: &Call,
) -> std::result::Result<Option<Value>, String> {
    oracle.memory.faults = call.faults.clone();
    let target = Some((0, call.index));
    let read = |oracle: &mut Oracle<'_>, target| {
        oracle.start("Read", false, false, target)?;
        oracle.checked()
    };
    let dump = |oracle: &Oracle<'_>| {
        let count = oracle.variables[0].count.max(1) as i64;
        let values = (0..count).map(|index| Ok(format!(" {}", oracle.one(0, index)?)));
        let values = values.collect::<std::result::Result<String, String>>()?;
        Ok(Some(format!("{} ={values}\n", oracle.variables[0].name).into()))
    };
    let outcome = (|| {
        match call.name.as_str() {
            "setUInt" | "setValue" => {
                oracle.put(0, &call.value.unwrap().into(), call.index)?;
                oracle.start("Write", true, false, target)?;
                oracle.start("Verify", false, false, target)?;
                oracle.checked()?;
            }
            "getUInt" | "getValue" => {
                if oracle.variables[0].count > 0 {
                    oracle.one(0, call.index)?;
                }
                read(oracle, target)?;
                return oracle.one(0, call.index).map(Some);
            }
            "setInt" => {
                let name = &oracle.variables[0].name;
                return Err(format!(
                    "Variable::setInt: General Error: Wrong set type for variable {name}"
                ));
            }
            "read" => read(oracle, Some((0, -1)))?,
            "getDumpValue(true" => {
                read(oracle, Some((0, -1)))?;
                return dump(oracle);
            }
            "getDumpValue(false" => return dump(oracle),
            other => panic!("{other}"),
        }
        Ok(None)
    })();
    oracle.memory.faults.clear();
    outcome
}

impl Rig {
    fn call(&self, call: &Call) -> Result<Option<Value>> {
        self.shared.lock().unwrap().0.faults = call.faults.clone();
        let (variable, index) = (&self.variables[0], call.index as i32);
        let outcome = match call.name.as_str() {
            "setUInt" | "setValue" => variable.set(UINT, call.value.unwrap(), index).map(|()| None),
            "getUInt" | "getValue" => variable.get(UINT, index).map(|value| Some(value.into())),
            "setInt" => variable.set(INT, 1, index).map(|()| None),
            "read" => self.block.read(variable, -1).map(|()| None),
            "getDumpValue(true" => variable.dump(true).map(|text| Some(text.into())),
            _ => variable.dump(false).map(|text| Some(text.into())),
        };
        self.shared.lock().unwrap().0.faults.clear();
        outcome
    }
}

#[test]
fn d57_every_recorded_call_of_an_accessor_does_what_it_should() {
    let all = rows("block_transactions");
    let (mut count, mut unmarked) = (0, Vec::new());
    for row in all.iter().filter(|row| row["kind"] == "cpp_trace") {
        count += 1;
        unmarked.extend(judge(row, || {
            testkit::log::capture();
            let rig = Rig::new(row);
            let steps = row["steps"].as_array().unwrap().iter();
            steps.map(|step| rig.seen(rig.call(&Call::parse(step, row)))).collect()
        }));
    }
    assert_eq!(count, 20);
    assert_eq!(tally(&unmarked), [(56, 10), (60, 1)]);
}
