//! The system's allocator, which refuses what a test wants refused.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

/// Allocations from this size on have to be tried; smaller ones come from what the library has made
/// sure of before.
const TRIED_BYTES_MIN: usize = 4096;

/// What is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusals {
    /// One large allocation, the n-th.
    Large,
    /// From the n-th allocation on the process gets no more than this many further bytes.
    Beyond(i64),
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);
static IS_BY_SIZE: AtomicBool = AtomicBool::new(false);
static COUNTDOWN: AtomicI64 = AtomicI64::new(0);
static LEFT: AtomicI64 = AtomicI64::new(0);
static REFUSED: AtomicI64 = AtomicI64::new(0);

thread_local! {
    /// It plays the peers, which are not the subject.
    static IS_EXEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Nothing is refused to the calling thread.
pub fn exempt() {
    IS_EXEMPT.set(true);
}

/// Refuses from the `n`-th allocation on, counted from 1.
pub fn arm(refusals: Refusals, n: i64) {
    IS_BY_SIZE.store(refusals == Refusals::Large, SeqCst);
    if let Refusals::Beyond(left) = refusals {
        LEFT.store(left, SeqCst);
    }
    COUNTDOWN.store(n, SeqCst);
    REFUSED.store(0, SeqCst);
    IS_ARMED.store(true, SeqCst);
}

/// Refuses nothing any more. Returns how many allocations have been refused, and how many more would
/// have come before the n-th one.
pub fn disarm() -> (i64, i64) {
    IS_ARMED.store(false, SeqCst);
    (REFUSED.load(SeqCst), COUNTDOWN.load(SeqCst))
}

/// Whether an allocation is refused.
fn is_refused(bytes: usize) -> bool {
    if !IS_ARMED.load(SeqCst) || IS_EXEMPT.try_with(Cell::get).unwrap_or(true) {
        return false;
    }
    if IS_BY_SIZE.load(SeqCst) {
        return bytes >= TRIED_BYTES_MIN && COUNTDOWN.fetch_sub(1, SeqCst) == 1;
    }
    if COUNTDOWN.fetch_sub(1, SeqCst) > 0 {
        return false;
    }
    let bytes = bytes as i64;
    let is_beyond = LEFT.fetch_sub(bytes, SeqCst) < bytes;
    if is_beyond {
        LEFT.fetch_add(bytes, SeqCst);
    }
    is_beyond
}

/// Bytes are free again.
fn freed(bytes: usize) {
    let is_counted = IS_ARMED.load(SeqCst) && !IS_BY_SIZE.load(SeqCst);
    if is_counted && COUNTDOWN.load(SeqCst) <= 0 && !IS_EXEMPT.try_with(Cell::get).unwrap_or(true) {
        LEFT.fetch_add(bytes as i64, SeqCst);
    }
}

struct Refusing;

// SAFETY: everything is passed on to the system's allocator as it comes, or refused.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            REFUSED.fetch_add(1, SeqCst);
            return ptr::null_mut();
        }
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;
