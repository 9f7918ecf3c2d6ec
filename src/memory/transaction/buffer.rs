//! The data of a transaction: a buffer that its requester owns, guarded by the lock that slaves
//! take before they touch it. The only file of this room with `unsafe` code.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use parking_lot::lock_api::{RawMutex as _, RawMutexTimed as _};
use parking_lot::RawMutex;

use super::Transaction;
use crate::clock::{self, Time};

/// Limits of a wait for the data lock: there is none, and there is no wait.
pub(super) const NEVER: Time = Time(u64::MAX);
pub(super) const AT_ONCE: Time = Time(0);

/// The capacity of a borrowed buffer. No vector is that large.
const FOREIGN: usize = usize::MAX;

/// The bytes that a transaction reads into or writes from.
pub struct DataBuffer {
    start: NonNull<u8>,
    len: usize,
    /// Capacity of the vector of `start` and `len`, or [`FOREIGN`].
    capacity: usize,
}

// SAFETY: the bytes are owned by this value or, for `from_raw`, its caller promises that they are
// valid in any thread until the transaction has been collected or given up.
unsafe impl Send for DataBuffer {}

impl DataBuffer {
    /// A buffer borrowed from the caller.
    ///
    /// # Safety
    ///
    /// `start` must be valid for reads and writes of `len` bytes, from any thread, until the
    /// transaction has been waited for, given up and collected, or its master dropped. Until then
    /// the bytes may be written, and those of a read also read, under the transaction's data lock
    /// only. (The slaves of this crate only read the data of a write; a slave of the program may do
    /// otherwise.)
    pub unsafe fn from_raw(start: NonNull<u8>, len: usize) -> DataBuffer {
        DataBuffer { start, len, capacity: FOREIGN }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the bytes are owned: those of a vector.
    pub(crate) fn is_owned(&self) -> bool {
        self.capacity != FOREIGN
    }

    /// The owned bytes; empty for a borrowed buffer.
    pub fn into_vec(self) -> Vec<u8> {
        let this = ManuallyDrop::new(self);
        if this.capacity == FOREIGN {
            return Vec::new();
        }
        // SAFETY: the three values are those of the vector that this was made from, which was not
        // dropped then; `this` is not dropped either.
        unsafe { Vec::from_raw_parts(this.start.as_ptr(), this.len, this.capacity) }
    }
}

impl From<Vec<u8>> for DataBuffer {
    fn from(bytes: Vec<u8>) -> DataBuffer {
        let mut bytes = ManuallyDrop::new(bytes);
        let start = NonNull::new(bytes.as_mut_ptr()).expect("a vector's pointer is never null");
        DataBuffer { start, len: bytes.len(), capacity: bytes.capacity() }
    }
}

impl Drop for DataBuffer {
    fn drop(&mut self) {
        if self.capacity != FOREIGN {
            // SAFETY: as in `into_vec`, which does not get here.
            drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.len, self.capacity) });
        }
    }
}

impl fmt::Debug for DataBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// The buffer of a transaction and its lock. Empty once the requester has taken the buffer back.
pub(super) struct DataCell {
    lock: RawMutex,
    /// Number of bytes; also of a part, whose bytes are in another cell.
    len: u32,
    capacity: usize,
    /// Start of the buffer; null once it has been taken back, under the lock.
    start: AtomicPtr<u8>,
    /// Actions that wait for the release of the lock, the latest first.
    asked: AtomicPtr<Asked>,
}

/// An action that waits for the release of the lock.
struct Asked {
    action: Box<dyn FnOnce() + Send>,
    next: *mut Asked,
}

