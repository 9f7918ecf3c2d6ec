//! The standard library's mutex and condition variable, which a panic leaves usable: poison is ignored.
//! What they guard is consistent at every point where code may panic.
//!
//! On Linux both are futexes. The kernel knows which threads wait, and no memory of this process
//! does, so a child by `fork` inherits no waiters.

use std::sync::{self, PoisonError};

pub use std::sync::MutexGuard;

use crate::clock::{self, Time};
use crate::process::{self, Generation};

/// How often a child by `fork` tries to lock a mutex that it has inherited: longer than its own
/// threads hold one.
const INHERITED_ATTEMPTS_COUNT: usize = 1000;

/// A [`std::sync::Mutex`] without poison.
#[derive(Debug)]
pub struct Mutex<T> {
    inner: sync::Mutex<T>,
    /// The process that made it; `None` for one of the process, which survives a fork.
    #[cfg(debug_assertions)]
    generation: Option<Generation>,
}

impl<T> Mutex<T> {
    /// A mutex around `value`.
    pub fn new(value: T) -> Mutex<T> {
        Mutex {
            inner: sync::Mutex::new(value),
            #[cfg(debug_assertions)]
            generation: Some(Generation::current()),
        }
    }

    /// A mutex around `value` that the forking thread holds during a fork, so that a child can use
    /// it.
    pub(crate) const fn of_process(value: T) -> Mutex<T> {
        Mutex {
            inner: sync::Mutex::new(value),
            #[cfg(debug_assertions)]
            generation: None,
        }
    }

    /// Locks the mutex, waiting for the thread that holds it. A debug build panics if this process
    /// has inherited the mutex: the wait might be for a thread of the parent, and never end.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(debug_assertions)]
        if self.generation.is_some_and(Generation::is_inherited) {
            panic!("A child by fork waits for a lock of its parent");
        }
        process::lock(&self.inner)
    }

    /// Locks the mutex of an object of that `generation`; `None` if this process has inherited it.
    #[inline]
    pub(crate) fn lock_own(&self, generation: Generation) -> Option<MutexGuard<'_, T>> {
        (!generation.is_inherited()).then(|| self.lock())
    }

    /// Locks the mutex of an object of that `generation`. `None` if this process has inherited it,
    /// and the mutex stays locked: by a thread of the parent, which this process does not have.
    #[inline]
    pub(crate) fn lock_of(&self, generation: Generation) -> Option<MutexGuard<'_, T>> {
        match generation.is_inherited() {
            false => Some(self.lock()),
            true => self.lock_inherited(),
        }
    }

    #[cold]
    fn lock_inherited(&self) -> Option<MutexGuard<'_, T>> {
        let attempt = || {
            self.try_lock().or_else(|| {
                std::thread::yield_now();
                None
            })
        };
        std::iter::repeat_with(attempt).take(INHERITED_ATTEMPTS_COUNT).flatten().next()
    }

    /// Locks the mutex unless a thread holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Some(guard),
            Err(sync::TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(sync::TryLockError::WouldBlock) => None,
        }
    }

    /// The value, without locking: this is the only reference.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

/// A [`std::sync::Condvar`] without poison. Its notifications are system calls, also where no
/// thread waits.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// A condition variable on which no thread waits.
    pub const fn new() -> Condvar {
        Condvar(sync::Condvar::new())
    }

    /// Waits for a notification, with the mutex unlocked meanwhile. May return without one.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as [`wait`](Self::wait) does, at most until `limit`.
    pub fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, limit: Time) -> MutexGuard<'a, T> {
        let time = limit.since(clock::now());
        self.0.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes one of the threads that wait.
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all threads that wait.
    #[inline]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, AssertUnwindSafe};
    use std::time::Duration;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn a_panic_leaves_the_value_usable_by_every_way_to_it() {
        let mut mutex = Mutex::new(5);
        let changed = Condvar::new();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = mutex.lock();
            panic!("a panic that this test wants");
        }));
        assert!(panicked.is_err() && mutex.inner.is_poisoned());
        assert_eq!(*mutex.lock(), 5);
        assert_eq!(*mutex.try_lock().unwrap(), 5);
        assert_eq!(*changed.wait_until(mutex.lock(), clock::now()), 5);
        std::thread::scope(|scope| {
            let mut guard = mutex.lock();
            scope.spawn(|| {
                *mutex.lock() = 6;
                changed.notify_all();
            });
            while *guard == 5 {
                guard = changed.wait(guard);
            }
        });
        assert_eq!(*mutex.get_mut(), 6);
    }

    #[test]
    fn a_mutex_that_is_held_is_not_waited_for_by_a_thread_that_tries() {
        let mutex = Mutex::new(());
        let guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        drop(guard);
        assert!(mutex.try_lock().is_some());
    }

    #[test]
    fn f79_an_inherited_mutex_is_neither_locked_nor_waited_for() {
        let mutex = Mutex::new(5);
        let (parent, own) = (Generation::of_parent(), Generation::current());
        assert!(mutex.lock_own(parent).is_none() && mutex.try_lock().is_some());
        assert_eq!(mutex.lock_own(own).map(|guard| *guard), Some(5));
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_debug_build_finds_a_wait_for_an_inherited_mutex_without_its_holder() {
        let mut mutex = Mutex::new(5);
        mutex.generation = Some(Generation::of_parent());
        let caught = catch_unwind(AssertUnwindSafe(|| drop(mutex.lock())));
        assert!(caught.is_err());
        static OF_PROCESS: Mutex<u32> = Mutex::of_process(5);
        assert_eq!(*OF_PROCESS.lock(), 5);
    }

    #[test]
    fn f42_a_mutex_that_a_thread_of_the_parent_holds_is_not_waited_for() {
        let mutex = Mutex::new(5);
        let (parent, own) = (Generation::of_parent(), Generation::current());
        assert_eq!(mutex.lock_of(parent).map(|guard| *guard), Some(5));
        let guard = mutex.lock_of(own);
        assert!(guard.is_some() && mutex.lock_of(parent).is_none());
    }

    #[test]
    fn a_wait_ends_with_its_time_and_holds_the_mutex_then() {
        let (mutex, changed) = (Mutex::new(()), Condvar::new());
        let mut guard = mutex.lock();
        let limit = clock::now() + SHORT;
        while clock::now() < limit {
            guard = changed.wait_until(guard, limit);
        }
        guard = changed.wait_until(guard, limit);
        assert!(mutex.try_lock().is_none(), "it is held again");
        drop(guard);
        // The end of time is no limit.
        let (mutex, changed) = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            let mut guard = mutex.lock();
            scope.spawn(|| {
                *mutex.lock() = true;
                changed.notify_one();
            });
            while !*guard {
                guard = changed.wait_until(guard, Time(u64::MAX));
            }
        });
    }
}
