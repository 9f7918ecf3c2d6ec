//! A large write on its way: its data is sent from the transaction's buffer, which its requester
//! may take back at any time, while the stream must go on to the end of the request.
//!
//! The buffer is looked at under the data lock, for one system call at a time. Whoever ends the
//! transaction meanwhile [keeps the rest](Progress::keep_rest) before the requester can collect the
//! buffer; and the sender, where it sees the end first, does the same.

use std::io::{self, IoSlice};
use std::sync::Arc;

use mio::net::TcpStream;

use crate::memory::Transaction;
use crate::net::socket;
use crate::proto::bridge::{encode_request_head, Header};
use crate::sync::Mutex;

/// Octets of data from which on they are sent from where they are, and not copied.
pub(super) const LARGE_OCTETS_MIN: usize = 64 * 1024;
/// Octets sent from a transaction's buffer at a time, with its data lock held meanwhile.
const SENT_OCTETS_MAX: usize = 4 << 20;

/// How far a large write is. Shared with those who end transactions.
#[derive(Default)]
pub(super) struct Progress {
    /// Changed under the data lock. A leaf: nothing else is done while it is held.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Octets of the data that the system has taken. `None` until the first octet of the request is
    /// encoded: it need not be sent at all up to then.
    sent: Option<usize>,
    /// The others, of a transaction that has ended.
    rest: Option<Vec<u8>>,
}

impl Progress {
    /// Keeps what has not been sent of `tran`, which has ended and has not been collected. Does
    /// not wait: where the sender has the data lock, it sees the end itself.
    pub(super) fn keep_rest(&self, tran: &Transaction) {
        if let Some(data) = tran.try_data_until_collected() {
            self.keep_rest_of(&data);
        }
    }

    /// Keeps what has not been sent of a transaction with this `data`, which is locked. Without
    /// memory for it the rest is lost, and the sender finds it so.
    pub(super) fn keep_rest_of(&self, data: &[u8]) {
        let Inner { sent, rest } = &mut *self.inner.lock();
        let left = sent.and_then(|sent| data.get(sent..)).unwrap_or_default();
        let mut octets = Vec::new();
        if !left.is_empty() && rest.is_none() && octets.try_reserve_exact(left.len()).is_ok() {
            octets.extend_from_slice(left);
            *rest = Some(octets);
        }
    }

    /// Takes what has been kept, in whose place the buffer is not looked at any more.
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
    tran: Arc<Transaction>,
    progress: Arc<Progress>,
    /// Everything that comes before the data.
    head: Vec<u8>,
    /// Octets of the head, and then of the data, that the system has taken.
    sent: usize,
}

/// What became of a large write.
pub(super) enum Sending {
    /// The system has taken it wholly.
    Sent,
    /// The socket takes nothing for now.
    Blocked,
    /// Its transaction has ended: these octets are still to be sent.
    Ended(Vec<u8>),
}

impl Large {
    /// Begins to send; `None` for a transaction that has been given up.
    pub(super) fn begin(
        header: &Header,
        tran: Arc<Transaction>,
        progress: Arc<Progress>,
    ) -> Option<Large> {
        let data = tran.data()?;
        progress.set_sent(0);
        drop(data);
        let mut head = Vec::new();
        encode_request_head(header, &mut head);
        Some(Large { tran, progress, head, sent: 0 })
    }

    /// Octets that have not been sent.
    pub(super) fn backlog(&self) -> usize {
        self.head.len() + self.tran.size() as usize - self.sent
    }

    /// Sends as much as the socket takes.
    ///
    /// # Errors
    ///
    /// Those of the system; that the data is gone, so that the request cannot be completed.
    pub(super) fn send(&mut self, stream: &TcpStream) -> io::Result<Sending> {
        while self.backlog() > 0 {
            match self.send_some(stream) {
                Ok(None) => {}
                Ok(Some(rest)) => {
                    let head = self.head.get(self.sent..).unwrap_or_default();
                    return Ok(Sending::Ended(match head.is_empty() {
                        true => rest,
                        false => [head, &rest].concat(),
                    }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Sending::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Sending::Sent)
    }

    /// One system call, unless the transaction has ended: then it returns the rest of the data.
    fn send_some(&mut self, stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
        let data = self.tran.data_until_collected();
        if let Some(data) = data.as_deref().filter(|_| self.tran.expired()) {
            self.progress.keep_rest_of(data);
        }
        if let Some(rest) = self.progress.take_rest() {
            return Ok(Some(rest));
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
            // Whoever has ended it may have found the lock taken.
            self.progress.keep_rest_of(&data);
        }
        outcome.map(|_| None)
    }
}
