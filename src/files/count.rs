//! A number of frames that threads wait for.

use std::time::Duration;

use crate::clock;
use crate::sync::{Condvar, Mutex};

/// Counts frames.
#[derive(Default)]
pub(super) struct FrameCount {
    state: Mutex<CountState>,
    changed: Condvar,
}

#[derive(Default)]
struct CountState {
    frames: u64,
    /// Threads that wait: a notification without one costs a system call too.
    waiting: usize,
}

impl FrameCount {
    pub(super) fn get(&self) -> u64 {
        self.state.lock().frames
    }

    pub(super) fn set(&self, frames: u64) {
        self.change(|_| frames);
    }

    pub(super) fn add_one(&self) {
        self.change(|frames| frames.saturating_add(1));
    }

    fn change(&self, change: impl FnOnce(u64) -> u64) {
        let mut state = self.state.lock();
        state.frames = change(state.frames);
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_waited_for {
            self.changed.notify_all();
        }
    }

    /// Waits for `count` frames, for `timeout` at most; `None` = as long as it takes. Returns whether
    /// there are as many.
    pub(super) fn wait(&self, count: u64, timeout: Option<Duration>) -> bool {
        let limit = timeout.map(|timeout| clock::now() + timeout);
        let mut state = self.state.lock();
        state.waiting += 1;
        while state.frames < count && limit.is_none_or(|limit| clock::now() < limit) {
            state = match limit {
                Some(limit) => self.changed.wait_until(state, limit),
                None => self.changed.wait(state),
            };
        }
        state.waiting -= 1;
        state.frames >= count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_the_count_or_with_its_time() {
        let count = FrameCount::default();
        assert!(count.wait(0, Some(Duration::ZERO)));
        assert!(!count.wait(1, Some(Duration::ZERO)));
        assert!(!count.wait(1, Some(Duration::from_millis(1))));
        std::thread::scope(|scope| {
            let waiting = [Some(Duration::from_secs(3600)), None, Some(Duration::MAX)];
            let waiting = waiting.map(|timeout| {
                let count = &count;
                scope.spawn(move || count.wait(3, timeout))
            });
            (0..3).for_each(|_| count.add_one());
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        count.set(7);
        assert!(count.wait(7, None) && count.get() == 7);
        assert_eq!(count.state.lock().waiting, 0);
    }
}
