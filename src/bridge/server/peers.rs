//! Who is connected: accepting, finding out whose a connection is, and which belong together.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::net::TcpStream;
use mio::Registry;

use super::add;
use super::connections::{Client, Connection, Turn};
use super::driver::{Driver, REQUEST_LISTENER};
use super::LegacyPolicy;
use crate::bridge::pairing::{Action, Identity, Side};
use crate::bridge::wire::{Wire, HANDSHAKE_TIME_MAX, RESPONSES_UNREAD_TIME_MAX};
use crate::clock::{self, Time};
use crate::logging::{log_debug, log_info, log_warning};
use crate::net::address::{canonical, is_of_this_host};
use crate::net::owner::{owners, Owner};
use crate::net::socket::{self, cause_text};
use crate::proto::bridge::{Dialect, RequestDecoder};
use crate::proto::zmtp::{Limits, Role};

/// Connections accepted before others have their turn.
const ACCEPTS_PER_TURN_MAX: usize = 64;
/// How long to wait before accepting again after the system had no descriptor for it.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How long a connection is held that belongs to no client. Clients give up after 30 seconds by
/// themselves and come back.
const HOLD_TIME_MAX: Duration = Duration::from_secs(60);
/// Body of the largest frame that is received, in octets. What is larger than the server allows is
/// passed over and refused with an answer; a frame beyond this closes the connection.
const FRAME_OCTETS_MAX: u64 = u32::MAX as u64;

