//! The server's event loop: listeners, connections, and which of them belong together.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use parking_lot::Mutex;

use super::{add, Counters, LegacyPolicy, ServerOptions};
use crate::bridge::pairing::{Action, Identity, Pairing, Side};
use crate::bridge::wire::{
    Received, Wire, HANDSHAKE_TIME_MAX, READ_OCTETS, RESPONSES_UNREAD_TIME_MAX,
};
use crate::clock::{self, Time};
use crate::logging::{log_debug, log_info, log_warning, Logger};
use crate::memory::{Master, Observer, Transaction};
use crate::net::address::canonical;
use crate::net::event_loop::{self, LoopHandle, Readiness};
use crate::net::owner::{owners, Owner};
use crate::net::socket::{self, cause_text, ListenerPair};
use crate::proto::bridge::property::Announcement;
use crate::proto::bridge::{Dialect, Header, PeerInfo, RequestDecoder, RequestEvent, ServerId};
use crate::proto::zmtp::{Event, Limits, Role};

const REQUEST_LISTENER: usize = 0;
const RESPONSE_LISTENER: usize = 1;
const FIRST_CONNECTION: usize = 2;

/// Connections accepted, and buffers read from one connection, before others have their turn.
const ACCEPTS_PER_TURN_MAX: usize = 64;
const READS_PER_TURN_MAX: usize = 16;
/// Rounds of answering and going on before others have their turn.
const SETTLES_PER_TURN_MAX: usize = 16;
/// How long to wait before accepting again after the system had no descriptor for it.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A connection of a client, or of somebody who may become one.
pub(super) struct Connection {
    pub(super) wire: Wire,
    side: Side,
    local: SocketAddr,
    peer: SocketAddr,
    /// Its READY has come.
    announced: bool,
    dialect: Dialect,
    decoder: RequestDecoder,
    /// A write whose data has not all come yet.
    body: Option<(Header, Vec<u8>)>,
    /// Octets read but not decoded, because the client has enough outstanding.
    leftover: Vec<u8>,
    /// Not being read, for that reason.
    stalled: bool,
}

/// A pair of connections that is served. Its key is the token of the request connection.
pub(super) struct Client {
    pub(super) response: usize,
    pub(super) dialect: Dialect,
    pub(super) outstanding: usize,
    pub(super) outstanding_bytes: u64,
}

/// A transaction that the slave has kept.
pub(super) struct Outstanding {
    pub(super) tran: Arc<Transaction>,
    pub(super) client: usize,
    pub(super) header: Header,
}

/// Where ends of transactions are left for the event loop.
pub(super) struct Completions {
    handle: LoopHandle,
    ended: Mutex<Vec<Arc<Transaction>>>,
}

impl Observer for Completions {
    fn completed(&self, tran: &Arc<Transaction>) {
        self.ended.lock().push(tran.clone());
        self.handle.wake();
    }
}

/// What came of decoding some octets of a connection.
enum Decoded {
    /// All of them.
    All,
    /// The peer's READY has come; this many octets were used.
    Ready(usize),
    /// The client has enough outstanding; this many octets were used.
    Stalled(usize),
    /// The connection is beyond repair.
    Broken(String),
}

