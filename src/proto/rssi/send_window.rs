//! The segments that an end has sent, or is about to send, and that are not acknowledged.

use std::collections::VecDeque;

use super::sequence::Sequence;

/// Number of timeouts of a segment from which on its round trip is measured from the first
/// transmission.
const SUSPECT_TIMEOUTS: u32 = 2;

/// A segment with a number: data, or null.
struct Entry<P> {
    /// `None` for a null segment.
    payload: Option<P>,
    first_sent: u64,
    last_sent: u64,
    /// How often it has been sent.
    transmissions: u32,
    /// How often since the peer was busy.
    attempts: u32,
    /// How often it has been overdue.
    timeouts: u32,
    /// It is listed in [`SendWindow::due`].
    is_due: bool,
}

/// A segment to send.
pub(super) struct Due<P> {
    pub(super) sequence: Sequence,
    pub(super) payload: Option<P>,
    /// It has been sent before.
    pub(super) is_repeated: bool,
}

/// What an acknowledge number says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Acknowledged {
    /// Nothing new.
    Same,
    /// `count` segments have arrived. The round trip of the last one in nanoseconds, if it is known.
    New { count: usize, round_trip: Option<u64> },
    /// It is older than what is known, or of a segment that was never sent.
    Stale,
}

/// What the retransmission timer found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Overdue {
    /// The next segment is overdue then; `None` if none waits for an acknowledge.
    Next(Option<u64>),
    /// A segment has been sent as often as it may be.
    Exhausted { sequence: Sequence, transmissions: u32, since: u64 },
}

/// Outstanding segments, by number. The first is the oldest one without an acknowledge.
pub(super) struct SendWindow<P> {
    first: Sequence,
    entries: VecDeque<Entry<P>>,
    /// Segments that have been acknowledged since the start, 127 at most.
    acknowledged: u8,
    /// Numbers of the segments to send, in order.
    due: VecDeque<Sequence>,
}