impl DataCell {
    /// A cell that guards `buffer`.
    ///
    /// # Panics
    ///
    /// For a buffer of 4 GiB or more, which requesters refuse.
    pub(super) fn new(buffer: DataBuffer) -> DataCell {
        let len = u32::try_from(buffer.len).expect("a transaction's buffer is below 4 GiB");
        let buffer = ManuallyDrop::new(buffer);
        DataCell {
            lock: RawMutex::INIT,
            len,
            capacity: buffer.capacity,
            start: AtomicPtr::new(buffer.start.as_ptr()),
            asked: AtomicPtr::default(),
        }
    }

    /// Makes it guard `buffer` instead.
    ///
    /// # Panics
    ///
    /// As `new`.
    pub(super) fn refill(&mut self, buffer: DataBuffer) {
        drop(self.take_unshared());
        self.take_asked().for_each(drop);
        let len = u32::try_from(buffer.len).expect("a transaction's buffer is below 4 GiB");
        let buffer = ManuallyDrop::new(buffer);
        // Frees the lock, also if its last holder never released it.
        self.lock = RawMutex::INIT;
        self.len = len;
        self.capacity = buffer.capacity;
        *self.start.get_mut() = buffer.start.as_ptr();
    }

    /// A cell without a buffer, for a part of `len` bytes, which uses its root's buffer.
    pub(super) fn none(len: u32) -> DataCell {
        DataCell {
            lock: RawMutex::INIT,
            len,
            capacity: FOREIGN,
            start: AtomicPtr::default(),
            asked: AtomicPtr::default(),
        }
    }

    /// Runs `action` when the lock is free: at once, or in the thread that releases it. Another
    /// thread may hold it again by then.
    pub(super) fn when_free(&self, action: Box<dyn FnOnce() + Send>) {
        let asked = Box::into_raw(Box::new(Asked { action, next: std::ptr::null_mut() }));
        let mut next = self.asked.load(Ordering::Relaxed);
        loop {
            // SAFETY: made above, and not shared before it is in the list.
            unsafe { (*asked).next = next };
            let set = (Ordering::AcqRel, Ordering::Relaxed);
            match self.asked.compare_exchange_weak(next, asked, set.0, set.1) {
                Ok(_) => break,
                Err(other) => next = other,
            }
        }
        // Every release of the lock is followed by a change of the list, and both changes are in
        // one order. So a thread that took the list before this entry had released the lock, and
        // one that holds it now takes the list later.
        drop(self.guard_by(AT_ONCE));
    }

    /// Takes the actions that wait for the release of the lock.
    fn take_asked(&self) -> impl Iterator<Item = Box<dyn FnOnce() + Send>> {
        let mut first = self.asked.swap(std::ptr::null_mut(), Ordering::AcqRel);
        std::iter::from_fn(move || {
            // SAFETY: from `Box::into_raw`; the list was taken as a whole, so this is its only
            // user.
            let Asked { action, next } =
                *unsafe { (!first.is_null()).then(|| Box::from_raw(first)) }?;
            first = next;
            Some(action)
        })
    }

    /// Releases the lock and runs the actions that waited for that.
    ///
    /// # Safety
    ///
    /// The lock is held.
    #[inline]
    unsafe fn unlock(&self) {
        // SAFETY: promised by the caller.
        unsafe { self.lock.unlock() };
        self.do_asked();
    }

