//! Random geometries and sequences against naive models.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::memory::block::{Model, Variable, VariableSpec, INT, UINT};
use serde_json::{json, Value};
use testkit::registers::in_order;

use crate::oracle::Seen;
use crate::support::{bit, hex, put_bit, Bench};
use crate::traces::{carried_out, expected, ALL};

const GEOMETRIES: u64 = 300;
const SEQUENCES: u64 = 400;

/// A variable, and where the bits of its elements are, lowest first.
struct Field {
    spec: VariableSpec,
    elements: Vec<Vec<u64>>,
}

/// Takes `parts` of bits from `free` runs of a block, or overlaps.
fn field(rng: &mut ChaCha8Rng, name: &str, bits: u64) -> Field {
    let model = if rng.random() { Model::UInt } else { Model::Int };
    let width = match rng.random_range(0..10) {
        0..4 => rng.random_range(1..=16),
        4..7 => *[8, 16, 24, 32, 48, 64].choose(rng).unwrap(),
        7..9 => rng.random_range(17..=64),
        _ => rng.random_range(65..=150),
    };
    let mut spec = VariableSpec {
        may_overlap: true,
        is_big_endian: rng.random(),
        reverses_bits: rng.random_range(0..4) == 0,
        ..VariableSpec::new(name, model, 0, width)
    };
    if rng.random() {
        let stride = width + if rng.random() { 0 } else { rng.random_range(0..20) };
        let count = rng.random_range(1..=(bits - u64::from(width)) / u64::from(stride).max(1) + 1);
        let count = (count as u32).min(12);
        let used = u64::from(count - 1) * u64::from(stride) + u64::from(width);
        let start = rng.random_range(0..=bits - used);
        let list = VariableSpec::list(name, model, start, (count, width, stride));
        let element = |index: u32| {
            let first = start + u64::from(index * stride);
            in_order(&spec, (first..first + u64::from(width)).collect())
        };
        let elements = (0..count).map(element).collect();
        spec.bit_offset = list.bit_offset;
        spec.bit_size = list.bit_size;
        (spec.num_values, spec.value_bits, spec.value_stride) = (count, width, stride);
        return Field { spec, elements };
    }
    // Parts in any order, none over another.
    let mut cuts: Vec<u64> =
        (0..rng.random_range(0..4)).map(|_| rng.random_range(1..=u64::from(width))).collect();
    cuts.extend([0, u64::from(width)]);
    cuts.sort_unstable();
    cuts.dedup();
    let sizes: Vec<u64> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut gaps: Vec<u64> = (0..=sizes.len()).map(|_| rng.random_range(0..12)).collect();
    while gaps.iter().sum::<u64>() + u64::from(width) > bits {
        gaps.iter_mut().for_each(|gap| *gap /= 2);
    }
    let mut at = 0;
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for (size, gap) in sizes.iter().zip(&gaps) {
        parts.push((at + gap, *size));
        at += gap + size;
    }
    parts.shuffle(rng);
    spec.bit_offset = parts.iter().map(|part| part.0).collect();
    spec.bit_size = parts.iter().map(|part| part.1).collect();
    let register = parts.iter().flat_map(|&(start, size)| start..start + size).collect();
    let elements = vec![in_order(&spec, register)];
    Field { spec, elements }
}

/// Random bytes of a number of `width` bits, with the sign in the unused ones.
fn random_number(rng: &mut ChaCha8Rng, model: Model, width: u64) -> Vec<u8> {
    let mut number = vec![0; width.div_ceil(8) as usize];
    rng.fill(&mut number[..]);
    let fill = model == Model::Int && bit(&number, width - 1);
    (width..8 * number.len() as u64).for_each(|at| put_bit(&mut number, at, fill));
    number
}

fn word(number: &[u8], fill: bool) -> [u8; 8] {
    let mut word = [if fill { 0xFF } else { 0 }; 8];
    word[..number.len()].copy_from_slice(number);
    word
}

fn stage(variable: &Variable, number: &[u8], index: i32) {
    let width = u64::from(variable.value_bits());
    match (width <= 64, variable.spec().model) {
        (true, Model::Int) => {
            let number = word(number, bit(number, width - 1));
            variable.stage(INT, i64::from_le_bytes(number), index).unwrap();
        }
        (true, _) => variable.stage(UINT, u64::from_le_bytes(word(number, false)), index).unwrap(),
        (false, _) => variable.stage_bytes(number, index).unwrap(),
    }
}

fn staged(variable: &Variable, index: i32) -> Vec<u8> {
    let len = variable.value_bytes();
    match (variable.value_bits() <= 64, variable.spec().model) {
        (true, Model::Int) => variable.staged(INT, index).unwrap().to_le_bytes()[..len].to_vec(),
        (true, _) => variable.staged(UINT, index).unwrap().to_le_bytes()[..len].to_vec(),
        (false, _) => variable.staged_bytes(index).unwrap(),
    }
}

fn check_geometry(seed: u64) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let size = rng.random_range(20..60);
    let mut image = vec![0; size];
    rng.fill(&mut image[..]);
    let count = rng.random_range(1..6);
    let fields: Vec<Field> =
        (0..count).map(|at| field(rng, &format!("v{at}"), size as u64 * 8)).collect();
    let bench = Bench::new(&image, fields.iter().map(|field| field.spec.clone()).collect());
    for step in 0..40 {
        let at = rng.random_range(0..fields.len());
        let (Field { spec, elements }, variable) = (&fields[at], &bench.variables[at]);
        let index = rng.random_range(0..elements.len());
        let places = &elements[index];
        let what = || format!("seed {seed}, step {step}: element {index} of {spec:?}");
        let expected: Vec<bool> = places.iter().map(|place| bit(&image, *place)).collect();
        let found = staged(variable, index as i32);
        let bits: Vec<bool> = (0..places.len() as u64).map(|at| bit(&found, at)).collect();
        assert_eq!(bits, expected, "{}", what());
        let number = random_number(rng, spec.model, places.len() as u64);
        stage(variable, &number, index as i32);
        for (at, place) in places.iter().enumerate() {
            put_bit(&mut image, *place, bit(&number, at as u64));
        }
        assert_eq!(hex(&bench.image()), hex(&image), "{}", what());
        assert_eq!(staged(variable, index as i32), number, "{}", what());
    }
}

