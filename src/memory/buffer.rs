//! The data of a transaction: a buffer that its requester owns, guarded by the lock that slaves
//! take before they touch it. The only file of this room with `unsafe` code.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use lock_api::{RawMutex as _, RawMutexTimed as _};

use super::transaction::Transaction;
use crate::clock::{self, Time};
use crate::sync::RawMutex;

/// In place of a capacity: the bytes are somebody else's. No vector is that large.
const FOREIGN: usize = usize::MAX;

/// The bytes a transaction reads into or writes from.
pub struct Buffer {
    start: NonNull<u8>,
    len: usize,
    /// Of the vector that `start` and `len` are parts of, or [`FOREIGN`].
    capacity: usize,
}

// SAFETY: the bytes are owned by this value or, for `from_raw`, promised by its caller to be
// reachable from any thread until the transaction has been collected or given up.
unsafe impl Send for Buffer {}

impl Buffer {
    /// A buffer of the caller's.
    ///
    /// # Safety
    ///
    /// `start` must be valid for reads and writes of `len` bytes, from any thread, until the
    /// transaction has been waited for, given up and collected, or its master dropped. Until then
    /// nobody may write to them, nor read them where the transaction is a read, but under the
    /// transaction's data lock. (The slaves of this crate only read the data of a write; a slave
    /// of the user's may do otherwise.)
    pub unsafe fn from_raw(start: NonNull<u8>, len: usize) -> Buffer {
        Buffer { start, len, capacity: FOREIGN }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The owned bytes; empty for a buffer that belongs to somebody else.
    pub fn into_vec(self) -> Vec<u8> {
        let this = ManuallyDrop::new(self);
        if this.capacity == FOREIGN {
            return Vec::new();
        }
        // SAFETY: the three parts are those of the vector this value was made from, which was not
        // dropped then, and `this` is not dropped either.
        unsafe { Vec::from_raw_parts(this.start.as_ptr(), this.len, this.capacity) }
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        let mut bytes = ManuallyDrop::new(bytes);
        let start = NonNull::new(bytes.as_mut_ptr()).expect("a vector's pointer is never null");
        Buffer { start, len: bytes.len(), capacity: bytes.capacity() }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.capacity != FOREIGN {
            // SAFETY: as in `into_vec`, which does not come here.
            drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.len, self.capacity) });
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A transaction's buffer, in parts, and its lock. Empty once the requester has taken its buffer
/// back.
pub(super) struct DataCell {
    lock: RawMutex,
    len: u32,
    capacity: usize,
    /// Start of the buffer; null once it has been taken back, which happens under the lock.
    start: AtomicPtr<u8>,
}

impl DataCell {
    /// A cell that guards `buffer`.
    ///
    /// # Panics
    ///
    /// For a buffer of 4 GiB or more, which requesters refuse before.
    pub(super) fn new(buffer: Buffer) -> DataCell {
        let len = u32::try_from(buffer.len).expect("a transaction's buffer is below 4 GiB");
        let buffer = ManuallyDrop::new(buffer);
        DataCell {
            lock: RawMutex::INIT,
            len,
            capacity: buffer.capacity,
            start: AtomicPtr::new(buffer.start.as_ptr()),
        }
    }

    /// Makes it a cell that guards `buffer`, in place of what it guarded before.
    ///
    /// # Panics
    ///
    /// As `new`.
    pub(super) fn refill(&mut self, buffer: Buffer) {
        drop(self.take_unshared());
        let len = u32::try_from(buffer.len).expect("a transaction's buffer is below 4 GiB");
        let buffer = ManuallyDrop::new(buffer);
        // Also where whoever held it last has never given it back.
        self.lock = RawMutex::INIT;
        self.len = len;
        self.capacity = buffer.capacity;
        *self.start.get_mut() = buffer.start.as_ptr();
    }

    /// A cell without a buffer, for sub-transactions, which use their root's.
    pub(super) fn none() -> DataCell {
        DataCell {
            lock: RawMutex::INIT,
            len: 0,
            capacity: FOREIGN,
            start: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Takes the lock, whether or not there still is a buffer; a guard of no bytes.
    fn guard(&self) -> DataGuard<'_> {
        self.lock.lock();
        self.guard_of_locked()
    }

    /// The guard, of no bytes, of the lock that the caller has just taken.
    fn guard_of_locked(&self) -> DataGuard<'_> {
        let start = NonNull::dangling().as_ptr();
        DataGuard { cell: self, start, count: 0, _not_send: PhantomData }
    }

    /// Runs `action` under the lock, whether or not there still is a buffer, unless somebody holds
    /// it until `limit`.
    pub(super) fn locked_by<T>(&self, limit: Time, action: impl FnOnce() -> T) -> Option<T> {
        let _guard = self.guard_by(limit)?;
        Some(action())
    }

