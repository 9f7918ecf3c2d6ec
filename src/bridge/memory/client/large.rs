//! A large write in flight. Its data is sent from the transaction's buffer. The requester may take
//! the buffer back at any time, but the stream must continue to the end of the request.
//!
//! The buffer is read under the data lock, for one system call at a time. A thread that ends the
//! transaction meanwhile [keeps the rest](Progress::keep_rest) before the requester can collect the
//! buffer. If the sender sees the end first, it does the same.

use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::memory::Transaction;
use crate::net::{socket, ByteStream};
use crate::proto::bridge::{encode_request_head, Header, Timing};
use crate::sync::Mutex;

/// Minimum size of the data that is sent without a copy, in octets.
pub(super) const LARGE_OCTETS_MIN: usize = 64 * 1024;

/// Whether `tran` is a write whose data is sent without a copy.
pub(super) fn is_large(tran: &Transaction) -> bool {
    tran.ty().is_write() && tran.size() as usize >= LARGE_OCTETS_MIN
}

/// Maximum size of one send from a transaction's buffer, in octets. The data lock is held
/// meanwhile.
const SENT_OCTETS_MAX: usize = 4 << 20;

/// Progress of a large write, shared by the sender and the threads that may end the transaction.
#[derive(Default)]
pub(super) struct Progress {
    /// Changed under the data lock. A leaf lock: nothing else is locked while it is held.
    inner: Mutex<ProgressState>,
}

#[derive(Default)]
struct ProgressState {
    /// Octets of the data that the system has taken. `None` until the first octet of the request is
    /// encoded: until then the request may be left out.
    sent: Option<usize>,
    /// The unsent octets of a transaction that has ended.
    rest: Option<Vec<u8>>,
}

impl Progress {
    /// Keeps the unsent octets of `tran`, which has ended and has not been collected. Does not
    /// wait: if the sender holds the data lock, it sees the end itself.
    pub(super) fn keep_rest(&self, tran: &Transaction) {
        if let Some(Some(data)) = tran.try_data_until_collected() {
            self.keep_rest_of(&data);
        }
    }

    /// Keeps the unsent octets of a transaction with this locked `data`. Without memory for them
    /// they are lost, and the sender reports that.
    pub(super) fn keep_rest_of(&self, data: &[u8]) {
        let ProgressState { sent, rest } = &mut *self.inner.lock();
        let left = sent.and_then(|sent| data.get(sent..)).unwrap_or_default();
        let mut octets = Vec::new();
        if !left.is_empty() && rest.is_none() && octets.try_reserve_exact(left.len()).is_ok() {
            octets.extend_from_slice(left);
            *rest = Some(octets);
        }
    }

    /// Takes the kept octets. The buffer is not used from then on.
    fn take_rest(&self) -> Option<Vec<u8>> {
        let mut inner = self.inner.lock();
        let rest = inner.rest.take();
        if rest.is_some() {
            inner.sent = None;
        }
        rest
    }

    fn set_sent(&self, octets: usize) {
        self.inner.lock().sent = Some(octets);
    }
}

/// A large write that is being sent.
pub(super) struct Large {
    pub(super) tran: Arc<Transaction>,
    progress: Arc<Progress>,
    /// The part of the request before the data.
    head: Vec<u8>,
    /// Octets of the head, and then of the data, that the system has taken.
    sent: usize,
}

/// Outcome of sending a large write.
pub(super) enum Sending {
    /// The system has taken all or some of it.
    Sent,
    /// The socket is full.
    Blocked,
    /// Another thread holds the data lock.
    Locked,
    /// The transaction has ended. These octets must still be sent.
    Ended(Vec<u8>),
}

impl Large {
    /// Begins to send. `None` if the transaction has been given up, or another thread holds the data
    /// lock.
    pub(super) fn begin(
        header: &Header,
        timing: Option<&Timing>,
        tran: &Arc<Transaction>,
        progress: &Arc<Progress>,
    ) -> Option<Large> {
        let _data = tran.try_data().flatten()?;
        progress.set_sent(0);
        let mut head = Vec::new();
        encode_request_head(header, timing, &mut head);
        let (tran, progress) = (tran.clone(), progress.clone());
        Some(Large { tran, progress, head, sent: 0 })
    }

    /// Number of unsent octets.
    pub(super) fn backlog(&self) -> usize {
        self.head.len() + self.tran.size() as usize - self.sent
    }

    /// Sends as much as the socket takes.
    ///
    /// # Errors
    ///
    /// An error of the system; or the data has gone, so that the request cannot be completed.
    pub(super) fn send(&mut self, stream: &ByteStream) -> io::Result<Sending> {
        while self.backlog() > 0 {
            match self.send_some(stream) {
                Ok(Sending::Sent) => {}
                Ok(other) => return Ok(other),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Sending::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Sending::Sent)
    }

    /// Makes one system call, unless the transaction has ended or its data is locked.
    fn send_some(&mut self, stream: &ByteStream) -> io::Result<Sending> {
        let data = self.tran.try_data_until_collected();
        let is_locked = data.is_none();
        let data = data.flatten();
        if let Some(data) = data.as_deref().filter(|_| self.tran.expired()) {
            self.progress.keep_rest_of(data);
        }
        if let Some(rest) = self.progress.take_rest() {
            let head = self.head.get(self.sent..).unwrap_or_default();
            return Ok(Sending::Ended(match head.is_empty() {
                true => rest,
                false => [head, &rest].concat(),
            }));
        }
        if is_locked {
            return Ok(Sending::Locked);
        }
        let Some(data) = data.filter(|_| !self.tran.expired()) else {
            return Err(io::Error::other(format!(
                "a write of {} bytes was given up while it was being sent, and its data is gone, \
                 so that nothing can be sent behind it",
                self.tran.size()
            )));
        };
        let head = self.head.get(self.sent..).unwrap_or_default();
        let data_sent = self.sent.saturating_sub(self.head.len());
        let left = &data[data_sent..];
        let left = &left[..left.len().min(SENT_OCTETS_MAX)];
        let outcome = match socket::send_vectored(stream, &[IoSlice::new(head), IoSlice::new(left)])
        {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            outcome => outcome,
        };
        self.sent += outcome.as_ref().unwrap_or(&0);
        self.progress.set_sent(self.sent.saturating_sub(self.head.len()));
        if self.tran.expired() {
            // The thread that ended it may have found the lock taken.
            self.progress.keep_rest_of(&data);
        }
        outcome.map(|_| Sending::Sent)
    }
}