    /// Takes the lock, with or without a buffer; `None` if it is held until `limit`. The guard is of
    /// no bytes.
    #[inline]
    fn guard_by(&self, limit: Time) -> Option<DataGuard<'_>> {
        let is_locked = self.lock.try_lock()
            || limit != AT_ONCE
                && match clock::instant(limit) {
                    Some(instant) => self.lock.try_lock_until(instant),
                    None => {
                        self.lock.lock();
                        true
                    }
                };
        let start = NonNull::dangling().as_ptr();
        is_locked.then(|| DataGuard { cell: self, start, count: 0, _not_send: PhantomData })
    }

    /// Runs `action` under the lock, with or without a buffer; `None` if the lock is held until
    /// `limit`.
    pub(super) fn locked_by<T>(&self, limit: Time, action: impl FnOnce() -> T) -> Option<T> {
        let _guard = self.guard_by(limit)?;
        Some(action())
    }

    /// Number of bytes, also after they have been taken back.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Start of the buffer, or null once it has been taken back.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.load(Ordering::Acquire)
    }

    /// Locks `count` bytes at `offset`; the outer `None` if the lock is held until `limit`, the
    /// inner one once the buffer has been taken back, or if the range does not lie within it.
    #[inline]
    pub(super) fn lock_by(
        &self,
        limit: Time,
        offset: usize,
        count: usize,
    ) -> Option<Option<DataGuard<'_>>> {
        let mut guard = self.guard_by(limit)?;
        let start = self.start();
        let inside = offset.checked_add(count).is_some_and(|end| end <= self.len as usize);
        if start.is_null() || !inside {
            return Some(None);
        }
        // SAFETY: `offset` lies within the buffer, as just checked.
        guard.start = unsafe { start.add(offset) };
        guard.count = count;
        Some(Some(guard))
    }

    /// Takes the buffer back under the lock: its holder finishes its copy first, and nothing
    /// touches the buffer afterwards. The outer `None` if the lock is held until `limit`, the inner
    /// one the second time.
    pub(super) fn take_by(&self, limit: Time) -> Option<Option<DataBuffer>> {
        self.locked_by(limit, || self.take_locked())
    }

    /// Takes the buffer back without the lock: this is the only reference.
    pub(super) fn take_unshared(&mut self) -> Option<DataBuffer> {
        let start = std::mem::replace(self.start.get_mut(), std::ptr::null_mut());
        let (len, capacity) = (self.len as usize, self.capacity);
        NonNull::new(start).map(|start| DataBuffer { start, len, capacity })
    }

    /// Takes the buffer back, unless the lock is held, but does not run the actions that wait for the
    /// lock; the flag tells the caller to [run](Self::do_asked) them later.
    pub(super) fn try_take_quietly(&self) -> Option<(Option<DataBuffer>, bool)> {
        if !self.lock.try_lock() {
            return None;
        }
        let buffer = self.take_locked();
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        // A change of the list, as `when_free` expects it, also if it stays empty.
        let none = std::ptr::null_mut();
        let set = (Ordering::AcqRel, Ordering::Relaxed);
        let is_asked = self.asked.compare_exchange(none, none, set.0, set.1).is_err();
        Some((buffer, is_asked))
    }

    /// Runs the actions that waited for the lock, after its release.
    pub(super) fn do_asked(&self) {
        self.take_asked().for_each(|action| action());
    }

    /// Whether the bytes are or were owned: those of a vector.
    pub(super) fn is_owned(&self) -> bool {
        self.capacity != FOREIGN
    }

    /// Takes the buffer; the lock is held.
    fn take_locked(&self) -> Option<DataBuffer> {
        let start = self.start.load(Ordering::Relaxed);
        self.start.store(std::ptr::null_mut(), Ordering::Relaxed);
        let (len, capacity) = (self.len as usize, self.capacity);
        NonNull::new(start).map(|start| DataBuffer { start, len, capacity })
    }
}

impl Drop for DataCell {
    fn drop(&mut self) {
        // Frees the owned bytes of a transaction that was not collected.
        drop(self.take_unshared());
        self.take_asked().for_each(drop);
    }
}

impl Transaction {
    /// Takes the data lock without a guard, for callers that cannot hold one. Waits for it if
    /// necessary. Not recursive. In a child by `fork` one of the parent has no lock: neither this
    /// nor [`unlock_data`](Self::unlock_data) does anything.
    pub fn lock_data(&self) {
        if !self.is_inherited() {
            self.data_cell().lock.lock();
        }
    }

    /// Takes the data lock as [`lock_data`](Self::lock_data) does, within `time`; false if it could
    /// not.
    pub fn try_lock_data_for(&self, time: Duration) -> bool {
        self.is_inherited() || self.data_cell().lock.try_lock_for(time)
    }

