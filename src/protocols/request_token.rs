//! A register transaction as what cancels the frame of its request.

use std::sync::Arc;

use crate::clock::Time;
use crate::memory::Transaction;
use crate::stream::CancelToken;

impl CancelToken for Transaction {
    /// A posted write that has succeeded goes on: it ended when the stream had its frame. That is looked
    /// at last, because it may end at this moment.
    fn cancel_if_late(self: Arc<Self>, now: Time) -> bool {
        self.is_too_late(now) && !self.has_succeeded()
    }

    fn is_cancelled(&self, now: Time) -> bool {
        (self.expired() || self.is_overdue(now)) && !self.has_succeeded()
    }

    fn deadline(&self) -> Time {
        Transaction::deadline(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::memory::{Master, TransactionType};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    /// The other thread is that of a `Fifo`, for example, which has the frame already.
    #[test]
    fn f95_a_posted_write_that_succeeds_at_this_moment_is_not_withheld() {
        const ROUNDS: usize = 2_000;
        let master = Master::new();
        master.set_timeout(Duration::from_secs(60));
        let all: Vec<_> = (0..ROUNDS)
            .map(|_| master.prepare(0, vec![0; 4].into(), TransactionType::Post).unwrap())
            .collect();
        let asked = AtomicUsize::new(0);
        let mut withheld = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                for (number, tran) in all.iter().enumerate() {
                    while asked.load(Ordering::Acquire) <= number {
                        thread::yield_now();
                    }
                    tran.done();
                }
            });
            for tran in &all {
                asked.fetch_add(1, Ordering::AcqRel);
                while !tran.has_succeeded() {
                    withheld += u32::from(tran.is_cancelled(clock::now()));
                    withheld += u32::from(tran.clone().cancel_if_late(clock::now()));
                }
            }
        });
        assert_eq!(withheld, 0);
    }
}