    /// As [`guard`](Self::guard), but `None` where somebody holds the lock until `limit`.
    fn guard_by(&self, limit: Time) -> Option<DataGuard<'_>> {
        let is_locked = match clock::instant(limit) {
            Some(instant) => self.lock.try_lock_until(instant),
            None => {
                self.lock.lock();
                true
            }
        };
        is_locked.then(|| self.guard_of_locked())
    }

    /// Runs `action` under the lock unless somebody holds it.
    pub(super) fn try_locked<T>(&self, action: impl FnOnce() -> T) -> Option<T> {
        let _guard = self.lock.try_lock().then(|| self.guard_of_locked())?;
        Some(action())
    }

    /// Start of the buffer, or null once it has been taken back.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.load(Ordering::Acquire)
    }

    /// Locks `count` bytes at `offset`; `None` once the buffer has been taken back or where the
    /// range does not lie within it.
    pub(super) fn lock(&self, offset: usize, count: usize) -> Option<DataGuard<'_>> {
        self.within(self.guard(), offset, count)
    }

    /// As [`lock`](Self::lock), but `None` where somebody holds the lock until `limit`.
    pub(super) fn lock_by(
        &self,
        limit: Time,
        offset: usize,
        count: usize,
    ) -> Option<Option<DataGuard<'_>>> {
        Some(self.within(self.guard_by(limit)?, offset, count))
    }

    /// As [`lock`](Self::lock), but `None` also where somebody holds the lock.
    pub(super) fn try_lock(&self, offset: usize, count: usize) -> Option<DataGuard<'_>> {
        let guard = self.lock.try_lock().then(|| self.guard_of_locked())?;
        self.within(guard, offset, count)
    }

    /// `guard`, of the lock of this cell, as that of `count` bytes at `offset`.
    fn within<'a>(
        &self,
        mut guard: DataGuard<'a>,
        offset: usize,
        count: usize,
    ) -> Option<DataGuard<'a>> {
        let start = self.start();
        let inside = offset.checked_add(count).is_some_and(|end| end <= self.len as usize);
        if start.is_null() || !inside {
            return None;
        }
        // SAFETY: `offset` lies within the buffer, as just checked.
        guard.start = unsafe { start.add(offset) };
        guard.count = count;
        Some(guard)
    }

    /// Takes the buffer back, under the lock: whoever holds the lock finishes its copy first, and
    /// nobody touches the buffer afterwards. `None` the second time.
    pub(super) fn take(&self) -> Option<Buffer> {
        let _guard = self.guard();
        self.take_locked()
    }

    /// Takes the buffer back and drops it, unless somebody holds the lock until `limit`; whether it
    /// is gone.
    pub(super) fn take_by(&self, limit: Time) -> bool {
        self.locked_by(limit, || self.take_locked()).is_some()
    }

    /// Takes the buffer back where there is no other reference, so that nobody holds the lock.
    pub(super) fn take_unshared(&mut self) -> Option<Buffer> {
        let start = std::mem::replace(self.start.get_mut(), std::ptr::null_mut());
        let (len, capacity) = (self.len as usize, self.capacity);
        NonNull::new(start).map(|start| Buffer { start, len, capacity })
    }

    /// Takes the buffer back unless somebody holds the lock, which is `None`.
    pub(super) fn try_take(&self) -> Option<Option<Buffer>> {
        self.try_locked(|| self.take_locked())
    }

    /// Drops the buffer unless somebody holds the lock; `Some` where it is gone.
    pub(super) fn try_discard(&self) -> Option<()> {
        self.try_take().map(drop)
    }

    /// Takes the buffer from under the lock.
    fn take_locked(&self) -> Option<Buffer> {
        let start = self.start.swap(std::ptr::null_mut(), Ordering::AcqRel);
        let (len, capacity) = (self.len as usize, self.capacity);
        NonNull::new(start).map(|start| Buffer { start, len, capacity })
    }
}

impl Drop for DataCell {
    fn drop(&mut self) {
        // Frees the bytes of a transaction that nobody collected, if they are ours.
        drop(self.take_unshared());
    }
}

impl Transaction {
    /// Takes the data lock without a guard, for callers that cannot hold one. Waits for it if need
    /// be; not recursive.
    pub fn lock_data(&self) {
        self.data_cell().lock.lock();
    }

    /// Takes the data lock as [`lock_data`](Self::lock_data) does, unless that would take longer
    /// than `time`; returns whether it did.
    pub fn try_lock_data_for(&self, time: Duration) -> bool {
        self.data_cell().lock.try_lock_for(time)
    }

