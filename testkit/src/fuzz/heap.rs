//! What an action takes from the heap. Counts where the program has [`Counting`] for its allocator,
//! and reports 0 elsewhere.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator. Counts for each thread what it has in use.
pub struct Counting;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // At the end of a thread there is nothing left to count with.
    let _ = IN_USE.try_with(|in_use| {
        let bytes = in_use.get() + bytes;
        in_use.set(bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(bytes)));
    });
}

// SAFETY: everything is passed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Bytes that this thread holds.
pub fn in_use() -> isize {
    IN_USE.get()
}

/// Runs `action`. Panics if this thread has at any time held more than `bytes_max` bytes beyond
/// those that it held before.
#[track_caller]
pub fn bounded<T>(bytes_max: usize, action: impl FnOnce() -> T) -> T {
    let before = IN_USE.get();
    let outer = PEAK.replace(before);
    let result = action();
    let peak = PEAK.get();
    PEAK.set(outer.max(peak));
    let held = peak - before;
    assert!(held <= bytes_max as isize, "{held} bytes of heap, the bound is {bytes_max}");
    result
}
