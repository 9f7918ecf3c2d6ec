//! Lines on their way to standard output.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::Record;
use crate::process::{self, StandardOutput};

/// Whose turn it is. A thread may have its turn for as long as whoever reads the output likes, and
/// a fork shall not have to wait for that: so a turn is no lock, but a note under one.
pub(super) struct Turns {
    is_taken: bool,
    waiting_count: usize,
}

static TURNS: Mutex<Turns> = Mutex::new(Turns { is_taken: false, waiting_count: 0 });
static TURN_OVER: Condvar = Condvar::new();

/// Locks what a fork must not find changing.
pub(super) fn lock_turns() -> MutexGuard<'static, Turns> {
    process::lock(&TURNS)
}

impl Turns {
    /// In a child by `fork`, which has neither the thread that had its turn nor one that waits.
    pub(super) fn forget(&mut self) {
        *self = Turns { is_taken: false, waiting_count: 0 };
    }
}

/// One thread's turn, which ends when this is dropped.
struct Turn;

impl Turn {
    fn wait() -> Turn {
        let mut turns = lock_turns();
        while turns.is_taken {
            turns.waiting_count += 1;
            turns = TURN_OVER.wait(turns).unwrap_or_else(std::sync::PoisonError::into_inner);
            turns.waiting_count -= 1;
        }
        turns.is_taken = true;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = lock_turns();
        turns.is_taken = false;
        let is_awaited = turns.waiting_count > 0;
        drop(turns);
        if is_awaited {
            TURN_OVER.notify_one();
        }
    }
}

/// Writes Rogue's line of `record` to standard output, not mixed with that of another thread.
pub(super) fn print(record: &Record<'_>) {
    let line = line(record);
    let _turn = Turn::wait();
    // A closed standard output is no reason to disturb what is being logged.
    let _ = write_line(&mut StandardOutput, &line);
}

/// `1700000000.000123:pyrogue.memory.Emulate: text`.
pub(super) fn line(record: &Record<'_>) -> String {
    let Record { name, seconds, microseconds, text, .. } = record;
    format!("{seconds}.{microseconds:06}:{name}: {text}\n")
}

/// Writes the line in one piece, as far as `out` takes it so.
pub(super) fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    out.write_all(line.as_bytes())
}
