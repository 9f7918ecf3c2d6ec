//! A network for datagrams in virtual time, without sockets: it loses, repeats, delays and
//! exchanges them, as its conditions and the seed of the generator decide.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What one direction of a road does to datagrams. Times are in nanoseconds of virtual time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// Datagrams lost of a thousand.
    pub loss_per_mille: u32,
    /// Datagrams of a thousand that arrive twice.
    pub duplicates_per_mille: u32,
    /// Datagrams of a thousand that are held back until later ones have passed.
    pub reorders_per_mille: u32,
    /// How many later ones pass at most.
    pub overtakers_max: u32,
    /// The shortest time under way.
    pub delay: u64,
    /// Added to it at most, to each datagram of its own.
    pub jitter: u64,
    /// The least time from one arrival to the next, which the slowest part of the road needs. If it is
    /// not 0 datagrams arrive in order, but for those that are held back.
    pub spacing: u64,
    /// The receiver takes what has arrived at multiples of this time, together, as one that is busy
    /// or whose network card collects interrupts. 0: whenever one arrives.
    pub coalescing: u64,
    /// Longer datagrams are lost.
    pub bytes_max: usize,
}

impl Conditions {
    /// A road that delivers everything at once.
    pub fn perfect() -> Conditions {
        Conditions { bytes_max: usize::MAX, ..Conditions::default() }
    }
}

/// A datagram that waits until some later ones have been sent.
struct Held {
    overtakers: u32,
    bytes: Vec<u8>,
}

/// One direction of a road.
pub struct Road {
    conditions: Conditions,
    is_cut: bool,
    /// By time of arrival, and then in the order in which they were sent.
    under_way: BTreeMap<(u64, u64), Vec<u8>>,
    held: Vec<Held>,
    /// When the latest one arrives, on a road with spacing.
    last_arrival: u64,
    next_order: u64,
    sent_count: u64,
    lost_count: u64,
}

impl Road {
    /// An empty road.
    pub fn new(conditions: Conditions) -> Road {
        Road {
            conditions,
            is_cut: false,
            under_way: BTreeMap::new(),
            held: Vec::new(),
            last_arrival: 0,
            next_order: 0,
            sent_count: 0,
            lost_count: 0,
        }
    }

    /// Sends a datagram at the time `now`.
    pub fn send(&mut self, now: u64, bytes: Vec<u8>, rng: &mut ChaCha8Rng) {
        self.sent_count += 1;
        let conditions = self.conditions;
        let happens = |per_mille: u32, rng: &mut ChaCha8Rng| rng.random_range(0..1000) < per_mille;
        let is_lost = happens(conditions.loss_per_mille, rng);
        if self.is_cut || bytes.len() > conditions.bytes_max || is_lost {
            self.lost_count += 1;
        } else {
            if happens(conditions.duplicates_per_mille, rng) {
                self.put(now, bytes.clone(), rng);
            }
            if conditions.overtakers_max > 0 && happens(conditions.reorders_per_mille, rng) {
                let overtakers = rng.random_range(1..=conditions.overtakers_max);
                self.held.push(Held { overtakers, bytes });
                return;
            }
            self.put(now, bytes, rng);
        }
        self.let_go(now, rng);
    }

    fn put(&mut self, now: u64, bytes: Vec<u8>, rng: &mut ChaCha8Rng) {
        let Conditions { delay, jitter, spacing, coalescing, .. } = self.conditions;
        let mut arrival = now + delay + rng.random_range(0..=jitter);
        if spacing > 0 {
            arrival = arrival.max(self.last_arrival + spacing);
            self.last_arrival = arrival;
        }
        if coalescing > 0 {
            arrival = arrival.next_multiple_of(coalescing);
        }
        self.under_way.insert((arrival, self.next_order), bytes);
        self.next_order += 1;
    }

    /// One more has passed those that are held back.
    fn let_go(&mut self, now: u64, rng: &mut ChaCha8Rng) {
        let mut free = Vec::new();
        for held in std::mem::take(&mut self.held) {
            match held.overtakers {
                0 | 1 => free.push(held.bytes),
                _ => self.held.push(Held { overtakers: held.overtakers - 1, ..held }),
            }
        }
        free.into_iter().for_each(|bytes| self.put(now, bytes, rng));
    }