impl<P: Clone> SendWindow<P> {
    /// No segments; the next one has the number `first`.
    pub(super) fn new(first: Sequence) -> SendWindow<P> {
        SendWindow { first, entries: VecDeque::new(), acknowledged: 0, due: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of the oldest segment without an acknowledge; [`next`](Self::next) without one.
    pub(super) fn first(&self) -> Sequence {
        self.first
    }

    /// The number of the next segment.
    pub(super) fn next(&self) -> Sequence {
        self.first.plus(self.entries.len() as u8)
    }

    /// Takes the next number for a segment that is not kept.
    pub(super) fn skip(&mut self) -> Sequence {
        debug_assert!(self.is_empty(), "a number among those outstanding");
        let skipped = self.first;
        self.first = skipped.next();
        skipped
    }

    /// Starts again, empty, with the number `first`. Payloads go to `released`.
    pub(super) fn restart(&mut self, first: Sequence, released: &mut Vec<P>) {
        released.extend(self.entries.drain(..).filter_map(|entry| entry.payload));
        self.due.clear();
        self.first = first;
        self.acknowledged = 0;
    }

    /// Whether a window of `limit` segments has room for data.
    pub(super) fn has_room(&self, limit: usize) -> bool {
        self.entries.len() < limit
    }

    /// Adds a segment, which is due at once.
    pub(super) fn push(&mut self, payload: Option<P>) {
        self.due.push_back(self.next());
        let entry = Entry {
            payload,
            first_sent: 0,
            last_sent: 0,
            transmissions: 0,
            attempts: 0,
            timeouts: 0,
            is_due: true,
        };
        self.entries.push_back(entry);
    }

    fn entry(&mut self, sequence: Sequence) -> Option<&mut Entry<P>> {
        self.entries.get_mut(usize::from(sequence.since(self.first)))
    }

    /// The next segment to send, which counts as sent at `now`.
    pub(super) fn send(&mut self, now: u64) -> Option<Due<P>> {
        loop {
            let sequence = self.due.pop_front()?;
            // One that has been acknowledged meanwhile is no longer here, or is another one.
            let Some(entry) = self.entry(sequence).filter(|entry| entry.is_due) else { continue };
            entry.is_due = false;
            entry.last_sent = now;
            if entry.transmissions == 0 {
                entry.first_sent = now;
            }
            entry.transmissions += 1;
            entry.attempts += 1;
            let is_repeated = entry.transmissions > 1;
            return Some(Due { sequence, payload: entry.payload.clone(), is_repeated });
        }
    }

    /// Whether a segment is due.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether the peer can have acknowledged `number` since the start: it is that of an outstanding
    /// segment that was sent, or of one that was acknowledged before.
    pub(super) fn is_plausible(&self, number: Sequence) -> bool {
        let last = self.first.previous();
        let ahead = usize::from(number.since(last));
        let is_sent = |entry: &Entry<P>| entry.transmissions > 0;
        last.since(number) <= self.acknowledged
            || ahead > 0 && self.entries.get(ahead - 1).is_some_and(is_sent)
    }

    /// Takes note of the acknowledge `number`. Payloads that have arrived go to `released`.
    pub(super) fn acknowledge(
        &mut self,
        number: Sequence,
        now: u64,
        released: &mut Vec<P>,
    ) -> Acknowledged {
        let count = usize::from(number.since(self.first.previous()));
        if count == 0 {
            return Acknowledged::Same;
        }
        let last = self.entries.get(count - 1).filter(|entry| entry.transmissions > 0);
        let Some(last) = last else { return Acknowledged::Stale };
        // Which transmission of a repeated segment is acknowledged is not known, and one that was
        // sent once may have waited at the peer for a repeated one before it. But where all are
        // overdue several times the road is longer than the timeout, which must learn of that.
        let is_first = self.entries.iter().take(count).all(|entry| entry.transmissions == 1);
        let is_known = is_first || last.timeouts >= SUSPECT_TIMEOUTS;
        let round_trip = is_known.then(|| now.saturating_sub(last.first_sent));
        released.extend(self.entries.drain(..count).filter_map(|entry| entry.payload));
        self.first = number.next();
        self.acknowledged = self.acknowledged.saturating_add(count as u8).min(127);
        if self.entries.is_empty() {
            self.due.clear();
        }
        Acknowledged::New { count, round_trip }
    }

    /// How often the oldest segment has been sent; 0 without one.
    pub(super) fn first_transmissions(&self) -> u32 {
        self.entries.front().map_or(0, |entry| entry.transmissions)
    }

    /// When the oldest segment was sent last; `None` if it is about to be.
    pub(super) fn first_sent(&self) -> Option<u64> {
        let is_sent = |entry: &&Entry<P>| entry.transmissions > 0 && !entry.is_due;
        self.entries.front().filter(is_sent).map(|entry| entry.last_sent)
    }

    /// Makes the oldest segment due, unless it has been sent less than `pause` ago. Returns whether
    /// it has become due. The peer is there, and this transmission does not count against it.
    pub(super) fn repeat_first(&mut self, now: u64, pause: u64) -> bool {
        let Some(entry) = self.entries.front_mut() else { return false };
        let repeats = entry.transmissions > 0 && !entry.is_due && now >= entry.last_sent + pause;
        if repeats {
            entry.is_due = true;
            entry.attempts = entry.attempts.saturating_sub(1);
            // Before new data: the peer can hand nothing on without it.
            self.due.push_front(self.first);
        }
        repeats
    }

    /// The peer lives, and is busy: it owes no acknowledge for what has been sent so far.
    pub(super) fn excuse(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.attempts = 0);
    }

    /// Makes all segments due that were sent `timeout` ago or earlier, unless one has been sent
    /// `limit` times.
    pub(super) fn expire(&mut self, now: u64, timeout: u64, limit: u32) -> Overdue {
        let mut next = None;
        let mut sequence = self.first;
        for entry in &mut self.entries {
            if entry.transmissions > 0 && !entry.is_due {
                let at = entry.last_sent.saturating_add(timeout);
                if at > now {
                    next = Some(next.map_or(at, |next: u64| next.min(at)));
                } else if entry.attempts >= limit {
                    let (transmissions, since) = (entry.transmissions, entry.first_sent);
                    return Overdue::Exhausted { sequence, transmissions, since };
                } else {
                    entry.is_due = true;
                    entry.timeouts = entry.timeouts.saturating_add(1);
                    self.due.push_back(sequence);
                }
            }
            sequence = sequence.next();
        }
        // What is due now is overdue again one timeout after it has been sent, now.
        let again = self.has_due().then(|| now.saturating_add(timeout));
        Overdue::Next(next.into_iter().chain(again).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: u64 = 20;

    /// A window of `count` segments that were sent at the time 0; their payloads are their numbers.
    fn window(first: u8, count: u8) -> SendWindow<u8> {
        let mut window = SendWindow::new(Sequence(first));
        for index in 0..count {
            window.push(Some(first.wrapping_add(index)));
            window.send(0).unwrap();
        }
        window
    }

    #[test]
    fn an_acknowledge_frees_what_it_covers_and_no_more_from_every_first_number() {
        for first in 0..=255u8 {
            for number in 0..=255u8 {
                let mut window = window(first, 5);
                let mut released = Vec::new();
                let outcome = window.acknowledge(Sequence(number), 7, &mut released);
                let count = number.wrapping_sub(first.wrapping_sub(1));
                let expected: Vec<u8> = match count {
                    0 => {
                        assert_eq!(outcome, Acknowledged::Same);
                        Vec::new()
                    }
                    1..=5 => {
                        let round_trip = Some(7);
                        let count = usize::from(count);
                        assert_eq!(outcome, Acknowledged::New { count, round_trip });
                        (0..count as u8).map(|index| first.wrapping_add(index)).collect()
                    }
                    _ => {
                        assert_eq!(outcome, Acknowledged::Stale);
                        Vec::new()
                    }
                };
                assert_eq!(window.len(), 5 - expected.len());
                assert_eq!(window.next(), Sequence(first.wrapping_add(5)));
                assert_eq!(released, expected);
            }
        }
    }

    #[test]
    fn only_numbers_of_this_link_are_plausible() {
        for first in 0..=255u8 {
            let mut window = window(first, 5);
            window.push(Some(0));
            window.acknowledge(Sequence(first.wrapping_add(2)), 0, &mut Vec::new());
            // That of the SYN is the one before the first.
            let since_syn = |number: u8| number.wrapping_sub(first.wrapping_sub(1));
            for number in 0..=255 {
                let expected = since_syn(number) <= 5;
                assert_eq!(window.is_plausible(Sequence(number)), expected, "{first} {number}");
            }
        }
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut window = window(250, 2);
        window.push(Some(9));
        let mut released = Vec::new();
        assert_eq!(window.acknowledge(Sequence(252), 1, &mut released), Acknowledged::Stale);
        window.send(1).unwrap();
        let outcome = window.acknowledge(Sequence(252), 2, &mut released);
        assert_eq!(outcome, Acknowledged::New { count: 3, round_trip: Some(1) });
        assert_eq!(released, [250, 251, 9]);
        assert!(window.is_empty() && window.next() == Sequence(253));
    }

    #[test]
    fn overdue_segments_are_sent_again_in_order_up_to_their_limit() {
        let mut window = window(254, 3);
        assert_eq!(window.expire(TIMEOUT - 1, TIMEOUT, 3), Overdue::Next(Some(TIMEOUT)));
        assert!(!window.has_due());
        for round in 1..=2 {
            let now = round * TIMEOUT;
            assert_eq!(window.expire(now, TIMEOUT, 3), Overdue::Next(Some(now + TIMEOUT)));
            for number in [254, 255, 0] {
                let due = window.send(now).unwrap();
                assert_eq!((due.sequence, due.is_repeated), (Sequence(number), true));
            }
            assert!(window.send(now).is_none());
        }
        let sequence = Sequence(254);
        let exhausted = Overdue::Exhausted { sequence, transmissions: 3, since: 0 };
        assert_eq!(window.expire(3 * TIMEOUT, TIMEOUT, 3), exhausted);
    }

    #[test]
    fn what_was_sent_to_a_busy_peer_does_not_count_against_it() {
        let mut window = window(7, 1);
        for round in 1..=10 {
            window.excuse();
            let next = round * TIMEOUT;
            assert_eq!(window.expire(next, TIMEOUT, 1), Overdue::Next(Some(next + TIMEOUT)));
            assert!(window.send(next).unwrap().is_repeated);
        }
        let outcome = window.expire(20 * TIMEOUT, TIMEOUT, 1);
        assert!(matches!(outcome, Overdue::Exhausted { transmissions: 11, .. }), "{outcome:?}");
    }

    #[test]
    fn a_segment_that_is_acknowledged_before_it_is_repeated_is_not_sent_again() {
        let mut window = window(10, 2);
        window.expire(TIMEOUT, TIMEOUT, 9);
        let mut released = Vec::new();
        let outcome = window.acknowledge(Sequence(10), TIMEOUT, &mut released);
        assert_eq!(outcome, Acknowledged::New { count: 1, round_trip: Some(TIMEOUT) });
        assert_eq!(window.send(TIMEOUT).unwrap().sequence, Sequence(11));
        assert!(window.send(TIMEOUT).is_none());
        // Its round trip is unknown: the acknowledge may be that of the first transmission.
        let outcome = window.acknowledge(Sequence(11), TIMEOUT, &mut released);
        assert_eq!(outcome, Acknowledged::New { count: 1, round_trip: None });
    }

    #[test]
    fn the_oldest_segment_is_repeated_early_once_per_pause_and_before_new_data() {
        let mut window = window(10, 2);
        window.push(Some(99));
        window.repeat_first(4, 5);
        assert_eq!(window.send(4).unwrap().sequence, Sequence(12), "too early");
        window.push(Some(100));
        window.repeat_first(5, 5);
        window.repeat_first(5, 5);
        let sent: Vec<_> = std::iter::from_fn(|| window.send(5)).map(|due| due.sequence).collect();
        assert_eq!(sent, [Sequence(10), Sequence(13)]);
    }
}
