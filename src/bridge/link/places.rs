//! Which clients have a place at a server, and which one makes room when there is none.
//!
//! A client has a place while it is served. When all are taken, the longest idle client of the
//! origin that has most makes room for a newcomer, so that strangers that take all places keep out
//! nobody but each other. Without sockets: ids and times in, decisions out.

use std::collections::TryReserveError;
use std::time::Duration;

use super::census::Census;
use super::identity::ConnectionId;
use super::options::LinkOptions;
use crate::clock::Time;
use crate::peer::Origin;

/// How long a client that has been used has to be idle before it makes room: what it has asked for
/// has come by then, or is late by the default timeout of a client.
const IDLE_TIME_MIN: Duration = Duration::from_secs(1);

/// How idle a client is: one that has never sent or got anything comes before all others, and then
/// the one that has been idle for longest.
pub type Idleness = (bool, Time);

/// What a newcomer gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A place that is free.
    Free,
    /// That of this client, which is idle.
    Of(ConnectionId),
    /// None: all are taken, and no client that would have to make room is idle.
    Full,
    /// None: the same, for the places of the newcomer's origin.
    OriginFull,
}

/// The places of a server.
#[derive(Debug)]
pub struct Places {
    clients_max: usize,
    per_origin_max: Option<usize>,
    /// The clients, by their request connections. The idleness is as of a former time.
    clients: Census<Idleness>,
    /// The connections without a client, by the time at which they were opened.
    held: Census<Time>,
}

impl Places {
    pub fn new(options: &LinkOptions) -> Places {
        Places {
            clients_max: options.clients_max,
            per_origin_max: options.clients_per_address_max,
            clients: Census::default(),
            held: Census::default(),
        }
    }

    /// The number of clients.
    pub fn clients_count(&self) -> usize {
        self.clients.len()
    }

    /// Makes room for one more connection in both tables.
    ///
    /// # Errors
    ///
    /// The system has no memory.
    pub fn try_reserve_one(&mut self) -> Result<(), TryReserveError> {
        self.clients.try_reserve_one()?;
        self.held.try_reserve_one()
    }

    /// A client has got a place.
    pub fn joined(&mut self, id: ConnectionId, origin: Origin, now: Time) {
        self.clients.insert(id, origin, (false, now));
    }

    /// A client has gone, if it is one.
    pub fn left(&mut self, id: ConnectionId) {
        self.clients.remove(id);
    }

    /// A connection has no client, and was opened then.
    pub fn held(&mut self, id: ConnectionId, origin: Origin, opened: Time) {
        self.held.insert(id, origin, opened);
    }

    /// A connection has gone, or has a client.
    pub fn released(&mut self, id: ConnectionId) {
        self.held.remove(id);
    }

    /// The connections without a client, those first that make room first: the oldest of the origin
    /// that has most.
    pub fn first_held(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let origins = self.held.origins();
        origins.flat_map(|(origin, _)| self.held.members_of(origin)).map(|(_, id)| id)
    }

    /// The place for a new client of `newcomer`. `idleness` tells that of a client at `now`; `None`
    /// if it is not idle.
    pub fn find(
        &mut self,
        newcomer: Origin,
        now: Time,
        idleness: impl Fn(ConnectionId) -> Option<Idleness>,
    ) -> Place {
        let own = self.clients.count_of(newcomer);
        if self.per_origin_max.is_some_and(|max| own >= max) {
            return self.idlest_of(newcomer, now, &idleness).map_or(Place::OriginFull, Place::Of);
        }
        if self.clients.len() < self.clients_max {
            return Place::Free;
        }
        self.idlest(Some(newcomer), now, idleness).map_or(Place::Full, Place::Of)
    }

    /// The client that makes room for one of `newcomer`. An origin that has not more clients than
    /// that one has gives none up for it.
    pub fn idlest(
        &mut self,
        newcomer: Option<Origin>,
        now: Time,
        idleness: impl Fn(ConnectionId) -> Option<Idleness>,
    ) -> Option<ConnectionId> {
        let own = newcomer.map_or(0, |newcomer| self.clients.count_of(newcomer));
        let mut tried = Vec::new();
        loop {
            let may_give = |&(origin, count): &(Origin, usize)| {
                !tried.contains(&origin) && (Some(origin) == newcomer || count > own)
            };
            let origin = self.clients.origins().find(may_give)?.0;
            if let Some(id) = self.idlest_of(origin, now, &idleness) {
                return Some(id);
            }
            tried.push(origin);
        }
    }

