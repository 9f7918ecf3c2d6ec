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
    twin: Option<ConnectionId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Since when the group has been unambiguous.
    since: Option<Time>,
    reported: Option<Time>,
}

/// The connections of one server and what is known of them.
#[derive(Debug)]
pub struct Pairing {
    settle: Duration,
    entries: BTreeMap<ConnectionId, Entry>,
    /// Groups of legacy connections.
    groups: BTreeMap<Identity, Group>,
    /// When to look again, as of the last evaluation.
    next: Option<Time>,
}

impl Pairing {
    /// No connections yet. `settle` is how long the connections of an address must have been
    /// unambiguous before they are paired: twice the longest interval at which a client retries
    /// a missing connection.
    pub fn new(settle: Duration) -> Pairing {
        Pairing { settle, entries: BTreeMap::new(), groups: BTreeMap::new(), next: None }
    }

    /// A connection has been accepted.
    pub fn opened(&mut self, id: ConnectionId, side: Side, address: IpAddr, now: Time) {
        let address = address.to_canonical();
        let entry = Entry { side, address, opened: now, identity: None, twin: None };
        self.entries.insert(id, entry);
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
            self.pair_session(id, side, identity, actions);
        } else {
            self.groups.entry(identity).or_default().since = None;
        }
        self.evaluate(now, actions);
    }

    /// The connection is gone. Its twin shares its fate: what it carried cannot be completed.
    pub fn closed(&mut self, id: ConnectionId, now: Time, actions: &mut Vec<Action>) {
        self.remove(id, "its twin connection was closed", actions);
        self.evaluate(now, actions);
    }

    /// The other half of a paired connection.
    pub fn twin(&self, id: ConnectionId) -> Option<ConnectionId> {
        self.entries.get(&id).and_then(|entry| entry.twin)
    }

    /// Connections that are not paired.
    pub fn held_count(&self) -> usize {
        self.entries.values().filter(|entry| entry.twin.is_none()).count()
    }

    /// The [`deadline`](Self::deadline) has come.
    pub fn timeout(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.evaluate(now, actions);
    }

    /// When [`timeout`](Self::timeout) is to be called, if at all.
    pub fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// The next moment, after `now`, at which time alone may decide something.
    fn next_moment(&self, now: Time) -> Option<Time> {
        let ripe = self.groups.values().filter_map(|group| group.since);
        let ripe = ripe.map(|since| since + self.settle);
        // A silent connection matters only where somebody waits for it to speak or leave.
        let silent = self.entries.values().filter(|entry| entry.identity.is_none());
        let silent = silent.filter(|entry| self.waits_at(entry.address));
        let silent = silent.map(|entry| entry.opened + GREETING_GRACE);
        ripe.chain(silent).filter(|&moment| moment > now).min()
    }

    fn waits_at(&self, address: IpAddr) -> bool {
        let mut entries = self.entries.values();
        entries.any(|entry| entry.address == address && entry.is_unpaired_legacy())
    }

    fn remove(&mut self, id: ConnectionId, why: &'static str, actions: &mut Vec<Action>) {
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Some(twin) = entry.twin {
            self.entries.remove(&twin);
            actions.push(Action::Close(twin, why));
        }
    }

    fn pair_session(
        &mut self,
        id: ConnectionId,
        side: Side,
        identity: Identity,
        actions: &mut Vec<Action>,
    ) {
        let same = |(&other, entry): (&ConnectionId, &Entry)| {
            (other != id && entry.identity == Some(identity)).then_some((other, entry.side))
        };
        let others: Vec<_> = self.entries.iter().filter_map(same).collect();
        // The client has come back before its old connection was seen to be gone.
        for &(old, _) in others.iter().filter(|(_, other_side)| *other_side == side) {
            actions.push(Action::Close(old, "its client has connected again"));
            self.remove(old, "its client has connected again", actions);
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
        actions.push(Action::Pair { request, response });
    }

    /// Looks at every group of legacy connections: pairs what is unambiguous and has been for
    /// long enough, reports what is not.
    fn evaluate(&mut self, now: Time, actions: &mut Vec<Action>) {
        let entries = &self.entries;
        self.groups.retain(|identity, _| {
            entries.values().any(|entry| entry.identity.as_ref() == Some(identity))
        });
        let identities: Vec<_> = self.groups.keys().copied().collect();
        for identity in identities {
            self.evaluate_group(identity, now, actions);
        }
        self.next = self.next_moment(now);
    }

    fn evaluate_group(&mut self, identity: Identity, now: Time, actions: &mut Vec<Action>) {
        let mut requests = Vec::new();
        let mut responses = Vec::new();
        let mut has_pair = false;
        for (&id, entry) in &self.entries {
            if entry.identity != Some(identity) {
                continue;
            }
            match (entry.twin, entry.side) {
                (Some(_), _) => has_pair = true,
                (None, Side::Request) => requests.push(id),
                (None, Side::Response) => responses.push(id),
            }
        }
        let refused = identity == Identity::Refused;
        let one_each = requests.len() == 1 && responses.len() == 1 && !has_pair && !refused;
        let settled = match (one_each, requests.first()) {
            (true, Some(request)) => self.settled(identity, *request, now),
            _ => {
                self.groups.get_mut(&identity).expect("an existing group").since = None;
                false
            }
        };
        if settled {
            self.groups.get_mut(&identity).expect("an existing group").since = None;
            self.pair(requests[0], responses[0], actions);
        } else if requests.len() > 1
            || responses.len() > 1
            || (has_pair || refused) && requests.len() + responses.len() > 0
        {
            self.report(identity, has_pair, now, actions);
        }
    }

    /// Whether nobody else from the same address is about to speak, and has not been for the
    /// settle time (none is needed where the process is known).
    fn settled(&mut self, identity: Identity, request: ConnectionId, now: Time) -> bool {
        let address = self.entries[&request].address;
        let others_to_speak = self.entries.values().any(|entry| {
            entry.address == address
                && entry.identity.is_none()
                && now.since(entry.opened) < GREETING_GRACE
        });
        let group = self.groups.get_mut(&identity).expect("an existing group");
        if others_to_speak {
            group.since = None;
            return false;
        }
        let since = *group.since.get_or_insert(now);
        matches!(identity, Identity::Process(..)) || now.since(since) >= self.settle
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

impl Entry {
    fn is_unpaired_legacy(&self) -> bool {
        self.twin.is_none()
            && matches!(self.identity, Some(Identity::Process(..) | Identity::Address(_)))
    }
}

#[cfg(test)]
mod tests;
