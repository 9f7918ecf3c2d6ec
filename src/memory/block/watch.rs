//! Waits that a program can give up. Each thread may have a watch, which is asked from time to time
//! while the thread waits, with no lock held.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, Time};
use crate::error::{Error, Result, Status};

/// How long a thread waits before it asks: short enough for Ctrl-C.
const INTERVAL: Duration = Duration::from_millis(100);
/// The end of time, for a wait without a watch.
const NEVER: Time = Time(u64::MAX);

/// Is asked whether a wait is to be given up.
pub trait WaitWatch: Send + Sync {
    /// Whether the present wait of the calling thread is to be given up. Called about ten times a
    /// second while the thread waits for a transaction of a block, with no lock held.
    fn is_interrupted(&self) -> bool;
}

thread_local! {
    static WATCH: RefCell<Option<Arc<dyn WaitWatch>>> = const { RefCell::new(None) };
}

/// Gives the calling thread a watch for its waits for transactions of blocks, in place of the
/// present one. A wait that is given up fails with [`Status::Interrupted`]; the transaction stays
/// under way, and the next one of the block waits for it.
pub fn watch_waits(watch: Option<Arc<dyn WaitWatch>>) {
    let former = WATCH.with(|place| place.replace(watch));
    // Outside the borrow: dropping it may run the program's code.
    drop(former);
}

/// The watch of the calling thread. A thread whose local storage is already gone has none.
fn present() -> Option<Arc<dyn WaitWatch>> {
    WATCH.try_with(|watch| watch.borrow().clone()).ok().flatten()
}

/// Calls `wait` with the time until which it may wait, again and again until it says that it has
/// waited for long enough.
///
/// # Errors
///
/// [`Status::Interrupted`] if the watch has given the wait up.
pub(super) fn wait(mut wait: impl FnMut(Time) -> bool) -> Result<()> {
    let Some(watch) = present() else {
        while !wait(NEVER) {}
        return Ok(());
    };
    while !wait(clock::now() + INTERVAL) {
        if watch.is_interrupted() {
            return Err(interrupted());
        }
    }
    Ok(())
}

#[cold]
fn interrupted() -> Error {
    const SOURCE: &str = "Block::checkTransaction";
    let text =
        "The program has given the wait up. A transaction that is under way goes on: the next \
                one of the block waits for it";
    Error::new(Status::Interrupted, SOURCE, text)
}