    /// The idlest client of an origin. The known idleness may be that of a former time, but never
    /// less than the true one is higher: so the first one that is up to date is the one.
    fn idlest_of(
        &mut self,
        origin: Origin,
        now: Time,
        idleness: &impl Fn(ConnectionId) -> Option<Idleness>,
    ) -> Option<ConnectionId> {
        const BUSY: bool = true;
        for _ in 0..=2 * self.clients.count_of(origin) {
            let (known, id) = self.clients.members_of(origin).next()?;
            match idleness(id) {
                Some(current) if current <= known => {
                    return is_idle(current, now).then_some(id);
                }
                Some(current) => self.clients.insert(id, origin, current),
                // Busy ones come last; if one is the first, all are.
                None if known >= (BUSY, now) => return None,
                None => self.clients.insert(id, origin, (BUSY, now)),
            }
        }
        None
    }
}

fn is_idle((is_used, since): Idleness, now: Time) -> bool {
    !is_used || now.since(since) >= IDLE_TIME_MIN
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Clients with their idleness, if they are idle.
    struct Bench {
        places: Places,
        now: Time,
        idleness: BTreeMap<ConnectionId, Option<Idleness>>,
    }

    impl Bench {
        fn new(clients_max: usize, per_origin_max: Option<usize>) -> Bench {
            let places = Places {
                clients_max,
                per_origin_max,
                clients: Census::default(),
                held: Census::default(),
            };
            Bench { places, now: Time(1000 * SECOND), idleness: BTreeMap::new() }
        }

        fn join(&mut self, id: ConnectionId, user: u32, idleness: Option<Idleness>) {
            let joined = Time(id as u64 * SECOND);
            self.places.joined(id, Origin::User(user), joined);
            self.idleness.insert(id, idleness);
        }

        fn find(&mut self, user: u32) -> Place {
            self.now = self.now + Duration::from_nanos(1);
            self.places.find(Origin::User(user), self.now, |id| self.idleness[&id])
        }
    }

    fn used(at: u64) -> Option<Idleness> {
        Some((true, Time(at * SECOND)))
    }

    fn unused(joined: u64) -> Option<Idleness> {
        Some((false, Time(joined * SECOND)))
    }

    #[test]
    fn the_longest_idle_client_of_the_origin_with_most_makes_room() {
        let mut bench = Bench::new(5, None);
        bench.join(1, 1, used(10));
        assert_eq!(bench.find(1), Place::Free);
        bench.join(2, 2, used(900));
        bench.join(3, 2, used(700));
        bench.join(4, 2, used(800));
        bench.join(5, 3, used(20));
        for newcomer in [1, 2, 3, 4] {
            assert_eq!(bench.find(newcomer), Place::Of(3), "user {newcomer}");
        }
        bench.idleness.insert(3, used(950));
        assert_eq!(bench.find(4), Place::Of(4));
        bench.idleness.insert(4, None);
        assert_eq!(bench.find(4), Place::Of(2));
    }

    #[test]
    fn a_client_that_has_never_been_used_is_the_most_idle() {
        let mut bench = Bench::new(3, None);
        bench.join(1, 1, used(5));
        bench.join(2, 1, unused(2));
        bench.join(3, 1, unused(3));
        assert_eq!(bench.find(1), Place::Of(2));
    }

    #[test]
    fn busy_clients_stay_and_no_origin_takes_the_place_of_one_that_has_less() {
        let mut bench = Bench::new(4, None);
        (1..=3).for_each(|id| bench.join(id, 1, None));
        bench.join(4, 2, used(5));
        assert_eq!(bench.find(1), Place::Full, "its own are busy, and the other has one only");
        assert_eq!(bench.find(2), Place::Of(4), "its own makes room");
        assert_eq!(bench.find(3), Place::Of(4), "it has none yet");
        bench.idleness.insert(2, used(1001));
        assert_eq!(bench.find(1), Place::Full, "it has just asked for something");
        bench.now = Time(1002 * SECOND);
        assert_eq!(bench.find(1), Place::Of(2));
        assert_eq!(bench.find(3), Place::Of(2));
    }

    #[test]
    fn an_origin_with_a_quota_replaces_its_own_clients_only() {
        let mut bench = Bench::new(5, Some(2));
        bench.join(1, 1, used(5));
        bench.join(2, 1, used(6));
        bench.join(3, 2, used(1));
        assert_eq!(bench.find(1), Place::Of(1));
        assert_eq!(bench.find(2), Place::Free);
        bench.idleness.insert(1, None);
        bench.idleness.insert(2, None);
        assert_eq!(bench.find(1), Place::OriginFull);
    }

    #[test]
    fn the_oldest_held_connection_of_the_origin_with_most_comes_first() {
        let mut bench = Bench::new(1, None);
        for (id, user, opened) in [(1, 1, 1), (2, 2, 3), (3, 2, 2), (4, 3, 5)] {
            bench.places.held(id, Origin::User(user), Time(opened));
        }
        assert_eq!(bench.places.first_held().collect::<Vec<_>>(), [3, 2, 1, 4]);
        bench.places.released(3);
        assert_eq!(bench.places.first_held().next(), Some(1));
    }
}
