//! The data of a transaction: a buffer that its requester owns, guarded by the lock that slaves
//! take before they touch it. The only file of this room with `unsafe` code.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::lock_api::RawMutex as _;
use parking_lot::RawMutex;

use super::transaction::Transaction;

/// The bytes a transaction reads into or writes from.
pub struct Buffer {
    start: NonNull<u8>,
    len: usize,
    /// Keeps owned bytes alive; `start` points into it.
    owned: Option<Vec<u8>>,
}

// SAFETY: the bytes are owned by this value or, for `from_raw`, promised by its caller to be
// reachable from any thread until the transaction has been collected or given up.
unsafe impl Send for Buffer {}

impl Buffer {
    /// A buffer of the caller's.
    ///
    /// # Safety
    ///
    /// `start` must be valid for reads and writes (for reads alone where the transaction is a
    /// write) of `len` bytes, from any thread, until the transaction has been waited for, given
    /// up, or its master dropped.
    pub unsafe fn from_raw(start: NonNull<u8>, len: usize) -> Buffer {
        Buffer { start, len, owned: None }
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
        self.owned.unwrap_or_default()
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(mut bytes: Vec<u8>) -> Buffer {
        let start = NonNull::new(bytes.as_mut_ptr()).expect("a vector's pointer is never null");
        // The vector itself moves, its heap block (or its dangling pointer, when empty) does not.
        Buffer { start, len: bytes.len(), owned: Some(bytes) }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A transaction's buffer and its lock. Empty once the requester has taken its buffer back.
pub(super) struct DataCell {
    lock: RawMutex,
    /// Start of the buffer; null once it has been taken back. Written under the lock only.
    start: AtomicPtr<u8>,
    len: usize,
    /// The buffer itself. Touched under the lock only.
    buffer: UnsafeCell<Option<Buffer>>,
}

// SAFETY: `buffer` is only reached through `take`, which holds `lock`.
unsafe impl Sync for DataCell {}
// SAFETY: see `Buffer`.
unsafe impl Send for DataCell {}

impl DataCell {
    /// A cell that guards `buffer`.
    pub(super) fn new(buffer: Buffer) -> DataCell {
        DataCell {
            lock: RawMutex::INIT,
            start: AtomicPtr::new(buffer.start.as_ptr()),
            len: buffer.len,
            buffer: UnsafeCell::new(Some(buffer)),
        }
    }

    /// A cell without a buffer, for sub-transactions, which use their root's.
    pub(super) fn none() -> DataCell {
        DataCell {
            lock: RawMutex::INIT,
            start: AtomicPtr::new(std::ptr::null_mut()),
            len: 0,
            buffer: UnsafeCell::new(None),
        }
    }

    /// Runs `action` under the lock, whether or not there still is a buffer.
    pub(super) fn locked<T>(&self, action: impl FnOnce() -> T) -> T {
        self.lock.lock();
        let start = NonNull::dangling().as_ptr();
        let _guard = DataGuard { cell: self, start, count: 0, _not_send: PhantomData };
        action()
    }

    /// Start of the buffer, or null once it has been taken back.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.load(Ordering::Acquire)
    }

    /// Locks `count` bytes at `offset`; `None` once the buffer has been taken back or where the
    /// range does not lie within it.
    pub(super) fn lock(&self, offset: usize, count: usize) -> Option<DataGuard<'_>> {
        self.lock.lock();
        let start = self.start();
        let inside = offset.checked_add(count).is_some_and(|end| end <= self.len);
        if start.is_null() || !inside {
            // SAFETY: locked three lines above.
            unsafe { self.lock.unlock() };
            return None;
        }
        // SAFETY: `offset` lies within the buffer, as just checked.
        let start = unsafe { start.add(offset) };
        Some(DataGuard { cell: self, start, count, _not_send: PhantomData })
    }

    /// Takes the buffer back, under the lock: whoever holds the lock finishes its copy first, and
    /// nobody touches the buffer afterwards.
    pub(super) fn take(&self) -> Option<Buffer> {
        self.lock.lock();
        self.start.store(std::ptr::null_mut(), Ordering::Release);
        // SAFETY: the lock is held, and every access to `buffer` holds it.
        let buffer = unsafe { (*self.buffer.get()).take() };
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
        buffer
    }
}

impl Transaction {
    /// Takes the data lock without a guard, for callers that cannot hold one. Waits for it if need
    /// be; not recursive.
    pub fn lock_data(&self) {
        self.data_cell().lock.lock();
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
        // SAFETY: the guard was made by locking and is dropped once.
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
    fn after_take_nothing_is_left_to_lock() {
        let cell = DataCell::new(Buffer::from(vec![7; 3]));
        cell.lock(0, 3).unwrap()[1] = 9;
        assert_eq!(cell.take().unwrap().into_vec(), [7, 9, 7]);
        assert!(cell.start().is_null());
        assert!(cell.lock(0, 0).is_none());
        assert!(cell.take().is_none());
    }
}
