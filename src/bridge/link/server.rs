//! The serving end of a bridge: sockets and turns, without the meaning of the messages.
//!
//! The owner forwards the calls of its event loop, and implements [`Service`].

mod room;
mod slow;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::Token;

use super::acceptor::{Accepted, Acceptor, FIRST_CONNECTION};
use super::budget::Budget;
use super::connection::{ActiveClient, ClientId, ReadState};
use super::delivery::Delivery;
use super::options::{add, LinkCounters, LinkOptions};
use super::owners::Owners;
use super::pairing::ConnectionId;
use super::peers::Peers;
use super::reading::{read_client, read_session, ReadEnd};
use super::release::Release;
use super::scratch::with_scratch;
use super::service::{Service, Turn};
use super::starved::Starved;
use super::turns::Turns;
use crate::clock::{self, Time};
use crate::headroom;
use crate::logging::{log_warning, Logger};
use crate::net::listener::ListenerPair;
use crate::net::owner::Finder;
use crate::net::{DriverHandle, Readiness, Registry};
use crate::proto::bridge::property::Announcement;
use crate::security::Subscription;

/// Number of connections of one listener accepted in one turn of the loop.
const ACCEPTS_PER_TURN_MAX: usize = 64;
/// Time of one turn of the loop for connections that are accepted, and for those without a client:
/// the clients do not wait for them any longer.
const STRANGERS_TIME_MAX: Duration = Duration::from_millis(2);
/// The connections of a server and their pending work.
pub struct Link<S: Service> {
    acceptor: Acceptor,
    peers: Peers<S>,
    handle: DriverHandle,
    counters: Arc<LinkCounters>,
    log: Arc<Logger>,
    turns: Turns,
    /// Connections without a client that have events to be handled.
    strangers: VecDeque<ConnectionId>,
    /// Connections whose last turn ended early, in the order of their next ones.
    yielded: VecDeque<ConnectionId>,
    /// Clients with output queued outside of their turn.
    answered: Vec<ConnectionId>,
    /// Wake the loop when the allowed keys or the rules of access have changed.
    _changes: Vec<Subscription>,
    /// Clients that wait for room in the budget.
    starved: Starved,
    /// What the budget has been charged with for what the service holds for nobody in particular.
    common_charged: u64,
    /// Octets in a second that a peer has to go on with; 0 for any.
    progress_rate: u32,
    /// That holds for unread output too.
    limits_output: bool,
    release: Release,
    /// Since when the speed of peers has been measured for others.
    measured_at: Option<Time>,
}

impl<S: Service> Link<S> {
    /// Serves the clients that connect to `listeners`, in the owner's event loop, that of `handle`.
    pub fn new(
        handle: DriverHandle,
        listeners: Vec<ListenerPair>,
        options: LinkOptions,
        announcement: Announcement,
        find_owners: Finder,
        (counters, log): (Arc<LinkCounters>, Arc<Logger>),
    ) -> Link<S> {
        headroom::prepare();
        let lookups = Owners::new(find_owners, handle.clone());
        let reserved = options.descriptors_reserved;
        let changes = changes_of(&options, &handle);
        let (bytes_max, clients_max) = (options.budget_bytes_max, options.clients_max);
        let budget = Budget::new(bytes_max, clients_max, handle.clone(), counters.clone());
        let progress_rate = options.progress_per_second_min;
        let limits_output = !options.silence.unread_max.is_zero();
        let of_peers = (counters.clone(), log.clone());
        Link {
            acceptor: Acceptor::new(listeners, reserved, log.clone()),
            peers: Peers::new(options, announcement, lookups, budget, of_peers),
            handle,
            counters,
            log,
            turns: Turns::default(),
            strangers: VecDeque::new(),
            yielded: VecDeque::new(),
            answered: Vec::new(),
            _changes: changes,
            starved: Starved::default(),
            common_charged: 0,
            progress_rate,
            limits_output,
            release: Release::default(),
            measured_at: None,
        }
    }

    /// Accepts nobody before `time`, unless it is [opened](Self::open).
    pub fn open_at(&mut self, time: Time) {
        self.acceptor.open_at(time);
    }

    /// Accepts clients from now on.
    pub fn open(&mut self) {
        self.acceptor.open();
    }

    // ------------------------------------------------------------------ calls of the event loop

