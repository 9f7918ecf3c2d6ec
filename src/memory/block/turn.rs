//! Turns: what belongs to several transactions of a block, and no other thread's comes between.

use super::registers::{Block, State};
use super::transfer::{this_thread, START_SOURCE};
use super::watch;
use crate::error::Result;
use crate::sync::MutexGuard;

/// The thread whose turn it is.
#[derive(Clone, Copy)]
pub(super) struct Holder(usize);

impl Holder {
    /// Whether it is the turn of another thread.
    fn is_other(self) -> bool {
        self.0 != this_thread()
    }
}

/// A turn of this thread, until it is dropped.
pub(super) struct Turn<'a> {
    block: &'a Block,
    /// The thread has had it before, and goes on having it.
    is_nested: bool,
}

impl Block {
    /// Waits for this thread's turn: transactions of other threads wait for its end then. No lock
    /// is held during a turn; staged values are free.
    pub(super) fn turn(&self) -> Result<Turn<'_>> {
        let mut state = self.until_free(self.state_or(START_SOURCE)?)?;
        // Now it is nobody's, or this thread's own.
        let is_nested = state.holder.replace(Holder(this_thread())).is_some();
        Ok(Turn { block: self, is_nested })
    }

    /// Waits until it is no other thread's turn.
    pub(super) fn until_free<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
    ) -> Result<MutexGuard<'a, State>> {
        if !Block::is_taken(&state) {
            return Ok(state);
        }
        // None while the watch is asked.
        let mut held = Some(state);
        watch::wait(|limit| {
            let Some(mut state) = held.take().or_else(|| self.own_state()) else { return true };
            if Block::is_taken(&state) {
                state.waiting_count += 1;
                state = self.released.wait_until(state, limit);
                state.waiting_count -= 1;
            }
            let is_free = !Block::is_taken(&state);
            held = is_free.then_some(state);
            is_free
        })?;
        // Not held in a child: the watch may have forked.
        held.map_or_else(|| self.state_or(START_SOURCE), Ok)
    }

    /// Whether it is another thread's turn.
    pub(super) fn is_taken(state: &State) -> bool {
        state.holder.is_some_and(Holder::is_other)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_nested {
            return;
        }
        let Some(mut state) = self.block.own_state() else { return };
        state.holder = None;
        // A notification is a system call.
        let has_waiting = state.waiting_count > 0;
        drop(state);
        if has_waiting {
            self.block.released.notify_all();
        }
    }
}
