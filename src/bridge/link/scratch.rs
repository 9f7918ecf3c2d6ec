//! The buffer for reading sockets: one per thread, because a thread reads one socket at a time, and
//! most connections are idle.

use std::cell::Cell;

use super::wire::READ_OCTETS;

/// Initial size, in octets. It suffices for a thread whose peers send little at a time.
const READ_OCTETS_FIRST: usize = 2048;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `action` with the thread's buffer. A nested call, as from an observer that waits, gets a
/// buffer of its own.
pub fn with_scratch<T>(action: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if scratch.is_empty() {
        scratch.resize(READ_OCTETS_FIRST, 0);
    }
    let outcome = action(&mut scratch);
    // Fails only at the end of the thread; the buffer is dropped then.
    let _ = SCRATCH.try_with(|place| place.set(scratch));
    outcome
}

/// Doubles the buffer for the next read, at most to [`READ_OCTETS`], if `count` octets have filled
/// it and the system has the memory.
pub fn grow_if_filled(scratch: &mut Vec<u8>, count: usize) {
    let more = count.min(READ_OCTETS.saturating_sub(count));
    if count == scratch.len() && scratch.try_reserve_exact(more).is_ok() {
        scratch.resize(count + more, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_of_a_thread_grows_with_what_comes_and_stays() {
        with_scratch(|scratch| {
            assert_eq!(scratch.len(), READ_OCTETS_FIRST);
            grow_if_filled(scratch, READ_OCTETS_FIRST - 1);
            assert_eq!(scratch.len(), READ_OCTETS_FIRST);
            with_scratch(|nested| assert_eq!(nested.len(), READ_OCTETS_FIRST));
            grow_if_filled(scratch, READ_OCTETS_FIRST);
        });
        for _ in 0..20 {
            with_scratch(|scratch| {
                let size = scratch.len();
                assert!(size > READ_OCTETS_FIRST);
                grow_if_filled(scratch, size);
            });
        }
        with_scratch(|scratch| assert_eq!(scratch.len(), READ_OCTETS));
        std::thread::scope(|scope| {
            scope.spawn(|| with_scratch(|scratch| assert_eq!(scratch.len(), READ_OCTETS_FIRST)));
        });
    }
}