    /// Releases the lock taken by [`lock_data`](Self::lock_data).
    ///
    /// # Safety
    ///
    /// The lock must be held through an earlier `lock_data` of this transaction or of one that
    /// shares its lock. Any thread may release it.
    pub unsafe fn unlock_data(&self) {
        if !self.is_inherited() {
            // SAFETY: promised by the caller.
            unsafe { self.data_cell().unlock() }
        }
    }
}

/// The bytes of a transaction, locked: the requester cannot take its buffer back.
pub struct DataGuard<'a> {
    cell: &'a DataCell,
    start: *mut u8,
    count: usize,
    /// The thread that locked unlocks.
    _not_send: PhantomData<*mut u8>,
}

/// How many bytes there are, not which: the program may be in the middle of a change.
impl std::fmt::Debug for DataGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataGuard").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Deref for DataGuard<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the range was checked when the guard was made, the buffer lives until `take`,
        // and `take` waits for the lock this guard holds.
        unsafe { std::slice::from_raw_parts(self.start, self.count) }
    }
}

impl DerefMut for DataGuard<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the lock makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.count) }
    }
}

impl Drop for DataGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: a guard is created right after the lock was taken, and dropped once.
        unsafe { self.cell.unlock() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl DataCell {
        fn lock(&self, offset: usize, count: usize) -> Option<DataGuard<'_>> {
            self.lock_by(NEVER, offset, count).unwrap()
        }
    }

    #[test]
    fn a_range_beyond_the_buffer_is_refused_and_leaves_the_lock_free() {
        let cell = DataCell::new(DataBuffer::from(vec![1, 2, 3, 4]));
        for (offset, count) in [(0, 5), (4, 1), (5, 0), (usize::MAX, 2)] {
            assert!(cell.lock(offset, count).is_none(), "{offset}+{count}");
        }
        assert_eq!(&*cell.lock(1, 2).unwrap(), &[2, 3]);
        assert_eq!(&*cell.lock(4, 0).unwrap(), &[0u8; 0]);
    }

    #[test]
    fn a_held_lock_is_not_waited_for_by_a_try() {
        let cell = DataCell::new(DataBuffer::from(vec![1, 2, 3, 4]));
        let guard = cell.lock(0, 4).unwrap();
        assert!(cell.lock_by(AT_ONCE, 0, 4).is_none());
        drop(guard);
        assert_eq!(&*cell.lock_by(AT_ONCE, 1, 2).unwrap().unwrap(), &[2, 3]);
        assert!(cell.lock_by(AT_ONCE, 3, 2).unwrap().is_none());
        drop(cell.take_by(NEVER).unwrap());
        assert!(cell.lock_by(AT_ONCE, 0, 0).unwrap().is_none());
        cell.locked_by(NEVER, || ()).unwrap();
    }

    #[test]
    fn f08_actions_that_wait_for_the_lock_run_once_when_it_is_free() {
        use std::sync::mpsc::channel;
        let cell = DataCell::new(DataBuffer::from(vec![1, 2, 3, 4]));
        let (sender, done) = channel();
        let ask = |number: u32| {
            let sender = sender.clone();
            cell.when_free(Box::new(move || sender.send(number).unwrap()));
        };
        ask(1);
        assert_eq!(done.try_recv(), Ok(1), "it was free");
        let guard = cell.lock(0, 4).unwrap();
        ask(2);
        ask(3);
        assert!(cell.locked_by(clock::now(), || ()).is_none(), "a waiting thread runs none");
        assert!(done.try_recv().is_err());
        drop(guard);
        let mut all: Vec<u32> = done.try_iter().collect();
        all.sort_unstable();
        assert_eq!(all, [2, 3]);
        drop(cell.lock(0, 4));
        assert!(done.try_recv().is_err());
        // No action runs for a lock that is never released.
        std::mem::forget(cell.lock(0, 4));
        ask(4);
        drop(cell);
        assert!(done.try_recv().is_err());
    }

    #[test]
    fn f08_no_request_is_lost_between_threads_that_lock_and_one_that_asks() {
        const ROUNDS_COUNT: usize = 20_000;
        let cell = DataCell::new(DataBuffer::from(vec![0; 4]));
        let done = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        cell.lock(0, 4).unwrap()[0] ^= 1;
                    }
                });
            }
            for round in 0..ROUNDS_COUNT {
                let count = done.clone();
                let action = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                };
                cell.when_free(Box::new(action));
                while done.load(Ordering::Relaxed) <= round {
                    std::thread::yield_now();
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn after_take_nothing_is_left_to_lock() {
        let cell = DataCell::new(DataBuffer::from(vec![7; 3]));
        cell.lock(0, 3).unwrap()[1] = 9;
        assert_eq!(cell.take_by(NEVER).unwrap().unwrap().into_vec(), [7, 9, 7]);
        assert!(cell.start().is_null());
        assert!(cell.lock(0, 0).is_none());
        assert!(cell.take_by(NEVER).unwrap().is_none());
    }

    #[test]
    fn a_buffer_in_use_is_not_dropped_and_a_free_one_is() {
        let cell = DataCell::new(DataBuffer::from(vec![7; 3]));
        let guard = cell.lock(0, 3).unwrap();
        assert!(cell.take_by(AT_ONCE).is_none());
        assert_eq!(&*guard, &[7; 3]);
        drop(guard);
        drop(cell.take_by(AT_ONCE).expect("the lock is free").expect("it is there"));
        assert!(cell.start().is_null());
        assert!(cell.take_by(AT_ONCE).is_some_and(|buffer| buffer.is_none()), "it is gone already");
    }

    #[test]
    fn borrowed_bytes_are_neither_freed_nor_returned() {
        let mut bytes = [1u8, 2, 3];
        let start = NonNull::from(&mut bytes[..]).cast();
        // SAFETY: `bytes` outlives the cell, and is not used before the cell has gone.
        let cell = DataCell::new(unsafe { DataBuffer::from_raw(start, 3) });
        cell.lock(1, 1).unwrap()[0] = 9;
        let buffer = cell.take_by(NEVER).unwrap().unwrap();
        assert_eq!((buffer.len(), buffer.is_empty()), (3, false));
        assert!(buffer.into_vec().is_empty());
        assert_eq!(bytes, [1, 9, 3]);
    }

    #[test]
    fn a_vector_comes_back_with_its_room_to_grow_and_an_empty_one_as_it_was() {
        let mut bytes = Vec::with_capacity(100);
        bytes.push(5);
        let start = bytes.as_ptr();
        let cell = DataCell::new(DataBuffer::from(bytes));
        let bytes = cell.take_by(NEVER).unwrap().unwrap().into_vec();
        assert_eq!((bytes.as_ptr(), bytes.len(), bytes.capacity()), (start, 1, 100));
        let empty = DataCell::new(DataBuffer::from(Vec::new()));
        assert!(!empty.start().is_null(), "no bytes are not the same as no buffer");
        assert_eq!(&*empty.lock(0, 0).unwrap(), &[0u8; 0]);
        assert!(empty.take_by(NEVER).unwrap().unwrap().into_vec().is_empty());
    }

    #[test]
    fn take_waits_for_a_running_copy() {
        let cell = DataCell::new(DataBuffer::from(vec![0; 4096]));
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut guard = cell.lock(0, 4096).unwrap();
                barrier.wait();
                guard.fill(0xA5);
            });
            barrier.wait();
            let bytes = cell.take_by(NEVER).unwrap().unwrap().into_vec();
            assert!(bytes.iter().all(|&byte| byte == 0xA5), "taken while being written");
        });
    }
}
