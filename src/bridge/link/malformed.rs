//! How many malformed messages a client may send.

use std::time::Duration;

use crate::clock::Time;

/// The time over which they are counted.
const PERIOD: Duration = Duration::from_secs(1);
/// Pieces of requests that an overloaded client of Rogue may leave in a second: libzmq refuses the
/// first parts of a message while its queue is full, and takes the rest. That happens once for each
/// 500 messages at most, because the queue learns of as many sent ones at a time.
const PIECES_MAX: u32 = 1024;
/// Malformed messages of a client in a second at which its connection is closed, by default.
pub const MALFORMED_PER_SECOND_MAX: u32 = 16;

/// Events since the first one of a period.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    since: Time,
    events: u32,
}

impl Count {
    /// Whether an event at `now` is number `max` of its period.
    fn reaches(&mut self, max: u32, now: Time) -> bool {
        if self.events == 0 || now.since(self.since) >= PERIOD {
            *self = Count { since: now, events: 0 };
        }
        self.events = self.events.saturating_add(1);
        self.events >= max
    }
}

/// The malformed messages of one client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Misconduct {
    messages: Count,
    pieces: Count,
}

impl Misconduct {
    /// A message has come that is none; `is_piece` if it may be the rest of a request that a client
    /// of Rogue could not send whole. Returns whether that is too much: `max` in a second.
    pub fn note(&mut self, is_piece: bool, max: u32, now: Time) -> bool {
        match is_piece {
            true => self.pieces.reaches(PIECES_MAX.max(max), now),
            false => self.messages.reaches(max, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Time {
        Time(n * 1_000_000)
    }

    #[test]
    fn the_sixteenth_message_of_a_second_is_too_much() {
        let mut misconduct = Misconduct::default();
        let note = |misconduct: &mut Misconduct, at| misconduct.note(false, 16, ms(at));
        assert!((0..15).all(|n| !note(&mut misconduct, 60 * n)));
        assert!(note(&mut misconduct, 999));
        let mut slow = Misconduct::default();
        assert!((0..1000).all(|n| !note(&mut slow, 70 * n)), "no more than 15 in a second");
    }

    #[test]
    fn pieces_of_requests_count_apart_and_have_their_own_limit() {
        let mut misconduct = Misconduct::default();
        assert!((1..PIECES_MAX).all(|_| !misconduct.note(true, 16, ms(5))));
        assert!(!misconduct.note(false, 16, ms(5)));
        assert!(misconduct.note(true, 16, ms(5)));
    }

    #[test]
    fn without_a_limit_nothing_is_too_much() {
        let mut misconduct = Misconduct::default();
        assert!((0..10_000).all(|n| !misconduct.note(n % 2 == 0, u32::MAX, ms(5))));
    }
}