#[test]
fn values_of_random_geometries_are_where_a_naive_model_has_them() {
    (0..GEOMETRIES).for_each(check_geometry);
}

/// A block with variables that may overlap, in the form of a recorded line.
fn random_block(rng: &mut ChaCha8Rng) -> Value {
    let size = *[8, 16, 24].choose(rng).unwrap() as u64;
    let overlaps = rng.random();
    let mut at = 0;
    let mut variables = Vec::new();
    let modes = if rng.random() { vec!["RW"] } else { vec!["RW", "RW", "RW", "RO", "WO"] };
    while variables.len() < 7 {
        let width = *[1, 4, 7, 8, 12, 16, 32].choose(rng).unwrap() as u64;
        let count = if rng.random_range(0..3) == 0 { rng.random_range(1..4) } else { 0 };
        let stride = width + rng.random_range(0..3) * 4;
        let bits = if count > 0 { count * stride } else { width };
        if at + bits > size * 8 && variables.is_empty() {
            continue;
        }
        if at + bits > size * 8 {
            break;
        }
        let mut variable = json!({
            "name": format!("v{}", variables.len()), "model": "UInt", "bit_offset": [at],
            "bit_size": [bits], "mode": modes.choose(rng).unwrap(), "overlap_en": overlaps,
            "verify": rng.random_range(0..4) != 0, "update_notify": rng.random_range(0..2) == 0,
            "retry_count": 0,
        });
        if count > 0 {
            variable["num_values"] = json!(count);
            variable["value_bits"] = json!(width);
            variable["value_stride"] = json!(stride);
        }
        if rng.random_range(0..3) == 0 {
            variable["shift"] = json!([0, rng.random_range(1..5)]);
        }
        variables.push(variable);
        let next = at + bits + rng.random_range(0..4) * rng.random_range(0..8);
        at = if overlaps && rng.random() { at / 2 } else { next };
    }
    if rng.random() {
        variables[0]["retry_count"] = json!(rng.random_range(0..3));
    }
    let mut memory = vec![0; size as usize];
    rng.fill(&mut memory[..]);
    json!({
        "kind": "trace", "description": "random", "block_offset": rng.random_range(0..64),
        "block_size": size, "memory": hex(&memory), "enabled": true, "variables": variables,
        "min_access": 1 << rng.random_range(0..4),
    })
}

fn random_step(rng: &mut ChaCha8Rng, row: &Value) -> Value {
    let variable = row["variables"].as_array().unwrap().choose(rng).unwrap();
    let count = variable["num_values"].as_i64().unwrap_or(0);
    let index = rng.random_range(-1..=count);
    let (name, size) = (&variable["name"], row["block_size"].as_u64().unwrap());
    let width = match count {
        0 => variable["bit_size"][0].as_u64().unwrap(),
        _ => variable["value_bits"].as_u64().unwrap(),
    };
    let value = rng.random::<u64>() & ((1 << width) - 1);
    match rng.random_range(0..16) {
        0..5 => json!({"op": "set", "variable": name, "value": value, "index": index}),
        5 => json!({"op": "get", "variable": name, "index": index}),
        6..13 => {
            let ty = ["Read", "Read", "Write", "Write", "Post", "Verify", "Verify"].choose(rng);
            let target = if rng.random_range(0..4) == 0 { json!(null) } else { name.clone() };
            json!({"op": "start", "type": ty, "force_write": rng.random_range(0..3) == 0,
                "check": rng.random::<bool>(), "variable": target, "index": index})
        }
        13 => json!({"op": "check"}),
        14 => {
            let fault = |rng: &mut ChaCha8Rng| match rng.random_range(0..4) {
                0 => json!(["error", "broken"]),
                1 => json!(["corrupt", 0, rng.random_range(1..255)]),
                2 => json!(["ignore"]),
                _ => json!(null),
            };
            json!({"op": "faults", "next_transactions": [fault(rng), fault(rng), fault(rng)]})
        }
        _ => {
            let at = rng.random_range(0..size);
            json!({"op": "poke", "offset": at, "data": hex(&[rng.random::<u8>()])})
        }
    }
}

#[test]
fn random_sequences_do_what_a_naive_model_does() {
    testkit::log::capture();
    for seed in 0..SEQUENCES {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut row = random_block(rng);
        let mut steps: Vec<Value> = (0..60).map(|_| random_step(rng, &row)).collect();
        steps.push(json!({"op": "faults", "next_transactions": []}));
        steps.push(json!({"op": "memory"}));
        row["steps"] = json!(steps);
        let (shown, wanted): (Vec<Seen>, Vec<Seen>) = (carried_out(&row), expected(&row, ALL));
        for (index, (shown, wanted)) in shown.iter().zip(&wanted).enumerate() {
            let what = || {
                let steps = row["steps"].as_array().unwrap()[..=index].iter();
                let steps = steps.map(|step| format!("{step}\n")).collect::<String>();
                format!("seed {seed}: {}\nsteps:\n{steps}", row["variables"])
            };
            assert_eq!(shown, wanted, "{}", what());
        }
        assert_eq!(shown.len(), 62);
    }
}