    /// The next datagram that has arrived by the time `now`.
    pub fn receive(&mut self, now: u64) -> Option<Vec<u8>> {
        let first = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    /// The datagrams that have arrived by the time `now`, at most `count_max` of them: what a receiver
    /// gets with one system call.
    pub fn receive_together(&mut self, now: u64, count_max: usize) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.receive(now)).take(count_max).collect()
    }

    /// When the next datagram arrives, of those that are not held back.
    pub fn next_arrival(&self) -> Option<u64> {
        self.under_way.keys().next().map(|key| key.0)
    }

    /// Cuts the road, or mends it: what is sent meanwhile, and what is under way, is lost.
    pub fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
        self.lost_count += (self.under_way.len() + self.held.len()) as u64;
        self.under_way.clear();
        self.held.clear();
    }

    /// Datagrams sent so far.
    pub fn sent_count(&self) -> u64 {
        self.sent_count
    }

    /// Datagrams lost so far.
    pub fn lost_count(&self) -> u64 {
        self.lost_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn arrivals(conditions: Conditions, count: u8) -> Vec<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut road = Road::new(conditions);
        (0..count).for_each(|number| road.send(u64::from(number), vec![number], &mut rng));
        std::iter::from_fn(|| road.receive(u64::MAX)).map(|bytes| bytes[0]).collect()
    }

    #[test]
    fn a_perfect_road_delivers_everything_in_order() {
        assert_eq!(arrivals(Conditions::perfect(), 200), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn datagrams_are_lost_repeated_and_exchanged_as_often_as_the_conditions_say() {
        let perfect = Conditions::perfect();
        let lossy = arrivals(Conditions { loss_per_mille: 300, ..perfect }, 200);
        assert!((110..170).contains(&lossy.len()), "{}", lossy.len());
        let doubled = arrivals(Conditions { duplicates_per_mille: 300, ..perfect }, 200);
        assert!((230..290).contains(&doubled.len()), "{}", doubled.len());
        let reorders = Conditions { reorders_per_mille: 200, overtakers_max: 4, ..perfect };
        let exchanged = arrivals(reorders, 200);
        let late =
            |at: usize| exchanged[..at].iter().filter(|&&other| other > exchanged[at]).count();
        let overtakers: Vec<_> = (0..exchanged.len()).map(late).collect();
        assert!(overtakers.iter().any(|count| *count > 0));
        let jitter = Conditions { jitter: 10, ..perfect };
        assert!(!arrivals(jitter, 200).is_sorted());
        let spaced = Conditions { jitter: 10, spacing: 2, ..perfect };
        assert!(arrivals(spaced, 200).is_sorted());
        let narrow = Conditions { bytes_max: 0, ..perfect };
        assert_eq!(arrivals(narrow, 10), []);
    }

    #[test]
    fn datagrams_come_together_where_the_receiver_takes_them_now_and_then() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut road = Road::new(Conditions { coalescing: 10, ..Conditions::perfect() });
        (1..=20).for_each(|number| road.send(u64::from(number), vec![number], &mut rng));
        assert_eq!((road.next_arrival(), road.receive_together(9, 64).len()), (Some(10), 0));
        let firsts = |count, road: &mut Road| {
            let together = road.receive_together(10, count);
            together.into_iter().map(|bytes| bytes[0]).collect::<Vec<_>>()
        };
        assert_eq!(firsts(4, &mut road), [1, 2, 3, 4]);
        assert_eq!(firsts(64, &mut road), [5, 6, 7, 8, 9, 10]);
        assert_eq!(road.next_arrival(), Some(20));
    }

    #[test]
    fn a_cut_road_loses_what_is_under_way() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut road = Road::new(Conditions { delay: 10, ..Conditions::perfect() });
        road.send(0, vec![1], &mut rng);
        road.set_cut(true);
        road.send(1, vec![2], &mut rng);
        road.set_cut(false);
        road.send(2, vec![3], &mut rng);
        assert_eq!((road.receive(11), road.next_arrival()), (None, Some(12)));
        assert_eq!((road.receive(12), road.lost_count(), road.sent_count()), (Some(vec![3]), 2, 3));
    }
}
