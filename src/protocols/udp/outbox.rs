//! Datagrams for which the socket had no room.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::clock::{self, Time};
use crate::stream::CancelToken;
use crate::sync::{Condvar, Mutex};

/// Upper bound on the bytes that wait, one datagram always allowed: five times the send buffer that
/// Linux gives a socket, so that the event loop keeps the socket busy.
pub const QUEUE_BYTES_MAX: usize = 1 << 20;

/// A copy of a datagram, and its destination.
pub(super) struct Queued {
    pub(super) bytes: Vec<u8>,
    pub(super) to: SocketAddr,
    /// That of its frame.
    pub(super) cancel_token: Option<Arc<dyn CancelToken>>,
}

impl Queued {
    fn is_cancelled(&self) -> bool {
        self.cancel_token.as_ref().is_some_and(|token| token.is_cancelled(clock::now()))
    }

    /// What leaves in place of this one, which is cancelled.
    fn stand_in(&self) -> Option<Queued> {
        let bytes = self.cancel_token.as_ref()?.placeholder()?.to_vec();
        Some(Queued { bytes, to: self.to, cancel_token: None })
    }
}

/// What has become of the queue.
pub(super) struct Drained {
    /// None is left.
    pub(super) is_empty: bool,
    /// Datagrams dropped because they were cancelled while they waited.
    pub(super) cancelled: usize,
}

#[derive(Default)]
struct Queue {
    datagrams: VecDeque<Queued>,
    bytes: usize,
    is_closed: bool,
}

impl Queue {
    fn has_room(&self, bytes: usize) -> bool {
        self.datagrams.is_empty() || self.bytes + bytes <= QUEUE_BYTES_MAX
    }
}

/// The queue between threads that send and the event loop, which sends as soon as the socket has
/// room.
#[derive(Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    room: Condvar,
    /// Datagrams wait: later ones of the same thread have to wait behind them.
    is_used: AtomicBool,
}

impl Outbox {
    /// Whether datagrams of the calling thread may wait here. Takes no lock.
    pub(super) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    /// Number of datagrams that wait.
    pub(super) fn count(&self) -> usize {
        self.queue.lock().datagrams.len()
    }

    /// Appends a datagram. Waits for room until `limit`; returns whether there was some, and memory for its
    /// place.
    pub(super) fn push(&self, datagram: Queued, limit: Option<Time>) -> bool {
        let mut queue = self.queue.lock();
        while !queue.is_closed && !queue.has_room(datagram.bytes.len()) {
            match limit {
                Some(limit) if clock::now() < limit => queue = self.room.wait_until(queue, limit),
                _ => return false,
            }
        }
        if queue.is_closed || queue.datagrams.try_reserve(1).is_err() {
            return false;
        }
        queue.bytes += datagram.bytes.len();
        queue.datagrams.push_back(datagram);
        self.is_used.store(true, Ordering::Release);
        true
    }

