//! The data of a transaction: its lock, and the return of the buffer to the requester.

use std::sync::Arc;

use super::buffer::{DataBuffer, DataCell, DataGuard, AT_ONCE, NEVER};
use super::{Transaction, SUCCEEDED};
use crate::clock::Time;
use crate::error::Result;
use crate::headroom::{self, NoMemory};

impl Transaction {
    /// Locks the transaction's data. `None` once the transaction has [expired](Self::expired):
    /// ended, been given up or collected. The lock is the root's: all parts of a transaction share
    /// it. It is not recursive.
    pub fn data(&self) -> Option<DataGuard<'_>> {
        self.data_by(NEVER).flatten()
    }

    /// Locks the data as [`data`](Self::data) does; the outer `None` if the lock is held until
    /// `limit`.
    #[inline]
    pub fn data_by(&self, limit: Time) -> Option<Option<DataGuard<'_>>> {
        let guard = self.lock_by(limit)?;
        // Under the lock: a thread that gives the transaction up after this waits for the guard.
        Some(guard.filter(|_| !self.expired()))
    }

    /// Locks the data as [`data`](Self::data) does; the outer `None` if the lock is held.
    pub(crate) fn try_data(&self) -> Option<Option<DataGuard<'_>>> {
        self.data_by(AT_ONCE)
    }

    /// Copies `bytes` to `offset` of the data and completes the transaction, as soon as the data
    /// lock is free. False if the transaction has expired. Never waits: if the lock is held, the
    /// thread that releases it copies.
    ///
    /// # Errors
    ///
    /// No memory to keep `bytes` until then.
    pub(crate) fn done_with(
        self: &Arc<Self>,
        offset: usize,
        bytes: &[u8],
    ) -> std::result::Result<bool, NoMemory> {
        match self.try_done_with(offset, bytes) {
            Some(is_done) => Ok(is_done),
            None => {
                self.done_later(offset, headroom::copied(bytes)?);
                Ok(true)
            }
        }
    }

    /// As [`done_with`](Self::done_with), with bytes that it owns.
    pub(crate) fn done_later(self: &Arc<Self>, offset: usize, bytes: Vec<u8>) {
        let tran = self.clone();
        self.when_unlocked(move || {
            if tran.try_done_with(offset, &bytes).is_none() {
                tran.done_later(offset, bytes);
            }
        });
    }

    /// `None` if the data lock is held.
    fn try_done_with(self: &Arc<Self>, offset: usize, bytes: &[u8]) -> Option<bool> {
        let Some(mut data) = self.try_data()? else { return Some(false) };
        data[offset..offset + bytes.len()].copy_from_slice(bytes);
        drop(data);
        self.done();
        Some(true)
    }

    /// Runs `action` when the data lock is free: at once in this thread, or after its release in
    /// the thread that releases it. Another thread may hold it again by then. No lock of the bus is
    /// held, unless the transaction has expired: `action` must do nothing then.
    ///
    /// For threads that must not wait for the program's code.
    pub(crate) fn when_unlocked(&self, action: impl FnOnce() + Send + 'static) {
        self.data_cell().when_free(Box::new(action));
    }

    /// Locks the data as [`try_data`](Self::try_data) does, also of an expired transaction whose
    /// buffer has not been collected: for a tracker that has begun to send it. The bytes are
    /// read-only.
    pub(crate) fn try_data_until_collected(&self) -> Option<Option<DataGuard<'_>>> {
        self.lock_by(AT_ONCE)
    }

    #[inline]
    fn lock_by(&self, limit: Time) -> Option<Option<DataGuard<'_>>> {
        if self.is_inherited() {
            return Some(None);
        }
        self.data_cell().lock_by(limit, self.offset as usize, self.size() as usize)
    }

    /// The lock and the bytes that this transaction shares with its root and all other parts.
    pub(super) fn data_cell(&self) -> &DataCell {
        &self.root().data
    }

    /// Start of this transaction's bytes; null once collected. Valid only under the data lock.
    pub fn data_start(&self) -> *mut u8 {
        let start = self.data_cell().start();
        if start.is_null() {
            start
        } else {
            start.wrapping_add(self.offset as usize)
        }
    }

    /// Takes the buffer back and returns the outcome; `None` the second time. After this no slave
    /// touches the buffer.
    ///
    /// Waits for the data lock, so its holder must not call this.
    ///
    /// # Panics
    ///
    /// If the transaction is still pending: give it up first.
    pub fn collect(&self) -> Option<(Result<()>, DataBuffer)> {
        let outcome = self.outcome().expect("only an ended transaction is collected");
        // A thread of the parent may hold the lock of an inherited one, for ever.
        let limit = if self.is_inherited() { AT_ONCE } else { NEVER };
        self.data.take_by(limit).flatten().map(|buffer| (outcome, buffer))
    }

    /// Collects as [`collect`](Self::collect) does, without a lock, if this is the only reference,
    /// so that the transaction may be renewed; `None` otherwise.
    pub(in crate::memory) fn collect_last(
        used: &mut Arc<Self>,
    ) -> Option<Option<(Result<()>, DataBuffer)>> {
        let tran = Arc::get_mut(used)?;
        let outcome = tran.outcome().expect("only an ended transaction is collected");
        Some(tran.data.take_unshared().map(|buffer| (outcome, buffer)))
    }

    /// Takes the buffer of a transaction that has succeeded, if this is the only reference; `None`
    /// otherwise.
    #[inline]
    pub(in crate::memory) fn collect_last_success(used: &mut Arc<Self>) -> Option<DataBuffer> {
        let tran = Arc::get_mut(used)?;
        if *tran.status.get_mut() != SUCCEEDED {
            return None;
        }
        tran.data.take_unshared()
    }

    /// Collects as [`collect`](Self::collect) does; `None` if the transaction is pending or the
    /// data lock is held.
    pub(in crate::memory) fn try_collect(&self) -> Option<(Result<()>, Option<DataBuffer>)> {
        let (outcome, buffer, is_due) = self.try_collect_quietly()?;
        if is_due {
            self.do_due();
        }
        Some((outcome, buffer))
    }

    /// Collects as [`try_collect`](Self::try_collect) does, for a caller that holds a lock of the
    /// bus. The flag tells it to [run](Self::do_due) the [deferred actions](Self::when_unlocked)
    /// afterwards.
    pub(in crate::memory) fn try_collect_quietly(
        &self,
    ) -> Option<(Result<()>, Option<DataBuffer>, bool)> {
        if !self.is_done() {
            return None;
        }
        let (buffer, is_due) = self.data.try_take_quietly()?;
        Some((self.outcome()?, buffer, is_due))
    }

    /// Runs the actions that waited for the data lock.
    pub(in crate::memory) fn do_due(&self) {
        self.data_cell().do_asked();
    }

    /// Bytes of the buffer, if the transaction owns or owned them.
    pub(in crate::memory) fn owned_bytes(&self) -> u64 {
        match self.data.is_owned() {
            true => self.size().into(),
            false => 0,
        }
    }
}
