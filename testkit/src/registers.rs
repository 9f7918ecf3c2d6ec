//! Where the bits of typed registers go, by a naive model.

use rogue_mem::memory::block::VariableSpec;

/// Where the bits of a number go that are in the register's order: of a big-endian one the bytes
/// from the highest on, of a reversed one the highest bit first.
pub fn in_order(spec: &VariableSpec, register: Vec<u64>) -> Vec<u64> {
    let width = register.len();
    let mut places = register.clone();
    if spec.is_big_endian {
        let starts = (0..width.div_ceil(8)).rev().map(|byte| byte * 8);
        let order = starts.flat_map(|start| start..width.min(start + 8));
        for (place, number) in register.into_iter().zip(order) {
            places[number] = place;
        }
    }
    if spec.reverses_bits {
        places.reverse();
    }
    places
}
