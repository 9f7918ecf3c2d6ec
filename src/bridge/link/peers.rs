//! The peers of a server: the owners of connections, their pairs, and the clients.

mod turns;

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::acceptor::FIRST_CONNECTION;
use super::budget::{note_failure, Budget};
use super::checks::Checks;
use super::connection::{Client, ClientId, Connections};
use super::options::{add, LegacyPolicy, LinkCounters, LinkOptions, Revisions};
use super::owners::{connections_of, identity_of, Owners, Question};
use super::pairing::{Action, ConnectionId, Identity, Pairing, Side};
use super::places::Places;
use super::progress::Unfinished;
use super::service::{Peer, Service};
use super::wire::LAST_OCTETS_WAIT_MAX;
use crate::clock::{self, Time};
use crate::headroom;
use crate::logging::{log_debug, log_error, log_info, log_warning, Logger};
use crate::net::address::is_of_this_host;
use crate::net::owner::Owner;
use crate::net::socket::{cause_text, Silence};
use crate::peer::{PeerAddress, UnixPeer};
use crate::proto::bridge::property::Announcement;
use crate::proto::zmtp::Role;

/// How long a connection without a client is held. Clients give up after 30 seconds by themselves
/// and reconnect.
const HOLD_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a client is read after it has closed the connection for its answers. Its next such
/// connection is held meanwhile, if it is a legacy client that has lost only one.
const ENDING_TIME_MAX: Duration = Duration::from_secs(60);
/// How long the pairing of legacy connections waits where the system has no memory for it.
const MEMORY_RETRY: Duration = Duration::from_secs(1);
/// More than an evaluation of the pairing takes for each connection.
const PAIRING_BYTES: usize = 1024;
mod admission;

/// The open connections of a server and their clients. `S` is notified of new and departed clients.
pub struct Peers<S: Service> {
    pub connections: Connections<S::Client>,
    pub pairing: Pairing,
    pub lookups: Owners,
    pub checks: Checks,
    pub(super) options: LinkOptions,
    /// The changes of keys and rules that have been carried out.
    pub(super) revisions: Revisions,
    pub(super) counters: Arc<LinkCounters>,
    pub(super) log: Arc<Logger>,
    pub budget: Budget,
    pub unfinished: Unfinished,
    announcement: Announcement,
    places: Places,
    /// Number of clients that [end](Self::end_later). Each has a connection among the waiting ones.
    ending_count: usize,
    /// Connections without a client, by the time at which they are closed.
    waiting: BTreeSet<(Time, ConnectionId)>,
    /// Connections for answers for whose output the system had no memory. Their loss is no client's that
    /// shares them with others.
    failed: Vec<ConnectionId>,
    /// Id of the next connection; the first ones follow the last ones.
    pub next_id: ConnectionId,
    /// Number of clients so far.
    clients_ever: u64,
    /// Why no further clients are served, if none are.
    pub newcomers_refused: Option<String>,
}