    /// Registers the listeners.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn start(&mut self, registry: &Registry) -> io::Result<()> {
        self.acceptor.register(registry, self.peers.options.silence)
    }

    /// A socket is ready. Those of clients are handled at once, others at the end of the turn.
    pub fn ready(&mut self, service: &mut S, Token(token): Token, readiness: Readiness) {
        if token < FIRST_CONNECTION {
            return self.acceptor.note_ready(token);
        }
        let Some(connection) = self.peers.connections.get_mut(&token) else { return };
        connection.wire.is_read_closed |= readiness.read_closed || readiness.error;
        if connection.waits_until.is_none() {
            return self.handle_events(service, token, readiness);
        }
        let former = connection.events.replace(readiness);
        match former {
            Some(former) => connection.events = Some(readiness.with(former)),
            None => self.strangers.push_back(token),
        }
    }

    /// Handles what has become ready on a connection.
    fn handle_events(&mut self, service: &mut S, token: ConnectionId, readiness: Readiness) {
        let Some(connection) = self.peers.connections.get_mut(&token) else { return };
        let is_client = connection.client.is_some();
        let has_turn = connection.input.state == ReadState::Yielded;
        if readiness.readable || readiness.read_closed || readiness.error {
            if !has_turn {
                // Also sends the client's pending output.
                self.read(service, token);
            }
        } else if is_client {
            self.flush(service, token, false);
            self.resume(service, token);
        }
        if readiness.writable && !is_client {
            self.flush_output(service, token);
        }
    }

    /// The loop has been woken.
    pub fn woken(&mut self, service: &mut S) {
        self.peers.withdraw(service);
        self.peers.take_owners(service);
        if self.peers.budget.is_pressed() {
            self.make_room_for_others(service, clock::now());
        }
        self.go_on(service);
    }

    /// Reads connections whose last turn ended early, as long as there is time.
    fn go_on(&mut self, service: &mut S) {
        for _ in 0..self.yielded.len() {
            if self.handle.is_inherited() {
                return;
            }
            if self.turns.is_used_up(clock::now()) {
                // Others first, which have become ready meanwhile.
                return self.handle.wake();
            }
            let Some(id) = self.yielded.pop_front() else { return };
            if let Some(connection) = self.peers.connections.get_mut(&id) {
                connection.input.state = ReadState::Reading;
                self.read(service, id);
            }
        }
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn deadline(&self) -> Option<Time> {
        clock::earliest([
            self.acceptor.deadline(),
            self.peers.deadline(),
            self.peers.unfinished.deadline(),
            self.starved.deadline(),
            self.release.deadline(),
        ])
    }

    /// Does what is due at `now`.
    pub fn timeout(&mut self, service: &mut S, now: Time) {
        for id in self.peers.checks.ending(now) {
            self.read(service, id);
        }
        self.peers.timeout(service, now);
        if self.peers.unfinished.deadline().is_some_and(|deadline| deadline <= now) {
            self.check_progress(service, now);
        }
        self.make_room(service, now);
        self.acceptor.timeout(now);
    }

    /// Called when all events of a turn of the loop have been delivered, and those of clients have been
    /// handled. Returns whether there were others or newcomers: they may have become clients and have left
    /// output.
    pub fn end_turn(&mut self, registry: &Registry, service: &mut S) -> bool {
        self.turns.end();
        self.peers.close_failed_answers(service);
        let end = clock::now() + STRANGERS_TIME_MAX;
        let is_any = !self.strangers.is_empty() || self.acceptor.is_any_ready();
        self.handle_strangers(service, end);
        if self.handle.is_inherited() {
            return false;
        }
        let is_more = self.accept(registry, service, end);
        if is_more || !self.strangers.is_empty() {
            // Clients first, which have become ready meanwhile.
            self.handle.wake();
        }
        self.turns.forget();
        self.peers.find_owners();
        is_any
    }

    /// Handles the events of connections without a client, until `end`, and those of one at least.
    fn handle_strangers(&mut self, service: &mut S, end: Time) {
        for _ in 0..self.strangers.len() {
            let Some(id) = self.strangers.pop_front() else { return };
            let connection = self.peers.connections.get_mut(&id);
            if let Some(events) = connection.and_then(|one| one.events.take()) {
                self.handle_events(service, id, events);
            }
            // The first request of a new client may have run a slave that forks.
            if self.handle.is_inherited() || clock::now() >= end {
                return;
            }
        }
    }

    /// Serves no further clients, and tells them why.
    pub fn refuse_newcomers(&mut self, why: impl FnOnce() -> String) {
        self.peers.newcomers_refused.get_or_insert_with(why);
    }

    /// The output of all clients so far, which is to be delivered.
    pub fn delivery(&self) -> Delivery {
        Delivery::of(&self.peers.connections)
    }

    /// The number of connections that have not delivered all of it.
    pub fn undelivered(&self, delivery: &mut Delivery, now: Time) -> u64 {
        delivery.check(&self.peers.connections, now)
    }

    /// Closes all connections, after one last attempt to send queued output.
    pub fn stop(&mut self, service: &mut S) {
        for id in std::mem::take(&mut self.answered) {
            self.flush(service, id, true);
        }
        self.peers.clear();
    }

    /// Accepts connections until `end`, and one of each listener at least. Returns whether there may
    /// be more.
    fn accept(&mut self, registry: &Registry, service: &mut S, end: Time) -> bool {
        let Link { acceptor, peers, .. } = self;
        for token in acceptor.ready() {
            let side = acceptor.side(token);
            for _ in 0..ACCEPTS_PER_TURN_MAX {
                match acceptor.accept(token, |newcomer| peers.room_for(service, newcomer)) {
                    Accepted::Connection(stream, peer) => {
                        peers.admit(registry, service, side, (stream, peer));
                    }
                    Accepted::Closed => {}
                    Accepted::Nobody => break,
                }
                if clock::now() >= end {
                    break;
                }
            }
        }
        acceptor.is_any_ready()
    }

    // ------------------------------------------------------------------ reading

    /// Reads a connection until it is drained, its turn is over, or it stalls. Then sends its
    /// client's answers, so that they do not wait for the requests of other clients.
    fn read(&mut self, service: &mut S, id: ConnectionId) {
        let mut turn = self.turns.next(clock::now());
        let end = loop {
            match self.read_some(service, id, &mut turn) {
                Some(ReadEnd::Announced) => self.peers.announced(service, id),
                end => break end,
            }
        };
        if matches!(end, Some(ReadEnd::Lost(_))) && self.is_read_on(service, id) {
            return;
        }
        let Some(connection) = self.peers.connections.get_mut(&id) else { return };
        let is_ending = connection.client.as_ref().is_some_and(|client| client.ends_by.is_some());
        let input = &mut connection.input;
        match end {
            None | Some(ReadEnd::Drained | ReadEnd::Announced) => input.state = ReadState::Reading,
            Some(ReadEnd::Stalled) => {
                input.state = ReadState::Stalled;
                if let Some(client) = connection.client.as_mut().filter(|one| one.wanted > 0) {
                    if !std::mem::replace(&mut client.is_starved, true) {
                        self.starve(service, id, turn.now);
                    }
                }
            }
            Some(ReadEnd::Yielded) => {
                input.state = ReadState::Yielded;
                self.yielded.push_back(id);
                self.handle.wake();
            }
            Some(ReadEnd::Lost(why)) => self.close(service, id, &why),
            Some(ReadEnd::NoMemory) => self.close_for_memory(service, id),
            Some(ReadEnd::Violated(why)) => {
                let peer = connection.peer;
                let why = format!("{peer}: {why}");
                log_warning!(self.log, from peer.origin(); "Closing a connection: {why}");
                self.close(service, id, &why);
            }
            Some(ReadEnd::Malformed(count)) => {
                add(&self.counters.closed_malformed, 1);
                let why = format!(
                    "it has sent {count} malformed messages in a second (the server's option \
                     malformed_per_second_max)"
                );
                let peer = connection.peer;
                log_warning!(self.log, from peer.origin(); "Closing the client at {peer}: {why}");
                self.dismiss(service, id, &why);
            }
        }
        if is_ending {
            self.peers.end_later(id, turn.now);
        }
        self.note_progress(id, turn.now);
    }

    /// A connection has ended. Whether it is that for the answers of a client whose last requests
    /// count: then these are read on.
    fn is_read_on(&mut self, service: &mut S, id: ConnectionId) -> bool {
        let [client] = self.peers.clients_of(id)[..] else { return false };
        let is_read_on =
            self.peers.with_client(client, |client| service.answers_ended(client)) == Some(true);
        if is_read_on {
            self.peers.end_later(client, clock::now());
        }
        is_read_on
    }

    /// Closes a connection. The clients that share its answers may have stalled for it.
    fn close(&mut self, service: &mut S, id: ConnectionId, why: &str) {
        let clients = self.peers.clients_of(id);
        self.peers.close(service, id, why);
        clients.into_iter().for_each(|client| self.resume(service, client));
    }

    /// Closes the connections of a client, after telling it why if it is one of ours.
    fn dismiss(&mut self, service: &mut S, id: ConnectionId, why: &str) {
        self.peers.tell(id, why);
        self.close(service, id, why);
    }

    /// Reads a connection, whether it belongs to a client or is not paired yet. `None` if it has
    /// gone.
    fn read_some(&mut self, service: &mut S, id: ConnectionId, turn: &mut Turn) -> Option<ReadEnd> {
        let Link { peers, counters, handle, .. } = self;
        let read = peers.with_client(id, |client| loop {
            let end = with_scratch(|scratch| {
                read_client(service, client, scratch, turn, (handle, counters))
            });
            // The slave may have forked, so that this may be the child.
            if handle.is_inherited() {
                return end;
            }
            if let Err(error) = service.flush(client, turn.now) {
                return ReadEnd::failed(error);
            }
            // If the system has taken all output, no readiness event follows: check for room here.
            match end {
                ReadEnd::Stalled if !client.is_fed() || !service.has_room(client) => return end,
                ReadEnd::Stalled if turn.is_over() => return ReadEnd::Yielded,
                ReadEnd::Stalled => {}
                _ => return end,
            }
        });
        if read.is_some() {
            return read;
        }
        let connection = peers.connections.get_mut(&id)?;
        if !headroom::is_there() {
            return Some(ReadEnd::NoMemory);
        }
        let end = with_scratch(|scratch| read_session(connection, scratch, counters));
        self.flush_output(service, id);
        self.charge_handshake(service, id);
        Some(end)
    }

    // ------------------------------------------------------------------ sending

    /// Sends the output of a connection that is not a client's request connection, and reads the
    /// clients that stalled for it. Another client that shares it may have sent that in its turn.
    fn flush_output(&mut self, service: &mut S, id: ConnectionId) {
        let clients = self.peers.clients_of(id);
        if clients.is_empty() {
            return self.peers.flush(service, id);
        }
        clients.iter().for_each(|&client| self.flush(service, client, false));
        clients.into_iter().for_each(|client| self.resume(service, client));
    }

    /// Sends the output of a client, which `is_answered` since the last time or takes what is left. One that
    /// does neither is as idle as before.
    fn flush(&mut self, service: &mut S, id: ConnectionId, is_answered: bool) {
        if self.handle.is_inherited() {
            return;
        }
        let now = clock::now();
        let flushed = self.peers.with_client(id, |client| {
            if is_answered || client.backlog() > 0 {
                client.input.latest = now;
            }
            service.flush(client, now)
        });
        if let Some(Err(error)) = flushed {
            return self.peers.close_failed(service, id, &error);
        }
        self.note_progress(id, now);
    }

    /// Reads a stalled client again.
    fn resume(&mut self, service: &mut S, id: ConnectionId) {
        let connection = self.peers.connections.get(&id);
        if connection.is_some_and(|one| one.input.state == ReadState::Stalled) {
            self.read(service, id);
        }
    }

    /// Runs `work` on a client outside of its turn. [`flush_answered`](Self::flush_answered) sends
    /// the output that it queues. `None` if the client has gone.
    pub fn with_client<R>(
        &mut self,
        id: ClientId,
        work: impl FnOnce(&mut ActiveClient<'_, S::Client>) -> R,
    ) -> Option<R> {
        let mine =
            |client: &mut ActiveClient<'_, S::Client>| (client.id == id).then(|| work(client));
        let worked = self.peers.with_client(id.connection, mine)??;
        if self.answered.last() != Some(&id.connection) {
            self.answered.push(id.connection);
        }
        Some(worked)
    }

    // ------------------------------------------------------------------ sending outside of turns

    /// Sends the output queued outside of the clients' turns, and reads the clients again that
    /// stalled for it. Returns whether there was any.
    pub fn flush_answered(&mut self, service: &mut S) -> bool {
        self.feed(service);
        let mut answered = std::mem::take(&mut self.answered);
        let is_any = !answered.is_empty();
        answered.iter().for_each(|&id| self.flush(service, id, true));
        answered.drain(..).for_each(|id| self.resume(service, id));
        self.answered = answered;
        is_any
    }
}

/// Has the loop woken when the allowed keys or the rules of access have changed.
fn changes_of(options: &LinkOptions, handle: &DriverHandle) -> Vec<Subscription> {
    let wake = || {
        let handle = handle.clone();
        move || handle.wake()
    };
    let keys = options.curve.as_ref().map(|curve| curve.subscribe(wake()));
    let rules = options.access_list.as_ref().map(|list| list.subscribe(wake()));
    keys.into_iter().chain(rules).collect()
}

#[cfg(test)]
mod tests;
