//! Hands a transaction to a slave, in parts if it exceeds the slave's largest access.

use std::sync::Arc;

use super::slave::Slave;
use super::transaction::Transaction;
use crate::clock;

/// Upper bound on the parts of one transaction; a request that needs more fails.
pub const SUB_TRANSACTIONS_COUNT_MAX: u64 = 1 << 18;

/// Hands `tran` to `slave`, in parts if it is larger than the slave's largest access.
///
/// Parts start at multiples of the largest access (rounded down to a multiple of the smallest) from
/// the start of the transaction and go out in ascending order in the calling thread. All of them go
/// out even if one fails; `tran` ends with the first error when all have ended. If the requester
/// gives `tran` up meanwhile, or its deadline passes, the remaining ones do not go out.
pub fn forward(slave: &dyn Slave, tran: &Arc<Transaction>) {
    let max = slave.max_access();
    // No known limit (0, as an unconnected bus reports), or small enough: the slave decides.
    if max == 0 || tran.size() <= max {
        slave.do_transaction(tran);
        return;
    }
    let step = part_size(slave.min_access(), max);
    let size = u64::from(tran.size());
    let count = size.div_ceil(u64::from(step));
    if count > SUB_TRANSACTIONS_COUNT_MAX {
        tran.error(format!(
            "Transaction of {size} bytes at 0x{:x} would need {count} accesses of {step} bytes; \
             at most {SUB_TRANSACTIONS_COUNT_MAX} are made for one request: ask for less at once",
            tran.address()
        ));
        return;
    }
    for index in 0..count {
        if index > 0 && tran.is_too_late(clock::now()) {
            return;
        }
        let offset = index * u64::from(step);
        let length = (size - offset).min(u64::from(step)) as u32;
        // Both ends of the whole lie within the address space.
        let address = tran.address() + offset;
        // Created one by one: if the slave answers at once, only one exists at a time.
        match tran.create_sub(offset as u32, length, address, tran.ty()) {
            Ok(sub) => slave.do_transaction(&sub),
            // The requester has given up: the rest is not wanted.
            Err(_) => return,
        }
    }
    tran.done_subs();
}

/// The largest access that is a multiple of the smallest.
fn part_size(min: u32, max: u32) -> u32 {
    match max.checked_rem(min) {
        Some(rest) if rest < max => max - rest,
        _ => max,
    }
}

#[cfg(test)]
mod tests {
    use super::part_size;

    #[test]
    fn d18_a_part_is_a_multiple_of_the_smallest_access() {
        for (min, max, part) in [(4, 10, 8), (4, 4096, 4096), (0, 10, 10), (1, 10, 10), (8, 4, 4)] {
            assert_eq!(part_size(min, max), part, "min {min} max {max}");
        }
        assert_eq!(part_size(4, 0xFFFF_FFFF), 0xFFFF_FFFC);
    }
}