impl<S: Service> Peers<S> {
    pub fn new(
        options: LinkOptions,
        announcement: Announcement,
        lookups: Owners,
        budget: Budget,
        (counters, log): (Arc<LinkCounters>, Arc<Logger>),
    ) -> Peers<S> {
        Peers {
            connections: Connections::default(),
            revisions: options.revisions(),
            pairing: Pairing::new(options.settle, options.legacy_shared_process, clock::now()),
            lookups,
            checks: Checks::default(),
            budget,
            unfinished: Unfinished::default(),
            places: Places::new(&options),
            options,
            counters,
            log,
            announcement,
            ending_count: 0,
            failed: Vec::new(),
            waiting: BTreeSet::new(),
            next_id: FIRST_CONNECTION,
            clients_ever: 0,
            newcomers_refused: None,
        }
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn deadline(&self) -> Option<Time> {
        let waits_until = self.waiting.first().map(|&(until, _)| until);
        let (pairing, lookups) = (self.pairing.deadline(), self.lookups.deadline());
        clock::earliest([pairing, lookups, self.checks.deadline(), waits_until])
    }

    /// Pairs connections, closes those that have had no client for too long and those whose peer is
    /// gone, and lets a lookup of owners start that had no thread, as far as that is due at `now`.
    pub fn timeout(&mut self, service: &mut S, now: Time) {
        if self.pairing.deadline().is_some_and(|deadline| deadline <= now) {
            match headroom::has(headroom::STEP_BYTES + PAIRING_BYTES * self.connections.len()) {
                true => self.pairing.timeout(now),
                false => self.pairing.postpone(now + MEMORY_RETRY),
            }
            self.act(service);
        }
        while let Some(&(_, id)) = self.waiting.first().filter(|(until, _)| *until <= now) {
            self.close(service, id, "no handshake, or no second connection, in time");
        }
        for id in self.checks.end(&self.connections, now) {
            let why = "it does not answer a PING, and another connection waits with its session";
            self.close(service, id, why);
        }
        self.lookups.timeout(now);
    }

    /// Sets when a connection is closed without a client; never once it has one.
    fn wait_for(&mut self, id: ConnectionId, until: Option<Time>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let former = std::mem::replace(&mut connection.waits_until, until);
        if let Some(former) = former {
            self.waiting.remove(&(former, id));
        }
        match until {
            Some(until) => {
                self.waiting.insert((until, id));
                self.places.held(id, connection.peer.origin(), connection.opened);
            }
            None => self.places.released(id),
        }
    }

    // ------------------------------------------------------------------ pairing

    /// The connection's READY has arrived: determines its identity.
    pub fn announced(&mut self, service: &mut S, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let now = clock::now();
        connection.announced = Some(now);
        let (info, peer) = (connection.peer_info(), connection.peer);
        if self.announcement.is_foreign(&info) {
            let why =
                "the client is one of the memory bridge, and the server of the stream bridge: \
                       check the port";
            return self.turn_away(service, &[id], why);
        }
        if let Some(refusal) = self.refusal(id) {
            return self.refuse(service, id, &refusal);
        }
        self.wait_for(id, Some(now + HOLD_TIME_MAX));
        let serves_legacy = self.options.legacy != LegacyPolicy::Refuse;
        let legacy = || legacy_identity(self.options.legacy, peer);
        match Identity::of(info.session, self.key_of(id), serves_legacy).or_else(legacy) {
            Some(identity) => self.identified(service, id, identity),
            None => self.lookups.ask(Question::Identify(id)),
        }
    }

    fn identified(&mut self, service: &mut S, id: ConnectionId, identity: Identity) {
        let Some(connection) = self.connections.get(&id) else { return };
        log_debug!(self.log, "READY from {}: {identity:?}", connection.peer);
        let side = match connection.wire.session.role() {
            Some(Role::Push) => Side::Response,
            _ => Side::Request,
        };
        self.pairing.announced(id, side, identity, clock::now());
        self.act(service);
    }

    /// Carries out the decisions of the pairing. Further decisions that result are carried out by a
    /// nested call.
    fn act(&mut self, service: &mut S) {
        for action in self.pairing.take_actions() {
            match action {
                Action::Pair { .. } | Action::ShareAnswers(_) | Action::ShareRequests { .. } => {
                    self.decided(service, action);
                }
                Action::Check { request, response } => self.check(service, request, response),
                Action::Close(id, why) => self.release(service, id, why),
                Action::Report { text, is_again: false } => log_error!(self.log, "{text}"),
                Action::Report { text, .. } => log_warning!(self.log, "{text}"),
            }
        }
        self.count_connections();
    }

    /// Asks the peers of a pair for a sign of life.
    fn check(&mut self, service: &mut S, request: ConnectionId, response: ConnectionId) {
        let Some(peer) = self.connections.get(&request).map(|one| one.peer) else { return };
        log_warning!(
            self.log, from peer.origin();
            "A connection presents the session of the client at {peer}, and waits until that is gone"
        );
        if self.checks.start(&mut self.connections, (request, response), clock::now()) {
            self.flush(service, request);
            self.flush(service, response);
        }
    }

    /// Carries out a decision to serve connections, after a second look if it was based on their
    /// owners.
    fn decided(&mut self, service: &mut S, decision: Action) {
        let is_client = |id| self.connections.get(&id).is_some_and(|one| one.client.is_some());
        match decision {
            // Another connection for the answers of a client that is served already.
            Action::ShareRequests { request, .. } if is_client(request) => {
                self.serve(service, &decision);
            }
            _ if self.is_by_owner(&decision) => self.lookups.ask(Question::Confirm(decision)),
            _ => self.serve(service, &decision),
        }
    }

    /// Whether a decision was based on the owners of the connections.
    fn is_by_owner(&self, decision: &Action) -> bool {
        let is_looked_up = |&id: &ConnectionId| {
            let connection = self.connections.get(&id);
            connection.is_some_and(|one| legacy_identity(self.options.legacy, one.peer).is_none())
        };
        let is_announced =
            |&id: &ConnectionId| self.pairing.identity(id).is_some_and(Identity::is_announced);
        let ids = connections_of(decision);
        !ids.iter().all(is_announced) && ids.iter().any(is_looked_up)
    }

    /// Starts the lookup of connection owners, if any are wanted.
    pub fn find_owners(&mut self) {
        let pairing = &self.pairing;
        if let Err(cause) = self.lookups.start(&self.connections, |action| pairing.stands(action)) {
            log_warning!(
                self.log,
                "Legacy clients wait: no thread to look their processes up: {cause}"
            );
        }
    }

    /// Handles the answers of a lookup of connection owners, if there are any.
    pub fn take_owners(&mut self, service: &mut S) {
        for (question, owners) in self.lookups.take().unwrap_or_default() {
            match question {
                Question::Identify(id) => {
                    owners.into_iter().for_each(|owner| self.identify(service, id, owner));
                }
                Question::Confirm(decision) => self.confirm(service, &decision, &owners),
            }
        }
    }

    fn identify(&mut self, service: &mut S, id: ConnectionId, owner: Owner) {
        let Some(connection) = self.connections.get(&id) else { return };
        let identity = identity_of(owner, connection.peer.origin());
        if connection.announced.is_none() {
            if owner != Owner::Unknown {
                self.pairing.owned(id, identity);
            }
            return;
        }
        if self.lookups.is_asked(id) {
            // It was silent when the pass started, so its context is not known.
            return;
        }
        let is_seen = matches!(owner, Owner::Process(_) | Owner::Context(..));
        let is_refused = self.options.legacy == LegacyPolicy::LocalPid && !is_seen;
        self.identified(service, id, if is_refused { Identity::Refused } else { identity });
    }

    /// Carries out a decision if it still stands, and the connections have the same owner as
    /// before.
    fn confirm(&mut self, service: &mut S, decision: &Action, owners: &[Owner]) {
        if !self.pairing.stands(decision) {
            return;
        }
        for (id, &owner) in connections_of(decision).into_iter().zip(owners) {
            let Some(connection) = self.connections.get(&id) else { return };
            if self.pairing.identity(id) != Some(identity_of(owner, connection.peer.origin())) {
                let why = "it has passed to another process";
                let peer = connection.peer;
                log_warning!(self.log, from peer.origin(); "Closing the connection from {peer}: {why}");
                return self.close(service, id, why);
            }
        }
        self.serve(service, decision);
        self.count_connections();
    }

    // ------------------------------------------------------------------ clients

    /// Carries out a decision to serve connections.
    fn serve(&mut self, service: &mut S, decision: &Action) {
        match *decision {
            Action::Pair { request, response } => self.add_client(service, request, response, true),
            Action::ShareRequests { request, response } => {
                let client = self.connections.get_mut(&request).and_then(|one| one.client.as_mut());
                match client {
                    Some(client) => {
                        client.response = Some(response);
                        // Its answers have a connection again.
                        self.ending_count -= usize::from(client.ends_by.take().is_some());
                    }
                    None => self.add_client(service, request, response, false),
                }
            }
            Action::ShareAnswers(response) => self.send_ready(service, response),
            Action::Check { .. } | Action::Close(..) | Action::Report { .. } => {}
        }
    }

    /// Makes a client of two connections: sends the READYs, both if they form a pair.
    fn add_client(
        &mut self,
        service: &mut S,
        request: ConnectionId,
        response: ConnectionId,
        is_pair: bool,
    ) {
        if !headroom::is_there() {
            add(&self.counters.closed_no_memory, 1);
            let why = "the system gives the server's process no memory for another client";
            return self.turn_away(service, &[request, response], why);
        }
        if !self.find_place(service, request, response) {
            return;
        }
        let Some(second) = self.connections.get(&response).map(|one| one.peer) else { return };
        let Some(connection) = self.connections.get_mut(&request) else { return };
        let address = connection.peer;
        let info = connection.peer_info();
        let announced = connection.announced.unwrap_or_default();
        let since = clock::now();
        self.clients_ever += 1;
        let id = ClientId { connection: request, serial: self.clients_ever };
        let key = connection.wire.session.peer_key().copied();
        let peer = Peer { id, address, info, key, announced };
        log_info!(self.log, "Client at {peer} and {second} connected");
        let state = service.joined(&peer);
        let is_duplex = self.options.duplex && info.duplex && info.session.is_some();
        connection.client = Some(Client {
            serial: self.clients_ever,
            response: (!is_duplex).then_some(response),
            is_shared: !is_pair,
            ends_by: None,
            wanted: 0,
            is_starved: false,
            since,
            state,
        });
        self.places.joined(request, address.origin(), since);
        let (with_answers, other) =
            if is_duplex { (request, response) } else { (response, request) };
        self.watch_host(with_answers, self.options.silence);
        self.watch_host(other, Silence { unread_max: Duration::ZERO, ..self.options.silence });
        if is_pair {
            self.send_ready(service, response);
        }
        self.send_ready(service, request);
    }

    /// Has the system watch the other host. On a connection that carries answers the limit for unread
    /// ones replaces that for silence, so the other one has none.
    fn watch_host(&mut self, id: ConnectionId, silence: Silence) {
        let Some(connection) = self.connections.get(&id) else { return };
        if let Err(error) = connection.wire.configure(silence) {
            let (peer, cause) = (connection.peer, cause_text(&error));
            log_debug!(self.log, "The host of {peer} is not watched: {cause}");
        }
    }

    fn send_ready(&mut self, service: &mut S, id: ConnectionId) {
        self.wait_for(id, None);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let clock = clock::now().0.to_string();
        let sent = connection.wire.session.send_ready(&self.announcement.properties(&clock));
        if let Err(error) = sent {
            return self.close(service, id, &error.to_string());
        }
        self.pairing.served(id);
        self.flush(service, id);
    }

    /// The clients whose answers are sent on a response connection.
    pub fn clients_of(&self, id: ConnectionId) -> Vec<ConnectionId> {
        let mut clients = match self.pairing.partner(id) {
            Some(partner) => vec![partner],
            None => self.pairing.sharers(id, Side::Request),
        };
        clients.retain(|&one| {
            let client = self.connections.get(&one).and_then(|one| one.client.as_ref());
            client.is_some_and(|client| client.response.is_some())
        });
        clients
    }

    // ------------------------------------------------------------------ the end

    /// Ends a client that has closed the connection for its answers as soon as nothing more comes
    /// from it for some time. `now`: octets have come, or the connection has just ended.
    pub fn end_later(&mut self, request: ConnectionId, now: Time) {
        let connection = self.connections.get_mut(&request);
        let Some(client) = connection.and_then(|one| one.client.as_mut()) else { return };
        self.ending_count += usize::from(client.ends_by.is_none());
        let limit = *client.ends_by.get_or_insert(now + ENDING_TIME_MAX);
        if let Some(response) = client.response {
            self.wait_for(response, Some(limit.min(now + LAST_OCTETS_WAIT_MAX)));
        }
    }

    /// Sends output of a connection's session.
    pub fn flush(&mut self, service: &mut S, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Err(error) = connection.wire.flush() {
            self.close_failed(service, id, &error);
        }
    }

    /// Closes a connection whose output could not be sent.
    pub fn close_failed(&mut self, service: &mut S, id: ConnectionId, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::OutOfMemory => self.close_for_memory(service, id),
            _ => self.close(service, id, &cause_text(error)),
        }
    }

