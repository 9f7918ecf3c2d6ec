//! `peek`: reads registers.

use serde_json::json;

use crate::arguments::Peek;
use crate::failure::{Failure, Kind, Outcome};
use crate::output;
use crate::target::Target;

/// Bytes of the largest access: as many as a server allows by default.
const BYTES_MAX: u32 = 64 << 20;

pub fn run(peek: &Peek, json: bool) -> Outcome {
    let register = peek.word.register();
    let count = peek.count.unwrap_or(1);
    let size = size_of(peek.address, count, register.width)?;
    register.check(peek.format).map_err(|text| Failure::new(Kind::Usage, text))?;
    let target = Target::connect(&peek.server)?;
    let bytes = target.master.read(peek.address, size)?;
    let values = bytes.chunks(register.width as usize).map(|bytes| register.value(bytes));
    if json {
        let values: Vec<_> = values.map(|value| register.json(value, peek.format)).collect();
        return output::line(
            json!({ "address": peek.address, "width": register.width, "values": values }),
        );
    }
    let shown = values.map(|value| register.show(value, peek.format));
    let lines: Vec<String> = match peek.count {
        // For scripts: the value alone.
        None => shown.collect(),
        Some(_) => {
            let at = |index: usize| peek.address + index as u64 * u64::from(register.width);
            shown.enumerate().map(|(index, text)| format!("0x{:08x}: {text}", at(index))).collect()
        }
    };
    output::line(lines.join("\n"))
}

/// The bytes of `count` registers from `address` on.
pub fn size_of(address: u64, count: u32, width: u32) -> Outcome<u32> {
    let size = count.checked_mul(width).filter(|size| *size <= BYTES_MAX).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!(
                "{count} registers of {width} bytes are more than one access has here, {BYTES_MAX} \
                 bytes; `dump` reads ranges"
            ),
        )
    })?;
    match address.checked_add(u64::from(size) - 1) {
        Some(_) => Ok(size),
        None => Err(Failure::new(
            Kind::Usage,
            format!("{count} registers from 0x{address:x} on reach beyond the last address"),
        )),
    }
}
