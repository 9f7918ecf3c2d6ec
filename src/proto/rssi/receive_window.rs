//! The segments that an end has received and not yet handed on.

use std::collections::VecDeque;

use super::sequence::Sequence;

/// A received segment: a payload, or `None` for a null segment.
type Segment<P> = Option<P>;

/// What became of a segment; a payload that is not kept comes back.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Arrival<P> {
    /// It was the next one.
    InOrder,
    /// It is kept until those before it have come.
    Ahead,
    /// It has come before.
    Duplicate(Segment<P>),
    /// Its number is too far ahead.
    Beyond(Segment<P>),
}

/// Received segments by number, from the oldest one that has not been handed on.
pub(super) struct ReceiveWindow<P> {
    first: Sequence,
    slots: VecDeque<Option<Segment<P>>>,
    /// Slots at the start that are filled without a gap.
    in_order: usize,
    /// Payloads among these.
    payloads: usize,
    /// Upper bound on the slots.
    limit: usize,
}

impl<P> ReceiveWindow<P> {
    /// An empty window that holds `limit` segments from the number `first` on; `limit` is at most
    /// 128.
    pub(super) fn new(first: Sequence, limit: usize) -> ReceiveWindow<P> {
        debug_assert!(limit <= 128, "half of the numbers");
        ReceiveWindow { first, slots: VecDeque::new(), in_order: 0, payloads: 0, limit }
    }

    /// Starts again as [`new`](Self::new) does. Payloads go to `released`.
    pub(super) fn restart(&mut self, first: Sequence, limit: usize, released: &mut Vec<P>) {
        released.extend(self.slots.drain(..).flatten().flatten());
        (self.first, self.limit) = (first, limit);
        (self.in_order, self.payloads) = (0, 0);
    }

    /// The number of the next segment in order.
    pub(super) fn next(&self) -> Sequence {
        self.first.plus(self.in_order as u8)
    }

    /// The number of the last segment handed on.
    pub(super) fn last_taken(&self) -> Sequence {
        self.first.previous()
    }

    /// How many payloads can be taken.
    pub(super) fn payloads(&self) -> usize {
        self.payloads
    }

    /// Whether a number may be that of a segment that is under way: not older than the last one in
    /// order, and within the window.
    pub(super) fn is_near(&self, sequence: Sequence) -> bool {
        usize::from(sequence.since(self.next().previous())) <= self.limit + 1
    }

    /// Whether a segment is missing before one that has come.
    pub(super) fn has_gap(&self) -> bool {
        self.slots.len() > self.in_order
    }

    /// Takes a segment in.
    pub(super) fn insert(&mut self, sequence: Sequence, segment: Segment<P>) -> Arrival<P> {
        let index = usize::from(sequence.since(self.first));
        if index >= 128 || index < self.in_order {
            return Arrival::Duplicate(segment);
        }
        if index >= self.limit {
            return Arrival::Beyond(segment);
        }
        while self.slots.len() <= index {
            self.slots.push_back(None);
        }
        if self.slots[index].is_some() {
            return Arrival::Duplicate(segment);
        }
        self.slots[index] = Some(segment);
        if index > self.in_order {
            return Arrival::Ahead;
        }
        while let Some(Some(segment)) = self.slots.get(self.in_order) {
            self.payloads += usize::from(segment.is_some());
            self.in_order += 1;
        }
        self.take_nulls();
        Arrival::InOrder
    }

    /// The next payload in order. It counts as handed on, as null segments right behind it do.
    pub(super) fn take(&mut self) -> Option<P> {
        if self.in_order == 0 {
            return None;
        }
        let payload = self.slots.pop_front().flatten().flatten();
        self.in_order -= 1;
        self.payloads -= 1;
        self.first = self.first.next();
        self.take_nulls();
        payload
    }

    /// Takes the null segments at the start, so that the first one in order has a payload.
    fn take_nulls(&mut self) {
        while self.in_order > 0 && matches!(self.slots.front(), Some(Some(None))) {
            self.slots.pop_front();
            self.in_order -= 1;
            self.first = self.first.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_out_in_order_from_every_first_number_whatever_order_they_came_in() {
        for first in 0..=255u8 {
            let mut window = ReceiveWindow::new(Sequence(first), 8);
            let number = |index: u8| Sequence(first.wrapping_add(index));
            for (index, arrival) in [
                (3, Arrival::Ahead),
                (1, Arrival::Ahead),
                (3, Arrival::Duplicate(Some(30))),
                (8, Arrival::Beyond(Some(80))),
                (0, Arrival::InOrder),
                (0, Arrival::Duplicate(Some(0))),
                (2, Arrival::InOrder),
            ] {
                assert_eq!(window.insert(number(index), Some(10 * index)), arrival, "{index}");
            }
            assert_eq!((window.payloads(), window.next()), (4, number(4)));
            assert_eq!(window.last_taken(), number(255));
            let taken: Vec<u8> = std::iter::from_fn(|| window.take()).collect();
            assert_eq!(taken, [0, 10, 20, 30]);
            assert_eq!((window.last_taken(), window.payloads()), (number(3), 0));
            for behind in 4..132 {
                let old = window.insert(Sequence(first.wrapping_sub(behind - 4)).previous(), None);
                let is_old = behind - 4 < 124;
                assert_eq!(matches!(old, Arrival::Duplicate(None)), is_old, "{behind}");
            }
        }
    }

    #[test]
    fn null_segments_have_a_place_and_no_payload() {
        let mut window = ReceiveWindow::new(Sequence(254), 4);
        assert_eq!(window.insert(Sequence(254), None::<u8>), Arrival::InOrder);
        assert_eq!((window.last_taken(), window.payloads()), (Sequence(254), 0));
        assert_eq!(window.insert(Sequence(0), None), Arrival::Ahead);
        assert_eq!(window.insert(Sequence(255), Some(1)), Arrival::InOrder);
        assert_eq!((window.last_taken(), window.payloads()), (Sequence(254), 1));
        assert_eq!(window.take(), Some(1));
        assert_eq!((window.last_taken(), window.take()), (Sequence(0), None));
    }

    #[test]
    fn no_more_than_the_limit_is_held_until_some_is_handed_on() {
        let mut window = ReceiveWindow::new(Sequence(200), 3);
        for number in 200..203 {
            assert_eq!(window.insert(Sequence(number), Some(number)), Arrival::InOrder);
        }
        assert_eq!(window.insert(Sequence(203), Some(203)), Arrival::Beyond(Some(203)));
        assert_eq!(window.take(), Some(200));
        assert_eq!(window.insert(Sequence(203), Some(203)), Arrival::InOrder);
        let mut released = Vec::new();
        window.restart(Sequence(5), 1, &mut released);
        assert_eq!(
            (released, window.next(), window.take()),
            (vec![201, 202, 203], Sequence(5), None)
        );
    }
}