    /// Closes the connections for whose answers there was no memory, but those whose client has gone.
    pub fn close_failed_answers(&mut self, service: &mut S) {
        while let Some(id) = self.failed.pop() {
            self.close_for_memory(service, id);
        }
    }

    /// Closes a connection for which the system has no memory.
    #[cold]
    fn close_for_memory(&mut self, service: &mut S, id: ConnectionId) {
        let Some(peer) = self.connections.get(&id).map(|one| one.peer) else { return };
        let why = self.note_no_memory(peer);
        self.close(service, id, why);
    }

    /// A connection of `peer` is about to be closed because the system has no memory for it. Returns the
    /// reason. This comes first: a program that sees the end finds it counted.
    #[cold]
    pub fn note_no_memory(&self, peer: PeerAddress) -> &'static str {
        let why = "the system gives this process no memory for it";
        note_failure();
        add(&self.counters.closed_no_memory, 1);
        log_warning!(self.log, from peer.origin(); "Closing the connection of {peer}: {why}");
        why
    }

    /// Closes a connection, and with it its partner.
    pub fn close(&mut self, service: &mut S, id: ConnectionId, why: &str) {
        self.release(service, id, why);
        self.pairing.closed(id, clock::now());
        self.act(service);
    }

    fn release(&mut self, service: &mut S, id: ConnectionId, why: &str) {
        self.wait_for(id, None);
        // Dropping the last handle of a socket closes it and ends its registration.
        let Some(mut connection) = self.connections.remove(&id) else { return };
        self.budget.charge(&mut connection.charged, 0, 0);
        self.unfinished.forget(id, connection.progress);
        let Some(client) = connection.client.take() else {
            return log_debug!(self.log, "Connection from {} ended: {why}", connection.peer);
        };
        self.places.left(id);
        self.ending_count -= usize::from(client.ends_by.is_some());
        log_info!(self.log, "Client at {} disconnected: {why}", connection.peer);
        service.left(client.state);
    }

    fn count_connections(&self) {
        self.counters.clients.store(self.places.clients_count() as u64, Ordering::Relaxed);
        let held = self.waiting.len().saturating_sub(self.ending_count);
        self.counters.held.store(held as u64, Ordering::Relaxed);
    }

    /// Closes all connections.
    pub fn clear(&mut self) {
        for (_, mut connection) in self.connections.drain() {
            self.budget.charge(&mut connection.charged, 0, 0);
        }
        self.waiting.clear();
        self.unfinished = Unfinished::default();
        self.places = Places::new(&self.options);
        self.ending_count = 0;
        self.count_connections();
    }
}

/// The identity of a legacy client. `None`: the owner of its connection has to be looked up.
fn legacy_identity(policy: LegacyPolicy, peer: PeerAddress) -> Option<Identity> {
    let by_origin = Identity::Origin(peer.origin());
    Some(match (policy, peer) {
        (LegacyPolicy::Refuse, _) => Identity::Refused,
        (LegacyPolicy::OnePerAddress, _) => by_origin,
        (_, PeerAddress::Unix(_)) if told_identity(peer).is_some() => return told_identity(peer),
        // A process is visible on this host only.
        (_, PeerAddress::Tcp(address)) if is_of_this_host(address.ip()) => return None,
        (LegacyPolicy::LocalPid, _) => Identity::Refused,
        (LegacyPolicy::Auto, _) => by_origin,
    })
}

/// The process of a connection, if the kernel has told it. No start time is needed, because it is the
/// one that has made the connection.
fn told_identity(peer: PeerAddress) -> Option<Identity> {
    match peer {
        PeerAddress::Unix(UnixPeer { pid: pid @ 1.., .. }) => Some(Identity::Process(pid, 0)),
        _ => None,
    }
}
