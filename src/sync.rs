//! Locks and condition variables that a child by `fork` can use.
//!
//! Whoever waits is known to the system, by the address of the lock, and to nothing in the memory
//! of this process. A child by `fork` thus begins with nobody waiting, and the locks of what it
//! makes itself are as good as in its parent. Locks that keep a table of their waiting threads in
//! the process, as those of `parking_lot` do, are not: the child inherits the table, with threads
//! that are no more in it, and perhaps locked.
//!
//! The types are those of the `lock_api` crate. A panic under a lock leaves it free.

mod word;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lock_api::{GuardNoSend, RawMutex as _};

use crate::clock;
use word::Word;

/// A lock around a value.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// A [`Mutex`] that is locked, until this is dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// How often a lock is looked at again before the thread sleeps; at first with pauses in between
/// that double, and from [`SPINS_COUNT`] on offering the processor to others.
const LOOKS_COUNT: u32 = 10;
const SPINS_COUNT: u32 = 3;

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, and somebody may be waiting.
const AWAITED: u32 = 2;

/// A lock without a value. Not recursive, and not fair: who comes first may be served later.
#[derive(Debug)]
pub struct RawMutex {
    state: Word,
}

impl RawMutex {
    #[cold]
    fn lock_slowly(&self, limit: Option<Instant>) -> bool {
        for look in 0..LOOKS_COUNT {
            match self.state.value().load(Ordering::Relaxed) {
                FREE if self.try_lock() => return true,
                AWAITED => break,
                _ if look < SPINS_COUNT => (0..2 << look).for_each(|_| std::hint::spin_loop()),
                _ => thread::yield_now(),
            }
        }
        // From here on it is taken as awaited, because others may be waiting too.
        while self.state.value().swap(AWAITED, Ordering::Acquire) != FREE {
            let time = limit.map(clock::until);
            if time.is_some_and(|time| time.is_zero()) {
                return false;
            }
            self.state.wait(AWAITED, time);
        }
        true
    }
}

// SAFETY: only one thread at a time can have changed the state from `FREE` to something else, which
// is what it is to hold the lock, and only the holder changes it back.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: RawMutex = RawMutex { state: Word::new(FREE) };

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.lock_slowly(None);
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        let locked =
            self.state.value().compare_exchange(FREE, LOCKED, Ordering::Acquire, Ordering::Relaxed);
        locked.is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        if self.state.value().swap(FREE, Ordering::Release) == AWAITED {
            self.state.wake_one();
        }
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> bool {
        self.try_lock() || self.lock_slowly(clock::instant(clock::now() + timeout))
    }

    fn try_lock_until(&self, timeout: Instant) -> bool {
        self.try_lock() || self.lock_slowly(Some(timeout))
    }
}

/// Whether a wait for a [`Condvar`] has ended because its time had passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it has.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// Where threads wait for something to change that a [`Mutex`] guards. What they wait for has to be
/// changed under that lock; whether they are notified under it too does not matter. A wait may
/// end for no reason.
#[derive(Debug, Default)]
pub struct Condvar {
    /// Counts the notifications.
    turn: Word,
    /// Threads that wait and that no notification has been meant for yet, or more: so that those
    /// that have been woken, but have not had the processor yet, are not woken again and again.
    /// Never fewer, or one would not be woken.
    waiting_count: AtomicU32,
}

impl Condvar {
    /// Where nobody waits yet.
    pub const fn new() -> Condvar {
        Condvar { turn: Word::new(0), waiting_count: AtomicU32::new(0) }
    }

    /// Waits for a notification. The lock is free meanwhile.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_limited(guard, None);
    }

    /// Waits for a notification, no longer than until `limit`.
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        limit: Instant,
    ) -> WaitTimeoutResult {
        self.wait_limited(guard, Some(limit));
        WaitTimeoutResult(clock::until(limit).is_zero())
    }

    /// Waits as long as `condition` holds, and no longer than `time`; whether it still held then.
    pub fn wait_while_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        time: Duration,
    ) -> WaitTimeoutResult {
        let limit = clock::instant(clock::now() + time);
        while condition(&mut **guard) {
            if limit.is_some_and(|limit| clock::until(limit).is_zero()) {
                return WaitTimeoutResult(true);
            }
            self.wait_limited(guard, limit);
        }
        WaitTimeoutResult(false)
    }

    fn wait_limited<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, limit: Option<Instant>) {
        // Before this thread is counted, so that a notification which takes it as its own changes
        // the turn afterwards.
        let turn = self.turn.value().load(Ordering::Relaxed);
        self.waiting_count.fetch_add(1, Ordering::AcqRel);
        // Who changes what is waited for has the lock after this thread, and notifies after that.
        let wait = || self.turn.wait(turn, limit.map(clock::until));
        let is_over = MutexGuard::unlocked(guard, wait);
        if is_over && self.turn.value().load(Ordering::Relaxed) == turn {
            // Not notified: it is still counted, unless somebody is about to notify it. Under the
            // lock, so that nobody has been counted who waits for a later turn. Who was woken
            // without a new turn was woken in place of another one, and stays counted for it.
            self.uncount_one();
        }
    }

    /// Takes one thread as notified, if there is any.
    fn uncount_one(&self) -> bool {
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        self.waiting_count.fetch_update(set, fetch, |count| count.checked_sub(1)).is_ok()
    }

    /// Wakes one of the threads that wait.
    #[inline]
    pub fn notify_one(&self) {
        if self.waiting_count.load(Ordering::Relaxed) > 0 && self.uncount_one() {
            self.turn.value().fetch_add(1, Ordering::Relaxed);
            self.turn.wake_one();
        }
    }

    /// Wakes all threads that wait.
    #[inline]
    pub fn notify_all(&self) {
        if self.waiting_count.load(Ordering::Relaxed) > 0
            && self.waiting_count.swap(0, Ordering::AcqRel) > 0
        {
            self.turn.value().fetch_add(1, Ordering::Relaxed);
            self.turn.wake_all();
        }
    }
}

#[cfg(test)]
mod tests;
