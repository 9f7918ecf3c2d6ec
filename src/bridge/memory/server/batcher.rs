//! When answers that could be sent together are sent.

use std::time::Duration;

use crate::clock::Time;

/// How long an answer may wait for others.
const ANSWER_DELAY_MAX: Duration = Duration::from_millis(1);
/// After a call of this duration others are expected: for a while no answer waits for calls.
const LONG_CALL_TIME_MIN: Duration = Duration::from_millis(20);
const LONG_CALL_MEMORY: Duration = Duration::from_secs(600);

/// The times of a call of the slave.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlaveCall {
    pub(super) began: Time,
    pub(super) ended: Time,
}

impl SlaveCall {
    /// For an answer at `now` without a call.
    pub(super) fn none(now: Time) -> SlaveCall {
        SlaveCall { began: now, ended: now }
    }
}

/// Collects the answers to a burst of requests that the slave completes at once, and lets no answer
/// wait long for later calls.
#[derive(Debug, Default)]
pub(super) struct ResponseBatcher {
    /// Until then calls are expected to take long.
    careful_until: Time,
    /// Start of the call with the oldest unsent answer: its client waits since then.
    waiting_since: Option<Time>,
}

impl ResponseBatcher {
    /// A call has ended.
    #[inline]
    pub(super) fn called(&mut self, call: SlaveCall) {
        if call.ended.since(call.began) >= LONG_CALL_TIME_MIN {
            self.careful_until = call.ended + LONG_CALL_MEMORY;
        }
    }

    /// The answer to a call has been queued.
    #[inline]
    pub(super) fn queued(&mut self, call: SlaveCall) {
        self.waiting_since.get_or_insert(call.began);
    }

    /// All answers have been sent, as far as the sockets take them.
    pub(super) fn flushed(&mut self) {
        self.waiting_since = None;
    }

    /// Whether queued answers have to be sent before the next call.
    #[inline]
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.waiting_since
            .is_some_and(|since| now < self.careful_until || now.since(since) >= ANSWER_DELAY_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(n: u64) -> Time {
        Time(n * 1000)
    }

    #[test]
    fn answers_to_short_calls_wait_for_each_other_and_not_for_long() {
        let mut batcher = ResponseBatcher::default();
        assert!(!batcher.is_due(us(5000)), "nothing waits");
        for n in 0..10 {
            let call = SlaveCall { began: us(n * 100), ended: us(n * 100 + 100) };
            assert!(!batcher.is_due(call.began), "{n}");
            batcher.called(call);
            batcher.queued(call);
        }
        assert!(batcher.is_due(us(1000)));
        batcher.flushed();
        assert!(!batcher.is_due(us(1000)));
    }

    #[test]
    fn no_answer_waits_for_the_calls_of_a_slave_that_took_long() {
        let mut batcher = ResponseBatcher::default();
        let long = SlaveCall { began: us(0), ended: us(20_000) };
        batcher.called(long);
        batcher.queued(long);
        assert!(batcher.is_due(us(20_000)));
        batcher.flushed();
        batcher.queued(SlaveCall::none(us(30_000)));
        assert!(batcher.is_due(us(30_000)));
        let later = us(20_000) + LONG_CALL_MEMORY;
        batcher.flushed();
        batcher.queued(SlaveCall::none(later));
        assert!(!batcher.is_due(later));
    }
}
