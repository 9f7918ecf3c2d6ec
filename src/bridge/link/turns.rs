//! Shares the time of one turn of the event loop among the connections that are served in it.
//!
//! A connection that is ready alone may take long. Where many are ready, each gets its part of the
//! same time, so that none waits for long until its next turn. Connections whose turn has ended
//! early go on after those that have become ready meanwhile: a peer that asks for little does not
//! wait for those that send without end.

use std::time::Duration;

use super::service::{Allowance, Turn};
use crate::clock::Time;

/// Time that the connections served in one turn of the loop share.
const SHARED_TIME: Duration = Duration::from_millis(5);
/// The least that each gets: enough for some system calls, and for some tens of small requests.
const TIME_MIN: Duration = Duration::from_micros(50);
/// After this time of a turn of the loop, connections whose last turn ended early wait for the next
/// one.
const CONTINUED_TIME_MAX: Duration = Duration::from_millis(2);
/// Octets of large payloads that are read in a row, shared as the time; and the least of it.
const SHARED_PAYLOAD: u64 = 4 << 20;
const PAYLOAD_MIN: u64 = 128 << 10;
/// Connections in a turn of the loop from which on less is read from each at a time: what is read
/// and cannot be handled in the connection's turn is kept.
const MANY: u32 = 8;
/// Octets read at a time then.
const READ_OCTETS_OF_MANY: usize = 8 << 10;

/// The turns of connections in one turn of the loop.
#[derive(Debug, Default)]
pub struct Turns {
    started: Option<Time>,
    served: u32,
    /// The number of those in the turn of the loop before.
    served_before: u32,
}

impl Turns {
    /// The turn of a connection that is served from `now` on.
    pub fn next(&mut self, now: Time) -> Turn {
        let started = *self.started.get_or_insert(now);
        self.served += 1;
        let sharers = self.served_before.max(1);
        let left = SHARED_TIME.saturating_sub(now.since(started));
        let time = (SHARED_TIME / sharers).min(left).max(TIME_MIN);
        let is_many = self.served_before.max(self.served) > MANY;
        let allowance = Allowance {
            read_octets: if is_many { READ_OCTETS_OF_MANY } else { usize::MAX },
            payload_octets: (SHARED_PAYLOAD / u64::from(sharers)).max(PAYLOAD_MIN),
        };
        Turn::new(now, time, allowance)
    }

    /// Whether connections whose last turn ended early have to wait for the next turn of the loop.
    pub fn is_used_up(&self, now: Time) -> bool {
        self.started.is_some_and(|started| now.since(started) >= CONTINUED_TIME_MAX)
    }

    /// A turn of the loop has ended, for the connections that share its time.
    pub fn end(&mut self) {
        if self.started.take().is_some() {
            self.served_before = std::mem::take(&mut self.served);
        }
    }

    /// Others have been served, which do not share the time.
    pub fn forget(&mut self) {
        (self.started, self.served) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(n: u64) -> Time {
        Time(1_000_000_000 + n * 1000)
    }

    /// How long each of `count` turns may take that begin one after the other at once.
    fn times(turns: &mut Turns, count: usize) -> Vec<u128> {
        let (mut now, mut times) = (us(0), Vec::new());
        for _ in 0..count {
            let mut turn = turns.next(now);
            while !turn.is_over() {
                turn.now = turn.now + Duration::from_micros(1);
            }
            times.push(turn.now.since(now).as_micros());
            now = turn.now;
        }
        turns.end();
        times
    }

    #[test]
    fn a_connection_that_is_alone_has_all_the_time() {
        let mut turns = Turns::default();
        for _ in 0..3 {
            assert_eq!(times(&mut turns, 1), [5000]);
        }
    }

    #[test]
    fn many_share_the_time_and_none_gets_less_than_the_least() {
        let mut turns = Turns::default();
        assert_eq!(times(&mut turns, 4), [5000, 50, 50, 50], "the number was not known before");
        assert_eq!(times(&mut turns, 4), [1250; 4]);
        assert_eq!(times(&mut turns, 500).iter().sum::<u128>(), 5000 + 496 * 50);
        assert_eq!(times(&mut turns, 500), [50; 500]);
    }

    #[test]
    fn less_is_read_from_each_of_many() {
        let mut turns = Turns::default();
        assert_eq!(turns.next(us(0)).allowance.read_octets, usize::MAX);
        assert_eq!(turns.next(us(0)).allowance.payload_octets, SHARED_PAYLOAD);
        (0..20).for_each(|_| _ = turns.next(us(0)));
        turns.end();
        let Allowance { read_octets, payload_octets } = turns.next(us(9)).allowance;
        assert_eq!((read_octets, payload_octets), (READ_OCTETS_OF_MANY, SHARED_PAYLOAD / 22));
    }

    #[test]
    fn those_that_go_on_leave_time_for_others() {
        let mut turns = Turns::default();
        assert!(!turns.is_used_up(us(0)));
        turns.next(us(0));
        assert!(!turns.is_used_up(us(1999)) && turns.is_used_up(us(2000)));
        turns.end();
        assert!(!turns.is_used_up(us(9000)));
        (0..9).for_each(|_| _ = turns.next(us(9000)));
        turns.forget();
        assert_eq!(times(&mut turns, 1), [5000]);
    }
}
