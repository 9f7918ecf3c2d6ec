//! Which request connection belongs to which response connection.
//!
//! A client of the bridge has two one-way connections, and nothing in the reference's protocol
//! relates them. Our own clients announce a session in the READY of both. Others can be told
//! apart with care only: by the process that owns the far end where that can be looked up, by the
//! source address where a host runs one client. What stays ambiguous is held: the server has not
//! sent its READY, so a held client can send nothing that could be answered wrongly.
//!
//! This is the decision alone, without sockets: connections and times in, [`Action`]s out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Time;
use crate::proto::bridge::SessionId;

/// How long a connection that has not yet said who it is may hold up the pairing of others from
/// its address.
const GREETING_GRACE: Duration = Duration::from_secs(2);
/// How long a libzmq client may take to come back that has lost a connection: it tries again every
/// 100 to 199 ms, for each of its two connections by itself.
const RETURN_TIME_MAX: Duration = Duration::from_millis(400);
/// How often an ambiguity is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// Names a connection; the owner of the sockets chooses it.
pub type ConnectionId = usize;

/// What a connection carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Requests, from the client.
    Request,
    /// Responses, to the client.
    Response,
}

/// Whose connection it is, as far as can be told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Identity {
    /// A client that announced its session: exact.
    Session([u8; 16]),
    /// A legacy client in this process of this host (process id, start time): exact, unless the
    /// process has several clients to this server.
    Process(u32, u64),
    /// A legacy client at this address, which may have others.
    Address(IpAddr),
    /// A legacy client that is not to be served.
    Refused,
}

impl From<SessionId> for Identity {
    fn from(session: SessionId) -> Identity {
        Identity::Session(session.0)
    }
}

/// What the owner of the sockets is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The two belong together: send both READYs, the response connection's first.
    Pair {
        /// The request connection.
        request: ConnectionId,
        /// The response connection.
        response: ConnectionId,
    },
    /// Close this connection; it is forgotten here already.
    Close(ConnectionId, &'static str),
    /// Tell the operator.
    Report(String),
}

#[derive(Clone, Debug)]
struct Entry {
    side: Side,
    address: IpAddr,
    opened: Time,
    identity: Option<Identity>,
    /// Whose it is as long as it has not announced itself otherwise.
    owner: Option<Identity>,
    twin: Option<ConnectionId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Since when the group has been unambiguous.
    since: Option<Time>,
    reported: Option<Time>,
}

/// The connections of one legacy identity, as they stand.
#[derive(Debug)]
struct Members {
    address: IpAddr,
    requests: Vec<ConnectionId>,
    responses: Vec<ConnectionId>,
    has_pair: bool,
}

impl Members {
    fn is_one_each(&self) -> bool {
        self.requests.len() == 1 && self.responses.len() == 1 && !self.has_pair
    }

    fn is_waiting(&self) -> bool {
        !self.requests.is_empty() || !self.responses.is_empty()
    }
}

/// Connections that have not said who they are: when each was opened and, if known, whose it is.
type Silent = BTreeMap<IpAddr, Vec<(Time, Option<Identity>)>>;

/// The connections of one server and what is known of them.
#[derive(Debug)]
pub struct Pairing {
    settle: Duration,
    started: Time,
    entries: BTreeMap<ConnectionId, Entry>,
    paired_count: usize,
    /// Groups of legacy connections.
    groups: BTreeMap<Identity, Group>,
    /// When a process last lost a connection, if that was not long ago.
    departures: BTreeMap<Identity, Time>,
    /// When to look again, as of the last evaluation.
    next: Option<Time>,
}

impl Pairing {
    /// No connections yet, at a server that listens since `now`. `settle` is how long the
    /// connections of an address must have been unambiguous before they are paired: twice the
    /// longest interval at which a client retries a missing connection.
    pub fn new(settle: Duration, now: Time) -> Pairing {
        Pairing {
            settle,
            started: now,
            entries: BTreeMap::new(),
            paired_count: 0,
            groups: BTreeMap::new(),
            departures: BTreeMap::new(),
            next: None,
        }
    }

