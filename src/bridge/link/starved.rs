//! The clients that wait for room in the budget.

use std::collections::VecDeque;
use std::time::Duration;

use super::pairing::ConnectionId;
use crate::clock::Time;

/// How long a client waits before those that are slow make room for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often one of them goes after that, as long as somebody waits.
const INTERVAL: Duration = Duration::from_millis(100);
/// After this many clients that still have no room the others are not tried: one turn of the event
/// loop must not take long, however many wait.
const REFUSALS_MAX: usize = 16;

/// The clients that wait, in the order in which they have begun to.
#[derive(Default)]
pub struct Starved {
    queue: VecDeque<ConnectionId>,
    /// When the next slow one goes.
    due: Option<Time>,
}

impl Starved {
    /// Whether anybody waits.
    pub fn is_any(&self) -> bool {
        self.due.is_some()
    }

    /// A client waits from `now` on, or still does.
    pub fn push(&mut self, id: ConnectionId, now: Time) {
        self.due.get_or_insert(now + PATIENCE);
        self.queue.push_back(id);
    }

    /// Those that wait, to try again in this order. Each either waits [still](Self::push), or no
    /// longer, or is [put back](Self::put_back) without a try, if it [may not](Self::may_try).
    /// [`tried`](Self::tried) ends that.
    pub fn take(&mut self) -> VecDeque<ConnectionId> {
        std::mem::take(&mut self.queue)
    }

    /// Whether another one may try.
    pub fn may_try(&self) -> bool {
        self.queue.len() < REFUSALS_MAX
    }

    /// A client waits without having tried.
    pub fn put_back(&mut self, id: ConnectionId) {
        self.queue.push_back(id);
    }

    /// All have tried or been put back.
    pub fn tried(&mut self) {
        self.due = self.due.filter(|_| !self.queue.is_empty());
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// Whether somebody has waited for too long at `now`.
    pub fn timeout(&mut self, now: Time) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = Some(now + INTERVAL);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Time {
        Time(n * 1_000_000)
    }

    /// Lets them try; those for which `fails` is true wait on. Returns those that have
    /// tried.
    fn retry(starved: &mut Starved, fails: impl Fn(ConnectionId) -> bool) -> Vec<ConnectionId> {
        let mut tried = Vec::new();
        for id in starved.take() {
            if !starved.may_try() {
                starved.put_back(id);
                continue;
            }
            tried.push(id);
            if fails(id) {
                starved.push(id, ms(99_999));
            }
        }
        starved.tried();
        tried
    }

    #[test]
    fn those_that_wait_try_again_in_their_order_and_keep_it() {
        let mut starved = Starved::default();
        (0..40).for_each(|id| starved.push(id, ms(0)));
        let tried = retry(&mut starved, |id| id != 3);
        assert_eq!(tried, (0..17).collect::<Vec<_>>(), "sixteen that fail, and one that does not");
        assert_eq!(starved.queue, (0..40).filter(|&id| id != 3).collect::<Vec<_>>());
        assert_eq!(starved.deadline(), Some(ms(1000)), "since the first has begun to wait");
        assert_eq!(retry(&mut starved, |_| false).len(), 39);
        assert_eq!(starved.deadline(), None);
    }

    #[test]
    fn patience_is_counted_from_the_first_that_waits() {
        let mut starved = Starved::default();
        assert!(!starved.timeout(ms(5000)));
        starved.push(1, ms(0));
        starved.push(2, ms(700));
        assert!(!starved.timeout(ms(999)));
        assert!(starved.timeout(ms(1000)));
        assert!(!starved.timeout(ms(1099)));
        assert!(starved.timeout(ms(1100)));
        retry(&mut starved, |_| false);
        assert!(!starved.timeout(ms(9000)));
        starved.push(3, ms(9000));
        assert_eq!(starved.deadline(), Some(ms(10_000)));
    }
}
