//! Memory for what cannot be tried.
//!
//! What a peer can make large is allocated by `try_reserve`, and refused if the system has no memory
//! for it. Around it are small things that stable Rust cannot try: boxes, entries of trees, texts. A
//! step of an event loop that makes some of them for a peer first asks [`is_there`], and is refused
//! where the answer is no.
//!
//! A refusal takes memory too, for its text and its line in the log. That is from a reserve, which is
//! given to the allocator when memory runs out, and taken back before anything more is granted.

use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::logging::{log_warning, static_logger};
use crate::process::process_state;

static_logger!(LOG, "memory");

/// More than a step allocates that asks [`is_there`].
pub const STEP_BYTES: usize = 64 * 1024;
/// More than the refusals allocate that follow, of all threads together. Never touched, so that it
/// costs address space only.
const RESERVE_BYTES: usize = 512 * 1024;

/// What is smaller counts among the small things of a step.
const LARGE_BYTES_MIN: usize = 1024;

/// Memory was asked for, and the system has refused it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoMemory;

impl fmt::Display for NoMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system gives this process no more memory")
    }
}

/// Nothing has been asked for yet.
const FIRST: u8 = 0;
/// The reserve is there.
const HELD: u8 = 1;
/// It has been given to the allocator.
const SHORT: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(FIRST);
/// The log does not have the last shortage yet.
static IS_UNTOLD: AtomicBool = AtomicBool::new(false);

process_state! {
    fn reserve() -> Vec<u8> = Vec::new(),
    in child |_reserve| {}
}

/// Takes the reserve, if that has not been done: before there are peers.
pub fn prepare() {
    let _ = is_there();
}

/// Whether the system gives memory for a step, of [`STEP_BYTES`] at most. The answer holds for this
/// thread and this moment: another thread of the program may take the memory meanwhile.
#[inline]
pub fn is_there() -> bool {
    has(STEP_BYTES)
}

/// The same for a step that may allocate `bytes` bytes.
pub fn has(bytes: usize) -> bool {
    let state = STATE.load(Ordering::Relaxed);
    if state == HELD && gives(bytes) {
        return true;
    }
    let has = if state == HELD { run_short() } else { regain(state, bytes) };
    tell();
    has
}

/// Whether the latest look of any thread has found too little, and another one does. Costs nothing
/// otherwise: for a step that follows one that looks.
pub fn is_short() -> bool {
    STATE.load(Ordering::Relaxed) == SHORT && !is_there()
}

/// As [`has`] without a word in the log: it may be under a lock of an object, which a program's receiver
/// of the log may want. A program without peers needs no reserve.
fn leaves(bytes: usize) -> bool {
    match STATE.load(Ordering::Relaxed) {
        FIRST => gives(bytes),
        HELD => gives(bytes) || run_short(),
        state => regain(state, bytes),
    }
}

/// Whether the allocator gives that much at this moment.
fn gives(bytes: usize) -> bool {
    let mut probe: Vec<u8> = Vec::new();
    let is_given = probe.try_reserve_exact(bytes).is_ok();
    // Otherwise the compiler may leave out what is not used.
    black_box(&probe);
    is_given
}

/// Makes room for exactly `more` further items, whose number a peer, or the program, has chosen, and
/// leaves memory for a step beside them: else the small things that follow would be those that fail.
/// The text of the error that a refusal becomes may be from the reserve.
pub fn reserve_exact<T>(items: &mut Vec<T>, more: usize) -> Result<(), NoMemory> {
    if items.capacity() - items.len() >= more {
        return Ok(());
    }
    let is_small = more.saturating_mul(size_of::<T>()) < LARGE_BYTES_MIN;
    let is_given = items.try_reserve_exact(more).is_ok();
    // A refusal gives the reserve away, for its text.
    let leaves_a_step = (is_given && is_small) || leaves(STEP_BYTES);
    if is_given && leaves_a_step {
        return Ok(());
    }
    if items.is_empty() {
        *items = Vec::new();
    }
    Err(NoMemory)
}

/// A copy of bytes whose number a peer, or the program, has chosen.
pub fn copied(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    reserve_exact(&mut copy, bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Gives the reserve to the allocator. Returns `false`. The next look [tells](tell) it.
#[cold]
fn run_short() -> bool {
    let mut reserve = reserve();
    if STATE.swap(SHORT, Ordering::Relaxed) != SHORT {
        IS_UNTOLD.store(true, Ordering::Relaxed);
    }
    *reserve = Vec::new();
    false
}

/// Says that memory has run out, if that has not been said.
#[cold]
fn tell() {
    if IS_UNTOLD.swap(false, Ordering::Relaxed) {
        log_warning!(
            LOG,
            "The system gives this process no more memory: peers are refused what they ask for until it \
             does; allow less with the memory budget, or give the process more"
        );
    }
}

/// Takes the reserve. Returns whether there are `bytes` bytes beside it.
#[cold]
fn regain(state: u8, bytes: usize) -> bool {
    let mut reserve = reserve();
    let is_held = STATE.load(Ordering::Relaxed) == HELD;
    if !is_held && (reserve.try_reserve_exact(RESERVE_BYTES).is_err() || !gives(bytes)) {
        *reserve = Vec::new();
        drop(reserve);
        return state == FIRST && run_short();
    }
    STATE.store(HELD, Ordering::Relaxed);
    drop(reserve);
    !is_held || gives(bytes) || run_short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_given_is_refused_and_costs_nothing() {
        let mut items: Vec<u64> = Vec::new();
        assert_eq!(reserve_exact(&mut items, usize::MAX), Err(NoMemory));
        assert_eq!(reserve_exact(&mut items, usize::MAX >> 5), Err(NoMemory));
        assert_eq!(items.capacity(), 0);
        let mut kept = vec![1_u64];
        assert_eq!(reserve_exact(&mut kept, usize::MAX >> 5), Err(NoMemory));
        assert_eq!(kept, [1]);
        assert!(is_there(), "what was too much says nothing of the rest");
        assert_eq!(reserve_exact(&mut items, 1000), Ok(()));
        assert!(items.capacity() >= 1000);
    }
}