pub(super) struct Driver {
    pub(super) master: Arc<Master>,
    pub(super) counters: Arc<Counters>,
    pub(super) log: Arc<Logger>,
    pub(super) options: ServerOptions,
    pub(super) clients: HashMap<usize, Client>,
    pub(super) connections: HashMap<usize, Box<Connection>>,
    /// Transactions that the slave has kept, by their id.
    pub(super) outstanding: HashMap<u32, Outstanding>,
    pub(super) completions: Arc<Completions>,
    /// When the deadlines of the outstanding transactions are to be looked at.
    pub(super) next_check: Option<Time>,
    /// Response connections with something to send.
    pub(super) dirty: Vec<usize>,
    handle: LoopHandle,
    listeners: [TcpListener; 2],
    announcement: Announcement,
    pairing: Pairing,
    actions: Vec<Action>,
    /// Connections that have not announced themselves, in order of their arrival.
    handshakes: VecDeque<(Time, usize)>,
    /// Connections that were not read to their end in their turn.
    unread: Vec<usize>,
    /// Listeners to accept from again.
    accept_again: Option<Time>,
    next_token: usize,
    scratch: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        handle: LoopHandle,
        listeners: ListenerPair,
        (master, counters, log): (Arc<Master>, Arc<Counters>, Arc<Logger>),
        options: ServerOptions,
        server_id: [u8; 16],
    ) -> Driver {
        let ended = Mutex::default();
        Driver {
            master,
            counters,
            log,
            pairing: Pairing::new(options.settle),
            options,
            clients: HashMap::new(),
            connections: HashMap::new(),
            outstanding: HashMap::new(),
            completions: Arc::new(Completions { handle: handle.clone(), ended }),
            next_check: None,
            dirty: Vec::new(),
            handle,
            listeners: [listeners.first, listeners.second],
            announcement: Announcement::server(ServerId(server_id)),
            actions: Vec::new(),
            handshakes: VecDeque::new(),
            unread: Vec::new(),
            accept_again: None,
            next_token: FIRST_CONNECTION,
            scratch: Vec::new(),
        }
    }

    fn accept(&mut self, registry: &Registry, listener: usize) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match socket::accept(&self.listeners[listener]) {
                Ok(None) => return,
                Ok(Some((stream, peer))) => self.admit(registry, listener, stream, peer),
                Err(error) => {
                    let cause = cause_text(&error);
                    log_warning!(self.log, "Cannot accept a connection for now: {cause}");
                    self.accept_again = Some(clock::now() + ACCEPT_RETRY);
                    return;
                }
            }
        }
        self.accept_again = Some(clock::now());
    }

    fn admit(&mut self, registry: &Registry, listener: usize, stream: TcpStream, peer: SocketAddr) {
        // Two connections a client, and as many again that wait to become clients.
        if self.connections.len() >= self.options.clients_max.saturating_mul(4) {
            log_warning!(self.log, "Closing a connection from {peer}: too many are open");
            return;
        }
        let (side, role) = match listener {
            REQUEST_LISTENER => (Side::Request, Role::Pull),
            _ => (Side::Response, Role::Push),
        };
        let frame_octets_max = u64::from(self.options.transaction_bytes_max).max(8);
        let token = self.next_token;
        self.next_token += 1;
        let wire = Wire::new(registry, token, stream, role, Limits { frame_octets_max });
        let prepared = wire.and_then(|wire| {
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
        self.handshakes.push_back((now + HANDSHAKE_TIME_MAX, token));
        let connection = Connection {
            wire,
            side,
            local,
            peer,
            announced: false,
            dialect: Dialect::Legacy,
            decoder: RequestDecoder::new(),
            body: None,
            leftover: Vec::new(),
            stalled: false,
        };
        self.connections.insert(token, Box::new(connection));
        self.send(registry, token);
        self.count_connections();
    }

    /// Reads a connection until nothing is left, its turn is over, or it must wait.
    fn read(&mut self, registry: &Registry, token: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ_OCTETS, 0);
        for _ in 0..READS_PER_TURN_MAX {
            let Some(connection) = self.connections.get(&token) else { break };
            if connection.stalled {
                break;
            }
            match connection.wire.read(&mut scratch) {
                Received::Octets(count) => {
                    add(&self.counters.bytes_in, count as u64);
                    self.feed(registry, token, &scratch[..count]);
                    continue;
                }
                Received::Nothing => {}
                Received::Closed => self.close(registry, token, "closed by the client"),
                Received::Failed(error) => self.close(registry, token, &cause_text(&error)),
            }
            self.scratch = scratch;
            return;
        }
        self.scratch = scratch;
        if self.connections.get(&token).is_some_and(|connection| !connection.stalled) {
            self.unread.push(token);
            self.handle.wake();
        }
    }

    /// Decodes octets and acts on them.
    fn feed(&mut self, registry: &Registry, token: usize, mut input: &[u8]) {
        loop {
            // Out of the map meanwhile, so that the rest of the server stays usable.
            let Some(mut connection) = self.connections.remove(&token) else { return };
            let decoded = match connection.side {
                Side::Request => self.decode_requests(token, &mut connection, input),
                Side::Response => decode_response_side(&mut connection, input),
            };
            connection.wire.queue_control();
            let has_output = connection.wire.backlog() > 0;
            if let Decoded::Stalled(used) = decoded {
                connection.stalled = true;
                connection.leftover = input[used..].to_vec();
            }
            self.connections.insert(token, connection);
            if has_output {
                self.send(registry, token);
            }
            match decoded {
                Decoded::All | Decoded::Stalled(_) => return,
                Decoded::Broken(why) => {
                    log_warning!(self.log, "Closing a connection: {why}");
                    return self.close(registry, token, &why);
                }
                Decoded::Ready(used) => {
                    input = &input[used..];
                    self.announced(registry, token);
                }
            }
        }
    }

    fn decode_requests(
        &mut self,
        token: usize,
        connection: &mut Connection,
        mut input: &[u8],
    ) -> Decoded {
        let all = input.len();
        loop {
            if !self.may_execute(token) {
                return Decoded::Stalled(all - input.len());
            }
            let received = connection.decoder.receive(&mut connection.wire.session, input);
            let (used, event) = match received {
                Ok(received) => received,
                Err(error) => return Decoded::Broken(format!("{}: {error}", connection.peer)),
            };
            input = &input[used..];
            match event {
                None => return Decoded::All,
                Some(RequestEvent::Complete { header, data }) => {
                    self.execute(token, header, data.to_vec());
                }
                Some(RequestEvent::Start(header)) => connection.body = Some((header, Vec::new())),
                Some(RequestEvent::Data { bytes, last }) => {
                    let Some((_, data)) = &mut connection.body else { continue };
                    // Grown as data comes: an announced size alone costs nothing.
                    if data.try_reserve(bytes.len()).is_err() {
                        return Decoded::Broken(format!("{}: out of memory", connection.peer));
                    }
                    data.extend_from_slice(bytes);
                    if last {
                        let (header, data) = connection.body.take().expect("looked at just now");
                        self.execute(token, header, data);
                    }
                }
                Some(RequestEvent::Malformed(malformed)) => {
                    add(&self.counters.malformed, 1);
                    log_warning!(self.log, "{malformed} (from {})", connection.peer);
                    self.refuse_malformed(token, &malformed);
                }
                Some(RequestEvent::Session(Event::PeerReady)) => {
                    return Decoded::Ready(all - input.len());
                }
                Some(RequestEvent::Session(_)) => connection.wire.queue_control(),
            }
        }
    }

    /// The connection's READY has come: finds out whose it is.
    fn announced(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let metadata = connection.wire.session.peer_metadata();
        let info = metadata.map(PeerInfo::from_metadata).unwrap_or_default();
        connection.announced = true;
        connection.dialect = info.dialect();
        let (local, peer) = (connection.local, connection.peer);
        let identity = match info.session {
            Some(session) => session.into(),
            None => self.legacy_identity(local, peer),
        };
        log_debug!(self.log, "READY from {peer}: {identity:?}");
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.announced(token, identity, clock::now(), &mut actions);
        self.act(registry, actions);
    }

    fn legacy_identity(&self, local: SocketAddr, peer: SocketAddr) -> Identity {
        let policy = self.options.legacy;
        let owner = match policy {
            LegacyPolicy::Refuse => return Identity::Refused,
            LegacyPolicy::OnePerAddress => return Identity::Address(peer.ip()),
            LegacyPolicy::Auto | LegacyPolicy::LocalPid => owners(&[(local, peer)]).pop(),
        };
        match owner {
            Some(Owner::Process(process)) => Identity::Process(process.pid, process.start_ticks),
            _ if policy == LegacyPolicy::LocalPid => Identity::Refused,
            _ => Identity::Address(peer.ip()),
        }
    }

    /// Carries out what the pairing decided.
    fn act(&mut self, registry: &Registry, mut actions: Vec<Action>) {
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
            (self.connections.get(&request), self.connections.get(&response))
        else {
            return;
        };
        let legacy = first.dialect == Dialect::Legacy;
        let by_process = matches!(self.options.legacy, LegacyPolicy::Auto | LegacyPolicy::LocalPid);
        if legacy && by_process {
            // Looked up once more, now that both are there: a socket may have changed hands.
            let ends = [(first.local, first.peer), (second.local, second.peer)];
            let found = owners(&ends);
            let known = found.iter().any(|owner| matches!(owner, Owner::Process(_)));
            if known && found[0] != found[1] {
                log_warning!(
                    self.log,
                    "Closing {} and {}: not of one process",
                    ends[0].1,
                    ends[1].1
                );
                return self.close(registry, request, "its twin belongs to another process");
            }
        }
        if self.clients.len() >= self.options.clients_max {
            log_warning!(self.log, "Closing the client at {}: too many clients", first.peer);
            return self.close(registry, request, "too many clients");
        }
        log_info!(self.log, "Client at {} and {} connected", first.peer, second.peer);
        let client =
            Client { response, dialect: first.dialect, outstanding: 0, outstanding_bytes: 0 };
        self.clients.insert(request, client);
        for token in [response, request] {
            let Some(connection) = self.connections.get_mut(&token) else { continue };
            let sent = connection.wire.session.send_ready(&self.announcement.properties());
            if let Err(error) = sent {
                return self.close(registry, token, &error.to_string());
            }
            connection.wire.queue_control();
            self.send(registry, token);
        }
    }

    /// Sends what a connection has to send, as far as the socket takes it.
    fn send(&mut self, registry: &Registry, token: usize) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        connection.wire.queue_control();
        if let Err(error) = connection.wire.flush() {
            self.close(registry, token, &cause_text(&error));
        }
    }

    /// Closes a connection, and with it its twin.
    fn close(&mut self, registry: &Registry, token: usize, why: &str) {
        self.release(token, why);
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.closed(token, clock::now(), &mut actions);
        self.act(registry, actions);
    }

    fn release(&mut self, token: usize, why: &str) {
        // Dropping the last handle of a socket closes it and ends its registration.
        let Some(connection) = self.connections.remove(&token) else { return };
        if self.clients.remove(&token).is_some() {
            log_info!(self.log, "Client at {} disconnected: {why}", connection.peer);
        } else {
            log_debug!(self.log, "Connection from {} ended: {why}", connection.peer);
        }
    }

    fn count_connections(&self) {
        self.counters.clients.store(self.clients.len() as u64, Ordering::Relaxed);
        self.counters.held.store(self.pairing.held_count() as u64, Ordering::Relaxed);
    }

    /// Takes up a connection again that had to wait for its client's transactions.
    fn resume(&mut self, registry: &Registry, token: usize) {
        if !self.may_execute(token) {
            return;
        }
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if !connection.stalled {
            return;
        }
        connection.stalled = false;
        let leftover = std::mem::take(&mut connection.leftover);
        self.feed(registry, token, &leftover);
        self.read(registry, token);
    }

    /// Answers what has ended, sends, and takes up the clients that thereby may go on.
    fn settle(&mut self, registry: &Registry) {
        for _ in 0..SETTLES_PER_TURN_MAX {
            let ended = std::mem::take(&mut *self.completions.ended.lock());
            for tran in &ended {
                self.answer_outstanding(tran);
            }
            let dirty = std::mem::take(&mut self.dirty);
            if dirty.is_empty() && ended.is_empty() {
                return;
            }
            for &response in &dirty {
                self.send(registry, response);
            }
            for response in dirty {
                if let Some(request) = self.pairing.twin(response) {
                    self.resume(registry, request);
                }
            }
        }
        // More keeps coming: let listeners and other clients have their turn.
        self.handle.wake();
    }
}

