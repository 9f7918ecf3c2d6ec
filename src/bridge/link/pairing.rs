//! Which request connection belongs to which response connection.
//!
//! A client of the bridge has two one-way connections, and nothing in the reference's protocol
//! relates them. Our own clients announce a session in the READY of both (`sessions.rs`). Others are
//! distinguished with care: by the process that owns the far end, and the ZeroMQ context within it, if that can
//! be looked up; by the user, or the source address, if one client runs there. Ambiguous
//! connections are held: the server has not sent its READY, so a held client can send nothing that
//! could be answered wrongly.
//!
//! By an option the clients of one process are not distinguished at all: each answer goes to all of
//! its response connections. A group of such connections has no pairs.
//!
//! This is only the decision, without sockets: connections and times in, [`Action`]s out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::identity::explain;
pub use super::identity::{ConnectionId, Identity, Side};
use super::sessions::{Holder, SessionKey, Sessions, Verdict};
use crate::clock::Time;
use crate::peer::{Origin, PeerAddress};

/// How long connections without an identity may delay the pairing of others from their address:
/// each since its opening, and all together since the others are complete.
const GREETING_GRACE: Duration = Duration::from_secs(2);
/// Upper bound on the reconnection time of a libzmq client that has lost a connection: it retries
/// each of its two connections separately, every 100 to 199 ms.
const RETURN_TIME_MAX: Duration = Duration::from_millis(400);
/// How long the report of an ambiguity waits for the connections that its clients still lack.
const COMPLETION_GRACE: Duration = Duration::from_secs(2);
/// How often an ambiguity is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);
/// How long after its last report a returning ambiguity counts as the same.
const REPORT_MEMORY: Duration = Duration::from_secs(300);
/// Number of connections that a report names.
const REPORT_PEERS_MAX: usize = 8;

/// A step for the owner of the sockets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The two form a pair: send both READYs, the response connection's first.
    Pair { request: ConnectionId, response: ConnectionId },
    /// The response connection gets the answers to all requests of its process: send its READY.
    ShareAnswers(ConnectionId),
    /// The request connection is served; its answers go to `response` and the other
    /// [sharers](Pairing::sharers) of its process. Send its READY, unless that has been done.
    ShareRequests {
        request: ConnectionId,
        /// Represents all of them.
        response: ConnectionId,
    },
    /// A connection with the session of this pair waits for its end: find out whether the peer is
    /// still there, and close the pair if not.
    Check { request: ConnectionId, response: ConnectionId },
    /// Close this connection; the pairing has removed it already.
    Close(ConnectionId, &'static str),
    /// Report to the operator that clients are held.
    Report {
        /// The clients, the cause and the remedy.
        text: String,
        /// It has been reported before.
        is_again: bool,
    },
}

#[derive(Clone, Debug)]
struct Entry {
    /// Set with `identity`.
    side: Option<Side>,
    peer: PeerAddress,
    opened: Time,
    identity: Option<Identity>,
    /// Its owner, while it has not announced an identity.
    owner: Option<Identity>,
    /// The other connection of the pair; for a request connection that shares, the representative.
    partner: Option<ConnectionId>,
    /// It shares the answers of its process with others.
    is_shared: bool,
    /// The server has sent its READY.
    is_served: bool,
}

impl Entry {
    fn is_held(&self) -> bool {
        self.partner.is_none() && !self.is_shared
    }

    fn session(&self) -> Option<SessionKey> {
        match self.identity {
            Some(Identity::Session(session)) => Some((session, Holder::Origin(self.peer.origin()))),
            Some(Identity::KeyedSession(session, key)) => Some((session, Holder::Key(key))),
            _ => None,
        }
    }
}

/// The present connections of one legacy identity.
#[derive(Debug, Default)]
struct Members {
    origins: BTreeSet<Origin>,
    /// Held connections.
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

    /// No client that is held lacks one of its two connections.
    fn is_complete(&self) -> bool {
        self.requests.len() == self.responses.len()
    }
}

/// The last report of an ambiguity.
#[derive(Clone, Copy, Debug)]
struct Reported {
    at: Time,
    /// It named both connections of each client.
    is_complete: bool,
}

/// Connections without an identity: when each was opened and, if known, its owner.
type Silent = BTreeMap<Origin, Vec<(Time, Option<Identity>)>>;