    /// Passes datagrams to `send` in their order until it reports `WouldBlock`. Whatever else it
    /// reports, the datagram has been dealt with. Drops those that are cancelled, or passes what
    /// stands in for them.
    pub(super) fn drain(&self, mut send: impl FnMut(&Queued) -> io::Result<()>) -> Drained {
        let mut cancelled = 0;
        if !self.is_used() {
            return Drained { is_empty: true, cancelled };
        }
        // Dropped without the lock: a token may be the last one to have a request.
        let mut done = Vec::new();
        // Held meanwhile, so that no later datagram overtakes the one that is being sent.
        let mut queue = self.queue.lock();
        while let Some(first) = queue.datagrams.front() {
            if done.try_reserve(1).is_err() && !done.is_empty() {
                break;
            }
            let is_cancelled = first.is_cancelled();
            let instead = is_cancelled.then(|| first.stand_in()).flatten();
            let leaving = if is_cancelled { instead.as_ref() } else { Some(first) };
            let sent = leaving.map_or(Ok(()), &mut send);
            if sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                break;
            }
            cancelled += usize::from(is_cancelled);
            queue.bytes -= first.bytes.len();
            done.extend(queue.datagrams.pop_front());
        }
        let is_empty = queue.datagrams.is_empty();
        self.is_used.store(!is_empty, Ordering::Release);
        drop(queue);
        self.room.notify_all();
        Drained { is_empty, cancelled }
    }

    /// Drops all datagrams, now and later, and returns their number now. Threads that wait for room
    /// return.
    pub(super) fn close(&self) -> usize {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        queue.bytes = 0;
        let dropped = std::mem::take(&mut queue.datagrams);
        self.is_used.store(false, Ordering::Release);
        drop(queue);
        self.room.notify_all();
        dropped.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::stream::cancel::tests::Cancelled;

    fn datagram(first: u8, bytes: usize) -> Queued {
        let mut content = vec![0; bytes];
        content[0] = first;
        Queued { bytes: content, to: "192.0.2.1:9".parse().unwrap(), cancel_token: None }
    }

    /// Drains until `room` datagrams have been taken; the first bytes of these.
    fn drained(outbox: &Outbox, room: usize) -> (Vec<u8>, bool) {
        let mut taken = Vec::new();
        let drained = outbox.drain(|queued| {
            if taken.len() == room {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            taken.push(queued.bytes[0]);
            Ok(())
        });
        (taken, drained.is_empty)
    }

    #[test]
    fn datagrams_leave_in_their_order_as_far_as_there_is_room() {
        let outbox = Outbox::default();
        assert!(!outbox.is_used());
        for n in 0..5 {
            assert!(outbox.push(datagram(n, 10), None));
        }
        assert!(outbox.is_used());
        assert_eq!(drained(&outbox, 2), (vec![0, 1], false));
        assert_eq!((outbox.is_used(), outbox.count()), (true, 3));
        assert_eq!(drained(&outbox, 9), (vec![2, 3, 4], true));
        assert_eq!((outbox.is_used(), outbox.count()), (false, 0));
    }

    #[test]
    fn an_error_other_than_a_lack_of_room_ends_one_datagram_only() {
        let outbox = Outbox::default();
        for n in 0..3 {
            outbox.push(datagram(n, 1), None);
        }
        let mut seen = 0;
        let drained = outbox.drain(|_| {
            seen += 1;
            Err(io::ErrorKind::PermissionDenied.into())
        });
        assert!(drained.is_empty);
        assert_eq!(seen, 3);
    }

    #[test]
    fn f77_a_datagram_that_is_cancelled_while_it_waits_does_not_leave() {
        let outbox = Outbox::default();
        for n in 0..4 {
            let token = (n % 2 == 1).then(|| Arc::new(Cancelled::default()) as _);
            outbox.push(Queued { cancel_token: token, ..datagram(n, 1) }, None);
        }
        let mut seen = Vec::new();
        let drained = outbox.drain(|queued| {
            seen.push(queued.bytes[0]);
            Ok(())
        });
        assert_eq!((seen, drained.cancelled, drained.is_empty), (vec![0, 2], 2, true));
    }

    #[test]
    fn f89_what_stands_in_for_a_cancelled_datagram_leaves_in_its_place() {
        let outbox = Outbox::default();
        for n in 0..3 {
            let token = (n == 1).then(|| Arc::new(Cancelled(Some(&[9]))) as _);
            outbox.push(Queued { cancel_token: token, ..datagram(n, 4) }, None);
        }
        // Also if the socket has no room for it at first.
        assert_eq!(drained(&outbox, 1), (vec![0], false));
        assert_eq!((drained(&outbox, 9), outbox.count()), ((vec![9, 2], true), 0));
    }

    #[test]
    fn no_more_bytes_wait_than_the_limit_but_one_datagram_always_may() {
        let outbox = Outbox::default();
        assert!(outbox.push(datagram(0, 2 * QUEUE_BYTES_MAX), None));
        assert!(!outbox.push(datagram(1, 1), None));
        assert!(!outbox.push(datagram(1, 1), Some(clock::now())), "the time is over");
        assert_eq!(drained(&outbox, 9), (vec![0], true));
        assert!(outbox.push(datagram(2, QUEUE_BYTES_MAX), None));
        assert!(!outbox.push(datagram(3, 1), None));
    }

    #[test]
    fn a_thread_that_waits_for_room_goes_on_when_there_is_some_and_when_the_outbox_closes() {
        let outbox = Arc::new(Outbox::default());
        assert!(outbox.push(datagram(0, QUEUE_BYTES_MAX), None));
        let waiter = |first| {
            let outbox = outbox.clone();
            std::thread::spawn(move || {
                outbox.push(datagram(first, QUEUE_BYTES_MAX), Some(clock::now() + FOREVER))
            })
        };
        let one = waiter(1);
        assert_eq!(drained(&outbox, 1).0, [0]);
        assert!(one.join().unwrap());
        let two = waiter(2);
        assert_eq!(outbox.close(), 1);
        assert!(!two.join().unwrap());
        assert!(!outbox.push(datagram(3, 1), None), "it stays closed");
    }

    const FOREVER: Duration = Duration::from_secs(60);
}
