//! Which connections of clients that announce a session belong together.
//!
//! A session is a token for pairing and no key: without CURVE it travels in clear, so another peer may
//! present it too. It pairs connections of one origin only, or of one key, and never takes a pair apart: a connection with the
//! session of a pair waits until that has gone. Whether it is still there is for the owner of the
//! sockets to [check](Verdict::Check).

use std::collections::BTreeMap;

use super::identity::{ConnectionId, Side};
use crate::peer::Origin;
use crate::proto::bridge::SessionId;
use crate::proto::zmtp::mechanism::curve::keys::PublicKey;

/// A session, and whose connections it pairs.
pub type SessionKey = (SessionId, Holder);

/// Whose connections a session pairs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holder {
    /// Those of this origin.
    Origin(Origin),
    /// Those of the owner of this key, wherever they come from.
    Key(PublicKey),
}

/// What follows from an arrival or a departure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing: a connection waits, or none does.
    Wait,
    /// These form a pair from now on.
    Pair { request: ConnectionId, response: ConnectionId },
    /// A connection waits for the end of this pair, which may be one whose peer is gone.
    Check { request: ConnectionId, response: ConnectionId },
}

/// The present connections with one session.
#[derive(Debug, Default)]
struct Members {
    pair: Option<(ConnectionId, ConnectionId)>,
    /// Those without a pair, in the order of their announcements.
    requests: Vec<ConnectionId>,
    responses: Vec<ConnectionId>,
}

impl Members {
    /// Pairs those that wait if there is one of each: of more, somebody else's is among them, and
    /// nothing tells which.
    fn pair(&mut self) -> Verdict {
        let ([request], [response]) = (&self.requests[..], &self.responses[..]) else {
            return Verdict::Wait;
        };
        let (request, response) = (*request, *response);
        self.pair = Some((request, response));
        self.requests.clear();
        self.responses.clear();
        Verdict::Pair { request, response }
    }

    fn is_empty(&self) -> bool {
        self.pair.is_none() && self.requests.is_empty() && self.responses.is_empty()
    }
}

/// The connections of all clients with a session.
#[derive(Debug, Default)]
pub struct Sessions {
    members: BTreeMap<SessionKey, Members>,
}

impl Sessions {
    /// A connection has announced its session.
    pub fn announced(&mut self, id: ConnectionId, side: Side, key: SessionKey) -> Verdict {
        let members = self.members.entry(key).or_default();
        match side {
            Side::Request => members.requests.push(id),
            Side::Response => members.responses.push(id),
        }
        match members.pair {
            Some((request, response)) => Verdict::Check { request, response },
            None => members.pair(),
        }
    }

    /// A connection is gone, and if it is one of a pair, so is the other one.
    pub fn gone(&mut self, id: ConnectionId, key: SessionKey) -> Verdict {
        let Some(members) = self.members.get_mut(&key) else { return Verdict::Wait };
        members.pair = members.pair.filter(|&(request, response)| id != request && id != response);
        members.requests.retain(|&one| one != id);
        members.responses.retain(|&one| one != id);
        if members.is_empty() {
            self.members.remove(&key);
            return Verdict::Wait;
        }
        match members.pair {
            Some(_) => Verdict::Wait,
            None => members.pair(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SessionKey = (SessionId([1; 16]), Holder::Origin(Origin::User(1)));
    const ELSEWHERE: SessionKey = (SessionId([1; 16]), Holder::Origin(Origin::User(2)));
    const OTHER_KEY: SessionKey = (SessionId([1; 16]), Holder::Key(PublicKey([2; 32])));

    fn arrive(sessions: &mut Sessions, arrivals: &[(ConnectionId, Side)]) -> Vec<Verdict> {
        arrivals.iter().map(|&(id, side)| sessions.announced(id, side, KEY)).collect()
    }

    #[test]
    fn two_connections_of_one_session_are_a_pair_in_either_order() {
        for sides in [[Side::Request, Side::Response], [Side::Response, Side::Request]] {
            let mut sessions = Sessions::default();
            let verdicts = arrive(&mut sessions, &[(1, sides[0]), (2, sides[1])]);
            let (request, response) = if sides[0] == Side::Request { (1, 2) } else { (2, 1) };
            assert_eq!(verdicts, [Verdict::Wait, Verdict::Pair { request, response }]);
            assert_eq!(sessions.gone(1, KEY), Verdict::Wait);
            assert!(sessions.members.is_empty());
        }
    }

    #[test]
    fn a_session_from_elsewhere_is_another_one() {
        let mut sessions = Sessions::default();
        arrive(&mut sessions, &[(1, Side::Request)]);
        assert_eq!(sessions.announced(2, Side::Response, ELSEWHERE), Verdict::Wait);
        let own = sessions.announced(3, Side::Response, KEY);
        assert_eq!(own, Verdict::Pair { request: 1, response: 3 });
        let other = sessions.announced(4, Side::Request, ELSEWHERE);
        assert_eq!(other, Verdict::Pair { request: 4, response: 2 });
    }

    #[test]
    fn both_connections_of_a_session_have_the_same_key() {
        const OWN_KEY: SessionKey = (SessionId([1; 16]), Holder::Key(PublicKey([1; 32])));
        let mut sessions = Sessions::default();
        assert_eq!(sessions.announced(1, Side::Request, OWN_KEY), Verdict::Wait);
        assert_eq!(sessions.announced(2, Side::Response, OTHER_KEY), Verdict::Wait);
        assert_eq!(sessions.announced(3, Side::Response, KEY), Verdict::Wait);
        let own = sessions.announced(4, Side::Response, OWN_KEY);
        assert_eq!(own, Verdict::Pair { request: 1, response: 4 });
    }

    #[test]
    fn connections_with_the_session_of_a_pair_wait_until_it_has_gone() {
        let mut sessions = Sessions::default();
        arrive(&mut sessions, &[(1, Side::Request), (2, Side::Response)]);
        let check = Verdict::Check { request: 1, response: 2 };
        let verdicts = arrive(&mut sessions, &[(3, Side::Response), (4, Side::Request)]);
        assert_eq!(verdicts, [check, check]);
        assert_eq!(sessions.gone(2, KEY), Verdict::Pair { request: 4, response: 3 });
        assert_eq!(sessions.gone(1, KEY), Verdict::Wait, "it has gone with the other one");
        assert_eq!(sessions.gone(4, KEY), Verdict::Wait);
        assert!(sessions.members.is_empty());
    }

    #[test]
    fn of_several_that_wait_none_is_guessed() {
        let mut sessions = Sessions::default();
        arrive(&mut sessions, &[(1, Side::Request), (2, Side::Response)]);
        arrive(&mut sessions, &[(3, Side::Response), (4, Side::Request), (5, Side::Response)]);
        assert_eq!(sessions.gone(1, KEY), Verdict::Wait);
        assert_eq!(sessions.gone(3, KEY), Verdict::Pair { request: 4, response: 5 });
    }
}