/// The connections of one server and their identities.
#[derive(Debug)]
pub struct Pairing {
    settle: Duration,
    /// The legacy clients of a process share their answers.
    shares: bool,
    started: Time,
    entries: BTreeMap<ConnectionId, Entry>,
    /// Those that have not announced themselves.
    silent: BTreeSet<ConnectionId>,
    /// Those that have, without a session.
    legacy: BTreeSet<ConnectionId>,
    sessions: Sessions,
    /// Since when groups of legacy connections have been unambiguous.
    unambiguous: BTreeMap<Identity, Time>,
    /// Since when groups have been ambiguous.
    ambiguous: BTreeMap<Identity, Time>,
    /// The last reports of ambiguities.
    reported: BTreeMap<Identity, Reported>,
    /// When a process or a context last lost a connection, if that was recent.
    departures: BTreeMap<Identity, Time>,
    /// When to evaluate again, as of the last evaluation.
    next: Option<Time>,
    actions: Vec<Action>,
}

impl Pairing {
    /// No connections yet, at a server that listens since `now`. `settle` is how long the
    /// connections of an address must have been unambiguous before they are paired: twice the
    /// longest interval at which a client retries a missing connection. With `shares` the legacy
    /// clients of one process are served together, each answer going to all of them.
    pub fn new(settle: Duration, shares: bool, now: Time) -> Pairing {
        Pairing {
            settle,
            shares,
            started: now,
            entries: BTreeMap::new(),
            silent: BTreeSet::new(),
            legacy: BTreeSet::new(),
            sessions: Sessions::default(),
            unambiguous: BTreeMap::new(),
            ambiguous: BTreeMap::new(),
            reported: BTreeMap::new(),
            departures: BTreeMap::new(),
            next: None,
            actions: Vec::new(),
        }
    }

    /// The steps that result from the calls since the last one.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// A connection has been accepted.
    pub fn opened(&mut self, id: ConnectionId, peer: PeerAddress, now: Time) {
        let entry = Entry {
            side: None,
            peer,
            opened: now,
            identity: None,
            owner: None,
            partner: None,
            is_shared: false,
            is_served: false,
        };
        self.entries.insert(id, entry);
        self.silent.insert(id);
    }