impl Driver {
    pub(super) fn accept(&mut self, registry: &Registry, listener: usize) {
        let mut may_evict = true;
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match socket::accept(&self.listeners[listener]) {
                Ok(None) => return,
                Ok(Some((stream, peer))) => {
                    self.accept_failed = false;
                    self.admit(registry, listener, stream, peer);
                }
                // A connection that waits for nothing gives its descriptor to a newcomer.
                Err(_) if std::mem::take(&mut may_evict) && self.evict(registry) => {}
                Err(error) => {
                    if !std::mem::replace(&mut self.accept_failed, true) {
                        let cause = cause_text(&error);
                        log_warning!(self.log, "Cannot accept a connection for now: {cause}");
                    }
                    self.accept_again = Some(clock::now() + ACCEPT_RETRY);
                    return;
                }
            }
        }
        self.accept_again = Some(clock::now());
    }

    /// Closes the connection that has waited longest to become a client's, if there is one.
    fn evict(&mut self, registry: &Registry) -> bool {
        let Some(&(_, token)) = self.waiting.first() else { return false };
        self.close(registry, token, "others wait to be accepted");
        true
    }

    fn admit(&mut self, registry: &Registry, listener: usize, stream: TcpStream, peer: SocketAddr) {
        // Two connections a client, and as many again that wait to become clients.
        let full = self.connections.len() >= self.options.clients_max.saturating_mul(4);
        if full && !self.evict(registry) {
            return log_debug!(self.log, "Closing a connection from {peer}: too many are open");
        }
        let (side, role) = match listener {
            REQUEST_LISTENER => (Side::Request, Role::Pull),
            _ => (Side::Response, Role::Push),
        };
        let token = self.next_token;
        self.next_token += 1;
        let limits = Limits { frame_octets_max: FRAME_OCTETS_MAX };
        let prepared = Wire::new(registry, token, stream, role, limits).and_then(|wire| {
            wire.configure(RESPONSES_UNREAD_TIME_MAX)?;
            let local = canonical(wire.stream.local_addr()?);
            Ok((wire, local))
        });
        let (wire, local) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let cause = cause_text(&error);
                return log_debug!(self.log, "Connection from {peer} is unusable: {cause}");
            }
        };
        let now = clock::now();
        let peer = canonical(peer);
        log_debug!(self.log, "Connection from {peer} to port {}", local.port());
        add(&self.counters.accepted, 1);
        self.pairing.opened(token, side, peer.ip(), now);
        let connection = Connection {
            wire,
            side,
            local,
            peer,
            announced: false,
            waits_until: None,
            dialect: Dialect::Legacy,
            decoder: RequestDecoder::new(),
            body: None,
            leftover: Vec::new(),
            leftover_start: 0,
            turn: Turn::Reading,
            is_unread: false,
            is_duplex: false,
        };
        self.connections.insert(token, connection);
        self.wait_for(token, Some(now + HANDSHAKE_TIME_MAX));
        self.send(registry, token);
        self.count_connections();
    }

    /// Gives a connection until then to become a client's; for ever once it is.
    fn wait_for(&mut self, token: usize, until: Option<Time>) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let former = std::mem::replace(&mut connection.waits_until, until);
        if let Some(former) = former {
            self.waiting.remove(&(former, token));
        }
        if let Some(until) = until {
            self.waiting.insert((until, token));
        }
    }

    /// Closes the connections that have waited for too long.
    pub(super) fn close_late(&mut self, registry: &Registry, now: Time) {
        while let Some(&(until, token)) = self.waiting.first() {
            if until > now {
                return;
            }
            self.close(registry, token, "no handshake, or no second connection, in time");
        }
    }

    /// The connection's READY has come: finds out whose it is.
    pub(super) fn announced(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let info = connection.peer_info();
        connection.announced = true;
        connection.dialect = info.dialect();
        let peer = connection.peer.ip();
        self.wait_for(token, Some(clock::now() + HOLD_TIME_MAX));
        let identity = match (info.session, self.options.legacy) {
            (Some(session), _) => session.into(),
            (None, LegacyPolicy::Refuse) => Identity::Refused,
            (None, LegacyPolicy::OnePerAddress) => Identity::Address(peer),
            // A process can be seen on this host only. All that come in this turn are looked up
            // together, at its end.
            (None, _) if is_of_this_host(peer) => return self.unidentified.push(token),
            (None, LegacyPolicy::LocalPid) => Identity::Refused,
            (None, LegacyPolicy::Auto) => Identity::Address(peer),
        };
        self.identified(registry, token, identity);
    }

    fn identified(&mut self, registry: &Registry, token: usize, identity: Identity) {
        let Some(connection) = self.connections.get(token) else { return };
        log_debug!(self.log, "READY from {}: {identity:?}", connection.peer);
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.announced(token, identity, clock::now(), &mut actions);
        self.act(registry, actions);
    }

    /// Finds out the processes of those legacy connections that have announced themselves in this
    /// turn; and of those that are still silent, so that they do not hold up others.
    pub(super) fn identify(&mut self, registry: &Registry) {
        if self.unidentified.is_empty() {
            return;
        }
        let announced = std::mem::take(&mut self.unidentified);
        let ends = |token: &usize| {
            let connection = self.connections.get(*token)?;
            Some((*token, (connection.local, connection.peer)))
        };
        let (mut tokens, mut ends): (Vec<_>, Vec<_>) = announced.iter().filter_map(ends).unzip();
        let places: BTreeSet<IpAddr> = ends.iter().map(|(_, peer)| peer.ip()).collect();
        for (token, connection) in self.connections.iter() {
            if !connection.announced && places.contains(&connection.peer.ip()) {
                tokens.push(token);
                ends.push((connection.local, connection.peer));
            }
        }
        let found: Vec<_> = tokens.into_iter().zip(owners(&ends)).zip(ends).collect();
        for &((token, owner), _) in &found {
            let silent = self.connections.get(token).is_some_and(|c| !c.announced);
            if let (true, Owner::Process(process)) = (silent, owner) {
                let owner = Identity::Process(process.pid, process.start_ticks);
                self.pairing.owned(token, owner);
            }
        }
        for ((token, owner), (_, peer)) in found {
            if self.connections.get(token).is_some_and(|connection| connection.announced) {
                let identity = match owner {
                    Owner::Process(process) => Identity::Process(process.pid, process.start_ticks),
                    _ if self.options.legacy == LegacyPolicy::LocalPid => Identity::Refused,
                    _ => Identity::Address(peer.ip()),
                };
                self.identified(registry, token, identity);
            }
        }
    }

    /// Carries out what the pairing decided.
    pub(super) fn act(&mut self, registry: &Registry, mut actions: Vec<Action>) {
        for action in actions.drain(..) {
            match action {
                Action::Pair { request, response } => self.pair(registry, request, response),
                Action::Close(token, why) => self.release(token, why),
                Action::Report(text) => log_warning!(self.log, "{text}"),
            }
        }
        // Further actions that arose meanwhile have been carried out by a nested call.
        self.actions = actions;
        self.count_connections();
    }

    fn pair(&mut self, registry: &Registry, request: usize, response: usize) {
        let (Some(first), Some(second)) =
            (self.connections.get(request), self.connections.get(response))
        else {
            return;
        };
        let refusal = if self.clients.len() >= self.options.clients_max {
            Some("too many clients")
        } else if self.are_strangers(first, second) {
            Some("its two connections are not of one process")
        } else {
            None
        };
        if let Some(why) = refusal {
            log_warning!(self.log, "Closing the client at {}: {why}", first.peer);
            return self.close(registry, request, why);
        }
        log_info!(self.log, "Client at {} and {} connected", first.peer, second.peer);
        let dialect = first.dialect;
        let info = first.peer_info();
        let is_duplex = self.options.duplex && info.duplex && info.session.is_some();
        let client = Client { response, dialect, outstanding: 0, outstanding_bytes: 0 };
        self.clients.insert(request, client);
        for token in [response, request] {
            self.wait_for(token, None);
            let Some(connection) = self.connections.get_mut(token) else { continue };
            let sent = connection.wire.session.send_ready(&self.announcement.properties());
            if let Err(error) = sent {
                return self.close(registry, token, &error.to_string());
            }
            self.send(registry, token);
        }
        if is_duplex {
            self.join(request, response);
        }
    }

    /// Has responses go out on the request connection, behind the server's READY.
    fn join(&mut self, request: usize, response: usize) {
        let Some(mut first) = self.connections.take_out(request) else { return };
        if let Some(second) = self.connections.get_mut(response) {
            second.wire.send_on(&mut first.wire);
            first.is_duplex = true;
        }
        self.connections.put_back(request, first);
    }

    /// Whether two legacy connections are seen to be of different processes. Looked up once more
    /// now that both are there: a socket may have changed hands.
    fn are_strangers(&self, first: &Connection, second: &Connection) -> bool {
        let by_process = matches!(self.options.legacy, LegacyPolicy::Auto | LegacyPolicy::LocalPid);
        let has_session = [first, second].iter().all(|one| one.peer_info().session.is_some());
        if !by_process || has_session || !is_of_this_host(first.peer.ip()) {
            return false;
        }
        let found = owners(&[(first.local, first.peer), (second.local, second.peer)]);
        found.iter().any(|owner| matches!(owner, Owner::Process(_))) && found[0] != found[1]
    }

    /// Closes a connection, and with it its twin.
    pub(super) fn close(&mut self, registry: &Registry, token: usize, why: &str) {
        self.release(token, why);
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.closed(token, clock::now(), &mut actions);
        self.act(registry, actions);
    }

    fn release(&mut self, token: usize, why: &str) {
        self.wait_for(token, None);
        // Dropping the last handle of a socket closes it and ends its registration.
        let Some(mut connection) = self.connections.remove(token) else { return };
        if let Some(body) = &mut connection.body {
            self.forget_body(body);
        }
        if self.clients.remove(&token).is_some() {
            log_info!(self.log, "Client at {} disconnected: {why}", connection.peer);
        } else {
            log_debug!(self.log, "Connection from {} ended: {why}", connection.peer);
        }
    }

    pub(super) fn count_connections(&self) {
        self.counters.clients.store(self.clients.len() as u64, Ordering::Relaxed);
        self.counters.held.store(self.pairing.held_count() as u64, Ordering::Relaxed);
    }
}