/// The client sends nothing on the response connection but greeting, READY, PING and PONG.
fn decode_response_side(connection: &mut Connection, mut input: &[u8]) -> Decoded {
    let all = input.len();
    loop {
        match connection.wire.session.receive(input) {
            Ok((_, None)) => return Decoded::All,
            Ok((used, Some(event))) => {
                input = &input[used..];
                if event == Event::PeerReady {
                    return Decoded::Ready(all - input.len());
                }
                connection.wire.queue_control();
            }
            Err(error) => return Decoded::Broken(format!("{}: {error}", connection.peer)),
        }
    }
}

impl event_loop::Driver for Driver {
    fn start(&mut self, registry: &Registry) -> io::Result<()> {
        for (token, listener) in self.listeners.iter_mut().enumerate() {
            registry.register(listener, Token(token), Interest::READABLE)?;
        }
        Ok(())
    }

    fn ready(&mut self, registry: &Registry, Token(token): Token, readiness: Readiness) {
        if token == REQUEST_LISTENER || token == RESPONSE_LISTENER {
            return self.accept(registry, token);
        }
        if readiness.writable {
            self.send(registry, token);
            if let Some(request) = self.pairing.twin(token) {
                self.resume(registry, request);
            }
        }
        if readiness.readable || readiness.read_closed || readiness.error {
            self.read(registry, token);
        }
    }