    /// The owner of a connection that has not announced itself yet: it does not delay others.
    pub fn owned(&mut self, id: ConnectionId, owner: Identity) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.owner = Some(owner);
        }
    }

    /// The connection's READY has arrived, and shows its side and its identity.
    pub fn announced(&mut self, id: ConnectionId, side: Side, identity: Identity, now: Time) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        (entry.side, entry.identity) = (Some(side), Some(identity));
        self.silent.remove(&id);
        match entry.session() {
            Some(key) => {
                let verdict = self.sessions.announced(id, side, key);
                self.judge(verdict);
            }
            None => _ = self.legacy.insert(id),
        }
        self.changed(Some(identity), now);
    }

    /// The decision to serve a connection has been carried out.
    pub fn served(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.is_served = true;
        }
    }

    /// The connection is gone. Its partner is closed too: its traffic cannot be completed.
    pub fn closed(&mut self, id: ConnectionId, now: Time) {
        self.remove(id, "its partner connection was closed", now);
    }

    /// The members of a group have changed: it counts as unambiguous from now on at best. The
    /// evaluation takes place once for all changes of a loop turn, because it visits every connection
    /// that matters to legacy ones. Without any of those nothing is evaluated.
    fn changed(&mut self, group: Option<Identity>, now: Time) {
        group.map(|group| self.unambiguous.remove(&group));
        self.next = (!self.legacy.is_empty()).then_some(now);
    }

    fn forget(&mut self, id: ConnectionId) -> Option<Entry> {
        self.silent.remove(&id);
        self.legacy.remove(&id);
        self.entries.remove(&id)
    }

    /// The partner of a paired connection; for a request connection whose process shares its
    /// answers, the representative response connection.
    pub fn partner(&self, id: ConnectionId) -> Option<ConnectionId> {
        self.entries.get(&id).and_then(|entry| entry.partner)
    }

    /// Whether a decision is still valid: its connections exist, and have no other partner.
    pub fn stands(&self, decision: &Action) -> bool {
        match *decision {
            Action::Pair { request, response } | Action::ShareRequests { request, response } => {
                self.partner(request) == Some(response)
            }
            Action::ShareAnswers(response) => self.identity(response).is_some(),
            Action::Check { .. } | Action::Close(..) | Action::Report { .. } => false,
        }
    }

    /// The served connections on one side that share answers with this one.
    pub fn sharers(&self, id: ConnectionId, side: Side) -> Vec<ConnectionId> {
        let entry = self.entries.get(&id).filter(|entry| entry.is_shared);
        let mut sharers = entry.map_or(Vec::new(), |entry| self.sharers_of(entry.identity, side));
        sharers.retain(|id| self.entries[id].is_served);
        sharers
    }

    fn sharers_of(&self, identity: Option<Identity>, side: Side) -> Vec<ConnectionId> {
        let is_same = |e: &Entry| e.is_shared && e.side == Some(side) && e.identity == identity;
        let all = self.legacy.iter().copied();
        all.filter(|id| self.entries.get(id).is_some_and(is_same)).collect()
    }

    /// The owner of a connection that has announced itself.
    pub fn identity(&self, id: ConnectionId) -> Option<Identity> {
        self.entries.get(&id)?.identity
    }

    /// When to call [`timeout`](Self::timeout), if at all. A change of legacy connections makes
    /// that at once.
    pub fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// Evaluates the groups at that time instead of now.
    pub fn postpone(&mut self, until: Time) {
        self.next = Some(until);
    }

    fn remove(&mut self, id: ConnectionId, why: &'static str, now: Time) {
        let Some(entry) = self.forget(id) else { return };
        self.changed(entry.identity, now);
        if let Some(identity) = entry.identity.filter(|identity| identity.process().is_some()) {
            self.departures.insert(identity, now);
        }
        if entry.is_shared {
            if entry.side == Some(Side::Response) {
                self.replace(id, entry.identity);
            }
        } else if let Some(partner) = entry.partner {
            self.forget(partner);
            self.actions.push(Action::Close(partner, why));
        }
        if let Some(key) = entry.session() {
            let verdict = self.sessions.gone(id, key);
            self.judge(verdict);
        }
    }

    /// Another response connection of the process replaces a representative that is gone; if there
    /// is none, no answer is possible. The decision to serve that one may not have been carried out
    /// yet: then it is none for a client that is served already.
    fn replace(&mut self, gone: ConnectionId, identity: Option<Identity>) {
        let others = self.sharers_of(identity, Side::Response);
        let served = others.iter().copied().find(|id| self.entries[id].is_served);
        for request in self.sharers_of(identity, Side::Request) {
            let entry = self.entries.get_mut(&request).expect("sharers exist");
            if entry.partner != Some(gone) {
                continue;
            }
            entry.partner =
                if entry.is_served { served } else { served.or(others.first().copied()) };
            let action = match entry.partner {
                Some(response) => Action::ShareRequests { request, response },
                None => {
                    self.forget(request);
                    Action::Close(request, "no connection for its answers is left")
                }
            };
            self.actions.push(action);
        }
    }

    /// Carries out what is decided about connections with a session.
    fn judge(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Wait => {}
            Verdict::Pair { request, response } => self.pair(request, response),
            Verdict::Check { request, response } => {
                self.actions.push(Action::Check { request, response });
            }
        }
    }

    fn pair(&mut self, request: ConnectionId, response: ConnectionId) {
        for (id, partner) in [(request, response), (response, request)] {
            self.entries.get_mut(&id).expect("paired connections exist").partner = Some(partner);
        }
        self.actions.push(Action::Pair { request, response });
    }

    /// The [`deadline`](Self::deadline) has come: evaluates every group of legacy connections.
    /// Pairs those that have been unambiguous for long enough, reports ambiguous ones.
    pub fn timeout(&mut self, now: Time) {
        let (members, silent) = self.sort(now);
        self.unambiguous.retain(|identity, _| members.contains_key(identity));
        self.ambiguous.retain(|identity, _| members.contains_key(identity));
        self.reported.retain(|_, last| now.since(last.at) < REPORT_MEMORY);
        self.departures.retain(|_, left| now.since(*left) < RETURN_TIME_MAX);
        let mut next: Option<Time> = None;
        for (&identity, members) in &members {
            let moment = match self.shares && identity.process().is_some() {
                true => self.share(identity, members, now),
                false => self.evaluate_group(identity, members, &silent, now),
            };
            next = next.into_iter().chain(moment).min();
        }
        self.next = next;
    }

    /// The legacy connections by identity, and the silent ones that may still delay others.
    fn sort(&self, now: Time) -> (BTreeMap<Identity, Members>, Silent) {
        let mut all: BTreeMap<Identity, Members> = BTreeMap::new();
        let mut silent = Silent::new();
        let entries = |ids| BTreeSet::iter(ids).filter_map(|id| Some((*id, self.entries.get(id)?)));
        for (_, entry) in entries(&self.silent) {
            if now.since(entry.opened) < GREETING_GRACE {
                let of_origin = silent.entry(entry.peer.origin()).or_default();
                of_origin.push((entry.opened, entry.owner));
            }
        }
        for (id, entry) in entries(&self.legacy) {
            let Some(identity) = entry.identity else { continue };
            let members = all.entry(identity).or_default();
            members.origins.insert(entry.peer.origin());
            match (entry.is_held(), entry.side) {
                (false, _) => members.has_pair = true,
                (true, Some(Side::Response)) => members.responses.push(id),
                (true, _) => members.requests.push(id),
            }
        }
        (all, silent)
    }

    /// Pairs or reports the members of a group, and returns when time alone may change the result.
    fn evaluate_group(
        &mut self,
        identity: Identity,
        members: &Members,
        silent: &Silent,
        now: Time,
    ) -> Option<Time> {
        let refused = identity == Identity::Refused;
        if !members.is_one_each() || refused {
            self.unambiguous.remove(&identity);
            let is_ambiguous = members.requests.len() > 1
                || members.responses.len() > 1
                || (members.has_pair || refused) && members.is_waiting();
            if is_ambiguous {
                return Some(self.report(identity, members, now));
            }
            self.ambiguous.remove(&identity);
            return None;
        }
        self.ambiguous.remove(&identity);
        let since = *self.unambiguous.entry(identity).or_insert(now);
        // Others from the same address may be about to announce themselves. If each had time since
        // its own opening, silent ones that come and go would delay the group for ever.
        let others = members.origins.iter().filter_map(|origin| silent.get(origin)).flatten();
        let others = others.filter(|(_, owner)| identity.may_be_of(*owner));
        let graces = others.map(|&(opened, _)| opened.min(since) + GREETING_GRACE);
        if let Some(grace) = graces.filter(|&grace| now < grace).min() {
            return Some(grace);
        }
        let ripe = self.ripe(identity, since);
        if now < ripe {
            return Some(ripe);
        }
        self.pair(members.requests[0], members.responses[0]);
        None
    }

    /// Serves the connections of a process together. A request connection waits for a response
    /// connection, but not for ever: another client may have one request connection too many.
    fn share(&mut self, identity: Identity, members: &Members, now: Time) -> Option<Time> {
        for &response in &members.responses {
            self.entries.get_mut(&response).expect("members exist").is_shared = true;
            self.actions.push(Action::ShareAnswers(response));
        }
        let responses = self.sharers_of(Some(identity), Side::Response);
        let mut served = self.sharers_of(Some(identity), Side::Request).len();
        if responses.is_empty() {
            return None;
        }
        let mut next = None;
        for &request in &members.requests {
            let entry = self.entries.get_mut(&request).expect("members exist");
            let patient_until = entry.opened + RETURN_TIME_MAX;
            if served >= responses.len() && now < patient_until {
                next = next.into_iter().chain([patient_until]).min();
                continue;
            }
            let response = responses[served % responses.len()];
            (entry.partner, entry.is_shared) = (Some(response), true);
            served += 1;
            self.actions.push(Action::ShareRequests { request, response });
        }
        next
    }

    /// When a group may be paired that has been unambiguous since then.
    fn ripe(&self, identity: Identity, since: Time) -> Time {
        if identity.process().is_some() {
            // A second client of the process or context that has lost its connections, because the
            // server started or closed them, has reconnected by then; a new one opens both of its
            // connections at once.
            let left = self.departures.get(&identity).copied();
            return self.started.max(left.unwrap_or_default()) + RETURN_TIME_MAX;
        }
        since + self.settle
    }

    /// Reports an ambiguity, unless it is new and may end soon, or was reported recently. Returns
    /// when to evaluate again. A client's two connections come at different times, and the operator
    /// needs both, so a report waits a while for the missing ones. If they come later still, there
    /// is another report at once.
    fn report(&mut self, identity: Identity, members: &Members, now: Time) -> Time {
        let last = self.reported.get(&identity).copied();
        let since = *self.ambiguous.entry(identity).or_insert(now);
        let is_complete = members.is_complete();
        let first = since + if is_complete { RETURN_TIME_MAX } else { COMPLETION_GRACE };
        let due = match last {
            Some(last) if last.is_complete || !is_complete => first.max(last.at + REPORT_INTERVAL),
            _ => first,
        };
        if now < due {
            return due;
        }
        self.reported.insert(identity, Reported { at: now, is_complete });
        let (cause, help) = explain(identity, members.has_pair);
        let text = format!("Held, not served: {}: {cause}. {help}", self.names(members));
        self.actions.push(Action::Report { text, is_again: last.is_some() });
        now + REPORT_INTERVAL
    }

    /// The held connections of a group, as text for a report.
    fn names(&self, members: &Members) -> String {
        let all = members.requests.iter().chain(&members.responses);
        let entries = all.filter_map(|id| self.entries.get(id));
        let name = |entry: &Entry| match entry.side {
            Some(Side::Response) => format!("{} (responses)", entry.peer),
            _ => format!("{} (requests)", entry.peer),
        };
        let mut names: Vec<String> = entries.map(name).collect();
        let more = names.len().saturating_sub(REPORT_PEERS_MAX);
        names.truncate(REPORT_PEERS_MAX);
        match more {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