    /// A connection has been accepted.
    pub fn opened(&mut self, id: ConnectionId, side: Side, address: IpAddr, now: Time) {
        let address = address.to_canonical();
        let (identity, owner, twin) = (None, None, None);
        let entry = Entry { side, address, opened: now, identity, owner, twin };
        self.entries.insert(id, entry);
    }

    /// Whose a connection is that has not announced itself yet: it does not hold up others.
    pub fn owned(&mut self, id: ConnectionId, owner: Identity) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.owner = Some(owner);
        }
    }

    /// The connection's READY has come, and shows whose it is.
    pub fn announced(
        &mut self,
        id: ConnectionId,
        identity: Identity,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.identity = Some(identity);
        let side = entry.side;
        if let Identity::Session(_) = identity {
            self.pair_session(id, side, identity, now, actions);
        } else {
            self.groups.entry(identity).or_default().since = None;
        }
        self.evaluate(now, actions);
    }

    /// The connection is gone. Its twin shares its fate: what it carried cannot be completed.
    pub fn closed(&mut self, id: ConnectionId, now: Time, actions: &mut Vec<Action>) {
        self.remove(id, "its twin connection was closed", now, actions);
        self.evaluate(now, actions);
    }

    /// The other half of a paired connection.
    pub fn twin(&self, id: ConnectionId) -> Option<ConnectionId> {
        self.entries.get(&id).and_then(|entry| entry.twin)
    }

    /// Connections that are not paired.
    pub fn held_count(&self) -> usize {
        self.entries.len() - self.paired_count
    }

    /// The [`deadline`](Self::deadline) has come.
    pub fn timeout(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.evaluate(now, actions);
    }

    /// When [`timeout`](Self::timeout) is to be called, if at all.
    pub fn deadline(&self) -> Option<Time> {
        self.next
    }

    fn remove(
        &mut self,
        id: ConnectionId,
        why: &'static str,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Some(process @ Identity::Process(..)) = entry.identity {
            self.departures.insert(process, now);
        }
        if let Some(twin) = entry.twin {
            self.entries.remove(&twin);
            self.paired_count -= 2;
            actions.push(Action::Close(twin, why));
        }
    }

    fn pair_session(
        &mut self,
        id: ConnectionId,
        side: Side,
        identity: Identity,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        let same = |(&other, entry): (&ConnectionId, &Entry)| {
            (other != id && entry.identity == Some(identity)).then_some((other, entry.side))
        };
        let others: Vec<_> = self.entries.iter().filter_map(same).collect();
        // The client has come back before its old connection was seen to be gone.
        for &(old, _) in others.iter().filter(|(_, other_side)| *other_side == side) {
            actions.push(Action::Close(old, "its client has connected again"));
            self.remove(old, "its client has connected again", now, actions);
        }
        let twin = others.iter().find(|(other, other_side)| {
            *other_side != side && self.entries.get(other).is_some_and(|e| e.twin.is_none())
        });
        if let Some(&(twin, _)) = twin {
            self.pair(id, twin, actions);
        }
    }

    fn pair(&mut self, a: ConnectionId, b: ConnectionId, actions: &mut Vec<Action>) {
        let first = self.entries.get_mut(&a).expect("paired connections exist");
        first.twin = Some(b);
        let (request, response) = match first.side {
            Side::Request => (a, b),
            Side::Response => (b, a),
        };
        self.entries.get_mut(&b).expect("paired connections exist").twin = Some(a);
        self.paired_count += 2;
        actions.push(Action::Pair { request, response });
    }

    /// Looks at every group of legacy connections: pairs what is unambiguous and has been for
    /// long enough, reports what is not.
    fn evaluate(&mut self, now: Time, actions: &mut Vec<Action>) {
        let (members, silent) = self.sort(now);
        self.groups.retain(|identity, _| members.contains_key(identity));
        self.departures.retain(|_, left| now.since(*left) < RETURN_TIME_MAX);
        let mut next: Option<Time> = None;
        for (&identity, members) in &members {
            let moment = self.evaluate_group(identity, members, &silent, now, actions);
            next = next.into_iter().chain(moment).min();
        }
        self.next = next;
    }

    /// The legacy connections by their identity, and the silent ones that may still hold others up.
    fn sort(&self, now: Time) -> (BTreeMap<Identity, Members>, Silent) {
        let mut all: BTreeMap<Identity, Members> = BTreeMap::new();
        let mut silent = Silent::new();
        for (&id, entry) in &self.entries {
            let address = entry.address;
            let identity = match entry.identity {
                None if now.since(entry.opened) < GREETING_GRACE => {
                    silent.entry(address).or_default().push((entry.opened, entry.owner));
                    continue;
                }
                None | Some(Identity::Session(_)) => continue,
                Some(identity) => identity,
            };
            let (requests, responses, has_pair) = (Vec::new(), Vec::new(), false);
            let members =
                all.entry(identity).or_insert(Members { address, requests, responses, has_pair });
            match (entry.twin, entry.side) {
                (Some(_), _) => members.has_pair = true,
                (None, Side::Request) => members.requests.push(id),
                (None, Side::Response) => members.responses.push(id),
            }
        }
        (all, silent)
    }

    /// Pairs or reports what is in a group, and tells when time alone may decide more.
    fn evaluate_group(
        &mut self,
        identity: Identity,
        members: &Members,
        silent: &Silent,
        now: Time,
        actions: &mut Vec<Action>,
    ) -> Option<Time> {
        let refused = identity == Identity::Refused;
        // Somebody else from the same address who is about to speak, until when he may.
        let others = silent.get(&members.address).into_iter().flatten();
        let others = others.filter(|(_, owner)| owner.is_none_or(|owner| owner == identity));
        let grace = others.map(|&(opened, _)| opened + GREETING_GRACE).min();
        let group = self.groups.entry(identity).or_default();
        if !members.is_one_each() || refused {
            group.since = None;
            let is_ambiguous = members.requests.len() > 1 || members.responses.len() > 1;
            if is_ambiguous || (members.has_pair || refused) && members.is_waiting() {
                self.report(identity, members.has_pair, now, actions);
            }
            return None;
        }
        if grace.is_some() {
            group.since = None;
            return grace;
        }
        let since = *group.since.get_or_insert(now);
        let ripe = self.ripe(identity, since);
        if now < ripe {
            return Some(ripe);
        }
        self.pair(members.requests[0], members.responses[0], actions);
        None
    }

    /// When a group may be paired that has been unambiguous since then.
    fn ripe(&self, identity: Identity, since: Time) -> Time {
        if let Identity::Process(..) = identity {
            // A second client of the process that has lost its connections, because the server
            // started or because it was disconnected, is back by then; a new one makes both of
            // its connections at once.
            let left = self.departures.get(&identity).copied();
            return self.started.max(left.unwrap_or_default()) + RETURN_TIME_MAX;
        }
        since + self.settle
    }

    fn report(&mut self, who: Identity, has_pair: bool, now: Time, actions: &mut Vec<Action>) {
        let group = self.groups.get_mut(&who).expect("an existing group");
        if group.reported.is_some_and(|last| now.since(last) < REPORT_INTERVAL) {
            return;
        }
        group.reported = Some(now);
        let place = match who {
            Identity::Process(pid, _) => format!("process {pid}"),
            Identity::Address(address) => address.to_string(),
            Identity::Session(_) | Identity::Refused => {
                let text = "Client without session held: legacy clients are refused here";
                return actions.push(Action::Report(text.to_owned()));
            }
        };
        let text = match has_pair {
            true => format!(
                "Second legacy client from {place} is held until the first has left: without \
                 sessions the answers of two cannot be told apart"
            ),
            false => format!(
                "Several legacy clients from {place} wait; none is served, because which \
                 connections belong together cannot be told"
            ),
        };
        actions.push(Action::Report(text));
    }
}

#[cfg(test)]
mod tests;
