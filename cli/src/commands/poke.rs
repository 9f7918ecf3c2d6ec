//! `poke`: writes registers.

use serde_json::json;

use super::peek::size_of;
use crate::arguments::Poke;
use crate::failure::{Failure, Kind, Outcome};
use crate::number::Register;
use crate::output;
use crate::target::Target;

pub fn run(poke: &Poke, json: bool) -> Outcome {
    let register = poke.word.register();
    let parse =
        |text: &String| register.parse(text).map_err(|text| Failure::new(Kind::Usage, text));
    let values: Vec<u64> = poke.values.iter().map(parse).collect::<Outcome<_>>()?;
    let mask = match &poke.mask {
        Some(text) => parse(text)?,
        None => register.mask(),
    };
    // Values come from a command line: fewer than an access has.
    let size = size_of(poke.address, values.len() as u32, register.width)?;
    let target = Target::connect(&poke.server)?;
    let values = match poke.mask {
        None => values,
        Some(_) => {
            let present = values_in(&target.master.read(poke.address, size)?, register);
            let merged = |(new, old): (u64, u64)| new & mask | old & !mask;
            values.into_iter().zip(present).map(merged).collect()
        }
    };
    let bytes: Vec<u8> = values.iter().flat_map(|value| register.bytes(*value)).collect();
    if poke.post {
        target.master.post(poke.address, &bytes)?;
    } else {
        target.master.write(poke.address, &bytes)?;
    }
    if poke.verify {
        let found = values_in(&target.master.verify(poke.address, size)?, register);
        compare(poke.address, register, (&values, &found), mask)?;
    }
    match json {
        true => output::line(json!({
            "address": poke.address, "width": register.width, "values": values,
            "verified": poke.verify
        })),
        false => Ok(()),
    }
}

fn values_in(bytes: &[u8], register: Register) -> Vec<u64> {
    bytes.chunks(register.width as usize).map(|bytes| register.value(bytes)).collect()
}

/// Compares the bits of `mask`.
fn compare(
    address: u64,
    register: Register,
    (written, found): (&[u64], &[u64]),
    mask: u64,
) -> Outcome {
    use crate::number::Form::Hex;
    let mut differing = written.iter().zip(found).enumerate();
    let Some((index, (one, other))) =
        differing.find(|(_, (one, other))| (*one ^ *other) & mask != 0)
    else {
        return Ok(());
    };
    Err(Failure::new(
        Kind::Differs,
        format!(
            "0x{:08x}: {} was written, and {} read back",
            address + index as u64 * u64::from(register.width),
            register.show(*one, Hex),
            register.show(*other, Hex)
        ),
    ))
}