    /// Gives back the lock taken by [`lock_data`](Self::lock_data).
    ///
    /// # Safety
    ///
    /// The lock must be held through an earlier `lock_data` of this transaction or a relative, by
    /// whatever thread.
    pub unsafe fn unlock_data(&self) {
        // SAFETY: promised by the caller.
        unsafe { self.data_cell().lock.unlock() }
    }
}

/// The bytes of a transaction, locked: the requester cannot take its buffer back meanwhile.
pub struct DataGuard<'a> {
    cell: &'a DataCell,
    start: *mut u8,
    count: usize,
    /// Unlocked by the thread that locked.
    _not_send: PhantomData<*mut u8>,
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
        // SAFETY: a guard is made where the lock has just been taken, and dropped once.
        unsafe { self.cell.lock.unlock() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_beyond_the_buffer_is_refused_and_leaves_the_lock_free() {
        let cell = DataCell::new(Buffer::from(vec![1, 2, 3, 4]));
        for (offset, count) in [(0, 5), (4, 1), (5, 0), (usize::MAX, 2)] {
            assert!(cell.lock(offset, count).is_none(), "{offset}+{count}");
        }
        assert_eq!(&*cell.lock(1, 2).unwrap(), &[2, 3]);
        assert_eq!(&*cell.lock(4, 0).unwrap(), &[0u8; 0]);
    }

    #[test]
    fn a_lock_that_is_held_is_not_waited_for_by_who_tries() {
        let cell = DataCell::new(Buffer::from(vec![1, 2, 3, 4]));
        let guard = cell.lock(0, 4).unwrap();
        assert!(cell.try_lock(0, 4).is_none());
        drop(guard);
        assert_eq!(&*cell.try_lock(1, 2).unwrap(), &[2, 3]);
        assert!(cell.try_lock(3, 2).is_none());
        drop(cell.take());
        assert!(cell.try_lock(0, 0).is_none());
        cell.locked_by(Time(u64::MAX), || ()).unwrap();
    }

    #[test]
    fn after_take_nothing_is_left_to_lock() {
        let cell = DataCell::new(Buffer::from(vec![7; 3]));
        cell.lock(0, 3).unwrap()[1] = 9;
        assert_eq!(cell.take().unwrap().into_vec(), [7, 9, 7]);
        assert!(cell.start().is_null());
        assert!(cell.lock(0, 0).is_none());
        assert!(cell.take().is_none());
    }

    #[test]
    fn a_buffer_in_use_is_not_dropped_and_a_free_one_is() {
        let cell = DataCell::new(Buffer::from(vec![7; 3]));
        let guard = cell.lock(0, 3).unwrap();
        assert!(cell.try_discard().is_none());
        assert_eq!(&*guard, &[7; 3]);
        drop(guard);
        assert_eq!(cell.try_discard(), Some(()));
        assert!(cell.start().is_null());
        assert_eq!(cell.try_discard(), Some(()), "it is gone already");
    }

    #[test]
    fn bytes_of_somebody_else_are_neither_freed_nor_returned() {
        let mut bytes = [1u8, 2, 3];
        let start = NonNull::from(&mut bytes[..]).cast();
        // SAFETY: `bytes` outlives the cell, and is not used before the cell has gone.
        let cell = DataCell::new(unsafe { Buffer::from_raw(start, 3) });
        cell.lock(1, 1).unwrap()[0] = 9;
        let buffer = cell.take().unwrap();
        assert_eq!((buffer.len(), buffer.is_empty()), (3, false));
        assert!(buffer.into_vec().is_empty());
        assert_eq!(bytes, [1, 9, 3]);
    }

    #[test]
    fn a_vector_comes_back_with_its_room_to_grow_and_an_empty_one_as_it_was() {
        let mut bytes = Vec::with_capacity(100);
        bytes.push(5);
        let start = bytes.as_ptr();
        let cell = DataCell::new(Buffer::from(bytes));
        let bytes = cell.take().unwrap().into_vec();
        assert_eq!((bytes.as_ptr(), bytes.len(), bytes.capacity()), (start, 1, 100));
        let empty = DataCell::new(Buffer::from(Vec::new()));
        assert!(!empty.start().is_null(), "no bytes are not the same as no buffer");
        assert_eq!(&*empty.lock(0, 0).unwrap(), &[0u8; 0]);
        assert!(empty.take().unwrap().into_vec().is_empty());
    }

    #[test]
    fn take_waits_for_whoever_is_copying() {
        let cell = DataCell::new(Buffer::from(vec![0; 4096]));
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut guard = cell.lock(0, 4096).unwrap();
                barrier.wait();
                guard.fill(0xA5);
            });
            barrier.wait();
            let bytes = cell.take().unwrap().into_vec();
            assert!(bytes.iter().all(|&byte| byte == 0xA5), "taken while being written");
        });
    }
}
