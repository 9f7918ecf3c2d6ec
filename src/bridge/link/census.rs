//! Connections counted by their origin, and ranked among those of the same origin.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, TryReserveError};

use super::identity::ConnectionId;
use crate::memory::{try_reserve_one, IdMap};
use crate::peer::Origin;

/// Connections by origin. `R` ranks them: the lowest makes room first.
#[derive(Debug)]
pub struct Census<R> {
    members: IdMap<(Origin, R), ConnectionId>,
    by_origin: BTreeMap<Origin, BTreeSet<(R, ConnectionId)>>,
    /// The origins by number of members, and by the lowest rank among equals: the last one is the
    /// first that has to make room.
    sizes: BTreeSet<(usize, Reverse<R>, Origin)>,
}

impl<R: Ord + Copy> Default for Census<R> {
    fn default() -> Census<R> {
        Census { members: IdMap::default(), by_origin: BTreeMap::new(), sizes: BTreeSet::new() }
    }
}

impl<R: Ord + Copy> Census<R> {
    /// The number of all members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The number of members of one origin.
    pub fn count_of(&self, origin: Origin) -> usize {
        self.by_origin.get(&origin).map_or(0, BTreeSet::len)
    }

    /// Makes room for one more member, except in the trees, whose nodes are small.
    ///
    /// # Errors
    ///
    /// The system has no memory.
    pub fn try_reserve_one(&mut self) -> Result<(), TryReserveError> {
        try_reserve_one(&mut self.members)
    }

    /// Adds a member, or changes its rank.
    pub fn insert(&mut self, id: ConnectionId, origin: Origin, rank: R) {
        self.remove(id);
        self.members.insert(id, (origin, rank));
        self.change(origin, |members| _ = members.insert((rank, id)));
    }

    /// Removes a member, if it is one.
    pub fn remove(&mut self, id: ConnectionId) {
        if let Some((origin, rank)) = self.members.remove(&id) {
            self.change(origin, |members| _ = members.remove(&(rank, id)));
        }
    }

    fn change(&mut self, origin: Origin, change: impl FnOnce(&mut BTreeSet<(R, ConnectionId)>)) {
        let members = self.by_origin.entry(origin).or_default();
        let size = |members: &BTreeSet<(R, ConnectionId)>| {
            members.first().map(|&(lowest, _)| (members.len(), Reverse(lowest), origin))
        };
        size(members).map(|former| self.sizes.remove(&former));
        change(members);
        self.sizes.extend(size(members));
        if members.is_empty() {
            self.by_origin.remove(&origin);
        }
    }

    /// The members of one origin, the lowest rank first.
    pub fn members_of(&self, origin: Origin) -> impl Iterator<Item = (R, ConnectionId)> + '_ {
        self.by_origin.get(&origin).into_iter().flatten().copied()
    }

    /// The origins, that with most members first, and their numbers of members.
    pub fn origins(&self) -> impl Iterator<Item = (Origin, usize)> + '_ {
        self.sizes.iter().rev().map(|&(count, _, origin)| (origin, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(census: &Census<u32>) -> Vec<(Origin, usize)> {
        census.origins().collect()
    }

    #[test]
    fn the_origin_with_most_members_comes_first_and_of_equals_that_with_the_lowest_rank() {
        let [one, two, three] = [1, 2, 3].map(Origin::User);
        let mut census = Census::default();
        for (id, origin, rank) in [(1, one, 5), (2, two, 4), (3, two, 9), (4, three, 1)] {
            census.insert(id, origin, rank);
        }
        assert_eq!(origins(&census), [(two, 2), (three, 1), (one, 1)]);
        assert_eq!(census.members_of(two).collect::<Vec<_>>(), [(4, 2), (9, 3)]);
        census.insert(4, three, 6);
        census.insert(2, two, 10);
        assert_eq!(origins(&census), [(two, 2), (one, 1), (three, 1)]);
        assert_eq!(census.members_of(two).collect::<Vec<_>>(), [(9, 3), (10, 2)]);
        [2, 3, 3, 7].into_iter().for_each(|id| census.remove(id));
        assert_eq!(origins(&census), [(one, 1), (three, 1)]);
        assert_eq!((census.len(), census.count_of(two), census.count_of(three)), (2, 0, 1));
        [1, 4].into_iter().for_each(|id| census.remove(id));
        assert!(census.by_origin.is_empty() && census.sizes.is_empty());
    }
}