    fn woken(&mut self, registry: &Registry) {
        for token in std::mem::take(&mut self.unread) {
            self.read(registry, token);
        }
    }

    fn timeout(&mut self, registry: &Registry, now: Time) {
        let mut actions = std::mem::take(&mut self.actions);
        self.pairing.timeout(now, &mut actions);
        self.act(registry, actions);
        if self.accept_again.is_some_and(|again| now >= again) {
            self.accept_again = None;
            self.accept(registry, REQUEST_LISTENER);
            self.accept(registry, RESPONSE_LISTENER);
        }
        while let Some(&(limit, token)) = self.handshakes.front() {
            if limit > now {
                break;
            }
            self.handshakes.pop_front();
            if self.connections.get(&token).is_some_and(|connection| !connection.announced) {
                self.close(registry, token, "no handshake within 30 seconds");
            }
        }
        self.check_deadlines(now);
    }

    fn deadline(&self) -> Option<Time> {
        let handshake = self.handshakes.front().map(|&(limit, _)| limit);
        let times = [self.next_check, self.pairing.deadline(), handshake, self.accept_again];
        times.into_iter().flatten().min()
    }

    fn flush(&mut self, registry: &Registry) {
        self.settle(registry);
        let connections = &self.connections;
        let greeting = |token: &usize| connections.get(token).is_some_and(|c| !c.announced);
        while self.handshakes.front().is_some_and(|(_, token)| !greeting(token)) {
            self.handshakes.pop_front();
        }
    }

    fn stopped(&mut self, _registry: &Registry) {
        self.connections.clear();
        self.clients.clear();
        self.count_connections();
        for (_, outstanding) in self.outstanding.drain() {
            outstanding.tran.give_up("The server that requested the transaction was stopped");
            outstanding.tran.collect();
        }
    }
}
